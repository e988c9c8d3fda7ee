"""Every public name of SciPy's parts is ruled, read, constant or refused with a reason; and calls."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy", minversion="1.15")

import rulebook_scipy as calls
import scipy.linalg
from scipy import fft, signal
from scipy.spatial import distance
from test_rulebook import variables

from srcdiff import check_rule, grad, rulebook
from srcdiff.errors import NoRule
from srcdiff.rules import scipy_reasons

ALL = os.environ.get("SRCDIFF_ALL") == "1"
RUN = [k for k in range(len(calls.LINES)) if ALL or k % 8 == 0]  # (an eighth in a run of all)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    text = calls.HEAD
    for k in RUN:
        line = calls.LINES[k]
        text += f"\n\ndef f{k}({', '.join(variables(line, calls.VALUES))}):\n    return {line}\n"
    path = tmp_path_factory.mktemp("rulebook") / "scipy_programs.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("k", RUN, ids=[calls.LINES[k] for k in RUN])
def test_call(k: int, programs: Any) -> None:
    """Both modes against differences, the dot-product test, second order: alone and all together."""
    names = variables(calls.LINES[k], calls.VALUES)
    args = tuple(calls.VALUES[n] for n in names)
    wrt = [n for n, v in zip(names, args, strict=True) if np.asarray(v).dtype.kind in "fc"]
    check_rule(getattr(programs, f"f{k}"), args, wrt=wrt, tolerance=2e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("module", rulebook.SCIPY)
def test_every_name_is_accounted_for(module: str) -> None:
    for e in rulebook.entries(module):
        assert e.status in ("rule", "read", "constant", "refused", "other"), (
            f"{e.name} has no rule, and no reason why: srcdiff/rules/scipy_reasons.py"
        )
        assert e.status != "refused" or len(e.reason) > 10, f"{e.name} is refused without a reason"


@pytest.mark.filterwarnings("ignore")
def test_what_is_read_has_calls() -> None:
    text = " ".join(calls.LINES)
    solvers = set(scipy_reasons.READ["optimize"].split()) | {"odeint", "quad", "quad_vec", "solve_ivp"}
    curves = {n for n in scipy_reasons.READ["interpolate"].split() if n != "RegularGridInterpolator"}
    for module in [m for m in rulebook.SCIPY if not m.startswith("scipy.sparse")]:  # programs/sparse.py
        for e in rulebook.entries(module):
            name = e.name.partition(".")[2]
            if (
                e.status == "read" and name.rpartition(".")[2] not in solvers | curves
            ):  # test_scipy_solvers.py
                assert name + "(" in text, f"{e.name} is read, and not called in tests/rulebook_scipy.py"


def test_reasons_are_of_names_that_exist() -> None:
    """A misspelt name would be passed over without a word."""
    found = {}
    for part, table in scipy_reasons.REFUSED.items():
        home = importlib.import_module(f"scipy.{part}")
        found.update({f"{part}.{n}": hasattr(home, n) for names in table.values() for n in names.split()})
    missing = sorted(n for n, there in found.items() if not there)
    assert len(missing) < 20, missing  # (of other versions of SciPy)


def convolved(x: Any) -> Any:
    y = 2.0 * x
    return signal.fftconvolve(y, y, axes=0).sum()


def cosines(x: Any) -> Any:
    return (fft.dct(x, orthogonalize=True) ** 2).sum()


def apart(x: Any) -> Any:
    return distance.pdist(x, "jaccard").sum()


@pytest.mark.parametrize(
    ("f", "line", "what"),
    [
        (convolved, "return signal.fftconvolve(y, y, axes=0).sum()", "fftconvolve needs axes=None"),
        (cosines, "return (fft.dct(x, orthogonalize=True) ** 2).sum()", "needs orthogonalize=None"),
        (apart, 'return distance.pdist(x, "jaccard").sum()', "metrics with a derivative"),
    ],
)
def test_options_are_refused_at_the_line_of_the_user(f: Any, line: str, what: str) -> None:
    """Before anything runs; a rule that covers them in one mode only gives the derivative in that."""
    with pytest.raises(NoRule) as e:
        grad(f)(np.linspace(0.3, 1.2, 6).reshape(3, 2) if f is apart else np.linspace(0.3, 1.2, 6))
    (problem,) = e.value.problems
    assert problem.slug == "option" and what in problem.what
    assert problem.file == __file__ and problem.text.strip() == line
    assert "leave that option out" in problem.help


def test_an_option_known_at_run_time_raises_then() -> None:
    def f(x: Any, closed: Any) -> Any:
        return scipy.linalg.solve_triangular(x, np.ones(2), trans=closed).sum()

    x = np.array([[2.0, 0.3], [0.0, 1.5]])
    assert np.isfinite(grad(f)(x, 1)).all()
    with pytest.raises(NotImplementedError, match="needs trans 0 or 1"):
        grad(f)(x, 2)
