"""Reading displays and comprehensions: lists, tuples, sets, dicts, and starred values in them."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import calls, entering, identity, known_items, methods, objects, statements
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.expressions import HANDLERS, binary, stored
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Bound, Known, Loc, Plain
from srcdiff.ir.graph import Const, Struct, kind
from srcdiff.ir.kinds import OTHER, is_active_kind

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["make_set", "sequence"]


def sequence(lw: Lowerer, node: Any, t: type) -> Bound:
    """``[a, *b, c]`` or ``(a, *b, c)``: of known structure, unless a starred value is of any length."""
    parts: list[Any] = [[]]  # runs of elements, and sequences of unknown length between them
    for e in node.elts:
        if not isinstance(e, gast.Starred):
            parts[-1].append(stored(lw, lw.expr(e)))
            continue
        b, fixed = lw.spread(lw.expr(e.value), e)
        if fixed is not None:
            parts[-1].extend(fixed)
        else:
            parts += [calls.call(lw, Known(list, "list"), [b], {}, e), []]
    if len(parts) == 1:
        agg = Agg(t, tuple(range(len(parts[0]))), tuple(parts[0]))
        if t is not list:
            return agg
        box = Loc(lw.state.new_cell(agg))
        lw.own_lists.add(box.cell)
        return box
    return joined(lw, parts, node)


def joined(lw: Lowerer, parts: list[Any], node: Any) -> Bound:
    """One list of runs of elements and of lists of unknown length."""
    lists: list[Bound] = []
    for p in parts:
        if not isinstance(p, list):
            lists.append(p)
        elif p:
            lists.append(Loc(lw.state.new_cell(Agg(list, tuple(range(len(p))), tuple(p)))))
    total = lists[0]
    for b in lists[1:]:
        total = binary(lw, operator.add, total, b, node)
    if isinstance(total, Loc):
        lw.mixed.add(total.cell)
    return total


def _list(lw: Lowerer, node: Any) -> Bound:
    return sequence(lw, node, list)


def _tuple(lw: Lowerer, node: Any) -> Bound:
    return sequence(lw, node, tuple)


def _set(lw: Lowerer, node: Any) -> Bound:
    return make_set(lw, sequence(lw, node, list), set, node)


def make_set(lw: Lowerer, items: Bound, t: type, node: Any) -> Bound:
    """A set of constants is of known structure; one of other things is made at run time."""
    box = content(lw, items)
    if isinstance(box, Agg):
        of_objects = identity.set_of(lw, box.items, t, node)
        if of_objects is not None:
            return of_objects
        values: dict[Any, Bound] = {}
        for x in box.items:
            a = lw.read(x, node)
            if not is_constant(a):
                break
            values.setdefault(constant(a), x)
        else:
            agg = Agg(t, tuple(values), tuple(values.values()))
            return Loc(lw.state.new_cell(agg)) if t is set else agg
    a = lw.read(items, node)
    if is_active_kind(kind(a)):
        lw.stop(
            "set", "a set of numbers that are known only at run time has no derivative", node,
            note="which of them are equal decides what is in it",
            help="use a list",
        )  # fmt: skip
    return Plain(lw.prim(t, [a], result=OTHER))


def set_method(lw: Lowerer, owner: Bound, box: Agg, name: str, args: list[Bound], node: Any) -> Bound:
    """A method of a set of known elements: settled now, or the set becomes one of run time."""
    got = identity.set_method(lw, owner, box, name, args, node)
    if got is not None:
        return got
    atoms = [lw.read(content(lw, a) if not isinstance(a, Loc) else a, node) for a in args]
    if name in _OF_SETS:
        groups = [known_items.fixed_items(lw, a, node) for a in args]
        known = [[lw.read(x) for x in g] for g in groups if g is not None]
        if len(known) == len(args) and all(is_constant(x) for g in known for x in g):
            got = getattr(box.type(box.keys), name)(*[[constant(x) for x in g] for g in known])
            if isinstance(got, bool):
                return Plain(Const(got))
            order = [*box.keys, *(constant(x) for g in known for x in g)]
            keys = tuple(dict.fromkeys(k for k in order if k in got))
            agg = Agg(box.type, keys, tuple(Plain(Const(k)) for k in keys))
            return Loc(lw.state.new_cell(agg)) if box.type is set else agg
    value = lw.read(owner, node)
    if isinstance(owner, Loc):
        lw.state.cells[owner.cell] = value
    return methods.unread_method(lw, value, name, [Plain(a) for a in atoms], {}, node)


_OF_SETS = (
    "union", "intersection", "difference", "symmetric_difference", "issubset", "issuperset", "isdisjoint",
    "copy",
)  # fmt: skip


def _dict(lw: Lowerer, node: Any) -> Bound:
    box = Loc(lw.state.new_cell(Agg(dict, (), ())))
    for k, v in zip(node.keys, node.values, strict=True):
        if k is not None:
            key = identity.key_of(lw, box, lw.expr(k), k)
            statements.store(lw, box, key, stored(lw, lw.expr(v)), k)
            continue
        other = content(lw, objects.opened(lw, lw.expr(v), v))
        if isinstance(other, Plain) and isinstance(other.atom, Struct):
            other = content(lw, lw.bind(other.atom))
        if not isinstance(other, Agg) or other.type is not dict:
            lw.stop("key", "the keys of the unpacked dict are not known", v,
                    help="write its entries out, or use update")  # fmt: skip
        for name_, item in zip(other.keys, other.items, strict=True):
            statements.store(lw, box, Const(name_), item, v)
    return box


# ---- comprehensions: the loops that they stand for, in a scope of their own ----------------------------

RESULT = "items_"


def loops(node: Any, body: list[Any]) -> list[Any]:
    """The loops and conditions of a comprehension around statements."""
    for g in reversed(node.generators):
        for c in reversed(g.ifs):
            body = [gast.If(test=c, body=body, orelse=[])]
        body = [gast.For(target=g.target, iter=g.iter, body=body, orelse=[], type_comment=None)]
    return body


def name(ctx: Any) -> Any:
    return gast.Name(id=RESULT, ctx=ctx, annotation=None, type_comment=None)


def assigned(target: Any, value: Any) -> Any:
    return gast.Assign(targets=[target], value=value, type_comment=None)


def _list_comprehension(lw: Lowerer, node: Any) -> Bound:
    push = gast.Attribute(value=name(gast.Load()), attr="append", ctx=gast.Load())
    add = gast.Expr(value=gast.Call(func=push, args=[node.elt], keywords=[]))
    start = assigned(name(gast.Store()), gast.List(elts=[], ctx=gast.Load()))
    return entering.synthetic(lw, node, [start, *loops(node, [add])], {}, RESULT, "list")


def _set_comprehension(lw: Lowerer, node: Any) -> Bound:
    return make_set(lw, _list_comprehension(lw, node), set, node)


def _dict_comprehension(lw: Lowerer, node: Any) -> Bound:
    now = gast.Name("key_", gast.Load(), None, None)
    place = gast.Subscript(value=name(gast.Load()), slice=now, ctx=gast.Store())
    start = assigned(name(gast.Store()), gast.Dict(keys=[], values=[]))
    key = assigned(gast.Name("key_", gast.Store(), None, None), node.key)  # the key comes before the value
    add = [key, assigned(place, node.value)]
    return entering.synthetic(lw, node, [start, *loops(node, add)], {}, RESULT, "dict")


HANDLERS.update({
    "Tuple": _tuple, "List": _list, "Set": _set, "Dict": _dict,
    "ListComp": _list_comprehension, "SetComp": _set_comprehension, "DictComp": _dict_comprehension,
})  # fmt: skip
