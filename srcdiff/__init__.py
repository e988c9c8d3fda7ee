"""srcdiff: derivatives of ordinary Python and NumPy functions, as readable Python source."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from srcdiff.api import (
    Derivative,
    Pullback,
    Pushforward,
    bilinear,
    checkpoint,
    derivative,
    differential,
    elementwise,
    elementwise_grad,
    gauss_newton_vp,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    laplacian,
    linear,
    linearize,
    nondifferentiable,
    pullback,
    register,
    source,
    sparse_hessian,
    sparse_jacobian,
    stop_gradient,
    taylor,
    value_and_grad,
    vhp,
    vjp,
    vmap,
)
from srcdiff.errors import (
    DerivativeTypeError,
    DerivativeValueError,
    NoRule,
    SourceNotFound,
    SrcdiffError,
    UnsupportedSyntax,
    WrongDerivative,
)

if TYPE_CHECKING:
    from srcdiff import adapters
    from srcdiff.blocks import in_blocks
    from srcdiff.graphs import captured
    from srcdiff.profiles import Profile, report
    from srcdiff.runtime import eigh, svd
    from srcdiff.stages import Passes, passes
    from srcdiff.statements import Report, check_source
    from srcdiff.tapes import Tape, tape
    from srcdiff.testing import check_rule

__all__ = [
    "Derivative",
    "DerivativeTypeError",
    "DerivativeValueError",
    "NoRule",
    "Passes",
    "Profile",
    "Pullback",
    "Pushforward",
    "Report",
    "SourceNotFound",
    "SrcdiffError",
    "Tape",
    "UnsupportedSyntax",
    "WrongDerivative",
    "adapters",
    "bilinear",
    "captured",
    "check_rule",
    "check_source",
    "checkpoint",
    "derivative",
    "differential",
    "eigh",
    "elementwise",
    "elementwise_grad",
    "gauss_newton_vp",
    "grad",
    "hessian",
    "hvp",
    "in_blocks",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "laplacian",
    "linear",
    "linearize",
    "nondifferentiable",
    "passes",
    "pullback",
    "register",
    "report",
    "source",
    "sparse_hessian",
    "sparse_jacobian",
    "stop_gradient",
    "svd",
    "tape",
    "taylor",
    "value_and_grad",
    "vhp",
    "vjp",
    "vmap",
]
__version__ = "0.1.0"

_LATER = {  # what not everybody needs is imported when it is first asked for
    "Profile": "profiles", "report": "profiles", "eigh": "runtime", "svd": "runtime", "Report": "statements",
    "check_source": "statements", "Passes": "stages", "passes": "stages", "Tape": "tapes", "tape": "tapes",
    "captured": "graphs", "in_blocks": "blocks", "check_rule": "testing",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "adapters":
        return importlib.import_module("srcdiff.adapters")
    if name not in _LATER:
        raise AttributeError(f"module 'srcdiff' has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(f"srcdiff.{_LATER[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
