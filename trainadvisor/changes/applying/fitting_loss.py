"""Finds the loss that fits outputs and targets when the script uses another one."""

from collections.abc import Callable
from typing import Any

from trainadvisor.changes.applying.late_torch import F, torch

ELEMENTWISE = frozenset({
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "poisson_nll_loss", "soft_margin_loss", "kl_div",
})  # fmt: skip
Fit = tuple[str, Callable[[], Any]]


def fitting(kind: str, named: dict[str, Any]) -> Fit | None:
    """Return the replacement of a loss, in words and as a call; None if the loss fits."""
    output, target = named.get("input"), named.get("target")
    if not isinstance(output, torch.Tensor) or not isinstance(target, torch.Tensor) or not output.numel():
        return None
    options = {key: named[key] for key in ("reduction", "weight", "ignore_index") if named.get(key) is not None}
    finder = _FINDERS.get(kind)
    return finder(output, target, options, named) if finder is not None else None


def _nll(output: Any, target: Any, options: dict[str, Any], named: dict[str, Any]) -> Fit | None:
    if output.dim() < 2:
        return None
    total = output.detach().float().logsumexp(1).abs()
    if float(total.mean()) < 1e-3:
        return _masked(target, named, F.nll_loss)
    if _probabilities(output):
        return "nll_loss on probabilities -> on their logarithm", lambda: F.nll_loss(
            output.clamp_min(1e-12).log(), target, **options
        )
    return "nll_loss on raw scores -> cross_entropy", lambda: F.cross_entropy(output, target, **options)


def _cross(output: Any, target: Any, options: dict[str, Any], named: dict[str, Any]) -> Fit | None:
    plain = {key: value for key, value in options.items() if key == "reduction"}
    if output.dim() == 2 and output.shape[1] == 1:
        to = "cross_entropy over one output -> binary_cross_entropy_with_logits"
        return to, lambda: F.binary_cross_entropy_with_logits(output[:, 0], target.reshape(-1).to(output), **plain)
    if target.is_floating_point() and target.shape == output.shape:
        sums = target.detach().sum(1)
        if float((sums - 1).abs().max()) > 1e-3 and bool(((target == 0) | (target == 1)).all()):
            to = "cross_entropy with several classes an example -> binary_cross_entropy_with_logits"
            return to, lambda: F.binary_cross_entropy_with_logits(output, target, **plain)
        return None
    return _masked(target, named, F.cross_entropy)


def _masked(target: Any, named: dict[str, Any], function: Any) -> Fit | None:
    """Return zero for a batch without a label, whose mean would be 0/0."""
    if target.is_floating_point() or named.get("reduction", "mean") != "mean":
        return None
    if bool((target == named.get("ignore_index", -100)).all()):
        given = {**named, "reduction": "sum"}
        return f"{function.__name__} of a batch without labels counts as 0", lambda: function(**given)
    return None


def _squared(output: Any, target: Any, options: dict[str, Any], _: dict[str, Any]) -> Fit | None:
    plain = {key: value for key, value in options.items() if key == "reduction"}
    whole = target.detach()
    if output.dim() == 2 and output.shape[1] > 1 and target.numel() == len(output) and _classes(whole, output.shape[1]):
        to = f"mse_loss between {output.shape[1]} scores and class numbers -> cross_entropy"
        return to, lambda: F.cross_entropy(output, whole.reshape(-1).long(), **plain)
    if target.shape == output.shape and bool(((whole == 0) | (whole == 1)).all()) and _unit(output):
        to = "mse_loss between probabilities and 0/1 -> binary_cross_entropy"
        return to, lambda: F.binary_cross_entropy(output, target.to(output), **plain)
    return None


def _binary(output: Any, target: Any, options: dict[str, Any], _: dict[str, Any]) -> Fit | None:
    if _unit(output):
        return None
    to = "binary_cross_entropy on raw scores -> binary_cross_entropy_with_logits"
    plain = {key: value for key, value in options.items() if key in ("reduction", "weight")}
    return to, lambda: F.binary_cross_entropy_with_logits(output, target.to(output), **plain)


def _divergence(output: Any, target: Any, options: dict[str, Any], named: dict[str, Any]) -> Fit | None:
    """Give kl_div the log-probabilities that it expects."""
    del target, options
    if output.dim() < 2 or float(output.detach().float().logsumexp(1).abs().mean()) < 1e-3:
        return None
    if _probabilities(output):
        return "kl_div on probabilities -> on their logarithm", lambda: F.kl_div(
            **{**named, "input": output.clamp_min(1e-12).log()}
        )
    return "kl_div on raw scores -> on their log_softmax", lambda: F.kl_div(
        **{**named, "input": F.log_softmax(output, 1)}
    )


def _unit(output: Any) -> bool:
    return bool(((output >= 0) & (output <= 1)).all())


def _classes(target: Any, count: int) -> bool:
    return bool((target == target.round()).all()) and bool(((target >= 0) & (target < count)).all())


def _probabilities(output: Any) -> bool:
    return _unit(output) and float((output.detach().sum(1) - 1).abs().max()) < 1e-3


_FINDERS: dict[str, Callable[[Any, Any, dict[str, Any], dict[str, Any]], Fit | None]] = {
    "nll_loss": _nll, "cross_entropy": _cross, "mse_loss": _squared, "l1_loss": _squared,
    "binary_cross_entropy": _binary, "kl_div": _divergence,
}  # fmt: skip
