"""What a function reads from outside itself: constants, captured values, functions with a text."""

from __future__ import annotations

import enum
import operator
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from srcdiff.frontend import constants, elsewhere, sharing
from srcdiff.frontend.paths import Path, Unbound, layout, leads_to, lookup_free, place_of
from srcdiff.frontend.scope import Agg, Bound, Frame, Known, Loc, Plain, world_key
from srcdiff.frontend.sizes import note_sizes
from srcdiff.frontend.things import holds_things, is_code, is_foreign, is_instance
from srcdiff.frontend.words import as_atom, with_value
from srcdiff.ir import ops
from srcdiff.ir.classes import cycle_in, fields_of
from srcdiff.ir.graph import Atom, Const, Ref, Region, Struct, Val
from srcdiff.ir.kinds import FLOAT, UNKNOWN, Kind
from srcdiff.ir.modules import module_name, package_of
from srcdiff.ir.records import dataclass

if TYPE_CHECKING:
    from srcdiff.frontend.core import Core

__all__ = [
    "Capture",
    "as_constant",
    "at_place",
    "capture_kind",
    "captured",
    "cyclic",
    "free",
    "hides_wanted",
    "is_part",
    "look_into",
    "outside",
    "own_text",
    "with_text",
]


@dataclass(frozen=True, slots=True)
class Capture:
    """A value from outside that the function reads: parameter name, and the way to it at each call."""

    name: str
    path: Path
    kind: Kind
    value: Any
    real: bool = False  # an integer to differentiate with respect to: it counts as a real number

    @property
    def nameless(self) -> bool:
        """Whether no variable leads to it: a default, or an attribute of the class of some object."""
        return self.path[-1][0] == "default" or self.path[0][0] == "const"


def free(lw: Core, name: str, frame: Frame, node: Any = None) -> Bound:
    """A name that the function being read takes from outside."""
    f = frame
    while f.fobj is None and f.parent is not None:
        f = f.parent
    if f.fobj is None:
        lw.stop("name", f"the name {name!r} is not defined", node)
    written = lw.state.names.get(world_key(f.fobj, name))
    if written is not None:
        return written
    try:
        obj = lookup_free(f.fobj, name)
    except Unbound:
        lw.stop("name", f"the name {name!r} is not defined", node)
    inner = name in f.fobj.__code__.co_freevars
    builtin = not inner and name not in f.fobj.__globals__
    if not (inner or builtin or frame.static):
        lw.graph.info.setdefault("modules", {})[f.fobj.__globals__.get("__name__")] = None
    path = None if f.path is None or builtin else (*f.path, ("var", name))
    return outside(lw, obj, name, path, node)


def outside(
    lw: Core, obj: Any, text: str, path: tuple[Any, ...] | None, node: Any = None, library: bool = False
) -> Bound:
    known = at_place(lw, path)
    if known is not None:
        return known
    if is_code(obj) and (there := elsewhere.counterpart(obj)) is not None:
        if path is not None and not lw.frame.static:
            lw.guards[path] = obj
        return Known(there, text)
    elsewhere.check(lw, obj, text, node)
    if is_code(obj) or obj is NotImplemented or isinstance(obj, enum.Enum):
        if path is not None and not lw.frame.static and isinstance(obj, (*constants._FIXED, enum.Enum)):
            lw.guards[path] = obj
        return Known(obj, text, path)
    if obj is None or isinstance(obj, (str, bytes, bool)) or obj is Ellipsis:
        if path is not None:
            lw.guards[path] = obj
        return Plain(Const(obj))
    if lw.frame.static and path is not None and not own_text(path):
        lw.guards[path] = obj  # a constant of a rule is part of the text
    if library or lw.frame.static:
        return Plain(Ref(obj, text)) if not isinstance(obj, (int, float)) or library else Plain(Const(obj))
    on_way = id(obj) in lw.on_way  # it holds what is differentiated
    if is_instance(obj) or (on_way and fields_of(obj) is not None):
        return Known(obj, text, path)
    if path is None:
        lw.stop("capture", f"{text!r} is read from a place that cannot be reached again at each call", node)
    if is_foreign(obj):
        thing = f"{package_of(type(obj))} {type(obj).__name__}"
        lw.stop("argument", f"{text!r} is a {thing}, not a NumPy array", node,
                  help=f"convert it outside the function: np.asarray({text})")  # fmt: skip
    try:
        if on_way or holds_things(obj):
            return look_into(lw, obj, text, path, node)
        return captured(lw, obj, text, path)
    except RecursionError:
        found = cycle_in(obj, text)
        if found is None:
            raise
    lw.stop(
        "cycle", f"{text!r} leads back to itself: {found[1]} is {found[0]}", node,
        help="keep the nodes in a list, and let them name each other by index; or use an ordinary class, "
        "whose parts are read one by one",
    )  # fmt: skip


def hides_wanted(lw: Core, obj: Any, path: Path | None) -> bool:
    """Whether something that is not looked into leads to what a derivative is taken in."""
    if isinstance(obj, constants._FIXED) or lw.ctx.is_known(obj) or (path is None and not callable(obj)):
        return False
    return leads_to(obj, frozenset(lw.wanted), frozenset(lw.on_way))


def at_place(lw: Core, path: Path | None) -> Bound | None:
    """What is captured already from the place where a path ends, by this path or another."""
    if path is None or not path or not lw.places or lw.frame.static:
        return None
    first = lw.places.get(place_of(lw.function, path, lw.given))
    if first is None or first not in lw.captures:
        return None
    if first != path and (first, path) not in lw.twins:
        lw.twins.append((first, path))
    lw.complete(lw.state)
    return lw.capture_vals[lw.captures[first].name]


def captured(lw: Core, obj: Any, text: str, path: Path, real: bool = False) -> Bound:
    """A value from outside: it becomes one more argument, read anew at each call."""
    if path not in lw.captures:
        k = FLOAT if real else capture_kind(lw, obj)
        name = text.rpartition(".")[2]
        if not name.isidentifier():  # an entry of a container
            name = re.sub(r"\W+", "_", text).strip("_")
        taken = {c.name for c in lw.captures.values()} | {p.name for p in lw.graph.region.params}
        taken |= set(lw.graph.info.get("parameters", ()))
        while name in taken:
            name += "_"
        lw.captures[path] = Capture(name, path, k, obj, real)
        place = place_of(lw.function, path, lw.given) if lw.function is not None else None
        if place is not None:
            lw.places[place] = path
        val = Val(name, with_value(k), user=True)
        note_sizes(lw, val.kind, obj, path, val)
        lw.graph.region.params.append(val)
        before = set(lw.state.cells)
        with lw.inside(Region()) as entry:
            lw.capture_vals[name] = with_text(lw, lw.bind(val), obj, path)
        lw.graph.info.setdefault("entry", []).extend(entry.ops)
        made = {c: x for c, x in lw.state.cells.items() if c not in before}
        lw.graph.info.setdefault("cells", {}).update(made)
    lw.complete(lw.state)
    b = lw.capture_vals[lw.captures[path].name]
    lw.own_lists |= set(sharing.cells_of(lw, b))  # (checked at each call, with the arguments)
    return b


def as_constant(lw: Core, a: Atom) -> Atom:
    """A value from outside as it is now, if it is text or whole numbers; at each call it is looked at."""
    if isinstance(a, Struct):
        return replace(a, items=tuple(as_constant(lw, x) for x in a.items))
    if not isinstance(a, Val):
        return a
    steps: list[Any] = []
    v: Atom = a
    while isinstance(v, Val) and v.op is not None and v.op.fn is operator.getitem:
        key = v.op.ins[1]
        if not isinstance(key, Const):
            return a
        steps.insert(0, key.value)
        v = v.op.ins[0]
    if not isinstance(v, Val) or v not in lw.graph.region.params:
        return a
    found = next((c for c in lw.captures.values() if c.name == v.name), None)
    if found is None:
        return a
    obj = found.value
    for step in steps:
        if type(obj) not in (tuple, list, dict):
            return a
        obj = obj[step]
    value = as_atom(obj) if constants.is_exact(obj) else None
    if value is None:
        return a
    lw.guards[found.path + tuple(("item", step) for step in steps)] = obj
    return value


def with_text(lw: Core, b: Bound, obj: Any, path: Path | None = None) -> Bound:
    """A container from outside in which text and flags are known: they steer the program.

    ``path``: where to look for changes at each call; None for an argument, whose text is in its key.
    """
    box = lw.state.cells[b.cell] if isinstance(b, Loc) else b
    if not isinstance(box, Agg) or len(box.keys) > 256:
        return b
    by_key = isinstance(obj, dict) or type(obj) in (tuple, list)
    items: list[Bound] = []
    for k, item in zip(box.keys, box.items, strict=True):
        value = obj[k] if by_key else getattr(obj, k)
        at = None if path is None else (*path, ("item" if by_key else "attr", k))
        if isinstance(value, (str, bool)) or value is None:
            if at is not None:
                lw.guards[at] = value
            items.append(Plain(Const(value)))
        else:
            items.append(with_text(lw, item, value, at))
    agg = Agg(box.type, box.keys, tuple(items), box.whole)
    if not isinstance(b, Loc):
        return agg
    lw.state.cells[b.cell] = agg
    return b


def look_into(lw: Core, box: Any, text: str, path: Path, node: Any = None) -> Bound:
    """A container from outside that holds functions or objects: known by structure, its parts by path."""
    if id(box) not in lw.opened:
        shape = (*path, ("layout", None))
        lw.guards[shape] = layout(box)
        keys = tuple(box) if isinstance(box, dict) else tuple(range(len(box)))
        names = [f"{text}.{k}" if str(k).isidentifier() else f"{text}_{k}" for k in keys]
        cell = -1
        if not isinstance(box, tuple):  # what it holds may lead back to it
            cell = lw.state.new_cell(Agg(type(box), (), ()))
            lw.opened[id(box)] = path, Loc(cell)
        items = tuple(
            outside(lw, box[k], n, (*path, ("item", k)), node) for k, n in zip(keys, names, strict=True)
        )
        agg = Agg(type(box), getattr(box, "_fields", keys), items)
        if cell < 0:
            lw.opened[id(box)] = path, agg
        else:
            lw.state.cells[cell] = lw.graph.info.setdefault("cells", {})[cell] = agg
    lw.complete(lw.state)
    first, b = lw.opened[id(box)]
    if first != path:  # one container reached in two ways
        lw.guards[first] = lw.guards[path] = box
    return b


def capture_kind(lw: Core, obj: Any) -> Kind:
    from_outside = lw.graph.info.get("kind_of")
    return from_outside(obj) if from_outside else UNKNOWN


def own_text(path: Path) -> bool:
    """Whether a path starts from a rule of ours, whose constants stay what they are."""
    return path[0][0] == "const" and module_name(path[0][1]).startswith("srcdiff.")


def cyclic(lw: Core, node: Any) -> NoReturn:
    """Refuse an object that leads back to itself, where it would have to be one value."""
    lw.stop(
        "cycle", "an object or list that leads back to itself is needed as a value here", node,
        note="it is read part by part, and has no value of its own that could be returned, carried by a loop "
        "or put into a list of unknown length",
        help="hand on the parts that are needed; or keep the nodes in a list, and let them name each other "
        "by index",
    )  # fmt: skip


def is_part(a: Atom, whole: Val, key: Any) -> bool:
    if isinstance(a, Const):
        return a.value is None or isinstance(a.value, (str, bool))  # known now, and there all the same
    if isinstance(a, Struct):
        return False
    if isinstance(a, Val) and a.op is not None and a.op.fn is ops.given:
        a = a.op.ins[0]
    if not isinstance(a, Val) or a.op is None or a.op.fn not in (operator.getitem, ops.getfield):
        return False
    return a.op.ins[0] is whole and a.op.ins[1] == Const(key)
