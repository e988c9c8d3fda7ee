"""Parts of arrays: what an index picks, as views, as gathers, and as numbers in a text."""

from __future__ import annotations

import re
from itertools import pairwise

from srcdiff.compiled.elements import Statements
from srcdiff.compiled.nests import (
    Size,
    Store,
    same_size,
)
from srcdiff.compiled.texts import (
    along,
    bare,
    minus,
)
from srcdiff.compiled.values import (
    Elements,
    Gather,
    Lazy,
    View,
    whole,
)
from srcdiff.ir.graph import Atom, Const, Slice, Struct, Val, is_none, kind
from srcdiff.ir.indices import ALL, is_dots, parts_of
from srcdiff.ir.kinds import Array, Dim, Scalar, Sym, at_least


def is_whole(p: Atom) -> bool:
    k = kind(p)
    return isinstance(k, Scalar) and k.dtype == "i8"


def constant(a: Atom) -> int | None:
    """A whole number that the program writes down."""
    return a.value if isinstance(a, Const) and type(a.value) is int else None


class Indexing(Statements):
    """Statements on parts of arrays."""

    def picked(self, r: View, k: int, at: str) -> View:
        """A view with one axis fixed."""
        axes: list[tuple[int | None, str, int]] = []
        for j, start, step in r.axes:
            if j == k:
                axes.append((None, along(start, step, at), 0))
            else:
                axes.append((j - 1 if j is not None and j > k else j, start, step))
        return View(r.store, tuple(axes), (*r.sizes[:k], *r.sizes[k + 1 :]))

    def sliced(self, r: View, k: int, p: Slice) -> View:
        """A view with a slice along one axis."""
        n = r.sizes[k]
        step = p.step.value if isinstance(p.step, Const) else 0
        step = 1 if step is None else step
        if type(step) is not int or not step:
            raise self.no("a slice with a step that is not known")
        if step < 0:
            if step == -1 and is_none(p.lower) and is_none(p.upper):
                return self.stepped(r, k, n.plus(-1), -1, n)
            raise self.no("a slice that goes backwards")
        low, high = self.end(p.lower, n, True), self.end(p.upper, n, False)
        size = self.between(p, n) or minus(high, low, n)
        if size.text and not self.in_order(p, n):
            size = Size(f"max({bare(str(size))}, 0)", 0, None)
        if step != 1 and size.text:
            size = Size(f"({size.plus(step - 1)} // {step})", 0, None)
        elif step != 1:
            size = Size.of(str(-(-size.offset // step)))
        return self.stepped(r, k, low, step, size)

    def in_order(self, p: Slice, n: Size) -> bool:
        """Whether a slice ends no sooner than it starts, however short its array: else it is empty."""
        low = 0 if is_none(p.lower) else constant(p.lower)
        high = constant(p.upper)
        d = n.dim
        least = at_least(Sym(d.id)) + d.offset if isinstance(d, Sym) else d or 0
        if is_none(p.upper):
            return low is None or low <= least
        if high is None:
            return low == 0 or self.bounds.ordered(p.lower, p.upper, n.dim)
        if low is None:
            return False
        if low < 0:
            return low <= high < 0 and -high <= least
        return low - high <= least if high < 0 else low <= min(high, least)

    def between(self, p: Slice, n: Size) -> Size | None:
        """The size of a slice whose ends move together: ``x[i + 1:i + 5]``, ``x[i:n - 2 + i]``."""
        if not (isinstance(p.lower, Val) and isinstance(p.upper, Val)):
            return None
        if not (self.bounds.within(p.lower, n.dim) and self.bounds.within(p.upper, n.dim)):
            return None
        d = self.bounds.distance(p.lower, p.upper, n.dim)
        if d is None:
            return None
        whole, more = d
        return n.plus(more) if whole else Size("", max(more, 0), max(more, 0))

    def end(self, a: Atom, n: Size, lower: bool) -> Size:
        """An end of a slice, from the start."""
        if isinstance(a, Const):
            if a.value is None:
                return Size("", 0) if lower else n
            if type(a.value) is not int:
                raise self.no("a slice that is not of integers")
            if a.value < 0:
                if not n.text:
                    low = max(n.offset + a.value, 0)
                    return Size("", low, low)
                if lower:  # of an array shorter than this, all
                    return Size(f"max({n.plus(a.value)}, 0)", 0)
                return n.plus(a.value)
            if not n.text:
                return Size("", min(a.value, n.offset), min(a.value, n.offset))
            if not lower and not self.bounds.within(a, n.dim):
                return Size(f"min({a.value}, {n})", 0)
            return Size("", a.value, a.value)
        text = self.scalar(a)
        if self.bounds.within(a, n.dim):
            return Size.of(self.name_of_number(text))
        name = self.fresh("end")
        self.early(f"{name} = {self.helper('bound')}({bare(text)}, {n})")
        return Size(name, 0)

    def name_of_number(self, text: str) -> str:
        if re.fullmatch(r"\w+(\.shape\[\d+\])?", text):
            return text
        name = self.fresh("t")
        self.line(f"{name} = {bare(text)}")
        return name

    def stepped(self, r: View, k: int, low: Size, step: int, size: Size) -> View:
        axes: list[tuple[int | None, str, int]] = []
        for j, start, own in r.axes:
            if j == k:
                first = start if str(low) == "0" else along(start, own, str(low))
                axes.append((j, first, own * step))
            else:
                axes.append((j, start, own))
        return View(r.store, tuple(axes), (*r.sizes[:k], size, *r.sizes[k + 1 :]))

    def indexed(self, r: View, index: Atom, dims: tuple[Dim, ...] | None) -> View | Gather:
        """A part of an array."""
        parts = list(parts_of(index))
        taken = sum(not is_none(p) and not is_dots(p) for p in parts)
        for n, p in enumerate(parts):
            if is_dots(p):
                parts[n : n + 1] = [ALL] * (len(r.sizes) - taken)
                break
        else:
            parts += [ALL] * (len(r.sizes) - taken)
        k = 0
        gather: dict[int, Elements] = {}
        advanced: list[int] = []  # which parts are arrays, or numbers, which go with arrays
        for n, p in enumerate(parts):
            if is_none(p):
                r = self.new_axis(r, k)
                k += 1
            elif isinstance(p, Slice):
                if p != ALL:
                    r = self.sliced(r, k, p)
                k += 1
            elif isinstance(kind(p), Scalar) and kind(p).dtype in ("i8", "i4"):  # type: ignore[union-attr]
                r = self.picked(r, k, self.index_text(p, r.sizes[k]))
                advanced.append(n)
            elif isinstance(kind(p), Array) and kind(p).dtype in ("i8", "i4"):  # type: ignore[union-attr]
                gather[k] = self.still(p)
                advanced.append(n)
                k += 1
            elif isinstance(kind(p), Array) and kind(p).dtype == "b1":  # type: ignore[union-attr]
                alone = all(isinstance(q, Slice) or is_none(q) for q in parts if q is not p)
                for places in self.where_true(p, r.sizes[k:], dims[k] if alone and dims else None):
                    gather[k] = places
                    k += 1
                advanced.append(n)
            elif isinstance(p, Struct) and p.type is list and p.items and all(map(is_whole, p.items)):
                gather[k] = self.listed(p)
                advanced.append(n)
                k += 1
            else:
                raise self.no("an index that is no number, slice or array")
        if not gather:
            return self.with_dims(r, dims) if dims is not None and len(dims) == len(r.sizes) else r
        together = all(b == a + 1 for a, b in pairwise(advanced))
        return self.gathered(r, gather, min(gather) if together else 0)

    def listed(self, p: Struct) -> View:
        """Places that are written as a list, in memory."""
        self.flush()
        n = Size("", len(p.items), len(p.items))
        store = Store(self.fresh("places"), "i8", (n,))
        self.allocate(store)
        for k, a in enumerate(p.items):
            self.line(f"{store.name}[{k}] = {bare(self.scalar(a, 'i8'))}")
        return whole(store)

    def still(self, p: Atom) -> Elements:
        """Places that stay what they are until they are read."""
        places = self.elements(p)
        if not isinstance(places, (View, Lazy)):
            places = self.view(p)
        if isinstance(places, View) and isinstance(p, Val) and self.is_written(p):
            places = self.materialised(places, p.name)
        return places

    def gathered(self, r: View, places: dict[int, Elements], at: int) -> Gather:
        """Elements at places whose arrays are broadcast."""
        rank = max(len(p.sizes) for p in places.values())
        sizes: list[Size] = []
        for m in range(rank):
            own = [p.sizes[m - rank] for p in places.values() if len(p.sizes) >= rank - m]
            big = [s for s in own if not s.is_one]
            first = big[0] if big else own[0]
            for s in big[1:]:
                if not same_size(first, s):
                    if not (first.never_one and s.never_one):
                        raise self.no("arrays of places that may be broadcast")
                    self.check("agree", s, first)
            sizes.append(first)
        rest = [s for k, s in enumerate(r.sizes) if k not in places]
        return Gather(r, places, at, rank, (*rest[:at], *sizes, *rest[at:]))

    def where_true(self, p: Atom, sizes: tuple[Size, ...], count: Dim | None) -> list[Elements]:
        """The places at which a mask is true, axis by axis; ``count``: how many, where that has a symbol."""
        mask = self.view(p)
        self.flush()
        for own, n in zip(mask.sizes, sizes, strict=False):
            if not same_size(own, n):
                self.check("agree", own, n)
        if len(mask.sizes) > len(sizes):
            raise self.no("a mask with more axes than what is taken from")
        if not (mask.whole and mask.store.kept is None):
            mask = self.whole_copy(mask, "mask")
        name = self.fresh("places")
        self.line(f"{name} = {self.helper('found')}({mask.store.name})")
        size = Size(f"{name}.shape[0]", 0, count)
        if len(mask.sizes) == 1:
            return [whole(Store(name, "i8", (size,)))]
        out: list[Elements] = []
        for k, n in enumerate(mask.sizes):
            stride = " * ".join(f"({s})" for s in mask.sizes[k + 1 :]) or "1"
            out.append(Lazy("i8", (size,), lambda ix, n=n, by=stride: f"(({name}[{ix[0]}] // ({by})) % {n})"))  # type: ignore[misc]
        return out

    def index_text(self, p: Atom, n: Size) -> str:
        """An index inside its axis: from the start, and checked if that is needed."""
        if isinstance(p, Const):
            if p.value >= 0:
                if isinstance(n.dim, int) and p.value < n.dim:
                    return str(p.value)
                self.check("place", Size("", p.value), n)
                return str(p.value)
            if isinstance(n.dim, int) and -p.value <= n.dim:
                return str(n.dim + p.value)
            self.check("place", Size("", p.value), n)
            return str(n.plus(p.value))
        text = self.scalar(p)
        if self.bounds.inside(p, n.dim):
            return text
        key = (p, str(n))
        if key not in self.checked:
            name = self.fresh("at")
            self.early(f"{name} = {self.helper('place')}({bare(text)}, {n})")
            self.checked[key] = name
        return self.checked[key]

    def new_axis(self, r: View, k: int) -> View:
        axes = tuple((j + 1 if j is not None and j >= k else j, start, step) for j, start, step in r.axes)
        return View(r.store, axes, (*r.sizes[:k], Size("", 1, 1), *r.sizes[k:]))
