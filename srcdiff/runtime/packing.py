"""Numbers of Python's that a trip of a loop saves, as bytes: a third of the memory of a tuple of them."""

from __future__ import annotations

from struct import Struct

__all__ = [
    "pack_3", "pack_4", "pack_5", "pack_6", "pack_7", "pack_8", "pack_9", "pack_10", "pack_11", "pack_12",
    "unpack_3", "unpack_4", "unpack_5", "unpack_6", "unpack_7", "unpack_8", "unpack_9",
    "unpack_10", "unpack_11", "unpack_12",
]  # fmt: skip

# (not functions around these, which would take as long as what they save)
pack_3, unpack_3 = Struct("3d").pack, Struct("3d").unpack
pack_4, unpack_4 = Struct("4d").pack, Struct("4d").unpack
pack_5, unpack_5 = Struct("5d").pack, Struct("5d").unpack
pack_6, unpack_6 = Struct("6d").pack, Struct("6d").unpack
pack_7, unpack_7 = Struct("7d").pack, Struct("7d").unpack
pack_8, unpack_8 = Struct("8d").pack, Struct("8d").unpack
pack_9, unpack_9 = Struct("9d").pack, Struct("9d").unpack
pack_10, unpack_10 = Struct("10d").pack, Struct("10d").unpack
pack_11, unpack_11 = Struct("11d").pack, Struct("11d").unpack
pack_12, unpack_12 = Struct("12d").pack, Struct("12d").unpack
