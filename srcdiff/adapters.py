"""Our derivatives as the keywords that SciPy's solvers take.

SciPy itself is not needed here: each function gives a dict of callables, to be passed on with ``**``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from srcdiff.api import grad, hessian, hvp, jacobian
from srcdiff.api.targets import refuse_value

__all__ = ["least_squares", "minimize", "root", "solve_ivp"]

Fn = Callable[..., Any]
SECOND = (None, "hess", "hessp")


def minimize(fn: Fn, second: str | None = None) -> dict[str, Fn]:
    r"""Keywords for ``scipy.optimize.minimize``: the gradient, and the Hessian or products with it.

    Parameters:
        fn: the objective, ``fn(x, *args)``, with a single number as its result.
        second: ``"hess"`` for methods that take the Hessian :math:`\nabla^2 f(x)`, ``"hessp"`` for those that
            are content with :math:`\nabla^2 f(x)\, p` (Newton-CG, trust-ncg, trust-krylov, trust-constr);
            by default neither.

    Returns:
        A dict with ``jac``, and with what ``second`` names.

    Raises:
        DerivativeValueError: ``second`` is something else.

    Example:
        >>> import numpy as np
        >>> import scipy.optimize
        >>> from srcdiff import adapters
        >>> def f(x):
        ...     return (x[0] - 1.0) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2
        >>> x0 = np.array([-1.0, 2.0])
        >>> scipy.optimize.minimize(f, x0, method="trust-krylov", **adapters.minimize(f, "hessp")).x.round(6)
        array([1., 1.])
    """
    if second not in SECOND:
        refuse_value("argument", f"second is {second!r}", "write second='hess' or second='hessp'")
    out: dict[str, Fn] = {"jac": grad(fn)}
    if second == "hess":
        out["hess"] = hessian(fn)
    if second == "hessp":
        product = hvp(fn)
        out["hessp"] = lambda x, p, *args: product(x, *args, p)
    return out


def least_squares(fn: Fn) -> dict[str, Fn]:
    r"""Keywords for ``scipy.optimize.least_squares``: the Jacobian of the residuals.

    Parameters:
        fn: the residuals, ``fn(x, *args, **kwargs)``: a vector, or a list of numbers.

    Returns:
        A dict with ``jac``, which gives :math:`\partial r_i / \partial x_j`.

    Raises:
        DerivativeTypeError: when it is called, if the result is a list of any length.

    Example:
        >>> import numpy as np
        >>> import scipy.optimize
        >>> from srcdiff import adapters
        >>> t = np.array([0.0, 1.0, 2.0, 3.0])
        >>> def residuals(p, y):
        ...     return p[0] * np.exp(-p[1] * t) - y
        >>> y = 2.0 * np.exp(-0.5 * t)
        >>> x0 = np.array([1.0, 1.0])
        >>> fit = scipy.optimize.least_squares(residuals, x0, args=(y,), **adapters.least_squares(residuals))
        >>> fit.x.round(6)
        array([2. , 0.5])
    """
    return {"jac": jacobian(fn)}


def root(fn: Fn) -> dict[str, Fn]:
    r"""Keywords for ``scipy.optimize.root``: the Jacobian of the equations.

    Parameters:
        fn: the left-hand sides of ``fn(x, *args) = 0``: a vector, or a list of numbers.

    Returns:
        A dict with ``jac``, which gives :math:`\partial f_i / \partial x_j`.

    Raises:
        DerivativeTypeError: when it is called, if the result is a list of any length.

    Example:
        >>> import numpy as np
        >>> import scipy.optimize
        >>> from srcdiff import adapters
        >>> def equations(x):
        ...     return [x[0] + 0.5 * (x[0] - x[1]) ** 3 - 1.0, 0.5 * (x[1] - x[0]) ** 3 + x[1]]
        >>> scipy.optimize.root(equations, np.zeros(2), **adapters.root(equations)).x.round(4)
        array([0.8412, 0.1588])
    """
    return {"jac": jacobian(fn)}


def solve_ivp(fn: Fn) -> dict[str, Fn]:
    r"""Keywords for ``scipy.integrate.solve_ivp`` with an implicit method (Radau, BDF, LSODA).

    Parameters:
        fn: the right-hand side, ``fn(t, y, *args)``: a vector, or a list of numbers.

    Returns:
        A dict with ``jac``, which gives :math:`\partial f_i / \partial y_j`.

    Raises:
        DerivativeTypeError: when it is called, if the result is a list of any length.

    Example:
        >>> import numpy as np
        >>> import scipy.integrate
        >>> from srcdiff import adapters
        >>> def decay(t, y, k):
        ...     return [-k * y[0], k * y[0] - y[1]]
        >>> y0 = np.array([1.0, 0.0])
        >>> words = adapters.solve_ivp(decay)
        >>> s = scipy.integrate.solve_ivp(decay, (0, 1), y0, "Radau", args=(9.0,), atol=1e-9, **words)
        >>> bool(abs(s.y[0, -1] - np.exp(-9.0)) < 1e-4)
        True
    """
    return {"jac": jacobian(fn, wrt=1)}
