"""Programs whose loops compute with arrays of a few numbers: states, positions, rotations."""

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(32)


def pendulum_rk4(x, v, k, n):
    def slope(y):
        return np.array([y[1], -k * np.sin(y[0])])

    y, h = np.array([x, v]), 0.05
    for _ in range(n):
        k1 = slope(y)
        k2 = slope(y + 0.5 * h * k1)
        k3 = slope(y + 0.5 * h * k2)
        k4 = slope(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y[0] ** 2 + y[1]


def turning(w, n):
    q = np.array([1.0, 0.0, 0.0, 0.0])
    for _ in range(n):
        q = q + 0.05 * np.array([
            -q[1] * w[0] - q[2] * w[1] - q[3] * w[2], q[0] * w[0] + q[2] * w[2] - q[3] * w[1],
            q[0] * w[1] - q[1] * w[2] + q[3] * w[0], q[0] * w[2] + q[1] * w[1] - q[2] * w[0],
        ])  # fmt: skip
        q = q / np.sqrt(np.sum(q * q))
    return q[1] + 2 * q[2]


def planar_arm(q, l):
    a, p = 0.0, np.zeros(2)
    for i in range(len(q)):
        a = a + q[i]
        p = p + l[i] * np.array([np.cos(a), np.sin(a)])
    return np.sum((p - np.array([1.0, 2.0])) ** 2)


def shears(q):
    R, p = np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros(2)
    for i in range(len(q)):
        R = R * np.array([np.cos(q[i]), np.sin(q[i])]) + R.T
        p = p + R[0] * 0.1 + R[:, 1] + R.T[1]
    return np.sum(p * p)


def precession(x, n):
    v, w = np.array([x, 0.5, 0.2]), np.array([0.1, 0.2, 0.3])
    for _ in range(n):
        v = v + 0.1 * np.cross(w, v)
    return np.sum(v * w) * v[0]


def bouncing(x, v, n):
    y = np.array([x, v])
    for _ in range(n):
        y = np.array([y[0] + 0.1 * y[1], y[1] - 0.1])
        if y[0] < 0.0:
            y = np.array([-y[0], -0.8 * y[1]])
    return np.sum(y**2)


def written_elements(x, n):
    s = np.ones(3)
    for k in range(n):
        s[0] = np.tanh(s[1] * x)
        s[1] += s[0] * s[2]
        s[-1] = s[0] / (1.0 + k)
        s[:2] *= 0.9
    return np.sum(s * np.array([1.0, 2.0, 3.0]))


def until_near(x):
    y = np.array([x, 0.3])
    while y[0] > 0.1:
        y = y * 0.7 + np.array([0.0, 0.1]) * y[0]
    return np.exp(y).sum() + y[1]


def with_others(x, n):
    y = np.array([x[0], x[1]])
    for _ in range(n):
        y = y + 0.1 * np.maximum(y, 0.2) * x[2]
    return np.sum(x * y[0]) + y.sum()


def attractor(y, n):
    for _ in range(n):
        d = np.array([10.0 * (y[1] - y[0]), y[0] * (28.0 - y[2]) - y[1], y[0] * y[1] - 8.0 / 3 * y[2]])
        y = y + 0.01 * d
    return np.sum(y * np.arange(3.0)) + y[-1]


def state_and_forces(y, k, n):
    path = 0.0
    z = y * 1.0
    for _ in range(n):
        if z[0] > 0.4:
            force = np.array([0.0, -k[0] * z[0]])
        else:
            force = np.array([0.1, -k[1] * z[1]])
        z = z + 0.1 * force
        path = path + np.sum(z * z)
    return path + np.linalg.norm(z)


PROGRAMS = [
    Program("pendulum_rk4", pendulum_rk4, (0.5, 0.1, 2.0, 3), (0, 1, 2)),
    Program("turning", turning, (rng.random(3), 3)),
    Program("planar_arm", planar_arm, (rng.random(4), rng.random(4)), (0, 1)),
    Program("shears", shears, (rng.random(3),)),
    Program("precession", precession, (0.5, 4)),
    Program("bouncing", bouncing, (0.3, 0.2, 12), (0, 1)),
    Program("written_elements", written_elements, (0.6, 4)),
    Program("attractor", attractor, (rng.random(3) + 1, 4)),
    Program("state_and_forces", state_and_forces, (np.array([0.5, 0.3]), rng.random(2) + 1, 6), (0, 1)),
    Program("until_near", until_near, (0.9,)),
    Program("with_others", with_others, (rng.random(3), 4)),
]
