"""What is not bound on the path taken: the gradient raises as the function does, and never gives a number."""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import judging
import numpy as np
import pytest
import random_bindings

from numeric import gradient
from srcdiff import grad, hessian, hvp, jvp, source, value_and_grad, vjp
from srcdiff.errors import UnsupportedSyntax


def another_name(x: Any) -> Any:
    if x[0] > 1:
        y = x
    return (y * y).sum()


def a_number(x: Any) -> Any:
    if x[0] > 1:
        n = 3.0
    return (x * n).sum()


def an_element(x: Any) -> Any:
    u = x[1]
    if x[0] > 1:
        v = u
    return u * v


def in_the_first_trip(x: Any) -> Any:
    total = 0.0
    for i in range(3):
        if i > 0 or x[0] > 1:
            last = x
        total = total + (last * x[i]).sum()
    return total


def by_a_flag(x: Any) -> Any:
    found = x[0] > 1
    if found:
        best = x
    s = x.sum()
    if found:
        s = s * best[1]
    return s


def deleted(x: Any) -> Any:
    y = x * 2.0
    if x[0] <= 1:
        del y
    return (y * y).sum()


def by_an_element(x: Any) -> Any:
    for v in x[:2]:
        if v < 1.8 and v > 1.0:
            y = v
    return y * y * x[1]


def a_list(x: Any) -> Any:
    if x[0] > 1:
        y = [x[0], x[1]]
    return y[0] * y[1]


def a_function_inside(x: Any) -> Any:
    def g() -> Any:
        return y * x[1]

    if x[0] > 1:
        y = x[0] * x[0]
    return g()


def in_a_comprehension(x: Any) -> Any:
    if x[0] > 1:
        y = x[0]
    return sum([y * v for v in x])


def by_two_branches(x: Any) -> Any:
    if x[0] > 1:
        y = x[0]
    elif x[1] > 5:
        y = x[1]
    s = x.sum()
    return s * y


def of_a_generator(x: Any) -> Any:
    def values() -> Any:
        for v in x:
            if v > 1:
                y = v
            yield y

    return sum(values())


PROGRAMS = [
    another_name, a_number, an_element, deleted, by_an_element, a_list, a_function_inside, in_a_comprehension,
    by_two_branches, of_a_generator,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS)
def test_raises_as_the_function_does(f: Callable[[Any], Any]) -> None:
    x = np.array([0.5, 2.0, 3.0])
    with pytest.raises(NameError) as raised:
        f(x)
    for derivative in (grad, value_and_grad, hessian):
        with pytest.raises(type(raised.value)) as as_well:
            derivative(f)(x)
        assert str(as_well.value) == str(raised.value)
    with pytest.raises(type(raised.value)):
        jvp(f, (x,), (x,))
    with pytest.raises(type(raised.value)):
        vjp(f, x)


def in_no_trip(x: Any, n: int) -> Any:
    for i in range(n):
        last = x * (i + 1.0)
    return (last * last).sum()


def by_the_first_trip(x: Any, n: int) -> Any:
    total = 0.0
    for i in range(n):
        if i == 0:
            first = x * x
        else:
            total = total + (first * x[i]).sum()
    return total


def until_found(x: Any, n: int) -> Any:
    for i in range(n):
        if x[i] > 2.5:
            found = x[i] * x[0]
            break
    return found * found


@pytest.mark.parametrize("f", [in_no_trip, by_the_first_trip, until_found])
@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_trips_that_bind(
    f: Callable[..., Any], n: int, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging.uncompiled(monkeypatch.setattr)
    x = np.array([1.5, 2.0, 3.0])
    slope = grad(f, backend=backend)
    try:
        f(x, n)
    except UnboundLocalError:
        with pytest.raises(UnboundLocalError, match=r"cannot access local|referenced before"):
            slope(x, n)
    else:
        np.testing.assert_allclose(slope(x, n), gradient(f, (x, n), (0,))[0], rtol=1e-6, atol=1e-9)


def test_what_is_bound_for_sure_is_not_looked_at() -> None:
    x = np.array([1.5, 2.0, 3.0])
    text = source(grad(in_no_trip), x, 3)
    assert "if not 0 < n:" in text and "_bound" not in text

    def sure(x: Any) -> Any:
        for i in range(3):
            last = x * i
        while True:
            found = last * x
            if found[0] > -1.0:
                break
        if x[0] > 1:
            y = found
        else:
            y = x
        return y.sum()

    assert "UnboundLocalError" not in source(grad(sure), x)


@pytest.mark.parametrize("f", [*PROGRAMS, in_the_first_trip, by_a_flag])
def test_is_right_where_it_is_bound(f: Callable[[Any], Any]) -> None:
    x, v = np.array([1.5, 2.0, 3.0]), np.array([0.3, -1.0, 0.5])
    expected = gradient(f, (x,), (0,))[0]
    np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-6)
    np.testing.assert_allclose(jvp(f, (x,), (v,))[1], expected @ v, rtol=1e-6)
    along = (grad(f)(x + 1e-5 * v) - grad(f)(x - 1e-5 * v)) / 2e-5
    np.testing.assert_allclose(hvp(f)(x, v), along, rtol=1e-5, atol=1e-8)


def test_a_flag_that_is_asked_again_binds() -> None:
    x = np.array([0.5, 2.0, 3.0])
    np.testing.assert_allclose(grad(by_a_flag)(x), np.ones(3))
    assert "if found" in source(grad(by_a_flag), x)


class Bare:
    pass


class WithValue:
    a = 3.0


def field_of_one_path(x: Any) -> Any:
    o = Bare()
    if x[0] > 1:
        o.a = x[1]
    return o.a * o.a


def field_with_a_value_of_the_class(x: Any) -> Any:
    o = WithValue()
    if x[0] > 1:
        o.a = x[1]
    return o.a * o.a * x[2]


def field_deleted(x: Any) -> Any:
    o = Bare()
    o.a = x[1]
    if x[0] <= 1:
        del o.a
    return o.a * x[0]


def field_deleted_that_the_class_has(x: Any) -> Any:
    o = WithValue()
    o.a = x[1]
    if x[0] > 1:
        del o.a
    return o.a * x[0]


def field_of_some_trips(x: Any) -> Any:
    o = Bare()
    for v in x[:2] * (x[0] + 0.2):
        if v > 2.5:
            o.a = v
    return o.a * o.a * x[2]


def field_from_the_class_in_a_loop(x: Any) -> Any:
    o = WithValue()
    for v in x:
        o.a = o.a * v
    return o.a


def list_in_a_field(x: Any) -> Any:
    o = Bare()
    if x[0] > 1:
        o.a = [x[0], x[1]]
    return o.a[0] * o.a[1]


def field_asked_for(x: Any) -> Any:
    o = Bare()
    if x[0] > 1:
        o.a = x[1]
    return o.a * x[0] if hasattr(o, "a") else x[1] * getattr(o, "a", 2.0)


def field_deleted_in_a_loop(x: Any) -> Any:
    o = Bare()
    o.a = x[0]
    for v in x:
        if v < 1:
            del o.a
    return o.a * x[1]


def field_of_the_first_trip(x: Any) -> Any:
    o = Bare()
    for i in range(int(x[0] + 1.0) * 2 - 2):
        if i == 0:
            o.a = x
        else:
            o.a = o.a * x
    return o.a.sum()


class Slotted:
    __slots__ = ("a",)


def slot(x: Any) -> Any:
    o = Slotted()
    if x[0] > 1:
        o.a = x[1]
    return o.a * x[0]


@pytest.mark.parametrize(
    "f",
    [
        field_deleted_in_a_loop, field_of_the_first_trip, slot, field_of_one_path,
        field_with_a_value_of_the_class, field_deleted, field_deleted_that_the_class_has,
        field_of_some_trips, field_from_the_class_in_a_loop, list_in_a_field, field_asked_for,
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", [0.5, 1.5])
def test_attributes(f: Callable[[Any], Any], first: float) -> None:
    x, v = np.array([first, 2.0, 3.0]), np.array([0.3, -1.0, 0.5])
    try:
        value = f(x)
    except AttributeError as e:
        for derivative in (grad, value_and_grad, hessian):
            with pytest.raises(AttributeError) as raised:
                derivative(f)(x)
            assert str(raised.value) == str(e)
        with pytest.raises(AttributeError):
            jvp(f, (x,), (v,))
    else:
        expected = gradient(f, (x,), (0,))[0]
        np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(jvp(f, (x,), (v,)), [value, expected @ v], rtol=1e-6)


def test_all_attributes_of_an_object_are_asked_for() -> None:
    def f(x: Any) -> Any:
        o = Bare()
        if x[0] > 1:
            o.a = x[1]
        return len(vars(o)) * x[0]

    with pytest.raises(UnsupportedSyntax, match="known only at run time"):
        grad(f)(np.array([0.5, 2.0]))


STEP, ALONG = 1e-6, np.array([1.0, -0.5, 0.25])
POINTS = [np.array([0.3, 0.7, 1.2]), np.array([1.3, 0.4, 0.8]), np.array([0.7, 1.4, 0.2])]


def outcome(f: Callable[..., Any], *args: Any) -> Any:
    try:
        return f(*args)
    except NameError as e:
        return type(e), str(e)
    except UnsupportedSyntax as e:
        assert "error[unbound]" in str(e)
        return None


def made(seed: int, kernel: bool) -> Callable[..., Any]:
    text, file = random_bindings.program(seed, "f", kernel), f"<bindings {seed} {kernel}>"
    linecache.cache[file] = len(text), None, text.splitlines(True), file
    space: dict[str, Any] = {"total": np.sum}
    exec(compile(text, file, "exec"), space)
    return space["f"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("kernel", [False, True])
def test_at_random(kernel: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each derivative raises where the function does, and is right where that returns; a few are refused."""
    judging.uncompiled(monkeypatch.setattr)
    counts: Counter[str] = Counter()
    for seed in range(40):
        f = made(seed, kernel)
        slope = grad(f, backend="numba" if kernel else "numpy")
        for x in POINTS:
            for n in (0, 1, 3):
                value = outcome(f, x, n)
                got = outcome(slope, x, n)
                if got is None:
                    counts["refused"] += 1
                elif isinstance(value, tuple):
                    assert got == value, (seed, x, n)
                    counts["raised"] += 1
                else:
                    steps = np.eye(3) * STEP
                    want = [(f(x + e, n) - f(x - e, n)) / (2 * STEP) for e in steps]
                    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6, err_msg=f"{seed} {x} {n}")
                    counts["right"] += 1
                if not kernel:
                    forward = outcome(jvp, partial(f, n=n), (x,), (ALONG,))
                    assert (forward is None) == (got is None)
                    if isinstance(value, tuple):
                        assert forward in (None, value), (seed, x, n)
                    elif forward is not None:
                        np.testing.assert_allclose(forward, [value, got @ ALONG], rtol=1e-9)
    assert counts["raised"] > 80 and counts["right"] > 80 and counts["refused"] < 80, counts


def test_refusals_speak_of_the_name() -> None:
    def f(x: Any) -> Any:
        y = x[0]
        if x[0] > 1:
            z = x[1]
        try:
            if x[1] > 1:
                del y
            y = y * z
            del z
            y = y * z
        except NameError:
            if x[2] > 1:
                y = x[2]
        return y * x[1]

    with pytest.raises(UnsupportedSyntax, match=r"what '[yz]' holds here depends on where in a try"):
        grad(f)(np.array([0.5, 2.0, 0.5]))


def test_what_a_kernel_may_be_given_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that no trip has bound yet has some value for a kernel that never reads it."""
    judging.uncompiled(monkeypatch.setattr)

    def f(x: Any, c: Any) -> Any:
        s = 0.0
        for i in range(len(x)):
            t = x[i] * c
            for j in range(i):
                t = t + x[j]
                u = t * x[j]
            if i > 0:
                s = s + np.sin(u)
        return s

    x = np.array([0.3, 0.4, 0.5])
    np.testing.assert_allclose(grad(f, backend="numba")(x, 0.7), grad(f)(x, 0.7), rtol=1e-12)


def test_what_a_handler_leaves_unset_on_a_tape(monkeypatch: pytest.MonkeyPatch) -> None:
    judging.uncompiled(monkeypatch.setattr)

    def f(xs: Any, t: Any) -> Any:
        total, them = 0.0, iter(xs)
        while True:
            try:
                v = next(them)
            except StopIteration:
                break
            total = total * t + v * v
        return total

    xs = np.array([0.3, 0.9, 1.5, 0.7])
    for got, want in zip(grad(f, (0, 1), backend="numba")(xs, 0.5), grad(f, (0, 1))(xs, 0.5), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)
