"""Locks and their like, on nodes laid out as kazoo lays them out. Made by methods of Client."""
from __future__ import annotations

from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Type

from . import _asks, _zooid
from ._asks import Data, Reply, check
from .errors import ClosedError, DeadlineError, NotHeldError, error_of
from .values import Node

if TYPE_CHECKING:
    from .client import Client


class Contender(NamedTuple):
    """Who holds a lock or waits for it: the node's name, and what it calls itself."""

    name: str
    identifier: str


def _contenders(reply: Reply) -> List[Contender]:
    nodes = check(reply).nodes
    return [Contender(path or "", (data or b"").decode(errors="replace")) for _, path, data, _, _ in nodes]


class Recipe:
    """What they share: the client, and how to wait for what was submitted."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _check(self, raw: _zooid.Reply) -> Reply:
        return check(Reply._make(raw))


class Lock(Recipe):
    """A lock, a lead, or one lease of a semaphore.

    In a `with` it is acquired, waiting as long as it takes, and released. Those that hold it must have ended by
    `good_until`, and pass on `token`, which grows from holder to holder."""

    def __init__(self, client: Client, lock: _zooid.Lock) -> None:
        super().__init__(client)
        self._lock = lock

    def acquire(self, timeout: Optional[float] = None) -> bool:
        """False: not within `timeout` seconds. None waits as long as it takes."""
        ticket = _zooid.lock_submit_acquire(self._lock, _asks.milliseconds(timeout))
        try:
            self._check(self._client._hub.reply(ticket, self._give_up))
        except DeadlineError:
            return False
        return True

    def _give_up(self) -> None:
        """Who is interrupted does not have it, even if that came just before."""
        _zooid.lock_cancel(self._lock)
        if _zooid.lock_is_held(self._lock):
            self._client._hub.forget(_zooid.lock_submit_release(self._lock, _asks.NO_DEADLINE))

    def try_acquire(self, *, timeout: Optional[float] = None) -> bool:
        """False: another has it, or comes before."""
        try:
            self._check(_zooid.lock_try(self._lock, self._client._ms(timeout)))
        except NotHeldError:
            return False
        return True

    def release(self, *, timeout: Optional[float] = None) -> None:
        """NotHeldError: it had been lost."""
        self._check(_zooid.lock_release(self._lock, self._client._ms(timeout)))

    @property
    def is_held(self) -> bool:
        return _zooid.lock_is_held(self._lock)

    @property
    def token(self) -> int:
        """0: not held."""
        return _zooid.lock_token(self._lock)

    @property
    def good_until(self) -> float:
        """On CLOCK_BOOTTIME, in seconds: until then nobody else has it. It grows while it is held; 0: it is not."""
        return _zooid.lock_good_until_ms(self._lock) / 1000

    @property
    def number(self) -> int:
        """That of the event Change.LOST which tells that this one was lost."""
        return _zooid.lock_number(self._lock)

    def contenders(self, *, timeout: Optional[float] = None) -> List[Contender]:
        """Who holds it and who waits, in this order; of a semaphore only those that hold it."""
        return _contenders(Reply._make(_zooid.lock_contenders(self._lock, self._client._ms(timeout))))

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """That it was lost meanwhile is an error, unless there is one already."""
        try:
            self.release()
        except NotHeldError:
            if kind is None:
                raise


class Barrier(Recipe):
    """While it is set, all wait."""

    def __init__(self, client: Client, path: str) -> None:
        super().__init__(client)
        self._barrier = _zooid.barrier_new(client._handle, path)

    def set(self, *, timeout: Optional[float] = None) -> None:
        self._check(_zooid.barrier_set(self._barrier, self._client._ms(timeout)))

    def lift(self, *, timeout: Optional[float] = None) -> None:
        """NoNodeError: it was not set."""
        self._check(_zooid.barrier_lift(self._barrier, self._client._ms(timeout)))

    def wait(self, timeout: Optional[float] = None) -> bool:
        """False: it was not lifted within `timeout` seconds."""
        ticket = _zooid.barrier_submit_wait(self._barrier, _asks.milliseconds(timeout))
        try:
            self._check(self._client._hub.reply(ticket, lambda: _zooid.barrier_cancel(self._barrier)))
        except DeadlineError:
            return False
        return True


class DoubleBarrier(Recipe):
    """Nobody goes in before `count` are there, nobody comes out before all want to. A `with` enters and leaves."""

    def __init__(self, client: Client, path: str, count: int, identifier: Optional[str]) -> None:
        super().__init__(client)
        self._barrier = _zooid.double_barrier_new(client._handle, path, count, identifier)

    @property
    def number(self) -> int:
        """That of the event Change.LOST which tells that the session of one that is inside is over."""
        return _zooid.double_barrier_number(self._barrier)

    def _await(self, ticket: int) -> None:
        self._check(self._client._hub.reply(ticket, lambda: _zooid.double_barrier_cancel(self._barrier)))

    def enter(self, timeout: Optional[float] = None) -> None:
        """DeadlineError: it is out again."""
        self._await(_zooid.double_barrier_submit_enter(self._barrier, _asks.milliseconds(timeout)))

    def leave(self, timeout: Optional[float] = None) -> None:
        self._await(_zooid.double_barrier_submit_leave(self._barrier, _asks.milliseconds(timeout)))

    def __enter__(self) -> DoubleBarrier:
        self.enter()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.leave()


class Queue(Recipe):
    """Entries are handed out at least once each, by priority and arrival: one stays there, out of reach of others,
    until whoever took it calls finish(); when that one ends before, another gets it."""

    def __init__(self, client: Client, path: str) -> None:
        super().__init__(client)
        self._queue = _zooid.queue_new(client._handle, path)

    @property
    def number(self) -> int:
        """That of the event Change.LOST which tells that what was taken may be in other hands."""
        return _zooid.queue_number(self._queue)

    def put(self, data: Data, priority: int = 100, *, timeout: Optional[float] = None) -> None:
        """Priority 0 comes first, 999 last."""
        self._check(_zooid.queue_put(self._queue, data, priority, self._client._ms(timeout)))

    def take(self, timeout: Optional[float] = None) -> Optional[bytes]:
        """None: there was none within `timeout` seconds."""
        ticket = _zooid.queue_submit_take(self._queue, _asks.milliseconds(timeout))
        try:
            reply = self._check(self._client._hub.reply(ticket, self._give_up))
        except DeadlineError:
            return None
        return reply.data or b""

    def _give_up(self) -> None:
        """Who is interrupted has nothing in hands, even if that came just before."""
        _zooid.queue_cancel(self._queue)
        self._client._hub.forget(_zooid.queue_submit_return(self._queue, _asks.NO_DEADLINE))

    def finish(self, *, timeout: Optional[float] = None) -> None:
        """The entry that was taken is dealt with. NotHeldError: it may be in other hands."""
        self._check(_zooid.queue_finish(self._queue, self._client._ms(timeout)))

    def give_back(self, *, timeout: Optional[float] = None) -> None:
        """The entry that was taken is left to others."""
        self._check(_zooid.queue_return(self._queue, self._client._ms(timeout)))


class Counter(Recipe):
    """A whole number; a node that is missing counts as 0."""

    def __init__(self, client: Client, path: str) -> None:
        super().__init__(client)
        self._path = path

    def _value(self, raw: _zooid.Reply) -> int:
        number = self._check(raw).number
        return number - (1 << 64) if number >= 1 << 63 else number

    @property
    def value(self) -> int:
        return self._value(_zooid.counter_get(self._client._handle, self._path, self._client._ms(None)))

    def add(self, delta: int, *, timeout: Optional[float] = None) -> int:
        """The sum."""
        return self._value(_zooid.counter_add(self._client._handle, self._path, delta, self._client._ms(timeout)))


class Presence(Recipe):
    """An ephemeral node that is there while this is open, made again whenever it is gone; or membership of a group."""

    def __init__(self, client: Client, ephemeral: _zooid.Ephemeral) -> None:
        super().__init__(client)
        self._ephemeral: Optional[_zooid.Ephemeral] = ephemeral
        self.number = _zooid.ephemeral_number(ephemeral)
        """That of the event Change.LOST which tells each time that the node is gone, and will be made again."""

    def wait(self, timeout: Optional[float] = None) -> str:
        """Until it is there; returns its path."""
        ephemeral = self._ephemeral
        if ephemeral is None:
            raise NotHeldError("it was closed")
        ticket = _zooid.ephemeral_submit_wait(ephemeral, _asks.milliseconds(timeout))
        self._check(self._client._hub.reply(ticket, partial(_zooid.ephemeral_cancel, ephemeral)))
        return _zooid.ephemeral_path(ephemeral) or ""

    def set(self, data: Data) -> None:
        """What the node holds from now on."""
        if self._ephemeral is None:
            raise NotHeldError("it was closed")
        code = _zooid.ephemeral_set(self._ephemeral, data)
        if code != _zooid.OK:
            raise error_of(code)

    def close(self) -> None:
        """The node goes."""
        self._ephemeral = None

    def __enter__(self) -> Presence:
        self.wait()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


class Cache(Recipe):
    """A copy of a node and all below it, kept up to date and read without asking anybody. It may lag behind writes."""

    def __init__(self, client: Client, path: str) -> None:
        super().__init__(client)
        self._cache: Optional[_zooid.Cache] = _zooid.cache_new(client._handle, path)

    def _open(self) -> _zooid.Cache:
        if self._cache is None:
            raise ClosedError("the cache is closed")
        return self._cache

    def wait(self, timeout: Optional[float] = None) -> None:
        """Until the first copy is complete."""
        cache = self._open()
        ticket = _zooid.cache_submit_wait(cache, _asks.milliseconds(timeout))
        self._check(self._client._hub.reply(ticket, partial(_zooid.cache_cancel, cache)))

    def get(self, path: str) -> Node:
        """NoNodeError: it is not in the copy. StaleError: the first copy is not complete."""
        reply = self._check(_zooid.cache_get(self._open(), path))
        return Node(path, reply.data or b"", _asks.stat_of(reply.stat), reply.zxid)

    def list(self, path: str) -> List[str]:
        return list(self._check(_zooid.cache_list(self._open(), path)).names)

    def close(self) -> None:
        self._cache = None

    def __enter__(self) -> Cache:
        self.wait()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
