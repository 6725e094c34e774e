"""Subscriptions: every change below a prefix, in order. Each has a connection of its own, so that what is not taken
from it waits at the agent, within the window, whatever else the program does."""
from __future__ import annotations

from typing import Iterable, Optional

from . import _zooid
from ._asks import Ask
from ._feeds import Feed, Source
from ._streams import update_of
from .values import Cursor, Update


def ask_for(
    prefix: str, also: Iterable[str], cursor: Optional[Cursor], data: bool, snapshot: bool, window: Optional[int]
) -> _zooid.Request:
    ask = Ask(_zooid.request_subscribe(prefix), lambda _: None, None).paths(also)
    if cursor is not None:
        ask.with_option(_zooid.request_behind(ask.request, cursor.zxid, cursor.number))
    if not data:
        ask.with_option(_zooid.request_set_without_data(ask.request))
    if not snapshot:
        ask.with_option(_zooid.request_set_without_snapshot(ask.request))
    if window is not None:
        ask.with_option(_zooid.request_set_window(ask.request, window))
    return ask.request


class Reader:
    """Reads what comes, and keeps where the subscription stands."""

    def __init__(self, cursor: Optional[Cursor]) -> None:
        self.cursor = cursor

    def __call__(self, raw: _zooid.Event) -> Update:
        update = update_of(raw)
        self.cursor = update.cursor or self.cursor
        return update


class Subscription(Feed[Update]):
    """An iterator over Update. It begins with a snapshot: RESET, the nodes that are PRESENT, CAUGHT_UP; then come
    CREATED, DELETED, CHANGED and ACL_CHANGED. A RESET may come again: see zooid.h. To be used in a `with`, or closed."""

    def __init__(self, handle: _zooid.Handle, request: _zooid.Request, cursor: Optional[Cursor]) -> None:
        self._reader = Reader(cursor)
        super().__init__(Source(handle, request, self._reader))

    @property
    def cursor(self) -> Optional[Cursor]:
        """Behind the last update that was taken; None within the first snapshot."""
        return self._reader.cursor
