"""Options on the wrong side of the script: ours behind it, where they would go to the script, and its own before it."""

from __future__ import annotations

import ast
import re
import shlex
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainadvisor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# How alike a slip is to the option that was meant; of what is less alike, the script may have an option of its own.
SLIP = 0.75
# Imported names that may parse options which no line of the script names.
PARSERS = re.compile(r"arg(?!parse)|cli\b|flag|fire|hydra|tyro|option|pars(?!e\b)|conf|launch", re.IGNORECASE)
WHOLE = re.compile(r"\bargv\b|\bparse_known_args\b")


def check_behind(
    command: str, ours: tuple[str, ...], args: Sequence[str], target: str, lang: str, *, module: bool
) -> None:
    """Refuse an option of ours behind a script that has none such, and tell of one that the script may have itself.

    What may be the script's own is told of the options `ours` only, which hardly any script has.
    """
    context = click.get_current_context()
    known = {name: option for option in context.command.params for name in _words_of(option)}
    source = None if module else _source(Path(target))
    late = [place for place, word in enumerate(_before_dashes(args)) if _name(word) in known]
    late = [place for place in late if source is None or not _names(source, _name(args[place]))]
    if not late:
        return
    if source is not None and not _may_parse(source, Path(target)):
        moved, kept = _parted(args, late, known)
        right = _command(context, args, target, moved, kept)
        raise UsageError(
            f"{_name(args[late[0]])}: stands behind {target}, which has no such option; "
            f"options of trainadvisor come before the script: {right}"
        )
    told = next((_name(args[place]) for place in late if _name(args[place]) in ours), None)
    if told is not None:
        from trainadvisor.i18n.language import ours as line
        from trainadvisor.i18n.language import say

        click.echo(line(say("run.late", lang, option=told, target=target, command=command), lang), err=True)


def unknown_option(error: click.NoSuchOption, given: Sequence[str]) -> str:
    """Return what to say of an option that we do not have: a slip, or the script's own before the script."""
    name = error.option_name
    near = [other for other in error.possibilities or () if SequenceMatcher(None, name, other).ratio() >= SLIP]
    script = next((place for place, word in enumerate(given) if word.endswith(".py")), None)
    runs = error.ctx is not None and any(parameter.name == "target" for parameter in error.ctx.command.params)
    if near or not runs:
        likely = near or list(error.possibilities or ())
        hint = f"; did you mean {' or '.join(likely[:2])}" if likely else ""
        return f"there is no option {name}{hint}"
    if script is None or name not in map(_name, given[:script]):
        return f"there is no option {name}; an option of the script is written behind it"
    place = next(i for i, word in enumerate(given) if _name(word) == name)
    end = place + 1 + ("=" not in given[place] and place + 1 < script and not given[place + 1].startswith("-"))
    words = [*given[:place], *given[end:], *given[place:end]]
    right = shlex.join(["trainadvisor", *words])
    return f"there is no option {name}; if it belongs to the script, write it behind the script: {right}"


def _name(word: str) -> str:
    return word.partition("=")[0]


def _before_dashes(args: Sequence[str]) -> Sequence[str]:
    return args[: args.index("--")] if "--" in args else args


def _source(path: Path) -> str | None:
    """Return the text of a script, None where it is no text that can be looked at."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _names(source: str, option: str) -> bool:
    """Return whether a script names an option, as a word of the command line or as a field that a parser reads."""
    word = option.lstrip("-").replace("-", "[-_]")
    return re.search(rf"(?:(?<![\w-])|(?<=--)){word}(?![\w-])", source) is not None


def _may_parse(source: str, path: Path) -> bool:
    """Return whether a script may take options that it does not name: by all words, by a parser, or by its modules."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    if WHOLE.search(source):
        return True
    imported = list(_imported(tree))
    beside = {name.split(".")[0] for name in imported}
    places = {path.resolve().parent, Path.cwd()}
    return any(map(PARSERS.search, imported)) or any(
        not name or (place / name).is_dir() or (place / f"{name}.py").is_file() for name in beside for place in places
    )


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield what a script imports, by its dotted names; one of the script's own package begins with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module != "argparse":
            start = "." * node.level + (f"{node.module}." if node.module else "")
            yield from (f"{start}{alias.name}" for alias in node.names)


def _words_of(option: click.Parameter) -> list[str]:
    """Return the long words of an option that a script could not mean by chance."""
    return [word for word in (*option.opts, *option.secondary_opts) if word.startswith("--") and word != "--help"]


def _parted(
    args: Sequence[str], late: Sequence[int], known: dict[str, click.Parameter]
) -> tuple[list[str], list[str]]:  # fmt: skip
    """Return our words and the script's own."""
    ours = set(late)
    for place in late:
        option = known[_name(args[place])]
        if not getattr(option, "is_flag", False) and "=" not in args[place] and place + 1 < len(args):
            ours.add(place + 1)
    return [args[place] for place in sorted(ours)], [word for place, word in enumerate(args) if place not in ours]


def _command(
    context: click.Context, args: Sequence[str], target: str, moved: Sequence[str], kept: Sequence[str]
) -> str:
    """Return the command as it was meant, with what was given before the script."""
    name = str(context.info_name)
    given = list(context.find_root().obj or [name, target, *args])
    start = given.index(name) + 1 if name in given else 0
    before = given[start : len(given) - len(args)]
    return shlex.join(["trainadvisor", name, *moved, *before, *kept])
