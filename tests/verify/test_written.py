"""What verify writes: a document without secrets, and a changed script that takes nobody's work away."""

import json
from types import SimpleNamespace

import pytest

from trainadvisor.commands import applying
from trainadvisor.errors import UsageError
from trainadvisor.i18n.language import Words
from trainadvisor.judge.result import Edit
from trainadvisor.source.reading import parse
from trainadvisor.verify import answer
from trainadvisor.verify.permanent import Permanent
from trainadvisor.verify.session import Request
from trainadvisor.verify.verify_result import Baseline, Trial, Verification, Verified, as_json

SOURCE = "lr = 0.1\n"


def check(target, path, **options):
    """Check where the changed script goes, as before a run."""
    module = options.pop("module", False)
    applying.check_applied(Request(str(target), (), module), path, **{"overwrite": False, **options})


@pytest.fixture
def script(tmp_path):
    """A script."""
    path = tmp_path / "train.py"
    path.write_text(SOURCE)
    return path


@pytest.mark.parametrize("content", ["precious", "", SOURCE + "# mine\n", b"\xff\x00"])
def test_a_file_that_differs_from_the_script_is_not_written_over(script, content):
    """Unless that is asked for."""
    path = script.with_name("fixed.py")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=r"fixed\.py: is there already and differs from .*--overwrite"):
        check(script, path)
    check(script, path, overwrite=True)


def test_a_new_file_the_script_itself_and_a_copy_of_it_may_be_written(script):
    """Nothing is lost there that is not in the script."""
    copy = script.with_name("copy.py")
    copy.write_text(SOURCE)
    for path in (script.with_name("new.py"), script, copy):
        check(script, path)


def test_to_write_over_something_needs_something_to_write(script):
    """And the lines of a module are not known."""
    check(script, None)
    with pytest.raises(UsageError, match="--overwrite: has no meaning without --apply-to"):
        check(script, None, overwrite=True)
    with pytest.raises(UsageError, match="the lines of a module are not known"):
        check("package.train", script.with_name("new.py"), module=True)


@pytest.mark.parametrize(("content", "overwrite", "written"), [
    (None, False, True), (SOURCE, False, True), ("edited", False, False), ("edited", True, True),
])  # fmt: skip
def test_work_on_the_file_during_the_trials_is_kept(tmp_path, monkeypatch, capsys, content, overwrite, written):
    """It is looked at again before it is written, and said what became of it, in both languages."""
    path = tmp_path / "fixed.py"
    for lang, word in {"en": "has been edited since", "zh": "已被编辑"}.items():
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)
        made = Permanent().with_file(parse(SOURCE, "train.py"), "lr = 0.01\n")
        monkeypatch.setattr(answer, "best", lambda *_, made=made: made)
        asked = SimpleNamespace(request=Request("train.py", ()))
        applying.apply(asked, SOURCE, path, Words(lang), overwrite=overwrite)
        assert path.read_text() == ("lr = 0.01\n" if written else content)
        assert (word in capsys.readouterr().err) is not written


URL, TOKEN = "postgres://me:letmein@host/data", "hf_" + "a1B2" * 8


def document():
    """Return a document with secrets in every kind of text."""
    line = f'login("{TOKEN}"); token = tokenizer; lr = 0.01'
    return Verification(
        answer="verified", sentence=f"read {URL}", target="train.py", args=["--api-key", "topsecret99", "--lr", "0.1"],
        baseline=Baseline(state="broken", summary=f"no answer from {URL}", metrics={"loss": float("nan")}),
        trials=[Trial(name="lr", changes=[], verdict="failed", detail=f"ConnectionError: {URL}")],
        verified=[Verified(
            change="lr", arguments={"value": 0.01}, metric="loss", before=float("nan"), after=0.5, interval=None,
            seeds=1, wins=1, diff=f"- lr = 0.1\n+ {line}",
            edits=[Edit(file="train.py", line=1, old="lr = 0.1", new=line)],
        )],
        diagnosis={"run": {"argv": ["--token", "topsecret99"], "notes": [URL]}, "findings": [{"code": "lr-too-high"}]},
    )  # fmt: skip


def test_the_document_holds_no_secret_that_a_log_would_not_hold():
    """Passwords of addresses, values of telling options, tokens; at any depth."""
    text = as_json(document())
    assert [secret for secret in ("letmein", "topsecret99", TOKEN) if secret in text] == []
    told = json.loads(text)
    assert told["args"] == ["--api-key", "***", "--lr", "0.1"]
    assert told["baseline"]["summary"] == "no answer from postgres://me:***@host/data"
    assert told["diagnosis"]["run"]["argv"] == ["--token", "***"]


def test_lines_of_the_script_stay_code():
    """A name such as token is no secret there, only what is written out is."""
    told = json.loads(as_json(document()))["verified"][0]
    assert told["edits"][0]["new"] == 'login("***"); token = tokenizer; lr = 0.01'
    assert told["diff"] == '- lr = 0.1\n+ login("***"); token = tokenizer; lr = 0.01'


def test_a_document_without_secrets_is_written_as_it_is():
    """With numbers that are none as texts, and words of any language."""
    made = Verification(answer="not-judged", sentence="无法判断", baseline=Baseline(state="cannot-tell", summary=""))
    text = as_json(made)
    assert Verification.model_validate_json(text) == made
    assert "无法判断" in text
    assert json.loads(as_json(document()))["verified"][0]["before"] == "NaN"


def test_what_a_remedy_does_not_tell_is_told_as_nothing():
    """A margin of zero, no others, no curves."""
    told = json.loads(as_json(document()))["verified"][0]
    assert {name: told[name] for name in ("margin", "spread", "steps", "text", "where", "code")} == {
        "margin": 0.0, "spread": None, "steps": 0, "text": "", "where": None, "code": None,
    }  # fmt: skip
    assert [told[name] for name in ("combined_with", "gone", "left", "others", "curves")] == [[], [], [], [], {}]
