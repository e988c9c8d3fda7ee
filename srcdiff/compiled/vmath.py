"""Elementary functions in plain arithmetic, which LLVM turns into vector instructions.

numba calls the C library for `exp` and its kin, one number at a time, and a loop with such a call stays a
scalar loop. The functions of this module have no calls, branches or loops left when they are inlined: a loop
over elements that uses them is vectorised as a whole, without `fastmath`.

They take float64 or float32 (which is computed in double precision and rounded once) and are ordinary Python
functions, too. All cases of IEEE arithmetic are as NumPy has them: infinities, NaN, subnormal numbers, signed
zeros, arguments of `sin`, `cos` and `tan` of any size.

The errors are bounded in units in the last place (float64; `tests/compiled/test_vmath.py` holds them against
mpmath):

    exp 1    expm1 2    log 1    log1p 1    sin 1    cos 1    tan 2
    sinh 2   cosh 2     tanh 2   atan 2     erf 1    erfc 4   hypot 2   logaddexp 2 (of the larger term)

`sin`, `cos` and `tan` of arguments beyond 2**20 that are within 1e-16 of a multiple of pi/2 have an absolute
error of 1e-30 instead. In a chain of scalar operations, each of which waits for the one before, the C library
(`math.exp`) is as fast or faster: these are for loops whose trips are independent.

    >>> from srcdiff.compiled import vmath
    >>> round(vmath.exp(1.0), 14)
    2.71828182845905
    >>> vmath.sin(1e22)
    -0.8522008497671888
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

INF = math.inf
NAN = math.nan


# what the arithmetic is made of, in Python; below, what numba makes of it


def to_bits(x: Any) -> int:
    """The bits of a float64 as an integer with a sign."""
    n: int = struct.unpack("<q", struct.pack("<d", x))[0]
    return n


def from_bits(n: int) -> float:
    """The float64 that has these bits."""
    x: float = struct.unpack("<d", struct.pack("<q", n))[0]
    return x


def fma(x: Any, y: Any, z: Any) -> Any:
    """x * y + z, rounded once where the processor can, else twice."""
    return x * y + z


def error(x: Any, y: Any, p: Any) -> Any:
    """x * y - p without an error, where `p` is the rounded product."""
    xh = x * 134217729.0
    xh = xh - (xh - x)
    yh = y * 134217729.0
    yh = yh - (yh - y)
    xl, yl = x - xh, y - yh
    return ((xh * yh - p) + xh * yl + xl * yh) + xl * yl


def double(x: Any) -> Any:
    """A number as float64."""
    return float(x)


def like(y: Any, x: Any) -> Any:
    """`y` in the precision of `x`."""
    return np.float32(y) if isinstance(x, np.float32) else y


def element(table: Any, i: int) -> Any:
    """An element of a table of constants, by an index that is in it."""
    return float(table[i])


def jitable(f: F) -> F:
    """A function that kernels may call: inlined there; ordinary Python elsewhere."""
    return f


try:
    import numba
except ImportError:
    pass
else:
    from srcdiff.compiled.vectors import install

    jitable = install(numba, to_bits, from_bits, fma, error, double, like, element)


# e**x

LOG2E = 1.4426950408889634
LN2 = 0.6931471805599453
LN2_HIGH = 6.93147180369123816490e-01  # 33 bits: products with exponents are exact
LN2_LOW = 1.90821492927058770002e-10
ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it leaves an integer in the low bits
ROUND_BITS = 0x4338000000000000
E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12, E13 = (1.0 / math.factorial(k) for k in range(2, 14))


@jitable
def _power(x: Any) -> Any:
    """The integer k next to x / log(2), plus ROUND."""
    return fma(x, LOG2E, ROUND)


@jitable
def _rest(x: Any, t: Any) -> Any:
    """x - k log(2)."""
    n = t - ROUND
    return fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))


@jitable
def _series(r: Any) -> Any:
    """(e**r - 1 - r) / r**2 for abs(r) <= log(2) / 2."""
    p = fma(r, E13, E12)
    p = fma(p, r, E11)
    p = fma(p, r, E10)
    p = fma(p, r, E9)
    p = fma(p, r, E8)
    p = fma(p, r, E7)
    p = fma(p, r, E6)
    p = fma(p, r, E5)
    p = fma(p, r, E4)
    p = fma(p, r, E3)
    return fma(p, r, E2)


@jitable
def _exp(x: Any) -> Any:
    y = 710.0 if x > 710.0 else x
    y = -746.0 if y < -746.0 else y
    y = y if y == y else 0.0
    t = _power(y)
    r = _rest(y, t)
    p = 1.0 + fma(_series(r) * r, r, r)
    k = to_bits(t) - ROUND_BITS
    half = k >> 1  # in two factors: 2**k itself may be out of range
    v = p * from_bits((half + 1023) << 52) * from_bits((k - half + 1023) << 52)
    return v if x == x else x


@jitable
def _quarter(y: Any) -> Any:
    """(e**y - 1) / 4 for -40 <= y <= 710.7."""
    t = _power(y)
    r = _rest(y, t)
    q = fma(_series(r) * r, r, r)
    s = from_bits((to_bits(t) - ROUND_BITS + 1021) << 52)
    return fma(s, q, s - 0.25)


@jitable
def _expm1(x: Any) -> Any:
    y = 710.7 if x > 710.7 else x
    y = -40.0 if y < -40.0 else y
    y = y if y == y else 0.0
    v = _quarter(y) * 4.0
    v = x if abs(x) < 1e-17 else v
    return v if x == x else x


@jitable
def _sinh(x: Any) -> Any:
    y = abs(x)
    y = 710.7 if y > 710.7 else y
    y = y if y == y else 0.0
    e = _quarter(y)
    v = 2.0 * e + 0.5 * (e / (e + 0.25))
    v = -v if x < 0.0 else v
    v = x if abs(x) < 1e-17 else v
    return v if x == x else x


@jitable
def _cosh(x: Any) -> Any:
    y = abs(x)
    y = 710.7 if y > 710.7 else y
    y = y if y == y else 0.0
    e = _quarter(y)
    v = (2.0 * e + 0.5) + 0.125 / (e + 0.25)
    return v if x == x else x


@jitable
def _tanh(x: Any) -> Any:
    y = abs(x)
    y = 22.0 if y > 22.0 else y
    y = y if y == y else 0.0
    e = _quarter(2.0 * y)
    v = e / (e + 0.5)
    v = -v if x < 0.0 else v
    v = x if abs(x) < 1e-17 else v
    return v if x == x else x


# logarithms, as in Sun's fdlibm

L1, L2, L3 = 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01
L4, L5, L6 = 2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01
L7 = 1.479819860511658591e-01


@jitable
def _ln(x: Any, below: Any, c: Any) -> Any:
    """log(x) - below * log(2) + c / x for a normal number x > 0; c is small beside x."""
    b = to_bits(x)
    k = ((b + 0x00095F619980C433) >> 52) - 1023
    f = from_bits(b - (k << 52)) - 1.0  # 1 + f is between sqrt(1/2) and sqrt(2)
    kf = (from_bits(ROUND_BITS + k) - ROUND) - below
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = z * fma(w, fma(w, fma(w, L7, L5), L3), L1)
    odd = w * fma(w, fma(w, L6, L4), L2)
    h = 0.5 * f * f
    return kf * LN2_HIGH - ((h - (fma(s, h + (even + odd), kf * LN2_LOW + c))) - f)


@jitable
def _log(x: Any) -> Any:
    tiny = x < 2.2250738585072014e-308
    y = x * 18014398509481984.0 if tiny else x
    good = (y > 0.0) & (y < INF)
    v = _ln(y if good else 1.0, 54.0 if tiny else 0.0, 0.0)
    v = v if good else x
    v = -INF if x == 0.0 else v
    return NAN if x < 0.0 else v


@jitable
def _log1p(x: Any) -> Any:
    u = 1.0 + x
    good = (u > 0.0) & (u < INF)
    y = u if good else 1.0
    # what was lost in 1 + x, to first order
    lost = x - (u - 1.0) if abs(x) < 1.0 else 1.0 - (u - x)
    v = _ln(y, 0.0, (lost if good else 0.0) / y)
    v = v if good else u
    v = -INF if x == -1.0 else v
    v = NAN if x < -1.0 else v
    return x if abs(x) < 1e-17 else v


# sines: the argument is taken modulo pi/2 by 160 bits of 2/pi, without those that give whole turns

TWO_OVER_PI = int(
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e0"
    "06492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f4"
    "9c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d"
    "7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc209af4361d",
    16,
)  # times 2**1280
SMALLEST = -30  # smaller x are taken to be 2**SMALLEST, whose cosine is 1, and whose sine is not used
HALF_PI = 1.5707963267948966
HALF_PI_LOW = 6.123233995736766e-17
TURNS = 216172782113783808.0  # 1.5 * 2**57: adding it leaves a multiple of 32


def _digits() -> tuple[tuple[float, ...], ...]:
    """2/pi modulo 4 / ulp(x), times 2**e, in three parts, for each exponent e of x."""
    rows = []
    for e in range(SMALLEST, 1024):
        kept = TWO_OVER_PI % (1 << (1280 + 54 - e)) if e > 54 else TWO_OVER_PI
        parts = []
        for _ in range(3):
            drop = max(kept.bit_length() - 53, 0)
            top = kept >> drop << drop
            parts.append(math.ldexp(top >> drop, drop - 1280 + e))
            kept -= top
        rows.append(parts)
    return tuple(zip(*rows, strict=True))


D0, D1, D2 = (np.array(part) for part in _digits())
S1, S2, S3 = -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04
S4, S5, S6 = 2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10
C1, C2, C3 = 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05
C4, C5, C6 = -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11


@jitable
def _turn(x: Any) -> tuple[Any, Any, Any]:
    """abs(x) modulo pi/2, in two parts, and the quarter turn that it is in (modulo 4)."""
    y = abs(x)
    y = y if y < INF else 1.0
    y = y if y > 9.313225746154785e-10 else 9.313225746154785e-10
    b = to_bits(y)
    e = (b >> 52) - 1023
    m = from_bits(b - (e << 52))
    d0, d1, d2 = element(D0, e + 30), element(D1, e + 30), element(D2, e + 30)
    p0 = m * d0
    e0 = error(m, d0, p0)
    p1 = m * d1
    e1 = error(m, d1, p1)
    p0 = p0 - ((p0 + TURNS) - TURNS)
    t = ((p0 + e0) + p1) + ROUND
    f = p0 - (t - ROUND)
    a = f + e0
    v = a - f
    low = (f - (a - v)) + (e0 - v)
    h = a + p1
    v = h - a
    low = low + ((a - (h - v)) + (p1 - v))
    low = low + (e1 + m * d2)
    s = h + low
    low = low - (s - h)
    r = s * HALF_PI
    return r, error(s, HALF_PI, r) + (s * HALF_PI_LOW + low * HALF_PI), to_bits(t) - ROUND_BITS


@jitable
def _sine(r: Any, low: Any, z: Any) -> Any:
    p = fma(z, fma(z, fma(z, fma(z, S6, S5), S4), S3), S2)
    return r + (fma(r * z, fma(z, p, S1), low * fma(-0.5, z, 1.0)))


@jitable
def _cosine(r: Any, low: Any, z: Any) -> Any:
    p = fma(z, fma(z, fma(z, fma(z, fma(z, C6, C5), C4), C3), C2), C1)
    h = 0.5 * z
    w = 1.0 - h
    return w + (((1.0 - w) - h) + fma(z * z, p, -r * low))


@jitable
def _sin(x: Any) -> Any:
    r, low, k = _turn(x)
    z = r * r
    v = _sine(r, low, z) if (k & 1) == 0 else _cosine(r, low, z)
    v = v if (k & 2) == 0 else -v
    v = -v if x < 0.0 else v
    v = x if abs(x) < 1e-8 else v
    return v if abs(x) < INF else NAN


@jitable
def _cos(x: Any) -> Any:
    r, low, k = _turn(x)
    z = r * r
    v = _cosine(r, low, z) if (k & 1) == 0 else _sine(r, low, z)
    v = v if ((k + 1) & 2) == 0 else -v
    return v if abs(x) < INF else NAN


@jitable
def _tan(x: Any) -> Any:
    r, low, k = _turn(x)
    z = r * r
    s, c = _sine(r, low, z), _cosine(r, low, z)
    v = s / c if (k & 1) == 0 else -c / s
    v = -v if x < 0.0 else v
    v = x if abs(x) < 1e-8 else v
    return v if abs(x) < INF else NAN


# the other inverse, and what belongs to the normal distribution

A0, A1, A2, A3 = -0.3333333333333333, 0.1999999999999811, -0.1428571428545286, 0.11111111096734444
A4, A5, A6, A7 = -0.09090908671838482, 0.07692300203948461, -0.06666577176976154, 0.058815955151831856
A8, A9, A10 = -0.052584319361275764, 0.04739521834582911, -0.042655579740822215
A11, A12, A13 = 0.03761194479021337, -0.03148006267562862, 0.023966734507252077
A14, A15, A16 = -0.015808582702862905, 0.008575755653708939, -0.0036089965529276053
A17, A18, A19 = 0.0010918362582609214, -0.00020959197221000355, 1.9073365277302253e-05


@jitable
def _atan(x: Any) -> Any:
    y = abs(x)
    r = 1.0 / y if y > 1.0 else y
    z = r * r
    w = z * z
    p = fma(w, fma(w, fma(w, fma(w, A18, A16), A14), A12), A10)
    p = fma(w, fma(w, fma(w, fma(w, fma(w, p, A8), A6), A4), A2), A0)
    q = fma(w, fma(w, fma(w, fma(w, A19, A17), A15), A13), A11)
    q = fma(w, fma(w, fma(w, fma(w, fma(w, q, A9), A7), A5), A3), A1)
    v = r * z * fma(z, q, p)
    v = HALF_PI + (HALF_PI_LOW - (v + r)) if y > 1.0 else r + v
    v = -v if x < 0.0 else v
    return v if y > 1e-8 else x


# (erf(x) - x) / x by x**2 up to 1
R0, R1, R2, R3 = 0.1283791670955126, -0.3761263890318375, 0.11283791670954885, -0.02686617064507789
R4, R5, R6 = 0.005223977624828577, -0.0008548326981434284, 0.00012055331133281978
R7, R8, R9 = -1.4925595780100056e-05, 1.646100860492709e-06, -1.635039756121271e-07
R10, R11, R12 = 1.466033760728403e-08, -1.1374989461747561e-09, 5.960741139270484e-11
# (1 + 2 y) e**(y**2) erfc(y) by t = (y - 15/4) / (y + 15/4), for y from 1/2 to 28
Q0, Q1, Q2, Q3 = 1.2375126308378275, -0.1402405985855468, 0.0035854154854669047, 0.08227673849012208
Q4, Q5, Q6 = -0.10880393014191711, 0.09230432116130308, -0.05869339858519171
Q7, Q8, Q9 = 0.028362277402217275, -0.009746579618119294, 0.0017556260175626392
Q10, Q11, Q12 = 0.0002937141389533796, -0.0002901550476724285, 5.164677333450641e-05
Q13, Q14, Q15 = 2.2387787350687456e-05, -1.1436791372625368e-05, -9.81785155453323e-07
Q16, Q17, Q18 = 1.7366108927976907e-06, -4.544001901825114e-08, -2.3937125405386754e-07
Q19, Q20 = 1.3591645374183024e-08, 2.4248167336782242e-08


@jitable
def _near(x: Any) -> Any:
    """erf(x) for abs(x) <= 1."""
    z = x * x
    p = fma(z, fma(z, fma(z, fma(z, fma(z, fma(z, R12, R11), R10), R9), R8), R7), R6)
    p = fma(z, fma(z, fma(z, fma(z, fma(z, fma(z, p, R5), R4), R3), R2), R1), R0)
    return fma(x, p, x)


@jitable
def _far(y: Any) -> Any:
    """erfc(y) for 1/2 <= y <= 28."""
    t = (y - 3.75) / (y + 3.75)
    p = fma(t, fma(t, fma(t, fma(t, fma(t, fma(t, Q20, Q19), Q18), Q17), Q16), Q15), Q14)
    p = fma(t, fma(t, fma(t, fma(t, fma(t, fma(t, fma(t, p, Q13), Q12), Q11), Q10), Q9), Q8), Q7)
    p = fma(t, fma(t, fma(t, fma(t, fma(t, fma(t, fma(t, p, Q6), Q5), Q4), Q3), Q2), Q1), Q0)
    s = y * y
    low = error(y, y, s)
    return _exp(-s) * ((1.0 - low) * p / fma(2.0, y, 1.0))


@jitable
def _erf(x: Any) -> Any:
    y = abs(x)
    y = y if y < 6.0 else 6.0
    v = _near(y if y < 1.0 else 1.0) if y < 1.0 else 1.0 - _far(y if y > 0.5 else 0.5)
    v = -v if x < 0.0 else v
    v = v if abs(x) > 1e-300 else x * 1.1283791670955126
    return v if x == x else x


@jitable
def _erfc(x: Any) -> Any:
    y = abs(x)
    y = y if y < 28.0 else 28.0
    far = _far(y if y > 0.5 else 0.5)
    near = 1.0 - _near(x if y < 1.0 else 1.0)
    v = near if y < 0.5 else (2.0 - far if x < 0.0 else far)
    return v if x == x else x


@jitable
def _hypot(x: Any, y: Any) -> Any:
    x, y = abs(x), abs(y)
    m = x if x > y else y
    scale = 2.0**-600 if m > 2.0**500 else 2.0**600 if m < 2.0**-500 else 1.0  # squares stay in range
    back = 2.0**600 if m > 2.0**500 else 2.0**-600 if m < 2.0**-500 else 1.0
    u, v = x * scale, y * scale
    h = math.sqrt(u * u + v * v) * back
    return INF if x == INF or y == INF else h


@jitable
def _logaddexp(x: Any, y: Any) -> Any:
    larger = x if x > y else y
    both = larger + _log1p(_exp(-abs(x - y)))
    return x + LN2 if x == y else both  # (infinities have no difference)


@jitable
def exp(x: Any) -> Any:
    """e**x."""
    return like(_exp(double(x)), x)


@jitable
def expm1(x: Any) -> Any:
    """e**x - 1, exact near zero."""
    return like(_expm1(double(x)), x)


@jitable
def log(x: Any) -> Any:
    """The natural logarithm."""
    return like(_log(double(x)), x)


@jitable
def log1p(x: Any) -> Any:
    """log(1 + x), exact near zero."""
    return like(_log1p(double(x)), x)


@jitable
def sin(x: Any) -> Any:
    """The sine."""
    return like(_sin(double(x)), x)


@jitable
def cos(x: Any) -> Any:
    """The cosine."""
    return like(_cos(double(x)), x)


@jitable
def tan(x: Any) -> Any:
    """The tangent."""
    return like(_tan(double(x)), x)


@jitable
def sinh(x: Any) -> Any:
    """The hyperbolic sine."""
    return like(_sinh(double(x)), x)


@jitable
def cosh(x: Any) -> Any:
    """The hyperbolic cosine."""
    return like(_cosh(double(x)), x)


@jitable
def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return like(_tanh(double(x)), x)


@jitable
def atan(x: Any) -> Any:
    """The inverse tangent."""
    return like(_atan(double(x)), x)


@jitable
def hypot(x: Any, y: Any) -> Any:
    """The length of a vector of two numbers."""
    return like(_hypot(double(x), double(y)), x)


@jitable
def logaddexp(x: Any, y: Any) -> Any:
    """log(e**x + e**y)."""
    return like(_logaddexp(double(x), double(y)), x + y)


@jitable
def erf(x: Any) -> Any:
    """The error function."""
    return like(_erf(double(x)), x)


@jitable
def erfc(x: Any) -> Any:
    """1 - erf(x), exact where that is small."""
    return like(_erfc(double(x)), x)
