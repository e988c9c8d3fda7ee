"""Emitted texts kept on disk between processes: whether they are, where, and how to be rid of them.

It is off by default; ``SRCDIFF_KEEP=1`` in the environment, or ``srcdiff.cache.enable()``, turns it on.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from srcdiff.later import Later
from srcdiff.load import cache_folder

if TYPE_CHECKING:
    import shutil
else:
    shutil = Later("shutil")

__all__ = ["clear", "enable", "enabled", "folder", "info", "suspend"]

_suspended = False  # rules or classes were added: texts made with these are for this process alone
_said: bool | None = None  # by the program; the environment speaks where it has said nothing


def enabled() -> bool:
    """Whether texts are kept, and kept texts used."""
    if _suspended:
        return False
    if _said is not None:
        return _said
    return os.environ.get("SRCDIFF_KEEP", "").lower() not in ("", "0", "no", "off", "false")


def enable(on: bool = True) -> None:
    """Keep emitted texts on disk, and use those that are kept, from now on.

    A text is used again by a process in which everything that it was made from is the same: the code of the
    function and of all functions and classes that it reads, the values outside that are part of the text,
    the types of the arguments, the options, and the versions of srcdiff, Python, NumPy and SciPy.

    Parameters:
        on: False turns it off.

    Example:
        >>> import srcdiff.cache
        >>> srcdiff.cache.enable()  # from here on, until a rule or a class of one's own is added
        >>> srcdiff.cache.enable(False)
        >>> srcdiff.cache.enabled()
        False
    """
    global _said
    _said = on


def suspend() -> None:
    """Keep nothing in this process from now on, use nothing that was kept: a rule or a class was added."""
    global _suspended
    _suspended = True


def folder() -> Path:
    """Where texts are kept: ``kept`` in ``$SRCDIFF_CACHE``, or in this user's cache folder of srcdiff."""
    return cache_folder() / "kept"


def info() -> tuple[int, int]:
    """How many texts are kept, and how many bytes they take."""
    sizes = []
    for file in folder().glob("*/*.json"):
        with contextlib.suppress(FileNotFoundError):  # somebody has cleared it meanwhile
            sizes.append(file.stat().st_size)
    return len(sizes), sum(sizes)


def clear() -> int:
    """Remove all texts that are kept; how many there were."""
    count, _ = info()
    shutil.rmtree(folder(), ignore_errors=True)
    return count
