"""State estimation: Kalman filters and smoothers, particle filters, hidden Markov models."""

import math

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(21)


def kalman_loglik(log_q, log_r, ys):
    """Local level model, scalar: the likelihood by prediction errors."""
    q = math.exp(log_q)
    r = math.exp(log_r)
    m, P = 0.0, 10.0
    ll = 0.0
    for y in ys:
        P = P + q
        S = P + r
        v = y - m
        ll += -0.5 * (math.log(2 * math.pi * S) + v * v / S)
        K = P / S
        m = m + K * v
        P = (1 - K) * P
    return ll


add(
    kalman_loglik,
    "a scalar Kalman filter over observations",
    (-0.7, 0.2, rng.normal(size=9)),
    wrt=(0, 1),
    peer=True,
)


def kalman_matrix_joseph(F, q, r, ys):
    """Constant velocity tracker with the Joseph form of the covariance update."""
    n = F.shape[0]
    H = np.array([[1.0, 0.0]])
    x = np.zeros(n)
    P = np.eye(n)
    Q = q * np.array([[0.25, 0.5], [0.5, 1.0]])
    R = np.array([[r]])
    nll = 0.0
    for k in range(ys.shape[0]):
        x = F @ x
        P = F @ P @ F.T + Q
        innov = ys[k] - H @ x
        S = H @ P @ H.T + R
        K = P @ H.T @ np.linalg.inv(S)
        x = x + K @ innov
        IKH = np.eye(n) - K @ H
        P = IKH @ P @ IKH.T + K @ R @ K.T
        sign, logdet = np.linalg.slogdet(S)
        nll = nll + 0.5 * (logdet + innov @ np.linalg.solve(S, innov))
    return nll


add(
    kalman_matrix_joseph,
    "a matrix Kalman filter, inv, slogdet and solve",
    (np.array([[1.0, 0.9], [0.05, 1.0]]), 0.3, 0.5, rng.normal(size=(6, 1)).cumsum(axis=0)),
    wrt=(0, 1, 2),
    peer=True,
)


def rts_smoother_mse(q, r, ys, truth):
    n = len(ys)
    ms = np.zeros(n)
    Ps = np.zeros(n)
    ms_pred = np.zeros(n)
    Ps_pred = np.zeros(n)
    a = 0.95
    m, P = 0.0, 1.0
    for t in range(n):
        m_p = a * m
        P_p = a * P * a + q
        K = P_p / (P_p + r)
        m = m_p + K * (ys[t] - m_p)
        P = (1 - K) * P_p
        ms_pred[t], Ps_pred[t] = m_p, P_p
        ms[t], Ps[t] = m, P
    sm = ms.copy()
    for t in range(n - 2, -1, -1):
        G = Ps[t] * a / Ps_pred[t + 1]
        sm[t] = ms[t] + G * (sm[t + 1] - ms_pred[t + 1])
    return ((sm - truth) ** 2).mean()


add(
    rts_smoother_mse,
    "a forward filter into preallocated arrays and a smoother running backwards over them",
    (0.3, 0.8, rng.normal(size=10), rng.normal(size=10)),
    wrt=(0, 1, 2),
)


class ExtendedKalman:
    def __init__(self, f, h, F_jac, H_jac, Q, R, x0, P0):
        self.f, self.h = f, h
        self.F_jac, self.H_jac = F_jac, H_jac
        self.Q, self.R = Q, R
        self.x, self.P = x0, P0
        self.loglik = 0.0

    def predict(self):
        F = self.F_jac(self.x)
        self.x = self.f(self.x)
        self.P = F @ self.P @ F.T + self.Q

    def update(self, z):
        H = self.H_jac(self.x)
        y = z - self.h(self.x)
        S = H @ self.P @ H.T + self.R
        K = np.linalg.solve(S, H @ self.P).T
        self.x = self.x + K @ y
        self.P = self.P - K @ S @ K.T
        self.loglik -= 0.5 * (y @ np.linalg.solve(S, y) + np.log(np.linalg.det(S)))


def extended_kalman_class(damping, noise, zs):
    dt = 0.1

    def f(x):
        return np.array([x[0] + dt * x[1], x[1] - dt * (np.sin(x[0]) + damping * x[1])])

    def F_jac(x):
        return np.array([[1.0, dt], [-dt * np.cos(x[0]), 1.0 - dt * damping]])

    def h(x):
        return np.array([np.sin(x[0])])

    def H_jac(x):
        return np.array([[np.cos(x[0]), 0.0]])

    ekf = ExtendedKalman(
        f, h, F_jac, H_jac, 0.01 * np.eye(2), noise * np.eye(1), np.array([0.5, 0.0]), np.eye(2)
    )
    for z in zs:
        ekf.predict()
        ekf.update(z)
    return -ekf.loglik + 0.1 * np.trace(ekf.P)


add(
    extended_kalman_class,
    "an extended Kalman filter as a class whose state is rewritten by its methods; functions as attributes",
    (0.2, 0.3, 0.3 * rng.normal(size=(5, 1))),
    wrt=(0, 1),
    peer=True,
)


def unscented_transform_filter(alpha, P_diag, ys):
    n = 2
    x = np.array([1.0, 0.2])
    P = np.diag(P_diag)
    kappa = alpha**2 * (n + 1.0)
    wm = np.full(2 * n + 1, 1.0 / (2 * kappa))
    wm[0] = 1.0 - n / kappa
    cost = 0.0
    for y in ys:
        L = np.linalg.cholesky(P) * np.sqrt(kappa)
        pts = [x]
        for i in range(n):
            pts.append(x + L[:, i])
            pts.append(x - L[:, i])
        moved = np.array([[p[0] + 0.1 * p[1], p[1] - 0.1 * np.sin(p[0])] for p in pts])
        x = wm @ moved
        d = moved - x
        P = d.T @ (wm[:, None] * d) + 0.05 * np.eye(n)
        K = P[:, 0] / (P[0, 0] + 0.2)
        e = y - x[0]
        cost += e * e / (P[0, 0] + 0.2)
        x = x + K * e
        P = P - np.outer(K, P[0])
        P = 0.5 * (P + P.T)
    return cost


add(
    unscented_transform_filter,
    "sigma points by Cholesky columns in a list, nested comprehension over them",
    (0.8, np.array([0.5, 0.3]), np.array([1.1, 1.3, 0.9])),
    wrt=(0, 1),
)


def particle_filter_fixed_draws(log_sigma, rho, ys, noise):
    """Sequential importance sampling without resampling: smooth in the parameters."""
    T, N = noise.shape
    sigma = np.exp(log_sigma)
    x = np.zeros(N)
    logw = np.full(N, -np.log(N))
    for t in range(T):
        x = rho * x + sigma * noise[t]
        logw = logw - 0.5 * (ys[t] - x**2 / 2.0) ** 2
        m = logw.max()
        logw = logw - (m + np.log(np.sum(np.exp(logw - m))))
    w = np.exp(logw)
    return np.sum(w * x**2) + 1.0 / np.sum(w**2) / N


add(
    particle_filter_fixed_draws,
    "importance weights normalised by log-sum-exp, fixed noise",
    (-0.3, 0.7, np.array([0.4, 0.8, 0.3, 0.9]), rng.normal(size=(4, 7))),
    wrt=(0, 1),
    peer=True,
)


def logsumexp(a, axis=None):
    m = np.max(a, axis=axis, keepdims=True)
    s = np.log(np.sum(np.exp(a - m), axis=axis, keepdims=True)) + m
    return np.squeeze(s, axis=axis) if axis is not None else s.item()


def hmm_forward(trans_logits, means, obs):
    logA = trans_logits - logsumexp(trans_logits, axis=1)[:, None]
    alpha = np.log(np.ones(3) / 3) - 0.5 * (obs[0] - means) ** 2
    for t in range(1, len(obs)):
        alpha = logsumexp(alpha[:, None] + logA, axis=0) - 0.5 * (obs[t] - means) ** 2
    m = alpha.max()
    return m + np.log(np.exp(alpha - m).sum())


add(
    hmm_forward,
    "the HMM forward recursion in logs, with a log-sum-exp helper that squeezes",
    (rng.normal(size=(3, 3)), np.array([-1.0, 0.1, 1.2]), rng.normal(size=6)),
    wrt=(0, 1),
    peer=True,
)


def soft_viterbi_backtrace(scores, trans, gamma):
    """Viterbi with the maximum softened, and its soft path by a second sweep over stored messages."""
    T = len(scores)
    S = len(scores[0])
    V = [[0.0] * S for _ in range(T)]
    W = [[[0.0] * S for _ in range(S)] for _ in range(T)]
    for s in range(S):
        V[0][s] = scores[0][s]
    for t in range(1, T):
        for s in range(S):
            vals = [(V[t - 1][p] + trans[p][s]) / gamma for p in range(S)]
            top = max(vals)
            exps = [math.exp(v - top) for v in vals]
            z = sum(exps)
            V[t][s] = scores[t][s] + gamma * (top + math.log(z))
            for p in range(S):
                W[t][s][p] = exps[p] / z
    e = [math.exp(v / gamma) for v in V[T - 1]]
    z = sum(e)
    path = [v / z for v in e]
    expected = 0.0
    for t in range(T - 1, 0, -1):
        expected += sum(k * path[k] for k in range(S))
        path = [sum(path[s] * W[t][s][p] for s in range(S)) for p in range(S)]
    return expected


add(
    soft_viterbi_backtrace,
    "soft Viterbi on nested lists of lists with a backward pass, as a C programmer writes it",
    ([[0.3, 1.0], [0.8, 0.1], [0.5, 0.6]], [[0.4, -0.2], [0.1, 0.7]], 0.8),
    wrt=(0, 1, 2),
)


def baum_welch_one_step(A, B, pi, seq=(0, 2, 1, 1, 0)):
    """One re-estimation of a discrete HMM with scaling; likelihood under the new model."""

    def forward(A, B, pi):
        alphas, scales = [], []
        a = pi * B[:, seq[0]]
        for i, o in enumerate(seq):
            if i > 0:
                a = (alphas[-1] @ A) * B[:, o]
            c = a.sum()
            alphas.append(a / c)
            scales.append(c)
        return alphas, scales

    alphas, scales = forward(A, B, pi)
    beta = np.ones(len(pi))
    xi = np.zeros_like(A)
    for t in reversed(range(len(seq) - 1)):
        msg = B[:, seq[t + 1]] * beta / scales[t + 1]
        xi = xi + alphas[t][:, None] * A * msg[None, :]
        beta = A @ msg
    A_new = xi / xi.sum(axis=1, keepdims=True)
    _, scales = forward(A_new, B, pi)
    return sum(np.log(c) for c in scales)


add(
    baum_welch_one_step,
    "Baum-Welch with scaling: lists of arrays, a reversed range, a tuple of observations as default",
    (np.array([[0.7, 0.3], [0.4, 0.6]]), np.array([[0.5, 0.2, 0.3], [0.1, 0.6, 0.3]]), np.array([0.6, 0.4])),
    wrt=(0, 1, 2),
    peer=True,
)


def complementary_filter_imu(bias, gain, gyro, accel):
    angle = 0.0
    error = 0.0
    for g, (ax, az) in zip(gyro, accel):
        acc_angle = math.atan2(ax, az)
        angle = (1.0 - gain) * (angle + 0.05 * (g - bias)) + gain * acc_angle
        error += (angle - acc_angle) ** 2
    return error / len(gyro)


add(
    complementary_filter_imu,
    "sensor fusion over zipped lists of numbers and pairs",
    (0.1, 0.2, [0.3, 0.1, -0.2, 0.4], [(0.1, 0.9), (0.2, 1.0), (-0.1, 0.8), (0.3, 0.9)]),
    wrt=(0, 1, 2),
    peer=True,
)


def information_filter_fusion(positions, sigmas, target):
    """Range-only localisation by Gauss-Newton in information form from several beacons."""
    x = np.array([0.5, 0.5])
    for sweep in range(3):
        Lam = 1e-3 * np.eye(2)
        eta = np.zeros(2)
        for (px, py), s in zip(positions, sigmas):
            delta = x - np.array([px, py])
            rng_pred = np.sqrt(delta @ delta)
            rng_meas = np.sqrt((target[0] - px) ** 2 + (target[1] - py) ** 2) + 0.05
            J = delta / rng_pred
            Lam += np.outer(J, J) / s**2
            eta += J * (rng_meas - rng_pred) / s**2
        x = x + np.linalg.solve(Lam, eta)
    return (x - target) @ (x - target)


add(
    information_filter_fusion,
    "normal equations accumulated by += over a list of pairs",
    ([(0.0, 0.0), (2.0, 0.1), (0.3, 1.9)], [0.3, 0.2, 0.4], np.array([1.2, 0.8])),
    wrt=(0, 1, 2),
)
