"""Rules for ``scipy.spatial.distance``.  The distance of a point from itself has the slope 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.spatial.distance

from srcdiff.rules.registry import linear, pullback, real_only

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
