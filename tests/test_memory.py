"""``memory=``: plans within a budget, what they take when run, the same numbers, refusals; peaks."""

from __future__ import annotations

import gc
import pickle
import queue
import tracemalloc

import numpy as np
import pytest
from benchmarks import memory as figures

import srcdiff
from srcdiff import UnsupportedSyntax, checkpoint, grad, tape, value_and_grad, vjp
from srcdiff.errors import DerivativeValueError
from srcdiff.ir.amounts import amount
from srcdiff.memory.plans import Choice, Plan


def one(u, n):
    for t in range(n):
        u = u + 0.1 * np.sin(u) * np.cos(t * u) * np.exp(-u * u)
    return np.sum(u * u)


def unforeseen(u, tol):
    while np.sum(u) > tol:
        u = u - 0.01 * np.sin(u) * np.cos(u * u)
    return np.sum(u * u)


def left_early(u, n):
    for t in range(n):
        u = u - 0.01 * np.sin(u) * np.cos(u * t)
        if np.sum(u) < 900.0:
            break
    return np.sum(u * u)


def two(u, n):
    for t in range(n):
        u = u + 0.1 * np.sin(u) * np.cos(t * u)
    v = u
    for _ in range(n):
        v = v * np.exp(-v * u)
    return np.sum(v * u)


def nested(u, n):
    for t in range(n // 20):
        for k in range(20):
            u = u + 0.1 * np.sin(u) * np.cos(t * u + k)
        u = u * np.exp(-u)
    return np.sum(u * u)


def written_to(u, n):
    u = u.copy()
    for t in range(n):
        u[1:] = u[1:] * np.cos(u[:-1] * t)
        u *= 1.0 + 0.01 * np.sin(u)
    return np.sum(u * u)


def with_a_list(u, n):
    costs = []
    for t in range(n):
        u = np.sin(u) + 0.1 * np.cos(t * u)
        costs.append(np.sum(u))
    return sum(c * c for c in costs)


U = np.linspace(0.1, 0.9, 3000)


def run(f, *args):
    """The result, and the bytes held at most."""
    f(*args)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        out = f(*args)
        return out, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "f, n",
    [(one, 300), (two, 200), (nested, 400), (written_to, 200), (with_a_list, 200), (unforeseen, 1000.0),
     (left_early, 300)],
    ids=lambda x: getattr(x, "__name__", ""),
)  # fmt: skip
def test_within_the_budget(f, n):
    """What a call takes is not more than it may, whatever that is; the gradient is the same, bit by bit."""
    want, plain = run(grad(f), U, n)
    hows = set()
    for memory in (2 * plain, plain // 3, max(plain // 12, 500_000)):
        made = grad(f, memory=memory)
        plan = made.plan_for(U, n)
        got, held = run(made, U, n)
        assert held <= plan.foreseen <= plan.budget == memory
        assert np.array_equal(got, want)
        hows.add(tuple(c.how for c in plan))
    assert len(hows) > 1 or f in (unforeseen, left_early)


def test_least_work():
    """Storing where that fits, then each trip once more, then snapshots: not more of them than are of use."""
    plain = run(grad(one), U, 300)[1]
    plans = [grad(one, memory=int(plain * k)).plan_for(U, 300) for k in (1.2, 0.4, 0.1, 0.03)]
    assert [p.choices[0].how for p in plans] == ["store", "again", "snapshots", "snapshots"]
    assert [p.choices[0].passes for p in plans] == [0, 1, 2, 3]
    assert plans[2].choices[0].snapshots < 30  # for two passes 24 are enough
    p = grad(two, memory=int(run(grad(two), U, 200)[1] * 0.65)).plan_for(U, 200)
    assert sorted(c.how for c in p) == ["again", "store"]


def test_plan_is_said(caplog):
    d = grad(one, memory="2 MB")
    assert d.memory == 2_000_000 and d.plan is None
    with caplog.at_level("INFO", logger="srcdiff"):
        d(U, 300)
    plan = d.plan
    assert isinstance(plan, Plan) and isinstance(plan.choices[0], Choice)
    assert str(plan) in caplog.text
    line = one.__code__.co_firstlineno + 1
    assert str(plan).splitlines()[1] == (
        f"  line {line}: for t in range(n): is run again from {plan.choices[0].snapshots} snapshots,"
        " each trip at most 2 times"
    )
    text = d.source
    assert "\n\n    Memory: " in text and " of 2 MB (storing everything: " in text
    assert f"with checkpoint(snapshots={plan.choices[0].snapshots}):" in text
    assert "    " + str(plan).splitlines()[1] in text


def test_plans_follow_the_sizes():
    d = grad(one, memory="3 MB")
    d(U[:100], 300)
    assert d.plan.choices[0].how == "store"
    d(U, 300)
    assert d.plan.choices[0].how == "snapshots"
    d(U, 10)
    assert d.plan.choices[0].how == "store"
    first = d.plan
    assert d.plan_for(U, 10) is first
    assert d.plan_for(U + 1.0, 10) is first  # the same sizes


SHAPE = np.zeros(3000)


def outside(u, n):
    for _ in range(n):
        w = np.exp(-SHAPE * u[0])
        u = np.sin(u) + np.mean(w * w)
    return np.sum(u)


def test_sizes_outside(monkeypatch):
    """What is read from outside may be of another size at the next call."""
    d = grad(outside, memory="700 kB")
    assert d.plan_for(U[:5], 40).choices[0].how != "store"
    monkeypatch.setitem(globals(), "SHAPE", np.zeros(50))
    assert d.plan_for(U[:5], 40).choices[0].how == "store"
    monkeypatch.setitem(globals(), "SHAPE", np.zeros(3000))
    assert d.plan_for(U[:5], 40).choices[0].how != "store"


def test_other_derivatives():
    plain = run(grad(one), U, 300)[1]
    value, g = value_and_grad(one, memory="2 MB")(U, 300)
    assert np.array_equal(g, grad(one)(U, 300)) and value == one(U, 300)

    def both(u, n):
        y, pull = vjp(one, u, n, memory="2 MB")
        return y, pull(1.0)[0]

    (y, bar), held = run(both, U, 300)
    assert y == value and np.array_equal(bar, g) and held < 2_000_000 < plain / 4
    again = grad(grad_norm := lambda u: np.sum(u), memory="1 MB")
    assert np.array_equal(again(U), np.ones(3000)) and grad_norm

    @grad(memory="2 MB", wrt="u")
    def decorated(u, n):
        return one(u, n)

    assert np.array_equal(decorated(U, 300), g)


def test_second_order_within_a_budget():
    def slope(u, n):
        return np.sum(grad(one)(u, n) ** 2)

    want, plain = run(grad(slope), U[:500], 60)
    made = grad(slope, memory=3 * plain // 2)
    got, held = run(made, U[:500], 60)
    assert held <= 3 * plain // 2 and np.array_equal(got, want)
    with pytest.raises(DerivativeValueError, match="does not fit"):  # (the inner tape is a value)
        grad(slope, memory=plain // 3)(U[:500], 60)


def test_pickle():
    d = pickle.loads(pickle.dumps(grad(one, memory="2 MB")))
    assert d.memory == 2_000_000


# ---- Jacobians, Hessians, products
@pytest.mark.parametrize(
    "make, f, args, budgets",
    [
        (srcdiff.hessian, one, (U[:20], 300), ("1.5 MB", "400 kB")),
        (srcdiff.hessian, unforeseen, (U[:20], 6.0), ("200 kB",)),
        (srcdiff.hvp, one, (U, 300, U), ("20 MB", "3 MB")),
        (srcdiff.hvp, left_early, (U, 300, U), ("2 MB",)),
        (srcdiff.vhp, nested, (U[:1000], 400, U[:1000]), ("5 MB",)),
        (srcdiff.jacrev, two, (U[:20], 200), ("90 kB", "30 kB")),
        (srcdiff.gauss_newton_vp, written_to, (U[:1000], 200, U[:1000]), ("3 MB", "400 kB")),
        (srcdiff.elementwise_grad, with_a_list, (U[:1000], 200), ("600 kB",)),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_family_within_the_budget(make, f, args, budgets):
    """What is made of many directions keeps to its budget, and is what it is without one."""
    want = make(f)(*args)
    for memory in budgets:
        made = make(f, memory=memory)
        plan = made.plan_for(*args)
        got, held = run(made, *args)
        assert held <= plan.foreseen <= plan.budget == amount(memory)
        assert np.allclose(got, want, rtol=1e-10, atol=0.0)
        assert {c.how for c in plan} != {"store"}
    assert str(plan).splitlines()[0].strip() in made.source


def coupled(p, k, n):
    u, v = p["u"], p["v"]
    for _ in range(n):
        u = np.sin(u) + 0.1 * np.sin(v * u) * k
        v = v * np.cos(0.01 * u)
    return np.sum(u * v), u


def test_several_arguments_within_the_budget():
    """Two sweeps of a Hessian; a product in containers, with aux."""

    def f(a, b, n):
        return coupled({"u": a, "v": b}, 1.0, n)[0]

    a, b = U[:200:10], 1.0 + U[:200:10]
    d = srcdiff.hessian(f, wrt=("a", "b"), memory="400 kB")
    got, held = run(d, a, b, 200)
    assert held <= d.plan.foreseen < 400_000 and d.plan.choices[0].how == "snapshots"
    assert np.allclose(got, srcdiff.hessian(f, wrt=("a", "b"))(a, b, 200), rtol=1e-9)

    d = srcdiff.hvp(coupled, wrt=("p", "k"), has_aux=True, memory="1 MB")
    p = {"u": U[:1000], "v": 1.0 + U[:1000]}
    args = (p, 0.5, 200, (p, 1.0))
    (got, aux), held = run(d, *args)
    assert held <= d.plan.foreseen <= 1_000_000
    want, _ = srcdiff.hvp(coupled, wrt=("p", "k"), has_aux=True)(*args)
    assert np.allclose(got[0]["v"], want[0]["v"]) and np.allclose(got[1], want[1])
    assert np.array_equal(aux, coupled(*args[:3])[1])


def test_jacobian_within_the_budget():
    """The mode is chosen by the sizes of the call, the plan is that of the mode."""

    def f(u, n):
        for _ in range(n):
            u = np.sin(u) * 1.1
        return np.array([np.sum(u), np.sum(u * u)])

    d = srcdiff.jacobian(f, memory="200 kB")
    got, held = run(d, U[:400], 200)
    assert held <= 200_000 and d.plan.choices[0].how != "store"
    assert np.allclose(got, srcdiff.jacfwd(f)(U[:400], 200))


def test_along_a_direction_within_the_budget():
    d = grad(one, memory="400 kB")
    (_, t), held = run(lambda: srcdiff.jvp(d, (U[:100], 300), (U[:100], None)))
    assert np.allclose(t, srcdiff.hvp(one)(U[:100], 300, U[:100])) and held < 400_000


# ---- refusals
def test_too_little():
    with pytest.raises(DerivativeValueError, match=r"does not fit into 50 kB: it takes \d+ kB at least") as e:
        grad(one, memory="50 kB")(U, 300)
    least = str(e.value).split('give memory="')[1].split('"')[0]
    got, held = run(grad(one, memory=least), U, 300)
    assert held <= amount(least)
    assert np.array_equal(got, grad(one)(U, 300))


def test_not_known_ahead():
    def deep(x, n):
        return x if n == 0 else deep(np.sin(x), n - 1)

    with pytest.raises(DerivativeValueError, match="is not known before it is run"):
        grad(lambda x, n: np.sum(deep(x, n)), memory="1 GB")(U, 3)


def test_no_amount():
    with pytest.raises(DerivativeValueError, match="'much' is no amount of memory"):
        grad(one, memory="much")


def test_not_inside_a_function():
    def f(u):
        return np.sum(grad(one, memory="1 MB")(u, 3))

    with pytest.raises(UnsupportedSyntax, match="inside a function takes no memory="):
        grad(f)(U)
    inner = grad(one, memory="1 MB")
    with pytest.raises(UnsupportedSyntax, match="inside a function takes no memory="):
        grad(lambda u: np.sum(inner(u, 3)))(U)


def test_methods_of_objects_are_not_known():
    drawn = queue.SimpleQueue()
    for _ in range(200):
        drawn.put(0.5)

    def f(u, n):
        for _ in range(n):
            u = np.sin(u) * drawn.get_nowait() + np.cos(u)
        return np.sum(u)

    with pytest.raises(DerivativeValueError, match="is not known before it is run"):
        grad(f, memory="400 kB")(U, 100)


# ---- checkpoint(memory=...)
def test_checkpoint_within():
    def f(u, n):
        for t in checkpoint(range(n), memory="500 kB"):
            u = u + 0.1 * np.sin(u) * np.cos(t * u) * np.exp(-u * u)
        return np.sum(u * u)

    def g(u, tol, m):
        with checkpoint(memory=m):
            while np.sum(u) > tol:
                u = u - 0.01 * np.sin(u) * np.cos(u * u)
        return np.sum(u * u)

    got, held = run(grad(f), U, 300)
    assert np.array_equal(got, grad(one)(U, 300)) and held < 500_000 + 12 * U.nbytes
    assert "snapshots = snapshots_within(500000, u)" in srcdiff.source(grad(f), U, 300)
    for m in (100_000, 1_000_000):
        got, held = run(grad(g), U, 1000.0, m)
        assert np.array_equal(got, grad(unforeseen)(U, 1000.0)) and held < m + 12 * U.nbytes


def test_checkpoint_within_nested():
    def f(u, n):
        for _ in range(2):
            for t in checkpoint(range(n), memory=200_000):
                v = np.cos(t * u)
                u = u + 0.1 * np.sin(u) * v
        return np.sum(u * u)

    def plain(u, n):
        for _ in range(2):
            for t in range(n):
                v = np.cos(t * u)
                u = u + 0.1 * np.sin(u) * v
        return np.sum(u * u)

    assert np.array_equal(grad(f)(U, 20), grad(plain)(U, 20))


def test_checkpoint_refuses():
    with pytest.raises(ValueError, match="not both"):
        checkpoint(range(3), snapshots=2, memory="1 GB")
    with pytest.raises(ValueError, match="no amount"):
        checkpoint(range(3), memory="some")

    def f(u, m):
        with checkpoint(memory="some"):
            for _ in range(3):
                u = np.sin(u)
        return np.sum(u)

    def g(u, m):
        with checkpoint(memory=m):
            for _ in range(3):
                u = np.sin(u)
        return np.sum(u)

    with pytest.raises(UnsupportedSyntax, match="'some' is no amount of memory"):
        grad(f)(U, 1)
    with pytest.raises(UnsupportedSyntax, match="must be a number of bytes"):
        grad(g)(U, (1, 2))


def test_others_of_it_are_refused_in_words():
    g = grad(one, memory="1 MB")
    with pytest.raises(DerivativeValueError, match="vmap of a derivative that was given memory="):
        srcdiff.vmap(g, in_axes=(0, None))


# ---- peaks
@pytest.mark.parametrize("f", [figures.by_default, figures.unforeseen], ids=lambda f: f.__name__)
def test_root_of_the_trips(f):
    """With snapshots by default the peak grows like the square root of the number of trips, at most."""
    u = U[:1000]
    few, many = (run(grad(f, wrt="u"), u, n)[1] / u.nbytes for n in (200, 3200))
    assert few < 2.0 * 400**0.5 + 12 and many < 2.0 * 6400**0.5 + 12


@pytest.mark.parametrize("f, args, wrt", figures.LOOPS, ids=[f.__name__ for f, _, _ in figures.LOOPS])
def test_stored_is_what_is_needed(f, args, wrt):
    """A loop that stores takes no more than half as much again as the residuals that are needed."""
    needed = tape(f, *args, wrt=wrt).bytes
    assert run(figures.reverse(f, wrt), *args)[1] <= 1.5 * needed
