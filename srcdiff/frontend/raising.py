"""What may raise, and what a handler may know of the variables then.

While the body of a ``try`` is read, every operation that may raise is a point from which a handler may be
entered.  A variable that is at all these points what it was before the body is that in the handler; of any
other nothing is known there.
"""

from __future__ import annotations

import operator
import sys
from dataclasses import dataclass, field
from typing import Any

import gast

from srcdiff.frontend.scope import Agg, Bound, Key, Known, Loc, Plain, State
from srcdiff.ir import ops
from srcdiff.ir.graph import Const, LoopView, Op, Ref, Val, kind, same, vals
from srcdiff.ir.kinds import OTHER, UNKNOWN, Array, Scalar, Seq, Tree, is_active_kind
from srcdiff.ir.modules import package_of

__all__ = ["Attempt", "Raised", "Reread", "raisable"]


class Reread(Exception):
    """A variable that a ``try`` may have changed or not is read: that statement has to be read in parts."""

    def __init__(self, key: Any) -> None:
        self.key = key
        super().__init__()


class Raised(Exception):
    """The statement being read raises, whatever the values are."""


@dataclass(slots=True, eq=False)
class Attempt:
    """The body of a ``try`` while it is read."""

    start: State
    key: Any
    caught: tuple[type, ...]
    raises: bool = False
    names: set[Key] = field(default_factory=set)  # changed before something that may raise
    same: dict[Key, Bound] = field(default_factory=dict)  # what a name is at every such point, if that is one
    cells: set[int] = field(default_factory=set)
    ours: bool = False  # the text is one of ours: a loop that asks an object for items
    payload: bool = False  # whether an exception raised here may carry a number
    catch: Any = None  # how exceptions of the program's own are handed to its handlers, if by a jump (thrown)
    handlers: tuple[tuple[type, ...], ...] = ()  # what each of them catches

    def note(self, state: State, op: Op) -> None:
        """``op`` may raise; ``state``: the variables at that point."""
        first, self.raises = not self.raises, True
        old = self.start.names
        for key, b in state.names.items():
            if key in self.names or (key not in self.same and key in old and unchanged(b, old[key])):
                continue
            if first and self.outlasts(b):
                self.same[key] = b
            elif key not in self.same or not unchanged(b, self.same[key]):
                self.names.add(key)
        self.names.update(key for key in (*old, *self.same) if key not in state.names)
        for cell, content in self.start.cells.items():
            if cell not in self.cells and state.cells.get(cell) is not content:
                self.cells.add(cell)
        tree = op.attrs.get("tree")
        if isinstance(tree, gast.Raise) or (isinstance(tree, gast.Assert) and tree.msg is not None):
            self.payload = self.payload or any(tells(v) for v in vals(op.ins))

    def outlasts(self, b: Bound) -> bool:
        """Whether a name that is bound in the body stands for something from before it, or for a constant."""
        if isinstance(b, Loc):
            return not b.path and b.cell in self.start.cells
        return isinstance(b, Known) or (isinstance(b, Plain) and isinstance(b.atom, (Const, Ref)))

    def catches(self, error: type) -> bool:
        """Whether an exception of this class ends here."""
        return any(issubclass(error, c) for c in self.caught)

    def may_catch(self, errors: tuple[type, ...], op: Op) -> bool:
        """Whether one of these, or of classes below them, may end here."""
        caught = [c for c in self.caught if not of_user(c)] if library_only(op) else self.caught
        return any(
            issubclass(e, c) or (issubclass(c, e) and not (errors is LIBRARY and issubclass(c, SIGNALS)))
            for e in errors
            for c in caught
        )


def of_user(cls: type) -> bool:
    """Whether an exception is of a class that no library knows."""
    return bool(cls.__flags__ & (1 << 9)) and package_of(cls) not in (*LIBRARIES, *sys.stdlib_module_names)


LIBRARIES = ("numpy", "srcdiff", "scipy")
NUMERIC = ("", "_operator", "builtins", "math", "cmath", "numpy", "srcdiff")


def library_only(op: Op) -> bool:
    """Whether an operation runs code of a library alone: on numbers and arrays."""
    if op.code != "prim" or package_of(op.fn) not in NUMERIC:
        return False
    return all(isinstance(kind(a), (Scalar, Array, Seq, Tree)) and not isinstance(a, Ref) for a in op.ins)


def tells(v: Val) -> bool:
    """Whether a value is a number, or an exception with numbers in it."""
    made = v.op
    error = made is not None and made.code == "prim" and isinstance(made.fn, type)
    if error and issubclass(made.fn, BaseException):  # type: ignore[union-attr]
        return any(is_active_kind(x.kind) for x in vals(made.ins))  # type: ignore[union-attr]
    return is_active_kind(v.kind)


def unchanged(a: Bound, b: Bound) -> bool:
    """Whether a name still stands for what it did."""
    if a is b:
        return True
    if isinstance(a, Plain) and isinstance(b, Plain):
        return same(a.atom, b.atom)
    if isinstance(a, Loc) and isinstance(b, Loc):
        return (
            a.cell == b.cell
            and len(a.path) == len(b.path)
            and all(x is y for x, y in zip(a.path, b.path, strict=True))
        )
    if isinstance(a, Agg) and isinstance(b, Agg):
        return (
            a.type is b.type
            and a.keys == b.keys
            and all(unchanged(x, y) for x, y in zip(a.items, b.items, strict=True))
        )
    return False


_NEVER = {
    ops.shape_at, ops.exit_is, ops.copied, ops.keys, ops.append, ops.stop_gradient, ops.getfield,
    operator.concat, operator.not_, operator.is_, operator.is_not, isinstance, callable, type, id, list,
    tuple,
}  # fmt: skip
_EXACT = {operator.add, operator.sub, operator.mul, operator.neg, operator.pos}
_COMPARE = {operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne}
ANYTHING: tuple[type, ...] = (BaseException,)
LIBRARY: tuple[type, ...] = (BaseException, Exception)  # of a function of a library: no signals
SIGNALS = (StopIteration, GeneratorExit)
ARITHMETIC: tuple[type, ...] = (FloatingPointError, Warning)  # of NumPy's numbers, where it is told so


def raisable(op: Op) -> tuple[type, ...]:
    """The exceptions that an operation may raise; what is inside it counts for itself."""
    if op.code in ("if", "while"):
        return ()
    if op.code == "opaque":
        return () if isinstance(op.attrs["tree"], gast.Expr) else ANYTHING  # print does not
    if op.code == "with":
        return ANYTHING if op.attrs.get("effect") else ()
    if op.code == "for":
        return ANYTHING if any(kind(s) in (UNKNOWN, OTHER) for s in LoopView(op).sources) else ()
    if op.code != "prim":
        return ANYTHING
    errors = of_function(op)
    return LIBRARY if errors is ANYTHING and of_library(op.fn) else errors


def of_library(fn: Any) -> bool:
    return fn is not next and package_of(fn) in ("builtins", "_operator", "math", "numpy", "srcdiff")


def of_function(op: Op) -> tuple[type, ...]:
    kinds = [kind(a) for a in op.ins]
    fn = op.fn
    if fn is getattr:  # the dtype of an array
        return () if isinstance(kinds[0], (Array, Scalar)) else ANYTHING
    if fn is len:
        return () if isinstance(kinds[0], (Array, Seq, Tree)) else ANYTHING
    if fn is float and isinstance(kinds[0], Scalar) and kinds[0].dtype[0] in "fib":
        return ()
    if fn is operator.getitem and isinstance(kinds[0], Tree):
        return ()
    try:
        if fn in _NEVER:
            return ()
    except TypeError:
        return ANYTHING
    if not all(isinstance(k, Scalar) for k in kinds):
        return ANYTHING
    if fn in _COMPARE:
        return ()
    if fn in _EXACT:
        whole = all(isinstance(k, Scalar) and k.dtype[0] in "ib" for k in kinds)
        return () if whole else ARITHMETIC
    return ANYTHING
