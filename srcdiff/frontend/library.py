"""Functions of Python and of installed packages: read in place if that goes well, else called as they are.

What goes wrong inside is not the user's business: there is one problem, at the user's own call.
"""

from __future__ import annotations

import functools
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from srcdiff.frontend.core import Stop
from srcdiff.frontend.scope import Agg, Bound, Closure, Derived, Known, Loc, Partial
from srcdiff.frontend.trial import recover, snapshot
from srcdiff.ir.records import dataclass

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Unreadable", "begins", "calls_back", "is_library", "is_library_class", "read"]

FOLDERS = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} - {None}
)
STATEFUL = ("random",)  # (to read these would be to take the state as it is now)
BECAUSE = {
    "aliasing": "which of its arrays share memory is known only at run time",
    "attribute-write": "it writes to attributes of objects",
    "call": "which functions it calls is known only at run time",
    "class": "it makes objects of classes of its own",
    "no-rule": "it calls compiled functions that have no rule",
    "recursion": "it calls itself in a way that cannot be followed",
    "syntax": "it uses statements that cannot be differentiated",
}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a library function could not be read."""

    why: str


@functools.lru_cache(maxsize=1024)
def is_library(file: str) -> bool:
    """Whether a file belongs to Python or to an installed package."""
    return file.startswith(FOLDERS) or (file.startswith("<frozen") and file.endswith(">"))


def is_library_class(cls: type) -> bool:
    """Whether a class is one of Python's or of an installed package."""
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return module is not None and module.__name__ != "__main__" and (file is None or is_library(file))


def package(module: str) -> str:
    return module.partition(".")[0]


def begins(lw: Lowerer, found: Any) -> bool:
    """Whether the user's program calls into a library here, by calling this function."""
    if lw.frame.static or lw.boundary is not None or not is_library(found.file):
        return False
    root = lw.graph.info.get("source")  # a program that is installed itself is the user's all the same
    return root is None or package(root.module_name) != package(found.module_name)


@contextmanager
def inside(lw: Lowerer, node: Any, text: str) -> Iterator[None]:
    """Reading a library function that the user calls: the first problem ends it."""
    lw.boundary = (lw.frame, node, text)
    try:
        yield
    finally:
        lw.boundary = None


def read(
    lw: Lowerer,
    inline: Callable[[], Bound],
    refuse: Callable[[Unreadable], Bound],
    node: Any,
    text: str,
) -> Bound:
    """What ``inline`` reads of a library function; if it cannot, what ``refuse`` makes of the call."""
    mark, captured = snapshot(lw), captures(lw)
    try:
        with inside(lw, node, text):
            return inline()
    except Stop as stop:
        problem = stop.problem
    own = problem is not None and problem.file and not is_library(problem.file)
    if own and problem.slug != "capture":  # type: ignore[union-attr]
        raise Stop(problem)  # in a function of the user's that the library calls back
    recover(lw, mark)
    forget(lw, captured)
    return refuse(Unreadable(BECAUSE.get(problem.slug if problem else "", "its text cannot be read through")))


def calls_back(args: list[Bound], lw: Lowerer) -> bool:
    """Whether functions of the user's are among the arguments."""
    return any(isinstance(a, (Closure, Partial, Derived)) or is_user_function(a, lw) for a in args)


def is_user_function(b: Bound, lw: Lowerer) -> bool:
    if isinstance(b, Known):
        return isinstance(b.obj, types.FunctionType) and not is_library(b.obj.__code__.co_filename)
    if isinstance(b, Loc) and isinstance(lw.state.cells.get(b.cell), Agg):
        b = lw.state.cells[b.cell]
    return isinstance(b, Agg) and calls_back(list(b.items), lw)


# ---- what reading has taken from outside ------------------------------------------------------------


def captures(lw: Lowerer) -> Any:
    info = lw.graph.info
    return (
        dict(lw.captures), dict(lw.capture_vals), dict(lw.guards), len(lw.graph.region.params),
        len(info.get("entry", ())), dict(info.get("cells", {})), dict(lw.adopted),
    )  # fmt: skip


def forget(lw: Lowerer, before: Any) -> None:
    lw.captures, lw.capture_vals, lw.guards, params, entry, cells, lw.adopted = before
    del lw.graph.region.params[params:]
    del lw.graph.info.setdefault("entry", [])[entry:]
    lw.letters.clear()
    lw.graph.info["cells"] = cells


