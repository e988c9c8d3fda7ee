"""Which outputs depend on which inputs, by one run, and how few products give all of a sparse matrix."""

from srcdiff.sparsity.colouring import (
    Colouring,
    column_colouring,
    fewest,
    ordered,
    star_colouring,
    symmetric_colouring,
)
from srcdiff.sparsity.marks import TooDense
from srcdiff.sparsity.trace import Pattern, find_pattern

__all__ = [
    "Colouring",
    "Pattern",
    "TooDense",
    "column_colouring",
    "fewest",
    "find_pattern",
    "ordered",
    "star_colouring",
    "symmetric_colouring",
]
