"""Events for threads: whichever waits fetches for all, and hands to each stream what is its own."""
from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Callable, Dict, List, Optional, Set, Tuple, Type, TypeVar

from . import _zooid
from ._streams import Basket, deliver, event_of
from .errors import ClosedError, OutOfMemoryError
from .values import Event

T = TypeVar("T")

SLICE_S = 0.2  # after so long a waiting thread looks whether it has been interrupted


class Hub:
    """The one place where a client's events are fetched."""

    def __init__(self, handle: _zooid.Handle) -> None:
        self._handle = handle
        self._changed = threading.Condition()
        self._streams: List[Basket] = []
        self._replies: Dict[int, _zooid.Reply] = {}
        self._given_up: Set[int] = set()
        self._fetching = False
        self.closed = False

    def add(self, stream: Basket) -> None:
        with self._changed:
            self._streams.append(stream)

    def remove(self, stream: Basket) -> None:
        with self._changed:
            if stream in self._streams:
                self._streams.remove(stream)
            self._changed.notify_all()

    def watches(self, path: str) -> bool:
        with self._changed:
            return any(stream.path == path for stream in self._streams)

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def next(self, stream: Basket, timeout: Optional[float]) -> Optional[Event]:
        """None: none has come in time, or the stream is closed and has been read to its end."""

        def look() -> Tuple[bool, Optional[Event]]:
            if stream.kept:
                return True, stream.kept.popleft()
            return self.closed or stream not in self._streams, None

        return self._wait_for(look, None if timeout is None else time.monotonic() + timeout)

    def reply(self, ticket: int, cancel: Callable[[], None]) -> _zooid.Reply:
        """The reply to what was submitted; when the wait is interrupted, `cancel` is called."""

        def look() -> Tuple[bool, Optional[_zooid.Reply]]:
            return ticket in self._replies, self._replies.pop(ticket, None)

        if ticket == 0:
            raise ClosedError("the client is closed") if self.closed else OutOfMemoryError("not submitted")
        try:
            reply = self._wait_for(look, None)
        except BaseException:
            self.forget(ticket)
            cancel()
            raise
        assert reply is not None
        return reply

    def forget(self, ticket: int) -> None:
        """Nobody waits for that reply."""
        with self._changed:
            self._given_up.add(ticket)

    def _wait_for(self, look: Callable[[], Tuple[bool, Optional[T]]], deadline: Optional[float]) -> Optional[T]:
        """Fetches until `look` says that it is over, and returns what it has found."""
        while True:
            left = SLICE_S if deadline is None else max(0.0, min(SLICE_S, deadline - time.monotonic()))
            with self._changed:
                over, found = look()
                if over:
                    return found
                fetch = not self._fetching
                self._fetching = True
                if not fetch:
                    self._changed.wait(left)
            if fetch:
                self._fetch(left)
            if left <= 0:
                with self._changed:
                    return look()[1]

    def _fetch(self, seconds: float) -> None:
        raw = None
        try:
            raw = _zooid.next_event(self._handle, int(seconds * 1000))
        finally:
            with self._changed:
                self._fetching = False
                if raw is not None:
                    self._take(raw)
                self._changed.notify_all()

    def _take(self, raw: _zooid.Event) -> None:
        ticket, reply = raw[1], raw[2]
        if raw[0] != _zooid.EVENT_REPLY:
            deliver(self._streams, event_of(raw))
        elif ticket in self._given_up:
            self._given_up.discard(ticket)
        elif reply is not None:
            self._replies[ticket] = reply


class Stream:
    """Events as they come: an iterator that waits, and ends when the stream or its client is closed.

    To be used in a `with`, or closed. One thread reads it."""

    def __init__(
        self, hub: Hub, path: Optional[str] = None, recursive: bool = False, on_close: Callable[[], None] = lambda: None
    ) -> None:
        self._hub = hub
        self._basket = Basket(path, recursive)
        self._on_close = on_close
        self._open = True
        hub.add(self._basket)

    def next(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The next event; None when none comes within `timeout` seconds, or ever."""
        return self._hub.next(self._basket, timeout)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._hub.remove(self._basket)
            self._on_close()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Event:
        event = self.next()
        if event is None:
            raise StopIteration
        return event

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
