"""Which metrics the answer names beside the one that decides."""

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.verify.answer import document, verified
from trainadvisor.verify.outcome_words import told
from trainadvisor.verify.paired_gains import effect
from trainadvisor.verify.trial_verdict import Comparison


@pytest.fixture
def cured(session):
    """A session that has verified a remedy."""
    made = session("needs add-zero-grad", seeds=1, fix="missing-zero-grad")
    made.run()
    return made


def metric(name, gain, **facts):
    """Return a metric over one pair, where a tenth matters."""
    found = effect([gain], [0.0], 0.1)
    base = {"higher": True, "held_out": False, "own": False, "useful": True, "share": False}
    return Comparison(name, 0.0, gain, found, found, **{**base, **facts})


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_at_most_three_metrics_are_named(cured, monkeypatch, count):
    """The first that decides, and two more that are better; one that is not is left out."""
    tried = next(t for t in cured.tried if t.verdict == "better")
    metrics = [metric("plain", 0.0), *(metric(f"m{n}", 1.0, held_out=n == 0) for n in range(count))]
    monkeypatch.setattr(tried, "compared", metrics)
    found = verified(cured, tried, None)
    assert found.metric == "m0"
    assert [other.metric for other in found.others] == ["m1", "m2"][: count - 1]
    assert [name for name in ("plain", "m0", "m1", "m2", "m3") if name in told(found, Words("en"))] == [
        "m0", "m1", "m2",
    ][:count]  # fmt: skip


def test_a_remedy_that_is_not_better_is_never_told_as_verified(cured, monkeypatch):
    """Whoever asks for its figures is refused."""
    tried = next(t for t in cured.tried if t.verdict == "better")
    monkeypatch.setattr(tried, "compared", [metric("plain", 0.0)])
    with pytest.raises(ValueError, match="cannot be told as verified"):
        verified(cured, tried, None)


def test_the_document_names_what_was_run(cured):
    """The target, the runs and their seeds."""
    found = document(cured)
    assert (found.target, found.args, found.module, found.engine) == ("train.txt", [], False, "local")
    assert found.baseline.seeds == list(cured.baselines)
    assert found.verified[0].seeds == len(found.verified[0].curves["before"]) == 1
