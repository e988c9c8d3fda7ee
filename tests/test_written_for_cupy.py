"""Programs written with ``import cupy as cp``, as people write them (``cp`` is the stand-in here)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cupy_mirror as cp
import cupy_mirrorx as cupyx
import cupy_mirrorx.scipy.linalg
import numpy as np
import pytest
from cupy_mirrorx.scipy import special
from cupy_mirrorx.scipy.special import erf, logsumexp

import srcdiff
from srcdiff import grad
from srcdiff.backends import cupy_own
from srcdiff.errors import SrcdiffError

R = np.random.default_rng(0)
V, W, PLACES = R.normal(size=6), R.normal(size=(6, 4)), np.array([0, 2, 2, 5])
square_kernel = cp.ElementwiseKernel("float64 x", "float64 y", "y = x * x", "square_kernel")


def module_of_the_array(x):
    xp = cp.get_array_module(x)
    y = xp.zeros_like(x)
    y[1:] = xp.tanh(x[:-1])
    if xp is cp:
        y *= 2.0
    return xp.sum(y**2)


def functions_imported_by_name(x):
    return cp.sum(erf(x)) + logsumexp(x) + special.gammaln(cp.abs(x) + 1.0).sum()


def sums_at_places(x):
    y = cp.zeros(6)
    cupyx.scatter_add(y, PLACES_THERE, x[PLACES_THERE] * 2.0)
    cp.add.at(y, PLACES_THERE, x[:4])
    return cp.sum(y * y)


def by_the_method(x):
    y = x * 0.5
    y.scatter_add(PLACES_THERE, x[1:5])
    return y.dot(y)


def systems(x):
    a = x.reshape(3, 2).T @ x.reshape(3, 2) + cp.eye(2)
    factors = cupyx.scipy.linalg.lu_factor(a)
    s = cupyx.scipy.linalg.lu_solve(factors, cp.ones(2))
    return cp.linalg.norm(s) + cp.linalg.slogdet(a)[1] + cupyx.rsqrt(x**2 + 1.0).sum()


def read_back(x):
    s = float(cp.sum(x**2))
    t = cp.sum(cp.abs(x)).item()
    return cp.sum(x) * s if t > 1.0 else cp.sum(x**3)


def either_module(x):
    xp = cp if isinstance(x, cp.ndarray) else np
    return xp.sum(xp.where(x > 0, x, 0.1 * x) ** 2)


def masked(x):
    (i,) = cp.where(x > 0)
    return cp.sum(x[x > 0] ** 2) + cp.sum(x.take(i))


def old_names(x):
    return cp.trapz(x * x) + cp.sum(x) * (cp.NaN if cp.in1d(cp.arange(2), cp.arange(3)).sum() > 2 else 1.0)


PLACES_THERE = cp.asarray(PLACES)
RUN: list[Callable[..., Any]] = [
    module_of_the_array, functions_imported_by_name, sums_at_places, by_the_method, systems, read_back,
    either_module, masked,
]  # fmt: skip


@pytest.mark.parametrize("f", RUN, ids=lambda f: f.__name__)
def test_runs(f: Callable[..., Any]) -> None:
    got = cp.to_host(grad(f)(cp.asarray(V)))
    steps = np.eye(6) * 1e-6
    there = f if f is not by_the_method else by_the_method_by_hand
    wanted = [float(there(cp.asarray(V + h)) - there(cp.asarray(V - h))) / 2e-6 for h in steps]
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-7)


def by_the_method_by_hand(x):
    y = x * 0.5
    cp.add.at(y, PLACES_THERE, x[1:5])
    return cp.sum(y * y)


def test_names_that_numpy_dropped() -> None:
    np.testing.assert_allclose(cp.to_host(grad(old_names)(cp.asarray(V)))[1:-1], 2 * V[1:-1] + 1.0)
    for name, own in cupy_own.RENAMED.items():
        assert hasattr(np, own) and name in dir(cp)


def copied_to_the_host(x):
    return np.sum(cp.asnumpy(x) ** 2)


def copied_by_the_method(x):
    return np.sum((x * x).get())


def own_kernel(x):
    return cp.sum(square_kernel(x))


def kernel_made_inside(x):
    square = cp.RawKernel('extern "C" __global__ void f(const double* x, double* y) { }', "f")
    y = cp.empty_like(x)
    square((1,), (6,), (x, y))
    return cp.sum(y)


def on_a_stream(x):
    with cp.cuda.Stream(non_blocking=True):
        y = cp.exp(x)
    return cp.sum(y)


def on_a_device(x):
    with cp.cuda.Device(1):
        return cp.sum(cp.exp(x))


def memory_given_back(x):
    y = cp.exp(x)
    cp.get_default_memory_pool().free_all_blocks()
    return cp.sum(y)


def copied_at_each_call(x):
    return cp.sum(x * cp.asarray(V))


@pytest.mark.parametrize("f, words, to_do", [
    (copied_at_each_call, "'V' is an array of numpy", "V = cupy_mirror.asarray(V)"),
    (copied_to_the_host, "asnumpy copies an array from the device to the host", "leave it out"),
    (copied_by_the_method, "the array method 'get' copies an array", "leave it out"),
    (own_kernel, "square_kernel is a kernel of your own", "give that function a rule"),
    (kernel_made_inside, "RawKernel is a kernel of your own", "give that function a rule"),
    (on_a_stream, "cp.cuda.Stream is not a part of what is differentiated", "around the call"),
    (on_a_device, "cp.cuda.Device is not a part of what is differentiated", "around the call"),
    (memory_given_back, "get_default_memory_pool is not a part", "outside of the function"),
])  # fmt: skip
def test_refused(f: Callable[..., Any], words: str, to_do: str) -> None:
    with pytest.raises(SrcdiffError) as caught:
        grad(f)(cp.asarray(V))
    problem = caught.value.problems[0]
    first = f.__code__.co_firstlineno
    assert words in problem.what and to_do in (problem.help or ""), str(caught.value)
    assert first < problem.line < first + 4 and problem.file == __file__


def test_asnumpy_of_numpys_arrays() -> None:
    np.testing.assert_allclose(grad(copied_to_the_host)(V), 2 * V)


class Kernel(cp.ElementwiseKernel):
    def __call__(self, x: Any) -> Any:
        return cp.ndarray(x._a**2)


cubed = Kernel()


def by_kernel(x):
    return cubed(x)


def test_a_kernel_with_a_rule() -> None:
    """As the refusal says: a function that calls the kernel, and a rule for that."""

    @srcdiff.elementwise(by_kernel)
    def by_kernel_rule(x):
        return 2.0 * x

    g = grad(lambda x: cp.sum(by_kernel(x) * x))(cp.asarray(V))
    np.testing.assert_allclose(cp.to_host(g), 3 * V**2)
