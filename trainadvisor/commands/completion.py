"""Completion in shells: commands and options as click knows them, and files wherever else a word is written."""

from __future__ import annotations

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)


class WithFiles(ShellComplete):
    """Offers files where nothing else is known: scripts and logs are plain words to the commands."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Return what click offers, or ask the shell for its files."""
        return super().get_completions(args, incomplete) or [CompletionItem(incomplete, type="file")]


class Bash(WithFiles, BashComplete):
    """The completion of bash."""


class Zsh(WithFiles, ZshComplete):
    """The completion of zsh."""


class Fish(WithFiles, FishComplete):
    """The completion of fish."""


def install() -> None:
    """Let click use these."""
    for shell in (Bash, Zsh, Fish):
        add_completion_class(shell)
