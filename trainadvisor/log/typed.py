"""The type of each field of a log: values of another type are dropped while reading, so no other code meets them."""

from typing import Any

from trainadvisor.log.value_checks import (
    Check,
    either,
    is_count,
    is_finite,
    is_flag,
    is_list,
    is_number,
    is_object,
    is_text,
    is_whole,
    list_of,
)


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(list_of(is_count), value))  # noqa: PLR2004


FIELDS: dict[Check, str] = {
    is_flag: """
        accumulation_divided backed_off binary by_example compiled cosines drop_last floating given
        in_unit_interval integer integer_valued iterable live loaded log_input manual_updates module nonnegative
        opaque persistent pin_memory probabilities replicated shuffle soft trainable weighted care earlier full""",
    is_whole: "format id line model ignore_index loss_id rank series step table",
    is_count: """
        accumulated_steps accumulation after backward batch_size batches classes classes_predicted cleared_backwards
        clip_before_unscale clip_calls compared constant_features cores eval_mode_train_forward examples features fan_in
        forward divided_in gradients_every identical_batches layers_every linear_layers nonfinite nonlinear_ops
        planned_steps scaler_skips scaler_steps scheduler_before_optimizer skipped stale_steps steps
        step_without_grad tensors threads train_forward train_mode_eval_forward trainings_left_out units
        unknown_parameters unscale_calls
        gradless_optimizers graphless_backwards workers world_size zero_between_backward_and_step zero_grad""",
    is_number: """
        above_one_share abs_deviation abs_max abs_mean accuracy batch_entropy batch_entropy_expected batch_spread
        budget entropy_columns feature_mean_max_abs feature_offset_max feature_std_max feature_std_median
        feature_std_min floor given_spread ignored_share init_rms init_std interleaving label_smoothing
        labels_found late_value logsumexp_abs_max loss majority_share
        max max_overhead mean min negative_share out_of_range output_spread r2 row_sum_max row_sum_min scalars seed
        share std terms trivial trivial_estimate variance variance_columns""",
    is_text: """
        class code created dataset device device_name dtype file job kind layer matmul_precision message mode name op
        output_activation phase platform python reason reduction role sampler script script_mark softmax_inputs source
        split subject tool torch type""",
    is_object: "detail facts graph metrics prediction recorder samples scheduler_steps site target",
    list_of(is_text): "argv ops train_mode_modules",
    list_of(is_count): "shape",
    list_of(is_finite): "histogram weights",
    is_list: "loaders models optimizers schedulers rows sums varied",
    either(is_list, is_object): "losses",
    either(is_whole, is_flag): "optimizer",
    _pair: "broadcast",
}
GIVEN: dict[Check, str] = {
    is_count: """
        embed_dim embedding_dim groups hidden_size in_channels in_features input_size num_embeddings num_features
        num_heads num_layers out_channels out_features""",
    is_flag: "affine bidirectional track_running_stats",
    is_number: "p weight_decay eps alpha momentum",
    list_of(is_number): "betas",
}
# Objects whose fields others name: torch's modules and optimizers, or the user.
FREE = frozenset({"facts", "groups", "metrics", "samples", "scheduler_steps", "seconds"})


def _by_name(table: dict[Check, str]) -> dict[str, Check]:
    return {name: check for check, names in table.items() for name in names.split()}


_FIELDS, _GIVEN = _by_name(FIELDS), {name: _by_name(GIVEN) if name in {"facts", "groups"} else {} for name in FREE}


def check_of(field: str, holder: str = "") -> Check | None:
    """Return what a value of a field has to pass, in an object that is itself the value of the field named second."""
    return _GIVEN.get(holder, _FIELDS).get(field)
