"""Where a verified change is made for good: at the place where the person sets the value, whole or not at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log, make_optimizer, site

from trainadvisor.commands import applying
from trainadvisor.commands.common import rulebook
from trainadvisor.i18n.language import Words
from trainadvisor.judge.result import Diagnosis, Finding, Remedy
from trainadvisor.log.reader import read_log
from trainadvisor.trials.jobs import Change
from trainadvisor.verify import answer
from trainadvisor.verify import permanent as permanently
from trainadvisor.verify.permanent import Permanent, Place, changed, permanent
from trainadvisor.verify.plan import Candidate

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "import torch\nmodel = torch.nn.Linear(2, 2)\n"
CONFIG = "epochs: 3\noptim:\n  lr: 0.5  # by hand\n  decay: 0.1\n"
LOADED = HEAD + 'import yaml\ncfg = yaml.safe_load(open("config.yaml"))\n'
PARSED = HEAD + (
    "import argparse\nparser = argparse.ArgumentParser()\n"
    'parser.add_argument("--lr", type=float, default=0.5)\nargs = parser.parse_args()\n'
)
LOWER, DECAY = Change("lr", {"value": 0.005}), Change("weight-decay", {"value": 0.0})


def places(folder: Path, text: str, *, argv: tuple[str, ...] = ()) -> Place:
    """Return what is known of a script that ends with its optimizer."""
    (folder / "train.py").write_text(text)
    lines = text.rstrip("\n").split("\n")
    made = make_optimizer(lr=0.5) | {"site": site(lines[-1], len(lines))}
    path = build_log(
        folder, columns={"loss": [1.0] * 5, "lr": 0.5}, optimizers=[made], script="train.py", argv=list(argv)
    )
    return Place(Diagnosis(state="broken", summary=""), read_log(path), "train.py", text)


def ending(head: str, rate: str) -> str:
    """Return a script whose optimizer takes its rate from an expression."""
    return f"{head}opt = torch.optim.SGD(model.parameters(), lr={rate})\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (ending(HEAD, "0.5"), "opt = torch.optim.SGD(model.parameters(), lr=0.005)"),
        (ending(HEAD + "LR = 0.5\n", "LR"), "LR = 0.005"),
        (ending(HEAD + 'C = {"lr": 0.5, "n": 3}\n', 'C["lr"]'), 'C = {"lr": 0.005, "n": 3}'),
        (ending(PARSED, "args.lr"), 'parser.add_argument("--lr", type=float, default=0.005)'),
        (ending(HEAD, "rate() / 2"), "opt = torch.optim.SGD(model.parameters(), lr=0.005)"),
    ],
    ids=["literal", "constant", "dictionary", "default", "computed"],
)
def test_a_value_is_set_where_the_person_sets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: str
) -> None:
    """What is computed is replaced in the call itself, so that the script does what the trial did."""
    monkeypatch.chdir(tmp_path)
    made = permanent(Candidate((LOWER,)), places(tmp_path, text))
    assert ([edit.new for edit in made.edits], made.whole) == ([line], True)


def test_values_of_a_configuration_file_are_set_there_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second on top of the first."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)
    text = (
        LOADED
        + 'opt = torch.optim.SGD(model.parameters(), lr=cfg["optim"]["lr"], weight_decay=cfg["optim"]["decay"])\n'
    )
    made = permanent(Candidate((LOWER, DECAY)), places(tmp_path, text))
    assert {name: source.text for name, source in made.after.items()} == {
        "config.yaml": "epochs: 3\noptim:\n  lr: 0.005  # by hand\n  decay: 0\n"
    }
    assert [edit.where for edit in made.edits] == ["config.yaml:3"]


def test_what_the_command_line_gives_is_no_line_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A default that is not used would change nothing."""
    monkeypatch.chdir(tmp_path)
    made = permanent(Candidate((LOWER,)), places(tmp_path, ending(PARSED, "args.lr"), argv=("--lr", "0.5")))
    assert (made.edits, [(p.kind, p.words, p.value) for p in made.outside]) == ([], [("option", "--lr", "0.005")])


def test_both_changes_of_a_trial_are_made_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two in one call; and beside one whose line is not known, the other alone is not the whole."""
    monkeypatch.chdir(tmp_path)
    place = places(tmp_path, ending(HEAD, "0.5"))
    both = permanent(Candidate((LOWER, DECAY)), place)
    assert [edit.new for edit in both.edits] == ["opt = torch.optim.SGD(model.parameters(), lr=0.005, weight_decay=0)"]
    half = permanent(Candidate((LOWER, Change("fix-labels", {}))), place)
    assert (len(half.edits), half.unknown, half.whole) == (1, (1,), False)


LISTED = """import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = [torch.nn.Linear(2, 2) for _ in range(3)]
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x
"""


@pytest.mark.parametrize(
    ("applies", "place", "lines"),
    [
        ("adapt", 0, ["        self.blocks = torch.nn.ModuleList([torch.nn.Linear(2, 2) for _ in range(3)])"]),
        ("try", 0, []),
        ("adapt", 1, []),
    ],
    ids=["mend", "experiment", "second"],
)
def test_a_mend_told_in_words_is_written_as_lint_mends_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, applies: str, place: int, lines: list[str]
) -> None:
    """Another code explains the finding; an experiment, and a second remedy, are other changes than that."""
    monkeypatch.chdir(tmp_path)
    told = places(tmp_path, ending(LISTED + "model = Net()\n", "0.5"))
    named = [Remedy(change=name, arguments={}, applies=applies, text="") for name in ("use-modulelist", "fix-labels")]
    found = Finding(
        code="optimizer-param-mismatch", family="wiring", kind="cause", severity="error", confidence="certain",
        title="", sentence="", remedies=named[::-1] if place else named,
    )  # fmt: skip
    told.diagnosis.findings.append(found)
    monkeypatch.setattr(permanently, "_book", lambda _: rulebook())
    made = permanent(Candidate((Change("use-modulelist", {}),), found.code), told)
    assert ([edit.new for edit in made.edits], made.unknown) == (lines, () if lines else (0,))


def test_each_change_keeps_the_words_of_its_own_remedy() -> None:
    """Also after one that no finding asked for, and after a second value of the first."""
    clip = Remedy(change="clip", arguments={}, applies="try", text="Clip.")
    joined = Candidate((LOWER,), origin="fallback").joined(Candidate((Change("clip", {}),), remedies=(clip,)))
    assert joined.parts == ((LOWER, None), (Change("clip", {}), clip))
    assert answer.text(joined, Words("en")).endswith(" + Clip.")


def test_lines_are_exchanged_only_where_they_are_what_they_were() -> None:
    """Lines put before another, a line for another, and one that has changed since."""
    from trainadvisor.judge.result import Edit

    put, new = Edit(file="t.py", line=1, new="z", anchor="a"), Edit(file="t.py", line=2, old="b", new="c\nd")
    assert changed("a\nb\n", [put, new]) == "z\na\nc\nd\n"
    assert changed("a\nB\n", [put, new]) is None


def told(made: Permanent, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, name: str, *args: str) -> str:
    """Return what is said when a change is to be written to a file."""
    held = [SimpleNamespace(candidate=Candidate((LOWER,)))]
    monkeypatch.setattr(answer, "best", lambda *_: made)
    monkeypatch.setattr(answer, "held", lambda _: held)
    session: Any = SimpleNamespace(request=SimpleNamespace(target="train.py", args=args), lang="en")
    applying.apply(session, None, folder / name, Words("en"), overwrite=True)
    return " ".join(capsys.readouterr().err.split())


def test_a_change_of_a_configuration_goes_to_a_file_of_its_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And is told with its line where the file is to be a script."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)
    made = permanent(Candidate((LOWER,)), places(tmp_path, ending(LOADED, 'cfg["optim"]["lr"]')))
    assert "config.yaml:3 becomes `lr: 0.005 # by hand`" in told(made, tmp_path, monkeypatch, capsys, "fixed.py")
    assert not (tmp_path / "fixed.py").exists()
    told(made, tmp_path, monkeypatch, capsys, "fixed.yaml")
    assert (tmp_path / "fixed.yaml").read_text() == CONFIG.replace("0.5", "0.005")


def test_a_value_of_the_command_line_is_told_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its other arguments stay."""
    monkeypatch.chdir(tmp_path)
    args = ("--lr=0.5", "--seed", "3")
    made = permanent(Candidate((LOWER,)), places(tmp_path, ending(PARSED, "args.lr"), argv=args))
    text = told(made, tmp_path, monkeypatch, capsys, "fixed.py", *args)
    assert text.endswith("the same run with it: python train.py --lr=0.005 --seed 3")


def test_a_change_whose_lines_are_not_known_is_the_persons_to_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said in words, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    made = Permanent(unknown=(0,))
    text = told(made, tmp_path, monkeypatch, capsys, "fixed.py")
    assert "fixed.py: not written: this change is yours to make: " in text
    assert not (tmp_path / "fixed.py").exists()
