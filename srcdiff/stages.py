"""What each pass of the optimiser does to a derivative: its text before and after."""

from __future__ import annotations

import difflib
import itertools
import sys
from dataclasses import dataclass
from typing import Any

from srcdiff import pipeline
from srcdiff.api import Derivative
from srcdiff.api.derivative import text_name
from srcdiff.api.targets import refuse
from srcdiff.ir.graph import Graph, clone
from srcdiff.optimise.passes import PASSES, watching

__all__ = ["Pass", "Passes", "passes"]

OWNED = ("own", "reuse", "pack")


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass.

    Attributes:
        name: the pass.
        what: what it does, in a line.
        before: the text before it.
        after: the text after it.
    """

    name: str
    what: str
    before: str
    after: str

    def diff(self) -> str:
        """What it changed, as a unified diff; empty if nothing."""
        lines = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), "before", "after", lineterm="", n=1
        )
        return "\n".join(list(lines)[2:])


@dataclass(frozen=True, slots=True)
class Passes:
    """All passes that a derivative went through, in their order.

    Attributes:
        first: the text before any of them.
        run: the passes.
    """

    first: str
    run: tuple[Pass, ...]

    def __str__(self) -> str:
        parts = [self.first.rstrip()]
        for p in self.run:
            changed = p.diff()
            parts.append(f"# {p.name}: {p.what}\n" + (changed if changed else "# (nothing to do)"))
        return "\n\n".join(parts)

    def show(self) -> None:
        """Print the first text, and the differences that the passes made."""
        sys.stdout.write(f"{self}\n")


def passes(derivative: Any, *args: Any, **kwargs: Any) -> Passes:
    """What each pass of the optimiser does to a derivative, as differences of its text.

    Parameters:
        derivative: what ``grad`` and its kin gave.
        *args: the arguments of a call: their types and shapes are what the text is made for.
        **kwargs: the same by name.

    Returns:
        The text as the rules of the operations give it, and the passes with the texts between them.

    Raises:
        DerivativeTypeError: it is no derivative.

    Example:
        >>> import numpy as np
        >>> from srcdiff import grad
        >>> def f(x):
        ...     return np.sum(np.sin(x) * 2.0)
        >>> [p.name for p in passes(grad(f), np.ones(3)).run if p.diff()]
        ['dce', 'simplify']
    """
    if not isinstance(derivative, Derivative):
        refuse("derivative", "passes() is given what is no derivative", "pass grad(f) or another derivative")
    seen: list[tuple[str, Graph]] = []
    with watching(lambda name, graph: seen.append((name, clone(graph)[0]))):
        made = derivative._anew(derivative._bind(args, kwargs).arguments)[0]
    seen = [(name, g) for name, g in seen if g.name == made.graph.name]
    start = max(n for n, (name, _) in enumerate(seen) if name == "differentiate")
    texts = [(n, pipeline.text_at(g, text_name(derivative), n in OWNED)) for n, g in seen[start:]]
    pairs = itertools.pairwise(texts)
    return Passes(texts[0][1], tuple(Pass(n, PASSES[n], before, after) for (_, before), (n, after) in pairs))
