"""Every rule as users meet it: read by the front end, in both modes and to second order, against differences.

For each function of the rule table a program, ``np.sum(np.sin(f(...)))``, is written and differentiated.
The direct tests beside this one check the rules' own texts; this one, what becomes of them when emitted.
"""

from __future__ import annotations

import importlib.util
import operator
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

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


def programs() -> tuple[str, list[tuple[str, list[Any]]]]:
    """One function for each of the first samples of each rule, and its arguments."""
    table = all_samples()
    text = ["import math", "import numpy as np", "from srcdiff import runtime"]
    parts = [name for name in sorted(sys.modules) if name.startswith("scipy.") and "._" not in name]
    text += [f"import {name}" for name in parts if name.count(".") == 1]
    text.append("")
    cases: list[tuple[str, list[Any]]] = []
    for fn, samples in table.items():
        for sample in [s for s in samples[:3] if usable(fn, s)]:
            at = sample.wrt[0]
            given = [k for k, v in enumerate(sample.args) if k == at or not literal(v)]
            texts = [f"a{k}" if k in given else repr(v) for k, v in enumerate(sample.args)]
            call = spelled(fn, [*texts, *(f"{k}={v!r}" for k, v in sample.kwargs.items())])
            if call is None:
                continue
            order = [at, *(k for k in given if k != at)]
            name = f"f{len(cases)}_{getattr(fn, '__name__', 'f').strip('_')}"
            head = f"def {name}({', '.join(f'a{k}' for k in order)}):"
            parts = range(fn.nout) if is_pair(fn) else ()
            waves = [f"np.sum(np.sin({k + 1} * t[{k}]))" for k in parts] or ["np.sum(np.sin(t))"]
            text += [head, f"    t = {call}", f"    return {' + '.join(waves)}", ""]
            cases.append((name, [sample.args[k] for k in order]))
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
    assert len(CASES) > 600


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_compiled(case: tuple[str, list[Any]], module: Any) -> None:
    name, (x, *rest) = case
    f: Callable[..., Any] = getattr(module, name)
    v = np.random.default_rng(0).normal(size=np.shape(x)) if isinstance(x, np.ndarray) else 1.0
    still = [None] * len(rest)
    h = 1e-6
    expected = (f(x + h * v, *rest) - f(x - h * v, *rest)) / (2 * h)
    near = 1e-5 * (1.0 + abs(expected))
    assert abs(np.sum(grad(f)(x, *rest) * v) - expected) <= near, "reverse"
    assert abs(jvp(f, (x, *rest), (v, *still))[1] - expected) <= near, "forward"
    h = 1e-5
    second = (grad(f)(x + h * v, *rest) - grad(f)(x - h * v, *rest)) / (2 * h)
    got = jvp(grad(f), (x, *rest), (v, *still))[1]
    np.testing.assert_allclose(got, second, rtol=1e-3, atol=1e-4 * (1.0 + np.abs(second).max()))
