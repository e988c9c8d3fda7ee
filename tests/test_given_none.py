"""Options that are given as None (``axis=None``): no derivative is lost."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from typing import Any

import numpy as np
import pytest
from judging import uncompiled
from test_rulebook import variables

import rulebook as calls
from srcdiff import check_rule, grad, hessian, jvp, value_and_grad, vmap

NAMES = {"numpy": np, "np": np, **calls.VALUES}
X = np.linspace(0.4, 1.9, 6).reshape(2, 3)


def function(call: ast.Call) -> Any:
    """The function of NumPy that is called; behind a method, the one of its name."""
    if not isinstance(call.func, ast.Attribute):
        return None
    if isinstance(call.func.value, ast.Name) and call.func.value.id in calls.VALUES:
        return getattr(np, call.func.attr, None)
    text = ast.unparse(call.func)
    return eval(text, NAMES) if text.startswith("np.") and "(" not in text else None


def usual(fn: Any) -> list[str]:
    """The parameters that are None where they are left out."""
    try:
        params = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in params if p.default is None and p.kind is not p.POSITIONAL_ONLY]


def with_nones(line: str) -> str | None:
    """The line with all such options of its calls given; None where there are none."""
    tree = ast.parse(line)
    changed = False
    for call in [n for n in ast.walk(tree) if isinstance(n, ast.Call)]:
        fn = function(call)
        if not callable(fn) or isinstance(fn, type):
            continue
        words = list(inspect.signature(fn).parameters) if usual(fn) else []
        owned = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in calls.VALUES
        given = {*words[: len(call.args) + owned], *(k.arg for k in call.keywords)}
        more = [w for w in usual(fn) if w not in given and not (owned and w == "shape")]
        call.keywords += [ast.keyword(w, ast.Constant(None)) for w in more]
        changed |= bool(more)
    text = ast.unparse(tree)
    if not changed:
        return None
    try:
        same = eval(text, dict(NAMES)), eval(line, dict(NAMES))
        np.testing.assert_equal(*same)
    except Exception:  # (NumPy itself refuses: two of the options exclude each other, a method has fewer)
        return None
    return text


def first_lines() -> list[str]:
    found = []
    for lines in calls.CALLS.values():
        given = next(filter(None, map(with_nones, lines)), None)
        found += [given] if given else []
    return found


with np.errstate(all="ignore"):
    LINES = first_lines()


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    text = calls.HEAD
    for k, line in enumerate(LINES):
        text += f"\n\ndef f{k}({', '.join(variables(line))}):\n    return {line}\n"
    path = tmp_path_factory.mktemp("nones") / "given_none_programs.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_most_functions_are_met() -> None:
    assert len(LINES) > 90
    assert sum("axis=None" in line for line in LINES) > 20


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("k", range(len(LINES)), ids=LINES)
def test_line(k: int, programs: Any) -> None:
    names = variables(LINES[k])
    args = tuple(calls.VALUES[n] for n in names)
    wrt = [n for n, v in zip(names, args, strict=True) if np.asarray(v).dtype.kind in "fc"]
    check_rule(getattr(programs, f"f{k}"), args, wrt=wrt, tolerance=2e-6)


def mean(x: Any) -> Any:
    return np.mean(x * x * x, axis=None)


def mean_by_method(x: Any) -> Any:
    return (x * x * x).mean(axis=None, dtype=None, out=None)


def of_sines(x: Any) -> Any:
    return np.mean(np.sin(x, out=None, dtype=None), axis=None) + np.dot(x[0], np.exp(x[1]), out=None)


def in_a_loop(x: Any) -> Any:
    """No trip stops at the option."""
    last = None
    for _ in range(3):
        mean_of = np.mean(x * x, axis=last)
        last = None
        x = x * mean_of
    return np.sum(x)


@pytest.mark.parametrize("f", [mean, mean_by_method, of_sines, in_a_loop])
def test_every_way(f: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    uncompiled(monkeypatch.setattr)
    assert check_rule(f, X) < 1e-6
    expected = grad(f)(X)
    assert np.all(expected != 0.0)
    np.testing.assert_allclose(grad(f, backend="numba")(X), expected)
    np.testing.assert_allclose(value_and_grad(f)(X)[1], expected)
    np.testing.assert_allclose(jvp(f, (X,), (np.ones_like(X),))[1], expected.sum())
    np.testing.assert_allclose(vmap(grad(f))(np.stack([X, X]))[1], expected)
    assert np.any(hessian(f)(X) != 0.0)


def test_the_norm_of_matrices() -> None:
    """None is the norm of Frobenius."""
    x = np.stack([X, X + 0.1])
    assert check_rule(lambda x: np.linalg.matrix_norm(x, ord=None), x) < 1e-6


def test_the_bias_of_covariances() -> None:
    """What is no 0 divides by the number of observations."""
    assert check_rule(lambda x: np.cov(x, bias=None), X) < 1e-6
    assert check_rule(lambda x: np.cov(x, bias=None, aweights=np.array([1.5, 0.6, 2.1])), X) < 1e-6
