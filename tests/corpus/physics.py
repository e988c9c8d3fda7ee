"""Simulation: integrators, diffusion, orbits, iterations to a root."""

import math

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(11)


def leapfrog_pendulum(theta, omega, dt, steps):
    for _ in range(steps):
        omega = omega - 0.5 * dt * math.sin(theta)
        theta = theta + dt * omega
        omega = omega - 0.5 * dt * math.sin(theta)
    return 0.5 * omega**2 - math.cos(theta)


def euler_decay(y0, rate, dt, steps):
    y = y0
    for _ in range(steps):
        y += dt * (-rate * y)
    return y


def kepler_orbit(x, y, vx, vy, h):
    for _ in range(20):
        r = math.sqrt(x * x + y * y)
        vx -= 0.5 * h * x / r**3
        vy -= 0.5 * h * y / r**3
        x += h * vx
        y += h * vy
        r = math.sqrt(x * x + y * y)
        vx -= 0.5 * h * x / r**3
        vy -= 0.5 * h * y / r**3
    return x * vx + y


def springs_kicked(x, v, k, h):
    def force(x):
        return -k * np.sin(x)

    for _ in range(8):
        v = v + 0.5 * h * force(x)
        x = x + h * v
        v = v + 0.5 * h * force(x)
    return np.sum(x * x) + np.sum(v)


def springs_by_hand(x, v, k, h):
    a = -k * np.sin(x) * 0.5 * h
    for _ in range(8):
        v = v + a
        x = x + h * v
        a = -k * np.sin(x) * 0.5 * h
        v = v + a
    return np.sum(x * x) + np.sum(v)


def damped_until(x, tol):
    while abs(math.tanh(x)) > tol:
        x = x - 0.3 * math.tanh(x)
        y = 0.2 * math.tanh(x)
        x = x - y * 0.5 * x
    return x


def lotka_volterra(state, a, b):
    x, y = state
    return a * x - b * x * y, b * x * y - y


def rk4_step(state, a, b, h):
    x, y = state
    k1x, k1y = lotka_volterra((x, y), a, b)
    k2x, k2y = lotka_volterra((x + 0.5 * h * k1x, y + 0.5 * h * k1y), a, b)
    k3x, k3y = lotka_volterra((x + 0.5 * h * k2x, y + 0.5 * h * k2y), a, b)
    k4x, k4y = lotka_volterra((x + h * k3x, y + h * k3y), a, b)
    x = x + h / 6.0 * (k1x + 2.0 * k2x + 2.0 * k3x + k4x)
    y = y + h / 6.0 * (k1y + 2.0 * k2y + 2.0 * k3y + k4y)
    return x, y


def rk4_predator(a, b, h, steps):
    state = (1.0, 0.5)
    for _ in range(steps):
        state = rk4_step(state, a, b, h)
    return state[0] * state[1]


def rk4_vector(A, y0, h, steps):
    f = lambda y: np.tanh(A @ y)
    y = y0
    for _ in range(steps):
        k1 = f(y)
        k2 = f(y + 0.5 * h * k1)
        k3 = f(y + 0.5 * h * k2)
        k4 = f(y + h * k3)
        y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return y @ y


def heat_1d(u, alpha, steps):
    u = u.copy()
    for _ in range(steps):
        u[1:-1] = u[1:-1] + alpha * (u[2:] - 2.0 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def heat_loops(u, alpha, steps):
    n = len(u)
    for _ in range(steps):
        new = np.zeros(n)
        new[0] = u[0]
        new[n - 1] = u[n - 1]
        for i in range(1, n - 1):
            new[i] = u[i] + alpha[i] * (u[i + 1] - 2.0 * u[i] + u[i - 1])
        u = new
    return u @ u


def heat_2d(u, k, steps):
    for _ in range(steps):
        lap = (
            np.roll(u, 1, axis=0)
            + np.roll(u, -1, axis=0)
            + np.roll(u, 1, axis=1)
            + np.roll(u, -1, axis=1)
            - 4.0 * u
        )
        u = u + k * lap * u
    return np.sum(u * u)


def burgers(u, nu, dt, steps):
    for _ in range(steps):
        ux = 0.5 * (np.roll(u, -1) - np.roll(u, 1))
        uxx = np.roll(u, -1) - 2.0 * u + np.roll(u, 1)
        u = u + dt * (nu * uxx - u * ux)
    return np.mean(u**2)


def n_body_energy(positions, masses):
    energy = 0.0
    n = len(masses)
    for i in range(n):
        for j in range(i + 1, n):
            r = np.sqrt(np.sum((positions[i] - positions[j]) ** 2) + 0.01)
            energy -= masses[i] * masses[j] / r
    return energy


def n_body_steps(x, v, m, dt, steps):
    for _ in range(steps):
        a = np.zeros_like(x)
        for i in range(len(m)):
            for j in range(len(m)):
                if i != j:
                    d = x[j] - x[i]
                    a[i] += m[j] * d / (d @ d + 0.05) ** 1.5
        v = v + dt * a
        x = x + dt * v
    return np.sum(x * x) + np.sum(v * v)


def n_body_broadcast(x, m):
    d = x[:, None, :] - x[None, :, :]
    r2 = np.sum(d * d, axis=-1) + 0.05
    a = np.sum(m[None, :, None] * d / r2[:, :, None] ** 1.5, axis=1)
    return np.sum(a**2)


def kepler(mean, ecc):
    E = mean
    for _ in range(20):
        step = (E - ecc * math.sin(E) - mean) / (1.0 - ecc * math.cos(E))
        E = E - step
        if abs(step) < 1e-12:
            break
    return math.cos(E) - ecc + math.sqrt(1.0 - ecc * ecc) * math.sin(E)


def bouncing_ball(height, restitution, dt, steps):
    y, v = height, 0.0
    for _ in range(steps):
        v -= 9.81 * dt
        y += v * dt
        if y < 0.0:
            y = -restitution * y
            v = -restitution * v
    return y + 0.1 * v


def lennard_jones(x, epsilon, sigma):
    e = 0.0
    for i in range(1, len(x)):
        for j in range(i):
            r = abs(x[i] - x[j])
            s6 = (sigma / r) ** 6
            e += 4.0 * epsilon * (s6 * s6 - s6)
    return e


def spring_chain(x, k, rest):
    stretch = np.diff(x) - rest
    return 0.5 * k * np.sum(stretch**2) + 9.81 * 0.01 * np.sum(x)


def arm(angles, lengths):
    x = y = a = 0.0
    for theta, length in zip(angles, lengths):
        a += theta
        x += length * math.cos(a)
        y += length * math.sin(a)
    return (x - 1.0) ** 2 + (y - 0.5) ** 2


def drag_until_ground(vx, vy, c):
    x, y, t = 0.0, 0.0, 0
    dt = 0.05
    while y >= 0.0 and t < 200:
        speed = math.hypot(vx, vy)
        vx = vx - dt * c * speed * vx
        vy = vy - dt * (9.81 + c * speed * vy)
        x, y = x + dt * vx, y + dt * vy
        t += 1
    return x + y


def ising_mean_field(beta, field):
    m = 0.5
    for _ in range(60):
        m = math.tanh(beta * (m + field))
    return m


def advection_upwind(u, speed, steps):
    for _ in range(steps):
        new = np.empty_like(u)
        new[0] = u[0]
        if speed > 0.0:
            new[1:] = u[1:] - speed * (u[1:] - u[:-1])
        else:
            new[1:] = u[1:]
        u = new
    return np.sum(u**2) + u[-1]


def resistor_ladder(r, load):
    total = load
    for k in reversed(range(len(r))):
        if k % 2 == 0:
            total = total + r[k]
        else:
            total = 1.0 / (1.0 / total + 1.0 / r[k])
    return total


def shallow_water(h, u, dt, steps):
    for _ in range(steps):
        flux = 0.5 * (h[1:] + h[:-1]) * u[1:-1]
        h = h.copy()
        h[:-1] -= dt * flux
        h[1:] += dt * flux
        u = u.copy()
        u[1:-1] -= dt * 9.81 * (h[1:] - h[:-1])
    return np.sum(h * h) + np.sum(u * u)


def monte_carlo_option(spot, sigma, normals):
    payoff = 0.0
    for path in normals:
        s = spot
        for z in path:
            s = s * math.exp(-0.5 * sigma**2 * 0.25 + sigma * 0.5 * z)
        payoff += max(s - 1.0, 0.0)
    return payoff / len(normals)


PROGRAMS = [
    Program("leapfrog_pendulum", leapfrog_pendulum, (1.1, 0.2, 0.1, 20), (0, 1, 2)),
    Program("kepler_orbit", kepler_orbit, (1.0, 0.1, 0.2, 1.0, 0.05), (0, 1, 2, 3, 4)),
    Program("springs_kicked", springs_kicked, (np.linspace(0.1, 1.0, 5), np.ones(5), 1.1, 0.1), (0, 1, 2)),
    Program("springs_by_hand", springs_by_hand, (np.linspace(0.1, 1.0, 5), np.ones(5), 1.1, 0.1), (0, 1, 2)),
    Program("damped_until", damped_until, (1.3, 0.2), (0,)),
    Program("euler_decay", euler_decay, (1.0, 0.7, 0.1, 10), (0, 1, 2)),
    Program("rk4_predator", rk4_predator, (1.2, 0.8, 0.1, 6), (0, 1, 2)),
    Program("rk4_vector", rk4_vector, (rng.normal(size=(3, 3)), rng.normal(size=3), 0.1, 4), (0, 1, 2)),
    Program("heat_1d", heat_1d, (rng.normal(size=7), 0.2, 4), (0, 1)),
    Program("heat_loops", heat_loops, (rng.normal(size=6), 0.2 + 0.1 * rng.random(6), 3), (0, 1)),
    Program("heat_2d", heat_2d, (rng.normal(size=(3, 4)), 0.05, 3), (0, 1)),
    Program("burgers", burgers, (rng.normal(size=8), 0.1, 0.05, 5), (0, 1)),
    Program("n_body_energy", n_body_energy, (rng.normal(size=(4, 3)), rng.random(4) + 0.5), (0, 1)),
    Program(
        "n_body_steps",
        n_body_steps,
        (rng.normal(size=(3, 2)), 0.1 * rng.normal(size=(3, 2)), rng.random(3) + 0.5, 0.05, 3),
        (0, 1, 2),
    ),
    Program("n_body_broadcast", n_body_broadcast, (rng.normal(size=(3, 2)), rng.random(3) + 0.5), (0, 1)),
    Program("kepler", kepler, (1.1, 0.4), (0, 1)),
    Program("bouncing_ball", bouncing_ball, (1.0, 0.8, 0.02, 60), (0, 1)),
    Program("lennard_jones", lennard_jones, (np.array([0.0, 1.1, 2.3, 3.6]), 0.7, 0.9), (0, 1, 2)),
    Program("spring_chain", spring_chain, (np.array([0.0, 0.9, 2.3, 3.1]), 2.0, 1.0), (0, 1, 2)),
    Program("arm", arm, (np.array([0.3, 0.4, -0.7]), np.array([1.0, 0.8, 0.5])), (0, 1)),
    Program("drag_until_ground", drag_until_ground, (6.0, 7.0, 0.03), (0, 1, 2)),
    Program("ising_mean_field", ising_mean_field, (0.8, 0.3), (0, 1)),
    Program("advection_upwind", advection_upwind, (rng.normal(size=6), 0.4, 3), (0, 1)),
    Program("resistor_ladder", resistor_ladder, (0.5 + rng.random(5), 1.2), (0, 1)),
    Program(
        "shallow_water", shallow_water, (1.0 + 0.1 * rng.random(5), 0.1 * rng.normal(size=6), 0.05, 4), (0, 1)
    ),
    Program("monte_carlo_option", monte_carlo_option, (1.05, 0.3, rng.normal(size=(4, 4))), (0, 1)),
]
