"""A training made from a specification: train.py --spec JSON. It uses no monitoring tool."""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import skills
import special
import tasks
import torch
from supervised import Training


def main() -> None:
    """Train and print what came out as the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--spec", required=True)
    spec = json.loads(parser.parse_args().spec)
    torch.set_num_threads(1)
    torch.manual_seed(spec["seed"])
    np.random.seed(spec["seed"])  # noqa: NPY002 - as users seed
    start = time.perf_counter()
    made = special.LOOPS[spec["loop"]](spec) if spec["loop"] in special.LOOPS else Training(spec).run()
    seconds = time.perf_counter() - start
    skill = made.get("skill")
    if skill is None:
        skill = skills.skill(tasks.TASKS[spec["task"]][1], made["outputs"], made["targets"])
    history = [round(x, 6) for x in made["history"]]
    print(
        "RESULT", json.dumps({"skill": skill, "train_loss": made["train_loss"], "history": history, "seconds": seconds})
    )


main()
