"""Control and robotics: Riccati recursions, rollouts, controllers with state, kinematics, calibration."""

import enum
import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from programs.program import Program, adder, tree

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(51)


def lqr_riccati_rollout(A, B, q, r, x0, T=6):
    Q, R = q * np.eye(2), np.array([[r]])
    P = Q
    gains = []
    for _ in range(T):
        S = R + B.T @ P @ B
        K = np.linalg.solve(S, B.T @ P @ A)
        P = Q + A.T @ P @ (A - B @ K)
        gains.append(K)
    gains.reverse()
    x, cost = x0, 0.0
    for K in gains:
        u = -K @ x
        cost += x @ Q @ x + u @ R @ u
        x = A @ x + B @ u
    return cost + x @ Q @ x


add(
    lqr_riccati_rollout,
    "a backward recursion collecting gains, list.reverse(), a forward rollout",
    (np.array([[1.0, 0.1], [0.05, 0.95]]), np.array([[0.0], [0.1]]), 1.0, 0.5, np.array([1.0, -0.5])),
    wrt=(0, 1, 2, 3, 4),
    peer=True,
)


def mpc_cartpole_cost(controls, params):
    x, th, xd, thd = 0.0, 0.2, 0.0, 0.0
    g = 9.8
    mc, mp, l = params["cart"], params["pole"], params["length"]
    cost = 0.0
    for u in controls:
        s, c = math.sin(th), math.cos(th)
        temp = (u + mp * l * thd**2 * s) / (mc + mp)
        tha = (g * s - c * temp) / (l * (4.0 / 3.0 - mp * c**2 / (mc + mp)))
        xa = temp - mp * l * tha * c / (mc + mp)
        x, th = x + 0.05 * xd, th + 0.05 * thd
        xd, thd = xd + 0.05 * xa, thd + 0.05 * tha
        cost += x**2 + 5 * th**2 + 0.01 * u**2
    return cost


add(
    mpc_cartpole_cost,
    "a rollout of the cart-pole over an array of controls, tuples assigned together",
    (rng.normal(size=8), {"cart": 1.0, "pole": 0.1, "length": 0.5}),
    wrt=(0, 1),
    peer=True,
)


class PID:
    def __init__(self, kp, ki, kd, dt=0.1, limit=3.0):
        self.kp, self.ki, self.kd, self.dt = kp, ki, kd, dt
        self.limit = limit
        self._integral = 0.0
        self._last = None

    def __call__(self, error):
        self._integral += error * self.dt
        derivative = 0.0 if self._last is None else (error - self._last) / self.dt
        self._last = error
        u = self.kp * error + self.ki * self._integral + self.kd * derivative
        return max(-self.limit, min(self.limit, u))


def pid_class_tuning(kp, ki, kd):
    pid = PID(kp, ki, kd)
    y = v = 0.0
    loss = 0.0
    for k in range(20):
        u = pid(1.0 - y)
        v += 0.1 * (u - 0.5 * v - y)
        y += 0.1 * v
        loss += (1.0 - y) ** 2
    return loss


add(
    pid_class_tuning,
    "a PID controller with private state, None before the first error, saturation by min and max",
    (2.0, 0.8, 0.3),
    wrt=(0, 1, 2),
    peer=True,
)


def make_controller(gain, leak):
    """State kept in a closure through nonlocal."""
    memory = 0.0

    def controller(error):
        nonlocal memory
        memory = leak * memory + error
        return gain * memory

    return controller


def closure_controller_nonlocal(gain, leak):
    act = make_controller(gain, leak)
    x = 1.0
    for _ in range(10):
        x = x + 0.1 * act(-x)
    return x**2


add(
    closure_controller_nonlocal,
    "a factory returning a closure that keeps its state by nonlocal",
    (0.6, 0.8),
    wrt=(0, 1),
    peer=True,
)


class Mode(enum.Enum):
    HEAT = 1
    COAST = 2
    COOL = 3


def thermostat_state_machine(power, loss, T0):
    mode = Mode.HEAT
    T = T0
    energy = 0.0
    for step in range(30):
        if mode is Mode.HEAT:
            T = T + power - loss * (T - 10.0)
            energy += power
            if T > 22.0:
                mode = Mode.COAST
        elif mode is Mode.COAST:
            T = T - loss * (T - 10.0)
            if T < 20.0:
                mode = Mode.HEAT
            elif T > 25.0:
                mode = Mode.COOL
        else:
            T = T - 0.5 * power
            mode = Mode.COAST
    return energy * 0.01 + T**2 / 100.0


add(
    thermostat_state_machine,
    "a state machine over an Enum changed by data",
    (1.3, 0.05, 18.0),
    wrt=(0, 1, 2),
    peer=True,
)


@tree
@dataclass(frozen=True)
class Joint:
    length: float
    offset: float = 0.0


def forward_kinematics_dataclass(angles, joints):
    T = np.eye(3)
    for q, joint in zip(angles, joints):
        a = q + joint.offset
        c, s = np.cos(a), np.sin(a)
        T = T @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        T = T @ np.array([[1.0, 0.0, joint.length], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    tip = T @ np.array([0.0, 0.0, 1.0])
    return np.sum((tip[:2] - np.array([1.0, 1.0])) ** 2)


add(
    forward_kinematics_dataclass,
    "a list of frozen dataclasses with defaults",
    (np.array([0.3, 0.5, -0.2]), [Joint(1.0), Joint(0.8, 0.1), Joint(0.4)]),
    wrt=(0, 1),
)


def dh_matrix(theta, d, a, alpha):
    ct, st, ca, sa = math.cos(theta), math.sin(theta), math.cos(alpha), math.sin(alpha)
    return [
        [ct, -st * ca, st * sa, a * ct],
        [st, ct * ca, -ct * sa, a * st],
        [0.0, sa, ca, d],
        [0.0, 0.0, 0.0, 1.0],
    ]


def matmul_lists(A, B):
    return [[sum(a * b for a, b in zip(row, col)) for col in zip(*B)] for row in A]


def denavit_hartenberg_lists(q, table):
    T = [[1.0 if i == j else 0.0 for j in range(4)] for i in range(4)]
    for qi, (d, a, alpha) in zip(q, table):
        T = matmul_lists(T, dh_matrix(qi, d, a, alpha))
    x, y, z = (row[3] for row in T[:3])
    return x**2 + y * z


add(
    denavit_hartenberg_lists,
    "matrices as lists of lists, products by nested comprehensions over zip(*B)",
    ([0.3, -0.4, 0.9], [(0.3, 0.0, 1.57), (0.0, 0.5, 0.0), (0.1, 0.4, -0.3)]),
    wrt=(0, 1),
    peer=True,
)


def inverse_kinematics_newton(target, lengths):
    """Damped Newton with a Jacobian written by hand; the solution differentiates."""
    q = np.array([0.4, 0.6])
    l1, l2 = lengths
    for _ in range(12):
        c1, s1 = np.cos(q[0]), np.sin(q[0])
        c12, s12 = np.cos(q[0] + q[1]), np.sin(q[0] + q[1])
        e = target - np.array([l1 * c1 + l2 * c12, l1 * s1 + l2 * s12])
        J = np.array([[-l1 * s1 - l2 * s12, -l2 * s12], [l1 * c1 + l2 * c12, l2 * c12]])
        q = q + np.linalg.solve(J.T @ J + 1e-9 * np.eye(2), J.T @ e)
        if np.linalg.norm(e) < 1e-14:
            break
    return q[0] + 2.0 * q[1] ** 2


add(
    inverse_kinematics_newton,
    "Newton on joint angles until the error vanishes",
    (np.array([0.9, 0.8]), np.array([1.0, 0.7])),
    wrt=(0, 1),
    no_order2="the last step's norm of a vanishing error is rounding only",
    peer=True,
)


def rodrigues(r):
    theta = np.sqrt(r @ r + 1e-12)
    k = r / theta
    K = np.array([[0.0, -k[2], k[1]], [k[2], 0.0, -k[0]], [-k[1], k[0], 0.0]])
    return np.eye(3) + np.sin(theta) * K + (1 - np.cos(theta)) * (K @ K)


class Camera(NamedTuple):
    rotation: np.ndarray
    translation: np.ndarray
    focal: float
    k1: float


def project(camera, points):
    p = points @ rodrigues(camera.rotation).T + camera.translation
    uv = -p[:, :2] / p[:, 2:]
    r2 = np.sum(uv**2, axis=1, keepdims=True)
    return camera.focal * (1.0 + camera.k1 * r2) * uv


def bundle_adjustment_huber(cameras, points, observations):
    cost = 0.0
    for camera, obs in zip(cameras, observations):
        r = project(camera, points) - obs
        n2 = np.sum(r**2, axis=1)
        cost += np.sum(np.where(n2 < 1.0, 0.5 * n2, np.sqrt(n2 + 1e-12) - 0.5))
    return cost


add(
    bundle_adjustment_huber,
    "a list of namedtuples of arrays, radial distortion, a robust loss by np.where",
    (
        [
            Camera(np.array([0.1, -0.2, 0.05]), np.array([0.0, 0.1, -4.0]), 1.2, 0.05),
            Camera(np.array([-0.1, 0.3, 0.0]), np.array([0.2, 0.0, -5.0]), 1.1, -0.02),
        ],
        rng.normal(size=(4, 3)),
        [rng.normal(size=(4, 2)), rng.normal(size=(4, 2))],
    ),
    wrt=(0, 1),
    peer=True,
)


def icp_point_to_point(source, target, steps=2):
    """Nearest neighbours by argmin, then Procrustes by the angle (in the plane)."""
    for _ in range(steps):
        d = np.linalg.norm(source[:, None] - target[None, :], axis=2)
        nearest = target[d.argmin(axis=1)]
        mu_s, mu_t = source.mean(axis=0), nearest.mean(axis=0)
        H = (source - mu_s).T @ (nearest - mu_t)
        angle = np.arctan2(H[0, 1] - H[1, 0], H[0, 0] + H[1, 1])
        R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        source = (source - mu_s) @ R.T + mu_t
    return np.sum((source - nearest) ** 2)


_cloud = np.array([[0.0, 0.0], [1.0, 0.2], [0.4, 1.1], [1.5, 1.4]])
add(
    icp_point_to_point,
    "argmin along an axis as a fancy index, iterated",
    (_cloud + 0.1 * rng.normal(size=(4, 2)), _cloud),
    wrt=(0, 1),
    peer=True,
)


@tree
@dataclass
class Vehicle:
    x: float
    y: float
    heading: float
    speed: float

    def advanced(self, steer, accel, dt=0.2, wheelbase=1.5):
        return replace(
            self,
            x=self.x + dt * self.speed * math.cos(self.heading),
            y=self.y + dt * self.speed * math.sin(self.heading),
            heading=self.heading + dt * self.speed / wheelbase * math.tan(steer),
            speed=self.speed + dt * accel,
        )


def bicycle_model_replace(start, steering):
    car = start
    path = [car]
    for steer in steering:
        car = car.advanced(steer, accel=0.5 - 0.1 * car.speed)
        path.append(car)
    return sum((c.y - 0.3) ** 2 for c in path) + path[-1].x


add(
    bicycle_model_replace,
    "dataclasses.replace in a method, a list of states",
    (Vehicle(0.0, 0.0, 0.1, 1.0), [0.1, 0.2, -0.1, 0.05]),
    wrt=(0, 1),
    peer=True,
)


def ilqr_one_backward_pass(us, x0):
    """Linearise a pendulum along a rollout kept in lists, then gains going backwards."""
    dt = 0.1
    xs = [x0]
    for u in us:
        th, w = xs[-1]
        xs.append(np.array([th + dt * w, w + dt * (u - np.sin(th))]))
    Vx, Vxx = xs[-1], np.eye(2)
    B = np.array([0.0, dt])
    expected = 0.0
    for t in range(len(us) - 1, -1, -1):
        A = np.array([[1.0, dt], [-dt * np.cos(xs[t][0]), 1.0]])
        Qx = 0.1 * xs[t] + A.T @ Vx
        Qu = 0.2 * us[t] + B @ Vx
        Qxx = 0.1 * np.eye(2) + A.T @ Vxx @ A
        Quu = 0.2 + B @ Vxx @ B
        Qux = B @ Vxx @ A
        k = -Qu / Quu
        K = -Qux / Quu
        expected += 0.5 * k * Qu
        Vx = Qx + K * Qu
        Vxx = Qxx + np.outer(K, Qux)
    return expected


add(
    ilqr_one_backward_pass,
    "a rollout in a list unpacked from its last element, a sweep backwards over it",
    (rng.normal(size=5), np.array([0.8, 0.0])),
    wrt=(0, 1),
    peer=True,
)


def potential_field_planner(goal, obstacles, start):
    pos = start
    path_length = 0.0
    for _ in range(12):
        force = goal - pos
        for obstacle in obstacles:
            away = pos - obstacle
            dist = np.linalg.norm(away)
            if dist < 1.5:
                force = force + 0.3 * (1.0 / dist - 1.0 / 1.5) * away / dist**3
        step = 0.1 * force / (1.0 + np.linalg.norm(force))
        path_length += np.linalg.norm(step)
        pos = pos + step
    return path_length + np.sum((pos - goal) ** 2)


add(
    potential_field_planner,
    "forces from those rows of an array that are near",
    (np.array([2.0, 1.5]), np.array([[1.0, 0.4], [0.6, 1.4]]), np.array([0.0, 0.1])),
    wrt=(0, 1, 2),
    peer=True,
)
