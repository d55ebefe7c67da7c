"""`trainadvisor doctor` and the completion of shells."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trainadvisor.commands import checkup
from trainadvisor.report.text import checkup_screen

if TYPE_CHECKING:
    from commands.conftest import Call

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict:
    """The facts of a machine with two GPUs and Lightning, and without Ray."""
    known = dict.fromkeys(checkup.NEEDED, "1.0") | {"lightning": "2.5", "pandas": "3.0"}
    monkeypatch.setattr(checkup, "installed", known.get)
    monkeypatch.setattr(checkup, "devices", lambda: {"cpu_threads": 4, "cuda": ["A100", "A100"], "mps": False})
    monkeypatch.setattr(checkup.shutil, "which", lambda name: "/bin/x" if name == "firefox" else None)
    return checkup.facts()


def test_versions_are_those_of_the_installation(call: Call) -> None:
    """What is here is told with its version, and the exit code says that it is enough."""
    outcome = call("doctor", "--json")
    told = json.loads(outcome.out)
    assert outcome.code == 0
    assert told["schema"] == "trainadvisor/doctor/1"
    assert told["packages"]["torch"] == version("torch")
    assert told["devices"]["cpu_threads"] >= 1
    assert told["folder"]["error"] is None


def test_nothing_is_imported_for_its_version() -> None:
    """Torch is asked in another process, frameworks not at all."""
    heavy = {"torch", "scipy", "transformers", "lightning", "keras", "ray", "pandas", "IPython"}
    code = f"""
import sys
from trainadvisor.commands import checkup
checkup.facts()
print(*({heavy!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_screen_names_devices_frameworks_and_what_is_missing(found: dict) -> None:
    """Each GPU by its name, the frameworks that are here, and the command that installs what is not."""
    text = checkup_screen.render(found, "en", 100, healthy=checkup.sound(found))
    assert "  devices     CPU (threads: 4), cuda:0 A100, cuda:1 A100\n" in text
    assert "  frameworks  lightning 2.5\n" in text
    assert "  browser     firefox\n" in text
    assert "  no   verify and fleet on a cluster (--engine ray): pip install ray\n" in text
    assert "  yes  findings as a pandas table (to_frame)\n" in text
    assert text.endswith("\nTrainings can be recorded and diagnosed here.")


def test_chinese_columns_are_aligned(found: dict) -> None:
    """A Chinese letter is two columns wide."""
    text = checkup_screen.render(found, "zh", 100, healthy=True)
    assert "  设备        CPU（线程数：4）, cuda:0 A100, cuda:1 A100\n" in text
    assert text.endswith("\n可以在此记录并诊断训练。")


def test_a_torch_that_cannot_be_imported_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of its error stands for the devices; recording does not work, diagnosing does."""
    monkeypatch.setattr(checkup, "ASKED", "raise ImportError('libcudart.so.12: cannot open shared object file')")
    found = checkup.facts()
    assert found["devices"] == {"error": "ImportError: libcudart.so.12: cannot open shared object file"}
    assert (found["works"]["run"], found["works"]["diagnose"], checkup.sound(found)) == (False, True, False)
    assert "unknown: ImportError: libcudart" in checkup_screen.render(found, "en", 100, healthy=False)


def test_a_torch_that_ends_its_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash without words is told by its exit code."""
    monkeypatch.setattr(checkup, "ASKED", "import os; os._exit(9)")
    assert checkup.devices() == {"error": "exit code 9"}


def test_a_torch_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question has a limit."""
    monkeypatch.setattr(checkup, "ASKED", "import time; time.sleep(60)")
    monkeypatch.setattr(checkup, "LONGEST", 0.2)
    assert checkup.devices()["error"].startswith("importing torch takes longer than")


def completed(*words: str, line: str) -> list[str]:
    """Return what bash offers for the last word, after the line of docs/install.md that installs the completion."""
    # bash knows what is completed by itself only while it completes
    script = f"""
compopt() {{ echo "$2"; }}
{line}
COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}
_trainadvisor_completion trainadvisor
echo "${{COMPREPLY[@]}}"
"""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(shutil.which("bash")), "-c", script],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_commands_and_options() -> None:
    """The line for ~/.bashrc works as the page shows it."""
    text = (DOCS / "install.md").read_text(encoding="utf-8")
    line = re.search(r"^echo '(eval.*bash_source.*)' >> ~/\.bashrc$", text, re.MULTILINE)[1]
    assert completed("trainadvisor", "di", line=line) == ["diagnose"]
    assert completed("trainadvisor", "do", line=line) == ["doctor"]
    assert completed("trainadvisor", "check", "--min-conf", line=line) == ["--min-confidence"]
    assert completed("trainadvisor", "run", "tr", line=line) == ["default"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_the_one_line_writes_the_completion(tmp_path: Path) -> None:
    """The line that installs it writes a file that bash can read."""
    text = (DOCS / "install.md").read_text(encoding="utf-8")
    line = re.search(r"^mkdir.*$", text, re.MULTILINE)[0]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [str(shutil.which("bash")), "-c", line], env=os.environ | {"HOME": str(tmp_path), "PATH": path}, check=True
    )
    written = tmp_path / ".local/share/bash-completion/completions/trainadvisor"
    assert completed("trainadvisor", "fol", line=f"source {written}") == ["follow"]
