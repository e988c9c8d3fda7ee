"""Epidemics, chemistry, ecology, astronomy, climate, materials: models as scientists write them."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from programs.program import Program, adder, tree

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(62)

R_GAS = 8.314
T_REF = 298.15


def sir_interventions_dict(beta0, gamma, policies):
    """Policies in a dict by day; the contact rate drops when one begins."""
    S, I, R = 0.99, 0.01, 0.0
    beta = beta0
    total = 0.0
    schedule = {10: "mask", 20: "lockdown", 30: "reopen"}
    for day in range(40):
        if day in schedule:
            beta = beta0 * policies[schedule[day]]
        new = beta * S * I
        rec = gamma * I
        S, I, R = S - new, I + new - rec, R + rec
        total += I
    return total + R


add(
    sir_interventions_dict,
    "membership in a dict of days by a run-time integer, then a lookup by string",
    (0.35, 0.1, {"mask": 0.7, "lockdown": 0.3, "reopen": 0.9}),
    wrt=(0, 1, 2),
    peer=True,
)


def seir_age_structured(contact, susceptibility, days=10):
    """Compartments as rows of one array, updated by unpacking views."""
    state = np.zeros((4, 3))
    state[0] = np.array([0.5, 0.3, 0.2]) - 1e-3
    state[2] = 1e-3
    for _ in range(days):
        S, E, I, R = state
        force = susceptibility * (contact @ I)
        dS = -force * S
        dE = force * S - 0.3 * E
        dI = 0.3 * E - 0.2 * I
        state = state + np.array([dS, dE, dI, 0.2 * I])
    return 100 * state[3].sum() + state[2].max()


add(
    seir_age_structured,
    "rows of an array unpacked to names, stacked again",
    (0.5 + rng.random((3, 3)), np.array([0.8, 1.0, 1.2])),
    wrt=(0, 1),
)


REACTIONS = [
    {"rate": "k1", "in": {"A": 1, "B": 1}, "out": {"C": 1}},
    {"rate": "k2", "in": {"C": 1}, "out": {"A": 1, "B": 1}},
    {"rate": "k3", "in": {"C": 2}, "out": {"D": 1}},
]


def mass_action_network(k, steps=15):
    """Stoichiometry in a list of dicts at module level, concentrations in a dict."""
    conc = {"A": 1.0, "B": 0.8, "C": 0.0, "D": 0.0}
    dt = 0.05
    for _ in range(steps):
        change = {s: 0.0 for s in conc}
        for rxn in REACTIONS:
            v = k[rxn["rate"]]
            for species, order in rxn["in"].items():
                v *= conc[species] ** order
            for species, n in rxn["in"].items():
                change[species] -= n * v
            for species, n in rxn["out"].items():
                change[species] += n * v
        conc = {s: c + dt * change[s] for s, c in conc.items()}
    return conc["D"] + 0.1 * conc["A"]


add(
    mass_action_network,
    "a reaction network read from a list of dicts, concentrations in a dict rebuilt each step",
    ({"k1": 1.5, "k2": 0.4, "k3": 2.0},),
    peer=True,
)


def michaelis_menten_fit(vmax, km, data):
    """Lambert-free: product formed by stepping, compared with measurements."""
    sse = 0.0
    for s0, times, measured in data:
        s = s0
        t = 0.0
        for t_obs, p_obs in zip(times, measured):
            while t < t_obs - 1e-9:
                s -= 0.1 * vmax * s / (km + s)
                t += 0.1
            sse += (s0 - s - p_obs) ** 2
    return sse


add(
    michaelis_menten_fit,
    "nested data: tuples of a number and two lists; time stepped to each observation",
    (1.2, 0.8, [(2.0, [0.5, 1.0], [0.4, 0.75]), (1.0, [0.3, 0.9], [0.2, 0.45])]),
    wrt=(0, 1),
    peer=True,
)


def arrhenius_reactor_temperature(Ea, logA, T0):
    """An exothermic batch reactor with cooling."""
    c, T = 1.0, T0
    hist = []
    for _ in range(40):
        k = math.exp(logA - Ea / (R_GAS * T))
        r = k * c
        c += -0.5 * r
        T += 0.5 * (80.0 * r - 0.02 * (T - T_REF))
        hist.append((c, T))
    conv = 1 - hist[-1][0]
    return conv + max(h[1] for h in hist) / 1000.0


add(
    arrhenius_reactor_temperature,
    "module constants, a list of pairs, the maximum over a generator",
    (5.0e4, 17.0, 320.0),
    wrt=(0, 1, 2),
    tolerance=1e-6,
    no_order2="differences in Ea, 5e4, have no digits left",
)


def ph_equilibrium_newton(conc, pka_list):
    """Charge balance of a polyprotic acid by Newton on log10 of [H+], numerical slope."""
    Ka = [10 ** (-p) for p in pka_list]

    def charge(ph):
        h = 10**-ph
        terms = [1.0]
        for ka in Ka:
            terms.append(terms[-1] * ka / h)
        denom = sum(terms)
        anions = sum(i * t for i, t in enumerate(terms)) / denom * conc
        return h - 1e-14 / h - anions + 0.05

    ph = 6.0
    for _ in range(60):
        f = charge(ph)
        slope = (charge(ph + 1e-4) - charge(ph - 1e-4)) / 2e-4
        step = f / slope
        step = max(-0.5, min(0.5, step))
        ph -= step
        if abs(step) < 1e-11:
            break
    return ph


add(
    ph_equilibrium_newton,
    "powers of ten, enumerate in a generator, a limited Newton step with a numerical slope",
    (0.08, [2.1, 7.2, 12.4]),
    wrt=(0, 1),
    tolerance=1e-5,
    no_order2="the slope by differences is no derivative",
)


def lotka_volterra_food_web(growth, interactions):
    """Species in a dict of names to densities, interactions keyed by pairs of names."""
    names = ["grass", "rabbit", "fox"]
    x = {"grass": 1.0, "rabbit": 0.5, "fox": 0.2}
    for _ in range(12):
        rate = {}
        for a in names:
            r = growth[a]
            for b in names:
                r += interactions.get((a, b), 0.0) * x[b]
            rate[a] = r
        for a in names:
            x[a] *= math.exp(0.1 * rate[a])
    return sum(x.values()) + x["fox"] ** 2


add(
    lotka_volterra_food_web,
    "a dict keyed by pairs with .get and a default, values multiplied in place",
    (
        {"grass": 0.8, "rabbit": -0.2, "fox": -0.3},
        {
            ("grass", "grass"): -0.5,
            ("grass", "rabbit"): -0.6,
            ("rabbit", "grass"): 0.4,
            ("rabbit", "fox"): -0.7,
            ("fox", "rabbit"): 0.5,
        },
    ),
    wrt=(0,),
    peer=True,
)


def kepler_light_curve(e, incl, times):
    """Radial velocities: Kepler's equation by Newton for each time."""

    def eccentric_anomaly(M):
        E = M + e * math.sin(M)
        while True:
            delta = (E - e * math.sin(E) - M) / (1 - e * math.cos(E))
            E -= delta
            if abs(delta) < 1e-13:
                return E

    signal = 0.0
    for t in times:
        M = 2 * math.pi * t % (2 * math.pi)
        E = eccentric_anomaly(M)
        nu = 2 * math.atan2(math.sqrt(1 + e) * math.sin(E / 2), math.sqrt(1 - e) * math.cos(E / 2))
        rv = math.sin(incl) * (math.cos(nu + 0.3) + e * math.cos(0.3))
        signal += rv**2 + 0.1 * rv
    return signal


add(
    kepler_light_curve,
    "an inner function that returns from while True, atan2 and % of a time",
    (0.3, 1.1, [0.1, 0.37, 0.62, 1.85]),
    wrt=(0, 1, 2),
    peer=True,
)


def transit_depth_limb_darkening(rp, u1, u2, impact):
    """Flux blocked by a planet, integrated over rings, with a soft edge."""
    flux = 0.0
    norm = 0.0
    for i in range(12):
        r = (i + 0.5) / 12
        mu = math.sqrt(1 - r * r)
        intensity = 1 - u1 * (1 - mu) - u2 * (1 - mu) ** 2
        covered = 0.0
        for j in range(8):
            phi = 2 * math.pi * (j + 0.5) / 8
            d2 = (r * math.cos(phi) - impact) ** 2 + (r * math.sin(phi)) ** 2
            covered += 1.0 / (1.0 + math.exp((math.sqrt(d2) - rp) / 0.02)) / 8
        flux += intensity * r * (1 - covered)
        norm += intensity * r
    return flux / norm


add(
    transit_depth_limb_darkening,
    "a double quadrature with a soft disc",
    (0.2, 0.4, 0.25, 0.3),
    wrt=(0, 1, 2, 3),
    peer=True,
)


def three_body_restricted_jacobi(state, mu):
    """The rotating frame; the drift of the Jacobi constant."""
    from math import sqrt

    def omega(x, y):
        r1 = sqrt((x + mu) ** 2 + y**2)
        r2 = sqrt((x - 1 + mu) ** 2 + y**2)
        return 0.5 * (x * x + y * y) + (1 - mu) / r1 + mu / r2

    def rhs(x, y, vx, vy):
        r1 = (x + mu) ** 2 + y**2
        r2 = (x - 1 + mu) ** 2 + y**2
        ax = 2 * vy + x - (1 - mu) * (x + mu) / r1**1.5 - mu * (x - 1 + mu) / r2**1.5
        ay = -2 * vx + y - (1 - mu) * y / r1**1.5 - mu * y / r2**1.5
        return vx, vy, ax, ay

    h = 0.02
    s = tuple(state)
    for _ in range(8):
        k1 = rhs(*s)
        k2 = rhs(*(a + h / 2 * b for a, b in zip(s, k1)))
        s = tuple(a + h * b for a, b in zip(s, k2))
    x, y, vx, vy = s
    return 2 * omega(x, y) - vx**2 - vy**2


add(
    three_body_restricted_jacobi,
    "an import inside, generators as starred arguments, tuples made of generators",
    ([0.6, 0.1, 0.2, 0.7], 0.012),
    wrt=(0, 1),
)


@tree
@dataclass
class Climate:
    albedo_ice: float = 0.62
    albedo_land: float = 0.30
    emissivity: float = 0.61
    transport: float = 3.8

    def albedo(self, T):
        return self.albedo_land + (self.albedo_ice - self.albedo_land) / (1 + math.exp((T - 265.0) / 2.0))


def energy_balance_zonal(climate):
    """A Budyko model: zones exchange heat, ice feeds back."""
    sun = [1.21, 1.14, 0.99, 0.76, 0.51]
    T = [300.0, 295.0, 283.0, 268.0, 255.0]
    sigma = 5.67e-8
    for _ in range(15):
        mean = sum(T) / len(T)
        T = [
            t
            + 0.05
            * (
                342.0 * s * (1 - climate.albedo(t))
                - climate.emissivity * sigma * t**4
                - climate.transport * (t - mean)
            )
            for t, s in zip(T, sun)
        ]
    return sum(T) / len(T) / 100.0


add(energy_balance_zonal, "a dataclass argument with defaults and a method", (Climate(),), peer=True)


def ising_mean_field_free_energy(J, h, beta):
    """Fixed-point magnetisation of a ring, then its free energy."""
    n = len(h)
    m = [0.1] * n
    for _ in range(60):
        m = [math.tanh(beta * (J * (m[i - 1] + m[(i + 1) % n]) + h[i])) for i in range(n)]
    energy = sum(-J * m[i] * m[(i + 1) % n] - h[i] * m[i] for i in range(n))
    entropy = 0.0
    for mi in m:
        for p in ((1 + mi) / 2, (1 - mi) / 2):
            entropy -= p * math.log(p)
    return energy - entropy / beta


add(
    ising_mean_field_free_energy,
    "a comprehension with wrap-around indices iterated to a fixed point",
    (0.4, [0.3, -0.1, 0.2, 0.5], 0.9),
    wrt=(0, 1, 2),
    peer=True,
)


def lennard_jones_cell_list(pos, epsilon, box=3.0, cutoff=1.4):
    """Pair energy with periodic boundaries; pairs found through cells in a dict."""
    cells = {}
    n_cells = 2
    for i in range(len(pos)):
        key = tuple((pos[i] / box * n_cells).astype(int) % n_cells)
        cells.setdefault(key, []).append(i)
    energy = 0.0
    seen = set()
    for (cx, cy), members in cells.items():
        for dx in (0, 1):
            for dy in (0, 1):
                for j in cells.get(((cx + dx) % n_cells, (cy + dy) % n_cells), []):
                    for i in members:
                        pair = (min(i, j), max(i, j))
                        if i == j or pair in seen:
                            continue
                        seen.add(pair)
                        d = pos[i] - pos[j]
                        d = d - box * np.round(d / box)
                        r2 = d @ d
                        if r2 < cutoff**2:
                            s6 = 1.0 / r2**3
                            energy += 4 * epsilon * (s6**2 - s6)
    return energy


add(
    lennard_jones_cell_list,
    "cells in a dict keyed by tuples of integers from positions, a set of pairs seen",
    (np.array([[0.3, 0.4], [1.4, 0.5], [0.5, 1.6], [2.6, 2.4], [1.7, 1.5]]), 0.8),
    wrt=(0, 1),
)


def elastic_plastic_return_mapping(E, sigma_y, H, strains):
    """One-dimensional plasticity with hardening; the branch is the yield test."""
    ep, alpha = 0.0, 0.0
    work, last, stress = 0.0, 0.0, 0.0
    for eps in strains:
        trial = E * (eps - ep)
        f = abs(trial) - (sigma_y + H * alpha)
        if f <= 0:
            stress = trial
        else:
            dg = f / (E + H)
            s = 1.0 if trial > 0 else -1.0
            stress = trial - dg * E * s
            ep += dg * s
            alpha += dg
        work += stress * (eps - last)
        last = eps
    return work + alpha


add(
    elastic_plastic_return_mapping,
    "a return mapping with a branch per step, state across branches",
    (200.0, 1.0, 20.0, [0.003, 0.006, 0.009, 0.004, -0.004, -0.008]),
    wrt=(0, 1, 2, 3),
    peer=True,
)


def hill(x, k, n=2.0):
    return x**n / (k**n + x**n)


def repressilator_partial(alpha, k, steps=25):
    """Three genes in a ring, each repressing the next: functions made by partial."""
    response = partial(hill, k=k, n=2.5)
    p = [1.0, 0.3, 0.1]
    for _ in range(steps):
        p = [pi + 0.1 * (alpha * (1 - response(p[i - 1])) - pi) for i, pi in enumerate(p)]
    return p[0] * p[1] + p[2]


add(
    repressilator_partial,
    "functools.partial with keywords, p[i - 1] around a ring",
    (3.0, 0.8),
    wrt=(0, 1),
    peer=True,
)
