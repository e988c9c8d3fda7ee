"""srcdiff: derivatives of ordinary Python and NumPy functions, as readable Python source."""

from srcdiff.api import (
    Derivative,
    Pullback,
    bilinear,
    differential,
    elementwise,
    grad,
    jvp,
    linear,
    nondifferentiable,
    pullback,
    register,
    source,
    stop_gradient,
    value_and_grad,
    vjp,
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
from srcdiff.report import Report, check_source
from srcdiff.testing import check_rule

__all__ = [
    "Derivative",
    "DerivativeTypeError",
    "DerivativeValueError",
    "NoRule",
    "Pullback",
    "Report",
    "SourceNotFound",
    "SrcdiffError",
    "UnsupportedSyntax",
    "WrongDerivative",
    "bilinear",
    "check_rule",
    "check_source",
    "differential",
    "elementwise",
    "grad",
    "jvp",
    "linear",
    "nondifferentiable",
    "pullback",
    "register",
    "source",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
__version__ = "0.1.0"
