"""Every operation once, for the client that waits and for the one of asyncio: the request, and how to read its reply.

`timeout`, in seconds, is that of the client when it is None."""
from __future__ import annotations

import json
from functools import partial
from typing import Any, Callable, Generic, Iterable, List, NamedTuple, Optional, Sequence, Tuple, TypeVar, Union

from . import _zooid
from .errors import NoNodeError, error_of
from .values import Acl, Children, Freshness, Node, Perm, Result, Role, Stat, State

T = TypeVar("T")
Data = Union[bytes, bytearray, memoryview, None]

PERSISTENT, EPHEMERAL, CONTAINER, TTL = range(4)
WATCH_PERSISTENT, WATCH_RECURSIVE = range(2)
ANY_VERSION = -1
NO_DEADLINE = 0xFFFFFFFF
NO_STAT = Stat(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


class Reply(NamedTuple):
    """The tuple that the private layer makes of a reply."""

    code: int
    message: Optional[str]
    path: Optional[str]
    retry: bool
    outcome_unknown: bool
    zxid: int
    age_ms: int
    role: int
    data: Optional[bytes]
    stat: Optional[_zooid.Stat]
    number: int
    complete: bool
    names: Tuple[str, ...]
    nodes: Tuple[_zooid.Node, ...]
    acls: Tuple[_zooid.Acl, ...]


class Ask(Generic[T]):
    """A request that is ready, and what becomes of its reply."""

    __slots__ = ("request", "read", "timeout")

    def __init__(self, request: _zooid.Request, read: Callable[[Reply], T], timeout: Optional[float]) -> None:
        self.request = request
        self.read = read
        self.timeout = timeout

    def watched(self, watch: bool) -> Ask[T]:
        return self.with_option(_zooid.request_set_watch(self.request)) if watch else self

    def with_option(self, code: int) -> Ask[T]:
        """`code` is what a function said that added something to the request."""
        if code != _zooid.OK:
            raise error_of(code)
        return self

    def fresh(self, freshness: Optional[Freshness]) -> Ask[T]:
        if freshness is None:
            return self
        return self.with_option(
            _zooid.request_fresh(self.request, freshness.latest, freshness.zxid, milliseconds(freshness.age))
        )

    def paths(self, paths: Iterable[str]) -> Ask[T]:
        for path in paths:
            self.with_option(_zooid.request_add_path(self.request, path))
        return self

    def answer(self, raw: _zooid.Reply) -> T:
        return self.read(check(Reply._make(raw)))


def milliseconds(seconds: Optional[float]) -> int:
    """None: no deadline. What is longer than can be told is the longest that can."""
    return NO_DEADLINE if seconds is None else max(0, min(int(seconds * 1000), NO_DEADLINE - 1))


def check(reply: Reply) -> Reply:
    if reply.code != _zooid.OK:
        results = tuple(map(_result, reply.nodes))
        raise error_of(reply.code, reply.message, reply.path, reply.retry, reply.outcome_unknown, results)
    return reply


# What replies say


def stat_of(raw: Optional[_zooid.Stat]) -> Stat:
    return NO_STAT if raw is None else Stat._make(raw)


def _node(reply: Reply) -> Node:
    return Node(reply.path or "", reply.data or b"", stat_of(reply.stat), reply.zxid)


def _nodes(reply: Reply) -> List[Node]:
    return [
        Node(path or "", data or b"", stat_of(stat), reply.zxid, children)
        for code, path, data, stat, children in reply.nodes
    ]


def _found_nodes(paths: Sequence[str], reply: Reply) -> List[Optional[Node]]:
    """In the order of the paths that were asked for, which the agent does not repeat."""
    rows = zip(paths, _nodes(reply), reply.nodes)
    return [node._replace(path=path) if raw[0] == _zooid.OK else None for path, node, raw in rows]


def _result(raw: _zooid.Node) -> Result:
    code, path, _, stat, _ = raw
    error = None if code == _zooid.OK else error_of(code, None, path)
    return Result(error, path, None if stat is None else Stat._make(stat))


def _results(reply: Reply) -> List[Result]:
    return [_result(raw) for raw in reply.nodes]


def _children(reply: Reply) -> Children:
    return Children(list(reply.names), stat_of(reply.stat), reply.complete, reply.zxid)


def _acls(reply: Reply) -> List[Acl]:
    return [Acl(Perm(perms), scheme, id_) for perms, scheme, id_ in reply.acls]


def _state(reply: Reply) -> State:
    return State(reply.zxid, reply.age_ms / 1000, Role(reply.role))


def _path(reply: Reply) -> str:
    return reply.path or ""


def _stat(reply: Reply) -> Stat:
    return stat_of(reply.stat)


def _names(reply: Reply) -> List[str]:
    return list(reply.names)


def _number(reply: Reply) -> int:
    return reply.number


def _data(reply: Reply) -> bytes:
    return reply.data or b""


def _json(reply: Reply) -> Any:
    return json.loads(reply.data) if reply.data else None


def _nothing(reply: Reply) -> None:
    return None


# Reads


def get(
    path: str,
    *,
    fresh: Optional[Freshness] = None,
    watch: bool = False,
    if_changed_since: Optional[int] = None,
    timeout: Optional[float] = None,
) -> Ask[Node]:
    """With `watch` its next change is one of `events()`; `if_changed_since` a zxid raises NotChangedError."""
    ask = Ask(_zooid.request_get(path), _node, timeout).fresh(fresh).watched(watch)
    if if_changed_since is not None:
        ask.with_option(_zooid.request_set_if_changed_since(ask.request, if_changed_since))
    return ask


class ExistsAsk(Ask[Optional[Stat]]):
    """A node that is not there is an answer too."""

    __slots__ = ()

    def answer(self, raw: _zooid.Reply) -> Optional[Stat]:
        return None if raw[0] == NoNodeError.code else super().answer(raw)


def exists(
    path: str, *, fresh: Optional[Freshness] = None, watch: bool = False, timeout: Optional[float] = None
) -> Ask[Optional[Stat]]:
    """None: it does not."""
    return ExistsAsk(_zooid.request_exists(path), _stat, timeout).fresh(fresh).watched(watch)


def list_(
    path: str, *, fresh: Optional[Freshness] = None, watch: bool = False, timeout: Optional[float] = None
) -> Ask[List[str]]:
    """The names of all children, in ascending order."""
    return Ask(_zooid.request_list(path), _names, timeout).fresh(fresh).watched(watch)


def list_nodes(path: str, *, fresh: Optional[Freshness] = None, timeout: Optional[float] = None) -> Ask[List[Node]]:
    """All children with data and stat; the path of each is its name."""
    ask = Ask(_zooid.request_list(path), _nodes, timeout).fresh(fresh)
    return ask.with_option(_zooid.request_set_with_nodes(ask.request))


def page(
    path: str,
    after: Optional[str] = None,
    limit: int = 1000,
    *,
    fresh: Optional[Freshness] = None,
    timeout: Optional[float] = None,
) -> Ask[Children]:
    """The first children whose names are greater than `after`."""
    ask = Ask(_zooid.request_list(path), _children, timeout).fresh(fresh)
    return ask.with_option(_zooid.request_set_page(ask.request, after, limit))


def get_acl(path: str, *, timeout: Optional[float] = None) -> Ask[List[Acl]]:
    return Ask(_zooid.request_get_acl(path), _acls, timeout)


def read_many(
    paths: Iterable[str],
    *,
    children: bool = False,
    fresh: Optional[Freshness] = None,
    timeout: Optional[float] = None,
) -> Ask[List[Optional[Node]]]:
    """Several nodes as they are at one zxid; None for those that cannot be read."""
    asked = list(paths)
    ask = Ask(_zooid.request_read_many(), partial(_found_nodes, asked), timeout).fresh(fresh).paths(asked)
    return ask.with_option(_zooid.request_set_with_children(ask.request)) if children else ask


def subtree(
    path: str,
    *,
    also: Iterable[str] = (),
    depth: int = 0,
    data: bool = True,
    fresh: Optional[Freshness] = None,
    timeout: Optional[float] = None,
) -> Ask[List[Node]]:
    """A node and all below it, at one zxid, parents first; `depth` 1 takes its children only, 0 everything. Of several
    paths each node comes once, and those that are not there are left out."""
    ask = Ask(_zooid.request_subtree(path, depth), _nodes, timeout).fresh(fresh).paths(also)
    return ask if data else ask.with_option(_zooid.request_set_without_data(ask.request))


def ephemerals(prefix: str = "/", *, timeout: Optional[float] = None) -> Ask[List[str]]:
    """Those of the own session."""
    return Ask(_zooid.request_ephemerals(prefix), _names, timeout)


def count_descendants(path: str, *, timeout: Optional[float] = None) -> Ask[int]:
    return Ask(_zooid.request_count_descendants(path), _number, timeout)


def sync(path: str = "/", *, timeout: Optional[float] = None) -> Ask[State]:
    """Returns when the agent has everything that was committed before."""
    return Ask(_zooid.request_sync(path), _state, timeout)


def wait_for(zxid: int, *, timeout: Optional[float] = None) -> Ask[State]:
    """Returns when the agent has come to this zxid."""
    return Ask(_zooid.request_wait(zxid), _state, timeout)


def who_am_i(*, timeout: Optional[float] = None) -> Ask[List[str]]:
    """The identities that ACLs are held against, each `scheme:id`."""
    return Ask(_zooid.request_who_am_i(), _names, timeout)


def command(name: str, *, timeout: Optional[float] = None) -> Ask[Any]:
    """What the admin server answers to one of its commands: "server_stats", "connections"... Those that change something
    are for administrators."""
    return Ask(_zooid.request_command(name), _json, timeout)


# Writes


class Write:
    """A create, delete, set or check: of its own, or a part of a multi."""

    def make(self) -> _zooid.Request:
        raise NotImplementedError


class Create(Write):
    def __init__(
        self,
        path: str,
        data: Data = b"",
        *,
        ephemeral: bool = False,
        sequential: bool = False,
        container: bool = False,
        ttl: Optional[float] = None,
        acl: Sequence[Acl] = (),
    ) -> None:
        if ephemeral + container + (ttl is not None) > 1:
            raise ValueError("a node is ephemeral, a container, or has a ttl: one of these")
        self.path, self.data, self.sequential, self.acl, self.ttl = path, data, sequential, acl, ttl
        self.kind = EPHEMERAL if ephemeral else CONTAINER if container else PERSISTENT if ttl is None else TTL

    def make(self) -> _zooid.Request:
        ask = Ask(_zooid.request_create(self.path, self.data, self.kind), _path, None)
        if self.sequential:
            ask.with_option(_zooid.request_set_sequential(ask.request))
        if self.ttl is not None:
            ask.with_option(_zooid.request_set_ttl(ask.request, milliseconds(self.ttl)))
        for entry in self.acl:
            ask.with_option(_zooid.request_add_acl(ask.request, entry.perms, entry.scheme, entry.id))
        return ask.request


class Delete(Write):
    def __init__(self, path: str, version: int = ANY_VERSION) -> None:
        self.path, self.version = path, version

    def make(self) -> _zooid.Request:
        return _zooid.request_delete(self.path, self.version)


class Set(Write):
    def __init__(self, path: str, data: Data, version: int = ANY_VERSION) -> None:
        self.path, self.data, self.version = path, data, version

    def make(self) -> _zooid.Request:
        return _zooid.request_set(self.path, self.data, self.version)


class Check(Write):
    """Within a multi: it succeeds only if the node has this version."""

    def __init__(self, path: str, version: int = ANY_VERSION) -> None:
        self.path, self.version = path, version

    def make(self) -> _zooid.Request:
        return _zooid.request_check(self.path, self.version)


def create(
    path: str,
    data: Data = b"",
    *,
    ephemeral: bool = False,
    sequential: bool = False,
    container: bool = False,
    ttl: Optional[float] = None,
    acl: Sequence[Acl] = (),
    timeout: Optional[float] = None,
) -> Ask[str]:
    """The path that was made, which `sequential` gives a number at its end. `ttl` is in seconds."""
    write = Create(path, data, ephemeral=ephemeral, sequential=sequential, container=container, ttl=ttl, acl=acl)
    return Ask(write.make(), _path, timeout)


def set_(path: str, data: Data, version: int = ANY_VERSION, *, timeout: Optional[float] = None) -> Ask[Stat]:
    """Data None is null."""
    return Ask(_zooid.request_set(path, data, version), _stat, timeout)


def delete(path: str, version: int = ANY_VERSION, *, timeout: Optional[float] = None) -> Ask[None]:
    return Ask(_zooid.request_delete(path, version), _nothing, timeout)


def set_acl(
    path: str, acl: Iterable[Acl], version: int = ANY_VERSION, *, timeout: Optional[float] = None
) -> Ask[Stat]:
    ask = Ask(_zooid.request_set_acl(path, version), _stat, timeout)
    for entry in acl:
        ask.with_option(_zooid.request_add_acl(ask.request, entry.perms, entry.scheme, entry.id))
    return ask


def multi(writes: Iterable[Write], *, timeout: Optional[float] = None) -> Ask[List[Result]]:
    """All of the writes or none. What is raised is the error of the first that failed; its `results` are of all."""
    ask = Ask(_zooid.request_multi(), _results, timeout)
    for write in writes:
        ask.with_option(_zooid.request_add(ask.request, write.make()))
    return ask


def reconfigure(
    *,
    joining: Optional[str] = None,
    leaving: Optional[str] = None,
    members: Optional[str] = None,
    config: int = -1,
    timeout: Optional[float] = None,
) -> Ask[Node]:
    """The new configuration."""
    return Ask(_zooid.request_reconfigure(joining, leaving, members, config), _node, timeout)


# Sessions and watches


def add_auth(scheme: str, secret: Data, *, timeout: Optional[float] = None) -> Ask[None]:
    return Ask(_zooid.request_auth(scheme, secret), _nothing, timeout)


def open_session(*, timeout: Optional[float] = None) -> Ask[None]:
    """The first write does it by itself."""
    return Ask(_zooid.request_open_session(), _nothing, timeout)


def close_session(*, timeout: Optional[float] = None) -> Ask[None]:
    return Ask(_zooid.request_close_session(), _nothing, timeout)


def call_bytes(provider: str, command: str, data: Data = b"", *, timeout: Optional[float] = None) -> Ask[bytes]:
    """A command that another program on this host offers, with a request and an answer of any form."""
    return Ask(_zooid.request_call(provider, command, data), _data, timeout)


def call(
    provider: str, command: str, *words: object, timeout: Optional[float] = None, **named: object
) -> Ask[Any]:
    """A command that a plugin or another program on this host offers, with words as on a command line or with named
    parameters; the answer is what JSON makes of it."""
    if words and named:
        raise TypeError("a command is given words or named parameters, not both")
    request = json.dumps({"args": named or words}).encode()
    return Ask(_zooid.request_call(provider, command, request), _json, timeout)


def add_watch(path: str, recursive: bool, timeout: Optional[float]) -> Ask[None]:
    return Ask(_zooid.request_add_watch(path, WATCH_RECURSIVE if recursive else WATCH_PERSISTENT), _nothing, timeout)


def remove_watch(path: str) -> Ask[None]:
    return Ask(_zooid.request_remove_watch(path), _nothing, None)
