"""Odd corners of NumPy and its neighbours."""

# ruff: noqa
import math

import numpy as np
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.special
import scipy.stats

V = np.array([0.3, 0.7, 1.1, 1.9])
M = np.arange(6.0).reshape(2, 3)


def vectorize(x):
    f = np.vectorize(lambda v: v * v if v > 0.5 else 2.0 * v)
    return f(x).sum()


@np.vectorize
def decorated(v, k):
    return math.sin(v) * k if v > 0.5 else v


def vectorize_decorated(x):
    return decorated(x, 2.0).sum()


def vectorize_two(x):
    f = np.vectorize(lambda a, b: a * b + 1.0)
    return f(x[:, None], x[None, :]).sum()


def vectorize_signature(x):
    f = np.vectorize(lambda v: v.sum() ** 2, signature="(n)->()")
    return f(np.outer(x, x)).sum()


def apply_along_axis(x):
    return np.apply_along_axis(lambda r: (r * r).sum(), 1, np.outer(x, x)).sum()


def apply_along_axis_vector(x):
    return (np.apply_along_axis(lambda r: np.cumsum(r) * r[0], 0, np.outer(x, x)) ** 2).sum()


def apply_over_axes(x):
    return np.apply_over_axes(np.sum, np.outer(x, x), [0, 1]).sum()


def fromfunction(x):
    return np.fromfunction(lambda i, j: (i + 1.0) * x[0] + j * x[1], (3, 2)).sum()


def fromiter(x):
    return np.fromiter((v * v for v in x), float).sum()


def frompyfunc(x):
    f = np.frompyfunc(lambda v: v * v, 1, 1)
    return f(x).astype(float).sum()


def piecewise(x):
    return np.piecewise(x, [x < 0.5, x >= 0.5], [lambda v: v * v, lambda v: 2.0 * v]).sum()


def piecewise_constant(x):
    return (np.piecewise(x, [x < 0.5], [1.0, lambda v: v * v]) * x).sum()


def select(x):
    return np.select([x < 0.5, x < 1.0], [x * x, 2.0 * x], 0.5 * x).sum()


def add_reduce(x):
    return np.add.reduce(x) ** 2


def multiply_reduce(x):
    return np.multiply.reduce(x)


def multiply_reduce_axis(x):
    return np.multiply.reduce(np.outer(x, x), axis=1).sum()


def maximum_reduce(x):
    return np.maximum.reduce(x)


def minimum_reduce_axis(x):
    return np.minimum.reduce(np.outer(x, x) - x, axis=0).sum()


def logaddexp_reduce(x):
    return np.logaddexp.reduce(x)


def add_accumulate(x):
    return (np.add.accumulate(x) ** 2).sum()


def multiply_accumulate(x):
    return np.multiply.accumulate(x).sum()


def maximum_accumulate(x):
    return np.maximum.accumulate(x[::-1]).sum()


def multiply_outer(x):
    return (np.multiply.outer(x, x) ** 2).sum()


def subtract_outer(x):
    return (np.subtract.outer(x, 2.0 * x) ** 2).sum()


def maximum_outer(x):
    return np.maximum.outer(x, 0.9 * x[:2]).sum()


def arctan2_outer(x):
    return np.arctan2.outer(x, x + 1.0).sum()


def add_reduceat(x):
    return (np.add.reduceat(x, [0, 2]) ** 2).sum()


def add_at(x):
    out = np.zeros(3)
    np.add.at(out, [0, 1, 1, 2], x)
    return (out * out).sum()


def subtract_at(x):
    out = np.zeros(3)
    np.subtract.at(out, [0, 1, 1, 2], x)
    return (out * out).sum()


def multiply_at(x):
    out = np.ones(3)
    np.multiply.at(out, [0, 1, 1, 2], x)
    return (out * out).sum()


def ufunc_where(x):
    return np.sqrt(x, where=x > 0.5, out=np.zeros(4)).sum()


def ufunc_dtype(x):
    return np.multiply(x, x, dtype=np.float64).sum()


def reduce_initial(x):
    return np.sum(x, initial=2.0) + np.max(x, initial=0.0)


def reduce_where(x):
    return np.sum(x, where=x > 0.5) ** 2


def mean_where(x):
    return np.mean(x, where=x > 0.5)


def random_seeded(x):
    rng = np.random.default_rng(0)
    return (x * rng.normal(size=4)).sum()


def random_generator_methods(x):
    rng = np.random.default_rng(0)
    p = rng.permutation(4)
    k = rng.integers(0, 4)
    return x[p][0] * x[k] + rng.uniform(0.0, 1.0)


def random_choice(x):
    rng = np.random.default_rng(0)
    return rng.choice(x)


def random_legacy(x):
    np.random.seed(0)
    return (x * np.random.rand(4)).sum()


def random_with_parameter(x):
    rng = np.random.default_rng(0)
    return rng.normal(x[0], x[1])


def random_shuffle(x):
    rng = np.random.default_rng(0)
    y = x.copy()
    rng.shuffle(y)
    return y[0] * y[1]


def object_array(x):
    a = np.array([x[0], x[1]], dtype=object)
    return (a * a).sum()


def structured_array(x):
    a = np.zeros(2, dtype=[("p", float), ("q", float)])
    a["p"] = x[:2]
    return a["p"].sum()


def record_array(x):
    r = np.rec.array([(1.0, 2.0)], dtype=[("p", float), ("q", float)])
    return x[0] * r.p[0]


def masked_array(x):
    a = np.ma.masked_array(x, mask=[0, 1, 0, 0])
    return a.sum()


def masked_where(x):
    return np.ma.masked_where(x > 1.0, x).mean()


def matrix_class(x):
    m = np.asmatrix(np.outer(x, x))
    return (m * m).sum()


def array_of_set(x):
    return x[np.array(sorted({0, 2}))].sum()


def np_append(x):
    out = np.array([])
    for v in x:
        out = np.append(out, v * v)
    return out.sum()


def np_insert(x):
    return (np.insert(x, 1, x[0] * 2.0) ** 2).sum()


def np_delete(x):
    return (np.delete(x, 1) ** 2).sum()


def np_unique(x):
    return np.unique(x).sum()


def histogram(x):
    h, _ = np.histogram(x, bins=3)
    return (h * x[:3]).sum()


def histogram_density(x):
    h, _ = np.histogram(x, bins=2, density=True)
    return h.sum() * x[0]


def nan_median(x):
    return np.nanmedian(x)


def nan_percentile(x):
    return np.nanpercentile(x, 30.0)


def corrcoef(x):
    return np.corrcoef(x, x**2)[0, 1]


def cov(x):
    return np.cov(np.vstack([x, x**2])).sum()


def gradient(x):
    return (np.gradient(x) ** 2).sum()


def trapezoid(x):
    return np.trapezoid(x**2, x)


def interp(x):
    return np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 4.0]).sum()


def polyfit(x):
    return np.polyfit([0.0, 1.0, 2.0, 3.0], x, 1)[0]


def polyval(x):
    return np.polyval([1.0, 2.0, 3.0], x).sum()


def poly1d(x):
    return np.poly1d([1.0, 2.0])(x).sum()


def polynomial_class(x):
    return np.polynomial.Polynomial([1.0, 2.0, 3.0])(x).sum()


def convolve(x):
    return (np.convolve(x, [1.0, 2.0], mode="same") ** 2).sum()


def einsum_path(x):
    return np.einsum("i,j->", x, x, optimize=True)


def kron(x):
    return np.kron(x, x).sum()


def roots(x):
    return np.roots([1.0, -3.0, x[0]]).real.max()


def cross(x):
    return np.cross(x[:3], x[1:]).sum()


def lstsq(x):
    return np.linalg.lstsq(np.vander(V, 2), x, rcond=None)[0].sum()


def pinv(x):
    return np.linalg.pinv(np.outer(x, x) + np.eye(4)).sum()


def svd_values(x):
    return np.linalg.svd(np.outer(x, x) + np.diag([1.0, 2.0, 3.0, 4.0]), compute_uv=False).sum()


def eigvalsh(x):
    return np.linalg.eigvalsh(np.outer(x, x) + np.diag([1.0, 2.0, 3.0, 4.0]))[0]


def cond_number(x):
    return np.linalg.cond(np.outer(x, x) + np.diag([1.0, 2.0, 3.0, 4.0]))


def matrix_rank(x):
    return np.linalg.matrix_rank(np.outer(x, x)) * x[0]


def fft(x):
    return (np.abs(np.fft.fft(x)) ** 2).sum()


def rfft(x):
    return (np.abs(np.fft.rfft(x)) ** 2).sum()


def digitize(x):
    return V[np.digitize(x, [0.5, 1.0])].sum() * x[0]


def searchsorted(x):
    return x[np.searchsorted(V, 1.0)] ** 2


def lexsort(x):
    return x[np.lexsort((x, -x))][0]


def argpartition(x):
    return x[np.argpartition(x, 2)][:2].sum()


def partition(x):
    return np.partition(x, 2)[:2].sum()


def nditer_loop(x):
    total = 0.0
    for v in np.nditer(x):
        total = total + v * v
    return total


def ndenumerate_loop(x):
    total = 0.0
    for (i,), v in np.ndenumerate(x):
        total = total + v * i
    return total


def ndindex_loop(x):
    m = np.outer(x, x)
    total = 0.0
    for i, j in np.ndindex(2, 3):
        total = total + m[i, j] * (i + 1)
    return total


def flat_iteration(x):
    return sum(v * v for v in np.outer(x, x).flat)


def flat_index(x):
    m = np.outer(x, x)
    m.flat[3] = 2.0
    return m.sum()


def ix_grid(x):
    return np.outer(x, x)[np.ix_([0, 1], [2, 3])].sum()


def mgrid_class(x):
    i, j = np.mgrid[0:2, 0:3]
    return (i * x[0] + j * x[1]).sum()


def ogrid_class(x):
    i, j = np.ogrid[0:2, 0:3]
    return (i * x[0] + j * x[1]).sum()


def r_class(x):
    return (np.r_[x, 1.0, x[:2]] ** 2).sum()


def c_class(x):
    return (np.c_[x, x**2] ** 2).sum()


def meshgrid(x):
    a, b = np.meshgrid(x, x[:2])
    return (a * b).sum()


def newaxis(x):
    return (x[:, np.newaxis] * x).sum()


def put_function(x):
    y = x.copy()
    np.put(y, [0, 2], [1.0, 2.0])
    return (y * y).sum()


def putmask_function(x):
    y = x.copy()
    np.putmask(y, y > 1.0, 0.0)
    return (y * y).sum()


def place_function(x):
    y = x.copy()
    np.place(y, y > 1.0, [0.0])
    return (y * y).sum()


def fill_diagonal(x):
    m = np.outer(x, x)
    np.fill_diagonal(m, 0.0)
    return m.sum()


def put_along_axis(x):
    y = x.copy()
    np.put_along_axis(y, np.array([1]), 3.0, 0)
    return (y * y).sum()


def copyto_where(x):
    y = x.copy()
    np.copyto(y, 0.0, where=y > 1.0)
    return (y * y).sum()


def itemset_like(x):
    y = x.copy()
    y.put(1, 5.0)
    return (y * y).sum()


def resize_method(x):
    return np.resize(x, 6).sum()


def sort_in_place(x):
    y = -x
    y.sort()
    return y[0] * y[1]


def tofile_like(x):
    return len(x.tobytes()) * x[0]


def tolist_loop(x):
    return sum(v * v for v in x.tolist())


def view_dtype(x):
    return x.view(np.int64)[0] * 0.0 + x[0]


def stride_trick(x):
    w = np.lib.stride_tricks.sliding_window_view(x, 2)
    return (w**2).sum()


def as_strided(x):
    w = np.lib.stride_tricks.as_strided(x, (3, 2), (8, 8))
    return (w**2).sum()


def broadcast_object(x):
    return np.broadcast(x, x).size * x[0]


def broadcast_arrays(x):
    a, b = np.broadcast_arrays(x, 2.0)
    return (a * b).sum()


def buffer_write_through_view(x):
    y = x.copy()
    z = y[1:]
    z += 1.0
    return (y * y).sum()


def squeeze_write(x):
    y = np.outer(x, x)[:1]
    np.squeeze(y)[0] = 2.0
    return y.sum()


def integer_array(x):
    n = np.array([1, 2, 3, 4])
    n[0] = x[0]
    return (n * x).sum()


def integer_division(x):
    return (x // 0.5 * x).sum()


def float_to_int_cast(x):
    return (x.astype(int) * x).sum()


def float32_cast(x):
    return (x.astype(np.float32) * 0.0).astype(float).sum() + x.sum()


def bool_index_sum(x):
    return x[x > 0.5].sum() ** 2


def where_one_argument(x):
    i = np.where(x > 0.5)[0]
    return (x[i] ** 2).sum()


def nonzero_count(x):
    return np.count_nonzero(x > 0.5) * x[0]


def errstate(x):
    with np.errstate(divide="ignore"):
        return np.log(x).sum()


def seterr(x):
    old = np.seterr(all="ignore")
    y = np.log(x).sum()
    np.seterr(**old)
    return y


def save_array(x):
    import io

    np.save(io.BytesIO(), x)
    return x.sum()


def print_array(x):
    print(x.shape, end="", file=__import__("io").StringIO())
    return x.sum()


def array_str(x):
    return len(np.array2string(x)) * 0.0 + x.sum()


def array_repr_parse(x):
    return np.fromstring("1 2 3", sep=" ").sum() * x[0]


def testing_assert(x):
    np.testing.assert_allclose(x, x)
    return x.sum()


def isclose(x):
    return x.sum() if np.allclose(x, x) else x[0]


def dtype_switch(x):
    return x.sum() if x.dtype == np.float64 else x[0]


def finfo(x):
    return x.sum() + np.finfo(x.dtype).eps


def flags_switch(x):
    return x.sum() if x.flags.writeable else x[0]


def set_flags(x):
    y = x.copy()
    y.setflags(write=False)
    return y.sum()


def ctypes_data(x):
    return x.sum() + 0.0 * x.ctypes.data


def getfield_shape(x):
    y = np.outer(x, x)
    y.shape = (2, 8)
    return y[0].sum()


def real_assign(x):
    z = np.zeros(4, complex)
    z.real = x
    z.imag = x * x
    return np.abs(z).sum()


def solve_ivp(x):
    s = scipy.integrate.solve_ivp(lambda t, y: -x[0] * y, (0.0, 1.0), [1.0])
    return s.y[0, -1]


def quad(x):
    return scipy.integrate.quad(lambda t: x[0] * t, 0.0, 1.0)[0]


def optimize_minimize(x):
    r = scipy.optimize.minimize(lambda p: (p[0] - x[0]) ** 2, [0.0])
    return r.x[0]


def optimize_root(x):
    return scipy.optimize.brentq(lambda t: t - x[0], -10.0, 10.0)


def interp1d(x):
    f = scipy.interpolate.interp1d([0.0, 1.0, 2.0], [0.0, 1.0, 4.0])
    return f(x).sum()


def cubic_spline(x):
    return scipy.interpolate.CubicSpline([0.0, 1.0, 2.0], [0.0, 1.0, 4.0])(x).sum()


def sparse_matrix(x):
    a = scipy.sparse.csr_matrix(np.eye(4))
    return (a @ x).sum()


def gaussian_filter(x):
    return scipy.ndimage.gaussian_filter(x, 1.0).sum()


def lfilter(x):
    return scipy.signal.lfilter([1.0], [1.0, -0.5], x).sum()


def stats_norm(x):
    return scipy.stats.norm.logpdf(x).sum()


def stats_rvs(x):
    return scipy.stats.norm.rvs(size=4, random_state=0).sum() * x[0]


def special_bessel(x):
    return scipy.special.jv(0, x).sum()


def special_logsumexp(x):
    return scipy.special.logsumexp(x)


def special_without_rule(x):
    return scipy.special.airy(x)[0].sum()


def linalg_expm(x):
    return scipy.linalg.expm(np.outer(x, x) * 0.1).sum()


def linalg_lu(x):
    return scipy.linalg.lu(np.outer(x, x) + np.eye(4))[2].sum()


def linalg_sqrtm(x):
    return np.real(scipy.linalg.sqrtm(np.outer(x, x) + np.eye(4))).sum()


def cho_solve(x):
    c = scipy.linalg.cho_factor(np.outer(x, x) + np.eye(4))
    return scipy.linalg.cho_solve(c, x).sum()


class Tagged(np.ndarray):
    """An array of a class of its own."""


def subclass_view(x):
    return x.view(Tagged).sum()


class Wrapper:
    """Takes over NumPy's functions."""

    def __init__(self, a):
        self.a = a

    def __array_function__(self, func, types, args, kwargs):
        return func(*[getattr(v, "a", v) for v in args], **kwargs)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return getattr(ufunc, method)(*[getattr(v, "a", v) for v in inputs], **kwargs)


def array_function_object(x):
    return np.sum(Wrapper(x))


def array_ufunc_object(x):
    return np.sin(Wrapper(x)).sum()


class Frame:
    """Like a data frame: columns by name."""

    def __init__(self, columns):
        self.columns = columns

    def __getitem__(self, name):
        return self.columns[name]

    def __getattr__(self, name):
        return self.columns[name]

    def mean(self):
        return {k: v.mean() for k, v in self.columns.items()}


DATA = Frame({"a": V, "b": V * 2.0})


def frame_like(x):
    return (DATA["a"] * x).sum() + DATA.b.sum() * x[0]


def frame_mean(x):
    return DATA.mean()["a"] * x[0]


def list_of_arrays_sorted(x):
    rows = sorted([x, x * 2.0], key=lambda r: r[0])
    return rows[1].sum()


def list_argmax(x):
    v = list(x)
    return v[int(np.argmax(v))] ** 2


def sum_builtin_2d(x):
    return sum(np.outer(x, x)).sum()


def max_builtin(x):
    return max(x)


def len_of(x):
    return x.sum() / len(x)


def zip_arrays(x):
    return sum(a * b for a, b in zip(x, x[1:], strict=False))


def enumerate_array(x):
    return sum(i * v for i, v in enumerate(x))


def reversed_array(x):
    y = 0.0
    for v in reversed(x):
        y = y * 0.5 + v
    return y


def unpack_array(x):
    a, b, c, d = x
    return a * b + c * d


def star_unpack_array(x):
    a, *rest = x
    return a * sum(rest)


def matmul_operator(x):
    return x @ np.outer(x, x) @ x


def array_power_array(x):
    return (x**x).sum()


def comparison_chain(x):
    return x[(0.5 < x) & (x < 1.5)].sum()


def in_array(x):
    return x.sum() if 0.3 in x else x[0]


def array_truth(x):
    return x.sum() if x.any() else x[0]


def array_bool_error(x):
    return x.sum() if x else x[0]


def shape_mismatch(x):
    return (x + np.ones(3)).sum()


def index_out_of_range(x):
    return x[10] * 2.0


def starred_rest_is_a_list(x):
    h, *t = x
    t = t * 2
    return h * h + sum((i + 1) * v * v for i, v in enumerate(t))


def starred_front_of_an_array(x):
    *b, a = x * x
    b = b + [a] * 3
    return sum((i + 1) * v * v for i, v in enumerate(b))


def starred_in_a_loop(x):
    for a, *b in [x, x * 2]:
        b.append(a)
    return sum(b) * b[0]


def starred_until_nothing_is_left(x):
    h, *t = x
    s = h
    while t:
        h, *t = t
        s = s * 0.5 + h * h
    return s


def list_extended_by_an_array(x):
    l = [v * v for v in x]
    l.extend(x[:2])
    return sum((i + 1) * v for i, v in enumerate(l))


def written_into_a_cast(x):
    y = x.astype(float)
    z = y
    y[0] = 3.0 * x[1]
    y[:] = y * x
    return np.sum(z * z * x)


def singular(x):
    return np.linalg.inv(np.zeros((2, 2)) * x[0]).sum()
