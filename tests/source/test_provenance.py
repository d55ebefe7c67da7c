"""A value is followed to where a person sets it: literal, constant, option, file, field, or honestly lost."""

import ast

import pytest

from trainadvisor.source.provenance import provenance
from trainadvisor.source.reading import parse
from trainadvisor.source.syntax import keyword
from trainadvisor.source.training import Training

OPTION = (
    'import argparse\np = argparse.ArgumentParser()\np.add_argument("-l", "--learning-rate", dest="lr", default=0.3)\n'
)

TRAINER = "class T:\n    def __init__(self, r):\n        self.r = r\n"


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("make(lr=0.3)", "literal", "0.3"),
        ("LR = 0.3\nmake(lr=LR)", "literal", "0.3"),
        ('C = {"optim": {"lr": 0.3}}\nmake(lr=C["optim"]["lr"])', "literal", "0.3"),
        ("class C:\n    lr: float = 0.3\nc = C()\nmake(lr=c.lr)", "literal", "0.3"),
        ("class C:\n    lr: float = 0.3\nc = C(lr=0.5)\nmake(lr=c.lr)", "literal", "0.5"),
        ("def f(rate):\n    make(lr=rate)\nf(0.3)", "literal", "0.3"),
        (f"{TRAINER}    def f(self):\n        make(lr=self.r)\nT(0.3)", "literal", "0.3"),
        (f"{OPTION}args = p.parse_args()\nmake(lr=args.lr)", "option", "--learning-rate"),
        (f"{OPTION}o = vars(p.parse_args())\nmake(lr=o['lr'])", "option", "--learning-rate"),
        ('@click.option("--rate")\ndef main(rate):\n    make(lr=rate)', "option", "--rate"),
        ('with open("c.json") as f:\n    c = json.load(f)\nmake(lr=c["optim"]["lr"])', "file", "c.json: optim.lr"),
        ('c = yaml.safe_load(open("c.yaml"))\nmake(lr=c.get("lr"))', "file", "c.yaml: lr"),
        ("make(lr=compute())", "lost", "compute()"),
        ("make(lr=a if b else c)", "lost", "a if b else c"),
        ("for r in rates:\n    make(lr=r)", "lost", "r"),
    ],
)  # fmt: skip
def test_where_a_value_is_set(text: str, kind: str, said: str) -> None:
    """The literal to edit, or the words for the person."""
    training = Training(parse(text))
    (call,) = training.script.calls_by_name["make"]
    found = provenance(training, keyword(call, "lr"))
    assert found.kind == kind
    assert (ast.unparse(found.node) if kind == "literal" else found.words) == said
