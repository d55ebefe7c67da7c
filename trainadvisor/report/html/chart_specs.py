"""What each chart draws, as plain data: the still pictures made here and the script of the page read the same."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from trainadvisor.i18n.language import say
from trainadvisor.report.html.svg import smoothed, window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.report.html.languages import Languages

Spec = dict[str, Any]
Curve = dict[str, Any]

WIDE_RANGE = 20  # UX.md 3(b): beyond it a linear axis flattens all but the largest
HEALTHY_UPDATE = [1e-4, 1e-2]
FEW_LAYERS = 5
FEW = 60  # points that are drawn as they are
# the charts of a page that compares runs, and the series that each shows
OF_RUNS = {
    "training": "loss",
    "validation": "val.loss",
    "accuracy": "accuracy",
    "grad": "grad_norm",
    "lr": "lr.0",
    "time": "seconds",
    "memory": "memory",
}
OF_TIME = {"unit": "ms"}
COLOURS = 5
LAYER_RECORDER = "trainadvisor run train.py"
# a chart that was not recorded keeps its place, with what would fill it
FILLED_BY = {
    "loss": LAYER_RECORDER,
    "grad": LAYER_RECORDER,
    "lr": LAYER_RECORDER,
    "update": LAYER_RECORDER,
    "time": LAYER_RECORDER,
}
VALIDATION_CALL = "advisor.validation(loss=validation_loss)"


def specs(curves: dict[str, Any], run: dict[str, Any], langs: Languages) -> list[Spec]:
    """Return the charts in their order; one without lines has nothing recorded to show."""
    made = [make(curves, run, langs) for make in (_loss, _grad, _rate, _update, _metrics, _time, _memory)]
    return [spec for spec in made if spec["lines"] or spec["id"] in FILLED_BY]


def across(runs: dict[str, dict[str, Curve]], langs: Languages) -> list[Spec]:
    """Return charts in which each line is a run, by what the runs are called."""
    made = {name: _runs(runs, name, key, langs) for name, key in OF_RUNS.items()}
    return [_spec(name, lines, **OF_TIME if name == "time" else {}) for name, lines in made.items() if lines]


def _runs(runs: dict[str, dict[str, Curve]], name: str, key: str, langs: Languages) -> list[Curve]:
    drawn = enumerate(runs.items())
    return [_run(run[key], name, letter, place, langs) for place, (letter, run) in drawn if run.get(key)]


def _run(curve: Curve, name: str, letter: str, place: int, langs: Languages) -> Curve:
    """Return the line of one run: its means, or its values averaged over their neighbors."""
    base = _scaled(curve) if name == "time" else curve
    base = base.get("mean") or base
    averaged = base is curve and name == "training" and len(base["y"]) > FEW
    y = smoothed(base["y"], window(len(base["y"]))) if averaged else base["y"]
    return _line({"x": base["x"], "y": y}, _same(langs, letter), place, "points" if name == "validation" else "main")


def _spec(name: str, lines: list[Curve], **more: Any) -> Spec:
    """Return a chart; lines that share their steps share them in the data too."""
    shared: list[list[int]] = []
    for item in lines:
        x = item.pop("steps")
        if x not in shared:
            shared.append(x)
        item["x"] = shared.index(x)
    wide = more.pop("log", None)
    return {"id": name, "xs": shared, "lines": lines, "log": _wide(lines) if wide is None else wide, **more}


def _line(curve: Curve, name: dict[str, str], color: int, style: str = "main") -> Curve:
    return {"steps": curve["x"], "y": curve["y"], "name": name, "color": color % COLOURS, "style": style}


def _with_mean(curve: Curve, name: dict[str, str], color: int, style: str) -> Iterator[Curve]:
    """Yield a curve, or where points were left out its extremes, faint, and its mean."""
    if "mean" not in curve or style == "dash":
        yield _line(curve, name, color, style)
        return
    yield _line(curve, name, color, "raw")
    yield _line(curve["mean"], {lang: say("line.mean", lang, name=text) for lang, text in name.items()}, color, style)


def _names(langs: Languages, key: str, **values: object) -> dict[str, str]:
    return {words.lang: words(key, **values) for words in langs.all}


def _same(langs: Languages, name: str) -> dict[str, str]:
    return {words.lang: name for words in langs.all}


def _wide(lines: list[Curve]) -> bool:
    """Return whether values are all positive and far apart."""
    values = [v for line in lines if line["style"] != "dash" for v in line["y"] if v is not None]
    return bool(values) and min(values) > 0 and max(values) > WIDE_RANGE * min(values)


def _loss(curves: dict[str, Any], run: dict[str, Any], langs: Languages) -> Spec:
    series, marks = curves["series"], curves["marks"]
    players = _players(series, "loss")
    lines = [line for place, curve in enumerate(players) for line in _smoothed(curve, langs, place)]
    lines = lines or list(_smoothed(series.get("loss"), langs))
    validation = series.get("val.loss")
    if validation:
        lines.append(_line(validation, _names(langs, "line.val"), len(players) or 1, "points"))
    more: Spec = {"rug": marks["nonfinite"], "marks": _best(marks["best"], langs) if validation else []}
    noise = run.get("val_noise")
    if validation and isinstance(noise, (int, float)) and 0 < noise < _least(validation):
        more["noise"] = {"line": len(lines) - 1, "value": float(f"{noise:.4g}")}
    return _spec("loss", lines, **more)


def _least(curve: Curve) -> float:
    """Return the lowest value: chance that is larger than the loss itself is no band but a run that fell apart."""
    return min((v for v in curve["y"] if v is not None), default=0.0)


def _smoothed(curve: Curve | None, langs: Languages, color: int = 0) -> Iterator[Curve]:
    if curve:
        player = curve.get("player")
        raw = _same(langs, player) if player else _names(langs, "line.loss")
        smooth = _names(langs, "line.smooth.of", name=player) if player else _names(langs, "line.smooth")
        yield _line(curve, raw, color, "raw")
        base = curve.get("mean") or curve
        yield {**_line(base, smooth, color), "smooth": True}


def _players(series: dict[str, Curve], name: str) -> list[Curve]:
    """Return the curves of those that take turns, in their order."""
    return [curve for key, curve in series.items() if key.rpartition(".")[0] == name and "player" in curve]


def _best(best: dict[str, Any] | None, langs: Languages) -> list[dict[str, Any]]:
    if best is None:
        return []
    return [{"x": best["step"], "y": float(f"{best['loss']:.4g}"), "name": _names(langs, "line.best")}]


def _grad(curves: dict[str, Any], _run: dict[str, Any], langs: Languages) -> Spec:
    series = curves["series"]
    styles = {"grad_norm": "main", "clip_norm": "main", "clip_max": "dash"}
    given = [(name, style) for name, style in styles.items() if series.get(name)]
    if ("grad_norm", "main") in given:
        given = [item for item in given if item[0] != "clip_norm"]  # both are the norm before clipping
    lines = [
        line
        for place, (name, style) in enumerate(given)
        for line in _with_mean(series[name], _names(langs, f"line.{name}"), place, style)
    ]
    players = _players(series, "grad_norm") or _players(series, "clip_norm")
    if players:
        lines = [
            line
            for place, curve in enumerate(players)
            for line in _with_mean(curve, _same(langs, curve["player"]), place, "main")
        ]
    positive = all(v is None or v > 0 for line in lines for v in line["y"])
    return _spec("grad", lines, log=positive)


def _rate(curves: dict[str, Any], _run: dict[str, Any], langs: Languages) -> Spec:
    groups = [curve for name, curve in curves["series"].items() if name.startswith("lr.")]
    many = len(groups) > 1
    names = [_names(langs, "line.lr.n", number=n) if many else _names(langs, "line.lr") for n in range(len(groups))]
    names = [
        _same(langs, curve["player"]) if "player" in curve else name for curve, name in zip(groups, names, strict=True)
    ]
    return _spec("lr", [_line(curve, name, n) for n, (curve, name) in enumerate(zip(groups, names, strict=True))])


def _update(curves: dict[str, Any], _run: dict[str, Any], langs: Languages) -> Spec:
    heat = curves["heat"].get("update")
    if not heat:
        return _spec("update", [])
    lines = [
        _line({"x": heat["steps"], "y": y}, _layer_names(langs, names), place)
        for place, (names, y) in enumerate(_depths(heat))
    ]
    return _spec("update", [line for line in lines if any(line["y"])], band=HEALTHY_UPDATE, log=True)


def _layer_names(langs: Languages, names: list[str]) -> dict[str, str]:
    first, last = (_ending(part) for part in (names[0].split(" .. ")[0], names[-1].split(" .. ")[-1]))
    if len(names) == 1:
        return _same(langs, first)
    # a group is told by the names of its layers alone
    first, last = (name.partition(" ")[0] for name in (first, last))
    return _names(langs, "line.layers", first=first, last=last)


def _ending(name: str, longest: int = 24) -> str:
    """Return the end of a long name, which tells it from others."""
    return name if len(name) <= longest else f"\u2026{name[-longest:]}"


def _depths(heat: dict[str, Any]) -> Iterator[tuple[list[str], list[float | None]]]:
    """Yield each layer, or of many the first, middle and last third with its median."""
    names, rows = heat["names"], heat["rows"]
    count = len(names)
    bounds = range(count + 1) if count <= FEW_LAYERS else [0, count // 3, 2 * count // 3, count]
    for start, stop in pairwise(bounds):
        yield names[start:stop], [_median(column) for column in zip(*rows[start:stop], strict=True)]


def _median(cells: tuple[Any, ...]) -> float | None:
    known = sorted(cell for cell in cells if isinstance(cell, (int, float)) and cell > 0)
    return known[len(known) // 2] if known else None


def _metrics(curves: dict[str, Any], _run: dict[str, Any], langs: Languages) -> Spec:
    series = curves["series"]
    players = _players(series, "accuracy")
    lines = [
        _line(curve, _names(langs, "line.accuracy.of", name=curve["player"]), place)
        for place, curve in enumerate(players)
    ]
    if series.get("accuracy") and not players:
        lines = [_line(series["accuracy"], _names(langs, "line.accuracy"), 0)]
    for name in series:
        if name.startswith("metric."):
            label = _names(langs, "line.metric", name=name.removeprefix("metric.")[:40])
            lines.append(_line(series[name], label, len(lines) + (not lines), "points"))
    return _spec("accuracy", lines, log=False)


def _time(curves: dict[str, Any], _run: dict[str, Any], langs: Languages) -> Spec:
    series = curves["series"]
    lines: list[Curve] = []
    for place, (name, style) in enumerate((("seconds", "main"), ("wait", "area"))):
        if series.get(name):
            lines += _with_mean(_scaled(series[name]), _names(langs, f"line.{name}"), place, style)
    more = {"quantiles": series["seconds"]["quantiles"]} if series.get("seconds") else {}
    return _spec("time", lines, unit="ms", log=_wide(lines[:1]), **more)


def _scaled(curve: Curve) -> Curve:
    """Return seconds as milliseconds."""
    scaled = {"x": curve["x"], "y": [None if v is None else float(f"{1000 * v:.4g}") for v in curve["y"]]}
    return {**scaled, "mean": _scaled(curve["mean"])} if "mean" in curve else scaled


def _memory(curves: dict[str, Any], _run: dict[str, Any], langs: Languages) -> Spec:
    curve = curves["series"].get("memory")
    return _spec("memory", [_line(curve, _names(langs, "line.memory"), 0)] if curve else [], unit="MB")
