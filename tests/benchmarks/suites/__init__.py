"""Workloads of the benchmarks: ordinary NumPy functions, with what the peers need beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SUITES = {
    "scalar": "scalar loops",
    "tiny": "tiny functions of floats",
    "sequential": "sequential loops over arrays",
    "stencils": "stencils",
    "fused": "element-wise work and reductions",
    "dense": "dense machine learning",
    "linear": "linear algebra",
}


@dataclass(frozen=True)
class Work:
    """A function, its arguments, and the ports that are not made by machine (`port.py`)."""

    name: str
    suite: str
    function: Callable[..., Any]
    arguments: Callable[[np.random.Generator], tuple[Any, ...]]
    jax: Callable[..., Any] | None  # the natural port; None: made by machine
    expert: Callable[..., Any] | None  # as somebody writes it who knows what XLA does well
    eager: bool  # PyTorch and autograd run the same text
    npbench: bool


WORKS: list[Work] = []


def work(
    suite: str,
    arguments: Callable[[np.random.Generator], tuple[Any, ...]],
    *,
    jax: Callable[..., Any] | None = None,
    expert: Callable[..., Any] | None = None,
    eager: bool = False,
    npbench: bool = False,
) -> Callable[[Any], Any]:
    """Add a function to a suite; its gradient is taken with respect to the first argument."""

    def add(f: Any) -> Any:
        WORKS.append(Work(f.__name__, suite, f, arguments, jax, expert, eager, npbench))
        return f

    return add


def everything() -> list[Work]:
    from . import dense, fused, linear, scalar, sequential, stencils, tiny  # noqa: F401

    return WORKS
