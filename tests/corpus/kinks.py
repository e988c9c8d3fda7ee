"""What is not taken: NaN and infinity behind masks, in writes, branches and chains."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from corpus.program import Program

X = np.array([0.0, 0.7, -1.3, 2.1, 0.0, -0.4])
Y = np.array([1.5, 0.0, -0.8, 0.0, 0.6, 2.2])


def guarded_root(x: Any, y: Any) -> Any:
    """The plain mask: a root of what is positive."""
    return np.sum(np.where(y > 0, np.sqrt(y), 0.0) * x)


def safe_quotient(x: Any, y: Any) -> Any:
    ok = y != 0
    return np.sum(np.where(ok, x / y, x) ** 2)


def entropy(x: Any, y: Any) -> Any:
    p = np.exp(x) / np.sum(np.exp(x))
    q = np.where(y > 0, y, 0.0)
    return -np.sum(np.where(q > 0, q * np.log(q / p), 0.0))


def sinc_by_hand(x: Any, y: Any) -> Any:
    return np.sum(np.where(y != 0, np.sin(y) / y, 1.0) * np.cos(x))


def stable_softplus(x: Any, y: Any) -> Any:
    z = 400.0 * y + x
    return np.sum(np.where(z < 30.0, np.log1p(np.exp(z)), z))


def three_arms(x: Any, y: Any) -> Any:
    """A chain of operations under nested masks, with an operand in common."""
    r = np.sqrt(np.abs(y))
    low = np.where(y != 0, np.log(r) * x, 0.0)
    return np.sum(np.where(y > 0, np.where(y < 2, low * r, r / y), low**2))


def selected(x: Any, y: Any) -> Any:
    return np.sum(np.select([y < 0, y > 0], [np.sqrt(-y), np.log(y) * x], x))


def pieces(x: Any, y: Any) -> Any:
    return np.sum(x * np.piecewise(y, [y < 0, y > 1], [lambda t: t**2, lambda t: np.log(t), 0.5]))


def written_quotient(x: Any, y: Any) -> Any:
    out = np.ones_like(x)
    np.divide(x, y, out=out, where=y != 0)
    return np.sum(out**2)


def written_logarithm(x: Any, y: Any) -> Any:
    return np.sum(np.log(y, out=np.zeros_like(y), where=y > 0) * x)


def masked_copy(x: Any, y: Any) -> Any:
    z = x * x
    np.copyto(z, 3.0 * y, where=y > 0)
    np.putmask(z, y < 0, x * y)
    return np.sum(z * np.exp(x))


def blanked(x: Any, y: Any) -> Any:
    """Entries of a logarithm overwritten where it is infinite or not a number."""
    z = np.log(y)
    z[y <= 0] = 0.0
    z[0] = 1.0
    return np.sum(z * x + z * z)


def rows(x: Any, y: Any) -> Any:
    """Directions of vectors, some of which are zero."""
    v = np.stack([np.where(y == 0, 0.0, x), np.where(y == 0, 0.0, y)], axis=1)
    n = np.sqrt(np.sum(v * v, axis=1))
    u = np.where(n[:, None] > 0, v / np.where(n > 0, n, 1.0)[:, None], 0.0)
    return np.sum(u[:, 0] * x)


def missing(x: Any, y: Any) -> Any:
    """Data with holes."""
    data = np.where(y > 0, y, np.nan)
    return np.sum(np.where(np.isnan(data), 0.0, (data - x * x) ** 2)) + np.nansum(data * x)


def floor_of_logs(x: Any, y: Any) -> Any:
    return np.sum(np.maximum(np.log(y * y), -20.0) * x) + np.sum(np.minimum(np.exp(500.0 * y), 3.0) * x)


def gathered(x: Any, y: Any) -> Any:
    """The logarithms of some of the numbers."""
    return np.sum(np.log(y)[y > 0] * x[y > 0])


def sigmoid_by_hand(x: Any, y: Any) -> Any:
    return np.sum(1.0 / (1.0 + np.exp(-900.0 * y - x)) * x)


BEFORE = np.tri(6, dtype=bool)
LOG_MASK = np.where(BEFORE, 0.0, -np.inf)


def attention(x: Any, y: Any) -> Any:
    """Causal: what comes later is masked before the scores are scaled by a temperature."""
    s = np.outer(x, y)
    s[~BEFORE] = -np.inf
    s = s / (1.0 + y @ y)
    s = s - s.max(axis=-1, keepdims=True)
    e = np.exp(s)
    return np.sum(e / e.sum(axis=-1, keepdims=True) @ (x * y))


def tempered_rows(x: Any, y: Any) -> Any:
    """A temperature for each row, and an additive mask."""
    z = (np.outer(x, y) + LOG_MASK) * (1.0 + x * x)[:, None]
    top = np.max(z, axis=1, keepdims=True)
    log_p = z - top - np.log(np.sum(np.exp(z - top), axis=1, keepdims=True))
    return np.sum(log_p[:, 0] * y) + np.sum(np.exp(log_p)[:, 1] ** 2)


def tempered_weights(x: Any, y: Any) -> Any:
    scale = np.sum(y * y)
    return np.exp(scale * LOG_MASK[2]) @ x + np.sum(np.logaddexp(scale * LOG_MASK[3], x / scale))


def branch(t: float) -> Any:
    """A number computed before it is known whether it is wanted."""
    s = np.sqrt(t - 1.0)
    return s * t if t > 1.0 else t**3


def distance(t: float) -> float:
    """A root that is zero beside one that is not."""
    return math.sqrt((t - 0.7) ** 2) * 0.0 + math.hypot(t, 2.0) + t**0.5


PROGRAMS = [
    *(
        Program(f"kinks_{f.__name__}", f, (X, Y), warns=True)
        for f in (
            guarded_root, safe_quotient, entropy, sinc_by_hand, stable_softplus, three_arms, selected, pieces,
            written_quotient, written_logarithm, masked_copy, blanked, rows, missing, floor_of_logs, gathered,
            sigmoid_by_hand, attention, tempered_rows, tempered_weights,
        )
    ),
    Program("kinks_branch", branch, (0.6,), warns=True),
    Program("kinks_distance", distance, (1.1,)),
]  # fmt: skip
