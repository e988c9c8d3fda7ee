"""Sparse Jacobians and Hessians: a pattern by one run, a colouring, and a product for each colour."""

from __future__ import annotations

import functools
import hashlib
import inspect
import pickle
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.api.derivative import Derivative
from srcdiff.api.jacobians import hvp
from srcdiff.api.reverse import linearize, vjp
from srcdiff.api.specialise import Outside
from srcdiff.api.targets import name_of, refuse_value
from srcdiff.api.wrt import Wrt
from srcdiff.frontend.things import holds_things, is_instance
from srcdiff.ir.flat import is_real, like, replaced, vector
from srcdiff.ir.graph import Graph
from srcdiff.ir.modules import NUMPY
from srcdiff.later import Later
from srcdiff.signature import module_for

if TYPE_CHECKING:
    from srcdiff.sparsity import Colouring, Pattern

if TYPE_CHECKING:
    from srcdiff import pipeline
else:
    pipeline = Later("srcdiff.pipeline")

__all__ = ["Sparse", "SparseHessian", "SparseJacobian", "sparse_hessian", "sparse_jacobian"]

Fn = Callable[..., Any]
MOST = 16  # patterns kept for one signature: they differ in what the function reads from outside
Arguments = dict[str, Any]


class Sparse:
    """A sparse matrix of derivatives; called with the arguments of the function.

    Attributes:
        primal: the function differentiated.
    """

    mode = ""
    instead = ""

    def __init__(self, fn: Fn, wrt: Wrt = None, pattern: Any = None, has_aux: bool = False) -> None:
        self._gradient: Derivative[..., Any] = Derivative(fn, "grad", wrt, has_aux)
        self.primal = fn
        self.wrt = wrt
        self.has_aux = has_aux
        self._given = pattern
        self._known: dict[Any, list[tuple[Outside, bytes | None, tuple[Pattern, Any]]]] = {}
        functools.update_wrapper(self, self._gradient, updated=())  # type: ignore[arg-type]
        self.__signature__ = inspect.signature(self._gradient)

    def __repr__(self) -> str:
        return f"<{self.mode} of {name_of(self.primal)} with respect to {', '.join(self._names)}>"

    @property
    def _names(self) -> tuple[str, ...]:
        return self._gradient.wrt_names

    def pattern(self, *args: Any, **kwargs: Any) -> Any:
        """The pattern at some arguments: a boolean matrix of SciPy in CSR form."""
        return self._found(self._bind(args, kwargs))[0].matrix

    def colouring(self, *args: Any, **kwargs: Any) -> Colouring:
        """The colouring at some arguments: as many products as it has colours (``count``) are taken."""
        return self._found(self._bind(args, kwargs))[1]  # type: ignore[no-any-return]

    # ---- patterns
    def _bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Arguments:
        bound = self._gradient._bind(args, kwargs)
        module = module_for(bound.arguments)
        if module is not NUMPY:
            refuse_value(
                "array-module",
                f"{self.mode}: the arrays are scipy.sparse's, on the host, and these are {module.name}'s",
                "pass NumPy's arrays; on the device, take products: jvp, vjp, hvp",
            )  # fmt: skip
        for n in self._names:
            if n not in bound.arguments:
                refuse_value(
                    "sparse", f"{self.mode} is taken in whole arguments, not in {n!r}",
                    "make it an argument of the function, or of a function around it",
                )  # fmt: skip
            if not vector(bound.arguments[n]).size:
                refuse_value(
                    "sparse", f"{self.mode} needs real numbers in {n!r}",
                    "pass an array of floats, or a container of such",
                )  # fmt: skip
        return dict(bound.arguments)

    def _found(self, arguments: Arguments) -> tuple[Pattern, Any]:
        """Pattern and colouring, kept for arguments that differ in the numbers differentiated in only."""

        def shape(x: Any) -> Any:
            return (np.shape(x), np.asarray(x).dtype.str) if is_real(x) else x

        rest = {  # what is read of an object is read by its path, like what lies outside
            k: replaced(v, shape) if k in self._names else v
            for k, v in arguments.items()
            if not (is_instance(v) or holds_things(v) or callable(v))
        }
        key = digest(rest)
        if key is not None:
            for outside, was, found in self._known.get(key, ()):
                now = outside.read(arguments)
                if now is not None and digest(now) == was:
                    return found
        pattern, outside = self._pattern(arguments)
        found = pattern, self._colour(pattern.matrix)
        now = outside.read(arguments) if key is not None and pattern.fixed else None
        was = digest(now) if now is not None else None
        if was is not None:
            self._known[key] = [(outside, was, found), *self._known.get(key, ())][:MOST]
        return found

    def _pattern(self, arguments: Arguments) -> tuple[Pattern, Outside]:
        from srcdiff.sparsity import Pattern, TooDense, find_pattern, ordered

        if self._given is not None:
            return Pattern(ordered(self._given), True), Outside()
        unsettled = self._graph(arguments)
        outside = self._gradient.outside(unsettled)
        graph, _ = pipeline.settled(unsettled)
        captured = outside.read(arguments) or {c.name: c.value for c in unsettled.captures}
        values = {**captured, **arguments}
        try:
            return find_pattern(graph, values, self._names, self.has_aux), outside
        except TooDense:
            refuse_value(
                "sparse", f"the {self.mode.removeprefix('sparse_')} of {name_of(self.primal)} is not sparse",
                f"use {self.instead}, or give the pattern if you know it: pattern=...",
            )  # fmt: skip

    def _graph(self, arguments: Arguments) -> Graph:
        """What the pattern is that of the Jacobian of."""
        raise NotImplementedError

    def _colour(self, pattern: Any) -> Any:
        raise NotImplementedError


def digest(values: Any) -> bytes | None:
    """The same for the same values; None if that cannot be told."""
    try:
        return hashlib.blake2b(pickle.dumps(values)).digest()
    except (pickle.PicklingError, TypeError, AttributeError):  # of functions made inside others, say
        return None


class SparseJacobian(Sparse):
    """Column by column or row by row, whichever takes fewer products."""

    mode = "sparse_jacobian"
    instead = "jacobian, or products with jvp and vjp"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arguments = self._bind(args, kwargs)
        _, colouring = self._found(arguments)
        bound = self.__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        options: dict[str, Any] = {"wrt": self._names, "has_aux": self.has_aux, **bound.kwargs}
        if colouring.by_rows:
            y, pullback, *aux = vjp(self.primal, *bound.args, **options)
            at = [list(self.__signature__.parameters).index(n) for n in self._names]

            def product(seed: np.ndarray) -> np.ndarray:
                bars = pullback(like(y, seed))
                return vector([bars[k] for k in at])

        else:
            _, pushforward, *aux = linearize(self.primal, *bound.args, **options)
            x = tuple(arguments[n] for n in self._names)

            def product(seed: np.ndarray) -> np.ndarray:
                return vector(pushforward(*like(x, seed)))

        found = colouring.matrix(product)
        return (found, aux[0]) if aux else found

    def _graph(self, arguments: Arguments) -> Graph:
        return self._gradient.primal_graph(arguments)

    def _colour(self, pattern: Any) -> Any:
        from srcdiff.sparsity import fewest

        return fewest(pattern)


class SparseHessian(Sparse):
    """Of a symmetric matrix every entry is had from one of its two places."""

    mode = "sparse_hessian"
    instead = "hvp, or hessian"

    def __init__(self, fn: Fn, wrt: Wrt = None, pattern: Any = None, has_aux: bool = False) -> None:
        super().__init__(fn, wrt, pattern, has_aux)
        self._product = hvp(fn, wrt, has_aux)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arguments = self._bind(args, kwargs)
        _, colouring = self._found(arguments)
        values = tuple(arguments[n] for n in self._names)
        x, last = values[0] if self._gradient.single else values, None

        def product(seed: np.ndarray) -> np.ndarray:
            nonlocal last
            got = self._product(*args, like(x, seed), **kwargs)
            got, last = got if self.has_aux else (got, None)
            return vector(got)

        found = colouring.matrix(product)
        return (found, last) if self.has_aux else found

    @property
    def source(self) -> str:
        """The emitted text of the product that is taken for each colour."""
        return self._product.source  # type: ignore[no-any-return]

    def _graph(self, arguments: Arguments) -> Graph:
        return self._gradient.graph(arguments)

    def _colour(self, pattern: Any) -> Any:
        from srcdiff.sparsity import symmetric_colouring

        return symmetric_colouring(pattern)


def sparse_jacobian(
    fn: Fn | None = None, /, wrt: Wrt = None, pattern: Any = None, has_aux: bool = False
) -> Any:
    r"""Sparse Jacobian: as many products as its pattern has colours, however large it is.

    Which element of the result depends on which of the argument is found by one run on sets of indices;
    columns (or rows) that have no row (column) in common are had by one product (Griewank and Walther 2008,
    sections 7.1 and 8.1; Curtis, Powell and Reid 1974). Pattern and colouring are kept for further calls; a
    program whose branches, loop bounds or indices depend on the argument is looked at anew in each call.
    Needs SciPy.

    Parameters:
        fn: a function of an array with an array (or several numbers) as its result, or of containers of
            such; left out when used as a decorator.
        wrt: argument(s), by name or position; by default the first.
        pattern: the pattern if you know it: a matrix with nonzeros where the Jacobian may have them. It is
            not checked.
        has_aux: the function returns ``(value, aux)``; the result is then ``(matrix, aux)``.

    Returns:
        A function with the arguments of ``fn``; its result is a ``scipy.sparse.csr_matrix`` with a row for
        each real number of the result and a column for each of the argument(s): arrays in C order, the parts
        of containers one behind the other. Its ``pattern(x)`` is the pattern and ``colouring(x).count`` the
        number of products.

    Raises:
        DerivativeValueError: the argument holds no real numbers, or the Jacobian is not sparse.

    Example:
        >>> import numpy as np
        >>> from srcdiff import sparse_jacobian
        >>> J = sparse_jacobian(lambda x: x[1:] * x[:-1])
        >>> J(np.array([1.0, 2.0, 3.0, 4.0])).toarray()
        array([[2., 1., 0., 0.],
               [0., 3., 2., 0.],
               [0., 0., 4., 3.]])
        >>> J.colouring(np.ones(1000)).count
        2
    """
    options = (wrt, pattern, has_aux)
    return (lambda f: SparseJacobian(f, *options)) if fn is None else SparseJacobian(fn, *options)


def sparse_hessian(
    fn: Fn | None = None, /, wrt: Wrt = None, pattern: Any = None, has_aux: bool = False
) -> Any:
    r"""Sparse Hessian: as many products as its pattern has colours, however large it is.

    The pattern is that of the Jacobian of the gradient, found by one run of it on sets of indices; its
    columns are coloured so that each entry stands alone in one product of the Hessian and a vector, forward
    over reverse (Coleman and Moré 1984; Gebremedhin, Tarafdar, Manne and Pothen 2007). Pattern and colouring
    are kept as by :func:`sparse_jacobian`. Needs SciPy.

    Parameters:
        fn: a function with a single number as its result; left out when used as a decorator.
        wrt: argument(s), by name or position; by default the first.
        pattern: the pattern if you know it; it is not checked.
        has_aux: the function returns ``(value, aux)``; the result is then ``(matrix, aux)``.

    Returns:
        A function with the arguments of ``fn``; its result is a ``scipy.sparse.csr_matrix``, both ways in the
        order of the real numbers in the argument(s), as for :func:`sparse_jacobian`. ``pattern(x)`` and
        ``colouring(x)`` as there; ``source`` is the text of the product.

    Raises:
        DerivativeValueError: the argument holds no real numbers, or the Hessian is not sparse.

    Example:
        >>> import numpy as np
        >>> from srcdiff import sparse_hessian
        >>> H = sparse_hessian(lambda x: np.sum(x[1:] * x[:-1] ** 2))
        >>> H(np.array([1.0, 2.0, 4.0])).toarray()
        array([[4., 2., 0.],
               [2., 8., 4.],
               [0., 4., 0.]])
        >>> H.colouring(np.ones(1000)).count
        3
    """
    options = (wrt, pattern, has_aux)
    return (lambda f: SparseHessian(f, *options)) if fn is None else SparseHessian(fn, *options)
