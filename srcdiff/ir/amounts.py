"""Amounts of memory in words: ``"2 GB"``."""

from __future__ import annotations

import re
from typing import Any

from srcdiff.errors import DerivativeValueError, Problem

__all__ = ["amount", "written"]

UNITS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}
FORM = re.compile(r"\s*(\d+(?:_\d+)*(?:\.\d*)?|\.\d+)\s*([kmgt]i?)?(?:b|bytes?)?\s*", re.IGNORECASE)


def amount(given: Any) -> int:
    """The bytes that ``"2 GB"``, ``"512 MiB"`` or a number of bytes stand for; kB, MB, GB are powers of ten.

    Raises:
        DerivativeValueError: it is no amount of memory, or not more than nothing.

    Example:
        >>> amount("1.5 MB"), amount("64 KiB"), amount(1000)
        (1500000, 65536, 1000)
    """
    bytes_ = 0
    if isinstance(given, str):
        found = FORM.fullmatch(given)
        if found is not None:
            bytes_ = int(float(found[1].replace("_", "")) * UNITS[(found[2] or "").lower()])
    elif isinstance(given, (int, float)) and not isinstance(given, bool) and 0 < given < float("inf"):
        bytes_ = int(given)
    if bytes_ < 1:
        raise DerivativeValueError(
            Problem(
                "memory",
                f"{given!r} is no amount of memory",
                help='write bytes as a number, or an amount like "2 GB" or "512 MiB"',
            )
        )
    return bytes_


def written(n: int) -> str:
    """Bytes as one writes them.

    Example:
        >>> written(1_234_567)
        '1.23 MB'
    """
    if n < 1000:
        return f"{n} B"
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n >= size:
            return f"{n / size:.3g} {unit}" if n < 999.5 * size else f"{n // size} {unit}"
    raise AssertionError(n)
