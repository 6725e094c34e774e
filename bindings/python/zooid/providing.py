"""Commands that a program offers to others on this host: `zooid plugin NAME COMMAND`, GET /plugins/NAME/COMMAND, and
`Client.call`. An offer has a connection of its own, and threads that answer."""
from __future__ import annotations

import concurrent.futures
import functools
import inspect
import json
import logging
import os
import threading
from types import TracebackType
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple, Type, Union

from . import _asks, _zooid
from ._asks import Ask, Reply, check
from ._handles import open_handle
from .errors import BadArgumentsError, ClosedError, Error, SystemFailureError

SLICE_MS = 200
CLOSE_S = 5.0  # so long an agent has to confirm that an offer is over
logger = logging.getLogger("zooid")


class Command(NamedTuple):
    """What is offered. `function` is given the words of a command line as arguments, or the parameters of a program by
    name; what it returns goes back as JSON, bytes as they are. With `raw` it is given the bytes of the request. An
    exception below zooid.Error is told with its code and text. `admin`: only for administrators and this user."""

    function: Callable[..., object]
    help: str = ""
    admin: bool = False
    raw: bool = False


Commands = Mapping[str, Union[Command, Callable[..., object]]]


def commands_of(commands: Commands) -> Dict[str, Command]:
    return {
        name: offer if isinstance(offer, Command) else Command(offer, _help(offer)) for name, offer in commands.items()
    }


def _help(function: Callable[..., object]) -> str:
    """The first line of its documentation, if that may be shown."""
    first = (inspect.getdoc(function) or "").strip().split("\n")[0]
    return first if first.isprintable() and len(first.encode()) <= 1024 else ""


def request_for(name: str, commands: Mapping[str, Command], description: str, replace: bool) -> _zooid.Request:
    ask = Ask(_zooid.request_provide(name, description), lambda _: None, None)
    for command, offer in commands.items():
        ask.with_option(_zooid.request_add_offer(ask.request, command, offer.help, offer.admin))
    return ask.with_option(_zooid.request_set_replace(ask.request)).request if replace else ask.request


def _arguments(data: bytes) -> Tuple[Tuple[Any, ...], Dict[str, Any]]:
    try:
        args = json.loads(data)["args"] if data else []
    except (ValueError, TypeError, KeyError):
        args = None
    if isinstance(args, list):
        return tuple(args), {}
    if isinstance(args, dict):
        return (), args
    raise BadArgumentsError('the request is not {"args": [...]} or {"args": {...}}')


def ready(command: Command, data: bytes) -> Callable[[], object]:
    """The function with the arguments of the request, unless these are not its own."""
    if command.raw:
        return lambda: command.function(data)
    words, named = _arguments(data)
    try:
        bound = inspect.signature(command.function).bind(*words, **named)
    except TypeError as error:
        raise BadArgumentsError(str(error)) from None
    return lambda: command.function(*bound.args, **bound.kwargs)


def encode(result: object) -> bytes:
    return bytes(result) if isinstance(result, (bytes, bytearray)) else json.dumps(result).encode()


def refusal_of(error: BaseException) -> Error:
    """What the caller is told of it."""
    if isinstance(error, Error) and error.code != 0:
        return error
    return SystemFailureError(f"{type(error).__name__}: {error}")


class Source:
    """The connection of one offer."""

    def __init__(self, handle: _zooid.Handle, request: _zooid.Request, commands: Mapping[str, Command]) -> None:
        self.handle = handle
        self.commands = commands
        self.ticket = _zooid.submit(handle, request, _asks.NO_DEADLINE)
        if self.ticket == 0:
            raise ClosedError("the offer could not be submitted")

    def fetch(self, wait_ms: int) -> Optional[_zooid.Event]:
        """The next event. Raises the error with which the offer ends."""
        raw = _zooid.next_event(self.handle, wait_ms)
        if raw is not None and raw[0] == _zooid.EVENT_REPLY and raw[1] == self.ticket and raw[2] is not None:
            check(Reply._make(raw[2]))
        return raw

    def answer(self, call: int, data: bytes) -> None:
        _zooid.call_answer(self.handle, call, data)  # where nobody waits any more it goes nowhere

    def refuse(self, call: int, error: BaseException) -> None:
        told = refusal_of(error)
        _zooid.call_refuse(self.handle, call, told.code, told.message)


class Provider:
    """An offer that stands, until it is closed, or somebody takes its name over. To be used in a `with`, or closed."""

    def __init__(
        self,
        socket: Optional[Union[str, os.PathLike[str]]],
        client: Optional[str],
        name: str,
        commands: Commands,
        description: str,
        replace: bool,
        workers: int,
        connect_timeout: float,
    ) -> None:
        self.name = name
        self.error: Optional[Error] = None  #: why it has ended; None while it stands, and when it was closed
        offers = commands_of(commands)
        request = request_for(name, offers, description, replace)
        self._source = Source(open_handle(socket, client, connect_timeout, 30.0), request, offers)
        self._closing = False
        self._ended = threading.Event()
        self._in_hand: Dict[int, concurrent.futures.Future[None]] = {}
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix=f"zooid-{name}")
        self._await_beginning()
        self._thread = threading.Thread(target=self._serve, name=f"zooid-{name}", daemon=True)
        self._thread.start()

    def _await_beginning(self) -> None:
        try:
            while True:
                raw = self._source.fetch(SLICE_MS)
                if raw is not None and raw[0] == _zooid.EVENT_OFFER:
                    return
        except BaseException:
            self._pool.shutdown()
            _zooid.handle_shutdown(self._source.handle)
            raise

    def _serve(self) -> None:
        try:
            while True:
                raw = self._source.fetch(SLICE_MS)
                if raw is not None:
                    self._take(raw)
        except Error as error:
            if not self._closing:
                self.error = error
        self._ended.set()

    def _take(self, raw: _zooid.Event) -> None:
        kind, invoked = raw[0], raw[12]
        if invoked is None:
            return
        call, command = invoked[1], invoked[2]
        if kind == _zooid.EVENT_CALL:
            future = self._pool.submit(self._answer, call, command or "", raw[7] or b"")
            self._in_hand[call] = future
            future.add_done_callback(functools.partial(self._forget, call))
        elif kind == _zooid.EVENT_CALL_OVER:
            waiting = self._in_hand.get(call)
            if waiting is not None:
                waiting.cancel()  # if it has not begun

    def _forget(self, call: int, _done: concurrent.futures.Future[None]) -> None:
        self._in_hand.pop(call, None)

    def _answer(self, call: int, command: str, data: bytes) -> None:
        try:
            self._source.answer(call, encode(ready(self._source.commands[command], data)()))
        except BaseException as error:  # whatever it is, somebody waits for an answer
            if not isinstance(error, Error):
                logger.exception("%s %s failed", self.name, command)
            self._source.refuse(call, error)

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Until it has ended: False when it stands still after so many seconds. `error` says why."""
        return self._ended.wait(timeout)

    def close(self) -> None:
        """No more calls come; those that are in hand are answered first."""
        if self._closing:
            return
        self._closing = True
        _zooid.cancel(self._source.handle, self._source.ticket)
        self._ended.wait(CLOSE_S)
        self._pool.shutdown()
        _zooid.handle_shutdown(self._source.handle)
        self._thread.join()

    def __enter__(self) -> Provider:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
