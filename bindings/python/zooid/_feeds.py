"""What comes one after the other on a connection of its own, for a reader that may be slower than what it reads."""
from __future__ import annotations

from types import TracebackType
from typing import Callable, Generic, Optional, Type, TypeVar

from . import _asks, _zooid
from ._asks import Reply, check
from .errors import ClosedError

T = TypeVar("T")
F = TypeVar("F", bound="Feed")  # type: ignore[type-arg]

SLICE_MS = 200


class Source(Generic[T]):
    """The connection, and how what comes on it is read."""

    def __init__(self, handle: _zooid.Handle, request: _zooid.Request, read: Callable[[_zooid.Event], T]) -> None:
        self.handle = handle
        self.read = read
        if _zooid.submit(handle, request, _asks.NO_DEADLINE) == 0:
            raise ClosedError("the request could not be submitted")

    def fetch(self, wait_ms: int) -> Optional[T]:
        """Raises the error with which it ends."""
        raw = _zooid.next_event(self.handle, wait_ms)
        if raw is None or raw[0] == _zooid.EVENT_SESSION:
            return None
        if raw[0] == _zooid.EVENT_REPLY and raw[2] is not None:
            check(Reply._make(raw[2]))
            return None
        return self.read(raw)


class Feed(Generic[T]):
    """An iterator, to be used in a `with`, or closed."""

    def __init__(self, source: Source[T]) -> None:
        self._closed = False
        self._source = source

    def next(self, timeout: Optional[float] = None) -> Optional[T]:
        """None: nothing has come within `timeout` seconds, or it is closed."""
        left_ms = None if timeout is None else int(timeout * 1000)
        while not self._closed:
            slice_ms = SLICE_MS if left_ms is None else min(SLICE_MS, left_ms)
            item = self._source.fetch(slice_ms)
            if item is not None:
                return item
            if left_ms is not None:
                left_ms -= slice_ms
                if left_ms <= 0:
                    break
        return None

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            _zooid.handle_shutdown(self._source.handle)

    def __iter__(self: F) -> F:
        return self

    def __next__(self) -> T:
        item = self.next()
        if item is None:
            raise StopIteration
        return item

    def __enter__(self: F) -> F:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
