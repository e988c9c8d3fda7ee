"""Higher orders beside the peers, in one process, against the targets the project set itself.

    pip install -e ".[bench]" && python tests/benchmarks/bench_orders.py

JAX and PyTorch are compared where they are installed; a row says so where one is not. Threads are pinned to
one before NumPy loads.  Exits with status 1 where a target is missed.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import math
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from timing import Row, compare, seconds, show, spell

from srcdiff import derivative, grad, hessian, hvp, sparse_hessian

try:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
except ImportError:
    jax = None
try:
    import numba
except ImportError:
    numba = None
try:
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
except (ImportError, OSError):
    torch = None

ORDERS = (1, 2, 3, 4, 5)
AT = 0.7


def wave(x):
    return math.sin(x**2 + 2 * x + 1)


def repeated(take: Callable[[Any], Any], f: Any, order: int) -> Any:
    for _ in range(order):
        f = take(f)
    return f


def of_torch(order: int) -> Callable[[], float]:
    """The usual way: the graph of each gradient is kept for the next."""

    def call() -> float:
        x = torch.tensor(AT, requires_grad=True)
        y = torch.sin(x**2 + 2 * x + 1)
        for n in range(order):
            (y,) = torch.autograd.grad(y, x, create_graph=n + 1 < order)
        return float(y)

    return call


def orders() -> list[Row]:
    """Derivatives of orders one to five of sin(x**2 + 2*x + 1), of a float."""
    rows = []
    for n in ORDERS:
        ours = derivative(wave, order=n)
        t = seconds(lambda ours=ours: ours(AT), budget=0.3)
        peers: list[tuple[str, float, Callable[[], Any]]] = []
        theirs = repeated(autograd.grad, lambda x: anp.sin(x**2 + 2 * x + 1), n)
        peers.append(("autograd", 100.0, lambda theirs=theirs: theirs(AT)))
        if jax is not None:
            compiled = jax.jit(repeated(jax.grad, lambda x: jnp.sin(x**2 + 2 * x + 1), n))
            peers.append(("JAX jit", 8.0, lambda c=compiled: c(AT).block_until_ready()))
        if torch is not None:
            peers.append(("PyTorch", 50.0, of_torch(n)))
        for name, least, call in peers:
            compare(f"order {n}, {name}", ours(AT), float(call()))
            other = seconds(call, budget=0.3)
            what, ratio = f"order {n} of sin(x**2+2*x+1), {name}", other / t
            rows.append(Row(what, spell(t), spell(other), f"{ratio:.3g}x", f">= {least:g}x", ratio >= least))
    return rows


def ten_lines(x):
    a, b, s = x, 1.0, 0.0
    for _ in range(8):
        c = math.sin(a) * b
        d = c * c + 0.5
        b = math.exp(-d) + a / (1.0 + d)
        a = c - 0.1 * b
        s += a * b
        if s > 10.0:
            s *= 0.5
    return s


def making() -> Row:
    """The fifth derivative of a loop of ten lines, from its source to the first value."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SRCDIFF_CACHE"] = folder
        started = time.perf_counter()
        value = derivative(ten_lines, order=5)(0.3)
        t = time.perf_counter() - started
    assert math.isfinite(value)
    return Row("making order 5 of a 10-line loop", spell(t), "-", "", "< 1 s", t < 1.0)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def chained(xp: Any) -> Callable[[Any], Any]:
    """Rosenbrock's function in the peer's NumPy."""
    return lambda x: xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def dense() -> list[Row]:
    """The Hessian of Rosenbrock's function of 1,000 variables."""
    x = np.linspace(-1.0, 1.0, 1000)
    ours = hessian(rosenbrock)
    t = seconds(lambda: ours(x))
    rows = []
    theirs = autograd.hessian(chained(anp))
    compare("Hessian", ours(x), theirs(x))
    other = seconds(lambda: theirs(x))
    ratio = other / t
    what = "Hessian of Rosenbrock, n = 1,000, autograd"
    rows.append(Row(what, spell(t), spell(other), f"{ratio:.3g}x", ">= 10x", ratio >= 10))
    if jax is not None:
        compiled = jax.jit(jax.hessian(chained(jnp)))
        compare("Hessian, JAX", ours(x), np.asarray(compiled(x)))
        other = seconds(lambda: compiled(x).block_until_ready())
        rows.append(Row("the same, JAX jit", spell(t), spell(other), f"{other / t:.3g}x", "-", True))
        if numba is not None:
            made = hessian(rosenbrock, backend="numba")
            compare("Hessian, compiled", ours(x), made(x))
            t = seconds(lambda: made(x))
            other = min(other, seconds(lambda: compiled(x).block_until_ready()))
            ratio = other / t
            what = 'the same with backend="numba", JAX jit'
            rows.append(Row(what, spell(t), spell(other), f"{ratio:.3g}x", ">= 1x", ratio >= 1))
    return rows


def mlp(params, X, Y):
    h = np.tanh(X @ params["W1"] + params["b1"])
    return np.mean((h @ params["W2"] + params["b2"] - Y) ** 2)


def logistic(w, X, y):
    z = X @ w
    return np.mean(np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0.0) - y * z)


def products() -> list[Row]:
    """A Hessian times a vector, in units of the gradient."""
    rng = np.random.default_rng(0)
    params = {"W1": rng.normal(size=(64, 128)), "b1": np.zeros(128)}
    params |= {"W2": rng.normal(size=(128, 10)), "b2": np.zeros(10)}
    X, Y = rng.normal(size=(256, 64)), rng.normal(size=(256, 10))
    v = {k: rng.normal(size=p.shape) for k, p in params.items()}
    w, u = rng.normal(size=1000), rng.normal(size=1000)
    Z, y = rng.normal(size=(500, 1000)), (rng.random(500) > 0.5) * 1.0
    rows = []
    for what, f, args, vector in (
        ("HVP of an MLP, in gradients", mlp, (params, X, Y), v),
        ("HVP of logistic regression, 1,000 features", logistic, (w, Z, y), u),
    ):
        g, h = grad(f), hvp(f)
        one, two = seconds(lambda g=g, args=args: g(*args)), seconds(lambda h=h, a=args, v=vector: h(*a, v))
        ratio = two / one
        rows.append(Row(what, spell(two), f"gradient {spell(one)}", f"{ratio:.3g}x", "<= 3x", ratio <= 3))
    return rows


def extended(x):
    a, b = x[::2], x[1::2]
    return np.sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2)


def bratu(x):
    n = round(np.sqrt(x.size))
    u = x.reshape(n, n)
    r = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * u[1:-1, 1:-1] + np.exp(u[1:-1, 1:-1])
    return np.sum(r**2)


def sparse() -> list[Row]:
    """Sparse Hessians of 100,000 variables, when the pattern is known; making the pattern is beside."""
    rows = []
    for what, f, n in (
        ("extended Rosenbrock", extended, 100_000),
        ("chained Rosenbrock", rosenbrock, 100_000),
        ("Bratu's equation, 316 x 316", bratu, 316**2),
    ):
        x = np.random.default_rng(0).random(n)
        H = sparse_hessian(f)
        started = time.perf_counter()
        count = H.colouring(x).count
        first = time.perf_counter() - started
        t = seconds(lambda H=H, x=x: H(x))
        figure = f"{count} products; pattern {spell(first)}"
        rows.append(Row(f"sparse Hessian, {what}", spell(t), "-", figure, "< 1 s", t < 1.0))
    return rows


def main() -> int:
    rows = [*orders(), making(), *dense(), *products(), *sparse()]
    for name, module in (("JAX", jax), ("PyTorch", torch)):
        if module is None:
            print(f"{name} is not installed: not compared")
    show("higher orders, per call, one thread", "peer", rows)
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
