"""Modules that are imported when something in them is first asked for: importing srcdiff is quick."""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ["Later", "loaded"]


class Later:
    """Stands for a module."""

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(importlib.import_module(self._name), name, value)

    def __repr__(self) -> str:
        return f"<{self._name}, imported when it is needed>"


def loaded(name: str) -> bool:
    """Whether a module has been imported already."""
    return name in sys.modules
