"""Calls under a mask: what they refuse, and that what is masked out is not computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from srcdiff import grad, source
from srcdiff.errors import UnsupportedSyntax

X = np.array([0.0, 2.0, -1.0])


def undefined(x: Any) -> Any:
    return np.sum(np.log(x, where=x > 0))


def counted(x: Any) -> Any:
    return np.sum(np.log(x, out=np.zeros_like(x), where=np.arange(3)))


def number(x: Any) -> Any:
    return np.log(x[1], out=x[1], where=x > 0)


@pytest.mark.parametrize(
    ("f", "what", "help"),
    [
        (undefined, "np.log(where=...) is not supported", "np.where(mask, np.log(...), other)"),
        (counted, "where= must be an array of booleans", "where=m != 0"),
        (number, "what is written under a mask must be an array", ""),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_refused(f: Any, what: str, help: str) -> None:
    with pytest.raises(UnsupportedSyntax) as caught:
        grad(f)(X)
    text = str(caught.value)
    assert text.startswith(f"error[option]: {what}")
    assert __file__ in text and help in text


def written(x: Any) -> Any:
    out = np.zeros_like(x)
    np.log(x, out=out, where=x > 0)
    return np.sum(out)


def test_masked_out_is_not_computed() -> None:
    """No warning, which the suite would turn into an error."""
    np.testing.assert_array_equal(grad(written)(X), [0.0, 0.5, 0.0])


def root(x: Any) -> Any:
    return np.sum(np.where(x > 0, np.sqrt(np.sin(x)), x * x))


def test_the_mask_is_seen() -> None:
    code = [line.partition("#")[0] for line in source(grad(root), X).splitlines()]
    assert sum(line.count("np.where(x > 0, ") for line in code) == 1


def leaky(x: Any) -> Any:
    return np.sum(np.where(x > 0, x, 0.1 * x))


def test_nothing_infinite_costs_nothing() -> None:
    assert "x_bar = np.where(x > 0, 1.0, 0.1)" in source(grad(leaky), X)
