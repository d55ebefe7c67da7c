"""What differs between the good and the bad runs of a sweep: tests of every setting, corrected for their number."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trainadvisor.fleet.entry import Entry

# Runs of each kind below which no test tells anything.
FEWEST = 3
# Share of false discoveries that is allowed among what is told.
ALLOWED = 0.05
# Settings that say which run it was, not what it was like.
NAMES = ("seed", "run_name", "output_dir", "out", "log", "name", "save_dir", "logdir")


@dataclass(frozen=True)
class Difference:
    """A setting that goes with bad runs: its corrected p-value, and the limit that parts the two where one does."""

    setting: str
    p: float
    bad: int
    good: int
    # Of a number the medians of both; of a word the one that is most common among bad runs.
    typical_bad: float | str
    typical_good: float | str
    # "lr >= 0.03" where it holds for every bad run and for no good one.
    rule: str | None = None


def differences(entries: Sequence[Entry]) -> list[Difference]:
    """Return the settings in which bad runs differ from good ones, the surest first."""
    from scipy.stats import false_discovery_control

    judged = [entry for entry in entries if entry.state not in ("unreadable", "no-log")]
    bad = [entry for entry in judged if entry.bad]
    good = [entry for entry in judged if not entry.bad]
    if min(len(bad), len(good)) < FEWEST:
        return []
    tested = list(_tested(bad, good))
    if not tested:
        return []
    corrected = false_discovery_control([found.p for found in tested])
    kept = [
        Difference(**{**found.__dict__, "p": float(p)}) for found, p in zip(tested, corrected, strict=True)
        if p <= ALLOWED
    ]  # fmt: skip
    return sorted(kept, key=lambda item: (item.rule is None, item.p, item.setting))


def _tested(bad: list[Entry], good: list[Entry]) -> Iterator[Difference]:
    names = {name for entry in (*bad, *good) for name in entry.settings if name.lower() not in NAMES}
    for name in sorted(names):
        one, other = _values(bad, name), _values(good, name)
        if min(len(one), len(other)) < FEWEST or len({*map(str, one), *map(str, other)}) == 1:
            continue
        numbers = all(_is_number(value) for value in (*one, *other))
        yield _numbers(name, one, other) if numbers else _words(name, [*map(str, one)], [*map(str, other)])


def _values(entries: Iterable[Entry], name: str) -> list[Any]:
    return [entry.settings[name] for entry in entries if name in entry.settings]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - not NaN


def _numbers(name: str, bad: list[float], good: list[float]) -> Difference:
    import numpy as np
    from scipy.stats import mannwhitneyu

    p = float(mannwhitneyu(bad, good).pvalue)
    rule = None
    if min(bad) > max(good):
        rule = f"{name} >= {min(bad):.4g}"
    elif max(bad) < min(good):
        rule = f"{name} <= {max(bad):.4g}"
    return Difference(name, p, len(bad), len(good), float(np.median(bad)), float(np.median(good)), rule)


def _words(name: str, bad: list[str], good: list[str]) -> Difference:
    from scipy.stats import fisher_exact

    word = max(sorted(set(bad)), key=lambda value: bad.count(value) / len(bad) - good.count(value) / len(good))
    table = [[bad.count(word), len(bad) - bad.count(word)], [good.count(word), len(good) - good.count(word)]]
    # the most telling of several words was chosen, so each of them counts as a test
    p = min(1.0, float(fisher_exact(table).pvalue) * len({*bad, *good}))
    rule = f"{name} = {word}" if bad.count(word) == len(bad) and word not in good else None
    return Difference(name, p, len(bad), len(good), word, max(sorted(set(good)), key=good.count), rule)


def sweeps(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return the runs by sweep, or else by script, where there is more than one."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        name = entry.group or entry.script
        if name and entry.state not in ("unreadable", "no-log"):
            groups[name].append(entry)
    return {script: group for script, group in sorted(groups.items()) if len(group) > 1}


def duplicates(entries: Iterable[Entry]) -> list[list[str]]:
    """Return the addresses of logs with the same content, each group once."""
    groups: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.digest and entry.state != "no-log":
            groups[entry.digest].append(entry.address)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)
