"""What the rules of an operation give for one call, run directly; and what is to be true of it.

``elementwise``   each partial times a tangent is the directional derivative, and has the result's shape at
most
``linear``        the operation applied to tangents is the directional derivative; the transpose by dot
product
``bilinear``      the pair of cotangents by dot product
``pullback``      the cotangents by dot product
``differential``  the tangent of the result is the directional derivative: for each operand, and for all

Directions are of single operands: the derivative along several is the sum of these, and the text of a rule
gives all cotangents at once.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from harness import (
    Call,
    Sample,
    extra_parameters,
    is_complex,
    leaves,
    pairing,
    random_like,
    size_of,
    tree_map,
)

from srcdiff.rules.registry import OpRules, Rule

Fn = Callable[..., Any]
Tree = Any


@dataclass(slots=True)
class Outcome:
    """The result of one rule's text: a tangent along some operands, or the cotangent of one."""

    form: str
    names: tuple[str, ...]
    value: Tree
    backwards: bool

    def __str__(self) -> str:
        what = "cotangent of" if self.backwards else "tangent along"
        return f"{self.form}, {what} {' and '.join(self.names)}"


@dataclass(slots=True)
class Run:
    """A call, the directions given to its rules, and what they made of these."""

    calls: dict[str, Call]  # by operand: one that has it
    out: Tree
    out_bar: Tree
    directions: dict[str, Tree]
    operands: dict[str, Tree]
    outcomes: list[Outcome] = field(default_factory=list)


def rules_of(rules: OpRules) -> list[Rule]:
    forms = (rules.elementwise, rules.linear, rules.bilinear, rules.pullback, rules.differential)
    return [rule for rule in forms if rule is not None]


def run(fn: Fn, rules: OpRules, sample: Sample, like: Run | None = None) -> Run:
    """Run every rule on a sample, with random directions or those of another run."""
    rng = np.random.default_rng(7)
    calls = [Call.bind(fn, rule, sample) for rule in rules_of(rules)]
    out = calls[0].run()
    if like is None:
        directions: dict[str, Tree] = {}
        for call in calls:
            for name, value in call.operands.items():
                if name not in directions:
                    directions[name] = random_like(value, rng)
        out_bar = random_like(out, rng)
    else:
        directions = {
            name: tree_map(of_type, like.directions[name], value)
            for call in calls
            for name, value in call.operands.items()
        }
        out_bar = tree_map(of_type, like.out_bar, out)
    operands = {name: value for call in calls for name, value in call.operands.items()}
    made = Run({name: call for call in calls for name in call.operands}, out, out_bar, directions, operands)
    for call, rule in zip(calls, rules_of(rules), strict=True):
        made.outcomes += FORMS[rule.form](call, rule, made)
    return made


def of_type(direction: Any, value: Any) -> Any:
    """A direction in the type of a value: of its precision, a scalar of NumPy or an array."""
    if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.kind not in "fc":
        return direction
    if not isinstance(value, np.ndarray):
        return value.dtype.type(direction)
    made = np.empty_like(value)
    made[...] = direction
    return made


def elementwise(call: Call, rule: Rule, run: Run) -> Iterator[Outcome]:
    partials = call.rule(out=run.out)
    partials = partials if isinstance(partials, tuple) else (partials,)
    names = [n for n in inspect.signature(call.text).parameters if n not in extra_parameters(call.text)]
    assert len(partials) == len(names), f"{len(partials)} partials for the operands {names}"
    shape = np.shape(run.out)
    for name, partial in zip(names, partials, strict=True):
        if name not in call.operands:
            continue
        got = 0.0 if partial is None else partial * run.directions[name]
        got = got if is_complex(run.out) else np.real(got)
        own = np.shape(got)
        assert np.broadcast_shapes(own, shape) == shape, f"the partial of {name} has shape {own}"
        yield Outcome("elementwise", (name,), got if own == shape else np.broadcast_to(got, shape), False)


def linear(call: Call, rule: Rule, run: Run) -> Iterator[Outcome]:
    missing = set(call.operands) - set(rule.operands)
    assert not missing, f"{missing} are no operands of the rule"
    still = with_replaced(call, zeros_of_other_operands(call, rule))
    tangent = still.run({name: run.directions[name] for name in call.operands})
    yield Outcome("linear", tuple(call.operands), tangent, False)
    yield from reverse(call, rule, run)


def zeros_of_other_operands(call: Call, rule: Rule) -> dict[str | int, Tree]:
    """Zeros for the operands of a jointly linear rule that the sample does not differentiate."""
    positions = list(inspect.signature(call.text).parameters)
    zeros: dict[str | int, Tree] = {}
    for name in set(rule.operands) - set(call.operands):
        if name in call.sample.kwargs:
            zeros[name] = zeros_like(call.sample.kwargs[name])
        elif positions.index(name) < len(call.sample.args):
            zeros[positions.index(name)] = zeros_like(call.sample.args[positions.index(name)])
    return zeros


def zeros_like(tree: Tree) -> Tree:
    return tree_map(lambda x: np.zeros_like(x) if isinstance(x, np.ndarray) else 0.0, tree)


def with_replaced(call: Call, values: dict[str | int, Tree]) -> Call:
    args, kwargs = list(call.sample.args), dict(call.sample.kwargs)
    for place, value in values.items():
        if isinstance(place, str):
            kwargs[place] = value
        else:
            args[place] = value
    sample = replace(call.sample, args=tuple(args), kwargs=kwargs)
    return Call(call.fn, sample, call.text, call.operands, call.sites, call.variadic)


def reverse(call: Call, rule: Rule, run: Run) -> Iterator[Outcome]:
    bars = call.rule(out=run.out, out_bar=run.out_bar)
    if len(rule.operands) > 1:
        assert isinstance(bars, tuple) and len(bars) == len(rule.operands), "one cotangent for each operand"
    named = dict(zip(rule.operands, bars if len(rule.operands) > 1 else (bars,), strict=True))
    for name in call.operands:
        assert name in named, f"{name} is no operand of the rule"
        yield Outcome(rule.form, (name,), named[name], True)


def differential(call: Call, rule: Rule, run: Run) -> Iterator[Outcome]:
    bound = inspect.signature(rule.text).bind_partial(*call.sample.args, **call.sample.kwargs).arguments
    dots = [name[:-4] for name in extra_parameters(rule.text) if name.endswith("_dot")]
    missing = set(call.operands) - set(dots)
    assert not missing, f"{missing} have no tangent in the rule"
    every = tuple(call.operands)
    for names in [(name,) for name in every] + ([every] if len(every) > 1 else []):
        given = {n: run.directions[n] if n in names else zeros_like(bound.get(n, 0.0)) for n in dots}
        got = call.rule(out=run.out, **{f"{n}_dot": v for n, v in given.items()})
        yield Outcome("differential", names, got, False)


FORMS: dict[str, Callable[[Call, Rule, Run], Iterator[Outcome]]] = {
    "elementwise": elementwise,
    "linear": linear,
    "bilinear": reverse,
    "pullback": reverse,
    "differential": differential,
}


# --- what is to be true of outcomes -------------------------------------------------------------------------


def wanted_of(run: Run, outcome: Outcome) -> Tree:
    return run.operands[outcome.names[0]] if outcome.backwards else run.out


def check_shapes(run: Run) -> None:
    for outcome in run.outcomes:
        got = [np.shape(x) for x in leaves(outcome.value)]
        want = [np.shape(x) for x in leaves(wanted_of(run, outcome))]
        if outcome.backwards:  # (the mechanism sums that of an operand without dimensions, given axis=0)
            got = [() if w == () and g == (1,) else g for g, w in zip(got, want, strict=True)]
        assert got == want, f"{outcome}: shape {got}, should be {want}"


def derivatives(run: Run) -> dict[str, Tree]:
    """The derivative along the direction of each operand, by differences."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: run.calls[name].derivative(name, d) for name, d in run.directions.items()}


def distance(got: Tree, want: Tree) -> float:
    """The largest difference, relative to the largest number (but not to less than one)."""
    worst = 0.0
    for a, b in zip(leaves(got), leaves(want), strict=True):
        a, b = (np.asarray(x + 0.0 if np.asarray(x).dtype.kind == "b" else x) for x in (a, b))
        if not b.size and not a.size:
            continue
        assert a.dtype.kind in "fciu", f"{a!r} is no number"
        gap = np.max(np.abs(a - b)) / max(1.0, np.max(np.abs(b)))
        worst = max(worst, float(gap) if np.isfinite(gap) else np.inf)
    return worst


def against_differences(run: Run, wanted: dict[str, Tree]) -> Iterator[tuple[Outcome, float]]:
    """How far each outcome is from the derivatives."""
    for outcome in run.outcomes:
        if outcome.backwards:
            (name,) = outcome.names
            left = pairing(run.out_bar, wanted[name])
            right = pairing(outcome.value, run.directions[name])
            yield outcome, abs(left - right) / size_of(run.out_bar, wanted[name])
            continue
        total = wanted[outcome.names[0]]
        for name in outcome.names[1:]:
            total = tree_map(lambda a, b: a + b, total, wanted[name])
        yield outcome, distance(outcome.value, total)


def against_another(run: Run, other: Run) -> Iterator[tuple[Outcome, float]]:
    """How far each outcome is from that of another run."""
    for a, b in zip(run.outcomes, other.outcomes, strict=True):
        yield a, distance(a.value, b.value)
