"""Small projects in real layouts, three faults each: the place where the person sets the value, and an edit of it."""

from pathlib import Path

import pytest

from trainadvisor.judge.result import Edit, Finding, Remedy, Site
from trainadvisor.judge.rule_loading import load
from trainadvisor.mending.notebook_cells import of_texts
from trainadvisor.mending.patches import Patch, patch_of_project
from trainadvisor.mending.project import Project, project_of
from trainadvisor.source.edits import diff
from trainadvisor.source.reading import read

BOOK = load()
STEPS = """    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
"""
PACKAGE = {
    "pkg/__init__.py": "",
    "pkg/net.py": """from torch import nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.one, self.two = nn.Linear(8, width), nn.Linear(width, 3)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        return F.softmax(self.two(self.drop(F.relu(self.one(x)))), dim=1)
""",
    "pkg/train.py": """import json
import sys
import torch
import torch.nn.functional as F
from .net import Net
from .opt import build

def main(path):
    with open(path) as stream:
        config = json.load(stream)
    model = Net(**config["model"])
    optimizer = build(model, config["optimizer"])
"""
    + STEPS
    + "\nmain(sys.argv[1])\n",
    "pkg/opt.py": """import torch

def build(model, options):
    return torch.optim.SGD(model.parameters(), lr=options["lr"], momentum=0.9)
""",
    "conf.json": """{
  "model": {"width": 16, "dropout": 0.9},
  "optimizer": {
    "lr": 3.0
  }
}
""",
}
FLAGS = {
    "train.py": """import argparse
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=3.0)
    parser.add_argument("--batch-size", type=int, default=4)
    return parser.parse_args()

def main():
    args = options()
    model = torch.nn.Linear(8, 3)
    train_loader = DataLoader(data, batch_size=args.batch_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for x, y in train_loader:
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
""",
}
NESTED = {
    "train.py": """import torch
import torch.nn.functional as F

CONFIG = {"optim": {"lr": 3.0, "weight_decay": 0.5}, "model": {"dropout": 0.9}}

def build(config):
    layers = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Dropout(config["dropout"]), torch.nn.Linear(8, 3))
    return layers

model = build(CONFIG["model"])
optim = CONFIG["optim"]
optimizer = torch.optim.AdamW(model.parameters(), lr=optim["lr"], weight_decay=optim["weight_decay"])
for epoch in range(3):
"""
    + STEPS,
}
TRAINER = {
    "train.py": """import torch
import torch.nn.functional as F
from dataclasses import dataclass

@dataclass
class Settings:
    lr: float = 3.0
    betas: tuple = (0.9, 0.999)

class Trainer:
    def __init__(self, model, settings):
        self.model = model
        self.opt = torch.optim.Adam(self.model.parameters(), lr=settings.lr, betas=settings.betas)

    def fit(self, loader):
        for epoch in range(3):
            for x, y in loader:
                loss = F.cross_entropy(self.model(x), y)
                loss.backward()
                self.opt.step()

Trainer(torch.nn.Linear(8, 3), Settings()).fit(data)
""",
}
CELLS = [
    "",
    "import torch\nimport torch.nn.functional as F",
    "rate = 3.0\nstrength = 0.9",
    "model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Dropout(strength), torch.nn.Linear(8, 3))",
    "optimizer = torch.optim.SGD(model.parameters(), lr=rate)",
    "for x, y in loader:\n    loss = F.cross_entropy(model(x), y)\n    loss.backward()\n    optimizer.step()",
]
CONSTANTS = {
    "settings.py": "RATE = 3.0\nDECAY = 0.5\n\nclass Loader:\n    size = 4\n",
    "train.py": """import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader
import settings
from settings import DECAY, Loader

model = torch.nn.Linear(8, 3)
train_loader = DataLoader(data, batch_size=Loader.size, shuffle=True)
optimizer = torch.optim.SGD(model.parameters(), lr=settings.RATE, weight_decay=DECAY)
for epoch in range(3):
"""
    + STEPS.replace("in loader", "in train_loader"),
}
LR = Remedy(change="lr", arguments={"value": 0.003}, applies="paste", text="Lower it.")
DECAY = Remedy(change="weight-decay", arguments={"value": 0.01}, applies="paste", text="Weaken it.")
DROPOUT = Remedy(change="dropout", arguments={"p": 0.2}, applies="adapt", text="Drop less.")
BATCH = Remedy(change="batch-size", arguments={"value": 64}, applies="adapt", text="Larger batches.")
BETAS = Remedy(change="betas", arguments={"beta2": 0.95}, applies="paste", text="Forget sooner.")
CLEAR = Remedy(change="add-zero-grad", arguments={}, applies="paste", text="Clear.")
LOGITS = Remedy(change="remove-output-activation", arguments={}, applies="paste", text="Give logits.")
RUNS: dict[str, tuple[dict[str, str], str, list[str]]] = {
    "package": (PACKAGE, "pkg.train", ["conf.json"]),
    "flags": (FLAGS, "train.py", []),
    "nested": (NESTED, "train.py", []),
    "trainer": (TRAINER, "train.py", []),
    "constants": (CONSTANTS, "train.py", []),
}


def finding(code: str, remedy: Remedy) -> Finding:
    """Return a finding with one remedy."""
    return Finding(
        code=code, family="wiring", kind="cause", severity="error", confidence="certain", title=code, sentence=code,
        remedies=[remedy],
    )  # fmt: skip


def changed(made: Patch | None) -> tuple[str, list[str]]:
    """Return the file of a patch, and the lines that it takes and brings."""
    assert made is not None
    assert made.text is not None
    assert made.source is not None
    shown = diff(made.source, made.text).split("\n")[2:]
    return made.source.name, [f"{line[0]} {line[1:].strip()}" for line in shown if line[0] in "+-"]


def project(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *argv: str) -> Project:
    """Write a project into a folder, and return it as a run in that folder knows it."""
    files, script, given = RUNS[name]
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    monkeypatch.chdir(folder)
    return project_of({"script": script, "argv": [*given, *argv]}, [])


@pytest.mark.parametrize(
    ("name", "code", "remedy", "file", "lines"),
    [
        ("package", "lr-too-high", LR, "conf.json", ['- "lr": 3.0', '+ "lr": 0.003']),
        ("package", "dropout-too-strong", DROPOUT, "conf.json",
         ['- "model": {"width": 16, "dropout": 0.9},', '+ "model": {"width": 16, "dropout": 0.2},']),
        ("package", "softmax-before-cross-entropy", LOGITS, "pkg/net.py", None),
        ("flags", "lr-too-high", LR, "train.py",
         ['- parser.add_argument("--lr", type=float, default=3.0)',
          '+ parser.add_argument("--lr", type=float, default=0.003)']),
        ("flags", "small-batch-underuse", BATCH, "train.py",
         ['- parser.add_argument("--batch-size", type=int, default=4)',
          '+ parser.add_argument("--batch-size", type=int, default=64)']),
        ("flags", "missing-zero-grad", CLEAR, "train.py", ["+ optimizer.zero_grad()"]),
        ("nested", "lr-too-high", LR, "train.py",
         ['- CONFIG = {"optim": {"lr": 3.0, "weight_decay": 0.5}, "model": {"dropout": 0.9}}',
          '+ CONFIG = {"optim": {"lr": 0.003, "weight_decay": 0.5}, "model": {"dropout": 0.9}}']),
        ("nested", "weight-decay-too-strong", DECAY, "train.py",
         ['- CONFIG = {"optim": {"lr": 3.0, "weight_decay": 0.5}, "model": {"dropout": 0.9}}',
          '+ CONFIG = {"optim": {"lr": 3.0, "weight_decay": 0.01}, "model": {"dropout": 0.9}}']),
        ("nested", "dropout-too-strong", DROPOUT, "train.py",
         ['- CONFIG = {"optim": {"lr": 3.0, "weight_decay": 0.5}, "model": {"dropout": 0.9}}',
          '+ CONFIG = {"optim": {"lr": 3.0, "weight_decay": 0.5}, "model": {"dropout": 0.2}}']),
        ("trainer", "lr-too-high", LR, "train.py", ["- lr: float = 3.0", "+ lr: float = 0.003"]),
        ("trainer", "stale-second-moment", BETAS, "train.py",
         ["- betas: tuple = (0.9, 0.999)", "+ betas: tuple = (0.9, 0.95)"]),
        ("trainer", "missing-zero-grad", CLEAR, "train.py", ["+ self.opt.zero_grad()"]),
        ("constants", "lr-too-high", LR, "settings.py", ["- RATE = 3.0", "+ RATE = 0.003"]),
        ("constants", "weight-decay-too-strong", DECAY, "settings.py", ["- DECAY = 0.5", "+ DECAY = 0.01"]),
        ("constants", "small-batch-underuse", BATCH, "settings.py", ["- size = 4", "+ size = 64"]),
    ],
)  # fmt: skip
def test_the_value_is_changed_where_it_is_set(
    name: str,
    code: str,
    remedy: Remedy,
    file: str,
    lines: list[str] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a configuration file, a default, a dictionary, a dataclass, another module; never hard-coded over it."""
    made = changed(patch_of_project(finding(code, remedy), project(name, tmp_path, monkeypatch), BOOK))
    if lines is None:
        softmax = "return F.softmax(self.two(self.drop(F.relu(self.one(x)))), dim=1)"
        lines = [f"- {softmax}", "+ return self.two(self.drop(F.relu(self.one(x))))"]
    assert made == (file, lines)


@pytest.mark.parametrize(
    ("code", "remedy", "cell", "lines"),
    [
        ("lr-too-high", LR, "In [2]:1", ["- rate = 3.0", "+ rate = 0.003"]),
        ("dropout-too-strong", DROPOUT, "In [2]:2", ["- strength = 0.9", "+ strength = 0.2"]),
        ("missing-zero-grad", CLEAR, "In [5]:4", ["+ optimizer.zero_grad()"]),
    ],
)
def test_cells_of_a_notebook_are_one_script(code: str, remedy: Remedy, cell: str, lines: list[str]) -> None:
    """A constant of another cell is found, and each line is told by its cell."""
    cells = of_texts(CELLS)
    assert cells is not None
    made = patch_of_project(finding(code, remedy), Project(given={cells.source.name: cells.source}, cells=cells), BOOK)
    assert changed(made)[1] == lines
    assert made is not None
    assert cells.located(made.sites[0]).where == cell


def test_a_flag_that_was_given_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default is not what the run had."""
    made = patch_of_project(finding("lr-too-high", LR), project("flags", tmp_path, monkeypatch, "--lr", "3"), BOOK)
    assert made is not None
    assert (made.text, made.kind, made.words, made.value) == (None, "option", "--lr", "0.003")
    assert [site.where for site in made.sites] == ["train.py:16"]


def test_a_file_that_has_changed_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorded line that is another one now means another file."""
    held = project("flags", tmp_path, monkeypatch)
    assert held.source("train.py") is not None
    assert held.module is None
    other = Project(held.script, sites=(Site(file="train.py", line=16, source="optimizer = build()"),))
    assert other.source("train.py") is None
    assert patch_of_project(finding("lr-too-high", LR), other, BOOK) is None


@pytest.mark.parametrize(("recorded", "line"), [("net = Sequential( Linear(4, 4), )", None), ("net = Sequentials(", 1)])
def test_a_call_over_several_lines_is_what_it_was(
    recorded: str, line: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorded line holds those behind it as well."""
    (tmp_path / "train.py").write_text("net = Sequential(\n    Linear(4, 4),\n)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    held = Project("train.py", sites=(Site(file="train.py", line=1, source=recorded),))
    assert held.changed_line(read(Path("train.py"))) == line
    assert (held.source("train.py") is None) == (line is not None)


def test_places_of_other_files_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only places in cells are turned into cells; the code that a cell was run as names its number."""
    cells = of_texts(CELLS)
    assert cells is not None
    edit = Edit(file="train.py", line=3, new="x")
    assert cells.located(edit) == edit
    assert cells.located(Site(file="<ipython-input-6-c67e>", line=8)).where == "In [6]:8"


def test_a_module_is_run_again_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file is known by its dotted name."""
    held = project("package", tmp_path, monkeypatch)
    assert (held.script, held.module, held.argv) == ("pkg/train.py", "pkg.train", ("conf.json",))


def test_the_line_of_a_configuration_file_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the value marked in it."""
    made = patch_of_project(finding("lr-too-high", LR), project("package", tmp_path, monkeypatch), BOOK)
    assert made is not None
    site = made.sites[0]
    assert site.source is not None
    assert (site.file, site.source.strip()) == ("conf.json", '"lr": 3.0')
    assert site.source[site.column - 1 : site.end_column - 1] == "3.0"
    assert (tmp_path / "conf.json").read_text().splitlines()[site.line - 1] == site.source
