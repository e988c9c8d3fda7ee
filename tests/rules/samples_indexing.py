"""Sample calls for srcdiff/rules/indexing.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness import Sample

from srcdiff import runtime as rt

rng = np.random.default_rng(5)


def r(*shape: int) -> Any:
    return rng.normal(size=shape)


def c(*shape: int) -> Any:
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


nodes = np.array([0.0, 0.7, 1.1, 2.0])
points = np.array([-0.5, 0.2, 0.9, 1.05, 1.9, 2.6])
MODES = ("full", "same", "valid")
LENGTHS = ((5, 3), (5, 2), (3, 5), (2, 5), (4, 4), (3, 3))
SAMPLES: dict[Any, list[Sample]] = {
    np.interp: [
        Sample((points, nodes, r(4)), wrt=(0, 1, 2)),
        Sample((0.9, nodes, r(4)), wrt=(0, 1, 2)),
        Sample((points.reshape(2, 3), nodes, r(4)), wrt=(0, 1, 2)),
        Sample((points, nodes, r(4), 0.5, -1.0), wrt=(0, 1, 2)),
        Sample((points, nodes, r(4)), {"right": 0.0}, wrt=(2,)),
    ],
    np.convolve: [Sample((r(n), r(m), mode), wrt=(0, 1)) for mode in MODES for n, m in LENGTHS]
    + [Sample((c(4), c(3)), wrt=(0, 1))],
    np.correlate: [Sample((r(n), r(m), mode), wrt=(0, 1)) for mode in MODES for n, m in LENGTHS]
    + [Sample((c(4), c(3), "full"), wrt=(0, 1)), Sample((r(4), r(3)), wrt=(0, 1))],
    np.polyval: [
        Sample((r(4), r(3)), wrt=(0, 1)),
        Sample((r(4), 0.7), wrt=(0, 1)),
        Sample((r(3), r(2, 2)), wrt=(0, 1)),
        Sample((r(1), r(2)), wrt=(0, 1)),
    ],
    np.polyder: [Sample((r(4),)), Sample((r(1),))],
    np.vander: [Sample((r(3),)), Sample((r(3), 5)), Sample((r(3), 4, True)), Sample((r(3), 1))],
    np.gradient: [
        Sample((r(6),)),
        Sample((r(6), 0.5)),
        Sample((r(5), np.array([0.0, 0.4, 1.0, 1.3, 2.0]))),
        Sample((r(5), np.array([0.0, 0.4, 1.0, 1.3, 2.0])), {"edge_order": 2}),
        Sample((r(2),)),
        Sample((r(4, 5),)),
        Sample((r(4, 5), 0.5, 2.0), {"edge_order": 2}),
        Sample((r(4, 5), 0.5), {"axis": 1}),
        Sample((r(4, 5, 3),), {"axis": (0, -1)}),
    ],
    rt.gradient_back: [Sample((r(6), r(6), (0.5,))), Sample(((r(4, 5), r(4, 5)), r(4, 5), ()))],
    np.fft.fft: [
        Sample((c(5),)),
        Sample((r(4),)),
        Sample((c(3, 4),), {"axis": 0, "norm": "ortho"}),
        Sample((c(5), 3)),
        Sample((r(5), 8)),
    ],
    np.fft.ifft: [Sample((c(5),)), Sample((r(4),)), Sample((c(5), 7)), Sample((c(2, 5), 3, 1, "forward"))],
    np.fft.fft2: [Sample((c(3, 4),)), Sample((r(2, 3, 4),))],
    np.fft.ifft2: [Sample((c(3, 4),)), Sample((c(3, 4), (2, 6)))],
    np.fft.fftn: [
        Sample((c(3, 4),)),
        Sample((r(2, 3, 4),), {"axes": (0, 2)}),
        Sample((r(2, 3, 4), (3, 2), (0, 2))),
    ],
    np.fft.ifftn: [Sample((c(3, 4),))],
    np.fft.fftshift: [Sample((r(5),)), Sample((r(3, 4),), {"axes": 1})],
    np.fft.ifftshift: [Sample((r(5),)), Sample((c(3, 4),))],
    np.fft.rfft: [
        Sample((r(5),)),
        Sample((r(6),)),
        Sample((r(6), 4)),
        Sample((r(3, 5), 8, 1, "ortho")),
        Sample((r(6, 2),), {"axis": 0, "norm": "forward"}),
    ],
    np.fft.irfft: [
        Sample((c(4),)),
        Sample((c(4), 7)),
        Sample((c(4), 5)),
        Sample((c(4), 10)),
        Sample((c(2, 4),), {"norm": "ortho"}),
        Sample((c(4, 2), None, 0, "forward")),
    ],
    rt.resized: [Sample((r(3), r(5), 0)), Sample((r(2, 5), r(2, 3), -1)), Sample((r(3), r(3), 0))],
}
