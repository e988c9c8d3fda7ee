"""NumPy's functions that other array modules lack, put together of those that they have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from srcdiff.runtime.namespaces import namespace

__all__ = [
    "block", "diagonal_last", "geomspace", "insert", "matrix_norm", "matvec", "multi_dot", "outer", "polyder",
    "svdvals", "tensordot", "trace_last", "unstack", "vecdot", "vecmat", "vector_norm",
]  # fmt: skip


def block(arrays: Any) -> Any:
    """``np.block``: nested lists of arrays, put side by side from the innermost lists outwards."""
    xp = namespace(*_leaves(arrays))
    if xp is np:
        return np.block(arrays)
    depth = _depth(arrays)
    ndim = max([depth, *(np.ndim(x) for x in _leaves(arrays))])

    def joined(x: Any, level: int) -> Any:
        if not isinstance(x, list):
            x = xp.asarray(x)
            return x.reshape((1,) * (ndim - x.ndim) + x.shape)
        return xp.concatenate([joined(y, level + 1) for y in x], axis=ndim - depth + level)

    return joined(arrays, 0)


def _depth(x: Any) -> int:
    return 1 + max(map(_depth, x)) if isinstance(x, list) else 0


def _leaves(x: Any) -> list[Any]:
    return [y for part in x for y in _leaves(part)] if isinstance(x, list) else [x]


def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """``np.insert``; where to is decided on the host."""
    xp = namespace(arr, values)
    if xp is np:
        return np.insert(arr, obj, values, axis)
    if axis is None:
        arr, axis = xp.ravel(arr), 0
    axis %= arr.ndim
    values = xp.asarray(values)
    single = np.ndim(obj) == 0 and not isinstance(obj, slice)
    if single and values.ndim:  # (NumPy: one place takes values of the shape of the rest)
        lead = (1,) * (arr.ndim - values.ndim) + values.shape
        values = xp.moveaxis(values.reshape(lead), 0, axis)
    count = values.shape[axis] if single and values.ndim == arr.ndim else 1 if single else len(obj)
    # of each entry of the result: which of the array's, or (from its length on) which of the new ones
    n = arr.shape[axis]
    order = np.insert(np.arange(n), [obj] * count if single else obj, n + np.arange(count))
    shape = (*arr.shape[:axis], count, *arr.shape[axis + 1 :])
    new = xp.broadcast_to(values.astype(arr.dtype), shape)
    return xp.take(xp.concatenate([arr, new], axis=axis), xp.asarray(order), axis=axis)


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """``np.unstack``."""
    return tuple(namespace(x).moveaxis(x, axis, 0))


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    """``np.geomspace`` of positive numbers."""
    xp = namespace(start, stop)
    if xp is np:
        return np.geomspace(start, stop, num, endpoint)
    return xp.exp(xp.linspace(xp.log(start), xp.log(stop), num, endpoint))


def multi_dot(arrays: Any) -> Any:
    """``np.linalg.multi_dot``: the products in the order that takes fewest multiplications."""
    xp = namespace(*arrays)
    if xp is np:
        return np.linalg.multi_dot(arrays)
    sizes = [1 if arrays[0].ndim == 1 else arrays[0].shape[0], *(x.shape[0] for x in arrays[1:])]
    sizes.append(1 if arrays[-1].ndim == 1 else arrays[-1].shape[1])
    return _product(arrays, _splits(sizes), 0, len(arrays) - 1)


def _splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to split each chain of matrices (Cormen et al., *Introduction to Algorithms*, 15.2)."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    split = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = [
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            ]
            cost[i, j], split[i, j] = min(options)
    return split


def _product(arrays: Any, split: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return arrays[i]
    k = split[i, j]
    return _product(arrays, split, i, k) @ _product(arrays, split, k + 1, j)


def polyder(p: Any, m: int = 1) -> Any:
    """``np.polyder``: the coefficients of the m-th derivative of a polynomial, the highest first."""
    xp = namespace(p)
    if xp is np:
        return np.polyder(p, m)
    p = xp.asarray(p)
    for _ in range(m):
        p = p[:-1] * xp.arange(len(p) - 1, 0, -1)
    return p


def svdvals(x: Any) -> Any:
    """``np.linalg.svdvals``."""
    return namespace(x).linalg.svd(x, compute_uv=False)


def outer(x1: Any, x2: Any) -> Any:
    """``np.linalg.outer``."""
    return namespace(x1, x2).outer(x1, x2)


def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """``np.linalg.tensordot``."""
    return namespace(x1, x2).tensordot(x1, x2, axes)


def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """``np.vecdot``: the sum of the products of ``conj(x1)`` and ``x2`` along an axis."""
    xp = namespace(x1, x2)
    if axis == -1:
        return xp.sum(xp.conj(x1) * x2, axis=-1)
    return xp.sum(xp.conj(xp.moveaxis(x1, axis, -1)) * xp.moveaxis(x2, axis, -1), axis=-1)


def matvec(x1: Any, x2: Any) -> Any:
    """``np.matvec``: matrices times vectors."""
    return namespace(x1, x2).matmul(x1, x2[..., None])[..., 0]


def vecmat(x1: Any, x2: Any) -> Any:
    """``np.vecmat``: conjugated vectors times matrices."""
    xp = namespace(x1, x2)
    return xp.matmul(xp.conj(x1)[..., None, :], x2)[..., 0, :]


def trace_last(x: Any, offset: int = 0, dtype: Any = None) -> Any:
    """``np.linalg.trace``, of the last two axes."""
    return namespace(x).trace(x, offset, -2, -1, dtype)


def diagonal_last(x: Any, offset: int = 0) -> Any:
    """``np.linalg.diagonal``, of the last two axes."""
    return namespace(x).diagonal(x, offset, -2, -1)


def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """``np.linalg.vector_norm``: sums of powers of the absolute values along axes."""
    xp = namespace(x)
    size = xp.abs(x)
    if ord == math.inf:
        return xp.max(size, axis=axis, keepdims=keepdims)
    if ord == -math.inf:
        return xp.min(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return xp.sum(size != 0.0, axis=axis, keepdims=keepdims).astype(size.dtype)
    if ord == 1:
        return xp.sum(size, axis=axis, keepdims=keepdims)
    if ord == 2:
        return xp.sqrt(xp.sum(size * size, axis=axis, keepdims=keepdims))
    return xp.sum(size**ord, axis=axis, keepdims=keepdims) ** (1.0 / ord)


def matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:
    """``np.linalg.matrix_norm``, of the last two axes."""
    return namespace(x).linalg.norm(x, ord=ord, axis=(-2, -1), keepdims=keepdims)
