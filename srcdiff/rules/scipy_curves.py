"""Curves whose slopes at the knots are no linear function of the values: by Hermite's polynomials.

The slopes of ``PchipInterpolator`` are weighted harmonic means of those of the lines beside a knot (Fritsch
and Butland 1984), those of ``Akima1DInterpolator`` means weighted by how much the lines further out turn
(Akima 1970).  Between two knots the curve is the cubic with the values and slopes there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.rules.registry import differential
from srcdiff.rules.transforms import varies
from srcdiff.runtime.interpolation import interpolate_shaped

T = Any


@differential(interpolate_shaped)
def interpolate_shaped_dot(
    name: T, x: T, y: T, q: T, nu: T = 0, extrapolate: T = None, method: T = None,
    *, x_dot: T, y_dot: T, q_dot: T,
) -> T:  # fmt: skip
    if not varies(x_dot) and not varies(y_dot):
        return interpolate_shaped(name, x, y, q, nu + 1, extrapolate=extrapolate, method=method) * q_dot
    if np.ndim(y) != 1 or nu < -1 or nu > 3 or extrapolate == "periodic":
        raise NotImplementedError("values of such a curve that vary are a vector, and no end meets the other")
    steps, steps_dot = np.diff(x), np.diff(x_dot)
    lines = np.diff(y) / steps
    lines_dot = (np.diff(y_dot) - lines * steps_dot) / steps
    if name == "PchipInterpolator":
        slopes, slopes_dot = pchip_slopes(steps, lines, steps_dot, lines_dot)
    else:
        slopes, slopes_dot = akima_slopes(lines, lines_dot, method)
    piece = np.clip(np.searchsorted(x, q, "right") - 1, 0, np.shape(x)[0] - 2)
    h, h_dot = steps[piece], steps_dot[piece]
    s, s_dot = q - x[piece], q_dot - x_dot[piece]
    m, m_dot = lines[piece], lines_dot[piece]
    d, d_dot = slopes[piece], slopes_dot[piece]
    e, e_dot = slopes[piece + 1], slopes_dot[piece + 1]
    square = (3.0 * m - 2.0 * d - e) / h
    cube = (d + e - 2.0 * m) / h**2
    square_dot = (3.0 * m_dot - 2.0 * d_dot - e_dot - square * h_dot) / h
    cube_dot = ((d_dot + e_dot - 2.0 * m_dot) / h - 2.0 * cube * h_dot) / h
    out_dot = cubic(y_dot[piece], d_dot, square_dot, cube_dot, s, nu)
    out_dot = out_dot + cubic(y[piece], d, square, cube, s, nu + 1) * s_dot
    if nu == -1:
        areas_dot = steps * (y_dot[1:] + y_dot[:-1]) / 2.0 + steps_dot * (y[1:] + y[:-1]) / 2.0
        areas_dot = areas_dot + steps**2 * (slopes_dot[:-1] - slopes_dot[1:]) / 12.0
        areas_dot = areas_dot + steps * steps_dot * (slopes[:-1] - slopes[1:]) / 6.0
        out_dot = out_dot + np.concatenate((np.zeros(1), np.cumsum(areas_dot)))[piece]
    if extrapolate is False or (extrapolate is None and name == "Akima1DInterpolator"):
        return np.where((q >= x[0]) & (q <= x[-1]), out_dot, np.nan)
    return out_dot


def cubic(a: T, b: T, c: T, d: T, s: T, nu: T) -> T:
    """``a + b s + c s^2 + d s^3``, a derivative of it, or its integral from zero on."""
    if nu == -1:
        return (((d / 4.0 * s + c / 3.0) * s + b / 2.0) * s + a) * s
    if nu == 0:
        return ((d * s + c) * s + b) * s + a
    if nu == 1:
        return (3.0 * d * s + 2.0 * c) * s + b
    if nu == 2:
        return 6.0 * d * s + 2.0 * c
    return 6.0 * d if nu == 3 else 0.0 * d


def pchip_slopes(steps: T, lines: T, steps_dot: T, lines_dot: T) -> T:
    """The slopes and their tangents: zero where the lines beside a knot do not go the same way."""
    left, right = 2.0 * steps[1:] + steps[:-1], steps[1:] + 2.0 * steps[:-1]
    left_dot, right_dot = 2.0 * steps_dot[1:] + steps_dot[:-1], steps_dot[1:] + 2.0 * steps_dot[:-1]
    turns = (np.sign(lines[1:]) != np.sign(lines[:-1])) | (lines[1:] == 0.0)
    before, after = np.where(turns, 1.0, lines[:-1]), np.where(turns, 1.0, lines[1:])
    total = left / before + right / after
    mean = (left + right) / total
    total_dot = (left_dot - left / before * lines_dot[:-1]) / before
    total_dot = total_dot + (right_dot - right / after * lines_dot[1:]) / after
    mean_dot = np.where(turns, 0.0, (left_dot + right_dot - mean * total_dot) / total)
    first, first_dot = end_slope(
        steps[:1], steps[1:2], lines[:1], lines[1:2],
        steps_dot[:1], steps_dot[1:2], lines_dot[:1], lines_dot[1:2],
    )  # fmt: skip
    last, last_dot = end_slope(
        steps[-1:], steps[-2:-1], lines[-1:], lines[-2:-1],
        steps_dot[-1:], steps_dot[-2:-1], lines_dot[-1:], lines_dot[-2:-1],
    )  # fmt: skip
    slopes = np.concatenate((first, np.where(turns, 0.0, mean), last))
    return slopes, np.concatenate((first_dot, mean_dot, last_dot))


def end_slope(h: T, k: T, line: T, other: T, h_dot: T, k_dot: T, line_dot: T, other_dot: T) -> T:
    """The slope at an end: of the parabola through three points, if that goes the way of the line there."""
    slope = ((2.0 * h + k) * line - h * other) / (h + k)
    slope_dot = (2.0 * h_dot + k_dot) * line + (2.0 * h + k) * line_dot - h_dot * other - h * other_dot
    slope_dot = (slope_dot - slope * (h_dot + k_dot)) / (h + k)
    against = np.sign(slope) != np.sign(line)
    limited = (np.sign(line) != np.sign(other)) & (np.abs(slope) > 3.0 * np.abs(line))
    slope_dot = np.where(against, 0.0, np.where(limited, 3.0 * line_dot, slope_dot))
    return np.where(against, 0.0, np.where(limited, 3.0 * line, slope)), slope_dot


def akima_slopes(lines: T, lines_dot: T, method: T) -> T:
    """The slopes and their tangents; where nothing turns, the mean of the lines further out."""
    m, m_dot = with_ends(lines), with_ends(lines_dot)
    turn, turn_dot = np.abs(np.diff(m)), np.sign(np.diff(m)) * np.diff(m_dot)
    before, after, before_dot, after_dot = turn[:-2], turn[2:], turn_dot[:-2], turn_dot[2:]
    if method == "makima":  # flat stretches pull less
        level = 0.5 * np.abs(m[1:] + m[:-1])
        level_dot = 0.5 * np.sign(m[1:] + m[:-1]) * (m_dot[1:] + m_dot[:-1])
        before, before_dot = before + level[:-2], before_dot + level_dot[:-2]
        after, after_dot = after + level[2:], after_dot + level_dot[2:]
    total = after + before
    straight = total <= 1e-9 * np.max(total)
    total = np.where(straight, 1.0, total)
    share = before / total
    share_dot = (before_dot - share * (after_dot + before_dot)) / total
    slope_dot = m_dot[1:-2] + share_dot * (m[2:-1] - m[1:-2]) + share * (m_dot[2:-1] - m_dot[1:-2])
    slopes = np.where(straight, 0.5 * (m[3:] + m[:-3]), m[1:-2] + share * (m[2:-1] - m[1:-2]))
    return slopes, np.where(straight, 0.5 * (m_dot[3:] + m_dot[:-3]), slope_dot)


def with_ends(lines: T) -> T:
    """Two lines more at each end, as a parabola goes on."""
    first, last = 2.0 * lines[:1] - lines[1:2], 2.0 * lines[-1:] - lines[-2:-1]
    return np.concatenate((2.0 * first - lines[:1], first, lines, last, 2.0 * last - lines[-1:]))
