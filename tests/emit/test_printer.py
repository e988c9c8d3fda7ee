"""The printer: its text parses back to the same tree, keeps to the width, and reads as written by hand."""

from __future__ import annotations

import ast
import copy
import math
import sysconfig
import textwrap
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import gast
import numpy as np
import pytest

from srcdiff.emit.printer import Blank, Comment, constant_text, render
from srcdiff.errors import InternalError

# ------------------------------------------------------------------------------------------------ round trips


def sample(count: int = 120, largest: int = 40_000) -> list[Path]:
    """Files of the standard library, the same ones each time, and numpy's linalg."""
    root = Path(sysconfig.get_path("stdlib"))
    files = sorted(
        p for folder in (".", "json", "asyncio", "email", "unittest") for p in (root / folder).glob("*.py")
    )
    files = [p for p in files if p.stat().st_size < largest]
    every = max(1, len(files) // count)
    linalg = Path(np.linalg.__file__).parent
    return [*files[::every][:count], linalg / "_linalg.py", linalg / "__init__.py"]


class Normal(ast.NodeTransformer):
    """What the printer writes in another way: ``u''`` and literals that overflow."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        node.kind = None
        if isinstance(node.value, (float, complex)) and not math.isfinite(abs(node.value)):
            return ast.parse(constant_text(node.value), mode="eval").body
        return node


def shape(text: str) -> str:
    """The tree as text, without positions."""
    return ast.dump(Normal().visit(ast.parse(text)))


@cache
def parsed(path: Path) -> tuple[str, Any]:
    """The shape of a file and its gast tree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = path.read_text(encoding="utf-8")
        return shape(text), gast.parse(text)


@pytest.mark.parametrize("path", sample(), ids=lambda p: p.name)
def test_round_trip(path: Path) -> None:
    want, tree = parsed(path)
    for width in (100, 40):
        text = render(tree, width=width)
        assert shape(text) == want, width
    lines = path.read_text(encoding="utf-8").splitlines()
    own = {line.strip() for line in lines if line != line.rstrip()}  # in a docstring
    assert not any(line != line.rstrip() for line in text.splitlines() if line.strip() not in own)


def test_stable() -> None:
    for path in sample()[::20]:
        _, tree = parsed(path)
        text = render(tree)
        assert render(gast.parse(text)) == text


def test_few_lines_are_too_long() -> None:
    over = total = 0
    for path in sample()[::8]:
        code = [line for line in render(parsed(path)[1]).splitlines() if "'" not in line and '"' not in line]
        over += sum(len(line) > 100 for line in code)
        total += len(code)
    assert over <= total // 1000


# ------------------------------------------------------------------------------------- as written, so printed

SAME = [
    "x = a + b * c",
    "x = (a + b) * c",
    "x = a - (b - c)",
    "x = a / (b / c) // d % e",
    "x = A @ x + b.T",
    "x = x**2 + y**-1 + 2**n + self.x**2",
    "x = f(x) ** 2 + x[0] ** 2 + (a + b) ** 2",
    "x = (-1.0) ** 2",
    "x = (-x) ** 2",
    "x = -x**2",
    "x = (a**b) ** c",
    "x = a ** b**c",
    "x = -f(x)",
    "x = --x",
    "x = not a and b or c",
    "x = not (a and b)",
    "x = a and (b and c)",
    "x = a < b <= c != d",
    "x = (a < b) < c",
    "x = a not in b is not c",
    "x = a if b else c if d else e",
    "x = (a if b else c) if d else e",
    "x = lambda: 0",
    "x = lambda a, b=1, *c, d, **e: a + b",
    "x = lambda a, /, b, *, c: (a, b, c)",
    "x = [lambda x: x, (lambda x: x)(1)]",
    "a, b = b, a",
    "a, *b = c",
    "(a, b), c = d",
    "a = b = c, d",
    "x[1:, 0] = y[::2, None, ...]",
    "x[i - 1:i + 1, :] += 1",
    "x = y[a, b][c][(a, b):]",
    "x = y[()]",
    "x = y[a,]",
    "x = ()",
    "x = (a,)[0]",
    "x = a,",
    "x: int = 1",
    "x: int",
    "(x): int = 1",
    "self.x: list[int] = []",
    "x = {**a, 'b': 1}",
    "x = {1, 2, *a}",
    "x = [a for a, b in c if a if b for d in a]",
    "x = {a: b for a, b in c}",
    "x = sum(a * b for a, b in zip(c, d))",
    "x = f(a, *b, c=d, **e)",
    "x = f((a for a in b), c)",
    "x = f(a := 1, b)[c := 2]",
    "x = 1.5e-07 + 1e+22 + 3j + 10",
    "x = (1).real + 1.0.real + 2j.imag",
    "x = 'a'.join(b)",
    "x = f'{a!r}: {b:>{c}}'",
    "x = yield y",
    "x += yield",
    "x = await y",
    "return a, b",
    "return (yield)",
    "raise ValueError('x') from e",
    "assert a == b, 'message'",
    "del a, b[0], (c, d)",
    "global a, b",
    "import a.b as c, d",
    "from . import a",
    "from ..a import b as c, d",
    "from a import *",
    "while True:\n    break\nelse:\n    pass",
    "for a, *b in c, d:\n    continue\nelse:\n    pass",
    "if a:\n    pass\nelif b:\n    pass\nelse:\n    pass",
    "if a:\n    pass\nelse:\n    x\n    if b:\n        pass",
    "with a as b, c:\n    pass",
    "with (a, b) as c:\n    pass",
    "with ((a, b)):\n    pass",
    "try:\n    0\nexcept A as e:\n    0\nexcept B:\n    c\nexcept:\n    d\nelse:\n    e\nfinally:\n    0",
    "@a.b(c)\n@d\nclass A(B, metaclass=C):\n    '''x'''",
    "class A:\n    x = 1\n\n    def f(self):\n        pass\n\n    def g(self):\n        pass",
    "def f(a: int, /, b: int = 1, *c: int, d=2, **e) -> None:\n    pass",
    "def f(*, a, b=1):\n    pass",
    "def f(*a, **b):\n    pass",
    "def f(**a):\n    pass",
    "async def f():\n    async with a:\n        pass\n    async for c in d:\n        [e async for e in f]",
]


@pytest.mark.parametrize("text", SAME)
def test_same(text: str) -> None:
    assert render(gast.parse(text)) == text.replace("'''", '"""') + "\n"


MATCH = [
    "0",
    "-1.5",
    "-1 + 2j",
    "1e309",
    "'a'",
    "None",
    "x",
    "_",
    "a.b",
    "[]",
    "[x]",
    "[x, *rest]",
    "[x, *_, y]",
    "[x as y, 1 | 2]",
    "1 | 2 | 3",
    "1 | 2 as x",
    "(1 as x) | (2 as y)",
    "(1 | 2) | 3",
    "{}",
    "{'a': 1, 'b': [x, y], **rest}",
    "{-1: x, a.b: y}",
    "Point()",
    "a.Point(x, 0, y=1 | 2, z=Other(_))",
    "[Point(x=0), *_] if x > 0 and y",
]


@pytest.mark.parametrize("pattern", MATCH)
@pytest.mark.parametrize("subject", ["x", "a, b", "a,", "-x", "f(x)", "(y := x)"])
def test_match(pattern: str, subject: str) -> None:
    subject = subject.removeprefix("(").removesuffix(")") if ":=" in subject else subject
    text = f"match {subject}:\n    case {pattern}:\n        pass\n    case _:\n        y = 1\n"
    assert render(gast.parse(text)) == text
    assert ast.dump(ast.parse(render(gast.parse(text), width=20))) == ast.dump(ast.parse(text))


def test_except_star() -> None:
    body = [gast.Pass()]
    handler = gast.ExceptHandler(type=name("A"), name=gast.Name("e", gast.Store(), None, None), body=body)
    text = render(gast.TryStar(body=body, handlers=[handler], orelse=[], finalbody=[]))
    assert text == "try:\n    pass\nexcept* A as e:\n    pass\n"


def test_type_parameters() -> None:
    function = gast.parse("def f(x: T) -> T:\n    pass").body[0]
    function.type_params = [
        gast.TypeVar("T", name("int"), name("bool")),
        gast.TypeVarTuple("Ts", None),
        gast.ParamSpec("P", None),
    ]
    alias = gast.TypeAlias(name("X"), [gast.TypeVar("T", None, None)], gast.parse("list[T]").body[0].value)
    assert render([alias, function]) == (
        "type X[T] = list[T]\n\n\ndef f[T: int = bool, *Ts, **P](x: T) -> T:\n    pass\n"
    )


# -------------------------------------------------------------------------------------------------- constants


def name(text: str) -> Any:
    return gast.Name(text, gast.Load(), None, None)


def number(value: object) -> Any:
    return gast.Constant(value, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (True, "True"),
        (-1, "-1"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (math.inf, "float('inf')"),
        (-math.inf, "float('-inf')"),
        (math.nan, "float('nan')"),
        (2j, "2j"),
        (1 + 2j, "complex(1.0, 2.0)"),
        (complex(-0.0, 1.0), "complex(-0.0, 1.0)"),
        (complex(0.0, -1.0), "complex(0.0, -1.0)"),
        (complex(0.0, math.inf), "complex(0.0, float('inf'))"),
        (np.float64(0.1), "0.1"),
        (..., "..."),
        (None, "None"),
        (b"a\n", r"b'a\n'"),
        ("a\n'", '"a\\n\'"'),
        ((1, (2.0,)), "(1, (2.0,))"),
    ],
)
def test_constant(value: object, text: str) -> None:
    assert render(number(value)) == text
    again = eval(text, {})
    assert repr(again) == repr(value) or (isinstance(value, np.float64) and again == value)


def test_long_integer() -> None:
    assert int(render(number(10**5000)), 16) == 10**5000


def test_constant_without_a_literal() -> None:
    with pytest.raises(InternalError, match="no literal"):
        render(number(np.zeros(2)))


@pytest.mark.parametrize("value", [-1.0, -2, -0.0])
def test_negative_constant_as_operand(value: float) -> None:
    power = gast.BinOp(number(value), gast.Pow(), number(2))
    assert render(power) == f"({value!r}) ** 2"
    assert render(gast.BinOp(name("x"), gast.Pow(), number(value))) == f"x**{value!r}"
    assert render(gast.BinOp(name("x"), gast.Sub(), number(value))) == f"x - {value!r}"
    assert render(gast.Attribute(number(value), "real", gast.Load())) == f"({value!r}).real"


def test_sum_of_many_terms() -> None:
    text = "x = " + " + ".join(f"a{i}" for i in range(3000))
    total: Any = name("a0")
    for i in range(1, 3000):
        total = gast.BinOp(total, gast.Add(), name(f"a{i}"))
    target = gast.Name("x", gast.Store(), None, None)
    assert (
        " ".join(render(gast.Assign([target], total, None)).replace("(", "").replace(")", "").split()) == text
    )


DOCSTRINGS = [
    "x",
    'say "x"',
    '"x" said',
    'a """ b',
    '"""',
    '""""',
    "\\",
    '\\"',
    "a\nb\n    ",
    "\t",
    "\r",
    "é",
    "\0",
    "\ud800",
]


@pytest.mark.parametrize("text", DOCSTRINGS)
def test_docstring(text: str) -> None:
    function = gast.parse("def f():\n    pass").body[0]
    function.body = [gast.Expr(number(text))]
    printed = render(function)
    assert ast.literal_eval(ast.parse(printed).body[0].body[0].value) == text  # type: ignore[attr-defined]
    assert ('"""' in printed) == all(c in "\n\t" or c.isprintable() for c in text)


# ------------------------------------------------------------------------------------ comments, blanks, width


def lines(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def statements(text: str) -> Any:
    return gast.parse(textwrap.dedent(text)).body


def test_comments() -> None:
    first, loop = statements("y = x\nfor i in z:\n    pass")
    first.comment = "model.py:12"
    loop.comment = "backwards"
    loop.body = [Comment("nothing\n\n  x = 1"), Blank()]
    function = statements("def f(x): pass")[0]
    function.body = [Comment("forward"), first, Blank(), loop]
    assert render([Comment("head"), function, Comment("then"), *statements("y = 1")]) == lines("""
        # head
        def f(x):
            # forward
            y = x  # model.py:12

            for i in z:  # backwards
                # nothing
                #
                #   x = 1
                pass


        # then
        y = 1
        """)


def test_comment_without_room() -> None:
    statement = statements("result = function(argument)")[0]
    statement.comment = "a remark of some length"
    assert render(statement, width=40) == "# a remark of some length\nresult = function(argument)\n"
    assert render(statement, width=80) == "result = function(argument)  # a remark of some length\n"


def test_comment_is_wrapped() -> None:
    assert render([Comment("  " + "word " * 12)], width=40) == lines("""
        #   word word word word word word word
        #       word word word word word
        """)


def test_comment_survives_deepcopy() -> None:
    assert render(copy.deepcopy([Comment("a"), Blank(), Comment("b")])) == "# a\n\n# b\n"


def test_comment_of_elif_and_case() -> None:
    branch = statements("if a:\n    pass\nelif b:\n    pass")[0]
    branch.comment, branch.orelse[0].comment = "one", "two"
    assert render(branch) == "if a:  # one\n    pass\nelif b:  # two\n    pass\n"


def test_blank_lines() -> None:
    text = lines('''
        """Module."""

        import numpy as np
        from a import b

        x = 1


        def f():
            """F."""

            def g():
                pass

            return g


        @b
        class A:
            """A."""

            x = 1

            def f(self):
                pass


        y = 1
        z = 2
        ''').replace('"""A."""\n\n    x', '"""A."""\n    x')
    assert render(gast.parse(text)) == text


WRAPPED = {
    "call": (
        "weights_bar, bias_bar = layer_backward(weights, bias, inputs, hidden_bar)",
        """
        weights_bar, bias_bar = layer_backward(
            weights, bias, inputs, hidden_bar
        )
        """,
    ),
    "arguments, one to a line": (
        "out = np.where(values > threshold, np.exp(-values), np.sqrt(values))",
        """
        out = np.where(
            values > threshold,
            np.exp(-values),
            np.sqrt(values)
        )
        """,
    ),
    "sum": (
        "z_bar = np.dot(x.T, r_bar) / n + 2.0 * weight * w - offset",
        """
        z_bar = (
            np.dot(x.T, r_bar) / n
            + 2.0 * weight * w
            - offset
        )
        """,
    ),
    "numbers": (
        "a = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0]",
        """
        a = [
            0.125, 0.25, 0.375, 0.5, 0.625,
            0.75, 0.875, 1.0
        ]
        """,
    ),
    "return": (
        "return weights_bar, bias_bar, inputs_bar, x",
        """
        return (
            weights_bar, bias_bar, inputs_bar, x
        )
        """,
    ),
    "definition": (
        "def model_gradient(weights, bias, *, rate=0.1, steps: int = 100) -> float:\n    pass",
        """
        def model_gradient(
            weights, bias, *, rate=0.1,
            steps: int = 100
        ) -> float:
            pass
        """,
    ),
    "condition": (
        "if values.ndim == 2 and other.ndim == 2 or force:\n    pass",
        """
        if (
            values.ndim == 2 and other.ndim == 2
            or force
        ):
            pass
        """,
    ),
    "no bracket": (
        "quite_a_long_name.attribute = another_name.attribute",
        """
        quite_a_long_name.attribute = (
            another_name.attribute
        )
        """,
    ),
    "import": (
        "from package import first_name, second_name, third",
        """
        from package import (
            first_name, second_name, third
        )
        """,
    ),
    "comprehension": (
        "x = [first * second for first, second in pairs if first > 0]",
        """
        x = [
            first * second
            for first, second in pairs
            if first > 0
        ]
        """,
    ),
    "choice": (
        "x = first_value(a) if condition(a) else second_value(b)",
        """
        x = (
            first_value(a)
            if condition(a)
            else second_value(b)
        )
        """,
    ),
}


@pytest.mark.parametrize("case", WRAPPED)
def test_wrapped(case: str) -> None:
    text, want = WRAPPED[case]
    assert render(statements(text), width=40) == lines(want)


def test_gallery_text() -> None:
    text = lines('''
        def logistic_grad(w, x, y):
            """Gradient of logistic with respect to w."""
            z = x @ w
            p = 1.0 / (1.0 + np.exp(-z))
            p_bar = -(y / p - (1.0 - y) / (1.0 - p)) / len(y)
            z_bar = p_bar * p * (1.0 - p)
            w_bar = x.T @ z_bar
            w_bar[:, 0] += 2 * z[:, 0] * b_r
            for i in range(n - 1, -1, -1):
                x = x_saved.pop()
                x_bar = x_bar * (1 - x**2) + 3.0 * x**2 * s_bar
            return w_bar
        ''')
    assert render(gast.parse(text)) == text
