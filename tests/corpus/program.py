"""One entry of the program corpus."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import optree

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Program:
    """A function, the arguments to differentiate it at, and what is to be checked there."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: tuple[int, ...] = (0,)
    kwargs: dict[str, Any] = dataclasses.field(default_factory=dict)
    tolerance: float = 1e-7  # against four-point differences, relative to the largest entry
    order2: bool = True  # second derivatives are to be checked
    reverse: bool = True
    forward: bool = True
    scalar: bool = True  # the result is one number
    warns: bool = False  # NumPy warns when the function itself runs

    @property
    def wrt_option(self) -> int | tuple[int, ...]:
        """`wrt` as a user would give it: a single position for a single argument."""
        return self.wrt[0] if len(self.wrt) == 1 else self.wrt


def tree(cls: type[T]) -> type[T]:
    """Lets the tests' numeric helpers look into a dataclass; srcdiff itself needs no such mark."""
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    optree.register_pytree_node(
        cls,
        lambda value: ([getattr(value, name) for name in names], None, names),
        lambda _, children: cls(*children),
        namespace="corpus",
    )
    return cls
