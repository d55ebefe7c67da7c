"""What a run looks like in figures: the positive lines of a healthy run, and the run in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.figures import spaced
from trainadvisor.judge.doubts import MOST_APART, MOST_DEAD
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.report.text.page import Page

Run = dict[str, Any]
Parts = list[str | None]
# Least part of the time that is told.
_LEAST = 0.001
# Steps below which the first ones, which are recorded whole, may be why recording took more than its part of the time.
FEW = 10_000
CONCERN_DEAD = spaced(f"{MOST_DEAD:.0%}")


def add(page: Page, diagnosis: Diagnosis) -> None:
    """Add a line each for loss, best evaluation, gradients, updates, activations, gap and speed, where recorded."""
    page.column, before = 13, page.column
    for key, parts in ROWS.items():
        found = [part for part in parts(page.words, diagnosis.run) if part]
        if found:
            page.row(page.words(key), page.words("clause").join(found))
    page.column = before
    page.blank()


def number(value: float) -> str:
    """Return three significant digits, as people write them."""
    if value and not 1e-4 <= abs(value) < 1e6:  # noqa: PLR2004 - outside, powers of ten read better
        return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004


def share(value: float) -> str:
    """Return a share as a percentage."""
    percent = 100 * value
    return f"{percent:.0f} %" if percent == 0 or percent >= 1 else f"{percent:.1g} %"


def _part(words: Words, run: Run, text: str, how: Callable[[float], str] = number, **names: str) -> str | None:
    """Return a text with its facts, or None when one of them was not recorded."""
    facts = {name: run.get(fact) for name, fact in names.items()}
    if any(value is None for value in facts.values()):
        return None
    return words(text, **{name: how(value) for name, value in facts.items() if value is not None})


def _loss(words: Words, run: Run) -> Parts:
    own: Parts = [_of_player(words, player) for player in run.get("players") or ()]
    losses = [
        *(own or [_part(words, run, "loss.train", first="loss_first", final="loss_final")]),
        _validated(words, run),
    ]
    told = words("clause").join(loss for loss in losses if loss)
    chance = _part(words, run, "loss.chance", value="trivial_loss")
    return [told + words("aside", text=chance) if told and chance else told or chance]


def _validated(words: Words, run: Run) -> str | None:
    """Return the validation loss; where it is a part of the training loss, beside that part."""
    told, part = _part(words, run, "loss.val", final="val_loss_final"), run.get("val_part")
    if told is None or not part:
        return told
    return told + words("aside", text=words("loss.val.part", kind=part[0], level=number(part[1])))


def _of_player(words: Words, player: dict[str, Any]) -> str:
    """Return the losses of one of those who take turns, such as a generator."""
    figures = {key: number(player[key]) for key in ("first", "final")}
    return f"{clean(player['name'])}{words('colon')}{words('loss.train', **figures)}"


def _best(words: Words, run: Run) -> Parts:
    last = run.get("best_eval") != run.get("evals")
    both = None if run.get("best_eval") else _best_accuracy(words, run)
    return [
        both or _part(words, run, "best.last.accuracy", share, share="val_accuracy_final"),
        _part(words, run, "best.of", _closely, best="best_eval", count="evals", loss="val_loss_best"),
        _part(words, run, "best.last", _closely, loss="val_loss_final") if last and run.get("best_eval") else None,
        _part(words, run, "best.noise", noise="val_noise"),
    ]


def _best_accuracy(words: Words, run: Run) -> str | None:
    """Return the best and the last accuracy of evaluations that have no loss."""
    best, count = run.get("best_accuracy_eval"), run.get("evals")
    shares = {"share": run.get("val_accuracy_best"), "last": run.get("val_accuracy_final")}
    if best is None or count is None or None in shares.values():
        return None
    told = {name: f"{100 * value:.4g} %" for name, value in shares.items() if value is not None}
    return words("best.accuracy", best=words.number(best), count=words.number(count), **told)


def _metrics(words: Words, run: Run) -> Parts:
    """Return each metric of the task from first to last, as the script names it."""
    told = None if run.get("best_eval") else _best_accuracy(words, run)
    return [
        words(
            "metric.told",
            name=_named(words, metric["name"]),
            first=_closely(metric["first"]),
            last=_closely(metric["last"]),
        )
        for metric in run.get("task_metrics") or ()
        if not (told and metric["name"] == "accuracy")
    ]


def _named(words: Words, name: str) -> str:
    """Return a metric's name; the accuracy of training batches has none of its own."""
    return clean(name) if name else words("metric.training")


def _closely(value: float) -> str:
    """Return as many digits as scripts print, so that a best and a last value differ where they do there."""
    return f"{value:.4g}" if 1e-4 <= abs(value) < 1e4 else number(value)  # noqa: PLR2004 - as in `number`


def _gradients(words: Words, run: Run) -> Parts:
    larger = _larger(run.get("grad_depth_ratio"))
    ratio = words("gradients.ratio", ratio=words("times", ratio=number(larger))) if larger else None
    return [
        _part(words, run, "gradients.norm", low="grad_norm_low", high="grad_norm_high"),
        _part(words, run, "gradients.reach", reached="tensors_reached", count="tensors"),
        ratio and ratio + words("concern.above", limit=words("times", ratio=number(MOST_APART))),
    ]


def _larger(ratio: float | None) -> float | None:
    """Return first over last layer as largest over smallest."""
    return 1 / ratio if ratio and ratio < 1 else ratio


def _updates(words: Words, run: Run) -> Parts:
    return [_part(words, run, "updates.median", value="update_ratio_median")]


def _activations(words: Words, run: Run) -> Parts:
    lacking = run.get("lacking") or ()
    dead = _part(words, run, "activations.dead", share, share="dead_unit_share_worst")
    saturated = _part(words, run, "activations.saturated", share, share="saturated_share_worst")
    return [
        dead and dead + words("concern.above", limit=CONCERN_DEAD) if "rectifiers" not in lacking else None,
        saturated if "squashing" not in lacking else None,
    ]


def _gap(words: Words, run: Run) -> Parts:
    gap = run.get("generalization_gap")
    return [None if gap is None else words("gap.above" if gap > 0 else "gap.below", gap=number(abs(gap)))]


def _speed(words: Words, run: Run) -> Parts:
    seconds = run.get("step_seconds")
    return [
        None if seconds is None else words("speed.step", ms=number(1000 * seconds)),
        _part(words, run, "speed.wait", share, share="wait_share"),
        _part(words, run, "speed.memory", mb="memory"),
    ]


ROWS: Mapping[str, Callable[[Words, Run], Parts]] = {
    "healthy.loss": _loss,
    "healthy.best": _best,
    "healthy.metrics": _metrics,
    "healthy.gradients": _gradients,
    "healthy.updates": _updates,
    "healthy.activations": _activations,
    "healthy.gap": _gap,
    "healthy.speed": _speed,
}


def run_line(words: Words, run: Run, *, verbose: bool = False) -> str:
    """Return the run in one line: its log, steps, seed, torch, device, and what recording it took."""
    parts = [_steps(words, _taken(run), run.get("planned_steps"))]
    if run.get("seed") is not None:
        parts.append(words("seed", seed=run["seed"]))
    if run.get("torch"):
        parts.append(f"torch {run['torch']}")
    parts.append(run.get("device"))
    if run.get("overhead") is not None:
        parts.append(_cost(words, run))
    if verbose and run.get("left_out"):
        parts.append(words("run.left_out", steps=words.number(run["left_out"])))
    line = words("clause").join(clean(part, 120) for part in parts if part)
    log = clean(run.get("log") or "", 120)
    return f"{log}{words('colon')}{line}" if log and line else log or line


def _cost(words: Words, run: Run) -> str:
    """Return what recording took: as a part of the time, of a short run in seconds beside what a long one pays."""
    seconds, budget = run.get("overhead_seconds"), run.get("overhead_budget")
    first = (_taken(run) or 0) < FEW
    if first and seconds is not None and budget is not None and _rounded(run["overhead"]) > 100 * budget:
        return words("run.cost.short", seconds=f"{float(f'{seconds:.1g}'):g}", budget=_measured(budget))
    return words("run.cost", share=_measured(run["overhead"]))


def _measured(part: float) -> str:
    """Return a measured part of the time, rounded to one digit: a second one differs from run to run."""
    return f"{'< ' if part < _LEAST else ''}{_rounded(max(part, _LEAST)):g} %"


def _rounded(part: float) -> float:
    """Return a part in percent, to one digit."""
    return float(f"{100 * part:.1g}")


def _taken(run: Run) -> int | None:
    """Return how many steps the training took, those included that the log leaves out."""
    steps = run.get("steps")
    return None if steps is None else steps + int(run.get("left_out") or 0)


def _steps(words: Words, steps: int | None, planned: int | None) -> str | None:
    if steps is None:
        return None
    if planned is None or planned <= steps:
        return words("steps", steps=words.number(steps))
    return words("steps-of", steps=words.number(steps), planned=words.number(planned))
