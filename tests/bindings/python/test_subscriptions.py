"""Subscriptions as iterators, for threads and for asyncio."""
from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import List, Tuple

import pytest

import zooid
import zooid.aio
from zooid import Change, Client
from zooid.testing import Agent

Told = List[Tuple[Change, str]]


def test_a_snapshot_and_what_follows(zooid_client: Client) -> None:
    zooid_client.ensure_path("/app/a")
    with zooid_client.subscribe("/app") as changes:
        told: Told = [(update.change, update.path) for update in (next(changes) for _ in range(4))]
        assert told == [
            (Change.RESET, ""), (Change.PRESENT, "/app"), (Change.PRESENT, "/app/a"), (Change.CAUGHT_UP, "")]
        zooid_client.set("/app/a", b"x")
        zooid_client.create("/app/b", b"y")
        zooid_client.delete("/app/a")
        updates = [next(changes) for _ in range(3)]
        assert [(update.change, update.path, update.data) for update in updates] == [
            (Change.CHANGED, "/app/a", b"x"), (Change.CREATED, "/app/b", b"y"), (Change.DELETED, "/app/a", b"")]
        assert updates[0].stat is not None and updates[0].stat.version == 1 and not updates[0].fell_behind
        assert changes.next(timeout=0.05) is None
        cursor = updates[1].cursor
        assert cursor is not None and cursor.zxid == updates[1].zxid
    assert list(changes) == []
    with zooid_client.subscribe("/app", cursor=cursor, data=False, window=65536) as changes:
        update = next(changes)
        assert (update.change, update.path) == (Change.DELETED, "/app/a") and changes.cursor == update.cursor


def test_several_prefixes_together(zooid_client: Client) -> None:
    for name in ("a", "b", "c"):
        zooid_client.ensure_path("/p/" + name)
    assert [node.path for node in zooid_client.subtree("/p/c", also=["/p/a", "/p/none"])] == ["/p/a", "/p/c"]
    with zooid_client.subscribe("/p/c", also=["/p/a"]) as changes:
        told = [(update.change, update.path, update.ends_txn) for update in (next(changes) for _ in range(4))]
        assert told == [
            (Change.RESET, "", False), (Change.PRESENT, "/p/a", False), (Change.PRESENT, "/p/c", False),
            (Change.CAUGHT_UP, "", True)]
        zooid_client.multi([zooid.Set("/p/" + name, b"x") for name in ("c", "b", "a", "b")])
        assert [(update.path, update.ends_txn) for update in (next(changes) for _ in range(2))] == [
            ("/p/c", False), ("/p/a", True)]


def test_what_is_too_old_ends_it(zooid_client: Client) -> None:
    with zooid_client.subscribe("/", cursor=zooid.Cursor(1 << 40, 0), snapshot=False) as changes:
        with pytest.raises(zooid.Error):
            next(changes)


def test_nothing_is_missed_while_the_agent_is_away() -> None:
    with Agent() as agent, agent.client() as client:
        with client.subscribe("/s") as changes:
            for wanted in (Change.RESET, Change.CAUGHT_UP):
                assert next(changes).change == wanted
            client.create("/s", b"1")
            assert next(changes).data == b"1"
            agent.kill()
            agent.start()
            with agent.client() as other:
                other.set("/s", b"2")
            update = next(changes)
            assert (update.change, update.data) == (Change.CHANGED, b"2")


def test_it_is_logged_in_as_its_client_is() -> None:
    digest = base64.b64encode(hashlib.sha1(b"ann:secret").digest()).decode()
    hers = [zooid.Acl(zooid.Perm.ALL, "digest", "ann:" + digest)]
    with Agent() as agent, agent.client() as client, agent.client() as other:
        client.add_auth("digest", b"ann:secret")
        client.create("/hers", b"", acl=hers)
        with client.subscribe("/hers") as changes:
            assert [next(changes).change for _ in range(3)] == [Change.RESET, Change.PRESENT, Change.CAUGHT_UP]
            agent.kill()
            agent.start()
            with agent.client() as another:
                another.add_auth("digest", b"ann:secret")
                another.set("/hers", b"again")
            assert next(changes).data == b"again"
        with other.subscribe("/hers") as changes:
            assert [next(changes).change for _ in range(2)] == [Change.RESET, Change.CAUGHT_UP]

        async def main() -> List[str]:
            async with zooid.aio.Client(agent.socket) as hers:
                await hers.add_auth("digest", b"ann:secret")
                async with await hers.subscribe("/hers") as changes:
                    return [(await changes.__anext__()).path for _ in range(2)]

        assert asyncio.run(main()) == ["", "/hers"]


def test_of_asyncio(zooid_agent: Agent, zooid_client: Client) -> None:
    async def main() -> List[str]:
        told = []
        async with zooid.aio.Client(zooid_agent.socket) as client:
            async with await client.subscribe("/aio") as changes:
                async for update in changes:
                    told.append(update.change.name)
                    if update.change == Change.CAUGHT_UP:
                        await client.create("/aio")
                    if update.change == Change.CREATED:
                        break
            assert changes.cursor is not None and [update async for update in changes] == []
        return told

    assert asyncio.run(main()) == ["RESET", "CAUGHT_UP", "CREATED"]
