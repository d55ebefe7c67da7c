"""The rules: one TOML file a finding, loaded from the folder that ships with the package and from users' folders."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import ConfigError, RuleError, did_you_mean
from trainadvisor.judge.branches import Branch, branch_of, merged, numbered
from trainadvisor.judge.conditions import Expression, Place, parse
from trainadvisor.regular import walked
from trainadvisor.toml import read_toml

if TYPE_CHECKING:
    from trainadvisor.configuration import Config

MOST_RULES = 1000
BY_HAND = {"change": "edit", "applies": "adapt"}
# The branch of a rule whose fault stands in the source.
WRITTEN = "written"
FAMILIES, ANSWERS = "families.toml", "answers.toml"
QUESTIONS = "questions"  # the folder of what people ask, which holds no rules


@dataclass(frozen=True)
class Rule:
    """One rule; texts by language, expressions parsed when first used."""

    code: str
    family: str
    path: Path
    kind: str
    severity: str
    evidence: str
    when: tuple[str, ...]
    texts: Mapping[str, Mapping[str, Any]]
    # Patterns of the error that ended a script, one of which has to be found in it; the names in them fill texts.
    crash: tuple[str, ...] = ()
    scope: str = "run"
    # From when on it may be judged: at the start of a run, in its course, or only at its end.
    phase: str = "course"
    # How a trial of its remedies is judged: by loss, time or memory.
    measured_by: str = "loss"
    # The figures that a trial of its remedies has to better, where the loss does not count.
    measures: tuple[str, ...] = ()
    # What is tried first where its own remedies do not help: what keeps numbers finite, or other labels.
    general: str | None = None
    share: float | None = None
    # Whether a run can be healthy only where this is known: "always", or "unmeasured" where no look at every tensor
    # replaces it.
    deciding: str | None = None
    # The active test of preflight that a failure is a finding of this rule in.
    contract: str | None = None
    preview: bool = False
    onset: str | None = None
    subjects: str | None = None
    site: str | None = None
    unless: tuple[str, ...] = ()
    unless_known: bool = False
    falsepositives: str = ""
    off: tuple[str, ...] = ()
    soften: tuple[str, ...] = ()
    explains: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    branches: tuple[Branch, ...] = ()
    # Whether what it finds is wrong by itself, whatever came of it: not so where its file calls it a warning.
    certain_harm: bool = False
    # The branch that this is the rule of, where it is one of `variants`.
    branch: str | None = None
    lookalikes: tuple[Mapping[str, Any], ...] = ()
    rivals: tuple[Mapping[str, Any], ...] = ()
    remedies: tuple[Mapping[str, Any], ...] = ()
    cases: tuple[Mapping[str, Any], ...] = ()
    # What `trainadvisor lint` says of it, and pieces of scripts that hold it; None where no source shows the fault.
    source: Mapping[str, Any] | None = None
    # Patterns of modules that a project leaves out of this rule.
    ignored: tuple[str, ...] = ()

    def text(self, key: str, lang: str = "en") -> str:
        """Return one of its texts, empty when there is none."""
        return str(self.texts.get(lang, {}).get(key, ""))

    def title(self, lang: str = "en") -> str:
        """Return the short name of the finding."""
        return self.text("title", lang) or self.code

    @cached_property
    def conditions(self) -> list[Expression]:
        """Return the parsed `when` lines."""
        return self._parsed("when", self.when)

    @cached_property
    def exclusions(self) -> list[Expression]:
        """Return the parsed `unless` lines."""
        return self._parsed("unless", self.unless)

    @property
    def judges_runs(self) -> bool:
        """Return whether it has conditions on signals; one without them is found in sources only."""
        return bool(self.when or self.branches or self.source is None)

    @cached_property
    def explains_crashes(self) -> bool:
        """Return whether it explains errors that end scripts, and judges no training."""
        return bool(self.crash) or any(branch.crash for branch in self.branches)

    @cached_property
    def written(self) -> "Rule | None":
        """Return the rule as it reads where its fault stands in the source: a warning, since it may never have run."""
        if self.source is None:
            return None
        grave = self.source.get("severity") or self.severity
        own = {lang: self.source[lang] for lang in self.texts if lang in self.source}
        advised = {lang: texts["remedy"] for lang, texts in own.items()}
        said = {lang: {**_plain(texts), **own[lang]} if lang in own else texts for lang, texts in self.texts.items()}
        return replace(
            self,
            branch=WRITTEN,
            branches=(),
            evidence="exact",
            severity="warning" if grave == "error" else grave,
            certain_harm=grave == "error",
            texts={lang: {**texts, "evidence": []} for lang, texts in said.items()},
            remedies=(*self.source_remedies, *([{**BY_HAND, **advised}] if advised else self.all_remedies[:1])),
            lookalikes=(),
            site=None,
            subjects=None,
            onset=None,
        )

    @property
    def source_remedies(self) -> tuple[Mapping[str, Any], ...]:
        """Return what mends the fault as one pattern finds it, each with the pattern."""
        return tuple({**BY_HAND, **entry} for entry in (self.source or {}).get("remedies", ()))

    @property
    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield the conditions of the rule and of its branches, each with its place in the file."""
        yield from numbered("", self.when, self.unless)
        for number, branch in enumerate(self.branches, 1):
            yield from numbered(f"branches[{number}].", branch.when, branch.unless)

    @property
    def all_remedies(self) -> tuple[Mapping[str, Any], ...]:
        """Return the remedies of its branches and its own."""
        return (*(entry for branch in self.branches for entry in branch.remedies), *self.remedies)

    @cached_property
    def variants(self) -> "tuple[Rule, ...]":
        """Return the rule of each branch in its order; a rule without branches is its own and only one."""
        return tuple(self._variant(branch) for branch in self.branches) or (self,)

    def _variant(self, branch: Branch) -> "Rule":
        return replace(
            self,
            branch=branch.name,
            branches=(),
            phase=branch.phase or self.phase,
            severity=branch.severity or self.severity,
            evidence=branch.evidence or self.evidence,
            site=branch.site or self.site,
            when=branch.when + self.when,
            crash=branch.crash or self.crash,
            unless=branch.unless + self.unless,
            texts={lang: merged(texts, branch.texts.get(lang, {})) for lang, texts in self.texts.items()},
            remedies=branch.remedies
            + tuple(r for r in self.remedies if branch.name in r.get("branches", [branch.name])),
        )

    @cached_property
    def computed(self) -> dict[str, Expression]:
        """Return the parsed [values]."""
        return {name: parse(text, self.place(f"values.{name}"), functions=True) for name, text in self.values.items()}

    def _parsed(self, key: str, lines: Iterable[str]) -> list[Expression]:
        return [parse(line, self.place(f"{key}[{number}]")) for number, line in enumerate(lines, 1)]

    def place(self, key: str) -> Place:
        """Return the place of a key of this file, for error messages."""
        return Place(str(self.path), key)


def _plain(texts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the texts that name nothing of a run."""
    return {key: text for key, text in texts.items() if "{" not in str(text)}


@dataclass(frozen=True)
class Rulebook:
    """All rules by code, with the names of their families and the rules that are switched off."""

    rules: Mapping[str, Rule]
    families: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    off: Mapping[str, str] = field(default_factory=dict)

    def get(self, code: str) -> Rule:
        """Return a rule; raises RuleError with the nearest code when there is none."""
        if code not in self.rules:
            raise RuleError(f"no rule is called {code}{did_you_mean(code, self.rules)}")
        return self.rules[code]

    def family_name(self, family: str, lang: str = "en") -> str:
        """Return what a family is called."""
        return self.families.get(family, {}).get(lang, family)

    def configured(self, config: "Config | None") -> "Rulebook":
        """Return the rulebook with the thresholds, levels, left-out modules and switched-off rules of a project."""
        if config is None:
            return self
        changed = dict(self.rules)
        for code in {**config.off, **config.thresholds, **config.levels, **config.ignored}:
            self._known(code, config)
            changed[code] = self._changed(self.rules[code], config)
        return replace(self, rules=changed, off=dict(config.off))

    def _known(self, code: str, config: "Config") -> None:
        if code not in self.rules:
            raise ConfigError(
                f"{config.source}: [tool.trainadvisor]: no rule is called {code}{did_you_mean(code, self.rules)}"
            )

    def _changed(self, rule: Rule, config: "Config") -> Rule:
        values = config.thresholds.get(rule.code, {})
        for name in values:
            if name not in rule.thresholds:
                hint = did_you_mean(name, rule.thresholds) or f"; it has {', '.join(rule.thresholds) or 'none'}"
                raise ConfigError(f"{config.source}: thresholds.{rule.code}: no threshold is called {name}{hint}")
        level = config.levels.get(rule.code)
        branches = tuple(replace(branch, severity=None) for branch in rule.branches)
        return replace(
            rule,
            thresholds={**rule.thresholds, **values},
            severity=level or rule.severity,
            branches=branches if level else rule.branches,
            ignored=tuple(config.ignored.get(rule.code, ())),
        )


def shipped_rules() -> Path:
    """Return the folder of the rules that ship with the package."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_rules"
    return inside if inside.is_dir() else package.parent / "rules"


def rule_files(folder: Path) -> list[Path]:
    """Return the rule files of a folder and of the folders in it; RuleError where it is no folder of rules."""
    try:
        files = sorted(path for path in walked(folder, ".toml") if _is_rule(path))
    except (OSError, ValueError) as error:
        raise RuleError(f"{folder}: {getattr(error, 'strerror', None) or error}; name a folder of rules") from None
    if len(files) > MOST_RULES:
        raise RuleError(f"{folder}: holds more than {MOST_RULES:,} rule files; name a folder of rules")
    return files


def _is_rule(path: Path) -> bool:
    return path.name not in (FAMILIES, ANSWERS) and path.parent.name != QUESTIONS


def read(path: Path) -> dict[str, Any]:
    """Parse a TOML file."""
    return read_toml(path, RuleError, "mend the rule file")


def rule_of(path: Path, data: Mapping[str, Any]) -> Rule:
    """Make a rule of a file's content, whose form is checked by `rules check`, not here."""
    context = data.get("context", {})
    thresholds = data.get("thresholds", {})
    plain = (
        "scope", "phase", "measured_by", "general", "share", "deciding", "contract", "preview", "onset",
        "subjects", "site", "unless_known", "falsepositives", "explains", "values",
    )  # fmt: skip
    try:
        return Rule(
            code=path.stem,
            family=path.parent.name,
            path=path,
            kind=data["kind"],
            severity=data["severity"],
            evidence=data["evidence"],
            when=tuple(data.get("when", ())),
            branches=tuple(branch_of(entry) for entry in data.get("branches", ())),
            measures=tuple(data.get("measures", ())),
            crash=tuple(data.get("crash", ())),
            texts={lang: data[lang] for lang in ("en", "zh") if lang in data},
            unless=tuple(data.get("unless", ())),
            off=tuple(context.get("off", ())),
            soften=tuple(context.get("soften", ())),
            thresholds={name: entry["value"] for name, entry in thresholds.items()},
            reasons={name: entry.get("because", "") for name, entry in thresholds.items()},
            lookalikes=tuple(data.get("lookalikes", ())),
            rivals=tuple(data.get("rivals", ())),
            remedies=tuple(data.get("remedies", ())),
            cases=tuple(data.get("cases", ())),
            source=data.get("source"),
            **{name: data[name] for name in plain if name in data},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RuleError(f"{path}: is not a rule ({error}); trainadvisor rules check {path.parent} says why") from None
