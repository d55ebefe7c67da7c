"""Printed tracebacks: which error, which line, whatever stands around them."""

from pathlib import Path

import pytest

from trainadvisor.importers.foreign_logs import read_log
from trainadvisor.log import tracebacks
from trainadvisor.telling import diagnose

PLAIN = """Traceback (most recent call last):
  File "/home/me/train.py", line 12, in <module>
    loss = criterion(model(x), y)
           ^^^^^^^^^^^^^^^^^^^^^^
  File "/env/lib/python3.11/site-packages/torch/nn/functional.py", line 3555, in cross_entropy
    return torch._C._nn.cross_entropy_loss(
IndexError: Target 10 is out of bounds.
"""
WORKER = """Traceback (most recent call last):
  File "/home/me/train.py", line 30, in <module>
    for x, y in loader:
  File "/env/lib/python3.11/site-packages/torch/_utils.py", line 794, in reraise
    raise exception
ValueError: Caught ValueError in DataLoader worker process 0.
Original Traceback (most recent call last):
  File "/env/lib/python3.11/site-packages/torch/utils/data/_utils/worker.py", line 374, in _worker_loop
    data = fetcher.fetch(index)
  File "/home/me/data.py", line 7, in __getitem__
    return float(self.rows[index])
ValueError: could not convert string to float: 'abc'
"""
RANKS = (
    "\n".join(f"[rank1]: {line}" for line in PLAIN.splitlines())
    + """
Traceback (most recent call last):
  File "/env/bin/torchrun", line 8, in <module>
    sys.exit(main())
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
train.py FAILED
"""
)
WATCHDOG = (
    "[E712 ProcessGroupNCCL.cpp:616] [Rank 3] Watchdog caught collective operation timeout: "
    "WorkNCCL(SeqNum=84, OpType=ALLREDUCE, NumelIn=1) ran for 600123 milliseconds before timing out.\n"
)
CHAINED = (
    PLAIN
    + """
During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/home/me/train.py", line 15, in <module>
    save(model)
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.
"""
)


@pytest.mark.parametrize(
    ("text", "type_", "line", "file"),
    [
        (PLAIN, "IndexError", 12, "/home/me/train.py"),
        (WORKER, "ValueError", 7, "/home/me/data.py"),
        (RANKS, "IndexError", 12, "/home/me/train.py"),
        (CHAINED, "OutOfMemoryError", 15, "/home/me/train.py"),
    ],
    ids=["plain", "worker", "ranks", "chained"],
)
def test_the_error_and_the_user_line(text: str, type_: str, line: int, file: str) -> None:
    """The error that tells why, and the deepest line that is of no package."""
    trace = tracebacks.last(f"epoch 1\n{text}make: *** [train] Error 1\n")
    assert trace is not None
    assert trace.place is not None
    assert (trace.type, trace.place.line, trace.place.file) == (type_, line, file)


def test_no_traceback() -> None:
    """A text without one tells of no error."""
    assert tracebacks.last("epoch 1 loss 0.3\nRuntimeError is a word\n") is None


def test_a_message_of_several_lines() -> None:
    """The lines that are set in belong to it."""
    text = PLAIN.replace("IndexError: Target 10 is out of bounds.", "RuntimeError: Error(s):\n\tsize mismatch\n\tmore")
    trace = tracebacks.last(text + "done\n")
    assert trace is not None
    assert trace.message == "Error(s):\n\tsize mismatch\n\tmore"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (PLAIN, "index-out-of-range"), (WORKER, "argument-mismatch"), (RANKS, "index-out-of-range"),
        (CHAINED, "out-of-memory"), ("Epoch 3\nSegmentation fault (core dumped)\n", "process-killed"),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=7.0.\n", "process-killed"),
        (WATCHDOG, "processes-out-of-step"),
    ],
)  # fmt: skip
def test_a_pasted_end_is_diagnosed(tmp_path: Path, text: str, code: str) -> None:
    """What a script or a job printed last is a log of its own."""
    path = tmp_path / "job.log"
    path.write_text(text, encoding="utf-8")
    diagnosis = diagnose(path)
    assert (diagnosis.state, [item.code for item in diagnosis.findings]) == ("broken", [code])
    assert (diagnosis.clear, diagnosis.unknown) == ([], [])


def test_a_job_log_with_figures_and_an_end(tmp_path: Path) -> None:
    """The curve is read as before, and the error beside it."""
    path = tmp_path / "job.log"
    lines = [f"step {step} loss {2 / (step + 1):.4f}" for step in range(60)]
    path.write_text("\n".join([*lines, PLAIN]), encoding="utf-8")
    log = read_log(path)
    assert log.all_steps_count == 60
    assert diagnose(log).findings[0].where == "/home/me/train.py:12"


def test_a_job_log_that_ends_well(tmp_path: Path) -> None:
    """Without a traceback no error is told."""
    path = tmp_path / "job.log"
    path.write_text("\n".join(f"step {step} loss {2 / (step + 1):.4f}" for step in range(60)), encoding="utf-8")
    assert [event["kind"] for event in read_log(path).events] == []


@pytest.mark.parametrize(("length", "kept"), [(4000, 4000), (4001, 4000)])
def test_a_long_message_is_cut(tmp_path: Path, length: int, kept: int) -> None:
    """After four thousand letters."""
    path = tmp_path / "job.log"
    path.write_text(PLAIN.replace("Target 10 is out of bounds.", "x" * length), encoding="utf-8")
    (ended,) = (event for event in read_log(path).events if event["kind"] == "exception")
    assert ended["detail"]["message"] == "x" * kept
