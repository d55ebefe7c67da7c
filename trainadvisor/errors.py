"""The errors that a user sees: one sentence with the place, what is wrong and what to do."""

from collections.abc import Iterable


class TrainAdvisorError(Exception):
    """Anything that trainadvisor reports as one line; the command line adds exit code 2."""


class LogError(TrainAdvisorError):
    """A log cannot be read or written."""


class RuleError(TrainAdvisorError):
    """A rule file is wrong."""


class ConfigError(TrainAdvisorError):
    """The configuration is wrong."""


class UsageError(TrainAdvisorError):
    """A command or function was called in a way that cannot work."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for the nearest known word, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""
