"""What derivative is asked for, and what is made then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from srcdiff.frontend.paths import Way

if TYPE_CHECKING:
    from srcdiff.compiled.partition import Plan
    from srcdiff.cuda.plan import Plan as FusedPlan
    from srcdiff.emit.assemble import Text
    from srcdiff.ir.graph import Graph

__all__ = ["LARGE", "Made", "Request"]

LARGE = 65_536  # numbers in an array: from there on a text that goes over some rows at a time is worth it


@dataclass(frozen=True)
class Request:
    """What is asked for: the mode and the arguments to differentiate with respect to."""

    mode: str  # "grad", "value_and_grad", "jvp", "vjp", or one of the family
    wrt: tuple[str, ...]
    single: bool = True
    has_aux: bool = False
    ways: tuple[Way, ...] = ()
    memory: int | None = None  # the bytes that it may take
    backend: str = "numpy"  # or "numba", "numba-parallel", "cupy-fused"
    option: Any = 1  # the order of "derivative" and "taylor", the axes of "vmap"


@dataclass
class Made:
    """A compiled derivative."""

    fn: Callable[..., Any]
    text: Text
    graph: Graph
    read: frozenset[str] = frozenset()  # captures that are no parameters of the text
    extra: dict[str, Any] = field(default_factory=dict)
    plan: Plan | FusedPlan | None = None  # of the kernels, if it has some
    kept: bool = False  # the text was kept by another process: the graph says what it depends on, no more
