"""Samples of the functions of ``math`` and of the builtins."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Kink, Sample

from srcdiff import runtime

Fn = Callable[..., Any]


def unary(*points: float) -> list[Sample]:
    return [*(Sample((x,), name=str(x)) for x in points), Sample((np.float64(points[0]),), name="float64")]


def binary(*points: tuple[float, float]) -> list[Sample]:
    return [Sample(p, wrt=(0, 1), name=str(p)) for p in points]


SAMPLES: dict[Fn, list[Sample]] = {
    math.sqrt: unary(0.3, 2.0),
    math.pow: [*binary((0.7, 2.3), (1.4, -0.6)), Sample((-1.3, 2.0), wrt=(0,), name="square")],
    math.hypot: [
        *binary((0.7, -1.3)),
        Sample((1.1,), name="one"),
        Sample((0.3, -0.4, 1.2), wrt=(0, 1, 2), name="three"),
    ],
    math.nextafter: [Sample((0.7, 2.0), wrt=(0, 1))],
    math.fabs: unary(0.7, -0.7),
    math.copysign: binary((0.7, -1.3), (-0.7, -1.3), (-0.7, 1.3)),
    math.fmod: binary((5.3, 2.1), (-5.3, 2.1)),
    math.remainder: binary((5.3, 2.1), (-6.1, 2.1)),
    math.ldexp: [Sample((1.3, 3)), Sample((1.3, -2), name="negative")],
    math.exp: unary(0.3, -2.0),
    math.expm1: unary(0.3, -2.0),
    math.log: [*unary(0.3, 2.0), Sample((0.7, 3.0), wrt=(0, 1), name="base")],
    math.log2: unary(0.3, 2.0),
    math.log10: unary(0.3, 2.0),
    math.log1p: unary(-0.3, 2.0),
    math.sin: unary(0.3, -2.0),
    math.cos: unary(0.3, -2.0),
    math.tan: unary(0.3, -1.0),
    math.asin: unary(0.3, -0.7),
    math.acos: unary(0.3, -0.7),
    math.atan: unary(0.3, -2.0),
    math.atan2: binary((0.7, 1.3), (-0.7, -1.3)),
    math.radians: unary(30.0),
    math.degrees: unary(0.3),
    math.sinh: unary(0.3, -2.0),
    math.cosh: unary(0.3, -2.0),
    math.tanh: unary(0.3, -2.0),
    math.asinh: unary(0.3, -2.0),
    math.acosh: unary(1.3, 3.0),
    math.atanh: unary(0.3, -0.7),
    math.erf: unary(0.3, -1.2),
    math.erfc: unary(0.3, -1.2),
    math.fsum: [Sample(([0.3, 0.7, -1.2],)), Sample(([],), name="empty")],
    math.prod: [
        Sample(([0.3, 0.7, -1.2],), name="list"),
        Sample(([0.3, 0.0, -1.2],), name="zero"),
        Sample(([0.3, 0.0, 0.0],), name="two_zeros"),
        Sample(([0.3, 0.7],), {"start": 1.5}, (0, "start"), name="start"),
        Sample(([],), name="empty"),
    ],
    math.dist: [Sample(([0.3, 0.7, -1.2], [1.1, 0.2, 0.4]), wrt=(0, 1))],
    math.lgamma: [Sample((1.3,)), Sample((7.9,), name="large"), Sample((-0.4,), name="negative")],
    math.gamma: [Sample((1.3,)), Sample((4.2,), name="large"), Sample((-0.4,), name="negative")],
    runtime.polygamma: [Sample((0, 1.3), wrt=(1,)), Sample((2, 0.4), wrt=(1,), name="second")],
    np.float64: [Sample((0.7,)), Sample((np.array([0.3, 0.8]),))],
    np.longdouble: [Sample((0.7,))],
    np.float16: [Sample((0.7,), step=0.1)],
    np.float32: [Sample((0.7,), step=0.05)],
    float: [
        Sample((1.3,)),
        Sample((np.float64(1.3),), name="float64"),
        Sample((np.asarray(1.3),), name="0d"),
    ],
}
if sys.version_info >= (3, 11):
    SAMPLES[math.cbrt] = unary(0.3, -2.0)
    SAMPLES[math.exp2] = unary(0.3, -2.0)
if sys.version_info >= (3, 12):
    SAMPLES[math.sumprod] = [Sample(([0.3, 0.7, -1.2], [1.1, 0.2, 0.4]), wrt=(0, 1))]
if sys.version_info >= (3, 13):
    SAMPLES[math.fma] = [Sample((0.3, 0.7, -1.2), wrt=(0, 1, 2))]

KINKS: dict[Fn, list[Kink]] = {
    math.fabs: [Kink((0.0,), (0.0,)), Kink((np.float64(0.0),), (0.0,), name="float64")],
    math.pow: [Kink((0.0, 2.0), (0.0, 0.0)), Kink((0.0, 0.0), (0.0, 0.0), name="0**0")],
}
