"""`explain`, `rules`, `signals`: what can be looked up, and how mistakes in it are told."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from rulekit import HOLDING_CASES, RULE_FILE, write_rule

from trainadvisor.demos.scenarios import SCENARIOS
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rulebook import shipped_rules
from trainadvisor.signals import all_signals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[..., Any]

CODES = list(load().rules)


def listed(page: str) -> list[str]:
    """Return the codes of a list, in its order."""
    return re.findall(r"^  ([a-z]\S+)", page, flags=re.MULTILINE)


def test_explain_without_a_code_lists_all(call: Call) -> None:
    """The table of contents."""
    assert listed(call("explain").out) == list(load().rules)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page(call: Call, code: str, lang: str) -> None:
    """Its title, its fixes and how to check them, without a placeholder left."""
    outcome = call("explain", code, "--lang", lang)
    rule = load().rules[code]
    assert outcome.code == 0
    assert outcome.out.startswith(code)
    assert rule.title(lang) in outcome.out
    assert (f"trainadvisor demo {code}" in outcome.out) == (code in SCENARIOS)
    assert re.findall(r"\{\w+(?::[^}]*)?\}", outcome.out) == []


def test_explain_as_json(call: Call) -> None:
    """The rule with both languages and who causes it."""
    document = call("explain", "nan-loss", "--json").json
    assert document["code"] == "nan-loss"
    assert set(document["texts"]) == {"en", "zh"}
    assert "nan-inputs" in document["explained_by"]


def test_a_word_searches(call: Call) -> None:
    """Codes first."""
    assert listed(call("explain", "nan").out) == [code for code in load().rules if "nan" in code]


def test_a_chinese_word_searches_the_texts(call: Call) -> None:
    """People type what they see."""
    assert "nan-loss" in call("explain", "损失变成nan", "--lang", "zh").out


def test_an_unknown_code_names_the_nearest(call: Call) -> None:
    """And exits with 2."""
    outcome = call("explain", "nan-lsos")
    assert outcome.code == 2
    assert outcome.err.startswith('trainadvisor: no code and no rule mentions "nan-lsos"; did you mean nan-loss')


def test_rules_lists_every_rule_under_its_family(call: Call) -> None:
    """Codes, levels and titles."""
    page = call("rules").out
    assert listed(page) == list(load().rules)
    assert f"\n{len(load().rules)} rules\n" in page


def test_rules_as_json(call: Call) -> None:
    """One entry a rule, titles in both languages."""
    document = call("rules", "--json").json
    assert [row["code"] for row in document] == list(load().rules)
    assert all(set(row["title"]) == {"en", "zh"} for row in document)


def test_signals_lists_every_signal(call: Call) -> None:
    """With type and unit."""
    rows = call("signals", "--json").json
    assert [row["name"] for row in rows] == sorted(all_signals())
    assert f"{len(rows)} signals" in call("signals").out


def test_signals_in_chinese_are_chinese(call: Call) -> None:
    """Kind and unit, meaning, and what to record."""
    page = call("signals", "val_accuracy_best", "--lang", "zh").out
    assert page == (
        "accuracy\n  val_accuracy_best（数值、占比）\n    最高的验证准确率。\n    需要：验证集的准确率\n\n1 个信号\n"
    )


def test_signals_as_json_have_their_meaning_in_the_language(call: Call) -> None:
    """What programs compare stays as it is."""
    english, chinese = (call("signals", "val_accuracy_best", "--json", "--lang", lang).json for lang in ("en", "zh"))
    assert (english[0]["doc"], chinese[0]["doc"]) == ("Best validation accuracy.", "最高的验证准确率。")
    assert [{**row, "doc": ""} for row in english] == [{**row, "doc": ""} for row in chinese]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("word", ["best validation accuracy.", "最高的验证准确率"])
def test_signals_are_found_by_a_word_of_either_language(call: Call, word: str, lang: str) -> None:
    """People type what they look for."""
    assert [row["name"] for row in call("signals", word, "--json", "--lang", lang).json] == ["val_accuracy_best"]


def test_a_unit_that_says_no_more_than_the_kind_is_left_out(call: Call) -> None:
    """As is none at all."""
    assert "  loss_nonfinite (truth)\n" in call("signals", "loss_nonfinite", "--lang", "en").out
    assert "  lr_final (number)\n" in call("signals", "lr_final", "--lang", "en").out
    assert "  loss_final (number, loss)\n" in call("signals", "loss_final", "--lang", "en").out


def test_sound_rules_pass_their_check(call: Call, folder: Path) -> None:
    """Each loads, is typed, is complete in both languages, and passes its cases."""
    shutil.copytree(shipped_rules() / "numerics", folder / "mine" / "numerics")
    outcome = call("rules", "check", "mine")
    assert outcome.out.endswith("all passed\n"), outcome.out
    assert outcome.code == 0


def test_a_broken_rule_fails_its_check(call: Call, folder: Path) -> None:
    """With the file and the key."""
    path = folder / "mine" / "numerics" / "nan-loss.toml"
    path.parent.mkdir(parents=True)
    shutil.copy(shipped_rules() / "numerics" / "nan-loss.toml", path)
    path.write_text(path.read_text(encoding="utf-8").replace("loss_nonfinite", "loss_nonfinit"), encoding="utf-8")
    outcome = call("rules", "check", "mine")
    assert outcome.code == 1
    assert "mine/numerics/nan-loss.toml" in outcome.out
    assert "loss_nonfinit" in outcome.out


def test_a_rule_with_a_clause_that_no_case_holds_fails_its_check(call: Call, folder: Path) -> None:
    """What can go unnoticed is named, in a user's folder too; with cases that notice it passes."""
    write_rule(folder / "mine", RULE_FILE)
    outcome = call("rules", "check", "mine")
    assert outcome.code == 1
    assert "odd-loss.toml: unless[1] can be removed and no case notices" in outcome.out
    write_rule(folder / "mine", RULE_FILE + HOLDING_CASES)
    assert call("rules", "check", "mine").code == 0


def test_a_folder_of_rules_that_is_not_there(call: Call) -> None:
    """One line, exit 2."""
    outcome = call("rules", "check", "nowhere")
    assert (outcome.code, outcome.err) == (2, "trainadvisor: nowhere: no such folder of rules; check the path\n")


def test_ask_answers_in_the_language_of_the_question(call: Call) -> None:
    """A Chinese question needs no option."""
    assert "学习率" in call("ask", "如何选择合适的优化算法").out


def test_demo_lists_its_demos(call: Call) -> None:
    """Each with a sentence."""
    assert all(len(line.split()) > 2 for line in call("demo", "--list").out.splitlines())


def test_an_unknown_demo_is_one_line(call: Call) -> None:
    """And starts no training."""
    outcome = call("demo", "nonsense")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)


def test_a_new_rule_passes_the_check_as_it_stands(call: Call, tmp_path: Path) -> None:
    """`rules new` writes a file that `rules check` accepts, so that every later complaint is about what was changed."""
    assert call("rules", "new", "my-code", str(tmp_path / "mine")).out == f"{tmp_path / 'mine' / 'my-code.toml'}\n"
    assert call("rules", "check", str(tmp_path / "mine")).code == 0


def test_a_new_rule_replaces_no_file(call: Call, tmp_path: Path) -> None:
    """A rule that is there already stays as it is."""
    (tmp_path / "my-code.toml").write_text("mine")
    outcome = call("rules", "new", "my-code", str(tmp_path))
    assert (outcome.code, (tmp_path / "my-code.toml").read_text()) == (2, "mine")
    assert "choose another code" in outcome.err


@pytest.mark.parametrize("code", ["My-Code", "../code", "two words", "code-"])
def test_a_code_that_is_no_code_is_refused(call: Call, tmp_path: Path, code: str) -> None:
    """The file name is the code: lower-case words and hyphens."""
    assert call("rules", "new", code, str(tmp_path)).code == 2
    assert list(tmp_path.iterdir()) == []
