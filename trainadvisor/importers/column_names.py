"""Which columns of a table are taken as what, decided once over its first rows."""

from collections import Counter
from dataclasses import dataclass, field

from trainadvisor.importers.field_values import number
from trainadvisor.importers.metric_names import HELD_OUT, TRAIN, is_accuracy, meaning, words_of
from trainadvisor.importers.table import Row, Table

SUMMED_AT_LEAST = 2
MOST_LISTED = 4
MOST_BESIDE = 32
MOST_FIGURES = 64
SINGLE = {"step", "epoch", "loss", "eval_loss", "grad_norm"}
# What a column called ELBO is where its values are negative, and words that say that it is to fall nevertheless.
RAISED = {"loss": "train_metric", "part": "train_metric", "eval_loss": "metric", "eval_part": "metric"}
LOWERED = {"loss", "neg", "negative", "nelbo"}


@dataclass
class Columns:
    """The chosen columns by what they are taken as."""

    step: str | None = None
    epoch: str | None = None
    loss: list[str] = field(default_factory=list)
    eval_loss: list[str] = field(default_factory=list)
    lr: list[str] = field(default_factory=list)
    grad_norm: str | None = None
    accuracy: str | None = None
    metrics: set[str] = field(default_factory=set)
    # Parts of the training loss and figures of training beside it, kept under their names.
    beside: set[str] = field(default_factory=set)
    # Figures that do not say of which data they are: of held-out data in a row with a validation loss.
    unsaid: set[str] = field(default_factory=set)

    @property
    def useful(self) -> bool:
        """Return whether anything can be judged by these."""
        return bool(self.loss or self.eval_loss or self.metrics)


def chosen(rows: list[Row], table: Table) -> Columns:
    """Choose among the columns of the first rows: the plainest name, and of those the one with most values."""
    counts = Counter(name for row in rows for name, value in row.items() if number(value) is not None)
    by_role: dict[str, list[str]] = {}
    for name in counts:
        by_role.setdefault(table.roles.get(name) or _role(name, rows), []).append(name)
    for names in by_role.values():
        names.sort(key=lambda name: (-_share(counts[name], counts), meaning(name).rank, name))
    first = {role: names[0] for role, names in by_role.items() if role in SINGLE}
    found = Columns(first.get("step"), first.get("epoch"), grad_norm=first.get("grad_norm"))
    found.metrics = set(by_role.get("metric", []))
    found.loss = _whole(first.get("loss"), by_role.get("part", []))
    found.eval_loss = _whole(first.get("eval_loss"), by_role.get("eval_part", []))
    found.lr = sorted(by_role.get("lr", []))[:16]
    alone = [name for name in by_role.get("train_metric", []) if _is_alone(name, found.metrics)]
    if found.eval_loss:
        found.metrics.update(alone)
        found.unsaid = set(alone)
    found.metrics.update(by_role.get("eval_part", [])[:MOST_BESIDE])
    if not found.useful:
        found.metrics.update(alone)
    beside = by_role.get("part", []) + by_role.get("train_metric", [])
    found.beside = set([name for name in beside if name not in found.metrics][:MOST_BESIDE])
    found.beside.update(by_role.get("figure", [])[:MOST_FIGURES])
    found.accuracy = next((name for name in by_role.get("train_metric", []) if is_accuracy(name)), None)
    return found


def _role(name: str, rows: list[Row]) -> str:
    """Return what a column is by its name; a bound on the likelihood that is negative is raised, not lowered."""
    role, words = meaning(name).role, set(words_of(name))
    if "elbo" not in words or words & LOWERED or role not in RAISED:
        return role
    values = [value for row in rows if (value := number(row.get(name))) is not None]
    return RAISED[role] if sum(value < 0 for value in values) > len(values) // 2 else role


def _is_alone(name: str, held_out: set[str]) -> bool:
    """Return whether a figure that does not say of which data it is has no twin of held-out data, nor says training."""
    words = set(words_of(name))
    twins = [set(words_of(other)) - HELD_OUT for other in held_out]
    return not words & TRAIN and words not in twins


def _share(count: int, counts: Counter[str]) -> int:
    """Return how often a column is filled, in quarters of the most filled one: a rare column is no curve."""
    return 4 * count // max(counts.values())


def _whole(plain: str | None, parts: list[str]) -> list[str]:
    """Return the column of the loss, or its parts where nothing says their sum."""
    if plain is not None:
        return [plain]
    return sorted(parts) if len(parts) >= SUMMED_AT_LEAST else parts


def told(columns: Columns) -> list[str]:
    """Return how the columns were understood, for whoever wants to check it."""
    taken = {
        "training loss": columns.loss,
        "validation loss": columns.eval_loss,
        "learning rate": columns.lr,
        "step": [columns.step] if columns.step else [],
    }
    return [f"{_listed(names)} = {meant}" for meant, names in taken.items() if names]


def _listed(names: list[str]) -> str:
    shown = " + ".join(names[:MOST_LISTED])
    return f"{shown} + ..." if len(names) > MOST_LISTED else shown
