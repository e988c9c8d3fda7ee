"""Programs whose second derivatives need care: sizes that change, tapes of tuples, structures of objects."""

from __future__ import annotations

import numpy as np

from corpus.program import Program


def list_on_two_diagonals(q):
    betas, z = [], q
    for _ in range(2):
        betas.append(z[0])
        z = np.sin(z)
    T = np.diag(np.array(betas), 1) + np.diag(np.array(betas), -1)
    return np.linalg.eigvalsh(T)[2] + np.sum(T @ T)


def pyramid(img, gains):
    levels, c = [], img
    while min(c.shape) > 1:
        s = 0.25 * (c[::2, ::2] + c[1::2, ::2] + c[::2, 1::2] + c[1::2, 1::2])
        levels.append(c - np.kron(s, np.ones((2, 2))))
        c = s
    for band, gain in zip(levels[::-1], gains):
        c = np.kron(c, np.ones((2, 2))) + gain * band
    return np.sum(c**2)


def two_sizes_swapped(x):
    a, b = x[:1] * x[0], x * x
    for _ in range(3):
        a, b = b, a * 1.5
        c = a * b
    return np.sum(c * c) + np.sum(a)


def information_form(beacons, sigmas, target):
    x = np.array([0.5, 0.5])
    for _ in range(2):
        Lam, eta = 1e-3 * np.eye(2), np.zeros(2)
        for (px, py), s in zip(beacons, sigmas):
            delta = x - np.array([px, py])
            r = np.sqrt(delta @ delta)
            J = delta / r
            Lam += np.outer(J, J) / s**2
            eta += J * (target[0] - px - r) / s**2
        x = x + np.linalg.solve(Lam, eta)
    return (x - target) @ (x - target)


def named_results_on_tape(A, n):
    for _ in range(n):
        f = np.linalg.qr(A)
        A = f.R @ f.Q
    return A[0, 0] * A[1, 1]


class Section:
    def __init__(self, f):
        self.c = f * f, f
        self.s = self.r = 0.0

    def step(self, x):
        b, a = self.c
        y = b * x + self.s
        self.s = a * x - y + self.r
        self.r = b * x - a * y
        return y


def cascade(fs, q, xs):
    sections = [Section(f * q) for f in fs]
    total = 0.0
    for x in xs:
        for s in sections:
            x = s.step(x)
        total += x * x
    return total


class Body:
    def __init__(self, pos, vel):
        self.pos, self.vel = pos, vel


def bodies_of_arrays(x):
    bodies = [Body(x * 1.0, x * i) for i in range(3)]
    for _ in range(4):
        for p in bodies:
            p.vel -= p.pos * p.vel
            p.pos += p.vel
    return sum([np.sum(p.pos * p.vel) for p in bodies])


def lists_in_dict(x):
    d = {"a": [x, x * x], "b": [np.sin(x)]}
    for i in range(3):
        d["a"].append(x * i)
    d["b"][0] = d["a"][-1] * d["a"][1]
    return sum(d["a"]) * d["b"][0]


def linked_tuples(x, n):
    head = (x, None)
    for i in range(n):
        head = (x * i, head)
    total = 0.0
    while head[1] is not None:
        total += head[0] * x
        head = head[1]
    return total


def euler_equations(inertia, omega):
    for _ in range(3):
        omega = omega - 0.1 * np.cross(omega, inertia * omega) / inertia
    a, b = np.concatenate(([0.5], omega)), np.concatenate((omega, [0.2]))
    w, x, y, z = a * b
    return w * x + y * z


TARGET = np.array([1.2, 0.8])
X4 = np.array([0.3, -0.7, 1.1, 0.4])
MATRIX = np.array([[2.0, 0.3, 0.1], [0.4, 1.0, 0.2], [0.3, 0.1, 3.0]])
IMAGE = np.linspace(0.1, 1.3, 16).reshape(4, 4) ** 2
BEACONS = [(0.0, 0.0), (2.0, 0.1), (0.3, 1.9)]

PROGRAMS = [
    Program("list_on_two_diagonals", list_on_two_diagonals, (X4,)),
    Program("pyramid_of_images", pyramid, (IMAGE, [0.8, 1.3]), (0, 1)),
    Program("two_sizes_swapped", two_sizes_swapped, (X4[:3],)),
    Program("information_form", information_form, (BEACONS, [0.3, 0.2, 0.4], TARGET), (0, 1, 2)),
    Program("named_results_on_tape", named_results_on_tape, (MATRIX, 3)),
    Program("cascade_of_sections", cascade, ([0.4, 0.3], 0.7, [1.0, 0.5, 0.4]), (0, 1, 2)),
    Program("bodies_of_arrays", bodies_of_arrays, (np.array([0.3, 0.4]),)),
    Program("lists_in_dict_twice", lists_in_dict, (0.7,)),
    Program("linked_tuples", linked_tuples, (0.7, 3)),
    Program("euler_equations", euler_equations, (X4[:3] + 2.0, X4[1:]), (0, 1)),
]
