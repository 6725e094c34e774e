"""Watches as iterators, threads that share a client, and what happens when it is closed, forked or interrupted."""
from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Callable, List, Optional

import pytest

import zooid
from zooid import Change, Client, Event
from zooid.testing import Agent


def kinds(events: List[Optional[Event]]) -> List[Change]:
    return [event.change for event in events if event is not None]


def test_a_watch_is_an_iterator(zooid_client: Client) -> None:
    zooid_client.create("/w")
    with zooid_client.watch("/w") as changes:
        zooid_client.set("/w", b"1")
        zooid_client.create("/w/child")
        zooid_client.delete("/w/child")
        zooid_client.delete("/w")
        seen = [next(changes) for _ in range(4)]
    assert kinds(list(seen)) == [Change.CHANGED, Change.CHILDREN_CHANGED, Change.CHILDREN_CHANGED, Change.DELETED]
    assert [event.path for event in seen] == ["/w"] * 4
    assert [event.zxid for event in seen] == sorted({event.zxid for event in seen})
    assert list(changes) == []


def test_streams_get_their_own(zooid_client: Client) -> None:
    zooid_client.ensure_path("/r/a")
    with zooid_client.watch("/r", recursive=True) as below, zooid_client.watch("/other") as other:
        zooid_client.create("/r/a/b")
        zooid_client.create("/other")
        zooid_client.set("/r/a/b", b"x")
        seen = [below.next(30), below.next(30)]
        assert [(event.change, event.path) for event in seen if event] == [
            (Change.CREATED, "/r/a/b"), (Change.CHANGED, "/r/a/b")]
        assert kinds([other.next(30)]) == [Change.CREATED]
        assert below.next(0) is None and other.next(0.01) is None


def test_two_streams_of_one_path(zooid_client: Client) -> None:
    with zooid_client.watch("/twice") as first:
        with zooid_client.watch("/twice"):
            pass
        zooid_client.create("/twice")
        assert kinds([first.next(30)]) == [Change.CREATED]


def test_threads_share_a_client(zooid_client: Client) -> None:
    zooid_client.create("/n", b"0")
    failures: List[BaseException] = []

    def add() -> None:
        try:
            for _ in range(50):
                while True:
                    node = zooid_client.get("/n")
                    try:
                        zooid_client.set("/n", b"%d" % (int(node.data) + 1), node.stat.version)
                        break
                    except zooid.BadVersionError:
                        continue
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and zooid_client.get("/n").data == b"200"


def test_threads_wait_for_streams_of_their_own(
    zooid_client: Client, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    streams = [zooid_client.watch(f"/each/{number}") for number in range(4)]
    seen: List[List[Change]] = [[] for _ in streams]

    def read(number: int) -> None:
        seen[number].extend(event.change for event in streams[number])

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    zooid_client.create("/each")
    for number in range(4):
        zooid_client.create(f"/each/{number}", b"x")
        zooid_client.delete(f"/each/{number}")
    wait_until(lambda: all(len(changes) == 2 for changes in seen))
    for stream in streams:
        stream.close()
    for thread in threads:
        thread.join()
    assert seen == [[Change.CREATED, Change.DELETED]] * 4


def test_closing_sends_home_who_waits(zooid_agent: Agent) -> None:
    client = zooid_agent.client()
    outcome: List[object] = []

    def wait_for_a_reply() -> None:
        with pytest.raises(zooid.ClosedError) as closed:
            client.wait_for(1 << 40, timeout=60)
        outcome.append(closed.value.code)

    def wait_for_an_event() -> None:
        with client.events() as events:
            for event in events:
                assert event.session is not None
        outcome.append("end")

    threads = [threading.Thread(target=work) for work in (wait_for_a_reply, wait_for_an_event)]
    for thread in threads:
        thread.start()
    client.close()
    for thread in threads:
        thread.join()
    assert set(map(str, outcome)) == {"-1016", "end"}


def test_a_child_cannot_use_it(zooid_client: Client) -> None:
    child = os.fork()
    if child == 0:
        try:
            zooid_client.get("/")
            os._exit(1)
        except zooid.ConnectionLostError:
            zooid_client.close()
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert zooid_client.get("/").path == "/"


def test_waiting_for_an_event_can_be_interrupted(zooid_client: Client) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with zooid_client.events() as events, pytest.raises(KeyboardInterrupt):
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            while events.next(60):  # the session, which the fixture has opened, may be told of
                continue
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_log_lines_go_to_logging(
    zooid_agent: Agent, caplog: pytest.LogCaptureFixture, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    with caplog.at_level(logging.INFO, "zooid"), zooid_agent.client() as client:
        client.get("/")
        wait_until(lambda: any("connected to zooid-agent" in record.getMessage() for record in caplog.records))
    assert {record.levelno for record in caplog.records} == {logging.INFO}
