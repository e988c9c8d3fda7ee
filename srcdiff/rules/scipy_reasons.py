# ruff: noqa: E501  (tables of names)
"""What of SciPy has no derivative, and why; what is read as a few lines, or through its own source.

The rules of a part of SciPy take their reasons from here when they are imported (`declare`); the rule book
shows them.
"""

from __future__ import annotations

from types import ModuleType

from srcdiff.rules.registry import nondifferentiable, refused

__all__ = ["CONSTANT", "READ", "REFUSED", "declare"]

TEST = "a hypothesis test: it is made for data, and its ranks, counts and tables do not vary smoothly"
RANKS = "it ranks its data, or counts them: its slope is zero wherever there is one"
SEARCH = "it searches for the best of its parameters: differentiate what it maximises"
DRAWS = "its result is drawn at random: draw outside, and pass the numbers"
OBJECT = "its result is an object, or text; the values inside are those of functions that have rules"
PLOT = "it draws a picture, or prints"
UNIQUE = "its factors are unique only up to choices that LAPACK makes, which jump"
CHANGED = "it changes a factorisation in place: factorise the changed matrix"
DESIGN = "it designs a filter from its specification: pass the coefficients, or write out their formula"
FORMS = "it rewrites a filter or a system: its roots and their order jump; the response has a rule (freqz)"
SPLINE = "splines of higher order than one: use order=1, or map_coordinates(order=1)"
SYSTEMS = "it simulates a system that is an object: write the recursion, or scipy.signal.lfilter"
PEAKS = "it finds places, which are integers, and what is read there: index the signal with find_peaks"
USERS = "it calls a function that is passed to it: write out the loop that it stands for"
KNOTS = "it chooses knots, or a smoothing, from the data: make the curve outside, or with CubicSpline"
TRIANGLES = "its values depend on a triangulation, which jumps: use interpn or RegularGridInterpolator"
HERE = "it has no derivative rule here: scipy.integrate.quad has one, inside another too"
GLOBAL = "a search over a whole region, or a chain of them: polish its result with scipy.optimize.minimize"
OLD = "an older name: scipy.optimize.minimize and root have derivatives by the implicit function theorem"
PROGRAM = "its solution jumps from corner to corner, with the derivative zero in the costs"
SPARSE = "not of sparse matrices whose entries vary: make them of entries, rows, diagonals and blocks (diags, kron, vstack)"
KRYLOV = "its result depends on the solver's path: use spsolve, cg, gmres, bicgstab or minres"
SETTINGS = "it asks for or changes settings"
WEIGHTS = "no density in closed form that has a rule here: write its logarithm with scipy.special"

REFUSED: dict[str, dict[str, str]] = {
    "special": {SETTINGS: "geterr seterr"},
    "linalg": {
        UNIQUE: "qz ordqz hessenberg ldl null_space orth cossin cdf2rdf matrix_balance",
        CHANGED: "qr_delete qr_insert qr_update",
        "it is a number that says how far another can be trusted": "expm_cond",
        DRAWS: "clarkson_woodruff_transform",
        "it gives routines that write to the memory that they are given": (
            "get_blas_funcs get_lapack_funcs find_best_blas_type"
        ),
        "it calls a function that is passed to it: expm, logm, sqrtm, signm and the like have rules": "funm",
    },
    "stats": {
        TEST: "alexandergovern anderson anderson_ksamp ansari barnard_exact bartlett binomtest boschloo_exact "
        "brunnermunzel bws_test chi2_contingency chisquare combine_pvalues cramervonmises "
        "cramervonmises_2samp dunnett epps_singleton_2samp f_oneway fisher_exact fligner friedmanchisquare "
        "goodness_of_fit jarque_bera kruskal ks_1samp ks_2samp kstest kurtosistest levene logrank "
        "mannwhitneyu median_test mood monte_carlo_test multiscale_graphcorr normaltest page_trend_test "
        "permutation_test poisson_means_test power power_divergence quantile_test ranksums shapiro skewtest "
        "tukey_hsd ttest_ind_from_stats wilcoxon false_discovery_control obrientransform",
        RANKS: "chatterjeexi kendalltau percentileofscore pointbiserialr siegelslopes somersd spearmanr "
        "spearmanrho theilslopes weightedtau tmin tmax trim1 trimboth sigmaclip mode lmoment "
        "order_statistic quantile estimated_cdf",
        "its bins are counted: np.histogram of given edges has a derivative in the weights": (
            "binned_statistic binned_statistic_2d binned_statistic_dd cumfreq relfreq"
        ),
        SEARCH: "boxcox_normmax yeojohnson_normmax ppcc_max fit expectile",
        DRAWS: "bootstrap sobol_indices random_correlation random_table uniform_direction ortho_group "
        "special_ortho_group unitary_group",
        OBJECT: "bayes_mvs mvsdist describe directional_stats ecdf make_distribution truncate",
        "arithmetic with random variables, which are objects": "abs exp log",
        "moments of samples, with corrections: write it with np.mean and np.var": "kstat kstatvar",
        "it estimates from spacings, with a method chosen by the size": "differential_entropy",
        "optimal transport in several dimensions: its plan jumps": "wasserstein_distance_nd",
        PLOT: "boxcox_normplot yeojohnson_normplot ppcc_plot probplot",
    },
    "signal": {
        DESIGN: "butter buttord bessel cheby1 cheby2 cheb1ap cheb2ap cheb1ord cheb2ord ellip ellipap "
        "ellipord iirdesign iirfilter iirnotch iirpeak iircomb gammatone firls firwin firwin2 firwin_2d "
        "remez kaiser_atten kaiser_beta kaiserord minimum_phase place_poles band_stop_obj",
        FORMS: "bilinear bilinear_zpk lp2bp lp2bp_zpk lp2bs lp2bs_zpk lp2hp lp2hp_zpk lp2lp lp2lp_zpk "
        "normalize tf2sos tf2ss tf2zpk zpk2sos zpk2ss sos2tf sos2zpk ss2tf ss2zpk abcd_normalize "
        "cont2discrete residue residuez invres invresz unique_roots findfreqs group_delay sosfreqz freqz_sos "
        "sosfilt_zi lfiltic",
        SYSTEMS: "bode dbode freqresp dfreqresp impulse dimpulse step dstep lsim dlsim",
        PEAKS: "peak_prominences peak_widths",
        "it takes the numbers under a mask in order: use scipy.ndimage.rank_filter": "order_filter",
        "splines of samples: pass their coefficients, or use scipy.interpolate.CubicSpline": (
            "cspline1d cspline1d_eval cspline2d qspline1d qspline1d_eval qspline2d spline_filter sepfir2d "
            "symiirorder1 symiirorder2"
        ),
        "it removes and adds bands by what is asked: abs(scipy.signal.hilbert(x)) has a rule": (
            "envelope hilbert2"
        ),
        "its penalty may be found by a search: solve (I + lamb D.T D) x = signal with scipy.linalg.solve": (
            "whittaker_henderson"
        ),
        "a spectrum at any times, by a choice of formulas: write its sums of sines and cosines": "lombscargle",
    },
    "ndimage": {
        SPLINE: "zoom rotate spline_filter spline_filter1d",
        USERS: "generic_filter generic_filter1d generic_gradient_magnitude generic_laplace "
        "geometric_transform labeled_comprehension vectorized_filter",
    },
    "interpolate": {
        KNOTS: "bisplev bisplrep generate_knots insert make_lsq_spline make_smoothing_spline make_splprep "
        "make_splrep spalde splantider splder splev splint splprep splrep sproot",
        TRIANGLES: "griddata",
        OBJECT: "approximate_taylor_polynomial lagrange pade",
    },
    "integrate": {
        HERE: "cubature dblquad fixed_quad nquad nsum qmc_quad tanhsinh tplquad",
        "a boundary problem: write its collocation, and solve it with scipy.optimize.root": "solve_bvp",
    },
    "optimize": {
        GLOBAL: "basinhopping brute differential_evolution direct dual_annealing shgo",
        OLD: "anderson bracket brent broyden1 broyden2 diagbroyden excitingmixing fmin fmin_bfgs fmin_cg "
        "fmin_cobyla fmin_l_bfgs_b fmin_ncg fmin_powell fmin_slsqp fmin_tnc fminbound golden leastsq "
        "line_search linearmixing newton_krylov",
        PROGRAM: "linprog milp quadratic_assignment",
        "its solution is an object, and changes by pieces: use np.linalg.lstsq, or nnls": (
            "lsq_linear isotonic_regression"
        ),
        "differences of a function: use srcdiff.grad, and srcdiff.check_rule": "approx_fprime check_grad",
        PLOT: "show_options linprog_verbose_callback",
    },
    "sparse": {
        SPARSE: "block_array block_diag bmat expand_dims find "
        "kronsum matrix_transpose permute_dims swapaxes tril triu",
        DRAWS: "rand random random_array",
        "it reads or writes a file": "load_npz save_npz",
    },
    "sparse.linalg": {
        SPARSE: "expm inv matrix_power norm onenormest spsolve_triangular",
        "eigenvalues of a sparse matrix, which does not vary: of arrays, np.linalg.eigh": (
            "eigs eigsh lobpcg svds"
        ),
        KRYLOV: "bicg cgs gcrotmk lgmres lsmr lsqr qmr tfqmr expm_multiply funm_multiply_krylov",
        OBJECT: "aslinearoperator spilu",
        SETTINGS: "use_solver",
    },
    "fft": {SETTINGS: "register_backend set_backend set_global_backend set_workers skip_backend"},
    "spatial": {
        PLOT: "convex_hull_plot_2d delaunay_plot_2d voronoi_plot_2d",
        TRIANGLES: "tsearch",
    },
    "spatial.distance": {
        "it compares truth values: its slope is zero wherever there is one": (
            "dice jaccard rogerstanimoto russellrao sokalsneath sokalmichener kulczynski1 yule hamming"
        ),
    },
}

CONSTANT: dict[str, str] = {  # integers and truth values; nodes of given numbers
    "integrate": "lebedev_rule",
    "signal": "check_COLA check_NOLA",
    "sparse": "eye eye_array identity get_index_dtype issparse isspmatrix isspmatrix_bsr isspmatrix_coo isspmatrix_csc isspmatrix_csr "
    "isspmatrix_dia isspmatrix_dok isspmatrix_lil safely_cast_index_arrays",
    "sparse.linalg": "is_sptriangular spbandwidth",
    "spatial.distance": "is_valid_dm is_valid_y num_obs_dm num_obs_y",
}

READ: dict[str, str] = {
    "special": "assoc_laguerre",
    "linalg": "companion convolution_matrix fiedler_companion",
    "stats": "boxcox energy_distance wasserstein_distance",
    "signal": "filtfilt lfilter_zi",
    "ndimage": "affine_transform extrema gaussian_gradient_magnitude map_coordinates maximum median minimum shift "
    "standard_deviation variance",
    "interpolate": "Akima1DInterpolator CubicSpline PchipInterpolator RegularGridInterpolator interp1d "
    "make_interp_spline",
    "integrate": "cumulative_trapezoid odeint quad quad_vec solve_ivp trapezoid",
    "optimize": "bisect brenth brentq curve_fit fixed_point fsolve least_squares minimize minimize_scalar newton "
    "ridder root root_scalar toms748",
    "sparse": "coo_array coo_matrix csc_array csc_matrix csr_array csr_matrix diags diags_array hstack kron spdiags vstack",
    "sparse.linalg": "factorized splu",
    "spatial": "distance_matrix geometric_slerp minkowski_distance minkowski_distance_p",
    "spatial.distance": "braycurtis canberra chebyshev cityblock correlation cosine euclidean jensenshannon "
    "mahalanobis minkowski seuclidean sqeuclidean",
}


def declare(part: str, home: ModuleType) -> None:
    """Take up the reasons for what a part of SciPy has; names that this version lacks are passed over."""
    for reason, names in REFUSED.get(part, {}).items():
        refused(reason, *(getattr(home, n) for n in names.split() if hasattr(home, n)))
    nondifferentiable(*(getattr(home, n) for n in CONSTANT.get(part, "").split() if hasattr(home, n)))
