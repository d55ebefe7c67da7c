"""The form of a rule file, checked by `trainadvisor rules check` and for users' folders."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from trainadvisor.errors import did_you_mean
from trainadvisor.toml import LARGEST_NUMBER
from trainadvisor.vocabulary import Evidence, Severity

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Number = Annotated[FiniteFloat | int, Field(gt=-LARGEST_NUMBER, lt=LARGEST_NUMBER)]
# The place that an event of this name tells.
EventSite = Annotated[str, Field(pattern=r"^event:[a-z-]+$")]
Object = Literal["optimizer", "loss", "evaluated-loss", "model", "loader", "held-out", "scheduler"]
Weight = Annotated[FiniteFloat, Field(gt=0, le=1)]
Lines = Annotated[list[Text], Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Threshold(_Table):
    """A number and the measurement that it comes from."""

    value: Number
    because: Text


class Context(_Table):
    """Kinds of training in which a rule abstains, or is one level milder."""

    off: list[str] = []
    soften: list[str] = []


class Edit(_Table):
    """An argument to rewrite in the user's own line."""

    argument: Text
    to: Text


class Remedy(_Table):
    """One thing to change."""

    change: Text | None = None
    arguments: dict[str, Any] = {}
    applies: Literal["paste", "adapt", "try", "redesign"]
    edit: Edit | None = None
    code: str = ""
    # The branches in which it helps; all where none is named.
    branches: list[Text] = []
    en: Text
    zh: Text


class Lookalike(_Table):
    """A rule that looks the same and how one tells that it is not."""

    code: Text
    en: Text
    zh: Text


class Rival(_Table):
    """A rule whose remedies are opposite, and the test that tells which of the two holds."""

    code: Text
    change: Text | None = None
    en: Text
    zh: Text


class BranchTexts(_Table):
    """What a branch says in one language; the rest is said by the rule."""

    finding: Text | None = None
    cause: Text | None = None
    verify: Text | None = None
    evidence: list[Text] = []


class Branch(_Table):
    """One way in which a rule can hold: further conditions, and what is said where they do."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    when: list[Text] = []
    crash: list[Text] = []
    unless: list[Text] = []
    phase: Literal["start", "course", "end"] | None = None
    severity: Annotated[Severity, Field(strict=False)] | None = None
    evidence: Annotated[Evidence, Field(strict=False)] | None = None
    site: Object | EventSite | None = None
    remedies: list[Remedy] = []
    en: BranchTexts
    zh: BranchTexts


class Texts(_Table):
    """The texts of one language."""

    title: Text
    finding: Text
    cause: Text
    evidence: list[Text] = []
    verify: Text
    doc: Text
    search: Lines


class Case(_Table):
    """Signals and what the rule has to say about them."""

    is_: Literal["found", "clear", "unknown"] = Field(alias="is")
    signals: dict[str, Any]
    context: list[str] = []
    branch: str | None = None


class SourceTexts(_Table):
    """What is said in one language of a fault that is seen in a source."""

    finding: Text
    remedy: Text
    cause: Text | None = None


class SourceCase(_Table):
    """A piece of a script, the lines of it where the rule finds something, and what its edit makes of the piece."""

    is_: Literal["found", "clear"] = Field(alias="is")
    code: Text
    lines: list[int] = []
    fixed: Text | None = None


class SourceRemedy(_Table):
    """What mends the fault as one of several patterns finds it."""

    pattern: Text
    en: Text
    zh: Text


class SourcePart(_Table):
    """What `trainadvisor lint` says of the rule: texts where they are not those of a run, and pieces of scripts."""

    en: SourceTexts | None = None
    zh: SourceTexts | None = None
    # How grave it is beside a run, where that is not what the rule says: a warning may do harm or not.
    severity: Annotated[Severity, Field(strict=False)] | None = None
    # Whether a run cannot show otherwise: then what the source shows is told whatever the run has shown.
    hidden: bool = False
    remedies: list[SourceRemedy] = []
    cases: list[SourceCase]


class RuleFile(_Table):
    """A whole rule file."""

    kind: Literal["cause", "symptom", "expected"]
    severity: Annotated[Severity, Field(strict=False)]
    evidence: Annotated[Evidence, Field(strict=False)]
    scope: Literal["run", "layer"] = "run"
    phase: Literal["start", "course", "end"] = "course"
    measured_by: Literal["loss", "time", "memory"] = "loss"
    measures: list[Text] = []
    general: Literal["finite", "labels"] | None = None
    share: Annotated[FiniteFloat, Field(gt=0, le=1)] | None = None
    deciding: Literal["always", "unmeasured"] | None = None
    contract: Text | None = None
    preview: bool = False
    onset: str | None = None
    subjects: str | None = None
    site: Object | EventSite | None = None
    when: list[Text] = []
    crash: list[Text] = []
    unless: list[Text] = []
    unless_known: bool = False
    falsepositives: Text
    context: Context = Context()
    explains: dict[str, Weight] = {}
    thresholds: dict[str, Threshold] = {}
    values: dict[str, Text] = {}
    branches: list[Branch] = []
    lookalikes: list[Lookalike] = []
    rivals: list[Rival] = []
    remedies: list[Remedy] = []
    en: Texts
    zh: Texts
    cases: list[Case] = []
    source: SourcePart | None = None


def form_problems(data: dict[str, Any]) -> list[str]:
    """Return what is wrong with the form of a rule file's content, one "key: message" each."""
    try:
        RuleFile.model_validate(data)
    except ValidationError as error:
        return [_told(dict(problem)) for problem in error.errors(include_url=False)]
    return []


def _told(problem: dict[str, Any]) -> str:
    place = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown key{did_you_mean(str(problem['loc'][-1]), _keys(problem['loc'][:-1]))}"
    if problem["type"] == "missing":
        return f"{place}: is missing"
    return f"{place}: {problem['msg'][:1].lower()}{problem['msg'][1:]}"


TABLES: dict[str, type[BaseModel]] = {
    "branches": Branch, "rivals": Rival, "context": Context, "thresholds": Threshold, "lookalikes": Lookalike,
    "remedies": Remedy, "en": Texts, "zh": Texts, "cases": Case, "edit": Edit,
    "source": SourcePart,
}  # fmt: skip


def _keys(place: tuple[Any, ...]) -> list[str]:
    """Return the keys that are allowed at a place."""
    tables = [part for part in place if part in TABLES]
    return list((TABLES[tables[-1]] if tables else RuleFile).model_fields)
