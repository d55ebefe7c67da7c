"""Which gains matter, and when a value is of use: each bound with what lies on either side of it."""

import math
from types import SimpleNamespace

import pytest

from trainadvisor.trials.jobs import Change
from trainadvisor.verify import trial_verdict
from trainadvisor.verify.effects import same
from trainadvisor.verify.metrics import Measure, comparable
from trainadvisor.verify.paired_gains import effect, interval
from trainadvisor.verify.plan import Candidate
from trainadvisor.verify.stdout_metrics import PRINTED
from trainadvisor.verify.trial_runs import differs_at_first
from trainadvisor.verify.trial_verdict import Comparison, best, gain_of

NAN = math.nan


def share(value, trivial=0.0, **more):
    """Return a figure whose best value is 1."""
    return Measure("validation accuracy", value, trivial=trivial, share=True, **more)


def loss(value, trivial=None, **more):
    """Return a figure that is better when it is lower."""
    return Measure("loss", value, trivial=trivial, higher=False, **more)


def told(name="x", gain=0.0, **facts):
    """Return a comparison with one pair of this gain, where a tenth matters."""
    found = effect([gain], [0.0], 0.1)
    base = {"higher": True, "held_out": False, "own": False, "useful": True, "share": False}
    return Comparison(name, 0.0, gain, found, found, **{**base, **facts})


@pytest.mark.parametrize(
    ("one", "least"),
    [
        (share(0.5), 0.05),
        (share(0.9), 0.03),
        (share(0.95), 0.02),
        (share(1.5), 0.02),
        (share(0.25, None), 0.075),
        (share(0.75, None), 0.05),
        (share(NAN, 0.9), 0.03),
        (loss(2.0), 0.4),
        (loss(-2.0), 0.4),
        (loss(2.0, 4.0), 0.2),
        (loss(0.5, 4.0), 0.1),
        (loss(2.0, -4.0), 0.2),
        (loss(NAN, 2.0), 0.1),
    ],
)
def test_the_least_gain_that_matters(one, least):
    """Of a share by what is missing to 1, of a loss by its size and that of the trivial one."""
    assert trial_verdict._least(one, one, own=False) == pytest.approx(least)


def test_a_cost_counts_from_a_sixth_on():
    """Or thereabouts: 15 %."""
    assert trial_verdict._least(loss(-2.0, 4.0), loss(1.0), own=True) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("one", "two", "gain"),
    [
        (share(0.5), share(0.75), 0.25),
        (loss(0.5), loss(0.75), -0.25),
        (loss(0.75), loss(0.5), 0.25),
        (share(-0.5, 0.0), share(0.25, 0.0), 0.25),
        (share(-0.5, 0.0), share(-0.25, 0.0), 0.25),
        (share(-0.5, 0.0), share(0.0, 0.0), 0.5),
        (share(-0.5, 0.5), share(0.25, 0.5), 0.75),
        (share(NAN, 0.25), share(0.75, 0.25), 0.5),
        (loss(NAN, 3.0), loss(1.0, 2.0), 1.0),
        (loss(NAN, 3.0), loss(1.0), 2.0),
        (loss(NAN), loss(2.0), 2.0),
        (Measure("x", NAN), Measure("x", 2.0), 2.0),
        (loss(NAN), loss(NAN), 0.0),
        (share(0.5), share(NAN), -1.0),
        (loss(0.5), loss(NAN), -1.0),
    ],
)
def test_a_lost_value_counts_as_an_answer_that_ignores_its_input(one, two, gain):
    """That of the second run where it is known; to lose a value is never a gain."""
    assert trial_verdict._gain(one, two) == pytest.approx(gain)


@pytest.mark.parametrize(
    ("one", "two", "useful"),
    [
        (share(0.0), share(NAN), False),
        (share(0.0, None), share(-9.0, None), True),
        (share(0.0, 0.5), share(0.5625, 0.5), True),
        (share(0.0, 0.5), share(0.5, 0.5), False),
        (share(0.0, 0.5), share(0.53, 0.5), False),
        (loss(0.0, 2.0), loss(1.75, 2.0), True),
        (loss(0.0, 2.0), loss(1.875, 2.0), False),
        (loss(0.0, -2.0), loss(-2.25, -2.0), True),
        (loss(0.0, -2.0), loss(-2.125, -2.0), False),
        (loss(0.0, 4.0), loss(1.9, 2.0), False),
        (loss(0.0, 4.0), loss(1.9, 2.0, basis=(PRINTED,)), True),
        (loss(0.0, 1.0), loss(1.75, 2.0, basis=(PRINTED,)), True),
        (loss(0.0, None), loss(1.75, 2.0, basis=(PRINTED,)), True),
    ],
)
def test_a_value_is_of_use_a_tenth_of_the_way_from_a_trivial_answer(one, two, useful):
    """What was printed is held against the start of either run."""
    assert trial_verdict._useful(one, two) == useful


def test_the_noise_is_that_of_both_runs_only_for_accuracies():
    """A broken run's unrest is its fault."""
    assert trial_verdict._noise(share(0.5, noise=3.0), share(0.5, noise=4.0)) == 5.0
    assert trial_verdict._noise(loss(0.5, noise=3.0), loss(0.5, noise=4.0)) == 4.0
    skill = [Measure("validation skill", 0.5, noise=noise, share=True) for noise in (3.0, 4.0)]
    assert trial_verdict._noise(*skill) == 4.0


def test_ratios_are_those_of_positive_losses_and_at_most_tenfold():
    """A share, or a value that is not above zero, has none."""
    halved = trial_verdict._ratios([(loss(2.0), loss(1.0))], [1.0], own=False)
    assert halved is not None
    assert (halved.gains, halved.least) == ((pytest.approx(math.log(2)),), pytest.approx(-math.log(0.8)))
    hundredth = trial_verdict._ratios([(loss(2.0), loss(0.02))], [1.98], own=False)
    assert hundredth is not None
    assert hundredth.gains == (pytest.approx(math.log(10)),)
    for one, two, gain in ((share(0.5), share(0.7), 0.2), (loss(1.0), loss(0.0), 1.0), (loss(-1.0), loss(1.0), -2.0)):
        assert trial_verdict._ratios([(one, two)], [gain], own=False) is None


def test_own_measures_decide_alone_then_held_out_ones_then_all():
    """The first that is clearly better."""
    own, held, plain = told("own", 1.0, own=True), told("held", 1.0, held_out=True), told("plain", 1.0)
    no_own, no_held = told("own", own=True), told("held", held_out=True)
    cases = [([plain], plain), ([plain, held], held), ([plain, held, own], own), ([plain, no_held], None)]
    cases += [
        ([plain, held, no_own], None),
        ([told("a"), plain], plain),
        ([], None),
        ([told("a", 1.0, useful=False)], None),
    ]
    for found, chosen in cases:
        assert best(found) is chosen


def test_a_worse_telling_figure_spoils_the_rest():
    """Shares of held-out data before their losses; beside own measures those of the training tell as well."""
    better, worse = told("loss", 1.0, held_out=True), told("accuracy", -1.0, held_out=True, share=True)
    assert best([better, worse]) is None
    assert best([better, told("other loss", -1.0, held_out=True)]) is better
    assert best([told("other loss", -1.0, held_out=True), better]) is None
    assert best([told("accuracy", 0.0, held_out=True, share=True), told("l", -1.0, held_out=True), better]) is better
    own = told("own", 1.0, own=True)
    assert best([own, told("training accuracy", -1.0, share=True)]) is None
    plain = told("plain", 1.0)
    assert best([told("training accuracy", -1.0, share=True), plain]) is plain


def test_candidates_are_ordered_by_what_they_gain_in_units_of_what_matters():
    """The best metric, else the first telling one, else the first."""
    assert gain_of([]) == 0.0
    assert gain_of([told("a", -0.5), told("b", 0.2)]) == pytest.approx(2.0)
    assert gain_of([told("a", -0.5), told("b", -0.2, held_out=True)]) == pytest.approx(-2.0)
    assert gain_of([told("a", -0.5), told("b", -0.3, own=True)]) == pytest.approx(-3.0)
    assert gain_of([told("a", -0.5), told("b", -0.2)]) == pytest.approx(-5.0)


def test_a_lost_value_is_worse_and_so_is_one_more_loss_than_wins():
    """As many of both are neither."""
    assert told("a", -0.5).worse
    assert not told("a", 0.5).worse
    assert not told("a", -0.05).worse
    lost = effect([0.0], [0.0], 0.1)
    rest = {"higher": True, "held_out": True, "own": False, "useful": False, "share": True}
    assert Comparison("a", 0.5, NAN, lost, lost, **rest).worse
    assert not Comparison("a", NAN, NAN, lost, lost, **rest).worse
    even = effect([1.0, -1.0], [0.0, 0.0], 0.1)
    assert not Comparison("a", 0.0, 0.0, even, even, **rest).worse


def test_the_margin_of_a_ratio_is_told_in_the_units_of_the_metric():
    """Of a loss of 2 that had to be halved: 2."""
    rest = {"higher": False, "held_out": True, "own": False, "useful": True, "share": False}
    gains, ratios = effect([2.0], [0.0], 0.5), effect([math.log(2)], [0.0], math.log(2))
    assert Comparison("a", 4.0, 2.0, gains, ratios, **rest).margin == pytest.approx(2.0)
    assert Comparison("a", 4.0, 2.0, gains, gains, **rest).margin == 0.5


@pytest.mark.parametrize(
    ("name", "before", "gains", "interval"),
    [
        ("validation accuracy", 0.3, [0.1, 0.9, 0.9], [-0.3, 0.7]),
        ("validation accuracy", 0.1, [0.5, 0.6], [-0.0853102, 0.9]),
        ("validation R2", 0.3, [0.1, 0.9, 0.9], [-0.5140407, 0.7]),
    ],
)
def test_an_interval_holds_what_is_possible(name, before, gains, interval):
    """An accuracy lies between 0 and 1, an R2 below 1."""
    found = effect(gains, [0.0] * len(gains), 0.1)
    facts = {"higher": True, "held_out": True, "own": False, "useful": True, "share": True}
    told = Comparison(name, before, before + 0.4, found, found, **facts).interval
    assert told == pytest.approx(interval, abs=1e-6)


def test_the_interval_of_a_ratio_is_told_in_the_units_of_the_metric():
    """Losses fall to a half, to a third: from twice 1 less 1 on, and at most by all that there was."""
    facts = {"higher": False, "held_out": True, "own": False, "useful": True, "share": False}
    gains, ratios = effect([1.0, 2.0], [0.0] * 2, 0.5), effect([math.log(2), math.log(3)], [0.0] * 2, 0.1)
    low, high = Comparison("loss", 2.5, 1.0, gains, ratios, **facts).interval
    assert low == pytest.approx(math.expm1(ratios.interval[0]))
    assert high == 2.5


def test_pairs_are_won_and_lost_beyond_the_least_gain():
    """Exactly that is a tie; of one pair there is no spread."""
    found = effect([0.5, -0.5, 1.0, -1.0], [0.0] * 4, 0.5)
    assert (found.wins, found.losses, found.ties, found.won) == (1, 1, 2, 1.0)
    assert (effect([1.0], [0.0], 0.5).spread, effect([1.0, 2.0], [0.0] * 2, 0.5).spread) == (
        None,
        pytest.approx(0.5**0.5),
    )
    empty = effect([], [], 0.5)
    assert (empty.mean, empty.won, empty.interval, empty.margin, empty.wins) == (0.0, 0.0, None, 0.5, 0)
    infinite = effect([math.inf, 1.0], [0.0] * 2, 0.5)
    assert (infinite.interval, infinite.margin) == (None, 0.5)


def test_the_margin_is_the_largest_of_three():
    """What matters, two standard errors over what was won, two of the noise within."""
    assert effect([1.0, 1.0], [0.0, 0.0], 0.5).margin == 0.5
    assert effect([1.0, 3.0], [0.0, 0.0], 0.5).margin == pytest.approx(2.0)
    assert effect([1.0, 1.0], [3.0, 4.0], 0.5).margin == pytest.approx(2 * math.sqrt(12.5) / math.sqrt(2))
    assert effect([1.0, 1.0, 0.0, 0.0], [2.0] * 4, 0.5).margin == pytest.approx(4 / math.sqrt(2))


def test_a_clear_gain_needs_all_of_it():
    """More than the margin, and on the average more than the least."""
    assert effect([1.0, 1.0], [0.0] * 2, 0.5).clear
    assert not effect([1.0, 1.0], [1.0] * 2, 0.5).clear
    assert not effect([0.5], [0.0], 0.5).clear
    assert not effect([1.0, 0.0, 0.0], [0.0] * 3, 0.5).clear
    assert interval([1.0, 1.0], 5.0) == (1.0, 1.0)


def test_values_compare_where_they_mean_the_same():
    """A scale within a tenth is the same; a lost first value compares with any, a rescaled loss with none."""
    one = loss(1.0, basis=("mse", 10.0))
    assert comparable(one, loss(1.0, basis=("mse", 11.0)), rescaled=False)
    assert not comparable(one, loss(1.0, basis=("mse", 11.5)), rescaled=False)
    assert not comparable(one, loss(1.0, basis=("l1", 10.0)), rescaled=False)
    assert not comparable(one, loss(1.0, basis=("mse",)), rescaled=False)
    assert not comparable(one, one, rescaled=True)
    assert not comparable(one, loss(1.0), rescaled=False)
    assert comparable(loss(NAN, basis=("mse",)), loss(1.0, basis=("l1",)), rescaled=True)
    assert comparable(share(0.5), share(0.6), rescaled=True)


def lr(**arguments):
    """Return a candidate that changes the learning rate."""
    return Candidate((Change("lr", arguments),))


def test_rates_within_a_factor_of_sixteen_tenths_are_one_try():
    """A factor counts by the rate of the run; without it only equal ones are one."""
    assert same(lr(value=1.0), lr(value=1.5), {})
    assert same(lr(value=1.5), lr(value=1.0), {})
    assert not same(lr(value=1.0), lr(value=1.6), {})
    assert same(lr(value=0.1), lr(factor=0.1), {"lr": 1.0})
    assert not same(lr(value=0.1), lr(factor=0.1), {"lr": 10.0})
    assert not same(lr(value=0.1), lr(factor=0.1), {})
    assert same(lr(factor=0.1), lr(factor=0.1), {})
    assert not same(lr(factor=0.1), Candidate((Change("add-zero-grad", {}),)), {})
    assert not same(lr(factor=0.1), Candidate((*lr(factor=0.1).changes, Change("add-zero-grad", {}))), {})


def run_from(first, steps=20):
    """Return a run whose first loss is told."""
    return SimpleNamespace(usable=steps > 0, log=SimpleNamespace(steps=[0, 1], column=lambda _: [first, 1.0]))


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [(2.0, 2.0, False), (2.0, 2.000001, False), (2.0, 2.00001, True), (2.00001, 2.0, True), (2e6, 2e6 + 1, False)],
)
def test_a_first_loss_differs_by_more_than_rounding(one, other, differs):
    """By more than a millionth of it, where the change acts later and both runs are long enough."""
    late, early = Candidate((Change("clip"),)), Candidate((Change("init", {"to": "he"}),))
    assert differs_at_first(late, run_from(one), run_from(other)) is differs
    assert not differs_at_first(early, run_from(one), run_from(other))
    assert not differs_at_first(late, run_from(one, 0), run_from(other))
    assert not differs_at_first(late, run_from(one), run_from(other, 0))
