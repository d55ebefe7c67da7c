"""Findings with the lines of the script: where to change it, and remedies as edits of what the person sets."""

from pathlib import Path

import pytest

from trainadvisor.judge.result import Edit, Finding, Remedy, Site
from trainadvisor.judge.rule_loading import load
from trainadvisor.telling.told_lines import with_lines

BOOK = load()
MADE = "opt = torch.optim.SGD(net.parameters(), lr=RATE)"
SCRIPT = f"""import torch
RATE = 3.0
net = torch.nn.Linear(3, 1)
{MADE}
for x, y in loader:
    loss = (net(x) - y).square().mean()
    loss.backward()
    opt.step()
"""
RUN = {"script": "train.py", "argv": []}
HARD = Remedy(
    change="lr", arguments={"value": 0.003}, applies="paste", text="Lower it.",
    edits=[Edit(file="train.py", line=4, old=MADE, new=MADE.replace("RATE", "0.003"))],
)  # fmt: skip
CLEAR = Remedy(change="add-zero-grad", arguments={}, applies="adapt", text="Clear.", code="optimizer.zero_grad()")


@pytest.fixture(autouse=True)
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def finding(code: str, remedy: Remedy, confidence: str = "likely") -> Finding:
    """Return a finding about the optimizer."""
    site = Site(file="train.py", line=4, source=MADE)
    return Finding(
        code=code, family="wiring", kind="cause", severity="error", confidence=confidence, title=code, sentence=code,
        where=site.where, sites=[site], remedies=[remedy],
    )  # fmt: skip


def told(code: str, remedy: Remedy, lang: str = "en") -> Finding:
    """Return a finding with its lines."""
    return with_lines([finding(code, remedy)], RUN, BOOK, lang)[0]


def test_a_value_is_shown_where_it_is_set() -> None:
    """The constant first, then the argument that it arrives in; the edit is of the constant."""
    made = told("lr-too-high", HARD)
    shown = [
        (site.where, (site.source or "")[(site.column or 1) - 1 : (site.end_column or 1) - 1]) for site in made.sites
    ]
    assert shown == [("train.py:2", "3.0"), ("train.py:4", "RATE")]
    assert made.where == "train.py:2"
    assert (made.remedies[0].code, made.remedies[0].applies) == ("- RATE = 3.0\n+ RATE = 0.003", "paste")


def test_what_lint_sees_too_is_surer() -> None:
    """And its edit is the first remedy's, with the script's own names."""
    made = told("missing-zero-grad", CLEAR)
    assert made.confidence == "certain"
    assert [site.line for site in made.sites] == [8, 7]
    assert made.remedies[0].code == "+     opt.zero_grad()\n      loss.backward()"
    assert told("lr-too-high", HARD).confidence == "likely"


def test_a_change_is_written_once(script: Path) -> None:
    """A second remedy that asks for the same lines keeps its example; the lines stand under the first."""
    filtered = "opt = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=RATE)"
    changed = SCRIPT.replace(MADE, f"{filtered}\nnet.head = torch.nn.Linear(3, 1)")
    script.write_text(changed)
    early = Remedy(change="add-parameters", arguments={}, applies="adapt", text="Build it later.", code="later")
    group = Remedy(change="add-parameters", arguments={}, applies="adapt", text="Add a group.", code="add")
    held = finding("optimizer-param-mismatch", early).model_copy(update={"remedies": [early, group], "sites": []})
    held = held.model_copy(update={"sites": [Site(file="train.py", line=4, source=filtered)]})
    first, second = with_lines([held], RUN, BOOK, "en")[0].remedies
    assert [edit.line for edit in first.edits] == [4, 5]
    assert first.applies == "paste"
    assert (second.applies, second.code) == ("adapt", "add")


def test_a_flag_is_told_and_not_written_over(script: Path) -> None:
    """The remedy says how to run again, in either language."""
    head = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', type=float)\nargs = p.parse_args()\n"
    made = MADE.replace("RATE", "args.lr")
    script.write_text(head + made + "\n")
    edit = Edit(file="train.py", line=5, old=made, new=made.replace("args.lr", "0.003"))
    hard = HARD.model_copy(update={"edits": [edit]})
    held = finding("lr-too-high", hard).model_copy(update={"sites": [Site(file="train.py", line=5, source=made)]})
    for lang, words in (("en", "run again with --lr 0.003."), ("zh", "--lr 0.003 重新运行。")):
        remedy = with_lines([held], RUN, BOOK, lang)[0].remedies[0]
        assert remedy.text.endswith(words)
        assert (remedy.edits, remedy.code, remedy.applies) == ([], None, "adapt")


def test_a_script_that_has_changed_is_not_shown(script: Path) -> None:
    """What was recorded stands."""
    script.write_text(SCRIPT.replace(MADE, "opt = build()"))
    assert told("lr-too-high", HARD) == finding("lr-too-high", HARD)
    script.unlink()
    assert told("lr-too-high", HARD) == finding("lr-too-high", HARD)


def test_secrets_of_a_line_are_not_shown(script: Path) -> None:
    """In the excerpt and in the edit."""
    secret = "hf_" + "aB3" * 11 + "x"
    script.write_text(SCRIPT.replace(MADE, f'{MADE}; login("{secret}")'))
    made = with_lines(
        [finding("lr-too-high", HARD).model_copy(update={"sites": [Site(file="train.py", line=4, source=MADE[:40])]})],
        RUN, BOOK, "en",
    )[0]  # fmt: skip
    assert secret not in made.model_dump_json()


def test_what_is_no_edit_has_the_names_of_the_script() -> None:
    """In code and in the calls that a sentence names; arguments, attributes and other words stay."""
    code = "optimizer = Adam(model.parameters(), model=model)\nself.model(x)\nloss = 'loss'  # loss.item()"
    advised = Remedy(change="fix-data", arguments={}, applies="try", code=code, text="Let model.train() set the model.")
    made = told("label-problem", advised).remedies[0]
    assert made.text == "Let net.train() set the model."
    assert made.code == "opt = Adam(net.parameters(), model=net)\nself.model(x)\nloss = 'loss'  # loss.item()"


def test_a_usual_name_that_the_script_has_stays(script: Path) -> None:
    """Whatever it stands for there."""
    script.write_text(SCRIPT + "def score(model):\n    return model\n")
    advised = Remedy(change="fix-data", arguments={}, applies="try", code="optimizer.step(model)", text="Step.")
    assert told("label-problem", advised).remedies[0].code == "opt.step(model)"


def test_a_layer_that_goes_is_shown_and_not_the_comma_before_it(script: Path) -> None:
    """With the loss that it stands before."""
    script.write_text(
        "import torch\nfrom torch import nn\nnet = nn.Sequential(\n    nn.Linear(3, 2),\n    nn.Softmax(dim=1),\n)\n"
        "for x, y in loader:\n    loss = nn.functional.cross_entropy(net(x), y)\n    loss.backward()\n"
    )
    advised = Remedy(change="remove-output-activation", arguments={}, applies="adapt", text="Take it out.")
    site = Site(file="train.py", line=8, source="loss = nn.functional.cross_entropy(net(x), y)")
    held = finding("softmax-before-cross-entropy", advised).model_copy(update={"sites": [site]})
    assert [site.line for site in with_lines([held], RUN, BOOK, "en")[0].sites] == [5, 8]
