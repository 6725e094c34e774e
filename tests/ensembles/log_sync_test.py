#!/usr/bin/python3
"""[2.6 row 5, 2846] A member that lacks more than its leader keeps in memory is sent it from the leader's log, as long as
that is less than a snapshot and the log is whole."""
# limit: 900
import re
import unittest

from ensemble import AGENT, APACHE, Ensemble, caught_up, harness, metric
from faults_test import differences, shown

KEPT = 500      # commitLogCount, no less than which is kept
MISSED = KEPT + 250
AWAY = 1        # who is away; of three that start with the same data never the leader


class LogSync(unittest.TestCase):
    def ensemble(self, programs, observers=(), **settings):
        ensemble = Ensemble(programs, observers, commitLogCount=KEPT, **settings)
        self.addCleanup(ensemble.stop)
        ensemble.start()
        self.client = ensemble.client(ensemble.leader())
        self.addCleanup(self.client.close)
        return ensemble

    def write(self, name, count, size=0):
        for number in range(count):
            self.client.create("/%s-%d" % (name, number), b"x" * size)

    def grow(self):
        """A snapshot is more than the log will be that is missed."""
        self.write("large", 40, size=100000)

    def miss(self, ensemble, sid, name):
        """The member, which has all that was written so far, is away while others write."""
        caught_up(ensemble, sid).end()
        ensemble[sid].terminate()
        self.write(name, MISSED)

    def sent(self, ensemble, sid=None):
        """How often that server's log was sent, or the leader's; then diffs and snapshots of any kind."""
        server = ensemble[sid or ensemble.leader()]
        with open(server.log_path, encoding="utf-8") as log:
            from_log = len(re.findall(r"sending the log behind 0x", log.read()))
        return from_log, int(metric(server, "zk_diff_count")), int(metric(server, "zk_snap_count"))

    def come_back(self, ensemble, sid):
        """What it was sent, of each kind."""
        before = self.sent(ensemble)
        ensemble.start([sid])
        leader = ensemble.leader()
        self.assertEqual(differences(shown(ensemble, leader), shown(ensemble, sid)), "")
        return tuple(after - start for after, start in zip(self.sent(ensemble), before))

    def test_an_agent(self):
        ensemble = self.ensemble([AGENT] * 3)
        self.grow()
        self.miss(ensemble, AWAY, "first")
        self.assertEqual(self.come_back(ensemble, AWAY), (1, 1, 0))
        self.miss(ensemble, AWAY, "second")
        self.assertEqual(self.come_back(ensemble, AWAY), (1, 1, 0))
        self.assertEqual(metric(ensemble[AWAY], "zk_digest_mismatches_count"), "0")

    def test_apache_s(self):
        ensemble = self.ensemble([APACHE, AGENT, AGENT])
        self.grow()
        self.miss(ensemble, AWAY, "missed")
        self.assertEqual(self.come_back(ensemble, AWAY), (1, 1, 0))

    def test_an_observer_of_a_follower(self):
        ensemble = self.ensemble([AGENT] * 3, [AGENT], observerMasterPort=harness.free_port(),
                                 **{"observerMaster.sizeLimit": 0})
        self.grow()
        self.miss(ensemble, 4, "missed")
        before = {sid: self.sent(ensemble, sid) for sid in (1, 2, 3)}
        ensemble.start([4])
        self.assertEqual(differences(shown(ensemble, ensemble.leader()), shown(ensemble, 4)), "")
        master = int(metric(ensemble[4], "zk_observer_master_id"))
        self.assertNotEqual(master, ensemble.leader())
        self.assertEqual(self.sent(ensemble, master), tuple(count + more for count, more in zip(before[master], (1, 1, 0))))

    def test_a_leader_that_has_nothing_in_memory(self):
        """It was restarted, and its log is from before."""
        ensemble = self.ensemble([AGENT] * 3)
        self.grow()
        self.miss(ensemble, AWAY, "missed")
        self.client.end()
        for sid in (2, 3):
            ensemble[sid].kill()
        ensemble.start([2, 3])
        self.assertEqual(self.come_back(ensemble, AWAY)[::2], (1, 0))

    def test_more_log_than_tree(self):
        ensemble = self.ensemble([AGENT] * 3)
        self.miss(ensemble, AWAY, "missed")
        self.assertEqual(self.come_back(ensemble, AWAY), (0, 0, 1))

    def test_any_log(self):
        ensemble = self.ensemble([AGENT] * 3, snapshotSizeFactor=0)
        self.miss(ensemble, AWAY, "missed")
        self.assertEqual(self.come_back(ensemble, AWAY), (1, 1, 0))

    def test_no_log(self):
        ensemble = self.ensemble([AGENT] * 3, snapshotSizeFactor=-1)
        self.grow()
        self.miss(ensemble, AWAY, "missed")
        self.assertEqual(self.come_back(ensemble, AWAY), (0, 0, 1))

    def test_a_log_of_apache_s(self):
        """May have a hole that nothing shows. What an agent has logged behind it is used."""
        ensemble = self.ensemble([AGENT, APACHE, APACHE], snapshotSizeFactor=0)
        self.miss(ensemble, AWAY, "before")
        self.client.end()
        for sid in (2, 3):
            ensemble[sid].terminate()
            ensemble.members[sid].become(AGENT)
        ensemble.start([2, 3])
        self.assertEqual(self.come_back(ensemble, AWAY), (0, 0, 1))
        self.client = ensemble.client(ensemble.leader())
        self.addCleanup(self.client.close)
        self.miss(ensemble, AWAY, "since")
        self.assertEqual(self.come_back(ensemble, AWAY), (1, 1, 0))


if __name__ == "__main__":
    harness.main()
