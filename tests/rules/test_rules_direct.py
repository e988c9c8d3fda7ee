"""The whole rule table, each rule run directly as Python on its samples."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import srcdiff.rules  # noqa: F401  (fills the table)
from srcdiff.rules import registry

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

import harness  # noqa: E402  (found by the path set above)
from harness import Fn, Kink, Sample  # noqa: E402

TABLE = registry.rules_table()
MODULES: list[ModuleType] = harness.sample_modules()


def gather(attribute: str) -> dict[Fn, list[Any]]:
    gathered: dict[Fn, list[Any]] = {}
    for module in MODULES:
        for fn, items in getattr(module, attribute, {}).items():
            gathered.setdefault(fn, []).extend(items)
    return gathered


SAMPLES: dict[Fn, list[Sample]] = gather("SAMPLES")
KINKS: dict[Fn, list[Kink]] = gather("KINKS")
FORMS = ("elementwise", "linear", "bilinear", "differential", "pullback")


def full_name(fn: Fn) -> str:
    module = getattr(fn, "__module__", None) or "numpy"
    return f"{module.replace('_operator', 'operator')}.{getattr(fn, '__name__', repr(fn))}"


def rules_of(entry: registry.OpRules) -> list[registry.Rule]:
    return [getattr(entry, form) for form in FORMS if getattr(entry, form) is not None]


def cases(table: dict[Fn, list[Any]]) -> list[Any]:
    return [
        pytest.param(fn, item, id=f"{full_name(fn)}-{item.name or k}")
        for fn, items in table.items()
        for k, item in enumerate(items)
    ]


TRANSPOSED: set[Fn] = {np.histogram}  # reverse mode transposes the text: tests/rulebook.py has calls of these
DIFFERENTIABLE = [
    pytest.param(fn, entry, id=full_name(fn))
    for fn, entry in TABLE.items()
    if rules_of(entry) and not registry.is_joined(fn)  # (test_scipy_solvers.py has those)
]
OWN = {fn: entry for fn, entry in TABLE.items() if not registry.is_joined(fn)}
TEXTS = {rule.text: rule.form for entry in OWN.values() for rule in rules_of(entry)}


@pytest.mark.filterwarnings("ignore:Some rows of `p`:FutureWarning")  # (differences leave the simplex)
@pytest.mark.parametrize(("fn", "sample"), cases(SAMPLES))
def test_rule(fn: Fn, sample: Sample) -> None:
    assert fn in TABLE, f"samples of {full_name(fn)}, which has no rule"
    before = copy.deepcopy((sample.args, sample.kwargs))
    harness.check_sample(fn, TABLE[fn], sample)
    harness.assert_unchanged([*sample.args, *sample.kwargs.values()], [*before[0], *before[1].values()])


@pytest.mark.parametrize(("fn", "kink"), cases(KINKS))
def test_convention_at_kink(fn: Fn, kink: Kink) -> None:
    harness.check_kink(fn, TABLE[fn], kink)


@pytest.mark.parametrize(("fn", "entry"), DIFFERENTIABLE)
def test_every_operand_has_a_sample(fn: Fn, entry: registry.OpRules) -> None:
    assert SAMPLES.get(fn), f"{full_name(fn)} has a rule and no samples"
    for rule in rules_of(entry):
        seen = {name for s in SAMPLES[fn] for name in harness.Call.bind(fn, rule, s).operands}
        wanted = set(rule.operands)
        if rule.form == "elementwise":
            wanted -= operands_without_derivative(fn, rule)
        assert wanted <= seen, f"{rule.form} rule of {full_name(fn)}: no sample for {sorted(wanted - seen)}"


def operands_without_derivative(fn: Fn, rule: registry.Rule) -> set[str]:
    never = set(rule.operands)
    for sample in SAMPLES[fn]:
        with np.errstate(all="ignore"):
            out = fn(*sample.args, **sample.kwargs)
            extra = {"out": out} if "out" in harness.extra_parameters(rule.text) else {}
            partials = rule.text(*sample.args, **sample.kwargs, **extra)
        partials = partials if isinstance(partials, tuple) else (partials,)
        never -= {name for name, p in zip(rule.operands, partials, strict=True) if p is not None}
    return never


@pytest.mark.parametrize(("fn", "entry"), DIFFERENTIABLE)
def test_rule_is_complete(fn: Fn, entry: registry.OpRules) -> None:
    """A function with a derivative is not called constant."""
    assert not entry.constant, f"{full_name(fn)} has a rule and is called nondifferentiable"
    assert rules_of(entry), f"{full_name(fn)} has no rule"  # (one mode is the other, transposed)


@pytest.mark.parametrize(
    "text", [pytest.param(t, id=f"{t.__module__}.{t.__name__}-{f}") for t, f in TEXTS.items()]
)
def test_rule_uses_only_known_operations(text: Fn) -> None:
    """The closure of the table: what a rule calls has a rule, carries no derivative, is pure, or is read."""
    for spelling, found in harness.operations_of(text):
        assert found is not None, f"{spelling}: not an operation that can be resolved"
        known = registry.is_known(found) or found in harness.LOWERED or harness.is_rule_text(found)
        assert known or registry.definitions_of(found), f"{spelling} is not in the rule table"


@pytest.mark.parametrize(("fn", "sample"), cases(SAMPLES))
def test_fresh_results_share_no_memory(fn: Fn, sample: Sample) -> None:
    if registry.returns_fresh(fn):
        with np.errstate(all="ignore"):
            out = fn(*sample.args, **sample.kwargs)
        assert not harness.shares_memory(out, [list(sample.args), list(sample.kwargs.values())])
