"""What the library has to say goes to the logger `zooid`, from a thread that fetches it."""
from __future__ import annotations

import logging
import threading

from . import _zooid

logger = logging.getLogger("zooid")
logger.addHandler(logging.NullHandler())  # a program that configures no logging wants none of it
LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)


def _pass_on(handle: _zooid.Handle) -> None:
    while True:
        line = _zooid.handle_next_log(handle)
        if line is None:
            return
        level, missed, text = line
        if missed:
            logger.warning("%d lines were lost here", missed)
        logger.log(LEVELS[level], "%s", text)


def start(handle: _zooid.Handle) -> None:
    """The thread ends when the client is shut down."""
    threading.Thread(target=_pass_on, args=(handle,), name="zooid-log", daemon=True).start()
