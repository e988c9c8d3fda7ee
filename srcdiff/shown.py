"""Reports that show themselves: a table in a terminal, plain text elsewhere."""

from __future__ import annotations

import io
import os
import sys
from abc import abstractmethod

from rich.console import Console
from rich.table import Table

__all__ = ["Shown", "cut", "short"]


class Shown:
    """What prints itself as a table, with lines below it."""

    __slots__ = ()

    @abstractmethod
    def __rich__(self) -> Table:
        """The table of a terminal."""

    @abstractmethod
    def plain(self) -> str:
        """The report as text without colours or frames."""

    def below(self) -> list[str]:
        """What stands under the table."""
        return []

    def show(self) -> None:
        """Print the report: a table in a terminal, plain text elsewhere."""
        print(self)

    def __str__(self) -> str:
        if not sys.stdout.isatty():
            return self.plain()
        out = io.StringIO()
        console = Console(file=out, force_terminal=True, width=Console().width)
        console.print(self)
        for text in self.below():
            console.print(text, markup=False, highlight=False)
        return out.getvalue().rstrip()


def short(file: str) -> str:
    """A file's name as one would type it here."""
    near = os.path.relpath(file) if os.path.isabs(file) else file
    return file if near.startswith("..") else near


def cut(text: str, width: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= width else text[: width - 3] + "..."
