"""SciPy's solvers with our derivatives, beside the same with SciPy's own differences."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srcdiff import DerivativeValueError, adapters

optimize = pytest.importorskip("scipy.optimize")
integrate = pytest.importorskip("scipy.integrate")
differentiate = pytest.importorskip("scipy.optimize._numdiff").approx_derivative
ROOT = Path(__file__).resolve().parents[1]
X0 = np.array([1.3, 0.7, 0.8, 1.9])


def rosenbrock(x, a=1.0, b=100.0):
    total = 0.0
    for i in range(len(x) - 1):
        total += b * (x[i + 1] - x[i] ** 2) ** 2 + (a - x[i]) ** 2
    return total


T = np.linspace(0.0, 4.0, 12)
Y = 2.5 * np.exp(-1.3 * T) + 0.5


def residuals(p, t, y):
    return p[0] * np.exp(-p[1] * t) + p[2] - y


def equations(x):
    return [x[0] + 0.5 * (x[0] - x[1]) ** 3 - 1.0, 0.5 * (x[1] - x[0]) ** 3 + x[1]]


def van_der_pol(t, y, mu):
    return [y[1], mu * (1.0 - y[0] ** 2) * y[1] - y[0]]


def chain(t, y):
    dy = np.zeros_like(y)
    dy[0] = -100.0 * y[0]
    for i in range(1, len(y)):
        dy[i] = 100.0 * y[i - 1] - i * y[i] ** 2
    return dy


def test_the_keywords_give_what_differences_give() -> None:
    words = adapters.minimize(rosenbrock, "hess")
    args = (1.2, 50.0)
    np.testing.assert_allclose(words["jac"](X0, *args), differentiate(rosenbrock, X0, args=args), rtol=1e-6)
    np.testing.assert_allclose(
        words["hess"](X0, *args), differentiate(words["jac"], X0, args=args), rtol=1e-6, atol=1e-5
    )
    p = np.array([1.0, -2.0, 0.5, 0.1])
    product = adapters.minimize(rosenbrock, "hessp")["hessp"](X0, p, *args)
    np.testing.assert_allclose(product, words["hess"](X0, *args) @ p)
    start = np.array([2.0, 1.0, 0.1])
    j = adapters.least_squares(residuals)["jac"](start, T, Y)
    np.testing.assert_allclose(j, differentiate(residuals, start, args=(T, Y)), rtol=1e-6, atol=1e-7)
    x = np.array([0.3, 0.4])
    np.testing.assert_allclose(
        np.array(adapters.root(equations)["jac"](x)),
        differentiate(lambda x: np.array(equations(x)), x),
        atol=1e-7,
    )
    y = np.array([1.5, 0.2, 0.7])
    np.testing.assert_allclose(
        adapters.solve_ivp(chain)["jac"](0.1, y), differentiate(lambda y: chain(0.1, y), y), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("method", "second"),
    [
        ("CG", None),
        ("BFGS", None),
        ("L-BFGS-B", None),
        ("SLSQP", None),
        ("Newton-CG", "hess"),
        ("Newton-CG", "hessp"),
        ("dogleg", "hess"),
        ("trust-ncg", "hess"),
        ("trust-ncg", "hessp"),
        ("trust-krylov", "hessp"),
        ("trust-exact", "hess"),
        ("trust-constr", "hess"),
        ("trust-constr", "hessp"),
    ],
)
def test_minimize(method: str, second: str | None) -> None:
    start = np.array([1.1, 1.2, 1.3, 1.4]) if method == "dogleg" else X0
    words = adapters.minimize(rosenbrock, second)
    got = optimize.minimize(rosenbrock, start, method=method, tol=1e-9, **words)
    np.testing.assert_allclose(got.x, np.ones(4), atol=1e-4)
    got = optimize.minimize(rosenbrock, start, args=(1.0, 10.0), method=method, tol=1e-9, **words)
    np.testing.assert_allclose(got.x, np.ones(4), atol=1e-4)


def test_fewer_calls_than_with_differences() -> None:
    ours = optimize.minimize(rosenbrock, X0, method="BFGS", **adapters.minimize(rosenbrock))
    theirs = optimize.minimize(rosenbrock, X0, method="BFGS")
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-4)
    assert ours.nfev < theirs.nfev / 3


def test_least_squares() -> None:
    start = np.array([1.0, 1.0, 0.0])
    for method in ("trf", "dogbox", "lm"):
        ours = optimize.least_squares(
            residuals, start, args=(T, Y), method=method, **adapters.least_squares(residuals)
        )
        theirs = optimize.least_squares(residuals, start, args=(T, Y), method=method)
        np.testing.assert_allclose(ours.x, [2.5, 1.3, 0.5], atol=1e-6)
        np.testing.assert_allclose(ours.x, theirs.x, atol=1e-5)


def test_root() -> None:
    start = np.array([0.9, 0.3])
    for method in ("hybr", "lm"):
        ours = optimize.root(equations, start, method=method, **adapters.root(equations))
        theirs = optimize.root(equations, start, method=method)
        assert ours.success
        np.testing.assert_allclose(ours.x, theirs.x, atol=1e-6)


def test_solve_ivp() -> None:
    y0 = np.array([2.0, 0.0])
    options: dict[str, Any] = {"args": (50.0,), "rtol": 1e-7, "atol": 1e-9}
    for method in ("Radau", "BDF", "LSODA"):
        ours = integrate.solve_ivp(
            van_der_pol, (0.0, 5.0), y0, method=method, **options, **adapters.solve_ivp(van_der_pol)
        )
        theirs = integrate.solve_ivp(van_der_pol, (0.0, 5.0), y0, method=method, **options)
        assert ours.success
        np.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-4, atol=1e-6)
        assert ours.nfev <= theirs.nfev


def test_another_word_is_refused() -> None:
    with pytest.raises(DerivativeValueError, match="hessp"):
        adapters.minimize(rosenbrock, "hesse")


@pytest.mark.parametrize("name", ["newton", "trust_region"])
def test_example(name: str) -> None:
    """The examples assert what they claim, and say so."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / f"{name}.py")], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "as SciPy" in done.stdout
