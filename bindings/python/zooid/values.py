"""What a program gets to see: nodes, their stat, ACLs, events, and the few words that requests are made of."""
from __future__ import annotations

import enum
from typing import List, NamedTuple, Optional, Tuple

from .errors import Error


class Role(enum.IntEnum):
    """What the agent's member is."""

    NONE = 0
    ALONE = 1
    LEADER = 2
    FOLLOWER = 3
    OBSERVER = 4
    READ_ONLY = 5


class SessionState(enum.IntEnum):
    NONE = 0
    GOOD = 1
    SUSPENDED = 2
    LOST = 3


class Change(enum.IntEnum):
    """What has happened to a node. SESSION: not to a node but to the session. MISSED: events before this one are
    missing, since nobody fetched them in time. LOST: what a lock or its like held, `number` tells which. Of
    subscriptions: RESET: what was told before is void, and a snapshot begins, of PRESENT nodes; CAUGHT_UP: it ends."""

    LOST = -2
    MISSED = -1
    SESSION = 0
    CREATED = 1
    DELETED = 2
    CHANGED = 3
    CHILDREN_CHANGED = 4
    ACL_CHANGED = 5
    PRESENT = 6
    WATCH_REMOVED = 7
    RESET = 8
    CAUGHT_UP = 9


class Perm(enum.IntFlag):
    READ = 1
    WRITE = 2
    CREATE = 4
    DELETE = 8
    ADMIN = 16
    ALL = 31


class Kind(enum.IntEnum):
    """What becomes of a node by itself: a container goes with its last child, a TTL node when its time is over."""

    PERSISTENT = 0
    EPHEMERAL = 1
    CONTAINER = 2
    TTL = 3


class Stat(NamedTuple):
    """Zxids, times in milliseconds since 1970, versions. The kind is one of Kind."""

    czxid: int
    mzxid: int
    ctime: int
    mtime: int
    version: int
    cversion: int
    aversion: int
    ephemeral_owner: int
    data_length: int
    num_children: int
    pzxid: int
    kind: int = Kind.PERSISTENT


class Node(NamedTuple):
    """A node as it was at `zxid`. Data that is null is b""."""

    path: str
    data: bytes
    stat: Stat
    zxid: int
    children: Tuple[str, ...] = ()


class Children(NamedTuple):
    """A page of children: their names, the parent's stat, and whether these were the last ones."""

    names: List[str]
    stat: Stat
    complete: bool
    zxid: int


class Backup(NamedTuple):
    """Which state it is, and how many nodes there are in it."""

    zxid: int
    nodes: int


class SessionKey(NamedTuple):
    """What another process takes a session over with, as secret as a password."""

    id: int
    token: bytes


class Acl(NamedTuple):
    perms: Perm
    scheme: str
    id: str


#: Everybody may do everything: what a node has that is created without another ACL.
OPEN_ACL = (Acl(Perm.ALL, "world", "anyone"),)


class Freshness(NamedTuple):
    """How fresh a read has to be; conditions hold together. `age` is seconds since the agent heard from its leader."""

    latest: bool = False
    zxid: int = 0
    age: float = 0.0


#: Linearizable: not older than the moment of the request.
LATEST = Freshness(latest=True)


class Result(NamedTuple):
    """How one write of a multi fared: of a create path and stat, of a set the stat."""

    error: Optional[Error]
    path: Optional[str]
    stat: Optional[Stat]


class Event(NamedTuple):
    """A change of a node that is watched, or of the session, which then is as `session` says."""

    change: Change
    path: str
    zxid: int
    session: Optional[SessionState] = None
    number: int = 0


class Cursor(NamedTuple):
    """Behind change `number` of txn `zxid`: where a subscription goes on."""

    zxid: int
    number: int


class Update(NamedTuple):
    """What a subscription tells: the node as it is behind the change. `cursor` is None within a snapshot. `ends_txn` marks
    the last change of each transaction, and CAUGHT_UP: there, what has been told is the tree as it was at one zxid."""

    change: Change
    path: str
    data: bytes
    stat: Optional[Stat]
    zxid: int
    cursor: Optional[Cursor]
    fell_behind: bool = False
    ends_txn: bool = False


class LogLine(NamedTuple):
    """A line of the agent's log; `missed` so many before it could not be kept."""

    text: str
    missed: int = 0


class State(NamedTuple):
    """How fresh the agent's replica is: its zxid, seconds since it heard from its leader, its role."""

    zxid: int
    age: float
    role: Role
