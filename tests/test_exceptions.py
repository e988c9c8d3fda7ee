"""Exceptions: the gradient raises what the primal raises, and errors where they cannot be followed."""

from __future__ import annotations

import contextlib
import io
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numeric
import srcdiff
from srcdiff import grad, jacfwd, jvp, value_and_grad, vjp
from srcdiff.errors import SrcdiffError

LOCK = threading.Lock()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Emitted modules go to a folder of the test's own."""
    monkeypatch.setenv("SRCDIFF_CACHE", str(tmp_path))


class Custom(ArithmeticError):
    """With a field of its own."""

    def __init__(self, limit: float) -> None:
        super().__init__(f"over {limit}")
        self.limit = limit


# ---- the same exception ------------------------------------------------------------------------------


def uncaught(x: float) -> float:
    try:
        y = math.log(x)
    except ZeroDivisionError:
        y = 0.0
    return y * x


def raised_in_handler(x: float) -> float:
    try:
        y = math.log(x)
    except ValueError as e:
        raise Custom(2.0) from e
    return y * x


def raised_again(x: float) -> float:
    try:
        y = math.log(x) * x
    except ValueError:
        if x < -1.0:
            raise
        y = x
    return y


def through_finally(x: float) -> float:
    try:
        y = math.log(x)
    finally:
        print("done")
    return y * y


def in_a_loop(x: float) -> float:
    total = 0.0
    for k in range(4):
        try:
            total = total + math.sqrt(x - k)
        except ValueError:
            if k < 2:
                raise
    return total


@pytest.mark.parametrize("f", [uncaught, raised_in_handler, raised_again, through_finally, in_a_loop])
def test_raises_what_the_primal_raises(f: Callable[[float], float]) -> None:
    with pytest.raises(Exception) as wanted:
        f(-2.0)
    for derivative in (grad(f), lambda x: jvp(f, (x,), (1.0,)), lambda x: vjp(f, x)):
        with pytest.raises(type(wanted.value)) as got:
            derivative(-2.0)
        assert str(got.value) == str(wanted.value)
        assert type(got.value.__cause__) is type(wanted.value.__cause__)
    numeric.assert_close(grad(f)(3.5), (f(3.5 + 1e-6) - f(3.5 - 1e-6)) / 2e-6, 1e-8)  # the next call works


def of_three(x: Any) -> Any:
    a, b, c = x
    return a * b + c


@pytest.mark.parametrize("x", [np.ones(2), np.ones(4), [1.0, 2.0], [1.0] * 4, (1.0, 2.0)])
def test_unpacked_into_other_many_names(x: Any) -> None:
    for f in (of_three, grad(of_three)):
        with pytest.raises(ValueError):
            f(x)


def of_two(x: Any) -> Any:
    a, b = x
    return a * b


def test_unpacked_into_as_many_names() -> None:
    assert list(grad(of_two)([2.0, 3.0])) == [3.0, 2.0]
    assert list(grad(of_two)(np.array([2.0, 3.0]))) == [3.0, 2.0]


@pytest.mark.parametrize("make", [np.ones, lambda n: [1.0] * n], ids=["array", "list"])
@pytest.mark.parametrize(
    "call",
    [
        lambda d, x: d(x),
        lambda d, x: d(x=x),
        lambda d, x: d(x, 2.0),
        lambda d, x: d(x, k=2.0),
        lambda d, x: vjp(scaled_three, x)[0],
    ],
)
def test_what_was_made_for_one_length_is_not_used_for_another(call: Any, make: Any) -> None:
    d = grad(scaled_three)
    for n in (3, 4, 3, 2, 3):
        if n == 3:
            call(d, make(n))
            continue
        with pytest.raises(ValueError, match="values"):
            call(d, make(n))


def scaled_three(x: Any, k: float = 1.0) -> Any:
    a, b, c = x
    return a * b * c * k


def test_lengths_in_containers() -> None:
    def f(p: Any) -> Any:
        a, b = p["w"]
        return a * b * p["c"]

    d = grad(f)
    assert d({"w": np.array([1.0, 5.0]), "c": 2.0})["w"].tolist() == [10.0, 2.0]
    with pytest.raises(ValueError, match="values"):
        d({"w": np.ones(3), "c": 2.0})
    assert d({"w": np.array([1.0, 3.0]), "c": 2.0})["w"].tolist() == [6.0, 2.0]


def test_sizes_of_one_argument_are_compared_on_the_short_way() -> None:
    """A call that is known already asks for a size, and does not look its derivative up again."""
    d = grad(lambda u: np.sum((u[2:] - u[:-2]) ** 2))
    d(np.ones(6))
    looked = []
    slow, d._call = d._call, lambda *a: looked.append(a) or slow(*a)  # type: ignore[method-assign,func-returns-value]
    assert d(np.arange(5.0)).tolist() == [-4.0, -4.0, 0.0, 4.0, 4.0] and not looked


def after_no_trips(x: float, n: int) -> float:
    for i in range(n):
        y = x * i
    return y


def test_result_that_is_not_set() -> None:
    for f in (after_no_trips, grad(after_no_trips), value_and_grad(after_no_trips), jacfwd(after_no_trips)):
        with pytest.raises(UnboundLocalError):
            f(2.0, 0)
    assert grad(after_no_trips)(2.0, 4) == 3.0


def test_where_the_slope_is_infinite_no_handler_runs() -> None:
    """At zero the square root has a value but no slope: no handler of the primal's may run for that."""

    def f(x: float) -> float:
        try:
            y = math.sqrt(x)
        except Exception:
            y = 5.0 * x
        return y

    assert jvp(f, (0.0,), (1.0,)) == (0.0, 0.0)


def test_exception_first_raised_decides() -> None:
    def f(x: float, s: str) -> float:
        try:
            a = float(s)
            b = 1.0 / x
        except ValueError:
            return x * 2.0
        except ZeroDivisionError:
            return x * 3.0
        return a * b

    assert grad(f)(0.0, "no number") == 2.0
    assert grad(f)(0.0, "1.0") == 3.0
    numeric.assert_close(grad(f)(2.0, "3.0"), -0.75, 1e-14)


# ---- managers -------------------------------------------------------------------------------------------


def test_locks_are_held_and_released() -> None:
    def held(x: float) -> float:
        with LOCK:
            y = x * x
            if y > 100.0:
                raise Custom(100.0)
        LOCK.acquire()
        try:
            y = y * math.sin(x)
        finally:
            LOCK.release()
        return y

    numeric.assert_close(grad(held)(1.5), 3.0 * math.sin(1.5) + 2.25 * math.cos(1.5), 1e-14)
    with pytest.raises(Custom, match=r"over 100"):
        grad(held)(11.0)
    assert not LOCK.locked()
    assert "with lock:" in srcdiff.source(grad(held), 1.5).lower()


def test_files_are_read(tmp_path: Path) -> None:
    name = str(tmp_path / "scale.txt")
    Path(name).write_text("2.5")

    def from_file(x: float, name: str) -> float:
        try:
            with open(name) as f:
                text = f.read()
            scale = float(text)
        except FileNotFoundError:
            scale = 7.0
        return scale * x * x

    assert grad(from_file)(3.0, name) == 15.0
    assert grad(from_file)(3.0, name + "x") == 42.0


def test_managers_made_before() -> None:
    def held(x: float, strict: bool) -> float:
        manager = contextlib.nullcontext() if strict else contextlib.suppress(ValueError)
        y = x
        for k in range(2):
            with manager:
                y = y * x
                y = y + math.log(x - k)
        return y

    h = 1e-6
    numeric.assert_close(grad(held)(3.0, True), (held(3 + h, True) - held(3 - h, True)) / 2 / h, 1e-8)
    numeric.assert_close(grad(held)(0.7, False), (held(0.7 + h, False) - held(0.7 - h, False)) / 2 / h, 1e-8)
    with pytest.raises(ValueError, match="math domain error"):
        grad(held)(0.7, True)


def test_finally_is_printed_as_such() -> None:
    def f(x: float) -> float:
        try:
            y = np.exp(x) * x
        finally:
            print("done")
        return y * y

    def of_array(x: Any) -> Any:
        try:
            y = np.sum(np.exp(x) * x)
        finally:
            print("done")
        return y * y

    source = srcdiff.source(grad(of_array), np.ones(2))
    assert "    finally:\n        print('done')\n" in source
    with contextlib.redirect_stdout(io.StringIO()) as out:
        grad(f)(1.0)
    assert out.getvalue() == "done\n"


# ---- what is refused --------------------------------------------------------------------------------------


def fill(out: Any, v: float) -> None:
    out[0] = v
    out[1] = math.log(v)


def half_done(x: float) -> float:
    out = np.zeros(2)
    try:
        fill(out, x)
    except ValueError:
        out[1] = 1.0
    return np.sum(out * out)


def unknown_class(x: float, k: int, errors: list[Any]) -> float:
    try:
        y = math.log(x)
    except errors[int(x > k)]:
        y = x
    return y


def given_class(x: float, errors: list[Any]) -> float:
    try:
        y = math.log(x)
    except errors[0]:
        y = x * x
    return y


def test_classes_given_as_arguments() -> None:
    """The handler is that of the classes given at each call."""
    d = grad(given_class)
    assert d(2.0, [ValueError]) == 0.5
    assert d(-2.0, [ValueError]) == -4.0
    with pytest.raises(ValueError, match="math domain error"):
        d(-2.0, [KeyError])
    assert d(-2.0, [ValueError]) == -4.0


def carries(x: float) -> float:
    try:
        try:
            if x > 1.0:
                raise Custom(x * x)
            y = x
        finally:
            print("done")
    except Custom as e:
        y = e.limit * 2.0
    return y


def carries_text(x: float) -> float:
    try:
        if x > 1.0:
            raise ValueError(x * x)
        y = x
    except ValueError as e:
        y = float(str(e)) * 2.0
    return y


def half_of(x: float, depth: int) -> float:
    if depth > x:
        raise Custom(x * x)
    if depth > 50:
        return x
    return half_of(x / 2.0, depth + 1)


def carries_from_recursion(x: float) -> float:
    try:
        return half_of(x, 0)
    except Custom as e:
        return e.limit * 2.0


def stack(x: float) -> float:
    with contextlib.ExitStack() as s:
        s.callback(print)
        y = x * x
    return y


def chosen_at_run_time(x: float) -> float:
    lenient = contextlib.suppress(ValueError)
    strict = contextlib.nullcontext()
    y = x
    with lenient if x > 0.0 else strict:
        y = math.log(x)
    return y


def no_manager(x: float) -> float:
    with x * 2.0 as y:
        z = y * y
    return z


READ_OUT = "error[exception-value]: a number that depends on the arguments is read out of an exception"
REFUSED = [
    (half_done, (1.0,), "error[try]: what 'out' holds here depends on where in a try statement"),
    (carries, (2.0,), READ_OUT),
    (carries_text, (2.0,), READ_OUT),
    (carries_from_recursion, (2.0,), READ_OUT),
    (stack, (1.0,), "error[with]: this manager may hold an exception back"),
    (chosen_at_run_time, (1.0,), "error[with]: which manager this is is not known"),
    (no_manager, (1.0,), "error[with]: this is not a context manager"),
    (
        unknown_class,
        (1.0, 0, [ValueError, KeyError]),
        "error[except]: which exceptions are caught here is not known",
    ),
]


@pytest.mark.parametrize(("f", "args", "text"), REFUSED, ids=[f.__name__ for f, _, _ in REFUSED])
def test_refused(f: Any, args: tuple[Any, ...], text: str) -> None:
    with pytest.raises(SrcdiffError) as e:
        grad(f)(*args)
    assert text in str(e.value)
    assert "= help: " in str(e.value)
    assert f"{Path(__file__).name}:" in str(e.value)



def unused_factor(A):
    L = np.linalg.cholesky(A)  # noqa: F841  (nobody reads it: the gradient does not compute it)
    return np.sum(A**2)


def factor_that_decides(A):
    try:
        L = np.linalg.cholesky(A)  # noqa: F841
        y = 1.0
    except np.linalg.LinAlgError:
        y = 3.0
    return y * np.sum(A**2)


def test_what_raises_but_is_not_read() -> None:
    """Sliced away outside a try; inside one that decides something it stays."""
    A = -np.eye(2)
    with pytest.raises(np.linalg.LinAlgError):
        unused_factor(A)
    assert np.array_equal(srcdiff.grad(unused_factor)(A), 2.0 * A)
    assert np.array_equal(srcdiff.grad(factor_that_decides)(A), 6.0 * A)
    assert np.array_equal(srcdiff.grad(factor_that_decides)(-A), -2.0 * A)


def two_or_ends(x):
    try:
        a, b = x
    except ValueError:
        a, b = x[0], x[-1] * 2
    return a * b


def test_lengths_are_asked_where_the_error_is_caught() -> None:
    for first, then in ((2, 3), (3, 2)):
        g = grad(lambda x: two_or_ends(x)) if first == 2 else grad(two_or_ends)
        for n in (first, then):
            x = np.arange(2.0, 2.0 + n)
            wanted = np.zeros(n)
            wanted[0], wanted[-1] = (x[-1], x[0]) if n == 2 else (2 * x[-1], 2 * x[0])
            np.testing.assert_allclose(g(x), wanted)
