"""Dataclasses of which many are made: that nobody changes a frozen one is held by the type checker alone.

At run time a frozen class would set each field by a call of its own, which takes three times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses

    def dataclass(*, frozen=False, eq=True, **options):
        """``dataclasses.dataclass``, in which what is frozen has a hash, as there, and may be changed."""
        return dataclasses.dataclass(eq=eq, unsafe_hash=frozen and eq, **options)
