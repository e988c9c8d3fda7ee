"""From a function and the kinds of its arguments to a compiled derivative: every stage in its order.

reading -> deriving, pairs -> fitting -> context.optimised -> owning -> finishing; ``nested``, ``turning`` and
``callees`` are what the front end and the derivatives of functions within functions ask back for.
"""

from __future__ import annotations

from srcdiff.pipeline.accounts import Account, account, partial_account
from srcdiff.pipeline.deriving import derivative_graph, known_kinds, layered, mapped_graph
from srcdiff.pipeline.finishing import finish, settled, text_at
from srcdiff.pipeline.nested import PRODUCTS, batched_by
from srcdiff.pipeline.pairs import pullback_pair, pushforward_pair
from srcdiff.pipeline.reading import primal_graph, wrt_values
from srcdiff.pipeline.some_rows import is_cut

__all__ = [
    "PRODUCTS",
    "Account",
    "account",
    "batched_by",
    "derivative_graph",
    "finish",
    "is_cut",
    "known_kinds",
    "layered",
    "mapped_graph",
    "partial_account",
    "primal_graph",
    "pullback_pair",
    "pushforward_pair",
    "settled",
    "text_at",
    "wrt_values",
]
