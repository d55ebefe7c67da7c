"""The written answers of rules/answers.toml, in two languages with the same structure."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from trainadvisor.errors import RuleError

if TYPE_CHECKING:
    from pathlib import Path


class Part(BaseModel):
    """A table of the file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(Part):
    """A decisive question, what its outcome means, and the command or line of code that answers it."""

    ask: str
    means: str
    run: str


class Texts(Part):
    """An answer in one language."""

    question: str
    search: tuple[str, ...]
    answer: str
    checks: tuple[Check, ...]
    remedies: tuple[str, ...]


class Answer(Part):
    """An answer to one question, and the findings of a run that bear on it."""

    id: str
    codes: tuple[str, ...]
    en: Texts
    zh: Texts

    @model_validator(mode="after")
    def _same_structure(self) -> Answer:
        for field in ("checks", "remedies"):
            if len(getattr(self.en, field)) != len(getattr(self.zh, field)):
                message = f"{self.id}: {field} differ in number between en and zh"
                raise ValueError(message)
        return self

    def texts(self, lang: str) -> Texts:
        """Return the texts of a language."""
        return self.zh if lang == "zh" else self.en


class Answers(Part):
    """The whole file."""

    answers: tuple[Answer, ...]


@cache
def load(path: Path) -> tuple[Answer, ...]:
    """Read the file of answers."""
    try:
        return Answers.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).answers
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        message = f"{path}: {place}: {first['msg']}; mend this entry"
        raise RuleError(message) from error
    except (OSError, ValueError) as error:
        message = f"{path}: cannot be read ({error}); reinstall trainadvisor or mend the file"
        raise RuleError(message) from error
