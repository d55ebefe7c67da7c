"""Means and standard deviations of features, accumulated batch by batch."""

from typing import Any

from trainadvisor.changes.applying.late_torch import torch


class Scale:
    """Mean and standard deviation of each feature over the batches so far."""

    def __init__(self) -> None:
        self.count = 0
        self._sum: Any = None
        self._squares: Any = None

    def take(self, batch: Any) -> None:
        """Add a batch; rows with non-finite values are left out."""
        values = _features(batch.detach()).double()
        values = values[torch.isfinite(values).all(1)]
        if not len(values):
            return
        first = self._sum is None
        self._sum = values.sum(0) if first else self._sum + values.sum(0)
        self._squares = (values**2).sum(0) if first else self._squares + (values**2).sum(0)
        self.count += len(values)

    @property
    def mean(self) -> Any:
        """Return the mean of each feature."""
        return self._sum / self.count

    @property
    def std(self) -> Any:
        """Return the deviation of each feature, at least a tenth of the median: it may be constant by chance."""
        std = (self._squares / self.count - self.mean**2).clamp_min(0).sqrt()
        varied = std[std > 0]
        return std.clamp_min(0.1 * float(varied.median()) if varied.numel() else 1.0)

    def standard(self, batch: Any) -> Any:
        """Return the batch with mean 0 and deviation 1."""
        if not self.count:
            return batch
        return (batch - self._like(self.mean, batch)) / self._like(self.std, batch)

    def original(self, batch: Any) -> Any:
        """Return a standardized batch on this scale."""
        if not self.count:
            return batch
        return batch * self._like(self.std, batch) + self._like(self.mean, batch)

    def words(self) -> str:
        """Return the overall mean and deviation in words."""
        if not self.count:
            return "nothing finite was seen"
        mean, std = self.mean, self.std
        return f"mean {float(mean.mean()):.4g}, deviation {float(std.mean()):.4g}, {len(mean)} features"

    @staticmethod
    def _like(numbers: Any, batch: Any) -> Any:
        shape = [1] * batch.dim()
        shape[1 if batch.dim() >= 4 else -1] = -1
        return numbers.to(batch).view(shape) if batch.dim() else numbers.to(batch)[0]


def _features(batch: Any) -> Any:
    """Return the values as rows of features: the channels of images, else the last dimension."""
    if batch.dim() < 2:
        return batch.reshape(-1, 1)
    return (batch.movedim(1, -1) if batch.dim() >= 4 else batch).reshape(-1, batch.shape[1 if batch.dim() >= 4 else -1])
