"""Rules of one's own: every form, what is derived from it, what is refused, and the check of rules."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import math
import types
from typing import Any

import numpy as np
import pytest

import srcdiff
from srcdiff import (
    DerivativeTypeError,
    DerivativeValueError,
    NoRule,
    SourceNotFound,
    SrcdiffError,
    WrongDerivative,
    check_rule,
    grad,
    jvp,
    source,
    stop_gradient,
    vjp,
)

X = np.array([0.3, -1.2, 0.7])
Y = np.array([1.5, 0.4, -0.8])
A = np.array([[2.0, 0.3, -0.1], [0.2, 1.5, 0.4], [-0.3, 0.1, 1.8]])


def close(a: Any, b: Any, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def refused(call: Any, kind: type[SrcdiffError], *words: str) -> None:
    with pytest.raises(kind) as e:
        call()
    assert all(p.help for p in e.value.problems), str(e.value)
    for word in words:
        assert word in str(e.value), str(e.value)


def hidden(fn: Any) -> Any:
    """A function without readable text, as those of C extensions are."""
    code = fn.__code__.replace(co_filename="<nowhere>", co_name=fn.__name__ + "_hidden")
    return types.FunctionType(code, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)


# ---- the forms -------------------------------------------------------------------------------------------


class TestForms:
    def test_elementwise(self):
        f = hidden(lambda x, y: x * np.sin(y))

        @srcdiff.elementwise(f)
        def rule(x, y):
            return np.sin(y), x * np.cos(y)

        assert check_rule(f, (X, Y), (X, 0.5), (1.5, 2.5), (X[:, None], Y)) < 1e-8
        close(grad(lambda x: np.sum(f(x, Y) ** 2))(X), 2 * X * np.sin(Y) ** 2)

    def test_elementwise_operand_without_derivative(self):
        f = hidden(lambda n, x: x**n)

        @srcdiff.elementwise(f)
        def rule(n, x):
            return None, n * x ** (n - 1.0)

        assert grad(lambda x: f(3, x))(2.0) == 12.0
        refused(lambda: grad(lambda n: f(n, 2.0))(3.0), NoRule, "no derivative with respect to 'n'")

    def test_linear(self):
        f = hidden(lambda x, k=2: np.concatenate([x] * k))

        @srcdiff.linear(f, "x")
        def rule(x, k=2, *, out_bar):
            return np.sum(np.reshape(out_bar, (k, len(x))), axis=0)

        assert check_rule(f, X, (X, 3)) < 1e-8
        close(grad(lambda x: f(x, k=3) @ np.arange(9.0))(X), [9.0, 12.0, 15.0])

    def test_bilinear(self):
        f = hidden(lambda a, b: np.outer(a, b))

        @srcdiff.bilinear(f, "a", "b")
        def rule(a, b, *, out_bar):
            return out_bar @ b, out_bar.T @ a

        assert check_rule(f, (X, Y), (X, Y[:2])) < 1e-8

    def test_differential_serves_both_modes(self):
        f = hidden(lambda a, b: np.linalg.solve(a, b))

        @srcdiff.differential(f)
        def rule(a, b, *, out, a_dot, b_dot):
            return np.linalg.solve(a, b_dot - a_dot @ out)

        assert check_rule(f, (A, X), (A, np.stack([X, Y], axis=1))) < 1e-7
        text = source(grad(lambda b: np.sum(f(A, b) ** 2)), X)
        assert "solve" in text

    def test_pullback_serves_both_modes(self):
        f = hidden(lambda a, b: np.linalg.solve(a, b))

        @srcdiff.pullback(f, "a", "b")
        def rule(a, b, *, out, out_bar):
            b_bar = np.linalg.solve(a.T, out_bar)
            return -np.outer(b_bar, out), b_bar

        assert check_rule(f, (A, X)) < 1e-7

    def test_pullback_beside_a_differential(self):
        def f(x):
            return np.cumsum(x**2)

        @srcdiff.differential(f)
        def forward(x, *, x_dot):
            return np.cumsum(2 * x * x_dot)

        @srcdiff.pullback(f, "x")
        def backward(x, *, out_bar):
            return 2 * x * np.cumsum(out_bar[::-1])[::-1]

        assert check_rule(f, X) < 1e-8

    def test_texts_with_branches_and_loops(self):
        f = hidden(lambda x: np.cumprod(x))

        @srcdiff.differential(f)
        def rule(x, *, out, x_dot):
            total = 0.0
            dots = np.zeros(len(x))
            for i in range(len(x)):
                total = total + x_dot[i] / x[i]
                dots[i] = out[i] * total
            return dots

        assert check_rule(f, X, np.array([2.0, 3.0, 4.0, 5.0])) < 1e-7

    def test_results_with_parts(self):
        f = hidden(lambda x: (np.sin(x), {"c": np.cos(x), "n": 3}))

        @srcdiff.pullback(f, "x")
        def rule(x, *, out_bar):
            return out_bar[0] * np.cos(x) - out_bar[1]["c"] * np.sin(x)

        def total(x):
            s, more = f(x)
            return np.sum(s * more["c"]) * more["n"]

        close(grad(total)(X), 3 * np.cos(2 * X))

    def test_arguments_with_parts(self):
        f = hidden(lambda p: p["w"] * p["b"])

        @srcdiff.pullback(f, "p")
        def rule(p, *, out_bar):
            return {"w": out_bar * p["b"], "b": out_bar * p["w"]}

        g = grad(lambda p: np.sum(f(p)))({"w": X, "b": Y})
        close(g["w"], Y)
        close(g["b"], X)

    def test_nondifferentiable(self):
        @srcdiff.nondifferentiable
        def bucket(x):
            return np.floor(x * 4.0) / 4.0

        close(grad(lambda x: np.sum(x * bucket(x)))(X), np.floor(X * 4) / 4)
        assert grad(bucket)(2.3) == 0.0

    def test_stop_gradient(self):
        close(grad(lambda x: np.sum(stop_gradient(x) * x))(X), X)
        close(grad(lambda p: stop_gradient(p)["a"] * p["a"])({"a": 2.0})["a"], 2.0)


class TestSaving:
    def make(self):
        def f(x, y):
            return np.exp(x) * y

        def forward(x, y):
            e = np.exp(x)
            return e * y, (e, y)

        @srcdiff.pullback(f, "x", "y", forward=forward)
        def rule(x, y, *, saved, out_bar):
            e, y0 = saved
            return out_bar * e * y0, out_bar * e

        return f

    def test_both_modes_and_second_order(self):
        assert check_rule(self.make(), (X, Y), (0.3, 2.0)) < 1e-7

    def test_computed_once(self):
        f = self.make()
        text = source(grad(lambda x: np.sum(f(x, Y))), X)
        assert text.count("np.exp") == 1

    def test_in_loops_and_branches(self):
        f = self.make()

        def steps(x):
            for k in range(3):
                x = f(x, 0.5) - x if k != 1 else x * 0.5
            return np.sum(x)

        def plain(x):
            for k in range(3):
                x = np.exp(x) * 0.5 - x if k != 1 else x * 0.5
            return np.sum(x)

        close(grad(steps)(X), grad(plain)(X))
        close(jvp(steps, (X,), (Y,))[1], jvp(plain, (X,), (Y,))[1])
        close(jvp(grad(steps), (X,), (Y,))[1], jvp(grad(plain), (X,), (Y,))[1])
        close(vjp(steps, X)[1](2.0)[0], 2 * grad(plain)(X))

    def test_gradient_of_a_gradient(self):
        f = self.make()
        g = grad(lambda x: np.sum(grad(lambda z: np.sum(f(z, Y)))(x) ** 2))
        close(g(X), 2 * np.exp(2 * X) * Y**2)

    def test_saved_by_what_cannot_be_differentiated(self):
        linalg = pytest.importorskip("scipy.linalg")

        def solve(b):
            return linalg.lu_solve(linalg.lu_factor(A), b)

        def saving(b):
            lu = linalg.lu_factor(A + 0.0 * b[0])
            return linalg.lu_solve(lu, b), lu

        @srcdiff.pullback(solve, "b", forward=saving)
        def rule(b, *, saved, out_bar):
            return linalg.lu_solve(saved, out_bar, trans=1)

        close(grad(lambda b: np.sum(solve(b) ** 2))(X), 2 * np.linalg.solve(A.T, np.linalg.solve(A, X)), 1e-8)

    def test_the_forward_function_must_return_a_pair(self):
        def f(x):
            return x * 2

        @srcdiff.pullback(f, "x", forward=lambda x: x * 2)
        def rule(x, *, saved, out_bar):
            return out_bar * saved

        refused(lambda: grad(lambda x: f(x))(1.0), SrcdiffError, "must return (value, saved)")

    def test_value_alone(self):
        """Where nothing is differentiated, nothing is lost."""
        f = self.make()
        close(grad(lambda x, y: np.sum(f(y, y) * x))(X, Y), np.exp(Y) * Y)


# ---- what a rule is for ----------------------------------------------------------------------------------


class Solver:
    """A method with a rule."""

    def __init__(self, a):
        self.a = a

    def solve(self, b):
        x = np.zeros(len(b))
        for _ in range(200):
            x = x + 0.3 * (b - self.a @ x)
        return x


class TestTargets:
    def test_precedence_over_reading(self):
        calls = []

        def f(x):
            calls.append(1)
            return x * x

        @srcdiff.elementwise(f)
        def rule(x):
            return 100.0 + 0.0 * x

        assert grad(f)(3.0) == 100.0
        assert grad(lambda x: f(x))(3.0) == 100.0
        assert grad(lambda x: functools.partial(f)(x))(3.0) == 100.0
        assert jvp(f, (3.0,), (1.0,)) == (9.0, 100.0)
        assert vjp(f, 3.0)[1](1.0) == (100.0,)

    def test_a_rule_given_later(self):
        def f(x):
            return x * x

        def outer(x):
            return f(x) + x

        g = grad(outer)
        assert g(3.0) == 7.0
        assert jvp(outer, (3.0,), (1.0,))[1] == 7.0

        @srcdiff.elementwise(f)
        def rule(x):
            return 50.0 * x

        assert g(3.0) == 151.0
        assert jvp(outer, (3.0,), (1.0,))[1] == 151.0
        assert vjp(outer, 3.0)[1](1.0) == (151.0,)

        @srcdiff.elementwise(f)
        def better(x):
            return 2.0 * x

        assert g(3.0) == 7.0

    def test_methods(self):
        def rule(self, b, *, out_bar):
            return np.linalg.solve(self.a.T, out_bar)

        srcdiff.pullback(Solver.solve, "b")(rule)
        s = Solver(A)
        expected = 2 * np.linalg.solve(A.T, np.linalg.solve(A, X))
        close(grad(lambda b: np.sum(s.solve(b) ** 2))(X), expected, 1e-6)
        s.a = 1.1 * A
        expected = 2 * np.linalg.solve(1.1 * A.T, np.linalg.solve(1.1 * A, X))
        close(grad(lambda b: np.sum(s.solve(b) ** 2))(X), expected, 1e-6)

    def test_bound_methods(self):
        s = Solver(A)

        @srcdiff.pullback(s.solve, "b")
        def rule(b, *, out_bar):
            return np.linalg.solve(A.T, out_bar)

        expected = 2 * np.linalg.solve(A.T, np.linalg.solve(A, X))
        close(grad(lambda b: np.sum(s.solve(b) ** 2))(X), expected, 1e-6)

    def test_builtins_and_ufuncs(self):
        ufunc = np.frompyfunc(math.erf, 1, 1)

        @srcdiff.elementwise(ufunc)
        def erf(x):
            return 2.0 / math.sqrt(math.pi) * np.exp(-(x * x))

        assert grad(lambda x: ufunc(x))(0.5) == pytest.approx(2 / math.sqrt(math.pi) * math.exp(-0.25))

    def test_whole_solvers(self):
        """A fixed point, differentiated as the equation that it solves."""

        def fixed(a, b):
            x = np.zeros(len(b))
            for _ in range(300):
                x = np.tanh(a @ x) * 0.5 + b
            return x

        @srcdiff.differential(fixed)
        def rule(a, b, *, out, a_dot, b_dot):
            slope = 0.5 * (1.0 - np.tanh(a @ out) ** 2)
            j = np.eye(len(b)) - slope[:, None] * a
            return np.linalg.solve(j, slope * (a_dot @ out) + b_dot)

        assert check_rule(fixed, (0.4 * A, X)) < 1e-6

    def test_constants_of_rules_are_read_anew(self):
        k = np.array([1.0, 2.0])
        c = 3.0

        def f(x):
            return k * x

        @srcdiff.elementwise(f)
        def rule(x):
            return k * c

        g = grad(lambda x: np.sum(f(x)))
        assert g(1.0) == 9.0
        c = 1.0
        assert g(1.0) == 3.0
        k = np.array([5.0, 6.0])
        assert g(1.0) == 11.0
        h = grad(lambda x: grad(lambda y: np.sum(f(y)))(x) * x)
        assert h(1.0) == 11.0
        c = 2.0
        assert h(1.0) == 22.0

    def test_names_are_kept_apart(self):
        """A helper of a rule, a variable of the program and a parameter may have one name."""
        f, slope = hidden(lambda x: np.sin(x)), hidden(lambda x: np.cos(x))
        slope.__name__ = "slope"

        @srcdiff.elementwise(f)
        def rule(x):
            return slope(x)

        @srcdiff.elementwise(slope)
        def slope_rule(x):
            return -f(x)

        def program(x, f_1):
            slope = x * x
            return f(slope) * f_1 + slope

        def plain(x, f_1):
            slope = x * x
            return np.sin(slope) * f_1 + slope

        close(grad(program)(0.7, 2.0), grad(plain)(0.7, 2.0))
        close(grad(lambda slope: f(slope) * slope)(0.7), math.sin(0.7) + 0.7 * math.cos(0.7))
        close(grad(grad(program))(0.7, 2.0), grad(grad(plain))(0.7, 2.0))

    def test_within_a_rule_of_another(self):
        f, g = hidden(lambda x: np.sin(x)), hidden(lambda x: np.cos(x))

        @srcdiff.elementwise(f)
        def f_rule(x):
            return g(x)

        @srcdiff.elementwise(g)
        def g_rule(x):
            return -f(x)

        assert grad(grad(grad(f)))(0.7) == pytest.approx(-math.cos(0.7))


# ---- refusals --------------------------------------------------------------------------------------------


class TestRefused:
    def test_no_rule_says_so(self):
        f = hidden(lambda x: x * x)
        refused(lambda: grad(lambda x: f(x))(1.0), NoRule, "neither a rule nor Python source")

    def test_a_transpose_that_calls_what_has_no_rule(self):
        f, g = hidden(lambda x: np.sin(x)), hidden(lambda x, y: x * np.cos(y))

        @srcdiff.differential(f)
        def rule(x, *, x_dot):
            return g(x_dot, x)

        assert jvp(f, (0.5,), (1.0,))[1] == pytest.approx(math.cos(0.5))
        refused(
            lambda: vjp(f, 0.5)[1](1.0),
            NoRule,
            "no rule for reverse mode",
            "cannot be transposed",
            "give it a pullback",
        )

    def test_a_differential_that_is_not_linear(self):
        f = hidden(lambda x: x * x)

        @srcdiff.differential(f)
        def rule(x, *, x_dot):
            return 2.0 * x * x_dot * x_dot

        refused(lambda: vjp(f, 0.5), NoRule, "not linear in x_dot")

    def test_operands_that_the_rule_is_not_about(self):
        f = hidden(lambda a, b: a * b)

        @srcdiff.pullback(f, "a")
        def rule(a, b, *, out_bar):
            return out_bar * b

        assert grad(f)(2.0, 3.0) == 3.0
        refused(lambda: grad(f, wrt="b")(2.0, 3.0), NoRule, "no derivative with respect to 'b'")
        refused(lambda: jvp(f, (2.0, 3.0), (1.0, 1.0)), NoRule, "no derivative with respect to 'b'")

    def test_texts(self):
        def f(a, b):
            return a * b

        refused(
            lambda: srcdiff.elementwise(f)(lambda x, y: (y, x)),
            DerivativeValueError,
            "operands are x, y",
            "a, b",
        )
        refused(lambda: srcdiff.elementwise(f)(lambda b, a: (b, a)), DerivativeValueError, "in their order")

        def takes(a, b, *, outbar):
            return outbar

        refused(lambda: srcdiff.pullback(f, "a")(takes), DerivativeValueError, "'outbar'", "out_bar")

        def names(a, b, *, out_bar):
            return out_bar

        refused(lambda: srcdiff.pullback(f, "c")(names), DerivativeValueError, "no operand 'c'")
        refused(lambda: srcdiff.linear(f, "a")("text"), DerivativeTypeError, "not a str")

        def dots(a, b, *, c_dot):
            return c_dot

        refused(lambda: srcdiff.differential(f)(dots), DerivativeValueError, "'c_dot'")
        refused(lambda: srcdiff.differential(f)(lambda a, b: a), DerivativeValueError, "no tangent")
        refused(lambda: srcdiff.elementwise(3)(lambda x: x), DerivativeTypeError, "not for a int")

    def test_unreadable_text(self):
        namespace: dict[str, Any] = {}
        exec("def rule(x):\n    return x", namespace)

        def f(x):
            return x

        with pytest.raises(SourceNotFound):
            srcdiff.elementwise(f)(namespace["rule"])

    def test_what_has_a_rule_of_ours(self):
        refused(
            lambda: srcdiff.elementwise(np.sin)(lambda x: x), DerivativeValueError, "has such a rule already"
        )
        refused(
            lambda: srcdiff.elementwise(np.add)(lambda a, b: a),
            DerivativeValueError,
            "has such a rule already",
        )
        refused(lambda: srcdiff.nondifferentiable(np.sin), DerivativeValueError, "has a derivative rule")
        assert grad(np.sin)(0.0) == 1.0


class TestCheckRule:
    def test_wrong_rules_are_found(self):
        f = hidden(lambda x, y: x * np.sin(y))

        @srcdiff.elementwise(f)
        def rule(x, y):
            return np.sin(y), x * np.sin(y)

        refused(lambda: check_rule(f, (X, Y)), WrongDerivative, "forward mode is wrong in y", "sample 0")
        assert check_rule(f, (X, Y), wrt="x", order=1) < 1e-8

    def test_wrong_modes_are_found(self):
        f = hidden(lambda x: np.sin(x))

        @srcdiff.differential(f)
        def forward(x, *, x_dot):
            return x_dot * np.cos(x)

        @srcdiff.pullback(f, "x")
        def backward(x, *, out_bar):
            return -out_bar * np.cos(x)

        refused(lambda: check_rule(f, X), WrongDerivative, "reverse mode")

    def test_wrong_values_are_found(self):
        def f(x):
            return np.sin(x)

        @srcdiff.pullback(f, "x", forward=lambda x: (np.cos(x), x))
        def backward(x, *, saved, out_bar):
            return out_bar * np.cos(saved)

        refused(lambda: check_rule(f, X), WrongDerivative, "the value in forward mode")

    def test_wrong_second_orders_are_found(self):
        f = hidden(lambda x: np.sin(x))
        slope = hidden(lambda x: np.cos(x))

        @srcdiff.elementwise(f)
        def rule(x):
            return slope(x)

        @srcdiff.elementwise(slope)
        def slope_rule(x):
            return np.cos(x)

        refused(lambda: check_rule(f, X), WrongDerivative, "second order")
        assert check_rule(f, X, order=1) < 1e-8

    def test_functions_without_rules(self):
        assert check_rule(lambda x, n: x**n, (X, 3), (2.0, 2)) < 1e-7
        assert check_rule(lambda p: {"a": p[0] * p[1], "b": [p[0]]}, ((2.0, X),)) < 1e-7

    def test_complex(self):
        assert check_rule(lambda z: z * np.exp(z), np.array([0.3 + 0.2j, -0.5j])) < 1e-7

    def test_nothing_to_check(self):
        with pytest.raises(TypeError, match="sample"):
            check_rule(lambda x: x)
        with pytest.raises(TypeError, match="no argument"):
            check_rule(lambda x: x, "a")


def read_as_text(x, y):
    return float(str(x)) * y


def test_lambda():
    """The text of a rule may be a lambda."""
    srcdiff.elementwise(read_as_text)(lambda x, y: (7.0 * y, 3.0))
    assert srcdiff.grad(read_as_text, wrt=("x", "y"))(2.0, 5.0) == (35.0, 3.0)


# ---- rules that do not return what their form asks for, each with the mode in which it was taken for right


def weighed() -> Any:
    def f(a, b):
        return np.sum(np.sort(a) * b)

    return f


def one_of_two(a, b):
    return 1.0


def three_of_two(a, b):
    return 1.0, 2.0, 3.0


def one_cotangent(a, b, *, out_bar):
    return out_bar * b


def three_cotangents(a, b, *, out_bar):
    return out_bar * b, out_bar * a, 1.0


def of_higher_rank(a, b, *, a_dot):
    return a_dot * b


def no_cotangent(a, b, *, out_bar):
    return None


WRONG: list[tuple[Any, Any, str]] = [
    (srcdiff.elementwise, one_of_two, "it returns 1 partial derivative of 2"),
    (srcdiff.elementwise, three_of_two, "it returns 3 partial derivatives of 2"),
    (lambda f: srcdiff.pullback(f, "a", "b"), one_cotangent, "it returns 1 cotangent of 2"),
    (lambda f: srcdiff.pullback(f, "a", "b"), three_cotangents, "it returns 3 cotangents of 2"),
    (srcdiff.differential, of_higher_rank, "what it returns for out has 1 dimensions, and out has 0"),
]


@pytest.mark.parametrize(("form", "text", "why"), WRONG, ids=[text.__name__ for _, text, _ in WRONG])
def test_rules_that_return_something_else(form: Any, text: Any, why: str) -> None:
    f, x = weighed(), np.array([1.0, 3.0, 2.0])
    form(f)(text)
    for derivative in (lambda: grad(f)(x, x), lambda: jvp(f, (x, x), (x, None))):
        with pytest.raises(SrcdiffError) as caught:
            derivative()
        assert why in str(caught.value)
        assert f"test_custom_rules.py:{text.__code__.co_firstlineno}" in str(caught.value)


def test_a_cotangent_that_is_none() -> None:
    f, x = weighed(), np.array([1.0, 3.0, 2.0])
    srcdiff.pullback(f, "a")(no_cotangent)
    with pytest.raises(SrcdiffError, match="has no derivative with respect to 'a'"):
        grad(f)(x, x)


# ---- functions of C libraries, which cannot be looked up in tables


def bessel() -> Any:
    found = ctypes.util.find_library("m")
    if found is None:
        pytest.skip("there is no mathematical library of C here")
    library = ctypes.CDLL(found)
    for f in (library.j0, library.j1):
        f.restype, f.argtypes = ctypes.c_double, [ctypes.c_double]
    return library.j0, library.j1


def test_functions_of_c() -> None:
    j0, j1 = bessel()

    def f(x):
        return x * j0(x) + j0(2.0)

    with pytest.raises(SrcdiffError, match="j0 has neither a rule nor Python source"):
        grad(f)(0.5)
    assert grad(lambda x: x * j0(2.0))(0.5) == j0(2.0)

    @srcdiff.elementwise(j0)
    def j0_rule(x):
        return -j1(x)

    @srcdiff.elementwise(j1)
    def j1_rule(x, *, out):
        return j0(x) - out / x

    assert check_rule(j0, 0.5, 1.7) < 1e-8
    assert check_rule(f, 0.5, 1.7) < 1e-8
    assert grad(f)(0.5) == j0(0.5) - 0.5 * j1(0.5)
