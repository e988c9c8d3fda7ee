"""Importing srcdiff, and asking for a derivative, takes no more than it must."""

from __future__ import annotations

import subprocess
import sys

import srcdiff

HEAVY = ("rich", "optree", "srcdiff.pipeline", "srcdiff.rules", "srcdiff.frontend.lower", "srcdiff.runtime")

SELDOM = ("srcdiff.compiled", "srcdiff.cuda", "srcdiff.batch", "srcdiff.differentiate.taylor")

CODE = f"""
import sys
import srcdiff
from srcdiff import grad, jacobian, value_and_grad, vmap

def f(x):
    return x * x

d = grad(f), value_and_grad(f), jacobian(f), vmap(f)
there = [m for m in {HEAVY!r} if m in sys.modules]
assert not there, there
assert d[0](3.0) == 6.0 and d[1](3.0) == (9.0, 6.0)
assert "srcdiff.pipeline" in sys.modules and "rich" not in sys.modules
there = [m for m in {SELDOM!r} if m in sys.modules]
assert not there, there
assert d[0].source.startswith("def f_grad")
"""

FIRST_A_LIBRARY = """
import math, statistics
import numpy as np
from srcdiff import grad
assert grad(np.sin)(0.5) == math.cos(0.5)
assert grad(lambda x: x)(0.5) == 1.0
np.testing.assert_allclose(grad(np.sum)(np.ones(2)), 1.0)
np.testing.assert_allclose(grad(statistics.fmean)([1.0, 2.0]), 0.5)
"""

FIRST_A_RULE = """
import srcdiff

def f(x):
    return float(str(x))

d = srcdiff.grad(f)

@srcdiff.elementwise(f)
def rule(x):
    return 7.0

assert srcdiff.grad(f)(2.0) == 7.0
"""


def in_a_fresh_interpreter(code, tmp_path):
    file = tmp_path / "script.py"
    file.write_text(code)
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_imported(tmp_path):
    in_a_fresh_interpreter(CODE, tmp_path)


def test_functions_of_libraries_have_their_rules(tmp_path):
    in_a_fresh_interpreter(FIRST_A_LIBRARY, tmp_path)


def test_a_rule_may_be_the_first_thing(tmp_path):
    in_a_fresh_interpreter(FIRST_A_RULE, tmp_path)


def test_every_name_is_there():
    for name in srcdiff.__all__:
        assert getattr(srcdiff, name) is not None
    assert set(srcdiff.__all__) <= set(dir(srcdiff))
    assert not hasattr(srcdiff, "nothing_like_this")
