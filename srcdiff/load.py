"""Emitted text as a real file: compiled, importable by name, seen by tracebacks and pdb."""

from __future__ import annotations

import hashlib
import linecache
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "load"]

_lock = threading.Lock()
_written: set[str] = set()


def cache_folder() -> Path:
    """Where emitted files go: ``$SRCDIFF_CACHE``, or a folder of this user in the system's cache."""
    given = os.environ.get("SRCDIFF_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "srcdiff"


def load(source: str, name: str, objects: dict[str, Any]) -> Callable[..., Any]:
    """Compile ``source``; return its function ``name``; ``objects``: its free names no import reaches."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    file = cache_folder() / f"{name}_{digest}.py"
    path = str(file)
    with _lock:
        if path not in _written:
            path = _write(file, source)
            _written.add(path)
    namespace: dict[str, Any] = {"__name__": f"srcdiff_cache.{file.stem}", "__file__": path, **objects}
    exec(compile(source, path, "exec"), namespace)
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    return namespace[name]  # type: ignore[no-any-return]


def _write(file: Path, source: str) -> str:
    """Write the file once; where that is not possible, linecache alone keeps the text."""
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as f:
                f.write(source)
            os.replace(temporary, file)
    except OSError:
        return f"<srcdiff {file.stem}>"
    return str(file)
