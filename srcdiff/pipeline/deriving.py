"""From the graph of a function to that of its derivative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.differentiate.common import Builder
from srcdiff.differentiate.fetch import fetch
from srcdiff.differentiate.forward import forward
from srcdiff.differentiate.reverse import reverse
from srcdiff.errors import DerivativeTypeError, InternalError, NoRule, Problem, SrcdiffError
from srcdiff.faults import guarded
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Struct, Val, kind, let_go, walk
from srcdiff.ir.indices import display
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
    Tree,
    present,
)
from srcdiff.ir.modules import on_device
from srcdiff.later import Later
from srcdiff.optimise.dce import dce
from srcdiff.optimise.handed_on import handed_on
from srcdiff.optimise.invariant import before_loops
from srcdiff.optimise.nones import flagged
from srcdiff.optimise.precision import has_single
from srcdiff.optimise.put_there import known_when_read
from srcdiff.optimise.rows import elements_of_rows
from srcdiff.optimise.tables import lists_as_arrays
from srcdiff.optimise.written_out import written_out
from srcdiff.pipeline import context, fitting, reading
from srcdiff.pipeline.signals import SIGNALS
from srcdiff.request import Request
from srcdiff.rules import vocabulary

if TYPE_CHECKING:
    from srcdiff import family
else:
    family = Later("srcdiff.family")

__all__ = ["derivative_graph", "known_kinds", "mapped_graph"]


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
        or (isinstance(k, Array) and any(d != 1 for d in k.dims))
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
def derivative_graph(graph: Graph, request: Request, last: bool = False) -> Graph:
    """The graph of the derivative asked for; same parameters as the primal (and tangents, for jvp).

    ``last``: it becomes a text, which may be one for vectors of a certain size alone; nothing is made of it.
    """
    small = {"numpy": context.SMALL, "cupy-fused": None}.get(request.backend, context.SMALL_IN_KERNELS)
    if last and small and request.mode in ("grad", "value_and_grad", "jvp") and not on_device():
        graph = written_out(graph, small)
    if request.backend.startswith("numba"):
        graph = graph.over(graph.region, kernels=True)
        graph = lists_as_arrays(graph, context.WORDS)
        graph = flagged(graph if request.mode == "jvp" else with_value(graph, request.has_aux), context.WORDS)
    graph = before_loops(known_when_read(graph), context.WORDS, context.is_shareable)
    graph = elements_of_rows(handed_on(graph, context.WORDS, context.is_shareable))
    wrt = reading.wrt_values(graph, request.wrt)
    if request.mode == "jvp":
        return jvp_graph(graph, wrt, request)
    graph = with_value(graph, request.has_aux)
    if request.mode not in ("grad", "value_and_grad"):
        return context.optimised(family_graph(graph, wrt, request))
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
        context.CONTEXT,
        lambda b, res: [(res[0], seed(b, res[0]))],
    )
    values = list(g.region.results)
    bars = fitting.in_structure(g, bars, request.wrt)
    g.region.results = [outcome(values, gradient(bars, request), request)]
    swept = list(walk(g.region))
    dce(g, frozenset(r.spared))
    fetch(r)
    g = context.optimised(g)
    for known in (*r.mirrors, r.root, r):
        vars(known).clear()  # (they know one another: only a search for garbage would find them)
    for o in swept:
        let_go(o)
    return fitting.with_dtypes(g, request)


def known_kinds(graph: Graph, request: Request) -> Graph:
    """The graph of a derivative that another is taken of: a gradient is of the kind of its argument."""
    if request.mode == "grad":
        family.with_kinds(graph, reading.wrt_values(graph, request.wrt), request.single, request.has_aux)
    return graph


def layered(graph: Graph, layers: Sequence[Request], last: bool = False) -> Graph:
    """The graph of derivatives taken one of another; those in one number, again and again, in one sweep.

    ``last``: it becomes a text, and nothing is made of it.
    """
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
            graph = derivative_graph(graph, layer, last and at + 1 == len(layers))
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
    return context.optimised(family.mapped_graph(context.CONTEXT, graph, axes, out_axes, dim))


def family_graph(graph: Graph, wrt: list[Val], request: Request) -> Graph:
    """The graph of a derivative that is not a gradient."""
    mode, single, aux = request.mode, request.single, request.has_aux
    match mode:
        case "jacobian":
            way = family.better(graph, wrt, aux)
            return family_graph(graph, wrt, replace(request, mode=way))
        case "jacfwd":
            return family.jacfwd_graph(context.CONTEXT, graph, wrt, single, aux, mode)
        case "jacrev":
            return family.jacrev_graph(context.CONTEXT, graph, wrt, single, aux, mode)
        case "hessian":
            number = family.is_number(graph, aux)
            first = derivative_graph(graph, replace(request, mode="grad" if number else "jacrev"))
            if number:
                family.with_kinds(first, wrt, single, aux)
            alone = number and single and isinstance(wrt[0].kind, Array)
            wrt = reading.wrt_values(first, request.wrt)
            return family.jacfwd_graph(context.CONTEXT, first, wrt, single, aux, mode, alone)
        case "hvp" | "vhp":
            first = derivative_graph(graph, replace(request, mode="grad"))
            family.with_kinds(first, wrt, single, aux)
            wrt = reading.wrt_values(first, request.wrt)
            if mode == "hvp":
                return family.product_graph(context.CONTEXT, first, wrt, aux)
            return family.transposed_product_graph(context.CONTEXT, first, wrt, single, aux)
        case "gauss_newton_vp":
            return family.gauss_newton_graph(context.CONTEXT, graph, wrt, single, aux)
        case "derivative":
            return family.nth_graph(context.CONTEXT, graph, wrt[0], request.option, aux, context.optimised)
        case "taylor":
            return family.taylor_graph(context.CONTEXT, graph, wrt, request.option, aux, context.optimised)
        case "elementwise_grad":
            return family.elementwise_graph(context.CONTEXT, graph, wrt, single, aux)
        case "laplacian":
            return family.laplacian_graph(context.CONTEXT, graph, wrt[0], aux)
    raise InternalError(f"{mode!r} is no derivative")


def with_check(graph: Graph, result: Atom, wrt: list[Val]) -> Graph:
    """The graph with a test that its result is a number, where that is not known of arguments that are."""
    if kind(result) != UNKNOWN or any(w.kind == UNKNOWN for w in wrt):
        return graph
    problem = Problem("scalar", f"whether {graph.name} returns a single number is not known")
    op = Op.applying(vocabulary.CHECK, [result, Const(graph.name)], NONE, unread=("", problem))
    region = Region(graph.region.params, [*graph.region.ops, op], graph.region.results)
    return graph.over(region)


def with_value(graph: Graph, has_aux: bool) -> Graph:
    """The graph with a test that its result is not None, where it may be."""
    whole = graph.region.results[0]
    pair = has_aux and isinstance(whole, Struct) and len(whole.items) == 2
    result = whole.items[0] if pair and isinstance(whole, Struct) else whole
    if not isinstance(kind(result), Maybe):
        return graph
    problem = Problem("scalar", f"whether {graph.name} returns None is not known")
    test = Op.applying(vocabulary.CHECK_THERE, [result, Const(graph.name)], NONE, unread=("", problem))
    named = (result.name, result.user) if isinstance(result, Val) else ("", False)
    there = Op.applying(ops.given, [result], present(kind(result)), None, *named)
    value = there.out
    now = Struct(whole.type, whole.keys, (value, whole.items[1])) if isinstance(whole, Struct) else value
    region = Region(graph.region.params, [*graph.region.ops, test, there], [now])
    return graph.over(region)


def seed(b: Any, result: Atom) -> Atom:
    k = kind(result)
    if (isinstance(k, Array) and k.dims) or k == UNKNOWN:
        return b.rule(vocabulary.ones, {"x": result})  # type: ignore[no-any-return]
    v = one(k, b.graph)
    if v is None or v.op is None:
        return Const(1.0)
    b.region.ops.append(v.op)
    return v


def one(k: Kind, graph: Graph) -> Val | None:
    """The number that a sweep starts from, where Python's own would be single precision: NumPy's."""
    double = isinstance(k, Scalar) and k.dtype == "f8" and not k.weak
    if not double or on_device() or not has_single(graph):
        return None
    return Op.applying(np.float64, [Const(1.0)], Scalar("f8", False)).out


def replace_result(graph: Graph, result: Atom, aux: Atom, request: Request) -> Graph:
    g = graph.over(Region(graph.region.params, graph.region.ops, [result, aux]))
    g.info["wrt"] = dict(zip(request.wrt, reading.wrt_values(graph, request.wrt), strict=True))
    return g


def gradient(bars: list[Atom], request: Request) -> Atom:
    return bars[0] if request.single else display(bars)


def outcome(values: list[Atom], grad: Atom, request: Request) -> Atom:
    value, aux = values
    if request.mode == "value_and_grad":
        first = display((value, aux)) if request.has_aux else value
        return display((first, grad))
    return display((grad, aux)) if request.has_aux else grad


def scalar_forward(graph: Graph, wrt: Val, request: Request) -> Graph:
    """The derivative with respect to one number: forward mode, no tape."""
    start = one(wrt.kind, graph)
    g, dots, _ = forward(graph, [wrt], context.CONTEXT, {wrt: Const(1.0) if start is None else start})
    if start is not None and start.op is not None:
        g.region.ops.insert(0, start.op)
    result, aux = scalar_result(g, request.has_aux)
    t = dots[0]
    if request.has_aux and isinstance(t, Struct):
        t = t.items[0]
    elif request.has_aux:
        t = Const(0.0)

    b = Builder(context.CONTEXT, g)
    t = b.materialise(t, result)
    g.region.results = [outcome([result, aux], gradient([t], request), request)]
    return fitting.with_dtypes(context.optimised(g), request)


def jvp_graph(graph: Graph, wrt: list[Val], request: Request) -> Graph:
    value, aux = family.split(graph.region.results[0], request.has_aux, graph.name)
    if request.has_aux:
        region = Region(graph.region.params, graph.region.ops, [value, aux])
        graph = graph.over(region)
    g, dots, params = forward(graph, wrt, context.CONTEXT)

    b = Builder(context.CONTEXT, g)
    value, *rest = g.region.results
    both = (value, fitting.fitted(b, b.materialise(dots[0], value), kind(value)), *rest)
    g.region.results = [display(both)]
    g.info["tangents"] = [p.name for p in params]
    new = context.optimised(g)
    return new
