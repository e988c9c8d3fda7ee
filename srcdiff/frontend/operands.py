"""Lists and tuples where an array is meant: the array that NumPy makes of them, made before the operation.

So rules see arrays wherever they expect them.  Which operands these are is asked of the `Context`.
"""

from __future__ import annotations

import inspect
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend.constants import constant
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Known, Kw, Loc, Plain
from srcdiff.frontend.words import is_const_none
from srcdiff.ir.graph import Const, Struct, kind
from srcdiff.ir.kinds import Array, Scalar, Seq
from srcdiff.ir.modules import package_of

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["as_array", "as_arrays", "by_name", "is_list", "joined", "without_nones"]


# operators that Python's lists have no part in, or whose other side decides
_ARITHMETIC = frozenset({
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.matmul,
})  # fmt: skip


def is_list(lw: Lowerer, b: Bound) -> bool:
    """Whether a bound is a list or tuple for certain, its length known or not."""
    box = content(lw, b)
    if isinstance(box, Agg):
        return box.type is list or issubclass(box.type, tuple)
    if isinstance(b, Plain):
        a = b.atom
        return (isinstance(a, Struct) and a.type in (list, tuple)) or isinstance(kind(a), Seq)
    return isinstance(b, Loc) and type(kind(lw.read(b))) is Seq


def as_array(lw: Lowerer, b: Bound, node: Any) -> Bound:
    """The array that NumPy makes of a list or tuple; anything else is left as it is."""
    if lw.frame.static or not is_list(lw, b):
        return b
    box = content(lw, b)
    if isinstance(box, Agg) and box.type not in (list, tuple):  # a namedtuple
        b = Agg(tuple, tuple(range(len(box.items))), box.items)
    return lw.call(Known(np.array, "np.array"), [b], {}, node)


def elements_as_arrays(lw: Lowerer, b: Bound, node: Any) -> Bound:
    """A sequence of arrays: each of its elements that is a list becomes an array."""
    box = content(lw, b)
    if not isinstance(box, Agg) or box.type not in (list, tuple):
        return b
    items = tuple(as_array(lw, x, node) for x in box.items)
    same = all(x is y for x, y in zip(items, box.items, strict=True))
    return b if same else Agg(box.type, box.keys, items)


def as_arrays(lw: Lowerer, fn: Any, args: Args, kwargs: Kw, node: Any) -> tuple[Args, Kw]:
    """The arguments of a function of NumPy or SciPy, with arrays where it makes arrays of lists itself."""
    top = package_of(fn) or "numpy"
    if lw.frame.static or top not in ("numpy", "scipy"):
        return args, kwargs
    found = lw.ctx.array_operands(fn)
    if found is None:
        return args, kwargs
    names, star, arrays, sequences = found
    if names[:1] == ("subscripts",) and args and not isinstance(constant(lw.read(args[0])), str):
        return args, kwargs  # lists of numbers stand for letters

    def made(name: str, b: Bound) -> Bound:
        if name in arrays:
            return as_array(lw, b, node)
        return elements_as_arrays(lw, b, node) if name in sequences else b

    positions = (*names[: len(args)], *(star,) * (len(args) - len(names)))
    args = [made(name, a) for name, a in zip(positions, args, strict=True)]
    return args, {name: made(name, a) for name, a in kwargs.items()}


def by_name(lw: Lowerer, fn: Any, args: Args, kwargs: Kw) -> tuple[Args, Kw]:
    """The call with names from where the parameters of a function and those of its rule part.

    ``np.mean(x, 0, float)`` gives a type, where the rule has ``keepdims``.
    """
    same, names = lw.ctx.options(fn)
    if lw.frame.static or not same or len(args) <= same or len(args) > len(names):
        return args, kwargs
    more = dict(zip(names[same:], args[same:], strict=False))
    if more.keys() & kwargs.keys():
        return args, kwargs
    if "out" in more and lw.read(more["out"]) == Const(None):
        del more["out"]
    return args[:same], {**more, **kwargs}


def without_nones(lw: Lowerer, fn: Any, kwargs: Kw) -> Kw:
    """The options that are not None where a function of an array library has None without them, too."""
    owner = getattr(fn, "__self__", None)  # (of np.add.accumulate)
    package = package_of(owner if isinstance(owner, np.ufunc) else fn)
    if lw.frame.static or package not in ("numpy", "scipy") or not any(map(is_const_none, kwargs.values())):
        return kwargs
    usual = none_by_default(fn)
    return {name: b for name, b in kwargs.items() if name not in usual or not is_const_none(b)}


def none_by_default(fn: Any) -> frozenset[str]:
    """The parameters that are None where they are left out."""
    try:
        params = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # (what is compiled need not say)
        return frozenset({"out", "dtype", "signature"} if isinstance(fn, np.ufunc) else ())
    return frozenset(p.name for p in params if p.default is None)


def joined(lw: Lowerer, fn: Any, left: Bound, right: Bound, node: Any) -> tuple[Bound, Bound]:
    """The sides of an operator: a list beside an array is the array that NumPy makes of it."""
    if fn not in _ARITHMETIC or lw.frame.static:
        return left, right
    lists = is_list(lw, left), is_list(lw, right)
    if lists[0] == lists[1]:
        return left, right
    number = kind(lw.read(right if lists[0] else left, node))
    ours = isinstance(number, Array) or (
        isinstance(number, Scalar) and not number.weak and number.dtype[0] in "fc"
    )
    if not ours:
        return left, right
    return (as_array(lw, left, node), right) if lists[0] else (left, as_array(lw, right, node))
