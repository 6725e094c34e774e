"""The client for asyncio: the same operations, each to be awaited. One event loop uses it.

    async with zooid.aio.Client() as client:
        async with await client.watch("/app", recursive=True) as changes:
            async for event in changes:
                ..."""
from __future__ import annotations

import asyncio
import functools
import os
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    BinaryIO,
    Callable,
    Coroutine,
    Dict,
    Iterable,
    List,
    Optional,
    Type,
    TypeVar,
    Union,
)

from . import _asks, _zooid
from ._aio_feeds import Monitor, Subscription
from ._aio_providing import Provider
from ._aio_recipes import Barrier, Cache, Counter, DoubleBarrier, Lock, Presence, Queue
from ._aio_services import Services
from ._asks import Ask, Data, Reply, check
from ._handles import open_handle
from ._streams import Basket, event_of
from .errors import ClosedError, Error, OutOfMemoryError
from .providing import Commands, commands_of, request_for
from .providing import Source as Offered
from .recipes import Contender, _contenders
from .subscription import ask_for
from .values import Backup, Children, Cursor, Event, Freshness, SessionKey, SessionState

if TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

EVENTS_A_TURN = 1000  # then other tasks get their turn


def _awaits(make: Callable[P, Ask[T]]) -> Callable[Concatenate[Client, P], Coroutine[Any, Any, T]]:
    """The method that performs what `make` makes."""

    @functools.wraps(make)
    async def method(self: Client, /, *args: P.args, **named: P.kwargs) -> T:
        return await self._run(make(*args, **named))

    return method


class Stream:
    """Events as they come, for `async for`; ends when it or its client is closed. One task reads it."""

    def __init__(
        self, client: Client, path: Optional[str] = None, recursive: bool = False, owned: bool = False
    ) -> None:
        self.basket = Basket(path, recursive)
        self.came = asyncio.Event()
        self._client = client
        self._owned = owned

    async def close(self) -> None:
        if self._client._drop(self) and self._owned:
            await self._client._unwatch(self.basket.path or "")

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Event:
        while not self.basket.kept:
            if not self._client._has(self):
                raise StopAsyncIteration
            self.came.clear()
            await self.came.wait()
        return self.basket.kept.popleft()

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()


class Client:
    """As zooid.Client; it is opened by `async with`, or by awaiting `open()`."""

    def __init__(
        self,
        socket: Optional[Union[str, os.PathLike[str]]] = None,
        *,
        name: Optional[str] = None,
        timeout: Optional[float] = 30.0,
        connect_timeout: float = 5.0,
        session_timeout: float = 30.0,
        watchdog: float = 0.0,
        linger: float = 0.0,
        resume: Optional[SessionKey] = None,
        logins_max: int = 16,
    ) -> None:
        self._arguments = (socket, name, connect_timeout, session_timeout, watchdog, linger, resume, logins_max)
        self._timeout_ms = _asks.milliseconds(timeout)
        self._opened: Optional[_zooid.Handle] = None
        self._closed = False
        self._waiting: Dict[int, asyncio.Future[_zooid.Reply]] = {}
        self._streams: List[Stream] = []

    async def open(self) -> Client:
        loop = asyncio.get_running_loop()
        self._opened = await loop.run_in_executor(None, open_handle, *self._arguments)
        loop.add_reader(_zooid.descriptor(self._opened), self._fetch)
        return self

    async def close(self) -> None:
        """Ends the session; every task that waits gets a ClosedError."""
        if self._opened is None or self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(_zooid.descriptor(self._opened))
        await loop.run_in_executor(None, _zooid.handle_shutdown, self._opened)
        while self._fetch():
            pass
        for stream in self._streams:
            stream.came.set()
        self._streams.clear()

    async def __aenter__(self) -> Client:
        return await self.open()

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    @property
    def _handle(self) -> _zooid.Handle:
        if self._opened is None or self._closed:
            raise ClosedError("the client is not open")
        return self._opened

    # What comes

    def _fetch(self) -> int:
        """Takes what has come; returns how much that was."""
        assert self._opened is not None
        for count in range(EVENTS_A_TURN):
            raw = _zooid.next_event(self._opened, 0)
            if raw is None:
                return count
            if raw[0] == _zooid.EVENT_REPLY:
                self._take_reply(raw[1], raw[2])
            else:
                self._take_event(event_of(raw))
        return EVENTS_A_TURN

    def _take_reply(self, ticket: int, reply: Optional[_zooid.Reply]) -> None:
        future = self._waiting.pop(ticket, None)
        if future is not None and not future.done() and reply is not None:
            future.set_result(reply)

    def _take_event(self, event: Event) -> None:
        for stream in self._streams:
            if stream.basket.matches(event):
                stream.basket.put(event)
                stream.came.set()

    def _has(self, stream: Stream) -> bool:
        return stream in self._streams

    def _drop(self, stream: Stream) -> bool:
        if stream not in self._streams:
            return False
        self._streams.remove(stream)
        stream.came.set()
        return True

    # What is asked

    def _ms(self, timeout: Optional[float]) -> int:
        return self._timeout_ms if timeout is None else _asks.milliseconds(timeout)

    async def _run(self, ask: Ask[T]) -> T:
        return ask.answer(await self._reply(_zooid.submit(self._handle, ask.request, self._ms(ask.timeout))))

    async def _reply(self, ticket: int) -> _zooid.Reply:
        """The reply to what was submitted; cancelling the task cancels it."""
        if ticket == 0:
            raise OutOfMemoryError("the request could not be submitted")
        future: asyncio.Future[_zooid.Reply] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = future
        try:
            return await future
        except asyncio.CancelledError:
            if self._waiting.pop(ticket, None) is not None and not self._closed:
                _zooid.cancel(self._handle, ticket)
            raise

    @property
    def session_state(self) -> SessionState:
        return SessionState(_zooid.session_state_of(self._handle))

    @property
    def session_id(self) -> int:
        return _zooid.session_id(self._handle)

    @property
    def session_key(self) -> Optional[SessionKey]:
        """None: there is no session yet; `open_session` opens it."""
        key = _zooid.session_key(self._handle)
        return None if key is None else SessionKey._make(key)

    @property
    def good_until(self) -> float:
        """On CLOCK_BOOTTIME: until then the session does not expire."""
        return _zooid.session_good_until_ms(self._handle) / 1000

    @property
    def client_port(self) -> int:
        return _zooid.client_port(self._handle)

    @property
    def last_zxid(self) -> int:
        return _zooid.last_zxid(self._handle)

    # Reads

    get = _awaits(_asks.get)
    exists = _awaits(_asks.exists)
    list = _awaits(_asks.list_)
    list_nodes = _awaits(_asks.list_nodes)
    page = _awaits(_asks.page)
    get_acl = _awaits(_asks.get_acl)
    read_many = _awaits(_asks.read_many)
    subtree = _awaits(_asks.subtree)
    ephemerals = _awaits(_asks.ephemerals)
    count_descendants = _awaits(_asks.count_descendants)
    sync = _awaits(_asks.sync)
    wait_for = _awaits(_asks.wait_for)
    who_am_i = _awaits(_asks.who_am_i)

    # Of the admin server

    command = _awaits(_asks.command)

    # Writes

    create = _awaits(_asks.create)
    set = _awaits(_asks.set_)
    delete = _awaits(_asks.delete)
    set_acl = _awaits(_asks.set_acl)
    multi = _awaits(_asks.multi)
    reconfigure = _awaits(_asks.reconfigure)

    # Sessions

    add_auth = _awaits(_asks.add_auth)
    open_session = _awaits(_asks.open_session)
    close_session = _awaits(_asks.close_session)

    # Commands that other programs on this host offer

    call = _awaits(_asks.call)
    call_bytes = _awaits(_asks.call_bytes)

    # What is more than one request

    async def pages(
        self, path: str, limit: int = 1000, *, fresh: Optional[Freshness] = None, timeout: Optional[float] = None
    ) -> AsyncIterator[Children]:
        after: Optional[str] = None
        while True:
            page = await self.page(path, after, limit, fresh=fresh, timeout=timeout)
            yield page
            if page.complete or not page.names:
                return
            after = page.names[-1]

    async def ensure_path(self, path: str, *, timeout: Optional[float] = None) -> None:
        ticket = _zooid.submit_ensure_path(self._handle, path, self._ms(timeout))
        check(Reply._make(await self._reply(ticket)))

    async def delete_recursive(self, path: str, *, timeout: Optional[float] = None) -> None:
        ticket = _zooid.submit_delete_recursive(self._handle, path, self._ms(timeout))
        check(Reply._make(await self._reply(ticket)))

    async def backup(self, file: Union[int, BinaryIO], *, timeout: Optional[float] = None) -> Backup:
        """As zooid.Client.backup, in a thread."""
        fd = file if isinstance(file, int) else file.fileno()
        work = functools.partial(_zooid.backup, self._handle, fd, self._ms(timeout))
        reply = check(Reply._make(await asyncio.get_running_loop().run_in_executor(None, work)))
        return Backup(reply.zxid, reply.number)

    # Locks and their like

    def lock(self, path: str, identifier: Optional[str] = None) -> Lock:
        """As zooid.Client.lock."""
        return Lock(self, _zooid.lock_new(self._handle, path, _zooid.LOCK_EXCLUSIVE, identifier))

    def read_lock(self, path: str, identifier: Optional[str] = None) -> Lock:
        return Lock(self, _zooid.lock_new(self._handle, path, _zooid.LOCK_READ, identifier))

    def write_lock(self, path: str, identifier: Optional[str] = None) -> Lock:
        return Lock(self, _zooid.lock_new(self._handle, path, _zooid.LOCK_WRITE, identifier))

    def semaphore(self, path: str, leases: int, identifier: Optional[str] = None) -> Lock:
        return Lock(self, _zooid.semaphore_new(self._handle, path, leases, identifier))

    def barrier(self, path: str) -> Barrier:
        return Barrier(self, _zooid.barrier_new(self._handle, path))

    def double_barrier(self, path: str, count: int, identifier: Optional[str] = None) -> DoubleBarrier:
        return DoubleBarrier(self, _zooid.double_barrier_new(self._handle, path, count, identifier))

    def queue(self, path: str) -> Queue:
        return Queue(self, _zooid.queue_new(self._handle, path))

    def counter(self, path: str) -> Counter:
        return Counter(self, path)

    def cache(self, path: str) -> Cache:
        """A copy of the node and all below it."""
        return Cache(self, _zooid.cache_new(self._handle, path))

    def keep(self, path: str, data: Data = b"") -> Presence:
        """An ephemeral node that is made again whenever it is gone."""
        return Presence(self, _zooid.ephemeral_new(self._handle, path, data))

    def join(self, group: str, identifier: Optional[str] = None) -> Presence:
        """A member of the group, until it is closed."""
        return Presence(self, _zooid.group_join(self._handle, group, identifier))

    async def members(self, group: str, *, timeout: Optional[float] = None) -> List[Contender]:
        ticket = _zooid.group_submit_members(self._handle, group, self._ms(timeout))
        return _contenders(Reply._make(await self._reply(ticket)))

    @property
    def services(self) -> Services:
        """As zooid.Client.services."""
        return Services(self)

    # Events, and commands that others call

    async def provide(
        self, name: str, commands: Commands, *, description: str = "", replace: bool = False
    ) -> Provider:
        """As zooid.Client.provide."""
        offers = commands_of(commands)
        request = request_for(name, offers, description, replace)
        handle = await asyncio.get_running_loop().run_in_executor(None, open_handle, *self._arguments[:4])
        return await Provider(name, Offered(handle, request, offers)).begin()

    async def subscribe(
        self,
        prefix: str,
        *,
        also: Iterable[str] = (),
        cursor: Optional[Cursor] = None,
        data: bool = True,
        snapshot: bool = True,
        window: Optional[int] = None,
    ) -> Subscription:
        """As zooid.Client.subscribe."""
        request = ask_for(prefix, also, cursor, data, snapshot, window)
        return Subscription(await self._another(), request, cursor)

    async def monitor(self, level: str = "info") -> Monitor:
        """As zooid.Client.monitor."""
        return Monitor(await self._another(), level)

    async def _another(self) -> _zooid.Handle:
        """One more connection, logged in as this one is by now."""
        another = functools.partial(open_handle, *self._arguments[:4], logins=self._handle)
        return await asyncio.get_running_loop().run_in_executor(None, another)

    async def watch(self, path: str, *, recursive: bool = False, timeout: Optional[float] = None) -> Stream:
        stream = Stream(self, path, recursive, owned=True)
        self._streams.append(stream)
        try:
            await self._run(_asks.add_watch(path, recursive, timeout))
        except BaseException:
            self._drop(stream)
            raise
        return stream

    async def _unwatch(self, path: str) -> None:
        if self._closed or any(stream.basket.path == path for stream in self._streams):
            return
        try:
            await self._run(_asks.remove_watch(path))
        except Error:
            pass  # it goes with the connection

    def set_event_limit(self, events: int) -> None:
        """As zooid.Client.set_event_limit."""
        _zooid.set_event_limit(self._handle, events)

    def events(self) -> Stream:
        """Everything that is told from now on: changes of the session, and events of all watches."""
        stream = Stream(self)
        self._streams.append(stream)
        return stream
