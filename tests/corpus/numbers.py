"""Python's numbers: rounding, division with remainder, integers, conversions, tests of type and identity."""

import math

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(36)

INF = float("inf")


def to_int(x):
    return x * int(x * 3.0) + int(x > 0.5) * x + int("12") * x


def rounded(x):
    return x * round(x * 1.7) + round(x * x, 2) + round(x, -1) * x + round(x, ndigits=None)


def floor_division(x, y):
    return x // y + x * (x // 0.5) + (7 // 2) * x


def remainder(x, y):
    return (x % y) * x + (-x) % 2.0 + 7 % 3 * x


def both_of_divmod(x, y):
    q, r = divmod(x, y)
    a, b = divmod(17, 5)
    return q * x + r * y + a * b * x


def floors(x):
    return x * x * math.floor(2.6 * x) + x * math.ceil(x) + x * math.trunc(-3.7 * x)


def modf_parts(x):
    fraction, whole = math.modf(3.3 * x)
    return fraction * fraction + whole * x


def frexp_parts(x):
    m, e = math.frexp(x)
    return m * m + e * x


def float_methods(x):
    return x * (2.0).is_integer() + x * x * x.is_integer() + x.real * 2.0 + x.conjugate() + x.imag


def fmod_copysign(x, y):
    return math.fmod(x, 0.5) * x + math.copysign(x, y) * x + math.fabs(-x)


def absolute(x):
    return abs(x) * abs(-2) + abs(x - 3.0) ** 2


def integer_powers(x):
    return pow(3, 4, 5) * x + pow(x, 2) + x ** pow(2, 2) + pow(base=x, exp=3)


def truth_of_number(x):
    flag = bool(x) and bool(1) and not bool(0.0)
    return x * flag + x * x * bool([1]) + x * bool("")


def complex_numbers(x, y):
    z = complex(x, y)
    w = z * z + complex(1.0) + 2j * x
    return abs(w) ** 2 + w.real * w.imag + (z.conjugate() * z).real


def complex_functions(x):
    z = np.exp(1j * x) + complex(x, 1.0) ** 2
    return z.real * z.imag + abs(z)


def mixed_numbers(x, n):
    return x * n / 3 + n // 2 * x + n % 4 * x + n**2 * x - True * x + (n / 2) ** 2 * x


def bits(x, n):
    total = 0.0
    k = n
    while k:
        if k & 1:
            total += x
        x = x * x
        k >>= 1
    return total + (n ^ 3) * x + (n | 8) * x + (~n) * x + (n << 2) * x


def big_integers(x):
    n = 2**100
    return x * (n // 2**98) + x * (n % 7) + float(10**20 // 10**19) * x


def infinities(x):
    best = float("inf")
    for v in (x * x, x, 2.0 * x):
        best = min(best, v)
    worst = -math.inf
    for v in (x * x, x):
        if v > worst:
            worst = v
    return best * worst + (x if best < INF else 0.0)


def not_a_number(x):
    bad = float("nan")
    return x if bad == bad or math.isnan(x) or not math.isfinite(x) or math.isinf(x) else x * x


def identities(x, y=None):
    a = x
    flag = y is None and a is not None and True is not False
    return x * x if flag and x is not y else x


def type_tests(x, n, xs):
    out = 0.0
    if type(x) is float and isinstance(n, int) and not isinstance(n, (str, bytes)):
        out += x * n
    if type(xs) is list and hasattr(xs, "append") and not hasattr(x, "shape"):
        out += sum(xs) * x
    if callable(math.sin) and not callable(x):
        out *= x
    if issubclass(bool, int):
        out += x
    return out


def numpy_or_float(x):
    if isinstance(x, np.ndarray):
        return np.sum(x * x)
    return x * 3.0


def type_name(x):
    return x * len(type(x).__name__)


def converted(x, n, xs):
    a = [float(v) for v in ("1.5", 2, "3e-1")]
    return x * float(n) + sum(float(v) for v in xs) * a[0] + float(np.sum(np.array(xs) * x)) + x * int(2.9)


def round_half_to_even(x):
    return x * (round(0.5) + round(1.5) + round(2.5) + round(2.675, 2))


def counted_steps(x):
    n = int(math.ceil(x / 0.4))
    h = x / n
    y = 1.0
    for _ in range(n):
        y = y + h * y
    return y


def table_lookup(x, table):
    k = int(x)
    t = x - k
    return (1.0 - t) * table[k] + t * table[k + 1]


def greatest_divisor(x, a, b):
    while b:
        a, b = b, a % b
    return x * a + x * math.gcd(12, 18) + x * math.factorial(4) / math.comb(5, 2)


def digits(x, n):
    s = 0
    while n > 0:
        n, d = divmod(n, 10)
        s += d
    return x**s


def numeric_literals(x):
    return x * 1_000 + x * 0x1F + x * 0b101 + x * 0o17 + x * 1e-3 + x * 5.0 + (x * 2j).imag


def compared_integers(x, n):
    if n == 3 and n != 4 and not n < 1 and n >= 3:
        return x * x
    return x


def min_max_of_mixed(x, n):
    return min(x, n) * max(1, 2, n) + max(x, 0.5, 0.25) * min([x, 3.0]) + max((n, 2)) * x


def sums(x, n):
    return sum(range(n)) * x + sum([x, x], start=1.0) + sum((x * k for k in range(n)), x)


def unary(x, n):
    return -x + +x * -n - ~n * x + (not n) * x


PROGRAMS = [
    Program("to_int", to_int, (1.2,)),
    Program("rounded", rounded, (1.23,)),
    Program("floor_division", floor_division, (1.3, 0.7), (0, 1)),
    Program("remainder", remainder, (1.3, 0.7), (0, 1)),
    Program("both_of_divmod", both_of_divmod, (1.3, 0.4), (0, 1)),
    Program("floors", floors, (1.3,)),
    Program("modf_parts", modf_parts, (1.3,)),
    Program("frexp_parts", frexp_parts, (1.3,)),
    Program("float_methods", float_methods, (1.3,)),
    Program("fmod_copysign", fmod_copysign, (1.3, -0.7), (0, 1)),
    Program("absolute", absolute, (-1.3,)),
    Program("integer_powers", integer_powers, (1.3,)),
    Program("truth_of_number", truth_of_number, (1.3,)),
    Program("complex_numbers", complex_numbers, (1.3, 0.4), (0, 1)),
    Program("complex_functions", complex_functions, (1.3,)),
    Program("mixed_numbers", mixed_numbers, (1.3, 7)),
    Program("bits", bits, (0.9, 11)),
    Program("big_integers", big_integers, (0.9,)),
    Program("infinities", infinities, (0.9,)),
    Program("not_a_number", not_a_number, (0.9,)),
    Program("identities", identities, (0.9,)),
    Program("type_tests", type_tests, (0.9, 2, [0.4])),
    Program("numpy_or_float", numpy_or_float, (0.9,)),
    Program("numpy_or_float_array", numpy_or_float, (np.array([0.9, 1.1]),)),
    Program("type_name", type_name, (0.9,)),
    Program("converted", converted, (0.9, 3, [0.4, 0.6]), (0, 2)),
    Program("round_half_to_even", round_half_to_even, (0.9,)),
    Program("counted_steps", counted_steps, (0.9,)),
    Program("table_lookup", table_lookup, (1.3, np.array([0.3, 0.8, 0.4, 1.0])), (0, 1)),
    Program("greatest_divisor", greatest_divisor, (1.3, 12, 18)),
    Program("digits", digits, (1.1, 302)),
    Program("numeric_literals", numeric_literals, (1.1,)),
    Program("compared_integers", compared_integers, (1.1, 3)),
    Program("min_max_of_mixed", min_max_of_mixed, (1.1, 3)),
    Program("sums", sums, (1.1, 4)),
    Program("unary", unary, (1.1, 4)),
]
