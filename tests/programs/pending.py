"""What srcdiff does not take yet: strike a line when its program works; the test says when."""

from __future__ import annotations

import dataclasses

FIRST = ("first", "text", "second", "peer")


@dataclasses.dataclass(frozen=True)
class Pending:
    """Why a program is expected to fail, and at which stages."""

    reason: str
    stages: tuple[str, ...] = FIRST
    bug: bool = False  # it fails by something else than an honest refusal


PENDING = {
    "delay_equation_buffer": Pending("no-rule: the cotangent of a repeated list is not supported"),
    "natural_cubic_spline": Pending("bisect on a list of floats"),
    "inside_algorithm_cky": Pending(
        "save: the default of 'sentence' in inside_algorithm_cky is a tuple, not a literal", stages=("text",)
    ),
    "cds_hazard_piecewise": Pending("class: making an object of class OrderedDict is not supported"),
    "non_max_suppression_sum": Pending(
        "method: the list method 'remove' is not supported on a list whose length is not known"
    ),
    "dok_to_dense_assembly": Pending("class: making an object of class defaultdict is not supported"),
    "pico_gpt_loss": Pending("value: an iterator is used where a number or an array is needed"),
    "micrograd_inside": Pending("value: a function is used where a number or an array is needed"),
    "group_means_by_label": Pending("class: making an object of class defaultdict is not supported"),
    "lennard_jones_cell_list": Pending("class: making an object of class tuple is not supported"),
    "moving_average_deque": Pending("class: the class deque has a __new__ of its own"),
    "karplus_strong_string": Pending("class: the class deque has a __new__ of its own"),
    "goertzel_bank_closures": Pending("value: a function is used where a number or an array is needed"),
    "linked_list_class": Pending(
        "__iter__ of a class is not called: TypeError in the emitted text", bug=True
    ),
    "huffman_soft_cost": Pending(
        "no-rule: heapq.heappush may change what it is given, and it can not be read"
    ),
    "dijkstra_heap_indices": Pending("no-rule: heappop may change what it is given, and it can not be read"),
    "quadtree_barnes_hut": Pending("no-rule: a tree of tuples of any depth, in a list that differs in kind"),
    "plugin_registry": Pending(
        "index: the elements differ in kind, and which of them is meant is known only at run time"
    ),
    "simple_namespace_state": Pending("class: the class SimpleNamespace has a __new__ of its own"),
    "property_setter_accounts": Pending("attribute-write: this changes the attribute 'opened' of a class"),
    "custom_exception_carries_value": Pending("exception-value: a number inside an exception"),
}
