"""What a derivative is taken with respect to, found before a function is read.

An argument stands for itself.  A part of one (``params.w``) becomes a parameter of the graph beside it;
printed, it is read out of the argument first.  What lies outside the arguments (a captured variable, an
attribute of an object) becomes a capture at once, so that every later read of the same place, by whichever
way, is the same value.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from srcdiff.errors import DerivativeTypeError, DerivativeValueError, Problem
from srcdiff.frontend import captures
from srcdiff.frontend.paths import (
    MOST_SHOWN,
    Path,
    Unbound,
    Way,
    layout,
    lookup_free,
    nameable,
    place_of,
    settle,
    slots_of,
    step,
)
from srcdiff.frontend.scope import Agg, Bound, Frame, Loc
from srcdiff.frontend.things import holds_code, is_code, is_instance, is_thing
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Region, Val
from srcdiff.ir.kinds import FLOAT, UNKNOWN, Kind, Tree, is_active_kind, is_whole

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["find_wanted", "kind_along", "kind_opened", "open_code"]

Tokens = tuple[tuple[str, Any], ...]


def find_wanted(lw: Lowerer, ways: Mapping[str, Way], frame: Frame, values: dict[str, Val]) -> None:
    """Put a value into ``values`` for everything that is named: wholes first, then their parts."""
    for text, way in sorted(ways.items(), key=lambda x: len(x[1].tokens)):
        if way.root in values and not way.tokens:
            continue
        if way.root in values and way.root not in lw.given:
            refuse_value(
                f"what {text!r} names is known only when the arguments are",
                "give example arguments: srcdiff.source(derivative, *args)",
            )
        if way.root in values:
            whole = values[way.root]
            names, key = lw.state.names, (frame.id, way.root)
            also = any(len(w.tokens) < len(way.tokens) and begins(way, w) for w in ways.values())
            values[text], names[key] = part(
                lw, text, way, way.tokens, lw.given[way.root], whole, names[key], also
            )
        else:
            values[text] = from_outside(lw, text, way)


def open_code(lw: Lowerer, box: Bound, value: Any, text: str, path: Path) -> Bound:
    """An argument whose functions and objects are looked into, by path; the rest of it is its value."""
    held = lw.state.cells[box.cell] if isinstance(box, Loc) else box
    if not isinstance(held, Agg) or not holds_code(value):
        return box
    if isinstance(value, list):
        shape = (*path, ("layout", None))
        lw.guards[shape] = layout(value)
    items = []
    for n, (key, item) in enumerate(zip(held.keys, held.items, strict=True)):
        builtin = isinstance(value, (tuple, list, dict))
        how, name = ("item", key if isinstance(value, dict) else n) if builtin else ("attr", key)
        part = step(value, how, name)
        there = f"{text}.{key}" if str(key).isidentifier() else f"{text}_{key}"
        inner = (*path, (how, name))
        reads = captures.outside if is_thing(part) else None
        opened = reads(lw, part, there, inner) if reads else open_code(lw, item, part, there, inner)
        items.append(opened)
    agg = Agg(held.type, held.keys, tuple(items))
    if not isinstance(box, Loc):
        return agg
    lw.state.cells[box.cell] = agg
    return box


def kind_opened(value: Any, kind_of: Any) -> Kind:
    """The kind of a value in which lists that hold functions or objects are of known length."""
    k: Kind = kind_of(value)
    if not holds_code(value):
        return k
    if isinstance(value, list):
        return Tree(list, tuple(range(len(value))), tuple(kind_opened(x, kind_of) for x in value))
    if not isinstance(k, Tree):
        return k
    if isinstance(value, (tuple, dict)):
        parts = list(value.values() if isinstance(value, dict) else value)
    else:
        parts = [getattr(value, n) for n in k.keys]
    return Tree(k.type, k.keys, tuple(kind_opened(x, kind_of) for x in parts), k.static)


def begins(way: Way, other: Way) -> bool:
    """Whether one way is the beginning of another."""
    return way.root == other.root and way.tokens[: len(other.tokens)] == other.tokens


def part(
    lw: Lowerer, text: str, way: Way, tokens: Tokens, obj: Any, whole: Val, box: Bound, also: bool
) -> tuple[Val, Bound]:
    """A part of a value, as a parameter of its own, and the value with that in its place.

    ``also``: a derivative is taken in the whole as well, or in a larger part.
    """
    k = whole.kind
    keys: list[Any] = []
    for token in tokens:
        how, name = found(lw, text, obj, token, way)
        if isinstance(obj, (tuple, list)) and how == "item" and isinstance(k, Tree):
            name = k.keys[name]
        obj = getattr(obj, name) if how == "attr" or not hasattr(obj, "__getitem__") else reached(obj, name)
        if not isinstance(k, Tree) or name not in k.keys:
            refuse_type(f"{text!r} is no part that can be differentiated on its own", f"name {way.root!r}")
        k = k.items[k.keys.index(name)]
        keys.append(name)
    check(text, obj, k)
    word = next((str(n) for n in reversed(keys) if str(n).isidentifier()), f"{way.root}_{keys[-1]}")
    word = word if word.isidentifier() else f"{way.root}_part"
    taken = {p.name for p in lw.graph.region.params} | set(lw.graph.info["parameters"])
    while word in taken:
        word += "_"
    v = Val(word, FLOAT if is_whole(k) else k, user=True)
    lw.graph.region.params.append(v)
    lw.graph.info.setdefault("parts", {})[word] = (whole.name, tuple(keys))
    new: Atom = v
    if also and is_active_kind(k):
        new = lw.prim(ops.linked, [v, lw.read(inside(lw, box, keys))], result=k, hint=word)
    return v, replaced(lw, box, keys, lw.bind(new))


def inside(lw: Lowerer, box: Bound, keys: list[Any]) -> Bound:
    """A part of a container, at any depth."""
    for key in keys:
        held = lw.state.cells[box.cell] if isinstance(box, Loc) else box
        assert isinstance(held, Agg)
        box = held.items[held.keys.index(key)]
    return box


def reached(obj: Any, name: Any) -> Any:
    """An element, by its index, key or field."""
    return getattr(obj, name) if isinstance(obj, tuple) and isinstance(name, str) else obj[name]


def replaced(lw: Lowerer, box: Bound, keys: list[Any], new: Bound) -> Bound:
    """A container with one of its parts, at any depth, replaced."""
    if not keys:
        return new
    held = lw.state.cells[box.cell] if isinstance(box, Loc) else box
    assert isinstance(held, Agg)
    at = held.keys.index(keys[0])
    items = list(held.items)
    items[at] = replaced(lw, items[at], keys[1:], new)
    agg = Agg(held.type, held.keys, tuple(items))
    if not isinstance(box, Loc):
        return agg
    lw.state.cells[box.cell] = agg
    return box


def from_outside(lw: Lowerer, text: str, way: Way) -> Val:
    """What is captured, or an attribute of an object: a parameter that is read anew at each call."""
    path: Path
    if way.root in lw.given:
        path, obj = (("arg", way.root),), lw.given[way.root]
    else:
        path = (("var", way.root),)
        try:
            obj = lookup_free(lw.function, way.root)
        except Unbound:
            refuse_value(f"the variable {way.root!r} has no value", "set it before the derivative is called")
    for n, token in enumerate(way.tokens):
        if isinstance(obj, types.MethodType):
            obj, path = obj.__func__, (*path, ("attr", "__func__"))
        if captures.at_place(lw, path) is not None:
            return part_from_outside(lw, text, way, path, n, obj)
        how, name = found(lw, text, obj, token, way)
        if how == "attr":
            computed(text, obj, name)
        lw.on_way.add(id(obj))
        obj, path = step(obj, how, name), (*path, (how, name))
    k = captures.capture_kind(lw, obj)
    check(text, obj, k)
    word = next((str(n) for _, n in reversed(path) if isinstance(n, str) and n.isidentifier()), way.root)
    real = is_whole(k)
    if captures.at_place(lw, path) is not None:
        refuse_value(f"{text!r} is named twice, in two ways", "name it once")
    captures.captured(lw, obj, word, path, real)
    lw.wanted.add(place_of(lw.function, path, lw.given))
    lw.graph.info["named"] = (*lw.graph.info.get("named", ()), path)
    name = lw.captures[path].name
    return next(p for p in lw.graph.region.params if p.name == name)


def part_from_outside(lw: Lowerer, text: str, way: Way, path: Path, n: int, obj: Any) -> Val:
    """A part of what is captured as a whole, because another derivative is taken in that."""
    name = lw.captures[lw.places[place_of(lw.function, path, lw.given)]].name
    whole = next(p for p in lw.graph.region.params if p.name == name)
    box = lw.capture_vals[name]
    before = set(lw.state.cells)
    with lw.inside(Region()) as entry:
        v, lw.capture_vals[name] = part(lw, text, way, way.tokens[n:], obj, whole, box, True)
    lw.graph.info.setdefault("entry", []).extend(entry.ops)
    cells = lw.graph.info.setdefault("cells", {})
    cells.update({c: x for c, x in lw.state.cells.items() if c not in before or c in cells})
    return v


def found(lw: Lowerer, text: str, obj: Any, token: tuple[str, Any], way: Way) -> tuple[str, Any]:
    """The step that a name stands for; refused with what there is."""
    try:
        return settle(obj, token)
    except (LookupError, TypeError):
        at = way.tokens.index(token)
        so_far = way.root + "".join(f".{n}" if h == "name" else f"[{n!r}]" for h, n in way.tokens[:at])
        there = [so_far + n for n in nameable(obj)]
        shown = ", ".join(there[:MOST_SHOWN]) + (" ..." if len(there) > MOST_SHOWN else "")
        element = "" if token[0] == "name" else "element "
        refuse_value(
            f"{text!r}: {so_far} has no {element}{token[1]!r}",
            f"it has {shown}" if there else f"name {so_far!r} itself",
        )


def computed(text: str, obj: Any, name: str) -> None:
    """Refuse what is no attribute that is stored: it is computed when it is read."""
    if name in getattr(obj, "__dict__", ()) or isinstance(obj, (type, types.ModuleType)):
        return
    for c in type(obj).__mro__:
        if name in slots_of(c):
            return
        if name in vars(c):
            if not hasattr(type(vars(c)[name]), "__get__"):
                return
            break
    refuse_type(
        f"{text!r} is computed when it is read (by a property, or by __getattr__)",
        "name the attributes that it is computed from",
    )


def check(text: str, obj: Any, k: Kind) -> None:
    """Refuse what has no derivative."""
    if is_whole(k) and not isinstance(obj, bool):
        return
    if (is_code(obj) and not isinstance(k, Tree)) or is_instance(obj):
        there = ", ".join(text + n for n in nameable(obj)[:MOST_SHOWN])
        thing = f"an object of class {type(obj).__name__}" if is_instance(obj) else "a function"
        refuse_type(
            f"{text!r} is {thing}, which has no derivative as a whole",
            (f"name what it holds ({there})" if there else "name another variable")
            + (
                f", or register the class: srcdiff.register({type(obj).__name__})" if is_instance(obj) else ""
            ),
        )
    if not is_active_kind(k) or k == UNKNOWN:
        what = f"{text!r} is {described(obj)}, which has no derivative"
        refuse_type(what, "name a float, or an array of floats")


def described(obj: Any) -> str:
    """A word for a value in messages."""
    dtype = getattr(obj, "dtype", None)
    if dtype is not None:
        return f"an array of {dtype}" if getattr(obj, "ndim", 0) else f"a {dtype}"
    return "None" if obj is None else repr(obj) if isinstance(obj, bool) else f"a {type(obj).__name__}"


def kind_along(value: Any, tokens: tuple[tuple[str, Any], ...], kind_of: Any) -> Kind:
    """The kind of a value in which the lists along the way are of known length."""
    k: Kind = kind_of(value)
    if not tokens:
        return k
    if type(value) is list and not isinstance(k, Tree):
        k = Tree(list, tuple(range(len(value))), tuple(map(kind_of, value)))
    try:
        how, name = settle(value, tokens[0])
        inner = kind_along(step(value, how, name), tokens[1:], kind_of)
    except (LookupError, TypeError, AttributeError):
        return k
    if not isinstance(k, Tree):
        return k
    if isinstance(name, int) and isinstance(value, (list, tuple)):
        at = range(len(value))[name]
    elif name in k.keys:
        at = k.keys.index(name)
    else:
        return k
    return Tree(k.type, k.keys, (*k.items[:at], inner, *k.items[at + 1 :]), k.static)


def refuse_type(what: str, help: str) -> NoReturn:
    """Refuse what cannot be differentiated."""
    raise DerivativeTypeError(Problem("wrt", what, help=help))


def refuse_value(what: str, help: str) -> NoReturn:
    """Refuse what is not there."""
    raise DerivativeValueError(Problem("wrt", what, help=help))
