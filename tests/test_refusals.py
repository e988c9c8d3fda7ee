"""What the language refuses, in which words and where; and what a derivative leaves as it was."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import enum
import functools
import io
import linecache
import math
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest
import scipy.special

import numeric
from srcdiff import grad, jvp, source, value_and_grad
from srcdiff.errors import SrcdiffError

table = {"a": math.sin, "b": lambda v: v * v}
settings = {"kind": "square", "gain": 2.0}


def set_of_numbers(x):
    return len({x, 2.0 * x})


def delete_from_array(x):
    v = x * np.ones(3)
    del v[0]
    return v


def delete_every_other(xs):
    v = [2.0 * x for x in xs]
    del v[::2]
    return v[0]


def missing_module(x):
    import there_is_no_such_module

    return there_is_no_such_module.f(x)


def name_at_run_time(x, names):
    for n in names:
        x = getattr(math, n)(x)
    return x


def changing_function(x, n):
    f = math.sin
    for _ in range(n):
        x = f(x)
        f = lambda z, x=x: z * x  # noqa: E731
    return x


def unpacked_for_library(xs):
    return math.hypot(*xs)


def fills_from_the_middle(xs):
    def f(a, b, c):
        return a * b * c

    return f(*xs, 1.0)


def class_inside(x):
    class Box(tuple):
        pass

    return x


def class_run_again(x):
    total = 0.0
    for i in range(3):

        class Box:
            side = i + 1.0

        total += Box.side * x
    return total


def attribute_from_another(x):
    side = 7.0

    class Box:
        side = 2.0
        area = side * x

    return Box.area + side


def class_as_value(x, n=3):
    class Box:
        def __init__(self, v):
            self.v = v

    boxes = [Box(x * k) for k in range(n)]
    return boxes[int(x)].v


def another_dict(x):
    box, other = Attributes(), Attributes()
    box.v = x
    other.__dict__ = box.__dict__
    return other.v


class Attributes:
    """An object to set attributes of."""


def made_by_type(x):
    T = type("T", (), {})
    return x * len(T.__name__)


def deleted_global(x):
    global level
    del level
    return x


def unbound_after_del(x):
    y = x
    del y
    return y  # noqa: F821


def matched_positions(x):
    match x * 1j:
        case complex(a, b):  # noqa: F841
            return a
    return x


def two_choices_on(x, p, q):
    a, b = x * 2.0, x * 3.0
    c = a if p > 0 else b
    d = c if q > 0 else x * 4.0
    d[0] = x[1] * x[2]
    return np.sum(a * b)


def copy_in_any_order(x):
    a = np.copy(x.T)
    flat = a.reshape(-1)
    flat[0:2] *= 5.0
    return np.sum(a**2)


def array_of_an_array(x):
    a = np.array(x)
    flat = a.reshape(-1)
    flat[0:2] *= 5.0
    return np.sum(a**2)


def seen_as_two_arguments(x, n):
    u = x.copy()

    def f(a, b, k):
        if k == 0:
            return np.sum(a * b)
        a[0] += b[1] * 2.0
        return f(a, b, k - 1)

    return f(u, u, n)


def seen_by_closure_and_argument(x, n):
    u = x.copy()

    def f(a, k):
        if k == 0:
            return np.sum(u**2)
        a[0] += u[1] * 2.0
        return f(a, k - 1)

    return f(u, n)


TWICE = "f calls itself and changes an array or list that it sees twice"
REFUSED: list[tuple[Any, tuple[Any, ...], str, str]] = [
    (two_choices_on, (np.ones(3), 1.0, 1.0), "aliasing", "this may or may not change 'a' as well"),
    (copy_in_any_order, (np.ones((2, 3)),), "aliasing", "this may or may not change 'a' as well"),
    (array_of_an_array, (np.ones((2, 3)).T,), "aliasing", "this may or may not change 'a' as well"),
    (seen_as_two_arguments, (np.ones(3), 20), "aliasing", TWICE),
    (seen_by_closure_and_argument, (np.ones(3), 20), "aliasing", TWICE),
    (set_of_numbers, (1.0,), "set", "a set of numbers that are known only at run time has no derivative"),
    (delete_from_array, (1.0,), "del", "elements of an array cannot be deleted"),
    (delete_every_other, ([1.0, 2.0] * 10,), "del", "deleting every so many elements is not supported"),
    (missing_module, (1.0,), "import", "this import fails: No module named 'there_is_no_such_module'"),
    (name_at_run_time, (1.0, ["sin"]), "reflection",
     "which attribute getattr() reads is known only at run time"),
    (changing_function, (1.0, 30), "branches", "what 'f' is differs from trip to trip of a loop"),
    (unpacked_for_library, ([1.0, 2.0] * 10,), "starred",
     "how many arguments math.hypot gets is known only at run time"),
    (fills_from_the_middle, ([1.0, 2.0] * 10,), "starred",
     "which parameters of f the starred argument fills is known only at run time"),
    (class_inside, (1.0,), "syntax", "a class statement is not supported here: its base is built in"),
    (class_run_again, (1.0,), "syntax",
     "a class statement is not supported here: it is run more than once, and its attributes may differ"),
    (attribute_from_another, (1.0,), "syntax",
     "a class statement is not supported here: an attribute is computed from another one"),
    (class_as_value, (1.0,), "class", "an object of class Box, or the class itself, is used as a value"),
    (another_dict, (1.0,), "attribute-write", "this gives an object another __dict__"),
    (made_by_type, (1.0,), "class", "making a class in a differentiated function is not supported"),
    (deleted_global, (1.0,), "del", "deleting the global variable 'level' is not supported"),
    (unbound_after_del, (1.0,), "unbound", "'y' may be used before it has a value"),
    (matched_positions, (1.0,), "match", "complex() has 0 positional patterns, 2 given"),
]  # fmt: skip


def rows_of(xs):
    rows = []
    for x in xs:
        rows.append(np.array([x, 2 * x]))
    return rows


def element_of_extended(xs):
    rows, b = rows_of(xs), np.array([xs[0], xs[1]])
    rows.extend([b])
    b[0] = 5.0 * xs[1]
    return sum(np.sum(v**2) for v in rows)


def element_of_joined(xs):
    rows, b = rows_of(xs), np.array([xs[0], xs[1]])
    more = rows + [b]
    b[0] = 5.0 * xs[1]
    return sum(np.sum(v**2) for v in more)


def element_of_written_slice(xs):
    rows, b = rows_of(xs), np.array([xs[0], xs[1]])
    rows[1:2] = [b, b]
    b[0] = 5.0 * xs[1]
    return sum(np.sum(v**2) for v in rows)


def element_of_slice(xs):
    rows = rows_of(xs)
    some = rows[1:3]
    rows[1][0] = 5.0 * xs[1]
    return sum(np.sum(v**2) for v in some)


def element_of_copy(xs):
    rows = rows_of(xs)
    some = rows.copy()
    rows[1][0] = 5.0 * xs[1]
    return sum(np.sum(v**2) for v in some)


def view_in_a_list(x, n):
    z, rows = np.array([x, 2 * x, 3 * x]), []
    for _ in range(n):
        rows.append(z[1:])
    z[2] = 5.0 * x * x
    return sum(np.sum(r) for r in rows)


def moved_on_one_path(x, n):
    q = []
    for k in range(n):
        buf = np.full(2, x * k)
        q.append(buf)
        if k == 2:
            q.pop(0)
        buf[0] += 1.0
    return sum(np.sum(v**2) for v in q)


def slice_on_one_path(xs, n):
    rows, some, total = rows_of(xs), [], 0.0
    for k in range(n):
        if k == 3:
            some = rows[1:]
        rows[1][0] *= 1.02
        for r in some:
            total += r[0]
    return total


XS, MANY = np.array([0.3, 1.2, -0.7]), np.linspace(-0.5, 1.4, 20)
SHARED = [
    (element_of_extended, (MANY,), (XS,), "rows"), (element_of_joined, (MANY,), (XS,), "more"),
    (element_of_written_slice, (MANY,), (XS,), "rows"), (element_of_slice, (MANY,), (XS,), "some"),
    (element_of_copy, (MANY,), (XS,), "some"), (view_in_a_list, (0.7, 20), (0.7, 2), "rows"),
    (moved_on_one_path, (0.7, 20), (0.7, 4), "q"), (slice_on_one_path, (XS, 70), (XS, 5), "some"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "many", "few", "name"), SHARED)
def test_elements_in_two_lists(function: Any, many: Any, few: Any, name: str) -> None:
    """Lists of any length are refused; of few elements it is known which array each is."""
    text = rf"error\[aliasing\]: this may or may not change '{name}' as well"
    with pytest.raises(SrcdiffError, match=text):
        grad(function)(*many)
    numeric.assert_close(grad(function)(*few), numeric.gradient(function, few, (0,))[0], 1e-6)


class Above:
    rate = 1.0


class Below(Above):
    pass


def inherited_attribute(x):
    Below.rate = x
    return x


def deque_given_away(x):
    return collections.deque([x])


def linked_list(xs):
    head = None
    for x in xs:
        head = (x, head)
    return head[0]


@pytest.mark.parametrize(
    ("function", "args", "text"),
    [
        (inherited_attribute, (0.7,), r"error\[attribute-write\]: this changes the attribute 'rate' of"),
        (deque_given_away, (0.7,), r"error\[value\]: a deque is used as a value here"),
        (linked_list, (MANY,), r"error\[loop\]: each trip of this loop puts a tuple around what"),
    ],
)
def test_containers_refused(function: Any, args: tuple[Any, ...], text: str) -> None:
    with pytest.raises(SrcdiffError, match=text):
        grad(function)(*args)


@pytest.mark.parametrize(
    ("function", "args", "slug", "what"), REFUSED, ids=lambda v: getattr(v, "__name__", "")
)
def test_refused(function: Any, args: tuple[Any, ...], slug: str, what: str) -> None:
    with pytest.raises(SrcdiffError) as e:
        grad(function)(*args)
    problem = e.value.problems[0]
    assert (problem.slug, problem.what) == (slug, what)
    code = function.__code__
    last = max(line for _, _, line in code.co_lines() if line is not None)
    inner = [c for c in code.co_consts if hasattr(c, "co_lines")]
    last = max([last, *(n for c in inner for _, _, n in c.co_lines() if n is not None)])
    assert problem.file == __file__ and code.co_firstlineno <= problem.line <= last


def test_whole_text() -> None:
    """One message as it is shown."""
    with pytest.raises(SrcdiffError) as e:
        grad(set_of_numbers)(1.0)
    line = set_of_numbers.__code__.co_firstlineno + 1
    assert str(e.value) == (
        "error[set]: a set of numbers that are known only at run time has no derivative\n"
        f"  --> {__file__}:{line}:16\n"
        "    |\n"
        f" {line} |     return len({{x, 2.0 * x}})\n"
        "    |                ^^^^^^^^^^^^\n"
        "  = note: which of them are equal decides what is in it\n"
        "  = help: use a list\n"
        "  = see:  docs/errors.md#set"
    )


def test_async() -> None:
    async def f(x):
        return x * x

    assert asyncio.run(f(2.0)) == 4.0
    with pytest.raises(SrcdiffError, match="f is a coroutine function"):
        grad(f)(1.0)


# ---- what a derivative leaves as it was ---------------------------------------------------------------


def writes_level(x):
    global level
    level = level * x
    return level * x


def test_globals_are_left_alone() -> None:
    global level
    level = 3.0
    assert value_and_grad(writes_level)(2.0) == (12.0, 12.0)
    assert level == 3.0
    assert writes_level(2.0) == 12.0
    assert level == 6.0  # the function itself writes
    assert grad(writes_level)(2.0) == 24.0
    assert grad(writes_level, wrt="level")(2.0) == 4.0
    level = 1.0


def counter():
    n = 1.0

    def step(x):
        nonlocal n
        n = n * x
        return n * x

    return step


def test_cells_are_left_alone() -> None:
    step = counter()
    assert grad(step)(3.0) == 6.0
    assert grad(step)(3.0) == 6.0
    assert step(3.0) == 9.0
    assert grad(step)(3.0) == 18.0


def prints(x, n):
    print("start")
    for k in range(n):
        x = x * 1.5
        print(f"{k}: {x:.3f}", [k, x > 2.0], sep=" | ")
    print("end", end="!\n")
    return x * x


def test_printed_once_in_order() -> None:
    wanted, got, again = io.StringIO(), io.StringIO(), io.StringIO()
    with redirect_stdout(wanted):
        prints(1.0, 3)
    with redirect_stdout(got):
        grad(prints)(1.0, 3)
    assert got.getvalue() == wanted.getvalue() != ""
    with redirect_stdout(again):
        grad(grad(prints))(1.0, 3)
    assert again.getvalue() == wanted.getvalue()


def checks(x, limit):
    assert x < limit, f"{x} is not below {[limit]}"
    if x < 0.0:
        raise ValueError(f"negative: {x!r}")
    return x * x


def test_raises_what_the_function_raises() -> None:
    g = grad(checks)
    assert g(1.0, 2.0) == 2.0
    with pytest.raises(AssertionError, match=r"3.0 is not below \[2.0\]"):
        g(3.0, 2.0)
    with pytest.raises(ValueError, match=r"negative: -1.0"):
        g(-1.0, 2.0)
    assert g(1.0, 2.0) == 2.0


def chosen(x, k, name):
    fs = [math.sin, math.cos]
    return fs[k](x) * table[name](x)


def test_out_of_range_raises() -> None:
    g = grad(chosen)
    for k in (0, 1, -1, -2):
        (wanted,) = numeric.gradient(chosen, (0.7, k, "a"), (0,))
        assert abs(g(0.7, k, "a") - wanted) < 1e-8
    with pytest.raises(IndexError):
        g(0.7, 2, "a")
    with pytest.raises(SrcdiffError, match="there is no key 'c'"):
        g(0.7, 0, "c")


def maybe(x, limit):
    f = None
    if x < limit:
        f = math.sin
    return f(x)


def test_calling_nothing_raises() -> None:
    assert grad(maybe)(0.5, 1.0) == math.cos(0.5)
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        grad(maybe)(1.5, 1.0)


# ---- what a derivative depends on ---------------------------------------------------------------------


class Shape(enum.Enum):
    LINE = "line"
    SQUARE = 2.0


class Level(enum.IntEnum):
    NONE = 0
    SOME = 3


shape = Shape.LINE


def by_member(x, s, n=Level.SOME):
    if s is Shape.LINE:
        return x * n if n else -x
    return x * x * s.value


def by_global_member(x):
    return by_member(x, shape)


def test_members_of_enumerations() -> None:
    global shape
    g = grad(by_member)
    assert (g(3.0, Shape.LINE), g(3.0, Shape.SQUARE), g(3.0, Shape.LINE, Level.NONE)) == (3.0, 12.0, -1.0)
    h = grad(by_global_member)
    assert h(3.0) == 3.0
    shape = Shape.SQUARE
    assert h(3.0) == 12.0
    shape = Shape.LINE
    assert h(3.0) == 3.0


def reads_table(x, name):
    return table[name](x)


def test_tables_of_functions_are_read_anew() -> None:
    g = grad(reads_table)
    old = table["a"]
    assert g(0.7, "a") == math.cos(0.7)
    try:
        table["a"] = math.exp
        assert g(0.7, "a") == math.exp(0.7)
    finally:
        table["a"] = old
    assert g(0.7, "a") == math.cos(0.7)


def adds_up(x):
    return sum(f(x) for f in table.values())


def test_tables_that_grow() -> None:
    g = grad(adds_up)
    assert g(0.7) == math.cos(0.7) + 1.4
    try:
        table["c"] = math.exp
        assert g(0.7) == pytest.approx(math.cos(0.7) + 1.4 + math.exp(0.7), rel=1e-15)
    finally:
        del table["c"]
    assert g(0.7) == math.cos(0.7) + 1.4


def steered(x):
    return settings["gain"] * x * x if settings["kind"] == "square" else settings["gain"] * x


def test_settings_are_read_anew() -> None:
    g = grad(steered)
    assert g(3.0) == 12.0
    settings["gain"] = 5.0
    assert g(3.0) == 30.0
    settings["kind"] = "line"
    assert g(3.0) == 5.0
    settings.update(kind="square", gain=2.0)
    assert g(3.0) == 12.0
    assert "if" not in source(g, 3.0)


def test_wrapper_by_name() -> None:
    def logged(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            return f(*args, **kwargs)

        return wrapper

    @logged
    def area(width, height=2.0, *, scale=1.0):
        return width * height * scale

    assert grad(area)(3.0) == 2.0
    assert grad(area, wrt=("width", "scale"))(3.0, height=4.0, scale=2.0) == (8.0, 12.0)
    assert grad(area, wrt="height")(3.0) == 3.0
    assert grad(grad(logged(logged(lambda x: x**3))))(2.0) == 12.0


def test_many_cases() -> None:
    """Cases whose tests are run-time conditions stay one chain: the text does not grow with every case."""
    lines = ["def f(x, n):", "    match n:"]
    for k in range(12):
        lines += [f"        case {k}:", f"            y = x**{k + 1}"]
    lines += ["        case _:", "            y = x", "    return y * x"]
    namespace: dict[str, Any] = {}
    text = "\n".join(lines) + "\n"
    linecache.cache["<matches>"] = (len(text), None, text.splitlines(keepends=True), "<matches>")
    exec(compile(text, "<matches>", "exec"), namespace)
    g = grad(namespace["f"])
    assert g(1.5, 4) == pytest.approx(6 * 1.5**5)
    assert source(g, 1.5, 4).count("\n") < 80


# ---- matrices that are not square, and draws ---------------------------------------------------------------


def completing_column(A):
    return np.linalg.svd(A)[0][0, 3]


def wide_factor(A):
    return np.linalg.qr(A)[1][0, 2]


def test_singular_vectors_that_complete_a_basis():
    A = np.random.default_rng(1).normal(size=(4, 2))
    with pytest.raises(np.linalg.LinAlgError, match=r"the last 2 singular vectors.*pass full_matrices=False"):
        grad(completing_column)(A)
    with pytest.raises(np.linalg.LinAlgError, match=r"the last singular vectors.*pass full_matrices=False"):
        jvp(completing_column, (A,), (np.ones((4, 2)),))
    leading = jvp(lambda A: np.linalg.svd(A)[0][:, :2] ** 3, (A,), (np.ones((4, 2)),))[1]
    assert np.all(np.isfinite(leading))


def test_qr_of_a_wide_matrix():
    A = np.random.default_rng(1).normal(size=(2, 3))
    with pytest.raises(np.linalg.LinAlgError, match=r"at least as many rows as columns.*r is 2 by 3 here"):
        grad(wide_factor)(A)


def test_orders_of_bessel_functions():
    for f in (lambda v: scipy.special.jv(v, 1.3), lambda v: scipy.special.kvp(v, 1.3)):
        for derivative in (lambda v, f=f: grad(f)(v), lambda v, f=f: jvp(f, (v,), (1.0,))):
            with pytest.raises(SrcdiffError, match="the derivative in the order has no closed form"):
                derivative(0.7)


def test_draws_without_derivative():
    for draw, why in (
        (lambda x: np.random.default_rng(0).gamma(x), "no function of its parameters and of a draw"),
        (lambda x: np.random.default_rng(0).poisson(x) * x, "whole numbers or picks elements, which jump"),
    ):
        with pytest.raises(SrcdiffError, match=why) as caught:
            grad(draw)(0.7)
        assert "use the score function" in str(caught.value)
        assert "test_refusals.py" in str(caught.value)
    cov = np.eye(2)
    with pytest.raises(SrcdiffError, match=r"mean \+ rng.standard_normal\(len\(mean\)\) @ np.linalg"):
        grad(lambda c: np.random.default_rng(0).multivariate_normal(np.zeros(2), c).sum())(cov)
    assert grad(lambda x, a: x * np.random.default_rng(0).gamma(a), wrt=0)(0.7, 2.0) > 0.0


def test_draws_are_the_same():
    """The value is that of the function itself, to rounding, whatever the family and the size."""
    for draw in (
        lambda rng, x, size: rng.normal(x, size=size),
        lambda rng, x, size: rng.normal(scale=x, size=size),
        lambda rng, x, size: rng.uniform(x, 2.0, size),
        lambda rng, x, size: rng.laplace(x, 2.0 * x, size),
        lambda rng, x, size: rng.logistic(x, 2.0 * x, size=size),
        lambda rng, x, size: rng.gumbel(x, 2.0 * x, size),
        lambda rng, x, size: rng.exponential(x, size),
        lambda rng, x, size: rng.rayleigh(x, size),
        lambda rng, x, size: rng.weibull(x, size),
        lambda rng, x, size: rng.pareto(2.0 * x, size),
        lambda rng, x, size: rng.power(x, size),
        lambda rng, x, size: rng.triangular(x - 1.0, x**2, right=2.0 * x, size=size),
    ):
        for size in (None, 4, (2, 3)):
            f = twice_drawn(draw, size)
            value, slope = value_and_grad(f)(0.7)
            assert value == pytest.approx(f(0.7), rel=1e-15)
            h = 1e-6
            assert slope == pytest.approx((f(0.7 + h) - f(0.7 - h)) / (2 * h), rel=1e-7)


def twice_drawn(draw, size):
    def f(x):
        rng = np.random.default_rng(5)
        first = draw(rng, x, size)
        return np.sum(first * first) + np.sum(draw(rng, x, size))

    return f


@dataclasses.dataclass
class Link:
    value: float
    after: Any = None


def reads(value):
    return lambda t: t * len(value if isinstance(value, (list, dict)) else [value.value])


def test_what_leads_back_to_itself():
    first, xs, table = Link(1.0), [1.0], {"a": 1.0}
    first.after = Link(2.0, first)
    xs.append(xs)
    table["self"] = table
    for value, way in ((first, "x.after.after"), (xs, "x[1]"), (table, "x['self']")):
        for wrt in ("t", ("p", "t")):
            with pytest.raises(SrcdiffError, match="leads back to itself") as e:
                grad(lambda p, t: t * t, wrt=wrt)(value, 2.0)
            assert f"{way} is x" in str(e.value)
        with pytest.raises(SrcdiffError, match=r"'value' leads back to itself: value\S+ is value"):
            grad(reads(value))(2.0)

    def returned(t):
        a = Link(t)
        a.after = a
        return a

    with pytest.raises(SrcdiffError, match="an object or list that leads back to itself is needed"):
        grad(returned)(2.0)

    def carried(t, n):
        a = Link(t)
        a.after = a
        for _ in range(n):
            a = Link(a.value * t, a.after)
            a.after = a
        return a.value

    with pytest.raises(SrcdiffError, match="leads back to itself"):
        grad(carried)(2.0, 3)
