"""A verdict on the first steps of a script, before the long run: `preflight`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
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
    tell: Callable[[str, float], object] = lambda *_: None,
) -> Preflight:
    """Run the first steps of a script and the experiments; logs and output stay in the folder.

    `tell` is called at the start of each run, with its name and the seconds that are left of the budget.
    """
    from trainadvisor.configuration import Config
    from trainadvisor.judge.rule_loading import load
    from trainadvisor.preflight.first_steps import Trials
    from trainadvisor.preflight.procedure import Procedure

    config = config or Config()
    book = load(config.rules).configured(config)
    trials = Trials(script, folder, wish.budget, in_place=in_place, choice=choice, tell=tell)
    return Procedure(script, trials, book, wish).run()
