"""Masked language models that are trained without masks: each place is asked for the token that it is given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MASKED, CAUSAL = re.compile(r"ForMaskedLM\b"), re.compile(r"ForCausalLM\b|LMHeadModel\b")


@pattern("window", "target", words=(("DataCollatorForLanguageModeling",), ("ForMaskedLM",)))
def target_leak(training: Training) -> Iterator[Match]:
    """Yield collators without masks, where all language models of the script are masked ones."""
    models = [name for name in map(training.script.full, (call.func for call in training.script.calls)) if name]
    if not any(map(MASKED.search, models)) or any(map(CAUSAL.search, models)):
        return
    for call in training.script.calls_by_name.get("DataCollatorForLanguageModeling", []):
        masks = keyword(call, "mlm", 1)
        if masks is not None and constant(masks) is False:
            values = {"window": "input_ids", "target": "labels"}
            yield Match(call, values, masks, (replaced(training.source, masks, "True"),))
