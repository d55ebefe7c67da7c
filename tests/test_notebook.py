"""A real notebook, executed by a kernel: the card, the view that renews itself, and what the objects offer."""

from __future__ import annotations

import sys
from ast import literal_eval
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log, make_model

import trainadvisor
from trainadvisor.errors import LogError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

TRAIN = """
import torch, trainadvisor
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
x = torch.randn(64, 8); y = x[:, :1] * 2

def train(steps):
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
"""
WATCH = "run = trainadvisor.watch(model, optimizer)\nrun.live()\ntrain(150)\nimport time; time.sleep(1.5)"
JOIN = 'run.close()\nfor t in threading.enumerate():\n    t.join() if t.name == "trainadvisor-notebook" else None'
CLOSED = """
from trainadvisor.record.watched_recording import watchers
log = trainadvisor.read_log("cell.json")
len(watchers), log.end["reason"], len(log.steps)
"""
FAILING = """
try:
    get_ipython().run_cell_magic("trainadvisor", "bad.json", "train(30); train(None)")
except TypeError as error:
    caught = str(error)
caught, str(trainadvisor.diagnose("bad.json").state)
"""
CELLS = [
    TRAIN,
    WATCH,
    "run",
    WATCH,
    "run.diagnose().run['steps'], len(optimizer._optimizer_step_post_hooks)",
    "run.show()",
    "run.show(layer='0')",
    "run.report('out.html')",
    f"import threading\n{JOIN}",
    "%load_ext trainadvisor",
    "%%trainadvisor cell.json\ntrain(60)\n'trained'",
    CLOSED,
    FAILING,
]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Execute the cells in a kernel of this Python and return them with their outputs."""
    nbclient = pytest.importorskip("nbclient", reason="pip install -e .[dev]")
    pytest.importorskip("ipykernel", reason="pip install -e .[dev]")
    import nbformat

    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    specs = folder / "kernels" / "here"
    specs.mkdir(parents=True)
    argv = f'["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (specs / "kernel.json").write_text(f'{{"argv": {argv}, "display_name": "here", "language": "python"}}')
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="here", resources={"metadata": {"path": folder}}
    )
    client.create_kernel_manager()
    client.km.kernel_spec_manager.kernel_dirs.insert(0, str(folder / "kernels"))
    client.execute()
    nbformat.validate(notebook)
    return list(notebook.cells)


def shown(cell: Any, form: str = "text/html") -> list[str]:
    """Return what a cell shows in one form."""
    return ["".join(output["data"][form]) for output in cell.outputs if form in output.get("data", {})]


def test_no_cell_fails_or_prints_a_complaint(cells: list[Any]) -> None:
    """Threads included: they would write into the stream of errors."""
    sound = cells[:-1]  # the last one fails on purpose
    assert [output for cell in sound for output in cell.outputs if output.output_type in ("error", "stream")] == []


def test_a_watcher_at_the_end_of_a_cell_shows_the_card(cells: list[Any]) -> None:
    """In all three forms, without a script."""
    (html,), (markdown,) = shown(cells[2]), shown(cells[2], "text/markdown")
    assert "<strong>" in html
    assert "<script" not in html
    assert markdown.startswith("### ")


def test_the_live_view_is_one_output_that_was_renewed(cells: list[Any]) -> None:
    """A re-run cell replaces the watcher, and the view of the old one ends with its card."""
    first, second, last = (shown(cells[number]) for number in (1, 3, 8))
    assert (len(first), len(second), len(last)) == (1, 1, 0)
    assert "<strong>" in first[0]
    assert "<strong>" in second[0]


def test_running_a_cell_again_replaces_the_watcher(cells: list[Any]) -> None:
    """Only the second training is in the log, its last step perhaps still open, and nothing is hooked twice."""
    steps, hooks = literal_eval(shown(cells[4], "text/plain")[0])
    assert steps in (149, 150)
    assert hooks <= 1


def test_pictures_of_the_run_and_of_a_layer(cells: list[Any]) -> None:
    """Still ones, each with a sentence."""
    for cell, quantities in ((cells[5], ("training", "learning rate")), (cells[6], ("gradient", "update / weight"))):
        (html,) = shown(cell)
        assert html.count("<svg") >= 1
        assert [name for name in quantities if name not in html] == []
    assert shown(cells[7], "text/plain") == ["PosixPath('out.html')"]


def test_a_cell_is_recorded_as_a_whole(cells: list[Any]) -> None:
    """The magic shows what the cell gives and the card below it, and ends its recording."""
    assert shown(cells[10], "text/plain")[0] == "'trained'"
    assert "<strong>" in shown(cells[10])[0]
    assert literal_eval(shown(cells[11], "text/plain")[0]) == (0, "closed", 60)


def test_the_error_of_a_recorded_cell_is_raised_behind_the_card(cells: list[Any]) -> None:
    """So that running all cells stops there; the log tells that the training crashed."""
    caught, state = literal_eval(shown(cells[12], "text/plain")[-1])
    assert "NoneType" in caught
    assert state == "broken"


def diagnosed(folder: Path) -> Any:
    """Judge a short log with two layers."""
    model = make_model(("first", "Linear", 4, 2), ("last", "Linear", 2, 1))
    rows = [{"step": step, "grad": [3.0, 0.0, 2.0, 1.0], "update": [1e-3] * 4} for step in range(0, 60, 10)]
    loss = [1.0] * 30 + ["nan"] * 30
    return trainadvisor.diagnose(build_log(folder, columns={"loss": loss, "lr": 0.1}, models=[model], layers=rows))


def test_findings_as_a_table(tmp_path: Path) -> None:
    """One row each, consequences after what explains them."""
    pytest.importorskip("pandas")
    diagnosis = diagnosed(tmp_path)
    table = diagnosis.to_frame()
    assert table["code"][0] == diagnosis.findings[0].code
    assert set(table["explained_by"].dropna()) <= set(table["code"])


def test_without_pandas_the_table_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no dependency of ours."""
    from trainadvisor import notebook

    monkeypatch.setattr(notebook, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install pandas"):
        diagnosed(tmp_path).to_frame()


def test_the_curve_of_a_layer(tmp_path: Path) -> None:
    """The root mean square of its elements; the bias has none here."""
    text = repr(diagnosed(tmp_path).show(layer="first"))
    assert "gradient (rms per element): 0.949 at step 0, 0.949 at step 50" in text  # sqrt(3 ** 2 / (2 * 4 + 2))
    assert "update / weight: 0.001 at step 0" in text


def test_a_layer_that_is_none_is_refused_with_the_nearest(tmp_path: Path) -> None:
    """And with names to choose from."""
    with pytest.raises(UsageError, match=r'no such layer; did you mean "first"\?$'):
        diagnosed(tmp_path).show(layer="frist")


def test_curves_need_the_log(tmp_path: Path) -> None:
    """A diagnosis outlives it; a page is written all the same."""
    diagnosis = diagnosed(tmp_path)
    (tmp_path / "log.json").unlink()
    with pytest.raises(LogError, match="the log of this diagnosis is gone"):
        diagnosis.show()
    page = diagnosis.report(tmp_path / "page.html")
    assert "nan-loss" in page.read_text(encoding="utf-8")


def test_reports_of_every_ending(tmp_path: Path) -> None:
    """The ending chooses the form; another one is refused."""
    diagnosis = diagnosed(tmp_path)
    for ending in ("html", "txt", "md", "json", "jsonl", "xml"):
        assert "nan-loss" in diagnosis.report(tmp_path / f"out.{ending}").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="no format goes by this ending"):
        diagnosis.report(tmp_path / "out.pdf")


def test_the_live_view_is_for_notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere it names the command that does the same."""
    import torch

    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    with trainadvisor.watch(torch.nn.Linear(1, 1), log=tmp_path / "log.json") as run, pytest.raises(UsageError) as left:
        run.live()
    assert "trainadvisor follow" in str(left.value)
