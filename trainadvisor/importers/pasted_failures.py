"""The error that a printed log or a pasted traceback ends with."""

import re
from pathlib import Path
from typing import Any

from trainadvisor.importers.opening import ANSI, binary, encoding, head
from trainadvisor.log import tracebacks

# Bytes of the end of a log that are looked at.
TAIL = 512 << 10
# What shells, schedulers and libraries print of a process that was ended from outside, the most telling first.
KILLS = (
    re.compile(r"oom[-_ ]?kill|OOM Killed|Out of memory: Killed process|OOMKilled"),
    re.compile(r"DUE TO TIME LIMIT|DUE TO PREEMPTION|CANCELLED AT|walltime .{0,20}exceeded"),
    re.compile(r"Watchdog caught collective operation timeout"),
    re.compile(r"Segmentation fault|Bus error|Illegal instruction|\(core dumped\)|terminate called after"),
    re.compile(r"(?:^|\s)Killed\s*(?:$|\s{2,}|python)|SIGKILL"),
)
LONGEST = 1000
# The layer that a line of a forward calls.
CALLED = re.compile(r"\bself\.(\w+(?:\[\d+\])?)\(")


def of_file(path: Path) -> dict[str, Any] | None:
    """Return the error that a text ends with as the recorder would describe it; None where there is none."""
    return of_text(_end(path))


def of_text(text: str) -> dict[str, Any] | None:
    """Return the error of a text: of its last traceback, else of what tells that the process was killed."""
    trace = tracebacks.last(text)
    if trace is not None and trace.type not in tracebacks.PASSED_ON:
        return _described(trace)
    killed = _killed(text)
    return {"type": "Killed", "message": killed} if killed else _described(trace) if trace is not None else None


def _end(path: Path) -> str:
    start = head(path)
    with binary(path) as file:
        last = file.read(TAIL)
        while block := file.read(TAIL):
            last = (last + block)[-TAIL:]
    return ANSI.sub("", last.decode(encoding(start), errors="replace"))


def _killed(text: str) -> str | None:
    lines = text.splitlines()
    found = (line for pattern in KILLS for line in lines if len(line) < LONGEST and pattern.search(line))
    return next((line.strip() for line in found), None)


def _module(file: str) -> str:
    """Return the name of the module that a file of a package or of Python's own is."""
    inner = re.split(r"site-packages/|dist-packages/|lib/python3?[\d.]*/", file)[-1]
    return inner.removesuffix(".py").replace("/", ".")


def _described(trace: tracebacks.Trace) -> dict[str, Any]:
    place = trace.place
    detail: dict[str, Any] = {"type": trace.type, "message": trace.message[: 4 * LONGEST]}
    if place is not None:
        detail |= {"site": {"file": place.file, "line": place.line, "code": place.code}, "at": place.name}
    modules = [_module(frame.file) for frame in trace.frames]
    if modules:
        detail["raised_in"] = modules[-1]
        detail["torch_module"] = next((name for name in reversed(modules) if name.startswith("torch.")), None)
    called = CALLED.search((place.code or "") if place else "")
    inside = any("/torch/nn/" in frame.file for frame in trace.frames)
    return detail | ({"layer": called[1]} if called and inside else {})
