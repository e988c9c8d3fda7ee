"""What of ``scipy.stats`` has no derivative, or none that is known."""

from __future__ import annotations

__all__: list[str] = []
