"""Puts the tests' own folder on the path: `corpus` and `numeric` import however pytest is started."""

import sys
from pathlib import Path

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)
