"""Faults that users of the frameworks make: the right cause comes first, at the line of the setting."""

import pytest
from frameworks.frameworkkit import SCRIPTS, needs, recorded

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
_PACKAGES = {"hf": ("transformers", "accelerate")}


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
