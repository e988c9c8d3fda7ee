"""Reading statements that make or unmake names: ``def``, ``import``, ``global``, ``del``."""

from __future__ import annotations

import importlib
import operator
import types
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import captures, mappings, objects, places, unsure
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.expressions import default_bounds, index_of
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Bound, Closure, Known, Loc, Plain
from srcdiff.frontend.words import name_of
from srcdiff.ir.graph import Atom, Const, Slice, Val, kind
from srcdiff.ir.kinds import INT, OTHER, Map, Seq

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["delete", "function", "import_from", "import_module"]


def function(lw: Lowerer, s: Any) -> None:
    """``def``, and its decorators: called on it, the lowest first."""
    decorators = [lw.expr(d) for d in s.decorator_list]
    b: Bound = Closure(s, lw.frame, s.name, default_bounds(lw, s.args))
    for d, node in zip(reversed(decorators), reversed(s.decorator_list), strict=True):
        b = lw.call(d, [b], {}, node)
    lw.set_name(s.name, b)


# ---- import --------------------------------------------------------------------------------------------


def module_named(lw: Lowerer, name: str, level: int, node: Any) -> types.ModuleType:
    """A module, imported now: it is part of the text."""
    f = lw.frame
    while f.fobj is None and f.parent is not None:
        f = f.parent
    package = f.fobj.__globals__.get("__package__") if f.fobj is not None else None
    try:
        return importlib.import_module("." * level + name, package or None)
    except (ImportError, TypeError) as e:
        what, help = f"this import fails: {e}", "import it at the top of the module"
        lw.raised(type(e), "import", what, node, help=help)


def import_module(lw: Lowerer, s: Any) -> None:
    for a in s.names:
        module = module_named(lw, a.name, 0, s)
        if a.asname is None:
            module = module_named(lw, a.name.partition(".")[0], 0, s)
        name = a.asname or a.name.partition(".")[0]
        lw.set_name(name, Known(module, module.__name__, (("const", module),)))


def import_from(lw: Lowerer, s: Any) -> None:
    module = module_named(lw, s.module or "", s.level, s)
    for a in s.names:
        if a.name == "*":
            lw.stop("import", "import * is not allowed in a function", s)
        if not hasattr(module, a.name):
            found: Bound = Known(module_named(lw, f"{module.__name__}.{a.name}", 0, s), a.name)
        else:
            library = module.__name__.partition(".")[0] in ("numpy", "scipy", "math", "cmath")
            path = None if library else (("const", module), ("attr", a.name))
            obj = getattr(module, a.name)
            found = captures.outside(lw, obj, a.asname or a.name, path, s, library=library)
        lw.set_name(a.asname or a.name, found)


# ---- del -----------------------------------------------------------------------------------------------


def delete(lw: Lowerer, s: Any) -> None:
    for t in s.targets:
        delete_target(lw, t)


def delete_target(lw: Lowerer, t: Any) -> None:
    if isinstance(t, (gast.Tuple, gast.List)):
        for e in t.elts:
            delete_target(lw, e)
    elif isinstance(t, gast.Name):
        if t.id in lw.frame.worldly:
            lw.stop("del", f"deleting the global variable {t.id!r} is not supported", t,
                    help="set it to None")  # fmt: skip
        key = (lw.frame.id, t.id)
        unsure.check(lw, lw.frame, t.id, t)
        if key not in lw.state.names:
            lw.stop("unbound", f"{t.id!r} may be deleted before it has a value", t)
        lw.bind_name(lw.frame, t.id, None)
    elif isinstance(t, gast.Subscript):
        base = lw.expr(t.value)
        delete_item(lw, base, index_of(lw, base, t.slice), t)
    else:
        objects.delete_field(lw, lw.expr(t.value), t.attr, t)


def delete_item(lw: Lowerer, base: Bound, index: Atom, node: Any) -> None:
    """``del base[index]``."""
    box = content(lw, base)
    if objects.is_object(box):
        if objects.special(lw, base, "__delitem__", [Plain(index)], node) is None:
            lw.stop("del", f"nothing can be deleted from an object of class {box.type.__name__}", node)
        return
    if not isinstance(base, Loc):
        lw.stop("del", "nothing can be deleted from this", node)
    if isinstance(box, Agg):
        delete_known(lw, base, box, index, node)
        return
    current = lw.read(base, node)
    if isinstance(kind(current), Map):
        mappings.remove(lw, base, current, index, node)
        return
    if not isinstance(kind(current), Seq):
        lw.stop("del", "elements of an array cannot be deleted", node, help="use np.delete(x, i)")
    base = lw.moved_to(base)
    places.detach(lw, base, None, node)
    before, after = bounds(lw, current, index, node)
    tail = lw.getitem(current, Slice(after, Const(None), Const(None)))
    if before == Const(0):
        if isinstance(tail, Val) and not tail.user:
            tail.name, tail.user = name_of(current), True
        lw.write(base, tail, node)
        return
    head = lw.getitem(current, Slice(Const(None), before, Const(None)))
    new = lw.prim(operator.concat, [head, tail], result=kind(current), hint=name_of(current), user=True)
    lw.write(base, new, node)


def bounds(lw: Lowerer, current: Atom, index: Atom, node: Any) -> tuple[Atom, Atom]:
    """Where what is deleted or replaced begins and ends, counted from the front."""
    if isinstance(index, Const) and isinstance(index.value, int) and index.value >= 0:
        return index, Const(index.value + 1)
    if isinstance(index, Slice) and index.step in (Const(None), Const(1)):
        start, stop = constant(index.lower), constant(index.upper)
        start = 0 if start is None else start
        if isinstance(start, int) and isinstance(stop, int) and start >= 0 and stop >= 0:
            return Const(start), Const(max(start, stop))
    positions = lw.prim(range, [lw.prim(len, [current], result=INT)], result=OTHER)
    if not isinstance(index, Slice):
        at = lw.prim(operator.getitem, [positions, index], result=INT)
        return at, lw.prim(operator.add, [at, Const(1)], result=INT)
    if not isinstance(index.step, Const) or index.step.value not in (None, 1):
        lw.stop("del", "deleting every so many elements is not supported", node,
                help="build the list of those that stay")  # fmt: skip
    part = lw.prim(operator.getitem, [positions, index], result=OTHER)
    start = lw.prim(getattr, [part, Const("start")], result=INT, method="start")
    count = lw.prim(len, [part], result=INT)
    return start, lw.prim(operator.add, [start, count], result=INT)


def delete_known(lw: Lowerer, base: Loc, box: Agg, index: Atom, node: Any) -> None:
    if not is_constant(index) or box.type not in (list, dict):
        lw.stop("del", "which element is deleted is known only at run time", node,
                help="build the list or dict of those that stay")  # fmt: skip
    at = constant(index)
    if box.type is dict:
        if at not in box.keys:
            lw.stop("key", f"there is no key {at!r} to delete", node)
        left = {k: v for k, v in zip(box.keys, box.items, strict=True) if k != at}
        lw.change(base, Agg(dict, tuple(left), tuple(left.values())), node)
        return
    items = list(box.items)
    try:
        del items[at]
    except IndexError:
        lw.stop("index", f"there is no element {at!r} to delete", node)
    lw.change(base, Agg(list, tuple(range(len(items))), tuple(items)), node)
