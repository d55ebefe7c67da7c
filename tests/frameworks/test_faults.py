"""Faults that users of the frameworks make: the right cause comes first, at the line of the setting."""

from pathlib import Path

import pytest
from frameworks.frameworkkit import SCRIPTS, Ran, needs, python, recorded
from frameworks.users_faults import TOLD

from trainadvisor.vocabulary import Severity

# Script, text of it, what a faulty one has there, the cause, and a text of the line to change (None: not looked at).
FAULTS = [
    ("hf_classification", "learning_rate=2e-3", "learning_rate=3.0", "lr-too-high", "learning_rate=3.0,"),
    ("hf_classification", "learning_rate=2e-3", "learning_rate=2e-9", "lr-too-low", "learning_rate=2e-9,"),
    ("hf_causal_lm", '"labels": row.clone()}', '"labels": torch.full_like(row, -100)}', "masked-labels", None),
    ("lightning_digits", "lr=2e-3", "lr=2.0", "lr-too-high", "return torch.optim.Adam(self.parameters(), lr=2.0)"),
    ("lightning_digits", "self.parameters(), lr", "self.net[0].parameters(), lr", "optimizer-param-mismatch", None),
    (
        "lightning_digits", "loss = F.cross_entropy(self.net(x), y)",
        "loss = F.cross_entropy(self.net(x).softmax(1), y)", "softmax-before-cross-entropy", None,
    ),
    ("accelerate_loop", "            optimizer.zero_grad()\n", "", "missing-zero-grad", None),
    (
        "accelerate_loop", "loss = F.cross_entropy(model(images), labels)",
        "loss = F.cross_entropy(model(images).softmax(1), labels)", "softmax-before-cross-entropy", None,
    ),
    (
        "accelerate_loop", "lr=2e-3", "lr=3.0",
        "lr-too-high", "optimizer = torch.optim.AdamW(model.parameters(), lr=3.0)",
    ),
    ("keras_digits", "Adam(2e-3)", "Adam(5.0)", "lr-too-high", "optimizer=keras.optimizers.Adam(5.0),"),
    (
        "keras_digits", 'keras.layers.Dense(10, name="head")', 'keras.layers.Dense(10, activation="softmax")',
        "softmax-before-cross-entropy", None,
    ),
    (
        "keras_digits", "digits.target", "__import__('numpy').random.default_rng(0).permutation(digits.target)",
        "label-problem", None,
    ),
    ("skorch_digits", "lr=2e-3", "lr=5.0", "lr-too-high", None),
]  # fmt: skip
_PACKAGES = {"hf": ("transformers", "accelerate", "peft"), "trl": ("trl", "datasets")}
# Those that adapt the model which `hf_base.py` saves.
_ADAPTING = {"trl_completion", "trl_dpo", "hf_lora"}
TWINS = sorted({fault.script for fault in TOLD.values()})


def _packages(script: str) -> tuple[str, ...]:
    first = script.partition("_")[0]
    return _PACKAGES.get(first, (first,))


@pytest.mark.parametrize(
    ("script", "text", "faulty", "code", "line"),
    [pytest.param(*fault, marks=needs(*_packages(fault[0])), id=f"{fault[0]}-{fault[3]}") for fault in FAULTS],
)
def test_the_right_cause_comes_first(script, text, faulty, code, line, tmp_path):
    """The first finding is the cause that was put in; where a setting is to blame, its line is the place."""
    original = (SCRIPTS / f"{script}.py").read_text(encoding="utf-8")
    assert text in original
    written = tmp_path / "script.py"
    written.write_text(original.replace(text, faulty), encoding="utf-8")
    found = recorded(written, tmp_path, str(tmp_path / "out")).diagnosis
    assert found.findings[0].code == code
    if line is not None:
        assert found.findings[0].sites[0].source == line


def _ran(script: str, changes: tuple[tuple[str, str], ...], folder: Path) -> Ran:
    """Run a script with these changes of its text."""
    text = (SCRIPTS / f"{script}.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "script.py").write_text(text, encoding="utf-8")
    if script in _ADAPTING:
        python(folder, str(SCRIPTS / "hf_base.py"), str(folder / "base"))
    return recorded(folder / "script.py", folder, str(folder / "base"))


@pytest.mark.parametrize("name", [pytest.param(n, marks=needs(*_packages(f.script)), id=n) for n, f in TOLD.items()])
def test_a_fault_of_a_user_is_told_first(name, tmp_path, monkeypatch):
    """The first finding is a right cause, at the line that holds it, as `run` tells it beside the script."""
    fault = TOLD[name]
    ran = _ran(fault.script, fault.changes, tmp_path)
    monkeypatch.chdir(tmp_path)  # where the script is, its lines are shown
    first = ran.diagnosis.findings[0]
    assert first.code in fault.codes
    assert fault.line is None or (first.sites[0].source or "").strip() == fault.line


@pytest.mark.parametrize("script", [pytest.param(name, marks=needs(*_packages(name))) for name in TWINS])
def test_the_script_without_the_fault_is_not_alarmed(script, tmp_path):
    """Neither an error nor a warning."""
    ran = _ran(script, (), tmp_path)
    assert ran.code == 0
    assert [finding.code for finding in ran.diagnosis.findings if finding.severity > Severity.NOTE] == []
