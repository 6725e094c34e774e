"""The agent's log as it is written, on a connection of its own."""
from __future__ import annotations

from . import _zooid
from ._feeds import Feed, Source
from .values import LogLine


def line_of(raw: _zooid.Event) -> LogLine:
    return LogLine(raw[5] or "", raw[13])


class Monitor(Feed[LogLine]):
    """An iterator over LogLine, to be used in a `with`, or closed. Lines that it does not take in time are counted."""

    def __init__(self, handle: _zooid.Handle, level: str) -> None:
        super().__init__(Source(handle, _zooid.request_monitor(level), line_of))
