"""Sets of spans meet where one of the spans meets another."""

import random

import pytest

from srcdiff.emit.spans import Spans


def meet(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> bool:
    return any((x0 < y1 and y0 < x1) or x0 == y0 for x0, x1 in a for y0, y1 in b)


@pytest.mark.parametrize("wide", [0, 1, 3, 8])
def test_meeting_is_that_of_each_two(wide: int) -> None:
    r = random.Random(wide)

    def drawn() -> list[tuple[int, int]]:
        starts = [r.randrange(30) for _ in range(r.randrange(6))]
        return [(s, s + r.randrange(wide + 1)) for s in starts]

    seen = set()
    for _ in range(2000):
        a, b, c = drawn(), drawn(), drawn()
        both = Spans(a)
        both.update(Spans(b))
        seen.add(meet(a, c))
        assert Spans(a).meets(Spans(c)) == meet(a, c)
        assert Spans(c).meets(both) == both.meets(Spans(c)) == meet([*a, *b], c)
    assert seen == {True, False}
