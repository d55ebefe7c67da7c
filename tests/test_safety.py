"""Nothing that is read can run code: no pickle, no torch.load, no yaml, no eval, no shell; SECURITY.md says so."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import trainadvisor

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(trainadvisor.__file__).parent
ROOT = PACKAGE.parent
MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "yaml",
    "ruamel",
    "dbm",
}
CALLS = {"eval", "exec", "__import__", "load", "loads", "load_module", "system", "popen", "extractall"}
RUNNERS = {
    ("record/run_script.py", "exec"): "running the user's script is what the command is for",
    ("demos/walkthrough.py", "exec"): "a script of ours, which the demonstration has just shown",
    ("importers/flight_recorder.py", "pickle"): "dumps of torch, of which each operation is on a list of harmless ones",
    ("importers/flight_recorder.py", "load"): "by an unpickler that refuses every class and function",
}
# Modules whose `load` or `loads` reads data that cannot hold code (numpy's, unless pickles are allowed).
SOUND_LOADERS = {"orjson", "json", "tomllib", "configuration", "rulebook", "book", "answers", "np"}


def unsafe(source: str) -> Iterator[tuple[str, int]]:
    """Yield what in a module could run what it reads, with the line."""
    tree = ast.parse(source)
    own = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    own |= {a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names if _is_ours(n)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((name, node.lineno) for name in names if name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.Call):
            yield from ((name, node.lineno) for name in _unsafe_call(node, own))


def _is_ours(node: ast.ImportFrom) -> bool:
    return (node.module or "").startswith("trainadvisor")


def _unsafe_call(call: ast.Call, own: set[str]) -> Iterator[str]:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    of = getattr(owner, "id", getattr(owner, "attr", "")) if owner is not None else ""
    if name in ("load", "loads"):
        sound = of in SOUND_LOADERS or (owner is None and name in own)
    elif name in ("eval", "exec"):
        sound = owner is not None  # model.eval() and the like
    elif name == "extractall":
        sound = any(keyword.arg == "filter" for keyword in call.keywords)
    else:
        sound = name not in CALLS
    if not sound:
        yield f"{of}.{name}".lstrip(".")
    options = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
    yield from (f"{option}=True" for option in ("shell", "allow_pickle") if options.get(option) is True)


def test_nothing_in_the_package_runs_what_it_reads() -> None:
    """Besides the two places that run scripts, on purpose."""
    found = {
        (path.relative_to(PACKAGE).as_posix(), what, line)
        for path in sorted(PACKAGE.rglob("*.py"))
        for what, line in unsafe(path.read_text(encoding="utf-8"))
    }
    assert [entry for entry in sorted(found) if entry[:2] not in RUNNERS] == []
    assert {entry[:2] for entry in found} == set(RUNNERS)


STARTERS = {
    "commands/checkup.py": "torch is asked by a fixed program, since importing it may end the process",
    "monitor/alerts.py": "the command typed after --on-finding",
    "mending/source_files.py": "git, asked whether a file is tracked and unchanged",
    "record/run_script.py": "the script or module that was typed",
    "trials/engines/tasks.py": "workers of a fleet, which judge logs and start nothing",
    "trials/forked_trials.py": "this program itself, which forks the trials of the script that was typed",
    "trials/child_process.py": "trials of the script that was typed, or of a log's with --yes-run",
}


def test_programs_are_started_in_known_places_only() -> None:
    """A log, a rule or a settings file leads to none of them without a word of the user's."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if {name.partition(".")[0] for name in names} & {"subprocess", "runpy", "multiprocessing", "pty"}:
                found.add(path.relative_to(PACKAGE).as_posix())
    assert found == set(STARTERS)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import pickle", "pickle"),
        ("from yaml import safe_load", "yaml"),
        ("def f():\n    import joblib.memory", "joblib.memory"),
        ("import torch\ntorch.load(path)", "torch.load"),
        ("import torch\ntorch.load(path, weights_only=False)", "torch.load"),
        ("from torch import load\nload(path)", "load"),
        ("np.load(path, allow_pickle=True)", "allow_pickle=True"),
        ("eval(text)", "eval"),
        ("exec(code, {})", "exec"),
        ("subprocess.run(text, shell=True)", "shell=True"),
        ("os.system(text)", "os.system"),
        ("tar.extractall(folder)", "tar.extractall"),
    ],
)
def test_the_search_finds(source: str, what: str) -> None:
    """Each of what it is for."""
    assert what in [name for name, _ in unsafe(source)]


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "orjson.loads(text)",
        "np.load(path)",
        "tar.extractall(folder, filter='data')",
        "from trainadvisor.judge.rulebook import load\nload([])",
    ],
)
def test_the_search_leaves_alone(source: str) -> None:
    """What only looks like it."""
    assert list(unsafe(source)) == []


def _audit() -> Any:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SKIPPED = {"name": "click", "skip_reason": "Dependency not found on PyPI"}
SOUND = {"name": "numpy", "version": "2", "vulns": []}
BAD = {"name": "old", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}


@pytest.mark.parametrize(
    ("packages", "code", "line"),
    [
        ([SKIPPED], 3, "nothing is audited"),
        ([], 3, "nothing is audited"),
        ([SOUND, SKIPPED], 0, "no known vulnerability in 1 packages; not audited: click"),
        ([SOUND, SKIPPED, BAD], 1, "old 1: PYSEC-1, mended in 2"),
    ],
)
def test_an_audit_without_its_database_is_not_a_clean_one(packages: list[Any], code: int, line: str) -> None:
    """Though pip-audit ends with the same exit code."""
    found, lines = _audit().verdict({"dependencies": packages})
    assert found == code
    assert line in lines[0]


def test_the_policy_names_what_is_trusted() -> None:
    """And the bounds that hold in the code."""
    from trainadvisor import toml
    from trainadvisor.log import cleaning, stream

    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    bounds = {
        f"{stream.LONGEST_LINE >> 20} MB", f"{stream.LARGEST_UNPACKED >> 30} GiB", f"{stream.LARGEST_RATIO} times",
        f"{cleaning.ROOM >> 20} MB", f"{toml.LARGEST >> 20} MB",
    }  # fmt: skip
    assert [bound for bound in bounds if bound not in text] == []
    assert all(word in text for word in ("pickle", "torch.load", "yaml", "eval", "shell", "Report"))
