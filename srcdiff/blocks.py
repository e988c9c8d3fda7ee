"""Derivatives of large arrays, some rows at a time: what lies in the processor's cache is not fetched again.

A text of NumPy goes over whole arrays with every operation.  From some hundred thousand elements on each of
these passes waits for memory, and temporaries of that size go back to the system and come again.  Where every
row of a result follows from the same row of the arguments (or results are sums over rows), the derivative of
all rows is that of a few thousand at a time, put together.  That it is so is proved on the graph.
"""

from __future__ import annotations

import inspect
import itertools
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from srcdiff.api import Derivative
from srcdiff.api.targets import refuse, refuse_value
from srcdiff.ir.modules import NUMPY
from srcdiff.pipeline.rowwise import TOTAL, Mixed, results
from srcdiff.signature import module_for

__all__ = ["InBlocks", "in_blocks"]

P = ParamSpec("P")
R = TypeVar("R")
LEAST = 64  # rows: the size of smaller arrays may be a part of the text
ROWS = 8192  # of numbers: a dozen temporaries of as many are in the cache of one core
MOST = 16  # texts whose proof is kept

class InBlocks(Generic[P, R]):
    """A derivative that is computed some rows at a time, called like the derivative.

    Attributes:
        derivative: what is computed.
        rows: how many rows at a time.
    """

    def __init__(self, derivative: Derivative[P, R], rows: int = ROWS, over: str = "") -> None:
        self.derivative, self.rows, self.over = derivative, rows, over
        self._proofs: dict[Any, tuple[Any, Any]] = {}

    def __repr__(self) -> str:
        return f"<{self.derivative!r}, {self.rows} rows at a time>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        d = self.derivative
        bound = d._bind(args, kwargs)
        cut, n = self._cut(bound.arguments)
        if n <= self.rows:
            return d(*args, **kwargs)
        edges = [n * k // -(-n // self.rows) for k in range(-(-n // self.rows) + 1)]
        proved: set[int] = set()
        out: Any = None
        for start, stop in itertools.pairwise(edges):
            part = inspect.BoundArguments(bound.signature, bound.arguments.copy())
            part.arguments.update({name: bound.arguments[name][start:stop] for name in cut})
            if stop - start not in proved:
                how = self._proof(part, frozenset(cut))
                proved.add(stop - start)
            got = d(*part.args, **part.kwargs)
            out = joined(how, out, got, start, stop, n)
        return out  # type: ignore[no-any-return]

    def _cut(self, arguments: dict[str, Any]) -> tuple[list[str], int]:
        """The arguments that are cut into rows, and how many rows they have."""
        if module_for(arguments) is not NUMPY:
            refuse_value("blocks", "in_blocks is for NumPy's arrays", "call the derivative itself")
        named = [arguments.get(w) for w in ((self.over,) if self.over else self.derivative.wrt_names)]
        sizes = {len(x) for x in named if isinstance(x, np.ndarray) and x.ndim}
        if not sizes:
            refuse_value(
                "blocks", f"{self.over or self.derivative!r} is not an array, or not taken in an array",
                "say which argument has the rows: in_blocks(..., over='x')",
            )  # fmt: skip
        n = max(sizes)
        return [w for w, x in arguments.items() if isinstance(x, np.ndarray) and x.ndim and len(x) == n], n

    def _proof(self, part: inspect.BoundArguments, cut: frozenset[str]) -> Any:
        """What each result is, for the text that such a call comes to."""
        _, variant, _ = self.derivative._prepared(part.args, part.kwargs)
        key = id(variant.made), cut
        if key not in self._proofs:
            try:
                how = results(variant.made.graph, cut)
            except Mixed as problem:
                refuse_value(
                    "blocks", f"{self.derivative!r} is not computed row by row: {problem}",
                    "call the derivative itself; arrays that are not rows must be of another length",
                )  # fmt: skip
            if len(self._proofs) >= MOST:
                self._proofs.clear()
            self._proofs[key] = variant.made, how
        return self._proofs[key][1]


def in_blocks(derivative: Derivative[P, R], rows: int = ROWS, over: str = "") -> InBlocks[P, R]:
    """The derivative of functions of large arrays, computed some rows at a time.

    For arrays of 100,000 numbers and more, whose derivative is a chain of operations element by element, this
    is about twice as fast, and takes memory for `rows` rows beside the result.  Arguments are cut into rows
    that are as long as what the derivative is taken in (or as the one that `over` names).  Every result must
    follow row by row, or be a sum over rows; sums come out in another order.

    Args:
        derivative: what `grad`, `value_and_grad`, `elementwise_grad` and so on return.
        rows: how many rows at a time.
        over: the name of an argument with as many rows as there are, if that is not what it is taken in.

    Returns:
        A callable with the arguments and results of the derivative.

    Raises:
        DerivativeValueError: something takes several rows together, or is not known to do so.

    Example:
        >>> import numpy as np
        >>> from srcdiff import grad, in_blocks
        >>> def energy(x, k):
        ...     return np.sum(k * np.log(1.0 + np.exp(x)))
        >>> slope = in_blocks(grad(energy), rows=1000)
        >>> x = np.linspace(-3.0, 3.0, 2500)
        >>> bool(np.array_equal(slope(x, 2.0), grad(energy)(x, 2.0)))
        True
    """
    if not isinstance(derivative, Derivative):
        refuse("argument", "in_blocks needs a derivative", "write in_blocks(grad(f))")
    if type(rows) is not int or rows < LEAST:
        help = f"pass a number from {LEAST} on: a block of few rows takes longer than it saves"
        refuse_value("blocks", f"in_blocks goes over {rows!r} rows at a time", help)
    return InBlocks(derivative, rows, over)


def joined(how: Any, out: Any, got: Any, start: int, stop: int, n: int) -> Any:
    """The results so far, with those of another block."""
    if isinstance(how, tuple):
        before = out if out is not None else (None,) * len(how)
        return tuple(joined(*each, start, stop, n) for each in zip(how, before, got, strict=True))
    if how == TOTAL:
        return got if out is None else out + got
    if out is None:
        out = np.empty((n, *got.shape[1:]), got.dtype)
    out[start:stop] = got
    return out
