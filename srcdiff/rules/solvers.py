"""Rules for what solvers find, by the equation that it solves (the implicit function theorem).

``F(x, p) == 0`` gives ``F_x x_dot + F_p p_dot == 0``, whatever the iteration was; a minimum is a root of the
gradient.  Each operation here stands for its last argument, the solution as the solver gave it: it carries
the rule, and is in no text.  The text refers to the solution by ``out``, so that it is differentiated again.

The derivative is that of the exact solution, at the one found: its error is of the order of the solver's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.rules.registry import differential, implicit
from srcdiff.rules.transforms import grad, hessian, jacobian, jvp, varies


@implicit
def root_of(fun: Any, args: Any, x: Any) -> Any:
    """The ``x`` with ``fun(x, *args) == 0``."""
    return x


@differential(root_of)
def root_of_rule(fun: Any, args: Any, x: Any, *, out: Any, args_dot: Any) -> Any:
    change = jvp(fun, (out, *args), (None, *args_dot))[1]
    if np.ndim(out) == 0:
        return -change / grad(fun)(out, *args)
    return -np.linalg.solve(jacobian(fun)(out, *args), change)


@implicit
def fixed_point_of(fun: Any, args: Any, x: Any) -> Any:
    """The ``x`` with ``fun(x, *args) == x``."""
    return x


@differential(fixed_point_of)
def fixed_point_of_rule(fun: Any, args: Any, x: Any, *, out: Any, args_dot: Any) -> Any:
    change = jvp(fun, (out, *args), (None, *args_dot))[1]
    if np.ndim(out) == 0:
        return change / (1.0 - grad(fun)(out, *args))
    return np.linalg.solve(np.eye(np.shape(out)[0]) - jacobian(fun)(out, *args), change)


@implicit
def minimum_of(fun: Any, args: Any, x: Any) -> Any:
    """The ``x`` where ``fun(x, *args)`` is least."""
    return x


@differential(minimum_of)
def minimum_of_rule(fun: Any, args: Any, x: Any, *, out: Any, args_dot: Any) -> Any:
    change = jvp(grad(fun), (out, *args), (None, *args_dot))[1]
    if np.ndim(out) == 0:
        return -change / grad(grad(fun))(out, *args)
    return -np.linalg.solve(hessian(fun)(out, *args), change)


@implicit
def minimum_between(fun: Any, args: Any, lower: Any, upper: Any, x: Any) -> Any:
    """The ``x`` where ``fun(x, *args)`` is least between two bounds."""
    return x


@differential(minimum_between)
def minimum_between_rule(
    fun: Any, args: Any, lower: Any, upper: Any, x: Any,
    *, out: Any, args_dot: Any, lower_dot: Any, upper_dot: Any,
) -> Any:  # fmt: skip
    # what lies on a bound moves with it, and the others see it move
    at_lower, at_upper = np.isclose(out, lower, 1e-9, 1e-12), np.isclose(out, upper, 1e-9, 1e-12)
    fixed = at_lower | at_upper
    moved = lower_dot * at_lower + upper_dot * at_upper
    curvature = hessian(fun)(out, *args)
    change = curvature @ moved
    if varies(args_dot):
        change = change + jvp(grad(fun), (out, *args), (None, *args_dot))[1]
    free = np.logical_not(fixed)
    among = np.where(np.outer(free, free), curvature, np.eye(np.shape(out)[0]))
    return moved - np.linalg.solve(among, np.where(free, change, 0.0))


@implicit
def number_between(fun: Any, args: Any, lower: Any, upper: Any, x: Any) -> Any:
    """The number where ``fun(x, *args)`` is least between two bounds, which the solver does not reach."""
    return x


@differential(number_between)
def number_between_rule(
    fun: Any, args: Any, lower: Any, upper: Any, x: Any,
    *, out: Any, args_dot: Any, lower_dot: Any, upper_dot: Any,
) -> Any:  # fmt: skip
    # a step of Newton's from where it stopped leads across a bound, if that is what it stopped at
    curvature = grad(grad(fun))(out, *args)
    least = out - grad(fun)(out, *args) / curvature
    inside = (curvature > 0.0) & (lower < least) & (least < upper)
    moved = lower_dot * (out - lower < upper - out) + upper_dot * (out - lower >= upper - out)
    if varies(args_dot):
        change = jvp(grad(fun), (out, *args), (None, *args_dot))[1]
        return np.where(inside, -change / curvature, moved)
    return np.where(inside, 0.0, moved)


@implicit
def derivative_of(model: Any, x: Any) -> Any:
    """A value, with the derivative of another that approximates it more closely than it is computed."""
    return x


@differential(derivative_of)
def derivative_of_rule(model: Any, x: Any, *, model_dot: Any) -> Any:
    return model_dot


@implicit
def told_by(by: Any, x: Any) -> Any:
    """A value that depends on another in a way that nobody knows: it has no rule."""
    return x
