"""Forward mode: ``jvp``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from srcdiff.api.backend import checked_backend, with_threads
from srcdiff.api.specialise import NOTES, Arguments, Specialised, check_argument, extra_names, kept
from srcdiff.api.structures import tangent
from srcdiff.api.targets import Target, looked_at, name_of, refuse, refuse_value
from srcdiff.api.wrt import Wrt, wrt_ways
from srcdiff.frontend.paths import Way
from srcdiff.later import Later
from srcdiff.load import explained
from srcdiff.request import Request

if TYPE_CHECKING:
    from srcdiff import pipeline
    from srcdiff.ir.graph import Graph
    from srcdiff.request import Made
else:
    pipeline = Later("srcdiff.pipeline")

__all__ = ["Places", "jvp", "places"]


@dataclass(frozen=True, slots=True)
class Places:
    """Where positional arguments stand: names of parameters, and how many follow in ``*args``."""

    names: tuple[str, ...]
    star: str | None

    def split(self, values: Sequence[Any]) -> dict[str, Any]:
        """Positional values by the name of their parameter."""
        out: dict[str, Any] = dict(zip(self.names, values, strict=False))
        if self.star is not None and len(values) > len(self.names):
            out[self.star] = tuple(values[len(self.names) :])
        return out

    def join(self, table: Mapping[str, Any], count: int) -> tuple[Any, ...]:
        """Values by name, in the order of the arguments."""
        first = [table.get(n) for n in self.names[:count]]
        if len(first) < count:
            rest = table.get(self.star) if self.star is not None else None
            first += rest if rest is not None else [None] * (count - len(first))
        return tuple(first)


def places(target: Target) -> Places:
    """The positional parameters that are not bound yet."""
    names = []
    star = None
    for n, p in target.signature.parameters.items():
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and n not in target.bound:
            names.append(n)
        elif p.kind is p.VAR_POSITIONAL:
            star = n
    return Places(tuple(names), star)


class Forward(Specialised):
    """Forward mode of one function."""

    def _make(self, arguments: Arguments) -> tuple[Made, None]:
        wrt = self._request.wrt
        for w in wrt:
            if w in arguments:
                check_argument(self.primal, w, arguments[w])
        graph = self._primal_graph(self._params(arguments, self._all_wrt()), arguments)
        made = pipeline.derivative_graph(graph, self._request, last=True)
        made.info.update({k: graph.info[k] for k in NOTES if k in graph.info})
        name = name_of(self.primal)
        text = f"Value of {name} and its change along the tangents of {', '.join(wrt)}{self._for(arguments)}."
        text += self._memory(arguments)
        return pipeline.finish(made, f"{name if name.isidentifier() else 'f'}_jvp", text, self._backend), None

    def _sweeps(self, graph: Graph, arguments: Arguments) -> tuple[Graph, ...]:
        return (pipeline.derivative_graph(graph, self._request),)

    def push(self, bound: inspect.BoundArguments, tangents: Mapping[str, Any]) -> tuple[Any, ...]:
        """Value and tangent, and what else the function returns."""
        variant, extra = self._variant(bound.arguments)
        made = variant.made
        words = extra_names(made, self._target.signature)
        dots: dict[str, Any] = {}
        for w, way, p in zip(self._request.wrt, self._request.ways, made.graph.info["tangents"], strict=True):
            dots[words[p]] = tangent(tangents[w], self._named(w, way, bound.arguments), w)
        with explained():
            return made.fn(*bound.args, **bound.kwargs, **extra, **dots)  # type: ignore[no-any-return]


def jvp(
    fn: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Any,
    wrt: Wrt = None,
    has_aux: bool = False,
    backend: str = "numpy",
    parallel: bool = False,
    **kwargs: Any,
) -> tuple[Any, ...]:
    r"""Value and directional derivative: forward mode.

    Computes :math:`(f(x), f'(x)\,\dot x)` (Griewank and Walther 2008, section 3.1).

    Parameters:
        fn: the function.
        primals: its positional arguments.
        tangents: a tangent for each of them, of its structure and shape; ``None`` for one held fixed (the
            integer 0 says the same of an integer).
        wrt: names, as for :func:`grad`; then ``tangents`` is the tangent of what is named (a tuple if several
            are named), and all else is held fixed.
        has_aux: the function returns ``(y, aux)``; the result is then ``(y, y_dot, aux)``.
        backend, parallel: as for :func:`grad`.
        kwargs: further arguments, held fixed.

    Returns:
        ``(y, y_dot)``; both in the structure of the function's result.

    Raises:
        DerivativeValueError: the numbers of primals and tangents differ, or a tangent has another shape.

    Example:
        >>> from srcdiff import jvp
        >>> jvp(lambda x, y: x * y, (3.0, 2.0), (1.0, 0.0))
        (6.0, 2.0)
    """
    if wrt is not None:
        return along_named(fn, primals, tangents, wrt, has_aux, kwargs, with_threads(backend, parallel))
    both = (primals, tangents)
    if not all(isinstance(x, (tuple, list)) for x in both) or len(primals) != len(tangents):
        refuse_value(
            "tangents", "jvp needs one tangent for each positional argument, both as tuples",
            "write jvp(f, (x, y), (x_dot, y_dot)), with None for an argument held fixed",
        )  # fmt: skip
    target = looked_at(fn, "jvp")
    at = places(target)
    if all(t is None for t in tangents):
        refuse_value("tangents", "every tangent is None", "call the function itself, or give a tangent")
    if len(primals) > len(at.names) and at.star is None:
        refuse(
            "arguments",
            f"{name_of(fn)} takes {len(at.names)} positional arguments, {len(primals)} given",
            f"its arguments are {', '.join(at.names)}",
        )
    values = at.split(tuple(primals))
    dots = {n: t for n, t in at.split(tuple(tangents)).items() if t is not None}
    moving = {n: t for n, t in dots.items() if not (type(values[n]) is int and type(t) is int and t == 0)}
    dots = moving or dots  # (a whole number that does not move may be a count, and stays one)
    if at.star in dots and all(t is None for t in dots[at.star]):
        del dots[at.star]
    backend = checked_backend(with_threads(backend, parallel))
    request = Request("jvp", tuple(dots), has_aux=has_aux, ways=tuple(map(Way, dots)), backend=backend)
    d = kept(Forward, fn, request, target)
    assert isinstance(d, Forward)
    return d.push(d._bind(tuple(primals), kwargs), dots)


def along_named(
    fn: Any, primals: Sequence[Any], tangents: Any, wrt: Wrt, has_aux: bool, kwargs: Mapping[str, Any],
    backend: str,
) -> tuple[Any, ...]:
    """``jvp`` along tangents of what is named."""
    target = looked_at(fn, "jvp")
    names = tuple(n for n in target.signature.parameters if n not in target.bound)
    texts, ways, single = wrt_ways(wrt, names, fn, target)
    several = (tangents,) if single else tangents
    if not isinstance(several, (tuple, list)) or len(several) != len(texts):
        refuse_value(
            "tangents", f"wrt names {', '.join(texts)}: jvp needs one tangent for each",
            "give them as a tuple, in the order of wrt",
        )  # fmt: skip
    request = Request("jvp", texts, has_aux=has_aux, ways=ways, backend=checked_backend(backend))
    d = kept(Forward, fn, request, target)
    assert isinstance(d, Forward)
    return d.push(d._bind(tuple(primals), kwargs), dict(zip(texts, several, strict=True)))
