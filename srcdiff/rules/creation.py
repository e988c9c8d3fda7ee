"""Functions that make arrays: most carry no derivative; the ranges are linear in their ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.rules.registry import differential, linear, nondifferentiable, pullback, returns_alias
from srcdiff.runtime.arrays import unbroadcast
from srcdiff.runtime.schedules import next_snapshot, snapshots_ahead, snapshots_for, snapshots_within

nondifferentiable(
    next_snapshot,
    snapshots_ahead,
    snapshots_for,
    snapshots_within,
    np.bartlett,
    np.blackman,
    np.broadcast_shapes,
    np.can_cast,
    np.diag_indices,
    np.diag_indices_from,
    np.empty,
    np.empty_like,
    np.eye,
    np.finfo,
    np.hamming,
    np.hanning,
    np.identity,
    np.iinfo,
    np.indices,
    np.ix_,
    np.may_share_memory,
    np.ndindex,
    np.ones,
    np.ones_like,
    np.promote_types,
    np.ravel_multi_index,
    np.result_type,
    np.shares_memory,
    np.tri,
    np.tril_indices,
    np.tril_indices_from,
    np.triu_indices,
    np.triu_indices_from,
    np.unravel_index,
    np.zeros,
    np.zeros_like,
)
returns_alias(np.ix_)


@differential(np.arange)
def arange(
    start_or_stop: Any,
    stop: Any = None,
    step: Any = 1,
    *,
    out: Any,
    start_or_stop_dot: Any,
    stop_dot: Any,
    step_dot: Any,
) -> Any:
    if stop is None:
        return np.arange(np.size(out)) * step_dot
    return start_or_stop_dot + np.arange(np.size(out)) * step_dot


@pullback(np.arange, "start_or_stop", "stop", "step")
def arange_bar(start_or_stop: Any, stop: Any = None, step: Any = 1, *, out_bar: Any) -> Any:
    if stop is None:
        return 0.0, None, np.sum(np.arange(np.size(out_bar)) * out_bar)
    return np.sum(out_bar), 0.0, np.sum(np.arange(np.size(out_bar)) * out_bar)


@linear(np.linspace, "start", "stop")
def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, axis: Any = 0, *, out_bar: Any
) -> Any:
    t = np.linspace(0.0, 1.0, num, endpoint)
    if axis != 0:
        out_bar = np.moveaxis(out_bar, axis, 0)
    if np.ndim(start) == 0 and np.ndim(stop) == 0:
        return (1.0 - t) @ out_bar, t @ out_bar
    start_bar = unbroadcast(np.tensordot(1.0 - t, out_bar, 1), start)
    return start_bar, unbroadcast(np.tensordot(t, out_bar, 1), stop)


@differential(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: Any = True,
    base: Any = 10.0,
    *,
    out: Any,
    start_dot: Any,
    stop_dot: Any,
) -> Any:
    return out * np.log(base) * np.linspace(start_dot, stop_dot, num, endpoint)


@pullback(np.logspace, "start", "stop")
def logspace_bar(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0, *, out: Any, out_bar: Any
) -> Any:
    t = np.linspace(0.0, 1.0, num, endpoint)
    g = out_bar * out * np.log(base)
    if np.ndim(start) == 0 and np.ndim(stop) == 0:
        return (1.0 - t) @ g, t @ g
    return unbroadcast(np.tensordot(1.0 - t, g, 1), start), unbroadcast(np.tensordot(t, g, 1), stop)


@differential(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, *, out: Any, start_dot: Any, stop_dot: Any
) -> Any:
    return out * np.linspace(start_dot / start, stop_dot / stop, num, endpoint)


@pullback(np.geomspace, "start", "stop")
def geomspace_bar(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, *, out: Any, out_bar: Any
) -> Any:
    t = np.linspace(0.0, 1.0, num, endpoint)
    g = out_bar * out
    if np.ndim(start) == 0 and np.ndim(stop) == 0:
        return (1.0 - t) @ g / start, t @ g / stop
    start_bar = unbroadcast(np.tensordot(1.0 - t, g, 1) / start, start)
    return start_bar, unbroadcast(np.tensordot(t, g, 1) / stop, stop)
