"""Tables in RESULTS.md, each between two marks by which the next run replaces it."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[1] / "RESULTS.md"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def write(mark: str, title: str, text: str) -> None:
    """Replace the section with the same mark, or append it."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    section = f"{begin}\n## {title}\n\n{text.strip()}\n{end}\n"
    whole = RESULTS.read_text(encoding="utf-8")
    before, found, rest = whole.partition(begin)
    whole = before + section + rest.partition(f"{end}\n")[2] if found else whole.rstrip("\n") + "\n\n" + section
    RESULTS.write_text(whole, encoding="utf-8")


def machine(device: str = "cpu") -> str:
    """Return where and when something was measured."""
    import torch

    name = torch.cuda.get_device_name(0) if device == "cuda" else _processor()
    load = f", load average {os.getloadavg()[0]:.1f} of other work" if device == "cpu" else ""
    return f"{datetime.now(UTC):%Y-%m-%d}, {name}, {os.cpu_count()} cores{load}, torch {torch.__version__}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "CPU")


def commit() -> str:
    """Return the commit that was measured, with a mark if files have been changed since."""
    here = RESULTS.parent
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607
        cwd=here, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return found.stdout.strip() or "unknown"
