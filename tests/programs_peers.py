"""Runs every program of tests/programs by PyTorch and JAX and compares gradients with ours, into programs_peers.json.

Run by hand where the two are installed.  A program is the same text for all, with NumPy's names given by the peer
(programs/peer.py).  `python tests/programs_peers.py [names]` shows those that differ, and with names says what stopped
the peer.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch

import numeric
from programs import PROGRAMS
from programs.peer import gradient, gradient_in_torch
from programs.program import Program
from srcdiff import SrcdiffError, grad
from test_programs import arguments, as_list

PEERS = {"PyTorch": gradient_in_torch, "JAX": gradient}
CLOSE = 1e-9


def ours(program: Program) -> np.ndarray | None:
    """Our gradient; None if it is refused."""
    try:
        return numeric.ravel(as_list(program, grad(program.function, wrt=program.wrt_option)(*arguments(program))))
    except SrcdiffError:
        return None


def outcome(program: Program, mine: np.ndarray | None, peer: Any, loud: bool = False) -> str:
    """`agrees`, `differs`, or what the peer said instead of a gradient."""
    try:
        theirs = numeric.ravel(peer(program))
    except Exception as e:  # whatever stops the peer
        if loud:
            traceback.print_exc()
        return f"{type(e).__name__}: {str(e).strip().splitlines()[0][:100] if str(e).strip() else ''}".strip(": ")
    if mine is None:
        return "alone"
    try:
        numeric.assert_close(mine, theirs, CLOSE)
    except AssertionError as e:
        if loud or True:
            print(program.name, e, flush=True)
        return "differs"
    return "agrees"


def main() -> None:
    names = sys.argv[1:]
    rows: dict[str, Any] = {}
    for program in PROGRAMS:
        if names and program.name not in names:
            continue
        mine = ours(program)
        rows[program.name] = {name: outcome(program, mine, peer, bool(names)) for name, peer in PEERS.items()}
    for name in PEERS:
        print(name, dict(Counter(w if w in ("agrees", "differs", "alone") else "cannot" for w in (r[name] for r in rows.values()))))
    if names:
        print(json.dumps(rows, indent=1))
        return
    table = {"versions": {"PyTorch": torch.__version__, "JAX": jax.__version__}, "programs": rows}
    Path(__file__).with_suffix(".json").write_text(json.dumps(table, indent=0) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
