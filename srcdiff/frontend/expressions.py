"""Reading expressions."""

from __future__ import annotations

import operator
import types
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import gast
import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.frontend import (
    aliases,
    captures,
    elsewhere,
    identity,
    mappings,
    objects,
    operands,
    places,
    unsure,
    views,
)
from srcdiff.frontend.comparisons import boolop, compare, comparison, condition, ifexp, truth
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.core import Stop
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Closure,
    Either,
    Frame,
    Iter,
    Known,
    Loc,
    Method,
    Plain,
    Poison,
    Spread,
    Step,
    Super,
    Window,
    has_objects,
)
from srcdiff.frontend.words import resolved
from srcdiff.ir.graph import Atom, Const, Ref, Slice, Struct, Val, is_none, kind, vals
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import (
    BOOL,
    INT,
    OTHER,
    STR,
    UNKNOWN,
    Array,
    Map,
    Scalar,
    Seq,
    has_cell,
    is_active_kind,
    join,
    join_all,
)
from srcdiff.ir.modules import package_of

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS", "arguments", "evaluate", "index_atom"]


WORDS = {  # what a person calls the nodes of a tree
    "AsyncFor": "async for", "AsyncFunctionDef": "async def", "AsyncWith": "async with", "Await": "await",
    "ClassDef": "a class statement", "DictComp": "a dict comprehension", "Match": "match",
    "Set": "a set display", "SetComp": "a set comprehension", "TemplateStr": "a template string",
    "Try": "try", "TryStar": "except*", "TypeAlias": "a type statement", "With": "with", "Yield": "yield",
    "YieldFrom": "yield from",
}  # fmt: skip


def evaluate(lw: Lowerer, node: Any) -> Bound:
    """The bound of an expression."""
    name = type(node).__name__
    handler = HANDLERS.get(name)
    if handler is None:
        kind_of_node = type(node).__name__
        what = f"{WORDS.get(kind_of_node, kind_of_node)} is not supported in a differentiated function"
        slug, what, help = REFUSED.get(kind_of_node, ("syntax", what, ""))
        lw.stop(slug, what, node, help=help)
    return handler(lw, node)


REFUSED = {  # slug, what, help
    "Await": ("async", "await is not supported", "write an ordinary function"),
    "Yield": ("generator", "yield is not supported here", "return a list"),
    "YieldFrom": ("generator", "yield from is not supported here", "return a list"),
    "TemplateStr": ("template", "a template string is not supported", "use an f-string"),
    "Interpolation": ("template", "a template string is not supported", "use an f-string"),
}


def _constant(lw: Lowerer, node: Any) -> Bound:
    return Plain(Const(node.value))


def _name(lw: Lowerer, node: Any) -> Bound:
    return lookup(lw, node.id, node)


def lookup(lw: Lowerer, name: str, node: Any = None) -> Bound:
    frame: Frame | None = lw.frame
    while frame is not None:
        b = lw.state.names.get((frame.id, name))
        if isinstance(b, Poison) and b.follows:
            raise Stop(None)
        if frame.unsure is not None:
            unsure.check(lw, frame, name, node)
        if b is not None:
            return resolved(lw, b) if isinstance(b, Either) else b
        if name in frame.worldly:
            return captures.free(lw, name, frame, node)
        if name in frame.locals:
            lw.stop("unbound", f"{name!r} may be used before it has a value", node)
        if frame.parent is None or frame.fobj is not None:
            return captures.free(lw, name, frame, node)
        frame = frame.parent
    lw.stop("name", f"the name {name!r} is not defined", node)


def _attribute(lw: Lowerer, node: Any) -> Bound:
    owner = lw.expr(node.value)
    return attribute(lw, owner, node.attr, node)


def attribute(lw: Lowerer, owner: Bound, name: str, node: Any) -> Bound:
    if isinstance(owner, Either):
        first, second = owner.then, owner.other
        return lw.choose(
            owner.test,
            lambda: attribute(lw, first, name, node),
            lambda: attribute(lw, second, name, node),
            node,
            "if",
        )
    owner = objects.adopt(lw, lw.settled(owner))
    if isinstance(owner, Super):
        return objects.through_super(lw, owner, name, node)
    if isinstance(owner, Known):
        if isinstance(owner.obj, types.ModuleType):
            written = lw.state.names.get((-id(vars(owner.obj)), name))
            if written is not None:
                return written
        if isinstance(owner.obj, type):
            written = objects.written_attribute(lw, owner.obj, name)
            if written is not None:
                return written
        try:
            obj = getattr(owner.obj, name)
        except AttributeError:
            obj = elsewhere.only_elsewhere(lw, owner.obj, name, node)
            if obj is not None:
                return Known(obj, f"{owner.text}.{name}")
            lw.raised(AttributeError, "attribute", f"{owner.text!r} has no attribute {name!r}", node)
        library = isinstance(owner.obj, types.ModuleType) and owner.obj.__name__.partition(".")[0] in _LIBRARY
        path = None if owner.path is None or library else (*owner.path, ("attr", name))
        if isinstance(owner.obj, type) and not isinstance(obj, (float, int, np.ndarray)):
            if path is not None and not lw.frame.static:
                lw.guards[path] = obj
            library = True
        return captures.outside(lw,
            obj, f"{owner.text}.{name}", path, node, library or (path is None and isinstance(owner.obj, type))
        )
    special = lw.attribute_of_function(owner, name)
    if special is not None:
        return special
    box = content(lw, owner)
    if objects.is_object(box):
        return objects.get(lw, owner, box, name, node)
    if isinstance(box, Agg) or (isinstance(owner, Loc) and isinstance(lw.state.cells.get(owner.cell), Iter)):
        return Method(owner, name)
    lw.shows(owner)
    atom = lw.sure(lw.read(owner, node))
    lw.needs_value(atom)
    if is_none(atom) and not hasattr(None, name) and not lw.frame.static:
        error = AttributeError(f"'NoneType' object has no attribute {name!r}")
        raises(lw, error, node, f"this is None, which has no attribute {name!r}", "attribute")
    if isinstance(owner, Plain):
        owner = Plain(atom)
    k = kind(atom)
    if name == "shape" and not isinstance(k, (Scalar, Seq)):
        return Plain(lw.shape_struct(atom)) if not isinstance(k, Array) else lw.bind_shape(atom)
    if name == "shape" and isinstance(k, Scalar):
        return Agg(tuple, (), ())
    if name == "size" and isinstance(k, Scalar) and (lw.frame.static or not k.weak):
        return Plain(Const(1))
    if name == "ndim":
        if isinstance(k, Array):
            return Plain(Const(len(k.dims)))
        if isinstance(k, Scalar):
            return Plain(Const(0))
        return Plain(lw.prim(np.ndim, [atom], result=Scalar("i8")))
    if name == "flat" and isinstance(k, Array):
        return views.view(lw, owner, Step(np.ravel, ()))
    if name == "dtype":
        return Plain(lw.prim(getattr, [atom, Const("dtype")], result=OTHER, method="dtype"))
    if isinstance(atom, Val) and atom.op is not None and atom.op.fn is type and name == "__name__":
        return Plain(lw.prim(getattr, [atom, Const(name)], result=STR, method=name))
    if name in numpy_names.ATTRIBUTES and k not in (OTHER, STR):
        step = Step(numpy_names.ATTRIBUTES[name], (), (), name)
        if lw.ctx.may_alias(step.fn):
            return views.view(lw, owner, step)
        return Plain(views.apply_step(lw, step, atom))
    return Method(owner, name)


_LIBRARY = ("numpy", "math", "scipy", "cmath", "operator", "functools", "itertools", "builtins", "srcdiff")


def _binop(lw: Lowerer, node: Any) -> Bound:
    fn = numpy_names.BINARY[type(node.op).__name__]
    left, right = lw.expr(node.left), lw.expr(node.right)
    return binary(lw, fn, left, right, node)


def binary(lw: Lowerer, fn: Any, left: Bound, right: Bound, node: Any) -> Bound:
    """An operator applied to two bounds: arithmetic, or the joining of lists and tuples."""
    for n, two in enumerate((left, right)):
        if isinstance(two, Either):
            pair = [(x, right) if n == 0 else (left, x) for x in (two.then, two.other)]
            arms = [partial(binary, lw, fn, p, q, node) for p, q in pair]
            return lw.choose(two.test, arms[0], arms[1], node, "if")
    if fn in SET_METHODS:  # (the keys of a dict are a set to these)
        left, right = (
            lw.call(Known(set, "set"), [x], {}, node) if isinstance(x, Window) and x.how == "keys" else x
            for x in (left, right)
        )
    a, b = content(lw, left), content(lw, right)
    left, right = lw.matrices_beside(left, right, node)
    got = objects.operate(lw, fn, left, right, node)
    if got is not None:
        return got
    if isinstance(a, Agg) and isinstance(b, Agg) and fn is operator.or_ and a.type is b.type is dict:
        return Loc(lw.state.new_cell(merged_dicts(a, b)))
    if fn in SET_METHODS and is_set(a) and is_set(b):
        return lw.call(Method(left, SET_METHODS[fn]), [right], {}, node)
    if fn is operator.or_ and is_dict(lw, left) and is_dict(lw, right):
        both = {"left_": left, "right_": right}
        return mappings.read(lw, "result_ = left_.copy()\nresult_.update(right_)", both, node)
    if isinstance(a, Agg) and isinstance(b, Agg) and fn is operator.add and is_joined(a, b):
        items = a.items + b.items
        agg = Agg(list if a.type is list else tuple, tuple(range(len(items))), items)
        return Loc(lw.state.new_cell(agg)) if a.type is list else agg
    if fn is operator.mul and is_repeated(b, a):
        left, right, a, b = right, left, b, a
    if fn is operator.mul and is_repeated(a, b):
        items = a.items * constant(b.atom)
        agg = Agg(list if a.type is list else tuple, tuple(range(len(items))), items)
        return Loc(lw.state.new_cell(agg)) if a.type is list else agg
    if isinstance(a, Agg) and a.type is list and len(a.items) == 1 and fn is operator.mul:
        size = lw.read(right, node)  # [v] * n: a list of unknown length
        repeated = lw.bind(lw.prim(fn, [lw.read(left), size], result=Seq(kind(lw.read(a.items[0])))))
        places.put_in(lw, repeated, (places.element_step(Const(0)),), a.items[0], node)  # type: ignore[arg-type]
        lw.mixed.add(repeated.cell)  # type: ignore[union-attr]
        return repeated
    left, right = operands.joined(lw, fn, left, right, node)
    x, y = lw.read(left, node), lw.read(right, node)
    for a in (x, y):
        if isinstance(a, Ref) and callable(a.obj) and not lw.frame.static:
            lw.stop("value", f"{a.text} is a function, and is used as a number", node)
    kx, ky = kind(x), kind(y)
    if isinstance(kx, Seq) or isinstance(ky, Seq):
        if fn is operator.add and not isinstance(kx, Array) and not isinstance(ky, Array):
            k = join(kx, ky)
            x, y = lw.conform(x, k), lw.conform(y, k)
            return places.share_elements(
                lw, lw.bind(lw.prim(operator.concat, [x, y], result=k)), left, right
            )
        if fn is operator.mul:
            repeated = lw.bind(lw.prim(fn, [x, y], result=kx if isinstance(kx, Seq) else ky))
            return places.share_elements(lw, repeated, left, right)
    text = fn is operator.mod and kx == STR  # "%s" % what may be None, too
    return Plain(lw.prim(fn, [x, y], result=STR if text else None))


SET_METHODS = {
    operator.or_: "union", operator.and_: "intersection", operator.sub: "difference",
    operator.xor: "symmetric_difference",
}  # fmt: skip


def is_set(box: Any) -> bool:
    return isinstance(box, Agg) and box.type in (set, frozenset)


def is_dict(lw: Lowerer, b: Bound) -> bool:
    """Whether a bound is a dict, of keys that are known or of any."""
    box = content(lw, b)
    if isinstance(box, Agg):
        return box.type is dict
    return isinstance(box, (Loc, Plain)) and isinstance(kind(lw.read(b)), Map)


def is_container(lw: Lowerer, b: Bound) -> bool:
    """Whether a sign means to a bound what a container, or one of two things, takes it for."""
    box = content(lw, b)
    return isinstance(box, (Agg, Either)) or (
        isinstance(box, (Loc, Plain)) and isinstance(kind(lw.read(b)), Seq)
    )


def is_joined(a: Agg, b: Agg) -> bool:
    """Whether a sum is two lists, or two tuples, one after the other."""
    return (a.type is b.type is list) or (issubclass(a.type, tuple) and issubclass(b.type, tuple))


def is_repeated(box: Any, times: Any) -> bool:
    """Whether a product is a list or tuple, as often as a constant says."""
    sequence = isinstance(box, Agg) and (box.type is list or issubclass(box.type, tuple))
    return sequence and isinstance(times, Plain) and isinstance(constant(times.atom), int)


def merged_dicts(a: Agg, b: Agg) -> Agg:
    """``a | b``: the entries of both, those of ``b`` winning."""
    merged = dict(zip(a.keys, a.items, strict=True)) | dict(zip(b.keys, b.items, strict=True))
    return Agg(dict, tuple(merged), tuple(merged.values()))


def _unary(lw: Lowerer, node: Any) -> Bound:
    return unary(lw, numpy_names.UNARY[type(node.op).__name__], lw.expr(node.operand), node)


def of_sign(lw: Lowerer, fn: Any, args: list[Bound], node: Any) -> Bound | None:
    """A call of ``operator.add`` and its kin, on what a class or a container says the meaning of."""
    signs = numpy_names.INFIX if len(args) == 2 else numpy_names.PREFIX if len(args) == 1 else {}
    if fn not in signs or not any(is_container(lw, a) for a in args):
        return None
    if len(args) == 1:
        return unary(lw, fn, args[0], node)
    left, right = args
    if hasattr(gast, signs[fn]) and issubclass(getattr(gast, signs[fn]), gast.cmpop):
        return Plain(compare(lw, signs[fn], left, right, node))
    return binary(lw, fn, left, right, node)


def unary(lw: Lowerer, fn: Any, b: Bound, node: Any) -> Bound:
    """An operator of one operand."""
    if fn is operator.not_:
        known = truth(lw, b)
        if known is not None:
            return Plain(Const(not known))
        return Plain(lw.prim(fn, [condition(lw, b, node)], result=BOOL))
    name = {operator.neg: "__neg__", operator.pos: "__pos__", operator.invert: "__invert__"}.get(fn)
    got = objects.special(lw, b, name, [], node) if name is not None else None
    if got is not None:
        return got
    a = lw.read(b, node)
    if (
        isinstance(a, Const)
        and fn is operator.neg
        and isinstance(a.value, (int, float))
        and not isinstance(a.value, bool)
    ):
        return Plain(Const(-a.value))
    return Plain(lw.prim(fn, [a], result=BOOL if fn is operator.not_ else None))


def stored(lw: Lowerer, b: Bound) -> Bound:
    """A bound put into a container: a fresh array gets its cell now."""
    if isinstance(b, Plain) and isinstance(b.atom, Val):
        return lw.bind(b.atom)
    return b


def _subscript(lw: Lowerer, node: Any) -> Bound:
    base = lw.expr(node.value)
    return subscript(lw, base, node.slice, node)


def subscript(lw: Lowerer, base: Bound, index_node: Any, node: Any) -> Bound:
    if isinstance(base, Either):
        arms = [lambda x=x: subscript(lw, x, index_node, node) for x in (base.then, base.other)]
        return lw.choose(base.test, arms[0], arms[1], node, "if")
    box = content(lw, base)
    if isinstance(box, Plain) and isinstance(box.atom, Struct):
        box = lw.bind(box.atom)
    if objects.is_object(box) and not issubclass(box.type, tuple):
        got = objects.special(lw, base, "__getitem__", [index_bound(lw, index_node)], node)
        if got is None:
            lw.stop("index", f"an object of class {box.type.__name__} cannot be indexed", node)
        return got
    if isinstance(box, Agg):
        return element(lw, box, index_of(lw, base, index_node), node, lw.settled(base))
    if isinstance(base, Plain) and isinstance(base.atom, Ref):
        base = Known(base.atom.obj, base.atom.text)
    if isinstance(base, Known):
        return known_item(lw, base, index_node, node)
    index = index_of(lw, base, index_node)
    if isinstance(base, Iter):
        return lw.range_item(base, index, node)
    value = lw.read(base, node)
    if is_none(value) and not lw.frame.static:
        lw.needs_value(value)
        raises(lw, TypeError("'NoneType' object is not subscriptable"), node, "this is None")
    k = kind(value)
    got_view = has_cell(k)
    if got_view:
        b = views.view(lw, base, Step(operator.getitem, (index,)))
        if (
            isinstance(b, Loc)
            and b.val is not None
            and b.val.op is not None
            and not b.val.op.attrs.get("view", True)
        ):
            if b.val.kind == UNKNOWN and not lw.frame.static:  # the index is not known: a view or a copy
                new = lw.bind(b.val)
                if isinstance(new, Loc):
                    aliases.may_be(lw.state, {new.cell}, {b.cell})
                return new
            made = lw.bind(b.val)  # a copy, not a view
            return places.share_elements(lw, made, base) if isinstance(k, Seq) else made
        return b
    return lw.bind(lw.getitem(value, index))


def known_item(lw: Lowerer, base: Known, index_node: Any, node: Any) -> Bound:
    """``obj[index]`` of an object known now."""
    if isinstance(base.obj, type):
        return Known(base.obj, base.text, base.path)  # list[int] and the like
    handler = getattr(type(base.obj), "__getitem__", None)
    if isinstance(handler, types.FunctionType) and package_of(type(base.obj)) != "numpy":
        item = lw.expr(index_node)
        path = (("const", type(base.obj)), ("attr", "__getitem__"))
        return lw.call(Known(handler, f"{base.text}.__getitem__", path), [base, item], {}, node)
    index = index_atom(lw, index_node)
    for special in lw.special(base.obj):  # np.r_ and the like
        return special(lw, [Plain(index)], {}, node)  # type: ignore[no-any-return]
    if any(is_active_kind(v.kind) for v in vals([index])):
        lw.stop(
            "no-rule", f"{base.text} has no rule", node,
            note="numbers that may vary are put into its square brackets",
            help="write what it stands for with functions that have rules",
        )  # fmt: skip
    return Plain(lw.prim(operator.getitem, [lw.read(base), index]))


def element(lw: Lowerer, box: Agg, index: Atom, node: Any, owner: Bound | None = None) -> Bound:
    """An element of a container of known structure."""
    v = constant(index)
    if is_constant(index):
        if isinstance(v, slice):
            items = box.items[v]
            agg = Agg(box.type, tuple(range(len(items))), items)
            return Loc(lw.state.new_cell(agg)) if box.type is list else agg
        if box.type in (tuple, list) or (isinstance(box.type, type) and issubclass(box.type, tuple)):
            if isinstance(v, int) and -len(box.items) <= v < len(box.items):
                return box.items[v]
            error = IndexError(f"{box.type.__name__} index out of range")
            raises(lw, error, node, f"index {v!r} is out of range")
        if v in box.keys:
            return box.items[box.keys.index(v)]
        raises(lw, KeyError(v), node, f"there is no key {v!r} here", "key")
    plain = all(is_value(lw, x) for x in box.items)
    if box.items and box.type is dict and isinstance(owner, Loc) and plain:
        values = [kind(lw.read(x)) for x in box.items if isinstance(lw.settled(x), (Plain, Loc))]
        if len(values) == len(box.items) and mappings.of_one_sort(values):
            return views.view(lw, mappings.as_mapping(lw, owner, box, node), places.element_step(index))
    if not box.items:
        raises(lw, IndexError(f"{box.type.__name__} index out of range"), node, "this has no elements")
    kinds = [kind(lw.read(x)) for x in box.items] if plain else []
    if kinds and mappings.of_one_sort(kinds) and box.type in (tuple, list):
        if box.type is list and isinstance(owner, Loc) and any(isinstance(x, Loc) for x in box.items):
            return views.view(lw, lw.as_sequence(owner, box, node), places.element_step(index))
        whole = lw.read(box)
        for x in box.items:
            lw.freeze(x)
        k = join_all(kinds[0], tuple(kinds[1:]))
        seq = lw.prim(list, [whole], result=Seq(k), display=True)
        return lw.freeze(lw.bind(lw.prim(operator.getitem, [seq, index], result=k, view=True)))
    if not plain:
        return one_of(lw, box, index)
    lw.stop(
        "index",
        "the elements differ in kind, and which of them is meant is known only at run time",
        node,
        help="use elements of the same shape, or separate variables",
    )


def raises(lw: Lowerer, error: Exception, node: Any, what: str, slug: str = "index") -> NoReturn:
    """What is read here raises whenever the program comes here: so does what is written for it."""
    caught = any(a.catches(type(error)) for a in lw.attempts)
    if not caught:
        lw.certain[lw.problem(slug, what, node)] = type(error)
    given = error.args[0]
    lw.raise_here(type(error), repr(given) if has_objects((given,)) else given)


def index_bound(lw: Lowerer, node: Any) -> Bound:
    """The index inside square brackets, as it is handed to a ``__getitem__``."""
    return Plain(index_atom(lw, node)) if isinstance(node, (gast.Slice, gast.Tuple)) else lw.expr(node)


def is_value(lw: Lowerer, b: Bound) -> bool:
    """Whether a bound can be a value of the graph: no part of it is a function."""
    c = content(lw, b)
    return all(is_value(lw, x) for x in c.items) if isinstance(c, Agg) else isinstance(c, (Plain, Loc))


def one_of(lw: Lowerer, box: Agg, index: Atom, default: Bound | None = None) -> Bound:
    """Of some things that are no values, the one with an index or key known only at run time."""
    n = len(box.items)
    if box.type is dict:
        numbers = Struct(dict, box.keys, tuple(Const(i) for i in range(n)))
        if default is None:
            at = lw.prim(operator.getitem, [numbers, index], result=INT)
        else:
            at = lw.prim(dict.get, [numbers, index, Const(-1)], result=INT, method="get")
    else:
        at = lw.prim(operator.getitem, [lw.prim(range, [Const(n)], result=OTHER), index], result=INT)
    items = [*box.items] if default is None else [*box.items, default]
    chosen = items[-1]
    for i in reversed(range(len(items) - 1)):
        chosen = Either(lw.prim(operator.eq, [at, Const(i)], result=BOOL), items[i], chosen)
    return chosen


def index_atom(lw: Lowerer, node: Any, key: bool = False) -> Atom:
    """The index inside square brackets; ``key``: it is that of a dict, which may be a tuple of any length."""
    if isinstance(node, gast.Slice):
        parts = [
            lw.read(lw.expr(p)) if p is not None else Const(None) for p in (node.lower, node.upper, node.step)
        ]
        return Slice(*parts)
    if isinstance(node, gast.Tuple):
        items = tuple(index_atom(lw, e, key) for e in node.elts)
        return display(items)
    if isinstance(node, gast.Starred):
        lw.stop("starred", "a starred index is not supported", node)
    b = lw.expr(node)
    if isinstance(b, Iter) and b.kind == "range":
        return lw.prim(np.arange, list(b.parts))
    got = lw.read(b, node)
    k = kind(got)
    if isinstance(k, Seq) and k.frozen and not key:
        lw.stop("index", "the number of indices in this tuple is known only at run time", node)
    return got


def index_of(lw: Lowerer, base: Bound, node: Any) -> Atom:
    """The index or key inside the square brackets behind ``base``."""
    box = content(lw, base)
    plain = isinstance(box, (Plain, Loc))
    of_dict = box.type is dict if isinstance(box, Agg) else plain and isinstance(kind(lw.read(box)), Map)
    if of_dict and not isinstance(node, gast.Slice):
        return mappings.as_key(lw, identity.key_of(lw, base, lw.expr(node), node))
    return index_atom(lw, node, of_dict)


def _slice(lw: Lowerer, node: Any) -> Bound:
    return Plain(index_atom(lw, node))


def _lambda(lw: Lowerer, node: Any) -> Bound:
    return Closure(node, lw.frame, "<lambda>", default_bounds(lw, node.args))


def default_bounds(lw: Lowerer, a: Any) -> dict[str, Bound]:
    pos = a.posonlyargs + a.args
    pairs = [*zip(pos[len(pos) - len(a.defaults) :], a.defaults, strict=True)]
    pairs += [(p, d) for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d is not None]
    return {p.id: stored(lw, lw.expr(d)) for p, d in pairs}


def _named(lw: Lowerer, node: Any) -> Bound:
    value = stored(lw, lw.expr(node.value))
    inner = lw.frame
    while lw.frame.inline and lw.frame.parent is not None:  # a comprehension binds the function's own name
        lw.frame = lw.frame.parent
    try:
        lw.assign(node.target, value)
    finally:
        lw.frame = inner
    return value


def _call(lw: Lowerer, node: Any) -> Bound:
    func = lw.expr(node.func)
    if (
        isinstance(func, Known)
        and func.obj is sum
        and len(node.args)
        and isinstance(node.args[0], gast.GeneratorExp)
    ):
        return lw.sum_of(node)
    if lw.acts(func, node):
        return Plain(Const(None))
    if isinstance(func, Known) and func.obj is super:
        return objects.super_of(lw, [lw.expr(a) for a in node.args], node)
    if isinstance(func, Known) and func.obj is zip and len(node.args) == 1:
        turned = turned_columns(lw, node.args[0])
        if turned is not None:
            return turned
    args, kwargs = arguments(lw, node)
    return lw.call(func, args, kwargs, node)


def turned_columns(lw: Lowerer, a: Any) -> Bound | None:
    """``zip(*rows)`` of rows whose number is not known."""
    if not isinstance(a, gast.Starred):
        return None
    starred, items = lw.spread(lw.expr(a.value), a)
    return lw.columns(starred, a) if items is None else None


def arguments(lw: Lowerer, node: Any) -> tuple[list[Bound], dict[str, Bound]]:
    """The arguments of a call, read."""
    args: list[Bound] = []
    kwargs: dict[str, Bound] = {}
    for a in node.args:
        if isinstance(a, gast.Starred):
            starred, items = lw.spread(lw.expr(a.value), a)
            args.extend([Spread(starred)] if items is None else items)
        else:
            args.append(lw.expr(a))
    for kw in node.keywords:
        if kw.arg is None:
            got = content(lw, objects.opened(lw, lw.expr(kw.value), kw.value))
            if not isinstance(got, Agg) or got.type is not dict:
                lw.stop("starred", "the keys of the ** argument are not known", kw.value)
            kwargs.update(zip(got.keys, got.items, strict=True))
        else:
            kwargs[kw.arg] = lw.expr(kw.value)
    return args, kwargs


def _generator(lw: Lowerer, node: Any) -> Bound:
    """``(e for t in it if c)``: the first iterable is evaluated now, the rest when values are asked for."""
    first = lw.expr(node.generators[0].iter)
    return Loc(lw.state.new_cell(Iter("genexp", (node, lw.frame, first))))


def _yield(lw: Lowerer, node: Any) -> Bound:
    lw.stop("generator", "a yield inside an expression is not supported", node,
            help="make it a statement of its own: nothing is ever sent to this generator")  # fmt: skip


HANDLERS: dict[str, Callable[[Lowerer, Any], Bound]] = {
    "Constant": _constant, "Name": _name, "Attribute": _attribute, "BinOp": _binop, "UnaryOp": _unary,
    "Compare": comparison, "BoolOp": boolop, "IfExp": ifexp, "Subscript": _subscript, "Slice": _slice,
    "Lambda": _lambda, "NamedExpr": _named, "Call": _call, "GeneratorExp": _generator,
    "Yield": _yield, "YieldFrom": _yield,
}  # fmt: skip
