"""The agent's log as an iterator, for threads and for asyncio."""
from __future__ import annotations

import asyncio
import os
import re
import signal

import pytest

import zooid
import zooid.aio
from zooid import Client
from zooid.testing import Agent

TOLD = "settings: nothing has changed"


def reload(agent: Agent) -> None:
    """Every time it writes a line."""
    serving = re.search(r"serving: .* pid (\d+)", agent.log())
    assert serving is not None
    os.kill(int(serving.group(1)), signal.SIGHUP)


def test_lines_come_as_they_are_written(zooid_agent: Agent, zooid_client: Client) -> None:
    with zooid_client.monitor() as lines:
        line = None
        while line is None:
            reload(zooid_agent)
            line = lines.next(timeout=0.2)
        assert TOLD in line.text and " info " in line.text and line.missed == 0
        reload(zooid_agent)
        assert TOLD in next(lines).text
    assert list(lines) == []


def test_a_level_that_there_is_not(zooid_client: Client) -> None:
    with zooid_client.monitor("loud") as lines:
        with pytest.raises(zooid.BadArgumentsError):
            next(lines)


def test_of_asyncio(zooid_agent: Agent) -> None:
    async def main() -> str:
        async with zooid.aio.Client(zooid_agent.socket) as client, await client.monitor() as lines:
            while True:
                reload(zooid_agent)
                try:
                    return (await asyncio.wait_for(lines.__anext__(), 0.2)).text
                except asyncio.TimeoutError:
                    continue

    assert TOLD in asyncio.run(main())
