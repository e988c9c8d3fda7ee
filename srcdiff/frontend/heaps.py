"""heapq and bisect, in Python: texts that the front end reads in place of the compiled functions.

The steps are those of CPython's, one by one: so the heap lies in its list as it does there.
"""

from __future__ import annotations

import bisect
import heapq
from typing import Any

__all__ = ["TEXTS"]


def sift_down(heap: Any, start: int, at: int) -> None:
    """Move an element towards the root, to its place."""
    item = heap[at]
    searching = True
    while searching and at > start:
        parent = (at - 1) // 2
        if item < heap[parent]:
            heap[at] = heap[parent]
            at = parent
        else:
            searching = False
    heap[at] = item


def sift_up(heap: Any, at: int) -> None:
    """Move the smaller child up until a leaf is reached, and what was there down to its place."""
    end = len(heap)
    start = at
    item = heap[at]
    child = 2 * at + 1
    while child < end:
        right = child + 1
        if right < end and not heap[child] < heap[right]:
            child = right
        heap[at] = heap[child]
        at = child
        child = 2 * at + 1
    heap[at] = item
    sift_down(heap, start, at)


def heappush(heap: Any, item: Any) -> None:
    heap.append(item)
    sift_down(heap, 0, len(heap) - 1)


def heappop(heap: Any) -> Any:
    last = heap.pop()
    if len(heap) > 0:
        first = heap[0]
        heap[0] = last
        sift_up(heap, 0)
        last = first
    return last


def heapreplace(heap: Any, item: Any) -> Any:
    first = heap[0]
    heap[0] = item
    sift_up(heap, 0)
    return first


def heappushpop(heap: Any, item: Any) -> Any:
    if len(heap) > 0 and heap[0] < item:
        first = heap[0]
        heap[0] = item
        sift_up(heap, 0)
        item = first
    return item


def heapify(x: Any) -> None:
    for at in range(len(x) // 2 - 1, -1, -1):
        sift_up(x, at)


def nsmallest(n: Any, iterable: Any, key: Any = None) -> Any:
    return sorted(iterable, key=key)[: max(n, 0)]


def nlargest(n: Any, iterable: Any, key: Any = None) -> Any:
    return sorted(iterable, key=key, reverse=True)[: max(n, 0)]


def bisect_right(a: Any, x: Any, lo: int = 0, hi: Any = None, *, key: Any = None) -> int:
    if hi is None:
        hi = len(a)
    while lo < hi:
        mid = (lo + hi) // 2
        if x < (a[mid] if key is None else key(a[mid])):
            hi = mid
        else:
            lo = mid + 1
    return lo


def bisect_left(a: Any, x: Any, lo: int = 0, hi: Any = None, *, key: Any = None) -> int:
    if hi is None:
        hi = len(a)
    while lo < hi:
        mid = (lo + hi) // 2
        if (a[mid] if key is None else key(a[mid])) < x:
            lo = mid + 1
        else:
            hi = mid
    return lo


def insort_right(a: Any, x: Any, lo: int = 0, hi: Any = None, *, key: Any = None) -> None:
    a.insert(bisect_right(a, x if key is None else key(x), lo, hi, key=key), x)


def insort_left(a: Any, x: Any, lo: int = 0, hi: Any = None, *, key: Any = None) -> None:
    a.insert(bisect_left(a, x if key is None else key(x), lo, hi, key=key), x)


TEXTS: dict[Any, Any] = {
    heapq.heappush: heappush, heapq.heappop: heappop, heapq.heapreplace: heapreplace,
    heapq.heappushpop: heappushpop, heapq.heapify: heapify, heapq.nsmallest: nsmallest,
    heapq.nlargest: nlargest, bisect.bisect_right: bisect_right, bisect.bisect_left: bisect_left,
    bisect.insort_right: insort_right, bisect.insort_left: insort_left,
}  # fmt: skip
