"""Derivatives at a point as linear functions: ``vjp`` of the cotangent, ``linearize`` of the tangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from srcdiff.api.backend import checked_backend, with_threads
from srcdiff.api.forward import Places, places
from srcdiff.api.specialise import NOTES, Arguments, Pair, Specialised, Variant, check_argument, kept
from srcdiff.api.structures import cotangents, seeds_of, tangent_leaves
from srcdiff.api.targets import Target, looked_at, name_of, refuse_value
from srcdiff.api.wrt import Wrt, wrt_ways
from srcdiff.errors import NoRule
from srcdiff.frontend.paths import Way
from srcdiff.ir.amounts import amount
from srcdiff.ir.classes import fields_of
from srcdiff.ir.graph import Graph, Struct
from srcdiff.ir.kinds import UNKNOWN, is_active_kind, kind_of
from srcdiff.later import Later
from srcdiff.load import explained
from srcdiff.request import Request
from srcdiff.signature import is_literal

if TYPE_CHECKING:
    from srcdiff import pipeline
    from srcdiff.request import Made
else:
    pipeline = Later("srcdiff.pipeline")

__all__ = ["Pullback", "Pushforward", "linearize", "vjp"]


class Linear:
    """A linear function that waits for its argument: the second half of a pair.

    Attributes:
        source: the emitted text of both halves.
    """

    def __init__(self, variant: Variant, saved: tuple[Any, ...]) -> None:
        assert variant.pair is not None
        self._pair, self._saved = variant.pair, saved
        self.source = variant.made.text.source + "\n\n" + variant.pair.backward.text.source


class Pullback(Linear):
    """The transposed derivative at a point: cotangents of the arguments from the cotangent of the result.

    Attributes:
        source: the emitted text of both sweeps.
    """

    def __init__(self, variant: Variant, saved: tuple[Any, ...], value: Any, at: Places, count: int) -> None:
        super().__init__(variant, saved)
        self._value, self._places, self._count = value, at, count

    def __call__(self, y_bar: Any) -> tuple[Any, ...]:
        leaves: list[Any] = []
        cotangents(self._pair.seeds, self._value, y_bar, "the result", leaves)
        with explained():
            got = self._pair.backward.fn(*self._saved, *leaves)
        bars = dict(zip(self._pair.active, got, strict=True))
        own = {*self._places.names, self._places.star}
        return (*self._places.join(bars, self._count), *(b for n, b in bars.items() if n not in own))

    def __repr__(self) -> str:
        return f"<pullback with respect to {', '.join(self._pair.active)}>"


class Pushforward(Linear):
    """The derivative at a point: the tangent of the result from those of the arguments.

    Attributes:
        source: the emitted text of both halves.
    """

    def __init__(self, variant: Variant, saved: tuple[Any, ...], values: tuple[Any, ...]) -> None:
        super().__init__(variant, saved)
        self._values = values

    def __call__(self, *tangents: Any) -> Any:
        names = self._pair.active
        if len(tangents) != len(names):
            refuse_value(
                "tangents", f"{len(tangents)} tangents for {', '.join(names)}",
                "give one for each, None for zero",
            )  # fmt: skip
        leaves: list[Any] = []
        for seeds, value, t, n in zip(self._pair.seeds, self._values, tangents, names, strict=True):
            tangent_leaves(seeds, value, t, n, leaves)
        with explained():
            return self._pair.backward.fn(*self._saved, *leaves)

    def __repr__(self) -> str:
        return f"<derivative with respect to {', '.join(self._pair.active)}>"


class Reverse(Specialised):
    """Pullbacks of one function."""

    def _make(self, arguments: Arguments) -> tuple[Made, Pair]:
        wrt = self._request.wrt
        if self._request.single:  # named by the caller
            for w in wrt:
                if w in arguments:
                    check_argument(self.primal, w, arguments[w])
        try:
            return self._pair(arguments, wrt)
        except NoRule:
            if self._request.single or len(wrt) < 2:
                raise
        works = [w for w in wrt if self._has_rules(arguments, w)]
        return self._pair(arguments, tuple(works) or wrt)

    def _has_rules(self, arguments: Arguments, w: str) -> bool:
        try:
            graph = self._primal_graph(self._params(arguments, (w,)), arguments)
            pipeline.pullback_pair(graph, (w,), self._request.has_aux)
        except NoRule:
            return False
        return True

    def _sweeps(self, graph: Graph, arguments: Arguments) -> tuple[Graph, ...]:
        pair = pipeline.pullback_pair(graph, self._request.wrt, self._request.has_aux)
        return pair.forward, pair.backward

    def _pair(self, arguments: Arguments, wrt: tuple[str, ...]) -> tuple[Made, Pair]:
        graph = self._primal_graph(self._params(arguments, (*self._all_wrt(), *wrt)), arguments)
        pair = pipeline.pullback_pair(graph, wrt, self._request.has_aux)
        value = graph.region.results[0]
        seeds = seeds_of(value.items[0] if self._request.has_aux and isinstance(value, Struct) else value)
        pair.forward.info.update({k: graph.info[k] for k in NOTES if k in graph.info})
        pair.backward.info["budget"] = graph.info["budget"]
        name = name_of(self.primal)
        word = name if name.isidentifier() else "f"
        note = self._for(arguments)
        forward = pipeline.finish(
            pair.forward,
            f"{word}_fwd",
            f"Value of {name} and what its pullback needs{note}.{self._memory(arguments)}",
            self._backend,
        )
        backward = pipeline.finish(
            pair.backward, f"{word}_bwd", f"Pullback of {name}: cotangents of {', '.join(wrt)}{note}.",
            self._backend,
        )
        return forward, Pair(backward, wrt, seeds)


class Linearized(Specialised):
    """Linear functions of one function's tangents."""

    def _make(self, arguments: Arguments) -> tuple[Made, Pair]:
        wrt = self._request.wrt
        graph = self._primal_graph(self._params(arguments, (*self._all_wrt(), *wrt)), arguments)
        pair = pipeline.pushforward_pair(graph, wrt, self._request.has_aux)
        pair.forward.info.update({k: graph.info[k] for k in NOTES if k in graph.info})
        name = name_of(self.primal)
        word = name if name.isidentifier() else "f"
        note = self._for(arguments)
        first = pipeline.finish(
            pair.forward, f"{word}_fwd", f"Value of {name} and what its derivative needs{note}."
        )
        text = f"Change of {name} along the tangents of {', '.join(wrt)}{note}."
        second = pipeline.finish(pair.backward, f"{word}_lin", text)
        return first, Pair(second, wrt, tuple(map(seeds_of, pair.tangents)))


def linearize(
    fn: Callable[..., Any], *args: Any, wrt: Wrt = None, has_aux: bool = False, **kwargs: Any
) -> tuple[Any, ...]:
    r"""Value and derivative at a point, as a linear function of the tangents.

    Computes :math:`y = f(x)` and the function :math:`\dot x \mapsto f'(x)\,\dot x`, for many
    tangents at one point. Where it can, the second function computes nothing of :math:`f` again. (For one
    tangent :func:`jvp` costs less.)

    Parameters:
        fn: the function.
        args, kwargs: its arguments.
        wrt: what to differentiate with respect to, named as for :func:`grad`; by default all positional
            arguments that can be.
        has_aux: the function returns ``(y, aux)``.

    Returns:
        ``(y, pushforward)``, with ``has_aux`` ``(y, pushforward, aux)``; ``pushforward`` takes one tangent
        for each argument, in its structure and shape, and gives that of ``y``.

    Raises:
        DerivativeValueError: by the pushforward, if a tangent has another structure or shape.

    Example:
        >>> from srcdiff import linearize
        >>> y, push = linearize(lambda x, y: x * y, 3.0, 2.0)
        >>> push(1.0, 0.0)
        2.0
    """
    target = looked_at(fn, "linearize")
    active, ways, _ = named(fn, target, args, wrt)
    d = kept(Linearized, fn, Request("linearize", active, wrt is not None, has_aux, ways), target)
    bound = d._bind(args, kwargs)
    variant, extra = d._variant(bound.arguments)
    with explained():
        y, saved = variant.made.fn(*bound.args, **bound.kwargs, **extra)
    values = tuple(d._named(w, way, bound.arguments) for w, way in zip(active, ways, strict=True))
    push = Pushforward(variant, saved, values)
    return (y[0], push, y[1]) if has_aux else (y, push)


def vjp(
    fn: Callable[..., Any],
    *args: Any,
    wrt: Wrt = None,
    has_aux: bool = False,
    memory: int | str | None = None,
    backend: str = "numpy",
    parallel: bool = False,
    **kwargs: Any,
) -> tuple[Any, ...]:
    r"""Value and pullback: reverse mode.

    Computes :math:`y = f(x)` and the function :math:`\bar y \mapsto \bar y\, f'(x)`
    (Griewank and Walther 2008, section 3.2).

    Parameters:
        fn: the function.
        args, kwargs: its arguments.
        wrt: what to differentiate with respect to, named as for :func:`grad`; by default all positional
            arguments that can be.
        has_aux: the function returns ``(y, aux)``; the result is then ``(y, pullback, aux)``.
        memory: the most memory that both sweeps together may take, as for :func:`grad`.
        backend, parallel: as for :func:`grad`.

    Returns:
        ``(y, pullback)``; ``pullback(y_bar)`` gives one cotangent per positional argument, ``None`` where
        there is none (text, functions, integers, arguments whose operation has no rule); then one for each
        captured variable or part of an argument that ``wrt`` names, in its order.

    Raises:
        DerivativeValueError: by the pullback, if the cotangent has not the structure and shape of the result.

    Example:
        >>> from srcdiff import vjp
        >>> y, pullback = vjp(lambda x, y: x * y, 3.0, 2.0)
        >>> pullback(1.0)
        (2.0, 3.0)
    """
    target = looked_at(fn, "vjp")
    active, ways, at = named(fn, target, args, wrt)
    bytes_ = None if memory is None else amount(memory)
    backend = checked_backend(with_threads(backend, parallel))
    d = kept(Reverse, fn, Request(
        "vjp", active, wrt is not None, has_aux, ways, bytes_, backend
    ), target)
    bound = d._bind(args, kwargs)
    variant, extra = d._variant(bound.arguments)
    with explained():
        y, saved = variant.made.fn(*bound.args, **bound.kwargs, **extra)
    value = y[0] if has_aux else y
    pull = Pullback(variant, saved, value, at, len(args))
    return (value, pull, y[1]) if has_aux else (value, pull)


def named(
    fn: Any, target: Target, args: tuple[Any, ...], wrt: Wrt
) -> tuple[tuple[str, ...], tuple[Way, ...], Places]:
    """What to differentiate with respect to, and where the positional arguments stand."""
    at = places(target)
    given = at.split(args)
    if wrt is None:
        active = tuple(n for n, v in given.items() if is_differentiable(v))
        ways = tuple(map(Way, active))
    else:
        active, ways, _ = wrt_ways(wrt, (*at.names, *((at.star,) if at.star else ())), fn, target)
        for w in active:
            if w in target.signature.parameters and w not in given and w not in target.bound:
                refuse_value(
                    "wrt",
                    f"{w!r} is not given as a positional argument",
                    f"pass {w} by position, or name another in wrt=",
                )
    if not active:
        refuse_value(
            "wrt",
            f"no argument given to {name_of(fn)} can be differentiated",
            "pass a float or an array of floats",
        )
    return active, ways, at


def is_differentiable(v: Any) -> bool:
    """Whether an argument takes part if ``wrt`` is not given."""
    if is_literal(v) or (callable(v) and fields_of(v) is None) or isinstance(v, type):
        return False
    k = kind_of(v)
    return k != UNKNOWN and is_active_kind(k)
