"""Single operations on many examples at once: arrays whose first axis counts the examples."""

from __future__ import annotations

import operator
from typing import Any

from srcdiff.differentiate.common import Builder, arguments
from srcdiff.errors import SrcdiffError
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    OWN,
    Atom,
    Const,
    LoopView,
    Op,
    Region,
    Slice,
    Struct,
    Undef,
    Val,
    is_none,
    kind,
    rank,
)
from srcdiff.ir.indices import ALL, alone_or_tuple, display
from srcdiff.ir.kinds import INT, OTHER, UNKNOWN, Array, Dim, Kind, Maybe, Scalar, Seq, Tree, fresh_sym
from srcdiff.ir.unset import may_be_unset
from srcdiff.rules import batching
from srcdiff.rules.registry import Rule, lookup

__all__ = ["CORE", "Many", "Unbatched", "Wanted"]



class Unbatched(Exception):
    """There is no way to do this for all examples at once."""


class Wanted(Exception):
    """A variable of a loop differs between examples, where that has to be known before."""

    def __init__(self, variable: Val) -> None:
        self.variable = variable


class Many(Builder):
    """How single operations are done; ``transform.Batch`` says which values are how."""

    dim: Dim

    def at(self, a: Atom) -> Atom:
        raise NotImplementedError

    def named(self, new: Atom, k: Kind, how: Any) -> Val:
        raise NotImplementedError

    def way(self, a: Atom) -> Any:
        raise NotImplementedError

    def as_many(self, a: Atom, meant: Kind | None = None) -> Atom:
        raise NotImplementedError

    def count(self) -> Atom:
        raise NotImplementedError

    # ---- operands
    def aligned(self, a: Atom, r: int) -> Atom:
        """An operand that broadcasts against others of rank ``r``: its examples stay first."""
        new, how = self.at(a), self.way(a)
        if how == "one":
            return new
        own = rank(a)
        if how != "many" or own is None or isinstance(a, Struct):
            raise Unbatched("an operand that is no array")
        return new if own >= r else self.before(new, own, r)

    def before(self, new: Atom, own: int, r: int) -> Atom:
        """An array of rank ``own`` for each example with axes behind the examples, to rank ``r``."""
        return self.getitem(new, display([ALL, *[Const(None)] * (r - own), *[ALL] * own]))

    def expanded(self, new: Atom, k: Any) -> Atom:
        """What is the same for all examples, once for each."""
        if isinstance(k, Tree):
            parts = (self.expanded(self.part(new, k, n), x) for n, x in enumerate(k.items))
            return Struct(k.type, k.keys, tuple(parts))
        if isinstance(k, Scalar):
            if isinstance(new, Const) and isinstance(new.value, float) and new.value == 0.0:
                return self.rule(batching.zeros, {"n": self.count()})
            return self.rule(batching.full, {"n": self.count(), "x": new})
        if isinstance(k, Array):
            text = batching.repeated
            if self.unsure(new):
                unset = may_be_unset(new)
                listed = self.prim(batching.TIMES, [alone(new), self.count()], unset=unset)
                return self.prim(batching.ARRAY, [listed], unset=unset)
            while isinstance(new, Val) and new.op is not None and new.op.fn in batching.ZEROS:
                text = batching.zeros_of if k.dtype == "f8" else batching.zeros_as
                if new.op.fn is not batching.BLANK or not isinstance(kind(new.op.ins[0]), Array):
                    break
                new = new.op.ins[0]
            return self.rule(text, {"n": self.count(), "x": new})
        if type(k) is Seq and not self.unsure(new):
            return self.listed(new, k.elem)
        raise Unbatched("something that is the same for all")

    def unsure(self, a: Atom) -> bool:
        """Whether something else may stand where an array is meant, on a path on which nobody looks."""
        while isinstance(a, Val) and a.op is not None and a.op.fn in batching.ZEROS and a.op.ins:
            if isinstance(a.op.ins[0], Val) and isinstance(a.op.ins[0].kind, Maybe):
                return True
            a = a.op.ins[0]
        if isinstance(a, Val) and a.op is not None and a.op.fn in batching.OF_UNSET:
            return True
        return may_be_unset(a, lambda x: isinstance(x, (Undef, Const)))

    def listed(self, new: Atom, k: Kind) -> Atom:
        """A list that is the same for all examples, each element once for each."""
        length = self.prim(len, [new], result=Scalar("i8", True, fresh_sym()))
        attrs = {"head": 3, "rev": False, "carried": 0, "dirs": (), "exits": (), "aligned": True}
        loop = Op("for", [Const(0), length, Const(1)], [], [Region()], attrs, self.origin)
        view = LoopView(loop)
        element = Val("", k, loop)
        view.body.params.append(Val("", INT, loop))
        view.add_source(new, 1, element)
        with self.inside(view.body):
            many = self.expanded(element, k)
        tape = view.add_tape(many, "", kind(many))
        loop.outs.append(Val("", INT, loop))
        self.region.ops.append(loop)
        return tape

    def cast(self, a: Atom, dtype: str) -> Atom:
        return self.rule(batching.cast, {"x": a, "dtype": Const(batching.dtype_word(dtype))})

    # ---- by what is declared
    def by_rule(self, op: Op) -> Atom:
        """An operation of the table: elementwise, along axes, or with a text of its own."""
        fn = op.fn
        if fn in batching.WITHIN and not isinstance(op.out.kind, (Array, Scalar)):
            given = [a if is_none(a) else self.as_many(a) for a in op.ins]
            return self.prim(fn, given, op.attrs.get("names", ()), **handed_on(op))
        if batching.is_elementwise(fn):
            return self.elementwise(op, fn)
        along = batching.ALONG.get(fn)
        if along is not None:
            return self.along(op, along)
        found = batching.TEXTS.get(fn)
        if found is None:
            entry = lookup(fn)
            same = batching.ARRAY_FUNCTIONS.get(fn)
            if same is not None:
                return self.elementwise(op, same)
            if entry is not None and entry.elementwise is not None and self.takes_arrays(op):
                return self.elementwise(op, fn)
            raise Unbatched(f"{getattr(fn, '__name__', fn)} has no batching rule")
        return self.by_text(op, found)

    def takes_arrays(self, op: Op) -> bool:
        """Whether a function that is elementwise by its rule is used on arrays already."""
        return all(self.way(a) == "one" or isinstance(kind(a), Array) for a in op.ins)

    def elementwise(self, op: Op, fn: Any) -> Atom:
        r = rank(op.out)
        if r is None:
            raise Unbatched("a result of unknown rank")
        if fn in batching.ONE_OPERAND and len(op.ins) != 1:
            raise Unbatched("another number of operands")
        args = [self.lined_up(a, r) for a in op.ins]
        return self.prim(fn, args, op.attrs.get("names", ()), **handed_on(op))

    def lined_up(self, a: Atom, r: int) -> Atom:
        """An operand, or a display of several."""
        if isinstance(a, Struct) and a.type in (list, tuple) and self.way(a) != "one":
            return Struct(a.type, a.keys, tuple(self.aligned(x, r) for x in a.items))
        return self.aligned(a, r)

    def along(self, op: Op, how: batching.Along) -> Atom:
        """The axes that an operation works along are one further."""
        rule = Rule("batching", how.text, (how.operand,))
        given = self.operands(op, rule)
        operand = given[how.operand]
        r = rank(operand)
        others = [a for n, a in given.items() if n != how.operand and n not in how.too]
        if r is None or self.way(operand) != "many" or any(self.way(a) != "one" for a in others):
            raise Unbatched("operands that are something else for each example")
        names = list(op.names)
        params = positions(how.text, names)
        args: list[Atom] = []
        for a, p in zip(op.ins, params, strict=True):
            if p in how.too and (self.way(a) != "many" or rank(a) != r):
                raise Unbatched("operands of other ranks")
            args.append(self.axis(a, r, how) if p in how.axes else self.at(a))
        for p in how.axes:
            if p not in params:
                args.append(self.axis(Const(how.default[p]), r, how))
                names.append(p)
        return self.prim(op.fn, args, tuple(names), **handed_on(op))

    def axis(self, a: Atom, r: int, how: batching.Along) -> Atom:
        if isinstance(a, Struct) and a.type is tuple and all(isinstance(x, Const) for x in a.items):
            value: Any = tuple(x.value for x in a.items)  # type: ignore[union-attr]
        elif isinstance(a, Const):
            value = a.value
        else:
            raise Unbatched("an axis known only at run time")
        if value is None and how.flat and r != 1:
            raise Unbatched("all axes as one")
        out = batching.shifted(value, r, how.flat)
        if isinstance(out, tuple):
            return display(Const(x) for x in out)
        return Const(out)

    def by_text(self, op: Op, rule: Rule) -> Atom:
        """A text that says it: its operands have the examples first, ``x_many`` says which ones."""
        given = self.operands(op, rule)
        code = rule.text.__code__
        extra = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        full: dict[str, Atom] = {}
        for n, a in given.items():
            how = self.way(a)
            if how != "one" and (n not in rule.operands or how != "many" or rank(a) is None):
                raise Unbatched(f"{n} differs between examples")
            full[n] = self.at(a)
        for n in extra:
            operand = n.removesuffix("_many")
            full[n] = Const(operand in given and self.way(given[operand]) != "one")
        try:
            return self.rule(rule.text, full)
        except SrcdiffError:
            raise Unbatched("a case that the text leaves out") from None

    def operands(self, op: Op, rule: Rule) -> dict[str, Atom]:
        try:
            return arguments(op, rule)
        except SrcdiffError:
            raise Unbatched("an option that is not known") from None


def handed_on(op: Op) -> dict[str, Any]:
    return {k: v for k, v in op.attrs.items() if k not in OWN}


def positions(text: Any, names: list[str]) -> list[str]:
    """The parameter of a text that each argument goes to."""
    params = text.__code__.co_varnames[: text.__code__.co_argcount]
    return [n or params[i] for i, n in enumerate(names)]


def alone(a: Atom) -> Atom:
    return display((a,), list)


def whole_index(parts: list[Atom]) -> Atom:
    """``x[:, ...]`` without slices at the end that take all."""
    if any(isinstance(a, Const) and a.value is Ellipsis for a in parts):
        return display(parts)  # what follows says which axes the others are
    while len(parts) > 1 and parts[-1] == ALL:
        parts = parts[:-1]
    return alone_or_tuple(parts)


# ---- operations that are the graph's own ----------------------------------------------------------------


def _plain(b: Many, op: Op) -> tuple[Atom, Any]:
    """What acts on each element of a list, or of an array, by itself."""
    how = b.way(op.ins[0])
    if isinstance(kind(op.ins[0]), Array) and op.fn not in (ops.copied, ops.stop_gradient):
        raise Unbatched("an array in the place of a list")
    if how == "many" and all(b.way(a) == "one" for a in op.ins[1:]):
        return b.prim(op.fn, [b.at(a) for a in op.ins], op.attrs.get("names", ()), **handed_on(op)), how
    raise Unbatched("a container of several things")


def _list(b: Many, op: Op) -> tuple[Atom, Any]:
    """``list(x)``: of an array, its elements, each for all examples; of a display, what is in it."""
    x, k = op.ins[0], op.out.kind
    if isinstance(x, Struct) and x.type in (list, tuple) and x.items and type(k) is Seq:
        items = tuple(b.as_many(a, k.elem) for a in x.items)
        made = Struct(x.type, x.keys, items)
        return b.prim(list, [made], result=Seq(kind(items[0])), **handed_on(op)), "many"
    if b.way(x) == "many" and isinstance(kind(x), Array):
        return b.prim(list, [b.rule(batching.elements, {"x": b.at(x)})], result=op.out.kind), "many"
    return _plain(b, op)


def _itself(b: Many, op: Op) -> tuple[Atom, Any]:
    if b.way(op.ins[0]) != "many":
        raise Unbatched("a container")
    return b.at(op.ins[0]), "many"


def _sum(b: Many, op: Op) -> tuple[Atom, Any]:
    if not isinstance(op.out.kind, (Array, Scalar)):
        raise Unbatched("a sum of containers")
    return b.elementwise(op, op.fn), "many"


def _add(b: Many, op: Op) -> tuple[Atom, Any]:
    if isinstance(op.out.kind, Seq):
        return together(b, op), "many"
    return b.elementwise(op, op.fn), "many"


def together(b: Many, op: Op) -> Atom:
    """``xs + ys`` of lists, ``xs * n``: lists of what all examples have."""
    parts = [type(kind(a)) is Seq or (isinstance(a, Struct) and a.type is list) for a in op.ins]
    if not any(parts) or any(not is_list and b.way(a) != "one" for a, is_list in zip(op.ins, parts)):
        raise Unbatched("lists put together")
    given = [b.as_many(a, op.out.kind) if is_list else b.at(a) for a, is_list in zip(op.ins, parts)]
    made = next((kind(a) for a in given if type(kind(a)) is Seq), None)
    if made is None:
        raise Unbatched("displays put together")
    return b.prim(op.fn, given, result=made, **handed_on(op))


def _shape_at(b: Many, op: Op) -> tuple[Atom, Any]:
    x, axis = op.ins
    if b.way(x) != "many" or not isinstance(kind(x), Array) or not isinstance(axis, Const):
        raise Unbatched("the shape of something else")
    r = rank(x)
    assert r is not None
    got = b.prim(ops.shape_at, [b.at(x), Const(axis.value % r + 1)], result=op.out.kind)
    return got, "one"


def _len(b: Many, op: Op) -> tuple[Atom, Any]:
    x = op.ins[0]
    if b.way(x) == "many" and isinstance(kind(x), Array):
        return b.prim(ops.shape_at, [b.at(x), Const(1)], result=op.out.kind), "one"
    if b.way(x) == "many" and type(kind(x)) is Seq:
        return b.prim(len, [b.at(x)], result=op.out.kind), "one"
    raise Unbatched("the length of something else")


def _of_shape(b: Many, op: Op) -> tuple[Atom, Any]:
    """``np.shape`` and ``np.size``: what follows from the shape alone is the same for all."""
    x = op.ins[0]
    if len(op.ins) > 1 or b.way(x) != "many" or rank(x) is None:
        raise Unbatched("the shape of something else")
    return b.rule(batching.SHAPES[op.fn], {"x": b.at(x)}), "one"


def _getitem(b: Many, op: Op) -> tuple[Atom, Any]:
    x, at = op.ins
    how, k = b.way(x), kind(x)
    attrs = handed_on(op)
    if isinstance(how, tuple):
        new = b.at(x)
        key = at.value if isinstance(at, Const) else None
        keys = list(k.keys)  # type: ignore[union-attr]
        if isinstance(key, int) and key < 0:
            key += len(keys)
        if not isinstance(at, Const) or key not in keys:
            raise Unbatched("a part known only at run time")
        n = keys.index(key)
        return b.part(new, kind(new), n), how[n]  # type: ignore[arg-type]
    if how == "each":
        raise Unbatched("a list")
    if type(k) is Seq:
        if b.way(at) != "one" or how != "many":
            raise Unbatched("another element for each example")
        xs = kind(b.at(x))
        got = xs.elem if isinstance(xs, Seq) and not isinstance(at, Slice) else xs
        return b.prim(op.fn, [b.at(x), b.at(at)], result=got, **attrs), "many"
    if not isinstance(k, Array):
        raise Unbatched("a part of something else")
    parts = index_parts(b, at)
    if b.way(at) == "one":
        if split_up(parts):
            raise Unbatched("indices apart")
        return b.getitem(b.at(x), display([ALL, *map(b.at, parts)])), "many"
    return b.getitem(b.at(x), by_examples(b, x, parts)), "many"


def index_parts(b: Many, at: Atom) -> list[Atom]:
    """An index axis by axis, also where it is one value: a tuple (of arrays, as ``np.nonzero`` gives it)."""
    if isinstance(at, Struct):
        return list(at.items) if at.type is tuple else [at]
    k = kind(at)
    if isinstance(k, Tree):
        how, new = b.way(at), b.at(at)
        if how == "each" or not (isinstance(k.type, type) and issubclass(k.type, (tuple, list))):
            raise Unbatched("an index of several things")
        if k.type is list:
            return [at]
        whole = kind(new)
        assert isinstance(whole, Tree)
        return [
            b.named(b.part(new, whole, n), x, how[n] if isinstance(how, tuple) else how)
            for n, x in enumerate(k.items)
        ]
    if isinstance(at, Val) and not (isinstance(k, (Array, Scalar)) or (type(k) is Seq and not k.frozen)):
        raise Unbatched("an index that may be of several axes")
    return [at]


def split_up(parts: list[Atom]) -> bool:
    """Whether arrays and numbers among indices have slices between them: their axes would come first."""
    fancy = [n for n, p in enumerate(parts) if isinstance(kind(p), (Array, Seq, Tree))]
    unsure = [n for n, p in enumerate(parts) if isinstance(p, Val) and kind(p) in (UNKNOWN, OTHER)]
    if not fancy and not unsure:
        return False
    picks = [n for n, p in enumerate(parts) if n in fancy or isinstance(kind(p), Scalar)]
    if unsure:  # a slice, or an array
        return len(picks) + len(unsure) > 1
    return picks[-1] - picks[0] + 1 != len(picks)


def by_examples(b: Many, x: Atom, parts: list[Atom]) -> Atom:
    """The index of what each example picks by numbers of its own."""
    ranks = []
    for p in parts:
        k = kind(p)
        if not isinstance(k, (Array, Scalar)) or k.dtype[0] not in "iu" or isinstance(p, Struct):
            raise Unbatched("an index of several things")
        ranks.append(rank(p) or 0)
    r = max(ranks)
    new = [b.aligned(p, r) for p in parts]
    if b.way(x) == "one":
        return alone_or_tuple(new)
    examples = b.rule(batching.examples, {"n": b.count()})
    if r:
        examples = b.getitem(examples, display([ALL, *[Const(None)] * r]))
    return display([examples, *new])


def _setitem(b: Many, op: Op) -> tuple[Atom, Any]:
    x, at, value = op.ins
    k = kind(x)
    attrs = handed_on(op)
    if type(k) is Seq:
        if b.way(x) not in ("one", "many") or b.way(at) != "one":
            raise Unbatched("a list")
        xs = b.as_many(x, op.out.kind)
        meant = op.out.kind.elem if type(op.out.kind) is Seq and not isinstance(at, Slice) else op.out.kind
        return b.prim(op.fn, [xs, b.at(at), b.as_many(value, meant)], result=kind(xs), **attrs), "many"
    if not isinstance(k, Array) or b.way(x) not in ("one", "many") or b.way(value) not in ("one", "many"):
        raise Unbatched("a write into something else")
    parts = index_parts(b, at)
    new = b.at(x) if b.way(x) == "many" else b.expanded(b.at(x), k)
    if op.fn is ops.setitem and b.way(at) == "many" and len(parts) == 1 and rank(value) == 0:
        km = kind(parts[0])
        if isinstance(km, Array) and km.dtype == "b1":
            return masked(b, new, k, parts[0], value), "many"
    if b.way(at) == "one":
        if split_up(parts):
            raise Unbatched("indices apart")
        where = whole_index([ALL, *map(b.at, parts)])
        if parts == [Const(...)]:
            where = Const(...)
    else:
        if b.way(x) == "one":
            raise Unbatched("an index for each example, into what is the same for all")
        where = by_examples(b, x, parts)
    if b.way(value) == "many":
        target = rank(b.getitem(b.at(x), where)) if b.way(x) == "many" else None
        if target is None:
            target = rank(b.getitem(new, where))
        if target is None:
            raise Unbatched("a write of unknown rank")
        if (rank(value) or 0) > target - 1:
            raise Unbatched("axes of length one that a write leaves out")
        v = b.aligned(value, target - 1)
    else:
        v = b.at(value)
    return b.prim(op.fn, [new, where, v], result=kind(new), **attrs), "many"


def masked(b: Many, new: Atom, k: Array, mask: Atom, value: Atom) -> Atom:
    """A number written where a mask of each example says so."""
    where = b.at(mask)
    rest = len(k.dims) - (rank(mask) or 0)
    if rest > 0:
        where = b.getitem(where, display([Const(...), *[Const(None)] * rest]))
    number = b.aligned(value, len(k.dims)) if b.way(value) == "many" else b.at(value)
    return b.prim(batching.CHOOSE, [where, number, new])


def _append(b: Many, op: Op) -> tuple[Atom, Any]:
    xs, x = op.ins
    v = b.as_many(x, op.out.kind.elem if type(op.out.kind) is Seq else None)
    new = b.at(xs)
    if b.way(xs) == "one":
        if isinstance(new, Val) and new.op is not None and new not in new.op.outs:
            raise Wanted(new)
        if not (isinstance(new, Struct) and not new.items):
            raise Unbatched("a list that has elements")
    elif b.way(xs) != "many":
        raise Unbatched("a list of several things")
    return b.prim(ops.append, [new, v], result=Seq(kind(v)), **handed_on(op)), "many"


def _array(b: Many, op: Op) -> tuple[Atom, Any]:
    """``np.array([...])``: the examples come first, then what the list says."""
    if any(b.way(a) != "one" for a in op.ins[1:]):
        raise Unbatched("options for each example")
    x = op.ins[0]
    k = kind(x)
    if b.way(x) == "many" and type(k) is Seq and isinstance(k.elem, (Scalar, Array)):
        return b.rule(batching.rows, {"xs": b.at(x), "n": b.count()}), "many"
    if b.way(x) == "many" and isinstance(k, (Array, Scalar)):
        return b.prim(op.fn, [b.at(a) for a in op.ins], op.attrs.get("names", ()), **handed_on(op)), "many"
    if len(op.ins) > 1:
        raise Unbatched("a display with options")
    return nested(b, x), "many"


def nested(b: Many, x: Atom) -> Atom:
    """An array made of a display of numbers or arrays."""
    if isinstance(x, Struct) and x.type in (list, tuple) and x.items:
        parts = [nested(b, i) for i in x.items]
        return b.rule(batching.beside, {"xs": display(parts, list)})
    if not isinstance(kind(x), (Scalar, Array)) or b.way(x) not in ("one", "many"):
        raise Unbatched("a display of something else")
    return b.at(x) if b.way(x) == "many" else b.expanded(b.at(x), kind(x))


def _joined(b: Many, op: Op) -> tuple[Atom, Any]:
    """``np.concatenate`` and ``np.stack`` of a display of arrays."""
    names = op.names
    if len(op.ins) > 2 or (len(op.ins) == 2 and names[1] not in ("", "axis")):
        raise Unbatched("options")
    axis = op.ins[1] if len(op.ins) == 2 else Const(0)
    xs = op.ins[0]
    if not isinstance(axis, Const) or not isinstance(axis.value, int) or not isinstance(xs, Struct):
        raise Unbatched("a list of any length")
    if any(rank(x) is None or b.way(x) not in ("one", "many") for x in xs.items):
        raise Unbatched("a display of something else")
    items = tuple(b.at(x) if b.way(x) == "many" else b.expanded(b.at(x), kind(x)) for x in xs.items)
    at = axis.value + 1 if axis.value >= 0 else axis.value
    return b.prim(op.fn, [Struct(xs.type, xs.keys, items), Const(at)], ("", "axis")), "many"


def _einsum(b: Many, op: Op) -> tuple[Atom, Any]:
    """One letter more, for the examples."""
    text, *operands = op.ins
    if op.by_name or not isinstance(text, Const) or not isinstance(text.value, str):
        raise Unbatched("options")
    found = batching.with_examples(text.value, [b.way(a) == "many" for a in operands])
    if found is None or any(b.way(a) not in ("one", "many") for a in operands):
        raise Unbatched("subscripts of another form")
    return b.prim(op.fn, [Const(found), *map(b.at, operands)]), "many"


CORE: dict[Any, Any] = {
    operator.getitem: _getitem, ops.getfield: _getitem, ops.setitem: _setitem, ops.additem: _setitem,
    ops.append: _append, ops.poplast: _plain, ops.rest: _plain, ops.copied: _plain, ops.stop_gradient: _plain,
    list: _list, float: _itself, ops.accumulate: _sum, operator.add: _add, operator.mul: _add,
    operator.concat: _add, ops.shape_at: _shape_at, len: _len, **dict.fromkeys(batching.SHAPES, _of_shape),
    batching.SUMS: _einsum, **dict.fromkeys(batching.DISPLAYS, _array),
    **dict.fromkeys(batching.JOINS, _joined),
}  # fmt: skip
