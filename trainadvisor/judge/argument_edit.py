"""Changes one argument of a call in a line of the user's code."""

import ast

POSITIONS = {
    "SGD": ("params", "lr", "momentum", "dampening", "weight_decay"),
    "Adam": ("params", "lr", "betas", "eps", "weight_decay"),
    "AdamW": ("params", "lr", "betas", "eps", "weight_decay"),
    "RMSprop": ("params", "lr", "alpha", "eps", "weight_decay", "momentum"),
    "Adagrad": ("params", "lr", "lr_decay", "weight_decay"),
    "DataLoader": ("dataset", "batch_size", "shuffle", "sampler", "batch_sampler", "num_workers"),
    "Dropout": ("p", "inplace"),
    "dropout": ("input", "p", "training"),
    "clip_grad_norm_": ("parameters", "max_norm", "norm_type"),
    "StepLR": ("optimizer", "step_size", "gamma"),
    "ExponentialLR": ("optimizer", "gamma"),
    "CosineAnnealingLR": ("optimizer", "T_max", "eta_min"),
    "RNN": ("input_size", "hidden_size", "num_layers", "nonlinearity", "bias", "batch_first"),
    "LSTM": ("input_size", "hidden_size", "num_layers", "bias", "batch_first"),
    "GRU": ("input_size", "hidden_size", "num_layers", "bias", "batch_first"),
    "MultiheadAttention": ("embed_dim", "num_heads", "dropout", "bias"),
    "TransformerEncoderLayer": ("d_model", "nhead", "dim_feedforward", "dropout"),
    "TransformerDecoderLayer": ("d_model", "nhead", "dim_feedforward", "dropout"),
    "Transformer": ("d_model", "nhead", "num_encoder_layers", "num_decoder_layers"),
    "OneCycleLR": ("optimizer", "max_lr", "total_steps", "epochs", "steps_per_epoch"),
}


def rewrite(code: str, argument: str, value: str, called: str = "") -> str | None:
    """Return the line with the argument set, or None when the line cannot be read or already says so."""
    call = _call(code, argument, called)
    if call is None or _parsed(value) is None:
        return None
    changed = _changed(code, call, argument, value)
    return changed if changed not in (None, code) and _parsed(changed) is not None else None


def _parsed(code: str) -> ast.AST | None:
    """Parse a line by itself, or as the head of a block."""
    for text in (code, f"{code} pass"):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _call(code: str, argument: str, called: str) -> ast.Call | None:
    """Return the call of the wanted name or the one that names the argument; without a name the outermost one."""
    tree = _parsed(code)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree else []
    named = [call for call in calls if called and _name(call) == called]
    holding = [call for call in named or calls if _present(call, argument)]
    return next(iter(holding or named or ([] if called else calls)), None)


def _name(call: ast.Call) -> str:
    return (
        call.func.attr
        if isinstance(call.func, ast.Attribute)
        else call.func.id
        if isinstance(call.func, ast.Name)
        else ""
    )


def _present(call: ast.Call, argument: str) -> ast.expr | None:
    """Return the node of an argument given by name or by a known position."""
    for keyword in call.keywords:
        if keyword.arg == argument:
            return keyword.value
    names = POSITIONS.get(_name(call), ())
    if argument in names and not any(isinstance(a, ast.Starred) for a in call.args):
        place = names.index(argument)
        return call.args[place] if place < len(call.args) else None
    return None


def _changed(code: str, call: ast.Call, argument: str, value: str) -> str | None:
    present = _present(call, argument)
    if present is not None:
        return _spliced(code, present.col_offset, present.end_col_offset or 0, value)
    if any(keyword.arg is None for keyword in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        return None  # the argument may be hidden in *args or **kwargs
    end = (call.end_col_offset or 0) - 1
    separator = _separator(code, call, end)
    return _spliced(code, end, end, f"{separator}{argument}={value}")


def _separator(code: str, call: ast.Call, end: int) -> str:
    if not call.args and not call.keywords:
        return ""
    before = code.encode()[:end].decode().rstrip()
    return " " if before.endswith(",") else ", "


def _spliced(code: str, start: int, end: int, value: str) -> str:
    raw = code.encode()  # offsets of the ast module count bytes
    return (raw[:start] + value.encode() + raw[end:]).decode()
