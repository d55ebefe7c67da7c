"""Which tests run which lines of the package: measured once for each test file, in a copy of the tree."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
FOLDER_SECONDS = 1800
ENDED = (0, 1)
"""Exit codes of pytest that has run all tests, whether they passed or not."""


def copied(work: Path) -> Path:
    """Return a fresh copy of what git would keep of the tree; its compiled files are checked by content."""
    tree = work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    compiled = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "trainadvisor"]
    subprocess.run(compiled, cwd=tree, check=True)
    return tree


def run_tests(tree: Path, arguments: list[str], seconds: float, **variables: str) -> int | None:
    """Run tests of the copy against its package; return the exit code, None where time ran out."""
    paths = os.pathsep.join([str(tree), str(HERE)])
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, **variables}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests_plugin", *arguments]
    null = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=tree, env=env, stdin=null, stdout=null, stderr=null, start_new_session=True
    ) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return None


def measured(tree: Path, files: list[str], work: Path) -> dict[str, Any]:
    """Return, for each test of these files that passes, its seconds and the lines it runs; kept in the work folder."""
    (work / "calls").mkdir(parents=True, exist_ok=True)
    kept = {name: work / "calls" / f"{_digest(tree, name)}.json" for name in files}
    for folder, group in itertools.groupby((name for name in files if not kept[name].exists()), os.path.dirname):
        names = list(group)
        noted = work / "noted.json"
        code = run_tests(tree, names, FOLDER_SECONDS, MUTANTS_CALLS=str(noted))
        print(f"measured {len(names)} files of {folder}: exit code {code}", flush=True)
        told = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else {"files": [], "tests": {}}
        for name in names if code in ENDED else told["files"]:
            of_file = {test: runs for test, runs in told["tests"].items() if test.startswith(f"{name}::")}
            kept[name].write_text(json.dumps(of_file), encoding="utf-8")
        noted.unlink(missing_ok=True)
    known = (path for path in kept.values() if path.exists())
    return {test: told for path in known for test, told in json.loads(path.read_text(encoding="utf-8")).items()}


def _digest(tree: Path, name: str) -> str:
    return hashlib.sha256(f"lines {name} {(tree / name).read_text(encoding='utf-8')}".encode()).hexdigest()[:16]
