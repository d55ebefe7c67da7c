"""Signals of gradients: size over time and over depth."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_model, make_optimizer, signals_of


def over_depth(folder: Path, norms: list[list[float | None]], width: int = 4) -> Any:
    """Return the signals of a stack of square layers whose weight gradients have these norms, one list a sample."""
    depth = len(norms[0])
    model = make_model(*((f"l{i}", "Linear", width, width) for i in range(depth)))
    layers = [{"grad": [value for norm in sample for value in (norm, 0.0)]} for sample in norms]
    optimizers = [make_optimizer(parameters=range(2 * depth))]
    return signals_of(folder, steps=100, layers=layers, models=[model], optimizers=optimizers)


def over_time(folder: Path, norms: Any) -> Any:
    """Return the signals of a run with these gradient norms."""
    return signals_of(folder, columns={"grad_norm": norms, "loss": [1.0] * len(norms)})


def test_depth_ratio_compares_the_first_with_the_last_third(tmp_path: Path) -> None:
    """Nine layers that each pass on half: medians of the thirds are six layers apart, 2 ** -6."""
    seen = over_depth(tmp_path, [[0.5 ** (8 - i) for i in range(9)]] * 6)
    assert seen["grad_depth_ratio"] == pytest.approx(2**-6)
    assert seen["grad_depth_ratio_high"] == pytest.approx(2**-6)
    assert seen["grad_gain_per_layer"] == pytest.approx(0.5)
    assert seen["depth"] == 9


def test_even_gradients_have_ratio_one(tmp_path: Path) -> None:
    """Equal norms on equal shapes: ratio and gain are one."""
    seen = over_depth(tmp_path, [[2.0] * 5] * 6)
    assert seen["grad_depth_ratio"] == pytest.approx(1.0)
    assert seen["grad_gain_per_layer"] == pytest.approx(1.0)


def test_rms_of_the_layers_is_per_element(tmp_path: Path) -> None:
    """Norm 4 on a 4 x 4 matrix is an RMS of one, norm 2 of one half."""
    seen = over_depth(tmp_path, [[4.0, 4.0, 2.0, 2.0]] * 3)
    assert seen["grad_rms_first_layers"] == pytest.approx(1.0)
    assert seen["grad_rms_last_layers"] == pytest.approx(0.5)


def test_the_high_ratio_tells_a_passing_dip_from_a_lasting_one(tmp_path: Path) -> None:
    """Small at the first samples and even afterwards: the median of the start is small, the 80th percentile is not."""
    seen = over_depth(tmp_path, [[1e-6, 1, 1]] * 10 + [[1.0, 1, 1]] * 30)
    assert seen["grad_depth_ratio"] == pytest.approx(1e-6)
    assert seen["grad_depth_ratio_high"] == pytest.approx(1.0)


def test_layers_without_a_gradient_are_left_out(tmp_path: Path) -> None:
    """None is no gradient at all: the ratio is that of the others, absent when a whole third has none."""
    assert over_depth(tmp_path, [[None, 1.0, 1.0, 1.0, 1.0, 1.0]] * 3)["grad_depth_ratio"] == pytest.approx(1.0)
    assert over_depth(tmp_path, [[None, 1.0, 1.0]] * 3)["grad_depth_ratio"] is None


def test_gradient_over_weight_uses_the_initial_weights(tmp_path: Path) -> None:
    """Norm 4 on 16 elements is an RMS of 1; the weights start with an RMS of 0.1."""
    assert over_depth(tmp_path, [[4.0, 4.0]])["grad_to_weight_first"] == pytest.approx(10.0)


def test_norms_over_time_match_numpy(tmp_path: Path) -> None:
    """First, median, largest and tail are those of the plain series."""
    norms = [1.0, 3.0, 2.0] + [2.0] * 96 + [50.0]
    seen = over_time(tmp_path, norms)
    assert seen["grad_norm_first"] == 2.0
    assert seen["grad_norm_median"] == 2.0
    assert seen["grad_norm_max"] == 50.0
    assert seen["grad_norm_tail"] == pytest.approx(np.percentile(norms, 99) / 2.0)


def test_growth_is_that_of_the_median_of_five(tmp_path: Path) -> None:
    """From one to sixteen for good is a growth of sixteen; a single spike is none."""
    assert over_time(tmp_path, [1.0] * 20 + [16.0] * 20)["grad_norm_growth"] == 16.0
    assert over_time(tmp_path, [1.0] * 20 + [1000.0] + [1.0] * 20)["grad_norm_growth"] == 1.0


def test_onset_is_where_growth_passes_ten_or_a_norm_is_infinite(tmp_path: Path) -> None:
    """Three of five norms are large from step 22 on; an infinite norm counts at once."""
    assert over_time(tmp_path, [1.0] * 20 + [16.0] * 20)["grad_growth_onset"] == 22
    assert over_time(tmp_path, [1.0] * 8 + [np.inf] * 3)["grad_growth_onset"] == 8
    assert over_time(tmp_path, [1.0] * 40)["grad_growth_onset"] is None


def test_clip_norm_is_taken_from_the_calm_part(tmp_path: Path) -> None:
    """A quarter of wild steps does not raise the 90th percentile of the rest."""
    assert over_time(tmp_path, [1.0] * 90 + [1e6] * 30)["grad_norm_p90"] == 1.0


def test_the_norm_returned_by_clipping_stands_in_for_an_unrecorded_one(tmp_path: Path) -> None:
    """Imported logs often have only what clip_grad_norm_ returned."""
    assert signals_of(tmp_path, columns={"clip_norm": [3.0] * 5})["grad_norm_median"] == 3.0


def test_nothing_recorded_gives_nothing(tmp_path: Path) -> None:
    """Without gradients every signal is absent."""
    seen = signals_of(tmp_path, steps=30)
    assert [seen[name] for name in seen if name.startswith("grad_")] == [None] * len(
        [n for n in seen if n.startswith("grad_")]
    )


def test_five_norms_are_enough_for_growth_and_four_are_not(tmp_path: Path) -> None:
    """A growth needs a first median above zero."""
    assert over_time(tmp_path, [2.0] * 5)["grad_norm_growth"] == 1.0
    assert over_time(tmp_path, [2.0] * 4)["grad_norm_growth"] is None
    assert over_time(tmp_path, [0.0] * 5 + [1.0] * 5)["grad_norm_growth"] is None


def test_growth_is_dated_only_beyond_ten_times_the_start(tmp_path: Path) -> None:
    """Exactly ten times is not beyond; the earlier of growth and infinity counts."""
    assert over_time(tmp_path, [1.0] * 20 + [10.0] * 20)["grad_growth_onset"] is None
    assert over_time(tmp_path, [1.0] * 20 + [10.5] * 20)["grad_growth_onset"] == 22
    assert over_time(tmp_path, [1.0] * 20 + [16.0] * 10 + [np.inf] * 3)["grad_growth_onset"] == 22
    assert over_time(tmp_path, [1.0] * 20 + [np.inf] + [16.0] * 10)["grad_growth_onset"] == 20
    assert over_time(tmp_path, [1.0, np.inf, 1.0])["grad_growth_onset"] == 1


def test_infinite_norms_are_left_out_of_levels(tmp_path: Path) -> None:
    """The largest is the largest finite one; zeros have no tail."""
    seen = over_time(tmp_path, [1.0, 4.0, np.inf, 2.0])
    assert (seen["grad_norm_max"], seen["grad_norm_median"], seen["grad_norm_first"]) == (4.0, 2.0, 2.5)
    assert over_time(tmp_path, [0.0] * 5)["grad_norm_tail"] is None
    assert over_time(tmp_path, [3.0])["grad_norm_p90"] == 3.0


def test_the_calm_part_is_the_smaller_three_quarters(tmp_path: Path) -> None:
    """Of 1 to 100 in any order the 90th percentile of 1 to 75."""
    norms = np.random.default_rng(0).permutation(np.arange(1.0, 101.0))
    assert over_time(tmp_path, norms.tolist())["grad_norm_p90"] == pytest.approx(np.percentile(np.arange(1, 76), 90))


def test_ratios_over_depth_are_those_of_their_stretch(tmp_path: Path) -> None:
    """At the first three samples, in the first tenth, and over the first half of the run."""
    seen = over_depth(tmp_path, [[2.0, 1, 1]] * 3 + [[8.0, 1, 1]] * 7 + [[4.0, 1, 1]] * 40 + [[64.0, 1, 1]] * 50)
    assert seen["grad_depth_ratio_first"] == 2.0
    assert seen["grad_depth_ratio"] == 8.0
    assert seen["grad_depth_ratio_high"] == 4.0
    assert (seen["grad_rms_first_layers"], seen["grad_rms_last_layers"]) == (2.0, 0.25)


def test_a_gradient_of_nothing_at_the_end_has_no_ratio(tmp_path: Path) -> None:
    """Nothing is divided by zero; a zero at the start is a ratio of zero."""
    assert over_depth(tmp_path, [[1.0, 1.0, 0.0]] * 3)["grad_depth_ratio"] is None
    assert over_depth(tmp_path, [[0.0, 1.0, 1.0]] * 3)["grad_depth_ratio"] == 0.0


def test_a_model_without_matrices_has_a_depth_of_none_and_no_model_no_depth(tmp_path: Path) -> None:
    """Zero is a number, unknown is not."""
    assert signals_of(tmp_path, steps=3, models=[make_model(("a", "ReLU"))])["depth"] == 0
    assert signals_of(tmp_path, steps=3)["depth"] is None


def test_the_own_norm_comes_before_that_of_clipping(tmp_path: Path) -> None:
    """Step by step."""
    seen = signals_of(tmp_path, columns={"grad_norm": [1.0, None, 1.0], "clip_norm": [9.0, 5.0, 9.0]})
    assert (seen["grad_norm_max"], seen["grad_norm_median"]) == (5.0, 1.0)
