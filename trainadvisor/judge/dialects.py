"""How each framework names what a remedy changes: the setting, and the line of the script that holds it."""

import re
from collections.abc import Mapping
from typing import Any

from trainadvisor.judge.judgement import Advice
from trainadvisor.judge.result import Edit, Site
from trainadvisor.log.descriptions import valid_site
from trainadvisor.log.framework_names import CALLS_ALIKE, KERAS_SCHEDULES, setting_key
from trainadvisor.log.reader import RunLog

_TRAINING_ARGUMENTS = {
    "lr": "TrainingArguments(learning_rate={value})",
    "clip": "TrainingArguments(max_grad_norm={value})",
    "warmup": "TrainingArguments(warmup_steps={value})",
    "weight-decay": "TrainingArguments(weight_decay={value})",
    "batch-size": "TrainingArguments(per_device_train_batch_size={value})",
    "accumulation": "TrainingArguments(gradient_accumulation_steps={value})",
    "precision": "TrainingArguments(bf16=True)",
    "schedule": 'TrainingArguments(lr_scheduler_type="cosine")',
    "train-longer": "TrainingArguments(num_train_epochs={value})",
    "label-smoothing": "TrainingArguments(label_smoothing_factor={value})",
    "workers": "TrainingArguments(dataloader_num_workers={value})",
    "pin-memory": "TrainingArguments(dataloader_pin_memory=True)",
    "betas": "TrainingArguments(adam_beta2={value})",
    "eps": "TrainingArguments(adam_epsilon={value})",
    "early-stopping": "Trainer(callbacks=[EarlyStoppingCallback(early_stopping_patience=3)])",
    "class-weights": "Trainer(compute_loss_func=...)",
    "loss-function": "Trainer(compute_loss_func=...)",
    "optimizer": 'TrainingArguments(optim="adamw_torch")',
}
_LIGHTNING = {
    "clip": "Trainer(gradient_clip_val={value})",
    "accumulation": "Trainer(accumulate_grad_batches={value})",
    "precision": 'Trainer(precision="bf16-mixed")',
    "train-longer": "Trainer(max_epochs={value})",
    "early-stopping": 'Trainer(callbacks=[EarlyStopping(monitor="val_loss")])',
    "schedule": 'configure_optimizers: {{"scheduler": CosineAnnealingLR(optimizer, T_max=...), "interval": "step"}}',
    "scheduler-step": 'configure_optimizers: {{"scheduler": scheduler, "interval": "step"}}',
    "add-step": "training_step: self.manual_backward(loss), then step() on each of self.optimizers()",
    "add-backward": "training_step: return loss; with automatic_optimization = False: self.manual_backward(loss)",
}
# Of each framework what a change is called there; `{value}` is what the remedy sets.
DIALECTS: dict[str, Mapping[str, str]] = {
    "transformers": _TRAINING_ARGUMENTS,
    "trl": {change: text.replace("TrainingArguments", "SFTConfig") for change, text in _TRAINING_ARGUMENTS.items()},
    "lightning": _LIGHTNING,
    "pytorch_lightning": _LIGHTNING,
    "accelerate": {
        "clip": "accelerator.clip_grad_norm_(model.parameters(), {value})",
        "accumulation": "Accelerator(gradient_accumulation_steps={value})",
        "precision": 'Accelerator(mixed_precision="bf16")',
        "add-backward": "accelerator.backward(loss)",
    },
    "keras": {
        "lr": "{optimizer}(learning_rate={value})",
        "clip": "{optimizer}(global_clipnorm={value})",
        "weight-decay": "{optimizer}(weight_decay={value})",
        "accumulation": "{optimizer}(gradient_accumulation_steps={value})",
        "schedule": "LearningRateScheduler(schedule=...)",
        "batch-size": "fit(batch_size={value})",
        "activation": 'keras.layers.Dense(..., activation="relu")',
        "unfreeze": "layer.trainable = True, before compile()",
        "train-longer": "fit(epochs={value})",
        "shuffle": "fit(shuffle=True)",
        "class-weights": "fit(class_weight=...)",
        "early-stopping": "fit(callbacks=[keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)])",
        "loss-function": "compile(loss=keras.losses.{loss}(from_logits=True))",
        "stable-loss": "compile(loss=keras.losses.{loss}(from_logits=True))",
        "remove-output-activation": "keras.layers.Dense(..., activation=None)",
        "precision": 'keras.config.set_dtype_policy("mixed_bfloat16")',
        "optimizer": "compile(optimizer=keras.optimizers.AdamW(...))",
        "add-zero-grad": "train_step(self, data): self.zero_grad(), before loss.backward()",
        "dropout-mode": "call(self, inputs, training=None): self.dropout(x, training=training)",
    },
    "skorch": {
        "lr": "NeuralNetClassifier(lr={value})",
        "batch-size": "NeuralNetClassifier(batch_size={value})",
        "train-longer": "NeuralNetClassifier(max_epochs={value})",
        "weight-decay": "NeuralNetClassifier(optimizer__weight_decay={value})",
        "shuffle": "NeuralNetClassifier(iterator_train__shuffle=True)",
        "workers": "NeuralNetClassifier(iterator_train__num_workers={value})",
        "clip": "NeuralNetClassifier(callbacks=[GradientNormClipping({value})])",
        "schedule": 'NeuralNetClassifier(callbacks=[LRScheduler("CosineAnnealingLR", T_max=...)])',
        "early-stopping": "NeuralNetClassifier(callbacks=[EarlyStopping()])",
        "class-weights": "NeuralNetClassifier(criterion__weight=...)",
        "loss-function": "NeuralNetClassifier(criterion=...)",
        "optimizer": "NeuralNetClassifier(optimizer=torch.optim.AdamW)",
    },
    "ignite": {"accumulation": "create_supervised_trainer(gradient_accumulation_steps={value})"},
    "fastai": {
        "lr": "fit(lr={value})",
        "clip": "Learner(cbs=GradientClip({value}))",
        "weight-decay": "Learner(wd={value})",
        "batch-size": "DataLoader(bs={value})",
        "shuffle": "DataLoader(shuffle=True)",
        "accumulation": "Learner(cbs=GradientAccumulation({value}))",
        "precision": "learner.to_fp16()",
        "warmup": "fit_one_cycle(pct_start=0.25)",
        "unfreeze": "learner.unfreeze()",
        "early-stopping": "Learner(cbs=EarlyStoppingCallback(patience=3))",
        "loss-function": "Learner(loss_func=...)",
        "match-shapes": "Learner(loss_func=MSELossFlat())",
        "change-output-activation": "y_range=(low, high): from below the smallest target to above the largest",
    },
}
# Where a change belongs that is no setting: in what makes the labels of a batch, or in the data of the evaluation.
_PLACES = {
    ("transformers", "fix-labels"): "data_collator",
    ("trl", "fix-labels"): "data_collator",
    ("transformers", "fix-preprocessing"): "eval_dataset",
    ("keras", "fix-preprocessing"): "validation_data",
}
# Frameworks that make the optimizer by a configuration, unless the script hands one over.
_OWN_CONFIG = {"transformers", "trl"}
_OF_OPTIMIZERS = {"lr", "weight-decay", "betas", "eps", "optimizer"}
_SETTING = re.compile(r"(?P<call>\w+)\((?P<argument>\w+)=(?P<value>.*)\)$")
# What one framework calls differently at several places: the learning rate of fastai's one-cycle policy.
_OTHER_NAMES = {
    "fit(lr)": ("fit_one_cycle(lr_max)", "fine_tune(base_lr)", "fit_flat_cos(lr)"),
    "LearningRateScheduler(schedule)": tuple(setting_key(None, name) for name in KERAS_SCHEDULES),
}


def framework_of(log: RunLog) -> Mapping[str, Any] | None:
    """Return the event that names the framework which drives the training."""
    return next((event for event in reversed(log.events) if event["kind"] == "framework"), None)


def in_dialect(
    advice: Advice,
    framework: Mapping[str, Any] | None,
    optimizer: str,
    loss: str | None = None,
    *,
    own_optimizer: bool = False,
    rate: float | None = None,
) -> tuple[Advice, Site | None]:
    """Return a remedy in the framework's words, and the line that holds the setting or the call for it.

    `own_optimizer` says that the script makes the optimizer by itself, `rate` is what a factor multiplies.
    """
    text = DIALECTS.get(framework["subject"], {}).get(advice.change) if framework else None
    if text is None or framework is None:
        return advice, _place(framework, advice.change)
    if framework["subject"] in _OWN_CONFIG and advice.change in _OF_OPTIMIZERS and own_optimizer:
        return advice, None  # the script made it: the framework's setting is not read
    value = _value(advice, rate)
    named_loss = loss if loss and loss.endswith("Crossentropy") else "SparseCategoricalCrossentropy"
    setting = _renamed(text.format(value=value or "...", optimizer=optimizer, loss=named_loss), framework)
    named = _SETTING.match(setting)
    site, key = (_held(named, framework) if named else None) or (None, "")
    argument = key.partition("(")[2].rstrip(")")
    if named and argument and key in _OTHER_NAMES.get(setting_key(named["argument"], named["call"]), ()):
        setting = f"{key[:-1]}={named['value']})"
    settled = named is not None and named["value"] != "..." and (value or "{value}" not in text)
    edit = _edit(site, named, argument) if site and named and settled else None
    return advice.in_words_of(setting, edit), site


def _place(framework: Mapping[str, Any] | None, change: str | None) -> Site | None:
    """Return the line that a change belongs to, None where there is none."""
    settings = framework["detail"].get("settings") if framework else None
    argument = _PLACES.get((framework["subject"], change or "")) if framework else None
    held = settings if isinstance(settings, dict) and argument else {}
    found = next((valid_site(place) for key, place in held.items() if key.endswith(f"({argument})")), None)
    return Site(file=found["file"], line=found["line"], source=found["code"] or None) if found else None


def _renamed(setting: str, framework: Mapping[str, Any]) -> str:
    """Return a setting with the call that the script has, where a framework has several for it."""
    call, settings = setting.partition("(")[0], framework["detail"].get("settings")
    alike = next((names for names in CALLS_ALIKE if call in names), ())
    known = [name for name in alike if isinstance(settings, dict) and setting_key(None, name) in settings]
    return setting.replace(call, known[0], 1) if known else setting


def _value(advice: Advice, rate: float | None) -> str | None:
    """Return what a remedy sets; a factor is none, but of a rate that is known."""
    name, given = next(iter(advice.arguments.items()), ("", None))
    if name == "factor":
        given = given * rate if advice.change == "lr" and rate is not None and isinstance(given, int | float) else None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return f"{given:.3g}"


def _held(named: re.Match[str], framework: Mapping[str, Any]) -> tuple[Site, str] | None:
    """Return the line of a setting and its key; else that of the call that it belongs to, and the call's."""
    settings = framework["detail"].get("settings")
    if not isinstance(settings, dict):
        return None
    wanted = setting_key(named["argument"], named["call"])
    alike = [key for key in settings if key.endswith(f"({named['argument']})")]
    for key in [wanted, *_OTHER_NAMES.get(wanted, ()), *alike, setting_key(None, named["call"])]:
        found = valid_site(settings.get(key))
        if found:
            site = Site(file=found["file"], line=found["line"], source=found["code"] or None)
            return site, key
    return None


def _edit(site: Site, named: re.Match[str], argument: str) -> Edit | None:
    """Return the line with the setting changed, where its value is a plain number, name or text."""
    if not site.source:
        return None
    before = rf"\b{argument}\s*=\s*" if argument else rf"\b{named['call']}\(\s*(?=[\d.])"
    new = re.sub(rf"({before})[\w.+\"'-]+(?=\s*[,)]|\s*$)", rf"\g<1>{named['value']}", site.source, count=1)
    return Edit(file=site.file, line=site.line, old=site.source, new=new) if new != site.source else None
