"""From a function and the kinds of its arguments to a compiled derivative: every stage in its order."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from types import MappingProxyType
from typing import Any

import numpy as np

from srcdiff import family
from srcdiff.analysis.activity import Activity, varied
from srcdiff.backends.numpy_names import canonical
from srcdiff.batch.apply import Unbatched
from srcdiff.compiled.partition import partition
from srcdiff.cuda.plan import fused
from srcdiff.differentiate.common import (
    Builder,
    fills_zero,
    fn_name,
    is_constant_fn,
    keeps_zero,
    lost,
    no_rule,
)
from srcdiff.differentiate.fetch import fetch
from srcdiff.differentiate.forward import forward
from srcdiff.differentiate.halves import all_values, halves, saved_names, uses
from srcdiff.differentiate.reverse import Kept, replace_values, reverse
from srcdiff.differentiate.taylor import taylor
from srcdiff.emit.assemble import emit
from srcdiff.emit.devices import beyond
from srcdiff.emit.spelling import Spelling
from srcdiff.errors import (
    DerivativeTypeError,
    InternalError,
    NoRule,
    Problem,
    SrcdiffError,
    UnsupportedSyntax,
)
from srcdiff.faults import guarded
from srcdiff.frontend import recursion, source
from srcdiff.frontend.core import Bottom, Stop
from srcdiff.frontend.known_items import SHORT
from srcdiff.frontend.lower import Context, lower, lower_library, read_rule
from srcdiff.frontend.params import Param
from srcdiff.frontend.paths import Way
from srcdiff.frontend.scope import Agg, Closure, Derived, Known, Partial, Plain, Pulled
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    ZERO,
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Ref,
    Region,
    Struct,
    Val,
    clone,
    kind,
    map_atom,
    vals,
    walk,
)
from srcdiff.ir.kinds import (
    FLOAT,
    NONE,
    OTHER,
    STR,
    UNKNOWN,
    Array,
    Dim,
    Kind,
    Maybe,
    Scalar,
    Seq,
    Simple,
    Sym,
    Tree,
    has_static,
    is_active_kind,
    kind_of,
    present,
)
from srcdiff.ir.modules import on_device
from srcdiff.load import load
from srcdiff.optimise.arrange import arrange
from srcdiff.optimise.dce import dce
from srcdiff.optimise.hosted import on_device_throughout
from srcdiff.optimise.inplace import memory_of, own
from srcdiff.optimise.merge import merge_branches
from srcdiff.optimise.pack import pack
from srcdiff.optimise.passes import noted
from srcdiff.optimise.products import cheaper_products
from srcdiff.optimise.reuse import reuse
from srcdiff.optimise.scatter import fewer_passes
from srcdiff.optimise.simplify import count, simplify
from srcdiff.optimise.sizes import first_versions
from srcdiff.request import Made, Request
from srcdiff.rules import registry, vocabulary

__all__ = [
    "CONTEXT",
    "PRODUCTS",
    "Account",
    "account",
    "batched_by",
    "derivative_graph",
    "finish",
    "known_kinds",
    "mapped_graph",
    "partial_account",
    "primal_graph",
    "pullback_pair",
    "pushforward_pair",
]

PRODUCTS = frozenset({"hvp", "vhp", "gauss_newton_vp", "taylor"})  # which take a vector as well
SIGNALS = (Stop, Bottom, recursion.Again)  # between the parts of the front end
_SHAREABLE = {
    ops.getfield, ops.given, ops.shape_at, ops.exit_is, ops.order, ops.accumulate, ops.poplast,
    ops.stop_gradient,
    operator.getitem, len, float, getattr, operator.not_, operator.contains, isinstance, int, bool,
}  # fmt: skip


def _is_shareable(fn: Any) -> bool:
    """Whether two applications to the same operands may be one: not where each makes memory of its own."""
    try:
        if fn in vocabulary.CREATES:
            return False
        return registry.is_known(fn) or fn in _SHAREABLE
    except TypeError:
        return False


def _fresh(fn: Any) -> bool:
    return registry.returns_fresh(fn) or fn in (operator.add, operator.sub, operator.mul)


def _shape_positions(fn: Any) -> frozenset[int]:
    """The operands of which a function reads the shape and the type alone."""
    return frozenset({0}) if fn in (np.zeros_like, np.ones_like) else registry.shape_positions(fn)


def _is_copy(fn: Any) -> bool:
    return fn in (np.copy, np.ndarray.copy, ops.copied)


def _transform(obj: Any) -> Any:
    """What kind of derivative a callable makes, if any (set on the functions of the public interface)."""
    kind_ = getattr(obj, "__srcdiff__", None)
    return kind_ if isinstance(kind_, str) else None


def derive(lw: Any, what: Derived | Pulled, args: list[Any], kwargs: dict[str, Any], node: Any) -> Any:
    """A derivative taken inside a function: its operations become part of the function's graph."""
    if isinstance(what, Pulled):
        return pull(lw, what, args)
    what = replace(what, fn=as_function(what.fn))
    names = parameter_names(lw, what.fn, len(args), node)
    if what.mode == "vmap":
        return derive_map(lw, what, names, args, kwargs, node)
    after: list[Atom] = []
    if what.mode in PRODUCTS:
        if not args:
            lw.stop("arguments", f"{what.mode} needs the vector as its last argument", node)
        *args, vector = args
        v = lw.read(vector)
        after = list(v.items) if isinstance(what.wrt, (tuple, list)) and isinstance(v, Struct) else [v]
    if what.mode == "jvp":
        n = int(what.wrt)
        args, tangents = args[:n], [lw.read(t) for t in args[n:]]
        tangents = [Const(None) if t is ZERO else t for t in tangents]
        constants = [isinstance(t, Const) and t.value is None for t in tangents]
        wrt = tuple(x for x, c in zip(names, constants, strict=False) if not c)
    elif what.mode in ("vjp", "linearize"):
        tangents = []
        wrt = tuple(
            x
            for x, a in zip(names, args, strict=False)
            if is_float(lw.read(a) if not isinstance(a, (Known, Closure)) else Const(None))
        )
    else:
        tangents = []
        given = (
            (names[0],)
            if what.wrt is None
            else tuple(what.wrt)
            if isinstance(what.wrt, (tuple, list))
            else (what.wrt,)
        )
        wrt = tuple(names[w] if isinstance(w, int) else w for w in given)
    bound = dict(zip(names, args, strict=False)) | kwargs
    region = Region()
    values: dict[str, Val] = {}
    for w in wrt:
        if w not in bound:
            lw.stop("wrt", f"{w!r} is not an argument given in this call", node)
        k = kind(lw.read(bound[w]))
        values[w] = Val(w, FLOAT if isinstance(k, Scalar) and k.dtype[0] in "iu" else k, user=True)
    graph = Graph("inner", region, info={"values": values})
    inner = dict(bound)
    with lw.inside(region):
        for w, v in values.items():
            inner[w] = lw.bind(v)
        known = len(lw.problems)
        result = lw.read(lw.call(what.fn, [inner.pop(n) for n in names if n in inner], inner, node))
    if len(lw.problems) > known:
        lw.fail()
    region.params = list(values.values())
    region.results = [result]
    actual = {w: lw.read(bound[w]) for w in wrt}
    if what.mode in ("vjp", "linearize"):
        y = splice(lw, clone(graph)[0], [actual[w] for w in wrt])
        return Agg(
            tuple,
            (0, 1),
            (
                lw.bind(y) if isinstance(y, (Val, Struct)) else Plain(y),
                Pulled(graph, wrt, names[: len(args)], actual, what.mode),
            ),
        )
    single = not isinstance(what.wrt, (tuple, list))
    request = Request(what.mode, wrt, single, what.has_aux, option=what.option)
    g = known_kinds(derivative_graph(graph, request), request)
    lw.guards.update(g.info.get("guards", {}))
    out = splice(
        lw,
        g,
        [
            *(actual[w] for w in wrt),
            *(t for t in tangents if not (isinstance(t, Const) and t.value is None)),
            *after,
        ],
    )
    return lw.bind(out) if isinstance(out, (Val, Struct)) else Plain(out)


def derive_map(
    lw: Any, what: Derived, names: tuple[str, ...], args: list[Any], kwargs: Any, node: Any
) -> Any:
    """A function called for many examples at once, inside a function."""
    in_axes, out_axes = what.option
    bound = dict(zip(names, args, strict=False)) | kwargs
    if isinstance(in_axes, (tuple, list)):
        axes = dict(zip(names, in_axes, strict=False))
        if len(in_axes) != len(args):
            lw.stop("vmap", f"in_axes has {len(in_axes)} entries for {len(args)} arguments", node,
                    help="give one for each positional argument")  # fmt: skip
    else:
        axes = dict.fromkeys(names[: len(args)], in_axes)
    axes |= dict.fromkeys(kwargs, 0)
    optional = set() if isinstance(in_axes, (tuple, list)) else names_with_defaults(what.fn)
    mapped = {
        n: a for n, a in axes.items()
        if batched_by(a) and not (n in optional and is_setting(lw, bound[n]))
    }  # fmt: skip
    actual = {n: lw.read(bound[n]) for n in mapped}
    region = Region()
    values: dict[str, Val] = {}
    dims: list[Dim] = []
    for n, a in actual.items():
        try:
            values[n] = Val(n, family.of_one(kind(a), mapped[n], dims), user=True)
        except Unbatched as why:
            lw.stop("vmap", f"{n!r} cannot be mapped: {why}", node,
                    help="name the arguments to map in in_axes, None for the others")  # fmt: skip
    if not values:
        lw.stop("vmap", "no argument is mapped", node, help="name an axis for one of them in in_axes")
    graph = Graph("inner", region, info={"values": values})
    inner = dict(bound)
    with lw.inside(region):
        inner |= {n: lw.bind(v) for n, v in values.items()}
        known = len(lw.problems)
        result = lw.read(lw.call(what.fn, [inner.pop(n) for n in names if n in inner], inner, node))
    if len(lw.problems) > known:
        lw.fail()
    region.params, region.results = list(values.values()), [result]
    g = mapped_graph(graph, mapped, out_axes, dims[0])
    lw.guards.update(g.info.get("guards", {}))
    out = splice(lw, g, [actual[n] for n in values])
    return lw.bind(out) if isinstance(out, (Val, Struct)) else Plain(out)


def is_setting(lw: Any, b: Any) -> bool:
    """Whether an argument has no axis of examples: a number, text, None or a function."""
    return isinstance(b, (Known, Closure)) or not isinstance(kind(lw.read(b)), (Array, Seq, Tree))


def batched_by(axes: Any) -> bool:
    """Whether axes name any."""
    if isinstance(axes, dict):
        return any(map(batched_by, axes.values()))
    return any(map(batched_by, axes)) if isinstance(axes, (tuple, list)) else axes is not None


def pull(lw: Any, what: Pulled, args: list[Any]) -> Any:
    """The call of a pullback (or of a pushforward) made inside the function."""
    if what.mode == "linearize":
        return push(lw, what, args)
    bar = lw.read(args[0])
    wrt = wrt_values(what.graph, what.wrt)
    g, bars, r = reverse(what.graph, wrt, CONTEXT, lambda b, res: [(res[0], bar)])
    table = dict(zip(what.wrt, bars, strict=True))
    items = tuple(table.get(n, Const(None)) for n in what.names)
    lw.guards.update(g.info.get("guards", {}))
    g.region.results = [Struct(tuple, tuple(range(len(items))), items)]
    dce(g, frozenset(r.spared))
    fetch(r)
    return lw.bind(splice(lw, optimised(g), [what.given[w] for w in what.wrt]))


def push(lw: Any, what: Pulled, args: list[Any]) -> Any:
    """The call of a pushforward made inside the function."""
    given = dict(zip(what.names, (lw.read(a) for a in args), strict=False))
    seeds = {
        v: a
        for n, v in zip(what.wrt, wrt_values(what.graph, what.wrt), strict=True)
        if not (isinstance(a := given.get(n, Const(None)), Const) and a.value is None)
    }
    g, dots, _ = forward(what.graph, list(seeds), CONTEXT, seeds)
    b = Builder(CONTEXT, g)
    with b.inside(g.region):
        g.region.results = [b.materialise(dots[0], g.region.results[0])]
    lw.guards.update(g.info.get("guards", {}))
    return lw.bind(splice(lw, optimised(g), [what.given[w] for w in what.wrt]))


def turn(
    b: Builder, op: Op, text: Any, given: dict[str, Atom], unknown: dict[str, Atom], bar: Atom
) -> dict[str, Atom]:
    """A rule's text transposed: linear in what is ``unknown`` (by name: what it is a derivative of).

    The text is read as a function of its own, which is differentiated in reverse with respect to the
    unknowns; ``bar`` is the cotangent of its result.  It is linear in them, so their values do not matter.
    """
    mode, other = ("reverse", "pullback") if "out_bar" not in unknown else ("forward", "differential")
    name = fn_name(op)
    region = Region()
    info = {k: v for k, v in b.graph.info.items() if k != "values"}
    free = {
        n: Val(a.name, kind(a), user=a.user) if isinstance(a, Val) and mode == "reverse" else Val("", kind(a))
        for n, a in unknown.items()
    }
    result = read_rule(CONTEXT, text, region, {**given, **free}, op.origin, info)
    region.params, region.results = list(free.values()), [result]
    try:
        g, _, r = reverse(
            Graph(name, region, info=info), region.params, CONTEXT, lambda _, res: [(res[0], bar)], False
        )
    except NoRule as e:
        why = f"{name} has no rule for {mode} mode, and the one that it has cannot be transposed"
        raise NoRule(*no_rule(op, why, f"give it a {other}").problems, *e.problems) from None
    own = g.region.params
    bars = tuple(r.root.bars.get(p, ZERO) for p in own)
    g.region.results = [Struct(tuple, tuple(range(len(bars))), bars)]
    dce(g, frozenset(r.spared))
    fetch(r)
    dce(g)
    if reads_values(g.region, own):
        why = f"the {'differential' if mode == 'reverse' else 'pullback'} of {name} is not linear"
        raise no_rule(op, f"{why} in {', '.join(free)}, so it cannot be transposed", f"give it a {other}")
    replace_values(g.region, dict(zip(own, unknown.values(), strict=True)))
    b.region.ops.extend(g.region.ops)
    last = g.region.results[0]
    assert isinstance(last, Struct)
    return dict(zip(free, last.items, strict=True))


def reads_values(region: Region, params: list[Val]) -> bool:
    """Whether results depend on more of some parameters than their shapes and types."""
    return spread(region, set(params))


def spread(region: Region, read: set[Val]) -> bool:
    """Add to ``read`` what depends on it in a region; whether its results do."""
    for o in region.ops:
        if o.code == "if":
            if any([v in read for v in vals(o.ins)] + [spread(r, read) for r in o.regions]):
                read.update(o.outs)
        elif any(v in read for v in all_values(o)) and not shape_only(o, read):
            read.update(o.outs)
    return any(v in read for v in vals(region.results))


def shape_only(o: Op, values: set[Val]) -> bool:
    """Whether an operation reads no more of some values than their shape and type."""
    if o.code != "prim":
        return False
    if o.fn in (ops.shape_at, len, np.shape, np.ndim) or o.fn in vocabulary.BLANKS:
        return True
    return o.fn in vocabulary.LIKE_SECOND and not any(v in vals(o.ins[:1]) for v in values)


def splice(lw: Any, graph: Graph, args: list[Atom]) -> Atom:
    """Put a graph's operations here, on the arguments given."""
    table = dict(zip(graph.region.params, args, strict=True))
    replace_values(graph.region, table)
    lw.adopt(graph.region.ops)
    return graph.region.results[0]


def as_function(fn: Any) -> Any:
    """A function that came as a value (as the operand of a rule)."""
    if isinstance(fn, Derived):
        return replace(fn, fn=as_function(fn.fn))
    if isinstance(fn, Plain) and isinstance(fn.atom, Ref):
        return Known(fn.atom.obj, fn.atom.text)
    return fn


def is_float(a: Atom) -> bool:
    return (is_active_kind(kind(a)) and kind(a) != UNKNOWN) or (kind(a) == UNKNOWN and isinstance(a, Val))


def parameter_names(lw: Any, fn: Any, count: int, node: Any) -> tuple[str, ...]:
    """The names of the positional parameters of a function about to be differentiated."""
    if isinstance(fn, Closure):
        a = fn.node.args
        return tuple(p.id for p in a.posonlyargs + a.args)
    if isinstance(fn, Known):
        entry = registry.lookup(canonical(fn.obj))
        if entry is not None and entry.forms:
            return tuple(f"x{i}" for i in range(count))
        f = fn.obj
        while getattr(f, "__srcdiff__", None) == "Derivative":
            f = f.primal
        code = source.unwrap(f).function.__code__
        return tuple(code.co_varnames[: code.co_argcount])
    if isinstance(fn, Derived):
        return parameter_names(lw, fn.fn, count, node)
    if isinstance(fn, Partial):
        return parameter_names(lw, fn.fn, count + len(fn.args), node)[len(fn.args) :]
    lw.stop("derivative", "which function is differentiated here is not known", node)
    raise InternalError("unreachable")


def names_with_defaults(fn: Any) -> set[str]:
    """The parameters that a function about to be mapped has a value for."""
    if isinstance(fn, Closure):
        return set(fn.defaults)
    if isinstance(fn, Derived):
        return names_with_defaults(fn.fn)
    if isinstance(fn, Partial):
        return names_with_defaults(fn.fn)
    f: Any = getattr(fn, "obj", None)
    while getattr(f, "__srcdiff__", None) == "Derivative":
        f = f.primal
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return set()
    return {p.name for p in parameters if p.default is not p.empty}


CONTEXT = Context(
    transform=_transform,
    derive=derive,
    is_known=registry.is_known,
    is_pure=registry.is_pure,
    may_alias=registry.may_alias,
    alias_of_one=registry.is_alias_of_one,
    shape_positions=lambda fn: _shape_positions(fn),
    keeps_zero=keeps_zero,
    fills_zero=fills_zero,
    is_product=vocabulary.MULTILINEAR.__contains__,
    tangent_of=lambda callee, active, orders: tangent_of(callee, active, orders),
    pullback_of=lambda callee, active: pullback_of(callee, active),
    array_operands=registry.array_operands,
    options=registry.options,
    definitions=registry.definitions_for,
    reason=registry.reason_of,
    with_saved=registry.with_saved,
    is_freezing=registry.is_freezing,
    compiled=lambda graph: compiled(graph),
    implicit=registry.implicit_named,
    turn=lambda *a: turn(*a),
)


def optimised(graph: Graph, merge: bool = True) -> Graph:
    """The passes that every derivative goes through."""
    words = vocabulary.EXPANDS, vocabulary.SUMS, vocabulary.MAKES_ZEROS
    noted("differentiate", graph)
    graph = noted("first_versions", first_versions(graph, _shape_positions, _is_copy))
    graph = noted("simplify", simplify(noted("dce", dce(graph)), _is_shareable, *words))
    settled = graph.info.pop("settled")
    if merge:
        size = count(graph.region)
        graph = noted("merge_branches", merge_branches(graph))
        if not settled or count(graph.region) != size:
            graph = noted("simplify", simplify(graph, _is_shareable, *words))
            del graph.info["settled"]
    cheaper = cheaper_products(graph, vocabulary.EXPANDS, _shape_positions)
    noted("products", graph)
    if fewer_passes(graph) or cheaper:
        graph = noted("simplify", simplify(noted("scatter", graph), _is_shareable, *words))
        del graph.info["settled"]
    return graph


@guarded(*SIGNALS)
def primal_graph(
    fn: Any,
    params: Mapping[str, Param],
    ways: Mapping[str, Way] = MappingProxyType({}),
    given: Mapping[str, Any] = MappingProxyType({}),
    defaults: Mapping[str, Any] = MappingProxyType({}),
    settled: bool = False,
) -> Graph:
    """The graph of a function for arguments of given kinds; ``ways``: what derivatives will be taken in.

    ``settled``: small sizes and numbers are those at hand; otherwise only where nothing can be read without.
    """
    if registry.is_known(fn) or registry.is_known(canonical(fn)):
        return lower_library(fn, params, CONTEXT, kind_of, defaults)
    counted = {n: p for n, p in params.items() if is_short(p, given.get(n))}
    if settled:
        return of_these_lengths(fn, params, ways, given, counted)
    try:
        return lower(fn, params, CONTEXT, kind_of, ways, given)
    except (UnsupportedSyntax, RecursionError) as refused:
        if isinstance(refused, UnsupportedSyntax) and any(p.slug not in BY_LENGTH for p in refused.problems):
            raise
        try:
            return of_these_lengths(fn, params, ways, given, counted)
        except (SrcdiffError, RecursionError):
            raise refused from None


# what may be known where sizes are: which object is meant, how deep a structure is, what differs by trip
BY_LENGTH = frozenset({
    "aliasing", "branches", "call", "class", "del", "except", "frozen", "generator", "index",
    "iterate", "iterator", "key", "lists", "loop", "method", "recursion", "set", "starred", "store", "unpack",
    "unroll", "value",
})  # fmt: skip


def is_short(p: Param, value: Any) -> bool:
    """Whether an argument is a small whole number, or a list or array that is short in the call at hand."""
    if isinstance(p.kind, Scalar):
        return type(value) is int and p.kind.dtype[0] == "i" and abs(value) <= SHORT
    if isinstance(p.kind, Array):
        return any(isinstance(d, Sym) and 0 < n <= SHORT for d, n in zip(p.kind.dims, np.shape(value)))
    return type(p.kind) is Seq and type(value) is list and 0 < len(value) <= SHORT


def of_these_lengths(
    fn: Any,
    params: Mapping[str, Param],
    ways: Mapping[str, Way],
    given: Mapping[str, Any],
    counted: Mapping[str, Param],
) -> Graph:
    """The graph for the numbers and the lengths at hand, which are guards then; short loops trip by trip."""
    settled = dict(params)
    guards: dict[Any, Any] = {}
    only: list[str] = []  # as conditions: a text that is saved says them
    for n, p in counted.items():
        if isinstance(p.kind, Scalar):
            settled[n] = replace(p, kind=None, constant=given[n])
            guards[(("arg", n),)] = given[n]
            only.append(f"{n} == {given[n]}")
            continue
        if isinstance(p.kind, Array):
            shape = np.shape(given[n])
            dims = tuple(m if 0 < m <= SHORT else d for d, m in zip(p.kind.dims, shape))
            settled[n] = replace(p, kind=Array(p.kind.dtype, dims))
            guards[("arg", n), ("attr", "shape")] = shape
            only.append(f"{n}.shape == {shape}")
            continue
        assert isinstance(p.kind, Seq)
        size = len(given[n])
        settled[n] = replace(p, kind=Tree(list, tuple(range(size)), (p.kind.elem,) * size))
        guards[("arg", n), ("most", size + 1)] = size
        only.append(f"len({n}) == {size}")
    graph = lower(fn, settled, CONTEXT, kind_of, ways, given, by_trips=True)
    graph.info["guards"].update(guards)
    graph.info["only_for"] = tuple(only)
    return graph


def wrt_values(graph: Graph, wrt: tuple[str, ...]) -> list[Val]:
    """The values of the arguments (or of what the function reads from outside) named in ``wrt``."""
    values = graph.info["values"]
    out = []
    for w in wrt:
        v = values.get(w)
        if v is None:
            raise DerivativeTypeError(
                Problem("wrt", f"{graph.name}: {w!r} is not an argument that can be differentiated")
            )
        if not is_active_kind(v.kind):
            raise DerivativeTypeError(
                Problem(
                    "wrt",
                    f"{graph.name}: {w!r} is not a floating-point value",
                    help=f"pass {w} as float (for an integer array: {w}.astype(float))",
                )
            )
        out.append(v)
    return out


def scalar_result(graph: Graph, has_aux: bool) -> tuple[Atom, Atom]:
    """The value to differentiate and the rest of what the function returns."""
    result = graph.region.results[0]
    aux: Atom = Const(None)
    if has_aux:
        if not isinstance(result, Struct) or result.type is not tuple or len(result.items) != 2:
            raise DerivativeTypeError(
                Problem(
                    "aux",
                    f"{graph.name} must return (value, aux) when has_aux is set",
                    help="return value, aux",
                )
            )
        result, aux = result.items
    k = kind(result)
    if (
        k in (NONE, STR, OTHER)
        or isinstance(k, Seq)
        or (isinstance(result, Const) and not isinstance(result.value, (int, float, complex)))
    ):
        words: dict[Kind, str] = {NONE: "None", STR: "text"}
        thing = words.get(k, "a list" if isinstance(k, Seq) else "an object")
        raise DerivativeTypeError(
            Problem(
                "scalar",
                f"grad of {graph.name} needs a single number as its result, not {thing}",
                help="return a number",
            )
        )
    if (
        isinstance(result, Struct)
        or isinstance(k, Tree)
        or (isinstance(k, Array)
        and any(d != 1 for d in k.dims))
    ):
        shape = "a container" if not isinstance(k, Array) else f"an array of {len(k.dims)} dimensions"
        raise DerivativeTypeError(
            Problem(
                "scalar",
                f"grad of {graph.name} needs a single number as its result, not {shape}",
                help="sum or pick one element, or use vjp",
            )
        )
    if isinstance(k, (Scalar, Array)) and k.dtype[0] == "c":
        raise DerivativeTypeError(
            Problem(
                "scalar", f"{graph.name} returns a complex number", help="return its real part, or abs(z)**2"
            )
        )
    return result, aux


@guarded(*SIGNALS)
def derivative_graph(graph: Graph, request: Request) -> Graph:
    """The graph of the derivative asked for; same parameters as the primal (and tangents, for jvp)."""
    wrt = wrt_values(graph, request.wrt)
    if request.mode == "jvp":
        return jvp_graph(graph, wrt, request)
    graph = with_value(graph, request.has_aux)
    if request.mode not in ("grad", "value_and_grad"):
        return optimised(family_graph(graph, wrt, request))
    result, aux = scalar_result(graph, request.has_aux)
    if not isinstance(result, Val) and not isinstance(result, Const):
        raise InternalError("the result has no value")
    graph = with_check(graph, result, wrt)
    if len(wrt) == 1 and isinstance(wrt[0].kind, Scalar) and wrt[0].kind.dtype[0] == "f" and request.wrt:
        try:
            return scalar_forward(graph, wrt[0], request)
        except NoRule:
            pass
    shell = replace_result(graph, result, aux, request)
    g, bars, r = reverse(
        shell,
        [shell.info["wrt"][w] for w in request.wrt],
        CONTEXT,
        lambda b, res: [(res[0], seed(b, res[0]))],
    )
    values = list(g.region.results)
    bars = in_structure(g, bars, request.wrt)
    g.region.results = [outcome(values, gradient(bars, request), request)]
    dce(g, frozenset(r.spared))
    fetch(r)
    return with_dtypes(optimised(g), request)


def known_kinds(graph: Graph, request: Request) -> Graph:
    """The graph of a derivative that another is taken of: a gradient is of the kind of its argument."""
    if request.mode == "grad":
        family.with_kinds(graph, wrt_values(graph, request.wrt), request.single, request.has_aux)
    return graph


def layered(graph: Graph, layers: Sequence[Request]) -> Graph:
    """The graph of derivatives taken one of another; those in one number, again and again, in one sweep."""
    at = 0
    while at < len(layers):
        layer = layers[at]
        count = len(list(takewhile(layer.__eq__, layers[at:])))
        if count > FEW_LAYERS and number_by_number(graph, layer):
            try:
                graph = derivative_graph(graph, replace(layer, mode="derivative", option=count))
            except (SrcdiffError, NoRule):  # one at a time, then: what is wrong is said of the first that is
                count = 1
                graph = derivative_graph(graph, layer)
        else:
            count = 1
            graph = derivative_graph(graph, layer)
        at += count
        if at < len(layers):
            graph = known_kinds(graph, layer)
    return graph


FEW_LAYERS = 2  # up to this, one taken of another reads better


def number_by_number(graph: Graph, request: Request) -> bool:
    """Whether a gradient is that of a float in a float."""
    if request.mode != "grad" or not request.single or request.has_aux or len(request.wrt) != 1:
        return False
    wrt, k = graph.info["values"].get(request.wrt[0]), kind(graph.region.results[0])
    return wrt is not None and wrt.kind == FLOAT and isinstance(k, Scalar) and k.dtype == "f8"


@guarded(*SIGNALS)
def mapped_graph(graph: Graph, axes: Mapping[str, Any], out_axes: Any, dim: Dim) -> Graph:
    """The graph of a function for many examples; ``axes``: where those of each argument are."""
    graph = with_value(graph, False)
    return optimised(family.mapped_graph(CONTEXT, graph, axes, out_axes, dim))


def family_graph(graph: Graph, wrt: list[Val], request: Request) -> Graph:
    """The graph of a derivative that is not a gradient."""
    mode, single, aux = request.mode, request.single, request.has_aux
    match mode:
        case "jacobian":
            way = family.better(graph, wrt, aux)
            return family_graph(graph, wrt, replace(request, mode=way))
        case "jacfwd":
            return family.jacfwd_graph(CONTEXT, graph, wrt, single, aux, mode)
        case "jacrev":
            return family.jacrev_graph(CONTEXT, graph, wrt, single, aux, mode)
        case "hessian":
            number = family.is_number(graph, aux)
            first = derivative_graph(graph, replace(request, mode="grad" if number else "jacrev"))
            if number:
                family.with_kinds(first, wrt, single, aux)
            alone = number and single and isinstance(wrt[0].kind, Array)
            wrt = wrt_values(first, request.wrt)
            return family.jacfwd_graph(CONTEXT, first, wrt, single, aux, mode, alone)
        case "hvp" | "vhp":
            first = derivative_graph(graph, replace(request, mode="grad"))
            family.with_kinds(first, wrt, single, aux)
            wrt = wrt_values(first, request.wrt)
            if mode == "hvp":
                return family.product_graph(CONTEXT, first, wrt, aux)
            return family.transposed_product_graph(CONTEXT, first, wrt, single, aux)
        case "gauss_newton_vp":
            return family.gauss_newton_graph(CONTEXT, graph, wrt, single, aux)
        case "derivative":
            return family.nth_graph(CONTEXT, graph, wrt[0], request.option, aux, optimised)
        case "taylor":
            return family.taylor_graph(CONTEXT, graph, wrt, request.option, aux, optimised)
        case "elementwise_grad":
            return family.elementwise_graph(CONTEXT, graph, wrt, single, aux)
        case "laplacian":
            return family.laplacian_graph(CONTEXT, graph, wrt[0], aux)
    raise InternalError(f"{mode!r} is no derivative")


def with_check(graph: Graph, result: Atom, wrt: list[Val]) -> Graph:
    """The graph with a test that its result is a number, where that is not known of arguments that are."""
    if kind(result) != UNKNOWN or any(w.kind == UNKNOWN for w in wrt):
        return graph
    problem = Problem("scalar", f"whether {graph.name} returns a single number is not known")
    op = Op("prim", [result, Const(graph.name)], attrs={"fn": vocabulary.CHECK, "unread": ("", problem)})
    op.outs.append(Val("", NONE, op))
    region = Region(graph.region.params, [*graph.region.ops, op], graph.region.results)
    return Graph(graph.name, region, graph.signature, graph.captures, dict(graph.info))


def with_value(graph: Graph, has_aux: bool) -> Graph:
    """The graph with a test that its result is not None, where it may be."""
    whole = graph.region.results[0]
    pair = has_aux and isinstance(whole, Struct) and len(whole.items) == 2
    result = whole.items[0] if pair and isinstance(whole, Struct) else whole
    if not isinstance(kind(result), Maybe):
        return graph
    problem = Problem("scalar", f"whether {graph.name} returns None is not known")
    attrs = {"fn": vocabulary.CHECK_THERE, "unread": ("", problem)}
    test = Op("prim", [result, Const(graph.name)], attrs=attrs)
    test.outs.append(Val("", NONE, test))
    there = Op("prim", [result], attrs={"fn": ops.given})
    value = Val("", present(kind(result)), there)
    there.outs.append(value)
    if isinstance(result, Val):
        value.name, value.user = result.name, result.user
    now = Struct(whole.type, whole.keys, (value, whole.items[1])) if isinstance(whole, Struct) else value
    region = Region(graph.region.params, [*graph.region.ops, test, there], [now])
    return Graph(graph.name, region, graph.signature, graph.captures, dict(graph.info))


def in_structure(g: Graph, bars: list[Atom], wrt: tuple[str, ...]) -> list[Atom]:
    """Gradients in the structures of what they belong to."""
    b = Builder(CONTEXT, g)
    shapes = [shaped(b, bar, w.kind, w) for bar, w in zip(bars, wrt_values(g, wrt), strict=True)]
    return [fitted(b, bar, w.kind) for bar, w in zip(shapes, wrt_values(g, wrt), strict=True)]


def shaped(b: Builder, bar: Atom, k: Kind, of: Atom) -> Atom:
    """A gradient in the structure of its argument, with None where there is nothing to differentiate."""
    if isinstance(k, Tree) and not (isinstance(bar, Val) and is_active_kind(k) and not has_static(k)):
        if isinstance(bar, Struct) and len(bar.items) == len(k.items):
            parts: tuple[Atom, ...] = bar.items
        elif isinstance(bar, Val):
            parts = tuple(b.tree_item(bar, k, Const(key)) for key in k.keys)
        else:
            parts = (bar,) * len(k.items)
        values = [b.part(of, k, n) if has_static(k) else of for n in range(len(k.items))]
        items = tuple(
            v if key in k.static else shaped(b, p, x, v)
            for key, p, x, v in zip(k.keys, parts, k.items, values, strict=True)
        )
        return Struct(k.type, k.keys, items)
    if isinstance(k, (Scalar, Array, Simple)) and not is_active_kind(k):
        return Const(None)
    return bar


def fitted(b: Builder, a: Atom, k: Kind) -> Atom:
    """A gradient in the dtype of its argument."""
    if isinstance(a, Struct) and isinstance(k, Tree) and len(a.items) == len(k.items):
        return Struct(a.type, a.keys, tuple(fitted(b, x, y) for x, y in zip(a.items, k.items, strict=True)))
    own = kind(a)
    number = isinstance(own, Scalar) or (isinstance(own, Array) and not own.dims)
    if number and (isinstance(k, Scalar) or (isinstance(k, Array) and not k.dims)):
        return fitted_number(b, a, own, k)  # type: ignore[arg-type]
    if (
        isinstance(own, Array)
        and isinstance(k, Array)
        and own.dtype != k.dtype
        and own.dtype[0] + k.dtype[0] in ("ff", "cc", "fc")
    ):
        return b.prim(
            np.astype,
            [a, Ref(np.dtype(k.dtype).type, f"np.{np.dtype(k.dtype).name}")],
            result=Array(k.dtype, own.dims),
        )
    return a


def fitted_number(b: Builder, a: Atom, own: Scalar | Array, k: Scalar | Array) -> Atom:
    """A gradient that is one number, in the type of its argument: a number of Python is of the widest."""
    if k.dtype[0] not in "fc" or own.dtype[0] == "c" != k.dtype[0]:
        return a
    wide = isinstance(own, Scalar) and own.dtype in ("f8", k.dtype)
    if k.dtype == "f8" and (wide or (isinstance(k, Array) and own.dtype == "f8")):
        return a
    if isinstance(own, Array) and on_device():
        return a  # (it stays where it is)
    if isinstance(k, Scalar) and k.weak and k.dtype == "f8":
        return b.prim(float, [a], result=FLOAT)
    cls = np.dtype(k.dtype).type
    if k.dtype[0] == "c" or (isinstance(a, Val) and a.op is not None and a.op.fn is cls):
        return a
    return b.prim(cls, [a], result=Scalar(k.dtype, False))  # (what is narrow may have met what is wide)


def with_dtypes(g: Graph, request: Request) -> Graph:
    """Gradients have the dtypes of their arguments."""
    b = Builder(CONTEXT, g)
    kinds = [w.kind for w in wrt_values(g, request.wrt)]
    whole = Tree(tuple, tuple(range(len(kinds))), tuple(kinds)) if not request.single else kinds[0]
    result = g.region.results[0]
    at = 1 if request.mode == "value_and_grad" else 0 if request.has_aux else None
    if at is None:
        g.region.results = [fitted(b, result, whole)]
    elif isinstance(result, Struct):
        g.region.results = [
            Struct(
                result.type,
                result.keys,
                tuple(fitted(b, x, whole) if n == at else x for n, x in enumerate(result.items)),
            )
        ]
    return g


def seed(b: Any, result: Atom) -> Atom:
    k = kind(result)
    if (isinstance(k, Array) and k.dims) or k == UNKNOWN:
        return b.rule(vocabulary.ones, {"x": result})  # type: ignore[no-any-return]
    return Const(1.0)


def replace_result(graph: Graph, result: Atom, aux: Atom, request: Request) -> Graph:
    g = Graph(
        graph.name,
        Region(graph.region.params, graph.region.ops, [result, aux]),
        graph.signature,
        graph.captures,
        dict(graph.info),
    )
    g.info["wrt"] = dict(zip(request.wrt, wrt_values(graph, request.wrt), strict=True))
    return g


def gradient(bars: list[Atom], request: Request) -> Atom:
    return bars[0] if request.single else Struct(tuple, tuple(range(len(bars))), tuple(bars))


def outcome(values: list[Atom], grad: Atom, request: Request) -> Atom:
    value, aux = values
    if request.mode == "value_and_grad":
        first = pair(value, aux) if request.has_aux else value
        return pair(first, grad)
    return pair(grad, aux) if request.has_aux else grad


def pair(a: Atom, b: Atom) -> Atom:
    return Struct(tuple, (0, 1), (a, b))


def scalar_forward(graph: Graph, wrt: Val, request: Request) -> Graph:
    """The derivative with respect to one number: forward mode, no tape."""
    g, dots, _ = forward(graph, [wrt], CONTEXT, {wrt: Const(1.0)})
    result, aux = scalar_result(g, request.has_aux)
    t = dots[0]
    if request.has_aux and isinstance(t, Struct):
        t = t.items[0]
    elif request.has_aux:
        t = Const(0.0)

    b = Builder(CONTEXT, g)
    t = b.materialise(t, result)
    g.region.results = [outcome([result, aux], gradient([t], request), request)]
    return with_dtypes(optimised(g), request)


def jvp_graph(graph: Graph, wrt: list[Val], request: Request) -> Graph:
    value, aux = family.split(graph.region.results[0], request.has_aux, graph.name)
    if request.has_aux:
        region = Region(graph.region.params, graph.region.ops, [value, aux])
        graph = Graph(graph.name, region, graph.signature, graph.captures, dict(graph.info))
    g, dots, params = forward(graph, wrt, CONTEXT)

    b = Builder(CONTEXT, g)
    value, *rest = g.region.results
    both = (value, fitted(b, b.materialise(dots[0], value), kind(value)), *rest)
    g.region.results = [Struct(tuple, tuple(range(len(both))), both)]
    g.info["tangents"] = [p.name for p in params]
    g.info["tangent_params"] = params
    new = optimised(g)
    return new


# ---- pullbacks --------------------------------------------------------------------------------------


@dataclass
class Pair:
    """The two halves of a pullback: the forward sweep with what it saves, and the backward sweep."""

    forward: Graph
    backward: Graph
    seeds: int = 0  # how many cotangents (or tangents) the other half takes, at its end
    tangents: list[Atom] = field(default_factory=list)  # of a pushforward: their structures


@guarded(*SIGNALS)
def pullback_pair(graph: Graph, wrt: tuple[str, ...], has_aux: bool = False) -> Pair:
    """Split reverse mode where the cotangent of the result comes in."""
    values = wrt_values(graph, wrt)
    family.split(graph.region.results[0], has_aux, graph.name)
    bars_in: list[Val] = []
    word = "out_bar"
    while any(p.name.startswith(word) for p in graph.region.params):
        word += "_"

    def seeds(b: Any, results: list[Atom]) -> list[tuple[Atom, Atom]]:
        value = family.split(results[0], has_aux, graph.name)[0]
        return [(value, cotangent(value, word, bars_in))]

    g, bars, r = reverse(graph, values, CONTEXT, seeds)
    primal = g.region.results[0]
    g.region.params = [*g.region.params, *bars_in]
    bars = in_structure(g, bars, wrt)
    g.region.results = [pair(primal, Struct(tuple, tuple(range(len(bars))), tuple(bars)))]
    dce(g, frozenset(r.spared))
    fetch(r)
    names = [b.name for b in bars_in]
    g = optimised(g, merge=False)  # a branch of the forward sweep must not move into the backward sweep
    seeds_now = [p for p in g.region.params if p.name in names]
    return replace(split(g, seeds_now), seeds=len(seeds_now))


@guarded(*SIGNALS)
def pushforward_pair(graph: Graph, wrt: tuple[str, ...], has_aux: bool = False) -> Pair:
    """Forward mode in two halves: the pullback is linear in the cotangent, so its transpose pushes tangents.

    What loops and branches have computed is saved, once, by the first half; the second computes nothing of it
    again.  Where that cannot be had (what is written in place is not linear step by step), the second half is
    forward mode from the start.
    """
    try:
        return transposed_pair(graph, wrt, has_aux)
    except NoRule:
        return replayed_pair(graph, wrt, has_aux)


def replayed_pair(graph: Graph, wrt: tuple[str, ...], has_aux: bool) -> Pair:
    """The value and the arguments; forward mode on these."""
    values = wrt_values(graph, wrt)
    g, dots, params = forward(graph, values, CONTEXT)
    b = Builder(CONTEXT, g)
    dot, result = dots[0], g.region.results[0]
    if has_aux:
        result = family.split(result, has_aux, graph.name)[0]
        dot = dot.items[0] if isinstance(dot, Struct) else dot
    g.region.results = [b.materialise(dot, result)]
    first = clone(graph)[0]
    saved = tuple(first.region.params)
    first.region.results = [pair(first.region.results[0], Struct(tuple, tuple(range(len(saved))), saved))]
    first.info["saves"] = True
    info = {k: v for k, v in g.info.items() if k in ("aliases", "reserved", "lines")}
    second = Graph(g.name, g.region, None, (), info)
    return Pair(optimised(first, merge=False), optimised(second, merge=False), len(params), list(params))


def transposed_pair(graph: Graph, wrt: tuple[str, ...], has_aux: bool) -> Pair:
    both = pullback_pair(graph, wrt, has_aux)
    back = both.backward
    params = back.region.params
    seeds = params[len(params) - both.seeds :]
    dots: list[Val] = []

    def direction(w: Val, name: str) -> Atom:
        def one(path: tuple[int, ...], k: Kind) -> Atom:
            v = Val("_".join((name, "dot", *map(str, path))), k, user=True)
            dots.append(v)
            return v

        return family.filled(w.kind, one)

    names = [w if w.isidentifier() else f"x{n}" for n, w in enumerate(wrt)]
    tangents = [direction(v, n) for v, n in zip(wrt_values(graph, wrt), names, strict=True)]
    shell = Graph(back.name, back.region, None, (), {**back.info, "values": {}})
    whole = Struct(tuple, tuple(range(len(tangents))), tuple(tangents))
    g, ys, r = reverse(shell, seeds, CONTEXT, lambda b, results: [(results[0], whole)])
    result = both.forward.region.results[0]
    assert isinstance(result, Struct)
    value = family.split(result.items[0], has_aux, graph.name)[0]
    own = g.region.params[len(params) - both.seeds : len(params)]
    g.region.params = g.region.params[: len(params) - both.seeds] + dots
    g.region.results = [like(value, iter(ys))]
    dce(g, frozenset(r.spared))
    fetch(r)
    dce(g)
    moving = varied(g, own, lambda fn: is_constant_fn(fn) or fn is vocabulary.BLANK)
    if any(v in moving for o in walk(g.region) for v in o.outs):  # (they would be made for their shapes)
        raise NoRule(Problem("no-rule", f"the pullback of {graph.name} cannot be transposed"))
    keep_shapes(both.forward, g, own, [v for v in vals([value]) if is_active_kind(v.kind)])
    return Pair(both.forward, optimised(g, merge=False), len(dots), tangents)


def keep_shapes(first: Graph, second: Graph, seeds: list[Val], values: list[Val]) -> None:
    """Where the second half asks for the shape of a cotangent, it gets the value that this belongs to."""
    last = Region([], second.region.ops, second.region.results)
    used = {v for o in last.ops for v in all_values(o)} | set(vals(last.results))
    taken = {p.name for p in second.region.params}
    for seed, value in zip(seeds, values, strict=True):
        if seed in used:
            p = Val(fresh(f"{value.name.rstrip('!') or 'out'}_saved", taken), value.kind, user=True)
            result = first.region.results[0]
            assert isinstance(result, Struct)
            primal, saved = result.items
            assert isinstance(saved, Struct)
            n = len(saved.items)
            more = Struct(tuple, tuple(range(n + 1)), (*saved.items, value))
            first.region.results = [pair(primal, more)]
            second.region.params.insert(n, p)
            replace_values(second.region, {seed: p})


def like(value: Atom, parts: Iterator[Atom]) -> Atom:
    """The structure of a result, with something else in the place of what takes a cotangent."""
    if isinstance(value, Struct):
        return Struct(value.type, value.keys, tuple(like(x, parts) for x in value.items))
    return next(parts) if isinstance(value, Val) and is_active_kind(value.kind) else Const(None)


def cotangent(value: Atom, name: str, out: list[Val]) -> Atom:
    """One parameter for each differentiable leaf of the result."""
    if isinstance(value, Struct):
        return Struct(
            value.type,
            value.keys,
            tuple(cotangent(x, f"{name}_{k}", out) for x, k in zip(value.items, value.keys, strict=True)),
        )
    if not is_active_kind(kind(value)) or not isinstance(value, Val):
        return Const(None)
    v = Val(name, kind(value), user=True)
    out.append(v)
    return v


def split(g: Graph, seeds: list[Val]) -> Pair:
    """What does not depend on the seeds goes first; what the rest needs of it is saved."""
    late: set[Val] = set(seeds)
    first: list[Op] = []
    second: list[Op] = []
    for op in g.region.ops:
        if uses(op, late):
            second.append(op)
            late.update(op.outs)
        else:
            first.append(op)
    whole = g.region.results[0]
    assert isinstance(whole, Struct)
    primal, bars = whole.items
    early = {o for op in first for o in op.outs} | {p for p in g.region.params if p not in seeds}
    needed: dict[Val, None] = {}
    for op in second:
        for v in all_values(op):
            if v in early:
                needed.setdefault(v)
    for v in vals([bars]):
        if v in early:
            needed.setdefault(v)
    saved = tuple(needed)
    params = saved_names(saved, {b.name for b in seeds})
    fwd = Graph(
        g.name,
        Region(
            [p for p in g.region.params if p not in seeds],
            first,
            [pair(primal, Struct(tuple, tuple(range(len(saved))), saved))],
        ),
        g.signature,
        g.captures,
        {**g.info, "saves": True},
    )
    table: dict[Val, Atom] = dict(zip(saved, params, strict=True))
    back = Region([*params, *seeds], second, [bars])
    replace_values(back, table)
    bwd = Graph(
        g.name, back, None, (), {k: v for k, v in g.info.items() if k in ("aliases", "reserved", "lines")}
    )
    return Pair(fwd, bwd)


# ---- the report -------------------------------------------------------------------------------------


@dataclass
class Account:
    """What becomes of the statements of a function, by their origins."""

    varied: set[tuple[str, int]]  # statements through which the derivative flows, by file and line
    names: set[str]  # names that depend on the arguments
    kept: list[Kept]
    problems: tuple[Problem, ...]


def flow(graph: Graph, wrt: tuple[str, ...]) -> tuple[set[tuple[str, int]], Activity]:
    """The statements through which derivatives with respect to ``wrt`` flow, and what varies."""
    by_name = {p.name: p for p in graph.region.params}
    seeds = [v for w in wrt if (v := graph.info.get("values", {}).get(w) or by_name.get(w)) is not None]
    found = Activity(graph, seeds, is_constant_fn)
    at = {
        (op.origin.file, op.origin.line)
        for op in walk(graph.region)
        if op.origin is not None and not op.regions and any(o in found.varied for o in op.outs)
    }
    return at, found


@guarded(*SIGNALS)
def account(graph: Graph, wrt: tuple[str, ...]) -> Account:
    """What reverse mode does with a function: where derivatives flow, what is kept, what is refused."""
    at, moving = flow(graph, wrt)
    names = {v.name for v in moving.varied}
    word = "out_bar"
    try:
        g, bars, r = reverse(
            graph, wrt_values(graph, wrt), CONTEXT, lambda b, res: [(res[0], cotangent(res[0], word, []))]
        )
        g.region.results = [*g.region.results, *bars]
        dce(g, frozenset(r.spared))
        fetch(r)
    except SrcdiffError as e:
        return Account(at, names, [], e.problems)
    return Account(at, names, r.kept, ())


def partial_account(graph: Graph, wrt: tuple[str, ...], problems: tuple[Problem, ...]) -> Account:
    """The same of a function that could not be read to its end: what was read may hold problems too."""
    at, moving = flow(graph, wrt)
    more: list[Problem] = []
    for op in walk(graph.region):
        if "unread" in op.attrs and op.out in moving.varied:
            more.append(op.attrs["unread"][1])
        elif op.code == "prim" and op.out in moving.lost:
            more += lost(op, moving.lost[op.out]).problems
        elif op.code == "prim" and op.out in moving.varied and is_active_kind(op.out.kind):
            more += refusals(op, moving.varied)
    found = sorted(dict.fromkeys((*problems, *more)), key=lambda p: (p.file, p.line))
    return Account(at, {v.name for v in moving.varied}, [], tuple(found))


def refusals(op: Op, varied: set[Val]) -> tuple[Problem, ...]:
    """What reverse mode has against one operation, looked at alone."""
    out = Val("out", op.out.kind)
    alone = Op("prim", list(op.ins), [out], [], dict(op.attrs), op.origin)
    out.op = alone
    given = list(dict.fromkeys(vals(op.ins)))
    graph = Graph("alone", Region(given, [alone], [out]))
    try:
        reverse(graph, [v for v in given if v in varied], CONTEXT,
                lambda b, res: [(res[0], cotangent(res[0], "out_bar", []))])  # fmt: skip
    except NoRule as e:
        return e.problems
    return ()


# ---- functions that call themselves -----------------------------------------------------------------


_unfinished: list[tuple[dict[Any, Any], Any]] = []  # derived graphs that are being made


def derived(
    callee: Graph, key: Any, shells: tuple[Graph, ...], fill: Callable[[], None]
) -> tuple[Graph, ...]:
    """The graphs derived from a function, made once; they may call themselves, so are known before made."""
    memo = callee.info.setdefault("derived", {})
    if key in memo:
        return memo[key]  # type: ignore[no-any-return]
    memo[key] = shells
    _unfinished.append((memo, key))
    size = len(_unfinished)
    try:
        fill()
    except BaseException:
        for table, k in _unfinished[size - 1 :]:  # what was made since may call what is missing
            table.pop(k, None)
        del _unfinished[size - 1 :]
        raise
    if size == 1:
        _unfinished.clear()
    return shells


def shell(
    callee: Graph,
    suffix: str,
    docstring: str,
    results: tuple[Kind, ...],
    effect: bool,
    saved: tuple[int, ...],
) -> Graph:
    info = {k: v for k, v in callee.info.items() if k in ("aliases", "reserved", "lines", "kind_of")}
    info.update(results=results, effect=effect, docstring=docstring, saved=saved)
    return Graph(f"{callee.name}{suffix}", Region(), info=info)


def listed(callee: Graph, active: tuple[int, ...]) -> str:
    return ", ".join(callee.region.params[i].name for i in active)


def tangent_of(callee: Graph, active: tuple[int, ...], orders: int) -> Graph:
    """A function that calls itself, with the tangents of its result for those of some of its arguments.

    With ``orders``, Taylor coefficients from the first order on instead.
    """
    kinds: tuple[Kind, ...] = callee.info["results"]
    dotted = [n for n, k in enumerate(kinds) if is_active_kind(k)]
    saved = callee.info.get("saved", ())
    each = range(max(orders, 1))
    slots = (*saved, *(len(kinds) + k * len(dotted) + dotted.index(n) for k in each for n in saved))
    what = "its change along the tangents" if orders == 0 else "its Taylor coefficients from those"
    text = f"Value of {callee.name} and {what} of {listed(callee, active)}."
    all_kinds = (*kinds, *(kinds[n] for _ in each for n in dotted))
    new = shell(callee, "_taylor" if orders else "_dot", text, all_kinds, callee.info["effect"], slots)

    def fill() -> None:
        wrt = [callee.region.params[i] for i in active]
        if orders:
            taken = {p.name for p in callee.region.params}
            seeds = {
                w: [Val(fresh(f"{w.name}_{k + 1}", taken), w.kind, user=True) for k in each] for w in wrt
            }
            g, found = taylor(callee, seeds, CONTEXT, orders)
            g.region.params.extend(seeds[w][k] for k in each for w in wrt)
        else:
            g, dots, _ = forward(callee, wrt, CONTEXT)
            found = [[t] for t in dots]
        b = Builder(CONTEXT, g)
        results = list(g.region.results)
        g.region.results = [*results, *(filled(b, found[n][k], results[n]) for k in each for n in dotted)]
        new.region = optimised(g).region

    return derived(callee, ("dot", active, orders), (new,), fill)[0]


def fresh(word: str, taken: set[str]) -> str:
    """A name that is not taken; it is then."""
    while word in taken:
        word += "_"
    taken.add(word)
    return word


def filled(b: Builder, t: Atom, x: Atom) -> Atom:
    """The tangent of a result as a value, also where it does not change."""
    if isinstance(x, Struct):
        items = t.items if isinstance(t, Struct) else (ZERO,) * len(x.items)
        return Struct(x.type, x.keys, tuple(filled(b, i, y) for i, y in zip(items, x.items, strict=True)))
    return b.materialise(t, x)


def pullback_of(callee: Graph, active: tuple[int, ...]) -> tuple[Graph, Graph]:
    """The two halves of the pullback of a function that calls itself."""
    kinds: tuple[Kind, ...] = callee.info["results"]
    params = [callee.region.params[i] for i in active]
    names = listed(callee, active)
    saved = (*callee.info.get("saved", ()), len(kinds))
    fwd = shell(
        callee,
        "_fwd",
        f"Value of {callee.name} and what its pullback needs.",
        (*kinds, UNKNOWN),
        callee.info["effect"],
        saved,
    )
    bwd = shell(
        callee,
        "_bwd",
        f"Pullback of {callee.name}: cotangents of {names}.",
        tuple(p.kind for p in params),
        False,
        (),
    )

    def fill() -> None:
        bars_in: list[Val] = []

        def seeds(r: Any, results: list[Atom]) -> list[tuple[Atom, Atom]]:
            out: list[tuple[Atom, Atom]] = []
            for a, k in zip(results, kinds, strict=True):
                if is_active_kind(k):
                    bar = Val(
                        "out_bar"
                        if len(kinds) == 1
                        else f"{a.name or 'out'}_bar"
                        if isinstance(a, Val)
                        else "saved_bar",
                        k,
                        user=True,
                    )
                    bars_in.append(bar)
                    out.append((a, bar))
            return out

        g, bars, r = reverse(callee, params, CONTEXT, seeds)
        n = len(g.region.results)
        g.region.params = [*g.region.params, *bars_in]
        g.region.results = [*g.region.results, *bars]
        dce(g, frozenset(r.spared))
        fetch(r)
        g = optimised(g, merge=False)
        fwd.region, bwd.region = halves(g, g.region.params[len(g.region.params) - len(bars_in) :], n)
        fwd.region, bwd.region = (optimised(half, merge=False).region for half in (fwd, bwd))

    made = derived(callee, ("pair", active), (fwd, bwd), fill)
    return made[0], made[1]


def callees(graph: Graph, found: dict[Graph, None] | None = None) -> dict[Graph, None]:
    """The functions that a graph calls, those first that the others call."""
    found = {} if found is None else found
    for op in walk(graph.region):
        if op.code == "call" and op.attrs["graph"] not in found:
            callee = op.attrs["graph"]
            found[callee] = None
            callees(callee, found)
            del found[callee]
            found[callee] = None
    return found


# ---- text -------------------------------------------------------------------------------------------


@guarded(*SIGNALS)
def finish(graph: Graph, name: str, docstring: str, backend: str = "numpy") -> Made:
    """Settle ownership, write the text, compile it."""
    if backend == "numba":
        return finish_compiled(graph, name, docstring)
    if backend == "cupy-fused":
        return finish_fused(graph, name, docstring)
    own_graph, read = settled(graph)
    called = {c: printed(detach(optimised(clone(c)[0]))) for c in callees(graph)}
    if on_device():
        check_device(own_graph, *called.values())
    text = emit(own_graph, name, docstring, called)
    return Made(load(text.source, name, text.objects, text.origin), text, graph, read)


def text_at(graph: Graph, name: str, is_owned: bool) -> str:
    """The text that a graph has between two passes; ``is_owned``: what is in place is settled already."""
    own_graph = clone(graph)[0] if is_owned else settled(graph, packed=False)[0]
    called = {c: printed(detach(optimised(clone(c)[0]))) for c in callees(graph)}
    return emit(own_graph, name, "", called).source


def check_device(*graphs: Graph) -> None:
    """Refuse what the module of the arrays cannot do, at the user's statements."""
    spelling = Spelling(graphs[0].info.get("aliases", {}), graphs[0].info.get("modules", ()))
    problems = [p for g in graphs for p in beyond(g, spelling)]
    if problems:
        raise NoRule(*problems)


def finish_compiled(graph: Graph, name: str, docstring: str) -> Made:
    """The same with kernels; what numba does not take after all is left to NumPy, and said."""
    banned: dict[int, str] = {}
    graph = optimised(clone(graph)[0])
    while True:
        own_graph, read = settled(graph, packed=False)
        own_graph.info["word"] = name
        memory, written = memory_of(own_graph, registry.may_alias, _fresh, _shape_positions)
        plan = partition(own_graph, memory, written, banned)
        others = [c for c in callees(own_graph) if c not in plan.kernels]
        called = {c: printed(detach(optimised(clone(c)[0]))) for c in others}
        own_graph.info["reserved"] = (*own_graph.info.get("reserved", ()), *plan.words)
        defs, imports = plan.functions()
        text = emit(own_graph, name, docstring, called, True, defs, imports)
        fn = load(text.source, name, text.objects, text.origin, importable=bool(plan.kernels))
        failed = plan.compile(fn.__globals__)
        if not failed:
            return Made(fn, text, graph, read, plan=plan)
        for kernel, why in failed.items():
            banned.update(dict.fromkeys(plan.members[kernel], why))


def finish_fused(graph: Graph, name: str, docstring: str) -> Made:
    """The same with kernels for the GPU."""
    graph = optimised(clone(graph)[0])
    banned: dict[int, str] = {}
    while True:
        own_graph, read = settled(graph, packed=False)
        own_graph.info["word"] = name
        memory, written = memory_of(own_graph, registry.may_alias, _fresh, _shape_positions)
        plan = fused(own_graph, memory, written, banned)
        if not plan.again:
            break
        banned.update(plan.again)
    called = {
        c: printed(detach(optimised(clone(c)[0]))) for c in callees(own_graph) if c not in plan.kernels
    }
    if on_device():
        check_device(own_graph, *called.values())
    own_graph.info["reserved"] = (*own_graph.info.get("reserved", ()), *plan.words)
    defs, imports = plan.functions()
    text = emit(own_graph, name, docstring, called, True, defs, imports, plan.above())
    return Made(load(text.source, name, text.objects, text.origin), text, graph, read, plan=plan)


def compiled(graph: Graph) -> Any:
    """A graph as a function; a text that calls it can hold its text."""
    own_graph = printed(detach(optimised(clone(graph)[0])))
    called = {c: printed(detach(optimised(clone(c)[0]))) for c in callees(graph)}
    text = emit(own_graph, graph.name, "", called)
    fn = load(text.source, graph.name, text.objects)
    fn.__srcdiff_text__ = text  # type: ignore[attr-defined]
    return fn


def settled(graph: Graph, packed: bool = True) -> tuple[Graph, Any]:
    """The graph as it is printed, its updates in place, and what it reads of captured objects."""
    own_graph, _ = clone(graph)
    read_parts(own_graph)
    detach(own_graph)
    own_graph = printed(own_graph) if packed else owned(own_graph)
    return own_graph, read_captures(own_graph)


def printed(graph: Graph) -> Graph:
    """The last passes: what is done in place, what is written over, and which tapes are one."""
    graph = noted("reuse", reuse(owned(graph), registry.may_alias, _fresh, _shape_positions))
    return noted("pack", pack(graph))


def owned(graph: Graph) -> Graph:
    """The order of operations, and what is done in place."""
    graph = on_device_throughout(graph) if on_device() else graph
    return noted("own", own(arrange(graph, _fresh), registry.may_alias, _fresh, _shape_positions))


def read_parts(g: Graph) -> None:
    """Parts of arguments that a derivative is taken in are read out of the arguments, first of all."""
    parts = g.info.get("parts", {})
    hidden = [p for p in g.region.params if p.name in parts]
    if not hidden:
        return
    b = Builder(CONTEXT, g)
    first = Region()
    table: dict[Val, Atom] = {}
    with b.inside(first):
        for p in hidden:
            root, keys = parts[p.name]
            at: Atom = next(q for q in g.region.params if q.name == root)
            for key in keys:
                k = kind(at)
                assert isinstance(k, Tree)
                at = b.tree_item(at, k, Const(key))
            if kind(at) != p.kind and isinstance(kind(at), Scalar):
                at = b.prim(float, [at], result=FLOAT)
            if isinstance(at, Val):
                at.name, at.user = p.name, True
            table[p] = at
    replace_values(g.region, table)
    g.region.params = [p for p in g.region.params if p not in table]
    g.region.ops[:0] = first.ops


def read_captures(g: Graph) -> frozenset[str]:
    """Captures that need not be passed: nothing reads them, or they are read out of an argument first.

    Memory is settled by now, as that of arguments.
    """
    signature = g.info.get("signature")
    if signature is None:
        return frozenset()
    used = {v for op in g.region.ops for v in all_values(op)} | set(vals(g.region.results))
    roots = {p.name: p for p in g.region.params}
    first: list[Op] = []
    gone: dict[Val, str] = {}
    for c in g.captures:
        p = roots.get(c.name)
        (how, root), *steps = c.path
        if p is None or c.name in signature.parameters:
            continue
        if p in used:
            if how != "arg" or root not in signature.parameters or not all(map(is_readable, steps)):
                continue
            at = roots.setdefault(root, Val(root, OTHER, user=True))
            if at not in g.region.params:
                g.region.params.append(at)
            reads = [(operator.getitem if how == "item" else getattr, Const(key)) for how, key in steps]
            for n, (fn, key) in enumerate(reads, 1):
                last = n == len(reads) and not c.real
                first.append(Op("prim", [at, key], [p if last else Val("", OTHER)], attrs={"fn": fn}))
                at = first[-1].out
                at.op = first[-1]
            if c.real:
                p.op = Op("prim", [at], [p], attrs={"fn": float})
                first.append(p.op)
        gone[p] = c.name
    g.region.params = [p for p in g.region.params if p not in gone]
    g.region.ops[:0] = first
    return frozenset(gone.values())


def is_readable(step: tuple[str, Any]) -> bool:
    """Whether a step of a path can be written behind what it starts from."""
    how, key = step
    return (how == "item" and isinstance(key, (str, int, float, bool))) or (
        how == "attr" and key.isidentifier()
    )


def defined(region: Region) -> Iterator[Val]:
    """All values that a region and those in it define."""
    yield from region.params
    for o in region.ops:
        yield from o.outs
        for r in o.regions:
            yield from defined(r)


def numbers_at_first(g: Graph) -> set[Val]:
    """What a loop carries as an array that is a number to begin with (``p = 1.0``, then ``p *= row``)."""
    out: set[Val] = set()
    for o in walk(g.region):
        if o.code in ("for", "while"):
            view = LoopView(o)
            for init, p, final in zip(view.inits, view.params, view.finals):
                if isinstance(init, Const) and isinstance(p.kind, Array):
                    out |= {p, final}
    return out


def detach(g: Graph) -> Graph:
    """Calls whose rule has done its work are their values; what is linked, or there, is what it is."""
    table: dict[Val, Atom] = {}

    def now(v: Val) -> Atom:
        return map_atom(now, table[v]) if v in table else v

    def look(region: Region) -> None:
        for o in region.ops:
            if o.code == "prim" and registry.is_joined(o.fn):
                table[o.out] = o.ins[-1]
            elif o.code == "prim" and o.fn in (ops.linked, ops.given):
                table[o.out] = o.ins[0]
            for r in o.regions:
                look(r)
        region.ops = [o for o in region.ops if o.code != "prim" or o.out not in table]

    look(g.region)
    g.info["maybe"] = {v for v in defined(g.region) if isinstance(v.kind, Maybe)} | numbers_at_first(g)
    for v in defined(g.region):
        v.kind = present(v.kind)
    if table:
        replace_values(g.region, {v: now(v) for v in table})
        dce(g)
    return g
