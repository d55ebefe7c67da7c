"""What is kept of one run: a few words and figures, whatever the size of its log."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.regular import opened

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.configuration import Config
    from trainadvisor.judge.judgement import Judgement
    from trainadvisor.log.reader import RunLog

UNREADABLE, NO_LOG = "unreadable", "no-log"
METRICS = ("val_accuracy_best", "val_loss_best", "train_accuracy_final", "loss_final")
SETTINGS = ("lr", "optimizer", "batch_median", "weight_decay", "momentum", "seed")
OPTION = re.compile(r"--?([A-Za-z][\w-]*)(?:=(.*))?$")
LONGEST = 200
MOST = 60


@dataclass
class Entry:
    """One judged run."""

    address: str
    digest: str = ""
    state: str = UNREADABLE
    # Code of the first finding that is more than a note, and of all of them.
    cause: str | None = None
    codes: list[str] = field(default_factory=list)
    # What speaks most against calling it healthy, where no finding does.
    doubt: str = ""
    script: str = ""
    # What the runs of one sweep have in common, where a tool that makes sweeps says so.
    group: str = ""
    # When it began, as its log says.
    created: str = ""
    # Whether it was still being written when it was looked at.
    running: bool = False
    steps: int = 0
    end: str | None = None
    metric: str | None = None
    value: float | None = None
    seconds: float = 0.0
    devices: int = 1
    device: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    # What is wrong with the log, where it cannot be judged.
    error: str = ""

    @property
    def bad(self) -> bool:
        """Return whether something is wrong with the run."""
        return self.state in ("broken", "needs-attention")

    @property
    def hours(self) -> float:
        """Return the hours of all its devices together."""
        return self.seconds * self.devices / 3600

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def digest_of(path: Path) -> str:
    """Return a digest of a file's content, or of the names and sizes in a folder."""
    made = hashlib.blake2b(digest_size=16)
    if path.is_dir():
        for inside in sorted(path.rglob("*")):
            made.update(f"{inside.name} {inside.stat().st_size} {inside.stat().st_mtime_ns}\n".encode())
        return made.hexdigest()
    with opened(path) as file:
        while block := file.read(1 << 20):
            made.update(block)
    return made.hexdigest()


def judged(path: Path, address: str, config: Config | None = None, *, fresh: bool = False) -> Entry:
    """Judge a log, one without an end as a running one if it is fresh; what is wrong with it is told in the entry."""
    from trainadvisor.importers.foreign_logs import read_log
    from trainadvisor.judge import judged as judge

    try:
        log = read_log(path)
        log.growing = fresh and not log.end
        judgement = judge(log, config=config)
    except TrainAdvisorError as error:
        named = path.name.startswith("log.") or path.suffix == ".wandb"
        return Entry(address, state=UNREADABLE if named else NO_LOG, error=str(error).replace(str(path), address)[:500])
    except Exception as error:  # noqa: BLE001 - a log that breaks our reader is one row of the table
        return Entry(address, error=f"{type(error).__name__}: {error}"[:500])
    return _entry(address, log, judgement)


def _entry(address: str, log: RunLog, judgement: Judgement) -> Entry:
    run = judgement.run
    codes = [item.code for item in judgement.findings if item.severity != "note"]
    name = next((name for name in METRICS if isinstance(run.get(name), int | float)), None)
    return Entry(
        address=address,
        state=str(judgement.state),
        cause=codes[0] if codes else None,
        doubt=judgement.reasons[0].kind if judgement.reasons else "",
        codes=codes,
        script=str(run.get("script") or "")[:LONGEST],
        created=str(log.header.get("created") or "")[:LONGEST],
        running=log.growing,
        steps=int(run.get("steps") or 0),
        end=run.get("end"),
        metric=name,
        value=float(run[name]) if name else None,
        seconds=_seconds(log),
        devices=int(run.get("world_size") or 1),
        device=str(run.get("device") or ""),
        settings=_settings(log, run),
    )


def _seconds(log: RunLog) -> float:
    """Return the wall time of a run: what its end or another tool's log says, else the time of its steps."""
    imported = log.header.get("imported")
    for told in ((log.end or {}).get("seconds"), imported.get("seconds") if isinstance(imported, dict) else None):
        if isinstance(told, int | float) and told > 0:
            return float(told)
    spent = log.whole_column("seconds")
    return float(spent[spent > 0].sum()) if spent.size else 0.0


def _settings(log: RunLog, run: dict[str, Any]) -> dict[str, Any]:
    """Return what a sweep may vary: options of the script, settings of an imported log, the optimizer's own."""
    told = log.header.get("imported")
    config = told.get("config") if isinstance(told, dict) else None
    found = {name: run[name] for name in SETTINGS if isinstance(run.get(name), int | float | str)}
    found |= options([str(word) for word in run.get("argv") or []])
    found |= {k: v for k, v in (config or {}).items() if isinstance(v, int | float | str)}
    return dict(list(found.items())[:MOST])


def options(argv: list[str]) -> dict[str, Any]:
    """Return the options of a command line by name, numbers as numbers."""
    found: dict[str, Any] = {}
    for word, following in zip(argv, [*argv, "--"][1:], strict=True):
        if option := OPTION.match(word):
            value = option[2] if option[2] is not None else "true" if OPTION.match(following) else following
            found[option[1].replace("-", "_")] = number(value if value != "--" else "true")
    return found


def number(text: str) -> Any:
    """Return a number where a text is one."""
    try:
        return float(text)
    except ValueError:
        return text[:LONGEST]
