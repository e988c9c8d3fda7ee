"""What a value of the graph is in a kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.compiled.nests import Size, Store, same_size
from srcdiff.ir.graph import (
    Op,
    Origin,
    Val,
    kind,
)
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq, fresh_sym
from srcdiff.ir.modules import module_name, package_of

if TYPE_CHECKING:
    from srcdiff.compiled.trips import Trips

DTYPES = ("f8", "f4", "i8", "b1", "c16")


ZERO_OF = {"f8": "0.0", "f4": "np.float32(0.0)", "i8": "0", "b1": "False", "c16": "0j"}


NUMPY_DTYPE = {
    "f8": "np.float64", "f4": "np.float32", "i8": "np.int64", "b1": "np.bool_", "c16": "np.complex128",
}  # fmt: skip


class Unsupported(Exception):
    """An operation that has no compiled form, and why."""

    def __init__(self, op: Op | None, reason: str) -> None:
        super().__init__(reason)
        self.op, self.reason = op, reason


@dataclass(slots=True)
class View:
    """An array: a store, and how each of its axes is gone along (axis of the view or none, start, step)."""

    store: Store
    axes: tuple[tuple[int | None, str, int], ...]
    sizes: tuple[Size, ...]

    @property
    def dtype(self) -> str:
        return self.store.dtype

    @property
    def whole(self) -> bool:
        own = self.store.sizes
        return (
            len(self.axes) == len(self.sizes)
            and all(a == (k, "", 1) for k, a in enumerate(self.axes))
            and all(map(same_size, self.sizes, own))
        )


@dataclass(slots=True)
class Lazy:
    """An array whose elements are computed where they are read."""

    dtype: str
    sizes: tuple[Size, ...]
    element: Callable[[list[str]], str]


@dataclass(slots=True)
class Num:
    """A number in a variable."""

    store: Store

    @property
    def dtype(self) -> str:
        return self.store.dtype

    @property
    def sizes(self) -> tuple[Size, ...]:
        return ()


@dataclass(slots=True)
class Text:
    """A number that is written where it is used."""

    text: str
    dtype: str
    weak: bool = True

    @property
    def sizes(self) -> tuple[Size, ...]:
        return ()


@dataclass(slots=True)
class Gather:
    """Elements of a view at places that arrays of integers hold, along some axes.

    The axes of the places are those of the result from ``at`` on.
    """

    view: View
    places: dict[int, Elements]  # by axis of the view
    at: int
    rank: int
    sizes: tuple[Size, ...]

    def taken(self, of_view: list[Any], of_result: list[Any]) -> list[Any]:
        """Something for each axis of the view: what is given, or what the result's axes have."""
        rest = iter([*of_result[: self.at], *of_result[self.at + self.rank :]])
        return [of_view[k] if k in self.places else next(rest) for k in range(len(self.view.sizes))]

    def inner(self, of_result: list[Any], k: int) -> list[Any]:
        """Of what the result's axes have: what those of the places along an axis have."""
        own = self.places[k].sizes
        mine = of_result[self.at : self.at + self.rank][self.rank - len(own) :]
        return ["0" if s.is_one else x for s, x in zip(own, mine, strict=True)]

    @property
    def dtype(self) -> str:
        return self.view.dtype


@dataclass(slots=True)
class Rolled:
    """An array whose elements are moved round along one axis.

    By a distance in 0 ... n, or by any number where ``n`` is not known.
    """

    of: Elements
    axis: int
    by: int | str
    sizes: tuple[Size, ...]

    @property
    def dtype(self) -> str:
        return self.of.dtype


@dataclass(slots=True)
class Tape:
    """What a loop saves, trip by trip: numbers, or rows that say where in the next tape an element lies."""

    name: str
    elem: Kind
    inner: Tape | None = None
    count: str = ""
    known: str = ""  # the number of trips, where it is known before
    room: str = ""  # how many elements it has at most, where that is known before: it need not grow
    trips: Trips | None = None  # the loops that fill it, where all can be told before
    shapes: bool = False  # of its arrays only the shapes are asked for
    lists: bool = False  # its arrays are lists of numbers outside of kernels
    sizes: tuple[Size, ...] | None = None  # of all its arrays: nothing says where each lies
    rows: bool = False  # these are the rows of one array, which need not grow


@dataclass(slots=True)
class Tapes:
    """A list of the graph: a tape, where it starts, how many elements it has."""

    tape: Tape
    start: str
    count: str


@dataclass(slots=True)
class Growing:
    """A list that grows and shrinks: a buffer, how many elements are in it, the shape of each."""

    name: str
    count: str
    dtype: str
    shape: tuple[Size, ...]


@dataclass(slots=True)
class Static:
    """A thing known when the text is made."""

    value: Any


Rep = View | Lazy | Num | Text | Gather | Rolled | Tapes | Growing | Static


Elements = View | Lazy | Num | Text | Gather | Rolled


@dataclass(slots=True)
class Kernel:
    """A compiled function: its text, what it takes and gives."""

    name: str
    lines: list[str] = field(default_factory=list)
    params: list[tuple[str, Val]] = field(default_factory=list)
    made: list[tuple[str, str, Val]] = field(default_factory=list)  # arrays made outside: name, text, result
    returned: list[Val] = field(default_factory=list)
    gives: list[str] = field(default_factory=list)  # the texts of these
    inplace: dict[Val, Val] = field(default_factory=dict)  # results that are arguments, changed in place
    helpers: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)
    places: list[Origin] = field(default_factory=list)  # of the statements in it
    loops: int = 0
    statements: int = 0
    shared: int = 0  # loops that threads share
    serial: list[str] = field(default_factory=list)  # why the others are not

    def last_line(self) -> list[str]:
        return [f"    return {', '.join(self.gives)}"] if self.gives else []


def whole(store: Store) -> View:
    return View(store, tuple((k, "", 1) for k in range(len(store.sizes))), store.sizes)


def is_unbroadcast(fn: Any) -> bool:
    return getattr(fn, "__name__", "") == "unbroadcast" and getattr(fn, "__module__", "").startswith(
        "srcdiff.runtime"
    )


def is_boxed(op: Op) -> bool:
    """Whether an operation makes an array without axes of a number."""
    if op.fn not in (np.array, np.asarray):
        return False
    return all(
        isinstance(k, Scalar) or (isinstance(k, Array) and not k.dims)
        for k in (kind(op.ins[0]), op.out.kind)
    )


def from_runtime(fn: Any) -> str:
    """The name of a helper of the library's own, or nothing."""
    module = module_name(fn)
    return getattr(fn, "__name__", "") if module.startswith("srcdiff.runtime") else ""


def shaped_like(fn: Any) -> int | None:
    """Which operand of a conversion, or of a helper of the runtime, its result has the shape of."""
    if fn is np.float32 or fn is np.float64:
        return 0
    return {"matmul_left": 1, "matmul_right": 2}.get(from_runtime(fn))


def is_shape_of(fn: Any) -> int | None:
    """Which operand of a helper of the runtime is asked for its shape, and nothing else."""
    return {"unpad": 1, "gradient_back": 1}.get(from_runtime(fn))


def word_for(fn: Any) -> str:
    module = package_of(fn)
    name = getattr(fn, "__name__", str(fn))
    return f"np.{name}" if module == "numpy" else name


def is_zeros_like(fn: Any) -> bool:
    name, module = getattr(fn, "__name__", ""), module_name(fn)
    return name == "zeros_like" and module.startswith("srcdiff.runtime")


def as_array(k: Kind) -> Array | None:
    """The kind of an array, or of a list of numbers as one; None of anything else."""
    if isinstance(k, Array) and k.dims:
        return k
    if type(k) is Seq and isinstance(k.elem, Scalar) and k.elem.dtype in DTYPES:
        return Array(k.elem.dtype, (fresh_sym(),))
    return None


def is_looked_up(r: Elements) -> bool:
    """Whether the place of each element along the last axis is looked up, and compared with the size."""
    return isinstance(r, Gather) and r.at + r.rank == len(r.sizes)
