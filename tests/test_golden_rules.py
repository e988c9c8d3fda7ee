"""The emitted gradient of each common rule, in one file to read: golden_rules.txt.

SRCDIFF_UPDATE=1 writes it anew; read the difference before you keep it.  Helpers are called only where NumPy
has no word: `HELPERS` lists where, and may only shrink.
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_rules import EXPRESSIONS, VALUES
from test_rulebook import variables

import srcdiff
from srcdiff import grad

FILE = Path(__file__).with_name("golden_rules.txt")

HELPERS: dict[str, tuple[str, str]] = {
    "np.logaddexp(x, y)": ("logaddexp_slope", "an infinite result is the larger operand's"),
    "np.maximum(x, y)": ("is_larger", "one comparison where nothing is tied"),
    "np.minimum(x, 0.5)": ("is_larger", "one comparison where nothing is tied"),
    "np.roll(x, 1)": ("rolled", "two parts joined, a fifth of the time"),
    "np.sinc(x)": ("sinc_derivative", "a series near zero"),
    "np.prod(x)": ("products_of_others", "a division where no factor is zero"),
    "np.max(x)": ("to_largest", "np.argmax where nothing is tied"),
    "np.max(A, axis=1)": ("to_largest", "np.argmax where nothing is tied"),
    "np.cumprod(x)": ("cumprod_back", "exact where factors are zero"),
    "np.sort(x)": ("from_sorted", "a quick sort where nothing is tied"),
    "np.median(x)": ("to_quantile", "the middle two, and ties"),
    "np.einsum('ij,j->i', A, x)": ("fit", "sizes of one are repeated"),
    "np.einsum('ij,ij', A, B)": ("fit", "sizes of one are repeated"),
    "np.linalg.det(S)": ("cofactors", "exact where the matrix is singular"),
    "np.linalg.cholesky(S @ S.T)": ("half_tril", "a triangle with half of its diagonal"),
    "np.linalg.eigvalsh(S @ S.T)": ("half_tril", "a triangle with half of its diagonal"),
    "np.broadcast_to(x, (3, 4))": ("unbroadcast", "its size may be one or four"),
    "np.take(A, i, axis=0)": ("untake", "np.add.at on zeros"),
    "np.interp(x, y[::-1], y)": ("untake", "np.add.at on zeros"),
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The body of the gradient of the sum of each expression, and the helpers that it imports."""
    program = "import numpy as np\n"
    for k, e in enumerate(EXPRESSIONS):
        program += f"\n\ndef f{k}({', '.join(variables(e, VALUES))}):\n    return np.sum({e})\n"
    path = tmp_path_factory.mktemp("golden") / "golden_programs.py"
    path.write_text(program, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    out = {}
    for k, e in enumerate(EXPRESSIONS):
        names = variables(e, VALUES)
        wrt = tuple(n for n in names if np.asarray(VALUES[n]).dtype.kind == "f")
        text = srcdiff.source(grad(getattr(made, f"f{k}"), wrt=wrt), *(VALUES[n] for n in names))
        helpers = re.findall(r"^from srcdiff.runtime import (\w+)", text, re.M)
        body = text.partition('"""')[2].partition('"""')[2].strip("\n")
        lines = [line for line in body.splitlines() if line.strip() and not line.strip().startswith("#")]
        lines = [re.sub(r"  # return np\.sum\(.*$", "", line) for line in lines]
        out[e] = "\n".join([f"# {e}" + (f"    [{', '.join(helpers)}]" if helpers else ""), *lines])
    return out


def test_texts(texts: dict[str, str]) -> None:
    text = "\n\n".join(texts.values()) + "\n"
    if os.environ.get("SRCDIFF_UPDATE"):
        FILE.write_text(text, encoding="utf-8")
    assert text == FILE.read_text(encoding="utf-8")


def test_helpers_are_called_where_numpy_has_no_word(texts: dict[str, str]) -> None:
    called = {e: m.group(1) for e, t in texts.items() if (m := re.search(r"    \[(.*)\]$", t.split("\n")[0]))}
    assert called == {e: names for e, (names, _) in HELPERS.items()}
