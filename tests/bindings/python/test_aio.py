"""zooid.aio: the same operations, to be awaited."""
from __future__ import annotations

import asyncio
from typing import Awaitable, Callable, List, TypeVar

import pytest

import zooid
import zooid.aio
from zooid import Change, Client, Role
from zooid.testing import Agent

T = TypeVar("T")


def run(agent: Agent, work: Callable[[zooid.aio.Client], Awaitable[T]]) -> T:
    async def main() -> T:
        async with zooid.aio.Client(agent.socket) as client:
            return await asyncio.wait_for(work(client), 60)

    return asyncio.run(main())


def test_operations(zooid_agent: Agent, zooid_client: Client) -> None:
    async def work(client: zooid.aio.Client) -> None:
        await client.ensure_path("/a/b")
        assert await client.create("/a/s-", b"x", sequential=True) == "/a/s-0000000001"
        assert (await client.set("/a/b", b"y", 0)).version == 1
        assert (await client.get("/a/b", fresh=zooid.LATEST)).data == b"y"
        assert await client.list("/a") == ["b", "s-0000000001"]
        assert [page.names async for page in client.pages("/a", 1)] == [["b"], ["s-0000000001"]]
        assert [node.path for node in await client.subtree("/a")] == ["/a", "/a/b", "/a/s-0000000001"]
        assert [node is None for node in await client.read_many(["/a", "/none"])] == [False, True]
        assert await client.count_descendants("/a") == 2 and await client.exists("/none") is None
        assert len(await client.multi([zooid.Check("/a/b", 1), zooid.Delete("/a/b")])) == 2
        assert await client.get_acl("/a") == list(zooid.OPEN_ACL)
        assert (await client.sync()).role == Role.ALONE and client.last_zxid > 0
        await client.delete_recursive("/a")
        with pytest.raises(zooid.NoNodeError) as failed:
            await client.get("/a")
        assert failed.value.path == "/a"

    run(zooid_agent, work)


def test_a_session_is_taken_over(zooid_agent: Agent, zooid_client: Client) -> None:
    async def main() -> None:
        async with zooid.aio.Client(zooid_agent.socket, linger=600) as client:
            assert client.session_key is None
            await client.create("/taken-over", ephemeral=True)
            lock = client.lock("/taken-over-lock")
            await lock.acquire()
            key, fence = client.session_key, lock.token
        assert key is not None and zooid_client.exists("/taken-over") is not None
        async with zooid.aio.Client(zooid_agent.socket, resume=key) as client:
            again = client.lock("/taken-over-lock")
            await again.acquire()
            assert (again.token, client.session_id) == (fence, key.id)
        assert zooid_client.sync() and zooid_client.exists("/taken-over") is None

    asyncio.run(asyncio.wait_for(main(), 60))


def test_many_at_a_time(zooid_agent: Agent, zooid_client: Client) -> None:
    async def work(client: zooid.aio.Client) -> List[str]:
        paths: List[str] = list(await asyncio.gather(*(client.create(f"/{number:04}") for number in range(2000))))
        await asyncio.gather(*(client.delete(path) for path in paths))
        return paths

    assert run(zooid_agent, work) == [f"/{number:04}" for number in range(2000)]


def test_watches_are_async_iterators(zooid_agent: Agent, zooid_client: Client) -> None:
    async def work(client: zooid.aio.Client) -> None:
        async with await client.watch("/w", recursive=True) as changes:
            await client.create("/w")
            await client.create("/w/x")
            seen = [await changes.__anext__() for _ in range(2)]
            assert [(event.change, event.path) for event in seen] == [(Change.CREATED, "/w"), (Change.CREATED, "/w/x")]
        assert [event async for event in changes] == []

    run(zooid_agent, work)


def test_cancelling_a_task_cancels_its_request(zooid_agent: Agent) -> None:
    async def work(client: zooid.aio.Client) -> None:
        waiting = asyncio.ensure_future(client.wait_for(1 << 40))
        await asyncio.wait({waiting}, timeout=0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(zooid_agent, work)


def test_closing_ends_everything(zooid_agent: Agent) -> None:
    async def main() -> None:
        client = await zooid.aio.Client(zooid_agent.socket).open()
        events = client.events()

        async def listen() -> List[object]:
            return [event async for event in events if event.session is None]

        waiting, listening = asyncio.ensure_future(client.wait_for(1 << 40)), asyncio.ensure_future(listen())
        await asyncio.wait({waiting, listening}, timeout=0)
        await client.close()
        await client.close()
        with pytest.raises(zooid.ClosedError):
            await waiting
        assert await listening == []
        with pytest.raises(zooid.ClosedError):
            await client.get("/")

    asyncio.run(main())


def test_without_an_agent() -> None:
    async def main() -> None:
        async with zooid.aio.Client("/nowhere/zooid.sock", connect_timeout=0, timeout=0.05) as client:
            with pytest.raises(zooid.UnavailableError):
                await client.get("/")
        with pytest.raises(zooid.ConnectionLostError):
            await zooid.aio.Client("/nowhere/zooid.sock", connect_timeout=0.05).open()

    asyncio.run(main())


def test_recipes(zooid_agent: Agent) -> None:
    async def work(client: zooid.aio.Client) -> None:
        counter, queue, barrier = client.counter("/r/n"), client.queue("/r/queue"), client.barrier("/r/barrier")
        assert await counter.value() == 0
        assert sorted(await asyncio.gather(*(counter.add(-1) for _ in range(8)))) == list(range(-8, 0))
        await queue.put(b"late", 200)
        await queue.put(b"soon", 0)
        assert await queue.take() == b"soon"
        await queue.give_back()
        assert await queue.take() == b"soon"
        await queue.finish()
        assert await queue.take() == b"late"
        await queue.finish()
        assert await queue.take(timeout=0.02) is None
        await barrier.set()
        assert not await barrier.wait(timeout=0.02)
        waiting = asyncio.ensure_future(barrier.wait())
        await barrier.lift()
        assert await waiting
        async with client.join("/r/group", "me") as member, client.keep("/r/here", b"x") as presence:
            assert [one.identifier for one in await client.members("/r/group")] == ["me"]
            presence.set(b"y")
            await client.sync()
            assert (await client.get("/r/here")).data == b"y" and (await member.wait()).startswith("/r/group/")
        async with client.cache("/r") as cache:
            assert "n" in cache.list("/r") and cache.get("/r/n").data == b"-8"

        async def inside(name: str) -> None:
            async with client.double_barrier("/r/double", 2, name):
                pass

        await asyncio.gather(inside("a"), inside("b"))
        lock = client.lock("/r/lock", "me")
        assert await lock.try_acquire() and [one.identifier for one in await lock.contenders()] == ["me"]
        assert not await client.lock("/r/lock").try_acquire()
        await lock.release()
        assert (await client.command("server_stats"))["command"] == "server_stats"

    run(zooid_agent, work)


def test_a_loss_is_told(zooid_agent: Agent) -> None:
    async def work(client: zooid.aio.Client) -> None:
        queue, events = client.queue("/l/queue"), client.events()
        async with client.keep("/l/here") as presence, client.double_barrier("/l/double", 1) as inside:
            await queue.put(b"entry")
            assert await queue.take() == b"entry" and client.good_until > 0
            await client.close_session()
            expected = {queue.number, presence.number, inside.number}
            while expected:
                event = await events.__anext__()
                expected.discard(event.number if event.change == Change.LOST else 0)
            await inside.enter()

    run(zooid_agent, work)


def test_who_is_cancelled_holds_nothing(zooid_agent: Agent, zooid_client: Client) -> None:
    """Not even what came just before: here while the loop was not turning."""

    async def work(client: zooid.aio.Client) -> None:
        lock = client.lock("/cancelled")
        acquiring = asyncio.ensure_future(lock.acquire())
        await asyncio.wait([acquiring], timeout=0)
        while not lock.is_held:
            zooid_client.sync()
        acquiring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await acquiring
        assert zooid_client.lock("/cancelled").acquire(timeout=30)
        assert not lock.is_held
        queue, rest = client.queue("/entries"), zooid_client.queue("/entries")
        await queue.put(b"entry")
        taking = asyncio.ensure_future(queue.take())
        await asyncio.wait([taking], timeout=0)
        while zooid_client.exists("/entries/taken") is None or not zooid_client.list("/entries/taken"):
            pass
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert rest.take(timeout=30) == b"entry"

    run(zooid_agent, work)
