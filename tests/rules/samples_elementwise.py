"""Samples of the operators and the elementwise functions of NumPy, away from kinks; and the kinks."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Kink, Sample

from srcdiff.runtime.reductions import sinc_derivative

Fn = Callable[..., Any]


def real(low: float, high: float, *shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(low, high, shape)


def unary(low: float, high: float) -> list[Sample]:
    """A scalar, a 0-d array, arrays of one and two dimensions, an empty one and a non-contiguous one."""
    middle = low + 0.37 * (high - low)
    return [
        Sample((middle,), name="float"),
        Sample((np.float64(middle),), name="float64"),
        Sample((np.asarray(middle),), name="0d"),
        Sample((real(low, high, 5),), name="1d"),
        Sample((real(low, high, 2, 3),), name="2d"),
        Sample((np.zeros((0, 3)),), name="empty"),
        Sample((real(low, high, 4, 6)[::2, ::-2].T,), name="strided"),
    ]


def binary(a: tuple[float, float], b: tuple[float, float], wrt: tuple[int, ...] = (0, 1)) -> list[Sample]:
    """Scalars, equal shapes, and operands that broadcast against each other."""
    x, y = a[0] + 0.31 * (a[1] - a[0]), b[0] + 0.77 * (b[1] - b[0])
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((4,), (4,)),
        ((2, 3), (2, 3)),
        ((3, 1), (4,)),
        ((4,), (3, 1)),
        ((2, 1, 3), (4, 1)),
        ((0, 3), (3,)),
    ]
    samples = [
        Sample((x, y), wrt=wrt, name="floats"),
        Sample((x, real(*b, 4, seed=1)), wrt=wrt, name="float_array"),
        Sample((real(*a, 2, 3), y), wrt=wrt, name="array_float"),
        Sample((np.asarray(x), real(*b, 3, seed=1)), wrt=wrt, name="0d_array"),
        Sample((real(*a, 6)[::2], real(*b, 3, 5, seed=1).T), wrt=wrt, name="strided"),
    ]
    for s, t in shapes:
        samples.append(Sample((real(*a, *s), real(*b, *t, seed=1)), wrt=wrt, name=f"{s}{t}".replace(" ", "")))
    return samples


def complexes(*shape: int, seed: int = 3) -> Any:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.3, 0.9, shape) + 1j * rng.uniform(0.3, 0.9, shape)


SAMPLES: dict[Fn, list[Sample]] = {
    operator.add: binary((-2.0, 2.0), (-2.0, 2.0)),
    operator.sub: binary((-2.0, 2.0), (-2.0, 2.0)),
    operator.mul: binary((-2.0, 2.0), (-2.0, 2.0)),
    operator.truediv: binary((-2.0, 2.0), (0.5, 2.0)),
    operator.pow: [
        *binary((0.4, 2.0), (-1.5, 2.5)),
        *[Sample((real(-2.0, 2.0, 4), p), name=f"power_{p}") for p in (0, 1, 2, 3, -1, -2)],
        *[Sample((-1.3, p), name=f"scalar_power_{p}") for p in (0, 1, 2, 3, -1, -2)],
        Sample((0.0, 3), name="cube_at_0"),
        Sample((0.0, 0), name="constant_at_0"),
        Sample((np.array([0.0, 1.0, -2.0]), np.array([[0], [1], [2]])), name="integer_exponents"),
        Sample((2.0, real(-1.0, 1.0, 3)), wrt=(1,), name="exponent"),
        Sample((2, 1.5), wrt=(1,), name="integer_base"),
        Sample((complexes(3), complexes(2, 1, seed=5)), wrt=(0, 1), name="complex"),
    ],
    np.float_power: [
        *binary((0.4, 2.0), (-1.5, 2.5)),
        Sample((real(-2.0, 2.0, 4), 2), name="square"),
        Sample((complexes(3), complexes(2, 1, seed=5)), wrt=(0, 1), name="complex"),
    ],
    operator.mod: [
        Sample((5.3, 2.1), wrt=(0, 1)),
        Sample((np.array([5.3, -4.7, 0.4]), np.array([[2.1], [-1.7]])), wrt=(0, 1), name="array"),
    ],
    np.fmod: [
        Sample((5.3, 2.1), wrt=(0, 1)),
        Sample((np.array([5.3, -4.7, 0.4]), np.array([[2.1], [-1.7]])), wrt=(0, 1), name="array"),
    ],
    operator.neg: unary(-1.0, 1.0),
    operator.pos: unary(-1.0, 1.0),
    operator.abs: [*unary(0.2, 1.0), *unary(-1.0, -0.2), Sample((complexes(2, 3),), name="complex")],
    np.fabs: [*unary(0.2, 1.0), *unary(-1.0, -0.2)],
    np.square: unary(-1.0, 1.0),
    np.sqrt: unary(0.3, 2.0),
    np.cbrt: [*unary(0.3, 2.0), *unary(-2.0, -0.3)],
    np.reciprocal: unary(0.3, 2.0),
    np.exp: unary(-2.0, 2.0),
    np.exp2: unary(-2.0, 2.0),
    np.expm1: unary(-2.0, 2.0),
    np.log: unary(0.3, 2.0),
    np.log2: unary(0.3, 2.0),
    np.log10: unary(0.3, 2.0),
    np.log1p: unary(-0.5, 2.0),
    np.logaddexp: binary((-3.0, 3.0), (-3.0, 3.0)),
    np.logaddexp2: binary((-3.0, 3.0), (-3.0, 3.0)),
    np.sin: unary(-3.0, 3.0),
    np.cos: unary(-3.0, 3.0),
    np.tan: unary(-1.0, 1.0),
    np.arcsin: unary(-0.7, 0.7),
    np.arccos: unary(-0.7, 0.7),
    np.arctan: unary(-2.0, 2.0),
    np.arctan2: [*binary((-2.0, -0.5), (0.5, 2.0)), *binary((0.5, 2.0), (-2.0, -0.5))],
    np.hypot: binary((-2.0, -0.5), (0.5, 2.0)),
    np.sinh: unary(-2.0, 2.0),
    np.cosh: unary(-2.0, 2.0),
    np.tanh: unary(-2.0, 2.0),
    np.arcsinh: unary(-2.0, 2.0),
    np.arccosh: unary(1.3, 3.0),
    np.arctanh: unary(-0.7, 0.7),
    np.sinc: [*unary(-3.0, 3.0), Sample((np.array([0.0, 1e-9, -1e-3, 1.0]),), name="near_0")],
    sinc_derivative: [
        Sample((np.array([0.0, 1e-9, -1e-3, 0.3, 1.0, 2.2]), order), name=f"order_{order}")
        for order in (1, 2, 3)
    ],
    np.deg2rad: unary(-90.0, 90.0),
    np.rad2deg: unary(-3.0, 3.0),
    np.radians: unary(-90.0, 90.0),
    np.degrees: unary(-3.0, 3.0),
    np.maximum: [*binary((-2.0, -0.5), (0.5, 2.0)), *binary((0.5, 2.0), (-2.0, -0.5))],
    np.minimum: [*binary((-2.0, -0.5), (0.5, 2.0)), *binary((0.5, 2.0), (-2.0, -0.5))],
    np.fmax: [*binary((-2.0, -0.5), (0.5, 2.0)), *binary((0.5, 2.0), (-2.0, -0.5))],
    np.fmin: [*binary((-2.0, -0.5), (0.5, 2.0)), *binary((0.5, 2.0), (-2.0, -0.5))],
    np.clip: [
        Sample((0.3, -1.0, 1.0), wrt=(0, 1, 2), name="inside"),
        Sample((1.3, -1.0, 1.0), wrt=(0, 1, 2), name="above"),
        Sample((-1.3, -1.0, 1.0), wrt=(0, 1, 2), name="below"),
        Sample((np.linspace(-2.0, 2.0, 7), -1.1, 1.2), wrt=(0, 1, 2), name="array"),
        Sample((np.linspace(-2.0, 2.0, 7), None, 1.2), wrt=(0, 2), name="no_min"),
        Sample((np.linspace(-2.0, 2.0, 7), -1.1, None), wrt=(0, 1), name="no_max"),
        Sample((np.linspace(-2.0, 2.0, 7), None, None), name="no_bounds"),
        Sample((np.linspace(-2.0, 2.0, 7), np.array([[-1.1], [0.1]]), 1.2), wrt=(0, 1, 2), name="broadcast"),
        Sample((np.linspace(-2.0, 2.0, 7),), {"a_min": -1.1, "a_max": 1.2}, (0, "a_min"), name="keywords"),
    ],
    np.where: [
        Sample((True, 1.3, 2.1), wrt=(1, 2), name="floats"),
        Sample((np.array([True, False, True]), real(0.0, 1.0, 3), 2.1), wrt=(1, 2), name="array_float"),
        Sample(
            (np.array([True, False, True]), real(0.0, 1.0, 2, 1), real(0.0, 1.0, 4, 1, 3)),
            wrt=(1, 2),
            name="broadcast",
        ),
    ],
    np.nan_to_num: unary(-1.0, 1.0),
    np.copysign: [*binary((-2.0, -0.5), (0.5, 2.0)), *binary((0.5, 2.0), (-2.0, -0.5))],
    np.heaviside: [
        *binary((0.5, 2.0), (0.2, 0.8)),
        Sample((np.array([-1.0, 0.0, 2.0]), np.array([[0.3], [0.7]])), wrt=(1,), name="at_0"),
    ],
    np.ldexp: [Sample((1.3, 3)), Sample((real(-1.0, 1.0, 3), np.array([[1], [-2]])), name="array")],
    np.conj: [*unary(-1.0, 1.0), Sample((complexes(2, 3),), name="complex")],
    np.real: [*unary(-1.0, 1.0), Sample((complexes(2, 3),), name="complex")],
    np.imag: [*unary(-1.0, 1.0), Sample((complexes(2, 3),), name="complex")],
    np.angle: [
        *unary(0.5, 1.0),
        Sample((complexes(2, 3),), name="complex"),
        Sample((complexes(2, 3), True), name="degrees"),
    ],
}

HOLOMORPHIC = [
    operator.neg, operator.pos, np.square, np.sqrt, np.reciprocal, np.exp, np.exp2, np.expm1, np.log, np.log2,
    np.log10, np.log1p, np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.sinh, np.cosh, np.tanh,
    np.arcsinh, np.arccosh, np.arctanh,
]  # fmt: skip
for fn in HOLOMORPHIC:
    SAMPLES[fn].append(Sample((complexes(2, 3),), name="complex"))
    SAMPLES[fn].append(Sample((-complexes(3),), name="complex_left"))
for fn in (operator.add, operator.sub, operator.mul, operator.truediv):
    SAMPLES[fn].append(Sample((complexes(3), complexes(2, 1, seed=5)), wrt=(0, 1), name="complex"))
    SAMPLES[fn].append(Sample((real(0.3, 1.0, 3), complexes(2, 1, seed=5)), wrt=(0, 1), name="real_complex"))

KINKS: dict[Fn, list[Kink]] = {
    operator.abs: [
        Kink((0.0,), (0.0,)),
        Kink((np.array([0.0, -0.0]),), (np.zeros(2),)),
        Kink((np.array([0.0 + 0.0j]),), (np.zeros(1),), name="complex"),
    ],
    np.fabs: [Kink((0.0,), (0.0,))],
    np.sqrt: [Kink((np.array([0.0]),), (np.array([0.0]),), name="at_0")],
    operator.pow: [
        Kink((0.0, 0), (0.0, None), name="0**0"),
        Kink((np.array([0.0, -2.0]), 2), (np.array([0.0, -4.0]), np.zeros(2)), name="no_logarithm"),
        Kink((np.array([0.0]), np.array([0.0])), (np.zeros(1), np.zeros(1)), name="0.0**0.0"),
    ],
    np.hypot: [Kink((0.0, 0.0), (0.0, 0.0))],
    np.maximum: [
        Kink((1.0, 1.0), (0.5, 0.5), name="tie"),
        Kink(
            (np.array([-1.0, 0.0, 1.0]), 0.0),
            (np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.5, 0.0])),
            name="relu",
        ),
        Kink((-np.inf, -np.inf), (0.5, 0.5), name="infinite"),
        Kink((1.0, -np.inf), (1.0, 0.0), name="initial"),
    ],
    np.minimum: [Kink((1.0, 1.0), (0.5, 0.5), name="tie")],
    np.fmax: [Kink((1.0, 1.0), (0.5, 0.5), name="tie"), Kink((1.0, np.nan), (1.0, 0.0), name="nan")],
    np.fmin: [Kink((1.0, 1.0), (0.5, 0.5), name="tie"), Kink((np.nan, 2.0), (0.0, 1.0), name="nan")],
    np.clip: [
        Kink((1.0, -1.0, 1.0), (1.0, 0.0, 0.0), name="upper"),
        Kink((-1.0, -1.0, 1.0), (1.0, 0.0, 0.0), name="lower"),
    ],
    np.sinc: [Kink((0.0,), (0.0,))],
    np.nan_to_num: [
        Kink((np.array([1.0, np.nan, np.inf]),), (np.array([1.0, 0.0, 0.0]),), name="not_finite")
    ],
}
