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
        assert "is no Python script" in await ask("run", script="missing.py")
        (tmp_path / "a.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
        assert "is not between" in await ask("run", script="a.py", seconds=1e9)
        assert "stopped after 2 s" in await ask("run", script="a.py", seconds=2)
        assert "NaN" in await ask("explain", code="nan-loss")

    drive(tmp_path, conversation)
