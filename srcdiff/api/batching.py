"""``vmap``: a function of one example, for many at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from srcdiff.api.derivative import Derivative, text_name
from srcdiff.api.jacobians import Called
from srcdiff.api.specialise import NOTES, Arguments, Variant
from srcdiff.api.targets import name_of, refuse, refuse_value
from srcdiff.frontend.params import Param
from srcdiff.ir.classes import fields_of
from srcdiff.ir.kinds import Dim
from srcdiff.ir.modules import module_of
from srcdiff.later import Later
from srcdiff.request import Request

if TYPE_CHECKING:
    from srcdiff import family, pipeline
    from srcdiff.batch import apply as apply_
    from srcdiff.request import Made
else:
    family = Later("srcdiff.family")
    pipeline = Later("srcdiff.pipeline")
    apply_ = Later("srcdiff.batch.apply")

__all__ = ["vmap"]

P = ParamSpec("P")
R = TypeVar("R")


class Mapped(Called[P, R]):
    """A function called for many examples at once."""

    def __init__(
        self, fn: Any, mode: str, wrt: Any = None, has_aux: bool = False, option: Any = (0, 0)
    ) -> None:
        super().__init__(fn, mode, wrt, has_aux, option)
        self._request = Request("vmap", (), option=hashable(option))

    def __repr__(self) -> str:
        return f"<vmap of {name_of(self.primal)}>"

    def _docstring(self) -> str:
        return f"{name_of(self.primal)} of many examples"

    def __reduce__(self) -> Any:
        found = super().__reduce__()
        return found if isinstance(found, str) else (vmap, (self.primal, *self.option))

    # ---- which axis of what
    def _axes(self, arguments: Arguments) -> dict[str, Any]:
        """The axes of examples of each argument that has any."""
        axes = self.option[0]
        t = self._target
        own = {n: p for n, p in t.signature.parameters.items() if n not in t.bound}
        if isinstance(axes, (tuple, list)):
            return {n: a for n, a in self._in_order(own, axes, arguments).items() if pipeline.batched_by(a)}
        if axes is None:
            return {}
        variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return {
            n: axes
            for n, p in own.items()
            if arguments[n] is not p.default and not (p.kind in variadic and not arguments[n])
        }

    def _in_order(
        self, own: Mapping[str, inspect.Parameter], axes: Any, arguments: Arguments
    ) -> dict[str, Any]:
        left = list(axes)
        out: dict[str, Any] = {}
        for n, p in own.items():
            if p.kind is p.VAR_POSITIONAL:
                out[n], left = tuple(left[: len(arguments[n])]), left[len(arguments[n]) :]
            elif left:
                out[n] = left.pop(0)
        if left:
            refuse_value(
                "vmap", f"in_axes has {len(axes)} entries, and {name_of(self.primal)} fewer arguments",
                "give one for each argument, None for one that is the same for all examples",
            )  # fmt: skip
        return out

    def _lengths(self, arguments: Arguments) -> tuple[Any, ...]:
        return (*super()._lengths(arguments), hashable(self._axes(arguments)))

    def _check(self, arguments: Arguments) -> None:
        """There are as many examples of everything."""
        sizes: dict[int, str] = {}
        for n, a in self._axes(arguments).items():
            for size, what in self._sizes(arguments[n], a, n):
                sizes.setdefault(size, what)
        if not sizes:
            refuse_value("vmap", f"no argument of {name_of(self.primal)} is mapped",
                         "name an axis for one of them: in_axes=(0, None)")  # fmt: skip
        if len(sizes) > 1:
            (one, first), (other, second), *_ = sizes.items()
            refuse_value(
                "vmap", f"{first} has {one} examples, {second} has {other}",
                "name the arguments that are the same for all: in_axes=(0, None)",
            )  # fmt: skip

    def _sizes(self, value: Any, axes: Any, what: str) -> Iterator[tuple[int, str]]:
        if axes is None:
            return
        if isinstance(value, dict):
            for k, v in value.items():
                yield from self._sizes(v, axes.get(k) if isinstance(axes, dict) else axes, f"{what}[{k!r}]")
        elif isinstance(value, (tuple, list)):
            each = axes if isinstance(axes, (tuple, list)) else [axes] * len(value)
            if len(each) != len(value):
                refuse_value("vmap", f"in_axes of {what} has {len(each)} entries, not {len(value)}",
                             "give it the structure of the argument, or one number")  # fmt: skip
            for i, (v, a) in enumerate(zip(value, each, strict=True)):
                yield from self._sizes(v, a, f"{what}[{i}]")
        elif (names := fields_of(value)) is not None:
            for name in names:
                yield from self._sizes(getattr(value, name), axes, f"{what}.{name}")
        elif module_of(value) is not None and isinstance(axes, int) and -value.ndim <= axes < value.ndim:
            yield value.shape[axes], what
        elif not isinstance(value, (str, bytes, type(None))):
            thing = type(value).__name__
            if module_of(value) is not None:
                thing = f"an array of {value.ndim} dimensions"
            refuse("vmap", f"{what} is {thing}: it has no axis {axes!r}",
                   "say that it is the same for all examples: in_axes=(0, None)")  # fmt: skip

    # ---- calls
    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound, variant, extra = self._prepared(args, kwargs)
        return variant.made.fn(*bound.args, **bound.kwargs, **extra)

    def _prepared(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[inspect.BoundArguments, Variant, dict[str, Any]]:
        bound = self._bind(args, kwargs)
        self._check(bound.arguments)
        variant, extra = self._variant(bound.arguments)
        return bound, variant, extra

    # ---- making
    def _make(self, arguments: Arguments) -> tuple[Made, None]:
        axes = self._axes(arguments)
        params = self._params(arguments, self._all_wrt())
        dims: list[Dim] = []
        for n, a in axes.items():
            k = params[n].kind
            if k is None:
                refuse("vmap", f"{n!r} cannot be mapped", f"it is the same for all: None in in_axes for {n}")
            try:
                params[n] = Param(n, family.of_one(k, a, dims), whole=(k, arguments[n]))
            except apply_.Unbatched as why:
                refuse("vmap", f"{n!r} cannot be mapped: {why}", "use the first axis, and arrays")
        graph = self._primal_graph(params, {n: v for n, v in arguments.items() if n not in axes})
        made = pipeline.mapped_graph(graph, axes, self.option[1], dims[0])
        made.info.update({k: graph.info[k] for k in NOTES if k in graph.info})
        what = self.primal._docstring() if isinstance(self.primal, Derivative) else name_of(self.primal)
        text = f"{what}, for many examples at once{self._for(arguments)}."
        return pipeline.finish(made, text_name(self), text, self._backend), None

    def _generic(self) -> Made:
        refuse("vmap", "which arguments have how many axes is not known before a call",
               "give example arguments: source_for(x), or call it first")  # fmt: skip


def hashable(axes: Any) -> Any:
    if isinstance(axes, dict):
        return tuple((k, hashable(v)) for k, v in axes.items())
    return tuple(map(hashable, axes)) if isinstance(axes, (tuple, list)) else axes


def vmap(fn: Callable[..., Any] | None = None, /, in_axes: Any = 0, out_axes: Any = 0) -> Any:
    r"""A function of one example, for many at once: batching as a transform of the source.

    The emitted text is what one would write for arrays: operations on all examples together wherever there is
    a way, a loop over them in the text where there is none (a ``while`` that ends at another trip for each
    example, a branch that each takes by itself, a function without a batching rule).

    Parameters:
        fn: a function of one example; left out when used as a decorator.
        in_axes: the axis of each argument along which the examples lie, ``None`` for one that is the same
            for all: a number for all the arguments given, or a tuple with an entry for each; an entry may
            have the structure of its argument.
        out_axes: the axis of the result along which they shall lie, or a structure of such.

    Returns:
        A function with the arguments of ``fn``, each with an axis more where ``in_axes`` says so.

    Raises:
        DerivativeValueError: the numbers of examples differ, or nothing is mapped.
        DerivativeTypeError: an argument has no such axis.

    Example:
        >>> import numpy as np
        >>> from srcdiff import grad, vmap
        >>> def loss(w, x, y):
        ...     return (np.tanh(w @ x) - y) ** 2
        >>> per_example = vmap(grad(loss), in_axes=(None, 0, 0))
        >>> x, y = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 0.5]]), np.array([1.0, 0.0, -1.0])
        >>> per_example(np.zeros(2), x, y)
        array([[-0., -2.],
               [ 0.,  0.],
               [ 4.,  1.]])
    """
    if fn is None:
        return lambda f: Mapped(f, "vmap", option=(in_axes, out_axes))
    return Mapped(fn, "vmap", option=(in_axes, out_axes))
