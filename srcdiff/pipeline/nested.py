"""Derivatives taken inside a function: their operations become part of its graph."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from srcdiff.backends.numpy_names import canonical
from srcdiff.differentiate.common import Builder
from srcdiff.differentiate.fetch import fetch
from srcdiff.differentiate.forward import forward
from srcdiff.differentiate.reverse import reverse
from srcdiff.errors import InternalError
from srcdiff.frontend import source
from srcdiff.frontend.scope import Agg, Closure, Derived, Known, Partial, Plain, Pulled
from srcdiff.ir.graph import ZERO, Atom, Const, Graph, Ref, Region, Struct, Val, clone, is_none, kind
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import FLOAT, UNKNOWN, Array, Dim, Seq, Tree, is_active_kind, is_whole
from srcdiff.ir.regions import replace_values
from srcdiff.later import Later
from srcdiff.optimise.dce import dce
from srcdiff.pipeline import context, deriving, reading
from srcdiff.request import Request
from srcdiff.rules import registry

if TYPE_CHECKING:
    from srcdiff import family
    from srcdiff.batch import apply as batch
else:
    family = Later("srcdiff.family")
    batch = Later("srcdiff.batch.apply")

__all__ = ["PRODUCTS", "batched_by", "derive"]


PRODUCTS = frozenset({"hvp", "vhp", "gauss_newton_vp", "taylor"})  # which take a vector as well


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
        constants = [is_none(t) for t in tangents]
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
        values[w] = Val(w, FLOAT if is_whole(k) else k, user=True)
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
    g = deriving.known_kinds(deriving.derivative_graph(graph, request), request)
    lw.guards.update(g.info.get("guards", {}))
    out = splice(
        lw,
        g,
        [
            *(actual[w] for w in wrt),
            *(t for t in tangents if not is_none(t)),
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
        except batch.Unbatched as why:
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
    g = deriving.mapped_graph(graph, mapped, out_axes, dims[0])
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
    wrt = reading.wrt_values(what.graph, what.wrt)
    g, bars, r = reverse(what.graph, wrt, context.CONTEXT, lambda b, res: [(res[0], bar)])
    table = dict(zip(what.wrt, bars, strict=True))
    items = tuple(table.get(n, Const(None)) for n in what.names)
    lw.guards.update(g.info.get("guards", {}))
    g.region.results = [display(items)]
    dce(g, frozenset(r.spared))
    fetch(r)
    return lw.bind(splice(lw, context.optimised(g), [what.given[w] for w in what.wrt]))


def push(lw: Any, what: Pulled, args: list[Any]) -> Any:
    """The call of a pushforward made inside the function."""
    given = dict(zip(what.names, (lw.read(a) for a in args), strict=False))
    seeds = {
        v: a
        for n, v in zip(what.wrt, reading.wrt_values(what.graph, what.wrt), strict=True)
        if not (isinstance(a := given.get(n, Const(None)), Const) and a.value is None)
    }
    g, dots, _ = forward(what.graph, list(seeds), context.CONTEXT, seeds)
    b = Builder(context.CONTEXT, g)
    with b.inside(g.region):
        g.region.results = [b.materialise(dots[0], g.region.results[0])]
    lw.guards.update(g.info.get("guards", {}))
    return lw.bind(splice(lw, context.optimised(g), [what.given[w] for w in what.wrt]))


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
