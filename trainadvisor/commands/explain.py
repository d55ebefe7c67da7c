"""`trainadvisor explain CODE`: what a finding means; without a code all of them, with another word a search."""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

import click

from trainadvisor.commands.common import color_option, json_option, lang_option, rules_option

if TYPE_CHECKING:
    from trainadvisor.judge.rulebook import Rule, Rulebook

# Letters of a word from which on its ending may be another one in a code; how alike a slip is to what was meant.
LONG, CLOSE = 6, 0.75


@click.command("explain")
@click.argument("code", required=False)
@lang_option
@rules_option
@json_option
@color_option
@click.option("-v", "--verbose", is_flag=True, help="Also show the thresholds, each with its reason.")
def command(
    *, code: str | None, lang: str | None, folders: tuple[str, ...], as_json: bool, color: str, verbose: bool
) -> None:
    """Explain CODE: what it means, how it is detected, its causes and its fixes.

    Without CODE all codes are listed by family; any other word searches the rules.
    """
    from trainadvisor.commands.common import language, rulebook
    from trainadvisor.report.text.terminal import emit

    book = rulebook(folders)
    rules = list(book.rules.values()) if code is None else _search(book, code)
    emit(_json(book, rules) if as_json else _page(book, rules, code, language(lang), color, verbose=verbose))


def _search(book: Rulebook, word: str) -> list[Rule]:
    """Return the rule of a code, else every rule that mentions the word; nothing at all is a mistake."""
    wanted = "-".join(word.lower().replace("_", " ").split())
    if wanted in book.rules:
        return [book.rules[wanted]]
    stem = re.sub(r"(?:ers?|ing|ed|s|e)$", "", wanted) if len(wanted) >= LONG else wanted
    told = word.lower().replace("_", " ")
    found = [rule for rule in book.rules.values() if stem in rule.code]
    if not found or len(wanted) >= LONG:
        found += [rule for rule in book.rules.values() if rule not in found and told in str(rule.texts).lower()]
    if not found:
        from trainadvisor.errors import UsageError

        near = get_close_matches(wanted, book.rules, n=3, cutoff=0.5)
        near = [code for code in near if SequenceMatcher(None, wanted, code).ratio() >= CLOSE] or near[:1]
        hint = f"did you mean {' or '.join(near)}?" if near else "`trainadvisor explain` lists all codes"
        message = f'no code and no rule mentions "{word}"; {hint}'
        raise UsageError(message)
    return found


def _json(book: Rulebook, rules: list[Rule]) -> str:
    from trainadvisor.report.text.code_explained import document

    documents = [document(book, rule) for rule in rules]
    return json.dumps(documents[0] if len(documents) == 1 else documents, indent=2, ensure_ascii=False)


def _page(book: Rulebook, rules: list[Rule], word: str | None, lang: str, color: str, *, verbose: bool) -> str:
    from trainadvisor.report.text import code_explained, listing
    from trainadvisor.report.text.terminal import colored, width

    if word is not None and len(rules) == 1:
        from trainadvisor.demos.scenarios import SCENARIOS

        demo = rules[0].code in SCENARIOS
        return code_explained.render(
            book, rules[0], lang, width=width(), color=colored(color), demo=demo, verbose=verbose
        )
    return listing.rules(book, rules, lang, width())
