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
    import reprlib

    def dataclass(*, frozen=False, eq=True, **options):
        """``dataclasses.dataclass``, in which what is frozen has a hash, as there, and may be changed."""
        made = dataclasses.dataclass(eq=eq, unsafe_hash=frozen and eq, repr=False, **options)

        def make(cls):
            if "__repr__" not in vars(cls):
                cls.__repr__ = shown
            return made(cls)

        return make

    @reprlib.recursive_repr()
    def shown(self):
        """One for all classes: each of its own is a text that is compiled."""
        parts = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
        return f"{type(self).__qualname__}({', '.join(parts)})"
