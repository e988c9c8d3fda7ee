"""The public interface: how derivatives are asked for, called, cached, pickled, saved and refused."""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib.util
import inspect
import math
import pickle
import sys
import threading
import timeit
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import srcdiff
from srcdiff import (
    Derivative,
    DerivativeTypeError,
    DerivativeValueError,
    NoRule,
    SrcdiffError,
    grad,
    hessian,
    jvp,
    pipeline,
    stop_gradient,
    value_and_grad,
    vjp,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=3)
A = RNG.normal(size=(3, 3)) + 3 * np.eye(3)


def poly(x: float) -> float:
    """A cubic."""
    return x**3 + 2 * x**2 + x


def line(w, x, b=0.0, *, scale=1.0):
    """Sum of a line."""
    return np.sum(w * x + b) * scale


def close(a: Any, b: Any, tolerance: float = 1e-12) -> None:
    """Equal in structure, and in numbers up to rounding."""
    if isinstance(b, np.ndarray):
        assert isinstance(a, np.ndarray), f"{type(a)} is not an array"
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    elif isinstance(b, (tuple, list)):
        assert type(a) is type(b) and len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            close(x, y, tolerance)
    elif isinstance(b, dict):
        assert type(a) is dict and list(a) == list(b)
        for k in b:
            close(a[k], b[k], tolerance)
    elif dataclasses.is_dataclass(b):
        assert type(a) is type(b)
        for f in dataclasses.fields(b):
            close(getattr(a, f.name), getattr(b, f.name), tolerance)
    elif b is None:
        assert a is None
    else:
        assert np.ndim(a) == 0 and a == pytest.approx(b, rel=tolerance, abs=tolerance)


def has_help(e: SrcdiffError) -> bool:
    return all(p.help for p in e.problems)


@pytest.fixture
def transforms(monkeypatch):
    """Counts the derivatives that are made."""
    made: list[Any] = []
    original = pipeline.derivative_graph

    def counting(*args: Any, **kwargs: Any) -> Any:
        made.append(args)
        return original(*args, **kwargs)

    monkeypatch.setattr("srcdiff.pipeline.derivative_graph", counting)
    monkeypatch.setattr("srcdiff.pipeline.deriving.derivative_graph", counting)
    return made


# ---- ways to ask --------------------------------------------------------------------------------


class TestAsking:
    def test_decorator(self):
        @grad
        def f(x):
            return x**3

        assert f(2.0) == 12.0

    def test_decorator_with_options(self):
        @grad(wrt="w")
        def f(x, w):
            return x * w**2

        assert f(3.0, 2.0) == 12.0

    def test_decorator_value_and_grad(self):
        @value_and_grad(wrt=("x", "w"))
        def f(x, w):
            return x * w**2

        assert f(3.0, 2.0) == (12.0, (4.0, 12.0))

    @pytest.mark.parametrize(
        ("wrt", "expected"),
        [
            (None, 4.0), ("x", 4.0), ("w", 12.0), (0, 4.0), (1, 12.0), (-1, 12.0), (-2, 4.0),
            (np.int64(1), 12.0),
            (("x", "w"), (4.0, 12.0)), (("w", "x"), (12.0, 4.0)), ((0, 1), (4.0, 12.0)),
            ((-1, 0), (12.0, 4.0)),
            (["w"], (12.0,)), (("w", 0), (12.0, 4.0)),
        ],
    )  # fmt: skip
    def test_wrt(self, wrt, expected):
        close(grad(lambda x, w: x * w**2, wrt=wrt)(3.0, 2.0), expected)
        close(value_and_grad(lambda x, w: x * w**2, wrt)(3.0, 2.0), (12.0, expected))

    def test_book_numbers(self):
        d1 = grad(poly)
        d2 = grad(d1)
        d3 = grad(d2)
        assert (d1(2.0), d2(2.0), d3(2.0)) == (21.0, 16.0, 6.0)
        assert (d1(2.0), d2(2.0), d3(2.0)) == (21.0, 16.0, 6.0)
        assert grad(lambda x: math.sin(x**2 + 2 * x + 1))(2.0) == pytest.approx(-5.466781571308061, rel=1e-14)

    @pytest.mark.parametrize(
        "aux", [None, 3, 2.5, "text", (1, 2.0), [1.0, "a"], {"k": (1, [2.0])}, ()], ids=repr,
    )  # fmt: skip
    def test_has_aux(self, aux):
        def f(x):
            return x * x, aux

        got = grad(f, has_aux=True)(3.0)
        assert got == (6.0, aux) and type(got[1]) is type(aux)
        assert value_and_grad(f, has_aux=True)(3.0) == ((9.0, aux), 6.0)

    def test_has_aux_computed(self):
        def loss(w, x):
            y = w * x
            return np.sum(y**2), {"y": y, "n": len(x), "parts": [y[0], (y[1],)]}

        w = np.array([1.0, 2.0, 3.0])
        g, aux = grad(loss, has_aux=True)(w, X)
        close(g, 2 * w * X**2)
        close(aux["y"], w * X)
        assert aux["n"] == 3 and aux["parts"] == [(w * X)[0], ((w * X)[1],)]
        (v, aux), g = value_and_grad(loss, has_aux=True)(w, X)
        close(v, float(np.sum((w * X) ** 2)))
        close(g, 2 * w * X**2)

    def test_has_aux_scalar_with_parts(self):
        def f(x):
            y = x * x
            return y, (y, {"twice": 2 * y})

        assert grad(f, has_aux=True)(3.0) == (6.0, (9.0, {"twice": 18.0}))

    def test_has_aux_array_result_of_function(self):
        def f(x):
            return np.sum(x), x

        _g, aux = grad(f, has_aux=True)(X)
        assert aux is not X  # the caller's own
        close(aux, X)

    def test_keeps_signature_docstring_and_name(self):
        g = grad(line, wrt="b")
        assert inspect.signature(g) == inspect.signature(line)
        assert g.__name__ == "line" and g.__doc__ == "Sum of a line." and g.__qualname__ == "line"
        assert g.__module__ == __name__ and g.primal is line and isinstance(g, Derivative)
        assert "grad of line with respect to b" in repr(g)
        assert inspect.signature(grad(np.dot)).parameters.keys() >= {"a", "b"}

    def test_type_of_result_float(self):
        assert type(grad(poly)(2.0)) is float
        assert type(value_and_grad(poly)(2.0)[0]) is float


# ---- arguments ----------------------------------------------------------------------------------


class TestArguments:
    def test_keywords_and_defaults(self):
        w = np.array([1.0, 2.0, 3.0])
        g = grad(line)
        close(g(w, X), X)
        close(g(w, x=X), X)
        close(g(x=X, w=w), X)
        close(g(w, X, 1.0, scale=2.0), 2 * X)
        close(g(w, X, scale=3.0), 3 * X)
        close(g(w, X, b=1.0), X)
        for _ in range(3):  # and again, from the fast tables
            close(g(w, X, scale=3.0), 3 * X)
            close(g(x=X, scale=2.0, w=w), 2 * X)
            close(g(w, X), X)
        assert grad(line, wrt="b")(w, X) == 3.0
        assert grad(line, wrt="b")(w, X, 2.0) == 3.0
        close(grad(line, wrt="scale")(w, X), float(np.sum(w * X)))
        close(grad(line, wrt="scale")(w, X, scale=5.0), float(np.sum(w * X)))

    def test_keyword_only(self):
        def f(x, *, k, p=2.0):
            return k * x**p

        assert grad(f)(3.0, k=2.0) == 12.0
        assert grad(f, wrt="k")(3.0, k=2.0) == 9.0
        assert grad(f, wrt=("k", "x"))(3.0, k=2.0, p=1.0) == (3.0, 2.0)
        assert grad(f, wrt=1)(3.0, k=2.0) == 9.0

    def test_positional_only(self):
        def f(x, y=2.0, /, z=3.0):
            return x * y * z

        assert grad(f)(1.0) == 6.0
        assert grad(f)(1.0, 4.0) == 12.0
        assert grad(f)(1.0, 4.0, z=1.0) == 4.0
        assert grad(f, wrt="y")(5.0) == 15.0
        with pytest.raises(TypeError):
            grad(f)(x=1.0)

    def test_star_args(self):
        def f(*xs):
            total = 0.0
            for i, x in enumerate(xs):
                total = total + (i + 1) * x * x
            return total

        assert grad(f)(1.0, 2.0, 3.0) == (2.0, 8.0, 18.0)
        assert grad(f)(1.0) == (2.0,)
        y, back = vjp(f, 1.0, 2.0, 3.0)
        assert y == 36.0 - 0.0 - 0.0 or y == 1 + 8 + 27
        assert back(1.0) == (2.0, 8.0, 18.0)
        assert jvp(f, (1.0, 2.0), (1.0, None)) == (9.0, 2.0)

    def test_star_args_after_a_first(self):
        def f(a, *rest, k=1.0):
            return a * rest[0] * rest[1] * k

        assert grad(f)(2.0, 3.0, 4.0) == 12.0
        assert grad(f, wrt="rest")(2.0, 3.0, 4.0, k=2.0) == (16.0, 12.0)
        assert vjp(f, 2.0, 3.0, 4.0)[1](1.0) == (12.0, 8.0, 6.0)

    def test_star_kwargs(self):
        def f(x, **options):
            return x * options["a"] ** 2 + options["b"]

        assert grad(f)(3.0, a=2.0, b=1.0) == 4.0
        assert grad(f, wrt="options")(3.0, a=2.0, b=1.0) == {"a": 12.0, "b": 1.0}

    def test_array_default(self):
        def f(x, w=np.array([1.0, 2.0, 3.0])):  # noqa: B008
            return np.sum(x * w)

        close(grad(f)(X), np.array([1.0, 2.0, 3.0]))
        close(grad(f)(X), np.array([1.0, 2.0, 3.0]))
        close(grad(f, wrt="w")(X), X)

    def test_flag_default(self):
        def f(x, square=True, name="a"):
            return x * x if square else (x if name == "a" else 3 * x)

        g = grad(f)
        for _ in range(2):
            assert g(3.0) == 6.0
            assert g(3.0, False) == 1.0
            assert g(3.0, square=False, name="b") == 3.0
            assert g(3.0, None) == 1.0

    def test_integers_count_as_floats(self):
        for two in (2, np.int64(2), np.int32(2), np.uint8(2)):
            for _ in range(2):
                got = grad(poly)(two)
                assert got == 21.0 and isinstance(got, float)
                assert value_and_grad(poly)(two) == (18.0, 21.0)
        assert grad(lambda x: x**-2)(np.int64(2)) == -0.25
        assert grad(lambda x, y: x * y, wrt=("x", "y"))(2, 3) == (3.0, 2.0)
        assert grad(grad(poly))(2) == 16.0
        assert grad(lambda x: x**20)(np.int64(10)) == 20 * 10.0**19

    def test_integers_elsewhere_stay(self):
        def f(x, n):
            for _ in range(n):
                x = x * x
            return x

        assert grad(f)(2.0, 2) == 32.0
        assert grad(f)(2, 3) == 8 * 2.0**7

    @pytest.mark.parametrize(
        "value",
        [True, "text", None, np.True_, b"b", poly, float, object(), slice(1)],
        ids=lambda v: type(v).__name__,
    )
    def test_refused_wrt(self, value):
        with pytest.raises(DerivativeTypeError, match="wrt") as e:
            grad(lambda x: x)(value)
        assert has_help(e.value)

    @pytest.mark.parametrize("dtype", [int, np.int32, np.uint8, bool])
    def test_integer_arrays_refused_with_the_cast(self, dtype):
        with pytest.raises(DerivativeTypeError, match=r"x\.astype\(float\)"):
            grad(lambda x: np.sum(x * 1.0))(np.ones(3, dtype))

    def test_matrix_and_masked_refused(self):
        with pytest.raises(DerivativeTypeError, match=r"np\.asarray"):
            grad(lambda x: np.sum(x * x))(np.ma.masked_array([1.0, 2.0], [True, False]))

    def test_zero_dimensional_array(self):
        got = grad(lambda x: x * x)(np.array(3.0))
        assert got == 6.0 and np.shape(got) == ()

    def test_non_contiguous_and_empty(self):
        big = RNG.normal(size=(4, 6))
        close(grad(lambda x: np.sum(x**2))(big[::2, ::-1]), 2 * big[::2, ::-1])
        close(grad(lambda x: np.sum(x**2))(np.zeros((0, 3))), np.zeros((0, 3)))

    def test_sums_of_nothing(self):
        for f in (np.sum, lambda x: 2.0 * np.sum(np.exp(x))):
            for x in (np.zeros(0), np.zeros((0, 2))):
                close(grad(f)(x), x)
                close(hessian(f)(x), np.zeros(2 * x.shape))

    def test_arguments_are_not_changed(self):
        def f(x):
            x[0] = x[0] * x[1]
            x *= 2
            return np.sum(x)

        x = np.array([2.0, 3.0])
        close(grad(f)(x), np.array([6.0, 2 * (1 + 2.0)]))
        close(x, np.array([2.0, 3.0]))


# ---- structures ---------------------------------------------------------------------------------

Point = namedtuple("Point", "x y")


@dataclasses.dataclass
class Layer:
    W: Any
    b: Any
    name: str = "layer"
    width: int = 3

    @grad
    def energy(self, x):
        """Energy of a layer."""
        return np.sum((self.W @ x + self.b) ** 2)

    @grad(wrt="x")
    def force(self, x):
        return np.sum((self.W @ x + self.b) ** 2)

    def value(self, x):
        return np.sum((self.W @ x + self.b) ** 2)

    def scaled(self, x, k=2.0):
        return k * np.sum(self.b * x)


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: float
    inner: tuple[float, float]


@dataclasses.dataclass
class Checked:
    a: float

    def __post_init__(self):
        if not isinstance(self.a, float):
            raise ValueError("a must be a float")


class TestStructures:
    def test_tuple_list_dict(self):
        close(grad(lambda p: p[0] * p[1])((2.0, 3.0)), (3.0, 2.0))
        close(grad(lambda p: p[0] * np.sum(p[1]))([2.0, X]), [float(np.sum(X)), np.full(3, 2.0)])
        close(grad(lambda p: p["a"] ** 2 * p["b"])({"a": 2.0, "b": 3.0}), {"a": 12.0, "b": 4.0})

    def test_uniform_list(self):
        def f(xs):
            out = 1.0
            for x in xs:
                out = out * x
            return out

        close(grad(f)([2.0, 3.0, 4.0]), [12.0, 8.0, 6.0])
        close(grad(f)([2.0, 3.0]), [3.0, 2.0])

    def test_namedtuple(self):
        close(grad(lambda p: p.x**2 * p.y)(Point(2.0, 3.0)), Point(12.0, 4.0))

    def test_dataclasses(self):
        layer = Layer(A, X)
        r = A @ X + X
        g = grad(lambda m, x: np.sum((m.W @ x + m.b) ** 2))(layer, X)
        close(g, Layer(np.outer(2 * r, X), 2 * r, None, None))
        g = grad(lambda p: p.a * p.inner[0] ** 2 + p.inner[1])(Frozen(3.0, (2.0, 1.0)))
        close(g, Frozen(4.0, (12.0, 1.0)))

    def test_dataclass_made_without_init(self):
        close(grad(lambda p: p.a**2)(Checked(3.0)), Checked(6.0))

    def test_nested(self):
        p = {"layers": [Point((1.0, 2.0), {"k": X}), Point((3.0, 4.0), {"k": 2 * X})], "s": 2.0}

        def f(p):
            total = 0.0
            for layer in p["layers"]:
                total = total + layer.x[0] * layer.x[1] * np.sum(layer.y["k"])
            return total * p["s"]

        s = float(np.sum(X))
        expected = {
            "layers": [
                Point((4 * s, 2 * s), {"k": np.full(3, 4.0)}),
                Point((16 * s, 12 * s), {"k": np.full(3, 24.0)}),
            ],
            "s": 2 * s + 24 * s,
        }
        close(grad(f)(p), expected)

    def test_list_of_layers(self):
        layers = [Layer(A, X), Layer(2 * A, -X), Layer(np.eye(3), X)]

        def f(layers, x):
            for m in layers:
                x = np.tanh(m.W @ x + m.b)
            return np.sum(x)

        g = grad(f)(layers, X)
        assert isinstance(g, list) and len(g) == 3 and all(type(m) is Layer for m in g)
        h = 1e-6
        for k in range(3):
            moved = copy.deepcopy(layers)
            moved[k].W[1, 2] += h
            up = f(moved, X)
            moved[k].W[1, 2] -= 2 * h
            assert g[k].W[1, 2] == pytest.approx((up - f(moved, X)) / (2 * h), rel=1e-5, abs=1e-8)

    def test_inactive_leaves(self):
        p = {"n": 2, "name": "tanh", "w": 3.0, "mask": np.array([1, 0, 1]), "flag": True, "none": None}
        g = grad(lambda p: p["w"] ** p["n"] * np.sum(p["mask"]))(p)
        close(g, {"n": None, "name": None, "w": 12.0, "mask": None, "flag": None, "none": None})
        close(grad(lambda p: p[0] * p[1])((2.0, 3)), (3.0, None))

    def test_empty_containers(self):
        g = grad(lambda p: p["w"] ** 2)({"w": 3.0, "rest": [], "more": {}, "t": ()})
        close(g, {"w": 6.0, "rest": [], "more": {}, "t": ()})

    def test_counts_in_a_list_of_layers(self):
        def f(layers):
            total = 0.0
            for m in layers:
                total = total + np.sum(m.W**2) * m.width
            return total

        g = grad(f)([Layer(X, X), Layer(2 * X, X, width=2)])
        close(g, [Layer(6 * X, np.zeros(3), None, None), Layer(8 * X, np.zeros(3), None, None)])
        g = grad(lambda layers: np.sum(layers[0].W ** 2) * layers[1].width)([Layer(X, X), Layer(2 * X, X)])
        close(g[0].W, 6 * X)
        close(g[1].W, np.zeros(3))

    def test_result_is_a_float(self):
        assert type(grad(lambda x, n: x * len(n))(2.0, "abc")) is float
        assert type(grad(lambda p: p["w"] * p["n"][0])({"w": 2.0, "n": [1, 2]})["w"]) is float

    def test_unused_leaves_are_zero(self):
        close(grad(lambda p: p[0] ** 2)((3.0, X, {"a": 1.0})), (6.0, np.zeros(3), {"a": 0.0}))

    def test_two_arguments(self):
        g = grad(lambda p, q: p[0] * q["b"], wrt=("q", "p"))((2.0, 5.0), {"b": 3.0})
        close(g, ({"b": 2.0}, (3.0, 0.0)))

    def test_container_without_floats_refused(self):
        with pytest.raises(DerivativeTypeError, match="floating-point") as e:
            grad(lambda p: p[0] * 1.0)((1, 2))
        assert has_help(e.value)


# ---- methods, callables, partials ---------------------------------------------------------------


class Model:
    """Neither a dataclass nor a tuple."""

    def __init__(self, k: float, w: np.ndarray, double: bool = False) -> None:
        self.k, self.w, self.double = k, w, double

    def loss(self, x):
        y = self.scale(np.sum(self.w * x))
        return 2 * y if self.double else y

    def scale(self, y):
        return self.k * y

    def __call__(self, x):
        return self.k * x**2


@dataclasses.dataclass
class Affine:
    k: float
    c: float

    def __call__(self, x):
        return self.k * x**2 + self.c


class TestCallables:
    def test_decorated_method(self):
        m = Layer(A, X)
        r = A @ X + X
        close(m.energy(X), Layer(np.outer(2 * r, X), 2 * r, None, None))
        close(m.force(X), A.T @ (2 * r))
        close(m.force(x=X), A.T @ (2 * r))
        close(Layer.force(m, X), A.T @ (2 * r))
        assert Layer.energy.__doc__ == "Energy of a layer." and m.energy.__name__ == "energy"
        assert list(inspect.signature(m.force).parameters) == ["x"]

    def test_method_of_changing_object(self):
        m = Layer(A, X)
        m.force(X)
        m.b = m.b + 1.0
        close(m.force(X), A.T @ (2 * (A @ X + X + 1.0)))
        m.W = 2 * A
        close(m.force(X), 2 * A.T @ (2 * (2 * A @ X + X + 1.0)))

    def test_bound_method_of_dataclass(self):
        m = Layer(A, X)
        g = grad(m.value)
        close(g(X), A.T @ (2 * (A @ X + X)))
        m.b = m.b + 1.0
        close(g(X), A.T @ (2 * (A @ X + X + 1.0)))
        close(grad(m.scaled)(X), 2 * m.b)
        close(grad(m.scaled)(X, k=3.0), 3 * m.b)
        close(grad(m.scaled, wrt="k")(X), float(np.sum(m.b * X)))
        assert list(inspect.signature(g).parameters) == ["x"]

    def test_bound_method_with_respect_to_self(self):
        m = Layer(A, X)
        r = A @ X + X
        close(grad(m.value, wrt="self")(X), Layer(np.outer(2 * r, X), 2 * r, None, None))

    def test_bound_method_of_plain_object(self):
        m = Model(2.0, np.array([1.0, 2.0, 3.0]))
        g = grad(m.loss)
        close(g(X), 2 * m.w)
        close(g(X), 2 * m.w)
        m.k = 3.0
        close(g(X), 3 * m.w)
        m.w = np.ones(3)
        close(g(X), np.full(3, 3.0))
        m.double = True
        close(g(X), np.full(3, 6.0))
        other = Model(5.0, np.ones(3))
        close(grad(other.loss)(X), np.full(3, 5.0))
        close(g(X), np.full(3, 6.0))

    def test_callable_objects(self):
        m = Model(2.0, X)
        g = grad(m)
        assert g(3.0) == 12.0
        m.k = 4.0
        assert g(3.0) == 24.0
        a = Affine(2.0, 1.0)
        assert grad(a)(3.0) == 12.0
        assert value_and_grad(a)(3.0) == (19.0, 12.0)
        a.k = 3.0
        assert grad(a)(3.0) == 18.0

    def test_callable_objects_as_arguments(self):
        def f(m, x):
            return m(x) * x

        assert grad(f)(Affine(2.0, 1.0), 3.0) == Affine(27.0, 3.0)
        assert grad(f, wrt="x")(Affine(2.0, 1.0), 3.0) == 2.0 * 27 + 1.0
        m = Model(2.0, X)
        assert grad(f, wrt="x")(m, 3.0) == 6 * 9.0
        m.k = 1.0
        assert grad(f, wrt="x")(m, 3.0) == 27.0

    def test_partials(self):
        def f(a, b, c=1.0):
            return a * b**2 * c

        assert grad(functools.partial(f, 2.0))(3.0) == 12.0
        assert grad(functools.partial(f, b=3.0))(2.0) == 9.0
        assert grad(functools.partial(f, 2.0), wrt="c")(3.0) == 18.0
        assert grad(functools.partial(functools.partial(f, 2.0), c=2.0))(3.0) == 24.0
        assert grad(functools.partial(f, c=5.0), wrt="b")(2.0, 3.0) == 60.0
        assert grad(functools.partial(f, c=5.0), wrt="b")(2.0, 3.0, c=1.0) == 12.0
        w = np.array([1.0, 2.0, 3.0])
        g = grad(functools.partial(line, x=w))
        close(g(X), w)
        w[0] = 7.0
        close(g(X), w)

    def test_partial_of_star_args(self):
        def f(*xs):
            return xs[0] * xs[1] ** 2

        assert grad(functools.partial(f, 2.0))(3.0)[1] == 12.0

    def test_partial_of_a_derivative(self):
        def f(a, b):
            return a**2 * b**3

        g = functools.partial(grad(f), 2.0)
        assert g(3.0) == 4 * 27.0
        assert grad(g, wrt="b")(3.0) == 4 * 27.0  # d2f/da db = 2a * 3b^2
        assert grad(g)(3.0) == 4 * 27.0

    def test_wrapped_functions_are_not_looked_through(self):
        def doubled(fn):
            @functools.wraps(fn)
            def inner(x):
                return 2 * fn(x)

            return inner

        @doubled
        def f(x):
            return x * x

        assert grad(f)(3.0) == 12.0
        assert grad(lambda x: f(x) * x)(3.0) == 6 * 9.0

    def test_wrapped_with_star_args(self):
        def logged(fn):
            @functools.wraps(fn)
            def inner(*args, **kwargs):
                return 3 * fn(*args, **kwargs)

            return inner

        @logged
        def f(x, y=2.0):
            return x * x * y

        assert grad(lambda x: f(x))(3.0) == 36.0
        assert grad(lambda x: f(x, y=1.0))(3.0) == 18.0

    def test_lru_cache(self):
        @functools.lru_cache
        def f(x):
            return x**2

        assert grad(f)(3.0) == 6.0

    def test_classes_and_values_refused(self):
        for bad in (3, "f", None, [poly]):
            if bad is None:
                continue
            with pytest.raises(DerivativeTypeError) as e:
                grad(bad)
            assert has_help(e.value)
        with pytest.raises(DerivativeTypeError, match="class"):
            grad(Layer)

    def test_derivative_called_inside(self):
        df = grad(poly)
        assert grad(lambda x: df(x) * x)(2.0) == 16.0 * 2 + 21.0
        assert grad(lambda x: grad(lambda y: y * y * x)(x))(3.0) == 12.0


# ---- caching and the world outside --------------------------------------------------------------

GLOBAL_NUMBER = 2.0
GLOBAL_ARRAY = np.array([1.0, 2.0, 3.0])
GLOBAL_INT = 3


def helper(x):
    return x * x


def other_helper(x):
    return x * x * x


def uses_globals(x):
    return np.sum(helper(x) * GLOBAL_ARRAY) * GLOBAL_NUMBER


def uses_int(x):
    return x * GLOBAL_INT


class TestCaches:
    def test_second_call_makes_nothing(self, transforms):
        g = grad(lambda x: x**2 * 3)
        g(1.0)
        n = len(transforms)
        assert n == 1
        for _ in range(3):
            g(2.0)
            g(x=2.0)
        g(np.ones(3)[0])
        assert len(transforms) == n + 1  # a NumPy scalar is a signature of its own

    def test_one_for_all_sizes(self, transforms):
        g = grad(lambda x: np.sum(x**2))
        for n in (2, 3, 10):
            close(g(np.ones(n)), np.full(n, 2.0))
        assert len(transforms) == 1
        g(np.ones(1))
        assert len(transforms) == 2

    def test_lambdas_made_anew(self, transforms):
        for k in range(5):
            assert grad(lambda x: k * x**2)(3.0) == 6.0 * k  # noqa: B023
        assert len(transforms) == 1

    def test_lambdas_with_defaults_made_anew(self):
        made = [grad(lambda x, k=k: k * x**2) for k in (1.0, 2.0, 3.0)]
        for _ in range(2):
            assert [g(3.0) for g in made] == [6.0, 12.0, 18.0]
            assert [g(3.0, 5.0) for g in made] == [30.0] * 3
        namespace: dict[str, Any] = {}
        exec(made[2].source, namespace)
        assert namespace["f_grad"](3.0) == 18.0

    def test_jvp_and_vjp_of_lambdas_made_anew(self, monkeypatch):
        count = []
        original = pipeline.finish
        monkeypatch.setattr("srcdiff.pipeline.finish", lambda *a: count.append(a) or original(*a))
        for k in range(4):
            assert jvp(lambda x: k * x, (3.0,), (1.0,)) == (3.0 * k, float(k))  # noqa: B023
        assert len(count) == 1
        for k in range(4):
            assert vjp(lambda x: k * x, 3.0)[1](1.0) == (float(k),)  # noqa: B023
        assert len(count) == 3

    def test_closures_over_different_functions(self):
        def make(h):
            return lambda x: h(x) * 2.0

        hs = [helper, other_helper, math.sin, math.floor, math.ceil, np.cos, lambda x: 5 * x, lambda x: 7 * x]
        expected = [12.0, 54.0, 2 * math.cos(3.0), 0.0, 0.0, -2 * math.sin(3.0), 10.0, 14.0]
        for _ in range(2):
            for h, e in zip(hs, expected, strict=True):
                assert grad(make(h))(3.0) == pytest.approx(e)
                assert value_and_grad(make(h))(2.5)[0] == pytest.approx(2 * h(2.5))

    def test_helper_defaults_are_part_of_it(self):
        def make(k):
            def inner(x, k=k):
                return k * x * x

            return lambda x: inner(x)

        assert [grad(make(k))(1.0) for k in (1.0, 2.0, 3)] == [2.0, 4.0, 6.0]

    def test_cells_are_read_at_call_time(self):
        k = 2.0

        def f(x):
            return k * x * x

        g = grad(f)
        assert g(3.0) == 12.0
        k = 5.0
        assert g(3.0) == 30.0
        k = np.array([1.0, 2.0])

        def h(x):
            return np.sum(k * x)

        gh = grad(h)
        assert gh(3.0) == 3.0
        k = np.array([[1.0, 2.0], [3.0, 4.0]])
        assert gh(3.0) == 10.0
        k = 4
        assert g(3.0) == 24.0

    def test_globals_are_read_at_call_time(self, monkeypatch):
        g = grad(uses_globals)
        module = sys.modules[__name__]
        close(g(X), 2 * X * GLOBAL_ARRAY * 2.0)
        monkeypatch.setattr(module, "GLOBAL_NUMBER", 3.0)
        close(g(X), 2 * X * GLOBAL_ARRAY * 3.0)
        monkeypatch.setattr(module, "GLOBAL_ARRAY", np.array([5.0, 6.0, 7.0]))
        close(g(X), 2 * X * np.array([5.0, 6.0, 7.0]) * 3.0)
        GLOBAL_ARRAY[0] = 1.5
        close(g(X), 2 * X * GLOBAL_ARRAY * 3.0)
        monkeypatch.setattr(module, "helper", other_helper)
        close(g(X), 3 * X**2 * GLOBAL_ARRAY * 3.0)
        monkeypatch.setattr(module, "GLOBAL_NUMBER", np.float32(2.0))
        close(g(X), 3 * X**2 * GLOBAL_ARRAY * 2.0)
        monkeypatch.undo()
        close(g(X), 2 * X * GLOBAL_ARRAY * 2.0)

    def test_rebound_library_function(self, monkeypatch):
        namespace: dict[str, Any] = {"fn": np.sin}
        path = Path(__file__).parent / "_rebound.py"
        text = "def f(x):\n    return fn(x) * 2\n"
        import linecache

        linecache.cache[str(path)] = (len(text), None, text.splitlines(True), str(path))
        exec(compile(text, str(path), "exec"), namespace)
        g = grad(namespace["f"])
        assert g(1.0) == pytest.approx(2 * math.cos(1.0))
        namespace["fn"] = np.exp
        assert g(1.0) == pytest.approx(2 * math.exp(1.0))

    def test_captured_flag_and_text(self):
        flag, word = True, "a"

        def f(x):
            return x * x if flag else (x if word == "a" else 5 * x)

        g = grad(f)
        assert g(3.0) == 6.0
        flag = False
        assert g(3.0) == 1.0
        word = "b"
        assert g(3.0) == 5.0

    def test_class_attributes(self):
        class Config:
            k = 2.0

            @classmethod
            def scaled(cls, x):
                return cls.k * x * x

        g, h = grad(lambda x: Config.k * x * x), grad(Config.scaled)
        assert g(3.0) == h(3.0) == 12.0
        Config.k = 5.0
        assert g(3.0) == h(3.0) == 30.0

    def test_methods_of_dataclasses(self, monkeypatch):
        def f(m, x):
            return m.scaled(x) * GLOBAL_NUMBER

        g = grad(f, wrt="x")
        m = Layer(A, X)
        close(g(m, X), 4 * X)
        monkeypatch.setattr(Layer, "scaled", lambda self, x: 3.0 * np.sum(self.b * x))
        close(g(m, X), 6 * X)

    def test_captured_object_attribute(self):
        m = Model(2.0, np.ones(3))
        g = grad(lambda x: m(x))
        assert g(3.0) == 12.0
        m.k = 3.0
        assert g(3.0) == 18.0
        m = Model(4.0, np.ones(3))
        assert g(3.0) == 24.0

    def test_captured_derivative(self):
        df = grad(poly)
        g = grad(lambda x: df(x))
        assert g(2.0) == 16.0
        df = value_and_grad(poly, has_aux=False)
        h = grad(lambda x: df(x)[0])
        assert h(2.0) == 21.0
        df = grad(lambda x: x * x)
        assert g(2.0) == 2.0

    def test_captured_derivative_wrt_changes(self):
        def f(x, y):
            return x * x * y**3

        df = grad(f)
        g = grad(lambda x: df(x, x))
        assert g(1.0) == 8.0
        df = grad(f, wrt="y")
        assert g(1.0) == 12.0 + 0.0

    def test_many_signatures(self):
        g = grad(lambda x, n: x * len(n))
        for n in range(300):
            assert g(2.0, "a" * n) == float(n)
        assert g(2.0, "aaa") == 3.0


class TestCapturedWrt:
    def test_cell(self):
        w = 3.0
        g = grad(lambda x: w * w * x, wrt="w")
        assert g(2.0) == 12.0
        w = 5.0
        assert g(2.0) == 20.0
        w = np.array([1.0, 2.0])
        h = grad(lambda x: np.sum(w * w * x), wrt="w")
        close(h(2.0), 4 * w)

    def test_global(self, monkeypatch):
        g = grad(uses_globals, wrt="GLOBAL_NUMBER")
        close(g(X), float(np.sum(X * X * GLOBAL_ARRAY)))
        both = grad(uses_globals, wrt=("x", "GLOBAL_ARRAY"))
        close(both(X), (2 * X * GLOBAL_ARRAY * 2.0, X * X * 2.0))

    def test_integer(self):
        assert grad(uses_int, wrt="GLOBAL_INT")(2.5) == 2.5
        n = 2
        g = grad(lambda x: x**n, wrt="n")
        assert g(3.0) == pytest.approx(9 * math.log(3.0))
        n = 3
        assert g(3.0) == pytest.approx(27 * math.log(3.0))

    def test_structure(self):
        params = {"w": X, "b": 1.0, "name": "p"}
        g = grad(lambda x: np.sum(params["w"] * x) + params["b"], wrt="params")
        close(g(X), {"w": X, "b": 1.0, "name": None})

    def test_not_the_helpers_variable(self):
        w = 10.0

        def h(x):
            return w * x

        def make():
            w = 3.0
            return lambda x: h(x) + w * w * x

        assert grad(make(), wrt="w")(2.0) == 12.0

    def test_function_without_arguments(self):
        w = 3.0
        assert grad(lambda: w**2, wrt="w")() == 6.0
        with pytest.raises(DerivativeValueError, match="no arguments"):
            grad(lambda: w**2)


def newton(f, x0):
    x = x0
    for _ in range(30):
        x = x - f(x) / grad(f)(x)
    return x


def apply(f, x):
    return f(x) * x


def apply_twice(f, g, x, flag=True):
    return f(g(x)) if flag else g(f(x))


class TestFunctionArguments:
    def test_without_cells(self):
        assert grad(apply, wrt="x")(math.sin, 1.0) == pytest.approx(math.cos(1.0) + math.sin(1.0))
        assert grad(apply, wrt="x")(helper, 2.0) == 12.0
        assert grad(apply, wrt="x")(other_helper, 2.0) == 32.0
        assert grad(apply, wrt="x")(np.exp, 0.0) == 1.0

    def test_with_cells(self):
        k = 3.0

        def h(y):
            return k * y

        g = grad(apply, wrt="x")
        assert g(h, 2.0) == 12.0
        k = 5.0
        assert g(h, 2.0) == 20.0

        def make(c):
            return lambda y: c * y

        assert [g(make(c), 2.0) for c in (1.0, 2.0, 3)] == [4.0, 8.0, 12.0]

    def test_cells_of_cells(self):
        def make(h):
            return lambda y: h(y) + 1.0

        def inner(c):
            return lambda y: c * y * y

        g = grad(apply, wrt="x")
        assert [g(make(inner(c)), 2.0) for c in (1.0, 2.0)] == [12.0 + 1, 24.0 + 1]
        assert g(make(math.sin), 2.0) == pytest.approx(math.sin(2) + 1 + 2 * math.cos(2))
        assert g(make(math.cos), 2.0) == pytest.approx(math.cos(2) + 1 - 2 * math.sin(2))

    def test_name_of_a_cell_is_an_argument(self):
        x, flag = 10.0, 7.0
        f = lambda y: x * y + flag  # noqa: E731
        assert value_and_grad(apply, wrt="x")(f, 2.0) == (54.0, 47.0)
        assert value_and_grad(apply_twice, wrt="x")(f, f, 1.0) == (10.0 * 17 + 7, 100.0)
        assert value_and_grad(apply_twice, wrt="x")(f, f, 1.0, False) == (10.0 * 17 + 7, 100.0)

    def test_partial_and_method(self):
        g = grad(apply, wrt="x")
        assert g(functools.partial(math.pow, 2.0), 1.0) == pytest.approx(2 + 2 * math.log(2))
        assert g(functools.partial(lambda c, y: c * y, 3.0), 2.0) == 12.0
        assert g(functools.partial(lambda c, y: c * y, 4.0), 2.0) == 16.0
        m = Model(3.0, X)
        assert g(m.scale, 2.0) == 12.0
        m.k = 4.0
        assert g(m.scale, 2.0) == 16.0

    def test_newton(self):
        a = 2.0
        root = value_and_grad(lambda a: newton(lambda x: x * x - a, 1.0))
        v, d = root(a)
        assert v == pytest.approx(math.sqrt(2)) and d == pytest.approx(0.5 / math.sqrt(2))

    def test_newton_function_given(self):
        a = 2.0
        f = lambda x: x * x - a  # noqa: E731
        assert vjp(newton, f, 1.0)[0] == pytest.approx(math.sqrt(2))
        assert vjp(newton, f, 1.0)[1](1.0)[0] is None
        assert grad(newton, wrt="x0")(f, 1.0) == pytest.approx(0.0, abs=1e-12)

    def test_vjp(self):
        k = 3.0
        y, back = vjp(apply, lambda y: k * y, 2.0)
        assert y == 12.0 and back(1.0) == (None, 12.0)
        k = 4.0
        y, back = vjp(apply, lambda y: k * y, 2.0)
        assert y == 16.0 and back(1.0) == (None, 16.0)
        assert jvp(apply, (lambda y: k * y, 2.0), (None, 1.0)) == (16.0, 16.0)


# ---- vjp and jvp --------------------------------------------------------------------------------


class TestVjp:
    def test_one_per_positional_argument(self):
        def f(x, n, word, w, flag=True):
            return x**n * np.sum(w)

        y, back = vjp(f, 2.0, 3, "a", X, flag=False)
        close(y, 8 * float(np.sum(X)))
        close(back(1.0), (12 * float(np.sum(X)), None, None, np.full(3, 8.0)))
        y, back = vjp(f, 2.0, 3, "a", X, True)
        close(back(1.0)[3:], (np.full(3, 8.0), None))

    def test_wrt(self):
        f = lambda x, y: x * y  # noqa: E731
        assert vjp(f, 3.0, 2.0, wrt="y")[1](1.0) == (None, 3.0)
        assert vjp(f, 3.0, 2.0, wrt=0)[1](1.0) == (2.0, None)
        assert vjp(f, 3, 2.0, wrt=("x", "y"))[1](1.0) == (2.0, 3.0)
        assert vjp(f, 3, 2.0)[1](1.0) == (None, 3.0)
        with pytest.raises(DerivativeValueError):
            vjp(f, 3.0, y=2.0, wrt="y")
        with pytest.raises(DerivativeValueError):
            vjp(f, 1, "a")

    def test_results_in_containers(self):
        def f(x, y):
            return {"p": x * y, "q": (x, [np.sum(y), 3, "text"]), "n": None}

        y, back = vjp(f, 2.0, X)
        close(y["q"][1][1:], [3, "text"]) if False else None
        assert y["q"][1][1:] == [3, "text"] and y["n"] is None
        bar = {"p": np.ones(3), "q": (5.0, [2.0, None, None]), "n": None}
        x_bar, y_bar = back(bar)
        close(float(x_bar), float(np.sum(X)) + 5.0)
        close(y_bar, np.full(3, 4.0))
        close(back({"p": np.ones(3), "q": (0.0, [0.0, 0, ""]), "n": None})[1], np.full(3, 2.0))

    def test_partial_cotangents(self):
        y, back = vjp(lambda x: (x * x, 3 * x), 2.0)
        assert y == (4.0, 6.0)
        assert back((1.0, 0.0)) == (4.0,)
        assert back((None, 1.0)) == (3.0,)
        assert back((1, 2)) == (10.0,)

    def test_list_built_by_append(self):
        def f(x):
            out = []
            for i in range(3):
                out.append(x * i)
            return out

        y, back = vjp(f, 2.0)
        assert y == [0.0, 2.0, 4.0]
        assert back([1.0, 1.0, 1.0]) == (3.0,)

    def test_result_is_an_argument(self):
        y, back = vjp(lambda p: p, {"a": 1.0, "b": X})
        close(y, {"a": 1.0, "b": X})
        close(back({"a": 2.0, "b": X}), ({"a": 2.0, "b": X},))
        y, back = vjp(lambda x: x, X)
        assert y is not X
        bar = np.ones(3)
        got = back(bar)[0]
        assert not np.shares_memory(got, bar)

    def test_container_arguments(self):
        _y, back = vjp(lambda p, q: p["a"] * q[1], {"a": 2.0, "n": 3}, (1, 5.0))
        assert back(1.0) == ({"a": 5.0, "n": None}, (None, 2.0))

    def test_dataclass_result(self):
        y, back = vjp(lambda a: Frozen(a * a, (a, 2 * a)), 3.0)
        assert y == Frozen(9.0, (3.0, 6.0))
        assert back(Frozen(1.0, (1.0, 1.0))) == (9.0,)

    def test_many_calls_are_equal(self):
        def f(x, n):
            for _ in range(n):
                x = np.sin(x) * x
                x[0] = x[1] * 2
            return x

        _y, back = vjp(f, X, 5)
        first = back(np.ones(3))[0].copy()
        for _ in range(3):
            close(back(np.ones(3))[0], first, 0.0)
        close(back(2 * np.ones(3))[0], 2 * first)

    def test_while_loop_many_calls(self):
        def f(x):
            while x < 100.0:
                x = x * x
            return x

        _y, back = vjp(f, 2.0)
        assert [back(1.0) for _ in range(3)] == [back(1.0)] * 3

    @pytest.mark.parametrize("rotating", [True, False])
    def test_buffers_in_containers_and_rotations_many_calls(self, rotating):
        def split(x):
            a, b = np.split(x, 2)
            return np.sum(a * b) + a[0] + b[1] ** 2

        def rotate(x):
            a, b, c = x[:2].copy(), x[2:].copy(), x[1:3].copy()
            for _ in range(3):
                a[0] = a[0] * b[1]
                a, b, c = b, c, a
            return np.sum(a * b)

        _, back = vjp(rotate if rotating else split, np.array([2.0, 3.0, 5.0, 7.0]))
        first = back(1.0)[0].copy()
        for _ in range(3):
            close(back(1.0)[0], first, 0.0)

    def test_saved_values_are_its_own(self):
        x = X.copy()
        _, back = vjp(lambda x: np.sum(x * x * x), x)
        expected = 3 * x**2
        x[:] = 0.0
        close(back(1.0)[0], expected)

    def test_shapes_are_checked(self):
        _, back = vjp(lambda x: x * 2, X)
        with pytest.raises(DerivativeValueError, match="shape") as e:
            back(np.ones(2))
        assert has_help(e.value)
        with pytest.raises(DerivativeValueError):
            back(np.ones((3, 1)))
        _, back = vjp(lambda x: (x, x), X)
        with pytest.raises(DerivativeValueError):
            back((X,))
        with pytest.raises(DerivativeValueError):
            back(X)
        _, back = vjp(lambda x: {"a": x}, X)
        with pytest.raises(DerivativeValueError):
            back({"b": X})
        _, back = vjp(lambda x: x * x, 2.0)
        with pytest.raises(DerivativeValueError):
            back(np.ones(3))
        assert back(np.array(1.0)) == (4.0,)

    def test_argument_called_out_bar(self):
        y, back = vjp(lambda out_bar, x: out_bar * x, 2.0, 3.0)
        assert y == 6.0 and back(1.0) == (3.0, 2.0)

    def test_lazy_rules(self):
        special = pytest.importorskip("scipy.special")

        def f(a, b, x):
            return special.betainc(a, b, x) * 2.0

        _y, back = vjp(f, 2.0, 3.0, 0.4)
        slope = 2 * 0.4 * 0.6**2 / special.beta(2.0, 3.0)
        a_bar, b_bar, x_bar = back(1.0)
        assert x_bar == pytest.approx(slope)
        for bar, (da, db) in ((a_bar, (1e-6, 0.0)), (b_bar, (0.0, 1e-6))):
            step = f(2.0 + da, 3.0 + db, 0.4) - f(2.0 - da, 3.0 - db, 0.4)
            assert bar == pytest.approx(step / 2e-6, rel=1e-6)
        assert grad(f, wrt="x")(2.0, 3.0, 0.4) == pytest.approx(slope)
        assert grad(f)(2.0, 3.0, 0.4) == pytest.approx(a_bar)
        _y, back = vjp(special.betainc, 2.0, 3.0, 0.4)
        assert back(1.0)[2] == pytest.approx(slope / 2)

    def test_orders(self):
        """What has no derivative in one operand has none in a pullback of all; asked for, it is refused."""
        special = pytest.importorskip("scipy.special")

        def f(n, x):
            return special.jv(n, x) * 2.0

        n_bar, x_bar = vjp(f, 1.5, 0.7)[1](1.0)
        assert n_bar is None and x_bar == pytest.approx(2.0 * special.jvp(1.5, 0.7))
        with pytest.raises(NoRule):
            grad(f)(1.5, 0.7)
        with pytest.raises(NoRule):
            vjp(f, 1.5, 0.7, wrt="n")

    def test_pullback_has_source(self):
        _, back = vjp(lambda x: x * x, 3.0)
        assert "def f_fwd" in back.source and "def f_bwd" in back.source

    def test_of_a_gradient(self):
        y, back = vjp(grad(lambda x: np.sum(x**3)), X)
        close(y, 3 * X**2)
        close(back(np.ones(3)), (6 * X,))


class TestJvp:
    def test_containers(self):
        def f(p, x):
            return p["w"] * x[0] + p["b"] * x[1]

        y, dot = jvp(f, ({"w": 2.0, "b": 3.0}, (5.0, 7.0)), ({"w": 1.0, "b": 0.5}, (1.0, 2.0)))
        assert y == 31.0 and dot == 5.0 + 3.5 + 2.0 + 6.0
        y, dot = jvp(f, ({"w": 2.0, "b": 3.0}, (5.0, 7.0)), ({"w": 1.0, "b": 0.5}, None))
        assert dot == 8.5
        y, dot = jvp(f, ({"w": 2.0, "b": 3.0}, (5.0, 7.0)), ({"w": 1.0}, (None, 2.0)))
        assert dot == 5.0 + 6.0

    def test_dataclass_and_inactive_leaves(self):
        m = Layer(A, X)
        y, dot = jvp(lambda m, x: m.W @ x + m.b * m.width, (m, X), (Layer(2 * A, 3 * X, None, None), X))
        close(y, A @ X + 3 * X)
        close(dot, 2 * A @ X + 9 * X + A @ X)

    def test_result_in_containers(self):
        y, dot = jvp(lambda x: {"a": x * x, "b": (x, 3)}, (3.0,), (1.0,))
        assert y == {"a": 9.0, "b": (3.0, 3)} and dot["a"] == 6.0 and dot["b"][0] == 1.0

    def test_none_and_keywords(self):
        f = lambda x, n, *, k=1.0: k * x**n  # noqa: E731
        assert jvp(f, (3.0, 2), (1.0, None)) == (9.0, 6.0)
        assert jvp(f, (3.0, 2), (1.0, None), k=2.0) == (18.0, 12.0)
        assert jvp(f, [3, 2], [1, None]) == (9.0, 6.0)
        assert jvp(f, (3.0,), (2.0,), n=2) == (9.0, 12.0)

    def test_counts_that_do_not_move(self):
        def f(x, n):
            s = 0.0
            for i in range(n):
                s = s + x[i] ** 2
            return s

        assert jvp(f, (X, 2), (np.ones(3), 0))[1] == 2 * (X[0] + X[1])
        with pytest.raises(DerivativeValueError, match="no array"):
            jvp(f, (X, 2), (np.ones(3), 0), wrt="x")

    def test_checked(self):
        f = lambda x, y: x * y  # noqa: E731
        for primals, tangents in [
            ((1.0, 2.0), (1.0,)),
            ((1.0, 2.0), (None, None)),
            ((X, 2.0), (np.ones(2), 1.0)),
        ]:
            with pytest.raises(DerivativeValueError) as e:
                jvp(f, primals, tangents)
            assert has_help(e.value)
        with pytest.raises(DerivativeValueError):
            jvp(f, 1.0, 2.0)  # type: ignore[arg-type]
        with pytest.raises(DerivativeValueError):
            jvp(lambda p: p[0], ((1.0, 2.0),), ((1.0,),))

    def test_argument_called_x_dot(self):
        assert jvp(lambda x, x_dot: x * x_dot, (2.0, 3.0), (1.0, None)) == (6.0, 3.0)
        assert jvp(lambda x, x_dot: x * x_dot, (2.0, 3.0), (1.0, 1.0)) == (6.0, 5.0)

    def test_of_grad(self):
        y, dot = jvp(grad(poly), (2.0,), (1.0,))
        assert (y, dot) == (21.0, 16.0)
        hvp = jvp(grad(lambda x: np.sum(x**3)), (X,), (np.ones(3),))[1]
        close(hvp, 6 * X)

    def test_array(self):
        _y, dot = jvp(lambda x: np.sin(x), (X,), (np.ones(3, np.float32),))
        close(dot, np.cos(X))


# ---- library functions --------------------------------------------------------------------------


class TestLibraryFunctions:
    def test_elementwise(self):
        assert grad(np.sin)(1.0) == pytest.approx(math.cos(1.0))
        assert grad(math.exp)(1.0) == pytest.approx(math.e)
        assert grad(grad(np.sin))(1.0) == pytest.approx(-math.sin(1.0))
        assert grad(math.pow, wrt=(0, 1))(2.0, 3.0) == pytest.approx((12.0, 8 * math.log(2)))
        assert grad(np.multiply, wrt=1)(2.0, 3.0) == 2.0

    def test_reductions(self):
        close(grad(np.sum)(X), np.ones(3))
        close(grad(np.mean)(X), np.full(3, 1 / 3))
        close(vjp(np.sum, A, axis=0)[1](X), (np.broadcast_to(X, (3, 3)).copy(),))
        y, back = vjp(np.sum, A, axis=1, keepdims=True)
        assert y.shape == (3, 1)
        close(back(X[:, None])[0], np.broadcast_to(X[:, None], (3, 3)).copy())
        y, back = vjp(np.sum, A, keepdims=True)
        assert y.shape == (1, 1)

    def test_dot(self):
        y, back = vjp(np.dot, A, X)
        close(y, A @ X)
        close(back(X), (np.outer(X, X), A.T @ X))

    def test_where(self):
        _y, back = vjp(np.where, X > 0, X, 2 * X)
        close(back(np.ones(3)), (None, np.where(X > 0, 1.0, 0.0), np.where(X > 0, 0.0, 1.0)))

    def test_solve(self):
        y, dot = jvp(np.linalg.solve, (A, X), (np.eye(3), X))
        close(y, np.linalg.solve(A, X))
        close(dot, np.linalg.solve(A, X - y), 1e-10)

    def test_signatures(self):
        assert grad(np.sin).__name__ == "sin"
        with pytest.raises(TypeError):
            grad(np.sin)(1.0, 2.0, 3.0)
        with pytest.raises(SrcdiffError):
            grad(zip)(1.0)

    def test_containers(self):
        _y, back = vjp(np.concatenate, [X, 2 * X])
        bar = np.arange(6.0)
        close(back(bar), ([bar[:3], bar[3:]],))
        _y, back = vjp(np.linalg.slogdet, A)
        close(back((0.0, 1.0))[0], np.linalg.inv(A).T, 1e-10)


# ---- dtypes -------------------------------------------------------------------------------------


class TestDtypes:
    def test_float32_arrays(self):
        x = X.astype(np.float32)
        close(
            grad(lambda x: np.sum(np.sin(x) * 2.0))(x), (np.cos(x) * np.float32(2)).astype(np.float32), 1e-6
        )
        close(vjp(lambda x: x * x, x)[1](np.ones(3))[0], 2 * x, 1e-6)
        close(jvp(lambda x: x * x, (x,), (np.ones(3),))[1], 2 * x, 1e-6)
        g = grad(lambda p: np.sum(p["a"] * p["b"]))({"a": x, "b": X})
        assert g["a"].dtype == np.float32 and g["b"].dtype == np.float64

    def test_float32_mixed(self):
        g = grad(lambda x, y: np.sum(x * y), wrt=(0, 1))(X.astype(np.float32), X)
        assert g[0].dtype == np.float32 and g[1].dtype == np.float64

    def test_float32_scalars(self):
        g = grad(lambda x: x * x)(np.float32(3.0))
        assert g == 6.0 and type(g) is np.float32
        g = grad(lambda x: np.sin(x) * 2)(np.float32(1.0))
        assert type(g) is np.float32
        y, dot = jvp(lambda x: x * x, (np.float32(3.0),), (1.0,))
        assert type(y) is np.float32 and type(dot) is np.float32

    def test_float64_scalars(self):
        assert grad(poly)(np.float64(2.0)) == 21.0

    def test_complex(self):
        z = 1.0 + 2.0j
        assert grad(lambda z: abs(z) ** 2)(z) == pytest.approx(2 * z.real - 2j * z.imag)
        assert grad(lambda z: (z * z).real)(z) == pytest.approx(2 * z)  # df/dx - i df/dy = 2x + 2yi
        zs = np.array([1 + 2j, 3 - 1j])
        close(grad(lambda z: np.sum(np.abs(z) ** 2))(zs), 2 * np.conj(zs))
        close(grad(lambda z: np.sum(np.real(z * z)))(zs), 2 * zs)
        close(grad(lambda z: np.sum((z * np.conj(z)).real))(zs), 2 * np.conj(zs))
        close(grad(lambda x: np.sum(np.abs(x * (1 + 1j)) ** 2))(X), 4 * X)

    def test_complex_result_refused(self):
        with pytest.raises(DerivativeTypeError, match="complex"):
            grad(lambda z: z * z)(1j)

    def test_complex_jvp(self):
        _y, dot = jvp(lambda z: z * z, (1 + 2j,), (1j,))
        assert dot == 2 * (1 + 2j) * 1j
        _y, back = vjp(lambda z: z * z, 1 + 2j)
        assert back(1.0 + 0j) == (2 * (1 + 2j),)


# ---- memory -------------------------------------------------------------------------------------


def write_first(x, y):
    x[0] = 5.0 * x[1]
    return np.sum(x * y)


def write_second(x, y):
    y *= 2.0
    return np.sum(x * y)


def write_in_branch(x, y):
    if x[0] > 0:
        x[1] = 3.0
        return np.sum(x * y)
    return np.sum(y)


def write_in_loop(x, y):
    for i in range(len(x)):
        x[i] = y[i] * 2
    return np.sum(x * y)


def write_through_view(x, y):
    v = x[1:]
    v += y[1:]
    return np.sum(x * y)


def write_out(x, y):
    np.multiply(x, 2.0, out=x)
    return np.sum(x * y)


def write_in_helper(x, y):
    write_first(x, y)
    return np.sum(x * y)


WRITERS = [
    write_first,
    write_second,
    write_in_branch,
    write_in_loop,
    write_through_view,
    write_out,
    write_in_helper,
]


class TestSharedMemory:
    @pytest.mark.parametrize("f", WRITERS, ids=lambda f: f.__name__)
    def test_same_array_twice(self, f):
        x = np.array([1.0, 2.0, 3.0])
        for ask in (
            lambda: grad(f)(x, x),
            lambda: grad(f, wrt=("x", "y"))(x, x),
            lambda: vjp(f, x, x),
            lambda: jvp(f, (x, x), (x, None)),
        ):
            with pytest.raises(DerivativeValueError, match="share memory") as e:
                ask()
            assert has_help(e.value) and ".copy()" in str(e.value)
        assert np.all(x == [1.0, 2.0, 3.0])
        grad(f)(x, x.copy())
        with pytest.raises(DerivativeValueError, match="share memory"):  # again, from the fast tables
            grad(f)(x, x)

    @pytest.mark.parametrize("f", WRITERS, ids=lambda f: f.__name__)
    def test_views(self, f):
        big = np.arange(1.0, 8.0)
        g = grad(f)
        with pytest.raises(DerivativeValueError, match="share memory"):
            g(big[:3], big[2:5])
        a = g(big[0:6:2], big[1:6:2])  # interleaved, but apart
        close(a, g(big[0:6:2].copy(), big[1:6:2].copy()))
        with pytest.raises(DerivativeValueError, match="share memory"):
            g(big[:3], big[2:5])

    def test_reading_is_free(self):
        close(grad(lambda x, y: np.sum(x * y))(X, X), X)

    def test_local_copies_are_free(self):
        def f(x, y):
            z = x * 2
            z[0] = 1.0
            z += y
            w = y.copy()
            w[1] = 0.0
            return np.sum(z * w)

        close(grad(f)(X, X), grad(f)(X, X.copy()))

    def test_containers(self):
        def f(p, q):
            p["a"] = 2 * p["a"]
            return q["a"]

        d = {"a": 3.0}
        with pytest.raises(DerivativeValueError, match="share memory"):
            grad(f, wrt="q")(d, d)
        close(grad(f, wrt="q")(d, dict(d)), {"a": 1.0})

        def g(p):
            p["a"][0] = 0.0
            return np.sum(p["a"]) + np.sum(p["b"])

        close(grad(g)({"a": X, "b": X.copy()}), {"a": np.array([0.0, 1.0, 1.0]), "b": np.ones(3)})
        with pytest.raises(DerivativeValueError, match="share"):
            grad(g)({"a": X, "b": X})

        def h(p):
            p.b[0] = 0.0
            return np.sum(p.W) + np.sum(p.b)

        with pytest.raises(DerivativeValueError, match="share"):
            grad(h)(Layer(X, X))

        def append(xs, ys):
            xs.append(1.0)
            return ys[0] * len(ys)

        ones = [1.0, 2.0]
        with pytest.raises(DerivativeValueError, match="share"):
            grad(append, wrt="ys")(ones, ones)

    def test_captured(self):
        k = np.array([1.0, 2.0, 3.0])

        def f(x):
            x[0] = 7.0
            return np.sum(x * k)

        g = grad(f)
        close(g(X), np.array([0.0, 2.0, 3.0]))
        with pytest.raises(DerivativeValueError, match="share"):
            g(k)
        close(g(X), np.array([0.0, 2.0, 3.0]))


# ---- errors -------------------------------------------------------------------------------------


class TestErrors:
    @pytest.mark.parametrize(
        "f",
        [
            lambda x: x * np.ones(3),
            lambda x: (x, x),
            lambda x: {"a": x},
            lambda x: "text",
            lambda x: None,
            lambda x: [x],
        ],
    )
    def test_scalar_result_required(self, f):
        with pytest.raises(DerivativeTypeError) as e:
            grad(f)(2.0)
        assert has_help(e.value)

    def test_scalar_result_required_array(self):
        with pytest.raises(DerivativeTypeError, match="single number"):
            grad(lambda x: x * 2)(X)

    def test_has_aux_needs_a_pair(self):
        with pytest.raises(DerivativeTypeError, match="aux") as e:
            grad(lambda x: x * x, has_aux=True)(2.0)
        assert has_help(e.value)

    def test_wrong_number_of_arguments(self):
        for ask in (
            lambda: grad(poly)(),
            lambda: grad(poly)(1.0, 2.0),
            lambda: grad(poly)(y=1.0),
            lambda: grad(poly)(1.0, x=1.0),
            lambda: vjp(poly, 1.0, 2.0),
            lambda: jvp(poly, (1.0, 2.0), (1.0, 1.0)),
        ):
            with pytest.raises(TypeError) as e:
                ask()
            assert isinstance(e.value, DerivativeTypeError) and has_help(e.value)

    @pytest.mark.parametrize("wrt", ["z", 3, -3, ("x", "z"), (), ("x", "x"), ("x", 0)])
    def test_unknown_wrt(self, wrt):
        with pytest.raises(DerivativeValueError) as e:
            grad(lambda x, y: x * y, wrt=wrt)
        assert has_help(e.value)

    @pytest.mark.parametrize("wrt", [1.5, True, {"x"}, (1.5,), b"x"])
    def test_wrong_kind_of_wrt(self, wrt):
        with pytest.raises(DerivativeTypeError) as e:
            grad(lambda x, y: x * y, wrt=wrt)
        assert has_help(e.value)

    def test_source_of_something_else(self):
        with pytest.raises(DerivativeTypeError) as e:
            srcdiff.source(poly, 1.0)
        assert has_help(e.value)


# ---- text ---------------------------------------------------------------------------------------


def load(path: Path) -> Any:
    """Import a file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def run_text(text: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    return namespace


def norm_loop(a):
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    c = b if np.sum(b) > 0 else 100 * b
    return np.sum(c)


def mlp(params, x, y):
    h = np.tanh(x @ params["W1"] + params["b1"])
    out = h @ params["W2"] + params["b2"]
    return np.mean((out - y) ** 2)


def stepped(x, n=3):
    out = np.zeros_like(x)
    for i in range(n):
        out[i % 2] += np.sin(x[i % 2]) * x[0]
    return np.sum(out)


def with_defaults(
    x,
    pair=(1, -2.5),
    nested={"a": [(True, None), {1: b"b"}], "c": {3, 1}},  # noqa: B006
    zero=-0.0,
    far=(-math.inf, math.inf),
    single=np.float32(0.5),  # noqa: B008
    rows=np.array([[1, 2], [3, 4]], np.float32),  # noqa: B008
    flags=np.array([True, False]),  # noqa: B008
    imaginary=2j,
    act=np.tanh,
):
    return np.sum(act(x * pair[0] + zero)) * single * rows[1, 0] + np.sum(x) * len(nested)


class TestText:
    def test_specialised_text(self):
        g = grad(poly)
        text = srcdiff.source(g, 2.0)
        assert (text == g.source and "3.0 * x" in text) or "3 * x" in text
        assert "import" not in text
        assert srcdiff.source(g, np.ones(3)[0]) != "" and srcdiff.source(grad(line), X, X, scale=2.0)

    def test_source_of_a_method(self):
        assert "def force_grad(self, x)" in srcdiff.source(Layer(A, X).force, X)

    @pytest.mark.parametrize(
        ("f", "args"),
        [
            (poly, (2.0,)),
            (norm_loop, (0.5,)),
            (norm_loop, (np.array([[0.5], [-0.2], [0.3]]),)),
            (norm_loop, (np.full((3, 4), 0.1),)),
            (line, (X, X, 0.5)),
            (line, (X, A, 0.5)),
            (line, (2.0, X, 0.5)),
            (stepped, (np.array([0.3, 0.4]),)),
        ],
        ids=lambda v: getattr(v, "__name__", ""),
    )
    def test_generic_text_runs(self, f, args):
        g = grad(f)
        text = g.source
        got = run_text(text)[f"{f.__name__}_grad"](*args)
        expected = grad(f)(*args)
        np.testing.assert_allclose(got, expected, rtol=1e-12)
        assert np.shape(got) == np.shape(expected)

    def test_docstring_tells_what_is_fixed(self):
        def f(x, flag, fn):
            return fn(x) if flag else x

        assert "flag=True" in srcdiff.source(grad(f), 2.0, True, math.sin)
        assert "fn=sin" in srcdiff.source(grad(f), 2.0, True, math.sin)

    @pytest.mark.parametrize(
        ("f", "args"),
        [
            (poly, (2.0,)),
            (norm_loop, (np.full((3, 4), 0.1),)),
            (stepped, (np.array([0.3, 0.4]),)),
            (line, (X, X)),
        ],
        ids=lambda v: getattr(v, "__name__", ""),
    )
    def test_saved_module(self, tmp_path, f, args):
        g = grad(f)
        path = tmp_path / f"saved_{f.__name__}.py"
        g.save(path, *args)
        again = getattr(load(path), f"{f.__name__}_grad")
        np.testing.assert_allclose(again(*args), g(*args), rtol=1e-14)
        if isinstance(args[0], float):
            assert grad(again)(*args) == pytest.approx(grad(g)(*args), rel=1e-12)
        else:
            first = lambda *a: np.sum(g(*a) * 0.7)  # noqa: E731
            second = lambda *a: np.sum(again(*a) * 0.7)  # noqa: E731
            np.testing.assert_allclose(grad(second)(*args), grad(first)(*args), rtol=1e-10)

    def test_saved_mlp(self, tmp_path):
        p = {
            "W1": RNG.normal(size=(4, 5)),
            "b1": RNG.normal(size=5),
            "W2": RNG.normal(size=(5, 2)),
            "b2": np.zeros(2),
        }
        x, y = RNG.normal(size=(7, 4)), RNG.normal(size=(7, 2))
        g = value_and_grad(mlp)
        path = tmp_path / "saved_mlp.py"
        g.save(str(path), p, x, y)
        again = load(path).mlp_value_and_grad
        close(again(p, x, y), g(p, x, y))
        twice = grad(lambda p, x, y: np.sum(again(p, x, y)[1]["W1"] ** 2))
        direct = grad(lambda p, x, y: np.sum(grad(mlp)(p, x, y)["W1"] ** 2))
        close(twice(p, x, y), direct(p, x, y), 1e-9)

    def test_saved_after_a_call(self, tmp_path):
        g = grad(poly)
        g(2.0)
        path = tmp_path / "saved_after.py"
        g.save(path)
        assert load(path).poly_grad(2.0) == 21.0

    def test_saved_before_any_call(self, tmp_path):
        path = tmp_path / "saved_before.py"
        grad(norm_loop).save(path)
        again = load(path).norm_loop_grad
        np.testing.assert_allclose(again(0.5), grad(norm_loop)(0.5))
        np.testing.assert_allclose(again(np.full(3, 0.5)), grad(norm_loop)(np.full(3, 0.5)))

    def test_saved_with_stop_gradient(self, tmp_path):
        g = grad(lambda x: x * stop_gradient(x))
        path = tmp_path / "saved_stop.py"
        g.save(path, 3.0)
        again = load(path).f_grad
        assert again(3.0) == 3.0
        assert grad(again)(3.0) == grad(g)(3.0) == 0.0

    def test_unreachable_objects_are_reported(self, tmp_path):
        calls = []
        rng = np.random.default_rng(0)

        def f(x):
            return x * x * rng.normal()

        g = grad(f)
        try:
            g(2.0)
        except SrcdiffError:
            pytest.skip("not differentiable")
        path = tmp_path / "saved_bad.py"
        try:
            g.save(path, 2.0)
        except DerivativeValueError as e:
            assert has_help(e) and not path.exists()
        else:
            assert run_text(path.read_text())
        del calls

    def test_unreachable_function_is_reported(self, tmp_path):
        noise = np.frompyfunc(lambda n: n + 1, 1, 1)  # neither a rule nor a name

        def f(x, n):
            return x * x * noise(n)

        g = grad(f)
        assert g(2.0, 3) == 16.0
        path = tmp_path / "saved_worse.py"
        with pytest.raises(DerivativeValueError, match="import") as e:
            g.save(path, 2.0, 3)
        assert has_help(e.value) and not path.exists()

    def test_default_without_literal_is_reported(self, tmp_path):
        def f(x, w=np.ones(300)):  # noqa: B008
            return np.sum(x * w)

        with pytest.raises(DerivativeValueError, match="default of 'w' in f is a ndarray") as e:
            grad(f).save(tmp_path / "saved_default.py", np.ones(300))
        assert has_help(e.value)

    def test_defaults_are_written_out(self, tmp_path):
        g = grad(with_defaults)
        path = tmp_path / "saved_defaults.py"
        g.save(path, X)
        again = load(path).with_defaults_grad
        np.testing.assert_array_equal(again(X), g(X))
        theirs, ours = inspect.signature(again).parameters, inspect.signature(with_defaults).parameters
        for n, p in ours.items():
            assert type(theirs[n].default) is type(p.default)
            np.testing.assert_equal(theirs[n].default, p.default)
        assert np.copysign(1.0, theirs["zero"].default) == -1.0
        assert theirs["single"].default.dtype == theirs["rows"].default.dtype == np.float32

    def test_defaults_of_another_function_of_the_same_text(self):
        def make(power, scale):
            def helper(x, pair=(power, 1.0)):
                return pair[0] * x * pair[1]

            def f(x, scale=scale):
                return helper(x) * scale[0]

            return f

        first, second = grad(make(2.0, (3.0,))), grad(make(5.0, (7.0,)))
        assert (first(1.0), second(1.0)) == (6.0, 35.0)
        for g, value in ((first, 6.0), (second, 35.0)):
            assert run_text(g.source_for(1.0))["f_grad"](1.0) == value

    def test_what_nothing_reads_is_no_argument_of_the_text(self):
        def spread(x, rest=()):
            return x * x + len(rest)

        text = grad(lambda x: spread(x)).source_for(2.0)
        assert "def f_grad(x):" in text
        assert run_text(text)["f_grad"](2.0) == 4.0

    def test_length_of_what_nothing_reads_is_looked_at(self):
        powers = [1.0, 2.0]

        def f(x):
            return x ** len(powers) if len(powers) > 1 else 3.0 * x

        g = grad(f)
        assert g(2.0) == 4.0
        powers.append(3.0)
        assert g(2.0) == 12.0

    def test_objects_are_read_by_the_text(self, tmp_path):
        class Layer:
            def __init__(self, w, act):
                self.w, self.act = w, act

        def f(layers, x):
            for layer in layers:
                x = layer.act(x @ layer.w)
            return np.sum(x)

        layers = [Layer(RNG.normal(size=(3, 3)), np.tanh), Layer(RNG.normal(size=(3, 2)), np.sin)]
        g = grad(f, wrt=("layers[0].w", "x"))
        path = tmp_path / "saved_objects.py"
        g.save(path, layers, X)
        again = load(path).f_grad
        assert list(inspect.signature(again).parameters) == ["layers", "x"]
        for _ in range(2):
            close(again(layers, X), g(layers, X))
            layers[0].w = layers[0].w * 2.0
        numeric = (f(layers, X + 1e-6) - f(layers, X - 1e-6)) / 2e-6
        assert np.sum(again(layers, X)[1]) == pytest.approx(numeric, rel=1e-6)

    def test_object_that_is_written_keeps_its_arrays(self):
        class Box:
            def __init__(self, w):
                self.w = w

        def f(box, x):
            box.w[0] *= x
            return np.sum(box.w * box.w) * x

        box = Box(np.array([2.0, 3.0]))
        g = grad(f, wrt="x")
        again = run_text(g.source_for(box, 1.5))["f_grad"]
        expected = 3 * 4.0 * 1.5**2 + 9.0
        assert g(box, 1.5) == pytest.approx(expected) and again(box, 1.5) == pytest.approx(expected)
        np.testing.assert_array_equal(box.w, [2.0, 3.0])

    def test_instances_of_modules_are_imported(self, tmp_path):
        def f(x):
            i, j = np.mgrid[0 : len(x), 0:2]
            return np.sum(x[:, None] * (i + 2 * j))

        path = tmp_path / "saved_grid.py"
        grad(f).save(path, X)
        assert "np.mgrid[" in path.read_text()
        np.testing.assert_array_equal(load(path).f_grad(X), grad(f)(X))

    def test_captured_value_is_a_keyword_of_the_text(self, tmp_path):
        k = 3.0
        g = grad(lambda x: k * x * x)
        path = tmp_path / "saved_capture.py"
        g.save(path, 2.0)
        assert load(path).f_grad(2.0, k=5.0) == 20.0

    def test_same_text_twice(self):
        assert srcdiff.source(grad(mlp)) == srcdiff.source(grad(mlp))


# ---- pickling, threads, speed -------------------------------------------------------------------


@grad
def decorated(x):
    return x**4


@grad
@grad
def decorated_twice(x):
    return x**4


class TestPickling:
    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_derivative_of_module_function(self, protocol):
        g = pickle.loads(pickle.dumps(value_and_grad(line, wrt=("w", "b")), protocol))
        close(g(X, X, 0.0), value_and_grad(line, wrt=("w", "b"))(X, X, 0.0))
        assert g.primal is line

    def test_of_derivative(self):
        g = pickle.loads(pickle.dumps(grad(grad(poly))))
        assert g(2.0) == 16.0
        assert copy.deepcopy(grad(poly))(2.0) == 21.0

    def test_decorated(self):
        decorated(2.0)
        assert pickle.loads(pickle.dumps(decorated)) is decorated
        assert pickle.loads(pickle.dumps(decorated_twice)) is decorated_twice
        assert decorated_twice(2.0) == 48.0
        assert pickle.loads(pickle.dumps(grad(decorated)))(2.0) == 48.0

    def test_library_function(self):
        assert pickle.loads(pickle.dumps(grad(np.sin)))(0.0) == 1.0

    def test_partial_and_method(self):
        assert pickle.loads(pickle.dumps(grad(functools.partial(line, 2.0))))(3.0) == 2.0
        close(pickle.loads(pickle.dumps(grad(Layer(A, X).value)))(X), grad(Layer(A, X).value)(X))


class TestThreads:
    def test_eight_threads(self):
        g = grad(lambda x, n: np.sum(np.sin(x) ** 2) * n)
        scale = 3.0
        errors: list[BaseException] = []
        start = threading.Barrier(8)

        def work(seed: int) -> None:
            try:
                rng = np.random.default_rng(seed)
                start.wait()
                for i in range(30):
                    x = rng.normal(size=(1,) * (i % 3) + (1 + i % 4,))
                    close(g(x, 2), 4 * np.sin(x) * np.cos(x))
                    assert grad(lambda y: scale * y * seed)(2.0) == 3.0 * seed
                    _y, back = vjp(lambda a, b: a * b * seed, 2.0, x)
                    close(back(np.ones(x.shape))[1], np.full(x.shape, 2.0 * seed))
                    assert jvp(lambda a: a * a * seed, (3.0,), (1.0,)) == (9.0 * seed, 6.0 * seed)
            except BaseException as e:
                errors.append(e)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not errors, errors[0]


def per_call(statement: str, names: dict[str, Any]) -> float:
    """Seconds per run of a statement: the best of many short windows, whatever else the machine does."""
    return min(timeit.repeat(statement, globals=names, number=500, repeat=300)) / 500


class TestSpeed:
    def test_float(self):
        g = grad(poly)
        g(2.0)
        bare = g._one[float]
        assert inspect.isfunction(bare) and bare.__name__ == "poly_grad"
        extra = per_call("g(2.0)", {"g": g}) - per_call("g(2.0)", {"g": bare})
        assert extra < 0.6e-6

    def test_capture_and_guard(self):
        k = 2.0
        g = grad(lambda x: k * helper(x))
        emitted = run_text(srcdiff.source(g, 2.0))["f_grad"]
        assert g(2.0) == emitted(2.0, k=k) == 8.0
        extra = per_call("g(2.0)", {"g": g}) - per_call("g(2.0, k=2.0)", {"g": emitted})
        assert extra < 2e-6

    def test_array(self):
        g = grad(line)
        g(X, X, 0.0)
        assert per_call("g(x, x, 0.0)", {"g": g, "x": X}) < 60e-6


def test_whole_numbers_held_constant_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of steps beside what is differentiated: the arguments are not bound again at each call."""

    def f(x: float, n: int) -> float:
        s = 0.0
        for _ in range(n):
            s += math.sin(x) * s + x
        return s

    g = grad(f)
    wanted = [g(0.5, 3), g(0.5, n=4), g(1, 3)]

    def refused(*args: Any) -> Any:
        raise AssertionError("the long way")

    monkeypatch.setattr(type(g), "_call", refused)
    assert [g(0.5, 3), g(0.5, n=4), g(1.0, 3)] == wanted
    with pytest.raises(AssertionError, match="the long way"):
        g(1, 3)  # (which has to be a float first)
