"""Every error of srcdiff: what it means, an example that raises it, and the rewrite that works."""
