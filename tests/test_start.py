"""Commands that only read import nothing heavy."""

import subprocess
import sys
from pathlib import Path

import pytest
from builders import build_log

HEAVY = ("torch", "scipy", "rich", "matplotlib", "sklearn", "pandas")
COMMANDS = [
    ["--help"],
    ["rules"],
    ["explain", "nan-loss"],
    ["explain"],
    ["signals"],
    ["diagnose", "log.json"],
    ["diagnose", "log.json", "--lang", "zh"],
]

# What a text about a short table has no use for: masked arrays, gates, databases, pickles, the other language.
SPARED = ("numpy.ma", "numpy.random", "numpy.fft", "statistics", "sqlite3", "pickletools", "trainadvisor.gate.decision",
          "trainadvisor.report.files", "trainadvisor.importers.decode.printed_figures")  # fmt: skip
# What checks documents is of no use to a text.
CHECKERS = ("pydantic", "jsonschema")
PLAIN = "epoch,loss,val_loss\n0,1.0,1.1\n1,0.5,0.6\n2,0.4,0.5\n"

PROBE = """
import sys
sys.argv = ["trainadvisor", *{arguments!r}]
from trainadvisor.cli import main
try:
    main()
except SystemExit as stop:
    code = stop.code or 0
else:
    code = 0
print("loaded:", *[name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nothing_heavy_is_imported(tmp_path: Path, arguments: list[str]) -> None:
    """Neither torch nor scipy nor rich is loaded by a command that tells."""
    build_log(tmp_path, columns={"loss": [1.0 / (1 + i) for i in range(50)], "lr": 0.1, "grad_norm": [1.0] * 50})
    script = PROBE.format(arguments=arguments, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().splitlines()[-1] == "loaded:"


@pytest.mark.parametrize("name", ["log.json", "metrics.csv"])
def test_a_text_is_made_without_what_checks_documents(tmp_path: Path, name: str) -> None:
    """The report of a log, whoever wrote it, loads no pydantic; its JSON does."""
    build_log(tmp_path, columns={"loss": [1.0 / (1 + i) for i in range(50)], "lr": 0.1, "grad_norm": [1.0] * 50})
    (tmp_path / "metrics.csv").write_text(PLAIN)
    loaded = [_loaded(tmp_path, ["diagnose", name, "--format", form]) for form in ("text", "json")]
    assert loaded == ["loaded:", "loaded: pydantic"]


def test_a_short_table_of_another_tool_loads_only_what_its_report_needs(tmp_path: Path) -> None:
    """Every module costs some milliseconds at each start; a gate that is asked for is loaded."""
    rows = [f"{epoch},{2 / (epoch + 2):.4f},{2 / (epoch + 2) + 0.01 * (epoch % 3):.4f}" for epoch in range(40)]
    (tmp_path / "metrics.csv").write_text("\n".join(["epoch,loss,val_loss", *rows]))
    assert _loaded(tmp_path, ["diagnose", "metrics.csv"], SPARED) == "loaded:"
    gated = _loaded(tmp_path, ["diagnose", "metrics.csv", "--fail-on", "error"], SPARED)
    assert "trainadvisor.gate.decision" in gated


def _loaded(folder: Path, arguments: list[str], heavy: tuple[str, ...] = CHECKERS) -> str:
    script = PROBE.format(arguments=arguments, heavy=heavy)
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    return done.stderr.strip().splitlines()[-1]
