"""Fixtures for pytest: `zooid_agent`, one throw-away agent for the whole run, and `zooid_client`, a client of it that
begins each test with an empty tree."""
from __future__ import annotations

from typing import Iterator

import pytest

from .client import Client
from .testing import Agent


@pytest.fixture(scope="session")
def zooid_agent() -> Iterator[Agent]:
    with Agent() as agent:
        yield agent


@pytest.fixture
def zooid_client(zooid_agent: Agent) -> Iterator[Client]:
    with zooid_agent.client() as client:
        for name in client.list("/"):
            if name != "zookeeper":
                client.delete_recursive("/" + name)
        yield client
