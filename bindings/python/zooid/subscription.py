"""Subscriptions: every change below a prefix, in order. Each has a connection of its own, so that what is not taken
from it waits at the agent, within the window, whatever else the program does."""
from __future__ import annotations

import os
from types import TracebackType
from typing import Iterable, Optional, Type, Union

from . import _asks, _zooid
from ._asks import Ask, Reply, check
from ._handles import open_handle
from ._streams import update_of
from .errors import ClosedError
from .values import Cursor, Update

SLICE_MS = 200


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


class Source:
    """The connection of one subscription, and where it stands."""

    def __init__(self, handle: _zooid.Handle, request: _zooid.Request, cursor: Optional[Cursor]) -> None:
        self.handle = handle
        self.cursor = cursor
        if _zooid.submit(handle, request, _asks.NO_DEADLINE) == 0:
            raise ClosedError("the subscription could not be submitted")

    def fetch(self, wait_ms: int) -> Optional[Update]:
        """Raises the error with which the subscription ends."""
        raw = _zooid.next_event(self.handle, wait_ms)
        if raw is None or raw[0] == _zooid.EVENT_SESSION:
            return None
        if raw[0] == _zooid.EVENT_REPLY and raw[2] is not None:
            check(Reply._make(raw[2]))
            return None
        update = update_of(raw)
        self.cursor = update.cursor or self.cursor
        return update


class Subscription:
    """An iterator over Update. It begins with a snapshot: RESET, the nodes that are PRESENT, CAUGHT_UP; then come
    CREATED, DELETED, CHANGED and ACL_CHANGED. A RESET may come again: see zooid.h. To be used in a `with`, or closed."""

    def __init__(
        self,
        socket: Optional[Union[str, os.PathLike[str]]],
        name: Optional[str],
        request: _zooid.Request,
        cursor: Optional[Cursor],
        connect_timeout: float,
    ) -> None:
        self._closed = False
        self._source = Source(open_handle(socket, name, connect_timeout, 30.0), request, cursor)

    @property
    def cursor(self) -> Optional[Cursor]:
        """Behind the last update that was taken; None within the first snapshot."""
        return self._source.cursor

    def next(self, timeout: Optional[float] = None) -> Optional[Update]:
        """None: none has come within `timeout` seconds, or the subscription is closed."""
        left_ms = None if timeout is None else int(timeout * 1000)
        while not self._closed:
            slice_ms = SLICE_MS if left_ms is None else min(SLICE_MS, left_ms)
            update = self._source.fetch(slice_ms)
            if update is not None:
                return update
            if left_ms is not None:
                left_ms -= slice_ms
                if left_ms <= 0:
                    break
        return None

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            _zooid.handle_shutdown(self._source.handle)

    def __iter__(self) -> Subscription:
        return self

    def __next__(self) -> Update:
        update = self.next()
        if update is None:
            raise StopIteration
        return update

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
