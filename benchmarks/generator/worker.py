"""Runs trainings under the recorder, one forked child each, so that torch is loaded once; reads a JSON job per line."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

LIMIT = 90


def main() -> None:
    """Answer each line with the exit status of its training."""
    import sklearn.datasets  # noqa: F401
    import torch

    from trainadvisor.record import run_script  # noqa: F401

    torch.set_num_threads(1)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(train(job))
        _, status = os.waitpid(child, 0)
        print(status, flush=True)


def train(job: dict[str, Any]) -> int:
    """Run one training in this process; its output goes into a file."""
    from trainadvisor.record.run_script import Run

    signal.alarm(LIMIT)
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
    out = os.open(job["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    script = Run(job["script"], job["args"], module=False, log=Path(job["log"]))
    code = script.execute()
    sys.stdout.flush()
    return code


main()
