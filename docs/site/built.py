"""What a built site must not do: load anything from another host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stage import DocsError

if TYPE_CHECKING:
    from pathlib import Path

LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["'](?:https?:)?//|<link\b(?![^>]*\brel=["'](?:canonical|index|search|next|prev)\b)[^>]*"""
    r"""\bhref=["'](?:https?:)?//|@import\s+(?:url\()?["']?(?:https?:)?//|url\(["']?(?:https?:)?//"""
)


def foreign(folder: Path) -> None:
    """Raise DocsError where a page or a sheet of styles loads something from elsewhere."""
    files = [path for ending in ("html", "css") for path in sorted(folder.rglob(f"*.{ending}"))]
    if not files:
        raise DocsError("nothing was built")
    found = [path.name for path in files if LOADED.search(path.read_text(encoding="utf-8"))]
    if found:
        message = f"pages load something from other hosts: {', '.join(found[:5])}"
        raise DocsError(message)
