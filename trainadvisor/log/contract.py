"""The contract of log.json: every record and its fields, with types, units and meaning.

The reader's columns, `log.schema.json` and `docs/log-format.md` are derived from here. A reader keeps number fields of
step records that are not named here as columns as well, so a probe may record a field that only a signal knows.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict, get_args, get_origin, get_type_hints

# A number; JSON has no words for the non-finite ones, so they are written as texts.
Number = float | Literal["nan", "inf", "-inf"]

DETAIL = dict[str, Any]


class HeaderRecord(TypedDict):
    """The first record: what was trained, with what, where, and how it was recorded."""

    record: Literal["header"]
    format: Annotated[int, "version of the format; a reader refuses a larger one"]
    tool: NotRequired[Annotated[str, "program and version that wrote the log"]]
    created: NotRequired[Annotated[str, "local time of the start, ISO 8601 with offset"]]
    script: NotRequired[Annotated[str, "script as it was called"]]
    script_mark: NotRequired[Annotated[str | None, "mark of the script's code, by which a later change is noticed"]]
    provisional: NotRequired[Annotated[bool, "whether this header is replaced as soon as the training has begun"]]
    module: NotRequired[Annotated[bool, "whether the script was run as a module, with -m"]]
    argv: NotRequired[Annotated[list[str], "arguments of the script, secrets taken out"]]
    source: NotRequired[Annotated[str, "`recorder`, or the name of the importer that made the log"]]
    imported: NotRequired[Annotated[DETAIL, "of an imported log: source, unit of a step, steps to a point, columns"]]
    python: NotRequired[Annotated[str, "version of Python"]]
    torch: NotRequired[Annotated[str, "version of torch"]]
    platform: NotRequired[Annotated[str, "operating system and processor"]]
    device: NotRequired[Annotated[str, "kind of the device of the first model: cpu, cuda, mps, ..."]]
    device_name: NotRequired[Annotated[str | None, "name of that device"]]
    seed: NotRequired[Annotated[int | None, "torch's seed when the recorder started"]]
    threads: NotRequired[Annotated[int, "threads that torch computes with"]]
    cores: NotRequired[Annotated[int, "processor cores of the machine"]]
    planned_steps: NotRequired[Annotated[int | None, "steps that the training is going to make, where known"]]
    rank: NotRequired[Annotated[int, "number of this process among those of the training"]]
    world_size: NotRequired[Annotated[int, "processes of the training"]]
    job: NotRequired[Annotated[str | None, "what the processes of one training have in common"]]
    recorder: NotRequired[Annotated[DETAIL, "what is sampled and how often"]]
    models: NotRequired[Annotated[list[DETAIL], "models: layers in order, parameters, where they were made"]]
    optimizers: NotRequired[Annotated[list[DETAIL], "optimizers: class, groups with hyper-parameters and parameters"]]
    losses: NotRequired[Annotated[list[DETAIL], "loss functions: kind, settings, what goes in"]]
    loaders: NotRequired[Annotated[list[DETAIL], "data loaders: data set, batch size, shuffling, workers"]]
    schedulers: NotRequired[Annotated[list[DETAIL], "learning-rate schedules"]]


class StepRecord(TypedDict):
    """One optimizer step."""

    record: Literal["step"]
    step: Annotated[int, "number of the step, from 0"]
    opt: NotRequired[Annotated[list[int], "ids of the optimizers that stepped"]]
    lr: NotRequired[Annotated[list[Number], "learning rate of each parameter group"]]
    mode: NotRequired[Annotated[Literal["train", "eval"], "mode of the model in the forward pass"]]
    loss: NotRequired[
        Annotated[
            Number, "value on which backward was called, mean over the micro-batches; an undivided sum by the example"
        ]
    ]
    loss_id: NotRequired[Annotated[int, "id of the loss function"]]
    part: NotRequired[Annotated[Number, "value of the standard loss function inside a composed loss"]]
    part_id: NotRequired[Annotated[int, "id of that loss function"]]
    epoch: NotRequired[Annotated[int, "passes over the training loader before this one"]]
    grad_norm: NotRequired[Annotated[Number, "2-norm of all gradients before clipping, at sampled steps"]]
    clip_norm: NotRequired[Annotated[Number, "2-norm of the gradients as the script's clipping saw it"]]
    clip_max: NotRequired[Annotated[Number | None, "norm that the script clips to"]]
    clip_value: NotRequired[Annotated[Number | None, "value that the script clips each gradient to"]]
    scale: NotRequired[Annotated[Number, "loss scale of the gradient scaler"]]
    batch: NotRequired[Annotated[int, "examples of the step, all micro-batches together"]]
    micro: NotRequired[Annotated[int, "backward passes of the step"]]
    accuracy: NotRequired[Annotated[Number, "share of right classes in the training batch, 0 to 1, at sampled steps"]]
    factor_zero: NotRequired[
        Annotated[Number, "1 where the factors of a policy's log-probabilities are all zero, at sampled steps"]
    ]
    factor_mixed: NotRequired[Annotated[Number, "1 where a fifth of these factors, by their size, has the rarer sign"]]
    policy_ratio: NotRequired[Annotated[Number, "mean ratio of new to old probabilities that a policy's loss clips"]]
    policy_ratio_far: NotRequired[Annotated[Number, "share of these ratios that are further than 0.2 from 1"]]
    policy_ratio_gap: NotRequired[Annotated[Number, "mean distance of new from old log-probabilities in nats"]]
    policy_own_ratio_gap: NotRequired[
        Annotated[Number, "largest distance from 1 of a ratio whose old probabilities have a gradient, sampled"]
    ]
    policy_entropy: NotRequired[Annotated[Number, "entropy of a policy's choices in nats, at sampled steps"]]
    policy_likeliest: NotRequired[Annotated[Number, "share of the choices made that were the likeliest, sampled"]]
    policy_likeliest_drawn: NotRequired[Annotated[Number, "the same share where choices are drawn by probability"]]
    policy_entropy_weight: NotRequired[Annotated[Number, "factor of that entropy in the loss: negative for a bonus"]]
    value_explained_variance: NotRequired[
        Annotated[Number, "share of the variance of its targets that a value function explains, at sampled steps"]
    ]
    preference_margin: NotRequired[
        Annotated[Number, "mean size of the difference of the rewards of two answers in a preference loss, sampled"]
    ]
    preference_beta: NotRequired[Annotated[Number, "factor of the log-probabilities in that loss"]]
    seconds: NotRequired[Annotated[Number, "wall time of the step in seconds"]]
    wait: NotRequired[Annotated[Number, "seconds of it that the step waited for data"]]
    own: NotRequired[Annotated[Number, "seconds of it without waiting for other processes"]]
    memory: NotRequired[Annotated[Number, "memory of the process or the device in MB, now and then"]]
    memory_peak: NotRequired[Annotated[Number, "the most of it so far in MB, now and then"]]
    stale: NotRequired[Annotated[bool, "gradients of an earlier step were still there before backward"]]
    no_grad: NotRequired[Annotated[bool, "the optimizer stepped without a gradient of its parameters"]]
    skipped: NotRequired[Annotated[bool, "the gradient scaler skipped the step"]]


class LayersRecord(TypedDict):
    """Samples of one model at one step: a list a quantity, one number a parameter or a row of the table.

    Names that start with `act_` hold one number a row of the table of layers (the event `table`), others one number a
    parameter, in the order of the header's model. Further lists are kept under their names.
    """

    record: Literal["layers"]
    step: Annotated[int, "number of the step"]
    model: NotRequired[Annotated[int, "id of the model"]]
    table: NotRequired[Annotated[int, "id of the table whose rows the `act_` lists follow"]]
    rows: NotRequired[Annotated[list[int], "first row, end and count, where only a part of the rows was measured"]]
    grad: NotRequired[Annotated[list[Number | None], "2-norm of each gradient before clipping; null: no gradient"]]
    weight: NotRequired[Annotated[list[Number | None], "2-norm of each parameter before the step"]]
    update: NotRequired[Annotated[list[Number | None], "2-norm of the change of each parameter by the step"]]
    alpha: NotRequired[Annotated[Number | None, "where the step landed along its own direction: 1 is the minimum"]]
    act_mean: NotRequired[Annotated[list[Number | None], "mean of the layer's output"]]
    act_std: NotRequired[Annotated[list[Number | None], "standard deviation of the layer's output"]]
    act_rms: NotRequired[Annotated[list[Number | None], "root mean square of the layer's output"]]
    act_max: NotRequired[Annotated[list[Number | None], "largest magnitude in the layer's output"]]
    act_zero: NotRequired[Annotated[list[Number | None], "share of zeros in the layer's output"]]
    act_dead: NotRequired[Annotated[list[Number | None], "share of units that are zero for every example"]]
    act_saturated: NotRequired[Annotated[list[Number | None], "share of values at a bound of the activation"]]
    act_spread: NotRequired[Annotated[list[Number | None], "spread over the examples relative to the output's size"]]
    act_nonfinite: NotRequired[Annotated[list[Number | None], "share of values that are not finite"]]


class EvalRecord(TypedDict):
    """One evaluation: a pass over one data set, or one call on one split, without training on it."""

    record: Literal["eval"]
    step: Annotated[int, "steps taken before"]
    epoch: NotRequired[Annotated[int | None, "passes over the training loader before"]]
    model: NotRequired[Annotated[int | None, "id of the model"]]
    split: NotRequired[Annotated[str | None, "data: train (that of the training), validation, test; null: not known"]]
    series: NotRequired[Annotated[int, "number that evaluations of one model on the same data have in common"]]
    site: NotRequired[Annotated[DETAIL | None, "line of the script that calls the model"]]
    given: NotRequired[Annotated[bool, "the script handed the figures over"]]
    mode: NotRequired[Annotated[str, "train or eval: mode of the model"]]
    care: NotRequired[Annotated[bool, "whether layers are there that behave differently in the two modes"]]
    train_mode_modules: NotRequired[Annotated[list[str], "such layers that were in training mode"]]
    loss: NotRequired[Annotated[Number, "mean of the main loss over the examples, also of a summed one"]]
    loss_id: NotRequired[Annotated[int | None, "id of the loss function; null: none was called"]]
    losses: NotRequired[Annotated[dict[str, Any], "means of all losses by id"]]
    metrics: NotRequired[Annotated[dict[str, Any], "figures by name: accuracy, r2, dice, what was handed over"]]
    examples: NotRequired[Annotated[int, "examples seen"]]
    batches: NotRequired[Annotated[int, "batches seen"]]
    seconds: NotRequired[Annotated[Number, "wall time in seconds"]]
    output_spread: NotRequired[Annotated[Number, "spread of the outputs over the examples"]]
    trivial: NotRequired[Annotated[Number, "loss of the best constant answer on the targets of the evaluation"]]
    majority_share: NotRequired[Annotated[Number, "share of the class predicted most often, 0 to 1"]]
    classes_predicted: NotRequired[Annotated[int, "how many different classes were predicted"]]
    labels_found: NotRequired[
        Annotated[Number, "share of the labels with a probability above one half, where an example may have several"]
    ]


class EventRecord(TypedDict):
    """Something that happened at a step, or a description that became known after the header was written."""

    record: Literal["event"]
    kind: Annotated[str, "what happened: nonfinite, checkpoint, probe-failed, tally, table, inputs, log-cut, ..."]
    step: NotRequired[Annotated[int, "number of the step"]]
    subject: NotRequired[Annotated[str, "what it is about: a layer, a loss, a probe"]]
    detail: NotRequired[Annotated[DETAIL, "the particulars, by kind"]]


class EndRecord(TypedDict):
    """The last record of a training that was not killed."""

    record: Literal["end"]
    reason: NotRequired[Annotated[str, "finished, exception, interrupted, ..."]]
    steps: NotRequired[Annotated[int, "steps taken"]]
    seconds: NotRequired[Annotated[Number, "wall time of the run in seconds"]]


RECORDS: dict[str, type] = {
    "header": HeaderRecord, "step": StepRecord, "layers": LayersRecord, "eval": EvalRecord, "event": EventRecord,
    "end": EndRecord,
}  # fmt: skip


def fields(record: type) -> dict[str, tuple[Any, str, bool]]:
    """Return the type, the meaning and whether it is required, for each field of a record."""
    required = record.__required_keys__  # type: ignore[attr-defined]
    found = {}
    for name, hint in get_type_hints(record, include_extras=True).items():
        bare = get_args(hint)[0] if get_origin(hint) is NotRequired else hint
        meaning = bare.__metadata__[0] if get_origin(bare) is Annotated else ""
        found[name] = (get_args(bare)[0] if get_origin(bare) is Annotated else bare, meaning, name in required)
    return found


def _named(*types: object) -> tuple[str, ...]:
    return tuple(name for name, (kind, _, _) in fields(StepRecord).items() if kind in types)


# The number fields of a step, each a column of the reader.
STEP_NUMBERS = tuple(name for name in _named(int, Number, Number | None) if name != "step")
# Its truth values, columns of 0 and 1.
STEP_FLAGS = _named(bool)
STEP_NAMES = frozenset(fields(StepRecord))
