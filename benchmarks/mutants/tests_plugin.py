"""A plugin of pytest: notes which lines of the package each test runs, or runs a given list of tests in order.

MUTANTS_CALLS names the file to write; MUTANTS_TESTS a file with the ids of the tests to run.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mutations import functions

import trainadvisor
from trainadvisor.instrument import hidden_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coverage import Coverage

PACKAGE = Path(trainadvisor.__file__).parent.parent
OURS = str(PACKAGE / "trainadvisor" / "*")
BETWEEN = "between"
running: list[Coverage] = []
places: dict[str, dict[int, tuple[str, int]]] = {}
measured: dict[str, Any] = {}
finished: list[str] = []
useless: set[str] = set()
if "MUTANTS_CALLS" in os.environ:  # lines are counted by the file of their frame, which the veil takes away
    hidden_frame.veiled = lambda function: function
    hidden_frame.disguised = lambda function, *_: function


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Keep the wanted tests, the nearest first."""
    if chosen := os.environ.get("MUTANTS_TESTS"):
        wanted = {name: place for place, name in enumerate(json.loads(Path(chosen).read_text(encoding="utf-8")))}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
        items[:] = sorted((item for item in items if item.nodeid in wanted), key=lambda item: wanted[item.nodeid])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Note what a test runs, its fixtures included."""
    if "MUTANTS_CALLS" not in os.environ:
        return (yield)
    lines = _coverage()
    lines.switch_context(item.nodeid)
    began = time.monotonic()
    try:
        return (yield)
    finally:
        seconds = round(time.monotonic() - began, 3)
        lines.switch_context(BETWEEN)
        measured[item.nodeid] = {"seconds": seconds, "runs": {}}
        if nextitem is None or _file(nextitem.nodeid) != _file(item.nodeid):
            finished.append(_file(item.nodeid))
            _take(lines, _file(item.nodeid))
            _write(Path(os.environ["MUTANTS_CALLS"]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what fails without a mutant: it could tell nothing of one."""
    if not report.passed:
        useless.add(report.nodeid)


def _coverage() -> Coverage:
    if not running:
        import coverage

        running.append(coverage.Coverage(data_file=None, include=[OURS], config_file=False))
        running[0].start()
    return running[0]


def _take(lines: Coverage, file: str) -> None:
    """Note the lines that the tests of a file have run: for each function a number whose lowest bit is its first."""
    data = lines.get_data()
    data.set_query_contexts([f"^{re.escape(file)}::"])
    runs: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for path in (path for path in data.measured_files() if path.endswith(".py")):  # a template is no source
        name = Path(path).relative_to(PACKAGE).as_posix()
        if name not in places:
            places[name] = functions(Path(path).read_text(encoding="utf-8"))
        for line, tests in data.contexts_by_lineno(path).items():
            if place := places[name].get(line):
                for test in tests:
                    runs[test][f"{name}:{place[0]}"].add(place[1])
    for test, of_test in runs.items():
        measured[test]["runs"] = {name: f"{sum(1 << line for line in of_test[name]):x}" for name in sorted(of_test)}


def _file(name: str) -> str:
    return name.partition("::")[0]


def _write(where: Path) -> None:
    """Write what was noted of the files whose tests are all done: a run that is broken off keeps them."""
    tests = {name: told for name, told in measured.items() if name not in useless and _file(name) in finished}
    beside = where.with_suffix(".new")
    beside.write_text(json.dumps({"files": finished, "tests": tests}), encoding="utf-8")
    beside.replace(where)
