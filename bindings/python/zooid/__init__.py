"""zooid - the znode tree, sessions and watches, through the agent on this host.

    import zooid

    with zooid.Client() as client:
        client.create("/app", b"hello")
        print(client.get("/app").data)

Every failure is a zooid.Error with `code`, `path`, `retry` and `outcome_unknown`. zooid.aio has the same for asyncio,
zooid.testing an agent for tests. What the library tells goes to the logger `zooid`."""
from __future__ import annotations

from . import _zooid, errors
from ._asks import ANY_VERSION, Check, Create, Delete, Set, Write
from .client import Client
from .errors import *  # noqa: F401,F403
from .monitor import Monitor
from .providing import Command, Provider
from .recipes import Barrier, Cache, Contender, Counter, DoubleBarrier, Lock, Presence, Queue
from .services import Answer, Instance, Registration, Summary
from .streams import Stream
from .subscription import Subscription
from .values import (
    LATEST,
    OPEN_ACL,
    Acl,
    Backup,
    Change,
    Children,
    Cursor,
    Event,
    Freshness,
    Kind,
    LogLine,
    Node,
    Perm,
    Result,
    Role,
    SessionKey,
    SessionState,
    Stat,
    State,
    Update,
)

__version__ = _zooid.version()

__all__ = [
    "Answer",
    "Instance",
    "Registration",
    "Summary",
    "ANY_VERSION",
    "Acl",
    "Backup",
    "Barrier",
    "Cache",
    "Change",
    "Check",
    "Children",
    "Client",
    "Command",
    "Contender",
    "Counter",
    "Create",
    "Cursor",
    "Delete",
    "DoubleBarrier",
    "Event",
    "Freshness",
    "Kind",
    "LATEST",
    "Lock",
    "LogLine",
    "Monitor",
    "Node",
    "OPEN_ACL",
    "Perm",
    "Presence",
    "Provider",
    "Queue",
    "Result",
    "Role",
    "SessionKey",
    "SessionState",
    "Set",
    "Stat",
    "State",
    "Stream",
    "Subscription",
    "Update",
    "Write",
    "errors",
]
__all__ += errors.__all__
