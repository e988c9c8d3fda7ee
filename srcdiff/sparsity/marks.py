"""Values marked with what they depend on: a set of inputs for each element.

An array has a boolean matrix in CSR form, one row for each element and one column for each input, and beside
it the rows that were written one by one since; a number has a set.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from srcdiff.ir.classes import fields_of
from srcdiff.ir.flat import replaced

__all__ = ["EMPTY", "Marked", "Marks", "TooDense", "everything", "leaves", "plain"]

Rows = Any  # a boolean matrix of SciPy in CSR form, which has no types
EMPTY: frozenset[int] = frozenset()
MOST = 200_000_000  # entries of a pattern; a row takes four bytes for each


class TooDense(Exception):
    """The pattern has so many entries that nothing is gained by its zeros."""


class Marks:
    """The rows of an array's elements."""

    __slots__ = ("base", "own")

    def __init__(self, base: Rows, own: dict[int, frozenset[int]] | None = None) -> None:
        self.base, self.own = base, own if own is not None else {}

    @classmethod
    def none(cls, size: int, inputs: int) -> Marks:
        return cls(sparse.csr_matrix((size, inputs), dtype=bool))

    @classmethod
    def each(cls, rows: list[frozenset[int]], inputs: int) -> Marks:
        """The rows of elements given one by one."""
        counts = np.fromiter((len(r) for r in rows), np.int64, len(rows))
        columns = np.fromiter((j for r in rows for j in sorted(r)), np.int64, int(counts.sum()))
        return cls(matrix(columns, counts, inputs))

    @property
    def size(self) -> int:
        return int(self.base.shape[0])

    @property
    def inputs(self) -> int:
        return int(self.base.shape[1])

    def row(self, k: int) -> frozenset[int]:
        if k in self.own:
            return self.own[k]
        b = self.base
        return frozenset(b.indices[b.indptr[k] : b.indptr[k + 1]].tolist())

    def rows(self) -> Rows:
        """All rows as one matrix."""
        if self.own:
            written = Marks.each(list(self.own.values()), self.inputs).base
            place = np.arange(self.size)
            place[list(self.own)] = self.size + np.arange(len(self.own))
            self.base, self.own = sparse.vstack([self.base, written], format="csr")[place], {}
        return self.base

    def copy(self) -> Marks:
        return Marks(self.base, dict(self.own))

    def union(self) -> frozenset[int]:
        """What any of the elements depends on."""
        return frozenset(np.unique(self.rows().indices).tolist())


def matrix(columns: Any, counts: Any, inputs: int) -> Rows:
    """The CSR matrix whose rows have so many of the columns each."""
    ends = np.concatenate(([0], np.cumsum(counts)))
    return sparse.csr_matrix((np.ones(len(columns), bool), columns, ends), shape=(len(counts), inputs))


class Marked:
    """A number or an array, and what each of its elements depends on."""

    __slots__ = ("marks", "value")

    def __init__(self, value: Any, marks: Marks | frozenset[int]) -> None:
        self.value, self.marks = value, marks

    def __repr__(self) -> str:
        return f"Marked({self.value!r})"

    def rows(self, inputs: int) -> Rows:
        """The marks as a matrix."""
        if isinstance(self.marks, frozenset):
            return Marks.each([self.marks], inputs).base
        return self.marks.rows()

    def union(self) -> frozenset[int]:
        return self.marks if isinstance(self.marks, frozenset) else self.marks.union()

    def copy(self) -> Marked:
        marks = self.marks if isinstance(self.marks, frozenset) else self.marks.copy()
        return Marked(np.copy(self.value) if isinstance(self.value, np.ndarray) else self.value, marks)

    def __copy__(self) -> Marked:
        return self.copy()

    def __len__(self) -> int:
        return len(self.value)

    def item(self, k: int) -> Marked:
        """One row of an array."""
        assert isinstance(self.marks, Marks)
        part = self.value[k]
        if np.ndim(part) == 0:
            return Marked(part, self.marks.row(k % len(self.value)))
        size = part.size
        k %= len(self.value)
        return Marked(part, Marks(self.marks.rows()[k * size : (k + 1) * size]))

    def __iter__(self) -> Any:
        return (self.item(k) for k in range(len(self.value)))

    def __reversed__(self) -> Any:
        return (self.item(k) for k in reversed(range(len(self.value))))


def plain(x: Any) -> Any:
    """The value without its marks, in any container."""
    if isinstance(x, Marked):
        return x.value
    if isinstance(x, (list, tuple)):
        items = [plain(y) for y in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, slice):
        return slice(plain(x.start), plain(x.stop), plain(x.step))
    return replaced(x, plain) if holds_fields(x) else x


def leaves(x: Any) -> list[Marked]:
    """The marked values in any container."""
    if isinstance(x, Marked):
        return [x]
    if isinstance(x, (list, tuple)):
        return [m for y in x for m in leaves(y)]
    if isinstance(x, dict):
        return [m for y in x.values() for m in leaves(y)]
    if isinstance(x, slice):
        return [*leaves(x.start), *leaves(x.stop), *leaves(x.step)]
    found: list[Marked] = []
    if holds_fields(x):
        replaced(x, lambda y: found.extend(leaves(y)))
    return found


def holds_fields(x: Any) -> bool:
    return not isinstance(x, type) and fields_of(x) is not None


def everything(value: Any, on: frozenset[int], inputs: int) -> Any:
    """A result each of whose elements depends on all of ``on``."""
    if isinstance(value, (tuple, list)):
        items = [everything(v, on, inputs) for v in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, np.ndarray) and value.ndim:
        if value.dtype.kind not in "fc":
            on = EMPTY
        if value.size * len(on) > MOST:
            raise TooDense
        columns = np.tile(np.fromiter(sorted(on), np.int64, len(on)), value.size)
        return Marked(value, Marks(matrix(columns, np.full(value.size, len(on)), inputs)))
    if isinstance(value, (float, complex, np.floating, np.complexfloating, np.ndarray)):
        return Marked(value, on)
    return Marked(value, EMPTY) if isinstance(value, (int, np.integer, np.bool_)) else value
