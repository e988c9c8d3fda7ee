"""Derivatives of arrays of another module than NumPy, by the strict stand-in for CuPy (cupy_mirror.py).

The default run takes a part of the corpus and of the rule table; SRCDIFF_ALL=1 all of them.  With a GPU,
tests/gpu does the same with CuPy.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import sys
import textwrap
import zlib
from pathlib import Path
from typing import Any

import cupy_mirror as cp
import device
import numpy as np
import pytest
from device import ON_DEVICE, OTHERS, WHOLE_ON_DEVICE

import srcdiff
from corpus.program import Program
from srcdiff import grad, value_and_grad, vjp
from srcdiff.backends import cupy_names
from srcdiff.errors import DerivativeTypeError, NoRule, SrcdiffError
from srcdiff.rules import registry

sys.path.insert(0, str(Path(__file__).parent / "rules"))

ALL = bool(os.environ.get("SRCDIFF_ALL"))
MIRROR = device.Device(cp, cp.to_device, cp.to_host)


def some(items: list[Any], one_in: int) -> list[Any]:
    return [x for x in items if ALL or zlib.crc32(x.name.encode()) % one_in == 0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "program", [*some(ON_DEVICE, 8), *some(WHOLE_ON_DEVICE, 20)], ids=lambda p: p.name
)
def test_gradient(program: Any) -> None:
    if device.check_refused(program, MIRROR):
        return
    before = len(cp.SYNCS)
    device.check_gradient(program, MIRROR)
    assert not device.is_silent(program) or len(cp.SYNCS) == before, cp.SYNCS[before:]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("program", some(ON_DEVICE, 30), ids=lambda p: p.name)
def test_orders(program: Program) -> None:
    if program.name in device.PENDING_ORDERS:
        pytest.xfail(device.PENDING_ORDERS[program.name])
    if program.name not in device.REFUSED:
        device.check_orders(program, MIRROR)


def test_lists_are_of_programs() -> None:
    names = {p.name for p in (*device.PROGRAMS, *device.WHOLE)}
    assert set(device.REFUSED) | set(OTHERS) <= names
    assert len(ON_DEVICE) > 500


# ---- the rule table


def cases() -> list[Any]:
    return some(importlib.import_module("test_rules_compiled").CASES, 16)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("rules") / "device_rules.py"
    path.write_text(importlib.import_module("test_rules_compiled").TEXT, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("device_rules", path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", cases(), ids=lambda c: c.name)
def test_rule(case: Any, rules: Any) -> None:
    if not any(isinstance(x, np.ndarray) for x in case.args):
        return
    before = len(cp.SYNCS)
    try:
        device.check_rule(case, getattr(rules, case.name), MIRROR)
    except SrcdiffError as e:
        assert e.problems[0].slug == "array-module" or "gamma_slope" in str(e), str(e)
    assert len(cp.SYNCS) == before or case.name.partition("_")[2] in device.LOOKS, cp.SYNCS[before:]


# ---- names


def reached(fn: Any) -> set[str]:
    """The names of NumPy's and SciPy's that a rule's text writes."""
    out = set()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(fn)))):
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            head, _, rest = text.partition(".")
            if head in ("np", "special", "scipy") and rest.replace(".", "").replace("_", "").isalnum():
                out.add({"np": "numpy.", "special": "scipy.special.", "scipy": "scipy."}[head] + rest)
    return out


# of what the rules write, all that CuPy lacks: refused at the user's line
LACKS = {
    "numpy.nanquantile", "numpy.polyder", "scipy.special.factorial", "scipy.special.hyp1f1",
    "scipy.special.comb",
}  # fmt: skip


def test_names_that_rules_write() -> None:
    """Each name is CuPy's too, has something in its place, or is known to be missing."""
    names: set[str] = set()
    for entry in registry.rules_table().values():
        for form in entry.forms:
            names |= reached(getattr(entry, form).text)
    functions = {n for n in names if n not in ("numpy.linalg", "numpy.fft", "scipy.special")}
    assert len(functions) > 150
    missing = {n for n in functions if n.startswith("numpy.") and cupy_names.why_not(n, (), 0)}
    places = ("cupy", "cupy.linalg", "cupy.fft")
    missing = {n for n in missing if cupy_names.own(n).rpartition(".")[0] in places}
    assert missing <= LACKS, sorted(missing - LACKS)


def test_names_in_the_place_of_others() -> None:
    for name, word in cupy_names.INSTEAD.items():
        assert cupy_names.own(name) not in cupy_names.listed(), name
        assert callable(getattr(srcdiff.runtime, word))
    for name, other in cupy_names.ELSEWHERE.items():
        assert cupy_names.own(name) not in cupy_names.listed()
        assert cupy_names.own(other) in cupy_names.listed()


RNG = np.random.default_rng(5)
A, B, C = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 3, 4)), RNG.normal(size=(4, 5))
SUBSTITUTES = [
    ("block", np.block, ([[C[:2], C[2:]], [C[:1], C[1:2]]],)),
    ("insert", np.insert, (C, 1, 7.0, 0)), ("insert", np.insert, (C, [1, 3], C[:2], 0)),
    ("insert", np.insert, (C[0], 2, 1.5)), ("insert", np.insert, (C, -1, C[:, 0], 1)),
    ("unstack", np.unstack, (A,)), ("geomspace", np.geomspace, (abs(C[0]), abs(C[1]), 6)),
    ("multi_dot", np.linalg.multi_dot, ([A[0], C, C.T, C],)),
    ("multi_dot", np.linalg.multi_dot, ([A[0, 0], C, C.T, A[0, 1]],)),
    ("svdvals", np.linalg.svdvals, (A,)), ("polyder", np.polyder, (C[0],)),
    ("polyder", np.polyder, (C[0], 2)), ("outer", np.linalg.outer, (C[0], C[1])),
    ("tensordot", np.linalg.tensordot, (A, RNG.normal(size=(3, 4, 2)))), ("vecdot", np.vecdot, (A, B)),
    ("vecdot", np.linalg.vecdot, (A + 1j * B, B)), ("matvec", np.matvec, (A, C[:, 0])),
    ("vecmat", np.vecmat, (A[:, 0], A.swapaxes(1, 2))), ("trace_last", np.linalg.trace, (A,)),
    ("diagonal_last", np.linalg.diagonal, (A,)), ("vector_norm", np.linalg.vector_norm, (A,)),
    ("matrix_norm", np.linalg.matrix_norm, (A,)),
    *(
        ("vector_norm", lambda x, o=o: np.linalg.vector_norm(x, axis=1, ord=o), (A, o))
        for o in (0, 1, 3, np.inf, -np.inf)
    ),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SUBSTITUTES)))
def test_substitutes(number: int) -> None:
    """What stands for a function that CuPy lacks gives what NumPy's gives, on the device."""
    word, of_numpy, args = SUBSTITUTES[number]
    if word == "vector_norm" and len(args) == 2:
        wanted = of_numpy(args[0])
        got = srcdiff.runtime.vector_norm(cp.to_device(args[0]), axis=1, ord=args[1])
    else:
        wanted, got = of_numpy(*args), getattr(srcdiff.runtime, word)(*cp.to_device(args))
    for x, y in zip(got, wanted, strict=True) if isinstance(wanted, tuple) else [(got, wanted)]:
        assert isinstance(x, cp.ndarray)
        np.testing.assert_allclose(cp.to_host(x), y, rtol=1e-12, atol=1e-12)


# ---- texts that are saved, and differentiated again


def with_substitutes(x):
    y = np.linalg.multi_dot([x, x, np.sin(x)]) + np.insert(x[1:], 1, x[0] * 2.0, axis=0)
    z = np.block([[y, x * x], [np.sin(x), x]])
    s = np.polyval(np.polyder(x[0]), 0.7) * np.linalg.vector_norm(x)
    return np.sum(np.vecdot(z, np.exp(0.1 * z))) + np.sum(np.matvec(x, x[0]) ** 2) * s


SAVED = {p.name: p for p in some([p for p in ON_DEVICE if p.order2 and p.name not in device.REFUSED], 200)}
SAVED["with_substitutes"] = Program("with_substitutes", with_substitutes, (RNG.normal(size=(3, 3)),))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", SAVED)
def test_saved_text(name: str, tmp_path: Path) -> None:
    """The gradient's text, in a module of its own, is a program for the device like any other."""
    p = SAVED[name]
    if p.kwargs or not all(isinstance(a, (np.ndarray, int, float)) for a in p.args):
        return
    g = grad(p.function, wrt=p.wrt_option)
    there = cp.to_device(p.args)
    file = tmp_path / f"saved_{name}.py"
    file.write_text(srcdiff.source(g, *there), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = [f for word, f in vars(module).items() if word.endswith("_grad")][-1]
    if len(inspect.signature(made).parameters) != len(p.args):  # (it reads what is outside)
        return
    rng = np.random.default_rng(3)
    bars = [np.asarray(rng.normal(size=np.shape(p.args[k]))) for k in p.wrt]
    bar: Any = bars[0] if len(bars) == 1 else tuple(bars)
    got = vjp(made, *cp.to_device(p.args))[1](cp.to_device(bar))
    wanted = vjp(g, *p.args)[1](bar)
    for k in p.wrt:
        np.testing.assert_allclose(cp.to_host(got[k]), wanted[k], rtol=1e-8, atol=1e-9)


# ---- texts


def softplus(x, w):
    s = np.zeros(3)
    s[1:] = np.log1p(np.exp(x[:2] @ w))
    return np.sum(s) * np.pi


def test_text() -> None:
    """One module in the text, the arrays'; the same function has another for NumPy's arrays."""
    x, w = RNG.normal(size=(3, 2)), RNG.normal(size=2)
    g = grad(softplus, wrt=(0, 1))
    there = cp.to_device((x, w))
    text = srcdiff.source(g, *there)
    code = "\n".join(line.partition("#")[0] for line in text.splitlines())
    assert "import cupy_mirror as cp\n" in code and "np." not in code and "cp.zeros" in code
    assert "import numpy as np\n" in srcdiff.source(g, x, w)
    for a, b in zip(cp.to_host(g(*there)), g(x, w), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def written_for_cupy(x):
    xp = cp.get_array_module(x)
    s = cp.zeros(3, dtype=cp.float64)
    s[1:] = cp.exp(x[:2]) * cp.pi
    return cp.linalg.norm(s) + xp.sum(xp.tanh(x))


def test_code_written_for_cupy() -> None:
    """Its functions are NumPy's of the same names; so it works on both."""
    x = np.linspace(0.1, 1.0, 4)
    g = grad(written_for_cupy)
    got = g(cp.asarray(x))
    assert isinstance(got, cp.ndarray)
    np.testing.assert_allclose(cp.to_host(got), g(x), rtol=1e-12)
    g(cp.asarray(x))
    assert len(g._variants) == 2  # what it reads of the module is found to be as it was


def scaled(w, x):
    """A number of Python's beside arrays."""
    t = math_part(w)
    return np.sum(np.exp(-t * x)) * w


def math_part(w):
    return np.sqrt(w) * 2.0


def test_numbers_stay_on_the_host() -> None:
    x = np.linspace(0.1, 1.0, 4)
    g = grad(scaled)
    text = srcdiff.source(g, 2.0, cp.asarray(x))
    assert "np.sqrt(w)" in text and "cp.exp(" in text
    before = len(cp.SYNCS)
    got = g(2.0, cp.asarray(x))
    assert len(cp.SYNCS) == before
    np.testing.assert_allclose(cp.to_host(got), g(2.0, x), rtol=1e-12)


def running(x):
    total = 0.0
    for v in x:
        total = total + v * v
        total *= 0.5
    return total


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_precision(dtype: Any) -> None:
    x = np.linspace(0.1, 1.0, 5).astype(dtype)
    for f in (running, lambda x: np.sum(np.tanh(2.0 * x) / 3.0), lambda x: np.mean(x) * x[0] + x.var()):
        y, g = value_and_grad(f)(cp.asarray(x))
        assert g.dtype == dtype and y.dtype == dtype
        np.testing.assert_allclose(cp.to_host(g), grad(f)(x), rtol=1e-5)


def saved_element(x):
    """An element is a view: what is kept of it is kept before it is written over."""
    y = x * 1.0
    a = y[0] * 1.0
    y[0] = a * a
    y[1] = y[0] * a
    return np.sum(y * y)


def test_elements_are_views() -> None:
    x = np.array([1.5, 0.5, 2.0])
    np.testing.assert_allclose(cp.to_host(grad(saved_element)(cp.asarray(x))), grad(saved_element)(x))


def aliased(x):
    y = x * 1.0
    a = y[0]
    y[0] = 3.0  # on a device, a is 3 now
    return a * y[1]


def test_views_are_followed() -> None:
    x = np.array([1.5, 0.5, 2.0])
    value, got = value_and_grad(aliased)(cp.asarray(x))
    y = cp.asarray(x) * 1.0
    a = y[0]
    y[0] = 3.0
    assert float(value) == float(a * y[1])  # as the function does on the device
    np.testing.assert_allclose(cp.to_host(got), [0.0, 3.0, 0.0])


def energy(x):
    return np.sum(np.tanh(x) ** 2) * x[0]


def field(x):
    return np.tanh(x) * x[0]


@pytest.mark.parametrize("what", [
    lambda x: srcdiff.hessian(energy)(x), lambda x: srcdiff.jacfwd(field)(x),
    lambda x: srcdiff.jacrev(field)(x), lambda x: srcdiff.vmap(grad(energy))(x.reshape(2, 2)),
    lambda x: srcdiff.hvp(energy)(x, x), lambda x: srcdiff.linearize(field, x)[1](x),
    lambda x: srcdiff.taylor(energy, 3)(x, x), lambda x: srcdiff.elementwise_grad(np.tanh)(x),
])  # fmt: skip
def test_the_family(what: Any) -> None:
    x = np.linspace(0.1, 1.0, 4)
    got, wanted = what(cp.asarray(x)), what(x)
    for a, b in zip(got, wanted, strict=True) if isinstance(got, tuple) else [(got, wanted)]:
        assert isinstance(a, cp.ndarray)
        np.testing.assert_allclose(cp.to_host(a), b, rtol=1e-9, atol=1e-12)


# ---- refusals

WEIGHTS = np.array([1.0, 2.0, 3.0])


def test_several_modules() -> None:
    x = np.ones(3)
    with pytest.raises(DerivativeTypeError, match="'y' is an array of numpy"):
        grad(lambda x, y: np.sum(x * y))(cp.asarray(x), x)
    with pytest.raises(DerivativeTypeError, match="'WEIGHTS' is an array of numpy"):
        grad(lambda x: np.sum(x * WEIGHTS))(cp.asarray(x))
    with pytest.raises(DerivativeTypeError, match="array of numpy"):
        vjp(lambda x: x * 2.0, cp.asarray(x))[1](x)


def lacking(x):
    y = x * 2.0
    return np.sum(np.nanpercentile(y, 30.0))


def test_what_cupy_lacks_is_refused_at_the_line() -> None:
    with pytest.raises(NoRule) as caught:
        value_and_grad(lacking)(cp.ones(3))
    problem = caught.value.problems[0]
    assert "CuPy has no nan" in problem.what and "nanpercentile" in problem.text
    with pytest.raises(NoRule, match="no parameter 'initial'"):
        value_and_grad(lambda x: np.max(x * 2.0, initial=0.5))(cp.ones(3))


def test_captures_alone_decide() -> None:
    data = cp.asarray(np.array([1.0, 2.0]))

    def f(w):
        return np.sum(np.exp(w * data))

    got = grad(f)(0.3)
    assert isinstance(got, cp.ndarray)
    assert float(got) == pytest.approx(np.exp(0.3) + 2.0 * np.exp(0.6))


def test_arguments_that_share_memory() -> None:
    def f(x, y):
        x[0] = 2.0
        return np.sum(x * y)

    both = cp.ones(6)
    with pytest.raises(SrcdiffError, match="share"):
        grad(f, wrt=1)(both[:4], both[2:])
    assert cp.to_host(grad(f, wrt=1)(both[:3], both[3:])).tolist() == [2.0, 1.0, 1.0]


# ---- the examples

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("name", ["gpu_digits", "gpu_heat", "gpu_nbody", "gpu_ode"])
def test_examples(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each runs on NumPy, asserts what it claims, and gives the same numbers on the device."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    made = importlib.import_module(name)
    np.testing.assert_allclose(made.run(cp), made.run(np), rtol=1e-9)
    np.testing.assert_allclose(made.run(cp, dtype="float32"), made.run(np, dtype="float32"), rtol=1e-2)
    monkeypatch.setattr(made, "here", lambda: (np, False))
    made.main()
    assert "numpy: " in capsys.readouterr().out
