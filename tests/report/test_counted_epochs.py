"""What counts epochs alone is told so, and its remedies name no framework's settings before plain code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trainadvisor.cli import main
from trainadvisor.i18n.language import Words
from trainadvisor.monitor.follow_log import View

ROWS = "\n".join(f"{epoch},{1.5 / (1 + epoch):.4f},{0.4 + 0.02 * abs(epoch - 8):.4f}" for epoch in range(30))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of epochs that overfits."""
    path = tmp_path / "metrics.csv"
    path.write_text(f"epoch,train_loss,val_loss\n{ROWS}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("lang", "key", "said"),
    [("en", "head.steps", "epochs"), ("en", "charts.step", "epoch"), ("zh", "head.steps", "轮数"),
     ("zh", "charts.steps", "轮")],
)  # fmt: skip
def test_labels_count_epochs(lang: str, key: str, said: str) -> None:
    """Also where no number stands beside them."""
    assert Words(lang, epochs=True)(key) == said
    assert Words(lang)(key) != said


@pytest.mark.parametrize(("unit", "epochs"), [("epoch", True), ("step", False), (None, False)])
def test_what_is_followed_knows_what_it_counts(unit: str | None, epochs: bool) -> None:  # noqa: FBT001 - a case
    """The header of an imported log says it."""
    view = View(Path("log.json"))
    view.take([{"record": "header", "imported": {"unit": unit}}])
    assert view.epochs is epochs


def test_the_page_counts_epochs(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its marks and its head."""
    page = table.with_name("page.html")
    with pytest.raises(SystemExit):
        main(["diagnose", str(table), "--html", str(page)])
    capsys.readouterr()
    text = re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8"))
    assert "epoch 8" in text
    assert re.search(r"\bstep 8\b", text) is None


def test_a_table_of_unknown_origin_gets_plain_code(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A framework's setting is only told behind its name."""
    with pytest.raises(SystemExit):
        main(["diagnose", str(table)])
    lines = capsys.readouterr().out.splitlines()
    named = [line for line in lines if re.search("EarlyStoppingCallback|TrainingArguments|eval_strategy", line)]
    assert named
    assert [line for line in named if "transformers: " not in line] == []


def test_the_gate_counts_what_lies_below_it(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So that the numbers add up."""
    with pytest.raises(SystemExit):
        main(["check", str(table)])
    said = capsys.readouterr().out
    made, below, passed = (
        int(found[1]) for pattern in (r"(\d+) of \d+ checks", r"below the gate (\d+)", r"pass (\d+)")
        if (found := re.search(pattern, said))
    )  # fmt: skip
    assert made == below + passed
