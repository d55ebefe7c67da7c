"""The code that rules advise is shown in the names of the script, whatever these are."""

import ast
import re

import pytest

from trainadvisor.judge.rule_loading import load
from trainadvisor.mending.own_names import names_for, renamed
from trainadvisor.source.reading import parse
from trainadvisor.source.training import Training

SCRIPT = """import torch
net, RUNDEN = build(), 9
train_batches = DataLoader(data)
verfahren = torch.optim.SGD(net.parameters(), 0.1)
plan = torch.optim.lr_scheduler.StepLR(verfahren, 3)
fehler = torch.nn.CrossEntropyLoss()
for runde in range(RUNDEN):
    for x, y in train_batches:
        verfahren.zero_grad()
        kosten = fehler(net(x), y)
        kosten.backward()
        verfahren.step()
    plan.step()
"""
OWN = {
    "optimizer": "verfahren", "model": "net", "loss": "kosten", "train_loader": "train_batches",
    "loader": "train_batches", "criterion": "fehler", "scheduler": "plan", "epochs": "RUNDEN",
}  # fmt: skip
ADVISED = {
    f"{rule.code}-{number}": str(entry["code"])
    for rule in load().rules.values()
    for number, entry in enumerate(rule.all_remedies)
    if entry.get("code")
}


def test_what_the_script_calls_its_parts() -> None:
    """By what they are made of and how they are used; a usual name that it has already stands for nothing else."""
    assert names_for([Training(parse(SCRIPT))]) == OWN
    assert names_for([Training(parse(SCRIPT + "def show(model, loader): pass\n"))]) == {
        usual: name for usual, name in OWN.items() if usual not in ("model", "loader")
    }
    assert names_for([Training(parse("import torch\n"))]) == {}


@pytest.mark.parametrize("name", sorted(ADVISED))
def test_no_rule_names_what_the_script_does_not_have(name: str) -> None:
    """Neither in code that can be parsed nor in the rest."""
    shown = renamed(ADVISED[name], OWN, code=True)
    try:
        tree = ast.parse(re.sub(r"\{[^{}]*\}", "1", shown))
    except SyntaxError:
        assert not re.search(r"(?<![\w.\"'])(optimizer|model)\.", shown)
        return
    assert {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}.isdisjoint(OWN)
