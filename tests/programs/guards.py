"""Exceptions, context managers, match, generators, global state, text: the language around the numbers."""

import contextlib
import functools
import logging
import math
import warnings

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(83)
log = logging.getLogger(__name__)


def cholesky_with_jitter(K, y):
    """The usual loop: add jitter until the factorisation succeeds."""
    jitter = 1e-10
    while True:
        try:
            L = np.linalg.cholesky(K + jitter * np.eye(len(K)))
            break
        except np.linalg.LinAlgError:
            jitter *= 100.0
    z = np.linalg.solve(L, y)
    return z @ z + 2 * np.sum(np.log(np.diag(L)))


add(
    cholesky_with_jitter,
    "try in a while True, break inside try, retried on LinAlgError",
    (np.array([[1.0, 0.9, 0.2], [0.9, 0.8, 0.3], [0.2, 0.3, 1.0]]), np.array([0.3, -0.5, 1.0])),
    wrt=(0, 1),
    tolerance=1e-5,
    no_order2="the matrix is hardly positive definite; second differences lose their digits",
)


def safe_logs_with_except(xs):
    total = 0.0
    bad = 0
    for x in xs:
        try:
            total += math.log(x)
        except ValueError:
            bad += 1
            total -= x * x
    return total / (len(xs) - bad)


add(safe_logs_with_except, "a domain error caught in a loop, counted", ([0.5, -0.3, 2.0, 1.5],), peer=False)


def parse_config_with_defaults(scale, config):
    def get(key, default):
        try:
            return float(config[key])
        except KeyError:
            return default

    offset = get("offset", 0.5)
    power = get("power", 2.0)
    return (scale * get("gain", 1.0) + offset) ** power


add(
    parse_config_with_defaults,
    "KeyError caught by a helper, floats parsed from text",
    (1.4, {"gain": "2.5", "unused": "1"}),
    peer=True,
)


def newton_finally_log(x, target):
    steps = []
    try:
        for k in range(30):
            f = x * math.exp(x) - target
            if abs(f) < 1e-13:
                return x
            x = x - f / (math.exp(x) * (1 + x))
            steps.append(k)
        raise RuntimeError("did not converge")
    finally:
        log.debug("took %d steps", len(steps))


add(newton_finally_log, "return inside try with finally and logging", (0.8, 1.5), wrt=(1,), peer=True)


def errstate_guarded_ratio(num, den):
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = num / den
        logs = np.log(np.abs(ratio))
    return np.sum(np.where(np.isfinite(logs), logs, 0.0) ** 2) + ratio[0]


add(
    errstate_guarded_ratio,
    "np.errstate around a division",
    (np.array([1.0, 2.0, 0.5]), np.array([0.7, 1.6, -2.0])),
    wrt=(0, 1),
)


@contextlib.contextmanager
def temporarily(params, **changes):
    old = dict(params)
    params.update(changes)
    try:
        yield params
    finally:
        params.clear()
        params.update(old)


def contextmanager_parameters(k, x):
    params = {"k": k, "c": 0.3}
    base = params["k"] * x**2 + params["c"] * x
    with temporarily(params, k=2 * k) as p:
        high = p["k"] * x**2 + p["c"] * x
    again = params["k"] * x**3
    return base * high + again


add(
    contextmanager_parameters,
    "a generator as context manager that changes a dict and puts it back",
    (0.8, 1.3),
    wrt=(0, 1),
    peer=True,
)


def suppress_and_nullcontext(values, strict=False):
    total = 0.0
    manager = contextlib.nullcontext() if strict else contextlib.suppress(ZeroDivisionError)
    for v in values:
        with manager:
            total += 1.0 / (v["w"] if "w" in v else 0) * v["x"]
    return total


add(
    suppress_and_nullcontext,
    "contextlib.suppress chosen at the start, ZeroDivisionError swallowed",
    ([{"x": 1.0, "w": 2.0}, {"x": 3.0}, {"x": 0.5, "w": 0.4}],),
    peer=True,
)


def activation_by_match(x, spec):
    def activate(v, s):
        match s:
            case "relu":
                return np.maximum(v, 0.0)
            case {"name": "leaky", "slope": slope}:
                return np.where(v > 0, v, slope * v)
            case ("scaled", factor, inner):
                return factor * activate(v, inner)
            case [first, *rest]:
                out = activate(v, first)
                return activate(out, rest) if rest else out
            case _ if callable(s):
                return s(v)
            case _:
                raise ValueError(f"unknown activation {s!r}")

    return np.sum(activate(x, spec) ** 2)


add(
    activation_by_match,
    "match on strings, mappings, sequences, a guard, recursion",
    (rng.normal(size=5), [{"name": "leaky", "slope": 0.2}, ("scaled", 1.5, np.tanh), "relu"]),
)


def minibatches(X, y, size):
    for start in range(0, len(X), size):
        yield X[start : start + size], y[start : start + size]


def epochs(n):
    lr = 0.1
    for e in range(n):
        yield e, lr
        lr *= 0.9


def generator_training_loop(w, X, y):
    for epoch, lr in epochs(2):
        for xb, yb in minibatches(X, y, 2):
            g = xb.T @ (xb @ w - yb) / len(xb)
            w = w - lr * g
    return np.mean((X @ w - y) ** 2)


add(
    generator_training_loop,
    "generators for epochs and minibatches",
    (rng.normal(size=2), rng.normal(size=(5, 2)), rng.normal(size=5)),
    wrt=(0, 1, 2),
    peer=True,
)


def fibonacci_like(a, b):
    while True:
        yield a
        a, b = b, 0.5 * a + b


def infinite_generator_takewhile(a, b):
    total = 0.0
    for i, v in enumerate(fibonacci_like(a, b)):
        if v > 5.0 or i > 20:
            break
        total += math.sin(v)
    return total


add(infinite_generator_takewhile, "an infinite generator left by break", (0.3, 0.5), wrt=(0, 1), peer=True)


def walk(node):
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from walk(child)
    else:
        yield node


def yield_from_flatten(nested):
    return sum(v * v * (i + 1) for i, v in enumerate(walk(nested)))


add(
    yield_from_flatten,
    "a recursive generator with yield from",
    ([1.0, [0.5, [2.0, -1.0]], (0.3,)],),
    peer=True,
)


_call_count = 0


def counted(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        global _call_count
        _call_count += 1
        return f(*args, **kwargs)

    return wrapper


@counted
def drag(v, c=0.47):
    return 0.5 * c * v * abs(v)


def decorated_helper_counts(v0, m):
    v = v0
    for _ in range(10):
        v -= 0.1 * (9.81 + drag(v, c=0.2) / m)
    return v**2


add(
    decorated_helper_counts,
    "a helper wrapped by a decorator that counts in a global",
    (30.0, 1.5),
    wrt=(0, 1),
    peer=True,
)


@functools.lru_cache(maxsize=None)
def binomial(n, k):
    return 1 if k in (0, n) else binomial(n - 1, k - 1) + binomial(n - 1, k)


def bernstein_lru_cache(coeffs, x):
    n = len(coeffs) - 1
    return sum(c * binomial(n, i) * x**i * (1 - x) ** (n - i) for i, c in enumerate(coeffs))


add(
    bernstein_lru_cache,
    "binomial coefficients from a cached recursion",
    ([0.2, 1.0, -0.5, 0.8], 0.35),
    wrt=(0, 1),
    peer=True,
)


def f_string_dispatch(x, mode, order):
    table = {"poly_1": lambda v: v, "poly_2": lambda v: v * v, "trig_1": math.sin, "trig_2": math.cos}
    name = f"{mode.lower().strip()}_{order:d}"
    label = f"{x:.3f}" if x < 0 else "positive"
    return table[name](x) * (2.0 if label == "positive" else 3.0)


add(f_string_dispatch, "a function looked up by an f-string", (0.7, " Poly ", 2), peer=True)


def warn_and_continue(x, limit):
    if x > limit:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.warn("clipped", RuntimeWarning, stacklevel=2)
        x = limit + math.tanh(x - limit)
    return x**2


add(warn_and_continue, "catch_warnings around a warning", (1.8, 1.2), wrt=(0, 1), peer=True)


def walrus_reading_tokens(text, k):
    """Coefficients parsed from text with walrus and a dict comprehension; a polynomial evaluated."""
    it = iter(text.split(","))
    total, i = 0.0, 0
    while (token := next(it, None)) is not None:
        if (value := token.strip()) and not value.startswith("#"):
            total += float(value) * k**i
            i += 1
    terms = {i: k**i for i in range(3)}
    return total + sum(terms.values())


add(
    walrus_reading_tokens,
    "walrus in a while over next(it, None), text parsed",
    ("1.0, 2.5, #x, -0.7", 0.6),
    wrt=(1,),
    peer=True,
)


def star_args_everywhere(*coeffs, x=0.5, **extras):
    first, *middle, last = coeffs
    merged = {"a": 1.0, **extras, "b": 2.0}
    total = first * x + sum(middle) * x**2 + last * x**3
    return total * merged["a"] + merged["b"] * max(*coeffs)


def star_arguments_forwarded(c, x):
    settings = dict(x=x, a=0.7)
    return star_args_everywhere(*c, **settings) + star_args_everywhere(1.0, *c[1:], 2.0)


add(
    star_arguments_forwarded,
    "*args, keyword-only and ** forwarded and merged, starred targets",
    ((0.4, 1.2, -0.3), 0.8),
    wrt=(0, 1),
    peer=True,
)


class NotConverged(Exception):
    def __init__(self, best):
        super().__init__("not converged")
        self.best = best


def solve_or_raise(a, tol, maxiter):
    x = 1.0
    for _ in range(maxiter):
        x_new = 0.5 * (x + a / x)
        if abs(x_new - x) < tol:
            return x_new
        x = x_new
    raise NotConverged(x)


def custom_exception_carries_value(a):
    try:
        return solve_or_raise(a, 1e-16, 3)
    except NotConverged as e:
        return 2.0 * e.best - solve_or_raise(a, 1e-6, 50)


add(custom_exception_carries_value, "an exception of one's own carrying an active value", (7.3,), peer=True)


def try_else_nested(values, threshold):
    out = 0.0
    for v in values:
        try:
            root = math.sqrt(v - threshold)
        except ValueError:
            try:
                part = 1.0 / (v - v)
            except ZeroDivisionError:
                part = v
            out += part
        else:
            out += root
    return out


add(try_else_nested, "try within except, else", ([2.0, 0.3, 1.5], 0.7), wrt=(0, 1), peer=False)
