"""Probe: what a policy's or a preference loss shows at sampled steps: ratios, entropy, explained variance, margins."""

from collections import Counter
from typing import Any

import torch

from trainadvisor.record.context import Context, probe
from trainadvisor.record.losses.explained_values import explained_variances
from trainadvisor.record.losses.log_probabilities import is_density, mean_entropy, source_of
from trainadvisor.record.losses.loss_factors import policy_terms
from trainadvisor.record.losses.policy_ratios import entropy_weight, is_clipped, ratio_of
from trainadvisor.record.losses.preference_margins import preference_of

# Samples of a loss that showed none of these, after which it is not asked again.
_TRIED = 4
# How far from 1 a ratio is that the usual clipping cuts.
_CLIP = 0.2


@probe(order=60)
class PolicyStatisticsProbe:
    """Reads a few numbers off the graph at a loss's first step and at the steps whose gradients are sampled."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._looked: set[Any] = set()
        self._without: Counter[Any] = Counter()
        self._has_policy = False

    def on_backward_begins(self, *_: Any) -> None:
        """Look at the loss while its graph is there."""
        step, root = self._context.step, self._context.losses.last_root
        loss = step.fields.get("loss_id")
        wanted = step.sample_gradients or loss not in self._looked
        if root is None or not wanted or self._without[loss] >= _TRIED:
            return
        self._looked.add(loss)
        with torch.no_grad():
            found = self._policy(root) | self._preference(root)
        if not found:
            self._without[loss] += 1
        for name, value in found.items():
            self._write(name, value)

    def _policy(self, root: Any) -> dict[str, Any]:
        """Return what the loss of a policy or of its value function shows."""
        found: dict[str, Any] = {}
        weighed = list(policy_terms(root))
        terms = [node for node, _ in weighed]
        self._has_policy |= bool(terms)
        factor = next((factor for term, factor in weighed if source_of(term) or is_density(term)), None)
        ratio = next((ratio for ratio in map(ratio_of, terms) if ratio is not None), None)
        if not any(map(is_clipped, terms)):
            ratio = None
        if ratio is not None:
            ratio = ratio.float()
            found = {"policy_ratio": ratio.mean(), "policy_ratio_far": (~((ratio - 1).abs() <= _CLIP)).float().mean(),
                     "policy_ratio_gap": ratio.log().abs().mean()}  # fmt: skip
        if factor is not None:
            found["factor_mixed"] = ((factor > 0).any() & (factor < 0).any()).float()
        source = next((source for source in map(source_of, terms) if source is not None), None)
        entropy = None if source is None else mean_entropy(source)
        if entropy is not None:
            found["policy_entropy"] = entropy
        weight = entropy_weight(root) if terms else None
        if weight is not None:
            found["policy_entropy_weight"] = weight
        variances = explained_variances(root) if self._has_policy else []
        return found | ({"value_explained_variance": variances[0]} if variances else {})

    def _preference(self, root: Any) -> dict[str, Any]:
        """Return what the loss of a preference training shows."""
        preference = preference_of(root)
        if preference is None:
            return {}
        return {"preference_margin": preference.margins.float().abs().mean(), "preference_beta": preference.beta}

    def _write(self, name: str, value: torch.Tensor | float) -> None:
        """Put a number into the step's fields, now or when the device has handed it over."""
        fields = self._context.step.fields
        if not isinstance(value, torch.Tensor):
            fields[name] = value
            return

        def arrived(values: list[float]) -> None:
            fields[name] = values[0]

        self._context.step.expect(self._context.values.read(value.reshape(1)), arrived)
