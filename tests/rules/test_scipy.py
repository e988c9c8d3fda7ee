"""SciPy's rules: nothing is forgotten, what is refused says so; digits where formulas would cancel."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")
mpmath = pytest.importorskip("mpmath")

import scipy.stats  # noqa: E402
from scipy import special  # noqa: E402

from srcdiff import grad, jvp  # noqa: E402
from srcdiff.errors import NoRule  # noqa: E402
from srcdiff.rules import lookup  # noqa: E402
from srcdiff.rules.scipy_reasons import READ  # noqa: E402
from srcdiff.rules.scipy_special.constant import REFUSED  # noqa: E402

SETTINGS = {"SpecialFunctionError", "SpecialFunctionWarning", "errstate", "geterr", "seterr", "test", "sinc"}


def test_every_function_is_ruled_constant_or_refused() -> None:
    names = {n for n in dir(special) if not n.startswith("_") and callable(getattr(special, n))}
    known = {n for n in names if lookup(getattr(special, n)) is not None}
    assert not names - known - REFUSED.keys() - SETTINGS - set(READ["special"].split())
    assert not known & REFUSED.keys()
    ruled = [n for n in known if lookup(getattr(special, n)).forms]  # type: ignore[union-attr]
    assert len(ruled) > 185


def test_scipy_is_not_imported() -> None:
    code = "import sys, srcdiff; sys.exit(any(m.startswith('scipy') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def order(nu: float, x: float) -> Any:
    return special.jv(nu, x)


def shape(nu: float, x: float) -> Any:
    return special.hyp0f1(nu, x)


def frozen_shape(nu: float, x: float) -> Any:
    return scipy.stats.vonmises(nu).cdf(x)


@pytest.mark.parametrize("f", [order, shape, frozen_shape])
def test_orders_and_shapes_are_refused(f: Any) -> None:
    assert np.isfinite(grad(f, wrt="x")(1.5, 0.7))
    for derive in (lambda: grad(f, wrt="nu")(1.5, 0.7), lambda: jvp(f, (1.5, 0.7), (1.0, None))):
        with pytest.raises(NoRule, match="has no derivative with respect to"):
            derive()


# each as srcdiff reads it, in many digits, and points where the textbook's formula loses its digits
PRECISE: dict[str, tuple[Any, Any, tuple[float, ...]]] = {
    "ellipk": (lambda m: special.ellipk(m), mpmath.ellipk, (-50.0, -1e-9, 1e-12, 0.5, 1.0 - 1e-6)),
    "ellipe": (lambda m: special.ellipe(m), mpmath.ellipe, (-50.0, -1e-9, 1e-12, 0.5, 1.0 - 1e-6)),
    "ellipkinc": (
        lambda m: special.ellipkinc(4.0, m),
        lambda m: mpmath.ellipf(4.0, m),
        (-5.0, -1e-9, 1e-12, 0.5, 0.99),
    ),
    "ellipeinc": (
        lambda m: special.ellipeinc(4.0, m),
        lambda m: mpmath.ellipe(4.0, m),
        (-5.0, -1e-9, 1e-12, 0.5, 0.99),
    ),
    "exprel": (lambda x: special.exprel(x), lambda x: mpmath.expm1(x) / x, (-30.0, -1e-7, 1e-12, 3.0, 200.0)),
    "spence": (
        lambda x: special.spence(x),
        lambda x: mpmath.polylog(2, 1 - x),
        (0.01, 1.0 - 1e-9, 1.0 + 1e-7, 1.9, 30.0),
    ),
    "boxcox": (
        lambda p: special.boxcox(2.5, p),
        lambda p: (mpmath.mpf(2.5) ** p - 1) / p,
        (-2.0, -1e-9, 1e-12, 0.5, 3.0),
    ),
    "log_ndtr": (
        lambda x: special.log_ndtr(x),
        lambda x: mpmath.log(mpmath.ncdf(x)),
        (-200.0, -5.0, 0.0, 6.0),
    ),
    "erfcx": (
        lambda x: special.erfcx(x),
        lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
        (-2.0, 0.0, 5.0, 49.0, 51.0, 900.0),
    ),
    "dawsn": (
        lambda x: special.dawsn(x),
        lambda x: mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(-x * x) * mpmath.erfi(x),
        (-60.0, 0.0, 0.9, 5.0, 49.0, 51.0),
    ),
    "rgamma": (lambda x: special.rgamma(x), mpmath.rgamma, (-3.0, -2.0, -1.5, -1e-9, 0.5, 1.0, 20.0)),
    "expit": (
        lambda x: special.expit(x),
        lambda x: 1 / (1 + mpmath.exp(-x)),
        (-700.0, -1.0, 1.0, 40.0, 300.0),
    ),
    "gammainc": (
        lambda a: special.gammainc(a, 2.5),
        lambda a: mpmath.gammainc(a, 0, 2.5, regularized=True),
        (0.01, 0.7, 1.4999, 1.5001, 9.0, 60.0),
    ),
    "betainc": (
        lambda b: special.betainc(2.5, b, 0.6),
        lambda b: mpmath.betainc(2.5, b, 0, 0.6, regularized=True),
        (0.01, 0.7, 1.0, 1.33, 1.34, 9.0, 60.0),
    ),
    "betaincinv": (
        lambda a: special.betaincinv(a, 0.7, 0.3),
        lambda a: mpmath.findroot(
            lambda x: mpmath.betainc(a, 0.7, 0, x, regularized=True) - mpmath.mpf(0.3),
            special.betaincinv(float(a), 0.7, 0.3),
        ),
        (0.3, 2.0),
    ),
    "zeta": (lambda s: special.zeta(s), mpmath.zeta, (-20.5, -2.0, -0.5, 0.5, 1.01, 2.0, 30.0)),
    "hurwitz": (lambda s: special.zeta(s, 0.3), lambda s: mpmath.zeta(s, 0.3), (1.01, 2.0, 30.0)),
    "hyp1f1": (
        lambda b: special.hyp1f1(0.7, b, -20.0),
        lambda b: mpmath.hyp1f1(0.7, b, -20),
        (-1.5, 0.2, 0.7, 4.0, 50.0),
    ),
    "hyp2f1": (
        lambda a: special.hyp2f1(a, 1.5, 2.2, 0.95) + special.hyp2f1(0.5, a, 2.2, -30.0),
        lambda a: mpmath.hyp2f1(a, 1.5, 2.2, 0.95) + mpmath.hyp2f1(0.5, a, 2.2, -30),
        (-2.5, -1.0, 0.7, 2.2, 6.0),
    ),
    "hyp2f1 in c": (
        lambda c: special.hyp2f1(0.5, 1.5, c, 0.7),
        lambda c: mpmath.hyp2f1(0.5, 1.5, c, 0.7),
        (-2.5, 0.7, 2.0, 40.0),
    ),
    "t": (
        lambda df: scipy.stats.t.cdf(-1.3, df),
        lambda df: mpmath.betainc(df / 2, 0.5, 0, df / (df + mpmath.mpf(1.3) ** 2), regularized=True) / 2,
        (0.5, 3.0, 200.0),
    ),
    "j1": (lambda x: special.j1(x), lambda x: mpmath.besselj(1, x), (0.0, 1e-9, 1.0, 30.0)),
    "spherical_jn": (
        lambda x: special.spherical_jn(2, x),
        lambda x: mpmath.sqrt(mpmath.pi / (2 * x)) * mpmath.besselj(2.5, x),
        (1e-3, 1.0, 30.0),
    ),
}


@pytest.mark.parametrize("name", PRECISE)
def test_many_digits(name: str) -> None:
    f, exact, points = PRECISE[name]
    slope = grad(f)
    with mpmath.workdps(60):
        for x in points:
            h = mpmath.mpf(10) ** -18  # the error of the central difference is of the order of h**2
            wanted = (exact(mpmath.mpf(x) + h) - exact(mpmath.mpf(x) - h)) / (2 * h)
            assert abs(slope(x) - wanted) <= 2e-11 * abs(wanted) + 1e-15, (
                x,
                slope(x),
                float(mpmath.re(wanted)),
            )


TWICE: dict[str, tuple[Any, Any, float]] = {  # second derivatives in shapes
    "gammainc": (
        lambda a: special.gammainc(a, 2.5),
        lambda a: mpmath.gammainc(a, 0, 2.5, regularized=True),
        1.7,
    ),
    "betainc": (PRECISE["betainc"][0], PRECISE["betainc"][1], 1.7),
    "zeta": (PRECISE["zeta"][0], PRECISE["zeta"][1], 2.5),
    "hyp2f1": (PRECISE["hyp2f1"][0], PRECISE["hyp2f1"][1], 1.7),
}


@pytest.mark.parametrize("name", TWICE)
def test_many_digits_of_second_derivatives(name: str) -> None:
    f, exact, x = TWICE[name]
    with mpmath.workdps(60):
        h = mpmath.mpf(10) ** -15
        wanted = (exact(x + h) - 2 * exact(mpmath.mpf(x)) + exact(x - h)) / h**2
    assert abs(grad(grad(f))(x) - wanted) <= 2e-11 * abs(wanted)


@pytest.mark.parametrize("x", [0.0, 1.0])
def test_shapes_at_the_ends(x: float) -> None:
    assert grad(special.betainc, wrt=("a", "b"))(1.5, 2.5, x) == (0.0, 0.0)


def counted(z: Any, x: Any) -> Any:
    return scipy.stats.multinomial.logpmf(x, 6, special.softmax(z))


def test_multinomial_on_the_simplex() -> None:
    z, x = np.array([0.3, -0.2, 0.7]), np.array([1, 2, 3])
    expected = x - 6 * special.softmax(z)
    np.testing.assert_allclose(grad(counted)(z, x), expected, rtol=1e-12)
    np.testing.assert_allclose(jvp(counted, (z, x), (z, None))[1], expected @ z, rtol=1e-12)
    twice = jvp(grad(counted), (z, x), (z, None))[1]
    p = special.softmax(z)
    np.testing.assert_allclose(twice, -6 * (p * z - p * (p @ z)), rtol=1e-10, atol=1e-12)
