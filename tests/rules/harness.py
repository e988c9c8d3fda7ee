"""Samples of the rules; trees of numbers; calls of a rule's text as a Python function; its operations.

A sample is one call of an operation.  outcomes.py runs every form that the operation has on it, variants.py
makes others of it.  Values are trees: lists and tuples of arrays and numbers.  The pairing of cotangents with
tangents is the real part of the sum of products, without conjugation, as docs/design.md has it for complex
numbers.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import operator
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from srcdiff.rules.registry import OpRules, Rule

Fn = Callable[..., Any]
Tree = Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One call of an operation, and the positions (or names) of the arguments to differentiate."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    wrt: tuple[int | str, ...] = (0,)
    name: str = ""
    step: float = 1e-3


@dataclass(frozen=True, slots=True)
class Kink:
    """A point where the derivative is a convention: the partials (elementwise) or cotangents wanted there."""

    args: tuple[Any, ...]
    expected: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    out_bar: Any = 1.0


def sample_modules() -> list[ModuleType]:
    """The modules of samples; those of SciPy's functions where it is installed."""
    scipy = importlib.util.find_spec("scipy") is not None
    names = sorted(path.stem for path in Path(__file__).parent.glob("samples_*.py"))
    return [importlib.import_module(name) for name in names if scipy or not name.startswith("samples_scipy")]


# --- trees --------------------------------------------------------------------------------------------------


def tree_map(f: Fn, *trees: Tree) -> Tree:
    first = trees[0]
    if isinstance(first, (list, tuple)):
        items = [tree_map(f, *parts) for parts in zip(*trees, strict=True)]
        return items if isinstance(first, list) else tuple(items)
    return f(*trees)


def leaves(tree: Tree) -> Iterator[Any]:
    if isinstance(tree, (list, tuple)):
        for part in tree:
            yield from leaves(part)
    else:
        yield tree


def is_real_or_complex(leaf: Any) -> bool:
    """Whether a value can carry a derivative."""
    return not isinstance(leaf, (str, bool, type(None))) and np.asarray(leaf).dtype.kind in "fc"


def is_complex(leaf: Any) -> bool:
    return bool(np.asarray(leaf).dtype.kind == "c")


def random_like(tree: Tree, rng: np.random.Generator) -> Tree:
    def leaf(x: Any) -> Any:
        if not is_real_or_complex(x):
            return 0.0
        noise = rng.uniform(0.5, 1.5, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x))
        if is_complex(x):
            noise = noise + 1j * rng.uniform(-1.0, 1.0, np.shape(x))
        if isinstance(x, np.ndarray):
            made = np.empty_like(x, noise.dtype)  # (it lies in memory like x: order='K' would tell)
            made[...] = noise
            return made
        return noise[()] if isinstance(x, np.generic) else noise.item()

    return tree_map(leaf, tree)


def zeros_like(tree: Tree) -> Tree:
    return tree_map(lambda x: np.zeros_like(x) if isinstance(x, np.ndarray) else 0.0, tree)


def moved(tree: Tree, direction: Tree, step: float) -> Tree:
    return tree_map(lambda x, d: x + step * d if is_real_or_complex(x) else x, tree, direction)


def pairing(a: Tree, b: Tree) -> float:
    total = 0.0
    for x, y in zip(leaves(a), leaves(b), strict=True):
        total += float(np.real(np.sum(np.asarray(x) * np.asarray(y))))
    return total


def size_of(a: Tree, b: Tree) -> float:
    """The magnitude of the terms that ``pairing`` adds up: the scale of its rounding error."""
    parts = zip(leaves(a), leaves(b), strict=True)
    return 1.0 + sum(float(np.sum(np.abs(np.asarray(x) * np.asarray(y)))) for x, y in parts)


# --- calls --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Call:
    """A sample bound to the parameter names of a rule's text."""

    fn: Fn
    sample: Sample
    text: Fn
    operands: dict[str, Any]  # the active operands' values, by name
    sites: dict[str, list[int | str]]  # where each active operand stands in the call
    variadic: str = ""  # the operand that collects the remaining arguments, if any

    @classmethod
    def bind(cls, fn: Fn, rule: Rule, sample: Sample) -> Call:
        parameters = list(inspect.signature(rule.text).parameters.values())
        own = [p for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
        variadic = [i for i, p in enumerate(own) if p.kind is inspect.Parameter.VAR_POSITIONAL]
        rest = own[variadic[0]].name if variadic else ""
        sites: dict[str, list[int | str]] = {}
        for place in sample.wrt:
            if isinstance(place, str):
                sites[place] = [place]
            elif variadic and place >= variadic[0]:
                sites[rest] = list(range(variadic[0], len(sample.args)))
            else:
                sites[own[place].name] = [place]
        operands = {}
        for name, places in sites.items():
            values = [sample.kwargs[p] if isinstance(p, str) else sample.args[p] for p in places]
            operands[name] = tuple(values) if name == rest else values[0]
        return cls(fn, sample, rule.text, operands, sites, rest)

    def run(self, replaced: dict[str, Tree] | None = None) -> Tree:
        """The operation itself, with some operands replaced."""
        args, kwargs = list(self.sample.args), dict(self.sample.kwargs)
        for name, value in (replaced or {}).items():
            for k, place in enumerate(self.sites[name]):
                part = value[k] if name == self.variadic else value
                if isinstance(place, str):
                    kwargs[place] = part
                else:
                    args[place] = part
        return self.fn(*args, **kwargs)

    def rule(self, **extra: Any) -> Any:
        """The rule's text, given those of the extra names that it asks for."""
        asked = {
            name
            for name, p in inspect.signature(self.text).parameters.items()
            if p.kind is inspect.Parameter.KEYWORD_ONLY
        }
        given = {name: value for name, value in extra.items() if name in asked}
        assert asked <= set(given), f"{self.text.__name__} asks for {sorted(asked - set(given))}"
        return self.text(*self.sample.args, **self.sample.kwargs, **given)

    def derivative(self, name: str, direction: Tree) -> Tree:
        """The derivative along a direction of one operand, by central differences of fourth order."""
        h = self.sample.step

        def at(step: float) -> Tree:
            return self.run({name: moved(self.operands[name], direction, step)})

        def leaf(a: Any, b: Any, c: Any, d: Any) -> Any:
            if not is_real_or_complex(a):
                return 0.0
            return (8.0 * (np.asarray(b) - np.asarray(c)) - (np.asarray(a) - np.asarray(d))) / (12.0 * h)

        return tree_map(leaf, at(2 * h), at(h), at(-h), at(-2 * h))


def extra_parameters(text: Fn) -> list[str]:
    parameters = inspect.signature(text).parameters.values()
    return [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]


# --- kinks --------------------------------------------------------------------------------------------------


def check_kink(fn: Fn, rules: OpRules, kink: Kink) -> None:
    """The convention at a kink: the partials, or the cotangents of ``out_bar``; that modes agree on it."""
    rule = rules.elementwise or rules.linear or rules.bilinear or rules.pullback
    assert rule is not None
    call = Call(fn, Sample(kink.args, kink.kwargs), rule.text, {}, {})
    with np.errstate(all="ignore"):
        out = call.run()
        got = call.rule(out=out, out_bar=kink.out_bar)
    got = got if isinstance(got, tuple) else (got,)
    assert len(got) == len(kink.expected)
    for value, wanted in zip(got, kink.expected, strict=True):
        if wanted is not None:
            np.testing.assert_allclose(np.asarray(value), np.asarray(wanted), rtol=1e-12, atol=1e-300)
    if rules.differential is not None:
        rng = np.random.default_rng(7)
        bound = inspect.signature(rule.text).bind_partial(*kink.args, **kink.kwargs).arguments
        bars = {name: bar for name, bar in zip(rule.operands, got, strict=True) if name in bound}
        dots = {f"{name}_dot": 0.0 for name in rule.operands} | {
            f"{name}_dot": random_like(bound[name], rng) for name in bars
        }
        out_dot = Call(fn, call.sample, rules.differential.text, {}, {}).rule(out=out, **dots)
        right = sum(pairing(bar, dots[f"{name}_dot"]) for name, bar in bars.items())
        np.testing.assert_allclose(pairing(kink.out_bar, out_dot), right, rtol=1e-12, atol=1e-14)


def assert_unchanged(value: Tree, wanted: Tree) -> None:
    for got, want in zip(leaves(value), leaves(wanted), strict=True):
        if isinstance(got, np.ndarray):
            np.testing.assert_array_equal(got, want, err_msg="a rule changed its argument")


# --- aliasing -----------------------------------------------------------------------------------------------


def shares_memory(value: Tree, args: Tree) -> bool:
    arrays = [x for x in leaves(value) if isinstance(x, np.ndarray)]
    return any(
        np.may_share_memory(x, y) and np.shares_memory(x, y)
        for x in arrays
        for y in leaves(args)
        if isinstance(y, np.ndarray)
    )


# --- closure ------------------------------------------------------------------------------------------------

OPERATORS: dict[type[ast.AST], Fn] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
    ast.MatMult: operator.matmul, ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
    ast.Not: operator.not_, ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: operator.contains, ast.NotIn: operator.contains,
}  # fmt: skip

CANONICAL: dict[Fn, Fn] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
    np.negative: operator.neg, np.positive: operator.pos, np.power: operator.pow, np.matmul: operator.matmul,
    np.floor_divide: operator.floordiv, np.mod: operator.mod, np.abs: operator.abs, abs: operator.abs,
    np.equal: operator.eq, np.not_equal: operator.ne, np.less: operator.lt, np.less_equal: operator.le,
    np.greater: operator.gt, np.greater_equal: operator.ge,
}  # fmt: skip

LOWERED: set[Fn] = {
    tuple, list, sum, min, max, sorted, reversed, enumerate, zip, slice, all, any, NotImplementedError,
}  # fmt: skip
"""Builtins that the front end lowers itself, or that only handle axes in rules."""


def operations_of(text: Fn) -> Iterator[tuple[str, Fn | None]]:
    """The operations that a rule's text uses, as (spelling, function); None where a name is not resolved."""
    assert isinstance(text, FunctionType)
    tree = ast.parse(textwrap.dedent(inspect.getsource(text)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    for node in (n for statement in definition.body for n in ast.walk(statement)):
        if isinstance(node, (ast.BinOp, ast.UnaryOp)):
            yield type(node.op).__name__, OPERATORS.get(type(node.op))
        elif isinstance(node, ast.Compare):
            for op in node.ops:
                yield type(op).__name__, OPERATORS[type(op)]
        elif isinstance(node, ast.Call):
            found = resolve(node.func, text)
            yield ast.unparse(node.func), CANONICAL.get(found, found) if found is not None else None


def is_rule_text(fn: Any) -> bool:
    """Whether a function is a part of a rule's text, and is read with it; or an error that it raises."""
    if isinstance(fn, type) and issubclass(fn, Exception):
        return True
    return isinstance(fn, FunctionType) and str(fn.__module__).startswith("srcdiff.rules.")


def resolve(node: ast.expr, text: FunctionType) -> Any:
    """What a name or a dotted name in a rule's text stands for; a method counts as NumPy's function."""
    if isinstance(node, ast.Name):
        builtins = text.__globals__["__builtins__"]
        builtins = builtins if isinstance(builtins, dict) else vars(builtins)
        held = dict(zip(text.__code__.co_freevars, text.__closure__ or (), strict=True))
        if node.id in held:
            return held[node.id].cell_contents
        return text.__globals__.get(node.id, builtins.get(node.id))
    if isinstance(node, ast.Attribute):
        base = resolve(node.value, text)
        if inspect.ismodule(base):
            return getattr(base, node.attr, None)
        return METHODS.get(node.attr)
    return None


MAPPED: list[Any] = [
    np.sum, np.mean, np.prod, np.max, np.min, np.std, np.var, np.any, np.all, np.cumsum, np.argsort,
    np.argmax, np.argmin, np.ravel, np.reshape, np.transpose, np.squeeze, np.swapaxes, np.take, np.repeat,
    np.copy, np.diagonal, np.trace, np.conj, np.astype,
]  # fmt: skip
METHODS: dict[str, Fn] = {fn.__name__: fn for fn in MAPPED}
"""Methods that the front end maps to functions of NumPy."""
