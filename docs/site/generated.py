"""The pages that no file holds: answers, the documents in JSON, and the Python interface from its docstrings."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from contents import FAQ, ROOT

import trainadvisor
from trainadvisor.answers import written
from trainadvisor.document import Diagnosis
from trainadvisor.judge.rulebook import ANSWERS, shipped_rules
from trainadvisor.report.machine.code_pages import escape
from trainadvisor.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contents import Page

WORDS = {
    "en": {
        "checks": "Find out which it is",
        "how": "How",
        "remedies": "What to do",
        "codes": "Findings that decide it",
        "more": "More questions",
        "more-text": "`trainadvisor ask` answers these and finds the nearest one to your own words.",
        "api": "Python interface",
        "api-text": "All that is public; `import trainadvisor` alone imports no torch.",
        "json": "Documents in JSON",
        "json-text": "`trainadvisor diagnose log.json --format json` prints this document; its JSON schema is "
        "`report/diagnosis.schema.json` in the package. `check --format json` prints `trainadvisor/check/1`, which "
        "holds one of them a run beside `outcome`, `exit_code`, `exit_reason`, `failing`, `new`, `fixed`, "
        "`required`; "
        "`preflight --format json` prints `trainadvisor/preflight/1`.",
        "fields": "| field | type | meaning |\n|---|---|---|",
    },
    "zh": {
        "checks": "先判断是哪一种",
        "how": "方法",
        "remedies": "怎么办",
        "codes": "相关诊断",
        "more": "更多问题",
        "more-text": "`trainadvisor ask` 回答这些问题，并按你自己的说法找出最接近的一个。",
        "api": "Python 接口",
        "api-text": "所有公开的名称；仅 `import trainadvisor` 不会导入 torch。文档字符串为英文。",
        "json": "JSON 文档",
        "json-text": "`trainadvisor diagnose log.json --format json` 输出该文档，其 JSON schema 为软件包中的 "
        "`report/diagnosis.schema.json`。`check --format json` 输出 `trainadvisor/check/1`：每次训练一份诊断，另有 "
        "`outcome`、`exit_code`、`exit_reason`、`failing`、`new`、`fixed` 和 `required`；"
        "`preflight --format json` 输出 `trainadvisor/preflight/1`。",
        "fields": "| 字段 | 类型 | 含义 |\n|---|---|---|",
    },
}


def answer(page: Page, lang: str) -> str:
    """Return the page of one of the four questions."""
    wanted = page.path.removeprefix("faq/")
    found = next(entry for entry in written.load(shipped_rules() / ANSWERS) if entry.id == wanted)
    return "\n\n".join(_answer(found, lang, "#"))


def answers(page: Page, lang: str) -> str:
    """Return the page of all other questions."""
    del page
    words = WORDS[lang]
    others = [entry for entry in written.load(shipped_rules() / ANSWERS) if entry.id not in FAQ]
    parts = [f"# {words['more']}", words["more-text"]]
    return "\n\n".join([*parts, *(part for entry in others for part in _answer(entry, lang, "##"))])


def _answer(entry: written.Answer, lang: str, level: str) -> Iterator[str]:
    texts, words = entry.texts(lang), WORDS[lang]
    yield f"{level} {escape(texts.question)}"
    yield escape(texts.answer)
    yield f"{level}# {words['checks']}"
    yield "\n".join(
        f"{number}. **{escape(check.ask)}** {escape(check.means)} {words['how']}: `{check.run}`"
        for number, check in enumerate(texts.checks, 1)
    )
    yield f"{level}# {words['remedies']}"
    yield "\n".join(f"- {escape(remedy)}" for remedy in texts.remedies)
    known = [code for code in entry.codes if (ROOT / "docs" / "codes" / f"{code}.md").exists()]
    if known:
        yield f"{words['codes']}: " + ", ".join(f"[{code}](/docs/codes/{code}.md)" for code in known)


def json_documents(page: Page, lang: str) -> str:
    """Return the fields of the diagnosis by its schema."""
    del page
    words = WORDS[lang]
    schema = json.loads((ROOT / "trainadvisor/report/diagnosis.schema.json").read_text(encoding="utf-8"))
    parts = [f"# {words['json']}", words["json-text"], *_object("Diagnosis", schema, words["fields"])]
    for name, definition in schema["$defs"].items():
        parts += _object(name, definition, words["fields"])
    return "\n\n".join(parts)


def _object(name: str, definition: dict[str, Any], head: str) -> Iterator[str]:
    yield f"## {name}"
    if about := definition.get("description"):
        yield escape(about)
    if "enum" in definition:
        yield ", ".join(f"`{value}`" for value in definition["enum"])
    if "properties" in definition:
        required = definition.get("required", ())
        rows = [
            f"| `{field}` | {_type(what)} | {escape(what.get('description', '')) or _absence(field in required)} |"
            for field, what in definition["properties"].items()
        ]
        yield "\n".join([head, *rows])


def _absence(required: bool) -> str:  # noqa: FBT001 - one question
    return "" if required else "–"


def _type(what: dict[str, Any]) -> str:
    if "$ref" in what:
        name = what["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in what:
        return f"`{what['const']}`"
    if "enum" in what:
        return ", ".join(f"`{value}`" for value in what["enum"])
    if "anyOf" in what:
        return " / ".join(dict.fromkeys(map(_type, what["anyOf"])))
    if what.get("type") == "array":
        return f"array of {_type(what.get('items', {}))}"
    return str(what.get("type", "any"))


def api(page: Page, lang: str) -> str:
    """Return signatures and docstrings of the public names."""
    del page
    words = WORDS[lang]
    parts = [f"# {words['api']}", words["api-text"]]
    for name in trainadvisor.__all__:
        parts += _described(f"trainadvisor.{name}", getattr(trainadvisor, name), "##")
    for kind in (Watcher, Diagnosis):
        parts += [f"## {kind.__name__}", escape(inspect.getdoc(kind))]
        for name, member in _methods(kind):
            parts += _described(name, member, "###")
    return "\n\n".join(parts)


def _methods(kind: type) -> list[tuple[str, Any]]:
    """Return the methods that our own classes declare, without those of their libraries."""
    own = {
        name
        for base in kind.__mro__
        if base.__module__.startswith("trainadvisor.")
        for name, value in vars(base).items()
        if not name.startswith("_") and inspect.isfunction(value) and not _of_pydantic(name)
    }
    return [(name, getattr(kind, name)) for name in sorted(own)]


def _of_pydantic(name: str) -> bool:
    return name.startswith("model_")


def _described(name: str, thing: Any, level: str) -> Iterator[str]:
    yield f"{level} {name}"
    signature = str(inspect.signature(thing)).replace("(self, ", "(").replace("(self)", "()").replace('"', "")
    yield f"```python\n{name.removeprefix('trainadvisor.')}{signature}\n```"
    yield from (_paragraph(block) for block in (inspect.getdoc(thing) or "").split("\n\n"))


def _paragraph(block: str) -> str:
    """Return a paragraph of a docstring, which is Markdown already."""
    return " ".join(block.split())


GENERATED: dict[str, Callable[[Page, str], str]] = {
    "answer": answer,
    "answers": answers,
    "json": json_documents,
    "api": api,
}
