"""Errors that speak of the user's own file, line and column."""

from __future__ import annotations

import linecache
from dataclasses import dataclass

__all__ = [
    "DerivativeTypeError",
    "DerivativeValueError",
    "InternalError",
    "NoRule",
    "Problem",
    "SourceNotFound",
    "SrcdiffError",
    "TooDeep",
    "UnsupportedSyntax",
    "WrongDerivative",
    "problem_at",
    "which_raises",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that cannot be done: where, what, why, and what to write instead."""

    slug: str
    what: str
    file: str = ""
    line: int = 0
    column: int = 0
    end_column: int = 0
    text: str = ""
    label: str = ""
    note: str = ""
    help: str = ""

    def render(self) -> str:
        """The problem as a compiler would print it."""
        out = [f"error[{self.slug}]: {self.what}"]
        if self.file:
            place = f"{self.file}:{self.line}" + (f":{self.column + 1}" if self.text else "")
            out.append(f"  --> {place}")
        if self.text:
            number = str(self.line)
            pad = " " * len(number)
            width = max(1, min(self.end_column, len(self.text)) - self.column)
            out.append(f" {pad} |")
            out.append(f" {number} | {self.text}")
            out.append(f" {pad} | {' ' * self.column}{'^' * width} {self.label}".rstrip())
        if self.note:
            out.append(f"  = note: {self.note}")
        if self.help:
            out.append(f"  = help: {self.help}")
        if self.slug:
            out.append(f"  = see:  docs/errors.md#{self.slug}")
        return "\n".join(out)


def problem_at(
    slug: str, what: str, file: str, line: int, text: str, note: str = "", help: str = ""
) -> Problem:
    """A problem with a statement: all of its line, if that is all of it."""
    whole = linecache.getline(file, line).rstrip() if file else ""
    text = whole if text.startswith(whole.strip()) else text
    return Problem(slug, what, file, line, len(text) - len(text.lstrip()), len(text), text, "", note, help)


class SrcdiffError(Exception):
    """Base of all errors of srcdiff; carries one or several problems."""

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(p if isinstance(p, Problem) else Problem("error", p) for p in problems)
        super().__init__("\n".join(p.render() for p in self.problems))


class SourceNotFound(SrcdiffError, OSError):
    """The source text of a function cannot be had, or is not what is running."""


class UnsupportedSyntax(SrcdiffError, SyntaxError):
    """A construct that cannot be differentiated."""

    graph: object = None  # what could be read, for the report

    def __str__(self) -> str:
        return "\n".join(p.render() for p in self.problems)


class TooDeep(UnsupportedSyntax):
    """A construct that nests deeper than can be followed."""


def which_raises(error: type[Exception]) -> type[UnsupportedSyntax]:
    """The error of a function that always raises ``error``: it is one of these, too."""
    return type(UnsupportedSyntax.__name__, (UnsupportedSyntax, error), {"__module__": __name__})


class NoRule(SrcdiffError, NotImplementedError):
    """An active value meets a function that has neither a rule nor Python source."""


class DerivativeTypeError(SrcdiffError, TypeError):
    """An argument that cannot be differentiated, or does not fit."""


class DerivativeValueError(SrcdiffError, ValueError):
    """A value that does not fit (names in ``wrt``, shapes of tangents and cotangents)."""


class WrongDerivative(SrcdiffError, AssertionError):
    """A derivative that disagrees with numbers."""


class InternalError(SrcdiffError, RuntimeError):
    """A fault of srcdiff itself."""
