"""The public names: imported when they are first used, and callable however they are reached."""

from __future__ import annotations

import subprocess
import sys

import pytest

import trainadvisor


def run(code: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import trainadvisor` costs a training script nothing."""
    heavy = {"torch", "numpy", "scipy", "pydantic", "rich", "click", "orjson", "jinja2"}
    assert run(f"import sys, trainadvisor; print({heavy!r} & set(sys.modules))") == "set()"


@pytest.mark.parametrize("name", ["read_log", "diagnose", "signal"])
def test_judging_does_not_import_torch(name: str) -> None:
    """A log is judged where no torch can be imported."""
    assert run(f"import sys, trainadvisor; trainadvisor.{name}; print('torch' in sys.modules)") == "False"


@pytest.mark.parametrize("name", trainadvisor.__all__)
def test_every_public_name_can_be_called(name: str) -> None:
    """And is listed by dir()."""
    assert callable(getattr(trainadvisor, name))
    assert name in dir(trainadvisor)


@pytest.mark.parametrize(
    "imports",
    [
        "import trainadvisor",
        "import trainadvisor, trainadvisor.judge.result",
        "import trainadvisor.judge.engine as engine, trainadvisor",
    ],
)
def test_diagnose_is_a_function_and_a_package(imports: str) -> None:
    """Whoever imports from the package first, `trainadvisor.diagnose(log)` works."""
    call = "\ntry:\n    trainadvisor.diagnose('none.json')\nexcept Exception as error:\n    print(type(error).__name__)"
    assert run(imports + call) == "LogError"


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match="module 'trainadvisor' has no attribute 'wtach'"):
        _ = trainadvisor.wtach  # type: ignore[attr-defined]
