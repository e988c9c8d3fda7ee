"""Which operations become one kernel: those on the elements of one shape, as far as their order allows.

The operations of a region are put into *nodes*: groups, and what stays as it is.  A group has a *space*, the
shape of what it computes; each thread computes one element of it.  An operation joins the earliest group of
its space that nothing keeps it from: what it reads must be there before, and no memory may be written to
between.  In one kernel no order holds between threads, so what a group writes to may be read in it at the
element that is written, and nowhere else.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcdiff.compiled import tables as shared
from srcdiff.compiled.nests import settled
from srcdiff.compiled.partition import movable
from srcdiff.compiled.texts import template_arity as arity
from srcdiff.compiled.values import is_unbroadcast, is_zeros_like
from srcdiff.cuda.tables import C_TYPES, spelled
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Op,
    Ref,
    Slice,
    Val,
    is_none,
    key_of,
    kind,
    nested,
    op_of,
    same,
    vals,
)
from srcdiff.ir.indices import ALL, is_dots, parts_of
from srcdiff.ir.kinds import Array, Dim, Scalar, Sym

__all__ = [
    "Group", "Grouper", "Node", "Space", "Total", "broadcasts", "conflict", "dims_of", "fits", "is_constant",
    "is_elementwise", "is_masked", "is_number", "is_placed",
]  # fmt: skip

Space = tuple[Dim, ...]

VIEWS = (np.transpose, np.swapaxes, np.expand_dims, np.broadcast_to)
SIZES = (ops.shape_at, len, np.size, getattr)
TOTALS: dict[Any, str] = {np.sum: "sum", np.mean: "sum", np.max: "max", np.min: "min"}
CREATED = (np.zeros, np.ones, np.full, np.zeros_like, np.ones_like, np.broadcast_to)


@dataclass(frozen=True, slots=True)
class Total:
    """A reduction over all elements of a group: the operation, what is reduced (a product of two), how."""

    op: Op
    of: tuple[Atom, ...]
    how: str
    mean: bool = False


@dataclass(eq=False, slots=True)
class Node:
    """Operations that are done together; what they use, make, read and write."""

    ops: list[Op] = field(default_factory=list)
    uses: set[Val] = field(default_factory=set)
    makes: set[Val] = field(default_factory=set)
    reads: set[Any] = field(default_factory=set)
    writes: set[Any] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class Group(Node):
    space: Space = ()
    elements: set[Val] = field(default_factory=set)  # made here, element by element
    outside: dict[Val, None] = field(default_factory=dict)  # arrays that are read, and made elsewhere
    targets: dict[Op, tuple[Val, Any]] = field(default_factory=dict)  # what is written to: array, place
    totals: list[Total] = field(default_factory=list)
    anywhere: set[Val] = field(default_factory=set)  # arrays that are read at places known at run time
    scatters: dict[Op, Val] = field(default_factory=dict)  # sums into an array, at such places
    sums: set[Any] = field(default_factory=set)  # the memory of these


def is_number(a: Atom) -> bool:
    """Whether an atom is a number: of the host, or an array of the device without axes."""
    k = kind(a)
    return isinstance(k, Scalar) or (isinstance(k, Array) and not k.dims)


def is_constant(v: Atom) -> bool:
    """Whether an array is made of one number, and needs not be made."""
    op = op_of(v)
    if op is None or op.code != "prim" or v not in op.outs or op.attrs.get("inplace"):
        return False
    if op.fn is np.broadcast_to:
        return is_number(op.ins[0])
    return op.fn in CREATED or is_zeros_like(op.fn)


def dims_of(a: Atom) -> Space:
    k = kind(a)
    return k.dims if isinstance(k, Array) else ()


def fits(dims: Space, space: Space) -> bool:
    """Whether an array is of a shape for sure."""
    return len(dims) == len(space) and all(d == s and settled(d) for d, s in zip(dims, space, strict=True))


def broadcasts(dims: Space, space: Space) -> bool:
    """Whether an array can be broadcast to a shape, for sure."""
    lead = len(space) - len(dims)
    return lead >= 0 and all(
        d == 1 or (d == s and settled(d)) for d, s in zip(dims, space[lead:], strict=True)
    )


def never_one(d: Dim) -> bool:
    return d != 1 if isinstance(d, int) else d.big and not d.offset


def basic(index: Atom) -> bool:
    """Whether an index gives a view: slices, new axes, integers."""
    parts = parts_of(index)
    return all(
        isinstance(p, Slice)
        or (isinstance(p, Const) and (p.value is None or type(p.value) is int or p.value is ...))
        or (isinstance(p, Ref) and p.obj is ...)
        or (isinstance(k := kind(p), Scalar) and k.dtype[0] == "i")
        for p in parts
    )


def sliced(d: Dim, p: Slice) -> Dim | None:
    """The size of a slice, if it is the size of the axis but for a number."""
    low, high, step = (x.value if isinstance(x, Const) else "" for x in (p.lower, p.upper, p.step))
    if step not in (None, 1) or low == "" or high == "":
        return None
    if low is None and high is None:
        return d
    if low is not None and (type(low) is not int or low < 0):
        return None
    if high is not None and (type(high) is not int or high >= 0):
        return None
    by = (high or 0) - (low or 0)
    return max(d + by, 0) if isinstance(d, int) else Sym(d.id, d.offset + by, d.big and not by)


def place_dims(dims: Space, index: Atom) -> tuple[Dim | None, ...] | None:
    """The shape of a part of an array, as far as it is known; None if not even its rank is."""
    parts = list(parts_of(index))
    taken = sum(not is_none(p) and not is_dots(p) for p in parts)
    at = next((n for n, p in enumerate(parts) if is_dots(p)), len(parts))
    parts[at : at + 1] = [ALL] * (len(dims) - taken)
    out: list[Dim | None] = []
    own = iter(dims)
    for p in parts:
        if is_none(p):
            out.append(1)
        elif isinstance(p, Slice):
            out.append(sliced(next(own), p))
        else:
            next(own)
    return tuple(out)


def is_elementwise(op: Op) -> bool:
    """Whether an operation has a form of one element, for these kinds."""
    fn = op.fn
    template = spelled(fn)
    if template is None or op.by_name or len(op.ins) != arity(template):
        return False
    dtype = getattr(op.out.kind, "dtype", "")
    kinds = [kind(a) for a in op.ins]
    if dtype not in C_TYPES or not all(isinstance(k, (Array, Scalar)) for k in kinds):
        return False
    dtypes = [k.dtype for k in kinds if isinstance(k, (Array, Scalar))]
    if any(d not in C_TYPES for d in dtypes):
        return False
    if fn in shared.COMPARE:
        return True
    if fn in shared.LOGIC:
        return dtype == "b1" and all(d == "b1" for d in dtypes)
    if fn is operator.floordiv or (fn is operator.mod and dtype[0] != "f"):
        by = op.ins[1]
        return dtype == "i8" and isinstance(by, Const) and bool(by.value)
    if dtype[0] == "f":
        return True
    if spelled(fn) == "{0}":
        return dtypes == [dtype]
    if dtype == "b1":
        return fn in (np.where, bool)
    return fn in shared.TAKES_INTEGERS and dtype == "i8"


class Grouper:
    """The nodes of a region."""

    def __init__(
        self,
        memory: Callable[[Val], frozenset[Any]],
        written: frozenset[Any],
        unsure: set[Val],
        users: dict[Val, list[Op | None]],
        alone: set[Op],
    ) -> None:
        self.memory, self.written, self.unsure, self.users = memory, written, unsure, users
        self.alone = alone  # what is not put into a group with others
        self.nodes: list[Node] = []

    # ---- what an operation is
    def put(self, op: Op) -> None:
        """Put an operation where it belongs."""
        plain = op.code == "prim" and not any(op.attrs.get(m) for m in ("guarded", "unread", "effect"))
        if plain:
            if self.is_early(op):
                self.early(op)
                return
            group = self.as_group(op)
            if group is not None:
                self.join(group)
                return
        self.nodes.append(self.node_of(op))

    def is_early(self, op: Op) -> bool:
        """Whether it reads no elements: views, sizes, numbers of the host, arrays made of one number."""
        if not movable(op):
            return False
        fn = op.fn
        if fn in SIZES or fn in VIEWS:
            return isinstance(kind(op.ins[0]), Array) or fn is np.broadcast_to
        if fn is operator.getitem:
            return isinstance(kind(op.ins[0]), Array) and bool(dims_of(op.out)) and basic(op.ins[1])
        if is_constant(op.out):
            return True
        of_host = isinstance(op.out.kind, Scalar) and op.out.kind.weak and spelled(fn) is not None
        return of_host and all(
            isinstance(k := kind(a), Scalar) and (k.weak or isinstance(a, Const)) for a in op.ins
        )

    def as_group(self, op: Op) -> Group | None:
        """A group of one operation, if it has a form of elements."""
        if op.fn is ops.additem and is_lookup(op.ins[0], op.ins[1]):
            return self.as_scatter(op)
        if op.fn in ops.WRITES:
            return self.as_write(op)
        if op.fn is operator.getitem and is_lookup(op.ins[0], op.ins[1]):
            return self.as_lookup(op)
        if op.fn in TOTALS or is_unbroadcast(op.fn) or op.fn in (np.vdot, np.dot, operator.matmul):
            return self.as_total(op)
        k = op.out.kind
        if not isinstance(k, Array) or not k.dims or not is_elementwise(op):
            return None
        g = Group(ops=[op], uses=set(vals(op.ins)), makes={op.out}, space=k.dims, elements={op.out})
        if op.attrs.get("inplace"):
            target = op.ins[0]
            if not isinstance(target, Val) or not fits(dims_of(target), k.dims):
                return None
            g.targets[op] = (target, None)
            g.writes |= self.memory(target)
        return self.reading_itself(self.reading(g, op.ins))

    def as_write(self, op: Op) -> Group | None:
        """Elements written to a part of an array, in place."""
        base, index, value = op.ins
        if not isinstance(base, Val) or not isinstance(base.kind, Array) or not op.attrs.get("inplace"):
            return None
        k = kind(value)
        masked = is_masked(op)
        if not isinstance(k, (Array, Scalar)) or not (masked or basic(index)):
            return None
        if base.kind.dtype not in C_TYPES or (k.dtype[0] == "f" and base.kind.dtype[0] != "f"):
            return None
        if masked:
            return self.as_masked(op, base, index, value)
        shape = place_dims(base.kind.dims, index)
        if not shape:
            return None
        space = k.dims if isinstance(k, Array) and k.dims else None
        if space is None:  # a number, written to a part of which the shape is known
            if not all(d is not None and settled(d) for d in shape):
                return None
            space = tuple(d for d in shape if d is not None)
        elif len(shape) != len(space) or not all(
            (d == s and settled(s)) or never_one(s) for d, s in zip(shape, space, strict=True)
        ):
            return None
        g = Group(ops=[op], uses=set(vals(op.ins)), makes={op.out}, space=space)
        g.targets[op] = (base, index)
        g.writes |= self.memory(base)
        g.reads |= self.memory(base)
        return self.reading_itself(self.reading(g, [value]))

    def as_masked(self, op: Op, base: Val, index: Atom, value: Atom) -> Group | None:
        """A number, written to the elements that flags name: what there is, or this."""
        assert isinstance(index, Val)
        g = Group(ops=[op], uses=set(vals(op.ins)), makes={op.out}, space=dims_of(base), elements={op.out})
        g.targets[op] = (base, None)
        g.writes |= self.memory(base)
        g.reads |= self.memory(base)
        return self.reading_itself(self.reading(g, [base, index, value]))

    def reading_itself(self, g: Group | None) -> Group | None:
        """None where an operation reads what it writes to at another element (``x[1:] = x[:-1]``)."""
        if g is None:
            return None
        for base, index in g.targets.values():
            where = (base, key_of(index) if index is not None else None)
            if any(self.memory(v) & self.memory(base) and place_of(v) != where for v in g.outside):
                return None
        return g

    def as_lookup(self, op: Op) -> Group | None:
        """Elements, or rows, at places that an array of integers holds."""
        x, index = op.ins
        space = space_of_places(x, index) or ()
        dtype = getattr(op.out.kind, "dtype", "")
        if not isinstance(x, Val) or dtype not in C_TYPES or x in self.unsure or is_constant(x):
            return None
        if dims_of(op.out) != space or not space:
            return None
        g = Group(ops=[op], uses=set(vals(op.ins)), makes={op.out}, space=space, elements={op.out})
        g.anywhere.add(x)
        g.reads |= self.memory(x)
        return self.reading_places(g, index)

    def as_scatter(self, op: Op) -> Group | None:
        """Sums into elements, or rows, at such places."""
        x, index, value = op.ins
        if not isinstance(x, Val) or not op.attrs.get("inplace") or getattr(x.kind, "dtype", "")[:1] != "f":
            return None
        k = kind(value)
        if not isinstance(k, (Array, Scalar)) or k.dtype not in C_TYPES:
            return None
        space = space_of_places(x, index) or ()
        if not space:
            return None
        g = Group(ops=[op], uses=set(vals(op.ins)), makes={op.out}, space=space)
        g.scatters[op] = x
        g.writes |= self.memory(x)
        g.sums |= self.memory(x)
        done = self.reading_places(g, index)
        done = self.reading(done, [value]) if done is not None else None
        return None if done is None or done.reads & done.writes else done  # (what is read changes meanwhile)

    def reading_places(self, g: Group, index: Atom) -> Group | None:
        """The places that an operation goes to, noted; they are one for each element, or for each row."""
        for p in vals(parts_of(index)):
            if p in self.unsure:
                return None
            if isinstance(p.kind, Array):
                g.outside[p] = None
                g.reads |= self.memory(p)
        return g

    def as_total(self, op: Op) -> Group | None:
        """A sum (or the like) of all elements."""
        if not is_number(op.out) or getattr(op.out.kind, "dtype", "") not in ("f8", "f4"):
            return None
        fn, names = op.fn, op.names
        of: tuple[Atom, ...]
        if fn in TOTALS:
            given = dict(zip(names, op.ins, strict=True))
            if set(names) - {"", "axis"} or sum(not n for n in names) != 1:
                return None
            if not same(given.get("axis", Const(None)), Const(None)):
                return None
            of, how = (op.ins[0],), TOTALS[fn]
        elif is_unbroadcast(fn):
            like = kind(op.ins[1])
            if not is_number(op.ins[1]) or getattr(like, "dtype", "f8")[0] != "f":
                return None
            of, how = (op.ins[0],), "sum"
        else:
            a, b = map(dims_of, op.ins)
            if len(a) != len(b) or not a or (fn is not np.vdot and len(a) != 1) or not fits(a, b):
                return None
            of, how = tuple(op.ins), "sum"
        kinds = [kind(a) for a in of]
        if not all(isinstance(a, Val) for a in of) or any(getattr(k, "dtype", "")[:1] != "f" for k in kinds):
            return None
        if how != "sum" and fn not in (np.max, np.min):
            return None
        space = dims_of(of[0])
        if not space:
            return None
        g = Group(ops=[op], uses=set(vals(op.ins)), makes={op.out}, space=space)
        g.totals.append(Total(op, of, how, fn is np.mean))
        return self.reading(g, of)

    def reading(self, g: Group, atoms: Any) -> Group | None:
        """The arrays that a group reads, noted."""
        for v in vals(atoms):
            if v in self.unsure:
                return None
            if isinstance(v.kind, Array) and v.kind.dims:
                if not broadcasts(v.kind.dims, g.space) and not self.is_plain_broadcast(g):
                    return None
            if isinstance(v.kind, Array):  # (on a device an element is a view as well)
                g.outside[v] = None
                g.reads |= self.memory(v)
        return g

    def is_plain_broadcast(self, g: Group) -> bool:
        """Whether NumPy's own rules find the shape of a group of one operation."""
        return bool(g.elements) and not g.targets

    def node_of(self, op: Op) -> Node:
        """An operation that stays as it is."""
        inside = [op, *nested(op)]
        n = Node([op], makes=set(op.outs))
        for o in inside:
            n.uses.update(vals(o.ins))
            for r in o.regions:
                n.uses.update(vals(r.results))
        for v in n.uses:
            n.reads |= self.memory(v)
        for o in inside:
            if o.attrs.get("inplace"):
                for v in vals(o.ins[:1]):
                    n.writes |= self.memory(v)
        return n

    # ---- where it goes
    def early(self, op: Op) -> None:
        """As early as what it is made of is there."""
        if op.fn in SIZES:
            self.ask_another(op)
        needed = set(vals(op.ins))
        at = len(self.nodes)
        while at and not self.nodes[at - 1].makes & needed:
            at -= 1
        self.nodes.insert(at, Node([op], needed, set(op.outs)))

    def ask_another(self, op: Op) -> None:
        """The size of what a group makes is asked of an array that it reads, of the same shape."""
        v = op.ins[0]
        for node in self.nodes:
            if isinstance(node, Group) and v in node.elements:
                for w in node.outside if op.fn is ops.shape_at else ():
                    axis = op.ins[1].value  # type: ignore[union-attr]
                    own = dims_of(w)
                    d = dims_of(v)[axis]
                    if w not in node.elements and d != 1 and d in own and settled(d):
                        self.ask(op, w, Const(own.index(d)))
                        return
                for w in node.outside:
                    alike = op.fn is not getattr or kind(w).dtype == kind(v).dtype  # type: ignore[union-attr]
                    if w not in node.elements and fits(dims_of(w), node.space) and alike:
                        self.ask(op, w, *op.ins[1:])
                        return

    def ask(self, op: Op, w: Val, *more: Atom) -> None:
        self.users.get(op.ins[0], []).remove(op)  # type: ignore[arg-type]
        self.users.setdefault(w, []).append(op)
        op.ins = [w, *more]

    def join(self, g: Group) -> None:
        target: Group | None = None
        if g.ops[0] in self.alone:
            self.nodes.append(g)
            return
        for n in range(len(self.nodes) - 1, -1, -1):
            node = self.nodes[n]
            ok = isinstance(node, Group) and self.joinable(g, node)
            if ok:
                assert isinstance(node, Group)
                target = node
            if conflict(g, node):
                break
        if target is None:
            self.nodes.append(g)
        else:
            merge(target, g)

    def joinable(self, g: Group, to: Group) -> bool:
        """Whether a group of one operation may be done in the kernel of another."""
        if not fits(g.space, to.space) or to.ops[0] in self.alone:
            return False
        made = g.uses & to.makes
        (op,) = g.ops
        if op in g.scatters:
            if g.scatters[op] in to.elements:
                return False
            made -= {o.out for o in to.scatters}  # sums into one array, in any order
            if g.writes & (to.reads | (to.writes - to.sums)) or g.reads & to.writes:
                return False
        if not made <= to.elements or made & g.anywhere:
            return False  # a sum is there when the kernel is done, and so is what is written to
        if any(self.memory(v) & (g.writes - g.sums) for v in to.anywhere):
            return False
        target, index = g.targets.get(op, (None, None))
        for v in g.outside:
            if v in to.elements:
                continue
            if self.memory(v) & to.writes:
                return False
        if target is not None:
            if target in to.elements:
                return index is None  # made here, and changed here
            own = self.memory(target)
            if own & to.writes:
                return False
            where = (target, key_of(index) if index is not None else None)
            for v in (*to.outside, *g.outside):
                if v not in to.elements and self.memory(v) & own and place_of(v) != where:
                    return False
        return True


def is_lookup(x: Atom, index: Atom) -> bool:
    """Whether an index has places in arrays of integers: of each axis, or of the rows of a matrix."""
    k, parts = kind(x), parts_of(index)
    if not isinstance(k, Array) or not any(dims_of(p) for p in parts):
        return False
    for p in parts:
        at = kind(p)
        of_host = isinstance(at, Scalar) or (isinstance(p, Const) and type(p.value) is int)
        if not of_host and not (isinstance(p, Val) and isinstance(at, Array)):
            return False
        if getattr(at, "dtype", "") not in ("i8", "i4"):
            return False
    rows = isinstance(index, Val) and len(dims_of(index)) == 1 and len(k.dims) == 2
    return rows or len(parts) == len(k.dims)


def space_of_places(x: Atom, index: Atom) -> Space | None:
    """The shape of what is looked up: that of the arrays of places, broadcast; None if it is not known."""
    if isinstance(index, Val):
        return (*dims_of(index), *dims_of(x)[1:])
    parts = [dims_of(p) for p in parts_of(index)]
    rank = max(map(len, parts))
    out: list[Dim] = []
    for axis in range(-rank, 0):
        sizes = {d[axis] for d in parts if len(d) >= -axis} - {1}
        if len(sizes) > 1 or not all(map(settled, sizes)):
            return None
        out += sizes or {1}
    return (*out, *dims_of(x)[len(parts) :])


def is_masked(op: Op) -> bool:
    """Whether an operation writes a number to the elements that an array of flags names."""
    if op.fn not in ops.WRITES or not is_number(op.ins[2]):
        return False
    x, index = op.ins[:2]
    at = kind(index)
    return isinstance(index, Val) and isinstance(at, Array) and at.dtype == "b1" and fits(dims_of(x), at.dims)


def is_placed(op: Op) -> bool:
    """Whether an operation writes to a part of an array that is named by numbers."""
    return op.fn in ops.WRITES and not is_masked(op)


def place_of(v: Val) -> tuple[Val, Any]:
    """Which part of which array a value is, as far as one view tells."""
    op = v.op
    if op is not None and op.code == "prim" and op.fn is operator.getitem and v in op.outs:
        base = op.ins[0]
        if isinstance(base, Val):
            return base, key_of(op.ins[1])
    return v, None


def conflict(a: Node, b: Node) -> bool:
    """Whether ``a``, which comes after ``b``, may not come before it."""
    return bool(a.uses & b.makes or a.writes & (b.reads | b.writes) or a.reads & b.writes)


def merge(to: Group, g: Group) -> None:
    to.ops += g.ops
    to.uses |= g.uses
    to.outside.update((v, None) for v in g.outside if v not in to.elements)
    to.elements |= g.elements
    to.makes |= g.makes
    to.reads |= g.reads
    to.writes |= g.writes
    to.targets.update(g.targets)
    to.totals += g.totals
    to.anywhere |= g.anywhere
    to.scatters.update(g.scatters)
    to.sums |= g.sums
