"""What zooid.aio tells on connections of their own: subscriptions, and the agent's log."""
from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Generic, Optional, Type, TypeVar

from . import _zooid
from ._feeds import Source
from .monitor import line_of
from .subscription import Reader
from .values import Cursor, LogLine, Update

T = TypeVar("T")
F = TypeVar("F", bound="Feed")  # type: ignore[type-arg]


class Feed(Generic[T]):
    """For `async for`. What is not awaited waits at the agent, or is counted."""

    def __init__(self, source: Source[T]) -> None:
        self._source = source
        self._closed = False
        self._came = asyncio.Event()

    def __aiter__(self: F) -> F:
        return self

    async def __anext__(self) -> T:
        loop, descriptor = asyncio.get_running_loop(), _zooid.descriptor(self._source.handle)
        while not self._closed:
            item = self._source.fetch(0)
            if item is not None:
                return item
            self._came.clear()
            loop.add_reader(descriptor, self._came.set)
            try:
                await self._came.wait()
            finally:
                loop.remove_reader(descriptor)
        raise StopAsyncIteration

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._came.set()
            await asyncio.get_running_loop().run_in_executor(None, _zooid.handle_shutdown, self._source.handle)

    async def __aenter__(self: F) -> F:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()


class Subscription(Feed[Update]):
    """As zooid.Subscription."""

    def __init__(self, handle: _zooid.Handle, request: _zooid.Request, cursor: Optional[Cursor]) -> None:
        self._reader = Reader(cursor)
        super().__init__(Source(handle, request, self._reader))

    @property
    def cursor(self) -> Optional[Cursor]:
        return self._reader.cursor


class Monitor(Feed[LogLine]):
    """As zooid.Monitor."""

    def __init__(self, handle: _zooid.Handle, level: str) -> None:
        super().__init__(Source(handle, _zooid.request_monitor(level), line_of))
