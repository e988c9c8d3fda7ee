"""Ordinary differential equations: fixed and adaptive steppers, explicit, symplectic and implicit."""

import math
from collections import namedtuple
from math import cos, exp, sin

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)


def euler_cooling(k, T0, ambient=20.0):
    # Newton's law of cooling, as in a first course
    T = T0
    t = 0.0
    dt = 0.1
    temps = [T]
    while t < 2.0:
        dT = -k * (T - ambient)
        T = T + dT * dt
        temps.append(T)
        t = t + dt
    total = 0
    for temp in temps:
        total = total + temp
    return total / len(temps)


add(
    euler_cooling,
    "Euler steps in a while loop, a list of results averaged",
    (0.7, 90.0),
    wrt=(0, 1),
    peer=True,
)


def lotka_volterra(t, y, p):
    prey, pred = y
    return np.array([p[0] * prey - p[1] * prey * pred, -p[2] * pred + p[3] * prey * pred])


def rk4(f, y0, t0, t1, n, args=()):
    h = (t1 - t0) / n
    t, y = t0, y0
    ys = [y0]
    for i in range(n):
        k1 = f(t, y, *args)
        k2 = f(t + h / 2, y + h / 2 * k1, *args)
        k3 = f(t + h / 2, y + h / 2 * k2, *args)
        k4 = f(t + h, y + h * k3, *args)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t = t0 + (i + 1) * h
        ys.append(y)
    return np.stack(ys)


def rk4_fit_predator_prey(p, y0, data):
    traj = rk4(lotka_volterra, y0, 0.0, 2.0, 20, args=(p,))
    resid = np.log(traj[::5]) - np.log(data)
    return 0.5 * np.sum(resid**2)


add(
    rk4_fit_predator_prey,
    "a generic RK4 with a callback and *args, least squares on log data",
    (np.array([1.1, 0.4, 0.4, 0.1]), np.array([10.0, 5.0]), 5.0 + np.arange(10.0).reshape(5, 2)),
    wrt=(0, 1),
    peer=True,
)


DP_A = [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]
DP_E = [71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]


def adaptive_dormand_prince(mu, y0):
    """Van der Pol with step rejection; the step sizes follow the solution."""

    def f(y):
        return np.array([y[1], mu * (1.0 - y[0] ** 2) * y[1] - y[0]])

    t, y, h, t_end = 0.0, y0, 0.4, 1.0
    rejected = 0
    while t < t_end:
        h = min(h, t_end - t)
        ks = []
        for row in DP_A:
            yi = y
            for a, k in zip(row, ks):
                yi = yi + h * a * k
            ks.append(f(yi))
        err = 0.0
        for e, k in zip(DP_E, ks):
            err = err + e * h * k
        norm = np.sqrt(np.mean((err / (1e-5 + 1e-4 * np.abs(y))) ** 2))
        if norm <= 1.0:
            t = t + h
            y = yi
        else:
            rejected += 1
        h = h * min(5.0, max(0.2, 0.9 * norm**-0.2))
    return y[0] ** 2 + 0.3 * y[1]


add(
    adaptive_dormand_prince,
    "RK45 with an error estimate, accepted and rejected steps, a Butcher tableau at module level",
    (1.5, np.array([1.2, 0.3])),
    wrt=(0, 1),
    tolerance=1e-6,
    peer=True,
)


def leapfrog_kepler(pos, vel, gm=1.0, dt=0.05, n_steps=30):
    def acc(r):
        return -gm * r / np.linalg.norm(r) ** 3

    a = acc(pos)
    for _ in range(n_steps):
        vel = vel + 0.5 * dt * a
        pos = pos + dt * vel
        a = acc(pos)
        vel = vel + 0.5 * dt * a
    energy = 0.5 * vel @ vel - gm / np.linalg.norm(pos)
    return energy + pos[0] * vel[1] - pos[1] * vel[0]


add(
    leapfrog_kepler,
    "kick-drift-kick with a nested function",
    (np.array([1.0, 0.1]), np.array([0.05, 0.9])),
    wrt=(0, 1),
    peer=True,
)


def implicit_euler_newton(lam, y0, h=0.1, steps=8):
    """y' = -lam*(y - cos t) - y^3, each step solved by Newton's method to convergence."""
    y = y0
    t = 0.0
    for step in range(steps):
        t += h
        z = y
        for it in range(20):
            g = z - y - h * (-lam * (z - cos(t)) - z**3)
            dg = 1.0 + h * (lam + 3.0 * z**2)
            dz = g / dg
            z -= dz
            if abs(dz) < 1e-13:
                break
        y = z
    return y


add(
    implicit_euler_newton,
    "an implicit step with Newton to convergence inside, break",
    (12.0, 1.7),
    wrt=(0, 1),
    peer=True,
)


def trapezoidal_stiff_system(A, y0, h, n):
    eye = np.eye(len(y0))
    lhs = eye - 0.5 * h * A
    rhs = eye + 0.5 * h * A
    step = np.linalg.solve(lhs, rhs)
    y = y0
    out = np.empty((n + 1, len(y0)))
    out[0] = y
    for i in range(1, n + 1):
        y = step @ y
        out[i] = y
    return np.trapezoid((out**2).sum(axis=1), dx=h)


add(
    trapezoidal_stiff_system,
    "Crank-Nicolson for a linear system, a preallocated trajectory",
    (np.array([[-20.0, 1.0, 0.5], [0.3, -1.0, 0.2], [0.0, 0.4, -0.5]]), np.array([1.0, 2.0, -1.0]), 0.1, 6),
    wrt=(0, 1),
)


def adams_bashforth_history(rate, y0, n=20, h=0.1):
    """Second-order Adams-Bashforth keeping the derivatives in a list, started by one Euler step."""
    f = lambda t, y: -rate * y + sin(t)
    ys = [y0]
    fs = [f(0.0, y0)]
    ys.append(ys[-1] + h * fs[-1])
    for k in range(1, n):
        fs.append(f(k * h, ys[k]))
        ys.append(ys[-1] + h * (1.5 * fs[-1] - 0.5 * fs[-2]))
    return sum(y * y for y in ys) * h


add(
    adams_bashforth_history,
    "a multistep method on lists, negative indices, sum over a generator",
    (0.8, 1.3),
    wrt=(0, 1),
    peer=True,
)


State = namedtuple("State", "S E I R")


def deriv(s, beta, sigma, gamma):
    N = s.S + s.E + s.I + s.R
    infection = beta * s.S * s.I / N
    return State(S=-infection, E=infection - sigma * s.E, I=sigma * s.E - gamma * s.I, R=gamma * s.I)


def axpy(a, x, y):
    return State(*(a * xi + yi for xi, yi in zip(x, y)))


def midpoint_on_namedtuples(beta, sigma, gamma, days=15):
    s = State(990.0, 0.0, 10.0, 0.0)
    dt = 0.5
    peak = 0.0
    for _ in range(int(days / dt)):
        k1 = deriv(s, beta, sigma, gamma)
        mid = axpy(0.5 * dt, k1, s)
        k2 = deriv(mid, beta, sigma, gamma)
        s = axpy(dt, k2, s)
        if s.I > peak:
            peak = s.I
    return peak / 100.0 + s._replace(S=0.0).R / 1000.0


add(
    midpoint_on_namedtuples,
    "midpoint steps on a namedtuple made by a generator expression, a running maximum, _replace",
    (0.9, 0.4, 0.25),
    wrt=(0, 1, 2),
    peer=True,
)


class Pendulum:
    """The double pendulum, as a simulation class."""

    def __init__(self, m1, m2, l1, l2, g=9.81):
        self.m1, self.m2, self.l1, self.l2, self.g = m1, m2, l1, l2, g

    def derivatives(self, state):
        th1, w1, th2, w2 = state
        d = th1 - th2
        M = self.m1 + self.m2
        den = 2 * self.m1 + self.m2 - self.m2 * math.cos(2 * d)
        a1 = (
            -self.g * (2 * self.m1 + self.m2) * math.sin(th1)
            - self.m2 * self.g * math.sin(th1 - 2 * th2)
            - 2 * math.sin(d) * self.m2 * (w2**2 * self.l2 + w1**2 * self.l1 * math.cos(d))
        ) / (self.l1 * den)
        a2 = (
            2
            * math.sin(d)
            * (w1**2 * self.l1 * M + self.g * M * math.cos(th1) + w2**2 * self.l2 * self.m2 * math.cos(d))
        ) / (self.l2 * den)
        return [w1, a1, w2, a2]

    def step(self, state, dt):
        k = self.derivatives(state)
        mid = [s + 0.5 * dt * ki for s, ki in zip(state, k)]
        k = self.derivatives(mid)
        return [s + dt * ki for s, ki in zip(state, k)]


def double_pendulum_class(theta, m2, l2):
    p = Pendulum(1.0, m2, 1.0, l2)
    state = [theta, 0.0, 0.4, 0.1]
    for _ in range(25):
        state = p.step(state, 0.01)
    return math.sin(state[0]) + state[3] ** 2


add(
    double_pendulum_class,
    "a class with parameters set in __init__ and methods stepping a list",
    (0.8, 1.3, 0.7),
    wrt=(0, 1, 2),
    peer=True,
)


def rkf_with_event(v0, drag):
    """Height at which a thrown ball is when its speed has halved, found by a step cut to the event."""
    g = 9.81
    h, v, dt = 0.0, v0, 0.02
    target = 0.5 * v0
    while True:
        a = -g - drag * v * abs(v)
        v_next = v + dt * a
        if v_next < target:
            frac = (v - target) / (v - v_next)
            h = h + frac * dt * (v + target) / 2
            break
        h += dt * (v + v_next) / 2
        v = v_next
    return h


add(
    rkf_with_event,
    "while True with an event located inside the last step",
    (8.0, 0.05),
    wrt=(0, 1),
    peer=True,
)


def exponential_integrator(A, b, x0, n=6, h=0.2):
    """x' = A x + b by the truncated series of exp(hA), built by repeated products."""
    size = A.shape[0]
    term = np.eye(size)
    E = np.eye(size)
    P = np.zeros((size, size))
    for k in range(1, 9):
        P += term * (h / k)
        term = term @ A * (h / k)
        E += term
    x = x0
    for _ in range(n):
        x = E @ x + P @ b
    return x @ x


add(
    exponential_integrator,
    "a matrix exponential by its series, += on accumulators",
    (np.array([[-0.5, 1.0], [-1.0, -0.3]]), np.array([0.2, -0.1]), np.array([1.0, 0.5])),
    wrt=(0, 1, 2),
)


def delay_equation_buffer(a, tau_steps, x0):
    """Mackey-Glass with a ring buffer for the delayed value."""
    history = [x0] * tau_steps
    x = x0
    dt = 0.2
    total = 0.0
    for i in range(25):
        delayed = history[i % tau_steps]
        dx = a * delayed / (1.0 + delayed**4) - 0.1 * x
        history[i % tau_steps] = x
        x += dt * dx
        total += x * exp(-0.05 * i)
    return total


add(delay_equation_buffer, "a ring buffer in a list, written at i % n", (0.3, 5, 1.1), wrt=(0, 2), peer=True)


def simulate(rhs, y, *, dt, steps, callback=None):
    for n in range(steps):
        y = y + dt * rhs(n * dt, y)
        if callback is not None:
            callback(n, y)
    return y


def stepper_with_recording_callback(omega, zeta):
    record = []

    def rhs(t, y):
        return np.array([y[1], -(omega**2) * y[0] - 2 * zeta * omega * y[1] + np.sin(t)])

    def keep(n, y):
        if n % 4 == 0:
            record.append(y[0])

    simulate(rhs, np.array([1.0, 0.0]), dt=0.05, steps=24, callback=keep)
    return np.mean(np.array(record) ** 2)


add(
    stepper_with_recording_callback,
    "a keyword-only solver that calls back into a closure which appends",
    (2.0, 0.1),
    wrt=(0, 1),
    peer=True,
)


def richardson_extrapolated_midpoint(k, y0):
    """Gragg-Bulirsch-Stoer: a tableau of ever finer runs."""

    def run(n):
        h = 1.0 / n
        z0, z1 = y0, y0 + h * (-k * y0 * y0)
        for _ in range(n - 1):
            z0, z1 = z1, z0 + 2 * h * (-k * z1 * z1)
        return 0.5 * (z0 + z1 + h * (-k * z1 * z1))

    T = []
    for i, n in enumerate([2, 4, 6, 8]):
        row = [run(n)]
        for j in range(i):
            ratio = (n / [2, 4, 6, 8][i - j - 1]) ** 2
            row.append(row[j] + (row[j] - T[i - 1][j]) / (ratio - 1))
        T.append(row)
    return T[-1][-1]


add(
    richardson_extrapolated_midpoint,
    "a triangular tableau as a list of lists",
    (0.7, 1.4),
    wrt=(0, 1),
    peer=True,
)
