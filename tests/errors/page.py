"""docs/errors.md: written from the entries; ``python tests/errors/page.py`` writes it anew."""

from __future__ import annotations

import ast
import linecache
import sys
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))

from errors.entries import ENTRIES, PRELUDE, Entry  # noqa: E402
from srcdiff.errors import SrcdiffError  # noqa: E402

PAGE = ROOT / "docs" / "errors.md"
FILE = "example.py"
INTRODUCTION = f"""# Errors

Each error of srcdiff says what cannot be done, where (your file, line and columns), why, and what to write
instead. It begins with a word in brackets, the entry on this page. All problems of a function are reported at
once; `srcdiff.check_source(f)` and `python -m srcdiff check module.py:f` list them statement by statement.

All errors are `SrcdiffError`, and also what Python's own error would be: `UnsupportedSyntax` is a `SyntaxError`,
`NoRule` a `NotImplementedError`, `SourceNotFound` an `OSError`, `DerivativeTypeError` a `TypeError`,
`DerivativeValueError` a `ValueError`. An error with the word `internal` is a bug of srcdiff's: please report it.

An error of the program's own (shapes that do not fit, a division by zero) is raised as the program would raise
it. The traceback shows the line of the emitted source, and a note names the line of yours that it comes from.

This page is written by `python tests/errors/page.py`; tests run every example and every rewrite. They begin with

```python
{PRELUDE.strip()}
```
"""


def run(text: str, file: str = FILE) -> tuple[dict[str, Any], Any]:
    """Run a small program; its variables, and the value of its last expression."""
    text = text.strip() + "\n"
    space: dict[str, Any] = {"__name__": "example"}
    exec(PRELUDE, space)
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    tree = ast.parse(text)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, file, "exec", dont_inherit=True), space)
    value = None
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), file, "eval", dont_inherit=True), space)
    return space, value


def message(entry: Entry) -> str:
    """The error that an example raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            run(entry.example)
        except SrcdiffError as e:
            return f"{type(e).__name__}: {e}"
    raise AssertionError(f"the example of {entry.slug!r} raises nothing")


def section(entry: Entry) -> str:
    return f"""## {entry.slug}

{entry.means}

```python
{entry.example.strip()}
```

```text
{message(entry)}
```

Instead:

```python
{entry.rewrite.strip()}
```
"""


def page() -> str:
    """The text of the page."""
    ordered = sorted(ENTRIES, key=lambda e: e.slug)
    return "\n".join([INTRODUCTION, *(section(e) for e in ordered)])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
