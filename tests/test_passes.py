"""Every stage and every pass on every program: the graph is well formed, and means what it meant before.

The graph is evaluated directly (`srcdiff.ir.evaluate`), without any text, after each stage; the emitted text
must then give what the graph gives. A third of the corpus by default; SRCDIFF_ALL=1 takes all of it, and the
whole programs too.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import os
import warnings
import zlib
from typing import Any

import numpy as np
import pytest

import numeric
from corpus import PROGRAMS
from corpus.program import Program
from programs import PROGRAMS as WHOLE
from programs.pending import PENDING
from srcdiff import pipeline
from srcdiff.errors import InternalError, NoRule, UnsupportedSyntax
from srcdiff.frontend.params import Param, float_param
from srcdiff.ir.check import check
from srcdiff.ir.classes import fields_of
from srcdiff.ir.evaluate import evaluate
from srcdiff.ir.graph import ZERO, Graph, LoopView, Op, clone, walk
from srcdiff.ir.kinds import kind_of
from srcdiff.optimise.dce import dce
from srcdiff.optimise.inplace import own
from srcdiff.pipeline import context, deriving
from srcdiff.request import Request
from srcdiff.rules import registry

ALL = bool(os.environ.get("SRCDIFF_ALL"))
PASSES = ("dce", "simplify", "in_one_loop", "merge_branches")
MODES = ("grad", "reverse", "jvp")  # grad of one number is forward mode; "reverse" is reverse mode also there
ROUNDING = 1e-12


def whole_programs() -> list[Program]:
    """Those of `tests/programs` that work, as entries of the corpus."""
    out = []
    for p in WHOLE:
        later = PENDING[p.name].stages if p.name in PENDING else ()
        if "first" not in later:
            order2 = not p.no_order2 and "second" not in later
            out.append(Program(p.name, p.function, p.args, p.wrt, tolerance=p.tolerance, order2=order2))
    return out


def sampled(programs: list[Program]) -> list[Program]:
    """A third of the programs, always the same, or all there are."""
    if ALL:
        return [*programs, *whole_programs()]
    return [p for p in programs if zlib.crc32(p.name.encode()) % 3 == 0]


def over(programs: list[Program]) -> Any:
    return pytest.mark.parametrize("program", programs, ids=lambda p: p.name)


# ---- a program as graphs ---------------------------------------------------------------------------------


@dataclasses.dataclass
class Case:
    """The graphs of a program on its way to a derivative, and the arguments to evaluate them on."""

    program: Program
    mode: str
    primal: Graph
    wrt: tuple[str, ...]
    values: dict[str, Any]  # by the names of the graph's parameters: arguments, captures, tangents
    bound: inspect.BoundArguments
    stages: list[tuple[str, Graph]] = dataclasses.field(default_factory=list)
    text: Any = None

    def evaluate(self, graph: Graph, **options: Any) -> Any:
        args = copy.deepcopy([self.values[p.name] for p in graph.region.params])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return evaluate(graph, *args, **options)

    def call(self, fn: Any) -> Any:
        """The emitted function on the same arguments."""
        bound, own_names = copy.deepcopy((self.bound.args, self.bound.kwargs)), set(self.bound.arguments)
        extra = {
            k: v for k, v in copy.deepcopy(self.values).items() if k not in own_names and k in parameters(fn)
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return fn(*bound[0], **bound[1], **extra)


def parameters(fn: Any) -> set[str]:
    return set(inspect.signature(fn).parameters)


def known(name: str, value: Any) -> Param:
    """What is known of an argument when its derivative is made."""
    if value is None or isinstance(value, (bool, str)):
        return Param(name, None, value)
    if callable(value) and fields_of(value) is None:
        return Param(name, None, value, (("arg", name),))
    return Param(name, kind_of(value))


def primal_case(program: Program, mode: str = "primal") -> Case:
    """The primal's graph, for the kinds of the program's arguments."""
    signature = inspect.signature(program.function)
    bound = signature.bind(*copy.deepcopy(program.args), **program.kwargs)
    bound.apply_defaults()
    names = tuple(signature.parameters)
    wrt = tuple(names[k] for k in program.wrt)
    params = {n: float_param(known(n, v), n in wrt) for n, v in bound.arguments.items()}
    try:
        graph = pipeline.primal_graph(program.function, params)
    except (UnsupportedSyntax, NoRule) as e:
        pytest.skip(f"not supported: {e}")
    graph.info["signature"] = signature
    values = {**bound.arguments, **{c.name: c.value for c in graph.captures}}
    rng = np.random.default_rng(zlib.crc32(program.name.encode()))
    values |= {f"{names[k]}_dot": numeric.random_like(program.args[k], rng) for k in program.wrt}
    return Case(program, mode, graph, wrt, values, bound)


def derive(program: Program, mode: str, monkeypatch: pytest.MonkeyPatch) -> Case:
    """The program's derivative, with a copy of the graph as the primal, before the passes, and after each."""
    case = primal_case(program, mode)
    case.stages.append(("lower", clone(case.primal)[0]))
    request = Request("jvp" if mode == "jvp" else "grad", case.wrt, len(case.wrt) == 1)

    def keep(name: str, graph: Graph) -> Graph:
        case.stages.append((name, clone(graph)[0]))
        return graph

    def spied(name: str) -> Any:
        original = getattr(context, name)
        return lambda graph, *args: keep(name, original(graph, *args)) if watched else original(graph, *args)

    def optimised(graph: Graph, **options: Any) -> Graph:
        del case.stages[1:]  # of functions that call themselves each half is optimised, then the whole
        keep("derivative", graph)
        watched.append(graph)
        return original(graph, **options)

    def refuse(*args: Any) -> Graph:
        raise NoRule("reverse mode is wanted")

    watched: list[Graph] = []
    original = context.optimised
    with monkeypatch.context() as patch:
        patch.setattr(context, "optimised", optimised)
        for name in PASSES:
            patch.setattr(context, name, spied(name))
        if mode == "reverse":
            patch.setattr(deriving, "scalar_forward", refuse)
        try:
            made = pipeline.derivative_graph(case.primal, request)
        except (UnsupportedSyntax, NoRule) as e:
            pytest.skip(f"not supported: {e}")
    keep("own", own(clone(made)[0], registry.may_alias, context.is_fresh, context.shape_positions))
    made.info["signature"] = case.primal.info["signature"]
    case.text = pipeline.finish(made, "derivative", "")
    return case


def is_new(program: Program, mode: str) -> bool:
    """Whether a mode gives another graph than those before it."""
    if mode == "jvp":
        return program.forward
    forward = len(program.wrt) == 1 and not isinstance(
        program.args[program.wrt[0]], (np.ndarray, list, tuple, dict)
    )
    return program.reverse and (mode == "grad" or forward)


CASES = [pytest.param(p, m, id=f"{p.name}-{m}") for p in sampled(PROGRAMS) for m in MODES if is_new(p, m)]


# ---- equality --------------------------------------------------------------------------------------------


def leaves(tree: Any) -> list[Any]:
    return [leaf for leaf in numeric.flatten(tree)[0] if not callable(leaf)]


def bits(tree: Any) -> list[Any]:
    """The numbers of a result bit for bit; a 0-d array, a NumPy scalar and a float are one number."""
    return [(x.dtype.str, x.shape, x.tobytes()) for x in map(number, leaves(tree))]


def number(leaf: Any) -> Any:
    x = np.asarray(leaf)
    return x + 0.0 if x.dtype.kind in "fc" else x  # -0.0 is 0.0: adding a zero cotangent makes it so


def assert_equal(a: Any, b: Any, tolerance: float, what: str) -> None:
    """Bit for bit, or up to rounding."""
    x, y = leaves(a), leaves(b)
    assert len(x) == len(y), f"{what}: {len(x)} leaves against {len(y)}"
    if bits(a) == bits(b):
        return
    assert tolerance, f"{what}: {a!r}\nagainst {b!r}"
    for p, q in zip(map(number, x), map(number, y), strict=True):
        if p.dtype.kind not in "fc":
            assert np.array_equal(p, q), f"{what}: {p} against {q}"
            continue
        assert p.shape == q.shape, f"{what}: shapes {p.shape} and {q.shape}"
        np.testing.assert_allclose(
            p, q, rtol=tolerance, atol=tolerance * (1.0 + np.max(np.abs(q), initial=0.0)), err_msg=what
        )


# ---- the tests -------------------------------------------------------------------------------------------

# Where the last bit may differ: `simplify` takes products apart (`g * -p` is `-(g * p)`, `g * (1 / x)` is
# `g / x`, the latter not exact) and reads loops with equal variables as one; the text adds cotangents in
# place and multiplies matrices of another memory layout. All else is exact.
# A copy may have another memory layout than what it is a copy of, too. Loops that go forwards add up in
# another order.
TOLERANCE = {"simplify": ROUNDING, "own": ROUNDING, "in_one_loop": ROUNDING}


@pytest.mark.parametrize(("program", "mode"), CASES)
def test_stages(program: Program, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = derive(program, mode, monkeypatch)
    for name, graph in case.stages:
        try:
            check(graph)
        except InternalError as e:
            pytest.fail(f"after {name}: {e}")
    derivatives = case.stages[1:]
    previous = case.evaluate(derivatives[0][1])
    for name, graph in derivatives[1:]:
        now = case.evaluate(graph)
        assert_equal(now, previous, TOLERANCE.get(name, 0.0), f"after {name}")
        previous = now
    assert_equal(case.call(case.text.fn), previous, ROUNDING, "text against graph")


@over(sampled(PROGRAMS))
def test_primal(program: Program) -> None:
    """The primal's graph means what the function means, bit for bit, and so does its text."""
    case = primal_case(program)
    check(case.primal)
    expected = numeric.call(program.function, program.args, program.kwargs)
    assert_equal(case.evaluate(case.primal), expected, numeric.LAST_BITS, "graph")
    text = pipeline.finish(dce(case.primal), "primal", "").fn
    assert_equal(case.call(text), expected, numeric.LAST_BITS, "text")


@pytest.mark.parametrize(("program", "mode"), CASES)
def test_kinds(program: Program, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value of the derivative is of the kind that was inferred for it."""
    case = derive(program, mode, monkeypatch)
    case.evaluate(case.stages[0][1], kinds=True)
    case.evaluate(case.stages[1][1], kinds=True)


@pytest.mark.parametrize(("program", "mode"), CASES)
def test_ownership(program: Program, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With updates done in place the result is the same, and the arguments are left as they were."""
    case = derive(program, mode, monkeypatch)
    graph = dict(case.stages)["own"]
    args = copy.deepcopy([case.values[p.name] for p in graph.region.params])
    before = numeric.fingerprint(args)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        got = evaluate(graph, *args, in_place=True)
    assert_equal(got, case.evaluate(graph), ROUNDING, "in place")
    assert numeric.fingerprint(args) == before


@over([p for p in sampled(PROGRAMS) if p.reverse and p.forward and p.order2])
def test_second_order(program: Program) -> None:
    """The forward derivative of the gradient: well formed, of the kinds inferred, and the same in place."""
    case = primal_case(program)
    try:
        first = pipeline.derivative_graph(case.primal, Request("grad", case.wrt, len(case.wrt) == 1))
    except (UnsupportedSyntax, NoRule) as e:
        pytest.skip(f"not supported: {e}")
    graph = pipeline.derivative_graph(first, Request("jvp", case.wrt))
    check(graph)
    expected = case.evaluate(graph, kinds=True)
    owned = own(clone(graph)[0], registry.may_alias, context.is_fresh)
    assert_equal(case.evaluate(owned, in_place=True), expected, ROUNDING, "in place")
    graph.info["signature"] = case.primal.info["signature"]
    text = pipeline.finish(graph, "second", "")
    assert_equal(case.call(text.fn), expected, ROUNDING, "text against graph")


# ---- the checker itself ----------------------------------------------------------------------------------


def loop_of(graph: Graph) -> Op:
    return next(op for op in walk(graph.region) if op.code in ("for", "while"))


def twice_defined(graph: Graph) -> None:
    graph.region.ops[-1].outs[0] = graph.region.ops[0].outs[0]


def used_too_early(graph: Graph) -> None:
    graph.region.ops.reverse()


def out_of_its_region(graph: Graph) -> None:
    graph.region.results = [LoopView(loop_of(graph)).params[0]]


def wrong_back_pointer(graph: Graph) -> None:
    loop_of(graph).outs[0].op = None


def no_kind(graph: Graph) -> None:
    loop_of(graph).outs[0].kind = None  # type: ignore[assignment]


def zero_left(graph: Graph) -> None:
    graph.region.results = [ZERO]


def need_left(graph: Graph) -> None:
    graph.region.ops.append(Op("need", []))


def one_init_less(graph: Graph) -> None:
    loop_of(graph).ins.pop()


def one_yield_less(graph: Graph) -> None:
    LoopView(loop_of(graph)).body.results.pop()


def one_direction_more(graph: Graph) -> None:
    op = loop_of(graph)
    op.attrs["dirs"] = (*op.attrs["dirs"], 1)


DAMAGES = (
    twice_defined,
    used_too_early,
    out_of_its_region,
    wrong_back_pointer,
    no_kind,
    zero_left,
    need_left,
    one_init_less,
    one_yield_less,
    one_direction_more,
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
def test_checker_finds(damage: Any) -> None:
    """Each way to spoil a graph is found."""
    graph = primal_case(next(p for p in PROGRAMS if p.name == "E2.4b for-else, broke")).primal
    check(graph)
    damage(graph)
    with pytest.raises(InternalError):
        check(graph)
