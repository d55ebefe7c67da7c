"""The skeleton of a rule file: valid as it stands, so that each line can be replaced with the check still passing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainadvisor.errors import RuleError

if TYPE_CHECKING:
    from pathlib import Path

CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

SKELETON = """\
# What a rule file may hold: docs/rules.md. The quantities that conditions may use: trainadvisor signals.
kind = "cause"  # cause: what one changes; symptom: what one sees
severity = "warning"  # error, warning or note
evidence = "statistical"  # direct, exact, statistical or static
preview = true  # it never decides a check; remove this line once the rule is proven
when = ["steps >= fewest_steps"]
falsepositives = "When the finding is wrong although every condition holds."

[thresholds]
fewest_steps = { value = 10, because = "what was measured, and on which trainings" }

[[remedies]]
change = "lr"  # trainadvisor changes lists what a trial can apply
applies = "try"  # paste, adapt, try or redesign
en = "What to change, with the figures of the run in braces: {steps} steps."
zh = "要改什么，大括号里是这次训练的数字：{steps} 步。"

[en]
title = "Name of the problem"
finding = "One sentence with the figures of the run: {steps} steps."
cause = "Why that happens."
evidence = ["{steps} steps were recorded"]
verify = "How to see that the change worked."
doc = "What it means, why it matters, how to tell it from its neighbors, references."
search = ["words that people would type"]

[zh]
title = "问题的名称"
finding = "一句话，包含这次训练的数字：{steps} 步。"
cause = "原因。"
evidence = ["共记录了 {steps} 步"]
verify = "如何确认修改有效。"
doc = "含义、影响、与相近问题的区别、参考资料。"
search = ["人们会输入的词"]

[[cases]]
is = "found"
signals = { steps = 30 }

[[cases]]
is = "clear"
signals = { steps = 5 }
"""


def write(code: str, folder: Path) -> Path:
    """Write the skeleton of a rule to FOLDER/CODE.toml and return its path; an existing file is never replaced."""
    if not CODE.fullmatch(code):
        message = f"{code}: a code is made of lower-case words joined by hyphens, such as dead-relu"
        raise RuleError(message)
    path = folder / f"{code}.toml"
    if path.exists():
        message = f"{path}: there is a rule of this name already; choose another code"
        raise RuleError(message)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(SKELETON, encoding="utf-8")
    return path
