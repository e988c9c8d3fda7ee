"""Samples of the methods of the distributions of ``scipy.stats``; the ends of their supports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
from harness import Kink, Sample
from samples_elementwise import real
from scipy import stats

from srcdiff.rules.scipy_stats import continuous, discrete

Fn = Callable[..., Any]
DENSITIES = ("logpdf", "pdf")
BELOW = ("cdf", "sf", "logcdf", "logsf")
INVERSES = ("ppf", "isf")

SHAPES: dict[str, tuple[float, ...]] = {
    "t": (3.2,), "skewnorm": (0.7,), "gennorm": (1.6,), "vonmises": (1.3,), "gamma": (2.3,), "chi2": (3.4,),
    "chi": (2.6,), "invgamma": (2.3,), "lognorm": (0.8,), "weibull_min": (1.7,), "lomax": (1.9,),
    "pareto": (2.2,), "invgauss": (1.4,), "f": (3.4, 4.6), "betaprime": (2.4, 3.1), "powerlaw": (1.8,),
    "beta": (2.4, 1.7), "truncnorm": (-1.4, 2.1), "wrapcauchy": (0.4,), "loguniform": (0.1, 3.1),
    "exponnorm": (1.3,), "rice": (0.9,), "gengamma": (1.7, 1.2),
}  # fmt: skip
WHERE: dict[str, tuple[float, float]] = {  # points of the support, standardised
    **dict.fromkeys(continuous.DISTRIBUTIONS, (0.2, 1.8)),
    "moyal": (-0.9, 1.5), "t": (-1.5, 1.5), "skewnorm": (-1.5, 1.5), "vonmises": (0.2, 1.2),
    "pareto": (1.3, 2.5),
    "uniform": (0.2, 0.8), "arcsine": (0.2, 0.8), "semicircular": (-0.7, 0.7), "powerlaw": (0.2, 0.8),
    "beta": (0.2, 0.8),
}  # fmt: skip


def points(name: str, method: str) -> list[Sample]:
    """A number with all parameters, broadcasting arrays, keywords; in the shapes where there is a slope."""
    d = continuous.DISTRIBUTIONS[name]
    shapes = SHAPES.get(name, ())
    low, high = WHERE[name] if method not in INVERSES else (0.2, 0.8)
    loc, scale = 0.3, 1.4
    known = method in DENSITIES or (bool(d.below) and None not in d.below)
    given = tuple(range(1, 1 + len(shapes))) if known else ()
    after = 1 + len(shapes)
    move = (lambda x: x) if method in INVERSES else (lambda x: loc + scale * x)
    middle = 0.45 * low + 0.55 * high
    keywords = dict(zip(d.shapes, shapes, strict=True))
    return [
        Sample((move(middle), *shapes, loc, scale), wrt=(0, *given, after, after + 1), name="all"),
        Sample((real(low, high, 3), *shapes), wrt=(0, *given), name="standard"),
        Sample(
            (move(real(low, high, 3)), *(np.array([[s], [1.1 * s]]) for s in shapes)),
            {"loc": loc, "scale": np.array([[scale]])},
            (0, *given, "loc", "scale"),
            name="broadcast",
        ),
        Sample(
            (move(middle),),
            {**keywords, "scale": scale, "loc": loc},
            (0, "scale", "loc"),
            name="keywords",
        ),
    ]


COUNTS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "poisson": (np.array([0, 2, 5]), (1.7,)),
    "bernoulli": (np.array([0, 1, 1]), (0.3,)),
    "binom": (np.array([0, 2, 5]), (5, 0.3)),
    "nbinom": (np.array([0, 2, 5]), (2.5, 0.3)),
    "geom": (np.array([1, 2, 5]), (0.3,)),
    "betabinom": (np.array([0, 2, 5]), (5, 1.3, 2.1)),
}


def counts(name: str, method: str) -> list[Sample]:
    d = discrete.DISTRIBUTIONS[name]
    k, shapes = COUNTS[name]
    slopes = d.slopes if method in ("logpmf", "pmf") else d.below
    wrt = tuple(i + 1 for i, s in enumerate(slopes) if s is not None)
    if method == "logsf":
        k = k[k < k.max()]  # no probability may be left above the last
    return [
        Sample((k, *shapes), wrt=wrt, name="array"),
        Sample((int(k[-1]), *shapes), wrt=wrt, name="number"),
        Sample((k + 2, *(np.array([[s], [s]]) for s in shapes), 2), wrt=wrt, name="shifted"),
        Sample((k.astype(float), *shapes), wrt=wrt, name="floats"),
    ]


SAMPLES: dict[Fn, list[Sample]] = {
    **{
        getattr(getattr(stats, name), method): points(name, method)
        for name in continuous.DISTRIBUTIONS
        for method in (*DENSITIES, *BELOW, *INVERSES)
    },
    **{
        getattr(getattr(stats, name), method): counts(name, method)
        for name, d in discrete.DISTRIBUTIONS.items()
        for method in ("logpmf", "pmf", *(BELOW if d.below else ()))
    },
}

COV = np.array([[2.0, 0.3, -0.4], [0.3, 1.0, 0.2], [-0.4, 0.2, 1.5]])
MEAN = np.array([0.3, -0.2, 0.5])


def elliptical(mean: str, cov: str, *rest: float) -> list[Sample]:
    more = tuple(range(3, 3 + len(rest)))
    return [
        Sample((real(-1.0, 1.0, 3), MEAN, COV, *rest), wrt=(0, 1, 2, *more), name="point"),
        Sample((real(-1.0, 1.0, 4, 3), MEAN, COV, *rest), wrt=(0, 1, 2, *more), name="points"),
        Sample((real(-1.0, 1.0, 2, 4, 3), MEAN, COV, *rest), wrt=(0, 1, 2, *more), name="points_of_points"),
        Sample((real(-1.0, 1.0, 4, 3),), {cov: COV}, wrt=(0, cov), name="no_mean"),
        Sample(
            (real(-1.0, 1.0, 4), MEAN[:1], COV[:1, :1], *rest), wrt=(0, 1, 2, *more), name="one_dimension"
        ),
        Sample((0.7, 0.2, 1.3, *rest), wrt=(0, 1, 2, *more), name="numbers"),
        Sample((real(-1.0, 1.0, 4), None, 1.3, *rest), wrt=(0, 2, *more), name="variance"),
        Sample((real(-1.0, 1.0, 2, 3), MEAN, 1.3, *rest), wrt=(0, 1, 2, *more), name="one_variance"),
        Sample(
            (real(-1.0, 1.0, 2, 3), MEAN, np.array([0.7, 1.3, 2.1]), *rest),
            wrt=(0, 1, 2, *more),
            name="diagonal",
        ),
    ]


SIMPLEX = np.array([0.2, 0.5, 0.3])
ALPHA = np.array([1.4, 2.0, 0.7])
DIRICHLET = [
    Sample((SIMPLEX, ALPHA), wrt=(1,), name="alpha"),
    Sample((SIMPLEX[:2], ALPHA), wrt=(0, 1), name="last_left_out"),
    Sample((np.array([[0.2, 0.1], [0.5, 0.6]]), ALPHA), wrt=(0, 1), name="columns"),
    Sample((np.array([[0.2, 0.1], [0.5, 0.6], [0.3, 0.3]]), ALPHA), wrt=(1,), name="columns_alpha"),
    Sample((np.array([0.4]), ALPHA[:2]), wrt=(0, 1), name="two"),
]
MULTINOMIAL = [
    Sample((np.array([1, 0, 2]), 3, SIMPLEX), wrt=(2,), name="counts"),
    Sample((np.array([[1, 0, 2], [0, 1, 2]]), 3, SIMPLEX), wrt=(2,), name="rows"),
    Sample((np.array([1, 0, 2]), 3, np.array([SIMPLEX, [0.1, 0.1, 0.8]])), wrt=(2,), name="probabilities"),
]
for method in ("logpdf", "pdf"):
    SAMPLES[getattr(stats.multivariate_normal, method)] = elliptical("mean", "cov")
    SAMPLES[getattr(stats.multivariate_t, method)] = elliptical("loc", "shape", 3.4)
    SAMPLES[getattr(stats.dirichlet, method)] = DIRICHLET
if np.lib.NumpyVersion(scipy.__version__) < "1.18.0":  # (from there on NaN beside the simplex)
    SAMPLES[stats.multinomial.logpmf] = MULTINOMIAL
    SAMPLES[stats.multinomial.pmf] = MULTINOMIAL

KINKS: dict[Fn, list[Kink]] = {
    stats.gamma.logpdf: [
        Kink((np.array([-1.0, 0.0]), 2.0), (np.zeros(2), np.zeros(2), None, None), name="outside")
    ],
    stats.gamma.pdf: [Kink((-1.0, 2.0), (0.0, 0.0, 0.0, 0.0), name="outside")],
    stats.uniform.logpdf: [Kink((1.5,), (0.0, 0.0, 0.0), name="outside")],
    stats.uniform.cdf: [Kink((1.5,), (0.0, 0.0, 0.0), name="outside")],
    stats.laplace.logpdf: [Kink((0.0,), (0.0, 0.0, -1.0), name="tip")],
    stats.poisson.logpmf: [
        Kink((0, 0.0), (None, -1.0, None), name="nothing"),
        Kink((-1, 2.0), (None, 0.0, None), name="outside"),
        Kink((1.5, 2.0), (None, 0.0, None), name="between"),
    ],
    stats.binom.logpmf: [
        Kink((0, 5, 0.0), (None, None, -5.0, None), name="never"),
        Kink((5, 5, 1.0), (None, None, 5.0, None), name="always"),
    ],
    stats.bernoulli.logsf: [Kink((1, 0.3), (None, 0.0, None), name="nothing_left")],
    stats.norm.logcdf: [Kink((-1e8,), (1e8, -1e8, 1e16), name="far")],
}
