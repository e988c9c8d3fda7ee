"""Containers as arguments and results: built-in ones, dataclasses of every make, registered classes."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np
import optree
import pytest

import srcdiff
from srcdiff import (
    DerivativeTypeError,
    DerivativeValueError,
    SrcdiffError,
    grad,
    jvp,
    source,
    value_and_grad,
    vjp,
)

X = np.array([0.3, -1.2, 0.7])
W = np.array([1.0, 2.0, -0.5])


def close(a: Any, b: Any, tolerance: float = 1e-9) -> None:
    if b is None:
        assert a is None
    else:
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def refused(call: Any, kind: type[SrcdiffError], *words: str) -> None:
    with pytest.raises(kind) as e:
        call()
    assert all(p.help for p in e.value.problems), str(e.value)
    for word in words:
        assert word in str(e.value), str(e.value)


# ---- built-in containers ---------------------------------------------------------------------------------


class TestBuiltIn:
    def test_kinds_of_dicts(self):
        def f(p):
            return np.sum(p["w"] ** 2) * p["b"]

        for make in (dict, OrderedDict, lambda d: defaultdict(float, d)):
            p = make({"w": W, "b": 2.0})
            g = grad(f)(p)
            close(g["w"], 4 * W)
            close(g["b"], np.sum(W**2))
            new = optree.tree_map(lambda x, d: x - 0.1 * d, p, g)
            assert type(new) is type(p)
            close(new["w"], W - 0.4 * W)

    def test_keys_that_are_not_names(self):
        p = {1: 2.0, "a b": 3.0, (0, 1): W, None: 5.0} if False else {1: 2.0, "a b": 3.0, (0, 1): W}
        g = grad(lambda p: p[1] * p["a b"] * np.sum(p[(0, 1)]))(p)
        assert list(g) == list(p)
        close(g[1], 3.0 * np.sum(W))
        close(g[(0, 1)], np.full(3, 6.0))

    def test_nested_lists_and_none(self):
        p = [[1.0, [W, None]], (2.0, {"a": [3.0, 4.0], "none": None}), "tanh", 3, True]

        def f(p):
            return p[0][0] * np.sum(p[0][1][0]) * p[1][0] * p[1][1]["a"][1] * (p[3] if p[4] else 1.0)

        g = grad(f)(p)
        s = float(np.sum(W))
        close(g[0][0], s * 2 * 4 * 3)
        close(g[0][1][0], np.full(3, 24.0))
        assert g[0][1][1] is None and g[1][1]["none"] is None and g[2:] == [None, None, None]
        assert g[1][1]["a"] == [0.0, s * 2 * 3]
        same = optree.tree_map(lambda x, d: x if d is None else x - d, p, g, none_is_leaf=True)
        assert same[2:] == ["tanh", 3, True]

    def test_one_object_twice_in_an_argument(self):
        """Two places of one array are two places: each has its own gradient."""
        g = grad(lambda p: np.sum(p[0] * p[1] ** 2))((W, W))
        close(g[0], W**2)
        close(g[1], 2 * W * W)

    def test_results(self):
        def f(x):
            return {"s": np.sin(x), "parts": [x[0], (x[1:], "text")], "n": len(x)}

        y, dot = jvp(f, (X,), (W,))
        close(dot["s"], np.cos(X) * W)
        close(dot["parts"][0], W[0])
        close(dot["parts"][1][0], W[1:])
        y, back = vjp(f, X)
        assert y["parts"][1][1] == "text" and y["n"] == 3
        bar = {"s": W, "parts": [2.0, (np.ones(2), None)], "n": None}
        expected = np.cos(X) * W + np.array([2.0, 1.0, 1.0])
        close(back(bar)[0], expected)


# ---- dataclasses -----------------------------------------------------------------------------------------


@dataclasses.dataclass
class Layer:
    w: Any
    b: Any = 0.0
    act: str = "tanh"
    width: int = 3
    mask: Any = None

    def __call__(self, x):
        return np.tanh(self.w * x + self.b) if self.act == "tanh" else self.w * x


@dataclasses.dataclass(frozen=True)
class Frozen:
    w: Any
    scale: float = 2.0


@dataclasses.dataclass
class Derived(Layer):
    gain: float = 1.5


@dataclasses.dataclass
class Computed:
    w: Any
    half: Any = dataclasses.field(init=False)
    count: int = dataclasses.field(default=0, compare=False)

    def __post_init__(self):
        if not isinstance(self.w, np.ndarray):
            raise TypeError("w must be an array")
        self.half = self.w / 2
        self.extra = 4.0


if True:  # slots of dataclasses: their own parameters

    @dataclasses.dataclass(slots=True)
    class Slotted:
        w: Any
        b: float = 1.0

    @dataclasses.dataclass(kw_only=True, frozen=True, slots=True)
    class Strict:
        w: Any
        b: float = 1.0


class TestDataclasses:
    def test_defaults_and_static_fields(self):
        g = grad(lambda m, x: np.sum(m(x)) * m.width)(Layer(W), X)
        assert type(g) is Layer and g.act is None and g.width is None and g.mask is None
        close(g.w, 3 * X / np.cosh(W * X) ** 2)
        close(g.b, 3 * np.sum(1 / np.cosh(W * X) ** 2))

    def test_frozen(self):
        g = grad(lambda m: np.sum(m.w) * m.scale)(Frozen(W))
        assert type(g) is Frozen
        close(g.w, np.full(3, 2.0))
        close(g.scale, np.sum(W))

    def test_inherited(self):
        g = grad(lambda m, x: np.sum(m(x)) * m.gain)(Derived(W), X)
        assert type(g) is Derived
        close(g.gain, np.sum(np.tanh(W * X)))

    def test_post_init_is_not_run_again(self):
        m = Computed(W)
        g = grad(lambda m: np.sum(m.w * m.half) * m.extra)(m)
        assert type(g) is Computed and g.count is None
        close(g.w, 2 * W)
        close(g.half, 4 * W)
        close(g.extra, np.sum(W * W / 2))

    @pytest.mark.parametrize("cls", [Slotted, Strict])
    def test_slots(self, cls):
        g = grad(lambda m: np.sum(m.w) * m.b)(cls(w=W))
        assert type(g) is cls
        close(g.w, np.ones(3))
        close(g.b, np.sum(W))

    def test_in_containers(self):
        p = {"layers": [Layer(W), Layer(2 * W, act="none")], "end": Frozen(X)}

        def f(p, x):
            for layer in p["layers"]:
                x = layer(x)
            return np.sum(p["end"].w * x)

        g = grad(f)(p, X)
        close(g["end"].w, 2 * W * np.tanh(W * X))
        close(g["layers"][1].w, X * np.tanh(W * X))

    def test_results(self):
        def f(m, x):
            return Layer(m.w * x, m.b, width=7)

        y, dot = jvp(f, (Layer(W), X), (Layer(X, 1.0), None))
        assert type(y) is Layer and y.width == 7
        close(dot.w, X * X)
        close(dot.b, 1.0)
        _y, back = vjp(f, Layer(W), X)
        m_bar, x_bar = back(Layer(X, 2.0))
        assert type(m_bar) is Layer
        close(m_bar.w, X * X)
        close(m_bar.b, 2.0)
        close(x_bar, W * X)

    def test_text_runs_elsewhere(self):
        text = source(grad(lambda m: np.sum(m.w) * m.scale), Frozen(W))
        assert "Frozen(w=" in text and "record" not in text
        text = source(grad(lambda m: np.sum(m.w * m.half)), Computed(W))
        assert "record(Computed, w=" in text


# ---- registered classes ----------------------------------------------------------------------------------


@srcdiff.register
class Model:
    """Registered by its attributes."""

    def __init__(self, w, b, name="model"):
        self.w, self.b, self.name = w, b, name
        self.layers = [W, 2.0]

    def loss(self, x):
        return np.sum(self.w * x) * self.b + np.sum(self.layers[0]) * self.layers[1]

    @property
    def size(self):
        return np.sum(self.w**2)


@srcdiff.register(static=["name", "rate", "width"])
class Static:
    def __init__(self, w):
        self.w, self.name, self.rate, self.width = w, "static", 0.5, 3

    def __call__(self, x):
        return np.sum(self.w * x) * self.rate * self.width


class ByFunctions:
    def __init__(self, w, b, config):
        self.w, self.b, self.config, self.scale = w, b, config, 3.0

    def value(self, x):
        return np.sum(self.w * x + self.b) * self.scale


def put_together(config, children):
    return ByFunctions(*children, config)


srcdiff.register(ByFunctions, lambda m: ((m.w, m.b), m.config), put_together)


@srcdiff.register
class WithSlots:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


class TestRegistered:
    def test_by_attributes(self):
        m = Model(W, 2.0)
        g = grad(lambda m, x: m.loss(x) * m.size)(m, X)
        assert type(g) is Model and g.name is None
        size = np.sum(W**2)
        close(g.w, X * 2.0 * size + m.loss(X) * 2 * W)
        close(g.b, np.sum(W * X) * size)
        close(g.layers[1], np.sum(W) * size)
        close(grad(m.loss, wrt="self")(X).b, np.sum(W * X))
        close(grad(m.loss, wrt="self.b")(X), np.sum(W * X))
        close(grad(m.loss, wrt="self.layers[1]")(X), np.sum(W))
        close(grad(lambda x: m.loss(x), wrt="m")(X).b, np.sum(W * X))

    def test_changes_are_seen(self):
        m = Model(W, 2.0)
        g = grad(lambda m, x: m.loss(x))
        close(g(m, X).w, X * 2.0)
        m.b = 3.0
        close(g(m, X).w, X * 3.0)
        m.extra = X
        close(g(m, X).extra, np.zeros(3))

    def test_static(self):
        m = Static(W)
        g = grad(lambda m, x: m(x))(m, X)
        assert type(g) is Static and (g.name, g.rate, g.width) == ("static", 0.5, 3)
        close(g.w, X * 1.5)
        m.rate = 2.0
        g = grad(lambda m, x: m(x))(m, X)
        assert g.rate == 2.0
        close(g.w, X * 6.0)

    def test_static_in_lists(self):
        def f(ms, x):
            total = 0.0
            for m in ms:
                total = total + m(x) ** 2
            return total

        g = grad(f)
        for n in (1, 2, 3, 2):
            ms = [Static(W * (k + 1)) for k in range(n)]
            got = g(ms, X)
            assert len(got) == n and all(m.name == "static" for m in got)
            for m, d in zip(ms, got, strict=True):
                close(d.w, 2 * m(X) * 1.5 * X)

    def test_by_functions(self):
        m = ByFunctions(W, 1.0, {"kind": "linear"})
        g = grad(lambda m, x: m.value(x))(m, X)
        assert type(g) is ByFunctions and g.config == {"kind": "linear"} and g.scale == 3.0
        close(g.w, 3.0 * X)
        close(g.b, 9.0)

    def test_slots(self):
        g = grad(lambda m: m.a**2 * m.b)(WithSlots(2.0, 3.0))
        assert type(g) is WithSlots and (g.a, g.b) == (12.0, 4.0)

    def test_optree(self):
        m = Static(W)
        g = grad(lambda m, x: m(x))(m, X)
        new = optree.tree_map(lambda p, d: p - 0.1 * d, m, g, namespace="srcdiff")
        assert type(new) is Static and new.name == "static"
        close(new.w, W - 0.1 * 1.5 * X)
        m = ByFunctions(W, 1.0, "c")
        g = grad(lambda m, x: m.value(x))(m, X)
        close(optree.tree_map(lambda p, d: p - d, m, g, namespace="srcdiff").b, 1.0 - 9.0)

    def test_forward_pullback_and_second_order(self):
        m = Model(W, 2.0)

        def f(m, x):
            return m.loss(x) * m.b

        direction = Model(X, 1.0)
        direction.layers = [None, 1.0]
        _y, dot = jvp(f, (m, X), (direction, None))
        h = 1e-6
        up, down = Model(W + h * X, 2.0 + h), Model(W - h * X, 2.0 - h)
        up.layers, down.layers = [W, 2.0 + h], [W, 2.0 - h]
        close(dot, (f(up, X) - f(down, X)) / (2 * h), 1e-6)
        close(vjp(f, m, X)[1](2.0)[0].w, 2 * 2.0 * X * 2.0)
        second = grad(lambda m, x: np.sum(grad(f)(m, x).w ** 2))(m, X)
        close(second.b, 4 * np.sum(X**2) * 2.0**3)

    def test_value_and_grad_of_a_method(self):
        m = Model(W, 2.0)
        v, g = value_and_grad(Model.loss)(m, X)
        close(v, m.loss(X))
        close(g.w, 2.0 * X)

    def test_written_by_the_function(self):
        def f(m, x):
            m.w = m.w * x
            m.w[0] = 0.0
            return np.sum(m.w) * m.b

        m = Model(W.copy(), 2.0)
        g = grad(f)(m, X)
        close(g.w, 2.0 * X * np.array([0.0, 1.0, 1.0]))
        close(m.w, W)

    def test_refused(self):
        refused(lambda: srcdiff.register(3), DerivativeTypeError, "not a class")
        refused(lambda: srcdiff.register(dict), DerivativeTypeError, "no class of your own")
        refused(lambda: srcdiff.register(Model, lambda m: m), DerivativeTypeError, "belong together")

        class Odd:
            def __init__(self, w):
                self.w = w

        srcdiff.register(Odd, lambda m: ((m.w * 2,), None), lambda _, c: Odd(*c))
        refused(lambda: grad(lambda m: m.w)(Odd(2.0)), DerivativeValueError, "not an attribute as it is")

        class Eager:
            def __init__(self, w):
                self.w = w
                self.twice = w * 2

        srcdiff.register(Eager, lambda m: ((m.w,), None), lambda _, c: Eager(*c))
        refused(lambda: grad(lambda m: m.w)(Eager(2.0)), DerivativeValueError, "more than set attributes")

        class Plain:
            def __init__(self, w):
                self.w = w

        refused(
            lambda: grad(lambda m: m.w)(Plain(2.0)), DerivativeTypeError, "m.w", "srcdiff.register(Plain)"
        )
        srcdiff.register(Plain)
        assert grad(lambda m: m.w)(Plain(2.0)).w == 1.0


# ---- functions inside containers -------------------------------------------------------------------------


@dataclasses.dataclass
class Unit:
    w: Any
    act: Any = np.tanh

    def __call__(self, x):
        return self.act(self.w * x)


class TestFunctionsInside:
    def test_of_a_dataclass(self):
        for act, slope in (
            (np.tanh, lambda y: 1 / np.cosh(y) ** 2),
            (np.sin, np.cos),
            (lambda y: 3 * y, lambda y: np.full(3, 3.0)),
        ):
            g = grad(lambda m, x: np.sum(m(x)))(Unit(W, act), X)
            close(g.w, slope(W * X) * X)
            assert g.act is None

    def test_lists_of_any_length(self):
        def f(units, x):
            for u in units:
                x = u(x)
            return np.sum(x)

        g = grad(f)
        acts = (np.tanh, np.sin, np.exp)
        for n in (1, 2, 3, 2):
            units = [Unit(W * (k + 1), acts[k]) for k in range(n)]
            got = g(units, X)
            assert len(got) == n
            h = 1e-6
            up, down = (f([Unit(W + np.array([s, 0, 0]), acts[0]), *units[1:]], X) for s in (h, -h))
            close(got[0].w[0], (up - down) / (2 * h), 1e-6)

    def test_of_a_dict(self):
        k = 2.0

        def f(p, x):
            return p["f"](p["w"] * x)

        g = grad(f)
        assert g({"f": lambda t: t * 3, "w": 2.0}, 0.5) == {"f": None, "w": 1.5}
        assert g({"f": lambda t: t * k, "w": 2.0}, 0.5) == {"f": None, "w": 1.0}
        k = 5.0
        assert g({"f": lambda t: t * k, "w": 2.0}, 0.5) == {"f": None, "w": 2.5}
        assert grad(f, wrt="p.w")({"f": lambda t: t * k, "w": 2.0}, 0.5) == 2.5
