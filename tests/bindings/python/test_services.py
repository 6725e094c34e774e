"""Services that programs register and find: for threads and for asyncio. The answers are those of the plugin discovery."""
from __future__ import annotations

import asyncio
import json
from typing import Any, Dict, List

import pytest

import zooid
import zooid.aio
from zooid import Client
from zooid.testing import Agent


def instance_of(service: str, id: str) -> Dict[str, Any]:
    found = {"service": service, "id": id, "address": "10.0.0.1", "port": 80, "sslPort": None, "tags": ["v1"]}
    found.update(meta={"zone": "a"}, weight=3, health="passing", since=5000, host="h1", maintenance=None)
    found.update(registered=4000, enabled=True, suspect=False)
    return found


class Plugin:
    """Answers as the plugin does, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: List[Dict[str, str]] = []

    def query(self, **arguments: str) -> object:
        self.asked.append(arguments)
        service = arguments["service"]
        answer = {"service": service, "guard": "empty", "guard_ms": 1, "connected": True}
        return dict(answer, instances=[instance_of(service, "i1")])

    def list(self) -> object:
        counts = {"instances": 2, "passing": 1, "warning": 0, "critical": 1, "maintenance": 0}
        return [dict(counts, service="web", guard=None)]

    def commands(self) -> Dict[str, Any]:
        return {"query": self.query, "pick": self.query, "list": self.list}


def node_at(client: Client, path: str) -> Dict[str, Any]:
    node: Dict[str, Any] = json.loads(client.get(path).data)
    return node


def test_a_registration_lives_as_long_as_it_is_open(zooid_client: Client) -> None:
    services = zooid_client.services
    with services.register("web", id="p1", port=80, tags=["v1"], meta={"zone": "a"}, weight=2) as web:
        assert web.path == "/services/web/p1"
        node = node_at(zooid_client, web.path)
        assert (node["port"], node["sslPort"], node["enabled"], node["serviceType"]) == (80, None, True, "DYNAMIC")
        payload = node["payload"]
        assert (payload["zooid"], payload["tags"], payload["meta"], payload["weight"]) == (1, ["v1"], {"zone": "a"}, 2)
        web.set_health("critical")
        zooid_client.sync()
        assert not node_at(zooid_client, web.path)["enabled"]
        web.set_health("passing")
        web.maintain("disk")
        zooid_client.sync()
        assert node_at(zooid_client, web.path)["payload"]["maintenance"] == "disk"
    zooid_client.sync()
    assert zooid_client.list("/services/web") == []
    web.close()
    with pytest.raises(ValueError):
        web.maintain(None)


def test_it_is_made_again(zooid_client: Client) -> None:
    with zooid_client.services.register("again", port=1) as again:
        zooid_client.delete(again.path)
        again.wait()
        assert zooid_client.exists(again.path) is not None


def test_what_cannot_be_registered(zooid_client: Client) -> None:
    for wrong in ("", ".", "a/b"):
        with pytest.raises(ValueError):
            zooid_client.services.register(wrong)
    with zooid_client.services.register("odd", id="o1") as odd, pytest.raises(ValueError):
        odd.set_health("well")


def test_questions(zooid_client: Client) -> None:
    plugin = Plugin()
    with zooid_client.provide("discovery", plugin.commands()):
        answer = zooid_client.services.query("web", tags=["v1", "eu"], meta={"zone": "a"}, host="h1", limit=3)
        assert (answer.guard, answer.connected, len(answer.instances)) == ("empty", True, 1)
        found = answer.instances[0]
        assert (found.id, found.port, found.tags, found.meta, found.since) == ("i1", 80, ("v1",), {"zone": "a"}, 5.0)
        assert zooid_client.services.pick("web", health="any").address == "10.0.0.1"
        assert zooid_client.services.list()[0].critical == 1
    wanted = {"service": "web", "health": "passing", "sort": "id", "tag": "v1,eu", "meta.zone": "a", "host": "h1"}
    assert plugin.asked[0] == dict(wanted, limit="3")
    with pytest.raises(zooid.Error):
        zooid_client.services.query("web")


def test_the_same_for_asyncio(zooid_agent: Agent, zooid_client: Client) -> None:
    async def use() -> None:
        async with zooid.aio.Client(zooid_agent.socket) as client:
            async with client.services.register("aio", id="a1", port=80) as aio:
                assert aio.path == "/services/aio/a1"
                aio.set_health("warning")
                aio.maintain("disk")
                await client.sync()
                payload = json.loads((await client.get(aio.path)).data)["payload"]
                assert (payload["health"], payload["maintenance"]) == ("warning", "disk")
            await client.sync()
            assert await client.list("/services/aio") == []
            with pytest.raises(ValueError):
                aio.maintain(None)
            assert (await client.services.query("web", by_weight=True)).instances[0].weight == 3
            assert (await client.services.pick("web")).id == "i1"
            assert (await client.services.list())[0].service == "web"

    with zooid_client.provide("discovery", Plugin().commands()):
        asyncio.run(use())
