"""Where events go: each stream takes those that match it, and keeps them until they are fetched."""
from __future__ import annotations

import collections
from typing import Deque, List, Optional

from . import _zooid
from .values import Change, Event, SessionState

KEPT_MAX = 65536


def event_of(raw: _zooid.Event) -> Event:
    kind, _, _, session, change, path, zxid = raw
    if kind == _zooid.EVENT_SESSION:
        return Event(Change.SESSION, "", zxid, SessionState(session))
    if kind == _zooid.EVENT_OVERFLOW:
        return Event(Change.MISSED, "", zxid)
    return Event(Change(change), path or "", zxid)


class Basket:
    """Events for one reader. `path` None: all; otherwise those of the node, or with `recursive` those below it too."""

    def __init__(self, path: Optional[str], recursive: bool) -> None:
        self.path = path
        self.below = None if not recursive or path is None else path.rstrip("/") + "/"
        self.kept: Deque[Event] = collections.deque()

    def matches(self, event: Event) -> bool:
        if self.path is None:
            return True
        if event.session is not None:
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
