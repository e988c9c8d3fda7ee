"""The operations whose gradients are in golden_rules.txt: an expression in x (and y), and what these are."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["EXPRESSIONS", "VALUES"]

_vector, _matrix = np.linspace(0.2, 0.8, 4), np.linspace(0.2, 0.9, 12).reshape(3, 4)
VALUES: dict[str, Any] = {
    "x": _vector, "y": _vector[::-1].copy(), "s": 0.7, "A": _matrix, "B": _matrix[::-1].copy(),
    "S": np.eye(3) + 0.1 * np.arange(9.0).reshape(3, 3), "C": np.linspace(0.2, 0.9, 24).reshape(2, 3, 4),
    "i": np.array([2, 0, 1]), "m": np.array([True, False, True, True]),
}  # fmt: skip

EXPRESSIONS: list[str] = """
x + y
x - y
x * y
x / y
-x
abs(x)
x**2
x**3
x**0.5
x**1.5
2.0**x
x**y
x % y
s * x
x / s
np.exp(x)
np.exp2(x)
np.expm1(x)
np.log(x)
np.log2(x)
np.log10(x)
np.log1p(x)
np.sqrt(x)
np.cbrt(x)
np.square(x)
np.reciprocal(x)
np.sin(x)
np.cos(x)
np.tan(x)
np.arcsin(x)
np.arccos(x)
np.arctan(x)
np.arctan2(x, y)
np.sinh(x)
np.cosh(x)
np.tanh(x)
np.arcsinh(x)
np.arctanh(x)
np.hypot(x, y)
np.logaddexp(x, y)
np.maximum(x, y)
np.minimum(x, 0.5)
np.clip(x, 0.3, 0.6)
np.where(m, x, y)
np.where(x > 0.5, x, 0.0)
np.sinc(x)
np.sum(A)
np.sum(A, axis=0)
np.sum(A, axis=1, keepdims=True)
np.mean(A)
np.mean(A, axis=1)
np.var(A, axis=0)
np.std(x)
np.prod(x)
np.max(x)
np.max(A, axis=1)
np.cumsum(x)
np.cumprod(x)
np.diff(x)
np.average(A, axis=0)
np.median(x)
np.sort(x)
np.linalg.norm(x)
np.linalg.norm(A, axis=1)
x @ y
A @ x
A @ B.T
np.dot(A, x)
np.outer(x, y)
np.inner(x, y)
np.einsum('ij,j->i', A, x)
np.einsum('ij,ij', A, B)
np.tensordot(A, B, 2)
np.trace(S)
np.linalg.inv(S)
np.linalg.det(S)
np.linalg.slogdet(S)[1]
np.linalg.solve(S, A)
np.linalg.cholesky(S @ S.T)
np.linalg.eigvalsh(S @ S.T)
np.linalg.svd(A, compute_uv=False)
A.T
A.reshape(4, 3)
A.ravel()
A[1]
A[:, 0]
A[i]
x[1:]
x[::-1]
x[x > 0.5]
x[:, None] * y
A + x
A * x
C.transpose(2, 0, 1)
np.swapaxes(C, 0, 2)
np.squeeze(C[None])
np.expand_dims(x, 0)
np.broadcast_to(x, (3, 4))
np.tile(x, 2)
np.repeat(x, 3)
np.flip(x)
np.roll(x, 1)
np.concatenate((x, y))
np.stack((x, y))
np.hstack((x, y))
np.pad(x, 2)
np.diag(x)
np.triu(S)
np.take(A, i, axis=0)
np.convolve(x, y)
np.interp(x, y[::-1], y)
""".strip().splitlines()
