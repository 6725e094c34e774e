#!/usr/bin/python3
"""[7.7 wrong-digest] A member whose tree is not the others': it says so, with the zxid, and takes the leader's tree.

Before the ensemble begins each member runs alone and counts as many txns as the others, but one of them writes something
else: nothing that members tell each other at an election or a sync shows it."""
# limit: 600
import json
import re
import shutil
import unittest
import urllib.request

from ensemble import AGENT, APACHE, Ensemble, export, harness, metric, wire
from faults_test import Writers, differences, shown

NODE, RIGHT, WRONG = "/node", b"as it should be", b"something else"


class Divergence(unittest.TestCase):
    def ensemble(self, programs, other, observers=(), first=(), **settings):
        """Started, with member `other` not knowing better. Those that are to be `first` elect before the others come."""
        ensemble = Ensemble(programs, observers, **settings)
        self.addCleanup(ensemble.stop)
        right, wrong = self.written_alone(RIGHT), self.written_alone(WRONG)
        for sid, member in ensemble.members.items():
            shutil.copytree(wrong if sid == other else right, member.server.data_dir, dirs_exist_ok=True)
        return ensemble.start(first).start([sid for sid in ensemble.members if sid not in first])

    def written_alone(self, data):
        """A data directory that either server takes."""
        alone = harness.Agent({"zooid.sessionPasswords": "apache"})
        self.addCleanup(alone.stop)
        alone.start()
        client = wire.client_of(alone)
        client.create(NODE, data)
        client.end()
        alone.terminate()
        export(alone)
        return alone.data_dir

    def is_told(self, server):
        """By log, metrics and admin server, with the zxid."""
        zxid = int(metric(server, "zk_zooid_digest_mismatch_zxid"))
        self.assertGreater(zxid, 0)
        self.assertGreater(int(metric(server, "zk_digest_mismatches_count")), 0)
        with open(server.log_path, encoding="utf-8") as log:
            told = re.findall(r" error .*the tree is not what txn 0x([0-9a-f]+) says", log.read())
        self.assertLessEqual(int(told[0], 16), zxid)
        with urllib.request.urlopen("http://127.0.0.1:%d/commands/monitor" % server.admin_port, timeout=10) as answer:
            self.assertEqual(json.load(answer)["zooid_digest_mismatch_zxid"], zxid)

    def heals(self, ensemble, others, through, data=RIGHT):
        """Writes until each of these members has noticed, and has what the leader has."""
        writers = Writers(ensemble, count=1, sids=[through])

        def healed(sid):
            try:
                client = ensemble.client(sid)
                client.must("sync", path="/")
                found = client.must("getData", path=NODE, watch=False)["data"]
                client.end()
                return found == data
            except (AssertionError, OSError, TimeoutError):
                return False    # it is about to take the tree, and serves nobody
        for sid in others:
            harness.wait_until(lambda sid=sid: healed(sid), 60, "member %d to have the leader's tree" % sid)
        writers.wait_for(20)
        writers.stop()
        for sid in ensemble.members:
            ensemble.wait_serving(sid)
            self.assertEqual(differences(shown(ensemble, through), shown(ensemble, sid)), "", "server %d" % sid)
        for sid in others:
            self.is_told(ensemble[sid])

    def test_a_follower(self):
        self.heals(self.ensemble([AGENT] * 3, other=1), [1], through=2)

    def test_a_follower_of_apache_s(self):
        """One of those that elect it: who comes later is sent a snapshot by Apache's leader, and differs no more."""
        self.heals(self.ensemble([AGENT, APACHE, APACHE], other=1, first=[1, 3]), [1], through=2)

    def test_an_observer(self):
        self.heals(self.ensemble([AGENT] * 3, other=4, observers=[AGENT]), [4], through=2)

    def test_an_observer_of_a_follower(self):
        ensemble = self.ensemble([AGENT] * 3, other=4, observers=[AGENT], observerMasterPort=harness.free_port())
        self.heals(ensemble, [4], through=2)

    def test_followers_of_one_that_stands_alone(self):
        """Whoever leads is believed. All see it at once, and go one after the other, so that it goes on leading."""
        ensemble = self.ensemble([AGENT] * 3, other=3, first=[1, 3])
        elections = metric(ensemble[3], "zk_looking_count")
        self.assertEqual(ensemble.leader(), 3)
        self.heals(ensemble, [1, 2], through=3, data=WRONG)
        self.assertEqual(metric(ensemble[3], "zk_looking_count"), elections)


if __name__ == "__main__":
    harness.main()
