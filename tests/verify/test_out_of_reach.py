"""A certain finding whose change is one in the code, which no trial can make."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.judge.result import Diagnosis, Finding, Remedy
from trainadvisor.report.text.verification import deciding, detail
from trainadvisor.verify import answer
from trainadvisor.verify.screening import Screening

if TYPE_CHECKING:
    from conftest import Made


def screened(made: Any, confidence: str, verdict: str) -> Any:
    """Return a session that has tried the one remedy of a finding."""
    remedy = Remedy(change="loss-function", arguments={}, applies="adapt", text="Take the softmax over dim 1.")
    found = Finding(
        code="softmax-wrong-dim", family="wiring", kind="cause", severity="error", confidence=confidence, title="",
        sentence="", remedies=[remedy],
    )  # fmt: skip
    diagnosis = Diagnosis(state="broken", summary="", findings=[found])
    made.request = SimpleNamespace(fix=None, code=None, prior=diagnosis)
    made.screening = Screening(diagnosis, None, lambda _: None)
    own = next(candidate for candidate in made.screening.order() if candidate.code == found.code)
    made.screening.tried.append(SimpleNamespace(candidate=own, verdict=verdict, trials=[SimpleNamespace(gone=[])]))
    return made


@pytest.mark.parametrize(
    ("confidence", "verdict", "told"),
    [("certain", "refused", True), ("certain", "no-better", False), ("likely", "refused", False)],
    ids=["out of reach", "tried", "in doubt"],
)
def test_a_change_that_no_trial_can_make_is_named_beside_those_tried_in_vain(
    session: Made,
    confidence: str,
    verdict: str,
    told: bool,  # noqa: FBT001 - a table
) -> None:
    """Once at the start, and in the answer, which else says that nothing helped."""
    made, said = screened(session("needs magic"), confidence, verdict), []
    made.progress.by_hand = lambda code, text: said.append((code, text))
    made._tell_by_hand()
    made._tell_by_hand()
    assert said == [("softmax-wrong-dim", "Take the softmax over dim 1.")] * told
    document: Any = SimpleNamespace(ruled_out=[])
    sentence = answer._none_helped(made, document, Words("en"))
    assert ("change it by hand: Take the softmax over dim 1. Other changes, tried in vain: 0" in sentence) is told
    assert ("remed" in sentence) is not told


def metric(name: str, *, better: bool = False) -> Any:
    """Return a metric of a trial."""
    return SimpleNamespace(metric=name, better=better)


def test_progress_and_table_tell_the_metric_that_the_verdict_rests_on() -> None:
    """What is better where something is, else the first, whatever became of the others."""
    held, train = metric("validation accuracy"), metric("training accuracy", better=True)
    assert deciding("better", [held, train]) == [train]
    assert deciding("no-better", [held, train]) == [held]
    assert deciding("refused", []) == []


def test_the_change_is_named_once() -> None:
    """Two changes keep their names."""
    one, two = SimpleNamespace(change="lr"), SimpleNamespace(change="clip")
    assert detail(SimpleNamespace(detail="lr: no rate", changes=[one]), Words("en")) == "no rate"
    assert detail(SimpleNamespace(detail="lr: no rate", changes=[one, two]), Words("en")) == "lr: no rate"


@pytest.mark.parametrize("room", [2, 99])
def test_what_the_budget_left_untried_is_counted(session: Made, room: int) -> None:
    """Once, all that was announced and not begun; where there was time for all of it, nothing is said."""
    made, announced = session("needs magic"), []
    made.progress.trying = lambda number, count, _: announced.append(count - number)
    made._room_to_screen = lambda _: len(announced) < room
    made.run()
    notes = [note for note in answer.document(made).notes if "untried for want of time" in note]
    assert not any("not tried within the budget" in note for note in answer.document(made).notes)
    assert [note.partition(";")[0] for note in notes] == (
        [f"changes left untried for want of time: {announced[-1]} (among them lr factor=10, init to=he, fix-data)"]
        if room == 2
        else []
    )
