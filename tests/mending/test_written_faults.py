"""The faults that stand in a script and beside it, as the log of a run keeps them."""

import json
from pathlib import Path

import forkedpython
import pytest

from trainadvisor.mending.notebook_cells import of_texts
from trainadvisor.mending.written_faults import faults_in_cells, written_faults

SCALED = """import torch
from sklearn.preprocessing import StandardScaler
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.fit_transform(X_test)
"""


def name_of(path: str) -> str:
    """Return what a file is called in the log."""
    return Path(path).name


def test_a_fault_is_told_by_its_code_its_lines_and_the_parts_that_its_texts_name(tmp_path: Path) -> None:
    """The line that is wrong, and the one that makes it so."""
    script = tmp_path / "train.py"
    script.write_text(SCALED)
    assert written_faults(str(script), name_of) == [
        (
            "preprocessing-mismatch",
            {
                "sites": [
                    {"file": "train.py", "line": 5, "code": "X_test = scaler.fit_transform(X_test)"},
                    {"file": "train.py", "line": 4, "code": "X_train = scaler.fit_transform(X_train)"},
                ],
                "parts": [["call", "scaler.transform(X_test)"]],
                "pattern": "own-scaling",
            },
        )
    ]


def test_modules_beside_the_script_are_read_once(tmp_path: Path) -> None:
    """Through one that is imported, also where two import each other; what lies elsewhere is not."""
    (tmp_path / "train.py").write_text("import torch\nfrom parts import load\nimport numpy\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "load.py").write_text("import train\nfrom . import load\n" + SCALED)
    (tmp_path / "other.py").write_text(SCALED)
    found = written_faults(str(tmp_path / "train.py"), name_of)
    assert [(code, place["sites"][0]["file"]) for code, place in found] == [("preprocessing-mismatch", "load.py")]


def test_what_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    """No script, one that is gone, and one that is no Python."""
    broken = tmp_path / "train.py"
    broken.write_text("import torch\ndef (:\n")
    assert written_faults(None, name_of) == []
    assert written_faults(str(tmp_path / "gone.py"), name_of) == []
    assert written_faults(str(broken), name_of) == []


def test_a_module_that_is_no_python_takes_nothing_with_it(tmp_path: Path) -> None:
    """What stands in the script is told all the same."""
    (tmp_path / "train.py").write_text("import broken\n" + SCALED)
    (tmp_path / "broken.py").write_text("import torch\ndef (:\n")
    assert [code for code, _ in written_faults(str(tmp_path / "train.py"), name_of)] == ["preprocessing-mismatch"]


def test_the_cells_of_a_notebook_are_read_as_one_script() -> None:
    """Each line is told by its own cell; without a notebook there is nothing."""
    first, _, second = SCALED.partition("X_train")
    cells = of_texts(["", first, f"X_train{second}"])
    (found,) = faults_in_cells(cells)
    assert (found[0], [(site["file"], site["line"]) for site in found[1]["sites"]]) == (
        "preprocessing-mismatch",
        [("In [2]", 2), ("In [2]", 1)],
    )
    assert faults_in_cells(None) == []


WATCHED = """import torch
import trainadvisor

def prepare(scaler, X_train, X_test):
    X_train = scaler.fit_transform(X_train)
    return X_train, scaler.fit_transform(X_test)

model = torch.nn.Linear(2, 1)
with trainadvisor.watch(model, torch.optim.SGD(model.parameters(), lr=0.1), log="log.json"):
    model(torch.ones(4, 2)).mean().backward()
"""


def test_watch_reads_the_script_that_calls_it(tmp_path: Path) -> None:
    """As `run` does; the places are in the log."""
    (tmp_path / "train.py").write_text(WATCHED)
    assert forkedpython.run(["train.py"], tmp_path).returncode == 0
    records = json.loads((tmp_path / "log.json").read_text())
    found = [record for record in records if record.get("kind") == "written-fault"]
    assert [(fault["subject"], fault["detail"]["sites"][0]["line"]) for fault in found] == [
        ("preprocessing-mismatch", 6)
    ]


CHOSEN = """import sys
import torch
from sklearn.preprocessing import StandardScaler
way = sys.argv[1] if len(sys.argv) > 1 else "apart"
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
if {test}:
    X_test = scaler.fit_transform(X_test)
else:
    X_test = scaler.transform(X_test)
"""


@pytest.mark.parametrize(
    ("test", "arguments", "found"),
    [
        ('way == "apart"', ["train.py"], True),
        ('way == "apart"', ["train.py", "together"], False),
        ('way != "apart"', ["train.py", "together"], True),
        ('"--apart" in sys.argv[1:]', ["train.py", "--apart"], True),
        ('"--apart" in sys.argv[1:]', ["train.py"], False),
        ('not (way == "apart" or quick)', ["train.py"], False),
        ("int(sys.argv[2]) > 3", ["train.py", "a", "3"], False),
        ("int(sys.argv[2]) > 3", ["train.py"], True),
        ("read_choice(way)", ["train.py", "together"], True),
        ("way == other", ["train.py", "together"], True),
    ],
)
def test_a_branch_that_the_command_line_leaves_out_holds_no_fault_of_the_run(
    test: str, arguments: list[str], *, found: bool, tmp_path: Path
) -> None:
    """What the command line does not decide may have run."""
    script = tmp_path / "train.py"
    script.write_text(CHOSEN.format(test=test))
    assert bool(written_faults(str(script), name_of, arguments)) is found
    assert written_faults(str(script), name_of)


@pytest.mark.parametrize("again", ["way = 'apart'", "def choose():\n    global way\n    way = read()"])
def test_a_name_that_is_bound_again_decides_nothing(again: str, tmp_path: Path) -> None:
    """Nor does one that a function binds."""
    script = tmp_path / "train.py"
    script.write_text(CHOSEN.format(test='way == "apart"').replace("scaler =", f"{again}\nscaler ="))
    assert written_faults(str(script), name_of, ["train.py", "together"])
