"""Rules for ``scipy.spatial.distance``.  The distance of a point from itself has the slope 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
import scipy.spatial
import scipy.spatial.distance

from srcdiff.rules import scipy_reasons
from srcdiff.rules.registry import definition, linear, pullback, real_only

T = Any

real_only(scipy.spatial.distance.cdist, scipy.spatial.distance.pdist)


def weights(out: T, out_bar: T, metric: T) -> T:
    """What the difference of two points is multiplied by, for each pair."""
    if metric == "euclidean":
        return out_bar / np.where(out == 0.0, np.inf, out)
    if metric == "sqeuclidean":
        return 2.0 * out_bar
    raise NotImplementedError("metrics with a derivative: euclidean, sqeuclidean, cityblock")


@pullback(scipy.spatial.distance.cdist, "XA", "XB")
def cdist_bar(XA: T, XB: T, metric: T = "euclidean", *, out: T, out_bar: T) -> T:
    if metric == "cityblock":
        signs = np.sign(np.expand_dims(XA, 1) - XB) * np.expand_dims(out_bar, -1)
        return np.sum(signs, axis=1), -np.sum(signs, axis=0)
    w = weights(out, out_bar, metric)
    XA_bar = np.expand_dims(np.sum(w, axis=1), -1) * XA - w @ XB
    return XA_bar, np.expand_dims(np.sum(w, axis=0), -1) * XB - w.T @ XA


@pullback(scipy.spatial.distance.pdist, "X")
def pdist_bar(X: T, metric: T = "euclidean", *, out: T, out_bar: T) -> T:
    if metric == "cityblock":
        both = scipy.spatial.distance.squareform(out_bar)
        return np.sum(np.sign(np.expand_dims(X, 1) - X) * np.expand_dims(both, -1), axis=1)
    w = scipy.spatial.distance.squareform(weights(out, out_bar, metric))
    return np.expand_dims(np.sum(w, axis=1), -1) * X - w @ X


@linear(scipy.spatial.distance.squareform, "X")
def squareform(X: T, force: T = "no", checks: T = True, *, out_bar: T) -> T:
    if np.ndim(X) == 1:
        return scipy.spatial.distance.squareform(out_bar + out_bar.T, "no", False)
    # of a matrix, the upper triangle is read
    return np.triu(scipy.spatial.distance.squareform(out_bar), 1)


# --- others put together ------------------------------------------------------------------------------------


@definition(scipy.spatial.distance.cdist, "XA", "XB", options=("metric", 2, "p"))
def cdist_metric(XA: T, XB: T, metric: T = "euclidean", *, p: T = 2, V: T = None, VI: T = None) -> T:
    """The distances of two sets of points, by other metrics."""
    if not isinstance(metric, str) or V is not None or VI is not None:
        return NotImplemented
    if metric in ("cosine", "correlation"):
        if metric == "correlation":
            XA = XA - np.mean(XA, axis=1, keepdims=True)
            XB = XB - np.mean(XB, axis=1, keepdims=True)
        lengths = np.outer(np.linalg.norm(XA, axis=1), np.linalg.norm(XB, axis=1))
        return 1.0 - XA @ XB.T / lengths
    apart = abs(np.expand_dims(XA, 1) - XB)
    if metric == "minkowski":
        return np.sum(apart**p, axis=-1) ** (1.0 / p)
    if metric == "chebyshev":
        return np.max(apart, axis=-1)
    total = abs(np.expand_dims(XA, 1)) + abs(XB)
    if metric == "canberra":
        return np.sum(apart / np.where(total == 0.0, 1.0, total), axis=-1)
    if metric == "braycurtis":
        return np.sum(apart, axis=-1) / np.sum(abs(np.expand_dims(XA, 1) + XB), axis=-1)
    return NotImplemented


@definition(scipy.spatial.procrustes, "data1", "data2")
def procrustes(data1: T, data2: T) -> T:
    """Two sets of points, moved, scaled and turned onto each other, and what is left between them."""
    first, second = data1 - np.mean(data1, axis=0), data2 - np.mean(data2, axis=0)
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    product = first.T @ second
    turned = (second @ scipy.linalg.polar(product)[0].T) * np.sum(scipy.linalg.svdvals(product))
    return first, turned, np.sum((first - turned) ** 2)


@definition(scipy.spatial.distance.directed_hausdorff, "u", "v")
def directed_hausdorff(u: T, v: T, rng: T = 0, seed: T = None) -> T:
    """The largest distance of a point to the nearest of others, and the two points."""
    between = scipy.spatial.distance.cdist(u, v)
    i = np.argmax(np.min(between, axis=1))
    j = np.argmin(between[i])
    return between[i, j], i, j


scipy_reasons.declare("spatial", scipy.spatial)
scipy_reasons.declare("spatial.distance", scipy.spatial.distance)
