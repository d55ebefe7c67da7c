"""Probe: what a policy's or a preference loss shows at sampled steps: factors, ratios, entropy, values, margins."""

from typing import Any

import torch

from trainadvisor.record.context import Context, probe
from trainadvisor.record.losses.explained_values import explained_variances
from trainadvisor.record.losses.log_probabilities import is_density, likeliest, mean_entropy, source_of
from trainadvisor.record.losses.loss_factors import Weighed, policy_terms
from trainadvisor.record.losses.policy_ratios import entropy_weight, is_clipped, own_ratio_of, ratio_of
from trainadvisor.record.losses.preference_margins import preference_of

# Steps after which a loss that showed none of these is not asked again.
_TRIED = 30
# How far from 1 a ratio is that the usual clipping cuts.
_CLIP = 0.2
# Share of the weight that factors of the rarer sign have at least, where both signs are those of advantages. Centered
# advantages have a half; examples that are to be unlearned had 0.01 to 0.1 in supervised trainings.
_BOTH = 0.2
# What rounding leaves of the difference of a reward from the mean of equal ones.
_ZERO = 1e-6


@probe(order=60)
class PolicyStatisticsProbe:
    """Reads a few numbers off the graph at a loss's first step and at the steps whose gradients are sampled."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # Losses (numbers) with the step at which each was first looked at, and those that showed something.
        self._first: dict[Any, int] = {}
        self._telling: set[Any] = set()
        self._has_policy = False

    def on_backward_begins(self, *_: Any) -> None:
        """Look at the loss while its graph is there."""
        step, root = self._context.step, self._context.losses.last_root
        loss = step.fields.get("loss_id")
        if root is None or not (loss not in self._first or (step.sample_gradients and self._is_asked(loss))):
            return
        self._first.setdefault(loss, step.number)
        with torch.no_grad():
            found = self._policy(root) | self._preference(root)
        if found:
            self._telling.add(loss)
        for name, value in found.items():
            self._write(name, value)

    def _is_asked(self, loss: Any) -> bool:
        return loss in self._telling or self._context.step.number - self._first[loss] <= _TRIED

    def _policy(self, root: Any) -> dict[str, Any]:
        """Return what the loss of a policy or of its value function shows."""
        weighed = list(policy_terms(root))
        terms = [node for node, _ in weighed]
        self._has_policy |= bool(terms)
        found: dict[str, Any] = {**_factors(weighed), **_ratios(terms), **_own_ratios(terms)}
        found |= _choices(terms)
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
            # of the parts of an accumulated step one with an advantage is enough
            fields[name] = min(values[0], fields.get(name, 1.0)) if name == "factor_zero" else values[0]

        self._context.step.expect(self._context.values.read(value.reshape(1)), arrived)


def _factors(weighed: list[Weighed]) -> dict[str, torch.Tensor]:
    """Return whether all factors of log-probabilities are zero, and whether one has both signs as advantages have."""
    if not weighed:
        return {}
    some = torch.stack([(factor.abs() > _ZERO).any() for _, factor in weighed]).all()
    found = {"factor_zero": (~some).float()}
    factor = next((factor for term, factor in weighed if source_of(term) or is_density(term)), None)
    if factor is not None:
        above, below = factor.clamp_min(0).sum(), (-factor).clamp_min(0).sum()
        found["factor_mixed"] = (torch.minimum(above, below) > _BOTH * (above + below)).float()
    return found


def _ratios(terms: list[Any]) -> dict[str, torch.Tensor]:
    """Return how far the ratios of new to old probabilities are from 1, where the loss clips them."""
    ratio = next((ratio for ratio in map(ratio_of, terms) if ratio is not None), None)
    if ratio is None or not any(map(is_clipped, terms)):
        return {}
    ratio = ratio.float()
    far = (~((ratio - 1).abs() <= _CLIP)).float().mean()
    return {"policy_ratio": ratio.mean(), "policy_ratio_far": far, "policy_ratio_gap": ratio.log().abs().mean()}


def _own_ratios(terms: list[Any]) -> dict[str, torch.Tensor]:
    """Return how far from 1 a ratio gets whose old probabilities have a gradient, too."""
    ratio = next((ratio for ratio in map(own_ratio_of, terms) if ratio is not None), None)
    return {} if ratio is None else {"policy_own_ratio_gap": (ratio.float() - 1).abs().max()}


def _choices(terms: list[Any]) -> dict[str, torch.Tensor]:
    """Return the entropy of the policy, and how often the choice made is the likeliest one."""
    term, source = next(((term, source) for term in terms if (source := source_of(term)) is not None), (None, None))
    entropy = None if source is None else mean_entropy(source)
    if entropy is None:
        return {}
    told, made = {"policy_entropy": entropy}, likeliest(term, source)
    return told if made is None else told | {"policy_likeliest": made[0], "policy_likeliest_drawn": made[1]}
