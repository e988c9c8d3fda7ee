"""A clock on the statements of a text: where the time of a call goes."""

from __future__ import annotations

import ast
import functools
import itertools
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Clocked", "DeviceClocked"]

# what stands behind each statement: the time since the last such place is that of its line
MARK = "_tick_spent[{0}] += _tick() - _tick_last[0]; _tick_count[{0}] += 1; _tick_last[0] = _tick()"
ON_DEVICE = "_tick_mark({0})"
SILENT = (
    ast.FunctionDef, ast.ClassDef, ast.Break, ast.Continue, ast.Raise, ast.Pass, ast.Import, ast.ImportFrom,
    ast.Global, ast.Nonlocal,
)  # fmt: skip


class Clocked:
    """A function of a module's text with a clock behind each statement.

    Functions of the text with decorators (kernels) stay what they are: the line that calls one has its time.

    Attributes:
        spent: nanoseconds by line of the text, in all calls so far, the clock's own time subtracted.
    """

    text, ahead = MARK, ""

    def __init__(self, fn: Callable[..., Any], source: str) -> None:
        tree = ast.parse(source)
        own = [s for s in tree.body if isinstance(s, ast.FunctionDef) and not s.decorator_list]
        for f in own:
            f.body = marked(f.body, self.text, self.ahead)
        module = ast.fix_missing_locations(ast.Module(list[ast.stmt](own), []))
        lines = source.count("\n") + 2
        self._spent, self._count, self._last = [0.0] * lines, [0] * lines, [0]
        namespace = {**fn.__globals__, **self._words()}
        exec(compile(module, fn.__code__.co_filename, "exec"), namespace)
        self._fn: Callable[..., Any] = namespace[fn.__name__]

    def _words(self) -> dict[str, Any]:
        return {
            "_tick": time.perf_counter_ns, "_tick_spent": self._spent, "_tick_count": self._count,
            "_tick_last": self._last,
        }  # fmt: skip

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._last[0] = time.perf_counter_ns()
        return self._fn(*args, **kwargs)

    def clear(self) -> None:
        """Forget the calls so far."""
        self._spent[:] = [0.0] * len(self._count)
        self._count[:] = [0] * len(self._count)

    @property
    def spent(self) -> dict[int, float]:
        own = cost_of_mark()
        pairs = enumerate(zip(self._spent, self._count, strict=True))
        return {n: max(0.0, t - own * k) for n, (t, k) in pairs if k}

    @property
    def counts(self) -> dict[int, int]:
        """How often the clock was read on each line."""
        return {n: k for n, k in enumerate(self._count) if k}


class DeviceClocked(Clocked):
    """The same on a device: a mark is an event on the current stream, and nothing is waited for in between.

    Each statement is a range of NVTX's as well, so that NVIDIA's profilers show what is launched in it.

    Attributes:
        new: bytes of the device's memory that were asked for, by line of the text.
    """

    text, ahead = ON_DEVICE, "_tick_ahead({0})"

    def __init__(
        self, fn: Callable[..., Any], source: str, cuda: Any, label: Callable[[int], str] = str
    ) -> None:
        self._cuda, self._label = cuda, label
        self._nvtx = getattr(cuda, "nvtx", None)
        self._open = False  # whether there is a range
        self._events: list[tuple[int, Any]] = []
        self._used = 0  # of the events that there are

        class Hook(cuda.MemoryHook):  # type: ignore[misc]
            name = "srcdiff"
            asked = 0

            def malloc_postprocess(self, **about: Any) -> None:
                self.asked += about["size"]

        self._hook = Hook()
        self._new: dict[int, int] = {}
        super().__init__(fn, source)

    def _words(self) -> dict[str, Any]:
        return {"_tick_mark": self._mark, "_tick_ahead": self._begin}

    def _begin(self, line: int) -> None:
        """A statement begins, which ends the one before."""
        self._end()
        if self._nvtx is not None:
            self._nvtx.RangePush(self._label(line))
            self._open = True

    def _end(self) -> None:
        if self._open and self._nvtx is not None:
            self._nvtx.RangePop()
            self._open = False

    def _mark(self, line: int) -> None:
        if self._used == len(self._events):
            self._events.append((line, self._cuda.Event()))
        event = self._events[self._used][1]
        event.record()
        self._events[self._used] = line, event
        self._used += 1
        self._count[line] += 1
        if self._hook.asked:
            self._new[line] = self._new.get(line, 0) + self._hook.asked
            self._hook.asked = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._used = self._hook.asked = 0
        with self._hook:
            self._mark(0)
            try:
                result = self._fn(*args, **kwargs)
            finally:
                self._end()
        events = self._events[: self._used]
        events[-1][1].synchronize()
        for (_, before), (line, event) in itertools.pairwise(events):
            self._spent[line] += 1e6 * self._cuda.get_elapsed_time(before, event)
        return result

    def clear(self) -> None:
        super().clear()
        self._new.clear()

    @property
    def spent(self) -> dict[int, float]:
        return {n: float(self._spent[n]) for n, k in enumerate(self._count) if k and n}

    @property
    def new(self) -> dict[int, int]:
        return dict(self._new)


def marked(body: list[ast.stmt], text: str = MARK, ahead: str = "") -> list[ast.stmt]:
    """Statements, each with a mark behind it; a compound one has one wherever its first line is left.

    ``ahead``: a mark before each as well.
    """

    def mark(line: int) -> list[ast.stmt]:
        return ast.parse(text.format(line)).body

    def begin(line: int) -> list[ast.stmt]:
        return ast.parse(ahead.format(line)).body

    return with_marks(body, mark, begin)


def with_marks(
    body: list[ast.stmt], mark: Callable[[int], list[ast.stmt]], begin: Callable[[int], list[ast.stmt]]
) -> list[ast.stmt]:
    def marked(inner: list[ast.stmt]) -> list[ast.stmt]:
        return with_marks(inner, mark, begin)

    out: list[ast.stmt] = []
    for s in body:
        here = s.lineno
        if isinstance(s, SILENT) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)):
            out.append(s)
            continue
        out += [*begin(here), s]
        if isinstance(s, ast.Return):
            if s.value is not None:
                keep: ast.stmt = ast.Assign([ast.Name("_tick_result", ast.Store())], s.value, lineno=here)
                s.value = ast.copy_location(ast.Name("_tick_result", ast.Load()), s)
                out[-1:] = [ast.copy_location(keep, s), *mark(here), s]
        elif isinstance(s, (ast.If, ast.For, ast.While)):
            s.body = [*mark(here), *marked(s.body)]
            s.orelse = [*mark(here), *marked(s.orelse)]
        elif isinstance(s, ast.With):
            s.body = [*mark(here), *marked(s.body)]
            out += mark(here)
        elif isinstance(s, ast.Try):
            s.body, s.orelse, s.finalbody = map(marked, (s.body, s.orelse, s.finalbody))
            for h in s.handlers:
                h.body = [*mark(here), *marked(h.body)]
        else:
            out += mark(here)
    return out


@functools.lru_cache(maxsize=1)
def cost_of_mark() -> float:
    """Nanoseconds that a mark adds to the time of its line: the least that is seen between two."""
    body = "\n".join("        " + MARK.format(n) for n in range(1, 21))
    words: dict[str, Any] = {"_tick": time.perf_counter_ns, "_tick_last": [0], "_tick_count": [0] * 21}
    least = float("inf")
    for _ in range(25):
        words["_tick_spent"] = [0] * 21
        exec(f"def empty():\n    for _ in range(100):\n{body}", words)
        words["empty"]()
        least = min(least, sum(words["_tick_spent"][2:]) / 1900)
    return least
