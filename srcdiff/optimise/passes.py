"""What the passes are, in a line each, and how to watch them at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from srcdiff.ir.graph import Graph

__all__ = ["PASSES", "noted", "watching"]

PASSES = {
    "differentiate": "the derivative, as the rules of its operations give it",
    "first_versions": "sizes are asked of the oldest array that has them",
    "dce": "what no result needs is not computed",
    "simplify": "sharing, constants, exact algebra; what no trip of a loop changes is computed before it",
    "one_loop": "a loop backwards whose trips do not wait for one another is part of the loop forwards",
    "merge_branches": "branches on one condition that follow each other are one",
    "products": "products whose rows are all the same are sums; transposes go into products; divisions less",
    "elements": "an element of an array that was just written, or read before, is that",
    "scatter": "the first contribution to an array is written, those to other parts of it too",
    "collect": "a factor that terms of a derivative's sum have in common is taken out once",
    "over_lists": "a loop that counts the elements of a list goes over the list",
    "together": "outer products that a loop adds up are one product of matrices behind it",
    "put_back": "what a loop writes over part by part is saved before it, and put back behind it, at once",
    "at_once": "what the trips of a loop do to parts of arrays, each to its own, is done to all at once",
    "shorthand": "what there is a quick way to is done by that",
    "picked": "what is added at a list of places is added, or counted, at once",
    "powers": "small whole powers of arrays are products",
    "outers": "outer products that are added up are one product of matrices",
    "sizes": "zeros in the shape of an array are made of its sizes, where these are known",
    "own": "operations stand near what reads them; updates are in place where nobody sees the array before",
    "contract": "sums of products along axes are contracted at once; cotangents are products of matrices",
    "reuse": "memory that nobody reads any more is written over",
    "filled": "an array of equal numbers is made as one, not as the copy of a number repeated",
    "choices": "a choice between two numbers is Python's own",
    "lists": "arrays whose elements a loop reads and writes one at a time are lists for that loop",
    "precision": "a number of single precision is a double where it meets Python's own for doubles",
    "pack": "tapes that go one way are one",
}

_watcher: ContextVar[Callable[[str, Graph], None] | None] = ContextVar("watcher", default=None)


def noted(name: str, graph: Graph) -> Graph:
    """The graph after a pass, shown to whoever watches."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(name, graph)
    return graph


@contextmanager
def watching(watcher: Callable[[str, Graph], None]) -> Iterator[None]:
    """``watcher`` is shown the graph after each pass that is run inside."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
