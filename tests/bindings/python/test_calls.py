"""Commands that programs offer and call: for threads and for asyncio."""
from __future__ import annotations

import asyncio
import json
import threading
from typing import Callable, Dict, List, Union

import pytest

import zooid
import zooid.aio
from zooid import Client
from zooid.testing import Agent


def add(a: int, b: int = 1) -> int:
    """A [B]: the sum"""
    return a + b


def fail(how: str) -> None:
    raise zooid.NoNodeError("nothing there") if how == "told" else RuntimeError("broken")


def test_commands_are_offered_and_called(zooid_client: Client) -> None:
    commands: Dict[str, Union[zooid.Command, Callable[..., object]]] = {
        "add": add,
        "fail": fail,
        "raw": zooid.Command(lambda data: data[::-1], help="turns it round", raw=True),
        "bytes": zooid.Command(lambda: b"not JSON", admin=True),
    }
    with zooid_client.provide("python", commands, description="for this test") as provider:
        assert provider.name == "python" and provider.error is None and not provider.wait(0)
        assert zooid_client.call("python", "add", 1, 2) == 3
        assert zooid_client.call("python", "add", a=5, timeout=20) == 6
        assert zooid_client.call_bytes("python", "raw", b"abc") == b"cba"
        assert zooid_client.call_bytes("python", "bytes", json.dumps({"args": []}).encode()) == b"not JSON"
        assert zooid_client.call_bytes("python", "add", b'{"args": {"a": 7}}') == b"8"
        with pytest.raises(zooid.NoNodeError, match="nothing there"):
            zooid_client.call("python", "fail", "told")
        with pytest.raises(zooid.SystemFailureError, match="RuntimeError: broken"):
            zooid_client.call("python", "fail", "somehow")
        for request in (b"[]", b"no JSON", b'{"args": 1}', b'{"args": [1, 2, 3]}', b'{"args": {"c": 1}}'):
            with pytest.raises(zooid.BadArgumentsError):
                zooid_client.call_bytes("python", "add", request)
        with pytest.raises(TypeError):
            zooid_client.call("python", "add", 1, b=2)
        with pytest.raises(zooid.NoSuchProviderError):
            zooid_client.call("python", "none")
    assert provider.wait(0) and provider.error is None
    with pytest.raises(zooid.NoSuchProviderError):
        zooid_client.call("python", "add", 1)
    provider.close()


def test_an_offer_that_cannot_stand_is_an_error(zooid_client: Client) -> None:
    with zooid_client.provide("one", {"add": add}):
        with pytest.raises(zooid.ProviderExistsError):
            zooid_client.provide("one", {"add": add})
    with pytest.raises(zooid.BadArgumentsError):
        zooid_client.provide("no name", {"add": add})


def test_a_name_is_taken_over_and_what_is_in_hand_is_finished(zooid_client: Client) -> None:
    begun, finish = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert finish.wait(30)
        return "old"

    with zooid_client.provide("taken", {"do": slow}) as former:
        answers: List[object] = []
        caller = threading.Thread(target=lambda: answers.append(zooid_client.call("taken", "do")))
        caller.start()
        assert begun.wait(30)
        with zooid_client.provide("taken", {"do": lambda: "new"}, replace=True):
            assert former.wait(30) and isinstance(former.error, zooid.ProviderReplacedError)
            assert zooid_client.call("taken", "do") == "new"
            finish.set()
            caller.join(30)
            assert answers == ["old"]


def test_an_offer_comes_back_with_the_agent(wait_until: Callable[[Callable[[], bool]], None]) -> None:
    with Agent() as agent, agent.client() as client, client.provide("again", {"add": add}) as provider:
        assert client.call("again", "add", 1) == 2
        agent.kill()
        agent.start()

        def is_back() -> bool:
            try:
                return bool(client.call("again", "add", 1) == 2)
            except (zooid.NoSuchProviderError, zooid.ConnectionLostError):
                return False

        wait_until(is_back)
        assert provider.error is None


def test_of_asyncio(zooid_agent: Agent, zooid_client: Client) -> None:
    async def work() -> None:
        over = asyncio.Event()

        async def twice(text: str) -> str:
            return text * 2

        async def hang() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                over.set()

        async with zooid.aio.Client(zooid_agent.socket) as client:
            async with await client.provide("aio", {"twice": twice, "hang": hang, "add": add}) as provider:
                assert await client.call("aio", "twice", "ab") == "abab"
                assert await client.call("aio", "add", a=1) == 2
                assert await client.call_bytes("aio", "twice", b'{"args": ["x"]}') == b'"xx"'
                with pytest.raises(zooid.BadArgumentsError):
                    await client.call("aio", "twice")
                with pytest.raises(zooid.DeadlineError):
                    await client.call("aio", "hang", timeout=0.05)
                await over.wait()
                with pytest.raises(zooid.ProviderExistsError):
                    await client.provide("aio", {"add": add})
                loop = asyncio.get_running_loop()
                answer = await loop.run_in_executor(None, lambda: str(zooid_client.call("aio", "twice", "c")))
                assert answer == "cc"
            await provider.wait()
            assert provider.error is None

    asyncio.run(asyncio.wait_for(work(), 60))
