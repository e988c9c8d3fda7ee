"""What every stage is told of the rules, and the passes that every derivative goes through."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np

from srcdiff.backends.result_kinds import is_typed_by_values
from srcdiff.differentiate.common import fills_zero, keeps_zero
from srcdiff.frontend.lower import Context
from srcdiff.ir import ops
from srcdiff.ir.graph import Graph
from srcdiff.optimise.collect import common_factors
from srcdiff.optimise.dce import dce
from srcdiff.optimise.divisors import without_divisors
from srcdiff.optimise.doubtful import apart_where_doubtful
from srcdiff.optimise.elements import known_elements
from srcdiff.optimise.held import Held
from srcdiff.optimise.merge import merge_branches
from srcdiff.optimise.one_loop import in_one_loop
from srcdiff.optimise.passes import noted
from srcdiff.optimise.precision import widened
from srcdiff.optimise.products import cheaper_products
from srcdiff.optimise.pythonic import Numbers
from srcdiff.optimise.scatter import fewer_passes
from srcdiff.optimise.simplify import count, simplify
from srcdiff.optimise.sizes import first_versions
from srcdiff.optimise.words import Words
from srcdiff.optimise.written_out import Small
from srcdiff.optimise.zeroed import written_each_trip
from srcdiff.pipeline import callees, finishing, nested, turning
from srcdiff.rules import batching, numbers, registry, vocabulary

__all__ = [
    "CONTEXT", "NUMBERS", "SMALL", "SMALL_IN_KERNELS", "WORDS", "is_fresh", "optimised", "shape_positions",
]  # fmt: skip


_SHAREABLE = {
    ops.getfield, ops.given, ops.shape_at, ops.exit_is, ops.order, ops.accumulate, ops.poplast,
    ops.stop_gradient,
    operator.getitem, len, float, getattr, operator.not_, operator.contains, isinstance, int, bool,
}  # fmt: skip


def is_shareable(fn: Any) -> bool:
    """Whether two applications to the same operands may be one: not where each makes memory of its own."""
    try:
        if fn in vocabulary.CREATES:
            return False
        return registry.is_known(fn) or fn in _SHAREABLE
    except TypeError:
        return False


def is_fresh(fn: Any) -> bool:
    return registry.returns_fresh(fn) or fn in (operator.add, operator.sub, operator.mul)


def shape_positions(fn: Any) -> frozenset[int]:
    """The operands of which a function reads the shape and the type alone."""
    return frozenset({0}) if fn in (np.zeros_like, np.ones_like) else registry.shape_positions(fn)


def is_copy(fn: Any) -> bool:
    return fn in (np.copy, np.ndarray.copy, ops.copied)


def transform_of(obj: Any) -> Any:
    """What kind of derivative a callable makes, if any (set on the functions of the public interface)."""
    kind_ = getattr(obj, "__srcdiff__", None)
    return kind_ if isinstance(kind_, str) else None


CONTEXT = Context(
    transform=transform_of,
    derive=lambda *a: nested.derive(*a),
    is_known=registry.is_known,
    is_pure=registry.is_pure,
    may_alias=registry.may_alias,
    alias_of_one=registry.is_alias_of_one,
    shape_positions=lambda fn: shape_positions(fn),
    keeps_zero=keeps_zero,
    fills_zero=fills_zero,
    is_elementwise=batching.is_elementwise,
    is_product=vocabulary.MULTILINEAR.__contains__,
    tangent_of=lambda callee, active, orders: callees.tangent_of(callee, active, orders),
    pullback_of=lambda callee, active: callees.pullback_of(callee, active),
    array_operands=registry.array_operands,
    options=registry.options,
    definitions=registry.definitions_for,
    reason=registry.reason_of,
    with_saved=registry.with_saved,
    is_freezing=registry.is_freezing,
    compiled=lambda graph: finishing.compiled(graph),
    implicit=registry.implicit_named,
    turn=lambda *a: turning.turn(*a),
)


WORDS = Words(
    vocabulary.EXPANDS, vocabulary.SUMS, vocabulary.MAKES_ZEROS, vocabulary.REPEATS, vocabulary.TOTAL,
    vocabulary.TRANSPOSES, vocabulary.OUTER, vocabulary.CHOOSES, vocabulary.COPIES,
    vocabulary.LEAVES, vocabulary.NEW_AXIS,
    vocabulary.FLIPS, vocabulary.FILLED, vocabulary.ONES, np.float64, numbers.gives_numpys,
    vocabulary.CONTRACTS, vocabulary.AS_MATRICES, vocabulary.ARRAY, vocabulary.COUNTED, vocabulary.ENTRIES,
    vocabulary.UNTAKE,
    vocabulary.writes_over, vocabulary.READS_SHAPE, batching.is_elementwise, vocabulary.SMOOTH,
    vocabulary.LIKE_SECOND, vocabulary.CHECK_THERE, vocabulary.CHECK_SET,
)  # fmt: skip

NUMBERS = Numbers(
    numbers.QUICK, np.array, np.reshape, np.ndarray.item, np.float64, np.divide, numbers.POWER,
    numbers.takes_number,
    shape_positions, numbers.gives_numpys,
)  # fmt: skip

SMALL = Small(
    np.array, np.zeros, np.ones, np.float64,
    frozenset({np.dot, np.matmul, np.inner, np.vdot, operator.matmul}),
    frozenset({np.dot, np.matmul, operator.matmul}), np.sum, np.cross, np.transpose,
    numbers.takes_element, np.eye, np.outer,
)  # fmt: skip

# for kernels: there reading an element is no call
SMALL_IN_KERNELS = replace(
    SMALL, most=16, most_products=64, moves=vocabulary.MOVES, whole=vocabulary.OF_MATRICES, reads=True
)


def doubles(graph: Graph) -> Graph:
    """Double precision where Python's own numbers would be single precision."""
    return noted("precision", widened(graph, np.float64, numbers.gives_numpys))


def optimised(graph: Graph, merge: bool = True) -> Graph:
    """The passes that every derivative goes through."""
    noted("differentiate", graph)
    held = Held(graph)
    if any(map(is_typed_by_values, held.functions.values())):
        graph = apart_where_doubtful(graph, vocabulary.BLANKS)
    graph = noted("first_versions", first_versions(graph, shape_positions, is_copy, batching.is_elementwise))
    graph = noted("simplify", simplify(noted("dce", dce(graph)), is_shareable, WORDS))
    if merge:
        graph = noted("one_loop", in_one_loop(graph))
        if not graph.info["settled"]:
            graph = noted("simplify", simplify(graph, is_shareable, WORDS))
        size = count(graph.region)
        graph = noted("merge_branches", merge_branches(graph) if "if" in held.codes else graph)
        if not graph.info["settled"] or count(graph.region) != size:
            graph = noted("simplify", simplify(graph, is_shareable, WORDS))
    del graph.info["settled"]
    changed = cheaper_products(graph, WORDS, shape_positions)
    held = Held(graph)  # (what follows makes none of what is looked for, but where it is there)
    if held.any(operator.truediv):
        changed = without_divisors(graph, WORDS) or changed
    noted("products", graph)
    written, added = held.any(ops.setitem), held.any(ops.additem)
    if (written or added) and held.any(operator.getitem):
        changed = known_elements(graph) or changed
    noted("elements", graph)
    if added:
        if fewer_passes(graph):
            changed = True
            fewer_passes(graph)  # (what is added elsewhere may be written)
        if "for" in held.codes:
            changed = written_each_trip(graph) or changed
    noted("scatter", graph)
    if changed:
        graph = noted("simplify", simplify(graph, is_shareable, WORDS))
        del graph.info["settled"]
    return noted("collect", common_factors(graph))
