"""Locks and their like for asyncio: as those of zooid.recipes, to be awaited. Made by methods of aio.Client."""
from __future__ import annotations

import asyncio
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Callable, List, Optional, Type

from . import _asks, _zooid
from ._asks import Data, Reply, check
from .errors import ClosedError, DeadlineError, NotHeldError, error_of
from .recipes import Contender, _contenders
from .values import Node

if TYPE_CHECKING:
    from .aio import Client


class Recipe:
    """What they share: the client, and how to wait for what was submitted."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def _answer(self, ticket: int) -> Reply:
        return check(Reply._make(await self._client._reply(ticket)))

    async def _ask(self, submit: Callable[[int], int], timeout: Optional[float]) -> Reply:
        """What does not wait for others: `timeout` is the client's if it is None."""
        return await self._answer(submit(self._client._ms(timeout)))

    async def _wait(self, submit: Callable[[int], int], timeout: Optional[float]) -> Optional[Reply]:
        """What may take as long as others want. None: longer than `timeout`."""
        raw = await self._client._reply(submit(_asks.milliseconds(timeout)))
        return None if raw[0] == DeadlineError.code else check(Reply._make(raw))


class ClosedOnExit(Recipe):
    """What an `async with` closes."""

    def close(self) -> None:
        raise NotImplementedError

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


class Lock(Recipe):
    """As zooid.Lock: `async with client.lock("/x") as lock`."""

    def __init__(self, client: Client, lock: _zooid.Lock) -> None:
        super().__init__(client)
        self._lock = lock

    async def acquire(self, timeout: Optional[float] = None) -> bool:
        """False: not within `timeout` seconds."""
        try:
            return await self._wait(partial(_zooid.lock_submit_acquire, self._lock), timeout) is not None
        except asyncio.CancelledError:
            self._give_up()
            raise

    async def try_acquire(self, *, timeout: Optional[float] = None) -> bool:
        """False: another has it, or comes before."""
        try:
            await self._ask(partial(_zooid.lock_submit_try, self._lock), timeout)
        except NotHeldError:
            return False
        except asyncio.CancelledError:
            self._give_up()
            raise
        return True

    def _give_up(self) -> None:
        """A task that is cancelled does not have it, even if that came just before."""
        if _zooid.lock_is_held(self._lock):
            _zooid.lock_submit_release(self._lock, _asks.NO_DEADLINE)

    async def release(self, *, timeout: Optional[float] = None) -> None:
        """NotHeldError: it had been lost."""
        await self._ask(partial(_zooid.lock_submit_release, self._lock), timeout)

    @property
    def is_held(self) -> bool:
        return _zooid.lock_is_held(self._lock)

    @property
    def token(self) -> int:
        return _zooid.lock_token(self._lock)

    @property
    def good_until(self) -> float:
        return _zooid.lock_good_until_ms(self._lock) / 1000

    @property
    def number(self) -> int:
        return _zooid.lock_number(self._lock)

    async def contenders(self, *, timeout: Optional[float] = None) -> List[Contender]:
        """Who holds it and who waits, in this order; of a semaphore only those that hold it."""
        return _contenders(await self._ask(partial(_zooid.lock_submit_contenders, self._lock), timeout))

    async def __aenter__(self) -> Lock:
        await self.acquire()
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        try:
            await self.release()
        except NotHeldError:
            if kind is None:
                raise


class Barrier(Recipe):
    """As zooid.Barrier."""

    def __init__(self, client: Client, barrier: _zooid.Barrier) -> None:
        super().__init__(client)
        self._barrier = barrier

    async def set(self, *, timeout: Optional[float] = None) -> None:
        await self._ask(partial(_zooid.barrier_submit_set, self._barrier), timeout)

    async def lift(self, *, timeout: Optional[float] = None) -> None:
        """NoNodeError: it was not set."""
        await self._ask(partial(_zooid.barrier_submit_lift, self._barrier), timeout)

    async def wait(self, timeout: Optional[float] = None) -> bool:
        """False: it was not lifted within `timeout` seconds."""
        return await self._wait(partial(_zooid.barrier_submit_wait, self._barrier), timeout) is not None


class DoubleBarrier(Recipe):
    """As zooid.DoubleBarrier; an `async with` enters and leaves."""

    def __init__(self, client: Client, barrier: _zooid.DoubleBarrier) -> None:
        super().__init__(client)
        self._barrier = barrier

    @property
    def number(self) -> int:
        return _zooid.double_barrier_number(self._barrier)

    async def enter(self, timeout: Optional[float] = None) -> None:
        """DeadlineError: it is out again."""
        await self._answer(_zooid.double_barrier_submit_enter(self._barrier, _asks.milliseconds(timeout)))

    async def leave(self, timeout: Optional[float] = None) -> None:
        await self._answer(_zooid.double_barrier_submit_leave(self._barrier, _asks.milliseconds(timeout)))

    async def __aenter__(self) -> DoubleBarrier:
        await self.enter()
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.leave()


class Queue(Recipe):
    """As zooid.Queue."""

    def __init__(self, client: Client, queue: _zooid.Queue) -> None:
        super().__init__(client)
        self._queue = queue

    @property
    def number(self) -> int:
        return _zooid.queue_number(self._queue)

    async def put(self, data: Data, priority: int = 100, *, timeout: Optional[float] = None) -> None:
        """Priority 0 comes first, 999 last."""
        await self._ask(partial(_zooid.queue_submit_put, self._queue, data, priority), timeout)

    async def take(self, timeout: Optional[float] = None) -> Optional[bytes]:
        """None: there was none within `timeout` seconds."""
        try:
            reply = await self._wait(partial(_zooid.queue_submit_take, self._queue), timeout)
        except asyncio.CancelledError:  # what came just before is left to others
            _zooid.queue_submit_return(self._queue, _asks.NO_DEADLINE)
            raise
        return None if reply is None else reply.data or b""

    async def finish(self, *, timeout: Optional[float] = None) -> None:
        """The entry that was taken is dealt with. NotHeldError: it may be in other hands."""
        await self._ask(partial(_zooid.queue_submit_finish, self._queue), timeout)

    async def give_back(self, *, timeout: Optional[float] = None) -> None:
        """The entry that was taken is left to others."""
        await self._ask(partial(_zooid.queue_submit_return, self._queue), timeout)


class Counter(Recipe):
    """A whole number; a node that is missing counts as 0."""

    def __init__(self, client: Client, path: str) -> None:
        super().__init__(client)
        self._path = path

    async def _value(self, submit: Callable[[int], int], timeout: Optional[float]) -> int:
        number = (await self._ask(submit, timeout)).number
        return number - (1 << 64) if number >= 1 << 63 else number

    async def value(self, *, timeout: Optional[float] = None) -> int:
        return await self._value(partial(_zooid.counter_submit_get, self._client._handle, self._path), timeout)

    async def add(self, delta: int, *, timeout: Optional[float] = None) -> int:
        """The sum."""
        return await self._value(partial(_zooid.counter_submit_add, self._client._handle, self._path, delta), timeout)


class Presence(ClosedOnExit):
    """As zooid.Presence."""

    def __init__(self, client: Client, ephemeral: _zooid.Ephemeral) -> None:
        super().__init__(client)
        self._ephemeral: Optional[_zooid.Ephemeral] = ephemeral
        self.number = _zooid.ephemeral_number(ephemeral)

    def _open(self) -> _zooid.Ephemeral:
        if self._ephemeral is None:
            raise NotHeldError("it was closed")
        return self._ephemeral

    async def wait(self, timeout: Optional[float] = None) -> str:
        """Until it is there; returns its path."""
        ephemeral = self._open()
        await self._answer(_zooid.ephemeral_submit_wait(ephemeral, _asks.milliseconds(timeout)))
        return _zooid.ephemeral_path(ephemeral) or ""

    def set(self, data: Data) -> None:
        """What the node holds from now on."""
        code = _zooid.ephemeral_set(self._open(), data)
        if code != _zooid.OK:
            raise error_of(code)

    def close(self) -> None:
        """The node goes."""
        self._ephemeral = None

    async def __aenter__(self) -> Presence:
        await self.wait()
        return self


class Cache(ClosedOnExit):
    """As zooid.Cache; it is read without awaiting anything."""

    def __init__(self, client: Client, cache: _zooid.Cache) -> None:
        super().__init__(client)
        self._cache: Optional[_zooid.Cache] = cache

    def _open(self) -> _zooid.Cache:
        if self._cache is None:
            raise ClosedError("the cache is closed")
        return self._cache

    async def wait(self, timeout: Optional[float] = None) -> None:
        """Until the first copy is complete."""
        await self._answer(_zooid.cache_submit_wait(self._open(), _asks.milliseconds(timeout)))

    def get(self, path: str) -> Node:
        """NoNodeError: it is not in the copy. StaleError: the first copy is not complete."""
        reply = check(Reply._make(_zooid.cache_get(self._open(), path)))
        return Node(path, reply.data or b"", _asks.stat_of(reply.stat), reply.zxid)

    def list(self, path: str) -> List[str]:
        return list(check(Reply._make(_zooid.cache_list(self._open(), path))).names)

    def close(self) -> None:
        self._cache = None

    async def __aenter__(self) -> Cache:
        await self.wait()
        return self
