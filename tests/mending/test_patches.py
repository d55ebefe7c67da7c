"""The patch of a finding: where the person sets the value, in the right loop, with the names of the script."""

import pytest

from trainadvisor.judge.result import Edit, Finding, Remedy, Site
from trainadvisor.judge.rule_loading import load
from trainadvisor.mending.patches import _sites, patch
from trainadvisor.source.edits import Span, diff
from trainadvisor.source.reading import parse

BOOK = load()
LOOP = """import torch
net = build()
opt = torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9)
for epoch in range(3):
    for x, y in loader:
        loss = (net(x) - y).square().mean()
        loss.backward()
        opt.step()
"""


def finding(code: str, *remedies: Remedy, site: Site | None = None) -> Finding:
    """Return a finding with some remedies."""
    rule = BOOK.get(code)
    return Finding(
        code=code, family=rule.family, kind="cause", severity="error", confidence="certain", title=code, sentence=code,
        sites=[site] if site else [], remedies=list(remedies),
    )  # fmt: skip


def remedy(change: str, edit: Edit | None = None, **arguments: object) -> Remedy:
    """Return a remedy with an edit or arguments."""
    return Remedy(change=change, arguments=arguments, applies="paste", text=change, edits=[edit] if edit else [])


def lines(code: str, text: str, *remedies: Remedy) -> list[str]:
    """Return the lines that a patch takes and brings."""
    source = parse(text, "train.py")
    made = patch(finding(code, *remedies), source, BOOK)
    shown = diff(source, made.text).split("\n")[2:] if made and made.text else []
    return [line for line in shown if line[0] in "+-"]


def lr_edit(old: str, line: int) -> Edit:
    """Return the edit of a learning rate as a rule makes it, on the line of the optimizer."""
    import re

    return Edit(file="train.py", line=line, old=old, new=re.sub(r"lr=[\w.]+", "lr=0.003", old))


def test_the_model_is_named_as_the_function_of_the_loop_names_it() -> None:
    """The optimizer is made elsewhere, of a part that the loop does not know."""
    text = """import torch
class Net(torch.nn.Module):
    def __init__(self, body):
        self.body = body
class Trainer:
    def epoch(self, loader):
        self.model.train()
        for x, y in loader:
            loss = (self.model(x) - y).square().mean()
            loss.backward()
            self.optimizer.step()
def main():
    body = torch.nn.Linear(3, 1)
    net = Net(body)
    optimizer = torch.optim.Adam(body.parameters(), lr=1e-3)
    Trainer(net, optimizer).epoch(loader)
"""
    clip, whole = remedy("clip", max_norm=1.0), remedy("add-parameters")
    assert lines("exploding-gradients", text, clip) == [
        "+            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)"
    ]
    assert lines("optimizer-param-mismatch", text, whole) == [
        "-    optimizer = torch.optim.Adam(body.parameters(), lr=1e-3)",
        "+    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)",
    ]


def test_a_change_with_a_name_that_its_place_does_not_know_is_not_made() -> None:
    """No name of the loop's function is the model's."""
    text = LOOP.replace("net = build()\nopt = ", "def made():\n    net = build()\n    return ").replace(
        "net(x)", "call(x)"
    )
    assert lines("exploding-gradients", text, remedy("clip", max_norm=1.0)) == []


def test_what_lint_finds_is_the_patch() -> None:
    """zero_grad() of the script's own optimizer, in its inner loop."""
    assert lines("missing-zero-grad", LOOP, remedy("add-zero-grad")) == ["+        opt.zero_grad()"]


def test_a_literal_is_edited_and_the_rest_of_the_line_kept() -> None:
    """Momentum stays."""
    old = "opt = torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9)"
    found = lines("lr-too-high", LOOP, remedy("lr", lr_edit(old, 3)))
    assert found == [f"-{old}", f"+{old.replace('0.3', '0.003')}"]


def test_a_constant_is_edited_where_it_is_set() -> None:
    """Not hard-coded over."""
    text = LOOP.replace("lr=0.3", "lr=RATE").replace("net = build()", "RATE = 0.3")
    edit = lr_edit("opt = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9)", 3)
    assert lines("lr-too-high", text, remedy("lr", edit)) == ["-RATE = 0.3", "+RATE = 0.003"]


def test_an_option_is_told_and_not_overwritten() -> None:
    """Run again with the option, as the script calls it."""
    text = LOOP.replace("lr=0.3", "lr=args.lr").replace("net = build()", "args = options().parse_args()")
    text += 'def options():\n    p = argparse.ArgumentParser()\n    p.add_argument("--lr", type=float)\n    return p\n'
    edit = lr_edit("opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)", 3)
    made = patch(finding("lr-too-high", remedy("lr", edit)), parse(text), BOOK)
    assert made is not None
    assert (made.text, made.kind, made.words, made.value) == (None, "option", "--lr", "0.003")


def test_an_argument_is_not_given_to_a_stranger() -> None:
    """A rule that edits a line where the argument means nothing changes nothing."""
    edit = Edit(file="train.py", line=2, old="net = build()", new="net = build(weight_decay=0.3)")
    assert lines("overfitting", LOOP, remedy("weight-decay", edit)) == []


@pytest.mark.parametrize(
    ("change", "arguments", "wanted"),
    [
        ("clip", {"max_norm": 1.0}, ["+        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)"]),
        ("mode", {"mode": "train"}, ["+    net.train()"]),
        ("shuffle", {}, []),
    ],
)
def test_calls_are_put_into_their_place(change: str, arguments: dict[str, object], wanted: list[str]) -> None:
    """Between backward and step, at the start of the epoch; nothing where there is no loader to change."""
    assert lines("plateau", LOOP, remedy(change, **arguments)) == wanted


def test_shapes_and_loaders() -> None:
    """The target gets the shape of the output, the training loader shuffles."""
    text = "import torch.nn.functional as F\ntrain_loader = DataLoader(data, batch_size=8)\n"
    text += "out = net(x)\nF.mse_loss(out, y)\n"
    assert lines("plateau", text, remedy("match-shapes")) == ["-F.mse_loss(out, y)", "+F.mse_loss(out, y.view_as(out))"]
    assert lines("plateau", text, remedy("shuffle")) == [
        "-train_loader = DataLoader(data, batch_size=8)",
        "+train_loader = DataLoader(data, batch_size=8, shuffle=True)",
    ]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("net.parameters(), 5.0", "net.parameters(), 1.0"),
        ("net.parameters(), max_norm=5.0", "net.parameters(), max_norm=1.0"),
        ("net.parameters(), 1.0", None),
        ("net.parameters(), limit", None),
    ],
)
def test_a_limit_that_is_there_is_changed(given: str, wanted: str | None) -> None:
    """Only a number, and only to another one."""
    call = "        torch.nn.utils.clip_grad_norm_({})\n        opt.step()"
    text = LOOP.replace("        opt.step()", call.format(given))
    changed = (
        []
        if wanted is None
        else [f"{sign}{call.format(of).splitlines()[0]}" for sign, of in (("-", given), ("+", wanted))]
    )
    assert lines("plateau", text, remedy("clip", max_norm=1.0)) == changed


TWO_MODELS = """import torch.nn as nn
if deep:
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1), nn.Linear(4, 2))
else:
    net = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
"""


@pytest.mark.parametrize(("line", "changed"), [(3, 2), (5, 0)])
def test_dropout_is_changed_in_the_model_of_the_run(line: int, changed: int) -> None:
    """A model that is written out at the finding's line has its own layers; those of another one stay as they are."""
    source = parse(TWO_MODELS, "train.py")
    site = Site(file="train.py", line=line, source=TWO_MODELS.splitlines()[line - 1].strip())
    made = patch(finding("overfitting", remedy("dropout", p=0.3), site=site), source, BOOK)
    shown = diff(source, made.text).split("\n")[2:] if made and made.text else []
    assert len([text for text in shown if text[0] in "+-"]) == changed


@pytest.mark.parametrize(
    ("text", "span", "place"),
    [
        ("f(a,\n  b)\n", Span((1, 3), (2, 3), ""), (2, 1, 4)),
        ("f(a, b)\n", Span((1, 3), (1, 6), ""), (1, 4, 7)),
        ("f(a,  # kept\n  b)\n", Span((1, 3), (2, 3), ""), (1, 4, 13)),
        ("if a:\n  f(a)\n", Span((2, 0), (2, 0), "g()\n"), (2, 3, 7)),
        ("if a:\n  f(a)\n", Span((2, 0), (2, 2), "x"), (2, 3, 7)),
    ],
)
def test_the_place_of_a_change_is_what_goes_away(text: str, span: Span, place: tuple[int, int, int]) -> None:
    """Not the comma before it on the line above; where nothing goes, the whole line."""
    (site,) = _sites(parse(text, "train.py"), (span,))
    assert (site.line, site.column, site.end_column) == place
    assert site.source == text.split("\n")[place[0] - 1]


def test_what_goes_away_is_named_before_what_is_put() -> None:
    """By its place otherwise."""
    put, first, second = Span((1, 0), (1, 0), "x\n"), Span((2, 0), (2, 1), ""), Span((3, 0), (3, 1), "")
    assert [site.line for site in _sites(parse("a\nb\nc\n", "train.py"), (put, second, first))] == [2, 3, 1]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("loss = F.cross_entropy(net(x), y)", "F.cross_entropy(net(x), y, reduction='sum')"),
        ("loss = F.cross_entropy(net(x), y, reduction='mean')", "F.cross_entropy(net(x), y, reduction='sum')"),
    ],
)
def test_an_argument_is_given_to_the_call_of_a_loss(text: str, wanted: str) -> None:
    """Where no object is made of it."""
    script = LOOP.replace("loss = (net(x) - y).square().mean()", text).replace(
        "torch\n", "torch\nimport torch.nn.functional as F\n", 1
    )
    told = lines("loss-term-imbalance", script, remedy("loss-function", reduction="sum"))
    assert [line.split("loss = ")[1].replace('"', "'") for line in told if line[0] == "+"] == [wanted]


def test_an_argument_is_given_where_the_object_of_a_loss_is_made() -> None:
    """Not where it is called."""
    script = LOOP.replace("(net(x) - y).square().mean()", "criterion(net(x), y)")
    script = script.replace("net = build()", "net = build()\ncriterion = torch.nn.MSELoss()")
    told = lines("loss-term-imbalance", script, remedy("loss-function", reduction="sum"))
    assert [line.replace('"', "'") for line in told if line[0] == "+"] == [
        "+criterion = torch.nn.MSELoss(reduction='sum')"
    ]


def test_the_recorded_place_is_shown_behind_that_of_the_call_that_is_put_in() -> None:
    """With its whole line; one that is no line of the script is left out."""
    source = parse(LOOP, "train.py")
    told = finding("plateau", remedy("clip", max_norm=1.0), site=Site(file="train.py", line=6))
    told.sites.append(Site(file="train.py", line=99))
    told.sites.append(Site(file="other.py", line=6))
    made = patch(told, source, BOOK)
    assert made is not None
    assert [site.line for site in made.sites[1:]] == [6]
    assert made.sites[-1].source == "        loss = (net(x) - y).square().mean()"
    assert (made.sites[-1].column, made.sites[-1].end_column) == (9, 44)
