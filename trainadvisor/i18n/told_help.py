"""Help and the messages of click in Chinese: commands keep their English texts and are told by the catalog."""

from __future__ import annotations

import copy
import re
import sys
import tomllib
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.i18n.told_errors import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

Table = dict[str, str]
_VALUE = re.compile("[A-Z]+(?: RANGE)?")
_CLICK = ("core", "decorators", "exceptions", "formatting", "parser", "types")


@cache
def catalog() -> dict[str, Table]:
    """Return the Chinese texts of each command, by its name."""
    tables: dict[str, Table] = tomllib.loads(Path(__file__).with_name("help.zh.toml").read_text(encoding="utf-8"))
    return tables


def of_option(command: str, option: str) -> str | None:
    """Return the text of an option, its own or the one that several commands share."""
    return catalog().get(command, {}).get(option, catalog()["shared"].get(option))


def in_chinese(command: Any, name: str) -> Any:
    """Return a copy of a command that has Chinese texts, as have its options and the commands below it."""
    command, table = copy.copy(command), catalog().get(name, {})
    command.params = [copy.copy(option) for option in command.params]
    command.help, command.short_help = table.get("about", command.help), table.get("short", command.short_help)
    for option in command.params:
        if getattr(option, "help", None) is not None:
            option.help = of_option(name, option.opts[0]) or option.help
        _name_value(command, option)
    if command.options_metavar == "[OPTIONS]":
        command.options_metavar = "[选项]"
    if hasattr(command, "commands"):
        command.commands = {
            below: in_chinese(other, f"{name} {below}".strip()) for below, other in command.commands.items()
        }
    if getattr(command, "subcommand_metavar", None):
        command.subcommand_metavar = "命令 [参数]..."
    return command


def _name_value(command: Any, option: Any) -> None:
    """Give the value of an option or an argument its Chinese name."""
    kind = option.type
    if hasattr(kind, "file_okay"):  # a path, which click names in its errors
        option.type = copy.copy(kind)
        option.type.name = listed("click").get(kind.name.title(), kind.name)
    if not getattr(option, "is_flag", False) and not getattr(option, "count", False):
        shown = option.make_metavar(sys.modules["click"].Context(command))  # of which the command is one
        option.metavar = in_chinese_value(shown)


def in_chinese_value(shown: str) -> str:
    """Return what stands for the value of an option or an argument, with its names in Chinese."""
    names = catalog()["values"]
    return _VALUE.sub(lambda match: names.get(match[0], match[0]), shown)


@contextmanager
def click_in_chinese() -> Iterator[None]:
    """Let click speak Chinese while the block runs: a script that is started afterwards may use it too."""
    modules = [module for name in _CLICK if (module := sys.modules.get(f"click.{name}")) is not None]
    before = [
        (module, name, value) for module in modules for name in ("_", "ngettext") if (value := vars(module).get(name))
    ]
    for module, name, _ in before:
        setattr(module, name, _one if name == "_" else _several)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def _one(text: str) -> str:
    return listed("click").get(text, text)


def _several(one: str, many: str, count: int) -> str:
    return _one(one if count == 1 else many)
