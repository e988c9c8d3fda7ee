"""Sample calls for srcdiff/rules/scipy_optimize.py (and see test_scipy_solvers.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize as so
from harness import Sample

rng = np.random.default_rng(16)
A = np.abs(rng.normal(size=(6, 3)))

SAMPLES: dict[Any, list[Sample]] = {
    so.nnls: [
        Sample((A, A @ np.array([1.0, 0.5, 2.0]) + 0.1 * rng.normal(size=6)), wrt=(0, 1), step=2e-4),
        Sample(
            (A, A @ np.array([1.0, -2.0, 2.0]) + 0.1 * rng.normal(size=6)),
            wrt=(0, 1),
            name="one is zero",
            step=2e-4,
        ),
    ],
}
