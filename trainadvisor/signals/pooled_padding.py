"""Whether rows of different lengths are averaged with their padding."""

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curves import imported

POOLED = {
    "needs": "a run with trainadvisor run of a model that averages embedded ids",
    "zh": "用 trainadvisor run 运行对嵌入取平均的模型",
    "about": "no-pooled-places",
}
# Rows of that many different lengths: padding, and not a last word that all rows have.
_LENGTHS = 3


@signal(unit="share", **POOLED)
def pooled_padding_share(log: RunLog) -> float | None:
    """Share of padding in what is averaged over the places of rows, of ids that stand nowhere else; 0: none.

    Of tables without `padding_idx` alone, whose row for padding is trained.
    """
    told = next((event["detail"] for event in reversed(log.events) if event["kind"] == "pooled-padding"), None)
    if told is None:
        return None if imported(log) else 0.0
    known = told["lengths"] >= _LENGTHS and not told["elsewhere"] and told["places"]
    return told["padding"] / told["places"] if known else 0.0
