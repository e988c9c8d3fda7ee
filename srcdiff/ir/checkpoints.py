"""The mark of what is computed again instead of being kept: nothing at run time, read by reverse mode."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any

from srcdiff.ir.amounts import amount

__all__ = ["checkpoint", "is_again", "is_budget", "is_marked"]


class Block:
    """What ``with checkpoint():`` enters."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


BLOCK = Block()


def checkpoint(what: Any = None, snapshots: int | None = None, memory: int | str | None = None) -> Any:
    """Mark a function, a loop or a block whose values are computed again in the backward sweep, not kept.

    ===============================================  ====================================================
    ``step = checkpoint(step)``, ``@checkpoint``     of a call only its arguments are kept
    ``with checkpoint():``                           of the block only what it reads from outside
    ``for t in checkpoint(range(n), snapshots=c):``  of the loop's variables ``c`` snapshots
    ``with checkpoint(snapshots=c):``                the same for the loops in it, of any kind
    ``with checkpoint(memory="1 GB"):``              as many snapshots as fit, told before the loop
    ===============================================  ====================================================

    It changes no result and no derivative, only what reverse mode keeps in memory meanwhile.  A loop of ``n``
    trips is run forwards again from its snapshots by the binomial schedule (Griewank and Walther, Algorithm
    799: revolve, ACM TOMS 26, 2000): at most ``r`` times as many trips again as there are, where ``r`` is the
    smallest number with ``n <= (c + r)! / (c! r!)``.  The forward sweep takes the first snapshots; of a
    ``while``, or a loop with ``break``, every few trips, and more seldom as there come to be more of them.

    Args:
        what: a function, or what a loop goes over; nothing for ``with``.
        snapshots: how many snapshots of the loop's variables are kept; without it about ``sqrt(2 n)``, and
            no trip is run again more than twice.
        memory: how many bytes the snapshots may take (or an amount like ``"500 MB"``), by the size of the
            variables before the loop, instead of their number.

    Returns:
        The function with the mark; what the loop goes over, as it is; a manager that does nothing.

    Raises:
        ValueError: if ``snapshots`` is less than 1, or ``memory`` is no amount of memory.

    Example:
        >>> from srcdiff import checkpoint, grad
        >>> def f(x, n):
        ...     for t in checkpoint(range(n), snapshots=3):
        ...         x = x - 0.1 * x * x
        ...     return x
        >>> round(grad(f)(1.0, 10), 6)
        0.218283
    """
    if snapshots is not None and snapshots < 1:
        raise ValueError(f"checkpoint needs at least one snapshot, not {snapshots}")
    if memory is not None:
        amount(memory)
        if snapshots is not None:
            raise ValueError("checkpoint takes snapshots= or memory=, not both")
    if what is None:
        return BLOCK
    return marked(what) if callable(what) else what


def marked(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is called as it is, and known as checkpointed to those who read the call."""

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    vars(call)["__srcdiff__"] = "checkpointed"
    return call


vars(checkpoint)["__srcdiff__"] = "checkpoint"


def is_marked(op: Any) -> bool:
    """Whether an operation is a block with this mark."""
    return op.code == "with" and op.fn is checkpoint


def is_budget(op: Any) -> bool:
    """Whether a block with this mark says how much memory snapshots may take, not how many they are."""
    return bool(op.attrs.get("names") == ("memory",))


def is_again(op: Any) -> bool:
    """Whether all of the block is computed again in the backward sweep, not its loops from snapshots."""
    return is_marked(op) and not op.ins
