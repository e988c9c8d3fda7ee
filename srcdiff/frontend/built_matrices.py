"""``lil_matrix`` and ``dok_matrix``, written entry by entry: an array, and a mask of what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend import matrices, objects
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Kw, Plain
from srcdiff.ir.graph import Const, kind
from srcdiff.ir.kinds import Scalar

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS", "SPECIAL", "Built"]


class Built:
    """A matrix that is put together in place."""

    entries_vary = True

    def __init__(self, m: Any, n: Any, matrix: Any) -> None:
        self.dense = np.zeros((m, n))
        self.there = np.zeros((m, n), dtype=bool)
        self.shape, self.matrix, self.ndim = (m, n), matrix, 2

    def __setitem__(self, index: Any, value: Any) -> None:
        self.dense[index] = value
        self.there[index] = True

    def __getitem__(self, index: Any) -> Any:
        return self.dense[index] if is_entry(index) else self.tocsr()[index]

    def setdiag(self, values: Any, k: Any = 0) -> None:
        n = np.arange(min(self.shape[0] - max(-k, 0), self.shape[1] - max(k, 0)))
        self[n + max(-k, 0), n + max(k, 0)] = values

    def toarray(self) -> Any:
        return self.dense.copy()

    def todense(self) -> Any:
        return self.dense.copy()

    def tocsr(self, copy: Any = False) -> Any:
        rows, cols = np.nonzero(self.there)
        return matrices.Sparse(self.dense[rows, cols], rows, cols, self.shape, self.matrix)

    def tocsc(self, copy: Any = False) -> Any:
        return self.tocsr()

    def tocoo(self, copy: Any = False) -> Any:
        return self.tocsr()

    def asformat(self, format: Any, copy: Any = False) -> Any:
        return self.tocsr()

    @property
    def T(self) -> Any:
        return self.tocsr().T

    def transpose(self) -> Any:
        return self.tocsr().T

    def diagonal(self) -> Any:
        return np.diagonal(self.dense)

    def sum(self, axis: Any = None) -> Any:
        return self.tocsr().sum(axis)

    def dot(self, other: Any) -> Any:
        return self.tocsr().dot(other)

    def multiply(self, other: Any) -> Any:
        return self.tocsr().multiply(other)

    def __matmul__(self, other: Any) -> Any:
        return self.tocsr() @ other

    def __rmatmul__(self, other: Any) -> Any:
        return other @ self.tocsr()

    def __add__(self, other: Any) -> Any:
        return self.tocsr() + other

    def __radd__(self, other: Any) -> Any:
        return self.tocsr() + other

    def __sub__(self, other: Any) -> Any:
        return self.tocsr() - other

    def __rsub__(self, other: Any) -> Any:
        return other - self.tocsr()

    def __neg__(self) -> Any:
        return -self.tocsr()

    def __mul__(self, other: Any) -> Any:
        return self.tocsr() * other

    def __rmul__(self, other: Any) -> Any:
        return other * self.tocsr()

    def __truediv__(self, other: Any) -> Any:
        return self.tocsr() / other


Built.__name__ = "lil_matrix"  # as errors speak of it


def is_entry(index: Any) -> Any:
    """Whether an index is two numbers."""
    raise NotImplementedError("read only")


def _is_entry(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    box = content(lw, lw.bind(args[0].atom) if isinstance(args[0], Plain) else args[0])
    parts = box.items if isinstance(box, Agg) and box.type is tuple else ()
    return Plain(Const(len(parts) == 2 and all(isinstance(kind(lw.read(b, node)), Scalar) for b in parts)))


def made(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    """One of a shape given, to be filled; others are as they are."""
    g = matrices.given("arg1 shape dtype copy", args, kwargs)
    if g is None or "arg1" not in g or g.keys() - {"arg1", "dtype"}:
        return None
    box = content(lw, g["arg1"])
    dtype = lw.read(g["dtype"], node) if "dtype" in g else Const(None)
    if not is_constant(dtype) or constant(dtype) not in (None, float, np.float64, "float", "f8", "float64"):
        return None
    if not isinstance(box, Agg) or len(box.items) != 2:
        return None
    if any(not isinstance(k := kind(lw.read(b, node)), Scalar) or k.dtype[0] != "i" for b in box.items):
        return None
    return make(lw, [*box.items, Plain(Const(matrices.is_star_product(obj)))], {}, node)  # type: ignore[no-any-return]


make = objects.stand_in(Built)
SPECIAL: dict[Any, Any] = {Built: make, is_entry: _is_entry}
HANDLERS: dict[tuple[str, str], Any] = {
    ("scipy.sparse", f"{f}_{c}"): made for f in ("lil", "dok") for c in ("matrix", "array")
}
