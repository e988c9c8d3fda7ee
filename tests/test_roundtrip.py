"""The emitted language is the input language: text -> graph -> text gives the same bytes and the same values.

And the text is a product: the same in every process, free of traces of where and how it was made, and narrow.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_passes import ROUNDING, Case, assert_equal, over, primal_case, sampled

import numeric
import srcdiff
from corpus import PROGRAMS
from corpus.program import Program
from srcdiff import grad, pipeline
from srcdiff.errors import NoRule, UnsupportedSyntax
from srcdiff.optimise.dce import dce
from srcdiff.request import Request

WIDTH = 100
SETTLES = 5
# a view of a view, an order of an order, more at each reading
GROWS = ("sort", "flips", "defaultdict_groups")
HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Emitted modules go to a folder of the test's own."""
    monkeypatch.setenv("SRCDIFF_CACHE", str(tmp_path))


def once_more(program: Program, made: Any, values: dict[str, Any]) -> Program:
    """The emitted function as a program of its own: what the primal captured are its arguments now."""
    names = tuple(inspect.signature(made.fn).parameters)
    own = inspect.signature(program.function).bind(*program.args, **program.kwargs).arguments
    extra = {n: values[n] for n in names if n not in own and n in values}
    return replace(program, function=made.fn, kwargs={**program.kwargs, **extra})


def read_and_print(program: Program, name: str) -> tuple[Any, Case]:
    """The text of a function's graph, without what nothing reads (dead code is never printed)."""
    case = primal_case(program)
    return pipeline.finish(dce(case.primal), name, f"The text of {name}."), case


@over(sampled(PROGRAMS))
def test_primal(program: Program) -> None:
    first, case = read_and_print(program, "primal")
    again = once_more(program, first, case.values)
    second, case = read_and_print(again, "primal")
    texts, latest, now = [first.text.source, second.text.source], second, again
    while texts[-1] != texts[-2]:  # a name of ours became the user's, an order or a loop was chosen anew:
        if any(word in program.name for word in GROWS) and len(texts) > 2:
            break
        assert len(texts) <= SETTLES, texts[-1]  # that comes to an end
        now = once_more(now, latest, case.values)
        latest, case = read_and_print(now, "primal")
        texts.append(latest.text.source)
    case = primal_case(again)
    expected = numeric.call(program.function, program.args, program.kwargs)
    value = numeric.call(again.function, again.args, again.kwargs)
    assert_equal(value, expected, numeric.LAST_BITS, "the text")
    assert_equal(case.call(second.fn), expected, numeric.LAST_BITS, "the text of the text")


@over([p for p in sampled(PROGRAMS) if p.reverse])
def test_gradient(program: Program) -> None:
    """A gradient is a program: read again it gives the same values."""
    case = primal_case(program)
    request = Request("grad", case.wrt, len(case.wrt) == 1)
    try:
        graph = pipeline.derivative_graph(case.primal, request)
    except NoRule as e:
        pytest.skip(f"not supported: {e}")
    graph.info["signature"] = case.primal.info["signature"]
    first = pipeline.finish(graph, "gradient", "The text of gradient.")
    again = once_more(program, first, case.values)
    second, case = read_and_print(again, "gradient")
    expected = numeric.call(again.function, again.args, again.kwargs)
    assert_equal(case.call(second.fn), expected, ROUNDING, "the text of the text")


# ---- the text as a product -------------------------------------------------------------------------------

IDENTITY = re.compile(r"%\w*\.\d+")
PATH = re.compile(r"""(?:^|[\s"'(])/(?:\w[\w.-]*/)+""")


def assert_clean(text: str) -> None:
    assert not IDENTITY.search(text), text
    assert not PATH.search(text), text
    assert str(HERE) not in text and "0x7" not in text
    wide = [line for line in text.splitlines() if len(line) > WIDTH]
    assert not wide, "\n".join(wide)
    assert text.endswith("\n") and not text.endswith("\n\n")
    trailing = [line for line in text.splitlines() if line != line.rstrip()]
    assert not trailing, trailing


@over(sampled(PROGRAMS))
def test_clean_text(program: Program) -> None:
    assert_clean(read_and_print(program, "primal")[0].text.source)
    if program.reverse and supported(program):
        assert_clean(
            srcdiff.source(grad(program.function, wrt=program.wrt_option), *program.args, **program.kwargs)
        )


PRINT = """
import sys
sys.path.insert(0, {here!r})
from corpus import PROGRAMS
from srcdiff import grad, source
for name in {names!r}:
    p = next(p for p in PROGRAMS if p.name == name)
    print(source(grad(p.function, wrt=p.wrt_option), *p.args, **p.kwargs))
"""


def supported(program: Program) -> bool:
    try:
        srcdiff.source(grad(program.function, wrt=program.wrt_option), *program.args, **program.kwargs)
    except (UnsupportedSyntax, NoRule):
        return False
    return True


def test_hash_seed(tmp_path: Path) -> None:
    """Two processes that order their sets differently emit the same bytes."""
    reverse = [p for p in PROGRAMS if p.reverse]
    chosen = [p for p in reverse[:: len(reverse) // 24] if supported(p)][:20]
    assert len(chosen) == 20
    script = tmp_path / "print.py"
    script.write_text(PRINT.format(here=str(HERE), names=[p.name for p in chosen]))
    texts = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
        texts.append(done.stdout)
    assert texts[0] == texts[1]
