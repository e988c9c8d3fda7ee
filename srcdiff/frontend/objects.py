"""Objects of the user's classes: made, looked into, changed; their methods and operators read in place.

An object is a container of known structure with an identity: a cell that holds its fields.  One from outside
is adopted when it is first looked into: its attributes become captures as they are read, and what the program
writes to them is seen by the program alone.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from srcdiff.frontend import aliases, boxes, captures, unsure
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.locally import LocalValue, is_function
from srcdiff.frontend.paths import slots_of
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Closure,
    Either,
    Field,
    Frame,
    Known,
    Loc,
    Method,
    Partial,
    Plain,
    Super,
    class_key,
    flag_of,
)
from srcdiff.frontend.things import BUILTIN, LIBRARIES, is_instance, mutable
from srcdiff.ir.classes import fields_of
from srcdiff.ir.graph import Const, Ref, kind
from srcdiff.ir.kinds import Array, Scalar

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["adopt", "construct", "content", "is_object", "lookup_class", "operate", "set_field", "super_of"]

# ---- objects from outside ------------------------------------------------------------------------------


def adopt(lw: Lowerer, b: Bound) -> Bound:
    """An object from outside as a place of the program, with the attributes that it has now."""
    if not isinstance(b, Known) or lw.frame.static:
        return b
    if not is_instance(b.obj) and (isinstance(b.obj, type) or fields_of(b.obj) is None):
        return b
    found = lw.adopted.get(id(b.obj))
    if found is None:
        slots = [s for c in type(b.obj).__mro__ for s in slots_of(c) if hasattr(b.obj, s)]
        names = tuple(dict.fromkeys([*getattr(b.obj, "__dict__", ()), *slots]))
        agg = Agg(type(b.obj), names, tuple(Field(b, n) for n in names))
        cell = lw.state.new_cell(agg)
        lw.graph.info.setdefault("cells", {})[cell] = agg
        found = lw.adopted[id(b.obj)] = (b, cell)
        if b.path is not None:
            at = (*b.path, ("attr", "__class__"))
            lw.guards[at] = type(b.obj)
    elif found[0].path != b.path and b.path is not None and found[0].path is not None:
        lw.guards[found[0].path] = lw.guards[b.path] = b.obj  # one object, reached in two ways
    lw.complete(lw.state)
    return Loc(found[1])


def origin_of(lw: Lowerer, b: Bound) -> Known | None:
    """The object from outside that a place stands for."""
    if isinstance(b, Loc) and not b.path:
        return next((known for known, cell in lw.adopted.values() if cell == b.cell), None)
    return None


def guard_written(lw: Lowerer, changed: set[int]) -> None:
    """Objects from outside that are changed must stay the ones they are: two might become one."""
    if any(cell in changed for _, cell in lw.adopted.values()):
        for known, _ in lw.adopted.values():
            if known.path is not None:
                lw.guards[known.path] = known.obj


# ---- attributes ----------------------------------------------------------------------------------------


def is_object(box: Any) -> bool:
    """Whether the content of a place is an object with attributes, not a built-in container."""
    return isinstance(box, Agg) and box.type not in (tuple, list, dict, set, frozenset)


def find(cls: type, name: str, after: type | None = None) -> tuple[Any, type] | None:
    """What a class has under a name, and the class of its line that says so."""
    mro = list(cls.__mro__)
    for c in mro[mro.index(after) + 1 :] if after is not None else mro:
        if name in vars(c):
            return vars(c)[name], c
    return None


def written_attribute(lw: Lowerer, cls: type, name: str, after: type | None = None) -> Bound | None:
    """What the program has written to an attribute of a class, or of the one that it comes from."""
    mro = list(cls.__mro__)
    for c in mro[mro.index(after) + 1 :] if after is not None else mro:
        written = lw.state.names.get(class_key(c, name))
        if written is not None or name in vars(c):
            return written
    return None


def set_of_class(lw: Lowerer, owner: Known, name: str, value: Bound, node: Any) -> None:
    """``Class.name = value``: seen by the program alone, like a global variable."""
    cls = owner.obj
    found = find(cls, name)
    setters = [vars(c)["__setattr__"] for c in type(cls).__mro__ if "__setattr__" in vars(c)]
    told = [(found is not None and found[1] is not cls, f"{name!r} comes from a class above it"),
            (found is not None and hasattr(type(found[0]), "__get__"), f"{name!r} is a method or a property"),
            (not isinstance(content(lw, value), (Plain, Loc, Agg)), "a function is written to it"),
            (setters[0] is not vars(type)["__setattr__"], "the class of this class decides what it does"),
            (not lw.can_make(cls), "it belongs to a library")]  # fmt: skip
    why = next((note for applies, note in told if applies), None)
    if why is not None:
        lw.stop("attribute-write", f"this changes the attribute {name!r} of the class {cls.__name__}", node,
                note=why, help="keep the value in a variable, or in an object of your own")  # fmt: skip
    if owner.path is not None:
        lw.guards[owner.path] = cls
    lw.worlds[class_key(cls, name)] = owner
    lw.state.names[class_key(cls, name)] = value


def field_of(lw: Lowerer, box: Agg, name: str) -> Bound | None:
    return lw.settled(box.items[box.keys.index(name)]) if name in box.keys else None


def lookup_class(
    lw: Lowerer, owner: Bound, cls: type, name: str, node: Any, after: type | None = None
) -> Bound | None:
    """An attribute that an object has from its class (a method, a property, a value), or None."""
    if name == "__class__":
        return Known(cls, cls.__name__, (("const", cls),))
    path: tuple[Any, ...]
    written = written_attribute(lw, cls, name, after)
    if written is not None:
        return written
    found = find(cls, name, after)
    if found is None:
        getter = find(cls, "__getattr__")
        if getter is None or after is not None:
            return None
        path = (("const", getter[1]), ("attr", "__getattr__"))
        return lw.call(Known(getter[0], "__getattr__", path), [owner, Plain(Const(name))], {}, node)
    raw, home = found
    path = (("const", home), ("attr", name))
    if isinstance(raw, property):
        return lw.call(Known(raw.fget, name, (*path, ("attr", "fget"))), [owner], {}, node)
    if isinstance(raw, functools.cached_property):
        value = lw.call(Known(raw.func, name, (*path, ("attr", "func"))), [owner], {}, node)
        put_field(lw, owner, name, value, node)
        return value
    if is_function(raw):
        return Partial(Known(raw, f"{cls.__name__}.{name}", path), (owner,), {})
    if isinstance(raw, functools.singledispatchmethod):  # (the attribute of the class is another each time)
        return Partial(Known(raw, f"{cls.__name__}.{name}", (("const", raw),)), (owner,), {})
    if isinstance(raw, functools.partialmethod):
        rest = tuple(captures.outside(lw, a, name, None, node, library=True) for a in raw.args)
        given = {k: captures.outside(lw, v, k, None, node, library=True) for k, v in raw.keywords.items()}
        return Partial(Known(raw.func, name, (*path, ("attr", "func"))), (owner, *rest), given)
    if isinstance(raw, staticmethod):
        return Known(raw.__func__, name, (*path[:-1], ("attr", name)))
    if isinstance(raw, classmethod):
        own = Known(cls, cls.__name__, (("const", cls),))
        return Partial(Known(raw.__func__, name, (*path, ("attr", "__func__"))), (own,), {})
    if isinstance(raw, (types.WrapperDescriptorType, types.MethodDescriptorType)):
        return Partial(Known(raw, f"{cls.__name__}.{name}"), (owner,), {})
    if hasattr(type(raw), "__wrapped__") or hasattr(raw, "__wrapped__"):
        return Partial(Known(raw, f"{cls.__name__}.{name}", path), (owner,), {})
    if isinstance(raw, types.MemberDescriptorType):
        lw.stop("attribute", f"the attribute {name!r} may be used before it has a value", node)
    if hasattr(type(raw), "__get__"):
        getter_of = type(raw).__get__
        if isinstance(getter_of, types.FunctionType):
            got = captures.outside(lw, raw, name, path, node)
            kind_ = Known(cls, cls.__name__, (("const", cls),))
            own_path = (("const", type(raw)), ("attr", "__get__"))
            return lw.call(Known(getter_of, "__get__", own_path), [got, owner, kind_], {}, node)
        lw.stop("attribute", f"the attribute {name!r} is computed in a way that cannot be read", node,
                help="make it a property or a method")  # fmt: skip
    return captures.outside(lw, raw, name, path, node)


def get(lw: Lowerer, owner: Bound, box: Agg, name: str, node: Any) -> Bound:
    """``owner.name`` of an object."""
    raw = find(box.type, name)
    first = raw is not None and hasattr(type(raw[0]), "__set__") and not is_slot(raw[0])  # a data descriptor
    own = name in box.keys and (not first or issubclass(box.type, (tuple, BaseException)))
    if own and unsure.is_set(lw, box, name, node):
        return field_of(lw, box, name)  # type: ignore[return-value]
    if name == "__dict__":
        lw.check_fields(box, node)
        return Loc(lw.state.new_cell(Agg(boxes.attributes, ("owner",), (owner,))))
    if issubclass(box.type, tuple) and name in ("_replace", "_asdict"):
        return Method(owner, name)
    got = lookup_class(lw, owner, box.type, name, node)
    if got is not None:
        return got
    outside = origin_of(lw, owner)
    if outside is not None and hasattr(outside.obj, name):
        path = None if outside.path is None else (*outside.path, ("attr", name))
        return captures.outside(lw, getattr(outside.obj, name), f"{outside.text}.{name}", path, node)
    if issubclass(box.type, tuple):
        return Method(owner, name)
    lw.leave_out()
    lw.stop("attribute", f"an object of class {box.type.__name__} has no attribute {name!r} here", node,
            note="or it is set on some of the paths that lead here only")  # fmt: skip


def of_class(lw: Lowerer, cls: type, name: str) -> Bound | None:
    """What the objects of a class have under a name that they have not set: no method or property."""
    written = written_attribute(lw, cls, name)
    found = find(cls, name)
    if written is not None or found is None or hasattr(type(found[0]), "__get__"):
        return written
    return captures.outside(lw, found[0], name, (("const", found[1]), ("attr", name)), lw.node)


def is_slot(raw: Any) -> bool:
    return isinstance(raw, types.MemberDescriptorType)


def set_field(lw: Lowerer, base: Bound, name: str, value: Bound, node: Any) -> None:
    """``base.name = value``."""
    base = adopt(lw, lw.settled(base))
    if isinstance(base, Either):
        for_each(lw, base, lambda b: set_field(lw, b, name, value, node), node)
        return
    if isinstance(base, Known) and isinstance(base.obj, type) and not lw.frame.static:
        if isinstance(value, Plain) and not isinstance(value.atom, (Const, Ref)):
            value = lw.bind(value.atom)
        set_of_class(lw, base, name, value, node)
        return
    if isinstance(base, Known):
        what = f"an object of class {type(base.obj).__name__}"
        if isinstance(base.obj, types.ModuleType):
            what = "a module"
        lw.stop("attribute-write", f"this changes the attribute {name!r} of {what}", node,
                note="other programs would see it change",
                help="keep the value in a variable, or in an object of your own")  # fmt: skip
    box: Any = content(lw, base)
    if not is_object(box):
        lw.stop("attribute-write", f"assigning to the attribute {name!r} is not supported here", node,
                help="keep the value in a variable, a tuple or an object of your own class")  # fmt: skip
    if name == "__dict__":
        given = content(lw, value)
        if isinstance(given, Agg) and given.type is boxes.attributes and identical(lw, given.items[0], base):
            return
        lw.stop("attribute-write", "this gives an object another __dict__", node,
                note="it may be that of another object, which would change with it",
                help="set the attributes one by one, or all at once: self.__dict__.update(d)")  # fmt: skip
    found = find(box.type, name)
    if found is not None and isinstance(found[0], property):
        raw, home = found
        if raw.fset is None:
            lw.stop("attribute-write", f"the property {name!r} cannot be set", node)
        path: tuple[Any, ...] = (("const", home), ("attr", name), ("attr", "fset"))
        lw.call(Known(raw.fset, name, path), [base, value], {}, node)
        return
    if found is not None and isinstance(getattr(type(found[0]), "__set__", None), types.FunctionType):
        descriptor = captures.outside(lw, found[0], name, (("const", found[1]), ("attr", name)), node)
        path = (("const", type(found[0])), ("attr", "__set__"))
        lw.call(Known(type(found[0]).__set__, "__set__", path), [descriptor, base, value], {}, node)
        return
    setter = find(box.type, "__setattr__")
    if setter is not None and isinstance(setter[0], types.FunctionType):
        frozen = getattr(box.type, "__dataclass_params__", None)
        if frozen is not None and frozen.frozen:
            lw.stop("frozen", f"an object of class {box.type.__name__} is frozen", node,
                    help="make a new one: dataclasses.replace(...)")  # fmt: skip
        path = (("const", setter[1]), ("attr", "__setattr__"))
        lw.call(Known(setter[0], "__setattr__", path), [base, Plain(Const(name)), value], {}, node)
        return
    put_field(lw, base, name, value, node)


def for_each(lw: Lowerer, two: Either, do: Callable[[Bound], None], node: Any) -> None:
    """Do something to the one of two things that is meant."""

    def arm(b: Bound) -> Callable[[], Bound]:
        def read() -> Bound:
            do(b)
            return Plain(Const(None))

        return read

    lw.choose(two.test, arm(two.then), arm(two.other), node, "")


def put_field(lw: Lowerer, base: Bound, name: str, value: Bound, node: Any) -> None:
    """Set a field, whatever the class says of it."""
    box = content(lw, base)
    if not is_object(box) or not isinstance(base, Loc):
        lw.stop("attribute-write", f"assigning to the attribute {name!r} is not supported here", node)
    assert isinstance(box, Agg)
    if isinstance(value, Plain) and not isinstance(value.atom, (Const, Ref)):
        value = lw.bind(value.atom)
    parts = {**dict(zip(box.keys, box.items, strict=True)), name: value}
    if flag_of(name) in parts:
        parts[flag_of(name)] = Plain(Const(True))
    lw.change(base, Agg(box.type, tuple(parts), tuple(parts.values())), node)


def delete_field(lw: Lowerer, base: Bound, name: str, node: Any) -> None:
    """``del base.name``."""
    base = adopt(lw, base)
    box = content(lw, base)
    if not isinstance(base, Loc) or not isinstance(box, Agg) or not is_object(box) or name not in box.keys:
        lw.stop("attribute", f"there is no attribute {name!r} to delete here", node)
    if not unsure.is_set(lw, box, name, node):
        lw.stop("attribute", f"the attribute {name!r} is not set here", node)
    rest = [(k, x) for k, x in zip(box.keys, box.items, strict=True) if k not in (name, flag_of(name))]
    lw.change(base, Agg(box.type, tuple(k for k, _ in rest), tuple(x for _, x in rest)), node)


def super_of(lw: Lowerer, args: list[Bound], node: Any) -> Bound:
    """``super()``, or ``super(C, self)``."""
    if len(args) == 2:
        cls = args[0]
        if not isinstance(cls, Known) or not isinstance(cls.obj, type):
            lw.stop("super", "the class given to super is not known", node)
        return Super(adopt(lw, args[1]), cls.obj)
    f: Frame | None = lw.frame
    while f is not None and f.fobj is None and f.home is None:
        f = f.parent
    if f is not None and f.home is not None:
        own = lw.state.names.get((f.id, f.first))
        if own is not None:
            return Super(adopt(lw, own), f.home)
    code = getattr(f.fobj, "__code__", None) if f is not None else None
    if f is None or code is None or "__class__" not in code.co_freevars or not code.co_argcount:
        lw.stop("super", "super() is used outside a method", node)
    own = lw.state.names.get((f.id, code.co_varnames[0]))
    if own is None:
        lw.stop("super", "super() is used where the object is not known", node)
    cell = f.fobj.__closure__[code.co_freevars.index("__class__")]
    return Super(adopt(lw, own), cell.cell_contents)


def through_super(lw: Lowerer, b: Super, name: str, node: Any) -> Bound:
    """An attribute of ``super()``."""
    box = content(lw, b.owner)
    if isinstance(b.owner, Known) and isinstance(b.owner.obj, type):  # in a classmethod
        cls = b.owner.obj
    elif isinstance(box, Agg):
        cls = box.type
    else:
        lw.stop("super", "super() is used where the object is not known", node)
    got = lookup_class(lw, b.owner, cls, name, node, after=b.cls)
    if got is None:
        lw.stop("attribute", f"no class above {b.cls.__name__} has {name!r}", node)
    return got


# ---- making objects ------------------------------------------------------------------------------------


def construct(lw: Lowerer, cls: type, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    """``cls(...)``: the fields of the new object, and what its ``__init__`` does."""
    name = cls.__name__
    maker = find(type(cls), "__call__")
    if maker is not None and isinstance(maker[0], types.FunctionType):
        lw.stop("class", f"making an object of class {name} is not supported", node,
                note=f"its class {type(cls).__name__} decides how objects are made",
                help="use an ordinary class")  # fmt: skip
    if issubclass(cls, BUILTIN) or cls.__module__.partition(".")[0] in LIBRARIES:
        lw.stop("class", f"making an object of class {name} is not supported", node,
                note="it is built in, or built on a class that is",
                help="make it outside the function, or keep what it holds in a plain class")  # fmt: skip
    new = find(cls, "__new__")
    if new is not None and new[1] is not object:
        lw.stop("class", f"the class {name} has a __new__ of its own", node, help="use __init__")
    init = find(cls, "__init__")
    made = Loc(lw.state.new_cell(Agg(cls, (), ())))
    lw.graph.info.setdefault("classes", {})[name] = cls
    if initialise(lw, cls, made, args, kwargs, node):
        pass
    elif init is not None and init[1] is not object:
        lw.stop("class", f"the __init__ of {name} cannot be read", node)
    elif args or kwargs:
        lw.stop("arguments", f"{name}() takes no arguments", node)
    return made if mutable(cls) else lw.state.cells[made.cell]


def initialise(
    lw: Lowerer, cls: type, made: Loc, args: list[Bound], kwargs: dict[str, Bound], node: Any
) -> bool:
    """Do what the ``__init__`` of a class does, if it is written in Python or by ``@dataclass``."""
    init = find(cls, "__init__")
    if dataclasses.is_dataclass(cls) and init is not None and generated(init[0], init[1]):
        fill_dataclass(lw, cls, made, args, kwargs, node)
        return True
    if init is None or not is_function(init[0]):
        return False
    path = (("const", init[1]), ("attr", "__init__"))
    lw.call(Known(init[0], f"{cls.__name__}.__init__", path), [made, *args], kwargs, node)
    return True


def stand_in(cls: type) -> Any:
    """The making of an object of a class that is read in place of one of Python's."""
    init: Any = vars(cls)["__init__"]

    def handler(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
        made = Loc(lw.state.new_cell(Agg(cls, (), ())))
        lw.call(Known(init, cls.__name__), [made, *args], kwargs, node)
        return made

    return handler


def namespace(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    """``SimpleNamespace(x=..., y=...)``."""
    if args:
        lw.stop("arguments", "SimpleNamespace() is given its attributes by name", node,
                help="SimpleNamespace(**d)")  # fmt: skip
    made = Loc(lw.state.new_cell(Agg(types.SimpleNamespace, (), ())))
    for name, value in kwargs.items():
        put_field(lw, made, name, value, node)
    return made


def opened(lw: Lowerer, b: Bound, node: Any) -> Bound:
    """The list or dict in which an object of one of the classes in ``boxes`` lives; else the bound itself."""
    box = content(lw, b)
    while isinstance(box, Agg) and boxes.is_box(box.type):
        if box.type is boxes.attributes:
            return own_fields(lw, [box.items[0]], {}, node)
        b = field_of(lw, box, "held") or b
        box = content(lw, b)
    return b


def generated(init: Any, home: type) -> bool:
    """Whether an ``__init__`` is the one that ``@dataclass`` has written."""
    params = vars(home).get("__dataclass_params__")
    return params is not None and params.init and is_generated(init)


def is_generated(fn: Any) -> bool:
    """Whether a method is made of text that is not in any file, as ``@dataclass`` makes its own."""
    code = getattr(fn, "__code__", None)
    return code is not None and code.co_filename == "<string>"


def fill_dataclass(
    lw: Lowerer, cls: type, made: Loc, args: list[Bound], kwargs: dict[str, Bound], node: Any
) -> None:
    """What the ``__init__`` that ``@dataclass`` writes does."""
    name = cls.__name__
    fields = dict(getattr(cls, "__dataclass_fields__", {}))
    takes = [f for f in fields.values() if f.init and kind_of_field(f) != "class"]
    order = [f.name for f in takes if not f.kw_only]
    if len(args) > len(order):
        lw.stop("arguments", f"{name}() takes {len(order)} arguments, {len(args)} given", node)
    given = dict(zip(order, args, strict=False))
    for k, v in kwargs.items():
        if k in given or k not in {f.name for f in takes}:
            lw.stop("arguments", f"{name}() got an argument {k!r} that it cannot take", node)
        given[k] = v
    later: list[Bound] = []
    for f in fields.values():
        sort = kind_of_field(f)
        if sort == "class":
            continue
        if f.name in given:
            value = given[f.name]
        elif f.default is not dataclasses.MISSING:
            value = default(lw, cls, f.name, f.default, node)
        elif f.default_factory is not dataclasses.MISSING:
            value = lw.call(Known(f.default_factory, f.name, (("const", f.default_factory),)), [], {}, node)
        elif f.init:
            lw.stop("arguments", f"{name}() needs {f.name!r}", node)
        else:
            continue
        if sort == "init":
            later.append(value)
        else:
            put_field(lw, made, f.name, value, node)
    after = find(cls, "__post_init__")
    if after is not None:
        path = (("const", after[1]), ("attr", "__post_init__"))
        lw.call(Known(after[0], f"{name}.__post_init__", path), [made, *later], {}, node)


def default(lw: Lowerer, cls: type, name: str, value: Any, node: Any) -> Bound:
    """The default of a field: a number is part of the text."""
    if isinstance(value, LocalValue):
        return value.bound
    path = (("const", cls), ("attr", name))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if hasattr(cls, name):
            lw.guards[path] = value
        return Plain(Const(value))
    return captures.outside(lw, value, name, path, node)


def kind_of_field(f: Any) -> str:
    """Whether a dataclass field is a field, a class variable, or an argument for ``__post_init__`` only."""
    return {"_FIELD_CLASSVAR": "class", "_FIELD_INITVAR": "init"}.get(f._field_type.name, "field")


def replaced(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    """``dataclasses.replace(obj, field=...)``."""
    box = content(lw, args[0])
    if not isinstance(box, Agg) or not dataclasses.is_dataclass(box.type):
        lw.stop("class", "dataclasses.replace needs a dataclass", node)
    takes = [f.name for f in dataclasses.fields(box.type) if f.init]
    values = {k: x for k in takes if k in box.keys and (x := field_of(lw, box, k)) is not None}
    cls: Any = box.type
    return lw.call(Known(cls, cls.__name__), [], {**values, **kwargs}, node)


# ---- operators -----------------------------------------------------------------------------------------


NAMES = {
    operator.add: "add", operator.sub: "sub", operator.mul: "mul", operator.truediv: "truediv",
    operator.floordiv: "floordiv", operator.mod: "mod", operator.pow: "pow", operator.matmul: "matmul",
    operator.and_: "and", operator.or_: "or", operator.xor: "xor", operator.lshift: "lshift",
    operator.rshift: "rshift",
}  # fmt: skip
COMPARED = {
    operator.eq: ("eq", "eq"), operator.ne: ("ne", "ne"), operator.lt: ("lt", "gt"),
    operator.gt: ("gt", "lt"), operator.le: ("le", "ge"), operator.ge: ("ge", "le"),
}  # fmt: skip

_COMPARISONS = {"__eq__": "==", "__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}


LOOPS = (gast.For, gast.While, gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)


def content(lw: Lowerer, b: Bound) -> Any:
    """The container of known structure that a bound stands for, or the bound."""
    return lw.content(adopt(lw, lw.settled(b)))


def as_builtin(outer: type) -> Any:
    """``dataclasses.asdict`` and ``astuple``: copies all the way down, dataclasses as dicts or tuples."""
    name = "asdict" if outer is dict else "astuple"

    def copied(lw: Lowerer, b: Bound, node: Any) -> Bound:
        box = content(lw, b)
        if not isinstance(box, Agg):
            return part(lw, b, node)
        of_dataclass = is_object(box) and dataclasses.is_dataclass(box.type)
        if is_object(box) and not of_dataclass and not issubclass(box.type, tuple):
            lw.stop("class", f"dataclasses.{name} of an object of class {box.type.__name__} inside", node,
                    help="make the container from the fields that are needed")  # fmt: skip
        if of_dataclass:
            fields = {f.name: get(lw, b, box, f.name, node) for f in dataclasses.fields(box.type)}
        else:
            fields = dict(zip(box.keys, box.items, strict=True))
        kind_of = outer if of_dataclass else box.type
        items = tuple(copied(lw, x, node) for x in fields.values())
        keys = tuple(range(len(items))) if of_dataclass and outer is tuple else tuple(fields)
        made = Agg(kind_of, keys, items)
        return Loc(lw.state.new_cell(made)) if kind_of in (list, dict) else made

    def part(lw: Lowerer, b: Bound, node: Any) -> Bound:
        if not isinstance(b, Loc):
            return b
        k = kind(lw.read(b, node))
        if isinstance(k, Array):
            return lw.call(Known(np.copy, "np.copy"), [b], {}, node)
        if isinstance(k, Scalar):
            return Plain(lw.read(b, node))
        lw.stop("class", f"dataclasses.{name} copies a list or dict here whose length is not known", node,
                help="make the container from the fields that are needed")  # fmt: skip

    def handler(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
        box = content(lw, args[0]) if len(args) == 1 and not kwargs else None
        if not isinstance(box, Agg) or not dataclasses.is_dataclass(box.type):
            return None
        return copied(lw, args[0], node)

    return handler


def special(lw: Lowerer, owner: Bound, name: str, args: list[Bound], node: Any) -> Bound | None:
    """What an object's class does under a special name (``__getitem__``); None if it has nothing."""
    box = content(lw, owner)
    if not is_object(box):
        return None
    found = find(box.type, name)
    if found is None or not is_function(found[0]):
        return None
    by_fields = dataclasses.is_dataclass(found[1]) and is_generated(found[0])
    if by_fields and (sign := _COMPARISONS.get(name)) is not None:
        return field_by_field(lw, sign, found[1], adopt(lw, owner), args[0], node)
    path = (("const", found[1]), ("attr", name))
    got = lw.call(Known(found[0], f"{box.type.__name__}.{name}", path), [adopt(lw, owner), *args], {}, node)
    return None if isinstance(got, Known) and got.obj is NotImplemented else got


def field_by_field(lw: Lowerer, sign: str, home: type, a: Bound, b: Bound, node: Any) -> Bound | None:
    """The comparison that ``@dataclass`` writes: of the fields, as tuples, if both are of one class."""
    from srcdiff.frontend import higher

    own, other = content(lw, a), content(lw, b)
    if not is_object(other) or own.type is not other.type:
        return None
    names = [f.name for f in home.__dataclass_fields__.values() if f.compare and kind_of_field(f) == "field"]  # type: ignore[attr-defined]
    sides = ["(" + "".join(f"{x}.{n}, " for n in names) + ")" for x in "ab"]
    return higher.written(lw, node, f"out = {sides[0]} {sign} {sides[1]}", {"a": a, "b": b})


def operate(
    lw: Lowerer, fn: Any, left: Bound, right: Bound, node: Any, in_place: bool = False
) -> Bound | None:
    """An operator applied to two bounds, if one of them is an object whose class defines it."""
    a, b = content(lw, left), content(lw, right)
    if not is_object(a) and not is_object(b):
        return None
    if fn in COMPARED:
        own, other = COMPARED[fn]
        tries = [(left, f"__{own}__", right), (right, f"__{other}__", left)]
    elif fn in NAMES:
        tries = [(left, f"__{NAMES[fn]}__", right), (right, f"__r{NAMES[fn]}__", left)]
        if in_place:
            tries.insert(0, (left, f"__i{NAMES[fn]}__", right))
    else:
        return None
    if is_object(a) and is_object(b) and a.type is not b.type and issubclass(b.type, a.type):
        tries.reverse()
    for obj, name, argument in tries:
        got = special(lw, obj, name, [argument], node)
        if got is not None:
            return got
    if fn is operator.ne:
        same = operate(lw, operator.eq, left, right, node)
        return None if same is None else Plain(lw.prim(operator.not_, [lw.read(same, node)]))
    return None


def identical(lw: Lowerer, left: Bound, right: Bound) -> bool | None:
    """Whether two bounds are one object, where that is known."""
    a, b = adopt(lw, lw.settled(left)), adopt(lw, lw.settled(right))
    if isinstance(a, Known) and isinstance(b, Known):
        lw.read(a), lw.read(b)
        return a.obj is b.obj
    if isinstance(a, Closure) and isinstance(b, Closure):
        if a.node is not b.node:
            return False
        return True if a is b or (a.frame is b.frame and is_made_once(a)) else None
    if isinstance(a, (Known, Closure)) and isinstance(b, (Known, Closure)):
        return False
    if isinstance(a, Loc) and isinstance(b, Loc) and not a.path and not b.path:
        if a.cell == b.cell:
            return True
        return None if b.cell in aliases.near_to(lw.state.shares, {a.cell}) else False
    if isinstance(a, Known) != isinstance(b, Known) and isinstance(a, (Known, Loc, Agg)):
        return False if isinstance(b, (Known, Loc, Agg)) else None
    return None


def is_made_once(f: Closure) -> bool:
    """Whether a function in a function is made once for each call of that: not in a loop."""
    around = f.frame.source.node if f.frame.source is not None else None
    loops = [n for n in gast.walk(around) if isinstance(n, LOOPS)] if around is not None else []
    return around is not None and not any(x is f.node for n in loops for x in gast.walk(n))


def equal_methods(a: Bound, b: Bound) -> bool | None:
    """Whether two bound methods are equal: one function, of one object."""
    if not isinstance(a, Partial) or not isinstance(b, Partial):
        return None
    if not isinstance(a.fn, Known) or not isinstance(b.fn, Known) or a.kwargs or b.kwargs:
        return None
    if a.fn.obj is not b.fn.obj:
        return False
    own, other = a.args, b.args
    here = len(own) == len(other) == 1 and isinstance(own[0], Loc) and isinstance(other[0], Loc)
    return True if here and own[0].cell == other[0].cell and not own[0].path and not other[0].path else None  # type: ignore[union-attr]


def places_of(lw: Lowerer, box: Agg, item: Bound, node: Any) -> list[int] | None:
    """Where in a container something is, by identity or by the value of a constant; None if not known."""
    out = []
    for n, x in enumerate(box.items):
        one = identical(lw, x, item)
        own = content(lw, x)
        if one is None or (not one and is_object(own) and own.type.__eq__ is not object.__eq__):
            a, b = (lw.read(y, node) for y in (x, item))
            if not is_constant(a) or not is_constant(b):
                return None
            one = constant(a) == constant(b)
        elif not one and not is_object(own):
            return None
        if one:
            out.append(n)
    return out


def set_attribute(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    """``setattr(obj, name, value)``."""
    name = constant(lw.read(args[1], node))
    if not isinstance(name, str):
        lw.stop("attribute-write", "the attribute that setattr sets is known only at run time", node)
    set_field(lw, args[0], name, args[2], node)
    return Plain(Const(None))


def own_fields(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    """The fields of an object, as a new dict."""
    box = content(lw, args[0])
    lw.check_fields(box, node)
    return Loc(lw.state.new_cell(Agg(dict, box.keys, tuple(lw.settled(x) for x in box.items))))


def drop_field(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    name = constant(lw.read(args[1], node))
    delete_field(lw, args[0], name, node)
    return Plain(Const(None))


def set_plainly(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    """``object.__setattr__(obj, name, value)``: past what the class says, as frozen classes do it."""
    name = constant(lw.read(args[1], node))
    if not isinstance(name, str):
        lw.stop("attribute-write", "the attribute that is set is known only at run time", node)
    put_field(lw, adopt(lw, args[0]), name, args[2], node)
    return Plain(Const(None))


def attributes_of(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``vars(obj)``."""
    box = content(lw, args[0]) if args else None
    return get(lw, args[0], box, "__dict__", node) if is_object(box) and isinstance(box, Agg) else None


def made_bare(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``object.__new__(cls)``: an object without fields."""
    if len(args) != 1 or not isinstance(args[0], Known) or not isinstance(args[0].obj, type):
        return None
    return Loc(lw.state.new_cell(Agg(args[0].obj, (), ())))


def nothing(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    return Plain(Const(None))


def unary(name: str) -> Any:
    """A builtin function of one object that is a special method of its class."""

    def handler(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
        return special(lw, args[0], name, args[1:], node) if args else None

    return handler


def next_item(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``next(obj)``, or ``next(obj, default)``: the default where ``__next__`` raises StopIteration."""
    from srcdiff.frontend import iterators, known_items, producers

    box = content(lw, args[0]) if args else None
    if len(args) == 2 and is_object(box) and not known_items.is_cursor(box):
        return producers.text(lw, iterators.next_or, args, {}, node)
    return special(lw, args[0], "__next__", args[1:], node) if args else None


SPECIAL: dict[Any, Any] = {
    setattr: set_attribute, object.__setattr__: set_plainly, object.__init__: nothing, vars: attributes_of,
    boxes.fields: own_fields, boxes.drop_field: drop_field,
    object.__new__: made_bare, types.SimpleNamespace: namespace,
    **{cls: stand_in(own) for cls, own in boxes.STAND_INS.items()},
    dataclasses.replace: replaced, dataclasses.asdict: as_builtin(dict),
    dataclasses.astuple: as_builtin(tuple),
    len: unary("__len__"), abs: unary("__abs__"), float: unary("__float__"),
    int: unary("__int__"), bool: unary("__bool__"), iter: unary("__iter__"), next: next_item,
}  # fmt: skip
