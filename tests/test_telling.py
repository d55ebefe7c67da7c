"""A judgement has no language; it is told in as many as are wanted, and the log is judged once."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from builders import log_of, make_optimizer
from click.testing import CliRunner
from rulekit import cause, rule

from trainadvisor import document, telling
from trainadvisor.commands import diagnose
from trainadvisor.judge import assembly, trainings
from trainadvisor.judge.judgement import Unjudged
from trainadvisor.judge.result import Edit, Site
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.log import reader
from trainadvisor.signals.context import CONTEXTS
from trainadvisor.telling import told_findings, told_run

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.judge.judgement import Judgement

RATE = cause(
    "rate",
    when=("steps > 1",),
    evidence="exact",
    site="optimizer",
    explains={"flat": 0.9},
    values={"lower": "nice(steps / 10)"},
    texts={
        "en": {"title": "The rate is odd", "finding": "After {steps} steps.", "evidence": ["{steps} steps"]},
        "zh": {"title": "学习率异常", "finding": "经过 {steps} 步。", "evidence": ["{steps} 步"]},
    },
    remedies=(
        {
            "change": "lr",
            "applies": "adapt",
            "en": "Use {lower}.",
            "zh": "用 {lower}。",
            "edit": {"argument": "lr", "to": "{lower:.2g}"},
        },
    ),
)
FLAT = rule("flat", when=("steps > 1",))
OLD = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)"


@pytest.fixture
def judgement(tmp_path: Path) -> Judgement:
    """Judge a small log with two rules."""
    log = log_of(tmp_path, columns={"loss": [2.0 / (1 + i) for i in range(40)]}, optimizers=[make_optimizer(lr=0.1)])
    return assembly.judge_log(log, Rulebook({r.code: r for r in (RATE, FLAT)}))


def texts(value: Any) -> list[str]:
    """Return every text in a value that is made of dataclasses and plain containers."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Rulebook):
        return []
    if dataclasses.is_dataclass(value):
        return [text for part in vars(value).values() for text in texts(part)]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [text for part in parts for text in texts(part)]


def test_a_judgement_holds_no_sentence(judgement: Judgement) -> None:
    """Codes, values and places; the sentences come from the rulebook when it is told."""
    found = texts([judgement.findings, judgement.summary, judgement.unknown])
    assert {"rate", "flat"} <= set(found)
    assert not {text for text in found if "The rate is odd" in text or "Use " in text or not text.isascii()}
    assert judgement.findings[0].values == {"steps": 40, "lower": 4.0}
    assert (judgement.summary.kind, judgement.summary.values) == ("because", {"effect": "flat", "cause": "rate"})


def test_the_headline_names_what_happens_and_no_setting(judgement: Judgement) -> None:
    """A cause that seems to follow, such as a low learning rate, is none of the effects."""
    found = told_findings.findings(judgement, "en")
    follower = found[0].explains[0]
    kinds = {"symptom": "optimization", "cause": "optimization"}
    told = {
        kind: told_run.summary(
            judgement,
            [found[0].model_copy(update={
                "kind": "cause", "explains": [follower.model_copy(update={"kind": kind, "family": family})],
            })],
            "en",
        )
        for kind, family in kinds.items()
    }  # fmt: skip
    assert told["cause"] == "the rate is odd."
    assert told["symptom"].startswith("the rate is odd, so ")


def test_places_and_changes_are_structured(judgement: Judgement) -> None:
    """File and line are fields, and so are the line that goes and the one that comes."""
    found = judgement.findings[0]
    assert found.sites == (Site(file="train.py", line=41, source=OLD),)
    assert found.remedies[0].edits == (Edit(file="train.py", line=41, old=OLD, new=OLD.replace("0.1", "4")),)


def test_one_judgement_is_told_in_both_languages(judgement: Judgement) -> None:
    """The facts are the same, the sentences are not."""
    english, chinese = (telling.told(judgement, lang) for lang in ("en", "zh"))
    assert (english.lang, english.findings[0].sentence) == ("en", "After 40 steps.")
    assert (chinese.lang, chinese.findings[0].sentence) == ("zh", "经过 40 步。")
    assert english.findings[0].remedies[0].code == chinese.findings[0].remedies[0].code
    assert telling.told_in(english, "zh") == chinese


def test_a_diagnosis_remembers_what_it_tells(judgement: Judgement) -> None:
    """So do its copies; JSON and schema know nothing of it."""
    diagnosis = telling.told_as(document.Diagnosis, judgement, "en")
    assert diagnosis.told("zh").summary == telling.told(judgement, "zh").summary
    assert copy.deepcopy(diagnosis).judgement is judgement
    assert "judgement" not in json.loads(diagnosis.model_dump_json())
    assert document.Diagnosis.model_validate_json(diagnosis.model_dump_json()).judgement is None


def test_a_diagnosis_can_be_pickled(judgement: Judgement) -> None:
    """Between processes it travels with what it tells."""
    again = pickle.loads(pickle.dumps(telling.told(judgement)))  # noqa: S301 - our own
    assert telling.told_in(again, "zh").summary == telling.told(judgement, "zh").summary


def test_an_insertion_names_the_line_before_which_it_is_put() -> None:
    """The anchor stays as it is."""
    edit = Edit(file="train.py", line=9, new="clip(model)\nlog()", anchor="optimizer.step()")
    assert edit.diff() == "+ clip(model)\n+ log()\n  optimizer.step()"
    assert edit.where == "train.py:9"


def test_a_page_in_two_languages_judges_and_reads_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other language is told from the same judgement."""
    log_of(tmp_path, columns={"loss": [2.0 / (1 + i) for i in range(40)]}, optimizers=[make_optimizer(lr=0.1)])
    judged, read = trainings.judge_log, reader.read_log
    calls: list[str] = []
    monkeypatch.setattr(trainings, "judge_log", lambda *args: calls.append("judge") or judged(*args))
    monkeypatch.setattr(reader, "read_log", lambda *args: calls.append("read") or read(*args))
    log = next(tmp_path.glob("*.json"))
    result = CliRunner().invoke(diagnose.command, [str(log), "--html", str(tmp_path / "page.html")])
    assert (result.exit_code, calls) == (0, ["read", "judge"])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "nothing wrong shows in what was recorded" in page
    assert any("\u4e00" <= character <= "\u9fff" for character in page)


def test_every_kind_of_training_has_words() -> None:
    """In which a rule does not apply, in both languages."""
    assert set(told_findings.CONTEXTS) == set(CONTEXTS)
    entry = Unjudged("plateau", "context", "finetuning", ())
    assert told_findings.unknown(entry, "en").how == "does not apply to this kind of training (fine-tuning)"
    assert told_findings.unknown(entry, "zh").how == "不适用于这类训练（微调）"
