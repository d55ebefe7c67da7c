"""How signals are registered, computed and kept finite."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import log_of

from trainadvisor import signals
from trainadvisor.log.reader import RunLog


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register into a copy."""
    signals.all_signals()
    monkeypatch.setattr(signals, "_registry", dict(signals._registry))


def registered(function: Any) -> Any:
    """Register a signal."""
    return signals.signal(unit="1", needs="nothing", zh="无")(function)


def value_of(tmp_path: Path, function: Any) -> Any:
    """Return the value of a signal on a small log."""
    registered(function)
    return signals.Signals(log_of(tmp_path, steps=3))[function.__name__]


def test_spec_is_read_off_the_function(tmp_path: Path) -> None:
    """Name, type and meaning come from the function itself."""

    def doubled(log: RunLog) -> float | None:
        """Twice the steps."""
        return 2.0 * len(log.steps)

    assert value_of(tmp_path, doubled) == 6.0
    spec = signals.all_signals()["doubled"]
    assert (spec.type, spec.unit, spec.doc, spec.needs_zh) == ("number", "1", "Twice the steps.", "无")


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("float", "number"),
        ("int | None", "number"),
        ("bool | None", "truth"),
        ("str", "word"),
        ("dict[str, float]", "layers"),
        ("list[str] | None", "names"),
        (float, "number"),
        (dict[str, float], "layers"),
        (float | None, "number"),
    ],
)
def test_types_come_from_annotations(annotation: Any, kind: str) -> None:
    """Annotations may be types or their text."""
    assert signals._type_of("x", annotation) == kind


def test_a_signal_without_a_usable_annotation_is_refused() -> None:
    """The author gets an error at import."""
    with pytest.raises(ValueError, match="signal x: the return annotation"):
        signals._type_of("x", "object")


@pytest.mark.parametrize("value", [math.nan, math.inf, np.float64("nan"), None])
def test_non_finite_is_absent(tmp_path: Path, value: Any) -> None:
    """A signal is finite or absent."""

    def odd(log: RunLog) -> float | None:
        return value

    assert value_of(tmp_path, odd) is None


def test_numpy_values_become_plain(tmp_path: Path) -> None:
    """Conditions and JSON see Python numbers."""

    def plain(log: RunLog) -> int:
        return np.int64(3)

    assert type(value_of(tmp_path, plain)) is int


def test_layers_without_a_finite_value_are_left_out(tmp_path: Path) -> None:
    """A layer signal holds only layers that have one."""

    def per_layer(log: RunLog) -> dict[str, float]:
        return {"a": 1.0, "b": math.nan}

    assert value_of(tmp_path, per_layer) == {"a": 1.0}


def test_a_failing_signal_is_absent_with_a_note(tmp_path: Path) -> None:
    """An exception inside a signal takes nothing else with it."""

    def failing(log: RunLog) -> float:
        return 1 / 0

    registered(failing)
    values = signals.Signals(log_of(tmp_path))
    assert values["failing"] is None
    assert values.notes == ["signal failing failed: ZeroDivisionError: division by zero"]


def test_computed_once_also_when_called_by_another(tmp_path: Path) -> None:
    """Signals that call each other share one memory a log."""
    calls = []

    @registered
    def inner(log: RunLog) -> float:
        calls.append(log)
        return 1.0

    @registered
    def outer(log: RunLog) -> float:
        return float(inner(log)) + 1

    values = signals.Signals(log_of(tmp_path))
    assert (values["outer"], values["inner"]) == (2.0, 1.0)
    assert len(calls) == 1


def test_a_signal_that_asks_for_itself_is_told(tmp_path: Path) -> None:
    """A cycle ends, and says where it went."""

    @registered
    def circular(log: RunLog) -> float | None:
        return circular(log)

    values = signals.Signals(log_of(tmp_path))
    assert values["circular"] is None
    assert values.notes == ["signal circular failed: SelfReference: circular -> circular"]


def test_the_same_name_in_two_modules_is_refused() -> None:
    """Two definitions of a name would depend on the order of imports."""

    def steps(log: RunLog) -> int:
        return 0

    with pytest.raises(ValueError, match="signal steps is defined in"):
        registered(steps)


def test_unknown_names(tmp_path: Path) -> None:
    """Asking for what does not exist raises; `get` says None."""
    values = signals.Signals(log_of(tmp_path))
    with pytest.raises(KeyError):
        values["no_such_signal"]
    assert values.get("no_such_signal") is None


def test_every_signal_of_the_package_is_documented() -> None:
    """Each says what it means, and in both languages what it needs."""
    for spec in signals.all_signals().values():
        assert spec.doc, spec.name
        assert spec.needs, spec.name
        assert any("\u4e00" <= letter <= "\u9fff" for letter in spec.needs_zh), spec.name


def test_every_signal_survives_an_empty_log(tmp_path: Path) -> None:
    """A log without anything makes signals absent, never failing."""
    values = signals.Signals(log_of(tmp_path))
    for name in values:
        values.get(name)
    assert values.notes == []


@pytest.mark.parametrize(("count", "told"), [(1 << 70, 1 << 70), (10**400, None)], ids=["large", "beyond"])
def test_an_integer_that_no_array_holds_raises_nothing(tmp_path: Path, count: int, told: int | None) -> None:
    """A damaged log may hold integers of any length; one beyond all floats is none."""

    def huge(log: RunLog) -> int | None:
        """A count."""
        return count

    registered(huge)
    seen = signals.Signals(log_of(tmp_path, steps=3))
    assert (seen["huge"], seen.notes) == (told, [])
