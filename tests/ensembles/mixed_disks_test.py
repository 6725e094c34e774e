#!/usr/bin/python3
"""An agent among Apache's servers whose disk is slow, full or fails while clients write: the others go on, nothing acknowledged
is lost, the agent says what is wrong, and in the end every member has the same tree to the last stat field."""
# sanitizers: no (their runtime wants to be the first library, and the failing disk is preloaded)
# limit: 600
import re
import unittest
import urllib.error
import urllib.request

from disks_test import DiskTestCase
from ensemble import APACHE, harness, wire
from faults_test import Writers, assert_whole

from failing_agent import FailingAgent

SLOW_MS = 250    # a sync that takes longer is slow
READY = (200, "ready\n")
FULL = (503, "no space left for the log\n")
FAILED = (503, "the log cannot be written\n")


def fetch(agent, path):
    """Status and text of the admin server's answer, whether the member serves or not."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (agent.admin_port, path), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class MixedDisks(DiskTestCase):
    def ensemble(self, programs, late=(), **settings):
        return super().ensemble(programs, late, **{"fsync.warningthresholdms": SLOW_MS, **settings})

    def follower(self, **settings):
        """One of Apache's leads, and the agent, server 1, follows."""
        return self.ensemble([FailingAgent, APACHE, APACHE], late=[1], **settings), 1

    def leader(self):
        """The agent, server 3, leads."""
        ensemble = self.ensemble([APACHE, APACHE, FailingAgent], late=[2])
        self.assertEqual(ensemble.leader(), 3)
        return ensemble, 3

    def finish(self, ensemble, writers):
        """Nobody but the agent is asked whether a digest differed: see mixed_faults_test.py."""
        agents = [sid for sid, member in ensemble.members.items() if member.program is FailingAgent]
        for sid in agents:
            harness.wait_until(lambda sid=sid: fetch(ensemble[sid], "/ready") == READY, 60, "server %d to be well again" % sid)
        writers.wait_for(100)
        writers.stop()
        assert_whole(self, ensemble, writers, counting=agents)

    # Slow

    def check_slow(self, ensemble, slow):
        super().check_slow(ensemble, slow)
        self.assertRegex(ensemble[slow].log_tail(10000), r"warn  storage: syncing the transaction log took \d{3,} ms")

    def test_a_follower_with_a_slow_disk(self):
        self.check_slow(*self.follower())

    def test_a_leader_with_a_slow_disk(self):
        self.check_slow(*self.leader())

    # Full

    def assert_is_full(self, agent, expected):
        self.assertEqual(re.search(r"^zooid_log_full (\S+)$", fetch(agent, "/metrics")[1], re.M).group(1), "1" if expected else "0")

    def test_a_follower_with_a_full_disk(self):
        """Apache's leader drops whoever owes it an acknowledgement for so long; it comes back as soon as it can log again."""
        ensemble, full = self.follower(syncLimit=4)
        agent, leader = ensemble[full], ensemble[ensemble.leader()]

        def dropped():
            harness.wait_until(lambda: "due to transaction timeout" in leader.log_tail(10000), 60, "the follower to be dropped")
            harness.wait_until(lambda: ensemble.mode(full) is None, 60, "the follower to notice")
            self.assertEqual(fetch(agent, "/ready"), FULL)
            self.assert_is_full(agent, True)
        self.check_full(ensemble, full, dropped)
        self.assert_is_full(agent, False)

    def test_a_leader_with_a_full_disk(self):
        """It leads by the disks of the others; when these are no quorum any more writes wait, and reads go on."""
        ensemble, full = self.leader()
        agent, sids, waiting = ensemble[full], (1, full), []

        def alone_with_one():
            self.assertEqual(ensemble.leader(), full)
            self.assertEqual(fetch(agent, "/ready"), FULL)
            self.assert_is_full(agent, True)
            waiting.extend(wire.Client((ensemble[sid].host, ensemble[sid].port)) for sid in sids)
            readers = [ensemble.client(sid) for sid in sids]
            ensemble[2].kill()
            for number, client in enumerate(waiting):
                client.submit("create", path="/waits-%d" % number, data=b"", acl=wire.OPEN_ACL, flags=0)
                with self.assertRaises(TimeoutError):
                    client.next_reply("create", 1)
            for reader in readers:
                self.assertNotEqual(reader.call("exists", path="/waits-0", watch=False).err, 0)

        def again():
            for client in waiting:
                self.assertEqual(client.next_reply("create").err, 0)
            ensemble.start([2])
        self.check_full(ensemble, full, alone_with_one, again)
        self.assert_is_full(agent, False)

    # Failing

    def check_failing(self, ensemble, failing):
        """It does not serve any more, also when the disk is well again; the others go on. A restart reads back what it has."""
        agent = ensemble[failing]
        writers = Writers(ensemble)
        writers.wait_for(100)
        agent.fail("sync")
        harness.wait_until(lambda: fetch(agent, "/ready") == FAILED, 60, "the disk to fail")
        writers.wait_for(300)
        self.assertNotEqual(ensemble.leader(), failing)
        agent.heal()
        writers.wait_for(100)
        self.assertEqual(fetch(agent, "/ready"), FAILED)
        agent.terminate()
        ensemble.start([failing])
        self.finish(ensemble, writers)

    def test_a_follower_whose_disk_fails(self):
        self.check_failing(*self.follower())

    def test_a_leader_whose_disk_fails(self):
        self.check_failing(*self.leader())


if __name__ == "__main__":
    harness.main()
