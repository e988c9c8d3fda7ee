"""Samples of the functions of ``cmath``."""

from __future__ import annotations

import cmath
from collections.abc import Callable
from typing import Any

from harness import Sample

Fn = Callable[..., Any]


def unary(*points: complex) -> list[Sample]:
    return [Sample((z,), name=str(z)) for z in points]


ANY = (0.3 + 0.7j, -1.2 - 0.4j, 0.6 - 1.3j)
SAMPLES: dict[Fn, list[Sample]] = {
    cmath.log: [*unary(*ANY), Sample((0.3 + 0.7j, 2.0 - 0.5j), wrt=(0, 1), name="base")],
    **{
        f: unary(*ANY)
        for f in (
            cmath.exp, cmath.log10, cmath.sqrt, cmath.sin, cmath.cos, cmath.tan, cmath.asin, cmath.acos,
            cmath.atan, cmath.sinh, cmath.cosh, cmath.tanh, cmath.asinh, cmath.acosh, cmath.atanh,
            cmath.phase,
        )
    },
    cmath.rect: [Sample((1.3, 0.4), wrt=(0, 1)), Sample((0.7, -2.4), wrt=(0, 1), name="negative")],
}  # fmt: skip
