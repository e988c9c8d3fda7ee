"""PyTorch by NumPy's names, as far as the programs go: what a person would write to run them in PyTorch.

Arrays are a subclass of tensors.  What tensors do otherwise than arrays, where a program would come to
another value in silence, is made like NumPy: an element is a number and no view, `x += 1` of a number
changes no other name, `float(x)` and `x.tolist()` keep the derivative.
"""

from __future__ import annotations

import builtins
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

torch.set_default_dtype(torch.float64)

NUMBERS = (bool, int, float, complex, np.generic)


def array(value: Any, dtype: Any = None) -> Any:
    """Numbers, tensors, arrays and nested lists of these as one tensor with memory of its own."""
    out = _together(value)
    return out.to(_dtype(dtype)) if dtype is not None else out


def _together(value: Any) -> Array:
    if isinstance(value, torch.Tensor):
        return value.clone().as_subclass(Array)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value).copy()).reshape(value.shape).as_subclass(Array)
    if isinstance(value, NUMBERS):
        return torch.tensor(value.item() if isinstance(value, np.generic) else value).as_subclass(Array)
    if isinstance(value, (list, tuple, range)):
        parts = [_together(v) for v in value]
        if not parts:
            return torch.zeros(0).as_subclass(Array)
        widest = parts[0].dtype
        for p in parts[1:]:
            widest = torch.promote_types(widest, p.dtype)
        return torch.stack([p.to(widest) for p in parts]).as_subclass(Array)
    raise TypeError(f"no tensor of {type(value).__name__}")


def lifted(value: Any) -> Any:
    """An operand as PyTorch takes it: arrays and lists as tensors."""
    if isinstance(value, (np.ndarray, list)):
        return _together(value)
    if isinstance(value, np.generic):
        return value.item()
    return value


def tensor(value: Any) -> Any:
    """An operand that must be a tensor, with no copy of one that is."""
    return value if isinstance(value, Array) else _together(value)


def real(value: Any) -> Any:
    """A tensor of real or complex numbers."""
    value = tensor(value)
    return value if value.is_floating_point() or value.is_complex() else value.to(torch.float64)


def _dtype(dtype: Any) -> torch.dtype:
    if isinstance(dtype, torch.dtype):
        return dtype
    if dtype is float or dtype is Float:
        return torch.float64
    return torch.from_numpy(np.zeros(0, dtype)).dtype


def plain(value: Any) -> Any:
    """A number without its derivative, as Python has it."""
    return value.detach().as_subclass(torch.Tensor).item() if isinstance(value, torch.Tensor) else value


class Array(torch.Tensor):
    """A tensor with an array's methods."""

    __array_ufunc__ = None  # a NumPy array or number beside one leaves the operation to it

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        args = tuple(lifted(a) if isinstance(a, (np.ndarray, np.generic)) else a for a in args)
        return super().__torch_function__(func, types, args, kwargs or {})

    # ---- elements
    def __getitem__(self, index: Any) -> Any:
        index, flips = _index(self, index)
        out = torch.Tensor.__getitem__(self, index)
        if flips:
            out = torch.flip(out, flips)
        return out.clone() if out.ndim == 0 else out

    def __setitem__(self, index: Any, value: Any) -> None:
        index, flips = _index(self, index)
        value = tensor(value) if not isinstance(value, NUMBERS) else lifted(value)
        if flips:
            value = torch.flip(value.expand(torch.Tensor.__getitem__(self, index).shape), flips)
        torch.Tensor.__setitem__(self, index, value)

    def __iter__(self) -> Any:
        if self.ndim == 0:
            raise TypeError("iteration over a number")
        return iter([self[i] for i in range(len(self))])

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __float__(self) -> float:
        if self.requires_grad:
            raise TypeError("a number as a float has no derivative in PyTorch")
        return float(plain(self))

    def __complex__(self) -> complex:
        if self.requires_grad:
            raise TypeError("a number as a complex has no derivative in PyTorch")
        return complex(plain(self))

    def __hash__(self) -> int:
        return hash(plain(self)) if self.ndim == 0 else id(self)

    def tolist(self) -> Any:
        return [v.tolist() if v.ndim else v for v in self] if self.ndim else self

    def item(self, *index: Any) -> Any:
        return self.reshape(-1)[index] if index else self.reshape(-1)[0]

    def __deepcopy__(self, memo: Any) -> Any:
        return self.clone()

    def __format__(self, spec: str) -> str:
        return format(plain(self), spec) if self.ndim == 0 else str(self.tolist())

    # ---- attributes and methods under NumPy's names
    @property
    def size(self) -> int:  # type: ignore[override]
        return self.numel()

    @property
    def T(self) -> Any:  # type: ignore[override]  # noqa: N802
        return self.permute(*reversed(range(self.ndim)))

    @property
    def flat(self) -> Any:
        return self.reshape(-1)

    @property
    def real(self) -> Any:  # type: ignore[override]
        return torch.real(self) if self.is_complex() else self

    @property
    def imag(self) -> Any:  # type: ignore[override]
        return torch.imag(self) if self.is_complex() else self * 0.0

    def copy(self) -> Any:
        return self.clone()

    def astype(self, dtype: Any) -> Any:
        return self.to(_dtype(dtype)).clone()

    def transpose(self, *axes: Any) -> Any:  # type: ignore[override]
        if not axes:
            return self.T
        return self.permute(*(axes[0] if isinstance(axes[0], (tuple, list)) else axes))

    def dot(self, other: Any) -> Any:  # type: ignore[override]
        return dot(self, other)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:  # type: ignore[override]
        return _reduced(torch.amax, self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:  # type: ignore[override]
        return _reduced(torch.amin, self, axis, keepdims)

    def ptp(self, axis: Any = None) -> Any:
        return self.max(axis) - self.min(axis)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:  # type: ignore[override]
        return _reduced(torch.mean, real(self), axis, keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Any:  # type: ignore[override]
        return torch.prod(self) if axis is None else torch.prod(self, axis, keepdims)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:  # type: ignore[override]
        return self.var(axis, ddof, keepdims) ** 0.5

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:  # type: ignore[override]
        return torch.var(self, axis, correction=ddof, keepdim=keepdims)

    def cumsum(self, axis: Any = None) -> Any:  # type: ignore[override]
        return torch.cumsum(self.reshape(-1) if axis is None else self, 0 if axis is None else axis)

    def ravel(self) -> Any:
        return self.reshape(-1)

    def flatten(self) -> Any:  # type: ignore[override]
        return self.reshape(-1).clone()

    def fill(self, value: Any) -> None:
        self[...] = value

    def repeat(self, repeats: Any, axis: Any = None) -> Any:  # type: ignore[override]
        return repeat(self, repeats, axis)

    def sort(self, axis: int = -1) -> None:  # type: ignore[override]
        self[...] = torch.sort(self, axis)[0]

    def take(self, indices: Any, axis: Any = None) -> Any:  # type: ignore[override]
        return take(self, indices, axis)

    def conj(self) -> Any:
        return torch.conj(self).resolve_conj()

    def round(self, decimals: int = 0) -> Any:  # type: ignore[override]
        return torch.round(self, decimals=decimals)

    __round__ = round


def _in_place(name: str) -> Callable[[Array, Any], Any]:
    operation = getattr(torch.Tensor, f"__{name}__")
    in_place = getattr(torch.Tensor, f"__i{name}__")

    def update(self: Array, other: Any) -> Any:
        return operation(self, lifted(other)) if self.ndim == 0 else in_place(self, lifted(other))

    return update


def _beside(name: str) -> Callable[[Array, Any], Any]:
    operation = getattr(torch.Tensor, name)
    return lambda self, other: operation(self, lifted(other))


for _name in "add sub mul truediv pow floordiv mod".split():
    setattr(Array, f"__i{_name}__", _in_place(_name))
    setattr(Array, f"__{_name}__", _beside(f"__{_name}__"))
    setattr(Array, f"__r{_name}__", _beside(f"__r{_name}__"))
Array.__matmul__ = lambda self, other: torch.matmul(*_one_type((self, other)))  # type: ignore[method-assign]
Array.__rmatmul__ = lambda self, other: torch.matmul(*_one_type((other, self)))  # type: ignore[method-assign]


def _index(x: Array, index: Any) -> tuple[Any, list[int]]:
    """An index as PyTorch takes it, and the axes of what it gives that are to be turned round."""
    parts = list(index) if isinstance(index, tuple) else [index]
    for k, p in enumerate(parts):
        if isinstance(p, (list, np.ndarray)):
            parts[k] = tensor(p) if len(p) else torch.zeros(0, dtype=torch.int64)
        elif isinstance(p, torch.Tensor) and p.ndim == 0 and not p.dtype == torch.bool:
            parts[k] = int(p)
    flips: list[int] = []
    if any(isinstance(p, slice) and (p.step or 1) < 0 for p in parts):
        used = sum(p is not None and p is not Ellipsis for p in parts)
        axis = out = 0
        for k, p in enumerate(parts):
            if p is Ellipsis:
                axis, out = axis + x.ndim - used, out + x.ndim - used
                continue
            if isinstance(p, torch.Tensor):
                raise TypeError("an index array beside a slice that goes backwards")
            if isinstance(p, slice) and (p.step or 1) < 0:
                numbers = range(*p.indices(x.shape[axis]))
                parts[k] = slice(numbers[-1], numbers[0] + 1, -p.step) if numbers else slice(0, 0)
                flips.append(out)
            axis += p is not None
            out += p is None or isinstance(p, slice)
    return tuple(parts) if isinstance(index, tuple) else parts[0], flips


def _reduced(fn: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    axis = tuple(range(x.ndim)) if axis is None else axis
    return fn(x, axis, keepdim=keepdims)


# ---- functions that PyTorch has otherwise, or not


def dot(a: Any, b: Any, out: Any = None) -> Any:
    a, b = tensor(a), tensor(b)
    if a.ndim and b.ndim and a.dtype != b.dtype:
        wide = torch.promote_types(a.dtype, b.dtype)
        a, b = a.to(wide), b.to(wide)
    if not a.ndim or not b.ndim:
        return _into(out, a * b)
    return _into(out, torch.matmul(a, b) if b.ndim < 3 else torch.tensordot(a, b, ([-1], [-2])))


def _into(out: Any, value: Any) -> Any:
    if out is None:
        return value
    out[...] = value
    return out


def total(
    x: Any, axis: Any = None, keepdims: bool = False, out: Any = None, initial: Any = 0, **options: Any
) -> Any:
    where = options.get("where")
    x = tensor(x) if where is None else torch.where(tensor(where), tensor(x), 0.0)
    return _into(out, _reduced(torch.sum, x, axis, keepdims) + initial)


def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    x = tensor(x)
    counts = repeats if isinstance(repeats, int) else tensor(repeats)
    return torch.repeat_interleave(x.reshape(-1) if axis is None else x, counts, dim=axis)


def take(x: Any, indices: Any, axis: Any = None) -> Any:
    x = tensor(x)
    indices = tensor(indices)
    if axis is None:
        return x.reshape(-1)[indices]
    return x[(slice(None),) * (axis % x.ndim) + (indices,)]


def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    return torch.roll(tensor(x), shift, axis)


def where(c: Any, *arms: Any) -> Any:
    c = tensor(c)
    return torch.where(c, *map(tensor, arms)) if arms else torch.where(c)


def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    x = tensor(x)
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


def _two(fn: Any) -> Any:
    def call(a: Any, b: Any, out: Any = None) -> Any:
        return _into(out, fn(*_alike(tensor(a), tensor(b))))

    return call


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    wide = torch.promote_types(a.dtype, b.dtype)
    return a.to(wide), b.to(wide)


maximum, minimum = _two(torch.maximum), _two(torch.minimum)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = tensor(x)
    if axis is None and ord is None:
        return torch.linalg.vector_norm(x)
    if isinstance(axis, int) or x.ndim == 1:
        return torch.linalg.vector_norm(x, 2 if ord is None else ord, axis, keepdims)
    return torch.linalg.matrix_norm(x, ord or "fro", axis or (-2, -1), keepdims)


def diag(x: Any, k: int = 0) -> Any:
    return torch.diag(tensor(x), k).clone()


def full(shape: Any, value: Any, dtype: Any = None) -> Any:
    value = tensor(value)
    out = value.expand((shape,) if isinstance(shape, int) else tuple(shape)).clone()
    return out if dtype is None else out.to(_dtype(dtype))


def _made(fn: Any) -> Any:
    """`zeros` and `ones`."""

    def call(shape: Any, dtype: Any = float) -> Any:
        sizes = (shape,) if isinstance(shape, int) else tuple(map(int, shape))
        return fn(sizes, dtype=_dtype(dtype)).as_subclass(Array)

    return call


def _made_like(fn: Any) -> Any:
    def call(x: Any, dtype: Any = None, shape: Any = None) -> Any:
        x = tensor(x).detach()
        return fn(shape or x.shape, dtype=x.dtype if dtype is None else _dtype(dtype)).as_subclass(Array)

    return call


def stack(parts: Any, axis: int = 0) -> Any:
    return torch.stack(_one_type(parts), axis)


def concatenate(parts: Any, axis: int = 0) -> Any:
    return torch.cat(_one_type(parts), axis)


def _one_type(parts: Any) -> list[Any]:
    made = [tensor(p) for p in parts]
    wide = made[0].dtype
    for p in made:
        wide = torch.promote_types(wide, p.dtype)
    return [p.to(wide) for p in made]


def hstack(parts: Any) -> Any:
    return torch.hstack(_one_type(parts))


def vstack(parts: Any) -> Any:
    return torch.vstack(_one_type(parts))


def column_stack(parts: Any) -> Any:
    return torch.column_stack(_one_type(parts))


def block(rows: Any) -> Any:
    if not isinstance(rows, list):
        return tensor(rows)
    inner = [block(r) for r in rows]
    depth = _depth(rows)
    inner = [p if p.ndim >= depth else p.reshape((1,) * (depth - p.ndim) + tuple(p.shape)) for p in inner]
    return torch.cat(_one_type(inner), -depth)


def _depth(rows: Any) -> int:
    return 1 + _depth(rows[0]) if isinstance(rows, list) else 0


def split(x: Any, parts: Any, axis: int = 0) -> Any:
    x = tensor(x)
    parts = parts if isinstance(parts, int) else [int(p) for p in parts]
    return list(torch.tensor_split(x, parts, axis))


def diff(x: Any, n: int = 1, axis: int = -1, **ends: Any) -> Any:
    x = tensor(x)
    more = {}
    for k, v in ends.items():
        v = tensor(v)
        shape = list(x.shape)
        shape[axis] = 1
        more[k] = v if v.ndim else v.expand(shape)
    return torch.diff(x, n, axis, **more)


def gradient(x: Any, *steps: Any, axis: Any = None) -> Any:
    x = tensor(x)
    spacing = tuple(tensor(s) for s in steps) or None
    if spacing and spacing[0].ndim == 0:
        # PyTorch takes numbers as constants: the step divides afterwards
        parts = [g / s for g, s in zip(torch.gradient(x, dim=axis), spacing * x.ndim)]
    else:
        parts = list(torch.gradient(x, spacing=spacing, dim=axis) if spacing else torch.gradient(x, dim=axis))
    return parts[0] if x.ndim == 1 or isinstance(axis, int) else parts


def interp(x: Any, xs: Any, ys: Any) -> Any:
    x, xs, ys = real(x), real(xs), real(ys)
    k = torch.clamp(torch.searchsorted(xs.detach(), x.detach()) - 1, 0, len(xs) - 2).as_subclass(torch.Tensor)
    t = (x - xs[k]) / (xs[k + 1] - xs[k])
    inside = ys[k] + t * (ys[k + 1] - ys[k])
    return torch.where(x < xs[0], ys[0], torch.where(x > xs[-1], ys[-1], inside))


def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    return _sliding(real(a), torch.flip(real(v), [0]), mode)


def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    return _sliding(real(a), real(v), mode)


def _sliding(a: Any, v: Any, mode: str) -> Any:
    if len(v) > len(a):
        raise TypeError("the second is longer")
    n = {"full": (len(v) - 1, len(v) - 1), "valid": (0, 0), "same": (len(v) // 2, (len(v) - 1) // 2)}[mode]
    if mode == "same":
        n = ((len(v) - 1) - (len(v) - 1) // 2, (len(v) - 1) // 2)
    padded = torch.cat([torch.zeros(n[0]), a, torch.zeros(n[1])])
    return torch.stack([(padded[i : i + len(v)] * v).sum() for i in range(len(padded) - len(v) + 1)])


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = tensor(y)
    return torch.trapezoid(y, dim=axis) * dx if x is None else torch.trapezoid(y, tensor(x), dim=axis)


def percentile(x: Any, q: Any, axis: Any = None) -> Any:
    return torch.quantile(tensor(x), tensor(q) / 100.0, axis)


def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    x = tensor(x)
    if weights is None:
        return x.mean(axis)
    w = tensor(weights)
    if w.ndim < x.ndim:
        w = w.reshape([len(w) if k == axis % x.ndim else 1 for k in range(x.ndim)]).expand(x.shape)
    return total(x * w, axis) / total(w, axis)


def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None) -> Any:
    m = tensor(m) if y is None else stack((m, y))
    return torch.cov(m if rowvar else m.T, correction=(0 if bias else 1) if ddof is None else ddof)


def polyval(p: Any, x: Any) -> Any:
    out = 0.0
    for c in p:
        out = out * x + c
    return out


def polyder(p: Any) -> Any:
    p = tensor(p)
    return p[:-1] * torch.arange(len(p) - 1, 0, -1)


def vander(x: Any, n: Any = None, increasing: bool = False) -> Any:
    return torch.vander(tensor(x), n or len(x), increasing)


def cross(a: Any, b: Any) -> Any:
    a, b = tensor(a), tensor(b)
    if a.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return torch.linalg.cross(*torch.broadcast_tensors(a, b))


def einsum(text: str, *operands: Any) -> Any:
    wide = _one_type(operands)
    return torch.einsum(text, *[w.as_subclass(torch.Tensor) for w in wide]).as_subclass(Array)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    if not isinstance(axes, int):
        axes = tuple([k] if isinstance(k, int) else list(k) for k in axes)
    return torch.tensordot(
        tensor(a).as_subclass(torch.Tensor), tensor(b).as_subclass(torch.Tensor), axes
    ).as_subclass(Array)


def pad(x: Any, width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    x = tensor(x)
    pairs = np.broadcast_to(np.asarray(width), (x.ndim, 2)).tolist()
    for axis, (before, after) in enumerate(pairs):
        n = x.shape[axis]
        how: Any = "edge" if mode == "constant" else mode
        at = np.pad(np.arange(n), (before, after), mode=how)
        moved = x[(slice(None),) * axis + (at,)]
        if mode == "constant":
            inside = np.pad(np.ones(n, bool), (before, after)).reshape([-1] + [1] * (x.ndim - axis - 1))
            moved = torch.where(tensor(inside), moved, constant_values)
        x = moved
    return x


def mgrid(keys: Any) -> Any:
    return tensor(np.mgrid[keys])


def sliding_window_view(x: Any, shape: Any) -> Any:
    x = tensor(x)
    for axis, n in enumerate((shape,) if isinstance(shape, int) else shape):
        x = x.unfold(axis, n, 1)
    return x


def tril(x: Any, k: int = 0) -> Any:
    return torch.tril(tensor(x), k)


def triu(x: Any, k: int = 0) -> Any:
    return torch.triu(tensor(x), k)


def searchsorted(x: Any, v: Any, side: str = "left") -> Any:
    found = torch.searchsorted(tensor(x).detach(), tensor(v).detach(), right=side == "right")
    return int(found) if found.ndim == 0 else found.as_subclass(Array)


def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    return searchsorted(bins, x, "left" if right else "right")


def select(conditions: Any, choices: Any, default: Any = 0) -> Any:
    out = tensor(default)
    for c, v in zip(reversed(conditions), reversed(choices)):
        out = where(c, v, out)
    return out


def piecewise(x: Any, conditions: Any, functions: Any) -> Any:
    out = full(x.shape, 0.0)
    if len(functions) > len(conditions):
        rest = ~conditions[0]
        for c in conditions[1:]:
            rest = rest & ~c
        conditions = [*conditions, rest]
    for c, f in zip(conditions, functions):
        if bool(c.any()):
            out[c] = f(x[c]) if callable(f) else f
    return out


def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    x = tensor(x)
    n = builtins.max(minlength, int(x.max()) + 1)
    w = torch.ones(len(x), dtype=torch.int64) if weights is None else tensor(weights)
    return torch.zeros(n, dtype=w.dtype).index_add(0, x.as_subclass(torch.Tensor), w).as_subclass(Array)


def ndenumerate(x: Any) -> Any:
    return [(i, x[i]) for i in np.ndindex(*x.shape)]


def ix_(*axes: Any) -> Any:
    return tuple(tensor(a) for a in np.ix_(*[np.asarray(a) for a in axes]))


def argsort(x: Any, axis: int = -1, kind: Any = None) -> Any:
    return torch.argsort(tensor(x).detach(), dim=axis, stable=True)


def sort(x: Any, axis: int = -1) -> Any:
    return torch.sort(tensor(x), axis)[0]


def median(x: Any, axis: Any = None) -> Any:
    return torch.quantile(tensor(x), 0.5, axis)


def meshgrid(*axes: Any, indexing: str = "xy") -> Any:
    return [g.clone() for g in torch.meshgrid(*map(tensor, axes), indexing=indexing)]


def linspace(a: Any, b: Any, n: int = 50, endpoint: bool = True) -> Any:
    t = torch.arange(n) / (n - endpoint)
    return (a + (b - a) * t).as_subclass(Array)


def arange(*limits: Any, dtype: Any = None) -> Any:
    out = torch.arange(*[lifted(v) for v in limits]).as_subclass(Array)
    return out if dtype is None else out.to(_dtype(dtype))


def size(x: Any, axis: Any = None) -> int:
    return int(tensor(x).numel()) if axis is None else int(tensor(x).shape[axis])


def unwrapped(fn: Any, *, first: bool = True) -> Callable[..., Any]:
    """A function of PyTorch's on operands as NumPy takes them; `out=` is written to afterwards."""

    def call(*args: Any, out: Any = None, **options: Any) -> Any:
        given = [
            real(a) if k == 0 and first and not isinstance(a, tuple) else lifted(a)
            for k, a in enumerate(args)
        ]
        return _into(out, fn(*given, **options))

    return call


def _method(name: str) -> Callable[..., Any]:
    return lambda x, *args, **options: getattr(tensor(x), name)(*args, **options)


class Ufunc:
    """An operation with `out=`, and its methods."""

    def __init__(self, fn: Any, at: Any = None, accumulate: Any = None) -> None:
        self.fn, self.written, self.accumulate = fn, at, accumulate

    def __call__(self, a: Any, b: Any, out: Any = None) -> Any:
        return _into(out, self.fn(tensor(a), tensor(b)))

    def at(self, x: Any, index: Any, value: Any) -> None:
        if self.written is None:
            raise TypeError("no such method")
        index = index if isinstance(index, tuple) else (index,)
        index = tuple(torch.as_tensor(i) if isinstance(i, int) else tensor(i) for i in index)
        x.index_put_(index, self.written(tensor(value).to(x.dtype)), accumulate=True)

    def outer(self, a: Any, b: Any) -> Any:
        return self.fn(tensor(a).reshape(-1, 1), tensor(b))


def _slogdet(x: Any) -> tuple[Any, Any]:
    sign, log = torch.linalg.slogdet(tensor(x))
    return sign, log


def _solve(a: Any, b: Any) -> Any:
    return torch.linalg.solve(*_one_type((a, b)))


def _svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    return torch.linalg.svd(tensor(x), full_matrices) if compute_uv else torch.linalg.svdvals(tensor(x))


LINALG = "det inv cholesky qr eigh eigvalsh pinv matrix_power".split()
linalg = types.SimpleNamespace(
    **{name: unwrapped(getattr(torch.linalg, name)) for name in LINALG},
    norm=norm, solve=_solve, slogdet=_slogdet, svd=_svd, LinAlgError=torch.linalg.LinAlgError,
)  # fmt: skip
fft = types.SimpleNamespace(
    **{n: unwrapped(getattr(torch.fft, n)) for n in "fft ifft rfft irfft".split()},
    fftfreq=lambda n, d=1.0: tensor(np.fft.fftfreq(n, d)),
    rfftfreq=lambda n, d=1.0: tensor(np.fft.rfftfreq(n, d)),
)

THEIRS = """
exp log log1p expm1 log2 log10 sqrt sin cos tan tanh sinh cosh floor ceil sign abs square real imag angle
trace isfinite isnan isinf tile kron outer swapaxes diagonal moveaxis squeeze flip fliplr flipud arctan arcsin
arccos arctan2 hypot atleast_1d broadcast_to
""".split()
OTHER_NAMES = {"absolute": "abs", "fabs": "abs", "expand_dims": "unsqueeze"}
METHODS = "mean prod std var max min ptp cumsum any all ravel reshape transpose round copy conj".split()
NUMPYS = """
pi e inf nan newaxis random ndindex errstate hanning polynomial float64 int64 float32 intp diag_indices bool_
triu_indices tril_indices
""".split()
OURS = """
repeat take where clip diag stack concatenate hstack vstack column_stack block split diff roll gradient interp
convolve correlate trapezoid percentile average polyval polyder vander cross einsum tensordot pad searchsorted
digitize select piecewise bincount ndenumerate ix_ argsort sort median meshgrid linspace arange size tril triu
cov array dot full linalg fft
""".split()


def asarray(x: Any, dtype: Any = None) -> Any:
    return tensor(x) if dtype is None else tensor(x).to(_dtype(dtype))


def _along(fn: Any) -> Any:
    return lambda x, axis=None: fn(tensor(x), axis)


def _running(fn: Any, part: int | None = None) -> Any:
    """A function along an axis, the first if none is named; of what PyTorch gives, the part meant."""
    return lambda x, axis=0: fn(tensor(x), axis) if part is None else fn(tensor(x), axis)[part]


FACE: dict[str, Any] = {
    **{name: unwrapped(getattr(torch, name)) for name in THEIRS},
    **{name: unwrapped(getattr(torch, theirs)) for name, theirs in OTHER_NAMES.items()},
    **{name: _method(name) for name in METHODS},
    **{name: getattr(np, name) for name in NUMPYS},
    **{name: globals()[name] for name in OURS},
    "amax": _method("max"), "amin": _method("min"),
    "argmax": _along(torch.argmax), "argmin": _along(torch.argmin),
    "asarray": asarray, "sum": total, "ndarray": Array,
    "matmul": lambda a, b: torch.matmul(*_one_type((a, b))),
    "vdot": lambda a, b: dot(tensor(a).conj().reshape(-1), tensor(b).reshape(-1)),
    "zeros": _made(torch.zeros), "ones": _made(torch.ones), "empty": _made(torch.zeros),
    "zeros_like": _made_like(torch.zeros), "ones_like": _made_like(torch.ones),
    "empty_like": _made_like(torch.zeros), "full_like": lambda x, v: full(tensor(x).shape, v),
    "eye": lambda n, m=None, k=0: tensor(np.eye(n, m, k)), "identity": lambda n: tensor(np.eye(n)),
    "tri": lambda n, m=None, k=0, dtype=float: tensor(np.tri(n, m, k)).to(_dtype(dtype)),
    "add": Ufunc(torch.add, lambda v: v), "subtract": Ufunc(torch.sub, lambda v: -v),
    "multiply": Ufunc(torch.mul), "divide": Ufunc(torch.div), "power": Ufunc(torch.pow),
    "logaddexp": Ufunc(_two(torch.logaddexp), None, _running(torch.logcumsumexp)),
    "maximum": Ufunc(maximum, None, _running(torch.cummax, 0)),
    "minimum": Ufunc(minimum, None, _running(torch.cummin, 0)),
    "cumprod": _running(torch.cumprod),
    "logical_and": Ufunc(torch.logical_and), "logical_or": Ufunc(torch.logical_or),
    "take_along_axis": lambda x, i, axis: torch.take_along_dim(tensor(x), tensor(i), axis),
    "array_split": split, "hsplit": lambda x, n: split(x, n, 0 if tensor(x).ndim == 1 else 1),
    "ediff1d": lambda x: torch.diff(tensor(x).reshape(-1)),
    "ndim": lambda x: tensor(x).ndim, "shape": lambda x: tuple(tensor(x).shape),
    "isscalar": lambda x: isinstance(x, NUMBERS) or tensor(x).ndim == 0,
    "mgrid": type("mgrid", (), {"__getitem__": staticmethod(mgrid)})(),
    "lib": types.SimpleNamespace(
        stride_tricks=types.SimpleNamespace(sliding_window_view=sliding_window_view)
    ),
    "flatnonzero": lambda x: torch.nonzero(tensor(x).reshape(-1)).reshape(-1),
    "nonzero": lambda x: torch.where(tensor(x) != 0),
    "count_nonzero": lambda x: int(torch.count_nonzero(tensor(x))),
    "allclose": lambda a, b, **o: bool(torch.allclose(tensor(a), tensor(b), **o)),
}  # fmt: skip
numpy = types.SimpleNamespace(**FACE)


# ---- numbers


class _IsFloat(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, float) or (
            isinstance(value, Array) and value.ndim == 0 and value.is_floating_point()
        )


class Float(float, metaclass=_IsFloat):
    """`float` in a program: a number that carries a derivative is left as it is."""

    def __new__(cls, value: Any = 0.0) -> Any:
        if isinstance(value, torch.Tensor):
            return value.reshape(()).clone().as_subclass(Array)
        return float(value)


def _one(fn: Any) -> Any:
    """A function of `math`, with the errors that it raises."""

    def call(*args: Any) -> Any:
        if not any(isinstance(a, torch.Tensor) for a in args):
            return getattr(math, fn.math)(*args)
        getattr(math, fn.math)(*map(plain, args))
        return fn.torch(*[tensor(a).to(torch.float64) for a in args])

    return call


MATHEMATICS = """
sin cos tan exp log log1p expm1 log2 log10 sqrt sinh cosh tanh hypot asin acos atan atan2 asinh acosh atanh
erf erfc lgamma fabs pow copysign
""".split()


def mathematics() -> types.SimpleNamespace:
    """`math`, with PyTorch's functions for numbers that carry a derivative."""
    other = {"fabs": "abs", "pow": "pow", "gamma": ""}
    out = types.SimpleNamespace(**vars(math))
    for name in MATHEMATICS:
        theirs = getattr(torch, other.get(name, name))
        setattr(out, name, _one(types.SimpleNamespace(math=name, torch=theirs)))
    for name in "floor ceil trunc isnan isinf isfinite isclose".split():
        setattr(out, name, _constant(getattr(math, name)))
    out.radians, out.degrees = lambda x: x * (math.pi / 180.0), lambda x: x * (180.0 / math.pi)
    out.gamma = lambda x: torch.exp(torch.lgamma(tensor(x)))
    out.fsum = lambda xs: builtins.sum(xs, 0.0)
    out.prod = lambda xs, start=1: _product(xs, start)
    out.dist = lambda p, q: builtins.sum((a - b) ** 2 for a, b in zip(p, q)) ** 0.5
    return out


def _product(xs: Any, start: Any) -> Any:
    for x in xs:
        start = start * x
    return start


def _constant(fn: Any) -> Any:
    return lambda *args, **options: fn(*map(plain, args), **options)
