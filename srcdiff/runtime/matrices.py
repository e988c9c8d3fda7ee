"""Sparse matrices as their entries: values that may vary, at rows and columns that do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["sparse_dot", "sparse_outer", "sparse_pairs", "sparse_solve", "sparse_triplets"]


def looks(outline: Callable[..., Any]) -> Callable[[F], F]:
    """Declares what a result looks like, for arguments whose sizes do not fit each other: samples."""

    def declare(fn: F) -> F:
        fn.__outline__ = outline  # type: ignore[attr-defined]
        return fn

    return declare


def zeros(shape: Any, *numbers: Any) -> Any:
    return np.zeros(shape, np.result_type(*numbers))


@looks(lambda values, rows, cols, shape, v: zeros((shape[0], *np.shape(v)[1:]), values, v))
def sparse_dot(values: Any, rows: Any, cols: Any, shape: Any, v: Any) -> Any:
    """The product of a sparse matrix and a vector or a matrix; entries at one place add up."""
    import scipy.sparse

    return scipy.sparse.csr_array((values, (rows, cols)), shape=tuple(map(int, shape))) @ v


@looks(lambda values, rows, cols, shape, b: zeros(np.shape(b), values, b))
def sparse_solve(values: Any, rows: Any, cols: Any, shape: Any, b: Any) -> Any:
    """The solution of a linear system with a sparse matrix."""
    import scipy.sparse.linalg

    a = scipy.sparse.csc_array((values, (rows, cols)), shape=tuple(map(int, shape)))
    return scipy.sparse.linalg.spsolve(a, b).reshape(np.shape(b))


@looks(lambda u, v, rows, cols, shape: zeros(np.shape(rows), u, v))
def sparse_outer(u: Any, v: Any, rows: Any, cols: Any, shape: Any) -> Any:
    """The elements of ``u @ v.T`` at rows and columns, of two vectors or two matrices."""
    product = u[rows] * v[cols]
    return product if product.ndim == 1 else product.sum(axis=1)


def sparse_pairs(cols: Any, rows: Any) -> Any:
    """Which entries meet in a product: pairs of one in a column and one in the row of that number."""
    order = np.argsort(rows, kind="stable")
    first = np.searchsorted(rows, cols, "left", sorter=order)
    counts = np.searchsorted(rows, cols, "right", sorter=order) - first
    left = np.repeat(np.arange(len(cols)), counts)
    within = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([left, order[np.repeat(first, counts) + within]])


def sparse_triplets(a: Any) -> Any:
    """The entries of a sparse matrix that does not vary: values, rows, columns."""
    a = a.tocoo()
    if np.iscomplexobj(a.data):
        raise TypeError("a sparse matrix of complex numbers beside one that varies is not supported")
    return a.data.astype(float), a.row.astype(np.intp), a.col.astype(np.intp)
