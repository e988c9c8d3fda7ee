"""Sample calls for srcdiff/rules/scipy_spatial.py and scipy_sparse.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.integrate as si
import scipy.sparse as sp
import scipy.sparse.linalg as sl
import scipy.spatial.distance as sd
from harness import Sample

from srcdiff.runtime import sparse_dot, sparse_outer, sparse_solve

rng = np.random.default_rng(18)
A = sp.csc_array(np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]]))
B = sp.csc_array(np.array([[4.0, 1.0, 0.0], [-1.0, 3.0, 0.5], [0.0, 0.2, 2.0]]))


def r(*shape: int) -> Any:
    return rng.normal(size=shape)


def solved(matrix: Any) -> list[Sample]:
    return [Sample((matrix, r(3)), {"rtol": 1e-14}, wrt=(1,))]


ENTRIES = (np.array([0, 2, 1, 0]), np.array([1, 4, 0, 1]))  # one place twice

SAMPLES: dict[Any, list[Sample]] = {
    sd.cdist: [Sample((r(4, 3), r(5, 3), *m), wrt=(0, 1)) for m in ((), ("sqeuclidean",), ("cityblock",))],
    sd.pdist: [Sample((r(4, 3), *m)) for m in ((), ("sqeuclidean",), ("cityblock",))],
    sd.squareform: [Sample((r(6),))],
    sl.spsolve: [Sample((B, r(3)), wrt=(1,))],
    sparse_dot: [
        Sample((r(4), *ENTRIES, (3, 5), v), wrt=(0, 4)) for v in (r(5), r(5, 2))
    ],
    sparse_outer: [
        Sample((u, v, *ENTRIES, (3, 5)), wrt=(0, 1)) for u, v in ((r(3), r(5)), (r(3, 2), r(5, 2)))
    ],
    sparse_solve: [
        Sample((np.array([3.0, 4.0, 5.0, 0.7]), [0, 1, 2, 0], [0, 1, 2, 2], (3, 3), b), wrt=(0, 4))
        for b in (r(3), r(3, 2))
    ],
    sl.cg: solved(A),
    sl.minres: solved(A),
    sl.gmres: solved(B),
    sl.bicgstab: solved(B),
    si.simpson: [
        Sample((r(7),)),
        Sample((r(6),)),
        Sample((r(3, 7), np.sort(r(7)))),
        Sample((r(7, 3),), {"axis": 0, "dx": 0.5}),
    ],
    si.cumulative_simpson: [
        Sample((r(6),)),
        Sample((r(3, 5),), {"dx": 0.5, "axis": 0}),
        Sample((r(5),), {"x": np.array([0.0, 0.4, 1.0, 1.3, 2.0]), "initial": 0}),
    ],
    si.romb: [Sample((r(9),)), Sample((r(3, 5), 0.5))],
}
