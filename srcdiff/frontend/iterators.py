"""itertools and the like, in Python: texts that the front end reads in place of the functions.

They are never called.  ``iteration`` and ``sequences`` say which function is read as which text, and hand
over arguments that are ready: sequences that can be indexed, ranges, or generators where the text says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# ---- zip, enumerate, map where a generator takes part


def zipped(before: Any, gen: Any, after: Any) -> Iterator[Any]:
    """The generator is asked after the sequences before it, and before those behind it."""
    k = 0
    if all(k < len(s) for s in before):
        for x in gen:
            if not all(k < len(s) for s in after):
                return
            yield (*(s[k] for s in before), x, *(s[k] for s in after))
            k += 1
            if not all(k < len(s) for s in before):
                return


def count_among(rows: Any, start: Any, step: Any, at: int) -> Iterator[Any]:
    """The rows of a zip with a counter put in at a place."""
    n = start
    for row in rows:
        yield (*row[:at], n, *row[at:])
        n += step


def repeat_among(rows: Any, value: Any, at: int) -> Iterator[Any]:
    for row in rows:
        yield (*row[:at], value, *row[at:])


def enumerated(iterable: Any, start: Any) -> Iterator[Any]:
    n = start
    for x in iterable:
        yield n, x
        n += 1


def mapped(function: Any, iterable: Any) -> Iterator[Any]:
    for x in iterable:
        yield function(x)


def mapped_rows(function: Any, iterable: Any) -> Iterator[Any]:
    for x in iterable:
        yield function(*x)


def by_next(it: Any) -> Iterator[Any]:
    while True:
        try:
            x = next(it)
        except StopIteration:
            return
        yield x


def by_index(seq: Any) -> Iterator[Any]:
    k = 0
    while k < len(seq):
        yield seq[k]
        k += 1


def rest_of(it: Any, seq: Any) -> Iterator[Any]:
    while it.at < len(seq):
        it.at += 1
        yield seq[it.at - 1]


def check_lengths(n: int, m: int) -> None:
    if n != m:
        raise ValueError("zip() arguments have different lengths")


# ---- the next value


def first_of(iterator: Any) -> Any:
    for x in iterator:
        return x
    raise StopIteration


def first_or(iterator: Any, default: Any) -> Any:
    for x in iterator:
        return x
    return default


def next_in(it: Any, seq: Any) -> Any:
    if it.at < len(seq):
        it.at += 1
        return seq[it.at - 1]
    raise StopIteration


def next_or(iterator: Any, default: Any) -> Any:
    try:
        x = next(iterator)
    except StopIteration:
        return default
    return x


# ---- filters


def filtered(function: Any, iterable: Any) -> Iterator[Any]:
    for x in iterable:
        if function(x):
            yield x


def filtered_truth(iterable: Any) -> Iterator[Any]:
    for x in iterable:
        if x:
            yield x


def filterfalse(function: Any, iterable: Any) -> Iterator[Any]:
    for x in iterable:
        if not function(x):
            yield x


def filterfalse_truth(iterable: Any) -> Iterator[Any]:
    for x in iterable:
        if not x:
            yield x


def takewhile(predicate: Any, iterable: Any) -> Iterator[Any]:
    for x in iterable:
        if not predicate(x):
            return
        yield x


def dropwhile(predicate: Any, iterable: Any) -> Iterator[Any]:
    dropping = True
    for x in iterable:
        if dropping:
            dropping = bool(predicate(x))
        if not dropping:
            yield x


def compress(data: Any, selectors: Any) -> Iterator[Any]:
    for x, chosen in zip(data, selectors):
        if chosen:
            yield x


# ---- one after the other


def chain(*iterables: Any) -> Iterator[Any]:
    for iterable in iterables:
        yield from iterable


def from_iterable(iterables: Any) -> Iterator[Any]:
    for iterable in iterables:
        yield from iterable


def count(start: Any, step: Any) -> Iterator[Any]:
    n = start
    while True:
        yield n
        n += step


def repeat(x: Any) -> Iterator[Any]:
    while True:
        yield x


def cycle(iterable: Any) -> Iterator[Any]:
    saved = list(iterable)
    if len(saved) > 0:
        while True:
            yield from saved


def islice_to(iterable: Any, stop: int) -> Iterator[Any]:
    k = 0
    if k < stop:
        for x in iterable:
            yield x
            k += 1
            if k >= stop:
                return


def islice(iterable: Any, start: int, stop: Any, step: int) -> Iterator[Any]:
    k = 0
    wanted = start
    if stop is None or k < stop:
        for x in iterable:
            if k == wanted:
                yield x
                wanted += step
            k += 1
            if stop is not None and k >= stop:
                return


def indexed_slice(seq: Any, start: int, stop: int, step: int) -> Iterator[Any]:
    for k in range(start, stop, step):
        yield seq[k]


def accumulated(seq: Any, function: Any) -> Iterator[Any]:
    if len(seq) > 0:
        total = seq[0]
        for k in range(len(seq)):
            if k > 0:
                total = function(total, seq[k])
            yield total


def accumulated_from(iterable: Any, function: Any, initial: Any) -> Iterator[Any]:
    total = initial
    yield total
    for x in iterable:
        total = function(total, x)
        yield total


def pairwise(seq: Any) -> Iterator[Any]:
    for k in range(len(seq) - 1):
        yield seq[k], seq[k + 1]


def zip_longest(a: Any, b: Any, fillvalue: Any) -> Iterator[Any]:
    for k in range(max(len(a), len(b))):
        yield (a[k] if k < len(a) else fillvalue), (b[k] if k < len(b) else fillvalue)


def groupby(items: Any, key: Any) -> Iterator[Any]:
    start = 0
    while start < len(items):
        found = key(items[start])
        stop = start + 1
        while stop < len(items) and key(items[stop]) == found:
            stop += 1
        yield found, items[start:stop]
        start = stop


# ---- combinations


def product(*pools: Any) -> Iterator[Any]:
    if len(pools) == 0:
        yield ()
    elif len(pools) == 1:
        for x in pools[0]:
            yield (x,)
    elif len(pools) == 2:
        for x in pools[0]:
            for y in pools[1]:
                yield x, y
    else:
        for x in pools[0]:
            for others in product(*pools[1:]):
                yield (x, *others)


def places(n: int, r: int, first: int) -> Iterator[Any]:
    """Increasing tuples of ``r`` numbers from ``first`` to ``n - 1``."""
    if r == 0:
        yield ()
    elif r == 1:
        for k in range(first, n):
            yield (k,)
    else:
        for k in range(first, n - r + 1):
            for others in places(n, r - 1, k + 1):
                yield (k, *others)


def places_again(n: int, r: int, first: int) -> Iterator[Any]:
    """The same, not decreasing."""
    if r == 0:
        yield ()
    else:
        for k in range(first, n):
            for others in places_again(n, r - 1, k):
                yield (k, *others)


def orders(n: int, r: int, taken: Any) -> Iterator[Any]:
    """Tuples of ``r`` different numbers below ``n``, none of those taken."""
    if r == 0:
        yield ()
    else:
        for k in range(n):
            if k not in taken:
                for others in orders(n, r - 1, (*taken, k)):
                    yield (k, *others)


def picked(seq: Any, order: Any) -> Iterator[Any]:
    for k in order:
        yield seq[k]


def column(rows: Any, n: int) -> Iterator[Any]:
    for row in rows:
        yield row[n]


def turned(rows: Any) -> Iterator[Any]:
    width = min([len(row) for row in rows])
    for n in range(width):
        yield tuple([row[n] for row in rows])


def itself(x: Any) -> Any:
    return x


def chosen(pool: Any, indices: Any) -> Iterator[Any]:
    for at in indices:
        yield tuple(pool[k] for k in at)


# ---- arrays


def ndenumerated(x: Any, indices: Any) -> Iterator[Any]:
    for at in indices:
        yield at, x[at]


def entries(x: Any, indices: Any) -> Iterator[Any]:
    for at in indices:
        yield x[at]


# ---- reductions


def any_of(iterable: Any) -> bool:
    found = False
    for x in iterable:
        if x:
            found = True
            break
    return found


def all_of(iterable: Any) -> bool:
    every = True
    for x in iterable:
        if not x:
            every = False
            break
    return every


def best_place(values: Any) -> int:
    """Where the first of the largest values is."""
    at = 0
    for k in range(1, len(values)):
        if values[k] > values[at]:
            at = k
    return at


def least_place(values: Any) -> int:
    """Where the first of the smallest values is."""
    at = 0
    for k in range(1, len(values)):
        if values[k] < values[at]:
            at = k
    return at


def index_of(seq: Any, value: Any, start: int = 0) -> int:
    """Where the first of the items that are equal to a value is."""
    for k in range(start, len(seq)):
        if seq[k] == value:
            return k
    raise ValueError("the value is not in the list")


def gives(it: Any, value: Any) -> bool:
    return any(x == value for x in it)


def count_of(seq: Any, value: Any) -> int:
    times = 0
    for x in seq:
        if x == value:
            times += 1
    return times


def between(k: int, start: int, stop: int) -> bool:
    return start <= k and k < stop


def within(k: int, start: int, stop: int, step: int) -> bool:
    """Whether ``k`` is in a range."""
    if step > 0:
        return start <= k and k < stop and (k - start) % step == 0
    return stop < k and k <= start and (start - k) % -step == 0
