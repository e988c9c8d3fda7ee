"""The whole rule table, each rule run directly as Python on its samples and on the variants of these.

The default run tries the variants of some samples of each rule; SRCDIFF_ALL=1, of all.
"""

from __future__ import annotations

import ast
import copy
import inspect
import os
import sys
import textwrap
import warnings
import zlib
from collections.abc import Callable, Iterator
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
import outcomes  # noqa: E402
import tolerances  # noqa: E402
import variants  # noqa: E402
from harness import Fn, Kink, Sample  # noqa: E402

ALL = bool(os.environ.get("SRCDIFF_ALL"))
MODULES: list[ModuleType] = harness.sample_modules()
TABLE = registry.rules_table()


def gather(attribute: str) -> dict[Fn, list[Any]]:
    gathered: dict[Fn, list[Any]] = {}
    for module in MODULES:
        for fn, items in getattr(module, attribute, {}).items():
            gathered.setdefault(fn, []).extend(items)
    return gathered


SAMPLES: dict[Fn, list[Sample]] = gather("SAMPLES")
KINKS: dict[Fn, list[Kink]] = gather("KINKS")


def full_name(fn: Fn) -> str:
    module = getattr(fn, "__module__", None) or "numpy"
    return f"{module.replace('_operator', 'operator')}.{getattr(fn, '__name__', repr(fn))}"


def marked(fn: Fn, name: str) -> str:
    """A name for a test: of a method, with whose it is."""
    owner = getattr(fn, "__self__", None)
    return name if owner is None or isinstance(owner, ModuleType) else f"{name}-{type(owner).__name__}"


# (test_scipy_solvers.py has those that are joined)
OWN = {
    fn: entry
    for fn, entry in TABLE.items()
    if not registry.is_joined(fn) and not str(getattr(fn, "__module__", "")).startswith("corpus")
}  # (without the rules that programs of other tests add)
DIFFERENTIABLE = {fn: entry for fn, entry in OWN.items() if outcomes.rules_of(entry)}
TEXTS = {rule.text: rule.form for entry in OWN.values() for rule in outcomes.rules_of(entry)}


# --- samples and their variants -----------------------------------------------------------------------------

Check = Callable[[], None]


def checks(fn: Fn, sample: Sample, plain: bool) -> Iterator[tuple[str, Check]]:
    """What is to be checked of a rule at one sample: the call itself, and (unless ``plain``) its variants."""
    rules, name = TABLE[fn], full_name(fn)
    far = tolerances.of_differences(name)
    made: list[outcomes.Run] = []

    def near(found: Iterator[tuple[outcomes.Outcome, float]], most: float) -> None:
        for outcome, distance in sorted(found, key=lambda f: -f[1]):
            assert distance <= most, f"{outcome}: off by {distance:.1e}, allowed are {most:.0e}"

    def itself() -> None:
        before = copy.deepcopy((sample.args, sample.kwargs))
        made.append(outcomes.run(fn, rules, sample))
        harness.assert_unchanged([*sample.args, *sample.kwargs.values()], [*before[0], *before[1].values()])
        outcomes.check_shapes(made[0])
        near(outcomes.against_differences(made[0], outcomes.derivatives(made[0])), far)
        if registry.returns_fresh(fn):
            assert not harness.shares_memory(made[0].out, [list(sample.args), list(sample.kwargs.values())])

    def differenced(variant: Sample) -> None:
        if variants.taken(fn, variant) is None:
            return
        run = outcomes.run(fn, rules, variant)
        outcomes.check_shapes(run)
        near(outcomes.against_differences(run, outcomes.derivatives(run)), far)

    def laid_out(variant: Sample) -> None:
        if variants.taken(fn, variant) is None or not made:
            return
        run = outcomes.run(fn, rules, variant, made[0])
        outcomes.check_shapes(run)
        if outcomes.distance(run.out, made[0].out) < 1e-9:
            near(outcomes.against_another(run, made[0]), tolerances.MEMORY)
        else:  # the function reads the array as it lies in memory
            near(outcomes.against_differences(run, outcomes.derivatives(run)), far)

    def single() -> None:
        wide, thin = variants.single(sample)
        if variants.taken(fn, wide) is None or variants.taken(fn, thin) is None or not made:
            return
        double = outcomes.run(fn, rules, wide, made[0])
        run = outcomes.run(fn, rules, thin, double)
        outcomes.check_shapes(run)
        if outcomes.distance(run.out, double.out) < 1e-2:  # (the signs of eigenvectors may be others)
            near(outcomes.against_another(run, double), tolerances.of_single(name))

    def without_entries(variant: Sample) -> None:
        if variants.taken(fn, variant) is not None:
            outcomes.check_shapes(outcomes.run(fn, rules, variant))

    yield "", itself
    if plain or not sample.wrt:
        return
    in_memory = list(variants.layouts(sample))
    for k, (what, variant) in enumerate(in_memory):
        if ALL or k == zlib.crc32(sample.name.encode()) % len(in_memory):
            yield what, lambda variant=variant: laid_out(variant)
    yield "single precision", single
    of_complex = variants.of_complex(fn, sample)
    if of_complex is not None and not tolerances.left_out(tolerances.NO_COMPLEX, name):
        yield "complex", lambda: differenced(of_complex)
    if not tolerances.left_out(tolerances.NO_NUMBERS, name):
        for what, variant in variants.zero_dimensional(sample):
            yield what, lambda variant=variant: differenced(variant)
    if not tolerances.left_out(tolerances.NO_EMPTY, name):
        for what, variant in variants.empty(sample):
            yield what, lambda variant=variant: without_entries(variant)


def failures(fn: Fn) -> Iterator[str]:
    slow = tolerances.left_out(tolerances.SLOW, full_name(fn))
    for k, sample in enumerate(SAMPLES[fn]):
        for what, check in checks(fn, sample, plain=not ALL and (slow or k % 4 > 0)):
            try:
                check()
            except Exception as e:
                if what and isinstance(e, (NotImplementedError, np.linalg.LinAlgError)):
                    continue  # the rule does not hold for the variant, and says so
                where = ", ".join(str(part) for part in (sample.name or k, what) if part != "")
                yield f"sample {where}: {type(e).__name__}: {e}"


@pytest.mark.parametrize("fn", [pytest.param(fn, id=marked(fn, full_name(fn))) for fn in SAMPLES])
def test_rule(fn: Fn) -> None:
    """Each sample, and its variants: in other memory, in single precision, complex, 0-d, empty."""
    assert fn in TABLE, f"samples of {full_name(fn)}, which has no rule"
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = list(failures(fn))
    assert not found, "\n".join([f"{len(found)} failures:", *found[:8]])


@pytest.mark.parametrize(
    ("fn", "kink"),
    [
        pytest.param(fn, item, id=f"{full_name(fn)}-{item.name or k}")
        for fn, items in KINKS.items()
        for k, item in enumerate(items)
    ],
)
def test_convention_at_kink(fn: Fn, kink: Kink) -> None:
    harness.check_kink(fn, TABLE[fn], kink)


def test_exceptions_are_of_rules() -> None:
    """What the tables of exceptions name has samples."""
    names = {full_name(fn) for fn in SAMPLES}
    parts = [*tolerances.DIFFERENCES, *tolerances.SINGLE, *tolerances.NO_COMPLEX, *tolerances.NO_NUMBERS]
    for part in (*parts, *tolerances.NO_EMPTY):
        if not part.startswith("scipy") or any(name.startswith("scipy") for name in names):
            assert any(name.startswith(part) for name in names), part


# --- the table ----------------------------------------------------------------------------------------------


def test_every_operand_has_a_sample() -> None:
    lacking = []
    for fn, entry in DIFFERENTIABLE.items():
        if not SAMPLES.get(fn):
            lacking.append(f"{full_name(fn)} has a rule and no samples")
            continue
        for rule in outcomes.rules_of(entry):
            seen = {name for s in SAMPLES[fn] for name in harness.Call.bind(fn, rule, s).operands}
            left = set(rule.operands) - seen
            if left and rule.form == "elementwise":
                left -= operands_without_derivative(fn, rule)
            if left:
                lacking.append(f"{rule.form} rule of {full_name(fn)}: no sample for {sorted(left)}")
    assert not lacking, "\n".join(lacking)


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


def test_rules_are_complete() -> None:
    """A function with a derivative is not called constant, and one that is in the table has a derivative."""
    for fn, entry in OWN.items():
        rules = outcomes.rules_of(entry)
        assert not (entry.constant and rules), f"{full_name(fn)} has a rule and is called nondifferentiable"
        assert entry.constant or rules or registry.definitions_of(fn), f"{full_name(fn)} has no rule"


def refusals(text: Fn, seen: tuple[Fn, ...] = ()) -> set[str]:
    """The errors that a text raises, or a part of it in the rules or the runtime."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(text)))):
        if isinstance(node, ast.Raise) and node.exc is not None:
            found.add(ast.unparse(node.exc))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            part = text.__globals__.get(node.func.id)
            ours = inspect.isfunction(part) and part.__module__.startswith("srcdiff.r")
            if ours and part not in (*seen, text):
                found |= refusals(part, (*seen, text))
    return found


def test_modes_refuse_alike() -> None:
    """A text that raises has a mate that raises for the same; else the other mode holds there."""
    uneven = set()
    for fn, entry in DIFFERENTIABLE.items():
        rules = outcomes.rules_of(entry)
        if len({str(sorted(refusals(rule.text))) for rule in rules}) > 1:
            uneven.add(full_name(fn))
    if any("scipy" in m.__name__ for m in MODULES):
        assert uneven == set(tolerances.ONE_MODE)


def test_rules_use_only_known_operations() -> None:
    """The closure of the table: what a rule calls has a rule, or carries no derivative, or is pure."""
    unknown = []
    for text in TEXTS:
        for spelling, found in harness.operations_of(text):
            where = f"{spelling} in {text.__module__}.{text.__name__}"
            if found is None:
                unknown.append(f"{where}: not an operation that can be resolved")
                continue
            known = registry.is_known(found) or found in harness.LOWERED or harness.is_rule_text(found)
            if not known and not registry.definitions_of(found):
                unknown.append(f"{where} is not in the rule table")
    assert not unknown, "\n".join(unknown)
