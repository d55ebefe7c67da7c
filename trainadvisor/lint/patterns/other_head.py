"""A new last layer under a name that the model does not call: the old one goes on answering."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

NAMES = frozenset({"fc", "classifier", "head", "heads", "last_linear"})
# What the last layer is called, by how the name of a model begins: of timm, and of torchvision;
# not where it is a part with a pooling of its own, which a layer cannot stand for.
TIMM = {
    "fc": re.compile(r"(resnet\d|resnext|wide_resnet|seresnet|ecaresnet|res2net|inception_v3)"),
    "classifier": re.compile(r"(tf_)?(efficientnet|mobilenetv[23]|densenet|mnasnet|ghostnet)"),
    "head": re.compile(r"(vit_|deit|beit|mixer_|cait|eva02)"),
}
VISION = {
    "fc": re.compile(r"(resnet|resnext|wide_resnet|googlenet|inception|regnet|shufflenet)"),
    "classifier": re.compile(r"(alexnet|vgg|densenet|mobilenet|efficientnet|mnasnet)"),
    "head": re.compile(r"swin"),
    "heads": re.compile(r"vit_"),
}


@pattern("attribute", "wanted", words=(("create_model", "torchvision"), tuple(f".{name} = " for name in sorted(NAMES))))
def attribute_without_effect(training: Training) -> Iterator[Match]:
    """Yield layers that are given to a model of timm or torchvision as its last one, under another model's name."""
    for node in training.script.of_type(ast.Assign):
        target, layer = node.targets[0], node.value
        if not isinstance(target, ast.Attribute) or target.attr not in NAMES or not isinstance(layer, ast.Call):
            continue
        made = training.made(target.value)
        name = _head(training, made) if made is not None else ""
        if name and name != target.attr and training.script.full(layer.func).startswith("torch.nn."):
            owner = ast.unparse(target.value)
            wanted = f"{owner}.{name} = {ast.unparse(layer)}"
            fix = (replaced(training.source, target, f"{owner}.{name}"),)
            yield Match(node, {"attribute": ast.unparse(target), "wanted": wanted}, made, fix)


def _head(training: Training, made: ast.Call) -> str:
    """Return what the last layer of a model is called, "" where that is not known."""
    full = training.script.full(made.func)
    known: dict[str, re.Pattern[str]] = {}
    name = called(made)
    if full.startswith("timm.") and name == "create_model" and made.args:
        known, name = TIMM, str(constant(made.args[0]))
    elif full.startswith("torchvision.models."):
        known = VISION
    return next((head for head, names in known.items() if names.match(name)), "")
