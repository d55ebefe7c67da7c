"""Puts into the wheel what `trainadvisor ask` learns from its questions, so that no user waits for it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LearnedQuestions(BuildHookInterface):  # type: ignore[type-arg] - any configuration will do, none is read
    """Learns when a wheel is built; a source tree learns at its first question."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Learn into a file that the wheel takes in."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from trainadvisor.answers import asked, written
        from trainadvisor.answers.topics import topics_of
        from trainadvisor.judge.rule_loading import load
        from trainadvisor.judge.rulebook import ANSWERS, shipped_rules

        rules = shipped_rules()
        self._folder = tempfile.mkdtemp()
        made = Path(self._folder) / asked.LEARNED
        asked.ship(rules, topics_of(written.load(rules / ANSWERS), load()), made)
        build_data["force_include"][str(made)] = f"trainadvisor/_rules/{asked.LEARNED}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the file; the wheel has it by now."""
        del build_data, artifact_path
        if version != "editable":
            shutil.rmtree(self._folder)
