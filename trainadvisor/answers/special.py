"""Findings of special trainings: they answer only questions that name such a training."""

from __future__ import annotations

import re

# By the beginning of the finding's code.
NAMED = {
    "preference-": re.compile(
        r"dpo|ipo|kto|orpo|simpo|rlhf|prefer|chosen|reject|margin|\brefs?\b|reference|reward|logp|beta|偏好|参考模型|奖励|对齐",
        re.IGNORECASE,
    ),
    "ctc-": re.compile(r"ctc|blank|asr|speech|ocr|语音|空白", re.IGNORECASE),
}


def speaks_of(code: str, question: str) -> bool:
    """Return whether a question names the training that a finding is about; all do where it is about none."""
    return all(named.search(question) for beginning, named in NAMED.items() if code.startswith(beginning))
