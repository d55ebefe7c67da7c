"""The command line: commands are imported when they are asked for, and every failure is one line."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from trainadvisor import garbage
from trainadvisor.errors import TrainAdvisorError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS = {
    "run": "Run an unmodified training script, record it, and print what is wrong with it.",
    "diagnose": "Say what is wrong with a recorded training, why, and which line to change.",
    "check": "Decide by exit code whether a recorded training is sound: the gate for CI.",
    "lint": "Find faults that training scripts show without being run.",
    "fix": "Show the change that mends the first finding, and write it on request.",
    "preflight": "Judge the first steps of a script in a minute: the gate before a long run.",
    "verify": "Try the remedies in short re-runs of the script and say which one worked.",
    "compare": "Say which of two recorded trainings is better, and what changed between them.",
    "fleet": "Judge many runs at once: folders, globs, addresses such as s3://...",
    "import": "Convert the log of another tool into a log of ours.",
    "follow": "Show a running or finished training as its log grows.",
    "explain": "Explain a code, list all codes, or search them for a word.",
    "ask": 'Answer a question such as "loss is nan" from the rules, offline.',
    "demo": "Train a small broken network, diagnose it, mend it, and train again.",
    "rules": "List the rules, or check rule files.",
    "signals": "List the quantities that rules compare.",
    "changes": "List the remedies that a trial can apply to a script from outside.",
    "mcp": "Serve the commands as tools for coding agents.",
    "config": "Show the settings that hold here and where each comes from.",
    "doctor": "Print versions and what works here: torch, devices, frameworks, browser.",
}
# A server talks to a program.
SERVER = "mcp"
# Those that only read: they run no script of a user, and end soon.
SHORT = {"diagnose", "check", "compare", "import", "explain", "ask", "rules", "signals", "changes", "config"}
MODULES = {"import": "import_"}  # a word of Python's own is no name of a module
USAGE, INTERNAL, INTERRUPTED, PIPE_CLOSED = 2, 4, 130, 141


class Program(click.Group):
    """The group of all commands, each found by its name in trainadvisor.commands."""

    lang = "en"

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help page."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"trainadvisor.commands.{MODULES.get(cmd_name, cmd_name)}").command
        if not isinstance(command, click.Command):
            return None
        return command if self.lang == "en" else _in_chinese(command, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands" if self.lang == "en" else "命令"):
            formatter.write_dl([(name, self._short(name)) for name in COMMANDS])

    def _short(self, name: str) -> str:
        if self.lang == "en":
            return COMMANDS[name]
        from trainadvisor.i18n.told_help import catalog

        return catalog().get(name, {}).get("short", COMMANDS[name])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that closed the pipe is no error of ours."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _silence_stdout()
            sys.exit(PIPE_CLOSED)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for an unknown one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            ctx.fail(f'there is no command "{name}"{did_you_mean(name, COMMANDS)}{_script_hint(name)}')
        return super().resolve_command(ctx, args)


def _script_hint(name: str) -> str:
    return f"; did you mean `trainadvisor run {name}`?" if name.endswith(".py") else ""


@click.group(cls=Program, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, help="Print the version and exit; with -v also what it finds here.")
@click.option("-v", "--verbose", is_flag=True, help="With --version: torch, device, writable folder.")
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
@click.pass_context
def program(ctx: click.Context, *, version: bool, verbose: bool, debug: bool) -> None:
    """Find out why a PyTorch training goes wrong, and which line to change.

    Start with `trainadvisor run train.py`, or `trainadvisor demo`.
    """
    del debug
    if version:
        _print_version(verbose=verbose)
    elif ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _print_version(*, verbose: bool) -> None:
    from trainadvisor.version import __version__

    click.echo(f"trainadvisor {__version__}")
    if verbose:
        from trainadvisor.commands.selftest import report

        click.echo(report())


def main(args: list[str] | None = None) -> None:
    """Run the command line; never returns."""
    given = sys.argv[1:] if args is None else args
    if "_TRAINADVISOR_COMPLETE" in os.environ:
        from trainadvisor.commands import completion

        completion.install()
    short = bool(given) and given[0] in SHORT
    with garbage.rarely() if short else nullcontext():
        _run(given)


def _run(given: list[str]) -> NoReturn:
    lang = _language(given)
    try:
        with _at_work(given, lang):
            outcome = _parsed(given, lang)
            outcome = outcome() if callable(outcome) else outcome
    except TrainAdvisorError as error:
        _leave(str(error), USAGE, _told_in(given, lang))
    except click.exceptions.NoArgsIsHelpError as error:
        with _click(lang):
            error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        with _click(lang):
            message = _usage(error, given)
        _leave(message, error.exit_code, lang, _where(error))
    except click.Abort:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if given[:1] == ["--debug"] or os.environ.get("TRAINADVISOR_DEBUG"):
            raise
        hint = "this is our fault; `trainadvisor --debug ...` shows where"
        _leave(f"internal error, {type(error).__name__}: {error}; {hint}", INTERNAL, lang)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _parsed(given: list[str], lang: str) -> Any:
    """Return what a command returns; in Chinese its help is told so, and what click says."""
    told = program if lang == "en" else _in_chinese(program, "")
    told.lang = lang
    with _click(lang):
        return told.main(given, prog_name="trainadvisor", standalone_mode=False, obj=given)


def _at_work(given: list[str], lang: str) -> AbstractContextManager[None]:
    """Tell a terminal that a command is at work, from before its imports until it has something to say."""
    name = next((word for word in given if word in COMMANDS), SERVER)
    if name == SERVER or sys.stderr is None or not sys.stderr.isatty():
        return nullcontext()
    from trainadvisor.i18n.language import Words
    from trainadvisor.status_line import sign_of_life

    words = Words(lang)
    return sign_of_life(lambda seconds: f"  {words('status.working', command=name, seconds=int(seconds))}")


@contextmanager
def _click(lang: str) -> Iterator[None]:
    """Let click speak a language while the block runs."""
    from trainadvisor.commands.wrapped_help import set_well

    with set_well(lang):
        if lang == "en":
            yield
            return
        from trainadvisor.i18n.told_help import click_in_chinese

        with click_in_chinese():
            yield


def _in_chinese(command: Any, name: str) -> Any:
    from trainadvisor.i18n.told_help import in_chinese

    return in_chinese(command, name)


def _language(given: list[str]) -> str:
    """Return the language of help and errors, which are told before a command has read its options."""
    from trainadvisor import configuration
    from trainadvisor.i18n.language import choose

    ours = _before_script(given)
    said = [word.partition("=")[2] for word in ours if word.startswith("--lang=")]
    said += [after for word, after in pairwise(ours) if word == "--lang"]
    with suppress(Exception):  # a wrong language or wrong settings, which a command will say
        configured = None if said or os.environ.get("TRAINADVISOR_LANG") else configuration.load().lang
        return choose(said[0] if said else None, configured)
    with suppress(TrainAdvisorError):
        return choose()
    return "en"


def _told_in(given: list[str], lang: str) -> str:
    """Return the language of a mistake: one asked for behind the script counts, unless the script takes that option."""
    behind = given[len(_before_script(given)) :]
    wish = next((word for before, word in pairwise(behind) if before == "--lang"), None)
    wish = wish or next((word.partition("=")[2] for word in behind if word.startswith("--lang=")), None)
    if wish not in ("en", "zh"):
        return lang
    with suppress(OSError, UnicodeDecodeError):
        if "lang" in Path(behind[0]).read_text(encoding="utf-8"):
            return lang
    return wish


# What a command that lacks an argument asks for, with an example.
ASKED = {
    "target": ("which script", "train.py"),
    "paths": ("which folders of logs", "runs/"),
    "log": ("which log", "trainer_state.json"),
    "words": ("which question", '"why is my loss NaN?"'),
    "code": ("which code has the rule", "my-rule"),
}


def _before_script(given: list[str]) -> list[str]:
    """Return the words before the script that a command runs, behind which all are the script's own."""
    runs = given[:1] in (["run"], ["preflight"], ["verify"])
    script = (place for place, word in enumerate(given) if runs and (word == "-m" or word.endswith(".py")))
    return given[: next(script, len(given))]


def _usage(error: click.ClickException, given: list[str]) -> str:
    if isinstance(error, click.NoSuchOption):
        from trainadvisor.commands.misplaced import unknown_option

        return unknown_option(error, given)
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "trainadvisor"
    missing = error.param.name if isinstance(error, click.MissingParameter) and error.param is not None else None
    if missing in ASKED:
        question, example = ASKED[missing]
        return f"{question}? Example: {path} {example}"
    message = error.format_message().rstrip(".?。？")
    return f"{message[:1].lower()}{message[1:]}"


def _where(error: click.ClickException) -> str:
    """Return which command's help says more."""
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'trainadvisor'} --help"


def _leave(message: str, code: int, lang: str, see: str = "") -> NoReturn:
    from trainadvisor.i18n.told_errors import told
    from trainadvisor.report.text.layout import clean

    text = clean(" ".join(told(message, lang).split()))
    more = f"；说明见 `{see}`" if lang == "zh" else f"; see `{see}`"
    print(f"trainadvisor{'：' if lang == 'zh' else ': '}{text}{more if see else ''}", file=sys.stderr)
    sys.exit(code)


def _silence_stdout() -> None:
    """Keep the interpreter from flushing to the closed pipe at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
