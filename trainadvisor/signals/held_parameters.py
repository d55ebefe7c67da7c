"""Which parameters (by number) the optimizers of a run hold, now and in its earlier phases."""

from trainadvisor.log.reader import RunLog


def held(log: RunLog) -> set[int]:
    """Return the numbers of the parameters that any optimizer holds."""
    return {number for optimizer in log.optimizers for group in optimizer["groups"] for number in group["parameters"]}


def held_by(log: RunLog, optimizer: int) -> set[int]:
    """Return the numbers of the parameters that one optimizer holds."""
    groups = [group for told in log.optimizers if told["id"] == optimizer for group in told["groups"]]
    return {number for group in groups for number in group["parameters"]}


def held_now(log: RunLog) -> set[int]:
    """Return the numbers of the parameters that the optimizers of the main phase hold; an earlier one may be gone."""
    used = [optimizer for optimizer in log.optimizers if optimizer["id"] in log.phase.optimizers] or log.optimizers
    return {number for optimizer in used for group in optimizer["groups"] for number in group["parameters"]}


def trained_before(log: RunLog) -> set[int]:
    """Return the numbers of the parameters that optimizers of earlier phases have trained: they are random no more."""
    used = {number for phase in log.phases if phase.stop <= log.phase.start for number in phase.optimizers}
    return set().union(*(held_by(log, optimizer) for optimizer in used))
