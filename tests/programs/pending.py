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
    "rk4_fit_predator_prey": Pending(
        "an unused default is a keyword that the saved text requires", stages=("text",), bug=True
    ),
    "delay_equation_buffer": Pending("no-rule: the cotangent of a repeated list is not supported"),
    "baum_welch_one_step": Pending(
        "no-rule: an element chosen at run time from a display cannot be differentiated", stages=("text",)
    ),
    "natural_cubic_spline": Pending("bisect on a list of floats"),
    "qr_algorithm_unshifted": Pending(
        "AttributeError in the emitted text: the parts of a namedtuple result in a loop",
        stages=("second",),
        bug=True,
    ),
    "lanczos_tridiagonal": Pending(
        "an array on a tape is added to after the loop: wrong reverse over reverse",
        stages=("second",),
        bug=True,
    ),
    "ctc_forward": Pending(
        "save: the default of 'labels' in ctc_forward is a tuple, not a literal", stages=("text",)
    ),
    "rod_cutting_memo": Pending("IndexError inside: max() of an empty display", bug=True),
    "inside_algorithm_cky": Pending("aliasing: this may or may not change 'rules' as well"),
    "monte_carlo_asian": Pending("np.cov is read inside, where array(copy=...) is met"),
    "cds_hazard_piecewise": Pending("class: making an object of class OrderedDict is not supported"),
    "bilateral_filter": Pending("save: np.mgrid is an object that no import reaches", stages=("text",)),
    "non_max_suppression_sum": Pending(
        "method: the list method 'remove' is not supported on a list whose length is not known"
    ),
    "laplacian_pyramid": Pending(
        "second order: an accumulator of the wrong level's shape in the emitted text",
        stages=("second",),
        bug=True,
    ),
    "sparse_matvec_coo": Pending(
        "save: the default of 'rows' in sparse_matvec_coo is a tuple, not a literal", stages=("text",)
    ),
    "dok_to_dense_assembly": Pending("class: making an object of class defaultdict is not supported"),
    "mlp_from_config": Pending("save: a default that is a tuple is not written out", stages=("text",)),
    "pico_gpt_loss": Pending("value: an iterator is used where a number or an array is needed"),
    "micrograd_inside": Pending("value: a function is used where a number or an array is needed"),
    "poisson_multigrid": Pending(
        "recursion: multigrid_v_cycle calls itself and changes an array, list or dict that it was given"
    ),
    "gauss_legendre_2d": Pending("np.polynomial's leggauss is read inside, where try is met"),
    "group_means_by_label": Pending("class: making an object of class defaultdict is not supported"),
    "lennard_jones_cell_list": Pending("class: making an object of class tuple is not supported"),
    "biquad_cascade_class": Pending(
        "pullback of the gradient: an object is indexed in the emitted text", stages=("second",), bug=True
    ),
    "moving_average_deque": Pending("class: the class deque has a __new__ of its own"),
    "karplus_strong_string": Pending("class: the class deque has a __new__ of its own"),
    "goertzel_bank_closures": Pending("value: a function is used where a number or an array is needed"),
    "linked_list_class": Pending(
        "__iter__ of a class is not called: TypeError in the emitted text", bug=True
    ),
    "formula_recursive_descent": Pending("re.findall is read inside the standard library"),
    "huffman_soft_cost": Pending(
        "no-rule: heapq.heappush may change what it is given, and it can not be read"
    ),
    "dijkstra_heap_indices": Pending("no-rule: heappop may change what it is given, and it can not be read"),
    "quadtree_barnes_hut": Pending("AssertionError inside (transposes)", bug=True),
    "views_of_views_written": Pending("aliasing: this may or may not change 'b' as well"),
    "fancy_gather_scatter": Pending("save: a default that is a tuple is not written out", stages=("text",)),
    "cumulative_and_differences": Pending("no-rule: diff(prepend=...) cannot be differentiated"),
    "units_drag_force": Pending(
        "a default is a keyword that the saved text requires", stages=("text",), bug=True
    ),
    "plugin_registry": Pending(
        "index: the elements differ in kind, and which of them is meant is known only at run time"
    ),
    "simple_namespace_state": Pending("class: the class SimpleNamespace has a __new__ of its own"),
    "property_setter_accounts": Pending("attribute-write: this changes the attribute 'opened' of a class"),
    "cholesky_with_jitter": Pending(
        "syntax: the statement Try is not supported in a differentiated function", stages=("second",)
    ),
    "newton_finally_log": Pending(
        "syntax: the statement Try is not supported in a differentiated function", stages=("text",)
    ),
    "contextmanager_parameters": Pending(
        "syntax: the statement With is not supported in a differentiated function"
    ),
    "activation_by_match": Pending(
        "the saved function takes a keyword for a part of an argument that holds a function",
        stages=("text",),
        bug=True,
    ),
    "custom_exception_carries_value": Pending(
        "syntax: the statement Try is not supported in a differentiated function"
    ),
}
