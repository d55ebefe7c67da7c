"""The ids that a model's own configuration names as the end of a text, as those of transformers do."""

from torch import nn

from trainadvisor.instrument import module_tables
from trainadvisor.instrument.user_attributes import attribute


def declared_stops(root: nn.Module) -> set[int]:
    """Return the ids that end a text by the configuration of a model or of one that it wraps; none without one."""
    for module in module_tables.modules(root):
        told = attribute(attribute(module, "config"), "eos_token_id")
        ids = {one for one in (told if isinstance(told, list) else [told]) if type(one) is int}
        if ids:
            return ids
    return set()
