"""Opening and closing what both clients stand on."""
from __future__ import annotations

import os
from typing import Optional, Union, cast

from . import _log, _zooid
from ._asks import Reply, check, milliseconds
from .values import SessionKey


def open_handle(
    socket: Optional[Union[str, os.PathLike[str]]],
    name: Optional[str],
    connect_timeout: float,
    session_timeout: float,
    watchdog: float = 0.0,
    linger: float = 0.0,
    resume: Optional[SessionKey] = None,
    logins_max: int = 16,
    *,
    logins: Optional[_zooid.Handle] = None,
) -> _zooid.Handle:
    """Waits for the agent so long, and raises what zooid_open says when it is not there. With `logins` it is logged in as
    that one is."""
    opened = _zooid.handle_open(
        None if socket is None else os.fspath(socket),
        name,
        milliseconds(connect_timeout),
        milliseconds(session_timeout),
        milliseconds(watchdog),
        milliseconds(linger),
        0 if resume is None else resume.id,
        None if resume is None else resume.token,
        max(0, min(logins_max, 0xFFFFFFFF)),
    )
    if isinstance(opened, tuple):
        check(Reply._make(cast("_zooid.Reply", opened)))
    handle = cast("_zooid.Handle", opened)
    _log.start(handle)
    if logins is not None:
        check(Reply._make(_zooid.repeat_logins(handle, logins, milliseconds(connect_timeout))))
    return handle
