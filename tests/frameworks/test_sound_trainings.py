"""Sound quick-start scripts of the frameworks: HEALTHY, with the figures that the framework itself reports."""

import re

import numpy as np
import pytest
from frameworks.frameworkkit import SCRIPTS, figures_in, needs, python, recorded

from trainadvisor.vocabulary import Severity

SOUND = {
    "hf_classification": ("transformers", "accelerate"),
    "hf_causal_lm": ("transformers", "accelerate"),
    "lightning_digits": ("lightning",),
    "accelerate_loop": ("accelerate",),
    "keras_digits": ("keras",),
    "skorch_digits": ("skorch",),
    "ignite_digits": ("ignite",),
    "fastai_digits": ("fastai",),
    "hf_lora": ("transformers", "accelerate", "peft"),
    "trl_sft": ("trl", "datasets"),
    "trl_dpo": ("trl", "datasets"),
    "setfit_topics": ("setfit", "sentence_transformers", "datasets"),
    "fabric_digits": ("lightning",),
    "timm_mixup": ("timm",),
}
# Those that adapt a model which was trained before.
ADAPTING = {"hf_lora", "trl_sft", "trl_dpo"}
DRIVEN_BY = {"hf": "transformers", "setfit": "transformers", "fabric": "lightning", "timm": None}
_TIMES = re.compile(
    r"\d+(\.\d+)?m?s(/step|/epoch)?|'\w*(runtime|per_second)': '[^']*'|'\d\d:\d\d'|\d+\.\d{4}$", re.MULTILINE
)


@pytest.fixture(scope="module", params=[pytest.param(name, marks=needs(*SOUND[name])) for name in SOUND])
def ran(request, tmp_path_factory):
    """Each script, under the recorder."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param in ADAPTING:
        python(folder, str(SCRIPTS / "hf_base.py"), str(folder / "out"))
    found = recorded(SCRIPTS / f"{request.param}.py", folder, str(folder / "out"))
    found.name = request.param
    return found


def test_is_healthy(ran):
    """A sound training is called healthy, and nothing is an error or a warning."""
    assert ran.code == 0
    found = ran.diagnosis
    assert found.state == "healthy"
    assert [finding.code for finding in found.findings if finding.severity > Severity.NOTE] == []


def test_no_probe_fails(ran):
    """What looks at a training does so to its end."""
    assert [event["detail"] for event in ran.log.events if event["kind"] == "probe-failed"] == []


def test_steps_and_epochs_are_those_of_the_framework(ran):
    """As many steps, epochs, micro-batches and examples are seen as the framework makes."""
    log, figures = ran.log, ran.figures
    micro = figures.get("micro", 1)
    assert len(log.steps) == figures["steps"]
    assert (log.column("epoch")[0], log.column("epoch")[-1]) == (0, figures["epochs"] - 1)
    assert set(log.column("micro")) == {micro}
    assert log.column("batch")[0] == figures["batch_size"] * micro


def test_losses_and_rates_are_those_of_the_framework(ran):
    """The loss and the learning rate of each step are those that the framework logs."""
    log, figures = ran.log, ran.figures
    if "losses" in figures:
        assert log.column("loss") == pytest.approx(figures["losses"], rel=1e-3)
    else:
        means = [log.column("loss")[log.column("epoch") == epoch].mean() for epoch in range(figures["epochs"])]
        assert means == pytest.approx(figures["epoch_losses"], rel=1e-2)
    rates = figures["rates"]
    expected = rates if len(rates) > 1 else [rates[0]] * figures["steps"]
    assert np.nanmax(log.lr_groups, axis=1) == pytest.approx(expected, rel=1e-4)


def test_evaluations_are_those_of_the_framework(ran):
    """Each evaluation has the loss and the accuracy that the framework reports."""
    factor = ran.figures.get("eval_factor", 1.0)
    assert [record["loss"] for record in ran.log.evals if "loss" in record] == pytest.approx(
        [loss * factor for loss in ran.figures["eval_losses"]], rel=1e-3
    )
    if "eval_accuracies" in ran.figures:
        seen = [record["metrics"]["accuracy"] for record in ran.log.evals]
        assert seen == pytest.approx(ran.figures["eval_accuracies"], rel=1e-3)


def test_one_model_and_one_optimizer_are_seen(ran):
    """A model is one with all its parameters, its wrapper and its parts are no others; so is an optimizer."""
    models = ran.figures.get("models", 1)  # with the reference of a preference training
    assert [sum(p["count"] for p in m["parameters"]) for m in ran.log.models] == [ran.figures["parameters"]] * models
    assert len(ran.log.optimizers) == 1


def test_a_loaded_base_is_known(ran):
    """Its weights are not drawn, those of an adapter are."""
    loaded = {p["loaded"] for p in ran.log.model["parameters"] if "lora_" not in p["name"]}
    assert loaded == {ran.name in ADAPTING}


def test_the_framework_is_named(ran):
    """The log holds which framework drives the training; a loop of the user's own with Accelerate counts as such."""
    names = [event["subject"] for event in ran.log.events if event["kind"] == "framework"]
    first = ran.name.partition("_")[0]
    driver = DRIVEN_BY.get(first, first)
    assert names == ([driver] if driver else [])


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs(*SOUND[name])) for name in SOUND if name not in ADAPTING]
)
def test_output_is_unchanged(name, tmp_path):
    """A script prints the same figures with and without the recorder, and ends with the same code."""
    script = str(SCRIPTS / f"{name}.py")
    plain = python(tmp_path, script, str(tmp_path / "out"))
    watched = python(tmp_path, "-m", "trainadvisor", "run", script, str(tmp_path / "out"))
    assert (watched.returncode, _TIMES.sub("", watched.stdout)) == (plain.returncode, _TIMES.sub("", plain.stdout))
    assert figures_in(watched.stdout) == figures_in(plain.stdout) != {}
