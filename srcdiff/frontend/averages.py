"""Functions of `statistics` as the few lines of Python that they stand for."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

from srcdiff.frontend.higher import written
from srcdiff.frontend.scope import Bound, Known
from srcdiff.ir.graph import kind
from srcdiff.ir.kinds import is_active_kind

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS"]

MEAN = "m = math.fsum(xs) / len(xs)\n"
SQUARES = MEAN + "v = math.fsum([(x - m) ** 2 for x in xs]) / "


def stands_for(text: str) -> Any:
    """A function of one collection of numbers; where these carry no derivative it is called as it is."""

    def handler(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
        if len(args) != 1 or kwargs:
            return None
        builtins = {f.__name__: Known(f, f.__name__) for f in (list, len)}
        xs = written(lw, node, "out = list(data)", {"data": args[0], **builtins})
        if not is_active_kind(kind(lw.read(xs, node))):
            return None
        return written(lw, node, text, {"xs": xs, "math": Known(math, "math"), **builtins})

    return handler


HANDLERS: dict[Any, Any] = {
    statistics.mean: stands_for(MEAN + "out = m"),
    statistics.variance: stands_for(SQUARES + "(len(xs) - 1)\nout = v"),
    statistics.pvariance: stands_for(SQUARES + "len(xs)\nout = v"),
    statistics.stdev: stands_for(SQUARES + "(len(xs) - 1)\nout = math.sqrt(v)"),
    statistics.pstdev: stands_for(SQUARES + "len(xs)\nout = math.sqrt(v)"),
}
