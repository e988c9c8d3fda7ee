"""A graph as text, for people who work on srcdiff."""

from __future__ import annotations

from srcdiff.ir.graph import Atom, Const, Graph, Op, Ref, Region, Slice, Struct, Val

__all__ = ["show"]


def atom(a: Atom) -> str:
    if isinstance(a, Val):
        return f"%{a.name or 't'}.{a.id}"
    if isinstance(a, Const):
        return repr(a.value)
    if isinstance(a, Ref):
        return a.text
    if isinstance(a, Slice):
        return f"{atom(a.lower)}:{atom(a.upper)}:{atom(a.step)}"
    if isinstance(a, Struct):
        return f"{getattr(a.type, '__name__', a.type)}({', '.join(atom(x) for x in a.items)})"
    return "undef"


def show(graph: Graph) -> str:
    """The graph's text, one operation a line."""
    lines = [f"graph {graph.name}({', '.join(f'{atom(p)}: {p.kind}' for p in graph.region.params)})"]
    _region(graph.region, 1, lines)
    return "\n".join(lines)


def _region(region: Region, depth: int, lines: list[str]) -> None:
    pad = "  " * depth
    for op in region.ops:
        lines.append(
            f"{pad}{', '.join(atom(o) for o in op.outs)} = {_head(op)}({', '.join(atom(a) for a in op.ins)})"
        )
        for r in op.regions:
            lines.append(f"{pad} ({', '.join(atom(p) for p in r.params)}):")
            _region(r, depth + 2, lines)
    lines.append(f"{pad}-> {', '.join(atom(a) for a in region.results)}")


def _head(op: Op) -> str:
    if op.code == "prim":
        return str(getattr(op.fn, "__name__", op.fn))
    extra = {k: v for k, v in op.attrs.items() if k in ("carried", "exits", "rev", "dirs", "head")}
    return f"{op.code}{extra if extra else ''}"
