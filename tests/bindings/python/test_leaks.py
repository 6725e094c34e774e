"""Nothing is left behind over a hundred thousand operations."""
from __future__ import annotations

import asyncio

import zooid
import zooid.aio
from zooid import Client
from zooid.testing import Agent

OPERATIONS = 100_000
GROWTH_MAX_KB = 1024  # ten bytes an operation are more


def resident_kb() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4


def work(client: Client, rounds: int) -> None:
    """Ten operations a round, with every kind of request and reply; writes, which wait for the disk, are few."""
    for number in range(rounds):
        client.get("/leak")
        client.get("/leak", watch=True, fresh=zooid.Freshness(age=60))
        client.list("/")
        client.exists("/none")
        client.read_many(["/leak", "/none"], children=True)
        client.subtree("/leak")
        client.get_acl("/leak")
        client.who_am_i()
        client.count_descendants("/")
        if number % 100 == 0:
            client.set("/leak", b"x" * 100)
            try:
                client.multi([zooid.Check("/leak"), zooid.Create("/leak")])
            except zooid.NodeExistsError:
                pass
        try:
            client.get("/none")
        except zooid.NoNodeError:
            pass


async def work_async(client: zooid.aio.Client, rounds: int) -> None:
    for _ in range(rounds):
        await asyncio.gather(*(client.get("/leak") for _ in range(10)))


def test_a_client_that_waits(zooid_client: Client) -> None:
    zooid_client.create("/leak")
    with zooid_client.events() as events:
        work(zooid_client, 500)
        before = resident_kb()
        for _ in range(10):
            work(zooid_client, OPERATIONS // 100)
            while events.next(0) is not None:
                pass
        assert resident_kb() - before < GROWTH_MAX_KB


def test_a_client_of_asyncio(zooid_agent: Agent, zooid_client: Client) -> None:
    zooid_client.create("/leak")

    async def main() -> int:
        async with zooid.aio.Client(zooid_agent.socket) as client:
            await work_async(client, 500)
            before = resident_kb()
            await work_async(client, OPERATIONS // 10)
            return resident_kb() - before

    assert asyncio.run(main()) < GROWTH_MAX_KB


def test_clients_that_come_and_go(zooid_agent: Agent) -> None:
    def come_and_go(count: int) -> None:
        for _ in range(count):
            with zooid_agent.client() as client:
                client.get("/")

    come_and_go(100)
    before = resident_kb()
    come_and_go(1000)
    assert resident_kb() - before < GROWTH_MAX_KB
