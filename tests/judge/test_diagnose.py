"""From a log to a diagnosis."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from builders import event, log_of, make_optimizer
from rulekit import cause, rule

from trainadvisor import telling
from trainadvisor.configuration import Config
from trainadvisor.errors import ConfigError
from trainadvisor.judge import assembly
from trainadvisor.judge.result import Diagnosis, json_schema
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rulebook import Rule, Rulebook
from trainadvisor.telling import diagnose, told_run

Judge = Callable[..., Diagnosis]
FALLING = [2.0 / (1 + i) for i in range(40)]
SETTLED = [0.1 + 1.9 * math.exp(-i / 10) for i in range(200)]

RATE = cause(
    "rate",
    when=("steps > 1",),
    evidence="exact",
    site="optimizer",
    explains={"flat": 0.9},
    values={"lower": "nice(steps / 10)"},
    remedies=(
        {
            "change": "lr",
            "arguments": {"value": "lower", "kind": "adam"},
            "applies": "adapt",
            "en": "Use {lower}.",
            "zh": "用 {lower}。",
            "edit": {"argument": "lr", "to": "{lower:.2g}"},
            "code": "lr = {lower}",
        },
        {"change": "clip", "applies": "try", "en": "Clip at {grad_norm_median}.", "zh": "裁剪 {grad_norm_median}。"},
    ),
)
FLAT = rule("flat", when=("steps > 1",))
QUIET = cause("quiet", when=("steps < 0",), explains={"flat": 0.8})
BLIND = cause("blind", when=("val_loss_final > 0",), explains={"flat": 0.8})


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    """Judge a small log with a few rules."""

    def judge(*rules: Rule, lang: str = "en", off: dict[str, str] | None = None, **parts: Any) -> Diagnosis:
        log = log_of(tmp_path, **{"columns": {"loss": FALLING}, "optimizers": [make_optimizer(lr=0.1)], **parts})
        return telling.told(assembly.judge_log(log, Rulebook({r.code: r for r in rules}, off=off or {})), lang)

    return judge


def test_a_symptom_is_told_alone(judged: Judge) -> None:
    """What is seen of a fault is no cause of what else is seen of it: the headline claims no more."""
    symptom = rule("seen", when=("steps > 1",), evidence="exact", explains={"flat": 0.9})
    diagnosis = judged(symptom, FLAT)
    assert [f.code for f in diagnosis.findings[0].explains] == ["flat"]
    assert diagnosis.summary == "seen."


def test_a_broken_run(judged: Judge) -> None:
    """State, summary, nested consequence, place."""
    diagnosis = judged(RATE, FLAT)
    assert (diagnosis.state, diagnosis.summary) == ("broken", "rate, so flat.")
    assert [f.code for f in diagnosis.findings] == ["rate"]
    assert [f.code for f in diagnosis.findings[0].explains] == ["flat"]
    assert diagnosis.findings[0].where == "train.py:41"
    assert diagnosis.findings[0].confidence == "certain"


def test_a_remedy_is_a_diff_of_the_users_line(judged: Judge) -> None:
    """The number is computed of this run, the line is the one that was recorded."""
    first = judged(RATE).findings[0].remedies[0]
    before, after = (f"optimizer = torch.optim.SGD(model.parameters(), lr={lr})" for lr in ("0.1", "4"))
    assert first.code == f"- {before}\n+ {after}"
    assert (first.applies, first.where, first.text, first.arguments) == (
        "paste",
        "train.py:41",
        "Use 4.",
        {"value": 4.0, "kind": "adam"},
    )


def test_a_remedy_without_its_number_is_left_out(judged: Judge) -> None:
    """Gradient norms were not recorded, so the second remedy has nothing to say."""
    assert [r.change for r in judged(RATE).findings[0].remedies] == ["lr"]
    with_norms = judged(RATE, columns={"loss": FALLING, "grad_norm": [1.0] * 40})
    assert [r.change for r in with_norms.findings[0].remedies] == ["lr", "clip"]


def test_without_a_recorded_line_the_code_is_the_rules_own(judged: Judge) -> None:
    """No site, no diff, and it is not ready to paste."""
    remedy = judged(RATE, optimizers=[]).findings[0].remedies[0]
    assert (remedy.code, remedy.applies, remedy.where) == ("lr = 4", "adapt", None)


def test_a_symptom_without_a_cause_has_its_differential(judged: Judge) -> None:
    """Causes that were judged and are clear are ruled out; those that were not say what to record."""
    flat = judged(FLAT, QUIET, BLIND).findings[0]
    assert [(r.code, r.text) for r in flat.ruled_out] == [("quiet", "judged and not the case")]
    assert [u.code for u in flat.not_judged] == ["blind"]
    assert flat.not_judged[0].how


def test_lookalikes_are_ruled_out_only_when_clear(judged: Judge) -> None:
    """A look-alike that was found too is not ruled out."""
    looks = rule(
        "looks",
        when=("steps > 1",),
        lookalikes=({"code": "quiet", "en": "it is loud", "zh": "很吵"}, {"code": "rate", "en": "-", "zh": "-"}),
    )
    found = next(f for f in judged(looks, QUIET, RATE, lang="zh").findings if f.code == "looks")
    assert [(r.code, r.text) for r in found.ruled_out] == [("quiet", "很吵")]


def test_unknown_rules_say_what_to_record(judged: Judge) -> None:
    """Missing signals and how to get them, in the language that was asked for."""
    english, chinese = (judged(BLIND, lang=lang).unknown[0] for lang in ("en", "zh"))
    assert english.missing == chinese.missing == ["val_loss_final"]
    assert english.how != chinese.how


def test_rules_switched_off_or_out_of_context(judged: Judge) -> None:
    """Both are listed as not judged with the reason."""
    diagnosis = judged(
        FLAT,
        rule("gan", off=("accumulation",)),
        off={"flat": "by design"},
        columns={"loss": FALLING, "micro": [4] * 40},
    )
    assert {u.code: u.how for u in diagnosis.unknown} == {
        "flat": "switched off: by design",
        "gan": "does not apply to this kind of training (gradients are accumulated)",
    }


def test_a_healthy_run(judged: Judge) -> None:
    """Nothing found, enough judged, the loss fell and is flat in the end."""
    diagnosis = judged(QUIET, columns={"loss": SETTLED})
    assert (diagnosis.state, diagnosis.clear) == ("healthy", ["quiet"])
    assert diagnosis.summary == "training converged normally; nothing needs changing."
    assert judged(QUIET, lang="zh", columns={"loss": SETTLED}).summary == "训练正常收敛，无需修改。"


def test_notes_never_change_the_state(judged: Judge) -> None:
    """A note stands below a healthy verdict."""
    diagnosis = judged(QUIET, rule("hint", when=("steps > 1",), severity="note"), columns={"loss": SETTLED})
    assert (diagnosis.state, [f.code for f in diagnosis.findings]) == ("healthy", ["hint"])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"columns": {"loss": FALLING[:10]}}, "10 steps recorded"),
        ({"columns": {"lr": [0.1] * 40}}, "no loss was seen"),
    ],
)
def test_too_little_to_judge(judged: Judge, parts: dict[str, Any], message: str) -> None:
    """Few steps, or no loss: silence would be a lie."""
    diagnosis = judged(QUIET, **parts)
    assert diagnosis.state == "cannot-tell"
    assert message in diagnosis.summary


def test_a_log_that_is_cut_is_never_healthy(judged: Judge) -> None:
    """Nothing is known of what came after; a fault that is in it is told as ever."""
    cut = event("log-cut", {"reason": "No space left on device", "steps": 900}, subject="log")
    diagnosis = judged(QUIET, events=[cut])
    assert diagnosis.state == "cannot-tell"
    assert diagnosis.summary == (
        f"the log was cut off (No space left on device): no fault was found in the {len(FALLING)} steps that are in it"
        f" ({len(FALLING)} / 900)."
    )
    note = f"the log ends before the training: No space left on device; {len(FALLING)} of 900 steps are in it"
    assert note in diagnosis.notes
    assert judged(FLAT, events=[cut]).state == "broken"
    unknown = judged(QUIET, events=[event("log-cut", {"reason": 3, "steps": "many"})])
    assert unknown.state == "cannot-tell"
    assert unknown.summary.endswith("steps that are in it.")


def test_few_steps_do_not_hide_an_error(judged: Judge) -> None:
    """What was found is found."""
    assert judged(FLAT, columns={"loss": FALLING[:5]}).state == "broken"


def test_a_warning_needs_attention(judged: Judge) -> None:
    """The third state."""
    assert judged(rule("mild", when=("steps > 1",), severity="warning")).state == "needs-attention"


def test_roots_after_the_third_are_also_seen(judged: Judge) -> None:
    """Nothing is dropped; the fourth is only listed."""
    diagnosis = judged(*(cause(f"c{i}", when=("steps > 1",)) for i in range(5)))
    assert [f.also_seen for f in diagnosis.findings] == [False, False, False, True, True]


def test_rivals_name_the_test_that_separates_them(judged: Judge) -> None:
    """Two findings with opposite remedies."""
    test = {"code": "lr-too-low", "en": "run both", "zh": "都试一次"}
    high = cause("lr-too-high", when=("steps > 1",), rivals=(test,))
    diagnosis = judged(high, cause("lr-too-low", when=("steps > 1",)))
    assert {f.code: f.rival.code if f.rival else None for f in diagnosis.findings} == {
        "lr-too-high": "lr-too-low",
        "lr-too-low": "lr-too-high",
    }


def test_a_failing_rule_is_a_note(judged: Judge) -> None:
    """The others are judged."""
    diagnosis = judged(rule("bad", when=("optimizer_class > 1",)), QUIET)
    assert diagnosis.clear == ["quiet"]
    assert diagnosis.notes[0].startswith("rule bad failed: TypeError")


def test_the_published_schema_holds(judged: Judge) -> None:
    """A diagnosis as JSON is what the schema says, and names its version."""
    document = judged(RATE, FLAT, QUIET, BLIND).model_dump(mode="json")
    assert document["schema"] == "trainadvisor/diagnosis/1"
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(document, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "state": "odd"}, json_schema())


def test_diagnose_with_all_rules(tmp_path: Path) -> None:
    """The shipped rules on a log without anything: cannot tell, in both languages."""
    path = log_of(tmp_path).path
    assert diagnose(path).state == "cannot-tell"
    assert diagnose(path, lang="zh").summary == "只记录了 0 步；至少需要 20 步才能判断。"


def test_a_projects_settings_hold() -> None:
    """Thresholds are changed by key; what does not exist is refused with the nearest name."""
    book = Rulebook({"odd": rule("odd", thresholds={"limit": 1.0})})
    assert book.configured(Config(thresholds={"odd": {"limit": 5.0}})).rules["odd"].thresholds == {"limit": 5.0}
    with pytest.raises(ConfigError, match='no rule is called od; did you mean "odd"'):
        book.configured(Config(off={"od": "x"}))
    with pytest.raises(ConfigError, match='no threshold is called limt; did you mean "limit"'):
        book.configured(Config(thresholds={"odd": {"limt": 5.0}}))


def test_every_rule_has_a_family_with_a_name() -> None:
    """Folders of rules are families that both languages name."""
    book = load()
    for rule_ in book.rules.values():
        assert book.family_name(rule_.family, "zh") != rule_.family


@pytest.mark.parametrize(
    ("title", "inner"),
    [
        ("The rate is high.", "the rate is high"),
        ("Adam's epsilon", "Adam's epsilon"),
        ("NaN", "NaN"),
        ("梯度爆炸。", "梯度爆炸"),
    ],
)
def test_titles_within_a_sentence(title: str, inner: str) -> None:
    """The first letter is small unless the word is a name."""
    assert told_run._inner(title) == inner
