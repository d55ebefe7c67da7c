"""The pytest plugin: a fixture that watches trainings, a marker that fails a test by its findings, and their summary.

Only pytest is imported until a test uses the plugin.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.testing import Advisor

MARKER = "trainadvisor"
USAGE = (
    'trainadvisor(fail_on="error", min_confidence="medium", ignore=()): fail the test when a training in it shows '
    "findings of that level"
)
LINES, OPTION = "trainadvisor-lines", "--trainadvisor-report"
_advisors: pytest.StashKey[Advisor] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command-line option."""
    group = parser.getgroup("trainadvisor", "diagnosis of trainings")
    group.addoption(OPTION, metavar="DIR", default=None, help="write the diagnosis of every watched training there")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", USAGE)


@pytest.fixture(name="trainadvisor")
def advisor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Advisor]:
    """Watch trainings and judge them: `run = trainadvisor.watch(model, optimizer)`, then `run.assert_healthy()`."""
    made = _advisor(request.node, tmp_path)
    yield made
    made.close()


def _advisor(item: pytest.Item, folder: Path) -> Advisor:
    """Return the advisor of a test, created on first use."""
    if _advisors not in item.stash:
        from trainadvisor.testing import Advisor, seed

        seed(0)
        item.stash[_advisors] = Advisor(folder)
    return item.stash[_advisors]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Judge the trainings of a marked test at its end; without the fixture, every training is watched."""
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        try:
            return (yield)
        finally:
            _keep(item)
    from trainadvisor.testing import Demand

    demand = Demand(*marker.args, **marker.kwargs)
    if "trainadvisor" not in getattr(item, "fixturenames", ()):
        factory: pytest.TempPathFactory = item.config._tmp_path_factory  # type: ignore[attr-defined]  # noqa: SLF001 - no other way
        _advisor(item, factory.mktemp("trainadvisor")).watch_everything()
    try:
        result = yield
        item.stash[_advisors].demand(demand)
        return result
    finally:
        item.stash[_advisors].close()
        _keep(item)


def _keep(item: pytest.Item) -> None:
    """Attach the verdicts to the report of the test, which reaches the process that writes the summary."""
    made = item.stash.get(_advisors, None)
    if made is None:
        return
    folder: Any = item.config.getoption(OPTION)
    try:
        item.user_properties += [(LINES, line) for line in made.lines()]
        if folder:
            made.write(Path(folder), re.sub(r"[^\w.-]+", "-", item.nodeid).strip("-"))
    except Exception as error:  # noqa: BLE001 - the test's own outcome must not change
        item.user_properties.append((LINES, f"{type(error).__name__}: {error}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line for each watched training."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    lines = [(r.nodeid, line) for r in reports if r.when == "call" for name, line in r.user_properties if name == LINES]
    if lines:
        terminalreporter.section("trainadvisor")
        for node, line in lines:
            terminalreporter.write_line(f"{node}: {line}")
