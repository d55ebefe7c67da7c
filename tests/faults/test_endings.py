"""However a script treats descriptors and standard error, and however it ends: all is as without us."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import forkedpython
import pytest

from trainadvisor.descriptors import Descriptor
from trainadvisor.log.reader import read_log
from trainadvisor.voice import Voice

if TYPE_CHECKING:
    from pathlib import Path

TRAINING = """
import contextlib, io, os, signal, sys
import torch
torch.set_num_threads(1); torch.manual_seed(0)
model = torch.nn.Linear(8, 3); optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
if os.environ.get("WATCH"):
    import trainadvisor
    trainadvisor.watch(model, optimizer)
def train(count):
    for _ in range(count):
        optimizer.zero_grad(); model(torch.randn(4, 8)).pow(2).mean().backward(); optimizer.step()
"""
TRAININGS = {
    "descriptors closed, numbers reused": """
        train(10)
        os.closerange(3, 256)
        files = [open(f"{i}.txt", "w+") for i in range(8)]
        for file in files: file.write("mine\\n" * 99); file.flush()
        train(300)
        for file in files: file.close()
        print(*(open(f"{i}.txt").read() == "mine\\n" * 99 for i in range(8)))
        """,
    "all descriptors closed": """
        train(10)
        os.closerange(3, 5000)
        train(300)
        print("done")
        """,
    "stderr closed": """
        train(40)
        sys.stderr.close()
        print("done")
        """,
    "stderr replaced by a file that is closed": """
        with open("err.txt", "w") as sys.stderr: train(40)
        print("done", os.path.getsize("err.txt"))
        """,
    "stderr captured": """
        with contextlib.redirect_stderr(io.StringIO()) as captured: train(60)
        print(repr(captured.getvalue()))
        """,
    "an object that goes at the very end": """
        class Kept:
            def __del__(self): print(model is not None, later)
        kept = Kept(); later = "still there"
        train(40)
        """,
    "another folder, which is gone": """
        os.mkdir("d"); os.chdir("d"); os.rmdir("../d")
        train(40)
        sys.exit(7)
        """,
}
ENDINGS = {
    "a message without a stderr": "sys.stderr = None; sys.exit('so')",
    "a message to a closed stderr": "sys.stderr.close(); sys.exit('so')",
    "a number": "sys.stderr.close(); sys.exit(300)",
    "no descriptor 2": "os.close(2); print('x')",
    "a closed stdout": "print('x'); sys.stdout.close()",
    "an exception without a stderr": "sys.stderr = None; 1 / 0",
    "an exception after a closed stderr": "sys.stderr.close(); 1 / 0",
    "a hook that exits": "sys.excepthook = lambda *_: sys.exit(5); 1 / 0",
    "a hook that fails without a stderr": "sys.excepthook = lambda *_: 1 / 0; sys.stderr = None; 1 / 0",
    "os._exit": "sys.stderr = None; print('x', flush=True); os._exit(9)",
    "a signal": "os.kill(os.getpid(), signal.SIGTERM)",
    "a stdout whose flush fails": "class S:\n    def flush(self): 1 / 0\nsys.stdout = S()",
    "an exit handler that fails": "import atexit; sys.stderr = None; atexit.register(lambda: 1 / 0)",
}
# What depends on how a process began: its very end, and the frames that it shows.
OF_A_START = re.compile("__del__|set_detect_anomaly")
ADDRESS = re.compile("0x[0-9a-f]+|refcount : [0-9]+")


def outcome(folder: Path, source: str, *command: str, **environment: str) -> tuple[int, str, str]:
    """Run a script by a command, return exit code, output and errors."""
    (folder / "train.py").write_text(textwrap.dedent(source), encoding="utf-8")
    arguments = [*command, "train.py"]
    if "import torch" in source and not OF_A_START.search(source):
        done = forkedpython.run(arguments, folder, environment)
    else:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=240, check=False
        )
    return done.returncode, done.stdout, done.stderr


def recorded(folder: Path, source: str, *options: str) -> tuple[int, str, str]:
    """Run a script by `trainadvisor run`."""
    return outcome(folder, source, "-m", "trainadvisor", "run", "--log", "log.json", *options)


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_ends_as_without_us(tmp_path: Path, name: str) -> None:
    """Recorded by `run`: exit code and output are the script's, the verdict is told, and every step is in the log."""
    source = TRAINING + textwrap.dedent(TRAININGS[name])
    plain = tmp_path / "plain"
    plain.mkdir()
    code, out, _ = outcome(plain, source)
    found = recorded(tmp_path, source)
    assert found[:2] == (code, out)
    assert "False" not in out
    assert found[2].count("full report:") == 1
    log = read_log(tmp_path / "log.json")
    assert (log.end or {}).get("reason") == "finished"
    assert log.all_steps_count in (40, 60, 310)


@pytest.mark.parametrize("name", ["descriptors closed, numbers reused", "stderr closed"])
def test_a_watched_training_ends_as_without_us(tmp_path: Path, name: str) -> None:
    """The same for `watch`, which prints nothing; both of these print what they do without it."""
    found = outcome(tmp_path, TRAINING + textwrap.dedent(TRAININGS[name]), WATCH="1")
    assert found == (0, {"d": "True " * 7 + "True\n", "s": "done\n"}[name[0]], "")
    assert read_log(tmp_path / "log.json").end


@pytest.mark.parametrize("name", ENDINGS)
def test_exit_codes_and_output_are_the_scripts(tmp_path: Path, name: str) -> None:
    """Also of scripts that have broken their standard streams; ours comes after theirs on the errors.

    That is a line, or what explains the error that ended the script.
    """
    source = "import os, signal, sys\n" + ENDINGS[name]
    code, out, err = outcome(tmp_path, source)
    found = recorded(tmp_path, source)
    assert found[:2] == (code, out)
    theirs = [line for line in found[2].splitlines() if not line.startswith("trainadvisor: ")]
    expected = [ADDRESS.sub("", line) for line in err.splitlines()]
    ours = theirs[len(expected) :]
    assert [ADDRESS.sub("", line) for line in theirs[: len(expected)]] == expected
    assert ours == [] or ours[:2] == ["", "BROKEN: " + ours[1].removeprefix("BROKEN: ")]


def test_the_forward_of_a_bad_gradient_is_shown_as_without_us(tmp_path: Path) -> None:
    """Anomaly detection prints the lines of the script, none of ours."""
    source = """
        import torch
        torch.autograd.set_detect_anomaly(True)
        (torch.sqrt(torch.nn.Linear(2, 2)(torch.ones(1, 2)) * 0) * 0).sum().backward()
        """
    code, _, err = outcome(tmp_path, source)
    found = recorded(tmp_path, source)
    assert "forward call that caused the error" in err
    assert err in found[2]
    assert (found[0], code) == (1, 1)


@pytest.mark.parametrize(
    "ending",
    [
        "1 / 0", "sys.exit('so')", "sys.excepthook = lambda *_: sys.exit('hook'); 1 / 0",
        "import os; sys.excepthook = lambda *_: os.write(2, b'hook'); 1 / 0",
    ],
)  # fmt: skip
def test_what_a_script_has_printed_stands_where_it_stands_without_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """Before or behind its error, where both streams lead to one file."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    (tmp_path / "train.py").write_text(f"import sys\nprint('printed')\n{ending}", encoding="utf-8")

    def lines(*command: str) -> list[str]:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        given = [sys.executable, *command, "train.py"]
        done = subprocess.run(given, cwd=tmp_path, timeout=240, check=False, text=True, **streams)
        return done.stdout.splitlines()

    plain = lines()
    assert lines("-m", "trainadvisor", "run", "--log", "log.json")[: len(plain)] == plain


def test_a_pipe_that_nobody_reads_kills_no_script(tmp_path: Path) -> None:
    """Not even one that wants to die of its own broken pipe."""
    (tmp_path / "train.py").write_text("import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\nprint('done')")
    reader, pipe = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "trainadvisor", "run", "train.py"]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=pipe, timeout=240, check=False)
    os.close(pipe)
    assert (done.returncode, done.stdout) == (0, b"done\n")


def test_a_descriptor_is_known_by_its_file(tmp_path: Path) -> None:
    """A number that stands for another file is neither used nor closed; the file is found again by its path."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.write_text("m")
    other.write_text("o")
    kept = Descriptor(os.open(mine, os.O_RDWR))
    assert kept.held
    assert kept.number >= 60
    number = kept.number
    with other.open() as file:
        os.dup2(file.fileno(), number)
        assert not kept.held
        assert not kept.regain(lambda: os.open(other, os.O_RDWR))
        kept.close()
        assert os.read(number, 1) == b"o"
        assert kept.regain(lambda: os.open(mine, os.O_RDWR))
        assert os.read(kept.number, 1) == b"m"
        os.close(number)
        kept.close()
        assert not kept.held


def test_a_voice_goes_where_stderr_was(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A later stderr sees nothing of it; a closed voice is silent."""
    voice = Voice()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        voice.line("one")
        assert capfd.readouterr().err == "one\n"
        Voice().line("nobody hears it")
    voice.close()
    voice.line("two")
    assert capfd.readouterr().err == ""


def test_a_log_and_its_report_are_their_owners_alone(tmp_path: Path) -> None:
    """They hold source lines and arguments."""
    assert recorded(tmp_path, TRAINING + "train(30); sys.exit(3)", "--report", "out.md")[0] == 3
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("log.json", "out.md")] == [0o600, 0o600]


def test_a_report_that_cannot_be_written_changes_no_exit_code(tmp_path: Path) -> None:
    """The script has made a file of that name for itself."""
    source = TRAINING + "train(30); print('x', file=open('out.md', 'w')); sys.exit(7)"
    code, _, err = recorded(tmp_path, source, "--report", "out.md")
    assert (code, (tmp_path / "out.md").read_text()) == (7, "x\n")
    assert "out.md: exists and is no report of trainadvisor's" in err.splitlines()[-1]


def test_a_file_that_is_no_log_is_kept_and_nothing_runs(tmp_path: Path) -> None:
    """Whoever names it by mistake is told before the script starts."""
    (tmp_path / "log.json").write_text('{"lr": 0.1}')
    told = "trainadvisor: log.json: exists and is no trainadvisor log; choose another name\n"
    assert recorded(tmp_path, "print('run')") == (2, "", told)
    assert (tmp_path / "log.json").read_text() == '{"lr": 0.1}'
