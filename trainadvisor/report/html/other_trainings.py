"""The trainings of a process that the verdict is not about: what became of each, and its curves as still pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainadvisor.report.html import charts
from trainadvisor.report.html.chart_specs import specs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trainadvisor.report.html.languages import Languages, Told


@dataclass(frozen=True)
class Training:
    """One training: its place among those of the process, its steps and state, and the charts that have lines."""

    place: int
    heading: Told
    charts: list[charts.Chart]


def sections(
    phases: Sequence[Mapping[str, Any]], curves: Mapping[int, dict[str, Any]], langs: Languages
) -> Iterator[Training]:
    """Yield each training whose curves are at hand."""
    for place, drawn in curves.items():
        if 0 < place <= len(phases):
            yield Training(place, _heading(place, phases[place - 1], langs), _charts(place, drawn, langs))


def _heading(place: int, phase: Mapping[str, Any], langs: Languages) -> Told:
    made = ", ".join(str(phase[name]) for name in ("model", "optimizer", "site") if phase.get(name))
    return langs.each(
        lambda words: words(
            "trainings.heading",
            place=place,
            made=made,
            first=words.number(phase["first"]),
            last=words.number(phase["last"]),
            state=words(f"state.{phase['state']}"),
        )
    )


def _charts(place: int, drawn: dict[str, Any], langs: Languages) -> list[charts.Chart]:
    if not drawn["span"]["count"]:
        return []
    return [charts.figure(spec, drawn, langs, place) for spec in specs(drawn, {}, langs) if spec["lines"]]
