"""When a loop that is run again keeps a snapshot."""

from __future__ import annotations

from math import isqrt
from sys import getsizeof
from typing import Any

import numpy as np

__all__ = ["next_snapshot", "snapshots_ahead", "snapshots_for", "snapshots_within"]


def snapshots_for(trips: int) -> int:
    """The number of snapshots with which no trip is run again more than twice: about ``sqrt(2 trips)``."""
    return isqrt(2 * trips) + 1


def snapshots_ahead(snapshots: int) -> int:
    """Of so many snapshots, those that a loop takes going forwards whose number of trips is not known.

    When it has them, it drops every other one, and takes them half as often from there on; the rest is for
    the way back, between two of these.  (So it is an even number.)
    """
    return max(snapshots // 4 * 2, 2)


def snapshots_within(memory: float, *variables: Any) -> int:
    """How many snapshots of a loop's variables fit into so many bytes; one at least.

    One more is held at the end of the forward sweep.
    """
    one = 40 + sum(map(bytes_of, variables))  # (with the number of its trip)
    return max(int(memory / one) - 1, 1)


def bytes_of(value: Any) -> int:
    """The memory that a value takes, with all that is in it, as an entry of a list."""
    if isinstance(value, np.ndarray):
        return 120 + value.nbytes
    if isinstance(value, dict):
        return getsizeof(value) + sum(map(bytes_of, value.values()))
    if isinstance(value, (list, tuple)):
        return 8 + getsizeof(value) + sum(map(bytes_of, value))
    return 32


def next_snapshot(start: int, last: int, spare: int) -> int:
    """The trip up to which a loop is run on from trip ``start``, where a snapshot is held, towards ``last``.

    There the next snapshot is taken, if it is not ``last`` itself: the trips from there on are gone back over
    with one snapshot less, those before it with as many, later.  The split is that of the binomial schedule
    (Griewank and Walther, Algorithm 799: revolve, ACM TOMS 26, 2000), which runs fewest trips again.

    Args:
        start: the trip before which the snapshot last taken was taken.
        last: the trip that is gone back over next; those from ``start`` to ``last`` are still to do.
        spare: how many more snapshots may be held at once.

    Returns:
        A trip after ``start``, ``last`` at most.

    Example:
        >>> next_snapshot(0, 9, 2)
        4
    """
    if spare < 1:
        return last
    c = spare + 1  # with that at ``start``
    length = last + 1 - start
    before, ways, repeats = 1, c + 1, 1  # ways = (c + repeats)! / (c! repeats!): trips with so many repeats
    while ways < length:
        repeats += 1
        before, ways = ways, ways * (c + repeats) // repeats
    # with a snapshot and a repeat less: (c + repeats - 2)! / ((c - 1)! (repeats - 1)!)
    after = before * c // (c + repeats - 1)
    return start + min(before, length - after)
