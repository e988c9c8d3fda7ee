"""Python's functions on iterables, and itertools: each by what it gives, or as a text read in its place."""

from __future__ import annotations

from typing import Any

from srcdiff.frontend import combinatorics, folds, iterables, listing

__all__ = ["FUNCTIONS", "is_iterating"]

FUNCTIONS: dict[Any, Any] = {
    **listing.FUNCTIONS,
    **iterables.FUNCTIONS,
    **folds.FUNCTIONS,
    **combinatorics.FUNCTIONS,
}


def is_iterating(obj: Any) -> bool:
    """Whether a function calls what it is given item by item: each call is a branch then."""
    try:
        return obj in FUNCTIONS
    except TypeError:
        return False
