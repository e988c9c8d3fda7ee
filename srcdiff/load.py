"""Emitted text as a real file: compiled, importable by name, seen by tracebacks and pdb."""

from __future__ import annotations

import functools
import hashlib
import linecache
import os
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "explain", "explained", "load", "statement_of"]

_lock = threading.Lock()
_written: set[str] = set()
MOST_ORIGINS = 1024  # texts whose errors are led back to the user's statements
_origins: dict[str, Callable[[int], Any]] = {}  # by file: a line of the text -> the user's statement


def cache_folder() -> Path:
    """Where emitted files go: ``$SRCDIFF_CACHE``, or a folder of this user in the system's cache."""
    given = os.environ.get("SRCDIFF_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "srcdiff"


@functools.cache
def _helpers() -> str:
    """The text of what kernels call: on disk they are kept with the machine code of it."""
    home = Path(__file__).with_name("compiled")
    files = (home / f"{name}.py" for name in ("runtime", "vmath", "vectors"))
    return "".join(f.read_text(encoding="utf-8") for f in files)


def load(
    source: str,
    name: str,
    objects: dict[str, Any],
    origin: Callable[[int], Any] | None = None,
    importable: bool = False,
) -> Callable[..., Any]:
    """Compile ``source``; return its function ``name``; ``objects``: its free names no import reaches.

    ``origin`` tells the user's statement that a line of the text comes from.  ``importable``: the module
    can be found under its name, as numba asks of functions that it keeps on disk.
    """
    digest = hashlib.sha256((source + (_helpers() if importable else "")).encode()).hexdigest()[:16]
    file = cache_folder() / f"{name}_{digest}.py"
    path = str(file)
    with _lock:
        if path not in _written:
            path = _write(file, source)
            _written.add(path)
    module = types.ModuleType(f"srcdiff_cache.{file.stem}")
    if importable:
        sys.modules[module.__name__] = module
    namespace: dict[str, Any] = module.__dict__
    namespace.update({"__name__": module.__name__, "__file__": path, **objects})
    exec(compile(source, path, "exec"), namespace)
    if origin is not None:
        _origins[path] = origin
        while len(_origins) > MOST_ORIGINS:
            del _origins[next(iter(_origins))]
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    return namespace[name]  # type: ignore[no-any-return]


def statement_of(e: BaseException) -> Any:
    """The user's statement that an error in emitted text comes from, as its text tells; None if none does."""
    tb, last = e.__traceback__, None
    while tb is not None:
        find = _origins.get(tb.tb_frame.f_code.co_filename)
        last = (find(tb.tb_lineno) if find is not None else None) or last
        tb = tb.tb_next
    return last


def explain(e: BaseException) -> None:
    """Tell, in a note, which statements of the user's an error in emitted text comes from (Python 3.11)."""
    found = statement_of(e)
    if found is None:
        return
    what = "in the derivative of" if found.adjoint else "in"
    note = f"srcdiff: {what} {found.file}:{found.line}\n    {found.text}"
    if hasattr(e, "add_note") and note not in getattr(e, "__notes__", ()):
        e.add_note(note)


class explained:
    """Notes on errors in emitted text that is called inside."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, e: BaseException | None, tb: Any) -> None:
        if e is not None:
            explain(e)


def _private(path: str, flags: int) -> int:
    """Open a file that is the user's alone."""
    return os.open(path, flags, 0o600)


def _write(file: Path, source: str) -> str:
    """Write the file once; where that is not possible, linecache alone keeps the text."""
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary = f"{file}.{os.urandom(6).hex()}.tmp"
            with open(temporary, "x", encoding="utf-8", opener=_private) as f:
                f.write(source)
            os.replace(temporary, file)
    except OSError:
        return f"<srcdiff {file.stem}>"
    return str(file)
