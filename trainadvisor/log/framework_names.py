"""Frameworks that drive trainings: their distributions, and the calls of a script that hold their settings."""

# The more special one first: TRL trains by transformers, which trains by Accelerate.
DISTRIBUTIONS = {
    "trl": "trl", "transformers": "transformers", "lightning": "lightning", "pytorch_lightning": "pytorch-lightning",
    "keras": "keras", "fastai": "fastai", "skorch": "skorch", "ignite": "pytorch-ignite", "accelerate": "accelerate",
}  # fmt: skip
_ARGUMENTS = ("TrainingArguments", "Seq2SeqTrainingArguments", "Trainer", "Seq2SeqTrainer", "LoraConfig")
_TRL = ("SFTConfig", "DPOConfig", "RewardConfig", "GRPOConfig", "ORPOConfig", "KTOConfig", "CPOConfig")
_TRAINERS = ("SFTTrainer", "DPOTrainer", "RewardTrainer", "ORPOTrainer", "KTOTrainer", "CPOTrainer")
_NETS = ("NeuralNetClassifier", "NeuralNetRegressor", "NeuralNetBinaryClassifier", "NeuralNet")
# What changes the rate of Keras's optimizers, callbacks first.
KERAS_SCHEDULES = (
    "LearningRateScheduler", "ReduceLROnPlateau", "ExponentialDecay", "CosineDecay", "CosineDecayRestarts",
    "InverseTimeDecay", "PolynomialDecay", "PiecewiseConstantDecay",
)  # fmt: skip
# Calls that take the same settings: a script has one of them.
CALLS_ALIKE = (_TRL, _ARGUMENTS[:2], _NETS, (*_ARGUMENTS[2:4], *_TRAINERS))
SETTING_CALLS: dict[str, tuple[str, ...]] = {
    "trl": (*_TRL, *_ARGUMENTS, *_TRAINERS),
    "transformers": _ARGUMENTS,
    "lightning": ("Trainer", "DataLoader"),
    "pytorch_lightning": ("Trainer", "DataLoader"),
    "keras": ("compile", "fit", "Adam", "AdamW", "SGD", "RMSprop", "Nadam", "Adagrad", "Lion", *KERAS_SCHEDULES),
    "fastai": ("fit", "fit_one_cycle", "fine_tune", "fit_flat_cos", "Learner", "vision_learner", "DataLoader"),
    "skorch": _NETS,
    "ignite": ("create_supervised_trainer", "run"),
    "accelerate": ("Accelerator", "clip_grad_norm_"),
}


def setting_key(argument: str | None, call: str) -> str:
    """Return the name under which a log holds the line of a call, or of one of its arguments."""
    return f"{call}({argument or ''})"
