"""Functions of SciPy that take functions, on programs: both modes and second order against differences.

Also programs of several functions of ``scipy.linalg`` (results that are tuples, symmetric arguments only).
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

import scipy.integrate as si
import scipy.interpolate as ip
import scipy.linalg as sl
import scipy.ndimage as nd
import scipy.optimize as so
import scipy.signal as ss
import scipy.sparse as sp

import srcdiff
from srcdiff import check_rule, grad, jvp
from srcdiff.errors import SrcdiffError

rng = np.random.default_rng(0)
K = np.array([[2.0, 0.3], [0.1, 3.0]])


def r(*shape: int) -> Any:
    return rng.normal(size=shape)


def cubic(x, p):
    return x**3 - p * x - 1.0


def root_by_args(p):
    return so.brentq(cubic, 0.5, 3.0, args=(p,), xtol=1e-14) ** 2


def root_of_closure(p):
    return p * so.brentq(lambda x: x**3 - p * x - 1.0, 0.5, 3.0, xtol=1e-14)


def roots_in_a_loop(p):
    out = 0.0
    for k in range(3):
        out = out + so.brentq(lambda x, k=k: x**3 - p * x - k, 0.1, 5.0, xtol=1e-14)
    return out


def root_of_a_root(p):
    def inner(q):
        return so.brentq(lambda x: x**3 - q * x - 1.0, 0.1, 5.0, xtol=1e-15)

    return so.brentq(lambda z: inner(z) - p, 0.1, 5.0, xtol=1e-15)


def newton_secant(p):
    return so.newton(lambda x: np.cos(x) - p * x, 0.5, tol=1e-14)


def newton_with_slope(p):
    return so.newton(
        lambda x, a: np.cos(x) - a * x, 0.5, fprime=lambda x, a: -np.sin(x) - a, args=(p,), tol=1e-14
    )


def scalar_root(p):
    found = so.root_scalar(lambda x: x**3 - p * x - 1.0, bracket=[0.5, 3.0], xtol=1e-14)
    return found.root * 2.0


def two_equations(x, p):
    return [p[0] * x[0] ** 2 - x[1], x[0] + p[1] * x[1] - 2.0]


def system(p):
    return so.fsolve(two_equations, [1.0, 1.0], args=(p,), xtol=1e-12)[0]


def system_of_closure(p):
    def f(x):
        return np.tanh(K @ x) - p

    found = so.root(f, np.zeros(2), tol=1e-13)
    return np.sum(np.sin(found.x)) + found.x[0]


def fixed_number(p):
    return so.fixed_point(lambda x: np.cos(p * x) / 2.0, 0.5, xtol=1e-14)


def fixed_vector(p):
    return np.sum(so.fixed_point(lambda x: np.cos(p * x) / 2.0 + 0.1 * x[::-1], np.ones(2), xtol=1e-14))


def minimum(p):
    def f(x):
        return np.sum((x - p) ** 4 + (x - p) ** 2) + x[0] * x[1]

    found = so.minimize(f, np.zeros(2), method="BFGS", options={"gtol": 1e-10})
    return found.x @ found.x + found.fun


def minimum_with_bounds(p):
    def f(x):
        return np.sum((x - p) ** 2) + x[0] * x[1]

    def slope(x):
        return 2 * (x - p) + np.array([x[1], x[0]])

    bounds = [(0.0, None), (None, 0.3)]
    found = so.minimize(f, np.zeros(2), jac=slope, bounds=bounds, options={"gtol": 1e-10, "ftol": 1e-15})
    return np.sum(np.sin(found.x))


def minimum_on_bounds(lower):
    found = so.minimize(
        lambda x: (x[0] - 1.0) ** 2 + x[0] * x[1] + x[1] ** 2,
        np.ones(2),
        bounds=[(None, None), (lower, 5.0)],
        options={"gtol": 1e-11, "ftol": 1e-16},
    )
    return found["x"][0] ** 2


def minimum_of_a_number(p):
    found = so.minimize_scalar(lambda x: (x - p) ** 2 + np.exp(x), tol=1e-12)
    return found.x + found.fun


def fit_by_residuals(p, y):
    t = np.linspace(0, 1, 5)

    def residuals(x):
        return x[0] * np.exp(-x[1] * t * p) - y

    found = so.least_squares(residuals, [1.0, 1.0], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    return found.x[0] + found.x[1] ** 2 + found.cost


def fit_of_a_curve(y, s):
    def model(x, a, b, c):
        return a * np.exp(-(((x - b) / c) ** 2))

    options = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14}
    popt, _ = so.curve_fit(model, np.linspace(-1, 1, 9), y, p0=(1.0, 0.1, 0.6), sigma=s, **options)
    return np.sum(popt**2)


def integral(p):
    return si.quad(lambda t: np.exp(-p * t * t), 0, 1)[0]


def integral_and_ends(a, b, p):
    y, _ = si.quad(lambda t, p: np.sin(p * t), a, b, args=(p,))
    return y**2


def integral_to_infinity(p):
    return si.quad(lambda t: np.exp(-p * t * t), -np.inf, np.inf)[0]


def integral_of_many(w):
    return si.quad(lambda t: w @ np.array([1.0, t, t * t]), 0, 2.0)[0] ** 2


def integral_of_vectors(w):
    return np.sum(np.sin(si.quad_vec(lambda t: np.exp(-w * t), 0, 1)[0]))


def predators(t, y, a, b):
    return [a * y[0] - b * y[0] * y[1], -y[1] + 0.5 * y[0] * y[1]]


def steps(a, y0):
    s = si.solve_ivp(predators, (0, 2.0), y0, args=(a, 0.8), rtol=1e-8, atol=1e-10)
    return s.y[0, -1]


def steps_at_times(a, y0):
    def f(t, y):
        return predators(t, y, a, 0.8)

    s = si.solve_ivp(f, (0, 2.0), y0, t_eval=np.linspace(0, 2, 5), rtol=1e-8, atol=1e-10, method="DOP853")
    return np.sum(s.y**2)


def steps_at_one_time(a):
    return si.solve_ivp(lambda t, y: -a * y, (0, 2.0), [1.0], t_eval=[1.3], rtol=1e-9, atol=1e-11).y[0, 0]


def steps_in_between(a, y0):
    tight = {"rtol": 1e-9, "atol": 1e-11, "dense_output": True}
    s = si.solve_ivp(predators, (0, 2.0), y0, args=(a, 0.8), method="DOP853", **tight)
    z = s.sol(np.array([0.3, 1.9, 1.0]))
    back = si.solve_ivp(lambda t, y: -a * y, (2.0, 0.0), y0, **tight)
    return np.sum(z[0] ** 2) + z[1, 1] * s.y[0, -1] + sum(back.sol(t)[0] for t in (1.0, 0.5))


def end_of_time(T):
    return si.solve_ivp(lambda t, y: -y * t, (0, T), [1.0], rtol=1e-9, atol=1e-11).y[0, -1]


def implicit_steps(a):
    return si.solve_ivp(lambda t, y: -a * y, (0, 1.0), [1.0], rtol=1e-9, atol=1e-11, method="LSODA").y[0, -1]


def pendulum(th):
    def f(y, t):
        return np.array([y[1], -th[0] * y[1] - th[1] * np.sin(y[0])])

    return si.odeint(f, [1.0, 0.0], np.linspace(0, 3, 4), rtol=1e-10, atol=1e-11)[-1, 0]


x9 = np.linspace(-1, 1, 9)
SOLVERS: list[Any] = [
    (root_by_args, 1.2),
    (root_of_closure, 1.2),
    (roots_in_a_loop, 1.2),
    (root_of_a_root, 1.8),
    (newton_secant, 0.8),
    (newton_with_slope, 0.8),
    (scalar_root, 1.2),
    (system, np.array([1.5, 0.4])),
    (system_of_closure, np.array([0.2, -0.3])),
    (fixed_number, 0.8),
    (fixed_vector, 0.8),
    (minimum_with_bounds, np.array([0.5, 1.0])),
    (minimum_with_bounds, np.array([-0.5, 0.1])),
    (integral, 1.3),
    (integral_and_ends, 0.2, 1.4, 1.1),
    (integral_to_infinity, 1.3),
    (integral_of_many, np.array([1.0, 0.5, -0.2])),
    (integral_of_vectors, np.array([1.0, 0.5, 2.0])),
]
LOOSER: list[Any] = [  # (as exact as the solver's own tolerance)
    (minimum, np.array([0.5, 1.0])),
    (minimum_on_bounds, 0.2),
    (minimum_of_a_number, 0.7),
    (fit_by_residuals, 1.3, np.array([2.0, 1.4, 1.1, 0.8, 0.5])),
    (
        fit_of_a_curve,
        1.2 * np.exp(-(((x9 - 0.1) / 0.5) ** 2)) + 0.01 * r(9),
        0.1 + 0.02 * rng.uniform(size=9),
    ),
    (steps, 1.1, np.array([1.0, 0.7])),
    (steps_at_times, 1.1, np.array([1.0, 0.7])),
    (steps_at_one_time, 1.1),
    (steps_in_between, 1.1, np.array([1.0, 0.7])),
    (end_of_time, 1.2),
    (implicit_steps, 1.2),
    (pendulum, np.array([0.3, 2.0])),
]


@pytest.mark.filterwarnings("ignore:The iteration is not making")
@pytest.mark.parametrize("case", SOLVERS, ids=lambda c: c[0].__name__)
def test_solver(case: Any) -> None:
    f, *args = case
    check_rule(f, tuple(args), tolerance=1e-7)


@pytest.mark.parametrize("case", LOOSER, ids=lambda c: c[0].__name__)
def test_solver_by_its_tolerance(case: Any) -> None:
    f, *args = case
    check_rule(f, tuple(args), tolerance=3e-5)


def test_text_of_a_root() -> None:
    """The function is a function of the text; of the iteration nothing is differentiated."""
    assert srcdiff.source(grad(root_of_closure), 1.2) == (
        "import scipy.optimize\n\n\n"
        "def objective(x, p):\n    return x**3 - p * x - 1.0\n\n\n"
        'def root_of_closure_grad(p):\n    """Gradient of root_of_closure with respect to p."""\n'
        "    t = scipy.optimize.brentq(objective, 0.5, 3.0, xtol=1e-14, args=(p,))\n"
        "    return t + t / (3 * t**2 - p) * p\n"
    )


@pytest.mark.parametrize(
    "case", [SOLVERS[0], SOLVERS[2], SOLVERS[3], SOLVERS[13]], ids=lambda c: c[0].__name__
)
def test_text_stands_alone(case: Any, tmp_path: Path) -> None:
    """The text alone gives the same numbers, and is differentiated again."""
    f, *args = case
    file = tmp_path / f"alone_{f.__name__}.py"
    file.write_text(srcdiff.source(grad(f), *args), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    g = getattr(module, f"{f.__name__}_grad")
    assert g(*args) == grad(f)(*args)
    np.testing.assert_allclose(grad(g)(*args), grad(grad(f))(*args), rtol=1e-8)


# ---- refusals -------------------------------------------------------------------------------------------


def printing(p):
    def f(x):
        print(x)
        return x * x - p

    return so.brentq(f, 0.0, 3.0)


def constrained(p):
    limits = {"type": "eq", "fun": lambda x: x[0]}
    return so.minimize(lambda x: np.sum((x - p) ** 2), np.zeros(2), constraints=limits).x[0]


def covariance(p):
    _, pcov = so.curve_fit(lambda x, a: a * x, np.arange(3.0), p * np.arange(3.0) + 0.1, p0=[1.0])
    return pcov[0, 0]


def inverse_hessian(p):
    return so.minimize(lambda x: (x[0] - p) ** 2, np.zeros(1)).hess_inv[0, 0]


def with_events(p):
    return si.solve_ivp(lambda t, y: -p * y, (0, 1), [1.0], events=lambda t, y: y[0] - 0.5).y[0, -1]


def times_that_vary(T):
    return si.odeint(lambda y, t: -y, [1.0], np.array([0.0, 1.0]) * T)[-1, 0]


def some_times_that_vary(T):
    return si.solve_ivp(lambda t, y: -T * y, (0, 2), [1.0], t_eval=[0.1, T]).y[0, 1]


def ends_that_vary(T):
    return si.solve_ivp(lambda t, y: -y, (0, T), [1.0], t_eval=[0.1, 0.2]).y[0, 1]


def between_at_a_time_that_varies(T):
    return si.solve_ivp(lambda t, y: -y, (0, 2), [1.0], dense_output=True).sol(T)[0]


def two_dimensions(p):
    return si.dblquad(lambda x, y: p * x * y, 0, 1, 0, 1)[0]


REFUSED = {
    printing: "f is given to a solver, and does more than return a value",
    constrained: "scipy.optimize.minimize(constraints=...) cannot be differentiated",
    covariance: "the derivative of the covariance of curve_fit is not known",
    inverse_hessian: "the derivative of the hess_inv of a result is not known",
    with_events: "scipy.integrate.solve_ivp(events=...) cannot be differentiated",
    times_that_vary: "the derivative of scipy.integrate.odeint in the times at which a solution is asked for",
    some_times_that_vary: "the derivative of scipy.integrate.solve_ivp in the times at which",
    ends_that_vary: "(with t_eval, in its ends as well) is not known",
    between_at_a_time_that_varies: "the derivative of scipy.integrate.solve_ivp in the times at which",
    two_dimensions: "si.dblquad cannot be differentiated: it calls a function that is passed to it",
}


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f: Any) -> None:
    with pytest.raises(SrcdiffError) as caught:
        grad(f)(1.3)
    assert REFUSED[f] in str(caught.value)


# ---- scipy.linalg and scipy.signal, several functions together -------------------------------------------


def gaussian_process(k, y):
    factor = sl.cholesky(k, lower=True)
    return 0.5 * y @ sl.cho_solve((factor, True), y) + np.sum(np.log(np.diag(factor)))


def by_factors(k, y):
    return y @ sl.cho_solve(sl.cho_factor(k), y)


def by_elimination(a, b):
    return np.sum(sl.lu_solve(sl.lu_factor(a), b) ** 2)


def riccati(a, b, q, s):
    return np.sum(np.sin(sl.solve_continuous_are(a, b, q @ q.T + np.eye(2), s @ s.T + np.eye(1))))


def riccati_in_steps(a, b, q, s):
    return np.sum(np.sin(sl.solve_discrete_are(a, b, q @ q.T + np.eye(2), s @ s.T + np.eye(1))))


def radius(a):
    return np.max(np.abs(sl.eigvals(a)))


def blocks(a, b):
    return np.sum(np.sin(sl.block_diag(a, b) @ np.arange(5.0)))


def generalised(a, b):
    w, v = sl.eigh(a, b)
    return np.sum(w**2) + np.sum(v**4)


def least(a, b):
    x, squares, _, _ = sl.lstsq(a, b)
    return x @ x + np.sum(squares)


def least_of_numpy(a, b):
    x, squares, _, _ = np.linalg.lstsq(a, b)
    return x @ x + np.sum(squares)


def exponential(a, t):
    return np.sum(sl.expm(a * t)[0])


def directions(a, e):
    value, moved = sl.expm_frechet(a, e)
    return np.sum(np.sin(value) * moved)


def recursive(b, a, x):
    return np.sum(np.sin(ss.lfilter(b, a, x)))


M = r(4, 4)
S = M @ M.T / 4 + np.diag([1.0, 3.0, 6.0, 9.0])
G = r(3, 3) + np.diag([1.0, 4.0, 8.0])
LINEAR: list[Any] = [
    (gaussian_process, S, r(4)),
    (by_factors, S, r(4)),
    (by_elimination, G, r(3)),
    (riccati, r(2, 2), r(2, 1), r(2, 2), r(1, 1)),
    (riccati_in_steps, 0.5 * r(2, 2), r(2, 1), r(2, 2), r(1, 1)),
    (radius, G),
    (blocks, r(2, 2), r(3, 3)),
    (generalised, S, np.eye(4) * 2 + 0.1 * (M + M.T)),
    (least, r(5, 3), r(5)),
    (least_of_numpy, r(5, 3), r(5)),
    (exponential, 0.5 * r(3, 3), 0.7),
    (directions, 0.4 * r(3, 3), r(3, 3)),
    (recursive, np.array([0.3, -0.2, 0.1]), np.array([1.3, -0.4, 0.2]), r(9)),
]


@pytest.mark.parametrize("case", LINEAR, ids=lambda c: c[0].__name__)
def test_linear_algebra(case: Any) -> None:
    f, *args = case
    check_rule(f, tuple(args), tolerance=1e-6)


# ---- read as what they stand for, and objects that are called --------------------------------------------

X7 = np.array([0.0, 0.2, 0.5, 0.6, 0.9, 1.1, 1.5])
def of_degree_two(x, y, q):
    return np.sum(ip.make_interp_spline(x, y, k=2)(q) ** 2)


def test_knots_that_may_not_vary():
    y = np.sin(4 * X7)
    found = grad(of_degree_two, wrt=("y", "q"))(X7, y, Q3)
    forward = jvp(of_degree_two, (X7, y, Q3), (None, X7, Q3))[1]
    assert abs(found[0] @ X7 + found[1] @ Q3 - forward) < 1e-12
    with pytest.raises(NotImplementedError, match="splines whose knots vary"):
        grad(of_degree_two)(X7, y, Q3)
    with pytest.raises(NotImplementedError, match="splines whose knots vary"):
        jvp(of_degree_two, (X7, y, Q3), (X7, None, None))


def derivatives(x, y, q):
    s = ip.CubicSpline(x, y, bc_type="natural")
    return s.derivative(2)(q) + s(q) * s.derivative().derivative(nu=1)(q)


def around(x, y, q):
    return ip.CubicSpline(x, np.concatenate((y[:-1], y[:1])), bc_type="periodic")(q)


def test_derivatives_of_curves():
    y, q = np.sin(4 * X7), np.array([0.05, 0.33, 0.71])
    assert check_rule(derivatives, (X7, y, q)) < 1e-6
    assert check_rule(around, (X7, y, q), wrt=("y", "q"), order=1) < 1e-7


def shaped(x, y, q):
    p, a = ip.PchipInterpolator(x, y), ip.Akima1DInterpolator(x, y, method="makima", extrapolate=True)
    return p(q) * a(q, 1) + p.derivative()(q) + p.integrate(q[0], q[2])


def plain_akima(y, q):
    return ip.Akima1DInterpolator(X7, y)(q)


KNOTS = np.concatenate((np.zeros(3), np.linspace(0, 1, 5), np.ones(3)))


def basis(c, q):
    s = ip.BSpline(KNOTS, c, 3)
    return s(q) ** 2 + s.derivative()(q) + s.integrate(0.1, q[1])


def basis_with_knots(t):
    return np.sum(ip.BSpline(t, X7, 3)(Q3))


def test_curves_through_values_that_vary():
    y, q = np.array([0.3, 0.9, 1.0, 0.2, 0.1, 0.5, 1.4]), np.array([0.05, 0.33, 0.71])
    assert check_rule(shaped, (X7, y, q), order=1) < 1e-6
    assert check_rule(plain_akima, (y, q)) < 1e-6
    assert check_rule(basis, (y, q)) < 1e-6
    with pytest.raises(NotImplementedError, match="splines whose knots vary"):
        grad(basis_with_knots)(KNOTS)


def integrals(x, y, q):
    s = ip.CubicSpline(x, y, bc_type="natural")
    return s.integrate(q[0], b=q[2]) * s.antiderivative()(q) + s.antiderivative(2)(q[1])


def integral_of_columns(x, y, q):
    s = ip.CubicSpline(x, np.stack((y, y * y), -1))
    return s.integrate(q[0], q[2]) + np.sum(s.antiderivative()(q))


def integral_of_line(y, q):
    return ip.make_interp_spline(X7, y, k=1).integrate(0.1, q[1])


def integral_of_monotone(q):
    return ip.PchipInterpolator(X7, X7**2).integrate(q[0], q[1])


def integral_around(y):
    return ip.CubicSpline(X7, y, bc_type="periodic").integrate(0.1, 3.0)


def test_integrals_of_curves():
    y, q = np.sin(4 * X7), np.array([0.05, 0.33, 0.71])
    assert check_rule(integrals, (X7, y, q)) < 1e-6
    assert check_rule(integral_of_columns, (X7, y, q), order=1) < 1e-6
    assert check_rule(integral_of_line, (y, q), order=1) < 1e-7
    assert check_rule(integral_of_monotone, q, order=1) < 1e-7
    with pytest.raises(Exception, match="the integral of such a curve has no rule"):
        grad(integral_around)(y)


MADE = ip.CubicSpline(X7, np.sin(4 * X7))
MATRIX = sp.csr_array(np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]]))
B3, A3 = ss.butter(3, 0.2)


def between_points(y, q):
    return np.sum(np.sin(ip.CubicSpline(X7, y, bc_type="natural")(q)))


def monotone(q):
    return np.sum(np.sin(ip.PchipInterpolator(X7, X7**2)(q))) + np.sum(ip.Akima1DInterpolator(X7, X7**3)(q))


def curve_made_before(q):
    return np.sum(MADE(q) ** 2)


def sparse_product(x):
    return np.sum(np.sin(MATRIX @ x))


def areas(y, x):
    return si.trapezoid(y, x) ** 2 + np.sum(np.sin(si.cumulative_trapezoid(y, x, initial=0)))


def state_of_filter(x):
    y, zf = ss.lfilter(B3, A3, x, zi=ss.lfilter_zi(B3, A3) * x[0])
    return np.sum(np.sin(y)) + zf @ zf


def both_ways(b, a, x):
    return np.sum(np.sin(ss.filtfilt(b, a, x, padlen=5)))


def at_coordinates(image, c):
    nearest = nd.map_coordinates(image, c, order=1, mode="nearest")
    return np.sum(np.sin(nearest)) + np.sum(nd.map_coordinates(image, c, order=1) ** 2)


def moved_image(image, s):
    return np.sum(np.sin(nd.shift(image, s, order=1, mode="nearest")))


def turned_image(image, m):
    return np.sum(np.sin(nd.affine_transform(image, m, offset=0.35, order=1)))


def edges(image):
    return np.sum(np.sin(nd.gaussian_gradient_magnitude(image, 0.8)))


Q3, IMAGE = np.array([0.1, 0.55, 1.3]), r(5, 6)
LONGHAND: list[Any] = [
    (between_points, r(7), Q3),
    (monotone, Q3),
    (curve_made_before, Q3),
    (sparse_product, r(3)),
    (areas, r(6), np.sort(r(6))),
    (state_of_filter, r(12)),
    (both_ways, B3, A3, r(14)),
    (at_coordinates, IMAGE, 0.3 + 3 * rng.uniform(size=(2, 4))),
    (moved_image, IMAGE, np.array([0.3, -1.2])),
    (turned_image, IMAGE, np.array([[0.9, 0.1], [-0.1, 0.8]])),
    (edges, IMAGE),
]


@pytest.mark.parametrize("case", LONGHAND, ids=lambda c: c[0].__name__)
def test_read_as_what_it_stands_for(case: Any) -> None:
    f, *args = case
    check_rule(f, tuple(args), tolerance=2e-6)


def test_values_are_those_of_scipy() -> None:
    """What is read as something else gives the same value."""
    x, c = r(14), 6 * rng.uniform(size=(2, 20)) - 1
    zi = ss.lfilter_zi(B3, A3)
    for f, args in (
        (lambda x: ss.filtfilt(B3, A3, x)[3], (x,)),
        (lambda x: ss.filtfilt(B3, A3, x, padtype="even", padlen=4)[3], (x,)),
        (lambda x: ss.lfilter(B3, A3, x, zi=zi)[1][1], (x,)),
        (lambda x: np.sum(nd.map_coordinates(x, c, order=1, cval=2.0)), (IMAGE,)),
        (lambda x: np.sum(nd.map_coordinates(x, c, order=0, mode="nearest")), (IMAGE,)),
        (lambda x: np.sum(np.arange(6.0) * nd.shift(x, 1.3, order=1)), (IMAGE,)),
    ):
        value, _ = srcdiff.value_and_grad(f)(*args)
        np.testing.assert_allclose(value, f(*args), rtol=1e-10)


def test_permission_to_destroy() -> None:
    """``overwrite_a`` allows SciPy to destroy what it is given; the derivative still reads it."""

    def f(a, b):
        return np.sum(sl.solve(a, b, overwrite_a=True, overwrite_b=True) ** 2)

    a, b = np.asfortranarray(G), r(3)
    before = a.copy()
    got = grad(f)(a, b)
    np.testing.assert_array_equal(a, before)
    x = sl.solve(a, b)
    np.testing.assert_allclose(got, -np.outer(sl.solve(a.T, 2 * x), x), rtol=1e-10)


def test_import_is_lazy() -> None:
    import subprocess

    text = "import sys, srcdiff; assert not any(m.startswith('scipy') for m in sys.modules)"
    subprocess.run([sys.executable, "-c", text], check=True)
