"""The server, driven by the SDK's own client over standard input and output."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

mcp = pytest.importorskip("mcp")
if not hasattr(mcp, "Client"):
    pytest.skip("the client of version 2 of the SDK", allow_module_level=True)

TRAIN = """
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 8)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(200):
    rows = torch.randint(0, 512, (32,))
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.step()
print("done")
"""
Ask = Callable[..., Awaitable[str]]


def drive(folder: Path, conversation: Callable[[Ask, Any], Awaitable[None]]) -> None:
    """Start a server for a folder and let the conversation use its tools."""

    async def talk() -> None:
        words = ["-m", "trainadvisor", "mcp", "--root", str(folder)]
        server = mcp.StdioServerParameters(command=sys.executable, args=words, env={"OMP_NUM_THREADS": "1"})
        async with mcp.Client(server) as client:

            async def ask(tool: str, **arguments: Any) -> str:
                answer = await client.call_tool(tool, arguments)
                return "\n".join(part.text for part in answer.content)

            await conversation(ask, client)

    asyncio.run(talk())


def test_a_whole_cure(tmp_path: Path) -> None:
    """Run, read the diagnosis, show the change, write it, and run again."""
    script = tmp_path / "train.py"
    script.write_text(TRAIN, encoding="utf-8")

    async def conversation(ask: Ask, client: Any) -> None:
        told = await ask("run", script="train.py")
        assert "exit code 0" in told
        assert "done" in told
        assert "state: broken" in told
        assert "missing-backward" in told
        log = told.partition("log: ")[2].partition("\n")[0]
        assert "+    loss.backward()" in await ask("fix", log=log)
        assert script.read_text(encoding="utf-8") == TRAIN
        await ask("fix", log=log, write=True)
        assert "loss.backward()" in script.read_text(encoding="utf-8")
        assert "state: broken" not in await ask("run", script="train.py")
        assert "2 runs" in await ask("fleet", paths=["."])

    drive(tmp_path, conversation)


def test_every_tool_is_there_and_bounded(tmp_path: Path) -> None:
    """Paths out of the folder, options in place of names and times without end are refused, in words."""

    async def conversation(ask: Ask, client: Any) -> None:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == {"diagnose", "explain", "ask", "compare", "fleet", "run", "preflight", "verify", "fix"}
        assert "leads out of" in await ask("diagnose", log="../log.json")
        assert "leads out of" in await ask("diagnose", log="/etc/passwd")
        assert "is no path" in await ask("diagnose", log="--help")
        assert "is not a Python script" in await ask("run", script="missing.py")
        (tmp_path / "a.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
        assert "is not between" in await ask("run", script="a.py", seconds=1e9)
        assert "stopped after 2 s" in await ask("run", script="a.py", seconds=2)
        assert "NaN" in await ask("explain", code="nan-loss")

    drive(tmp_path, conversation)


def test_preflight_verify_and_compare(tmp_path: Path) -> None:
    """The other tools on the same script: what breaks it, the change that helps, and the better of two runs."""
    script = tmp_path / "train.py"
    script.write_text(TRAIN, encoding="utf-8")

    async def conversation(ask: Ask, client: Any) -> None:
        verdict = await ask("preflight", script="train.py", seconds=60)
        assert "FAIL" in verdict
        assert "missing-backward" in verdict
        told = await ask("verify", script="train.py", seconds=240)
        assert "loss.backward()" in told
        before = (await ask("run", script="train.py")).partition("log: ")[2].partition("\n")[0]
        script.write_text(TRAIN.replace("    optimizer.step()", "    loss.backward()\n    optimizer.step()"), "utf-8")
        after = (await ask("run", script="train.py")).partition("log: ")[2].partition("\n")[0]
        assert "missing-backward" in await ask("compare", before=before, after=after)

    drive(tmp_path, conversation)


SLOW = """
import os, pathlib, time
pathlib.Path("pid").write_text(str(os.getpid()))
time.sleep(300)
"""


def is_alive(pid: int) -> bool:
    """Return whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def until(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Return whether something holds within a time."""
    for _ in range(round(10 * seconds)):
        if holds():
            return True
        await asyncio.sleep(0.1)
    return False


def test_progress_and_cancellation(tmp_path: Path) -> None:
    """A long call tells how far it is; once it is cancelled its script ends, and the server answers the next one."""
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    told: list[tuple[float, float | None]] = []

    async def progress(spent: float, whole: float | None, message: str | None) -> None:
        told.append((spent, whole))

    async def conversation(ask: Ask, client: Any) -> None:
        given = {"script": "slow.py", "seconds": 200}
        call = asyncio.ensure_future(client.call_tool("run", given, progress_callback=progress))
        assert await until(lambda: (tmp_path / "pid").is_file() and bool(told))
        pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
        assert is_alive(pid)
        call.cancel()
        assert await until(lambda: not is_alive(pid), 20)
        assert "NaN" in await ask("explain", code="nan-loss")

    drive(tmp_path, conversation)
    spent = [time_ for time_, _ in told]
    assert spent == sorted(spent)
    assert {whole for _, whole in told} == {200.0}
