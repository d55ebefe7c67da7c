"""Compares verdicts of a Ray cluster with those of this machine, and checks recovery from a killed worker.

python benchmarks/engines.py [--corpus DIR] [--budget 90s] [--only NAME] [--results FILE]
Starts a cluster of two nodes on this machine. Each script is verified by both engines; then the first one once more,
while the process of a running trial is killed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MARK = ("<!-- engines -->", "<!-- /engines -->")
CASES = ("missing_zero_grad", "mse_broadcast", "adam_lr_too_high", "nll_raw_logits", "params_in_list")
WORKER = b"ray::run_remotely"
LOOK = 0.2


def main() -> None:
    """Run everything and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=HERE.parents[1] / "shared" / "corpus")
    parser.add_argument("--budget", default="90s")
    parser.add_argument("--only", action="append", default=[], help="a script; may be repeated")
    parser.add_argument("--results", type=Path, help="a Markdown file whose section on engines is rewritten")
    options = parser.parse_args()
    names = options.only or list(CASES)
    with tempfile.TemporaryDirectory() as folder:
        told = document(names, options, Path(folder))
    print(told)
    if options.results:
        page = options.results.read_text(encoding="utf-8")
        before, _, rest = page.partition(MARK[0])
        after = rest.partition(MARK[1])[2]
        options.results.write_text(f"{before.rstrip()}\n\n{MARK[0]}\n{told}\n{MARK[1]}\n{after.lstrip()}", "utf-8")


def document(names: list[str], options: argparse.Namespace, folder: Path) -> str:
    """Return the section as Markdown."""
    from ray.cluster_utils import Cluster

    local = {name: verified(name, "local", options, folder) for name in names}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
        there = {name: verified(name, "ray", options, folder, cluster.address) for name in names}
        killed = verified(names[0], "ray", options, folder, cluster.address, kill=True)
    finally:
        cluster.shutdown()
    rows = [f"| {name} | {line(local[name])} | {line(there[name])} |" for name in names]
    same = sum(verdict(local[name]) == verdict(there[name]) for name in names)
    told = (
        f"A Ray cluster of two nodes on this machine, two trials at a time: {same} of {len(names)} verdicts are those "
        f"of the local engine. With a trial's process killed while it ran ({killed['killed']} killed): {line(killed)}."
    )
    head = ["## Verdicts of a cluster", "", told, "", "| script | here | on the cluster |", "|---|---|---|"]
    return "\n".join([*head, *rows])


def verified(
    name: str, engine: str, options: argparse.Namespace, folder: Path, address: str = "", *, kill: bool = False
) -> dict[str, Any]:
    """Verify one script; return its result with the seconds that it took."""
    out = folder / f"{name}.{engine}.json"
    script = options.corpus / "cases" / f"{name}.py"
    command = [sys.executable, "-m", "trainadvisor", "verify", "--budget", options.budget, "--engine", engine]
    command += ["--out", str(out), *(["--jobs", "2"] if engine == "ray" else []), str(script), "buggy"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", **({"RAY_ADDRESS": address} if address else {})}
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        killed = kill_one(process) if kill else 0
        process.wait()
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return {**found, "took": time.monotonic() - began, "killed": killed}


def kill_one(process: subprocess.Popen[bytes]) -> int:
    """Kill the first worker seen running a trial; return how many were running."""
    while process.poll() is None:
        time.sleep(LOOK)
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and running(entry):
                time.sleep(1.0)
                os.kill(int(entry.name), signal.SIGKILL)
                return 1
    return 0


def running(process: Path) -> bool:
    """Return whether a process is a worker of Ray that runs a trial."""
    try:
        return (process / "cmdline").read_bytes().startswith(WORKER)
    except OSError:
        return False


def verdict(found: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the answer and the changes of the first verified remedy."""
    best = next(iter(found["verified"]), None)
    changes = [best["change"], *(one["change"] for one in best["combined_with"])] if best else []
    return found["answer"], changes


def line(found: dict[str, Any]) -> str:
    """Return a verdict with its figures."""
    answer, changes = verdict(found)
    best = next(iter(found["verified"]), None)
    if best is None:
        return f"{answer} ({found['took']:.0f} s)"
    figures = f"{best['metric']} {best['after']:.3g}, {best['wins']} of {best['seeds']}"
    return f"{answer}: {' + '.join(changes)}, {figures} ({found['took']:.0f} s)"


if __name__ == "__main__":
    main()
