"""The fixtures come from the package itself: zooid.pytest_plugin, which the caller names with -p."""
from __future__ import annotations

import time
from typing import Callable

import pytest


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, "waited in vain"

    return wait
