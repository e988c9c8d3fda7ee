"""Choices between numbers, and powers of arrays: texts that are quicker than the calls that rules write."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, jvp, source, value_and_grad

rng = np.random.default_rng(0)


def normalised(x: Any) -> Any:
    s = 0.0
    for _ in range(3):
        x = np.tanh(x / np.linalg.norm(x))
        s = s + x[0] * np.hypot(x[1], x[2])
    return s


def by_choice(x: Any) -> Any:
    s = x[0]
    for k in range(1, len(x)):
        a = np.where(s > 0.0, np.exp(-x[k]), 0.0)
        b = np.where(x[k] > 0.0, x[k] * s, np.sin(s))
        s = x[k] * a + s * b
    return s


def divided_by_choice(x: Any) -> Any:
    return x[0] / np.where(x[1] > 0.0, 0.0, x[1])


def powers(x: Any) -> Any:
    y = np.sum(x**3 * np.cos(x**4)) + np.sum((1.5 + np.sin(x)) ** -5.0)
    for _ in range(2):
        x = (0.1 * x) ** 7 + x
    return y + np.sum(x**12 + x**6)


def code(d: Any, x: Any) -> str:
    """The text of a derivative without comments."""
    return "\n".join(line.split("#")[0] for line in source(d, x).splitlines())


@pytest.mark.parametrize("f", [normalised, by_choice, powers], ids=lambda f: f.__name__)
def test_derivatives(f: Any) -> None:
    for _ in range(3):
        x, v = rng.normal(size=(2, 5))
        slope = (f(x + 1e-6 * v) - f(x - 1e-6 * v)) / 2e-6
        assert np.vdot(grad(f)(x), v) == pytest.approx(slope, rel=1e-6, abs=1e-7)
        assert jvp(f, (x,), (v,))[1] == pytest.approx(slope, rel=1e-6, abs=1e-7)

        def along(x: Any, f: Any = f, v: Any = v) -> Any:
            return np.vdot(grad(f)(x), v)

        curve = (grad(f)(x + 1e-6 * v) - grad(f)(x - 1e-6 * v)) / 2e-6
        np.testing.assert_allclose(grad(along)(x), curve, rtol=1e-5, atol=1e-6)


def test_choices_of_numbers_are_pythons() -> None:
    x = rng.normal(size=5)
    text = code(grad(normalised), x)
    assert "np.inf if" in text and "np.where" not in text


def scaled_squares(x: Any, c: Any) -> Any:
    y = np.sum(0.5 * x * x) + np.sum(x * (3 * x)) + 0.5 * c * x[0] * x[0]
    for k in range(2):
        x = np.tanh(x) - c * x * x
        y = y + 0.3 * x[k] * x[k] * y
    return y + np.sum(x[1:] * (x[:-1] * 2.0))


def test_a_square_times_a_number_goes_back_as_one_product() -> None:
    x, c = 0.3 * rng.normal(size=5), 0.7
    text = source(grad(scaled_squares), x, c)
    assert "x_bar += y_bar * x\n" in text and "x * (6.0 * y_bar)" in text and "0.6 * " in text
    shifts = 1e-6 * np.eye(5)
    slopes = [(scaled_squares(x + e, c) - scaled_squares(x - e, c)) / 2e-6 for e in shifts]
    np.testing.assert_allclose(grad(scaled_squares)(x, c), slopes, rtol=1e-6, atol=1e-8)
    slope = (scaled_squares(x, c + 1e-6) - scaled_squares(x, c - 1e-6)) / 2e-6
    assert grad(scaled_squares, wrt="c")(x, c) == pytest.approx(slope, rel=1e-6)
    assert jvp(lambda x: scaled_squares(x, c), (x,), (np.ones(5),))[1] == pytest.approx(sum(slopes), rel=1e-6)
    curve = grad(lambda x: np.sum(grad(scaled_squares)(x, c)))(x)
    bend = grad(scaled_squares)(x + 1e-5, c) - grad(scaled_squares)(x - 1e-5, c)
    np.testing.assert_allclose(curve, bend / 2e-5, rtol=1e-6, atol=1e-8)


def far(x: Any, y: Any) -> Any:
    return np.hypot(x, y)


def test_a_choice_beside_a_number_of_pythons() -> None:
    assert "np.where" not in source(grad(far), 0.3, 0.4)
    for x, y, slope in ((0.3, 0.4, 0.6), (0.0, 0.0, 0.0), (-1.0, 0.0, -1.0)):
        got = grad(far)(x, y)
        assert got == pytest.approx(slope) and isinstance(got, np.float64)


def test_a_choice_of_zero_divides_as_numpys_does() -> None:
    """``x / 0.0`` of Python's numbers raises; here it goes on, as the program does."""
    x = np.array([2.0, 1.0])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        assert divided_by_choice(x) == np.inf
        np.testing.assert_array_equal(grad(divided_by_choice)(x)[0], np.inf)


def test_values_are_to_the_bit() -> None:
    """A power of which the value returned is made, or by which the program decides, stays a power."""
    x = rng.normal(size=500)
    assert value_and_grad(powers)(x)[0] == powers(x)
    assert "** 7" not in code(grad(powers), x)

    def decides(x: Any) -> Any:
        y = x**5
        return np.sum(y) if np.sum(x**3) > 0.3 else np.sum(y * y)

    text = code(grad(decides), x)
    assert "x**3" in text and "x**5" not in text


@pytest.mark.parametrize("n", [*range(-12, -1), *range(3, 13)])
def test_powers_to_the_last_places(n: int) -> None:
    x = np.array([-2.0, -0.5, -1e-20, -0.0, 0.0, 3.0, 1e20, 0.3, np.inf, -np.inf, np.nan])

    def f(x: Any) -> Any:
        return np.sum(np.exp(x**n))  # (the slope is that power times another)

    with np.errstate(all="ignore"):
        expected = np.exp(x**n) * (n * x ** (n - 1))
        np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-11)


def picks(z: Any, y: Any) -> Any:
    return np.sum(np.sin(z[np.arange(len(y)), y])) + np.sum(z**2)


def embeds(z: Any, y: Any) -> Any:
    return np.sum(np.tanh(z[y].mean(axis=0)))


def embeds_twice(z: Any, y: Any) -> Any:
    return np.sum(np.sin(z[np.stack((y, y[::-1]))]) * np.arange(3.0)) + np.sum(z[y[:2]] ** 2)


@pytest.mark.parametrize("f", [picks, embeds, embeds_twice], ids=lambda f: f.__name__)
def test_places_from_a_list(f: Any) -> None:
    """Repeated places count as often as they stand, negative ones from behind."""
    z, v = rng.normal(size=(2, 4, 3))
    for y in (np.array([0, 2, 1, 2]), np.array([2, 2, -1, 2]), np.array([-3, 0, -3, 1])):
        slope = (f(z + 1e-6 * v, y) - f(z - 1e-6 * v, y)) / 2e-6
        assert np.vdot(grad(f)(z, y), v) == pytest.approx(slope, rel=1e-6, abs=1e-7)
        single = grad(f)(z.astype("f4"), y)
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, grad(f)(z, y), rtol=1e-4, atol=1e-4)
        curve = (grad(f)(z + 1e-6 * v, y) - grad(f)(z - 1e-6 * v, y)) / 2e-6

        def along(z: Any, f: Any = f, v: Any = v, y: Any = y) -> Any:
            return np.vdot(grad(f)(z, y), v)

        np.testing.assert_allclose(grad(along)(z), curve, rtol=1e-5, atol=1e-6)
    with pytest.raises(IndexError):
        grad(f)(z, np.array([0, 1, 2, 9]))


def test_places_are_written_or_counted() -> None:
    z, y = rng.normal(size=(4, 3)), np.array([0, 2, 1, 2])
    assert "add.at" not in source(grad(picks), z, y)
    assert "untake" in source(grad(embeds), z, y)
