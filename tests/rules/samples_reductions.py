"""Samples of the reductions and of what runs along an axis; and the ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Kink, Sample

from srcdiff.runtime.reductions import quantile_weights, recurrence, shifted

Fn = Callable[..., Any]


def real(*shape: int, seed: int = 0) -> Any:
    """Numbers that are not near each other, nor near zero, in random order."""
    count = int(np.prod(shape))
    values = np.linspace(0.4, 1.9, max(count, 1))[:count]
    return np.random.default_rng(seed).permutation(values).reshape(shape)


def reductions(empty: bool = False) -> list[Sample]:
    """Everything, an axis from either end, several axes, ``keepdims``, 0-d, empty, non-contiguous arrays."""
    samples = [
        Sample((np.asarray(1.3),), name="0d"),
        Sample((real(5),), name="1d"),
        Sample((real(5),), {"axis": 0}, name="1d_axis"),
        Sample((real(5),), {"axis": -1, "keepdims": True}, name="1d_keepdims"),
        Sample((real(3, 4),), name="2d"),
        Sample((real(3, 4),), {"axis": 0}, name="2d_axis_0"),
        Sample((real(3, 4),), {"axis": 1}, name="2d_axis_1"),
        Sample((real(3, 4),), {"axis": -2}, name="2d_axis_-2"),
        Sample((real(3, 4),), {"axis": 1, "keepdims": True}, name="2d_axis_1_keepdims"),
        Sample((real(3, 4),), {"keepdims": True}, name="2d_keepdims"),
        Sample((real(6, 8)[::2, ::-2].T,), {"axis": 0}, name="strided"),
        Sample((real(2, 3, 4),), {"axis": (0, 2)}, name="3d_axes"),
        Sample((real(2, 3, 4),), {"axis": (-1, 0)}, name="3d_axes_reversed"),
        Sample((real(2, 3, 4),), {"axis": (1, -1), "keepdims": True}, name="3d_axes_keepdims"),
        Sample((real(2, 3),), {"axis": (0, 1)}, name="2d_all_axes"),
    ]
    if empty:
        samples += [
            Sample((np.zeros((0,)),), name="empty"),
            Sample((np.zeros((0, 3)),), {"axis": 0}, name="empty_axis"),
        ]
    samples.append(Sample((np.zeros((3, 0)),), {"axis": 0}, name="empty_result"))
    return samples


def with_initial(low: float) -> list[Sample]:
    return [
        Sample((real(5),), {"initial": 0.7}, (0, "initial"), name="initial"),
        Sample((real(3, 4),), {"axis": 0, "initial": low}, (0, "initial"), name="initial_axis"),
        Sample(
            (real(3, 4),),
            {"axis": 1, "keepdims": True, "initial": 1.0},
            (0, "initial"),
            name="initial_keepdims",
        ),
    ]


HOLES = real(3, 4).copy()
HOLES[0, 1] = HOLES[2, 2] = HOLES[2, 0] = np.nan
WITH_NAN = [
    Sample((HOLES,), name="nan"),
    Sample((HOLES,), {"axis": 0}, name="nan_axis"),
    Sample((HOLES,), {"axis": -1, "keepdims": True}, name="nan_keepdims"),
]
for sample in WITH_NAN:
    assert np.isnan(sample.args[0]).sum() == 3

ZEROS = np.array([[1.5, 0.0, 2.0, 0.7], [0.0, 1.1, 0.0, 0.6], [1.2, 0.4, 1.7, 0.9]])

SAMPLES: dict[Fn, list[Sample]] = {
    np.sum: [*reductions(empty=True), *with_initial(0.3), Sample((1.7,), name="float")],
    np.mean: [*reductions(), Sample((1.7,), name="float")],
    np.var: [
        *reductions(),
        Sample((real(5),), {"ddof": 1}, name="ddof"),
        Sample((real(3, 4),), {"axis": 0, "ddof": 1}, name="ddof_axis"),
        Sample((real(2, 3, 4),), {"axis": (0, 2), "ddof": 1, "keepdims": True}, name="ddof_axes"),
    ],
    np.std: [
        *[s for s in reductions() if s.name != "0d"],
        Sample((real(5),), {"ddof": 1}, name="ddof"),
        Sample((real(3, 4),), {"axis": 0, "ddof": 1}, name="ddof_axis"),
        Sample((real(2, 3, 4),), {"axis": (0, 2), "ddof": 1, "keepdims": True}, name="ddof_axes"),
    ],
    np.average: [
        *reductions()[:-1],
        Sample((real(5),), {"weights": real(5, seed=1)}, (0, "weights"), name="weights"),
        Sample(
            (real(2, 3, 4),),
            {"axis": (0, -1), "weights": real(2, 4, seed=1)},
            (0, "weights"),
            name="weights_axes",
        ),
        Sample((real(3, 4),), {"weights": real(3, 4, seed=1)}, (0, "weights"), name="weights_2d"),
        Sample(
            (real(3, 4),), {"axis": 1, "weights": real(3, 4, seed=1)}, (0, "weights"), name="weights_axis"
        ),
        Sample(
            (real(3, 4),),
            {"axis": 0, "weights": real(3, 4, seed=1), "keepdims": True},
            (0, "weights"),
            name="weights_keepdims",
        ),
        Sample((real(3, 4),), {"axis": 0, "weights": real(3, seed=1)}, (0, "weights"), name="row_weights"),
        Sample(
            (real(2, 3, 4),), {"axis": -2, "weights": real(3, seed=1)}, (0, "weights"), name="row_weights_3d"
        ),
        Sample(
            (real(2, 3, 4),),
            {"axis": 1, "weights": real(3, seed=1), "keepdims": True},
            (0, "weights"),
            name="row_weights_keepdims",
        ),
    ],
    np.max: [*reductions()[:-1], *with_initial(1.15), Sample((1.7,), name="float")],
    np.min: [*reductions()[:-1], *with_initial(0.55), Sample((1.7,), name="float")],
    np.ptp: reductions()[:-1],
    np.nansum: [*reductions(empty=True), *WITH_NAN],
    np.nanmean: [*reductions()[:-1], *WITH_NAN],
    np.nanmax: [*reductions()[:-1], *with_initial(1.15), *WITH_NAN],
    np.nanmin: [*reductions()[:-1], *with_initial(0.55), *WITH_NAN],
    np.median: [*reductions()[:-1], Sample((real(6),), name="even")],
    np.quantile: [
        Sample((real(n), q), name=f"{q}_of_{n}") for n in (1, 2, 5, 6, 11) for q in (0.0, 0.1, 0.37, 0.5, 1.0)
    ],
    np.percentile: [
        Sample((real(n), q), name=f"{q}_of_{n}") for n in (1, 5, 6, 11) for q in (0, 10.0, 37, 100)
    ],
    np.unique: [
        Sample((np.array([0.7, 1.5, 0.2]),), name="distinct"),
        Sample((real(2, 3),), name="2d"),
    ],
    np.prod: [
        *reductions(empty=True),
        *with_initial(0.3),
        Sample((1.7,), name="float"),
        Sample((ZEROS,), name="zeros"),
        Sample((ZEROS,), {"axis": 0}, name="zeros_axis_0"),
        Sample((ZEROS,), {"axis": 1}, name="zeros_axis_1"),
        Sample((np.array([0.5, 0.0, 2.0]),), name="one_zero"),
        Sample((np.asarray(1.7),), {"initial": 2.0}, (0, "initial"), name="0d_initial"),
    ],
    np.cumsum: [
        Sample((real(5),), name="1d"),
        Sample((real(5),), {"axis": 0}, name="1d_axis"),
        Sample((real(3, 4),), name="2d"),
        Sample((real(3, 4),), {"axis": 0}, name="2d_axis_0"),
        Sample((real(3, 4),), {"axis": -1}, name="2d_axis_-1"),
        Sample((np.asarray(1.3),), name="0d"),
        Sample((np.zeros((0, 3)),), {"axis": 0}, name="empty"),
        Sample((real(6, 4)[::2, ::-1].T,), {"axis": 0}, name="strided"),
    ],
    np.diff: [
        Sample((real(5),), name="1d"),
        Sample((real(5), 0), name="n_0"),
        Sample((real(5), 2), name="n_2"),
        Sample((real(5), 3), name="n_3"),
        Sample((real(3, 4),), name="2d"),
        Sample((real(3, 4),), {"axis": 0}, name="2d_axis_0"),
        Sample((real(3, 4), 2), {"axis": -2}, name="2d_axis_-2"),
        Sample((real(1),), name="empty_result"),
    ],
    np.trapezoid: [
        Sample((real(5),), name="1d"),
        Sample((real(5),), {"dx": 0.3}, (0, "dx"), name="1d_dx"),
        Sample((real(5), np.sort(real(5, seed=1))), wrt=(0, 1), name="1d_x"),
        Sample((real(3, 4),), {"dx": 0.3}, (0, "dx"), name="2d_dx"),
        Sample((real(3, 4),), {"axis": 0}, name="2d_axis_0"),
        Sample((real(3, 4), real(4, seed=1)), wrt=(0, 1), name="2d_x_1d"),
        Sample((real(3, 4), real(3, seed=1)), {"axis": 0}, wrt=(0, 1), name="2d_x_1d_axis_0"),
        Sample((real(3, 4), real(3, 4, seed=1)), {"axis": 0}, wrt=(0, 1), name="2d_x_2d_axis_0"),
        Sample((real(2, 3, 4), real(3, seed=1)), {"axis": -2}, wrt=(0, 1), name="3d_x_1d"),
    ],
    np.bincount: [
        Sample((np.array([0, 2, 2, 1, 0]), real(5)), wrt=(1,), name="weights"),
        Sample((np.array([0, 2, 2, 1, 0]), real(5), 6), wrt=(1,), name="minlength"),
    ],
    shifted: [
        Sample((real(4),), name="1d"),
        Sample((real(4), 0, -1, 1.0), name="back"),
        Sample((real(3, 4), 0, 1, 1.0), name="2d"),
        Sample((real(3, 4), -1, -1), name="2d_back"),
        Sample((real(1),), name="single"),
        Sample((np.zeros((0,)),), name="empty"),
    ],
    recurrence: [
        Sample((real(4), real(4, seed=1)), wrt=(0, 1), name="1d"),
        Sample((real(4), real(4, seed=1), 0, True), wrt=(0, 1), name="reverse"),
        Sample((real(3, 4), real(3, 4, seed=1), 0), wrt=(0, 1), name="2d"),
        Sample((real(3, 4), real(3, 4, seed=1), 1, True), wrt=(0, 1), name="2d_reverse"),
        Sample((real(1), real(1, seed=1)), wrt=(0, 1), name="single"),
        Sample((np.zeros((0,)), np.zeros((0,))), wrt=(0, 1), name="empty"),
    ],
}
SAMPLES[np.amax] = SAMPLES[np.max]
SAMPLES[np.amin] = SAMPLES[np.min]
SAMPLES[np.cumprod] = [
    *SAMPLES[np.cumsum],
    Sample((ZEROS,), name="zeros"),
    Sample((ZEROS,), {"axis": 0}, name="zeros_axis_0"),
    Sample((ZEROS,), {"axis": 1}, name="zeros_axis_1"),
]
for fn, q in ((np.quantile, 0.3), (np.percentile, 30.0)):
    SAMPLES[fn] += [
        Sample((real(7), 1.3 * q), wrt=(0, 1), name="level"),
        Sample((real(3, 4), np.array([q, 2.1 * q])), {"axis": 0}, wrt=(0, 1), name="levels"),
        Sample((real(3, 4), q), {"axis": 0}, name="axis_0"),
        Sample((real(3, 4), q), {"axis": -1, "keepdims": True}, name="keepdims"),
        Sample((real(2, 3, 4), q), {"axis": (2, 0)}, name="axes"),
        Sample((real(2, 3, 4), q), {"axis": (0, 1), "keepdims": True}, name="axes_keepdims"),
    ]

SAMPLES[quantile_weights] = [
    Sample((real(7), 0.4), wrt=(1,), name="level"),
    Sample((real(3, 4), np.array([0.3, 0.63]), 0), wrt=(1,), name="levels"),
]

COMPLEX = real(3, 4) + 1j * real(3, 4, seed=2)
for fn in (np.sum, np.mean, np.prod, np.cumsum, np.cumprod, np.diff):
    SAMPLES[fn] += [
        Sample((COMPLEX,), name="complex"),
        Sample((COMPLEX,), {"axis": 1}, name="complex_axis"),
    ]

TIES = np.array([[2.0, 1.0, 2.0], [3.0, 3.0, 1.5], [1.0, 1.0, 1.0]])
HIGHEST = np.array([[0.5, 0.0, 0.5], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]])
LOWEST = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1 / 3, 1 / 3, 1 / 3]])
BARS = np.array([1.5, -0.5, 0.75])


def extremes(sign: float) -> list[Kink]:
    """Ties in everything, along an axis, and with ``initial``, of a maximum (1.0) or a minimum (-1.0)."""
    row, start = sign * np.array([2.0, 1.0, 2.0, 2.0]), sign * 2.0
    wanted, both = np.array([1, 0, 1, 1]) / 3, np.array([1, 0, 1, 1]) / 4
    initial = np.array([[0.5, 0.0, 0.5], [0.75, 0.75, 0.0], [0.0, 0.0, 0.0]])
    return [
        Kink((row,), (wanted, None), name="ties"),
        Kink((row,), (both, 0.25), {"initial": start}, name="ties_initial"),
        Kink((sign * TIES,), (HIGHEST * BARS[:, None], None), {"axis": 1}, "ties_axis", BARS),
        Kink(
            (sign * TIES,),
            (initial / [[1.5], [1.5], [1.0]] * BARS[:, None], BARS[0] / 3 + BARS[2]),
            {"axis": 1, "initial": start},
            "ties_axis_initial",
            BARS,
        ),
        Kink(
            (sign * TIES.T,),
            (HIGHEST.T * BARS, None),
            {"axis": 0, "keepdims": True},
            "ties_keepdims",
            BARS[None],
        ),
    ]


KINKS: dict[Fn, list[Kink]] = {
    **{fn: extremes(1.0) for fn in (np.max, np.amax, np.nanmax)},
    **{fn: extremes(-1.0) for fn in (np.min, np.amin, np.nanmin)},
    np.ptp: [
        Kink((TIES,), ((HIGHEST - LOWEST) * BARS[:, None],), {"axis": 1}, "ties_axis", BARS),
        Kink((np.array([2.0, 2.0, 1.0]),), (np.array([0.5, 0.5, -1.0]),), name="ties"),
    ],
}
KINKS[np.median] = [Kink((np.array([2.0, 2.0, 2.0]),), (np.array([0.0, 1.0, 0.0]),), name="ties")]
KINKS[np.prod] = [Kink((np.zeros(2),), (np.zeros(2), None), name="two_zeros")]
KINKS[np.unique] = [
    Kink((np.array([2.0, 1.0, 2.0]),), (np.array([1.0, 1.0, 0.0]),), out_bar=np.ones(2), name="repeated")
]
