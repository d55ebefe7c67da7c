"""Redirects Python's imports into the copy of a folder, also for packages installed in place from it."""

import os
import sys
from collections.abc import Sequence
from typing import Any


def lead_into_copies(pairs: Sequence[Sequence[str]]) -> None:
    """Map the import paths, including those of packages installed in place, from folders to their copies."""
    sys.path[:] = [moved(path, pairs) for path in sys.path]
    for finder in sys.meta_path:
        # setuptools' finder for a package installed in place keeps the package paths in its module
        table: Any = getattr(sys.modules.get(getattr(finder, "__module__", "")), "MAPPING", None)
        if isinstance(table, dict):
            table.update({name: moved(path, pairs) for name, path in table.items() if isinstance(path, str)})


def moved(path: str, pairs: Sequence[Sequence[str]]) -> str:
    """Return the path in the copy of the first folder that contains it; the longest folders come first."""
    for folder, copy in pairs:
        if path == folder or path.startswith(folder + os.sep):
            return copy + path.removeprefix(folder)
    return path
