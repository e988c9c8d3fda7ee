"""Partial differential equations: explicit and implicit, with limiters, recursion, complex numbers."""

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(52)


def heat_implicit_tridiagonal(u0, alpha, steps=4):
    n = len(u0)
    dx, dt = 1.0 / (n - 1), 0.01
    u = u0.copy()
    for _ in range(steps):
        r = alpha * dt / dx**2
        a = np.full(n, -r)
        b = np.full(n, 1 + 2 * r)
        c = np.full(n, -r)
        b[0] = b[-1] = 1.0
        c[0] = a[-1] = 0.0
        d = u.copy()
        for i in range(1, n):
            w = a[i] / b[i - 1]
            b[i] -= w * c[i - 1]
            d[i] -= w * d[i - 1]
        u[-1] = d[-1] / b[-1]
        for i in range(n - 2, -1, -1):
            u[i] = (d[i] - c[i] * u[i + 1]) / b[i]
    return np.sum(u**2)


add(
    heat_implicit_tridiagonal,
    "bands set up each step, elimination in place, chained assignment to elements",
    (rng.normal(size=6), 0.8),
    wrt=(0, 1),
)


def wave_equation_three_buffers(c, u0):
    n = u0.size
    prev = u0.copy()
    cur = u0.copy()
    nxt = np.zeros(n)
    for _ in range(8):
        for i in range(1, n - 1):
            nxt[i] = 2 * cur[i] - prev[i] + (0.5 * c[i]) ** 2 * (cur[i + 1] - 2 * cur[i] + cur[i - 1])
        prev, cur, nxt = cur, nxt, prev
    return float(np.dot(cur, cur))


add(
    wave_equation_three_buffers,
    "three buffers rotated by a tuple assignment, the oldest one overwritten",
    (1.0 + 0.2 * rng.random(7), np.exp(-((np.arange(7.0) - 3) ** 2))),
    wrt=(0, 1),
)


def burgers_upwind(u, nu, steps=10):
    dx, dt = 0.1, 0.01
    for _ in range(steps):
        un = u.copy()
        for i in range(1, len(u) - 1):
            if un[i] > 0:
                conv = un[i] * (un[i] - un[i - 1]) / dx
            else:
                conv = un[i] * (un[i + 1] - un[i]) / dx
            u[i] = un[i] - dt * conv + nu * dt / dx**2 * (un[i + 1] - 2 * un[i] + un[i - 1])
        u[0] = u[-2]
        u[-1] = u[1]
    return np.sum(u**3)


add(
    burgers_upwind,
    "upwinding by the sign of the data; the argument itself is overwritten",
    (np.sin(2 * np.pi * (np.arange(8) + 0.3) / 8), 0.05),
    wrt=(0, 1),
)


def advection_flux_limiter(u, courant, limiter="van_leer"):
    """Second-order advection; the limiter is chosen by name."""

    def phi(r):
        if limiter == "van_leer":
            return (r + np.abs(r)) / (1 + np.abs(r))
        elif limiter == "minmod":
            return np.maximum(0.0, np.minimum(1.0, r))
        raise ValueError(limiter)

    for _ in range(5):
        d = np.roll(u, -1) - u
        r = (u - np.roll(u, 1)) / (d + 1e-3)
        flux = u + 0.5 * (1 - courant) * phi(r) * d
        u = u - courant * (flux - np.roll(flux, 1))
    return np.sum(u**2) + u[2]


add(
    advection_flux_limiter,
    "np.roll, a limiter chosen by a string that is a default, raise in the other case",
    (np.array([0.1, 0.5, 1.0, 1.3, 0.7, 0.2, 0.15]), 0.4),
    wrt=(0, 1),
    peer=True,
)


def lid_driven_cavity(nu, lid):
    """Navier-Stokes in twelve steps, small: pressure Poisson inside a time loop."""
    nx = ny = 5
    dx = dy = 0.25
    dt = 0.01
    u = np.zeros((ny, nx))
    v = np.zeros((ny, nx))
    p = np.zeros((ny, nx))
    for n in range(3):
        un, vn = u.copy(), v.copy()
        b = np.zeros((ny, nx))
        b[1:-1, 1:-1] = (
            (un[1:-1, 2:] - un[1:-1, :-2]) / (2 * dx) + (vn[2:, 1:-1] - vn[:-2, 1:-1]) / (2 * dy)
        ) / dt
        for q in range(3):
            pn = p.copy()
            p[1:-1, 1:-1] = (
                (pn[1:-1, 2:] + pn[1:-1, :-2]) * dy**2
                + (pn[2:, 1:-1] + pn[:-2, 1:-1]) * dx**2
                - b[1:-1, 1:-1] * dx**2 * dy**2
            ) / (2 * (dx**2 + dy**2))
            p[:, -1] = p[:, -2]
            p[0, :] = p[1, :]
            p[:, 0] = p[:, 1]
            p[-1, :] = 0
        lap = lambda w: (
            (w[1:-1, 2:] - 2 * w[1:-1, 1:-1] + w[1:-1, :-2]) / dx**2
            + (w[2:, 1:-1] - 2 * w[1:-1, 1:-1] + w[:-2, 1:-1]) / dy**2
        )
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, :-2])
            - dt / (2 * dx) * (p[1:-1, 2:] - p[1:-1, :-2])
            + nu * dt * lap(un)
        )
        v[1:-1, 1:-1] = vn[1:-1, 1:-1] - dt / (2 * dy) * (p[2:, 1:-1] - p[:-2, 1:-1]) + nu * dt * lap(vn)
        u[-1, :] = lid
        u[0, :] = 0
        v[:, 0] = 0
    return np.sum(u**2) + 10 * np.sum(v**2) + np.sum(p)


add(
    lid_driven_cavity,
    "two velocity fields and a pressure, all written by slices in nested loops",
    (0.1, 1.0),
    wrt=(0, 1),
)


def multigrid_v_cycle(u, f, h):
    n = u.size
    for _ in range(2):
        for i in range(1, n - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1] + h * h * f[i])
    if n <= 3:
        return u
    r = np.zeros(n)
    r[1:-1] = f[1:-1] + (u[2:] - 2 * u[1:-1] + u[:-2]) / h**2
    coarse = np.zeros((n + 1) // 2)
    coarse[1:-1] = 0.25 * (r[1:-3:2] + 2 * r[2:-2:2] + r[3:-1:2])
    e = multigrid_v_cycle(np.zeros_like(coarse), coarse, 2 * h)
    fine = np.zeros(n)
    fine[::2] = e
    fine[1::2] = 0.5 * (e[:-1] + e[1:])
    u = u + fine
    for _ in range(2):
        for i in range(1, n - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1] + h * h * f[i])
    return u


def poisson_multigrid(f, h):
    u = np.zeros_like(f)
    for cycle in range(2):
        u = multigrid_v_cycle(u, f, h)
    return f @ u


add(
    poisson_multigrid,
    "a V-cycle that calls itself on a coarser grid, Gauss-Seidel in place, strided slices",
    (rng.normal(size=9), 0.125),
    wrt=(0, 1),
)


def schroedinger_split_step(v0, width):
    """A wave packet through a barrier by FFT, complex throughout."""
    n = 16
    x = np.linspace(-4.0, 4.0, n, endpoint=False)
    k = 2 * np.pi * np.fft.fftfreq(n, d=0.5)
    psi = np.exp(-((x + 1.5) ** 2) + 2.0j * x)
    psi = psi / np.sqrt(np.sum(np.abs(psi) ** 2))
    V = v0 * np.exp(-((x / width) ** 2))
    half = np.exp(-0.5j * 0.1 * V)
    kin = np.exp(-0.5j * 0.1 * k**2)
    for _ in range(5):
        psi = half * psi
        psi = np.fft.ifft(kin * np.fft.fft(psi))
        psi = half * psi
    return np.sum(np.abs(psi[n // 2 :]) ** 2)


add(
    schroedinger_split_step,
    "complex exponentials and FFTs, the probability by abs squared",
    (2.0, 0.7),
    wrt=(0, 1),
    peer=True,
)


def crank_nicolson_schroedinger(v0):
    """A particle in a well: complex linear solves."""
    n, dx, dt = 6, 0.3, 0.05
    x = (np.arange(n) - 2.5) * dx
    H = np.diag(1.0 / dx**2 + v0 * x**2) - np.diag(np.full(n - 1, 0.5 / dx**2), 1)
    H = H - np.diag(np.full(n - 1, 0.5 / dx**2), -1)
    A = np.eye(n) + 0.5j * dt * H
    B = np.eye(n) - 0.5j * dt * H
    psi = np.exp(-2.0 * x**2).astype(complex)
    for _ in range(4):
        psi = np.linalg.solve(A, B @ psi)
    return np.real(np.vdot(psi, x**2 * psi))


add(
    crank_nicolson_schroedinger,
    "complex matrices solved with, vdot, real part",
    (1.5,),
    peer=True,
)


def reaction_diffusion_gray_scott(F, k, U, V):
    def lap(Z):
        return np.roll(Z, 1, 0) + np.roll(Z, -1, 0) + np.roll(Z, 1, 1) + np.roll(Z, -1, 1) - 4 * Z

    for _ in range(6):
        uvv = U * V**2
        U, V = (
            U + 0.16 * lap(U) - uvv + F * (1 - U),
            V + 0.08 * lap(V) + uvv - (F + k) * V,
        )
    return np.mean(V**2) + np.mean(U)


add(
    reaction_diffusion_gray_scott,
    "two fields updated together, np.roll on both axes",
    (0.04, 0.06, 1.0 - 0.2 * rng.random((4, 4)), 0.3 * rng.random((4, 4))),
    wrt=(0, 1, 2, 3),
    peer=True,
)


def shallow_water_lax(h, hu, g=9.81):
    dx, dt = 1.0, 0.05
    for _ in range(4):
        flux1 = hu
        flux2 = hu**2 / h + 0.5 * g * h**2
        h_new = h.copy()
        hu_new = hu.copy()
        h_new[1:-1] = 0.5 * (h[2:] + h[:-2]) - dt / (2 * dx) * (flux1[2:] - flux1[:-2])
        hu_new[1:-1] = 0.5 * (hu[2:] + hu[:-2]) - dt / (2 * dx) * (flux2[2:] - flux2[:-2])
        h_new[0], h_new[-1] = h_new[1], h_new[-2]
        hu_new[0], hu_new[-1] = -hu_new[1], -hu_new[-2]
        h, hu = h_new, hu_new
    return np.sum(hu**2 / h)


add(
    shallow_water_lax,
    "two conserved fields, reflecting ends set from their neighbours",
    (1.0 + 0.3 * rng.random(7), 0.2 * rng.normal(size=7)),
    wrt=(0, 1),
)


class Grid:
    def __init__(self, n, length):
        self.n = n
        self.dx = length / (n - 1)

    def laplacian(self, u):
        out = np.zeros_like(u)
        out[1:-1] = (u[2:] - 2 * u[1:-1] + u[:-2]) / self.dx**2
        return out

    def integrate(self, u):
        return self.dx * (u.sum() - 0.5 * (u[0] + u[-1]))


class AllenCahn:
    def __init__(self, grid, eps):
        self.grid = grid
        self.eps = eps

    def rhs(self, u):
        return self.eps**2 * self.grid.laplacian(u) + u - u**3

    def energy(self, u):
        g = np.diff(u) / self.grid.dx
        return self.grid.integrate(0.25 * (1 - u**2) ** 2) + 0.5 * self.eps**2 * np.sum(g**2) * self.grid.dx


def allen_cahn_objects(u, eps, length):
    problem = AllenCahn(Grid(len(u), length), eps)
    for _ in range(6):
        u = u + 0.05 * problem.rhs(u)
    return problem.energy(u)


add(
    allen_cahn_objects,
    "a grid object inside a problem object, methods calling methods",
    (rng.normal(size=7), 0.3, 2.0),
    wrt=(0, 1, 2),
)


def adi_heat_2d(u, kappa):
    """Alternating directions with one dense solve per direction, rows then columns."""
    n = u.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        L[i, i] = -2.0
        if i > 0:
            L[i, i - 1] = 1.0
        if i < n - 1:
            L[i, i + 1] = 1.0
    lhs = np.eye(n) - 0.5 * kappa * L
    rhs = np.eye(n) + 0.5 * kappa * L
    for _ in range(2):
        u = np.linalg.solve(lhs, u @ rhs.T)
        u = np.linalg.solve(lhs, (rhs @ u).T).T
    return np.sum(u**2)


add(
    adi_heat_2d,
    "a band matrix by conditions on indices, solves on transposes",
    (rng.normal(size=(4, 4)), 0.3),
    wrt=(0, 1),
)
