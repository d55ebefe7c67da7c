"""A verdict on the first steps of a script, before the long run: `preflight`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.configuration import Config
    from trainadvisor.preflight.first_steps import Script
    from trainadvisor.preflight.preflight_result import Preflight
    from trainadvisor.preflight.procedure import Wish
    from trainadvisor.trials.survey import Choice

__all__ = ["preflight"]


def preflight(
    script: Script,
    wish: Wish,
    folder: Path,
    config: Config | None = None,
    *,
    in_place: bool = False,
    choice: Choice | None = None,
) -> Preflight:
    """Run the first steps of a script and the experiments; logs and output stay in the folder."""
    from trainadvisor.configuration import Config
    from trainadvisor.judge.rule_loading import load
    from trainadvisor.preflight.first_steps import Trials
    from trainadvisor.preflight.procedure import Procedure

    config = config or Config()
    book = load(config.rules).configured(config)
    return Procedure(script, Trials(script, folder, wish.budget, in_place=in_place, choice=choice), book, wish).run()
