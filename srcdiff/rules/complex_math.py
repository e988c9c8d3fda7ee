"""Rules of the functions of ``cmath``, spelled with ``cmath``, as those of ``math`` are with ``math``.

The conventions are those of NumPy's functions of complex numbers (docs/kinks.md): transposes without
conjugation, and 0 for an infinite slope of a finite value.  ``cmath.polar`` is read as the modulus and the
phase.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

from srcdiff.rules.registry import differential, elementwise, nondifferentiable, pullback


@elementwise(cmath.exp)
def exp(z: Any, *, out: Any) -> Any:
    return out


@elementwise(cmath.log)
def log(z: Any, base: Any = None, *, out: Any) -> Any:
    if base is None:
        return 1.0 / z, None
    return 1.0 / (z * cmath.log(base)), -out / (base * cmath.log(base))


@elementwise(cmath.log10)
def log10(z: Any) -> Any:
    return 1.0 / (z * cmath.log(10.0))


@elementwise(cmath.sqrt)
def sqrt(z: Any, *, out: Any) -> Any:
    return 0.5 / out if out != 0.0 else 0.0


# --- angles -------------------------------------------------------------------------------------------------


@elementwise(cmath.sin)
def sin(z: Any) -> Any:
    return cmath.cos(z)


@elementwise(cmath.cos)
def cos(z: Any) -> Any:
    return -cmath.sin(z)


@elementwise(cmath.tan)
def tan(z: Any, *, out: Any) -> Any:
    return 1.0 + out * out


@elementwise(cmath.asin)
def asin(z: Any) -> Any:
    root = cmath.sqrt(1.0 - z) * cmath.sqrt(1.0 + z)
    return 1.0 / root if root != 0.0 else 0.0


@elementwise(cmath.acos)
def acos(z: Any) -> Any:
    root = cmath.sqrt(1.0 - z) * cmath.sqrt(1.0 + z)
    return -1.0 / root if root != 0.0 else 0.0


@elementwise(cmath.atan)
def atan(z: Any) -> Any:
    return 1.0 / (1.0 + z * z)


@elementwise(cmath.sinh)
def sinh(z: Any) -> Any:
    return cmath.cosh(z)


@elementwise(cmath.cosh)
def cosh(z: Any) -> Any:
    return cmath.sinh(z)


@elementwise(cmath.tanh)
def tanh(z: Any, *, out: Any) -> Any:
    return 1.0 - out * out


@elementwise(cmath.asinh)
def asinh(z: Any) -> Any:
    root = cmath.sqrt(1.0 + z * 1j) * cmath.sqrt(1.0 - z * 1j)
    return 1.0 / root if root != 0.0 else 0.0


@elementwise(cmath.acosh)
def acosh(z: Any) -> Any:
    root = cmath.sqrt(z - 1.0) * cmath.sqrt(z + 1.0)
    return 1.0 / root if root != 0.0 else 0.0


@elementwise(cmath.atanh)
def atanh(z: Any) -> Any:
    return 1.0 / (1.0 - z * z)


# --- polar coordinates --------------------------------------------------------------------------------------


@elementwise(cmath.rect)
def rect(r: Any, phi: Any, *, out: Any) -> Any:
    return cmath.rect(1.0, phi), out * 1j


@differential(cmath.phase)
def phase(z: Any, *, z_dot: Any) -> Any:
    radius = abs(z) if z != 0.0 else math.inf
    return (z.conjugate() / radius * z_dot).imag / radius


@pullback(cmath.phase, "z")
def phase_bar(z: Any, *, out_bar: Any) -> Any:
    radius = abs(z) if z != 0.0 else math.inf
    return -1j * out_bar * z.conjugate() / radius / radius


nondifferentiable(cmath.isclose, cmath.isfinite, cmath.isinf, cmath.isnan)
