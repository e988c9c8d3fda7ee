"""The choice of a backend, and the report on what was compiled."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from srcdiff.api.targets import refuse_value

if TYPE_CHECKING:
    from srcdiff.request import Made

__all__ = ["Backend", "Compiled", "Kernel", "Left", "checked_backend", "report_on"]

Backend = Literal["numpy", "numba", "cupy-fused"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A compiled function of a text.

    Attributes:
        name: the function in the text.
        statements: the user's statements that it stands for.
        loops: how many loops over elements it has.
        form: on the GPU, what sort of kernel it is.
    """

    name: str
    statements: tuple[str, ...]
    loops: int
    form: str = ""


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
            lines.append(f"{k.name}: {len(k.statements)} statements, {what}")
        for x in self.left:
            lines.append(f"not compiled: {x.what}: {x.why}" + (f"  [{x.statement}]" if x.statement else ""))
        return "\n".join(lines)


def report_on(made: Made, backend: str) -> Compiled:
    """The report on a text."""
    plan = made.plan
    if plan is None:
        return Compiled(backend, (), ())
    kernels = tuple(
        Kernel(k.name, tuple(k.words), k.loops, getattr(k, "form", "")) for k in plan.kernels.values()
    )
    return Compiled(backend, kernels, tuple(Left(x.what, x.why, x.statement) for x in plan.left))


def checked_backend(name: Any) -> str:
    """A backend that is there."""
    if name not in ("numpy", "numba", "cupy-fused"):
        refuse_value(
            "backend",
            f"there is no backend {name!r}",
            'write backend="numpy", backend="numba" or backend="cupy-fused"',
        )
    if name == "numba" and importlib.util.find_spec("numba") is None:
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
