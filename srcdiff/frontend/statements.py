"""Reading statements."""

from __future__ import annotations

import operator
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import gast

from srcdiff.backends import numpy_names
from srcdiff.frontend import (
    control,
    definitions,
    effects,
    exits,
    generators,
    iteration,
    listing,
    lists,
    locally,
    loops,
    managers,
    mappings,
    objects,
    operands,
    places,
    protect,
    sharing,
    thrown,
    unordered,
    views,
)
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.core import MOST_PROBLEMS, Bottom, Stop
from srcdiff.frontend.expressions import (
    WORDS,
    attribute,
    binary,
    element,
    index_of,
    is_dict,
    raises,
    stored,
)
from srcdiff.frontend.objects import content
from srcdiff.frontend.raising import Raised
from srcdiff.frontend.scope import Agg, Bound, Either, Iter, Loc, Method, Plain, Poison, Step
from srcdiff.frontend.sizes import other_than, settle_slices
from srcdiff.frontend.trial import snapshot
from srcdiff.frontend.words import is_const_none, name_of, resolved
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Slice, Struct, Val, kind
from srcdiff.ir.kinds import UNKNOWN, Array, Map, Scalar, Seq, Tree, has_cell, join, join_all
from srcdiff.ir.unset import unset_among
from srcdiff.later import Later

if TYPE_CHECKING:
    from srcdiff.frontend import matching
    from srcdiff.frontend.lower import Lowerer
else:
    matching = Later("srcdiff.frontend.matching")

__all__ = ["assign", "block", "statement"]


def block(lw: Lowerer, stmts: list[Any]) -> Any:
    """Read statements in order; returns the exit code."""
    outer = lw.statement
    try:
        return in_order(lw, stmts)
    finally:
        lw.statement = outer


def in_order(lw: Lowerer, stmts: list[Any]) -> Any:
    for n, s in enumerate(stmts):
        rest, state = stmts[n + 1 :], lw.state
        mark = snapshot(lw) if thrown.catching(lw) else None
        lw.enter(s)
        try:
            if isinstance(s, gast.If) and exits.jumps([s]):
                test = lw.expr(s.test)
                return control.if_statement(lw, test, s.body, s.orelse, rest)
            if isinstance(s, gast.Try) and exits.jumps([s]):
                return protect.try_statement(lw, s, rest)
            if isinstance(s, gast.Match):
                return matching.match_statement(lw, s, rest)
            if generators.yields(s):
                return generators.yield_statement(lw, s, rest)
            code = statement(lw, s)
        except Stop as stop:
            if lw.frame.static or lw.boundary is not None or len(lw.problems) >= MOST_PROBLEMS:
                raise
            lw.found(stop)
            lw.state = state  # (where paths met it may be half of one)
            lw.poison(s)
            continue
        except thrown.Lift as lift:
            if mark is None:
                raise
            return block(lw, [*thrown.instead(lw, s, lift, mark), *rest])
        except Bottom:
            lw.state = state
            return exits.RAISE
        except Raised:
            return exits.RAISE
        if isinstance(code, exits.Pending):
            return exits.pending(lw, code, rest)
        if isinstance(code, int) and code == exits.FALL:
            continue
        if isinstance(code, int) or not rest:
            return code
        test_fall = exits.exit_test(lw, code, exits.FALL)
        return exits.merge_exits(lw, test_fall, partial(block, lw, rest), partial(_same, code), [])
    return exits.FALL


def _same(code: Any) -> Any:
    return code


REFUSED = {  # slug, what, help
    "TryStar": ("try-star", "except* is not supported", "catch them one by one, with try and except"),
    "AsyncFunctionDef": ("async", "an async function is not supported", "write an ordinary function"),
    "AsyncFor": ("async", "async for is not supported", "use for, over a list"),
    "AsyncWith": ("async", "async with is not supported", "use with"),
}  # fmt: skip


def statement(lw: Lowerer, s: Any) -> Any:
    handler = _HANDLERS.get(type(s).__name__)
    if handler is None:
        name = type(s).__name__
        slug, what, help = REFUSED.get(name, ("syntax", "", "do it outside the function"))
        what = what or f"{WORDS.get(name, name)} is not supported in a differentiated function"
        lw.stop(slug, what, s, help=help)
    result = handler(lw, s)
    return exits.FALL if result is None else result


def _assign(lw: Lowerer, s: Any) -> None:
    value = lw.expr(s.value)
    if len(s.targets) > 1:  # one array under several names
        value = stored(lw, value)
    for t in s.targets:
        assign(lw, t, value)


def _annassign(lw: Lowerer, s: Any) -> None:
    if s.value is not None:
        assign(lw, s.target, lw.expr(s.value))


def assign(lw: Lowerer, target: Any, value: Bound) -> None:
    """Bind a target: a name, a tuple of targets, an element, an attribute."""
    if isinstance(target, gast.Name):
        lw.set_name(target.id, named(lw, value, target.id))
    elif isinstance(target, (gast.Tuple, gast.List)):
        assign_many(lw, target, value)
    elif isinstance(target, gast.Subscript):
        base = lw.expr(target.value)
        store(lw, base, index_of(lw, base, target.slice), value, target)
    elif isinstance(target, gast.Attribute):
        objects.set_field(
            lw, lw.expr(target.value), target.attr, named(lw, value, target.attr), target
        )
    elif isinstance(target, gast.Starred):
        assign(lw, target.value, value)
    else:
        lw.stop("syntax", f"cannot assign to {type(target).__name__}", target)


def named(lw: Lowerer, value: Bound, name: str) -> Bound:
    """Give a value that has no name yet the name it is bound to."""
    if name == "_":  # what is emitted uses it for what nobody reads
        return stored(lw, value)
    if isinstance(value, Plain) and isinstance(value.atom, Val):
        v = value.atom
        if not v.user and not lw.quiet():
            v.name, v.user = name, True
        if has_cell(v.kind):
            return lw.bind(v)
        return value
    if isinstance(value, Agg) and isinstance(value.whole, Val) and not value.whole.user and not lw.quiet():
        value.whole.name, value.whole.user = name, True
    if isinstance(value, Loc) and value.val is not None and not value.val.user and not lw.quiet():
        value.val.name, value.val.user = name, True
    if isinstance(value, Loc) and not value.path and not lw.quiet():
        v = lw.state.cells[value.cell]  # (an object, or what lives in a list, has no name of its own)
        if isinstance(v, Val) and not v.user:
            rename(v, name)
    return value


def rename(v: Val, name: str) -> None:
    """Give the user's name to a value made by one of our own loops, and to what the loop carries for it."""
    v.name, v.user = name, True
    if v.op is not None and v.op.is_loop and v in v.op.outs:
        at = v.op.outs.index(v)
        view = LoopView(v.op)
        if at < view.carried:
            for w in (view.params[at], view.yields[at]):
                if isinstance(w, Val) and not w.user:
                    w.name = name


def one_of_two(lw: Lowerer, b: Bound, node: Any) -> Bound:
    """What is unpacked: of two things, the parts of the one that is meant."""
    b = resolved(lw, b)
    if isinstance(b, Either):
        first, second = b.then, b.other
        return lw.choose(
            b.test, lambda: one_of_two(lw, first, node), lambda: one_of_two(lw, second, node), node, "if"
        )
    if is_const_none(b):
        error = TypeError("cannot unpack non-iterable NoneType object")
        raises(lw, error, node, "None is unpacked", "unpack")
    return b


def assign_many(lw: Lowerer, target: Any, value: Bound) -> None:
    if isinstance(value, Either):
        value = one_of_two(lw, value, target)
    value = unordered.gone_through(lw, lw.sequence(value, target), target)
    c = content(lw, value)
    n = len(target.elts)
    stars = [i for i, e in enumerate(target.elts) if isinstance(e, gast.Starred)]
    if isinstance(c, Plain) and isinstance(c.atom, Struct):
        c = lw.bind(c.atom)
    if not isinstance(c, Agg):
        atom = lw.read(value, target)
        k = kind(atom)
        if has_cell(k):
            base = value if isinstance(value, Loc) else lw.bind(atom)
            if stars:
                unpack_starred(lw, target, base, stars[0])
                return
            count = None if lw.frame.static else other_than(lw, atom, n)
            if count is not None:
                miscounted(lw, count, n, target, f"more than {n}" if count > n else str(count))
            parts = tuple(views.view(lw, base, Step(operator.getitem, (Const(i),))) for i in range(n))
            c = Agg(tuple, tuple(range(n)), parts)
        elif k == UNKNOWN and not stars:
            c = Agg(tuple, tuple(range(n)), tuple(lw.bind(lw.getitem(atom, Const(i))) for i in range(n)))
        else:
            lw.stop("unpack", "this cannot be unpacked", target)
    items = list(c.items)
    if not stars and len(items) == n and places.exchange(lw, target, items):
        return
    if n > 1 and not all(isinstance(t, gast.Name) for t in target.elts):
        # what is stored first must not change what is stored next
        items = [kept(lw, x) for x in items]
    if stars:
        i = stars[0]
        tail = n - i - 1
        middle = items[i : len(items) - tail]
        agg = Agg(list, tuple(range(len(middle))), tuple(middle))
        items = [*items[:i], Loc(lw.state.new_cell(agg)), *items[len(items) - tail :]]
    if len(items) != n:
        miscounted(lw, len(items), n, target)
    for t, item in zip(target.elts, items, strict=True):
        assign(lw, t, item)


def miscounted(lw: Lowerer, count: int, names: int, node: Any, said: str = "") -> NoReturn:
    """What has ``count`` values is unpacked into another number of names."""
    few = f"not enough values to unpack (expected {names}, got {count})"
    error = ValueError(few if count < names else f"too many values to unpack (expected {names})")
    raises(lw, error, node, f"{said or count} values for {names} names", "unpack")


def kept(lw: Lowerer, b: Bound) -> Bound:
    """An element of a list as it is now: another one may be put in its place before it is stored."""
    at = lw.settled(b)
    if not isinstance(at, Loc) or not at.path or lw.frame.static:
        return b
    held = lw.state.cells[at.cell]
    return b if isinstance(held, Agg) or not isinstance(kind(held), Seq) else lw.freeze(lw.bind(lw.read(at)))


def unpack_starred(lw: Lowerer, target: Any, base: Bound, star: int) -> None:
    """``a, *b, c = seq`` on a sequence of unknown length."""
    tail = len(target.elts) - star - 1
    for i, t in enumerate(target.elts):
        if i == star:
            stop = Const(-tail) if tail else Const(None)
            rest = Slice(Const(star), stop, Const(None))
            if isinstance(kind(lw.read(base)), Array):
                part = views.view(lw, base, Step(operator.getitem, (rest,)))
                assign(lw, t.value, listing.call_list(lw, part, target))  # (the rest is a list)
            else:
                part = lw.bind(lw.getitem(lw.read(base), rest))
                assign(lw, t.value, places.share_elements(lw, part, base))
        else:
            assign(
                lw,
                t,
                views.view(
                    lw, base, Step(operator.getitem, (Const(i if i < star else i - len(target.elts)),))
                ),
            )


def store(lw: Lowerer, base: Bound, index: Atom, value: Bound, node: Any) -> None:
    """``base[index] = value``."""
    box = content(lw, base)
    if objects.is_object(box):
        if objects.special(lw, base, "__setitem__", [Plain(index), value], node) is None:
            lw.stop("store", f"an object of class {box.type.__name__} cannot be written to by an index", node)
        return
    if isinstance(box, Agg):
        if not isinstance(base, Loc):
            lw.stop("store", f"a {box.type.__name__} cannot be changed", node)
        store_known(lw, base, box, index, value, node)
        return
    if not isinstance(base, Loc):
        lw.stop("store", "this cannot be written to", node)
    base = lw.moved_to(base)
    current = lw.read(base, node)
    if isinstance(kind(current), Array) and type(kind(lw.read(value, node))) is Seq:
        value = operands.as_array(lw, value, node)
    new_value = lw.read(value, node)
    if isinstance(kind(current), Seq) and isinstance(index, Slice) and index.step in (Const(None), Const(1)):
        lists.replace(lw, base, current, index, value, node)
        return
    if isinstance(kind(current), Seq) and not base.path:
        places.detach(lw, base, index, node)
    elif isinstance(kind(current), Seq) and places.changeable(kind(current).elem):  # type: ignore[union-attr]
        lw.mixed.add(base.cell)
    lw.write(base, set_item(lw, current, index, new_value), node)
    if isinstance(kind(current), Seq):
        at = places.from_start(lw, current, index) if type(kind(current)) is Seq else index
        places.put_in(lw, base, (*base.path, places.element_step(at)), value, node)


def set_item(lw: Lowerer, current: Atom, index: Atom, value: Atom) -> Atom:
    k = kind(current)
    settle_slices(lw, k, index)
    if isinstance(k, Map):
        k = mappings.stored(k, index, value)
    elif isinstance(k, Seq):
        k = Seq(join(k.elem, kind(value)) if not isinstance(index, Slice) else k.elem)
    return views.written(lw, current, index, value, k, user=True)


def store_known(lw: Lowerer, base: Loc, box: Agg, index: Atom, value: Bound, node: Any) -> None:
    if is_constant(index) and not isinstance(index, Slice):
        v = constant(index)
        value = stored(lw, value)
        if box.type is dict and v not in box.keys:
            lw.change(base, Agg(dict, (*box.keys, v), (*box.items, value)), node)
            return
        if box.type is list and isinstance(v, int) and v < 0:
            v += len(box.items)
        if v not in box.keys:
            lw.stop("index", f"there is no element {v!r} to assign to", node)
        at = box.keys.index(v)
        items = (*box.items[:at], value, *box.items[at + 1 :])
        lw.change(base, Agg(box.type, box.keys, items), node)
        return
    part = constant(index) if is_constant(index) else None
    given = content(lw, value)
    if box.type is list and isinstance(part, slice) and isinstance(given, Agg):
        now = list(box.items)
        now[part] = [stored(lw, x) for x in given.items]
        lw.change(base, Agg(list, tuple(range(len(now))), tuple(now)), node)
        return
    if box.type is list:
        as_sequence(lw, base, box, node)
        store(lw, Loc(base.cell, base.path), index, value, node)
        return
    if box.type is dict:
        store(lw, mappings.as_mapping(lw, base, box, node), index, value, node)
        return
    lw.stop("store", "which element is assigned to is known only at run time", node)


def to_sequence(lw: Lowerer, box: Agg) -> Atom:
    """A list of known structure as a value of the graph."""
    kinds = [kind(lw.read(x)) for x in box.items]
    elem = join_all(kinds[0], tuple(kinds[1:])) if kinds else UNKNOWN
    parts = lw.read(Agg(tuple, box.keys, box.items))
    return lw.prim(list, [parts], result=Seq(elem), display=True, **unset_among(parts))


def as_sequence(lw: Lowerer, base: Bound, box: Agg, node: Any) -> Loc:
    """Turn a list of known structure into one whose elements are found at run time."""
    if not isinstance(base, Loc):
        lw.stop("store", "this cannot be written to", node)
    base = lw.moved_to(base)
    value = to_sequence(lw, box)
    if base.path:
        lw.change(base, value, node)
        return Loc(base.cell, base.path)
    lw.state.cells[base.cell] = value
    for i, x in enumerate(box.items):
        places.put_in(lw, base, (places.element_step(Const(i)),), x, node)
    return Loc(base.cell)


def _augassign(lw: Lowerer, s: Any) -> None:
    fn = numpy_names.BINARY[type(s.op).__name__]
    if isinstance(s.target, gast.Name):
        load = gast.Name(s.target.id, gast.Load(), None, None)
        current = lw.expr(gast.copy_location(load, s.target))
        value = lw.expr(s.value)
        result = augmented(lw, fn, current, value, s)
        if result is not None:
            lw.set_name(s.target.id, named(lw, result, s.target.id))
    elif isinstance(s.target, gast.Subscript):
        base = lw.expr(s.target.value)
        index = index_of(lw, base, s.target.slice)
        value = lw.expr(s.value)
        box = content(lw, base)
        if objects.is_object(box):
            item = objects.special(lw, base, "__getitem__", [Plain(index)], s)
            if item is None:
                lw.stop("index", f"an object of class {box.type.__name__} cannot be indexed", s)
            result = augmented(lw, fn, item, value, s)
            store(lw, base, index, item if result is None else result, s)
            return
        if isinstance(box, Agg):
            if is_constant(index):
                item = element(lw, box, index, s)
                result = augmented(lw, fn, item, value, s)
                if result is not None:
                    store(lw, base, index, result, s)
                return
            to_values = mappings.as_mapping if box.type is dict else as_sequence
            base = to_values(lw, base, box, s)
        if not isinstance(base, Loc):
            lw.stop("store", "this cannot be written to", s)
        augment_item(lw, fn, base, index, value, s)
    elif isinstance(s.target, gast.Attribute):
        base = lw.expr(s.target.value)

        result = augmented(lw, fn, attribute(lw, base, s.target.attr, s), lw.expr(s.value), s)
        if result is not None:
            objects.set_field(lw, base, s.target.attr, result, s)


def augmented(lw: Lowerer, fn: Any, current: Bound, value: Bound, node: Any) -> Bound | None:
    """``current op= value``: a new value, or None if an array or list was changed in place."""
    got = objects.operate(lw, fn, current, value, node, in_place=True)
    if got is not None:
        return got
    box = content(lw, current)
    if fn is operator.or_ and is_dict(lw, current):
        lw.call(Method(current, "update"), [value], {}, node)
        return None
    if isinstance(box, Agg):
        if box.type is list and fn is operator.add and not is_array(lw, value):
            value, extra = listing.spread(lw, value, node)  # any iterable, as in ``extend``
            if extra is not None:
                items = (*box.items, *extra)
                lw.change(current, Agg(list, tuple(range(len(items))), items), node)  # type: ignore[arg-type]
                return None
            current = as_sequence(lw, current, box, node)
        else:
            return binary(lw, fn, current, value, node)
    a = lw.sure(lw.read(current, node))
    k = kind(a)
    if isinstance(k, Seq) and k.frozen:
        return binary(lw, fn, current, value, node)
    if type(k) is Seq and fn is operator.add:
        if is_array(lw, value):  # the sum with a list is NumPy's, and a new array
            return binary(lw, fn, current, value, node)
        if isinstance(current, Loc):
            lists.extend(lw, current, a, [value], {}, node)
            return None
    b = lw.read(value, node)
    if isinstance(k, Array) and isinstance(current, Loc):
        b = lw.read(operands.as_array(lw, value, node))
        lw.write(current, in_place(lw, fn, a, b, node), node)
        return None
    if k == UNKNOWN and isinstance(current, Loc):
        new = lw.prim(fn, [a, b], hint=name_of(a))
        if isinstance(new, Val):
            new.user = True
        lw.write(current, new, node)
        return None
    return Plain(lw.prim(fn, [a, b]))


def is_array(lw: Lowerer, b: Bound) -> bool:
    box = content(lw, b)
    if isinstance(box, (Agg, Iter)) or listing.is_iterator(lw, b):
        return False
    return isinstance(kind(lw.read(b)), Array)


def in_place(lw: Lowerer, fn: Any, a: Atom, b: Atom, node: Any) -> Atom:
    """The new content of an array after ``a op= b``: dtype and shape stay."""
    k = kind(a)
    new = lw.prim(fn, [a, b], hint=name_of(a), aug=True)
    nk = kind(new)
    if isinstance(k, Array) and isinstance(nk, Array) and nk.dtype == k.dtype and len(nk.dims) == len(k.dims):
        kb = kind(b)
        fits = isinstance(kb, Array) and len(kb.dims) <= len(k.dims)  # (or it raises)
        if fits or isinstance(kb, Scalar):
            if isinstance(new, Val):
                new.kind, new.user = k, True
            return new
    return views.written(lw, a, Const(...), new, k, user=True)


def augment_item(lw: Lowerer, fn: Any, base: Loc, index: Atom, value: Bound, node: Any) -> None:
    """``base[index] op= value``."""
    current = lw.read(base, node)
    k = kind(current)
    old = lw.getitem(current, index)
    if isinstance(k, Seq) and isinstance(kind(old), (Seq, Tree)):  # a list in a list or dict, or an object
        result = augmented(lw, fn, views.view(lw, base, places.element_step(index)), value, node)
        if result is not None:
            store(lw, base, index, result, node)
        return
    b = lw.read(value, node)
    basic = isinstance(old, Val) and old.op is not None and old.op.attrs.get("view", False)
    if fn in (operator.add, operator.sub) and isinstance(k, Array) and basic:
        kb, ko = kind(b), kind(old)
        fits = not isinstance(ko, Scalar) or isinstance(kb, Scalar)
        same_type = isinstance(kb, (Scalar, Array)) and (kb.dtype[0] == k.dtype[0] or kb.dtype[0] in "bi")
        if fits and same_type:
            amount = b if fn is operator.add else lw.prim(operator.neg, [b])
            lw.write(
                base,
                lw.prim(ops.additem, [current, index, amount], result=k, hint=name_of(current), user=True),
                node,
            )
            return
    if isinstance(k, Seq) and has_cell(kind(old)):  # it changes, whoever holds it
        lw.check_elements(base.cell, node)
        sharing.check_shared(lw, base.cell, node, itself=False)
        lw.element_writes.append(base.cell)
    new = lw.prim(fn, [old, b])
    lw.write(base, set_item(lw, current, index, new), node)


def _expr(lw: Lowerer, s: Any) -> None:
    if isinstance(s.value, gast.Constant):
        return
    lw.discarded = s.value
    lw.expr(s.value)


def _return(lw: Lowerer, s: Any) -> int:
    value = lw.expr(s.value) if s.value is not None else Plain(Const(None))
    lw.state.names[lw.frame.id, exits.RETURNED] = (
        stored(lw, value) if not isinstance(value, Plain) else value
    )
    return lw.jumps.ret


def _if(lw: Lowerer, s: Any) -> Any:
    return control.if_statement(lw, lw.expr(s.test), s.body, s.orelse, [])


def _pass(lw: Lowerer, s: Any) -> None:
    return None


def _raise(lw: Lowerer, s: Any) -> Any:
    if s.exc is None and lw.handling:
        code = thrown.throw_again(lw, lw.handling[-1], s)
        return protect.raise_again(lw, lw.handling[-1], s) if code is None else code
    code = thrown.throw(lw, s) if s.exc is not None else None
    if code is not None:
        return code
    return effects.raise_statement(lw, s)


def _try(lw: Lowerer, s: Any) -> Any:
    return protect.try_statement(lw, s, [])


def _type_alias(lw: Lowerer, s: Any) -> None:
    """``type X = ...`` is for readers; nothing is computed with it."""
    lw.set_name(s.name.id, Poison(f"{s.name.id!r} is a type alias"))


def _resume(lw: Lowerer, s: generators.Resume) -> Any:
    return generators.resume(lw, s)


def _do(lw: Lowerer, s: generators.Do) -> Any:
    return s.read()


def _break(lw: Lowerer, s: Any) -> int:
    return lw.jumps.brk


def _continue(lw: Lowerer, s: Any) -> int:
    return exits.CONTINUE


_HANDLERS: dict[str, Any] = {
    "Assign": _assign, "AnnAssign": _annassign, "AugAssign": _augassign, "Expr": _expr, "Return": _return,
    "If": _if, "Pass": _pass, "Assert": effects.assert_statement, "Raise": _raise,
    "FunctionDef": definitions.function, "Import": definitions.import_module,
    "ImportFrom": definitions.import_from, "Delete": definitions.delete, "Break": _break,
    "Continue": _continue, "Nonlocal": _pass, "Global": _pass, "For": iteration.for_loop,
    "While": loops.while_loop, "TypeAlias": _type_alias, "Try": _try, "With": managers.with_statement,
    "Resume": _resume, "Do": _do, "Held": thrown.held,
    "ClassDef": locally.class_statement,
}  # fmt: skip
