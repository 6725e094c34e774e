"""Where events go: each stream takes those that match it, and keeps them until they are fetched."""
from __future__ import annotations

import collections
from typing import Deque, List, Optional

from . import _zooid
from ._asks import stat_of
from .values import Change, Cursor, Event, SessionState, Update

KEPT_MAX = 65536


def event_of(raw: _zooid.Event) -> Event:
    kind, ticket, _, session, change, path, zxid = raw[:7]
    if kind == _zooid.EVENT_SESSION:
        return Event(Change.SESSION, "", zxid, SessionState(session))
    if kind == _zooid.EVENT_LOST:
        return Event(Change.LOST, path or "", zxid, number=ticket)
    if kind == _zooid.EVENT_OVERFLOW:
        return Event(Change.MISSED, "", zxid)
    return Event(Change(change), path or "", zxid)


MARKS = {_zooid.EVENT_RESET: Change.RESET, _zooid.EVENT_CAUGHT_UP: Change.CAUGHT_UP}


def update_of(raw: _zooid.Event) -> Update:
    kind, _, _, _, change, path, zxid, data, stat, cursor, fell_behind, ends, _, _ = raw
    what = MARKS[kind] if kind in MARKS else Change(change)
    where = None if cursor is None else Cursor._make(cursor)
    seen = None if stat is None else stat_of(stat)
    return Update(what, path or "", data or b"", seen, zxid, where, fell_behind, ends)


class Basket:
    """Events for one reader. `path` None: all; otherwise those of the node, or with `recursive` those below it too."""

    def __init__(self, path: Optional[str], recursive: bool) -> None:
        self.path = path
        self.below = None if not recursive or path is None else path.rstrip("/") + "/"
        self.kept: Deque[Event] = collections.deque()

    def matches(self, event: Event) -> bool:
        if self.path is None:
            return True
        if event.session is not None or event.change == Change.LOST:
            return False
        lost = event.change == Change.MISSED
        return lost or event.path == self.path or (self.below is not None and event.path.startswith(self.below))

    def put(self, event: Event) -> None:
        if len(self.kept) < KEPT_MAX:
            self.kept.append(event)
        elif self.kept[-1].change != Change.MISSED:
            self.kept.append(Event(Change.MISSED, "", event.zxid))


def deliver(baskets: List[Basket], event: Event) -> None:
    for basket in baskets:
        if basket.matches(event):
            basket.put(event)
