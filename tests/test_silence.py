"""Warnings of ours that are kept quiet, and the script's that are not."""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from trainadvisor import silence


@pytest.fixture(autouse=True)
def _filters() -> Iterator[None]:
    """Give back the filters."""
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        yield


def told(block: Callable[[], AbstractContextManager[None]], *given: tuple[str, type[Warning], str]) -> list[str]:
    """Return which warnings (text, category, module) are shown inside a block."""
    with warnings.catch_warnings(record=True) as caught, block():
        for text, category, module in given:
            warnings.warn_explicit(text, category, "file.py", 1, module=module)
    return [str(warning.message) for warning in caught]


def test_what_numpy_says_of_our_computations_is_quiet() -> None:
    """The script's warnings of the same kind are shown, and others of ours."""
    given = [("ours", RuntimeWarning, "trainadvisor.signals.loss"), ("numpy", RuntimeWarning, "numpy.lib"),
             ("scipy", RuntimeWarning, "scipy.stats"),
             ("script", RuntimeWarning, "__main__"), ("near", RuntimeWarning, "trainadvisors"),
             ("old", DeprecationWarning, "trainadvisor.cli")]  # fmt: skip
    assert told(silence.computing, *given) == ["script", "near", "old"]


def test_what_python_says_of_a_parsed_source_is_quiet() -> None:
    """Escapes that are none, and what is no good syntax; nothing else is."""
    given = [("invalid escape sequence", DeprecationWarning, "m"), ("invalid octal escape", DeprecationWarning, "m"),
             ('"is" with a literal', SyntaxWarning, "m"), ("old", DeprecationWarning, "m"),
             ("x", UserWarning, "m")]  # fmt: skip
    assert told(silence.parsing, *given) == ["old", "x"]


def test_the_filters_are_as_before() -> None:
    """The same list, the same entries, also one that equals ours; and what was shown once is not shown again."""
    mine = ("ignore", None, SyntaxWarning, None, 0)
    warnings.filters.insert(0, mine)
    before, entries = warnings.filters, list(warnings.filters)
    registry: dict[object, object] = {}
    warnings.warn_explicit("once", UserWarning, "f.py", 1, registry=registry)
    version = registry["version"]
    with silence.parsing():
        assert len(before) == len(entries) + 2
    assert warnings.filters is before
    assert [id(one) for one in before] == [id(one) for one in entries]
    registry.clear()
    warnings.warn_explicit("once", UserWarning, "f.py", 1, registry=registry)
    assert registry["version"] == version


@pytest.mark.parametrize("ends_first", [True, False])
def test_a_script_may_catch_warnings_meanwhile(*, ends_first: bool) -> None:
    """What it catches stays caught as long as it says, whichever ends first, and no filter of ours is left behind."""
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with silence.parsing():
            entered.set()
            leave.wait()

    before = list(warnings.filters)
    worker = threading.Thread(target=work)
    worker.start()
    entered.wait()
    with warnings.catch_warnings(record=True) as caught:
        if ends_first:
            leave.set()
            worker.join()
        warnings.warn("mine", UserWarning, stacklevel=1)
    leave.set()
    worker.join()
    assert [str(warning.message) for warning in caught] == ["mine"]
    assert warnings.filters == before


def test_nothing_of_ours_catches_warnings_beside_a_script() -> None:
    """It would be a catch for all threads."""
    package = Path(silence.__file__).parent
    users = [path.name for path in package.rglob("*.py") if "catch_warnings(" in path.read_text("utf-8")]
    assert users == []
