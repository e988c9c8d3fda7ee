"""What is gone through and may be a dict, which only running tells: it gives its keys, not its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from srcdiff.frontend import joins
from srcdiff.frontend.expressions import content
from srcdiff.frontend.scope import Bound, Loc, Plain
from srcdiff.ir import ops
from srcdiff.ir.graph import Ref, kind
from srcdiff.ir.kinds import BOOL, UNKNOWN

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["goes_through", "gone_through"]


def goes_through(fn: Any) -> bool:
    """Whether one of Python's functions makes something of all that its argument gives."""
    return any(fn is f for f in (list, tuple, sum, min, max, sorted))


def gone_through(lw: Lowerer, b: Bound, node: Any) -> Bound:
    """What going through a value gives, as something that an index can be taken of."""
    held = content(lw, b)
    known = not (isinstance(held, Plain) or (isinstance(held, Loc) and not joins.is_lazy(lw.state, held)))
    if known or lw.frame.static or kind(lw.read(held, node)) != UNKNOWN:
        return b

    def keys() -> Bound:
        return Plain(lw.prim(ops.keys, [lw.read(held, node)], result=UNKNOWN))

    test = lw.prim(isinstance, [lw.read(held, node), Ref(dict, "dict")], result=BOOL)
    return lw.choose(test, keys, lambda: b, node, "if")
