"""Values at the border: numbers and arrays of every make, what is refused, what dtype a gradient has."""

from __future__ import annotations

import fractions
import types
from typing import Any

import numpy as np
import pytest

from srcdiff import DerivativeTypeError, SrcdiffError, grad, jvp, value_and_grad, vjp

X = np.array([0.3, -1.2, 0.7])


def refused(call: Any, *words: str) -> None:
    with pytest.raises(SrcdiffError) as e:
        call()
    assert all(p.help for p in e.value.problems), str(e.value)
    for word in words:
        assert word in str(e.value), str(e.value)


def square(x):
    return np.sum(x * x)


class TestNumbers:
    @pytest.mark.parametrize(
        "x", [2.0, np.float64(2), np.float32(2), np.float16(2), np.longdouble(2), np.array(2.0)], ids=repr
    )
    def test_types(self, x):
        for f in (lambda x: x * x, lambda x: np.sin(x) ** 2 / 3 + 2.0 * x, lambda x: x**3 - x * 0.5):
            g = grad(f)(x)
            assert np.shape(g) == ()
            if isinstance(x, np.generic):
                assert type(g) is type(x)
            h = 1e-3
            slope = (f(float(x) + h) - f(float(x) - h)) / (2 * h)
            assert float(g) == pytest.approx(slope, rel=2e-3 if np.asarray(x).dtype == np.float16 else 1e-4)
        assert type(grad(lambda x: x * x * 2.0)(x)) is type(grad(grad(lambda x: x * x * x))(x))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
    def test_unread_numbers_keep_their_type(self, dtype):
        x, y = dtype(1), dtype(2)
        got = grad(lambda x, y: x * 2.0, wrt=("x", "y"))(x, y)
        assert [type(v) for v in got] == [dtype, dtype] and got == (2, 0)
        assert [type(v) for v in vjp(lambda x, y: x * 2.0, x, y)[1](1.0)] == [dtype, dtype]
        assert type(grad(lambda p: p["a"] * 2.0)({"a": x, "b": y})["b"]) is dtype

    def test_integers_count_as_real_numbers(self):
        for two in (2, np.int8(2), np.uint64(2)):
            assert grad(lambda x: x**3)(two) == 12.0
            assert isinstance(grad(lambda x: x**3)(two), float)

    def test_subclasses(self):
        class Metres(float):
            pass

        assert grad(lambda x: x * x)(Metres(3.0)) == 6.0

    @pytest.mark.parametrize(
        ("x", "words"),
        [
            (True, ["True"]),
            (None, ["None"]),
            ("a", ["a str"]),
            (b"a", ["a bytes"]),
            (fractions.Fraction(1, 2), ["Fraction"]),
            ({1.0}, ["set"]),
            (np.array([1, 2]), ["array of int64", "x.astype(float)"]),
            (np.array([True]), ["array of bool", "x.astype(float)"]),
            (np.array(2), ["array of int64"]),
            (np.array([1.0, 2.0], object), ["array of object", "x.astype(float)"]),
            (np.zeros(2, [("a", float)]), ["x['a']"]),
            (np.array(["2020"], "datetime64[D]"), ["datetime64[D]", "numbers"]),
            (np.array(["a"]), ["<U1", "wrt="]),
            (np.ma.masked_array([1.0, 2.0]), ["MaskedArray", "np.asarray(x)"]),
            ([1, 2], ["no floating-point number"]),
        ],
        ids=lambda v: type(v).__name__,
    )
    def test_refused(self, x, words):
        refused(lambda: grad(square)(x), *words)

    @pytest.mark.filterwarnings("ignore:the matrix subclass")
    def test_matrices_are_refused(self):
        refused(lambda: grad(square)(np.matrix([[1.0]])), "matrix", "np.asarray(x)")


class TestArrays:
    @pytest.mark.parametrize(
        "x",
        [
            np.zeros(0), np.zeros((0, 3)), np.arange(6.0)[::-2], np.arange(6.0).reshape(2, 3).T,
            np.arange(24.0).reshape(2, 3, 4)[:, ::2, ::-1], np.broadcast_to(2.0, (3,)),
            np.broadcast_to(np.arange(3.0), (2, 3)), np.asfortranarray(np.arange(6.0).reshape(2, 3)),
            np.arange(3.0).astype(">f8"), np.arange(3.0).astype(">f4"), np.array(3.0), np.ones((1, 1)),
        ],
        ids=lambda x: f"{x.dtype.str}-{x.shape}-{x.strides}",
    )  # fmt: skip
    def test_layouts(self, x):
        before = x.copy()

        def f(x):
            y = x * x
            return np.sum(np.sin(y)) + np.sum(y[..., :1]) if np.ndim(x) else np.sin(y)

        for call in (grad(f), lambda x: vjp(f, x)[1](1.0)[0]):
            g = call(x)
            assert np.shape(g) == x.shape and np.result_type(g) == x.dtype.newbyteorder("=")
            expected = 2 * x * np.cos(x * x)
            if x.ndim:
                expected[..., :1] += 2 * x[..., :1]
            np.testing.assert_allclose(g, expected, rtol=1e-5)
        np.testing.assert_array_equal(x, before)

    @pytest.mark.parametrize(
        "x", [np.broadcast_to(2.0, (3,)), np.arange(6.0)[::-2], np.arange(3.0).astype(">f8")], ids=repr
    )
    def test_written(self, x):
        def f(x):
            x[0] = x[1] * 2
            x *= x
            return np.sum(x * np.arange(3.0))

        x = x.view()
        x.flags.writeable = False
        g = grad(f)(x)
        np.testing.assert_allclose(g, [0.0, 2 * x[1], 4 * x[2]])
        assert g.flags.writeable and g.strides == (8,)

    def test_memmap(self, tmp_path):
        x = np.memmap(tmp_path / "x", "float64", "w+", shape=(3,))
        x[:] = X
        np.testing.assert_allclose(grad(square)(x), 2 * X)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
    @pytest.mark.parametrize(
        "f",
        [
            lambda x: np.sum(np.sin(x) * 2.0 + x**2 / 3) - x[0] * 0.5,
            lambda x: sum(v * v * 0.5 for v in x),
            lambda x: np.mean(x) + np.linalg.norm(x) + np.max(x) + np.std(x) + np.var(x),
            lambda x: np.sum(np.outer(x, x) @ x),
            lambda x: np.cumsum(x)[-1] ** 2,
            lambda x: np.sum(np.where(x > 0.3, x, 0.0) * np.linspace(0.0, 1.0, 3)),
            lambda x: np.dot(x, np.ones(3)),
            lambda x: np.sum(np.concatenate([x, 2 * x])[1:] ** 2),
        ],
    )
    def test_dtype_is_kept(self, f, dtype):
        x = np.array([0.5, 0.25, 1.0], dtype)
        g = grad(f)(x)
        assert g.dtype == dtype
        np.testing.assert_allclose(g, grad(f)(x.astype(float)), rtol=5e-3 if dtype == np.float16 else 1e-5)
        assert vjp(f, x)[1](1.0)[0].dtype == dtype
        assert grad(lambda p: f(p["x"]))({"x": x})["x"].dtype == dtype

    def test_each_argument_has_its_own(self):
        x, y = np.ones(3, np.float32), np.ones(3)
        a, b = grad(lambda x, y: np.sum(x * y), wrt=("x", "y"))(x, y)
        assert a.dtype == np.float32 and b.dtype == np.float64

    def test_tangents_are_cast(self):
        x = np.ones(3, np.float32)
        y, dot = jvp(lambda x: np.exp(x) * 2.0, (x,), (np.ones(3),))
        assert y.dtype == dot.dtype == np.float32
        assert vjp(lambda x: np.exp(x), x)[1](np.ones(3))[0].dtype == np.float32


class TestOtherArguments:
    def test_indices(self):
        def f(x, i):
            return np.sum(x[i] ** 2)

        for i in ([0, 0, 2], np.array([0, 0, 2]), np.array([0, 0, 2], np.uint8), (0, 0, 2)):
            i = i if not isinstance(i, tuple) else np.array(i)
            np.testing.assert_allclose(grad(f)(X, i), 2 * X * [2, 0, 1])
        np.testing.assert_allclose(grad(f)(X, np.array([True, False, True])), 2 * X * [1, 0, 1])
        np.testing.assert_allclose(grad(f)(X, np.int64(2)), 2 * X * [0, 0, 1])
        np.testing.assert_allclose(grad(f)(X, slice(1, None)), 2 * X * [0, 1, 1])

    def test_text_none_ranges_and_sets(self):
        def f(x, kind, more=None, which=range(3), known=frozenset({3})):
            y = x if more is None else x * more
            y = y * 2 if kind == "twice" else y
            return sum(y * k for k in which) + (x if 3 in known else 0.0)

        assert grad(f)(2.0, "twice") == 2 * 3 + 1
        assert grad(f)(2.0, "once", 5.0) == 15 + 1
        assert grad(f)(2.0, "once", None, range(1, 5, 2), frozenset()) == 4

    def test_generators_of_random_numbers(self):
        g = grad(lambda x, rng: x * rng.normal())
        assert g(2.0, np.random.default_rng(0)) == np.random.default_rng(0).normal()

    def test_namespaces(self):
        p = types.SimpleNamespace(w=X, b=2.0, name="p")
        g = grad(lambda p: np.sum(p.w) * p.b)(p)
        assert type(g) is types.SimpleNamespace and g.name is None
        np.testing.assert_allclose(g.w, np.full(3, 2.0))
        assert grad(lambda x: x * p.b, wrt="p.b")(3.0) == 3.0

    def test_arrays_of_other_libraries(self):
        class Series:
            def __array__(self, dtype=None, copy=None):
                return np.ones(3)

        Series.__module__ = "pandas"
        s = Series()
        refused(lambda: grad(lambda x, s: np.sum(x * s))(X, s), "'s' is a pandas Series", "np.asarray(s)")
        refused(lambda: grad(lambda x: np.sum(x * s))(X), "'s' is a pandas Series", "np.asarray(s)")
        refused(lambda: grad(square)(s), "Series")

    def test_masked_arrays(self):
        m = np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])
        refused(lambda: grad(lambda x, m: np.sum(x * m))(X, m), "MaskedArray")
        refused(lambda: grad(lambda x: np.sum(x * m))(X), "MaskedArray")


# ---- complex numbers -------------------------------------------------------------------------------------


def real_gradient(f: Any, z: Any) -> Any:
    """dL/dx - i dL/dy of a real function of z = x + iy, by central differences in x and in y."""
    z = np.asarray(z, complex)
    out = np.zeros(z.shape, complex)
    h = 1e-6
    for i in np.ndindex(z.shape):
        for step, weight in ((h, 1.0), (1j * h, -1j)):
            up, down = z.copy(), z.copy()
            up[i] += step
            down[i] -= step
            out[i] += weight * (f(up[()]) - f(down[()])) / (2 * h)
    return out[()]


Z = np.array([0.3 + 0.5j, -1.1 + 0.2j, 0.4 - 0.9j])
M = np.array([[1 + 2j, 0.5, -1j], [0.3j, 2 - 1j, 1.0], [0.2, 1j, 1 + 1j]])

REAL_FUNCTIONS = [
    lambda z: np.sum(np.abs(z) ** 2),
    lambda z: np.sum(np.real(z * z * 1j)),
    lambda z: np.sum(np.imag(np.exp(z))),
    lambda z: np.real(np.vdot(z, z * (1 + 2j))),
    lambda z: np.sum(np.abs(np.sin(z)) * np.angle(z + 2.0)),
    lambda z: np.sum((z * np.conj(z)).real ** 2),
    lambda z: np.sum(np.abs(M @ z) ** 2),
    lambda z: np.real(np.sum(z / (1.0 + z * z))),
    lambda z: np.sum(np.abs(z - 1j)),
]


class TestComplex:
    @pytest.mark.parametrize("k", range(len(REAL_FUNCTIONS)))
    def test_real_functions(self, k):
        f = REAL_FUNCTIONS[k]
        expected = real_gradient(f, Z)
        got = grad(f)(Z)
        assert got.dtype == complex
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(vjp(f, Z)[1](2.0)[0], 2 * expected, rtol=1e-6, atol=1e-7)
        v = np.array([1.0 - 1j, 0.5j, 2.0])
        along = jvp(f, (Z,), (v,))[1]
        assert np.isrealobj(along)
        np.testing.assert_allclose(along, np.real(np.sum(expected * v)), rtol=1e-6, atol=1e-7)
        single = Z.astype(np.complex64)
        assert grad(f)(single).dtype == np.complex64

    def test_numbers(self):
        for z in (0.3 + 0.5j, np.complex128(0.3 + 0.5j)):
            got = grad(lambda z: np.abs(z) ** 2 * 3.0)(z)
            assert got == pytest.approx(complex(6 * 0.3, -6 * 0.5))

    def test_the_jacobian(self):
        """Of a complex function: f'(z) where it is holomorphic, and the real 2x2 matrix where it is not."""

        def mixed(z):
            return z * z + 2j * np.conj(z)

        z = 0.7 - 0.4j
        jacobian = np.zeros((2, 2))
        for column, dot in enumerate((1.0 + 0j, 1j)):
            along = jvp(mixed, (z,), (dot,))[1]
            jacobian[:, column] = along.real, along.imag
        # u = x^2 - y^2 + 2y, v = 2xy + 2x
        x, y = z.real, z.imag
        np.testing.assert_allclose(jacobian, [[2 * x, -2 * y + 2], [2 * y + 2, 2 * x]])
        back = vjp(mixed, z)[1]
        u_bar, v_bar = back(1.0 + 0j)[0], back(-1j)[0]  # of u, and of v: Re(-i w) is the imaginary part of w
        np.testing.assert_allclose([u_bar.real, -u_bar.imag], jacobian[0])
        np.testing.assert_allclose([v_bar.real, -v_bar.imag], jacobian[1])

    def test_holomorphic(self):
        z = 0.3 + 0.5j
        assert jvp(lambda z: z**3 + np.exp(z), (z,), (1.0,))[1] == pytest.approx(3 * z**2 + np.exp(z))
        assert vjp(lambda z: z**3 + np.exp(z), z)[1](1.0)[0] == pytest.approx(3 * z**2 + np.exp(z))

    def test_steepest_descent(self):
        """The conjugate is the direction of steepest ascent, and what PyTorch calls the gradient."""

        def f(z):
            return np.abs(z - (1 + 2j)) ** 2

        z = 0j
        for _ in range(60):
            z = z - 0.2 * np.conj(grad(f)(z))
        assert z == pytest.approx(1 + 2j)

    def test_real_and_complex_together(self):
        x, z = np.array([1.0, 2.0]), np.array([1 + 2j, 3j])
        a, b = grad(lambda x, z: np.sum(np.abs(x * z) ** 2), wrt=("x", "z"))(x, z)
        assert a.dtype == float and b.dtype == complex
        np.testing.assert_allclose(a, 2 * x * np.abs(z) ** 2)
        np.testing.assert_allclose(b, 2 * x**2 * np.conj(z))

    def test_real_argument_of_a_complex_program(self):
        v, g = value_and_grad(lambda x: np.imag(np.exp(1j * x)))(0.3)
        assert v == pytest.approx(np.sin(0.3)) and g == pytest.approx(np.cos(0.3)) and np.isrealobj(g)

    def test_a_complex_result_is_refused(self):
        refused(lambda: grad(lambda z: z * z)(1 + 2j), "complex", "real part")
        with pytest.raises(DerivativeTypeError):
            grad(lambda z: z * z)(1 + 2j)
