"""Statistics of what goes into a loss: predictions and targets, gathered over batches."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch

from trainadvisor.record.device_readback import Reading
from trainadvisor.record.losses import reference_losses

_MOST_ROWS = 4096
_FEW = 1024
_MOST_CLASSES = 2000
# Values of which the last quarter is a level.
_LEVEL = 12
CLASSIFYING = {"cross_entropy", "nll_loss"}
BINARY = {"binary_cross_entropy", "binary_cross_entropy_with_logits"}
ELEMENTWISE = {*BINARY, "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}

_PREDICTION = ("min", "max", "mean", "square", "row_sum_min", "row_sum_max", "logsumexp_abs_max", "batch_spread")
_TARGET = ("min", "max", "mean", "square", "abs_mean", "negative_share", "above_one_share", "ignored_share",
           "out_of_range", "integers",
           "variance_columns", "abs_deviation", "floor", "deviation", "entropy_columns")  # fmt: skip

Expect = Callable[[Reading, Callable[[list[float]], None]], None]


@dataclass
class _Merged:
    """Numbers joined over batches: extremes as extremes, the rest as means."""

    batches: int = 0
    numbers: dict[str, float] = field(default_factory=dict)

    def add(self, names: tuple[str, ...], values: list[float]) -> None:
        self.batches += 1
        for name, value in zip(names, values, strict=True):
            if value != value:  # noqa: PLR0124 - NaN marks "not measured"
                continue
            known = self.numbers.get(name)
            self.numbers[name] = value if known is None else self._join(name, known, value)

    def _join(self, name: str, known: float, value: float) -> float:
        if name == "entropy_columns":  # of all batches so far
            return value
        if name.endswith("min"):
            return min(known, value)
        if name.endswith("max"):
            return max(known, value)
        return known + (value - known) / self.batches

    def fact(self) -> dict[str, Any]:
        found = dict(self.numbers)
        if "square" in found:
            found["std"] = max(0.0, found.pop("square") - found["mean"] ** 2) ** 0.5
        return found | {"batches": self.batches}


class LossArguments:
    """Gathers the facts of one loss's prediction and target."""

    def __init__(self, kind: str, settings: dict[str, Any] | None = None) -> None:
        """Take the kind of loss, which says what its arguments mean, and its settings."""
        self.kind, self._settings = kind, settings or {}
        self.broadcast: list[list[int]] | None = None
        self.batches = self.counted = 0
        self._prediction, self._target = _Merged(), _Merged()
        self._shapes: dict[str, Any] = {}
        self._histogram: list[float] | None = None
        self._shares = reference_losses.ColumnShares()
        self._examples = 0
        self._entropies: list[float] = []
        self._values: list[float] = []
        self._batch = 0
        # Whether a target had a gradient: two answers are then compared, and each can follow the other.
        self._live = False

    def add(
        self,
        prediction: torch.Tensor,
        target: torch.Tensor | None,
        ignore: int,
        read: Callable[[torch.Tensor], Reading],
        expect: Expect,
        *,
        value: torch.Tensor | None = None,
    ) -> None:
        """Measure one batch, with the value that the function gave for it."""
        self.batches += 1
        if value is not None and value.numel() == 1:
            expect(read(value.detach()), lambda values: self._values.append(values[0]))
        prediction, target = batched(self.kind, prediction, target)
        self._batch = prediction.shape[0] if prediction.ndim else 1
        self._shapes["prediction"] = {
            "shape": list(prediction.shape),
            "dtype": str(prediction.dtype).removeprefix("torch."),
        }
        with torch.no_grad():
            if prediction.is_floating_point() and prediction.numel():
                expect(
                    read(_describe_prediction(prediction, self.kind)),
                    lambda values: self._prediction.add(_PREDICTION, values),
                )
            if isinstance(target, torch.Tensor) and target.numel():
                self._live |= target.requires_grad
                self._add_target(prediction, target, ignore, read, expect)

    def _add_target(
        self,
        prediction: torch.Tensor,
        target: torch.Tensor,
        ignore: int,
        read: Callable[[torch.Tensor], Reading],
        expect: Expect,
    ) -> None:
        self._shapes["target"] = {"shape": list(target.shape), "dtype": str(target.dtype).removeprefix("torch.")}
        if self.kind in ELEMENTWISE and prediction.shape != target.shape and prediction.numel() != target.numel():
            self.broadcast = [list(prediction.shape), list(target.shape)]
        elif self.kind in ELEMENTWISE and prediction.shape != target.shape:
            self.broadcast = _broadcast_pair(prediction, target) or self.broadcast
        classes = prediction.shape[1] if prediction.ndim > 1 else 0
        expect(
            read(_describe_target(target, ignore, self.kind, classes, self._settings, self._shares)),
            lambda v: self._target.add(_TARGET, v),
        )
        counts = _counts(self.kind, target, classes, ignore)
        if counts is not None:
            expect(read(counts) if isinstance(counts, torch.Tensor) else Reading(counts), self._add_counts)
        self._examples += target.shape[0] if target.ndim else 1

    def count(
        self,
        prediction: torch.Tensor,
        target: object,
        ignore: int,
        read: Callable[[torch.Tensor], Reading],
        expect: Expect,
    ) -> None:
        """Count the classes of one more batch, without the rest."""
        self.counted += 1
        prediction, target = batched(self.kind, prediction, target if isinstance(target, torch.Tensor) else None)
        classes = prediction.shape[1] if prediction.ndim > 1 else 0
        counts = _counts(self.kind, target, classes, ignore) if target is not None and target.numel() else None
        if counts is not None:
            expect(read(counts) if isinstance(counts, torch.Tensor) else Reading(counts), self._add_counts)

    def _add_counts(self, counts: list[float]) -> None:
        known = self._histogram or [0.0] * len(counts)
        if len(known) == len(counts):
            self._histogram = [a + b for a, b in zip(known, counts, strict=True)]
            self._entropies.append(entropy(counts))

    def fact(self) -> dict[str, Any]:
        """Return the facts so far, as the keys of a Loss."""
        prediction = {**self._shapes.get("prediction", {}), **self._prediction.fact()}
        if "min" in prediction:
            prediction["nonnegative"] = prediction["min"] >= 0
            prediction["in_unit_interval"] = prediction["min"] >= 0 and prediction["max"] <= 1
        found: dict[str, Any] = {"prediction": prediction, "broadcast": self.broadcast}
        if len(self._values) >= _LEVEL and all(map(math.isfinite, self._values)):
            found["late_value"] = median(self._values[-(len(self._values) // 4) :])
        if "target" in self._shapes:
            found["target"] = {**self._shapes["target"], **self._target_fact()}
        return found

    def _target_fact(self) -> dict[str, Any]:
        found = self._target.fact()
        found["examples"] = self._examples
        found["integer"] = found.pop("integers", 0.0) == 1.0
        if "std" in found:
            found["variance"] = found["std"] ** 2
            found["in_unit_interval"] = found["min"] >= 0 and found["max"] <= 1
        shape = self._shapes["target"]["shape"]
        soft = (
            self.kind in CLASSIFYING
            and not self._shapes["target"]["dtype"].startswith(("int", "uint"))
            and len(shape) > 1
        )
        found |= {"soft": soft, "live": self._live}
        if self._histogram is not None:
            found["classes"] = len(self._histogram)
            found["histogram"] = [round(count, 3) for count in self._histogram]
            found["batch_entropy"] = sum(self._entropies) / len(self._entropies)
            found["batch_entropy_expected"] = expected_entropy(self._histogram, self._batch)
        return found


def batched(
    kind: str, prediction: torch.Tensor, target: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return prediction and target of a single example, given without a dimension for examples, as a batch of one."""
    if prediction.ndim > (1 if kind in CLASSIFYING else 0):
        return prediction, target
    single = target is not None and target.ndim <= prediction.ndim
    return prediction[None], target[None] if single and target is not None else target


def _broadcast_pair(prediction: torch.Tensor, target: torch.Tensor) -> list[list[int]] | None:
    """Return both shapes when equal counts still spread to a larger result, as [N, 1] against [N]."""
    try:
        result = torch.broadcast_shapes(prediction.shape, target.shape)  # type: ignore[no-untyped-call]
    except RuntimeError:
        return None
    return [list(prediction.shape), list(target.shape)] if math.prod(result) > prediction.numel() else None


def _describe_prediction(prediction: torch.Tensor, kind: str) -> torch.Tensor:
    values = prediction.detach()[:_MOST_ROWS].float()
    nan = torch.full((), torch.nan, dtype=torch.float32, device=values.device)
    row_min = row_max = logsumexp = nan
    if kind in CLASSIFYING and values.ndim > 1:
        sums = values.sum(1)
        row_min, row_max, logsumexp = sums.min(), sums.max(), torch.logsumexp(values, 1).abs().max()
    spread = values.flatten(1)[:, :256].std(0, unbiased=False).mean() if values.ndim > 1 else values.std(unbiased=False)
    return torch.stack(
        [values.min(), values.max(), values.mean(), values.pow(2).mean(), row_min, row_max, logsumexp, spread]
    )


def _describe_target(
    target: torch.Tensor,
    ignore: int,
    kind: str,
    outputs: int,
    settings: dict[str, Any],
    shares: reference_losses.ColumnShares,
) -> torch.Tensor:
    classes = outputs if kind in CLASSIFYING else 0
    floating = target.is_floating_point()
    values = target.detach()[:_MOST_ROWS].double() if target.ndim else target.detach().double()[None]
    nan = torch.full((), torch.nan, device=values.device, dtype=values.dtype)
    counted = values != ignore
    wrong = (((values < 0) | (values >= classes)) & counted).sum() if classes and not floating else nan
    ignored = (~counted).double().mean() if classes and not floating else nan
    whole = (values == values.round()).double().min()
    columns = [values.min(), values.max(), values.mean(), values.pow(2).mean(), values.abs().mean(),
               (values < 0).double().mean(),
               (values > 1).double().mean(), ignored, wrong.to(values.dtype), whole, *_scatter(values)]  # fmt: skip
    references = reference_losses.measure(kind, settings, values, classes if floating else 0)
    return torch.cat([torch.stack(columns), references, (shares.add(values) if kind in BINARY else nan)[None]])


def _scatter(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean over columns of the variance over examples, and of the distance from the column's median."""
    columns = values.flatten(1) if values.ndim > 1 else values[:, None]
    if columns.shape[0] < 2:
        nan = torch.full((), torch.nan, device=values.device, dtype=values.dtype)
        return nan, nan
    columns = columns[:, :: max(1, columns.shape[1] // 1024)]
    return columns.var(0).mean(), (columns - columns.median(0).values).abs().mean()


def _counts(kind: str, target: torch.Tensor, classes: int, ignore: int) -> torch.Tensor | list[float] | None:
    """Return how often each class occurs among the labels that count, without asking the device for a size."""
    found = target.detach()
    if kind in BINARY:
        ones = (found > 0.5).sum()
        return torch.stack([found.numel() - ones, ones]).float()
    if kind not in CLASSIFYING or not 1 < classes <= _MOST_CLASSES:
        return None
    if found.is_floating_point():
        return found.float().transpose(0, 1).flatten(1).sum(1) if found.ndim > 1 else None
    index = found.flatten()
    if index.device.type == "cpu" and index.numel() <= _FEW:  # quicker than six operations
        return _counted(index.tolist(), classes, ignore)
    valid = (index >= 0) & (index < classes) & (index != ignore)
    none = torch.zeros(classes, dtype=torch.float32, device=found.device)
    return none.scatter_add_(0, index.clamp(0, classes - 1).long(), valid.float())


def _counted(labels: list[int], classes: int, ignore: int) -> list[float]:
    found = Counter(labels)
    return [float(found[label]) if label != ignore else 0.0 for label in range(classes)]


def entropy(counts: list[float]) -> float:
    """Return the entropy (nats) of the distribution with these counts."""
    total = sum(counts)
    return -sum(c / total * math.log(c / total) for c in counts if c > 0) if total else 0.0


def expected_entropy(counts: list[float], batch: int) -> float:
    """Return the mean plug-in entropy of `batch` draws from the distribution (Miller-Madow for large batches)."""
    total, full = sum(counts), entropy(counts)
    present = [c / total for c in counts if c > 0] if total else []
    if not present or batch < 1:
        return full
    if len(present) * batch > 50_000:
        return max(0.0, full - (len(present) - 1) / (2 * batch))
    return sum(_expected_term(p, batch) for p in present)


def _expected_term(share: float, batch: int) -> float:
    if share >= 1:
        return 0.0
    log_all = math.lgamma(batch + 1)
    terms = 0.0
    for n in range(1, batch):
        log_weight = (
            log_all
            - math.lgamma(n + 1)
            - math.lgamma(batch - n + 1)
            + n * math.log(share)
            + (batch - n) * math.log1p(-share)
        )
        terms -= math.exp(log_weight) * n / batch * math.log(n / batch)
    return terms
