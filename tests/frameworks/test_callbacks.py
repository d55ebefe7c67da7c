"""The callbacks of the frameworks: what `trainadvisor run` sees, in the framework's own way."""

from pathlib import Path

import pytest
from frameworks.frameworkkit import SCRIPTS, Ran, figures_in, needs, python

from trainadvisor.log.reader import read_log

_HF = "from trainadvisor.integrations.transformers import AdvisorCallback"
# The script, what it needs, what is imported, the text that a callback is put into, the same with it, its call of fit,
# a call that only evaluates, and a setting that breaks the training.
CALLBACKS = {
    "transformers": (
        "hf_classification", ("transformers", "accelerate"), _HF,
        ("Trainer(model=", "Trainer(callbacks=[AdvisorCallback({})], model="),
        "trainer.train()", "trainer.evaluate()", ("learning_rate=2e-3", "learning_rate=50.0, max_grad_norm=0"),
    ),
    "lightning": (
        "lightning_digits", ("lightning",), "from trainadvisor.integrations.lightning import AdvisorCallback",
        ("logger=False,", "logger=False, callbacks=[AdvisorCallback({})],"),
        "trainer.fit(model, train, val)", "trainer.validate(model, val)", ("lr=2e-3", "lr=50.0"),
    ),
    "keras": (
        "keras_digits", ("keras",), "from trainadvisor.integrations.keras import AdvisorCallback",
        ("verbose=2", "verbose=2, callbacks=[CALLBACK]"),
        "history = model.fit(", "model.evaluate(x, y, callbacks=[CALLBACK])", ("Adam(2e-3)", "Adam(50.0)"),
    ),
    "skorch": (
        "skorch_digits", ("skorch",), "from trainadvisor.integrations.skorch import AdvisorCallback",
        ("lr=2e-3,", "lr=2e-3, callbacks=[AdvisorCallback({})],"),
        "net.fit(x, y)", "net.initialize().predict(x)", ("lr=2e-3", "lr=50.0"),
    ),
    "ignite": (
        "ignite_digits", ("ignite",), "from trainadvisor.integrations.ignite import AdvisorHandler",
        ("trainer.run(", "AdvisorHandler(model, optimizer, {}).attach(trainer)\ntrainer.run("),
        "trainer.run(train, max_epochs=6)", "evaluator.run(val)", ("lr=2e-3", "lr=50.0"),
    ),
    "fastai": (
        "fastai_digits", ("fastai",), "from trainadvisor.integrations.fastai import AdvisorCallback",
        ("cbs=Losses()", "cbs=[Losses(), AdvisorCallback({})]"),
        "learner.fit(6, lr=2e-3)", "learner.validate()", ("lr=2e-3", "lr=50.0"),
    ),
    "accelerate": (
        "accelerate_loop", ("accelerate",), "from trainadvisor.integrations.accelerate import AdvisorTracker",
        ("losses, rates", "tracker = AdvisorTracker(model, optimizer, {})\nlosses, rates"),
        None, None, ("lr=2e-3", "lr=50.0"),
    ),
}  # fmt: skip
NAMES = [pytest.param(name, marks=needs(*CALLBACKS[name][1])) for name in CALLBACKS]
FITTING = [pytest.param(name, marks=needs(*CALLBACKS[name][1])) for name in CALLBACKS if CALLBACKS[name][4]]


def run(name: str, folder: Path, *changes: tuple[str, str], arguments: str = '"log.json"') -> Ran:
    """Run a script with the framework's callback in it, and further changes of its text."""
    script, _, imported, (old, new), *_ = CALLBACKS[name]
    text = (SCRIPTS / f"{script}.py").read_text(encoding="utf-8")
    for before, after in ((old, new.format(arguments)), *changes):
        assert before in text
        text = text.replace(before, after)
    first = text.index("import json")
    made = f"CALLBACK = AdvisorCallback({arguments})\n" if name == "keras" else ""
    head = text[:first] + ('import os\nos.environ["KERAS_BACKEND"] = "torch"\n' if made else "")
    written = folder / "script.py"
    written.write_text(f"{head}{imported}\n{made}{text[first:]}", encoding="utf-8")
    done = python(folder, str(written))
    log = folder / "log.json"
    assert done.returncode == 0, done.stderr
    return Ran(0, done.stdout + done.stderr, read_log(log) if log.exists() else None, figures_in(done.stdout))


@pytest.mark.parametrize("name", NAMES)
def test_sees_what_run_sees(name, tmp_path):
    """A sound training is healthy, with the steps, losses, rates, epochs and evaluations of the framework."""
    ran = run(name, tmp_path)
    log, figures = ran.log, ran.figures
    assert ran.diagnosis.state == "healthy"
    assert len(log.steps) == figures["steps"]
    if "losses" in figures:
        assert log.column("loss") == pytest.approx(figures["losses"], rel=1e-3)
    assert log.lr[-1] == pytest.approx(figures["rates"][-1], rel=1e-4)
    assert (log.column("epoch")[0], log.column("epoch")[-1]) == (0, figures["epochs"] - 1)
    assert [record["loss"] for record in log.evals] == pytest.approx(figures["eval_losses"], rel=1e-3)


@pytest.mark.parametrize("name", FITTING)
def test_a_second_fit_goes_on_in_the_log(name, tmp_path):
    """What the first training recorded stays when a second one of the same callback begins."""
    fit = CALLBACKS[name][4]
    first = {
        "keras": "model.fit(x[:1440], y[:1440], callbacks=[CALLBACK], verbose=0)",
        "lightning": f"{fit}\ntrainer.fit_loop.max_epochs = 12",
    }.get(name, fit)
    run(name, tmp_path, (fit, f"{first}\n{fit}"))
    steps = [len(read_log(log).steps) for log in sorted(tmp_path.glob("log*.json"))]
    once = 6 * 45 if name != "transformers" else 180
    assert steps[0] >= once
    assert sum(steps) == (2 * once if name != "keras" else once + 45)


@pytest.mark.parametrize("name", FITTING)
def test_an_evaluation_alone_writes_no_log(name, tmp_path):
    """Where nothing is trained, nothing is recorded, and no log of before is replaced."""
    (tmp_path / "log.json").write_text("kept", encoding="utf-8")
    fit, evaluate = CALLBACKS[name][4:6]
    stop = ("history = model.fit(", f"{evaluate}\nraise SystemExit\nhistory = model.fit(")
    script, _, imported, (old, new), *_ = CALLBACKS[name]
    change = stop if name == "keras" else (fit, f"{evaluate}\nraise SystemExit")
    text = (SCRIPTS / f"{script}.py").read_text(encoding="utf-8").replace(old, new.format('"log.json"'))
    head = 'import os\nos.environ["KERAS_BACKEND"] = "torch"\n' if name == "keras" else ""
    made = 'CALLBACK = AdvisorCallback("log.json")\n' if name == "keras" else ""
    (tmp_path / "script.py").write_text(f"{head}{imported}\n{made}{text.replace(*change)}", encoding="utf-8")
    done = python(tmp_path, "script.py")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log.json").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("name", FITTING)
def test_stops_the_framework_s_way(name, tmp_path):
    """A training that has failed ends early where the callback is asked to, and the script goes on behind it."""
    broken = CALLBACKS[name][6]
    longer = {
        "transformers": ("num_train_epochs=4", "num_train_epochs=60"),
        "lightning": ("max_epochs=6", "max_epochs=300"),
        "keras": ("epochs=6", "epochs=300"),
        "skorch": ("max_epochs=6", "max_epochs=300"),
        "ignite": ("max_epochs=6", "max_epochs=300"),
        "fastai": ("learner.fit(6", "learner.fit(300"),
    }[name]
    ran = run(name, tmp_path, broken, longer, arguments='"log.json", stop_on="error"')
    full = {"transformers": 60 * 45}.get(name, 300 * 45)
    assert 0 < len(ran.log.steps) < full
    assert "trainadvisor: " in ran.out
