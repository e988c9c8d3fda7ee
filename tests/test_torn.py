"""``+`` and ``*`` of what is a list on one path and an array on another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from srcdiff import grad, jvp
from srcdiff.errors import UnsupportedSyntax

X = np.array([0.7, 1.3, 0.4])


def joined(x, listed):
    if listed:
        y, w = [x[0], x[1] * 2], [x[2], x[0] * 3]
    else:
        y, w = x[:2] * 3.0, x[1:] * 2
    s = 0.0
    for e in y + w:
        s = s * 0.5 + e * e
    return s


def repeated(x, listed):
    y = [x[0], x[1] * 2] if listed else x[:2] * 3.0
    z = y * 2
    return z[0] * z[1] + z[-1] * len(z)


def grown(x, listed):
    y = [x[0], x[1] * 2] if listed else x[:2] * 3.0
    y += y
    return y[0] * y[1] + len(y) * y[-1]


def with_array(x):
    y = [x[0], x[1]] if x[2] > 0 else x[:2] * 3.0
    z = y + x[:2]
    return z[0] * z[1]


def torn(x):
    y = [x[0], x[1]] if x[2] > 0 else x[:2] * 3.0
    z = y + y
    return z[0] * z[1]


def torn_in_place(x):
    y = [x[0], x[1]] if x[2] > 0 else x[:2] * 3.0
    y *= 2
    return y[0] * y[1]


def torn_in_loop(x, n=40):
    y = [x[0], x[1]]
    for k in range(n):
        if x[k % 3] > 1:
            y = np.array(y)
        y = y + y
    return y[0] * y[1]


def check(f: Any, x: Any, *args: Any) -> None:
    steps = 1e-6 * np.eye(len(x))
    expected = [(f(x + h, *args) - f(x - h, *args)) / 2e-6 for h in steps]
    np.testing.assert_allclose(grad(f)(x, *args), expected, rtol=1e-6, atol=1e-8)
    tangents = [jvp(f, (x, *args), v, wrt="x")[1] for v in np.eye(len(x))]
    np.testing.assert_allclose(tangents, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("f", [joined, repeated, grown])
def test_what_an_argument_decides_is_read_for_it(f: Any, listed: bool) -> None:
    check(f, X, listed)


def test_beside_an_array_a_list_is_one() -> None:
    check(with_array, X)
    check(with_array, -X)


@pytest.mark.parametrize("f", [torn, torn_in_place, torn_in_loop])
def test_what_data_decides_is_refused(f: Any) -> None:
    for derivative in (grad(f), lambda x: jvp(f, (x,), (x,))):
        with pytest.raises(UnsupportedSyntax, match="may be a list or an array"):
            derivative(X)
