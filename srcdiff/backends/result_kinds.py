"""What of a result's kind NumPy and SciPy decide by values: its type, its rank, its sizes.

The kind of a result is learnt from samples (`frontend/infer.py`), which say nothing of these.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from srcdiff.runtime.matrices import sparse_pairs, sparse_triplets

__all__ = [
    "follows_longer", "is_counted", "is_ranked_by_sizes", "is_ranked_by_values", "is_sized_by_values",
    "is_sparse", "is_typed_by_values",
]  # fmt: skip

SIZED = frozenset({
    np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.extract, np.compress, np.trim_zeros, np.bincount,
    np.repeat, np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, np.delete, np.array_split, np.histogram,
    np.digitize, np.linalg.lstsq, np.unique_values, np.unique_all, np.unique_counts, np.unique_inverse,
    sparse_pairs, sparse_triplets,
})  # fmt: skip
RANKED = frozenset({"scipy.linalg._basic.lstsq", "scipy.linalg._decomp.eig"})
TYPED = frozenset({np.linalg.eig, np.linalg.eigvals, np.roots})
SERIES = "numpy.polynomial"
TRIMMED = ("add", "sub", "mul", "div", "trimcoef")  # functions of series that cut trailing zeros off


def _of_series(fn: Any, endings: str | tuple[str, ...]) -> bool:
    return str(getattr(fn, "__module__", "")).startswith(SERIES) and fn.__name__.endswith(endings)


def is_sized_by_values(fn: Any, count: int = 0) -> bool:
    """Whether the sizes of the result of a call with so many arguments depend on values, not on sizes."""
    return fn in SIZED or (fn is np.where and count == 1) or _of_series(fn, TRIMMED)


def is_ranked_by_values(fn: Any) -> bool:
    """Whether even ranks and types do."""
    return f"{getattr(fn, '__module__', '')}.{getattr(fn, '__name__', '')}" in RANKED


def is_typed_by_values(fn: Any) -> bool:
    """Whether the result is complex, or real if that is enough."""
    try:
        return fn in TYPED or _of_series(fn, "roots")
    except TypeError:
        return False


def is_ranked_by_sizes(fn: Any) -> bool:
    """Whether the rank depends on which sizes are one, if no axis is named."""
    return fn is np.squeeze


def follows_longer(fn: Any) -> bool:
    """Whether the size follows the longer, or the shorter, of two."""
    return fn in (np.convolve, np.correlate)


def is_counted(fn: Any) -> bool:
    """Whether the size is how many numbers there are between two."""
    return fn is np.arange


def is_sparse(x: Any) -> bool:
    """Whether a thing is a sparse matrix: one thing to the program, whatever it is made of."""
    sparse = sys.modules.get("scipy.sparse")  # (who has none has not imported it)
    return sparse is not None and bool(sparse.issparse(x))
