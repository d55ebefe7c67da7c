"""A plugin of pytest: notes which functions of the package each test calls, or runs a given list of tests in order.

MUTANTS_CALLS names the file to write; MUTANTS_TESTS a file with the ids of the tests to run.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import trainadvisor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

PACKAGE = str(Path(trainadvisor.__file__).parent.parent) + os.sep
OURS = PACKAGE + "trainadvisor" + os.sep
called: set[CodeType] = set()
measured: dict[str, Any] = {}
finished: list[str] = []
useless: set[str] = set()


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Keep the wanted tests, the nearest first."""
    if chosen := os.environ.get("MUTANTS_TESTS"):
        wanted = {name: place for place, name in enumerate(json.loads(Path(chosen).read_text(encoding="utf-8")))}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
        items[:] = sorted((item for item in items if item.nodeid in wanted), key=lambda item: wanted[item.nodeid])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Note what a test calls, its fixtures included."""
    if "MUTANTS_CALLS" not in os.environ:
        return (yield)
    called.clear()
    began = time.monotonic()
    threading.settrace(_trace)
    sys.settrace(_trace)
    try:
        return (yield)
    finally:
        sys.settrace(None)
        threading.settrace(None)
        names = sorted({f"{code.co_filename.removeprefix(PACKAGE)}:{_name(code)}" for code in called})
        measured[item.nodeid] = {"seconds": round(time.monotonic() - began, 3), "calls": names}
        if nextitem is None or _file(nextitem.nodeid) != _file(item.nodeid):
            finished.append(_file(item.nodeid))
            _write(Path(os.environ["MUTANTS_CALLS"]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what fails without a mutant: it could tell nothing of one."""
    if not report.passed:
        useless.add(report.nodeid)


def _trace(frame: FrameType, _event: str, _argument: object) -> None:
    if frame.f_code.co_filename.startswith(OURS):
        called.add(frame.f_code)


def _name(code: CodeType) -> str:
    """Return the name of a function; what stands only for a part of one (a comprehension) is the function's."""
    return code.co_qualname.split(".<locals>.<")[0]


def _file(name: str) -> str:
    return name.partition("::")[0]


def _write(where: Path) -> None:
    """Write what was noted of the files whose tests are all done: a run that is broken off keeps them."""
    tests = {name: told for name, told in measured.items() if name not in useless and _file(name) in finished}
    beside = where.with_suffix(".new")
    beside.write_text(json.dumps({"files": finished, "tests": tests}), encoding="utf-8")
    beside.replace(where)
