"""Jacobians of functions of which only a run tells what they return."""

import numpy as np
import pytest
import scipy.signal

from srcdiff import grad, hessian, jacfwd, jacobian, jacrev, vmap

SECTIONS = scipy.signal.butter(2, 0.3, output="sos")


def differences(f, x, h=1e-6):
    columns = []
    for at in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[at] = h
        columns.append((np.asarray(f(x + e)) - np.asarray(f(x - e))) / (2 * h))
    return np.moveaxis(columns, 0, -1).reshape(np.shape(f(x)) + x.shape)


def unwrapped(x):
    return np.unwrap(x, axis=0) * x


def slopes(x):
    return np.polynomial.chebyshev.chebder(x)


def filtered(x):
    return scipy.signal.sosfilt(SECTIONS, x)


def any_rank(x, n):
    if n == 0:
        return 0.0
    if n == 1:
        return x[0] * 2
    return np.outer(x, x)


def pair_or_array(x):
    if x[0] > 0:
        return x, x
    return x


def both(x):
    return np.unwrap(x * x), np.sum(x)


ANGLES = np.array([[0.1, 4.0, 9.0], [1.0, -5.0, 2.0]])
CASES = [
    (unwrapped, ANGLES), (slopes, ANGLES[0]), (filtered, ANGLES[0]),
    *((lambda x, n=n: any_rank(x, n), ANGLES[1]) for n in range(3)),
]  # fmt: skip


@pytest.mark.parametrize("transform", [jacfwd, jacrev, jacobian])
@pytest.mark.parametrize("f, x", CASES)
def test_jacobian_is_that_of_differences(transform, f, x):
    got, expected = transform(f)(x), differences(f, x)
    assert np.shape(got) == np.shape(f(x)) + x.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("transform", [jacfwd, jacrev])
def test_nested(transform):
    def energy(x):
        return np.sum(transform(unwrapped)(x) ** 2)

    np.testing.assert_allclose(grad(energy)(ANGLES), differences(energy, ANGLES), rtol=1e-5, atol=1e-5)
    second = differences(jacrev(unwrapped), ANGLES)
    np.testing.assert_allclose(jacfwd(transform(unwrapped))(ANGLES), second, rtol=1e-5, atol=1e-5)
    assert vmap(transform(slopes))(ANGLES).shape == (2, 2, 3)


def test_parts_of_the_result():
    got = jacrev(both)(ANGLES[0])
    np.testing.assert_allclose(got[0], np.diag(2 * ANGLES[0]))
    np.testing.assert_allclose(got[1], np.ones(3))


@pytest.mark.parametrize("transform", [jacfwd, jacrev])
def test_container_is_refused_in_the_run(transform):
    np.testing.assert_allclose(transform(pair_or_array)(-ANGLES[0]), np.eye(3))
    with pytest.raises(TypeError, match="needs a number or an array as its result, not a tuple"):
        transform(pair_or_array)(ANGLES[0])


def test_hessian_of_an_array_is_refused_in_the_run():
    with pytest.raises(TypeError, match="single number as its result, not an array"):
        hessian(filtered)(ANGLES[0])


def test_hessian_of_an_array_whose_type_follows_from_types():
    second = differences(jacrev(unwrapped), ANGLES)
    np.testing.assert_allclose(hessian(unwrapped)(ANGLES), second, rtol=1e-5, atol=1e-5)
