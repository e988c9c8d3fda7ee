"""What a graph applies: a pass that looks for something else has nothing to do there, and is not begun."""

from __future__ import annotations

from typing import Any

from srcdiff.ir.graph import Graph, walk

__all__ = ["Held"]


class Held:
    """The functions and the codes of the operations of a graph, as they are when this is asked."""

    def __init__(self, graph: Graph) -> None:
        self.functions: dict[int, Any] = {}  # by identity: not all can be hashed
        self.codes: set[str] = set()
        for op in walk(graph.region):
            self.functions[id(op.fn)] = op.fn
            self.codes.add(op.code)

    def any(self, *functions: Any) -> bool:
        return any(id(f) in self.functions for f in functions)

    def all(self, *functions: Any) -> bool:
        return all(id(f) in self.functions for f in functions)
