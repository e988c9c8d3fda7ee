"""What derivative is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from srcdiff.frontend.paths import Way

__all__ = ["Request"]


@dataclass(frozen=True)
class Request:
    """What is asked for: the mode and the arguments to differentiate with respect to."""

    mode: str  # "grad", "value_and_grad", "jvp", "vjp", or one of the family
    wrt: tuple[str, ...]
    single: bool = True
    has_aux: bool = False
    ways: tuple[Way, ...] = ()
    memory: int | None = None  # the bytes that it may take
    backend: str = "numpy"  # or "numba"
    option: Any = 1  # the order of "derivative" and "taylor", the axes of "vmap"
