"""A diagnosis as JSON: the versioned document that programs read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.diagnose.result import Diagnosis

# JSON escapes C0 by itself; DEL, C1 and marks of direction would reach a terminal that shows the document
UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def render(diagnosis: Diagnosis) -> str:
    """Return the document, indented."""
    return UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", diagnosis.model_dump_json(indent=2))
