r"""Statistics of samples, written as the means and powers that they are made of.

.. math:: \bar x_g = \exp \overline{\log x}, \qquad m_k = \overline{(x - \bar x)^k}, \qquad
    g_1 = m_3 / m_2^{3/2}, \qquad g_2 = m_4 / m_2^2 - 3

Options that are not here (``nan_policy="omit"``, masks) are refused.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import special, stats

from srcdiff.rules.registry import definition, nondifferentiable
from srcdiff.runtime.reductions import reduced_size

T = Any

nondifferentiable(stats.rankdata, stats.tiecorrect)
PLAIN = "propagate"

# --- means --------------------------------------------------------------------------------------------------


@definition(stats.gmean, "a", "weights")
def gmean(
    a: T, axis: T = 0, dtype: T = None, weights: T = None, nan_policy: T = PLAIN, keepdims: T = False
) -> T:
    """The geometric mean."""
    if nan_policy != "propagate" or dtype is not None:
        return NotImplemented
    return np.exp(np.average(np.log(a), axis=axis, weights=weights, keepdims=keepdims))


@definition(stats.hmean, "a", "weights")
def hmean(
    a: T, axis: T = 0, dtype: T = None, *, weights: T = None, nan_policy: T = PLAIN, keepdims: T = False
) -> T:
    """The harmonic mean."""
    if nan_policy != "propagate" or dtype is not None:
        return NotImplemented
    return 1.0 / np.average(1.0 / a, axis=axis, weights=weights, keepdims=keepdims)


@definition(stats.pmean, "a", "p", "weights")
def pmean(
    a: T, p: T, *, axis: T = 0, dtype: T = None, weights: T = None, nan_policy: T = PLAIN, keepdims: T = False
) -> T:
    """The mean of powers."""
    if nan_policy != "propagate" or dtype is not None or not isinstance(p, (int, float)) or p == 0:
        return NotImplemented
    return np.average(a**p, axis=axis, weights=weights, keepdims=keepdims) ** (1.0 / p)


@definition(stats.sem, "a")
def sem(a: T, axis: T = 0, ddof: T = 1, nan_policy: T = PLAIN, *, keepdims: T = False) -> T:
    """The standard error of the mean."""
    if nan_policy != "propagate":
        return NotImplemented
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims) / np.sqrt(reduced_size(a, axis))


@definition(stats.trim_mean, "a")
def trim_mean(a: T, proportiontocut: T, axis: T = 0, *, nan_policy: T = PLAIN, keepdims: T = False) -> T:
    """The mean without the smallest and the largest."""
    if nan_policy != "propagate" or axis is None or keepdims:
        return NotImplemented
    n = np.shape(a)[axis]
    cut = int(proportiontocut * n)
    return np.mean(np.moveaxis(np.sort(a, axis), axis, 0)[cut : n - cut], axis=0)


@definition(stats.tmean, "a")
def tmean(
    a: T, limits: T = None, inclusive: T = (True, True), axis: T = None, *, nan_policy: T = PLAIN,
    keepdims: T = False,
) -> T:  # fmt: skip
    """The mean of what lies within limits."""
    if nan_policy != "propagate" or limits is not None:
        return NotImplemented
    return np.mean(a, axis=axis, keepdims=keepdims)


@definition(stats.tvar, "a")
def tvar(
    a: T, limits: T = None, inclusive: T = (True, True), axis: T = 0, ddof: T = 1, *, nan_policy: T = PLAIN,
    keepdims: T = False,
) -> T:  # fmt: skip
    """The variance of what lies within limits."""
    if nan_policy != "propagate" or limits is not None:
        return NotImplemented
    return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)


@definition(stats.tstd, "a")
def tstd(
    a: T, limits: T = None, inclusive: T = (True, True), axis: T = 0, ddof: T = 1, *, nan_policy: T = PLAIN,
    keepdims: T = False,
) -> T:  # fmt: skip
    """The standard deviation of what lies within limits."""
    if nan_policy != "propagate" or limits is not None:
        return NotImplemented
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)


@definition(stats.tsem, "a")
def tsem(
    a: T, limits: T = None, inclusive: T = (True, True), axis: T = 0, ddof: T = 1, *, nan_policy: T = PLAIN,
    keepdims: T = False,
) -> T:  # fmt: skip
    """The standard error of the mean of what lies within limits."""
    if nan_policy != "propagate" or limits is not None:
        return NotImplemented
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims) / np.sqrt(reduced_size(a, axis))


# --- moments ------------------------------------------------------------------------------------------------


@definition(stats.moment, "a", "center")
def moment(
    a: T, order: T = 1, axis: T = 0, nan_policy: T = PLAIN, *, center: T = None, keepdims: T = False
) -> T:
    """The mean power of the distance from the centre."""
    if nan_policy != "propagate" or not isinstance(order, int):
        return NotImplemented
    if center is None:
        center = np.mean(a, axis=axis, keepdims=True)
    return np.mean((a - center) ** order, axis=axis, keepdims=keepdims)


@definition(stats.skew, "a")
def skew(a: T, axis: T = 0, bias: T = True, nan_policy: T = PLAIN, *, keepdims: T = False) -> T:
    """The third standardised moment."""
    if nan_policy != "propagate":
        return NotImplemented
    distance = a - np.mean(a, axis=axis, keepdims=True)
    second = np.mean(distance * distance, axis=axis, keepdims=keepdims)
    ratio = np.mean(distance**3, axis=axis, keepdims=keepdims) / second**1.5
    if bias:
        return ratio
    n = reduced_size(a, axis)
    return ratio * np.sqrt((n - 1.0) * n) / (n - 2.0)


@definition(stats.kurtosis, "a")
def kurtosis(
    a: T, axis: T = 0, fisher: T = True, bias: T = True, nan_policy: T = PLAIN, *, keepdims: T = False
) -> T:
    """The fourth standardised moment."""
    if nan_policy != "propagate":
        return NotImplemented
    distance = a - np.mean(a, axis=axis, keepdims=True)
    second = np.mean(distance * distance, axis=axis, keepdims=keepdims)
    ratio = np.mean(distance**4, axis=axis, keepdims=keepdims) / second**2
    if not bias:
        n = reduced_size(a, axis)
        ratio = ((n * n - 1.0) * ratio - 3.0 * (n - 1.0) ** 2) / ((n - 2.0) * (n - 3.0)) + 3.0
    return ratio - 3.0 if fisher else ratio


@definition(stats.variation, "a")
def variation(a: T, axis: T = 0, nan_policy: T = PLAIN, ddof: T = 0, *, keepdims: T = False) -> T:
    """The standard deviation by the mean."""
    if nan_policy != "propagate":
        return NotImplemented
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims) / np.mean(a, axis=axis, keepdims=keepdims)


@definition(stats.gstd, "a")
def gstd(a: T, axis: T = 0, ddof: T = 1, *, keepdims: T = False, nan_policy: T = PLAIN) -> T:
    """The geometric standard deviation."""
    if nan_policy != "propagate":
        return NotImplemented
    return np.exp(np.std(np.log(a), axis=axis, ddof=ddof, keepdims=keepdims))


# --- standardised -------------------------------------------------------------------------------------------


@definition(stats.zscore, "a")
def zscore(a: T, axis: T = 0, ddof: T = 0, nan_policy: T = PLAIN) -> T:
    """The distances from the mean, by the standard deviation."""
    if nan_policy != "propagate":
        return NotImplemented
    distance = a - np.mean(a, axis=axis, keepdims=True)
    return distance / np.std(a, axis=axis, ddof=ddof, keepdims=True)


@definition(stats.gzscore, "a")
def gzscore(a: T, *, axis: T = 0, ddof: T = 0, nan_policy: T = PLAIN) -> T:
    """The same of the logarithms."""
    if nan_policy != "propagate":
        return NotImplemented
    log = np.log(a)
    distance = log - np.mean(log, axis=axis, keepdims=True)
    return distance / np.std(log, axis=axis, ddof=ddof, keepdims=True)


@definition(stats.zmap, "scores", "compare")
def zmap(scores: T, compare: T, axis: T = 0, ddof: T = 0, nan_policy: T = PLAIN) -> T:
    """The distances from the mean of others, by their standard deviation."""
    if nan_policy != "propagate":
        return NotImplemented
    distance = scores - np.mean(compare, axis=axis, keepdims=True)
    return distance / np.std(compare, axis=axis, ddof=ddof, keepdims=True)


# --- order statistics ---------------------------------------------------------------------------------------


@definition(stats.iqr, "x")
def iqr(
    x: T, axis: T = None, rng: T = (25, 75), scale: T = 1.0, nan_policy: T = PLAIN,
    interpolation: T = "linear", keepdims: T = False,
) -> T:  # fmt: skip
    """The range between two percentiles."""
    if nan_policy != "propagate" or isinstance(scale, str) or interpolation != "linear":
        return NotImplemented
    high = np.percentile(x, rng[1], axis=axis, keepdims=keepdims)
    return (high - np.percentile(x, rng[0], axis=axis, keepdims=keepdims)) / scale


@definition(stats.median_abs_deviation, "x")
def median_abs_deviation(
    x: T, axis: T = 0, center: T = None, scale: T = 1.0, nan_policy: T = PLAIN, *, keepdims: T = False
) -> T:
    """The median distance from the median."""
    if nan_policy != "propagate" or center is not None or isinstance(scale, str):
        return NotImplemented
    distance = abs(x - np.median(x, axis=axis, keepdims=True))
    return np.median(distance, axis=axis, keepdims=keepdims) / scale


@definition(stats.scoreatpercentile, "a")
def scoreatpercentile(a: T, per: T, limit: T = (), interpolation_method: T = "fraction", axis: T = None) -> T:
    """A percentile."""
    if limit != () or interpolation_method != "fraction":
        return NotImplemented
    return np.percentile(a, per, axis=axis)


# --- information --------------------------------------------------------------------------------------------


@definition(stats.entropy, "pk", "qk")
def entropy(
    pk: T, qk: T = None, base: T = None, axis: T = 0, *, nan_policy: T = PLAIN, keepdims: T = False
) -> T:
    """The entropy of a distribution, or that relative to another; both are made to sum to one."""
    if nan_policy != "propagate":
        return NotImplemented
    p = pk / np.sum(pk, axis=axis, keepdims=True)
    if qk is None:
        out = np.sum(special.entr(p), axis=axis, keepdims=keepdims)
    else:
        q = qk / np.sum(qk, axis=axis, keepdims=True)
        out = np.sum(special.rel_entr(p, q), axis=axis, keepdims=keepdims)
    return out if base is None else out / np.log(base)


# --- on the circle ------------------------------------------------------------------------------------------


def turned(samples: T, high: T, low: T) -> T:
    """The angles."""
    return (samples - low) * (2.0 * np.pi / (high - low))


@definition(stats.circmean, "samples")
def circmean(
    samples: T, high: T = 2 * np.pi, low: T = 0, axis: T = None, nan_policy: T = PLAIN, *, keepdims: T = False
) -> T:
    """The direction of the mean of the points on the circle."""
    if nan_policy != "propagate":
        return NotImplemented
    angles = turned(samples, high, low)
    up = np.mean(np.sin(angles), axis=axis, keepdims=keepdims)
    angle = np.arctan2(up, np.mean(np.cos(angles), axis=axis, keepdims=keepdims)) % (2.0 * np.pi)
    return angle * ((high - low) / (2.0 * np.pi)) + low


@definition(stats.circvar, "samples")
def circvar(
    samples: T, high: T = 2 * np.pi, low: T = 0, axis: T = None, nan_policy: T = PLAIN, *, keepdims: T = False
) -> T:
    """One less the distance of the mean point from the middle."""
    if nan_policy != "propagate":
        return NotImplemented
    angles = turned(samples, high, low)
    up = np.mean(np.sin(angles), axis=axis, keepdims=keepdims)
    return 1.0 - np.hypot(up, np.mean(np.cos(angles), axis=axis, keepdims=keepdims))


@definition(stats.circstd, "samples")
def circstd(
    samples: T, high: T = 2 * np.pi, low: T = 0, axis: T = None, nan_policy: T = PLAIN, *,
    normalize: T = False, keepdims: T = False,
) -> T:  # fmt: skip
    """The standard deviation that goes with that distance."""
    if nan_policy != "propagate":
        return NotImplemented
    angles = turned(samples, high, low)
    up = np.mean(np.sin(angles), axis=axis, keepdims=keepdims)
    far = np.hypot(up, np.mean(np.cos(angles), axis=axis, keepdims=keepdims))
    spread = np.sqrt(-2.0 * np.log(far))
    return spread if normalize else spread * ((high - low) / (2.0 * np.pi))


# --- powers that make a sample normal -----------------------------------------------------------------------


@definition(stats.boxcox_llf, "lmb", "data")
def boxcox_llf(lmb: T, data: T, *, axis: T = 0, keepdims: T = False, nan_policy: T = PLAIN) -> T:
    """The log-likelihood of a power."""
    if nan_policy != "propagate":
        return NotImplemented
    n = reduced_size(data, axis)
    width = np.var(special.boxcox(data, lmb), axis=axis, keepdims=keepdims)
    return (lmb - 1.0) * np.sum(np.log(data), axis=axis, keepdims=keepdims) - 0.5 * n * np.log(width)


def stretched(x: T, lmbda: T) -> T:
    """The transform of Yeo and Johnson: that of Box and Cox on both sides of zero."""
    above = special.boxcox1p(np.maximum(x, 0.0), lmbda)
    return np.where(x >= 0.0, above, -special.boxcox1p(np.maximum(-x, 0.0), 2.0 - lmbda))


@definition(stats.yeojohnson, "x", "lmbda")
def yeojohnson(x: T, lmbda: T = None) -> T:
    """The transform of Yeo and Johnson, of a given power."""
    if lmbda is None:
        return NotImplemented
    return stretched(x, lmbda)


@definition(stats.yeojohnson_llf, "lmb", "data")
def yeojohnson_llf(lmb: T, data: T, *, axis: T = 0, nan_policy: T = PLAIN, keepdims: T = False) -> T:
    """The log-likelihood of its power."""
    if nan_policy != "propagate":
        return NotImplemented
    width = np.var(stretched(data, lmb), axis=axis, keepdims=keepdims)
    log = np.sum(np.sign(data) * np.log1p(abs(data)), axis=axis, keepdims=keepdims)
    return (lmb - 1.0) * log - 0.5 * reduced_size(data, axis) * np.log(width)


# --- pairs of samples ---------------------------------------------------------------------------------------


class Tested(NamedTuple):
    """What a test gives."""

    statistic: Any
    pvalue: Any


class Line(NamedTuple):
    """What the regression by a line gives."""

    slope: Any
    intercept: Any
    rvalue: Any
    pvalue: Any
    stderr: Any
    intercept_stderr: Any


def two_sided(t: T, df: T) -> T:
    """The probability of a t as large."""
    return 2.0 * special.stdtr(df, -abs(t))


@definition(stats.pearsonr, "x", "y")
def pearsonr(x: T, y: T, *, alternative: T = "two-sided", method: T = None, axis: T = 0) -> T:
    """The correlation of two samples."""
    if alternative != "two-sided" or method is not None or np.ndim(x) != 1 or axis != 0:
        return NotImplemented
    u, v = x - np.mean(x), y - np.mean(y)
    r = np.sum(u * v) / np.sqrt(np.sum(u * u) * np.sum(v * v))
    df = np.shape(x)[0] - 2.0
    return Tested(r, two_sided(r * np.sqrt(df / (1.0 - r * r)), df))


@definition(stats.linregress, "x", "y")
def linregress(x: T, y: T, alternative: T = "two-sided", *, axis: T = 0, nan_policy: T = PLAIN) -> T:
    """The line through points."""
    if alternative != "two-sided" or nan_policy != "propagate" or np.ndim(x) != 1 or axis != 0:
        return NotImplemented
    u, v, df = x - np.mean(x), y - np.mean(y), np.shape(x)[0] - 2.0
    xx, xy, yy = np.sum(u * u), np.sum(u * v), np.sum(v * v)
    slope, r = xy / xx, xy / np.sqrt(xx * yy)
    error = np.sqrt((1.0 - r * r) * yy / xx / df)
    p = two_sided(r * np.sqrt(df / ((1.0 - r) * (1.0 + r))), df)
    wide = error * np.sqrt(np.mean(x * x))
    return Line(slope, np.mean(y) - slope * np.mean(x), r, p, error, wide)


@definition(stats.ttest_1samp, "a", "popmean")
def ttest_1samp(
    a: T, popmean: T, axis: T = 0, nan_policy: T = PLAIN, alternative: T = "two-sided", *, keepdims: T = False
) -> T:
    """Student's test of a mean."""
    if nan_policy != "propagate" or alternative != "two-sided" or keepdims:
        return NotImplemented
    n = reduced_size(a, axis)
    t = (np.mean(a, axis=axis) - popmean) / (np.std(a, axis=axis, ddof=1) / np.sqrt(n))
    return Tested(t, two_sided(t, n - 1.0))


@definition(stats.ttest_rel, "a", "b")
def ttest_rel(
    a: T, b: T, axis: T = 0, nan_policy: T = PLAIN, alternative: T = "two-sided", *, keepdims: T = False
) -> T:
    """Student's test of a mean difference."""
    if nan_policy != "propagate" or alternative != "two-sided" or keepdims:
        return NotImplemented
    n = reduced_size(a, axis)
    t = np.mean(a - b, axis=axis) / (np.std(a - b, axis=axis, ddof=1) / np.sqrt(n))
    return Tested(t, two_sided(t, n - 1.0))


@definition(stats.ttest_ind, "a", "b")
def ttest_ind(
    a: T, b: T, *, axis: T = 0, equal_var: T = True, nan_policy: T = PLAIN, alternative: T = "two-sided",
    trim: T = 0, method: T = None, keepdims: T = False,
) -> T:  # fmt: skip
    """Student's test (or Welch's) of the difference of two means."""
    if nan_policy != "propagate" or alternative != "two-sided" or trim != 0 or method is not None or keepdims:
        return NotImplemented
    m, n = reduced_size(a, axis), reduced_size(b, axis)
    u, v = np.var(a, axis=axis, ddof=1), np.var(b, axis=axis, ddof=1)
    if equal_var:
        df = m + n - 2.0
        width = ((m - 1) * u + (n - 1) * v) / df * (1.0 / m + 1.0 / n)
        t = (np.mean(a, axis=axis) - np.mean(b, axis=axis)) / np.sqrt(width)
        return Tested(t, two_sided(t, df))
    t = (np.mean(a, axis=axis) - np.mean(b, axis=axis)) / np.sqrt(u / m + v / n)
    df = (u / m + v / n) ** 2 / ((u / m) ** 2 / (m - 1) + (v / n) ** 2 / (n - 1))
    return Tested(t, two_sided(t, df))


# --- entropies, densities made of samples -------------------------------------------------------------------


@definition(stats.multivariate_normal.entropy, "cov")
def normal_entropy(mean: T = None, cov: T = 1) -> T:
    """That of a normal distribution, by the logarithm of its determinant."""
    if np.ndim(cov) != 2:
        return NotImplemented
    whole = np.tril(cov) + np.tril(cov, -1).T  # (SciPy reads the lower triangle)
    return 0.5 * (np.shape(cov)[0] * np.log(2.0 * np.pi * np.e) + np.linalg.slogdet(whole)[1])


@definition(stats.poisson.entropy, "mu")
def poisson_entropy(mu: T, loc: T = 0) -> T:
    """The mean of the negative logarithm, over all counts that matter."""
    k = np.arange(np.ceil(2.0 * np.max(mu)) + 100.0)
    each = np.expand_dims(mu, -1)
    log = special.xlogy(k, each) - each - special.gammaln(k + 1.0)
    return -np.sum(np.exp(log) * log, axis=-1)
