"""The policy of a gate: the project's settings, overridden by command-line options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import ConfigError, UsageError, did_you_mean
from trainadvisor.gate import baseline as baselines
from trainadvisor.gate import decision as gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trainadvisor.configuration import Config
    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The policy options as given on the command line."""

    fail_on: str | None = None
    min_confidence: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    baseline: Path | None = None
    require: tuple[str, ...] = ()
    min_steps: int | None = None
    max_unchecked: int | None = None
    aggregate: str = "any"


def policy(wanted: Wanted, settings: Config, book: Rulebook) -> gate.Policy:
    """Return the policy; raise UsageError for an unknown code or metric."""
    from trainadvisor.requirements import parse
    from trainadvisor.vocabulary import SURENESS

    for flag, names in (("--select", wanted.select), ("--ignore", wanted.ignore)):
        _known(flag, names, [*book.rules, *book.families])
    _known("[[accept]]", [accepted.code for accepted in settings.accept], book.rules)
    asked = {requirement.metric: requirement for requirement in settings.require}
    given = [parse(text) for text in wanted.require]
    kept = [requirement for metric, requirement in asked.items() if metric not in {new.metric for new in given}]
    return gate.Policy(
        fail_on=wanted.fail_on or settings.fail_on or "error",
        min_confidence=SURENESS[wanted.min_confidence or settings.min_confidence or "medium"],
        select=wanted.select,
        ignore=wanted.ignore,
        min_steps=settings.min_steps or 0 if wanted.min_steps is None else wanted.min_steps,
        max_unchecked=settings.max_unchecked if wanted.max_unchecked is None else wanted.max_unchecked,
        require=(*kept, *given),
        accept=settings.accept,
        preview=frozenset(code for code, rule in book.rules.items() if rule.preview),
        aggregate=wanted.aggregate,
        settings=_rule_settings(settings),
    )


def known(wanted: Wanted, settings: Config) -> baselines.Baseline | None:
    """Read the baseline named by the option or the settings."""
    path = place(wanted, settings)
    return None if path is None else baselines.read(path)


def place(wanted: Wanted, settings: Config) -> Path | None:
    """Return the path of the baseline; one named in the project's settings must lie in the project, links resolved."""
    if wanted.baseline is not None or settings.baseline is None:
        return wanted.baseline
    source = Path(settings.entries["baseline"][1]) if "baseline" in settings.entries else None
    if (
        source is not None
        and source.is_file()
        and not settings.baseline.resolve().is_relative_to(source.parent.resolve())
    ):
        message = (
            f"{source}: baseline names {settings.baseline}, which leads out of the project; "
            "a project's settings name files in it only; say --baseline FILE if it is what you want"
        )
        raise ConfigError(message)
    return settings.baseline


def decider(fail_on: str, settings: Config, book: Rulebook) -> Callable[[Diagnosis], gate.Decision | None]:
    """Return a function that decides like `check --fail-on` (None for "never"); raise at once for invalid settings."""
    if fail_on == "never":
        return lambda _: None
    wanted = Wanted(fail_on=fail_on)
    rules, baseline = policy(wanted, settings, book), known(wanted, settings)
    return lambda diagnosis: gate.decide([diagnosis], rules, baseline)


def for_script(fail_on: str) -> Callable[[Diagnosis | None], int]:
    """Return a function from a diagnosis to the exit code 0 or 1; what cannot be judged does not fail."""
    from trainadvisor import configuration
    from trainadvisor.judge.rule_loading import of_project

    if fail_on == "never":
        return lambda _: 0
    settings = configuration.load()
    decide = decider(fail_on, settings, of_project().configured(settings))

    def failed(diagnosis: Diagnosis | None) -> int:
        decision = decide(diagnosis) if diagnosis else None
        return int(decision is not None and decision.outcome == gate.FAIL)

    return failed


def source(settings: Config) -> str:
    """Return the file that sets the policy, if any."""
    keys = ("fail-on", "min-confidence", "min-steps", "max-unchecked", "baseline", "require", "accept")
    places = [origin for name, (_, origin) in settings.entries.items() if name.partition(".")[0] in keys]
    return ", ".join(dict.fromkeys(Path(place).name for place in places))


def _known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            message = f"{where} {name}: neither a code nor a family{did_you_mean(name, known)}"
            raise UsageError(message)


def _rule_settings(settings: Config) -> dict[str, object]:
    """Return the project's changes to each rule, by code."""
    changed = {**settings.thresholds, **settings.ignored}
    return {code: [dict(settings.thresholds.get(code, {})), settings.ignored.get(code)] for code in changed}
