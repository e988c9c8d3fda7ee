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
    # ode
    "rk4_fit_predator_prey": Pending(
        "an unused default is a keyword that the saved text requires", stages=("text",), bug=True
    ),
    "delay_equation_buffer": Pending("no-rule: the cotangent of a repeated list is not supported"),
    "richardson_extrapolated_midpoint": Pending("index: index -1 is out of range"),
    # filters
    "baum_welch_one_step": Pending(
        "no-rule: an element chosen at run time from a display cannot be differentiated"
    ),
    "information_filter_fusion": Pending(
        "wrong reverse over reverse, cause not known", stages=("second",), bug=True
    ),
    # splines
    "natural_cubic_spline": Pending("bisect on a list of floats"),
    # linalg
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
    # dynprog
    "ctc_forward": Pending(
        "save: the default of 'labels' in ctc_forward is a tuple, not a literal", stages=("text",)
    ),
    "rod_cutting_memo": Pending("IndexError inside: max() of an empty display", bug=True),
    "inside_algorithm_cky": Pending("aliasing: this may or may not change 'rules' as well"),
    # finance
    "monte_carlo_asian": Pending("np.cov is read inside, where array(copy=...) is met"),
    "cds_hazard_piecewise": Pending("class: making an object of class OrderedDict is not supported"),
    "npv_functional": Pending(
        "x**t at t == 0.0: wrong mixed second derivative", stages=("second",), bug=True
    ),
    # images
    "bilateral_filter": Pending("save: np.mgrid is an object that no import reaches", stages=("text",)),
    "non_max_suppression_sum": Pending(
        "method: the list method 'remove' is not supported on a list whose length is not known"
    ),
    "laplacian_pyramid": Pending(
        "second order: an accumulator of the wrong level's shape in the emitted text",
        stages=("second",),
        bug=True,
    ),
    # sparse
    "sparse_matvec_coo": Pending(
        "save: the default of 'rows' in sparse_matvec_coo is a tuple, not a literal", stages=("text",)
    ),
    "dok_to_dense_assembly": Pending("class: making an object of class defaultdict is not supported"),
    # nets
    "mlp_from_config": Pending("save: a default that is a tuple is not written out", stages=("text",)),
    "pico_gpt_loss": Pending("value: an iterator is used where a number or an array is needed"),
    "rnn_char_model_lists": Pending("syntax: DictComp is not supported in a differentiated function"),
    "micrograd_inside": Pending("value: a function is used where a number or an array is needed"),
    # pde
    "poisson_multigrid": Pending(
        "recursion: multigrid_v_cycle calls itself and changes an array, list or dict that it was given"
    ),
    # numerics
    "gauss_legendre_2d": Pending("np.polynomial's leggauss is read inside, where try is met"),
    "nelder_mead_fixed_simplex": Pending("method: the method 'sort' of list is not supported"),
    # stats
    "group_means_by_label": Pending("class: making an object of class defaultdict is not supported"),
    # science
    "three_body_restricted_jacobi": Pending("class: making an object of class tuple is not supported"),
    "lennard_jones_cell_list": Pending("class: making an object of class tuple is not supported"),
    # signals
    "biquad_cascade_class": Pending(
        "pullback of the gradient: an object is indexed in the emitted text", stages=("second",), bug=True
    ),
    "moving_average_deque": Pending("class: the class deque has a __new__ of its own"),
    "karplus_strong_string": Pending("class: the class deque has a __new__ of its own"),
    "goertzel_bank_closures": Pending("value: a function is used where a number or an array is needed"),
    # geometry
    "path_length_pairwise": Pending("class: making an object of class pairwise is not supported"),
    "closest_pair_energy": Pending("class: making an object of class combinations is not supported"),
    "convex_hull_perimeter": Pending("value: an iterator is used where a number or an array is needed"),
    "sdf_operators_scene": Pending("the derivative of math.hypot(0.0, 0.0) divides by zero", bug=True),
    "ray_tracer_vec3": Pending("starred: the length of the starred argument is not known"),
    # trees
    "soft_decision_tree": Pending("value: a method is used where a number or an array is needed"),
    "linked_list_class": Pending(
        "__iter__ of a class is not called: TypeError in the emitted text", bug=True
    ),
    "formula_recursive_descent": Pending("re.findall is read inside the standard library"),
    "huffman_soft_cost": Pending(
        "no-rule: heapq.heappush may change what it is given, and it can not be read"
    ),
    "dijkstra_heap_indices": Pending("no-rule: heappop may change what it is given, and it can not be read"),
    "quadtree_barnes_hut": Pending("AssertionError inside (transposes)", bug=True),
    # idioms
    "views_of_views_written": Pending("aliasing: this may or may not change 'b' as well"),
    "fancy_gather_scatter": Pending("save: a default that is a tuple is not written out", stages=("text",)),
    "cumulative_and_differences": Pending("no-rule: diff(prepend=...) cannot be differentiated"),
    "structured_loops_ndindex": Pending("unpack: this cannot be unpacked"),
    "itertools_product_grid": Pending("class: making an object of class product is not supported"),
    "accumulate_running_products": Pending("class: making an object of class accumulate is not supported"),
    # objects
    "units_drag_force": Pending(
        "a default is a keyword that the saved text requires", stages=("text",), bug=True
    ),
    "context_manager_tracker": Pending(
        "syntax: the statement With is not supported in a differentiated function"
    ),
    "plugin_registry": Pending(
        "index: the elements differ in kind, and which of them is meant is known only at run time"
    ),
    "matrix_class_student": Pending("starred: the length of the starred argument is not known"),
    "simple_namespace_state": Pending("class: the class SimpleNamespace has a __new__ of its own"),
    "property_setter_accounts": Pending("attribute-write: this changes the attribute 'opened' of a class"),
    # guards
    "cholesky_with_jitter": Pending(
        "syntax: the statement Try is not supported in a differentiated function"
    ),
    "safe_logs_with_except": Pending(
        "syntax: the statement Try is not supported in a differentiated function"
    ),
    "parse_config_with_defaults": Pending(
        "syntax: the statement Try is not supported in a differentiated function"
    ),
    "newton_finally_log": Pending("syntax: the statement Try is not supported in a differentiated function"),
    "errstate_guarded_ratio": Pending(
        "syntax: the statement With is not supported in a differentiated function"
    ),
    "contextmanager_parameters": Pending(
        "syntax: the statement With is not supported in a differentiated function"
    ),
    "suppress_and_nullcontext": Pending(
        "syntax: the statement With is not supported in a differentiated function"
    ),
    "activation_by_match": Pending(
        "syntax: the statement Match is not supported in a differentiated function"
    ),
    "generator_training_loop": Pending("generator: epochs is a generator function"),
    "infinite_generator_takewhile": Pending("generator: fibonacci_like is a generator function"),
    "yield_from_flatten": Pending("generator: walk is a generator function"),
    "warn_and_continue": Pending("syntax: the statement With is not supported in a differentiated function"),
    "walrus_reading_tokens": Pending("unbound: 'token' may be used before it has a value"),
    "custom_exception_carries_value": Pending(
        "syntax: the statement Try is not supported in a differentiated function"
    ),
    "try_else_nested": Pending("syntax: the statement Try is not supported in a differentiated function"),
}
