"""A preflight as a web page: its checks and the range test, above the report on the first steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from trainadvisor.i18n.language import say
from trainadvisor.report.html.svg import BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Scale, tag
from trainadvisor.report.html.templates import fill
from trainadvisor.report.text.healthy import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.preflight.preflight_result import Curve, LearningRate, Preflight
    from trainadvisor.report.html.languages import Languages
    from trainadvisor.report.html.web_page import Material

STATES = {"pass": "healthy", "fail": "broken", "undecided": "cannot-tell"}
# Times the range below the start that is drawn above it: what diverged may leave the picture.
HEADROOM = 1.0


def render(result: Preflight, lang: str, material: Material) -> str:
    """Return the page; `material` is what the report shows of the first steps."""
    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.report.html import web_page
    from trainadvisor.vocabulary import State

    empty = Diagnosis(state=State.CANNOT_TELL, summary="", run={"script": result.script})
    # the page has one verdict: so few steps do not make a run healthy, and that is not what was asked
    said = {"state": State(STATES[result.outcome]), "summary": result.summary}
    diagnosis = (result.diagnosis or empty).model_copy(update=said)
    material = replace(material, above=lambda langs: section(result, langs))
    return web_page.render(diagnosis, lang, material)


def section(result: Preflight, langs: Languages) -> Markup:
    """Return the checks as a table, and the picture of the range test where one was made."""
    rate, lang = result.learning_rate, langs.default.lang
    curve = rate.curve if rate else None
    drawn = {"picture": chart(rate, curve, lang), "about": _about(curve, lang)} if rate and curve else {"picture": None}
    return fill("preflight.html", langs, result=result, **drawn)


def _about(curve: Curve, lang: str) -> str:
    rates = curve.rates
    return say("preflight.chart.about", lang, count=len(rates), lowest=rates[0], highest=rates[-1])


def chart(rate: LearningRate, curve: Curve, lang: str) -> Markup:
    """Return the loss over the learning rate, with lines at the suggestion, the script's own rate and divergence."""
    x = Scale(curve.rates[0], curve.rates[-1], LEFT, WIDTH - RIGHT, log=True)
    y = Scale(*_range(curve), HEIGHT - BOTTOM, TOP)
    names = {"suggestion": 2, "own": 0, "divergence": 1}
    marks = [(getattr(rate, name), name, color) for name, color in names.items()]
    lines = [_line(x(value), say(f"preflight.chart.{name}", lang, rate=value), place, color)
             for place, (value, name, color) in enumerate(marks) if _inside(value, curve)]  # fmt: skip
    parts = [*_axes(x, y), _path(curve.rates, curve.losses, x, y, stroke_opacity=0.35, stroke_width=1),
             _path(curve.rates, curve.smooth, x, y, stroke_width=2), *lines]  # fmt: skip
    title = tag("title", f"{say('preflight.chart.heading', lang)}: {_told(rate, lang)}")
    return tag("svg", title, *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img")


def _told(rate: LearningRate, lang: str) -> str:
    return say(
        "preflight.chart.none" if rate.suggestion is None else "preflight.chart.suggestion", lang, rate=rate.suggestion
    )


def _inside(value: float | None, curve: Curve) -> bool:
    return value is not None and curve.rates[0] <= value <= curve.rates[-1]


def _range(curve: Curve) -> tuple[float, float]:
    """Return the losses to draw: from the lowest to some way above the level of the start."""
    start = max(curve.smooth[: max(len(curve.smooth) // 4, 1)])
    low = min(curve.smooth)
    room = (start - low) or abs(start) or 1.0
    return low, min(max(curve.smooth), start + HEADROOM * room)


def _axes(x: Scale, y: Scale) -> Iterator[Markup]:
    for value in y.ticks():
        place = y(value)
        yield tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=place, y2=place, stroke="#8884", class_="grid")
        yield _label(LEFT - 6, place + 4, number(value), "end")
    for value in x.ticks():
        yield _label(x(value), HEIGHT - 6, f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e"), "middle")


def _label(x: float, y: float, content: str, anchor: str, **more: Any) -> Markup:
    look = {"fill": "currentColor", **more}
    return tag("text", content, x=x, y=y, text_anchor=anchor, font_size=13, font_family="sans-serif", **look)


def _line(x: float, name: str, place: int, color: int) -> Markup:
    """Return a vertical line with its name, each name on a row of its own."""
    right = x > (LEFT + WIDTH) / 2
    return Markup().join([
        tag("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, stroke=COLOURS[color], stroke_dasharray="4 3",
          class_=f"c{color}"),
        _label(x - 4 if right else x + 4, TOP + 14 + 16 * place, name, "end" if right else "start"),
    ])  # fmt: skip


def _path(rates: Sequence[float], losses: Sequence[float], x: Scale, y: Scale, **look: Any) -> Markup:
    """Return a curve; what lies above the picture runs along its upper edge."""
    points = [f"{x(rate)},{max(min(y(loss), HEIGHT - BOTTOM), 0)}" for rate, loss in zip(rates, losses, strict=True)]
    return tag("polyline", points=" ".join(points), fill="none", stroke=COLOURS[0], class_="c0", **look)
