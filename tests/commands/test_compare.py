"""`trainadvisor compare`: what was changed, what it did, and when no verdict is given."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log, make_model, make_optimizer
from gatelogs import FALLING, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[..., Any]


def log(folder: Path, name: str, loss: list[Any], lr: float = 0.1, layers: int = 1, batch: int = 32) -> Path:
    """Write a log with a model and an optimizer."""
    model = make_model(*((f"layer{n}", "Linear", 4, 4) for n in range(layers)))
    columns = {"loss": loss, "lr": lr, "batch": batch, "seconds": 0.05}
    optimizers = [make_optimizer(lr=lr)]
    return build_log(folder, name=name, steps=len(loss), columns=columns, models=[model], optimizers=optimizers)


def test_a_mended_run_is_better(call: Call, folder: Path) -> None:
    """The settings that changed, the finding that is gone, and the figures."""
    a = log(folder, "a.json", [*FALLING[:50], *["nan"] * 50], lr=1.0)
    outcome = call("compare", a, log(folder, "b.json", FALLING))
    assert outcome.code == 0
    assert "verdict            B is better: nan-loss no longer found, nothing new appeared." in outcome.out
    assert "changed settings   lr 1 -> 0.1 (the same: optimizer" in outcome.out
    assert "fixed  nan-loss" in outcome.out
    assert "comparable over steps 0-49 (A stopped there)" in outcome.out


def test_without_names_the_latest_runs_are_compared(call: Call, folder: Path) -> None:
    """The older one is A; one that is named is compared with the latest other; fewer than two are a mistake."""
    runs = folder / "trainadvisor-runs"
    for age, name in enumerate("abc"):
        (runs / name).mkdir(parents=True)
        assert call("compare").code == (2 if age < 2 else 0)
        made = log(runs / name, "log.json", FALLING)
        os.utime(made, (age * 3600, age * 3600))
    both = [f"A = trainadvisor-runs/{one}/log.json" for one in "ba"]
    assert both[0] in call("compare").out
    assert "B = trainadvisor-runs/c/log.json" in call("compare").out
    assert both[1] in (told := call("compare", "a").out)
    assert "B = trainadvisor-runs/c/log.json" in told


@pytest.mark.parametrize("reason", ["exception", "finished"])
def test_runs_that_came_to_their_end_are_preferred(call: Call, folder: Path, reason: str) -> None:
    """What is passed over for that is named; where too few came to their end the latest are taken."""
    runs = folder / "trainadvisor-runs"
    for age, (name, end) in enumerate(zip("abc", ("finished", "finished", reason), strict=True)):
        (runs / name).mkdir(parents=True)
        made = build_log(runs / name, columns={"loss": FALLING}, end={"reason": end})
        os.utime(made, (age * 3600, age * 3600))
    told = call("compare")
    later, passed = ("b", "trainadvisor-runs/c") if reason == "exception" else ("c", "")
    assert f"B = trainadvisor-runs/{later}/log.json" in told.out
    assert told.err == (f"Passed over, since they did not come to their end: {passed}\n" if passed else "")
    assert "B = trainadvisor-runs/c/log.json" in call("compare", "a", "c").out
    (runs / "b" / "log.json").unlink()
    assert "B = trainadvisor-runs/c/log.json" in (few := call("compare")).out
    assert few.err == ""


def test_the_other_way_round_it_is_worse(call: Call, folder: Path) -> None:
    """B is judged relative to A."""
    assert "B is worse: nan-loss newly found." in call("compare", write(folder, "falling"), write(folder, "nan")).out


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.02, "no difference that counts"), (2.0, "B is worse"), (0.5, "B is better")]
)
def test_equal_findings_are_decided_by_the_loss(call: Call, folder: Path, factor: float, verdict: str) -> None:
    """A difference of two per cent in one run each is none."""
    b = log(folder, "b.json", [factor * loss for loss in FALLING])
    assert f"verdict            {verdict}: " in call("compare", log(folder, "a.json", FALLING), b).out


@pytest.mark.parametrize(("change", "field"), [({"layers": 3}, "model"), ({"batch": 128}, "batch")])
def test_unlike_runs_get_no_verdict(call: Call, folder: Path, change: dict[str, int], field: str) -> None:
    """But the figures."""
    a, b = log(folder, "a.json", FALLING), log(folder, "b.json", FALLING, **change)
    outcome = call("compare", a, b)
    assert f"verdict            No verdict: different {field}" in outcome.out
    assert "final loss" in outcome.out
    document = call("compare", a, b, "--json").json
    assert (document["verdict"], document["unlike"]) == ("unlike", [field])


def test_chinese(call: Call, folder: Path) -> None:
    """Aligned by display cells."""
    lines = call("compare", write(folder, "nan"), write(folder, "falling"), "--lang", "zh").out.splitlines()
    assert any(line.startswith("  结论         B 更好：nan-loss 已消失") for line in lines)


def test_many_runs_stand_on_one_page(call: Call, folder: Path) -> None:
    """Each in the table with its state, each further one against the first, and one line each in the charts."""
    a = log(folder, "a.json", [*FALLING[:50], *["nan"] * 50], lr=1.0)
    b, c = log(folder, "b.json", FALLING), log(folder, "c.json", [0.5 * loss for loss in FALLING], lr=0.05)
    outcome = call("compare", a, b, c, "--html", "out.html")
    page = (folder / "out.html").read_text(encoding="utf-8")
    assert outcome.code == 0
    assert outcome.out.count("verdict            B is better") == 2
    assert re.findall(r'<th scope="row">(\w [\w.]+)</th>', page) == ["A a.json", "B b.json", "C c.json"]
    assert [page.count(f"{letter} is better: nan-loss no longer found") for letter in "BC"] == [1, 1]
    assert "lr 1 -&gt; 0.05" in page
    assert "C 更好" in page
    legend = page[page.index('id="chart-training-1"') : page.index("</ul>", page.index('id="chart-training-1"'))]
    assert [f"</span>{letter} <b>" in legend for letter in "ABC"] == [True] * 3
    assert page.count("<script") == 1
    assert "src=" not in page
    assert len(call("compare", a, b, c, "--json").json["comparisons"]) == 2


def test_a_page_of_a_comparison_is_refused_where_it_cannot_be_written(call: Call, folder: Path) -> None:
    """Before anything is judged."""
    a = log(folder, "a.json", FALLING)
    assert call("compare", a, a, "--html", "gone/out.html").code == 2


def test_letters_name_at_most_26_runs(call: Call, folder: Path) -> None:
    """More are a fleet."""
    a = log(folder, "a.json", FALLING)
    outcome = call("compare", *[a] * 27)
    assert outcome.code == 2
    assert "at most 26 runs; `trainadvisor fleet FOLDER` judges any number of them" in outcome.err
