"""What cannot be combined with HEALTHY, each beside a healthy twin."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import event, log_of, make_loss, make_model, make_optimizer, parameter
from rulekit import cause

from trainadvisor.judge.assembly import judge_log
from trainadvisor.judge.doubts import SERIOUS
from trainadvisor.judge.judgement import Judgement
from trainadvisor.judge.rulebook import Rule, Rulebook
from trainadvisor.telling import told
from trainadvisor.telling.doubt_texts import DECIDES, SAYS

STEPS = 200
CHANCE = math.log(10)
TARGET = {"histogram": [100] * 10, "classes": 10, "shape": [32], "dtype": "int64", "integer": True}
RANDOM = np.random.default_rng(0).normal(size=STEPS)
FALLING = (0.1 + (CHANCE - 0.1) * np.exp(-np.arange(STEPS) / 15)) * (1 + 0.02 * RANDOM)
QUIET = cause("quiet", when=("steps < 0",))
CUSTOM = {"losses": [make_loss("custom")]}

Judge = Callable[..., Judgement]


def evaluations(*losses: Any, **facts: Any) -> list[dict[str, Any]]:
    """Return evaluations at equal distances."""
    return [
        {"step": (place + 1) * STEPS // len(losses), "loss": loss, "losses": {"0": loss}, "examples": 500, **facts}
        for place, loss in enumerate(losses)
    ]


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    """Judge a healthy log with some parts replaced."""

    def judge(*rules: Rule, columns: dict[str, Any] | None = None, **parts: Any) -> Judgement:
        facts = {
            "columns": {"loss": FALLING, "loss_id": 0, "grad_norm": [1.0] * STEPS, "lr": 0.1, **(columns or {})},
            "losses": [make_loss(target=TARGET)],
            "optimizers": [make_optimizer()],
            "models": [make_model(("fc", "Linear", 8, 10))],
            **parts,
        }
        known = {item.code: item for item in (QUIET, *rules)}
        return judge_log(log_of(tmp_path, **facts), Rulebook(known))

    return judge


def codes(judgement: Judgement) -> list[str]:
    """Return what speaks against calling a run healthy."""
    return [reason.kind for reason in judgement.reasons]


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"evals": evaluations(2.0, 1.0, 0.3, metrics={"accuracy": 0.9})},
        {"losses": [make_loss("mse_loss", target={"variance": 2.0})]},
        {**CUSTOM, "evals": evaluations(2.0, 1.0, 0.3, metrics={"r2": 0.8})},
        CUSTOM,
        {"columns": {"no_grad": [0] * STEPS}},
        {"evals": evaluations(2.0, 1.2, 0.5, 0.40, 0.41, 0.40, 0.42)},
    ],
)
def test_a_run_that_learned_is_healthy(judged: Judge, parts: dict[str, Any]) -> None:
    """Success was seen, everything applicable was checked, and nothing contradicts it."""
    judgement = judged(**parts)
    assert (judgement.state, codes(judgement)) == ("healthy", [])


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("evaluation-nonfinite", {"evals": evaluations(1.0, math.nan)}),
        ("evaluation-nonfinite", {"evals": evaluations(1.0, math.inf)}),
        ("loss-still", {**CUSTOM, "columns": {"loss": math.log(2) * (1 + 1e-5 * RANDOM)}}),
        ("gradients-zero", {"columns": {"grad_norm": [0.0] * STEPS}}),
        ("steps-without-gradients", {"columns": {"no_grad": [1] * 150 + [0] * 50}}),
        ("steps-without-gradients", {"events": [event("tally", {"step": STEPS, "step_without_grad": 190})]}),
        ("evaluation-worse", {"evals": evaluations(3.2, 3.3, 3.47)}),
        ("validation-rose", {"evals": evaluations(2.0, 1.2, *np.linspace(0.5, 1.0, 14))}),
    ],
)
def test_what_was_seen_to_be_wrong_needs_attention(judged: Judge, code: str, parts: dict[str, Any]) -> None:
    """No check has a name for it, yet it was seen."""
    judgement = judged(**parts)
    assert (judgement.state, codes(judgement)[0]) == ("needs-attention", code)
    assert judgement.summary.kind == "wrong"


DIGITS = {"integer": True, "min": 0.0, "max": 9.0, "variance": 8.2, "batches": 40, "examples": 900}


@pytest.mark.parametrize(
    "parts",
    [
        {"losses": [make_loss("mse_loss", target={**DIGITS, "variance": 3.1})]},
        {"losses": [make_loss("mse_loss", target={**DIGITS, "min": 1.0})]},
        {"losses": [make_loss("mse_loss", target={**DIGITS, "max": 99.0, "variance": 833.0})]},
        {"losses": [make_loss("mse_loss", target={**DIGITS, "max": 1.0, "variance": 0.25})]},
        {"events": [event("labels", {"labels": 900, "same_share": 0.15}, "0/0")]},
        {"events": [event("unused-parameters", {"tensors": 1, "held": 10, "share": 0.003}, "0")]},
        {"events": [event("unused-parameters", {"tensors": n, "held": 10, "share": n / 10}, "0") for n in (6, 0)]},
    ],
)
def test_counts_ratings_flags_and_few_unused_numbers_leave_nothing_open(judged: Judge, parts: dict[str, Any]) -> None:
    """Targets that heap up or begin at one, many numbers, two; a scale beside the model; modules called later."""
    assert {"class-numbers", "unused-parameters", "labels-copied"}.isdisjoint(codes(judged(**parts)))


def test_a_loss_that_rises_with_the_scale_of_codes_leaves_nothing_open(judged: Judge) -> None:
    """Of a learned codebook the distance to the encoder's answers is part of it."""
    rising = evaluations(2.0, 1.2, *np.linspace(0.5, 1.0, 14))
    counted = {"parameter": 0, "even": False, "used": 8, "entries": 8, "looks": 9, "chosen": 900}
    assert "validation-rose" not in codes(judged(evals=rising, events=[event("codebook", counted)]))


def test_an_optimizer_around_the_one_that_steps_is_not_idle(judged: Judge) -> None:
    """Both hold the same parameters; only the inner one's step is called."""
    assert "optimizer-idle" not in codes(judged(optimizers=[make_optimizer(), make_optimizer(id=1)]))


def renewals(forgetful: int) -> dict[str, Any]:
    """Return what is told of eight optimizers of one line, some of which began with the weights as they were left."""
    detail = {"first": 0, "optimizer": 7, "made": 8, "steps": 200, "forgetful": forgetful, "firsts": []}
    return event("optimizer-anew", detail)


def test_optimizers_that_each_begin_with_new_weights_leave_nothing_open(judged: Judge) -> None:
    """As in a cross-validation."""
    parts = {"optimizers": [make_optimizer(id=n) for n in range(8)], "events": [renewals(forgetful=0)]}
    assert "optimizer-anew" not in codes(judged(**parts, columns={"opt": [[n // 25] for n in range(STEPS)]}))


def test_the_line_that_made_the_most_optimizers_is_told(judged: Judge) -> None:
    """Another optimizer beside it, made once, is none of them."""
    made = [make_optimizer(id=n) for n in range(8)] + [{**make_optimizer(id=8, parameters=[7]), "site": None}]
    opt = [[n // 25, 8] for n in range(STEPS)]
    judgement = judged(optimizers=made, columns={"opt": opt}, events=[renewals(forgetful=6)])
    (remark,) = (reason for reason in judgement.reasons if reason.kind == "optimizer-anew")
    assert remark.values == {"count": 8}


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("evaluation-weak", {"evals": evaluations(2.31, 2.29, 2.28)}),
        ("loss-rose", {**CUSTOM, "columns": {"loss": 1 + np.arange(STEPS) / STEPS}}),
        ("optimizer-idle", {"optimizers": [make_optimizer(), make_optimizer(id=1, parameters=[5])]}),
        (
            "optimizer-anew",
            {
                "optimizers": [make_optimizer(id=n) for n in range(8)],
                "columns": {"opt": [[n // 25] for n in range(STEPS)]},
                "events": [renewals(forgetful=6)],
            },
        ),
        ("unused-parameters", {"events": [event("unused-parameters", {"tensors": 6, "held": 10, "share": 0.3}, "0")]}),
        ("class-numbers", {"losses": [make_loss("mse_loss", target=DIGITS)]}),
        ("labels-copied", {"events": [event("labels", {"labels": 900, "same_share": 0.87}, "0/0")]}),
        ("weak", {"columns": {"loss": CHANCE * (1 - 0.02 * np.arange(STEPS) / STEPS)}}),
        ("no-yardstick", {**CUSTOM, "columns": {"loss": 2.0 - np.arange(STEPS) / STEPS}}),
        ("no-loss", {"columns": {"loss": [math.nan] * STEPS}}),
        ("brief", {**CUSTOM, "columns": {"loss": FALLING[:60], "grad_norm": [1.0] * 60}}),
        ("short", {"columns": {"loss": FALLING[:15], "grad_norm": [1.0] * 15}}),
        ("no-yardstick", {"losses": [make_loss("ctc_loss")], "columns": {"loss": [300.0, 90.0, 20.0, *[3.0] * 197]}}),
        ("reinforcement", {**CUSTOM, "models": [make_model(("fc", "Linear", 8, 10), name="policy")]}),
    ],
)
def test_what_was_not_seen_leaves_it_open(judged: Judge, code: str, parts: dict[str, Any]) -> None:
    """Nothing wrong shows, and nothing shows that it went well."""
    judgement = judged(**parts)
    assert (judgement.state, code in codes(judgement)) == ("cannot-tell", True)


SETTLED_HIGH = (0.68 * CHANCE + 0.32 * CHANCE * np.exp(-np.arange(STEPS) / 5)) * (1 + 0.01 * RANDOM)
COUNTS = {"mean": 1.0, "floor": 0.0}
HALF_RIGHT = {"columns": {"loss": SETTLED_HIGH, "accuracy": 0.49}}


def test_a_loss_that_settles_halfway_leaves_it_open(judged: Judge) -> None:
    """Noise and lost inputs end alike: 49 % of ten classes for most of the run is something, and may not be all."""
    (reason,) = judged(**HALF_RIGHT).reasons
    figures = {name: round(value, 3) for name, value in reason.values.items()}
    assert (reason.kind, figures) == ("partly-right", {"right": 0.49, "frequent": 0.1, "level": 0.925})
    regression = {"losses": [make_loss("mse_loss", target={"variance": CHANCE})], "columns": {"loss": SETTLED_HIGH}}
    judgement = judged(**regression)
    (reason,) = judgement.reasons
    assert (reason.kind, round(reason.values["share"], 3), judgement.state) == ("partly-learned", 0.321, "cannot-tell")


@pytest.mark.parametrize(
    "parts",
    [
        {"columns": {"loss": SETTLED_HIGH - 0.2 * CHANCE}},
        {"columns": {"loss": CHANCE * (1 - 0.4 * np.arange(STEPS) / STEPS) * (1 + 0.01 * RANDOM)}},
        {"columns": {"loss": SETTLED_HIGH}, "evals": evaluations(2.3, 1.9, 1.9)},
        {"columns": {"loss": SETTLED_HIGH}, "evals": evaluations(1.2, 0.7, 0.5)},
        {"columns": {"loss": SETTLED_HIGH}, "losses": [make_loss("mse_loss", target={"variance": 8.0})]},
        {"columns": {"loss": SETTLED_HIGH - 1}, "losses": [make_loss("poisson_nll_loss", target=COUNTS)]},
    ],
)
def test_a_run_that_learned_more_or_may_go_on_leaves_nothing_open(judged: Judge, parts: dict[str, Any]) -> None:
    """Half is learned; the loss still falls; it memorizes; held-out data is mastered; most is learned; counts."""
    assert not {"partly-right", "partly-learned"} & set(codes(judged(**parts)))


def outputs(shape: list[int], *operations: str, kind: str = "mse_loss") -> dict[str, Any]:
    """Return a log of a last layer with four outputs, and of the one loss that follows it."""
    table = event("table", {"id": 0, "model": 0, "rows": [{"name": "fc", "kind": "output", "layer": "fc", "units": 4}]})
    graph = {"ops": [f"{name}Backward0" for name in ("MseLoss", *operations)]}
    loss = make_loss(kind, target={"variance": CHANCE}, prediction={"shape": shape}, graph=graph)
    return {"losses": [loss], "events": [table], "layers": [{"table": 0, "act_rms": [1.0]}]}


def test_outputs_that_no_loss_looks_at_leave_it_open(judged: Judge) -> None:
    """Two of four columns, or one; all of them, the last step of a sequence and a gate of two halves are none."""
    (reason,) = judged(**outputs([50, 2], "Slice", "Addmm", "Relu")).reasons
    assert (reason.kind, reason.values) == ("outputs-left-out", {"used": 2, "all": 4})
    (reason,) = judged(**outputs([50], "Select", "Addmm")).reasons
    assert reason.values == {"used": 1, "all": 4}
    whole = outputs([50, 4], "Addmm", "Relu"), outputs([50, 4], "Select", "Addmm"), outputs([50, 2], "Glu", "Addmm")
    assert all(codes(judged(**parts)) == [] for parts in whole)


@pytest.mark.parametrize(("kind", "used", "found"), [("cross_entropy", 3, False), ("cross_entropy", 2, True),
                                                     ("mse_loss", 3, True)])  # fmt: skip
def test_classes_that_are_filled_up_to_a_round_number_leave_nothing_open(
    judged: Judge, kind: str, used: int, *, found: bool
) -> None:
    """Where most outputs are classes; values that are not compared with anything are missing."""
    told = codes(judged(**outputs([50, used], "Slice", "Addmm", "Relu", kind=kind)))
    assert ("outputs-left-out" in told) is found


@pytest.mark.parametrize(("right", "found"), [(0.02, ["answers-wrong"]), (0.6, [])])
def test_a_loss_that_falls_while_no_answer_is_right_leaves_it_open(
    judged: Judge, right: float, found: list[str]
) -> None:
    """Of ten classes a guess gets a tenth."""
    reasons = judged(columns={"loss": FALLING, "accuracy": right}).reasons
    assert [reason.kind for reason in reasons] == found
    figures = [{name: round(value, 3) for name, value in reason.values.items()} for reason in reasons]
    assert figures == ([{"share": 0.957, "right": 0.02, "guess": 0.1}] if found else [])


@pytest.mark.parametrize(
    ("shares", "level", "found"),
    [([0.4, 0.0, 0.049], 2.1, True), ([0.0, 0.05], 2.1, False), ([None], 2.1, False), ([0.0, 0.049], 1.5, False)],
)
def test_labels_that_are_never_found_leave_it_open(
    judged: Judge, shares: list[float | None], level: float, *, found: bool
) -> None:
    """Of rare labels a loss knows the frequency, and always saying no is nearly always right, until much is learned."""
    evals = [{"step": STEPS - 2 + n, "loss": level, "labels_found": share} for n, share in enumerate(shares)]
    loss = np.linspace(2.3, level, STEPS).tolist()
    told = [r for r in judged(evals=evals, columns={"loss": loss}).reasons if r.kind == "labels-unfound"]
    assert [reason.values for reason in told] == ([{"share": 0.049}] if found else [])


def test_bare_tensors_have_no_layer_that_could_be_left_out(judged: Judge) -> None:
    """An optimizer holds all that there is."""
    rules = [cause(f"quiet{n}", when=("steps < 0",)) for n in range(9)]
    needed = cause("needed", when=("grad_depth_ratio > 99",), deciding="always")
    assert codes(judged(*rules, needed)) == ["deciding"]
    assert codes(judged(*rules, needed, models=[])) == []


def test_the_next_word_may_stay_open(judged: Judge) -> None:
    """No model knows every next token: a level loss is that of the language."""
    target = {**TARGET, "histogram": [10] * 40, "classes": 40}
    table = parameter(0, "e.weight", [40, 8], role="embedding")
    words = {"models": [make_model(("e", "Embedding"), parameters=[table])]}
    loss = {"columns": {"loss": SETTLED_HIGH * math.log(40) / CHANCE}}
    logits = {"prediction": {"shape": [32, 40]}}
    assert codes(judged(**words, **loss, losses=[make_loss(target=target, **logits)])) == []


LATE = 2 + 2 * np.exp(-np.arange(STEPS) / 30) + 0.02 * RANDOM


@pytest.mark.parametrize(
    ("loss", "state"),
    [
        (LATE, "healthy"),
        (LATE - 3, "healthy"),
        (2 + 2 * np.exp(-np.arange(STEPS) / 5) + 0.02 * RANDOM, "cannot-tell"),
        (2 + 2 * np.exp(-np.arange(STEPS) / 30) + 0.6 * RANDOM, "cannot-tell"),
    ],
)
def test_a_loss_without_a_yardstick_falls_when_a_constant_is_long_learned(judged: Judge, loss: Any, state: str) -> None:
    """Also a negative one; a fall within the first tenth, or of a few noises, is what a constant answer gets."""
    assert judged(**CUSTOM, columns={"loss": loss}).state == state


def test_a_loss_that_its_first_steps_blew_up_has_learned_nothing_by_coming_back(judged: Judge) -> None:
    """The first loss of all is what no knowledge costs: most of a fall from fifty times that says nothing."""
    blown = 11 + 400 * np.exp(-np.arange(STEPS) / 20) + 0.02 * RANDOM
    blown[0] = 11.0
    assert judged(**CUSTOM, columns={"loss": blown}).state == "cannot-tell"
    sound = blown.copy()
    sound[0] = 420.0
    assert judged(**CUSTOM, columns={"loss": sound}).state == "healthy"


def test_a_preference_loss_falls_without_a_success(judged: Judge) -> None:
    """Margins grow as the policy leaves its reference; the share of the pairs is what counts."""
    assert codes(judged(**CUSTOM, columns={"loss": LATE, "preference_beta": 0.1})) == ["no-yardstick"]


def test_a_partial_likelihood_is_measured_by_equal_risks(judged: Judge) -> None:
    """Risk sets tell it: 0.4 nats below the loss of equal risks is a success in noise that hides it step by step."""
    survival = {"losses": [make_loss("custom", graph={"ops": ["LogcumsumexpBackward0"]})]}
    other = {"losses": [make_loss("custom", graph={"ops": ["LogSoftmaxBackward0"]})]}
    loss = 3.95 - 0.4 * (1 - np.exp(-np.arange(STEPS) / 20)) + 0.08 * RANDOM
    assert judged(**survival, columns={"loss": loss}).state == "healthy"
    assert codes(judged(**other, columns={"loss": loss})) == ["no-yardstick"]
    assert codes(judged(**survival, columns={"loss": 3.9 - (3.95 - loss) / 8})) == ["no-yardstick"]


def test_an_objective_that_is_maximized_may_rise(judged: Judge) -> None:
    """Where the summed error of a reconstruction shows a success; what is not reduced for a mask shows none."""
    pixels = {"shape": [100, 64], "std": 0.38, "variance_columns": 0.14}
    losses = [make_loss("mse_loss", target=pixels, reduction="none"), make_loss("custom", id=9)]
    rising = {"loss": -40 + 14 * (1 - np.exp(-np.arange(STEPS) / 30)), "loss_id": 9}
    shown = event("inputs", {"model": 0, "phase": "train", "shape": [100, 64], "std": 0.38}, "train")
    parts = {"columns": rising, "losses": losses, "evals": evaluations(0.14, 0.09, 0.07)}
    assert codes(judged(**parts, events=[shown])) == []
    assert "loss-rose" in codes(judged(**parts))


@pytest.mark.parametrize(("end", "state"), [(0.25, "healthy"), (0.5, "cannot-tell")])
def test_preferences_are_measured_by_ln_2(judged: Judge, end: float, state: str) -> None:
    """A loss of preferences starts where no answer is told from another: half of that gone is a success."""
    loss = end + (math.log(2) - end) * np.exp(-np.arange(STEPS) / 20)
    columns = {"loss": loss, "preference_margin": np.linspace(0.001, 2.0, STEPS)}
    assert judged(**CUSTOM, columns=columns).state == state


def test_layers_beyond_the_stated_limits_leave_it_open(judged: Judge) -> None:
    """Gradients a million times apart are never part of a healthy report; three times apart they are."""
    table = event("table", {"id": 0, "model": 0, "rows": [{"name": n, "kind": "linear", "layer": n} for n in "abc"]})
    parts = {"models": [make_model(*((name, "Linear", 8, 8) for name in "abc"))], "events": [table]}
    apart, near = ([{"table": 0, "grad": [ratio, 0, 1, 0, 1, 0]}] * 20 for ratio in (2e11, 3.0))
    assert "gradients-apart" in codes(judged(**parts, layers=apart))
    assert "gradients-apart" not in codes(judged(**parts, layers=near))


def test_a_short_run_that_learned_nearly_all_is_healthy(judged: Judge) -> None:
    """Fifty steps are enough for a task that they solve, on held-out data too; never for "converged"."""
    columns = {"loss": 0.02 + CHANCE * np.exp(-np.arange(50) / 4), "grad_norm": [1.0] * 50}
    judgement = judged(columns=columns)
    assert (judgement.state, judgement.summary.kind) == ("healthy", "sound")


def test_converged_is_said_of_a_flat_loss_only(judged: Judge) -> None:
    """A loss that still falls has not converged, unless its learning rate is spent."""
    straight = {"loss": CHANCE * (1 - 0.6 * np.arange(STEPS) / STEPS) * (1 + 0.01 * RANDOM)}
    assert judged().summary.kind == "converged"
    assert judged(columns=straight).summary.kind == "sound"
    spent = {**straight, "lr": [0.1] * 150 + [0.001] * 50}
    assert judged(columns=spent).summary.kind == "converged"


def test_opponents_need_a_metric(judged: Judge) -> None:
    """Two optimizers that take turns: their losses say nothing; a score that rises does."""
    parts = {
        "models": [make_model(("fc", "Linear", 8, 10)), make_model(("fc", "Linear", 10, 1), id=1)],
        "optimizers": [make_optimizer(), make_optimizer(id=1, parameters=[100, 101])],
        "columns": {"opt": [[0], [1]] * (STEPS // 2)},
    }
    scored = [{"step": 30 * n, "metrics": {"inception_score": float(n)}} for n in range(1, 7)]
    assert codes(judged(**parts)) == ["adversarial"]
    assert judged(**parts, evals=scored).state == "healthy"


@pytest.mark.parametrize(("share", "state"), [(0.92, "healthy"), (0.6, "cannot-tell")])
def test_wanted_answers_that_are_preferred_are_a_success(judged: Judge, share: float, state: str) -> None:
    """A preference loss has no yardstick; of the pairs of an evaluation half are right by chance."""
    facts = [{"step": step, "metrics": {"eval_rewards/accuracies": share}} for step in (100, STEPS)]
    loss = {"loss": math.log(2) * (1 - 0.3 * np.arange(STEPS) / STEPS)}
    assert judged(**CUSTOM, columns=loss, evals=facts).state == state


def test_trainings_one_after_the_other_take_no_turns(judged: Judge) -> None:
    """A teacher that is trained before its student is no opponent."""
    parts = {
        "models": [make_model(("fc", "Linear", 8, 10)), make_model(("fc", "Linear", 8, 10), id=1)],
        "optimizers": [make_optimizer(), make_optimizer(id=1, parameters=[100, 101])],
    }
    turns = {"opt": [[0]] * STEPS + [[1]] * STEPS, "grad_norm": [1.0] * 2 * STEPS}
    assert judged(**parts, columns={**turns, "loss": np.concatenate([FALLING, FALLING])}).state == "healthy"


def test_a_target_copy_takes_the_meaning_from_the_loss(judged: Judge) -> None:
    """Targets that a copy of the model makes at each step are no yardstick; a copy that rests is none of it."""
    twin = make_model(("fc", "Linear", 8, 10), id=1, loaded=True)
    models = [make_model(("fc", "Linear", 8, 10)), twin]
    used = event("tally", {"step": STEPS, "forward": 2 * STEPS, "train_forward": STEPS})
    resting = event("tally", {"step": STEPS, "forward": STEPS, "train_forward": STEPS})
    assert codes(judged(models=models, events=[used])) == ["self-targets"]
    assert codes(judged(models=models, events=[resting])) == []


def test_too_few_checks_leave_it_open(judged: Judge) -> None:
    """Two thirds of the checks that apply have to be made; those of other kinds of training do not count."""
    blind = [cause(f"blind{n}", when=("val_loss_final > 99",)) for n in range(2)]
    others = [cause(f"quiet{n}", when=("steps < 0",)) for n in range(3)]
    judgement = judged(*blind)
    assert codes(judgement) == ["coverage"]
    assert judgement.reasons[0].values == {"known": 1, "all": 3}
    assert codes(judged(*blind[:1], *others)) == []


def test_a_check_that_decides_has_to_be_made(judged: Judge) -> None:
    """However many others were."""
    others = [cause(f"quiet{n}", when=("steps < 0",)) for n in range(9)]
    assert codes(judged(*others, cause("needed", when=("val_loss_final > 99",), deciding="always"))) == ["deciding"]
    assert codes(judged(*others, cause("needed", when=("loss_final > 99",), deciding="always"))) == []


def test_the_document_says_why_and_what_would_decide(judged: Judge) -> None:
    """Each reason has a code, figures, a sentence and the one or two things to do, in both languages."""
    judgement = judged(**CUSTOM, columns={"loss": 2.0 - np.arange(STEPS) / STEPS})
    reason = told(judgement, "en").reasons[0]
    assert (reason.code, reason.text) == ("no-yardstick", "nothing says how good this loss is")
    assert reason.decides[1] == "trainadvisor preflight SCRIPT"
    assert told(judgement, "en").summary == (
        "nothing wrong shows in what was recorded (1 of 1 check; the loss fell from 2 to 1.05), but nothing says "
        "how good this loss is."
    )
    assert told(judgement, "zh").reasons[0].text == "无从得知这样的损失算好还是不好"


def test_every_reason_has_its_words() -> None:
    """Both languages; what was seen to be wrong needs nothing that would decide it."""
    assert all(texts.keys() == {"en", "zh"} for texts in SAYS.values())
    assert SAYS.keys() > SERIOUS
    assert not SERIOUS & DECIDES.keys()


def plain(kind: str, share: float, tested: int = 400) -> dict[str, Any]:
    """Return a log in which a linear model gets a share of other examples."""
    told = {"examples": 2 * tested, "tested": tested, "linear": share, "nearest": 0.1}
    return {"events": [event("plain-models", told, kind)]}


EIGHTY = {"columns": {"loss": FALLING, "accuracy": 0.8}}
SIXTY = {
    "losses": [make_loss("mse_loss", target={"variance": CHANCE})],
    "columns": {"loss": (0.4 + 0.6 * np.exp(-np.arange(STEPS) / 60)) * CHANCE},
}


def test_a_network_that_a_plain_model_beats_leaves_it_open(judged: Judge) -> None:
    """80 % right beside 98 % of a linear model, or 57 % explained beside 90 %."""
    (reason,) = judged(**EIGHTY, **plain("cross_entropy", 0.98)).reasons
    assert (reason.kind, reason.values["plain"], round(reason.values["own"], 3)) == ("worse-than-plain", 0.98, 0.8)
    judgement = judged(**SIXTY, **plain("mse_loss", 0.9))
    (reason,) = judgement.reasons
    assert (reason.kind, round(reason.values["own"], 2), judgement.state) == ("worse-than-plain", 0.57, "cannot-tell")


@pytest.mark.parametrize(
    "parts",
    [
        {**EIGHTY, **plain("cross_entropy", 0.85)},
        {**EIGHTY, **plain("cross_entropy", 0.9, tested=20)},
        {**EIGHTY, **plain("mse_loss", 0.98)},
        {**EIGHTY, **plain("cross_entropy", 0.98), "losses": [make_loss(target={"classes": 10})]},
        {**EIGHTY, **plain("cross_entropy", 0.98), "evals": evaluations(1.0, 0.5, metrics={"accuracy": 0.95})},
        {**SIXTY, **plain("mse_loss", 0.65)},
        {**SIXTY, **plain("mse_loss", 0.9), "models": [make_model(("fc", "Linear", 8, 10), name="policy")]},
    ],
)
def test_a_network_that_does_as_well_as_plain_models_is_fine(judged: Judge, parts: dict[str, Any]) -> None:
    """Nearly as good; too few; another loss; classes unknown; better on held-out data; nearly as good; a policy."""
    assert "worse-than-plain" not in codes(judged(**parts))


WIDE = make_model(("a", "Linear", 8, 16), ("b", "Linear", 16, 8))
COPIED = {
    "models": [WIDE],
    "events": [event("inputs", {"model": 0, "phase": "train", "shape": [64, 8], "std": 0.5, "features": 8})],
    "losses": [make_loss("mse_loss", target={"shape": [64, 8], "std": 0.5, "variance": 0.25})],
    "columns": {"loss": 0.25 * np.exp(-np.arange(STEPS) / 20)},
}


def test_a_net_that_can_pass_its_inputs_through_shows_nothing_by_giving_them_back(judged: Judge) -> None:
    """The spread of the inputs is all there is to learn, and a wide net needs no more than to copy them."""
    assert "inputs-passed-on" in codes(judged(**COPIED))


@pytest.mark.parametrize(
    "parts",
    [
        {"models": [make_model(("a", "Linear", 8, 4), ("b", "Linear", 4, 8))]},
        {"models": [make_model(("a", "Linear", 8, 16), ("d", "Dropout"), ("b", "Linear", 16, 8))]},
        {"models": [make_model(("a", "Conv1d", {"out_channels": 16, "stride": [2]}), ("b", "Linear", 16, 8))]},
        {"columns": {"loss": 0.05 + 0.2 * np.exp(-np.arange(STEPS) / 20)}},
        {"losses": [make_loss("mse_loss", target={"shape": [64, 8], "std": 0.3, "variance": 0.09})]},
        {"losses": [*COPIED["losses"], make_loss("custom", id=1)]},
    ],
)
def test_a_code_or_other_targets_show_what_was_learned(judged: Judge, parts: dict[str, Any]) -> None:
    """A narrow layer; one that drops; one that takes strides; a loss that is left; other targets; a penalty beside."""
    assert "inputs-passed-on" not in codes(judged(**COPIED | parts))
