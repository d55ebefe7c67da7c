"""The embeddings that a loss compares: how far those of different examples lie apart."""

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.activations import MIXING, act, rows_of
from trainadvisor.signals.context import contexts
from trainadvisor.signals.kinds import labels_are_places, pairs_pulled
from trainadvisor.signals.matrices import late, typical
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.model_outputs import OUTPUT

# What embeddings have of the spread of a teacher's that they follow: 0.94 to 1.1 in two distillations.
FOLLOWS = 0.7


@signal(unit="ratio", **OUTPUT, about="no-pairs")
def embedding_spread_share(log: RunLog) -> float | None:
    """Spread of the embeddings over the examples relative to their size, where the loss compares embeddings.

    Near 1 / sqrt(d) over 1 / sqrt(d) = 1 for d units on the sphere that are used alike; median of the last quarter of
    the run, least of the parts that are called; 1 for other trainings, and where they lie further apart than at first
    or nearly as far as those without a gradient that they were first compared with, such as a teacher's.
    """
    if "contrastive" not in contexts(log):
        return 1.0
    shares = _shares(log, _embedding_rows(log))
    known, last = shares[np.isfinite(shares)], _last(log, shares)
    widths = (number(loss.get("given_spread")) for loss in log.losses)
    aims = [width for width in widths if width is not None]
    wide = last is not None and (last > known[0] or (bool(aims) and last > FOLLOWS * min(aims)))
    return 1.0 if wide else last


@signal(unit="ratio", **OUTPUT, about="no-pairs")
def embedding_spread_left(log: RunLog) -> float | None:
    """What is left late of the spread over the examples that embeddings had at first, where pairs are only pulled.

    1 for other trainings: a loss on directions may shrink its vectors without harm.
    """
    if not pairs_pulled(log):
        return 1.0
    spreads = act(log, "act_spread", rows_of(log, frozenset({"output"}))[-1:]).ravel()
    known, last = spreads[np.isfinite(spreads)], _last(log, spreads)
    return float(last / known[0]) if known.size and last is not None and known[0] > 0 else None


@signal(unit="ratio", **OUTPUT, about="no-pairs")
def projection_spread_share(log: RunLog) -> float | None:
    """The same of the layers inside the model that are as wide as its output, such as a projection below a predictor.

    The least of them, in the last quarter of the run; the first layer with weights does not count, and 1 stands for
    models without such a layer and for other trainings.
    """
    return _projection(log)[0]


@signal(unit="ratio", **OUTPUT, about="no-pairs")
def projection_spread_left(log: RunLog) -> float | None:
    """What is left of the spread that this layer had in the first sample of the run."""
    return _projection(log)[1]


@remembered
def _projection(log: RunLog) -> tuple[float, float]:
    """Return the least late spread of a layer as wide as the output, and its share of the first one."""
    if "contrastive" not in contexts(log):
        return 1.0, 1.0
    listed, output = log.layers.rows("act"), rows_of(log, frozenset({"output"}))[-1:]
    mixing = rows_of(log, MIXING, hidden=True)[1:]
    found = []
    for row in mixing if output else []:
        shares = _shares(log, [row]) if listed[row].get("units") == listed[output[0]].get("units") else np.empty(0)
        known, last = shares[np.isfinite(shares)], _last(log, shares)
        if known.size and last is not None and known[0] > 0:
            found.append((last, float(last / known[0])))
    return min(found, default=(1.0, 1.0))


def _shares(log: RunLog, rows: list[int]) -> Floats:
    """Return the spread of the outputs of a layer over their size, for each sample."""
    spreads, sizes = (act(log, column, rows).ravel() for column in ("act_spread", "act_rms"))
    if not spreads.size or spreads.shape != sizes.shape:
        return np.empty(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(spreads / sizes, dtype=np.float64)


def _last(log: RunLog, shares: Floats) -> float | None:
    """Return the median of the last quarter of the run."""
    return typical(shares[late(log, log.layers.steps_of("act_spread"))]) if shares.size else None


def _embedding_rows(log: RunLog) -> list[int]:
    """Return the row of the embeddings: the output, unless that holds the logits of a batch, else the last layer."""
    listed, output = log.layers.rows("act"), rows_of(log, frozenset({"output"}))[-1:]
    batches = [loss["target"].get("classes") for loss in log.losses if labels_are_places(loss)]
    if output and listed[output[0]].get("units") not in batches:
        return output
    return rows_of(log, MIXING)[-1:]
