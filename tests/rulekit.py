"""Rules for tests: made in place, or written as a file with everything that a rule file needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainadvisor.judge.rule_verdict import FOUND, Verdict
from trainadvisor.judge.rulebook import Rule

TEXT = {
    "title": "The {0} is odd",
    "finding": "It is odd.",
    "cause": "Oddness.",
    "verify": "It is even.",
    "doc": "What it means: odd.",
}

RULE_FILE = """
kind = "cause"
severity = "error"
evidence = "statistical"
site = "optimizer"
when = ["loss_drop < least_drop", "steps >= 20"]
unless = ["loss_nonfinite"]
falsepositives = "None known."

[explains]

[thresholds]
least_drop = { value = 0.1, because = "measured on the corpus" }

[values]
lower = "nice(lr_first / 10)"

[[remedies]]
change = "lr"
arguments = { value = "lower" }
applies = "adapt"
edit = { argument = "lr", to = "{lower:.2g}" }
code = "optimizer = SGD(model.parameters(), lr={lower:.2g})"
en = "Lower it to {lower:.2g}."
zh = "降到 {lower:.2g}。"

[en]
title = "The loss does not fall"
finding = "The loss fell by {loss_drop:.1%} only."
cause = "The steps do not lead down."
evidence = ["the loss fell by {loss_drop:.1%}", "{steps} steps"]
verify = "it falls by {least_drop:.0%}"
doc = "What it means: it does not fall."
search = ["loss flat"]

[zh]
title = "损失不下降"
finding = "损失只下降了 {loss_drop:.1%}。"
cause = "每一步都没有向下走。"
evidence = ["损失下降了 {loss_drop:.1%}", "共 {steps} 步"]
verify = "下降 {least_drop:.0%}"
doc = "含义：损失不下降。"
search = ["损失不下降"]

[[cases]]
is = "found"
signals = { loss_drop = 0.01, steps = 100, loss_nonfinite = false, lr_first = 0.1 }

[[cases]]
is = "clear"
signals = { loss_drop = 0.5, steps = 100 }
"""

HOLDING_CASES = """
[[cases]]
is = "clear"
signals = { loss_drop = 0.01, steps = 10, loss_nonfinite = false }

[[cases]]
is = "clear"
signals = { loss_drop = 0.01, steps = 100, loss_nonfinite = true }
"""
"""What the file's own cases do not hold: without them a clause can be removed unnoticed."""


def rule(code: str = "odd", family: str = "convergence", **fields: Any) -> Rule:
    """Return a rule that is found when `x > 1` holds."""
    texts = {lang: {**TEXT, "title": code.replace("-", " "), "evidence": ["x is {x}"]} for lang in ("en", "zh")}
    base: dict[str, Any] = {
        "kind": "symptom",
        "severity": "error",
        "evidence": "statistical",
        "when": ("x > 1",),
        "texts": texts,
    }
    return Rule(**{**base, "code": code, "family": family, "path": Path(f"rules/{family}/{code}.toml"), **fields})


def cause(code: str, family: str = "optimization", **fields: Any) -> Rule:
    """Return a cause."""
    return rule(code, family, **{"kind": "cause", **fields})


def found(of: Rule, **fields: Any) -> Verdict:
    """Return the verdict that a rule was found."""
    return Verdict(of, FOUND, **{"severity": of.severity, **fields})


def write_rule(
    folder: Path, text: str = RULE_FILE, code: str = "odd-loss", changes: Mapping[str, str] | None = None
) -> Path:
    """Write a rule file, with some of its text replaced."""
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "convergence" / f"{code}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
