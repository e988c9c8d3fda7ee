"""Complex numbers of Python and the functions of ``cmath``."""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np

from corpus.program import Program


def functions_of_cmath(x: float, y: float) -> Any:
    z = complex(x, y)
    return abs(cmath.exp(z) + cmath.sqrt(z) + cmath.sin(z) * cmath.log(z)) + cmath.phase(z)


def polar_coordinates(x: float, y: float) -> Any:
    r, phi = cmath.polar(complex(x, y))
    z = cmath.rect(2.0 * r, phi + 0.1 * x)
    return z.real * z.imag


def fourier_coefficients(x: float, y: float) -> Any:
    total = 0j
    for k in range(4):
        total += cmath.exp(-2j * cmath.pi * k * x) * y**k
    return abs(total) ** 2


def roots_of_a_quadratic(x: float, y: float) -> Any:
    d = cmath.sqrt(y * y - 4.0 * x)
    r1, r2 = (-y + d) / 2.0, (-y - d) / 2.0
    return (r1 * r1 + r2**3).real + abs(r1 - r2)


def inverse_functions(x: float, y: float) -> Any:
    z = complex(x, y)
    w = cmath.acos(z) * cmath.asinh(z) / cmath.tanh(z) + cmath.atanh(z) * cmath.acosh(z) - cmath.atan(z)
    return w.real * w.imag


def newton_in_the_plane(x: float, y: float) -> Any:
    z = complex(x, y)
    for _ in range(3):
        z = z - (z**3 - 1.0) / (3.0 * z**2)
    return abs(z - 1.0) if not cmath.isnan(z) else 0.0


def bases(x: float, y: float) -> Any:
    return cmath.log(x, 2.0).real + cmath.log(complex(x, y), y).imag + cmath.log10(complex(y, x)).real


def written(t: Any) -> Any:
    for k in range(3):
        t[k] = t[k] * (1.0 + 2.0j) ** k + t[0]
    t[1:] += t[:2] * 1j
    return np.sum(np.abs(t) ** 2) + np.imag(t[0] * t[1])


def numbers_made_complex(x: Any) -> Any:
    return written(x + 0j)


def a_choice_made_complex(x: Any) -> Any:
    return written(np.where(x > 0.0, x, 1j))


def elements_beside_complex_ones(x: Any) -> Any:
    return written(np.array([x[0], x[1], 1j]))


def a_part_of_what_is_complex(x: Any) -> Any:
    t = (x - 1j)[1:]
    t[0] = t[0] * (1.0 + 2.0j)
    return np.real(t[0] * t[1]) + np.imag(t[0])


def the_real_part_of_what_a_loop_writes(x: Any) -> Any:
    z = x * (1.0 + 2.0j)
    for k in range(3):
        z[k] = z[k] * 1j + z[0]
    return np.sum(np.real(z) * x)


PROGRAMS = [
    *(
        Program(f"complex_{f.__name__}", f, (np.array([1.0, 2.0, 3.0]),))
        for f in (
            numbers_made_complex, a_choice_made_complex, elements_beside_complex_ones,
            a_part_of_what_is_complex, the_real_part_of_what_a_loop_writes,
        )
    ),
    *(
        Program(f"cmath_{f.__name__}", f, (0.6, 1.8), wrt=(0, 1))
        for f in (
            functions_of_cmath, polar_coordinates, fourier_coefficients, roots_of_a_quadratic,
            inverse_functions, newton_in_the_plane, bases,
        )
    ),
]  # fmt: skip
