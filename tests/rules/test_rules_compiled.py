"""Every rule as users meet it: read by the front end, in both modes and to second order, against differences.

For each function of the rule table a program, ``np.sum(np.sin(f(...)))``, is written and differentiated
in all of its operands; then in a part of them, and in single precision.  The direct tests beside this one
check the rules' own texts; this one, what becomes of them when emitted.  The default run has one sample of
each rule (of the distributions' methods, of a quarter) and one part of the operands; SRCDIFF_ALL=1 has three,
and all parts.
"""

from __future__ import annotations

import importlib.util
import operator
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import variants  # noqa: E402
from harness import sample_modules  # noqa: E402

from srcdiff import grad, jvp, runtime  # noqa: E402
from srcdiff.emit.spelling import home_of  # noqa: E402

INFIX: dict[Any, str] = {
    operator.add: "({} + {})", operator.sub: "({} - {})", operator.mul: "({} * {})",
    operator.truediv: "({} / {})", operator.pow: "({} ** {})", operator.matmul: "({} @ {})",
    operator.mod: "({} % {})", operator.neg: "(-{})", operator.pos: "(+{})", operator.abs: "abs({})",
}  # fmt: skip
LEFT_OUT: dict[Any, str] = {
    runtime.einsum_bar: "called with a display of arrays only",
    runtime.multi_dot_bar: "called with a display of arrays only",
    np.unique: "return_index= is refused",
    np.float16: "too coarse for differences by steps of 1e-6",
    np.float32: "too coarse for differences by steps of 1e-6",
    np.i0: "the sine of its values is too fast for differences",
    runtime.bessel_i: "the sine of its values is too fast for differences",
    np.geomspace: "a number beside an array of ends fails when run, in forward mode",
}


ALL = bool(os.environ.get("SRCDIFF_ALL"))


class Case(NamedTuple):
    """A program, its arguments, and how many of them (the first) are its operands."""

    name: str
    args: list[Any]
    active: int


def literal(v: Any) -> bool:
    return v is None or isinstance(v, (bool, int, str)) or (isinstance(v, tuple) and all(map(literal, v)))


def spelled(fn: Any, texts: list[str]) -> str | None:
    if fn in INFIX:
        return INFIX[fn].format(*texts)
    home = home_of(fn)
    if home is None:
        return None
    module, name = home[0].__name__, home[1]
    prefix = {"builtins": "", "srcdiff.runtime": "runtime."}.get(module, module.replace("numpy", "np") + ".")
    return f"{prefix}{name}({', '.join(texts)})"


def is_pair(fn: Any) -> bool:
    """Whether a function has several results, each made element by element."""
    return isinstance(fn, np.ufunc) and fn.nout > 1


COMPLEX = ("roots", "eigvals")  # complex results, or real ones that count as such: harness tests them


def usable(fn: Any, sample: Any) -> bool:
    """Whether the sample is one real operand to differentiate in, a real result and plain options."""
    if fn in LEFT_OUT or not sample.wrt or not isinstance(sample.wrt[0], int):
        return False
    if str(getattr(fn, "__name__", "")).endswith(COMPLEX):
        return False
    x = sample.args[sample.wrt[0]]
    if not isinstance(x, float) and not (isinstance(x, np.ndarray) and x.size and x.dtype == float):
        return False
    if any(np.iscomplexobj(a) for a in sample.args if isinstance(a, (np.ndarray, complex))):
        return False
    if not all(map(literal, sample.kwargs.values())):
        return False
    y = fn(*sample.args, **sample.kwargs)
    if is_pair(fn):
        return all(np.asarray(part).dtype.kind == "f" and np.asarray(part).size > 0 for part in y)
    if type(getattr(fn, "__self__", None)).__name__ == "multinomial_gen":
        return False  # it warns off the simplex; test_scipy.py stays on it
    return not isinstance(y, (tuple, list)) and np.asarray(y).dtype.kind == "f" and np.asarray(y).size > 0


def all_samples() -> dict[Any, list[Any]]:
    out: dict[Any, list[Any]] = {}
    for module in sample_modules():
        out.update(module.SAMPLES)
    return out


def is_operand(x: Any) -> bool:
    return isinstance(x, float) or (isinstance(x, np.ndarray) and bool(x.size) and x.dtype == float)


def chosen(fn: Any, samples: list[Any]) -> list[Any]:
    """The samples of a rule to try: of the first three, that with most operands, in most dimensions."""
    found = [s for s in samples[:3] if usable(fn, s)]
    if ALL or not found:
        return found
    owner = type(getattr(fn, "__self__", None)).__name__
    if owner.endswith("_gen") and zlib.crc32(f"{owner} {fn.__name__}".encode()) % 4:
        return []
    if (getattr(fn, "__module__", None) or "").endswith("matfuncs"):
        return found[:1]  # (stacks of matrices take seconds)
    return [max(found, key=lambda s: (len(s.wrt), np.ndim(s.args[s.wrt[0]])))]


def programs() -> tuple[str, list[Case]]:
    """One function for each of the first samples of each rule, and its arguments."""
    table = all_samples()
    text = ["import math", "import numpy as np", "from srcdiff import runtime"]
    parts = [name for name in sorted(sys.modules) if name.startswith("scipy.") and "._" not in name]
    text += [f"import {name}" for name in parts if name.count(".") == 1]
    text.append("")
    cases: list[Case] = []
    for fn, samples in table.items():
        for sample in chosen(fn, samples):
            at = [k for k in sample.wrt if isinstance(k, int) and is_operand(sample.args[k])]
            given = [k for k, v in enumerate(sample.args) if k in at or not literal(v)]
            texts = [f"a{k}" if k in given else repr(v) for k, v in enumerate(sample.args)]
            call = spelled(fn, [*texts, *(f"{k}={v!r}" for k, v in sample.kwargs.items())])
            if call is None:
                continue
            order = [*at, *(k for k in given if k not in at)]
            name = f"f{len(cases)}_{getattr(fn, '__name__', 'f').strip('_')}"
            head = f"def {name}({', '.join(f'a{k}' for k in order)}):"
            parts = range(fn.nout) if is_pair(fn) else ()
            waves = [f"np.sum(np.sin({k + 1} * t[{k}]))" for k in parts] or ["np.sum(np.sin(t))"]
            text += [head, f"    t = {call}", f"    return {' + '.join(waves)}", ""]
            cases.append(Case(name, [sample.args[k] for k in order], len(at)))
    return "\n".join(text), cases


TEXT, CASES = programs()


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("rules") / "compiled_rules.py"
    path.write_text(TEXT, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("compiled_rules", path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_most_rules_are_here() -> None:
    assert len(CASES) > 500


def moved(args: list[Any], directions: list[Any], h: float) -> list[Any]:
    return [a if v is None else a + h * v for a, v in zip(args, directions, strict=True)]


def along(bars: Any, directions: list[Any]) -> Any:
    return sum(np.sum(bar * v) for bar, v in zip(bars, directions, strict=False))


def parts_of(case: Case) -> Iterator[tuple[int, ...]]:
    """Operands to differentiate in, fewer than all: one choice of them, or every one."""
    every = [p for n in range(1, case.active) for p in combinations(range(case.active), n)]
    yield from every if ALL or not every else [every[zlib.crc32(case.name.encode()) % len(every)]]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_compiled(case: Case, module: Any) -> None:
    f: Callable[..., Any] = getattr(module, case.name)
    args, wrt = case.args, tuple(range(case.active))
    rng = np.random.default_rng(0)
    v = [rng.normal(size=np.shape(x)) if isinstance(x, np.ndarray) else 1.0 for x in args[: case.active]]
    v += [None] * (len(args) - case.active)
    gradient = grad(f, wrt=wrt)
    h = 1e-6
    expected = (f(*moved(args, v, h)) - f(*moved(args, v, -h))) / (2 * h)
    near = 1e-5 * (1.0 + abs(expected))
    bars = gradient(*args)
    assert abs(along(bars, v) - expected) <= near, "reverse"
    assert abs(jvp(f, tuple(args), tuple(v))[1] - expected) <= near, "forward"
    h = 1e-5
    after, before = gradient(*moved(args, v, h)), gradient(*moved(args, v, -h))
    dots = jvp(gradient, tuple(args), tuple(v))[1]
    for got, a, b in zip(dots, after, before, strict=True):
        second = (a - b) / (2 * h)
        np.testing.assert_allclose(got, second, rtol=1e-3, atol=1e-4 * (1.0 + np.abs(second).max()))
    for part in parts_of(case):
        some = grad(f, wrt=part)(*args)
        for k, bar in zip(part, some, strict=True):
            np.testing.assert_allclose(bar, bars[k], rtol=1e-12, atol=1e-12, err_msg=f"in {part} alone")
        still = [x if k in part else None for k, x in enumerate(v)]
        _, dot = jvp(f, tuple(args), tuple(still))
        assert abs(dot - sum(np.sum(bars[k] * v[k]) for k in part)) <= near, f"forward in {part} alone"


NARROW = [
    c for c in CASES if isinstance(c.args[0], np.ndarray) and (ALL or zlib.crc32(c.name.encode()) % 4 == 0)
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", NARROW, ids=lambda c: c.name)
def test_single_precision_is_kept(case: Case, module: Any) -> None:
    """What gives single precision for it has derivatives in it: gradients, and tangents."""
    f: Callable[..., Any] = getattr(module, case.name)
    args = [variants.narrow(x) for x in case.args]
    if variants.taken(f, variants.Sample(tuple(args))) is None or np.asarray(f(*args)).dtype != np.float32:
        return
    v = [np.ones_like(x) if isinstance(x, np.ndarray) else 1.0 for x in args[: case.active]]
    dot = jvp(f, tuple(args), (*v, *[None] * (len(args) - case.active)))[1]
    assert np.asarray(dot).dtype == np.float32
    bars = grad(f, wrt=tuple(range(case.active)))(*args)
    for x, bar in zip(args, bars, strict=False):
        assert not isinstance(x, np.ndarray) or bar.dtype == x.dtype
    exact = jvp(f, tuple(case.args), (*map(np.float64, v), *[None] * (len(args) - case.active)))[1]
    assert abs(dot - exact) <= 1e-3 * (1.0 + abs(exact))
