"""Every program of tests/programs, as a person would use it: values, gradients, tangents, Hessians, the text.

Programs that are refused today stand in programs/pending.py, with the reason: they are expected to fail, by
an error of srcdiff's own, and fail the run when they start to work.
"""

from __future__ import annotations

import copy
import importlib.util
import inspect
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numeric
from programs import PROGRAMS
from programs.peer import DIFFERS, gradient_in_torch
from programs.peer import gradient as gradient_in_jax
from programs.pending import PENDING
from programs.program import Program
from srcdiff import SrcdiffError, grad, jvp, source, value_and_grad, vjp

try:
    import jax
except ImportError:
    jax = None


def over(programs: list[Program], stage: str) -> Any:
    return pytest.mark.parametrize(
        "program", [pytest.param(p, id=p.name, marks=marks(p, stage)) for p in programs]
    )


def marks(program: Program, stage: str) -> Any:
    pending = PENDING.get(program.name)
    if pending is None or stage not in pending.stages:
        return ()
    raises = None if pending.bug else SrcdiffError
    return pytest.mark.xfail(reason=pending.reason, raises=raises, strict=True)


def arguments(program: Program) -> tuple[Any, ...]:
    return copy.deepcopy(program.args)


def direction(program: Program, seed: int = 0) -> tuple[Any, ...]:
    rng = np.random.default_rng(zlib.crc32(program.name.encode()) + seed)
    return tuple(numeric.random_like(program.args[k], rng) for k in program.wrt)


def tangents(program: Program, v: tuple[Any, ...]) -> tuple[Any, ...]:
    """One tangent per argument: None where it is not differentiated."""
    out: list[Any] = [None] * len(program.args)
    for k, v_k in zip(program.wrt, v, strict=True):
        out[k] = v_k
    return tuple(out)


def as_list(program: Program, result: Any) -> list[Any]:
    return [result] if len(program.wrt) == 1 else list(result)


def loaded(path: Path, name: str) -> Any:
    """The function of a saved derivative, from its file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[path.stem]
    return getattr(module, name)


@over(PROGRAMS, "first")
def test_first_order(program: Program) -> None:
    """Reverse and forward against differences and each other; the value; the arguments left alone."""
    args = arguments(program)
    before = numeric.fingerprint(args)
    primal = numeric.call(program.function, program.args)

    value, g = value_and_grad(program.function, wrt=program.wrt_option)(*args)
    assert numeric.fingerprint(args) == before
    numeric.assert_close(float(value), float(primal), numeric.LAST_BITS)
    expected = numeric.gradient(program.function, program.args, program.wrt)
    for k, actual, wanted in zip(program.wrt, as_list(program, g), expected, strict=True):
        numeric.assert_structure(actual, program.args[k], f"argument {k}")
        numeric.assert_close(actual, wanted, program.tolerance, f"argument {k}")

    v = direction(program)
    same, y_dot = jvp(program.function, args, tangents(program, v))
    assert numeric.fingerprint(args) == before
    numeric.assert_close(float(same), float(primal), numeric.LAST_BITS)
    along = numeric.ravel(as_list(program, g)) @ numeric.ravel(list(v))
    scale = np.abs(numeric.ravel(as_list(program, g))) @ np.abs(numeric.ravel(list(v)))
    assert abs(float(y_dot) - along) <= 1e-10 * (1.0 + scale)


@over(PROGRAMS, "text")
def test_text(program: Program, tmp_path: Path) -> None:
    """Saved and loaded, the text gives the same bits, twice."""
    args = arguments(program)
    first = grad(program.function, wrt=program.wrt_option)
    g = first(*args)
    path = tmp_path / f"{program.name}_saved.py"
    first.save(path, *args)
    again = loaded(path, f"{program.name}_grad")
    given = inspect.signature(again).parameters.values()
    outside = [p.name for p in given if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    captured = {n: program.function.__globals__[n] for n in outside}
    for _ in range(2):
        assert numeric.fingerprint(again(*args, **captured)) == numeric.fingerprint(g)


def texts() -> dict[str, str]:
    """The text of the gradient of each program that has one."""
    out = {}
    for p in PROGRAMS[:: 1 if os.environ.get("SRCDIFF_ALL") else 4]:
        if p.name in PENDING and "first" in PENDING[p.name].stages:
            continue
        out[p.name] = source(grad(p.function, wrt=p.wrt_option), *arguments(p))
    return out


def test_same_text_elsewhere() -> None:
    """Another process, which orders its sets otherwise, emits the same bytes."""
    script = "import json, sys, test_programs; json.dump(test_programs.texts(), sys.stdout)"
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    theirs, ours = json.loads(done.stdout), texts()
    assert [name for name in ours if ours[name] != theirs[name]] == []


@over([p for p in PROGRAMS if not p.no_order2], "second")
def test_second_order(program: Program) -> None:
    """The Hessian times a direction, by forward and reverse over reverse, against differences, symmetric."""
    g = grad(program.function, wrt=program.wrt_option)
    v, w = direction(program, 1), direction(program, 2)
    Hv = jvp(g, arguments(program), tangents(program, v))[1]
    expected = numeric.directional(g, program.args, program.wrt, v)
    numeric.assert_close(Hv, expected, 10 * program.tolerance, "Hessian times a direction")
    before = numeric.fingerprint(v)
    _, pullback = vjp(g, *arguments(program))
    cotangents = pullback(v[0] if len(v) == 1 else v)
    numeric.assert_close([cotangents[k] for k in program.wrt], Hv, 1e-8, "reverse over reverse")
    assert numeric.fingerprint(pullback(v[0] if len(v) == 1 else v)) == numeric.fingerprint(cotangents)
    assert numeric.fingerprint(v) == before
    Hw = jvp(g, arguments(program), tangents(program, w))[1]
    vHw = numeric.ravel(list(v)) @ numeric.ravel(as_list(program, Hw))
    wHv = numeric.ravel(list(w)) @ numeric.ravel(as_list(program, Hv))
    scale = np.abs(numeric.ravel(list(v))) @ np.abs(numeric.ravel(as_list(program, Hw)))
    assert abs(vHw - wHv) <= 1e-9 * (1.0 + scale)


@pytest.mark.skipif(jax is None, reason="JAX is not installed")
@over([p for p in PROGRAMS if p.peer], "peer")
def test_peer(program: Program) -> None:
    """The gradient that JAX gives."""
    g = grad(program.function, wrt=program.wrt_option)(*arguments(program))
    numeric.assert_close(as_list(program, g), gradient_in_jax(program), 1e-9)


PEERS = json.loads(Path(__file__).with_name("programs_peers.json").read_text())["programs"]


def test_peers_table() -> None:
    """What PyTorch and JAX gave (programs_peers.py): where they differ, there is a reason."""
    assert set(PEERS) <= {p.name for p in PROGRAMS} and len(PEERS) > 0.95 * len(PROGRAMS)
    differ = {(name, peer) for name, row in PEERS.items() for peer, what in row.items() if what == "differs"}
    assert differ == {(name, peer) for name, reasons in DIFFERS.items() for peer in reasons}
    assert sum(row["PyTorch"] == "agrees" for row in PEERS.values()) > 0.9 * len(PEERS)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@over([p for p in PROGRAMS if PEERS.get(p.name, {}).get("PyTorch") == "agrees"], "peer")
def test_peer_in_torch(program: Program) -> None:
    """The gradient that PyTorch gives."""
    g = grad(program.function, wrt=program.wrt_option)(*arguments(program))
    numeric.assert_close(as_list(program, g), gradient_in_torch(program), 1e-9)
