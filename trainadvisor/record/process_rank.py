"""Which of several training processes this is."""

import sys

from trainadvisor.log import rank_logs


def place() -> tuple[int, int]:
    """Return rank and number of processes: of torch's process group where there is one, else what the launcher set."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return rank_logs.of_environment()
