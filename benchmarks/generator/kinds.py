"""Trainings of many kinds, written as people write them: kinds/NAME.py VARIANT SEED, labeled in kinds.toml."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from running import Job, outcome
from scores import Judged

if TYPE_CHECKING:
    from judging import Verdict

HERE = Path(__file__).resolve().parent
KINDS: dict[str, dict[str, Any]] = tomllib.loads((HERE / "kinds.toml").read_text(encoding="utf-8"))
SOUND = "sound"
HARM = 0.07  # of the skill, against the sound training of the same seed


def jobs(work: Path, seeds: int) -> list[Job]:
    """Return each variant of each kind, with each seed."""
    return [
        job(work, kind, variant, seed)
        for kind, entry in KINDS.items()
        for variant in (SOUND, *entry.get("fault", {}))
        for seed in range(1, seeds + 1)
    ]


def job(work: Path, kind: str, variant: str, seed: int) -> Job:
    """Return one training."""
    script = str(HERE / "kinds" / f"{kind}.py")
    return Job(f"{kind}.{variant}.{seed}", script, [variant, str(seed)], work / "kinds")


def judged(made: Job, verdict: Verdict) -> Judged | None:
    """Return a run with its label, or None for a sound one that did not learn."""
    kind, variant, seed = made.name.split(".")
    entry, skill = KINDS[kind], skill_of(made)
    if variant == SOUND:
        full = entry.get("full", False)
        return Judged(made.name, "kinds", "healthy", verdict, full=full) if skill >= entry["good"] else None
    fault = entry["fault"][variant]
    sound = skill_of(job(made.folder.parent, kind, SOUND, int(seed)))
    harm = fault.get("always") or sound - skill > HARM
    label = f"{kind} {variant}"
    return Judged(made.name, "kinds", "faulty" if harm else "harmless", verdict, label, fault["detect"], fault["root"])


def skill_of(made: Job) -> float:
    """Return the skill that a training printed; nothing, when it failed."""
    result = outcome(made)
    return result["skill"] if result and math.isfinite(result["skill"]) else -1.0
