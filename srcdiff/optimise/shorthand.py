"""Quick ways to what a derivative computes: a pattern of operations becomes one call of a helper.

The very last of the rewrites, and of texts for NumPy only: before it a graph is in the words that masks,
batching, kernels and other array modules know.  A pattern is an expression of Python's; its free names stand
for any value, equal ones for one value; ``newaxis(x, axis)`` is ``x`` with a new axis at that place,
``turned(x, axis)`` is ``x`` the other way round.
"""

from __future__ import annotations

import ast
import functools
import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    Op,
    Ref,
    Region,
    Slice,
    Val,
    kind,
    rank,
    same,
    walk,
)
from srcdiff.ir.indices import ALL, parts_of
from srcdiff.ir.kinds import Array, Scalar, elements_of, of_one_size
from srcdiff.ir.records import dataclass
from srcdiff.ir.regions import readers_of
from srcdiff.optimise.dce import dce
from srcdiff.optimise.small_shapes import is_hashable

__all__ = ["Pattern", "pattern", "shorthand"]

OPERATORS: dict[type, Any] = {
    ast.Eq: operator.eq, ast.Gt: operator.gt, ast.Lt: operator.lt, ast.Div: operator.truediv,
    ast.Mult: operator.mul, ast.Add: operator.add, ast.Sub: operator.sub, ast.USub: operator.neg,
    ast.Invert: operator.invert,
}  # fmt: skip
NONE = Const(None)
Readers = Mapping[Val, Sequence[Op | None]]


@dataclass(frozen=True)
class Call:
    """An operation of a pattern: positional operands, and those by name."""

    fn: Any
    args: tuple[Any, ...]
    names: Mapping[str, Any]

    @functools.cached_property
    def operands(self) -> dict[str, Any]:
        """The operands by the names of the parameters."""
        return {**by_name(self.fn, self.args, ("",) * len(self.args)), **self.names}


@dataclass(frozen=True)
class Pattern:
    """What is looked for, and the call that it becomes: of free names and constants."""

    root: Call
    helper: Any
    args: tuple[str | Const, ...]
    shared: frozenset[Any]
    least: int  # only where it is surely an array, of so many elements at the call if that is more than one
    factor: bool = False  # only where doubles are multiplied by it: it may be a mask
    mark: str = ""  # only of operations that say so

    def functions(self) -> set[Any]:
        """The functions in it."""
        out, todo = set(), [self.root]
        while todo:
            call = todo.pop()
            todo += [a for a in call.operands.values() if isinstance(a, Call)]
            if call.fn not in STANDING:
                out.add(call.fn)
        return out

    @functools.cached_property
    def identities(self) -> frozenset[int]:
        """Of the functions in it: where one of them is not met, there is nothing to find."""
        return frozenset(map(id, self.functions()))

    def may_be(self, op: Op, seen: Mapping[int, int]) -> bool:
        """Whether the operands of an operation are made by the functions that they should be made by."""
        k = op.out.kind
        if self.mark and not op.attrs.get(self.mark):
            return False
        if self.least and not (isinstance(k, Array) and k.dims):
            return False
        if self.least > 1 and elements_of(k, seen) < self.least:
            return False
        names = op.attrs.get("names")
        for n, p in enumerate(self.root.args):
            if isinstance(p, Call) and p.fn not in STANDING and not (names and names[n : n + 1] != ("",)):
                a = op.ins[n] if n < len(op.ins) else None
                if not isinstance(a, Val) or a.op is None or a.op.fn is not p.fn:
                    return False
        return True


def pattern(
    text: str,
    helper: Any,
    args: tuple[Any, ...],
    shared: frozenset[Any],
    least: int,
    factor: bool,
    mark: str,
    words: Callable[[str], Any],
) -> Pattern:
    """The pattern of a text; ``words``: what its names of functions mean, by ``words(name)``."""

    def node(e: ast.expr) -> Any:
        match e:
            case ast.Name(id=name):
                return name
            case ast.Constant(value=value):
                return Const(value)
            case ast.Compare(left=a, ops=[op], comparators=[b]):
                return Call(OPERATORS[type(op)], (node(a), node(b)), {})
            case ast.BinOp(left=a, op=op, right=b):
                return Call(OPERATORS[type(op)], (node(a), node(b)), {})
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return Const(-value)
            case ast.UnaryOp(op=op, operand=a):
                return Call(OPERATORS[type(op)], (node(a),), {})
            case ast.Attribute(value=a, attr="dtype"):
                return Call(getattr, (node(a), Const("dtype")), {})
            case ast.Attribute():
                return Ref(words(ast.unparse(e)), ast.unparse(e))
            case ast.Call(func=fn, args=given, keywords=named):
                name = ast.unparse(fn)
                if name in WAYS:
                    return Call(WAYS[name], tuple(map(node, given)), {"": words(name)})
                named_args = {k.arg or "": node(k.value) for k in named}
                return Call(MARKS.get(name) or words(name), tuple(map(node, given)), named_args)
        raise ValueError(ast.unparse(e))

    root = node(ast.parse(text, mode="eval").body)
    assert isinstance(root, Call)
    given = tuple(a if isinstance(a, str) else Const(*a) for a in args)
    return Pattern(root, helper, given, shared, least, factor, mark)


def newaxis() -> None:
    """Stands in patterns for an index that adds an axis."""


def thin() -> None:
    """Stands in patterns for a value that is one number along an axis of ``a``, or altogether."""


def alike() -> None:
    """Stands in patterns for a value of the rank of ``a``."""


def turned() -> None:
    """Stands in patterns for what is turned round along an axis: the function, or an index of a vector."""


STANDING = (newaxis, thin, alike, turned)
MARKS: dict[str, Any] = {"thin": thin, "alike": alike}
WAYS: dict[str, Any] = {"newaxis": newaxis, "turned": turned}


def shorthand(graph: Graph, patterns: Sequence[Pattern]) -> Graph:
    """The graph, changed: what the patterns describe is done by their helpers."""
    met = {id(op.fn) for op in walk(graph.region)} | {id(p.helper) for p in patterns}
    by_root: dict[Any, list[Pattern]] = {}
    for p in patterns:
        if p.identities <= met:
            by_root.setdefault(p.root.fn, []).append(p)
    if not by_root:
        return graph
    if in_region(graph.region, by_root, readers_of(graph.region), graph.info.get("seen", {})):
        dce(graph)
    return graph


def in_region(
    region: Region, by_root: dict[Any, list[Pattern]], readers: Readers, seen: Mapping[int, int]
) -> bool:
    here = {id(op) for op in region.ops}
    changed = False
    for n in reversed(range(len(region.ops))):  # (a pattern may be a part of another)
        op = region.ops[n]
        for r in op.regions:
            changed |= in_region(r, by_root, readers, seen)
        if op.code != "prim" or not is_hashable(op.fn):
            continue
        for p in by_root.get(op.fn, ()):
            if not p.may_be(op, seen) or (p.factor and not is_factor(op.out, readers)):
                continue
            found = Match(here, p.shared)
            if found.op(op, p.root) and found.is_alone(op, readers):
                given = [found.bound[a] if isinstance(a, str) else a for a in p.args]
                attrs = {"fn": p.helper, "names": ("",) * len(given), "text": p.helper.__name__}
                new = Op("prim", given, op.outs, attrs=attrs, origin=op.origin)
                op.out.op = new
                k = op.out.kind
                if isinstance(k, Array) and not k.dims and all(isinstance(kind(a), Scalar) for a in given):
                    op.out.kind = Scalar(k.dtype, False)  # what was made for arrays gave one without axes
                elif p.factor and isinstance(k, Array):
                    op.out.kind = Array("b1", k.dims)  # (so nothing is done in place in it)
                region.ops[n] = new
                changed = True
                break
    return changed


BACKWARDS = Slice(NONE, NONE, Const(-1))


class Match:
    """One attempt: what the names of a pattern stand for."""

    def __init__(self, here: set[int], shared: frozenset[Any]) -> None:
        self.here, self.shared = here, shared
        self.bound: dict[str, Atom] = {}
        self.inner: list[Op] = []

    def atom(self, a: Atom, p: Any) -> bool:
        if isinstance(p, str):
            return same(self.bound.setdefault(p, a), a)
        if isinstance(p, Const):
            return isinstance(a, Const) and type(a.value) is type(p.value) and bool(a.value == p.value)
        if isinstance(p, Ref):
            value = a.obj if isinstance(a, Ref) else a.value if isinstance(a, Const) else None
            return type(value) is type(p.obj) and bool(value == p.obj)
        if p.fn is alike:
            known = rank(a) is not None and rank(a) == rank(self.bound.get("a", a))
            return known and self.atom(a, p.args[0])
        if p.fn is thin:
            return self.atom(a, p.args[0]) and self.is_thin(a, *p.args[1:])
        if not isinstance(a, Val) or a.op is None or id(a.op) not in self.here:
            return False
        return self.op(a.op, p)

    def op(self, op: Op, p: Call) -> bool:
        if op.code != "prim" or op.attrs.get("guarded") or op.attrs.get("aug"):
            return False
        self.inner.append(op)
        if p.fn is newaxis:
            if op.fn is p.names[""]:
                return all(self.atom(a, q) for a, q in zip(op.ins, p.args, strict=True))
            return op.fn is operator.getitem and self.atom(op.ins[0], p.args[0]) and self.adds(op, p.args[1])
        if p.fn is turned:
            if op.fn is p.names[""] and len(op.ins) == len(p.args):
                return all(self.atom(a, q) for a, q in zip(op.ins, p.args, strict=True))
            vector = op.fn is operator.getitem and rank(op.out) == 1 and op.ins[1] == BACKWARDS
            return vector and self.atom(op.ins[0], p.args[0])
        if op.fn is not p.fn:
            return False
        names = op.names
        if len(names) != len(p.operands):
            return False
        have = by_name(op.fn, op.ins, names)
        return all(k in have and self.atom(have[k], want) for k, want in p.operands.items())

    def is_thin(self, a: Atom, axis: str = "") -> bool:
        """Whether a value is one number along the axis that a name stands for, or altogether."""
        k, along = kind(a), self.bound.get(axis)
        if isinstance(k, Scalar):
            return True
        if not isinstance(k, Array) or len(k.dims) != rank(self.bound.get("a", a)):
            return False
        if along is None or along == NONE:
            return all(d == 1 for d in k.dims)
        one = isinstance(along, Const) and isinstance(along.value, int) and -len(k.dims) <= along.value
        return one and along.value < len(k.dims) and k.dims[along.value] == 1  # type: ignore[union-attr]

    def adds(self, op: Op, axis: str) -> bool:
        """Whether an index adds one axis, at the place that ``axis`` stands for."""
        index, k, where = op.ins[1], kind(op.out), self.bound.get(axis)
        parts = list(parts_of(index))
        if not isinstance(k, Array) or not isinstance(where, Const) or not isinstance(where.value, int):
            return False
        if parts.count(NONE) != 1 or not all(p in (NONE, ALL) for p in parts):
            return False
        return where.value % len(k.dims) == parts.index(NONE)

    def is_alone(self, root: Op, readers: Readers) -> bool:
        """Whether nobody else reads what is computed on the way."""
        inner = {id(o) for o in self.inner}
        free = (o for o in self.inner if o is not root and o.fn is not getattr and o.fn not in self.shared)
        return all(id(u) in inner for o in free for u in readers.get(o.out, ()))


def is_factor(v: Val, readers: Readers) -> bool:
    """Whether doubles of its shape are multiplied by an array, which nobody reads besides."""
    found = readers.get(v, ())
    if not isinstance(v.kind, Array) or v.kind.dtype != "f8" or not of_one_size(v.kind):
        return False
    for u in found:
        if u is None or u.code != "prim" or u.fn is not operator.mul or u.attrs.get("guarded"):
            return False
        other = [a for a in u.ins if a is not v]
        if len(other) != 1 or kind(other[0]) != v.kind or u.out.kind != v.kind:
            return False
    return bool(found)


def by_name(fn: Any, args: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    """The operands by the names of the parameters, as far as these are known, else by their places."""
    own = parameters(fn)
    words = (n or (own[k] if k < len(own) else f"{k}") for k, n in enumerate(names))
    return dict(zip(words, args, strict=True))


@functools.lru_cache(maxsize=256)
def parameters(fn: Any) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(fn).parameters)
    except (TypeError, ValueError):
        return ()
