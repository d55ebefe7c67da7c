"""The scale of each feature, by which a trial standardizes inputs."""

import pytest
import torch

from trainadvisor.changes.applying.feature_scales import Scale


def scale_of(*stds: float) -> Scale:
    """Return the scale of features that alternate around 5."""
    signs = torch.tensor([1.0, -1.0] * 32)[:, None]
    scale = Scale()
    scale.take(5 + signs * torch.tensor(stds))
    return scale


def test_a_huge_feature_hides_no_other() -> None:
    """Each is divided by its own deviation."""
    assert scale_of(1.0, 2.0, 40_000.0).std.tolist() == pytest.approx([1.0, 2.0, 40_000.0])


@pytest.mark.parametrize(("stds", "told"), [((4.0, 4.0, 0.0), 0.4), ((4.0, 4.0, 0.1), 0.4), ((0.0, 0.0, 0.0), 1.0)])
def test_a_feature_that_is_constant_by_chance_is_not_blown_up(stds: tuple[float, ...], told: float) -> None:
    """It counts for a tenth of the median at least, and for 1 where none varies."""
    assert scale_of(*stds).std.tolist()[2] == pytest.approx(told)
