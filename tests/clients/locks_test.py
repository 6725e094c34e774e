#!/usr/bin/python3
"""Locks, elections and semaphores of libzooid: c/locks.c runs on an agent and asks for kazoo's part, the agent's death,
and a reply that is lost."""
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
        self.lock = self.zk.Lock("/k/lock", "kazoo")
        self.semaphore = self.zk.Semaphore("/k/semaphore", "kazoo", max_leases=2)
        self.read = self.zk.ReadLock("/k/rw")
        self.thread, self.leads = None, threading.Event()

    def started(self, target, *arguments):
        self.thread = threading.Thread(target=target, args=arguments, daemon=True)
        self.thread.start()

    def ended(self):
        self.thread.join(30)
        assert not self.thread.is_alive()

    def waits(self):
        assert self.lock.contenders() == ["zooid", "kazoo"], self.lock.contenders()
        assert not self.lock.is_acquired

    def gets(self):
        self.ended()
        assert self.lock.is_acquired

    def runs(self):
        self.started(self.zk.Election("/k/lock", "candidate").run, self.leads.set)

    def led(self):
        assert self.leads.wait(30)
        self.ended()

    def reads(self):
        assert self.read.acquire(timeout=30)

    def is_shut_out(self):
        assert not self.zk.ReadLock("/k/rw").acquire(blocking=False)
        assert not self.zk.WriteLock("/k/rw").acquire(blocking=False)

    def takes_a_lease(self):
        assert self.semaphore.acquire(timeout=30)

    def gets_no_lease(self):
        assert not self.semaphore.acquire(blocking=False)

    def requests(self):
        return {
            "kazoo begins to acquire /k/lock": lambda: self.started(self.lock.acquire),
            "kazoo sees zooid, kazoo and does not hold it": self.waits,
            "kazoo gets it": self.gets,
            "kazoo releases it": self.lock.release,
            "kazoo runs for the election of /k/lock": self.runs,
            "kazoo leads": self.led,
            "kazoo reads /k/rw": self.reads,
            "kazoo has read": self.read.release,
            "kazoo can neither read nor write": self.is_shut_out,
            "kazoo takes a lease of /k/semaphore": self.takes_a_lease,
            "kazoo returns its lease": self.semaphore.release,
            "kazoo gets no lease": self.gets_no_lease,
            "kazoo gets a lease": self.takes_a_lease,
        }

    def stop(self):
        self.zk.stop()
        self.zk.close()


class Locks(unittest.TestCase):
    def test_locks_and_semaphores(self):
        agent = harness.Agent({"tickTime": 200})
        self.addCleanup(agent.stop)
        agent.start()
        kazoo = Kazoo(agent)
        self.addCleanup(kazoo.stop)
        with tempfile.TemporaryDirectory() as directory:
            between = program.Between(agent, os.path.join(directory, "between.sock"))
            self.addCleanup(between.stop)
            requests = {"lose the next reply": lambda: between.lose_reply_to(b"__lock__"),
                        "the reply was lost": between.has_lost, **kazoo.requests()}
            lines = program.converse(agent, program.compiled("locks", directory), requests, between.path)
        self.assertEqual(program.messages(between.marked), 2, "the queue is asked for in one breath with the own node")
        self.assertEqual(lines[-1], "ok: a lost reply leaves no orphan\n", "".join(lines))


if __name__ == "__main__":
    harness.main()
