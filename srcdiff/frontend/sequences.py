"""Python's functions on iterables, and itertools: each by what it gives, or as a text read in its place."""

from __future__ import annotations

from typing import Any

from srcdiff.frontend import combinatorics, folds, iterables, listing

FUNCTIONS: dict[Any, Any] = {
    **listing.FUNCTIONS,
    **iterables.FUNCTIONS,
    **folds.FUNCTIONS,
    **combinatorics.FUNCTIONS,
}
