"""Sweeps whose trials are folders: those of Ray Tune with their params.json, and those of W&B."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from trainadvisor.fleet.entry import LONGEST, MOST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.fleet.entry import Entry

PARAMETERS = "params.json"
# What Ray Tune writes of a trial, the fullest first.
TOLD = ("result.json", "progress.csv")
LARGEST = 1 << 20
RUN = re.compile(r"(?:offline-)?run-[^/]*-(\w+)/run-\w+\.wandb$")
SWEEP = re.compile(r"/sweep-(\w+)/config-(\w+)\.yaml$")


def tune_trials(names: Iterable[str]) -> dict[str, str]:
    """Return for each folder of a trial of Ray Tune the file that tells most of it."""
    folders: dict[str, set[str]] = defaultdict(set)
    for name in names:
        folder, _, plain = name.rpartition("/")
        if plain in (PARAMETERS, *TOLD):
            folders[folder].add(plain)
    return {
        folder: next(f"{folder}/{plain}" for plain in TOLD if plain in found)
        for folder, found in folders.items()
        if PARAMETERS in found and len(found) > 1
    }


def wandb_sweeps(names: Iterable[str]) -> dict[str, str]:
    """Return the sweep of each run of W&B by the run's name."""
    return {found[2]: found[1] for name in names if (found := SWEEP.search(name))}


def group_of(log: str, sweeps: dict[str, str], tune: dict[str, str]) -> str:
    """Return what the runs of one sweep have in common: the name of the experiment, of the sweep, or their folder."""
    path = PurePosixPath(log)
    if path.parent.as_posix() in tune:
        return path.parent.parent.name
    if run := RUN.search(log):
        known = sweeps.get(run[1])
        return f"W&B sweep {known}" if known else "/".join(path.parent.parent.parts[-2:])
    return ""


def parameters(content: bytes) -> dict[str, Any]:
    """Return the parameters of a params.json, nested ones as "model/width"; none where it is no such file."""
    try:
        told = json.loads(content[: LARGEST + 1])
    except (ValueError, RecursionError):
        return {}
    return dict(list(_flat(told, ""))[:MOST]) if isinstance(told, dict) else {}


def _flat(told: dict[str, Any], before: str) -> Iterable[tuple[str, Any]]:
    for name, value in told.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}/")
        elif isinstance(value, int | float | str):
            yield f"{before}{name}"[:LONGEST], value if not isinstance(value, str) else value[:LONGEST]


def adopted(entry: Entry, group: str, settings: dict[str, Any]) -> Entry:
    """Return an entry as one of a sweep's, with the sweep's own parameters first."""
    if not group and not settings:
        return entry
    merged = dict([*settings.items(), *((k, v) for k, v in entry.settings.items() if k not in settings)][:MOST])
    return replace(entry, group=group or entry.group, settings=merged)
