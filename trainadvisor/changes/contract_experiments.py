"""The active tests of a model, made when a shortened run ends: nothing of the training is changed."""

from typing import Any

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.late_torch import private_torch, torch
from trainadvisor.changes.contracts import all_contracts
from trainadvisor.changes.contracts.case import Case, Clock, mapped, tensors_in
from trainadvisor.changes.contracts.contract import UNTESTED, Contract
from trainadvisor.changes.contracts.untestable import Untestable
from trainadvisor.changes.declaration import change
from trainadvisor.instrument.patching import graft
from trainadvisor.interruptions import from_handler


@change(
    "contracts",
    zh="在缩短的运行结束时，用脚本自己的第一个批次测试模型：样本是否独立、是否看到后文、是否有随机性、输入是否被用到。",
    limits="Models that draw random numbers, keep a state or have no batch dimension are not tested.",
    limits_zh="会抽取随机数、保留状态或没有批次维的模型不作测试。",
    acts_after_first_step=True,
)
def contracts(application: ChangeApplication, *, seconds: float = 20.0) -> None:
    """Test the model on the script's own first batch when the run ends; the training stays as it is."""
    application.patient = True
    seen = _Seen()
    application.session.undo_with(graft(private_torch.loader_iterator.__next__, seen.batch))
    application.around("forward", seen.forward)
    application.around("loss", seen.loss)

    def test() -> None:
        if seen.case is None:
            application.refuse("no model was called with gradients")
            return
        clock = Clock(seconds)
        with application.session.aside():
            outcomes = [(entry, _outcome(entry, seen.case, clock)) for entry in all_contracts()]
        for entry, detail in outcomes:
            if application.session.recorder is not None:
                application.session.recorder.event("contract", entry.name, detail)
        application.done(f"{len(outcomes)} tests on the first batch")

    application.when("end", test)


class _Seen:
    """The first call of a model in training, the target of its loss, and the batch that it came from."""

    def __init__(self) -> None:
        self.case: Case | None = None
        self._loaded: int | None = None

    def batch(self, original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Take how many examples the loader has given."""
        batch = original(*args, **kwargs)
        if self.case is None:
            size, firsts = private_torch.batch_size_of(args[0]), {t.shape[0] for t in tensors_in(batch) if t.ndim}
            self._loaded = size if firsts == {size} else None
        return batch

    def forward(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Keep the arguments of the first call with gradients."""
        if self.case is None and torch.is_grad_enabled() and args[0].training:
            given, named = mapped((args[1:], kwargs), lambda tensor: tensor.detach().clone())
            self.case = Case(args[0], given, named, loaded=self._loaded)
        return call(*args, **kwargs)

    def loss(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Keep the target of the first loss."""
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if self.case is not None and self.case.target is None and isinstance(target, torch.Tensor):
            self.case.target = target.detach().clone()
        return call(*args, **kwargs)


def _outcome(entry: Contract, case: Case, clock: Clock) -> dict[str, Any]:
    """Make one test; whatever it raises is the reason why it could not be made."""
    try:
        if clock.over:
            raise Untestable("no time was left", "没有剩余时间")  # noqa: TRY301
        outcome = entry.function(case)
    except Untestable as reason:
        return {"state": UNTESTED, "reason": reason.texts[0], "reason_zh": reason.texts[1]}
    except Exception as error:
        if from_handler(error):
            raise
        told = f"{type(error).__name__}: {error}"[:200]
        return {"state": UNTESTED, "reason": told, "reason_zh": told}
    return {"state": outcome.state, "way": outcome.way, "figures": dict(outcome.figures)}
