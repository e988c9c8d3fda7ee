"""Taylor coefficients along a direction: against repeated forward mode on every program, and compositions."""

from __future__ import annotations

import copy
import inspect
import math
import os
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
import scipy.special

import numeric
from corpus import PROGRAMS
from corpus.program import Program
from srcdiff import (
    DerivativeValueError,
    NoRule,
    SrcdiffError,
    derivative,
    elementwise,
    grad,
    jacfwd,
    jvp,
    pullback,
    source,
    taylor,
    vmap,
)
from srcdiff.api.specialise import forget_all
from srcdiff.errors import Problem
from srcdiff.family import orders

ALL = bool(os.environ.get("SRCDIFF_ALL"))
THIRD = [p for p in PROGRAMS if ALL or zlib.crc32(p.name.encode()) % 3 == 0]
X = np.array([0.3, 1.2, 0.7])
V = np.array([0.5, -1.0, 2.0])
A = np.array([[1.0, 2.0, -0.5], [0.3, -0.7, 0.2], [0.0, 1.1, 2.4]])


def by_forward_mode(monkeypatch: Any) -> None:
    """From here on, coefficients are derivatives made by forward mode again and again."""

    def none(*_: Any) -> Any:
        raise NoRule(Problem("no-rule", "no recurrence"))

    forget_all()
    monkeypatch.setattr(orders, "coefficients", none)


# ---- every program -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", THIRD, ids=lambda p: p.name)
def test_program(program: Program, monkeypatch: Any) -> None:
    rng = np.random.default_rng(5)
    directions = tuple(numeric.random_like(program.args[k], rng) for k in program.wrt)
    along = directions[0] if len(directions) == 1 else directions
    made: list[Any] = []
    inner = orders.coefficients
    monkeypatch.setattr(orders, "coefficients", lambda *a: made.append(inner(*a)) or made[-1])

    def coefficients() -> Any:
        d = taylor(program.function, order=3, wrt=program.wrt_option)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return d(*copy.deepcopy(program.args), along, **program.kwargs)

    forget_all()
    try:
        got = coefficients()
    except SrcdiffError as e:
        with pytest.raises(type(e)):
            jvp(grad(program.function, wrt=program.wrt_option), program.args, program.args)
        pytest.skip("refused by other modes as well")
    if not made:
        pytest.skip("made by forward mode")
    by_forward_mode(monkeypatch)
    try:
        want = coefficients()
    except SrcdiffError:
        pytest.skip("forward mode again and again cannot")
    for k, (a, b) in enumerate(zip(got, want, strict=True)):
        y, z = numeric.ravel(a), numeric.ravel(b)
        scale = 1.0 + np.max(np.abs(z), initial=0.0, where=np.isfinite(z))
        np.testing.assert_allclose(y, z, rtol=1e-7, atol=1e-9 * scale, err_msg=f"order {k}")


# ---- operations --------------------------------------------------------------------------------------------


def filled(x):
    u = np.zeros(3)
    for i in range(3):
        u[i] = x[i] * np.sin(x[i - 1])
    u[1] += u[0] ** 2
    return u


def shrunk(x):
    s = x
    while np.sum(s * s) > 0.5:
        s = 0.7 * s + 0.1 * np.sin(s)
    return s


OPERATIONS = {
    "log under a mask": lambda x: np.where(x > 0.0, np.log(x), 0.0) * x,
    "root under a mask": lambda x: np.sqrt(np.where(x > 0.0, x, 0.0)),
    "root of a square": lambda x: np.sqrt(x * x),
    "overflow below": lambda x: 1.0 / (1.0 + np.exp(-1000.0 * x)),
    "overflow of a reciprocal": lambda x: np.reciprocal(1.0 + np.exp(800.0 * x)),
    "overflow of a power": lambda x: (1.0 + np.exp(800.0 * x)) ** -2,
    "maximum": lambda x: np.maximum(x, 0.0) ** 3,
    "clip": lambda x: np.clip(x, 0.0, 1.0) ** 2,
    "absolute": lambda x: np.abs(x) ** 3,
    "real power": lambda x: np.abs(x) ** 2.5,
    "natural power as a float": lambda x: x**3.0,
    "hypot": lambda x: np.hypot(x, 0.0 * x),
    "inverse": lambda x: np.linalg.inv(A * x[0] + 3.0 * np.eye(3)),
    "solve": lambda x: np.linalg.solve(A * x[0] + 3.0 * np.eye(3), x),
    "slogdet": lambda x: np.linalg.slogdet(A * x[0] + 3.0 * np.eye(3))[1],
    "cholesky": lambda x: np.linalg.cholesky(A @ A.T + np.eye(3) * x[0] ** 2),
    "eigenvalues": lambda x: np.linalg.eigh(A + A.T + np.diag(x))[0],
    "norm": lambda x: np.linalg.norm(x + 0.1),
    "prod": lambda x: np.prod(x + 2.0),
    "cumprod": lambda x: np.cumprod(x + 2.0),
    "var and std": lambda x: np.var(x) * np.std(x),
    "logsumexp": lambda x: np.log(np.sum(np.exp(x - np.max(x)))),
    "sort": lambda x: np.sort(x) ** 2,
    "einsum": lambda x: np.einsum("i,j,ij->", x, x, A),
    "tensordot with axes": lambda x: np.tensordot(np.outer(x, x), A * x, axes=2),
    "rows and keepdims": lambda x: np.sum(np.outer(x, x) ** 2, axis=1, keepdims=True) * np.sum(x),
    "arctan2": lambda x: np.arctan2(x, x**2 + 1.0),
    "complex inside": lambda x: np.real(np.exp(1j * x) * (1.0 + x * 1j)),
    "modulus": lambda x: np.abs(np.exp(1j * x) * (1.0 + x * 1j)),
    "fft": lambda x: np.abs(np.fft.fft(x)) ** 2,
    "sinc": lambda x: np.sinc(x),
    "logaddexp": lambda x: np.logaddexp(x, 2.0 * x),
    "mod": lambda x: (x % 0.7) ** 2,
    "written in a loop": filled,
    "while": shrunk,
}  # fmt: skip


POINTS = [X, np.array([0.3, -1.2, 0.7]), np.array([0.0, 1.0, -1.0])]


@pytest.mark.parametrize("x", POINTS, ids=["positive", "any", "at kinks"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operation(name: str, x: np.ndarray, monkeypatch: Any) -> None:
    f = OPERATIONS[name]
    with np.errstate(all="ignore"):
        got = taylor(f, order=4)(x, V)
        by_forward_mode(monkeypatch)
        want = taylor(f, order=4)(x, V)
    for a, b in zip(got, want, strict=True):
        scale = 1.0 + np.max(np.abs(got[-1]))
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-11 * scale)
        assert np.shape(a) == np.shape(b)


# ---- semantics ---------------------------------------------------------------------------------------------


def test_are_coefficients_not_derivatives() -> None:
    assert taylor(lambda x: x**3, order=3)(2.0, 1.0) == (8.0, 12.0, 6.0, 1.0)
    assert taylor(math.exp, order=4)(0.0, 2.0) == pytest.approx([1.0, 2.0, 2.0, 4.0 / 3.0, 2.0 / 3.0])
    assert taylor(lambda x: x * x, order=0)(3.0, 1.0) == (9.0,)


def test_sum_to_the_function_beside() -> None:
    def f(x):
        return np.tanh(A @ x) / (1.0 + x @ x)

    found = taylor(f, order=12)(X, V)
    t = 0.02
    np.testing.assert_allclose(sum(y * t**k for k, y in enumerate(found)), f(X + t * V), rtol=1e-13)


def test_containers_several_arguments_and_what_else_is_returned() -> None:
    def f(p, s):
        return {"a": p["w"] * s, "b": (s**2, 1)}, "note"

    (zeroth, first, second), aux = taylor(f, order=2, wrt=("p", "s"), has_aux=True)(
        {"w": X}, 2.0, ({"w": V}, 3.0)
    )
    np.testing.assert_allclose(zeroth["a"], 2.0 * X)
    np.testing.assert_allclose(first["a"], 2.0 * V + 3.0 * X)
    np.testing.assert_allclose(second["a"], 3.0 * V)
    assert (zeroth["b"][0], first["b"][0], second["b"][0], aux) == (4.0, 12.0, 9.0, "note")


def test_lists_of_any_length() -> None:
    def history(x, n):
        out = []
        for k in range(n):
            out.append([math.sin(x * k), x**4])
        return out

    found = derivative(history, order=3)(0.5, 4)
    np.testing.assert_allclose(found, [[-(k**3) * math.cos(0.5 * k), 12.0] for k in range(4)])


def test_rules_of_ones_own_have_coefficients() -> None:
    def sine(x):
        return float(np.sin(x))

    def root(x):
        return math.sqrt(x)

    @elementwise(sine)
    def cosine(x):
        return math.cos(x)

    @pullback(root, "x")
    def root_bar(x, *, out, out_bar):
        return out_bar / (2.0 * out)

    want = taylor(lambda x: math.sin(x) * math.sqrt(x), order=4)(0.4, 1.0)
    np.testing.assert_allclose(taylor(lambda x: sine(x) * root(x), order=4)(0.4, 1.0), want, rtol=1e-13)


def test_a_decorator() -> None:
    @taylor(order=2)
    def f(x):
        return x * x

    assert f(3.0, 1.0) == (9.0, 6.0, 1.0)


# ---- compositions ------------------------------------------------------------------------------------------


def third(x):
    return taylor(lambda y: math.sin(y) * y, order=3)(x, 1.0)[3]


def test_inside_a_function_and_under_other_derivatives() -> None:
    want = derivative(lambda y: math.sin(y) * y, order=4)(0.7) / 6.0
    assert grad(third)(0.7) == pytest.approx(want)
    assert jvp(third, (0.7,), (1.0,))[1] == pytest.approx(want)
    xs = np.array([0.1, 0.7])
    np.testing.assert_allclose(vmap(third)(xs), [third(x) for x in xs])

    def along(x):
        return taylor(lambda y: np.sum(np.exp(y) * y), order=2)(x, V)[2]

    got = jacfwd(along)(X)
    np.testing.assert_allclose(got, grad(lambda x: np.sum((x + 2.0) * np.exp(x) * V**2 / 2.0))(X))


def test_of_a_gradient() -> None:
    coefficients = taylor(grad(lambda x: x**5), order=2)(1.0, 1.0)
    assert coefficients == pytest.approx([5.0, 20.0, 30.0])


def test_the_text_differentiates_again() -> None:
    d = derivative(lambda x: math.tanh(x) * math.sqrt(x), order=3)
    text = d.source_for(0.7)
    space: dict[str, Any] = {}
    exec(compile(text, "<text>", "exec"), space)
    name = next(n for n in space if n.endswith("derivative"))
    assert space[name](0.7) == d(0.7)
    assert grad(d)(0.7) == pytest.approx(derivative(lambda x: math.tanh(x) * math.sqrt(x), order=4)(0.7))


def test_the_text_of_a_loop_reads_like_the_loop() -> None:
    def logistic(x, r=3.7, n=10):
        for _ in range(n):
            x = r * x * (1 - x)
        return x

    text = source(derivative(logistic, order=5), 0.4)
    assert text.count("for ") == 1
    assert "x_5" in text
    assert len(text.splitlines()) < 40


# ---- a try, a recursion, what is refused ------------------------------------------------------------------


def test_a_try_and_a_recursion() -> None:
    def tried(x):
        try:
            return math.log(x) * x
        except ValueError:
            return x**3

    def powers(x, n):
        return x if n == 0 else math.sin(x) * powers(x, n - 1)

    assert taylor(tried, order=3)(-1.0, 1.0) == pytest.approx((-1.0, 3.0, -3.0, 1.0))
    assert taylor(tried, order=2)(1.0, 1.0) == pytest.approx((0.0, 1.0, 0.5))
    flat = taylor(lambda x: math.sin(x) ** 2 * x, order=3)(0.7, 1.0)
    assert taylor(powers, order=3)(0.7, 2, 1.0) == pytest.approx(flat)


def test_refusals() -> None:
    with pytest.raises(DerivativeValueError, match="natural number"):
        taylor(math.sin, order=-1)
    with pytest.raises(DerivativeValueError, match="shape"):
        taylor(np.sin, order=2)(X, V[:2])

    def unknown(x):
        return scipy.special.kolmogorov(x)

    with pytest.raises(NoRule) as e:
        taylor(unknown, order=2)(1.0, 1.0)
    (problem,) = e.value.problems[:1]
    assert problem.file == __file__
    assert problem.line == inspect.getsourcelines(unknown)[1] + 1
