"""Rules of ``scipy.special``, one family to a module; imported when that is.

The sections cited are those of the NIST Digital Library of Mathematical Functions (DLMF).  An operand in
which no closed derivative exists (the order of a Bessel function, the shapes of an incomplete beta function)
has the partial ``None``: where it varies, that is refused, never taken for zero.
"""

from srcdiff.rules.scipy_special import (
    bessel,
    constant,
    convex,
    distributions,
    elliptic,
    error,
    exponential,
    gamma,
    hypergeometric,
    logistic,
    polynomials,
)

__all__ = [
    "bessel",
    "constant",
    "convex",
    "distributions",
    "elliptic",
    "error",
    "exponential",
    "gamma",
    "hypergeometric",
    "logistic",
    "polynomials",
]
