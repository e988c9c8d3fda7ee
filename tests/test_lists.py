"""Arrays that are lists in loops, or written out: where they are, and that nothing else changes."""

from __future__ import annotations

import ast
import copy
import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from corpus import elements, small_arrays
from srcdiff import grad, source, value_and_grad
from srcdiff.api import specialise
from srcdiff.pipeline import context, deriving, finishing
from srcdiff.runtime import numbers

rng = np.random.default_rng(5)
SPECIAL = (0.0, -0.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-308, -1.0, 800.0)


def outcome(f: Any, args: Any) -> Any:
    """What a call returns or raises; NumPy's warnings aside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f(*copy.deepcopy(args))
        except (IndexError, ValueError, ZeroDivisionError, OverflowError, TypeError) as e:
            return type(e)


def leaves(x: Any) -> list[Any]:
    return [leaf for part in x for leaf in leaves(part)] if isinstance(x, tuple) else [x]


def versions(args: Any) -> list[Any]:
    """The arguments; with special numbers in some places; short ones, and none at all."""
    out = [args]
    for k in range(12):
        new = copy.deepcopy(args)
        if k % 2:
            new = tuple(float(rng.choice(SPECIAL)) if type(x) is float else x for x in new)
        for x in new:
            if isinstance(x, np.ndarray) and x.dtype == float:
                x.flat[rng.integers(x.size, size=1 + k % 3)] = rng.choice(SPECIAL)
        out.append(new)
    return [*out, *(tuple(x[:n] if isinstance(x, np.ndarray) else x for x in args) for n in (0, 2))]


PROGRAMS = [*elements.PROGRAMS, *small_arrays.PROGRAMS]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_the_same_numbers(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists and arrays give the same, of the same types, for every number there is; or raise the same."""
    # (where sums overflow, it matters how they are written)
    monkeypatch.setattr(context, "common_factors", lambda graph: graph)
    with_lists = value_and_grad(program.function, wrt=program.wrt_option)
    text = source(with_lists, *program.args)
    if program in elements.PROGRAMS:
        assert any(word in text for word in ("tolist()", ".item(", "srcdiff.runtime"))
    else:
        loops = [n for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.For, ast.While))]
        assert loops and not any("np.array(" in ast.unparse(n) for n in loops)
    with_lists(*copy.deepcopy(program.args))
    monkeypatch.setattr(finishing, "as_lists", lambda graph, numbers: graph)
    monkeypatch.setattr(deriving, "written_out", lambda graph, words: graph)
    monkeypatch.setattr(specialise, "_shared", OrderedDict())  # (what was made before)
    without = value_and_grad(program.function, wrt=program.wrt_option)
    assert "tolist()" not in source(without, *program.args)
    for args in versions(program.args):
        one, other = outcome(with_lists, args), outcome(without, args)
        if isinstance(one, type) or isinstance(other, type):
            assert one is other or one is ValueError  # (a size that follows is asked first of all)
            continue
        for a, b in zip(leaves(one), leaves(other), strict=True):
            assert np.shape(a) == np.shape(b) and np.asarray(a).dtype == np.asarray(b).dtype
            assert isinstance(a, np.ndarray) == isinstance(b, np.ndarray)
            np.testing.assert_allclose(a, b, rtol=1e-9 if program in small_arrays.PROGRAMS else 1e-13)


def planar_frames(q: Any) -> Any:
    R, p = np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros(2)
    for i in range(len(q)):
        c, s = np.cos(q[i]), np.sin(q[i])
        R = R @ np.array([[c, -s], [s, c]])
        p = p + R @ np.array([1.0, 0.1])
    return p @ p + np.dot(R[0], p)


def test_products_written_out() -> None:
    """As sums of products, in the order of the terms; those of nine and more numbers a row are left whole."""
    q = rng.random(4)
    g = grad(planar_frames)
    assert "@" not in ast.unparse(ast.parse(source(g, q)))
    steps = [(planar_frames(q + d) - planar_frames(q - d)) / 2e-6 for d in 1e-6 * np.eye(4)]
    np.testing.assert_allclose(g(q), steps, rtol=1e-7)


def with_a_state(y: Any, n: Any) -> Any:
    for _ in range(n):
        y = y + 0.1 * np.array([y[1], -y[0]])
    return np.sum(y * y)


def test_sizes_that_follow() -> None:
    """A vector that an array of two numbers is added to has two; any other raises, as it did before."""
    g = grad(with_a_state)
    assert "y_0" in source(g, np.ones(2), 3)
    with pytest.raises(ValueError, match="shape"):
        g(np.ones(3), 3)


def few_of_many(x: Any) -> Any:
    s = 0.0
    for i in range(3):
        s += x[i] * x[i + 1]
    return s


def while_it_grows(x: Any) -> Any:
    s, i = 0.0, 0
    while s < 1.0:
        s += x[i] * x[i]
        i += 1
    return s


def left_early(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        if s > 1.0:
            break
        s += x[i] * x[i]
    return s


def sums_of_rows(A: Any) -> Any:
    s = 0.0
    for i in range(A.shape[0]):
        s = s * A[i, 0] + np.sum(A[i])
    return s


FEW = (few_of_many, while_it_grows, left_early, sums_of_rows)


@pytest.mark.parametrize("f", FEW, ids=lambda f: f.__name__)
def test_only_where_the_trips_pay(f: Any) -> None:
    """No list of all elements where a loop may read few of them, or works with whole rows."""
    x = rng.random((6, 6)) if f is sums_of_rows else rng.random(6)
    assert "x.tolist()" not in source(grad(f), x) and "A.tolist()" not in source(grad(f), x)


def in_single_precision(x: Any) -> Any:
    s = x[0] * 0
    for i in range(len(x)):
        s = s + x[i] * x[i]
    return s


def test_doubles_only() -> None:
    assert "tolist" not in source(grad(in_single_precision), np.ones(4, np.float32))
    assert grad(in_single_precision)(np.ones(4, np.float32)).dtype == np.float32


def as_truths(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        s += ((x[i] > 0.0) + (x[i] > 1.0)) * x[i]  # of NumPy's truths, the sum is their "or"
    return s


def test_truths_that_add() -> None:
    np.testing.assert_array_equal(grad(as_truths)(np.array([0.5, 2.0, -1.0])), [1.0, 1.0, 0.0])


def printed(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        print(repr(x[i]))
        s += x[i] * x[i]
    return s


def test_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    value_and_grad(printed)(np.array([1.5]))
    assert capsys.readouterr().out == repr(np.float64(1.5)) + "\n"


@pytest.mark.parametrize("name", numbers.__all__)
def test_functions_of_one_number(name: str) -> None:
    """The same as NumPy's, also where `math` raises."""
    fn = getattr(numbers, name)
    values = [*SPECIAL, 0.3, -0.7, 1e5, -745.2, 2.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for x in values:
            if name == "power":
                for n in (3, -1, 0.5, -0.5, 0, 1e3):
                    np.testing.assert_allclose(fn(x, n), np.float64(x) ** n, rtol=1e-15)
            elif getattr(np, name).nin == 2:
                rounded = 0.0 if name in ("minimum", "maximum") else 4e-16
                for y in values:
                    np.testing.assert_allclose(fn(x, y), getattr(np, name)(x, y), rtol=rounded)
            else:
                np.testing.assert_allclose(fn(x), getattr(np, name)(x), rtol=4e-16)


SINGLE = np.float32(1 / 3)


def quotients(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        s = (s + x[i] * 0.3) / np.float32(1.5)
    return s


def signs(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            s += x[i] * SINGLE
        else:
            s -= x[i] / SINGLE
    return s


def largest(x: Any) -> Any:
    return x.max() * SINGLE / np.float32(7.0)


@pytest.mark.parametrize("f", [quotients, signs, largest])
def test_double_beside_single_precision(f: Any) -> None:
    """A float64 has a gradient of double precision, whatever single numbers it meets."""
    x = np.array([1.1, -0.2, 0.7])
    g = grad(f)(x)
    assert g.dtype == np.float64
    third, last = float(SINGLE), 0.3 / 1.5
    wanted = {
        quotients: [last / 1.5**2, last / 1.5, last],
        signs: [third, -1 / third, third],
        largest: [third / 7, 0.0, 0.0],
    }
    np.testing.assert_allclose(g, wanted[f], rtol=1e-14)


def kept_apart(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        q = np.divide(1.0, x[i])
        if np.isfinite(q):
            s += q
    return s


def test_cotangents_of_constants_are_divided_by_zero() -> None:
    """What branches make of constants is a number of Python's: NumPy divides it by an element that is 0."""
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(grad(kept_apart)(np.array([0.0, 2.0])), [0.0, -0.25])


def sweeps(u: Any, omega: Any, tol: Any) -> Any:
    u = u.copy()
    for _ in range(9):
        err = 0.0
        for i in range(1, len(u) - 1):
            r = 0.5 * (u[i - 1] + u[i + 1]) - u[i]
            u[i] += omega * r
            if abs(r) > err:
                err = abs(r)
        if err < tol:
            break
    return np.sum(u**2)


def test_what_only_decides_is_not_kept() -> None:
    """The largest step says when to stop: its cotangent is zero, and nothing is saved for it."""
    u = np.arange(6.0) ** 2
    text = source(grad(sweeps), u, 1.2, 3.0)
    assert "saved" not in text and "np.sign" not in text
    numbers = [(sweeps(u + h, 1.2, 3.0) - sweeps(u - h, 1.2, 3.0)) / 2e-6 for h in 1e-6 * np.eye(6)]
    np.testing.assert_allclose(grad(sweeps)(u, 1.2, 3.0), numbers, rtol=1e-7)


def test_casts_of_constants_are_not_taped() -> None:
    text = source(grad(quotients), np.ones(3))
    assert "saved" not in text and text.count("= np.float32(1.5)") == 1


def test_what_is_taken_from_a_list_is_put_back_there() -> None:
    """The cotangent of the rest of a list is joined to zeros; no list is saved for its length."""

    def delayed(x: Any, n: int) -> Any:
        held, out = [0.0] * 3, 0.0
        for k in range(n):
            old = held.pop(0)
            held.append(x[k] + 0.5 * old)
            out += held[-1] ** 2
        return out

    x = np.linspace(0.2, 0.9, 6)
    g = grad(delayed)
    steps = 1e-6 * np.eye(6)
    slopes = [(delayed(x + h, 6) - delayed(x - h, 6)) / 2e-6 for h in steps]
    np.testing.assert_allclose(g(x, 6), slopes, rtol=1e-6)
    assert "held_bar = [0.0] + held_bar" in g.source and "held_saved" not in g.source


def test_parts_of_lists_that_are_shorter_than_the_part() -> None:
    def parts(x: Any, n: int) -> Any:
        a = [x[k] ** 2 for k in range(n)]
        b, c, d = a[2:], a[:3], a[:]
        return sum(b) * x[0] + sum(c) * x[1] + sum(d) ** 2 + sum(v * v for v in (a[-2:] + [x[2]] + a[:-1]))

    x, g = np.linspace(0.2, 0.9, 6), grad(parts)
    for n in (0, 1, 2, 3, 6):
        slopes = [(parts(x + h, n) - parts(x - h, n)) / 2e-6 for h in 1e-6 * np.eye(6)]
        np.testing.assert_allclose(g(x, n), slopes, rtol=1e-6, atol=1e-9)


def epidemic(x: Any, size: float, data: Any) -> Any:
    loss = 0.0
    sick = x[1]
    for k in range(len(data)):
        for _ in range(3):
            sick = sick + x[0] * sick / size
        loss += (sick - data[k]) ** 2 / len(data)
    return loss


def divided_on_one_path(x: Any, n: int, size: float, c: bool) -> Any:
    s = 0.0
    if c:
        for k in range(n):
            s += float(k) / size
    for k in range(n):
        s = s + x[k] * x[k] / size
    return s


def divided_before(x: Any, n: int, size: float) -> Any:
    a = 0.0
    for _ in range(n):
        a = a + 1.0 / size
    for k in range(n):
        a = a * x[k] + x[k] / size
    return a


def test_divisors_that_are_known_not_to_be_zero() -> None:
    """Python has raised where the program divided by them, or there is no trip that could."""
    x, data = np.array([0.3, 0.7, 1.1]), np.array([0.8, 1.0])
    made = grad(divided_before)
    np.testing.assert_allclose(made(x, 3, 2.0), differences(divided_before, x, 3, 2.0), rtol=1e-6)
    assert "np.divide" not in made.source
    assert outcome(made, (x, 3, 0.0)) is ZeroDivisionError
    np.testing.assert_array_equal(made(x, 0, 0.0), np.zeros(3))
    other = grad(divided_on_one_path)
    for c in (True, False):
        np.testing.assert_allclose(
            other(x, 3, 2.0, c), differences(divided_on_one_path, x, 3, 2.0, c), rtol=1e-6
        )
    np.testing.assert_array_equal(outcome(other, (x, 3, 0.0, False)), np.full(3, np.inf))
    loss = grad(epidemic)
    np.testing.assert_allclose(loss(x, 2.0, data), differences(epidemic, x, 2.0, data), rtol=1e-6)
    assert " / t" in loss.source and "if t else" not in loss.source


def differences(f: Any, x: Any, *args: Any) -> Any:
    steps = 1e-6 * np.eye(len(x))
    return [(f(x + h, *args) - f(x - h, *args)) / 2e-6 for h in steps]
