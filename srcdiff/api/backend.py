"""The choice of a backend, and the report on what was compiled."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from srcdiff.api.targets import refuse_value

if TYPE_CHECKING:
    from srcdiff.request import Made

__all__ = [
    "COMPILED", "Backend", "Compiled", "Kernel", "Left", "checked_backend", "report_on", "with_threads",
]  # fmt: skip

Backend = Literal["numpy", "numba", "cupy-fused"]
COMPILED = ("numba", "numba-parallel")  # the second is the first with parallel=True


@dataclass(frozen=True, slots=True)
class Kernel:
    """A compiled function of a text.

    Attributes:
        name: the function in the text.
        statements: the user's statements that it stands for.
        loops: how many loops over elements it has.
        form: on the GPU, what sort of kernel it is.
        shared: how many loops threads share, with ``parallel=True``.
        serial: why the others are not shared.
    """

    name: str
    statements: tuple[str, ...]
    loops: int
    form: str = ""
    shared: int = 0
    serial: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """An operation that stayed with NumPy, or CuPy.

    Attributes:
        what: the function, or the sort of statement.
        why: why it has no compiled form.
        statement: the user's statement.
    """

    what: str
    why: str
    statement: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """What of a derivative was compiled, and what was not, and why.

    Attributes:
        backend: ``"numba"`` or ``"cupy-fused"``, or ``"numpy"`` where nothing was asked for.
        kernels: the compiled functions.
        left: the operations that stayed with NumPy.

    Example:
        >>> from srcdiff import grad
        >>> grad(lambda x: x * x).compiled(2.0)
        Compiled(backend='numpy', kernels=(), left=())
    """

    backend: str
    kernels: tuple[Kernel, ...]
    left: tuple[Left, ...]

    def __str__(self) -> str:
        lines = [f"backend: {self.backend}"]
        for k in self.kernels:
            what = k.form or f"{k.loops} loops over elements"
            what += f", {k.shared} of them shared by threads" if k.shared or k.serial else ""
            lines.append(f"{k.name}: {len(k.statements)} statements, {what}")
            lines += [f"not shared by threads: a loop of {k.name}: {why}" for why in k.serial]
        for x in self.left:
            lines.append(f"not compiled: {x.what}: {x.why}" + (f"  [{x.statement}]" if x.statement else ""))
        return "\n".join(lines)


def report_on(made: Made, backend: str) -> Compiled:
    """The report on a text."""
    plan = made.plan
    if plan is None:
        return Compiled(backend, (), ())
    kernels = tuple(
        Kernel(
            k.name,
            tuple(k.words),
            k.loops,
            getattr(k, "form", ""),
            getattr(k, "shared", 0),
            tuple(dict.fromkeys(getattr(k, "serial", ()))),
        )
        for k in plan.kernels.values()
    )
    backend = "numba" if backend in COMPILED else backend
    return Compiled(backend, kernels, tuple(Left(x.what, x.why, x.statement) for x in plan.left))


def with_threads(backend: Any, parallel: bool) -> Any:
    """The backend for loops that threads share, if that is asked for."""
    if parallel and backend not in COMPILED:
        refuse_value(
            "backend",
            f'parallel=True is for backend="numba", not for backend={backend!r}',
            'write backend="numba", parallel=True',
        )
    return "numba-parallel" if parallel else backend


def checked_backend(name: Any) -> str:
    """A backend that is there."""
    if name not in ("numpy", *COMPILED, "cupy-fused"):
        refuse_value(
            "backend",
            f"there is no backend {name!r}",
            'write backend="numpy", backend="numba" or backend="cupy-fused"',
        )
    if name in COMPILED and importlib.util.find_spec("numba") is None:
        refuse_value(
            "backend", 'backend="numba" needs numba, which is not installed', 'pip install "srcdiff[numba]"'
        )
    if name == "cupy-fused" and importlib.util.find_spec("cupy") is None:
        refuse_value(
            "backend",
            'backend="cupy-fused" needs CuPy, which is not installed',
            'pip install "srcdiff[cuda13]" or "srcdiff[cuda12]"',
        )
    return str(name)
