"""Classes defined in the function: their methods are closures."""

from dataclasses import dataclass

import numpy as np

from corpus.program import Program


def operators_and_properties(x, y):
    class Vector:
        """Two numbers."""

        scale = 2.0

        def __init__(self, a, b):
            self.a, self.b = a, b

        def __add__(self, other):
            return Vector(self.a + other.a, self.b + other.b)

        def __mul__(self, factor):
            return Vector(self.a * factor, self.b * factor)

        __rmul__ = __mul__

        @property
        def length2(self):
            return (self.a**2 + self.b**2) * self.scale + y

    v = Vector(x, y)
    w = 2.0 * v + v * y
    return w.length2 * v.a


def a_base_and_super(x, y):
    class Base:
        def value(self):
            return x

    class Child(Base):
        def value(self):
            return super().value() * y

    return Child().value() + (1.0 if isinstance(Child(), Base) else 5.0) * x


def a_dataclass(x, y):
    @dataclass
    class Spring:
        k: float
        rest: float = y

        def energy(self, z):
            return 0.5 * self.k * (z - self.rest) ** 2

    return Spring(x).energy(2.0) + Spring(y, x).energy(x * y)


def class_and_static_methods(x, y):
    class Account:
        total = 0.0

        @classmethod
        def add(cls, v):
            cls.total += v

        @staticmethod
        def weigh(v):
            return v * y

    for k in range(3):
        Account.add(Account.weigh(x) * k)
    return Account.total**2


def made_by_a_function(x, y):
    def make(k):
        class Line:
            def __call__(self, z):
                return z * k + y

        return Line()

    first, second = make(x), make(y)
    return first(x) * second(2.0)


def an_exception(x, y):
    class OutOfRange(Exception):
        def __init__(self, value):
            self.value = value

    try:
        if x < y:
            raise OutOfRange(x * y)
        return x
    except OutOfRange as e:
        return e.value**2


def a_linked_list(x, y):
    class Node:
        def __init__(self, v, after=None):
            self.v, self.after = v, after

    node = Node(x, Node(y, Node(x * y)))
    total = 0.0
    while node is not None:
        total = total * x + node.v**2
        node = node.after
    return total


def a_walker(x, y, n):
    class Walker:
        step = 0.1

        def __init__(self, p):
            self.p, self.v = p, y

        def move(self):
            self.v -= self.step * self.p
            self.p += self.step * self.v
            return self

    w = Walker(x)
    for _ in range(n):
        w.move()
    return w.move().p * w.v


def special_methods(x, y):
    class Box:
        @property
        def v(self):
            return self._v

        @v.setter
        def v(self, z):
            self._v = z * y

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return False

        def __iter__(self):
            for k in range(3):
                yield self._v * k

        def __getitem__(self, i):
            return self._v + i

        def __len__(self):
            return 3

    box = Box()
    box.v = x
    with box as inside:
        total = inside.v * inside[2] * len(inside)
    return total + sum(box)


def one_of_two(x, y):
    class Low:
        def value(self):
            return x

    if x > 1.0:

        class Chosen(Low):
            def value(self):
                return super().value() * y

    else:

        class Chosen(Low):
            def value(self):
                return np.sin(super().value()) + y

    return Chosen().value()


BOTH = (
    operators_and_properties, a_base_and_super, a_dataclass, class_and_static_methods, made_by_a_function,
    an_exception, a_linked_list, special_methods, one_of_two,
)  # fmt: skip

PROGRAMS = [
    *(Program(f"local_{f.__name__}", f, (0.7, 1.3), wrt=(0, 1)) for f in BOTH),
    Program("local_a_walker", a_walker, (0.7, 1.3, 4), wrt=(0, 1)),
]
