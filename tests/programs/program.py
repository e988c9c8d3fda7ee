"""One program of the collection, and the list that a module of programs keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from corpus.program import tree

__all__ = ["Program", "adder", "tree"]


@dataclasses.dataclass(frozen=True)
class Program:
    """A whole program, what it exercises, and the arguments at which its derivatives are checked."""

    name: str
    exercises: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: tuple[int, ...] = (0,)
    tolerance: float = 1e-7  # against four-point differences, relative to the largest entry
    no_order2: str = ""  # why second derivatives are not checked; they are where this is empty
    peer: bool | Callable[..., Any] = False  # JAX runs this text as it is, or this function in its place

    @property
    def wrt_option(self) -> int | tuple[int, ...]:
        """`wrt` as a user would give it: a single position for a single argument."""
        return self.wrt[0] if len(self.wrt) == 1 else self.wrt


def adder(programs: list[Program]) -> Callable[..., None]:
    """`add(function, exercises, args, ...)` for one module: the function's name is the program's."""

    def add(function: Callable[..., Any], exercises: str, args: tuple[Any, ...], **options: Any) -> None:
        programs.append(Program(function.__name__, exercises, function, args, **options))

    return add
