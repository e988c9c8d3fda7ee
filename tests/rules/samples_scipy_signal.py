"""Sample calls for srcdiff/rules/scipy_signal.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal as ss
from harness import Sample

from srcdiff.runtime import filters as rt

rng = np.random.default_rng(14)


def r(*shape: int) -> Any:
    return rng.normal(size=shape)


def c(*shape: int) -> Any:
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def two(*args: Any, **kwargs: Any) -> Sample:
    return Sample(args, kwargs, wrt=(0, 1))


def both(*args: Any) -> list[Sample]:
    return [two(*args, mode=mode) for mode in ("full", "same", "valid")]


B, A = np.array([0.3, -0.2, 0.1]), np.array([1.3, -0.4, 0.2])
SOS = ss.butter(4, 0.3, output="sos")
PRODUCTS = [*both(r(7), r(3)), *both(r(3), r(7)), *both(r(4, 5), r(2, 3)), two(r(6), r(4)), two(c(5), c(3))]
CORRELATED = [*both(r(7), r(3)), *both(r(3), r(7))[:2], *both(r(4, 5), r(2, 3)), two(c(5), c(3))]

SAMPLES: dict[Any, list[Sample]] = {
    ss.convolve: PRODUCTS,
    ss.fftconvolve: PRODUCTS,
    ss.oaconvolve: PRODUCTS,
    ss.correlate: CORRELATED,
    ss.convolve2d: [*both(r(4, 5), r(2, 3)), two(r(3, 3), r(4, 4))],
    ss.correlate2d: [*both(r(4, 5), r(2, 3)), two(r(3, 3), r(4, 4))],
    ss.lfilter: [
        Sample((B, A, r(9)), wrt=(0, 1, 2)),
        Sample((B, A, r(2, 7)), wrt=(0, 1, 2)),
        Sample((B, A, r(7, 2), 0), wrt=(0, 1, 2)),
        Sample((B, A[:1], r(9)), wrt=(0, 1, 2)),
        Sample((B, A, r(2)), wrt=(0, 1, 2)),
    ],
    ss.sosfilt: [Sample((SOS, r(9)), wrt=(1,)), Sample((SOS, r(7, 2), 0), wrt=(1,))],
    ss.detrend: [
        Sample((r(7),)),
        Sample((r(3, 5), 0)),
        Sample((r(7),), {"type": "constant"}),
        Sample((r(8),), {"bp": [4]}),
    ],
    ss.hilbert: [Sample((r(7),)), Sample((r(8),)), Sample((r(6, 2),), {"axis": 0})],
    ss.savgol_filter: [
        Sample((r(9), 5, 2)),
        Sample((r(12), 5, 3, 1, 0.5)),
        Sample((r(9, 2), 5, 2), {"axis": 0}),
        Sample((r(5), 5, 2)),
    ],
    ss.upfirdn: [two(r(4), r(6)), two(r(4), r(6), up=3, down=2), two(r(5), r(7), up=1, down=3)],
    ss.resample: [
        Sample((r(7), 4)),
        Sample((r(6), 9)),
        Sample((r(3, 6), 4), {"axis": 1}),
        Sample((r(6, 2), 6)),
    ],
    ss.resample_poly: [Sample((r(7), 2, 3)), Sample((r(6, 2), 3, 1))],
    ss.decimate: [Sample((r(40), 2)), Sample((r(2, 40), 2), {"ftype": "fir"})],
    ss.sosfiltfilt: [Sample((SOS, r(30)), wrt=(1,)), Sample((SOS, r(30, 2), 0), wrt=(1,))],
    ss.czt: [Sample((r(5),)), Sample((r(5), 3)), Sample((r(4, 2),), {"axis": 0})],
    ss.zoom_fft: [Sample((r(5), [0.1, 0.4])), Sample((r(4, 2), 0.3, 3), {"axis": 0})],
    rt.into_full: [Sample((r(7), r(7), r(3), "same")), Sample((r(3, 3), r(4, 5), r(2, 3), "valid"))],
    rt.centre_of: [Sample((r(9), r(7), r(3), "same")), Sample((r(5, 7), r(4, 5), r(2, 3), "valid"))],
}
