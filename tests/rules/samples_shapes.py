"""Sample calls for srcdiff/rules/shapes.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness import Sample
from numpy.lib.stride_tricks import sliding_window_view

from srcdiff import runtime as rt
from srcdiff.runtime import chosen

rng = np.random.default_rng(3)


def r(*shape: int) -> Any:
    return rng.normal(size=shape)


def strided(*shape: int) -> Any:
    return rng.normal(size=(*shape[:-1], 2 * shape[-1]))[..., ::2]


def c(*shape: int) -> Any:
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def spaced(*shape: int) -> Any:
    """Distinct values in random order."""
    return (0.3 * rng.permutation(int(np.prod(shape))) - 1.1).reshape(shape)


fortran = np.asfortranarray(r(3, 4))
mask = np.array([True, False, True, True, False])
SAMPLES: dict[Any, list[Sample]] = {
    np.reshape: [
        Sample((r(2, 6), (3, 4))),
        Sample((r(2, 6), -1)),
        Sample((2.0, (1, 1)), name="scalar"),
        Sample((r(2, 6), (3, 4), "F"), name="order F"),
        Sample((r(3, 4), (2, 6), "A"), name="order A"),
        Sample((strided(3, 4), (2, 6))),
        Sample((r(0, 3), (3, 0)), name="empty"),
        Sample((c(2, 3), (3, 2)), name="complex"),
    ],
    np.ravel: [
        Sample((r(2, 3),)),
        Sample((2.5,)),
        Sample((r(2, 3), "F")),
        Sample((fortran.T, "K")),
    ],
    np.transpose: [
        Sample((r(2, 3),)),
        Sample((r(4),)),
        Sample((r(2, 3, 4), (2, 0, 1))),
        Sample((r(2, 3, 4), (-1, 0, 1))),
    ],
    np.matrix_transpose: [Sample((r(2, 3),)), Sample((r(2, 3, 4),))],
    np.linalg.matrix_transpose: [Sample((r(2, 3, 4),))],
    np.swapaxes: [Sample((r(2, 3, 4), 0, -1)), Sample((r(2, 3), 1, 1))],
    np.moveaxis: [Sample((r(2, 3, 4), 0, -1)), Sample((r(2, 3, 4), (0, 1), (2, 0)))],
    np.rollaxis: [
        Sample((r(2, 3, 4), 2)),
        Sample((r(2, 3, 4), 0, 2)),
        Sample((r(2, 3, 4), 0, 3)),
        Sample((r(2, 3, 4), -1, 1)),
        Sample((r(2, 3, 4), 1, -1)),
    ],
    np.squeeze: [
        Sample((r(1, 3, 1),)),
        Sample((r(1, 3, 1), -1)),
        Sample((r(1, 3, 1), (0, 2))),
        Sample((r(1, 1),)),
    ],
    np.expand_dims: [Sample((r(3), 0)), Sample((r(3), (0, -1))), Sample((2.0, 0)), Sample((r(2, 3), -2))],
    np.atleast_1d: [Sample((2.0,)), Sample((r(3),)), Sample((2.0, r(2, 2)))],
    np.atleast_2d: [Sample((2.0,)), Sample((r(3),)), Sample((r(3), r(2, 2), 1.5))],
    np.atleast_3d: [Sample((2.0,)), Sample((r(3),)), Sample((r(2, 3),)), Sample((r(3), r(2, 3)))],
    np.flip: [Sample((r(4),)), Sample((r(2, 3), 1)), Sample((r(2, 3, 2), (0, -1)))],
    np.fliplr: [Sample((r(2, 3),))],
    np.flipud: [Sample((r(2, 3),))],
    np.rot90: [
        Sample((r(2, 3),)),
        Sample((r(2, 3), 2)),
        Sample((r(2, 3), -1)),
        Sample((r(2, 3, 4), 3, (1, 2))),
    ],
    np.roll: [
        Sample((r(5), 2)),
        Sample((r(2, 3), 1)),
        Sample((r(2, 3), -1, 1)),
        Sample((r(2, 3), (1, -2), (0, 1))),
        Sample((r(5), np.int64(2))),
    ],
    chosen.rolled: [Sample((r(5), 2)), Sample((r(2, 3), 1)), Sample((r(2, 3), -1, 1))],
    np.copy: [Sample((r(2, 3),)), Sample((1.5,)), Sample(([1.0, 2.0],)), Sample((strided(3, 2),))],
    np.asarray_chkfinite: [Sample((r(3),))],
    np.array: [
        Sample((r(2, 3),)),
        Sample((1.5,)),
        Sample(([1.0, 2.0, 3.0],)),
        Sample(((1.0, 2.0),)),
        Sample(([[1.0, 2.0], [3.0, 4.0]],)),
        Sample(([r(2), r(2)],)),
        Sample((((1.0, r(2)[0]), [3.0, 4.0]),)),
        Sample(([],), name="empty list"),
    ],
    np.asarray: [
        Sample((r(2, 3),)),
        Sample(([1.0, 2.0],)),
        Sample(((1.0, 2.0),)),
        Sample(([[1.0], [2.0]],)),
        Sample((([1.0], [2.0]),)),
    ],
    np.asanyarray: [Sample((r(2, 3),)), Sample(([1.0, 2.0],))],
    np.ascontiguousarray: [Sample((strided(2, 3),)), Sample((1.5,)), Sample(([1.0, 2.0],))],
    np.asfortranarray: [Sample((r(2, 3),))],
    np.broadcast_to: [
        Sample((r(3), (2, 3))),
        Sample((r(2, 1), (4, 2, 3))),
        Sample((1.5, (2, 3))),
        Sample((1.5, ()), name="scalar to scalar"),
        Sample((r(1, 3), (0, 3)), name="empty"),
    ],
    np.broadcast_arrays: [Sample((r(3, 1), r(4))), Sample((1.5, r(2, 2), r(2)))],
    np.meshgrid: [
        Sample((r(2), r(3)), wrt=(0, 1)),
        Sample((r(2), r(3), r(4)), wrt=(0, 1, 2)),
        Sample((r(2), r(3)), {"indexing": "ij"}, wrt=(0, 1)),
        Sample((r(2), r(3), 1.5), {"sparse": True}, wrt=(0, 1, 2)),
        Sample((r(3),)),
    ],
    np.full: [
        Sample(((2, 3), 1.5), wrt=(1,)),
        Sample((4, r(1)), wrt=(1,)),
        Sample(((2, 3), r(3)), wrt=(1,)),
    ],
    np.full_like: [Sample((r(2, 3), 1.5), wrt=(1,)), Sample((r(2, 3), r(3)), wrt=(1,))],
    np.tile: [
        Sample((r(3), 2)),
        Sample((r(3), (2, 2))),
        Sample((r(2, 3), 2)),
        Sample((r(2, 3), (2, 1, 3))),
        Sample((1.5, 3)),
        Sample((r(3), 0), name="no tile"),
    ],
    np.repeat: [
        Sample((r(3), 2)),
        Sample((r(2, 3), 2)),
        Sample((r(2, 3), 2, 1)),
        Sample((r(2, 3), 3, -2)),
        Sample((r(3), [1, 0, 2])),
        Sample((r(2, 3), np.array([2, 1]), 0)),
        Sample((1.5, 3)),
    ],
    np.resize: [Sample((r(3), (2, 4))), Sample((r(2, 3), 4))],
    np.pad: [
        Sample((r(3), 1)),
        Sample((r(3), (0, 2))),
        Sample((r(2, 3), ((1, 0), (2, 3)))),
        Sample((r(2, 3), 1), {"constant_values": 2.0}, name="nonzero constant"),
        Sample((r(2, 3), ((1, 2), (2, 0)), "edge")),
        Sample((r(4), (2, 3), "reflect")),
        Sample((r(4), (2, 3), "symmetric")),
        Sample((r(2, 3), 1, "wrap")),
    ],
    sliding_window_view: [Sample((r(5), 3)), Sample((r(3, 4), (2, 2))), Sample((r(3, 4), 2, 1))],
    np.concatenate: [
        Sample(([r(2), r(3)],)),
        Sample(((r(2, 3), r(2, 1)), 1)),
        Sample(([r(2, 3), r(2, 1)], -1)),
        Sample(([r(2, 3), r(2)], None)),
        Sample((r(2, 3, 4),), name="array"),
        Sample(([r(0), r(3)],), name="empty piece"),
    ],
    np.stack: [
        Sample(([r(3), r(3)],)),
        Sample(((r(3), r(3)), 1)),
        Sample(([1.0, 2.0],)),
        Sample(([r(2, 3), r(2, 3)], -1)),
        Sample((r(2, 3), -1)),
    ],
    np.vstack: [
        Sample(([r(3), r(2, 3)],)),
        Sample(((r(3), r(3)),)),
        Sample(([1.0, 2.0],)),
        Sample(([r(1, 2, 2), r(3, 2, 2)],)),
    ],
    np.hstack: [
        Sample(([r(3), r(2)],)),
        Sample(((r(2, 3), r(2, 1)),)),
        Sample(([1.0, r(2)],)),
        Sample(([1.0, 2.0],)),
    ],
    np.dstack: [
        Sample(([r(3), r(3)],)),
        Sample(((r(2, 3), r(2, 3, 2)),)),
    ],
    np.column_stack: [Sample(([r(3), r(3, 2)],)), Sample(((r(3), r(3)),))],
    np.block: [
        Sample(([[r(2, 2), r(2, 1)], [r(1, 2), r(1, 1)]],)),
        Sample(([r(2), 1.5],)),
    ],
    np.split: [Sample((r(6), 3)), Sample((r(2, 5), [1, 3], 1)), Sample((r(3), [0, 3]), name="empty pieces")],
    np.array_split: [Sample((r(5), 2)), Sample((r(2, 5), 3, -1))],
    np.vsplit: [Sample((r(4, 2), 2))],
    np.hsplit: [Sample((r(4), 2)), Sample((r(2, 4), [1]))],
    np.dsplit: [Sample((r(2, 2, 4), 2))],
    np.append: [
        Sample((r(3), r(2)), wrt=(0, 1)),
        Sample((r(2, 3), 1.5), wrt=(0, 1)),
        Sample((r(2, 3), r(2, 1), 1), wrt=(0, 1)),
        Sample((r(3), 1.5), wrt=(1,)),
    ],
    np.insert: [
        Sample((r(4), 1, 2.5), wrt=(0, 2)),
        Sample((r(4), [0, 2], r(2)), wrt=(0, 2)),
        Sample((r(4), [0, 2], 1.5), wrt=(0, 2)),
        Sample((r(2, 3), 1, r(2), 1), wrt=(0, 2)),
        Sample((r(2, 3), [0, 2], r(2, 2), 1), wrt=(0, 2)),
        Sample((r(2, 3), -1, 1.5, 0), wrt=(0, 2)),
        Sample((r(2, 3), slice(0, 2), r(2)), wrt=(0, 2)),
    ],
    np.delete: [
        Sample((r(5), 2)),
        Sample((r(5), [0, -1])),
        Sample((r(2, 5), slice(1, 3), 1)),
        Sample((r(2, 5), mask, 1)),
        Sample((r(2, 3), 1)),
    ],
    np.ediff1d: [
        Sample((r(4),)),
        Sample((r(2, 3),)),
        Sample((r(4), r(2), 1.5), wrt=(0, 1, 2)),
        Sample((r(4), 1.5), wrt=(0, 1)),
    ],
    np.diag: [
        Sample((r(3),)),
        Sample((r(3), 1)),
        Sample((r(3, 4),)),
        Sample((r(3, 4), -1)),
        Sample((r(4, 3), 2)),
    ],
    np.diagflat: [Sample((r(3),)), Sample((r(2, 2), -1))],
    np.diagonal: [
        Sample((r(3, 4),)),
        Sample((r(3, 4), 2)),
        Sample((r(3, 4), -1)),
        Sample((r(2, 3, 4), 0, 2, 0)),
        Sample((r(2, 3, 4), 1, -2, -1)),
        Sample((r(2, 3), 3), name="empty"),
    ],
    np.trace: [
        Sample((r(3, 3),)),
        Sample((r(3, 4), 1)),
        Sample((r(3, 4), -1, 1, 0)),
        Sample((r(2, 3, 4), 1, 2, 0)),
    ],
    np.tril: [Sample((r(3, 4),)), Sample((r(2, 3, 3), -1)), Sample((r(3),))],
    np.triu: [Sample((r(3, 4), 1)), Sample((r(2, 3, 3),)), Sample((r(3),))],
    np.take: [
        Sample((r(5), 2)),
        Sample((r(5), [0, 2, 2, -1])),
        Sample((r(2, 3), [0, 5, 5])),
        Sample((r(2, 3), np.array([[0, 2], [2, 2]]), 1)),
        Sample((r(2, 3), 1, -1)),
        Sample((r(5), [0, 7, -9]), {"mode": "wrap"}),
        Sample((r(5), [0, 7, -9]), {"mode": "clip"}),
        Sample((strided(2, 3), [1, 1], 0)),
    ],
    np.take_along_axis: [
        Sample((r(2, 3), np.array([[0, 0], [2, 1]]), 1)),
        Sample((r(2, 3), np.array([[1, 0, 1]]), 0)),
        Sample((r(2, 3), np.array([0, 5, 5]), None)),
        Sample((r(2, 3), np.array([[2]]), -1)),
    ],
    np.compress: [
        Sample((mask, r(5)), wrt=(1,)),
        Sample(([False, True], r(3, 4), 1), wrt=(1,)),
        Sample((mask, r(2, 3)), wrt=(1,)),
    ],
    np.extract: [Sample((mask, r(5)), wrt=(1,)), Sample((np.eye(3) > 0, r(3, 3)), wrt=(1,))],
    np.choose: [
        Sample(([0, 1, 0], [r(3), r(3)]), wrt=(1,)),
        Sample((np.array([[0], [1]]), (r(3), 1.5)), wrt=(1,)),
        Sample(([0, 3, -1], r(2, 3)), {"mode": "clip"}, wrt=(1,)),
        Sample(([0, 3, -1], [r(3), r(3)]), {"mode": "wrap"}, wrt=(1,)),
    ],
    np.select: [
        Sample(([mask, ~mask], [r(5), r(5)]), wrt=(1,)),
        Sample(([mask, mask], [r(5), r(1)], 1.5), wrt=(1, 2)),
        Sample(([np.eye(3) > 0], [r(3)], r(3, 1)), wrt=(1, 2)),
    ],
    np.sort: [
        Sample((spaced(5),)),
        Sample((spaced(3, 4),)),
        Sample((spaced(3, 4), 0)),
        Sample((spaced(3, 4), None)),
    ],
    np.partition: [Sample((spaced(7), 3)), Sample((spaced(3, 5), 2, 0)), Sample((spaced(3, 5), 7, None))],
    # helpers
    rt.unbroadcast: [
        Sample((r(2, 3), r(3))),
        Sample((r(4, 2, 3), r(2, 1))),
        Sample((r(2), 1.5)),
        Sample((1.5, 2.5)),
    ],
    rt.fit: [Sample((r(2, 1), r(1, 3))), Sample((r(3), r(2, 3))), Sample((r(2, 3), 1.5))],
    rt.cast_like: [Sample((r(3), r(3))), Sample((1.5, r(3)))],
    rt.add: [Sample((r(3), r(3)), wrt=(0, 1)), Sample(([1.0, r(2)], [2.0, r(2)]), wrt=(0, 1))],
    rt.added_at: [Sample((r(4), 2, 1.5), wrt=(0, 2)), Sample((r(3, 2), 1, r(2)), wrt=(0, 2))],
    rt.side_by_side: [
        Sample(([1.0, 2.0],)),
        Sample(([r(2), r(2)],)),
        Sample(([[r(2), 1.5], [r(2), 0.5]],), name="lists"),
        Sample(([(r(2), 1.5), (r(2), 0.5)],), name="tuples"),
    ],
    rt.one_by_one: [
        Sample((r(2, 3), [1.0, 2.0])),
        Sample(([r(2, 3), r(2)], [[r(3), 1.5], [r(3), 0.5]]), name="lists"),
        Sample(((r(2, 3), r(2)), [(r(3), 1.5), (r(3), 0.5)]), name="tuples"),
    ],
    rt.untake: [Sample((r(3), r(5), [0, 2, 2])), Sample((r(2, 2), r(2, 3), [0, 0], 1))],
    rt.unpad: [
        Sample((r(6), r(3), (2, 1), "reflect")), Sample((r(4, 5), r(2, 2), ((1, 1), (2, 1)), "edge")),
        Sample((r(7), r(4), (1, 2), "wrap")), Sample((r(5, 2), r(2, 2), ((1, 2), (0, 0)), "symmetric")),
        Sample((r(9), r(2), (4, 3), "wrap"), name="more than once round"),
    ],
    rt.untake_along_axis: [Sample((r(2, 2), r(2, 3), np.array([[0, 0], [2, 1]]), 1))],
    rt.undiagonal: [Sample((r(3), r(3, 4))), Sample((r(4, 1), r(4, 2, 3), 1, 1, 2))],
    rt.unconcatenate: [Sample((r(5), [r(2), r(3)])), Sample((r(2, 3), (r(2, 1), r(2, 2)), 1))],
    rt.unvstack: [Sample((r(3, 2), [r(2), r(2, 2)]))],
    rt.unhstack: [Sample((r(5), [r(2), r(3)])), Sample((r(2, 3), (r(2, 1), r(2, 2))))],
    rt.undstack: [Sample((r(2, 2, 3), [r(2, 2), r(2, 2, 2)]))],
    rt.uncolumn_stack: [Sample((r(3, 3), [r(3), r(3, 2)]))],
    rt.unblock: [Sample((r(3, 3), [[r(2, 2), r(2, 1)], [r(1, 2), r(1, 1)]]))],
    rt.unarray: [Sample((r(2, 2), [[1.0, 2.0], [3.0, 4.0]])), Sample((r(2, 2), (r(2), r(2))))],
    rt.unbroadcast_arrays: [Sample(((r(2, 3), r(2, 3)), (r(3), r(2, 1))))],
    rt.unmeshgrid: [
        Sample(((r(3, 2), r(3, 2)), (r(2), r(3)))),
        Sample(((r(2, 3), r(2, 3)), (r(2), r(3)), False, "ij")),
    ],
    rt.uninsert: [Sample((r(6), r(4), [0, 2], r(2)))],
    rt.unselect: [Sample((r(5), [mask, ~mask], [r(5), 1.5], 2.5))],
    rt.unchoose: [Sample((r(3), [0, 1, 0], [r(3), 1.5]))],
    rt.untile: [Sample((r(2, 6), r(2, 3), 2))],
    rt.ediff_back: [Sample((r(3), r(4)))],
}
if hasattr(np, "astype"):
    SAMPLES[np.astype] = [
        Sample((r(3), np.float64)),
        Sample((r(3), np.complex128)),
        Sample((c(3), np.complex128)),
    ]
    SAMPLES[np.unstack] = [Sample((r(2, 3),)), Sample((r(2, 3),), {"axis": -1})]
