"""Python's grammar, feature by feature: a small program for each, and whether it works or how it is refused.

`docs/language.md` is made from this table (`python tests/grammar.py`), and `test_grammar.py` runs every row.
A feature that starts to work, or stops: change its outcome here, and make the page anew.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "language.md"
WORKS = "works"


@dataclasses.dataclass(frozen=True)
class Row:
    """A feature, a program whose function ``f`` uses it, and what comes of ``grad(f)(*args)``."""

    part: str
    feature: str
    text: str
    outcome: str = WORKS  # or the slug of the error
    args: tuple[Any, ...] = (1.2,)
    since: tuple[int, int] = (3, 10)


def rows(part: str, text: str) -> Iterator[Row]:
    """Rows from a text: ``## feature | outcome | args | since``, and below it the program."""
    for piece in re.split(r"^## ", textwrap.dedent(text), flags=re.M)[1:]:
        head, _, program = piece.partition("\n")
        feature, outcome, args, since = ([x.strip() for x in head.split("|")] + ["", "", ""])[:4]
        yield Row(
            part, feature, program.strip("\n") + "\n", outcome or WORKS,
            eval(args) if args else (1.2,),
            tuple(map(int, since.split("."))) if since else (3, 10),  # type: ignore[arg-type]
        )  # fmt: skip


STATEMENTS = """
## expression, docstring, `pass`, `...`
def f(x):
    '''A docstring.'''
    x * 2.0
    ...
    pass
    return x * x

## assignment to names, tuples, lists, several targets
def f(x):
    a = b = x * x
    (c, [d, e]), *g = (a, (b, x)), 1.0, x
    return c * d + e + g[1]

## assignment to an element, a slice, an attribute
import types
import numpy as np
from dataclasses import dataclass
@dataclass
class Box:
    v: float
def f(x):
    u = np.zeros(3)
    u[0] = x
    u[1:] = x * x
    b = Box(x)
    b.v = b.v * 2.0
    return u.sum() * b.v

## augmented assignment, all operators
import numpy as np
def f(x):
    y = x
    y += 1.0; y -= 0.5; y *= x; y /= 2.0; y **= 2; y %= 1.7; y //= 0.4
    n = 5
    n <<= 1; n >>= 2; n |= 8; n &= 11; n ^= 3
    A = np.eye(2) * x
    A @= np.ones((2, 2))
    return y * x + n * x + A.sum()

## annotated assignment
def f(x: float) -> float:
    y: float = x * x
    z: int
    return y

## `type` alias | works | | 3.12
def f(x):
    type Number = float
    return x * x

## generic function | works | | 3.12
def f[T](x: T) -> T:
    return x * x

## generic function with bounds, `*Ts`, `**P` | works | | 3.12
def f[T: float, *Ts, **P](x: T) -> T:
    return x * x

## `del` of a name, an element, a slice, a key
def f(x):
    y = x * x
    v = [x, y, 2.0, y]
    d = {"a": x, "b": y}
    del y
    del v[0], v[1:2], d["a"]
    return v[0] * v[1] * d["b"]

## `del` of an attribute
from dataclasses import dataclass
@dataclass
class Box:
    v: float
def f(x):
    b = Box(x)
    b.w = x * x
    del b.w
    return b.v * x

## `if`, `elif`, `else`
def f(x):
    if x > 2.0:
        return x
    elif x > 1.0:
        y = x * x
    else:
        y = 2.0 * x
    return y

## `for`, `break`, `continue`, `else`
def f(x):
    total = 0.0
    for k in range(10):
        if k == 2:
            continue
        if k * x > 5.0:
            break
        total += x**k
    else:
        total = -x
    return total

## `while`, `else`
def f(x):
    y = x
    while y < 10.0:
        y = y * y
    else:
        y = y * x
    return y

## `return` from anywhere
def f(x):
    for k in range(5):
        if x * k > 3.0:
            return x * k
    return x

## `assert` with a message
def f(x):
    assert x > 0.0, f"{x} is not positive"
    return x * x

## `raise`, `raise ... from`
def f(x):
    if x < 0.0:
        raise ValueError("negative") from None
    if x > 5.0:
        raise OverflowError
    return x * x

## `global`
scale = 2.0
def helper(x):
    return scale * x
def f(x):
    global scale
    scale = scale * x
    return helper(x)

## `nonlocal`
def f(x):
    n = 1.0
    def step():
        nonlocal n
        n = n * x
    step()
    step()
    return n

## `import`, `from ... import`, in a function
def f(x):
    import math as m
    from math import cos
    return m.sin(x) * cos(x)

## nested functions, defaults, closures
def f(x):
    def g(v, k=2.0):
        return v * k * x
    return g(x) + g(1.0, k=x)

## decorated functions, `functools.wraps`
import functools
def twice(g):
    @functools.wraps(g)
    def wrapper(*args, **kwargs):
        return 2.0 * g(*args, **kwargs)
    return wrapper
@twice
def helper(x):
    return x * x
def f(x):
    @twice
    def inner(v):
        return helper(v) * x
    return inner(x)

## `match`: literals, captures, guards, alternatives
def f(x, kind="square"):
    match kind:
        case "cube":
            return x**3
        case "square" | "power":
            y = x * x
        case _:
            y = x
    match y:
        case z if z > 5.0:
            return z
        case z:
            return z * x

## `match`: sequences, mappings, classes, `None`
from dataclasses import dataclass
@dataclass
class Point:
    x: float
    y: float
def f(x):
    total = 0.0
    for thing in ([x, 2.0, x], {"a": x, "b": 1.0}, Point(x, 3.0), None):
        match thing:
            case [first, *rest]:
                total += first * sum(rest)
            case {"a": a, **others}:
                total += a * others["b"]
            case Point(u, y=v) as p:
                total += u * v * p.x
            case None:
                total += 1.0
    return total

## `try`, `except`, `else`, `finally`
import math
def f(x):
    try:
        y = math.log(x)
    except ValueError as e:
        y = 0.0
    else:
        y = 2.0 * y
    finally:
        x = x * 2.0
    return y * x

## `except ... as e`: numbers in an exception that the program raises
class Failed(Exception):
    def __init__(self, value):
        super().__init__("failed", value)
        self.value = value
def helper(x):
    if x > 1.0:
        raise Failed(x * x)
    return x
def f(x):
    try:
        return 2.0 * helper(x)
    except Failed as e:
        return e.value + e.args[1] * x

## `except ... as e`: numbers in an exception that leaves a `finally` which prints | exception-value
def f(x):
    try:
        try:
            raise ValueError(x * x)
        finally:
            print("done")
    except ValueError as e:
        return e.args[0] * x

## `try`, `except*` | try-star | | 3.11
def f(x):
    try:
        y = x * x
    except* ValueError:
        y = 0.0
    return y

## `with`
import numpy as np
def f(x):
    with np.errstate(divide="ignore") as e:
        y = np.log(x)
    return y

## class in a function
def f(x):
    class Box:
        side = 2.0
        def __init__(self, v):
            self.v = v
        def area(self):
            return self.v * x * self.side
    return Box(x).area()

## class in a function: its objects in a list of unknown length | class
def f(x, n=3):
    class Box:
        def __init__(self, v):
            self.v = v
    boxes = [Box(x * k) for k in range(n)]
    return boxes[int(x)].v

## class in a function: a metaclass, other decorators, a built-in base | syntax
def f(x):
    class Box(tuple):
        pass
    return x

## `async def` | async
async def f(x):
    return x * x

## `async def` in a function | async
def f(x):
    async def g():
        return x
    return x

## `async for`, `async with`, `await` | async
async def f(x):
    async for y in x:
        pass
    async with x as z:
        pass
    return await z
"""

EXPRESSIONS = """
## numbers, text, flags, `None`, `...`
def f(x):
    return x * 1_000 + x * 0x1F + (1j * x).imag + x * True + x * len("ab") * (None is None) * len(b"a")

## arithmetic
def f(x):
    return (x + 2.0 - 3.0 * x) / x**2 + -x + +x + (x // 0.5) * x + x % 0.7

## matrix product
import numpy as np
def f(x):
    return (np.ones(2) @ (x * np.eye(2))).sum()

## integers: shifts, bits
def f(x, n=5):
    return x * ((n << 1) + (n >> 1) + (n & 4) + (n | 8) + (n ^ 1) + ~n)

## comparisons, chained
def f(x):
    return x * (0.0 < x <= 2.0 != 3.0) + x * (x >= 1.0) + x * (x == 1.5) + x * x * (x > 0.0)

## `is`, `is not`, `in`, `not in`
def f(x, w=None):
    ok = w is None and x is not None and "a" in ("a", "b") and 3 not in [1, 2]
    return x * x if ok else x

## `and`, `or`, `not`
def f(x):
    y = x > 1.0 and x * x or x
    return y if not x < 0.0 else 0.0

## conditional expression
def f(x):
    return x * x if x > 1.0 else x

## conditional expression of functions
import math
def f(x):
    return (math.sin if x > 1.0 else math.cos)(x)

## `lambda`
def f(x):
    g = lambda a, *b, c=2.0, **d: a * c + sum(b) + d["e"]
    return g(x, x, 1.0, e=x)

## walrus
def f(x):
    if (y := x * x) > 1.0:
        return y * x
    return y

## walrus in the test of `while`
def f(x):
    n = 0
    while (x := 0.5 * x) > 0.1:
        n += 1
    return x * n

## walrus in a comprehension
def f(x):
    kept = [y for k in range(4) if (y := x * k) > 1.0]
    return sum(kept) * y

## tuple, list, starred
def f(x):
    a = [x, *(1.0, x)]
    b = (*a, 2.0)
    return a[0] * b[2] * len(b)

## starred, of unknown length | works | ([1.0, 2.0, 3.0],)
def f(xs):
    ys = [*xs, 1.0, *xs]
    first, *rest = ys
    return first * sum(rest)

## set
def f(x, kind="a"):
    return x * x if kind in {"a", "b"} else x

## set of numbers to differentiate | set
def f(x):
    return sum({x, 2.0 * x})

## dict, `**`
def f(x):
    d = {"a": x, **{"b": 2.0}}
    return d["a"] * d["b"]

## dict with keys known only at run time | works | (1.2, 3)
def f(x, n=3):
    d = {n: x}
    return d[n] * x

## list comprehension, nested, with conditions
def f(x):
    return sum([x * i * j for i in range(3) for j in range(i) if i + j > 1])

## set comprehension
def f(x, names=("a", "B")):
    return x * len({n.lower() for n in names})

## dict comprehension
def f(x):
    powers = {k: x**k for k in (1, 2, 3)}
    return powers[2] * powers[3]

## generator expression
def f(x):
    return sum(x**k for k in range(4))

## generator function
def numbers(x):
    yield x
    yield from (2.0, x)
def f(x):
    return sum(v for v in numbers(x))

## subscripts, slices, `...`, new axes
import numpy as np
def f(x):
    u = x * np.arange(6.0).reshape(2, 3)
    return u[0, 1] * u[-1, ::2].sum() + u[..., 1].sum() + u[None, :, 1:].sum()

## starred subscript | starred | | 3.11
import numpy as np
def f(x):
    i = (0, 1)
    return (x * np.ones((2, 2)))[*i]

## attributes
import numpy as np
def f(x):
    u = x * np.ones((2, 3))
    return u.T.sum() * u.shape[0] + u.size * x

## calls: by position, by name, `*`, `**`
def g(a, /, b, *rest, scale=1.0, **more):
    return a * b * scale + sum(rest) + more["bias"]
def f(x):
    return g(x, 2.0, *(x, 1.0), scale=x, **{"bias": x})

## call with `*` of unknown length | works | ([1.0, 2.0, 3.0],)
def product(*factors):
    out = 1.0
    for v in factors:
        out = out * v
    return out
def f(xs):
    return product(2.0, *xs)

## f-strings: calls, formats, conversions
import math
def f(x):
    text = f"{x:.2f} {math.sin(x)!r:>{10}} {'a'}"
    return x * len(text.split()) if "a" in text else x

## template strings | template | | 3.14
def f(x):
    t = t"{x}"
    return x

## `await` outside | async
async def f(x):
    return await x

## `yield` outside of a consumer | generator
def f(x):
    y = yield x
    yield y
"""

CALLABLES = """
## functions in lists and dicts
import math
def f(x):
    layers = [math.sin, lambda v: v * v]
    table = {"a": math.exp}
    for layer in layers:
        x = layer(x)
    return table["a"](x)

## functions in a dict of the module, by text
import numpy as np
ACTIVATIONS = {"tanh": np.tanh, "square": lambda v: v * v}
def f(x, kind="square"):
    return ACTIVATIONS[kind](x)

## a function chosen by an index known at run time | works | (1.2, 1)
import math
def f(x, k=1):
    return (math.sin, math.cos, lambda v: v * x)[k](x)

## a function that changes from trip to trip of a loop | works | (1.2, 30)
import math
def f(x, n=4):
    g = math.sin
    for _ in range(n):
        x = g(x)
        g = math.cos if x > 0.8 else math.sin
    return x

## a function that each trip of a loop makes anew | branches | (1.2, 30)
import math
def f(x, n=4):
    g = math.sin
    for _ in range(n):
        x = g(x)
        g = lambda z, x=x: z * x
    return x

## `functools.partial`, `reduce`, `lru_cache`
import functools
@functools.lru_cache(maxsize=None)
def square(v):
    return v * v
def f(x):
    g = functools.partial(pow, x)
    return g(3) + functools.reduce(lambda a, b: a * b, [x, 2.0, x]) + square(x)

## recursion, mutual recursion | works | (1.2, 4)
def even(x, n):
    return x if n == 0 else odd(x * x, n - 1)
def odd(x, n):
    return 2.0 * x if n == 0 else even(x + 0.1, n - 1)
def f(x, n=4):
    return even(x, n)

## `getattr` with a name known at run time | reflection | (1.2, ["sin", "cos"])
import math
def f(x, names=()):
    for n in names:
        x = getattr(math, n)(x)
    return x

## `isinstance`, `hasattr`, `callable`, `type`
import math
def f(x):
    return x * x if isinstance(x, float) and callable(math.sin) and not hasattr(x, "shape") else x

## `print`, logging, warnings
import logging
def f(x):
    print(end="")
    logging.getLogger("x").debug("%s", x)
    return x * x

## objects of a class of one's own
class Counter:
    def __init__(self, v):
        self.v = v
def f(x):
    c = Counter(x)
    return c.v * x

## `__iter__`, `__next__`, `__len__`, `__contains__`, `__getitem__` of one's own
class Steps:
    def __init__(self, v):
        self.v = v
    def __iter__(self):
        return self
    def __next__(self):
        if self.v < 0.5:
            raise StopIteration
        self.v = self.v * 0.5
        return self.v
class Box:
    def __init__(self, items):
        self.items = items
    def __len__(self):
        return len(self.items)
    def __contains__(self, v):
        return v in self.items
    def __getitem__(self, k):
        return self.items[k]
def f(x):
    b = Box([v * v for v in Steps(x)])
    return sum(b) * len(b) * b[0] if 100.0 not in b else x

## attributes of classes, changed
class Made:
    count = 0
    scale = 2.0
def f(x):
    for k in range(3):
        Made.count += 1
        Made.scale *= x
    return Made.scale * Made.count

## `deque`, `defaultdict`, `OrderedDict`, `Counter`, `SimpleNamespace`
import types
from collections import Counter, OrderedDict, defaultdict, deque
def f(x):
    last, sums, s = deque(maxlen=2), defaultdict(float), types.SimpleNamespace(n=0)
    for k in range(4):
        last.append(x**k)
        sums[k % 2] += last[0]
        s.n += Counter("abca")["a"]
    return sum(last) * sums[0] * sums[1] * s.n + OrderedDict(a=x)["a"]

## `heapq`, `bisect`
import bisect
import heapq
def f(x):
    heap, ordered = [], []
    for k in range(4):
        heapq.heappush(heap, (x * (k - 2) ** 2, k))
        bisect.insort(ordered, x * (k - 1))
    return heapq.heappop(heap)[0] + heapq.heappop(heap)[0] * ordered[2]

## lists of unknown length: `insert`, `pop(k)`, `remove`, `index`, slices written | works | (1.2, 4)
def f(x, n=4):
    v = []
    for k in range(n):
        v.insert(0, x * k)
    v.remove(v[1])
    v[1:2] = [x * x, x]
    return v.pop(1) * v.pop(0) + v[v.index(x)] * v.count(x)

## a linked list grown in a loop of unknown length | loop | (1.2, 30)
def f(x, n=4):
    head = None
    for k in range(n):
        head = (x * k, head)
    return head[0]

## dataclasses, namedtuples
from collections import namedtuple
from dataclasses import dataclass
P = namedtuple("P", "a b")
@dataclass
class Q:
    u: float
    v: float = 2.0
    def area(self):
        return self.u * self.v
def f(x):
    return P(x, 2.0).b * P(x, x).a + Q(x).area()
"""

ROWS = [
    *rows("Statements", STATEMENTS),
    *rows("Expressions", EXPRESSIONS),
    *rows("Functions and objects", CALLABLES),
]

# classes of ``ast`` that no text makes on any Python we run on
NOT_MADE = {
    "Interactive", "Expression", "FunctionType", "TypeIgnore", "Suite", "AugLoad", "AugStore", "Param",
    "Num", "Str", "Bytes", "NameConstant", "Ellipsis", "Index", "ExtSlice", "slice",
}  # fmt: skip


def page() -> str:
    """The text of docs/language.md."""
    out = [
        "# The language",
        "",
        "What of Python a differentiated function may use. Every row is a program that the tests run"
        " (`tests/grammar.py`): a row that works is compared with finite differences; one that does not is"
        " refused when the derivative is made, with the error named, at the line in question. This page is"
        " made from that table: `python tests/grammar.py`.",
    ]
    for part in dict.fromkeys(r.part for r in ROWS):
        out += ["", f"## {part}", "", "| feature | |", "|---|---|"]
        for r in ROWS:
            if r.part != part:
                continue
            new = f" (Python {r.since[0]}.{r.since[1]})" if r.since > (3, 10) else ""
            said = "works" if r.outcome == WORKS else f"refused: `error[{r.outcome}]`"
            out.append(f"| {r.feature}{new} | {said} |".replace("| `|", "| `"))
    return "\n".join([*out, *NOTES.splitlines(), ""])


NOTES = """
## What is meant

- **Global variables** that the function writes to (and `nonlocal` ones of a function made outside) are
  followed through all calls: a later read sees what was written, with its derivative. The derivative itself
  leaves the world as it was: after `grad(f)(x)` the module's variables hold what they held before.
- **Attributes of classes** that the program changes are followed like global variables, and left as
  they were likewise.
- **`print`, `assert`, `raise`, logging and warnings** stay in the forward sweep, once and in their order.
- **Text, flags, integers and `None`** steer the program and carry no derivative. Text and flags that the
  function is given, or reads from outside, are part of what a derivative is made for: branches on them are
  settled then.
- **Choices between functions** that depend on data become branches. A loop over a few known numbers whose
  trips differ in what they call, or in shape, is written out trip by trip (64 at most).
- **Objects of one class or another**, depending on data, may be kept in variables, changed, and asked for
  attributes and methods; not put into lists of unknown length, nor carried by a loop.
- **Refused, whatever is tried**: a list of functions of unknown length (`error[value]`; a list of what they
  hold works), a linked list grown in a loop of unknown length (`error[loop]`; a list works), a tree of
  tuples of any depth in a list (`error[no-rule]`).
- **`lru_cache`** and its like are looked through: what they keep is computed anew.
- **`int`, `round`, `//`, `floor` and their like** have derivative zero; what is left of `x % m`, `divmod` and
  `math.modf` follows `x`."""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{len(ROWS)} rows\n")
