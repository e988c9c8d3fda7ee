"""Elementary functions in plain arithmetic: errors against mpmath, edges against NumPy; kernels."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from srcdiff.compiled import vmath

ULPS = {
    "exp": 1.0, "expm1": 2.0, "log": 1.0, "log1p": 1.0, "sin": 1.0, "cos": 1.0, "tan": 2.0, "sinh": 2.0,
    "cosh": 2.0, "tanh": 2.0, "atan": 2.0, "erf": 1.0, "erfc": 4.0,
}  # fmt: skip
OTHERS = {"atan": np.arctan, "erf": np.vectorize(math.erf), "erfc": np.vectorize(math.erfc)}
EDGES = [
    0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 5e-324, -5e-324, 1e-310, -1e-310, 1e-200, 1e-17,
    -1e-9, 0.5, 6.0, 27.0, 28.5, -30.0, 709.7827, 709.79, 710.4, 710.5, -708.5, -720.0, -745.1, -745.2, -1e4,
    2.0**53, 1e22, -1e22, 1e300, -1e300, 1.7976931348623157e308, 6381956970095103 * 2.0**797,
]  # fmt: skip


def reference(name: str) -> Any:
    return OTHERS.get(name) or getattr(np, name)


def points(name: str) -> list[float]:
    """A few hundred arguments of all sizes, denser where a function has its seams."""
    rng = np.random.default_rng(0)
    sign = rng.choice([-1.0, 1.0], 60)
    x = np.concatenate(
        [
            rng.normal(size=80) * 3.0,
            np.exp(rng.uniform(-40.0, 6.5, 60)) * sign,
            rng.uniform(-1.2, 1.2, 60),
            np.arange(-6, 7) * (math.pi / 2),
            [0.5, 1.0, 22.0, math.log(2.0) / 2, 300000 * math.pi],
        ]
    )
    if name in ("log", "log1p"):
        far, near = np.exp(rng.uniform(-700.0, 700.0, 40)), 1.0 + rng.normal(size=40) / 50
        x = np.concatenate([np.abs(x), far, near])
    if name == "log1p":
        x = np.concatenate([x, np.exp(rng.uniform(-30.0, 0.0, 30)) - 1.0])
    if name in ("sin", "cos", "tan"):
        x = np.concatenate([x, np.exp(rng.uniform(0.0, 709.0, 60))])
    if name in ("exp", "expm1", "sinh", "cosh"):
        x = np.concatenate([x, rng.uniform(690.0, 709.7, 20), rng.uniform(-744.0, -700.0, 20)])
        x = x[np.abs(x) < 745.0]
    if name in ("erf", "erfc"):
        x = x[np.abs(x) < 26.0]
    return [float(v) for v in x if v > 0.0 or name != "log"]


def exact(name: str, x: float) -> Any:
    with mpmath.workprec(1400 if abs(x) > 1e9 else 300):
        value = getattr(mpmath, name)(mpmath.mpf(x))
    return value


@pytest.mark.parametrize("name", list(ULPS))
def test_errors(name: str) -> None:
    f = getattr(vmath, name)
    for x in points(name):
        y, want = f(x), exact(name, x)
        with np.errstate(over="ignore"):
            nearest = float(want)
        if math.isinf(nearest):
            assert y == nearest, x
            continue
        with mpmath.workprec(300):
            assert abs(mpmath.mpf(y) - want) <= ULPS[name] * math.ulp(nearest), (x, y, nearest)


def test_sines_of_the_hardest_argument() -> None:
    """The float64 next to a multiple of pi/2, of those there are: within 1e-30."""
    x = 6381956970095103 * 2.0**797
    with mpmath.workprec(1400):
        assert abs(vmath.cos(x) - mpmath.cos(mpmath.mpf(x))) < 1e-30
        assert vmath.sin(x) == 1.0
    x = math.pi * 355
    with mpmath.workprec(300):
        want = mpmath.sin(mpmath.mpf(x))
        assert abs(vmath.sin(x) - want) <= math.ulp(float(want))


def same(y: Any, want: Any, ulps: float) -> bool:
    if math.isnan(want) or math.isinf(want) or want == 0.0:
        signs = want != 0.0 or np.signbit(y) == np.signbit(want)
        return bool(np.array_equal(y, want, equal_nan=True) and signs)
    return bool(abs(y - want) <= ulps * np.spacing(np.abs(want)))


@pytest.mark.parametrize("name", list(ULPS))
def test_edges(name: str) -> None:
    f, ref = getattr(vmath, name), reference(name)
    for x in EDGES:
        if name == "cos" and x == EDGES[-1]:
            continue  # a zero of the cosine: the test above
        if name == "tan" and x == EDGES[-1]:
            continue
        with np.errstate(all="ignore"):
            want = ref(np.float64(x))
        assert same(f(x), want, ULPS[name] + 3.0), (x, f(x), want)


@pytest.mark.parametrize("name", list(ULPS))
def test_single_precision(name: str) -> None:
    f, ref = getattr(vmath, name), reference(name)
    with np.errstate(all="ignore"):
        for x in np.array([*points(name)[::7], 0.0, -0.0, math.inf, -math.inf, math.nan, 1e-45], np.float32):
            y, want = f(x), np.float32(ref(np.float64(x)))
            assert isinstance(y, np.float32)
            assert same(y, want, 1.0), (x, y, want)


@pytest.mark.parametrize("name", list(ULPS))
def test_kernels(name: str) -> None:
    """A compiled loop gives what Python gives, to the bounds; and it is a loop over vectors."""
    numba = pytest.importorskip("numba")
    f = getattr(vmath, name)

    def loop(x, out):  # type: ignore[no-untyped-def]
        for i in range(x.size):
            out[i] = f(x[i])

    kernel = numba.njit(error_model="numpy")(loop)
    x = np.array([v for v in EDGES if v != EDGES[-1]] + points(name))
    out = np.empty_like(x)
    kernel(x, out)
    for a, y in zip(x, out, strict=True):
        assert same(y, f(float(a)), 2.0 * ULPS[name]), (a, y, f(float(a)))
    (text,) = kernel.inspect_llvm().values()
    assert "x double>" in text
    with np.errstate(over="ignore"):
        small = x.astype(np.float32)
        out32 = np.empty_like(small)
        kernel(small, out32)
        for a, y in zip(small, out32, strict=True):
            assert same(y, f(a), 1.0), (a, y, f(a))


def test_hypot() -> None:
    """Of two arguments: to two units in the last place, edges as NumPy has them; a loop over vectors."""
    numba = pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.uniform(-720.0, 709.0, (2, 200)))
    near = rng.normal(size=(2, 200)) * np.exp(rng.uniform(-2.0, 2.0, (2, 200)))
    pairs = [*zip(*sizes, strict=True), *zip(*near, strict=True)]
    for x, y in pairs:
        with mpmath.workprec(300):
            want = mpmath.hypot(mpmath.mpf(x), mpmath.mpf(y))
            if want > 1.79e308:
                continue
            assert abs(mpmath.mpf(vmath.hypot(x, y)) - want) <= 2 * math.ulp(float(want)), (x, y)
    edges = [(float(a), float(b)) for a in EDGES for b in EDGES]
    for x, y in edges:
        with np.errstate(all="ignore"):
            want = np.hypot(x, y)
            assert same(vmath.hypot(x, y), want, 3.0), (x, y, want)

    def loop(x, y, out):  # type: ignore[no-untyped-def]
        for i in range(x.size):
            out[i] = vmath.hypot(x[i], y[i])

    kernel = numba.njit(error_model="numpy")(loop)
    x, y = (np.array(v) for v in zip(*edges, *pairs, strict=True))
    out = np.empty_like(x)
    kernel(x, y, out)
    for a, b, z in zip(x, y, out, strict=True):
        with np.errstate(over="ignore"):
            assert same(z, vmath.hypot(float(a), float(b)), 2.0)
    (text,) = kernel.inspect_llvm().values()
    assert "x double>" in text


def test_logaddexp() -> None:
    """Of two arguments: to two units in the last place of the larger, edges as NumPy has them; vectors."""
    numba = pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    pairs = [(float(a), float(b)) for a, b in rng.normal(size=(400, 2)) * rng.uniform(0.0, 60.0, (400, 1))]
    for x, y in pairs:
        with mpmath.workprec(300):
            want = mpmath.log(mpmath.exp(mpmath.mpf(x)) + mpmath.exp(mpmath.mpf(y)))
            unit = math.ulp(max(abs(x), abs(y), 1.0))
            assert abs(mpmath.mpf(vmath.logaddexp(x, y)) - want) <= 2 * unit, (x, y)
    edges = [(float(a), float(b)) for a in EDGES for b in EDGES]
    for x, y in edges:
        with np.errstate(all="ignore"):
            want = np.logaddexp(x, y)
            assert same(vmath.logaddexp(x, y), want, 3.0), (x, y, want)

    def loop(x, y, out):  # type: ignore[no-untyped-def]
        for i in range(x.size):
            out[i] = vmath.logaddexp(x[i], y[i])

    kernel = numba.njit(error_model="numpy")(loop)
    x, y = (np.array(v) for v in zip(*edges, *pairs, strict=True))
    out = np.empty_like(x)
    kernel(x, y, out)
    for a, b, z in zip(x, y, out, strict=True):
        with np.errstate(all="ignore"):
            assert same(z, vmath.logaddexp(float(a), float(b)), 2.0)
    (text,) = kernel.inspect_llvm().values()
    assert "x double>" in text
    assert isinstance(vmath.logaddexp(np.float32(1.0), np.float32(2.0)), np.float32)
    assert not isinstance(vmath.logaddexp(np.float64(1.0), np.float32(2.0)), np.float32)
