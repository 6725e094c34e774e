"""The client for programs that wait, in one thread or many."""
from __future__ import annotations

import functools
import os
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Callable, Iterable, Iterator, List, Optional, Type, TypeVar, Union

from . import _asks, _zooid
from ._asks import Ask, Data, Reply
from ._handles import open_handle
from .errors import Error
from .monitor import Monitor
from .providing import Commands, Provider
from .recipes import Barrier, Cache, Contender, Counter, DoubleBarrier, Lock, Presence, Queue, _contenders
from .services import Services
from .streams import Hub, Stream
from .subscription import Subscription, ask_for
from .values import Backup, Children, Cursor, Freshness, Node, SessionKey, SessionState

if TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


def _waits(make: Callable[P, Ask[T]]) -> Callable[Concatenate[Client, P], T]:
    """The method that performs what `make` makes."""

    @functools.wraps(make)
    def method(self: Client, /, *args: P.args, **named: P.kwargs) -> T:
        return self._run(make(*args, **named))

    return method


class Client:
    """A connection to the agent of this host, which is made again when it breaks.

    `socket` is the path of the agent's socket (default: $ZOOID_SOCKET, else /run/zooid/zooid.sock). Times are seconds.
    `timeout` is how long a request may take that names no other; None waits as long as the agent does. Every method may
    be called from any thread. Reads need no session; the first write opens one, which ends with the client; with
    `watchdog` it ends too when the client asks for nothing in so long a time, as when the process is stopped. With
    `linger` the agent keeps it for so long after the client or its process has ended: another one takes it over when it
    is given its `session_key` as `resume`, with its ephemeral nodes and locks. When it is gone by then, an event says so,
    and a new one is opened. `logins_max` of its logins (`add_auth`) are made again after a reconnect, 4096 at most; what
    goes beyond is lost with the connection, which the log tells when the login is made."""

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
        self._closed = True  # for __del__, should the next line fail
        self._handle = open_handle(socket, name, connect_timeout, session_timeout, watchdog, linger, resume, logins_max)
        self._closed = False
        self._where = (socket, name)
        self._pid = os.getpid()
        self._timeout_ms = _asks.milliseconds(timeout)
        self._hub = Hub(self._handle)

    def close(self) -> None:
        """Ends the session and sends home every thread that waits. May be called again, and in any thread."""
        if self._closed:
            return
        self._closed = True
        if self._pid == os.getpid():
            self._hub.close()
            _zooid.handle_shutdown(self._handle)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._closed and self._pid == os.getpid():
            warnings.warn(f"{self!r} was never closed", ResourceWarning, source=self)
            self.close()

    def _ms(self, timeout: Optional[float]) -> int:
        return self._timeout_ms if timeout is None else _asks.milliseconds(timeout)

    def _run(self, ask: Ask[T]) -> T:
        return ask.answer(_zooid.perform(self._handle, ask.request, self._ms(ask.timeout)))

    # The state as it is known here

    @property
    def session_state(self) -> SessionState:
        return SessionState(_zooid.session_state_of(self._handle))

    @property
    def session_id(self) -> int:
        """0: none."""
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
        """Where the agent speaks ZooKeeper's protocol; 0: nowhere."""
        return _zooid.client_port(self._handle)

    @property
    def last_zxid(self) -> int:
        """The highest zxid that this client has seen."""
        return _zooid.last_zxid(self._handle)

    # Reads

    exists = _waits(_asks.exists)
    list = _waits(_asks.list_)
    list_nodes = _waits(_asks.list_nodes)
    page = _waits(_asks.page)
    get_acl = _waits(_asks.get_acl)
    read_many = _waits(_asks.read_many)
    subtree = _waits(_asks.subtree)
    ephemerals = _waits(_asks.ephemerals)
    count_descendants = _waits(_asks.count_descendants)
    sync = _waits(_asks.sync)
    wait_for = _waits(_asks.wait_for)
    who_am_i = _waits(_asks.who_am_i)

    # Of the admin server

    command = _waits(_asks.command)

    # Writes

    create = _waits(_asks.create)
    set = _waits(_asks.set_)
    delete = _waits(_asks.delete)
    set_acl = _waits(_asks.set_acl)
    multi = _waits(_asks.multi)
    reconfigure = _waits(_asks.reconfigure)

    # Sessions

    add_auth = _waits(_asks.add_auth)
    open_session = _waits(_asks.open_session)
    close_session = _waits(_asks.close_session)

    # Commands that other programs on this host offer

    call = _waits(_asks.call)
    call_bytes = _waits(_asks.call_bytes)

    # What is more than one request, or the one that counts

    def get(
        self,
        path: str,
        *,
        fresh: Optional[Freshness] = None,
        watch: bool = False,
        if_changed_since: Optional[int] = None,
        timeout: Optional[float] = None,
    ) -> Node:
        """With `watch` its next change is one of `events()`; `if_changed_since` a zxid raises NotChangedError."""
        if fresh is not None or watch or if_changed_since is not None:
            return self._run(
                _asks.get(path, fresh=fresh, watch=watch, if_changed_since=if_changed_since, timeout=timeout)
            )
        raw = _zooid.get(self._handle, path, self._ms(timeout))
        if raw[0] != _zooid.OK:
            _asks.check(Reply._make(raw))
        return Node(path, raw[8] or b"", _asks.stat_of(raw[9]), raw[5])

    def pages(
        self, path: str, limit: int = 1000, *, fresh: Optional[Freshness] = None, timeout: Optional[float] = None
    ) -> Iterator[Children]:
        """The children page by page, each as it is when it is asked for."""
        after: Optional[str] = None
        while True:
            page = self.page(path, after, limit, fresh=fresh, timeout=timeout)
            yield page
            if page.complete or not page.names:
                return
            after = page.names[-1]

    def ensure_path(self, path: str, *, timeout: Optional[float] = None) -> None:
        """Creates what is missing of it."""
        _asks.check(Reply._make(_zooid.ensure_path(self._handle, path, self._ms(timeout))))

    def delete_recursive(self, path: str, *, timeout: Optional[float] = None) -> None:
        """The node and all below it, one after the other."""
        _asks.check(Reply._make(_zooid.delete_recursive(self._handle, path, self._ms(timeout))))

    def backup(self, file: Union[int, BinaryIO], *, timeout: Optional[float] = None) -> Backup:
        """Writes the tree as it is now into an open file, as a snapshot of ZooKeeper's format; for administrators.
        `timeout` is how long nothing may come."""
        fd = file if isinstance(file, int) else file.fileno()
        reply = _asks.check(Reply._make(_zooid.backup(self._handle, fd, self._ms(timeout))))
        return Backup(reply.zxid, reply.number)

    @property
    def services(self) -> Services:
        """Registers services, and finds them."""
        return Services(self)

    # Locks and their like

    def lock(self, path: str, identifier: Optional[str] = None) -> Lock:
        """Held by one at a time. An election is a lock: who holds it leads."""
        return Lock(self, _zooid.lock_new(self._handle, path, _zooid.LOCK_EXCLUSIVE, identifier))

    def read_lock(self, path: str, identifier: Optional[str] = None) -> Lock:
        """Held together with other readers."""
        return Lock(self, _zooid.lock_new(self._handle, path, _zooid.LOCK_READ, identifier))

    def write_lock(self, path: str, identifier: Optional[str] = None) -> Lock:
        """Held alone, without readers."""
        return Lock(self, _zooid.lock_new(self._handle, path, _zooid.LOCK_WRITE, identifier))

    def semaphore(self, path: str, leases: int, identifier: Optional[str] = None) -> Lock:
        """Held by `leases` at a time; all have to give the same number."""
        return Lock(self, _zooid.semaphore_new(self._handle, path, leases, identifier))

    def barrier(self, path: str) -> Barrier:
        return Barrier(self, path)

    def double_barrier(self, path: str, count: int, identifier: Optional[str] = None) -> DoubleBarrier:
        return DoubleBarrier(self, path, count, identifier)

    def queue(self, path: str) -> Queue:
        return Queue(self, path)

    def counter(self, path: str) -> Counter:
        return Counter(self, path)

    def cache(self, path: str) -> Cache:
        """A copy of the node and all below it."""
        return Cache(self, path)

    def keep(self, path: str, data: Data = b"") -> Presence:
        """An ephemeral node that is made again whenever it is gone."""
        return Presence(self, _zooid.ephemeral_new(self._handle, path, data))

    def join(self, group: str, identifier: Optional[str] = None) -> Presence:
        """A member of the group, until it is closed."""
        return Presence(self, _zooid.group_join(self._handle, group, identifier))

    def members(self, group: str, *, timeout: Optional[float] = None) -> List[Contender]:
        return _contenders(Reply._make(_zooid.group_members(self._handle, group, self._ms(timeout))))

    # Events, and commands that others call

    def provide(
        self,
        name: str,
        commands: Commands,
        *,
        description: str = "",
        replace: bool = False,
        workers: int = 4,
        connect_timeout: float = 5.0,
    ) -> Provider:
        """Offers commands under a name, each a function or a Command, which `workers` threads run. `replace` takes the
        name over from another process of this user. It has a connection of its own."""
        return Provider(*self._where, name, commands, description, replace, workers, connect_timeout)

    def subscribe(
        self,
        prefix: str,
        *,
        also: Iterable[str] = (),
        cursor: Optional[Cursor] = None,
        data: bool = True,
        snapshot: bool = True,
        window: Optional[int] = None,
        connect_timeout: float = 5.0,
    ) -> Subscription:
        """Every change of the node and of all below it, in the order of the commits, none missing and none twice. With
        `cursor` it goes on where another one stood; `also` adds further prefixes, told in the same order. It has a connection of its own,
        logged in as this one is by then."""
        request = ask_for(prefix, also, cursor, data, snapshot, window)
        return Subscription(self._another(connect_timeout), request, cursor)

    def monitor(self, level: str = "info", *, connect_timeout: float = 5.0) -> Monitor:
        """The agent's log as it is written, lines of that level ("error", "warn", "info", "debug") and worse, whatever
        the log itself has; for administrators. It has a connection of its own."""
        return Monitor(self._another(connect_timeout), level)

    def _another(self, connect_timeout: float) -> _zooid.Handle:
        return open_handle(*self._where, connect_timeout, 30.0, logins=self._handle)

    def watch(self, path: str, *, recursive: bool = False, timeout: Optional[float] = None) -> Stream:
        """Every change of the node and of its list of children, or with `recursive` of all nodes below it too,
        until the stream is closed. The node need not exist."""
        stream = Stream(self._hub, path, recursive, lambda: self._unwatch(path))
        try:
            self._run(_asks.add_watch(path, recursive, timeout))
        except BaseException:
            self._hub.remove(stream._basket)
            raise
        return stream

    def _unwatch(self, path: str) -> None:
        if self._closed or self._hub.watches(path):
            return
        try:
            self._run(_asks.remove_watch(path))
        except Error:
            pass  # it goes with the connection

    def set_event_limit(self, events: int) -> None:
        """So many events of watches wait for somebody to fetch them, 65536 if nothing was said, or any number with 0; then
        one that is MISSED stands for those that are not kept."""
        _zooid.set_event_limit(self._handle, events)

    def events(self) -> Stream:
        """Everything that is told from now on: changes of the session, and events of all watches."""
        return Stream(self._hub)
