"""Sample calls for srcdiff/rules/creation.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness import Sample

pair = np.array([0.3, 0.8]), np.array([1.7, 2.5])
SAMPLES: dict[Any, list[Sample]] = {
    np.arange: [
        Sample((0.3, 2.0, 0.25), wrt=(0, 1, 2)),
        Sample((0.3, 2.0), wrt=(0, 1)),
        Sample((2.2, None, 0.5), wrt=(0, 2)),
    ],
    np.linspace: [
        Sample((0.3, 1.7), wrt=(0, 1)),
        Sample((0.3, 1.7, 5, False), wrt=(0, 1)),
        Sample((*pair, 4), wrt=(0, 1)),
        Sample((*pair, 4), {"axis": -1}, wrt=(0, 1)),
        Sample((0.5, pair[1], 4), wrt=(0, 1)),
        Sample((0.5, 1.5, 1), wrt=(0, 1)),
        Sample((0.5, 1.5, 0), wrt=(0, 1), name="empty"),
    ],
    np.logspace: [Sample((0.3, 1.2, 5), wrt=(0, 1)), Sample((*pair, 3, False, 2.0), wrt=(0, 1))],
    np.geomspace: [
        Sample((0.3, 1.2, 5), wrt=(0, 1)),
        Sample((*pair, 3, False), wrt=(0, 1)),
        Sample((0.7, pair[1], 3), wrt=(0, 1)),
    ],
}
