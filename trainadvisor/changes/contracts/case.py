"""What the tests are made on: a model of the script with its own first batch, and ways of running it aside."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from trainadvisor import clocks
from trainadvisor.changes.applying.late_torch import nn, private_torch, torch
from trainadvisor.changes.contracts.untestable import Untestable

# Share of the places at which the label is the next element, from which on that is what is taught.
_NEXT = 0.95
_IMAGE = 4
_MATRIX = 2


@dataclass
class Case:
    """A model, the arguments of its first call in training, and what is known of the batch."""

    model: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    # The target of the first loss, and the examples that a loader gave, where there were any.
    target: Any = None
    loaded: int | None = None

    def __post_init__(self) -> None:
        """Begin with nothing known of the output."""
        self._rows: int | None = None

    # What goes in

    def inputs(self) -> list[Any]:
        """Return the tensors that go in, the first ones first."""
        return [tensor for tensor in tensors_in([self.args, self.kwargs]) if tensor.ndim]

    def examples(self) -> int:
        """Return the number of examples in the batch; raise Untestable where that is not known."""
        given, answer = self.inputs(), self.run(self.args, self.kwargs)
        if not given:
            raise Untestable("the model is called without a tensor", "调用模型时没有传入张量")
        first = int(given[0].shape[0])
        certain = self.teaches_next() or self._is_batch(first, given[0], answer)
        known = self.loaded if self.loaded is not None else first if certain else None
        if known is None or known != first or answer.shape[0] % first:
            raise Untestable("which dimension is the batch is not known", "不知道哪一维是批次")
        if first < 2:
            raise Untestable("the batch holds one example", "批次中只有一个样本")
        return first

    def _is_batch(self, first: int, given: Any, answer: Any) -> bool:
        """Return whether the first dimension can be nothing but the batch, though no loader has given it."""
        same = (
            answer.shape[0] == first and self.target is not None and self.target.ndim and self.target.shape[0] == first
        )
        return bool(same and (given.ndim >= _IMAGE or answer.ndim <= _MATRIX >= self.target.ndim))

    def teaches_next(self) -> bool:
        """Return whether the labels are the elements one place further on: all, or those of the end."""
        tokens, target = self.inputs()[0], self.target
        if target is None or tokens.ndim < _MATRIX or target.is_floating_point() != tokens.is_floating_point():
            return False
        count, length = tokens.shape[:2]
        taught = target.numel() * length // max(tokens.numel(), 1)
        if not 1 < taught <= length or target.numel() * length != tokens.numel() * taught:
            return False
        labels = target.reshape(count, taught, *tokens.shape[2:])
        outside = labels[:, :-1] == tokens[:, length - taught + 1 :]
        inside = labels == tokens[:, 1:] if taught == length - 1 else outside
        return max(float(outside.float().mean()), float(inside.float().mean())) >= _NEXT

    # Running the model

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the model's answer in eval mode: its first floating tensor with dimensions."""
        with evaluating(self.model), torch.backends.cudnn.flags(enabled=False):
            output = self.model(*args, **kwargs)
        answers = [tensor for tensor in tensors_in(output) if tensor.ndim and tensor.is_floating_point()]
        if not answers:
            raise Untestable("the model returns no tensor with a value for each example", "模型没有为每个样本返回张量")
        answer = max(answers, key=lambda tensor: tensor.ndim) if isinstance(output, dict) else answers[0]
        if not bool(torch.isfinite(answer).all()):
            raise Untestable("the answers are not finite", "输出不是有限值")
        return answer

    def changed(self, change: Callable[[Any], Any]) -> Any:
        """Return the answer to inputs that were changed one by one."""
        with torch.no_grad():
            return self.run(mapped(self.args, change), mapped(self.kwargs, change))

    def plain(self) -> Any:
        """Return the answer to the batch as it is."""
        return self.changed(lambda tensor: tensor)

    def steady(self) -> Any:
        """Return the answer to the batch as it is; raise Untestable where it is another one the next time."""
        first, second = self.plain(), self.plain()
        if first.shape != second.shape or float((first - second).abs().max()) > rounding(first):
            raise Untestable("the same batch gives two answers in eval mode", "eval 模式下同一批次两次输出不同")
        return first

    def traced(self) -> tuple[Any, list[Any]]:
        """Return the answer with its graph, and the inputs in it: of indices what embeddings make of them."""
        first = self.inputs()[0].shape[0]
        leaves: list[Any] = []

        def leaf(tensor: Any) -> Any:
            if not tensor.is_floating_point() or not tensor.ndim or tensor.shape[0] != first:
                return tensor
            leaves.append(tensor.detach().clone().requires_grad_())
            return leaves[-1]

        with torch.enable_grad():
            args, kwargs = mapped(self.args, leaf), mapped(self.kwargs, leaf)
            if leaves:
                return self.run(args, kwargs), leaves
            with _embedded(self.model, first, leaves):
                answer = self.run(args, kwargs)
        if not leaves:
            raise Untestable(
                "its inputs are whole numbers and reach no nn.Embedding", "输入为整数，且未经过 nn.Embedding"
            )
        return answer, leaves


@contextmanager
def _embedded(model: Any, first: int, leaves: list[Any]) -> Iterator[None]:
    """Let the outputs of embeddings stand for the inputs."""

    def hook(_: Any, given: tuple[Any, ...], output: Any) -> Any:
        if not given or given[0].ndim < 1 or given[0].shape[0] != first:
            return output
        leaves.append(output.detach().clone().requires_grad_())
        return leaves[-1]

    handles = [layer.register_forward_hook(hook) for layer in model.modules() if isinstance(layer, nn.Embedding)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Put a model into eval mode; its modes and buffers are put back."""
    modes = [(module, module.training) for module in model.modules()]
    kept = [buffer for buffer in model.buffers() if not buffer.is_inference()]
    buffers = [(buffer, buffer.detach().clone(), private_torch.version(buffer)) for buffer in kept]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        with torch.no_grad():
            for buffer, before, version in buffers:
                if private_torch.version(buffer) != version:  # a graph may need the others
                    buffer.copy_(before)


def tensors_in(value: Any) -> list[Any]:
    """Return the tensors in nested lists, tuples, dictionaries and dataclass-like objects."""
    if isinstance(value, torch.Tensor):
        return [value]
    if hasattr(value, "__dataclass_fields__"):
        return [tensor for key in value.__dataclass_fields__ for tensor in tensors_in(getattr(value, key))]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [tensor for item in inner for tensor in tensors_in(item)]


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return nested arguments with each tensor changed."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(mapped(item, change) for item in value)
    return value


def rounding(answer: Any) -> float:
    """Return what two computations of an answer may differ by."""
    return 1e-5 * float(answer.abs().max()) + 1e-12


class Clock:
    """The time that all tests together may take."""

    def __init__(self, seconds: float) -> None:
        self._ends = clocks.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Return whether it is used up."""
        return clocks.monotonic() > self._ends
