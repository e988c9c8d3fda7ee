"""Statistics: densities, survival, time series, expectation maximisation, rank and order statistics."""

import collections
import math

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(61)


def kernel_density_cv_score(data, log_h):
    """Leave-one-out log-likelihood of a Gaussian kernel density estimate."""
    h = math.exp(log_h)
    n = len(data)
    score = 0.0
    for i in range(n):
        density = 0.0
        for j in range(n):
            if i == j:
                continue
            z = (data[i] - data[j]) / h
            density += math.exp(-0.5 * z * z)
        score += math.log(density / ((n - 1) * h * math.sqrt(2 * math.pi)))
    return score / n


add(
    kernel_density_cv_score,
    "leave-one-out with continue in a double loop",
    ([0.1, 0.8, 1.5, 1.7, 3.0], -0.3),
    wrt=(0, 1),
    peer=True,
)


def cox_partial_likelihood(beta, X, times, events):
    eta = X @ beta
    order = np.argsort(-times)
    eta = eta[order]
    ev = events[order]
    log_risk = np.logaddexp.accumulate(eta)
    return np.sum((eta - log_risk)[ev]) - 0.05 * beta @ beta


add(
    cox_partial_likelihood,
    "argsort, np.logaddexp.accumulate, a boolean mask",
    (
        rng.normal(size=2),
        rng.normal(size=(6, 2)),
        np.array([2.0, 5.0, 1.0, 4.0, 3.5, 6.0]),
        np.array([True, False, True, True, False, True]),
    ),
    wrt=(0, 1),
)


def weibull_censored_loglik(params, times, observed):
    shape, scale = math.exp(params[0]), math.exp(params[1])
    ll = 0.0
    for t, seen in zip(times, observed):
        H = (t / scale) ** shape
        ll += (math.log(shape / scale) + (shape - 1) * math.log(t / scale) if seen else 0.0) - H
    return ll


add(
    weibull_censored_loglik,
    "censoring by a conditional expression inside a sum",
    ([0.3, 0.8], [1.2, 0.7, 2.5, 3.1], [True, True, False, True]),
    peer=True,
)


def arma_conditional_likelihood(phi, theta, sigma, y):
    n, p, q = len(y), len(phi), len(theta)
    e = np.zeros(n)
    for t in range(max(p, q), n):
        pred = 0.0
        for i in range(p):
            pred += phi[i] * y[t - 1 - i]
        for j in range(q):
            pred += theta[j] * e[t - 1 - j]
        e[t] = y[t] - pred
    m = n - max(p, q)
    return -0.5 * m * np.log(2 * np.pi * sigma**2) - 0.5 * np.sum(e**2) / sigma**2


add(
    arma_conditional_likelihood,
    "residuals that feed on earlier ones, run-time loop bounds from max of two lengths",
    (np.array([0.5, -0.2]), np.array([0.3]), 0.8, rng.normal(size=9)),
    wrt=(0, 1, 2, 3),
)


def garch_negative_loglik(params, returns):
    omega, alpha, beta = params["omega"], params["alpha"], params["beta"]
    var = [returns.var()]
    for r in returns[:-1]:
        var.append(omega + alpha * r**2 + beta * var[-1])
    var = np.array(var)
    return 0.5 * np.sum(np.log(var) + returns**2 / var)


add(
    garch_negative_loglik,
    "a variance recursion appended to a list, made an array at the end",
    ({"omega": 0.1, "alpha": 0.15, "beta": 0.7}, rng.normal(size=8)),
    wrt=(0, 1),
    peer=True,
)


def dirichlet_multinomial_loglik(alpha, counts):
    total = 0.0
    A = sum(alpha)
    for row in counts:
        n = sum(row)
        total += math.lgamma(A) - math.lgamma(A + n)
        for a, c in zip(alpha, row):
            total += math.lgamma(a + c) - math.lgamma(a)
    return total


add(
    dirichlet_multinomial_loglik,
    "math.lgamma over rows of counts",
    ([0.8, 1.5, 2.2], [[3, 1, 0], [2, 2, 4]]),
    peer=True,
)


def em_step_gaussian_mixture(weights, means, variances, x):
    log_r = (
        np.log(weights)[None, :]
        - 0.5 * np.log(variances)[None, :]
        - 0.5 * (x[:, None] - means[None, :]) ** 2 / variances[None, :]
    )
    log_r -= log_r.max(axis=1, keepdims=True)
    r = np.exp(log_r)
    r /= r.sum(axis=1, keepdims=True)
    N = r.sum(axis=0)
    new_means = (r * x[:, None]).sum(axis=0) / N
    new_vars = (r * (x[:, None] - new_means) ** 2).sum(axis=0) / N
    return np.sum(N / len(x) * np.log(new_vars)) + new_means @ new_means


add(
    em_step_gaussian_mixture,
    "responsibilities normalised in place, M-step by broadcasting",
    (np.array([0.4, 0.6]), np.array([-0.5, 1.2]), np.array([0.7, 1.1]), rng.normal(size=7)),
    wrt=(0, 1, 2, 3),
    peer=True,
)


def ordinal_probit_cutpoints(beta, raw_cuts, x, y):
    Phi = lambda z: 0.5 * math.erfc(-z / math.sqrt(2))
    cuts = [raw_cuts[0]]
    for gap in raw_cuts[1:]:
        cuts.append(cuts[-1] + math.exp(gap))
    ll = 0.0
    for xi, yi in zip(x, y):
        eta = beta * xi
        upper = Phi(cuts[yi] - eta) if yi < len(cuts) else 1.0
        lower = Phi(cuts[yi - 1] - eta) if yi > 0 else 0.0
        ll += math.log(upper - lower)
    return ll


add(
    ordinal_probit_cutpoints,
    "ordered cut points, list elements chosen by integer data, guarded at both ends",
    (0.7, [-0.5, 0.2, -0.1], [0.3, -1.2, 0.8, 1.9], [0, 1, 2, 3]),
    wrt=(0, 1, 2),
)


def theil_index_and_gini(incomes):
    x = np.sort(incomes)
    n = x.size
    mu = x.mean()
    gini = 2 * np.sum(np.arange(1, n + 1) * x) / (n * x.sum()) - (n + 1) / n
    theil = np.mean(x / mu * np.log(x / mu))
    trimmed = x[1:-1].mean()
    return gini + theil + 0.1 * trimmed + 0.05 * np.median(incomes)


add(
    theil_index_and_gini,
    "sorting, a median, a trimmed mean",
    (np.array([3.1, 0.7, 2.2, 5.9, 1.4]),),
    peer=True,
)


def poisson_regression_irls(X, y, ridge):
    """Iteratively reweighted least squares; the fit is differentiated in the data."""
    beta = np.zeros(X.shape[1])
    for _ in range(4):
        mu = np.exp(np.clip(X @ beta, -10, 10))
        z = X @ beta + (y - mu) / mu
        WX = X * mu[:, np.newaxis]
        beta = np.linalg.solve(X.T @ WX + ridge * np.eye(len(beta)), WX.T @ z)
    deviance = 2.0 * np.sum(y * np.log(y / mu) - (y - mu))
    return deviance + beta @ beta


add(
    poisson_regression_irls,
    "reweighted least squares with a clip that is not active",
    (0.5 * rng.normal(size=(6, 2)), 1.0 + rng.poisson(2.0, size=6), 0.1),
    wrt=(0, 2),
    peer=True,
)


def autocorrelated_effective_size(chain):
    n = len(chain)
    mean = sum(chain) / n
    centred = [c - mean for c in chain]
    var = sum(c * c for c in centred) / n
    tau = 1.0
    for lag in range(1, n):
        rho = sum(centred[i] * centred[i + lag] for i in range(n - lag)) / (n * var)
        if rho < 0.05:
            break
        tau += 2.0 * rho
    return n / tau


add(
    autocorrelated_effective_size,
    "autocorrelations summed until they are small",
    ([0.1, 0.5, 0.9, 0.8, 0.4, -0.2, -0.6, -0.5, 0.0, 0.3],),
    peer=True,
)


def welford_online_moments(stream):
    count, mean, M2, M3 = 0, 0.0, 0.0, 0.0
    for x in stream:
        n1 = count
        count += 1
        delta = x - mean
        dn = delta / count
        term = delta * dn * n1
        mean += dn
        M3 += term * dn * (count - 2) - 3 * dn * M2
        M2 += term
    return math.sqrt(count) * M3 / M2**1.5 + mean


add(welford_online_moments, "a one-pass skewness", (rng.normal(size=7),), peer=True)


def group_means_by_label(values, labels=("a", "b", "a", "c", "b", "a")):
    groups = collections.defaultdict(list)
    for label, value in zip(labels, values):
        groups[label].append(value)
    means = {label: sum(vs) / len(vs) for label, vs in groups.items()}
    grand = sum(values) / len(values)
    between = sum(len(groups[g]) * (m - grand) ** 2 for g, m in means.items())
    within = sum((v - means[g]) ** 2 for g, vs in groups.items() for v in vs)
    return between / within


add(
    group_means_by_label,
    "an analysis of variance with defaultdict(list) and nested generators",
    ([1.0, 2.5, 1.4, 3.1, 2.2, 0.7],),
    peer=True,
)


def isotonic_pool_adjacent(y):
    """Pool adjacent violators on a stack of [sum, count]."""
    blocks = []
    for v in y:
        blocks.append([v, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            s, c = blocks.pop()
            blocks[-1][0] += s
            blocks[-1][1] += c
    return sum(s**2 / c for s, c in blocks)


add(
    isotonic_pool_adjacent,
    "a stack of two-element lists merged from its end",
    ([1.0, 3.0, 2.0, 2.6, 4.0, 3.7],),
)


def bootstrap_fixed_indices(data, weights, indices):
    """Studentised bootstrap over given resamples."""
    stats = []
    for idx in indices:
        sample = data[idx]
        w = weights[idx]
        mean = np.average(sample, weights=w)
        stats.append(mean / np.sqrt(np.average((sample - mean) ** 2, weights=w)))
    stats = np.asarray(stats)
    return stats.mean() + stats.std(ddof=1)


add(
    bootstrap_fixed_indices,
    "resampling by rows of integers, np.average with weights",
    (rng.normal(size=6), 0.5 + rng.random(6), rng.integers(0, 6, size=(4, 6))),
    wrt=(0, 1),
    peer=True,
)
