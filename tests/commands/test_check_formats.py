"""`trainadvisor check --format`: several at once, into files, and the document for programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from gatelogs import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[..., Any]


def test_formats_go_to_files_and_one_to_the_output(call: Call, folder: Path) -> None:
    """Several at once; text is printed where no other is."""
    forms = ("agent", "concise", "json", "jsonl", "junit", "sarif", "github", "gitlab", "markdown", "text")
    options = [word for form in forms for word in ("--format", f"{form}=out.{form}")]
    outcome = call("check", write(folder, "nan"), *options)
    assert outcome.code == 1
    assert outcome.out == (folder / "out.text").read_text(encoding="utf-8")
    assert all((folder / f"out.{form}").stat().st_size for form in forms)
    assert call("check", write(folder, "nan"), "--format", "github").out.startswith("::error title=nan-loss::")


def test_a_job_summary_is_added_to(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other steps of the job write into the same file."""
    path = folder / "summary.md"
    path.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    call("check", write(folder, "nan"), "--format", f"markdown={path}")
    assert path.read_text(encoding="utf-8").startswith("before\n### BROKEN: ")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--format", "junt"], 'no format is called junt; did you mean "junit"?'),
        (["--format", "json", "--format", "junit"], "only one can be printed"),
        (["--format", "json="], "names no file"),
        (["--format", "json=none/out.json"], "there is no folder for the file"),
        (["--max-bytes", "many"], "must be a number of bytes"),
    ],
)
def test_a_format_that_cannot_be_written_is_refused(
    call: Call, folder: Path, options: list[str], complaint: str
) -> None:
    """Before any log is judged."""
    outcome = call("check", write(folder, "nan"), *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err


def test_the_document_carries_the_decision(call: Call, folder: Path) -> None:
    """Exit code and reason for programs, and every diagnosis."""
    document = call(
        "check", write(folder, "nan"), write(folder, "short"), "--format", "json", "--max-bytes", "20k"
    ).json
    assert document["schema"] == "trainadvisor/check/1"
    assert (document["outcome"], document["exit_code"], document["exit_reason"]) == ("fail", 1, "nan-loss")
    assert [run["outcome"] for run in document["runs"]] == ["fail", "undecided"]
    assert document["runs"][0]["diagnosis"]["schema"] == "trainadvisor/diagnosis/1"


@pytest.mark.parametrize("size", ["8k", "20000"])
def test_the_document_keeps_to_its_size(call: Call, folder: Path, size: str) -> None:
    """Details are left out, the decision never."""
    log = write(folder, "nan")
    whole, short = (call("check", log, "--format", "json", *more) for more in ([], ["--max-bytes", size]))
    most = {"8k": 8000}.get(size, 20000)
    assert len(whole.out.encode()) > most >= len(short.out.encode())
    assert (short.json["exit_code"], short.json["failing"]) == (1, ["nan-loss"])


@pytest.mark.parametrize(("choice", "colored"), [("always", True), ("never", False), ("auto", False)])
def test_color_only_where_it_is_wanted(call: Call, folder: Path, choice: str, colored: bool) -> None:  # noqa: FBT001 - a parameter
    """A pipe gets none unless it asks; the words stay the same."""
    log = write(folder, "nan")
    text = call("check", log, "--color", choice).out
    assert ("\x1b[" in text) == colored
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == call("check", log, "--color", "never").out


def test_notes_fail_where_they_are_asked_for(call: Call, folder: Path) -> None:
    """The lowest level there is: a warning that the settings made a note fails at `note`, not at `warning`."""
    (folder / "pyproject.toml").write_text('[tool.trainadvisor.rules]\ndata-loader-bound = "note"\n', encoding="utf-8")
    log = write(folder, "waiting")
    assert call("check", log, "--fail-on", "note").code == 1
    assert call("check", log, "--fail-on", "warning").code == 0
