"""Text that steers a program or is printed by it: f-strings, methods, dispatch, print, assert, logging."""

import logging
import math
import sys
import warnings

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(33)
log = logging.getLogger(__name__)

ACTIVATIONS = {
    "relu": lambda v: np.maximum(v, 0.0),
    "tanh": np.tanh,
    "softplus": lambda v: np.log1p(np.exp(v)),
}
SYMBOLS = "abc"


def quiet(*args):
    """Stands for print in programs that are run hundreds of times."""
    for a in args:
        str(a)


def formatted(x):
    label = f"{x:.3f} is {x * 2.0!r} and {math.sin(x):>10.2e}, {len([x])}"
    return x * len(label.split(" ")) if "is" in label else x * x


def formatted_key(x):
    table = {f"w{i}": x * i for i in (1, 2)}
    name = "w"
    return table[f"{name}{1}"] * table["w" + str(2)] + table["w%d" % 2] + table["{}{}".format(name, 1)]


def methods_of_text(x, name):
    kind, _, order = name.strip().lower().partition("-")
    if kind.startswith("poly") and order.isdigit():
        return x ** int(order)
    return x


def split_text(x, formula):
    total = 0.0
    for term in formula.split("+"):
        factors = term.split("*")
        part = 1.0
        for f in factors:
            part *= x if f.strip() == "x" else float(f)
        total += part
    return total


def letters(x, word):
    y = x
    for c in word:
        if c == "s":
            y = math.sin(y)
        elif c in "ce":
            y = math.cos(y)
        else:
            y = y * x
    return y


def joined_text(x, parts):
    key = "-".join(parts).replace("-", "_").upper()
    return x * x if key == "A_B" else x


def indexed_text(x, code):
    if code[0] == "p" and code[1:3] == "ow" and code[-1] != "!":
        return x**3
    return x


def dispatch_on_text(v, activation):
    if activation == "relu":
        out = np.maximum(v, 0.0)
    elif activation in ("tanh", "atan"):
        out = np.tanh(v)
    else:
        raise ValueError(f"unknown activation {activation!r}")
    return np.sum(out * out)


def dispatch_by_dict(v, activation):
    return np.sum(ACTIVATIONS[activation](v) ** 2)


def dispatch_in_loop(v, layers):
    for kind in layers:
        v = ACTIVATIONS[kind](v)
    return np.sum(v)


def dispatch_local_dict(x, op):
    ops = {"sin": math.sin, "square": lambda v: v * v}
    f = ops.get(op, math.cos)
    return f(x) * x


def dispatch_at_run_time(x, ops):
    """The list's elements are known at run time only."""
    table = {"+": lambda a, b: a + b, "*": lambda a, b: a * b, "-": lambda a, b: a - b}
    y = x
    for op in ops:
        y = table[op](y, x)
    return y


def compare_text_in_loop(x, ops):
    y = x
    for op in ops:
        if op == "sin":
            y = math.sin(y)
        elif op == "double":
            y = 2.0 * y
        else:
            y = y + x
    return y


def text_from_condition(x):
    kind = "big" if x > 1.0 else "small"
    if kind == "big":
        return x * x
    return 3.0 * x


def printed(x):
    quiet(f"x = {x}", x * 2.0, [v for v in (x, 1.0)])
    print(end="")
    print("", sep="", end="", file=sys.stdout)
    return x * x


def asserted(x, xs):
    assert x > 0.0, f"{x} is not positive: {[v for v in xs]}"
    assert sum([v < 10.0 for v in xs]) == len(xs) and len(xs) == 2
    assert (y := x * x) > 0.0
    assert isinstance(x, float)
    return x * sum(xs) + y


def logged(x):
    log.debug("at %s: %s", x, x * x)
    logging.getLogger("corpus").debug(f"{x}")
    if x < 0.0:
        warnings.warn("negative", RuntimeWarning, stacklevel=2)
    return x * x


def raised(x, kind):
    if kind not in {"a", "b"}:
        raise ValueError(f"{kind}: {[kind.upper()]}")
    if x < 0.0:
        msg = "negative {}".format(x)
        raise RuntimeError(msg)
    return x * x if kind == "a" else x


def text_of_numbers(x, n):
    digits = str(n)
    total = 0.0
    for d in digits:
        total += int(d) * x
    return total + float("0.5") * x * len(digits)


def ordinals(x, word):
    return x * sum(ord(c) - ord("a") for c in word) + x * x * (chr(97) == "a")


def counted_text(x, word):
    return x * word.count("a") + x * x * word.find("b") + (x if word.endswith(("c", "d")) else 0.0)


def text_lookup(x, word):
    return x ** (SYMBOLS.index(word) + 1)


def multiline(x):
    """A docstring.

    Of several lines.
    """
    "another string"
    ...
    text = (
        "one"
        "two"
    )
    return x * len(text)


def bytes_and_raw(x):
    return x * x * len(b"abc") * len(r"\n") + x * (b"abc"[0] == 97)


PROGRAMS = [
    Program("formatted", formatted, (1.2,)),
    Program("formatted_key", formatted_key, (1.2,)),
    Program("methods_of_text", methods_of_text, (1.2, " Poly-3 ")),
    Program("split_text", split_text, (1.2, "2*x*x+3*x+1")),
    Program("letters", letters, (1.2, "scax")),
    Program("joined_text", joined_text, (1.2, ("a", "b"))),
    Program("indexed_text", indexed_text, (1.2, "power")),
    Program("dispatch_on_text", dispatch_on_text, (rng.normal(size=3), "tanh")),
    Program("dispatch_by_dict", dispatch_by_dict, (rng.normal(size=3), "softplus")),
    Program("dispatch_in_loop", dispatch_in_loop, (rng.normal(size=3), ("tanh", "softplus", "tanh"))),
    Program("dispatch_local_dict", dispatch_local_dict, (1.2, "square")),
    Program("dispatch_local_dict_default", dispatch_local_dict, (1.2, "?")),
    Program("dispatch_at_run_time", dispatch_at_run_time, (1.2, ["+", "*", "*", "-"])),
    Program("compare_text_in_loop", compare_text_in_loop, (1.2, ["sin", "double", "?"])),
    Program("text_from_condition", text_from_condition, (1.2,)),
    Program("printed", printed, (1.2,)),
    Program("asserted", asserted, (1.2, [0.4, 0.5]), (0, 1)),
    Program("logged", logged, (1.2,)),
    Program("raised", raised, (1.2, "a")),
    Program("text_of_numbers", text_of_numbers, (1.2, 305)),
    Program("ordinals", ordinals, (1.2, "hello")),
    Program("counted_text", counted_text, (1.2, "abracd")),
    Program("text_lookup", text_lookup, (1.2, "b")),
    Program("multiline", multiline, (1.2,)),
    Program("bytes_and_raw", bytes_and_raw, (1.2,)),
]
