"""Small physics engines: springs, bodies, cloth, collisions, rigid bodies, fluids of particles."""

import math
from dataclasses import dataclass, field

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(31)

GRAVITY = 9.81


def spring_chain_lists(k, rest, damping):
    """Masses in a row, every quantity in its own list."""
    n = 5
    x = [float(i) * 1.1 for i in range(n)]
    v = [0.0] * n
    dt = 0.02
    for _ in range(12):
        f = [0.0] * n
        for i in range(n - 1):
            stretch = x[i + 1] - x[i] - rest
            f[i] += k * stretch
            f[i + 1] -= k * stretch
        for i in range(1, n):
            v[i] += dt * (f[i] - damping * v[i])
            x[i] += dt * v[i]
    energy = 0.0
    for i in range(n):
        energy += 0.5 * v[i] ** 2
    return energy + x[-1]


add(spring_chain_lists, "lists of positions, velocities and forces", (30.0, 1.0, 0.4), wrt=(0, 1, 2))


def bouncing_ball_events(h0, restitution):
    """Exact flight times between bounces; stops after a while, wherever the ball is."""
    t = 0.0
    t_end = 2.0
    h, v = h0, 0.0
    bounces = 0
    while True:
        t_hit = (v + math.sqrt(v * v + 2 * GRAVITY * h)) / GRAVITY
        if t + t_hit > t_end:
            rest = t_end - t
            h = h + v * rest - 0.5 * GRAVITY * rest**2
            break
        t += t_hit
        v = restitution * (GRAVITY * t_hit - v)
        h = 0.0
        bounces += 1
        if bounces > 20:
            break
    return h


add(bouncing_ball_events, "events solved in closed form in a while True", (1.3, 0.8), wrt=(0, 1), peer=True)


def nbody_softened(pos, vel, mass):
    dt = 0.01

    def acceleration(p):
        diff = p[None, :, :] - p[:, None, :]
        dist2 = np.sum(diff**2, axis=2) + 0.05
        return np.sum(mass[None, :, None] * diff / dist2[:, :, None] ** 1.5, axis=1)

    for _ in range(6):
        vel = vel + 0.5 * dt * acceleration(pos)
        pos = pos + dt * vel
        vel = vel + 0.5 * dt * acceleration(pos)
    kinetic = 0.5 * np.sum(mass * np.sum(vel**2, axis=1))
    return kinetic + np.sum(pos[0] * vel[1])


add(
    nbody_softened,
    "pairwise forces by broadcasting with None",
    (rng.normal(size=(4, 3)), 0.3 * rng.normal(size=(4, 3)), 1.0 + rng.random(4)),
    wrt=(0, 1, 2),
    peer=True,
)


@dataclass
class Body:
    x: float
    y: float
    vx: float
    vy: float
    mass: float = 1.0


def attract(a, b, G):
    dx, dy = b.x - a.x, b.y - a.y
    r2 = dx * dx + dy * dy + 0.01
    f = G * b.mass / (r2 * math.sqrt(r2))
    return f * dx, f * dy


def nbody_dataclasses(G, m_sun, vy):
    """Three bodies as mutable dataclasses in a list."""
    bodies = [
        Body(0.0, 0.0, 0.0, 0.0, m_sun),
        Body(1.0, 0.0, 0.0, vy, 0.1),
        Body(0.0, -1.5, 0.8, 0.0, 0.05),
    ]
    dt = 0.02
    for _ in range(8):
        for a in bodies:
            ax = ay = 0.0
            for b in bodies:
                if a is not b:
                    fx, fy = attract(a, b, G)
                    ax += fx
                    ay += fy
            a.vx += dt * ax
            a.vy += dt * ay
        for body in bodies:
            body.x += dt * body.vx
            body.y += dt * body.vy
    earth = bodies[1]
    return earth.x**2 + 2.0 * earth.y


add(
    nbody_dataclasses,
    "a list of mutable dataclasses, `is not`, attributes written",
    (1.0, 2.0, 1.2),
    wrt=(0, 1, 2),
    peer=True,
)


def cloth_verlet_constraints(gravity, stiffness, anchor):
    """A small cloth: Verlet integration, then a few sweeps of distance constraints."""
    rows, cols = 3, 3
    pos = np.zeros((rows, cols, 2))
    for i in range(rows):
        for j in range(cols):
            pos[i, j] = [0.5 * j, -0.5 * i]
    old = pos.copy()
    dt = 0.05
    for step in range(3):
        new = 2.0 * pos - old
        new[:, :, 1] -= gravity * dt * dt
        old, pos = pos, new
        for sweep in range(2):
            for i in range(rows):
                for j in range(cols - 1):
                    d = pos[i, j + 1] - pos[i, j]
                    length = np.sqrt(d[0] ** 2 + d[1] ** 2)
                    corr = stiffness * 0.5 * (length - 0.5) / length * d
                    pos[i, j] += corr
                    pos[i, j + 1] -= corr
            for i in range(rows - 1):
                for j in range(cols):
                    d = pos[i + 1, j] - pos[i, j]
                    length = np.sqrt(d @ d)
                    corr = stiffness * 0.5 * (length - 0.5) / length * d
                    pos[i, j] += corr
                    pos[i + 1, j] -= corr
            pos[0, 0] = anchor
            pos[0, cols - 1] = [1.0, 0.0]
    return np.sum(pos[-1] ** 2)


add(
    cloth_verlet_constraints,
    "Verlet with buffers swapped, constraints projected on elements of a three-dimensional array",
    (9.8, 0.7, np.array([0.1, 0.05])),
    wrt=(0, 1, 2),
)


def quat_mul(a, b):
    w1, x1, y1, z1 = a
    w2, x2, y2, z2 = b
    return np.array(
        [
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
            w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
            w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
        ]
    )


def rigid_body_quaternion(inertia, omega, torque):
    """Euler's equations for a free body with its attitude as a quaternion, renormalised."""
    q = np.array([1.0, 0.0, 0.0, 0.0])
    dt = 0.05
    for _ in range(10):
        L = inertia * omega
        omega = omega + dt * (torque - np.cross(omega, L)) / inertia
        q = q + 0.5 * dt * quat_mul(q, np.concatenate(([0.0], omega)))
        q /= np.linalg.norm(q)
    v = quat_mul(quat_mul(q, np.array([0.0, 1.0, 0.0, 0.0])), q * np.array([1.0, -1.0, -1.0, -1.0]))[1:]
    return v[0] + 0.5 * v[1] ** 2


add(
    rigid_body_quaternion,
    "quaternions unpacked from arrays, cross products, /= by the norm",
    (np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.0, -0.3]), np.array([0.1, 0.0, 0.05])),
    wrt=(0, 1, 2),
)


class Particle:
    def __init__(self, position, velocity, mass=1.0):
        self.position = position
        self.velocity = velocity
        self.mass = mass
        self.force = np.zeros(2)

    def apply(self, f):
        self.force = self.force + f

    def integrate(self, dt):
        self.velocity = self.velocity + dt * self.force / self.mass
        self.position = self.position + dt * self.velocity
        self.force = np.zeros(2)

    @property
    def kinetic_energy(self):
        return 0.5 * self.mass * (self.velocity @ self.velocity)


class Spring:
    def __init__(self, a, b, k, rest):
        self.a, self.b, self.k, self.rest = a, b, k, rest

    def update(self):
        d = self.b.position - self.a.position
        length = np.linalg.norm(d)
        f = self.k * (length - self.rest) * d / length
        self.a.apply(f)
        self.b.apply(-f)


class World:
    def __init__(self, gravity):
        self.particles = []
        self.springs = []
        self.gravity = gravity

    def add(self, particle):
        self.particles.append(particle)
        return particle

    def connect(self, a, b, k, rest=1.0):
        self.springs.append(Spring(a, b, k, rest))

    def step(self, dt):
        for s in self.springs:
            s.update()
        for p in self.particles:
            p.apply(p.mass * self.gravity)
            p.integrate(dt)

    def energy(self):
        return sum(p.kinetic_energy for p in self.particles)


def world_of_objects(k, mass, gravity):
    world = World(gravity)
    a = world.add(Particle(np.array([0.0, 0.0]), np.array([0.0, 0.0])))
    b = world.add(Particle(np.array([1.2, 0.0]), np.array([0.0, 1.0]), mass))
    c = world.add(Particle(np.array([0.5, 1.0]), np.array([0.3, 0.0])))
    world.connect(a, b, k)
    world.connect(b, c, 2 * k)
    world.connect(c, a, k, rest=0.8)
    for _ in range(6):
        world.step(0.03)
    return world.energy() + b.position[0]


add(
    world_of_objects,
    "a world of particles and springs that refer to each other, properties, objects in lists",
    (12.0, 1.5, np.array([0.1, -9.8])),
    wrt=(0, 1, 2),
    peer=True,
)


def sph_density_pressure(pos, h, stiffness):
    """One step of smoothed particles with kernels as loops over pairs."""
    n = pos.shape[0]
    rho = np.zeros(n)
    for i in range(n):
        for j in range(n):
            q = np.sum((pos[i] - pos[j]) ** 2) / h**2
            rho[i] += np.exp(-q)
    p = stiffness * (rho / rho.mean()) ** 3
    acc = np.zeros_like(pos)
    for i in range(n):
        for j in range(i + 1, n):
            d = pos[i] - pos[j]
            w = np.exp(-np.sum(d**2) / h**2)
            push = (p[i] / rho[i] ** 2 + p[j] / rho[j] ** 2) * w * d
            acc[i] += push
            acc[j] -= push
    return np.sum(acc**2)


add(
    sph_density_pressure,
    "double loops over pairs with += on rows of two arrays",
    (rng.normal(size=(4, 2)), 0.9, 0.5),
    wrt=(0, 1, 2),
)


def elastic_collisions_1d(v0, masses):
    """Beads on a line that collide in turn: momentum exchanged through a tuple swap."""
    v = list(v0)
    x = [0.0, 1.0, 2.5, 4.0]
    for _ in range(30):
        x = [xi + 0.1 * vi for xi, vi in zip(x, v)]
        for i in range(len(x) - 1):
            if x[i] > x[i + 1] and v[i] > v[i + 1]:
                m1, m2 = masses[i], masses[i + 1]
                v[i], v[i + 1] = (
                    ((m1 - m2) * v[i] + 2 * m2 * v[i + 1]) / (m1 + m2),
                    ((m2 - m1) * v[i + 1] + 2 * m1 * v[i]) / (m1 + m2),
                )
    return sum(m * vi**3 for m, vi in zip(masses, v))


add(
    elastic_collisions_1d,
    "collisions decided by data, pairs of list elements exchanged",
    ([1.5, 0.2, -0.4, -0.1], [1.0, 2.0, 1.5, 0.7]),
    wrt=(0, 1),
    peer=True,
)


@dataclass
class Rope:
    n: int
    k: float
    c: float = 0.1
    pos: np.ndarray = field(init=False)
    vel: np.ndarray = field(init=False)

    def __post_init__(self):
        self.pos = np.stack([np.linspace(0.0, 1.0, self.n), np.zeros(self.n)], axis=1)
        self.vel = np.zeros((self.n, 2))

    def forces(self):
        seg = self.pos[1:] - self.pos[:-1]
        length = np.sqrt((seg**2).sum(axis=1, keepdims=True))
        tension = self.k * (length - 1.0 / self.n) * seg / length
        f = np.zeros_like(self.pos)
        f[:-1] += tension
        f[1:] -= tension
        f[:, 1] -= 9.81
        return f - self.c * self.vel

    def step(self, dt):
        self.vel[1:] += dt * self.forces()[1:]
        self.pos += dt * self.vel


def rope_dataclass_arrays(k, c):
    rope = Rope(5, k, c)
    for _ in range(8):
        rope.step(0.01)
    return rope.pos[-1] @ rope.pos[-1]


add(
    rope_dataclass_arrays,
    "a dataclass with __post_init__, init=False fields, arrays updated in place through self",
    (40.0, 0.3),
    wrt=(0, 1),
)


def pendulum_cart_lagrangian(params, x0):
    """Mass matrix solved at each step; params in a dict with nested masses."""
    m, M = params["mass"]["bob"], params["mass"]["cart"]
    l, g = params["length"], params.get("g", 9.81)
    q = np.array([x0, 0.4])
    qd = np.zeros(2)
    for _ in range(15):
        th = q[1]
        mass = np.array([[M + m, m * l * np.cos(th)], [m * l * np.cos(th), m * l * l]])
        rhs = np.array([m * l * qd[1] ** 2 * np.sin(th), -m * g * l * np.sin(th)])
        qdd = np.linalg.solve(mass, rhs)
        qd = qd + 0.03 * qdd
        q = q + 0.03 * qd
    return q[0] ** 2 + np.cos(q[1])


add(
    pendulum_cart_lagrangian,
    "nested dict of parameters with .get and a default, a mass matrix solved per step",
    ({"mass": {"bob": 0.5, "cart": 1.2}, "length": 0.8}, 0.3),
    wrt=(0, 1),
    peer=True,
)


def billiard_penalty_walls(pos, vel, k):
    """Walls as one-sided springs, all by masks."""
    dt = 0.02
    for _ in range(20):
        over = pos > 1.0
        under = pos < 0.0
        force = np.zeros_like(pos)
        force[over] = -k * (pos[over] - 1.0)
        force[under] = -k * pos[under]
        vel = vel + dt * force
        pos = pos + dt * vel
    return np.sum(pos**2) + np.sum(vel[:, 0])


add(
    billiard_penalty_walls,
    "forces written under boolean masks",
    (rng.random((5, 2)), 3.0 * rng.normal(size=(5, 2)), 200.0),
    wrt=(0, 1, 2),
)
