"""Loops that threads share: the same numbers for any number of threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from compiled.test_gathers import program

from random_writes import loaded
from srcdiff import DerivativeValueError, grad, source
from srcdiff.compiled import threads

R = np.random.default_rng(0)


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return np.sum(p * p) * np.max(x) + np.sum(np.log(1 + x * x))


def jacobi(A: Any) -> Any:
    B = A.copy()
    for _ in range(3):
        B[1:-1, 1:-1] = 0.25 * (A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1])
        A[1:-1, 1:-1] = 0.5 * B[1:-1, 1:-1] + np.sin(A[1:-1, 1:-1])
    return np.sum(A * B)


def in_order(x: Any) -> Any:
    y = np.zeros_like(x)
    y[1:] = np.sin(x[:-1])
    return np.sum(np.cumsum(y * x))


def places(x: Any, at: Any) -> Any:
    return np.sum(np.exp(x[at]) * x)


X = R.random((40, 30))
CASES = [(softmax, (X,)), (jacobi, (X,)), (in_order, (X[0],)), (places, (X[0], R.integers(0, 30, 30)))]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small arrays are worth it; the parts are done last first."""
    import numba

    monkeypatch.setattr(threads, "LEAST", 20)
    monkeypatch.setattr(threads, "FEW", 2)
    monkeypatch.setattr(numba, "prange", lambda n: range(n - 1, -1, -1))


@pytest.mark.parametrize(("f", "args"), CASES, ids=lambda p: getattr(p, "__name__", ""))
def test_against_numpy(f: Any, args: Any, few: None, uncompiled: None) -> None:
    shared = grad(f, backend="numba", parallel=True)
    for n in (0, 11):  # the second shape has sizes that are not in the text
        some = tuple(a[: a.shape[0] - n] % (30 - n) if a.dtype == int else a[: a.shape[0] - n] for a in args)
        np.testing.assert_allclose(shared(*some), grad(f)(*some), rtol=1e-12)


@pytest.mark.parametrize("seed", range(int(os.environ.get("SRCDIFF_FUZZ", "6"))))
def test_random_stencils(seed: int, tmp_path: Path, few: None, uncompiled: None) -> None:
    text, shape = program(seed)
    f = loaded(f"shared_stencils_{seed}", text, tmp_path)
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=shape), rng.normal(size=shape)
    shared = grad(f, wrt=(0, 1), backend="numba", parallel=True)
    for one, other in zip(grad(f, wrt=(0, 1))(x, y), shared(x, y), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-10, err_msg=text)


@pytest.mark.parametrize(("f", "count", "why"), [
    (softmax, 2, ""), (jacobi, 5, ""), (in_order, 0, "its trips need each other"),
    (places, 0, "it reads or writes at places that an array holds"),
], ids=lambda p: getattr(p, "__name__", ""))  # fmt: skip
def test_report(f: Any, count: int, why: str, few: None, uncompiled: None) -> None:
    report = grad(f, backend="numba", parallel=True).compiled(*dict(CASES)[f])
    assert not report.left
    assert sum(k.shared for k in report.kernels) >= count
    assert why in str(report)
    assert not why or f"not shared by threads: a loop of {report.kernels[0].name}: {why}" in str(report)


def pooled(x: Any, k: Any) -> Any:
    out = np.zeros((x.shape[0] // k, x.shape[1] // k))
    for i in range(x.shape[0] // k):
        for j in range(x.shape[1] // k):
            out[i, j] = x[i * k : (i + 1) * k, j * k : (j + 1) * k].max()
    return np.sum(out * out)


def test_inside_of_loops(few: None, uncompiled: None) -> None:
    """Threads are not woken in each trip where nobody knows what for."""
    shared = grad(pooled, backend="numba", parallel=True)
    np.testing.assert_allclose(shared(X, 5), grad(pooled)(X, 5), rtol=1e-12)
    text = source(shared, X, 5)
    assert {len(x) - len(x.lstrip()) for x in text.splitlines() if "in prange(" in x} <= {4, 8}
    assert "only known inside of a loop" in str(shared.compiled(X, 5))


@pytest.mark.parametrize("f", [softmax, jacobi])
def test_sizes_known_when_it_runs(f: Any, few: None, uncompiled: None) -> None:
    """With many elements threads share them; with few, it is the loop of one thread."""
    shared = grad(f, backend="numba", parallel=True)
    for n, m in ((40, 30), (20, 10), (3, 4)):
        np.testing.assert_allclose(shared(X[:n, :m]), grad(f)(X[:n, :m]), rtol=1e-12)
    text = source(shared, X[:20, :10])
    assert text.count("in prange(32)") == text.count(">= 20:") == text.count("    else:\n")
    assert "prange(parts" not in text


def test_small(uncompiled: None) -> None:
    def few_elements(x: Any) -> Any:
        return np.sum(np.exp(x) * x)

    g = grad(few_elements, backend="numba", parallel=True)
    assert "prange" not in source(g, X)
    assert "fewer than 32768 elements" in str(g.compiled(X))


def test_only_numba() -> None:
    with pytest.raises(DerivativeValueError, match='parallel=True is for backend="numba"'):
        grad(softmax, parallel=True)


PROGRAM = """
import json, sys, time
import numba, numpy as np
from srcdiff import grad
sys.path.insert(0, sys.argv[1])
from shared_program import f
x = np.random.default_rng(1).random((300, 200))
g = grad(f, backend="numba", parallel=True)
numba.set_num_threads(int(sys.argv[2]))
g(x)
hits = [sum(k.stats.cache_hits.values()) for m in list(sys.modules.values())
        if m is not None and m.__name__.startswith("srcdiff_cache.") for n, k in vars(m).items()
        if "kernel" in n and hasattr(k, "stats")]
print(json.dumps([numba.get_num_threads(), sum(hits), [float(v).hex() for v in g(x).ravel()[::97]]]))
"""

FUNCTION = """
import numpy as np
def f(x):
    return np.sum(x * x) ** 2
"""


def test_two_processes(tmp_path: Path) -> None:
    """Kernels that one process has compiled are another's; one thread or two, the numbers are the same."""
    (tmp_path / "shared_program.py").write_text(FUNCTION)
    env = {**os.environ, "SRCDIFF_CACHE": str(tmp_path / "cache"), "NUMBA_NUM_THREADS": "2"}
    env.pop("NUMBA_DISABLE_JIT", None)
    answers = []
    for n in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path), n],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    (one, missed, numbers), (two, hits, again) = answers
    assert (one, two) == (1, 2)
    assert missed == 0
    assert hits > 0
    assert numbers == again
