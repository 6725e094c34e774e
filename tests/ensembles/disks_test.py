#!/usr/bin/python3
"""Members whose disk is slow or full while clients write: the others go on, nothing acknowledged is lost, and in the end
every member has the same tree to the last stat field [weak slow-fsync]."""
# sanitizers: no (their runtime wants to be the first library, and the failing disk is preloaded)
# limit: 600
import os
import resource
import tempfile
import unittest

from ensemble import STEADY, Ensemble, harness
from faults_test import Writers, assert_whole

from failing_agent import FailingAgent, build_library


class DiskTestCase(unittest.TestCase):
    """What happens to one member's disk, whatever the others are."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        FailingAgent.library = build_library(directory.name)

    def ensemble(self, programs, late=(), **settings):
        """Those that are `late` come when the others serve."""
        ensemble = Ensemble(programs, **{**STEADY, "preAllocSize": 64, **settings})    # soon full
        self.addCleanup(ensemble.stop)
        ensemble.start([sid for sid in ensemble.members if sid not in late])
        ensemble.start(late)
        for member in ensemble.members.values():
            if member.program is FailingAgent:
                self.addCleanup(member.server.heal)
        return ensemble

    def finish(self, ensemble, writers):
        writers.wait_for(100)
        writers.stop()
        assert_whole(self, ensemble, writers)

    def check_slow(self, ensemble, slow):
        """Nobody is taken for dead, and nothing waits but what waits for that disk."""
        leader = ensemble.leader()
        writers = Writers(ensemble)
        writers.wait_for(100)
        ensemble[slow].fail("slow")
        writers.wait_for(300)
        self.assertEqual(ensemble.leader(), leader)
        self.assertIsNotNone(ensemble.mode(slow))
        ensemble[slow].heal()
        self.finish(ensemble, writers)

    @staticmethod
    def limit(server, size):
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    @staticmethod
    def log_size(server):
        directory = os.path.join(server.data_dir, "version-2")
        return max(os.path.getsize(os.path.join(directory, name)) for name in os.listdir(directory)
                   if name.startswith("log."))

    def fill(self, server):
        """While somebody writes."""
        self.limit(server, self.log_size(server))
        harness.wait_until(lambda: "no space" in server.log_tail(20), 60, "the disk to be full")

    def make_room(self, server):
        self.limit(server, resource.RLIM_INFINITY)
        harness.wait_until(lambda: "there is space for the log again" in server.log_tail(20), 60, "the disk to have room")

    def check_full(self, ensemble, full, meanwhile=lambda: None, then=lambda: None):
        """The others' disks suffice. `meanwhile` it is full, `then` it has room."""
        writers = Writers(ensemble)
        writers.wait_for(100)
        self.fill(ensemble[full])
        writers.wait_for(300)
        meanwhile()
        self.make_room(ensemble[full])
        then()
        self.finish(ensemble, writers)


class Disks(DiskTestCase):
    def agents(self):
        """The ensemble, its leader and a follower."""
        ensemble = self.ensemble([FailingAgent] * 3)
        leader = ensemble.leader()
        return ensemble, leader, next(sid for sid in ensemble.members if sid != leader)

    def test_a_follower_with_a_slow_disk(self):
        ensemble, _, follower = self.agents()
        self.check_slow(ensemble, follower)

    def test_a_leader_with_a_slow_disk(self):
        ensemble, leader, _ = self.agents()
        self.check_slow(ensemble, leader)

    def test_a_follower_with_a_full_disk(self):
        ensemble, _, follower = self.agents()
        self.check_full(ensemble, follower)

    def test_a_leader_with_a_full_disk(self):
        ensemble, leader, _ = self.agents()
        self.check_full(ensemble, leader)


if __name__ == "__main__":
    harness.main()
