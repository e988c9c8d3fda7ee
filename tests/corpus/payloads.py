"""Numbers inside exceptions: raised by the program, looked into where they are caught."""

import dataclasses
import math

import numpy as np

from corpus.program import Program


class Failed(Exception):
    """One of the user's, with a number."""

    def __init__(self, value, why="no"):
        super().__init__(why, value)
        self.value = value


class Worse(Failed):
    """A class below it."""


class Found(Exception):
    """One without anything of its own."""


@dataclasses.dataclass
class OutOfRange(Exception):
    """A dataclass."""

    value: float
    low: float = 0.5


def solve(a, n, tol=1e-9):
    x = 1.0
    for _ in range(n):
        new = 0.5 * (x + a / x)
        if abs(new - x) < tol:
            return new
        x = new
    raise Failed(x)


def check(v):
    if v > 1.0:
        raise ValueError(v)
    return v * v


def get(error):
    return error.value


def best_so_far(a, b):
    try:
        return solve(a, 3)
    except Failed as e:
        return 2.0 * e.value - solve(a, 50) * b


def inside_an_expression(a, b):
    try:
        return a * math.sin(solve(b, 2) + a) + (check(a) if a < b else 0.0)
    except Failed as e:
        return e.value * b + a
    except ValueError as e:
        return e.args[0] ** 3


def in_a_loop(a, b, n):
    total = 0.0
    for k in range(n):
        try:
            total += solve(a, k) * b
        except Failed as e:
            total += e.value**2 / (k + 1)
    return total


def again_until_it_works(a, b):
    n = 0
    while True:
        try:
            a = solve(a, n) * b
            break
        except Failed as e:
            n += 1
            a = a + e.value * 0.01
    return a


def arguments_of_builtin(a, b):
    total = 0.0
    for v in (a, b, a * b):
        try:
            total += check(v)
        except ValueError as e:
            total += 3.0 * e.args[0]
    return total


def read_by_a_helper(a, b):
    try:
        if a > 0.0:
            raise Failed(a * 2.0)
        return b
    except Failed as e:
        same = e
        return get(same) * b + e.args[1]


def handed_out(a, b):
    error = None
    try:
        check(b)
    except ValueError as e:
        error = e
    if error is not None:
        return error.args[0] * a
    return a


def from_a_comprehension(a, b):
    try:
        return sum([solve(v, n) for v, n in ((a, 20), (b, 30), (a * b, 2))])
    except Failed as e:
        return e.value * b


def raised_from_another(a, b):
    try:
        y = check(b)
    except ValueError as e:
        try:
            raise Failed(e.args[0] * a) from e
        except Failed as f:
            y = f.value + e.args[0] ** 2
    else:
        y = y * 3.0
    return y


def changed_and_raised_again(a, b):
    try:
        try:
            raise Failed(a)
        except Failed as e:
            e.value *= b
            raise
    except Failed as e:
        return e.value**2


def which_of_two(a, b):
    try:
        raise Failed(a) if a < b else Worse(b)
    except Worse as e:
        return e.value * 3.0
    except Failed as e:
        return e.value * b


def past_an_inner_try(a, b):
    try:
        try:
            y = check(b) * a
        except ZeroDivisionError:
            y = 0.0
    except ValueError as e:
        y = e.args[0] * a
    return y


def found_deep_inside(a, b, n):
    try:
        for i in range(n):
            for k in range(n):
                a = a + 0.1 * b * k
                if a > 2.1:
                    raise Found(a, i, k)
    except Found as e:
        v, i, k = e.args
        return v * v + i * a + k * b
    return a * b


def half_done(a, b):
    rows = []
    try:
        rows.append(a)
        rows.append(check(b))
        rows.append(b)
    except ValueError as e:
        rows.append(e.args[0] * 2.0)
    return sum(v * (i + 1) for i, v in enumerate(rows))


def array_inside(x, limit):
    def step(x):
        norm = np.sqrt(np.sum(x**2))
        if norm > limit:
            raise Failed(x / norm, norm)
        return x * 1.5

    try:
        for _ in range(10):
            x = step(x)
    except Failed as e:
        norm, value = e.args[0], e.value
        return np.sum(value * x) + norm
    return np.sum(x)


def dataclass_exception(a, b):
    try:
        if a < b:
            raise OutOfRange(a * b)
        return a
    except OutOfRange as e:
        return (e.value - e.low) ** 2


def printed_too(a, b):
    try:
        return check(b) + a
    except Exception as e:
        text = f"{type(e).__name__}: {e}"
        return e.args[0] ** 2 * a + len(text) * 0.0


def in_a_lambda(a, b):
    f = lambda v: 2.0 * check(v)  # noqa: E731
    try:
        return f(a) + f(b)
    except ValueError as e:
        return e.args[0] * a


def limited(v, limit):
    if v > limit:
        raise Failed(v)
    return v * v


def array_written_before(a, b):
    x = np.array([a, b])
    try:
        x[0] = limited(a, 10.0)
        x[1] = limited(b, 1.0)
        x[0] = 7.0
    except Failed as e:
        x[1] += e.value * 3.0
    return np.sum(x**2)


def entries_and_comprehension(a, b):
    d = {}
    try:
        d["u"] = limited(a, 10.0) + b
        d["v"] = [limited(v, 1.0) for v in (a, b)]
    except Failed as e:
        d["v"] = [e.value, a]
    return d["u"] * sum(d["v"])


def continue_break_else(a, b):
    out = []
    for k in range(4):
        try:
            if k == 2:
                continue
            out.append(limited(a * k, 1.0))
            if k == 3:
                break
        except Failed as e:
            out.append(e.value * b)
        else:
            out.append(b)
    return sum(v * (i + 1) for i, v in enumerate(out))


def around_a_generator(a, b):
    def steps():
        for k in range(5):
            yield a * k

    total = 0.0
    try:
        for v in steps():
            total += limited(v, 1.5)
    except Failed as e:
        total += e.value * b
    return total


def in_the_test_of_a_while(a, b):
    n = 0
    try:
        while limited(a * n, 2.0) < 30.0:
            n += 1
    except Failed as e:
        return e.value * b + n
    return a * n


def raised_in_a_closure(a, b):
    total = 0.0

    def add(v):
        nonlocal total
        total += v
        if total > 1.0:
            raise Failed(total)
        return v * b

    r = 0.0
    try:
        for k in range(6):
            r += add(a * k * 0.3)
    except Failed as e:
        return e.value * r + total
    return r


def translated(a, b):
    try:
        try:
            return limited(b, 1.0)
        except Failed as e:
            raise ValueError(e.value * a) from None
    except ValueError as w:
        return w.args[0] * 2.0


def behind_and(a, b):
    try:
        return limited(a, 0.1) and limited(b, 1.0)
    except Failed as e:
        return e.value**3


def message_of_an_assertion(a, b):
    try:
        assert a > 1.0, (a, b)
        return a
    except AssertionError as e:
        return e.args[0][1] * a


class Model:
    """Counts how often it is asked."""

    def __init__(self, w):
        self.w, self.asked = w, 0

    def at(self, x):
        self.asked += 1
        if self.w * x > 0.8:
            raise Failed(self.w * x)
        return self.w + x


def raised_in_a_method(a, b):
    m = Model(a)
    try:
        y = m.at(b) + m.at(0.1)
    except Failed as e:
        y = e.value * m.asked
    return y * m.asked


def object_changed_before(a, b):
    m = Model(a)
    try:
        m.w = b
        y = m.at(b)
        m.w = a
    except Failed as e:
        y = e.value * m.w
    return y


POINTS = {"above": (0.7, 1.3), "below": (0.7, 0.8)}
BOTH = (
    best_so_far, inside_an_expression, again_until_it_works, arguments_of_builtin, read_by_a_helper,
    handed_out, from_a_comprehension, raised_from_another, changed_and_raised_again, which_of_two,
    past_an_inner_try, half_done, dataclass_exception, printed_too, in_a_lambda,
    array_written_before, entries_and_comprehension, continue_break_else, around_a_generator,
    in_the_test_of_a_while, raised_in_a_closure, translated, behind_and, message_of_an_assertion,
    raised_in_a_method, object_changed_before,
)  # fmt: skip

PROGRAMS = [
    *(
        Program(f"payload_{f.__name__}_{where}", f, args, wrt=(0, 1))
        for f in BOTH
        for where, args in POINTS.items()
    ),
    Program("payload_in_a_loop", in_a_loop, (0.7, 1.3, 7), wrt=(0, 1)),
    Program("payload_found_deep_inside", found_deep_inside, (0.7, 1.3, 5), wrt=(0, 1)),
    Program("payload_found_nowhere", found_deep_inside, (0.7, 0.1, 3), wrt=(0, 1)),
    Program("payload_array_inside", array_inside, (np.array([0.5, -0.3, 0.4]), 2.0), wrt=(0,)),
    Program("payload_array_inside_below", array_inside, (np.array([0.5, -0.3, 0.4]), 1e3), wrt=(0,)),
]
