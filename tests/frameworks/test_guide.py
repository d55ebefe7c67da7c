"""docs/frameworks.md: each script runs as it stands, and both languages hold the same ones."""

import re
from pathlib import Path

import pytest
from frameworks.frameworkkit import needs, python

from trainadvisor.document import diagnose
from trainadvisor.log.reader import read_log

DOCS = Path(__file__).parents[2] / "docs"
_SCRIPT = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NEEDS = re.compile(r"trainadvisor\.integrations\.(\w+)")


def scripts(page: str) -> dict[str, str]:
    """Return the scripts of a page by the integration that each imports."""
    found = _SCRIPT.findall((DOCS / page).read_text(encoding="utf-8"))
    return {_NEEDS.search(script)[1]: script for script in found}


ENGLISH = scripts("frameworks.md")


def test_both_languages_hold_the_same_scripts():
    """What runs in one language is what stands in the other; there is a script for each integration."""
    assert scripts("frameworks.zh.md") == ENGLISH
    modules = {path.stem for path in (DOCS.parent / "trainadvisor" / "integrations").glob("*.py")}
    assert set(ENGLISH) == modules - {"__init__", "callback_session"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs(name)) for name in ENGLISH])
def test_the_script_runs_as_it_stands(name, tmp_path):
    """It ends well, writes the log, and a sound training is not called broken."""
    (tmp_path / "train.py").write_text(ENGLISH[name], encoding="utf-8")
    done = python(tmp_path, "train.py")
    assert done.returncode == 0, done.stderr
    log = read_log(tmp_path / "log.json")
    assert len(log.steps) >= 60
    assert diagnose(log).state == "healthy"
    assert "trainadvisor: " in done.stdout + done.stderr
