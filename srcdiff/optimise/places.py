"""Where operations are and values are made and read, and which of these come after which."""

from __future__ import annotations

from srcdiff.ir.graph import (
    LoopView,
    Op,
    Region,
    Val,
    vals,
)

__all__ = ["Places", "Way"]

Way = tuple[tuple[Region, int], ...]  # where in which regions, from the outermost on


class Places:
    """Places, on any way round the loops."""

    path: dict[Op, Way]
    region_path: dict[Region, Way]
    region_op: dict[Region, Op]
    home: dict[Val, Region]
    uses: dict[Val, list[tuple[Way, str]]]
    defined: dict[Val, Way]
    shapes: dict[Op, set[Val]]  # what an operation asks for its shape alone

    def locate(self, region: Region, prefix: Way) -> None:
        self.region_path[region] = prefix
        for p in region.params:
            self.home[p] = region
            self.defined[p] = (*prefix, (region, -1))
        for n, op in enumerate(region.ops):
            here = (*prefix, (region, n))
            self.path[op] = here
            for o in op.outs:
                self.home[o] = region
                self.defined[o] = here
            how = "use"
            if op.is_loop:
                view = LoopView(op)
                for v in vals([*view.header, *view.inits]):
                    self.uses[v].append((here, "start"))
                for v in vals(view.sources):
                    self.uses[v].append((here, "source"))
            else:
                shapes = self.shapes.get(op, ())
                for v in vals(op.ins):
                    if v not in shapes:
                        self.uses[v].append((here, how))
            for r in op.regions:
                self.region_op[r] = op
                self.locate(r, here)
        end = (*prefix, (region, len(region.ops)))
        for v in vals(region.results):
            self.uses[v].append((end, "result"))

    def after(self, use: Way, how: str, at: Way, w: Val) -> bool:
        """Whether a use of ``w`` may come after the point ``at``."""
        for n in range(max(len(use), len(at))):
            if n >= len(at):
                return True  # inside the operation that updates
            if n >= len(use):
                return how == "source" or self.wraps(at[:n], w)
            (ru, iu), (ra, ia) = use[n], at[n]
            if ru is not ra:
                op = self.region_op[ru]
                if op.code == "while":
                    return True
                return self.wraps(at[:n], w)
            if iu > ia:
                return True
            if iu < ia:
                return self.wraps(at[: n + 1], w)
        return how == "source"

    def wraps(self, common: Way, w: Val) -> bool:
        """Whether a loop around both points runs again over a ``w`` from outside it."""
        home = self.home[w]
        for region, _ in common:
            if region is home:
                continue
            op = self.region_op.get(region)
            if op is not None and op.is_loop and not self.within(home, region):
                return True
        return False

    def within(self, home: Region, region: Region) -> bool:
        """Whether ``home`` is ``region`` or inside it."""
        if home is region:
            return True
        return any(r is region for r, _ in self.region_path[home])

    def before(self, w: Val, at: Way) -> bool:
        """Whether ``w`` is made before the point ``at``."""
        d = self.defined[w]
        for (rd, i), (ra, j) in zip(d, at, strict=False):
            if rd is not ra:
                return False
            if i != j:
                return i < j
        return False  # made by the operation that holds the point
