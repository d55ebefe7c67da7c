"""What speaks against calling the run behind a foreign log healthy: curves show a success only by held-out data."""

from collections.abc import Iterator

from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.seen import Seen

FEWEST_EVALS = 8
# Fall of the validation loss that shows learning: a tenth of it, and five noises of one evaluation.
FALLEN, FALLEN_NOISES = 0.1, 5.0
LATE = 0.5
RISEN_NOISES = 5.0
# Rise of the validation loss above its lowest value that is still a good end, as a share of it or of the fall.
STAYED, LOST = 0.05, 0.1
# Part of its best value by which a metric may end worse.
METRIC_LOST = 0.1


def curve_doubts(seen: Seen, *, rewarded: bool) -> Iterator[Remark]:
    """Yield what leaves open whether the training succeeded; nothing where held-out data or the reward say so."""
    if (seen.figure("reward_rise_noises") or 0.0) > RISEN_NOISES:
        return
    evals, measured, points = (int(seen.figure(f"curve_{name}") or 0) for name in ("evals", "metric_evals", "points"))
    evals = max(evals, measured)
    every, planned = seen.figure("curve_logging_every"), seen.figure("curve_planned")
    if not evals and not points and not rewarded:
        if every and planned and every > planned:
            yield Remark("logged-too-rarely", {"every": int(every), "planned": int(planned)})
        else:
            yield Remark("no-curve")
    elif rewarded:
        yield Remark("reinforcement" if seen.figure("reward_final") is None else "reward-level")
    elif not evals:
        yield Remark("no-evaluation", {"points": points})
    elif evals < FEWEST_EVALS:
        yield Remark("few-evaluations", {"evals": evals, "fewest": FEWEST_EVALS})
    elif stuck := seen.figure("curve_evals_at_one_value"):
        yield Remark("metric-still", {"evals": int(stuck)})
    elif (lost := seen.figure("curve_metric_lost") or 0.0) > METRIC_LOST:
        yield Remark("metric-fell", {"share": lost})
    elif not (_loss_fell(seen) or _metric_rose(seen)):
        yield Remark("evaluation-level", {"first": evals, "best": seen.figure("curve_val_best")})


def _loss_fell(seen: Seen) -> bool:
    fall, noises = (seen.figure(f"curve_val_{name}") or 0.0 for name in ("fall", "fall_noises"))
    late = (seen.figure("curve_val_best_share") or 0.0) >= LATE
    return fall > FALLEN and noises > FALLEN_NOISES and late and _stayed(seen)


def _metric_rose(seen: Seen) -> bool:
    return (seen.figure("curve_metric_rise_noises") or 0.0) > RISEN_NOISES and _stayed(seen)


def _stayed(seen: Seen) -> bool:
    """Return whether the validation loss ends near its lowest value, or has kept nearly all that it gained."""
    return (seen.figure("curve_val_rise") or 0.0) < STAYED or (seen.figure("curve_val_lost_share") or 0.0) < LOST
