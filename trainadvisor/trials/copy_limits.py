"""Limits on the size of a scratch copy, checked before anything runs; a refusal names the alternatives."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from typing import TYPE_CHECKING

from trainadvisor.errors import UsageError
from trainadvisor.trials import survey as surveys

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.trials.survey import Entry, Survey

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
# Share of the free space that the copies of all parallel runs may fill.
SHARE_OF_FREE = 0.8
MOST_NAMED = 4


def size(text: str) -> int:
    """Read a size such as 500MB or 2g."""
    match = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,3})?)\s*([kmgt]?)i?b?\s*", text.lower())
    value = int(float(match.group(1)) * UNITS[match.group(2)]) if match else 0
    if value <= 0:
        message = f"--copy-limit {text}: not a size; write 500MB or 2GB"
        raise UsageError(message)
    return value


def told(count: int) -> str:
    """Return a size in readable form."""
    for unit, power in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= power:
            return f"{count / power:.1f} {unit}"
    return f"{count} bytes"


def check(survey: Survey, root: Path, runs: int = 1) -> None:
    """Refuse missing entries to share, and folders that are too large to copy for every run."""
    for name in survey.choice.links:
        if not os.path.lexists(survey.working / name):
            message = f"--link {name}: there is no such entry in {survey.working}; name it as it stands in this folder"
            raise UsageError(message)
    total = sum(entry.bytes for entry in survey.entries.values())
    free = int(shutil.disk_usage(root).free * SHARE_OF_FREE) // runs
    limit = min(survey.choice.most_bytes, free)
    if named := _too_large(survey, limit):
        raise UsageError(_refusal(survey, named, total, free, root))


def _too_large(survey: Survey, limit: int) -> list[Entry]:
    """Return the largest entries, without which the rest fits; none when everything fits."""
    entries = sorted(survey.entries.values(), key=lambda entry: (not entry.more, -entry.bytes, -entry.files))
    rest, files = sum(entry.bytes for entry in entries), sum(entry.files for entry in entries)
    named: list[Entry] = []
    for entry in entries:
        if rest <= limit and files <= surveys.MOST_FILES:
            break
        named.append(entry)
        rest, files = rest - entry.bytes, files - entry.files
    return named


def _refusal(survey: Survey, named: list[Entry], total: int, free: int, root: Path) -> str:
    """Return the message that says what is too large and what can be done."""
    shown = ", ".join(f"{entry.name} ({_extent(entry)})" for entry in named[:MOST_NAMED])
    links = " ".join(f"--link {shlex.quote(entry.name)}" for entry in named[:MOST_NAMED] if entry.name != surveys.HERE)
    count, most = sum(entry.files for entry in survey.entries.values()), surveys.MOST_FILES
    ways = [f"{links} (what the script writes there changes the original)"] if links else []
    if free > survey.choice.most_bytes and count <= most:
        ways.append(f"--copy-limit SIZE ({told(free)} free in {root})")
    return (
        f"{survey.working}: too large to copy for every run, {told(total)} in {count:,} files against at most "
        f"{told(min(survey.choice.most_bytes, free))} in {most:,}; the largest: {shown}. Nothing was run; choose "
        f"{', '.join([*ways, '--in-place'])}"
    )


def _extent(entry: Entry) -> str:
    """Return the size of an entry, as far as it was scanned."""
    many = entry.files > surveys.MOST_FILES // 10
    parts = [told(entry.bytes)] * (entry.bytes > 0 or not many) + [f"{entry.files:,} files"] * many
    return ("more than " if entry.more and entry.files > 1 else "") + ", ".join(parts)
