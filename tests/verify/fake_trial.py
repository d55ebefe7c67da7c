"""A child that needs no torch: it writes the log of a training whose faults its target names, one a line.

Lines of the target: `needs WORD` (without this change gradients pile up and nothing is learned), `seedless`, `random`,
`slow SECONDS`, `loses` (the loss becomes non-finite), `crashes WORD`, `refuses WORD`, `writes FILE`, `healthy`,
`ignores WORD`, `kills MARKER` (the process that started it, once), `lucky` (seeds but the first need no change).
"""
# ruff: noqa: S311, T201, E501 - random numbers of a training are no secrets, and a script prints

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from builders import HEADER

STEPS = 60
LOSS = {
    "id": 0, "name": "cross_entropy", "kind": "cross_entropy", "reduction": "mean", "label_smoothing": 0.0,
    "weighted": False, "site": {"file": "train.txt", "line": 1, "code": "loss.backward()"}, "phase": "both",
    "prediction": {"shape": [32, 2]}, "target": {"shape": [32], "classes": 2, "histogram": [500, 500], "examples": 1000},
}  # fmt: skip
OPTIMIZER = {
    "id": 0, "class": "SGD", "site": None, "accumulates": 1, "unknown_parameters": 0,
    "groups": [{"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "parameters": []}],
}  # fmt: skip


def main(path: str) -> int:
    """Write the log of the trial that a specification describes."""
    spec = json.loads(Path(path).read_text())
    lines = [line.split() for line in Path(spec["target"]).read_text().splitlines() if line.strip()]
    told = {line[0]: line[1:] for line in lines}
    words = [change["change"] for change in spec["changes"]]
    for marker in map(Path, told.get("kills", [])):
        if not marker.exists():
            marker.write_text("once")
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
    for name in told.get("writes", []):
        Path(name).write_text("trace")
    records = list(run(spec, told, words))
    Path(spec["log"]).write_text("[" + ",\n".join(map(json.dumps, records)) + "\n]\n")
    if crashed(told, words):
        print("ValueError: it does not fit", file=sys.stderr)
        return 1
    time.sleep(float(told.get("slow", ["0"])[0]))
    return 0


def crashed(told: dict[str, list[str]], words: list[str]) -> bool:
    """Return whether a change breaks the script."""
    return bool(set(told.get("crashes", [])) & set(words))


def run(spec, told, words):
    """Yield the records of the training."""
    yield {**HEADER, "script": spec["target"], "argv": spec["args"], "losses": [LOSS], "optimizers": [OPTIMIZER]}
    refused = set(told.get("refuses", []))
    for change in spec["changes"]:
        applied = change["change"] not in refused
        detail = {"arguments": change["arguments"], "applied": applied, "refused": None if applied else "no place"}
        yield {"record": "event", "kind": "change", "subject": change["change"], "step": 0, "detail": detail}
    seed = 0 if "seedless" in told else (spec["seed"] or 0)
    noise = random.Random(os.urandom(8) if "random" in told else seed)
    acting = [word for word in words if word not in told.get("ignores", [])]
    scatter = random.Random(f"{seed} {acting}")
    cured = (
        "healthy" in told or ("lucky" in told and spec["seed"] is not None) or set(told.get("needs", [])) <= set(acting)
    )
    steps = 10 if crashed(told, words) else min(spec["stop_after_steps"] or STEPS, STEPS)
    for step in range(steps):
        share = 1.0 if cured else 0.0
        loss = 0.693 - 0.65 * share * min(step / 40, 1.0) + 0.002 * noise.gauss(0, 1)
        lost = "loses" in told and not cured and step > 20
        yield {
            "record": "step", "step": step, "loss": "nan" if lost else loss, "loss_id": 0, "lr": [0.1], "batch": 32,
            "seconds": 0.01, "stale": not (cured or "add-zero-grad" in acting), "opt": [0], "mode": "train",
            "epoch": step // 20, "grad_norm": 1.0,
        }  # fmt: skip
        if step % 20 == 19:
            accuracy = 0.5 + 0.48 * share + 0.002 * scatter.gauss(0, 1)
            yield {
                "record": "eval", "step": step + 1, "epoch": step // 20, "loss": loss, "loss_id": 0, "examples": 1000,
                "losses": {"0": loss}, "metrics": {"accuracy": accuracy}, "mode": "eval", "care": False, "batches": 1,
            }  # fmt: skip
    stale = 0 if cured or "add-zero-grad" in acting else steps
    tally = {"forward": steps, "backward": steps, "step": steps, "zero_grad": steps - stale, "stale_steps": stale}
    yield {"record": "event", "kind": "tally", "subject": "", "step": steps, "detail": tally}
    reason = "exception" if crashed(told, words) else "cut" if spec["stop_after_steps"] else "finished"
    yield {"record": "end", "reason": reason, "steps": steps, "seconds": 1.0}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
