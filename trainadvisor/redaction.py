"""Removes secrets from what is recorded: passwords in URLs, values of suggestive names, and tokens of known form.

What is taken out, wherever it stands in a log's texts (arguments, messages of exceptions, source lines, paths, notes):

* the password of an address: `postgres://me:hidden@host` becomes `postgres://me:***@host`
* the value of an argument, variable or field with a telling name (`--api-key X`, `--token=X`, `DB_PASSWORD=X`,
  `secret="X"`, `?sig=X`): a name that ends in words such as api-key, token, secret, password, credential, signature; in
  source lines only values that are written out as text, so that code stays code
* what follows `Bearer` or `Basic`, and 40 hexadecimal digits behind a word such as key or login (wandb)
* tokens known by their shape: of Hugging Face, OpenAI and Anthropic, GitHub, GitLab, Slack, AWS and Google, JSON web
  tokens, private keys, addresses of Slack's and Discord's webhooks

A secret without any such mark cannot be distinguished from other text.
"""

import re
from functools import lru_cache
from typing import Any

HIDDEN = "***"

_NAMES = (
    r"api[_-]?key|access[_-]?key|access[_-]?key[_-]?id|secret[_-]?key|private[_-]?key|auth[_-]?key|token|secret|"
    r"pass(?:word|wd|phrase)?|pwd|credentials?|authorization|sig|signature"
)
_NAME = rf"(?<![A-Za-z0-9])(?:{_NAMES})"
_OPTION = rf"(?<![\w-])--?(?:[A-Za-z0-9]+[_-])*(?:{_NAMES})"
_HINT = re.compile(
    r"://|key|token|secret|pass|pwd|cred|auth|sig|login|bearer|basic|hf_|sk-|gh[a-z]_|github_pat|glpat|xox|AKIA|ASIA"
    r"|AIza|eyJ|hooks\.slack|webhooks",
    re.IGNORECASE,
)
_FLAG = re.compile(_OPTION, re.IGNORECASE)
_KEPT = r"(?!\*\*\*)(?!(?:\d{1,6}|none|null|true|false)\b)"

_SHAPED = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|sk-(?=[a-z-]*[A-Z0-9_])[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}"
    r"|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{12,}|AIza[\w-]{30,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)"
)
# Layer names, of which there are thousands: none of the patterns can occur in them.
_DOTTED = re.compile(r"[A-Za-z_][\w.]*")

_PLACES = (
    (re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s/@:'\"]*):[^\s/'\"]*@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(rf"({_NAME}['\"]?\]?\s*[=:]\s*[A-Za-z]?(['\"]))[\w./+=!@#$%^&*~-]{{6,}}(?=\2)", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"((?:key|login|token)\W{1,6})[0-9a-f]{40}\b", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(hooks\.slack(?:-gov)?\.com/\w+/|discord(?:app)?\.com/api/webhooks/)[\w/-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL), rf"\1{HIDDEN}"),
    (_SHAPED, HIDDEN),
)
_IN_TEXT = (
    (re.compile(rf"({_NAME}=){_KEPT}[^\s&'\",;)]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(rf"({_NAME}:\s*)(?=[^\s'\",;]*\d){_KEPT}[^\s'\",;)]{{8,}}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(rf"({_OPTION}\s+)(?!-){_KEPT}[^\s'\",;)]+", re.IGNORECASE), rf"\1{HIDDEN}"),
)
# A string in source code.
_LITERAL = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
# Fields that hold source lines, and the arguments of a script.
CODE, ARGUMENTS = frozenset({"code", "parts"}), frozenset({"argv"})
# Types of what holds no text, of which a large model's header has tens of thousands.
_PLAIN = frozenset({int, float, bool, type(None)})
# The fields that this process leaves out of its logs, as the user has asked.
_left_out: set[str] = set()


def leave_out(*, arguments: bool, source: bool) -> None:
    """Keep the arguments of the script, or its source lines, out of what this process records from here on."""
    _left_out.clear()
    _left_out.update(ARGUMENTS if arguments else ())
    _left_out.update(CODE if source else ())


@lru_cache(maxsize=1024)
def redact(text: str, *, code: bool = False) -> str:
    """Return a text without its secrets; in source code, only string literals count."""
    if _DOTTED.fullmatch(text):
        return _SHAPED.sub(HIDDEN, text)
    if _HINT.search(text) is None:
        return text
    for pattern, instead in _PLACES:
        text = pattern.sub(instead, text)
    return _LITERAL.sub(lambda literal: _in_text(literal[0]), text) if code else _in_text(text)


def _in_text(text: str) -> str:
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def redact_arguments(words: list[Any]) -> list[Any]:
    """Return a command's arguments without secrets, including those in the word after an option."""
    hidden: list[Any] = []
    before: Any = None
    for word in words:
        follows = isinstance(before, str) and _FLAG.fullmatch(before) and not str(word).startswith("-")
        hidden.append(HIDDEN if follows else redacted(word))
        before = word
    return hidden


def redacted(value: Any, field: str = "", code: frozenset[str] = CODE, arguments: frozenset[str] = ARGUMENTS) -> Any:
    """Return a value of a record without secrets, at any depth; fields named so hold source lines or arguments."""
    if field in _left_out:
        return [] if isinstance(value, list | tuple) else None
    if isinstance(value, str):
        return redact(value, code=field in code)
    if isinstance(value, dict):
        return {
            key: item if type(item) in _PLAIN and key not in _left_out else redacted(item, key, code, arguments)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        if field in arguments:
            return redact_arguments(list(value))
        return [item if type(item) in _PLAIN else redacted(item, field, code, arguments) for item in value]
    return value
