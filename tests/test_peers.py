"""Every function that autograd or JAX differentiates by NumPy's and SciPy's names, ours differentiates too.

peers.json lists what the two have (peers.py writes it, where they are installed).
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from srcdiff import rulebook
from srcdiff.rules import registry

pytest.importorskip("scipy", minversion="1.15")

FOUND: dict[str, Any] = json.loads(Path(__file__).with_name("peers.json").read_text(encoding="utf-8"))
CASES = [(peer, module) for peer in ("autograd", "jax") for module in FOUND[peer]]

LACKS = {  # what is no function to differentiate, or what they list and do not differentiate either
    "numpy": "array_repr array_str from_dlpack frombuffer fromfile frompyfunc fromstring get_printoptions"
    " load printoptions save savez set_printoptions",
    "scipy.linalg": "funm hessenberg",  # jax 0.10: "Differentiation rule for 'hessenberg' not implemented"
    "scipy.special": "bessel_jn",  # of no function of SciPy's: special.jv
}
OURS_REFUSES = {  # they have a rule, and we have not: with the reason
    "scipy.stats": {"mode": "it counts: the value is one of the sample's, which ties decide"},
    "scipy.cluster.vq": {"vq": "indices; the distances are those of scipy.spatial.distance.cdist"},
}


def lacking(module: str, names: list[str]) -> list[str]:
    """Those without a rule that are not read, nor constant."""
    home = importlib.import_module(module)
    entries = {e.name.rpartition(".")[2]: e for e in rulebook.entries(module)}
    out = []
    for name in names:
        part, dot, method = name.partition(".")
        if dot:  # a method of a distribution: what autograd imports there for itself is none
            fn = getattr(getattr(home, part, None), method, None)
            known = fn is None or registry.lookup(fn) is not None or registry.definitions_of(fn)
        else:
            known = name in entries and entries[name].status in ("rule", "read", "constant")
        if not known:
            out.append(name)
    return out


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("peer", "module"), CASES)
def test_nothing_is_missing_that_a_peer_has(peer: str, module: str) -> None:
    allowed = {*LACKS.get(module, "").split(), *OURS_REFUSES.get(module, {})}
    assert not set(lacking(module, FOUND[peer][module])) - allowed


def test_the_tables_are_not_empty() -> None:
    assert sum(map(len, FOUND["autograd"].values())) > 150
    assert sum(map(len, FOUND["jax"].values())) > 550
