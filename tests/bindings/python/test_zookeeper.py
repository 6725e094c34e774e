"""The module zookeeper: the tutorial as it stands."""
from __future__ import annotations

import pytest

import zooid
from zooid import Client
from zooid.testing import Agent
from zookeeper import ZooKeeper

TUTORIAL = """
from zookeeper import ZooKeeper; zk = ZooKeeper('localhost:2181'); zk.create('/test', b'data', ZooKeeper.EPHEMERAL);
data = zk.get('/test'); zk.set('/test', b'new_data'); zk.delete('/test', ZooKeeper.VERSION)
"""


@pytest.fixture(autouse=True)
def socket(zooid_agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOID_SOCKET", zooid_agent.socket)


def test_the_tutorial_runs_as_it_stands(zooid_client: Client) -> None:
    """But for the port, which is the agent's."""
    names: dict[str, object] = {}
    exec(TUTORIAL.replace("2181", str(zooid_client.client_port)), names)
    assert names["data"] == b"data" and zooid_client.exists("/test") is None
    client = names["zk"]
    assert isinstance(client, ZooKeeper)
    client.close()


def test_more_than_the_tutorial(zooid_client: Client) -> None:
    with ZooKeeper(f"elsewhere:1,127.0.0.1:{zooid_client.client_port}") as zk:
        path = zk.create("/s", "text", ZooKeeper.EPHEMERAL | ZooKeeper.SEQUENCE)
        assert path.startswith("/s0000") and zk.get(path) == b"text"
        assert zk.get_children("/") == [path[1:], "zookeeper"]
        stat = zk.exists(path)
        assert stat is not None and stat.ephemeral_owner != 0
        with pytest.raises(zooid.BadVersionError):
            zk.delete(path, 7)
    assert zooid_client.exists(path) is None


@pytest.mark.parametrize("hosts", ["localhost:1", "elsewhere.example:2181", "127.0.0.1"])
def test_another_server_is_refused(zooid_client: Client, hosts: str) -> None:
    with pytest.raises(zooid.BadArgumentsError) as refused:
        ZooKeeper(hosts)
    assert f"write ZooKeeper('localhost:{zooid_client.client_port}')" in str(refused.value)


@pytest.mark.parametrize("hosts", ["", ":2181", "localhost:port", "localhost:2181/app"])
def test_what_is_no_address(hosts: str) -> None:
    with pytest.raises(zooid.BadArgumentsError, match="no host:port"):
        ZooKeeper(hosts)


def test_an_agent_without_a_client_port() -> None:
    with Agent({"clientPort": None, "clientPortAddress": None}) as agent, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOOID_SOCKET", agent.socket)
        with pytest.raises(zooid.BadArgumentsError, match="set clientPort"):
            ZooKeeper("localhost:2181")
