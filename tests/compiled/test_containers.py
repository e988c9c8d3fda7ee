"""Arrays inside of containers in kernels: lists of a few are of the structure that they have at the call."""

from __future__ import annotations

import copy
import itertools
from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import optree
import pytest

pytest.importorskip("numba")

import srcdiff
from srcdiff import grad, hvp, vjp

RNG = np.random.default_rng(5)


def network(layers: Any, x: Any, y: Any) -> Any:
    h = x
    for W, b in layers[:-1]:
        h = np.tanh(h @ W + b)
    W, b = layers[-1]
    return np.mean((h @ W + b - y) ** 2)


def by_names(p: Any, x: Any) -> Any:
    for layer in p["layers"]:
        x = np.tanh(x @ layer["W"] + layer["b"])
    return np.sum(x * p["gain"])


def chosen(ws: Any, x: Any, k: int) -> Any:
    """Which element it is only a run tells."""
    return np.sum((x @ ws[k]) ** 2)


def grown(ws: Any, x: Any) -> Any:
    ws.append(x * ws[0])
    return np.sum(ws[-1] ** 2) + sum(np.sum(w) for w in ws)


def replaced(ws: Any, x: Any) -> Any:
    ws[0] += x
    ws[1] = ws[0] * 2.0
    return np.sum(ws[1] ** 2) + np.sum(ws[0] ** 3)


def many(xs: Any, a: Any) -> Any:
    return sum(np.sum(np.sin(a * x)) for x in xs)


def chain(*sizes: int) -> list[Any]:
    return [(RNG.normal(size=(m, n)), RNG.normal(size=n)) for m, n in itertools.pairwise(sizes)]


def data(rows: int, m: int, n: int) -> tuple[Any, Any]:
    return RNG.normal(size=(rows, m)), RNG.normal(size=(rows, n))


def squares(n: int) -> list[Any]:
    return [RNG.normal(size=(3, 3)) for _ in range(n)]


def leaves(x: Any) -> list[Any]:
    return [np.asarray(v) for v in optree.tree_leaves(x)]


def check(f: Any, calls: list[tuple[Any, ...]]) -> Any:
    g, plain = grad(f, backend="numba"), grad(f)
    for args in (*calls, *calls):  # (the second time round what was made is found again)
        got, want = (d(*copy.deepcopy(args)) for d in (g, plain))
        assert optree.tree_structure(got) == optree.tree_structure(want)
        for x, y in zip(leaves(got), leaves(want), strict=True):
            assert x.shape == y.shape and x.dtype == y.dtype
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-11)
    return g


def test_a_network_is_one_kernel(uncompiled: None) -> None:
    args = (chain(4, 8, 8, 2), *data(5, 4, 2))
    report = check(network, [args]).compiled(*args)
    assert len(report.kernels) == 1 and not report.left


def test_other_sizes_and_lengths(uncompiled: None) -> None:
    of = [((4, 8, 2), 5), ((4, 8, 2), 7), ((4, 8, 8, 2), 5), ((3, 3), 5), ((1, 1, 1), 1), ((4, 8, 2), 0)]
    check(network, [(chain(*sizes), *data(rows, sizes[0], sizes[-1])) for sizes, rows in of])
    layers = [[{"W": RNG.normal(size=(n, n)), "b": RNG.normal(size=n)} for _ in range(2)] for n in (3, 4)]
    check(by_names, [({"layers": x, "gain": 1.5}, RNG.normal(size=(2, len(x[0]["b"])))) for x in layers])


def test_sizes_that_stay_are_part_of_the_text(uncompiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(srcdiff.api.specialise, "_shared", {})
    of = [((4, 8, 2), 5), ((4, 8, 2), 7), ((4, 8, 2), 3), ((4, 6, 2), 5), ((4, 9, 2), 8), ((3, 9, 3), 5)]
    calls = [(chain(*sizes), *data(rows, sizes[0], sizes[-1])) for sizes, rows in of]
    g = check(network, calls)
    texts = [g.source_for(*args) for args in calls]
    assert "(8)" in texts[1] and texts[1] == texts[2]  # one text for any number of rows
    assert "(8)" not in texts[3] and texts[3] == texts[4]
    assert len(set(texts)) == 4


def test_lists_that_are_no_structures(uncompiled: None) -> None:
    x = RNG.normal(size=(2, 3))
    check(chosen, [(squares(3), x, 1), (squares(3), x, -1), (squares(4), x, 2)])
    check(grown, [(squares(2), squares(1)[0]), (squares(3), squares(1)[0])])
    check(replaced, [(squares(2), squares(1)[0])])
    rows = [[3, 3, 3], [3, 4], [0, 4], [2] * 12]
    check(many, [([RNG.normal(size=n) for n in sizes], 1.3) for sizes in rows])


def test_containers_of_other_classes(uncompiled: None) -> None:
    class Row(tuple):
        pass

    Layer = namedtuple("Layer", "W b")

    def attributes(layers: Any, x: Any) -> Any:
        for layer in layers:
            x = np.tanh(x @ layer.W + layer.b)
        return np.sum(x)

    def items(p: Any, x: Any) -> Any:
        return np.sum(np.tanh(x @ p["W"]) * p["rows"][1] + p["rows"][0])

    for n in (3, 4):
        x, W = RNG.normal(size=(2, n)), RNG.normal(size=(n, n))
        check(attributes, [([Layer(W, W[0]), Layer(W.T.copy(), W[1])], x)])
        p = OrderedDict(W=W, rows=Row((W[0], W[1])))
        got, want = (grad(items, backend=b)(p, x) for b in ("numba", "numpy"))
        for a, b in zip(leaves(got), leaves(want), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9)


def test_other_derivatives(uncompiled: None) -> None:
    args = (chain(3, 4, 2), *data(5, 3, 2))
    for got, want in (
        (hvp(network, backend="numba")(*args, args[0]), hvp(network)(*args, args[0])),
        (vjp(network, *args, backend="numba")[1](1.0), vjp(network, *args)[1](1.0)),
        (grad(network, wrt="layers[0]", backend="numba")(*args), grad(network, wrt="layers[0]")(*args)),
    ):
        for x, y in zip(leaves(got), leaves(want), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-11)
