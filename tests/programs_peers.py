"""Runs every program of tests/programs in PyTorch and JAX, and compares their gradients with ours.

`python tests/programs_peers.py`, where the two are installed, writes programs_peers.json; a program is one
text for all, with NumPy's names given by the peer (programs/peer.py).  With names of programs it writes
nothing, and shows what stopped the peer.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from test_programs import arguments, as_list

import numeric
from programs import PROGRAMS
from programs.peer import gradient, gradient_in_torch
from programs.pending import PENDING
from programs.program import Program
from srcdiff import grad

PEERS = {"PyTorch": ("torch", gradient_in_torch), "JAX": ("jax", gradient)}
CLOSE = 1e-9
FILE = Path(__file__).with_suffix(".json")


def ours(program: Program) -> np.ndarray | None:
    """Our gradient; none of a program that is refused."""
    if "first" in getattr(PENDING.get(program.name), "stages", ()):
        return None
    g = grad(program.function, wrt=program.wrt_option)(*arguments(program))
    return numeric.ravel(as_list(program, g))


def outcome(program: Program, mine: np.ndarray | None, peer: Any, loud: bool = False) -> str:
    """`agrees`, `differs`, `alone` (we refuse it), or what the peer said instead of a gradient."""
    try:
        theirs = numeric.ravel(peer(program))
    except Exception as e:  # whatever stops a peer
        if loud:
            traceback.print_exc()
        return f"{type(e).__name__}: {(str(e).strip() or 'no words').splitlines()[0][:100]}"
    if mine is None:
        return "alone"
    try:
        numeric.assert_close(mine, theirs, CLOSE)
    except AssertionError as e:
        print(program.name, e, flush=True)
        return "differs"
    return "agrees"


def main() -> None:
    names = sys.argv[1:]
    rows: dict[str, Any] = {}
    for program in PROGRAMS:
        if not names or program.name in names:
            mine = ours(program)
            rows[program.name] = {n: outcome(program, mine, g, bool(names)) for n, (_, g) in PEERS.items()}
    for name in PEERS:
        words = ("agrees", "differs", "alone")
        counts = Counter(r[name] if r[name] in words else "cannot" for r in rows.values())
        print(name, dict(counts))
    if names:
        print(json.dumps(rows, indent=1))
        return
    table = {"versions": {name: version(package) for name, (package, _) in PEERS.items()}, "programs": rows}
    FILE.write_text(json.dumps(table, indent=0) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
