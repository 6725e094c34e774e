#!/usr/bin/python3
"""Members that cannot reach each other, both ways or one way only, while clients write: nothing acknowledged is lost, whoever
has no quorum acknowledges nothing, and in the end every member has the same tree to the last stat field."""
# sanitizers: no (on loopback a library is preloaded, and their runtime wants to be the first)
# limit: 900
import os
import random
import subprocess
import unittest

import network
from ensemble import AGENT, APACHE, STEADY, harness, read_at, wire
import local_wire
from local_wire import pb
from faults_test import Writers, assert_whole

TICK_MS, SYNC_LIMIT = 300, 8


class Partitions(unittest.TestCase):
    def ensemble(self, programs=(AGENT,) * 3, later=(), **settings):
        limits = {"tickTime": TICK_MS, "initLimit": 30, "syncLimit": SYNC_LIMIT}
        ensemble = network.Apart(list(programs), **dict(limits, **settings))
        self.addCleanup(ensemble.stop)
        ensemble.start([sid for sid in ensemble.members if sid not in later])
        ensemble.start(later)
        return ensemble, Writers(ensemble)

    def wait_mode(self, ensemble, sid, mode):
        harness.wait_until(lambda: ensemble.mode(sid) == mode, 60, "server %d to be %s" % (sid, mode))

    def wait_leader_among(self, ensemble, sids):
        def leading():
            return next((sid for sid in sids if ensemble.mode(sid) == "leader"), None)
        return harness.wait_until(leading, 60, "a leader among %r" % sids)

    def others(self, ensemble, sid):
        return [other for other in ensemble.members if other != sid]

    def finish(self, ensemble, writers):
        ensemble.heal()
        for sid in ensemble.members:
            ensemble.wait_serving(sid)
        writers.wait_for(100)
        writers.stop()
        assert_whole(self, ensemble, writers)

    def check_isolated_leader(self, ensemble, writers, isolate):
        """The leader is cut off: what it is sent then it neither acknowledges nor keeps."""
        writers.wait_for(200)
        leader = ensemble.leader()
        rest = self.others(ensemble, leader)
        client = ensemble.client(leader)
        isolate(leader, rest)
        client.submit("create", path="/isolated", data=b"", acl=wire.OPEN_ACL, flags=0)
        self.wait_leader_among(ensemble, rest)
        self.wait_mode(ensemble, leader, None)
        self.assertIsNone(client.next_reply("create", 60))
        client.close()
        writers.wait_for(200)
        ensemble.heal()
        self.wait_mode(ensemble, leader, "follower")
        for sid in ensemble.members:
            self.assertIsNone(read_at(ensemble, sid, "/isolated"))
        self.finish(ensemble, writers)

    def test_a_leader_that_is_cut_off_leads_no_more(self):
        ensemble, writers = self.ensemble()
        self.check_isolated_leader(ensemble, writers, lambda leader, rest: ensemble.separate([leader], rest))

    def test_a_leader_of_apache_s_that_is_cut_off(self):
        ensemble, writers = self.ensemble([AGENT, AGENT, APACHE], later=[2])
        self.assertEqual(ensemble.leader(), 3)
        self.check_isolated_leader(ensemble, writers, lambda leader, rest: ensemble.separate([leader], rest))

    def latest(self, local):
        """What a linearizable read at a member's own door gives within a while; None: nothing."""
        reply = local.call(deadline_ms=2000, get=pb.Get(path="/value", fresh=pb.Freshness(latest=True)))
        return None if reply.HasField("error") else reply.node.data

    def test_the_latest_below_a_leader_of_apache_s_that_leads_no_more(self):
        """It answers SYNC, as it does not know it yet; what was written elsewhere meanwhile must not be missing."""
        ensemble = network.Apart([AGENT] * 4 + [APACHE], tickTime=TICK_MS, initLimit=30, syncLimit=SYNC_LIMIT)
        self.addCleanup(ensemble.stop)
        for sid in 1, 5:
            ensemble[sid].settings["syncLimit"] = 400    # so long these two are content with each other
        ensemble.start([1, 2, 5])
        ensemble.start([3, 4])
        self.assertEqual(ensemble.leader(), 5)
        local = local_wire.Client(os.path.join(ensemble[1].data_dir, "zooid", "zooid.sock"))
        self.addCleanup(local.close)
        local.must(create=pb.Create(path="/value", data=b"old"))    # with a session, for which nobody is asked later
        self.assertEqual(self.latest(local), b"old")
        ensemble.separate([1, 5], [2, 3, 4])
        other = self.wait_leader_among(ensemble, [2, 3, 4])
        ensemble.client(other).must("setData", path="/value", data=b"new", version=-1)
        self.assertEqual((ensemble.mode(1), ensemble.mode(5)), ("follower", "leader"))
        self.assertIsNone(self.latest(local))
        ensemble.heal()
        harness.wait_until(lambda: self.latest(local) == b"new", 120, "the new value")

    def test_a_leader_that_is_not_heard(self):
        ensemble, writers = self.ensemble()
        self.check_isolated_leader(ensemble, writers, lambda leader, rest: ensemble.cut([leader], rest))

    def test_a_leader_that_hears_nobody(self):
        """What it proposes arrives: whether it is kept is the next leader's decision, but it is kept by all or by none."""
        ensemble, writers = self.ensemble()
        writers.wait_for(200)
        leader = ensemble.leader()
        rest = self.others(ensemble, leader)
        client = ensemble.client(leader)
        ensemble.cut(rest, [leader])
        client.submit("create", path="/unheard", data=b"", acl=wire.OPEN_ACL, flags=0)
        self.wait_leader_among(ensemble, rest)
        self.wait_mode(ensemble, leader, None)
        self.assertIsNone(client.next_reply("create", 60))
        client.close()
        writers.wait_for(200)
        self.finish(ensemble, writers)

    def test_a_follower_that_reaches_the_other_one_only(self):
        """It cannot follow, and must not keep the others from it."""
        ensemble, writers = self.ensemble(**STEADY)
        leader = ensemble.leader()
        lost, other = self.others(ensemble, leader)
        ensemble.separate([lost], [leader])
        self.wait_mode(ensemble, lost, None)
        for _ in range(10):
            writers.wait_for(50)
            self.assertEqual((ensemble.mode(leader), ensemble.mode(other)), ("leader", "follower"))
        self.finish(ensemble, writers)

    def test_no_two_reach_each_other(self):
        ensemble, writers = self.ensemble()
        writers.wait_for(100)
        sids = list(ensemble.members)
        ensemble.cut(sids, sids)
        for sid in sids:
            self.wait_mode(ensemble, sid, None)
        self.finish(ensemble, writers)

    def test_what_comes_to_pass_by_chance(self):
        seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
        chance = random.Random(seed)
        print("seed %d" % seed)
        ensemble, writers = self.ensemble([AGENT] * 5, snapCount=300)
        sids = list(ensemble.members)
        for _ in range(5):
            for _ in range(chance.randrange(1, 5)):
                source, target = chance.sample(sids, 2)
                ensemble.cut([source], [target])
            killed = chance.sample(sids, chance.choice((0, 1, 2, 5)))
            for sid in killed:
                ensemble[sid].kill()
            for sid in killed:
                ensemble[sid].launch()
            if chance.random() < 0.5:
                ensemble.heal()
                writers.wait_for(50)
        self.finish(ensemble, writers)


if __name__ == "__main__":
    network.enter()
    harness.main()
