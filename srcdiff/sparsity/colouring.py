"""Colourings: columns of one colour are had by one product.

A Jacobian is had directly if no two columns of one colour have a nonzero in one row (A. R. Curtis, M. J.
D. Powell and J. K. Reid, IMA J. Appl. Math. 13, 1974). Of a Hessian one half is enough: it is had
directly if the colouring is proper and every path over four columns has three colours at least, a star
colouring (T. F. Coleman and J. J. Moré, Math. Program. 28, 1984; A. H. Gebremedhin, A. Tarafdar, F. Manne
and A. Pothen, SIAM J. Sci. Comput. 29, 2007, algorithm 4.1). That pays where rows are long, as in an
arrow. Both are found greedily, in the order of the columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

__all__ = ["Colouring", "column_colouring", "fewest", "ordered", "star_colouring", "symmetric_colouring"]


@dataclass(frozen=True)
class Colouring:
    """A colour for each column (or row), and in which product each entry of the pattern stands alone."""

    pattern: Any  # CSR, boolean; of the transpose, if the rows are coloured
    colours: np.ndarray
    count: int
    rows: np.ndarray  # of each entry of the pattern: the row of the products in which its value stands
    slots: np.ndarray  # and the colour
    by_rows: bool = False

    def seed(self, colour: int) -> np.ndarray:
        """The direction of one product: ones in the columns of a colour."""
        return np.where(self.colours == colour, 1.0, 0.0)

    def matrix(self, product: Callable[[np.ndarray], Any]) -> Any:
        """The sparse matrix, from its products with one direction for each colour."""
        p = self.pattern
        found = [np.ravel(product(self.seed(c))) for c in range(self.count)]
        values = np.zeros(p.nnz, np.result_type(*found) if found else float)
        for c, products in enumerate(found):
            here = np.flatnonzero(self.slots == c)
            values[here] = products[self.rows[here]]
        got = sparse.csr_matrix((values, p.indices.copy(), p.indptr.copy()), shape=p.shape)
        return got.T.tocsr() if self.by_rows else got


def fewest(pattern: Any) -> Colouring:
    """The columns or the rows of a matrix, whichever take fewer colours."""
    columns = column_colouring(pattern)
    if columns.count <= int(np.diff(ordered(pattern).tocsc().indptr).max(initial=0)):
        return columns  # rows take as many colours as the longest column has entries
    rows = column_colouring(ordered(pattern).T)
    return replace(rows, by_rows=True) if rows.count < columns.count else columns


def column_colouring(pattern: Any) -> Colouring:
    """Columns that share no row get one colour, as few colours as a greedy pass finds."""
    pattern = ordered(pattern)
    columns = pattern.tocsc()
    colours = np.full(pattern.shape[1], -1)
    rows_of, start = columns.indices.tolist(), columns.indptr.tolist()
    taken: list[set[int]] = [set() for _ in range(pattern.shape[0])]  # colours seen in each row
    count = 0
    for j in range(pattern.shape[1]):
        mine = rows_of[start[j] : start[j + 1]]
        c = 0
        while any(c in taken[i] for i in mine):
            c += 1
        for i in mine:
            taken[i].add(c)
        colours[j] = c
        count = max(count, c + 1)
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    return Colouring(pattern, colours, count, rows, colours[pattern.indices])


LONG = 64


def symmetric_colouring(pattern: Any) -> Colouring:
    """Of a symmetric matrix: by columns where all rows are short, else a star colouring."""
    pattern = ordered(pattern + pattern.T)
    longest = int(np.diff(pattern.indptr).max(initial=0))
    return column_colouring(pattern) if longest <= LONG else star_colouring(pattern)


def star_colouring(pattern: Any) -> Colouring:
    """A star colouring of a symmetric pattern, and from which of an entry's two places it is read."""
    pattern = ordered(pattern + pattern.T)
    n = pattern.shape[0]
    indices, start = pattern.indices.tolist(), pattern.indptr.tolist()
    near = [[w for w in indices[start[v] : start[v + 1]] if w != v] for v in range(n)]
    colours = [-1] * n
    forbidden = [-1] * (n + 1)
    for v in range(n):
        for w in near[v]:
            c = colours[w]
            if c >= 0:
                forbidden[c] = v
            for x in near[w]:
                cx = colours[x]
                if x == v or cx < 0:
                    continue
                if c < 0 or any(y != w and colours[y] == c for y in near[x]):
                    forbidden[cx] = v  # around a column without a colour, or on a path of two colours
        c = 0
        while forbidden[c] == v:
            c += 1
        colours[v] = c
    found = np.array(colours, np.int64)
    return Colouring(pattern, found, int(found.max(initial=-1)) + 1, *places(pattern, found))


def places(pattern: Any, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and colour of the product in which each entry of a symmetric matrix stands alone."""
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    columns = pattern.indices.astype(np.int64)
    count = int(colours.max(initial=0)) + 1
    keys = rows * count + colours[columns]  # entry (i, j) is in row i, colour of j, with what else is there
    _, inverse, many = np.unique(keys, return_inverse=True, return_counts=True)
    alone = many[inverse] == 1
    return np.where(alone, rows, columns), np.where(alone, colours[columns], colours[rows])


def ordered(pattern: Any) -> Any:
    pattern = sparse.csr_matrix(pattern, dtype=bool)
    pattern.sum_duplicates()
    pattern.sort_indices()
    return pattern
