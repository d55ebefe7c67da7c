"""The server: each command that an agent needs is a tool, bounded to one folder; nothing is written unasked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trainadvisor.agents import bounds
from trainadvisor.agents.child import Ended, call, tail
from trainadvisor.errors import TrainAdvisorError, UsageError
from trainadvisor.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

INSTRUCTIONS = (
    "Finds out why a PyTorch training goes wrong and which line to change. Start with run(script), or with "
    "diagnose(log) of a recorded one; apply what fix() shows, and run again until the state is healthy. preflight() "
    "judges a script in a minute before a long run; fleet() judges many runs."
)
BRIEF = 120.0


def sdk() -> tuple[Any, Any]:
    """Return the server and context classes of the installed SDK; UsageError where there is none."""
    try:
        from mcp.server.mcpserver import Context, MCPServer
    except ImportError:
        try:
            from mcp.server.fastmcp import Context, FastMCP as MCPServer  # noqa: I001 - the name until version 2
        except ImportError as error:
            message = "mcp: the SDK is not installed; pip install mcp"
            raise UsageError(message) from error
    return MCPServer, Context


class Tools:
    """The tools, bound to one folder."""

    def __init__(self, folder: Path) -> None:
        self.root = bounds.Root(folder)

    async def _call(self, context: Any, words: list[str], limit: float = BRIEF) -> Ended:
        async def progress(spent: float, whole: float) -> None:
            await context.report_progress(spent, whole)

        return await call(self.root.folder, words, limit, progress)

    async def _told(self, context: Any, words: list[str], limit: float = BRIEF) -> str:
        """Return what a command says, its complaint where it refuses."""
        ended = await self._call(context, words, limit)
        if ended.code is None:
            return f"stopped after {limit:g} s\n{tail(ended.out)}{tail(ended.err)}"
        return tail(ended.out) or tail(ended.err)

    async def diagnose(self, context: Any, log: str) -> str:
        """Return findings, lines, patches and the next command of a log, a run folder or a pasted traceback's file."""
        return await self._told(context, ["diagnose", self.root.existing(log), "--format", "agent"])

    async def run(self, context: Any, script: str, arguments: list[str], seconds: float) -> str:
        """Run a script under the recorder; return its exit code, the end of its output, and the diagnosis."""
        log = f"trainadvisor-runs/{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6}/log.json"
        command = ["run", "--no-live", "--log", log, self.root.script(script), *bounds.words(arguments)]
        (self.root.folder / log).parent.mkdir(parents=True, exist_ok=True)
        ended = await self._call(context, command, bounds.seconds(seconds))
        ending = f"stopped after {seconds:g} s" if ended.code is None else f"exit code {ended.code}"
        told = [f"log: {log}", ending, f"output:\n{tail(ended.out)}"]
        if (self.root.folder / log).is_file():
            return "\n".join([*told, await self.diagnose(context, log)])
        return "\n".join([*told, tail(ended.err)])

    async def preflight(self, context: Any, script: str, arguments: list[str], seconds: float) -> str:
        """Return the verdict on the first steps of a script."""
        budget = f"{bounds.seconds(seconds):g}s"
        words = ["preflight", "--budget", budget, self.root.script(script), *bounds.words(arguments)]
        return await self._told(context, words, 2 * seconds + BRIEF)

    async def verify(self, context: Any, script: str, arguments: list[str], seconds: float) -> str:
        """Return which changes mend a script, tried in short re-runs of a copy."""
        budget = f"{bounds.seconds(seconds):g}s"
        words = ["verify", "--budget", budget, self.root.script(script), *bounds.words(arguments)]
        return await self._told(context, words, 2 * seconds + BRIEF)

    async def fix(self, context: Any, log: str, code: str, *, write: bool) -> str:
        """Return the change of the script as a diff, and write it where that is asked for."""
        chosen = ["--code", bounds.word(code, "code")] if code else []
        return await self._told(context, ["fix", self.root.existing(log), *chosen, "--yes" if write else "--dry-run"])


def serve(folder: Path) -> None:
    """Serve the tools on standard input and output until the client leaves."""
    made(folder).run("stdio")


def made(folder: Path) -> Any:
    """Return the server of a folder."""
    server_class, context_class = sdk()
    tools = Tools(folder)
    server = server_class("trainadvisor", instructions=INSTRUCTIONS, **_version(server_class))
    _reading(server, tools, context_class)
    _running(server, tools, context_class)
    return server


def _version(server_class: Any) -> dict[str, str]:
    return {"version": __version__} if "MCPServer" in server_class.__name__ else {}


def _refusals(error: TrainAdvisorError) -> str:
    return f"refused: {error}"


def _reading(server: Any, tools: Tools, context_class: Any) -> None:
    """Add the tools that only read."""
    root = tools.root

    async def diagnose(ctx: Any, log: str) -> str:
        """Say what is wrong with a recorded training or a crash: findings, lines, changes, and the next command.

        log: a log of ours or of another tool, a run folder, or a file with a traceback, inside of the server's folder.
        """
        return await tools.diagnose(ctx, log)

    async def explain(ctx: Any, code: str) -> str:
        """Explain the code of a finding, such as nan-loss: what it means, how it is detected, what mends it."""
        return await tools._told(ctx, ["explain", bounds.word(code, "code")])  # noqa: SLF001 - one idea

    async def ask(ctx: Any, question: str) -> str:
        """Answer a question such as "loss is nan" from the rules; no network and no model is used."""
        return await tools._told(ctx, ["ask", "--", bounds.word(question, "question")])  # noqa: SLF001

    async def compare(ctx: Any, before: str, after: str) -> str:
        """Say which of two recorded runs is better, what was fixed, and what is new."""
        return await tools._told(ctx, ["compare", root.existing(before), root.existing(after)])  # noqa: SLF001

    async def fleet(ctx: Any, paths: list[str], seconds: float = 600.0) -> str:
        """Judge every run below some folders: states, causes, costs, and what parts good runs from bad ones."""
        words = ["fleet", *(root.existing(path) for path in bounds.words(paths)), "--format", "markdown"]
        return await tools._told(ctx, words, bounds.seconds(seconds))  # noqa: SLF001

    for function in (diagnose, explain, ask, compare, fleet):
        _add(server, function, context_class, read_only=True)


def _running(server: Any, tools: Tools, context_class: Any) -> None:
    """Add the tools that run scripts or write to them."""

    async def run(ctx: Any, script: str, arguments: list[str] | None = None, seconds: float = 600.0) -> str:
        """Run a training script of the folder under the recorder and diagnose it; output and exit code are told."""
        return await tools.run(ctx, script, arguments or [], seconds)

    async def preflight(ctx: Any, script: str, arguments: list[str] | None = None, seconds: float = 60.0) -> str:
        """Judge the first steps of a script in a copy of its folder, in about a minute: the gate before a long run."""
        return await tools.preflight(ctx, script, arguments or [], seconds)

    async def verify(ctx: Any, script: str, arguments: list[str] | None = None, seconds: float = 300.0) -> str:
        """Try the changes that are advised in short re-runs of a copy, and say which one helped."""
        return await tools.verify(ctx, script, arguments or [], seconds)

    async def fix(ctx: Any, log: str, code: str = "", write: bool = False) -> str:  # noqa: FBT001, FBT002 - a tool's
        """Show the change of the script that mends the first finding of a log (or that of a code) as a diff.

        write: also write it to the script; a copy is kept. Without it nothing is changed.
        """
        return await tools.fix(ctx, log, code, write=write)

    for function in (run, preflight, verify, fix):
        _add(server, function, context_class, read_only=False)


def _add(server: Any, function: Any, context_class: Any, *, read_only: bool) -> None:
    """Register a tool, whose refusals are answers."""
    from functools import wraps

    from mcp.types import ToolAnnotations

    function.__annotations__["ctx"] = context_class

    @wraps(function)
    async def safely(*args: Any, **given: Any) -> str:
        try:
            told: str = await function(*args, **given)
        except TrainAdvisorError as error:
            return _refusals(error)
        return told

    hints = ToolAnnotations(readOnlyHint=read_only, openWorldHint=False)
    server.tool(name=function.__name__, annotations=hints, structured_output=False)(safely)
