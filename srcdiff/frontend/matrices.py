"""Sparse matrices whose entries vary: objects of `Sparse`, read in the place of those of ``scipy.sparse``.

Such an object is never made. It lives in its fields: values, rows and columns, of which the values alone
carry a derivative. A matrix that does not vary stays what it is until it meets one that does.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.backends.result_kinds import is_sparse
from srcdiff.frontend import objects
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Known, Kw, Loc, Method, Plain
from srcdiff.ir.graph import Const, Op, Ref, Slice, Struct, Val, kind, op_of, vals
from srcdiff.ir.indices import ALL
from srcdiff.ir.kinds import INT, OTHER, UNKNOWN, Array, Scalar, Tree, fresh_sym, is_active_kind
from srcdiff.ir.modules import module_name

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS", "SPECIAL", "varies_beside"]


# ---- read by the front end, never run ------------------------------------------------------------------


def helper(*args: Any) -> Any:
    """A function of the runtime, or a question to the front end."""
    raise NotImplementedError


def sparse_dot(values: Any, rows: Any, cols: Any, shape: Any, v: Any) -> Any:
    return helper()


def sparse_solve(values: Any, rows: Any, cols: Any, shape: Any, b: Any) -> Any:
    return helper()


def sparse_pairs(cols: Any, rows: Any) -> Any:
    return helper()


def is_matrix(x: Any) -> Any:
    """Whether something is a sparse matrix, varying or not."""
    return helper()


def varies_by_entries(x: Any) -> Any:
    """Whether something is a sparse matrix that varies."""
    return helper()


def entries(x: Any) -> Any:
    """The values, rows, columns and shape of a sparse matrix that does not vary."""
    return helper()


def as_sparse(x: Any) -> Any:
    if varies_by_entries(x):
        return x.tocsr()
    values, rows, cols, shape, matrix = entries(x)
    return Sparse(values, rows, cols, shape, matrix)


def both(a: Any, b: Any) -> Any:
    """Whether ``*`` is the product for what is made of two; None if that of one is not known."""
    return None if a is None or b is None else a and b


def star(matrix: Any) -> Any:
    """Whether ``*`` is the product; refused where that follows from a class that is not known."""
    return helper()


def by_axis(index: Any) -> Any:
    """An index as one for rows and one for columns."""
    return helper()


def by_slice(index: Any) -> Any:
    """Whether an index is a slice."""
    return helper()


def one_line(matrix: Any) -> Any:
    """One row or column of a matrix is a matrix; that of an array has one axis, and is refused."""
    return helper()


def entry_by_entry() -> Any:
    """Refused: two arrays as indices name single entries."""
    return helper()


def scattered(shape: Any, at: Any, values: Any) -> Any:
    out = np.zeros(shape)
    np.add.at(out, at, values)
    return out


def joined(parts: Any) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


class Sparse:
    """A matrix by its entries; those at one place add up. ``matrix``: is ``*`` the product, if known."""

    entries_vary = True

    def __init__(self, values: Any, rows: Any, cols: Any, shape: Any, matrix: Any) -> None:
        self.values, self.rows, self.cols, self.shape, self.matrix = values, rows, cols, shape, matrix
        self.ndim = 2

    def scaled(self, values: Any) -> Any:
        return Sparse(values, self.rows, self.cols, self.shape, self.matrix)

    @property
    def T(self) -> Any:
        return Sparse(self.values, self.cols, self.rows, (self.shape[1], self.shape[0]), self.matrix)

    @property
    def nnz(self) -> Any:
        return len(self.values)

    def transpose(self) -> Any:
        return self.T

    def __getitem__(self, index: Any) -> Any:
        i, j = by_axis(index)
        rows, cols = np.arange(self.shape[0])[i], np.arange(self.shape[1])[j]
        if np.ndim(rows) == 0 and np.ndim(cols) == 0:
            return np.sum(self.values[(self.rows == rows) & (self.cols == cols)])
        if np.ndim(rows) == 0 or np.ndim(cols) == 0:
            one_line(self.matrix)
        elif np.ndim(rows) == 1 and not by_slice(i) and not by_slice(j):
            entry_by_entry()
        return self.of_rows(np.ravel(rows)).T.of_rows(np.ravel(cols)).T

    def of_rows(self, rows: Any) -> Any:
        at = sparse_pairs(rows, self.rows)
        return Sparse(
            self.values[at[1]], at[0], self.cols[at[1]], (len(rows), self.shape[1]), self.matrix
        )

    def copy(self) -> Any:
        return self

    def tocsr(self, copy: Any = False) -> Any:
        return self

    def tocsc(self, copy: Any = False) -> Any:
        return self

    def tocoo(self, copy: Any = False) -> Any:
        return self

    def asformat(self, format: Any, copy: Any = False) -> Any:
        return self

    def toarray(self) -> Any:
        return scattered(self.shape, (self.rows, self.cols), self.values)

    def diagonal(self) -> Any:
        on = self.rows == self.cols
        return scattered((min(self.shape),), (self.rows[on],), self.values[on])

    def sum(self, axis: Any = None) -> Any:
        if axis is None:
            return np.sum(self.values)
        k = axis % 2
        at = self.cols if k == 0 else self.rows
        out = scattered((self.shape[1 - k],), (at,), self.values)
        return np.expand_dims(out, k) if star(self.matrix) else out

    def trace(self) -> Any:
        return np.sum(self.diagonal())

    def multiply(self, other: Any) -> Any:
        if np.ndim(other) == 0:
            return self.scaled(self.values * other)
        return self.scaled(self.values * np.broadcast_to(other, self.shape)[self.rows, self.cols])

    def dot(self, other: Any) -> Any:
        return self @ other if np.ndim(other) > 0 or is_matrix(other) else self * other

    def __matmul__(self, other: Any) -> Any:
        if not is_matrix(other):
            return sparse_dot(self.values, self.rows, self.cols, self.shape, other)
        return product(self, as_sparse(other))

    def __rmatmul__(self, other: Any) -> Any:
        if not is_matrix(other):
            turned = (self.shape[1], self.shape[0])
            return sparse_dot(self.values, self.cols, self.rows, turned, other.T).T
        return product(as_sparse(other), self)

    def __add__(self, other: Any) -> Any:
        if not is_matrix(other):
            return self.toarray() + other
        more = as_sparse(other)
        values = np.concatenate((self.values, more.values))
        rows, cols = np.concatenate((self.rows, more.rows)), np.concatenate((self.cols, more.cols))
        return Sparse(values, rows, cols, self.shape, both(self.matrix, more.matrix))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __neg__(self) -> Any:
        return self.scaled(-self.values)

    def __sub__(self, other: Any) -> Any:
        return self + (-as_sparse(other) if is_matrix(other) else -other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if is_matrix(other) or np.ndim(other) > 0:
            return self @ other if star(self.matrix) else self.multiply(other)
        return self.scaled(self.values * other)

    def __rmul__(self, other: Any) -> Any:
        if is_matrix(other) or np.ndim(other) > 0:
            return other @ self if star(self.matrix) else self.multiply(other)
        return self.scaled(self.values * other)

    def __truediv__(self, other: Any) -> Any:
        return self.scaled(self.values / other)


class Factors:
    """What ``splu`` and ``factorized`` give: the system is solved anew for each right-hand side."""

    def __init__(self, a: Any) -> None:
        self.a = a

    def solve(self, rhs: Any, trans: Any = "N") -> Any:
        a = self.a if trans == "N" else self.a.T
        return sparse_solve(a.values, a.rows, a.cols, a.shape, rhs)

    def __call__(self, rhs: Any) -> Any:
        return self.solve(rhs)


Sparse.__name__, Factors.__name__ = "sparse matrix", "splu"  # as errors speak of them


def product(a: Any, b: Any) -> Any:
    matrix = both(a.matrix, b.matrix)
    at = sparse_pairs(a.cols, b.rows)
    values = a.values[at[0]] * b.values[at[1]]
    return Sparse(values, a.rows[at[0]], b.cols[at[1]], (a.shape[0], b.shape[1]), matrix)


def from_entries(arg: Any, shape: Any, matrix: Any) -> Any:
    values, (rows, cols) = arg
    i, j = np.asarray(rows), np.asarray(cols)
    size = (int(i.max()) + 1, int(j.max()) + 1) if shape is None else shape
    return Sparse(np.asarray(values), i, j, size, matrix)


def from_rows(arg: Any, shape: Any, matrix: Any) -> Any:
    values, indices, starts = arg
    j = np.asarray(indices)
    i = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    size = (len(starts) - 1, int(j.max()) + 1) if shape is None else shape
    return Sparse(np.asarray(values), i, j, size, matrix)


def from_columns(arg: Any, shape: Any, matrix: Any) -> Any:
    turned = None if shape is None else (shape[1], shape[0])
    return from_rows(arg, turned, matrix).T


def from_dense(arg: Any, matrix: Any) -> Any:
    m, n = arg.shape
    rows, cols = np.repeat(np.arange(m), n), np.tile(np.arange(n), m)
    return Sparse(np.ravel(arg), rows, cols, (m, n), matrix)


def from_diagonals(diagonals: Any, offsets: Any, shape: Any, matrix: Any) -> Any:
    if isinstance(offsets, int):
        offsets = [offsets]
        if np.ndim(diagonals[0]) == 0:
            diagonals = [diagonals]
    if shape is None:
        n = len(diagonals[0]) + abs(offsets[0])
        shape = (n, n)
    values, rows, cols = [], [], []
    for d, k in zip(diagonals, offsets):
        length = min(shape[0] - max(-k, 0), shape[1] - max(k, 0))
        d = np.asarray(d, dtype=float)
        values.append(np.broadcast_to(d, (length,)) if d.ndim == 0 else d)
        n = np.arange(length)
        rows.append(n - k if k < 0 else n)
        cols.append(n + k if k > 0 else n)
    return Sparse(joined(values), joined(rows), joined(cols), shape, matrix)


def from_columns_of_diagonals(data: Any, diags: Any, m: Any, n: Any, matrix: Any) -> Any:
    values, rows, cols = [], [], []
    for d, k in zip(data, diags):
        j = np.arange(max(k, 0), min(n, m + k))
        values.append(d[j])
        rows.append(j - k)
        cols.append(j)
    return Sparse(joined(values), joined(rows), joined(cols), (m, n), matrix)


def kron(A: Any, B: Any, matrix: Any) -> Any:
    a, b = as_sparse(A), as_sparse(B)
    matrix = both(a.matrix, b.matrix)
    values = np.ravel(np.multiply.outer(a.values, b.values))
    rows = np.ravel(np.add.outer(a.rows * b.shape[0], b.rows))
    cols = np.ravel(np.add.outer(a.cols * b.shape[1], b.cols))
    return Sparse(values, rows, cols, (a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]), matrix)


def vstack(blocks: Any, matrix: Any) -> Any:
    values, rows, cols, m, n = [], [], [], 0, 0
    for block in blocks:
        a = as_sparse(block)
        values.append(a.values)
        rows.append(a.rows + m)
        cols.append(a.cols)
        m, n = m + a.shape[0], a.shape[1]
        matrix = both(matrix, a.matrix)
    return Sparse(joined(values), joined(rows), joined(cols), (m, n), matrix)


def hstack(blocks: Any, matrix: Any) -> Any:
    return vstack([as_sparse(block).T for block in blocks], matrix).T


def solved(A: Any, b: Any) -> Any:
    a = as_sparse(A)
    return sparse_solve(a.values, a.rows, a.cols, a.shape, b)


def factors(A: Any) -> Any:
    return Factors(as_sparse(A))


# ---- how the front end reads them ------------------------------------------------------------------------



def is_outside(lw: Lowerer, b: Bound) -> bool:
    """Whether something is a sparse matrix that does not vary."""
    if isinstance(b, Known):
        return is_sparse(b.obj)
    if not isinstance(b, (Plain, Loc, Method)) or isinstance(content(lw, b), Agg):
        return False
    atom = lw.read(b)
    if isinstance(atom, Ref):
        return is_sparse(atom.obj)
    return isinstance(atom, Val) and is_matrix_value(lw, atom)


def is_matrix_value(lw: Lowerer, v: Val) -> bool:
    """Whether a value of the graph is certainly a sparse matrix: one from outside, or made of such."""
    if v.kind not in (OTHER, UNKNOWN):
        return False
    op = v.op
    if op is None:
        held = (lw.read(lw.capture_vals[c.name]) is v and c.value for c in lw.captures.values())
        return is_sparse(lw.given.get(v.name)) or any(map(is_sparse, held))
    if op.code != "prim":
        return False
    if module_name(op.fn).startswith("scipy.sparse"):
        return True
    turned = op.fn is getattr and op.ins[1] == Const("T")
    keeps = turned or op.fn in KEEPING or is_block(op) or op.attrs.get("method") in METHODS
    return keeps and any(is_matrix_value(lw, x) for x in vals(op.ins))


def is_block(op: Op) -> bool:
    """Whether an index takes a block of a matrix."""
    index = op.ins[1] if op.fn is operator.getitem else None
    return isinstance(index, Slice) or (
        isinstance(index, Struct) and all(isinstance(x, Slice) for x in index.items)
    )


KEEPING = (
    np.transpose, operator.add, operator.sub, operator.mul, operator.truediv, operator.matmul, operator.neg,
)  # fmt: skip
METHODS = {
    "tocsr", "tocsc", "tocoo", "todia", "tobsr", "tolil", "todok", "copy", "transpose", "astype", "asformat",
    "multiply",
}  # fmt: skip


def is_varying(lw: Lowerer, b: Bound) -> bool:
    box = content(lw, b) if not isinstance(b, Known) else None
    return isinstance(box, Agg) and is_sparse_type(box.type)


def is_sparse_type(t: Any) -> bool:
    """Whether objects of a class that is read in place are sparse matrices."""
    return isinstance(t, type) and t.__module__.startswith(f"{__package__}.") and hasattr(t, "entries_vary")


def varies(lw: Lowerer, b: Bound, node: Any) -> bool:
    """Whether numbers that may carry a derivative are in something, or a sparse matrix of such."""
    if isinstance(b, Known):
        return False
    box = content(lw, b)
    if isinstance(box, Agg):
        return is_sparse_type(box.type) or (
            not objects.is_object(box) and any(varies(lw, x, node) for x in box.items)
        )
    return isinstance(b, (Plain, Loc)) and any(is_active_kind(v.kind) for v in vals([lw.read(b, node)]))


def _is_matrix(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Plain(Const(is_varying(lw, args[0]) or is_outside(lw, args[0])))


def _varies_by_entries(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Plain(Const(is_varying(lw, args[0])))


def _entries(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    a, n = lw.read(args[0], node), fresh_sym()
    parts = (Array("f8", (n,)), Array("i8", (n,)), Array("i8", (n,)))
    fn = lw.ctx.implicit("sparse_triplets")
    triplets, pair = Tree(tuple, (0, 1, 2), parts), Tree(tuple, (0, 1), (INT, INT))
    found = lw.prim(fn, [a], result=triplets)
    shape = lw.prim(getattr, [a, Const("shape")], result=pair, method="shape")
    assert isinstance(found, Val) and isinstance(shape, Val)
    values, rows, cols = (lw.bind(lw.tree_item(found, triplets, Const(n))) for n in range(3))
    sizes = lw.take_apart(shape, pair)
    return Agg(tuple, (0, 1, 2, 3, 4), (values, rows, cols, sizes, Plain(Const(class_of(a)))))


def class_of(a: Any) -> bool | None:
    """Whether ``*`` is the product for a matrix made in the program; one from outside may be either."""
    op = op_of(a)
    name = "" if op is None else str(getattr(op.fn, "__name__", ""))
    return False if name.endswith("_array") else True if name in MADE else None


MADE = {"eye", "identity", "diags", "spdiags", "csr_matrix", "csc_matrix", "coo_matrix", "dia_matrix"}


def _star(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if lw.read(args[0], node) == Const(None):
        lw.stop(
            "option", "what this gives depends on the class of a sparse matrix that comes from outside", node,
            help="write A @ B for products, A.multiply(b) for those of elements, A @ ones for sums",
        )  # fmt: skip
    return args[0]


def _by_axis(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    index = lw.bind(args[0].atom) if isinstance(args[0], Plain) else args[0]
    box = content(lw, index)
    parts = box.items if isinstance(box, Agg) and box.type is tuple else (index,)
    if len(parts) > 2:
        lw.stop("index", "a sparse matrix has two axes", node, help="give it two indices at most")
    return Agg(tuple, (0, 1), (*parts, *[Plain(ALL)] * (2 - len(parts))))




def _by_slice(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Plain(Const(isinstance(args[0], Plain) and isinstance(args[0].atom, Slice)))


def _one_line(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if lw.read(args[0], node) != Const(True):
        lw.stop(
            "index", "a row or column of a sparse array that varies has one axis", node,
            help="write A[i:i+1] or A[:, j:j+1], which keep both",
        )  # fmt: skip
    return args[0]


def _entry_by_entry(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    lw.stop("index", "two arrays of places name single entries of a sparse matrix that varies", node,
            help="write A[np.ix_(i, j)] for a block, or A.toarray()[i, j] for entries")  # fmt: skip


def of_runtime(name: str) -> Any:
    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
        return lw.call(Known(lw.ctx.implicit(name), name), args, kwargs, node)

    return handler


SPECIAL: dict[Any, Any] = {
    Sparse: objects.stand_in(Sparse), Factors: objects.stand_in(Factors),
    is_matrix: _is_matrix, entries: _entries, varies_by_entries: _varies_by_entries,
    star: _star, by_axis: _by_axis, by_slice: _by_slice, one_line: _one_line, entry_by_entry: _entry_by_entry,
    sparse_dot: of_runtime("sparse_dot"), sparse_solve: of_runtime("sparse_solve"),
    sparse_pairs: of_runtime("sparse_pairs"),
}  # fmt: skip

Handler = Callable[..., "Bound | None"]


def call(lw: Lowerer, fn: Any, args: Args, node: Any) -> Bound:
    return lw.call(Known(fn, fn.__name__), args, {}, node)


def given(names: str, args: Args, kwargs: Kw) -> Kw | None:
    """The arguments by name; None if there are others."""
    found = {**dict(zip(names.split(), args, strict=False)), **kwargs}
    return found if len(args) <= len(names.split()) and not found.keys() - {*names.split()} else None


def is_star_product(obj: Any) -> bool:
    """Whether ``*`` of what is made is the matrix product."""
    return not obj.__name__.endswith("_array")


def maker(by_parts: Any) -> Handler:
    """A class of sparse matrices."""

    def handler(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        g = given("arg1 shape dtype copy", args, kwargs)
        if g is None or "arg1" not in g or not varies(lw, g["arg1"], node):
            return None
        arg, matrix = g["arg1"], Plain(Const(is_star_product(obj)))
        box = content(lw, arg)
        if is_varying(lw, arg):
            return call(lw, as_sparse, [arg], node)
        shape = g.get("shape", Plain(Const(None)))
        if isinstance(box, Agg) and len(box.items) == 2:
            return call(lw, from_entries, [arg, shape, matrix], node)
        if isinstance(box, Agg) and len(box.items) == 3 and by_parts is not None:
            return call(lw, by_parts, [arg, shape, matrix], node)
        k = None if isinstance(box, Agg) else kind(lw.read(arg, node))
        if isinstance(k, Array) and len(k.dims) == 2:
            return call(lw, from_dense, [arg, matrix], node)
        lw.stop("no-rule", f"this form of {obj.__name__} with entries that vary is not supported", node,
                help=f"give it the entries: {obj.__name__}((values, (rows, cols)), shape=...)")  # fmt: skip

    return handler


def composed(text: Any, names: str, needed: int) -> Handler:
    """A function that makes a sparse matrix of numbers, or of others."""

    def handler(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        g = given(names + " format dtype", args, kwargs)
        if g is None or not any(varies(lw, b, node) for b in g.values()):
            return None
        more = [g.get(n, Plain(Const(OPTIONAL.get(n)))) for n in names.split()]
        if any(n not in g for n in names.split()[:needed]):
            return None
        matrix = Plain(Const(is_star_product(obj)))
        return call(lw, text, [*more, matrix], node)

    return handler


OPTIONAL = {"offsets": 0}


def of_matrix(text: Any, names: str) -> Handler:
    """A function of ``scipy.sparse.linalg`` of a matrix that varies."""

    def handler(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        if not args or not is_varying(lw, args[0]):
            return None
        wanted = names.split()
        g = given(names + " permc_spec use_umfpack", args, kwargs)
        if g is None or any(n not in g for n in wanted):
            return None
        return call(lw, text, [g[n] for n in wanted], node)

    return handler


def varies_beside(lw: Lowerer, left: Bound, right: Bound, node: Any) -> tuple[Bound, Bound]:
    """An operator's operands, where a sparse matrix that does not vary meets numbers that do: as `Sparse`."""
    if "scipy.sparse" not in sys.modules:
        return left, right
    for a, b in ((left, right), (right, left)):
        if is_scalar(lw, b, node) and not isinstance(b, Known) and is_outside(lw, a):
            made = call(lw, as_sparse, [a], node)
            return (made, right) if a is left else (left, made)
    return left, right


def is_scalar(lw: Lowerer, b: Bound, node: Any) -> bool:
    """Whether something is a number that may carry a derivative."""
    if not isinstance(b, (Plain, Loc)) or isinstance(content(lw, b), Agg):
        return False
    atom = lw.read(b, node)
    return isinstance(atom, Val) and isinstance(atom.kind, Scalar) and is_active_kind(atom.kind)


_BY_ROWS, _BY_COLUMNS = maker(from_rows), maker(from_columns)
_BY_ENTRIES = maker(None)
HANDLERS: dict[tuple[str, str], Handler] = {
    **{("scipy.sparse", f"{f}_{c}"): h for c in ("matrix", "array")
       for f, h in (("csr", _BY_ROWS), ("csc", _BY_COLUMNS), ("coo", _BY_ENTRIES))},
    ("scipy.sparse", "diags"): composed(from_diagonals, "diagonals offsets shape", 1),
    ("scipy.sparse", "diags_array"): composed(from_diagonals, "diagonals offsets shape", 1),
    ("scipy.sparse", "spdiags"): composed(from_columns_of_diagonals, "data diags m n", 4),
    ("scipy.sparse", "kron"): composed(kron, "A B", 2),
    ("scipy.sparse", "vstack"): composed(vstack, "blocks", 1),
    ("scipy.sparse", "hstack"): composed(hstack, "blocks", 1),
    ("scipy.sparse", "spsolve"): of_matrix(solved, "A b"),
    ("scipy.sparse", "splu"): of_matrix(factors, "A"),
    ("scipy.sparse", "factorized"): of_matrix(factors, "A"),
}  # fmt: skip
