"""Whether the channels of pictures lie beside each other in a row, as after a reshape of (H, W, C)."""

import torch

# Pictures of three or four channels: with one nothing is mixed, with more they are no colors.
_CHANNELS = (3, 4)
_LEAST_SIDE = 8
_AXES = 4
_MOST_EXAMPLES = 64


def distances(tensor: torch.Tensor) -> torch.Tensor | None:
    """Return mean distances of numbers: as far apart in a row as there are channels, then where they are near.

    The near ones are fewer places apart in the row, one row apart, and one channel apart. None: these are no pictures.
    """
    if tensor.ndim != _AXES or tensor.shape[1] not in _CHANNELS or min(tensor.shape[2:]) < _LEAST_SIDE:
        return None
    if not tensor.is_floating_point():
        return None
    found, channels = tensor.detach()[:_MOST_EXAMPLES].float(), tensor.shape[1]
    rows = [_mean(found[..., lag:] - found[..., :-lag]) for lag in (channels, *range(1, channels))]
    return torch.stack([*rows, _mean(found[:, :, 1:] - found[:, :, :-1]), _mean(found[:, 1:] - found[:, :-1])])


def ratio(sums: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor:
    """Return the first distance over the least of the others: far below 1 only where a row holds all channels in turn.

    1 where these are no pictures, or pictures of a single value.
    """
    if sums is None:
        return torch.ones_like(like)
    return (sums[0] / sums[1:].amin()).nan_to_num(1.0, posinf=1.0).to(like)


def _mean(differences: torch.Tensor) -> torch.Tensor:
    return differences.abs().mean()
