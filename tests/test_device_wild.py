"""Programs as people write them for NumPy, moved to the device by changing the arrays, and nothing else.

The default run takes a third of them; SRCDIFF_ALL=1 all, and with kernels.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from typing import Any

import cupy_mirror as cp
import mirror_kernels
import numpy as np
import pytest

pytest.importorskip("scipy")

import scipy.ndimage as ndi
import scipy.signal as sig
import scipy.special as sp

import fake_cupy
import numeric
from srcdiff import grad

ALL = bool(os.environ.get("SRCDIFF_ALL"))
R = np.random.default_rng(0)
PROGRAMS: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = []
ASKS = ("portfolio", "line_search")  # programs that ask for a value


def prog(*args: Any, wrt: Any = 0) -> Callable[..., Any]:
    def add(f: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS.append((f, args, wrt))
        return f

    return add


def n(*shape):
    return R.normal(size=shape)


class GP:
    def __init__(self, X, noise):
        self.X, self.noise = X, noise

    def kernel(self, ell, sf):
        d2 = np.sum(self.X**2, 1)[:, None] + np.sum(self.X**2, 1)[None] - 2 * self.X @ self.X.T
        return sf**2 * np.exp(-0.5 * np.maximum(d2, 0) / ell**2)

    def nll(self, theta, y):
        K = self.kernel(np.exp(theta[0]), np.exp(theta[1])) + self.noise * np.eye(len(y))
        L = np.linalg.cholesky(K)
        a = np.linalg.solve(L.T, np.linalg.solve(L, y))
        return 0.5 * y @ a + np.sum(np.log(np.diag(L))) + 0.5 * len(y) * np.log(2 * np.pi)


@prog(n(2) * 0.1, n(6, 2), n(6))
def gp_nll(theta, X, y):
    return GP(X, 1e-2).nll(theta, y)


@prog(n(4, 4), n(4, 4))
def convnet(w, img):
    k = w[:3, :3]
    y = sig.convolve2d(img, k, mode="same")
    y = np.maximum(y, 0)
    p = y.reshape(2, 2, 2, 2).max(axis=(1, 3))
    return np.sum(np.log1p(np.exp(p)))


@prog({"W1": n(3, 5), "b1": np.zeros(5), "W2": n(5, 2), "b2": np.zeros(2)}, n(7, 3), R.integers(0, 2, 7))
def mlp_dict(params, X, y):
    h = np.tanh(X @ params["W1"] + params["b1"])
    z = h @ params["W2"] + params["b2"]
    z = z - sp.logsumexp(z, axis=1, keepdims=True)
    loss = -np.mean(z[np.arange(len(y)), y])
    for k in params:
        loss = loss + 1e-3 * np.sum(params[k] ** 2)
    return loss


@prog(n(5), n(5, 3))
def newton_fit(w0, X):
    w = np.zeros(3)
    for _ in range(5):
        p = 1 / (1 + np.exp(-(X @ w)))
        H = X.T @ (X * (p * (1 - p))[:, None]) + 0.1 * np.eye(3)
        w = w - np.linalg.solve(H, X.T @ (p - w0) + 0.1 * w)
    return w @ w


@prog(n(6), n(6))
def kalman_scalar(z, q):
    x, P = 0.0, 1.0
    ll = 0.0
    for k in range(len(z)):
        P = P + np.exp(q[k])
        K = P / (P + 0.5)
        r = z[k] - x
        ll -= 0.5 * r * r / (P + 0.5) + 0.5 * np.log(P + 0.5)
        x = x + K * r
        P = (1 - K) * P
    return ll


@prog(n(8), 0.05)
def wave(u0, dt):
    u, v = u0, np.zeros_like(u0)
    hist = []
    for _ in range(10):
        lap = np.roll(u, 1) - 2 * u + np.roll(u, -1)
        v = v + dt * lap
        u = u + dt * v
        hist.append(u)
    return np.sum(np.array(hist) ** 2)


@prog(n(10, 2), n(3, 2))
def kmeans_soft(X, C):
    d = ((X[:, None] - C[None]) ** 2).sum(-1)
    a = sp.softmax(-d, axis=1)
    return (a * d).sum()


@prog(abs(n(5)) + 0.5, abs(n(5)) + 1)
def betabinom(a, b):
    return np.sum(sp.betaln(a + 2, b + 3) - sp.betaln(a, b) + sp.gammaln(a) - sp.digamma(b))


@prog(
    n(16),
)
def spectral(x):
    F = np.fft.rfft(x)
    p = np.abs(F) ** 2
    p = p / np.sum(p)
    return -np.sum(p * np.log(p + 1e-12))


@prog(n(6, 3), n(4), wrt=(0, 1))
def quat(P, q):
    q = q / np.linalg.norm(q)
    w, x, y, z = q
    Rm = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    Q = P @ Rm.T
    return np.sum(np.cross(P, Q) ** 2)


@prog(
    abs(n(7)) + 0.1,
)
def portfolio(w):
    w = w / np.sum(w)
    order = np.argsort(w)[::-1]
    top = w[order][:3]
    if top[0] > 0.9:
        return np.sum(w)
    dd = np.cumprod(1 + w * 0.1)
    peak = np.maximum.accumulate(dd)
    return np.sum(top) + np.max((peak - dd) / peak) + np.median(w) + np.percentile(w, 75)


@prog(n(4, 3, 3))
def batch_linalg(A):
    S = A @ np.swapaxes(A, 1, 2) + np.eye(3)
    w, _ = np.linalg.eigh(S)
    return np.sum(np.log(w)) + np.sum(np.linalg.inv(S) * 0.1) + np.sum(np.linalg.slogdet(S)[1])


@prog(n(9), np.array([0, 1, 1, 2]), np.array([3, 3, 4, 8]))
def graph_laplacian(x, src, dst):
    e = x[src] - x[dst]
    out = np.zeros_like(x)
    np.add.at(out, src, e)
    np.subtract.at(out, dst, e)
    deg = np.bincount(np.concatenate([src, dst]), minlength=len(x))
    return np.sum(out**2 / (1 + deg))


@prog(n(6), np.linspace(0, 1, 6))
def clip_interp(y, x):
    z = np.interp(np.array([0.1, 0.33, 0.8]), x, y)
    z = np.clip(z, -0.5, 0.5)
    w = np.where(np.isfinite(z), z, 0.0)
    return (
        np.sum(np.sign(w) * w**2)
        + np.trapezoid(y, x)
        + np.sum(np.diff(y, 2) ** 2)
        + np.sum(np.gradient(y) ** 2)
    )


@prog(n(5, 5))
def blur(img):
    g = ndi.gaussian_filter(img, 0.8)
    s = ndi.sobel(g, axis=0) ** 2 + ndi.sobel(g, axis=1) ** 2
    return np.mean(np.sqrt(s + 1e-6)) + np.sum(np.pad(g, 1, mode="reflect")[::2, ::2])


@prog(n(12), 3)
def lstm_like(x, hid):
    h = np.zeros(hid)
    c = np.zeros(hid)
    W = np.reshape(x, (4, hid))
    for _ in range(4):
        f, i, o, g = [1 / (1 + np.exp(-(W[k] + h))) for k in range(4)]
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    return np.dot(h, h)


@prog(n(3))
def line_search(x):
    step = 1.0
    f0 = np.sum(x**4)
    g = 4 * x**3
    while np.sum((x - step * g) ** 4) > f0 and step > 1e-3:
        step *= 0.5
    return np.sum((x - step * g) ** 4)


SOME = PROGRAMS if ALL else PROGRAMS[::3]


def check(f: Callable[..., Any], args: tuple[Any, ...], wrt: Any, backend: Any) -> None:
    wanted = grad(f, wrt=wrt)(*copy.deepcopy(args))
    before = len(cp.SYNCS)
    got = grad(f, wrt=wrt, backend=backend)(*cp.to_device(copy.deepcopy(args)))
    assert len(cp.SYNCS) == before or f.__name__ in ASKS
    numeric.assert_close(cp.to_host(got), wanted, 1e-8)


@pytest.mark.parametrize("f, args, wrt", SOME, ids=[p[0].__name__ for p in SOME])
def test_moved(f: Callable[..., Any], args: tuple[Any, ...], wrt: Any) -> None:
    check(f, args, wrt, "numpy")


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    mirror_kernels.within(monkeypatch)
    yield


@pytest.mark.skipif(
    not ALL or fake_cupy.COMPILER is None, reason="each kernel is compiled: with SRCDIFF_ALL=1"
)
@pytest.mark.parametrize("f, args, wrt", PROGRAMS, ids=[p[0].__name__ for p in PROGRAMS])
def test_moved_with_kernels(f: Callable[..., Any], args: tuple[Any, ...], wrt: Any, kernels: None) -> None:
    check(f, args, wrt, "cupy-fused")
