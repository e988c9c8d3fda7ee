"""Array programs: methods, broadcasting, reductions, shapes, indexing, masks, linear algebra."""

import numpy as np
import numpy as xp
from numpy.linalg import solve

from corpus.program import Program

rng = np.random.default_rng(7)


def methods(x):
    return x.sum() + x.mean() * x.max() - x.std() + (x * x).var()


def methods_axis(A):
    return (A.sum(axis=0) * A.mean(axis=0)).sum() + (A.max(axis=1) ** 2).sum()


def shapes(x):
    A = x.reshape(2, -1)
    B = A.T @ A
    return B.ravel() @ np.arange(B.size) / x.shape[0] + A.ndim * x.size


def outer_difference(x, y):
    d = x[:, None] - y[None, :]
    return np.sum(np.exp(-d * d))


def broadcast_bias(A, b, c):
    return np.sum(np.sin(A + b) * c)


def broadcast_column(A, col):
    return np.sum((A * col) ** 2 + col)


def broadcast_scalar(x, s):
    return np.sum(s * x + s / (x * x + 1.0) - s)


def keepdims(A):
    centred = A - A.mean(axis=1, keepdims=True)
    return np.sum(centred**2 / (1.0 + np.sum(centred**2, axis=1, keepdims=True)))


def standardise(A):
    Z = (A - A.mean(axis=0)) / A.std(axis=0)
    return np.sum(Z**3)


def log_sum_exp(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def slices(x):
    return np.sum((x[2:] - 2.0 * x[1:-1] + x[:-2]) ** 2) + np.sum(x[::2] * x[1::2])


def reversed_slice(x):
    return np.sum(x * x[::-1] * np.arange(x.shape[0])) + x[-1] * x[0]


def matrix_entries(A):
    return A[0, 1] * A[1, 0] + A[-1, -1] * A[0][2] + np.sum(A[1] * A[:, 1][0])


def fancy(x, idx):
    y = x[idx]
    return np.sum(y * y * np.arange(len(idx)))


def fancy_rows(E, tokens):
    v = E[tokens]
    return np.sum(v.mean(axis=0) ** 2)


def pick(scores, labels):
    n = scores.shape[0]
    return scores[np.arange(n), labels].sum() - np.log(np.exp(scores).sum(axis=1)).sum()


def mask_sum(x):
    return np.sum(x[x > 0.0] ** 2) - np.sum(x[x <= 0.0])


def where(x, y):
    return np.sum(np.where(x > y, x * y, x - y**2))


def where_scalar(x, s):
    return np.sum(np.where(x > 0.0, s, x) * x)


def clipped(x):
    return np.sum(np.clip(x, -0.5, 0.8) ** 3) + np.sum(np.maximum(x, 0.1) * np.minimum(x, 0.2))


def quadratic_form(A, x):
    return x @ A @ x + np.dot(A, x) @ x - np.vdot(x, x) * np.inner(x, x)


def matrix_products(A, B):
    C = A @ B
    return np.sum(C * C) + np.trace(C @ C.T) + np.dot(A, B)[0, 0]


def einsum_chain(A, B, v):
    return np.einsum("ij,jk,k->", A, B, v) + np.einsum("ij,ij->i", A, A).sum()


def batched(A, B):
    return np.sum(np.tanh(A @ B)) + np.sum(np.einsum("bij,bjk->bik", A, B) ** 2)


def tensordot(A, B):
    return np.sum(np.tensordot(A, B, axes=2) ** 2) + np.sum(np.outer(A[0], B[0]) ** 2)


def stacked(x, y):
    s = np.stack([x, y, x * y])
    c = np.concatenate([x, y[1:]])
    return np.sum(s**2) + c @ c * c[-1] + np.vstack([x, y]).sum() + np.hstack((x, y)) @ np.arange(2 * len(x))


def transposed(T):
    return (
        np.sum(np.transpose(T, (2, 0, 1))[0] ** 2)
        + np.sum(np.swapaxes(T, 0, 1)[1] ** 3)
        + np.moveaxis(T, 0, -1)[0, 0, 0]
    )


def added_axes(x):
    col = np.expand_dims(x, 1)
    row = x[np.newaxis]
    return np.sum(np.squeeze(row) * x) + np.sum(col @ row) + np.sum(col[..., 0] ** 3)


def rolled(u, k):
    lap = np.roll(u, 1) - 2.0 * u + np.roll(u, -1)
    return np.sum((u + k * lap) ** 2)


def padded(x):
    p = np.pad(x, 1)
    q = np.pad(x, (2, 0))
    return np.sum((p[:-2] + p[2:]) ** 2) + np.sum(q**2)


def repeated(x):
    return np.sum(np.tile(x, 2) * np.arange(2 * len(x))) + np.sum(np.repeat(x, 3) ** 2)


def cumulative(x):
    return np.sum(np.cumsum(x) ** 2) + np.sum(np.cumprod(x)) + np.sum(np.diff(x) ** 2)


def prefix_axis(A):
    return np.sum(np.cumsum(A, axis=0)[:, 0] * np.cumsum(A, axis=1)[0, 0])


def sorted_weights(x, w):
    return np.sum(np.sort(x) * w) + np.sum(x[np.argsort(x)][:2] ** 2)


def solved(A, b):
    x = solve(A, b)
    return x @ x


def inverse_determinant(A):
    return np.trace(np.linalg.inv(A)) + np.linalg.det(A) / 10.0 + np.linalg.slogdet(A)[1]


def cholesky(A):
    S = A @ A.T + 3.0 * np.eye(A.shape[0])
    L = np.linalg.cholesky(S)
    return np.sum(np.log(np.diag(L))) + L[1, 0]


def norms(x, A):
    return np.linalg.norm(x) + np.linalg.norm(A) * np.linalg.norm(x, 1) + np.linalg.norm(A, axis=1).sum()


def product_reduction(x):
    return np.prod(x) + x.prod() * x.min() + np.mean(x, dtype=float)


def alias(x):
    return xp.sum(xp.exp(x) * xp.tanh(x)) / xp.sqrt(xp.sum(x * x))


def created(x):
    base = np.zeros_like(x) + np.ones(x.shape) * 0.5 + np.full(len(x), 0.1)
    grid = np.linspace(0.0, 1.0, len(x))
    return np.sum((x - base) ** 2 * grid) + np.sum(np.eye(len(x)) @ x)


def from_scalars(x, y):
    v = np.array([x, y, x * y])
    return np.sum(v * v) / np.max(v)


def rotation(theta, p):
    c, s = np.cos(theta), np.sin(theta)
    R = np.array([[c, -s], [s, c]])
    q = R @ p
    return q[0] ** 3 + q[1]


def float_conversion(x):
    n = float(np.sum(x * x))
    return n * n + float(x[0]) * x[1].item()


def polynomial_features(x):
    P = np.stack([x, x**2, x**3], axis=1)
    return np.sum(P @ np.array([0.3, -0.2, 0.1]))


def bilinear_lookup(grid, u, v):
    i, j = int(u), int(v)
    a, b = u - i, v - j
    top = grid[i, j] * (1.0 - b) + grid[i, j + 1] * b
    bottom = grid[i + 1, j] * (1.0 - b) + grid[i + 1, j + 1] * b
    return top * (1.0 - a) + bottom * a


def masked_mean(A):
    mask = A > 0.0
    return np.sum(A * mask) / np.sum(mask) + np.sum(A[mask]) * 0.1


def ellipsis(T):
    return np.sum(T[..., 0] ** 2) + np.sum(T[0, ..., 1:] ** 3)


def split_halves(x):
    a, b = np.split(x, 2)
    return np.sum(a * b) + a[0] + b[1] ** 2


def extremes(A):
    return np.sum(np.max(A, axis=0)) * np.min(A) + A[np.argmax(A[:, 0]), 0]


def converted(x):
    y = x.astype(np.float64)
    return np.sum(y * y)


def shape_unpacked(A):
    n, m = A.shape
    return np.sum(A) / (n * m) + np.sum(A[: n // 2] ** 2)


def triangular(A):
    return np.sum(np.triu(A) ** 2) + np.sum(np.tril(A, -1) * 0.5) + np.trace(A) + np.diag(A) @ np.diag(A)


x6, y6 = rng.normal(size=6), rng.normal(size=6)
A34, A33 = rng.normal(size=(3, 4)), rng.normal(size=(3, 3)) + 3.0 * np.eye(3)
T234 = rng.normal(size=(2, 3, 4))

PROGRAMS = [
    Program("methods", methods, (x6,)),
    Program("methods_axis", methods_axis, (A34,)),
    Program("shapes", shapes, (x6,)),
    Program("outer_difference", outer_difference, (x6, y6[:4].copy()), (0, 1)),
    Program("broadcast_bias", broadcast_bias, (A34, rng.normal(size=4), rng.normal(size=(3, 1))), (0, 1, 2)),
    Program("broadcast_column", broadcast_column, (A34, rng.normal(size=(3, 1))), (0, 1)),
    Program("broadcast_scalar", broadcast_scalar, (x6, 0.7), (0, 1)),
    Program("keepdims", keepdims, (A34,)),
    Program("standardise", standardise, (A34,)),
    Program("log_sum_exp", log_sum_exp, (x6,)),
    Program("slices", slices, (x6,)),
    Program("reversed_slice", reversed_slice, (x6,)),
    Program("matrix_entries", matrix_entries, (A34,)),
    Program("fancy", fancy, (x6, np.array([0, 2, 2, 5, -1]))),
    Program("fancy_rows", fancy_rows, (A34, np.array([0, 2, 0, 1]))),
    Program("pick", pick, (A34, np.array([3, 0, 1]))),
    Program("mask_sum", mask_sum, (np.array([0.4, -0.9, 1.3, -0.2, 0.7]),)),
    Program("where", where, (x6, y6), (0, 1)),
    Program("where_scalar", where_scalar, (np.array([0.4, -0.9, 1.3, -0.2]), 0.6), (0, 1)),
    Program("array_clipped", clipped, (np.array([-0.9, -0.3, 0.4, 0.15, 1.2]),)),
    Program("quadratic_form", quadratic_form, (A33, rng.normal(size=3)), (0, 1)),
    Program("matrix_products", matrix_products, (A34, rng.normal(size=(4, 3))), (0, 1)),
    Program("einsum_chain", einsum_chain, (A34, rng.normal(size=(4, 2)), rng.normal(size=2)), (0, 1, 2)),
    Program("batched", batched, (T234, rng.normal(size=(2, 4, 3))), (0, 1)),
    Program("tensordot", tensordot, (A34, rng.normal(size=(3, 4))), (0, 1)),
    Program("stacked", stacked, (x6, y6), (0, 1)),
    Program("transposed", transposed, (T234,)),
    Program("added_axes", added_axes, (x6,)),
    Program("rolled", rolled, (x6, 0.3), (0, 1)),
    Program("padded", padded, (x6,)),
    Program("repeated", repeated, (x6,)),
    Program("cumulative", cumulative, (x6,)),
    Program("prefix_axis", prefix_axis, (A34,)),
    Program("sorted_weights", sorted_weights, (x6, y6), (0, 1)),
    Program("solved", solved, (A33, rng.normal(size=3)), (0, 1)),
    Program("inverse_determinant", inverse_determinant, (A33,)),
    Program("cholesky", cholesky, (A33,)),
    Program("norms", norms, (np.array([0.4, -0.9, 1.3, -0.2]), A34), (0, 1)),
    Program("product_reduction", product_reduction, (x6,)),
    Program("numpy_alias", alias, (x6,)),
    Program("created", created, (x6,)),
    Program("from_scalars", from_scalars, (0.8, 1.3), (0, 1)),
    Program("rotation", rotation, (0.6, np.array([1.2, -0.4])), (0, 1)),
    Program("float_conversion", float_conversion, (x6,)),
    Program("polynomial_features", polynomial_features, (x6,)),
    Program("bilinear_lookup", bilinear_lookup, (A34, 1.3, 1.6), (0, 1, 2)),
    Program("masked_mean", masked_mean, (A34,)),
    Program("ellipsis", ellipsis, (T234,)),
    Program("split_halves", split_halves, (x6,)),
    Program("extremes", extremes, (A34,)),
    Program("astype", converted, (x6,)),
    Program("shape_unpacked", shape_unpacked, (A34,)),
    Program("triangular", triangular, (A33,)),
    Program("non_contiguous", slices, (rng.normal(size=(6, 2))[:, 0],)),
    Program("fortran_order", methods_axis, (np.asfortranarray(A34),)),
]
