"""The transposes of the core operations on containers: back through an index, a write, a list.

Each takes the builder, the operation and the cotangent of its result, and says whether it dealt with it.
"""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING, Any

from srcdiff.differentiate import rewinding, scattered
from srcdiff.differentiate.common import name_derivative, without_zeros
from srcdiff.differentiate.problems import no_rule
from srcdiff.errors import NoRule
from srcdiff.frontend.shapes import index_kind
from srcdiff.ir import ops
from srcdiff.ir.graph import ZERO, Atom, Const, Op, Slice, Struct, Val, is_none, kind, same
from srcdiff.ir.indices import ALL, display, is_dots, parts_of
from srcdiff.ir.kinds import UNKNOWN, Array, Kind, Map, Maybe, Scalar, Seq, Tree, derivative_kind
from srcdiff.rules import vocabulary

if TYPE_CHECKING:
    from srcdiff.differentiate.reverse import Reverse

__all__ = ["CORE"]


def _getitem(r: Reverse, op: Op, bar: Atom) -> bool:
    x, index = op.ins
    k = kind(x)
    if isinstance(k, Tree) and isinstance(x, Val):
        if isinstance(index, Const) and index.value in k.keys:
            at = k.keys.index(index.value)
            items = tuple(bar if n == at else ZERO for n in range(len(k.keys)))
            r.accumulate(x, Struct(k.type, k.keys, items))
            return True
        raise no_rule(op, "this element of a container cannot be differentiated", "use constant keys")
    if isinstance(x, Struct) and isinstance(index, Const) and index.value in x.keys:
        r.accumulate(x.items[x.keys.index(index.value)], bar)
        return True
    if isinstance(x, Struct):
        raise no_rule(
            op,
            "an element chosen at run time from a display cannot be differentiated",
            "use an array or a list variable",
        )
    if isinstance(index, Slice) and isinstance(k, Seq):
        if (
            isinstance(index.step, Const)
            and index.step.value == -1
            and index.lower == index.upper == Const(None)
        ):
            r.accumulate(x, r.prim(operator.getitem, [bar, index], result=op.out.kind, view=False))
            return True
        add_slice(r, op, bar)
        return True
    back = without_axes(index) if isinstance(k, Array) and k.dims else None
    like = kind(bar)
    if back is not None and isinstance(like, Array) and len(like.dims) == len(op.out.kind.dims):  # type: ignore
        of = Array(like.dtype, k.dims)  # type: ignore[union-attr]
        r.accumulate(x, r.prim(operator.getitem, [bar, back], result=of, view=True))
        return True
    fancy = not plain(x, index)
    scattered.add_at(r, x, r.need(index), bar, at=fancy)
    return True


def without_axes(index: Atom) -> Atom | None:
    """The index that takes away the axes of one that an index adds, if it does nothing else."""
    parts = parts_of(index)
    if Const(None) not in parts or not all(is_none(p) or is_dots(p) or p == ALL for p in parts):
        return None
    back = tuple(Const(0) if is_none(p) else p for p in parts)
    return display(back) if isinstance(index, Struct) else back[0]


def add_slice(r: Reverse, op: Op, bar: Atom) -> None:
    """``s_bar[a:b] += bar`` on lists; the first to be added, of one end, comes with zeros at the other."""
    s, index = op.ins[0], r.need(op.ins[1])
    if not isinstance(s, Val) or s not in r.varied:
        return
    old, none = r.peek(s, r.here), Const(None)
    if isinstance(index, Slice) and index.step == none and none in (index.lower, index.upper):
        if index.lower == index.upper:
            r.accumulate(s, bar)
            return
        if old is None and type(s.kind) is Seq and isinstance(s.kind.elem, (Scalar, Array)):
            parts = [left_out(r, op, s, index), without_zeros(bar)]
            parts = parts if index.upper == none else parts[::-1]
            r.accumulate(s, r.prim(operator.concat, parts, result=derivative_kind(s.kind)))
            return
    if old is None:
        old = r.zero(r.need(s))
    total = bar
    if not (isinstance(bar, Val) and scattered.is_untouched(old, index)):
        part = r.prim(operator.getitem, [old, index], result=kind(bar), view=False)
        total = r.rule(vocabulary.add_any, {"a": part, "b": without_zeros(bar)})
    r.here.bars[s] = r.prim(ops.setitem, [old, index, total], result=kind(old), hint=f"{s.name}_bar")


def left_out(r: Reverse, op: Op, s: Val, index: Slice) -> Atom:
    """Zeros for what a part of a list leaves out: before it, or behind it."""
    assert isinstance(s.kind, Seq)
    if index.lower == Const(1) and isinstance(s.kind.elem, Scalar):
        before = itertools.takewhile(lambda o: o is not op, r.here.forward.ops)
        if any(o.fn is operator.getitem and o.ins[0] is s and o.ins[1] == Const(0) for o in before):
            return display((Const(0.0),), list)  # (it has a first element: that was read)
    rest = Slice(index.upper, index.lower, index.step)
    part = r.prim(operator.getitem, [r.need(s), rest], result=s.kind, view=False)
    return r.zero(part)


def plain(base: Atom, index: Atom) -> bool:
    if isinstance(kind(base), Seq):
        return True
    parts = parts_of(index)
    for p in parts:
        k = kind(p)
        if isinstance(p, (Slice, Const)) or isinstance(k, Scalar):
            continue
        if isinstance(k, Array) and k.dtype == "b1":
            continue
        return False
    return True


def _setitem(r: Reverse, op: Op, bar: Atom) -> bool:
    x, index, v = op.ins
    index = r.need(index)
    if r.active(v):
        part = r.prim(operator.getitem, [bar, index], result=item_kind(bar, index), view=plain(x, index))
        if not plain(x, index):
            part = r.rule(vocabulary.last_write, {"part": part, "index": index, "x": bar})
        r.accumulate(v, r.unbroadcast(part, r.alike(v)) if not isinstance(kind(x), Seq) else part)
    if r.active(x):
        if is_dots(op.ins[1]):
            return True
        zero: Atom = Const(0.0)
        if isinstance(kind(x), Seq):
            entered = isinstance(kind(x), Map) and not made_of(v, x, op.ins[1])  # by a key that may be new
            if fixed_size(kind(v)) or entered:
                zero = r.zero(r.need(v))
            elif keeps_lengths(v, x, op.ins[1]):
                zero = r.zero(r.prim(operator.getitem, [bar, index], result=item_kind(bar, index), view=True))
            else:
                assert isinstance(x, Val)
                zero = r.zero(rewinding.logged(r, x, op, r.here, op.ins[1]))
        elif kind(x) == UNKNOWN:  # it may be a list of anything
            zero = r.zero(r.prim(operator.getitem, [bar, index], result=UNKNOWN))
        new = r.prim(ops.setitem, [bar, index, zero], result=kind(bar), hint="")
        r.blanked(new)
        r.accumulate(x, new)
        name_derivative(new, x, "_bar") if isinstance(x, Val) else None
    return True


def keeps_lengths(v: Atom, x: Atom, index: Atom) -> bool:
    """Whether an element of a list is replaced by one made of it by writing to entries, lengths kept."""
    if fixed_size(kind(v)):
        return True
    if isinstance(v, Struct):
        return all(keeps_lengths(item, x, index) for item in v.items)
    while isinstance(v, Val) and v.op is not None and v.op.fn in ops.WRITES:
        v = v.op.ins[0]
    while isinstance(v, Val) and v.op is not None and v.op.fn in (operator.getitem, ops.getfield):
        if v.op.ins[0] is x:
            return same(v.op.ins[1], index)
        v = v.op.ins[0]
        if not isinstance(kind(v), Tree):  # part of a list that was there: it may be shorter
            return False
    return False


def made_of(v: Atom, x: Atom, index: Atom) -> bool:
    """Whether an element is replaced by one that was made of it: so it was there."""
    todo, seen = [v], set()
    while todo:
        a = todo.pop()
        if isinstance(a, Struct):
            todo += a.items
        if not isinstance(a, Val) or a in seen or a.op is None or a.op.code != "prim":
            continue
        if a.op.fn is operator.getitem and a.op.ins[0] is x and same(a.op.ins[1], index):
            return True
        seen.add(a)
        if isinstance(a.kind, Seq):  # (a list is made of lists)
            todo += a.op.ins
    return False


def fixed_size(k: Kind) -> bool:
    """Whether all values of a kind are equally long."""
    if isinstance(k, Array):
        return not k.dims
    return all(map(fixed_size, k.items)) if isinstance(k, Tree) else isinstance(k, Scalar)


def item_kind(x: Atom, index: Atom) -> Kind:
    return index_kind(kind(x), index)[0]


def _additem(r: Reverse, op: Op, bar: Atom) -> bool:
    x, index, v = op.ins
    index = r.need(index)
    if r.active(v):
        part = r.prim(operator.getitem, [bar, index], result=item_kind(bar, index), view=plain(x, index))
        r.accumulate(v, r.unbroadcast(part, r.alike(v)) if not isinstance(kind(x), Seq) else part)
    r.accumulate(x, bar)
    return True


def mixed(op: Op) -> NoRule:
    """A list is changed of which the elements have no kind in common (a tree of tuples of any depth, say)."""
    return no_rule(
        op, "the elements of this list differ in kind, so that they have no derivative here",
        "put values of one kind into the list: numbers, arrays of as many dimensions, or objects",
    )  # fmt: skip


def _append(r: Reverse, op: Op, bar: Atom) -> bool:
    x, v = op.ins
    k = kind(bar)
    if not isinstance(k, Seq):
        raise mixed(op)
    r.accumulate(v, r.prim(ops.poplast, [bar], result=k.elem))
    if isinstance(x, Val):
        r.accumulate(x, r.prim(ops.rest, [bar], result=kind(x), hint=f"{x.name}_bar"))
    return True


def _poplast(r: Reverse, op: Op, bar: Atom) -> bool:
    (x,) = op.ins
    if isinstance(x, Val) and x in r.varied:
        scattered.add_at(r, x, Const(-1), bar)
    return True


def _rest(r: Reverse, op: Op, bar: Atom) -> bool:
    (x,) = op.ins
    k = kind(x)
    if not isinstance(k, Seq):
        raise mixed(op)
    read = (o.out for o in r.here.forward.ops if o.fn is ops.poplast and o.ins[0] is x)
    found = next(read, None)  # the element is at hand where it was taken, for what it was
    last = r.prim(ops.poplast, [r.need(x)], result=k.elem) if found is None else r.need(found)
    r.accumulate(x, r.prim(ops.append, [bar, r.zero(last)], result=kind(bar), hint=""))
    return True


def _without(r: Reverse, op: Op, bar: Atom) -> bool:
    x, key = op.ins
    key = r.need(key)
    k = kind(x)
    assert isinstance(k, Map)
    gone = r.prim(operator.getitem, [r.need(x), key], result=k.elem, view=True)
    r.accumulate(x, r.prim(ops.setitem, [bar, key, r.zero(gone)], result=kind(bar), hint=""))
    return True


def _copied(r: Reverse, op: Op, bar: Atom) -> bool:
    r.accumulate(op.ins[0], bar)
    return True


def _list(r: Reverse, op: Op, bar: Atom) -> bool:
    x = op.ins[0]
    if op.attrs.get("display") and isinstance(x, Struct):
        for n, item in enumerate(x.items):
            if r.active(item):
                r.accumulate(item, r.getitem(bar, Const(x.keys[n])))
        return True
    if isinstance(kind(x), Array):
        r.accumulate(x, r.rule(vocabulary.as_array, {"bar": bar}))
        return True
    r.accumulate(x, bar)
    return True


def _accumulate(r: Reverse, op: Op, bar: Atom) -> bool:
    for a in op.ins:
        if r.active(a):
            r.accumulate(a, r.unbroadcast(bar, r.alike(a)))
    return True


def _given(r: Reverse, op: Op, bar: Atom) -> bool:
    r.accumulate(op.ins[0], bar)
    return True


def _linked(r: Reverse, op: Op, bar: Atom) -> bool:
    for a in op.ins:
        if r.active(a):
            r.accumulate(a, bar)
    return True


def _float(r: Reverse, op: Op, bar: Atom) -> bool:
    x = op.ins[0]
    k = kind(x)
    if isinstance(k, Array):
        r.accumulate(x, r.unbroadcast(bar, r.alike(x)))
    else:
        r.accumulate(x, bar)
    return True


def _concat(r: Reverse, op: Op, bar: Atom) -> bool:
    a, b = op.ins
    n: Atom
    if isinstance(a, Struct):
        n = Const(len(a.items))
    elif isinstance(b, Struct) and b.items:
        n = Const(-len(b.items))
    else:
        n = rewinding.measured(r, a, op)
    none = Const(None)
    for part, first, cut in ((a, 0, Slice(none, n, none)), (b, -len_of(b), Slice(n, none, none))):
        if isinstance(part, Struct) and type(kb := kind(bar)) is Seq and not isinstance(kb.elem, Maybe):
            for k, item in enumerate(part.items):
                if r.active(item):
                    at = Const(first + k)
                    r.accumulate(item, r.prim(operator.getitem, [bar, at], result=kb.elem, view=True))
            continue
        r.accumulate(part, r.prim(operator.getitem, [bar, cut], result=kind(part), view=False))
    return True


def len_of(a: Atom) -> int:
    return len(a.items) if isinstance(a, Struct) else 0


def _mul(r: Reverse, op: Op, bar: Atom) -> bool:
    """Of a list repeated: the sum of the cotangents of its repetitions."""
    if not isinstance(op.out.kind, Seq):
        return False
    x = next(a for a in op.ins if isinstance(kind(a), (Seq, Tree)))
    r.accumulate(x, r.rule(vocabulary.repeated, {"bar": bar, "x": r.need(x)}))
    return True


CORE: dict[Any, Any] = {
    operator.getitem: _getitem, ops.getfield: _getitem, ops.setitem: _setitem, ops.additem: _additem,
    ops.append: _append, ops.poplast: _poplast, ops.rest: _rest, ops.copied: _copied, list: _list,
    ops.without: _without, dict: _list,
    float: _float, ops.accumulate: _accumulate, ops.linked: _linked, ops.given: _given,
    operator.concat: _concat, operator.mul: _mul,
}  # fmt: skip
