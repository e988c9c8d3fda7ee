"""What crosses the border: registered classes and namespaces as arguments, rules of the user."""

import functools
import math
from types import SimpleNamespace

import numpy as np
import optree

import srcdiff
from corpus.program import Program

rng = np.random.default_rng(12)
A = rng.normal(size=(3, 3)) + 3 * np.eye(3)
B = rng.normal(size=3)
X = rng.normal(size=4)


def seen_by_tests(cls, names, make):
    """Lets the tests' numeric helpers look into a class."""
    optree.register_pytree_node(
        cls,
        lambda m: ([getattr(m, n) for n in names], None, names),
        lambda _, children: make(**dict(zip(names, children))),
        namespace="corpus",
    )


# ---- objects ---------------------------------------------------------------------------------------------


@srcdiff.register
class Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def __call__(self, x):
        return np.tanh(self.W @ x + self.b)

    @property
    def size(self):
        return np.sum(self.W**2) + np.sum(self.b**2)


@srcdiff.register(static=["act"])
class Gate:
    __slots__ = ("act", "k")

    def __init__(self, k, act=math.sin):
        self.k, self.act = k, act


seen_by_tests(Dense, ["W", "b"], Dense)
seen_by_tests(Gate, ["k"], Gate)
seen_by_tests(SimpleNamespace, ["mass", "at"], SimpleNamespace)


def registered_layer(layer, x):
    return np.sum(layer(x) ** 2) + 0.1 * layer.size


def registered_layers(layers, x):
    for layer in layers:
        x = layer(x) + x
    return np.sum(x**2)


def registered_and_changed(layer, x):
    layer.b = layer.b * 2.0
    layer.W[0] = layer.b
    return np.sum(layer(x) * layer.W[1])


def registered_with_static(gate, x):
    y = x
    for _ in range(3):
        y = gate.act(gate.k * y) + x
    return y * gate.k


def namespace_of_bodies(body):
    r = np.sqrt(np.sum(body.at**2))
    return body.mass / r + body.mass**2


def part_of_a_result(layer, x):
    new = Dense(layer.W * x[0], layer.b + x)
    return np.sum(new(x)) + new.size


# ---- rules -----------------------------------------------------------------------------------------------


def softened(x):
    return np.sqrt(x * x + 0.01)


@srcdiff.elementwise(softened)
def softened_rule(x, *, out):
    return x / out


def solved(a, b):
    return np.linalg.solve(a, b)


@srcdiff.differential(solved)
def solved_rule(a, b, *, out, a_dot, b_dot):
    return np.linalg.solve(a, b_dot - a_dot @ out)


def rooted(a):
    x = 1.0
    while abs(x * x * x - a) > 1e-13 * abs(a):
        x = x - (x * x * x - a) / (3.0 * x * x)
    return x


@srcdiff.pullback(rooted, "a")
def rooted_rule(a, *, out, out_bar):
    return out_bar / (3.0 * out**2)


def scaled(x, k):
    return np.exp(x) * k


def scaled_saving(x, k):
    e = np.exp(x)
    return e * k, (e, k)


@srcdiff.pullback(scaled, "x", "k", forward=scaled_saving)
def scaled_rule(x, k, *, saved, out_bar):
    e, k0 = saved
    return out_bar * e * k0, np.sum(out_bar * e)


def smoothed(x, taps):
    return np.convolve(x, taps, mode="same")


@srcdiff.linear(smoothed, "x")
def smoothed_rule(x, taps, *, out_bar):
    return smoothed(out_bar, taps[::-1])


def elementwise_rule(x):
    return np.sum(softened(x) * softened(x + 1.0))


def rule_in_a_loop(x):
    for k in range(4):
        x = softened(x - 0.3 * k) * 0.9
    return np.sum(x)


def rule_from_a_differential(a, b):
    y = solved(a, b)
    return np.sum(y**2) + y[0] * np.sum(solved(a.T, y))


def differential_in_a_loop(a, b):
    for _ in range(3):
        b = solved(a, b) + 0.1 * b
    return b @ b


def rule_from_a_pullback(a):
    return rooted(a) * a + rooted(a * a)


def pullback_in_a_branch(a):
    return rooted(a) if a > 1.0 else a


def rule_that_saves(x, k):
    return np.sum(scaled(x, k) ** 2)


def saving_in_a_loop(x, k):
    total = 0.0
    for i in range(3):
        x = scaled(0.1 * x, k) - x
        total = total + np.sum(x) * (i + 1)
    return total


def saving_in_a_branch(x, k):
    y = scaled(x, k) if k > 1.0 else x * k
    return np.sum(y * x)


def linear_rule(x):
    taps = np.array([0.2, 0.5, 0.1])
    return np.sum(smoothed(smoothed(x, taps) ** 2, taps) * x)


def rules_of_partials(x, k):
    f = functools.partial(scaled, k=k)
    return np.sum(f(x)) + np.sum(f(2.0 * x))


W = rng.normal(size=(3, 3))
PROGRAMS = [
    Program("registered_layer", registered_layer, (Dense(W, B), B), (0, 1)),
    Program("registered_layers", registered_layers, ([Dense(W, B), Dense(0.5 * W, -B)], B), (0, 1)),
    Program("registered_and_changed", registered_and_changed, (Dense(W.copy(), B + 1.0), B), (0, 1)),
    Program("registered_with_static", registered_with_static, (Gate(0.7), 0.4), (1,)),
    Program("namespace_of_bodies", namespace_of_bodies, (SimpleNamespace(mass=2.0, at=B),)),
    Program("part_of_a_result", part_of_a_result, (Dense(W, B), B), (0, 1)),
    Program("elementwise_rule", elementwise_rule, (X,)),
    Program("rule_in_a_loop", rule_in_a_loop, (X,)),
    Program("rule_from_a_differential", rule_from_a_differential, (A, B), (0, 1)),
    Program("differential_in_a_loop", differential_in_a_loop, (A, B), (0, 1)),
    Program("rule_from_a_pullback", rule_from_a_pullback, (5.0,)),
    Program("pullback_in_a_branch", pullback_in_a_branch, (5.0,)),
    Program("pullback_in_the_other_branch", pullback_in_a_branch, (0.5,)),
    Program("rule_that_saves", rule_that_saves, (X, 1.5), (0, 1)),
    Program("saving_in_a_loop", saving_in_a_loop, (X, 1.5), (0, 1)),
    Program("saving_in_a_branch", saving_in_a_branch, (X, 1.5), (0, 1)),
    Program("saving_in_the_other_branch", saving_in_a_branch, (X, 0.5), (0, 1)),
    Program("linear_rule", linear_rule, (X,)),
    Program("rules_of_partials", rules_of_partials, (X, 1.5), (0, 1)),
]
