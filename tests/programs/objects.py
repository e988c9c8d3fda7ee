"""Programs by people who think in classes: properties, inheritance, operators, units, state, registries."""

import abc
import copy
import functools
import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from programs.program import Program, adder, tree

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(82)


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...

    @property
    def equivalent_radius(self):
        return math.sqrt(self.area() / math.pi)

    def describe(self):
        return f"{type(self).__name__}"


class Disc(Shape):
    def __init__(self, r):
        self.r = r

    def area(self):
        return math.pi * self.r**2


class Rect(Shape):
    def __init__(self, w, h):
        self.w, self.h = w, h

    def area(self):
        return self.w * self.h


class Square(Rect):
    def __init__(self, side):
        super().__init__(side, side)


def shapes_abstract_base(r, w, h):
    shapes = [Disc(r), Rect(w, h), Square(0.5 * (w + h))]
    weights = {"Disc": 1.0, "Rect": 2.0, "Square": 0.5}
    return sum(weights[s.describe()] * s.equivalent_radius**3 for s in shapes)


add(
    shapes_abstract_base,
    "an abstract base class, super().__init__, a property, the class's name as a key",
    (1.2, 0.8, 1.5),
    wrt=(0, 1, 2),
    peer=True,
)


class Quantity:
    """A number with units as exponents of (m, s, kg)."""

    def __init__(self, value, units=(0, 0, 0)):
        self.value, self.units = value, units

    def __add__(self, other):
        if self.units != other.units:
            raise TypeError(f"{self.units} + {other.units}")
        return Quantity(self.value + other.value, self.units)

    def __mul__(self, other):
        if not isinstance(other, Quantity):
            return Quantity(self.value * other, self.units)
        return Quantity(self.value * other.value, tuple(a + b for a, b in zip(self.units, other.units)))

    __rmul__ = __mul__

    def __truediv__(self, other):
        return Quantity(self.value / other.value, tuple(a - b for a, b in zip(self.units, other.units)))

    def __pow__(self, n):
        return Quantity(self.value**n, tuple(n * u for u in self.units))


def units_drag_force(v, area, m):
    metre, second, kilogram = Quantity(1.0, (1, 0, 0)), Quantity(1.0, (0, 1, 0)), Quantity(1.0, (0, 0, 1))
    speed = v * metre / second
    rho = 1.2 * kilogram / metre**3
    force = 0.5 * rho * speed**2 * (area * metre**2)
    accel = force / (m * kilogram)
    energy = 0.5 * (m * kilogram) * speed**2 + force * (2.0 * metre)
    assert accel.units == (1, -2, 0)
    return energy.value + accel.value


add(
    units_drag_force,
    "numbers with units: __rmul__, isinstance, assert, raise",
    (12.0, 0.7, 3.0),
    wrt=(0, 1, 2),
    peer=True,
)


class Dual:
    """Forward mode by hand, differentiated by reverse mode."""

    def __init__(self, a, b=0.0):
        self.a, self.b = a, b

    @staticmethod
    def lift(v):
        return v if isinstance(v, Dual) else Dual(v)

    def __add__(self, o):
        o = Dual.lift(o)
        return Dual(self.a + o.a, self.b + o.b)

    __radd__ = __add__

    def __mul__(self, o):
        o = Dual.lift(o)
        return Dual(self.a * o.a, self.a * o.b + self.b * o.a)

    __rmul__ = __mul__

    def sin(self):
        return Dual(math.sin(self.a), math.cos(self.a) * self.b)


def dual_numbers_newton(x0, c):
    x = x0
    for _ in range(3):
        d = Dual(x, 1.0)
        f = d * d + 2 * d.sin() + -c
        x = x - f.a / f.b
    return x


add(
    dual_numbers_newton,
    "dual numbers with static methods inside a Newton iteration",
    (1.0, 2.5),
    wrt=(0, 1),
    peer=True,
)


@dataclass
class Layer:
    thickness: float
    conductivity: float
    children: list = field(default_factory=list)

    @functools.cached_property
    def resistance(self):
        own = self.thickness / self.conductivity
        if not self.children:
            return own
        return own + 1.0 / sum(1.0 / c.resistance for c in self.children)


def cached_property_wall(thickness, conductivity):
    wall = Layer(thickness, conductivity)
    wall.children.append(Layer(0.1, 0.5))
    wall.children.append(Layer(0.2 * thickness, conductivity**2, [Layer(0.05, 0.04)]))
    return 20.0 / wall.resistance + wall.resistance**2


add(
    cached_property_wall,
    "a dataclass with default_factory and a cached_property that recurses",
    (0.3, 0.8),
    wrt=(0, 1),
    peer=True,
)


class Tracker:
    def __init__(self):
        self.history = []
        self.best = None

    def __enter__(self):
        self.history.clear()
        return self

    def __exit__(self, *exc):
        self.best = min(self.history)
        return False

    def __call__(self, value):
        self.history.append(value)
        return value


def context_manager_tracker(x, lr):
    tracker = Tracker()
    with tracker as log:
        for _ in range(5):
            x = x - lr * 2.0 * (x - 1.0)
            log((x - 1.0) ** 2 + 0.1 * x)
    return tracker.best + len(tracker.history) * x


add(
    context_manager_tracker,
    "a class as context manager that records and sums up when it is left",
    (3.0, 0.1),
    wrt=(0, 1),
    peer=True,
)


REGISTRY = {}


def register(name):
    def wrap(cls):
        REGISTRY[name] = cls
        return cls

    return wrap


@register("linear")
class LinearSpring:
    def __init__(self, k):
        self.k = k

    def energy(self, x):
        return 0.5 * self.k * x**2


@register("duffing")
class Duffing(LinearSpring):
    def energy(self, x):
        return super().energy(x) + 0.25 * self.k * x**4


def plugin_registry(k, x, kinds=("linear", "duffing", "linear")):
    return math.prod(1.0 + REGISTRY[kind](k * (i + 1)).energy(x) for i, kind in enumerate(kinds))


add(
    plugin_registry,
    "classes registered by a decorator in a global dict, math.prod of a generator",
    (0.7, 1.1),
    wrt=(0, 1),
    peer=False,
)


class Matrix:
    """A matrix class over lists, the first thing a student writes."""

    def __init__(self, rows):
        self.rows = rows

    @property
    def shape(self):
        return len(self.rows), len(self.rows[0])

    @property
    def T(self):
        return Matrix([list(col) for col in zip(*self.rows)])

    def __getitem__(self, ij):
        i, j = ij
        return self.rows[i][j]

    def __setitem__(self, ij, v):
        i, j = ij
        self.rows[i][j] = v

    def __matmul__(self, other):
        n, m = self.shape
        p = other.shape[1]
        out = Matrix([[0.0] * p for _ in range(n)])
        for i in range(n):
            for j in range(p):
                for k in range(m):
                    out[i, j] = out[i, j] + self[i, k] * other[k, j]
        return out

    def __len__(self):
        return len(self.rows)

    def trace(self):
        return sum(self[i, i] for i in range(len(self)))


def matrix_class_student(rows):
    A = Matrix(rows)
    B = A @ A.T
    B[0, 0] = B[0, 0] + 1.0
    return (B @ B).trace()


add(
    matrix_class_student,
    "__getitem__ and __setitem__ with pairs, properties, __len__",
    ([[1.0, 0.5], [0.2, 1.5], [-0.3, 0.8]],),
    peer=True,
)


def simple_namespace_state(theta, omega):
    s = SimpleNamespace(theta=theta, omega=omega, t=0.0, energy=[])
    while s.t < 0.5:
        s.omega -= 0.1 * 9.81 * math.sin(s.theta)
        s.theta += 0.1 * s.omega
        s.t += 0.1
        s.energy.append(0.5 * s.omega**2 - 9.81 * math.cos(s.theta))
    return max(s.energy) - min(s.energy) + vars(s)["theta"]


add(
    simple_namespace_state,
    "a SimpleNamespace with numbers and a list, vars()",
    (0.5, 0.1),
    wrt=(0, 1),
    peer=True,
)


@tree
@dataclass
class Params:
    weights: np.ndarray
    bias: float
    scale: float = 1.0

    def __post_init__(self):
        self.calls = 0

    def predict(self, x):
        self.calls += 1
        return self.scale * np.tanh(x @ self.weights + self.bias)


def dataclass_params_counting(params, x, y):
    total = 0.0
    for xi, yi in zip(x, y):
        total += (params.predict(xi) - yi) ** 2
    return total / params.calls


add(
    dataclass_params_counting,
    "a dataclass argument whose method counts its calls in an attribute that is no field",
    (Params(rng.normal(size=2), 0.3, 1.1), rng.normal(size=(3, 2)), rng.normal(size=3)),
    peer=True,
)


class Account:
    interest = 0.03
    opened = 0

    def __init__(self, balance):
        self._balance = balance
        Account.opened += 1

    @property
    def balance(self):
        return self._balance

    @balance.setter
    def balance(self, value):
        if value < 0:
            raise ValueError("overdrawn")
        self._balance = value

    def accrue(self):
        self.balance *= 1 + self.interest


class Savings(Account):
    interest = 0.05

    def accrue(self):
        super().accrue()
        self.balance += 1.0


def property_setter_accounts(a, b):
    accounts = [Account(a), Savings(b)]
    for year in range(4):
        for acc in accounts:
            acc.accrue()
        accounts[0].balance, accounts[1].balance = (
            0.9 * accounts[0].balance,
            accounts[1].balance + 0.1 * accounts[0].balance,
        )
    return accounts[0].balance * accounts[1].balance / 1000.0


add(
    property_setter_accounts,
    "property setters, class attributes overridden, augmented assignment to a property",
    (50.0, 80.0),
    wrt=(0, 1),
    peer=True,
)


class Pipeline:
    def __init__(self):
        self.steps = []

    def then(self, fn, *args, **kwargs):
        self.steps.append((fn, args, kwargs))
        return self

    def run(self, x):
        for fn, args, kwargs in self.steps:
            x = fn(x, *args, **kwargs)
        return x


def fluent_pipeline(x, gain, offset):
    shift = lambda v, by=0.0: v + by
    p = Pipeline().then(np.multiply, gain).then(shift, by=offset).then(np.tanh).then(np.power, 2)
    return np.sum(p.run(x)) + np.sum(p.run(0.5 * x))


add(
    fluent_pipeline,
    "methods that return self, functions kept with their arguments",
    (rng.normal(size=3), 1.3, 0.2),
    wrt=(0, 1, 2),
    peer=True,
)


def deepcopy_perturbation(model):
    """Finite differences by hand over a copied nested structure, as in a unit test."""

    def loss(m):
        return sum(w**3 for w in m["layers"][0]) + m["bias"] * m["layers"][1][0]

    eps = 1e-3
    total = 0.0
    for i in range(2):
        plus = copy.deepcopy(model)
        plus["layers"][0][i] += eps
        total += (loss(plus) - loss(model)) / eps
    return total


add(
    deepcopy_perturbation,
    "copy.deepcopy of nested dicts and lists, an element changed",
    ({"layers": [[0.5, 1.2], [0.7]], "bias": 0.3},),
    tolerance=1e-6,
    peer=True,
)
