"""Scores the faults that no curve shows: python benchmarks/contracts.py [FOLDER] [--only NAME] [--logs DIR] [--jobs 2].

FOLDER holds healthy/*.py, faulty/*.py and labels.toml. Each script runs under `trainadvisor run`, as users start it.
With --logs the logs are kept, and the next call runs only what is missing; with --judge-only it runs nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "generator"), str(HERE.parent)]

import judging  # noqa: E402 - found by the path above

if TYPE_CHECKING:
    from collections.abc import Sequence

ALARMS = ("broken", "needs-attention")
LIMIT = 900  # seconds for a training of some seconds, on a machine that others use as well
FIRST_CAUSE = 0.75  # the share that issue 15 asks for on trainings it was not made from


@dataclass(frozen=True)
class Script:
    """One training and what is right to say of it."""

    path: Path
    label: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the name without its ending."""
        return self.path.stem

    @property
    def healthy(self) -> bool:
        """Return whether nothing is wrong with it."""
        return bool(self.label.get("healthy"))


@dataclass(frozen=True)
class Outcome:
    """What was said of one training."""

    script: Script
    verdict: judging.Verdict
    contracts: frozenset[str]

    @property
    def state(self) -> str:
        """Return the state it was said to be in."""
        return str(self.verdict["state"])

    @property
    def loud(self) -> list[str]:
        """Return the codes at warning or error, nested ones too."""
        return [item["code"] for item in judging.loud(self.verdict)]

    @property
    def detected(self) -> bool:
        """Return whether an alarm names the fault or a symptom of it."""
        return bool({*self.script.label["codes"], *self.script.label["also"]} & {*self.loud})

    @property
    def right(self) -> bool:
        """Return whether what is said first is the fault."""
        return self.verdict["first"] in self.script.label["codes"]

    @property
    def alarmed(self) -> bool:
        """Return whether the state sends somebody looking for a fault."""
        return self.state in ALARMS

    @property
    def raised(self) -> list[str]:
        """Return the findings, notes too, that name a broken contract."""
        return [item["code"] for item in self.verdict["found"] if item["code"] in self.contracts]

    @property
    def mark(self) -> str:
        """Return a word for the margin."""
        if self.state == "error":
            return "ERROR"
        if self.script.healthy:
            return "ALARM" if self.alarmed else "code" if self.raised else "ok"
        if self.right:
            return "ok"
        return "HEALTHY" if self.state == "healthy" else "first" if self.detected else "MISS"


def scripts(folder: Path, only: Sequence[str]) -> tuple[list[Script], frozenset[str]]:
    """Return the trainings with their labels, and the codes that name a broken contract."""
    labels = tomllib.loads((folder / "labels.toml").read_text(encoding="utf-8"))
    paths = sorted(folder.glob("healthy/*.py")) + sorted(folder.glob("faulty/*.py"))
    chosen = [path for path in paths if not only or any(part in path.stem for part in only)]
    return [Script(path, labels["script"][path.stem]) for path in chosen], frozenset(labels["contracts"])


def record(script: Script, logs: Path) -> None:
    """Record one training unless its log is there; what it prints stays beside the log."""
    done = logs / f"{script.name}.done"
    if done.exists():
        return
    log = str(logs / f"{script.name}.json")
    command = [sys.executable, "-m", "trainadvisor", "run", "--no-live", "--log", log, str(script.path)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (logs / f"{script.name}.out").open("wb") as out:
        code = subprocess.run(
            command, cwd=logs, env=env, stdout=out, stderr=subprocess.STDOUT, timeout=LIMIT, check=False
        ).returncode
    done.write_text(str(code), encoding="utf-8")
    print(f"{script.name}: exit {code}", file=sys.stderr, flush=True)


def outcomes(found: list[Script], contracts: frozenset[str], logs: Path, jobs: int) -> list[Outcome]:
    """Judge the trainings whose logs are there."""
    there = [script for script in found if (logs / f"{script.name}.json").exists()]
    verdicts = judging.judge_all([logs / f"{script.name}.json" for script in there], jobs)
    return [Outcome(script, verdicts[script.name], contracts) for script in there]


def show(outcome: Outcome) -> None:
    """Print what was said of one training."""
    wanted = "healthy" if outcome.script.healthy else " or ".join(outcome.script.label["codes"])
    said = f"first {outcome.verdict['first'] or '-'}, loud {', '.join(outcome.loud) or '-'}"
    print(f"{outcome.mark:8}{outcome.script.name:30} {outcome.state:16} {said} (wanted {wanted})")
    if "error" in outcome.verdict:
        print(f"        {outcome.verdict['error']}")


def share(name: str, flags: Sequence[bool]) -> int:
    """Print how many there are of how many, and return it."""
    print(f"{name}: {sum(flags)} of {len(flags)}" + (f" ({sum(flags) / len(flags):.0%})" if flags else ""))
    return sum(flags)


def score(judged: list[Outcome]) -> bool:
    """Print the figures and return whether they are good enough."""
    faulty = [outcome for outcome in judged if not outcome.script.healthy]
    healthy = [outcome for outcome in judged if outcome.script.healthy]
    share("faulty: detected", [outcome.detected for outcome in faulty])
    right = share("faulty: first cause right", [outcome.right for outcome in faulty])
    called = share("faulty: called HEALTHY", [outcome.state == "healthy" for outcome in faulty])
    alarmed = share("healthy: alarmed", [outcome.alarmed for outcome in healthy])
    raised = share("healthy: a contract called broken", [bool(outcome.raised) for outcome in healthy])
    failed = share("could not be judged", [outcome.state == "error" for outcome in judged])
    return right >= FIRST_CAUSE * len(faulty) and not (called or alarmed or raised or failed)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=HERE / "contracts")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="scripts whose name holds one of these")
    parser.add_argument("--logs", type=Path, help="keep the logs here; default: a folder that is deleted")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--judge-only", action="store_true", help="run nothing, judge what is there")
    return parser.parse_args()


def main() -> int:
    """Record, judge, print; return 1 where the score is too low."""
    options = arguments()
    found, contracts = scripts(options.folder.resolve(), options.only)
    with tempfile.TemporaryDirectory() as folder:
        logs = (options.logs or Path(folder)).resolve()
        logs.mkdir(parents=True, exist_ok=True)
        if not options.judge_only:
            with ThreadPoolExecutor(options.jobs) as pool:
                list(pool.map(lambda script: record(script, logs), found))
        judged = outcomes(found, contracts, logs, options.jobs)
    for outcome in judged:
        show(outcome)
    if len(judged) < len(found):
        print(f"{len(found) - len(judged)} scripts have no log")
    return int(not score(judged) or len(judged) < len(found))


if __name__ == "__main__":
    sys.exit(main())
