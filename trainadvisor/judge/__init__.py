"""Judging: a log and a rulebook become a judgement, which `trainadvisor.telling` puts into words."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.configuration import Config
    from trainadvisor.judge.judgement import Judgement
    from trainadvisor.log.reader import RunLog

__all__ = ["judged"]


def judged(
    log: "str | Path | RunLog",
    rules: Iterable[str | Path] = (),
    config: "Config | None" = None,
    ignore: Iterable[str] = (),
) -> "Judgement":
    """Judge a log, given by its path or already read.

    `rules` are further folders of rules; `config` gives folders, thresholds and switched-off rules of a project;
    `ignore` holds codes that are left out.
    """
    from dataclasses import replace

    from trainadvisor.configuration import Config
    from trainadvisor.judge.rule_loading import load
    from trainadvisor.judge.trainings import judge_trainings
    from trainadvisor.log.reader import RunLog, read_log

    config = config or Config()
    config = replace(config, off={**dict.fromkeys(ignore, "ignore=[...]"), **config.off})
    rulebook = load([*config.rules, *rules]).configured(config)
    return judge_trainings(log if isinstance(log, RunLog) else read_log(log), rulebook)
