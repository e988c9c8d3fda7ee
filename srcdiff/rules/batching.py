"""How operations are done for many examples at once, stacked along a first axis.

What works element by element needs no more than operands of fitting ranks, which is the mechanism's business.
For the rest a declaration says how:

``ALONG``   along axes: reductions, sorts, what moves axes; the axes named are one further
``TEXTS``   a text with the operation's own parameters; ``x_many`` after ``*`` says whether ``x`` has the
            examples in its first axis
            (what no text covers raises ``NotImplementedError``, and is done example by example)

A function that is in none of these is called for one example after the other.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from srcdiff import runtime
from srcdiff.rules.registry import Rule, lookup

__all__ = [
    "ALONG", "ARRAY", "ARRAY_FUNCTIONS", "BLANK", "CHOOSE", "DISPLAYS", "HARMLESS", "JOINS", "OF_UNSET",
    "ONE_OPERAND", "SHAPES", "SUMS", "TEXTS", "TIMES", "WITHIN", "ZEROS", "Along", "batching", "dtype_word",
    "is_elementwise", "shifted", "with_examples",
]  # fmt: skip

T = TypeVar("T", bound=Callable[..., Any])
CHOOSE = np.where
SUMS = np.einsum
ARRAY = np.array
TIMES = operator.mul
BLANK = np.zeros_like
ZEROS: frozenset[Any] = frozenset({np.zeros, np.zeros_like})
OF_UNSET: frozenset[Any] = frozenset({runtime.zero_of})  # zeros of what may not be there
DISPLAYS: frozenset[Any] = frozenset({np.array, np.asarray, np.copy, np.ascontiguousarray})
JOINS: frozenset[Any] = frozenset({np.concatenate, np.stack})

# what does the same to each array in a container
WITHIN: frozenset[Any] = frozenset({runtime.add, runtime.zeros_like})

# ---- element by element ----------------------------------------------------------------------------------

# Python's functions of one number, and what does the same for arrays
ARRAY_FUNCTIONS: dict[Any, Any] = {
    math.sqrt: np.sqrt, math.exp: np.exp, math.expm1: np.expm1, math.log: np.log, math.log2: np.log2,
    math.log10: np.log10, math.log1p: np.log1p, math.sin: np.sin, math.cos: np.cos, math.tan: np.tan,
    math.asin: np.arcsin, math.acos: np.arccos, math.atan: np.arctan, math.sinh: np.sinh, math.cosh: np.cosh,
    math.tanh: np.tanh, math.asinh: np.arcsinh, math.acosh: np.arccosh, math.atanh: np.arctanh,
    math.fabs: np.fabs, math.radians: np.radians, math.degrees: np.degrees, math.isnan: np.isnan,
    math.isinf: np.isinf, math.isfinite: np.isfinite, math.atan2: np.arctan2, math.copysign: np.copysign,
    math.fmod: np.fmod, math.pow: operator.pow, operator.not_: np.logical_not,
}  # fmt: skip
ONE_OPERAND: frozenset[Any] = frozenset({np.log})  # math.log takes a base as well

_ELEMENTWISE: frozenset[Any] = frozenset({
    operator.lt, operator.le, operator.eq, operator.ne, operator.ge, operator.gt, operator.and_, operator.or_,
    operator.xor, operator.invert, operator.floordiv, operator.lshift, operator.rshift, np.round, np.around,
    np.real, np.imag, np.isclose, np.zeros_like, np.ones_like, np.empty_like, np.astype, np.angle,
    np.nan_to_num, np.clip, np.where, runtime.cast_like, runtime.zeros_like, runtime.zeros_there,
    runtime.zero_of, runtime.sinc_derivative, np.fix, np.isneginf, np.isposinf, runtime.complete,
})  # fmt: skip


def is_elementwise(fn: Any) -> bool:
    """Whether a function does for arrays what it does for each of their elements."""
    try:
        if fn in _ELEMENTWISE:
            return True
    except TypeError:
        return False
    if isinstance(fn, np.ufunc):
        return fn.signature is None and fn.nout == 1
    entry = lookup(fn)
    known = getattr(fn, "__module__", None) in ("numpy", "_operator", "operator")
    return known and entry is not None and entry.elementwise is not None


# what a branch may hold to be a choice: nothing that could fail or warn on the side not taken
HARMLESS: frozenset[Any] = frozenset({
    operator.add, operator.sub, operator.mul, operator.neg, operator.pos, operator.abs, operator.lt,
    operator.le, operator.gt, operator.ge, operator.eq, operator.ne, np.sin, np.cos, np.tanh, np.maximum,
    np.minimum, np.arctan, math.tanh, math.atan, math.sin, math.cos, math.fabs, float, np.sign,
})  # fmt: skip

# ---- along axes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Along:
    """An operation along axes of one operand."""

    operand: str
    text: Callable[..., Any]  # its parameters
    default: dict[str, Any]
    flat: bool = False  # without an axis all are taken as one
    too: tuple[str, ...] = field(default=())  # operands that go along

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(self.default)


def shifted(axis: Any, rank: int, flat: bool) -> Any:
    """An axis of one example, counted with the examples in front; ``None`` stands for all of them."""
    if isinstance(axis, tuple):
        return tuple(shifted(a, rank, flat) for a in axis)
    if axis is None:
        every = tuple(range(1, rank + 1))
        return every[0] if len(every) == 1 else every
    return axis + 1 if axis >= 0 else axis


ALONG: dict[Any, Along] = {}


def along(*fns: Any, too: tuple[str, ...] = (), flat: bool = False, **default: Any) -> Callable[[T], T]:
    """Functions along axes: the parameters that name axes, with their defaults."""

    def put(text: T) -> T:
        first = text.__code__.co_varnames[0]
        for fn in fns:
            ALONG[fn] = Along(first, text, default, flat, too)
        return text

    return put


@along(
    np.sum, np.mean, np.prod, np.max, np.min, np.amax, np.amin, np.any, np.all, np.var, np.std, np.nansum,
    np.nanmean, np.nanmax, np.nanmin, np.median, np.ptp, np.count_nonzero, axis=None,
)  # fmt: skip
def reduce(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, ddof: Any = 0) -> None: ...


@along(np.linalg.norm, axis=None)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> None: ...


@along(np.argmax, np.argmin, flat=True, axis=None)
def arg_reduce(a: Any, axis: Any = None, keepdims: Any = False) -> None: ...


@along(np.cumsum, np.cumprod, flat=True, axis=None)
def cumulate(a: Any, axis: Any = None, dtype: Any = None) -> None: ...


@along(np.sort, np.argsort, axis=-1)
def sort(a: Any, axis: Any = -1, kind: Any = None) -> None: ...


@along(np.diff, axis=-1)
def diff(a: Any, n: Any = 1, axis: Any = -1) -> None: ...


@along(np.flip, axis=None)
def flip(m: Any, axis: Any = None) -> None: ...


@along(np.roll, flat=True, axis=None)
def roll(a: Any, shift: Any, axis: Any = None) -> None: ...


@along(np.repeat, flat=True, axis=None)
def repeat(a: Any, repeats: Any, axis: Any = None) -> None: ...


@along(np.take, flat=True, axis=None)
def take(a: Any, indices: Any, axis: Any = None) -> None: ...


@along(np.take_along_axis, too=("indices",), axis=-1)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> None: ...


@along(np.swapaxes, axis1=0, axis2=1)
def swapaxes(a: Any, axis1: Any, axis2: Any) -> None: ...


@along(np.moveaxis, source=0, destination=0)
def moveaxis(a: Any, source: Any, destination: Any) -> None: ...


@along(np.trace, np.diagonal, axis1=0, axis2=1)
def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> None: ...


@along(np.expand_dims, axis=0)
def expand_dims(a: Any, axis: Any) -> None: ...


@along(np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, axis=-1)
def fft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> None: ...


# ---- texts -----------------------------------------------------------------------------------------------

TEXTS: dict[Any, Rule] = {}


def batching(*fns: Any, operands: str) -> Callable[[T], T]:
    """A text for functions; ``operands``: those that may have the examples in front."""

    def put(text: T) -> T:
        for fn in fns:
            TEXTS[fn] = Rule("batching", text, tuple(operands.split()))
        return text

    return put


@batching(operator.matmul, np.linalg.matmul, operands="x1 x2")
def matmul(x1: Any, x2: Any, *, x1_many: Any, x2_many: Any) -> Any:
    if not x2_many:
        if x2.ndim > 2:
            raise NotImplementedError("stacks of matrices")
        return x1 @ x2
    if not x1_many:
        if x1.ndim > 2:
            raise NotImplementedError("stacks of matrices")
        if x2.ndim == 2:
            return x2 @ x1 if x1.ndim == 1 else x2 @ x1.T
        return x1 @ x2
    if x1.ndim == 2 and x2.ndim == 2:
        return np.einsum("bi,bi->b", x1, x2)
    if x1.ndim == 2:
        return np.einsum("bi,b...ij->b...j", x1, x2) if x2.ndim > 3 else np.einsum("bi,bij->bj", x1, x2)
    if x2.ndim == 2:
        return np.einsum("b...ij,bj->b...i", x1, x2) if x1.ndim > 3 else np.einsum("bij,bj->bi", x1, x2)
    return with_axes(x1, x2.ndim) @ with_axes(x2, x1.ndim)


def with_axes(x: Any, rank: Any) -> Any:
    """``x`` with axes of length one behind the examples, to line up with stacks of ``rank`` dimensions."""
    for _ in range(rank - np.ndim(x)):
        x = x[:, None]
    return x


@batching(np.dot, operands="a b")
def dot(a: Any, b: Any, *, a_many: Any, b_many: Any) -> Any:
    rank_a = np.ndim(a) - 1 if a_many else np.ndim(a)
    rank_b = np.ndim(b) - 1 if b_many else np.ndim(b)
    if rank_a == 0 or rank_b == 0 or rank_a > 2 or rank_b > 2:
        raise NotImplementedError("ranks")
    if not b_many:
        return a @ b
    if not a_many:
        if rank_b == 1:
            return b @ a if rank_a == 1 else b @ a.T
        return a @ b
    if rank_a == 1 and rank_b == 1:
        return np.einsum("bi,bi->b", a, b)
    if rank_a == 1:
        return np.einsum("bi,bij->bj", a, b)
    if rank_b == 1:
        return np.einsum("bij,bj->bi", a, b)
    return a @ b


@batching(np.vdot, np.inner, operands="a b")
def vdot(a: Any, b: Any, *, a_many: Any, b_many: Any) -> Any:
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        raise NotImplementedError("complex numbers")
    rank_a = np.ndim(a) - 1 if a_many else np.ndim(a)
    rank_b = np.ndim(b) - 1 if b_many else np.ndim(b)
    if rank_a != 1 or rank_b != 1:
        raise NotImplementedError("ranks")
    if not b_many:
        return a @ b
    if not a_many:
        return b @ a
    return np.einsum("bi,bi->b", a, b)


@batching(np.outer, np.linalg.outer, operands="a b")
def outer(a: Any, b: Any, *, a_many: Any, b_many: Any) -> Any:
    rank_a = np.ndim(a) - 1 if a_many else np.ndim(a)
    rank_b = np.ndim(b) - 1 if b_many else np.ndim(b)
    if rank_a != 1 or rank_b != 1:
        raise NotImplementedError("ranks")
    if not b_many:
        return a[:, :, None] * b
    if not a_many:
        return a[:, None] * b[:, None, :]
    return a[:, :, None] * b[:, None, :]


@batching(np.cross, operands="a b")
def cross(a: Any, b: Any, *, a_many: Any, b_many: Any) -> Any:
    rank_a = np.ndim(a) - 1 if a_many else np.ndim(a)
    rank_b = np.ndim(b) - 1 if b_many else np.ndim(b)
    if a_many and b_many:
        return np.cross(with_axes(a, np.ndim(b)), with_axes(b, np.ndim(a)))
    if (rank_a > rank_b and b_many) or (rank_b > rank_a and a_many):
        raise NotImplementedError("ranks")
    return np.cross(a, b)


@batching(np.transpose, operands="a")
def transpose(a: Any, axes: Any = None, *, a_many: Any) -> Any:
    if axes is not None:
        raise NotImplementedError("axes")
    if np.ndim(a) <= 2:
        return a
    if np.ndim(a) == 3:
        return np.swapaxes(a, 1, 2)
    raise NotImplementedError("ranks")


@batching(np.matrix_transpose, np.linalg.matrix_transpose, operands="x")
def matrix_transpose(x: Any, *, x_many: Any) -> Any:
    return np.matrix_transpose(x)


@batching(np.reshape, operands="a")
def reshape(a: Any, shape: Any, order: Any = "C", *, a_many: Any) -> Any:
    if order not in ("C", "F"):
        raise NotImplementedError("as it lies in memory")
    if order == "F" and isinstance(shape, tuple):  # the first index varies fastest
        turned = np.transpose(a, (0, *range(np.ndim(a) - 1, 0, -1)))
        return np.transpose(
            np.reshape(turned, (len(a), *shape[::-1])), (0, *range(len(shape), 0, -1))
        )
    if order == "F":
        return np.reshape(np.transpose(a, (0, *range(np.ndim(a) - 1, 0, -1))), (len(a), shape))
    if isinstance(shape, tuple):
        return np.reshape(a, (len(a), *shape))
    return np.reshape(a, (len(a), shape))


@batching(np.ravel, operands="a")
def ravel(a: Any, order: Any = "C", *, a_many: Any) -> Any:
    if order not in ("C", "F"):
        raise NotImplementedError("as it lies in memory")
    if order == "F":
        return np.reshape(np.transpose(a, (0, *range(np.ndim(a) - 1, 0, -1))), (len(a), -1))
    return a if np.ndim(a) == 2 else np.reshape(a, (len(a), -1))


@batching(np.broadcast_to, operands="array")
def broadcast_to(array: Any, shape: Any, *, array_many: Any) -> Any:
    if np.ndim(array) == 1:
        return np.broadcast_to(np.reshape(array, (-1, *(1,) * len(shape))), (len(array), *shape))
    raise NotImplementedError("ranks")


@batching(np.full_like, operands="fill_value")
def full_like(a: Any, fill_value: Any, *, fill_value_many: Any) -> Any:
    if np.ndim(a) == 0:
        return np.copy(fill_value)
    if np.ndim(a) == 1:
        return fill_value[:, None] * np.ones_like(a)
    raise NotImplementedError("ranks")


@batching(np.tril, operands="m")
def tril(m: Any, k: Any = 0, *, m_many: Any) -> Any:
    if np.ndim(m) != 3:
        raise NotImplementedError("ranks")
    return np.tril(m, k)


@batching(np.triu, operands="m")
def triu(m: Any, k: Any = 0, *, m_many: Any) -> Any:
    if np.ndim(m) != 3:
        raise NotImplementedError("ranks")
    return np.triu(m, k)


@batching(np.diag, operands="v")
def diag(v: Any, k: Any = 0, *, v_many: Any) -> Any:
    if np.ndim(v) == 3:
        return np.diagonal(v, k, 1, 2)
    if k == 0:
        return v[:, :, None] * np.eye(v.shape[1])
    raise NotImplementedError("an offset")


@batching(np.linalg.inv, operands="a")
def inv(a: Any, *, a_many: Any) -> Any:
    return np.linalg.inv(a)


@batching(np.linalg.det, operands="a")
def det(a: Any, *, a_many: Any) -> Any:
    return np.linalg.det(a)


@batching(np.linalg.cholesky, operands="a")
def cholesky(a: Any, *, a_many: Any) -> Any:
    return np.linalg.cholesky(a)


@batching(np.linalg.eigvalsh, operands="a")
def eigvalsh(a: Any, *, a_many: Any) -> Any:
    return np.linalg.eigvalsh(a)


@batching(runtime.half_tril, operands="x")
def half_tril(x: Any, *, x_many: Any) -> Any:
    return runtime.half_tril(x)


@batching(np.linalg.solve, operands="a b")
def solve(a: Any, b: Any, *, a_many: Any, b_many: Any) -> Any:
    if not b_many:
        if np.ndim(b) > 2:
            raise NotImplementedError("stacks of matrices")
        return np.linalg.solve(a, b)
    if np.ndim(b) == 2:
        if a_many:
            return np.linalg.solve(a, with_axes(b[:, :, None], np.ndim(a)))[..., 0]
        if np.ndim(a) > 2:
            raise NotImplementedError("stacks of matrices")
        return np.linalg.solve(a, b.T).T
    if not a_many:
        if np.ndim(a) > 2:
            raise NotImplementedError("stacks of matrices")
        return np.linalg.solve(a, b)
    return np.linalg.solve(with_axes(a, np.ndim(b)), with_axes(b, np.ndim(a)))


@batching(runtime.unbroadcast, operands="g like")
def unbroadcast(g: Any, like: Any, *, g_many: Any, like_many: Any) -> Any:
    if not g_many or not like_many or np.ndim(g) != np.ndim(like):
        raise NotImplementedError("ranks")
    return runtime.unbroadcast(g, like)


# ---- words of the mechanism ------------------------------------------------------------------------------


def shape_of(x: Any) -> Any:
    return np.shape(x)[1:]


def ndim_of(x: Any) -> Any:
    return np.ndim(x) - 1


def size_of(x: Any) -> Any:
    if np.ndim(x) == 1:
        return 1
    if np.ndim(x) == 2:
        return x.shape[1]
    return math.prod(x.shape[1:])


SHAPES: dict[Any, Any] = {np.shape: shape_of, np.ndim: ndim_of, np.size: size_of}


def with_examples(subscripts: str, many: list[bool]) -> str | None:
    """The subscripts of a sum with a letter for the examples, in the operands that have them."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow or "." in subscripts or len(terms) != len(many):
        return None
    letter = next(c for c in "bcdefghijklmnopqrstuvwxyzaABCDEFG" if c not in subscripts)
    return ",".join(letter + t if m else t for t, m in zip(terms, many, strict=True)) + f"->{letter}{right}"


def zeros(n: Any) -> Any:
    return np.zeros(n)


def full(n: Any, x: Any) -> Any:
    return np.full(n, x)


def zeros_of(n: Any, x: Any) -> Any:
    return np.zeros((n, *np.shape(x)))


def zeros_as(n: Any, x: Any) -> Any:
    return np.zeros((n, *np.shape(x)), dtype=x.dtype)


def repeated(n: Any, x: Any) -> Any:
    return np.broadcast_to(x, (n, *np.shape(x)))


def examples(n: Any) -> Any:
    return np.arange(n)


def elements(x: Any) -> Any:
    if np.ndim(x) == 2:
        return x.T
    return np.swapaxes(x, 0, 1)


def rows(xs: Any, n: Any) -> Any:
    return np.stack(xs, axis=1) if len(xs) > 0 else np.zeros((n, 0))


def stacked(xs: Any) -> Any:
    return np.array(xs)


def structured(xs: Any) -> Any:
    return runtime.side_by_side(xs)


def beside(xs: Any) -> Any:
    return np.stack(xs, axis=1)


def cast(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


def dtype_word(dtype: str) -> str:
    """A type by the name that NumPy gives it."""
    return str(np.dtype(dtype).name)
