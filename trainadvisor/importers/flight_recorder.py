"""Dumps of PyTorch's flight recorder: which rank waits in which collective operation, and which one never came.

A dump is a pickle or JSON. Of a pickle only builtin containers are made: one that names a class or calls anything, or
whose numbers would take memory that its size does not explain, is refused before it is loaded.
"""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from trainadvisor.regular import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

NAME = re.compile(
    r"(?:trace|dump|flight|nccl|gloo|fr)[a-z_-]*?(?:rank[_-]?)?(\d+)(?:\.json|\.pkl|\.pickle)?$", re.IGNORECASE
)
LARGEST, MOST_FILES, MOST_RANKS = 64 << 20, 4096, 1024
# What a pickle of builtin containers is made of.
PLAIN = {
    "PROTO", "FRAME", "MARK", "STOP", "NONE", "NEWTRUE", "NEWFALSE", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "DICT",
    "LIST", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "SETITEM", "SETITEMS", "APPEND", "APPENDS", "INT", "BININT",
    "BININT1", "BININT2", "LONG1", "FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET",
}  # fmt: skip
FOREIGN = ("site-packages", "dist-packages", "/lib/python3", "<")
TYPE = "CollectiveStalled"


@dataclass(frozen=True)
class Call:
    """A collective operation as one rank made it."""

    group: str
    number: int
    op: str
    state: str
    retired: bool
    form: str
    site: dict[str, Any] | None

    def is_pending(self, last: int) -> bool:
        """Return whether it is waited for, where the rank that is furthest behind has made calls up to `last`.

        gloo also retires an operation that failed, and knows no completed ones.
        """
        return self.state != "completed" and (not self.retired or self.number > last)


class _Plain(pickle.Unpickler):
    """Makes builtin containers only."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Refuse every class and function."""
        message = f"a dump does not name {module_name}.{global_name}"
        raise pickle.UnpicklingError(message)


def loaded(content: bytes) -> dict[str, Any] | None:
    """Return a dump, None where it is none or holds more than builtin containers."""
    try:
        told = orjson.loads(content) if content[:1] == b"{" else _unpickled(content)
    except (ValueError, pickle.UnpicklingError, EOFError, IndexError, KeyError, TypeError, AttributeError, MemoryError):
        return None
    return told if isinstance(told, dict) and isinstance(told.get("entries"), list) and "pg_config" in told else None


def _unpickled(content: bytes) -> Any:
    for operation, argument, _ in pickletools.genops(content):
        far = operation.name == "LONG_BINPUT" and isinstance(argument, int) and argument > len(content)
        if operation.name not in PLAIN or far:
            message = f"a dump holds no {operation.name}"
            raise pickle.UnpicklingError(message)
    return _Plain(io.BytesIO(content)).load()


def dumps_in(folder: Path, since: float = 0.0) -> dict[int, dict[str, Any]]:
    """Return the dumps that lie directly in a folder, by rank: those written since a moment of the system's clock."""
    try:
        with os.scandir(folder) as inside:
            dumps = (entry for entry in islice(inside, MOST_FILES) if NAME.search(entry.name) and entry.is_file())
            names = [entry.name for entry in dumps if entry.stat().st_mtime >= since]
    except OSError:
        return {}
    found = {int(match[1]): folder / name for name in sorted(names) if (match := NAME.search(name))}
    read = {rank: dump for rank, path in islice(sorted(found.items()), MOST_RANKS) if (dump := _read(path)) is not None}
    return dict(sorted(read.items()))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with opened(path) as file:
            content = file.read(LARGEST + 1)
    except OSError:
        return None
    return loaded(content) if len(content) <= LARGEST else None


def stalled(folder: Path, since: float = 0.0) -> dict[str, Any] | None:
    """Return what the dumps of a folder tell of a collective that is waited for, as the recorder describes an error."""
    dumps = dumps_in(folder, since)
    ranks = {rank: list(_calls(dump)) for rank, dump in dumps.items()}
    groups = {call.group for calls in ranks.values() for call in calls}
    members = {group: _members(dumps.values(), group) for group in groups}
    found = [item for group in sorted(groups) if (item := _of_group(group, ranks, members[group])) is not None]
    return min(found, key=lambda item: item[0])[1] if found else None


def _calls(dump: dict[str, Any]) -> Iterator[Call]:
    for entry in dump["entries"]:
        if not isinstance(entry, dict) or entry.get("is_p2p"):
            continue
        group, number = entry.get("process_group"), entry.get("collective_seq_id")
        if not isinstance(group, list | tuple) or not group or not isinstance(number, int):
            continue
        op = re.sub(r"\W", "", str(entry.get("profiling_name")).rpartition(":")[2])[:40] or "collective"
        state, retired = str(entry.get("state")), bool(entry.get("retired"))
        form = str(entry.get("input_sizes"))[:200] if op in ("all_reduce", "broadcast", "reduce") else ""
        yield Call(str(group[0])[:40], number, op, state, retired, form, _site(entry.get("frames")))


def _site(frames: Any) -> dict[str, Any] | None:
    """Return the innermost line of the user's own."""
    for frame in frames if isinstance(frames, list) else ():
        file, line = (frame.get("filename"), frame.get("line")) if isinstance(frame, dict) else (None, None)
        if isinstance(file, str) and isinstance(line, int) and not any(part in file for part in FOREIGN):
            return {"file": file[:1000], "line": line, "code": None}
    return None


def _members(dumps: Iterable[dict[str, Any]], group: str) -> set[int]:
    """Return the ranks that a group has, as the dumps say; a single group may go without its name."""
    for dump in dumps:
        config = dump["pg_config"]
        if isinstance(config, dict) and config:
            about = config.get(group) or (next(iter(config.values())) if len(config) == 1 else None)
            ranks = re.findall(r"\d+", str((about or {}).get("ranks")))[:MOST_RANKS] if isinstance(about, dict) else []
            if ranks:
                return set(map(int, ranks))
    return set()


def _of_group(group: str, ranks: dict[int, list[Call]], members: set[int]) -> tuple[int, dict[str, Any]] | None:
    """Return what holds a group up, with its place among the groups, None where nothing is waited for."""
    made = {rank: {call.number: call for call in calls if call.group == group} for rank, calls in ranks.items()}
    last = min(max(calls, default=0) for calls in made.values())
    numbers = [call.number for calls in made.values() for call in calls.values() if call.is_pending(last)]
    if not numbers:
        return None
    number = min(numbers)
    inside = {rank: calls[number] for rank, calls in made.items() if number in calls}
    # a dump keeps the last calls only: one that is further on has made this one too
    behind = {rank: max(made[rank], default=0) for rank in made if max(made[rank], default=0) < number}
    absent = members - set(ranks)
    first = next(call for call in inside.values() if call.is_pending(last))
    told = f"{_ranks(inside)} in {first.op} {number} of group {group}"
    calls = {(call.op, call.form) for call in inside.values()}
    if behind:
        latest = made[min(behind)].get(behind[min(behind)])
        place = f", last in {latest.op} {latest.number}{_at(latest)}" if latest is not None else ""
        return 0, _described(f"{told}; never came: {_ranks(behind)}{place}", first)
    if len(calls) > 1:
        other = next(rank for rank, call in inside.items() if (call.op, call.form) != (first.op, first.form))
        call = inside[other]
        return 1, _described(
            f"{told}; rank {other} makes another call: {call.op} {call.form}{_at(call)}".rstrip(), first
        )
    if absent:
        return 2, _described(f"{told}; left no dump: {_ranks(absent)}", first)
    return 3, _described(f"{told}; every rank is there", first)


def _ranks(ranks: Iterable[int]) -> str:
    known = sorted(ranks)
    more = f" and {len(known) - 8} more" if len(known) > 8 else ""  # noqa: PLR2004 - as many as a sentence holds
    return f"rank{'s' if len(known) > 1 else ''} {', '.join(map(str, known[:8]))}{more}"


def _at(call: Call) -> str:
    return f" ({call.site['file'].rpartition('/')[2]}:{call.site['line']})" if call.site else ""


def _described(message: str, call: Call) -> dict[str, Any]:
    return {"type": TYPE, "message": message, **({"site": call.site} if call.site else {})}
