#!/usr/bin/python3
"""Groups, barriers, queues and counters of libzooid: c/recipes.c runs on an agent and asks for kazoo's part, the agent's
death, and replies that are lost; c/submitted.c submits what takes several requests."""
import os
import tempfile
import threading
import unittest

import harness
import program

harness.need_kazoo()
from kazoo.client import KazooClient  # noqa: E402


class Kazoo:
    """What the program asks kazoo to do."""

    def __init__(self, agent):
        self.zk = KazooClient(agent.address)
        self.zk.start(30)
        self.party = self.zk.Party("/g/all", "kazoo")
        self.barrier = self.zk.DoubleBarrier("/d/kazoo", 2, "kazoo")
        self.queue = self.zk.LockingQueue("/q/kazoo")
        self.threads = []

    def joins(self):
        assert sorted(self.party) == ["one", "two"], sorted(self.party)
        self.party.join()

    def started(self, target):
        self.threads.append(threading.Thread(target=target, daemon=True))
        self.threads[-1].start()

    def ended(self):
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()

    def puts_two(self):
        self.queue.put_all([b"first", b"second"])
        assert self.queue.get(30) == b"first"

    def takes(self):
        assert self.queue.get(30) == b"third"
        assert self.queue.consume()

    def adds(self):
        counter = self.zk.Counter("/c/one")
        assert counter.value == -2
        counter += 40

    def lifts(self):
        harness.wait_until(lambda: self.zk.connected, what="kazoo to be connected again")
        self.zk.retry(self.zk.Barrier("/b/one").remove)

    def requests(self):
        return {
            "kazoo sees members one and two, and joins /g/all": self.joins,
            "kazoo leaves": self.party.leave,
            "kazoo enters /d/kazoo": lambda: self.started(self.barrier.enter),
            "kazoo leaves /d/kazoo": lambda: (self.ended(), self.started(self.barrier.leave)),
            "kazoo puts two into /q/kazoo and takes one": self.puts_two,
            "kazoo gives it back": self.queue.release,
            "kazoo takes the third and consumes it": self.takes,
            "kazoo adds 40 to /c/one": self.adds,
            "kazoo lifts /b/one": self.lifts,
        }

    def stop(self):
        self.ended()
        self.zk.stop()
        self.zk.close()


class Recipes(unittest.TestCase):
    def test_groups_barriers_queues_and_counters(self):
        agent = harness.Agent({"tickTime": 200})
        self.addCleanup(agent.stop)
        agent.start()
        kazoo = Kazoo(agent)
        self.addCleanup(kazoo.stop)
        with tempfile.TemporaryDirectory() as directory:
            between = program.Between(agent, os.path.join(directory, "between.sock"))
            self.addCleanup(between.stop)
            requests = {"lose the reply to a create of /e/again": lambda: between.lose_reply_to(b"/e/again"),
                        "lose the next reply of a finish": lambda: between.lose_reply_to(b"/q/kazoo/taken/entry"),
                        "the reply was lost": between.has_lost, **kazoo.requests()}
            lines = program.converse(agent, program.compiled("recipes", directory), requests, between.path)
        self.assertEqual(lines[-1], "ok: an ephemeral outlives the agent\n", "".join(lines))

    def test_what_takes_several_requests_can_be_submitted(self):
        agent = harness.Agent({"tickTime": 200})
        self.addCleanup(agent.stop)
        agent.start()
        with tempfile.TemporaryDirectory() as directory:
            lines = program.converse(agent, program.compiled("submitted", directory))
        self.assertEqual(lines[-1], "ok: what is given up says what is known\n", "".join(lines))


if __name__ == "__main__":
    harness.main()
