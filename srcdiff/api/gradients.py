"""``grad`` and ``value_and_grad``, and the text they emit."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, ParamSpec, overload

from srcdiff.api.backend import Backend, with_threads
from srcdiff.api.derivative import Derivative
from srcdiff.api.targets import refuse
from srcdiff.api.wrt import Wrt

__all__ = ["grad", "source", "value_and_grad"]

P = ParamSpec("P")
Memory = int | str | None


@overload
def grad(
    fn: Callable[P, Any],
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Derivative[P, Any]: ...
@overload
def grad(
    *,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Callable[[Callable[P, Any]], Derivative[P, Any]]: ...
def grad(
    fn: Any = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""Gradient of a scalar-valued function.

    For a function :math:`f` with a single number as its result, ``grad(f)(x, ...)`` is
    :math:`\partial f / \partial x` in the structure and shape of ``x``
    (Griewank and Walther, *Evaluating Derivatives*, SIAM 2008, chapter 3).  For a complex argument
    :math:`z = x + iy` it is :math:`\partial f / \partial x - i\,\partial f / \partial y`, whose conjugate
    is the direction of steepest ascent.

    Parameters:
        fn: the function; left out when used as a decorator with options.
        wrt: argument(s) to differentiate with respect to: a name, a position, or a sequence of these (then
            the result is a tuple); by default the first. A name may also be a variable that the function
            captures.
        has_aux: the function returns ``(value, aux)``; the result is then ``(gradient, aux)``.
        memory: the most memory that a call may take: bytes, or ``"2 GB"`` (kB, MB, GB are powers of ten, KiB,
            MiB, GiB of two). For the sizes of each call it is chosen which loops store what the backward
            sweep needs, and which are run again, so that least is computed again; the plan stands in the
            text, in ``plan`` (and, before a call, ``plan_for``), and is logged.
        backend: ``"numba"`` compiles loops, and arithmetic on arrays, to kernels; it needs
            ``pip install "srcdiff[numba]"``. What has no compiled form stays NumPy around them: ``compiled``
            says what, and why. Arithmetic in a kernel is NumPy's (``1.0 / 0.0`` is infinite), with 64 bits.
        parallel: with ``backend="numba"``, threads share the loops of kernels whose trips are apart, where
            sizes pay; ``compiled`` says how many, and why not the others. The result does not depend on the
            number of threads (``numba.set_num_threads``).

    Returns:
        A :class:`Derivative`, called with the arguments of ``fn``.

    Raises:
        UnsupportedSyntax: the function uses what cannot be differentiated; names file, line and a way out.
        NoRule: a value that matters flows through a function with neither a rule nor Python source.
        DerivativeTypeError: an argument in ``wrt`` or the result is not a real number or array.
        DerivativeValueError: ``wrt`` names what is not there; arguments share memory that the function
            writes to; the memory given is too little.

    Example:
        >>> from srcdiff import grad
        >>> def f(x):
        ...     return x**3 + 2 * x**2 + x
        >>> grad(f)(2.0)
        21.0
    """
    backend = with_threads(backend, parallel)
    if fn is None:
        return lambda f: Derivative(f, "grad", wrt, has_aux, memory=memory, backend=backend)
    return Derivative(fn, "grad", wrt, has_aux, memory=memory, backend=backend)


@overload
def value_and_grad(
    fn: Callable[P, Any],
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Derivative[P, Any]: ...
@overload
def value_and_grad(
    *,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Callable[[Callable[P, Any]], Derivative[P, Any]]: ...
def value_and_grad(
    fn: Any = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    """The value of a scalar-valued function together with its gradient.

    Parameters and errors as for :func:`grad`.

    Returns:
        A function with the result ``(value, gradient)``; with ``has_aux``: ``((value, aux), gradient)``.

    Example:
        >>> from srcdiff import value_and_grad
        >>> value_and_grad(lambda x: x * x)(3.0)
        (9.0, 6.0)
    """
    backend = with_threads(backend, parallel)
    if fn is None:
        return lambda f: Derivative(f, "value_and_grad", wrt, has_aux, memory=memory, backend=backend)
    return Derivative(fn, "value_and_grad", wrt, has_aux, memory=memory, backend=backend)


def source(derivative: Any, *args: Any, **kwargs: Any) -> str:
    """The emitted text of a derivative, specialised to example arguments.

    Parameters:
        derivative: what ``grad`` or ``value_and_grad`` returned.
        args, kwargs: arguments of the kinds to specialise on; without any, the latest text.

    Returns:
        Python source that can be saved as a module.

    Example:
        >>> from srcdiff import grad, source
        >>> print(source(grad(lambda x: x * x), 1.0))
        def f_grad(x):
            \"\"\"Gradient of <lambda> with respect to x.\"\"\"
            return 2.0 * x
        <BLANKLINE>
    """
    own: tuple[Any, ...] = ()
    if isinstance(derivative, types.MethodType):
        derivative, own = derivative.__func__, (derivative.__self__,)
    if not isinstance(derivative, Derivative):
        refuse(
            "argument", "source() needs what grad or value_and_grad returned", "write source(grad(f), 1.0)"
        )
    return derivative.source_for(*own, *args, **kwargs) if args or kwargs else derivative.source
