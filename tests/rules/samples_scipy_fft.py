"""Sample calls for srcdiff/rules/scipy_fft.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft as sf
from harness import Sample

from srcdiff import runtime as rt

rng = np.random.default_rng(13)


def r(*shape: int) -> Any:
    return rng.normal(size=shape)


def c(*shape: int) -> Any:
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


FOURIER = [
    Sample((c(5),)),
    Sample((c(3, 4),), {"axis": 0, "norm": "ortho"}),
    Sample((r(5),)),
    Sample((c(5), 7)),
    Sample((c(5), 3), {"norm": "forward"}),
]
PLANES = [Sample((c(3, 4),)), Sample((r(2, 3, 4),), {"norm": "ortho"})]
WAVES = [
    Sample((r(5),), {"type": t, "norm": norm, "axis": -1})
    for t in (1, 2, 3, 4)
    for norm in (None, "ortho", "forward")
] + [Sample((r(4, 3),), {"axis": 0}), Sample((r(5), 2, 7)), Sample((r(5), 3, 4))]
GRIDS = [
    Sample((r(3, 4),)),
    Sample((r(3, 4),), {"type": 3, "norm": "ortho"}),
    Sample((r(2, 3, 4),), {"axes": (0, 2)}),
]

SAMPLES: dict[Any, list[Sample]] = {
    sf.fft: FOURIER,
    sf.ifft: FOURIER,
    sf.rfft: [Sample((r(5),)), Sample((r(4, 3),), {"axis": 0, "norm": "ortho"}), Sample((r(5), 8))],
    sf.irfft: [
        Sample((c(5),)),
        Sample((c(4, 3),), {"axis": 0, "norm": "ortho"}),
        Sample((c(5), 6)),
        Sample((c(4), 7)),
    ],
    sf.fft2: PLANES,
    sf.ifft2: PLANES,
    sf.fftn: PLANES,
    sf.ifftn: PLANES,
    sf.rfft2: [Sample((r(3, 4),)), Sample((r(3, 5),), {"norm": "ortho"})],
    sf.irfft2: [Sample((c(3, 4),)), Sample((c(3, 3),), {"norm": "ortho"})],
    sf.fftshift: [Sample((r(5),)), Sample((r(3, 4), 0))],
    sf.ifftshift: [Sample((r(5),)), Sample((r(3, 4), 0))],
    sf.dct: WAVES,
    sf.idct: WAVES,
    sf.dst: WAVES,
    sf.idst: WAVES,
    sf.dctn: GRIDS,
    sf.idctn: GRIDS,
    sf.dstn: GRIDS,
    sf.idstn: GRIDS,
    sf.fht: [Sample((r(6), 0.1, 0.2)), Sample((r(2, 5), 0.1, 0.5, 0.1))],
    sf.ifht: [Sample((r(6), 0.1, 0.2)), Sample((r(2, 5), 0.1, 0.5))],
    rt.scale_ends: [Sample((r(4), -1, 2.0, 0.5)), Sample((r(3, 4), 0, 2.0, 1.0))],
}
