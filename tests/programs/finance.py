"""Finance: option pricing in closed form, by trees and by simulation; bonds, curves, credit, portfolios."""

import math
from collections import OrderedDict, namedtuple
from functools import partial, reduce

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(32)


def norm_cdf(x):
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def black_scholes_call_put(S, K, T, r, sigma):
    d1 = (math.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * math.sqrt(T))
    d2 = d1 - sigma * math.sqrt(T)
    call = S * norm_cdf(d1) - K * math.exp(-r * T) * norm_cdf(d2)
    put = K * math.exp(-r * T) * norm_cdf(-d2) - S * norm_cdf(-d1)
    return call + 0.5 * put


add(
    black_scholes_call_put,
    "closed form with math.erf: all the Greeks",
    (100.0, 95.0, 0.5, 0.03, 0.25),
    wrt=(0, 1, 2, 3, 4),
)


def implied_vol_newton(price, S, K, T, r):
    """Implied volatility by Newton on a price function that knows its vega."""

    def price_and_vega(sigma):
        sq = sigma * math.sqrt(T)
        d1 = (math.log(S / K) + (r + 0.5 * sigma**2) * T) / sq
        d2 = d1 - sq
        value = S * norm_cdf(d1) - K * math.exp(-r * T) * norm_cdf(d2)
        vega = S * math.exp(-0.5 * d1**2) / math.sqrt(2 * math.pi) * math.sqrt(T)
        return value, vega

    sigma = 0.3
    for _ in range(50):
        value, vega = price_and_vega(sigma)
        diff = value - price
        sigma = sigma - diff / vega
        if abs(diff) < 1e-12:
            break
    return sigma


add(
    implied_vol_newton,
    "an inner function returning a pair, Newton until the price is met",
    (10.0, 100.0, 98.0, 0.5, 0.02),
    wrt=(0, 1, 4),
)


def binomial_crr_american_soft(S0, K, r, sigma, T=1.0, n=12, width=0.5):
    """Cox-Ross-Rubinstein with the right of early exercise softened."""
    dt = T / n
    u = np.exp(sigma * np.sqrt(dt))
    d = 1.0 / u
    p = (np.exp(r * dt) - d) / (u - d)
    disc = np.exp(-r * dt)
    j = np.arange(n + 1)
    ST = S0 * u ** (n - j) * d**j
    V = width * np.logaddexp(0.0, (K - ST) / width)
    for i in range(n - 1, -1, -1):
        cont = disc * (p * V[:-1] + (1 - p) * V[1:])
        S = S0 * u ** (i - np.arange(i + 1)) * d ** np.arange(i + 1)
        V = width * np.logaddexp(cont / width, (K - S) / width)
    return V[0]


add(
    binomial_crr_american_soft,
    "a binomial tree whose array shrinks by one each step",
    (100.0, 105.0, 0.03, 0.2),
    wrt=(0, 1, 2, 3),
    peer=True,
)


def binomial_tree_lists(S, K, r, sigma):
    """European option, the tree as a list of lists, as in an exam."""
    n = 4
    dt = 0.25
    u = math.exp(sigma * math.sqrt(dt))
    d = 1 / u
    q = (math.exp(r * dt) - d) / (u - d)
    levels = []
    for i in range(n + 1):
        levels.append([S * u ** (i - j) * d**j for j in range(i + 1)])
    values = [max(s - K, 0.0) for s in levels[-1]]
    for i in reversed(range(n)):
        values = [math.exp(-r * dt) * (q * values[j] + (1 - q) * values[j + 1]) for j in range(i + 1)]
    return values[0]


add(
    binomial_tree_lists,
    "a tree as a list of comprehensions over the level below",
    (100.0, 97.0, 0.02, 0.3),
    wrt=(0, 1, 2, 3),
    peer=True,
)


def trinomial_barrier(S, sigma, r, barrier=80.0):
    K, n, dt = 100.0, 10, 0.05
    dx = sigma * math.sqrt(3 * dt)
    nu = r - 0.5 * sigma**2
    pu = 0.5 * ((sigma**2 * dt + nu**2 * dt**2) / dx**2 + nu * dt / dx)
    pd = 0.5 * ((sigma**2 * dt + nu**2 * dt**2) / dx**2 - nu * dt / dx)
    pm = 1.0 - pu - pd
    V = {}
    for j in range(-n, n + 1):
        V[j] = max(S * math.exp(j * dx) - K, 0.0)
    for i in range(n - 1, -1, -1):
        new = {}
        for j in range(-i, i + 1):
            s = S * math.exp(j * dx)
            value = math.exp(-r * dt) * (pu * V[j + 1] + pm * V[j] + pd * V[j - 1])
            new[j] = value if s > barrier else 0.0
        V = new
    return V[0]


add(
    trinomial_barrier,
    "a dict with integer keys, negative too, replaced at each level",
    (101.0, 0.3, 0.02),
    wrt=(0, 1, 2),
    peer=True,
)


def monte_carlo_asian(S0, sigma, r, Z):
    """Arithmetic Asian call on fixed draws with antithetic paths and a control variate."""
    n_paths, n_steps = Z.shape
    dt = 1.0 / n_steps
    Z = np.vstack([Z, -Z])
    log_paths = np.cumsum((r - 0.5 * sigma**2) * dt + sigma * np.sqrt(dt) * Z, axis=1)
    paths = S0 * np.exp(log_paths)
    arith = np.maximum(paths.mean(axis=1) - 100.0, 0.0)
    geo = np.maximum(np.exp(np.log(paths).mean(axis=1)) - 100.0, 0.0)
    beta = np.cov(arith, geo)[0, 1] / geo.var()
    return np.exp(-r) * (arith.mean() - beta * (geo.mean() - 3.0))


add(
    monte_carlo_asian,
    "cumsum over paths, antithetic draws, a control variate by np.cov",
    (100.0, 0.25, 0.02, rng.normal(size=(6, 5))),
    wrt=(0, 1, 2),
    peer=True,
)


def heston_euler(params, dW1, dW2):
    kappa, theta, xi, rho, v0 = (params[name] for name in ("kappa", "theta", "xi", "rho", "v0"))
    S = np.full(dW1.shape[0], 100.0)
    v = np.full(dW1.shape[0], v0)
    dt = 0.1
    for t in range(dW1.shape[1]):
        w2 = rho * dW1[:, t] + np.sqrt(1 - rho**2) * dW2[:, t]
        vp = np.maximum(v, 1e-3)
        S = S * np.exp(-0.5 * vp * dt + np.sqrt(vp * dt) * dW1[:, t])
        v = v + kappa * (theta - vp) * dt + xi * np.sqrt(vp * dt) * w2
    return np.mean(np.maximum(S - 95.0, 0.0))


add(
    heston_euler,
    "parameters taken out of a dict by a generator over its names",
    (
        {"kappa": 1.5, "theta": 0.04, "xi": 0.3, "rho": -0.6, "v0": 0.05},
        rng.normal(size=(6, 4)),
        rng.normal(size=(6, 4)),
    ),
    peer=True,
)


Bond = namedtuple("Bond", ["coupon", "maturity", "price"])


def bond_yield(bond, freq=2):
    y = 0.05
    for _ in range(20):
        pv = dpv = 0.0
        n = int(bond.maturity * freq)
        for k in range(1, n + 1):
            cash = bond.coupon / freq + (100.0 if k == n else 0.0)
            df = (1 + y / freq) ** -k
            pv += cash * df
            dpv -= k / freq * cash * df / (1 + y / freq)
        step = (pv - bond.price) / dpv
        y -= step
        if abs(step) < 1e-14:
            return y
    raise ArithmeticError("no convergence")


def bond_portfolio_duration(prices):
    bonds = [Bond(4.0, 2, prices[0]), Bond(5.0, 3, prices[1]), Bond(3.0, 1, prices[2])]
    total = sum(b.price for b in bonds)
    return sum(b.price / total * b.maturity * bond_yield(b) for b in bonds)


add(
    bond_portfolio_duration,
    "namedtuples in a list, a solver that returns or raises, conditional cash flows",
    (np.array([99.0, 101.5, 98.7]),),
)


def bootstrap_yield_curve(swap_rates):
    """Discount factors one after the other, then a forward rate off the curve."""
    dfs = []
    for rate in swap_rates:
        annuity = sum(dfs)
        dfs.append((1 - rate * annuity) / (1 + rate))
    zeros = [-math.log(df) / (i + 1) for i, df in enumerate(dfs)]
    t = 2.4
    lo = int(t)
    w = t - lo
    z = (1 - w) * zeros[lo - 1] + w * zeros[lo]
    return z * t + dfs[-1]


add(
    bootstrap_yield_curve,
    "a list summed while it grows, an index from int(t)",
    ([0.02, 0.023, 0.026, 0.028],),
    peer=True,
)


def nelson_siegel_fit(theta, tenors, yields):
    b0, b1, b2, tau = theta
    model = lambda t: (
        b0
        + b1 * (1 - np.exp(-t / tau)) / (t / tau)
        + b2 * ((1 - np.exp(-t / tau)) / (t / tau) - np.exp(-t / tau))
    )
    errors = [model(t) - y for t, y in zip(tenors, yields)]
    return math.fsum(e**2 for e in errors) * 1e4


add(
    nelson_siegel_fit,
    "a lambda over several lines, math.fsum of a generator",
    ([0.04, -0.02, 0.01, 1.8], [0.5, 1.0, 2.0, 5.0, 10.0], [0.022, 0.025, 0.031, 0.035, 0.038]),
    wrt=(0, 2),
)


def cds_hazard_piecewise(hazards, recovery):
    """Spread of a credit default swap under a piecewise constant hazard rate."""
    grid = OrderedDict([(1.0, 0.01), (3.0, 0.015), (5.0, 0.02)])
    survival, t_prev = 1.0, 0.0
    protection, premium = 0.0, 0.0
    for (t, r), h in zip(grid.items(), hazards):
        dt = t - t_prev
        s_new = survival * math.exp(-h * dt)
        df = math.exp(-r * t)
        protection += (1 - recovery) * df * (survival - s_new)
        premium += df * dt * 0.5 * (survival + s_new)
        survival, t_prev = s_new, t
    return protection / premium * 1e4


add(
    cds_hazard_piecewise,
    "an OrderedDict of floats walked by items(), zipped with a list",
    ([0.01, 0.015, 0.03], 0.4),
    wrt=(0, 1),
    peer=True,
)


def portfolio_mean_variance(w, mu, cov, risk_aversion=3.0):
    w = np.exp(w) / np.exp(w).sum()
    ret = w @ mu
    var = w @ cov @ w
    contributions = w * (cov @ w) / np.sqrt(var)
    entropy = -np.sum(w * np.log(w))
    return ret - 0.5 * risk_aversion * var - 0.1 * np.std(contributions) + 0.01 * entropy


C = rng.normal(size=(4, 4))
add(
    portfolio_mean_variance,
    "soft-max weights, risk contributions",
    (rng.normal(size=4), 0.1 * rng.random(4), 0.01 * (C @ C.T + np.eye(4))),
    wrt=(0, 1, 2),
    peer=True,
)


def discount(rate, flow):
    t, amount = flow
    return amount / (1 + rate) ** t


def npv_functional(rate, flows):
    """Net present value and its log by map, partial and reduce."""
    pv = reduce(lambda acc, v: acc + v, map(partial(discount, rate), flows), 0.0)
    return pv + math.log(1 + rate)


add(
    npv_functional,
    "reduce over map over partial",
    (0.07, [(0.0, -100.0), (1.0, 40.0), (2.0, 45.0), (3.0, 50.0)]),
    wrt=(0, 1),
    peer=True,
)


def longstaff_schwartz_regression(S0, sigma, Z):
    """American put by least-squares Monte Carlo, with a smooth exercise weight."""
    n, m = Z.shape
    dt, r, K = 0.25, 0.03, 100.0
    S = [np.full(n, 1.0) * S0]
    for t in range(m):
        S.append(S[-1] * np.exp((r - 0.5 * sigma**2) * dt + sigma * math.sqrt(dt) * Z[:, t]))
    payoff = np.logaddexp(0.0, K - S[-1])
    for t in range(m - 1, 0, -1):
        payoff = payoff * math.exp(-r * dt)
        x = S[t] / K
        X = np.column_stack([np.ones(n), x, x**2])
        coef = np.linalg.solve(X.T @ X + 1e-3 * np.eye(3), X.T @ payoff)
        cont = X @ coef
        now = np.logaddexp(0.0, K - S[t])
        weight = 1.0 / (1.0 + np.exp(-(now - cont)))
        payoff = weight * now + (1 - weight) * payoff
    return math.exp(-r * dt) * payoff.mean()


add(
    longstaff_schwartz_regression,
    "regression inside a backward loop over a list of arrays",
    (100.0, 0.2, rng.normal(size=(8, 4))),
    wrt=(0, 1),
)
