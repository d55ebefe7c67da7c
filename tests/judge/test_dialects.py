"""Remedies in the words of the framework that trains, at the line that holds its setting."""

import pytest

from trainadvisor.judge.dialects import DIALECTS, in_dialect
from trainadvisor.judge.judgement import Advice
from trainadvisor.log.framework_names import DISTRIBUTIONS, SETTING_CALLS


def advice(change="lr", **arguments):
    """Return a remedy in plain torch."""
    return Advice(0, change, arguments, "adapt", snippet="optimizer = torch.optim.AdamW(...)")


def trained_by(name, **settings):
    """Return the event of a framework, with lines of settings by their names."""
    lines = {key: {"file": "train.py", "line": 7, "code": code} for key, code in settings.items()}
    return {"kind": "framework", "subject": name, "detail": {"version": "1", "settings": lines}}


def test_the_setting_is_changed_at_its_line():
    """Where the script gives the argument, its line is the place and the edit changes its value alone."""
    event = trained_by("transformers", **{"TrainingArguments(learning_rate)": "learning_rate=2e-3,"})
    said, place = in_dialect(advice(value=0.0001), event, "AdamW")
    assert said.setting == "TrainingArguments(learning_rate=0.0001)"
    assert (place.file, place.line) == ("train.py", 7)
    assert [(edit.old, edit.new) for edit in said.edits] == [("learning_rate=2e-3,", "learning_rate=0.0001,")]
    assert (said.applies, said.snippet) == ("paste", None)


def test_the_call_is_the_place_where_the_setting_is_not_given():
    """The line of the call is told, and what to write there; nothing is edited."""
    event = trained_by("transformers", **{"TrainingArguments()": "args = TrainingArguments("})
    said, place = in_dialect(advice(value=0.0001), event, "AdamW")
    assert place.line == 7
    assert (said.edits, said.snippet) == ((), "TrainingArguments(learning_rate=0.0001)")


def test_labels_are_made_where_the_collator_is_handed_over():
    """The advice stays what it is; without a collator of the script's there is no such line."""
    event = trained_by("trl", **{"SFTTrainer()": "SFTTrainer(", "SFTTrainer(data_collator)": "data_collator=collate,"})
    said, place = in_dialect(advice("fix-labels"), event, "AdamW")
    assert (said, place.source) == (advice("fix-labels"), "data_collator=collate,")
    bare = trained_by("trl", **{"SFTTrainer()": "SFTTrainer("})
    assert in_dialect(advice("fix-labels"), bare, "AdamW") == (advice("fix-labels"), None)


def test_held_out_data_are_prepared_where_they_are_handed_over():
    """To the trainer, or to fit(); a share of the training's data is no such line."""
    event = trained_by("transformers", **{"Trainer()": "Trainer(", "Trainer(eval_dataset)": "eval_dataset=val,"})
    assert in_dialect(advice("fix-preprocessing"), event, "AdamW")[1].source == "eval_dataset=val,"
    given = trained_by("keras", **{"fit()": "model.fit(", "fit(validation_data)": "validation_data=(x, y),"})
    assert in_dialect(advice("fix-preprocessing"), given, "Adam")[1].source == "validation_data=(x, y),"
    split = trained_by("keras", **{"fit()": "model.fit(", "fit(validation_split)": "validation_split=0.2,"})
    assert in_dialect(advice("fix-preprocessing"), split, "Adam")[1] is None


def test_what_is_left_to_the_user_is_no_edit():
    """A value that nobody knows is not written into the line."""
    event = trained_by("keras", **{"fit(class_weight)": "class_weight=weights,"})
    said, place = in_dialect(advice("class-weights"), event, "Adam")
    assert (said.edits, said.setting, place.line) == ((), "fit(class_weight=...)", 7)


def test_the_first_argument_of_a_keras_optimizer_is_its_rate():
    """A rate that is given by its place is changed there."""
    event = trained_by("keras", **{"Adam()": "optimizer=keras.optimizers.Adam(5.0),"})
    said, _ = in_dialect(advice(value=0.05), event, "Adam")
    assert [edit.new for edit in said.edits] == ["optimizer=keras.optimizers.Adam(0.05),"]


def test_the_loss_of_keras_keeps_its_name():
    """Of a loss of two classes the setting is shown, not of the one of many."""
    said, _ = in_dialect(advice("loss-function"), trained_by("keras"), "Adam", "BinaryCrossentropy")
    assert said.setting == "compile(loss=keras.losses.BinaryCrossentropy(from_logits=True))"
    said, _ = in_dialect(advice("loss-function"), trained_by("keras"), "Adam", "MeanSquaredError")
    assert said.setting == "compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))"


def test_one_framework_has_several_names_for_a_setting():
    """The one-cycle policy of fastai has another word for the rate."""
    event = trained_by("fastai", **{"fit_one_cycle(lr_max)": "learner.fit_one_cycle(5, lr_max=3.0)"})
    said, _ = in_dialect(advice(value=0.01), event, "Optimizer")
    assert [edit.new for edit in said.edits] == ["learner.fit_one_cycle(5, lr_max=0.01)"]
    event = trained_by("fastai", **{"fit_one_cycle(lr_max)": "learner.fit_one_cycle(5, lr_max=slice(1e-6, 1e-4))"})
    said, _ = in_dialect(advice(value=0.01), event, "Optimizer")
    assert (said.setting, said.edits) == ("fit_one_cycle(lr_max=0.01)", ())


def test_a_training_step_of_keras_clears_by_itself():
    """The word for it is the model's own."""
    said, _ = in_dialect(advice("add-zero-grad"), trained_by("keras"), "SGD")
    assert said.setting == "train_step(self, data): self.zero_grad(), before loss.backward()"


@pytest.mark.parametrize(
    ("event", "change"), [(None, "lr"), (trained_by("lightning"), "lr"), (trained_by("unheard-of"), "lr")]
)
def test_other_remedies_stay_as_they_are(event, change):
    """Without a framework, or where it has no word of its own, plain torch is told."""
    plain = advice(change, value=0.01)
    assert in_dialect(plain, event, "Adam") == (plain, None)


def test_a_factor_multiplies_the_rate_and_is_no_setting_by_itself():
    """Ten times a rate of 0.01 is 0.1; a quarter of a batch size that is not known is left open."""
    said, _ = in_dialect(advice(factor=10), trained_by("skorch"), "Adam", rate=0.01)
    assert said.setting == "NeuralNetClassifier(lr=0.1)"
    said, _ = in_dialect(advice("batch-size", factor=0.25), trained_by("skorch"), "Adam", rate=0.01)
    assert said.setting == "NeuralNetClassifier(batch_size=...)"


def test_an_optimizer_of_the_script_is_changed_in_the_script():
    """Where the script hands its optimizer over, the arguments of the trainer are not read."""
    plain = advice(value=0.01)
    assert in_dialect(plain, trained_by("transformers"), "AdamW", own_optimizer=True) == (plain, None)


def test_the_configuration_that_the_script_has_is_named():
    """Of several that take the same settings the one of the script is told."""
    event = trained_by("trl", **{"DPOConfig()": "args = DPOConfig("})
    assert in_dialect(advice(value=0.01), event, "AdamW")[0].setting == "DPOConfig(learning_rate=0.01)"
    event = trained_by("skorch", **{"NeuralNetRegressor()": "net = NeuralNetRegressor("})
    assert in_dialect(advice(value=0.01), event, "Adam")[0].setting == "NeuralNetRegressor(lr=0.01)"


def test_every_dialect_is_of_a_known_framework():
    """Each framework that is recorded has its calls listed, and its dialect."""
    assert set(DIALECTS) == set(SETTING_CALLS) == set(DISTRIBUTIONS)


def test_a_strange_log_is_no_obstacle():
    """Settings that are no table, or lines that are none, leave the words alone."""
    for settings in (None, [], {"TrainingArguments(learning_rate)": 3}):
        event = {"subject": "transformers", "detail": {"settings": settings}}
        said, place = in_dialect(advice(value=0.1), event, "AdamW")
        assert (said.setting, place) == ("TrainingArguments(learning_rate=0.1)", None)


@pytest.mark.parametrize("call", ["LearningRateScheduler", "CosineDecay"])
def test_a_schedule_of_keras_is_where_the_script_makes_it(call):
    """No line of plain torch is advised; without a schedule there is no such place."""
    event = trained_by("keras", **{f"{call}()": f"rates = {call}(halve)", "compile()": "model.compile("})
    said, place = in_dialect(advice("schedule"), event, "Adam")
    assert (said.snippet, said.edits) == ("LearningRateScheduler(schedule=...)", ())
    assert place.source == f"rates = {call}(halve)"
    assert in_dialect(advice("schedule"), trained_by("keras", **{"compile()": "model.compile("}), "Adam")[1] is None


@pytest.mark.parametrize("settings", [None, [], "SFTTrainer(data_collator)", 3])
def test_settings_of_another_form_are_no_place(settings):
    """A log may hold anything."""
    event = {"kind": "framework", "subject": "trl", "detail": {"version": "1", "settings": settings}}
    assert in_dialect(advice("fix-labels"), event, "AdamW") == (advice("fix-labels"), None)
