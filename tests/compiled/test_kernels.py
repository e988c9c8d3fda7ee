"""Derivatives with ``backend="numba"`` against those of NumPy.

Most programs run with numba's compiler switched off: a kernel is then the Python function that it is written
as, which is what this backend makes.  Some are compiled (SRCDIFF_ALL=1: all).
"""

from __future__ import annotations

import copy
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optree
import pytest

numba = pytest.importorskip("numba")

import srcdiff  # noqa: E402
import srcdiff.api.specialise  # noqa: E402
import srcdiff.compiled.elements  # noqa: E402
import srcdiff.compiled.runtime  # noqa: E402
import srcdiff.compiled.vectors  # noqa: E402  (compiled, before any test says otherwise)
from corpus import PROGRAMS  # noqa: E402
from srcdiff import grad, hessian, hvp, jacfwd, jvp, value_and_grad, vjp  # noqa: E402

ALL = bool(os.environ.get("SRCDIFF_ALL"))
DOMAIN = {"kinks_guarded_root"}  # math.sqrt of a negative number: plain Python raises, a kernel gives NaN
SOME = [p for p in PROGRAMS if p.reverse and p.name not in DOMAIN]
SOME = SOME if ALL else SOME[::29]
GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("SRCDIFF_UPDATE"))


def leaves(x: Any) -> list[Any]:
    numbers = (float, int, complex, np.ndarray, np.generic)
    return [np.asarray(a) for a in optree.tree_leaves(x, namespace="corpus") if isinstance(a, numbers)]


def check_same(got: Any, want: Any, rtol: float = 1e-9) -> None:
    a, b = leaves(got), leaves(want)
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert x.shape == y.shape
        assert x.dtype == y.dtype
        scale = max(1.0, float(np.max(np.abs(y), initial=0.0)))
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-10 * scale)


@pytest.mark.parametrize("program", SOME, ids=lambda p: p.name)
@pytest.mark.filterwarnings("ignore")
def test_programs(program: Any, uncompiled: None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = grad(program.function, wrt=program.wrt_option)
        want = plain(*copy.deepcopy(program.args), **program.kwargs)
        kernels = grad(program.function, wrt=program.wrt_option, backend="numba")
        check_same(kernels(*copy.deepcopy(program.args), **program.kwargs), want)


# ---- programs of this file, compiled -----------------------------------------------------------------------


def logistic(x, n):
    for _ in range(n):
        x = 3.7 * x * (1.0 - x)
    return x


def gauss_seidel(A, n):
    rows, columns = A.shape
    for _ in range(n):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                A[i, j] = (A[i - 1, j] + A[i, j - 1] * A[i, j] + A[i, j + 1] + A[i + 1, j]) / 4.0
    return np.sum(A * A)


def cholesky(A):
    n = A.shape[0]
    A[0, 0] = np.sqrt(A[0, 0])
    for i in range(1, n):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[j, :j])
            A[i, j] /= A[j, j]
        A[i, i] -= np.dot(A[i, :i], A[i, :i])
        A[i, i] = np.sqrt(A[i, i])
    return np.sum(np.tril(A))


def jacobi(A, B, n):
    for _ in range(n):
        B[1:-1, 1:-1] = 0.2 * (A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] * A[:-2, 1:-1])
        A[1:-1, 1:-1] = 0.2 * (B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1])
    return np.sum(A)


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.sum((e / np.sum(e, axis=-1, keepdims=True)) ** 2)


def mixture(alphas, means, x):
    d = x[:, None, :] - means[None]
    q = -0.5 * np.sum(d * d, axis=2) + alphas
    m = np.max(q, axis=1)
    return np.sum(m + np.log(np.sum(np.exp(q - m[:, None]), axis=1)))


def recurrent(W, x):
    h = np.zeros(W.shape[0])
    for t in range(x.shape[0]):
        h = np.tanh(W @ h + x[t])
    return np.sum(h**2)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def ladder(x, n):
    total = 0.0
    for i in range(n):
        y = x
        for _ in range(i):
            if y > 1.0:
                y = math.sqrt(y)
            else:
                y = y * y + 0.5
        total += y * math.sin(y)
        if total > 20.0:
            break
    return total


def newton(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def picked(x, places):
    y = x[places] * 2.0
    return np.sum(y * y * x[0]) + x[-1]


def ones_read_in_a_loop(x):
    z = np.ones(3)
    for k in range(3):
        x = x * (1.0 + z[k])
        if k == 1:
            return np.sum(x) + z[0]
    return np.sum(x * z)


def gathered_of_a_sum(x, places):
    y = x * 2.0
    z = y[places]
    y = y + z[:4]
    return np.sum(z * z) + np.sum(y**3)


def swapped(x):
    u = x.copy()
    v = x * 0.5
    for _ in range(3):
        v[1:-1] = 2.0 * u[1:-1] - v[1:-1] + 0.1 * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        u, v = v, u
    return np.sum(u * v)


def overlapping(x):
    x[1:] += x[:-1]
    x[:-1] *= x[1:]
    x[:] = x[::-1]
    return np.sum(x**2)


def stopped(xs):
    total = 0.0
    for x in xs:
        try:
            total = total + math.sqrt(x)
        except ValueError:
            return total * x
    return total * total


def smoothed(x, n):
    for _ in range(n):
        for _ in range(2):
            before = x.copy()
            x[1:-1] = np.sin(before[1:-1]) + before[2:] * before[:-2]
    return np.sum(x * x)


def recurrent_matrix(W, x):
    h = x[0]
    for t in range(1, x.shape[0]):
        h = np.tanh(h @ W + x[t] * np.hypot(h, x[t]))
    return np.sum(h)


def gathered_and_read_in_a_loop(x, places):
    y = x * 1.0
    v = y[places]
    y = y * 0.5
    s = 0.0
    for i in range(1, len(x)):
        y[i] = y[i] + np.sin(v[i - 1])
        s = s * 0.9 + y[i]
    return s + np.sum(v * y)


def gram(W, x):
    h = np.tanh(x @ W)
    t = h.T
    h *= 2.0
    return np.sum((t @ h) ** 2) + np.sum(np.sin(h.T)) + np.sum(np.swapaxes(h, 0, 1) @ np.cos(h))


def levinson(r):
    y = np.zeros_like(r)
    y[0] = -r[0]
    alpha, beta = -r[0], 1.0
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return np.sum(y * y)


def pivoted(A):
    """Rows are exchanged by NumPy; the loop in a trip is a kernel, of which a tape is handed on."""
    n = A.shape[0]
    for k in range(n - 1):
        p = k + np.argmax(np.abs(A[k:, k]))
        if p != k:
            A[[k, p]] = A[[p, k]]
        for i in range(k + 1, n):
            m = A[i, k] / A[k, k]
            A[i, k:] -= m * A[k, k:]
    return np.sum(A**2)


def in_a_block(x):
    total = 0.0
    for k in range(3):
        with np.errstate(over="ignore"):
            total = total + np.sum(np.exp(x * k)) * total + x[k]
    return total


def singular(A):
    """What a kernel gives back is not done with when it was used last."""
    u, s, vh = np.linalg.svd(A)
    return s @ s * vh[0, 1] ** 2 + u[0, 0] * u[1, 0] + s.sum()


def in_parts(x, n):
    return sum(np.sum(np.sin(h)) * np.sum(h) for h in np.array_split(x, n))


def of_a_list(c, x):
    y = 0.0
    for k in range(len(c)):
        y = y * x + c[k]
    return y * y


R = np.random.default_rng(0)
CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "logistic": (logistic, (0.3, 20)),
    "gauss_seidel": (gauss_seidel, (R.normal(size=(6, 5)), 2)),
    "cholesky": (cholesky, (np.eye(5) * 5.0 + 1.0,)),
    "jacobi": (jacobi, (R.normal(size=(7, 6)), R.normal(size=(7, 6)), 3)),
    "softmax": (softmax, (R.normal(size=(3, 4)),)),
    "mixture": (mixture, (R.normal(size=3), R.normal(size=(3, 2)), R.normal(size=(5, 2)))),
    "recurrent": (recurrent, (R.normal(size=(4, 4)), R.normal(size=(3, 4)))),
    "rosenbrock": (rosenbrock, (R.normal(size=6),)),
    "ladder": (ladder, (1.3, 9)),
    "newton": (newton, (2.0,)),
    "picked": (picked, (R.normal(size=5), np.array([0, 3, 3, -1]))),
    "ones_read_in_a_loop": (ones_read_in_a_loop, (R.normal(size=4),)),
    "gathered_of_a_sum": (gathered_of_a_sum, (R.normal(size=4), np.array([0, 2, 2, 1, 3]))),
    "swapped": (swapped, (R.normal(size=6),)),
    "overlapping": (overlapping, (R.normal(size=6),)),
    "smoothed": (smoothed, (R.normal(size=9), 2)),
    "recurrent_matrix": (recurrent_matrix, (R.normal(size=(9, 9)), R.normal(size=(3, 9, 9)))),
    "gathered_and_read_in_a_loop": (gathered_and_read_in_a_loop, (R.normal(size=4), np.array([2, 0, 1, 3]))),
    "gram": (gram, (R.normal(size=(4, 3)), R.normal(size=(5, 4)))),
    "levinson": (levinson, (R.normal(size=6) * 0.3,)),
    "pivoted": (pivoted, (np.array([[0.5, 2.0, 1.0], [1.5, 0.3, -0.7], [0.9, 1.1, 0.2]]),)),
    "in_a_block": (in_a_block, (R.normal(size=3),)),
    "singular": (singular, (R.normal(size=(3, 2)),)),
    "in_parts": (in_parts, (R.normal(size=4), 2)),
    "of_a_list": (of_a_list, ([1.0, 2.0, 3.0], 0.5)),
}
COMPILED = [n for n in CASES if ALL or n in ("cholesky", "softmax", "ladder")]


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, uncompiled: None) -> None:
    f, args = CASES[name]
    g = grad(f, backend="numba")
    check_same(g(*copy.deepcopy(args)), grad(f)(*copy.deepcopy(args)))
    assert g.compiled(*args).kernels or name == "in_parts"


@pytest.mark.parametrize("name", [n for n in CASES if n != "of_a_list"])
def test_cases_of_any_size(name: str, uncompiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text for the first shapes is for these alone, that for others for all."""
    monkeypatch.setattr(srcdiff.api.specialise, "MOST_CHANGES", -1)
    f, args = CASES[name]
    check_same(grad(f, backend="numba")(*copy.deepcopy(args)), grad(f)(*copy.deepcopy(args)))


@pytest.mark.parametrize("name", ["softmax", "mixture", "gathered_of_a_sum", "overlapping", "gram"])
def test_long_segments_are_cut(name: str, uncompiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(srcdiff.compiled.elements, "LONGEST", 2)
    monkeypatch.setattr(srcdiff.api.specialise, "_shared", {})
    f, args = CASES[name]
    check_same(grad(f, backend="numba")(*copy.deepcopy(args)), grad(f)(*copy.deepcopy(args)))


def test_other_shapes(uncompiled: None) -> None:
    def chained(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    g = grad(chained, backend="numba")
    assert "x.shape" not in g.source_for(np.linspace(-1.0, 1.0, 5)).replace("x.shape[0], 5", "")
    for n in (5, 7, 5, 9, 2):
        check_same(g(np.linspace(-1.0, 1.0, n)), grad(chained)(np.linspace(-1.0, 1.0, n)))
    assert "x.shape" in g.source_for(np.linspace(-1.0, 1.0, 6))


def test_a_saved_text_is_for_its_shapes(tmp_path: Path) -> None:
    def squares(x):
        return np.sum(x[1:] ** 2 * x[:-1])

    text = grad(squares, backend="numba").source_for(np.linspace(-1.0, 1.0, 5))
    names: dict[str, Any] = {"__name__": "saved"}
    exec(text.replace("cache=True, ", ""), names)
    with pytest.raises(ValueError, match="sizes"):
        names["squares_grad"](np.linspace(-1.0, 1.0, 6))


@pytest.mark.parametrize("name", COMPILED)
def test_compiled(name: str) -> None:
    f, args = CASES[name]
    check_same(grad(f, backend="numba")(*copy.deepcopy(args)), grad(f)(*copy.deepcopy(args)))


@pytest.mark.parametrize("name", ["logistic", "cholesky", "softmax", "ladder"])
def test_texts(name: str, uncompiled: None) -> None:
    f, args = CASES[name]
    text = grad(f, backend="numba").source_for(*args)
    file = GOLDEN / f"{name}.txt"
    if UPDATE:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_how_a_loop_outside_ended(uncompiled: None) -> None:
    x = np.array([2.0, 3.0, -1.0, 4.0])
    check_same(grad(stopped, backend="numba")(x), grad(stopped)(x))


def test_arguments_are_left_alone(uncompiled: None) -> None:
    f, (A, n) = CASES["gauss_seidel"]
    before = A.copy()
    grad(f, backend="numba")(A, n)
    assert (before == A).all()


def test_sizes_that_are_equal_are_compared_at_each_call(uncompiled: None) -> None:
    g = grad(lambda x, y: np.sum(x * y), backend="numba")
    assert g(np.ones(3), np.full(3, 2.0)).tolist() == [2.0] * 3
    assert g(np.ones((2, 3)), np.full(3, 2.0)).shape == (2, 3)
    with pytest.raises(ValueError):
        g(np.ones(3), np.ones(4))
    assert g(np.ones(4), np.ones(1)).tolist() == [1.0] * 4
    assert g(np.ones(5), np.full(5, 3.0)).tolist() == [3.0] * 5


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_small_sizes(n: int, uncompiled: None) -> None:
    x = np.arange(1.0, n + 1.0)
    check_same(grad(rosenbrock, backend="numba")(x), grad(rosenbrock)(x))


def test_indices_are_checked() -> None:
    def f(x, k):
        s = 0.0
        for i in range(k):
            s += x[i] * x[i]
        return s

    g = grad(f, backend="numba")
    assert g(np.ones(3), 3).tolist() == [2.0] * 3
    with pytest.raises(IndexError):
        g(np.ones(3), 4)


def test_float32(uncompiled: None) -> None:
    x = R.normal(size=(3, 4)).astype(np.float32)
    got = grad(softmax, backend="numba")(x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, grad(softmax)(x), rtol=1e-4, atol=1e-6)


def test_the_family(uncompiled: None) -> None:
    x = R.normal(size=5)
    check_same(hessian(rosenbrock, backend="numba")(x), hessian(rosenbrock)(x))
    check_same(hvp(rosenbrock, backend="numba")(x, x), hvp(rosenbrock)(x, x))
    check_same(value_and_grad(rosenbrock, backend="numba")(x), value_and_grad(rosenbrock)(x))
    cubes = lambda x: np.cumsum(x**3) * x[0]  # noqa: E731
    check_same(jacfwd(cubes, backend="numba")(x), jacfwd(cubes)(x))
    check_same(jvp(rosenbrock, (x,), (x,), backend="numba"), jvp(rosenbrock, (x,), (x,)))
    integral = lambda x: np.poly1d(x).integ()(0.5)  # noqa: E731  (a kernel makes the constant of its own)
    check_same(jacfwd(integral, backend="numba")(x), jacfwd(integral)(x))
    y, pull = vjp(rosenbrock, x, backend="numba")
    check_same((y, pull(1.0)), (rosenbrock(x), vjp(rosenbrock, x)[1](1.0)))
    check_same(grad(grad(logistic), backend="numba")(0.3, 5), grad(grad(logistic))(0.3, 5))


def test_what_is_left_is_said(uncompiled: None) -> None:
    def f(A, b):
        x = np.linalg.solve(A, b)
        y = np.sin(x) * x + np.cos(b)
        return np.sum(y * y)

    A, b = np.eye(3) * 2.0, np.ones(3)
    g = grad(f, backend="numba")
    check_same(g(A, b), grad(f)(A, b))
    report = g.compiled(A, b)
    assert report.kernels
    assert any("solve" in x.what and "x = np.linalg.solve(A, b)" in x.statement for x in report.left)
    assert "not compiled: np.solve" in str(report)
    assert grad(f).compiled(A, b).kernels == ()


def test_a_backend_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(srcdiff.errors.DerivativeValueError, match="no backend 'cuda'"):
        grad(logistic, backend="cuda")  # type: ignore[call-overload]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(srcdiff.errors.DerivativeValueError, match="needs numba"):
        grad(logistic, backend="numba")


KEPT = """
import sys, numba, importlib.util
spec = importlib.util.spec_from_file_location("program", sys.argv[1])
program = importlib.util.module_from_spec(spec)
sys.modules["program"] = program
spec.loader.exec_module(program)
from srcdiff import grad
g = grad(program.f, backend="numba")
g(0.5, 3)
kernel = g._latest.made.fn.__globals__["f_grad_kernel"]
print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
"""


def test_kernels_are_kept_on_disk(tmp_path: Path) -> None:
    text = "def f(x, n):\n    for _ in range(n):\n        x = x * x + 0.1\n    return x\n"
    (tmp_path / "program.py").write_text(text)
    env = {**os.environ, "SRCDIFF_CACHE": str(tmp_path / "cache")}
    env["PYTHONPATH"] = os.pathsep.join([str(Path(srcdiff.__file__).parents[1]), env.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", KEPT, str(tmp_path / "program.py")]
    said = [subprocess.run(command, env=env, capture_output=True, text=True, check=True) for _ in range(2)]
    assert [r.stdout.split() for r in said] == [["0", "1"], ["1", "0"]]
