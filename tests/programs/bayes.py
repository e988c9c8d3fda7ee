"""Log-densities for Markov chains: hierarchies, regressions, Gaussian processes, mixtures, ODE models."""

import math

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(33)

LOG_2PI = math.log(2.0 * math.pi)


def normal_lpdf(x, mu, sigma):
    z = (x - mu) / sigma
    return -0.5 * z * z - np.log(sigma) - 0.5 * LOG_2PI


Y8 = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
S8 = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def eight_schools(params):
    """The non-centred hierarchy, data at module level."""
    mu, log_tau, eta = params["mu"], params["log_tau"], params["eta"]
    tau = np.exp(log_tau)
    theta = mu + tau * eta
    lp = normal_lpdf(mu, 0.0, 5.0)
    lp += -np.log1p((tau / 5.0) ** 2) + log_tau
    lp += np.sum(normal_lpdf(eta, 0.0, 1.0))
    lp += np.sum(normal_lpdf(Y8, theta, S8))
    return lp


add(
    eight_schools,
    "a hierarchical normal model, a dict of parameters, global data",
    ({"mu": 4.0, "log_tau": 0.7, "eta": rng.normal(size=8)},),
    peer=True,
)


def logistic_regression_posterior(beta, X, y, prior_scale=2.5):
    logits = X @ beta
    loglik = np.sum(y * logits - np.logaddexp(0.0, logits))
    return loglik - 0.5 * np.sum((beta / prior_scale) ** 2)


add(
    logistic_regression_posterior,
    "logits by logaddexp",
    (rng.normal(size=3), rng.normal(size=(9, 3)), (rng.random(9) > 0.5).astype(float)),
    wrt=(0, 1),
    peer=True,
)


def logistic_sgd_epochs(w, X, y, lr):
    """Plain loops over samples and features, as in a blog post."""
    for epoch in range(2):
        for i in range(len(X)):
            z = 0.0
            for j in range(len(w)):
                z += w[j] * X[i][j]
            p = 1.0 / (1.0 + math.exp(-z))
            err = y[i] - p
            w = [w[j] + lr * err * X[i][j] for j in range(len(w))]
    loss = 0.0
    for xi, yi in zip(X, y):
        z = sum(a * b for a, b in zip(w, xi))
        p = 1.0 / (1.0 + math.exp(-z))
        loss -= yi * math.log(p) + (1 - yi) * math.log(1 - p)
    return loss


add(
    logistic_sgd_epochs,
    "stochastic gradient steps on lists of lists; the derivative goes through training",
    ([0.1, -0.2], [[1.0, 0.5], [0.3, -1.2], [-0.7, 0.8]], [1, 0, 1], 0.1),
    wrt=(0, 1, 3),
    peer=True,
)


def gp_marginal_likelihood(log_hyper, X, y):
    ell, sf, sn = np.exp(log_hyper)
    d2 = np.sum(X**2, 1)[:, None] + np.sum(X**2, 1)[None, :] - 2 * X @ X.T
    K = sf**2 * np.exp(-0.5 * d2 / ell**2)
    K[np.diag_indices(len(y))] += sn**2
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ alpha + np.sum(np.log(np.diagonal(L))) + 0.5 * len(y) * LOG_2PI


add(
    gp_marginal_likelihood,
    "Cholesky of a kernel matrix whose diagonal is raised in place through diag_indices",
    (np.log(np.array([0.8, 1.2, 0.3])), rng.normal(size=(6, 2)), rng.normal(size=6)),
    wrt=(0, 1, 2),
)


class Kernel:
    def __add__(self, other):
        return Sum(self, other)

    def __mul__(self, other):
        return Product(self, other)


class RBF(Kernel):
    def __init__(self, length):
        self.length = length

    def __call__(self, a, b):
        return np.exp(-0.5 * ((a[:, None] - b[None, :]) / self.length) ** 2)


class Periodic(Kernel):
    def __init__(self, period, length):
        self.period, self.length = period, length

    def __call__(self, a, b):
        s = np.sin(np.pi * (a[:, None] - b[None, :]) / self.period)
        return np.exp(-2.0 * s**2 / self.length**2)


class White(Kernel):
    def __init__(self, noise):
        self.noise = noise

    def __call__(self, a, b):
        return self.noise**2 * np.eye(len(a))


class Sum(Kernel):
    def __init__(self, left, right):
        self.left, self.right = left, right

    def __call__(self, a, b):
        return self.left(a, b) + self.right(a, b)


class Product(Kernel):
    def __init__(self, left, right):
        self.left, self.right = left, right

    def __call__(self, a, b):
        return self.left(a, b) * self.right(a, b)


def gp_kernel_algebra(length, period, noise, x, y):
    kernel = RBF(length) * Periodic(period, 1.0) + White(noise)
    K = kernel(x, x)
    sign, logdet = np.linalg.slogdet(K)
    return -0.5 * y @ np.linalg.solve(K, y) - 0.5 * logdet


add(
    gp_kernel_algebra,
    "kernels as classes combined by + and *, called through __call__",
    (1.2, 0.9, 0.4, np.array([0.0, 0.4, 1.1, 1.5, 2.3]), rng.normal(size=5)),
    wrt=(0, 1, 2),
    peer=True,
)


def gaussian_mixture_loglik(weights, means, log_sds, data):
    total = 0.0
    for x in data:
        comps = []
        for k in range(len(weights)):
            comps.append(weights[k] + normal_lpdf(x, means[k], np.exp(log_sds[k])))
        m = max(comps)
        total += m + np.log(sum(np.exp(c - m) for c in comps))
    norm = np.log(np.sum(np.exp(np.asarray(weights))))
    return total - len(data) * norm


add(
    gaussian_mixture_loglik,
    "a list of component densities, max of a list, sum of a generator",
    ([0.1, 0.4], [-1.0, 1.5], [0.2, -0.1], np.array([0.3, -0.9, 1.8, 2.2])),
    wrt=(0, 1, 2),
    peer=True,
)


def change_point_marginalised(rates, counts):
    """Coal mining: Poisson with one change point, summed over where it is."""
    early, late = rates
    n = len(counts)
    log_fact = [math.lgamma(c + 1) for c in counts]
    lps = []
    for s in range(1, n):
        lp = -math.log(n - 1)
        for t in range(n):
            rate = early if t < s else late
            lp += counts[t] * math.log(rate) - rate - log_fact[t]
        lps.append(lp)
    hi = max(lps)
    return hi + math.log(sum([math.exp(lp - hi) for lp in lps]))


add(
    change_point_marginalised,
    "a conditional expression choosing a parameter by the loop index, lgamma of integers",
    ((3.1, 1.2), [4, 5, 3, 4, 1, 0, 2, 1]),
)


def student_t_robust_regression(theta, x, y):
    alpha, beta, log_s, log_nu = theta
    nu, s = np.exp(log_nu) + 2.0, np.exp(log_s)
    r = (y - alpha - beta * x) / s
    const = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi)
    return np.sum(const - log_s - (nu + 1) / 2 * np.log1p(r**2 / nu))


add(
    student_t_robust_regression,
    "math.lgamma of a value to differentiate",
    (np.array([0.2, 1.1, -0.3, 1.0]), np.linspace(-1, 1, 7), rng.normal(size=7)),
    wrt=(0, 1, 2),
)


def transform_bounded(u, lo, hi):
    p = 1.0 / (1.0 + math.exp(-u))
    return lo + (hi - lo) * p, math.log((hi - lo) * p * (1 - p))


def stick_breaking(v):
    rest, parts, logdet = 1.0, [], 0.0
    for i, vi in enumerate(v):
        z = 1 / (1 + math.exp(-(vi - math.log(len(v) - i))))
        parts.append(rest * z)
        logdet += math.log(z) + math.log(1 - z) + math.log(rest)
        rest *= 1 - z
    parts.append(rest)
    return parts, logdet


def constrained_parameters_jacobian(u):
    """Bounds, an ordered pair and a simplex from free numbers, with their log Jacobians."""
    (scale, j1), (rho, j2) = transform_bounded(u[0], 0.0, 3.0), transform_bounded(u[1], -1.0, 1.0)
    simplex, j3 = stick_breaking(u[2:5])
    target = j1 + j2 + j3
    for a, p in zip([2.0, 3.0, 1.5, 2.5], simplex):
        target += (a - 1) * math.log(p)
    return target - 0.5 * scale**2 + 2.0 * math.log(1 - rho**2)


add(
    constrained_parameters_jacobian,
    "functions returning pairs unpacked in a nested target, slices of a list",
    ([0.3, -0.4, 0.8, 0.1, -0.6],),
    peer=True,
)


def leapfrog_hmc_energy_error(q, p, eps):
    """A Hamiltonian trajectory with a hand-written gradient; the error of the energy."""
    prec = np.array([[2.0, 0.6], [0.6, 1.0]])

    def U(q):
        return 0.5 * q @ prec @ q + 0.1 * np.sum(q**4)

    def grad_U(q):
        return prec @ q + 0.4 * q**3

    H0 = U(q) + 0.5 * p @ p
    p = p - 0.5 * eps * grad_U(q)
    for i in range(5):
        q = q + eps * p
        if i != 4:
            p = p - eps * grad_U(q)
    p = p - 0.5 * eps * grad_U(q)
    return (U(q) + 0.5 * p @ p - H0) ** 2


add(
    leapfrog_hmc_energy_error,
    "one proposal of Hamiltonian Monte Carlo",
    (np.array([0.5, -0.8]), np.array([1.0, 0.3]), 0.3),
    wrt=(0, 1, 2),
    peer=True,
)


def elbo_mean_field(mu, log_sd, eps, X, y):
    total = 0.0
    sd = np.exp(log_sd)
    for e in eps:
        w = mu + sd * e
        pred = X @ w
        loglik = -0.5 * np.sum((y - pred) ** 2)
        logprior = -0.5 * w @ w
        total += loglik + logprior
    entropy = np.sum(log_sd)
    return total / len(eps) + entropy


add(
    elbo_mean_field,
    "a reparameterised lower bound: looping over the rows of an array of draws",
    (
        rng.normal(size=2),
        0.1 * rng.normal(size=2),
        rng.normal(size=(3, 2)),
        rng.normal(size=(5, 2)),
        rng.normal(size=5),
    ),
    wrt=(0, 1),
    peer=True,
)


def item_response_two_params(theta, items):
    """Abilities and items in a list of dicts."""
    ll = 0.0
    for i, th in enumerate(theta):
        for item in items:
            p = 1 / (1 + math.exp(-item["a"] * (th - item["b"])))
            right = item["answers"][i] == "y"
            ll += math.log(p) if right else math.log(1 - p)
    return ll


add(
    item_response_two_params,
    "a list of dicts holding floats and text, a conditional expression on a character",
    (
        [0.4, -0.8, 1.1],
        [{"a": 1.2, "b": 0.1, "answers": "yny"}, {"a": 0.7, "b": -0.5, "answers": "nyy"}],
    ),
    wrt=(0, 1),
)
