"""Derivatives that are no gradients: Jacobians, Hessians, products with these, higher orders."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from srcdiff import wrapped
from srcdiff.api.backend import Backend, with_threads
from srcdiff.api.derivative import Derivative, text_name
from srcdiff.api.specialise import Arguments, Variant, extra_names
from srcdiff.api.structures import tangent
from srcdiff.api.targets import name_of, refuse_value
from srcdiff.api.wrt import Wrt
from srcdiff.ir.graph import Graph
from srcdiff.later import Later
from srcdiff.signature import key_of_value

if TYPE_CHECKING:
    from srcdiff import family, pipeline
    from srcdiff.memory.plans import Plan
    from srcdiff.request import Made
else:
    family = Later("srcdiff.family")
    pipeline = Later("srcdiff.pipeline")

__all__ = [
    "Called", "Product", "derivative", "elementwise_grad", "gauss_newton_vp", "hessian", "hvp", "jacfwd",
    "jacobian", "jacrev", "laplacian", "taylor", "vhp",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")
Fn = Callable[..., Any]
Memory = int | str | None


class Jacobian(Derivative[P, R]):
    """A Jacobian in the mode that takes fewer products for the sizes at hand."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen: dict[Any, Any] = {}

    def _lengths(self, arguments: Arguments) -> tuple[Any, ...]:
        return (*super()._lengths(arguments), self._way(arguments))

    def _way(self, arguments: Arguments) -> str:
        """Column by column or row by row."""
        key = tuple(map(key_of_value, arguments.values()))
        if key not in self._seen:
            params = self._params(arguments, self._all_wrt())
            self._seen[key] = params, self._layered(self._plain_graph(params, arguments))
        params, graph = self._seen[key]
        sizes: dict[int, int] = {}
        for n, p in params.items():
            if p.kind is not None:
                family.sizes_of(p.kind, arguments[n], sizes)
        wrt = pipeline.wrt_values(graph, self._request.wrt)
        return family.better(graph, wrt, self.has_aux, sizes)

    def _derive(self, graph: Graph, given: Arguments) -> Graph:
        way = self._way(given) if given else "jacobian"
        return pipeline.derivative_graph(graph, dataclasses.replace(self._request, mode=way))


class Called(Derivative[P, R]):
    """What other derivatives are taken of as of a function that calls it."""

    __srcdiff__ = "Product"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._function: Any = None
        self._own = list(self.__signature__.parameters.values())
        self.__signature__ = inspect.Signature(self._parameters())

    def _parameters(self) -> list[inspect.Parameter]:
        return self._own

    def as_function(self) -> Any:
        """A function that calls this: what other derivatives are taken of."""
        if self._function is None:
            params = [p for p in self._parameters() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
            self._function = wrapped.calling(self, text_name(self), params)
        return self._function


class Product(Called[P, R]):
    """A product of a matrix of derivatives and a vector, which is the last positional argument."""

    def _parameters(self) -> list[inspect.Parameter]:
        """The primal's parameters, with the vector behind those that have to be given."""
        own = self._own
        word = "v"
        while any(p.name == word for p in own):
            word += "_"
        plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        first = [p for p in own if p.kind in plain and p.default is p.empty]
        rest = [p if p.kind is not p.POSITIONAL_OR_KEYWORD else p.replace(kind=p.KEYWORD_ONLY)
                for p in own if p not in first]  # fmt: skip
        return [*first, inspect.Parameter(word, inspect.Parameter.POSITIONAL_OR_KEYWORD), *rest]

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound, variant, extra = self._prepared(args, kwargs)
        return variant.made.fn(*bound.args, **bound.kwargs, **extra)

    def _prepared(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[inspect.BoundArguments, Variant, dict[str, Any]]:
        if not args:
            refuse_value(
                "arguments", f"{self.mode} of {name_of(self.primal)} needs the vector as its last argument",
                f"write {self.mode}(f)(x, v)",
            )  # fmt: skip
        *given, vector = args
        if not self._fits(given, kwargs) and self._fits(args, kwargs):
            call = ", ".join((*self._target.signature.parameters, "v"))
            refuse_value(
                "arguments", f"{self.mode} of {name_of(self.primal)} needs the vector as its last argument",
                f"write {self.mode}({name_of(self.primal)})({call})",
            )  # fmt: skip
        bound = self._bind(tuple(given), kwargs)
        variant, extra = self._variant(bound.arguments)
        vectors = (vector,) if self.single else vector
        wrt = self._request.wrt
        if not isinstance(vectors, (tuple, list)) or len(vectors) != len(wrt):
            refuse_value(
                "tangents", f"wrt names {', '.join(wrt)}: {self.mode} needs one vector for each",
                "give them as a tuple, in the order of wrt",
            )  # fmt: skip
        words = extra_names(variant.made, self._target.signature)
        names = variant.made.graph.info["tangents"]
        dots = {}
        for w, way, p, v in zip(wrt, self._request.ways, names, vectors, strict=True):
            dots[words[p]] = tangent(v, self._named(w, way, bound.arguments), w)
        return bound, variant, extra | dots

    def _fits(self, args: Any, kwargs: Mapping[str, Any]) -> bool:
        """Whether the function can be called with these arguments."""
        t = self._target
        try:
            t.signature.bind(*t.args, *args, **{**t.kwargs, **kwargs})
        except TypeError:
            return False
        return True

    def _made(self, *args: Any, **kwargs: Any) -> Made:
        return super()._made(*(args[:-1] if args else args), **kwargs)

    def plan_for(self, *args: Any, **kwargs: Any) -> Plan | None:
        """How a call with these arguments would, before it is run; the vector may be left out."""
        return super().plan_for(*(args if self._fits(args, kwargs) else args[:-1]), **kwargs)


def taken(
    kind: type[Derivative[Any, Any]],
    mode: str,
    fn: Any,
    wrt: Wrt,
    has_aux: bool,
    backend: Backend,
    option: Any = 1,
    memory: Memory = None,
) -> Any:
    """A derivative, or the decorator that makes it."""
    if fn is None:
        return lambda f: kind(f, mode, wrt, has_aux, option, memory=memory, backend=backend)
    return kind(fn, mode, wrt, has_aux, option, memory=memory, backend=backend)


def jacfwd(
    fn: Fn | None = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""Jacobian, column by column: forward mode.

    The matrix of all :math:`\partial f_i / \partial x_j`; for arrays of any shape, an array of the shape of
    the result followed by that of the argument (Griewank and Walther 2008, section 3.1). It costs one tangent
    for each element of the argument, all of them at once.

    Parameters:
        fn: a function of arrays or numbers, with such as its result; left out when used as a decorator.
        wrt: argument(s), as for :func:`grad`.
        has_aux: the function returns ``(value, aux)``; the result is then ``(jacobian, aux)``.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn``. For containers: the structure of the result, with that of the
        argument in the place of each array.

    Raises:
        DerivativeTypeError: the result or an argument is a list of any length, or the argument is complex.

    Example:
        >>> import numpy as np
        >>> from srcdiff import jacfwd
        >>> jacfwd(lambda x: x[0] * x)(np.array([3.0, 2.0]))
        array([[6., 0.],
               [2., 3.]])
    """
    return taken(Derivative, "jacfwd", fn, wrt, has_aux, with_threads(backend, parallel))


def jacrev(
    fn: Fn | None = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""Jacobian, row by row: reverse mode.

    The same array as that of :func:`jacfwd`, at the cost of one cotangent for each element of the result
    (Griewank and Walther 2008, section 3.2). Parameters and errors as there; here the result must be real.

    Parameters:
        fn: a function of arrays or numbers, with such as its result; left out when used as a decorator.
        wrt: argument(s), as for :func:`grad`.
        has_aux: the function returns ``(value, aux)``; the result is then ``(jacobian, aux)``.
        memory: the most memory that a call may take, as for :func:`grad`.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn``.

    Raises:
        DerivativeTypeError: the result or an argument is a list of any length, or the result is complex.

    Example:
        >>> import numpy as np
        >>> from srcdiff import jacrev
        >>> jacrev(lambda x: np.array([x @ x]))(np.array([3.0, 2.0]))
        array([[6., 4.]])
    """
    return taken(Derivative, "jacrev", fn, wrt, has_aux, with_threads(backend, parallel), memory=memory)


def jacobian(
    fn: Fn | None = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""Jacobian in the mode that takes fewer products: :func:`jacrev` if the result has fewer elements.

    Parameters:
        fn: a function of arrays or numbers, with such as its result; left out when used as a decorator.
        wrt: argument(s), as for :func:`grad`.
        has_aux: the function returns ``(value, aux)``; the result is then ``(jacobian, aux)``.
        memory: the most memory that a call may take, as for :func:`grad`.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn``; its result is the array of all
        :math:`\partial f_i / \partial x_j`, of the shape of the result followed by that of the argument.

    Raises:
        DerivativeTypeError: as by the mode chosen.

    Example:
        >>> import numpy as np
        >>> from srcdiff import jacobian
        >>> jacobian(lambda x, y: np.array([x * y, x + y]), wrt=("x", "y"))(2.0, 3.0)
        (array([3., 1.]), array([2., 1.]))
    """
    return taken(Jacobian, "jacobian", fn, wrt, has_aux, with_threads(backend, parallel), memory=memory)


def hessian(
    fn: Fn | None = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""Hessian: forward mode over the gradient.

    The array of all :math:`\partial^2 f / \partial x_i \partial x_j` (Griewank and Walther 2008, section
    5.3). With several arguments a tuple of tuples, as JAX gives it. The result of ``fn`` may be an array: its
    shape then comes first.

    Parameters:
        fn: the function; left out when used as a decorator.
        wrt: argument(s), as for :func:`grad`.
        has_aux: the function returns ``(value, aux)``; the result is then ``(hessian, aux)``.
        memory: the most memory that a call may take, as for :func:`grad`.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn``.

    Raises:
        DerivativeTypeError: an argument is a list of any length, or complex.

    Example:
        >>> import numpy as np
        >>> from srcdiff import hessian
        >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 2.0]))
        array([[4., 6.],
               [6., 0.]])
    """
    return taken(Derivative, "hessian", fn, wrt, has_aux, with_threads(backend, parallel), memory=memory)


def hvp(
    fn: Fn | None = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""Hessian times vector, without the Hessian: :math:`\nabla^2 f(x)\, v`, forward over reverse.

    It costs a small multiple of the gradient, whatever the size (Pearlmutter 1994; Griewank and Walther 2008,
    section 5.4).

    Parameters:
        fn: a function with a single number as its result; left out when used as a decorator.
        wrt: argument(s), as for :func:`grad`.
        has_aux: the function returns ``(value, aux)``; the result is then ``(product, aux)``.
        memory: the most memory that a call may take, as for :func:`grad`.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn``, and after the positional ones the vector, in the structure
        and shapes of what is named in ``wrt`` (a tuple, if several are); its result has these, too.

    Raises:
        DerivativeValueError: the vector has another structure or shape.

    Example:
        >>> import numpy as np
        >>> from srcdiff import hvp
        >>> hvp(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 2.0]), np.array([1.0, 0.0]))
        array([4., 6.])
    """
    return taken(Product, "hvp", fn, wrt, has_aux, with_threads(backend, parallel), memory=memory)


def vhp(
    fn: Fn | None = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""Vector times Hessian: :math:`v^T \nabla^2 f(x)`, reverse over reverse.

    Equal to :func:`hvp`; for functions whose rules have no forward mode, or whose tangents cost much.

    Parameters:
        fn: a function with a single number as its result; left out when used as a decorator.
        wrt: argument(s), as for :func:`grad`.
        has_aux: the function returns ``(value, aux)``; the result is then ``(product, aux)``.
        memory: the most memory that a call may take, as for :func:`grad`.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn`` and the vector, as for :func:`hvp`.

    Raises:
        DerivativeValueError: the vector has another structure or shape.

    Example:
        >>> import numpy as np
        >>> from srcdiff import vhp
        >>> vhp(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 2.0]), np.array([1.0, 0.0]))
        array([4., 6.])
    """
    return taken(Product, "vhp", fn, wrt, has_aux, with_threads(backend, parallel), memory=memory)


def gauss_newton_vp(
    fn: Fn | None = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""Gauss-Newton matrix times vector: :math:`J^T J v` with :math:`J = f'(x)`.

    The Hessian of :math:`\tfrac12 \lVert f \rVert^2` without the second derivatives of :math:`f`, which are
    small where the residuals are (Nocedal and Wright 2006, section 10.3).

    Parameters:
        fn: the residuals: a function with arrays or numbers as its result; left out when used as a decorator.
        wrt: argument(s), as for :func:`grad`.
        has_aux: the function returns ``(value, aux)``; the result is then ``(product, aux)``.
        memory: the most memory that a call may take, as for :func:`grad`.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn`` and the vector, as for :func:`hvp`.

    Raises:
        DerivativeValueError: the vector has another structure or shape.

    Example:
        >>> import numpy as np
        >>> from srcdiff import gauss_newton_vp
        >>> product = gauss_newton_vp(lambda x: np.array([x[0] * x[1], x[0]]))
        >>> product(np.array([3.0, 2.0]), np.array([1.0, 0.0]))
        array([5., 6.])
    """
    return taken(Product, "gauss_newton_vp", fn, wrt, has_aux, with_threads(backend, parallel), memory=memory)


def elementwise_grad(
    fn: Fn | None = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: Memory = None,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""The derivative of a function that works element by element, in the shape of the argument.

    It is the gradient of the sum of all elements of the result: where :math:`y_i` depends on :math:`x_i`
    alone, :math:`\partial y_i / \partial x_i`.

    Parameters:
        fn: the function; left out when used as a decorator.
        wrt: argument(s), as for :func:`grad`.
        has_aux: the function returns ``(value, aux)``; the result is then ``(gradient, aux)``.
        memory: the most memory that a call may take, as for :func:`grad`.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn``.

    Raises:
        DerivativeTypeError: the result is complex, or a list of any length.

    Example:
        >>> import numpy as np
        >>> from srcdiff import elementwise_grad
        >>> elementwise_grad(lambda x: x**3)(np.array([1.0, 2.0]))
        array([ 3., 12.])
    """
    return taken(
        Derivative, "elementwise_grad", fn, wrt, has_aux, with_threads(backend, parallel), memory=memory
    )


def derivative(
    fn: Fn | None = None,
    /,
    order: int = 1,
    wrt: Wrt = None,
    has_aux: bool = False,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""The derivative of an order of a function of one number: :math:`f^{(n)}(x)`.

    The first by forward mode; from the second on, the Taylor coefficient of that order, times :math:`n!`
    (:func:`taylor`). The result of ``fn`` may be an array or a container, a curve in :math:`x`.

    Parameters:
        fn: the function; left out when used as a decorator.
        order: how many times to differentiate; 0 is the function itself.
        wrt: the argument, one number; by default the first.
        has_aux: the function returns ``(value, aux)``; the result is then ``(derivative, aux)``.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn``.

    Raises:
        DerivativeTypeError: the argument is not a single number.
        DerivativeValueError: the order is no natural number, or ``wrt`` names several arguments.

    Example:
        >>> from srcdiff import derivative
        >>> derivative(lambda x: x**4, order=3)(2.0)
        48.0
    """
    check_order(order)
    return taken(One, "derivative", fn, wrt, has_aux, with_threads(backend, parallel), order)


def check_order(order: Any) -> None:
    if isinstance(order, bool) or not isinstance(order, int) or order < 0:
        refuse_value("argument", f"the order is a natural number, not {order!r}", "write order=2")


def taylor(
    fn: Fn | None = None,
    /,
    order: int = 1,
    wrt: Wrt = None,
    has_aux: bool = False,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""Taylor coefficients along a direction: :math:`y_0, \dots, y_n` of :math:`f(x + t v)`.

    They are those of :math:`f(x + t v) = y_0 + y_1 t + y_2 t^2 + \dots + y_n t^n + O(t^{n+1})`:
    :math:`y_k` is the derivative of order :math:`k` along :math:`v` over :math:`k!`. Taylor mode (Griewank
    and Walther 2008, chapter 13): one sweep with :math:`n` coefficients beside each value, in a text that
    grows like :math:`n^2`, where repeated derivatives grow like :math:`2^n`.

    Parameters:
        fn: a function of numbers, arrays or containers of these; left out when used as a decorator.
        order: the highest order; 0 gives the value alone.
        wrt: argument(s), as for :func:`grad`.
        has_aux: the function returns ``(value, aux)``; the result is then ``(coefficients, aux)``.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn``, and after the positional ones the direction, in the structure
        and shapes of what is named in ``wrt`` (a tuple, if several are). Its result is a tuple of
        ``order + 1`` coefficients, each in the structure and shapes of the result of ``fn``.

    Raises:
        DerivativeValueError: the order is no natural number, or the direction has another structure or shape.

    Example:
        >>> import numpy as np
        >>> from srcdiff import taylor
        >>> taylor(lambda x: x**3, order=3)(2.0, 1.0)
        (8.0, 12.0, 6.0, 1.0)
        >>> taylor(lambda x: x[0] * x[1], order=2)(np.array([3.0, 2.0]), np.array([1.0, 1.0]))
        (np.float64(6.0), np.float64(5.0), np.float64(1.0))
    """
    check_order(order)
    return taken(Product, "taylor", fn, wrt, has_aux, with_threads(backend, parallel), order)


def laplacian(
    fn: Fn | None = None,
    /,
    wrt: Wrt = None,
    has_aux: bool = False,
    backend: Backend = "numpy",
    parallel: bool = False,
) -> Any:
    r"""The Laplacian :math:`\sum_i \partial^2 f / \partial x_i^2`: forward over forward mode.

    Parameters:
        fn: the function; left out when used as a decorator.
        wrt: the argument: a number, an array or a container of such; by default the first.
        has_aux: the function returns ``(value, aux)``; the result is then ``(laplacian, aux)``.
        backend, parallel: as for :func:`grad`.

    Returns:
        A function with the arguments of ``fn``, and a result of the structure and shapes of theirs.

    Raises:
        DerivativeTypeError: the argument or the result is a list of any length, or the argument is complex.
        DerivativeValueError: ``wrt`` names several arguments.

    Example:
        >>> import numpy as np
        >>> from srcdiff import laplacian
        >>> laplacian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 2.0]))
        np.float64(4.0)
    """
    return taken(One, "laplacian", fn, wrt, has_aux, with_threads(backend, parallel))


class One(Derivative[P, R]):
    """A derivative in one argument."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.single:
            refuse_value("wrt", f"{self.mode} is taken in one argument", "write wrt='x'")
