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


class Disks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        FailingAgent.library = build_library(directory.name)

    def ensemble(self):
        ensemble = Ensemble([FailingAgent] * 3, **STEADY)
        self.addCleanup(ensemble.stop)
        ensemble.start()
        for sid in ensemble.members:
            self.addCleanup(ensemble[sid].heal)
        return ensemble, ensemble.leader()

    def finish(self, ensemble, writers):
        writers.wait_for(100)
        writers.stop()
        assert_whole(self, ensemble, writers)

    @staticmethod
    def follower_of(ensemble, leader):
        return next(sid for sid in ensemble.members if sid != leader)

    def check_slow(self, choose):
        ensemble, leader = self.ensemble()
        slow = choose(ensemble, leader)
        writers = Writers(ensemble)
        writers.wait_for(100)
        ensemble[slow].fail("slow")
        writers.wait_for(300)
        self.assertEqual(ensemble.leader(), leader)
        self.assertIsNotNone(ensemble.mode(slow))
        ensemble[slow].heal()
        self.finish(ensemble, writers)

    def test_a_follower_with_a_slow_disk(self):
        self.check_slow(self.follower_of)

    def test_a_leader_with_a_slow_disk(self):
        self.check_slow(lambda ensemble, leader: leader)

    def limit(self, server, size):
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    @staticmethod
    def log_size(server):
        directory = os.path.join(server.data_dir, "version-2")
        return max(os.path.getsize(os.path.join(directory, name)) for name in os.listdir(directory)
                   if name.startswith("log."))

    def check_full(self, choose):
        ensemble, leader = self.ensemble()
        full = choose(ensemble, leader)
        writers = Writers(ensemble)
        writers.wait_for(100)
        server = ensemble[full]
        self.limit(server, self.log_size(server))
        harness.wait_until(lambda: "no space" in server.log_tail(20), 60, "the disk to be full")
        writers.wait_for(300)
        self.limit(server, resource.RLIM_INFINITY)
        harness.wait_until(lambda: "there is space for the log again" in server.log_tail(20), 60, "the disk to have room")
        self.finish(ensemble, writers)

    def test_a_follower_with_a_full_disk(self):
        self.check_full(self.follower_of)

    def test_a_leader_with_a_full_disk(self):
        self.check_full(lambda ensemble, leader: leader)


if __name__ == "__main__":
    harness.main()
