"""Sample calls for srcdiff/rules/scipy_ndimage.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage as nd
from harness import Sample

from srcdiff.runtime import filters as rt

rng = np.random.default_rng(15)


def r(*shape: int) -> Any:
    return rng.normal(size=shape)


def two(*args: Any, **kwargs: Any) -> Sample:
    return Sample(args, kwargs, wrt=(0, 1))


MODES = ("reflect", "constant", "nearest", "mirror", "wrap")
PRODUCTS = [
    *[two(r(5, 6), r(3, 2), mode=mode) for mode in MODES],
    two(r(6), r(3)),
    two(r(6), r(4), origin=1),
    two(r(5, 6), r(3, 3), origin=(0, -1)),
]
LINES = [
    *[two(r(5, 6), r(3), mode=mode) for mode in MODES],
    two(r(6), r(4), origin=1),
    two(r(6, 4), r(3), axis=0, origin=-1),
]

SAMPLES: dict[Any, list[Sample]] = {
    nd.correlate: PRODUCTS,
    nd.convolve: PRODUCTS,
    nd.correlate1d: LINES,
    nd.convolve1d: LINES,
    nd.gaussian_filter1d: [
        *[Sample((r(12), 0.8), {"mode": m}) for m in MODES],
        Sample((r(9, 4), 0.7), {"axis": 0, "order": 1}),
    ],
    nd.gaussian_filter: [
        Sample((r(7, 8), 0.8)),
        Sample((r(7, 8), (0.5, 1.0)), {"order": (1, 0), "mode": "nearest"}),
        Sample((r(9), 0.9), {"mode": "constant", "cval": 2.0, "truncate": 2.0}),
        Sample((r(9), 0.9), {"radius": 2}),
    ],
    nd.uniform_filter1d: [
        Sample((r(8), 3)),
        Sample((r(8), 4), {"origin": 1, "mode": "nearest"}),
        Sample((r(8, 3), 3), {"axis": 0}),
    ],
    nd.uniform_filter: [Sample((r(5, 6), 3)), Sample((r(5, 6), (2, 3)), {"mode": "wrap"})],
    nd.laplace: [Sample((r(5, 6),)), Sample((r(6),), {"mode": "constant", "cval": 1.0})],
    nd.gaussian_laplace: [Sample((r(7, 8), 0.8))],
    nd.sobel: [Sample((r(5, 6),)), Sample((r(5, 6), 0)), Sample((r(6),), {"mode": "mirror"})],
    nd.prewitt: [Sample((r(5, 6),)), Sample((r(5, 6), 0), {"mode": "nearest"})],
    rt.correlate_back: [two(r(5, 6), r(3, 2)), two(r(6), r(3), "constant")],
    rt.correlate_weights: [two(r(5, 6), r(5, 6), r(3, 2)), two(r(6), r(6), r(3), "nearest")],
    rt.weights_along: [Sample((r(3), 2, 0))],
}
