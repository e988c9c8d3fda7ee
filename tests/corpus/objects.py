"""Objects of classes: made, changed, their methods, properties and operators, inheritance."""

import dataclasses
import enum
import functools
import math
import operator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(31)


class Vec:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, o):
        return Vec(self.x + o.x, self.y + o.y)

    def __sub__(self, o):
        return Vec(self.x - o.x, self.y - o.y)

    def __mul__(self, s):
        return Vec(self.x * s, self.y * s)

    __rmul__ = __mul__

    def __neg__(self):
        return Vec(-self.x, -self.y)

    def dot(self, o):
        return self.x * o.x + self.y * o.y

    @property
    def norm(self):
        return self.dot(self) ** 0.5

    def __getitem__(self, i):
        return (self.x, self.y)[i]

    def __len__(self):
        return 2

    def __eq__(self, o):
        return self.x == o.x and self.y == o.y


def operators(x):
    a = Vec(x, 2 * x)
    b = Vec(1.0, x * x)
    c = a + 2.0 * b - (-a)
    return c.norm + c[0] * c[1] * len(c)


def operators_by_name(x):
    a = functools.reduce(operator.add, [Vec(x, 1.0), Vec(x * x, x), Vec(1.0, x)])
    b = operator.neg(operator.mul(a, 0.5))
    ways = operator.add([x], [x * x]), operator.mul((x,), 2)
    return a.dot(b) * sum(ways[0]) + sum(ways[1]) * (operator.eq(a, b) + 1)


@dataclass
class Ball:
    centre: float
    size: float
    shine: float = 0.5

    def hit(self, o):
        d = self.size - (o - self.centre) ** 2
        return None if d < 0 else d * self.shine


def nearest_object(x, o):
    """None, or one of some objects; a tuple with it."""
    best, first, least = None, None, math.inf
    for ball in (Ball(x, 2.0), Ball(x * x, 3.0, x), Ball(9.0 * x, 1.0)):
        t = ball.hit(o)
        if t is None:
            continue
        if best is None or t < best[0]:
            best = t, ball
        if t < least:
            first, least = ball, t
    if best is None:
        return x
    t, ball = best
    return t * ball.centre * first.shine + least


class Link:
    def __init__(self, value, following=None):
        self.value = value
        self.following = following


class Chain:
    def __init__(self):
        self.head = None

    def push(self, value):
        self.head = Link(value, self.head)

    def turn(self):
        before, here = None, self.head
        while here:
            here.following, before, here = before, here, here.following
        self.head = before

    def __iter__(self):
        here = self.head
        while here is not None:
            yield here.value
            here = here.following


def chain_turned(x):
    chain = Chain()
    for v in x:
        chain.push(v * v)
    chain.turn()
    return sum((k + 1) * v for k, v in enumerate(chain)) * chain.head.following.value


def operators_loop(x, n):
    p = Vec(0.0, 0.0)
    v = Vec(1.0, x)
    for i in range(n):
        a = -p * 0.5
        v = v + a * 0.1
        p = p + v * 0.1
    return p.dot(p)


class Particle:
    def __init__(self, pos, vel, mass=1.0):
        self.pos = pos
        self.vel = vel
        self.mass = mass

    def step(self, f, dt):
        self.vel = self.vel + f / self.mass * dt
        self.pos += self.vel * dt

    @property
    def energy(self):
        return 0.5 * self.mass * self.vel**2


def attributes_changed(x, n):
    p = Particle(x, 0.5)
    for _ in range(n):
        p.step(-(p.pos**3), 0.1)
    return p.energy + p.pos


class Layer:
    def __init__(self, W, b):
        self.W = W
        self.b = b

    def __call__(self, x):
        return self.act(self.W @ x + self.b)

    def act(self, z):
        return z


class Tanh(Layer):
    def act(self, z):
        return np.tanh(super().act(z))


class Soft(Layer):
    def __init__(self, W, b, k=2.0):
        super().__init__(W, b)
        self.k = k

    def act(self, z):
        return np.log1p(np.exp(self.k * z))


class Net:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, x):
        for l in self.layers:
            x = l(x)
        return x


def layers_inherited(w):
    net = Net([Tanh(w, 0.1), Soft(w.T, 0.2)])
    return np.sum(net(np.arange(3.0)))


class Adam:
    def __init__(self, lr=0.1):
        self.lr = lr
        self.m = 0.0
        self.v = 0.0
        self.t = 0

    def step(self, g):
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.99 * self.v + 0.01 * g * g
        return -self.lr * (self.m / (1 - 0.9**self.t)) / (np.sqrt(self.v / (1 - 0.99**self.t)) + 1e-8)


def adam_object(x, n):
    opt = Adam()
    p = x
    for _ in range(n):
        p = p + opt.step(2 * p + np.sin(p))
    return p**2


@dataclass
class P:
    a: float
    b: float = 2.0
    c: list = field(default_factory=list)
    d: float = field(init=False)

    def __post_init__(self):
        self.d = self.a * self.b


def dataclass_post_init(x):
    p = P(x)
    p.c.append(x * 3)
    p.b = p.d * x
    q = dataclasses.replace(p, a=x * x)
    return p.b + p.c[0] + q.d * q.a


@dataclass(frozen=True)
class F:
    a: float
    b: float = 1.0

    def __add__(self, o):
        return F(self.a + o.a, self.b * o.b)


def dataclass_operators_loop(x, n):
    s = F(x)
    for i in range(n):
        s = s + F(x * i, x)
    return s.a * s.b


class Counter:
    total = 0.0
    scale = 3.0

    def __init__(self):
        self.items = []

    def add(self, v):
        self.items.append(v * self.scale)
        self.total += v
        return self


def fluent_methods(x):
    c = Counter().add(x).add(x * x)
    return c.total * c.items[0] + sum(c.items) + Counter.scale


model = Particle(1.5, 0.3, 2.0)


def outside_object(x):
    return model.pos * x + model.energy * x**2


def attribute_in_branch(x):
    p = Particle(x, 1.0)
    if x > 0:
        p.extra = x * 2
        p.vel = x
    else:
        p.extra = x
    return p.extra * p.vel * p.pos


def one_object_two_names(x):
    a = Particle(x, 1.0)
    b = a
    b.pos = x * x
    return a.pos * 3


class Temp:
    def __init__(self, c):
        self._c = c

    @property
    def f(self):
        return self._c * 1.8 + 32

    @f.setter
    def f(self, v):
        self._c = (v - 32) / 1.8

    @classmethod
    def make(cls, c):
        return cls(c * 2)

    @staticmethod
    def k(c):
        return c + 273.0

    @functools.cached_property
    def sq(self):
        return self._c**2


def property_setter(x):
    t = Temp.make(x)
    t.f = t.f * x
    return t._c + Temp.k(x) * t.sq + t.sq


class Color(enum.Enum):
    RED = 1
    BLUE = 2


def enum_is(x, c):
    return x * 2 if c is Color.RED else x * 3


def enum_equal(x, c):
    if c == Color.BLUE:
        return x**2
    return x


class NT(NamedTuple):
    a: float
    b: float = 2.0

    def prod(self):
        return self.a * self.b


def namedtuple_methods(x):
    t = NT(x)._replace(b=x * 3)
    return t.prod() + t._asdict()["a"]


class Acc:
    def __init__(self):
        self.buf = np.zeros(3)
        self.n = 0

    def push(self, v):
        self.buf[self.n] = v
        self.n += 1


def array_attribute(x):
    a = Acc()
    for i in range(3):
        a.push(x * i)
    return np.sum(a.buf**2)


class Node:
    def __init__(self, v, nxt=None):
        self.v = v
        self.next = nxt


def linked(x):
    head = Node(x, Node(x * x, Node(3.0)))
    return head.v * head.next.v + head.next.next.v


def set_by_name(x):
    o = Particle(x, x)
    setattr(o, "mass", x * 3)
    return o.mass * o.pos + vars(o)["vel"]


def equality_operator(x):
    return x * 2 if Vec(x, 1.0) == Vec(x, 1.0) else x


def attributes_swapped(x, n):
    a = Acc()
    a.u = np.full(3, x)
    a.v = np.ones(3)
    for i in range(n):
        a.v[:] = a.u * 0.5 + a.v
        a.u, a.v = a.v, a.u
    return np.sum(a.u * a.v**2)


def list_of_objects(x, n):
    ps = [Particle(x * (i + 1), 1.0) for i in range(n)]
    s = 0.0
    for p in ps:
        s += p.pos * p.energy
    return s


def objects_changed_in_list(x):
    ps = [Particle(x, 1.0), Particle(x * 2, x)]
    for t in range(4):
        for p in ps:
            p.step(-p.pos, 0.1)
    return sum(p.pos for p in ps)


class Kin:
    """A tree of which children know their parents."""

    def __init__(self, value, parent=None):
        self.value, self.parent, self.children = value, parent, []
        if parent is not None:
            parent.children.append(self)

    def total(self):
        own = self.value * (self.parent.value if self.parent is not None else 1.0)
        return own + sum(c.value * c.parent.value for c in self.children)


ROOT = Kin(0.7)
LEAF = Kin(1.3, Kin(1.1, ROOT))


def parents_and_children(x):
    root = Kin(x)
    a, b = Kin(np.sin(x), root), Kin(x * x, root)
    Kin(x, a)
    return root.total() + a.total() * b.parent.children[0].value


def rings(x):
    a, b = Kin(x), Kin(2.0 * x)
    a.parent, b.parent = b, a
    for _ in range(3):
        a.value = a.value * a.parent.parent.value + b.parent.parent.value
    return b.parent.value


def captured_ring(x):
    return ROOT.total() * x + LEAF.total() * LEAF.parent.parent.value * x * x


def given_ring(node, x):
    return node.total() * node.parent.parent.children[0].value * x**3


PROGRAMS = [
    Program("nearest_object", nearest_object, (1.3, 1.0)),
    Program("nearest_object_none", nearest_object, (1.3, 90.0)),
    Program("chain_turned", chain_turned, (np.array([0.3, 0.7, 1.1, 1.9]),)),
    Program("operators_by_name", operators_by_name, (0.7,)),
    Program("parents_and_children", parents_and_children, (0.7,)),
    Program("rings", rings, (0.7,)),
    Program("captured_ring", captured_ring, (0.7,)),
    Program("given_ring", given_ring, (LEAF, 0.7), wrt=(1,)),
    Program("operators", operators, (0.7,)),
    Program("operators_loop", operators_loop, (0.7, 5)),
    Program("attributes_changed", attributes_changed, (0.7, 4)),
    Program("layers_inherited", layers_inherited, (rng.normal(size=(3, 3)),)),
    Program("adam_object", adam_object, (0.7, 4)),
    Program("dataclass_post_init", dataclass_post_init, (0.7,)),
    Program("dataclass_operators_loop", dataclass_operators_loop, (0.7, 4)),
    Program("fluent_methods", fluent_methods, (0.7,)),
    Program("outside_object", outside_object, (0.7,)),
    Program("attribute_in_branch", attribute_in_branch, (0.7,)),
    Program("attribute_in_branch_else", attribute_in_branch, (-0.7,)),
    Program("one_object_two_names", one_object_two_names, (0.7,)),
    Program("property_setter", property_setter, (0.7,)),
    Program("enum_is", enum_is, (0.7, Color.RED)),
    Program("enum_equal", enum_equal, (0.7, Color.BLUE)),
    Program("namedtuple_methods", namedtuple_methods, (0.7,)),
    Program("array_attribute", array_attribute, (0.7,)),
    Program("linked_nodes", linked, (0.7,)),
    Program("setattr_vars", set_by_name, (0.7,)),
    Program("equality_operator", equality_operator, (0.7,)),
    Program("attributes_swapped", attributes_swapped, (0.7, 5)),
    Program("list_of_objects", list_of_objects, (0.7, 3)),
    Program("objects_changed_in_list", objects_changed_in_list, (0.7,)),
]
