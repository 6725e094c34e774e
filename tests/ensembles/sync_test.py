#!/usr/bin/python3
"""A sync and a read behind it see all that anybody had been told before, whoever leads by then (under a leader that is an
agent)."""
# limit: 600
import unittest

from ensemble import AGENT, APACHE, Ensemble, harness, wire
from wiretap import tap


class Sync(unittest.TestCase):
    def ensemble(self, programs, **settings):
        """Of the two that elect the larger one leads, and an agent in each mixture; the third comes later."""
        ensemble = Ensemble(programs, **settings)
        self.addCleanup(ensemble.stop)
        ensemble.start([2, 3] if programs[1] is AGENT else [1, 3])
        return ensemble.start([1] if programs[1] is AGENT else [2])

    def answers(self, client, count):
        """Of the requests that were submitted: what came until the connection ended."""
        replies = []
        try:
            while len(replies) < count:
                reply = client.next_reply("getData" if replies else "sync", 30)
                if reply is None:
                    break
                replies.append(reply)
        except (OSError, TimeoutError):
            pass
        return replies

    def check_nothing_is_confirmed_without_a_quorum(self, programs):
        ensemble = self.ensemble(programs)
        leader = ensemble.leader()
        self.assertIs(ensemble.members[leader].program, AGENT)
        others = [sid for sid in ensemble.members if sid != leader]
        client = ensemble.client(leader)
        client.create("/n", b"1")
        client.must("sync", path="/n")
        ensemble.freeze(others)
        client.submit("sync", path="/n")
        client.submit("getData", path="/n", watch=False)
        self.assertEqual(self.answers(client, 2), [])
        ensemble.thaw(others)

    def test_a_leader_without_followers_answers_no_sync(self):
        self.check_nothing_is_confirmed_without_a_quorum([AGENT] * 3)

    def test_nor_one_whose_followers_are_apache_s(self):
        self.check_nothing_is_confirmed_without_a_quorum([APACHE, APACHE, AGENT])

    def test_a_leader_that_was_passed_by_gives_no_old_answers(self):
        """[weak old-read] It slept while another one was elected and wrote; its client's requests wait in its socket when it wakes."""
        ensemble = self.ensemble([AGENT] * 3)
        for number in range(3):
            leader = ensemble.leader()
            others = [sid for sid in ensemble.members if sid != leader]
            client = ensemble.client(leader)
            path = "/n%d" % number
            client.create(path, b"old")
            ensemble.freeze([leader])
            leading = harness.wait_until(lambda: [sid for sid in others if ensemble.mode(sid) == "leader"], 60, "another leader")
            other = ensemble.client(leading[0])
            other.must("setData", path=path, data=b"new", version=-1)
            other.end()
            client.submit("sync", path=path)
            client.submit("getData", path=path, watch=False)
            ensemble.thaw([leader])
            replies = self.answers(client, 2)
            self.assertIn([reply.body.get("data") for reply in replies[1:]], ([], [b"new"]))
            ensemble.wait_serving(leader)

    def test_followers_of_apache_s_are_answered_in_order(self):
        """Many syncs among writes of the same client, through each kind of learner."""
        ensemble = self.ensemble([APACHE, AGENT, AGENT])
        self.assertNotEqual(ensemble.leader(), 1)
        for sid in ensemble.members:
            client = ensemble.client(sid)
            path = "/order-%d" % sid
            client.create(path, b"")
            ops = []
            for number in range(200):
                ops += [("setData", {"path": path, "data": b"%d" % number, "version": -1}), ("sync", {"path": path}),
                        ("getData", {"path": path, "watch": False})]
            for op, fields in ops:
                client.submit(op, **fields)
            for index, (op, fields) in enumerate(ops):
                reply = client.next_reply(op, 30)
                self.assertEqual((reply.err, reply.xid), (0, index + 2), op)
                if op == "getData":
                    self.assertEqual(reply.body["data"], b"%d" % (index // 3))
            client.end()

    def test_on_the_wire_all_is_answered_in_the_order_in_which_it_was_forwarded(self):
        """Apache's members match commits and answers to syncs with the requests of all their clients by that order alone."""
        ensemble = Ensemble([APACHE, APACHE, AGENT], [APACHE])
        self.addCleanup(ensemble.stop)
        taps = {sid: tap(ensemble, sid, 3) for sid in (1, 2, 4)}
        ensemble.start([1, 3])
        ensemble.start([2, 4])
        self.assertEqual(ensemble.leader(), 3)
        create = {"path": "/no/parent", "data": b"", "acl": wire.OPEN_ACL, "flags": 0}
        ops = [("setData", {"path": "/", "data": b"", "version": -1}), ("sync", {"path": "/"}), ("create", create),
               ("sync", {"path": "/"}), ("sync", {"path": "/"})]
        clients = [ensemble.client(sid) for sid in (1, 2, 3, 4) for _ in range(3)]
        for _ in range(100):
            for client in clients:
                for op, fields in ops:
                    client.submit(op, **fields)
        for client in clients:
            for number in range(100 * len(ops)):
                self.assertIsNotNone(client.next_reply(ops[number % len(ops)][0], 30))
            client.end()
        for sid, tapped in taps.items():
            asked = tapped.links[-1].asked()
            self.assertEqual(asked.count("sync"), 900, "server %d" % sid)
            self.assertEqual(tapped.links[-1].answered(), asked, "server %d" % sid)


if __name__ == "__main__":
    harness.main()
