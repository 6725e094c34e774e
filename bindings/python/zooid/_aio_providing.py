"""Commands that a program offers, for asyncio: each call is a task."""
from __future__ import annotations

import asyncio
import inspect
from types import TracebackType
from typing import Dict, Optional, Type

from . import _zooid
from .errors import Error
from .providing import CLOSE_S, Source, encode, logger, ready


class Provider:
    """As zooid.Provider, for `async with`; functions may be coroutines, and the task of a call that nobody waits for any
    more is cancelled."""

    def __init__(self, name: str, source: Source) -> None:
        self.name = name
        self.error: Optional[Error] = None  #: why it has ended; None while it stands, and when it was closed
        self._source = source
        self._closing = False
        self._begun = asyncio.Event()
        self._ended = asyncio.Event()
        self._in_hand: Dict[int, asyncio.Task[None]] = {}
        asyncio.get_running_loop().add_reader(_zooid.descriptor(source.handle), self._fetch)

    async def begin(self) -> Provider:
        """Waits until the offer stands; raises why it does not."""
        await self._begun.wait()
        if self.error is not None:
            await self.close()
            raise self.error
        return self

    def _fetch(self) -> None:
        try:
            while True:
                raw = self._source.fetch(0)
                if raw is None:
                    return
                self._take(raw)
        except Error as error:
            if not self._closing:
                self.error = error
            self._begun.set()
            self._ended.set()

    def _take(self, raw: _zooid.Event) -> None:
        kind, invoked = raw[0], raw[12]
        if invoked is None:
            return
        call, command = invoked[1], invoked[2]
        if kind == _zooid.EVENT_OFFER:
            self._begun.set()
        elif kind == _zooid.EVENT_CALL:
            task = asyncio.get_running_loop().create_task(self._answer(call, command or "", raw[7] or b""))
            self._in_hand[call] = task
            task.add_done_callback(lambda _: self._forget(call))
        elif kind == _zooid.EVENT_CALL_OVER:
            waiting = self._in_hand.get(call)
            if waiting is not None:
                waiting.cancel()

    def _forget(self, call: int) -> None:
        self._in_hand.pop(call, None)

    async def _answer(self, call: int, command: str, data: bytes) -> None:
        try:
            result = ready(self._source.commands[command], data)()
            if inspect.isawaitable(result):
                result = await result
            self._source.answer(call, encode(result))
        except Exception as error:
            if not isinstance(error, Error):
                logger.exception("%s %s failed", self.name, command)
            self._source.refuse(call, error)

    async def wait(self) -> None:
        """Until it has ended; `error` says why."""
        await self._ended.wait()

    async def close(self) -> None:
        """No more calls come; those that are in hand are answered first."""
        if self._closing:
            return
        self._closing = True
        loop, handle = asyncio.get_running_loop(), self._source.handle
        _zooid.cancel(handle, self._source.ticket)
        try:
            await asyncio.wait_for(self._ended.wait(), CLOSE_S)
        except asyncio.TimeoutError:
            pass  # it ends with the connection
        await asyncio.gather(*self._in_hand.values(), return_exceptions=True)
        loop.remove_reader(_zooid.descriptor(handle))
        self._ended.set()
        await loop.run_in_executor(None, _zooid.handle_shutdown, handle)

    async def __aenter__(self) -> Provider:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()
