"""The loss call: its inputs, the graph behind it, and whether both sides match."""

import math
from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.batch_examples import spread_of
from trainadvisor.signals.trivial_predictor import graded, main_loss

CALL = {"needs": "calls of torch's loss functions", "zh": "对 torch 损失函数的调用"}
GRAPH = {"needs": "the graph of the loss at the first backward passes", "zh": "最初几次反向传播时损失的计算图"}
BATCHES = 3
SUM_TOLERANCE = 1e-3
LEAST_RANGE = 1e-12
LEAST_GAP = 0.3  # log-probabilities of all classes have a logsumexp of 0; over the batch it is ln(classes / batch)
LEAST_POSITIVE = 1e-2  # a log-probability is never above zero; rounding stays far below this
PROBABILITIES, SIGMOIDS, RAW, LOGS = "softmax(x)", "sigmoid(x)", "x", "log_softmax(x)"
LOGS_OF_SCORES = "log(x)"
HARMLESS = frozenset({"Add", "View", "Squeeze", "Unsqueeze"})
OTHER_DIMENSION = "log_softmax(x) over another dimension"
CLASSIFYING = ("cross_entropy", "nll_loss")
OF_LOGITS = ("cross_entropy", "binary_cross_entropy_with_logits")
REGRESSING = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf)}

Loss = dict[str, Any]


def training_losses(log: RunLog) -> list[Loss]:
    """Return the losses called in training, starting with the one that is minimized."""
    main = main_loss(log)
    used = [loss for loss in log.losses if loss.get("phase") != "eval"]
    return sorted(used, key=lambda loss: loss is not main)


def judged_loss(log: RunLog) -> Loss | None:
    """Return the loss whose inputs are judged: the one that is graded, else the first torch loss called in training."""
    known = [loss for loss in training_losses(log) if loss["prediction"] or loss["target"]]
    return graded(log)[0] or next((loss for loss in known if loss["kind"] != "custom"), None)


def graph_fact(loss: Loss, field: str) -> Any:
    """Return a property of the graph behind a loss, None if the graph is unknown or opaque."""
    graph = loss.get("graph") or {}
    return None if graph.get("opaque") else graph.get(field)


# -- an activation that the loss applies itself


def _sums_to_one(seen: dict[str, Any]) -> bool:
    low, high = number(seen.get("row_sum_min")), number(seen.get("row_sum_max"))
    even = low is not None and high is not None and abs(low - 1) < SUM_TOLERANCE and abs(high - 1) < SUM_TOLERANCE
    return even and bool(seen.get("nonnegative")) and (seen.get("batches") or 0) >= BATCHES


def _into_cross_entropy(loss: Loss) -> str | None:
    if loss.get("probabilities"):
        return _into_probabilities(loss)
    doubled = graph_fact(loss, "softmax_inputs") == "softmax"
    return PROBABILITIES if doubled or (_sums_to_one(loss["prediction"]) and _units(loss) > 1) else None


def _into_logs(loss: Loss) -> str | None:
    """Return the kind of input of a loss that expects log-probabilities, which are never positive."""
    seen = loss["prediction"]
    if _sums_to_one(seen) or (loss["kind"] == "kl_div" and _are_shares(seen)):
        return PROBABILITIES
    if loss["kind"] != "nll_loss" or (seen.get("batches") or 0) < BATCHES:
        return None
    if "max" not in seen and _logs_of_scores(loss):
        return LOGS_OF_SCORES
    highest, gap = number(seen.get("max")) or 0.0, number(seen.get("logsumexp_abs_max"))
    if highest > LEAST_POSITIVE:
        return RAW if gap is None or gap > LEAST_POSITIVE else None
    unlike = gap is not None and gap > LEAST_GAP and graph_fact(loss, "output_activation") == "log_softmax"
    return OTHER_DIMENSION if unlike else None


def _logs_of_scores(loss: Loss) -> bool:
    """Return whether a loss is given the logarithm of a linear layer's results, with nothing that makes them positive.

    What lies between may add a small number or bound them from below.
    """
    names = [str(name).partition("Backward")[0] for name in graph_fact(loss, "ops") or []]
    if "Log" not in names:
        return False
    behind = names[names.index("Log") + 1 :]
    return next((name for name in behind if name not in HARMLESS), None) == "Addmm"


def _into_logits(loss: Loss) -> str | None:
    return {"sigmoid": SIGMOIDS, "softmax": PROBABILITIES}.get(str(graph_fact(loss, "softmax_inputs")))


def _into_probabilities(loss: Loss) -> str | None:
    """Return the kind of input of a loss that takes probabilities: numbers outside of 0 to 1 are none."""
    low, high = number(loss["prediction"].get("min")), number(loss["prediction"].get("max"))
    if low is None or high is None or (loss["prediction"].get("batches") or 0) < BATCHES:
        return None
    return RAW if low < -LEAST_POSITIVE or high > 1 + LEAST_POSITIVE else None


def _are_shares(seen: dict[str, Any]) -> bool:
    """Return whether all values lie between 0 and 1 and some clearly exceed 0, which log-probabilities never do."""
    low, high = number(seen.get("min")), number(seen.get("max"))
    return low is not None and high is not None and low >= 0 and LEAST_POSITIVE < high <= 1 + SUM_TOLERANCE


def _into_log_softmax(loss: Loss) -> str | None:
    """Return the kind of input of a loss that the script or a library writes out: a softmax below its log-softmax."""
    return PROBABILITIES if graph_fact(loss, "softmax_inputs") == "softmax" else None


INPUTS = {
    "custom": (_into_log_softmax, RAW),
    "cross_entropy": (_into_cross_entropy, RAW),
    "nll_loss": (_into_logs, LOGS),
    "kl_div": (_into_logs, LOGS),
    "binary_cross_entropy_with_logits": (_into_logits, RAW),
    "binary_cross_entropy": (_into_probabilities, SIGMOIDS),
}


def _units(loss: Loss) -> int:
    """Return the number of outputs per example: the classes of a classification, else the last dimension."""
    shape = loss["prediction"].get("shape") or []
    if len(shape) < 2:
        return 1
    return int(shape[1] if loss["kind"] in CLASSIFYING else shape[-1])


def _mistaken(log: RunLog) -> tuple[Loss, str, str] | None:
    return _first_mistaken(training_losses(log))


def _first_mistaken(losses: list[Loss]) -> tuple[Loss, str, str] | None:
    for loss in losses:
        read, expected = INPUTS.get(loss["kind"], (None, ""))
        given = read(loss) if read else None
        if given:
            return loss, given, PROBABILITIES if loss.get("probabilities") and expected == RAW else expected
    return None


@signal(unit="expression", **CALL)
def loss_input_is(log: RunLog) -> str | None:
    """What a training loss received in place of its proper input (softmax(x), sigmoid(x), x), or "as expected"."""
    found = _mistaken(log)
    return found[1] if found else "as expected" if training_losses(log) else None


@signal(unit="expression", **CALL)
def evaluation_input_is(log: RunLog) -> str | None:
    """What a loss of the evaluations received in place of its proper input, where those of the training get it."""
    found = _mistaken_in_evaluation(log)
    return found[1] if found else "as expected" if training_losses(log) else None


@signal(unit="expression", **CALL)
def evaluation_input_expected(log: RunLog) -> str | None:
    """What the loss of the evaluations with the mistaken input expects."""
    found = _mistaken_in_evaluation(log)
    return found[2] if found else None


@signal(unit="word", **CALL)
def evaluation_input_name(log: RunLog) -> str | None:
    """Name of the loss function with the mistaken input in the evaluations."""
    found = _mistaken_in_evaluation(log)
    return str(found[0].get("name") or found[0]["kind"]) if found else None


def _mistaken_in_evaluation(log: RunLog) -> tuple[Loss, str, str] | None:
    """Return the first such loss of a kind that the training uses as well."""
    used = {loss["kind"] for loss in training_losses(log)}
    evaluated = [loss for loss in log.losses if loss.get("phase") == "eval" and loss["kind"] in used]
    return None if _mistaken(log) else _first_mistaken(evaluated)


@signal(unit="expression", **CALL)
def loss_input_expected(log: RunLog) -> str | None:
    """What the loss with the mistaken input expects: logits x, log_softmax(x), or probabilities."""
    found = _mistaken(log)
    return found[2] if found else None


@signal(unit="word", **CALL)
def loss_input_name(log: RunLog) -> str | None:
    """Name of the loss function with the mistaken input."""
    found = _mistaken(log)
    return str(found[0].get("name") or found[0]["kind"]) if found else None


@signal(unit="loss", **CALL)
def double_activation_floor(log: RunLog) -> float | None:
    """Smallest reachable loss when probabilities are passed to a loss that expects logits.

    Softmax into cross-entropy with K classes: ln(e + K - 1) - 1.
    Sigmoid into the logit loss, with a share pi of positives: pi ln(1 + 1/e) + (1 - pi) ln 2.
    """
    found = _mistaken(log)
    if found is None or found[2] != RAW:
        return None
    loss, given, _ = found
    if given == SIGMOIDS:
        mean = number(loss["target"].get("mean"))
        return None if mean is None else mean * math.log1p(math.exp(-1)) + (1 - mean) * math.log(2)
    return math.log(math.e + _units(loss) - 1) - 1


@signal(unit="function", **CALL)
def missing_log(log: RunLog) -> str | None:
    """The function missing before nll_loss (log_softmax); absent for any other loss and input."""
    return _missing(log, "nll_loss")


@signal(unit="function", **CALL)
def missing_divergence_log(log: RunLog) -> str | None:
    """The function missing before kl_div (log_softmax); absent for any other loss and input."""
    return _missing(log, "kl_div")


@signal(unit="function", **CALL)
def missing_output_activation(log: RunLog) -> str | None:
    """The function missing at the end of a model whose loss takes probabilities; absent for any other loss and input.

    Of torch's losses the binary cross-entropy without logits is one; others belong to frameworks.
    """
    found = _mistaken(log)
    name = {PROBABILITIES: "softmax", SIGMOIDS: "sigmoid"}.get(found[2]) if found else None
    return name if found and found[1] == RAW else None


def _missing(log: RunLog, kind: str) -> str | None:
    found = _mistaken(log)
    return "log_softmax" if found and found[2] == LOGS and found[0]["kind"] == kind else None


# -- the last activation and the targets


@signal(unit="truth", **CALL)
def regressing(log: RunLog) -> bool | None:
    """Whether the judged loss measures distances between numbers (squared, absolute, Huber)."""
    loss = judged_loss(log)
    return loss["kind"] in REGRESSING if loss else None


@signal(unit="word", **GRAPH)
def output_activation(log: RunLog) -> str | None:
    """Last activation before the judged loss: softmax, sigmoid, tanh, relu, log_softmax; "none" = linear output."""
    loss = judged_loss(log)
    graph = (loss.get("graph") if loss else None) or {}
    return None if not graph or graph.get("opaque") else str(graph.get("output_activation") or "none")


@signal(unit="word", **GRAPH)
def ending_activation(log: RunLog) -> str | None:
    """Last activation before the judged loss; absent where its output is linear."""
    found = output_activation(log)
    return None if found == "none" else found


@signal(unit="word", **GRAPH)
def logit_activation(log: RunLog) -> str | None:
    """Activation whose result a cross-entropy treats as logits; "none" for a linear output.

    A sigmoid before the binary cross-entropy with logits is left to loss_input_is.
    """
    losses = [loss for loss in training_losses(log) if loss["kind"] in OF_LOGITS and not loss.get("probabilities")]
    seen = [loss for loss in losses if loss.get("graph") and not loss["graph"].get("opaque")]
    named = [_taken_for_logits(loss) for loss in seen]
    return next((str(name) for name in named if name), "none") if seen or not losses else None


def _taken_for_logits(loss: dict[str, Any]) -> Any:
    name = graph_fact(loss, "softmax_inputs") or graph_fact(loss, "output_activation")
    return None if name == "sigmoid" and loss["kind"] != "cross_entropy" else name


@signal(unit="units", **CALL)
def output_units(log: RunLog) -> int | None:
    """Number of outputs per example at the judged loss."""
    loss = judged_loss(log)
    return _units(loss) if loss and loss["prediction"].get("shape") else None


def _beyond(target: dict[str, Any], low: float, high: float) -> float | None:
    least, most = number(target.get("min")), number(target.get("max"))
    if least is None or most is None:
        return None
    return max(most - high, low - least, 0.0) / max(most - least, LEAST_RANGE)


@signal(unit="share", **CALL)
def target_excess(log: RunLog) -> float | None:
    """How far regression targets exceed the range of the last activation, as a share of their own range."""
    loss, name = judged_loss(log), output_activation(log)
    if loss is None or name is None:
        return None
    low, high = RANGES.get(name, (-math.inf, math.inf)) if loss["kind"] in REGRESSING else (-math.inf, math.inf)
    return _beyond(loss["target"], low, high)


@signal(unit="share", **CALL)
def unreachable_share(log: RunLog) -> float | None:
    """Share of the regression targets that the last activation cannot reach (a lower bound for tanh)."""
    loss, name = judged_loss(log), output_activation(log)
    if loss is None or name is None:
        return None
    above, below = (number(loss["target"].get(field)) or 0.0 for field in ("above_one_share", "negative_share"))
    missed = {"relu": below, "tanh": above, "sigmoid": above + below, "softmax": above + below}
    return missed.get(name, 0.0) if loss["kind"] in REGRESSING else 0.0


@signal(unit="value", **CALL)
def prediction_spread(log: RunLog) -> float | None:
    """Standard deviation of each output over the batch, averaged over outputs and batches.

    Of batches with fewer than four examples that of a single output over all of them.
    """
    loss = judged_loss(log)
    return spread_of(loss["prediction"]) if loss else None


@signal(unit="sum", **CALL)
def soft_row_sum(log: RunLog) -> float | None:
    """Mean sum over the classes of soft targets given to a cross-entropy; 1 for probabilities."""
    for loss in training_losses(log):
        target = loss["target"]
        if loss["kind"] == "cross_entropy" and target.get("soft") and number(target.get("mean")) is not None:
            return float(target["mean"]) * _units(loss)
    return None
