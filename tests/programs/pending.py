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
    "baum_welch_one_step": Pending(
        "no-rule: an element chosen at run time from a display cannot be differentiated", stages=("text",)
    ),
    "information_filter_fusion": Pending(
        "wrong reverse over reverse, cause not known", stages=("second",), bug=True
    ),
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
    "inside_algorithm_cky": Pending("aliasing: this may or may not change 'rules' as well"),
    "monte_carlo_asian": Pending("np.cov is read inside, where array(copy=...) is met"),
    "bilateral_filter": Pending("save: np.mgrid is an object that no import reaches", stages=("text",)),
    "laplacian_pyramid": Pending(
        "second order: an accumulator of the wrong level's shape in the emitted text",
        stages=("second",),
        bug=True,
    ),
    "sparse_matvec_coo": Pending(
        "save: the default of 'rows' in sparse_matvec_coo is a tuple, not a literal", stages=("text",)
    ),
    "mlp_from_config": Pending("save: a default that is a tuple is not written out", stages=("text",)),
    "poisson_multigrid": Pending(
        "recursion: multigrid_v_cycle calls itself and changes an array, list or dict that it was given"
    ),
    "gauss_legendre_2d": Pending("np.polynomial's leggauss is read inside, where try is met"),
    "biquad_cascade_class": Pending(
        "pullback of the gradient: an object is indexed in the emitted text", stages=("second",), bug=True
    ),
    "formula_recursive_descent": Pending("re.findall is read inside the standard library"),
    "quadtree_barnes_hut": Pending("AssertionError inside (transposes)", bug=True),
    "views_of_views_written": Pending("aliasing: this may or may not change 'b' as well"),
    "fancy_gather_scatter": Pending("save: a default that is a tuple is not written out", stages=("text",)),
    "cumulative_and_differences": Pending("no-rule: diff(prepend=...) cannot be differentiated"),
    "units_drag_force": Pending(
        "a default is a keyword that the saved text requires", stages=("text",), bug=True
    ),
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
    "rod_cutting_memo": Pending("recursion: best calls itself and changes a dict that it was given"),
    "pico_gpt_loss": Pending("save: a default that is a tuple is not written out", stages=("text",)),
    "group_means_by_label": Pending("save: a default that is a tuple is not written out", stages=("text",)),
    "micrograd_inside": Pending(
        "a default of a method is a keyword that the saved text requires", stages=("text",), bug=True
    ),
    "lennard_jones_cell_list": Pending("index: a tuple made of an array as a key"),
    "property_setter_accounts": Pending(
        "the saved text takes an attribute of a class as a keyword", stages=("text",), bug=True
    ),
    "goertzel_bank_closures": Pending("value: functions in a list of unknown length"),
    "linked_list_class": Pending("loop: a linked list grown in a loop of unknown length"),
    "plugin_registry": Pending("index: which of some classes is made is known only at run time"),
}
