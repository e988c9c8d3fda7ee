"""What a derivative holds in memory: the sizes of a graph's values, and loops chosen to be run again."""
