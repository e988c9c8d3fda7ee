"""``wrt``: arguments, their parts, captured variables, attributes of objects, variables of helpers."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections import namedtuple
from functools import partial
from typing import Any

import numpy as np
import pytest

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
GRAVITY = 9.81
SCALE = 2.0
Pair = namedtuple("Pair", "a b")


def close(a: Any, b: Any, tolerance: float = 1e-9) -> None:
    """Equal in structure and numbers."""
    if isinstance(b, dict):
        assert isinstance(a, dict) and list(a) == list(b)
        for k in b:
            close(a[k], b[k], tolerance)
    elif isinstance(b, (tuple, list)):
        assert type(a) is type(b) and len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            close(x, y, tolerance)
    elif b is None:
        assert a is None
    else:
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def refused(call: Any, kind: type[SrcdiffError], *words: str) -> str:
    """The text of a refusal, which says what to do."""
    with pytest.raises(kind) as e:
        call()
    assert all(p.help for p in e.value.problems)
    for word in words:
        assert word in str(e.value), str(e.value)
    return str(e.value)


# ---- parts of arguments ----------------------------------------------------------------------------------


def net(params, x):
    h = np.tanh(params["w"] * x + params["b"])
    return np.sum(h * params["layers"][1]["v"]) * params["layers"][0]["v"][0]


def net_params() -> dict[str, Any]:
    return {"w": W, "b": 0.5, "layers": [{"v": X + 1}, {"v": X * 2}], "name": "net", "n": 3}


class TestParts:
    @pytest.mark.parametrize(
        "wrt",
        [
            "params.w", "params['w']", 'params["w"]', "params.b", "params.layers[1].v",
            "params.layers.0['v']",
            "params.layers[-1].v", "params.layers", "params.layers[1]", " params . w ", "params.layers.0.v",
        ],
    )  # fmt: skip
    def test_of_a_dict(self, wrt):
        p = net_params()
        whole = grad(net)(p, X)
        keys = eval("lambda params: params" + {
            "params.w": "['w']", "params['w']": "['w']", 'params["w"]': "['w']", "params.b": "['b']",
            "params.layers[1].v": "['layers'][1]['v']", "params.layers.0['v']": "['layers'][0]['v']",
            "params.layers[-1].v": "['layers'][1]['v']", "params.layers": "['layers']",
            "params.layers[1]": "['layers'][1]", " params . w ": "['w']",
            "params.layers.0.v": "['layers'][0]['v']",
        }[wrt])  # fmt: skip
        expected = keys(whole)
        close(grad(net, wrt=wrt)(p, X), expected)
        close(value_and_grad(net, wrt=wrt)(p, X), (net(p, X), expected))
        y, back = vjp(net, p, X, wrt=wrt)
        close(y, net(p, X))
        close(back(1.0), (None, None, expected))

    def test_several_mixed_with_positions(self):
        p = net_params()
        whole, x_bar = grad(net, wrt=("params", "x"))(p, X)
        got = grad(net, wrt=("params.b", 1, "params.layers[0]"))(p, X)
        close(got, (whole["b"], x_bar, whole["layers"][0]))

    def test_jvp(self):
        p = net_params()
        g = grad(net, wrt="params.w")(p, X)
        y, dot = jvp(net, (p, X), X, wrt="params.w")
        close(y, net(p, X))
        close(dot, g @ X)
        both = jvp(net, (p, X), (X, 2.0), wrt=("params.w", "params.b"))[1]
        close(both, g @ X + 2.0 * grad(net, wrt="params.b")(p, X))
        refused(
            lambda: jvp(net, (p, X), X, wrt=("params.w", "params.b")), DerivativeValueError, "one tangent"
        )
        refused(lambda: jvp(net, (p, X), np.ones(2), wrt="params.w"), DerivativeValueError, "shape")

    def test_second_order(self):
        def f(p, x):
            return np.sum(p["w"] ** 3 * x) * p["b"]

        p = {"w": W, "b": 2.0}
        close(grad(grad(f, wrt="p.b"), wrt="p.w")(p, X), 3 * W**2 * X)
        close(grad(grad(f, wrt="p.b"), wrt="p.b")(p, X), 0.0)
        hv = jvp(grad(f, wrt="p.w"), (p, X), X, wrt="p.w")[1]
        close(hv, 6 * W * X * X * 2.0)

    def test_lists_of_any_length(self):
        def f(ws, x):
            for w in ws:
                x = np.tanh(w * x)
            return np.sum(x)

        g = grad(f, wrt="ws[1]")
        for n in (2, 3, 5, 2):
            ws = [W * (k + 1) for k in range(n)]
            close(g(ws, X), grad(f)(ws, X)[1])
        refused(lambda: g([W], X), DerivativeValueError, "has no element 1", "ws[0]")

    def test_the_same_list_in_the_whole_argument(self):
        def f(ws):
            total = 0.0
            for i in range(len(ws)):
                total = total + ws[i] ** (i + 1)
            return total + sum(ws)

        close(grad(f, wrt="ws[2]")([2.0, 3.0, 4.0]), 1 + 3 * 16.0)

    def test_namedtuples_and_dataclasses(self):
        @dataclasses.dataclass
        class Body:
            mass: float
            at: Any
            name: str = "body"

        def energy(body, pair):
            return body.mass * np.sum(body.at**2) * pair.a + pair.b[0] * pair.b[1]

        body, pair = Body(2.0, X), Pair(3.0, (4.0, 5.0))
        close(grad(energy, wrt="body.at")(body, pair), 2 * 2.0 * X * 3.0)
        close(grad(energy, wrt="body.mass")(body, pair), 3.0 * np.sum(X**2))
        close(grad(energy, wrt="pair.b")(body, pair), (5.0, 4.0))
        close(grad(energy, wrt="pair.b[0]")(body, pair), 5.0)
        close(grad(energy, wrt="pair[0]")(body, pair), 2.0 * np.sum(X**2))

    def test_written_in_place(self):
        def f(p):
            p["u"][0] = p["u"][1] * p["v"][0]
            p["u"] *= 2.0
            return np.sum(p["u"] ** 2)

        p = {"u": X.copy(), "v": W.copy()}
        whole = grad(f)(p)
        close(grad(f, wrt="p.u")(p), whole["u"])
        close(grad(f, wrt="p.v")(p), whole["v"])
        close(p["u"], X)

    def test_an_integer_counts_as_a_real_number(self):
        assert grad(lambda p: p["n"] ** 2 * p["w"], wrt="p.n")({"n": 3, "w": 2.0}) == 12.0

    def test_text(self):
        text = source(grad(lambda p, x: np.sum(p["w"] ** 2 * x), wrt="p.w"), {"w": W, "b": 1.0}, X)
        assert 'p["w"]' in text or "p['w']" in text
        assert "def f_grad(p, x):" in text
        namespace: dict[str, Any] = {}
        exec(text, namespace)
        close(namespace["f_grad"]({"w": W, "b": 1.0}, X), 2 * W * X)

    def test_star_arguments(self):
        assert grad(lambda *xs: xs[0] * xs[1] ** 2, wrt="xs[1]")(3.0, 2.0) == 12.0
        assert grad(lambda **o: o["a"] * o["b"] ** 2, wrt="o.b")(a=3.0, b=2.0) == 12.0

    def test_refused(self):
        p = net_params()
        refused(
            lambda: grad(net, wrt="params.z")(p, X), DerivativeValueError, "params has no 'z'", "params.w"
        )
        refused(lambda: grad(net, wrt="params.layers[7]")(p, X), DerivativeValueError, "params.layers[0]")
        refused(lambda: grad(net, wrt="params.name")(p, X), DerivativeTypeError, "'params.name' is a str")
        refused(lambda: grad(net, wrt="params..w"), DerivativeValueError, "is not a name")
        refused(lambda: grad(net, wrt="params[w]"), DerivativeValueError, "is not a name")
        refused(lambda: grad(net, wrt="other.w"), DerivativeValueError, "no argument 'other'", "params, x")
        refused(lambda: grad(net, wrt=("params", "params.w")), DerivativeValueError, "part of 'params'")
        refused(lambda: grad(net, wrt=("params.w", "params.w")), DerivativeValueError, "twice")
        refused(lambda: grad(net, wrt="params.w").source, DerivativeValueError, "example arguments")


# ---- what is captured ------------------------------------------------------------------------------------


def fall(t):
    return 0.5 * GRAVITY * t**2


def scaled(x):
    return SCALE * x


def uses_helper(x):
    return scaled(x) * SCALE


def only_helper(x):
    return scaled(x) ** 2


def inner_function(x):
    def g(y):
        return y * GRAVITY

    return g(x) + sum(GRAVITY * k for k in (1.0, 2.0))


class TestCaptured:
    def test_global(self):
        assert grad(fall, wrt="GRAVITY")(2.0) == 2.0
        assert value_and_grad(fall, wrt=("GRAVITY", "t"))(2.0) == (2 * 9.81, (2.0, 2 * 9.81))
        assert vjp(fall, 2.0, wrt="GRAVITY")[1](3.0) == (None, 6.0)
        assert jvp(fall, (2.0,), 5.0, wrt="GRAVITY") == (2 * 9.81, 10.0)

    def test_read_within_a_function_within(self):
        close(grad(inner_function, wrt="GRAVITY")(4.0), 7.0)

    def test_global_read_by_the_function_and_its_helper(self):
        assert grad(uses_helper, wrt="SCALE")(3.0) == 2 * 2.0 * 3.0

    def test_global_read_by_a_helper_alone(self):
        assert grad(only_helper, wrt="SCALE")(3.0) == 2 * 2.0 * 9.0
        assert grad(only_helper, wrt="scaled.SCALE")(3.0) == 2 * 2.0 * 9.0

    def test_variables_of_helpers(self):
        def make(k):
            def h(y, c=2.0, d=np.array([1.0, 2.0])):  # noqa: B008
                return k * y * c * np.sum(d)

            return h

        first, second = make(3.0), make(5.0)

        def f(x):
            return first(x) + second(x)

        assert grad(f, wrt="first.k")(2.0) == 2.0 * 2.0 * 3.0
        assert grad(f, wrt=("first.k", "second.k"))(2.0) == (12.0, 12.0)
        assert grad(f, wrt="first.c")(2.0) == 3.0 * 2.0 * 3.0
        close(grad(f, wrt="second.d")(2.0), np.full(2, 5.0 * 2.0 * 2.0))
        refused(lambda: grad(f, wrt="k"), DerivativeValueError, "first.k", "second.k", "say which")

    def test_one_cell_shared(self):
        k = 3.0

        def h(y):
            return k * y

        def f(x):
            return h(x) * k

        assert grad(f, wrt="k")(2.0) == 12.0
        assert grad(f, wrt="h.k")(2.0) == 12.0
        assert grad(lambda x: h(x), wrt="k")(2.0) == 2.0

    def test_functions_made_anew_keep_their_variables_apart(self):
        def make(same):
            k = 3.0

            def other():
                k = 3.0
                return lambda y: k * y

            h = (lambda y: k * y) if same else other()
            return (lambda x: h(x) * k), h

        for same, expected in ((True, 12.0), (False, 6.0), (True, 12.0)):
            f, _ = make(same)
            assert grad(f, wrt="k")(2.0) == expected

    def test_twins_that_part(self):
        cells = {}

        def make():
            k = 3.0
            cells["h"] = lambda y: k * y

            def f(h, x):
                return h(x) * k

            return f

        f = make()
        g = grad(f, wrt="k")
        own = cells["h"]
        make()
        foreign = cells["h"]
        for _ in range(2):
            assert g(own, 2.0) == 12.0
            assert g(foreign, 2.0) == 6.0

    def test_module(self):
        module = types.ModuleType("constants_for_wrt")
        module.g = 3.0
        sys.modules[module.__name__] = module
        import constants_for_wrt as constants

        assert grad(lambda x: constants.g * x * x, wrt="constants.g")(2.0) == 4.0

    def test_parts_of_what_is_captured(self):
        params = {"w": W, "layers": [1.0, 2.0, 3.0], "n": 2}

        def f(x):
            total = np.sum(params["w"] * x)
            for v in params["layers"]:
                total = total * v
            return total * params["n"]

        s = float(np.sum(W * X)) * 2
        close(grad(f, wrt="params.w")(X), X * 12.0)
        close(grad(f, wrt="params.layers[1]")(X), 3.0 * s)
        close(grad(f, wrt="params.layers")(X), [6.0 * s, 3.0 * s, 2.0 * s])
        close(grad(f, wrt="params.n")(X), 6.0 * s / 2)
        params["layers"].append(10.0)
        close(grad(f, wrt="params.layers[1]")(X), 30.0 * s)

    def test_unread_is_zero(self):
        w = 3.0

        def f(x, use=True):
            return x * w if use else x

        assert grad(f, wrt="w")(2.0) == 2.0
        assert grad(f, wrt="w")(2.0, False) == 0.0

    def test_class_attribute(self):
        class Config:
            rate = 0.5

        assert grad(lambda x: Config.rate * x * x, wrt="Config.rate")(2.0) == 4.0

    def test_refused(self):
        word = "text"
        f = lambda x: x * len(word)  # noqa: E731
        refused(lambda: grad(f, wrt="word")(1.0), DerivativeTypeError, "'word' is a str")
        refused(lambda: grad(f, wrt="nothing"), DerivativeValueError, "reads no variable", "it reads word")
        refused(lambda: grad(only_helper, wrt="scaled.z")(1.0), DerivativeValueError, "scaled.SCALE")
        refused(
            lambda: grad(only_helper, wrt="scaled")(1.0), DerivativeTypeError, "a function", "scaled.SCALE"
        )


# ---- attributes of objects -------------------------------------------------------------------------------


class Layer:
    def __init__(self, w, b=0.0):
        self.w, self.b = w, b

    def __call__(self, x):
        return np.tanh(self.w * x + self.b)


class Net:
    rate = 2.0

    def __init__(self):
        self.layers = [Layer(W, 0.1), Layer(2 * W, 0.2)]
        self.gain = 1.5
        self.name = "net"

    def loss(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.gain * np.sum(x) * self.rate

    def twice(self, x):
        return self.loss(x) * self.gain

    def __call__(self, x):
        return self.gain * np.sum(x)


def numeric(f: Any, obj: Any, name: str) -> Any:
    """Central differences of ``f()`` in an attribute."""
    old = getattr(obj, name)
    out = np.zeros(np.shape(old))
    for i in np.ndindex(out.shape):
        for sign in (1, -1):
            new = np.array(old, float)
            new[i] += sign * 1e-6
            setattr(obj, name, new if np.ndim(old) else float(new))
            out[i] += sign * f() / 2e-6
    setattr(obj, name, old)
    return out if out.ndim else float(out)


class TestObjects:
    def test_methods(self):
        m = Net()
        for name in ("w", "b"):
            for k in (0, 1):
                layer = m.layers[k]
                expected = numeric(partial(m.twice, X), layer, name)
                close(grad(m.twice, wrt=f"self.layers[{k}].{name}")(X), expected, 1e-6)
        close(grad(m.twice, wrt="self.gain")(X), 2 * m.loss(X))
        close(grad(m.twice, wrt=("self.gain", "x"))(X)[0], 2 * m.loss(X))

    def test_read_at_each_call(self):
        m = Net()
        g = grad(m.loss, wrt="self.gain")
        close(g(X), m.loss(X) / 1.5)
        m.layers[0].w = 3 * W
        close(g(X), m.loss(X) / 1.5)
        m.layers.append(Layer(-W))
        close(g(X), m.loss(X) / 1.5)
        m.layers = m.layers[:1]
        close(g(X), m.loss(X) / 1.5)

    def test_callable_objects(self):
        m = Net()
        close(grad(m, wrt="self.gain")(X), float(np.sum(X)))

    def test_as_arguments(self):
        def f(m, x):
            return m.loss(x) * m.layers[0].b

        m = Net()
        close(grad(f, wrt="m.gain")(m, X), m.loss(X) * 0.1 / 1.5)
        expected = numeric(partial(f, m, X), m.layers[0], "b")
        close(grad(f, wrt="m.layers[0].b")(m, X), expected, 1e-6)
        close(vjp(f, m, X, wrt="m.gain")[1](1.0), (None, None, m.loss(X) * 0.1 / 1.5))
        close(grad(f, wrt="x")(m, X).shape, (3,))
        other = Net()
        other.layers = [Layer(W)]
        close(grad(f, wrt="m.gain")(other, X), 0.0)

    def test_lists_of_objects_as_arguments(self):
        def f(layers, x):
            for layer in layers:
                x = layer(x)
            return np.sum(x)

        g = grad(f, wrt="layers[0].w")
        for n in (1, 2, 3, 1):
            layers = [Layer(W * (k + 1), 0.1) for k in range(n)]
            expected = numeric(partial(f, layers, X), layers[0], "w")
            close(g(layers, X), expected, 1e-6)

    def test_one_object_in_two_places(self):
        layer = Layer(W, 0.1)

        def f(layers, x):
            for each in layers:
                x = each(x)
            return np.sum(x)

        g = grad(f, wrt="layers[0].w")
        shared, apart = [layer, layer], [layer, Layer(W, 0.1)]
        for layers in (shared, apart, shared):
            expected = numeric(partial(f, layers, X), layer, "w")
            close(g(layers, X), expected, 1e-6)

    def test_class_attribute_read_through_an_object(self):
        m = Net()
        close(grad(m.loss, wrt="self.rate")(X), m.loss(X) / 2.0)
        close(grad(lambda x: m.loss(x) * Net.rate, wrt="Net.rate")(X), m.loss(X) * 2)

    def test_slots(self):
        class Slotted:
            __slots__ = ("a", "b")

            def __init__(self):
                self.a, self.b = 2.0, 3.0

        m = Slotted()
        assert grad(lambda x: m.a * m.b * x, wrt="m.a")(5.0) == 15.0

    def test_refused(self):
        m = Net()
        refused(
            lambda: grad(m.loss, wrt="self")(X),
            DerivativeTypeError,
            "class Net",
            "self.gain",
            "srcdiff.register",
        )
        refused(
            lambda: grad(m.loss, wrt="self.weights")(X),
            DerivativeValueError,
            "self has no 'weights'",
            "self.gain",
        )
        refused(lambda: grad(m.loss, wrt="self.name")(X), DerivativeTypeError, "'self.name' is a str")
        refused(
            lambda: grad(m.loss, wrt="self.layers[0]")(X),
            DerivativeTypeError,
            "class Layer",
            "self.layers[0].w",
        )
        refused(lambda: grad(lambda m, x: m.gain * x)(m, 1.0), DerivativeTypeError, "class Net", "m.gain")

        class Computed:
            def __init__(self):
                self.r = 2.0

            @property
            def area(self):
                return self.r**2

        c = Computed()
        refused(lambda: grad(lambda x: c.area * x, wrt="c.area")(1.0), DerivativeTypeError, "computed")


# ---- nothing is missed -----------------------------------------------------------------------------------


class Gauge:
    """Its values are reached in every way that a class offers."""

    def __init__(self):
        self.r, self.k, self.table = 2.0, 3.0, {"a": 1.5}

    @property
    def area(self):
        return self.r**2

    def __getitem__(self, key):
        return self.table[key] * self.r

    def __getattr__(self, name):
        if name == "dynamic":
            return self.r * 7
        raise AttributeError(name)

    def __add__(self, other):
        return self.r + other

    def __float__(self):
        return self.r

    def __call__(self, x):
        return self.r * x

    def change(self, x):
        self.r = self.r * x
        self.k += self.r
        return self.r * self.k


gauge = Gauge()
HELD = {"g": gauge, "n": 2}


def integrand(z):
    return GRAVITY * z


class TestNothingIsMissed:
    @pytest.mark.parametrize(
        "f",
        [
            lambda x: gauge.area * x,
            lambda x: gauge["a"] * x,
            lambda x: gauge.dynamic * x,
            lambda x: (gauge + 1.0) * x,
            lambda x: float(gauge) * x,
            lambda x: gauge(x),
            lambda x: sum(map(gauge, [x, 2 * x])),
            lambda x: vars(gauge)["r"] * x,
            lambda x: HELD["g"].r * x * gauge.r,
            lambda x: grad(lambda y: gauge.r * y * y)(x),
            lambda x: gauge.change(x),
            lambda x: (lambda m: m(x))(gauge.change),
        ],
    )
    def test_ways_through_an_object(self, f):
        def fresh():
            gauge.__init__()
            got = f(1.3)
            gauge.__init__()
            return got

        def at(r):
            Gauge.__init__(gauge)
            gauge.r = r
            got = f(1.3)
            Gauge.__init__(gauge)
            return got

        expected = (at(2.0 + 1e-6) - at(2.0 - 1e-6)) / 2e-6
        close(grad(f, wrt="gauge.r")(1.3), expected, 1e-6)
        assert gauge.r == 2.0
        y, dot = jvp(f, (1.3,), 2.0, wrt="gauge.r")
        close(y, fresh())
        close(dot, 2 * expected, 1e-6)

    def test_through_an_integral(self):
        integrate = pytest.importorskip("scipy.integrate")

        def f(x):
            return integrate.quad(integrand, 0.0, 2.0)[0] * x

        assert grad(f, wrt="integrand.GRAVITY")(1.5) == pytest.approx(3.0)

    def test_what_is_not_followed_is_refused(self):
        integrate = pytest.importorskip("scipy.integrate")

        def f(x):
            return integrate.nquad(integrand, [(0.0, 2.0)])[0] * x

        refused(lambda: grad(f, wrt="integrand.GRAVITY")(1.0), SrcdiffError, "nquad")
        refused(
            lambda: grad(lambda x: hash(gauge) * x + gauge.r, wrt="gauge.r")(1.0), SrcdiffError, "as a whole"
        )
