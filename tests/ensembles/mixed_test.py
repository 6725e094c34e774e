#!/usr/bin/python3
"""Agents and Apache ZooKeeper servers in one ensemble: each role in each mixture, as a client sees it."""
# limit: 900
import unittest

from ensemble import AGENT, APACHE, Ensemble, harness, metric, read_at, wire

WRITES = 50


class Mixed(unittest.TestCase):
    def ensemble(self, programs, observers=(), **settings):
        ensemble = Ensemble(programs, observers, **settings)
        self.addCleanup(ensemble.stop)
        return ensemble

    def write_everywhere(self, ensemble, sids, name):
        """Writes through each member; every member has all of it. One of each kind of txn is among them."""
        for sid in sids:
            client = ensemble.client(sid)
            base = "/%s-%d" % (name, sid)
            client.create(base, b"from %d" % sid)
            for number in range(WRITES):
                client.create("%s/n-" % base, b"%d" % number, flags=wire.SEQUENTIAL)
            client.must("setData", path=base, data=b"changed by %d" % sid, version=0)
            client.create(base + "/eph", b"", flags=wire.EPHEMERAL)
            client.create(base + "/gone", b"")
            client.must("delete", path=base + "/gone", version=0)
            refused = client.call("create", path="/no/parent", data=b"", acl=wire.OPEN_ACL, flags=0)
            self.assertEqual(wire.ERRORS[refused.err], "NoNode")
            client.end()
        for sid in sids:
            for other in sids:
                base = "/%s-%d" % (name, other)
                self.assertEqual(read_at(ensemble, sid, base), b"changed by %d" % other)
                self.assertEqual(read_at(ensemble, sid, "%s/n-%010d" % (base, WRITES - 1)), b"%d" % (WRITES - 1))
                self.assertIsNone(read_at(ensemble, sid, base + "/eph"))
                self.assertIsNone(read_at(ensemble, sid, base + "/gone"))

    def assert_digests_agree(self, ensemble):
        for sid in ensemble.members:
            self.assertIn(metric(ensemble[sid], "zk_digest_mismatches_count"), ("0", None), "at server %d" % sid)

    def assert_configs_agree(self, ensemble):
        """Each member shows the configuration that it goes by, in the same words."""
        texts = {read_at(ensemble, sid, "/zookeeper/config") for sid in ensemble.members}
        self.assertEqual(len(texts), 1, texts)
        self.assertTrue(texts.pop().endswith(b"\nversion=0"))

    def test_an_agent_observes_an_ensemble_of_apache_s(self):
        ensemble = self.ensemble([APACHE] * 3, [AGENT])
        ensemble.start([1, 2, 3])
        self.write_everywhere(ensemble, [1, 2, 3], "before")
        ensemble.start([4])
        self.assertEqual(ensemble.mode(4), "observer")
        self.assertEqual(read_at(ensemble, 4, "/before-2"), b"changed by 2")
        self.write_everywhere(ensemble, [1, 2, 3, 4], "after")
        self.assert_digests_agree(ensemble)
        ensemble[4].kill()
        self.write_everywhere(ensemble, [1, 2, 3], "while-away")
        ensemble.start([4])
        self.assertEqual(read_at(ensemble, 4, "/while-away-3"), b"changed by 3")
        self.assert_configs_agree(ensemble)
        self.assert_digests_agree(ensemble)

    def test_an_agent_follows_apache_s(self):
        """[7.7 null-answer late-acks] A leader of Apache's drops who answers its PINGs with null."""
        ensemble = self.ensemble([AGENT, APACHE, APACHE])
        ensemble.start([2, 3])
        self.write_everywhere(ensemble, [2, 3], "before")
        ensemble.start([1])
        self.assertEqual(ensemble.mode(1), "follower")
        self.write_everywhere(ensemble, [1, 2, 3], "after")
        self.assert_digests_agree(ensemble)
        leader = ensemble.leader()
        other = ({2, 3} - {leader}).pop()
        ensemble[other].kill()
        self.write_everywhere(ensemble, [1, leader], "by-the-agent-s-acks")

    def test_an_agent_leads_apache_s(self):
        ensemble = self.ensemble([APACHE, APACHE, AGENT], [APACHE])
        ensemble.start([1, 3])
        ensemble.start([2, 4])
        self.assertEqual(ensemble.leader(), 3)
        self.write_everywhere(ensemble, [1, 2, 3, 4], "led")
        self.assert_configs_agree(ensemble)
        self.assert_digests_agree(ensemble)
        ensemble[3].kill()
        ensemble.leader()
        ensemble.wait_serving(1)
        ensemble.wait_serving(2)
        self.write_everywhere(ensemble, [1, 2], "without-it")
        ensemble.start([3])
        self.assertEqual(ensemble.mode(3), "follower")
        self.assertEqual(read_at(ensemble, 3, "/without-it-1"), b"changed by 1")
        self.assert_digests_agree(ensemble)

    def test_weights_decide(self):
        """Whose weight is 0 does not lead and is not needed; both others are. All words of the configuration are Apache's."""
        for programs in ([AGENT, APACHE, AGENT], [APACHE, AGENT, APACHE]):
            ensemble = self.ensemble(programs, **{"group.1": "1:2:3", "weight.1": 1, "weight.2": 1, "weight.3": 0})
            ensemble.start()
            self.assertEqual(ensemble.leader(), 2)
            self.write_everywhere(ensemble, [1, 2, 3], "weighed")
            self.assert_configs_agree(ensemble)
            ensemble[3].kill()
            self.write_everywhere(ensemble, [1, 2], "without-it")
            ensemble.start([3])
            self.assertEqual(read_at(ensemble, 3, "/without-it-1"), b"changed by 1")
            ensemble[1].kill()
            harness.wait_until(lambda: ensemble.mode(2) is None, 60, "two of three to be no quorum")
            ensemble.start([1])
            ensemble.leader()
            for sid in (1, 2, 3):
                ensemble.wait_serving(sid)
            self.write_everywhere(ensemble, [1, 2, 3], "again")
            self.assert_digests_agree(ensemble)

    def test_agents_alone(self):
        ensemble = self.ensemble([AGENT] * 3, [AGENT])
        ensemble.start()
        self.write_everywhere(ensemble, [1, 2, 3, 4], "first")
        leader = ensemble.leader()
        ensemble[leader].kill()
        rest = [sid for sid in (1, 2, 3, 4) if sid != leader]
        ensemble.leader()
        for sid in rest:
            ensemble.wait_serving(sid)
        self.write_everywhere(ensemble, rest, "second")
        ensemble.start([leader])
        self.write_everywhere(ensemble, [1, 2, 3, 4], "third")
        self.assert_digests_agree(ensemble)


if __name__ == "__main__":
    harness.main()
