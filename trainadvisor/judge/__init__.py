"""Judging: a log and a rulebook become a judgement, which `trainadvisor.telling` puts into words."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.configuration import Config
    from trainadvisor.judge.judgement import Judgement
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.log.reader import RunLog

__all__ = ["judged", "rules_for"]


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
    from trainadvisor.importers.foreign_logs import read_log
    from trainadvisor.judge.trainings import judge_trainings
    from trainadvisor.log.reader import RunLog

    return judge_trainings(log if isinstance(log, RunLog) else read_log(log), rules_for(rules, config, ignore))


def rules_for(
    rules: Iterable[str | Path] = (), config: "Config | None" = None, ignore: Iterable[str] = ()
) -> "Rulebook":
    """Return the rules that `judged` judges by, for those who judge more than once."""
    from dataclasses import replace

    from trainadvisor.configuration import Config
    from trainadvisor.judge.rule_loading import load

    config = config or Config()
    config = replace(config, off={**dict.fromkeys(ignore, "ignore=[...]"), **config.off})
    return load([*config.rules, *rules]).configured(config)
