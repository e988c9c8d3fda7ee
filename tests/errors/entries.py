"""The entries of docs/errors.md, by slug.

An example is a small program that raises exactly one error; the rewrite is a program that works.  Both see the
prelude.  A rewrite ends in a call of a gradient, which is checked by differences, or asserts something itself.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENTRIES", "PENDING", "PRELUDE", "Entry"]

PRELUDE = """\
import dataclasses
import functools
import math
import numpy as np
import srcdiff
from srcdiff import checkpoint, grad, jvp, stop_gradient, vjp
"""

# slugs of parts of the language that are about to be read; no entry is written for a refusal that goes away
PENDING = {"try-star", "template"}


@dataclass(frozen=True)
class Entry:
    """One error."""

    slug: str
    means: str
    example: str
    rewrite: str


ENTRIES = [
    Entry(
        "aliasing",
        "An array is changed, and which other names or containers hold the same array is known only at run "
        "time. Whether they change with it decides what the derivative is.",
        """
def f(x, flip):
    a = x * 2.0
    b = x * 3.0
    c = a if flip > 0 else b
    c[0] = 1.0
    return np.sum(a * b * c)

grad(f)(np.array([1.0, 2.0]), 1.0)
""",
        """
def f(x, flip):
    a = x * 2.0
    b = x * 3.0
    c = a.copy() if flip > 0 else b.copy()
    c[0] = 1.0
    return np.sum(a * b * c)

grad(f)(np.array([1.0, 2.0]), 1.0)
""",
    ),
    Entry(
        "argument",
        "One of srcdiff's own functions, or a derivative, is given a thing that it cannot take: no function, a "
        "class, an array of a class other than NumPy's own.",
        """
grad(3.0)
""",
        """
def f(x):
    return 3.0 * x

grad(f)(2.0)
""",
    ),
    Entry(
        "arguments",
        "A call does not fit the signature of the function called, as Python would say when the program runs.",
        """
def area(width, height):
    return width * height

def f(x):
    return area(x)

grad(f)(2.0)
""",
        """
def area(width, height):
    return width * height

def f(x):
    return area(x, x)

grad(f)(2.0)
""",
    ),
    Entry(
        "backend",
        "A backend is asked for that there is not, or that is not installed: `pip install \"srcdiff[numba]\"`, or `\"srcdiff[cuda13]\"`.",
        """
def f(x):
    return x * x

grad(f, backend="fortran")(2.0)
""",
        """
def f(x):
    return x * x

grad(f, backend="numpy")(2.0)
""",
    ),
    Entry(
        "array-module",
        "An operation meets arrays of two modules (NumPy's and CuPy's), or one that the module of the arrays "
        "cannot do. Nothing is copied between memories unless the program says so. (The example has a stand-in "
        "for CuPy; write import cupy as cp.)",
        """
import cupy_mirror as cp

def f(x, w):
    return np.sum(x * w)

grad(f)(cp.asarray([1.0, 2.0]), np.array([3.0, 4.0]))
""",
        """
import cupy_mirror as cp

def f(x, w):
    return np.sum(x * w)

g = grad(f)(cp.asarray([1.0, 2.0]), cp.asarray([3.0, 4.0]))
assert g.tolist() == [3.0, 4.0]
""",
    ),
    Entry(
        "async",
        "Coroutines are not differentiated: the event loop decides what runs when.",
        """
async def f(x):
    return x * x

grad(f)(2.0)
""",
        """
def f(x):
    return x * x

grad(f)(2.0)
""",
    ),
    Entry(
        "attribute",
        "An attribute does not exist, or what it is cannot be told while the function is read.",
        """
def f(x):
    return math.sinn(x)

grad(f)(2.0)
""",
        """
def f(x):
    return math.sin(x)

grad(f)(2.0)
""",
    ),
    Entry(
        "attribute-write",
        "An attribute is assigned to of something that is no object of the program's own: an array, a module, a "
        "class of a library.",
        """
def f(x):
    y = x * 2.0
    y.shape = (2, 2)
    return np.sum(y[0] ** 2)

grad(f)(np.arange(4.0))
""",
        """
def f(x):
    y = x * 2.0
    y = y.reshape(2, 2)
    return np.sum(y[0] ** 2)

grad(f)(np.arange(4.0))
""",
    ),
    Entry(
        "aux",
        "With `has_aux=True` the function returns its value and something more, as a tuple of two.",
        """
def f(x):
    return x * x

grad(f, has_aux=True)(3.0)
""",
        """
def f(x):
    return x * x, {"x": x}

slope, aux = grad(f, has_aux=True)(3.0)
assert slope == 6.0
""",
    ),
    Entry(
        "blocks",
        "A derivative cannot be computed some rows at a time: something takes several rows together.",
        """
from srcdiff import in_blocks

def f(x):
    return np.sum(x / np.max(x))

g = in_blocks(grad(f), rows=100)
g(np.linspace(1.0, 2.0, 1000))
""",
        """
from srcdiff import in_blocks

def f(x, top):
    return np.sum(x / top)

g = in_blocks(grad(f), rows=100)
x = np.linspace(1.0, 2.0, 1000)
assert g(x, np.max(x)).shape == (1000,)
""",
    ),
    Entry(
        "branches",
        "The two paths of a condition leave a name, or give a value, of different structure (tuples of "
        "different length, say), or a name stands for a function that each trip of a loop makes anew.",
        """
def f(x, n):
    g = math.sin
    for _ in range(n):
        x = g(x)
        g = lambda z, x=x: math.cos(z * x)
    return x

grad(f)(2.0, 30)
""",
        """
def f(x, n):
    first, then = (lambda z, by: math.sin(z)), (lambda z, by: math.cos(z * by))
    g, before = first, x
    for _ in range(n):
        x, before = g(x, before), x
        g = then
    return x

grad(f)(2.0, 30)
""",
    ),
    Entry(
        "call",
        "Something is called, and which function it is is known only when the program runs.",
        """
def f(x, n):
    steps = []
    for i in range(n):
        steps.append(np.sin)
    for step in steps:
        x = step(x)
    return x

grad(f)(2.0, 30)
""",
        """
def f(x, steps):
    for step in steps:
        x = step(x)
    return x

grad(f)(2.0, 3 * [np.sin])
""",
    ),
    Entry(
        "changed",
        "What the function reads from outside gives another value each time that it is read, so a derivative "
        "made for one value does not hold for the next.",
        """
class Meter:
    @property
    def level(self):
        self.count = getattr(self, "count", 0) + 1
        return np.ones(2) if self.count % 2 else 1.0

class Reading:
    def __get__(self, owner, kind=None):
        return owner.meter.level

class Tank:
    level = Reading()
    meter = Meter()

tank = Tank()

def f(x):
    return np.sum(tank.level * x)

grad(f)(2.0)
""",
        """
def f(x, level):
    return np.sum(level * x)

grad(f)(2.0, 1.0)
""",
    ),
    Entry(
        "class",
        "An object is made of a class that is not made of Python's own parts: one with a metaclass or a "
        "`__new__`, or one built on a built-in class.",
        """
class Celsius(float):
    pass

def f(x):
    return Celsius(x) * 1.8 + 32.0

grad(f)(20.0)
""",
        """
@dataclasses.dataclass
class Celsius:
    degrees: float

def f(x):
    return Celsius(x).degrees * 1.8 + 32.0

grad(f)(20.0)
""",
    ),
    Entry(
        "cotangent",
        "A pullback is given a cotangent of another structure than the function's result.",
        """
y, pullback = vjp(lambda x: (x, x * x), 3.0)
pullback(1.0)
""",
        """
y, pullback = vjp(lambda x: (x, x * x), 3.0)
assert pullback((1.0, 1.0)) == (7.0,)
""",
    ),
    Entry(
        "cycle",
        "A list, dict or dataclass leads back to itself, or an object that does is needed as one value: as a result, "
        "in a loop, in a list of unknown length. Objects of ordinary classes may: they are read attribute by "
        "attribute.",
        """
class Node:
    def __init__(self, value, parent):
        self.value = value
        self.parent = parent
        self.children = []

def f(x, n):
    root = Node(x, None)
    for k in range(n):
        root.children.append(Node(x * k, root))
    return sum(c.value * c.parent.value for c in root.children)

grad(f)(2.0, 30)
""",
        """
class Node:
    def __init__(self, value, parent):
        self.value = value
        self.parent = parent

def f(x, n):
    nodes = [Node(x, 0)]
    for k in range(n):
        nodes.append(Node(x * k, 0))
    return sum(c.value * nodes[c.parent].value for c in nodes[1:])

grad(f)(2.0, 3)
""",
    ),
    Entry(
        "del",
        "Something is deleted that cannot be deleted, or of which it is not known where it is.",
        """
def f(x):
    v = x * np.ones(3)
    del v[0]
    return np.sum(v)

grad(f)(2.0)
""",
        """
def f(x):
    v = x * np.ones(3)
    return np.sum(v[1:])

grad(f)(2.0)
""",
    ),
    Entry(
        "checkpoint",
        "`checkpoint` marks a function, a block, or a loop (in its header), with an integer number of snapshots.",
        """
def f(x):
    steps = checkpoint(range(9), snapshots=3)
    for _ in steps:
        x = np.sin(x) * x
    return x

grad(f)(2.0)
""",
        """
def f(x):
    for _ in checkpoint(range(9), snapshots=3):
        x = np.sin(x) * x
    return x

grad(f)(2.0)
""",
    ),
    Entry(
        "complex",
        "A Jacobian is asked for in the mode that needs real numbers where these are complex: `jacfwd` of a complex "
        "argument, `jacrev` of a complex result.",
        """
srcdiff.jacfwd(lambda z: z * z)(np.array([1.0 + 2.0j]))
""",
        """
def f(x, y):
    z = (x + 1j * y) ** 2
    return np.concatenate([np.real(z), np.imag(z)])

in_x, in_y = srcdiff.jacfwd(f, wrt=("x", "y"))(np.array([1.0]), np.array([2.0]))
assert in_x.tolist() == [[2.0], [4.0]] and in_y.tolist() == [[-4.0], [2.0]]
""",
    ),
    Entry(
        "derivative",
        "A derivative is taken inside the function, and of which function, or at which point, cannot be told.",
        """
def f(x):
    primals = [x, 2.0]
    g = lambda a, b: a * b
    return jvp(g, primals[:1] + primals[1:], tangents(x))[1]

def tangents(x):
    return np.array([x, 1.0])

grad(f)(2.0)
""",
        """
def f(x):
    g = lambda a, b: a * b
    return jvp(g, (x, 2.0), (x, 1.0))[1]

grad(f)(2.0)
""",
    ),
    Entry(
        "dtype",
        "An array of records or of objects is made. Numbers that are put into it cannot be followed.",
        """
def f(x):
    table = np.zeros(2, dtype=[("p", float), ("q", float)])
    table["p"] = x
    return np.sum(table["p"] ** 2)

grad(f)(np.array([1.0, 2.0]))
""",
        """
def f(x):
    table = {"p": np.zeros(2), "q": np.zeros(2)}
    table["p"] = x
    return np.sum(table["p"] ** 2)

grad(f)(np.array([1.0, 2.0]))
""",
    ),
    Entry(
        "except",
        "The classes of a handler are looked up in something that is known only when the program runs.",
        """
def f(x, errors):
    try:
        return math.log(x)
    except errors[int(x > 3.0)]:
        return x * x

grad(f)(2.0, [ValueError, ZeroDivisionError])
""",
        """
def f(x):
    try:
        return math.log(x)
    except (ValueError, ZeroDivisionError):
        return x * x

grad(f)(2.0)
""",
    ),
    Entry(
        "exception-value",
        "A number that depends on the arguments is put into an exception where it is raised, and read from it "
        "where it is caught, and on its way the exception leaves a with or a finally that acts on the world, or "
        "a function that calls itself; or it is read back from the exception's text.",
        """
def f(x):
    try:
        try:
            if x > 1.0:
                raise ValueError(x * x)
            return x
        finally:
            print("done")
    except ValueError as e:
        return e.args[0] * 2.0

grad(f)(2.0)
""",
        """
def f(x):
    square = x * x
    try:
        if x > 1.0:
            raise ValueError("too large")
        return x
    except ValueError:
        return square * 2.0

grad(f)(2.0)
""",
    ),
    Entry(
        "frozen",
        "An object of a frozen dataclass is changed, which raises an error when the program runs too.",
        """
@dataclasses.dataclass(frozen=True)
class State:
    position: float

def f(x):
    state = State(x)
    state.position = x * x
    return state.position

grad(f)(2.0)
""",
        """
@dataclasses.dataclass(frozen=True)
class State:
    position: float

def f(x):
    state = State(x)
    state = dataclasses.replace(state, position=x * x)
    return state.position

grad(f)(2.0)
""",
    ),
    Entry(
        "graph",
        "A call cannot be a CUDA graph: what a graph holds is fixed, and it is run without the host. (The example "
        "has a stand-in for CuPy; write import cupy as cp.)",
        """
import cupy_mirror as cp
import mirror_graphs
from srcdiff import captured

def f(x, rate):
    return np.sum(x * x) * rate

g = captured(grad(f))
g(cp.asarray([1.0, 2.0]), 0.1)
g(cp.asarray([1.0, 2.0]), 0.2)
""",
        """
import cupy_mirror as cp
import mirror_graphs
from srcdiff import captured

def f(x, rate):
    return np.sum(x * x) * rate

g = captured(grad(f))
g(cp.asarray([1.0, 2.0]), cp.asarray(0.5))
assert g(cp.asarray([1.0, 2.0]), cp.asarray(2.0)).tolist() == [4.0, 8.0]
""",
    ),
    Entry(
        "import",
        "An import in the function is carried out when the derivative is made, and fails.",
        """
def f(x):
    from . import helpers
    return helpers.scale * x

grad(f)(2.0)
""",
        """
def f(x):
    import math as m
    return m.sin(x)

grad(f)(2.0)
""",
    ),
    Entry(
        "generator",
        "A generator is read where its values are used: the body of the loop that asks for them is read at each "
        "yield. That needs a loop, or calls of next() and send() at places known beforehand; nothing can be "
        "thrown into it.",
        """
def halvings(x):
    while True:
        yield x
        x = x * 0.5

def f(x):
    g = halvings(x)
    first = next(g)
    return first * g.throw(ValueError)

grad(f)(2.0)
""",
        """
def halvings(x):
    while True:
        yield x
        x = x * 0.5

def f(x):
    g = halvings(x)
    first = next(g)
    return first * next(g)

grad(f)(2.0)
""",
    ),
    Entry(
        "index",
        "An index is out of range; or it is known only at run time, and the elements are not of one kind.",
        """
def f(x):
    parts = (x, np.array([x, x]))
    return np.sum(parts[int(x > 1.0)])

grad(f)(2.0)
""",
        """
def f(x):
    return np.sum(np.array([x, x])) if x > 1.0 else x

grad(f)(2.0)
""",
    ),
    Entry(
        "iterate",
        "Something is looped over that cannot be, or not together with the rest of the loop.",
        """
def f(x):
    total = 0.0
    for v in x:
        total = total + v
    return total

grad(f)(np.array(2.0))
""",
        """
def f(x):
    total = 0.0
    for v in np.atleast_1d(x):
        total = total + v
    return total

grad(f)(np.array([2.0]))
""",
    ),
    Entry(
        "iterator",
        "An iterator gives its values once. How many it has given must be known when the derivative is made: it "
        "cannot be used up on one path only and looped over later, or be moved on inside a loop.",
        """
def halvings(x):
    while True:
        yield x
        x = x * 0.5

def f(x, n):
    g = halvings(x)
    total = 0.0
    for k in range(n):
        total += k * next(g)
    return total

grad(f)(2.0, 30)
""",
        """
def halvings(x):
    while True:
        yield x
        x = x * 0.5

def f(x, n):
    total = 0.0
    for k, v in zip(range(n), halvings(x)):
        total += k * v
    return total

grad(f)(2.0, 3)
""",
    ),
    Entry(
        "jacobian",
        "A Jacobian or a derivative like it is asked for of what is no number or array of known rank: a list of any "
        "length, or arguments that nothing is known of.",
        """
srcdiff.jacobian(lambda xs: [2.0 * x for x in xs])([1.0, 2.0])
""",
        """
def f(x):
    return np.array([2.0 * v for v in x])

assert srcdiff.jacobian(f)(np.array([1.0, 2.0])).tolist() == [[2.0, 0.0], [0.0, 2.0]]
""",
    ),
    Entry(
        "key",
        "A dict has no such key; or which key is meant is known only when the program runs.",
        """
def f(x):
    params = {"w": x, "b": 1.0}
    return params["weight"] * x + params["b"]

grad(f)(2.0)
""",
        """
def f(x):
    params = {"w": x, "b": 1.0}
    return params["w"] * x + params["b"]

grad(f)(2.0)
""",
    ),
    Entry(
        "match",
        "A pattern is compared with a thing of which nothing is known when the derivative is made, or "
        "asks for more fields than a class has.",
        """
def f(x, thing):
    match thing:
        case [a, b]:
            return a * x
    return x

grad(f)(2.0, range(2))
""",
        """
def f(x, thing):
    match thing:
        case [a, b]:
            return a * x
    return x

grad(f)(2.0, (3, 4))
""",
    ),
    Entry(
        "memory",
        "`memory=` (of `grad`, `vjp` and their kin, or of `checkpoint`) is no amount of memory; or it is too little for the "
        "derivative, even with all loops run again that can be; or it cannot be told ahead what the derivative takes, as "
        "the sizes of its arrays are known at run time only.",
        """
def f(x, n):
    for _ in range(n):
        x = x + 0.1 * np.sin(x)
    return np.sum(x)

grad(f, memory="10 kB")(np.linspace(0.1, 0.9, 40), 500)
""",
        """
def f(x, n):
    for _ in range(n):
        x = x + 0.1 * np.sin(x)
    return np.sum(x)

grad(f, memory="100 kB")(np.linspace(0.1, 0.9, 40), 500)
""",
    ),
    Entry(
        "method",
        "A method is called that is not known, or of an object that is not known, and a number goes into it.",
        """
def f(x):
    return np.sum(x.view(np.float64))

grad(f)(np.array([1.0, 2.0]))
""",
        """
def f(x):
    return np.sum(x.astype(np.float64))

grad(f)(np.array([1.0, 2.0]))
""",
    ),
    Entry(
        "name",
        "A name is read that nothing defines.",
        """
def f(x):
    return scale * x

grad(f)(2.0)
""",
        """
scale = 3.0

def f(x):
    return scale * x

grad(f)(2.0)
""",
    ),
    Entry(
        "no-rule",
        "A value that matters flows through a function for which there is no rule, and whose text cannot be had "
        "or read. If no derivative flows through it, it is called as it is.",
        """
import scipy.special

def f(x):
    scaled = scipy.special.kolmogorov(x)
    return scaled * x

grad(f)(2.0)
""",
        """
import scipy.special

def f(x):
    scaled = scipy.special.kolmogorov(0.5)
    return scaled * x

grad(f)(2.0)
""",
    ),
    Entry(
        "no-source",
        "The function was not made from a file, a notebook or a doctest, so there is no text to differentiate.",
        """
space = {}
exec("def line(x): return 5.0 * x", space)

grad(space["line"])(2.0)
""",
        """
import linecache

text = "def f(x): return x * x"
linecache.cache["<made>"] = (len(text), None, text.splitlines(True), "<made>")
exec(compile(text, "<made>", "exec"))

grad(f)(2.0)
""",
    ),
    Entry(
        "not-python",
        "A callable is to be differentiated that is not written in Python, and for which there is no rule.",
        """
import scipy.special

grad(scipy.special.kolmogorov)(2.0)
""",
        """
def f(x):
    return math.sin(x)

grad(f)(2.0)
""",
    ),
    Entry(
        "option",
        "A function is known, but not with this option.",
        """
def f(x):
    return np.sum(np.sqrt(x, where=x > 0.5))

grad(f)(np.array([0.3, 0.9]))
""",
        """
def f(x):
    return np.sum(np.where(x > 0.5, np.sqrt(x), 0.0))

grad(f)(np.array([0.3, 0.9]))
""",
    ),
    Entry(
        "raises",
        "Every way through the function ends in a raise, whatever the arguments are (of the kinds given).",
        """
def f(x):
    y = x * x
    raise NotImplementedError("to be done")

grad(f)(1.0)
""",
        """
def f(x):
    y = x * x
    if y < 0.0:
        raise ValueError("a square is not negative")
    return y

grad(f)(1.0)
""",
    ),
    Entry(
        "recursion",
        "A function calls itself in a way that has no end while it is read, or nests too deeply.",
        """
def f(x):
    return f(x * 0.5) + 1.0

grad(f)(2.0)
""",
        """
def f(x):
    if x < 0.1:
        return x
    return f(x * 0.5) + 1.0

grad(f)(2.0)
""",
    ),
    Entry(
        "reflection",
        "The program looks at its own names or runs text: what that does is known only when it runs.",
        """
def f(x):
    return eval("x * x")

grad(f)(2.0)
""",
        """
def f(x):
    return x * x

grad(f)(2.0)
""",
    ),
    Entry(
        "save",
        "The text of a derivative is to be saved as a module, and it needs something that no import reaches.",
        """
noise = np.frompyfunc(lambda n: n + 1, 1, 1)

def f(x, n):
    return x * noise(n)

grad(f).save("derivative.py", 2.0, 3)
""",
        """
def f(x, n):
    return x * (n + 1)

import pathlib, tempfile
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "derivative.py"
    grad(f).save(file, 2.0, 3)
    assert "def f_grad" in file.read_text()
""",
    ),
    Entry(
        "register",
        "A class is registered in a way that srcdiff cannot follow: `flatten` must return attributes as they are, and "
        "`unflatten` must do no more than set them.",
        """
class Model:
    def __init__(self, w):
        self.w = w

srcdiff.register(Model, lambda m: ((m.w * 2,), None), lambda _, children: Model(*children))

grad(lambda m: m.w**2)(Model(3.0))
""",
        """
class Model:
    def __init__(self, w):
        self.w = w

srcdiff.register(Model)

assert grad(lambda m: m.w**2)(Model(3.0)).w == 6.0
""",
    ),
    Entry(
        "rule",
        "The text of a rule does not fit its function, or takes what there is not. Its operands have the names and the "
        "order of the function's; after `*` come `out`, `out_bar`, `<operand>_dot`. Or `srcdiff.check_rule` has found that "
        "it is wrong.",
        """
def f(x, k):
    return k * x

@srcdiff.pullback(f, "x")
def rule(y, k, *, out_bar):
    return out_bar * k
""",
        """
def f(x, k):
    return k * x

@srcdiff.pullback(f, "x")
def rule(x, k, *, out_bar):
    return out_bar * k

grad(f)(2.0, 3.0)
""",
    ),
    Entry(
        "scalar",
        "A gradient is the derivative of a single real number; this function returns something else.",
        """
def f(x):
    return x * x

grad(f)(np.array([1.0, 2.0]))
""",
        """
def f(x):
    return np.sum(x * x)

grad(f)(np.array([1.0, 2.0]))
""",
    ),
    Entry(
        "set",
        "A set of numbers that depend on the arguments: which of them are equal decides what is in it, "
        "and that has no derivative.",
        """
def f(x):
    return sum({x, x * x})

grad(f)(2.0)
""",
        """
def f(x):
    return sum([x, x * x])

grad(f)(2.0)
""",
    ),
    Entry(
        "shared",
        "Two arguments share memory, and the function writes to one of them: it would change the other as well.",
        """
def f(x, y):
    x[0] = 3.0 * x[1]
    return np.sum(x * y)

a = np.array([1.0, 2.0])
grad(f)(a, a)
""",
        """
def f(x, y):
    x[0] = 3.0 * x[1]
    return np.sum(x * y)

a = np.array([1.0, 2.0])
grad(f)(a, a.copy())
""",
    ),
    Entry(
        "source-edited",
        "The file was changed after the function was imported: the text is not what is running.",
        """
import linecache

text = "def cube(x): return x * x * x"
exec(compile(text, "<edited>", "exec"))
linecache.cache["<edited>"] = (9, None, ["def cube(x): return x ** 3"], "<edited>")

grad(cube)(2.0)
""",
        """
def f(x):
    return x ** 3

grad(f)(2.0)
""",
    ),
    Entry(
        "sparse",
        "A sparse Jacobian or Hessian is taken in one real array, and must have few nonzeros.",
        """
srcdiff.sparse_hessian(lambda x: np.sum(x) ** 2)(np.ones(100_000))
""",
        """
product = srcdiff.hvp(lambda x: np.sum(x) ** 2)
assert product(np.ones(1000), np.ones(1000))[0] == 2000.0
""",
    ),
    Entry(
        "starred",
        "A sequence of unknown length is spread over the arguments of a function that takes a fixed "
        "number, or that is not written in Python.",
        """
def f(xs):
    return math.hypot(*xs)

grad(f)(np.arange(1.0, 21.0))
""",
        """
def f(xs):
    return np.sqrt(np.sum(xs**2))

grad(f)(np.arange(1.0, 21.0))
""",
    ),
    Entry(
        "store",
        "Something is written to by an index that cannot be written to, or where it is written is not known.",
        """
def f(x):
    point = (x, 1.0)
    point[0] = x * x
    return point[0]

grad(f)(2.0)
""",
        """
def f(x):
    point = [x, 1.0]
    point[0] = x * x
    return point[0]

grad(f)(2.0)
""",
    ),
    Entry(
        "super",
        "`super()` is used where there is no method around it.",
        """
def f(x):
    return super().value * x

grad(f)(2.0)
""",
        """
class Base:
    def value(self, x):
        return x * x

class Child(Base):
    def value(self, x):
        return super().value(x) + x

child = Child()

def f(x):
    return child.value(x)

grad(f)(2.0)
""",
    ),
    Entry(
        "syntax",
        "A statement or expression of the language that is not read.",
        """
def f(x):
    class Point(tuple):
        scale = 2.0

    return Point.scale * x

grad(f)(2.0)
""",
        """
class Point(tuple):
    scale = 2.0

def f(x):
    return Point.scale * x

grad(f)(2.0)
""",
    ),
    Entry(
        "tangents",
        "The tangents of `jvp` do not fit its primals: their number, shape or type.",
        """
jvp(lambda x: x * x, (np.ones(2),), (np.ones(3),))
""",
        """
y, y_dot = jvp(lambda x: x * x, (np.ones(2),), (np.ones(2),))
assert list(y_dot) == [2.0, 2.0]
""",
    ),
    Entry(
        "text",
        "A number is turned into text and back. The derivative does not pass through text, and would be lost "
        "without a word.",
        """
def f(x):
    rounded = float(f"{x:.3f}")
    return rounded * x

grad(f)(2.0)
""",
        """
def f(x):
    rounded = round(x, 3)
    return rounded * 0.0 + x * x

grad(f)(2.0)
""",
    ),
    Entry(
        "try",
        "A handler, or what comes after it, reads a variable that the body may have changed or not when the "
        "exception was raised. A statement is done or not done; this one was left in the middle.",
        """
def fill(out, x):
    out[0] = x
    out[1] = math.log(x)

def f(x):
    out = np.zeros(2)
    try:
        fill(out, x)
    except ValueError:
        return out[0]
    return x

grad(f)(2.0)
""",
        """
def f(x):
    out = np.zeros(2)
    try:
        out[0] = x
        out[1] = math.log(x)
    except ValueError:
        return out[0]
    return np.sum(out)

grad(f)(2.0)
""",
    ),
    Entry(
        "unbound",
        "A name is read that has no value yet, on this path or on any.",
        """
def f(x):
    y = y + x
    return y

grad(f)(2.0)
""",
        """
def f(x):
    y = 0.0
    y = y + x
    return y

grad(f)(2.0)
""",
    ),
    Entry(
        "unpack",
        "A tuple is unpacked into another number of names than it has parts.",
        """
def f(x):
    a, b = x, x * x, 1.0
    return a * b

grad(f)(2.0)
""",
        """
def f(x):
    a, b, _ = x, x * x, 1.0
    return a * b

grad(f)(2.0)
""",
    ),
    Entry(
        "unroll",
        "A loop over a container of unlike elements is written out, which is done up to 64 of them; nested loops up "
        "to 3000 operations.",
        """
def f(x):
    total = x
    for k in LONG:
        total = total + (k[0] * x if isinstance(k, tuple) else k)
    return total

LONG = (1.0, (2.0,)) * 33
grad(f)(2.0)
""",
        """
def f(x):
    total = x
    for k, factor in LONG:
        total = total + k * (x if factor else 1.0)
    return total

LONG = [(1.0, False), (2.0, True)] * 33
grad(f)(2.0)
""",
    ),
    Entry(
        "value",
        "A function is used where a number or an array is needed.",
        """
def f(x):
    return x * math.sin

grad(f)(2.0)
""",
        """
def f(x):
    return x * math.sin(x)

grad(f)(2.0)
""",
    ),
    Entry(
        "view",
        "Of arguments of unknown kind it cannot be told whether an element is a view or a copy. With example "
        "arguments it can.",
        """
def f(x):
    row = x[0]
    x[0] = 2.0
    return np.sum(row * x)

grad(f).source
""",
        """
def f(x):
    row = x[0]
    x[0] = 2.0
    return np.sum(row * x)

grad(f)(np.array([1.0, 2.0]))
""",
    ),
    Entry(
        "view-write",
        "An array is written to through a view whose place in the array is not followed.",
        """
def f(x):
    y = x * 2.0
    np.atleast_2d(y)[0, 0] = 2.0
    return np.sum(y)

grad(f)(np.array([1.0, 2.0]))
""",
        """
def f(x):
    y = x * 2.0
    y[0] = 2.0
    return np.sum(y)

grad(f)(np.array([1.0, 2.0]))
""",
    ),
    Entry(
        "with",
        "Something that is no manager, one that is given a number which depends on the arguments and cannot be "
        "read, or one that may hold an exception back without saying so.",
        """
import contextlib

def f(x):
    with contextlib.ExitStack() as stack:
        stack.callback(print)
        return x * x

grad(f)(2.0)
""",
        """
import contextlib

def f(x):
    y = x
    with contextlib.suppress(ValueError):
        y = math.log(x)
    return y * x

grad(f)(2.0)
""",
    ),
    Entry(
        "vmap",
        "A function cannot be called for many examples at once: an argument has no such axis, the numbers of examples "
        "differ, or a result is no array.",
        """
srcdiff.vmap(lambda x, k: k * x)(np.ones((4, 2)), 3.0)
""",
        """
got = srcdiff.vmap(lambda x, k: k * x, in_axes=(0, None))(np.ones((4, 2)), 3.0)
assert got.tolist() == [[3.0, 3.0]] * 4
""",
    ),
    Entry(
        "wrt",
        "`wrt` names what is not there, or what has no derivative: text, integers, an object.",
        """
def f(x, weight):
    return weight * x

grad(f, wrt="weights")
""",
        """
def f(weight, x):
    return weight * x

grad(f, wrt="weight")(2.0, 3.0)
""",
    ),
]
