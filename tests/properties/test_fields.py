"""Every field of a sound log takes odd values: it is told in every form, and nothing is raised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import fuzztargets
import pytest
from builders import build_log
from fuzztargets import ODD_VALUES, Odd, places

from trainadvisor.log.curves import curves
from trainadvisor.log.curves.layer_rows import suspicion
from trainadvisor.log.curves.step_series import _epochs
from trainadvisor.log.reader import read_log

if TYPE_CHECKING:
    from pathlib import Path

SHARES, EVERY = 12, 3
"""Into how many tests the fields are divided, and of how many one is taken."""


@pytest.mark.parametrize("share", range(SHARES))
def test_a_field_of_any_value_is_told_in_every_form(share: int) -> None:
    """Each field takes one of the values, a different one from its neighbors; `make fuzz` takes the whole product."""
    for number, place in list(enumerate(places()))[share * EVERY :: SHARES * EVERY]:
        value = ODD_VALUES[(number + number // len(ODD_VALUES)) % len(ODD_VALUES)]
        fuzztargets.told(Odd(*place, value).lines(), "zh" if number % 2 else "en")


@pytest.mark.parametrize("place", [place for place in places() if place[1] == 0 and len(place[2]) == 1])
@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: repr(value)[:12])
def test_a_field_of_the_header_has_its_type_or_is_left_out(place: Any, value: Any) -> None:
    """Of another type it is absent, and a note counts it."""
    log = fuzztargets._read(Odd(*place, value).lines())
    if log is None:
        assert place[2] in {("record",), ("format",)}
        return
    found = log.header[place[2][0]]
    left_out = found is None and value is not None
    assert log.notes.count("fields left out that are not of the type that a log has there: 1") == left_out
    sound = fuzztargets.sound(place[0])[0][place[2][0]]
    if found is not None and sound is not None:
        numbers = all(isinstance(item, (int, float)) for item in (found, sound)) or place[2] in {("seed",), ("losses",)}
        assert isinstance(found, type(sound)) or numbers


def test_a_sound_log_loses_no_field() -> None:
    """Those that are kept for the tests hold nothing that is not of its type."""
    for name in fuzztargets.LOGS:
        notes = read_log(fuzztargets.CORPUS / "reader" / name).notes
        assert not [note for note in notes if "fields left out" in note], name


def test_an_epoch_that_is_no_number_to_count_with_is_not_drawn(tmp_path: Path) -> None:
    """Infinite or beyond what counts exactly; the others are."""
    epochs = [0, 1, "inf", 1e308, "nan", 2, -1]
    log = read_log(build_log(tmp_path, steps=len(epochs), columns={"loss": [1.0] * 7, "epoch": epochs}))
    assert _epochs(log) == [[0, 0], [1, 1]]
    json.dumps(curves(log), allow_nan=False)


def test_an_update_below_zero_ranks_no_layer() -> None:
    """It is a ratio of norms; what is small ranks as it did."""
    assert suspicion({"update": -1.0}) == (False, False, 0.0)
    assert suspicion({"update": 1e-9}) == (False, False, pytest.approx(5.0))
