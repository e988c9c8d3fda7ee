"""Regions and their mirrors, and the small words of the backward sweep."""

from __future__ import annotations

import operator
from dataclasses import field
from typing import Any

from srcdiff.differentiate.problems import fn_name
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    UNDEF,
    Atom,
    Const,
    Op,
    Origin,
    Region,
    Struct,
    Val,
    is_none,
    is_which,
    kind,
    op_of,
    same,
)
from srcdiff.ir.kinds import (
    Array,
    Maybe,
    fresh_sym,
)
from srcdiff.ir.records import dataclass

__all__ = [
    "Kept",
    "Mirror",
    "adjoint_of",
    "needs_shape",
    "none_on",
    "same_const",
    "size_of",
    "undefined",
]


@dataclass(frozen=True)
class Kept:
    """A forward value that the backward sweep uses: its name, how it is had, and the statement it is of."""

    name: str
    how: str  # "once": it stays as it is; "per trip": on a tape; "recomputed"; "read again"
    origin: Origin | None


@dataclass(eq=False)
class Mirror:
    """A forward region, the reversed region under construction, and the cotangents alive in it."""

    parent: Mirror | None
    forward: Region
    op: Op | None
    reverse: Region
    bars: dict[Val, Atom] = field(default_factory=dict)
    memo: dict[Val, Val] = field(default_factory=dict)
    accumulators: dict[Val, Val] = field(default_factory=dict)
    rewound: dict[Val, Atom] = field(default_factory=dict)
    loop: Op | None = None  # the reversed loop
    index: Val | None = None
    ground: bool = False  # what is mirrored stands in the reversed region itself: all of it is in scope
    block: Op | None = None  # which says that loops here are run again from snapshots

    @property
    def is_loop(self) -> bool:
        return self.op is not None and self.op.is_loop


def adjoint_of(o: Origin | None, op: Op | None = None) -> Origin | None:
    """The origin of what goes back over a statement, or over one operation of it."""
    return None if o is None else o.back(fn_name(op) if op is not None and op.fn else "")


def none_on(v: Val, branch: Op, k: int) -> bool:
    """Whether a value is None on the path through region ``k`` of a branch, by its condition."""
    if branch.code != "if" or not isinstance(v.kind, Maybe):
        return False
    test: Atom = branch.ins[0]
    holds = k == 0
    while isinstance(test, Val) and test.op is not None and test.op.fn is operator.not_:
        test, holds = test.op.ins[0], not holds
    op = op_of(test)
    if op is None or op.fn not in (operator.is_, operator.is_not) or not is_none(op.ins[1]):
        return False
    return op.ins[0] is v and holds is (op.fn is operator.is_)


def undefined(v: Val, branch: Op, k: int) -> bool:
    """Whether a value is not set on the path through region ``k`` of a branch."""
    made = v.op
    if made is None or v not in made.outs or branch.code != "if":
        return False
    at = made.outs.index(v)
    if made.code == "if" and same(made.ins[0], branch.ins[0]):
        return made.regions[k].results[at] is UNDEF
    if made.code != "try" or made.regions[1].results[at] is not UNDEF:
        return False
    test = op_of(branch.ins[0])
    if test is None or test.code != "prim" or test.fn is not ops.exit_is:
        return False
    which = test.ins[0]
    if not is_which(which) or which not in made.outs:
        return False
    return (k == 1) == same(test.ins[1], Const(0))


def size_of(s: Atom) -> Any:
    k = kind(s)
    return k.dims[0] if isinstance(k, Array) and k.dims else fresh_sym()


def same_const(a: Atom, v: int) -> bool:
    return isinstance(a, Const) and type(a.value) is int and a.value == v


def needs_shape(got: Atom | None) -> bool:
    return got is None or isinstance(got, Struct)
