"""The emitted text of gradients people know, as files: the primal, then its gradient.

SRCDIFF_UPDATE=1 writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import numpy as np
import pytest

import srcdiff
from corpus import PROGRAMS, gallery
from corpus.program import Program
from srcdiff import grad

FOLDER = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("SRCDIFF_UPDATE"))
RULE = "# " + "-" * 90
OTHERS = (
    "known_cubic",  # x**3 + 2 * x**2 + x
    "logistic_map",
    "indexed_product",  # cumulative product in a loop
    "newton_root",  # Newton's method in a while loop
    "return_in_loop",  # early return
    "where",
    "array_clipped",
    "matrix_products",
    "softmax_regression",
    "einsum_chain",
    "mlp_dict",
    "nested_parameters",
    "log_or_line",  # math.log, guarded
    "jitter",  # cholesky, tried again with more on the diagonal
    "continue_on_error",
)


def digits_loss(params, X, y):
    """Mean cross-entropy of a two-layer network; y holds the class of each row of X."""
    h = np.maximum(X @ params["W1"] + params["b1"], 0.0)
    scores = h @ params["W2"] + params["b2"]
    scores = scores - scores.max(axis=1, keepdims=True)
    n = X.shape[0]
    log_norm = np.log(np.exp(scores).sum(axis=1))
    return (log_norm - scores[np.arange(n), y]).mean()


DIGITS = {"W1": np.ones((4, 3)), "b1": np.zeros(3), "W2": np.ones((3, 2)), "b2": np.zeros(2)}
GOLDEN = [
    *gallery.PROGRAMS,
    *(p for name in OTHERS for p in PROGRAMS if p.name == name),
    Program("digits_loss", digits_loss, (DIGITS, np.ones((5, 4)), np.array([0, 1, 1, 0, 1]))),
]


def file_of(program: Program) -> Path:
    """Programs that differ in their arguments only have one text."""
    number, _, words = program.name.partition(" ")
    name = f"{number.rstrip('bc')}_{program.function.__name__}" if words else program.name
    return FOLDER / f"{name}.txt"


def text_of(program: Program) -> str:
    gradient = srcdiff.source(grad(program.function, wrt=program.wrt_option), *program.args, **program.kwargs)
    return f"{inspect.getsource(program.function)}\n\n{RULE}\n\n{gradient}"


@pytest.mark.parametrize("program", GOLDEN, ids=lambda p: p.name)
def test_golden(program: Program) -> None:
    file, text = file_of(program), text_of(program)
    if UPDATE:
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.exists(), f"{file.name} is missing; SRCDIFF_UPDATE=1 writes it"
    assert text == file.read_text(encoding="utf-8")


def test_nothing_left_over() -> None:
    """Every golden file has its program."""
    assert {f.name for f in FOLDER.glob("*.txt")} == {file_of(p).name for p in GOLDEN}
