"""Locks and their like, as Python offers them; what they do is tested with libzooid."""
from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import Callable, List, NoReturn

import pytest

import zooid
import zooid.aio
from zooid import Change, Client
from zooid.testing import Agent


def test_a_lock_is_a_context(zooid_client: Client, zooid_agent: Agent) -> None:
    tokens = []
    for _ in range(2):
        with zooid_client.lock("/lock", "ann") as lock:
            assert lock.is_held and lock.good_until > time.clock_gettime(time.CLOCK_BOOTTIME)
            assert [contender.identifier for contender in lock.contenders()] == ["ann"]
            tokens.append(lock.token)
            with zooid_agent.client() as other:
                rival = other.lock("/lock")
                assert not rival.try_acquire() and not rival.acquire(timeout=0.05) and not rival.is_held
    assert 0 < tokens[0] < tokens[1] and lock.token == 0 and not lock.is_held
    with pytest.raises(zooid.NotHeldError):
        lock.release()
    with pytest.raises(ValueError):
        zooid_client.lock("relative")


def test_threads_take_turns(zooid_agent: Agent, zooid_client: Client) -> None:
    zooid_client.create("/n", b"0")

    def add() -> None:
        lock = zooid_client.lock("/turns")
        for _ in range(10):
            with lock:
                zooid_client.set("/n", b"%d" % (int(zooid_client.get("/n").data) + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert zooid_client.get("/n").data == b"40"


def test_a_lock_that_is_lost(zooid_client: Client) -> None:
    with zooid_client.events() as events, pytest.raises(zooid.NotHeldError):
        with zooid_client.lock("/lost") as lock:
            zooid_client.delete("/lost/" + lock.contenders()[0].name)
            lost = next(event for event in events if event.change == Change.LOST)
            assert lost.number == lock.number and not lock.is_held


def test_waiting_for_a_lock_can_be_interrupted(zooid_client: Client, zooid_agent: Agent) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with zooid_client.lock("/held") as held, zooid_agent.client() as other:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            with pytest.raises(KeyboardInterrupt):
                other.lock("/held").acquire()
            other.sync()
            assert held.is_held
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_who_is_interrupted_holds_nothing(
    zooid_client: Client, zooid_agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even what came just before."""
    lock = zooid_client.lock("/interrupted")

    def interrupted(ticket: int, cancel: Callable[[], None]) -> NoReturn:
        while not lock.is_held:
            zooid_client.sync()
        cancel()
        raise KeyboardInterrupt

    monkeypatch.setattr(zooid_client._hub, "reply", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lock.acquire()
    queue = zooid_client.queue("/entries")
    queue.put(b"entry")

    def interrupted_taking(ticket: int, cancel: Callable[[], None]) -> NoReturn:
        while zooid_client.exists("/entries/taken") is None or not zooid_client.list("/entries/taken"):
            pass
        cancel()
        raise KeyboardInterrupt

    monkeypatch.setattr(zooid_client._hub, "reply", interrupted_taking)
    with pytest.raises(KeyboardInterrupt):
        queue.take()
    with zooid_agent.client() as other:
        assert other.lock("/interrupted").acquire(timeout=30) and not lock.is_held
        assert other.queue("/entries").take(timeout=30) == b"entry"


def test_readers_and_writers(zooid_client: Client, zooid_agent: Agent) -> None:
    with zooid_client.read_lock("/rw"), zooid_agent.client() as other:
        with other.read_lock("/rw"):
            assert not zooid_client.write_lock("/rw").try_acquire()
    with zooid_client.write_lock("/rw"):
        pass


def test_semaphores(zooid_client: Client) -> None:
    first, second, third = (zooid_client.semaphore("/s", 2, name) for name in ("a", "b", "c"))
    with first, second:
        assert not third.try_acquire()
        assert sorted(contender.identifier for contender in first.contenders()) == ["a", "b"]
    with third:
        pass


def test_barriers(zooid_client: Client, zooid_agent: Agent) -> None:
    barrier = zooid_client.barrier("/barrier")
    barrier.set()
    assert not barrier.wait(timeout=0.05)
    barrier.lift()
    assert barrier.wait()
    with pytest.raises(zooid.NoNodeError):
        barrier.lift()
    with zooid_agent.client() as other:
        entered: List[bool] = []

        def go_in() -> None:
            with other.double_barrier("/double", 2, "b"):
                entered.append(True)

        thread = threading.Thread(target=go_in)
        thread.start()
        with zooid_client.double_barrier("/double", 2, "a"):
            pass
        thread.join()
        assert entered == [True]


def test_queues_and_counters(zooid_client: Client) -> None:
    queue = zooid_client.queue("/queue")
    for data, priority in ((b"late", 200), (b"one", 100), (b"two", 100)):
        queue.put(data, priority)
    assert queue.take() == b"one"
    queue.give_back()
    for wanted in (b"one", b"two", b"late"):
        assert queue.take() == wanted
        queue.finish()
    assert queue.take(timeout=0.05) is None
    counter = zooid_client.counter("/counter")
    assert [counter.value, counter.add(-5), counter.add(7), counter.value] == [0, -5, 2, 2]


def test_presence(zooid_client: Client) -> None:
    with zooid_client.keep("/present", b"x") as present:
        assert zooid_client.get(present.wait()).data == b"x"
        zooid_client.delete("/present")
        present.wait()
    with zooid_client.join("/group", "ann"), zooid_client.join("/group", "bob"):
        assert sorted(member.identifier for member in zooid_client.members("/group")) == ["ann", "bob"]


def test_closing_the_client_ends_the_wait(zooid_client: Client, zooid_agent: Agent) -> None:
    other = zooid_agent.client()
    outcome: List[str] = []

    def wait() -> None:
        try:
            other.lock("/closing").acquire()
        except zooid.Error as error:
            outcome.append(error.name)

    with zooid_client.lock("/closing"):
        thread = threading.Thread(target=wait)
        thread.start()
        other.close()
        thread.join()
    assert outcome == ["CLOSED"]


def test_locks_of_asyncio(zooid_agent: Agent, zooid_client: Client) -> None:
    async def main() -> List[int]:
        order: List[int] = []
        async with zooid.aio.Client(zooid_agent.socket) as client:

            async def work(number: int) -> None:
                async with client.lock("/aio") as lock:
                    assert lock.is_held and lock.token > 0
                    order.append(number)
                    await client.sync()
                    order.append(number)

            await asyncio.gather(*(work(number) for number in range(5)))
            async with client.lock("/aio"):
                waiting = asyncio.ensure_future(client.lock("/aio").acquire())
                assert not await client.lock("/aio").acquire(timeout=0.05)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
        return order

    order = asyncio.run(main())
    assert order[::2] == order[1::2] and sorted(order[::2]) == [0, 1, 2, 3, 4]


def test_a_cache(zooid_client: Client) -> None:
    zooid_client.ensure_path("/cached/a")
    with zooid_client.cache("/cached") as cache:
        assert cache.list("/cached") == ["a"] and cache.get("/cached/a").data == b""
        with pytest.raises(zooid.NoNodeError):
            cache.get("/cached/none")
        with pytest.raises(zooid.BadArgumentsError):
            cache.get("/elsewhere")
    with pytest.raises(zooid.ClosedError):
        cache.get("/cached")
