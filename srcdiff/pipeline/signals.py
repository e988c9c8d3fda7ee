"""What the parts of the front end raise to each other: a stage lets these pass."""

from __future__ import annotations

from srcdiff.frontend import recursion
from srcdiff.frontend.core import Bottom, Stop

__all__ = ["SIGNALS"]

SIGNALS = (Stop, Bottom, recursion.Again)
