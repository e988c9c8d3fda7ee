"""srcdiff: derivatives of ordinary Python and NumPy functions, as readable Python source."""

from srcdiff.api import Derivative, grad, jvp, source, stop_gradient, value_and_grad, vjp
from srcdiff.errors import (
    DerivativeTypeError,
    DerivativeValueError,
    NoRule,
    SourceNotFound,
    SrcdiffError,
    UnsupportedSyntax,
)
from srcdiff.report import Report, check_source

__all__ = [
    "Derivative",
    "DerivativeTypeError",
    "DerivativeValueError",
    "NoRule",
    "Report",
    "SourceNotFound",
    "SrcdiffError",
    "UnsupportedSyntax",
    "check_source",
    "grad",
    "jvp",
    "source",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
__version__ = "0.1.0"
