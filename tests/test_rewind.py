"""After the backward sweep every undone buffer is what it was, bit for bit.

The backward sweep rewinds memory: each write logs what it overwrites and its mirror puts that back. Here the
restored versions are made results of the graph, beside the versions they restore, and the graph is evaluated.
"""

from __future__ import annotations

from typing import Any

import pytest
from test_passes import Case, over, primal_case

import numeric
from corpus import PROGRAMS
from corpus.program import Program
from srcdiff.differentiate.fetch import fetch
from srcdiff.differentiate.reverse import reverse
from srcdiff.errors import NoRule
from srcdiff.ir.check import check
from srcdiff.ir.graph import Atom, Struct
from srcdiff.optimise.dce import dce
from srcdiff.pipeline import context, deriving
from srcdiff.request import Request

WRITES = [p for p in PROGRAMS if p.reverse]
# programs whose nonlinear writes cannot be differentiated without rewinding: if one of these has nothing to
# rewind, this test tests nothing
REWOUND = {
    "augmented_array",
    "overwrite_entry",
    "gauss_seidel_nonlinear",
    "E3.2 nonlinear sweep",
    "E3.9 swapped buffers",
}


def rewound(case: Case, optimise: bool) -> list[tuple[Any, Any]]:
    """Versions of buffers of the function's own body, each with what the backward sweep restores it to."""
    result, aux = deriving.scalar_result(case.primal, False)
    request = Request("grad", case.wrt, len(case.wrt) == 1)
    shell = deriving.replace_result(case.primal, result, aux, request)
    wrt = [shell.info["wrt"][w] for w in case.wrt]
    try:
        graph, bars, r = reverse(
            shell, wrt, context.CONTEXT, lambda b, res: [(res[0], deriving.seed(b, res[0]))]
        )
    except NoRule as e:
        pytest.skip(f"not supported: {e}")
    pairs: list[tuple[Atom, Atom]] = [(v, a) for v, a in r.root.rewound.items() if v is not a]
    versions = [v for v, _ in pairs] + [a for _, a in pairs]
    graph.region.results = [display(bars), display(versions)]
    dce(graph, frozenset(r.spared))
    fetch(r)
    if optimise:
        graph = context.optimised(graph)
    check(graph)
    _, values = case.evaluate(graph)
    return list(zip(values[: len(pairs)], values[len(pairs) :], strict=True))


def display(atoms: list[Atom]) -> Atom:
    return Struct(tuple, tuple(range(len(atoms))), tuple(atoms))


@pytest.mark.parametrize("optimise", [False, True], ids=["plain", "optimised"])
@over(WRITES)
def test_rewound(program: Program, optimise: bool) -> None:
    pairs = rewound(primal_case(program), optimise)
    if program.name in REWOUND:
        assert pairs, "nothing was rewound"
    for before, restored in pairs:
        assert numeric.fingerprint(restored) == numeric.fingerprint(before)


def test_there_is_something_to_rewind() -> None:
    names = {p.name for p in WRITES}
    assert names >= REWOUND, REWOUND - names
