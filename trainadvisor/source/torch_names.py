"""What the names of torch do: which layers, functions and losses there are, and what each expects or gives."""

from __future__ import annotations

# Layers that apply a function to each number or row.
ACTIVATIONS = {
    "Softmax": "softmax", "Softmax2d": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid", "Tanh": "tanh",
    "LogSigmoid": "log_sigmoid", "ReLU": "relu", "ReLU6": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu",
    "GELU": "gelu", "SiLU": "silu", "SELU": "selu", "Softplus": "softplus", "PReLU": "prelu", "Hardtanh": "hardtanh",
    "Mish": "mish", "Softmin": "softmin", "Softsign": "softsign", "Hardswish": "hardswish", "CELU": "celu",
}  # fmt: skip
# Functions and methods of tensors, by what they do to a value.
FUNCTIONS = {
    "softmax": "softmax", "log_softmax": "log_softmax", "sigmoid": "sigmoid", "sigmoid_": "sigmoid", "tanh": "tanh",
    "logsigmoid": "log_sigmoid", "relu": "relu", "relu_": "relu", "relu6": "relu", "leaky_relu": "leaky_relu",
    "elu": "elu", "gelu": "gelu", "silu": "silu", "selu": "selu", "softplus": "softplus", "expit": "sigmoid",
    "hardtanh": "hardtanh", "mish": "mish", "log": "log", "exp": "exp", "argmax": "argmax", "round": "round",
    "detach": "detach", "item": "item", "numpy": "numpy", "sign": "sign", "floor": "floor", "ceil": "ceil",
    "sin": "sin", "cos": "cos", "sqrt": "sqrt", "square": "square", "abs": "abs", "pow": "pow", "clamp": "clamp",
}  # fmt: skip
# Layers that add and multiply: their outputs are any numbers.
LINEAR = frozenset({"Linear", "LazyLinear", "Bilinear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d",
                    "ConvTranspose2d", "ConvTranspose3d"})  # fmt: skip
# Methods that leave the numbers as they are.
SHAPES = frozenset({
    "view", "reshape", "squeeze", "unsqueeze", "flatten", "permute", "transpose", "contiguous", "float", "double",
    "half", "to", "cuda", "cpu", "type", "clone", "expand", "repeat", "t", "squeeze_", "unsqueeze_", "view_as",
    "type_as", "bfloat16", "swapaxes", "movedim", "reshape_as", "ravel", "requires_grad_",
})  # fmt: skip
SHAPE_FUNCTIONS = frozenset({"squeeze", "unsqueeze", "flatten", "permute", "transpose", "reshape", "ravel"})
# Layers that leave the kind of the numbers as it is.
PLAIN_LAYERS = frozenset({"Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "Identity", "Flatten",
                          "Unflatten"})  # fmt: skip
# Classes and functions of losses, by the name of the function.
LOSSES = {
    "CrossEntropyLoss": "cross_entropy", "cross_entropy": "cross_entropy", "NLLLoss": "nll_loss",
    "nll_loss": "nll_loss", "BCELoss": "binary_cross_entropy", "binary_cross_entropy": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits": "binary_cross_entropy_with_logits",
    "MultiLabelSoftMarginLoss": "multilabel_soft_margin_loss", "KLDivLoss": "kl_div", "kl_div": "kl_div",
    "MSELoss": "mse_loss", "mse_loss": "mse_loss", "L1Loss": "l1_loss", "l1_loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss", "smooth_l1_loss": "smooth_l1_loss", "HuberLoss": "huber_loss",
    "huber_loss": "huber_loss", "CTCLoss": "ctc_loss", "ctc_loss": "ctc_loss",
    "PoissonNLLLoss": "poisson_nll_loss", "poisson_nll_loss": "poisson_nll_loss",
}  # fmt: skip
LOSS_AREAS = ("torch.nn.", "torch.nn.functional.", "torch.nn.modules.loss.")
OPTIMIZERS = frozenset({
    "SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop", "LBFGS",
    "SparseAdam", "Adafactor", "Muon", "Lamb", "Lion",
})  # fmt: skip
SCHEDULERS = frozenset({
    "StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "ReduceLROnPlateau", "OneCycleLR", "CyclicLR",
    "LambdaLR", "MultiplicativeLR", "CosineAnnealingWarmRestarts", "LinearLR", "PolynomialLR", "ConstantLR",
    "SequentialLR", "ChainedScheduler",
})  # fmt: skip


def last(full: str) -> str:
    """Return the last part of a dotted name."""
    return full.rpartition(".")[2]


def layer(full: str) -> str:
    """Return the name of a layer of torch.nn, "" where it is none."""
    area, _, name = full.rpartition(".")
    return name if area == "torch.nn" or area.startswith("torch.nn.modules") else ""


def loss(full: str) -> str:
    """Return the function of a loss, given its class or function; "" where it is none."""
    area = full.rpartition(".")[0] + "."
    return LOSSES.get(last(full), "") if area in LOSS_AREAS or full.startswith("torch.nn.modules.loss") else ""
