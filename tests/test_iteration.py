"""Iterators and generators: what is refused and how, what raises as the primal does, and in which order."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from srcdiff import grad, hessian, jvp, source, value_and_grad
from srcdiff.errors import UnsupportedSyntax


def halvings(x):
    while True:
        yield x
        x = x * 0.5


def sines(x, n):
    for i in range(n):
        yield math.sin(x * i)


def refused(f, *args):
    """The problems with which a function is refused."""
    with pytest.raises(UnsupportedSyntax) as e:
        grad(f)(*args)
    return str(e.value)


# ---- refused, and what to do instead


def test_derivative_of_a_generator_function():
    text = refused(sines, 1.0, 3)
    assert "error[generator]: sines is a generator function: it has no derivative itself" in text
    assert "differentiate a function that uses its values" in text


def test_next_in_a_loop():
    def f(x, n):
        g = halvings(x)
        total = 0.0
        for _ in range(n):
            total += next(g)
        return total

    text = refused(f, 1.0, 30)
    assert "error[iterator]: an iterator made outside this loop is used up inside it" in text
    assert "zip(range(n), iterator)" in text
    assert "for _ in range(n):" in text


def test_next_of_an_unknown_path():
    def f(x, n):
        g = sines(x, n)
        return next(g) + next(g)

    text = refused(f, 1.0, 30)
    assert "error[iterator]: how far this iterator has come is known only at run time" in text
    assert "next() has gone on to a value found at run time" in text


def test_next_of_an_empty_iterator():
    def f(x):
        it = iter((x,))
        return next(it) * next(it)

    assert "next() raises StopIteration" in refused(f, 1.0)


def test_left_and_used_again():
    def f(x):
        g = halvings(x)
        for v in g:
            if v < 0.3:
                break
        return next(g)

    text = refused(f, 1.0)
    assert "error[iterator]: how far this iterator has come is known only at run time" in text
    assert "a loop over it may have stopped before its end" in text


def test_used_on_one_path_only():
    def f(xs):
        squares = (x * x for x in xs)
        total = sum(squares) if xs[0] > 0 else 1.0
        return total + sum(squares)

    text = refused(f, [1.0, 2.0])
    assert "how far this iterator has come is known only at run time" in text
    assert "it was used on one path only" in text


def test_two_endless_generators():
    def f(x):
        total = 0.0
        for a, b in zip(halvings(x), halvings(x * 2.0)):
            total += a * b
            if a < 0.1:
                break
        return total

    text = refused(f, 1.0)
    assert "error[generator]: two generators are zipped, and the first may never end" in text
    assert "use one generator that yields pairs" in text


def test_zipped_generators_with_effects():
    def f(u):
        v = u.copy()

        def changing():
            for i in range(3):
                v[i] *= 2.0
                yield v[i]

        return sum(a * b for a, b in zip(changing(), changing()))

    assert "changes an array or a list while it is zipped with another generator" in refused(f, np.ones(3))


def test_zipped_generators_and_a_name_that_changes():
    def f(x):
        scale = 1.0

        def scaled():
            for i in range(3):
                yield scale * i * x

        total = 0.0
        for a, b in zip(scaled(), sines(x, 3)):
            scale = scale * 2.0
            total += a * b
        return total

    text = refused(f, 1.0)
    assert "scaled reads 'scale' while it is zipped with another generator" in text
    assert "give 'scale' to the generator as an argument" in text


def test_zipped_generators_and_an_array_that_changes():
    def values(u):
        for i in range(3):
            yield u[i]

    def f(x):
        u = x.copy()
        total = 0.0
        for a, b in zip(values(u), sines(1.0, 3)):
            u[:] = u * b
            total += a
        return total

    assert "error[aliasing]" in refused(f, np.ones(3))


def test_one_iterator_zipped_with_itself():
    def f(xs):
        it = iter(xs)
        return sum(a * b for a, b in zip(it, it))

    text = refused(f, [1.0, 2.0])
    assert "error[iterator]: one iterator is given to zip() twice" in text
    assert "zip(xs[::2], xs[1::2])" in text


def test_value_of_yield_from():
    def inner(x):
        yield x
        return x * 2.0

    def outer(x):
        got = yield from inner(x)
        yield got

    def f(x):
        return sum(outer(x))

    assert "error[generator]: the value of a yield from is not supported" in refused(f, 1.0)


def test_yield_inside_an_expression():
    def g(x):
        y = 1.0 + (yield x)
        yield y

    def f(x):
        return sum(g(x))

    assert "error[generator]: a yield inside an expression" in refused(f, 1.0)


def test_sending():
    def f(x):
        g = halvings(x)
        return g.send(x)

    text = refused(f, 1.0)
    assert "error[generator]: a value is sent to a generator that has not come to a yield yet" in text

    def f(x):
        g = halvings(x)
        next(g)
        return g.throw(ValueError)

    assert "error[generator]: the method 'throw' of a generator is not supported" in refused(f, 1.0)

    def f(x):
        def one():
            y = yield x
            yield y * x

        g = one()
        next(g)
        g.send(x)
        return g.send(x)

    assert "error[iterator]: this generator ends here: send() raises StopIteration" in refused(f, 1.0)


class UntilLarge:
    def __init__(self, xs):
        self.xs, self.at = xs, 0

    def __iter__(self):
        return self

    def __next__(self):
        self.at += 1
        if self.xs[self.at] > 1.0:
            raise StopIteration
        return self.xs[self.at]


def test_changes_before_stop_iteration():
    """The message speaks of the user's iterator, and not of the text that reads it."""

    def f(xs):
        total = 0.0
        for v in UntilLarge(xs):
            total = total * 0.5 + v
        return total

    text = refused(f, [0.3, 0.9, 1.5])
    assert "error[iterator]: what this iterator holds when it ends depends on where its __next__" in text
    assert "try" not in text


def test_iterator_where_a_value_is_needed():
    def f(xs):
        return np.sum(x * x for x in xs)

    text = refused(f, [1.0, 2.0])
    assert "error[iterator]: an iterator is used where a value is needed" in text
    assert "make a list of it" in text


def test_nditer_in_the_order_of_memory():
    def f(x):
        return sum(v * v for v in np.nditer(x))

    text = refused(f, np.ones(3))
    assert "error[iterate]" in text
    assert "x.flat" in text


def test_a_function_that_each_trip_makes_anew():
    def f(xs):
        h = math.sin
        total = 0.0
        for x in xs:
            total += h(x)
            h = lambda v, x=x: v * x  # noqa: E731
        return total

    refused(f, [1.0, 2.0] * 10)  # (few elements: each trip is read by itself)


# ---- raised as the primal raises it


def test_strict_zip():
    def f(xs, ys):
        return sum(x * y for x, y in zip(xs, ys, strict=True))

    assert grad(f)([1.0, 2.0], [3.0, 4.0]) == [3.0, 4.0]
    with pytest.raises(ValueError, match="zip"):
        grad(f)([1.0, 2.0], [3.0])


def test_exception_between_yields():
    def checked(xs):
        for x in xs:
            if x < 0.0:
                raise ValueError("negative")
            yield math.sqrt(x)

    def f(xs):
        return sum(checked(xs))

    assert grad(f)([4.0, 1.0]) == [0.25, 0.5]
    with pytest.raises(ValueError, match="negative"):
        grad(f)([4.0, -1.0])
    assert grad(f)([4.0, 1.0]) == [0.25, 0.5]


# ---- order


def test_effects_by_turns(capsys):
    def told(x, n):
        for i in range(n):
            print("made", i)
            yield x * i

    def f(x, n):
        total = 0.0
        for v in told(x, n):
            print("used")
            total += v * v
        return total

    f(1.0, 3)
    expected = capsys.readouterr().out
    assert grad(f)(2.0, 3) == 2 * 2.0 * 5
    assert capsys.readouterr().out == expected


def test_what_is_not_asked_for_is_not_done(capsys):
    def told(x):
        print("first")
        yield x
        print("second")
        yield x * x

    def f(x):
        for v in told(x):
            return v * 3.0

    assert grad(f)(2.0) == 3.0
    assert capsys.readouterr().out == "first\n"


def test_generator_expression_sees_what_names_are_when_asked():
    def f(x):
        scale = 1.0
        terms = (scale * v for v in (x, x * x))
        scale = 10.0
        return sum(terms)

    assert grad(f)(2.0) == 50.0


def test_iterator_is_used_up():
    def f(xs):
        pairs = zip(xs, xs)
        return sum(a * b for a, b in pairs) + 100.0 * sum(a * b for a, b in pairs)

    assert grad(f)([1.0, 2.0]) == [2.0, 4.0]


# ---- ties are Python's: the first


def test_ties():
    def f(xs):
        first = max(range(len(xs)), key=lambda i: xs[i])
        order = sorted(range(len(xs)), key=lambda i: xs[i])
        back = sorted(xs, reverse=True)
        return 10.0 * xs[first] + sum((k + 1) * xs[i] for k, i in enumerate(order)) + 100.0 * back[0]

    assert grad(f)([1.0, 2.0, 2.0, 1.0]) == [1.0, 113.0, 4.0, 2.0]


# ---- loops over integers alone keep nothing, and are not unrolled


@pytest.mark.parametrize("n", [4, 9])
def test_index_loops_keep_their_form(n):
    def pairs(xs):
        total = 0.0
        for i, j in itertools.combinations(range(len(xs)), 2):
            total += xs[i] * xs[j]
        return total

    def grid(x, n):
        total = 0.0
        for i, j in itertools.product(range(n), range(n)):
            total += x * i * j
        return total

    xs = np.arange(1.0, n + 1.0)
    np.testing.assert_allclose(grad(pairs)(xs), xs.sum() - xs)
    assert grad(grid)(2.0, n) == sum(range(n)) ** 2
    text = source(grad(pairs), xs)
    assert "_saved" not in text and ".append" not in text
    assert text.count("for i in") == 1 and text.count("for j in") == 1


def test_loops_over_text_stay_loops():
    from corpus import letters

    for f in (letters.edit_distance, letters.two_rows, letters.alignment):
        text = source(grad(f, wrt=0), letters.C)
        assert len(text.splitlines()) < 120
        assert "for " in text and "list('" in text


def test_zip_with_arrays_of_any_length():
    """What is unrolled for a length is made anew where fewer items are zipped, and only there."""
    weights = [1.0, 2.0, 3.0, 4.0]

    def f(x):
        s = 0.0
        for c, v in zip(weights, x):
            s += c * v * v
        return s

    for convert in (lambda x: x, list):
        d = grad(lambda x: f(x))
        for n in (2, 3, 4, 5, 6, 1000):
            x = np.arange(1.0, n + 1)
            want = 2 * x * np.array([*weights, *np.zeros(n)])[:n]
            assert np.array_equal(d(convert(x)), want)
        assert sum(map(len, d._variants.values())) <= 3


def test_zip_of_functions_and_fewer_numbers():
    def f(x):
        return sum([g(v) ** 2 for g, v in zip((np.sin, np.cos, np.tanh, np.exp), x)])

    x = np.array([0.7, -0.4, 1.3, 0.2])
    a, b, c, _ = x
    want = [np.sin(2 * a), -np.sin(2 * b), 2 * np.tanh(c) / np.cosh(c) ** 2]
    assert np.allclose(grad(f)(x[:3]), want)
    assert np.allclose(grad(f)(x), [*want, 2 * np.exp(2 * x[3])])
    assert np.allclose(hessian(f)(x[:3]).diagonal()[0], 2 * np.cos(2 * x[0]))


# ---- several iterators side by side


def beside_a_range(x):
    it = (v * v for v in x)
    total = 0.0
    for _, v in zip(range(2), it):
        total += v
    return total * sum(it)


def before_a_range(x):
    it = map(math.sin, x)
    total = 0.0
    for v, _ in zip(it, range(2)):
        total += v
    return total * sum(it)


def mapped_with_a_list(x):
    it = iter(x)
    return sum(map(lambda a, b: a * b, [1.0, 2.0], it)) * sum(it)


@pytest.mark.parametrize("f", [beside_a_range, before_a_range, mapped_with_a_list])
def test_what_the_longer_of_two_iterators_has_left_is_not_taken_to_be_nothing(f):
    assert "how far this iterator has come is known only at run time" in refused(f, np.array([0.5, 1.5, 2.0]))


def test_iterators_side_by_side_that_are_not_used_after():
    def f(x):
        it = (v * v for v in x)
        return sum(a * b for a, b in zip(it, x)) + sum(p for p, _ in zip(x, iter(x)))

    np.testing.assert_allclose(grad(f)(np.array([0.5, 1.5])), 3 * np.array([0.5, 1.5]) ** 2 + 1)


# ---- a value looked for in an iterator


def test_a_value_is_looked_for_until_it_is_found():
    def f(x, at):
        it = iter(x)
        found = at in it
        return (found + 1) * (x[0] + sum(it))

    x = np.array([0.5, 1.5, 2.0, 0.7])
    np.testing.assert_allclose(grad(f)(x, 1.5), [2.0, 0.0, 2.0, 2.0])
    np.testing.assert_allclose(grad(f)(x, 9.0), [1.0, 0.0, 0.0, 0.0])

    def g(x):
        it = (v * v for v in x)
        return x[0] * (2.25 in it)

    np.testing.assert_allclose(grad(g)(x), [1.0, 0.0, 0.0, 0.0])


def test_a_tuple_of_an_iterator_that_has_nothing_left():
    def f(x):
        it = (v * v for v in x)
        grown = []
        for v in it:
            grown = tuple(grown) + (v,)
        return sum(grown) * grown[0] + len(tuple(it)) + sum(())

    x = np.array([0.5, 1.5])
    np.testing.assert_allclose(grad(f)(x), [4 * 0.5**3 + 2 * 0.5 * 1.5**2, 2 * 1.5 * 0.25])


# ---- what a loop inside begins with is of another kind in the trips after the first


def a_slice_of_what_was_empty(x):
    y, parts = x[0], []
    for _ in range(len(x)):
        for _ in range(3):
            y = y * 0.5
            parts = parts[:1]
        parts.append(y)
    return sum(parts) * x[1]


def a_dict_of_what_was_empty(x):
    y, table = x[0], {}
    for k in range(len(x)):
        for _ in range(3):
            y = y + x[1]
            table = dict(table)
        table[k] = y
    return sum(table.values())


def an_array_of_what_was_a_number(x):
    y, z = 0, 0
    for _ in range(len(x)):
        for k in range(len(x)):
            z = z + k
            y = y + z
        y = y * x
    return np.sum(y) * x[1]


@pytest.mark.parametrize(
    "f", [a_slice_of_what_was_empty, a_dict_of_what_was_empty, an_array_of_what_was_a_number]
)
def test_a_loop_inside_begins_with_another_kind_of_thing(f):
    x = np.array([0.3, -0.5])
    value, slope = value_and_grad(f)(x)
    assert value == pytest.approx(f(x))
    expected = [(f(x + e) - f(x - e)) / 2e-6 for e in 1e-6 * np.eye(2)]
    np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-9)


def test_a_place_in_a_list_that_each_trip_makes():
    def f(x):
        x, z = x * 1.0, x * 2.0
        for _ in range(2):
            p = [x, z]
            p[0][1] = x[0]
            for _ in range(2):
                p[0] = x[::-1]
                p.append(x)
        return sum(np.sum(e * e) for e in p)

    np.testing.assert_allclose(grad(f)(np.array([0.3, -0.5])), [6.0, -4.0])


# ---- what is looped over changes meanwhile


def part_of_a_list(x):
    b = list(x * 1.5)
    s = x[0] * 1.0
    for e in b[::-1]:
        b[1] = e * 2
        s += np.sin(e) * b[1]
    return s + b[2] * b[1] + b[0]


def part_of_an_array(x):
    b = x * 1.5
    s = x[0] * 1.0
    for e in b[::-1]:
        b[1] = e * 2
        s += np.sin(e) * b[1]
    return s + b[2] * b[1] + b[0]


def rows_backwards(x):
    rows = list(np.outer(x, x))
    s = x[0] * 1.0
    for k, (e, g) in enumerate(zip(rows[::-1], rows[1:])):
        rows[2] = e * 2
        s += np.sum(np.sin(e) * rows[1] * g) * k
    return s + np.sum(rows[2] * rows[1])


@pytest.mark.parametrize("f", [part_of_a_list, part_of_an_array, rows_backwards])
@pytest.mark.parametrize("n", [4, 20])
def test_what_is_looped_over_changes(f, n):
    x = np.linspace(0.3, 0.9, n)
    want = np.array([(f(x + e) - f(x - e)) / 2e-6 for e in 1e-6 * np.eye(n)])
    np.testing.assert_allclose(grad(f)(x), want, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(jvp(f, (x,), (np.cos(x),))[1], want @ np.cos(x), rtol=1e-6)


def another_from_the_second_trip_on(x):
    b = list(x)
    c = b
    s = 0.0
    for e in c:
        b[2] = e * e + b[1]
        b = b[:]
        s += np.sin(e) * b[1]
    return s


def an_array_from_the_second_trip_on(x):
    b = x * 1.0
    s = 0.0
    for e in b:
        b[2] = e * e + b[1]
        b = b * 2.0
        s += np.sin(e) * b[1]
    return s


@pytest.mark.parametrize("f", [another_from_the_second_trip_on, an_array_from_the_second_trip_on])
def test_what_is_looped_over_may_change(f):
    """What one trip writes to, and the next no more, is what the loop runs over."""
    assert "this may or may not change 'what is looped over' as well" in refused(f, np.linspace(0.3, 0.9, 20))
