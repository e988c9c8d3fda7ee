"""try, except, else, finally, raise and with: the path that was taken is the one differentiated."""

import contextlib
import math
import time
import warnings
from dataclasses import dataclass

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(17)
TROUBLE = (ValueError, ZeroDivisionError)


class TooLarge(ValueError):
    """A class of the user's."""

    def __init__(self, limit, text="too large"):
        super().__init__(text)
        self.limit = limit


class Stopwatch:
    """A manager that only touches the world."""

    def __enter__(self):
        self.start = time.perf_counter()
        return self

    def __exit__(self, *error):
        self.elapsed = time.perf_counter() - self.start


@dataclass
class Doubling:
    """A manager whose value is differentiated."""

    w: float

    def __enter__(self):
        return self.w * 2.0

    def __exit__(self, kind, error, trace):
        return False


@dataclass
class Forgiving:
    """A manager that holds some exceptions back."""

    w: float

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return isinstance(error, ValueError)


@contextlib.contextmanager
def section(name):
    start = time.perf_counter()
    yield name
    assert time.perf_counter() >= start


# ---- handlers


def log_or_line(x):
    try:
        y = math.log(x)
    except ValueError:
        y = x - 1.0
    return y * x


def three_handlers(x, p):
    try:
        y = 1.0 / x
        z = math.sqrt(y) + math.exp(p * x)
    except ZeroDivisionError:
        return x * 3.0
    except (ValueError, TypeError):
        z = x * 2.0
    except OverflowError as e:
        print("overflow:", e)
        z = x * x
    return z * z


def with_else(x):
    try:
        y = math.sqrt(x)
    except ValueError:
        z = math.sqrt(-x) * 2.0
    else:
        z = y * x
    return z + x


def any_exception(x):
    try:
        return math.acos(x) * x
    except Exception:
        return x * x


def bare_except(x):
    try:
        y = math.log(x)
    except:  # noqa: E722
        y = 2.0 * x
    return y * y


def tuple_by_name(x):
    try:
        y = math.log(x) / x
    except TROUBLE:
        y = x * x * 0.5
    return y


def reads_message(x, s):
    scale = 1.0
    try:
        scale = float(s)
    except ValueError as e:
        if "could not convert" in str(e):
            scale = 10.0
    return x * x * scale


def dead_value_decides(x, s):
    try:
        float(s)
        y = x * x
    except ValueError:
        y = x * x * x
    return y


def nested(x):
    try:
        try:
            y = math.log(x)
        except ZeroDivisionError:
            y = 7.0 * x
        z = y / (x + 1.0)
    except ValueError:
        z = x * x
    except ZeroDivisionError:
        z = 3.0 * x
    return z * x


def inner_reraises(x):
    try:
        try:
            y = math.sqrt(x)
        except ValueError:
            if x < -5.0:
                raise
            y = x * 2.0
    except ValueError:
        y = x * x
    return y * y


def user_function(x):
    return helper(x) * x


def helper(x):
    try:
        return math.log(x)
    except ValueError:
        return math.exp(x)


def raising_helper(x):
    if x > 2.0:
        raise TooLarge(2, "x")
    return x * x


def caught_from_helper(x):
    try:
        y = raising_helper(x)
    except TooLarge as e:
        y = x * e.limit
    return y * x


def raise_from(x):
    try:
        try:
            y = math.log(x)
        except ValueError as e:
            raise TooLarge(3) from e
    except TooLarge:
        y = x * 0.5
    return y * x


def raise_in_branch(x):
    y = x * x
    try:
        if x < 0.0:
            raise ValueError("negative")
        y = y * math.sqrt(x)
    except ValueError:
        y = -y
    return y + x


def from_dict(x, params):
    try:
        w = params["weight"]
    except KeyError:
        w = 2.0
    try:
        b = params["bias"]
    except KeyError:
        b = 0.5
    return w * x * x + b * x


def from_list(x, items):
    try:
        w = items[5]
    except IndexError:
        w = items[-1]
    return w * x * x


def from_table(x, table, i):
    try:
        w = table[i]
    except IndexError:
        w = 1.5
    return w * x


def optional_import(x):
    try:
        import a_module_that_is_not_there as m
    except ImportError:
        m = None
    if m is None:
        return np.sin(x) * x
    return m.sin(x)


def import_there(x):
    try:
        from math import sin
    except ImportError:
        from math import cos as sin
    return sin(x) * x


# ---- loops


def continue_on_error(xs):
    total = 0.0
    for x in xs:
        try:
            v = math.sqrt(x)
        except ValueError:
            continue
        total += v * v * v
    return total


def break_on_error(xs, a):
    total = 1.0
    for x in xs:
        try:
            step = math.log(x + a)
        except ValueError:
            total = total * 2.0
            break
        total = total + step * total
    else:
        total = total * a
    return total


def return_on_error(xs):
    total = 0.0
    for x in xs:
        try:
            total = total + math.sqrt(x)
        except ValueError:
            return total * x
    return total * total


def jitter(A):
    eps = 1e-3
    for _ in range(6):
        try:
            L = np.linalg.cholesky(A + eps * np.eye(3))
            break
        except np.linalg.LinAlgError:
            eps = eps * 10.0
    return np.sum(L * L * L)


def jitter_while(A):
    eps = 0.0
    while True:
        try:
            L = np.linalg.cholesky(A @ A.T + np.eye(3) * (eps - 0.5))
        except np.linalg.LinAlgError:
            eps += 0.25
        else:
            break
    return np.sum(np.log(np.diag(L)))


def count_failures(xs, a):
    bad = 0
    s = 0.0
    for x in xs:
        try:
            s += math.log(x * a)
        except ValueError:
            bad += 1
    return s * a + bad * a


def array_write(x):
    out = np.zeros(4)
    for i in range(4):
        try:
            out[i] = math.sqrt(x[i]) * x[i]
        except ValueError:
            out[i] = x[i]
    return np.sum(out * out)


def append_results(xs):
    logs = []
    for x in xs:
        try:
            logs.append(math.log(x))
        except ValueError:
            logs.append(0.1 * x)
    return sum(logs[i] * logs[i] for i in range(len(logs)))


# ---- read in parts: handlers that ask which statements were done


def loop_inside(xs):
    total = 0.0
    try:
        for x in xs:
            total += math.sqrt(x)
    except ValueError:
        total = total * 2.0
    return total * total


def partial_state(x):
    y = x
    try:
        y = y * y
        y = y * math.log(x)
        y = y + 1.0 / (x + 3.0)
    except ValueError:
        pass
    except ZeroDivisionError:
        y = 2.0 * y
    return y * y


def branches_inside(x, a):
    y = a
    try:
        if x > 0.0:
            y = y * x
            y = y * math.log(x - 1.0)
        else:
            y = y + x
            y = y + math.sqrt(x + 1.0)
        y = y * 2.0
    except ValueError:
        y = y * 3.0
    return y * x


def while_inside(x):
    y = x
    n = 0
    try:
        while n < 6:
            y = y * 0.5 - 0.2
            n += 1
            y = y + math.sqrt(y)
    except ValueError:
        y = y * n
    return y * x


def buffer_inside(x):
    out = np.ones(4)
    try:
        for i in range(4):
            out[i] = x[i] * x[i]
            out[i] = math.sqrt(x[i]) + out[i]
    except ValueError:
        out[0] = out[0] * 2.0
    return np.sum(out * out)


def nested_in_parts(x):
    y = x
    try:
        y = y * 1.5
        try:
            y = y + math.log(x)
            y = y * math.sqrt(x - 2.0)
        except ZeroDivisionError:
            y = 0.0
        y = y * 2.0
    except ValueError:
        y = y * y
    return y


def early_return_in_parts(x):
    y = x
    try:
        y = y * y
        if y > 4.0:
            return y * x
        y = math.log(x) + y
    except ValueError:
        y = y + 1.0
    return y * y


# ---- finally


def finally_runs(x):
    seen = 0
    try:
        y = math.log(x)
    except ValueError:
        y = x * x
        seen += 1
    finally:
        seen += 2
    return y * seen


def finally_with_return(x):
    try:
        if x > 1.0:
            return x * x
        y = math.sin(x)
    finally:
        print("leaving")
    return y * x


def finally_counts(x):
    n = 0
    y = x
    try:
        try:
            n += 1
            y = math.log(x)
            n += 1
        finally:
            n += 10
    except ValueError:
        y = x * 0.5
    return y * n


def finally_in_loop(xs):
    total = 0.0
    steps = 0
    for x in xs:
        try:
            if x < 0.0:
                continue
            total += math.sqrt(x)
        finally:
            steps += 1
        total = total * 1.1
    return total * steps


# ---- with


def quiet_division(x):
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(x > 0.0, np.log(np.maximum(x, 0.1)), x)
    return np.sum(y * y)


def raise_on_invalid(x):
    try:
        with np.errstate(all="raise"):
            y = np.sum(np.sqrt(x) * x)
    except FloatingPointError:
        y = np.sum(x) * 3.0
    return y * y


def errstate_in_loop(x):
    total = 0.0
    for k in range(3):
        with np.errstate(over="ignore"):
            total = total + np.sum(np.exp(x * k)) * total + x[k]
    return total


def timed(x):
    with Stopwatch() as watch, section("sine"):
        y = math.sin(x)
        if y > 0.5:
            return y * x
    assert watch.elapsed >= 0.0
    return y


def no_warnings(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = np.sum(np.log(x) * x)
    return y * y


def suppressed(x):
    y = x
    with contextlib.suppress(ValueError, ZeroDivisionError):
        y = math.log(x)
    return y * y * x


def suppressed_in_parts(x):
    y = x
    with contextlib.suppress(ValueError):
        y = y * y
        y = y * math.log(x)
    return y


def null_manager(x):
    with contextlib.nullcontext(x * 2.0) as y:
        z = y * y
    return z * x


def object_manager(x):
    with Doubling(x) as w:
        y = w * x
    return y * w


def forgiving_manager(x):
    y = x
    with Forgiving(x) as f:
        y = f.w * math.log(x)
    return y * x


def array_under_errstate(x):
    out = np.zeros(3)
    with np.errstate(divide="ignore"):
        out[:] = x * x
        out[1] = out[1] * x[0]
    return np.sum(out * out)


def suppressed_within_finally(x):
    n = 0
    y = x
    try:
        n += 1
        with contextlib.suppress(ValueError):
            y = y * 2.0
            y = math.log(x)
        n += 1
    finally:
        n += 10
    return y * n


def bound_in_failing_loop(x):
    c = x[2]
    a = x[1]
    try:
        for _ in range(2):
            b = x[0]
            c = math.log(x[0] * a * c)
    except ValueError:
        a = c
    return a * b + c


def checked_writes(x):
    buf = x * 2.0
    for i in range(len(x)):
        if x[i] < -100.0:
            raise ValueError("out of range")
        buf[i] = x[i] ** 2 * buf[i]
    return np.sum(buf * buf)


def checked_in_branch(x):
    buf = x * 2.0
    if x[0] > -100.0:
        if x[1] < -100.0:
            raise ValueError("out of range")
        buf[1] = x[1] ** 2 * buf[1]
    return np.sum(buf * buf)


def left_within_reraise(x):
    buf = x * 2.0
    try:
        if x[0] > 1.0:
            return math.log(buf[1]) * buf[0]
        buf[2] = x[1] * buf[0]
    except ArithmeticError:
        raise
    return np.sum(buf * buf)


v = np.array([1.2, 0.4, -0.7, 2.0])
pos = np.array([1.2, 0.4, 0.7, 2.0])
P = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.8]])
Q = np.array([[1.0, 0.9, 0.2], [0.9, 0.81, 0.3], [0.2, 0.3, 0.5]])  # not positive definite


def both(f, *points, **options):
    """A program at points that take different paths through it."""
    names = [f.__name__] + [f"{f.__name__}_{k}" for k in range(1, len(points))]
    args = [p if isinstance(p, tuple) else (p,) for p in points]
    return [Program(n, f, a, **options) for n, a in zip(names, args, strict=True)]


PROGRAMS = [
    *both(log_or_line, 2.0, -2.0),
    *both(three_handlers, (2.0, 0.5), (-2.0, 0.3), (3.0, 1e4), order2=True),
    *both(with_else, 2.0, -3.0),
    *both(any_exception, 0.4, 1.7),
    *both(bare_except, 3.0, -1.0),
    *both(tuple_by_name, 1.7, -1.0),
    *both(reads_message, (1.5, "2.5"), (1.5, "two")),
    *both(dead_value_decides, (1.5, "2.5"), (1.5, "two")),
    *both(nested, 2.0, -2.0),
    *both(inner_reraises, 2.0, -2.0, -6.0),
    *both(user_function, 2.0, -2.0),
    *both(caught_from_helper, 1.5, 2.5),
    *both(raise_from, 1.5, -2.5),
    *both(raise_in_branch, 1.5, -2.5),
    *both(from_dict, (1.5, {"weight": 3.0}), (1.5, {"bias": 3.0}), wrt=(0, 1)),
    *both(from_list, (1.5, [3.0, 2.0]), (1.5, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
    *both(from_table, (1.5, np.array([2.0, 3.0]), 1), (1.5, np.array([2.0, 3.0]), 7), wrt=(0, 1)),
    *both(optional_import, 0.7),
    *both(import_there, 0.7),
    *both(continue_on_error, v, pos),
    *both(break_on_error, (v, 0.5), (pos, 0.5), wrt=(0, 1)),
    *both(return_on_error, v, pos),
    *both(jitter, P, Q, tolerance=1e-6, order2=False),
    *both(jitter_while, P, tolerance=1e-6, order2=False),
    *both(count_failures, (v, 1.5), (pos, 1.5), wrt=(0, 1)),
    *both(array_write, v, pos),
    *both(append_results, v, pos),
    *both(loop_inside, v, pos),
    *both(partial_state, 2.0, -2.0),
    *both(branches_inside, (3.0, 1.2), (0.5, 1.2), (-0.5, 1.2), (-2.0, 1.2), wrt=(0, 1)),
    *both(while_inside, 3.0, 0.7),
    *both(buffer_inside, v, pos),
    *both(nested_in_parts, 3.0, 1.5, -1.0),
    *both(early_return_in_parts, 3.0, 1.5, -1.0),
    *both(finally_runs, 3.0, -1.0),
    *both(finally_with_return, 3.0, 0.5),
    *both(finally_counts, 3.0, -1.0),
    *both(finally_in_loop, v, pos),
    *both(quiet_division, v),
    *both(raise_on_invalid, pos, v),
    *both(errstate_in_loop, np.array([0.2, -0.4, 0.3])),
    *both(timed, 0.3, 1.0),
    *both(no_warnings, pos),
    *both(suppressed, 2.0, -2.0),
    *both(suppressed_in_parts, 2.0, -2.0),
    *both(null_manager, 1.3),
    *both(object_manager, 1.3),
    *both(forgiving_manager, 1.3, -1.3),
    *both(suppressed_within_finally, 2.0, -2.0),
    *both(left_within_reraise, v, np.array([0.7, 0.4, 0.3])),
    *both(bound_in_failing_loop, pos + 2.0, v),
    *both(checked_writes, v),
    *both(checked_in_branch, v),
    *both(array_under_errstate, np.array([1.2, -0.4, 0.7])),
]  # fmt: skip
