"""The most memory that a derivative holds at once: from the sizes of its values, and its variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from srcdiff.ir import ops
from srcdiff.ir.graph import Graph, Val, walk
from srcdiff.ir.kinds import UNKNOWN
from srcdiff.memory.sizes import Sizes
from srcdiff.memory.values import Many, Other, Parts, Piece, held_by

__all__ = ["peak"]

AT_ONCE = 3  # temporaries of one expression that live together, at most


def peak(sizes: Sizes, graphs: Iterable[Graph], names: Mapping[Val, str]) -> int | None:
    """At most so many bytes are held at once; None if that depends on trips or sizes that are not known.

    ``names``: the variables of the text.  Each holds what it was last set to, so the largest of its values
    counts, lists with all that is on them; of what has no variable the largest few do.
    """
    listed: dict[Piece, int] = {}
    single: dict[str, dict[Piece, int]] = {}
    for g in graphs:
        for op in walk(g.region):
            if op.code == "prim" and op.fn in (ops.append, ops.rest):
                continue  # the list that it changes is counted where it is made
            if op.code == "call":
                return None  # how deep a function goes that calls itself is not known
            loop = op.is_loop
            for o in op.outs:
                x = sizes.env.get(o)
                if isinstance(x, Other) and o.kind == UNKNOWN:
                    return None
                if x is None or (isinstance(x, Many) and x.length is None and not loop):
                    continue  # (a list that changes is counted as its loop leaves it)
                alone = not isinstance(x, (Many, Parts))
                for p, n in held_by([x]).items():
                    if p.size is None or (p.per and not alone):
                        return None
                    into = single.setdefault(names.get(o, ""), {}) if alone else listed
                    into[p] = max(into.get(p, 0), p.size if n == 1 else p.held(n))
    total = sum(listed.values())
    counted = set(listed)
    for name, held in single.items():
        sizes_ = sorted(((n, p) for p, n in held.items() if p not in counted), key=lambda x: -x[0])
        for n, p in sizes_[: AT_ONCE if not name else 1]:
            total += n
            counted.add(p)
    return total
