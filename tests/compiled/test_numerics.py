"""Complex numbers in kernels, and functions of arrays that have loops of their own."""

from __future__ import annotations

import cmath
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from srcdiff import grad
from srcdiff.compiled import runtime

R = np.random.default_rng(0)
Z = R.standard_normal(6) + 1j * R.standard_normal(6)
M = R.standard_normal((4, 4)) + 1j * R.standard_normal((4, 4))


def functions(x: Any, y: Any) -> Any:
    a = np.exp(x) * np.sin(y) + np.cos(x * 0.5) / (y + 3)
    b = np.sqrt(x) + np.log(y) + np.tanh(x) - x**3 + y**-2 + x**y + np.abs(x) ** 1.5
    s = np.sum(np.abs(a + b) ** 2) + np.sum(a.real * b.imag)
    return s + np.sum(np.angle(x)) + np.mean(x * y.conj()).real


def butterflies(x: Any) -> Any:
    n = 4
    x = x[:4].copy()
    length = 2
    while length <= n:
        for s in range(0, n, length):
            for k in range(length // 2):
                w = np.exp(-2j * np.pi * k / length)
                u, v = x[s + k], x[s + k + length // 2] * w
                x[s + k] = u + v
                x[s + k + length // 2] = u - v
        length *= 2
    return np.sum(np.abs(x) ** 2 * np.arange(n))


def escapes(a: Any, b: Any) -> Any:
    c = complex(a, b)
    z = 0j
    for _ in range(30):
        z = z * z + c
        if abs(z) > 2:
            break
    return abs(z) + cmath.exp(z).real + cmath.phase(z)


def circuit(r: Any, c: Any, w: Any) -> Any:
    z = r + 1j * w * 2e-3 + 1 / (1j * w * c)
    return np.sum(np.abs(5.0 / z) ** 2)


def gates(t: Any, A: Any) -> Any:
    x = np.array([[0, 1], [1, 0]], complex)
    psi = np.zeros(2, complex)
    psi[0] = 1
    for k in range(4):
        psi = (np.cos(t[k]) * np.eye(2) - 1j * np.sin(t[k]) * x) @ psi
        psi[1] *= np.exp(1j * t[k])
        B = A @ A.conj().T
        psi = psi + 0.1 * np.trace(B) * B[0, :2]
    return np.abs(psi[1]) ** 2


def chained(z: Any) -> Any:
    p = 1 + 0j
    out = []
    for v in z:
        p = p * v * 0.8 + 0.1
        out.append(p)
    s = 0.0
    for q in out:
        s += q.real**2 - q.imag
    return s + np.prod(z).real + np.sum(np.cumsum(z)).imag


def letters(a: Any, b: Any, c: Any) -> Any:
    s = 0.0
    for k in range(2):
        d = np.einsum("ij,jk->ki", a, b * (k + 1))
        e = np.einsum("ki,k->i", d, c)
        s = s + np.sum(e**2) + np.einsum("ij,ij->", a, a) * c[k]
    return s


def spreads(x: Any) -> Any:
    a = np.var(x, axis=0, ddof=1, keepdims=True)
    return np.sum(a * x) + np.std(x) + np.sum(np.std(x, axis=1) ** 3)


def places(x: Any, at: Any) -> Any:
    w = np.linspace(0.0, x[0], 5) + np.arange(0.0, 1.0, 0.2)
    return np.sum(np.take(x, at) ** 2 * w) + np.sum(np.take(np.outer(x, x), at, axis=1)[2] ** 3)


def lines(x: Any, xp: Any, fp: Any) -> Any:
    return np.sum(np.interp(x, xp, fp) ** 2)


def whole_numbers(x: Any, n: Any) -> Any:
    s = 0.0
    for i in range(-6, 6):
        j = i >> 1
        k = (i & 5) ^ 3 | 1
        s += x[(j + k) % 6] ** (abs(i) % 4) * (i // k) + x[i % (k + 1) % 6]
        if n[i % 3] & 1:
            s += x[i % 6] ** n[i % 3]
    return s


def products(x: Any) -> Any:
    return np.sum(np.cumprod(x) * np.arange(6.0))


def pooled(x: Any) -> Any:
    out = np.empty((3, 2, 2))
    for i in range(2):
        out[:, i] = np.max(x[:, 2 * i : 2 * i + 2], axis=1)[:, :2] + np.sum(x[:, i:], axis=(1, 2))[:, None]
    L = np.eye(3)
    for k in range(2):
        L[k + 1, k] = out[0, k, 1]
    return np.sum(out**2) + np.sum((L @ out[:, 0, 0]) ** 3)


X = R.random(6) + 0.2
PROGRAMS: dict[Callable[..., Any], tuple[Any, ...]] = {
    functions: (Z, Z[::-1] * 0.7), butterflies: (Z,), escapes: (-0.4, 0.3), chained: (Z,),
    circuit: (100.0, 1e-6, np.array([1e2, 1e3, 1e4])), gates: (R.random(4), M),
    letters: (R.random((3, 4)), R.random((4, 2)), R.random(2)), spreads: (R.random((3, 4)),),
    places: (X, np.array([0, 5, -1, 2, 2])), lines: (X * 1.4 - 0.3, np.array([0.1, 0.4, 0.9]), X[:3]),
    whole_numbers: (X, np.array([2, 3, 1])), products: (X,), pooled: (R.random((3, 4, 3)),),
}  # fmt: skip


def agree(f: Callable[..., Any], args: tuple[Any, ...]) -> None:
    wrt = tuple(k for k, a in enumerate(args) if np.asarray(a).dtype.kind in "fc")
    compiled = grad(f, wrt=wrt, backend="numba")
    report = str(compiled.compiled(*args))
    assert "kernel" in report
    assert "not compiled" not in report, report
    for got, want in zip(compiled(*args), grad(f, wrt=wrt)(*args), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_against_numpy(f: Callable[..., Any], uncompiled: None) -> None:
    agree(f, PROGRAMS[f])


@pytest.mark.parametrize("f", [functions, whole_numbers], ids=lambda f: f.__name__)
def test_compiled(f: Callable[..., Any]) -> None:
    agree(f, PROGRAMS[f])


def test_division_by_zero() -> None:
    for a, b in ((1 + 2j, 0j), (3 - 1j, 2j), (1e300 + 1e300j, 1e300 - 1e299j), (0j, 0j)):
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(runtime.divided(a, b), np.complex128(a) / np.complex128(b), rtol=1e-15)


def test_exponentials() -> None:
    for z in (0j, 1 - 2j, 3 + 1e4j, 709.5 + 1j, -800 + 1j, complex(-np.inf, 1), complex(1, np.nan)):
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(runtime.exp_of_complex(z), np.exp(np.complex128(z)), rtol=1e-14)


def remainder(x: Any, n: int) -> Any:
    s = 0.0
    for i in range(3):
        s += x[i % n] * (7 // n)
    return s


def test_integers_divided_by_zero(uncompiled: None) -> None:
    with pytest.raises(ZeroDivisionError):
        grad(remainder, backend="numba")(X, 0)


def test_searches() -> None:
    v = np.array([*R.integers(-1, 6, 30).astype(float), np.nan, 2.5])
    for n in (0, 1, 2, 7, 40):
        a = np.sort(R.integers(0, 5, n).astype(float))
        if n > 2:
            a[-1] = np.nan
        for side in ("left", "right"):
            want = np.searchsorted(a, v, side)
            np.testing.assert_array_equal(runtime.all_searched(a, v, side == "right"), want)
            assert [runtime.searched(a, x, side == "right") for x in v] == want.tolist()


def test_interpolations() -> None:
    for n in (1, 2, 9):
        xp, fp = np.sort(R.random(n)), R.random(n)
        x = np.array([*R.random(30) * 1.4 - 0.2, *xp, np.nan])
        for _ in range(2):
            want = np.interp(x, xp, fp)
            np.testing.assert_array_equal(runtime.all_interpolated(x, xp, fp), want)
            np.testing.assert_array_equal([runtime.interpolated(v, xp, fp) for v in x], want)
            fp[n // 2] = np.inf


def powers(x: Any) -> Any:
    return np.sum(x**3 + x**-1 + x**5 - x**-3 + x**6 * (x**4))


def short_rows(X: Any, w: Any) -> Any:
    y = np.tanh(X @ w)
    return np.sum((y @ X) ** 2) + np.sum(np.exp(X.T @ y)) + np.sum(np.einsum("ij,ik->kj", X, X) ** 2)


@pytest.mark.parametrize(("f", "args"), [
    (powers, (X,)), (short_rows, (R.random((300, 60)) / 60, R.random(60))),
],
    ids=lambda p: getattr(p, "__name__", ""))  # fmt: skip
def test_as_people_write_them(f: Callable[..., Any], args: tuple[Any, ...], uncompiled: None) -> None:
    wrt = tuple(range(len(args)))
    got, want = grad(f, wrt=wrt, backend="numba")(*args), grad(f, wrt=wrt)(*args)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)


def test_rounded_to_whole_numbers(uncompiled: None) -> None:
    """Ties go to the even one, as NumPy's do; distances in a periodic box are in a kernel."""

    def nearest(x: Any) -> Any:
        d = x[:, None] - x[None, :] * 1.5
        d = d - np.round(d)
        return np.sum(d**2) + np.sum(np.around(x * 2) * x)

    x = np.array([0.25, -0.25, 0.75, 1.25, 5.0, -0.1])
    g = grad(nearest, backend="numba")
    np.testing.assert_allclose(g(x), grad(nearest)(x), rtol=1e-12)
    assert not g.compiled(x).left
