#!/usr/bin/python3
"""Local sessions and their upgrade at members of each kind, in mixed ensembles whose leader is of either kind."""
# limit: 600
import os
import subprocess
import sys
import unittest

from ensemble import AGENT, APACHE, TICK_MS, Ensemble, harness, metric, wire

LOCAL = {"localSessionsEnabled": "true"}
UPGRADING = dict(LOCAL, localSessionsUpgradingEnabled="true")
NODE_DELETED = 2
SEEDS, OPERATIONS = (range(1, 11), 10000) if os.environ.get("ZOOID_LONG") == "1" else (range(1, 2), 2000)
SHORT_MS = 2 * TICK_MS  # the shortest time-out that is granted


def counts(server):
    return metric(server, "zk_local_sessions"), metric(server, "zk_global_sessions")


def create(client, path, flags=wire.EPHEMERAL):
    """The error's name, or OK."""
    reply = client.call("create", path=path, data=b"", acl=wire.OPEN_ACL, flags=flags)
    return wire.ERRORS[reply.err] if reply.err != 0 else "OK"


def create_in_multi(client, *paths):
    """The last one is to be an ephemeral: the codes of the results."""
    fields = [{"path": path, "data": b"", "acl": wire.OPEN_ACL, "flags": 0} for path in paths]
    fields[-1]["flags"] = wire.EPHEMERAL
    results = client.must("multi", ops=[("create", each) for each in fields])["results"]
    return [body["err"] if kind == "error" else 0 for kind, _err, body in results]


class Played:
    """Two voting agents and an Apache that votes, an observer of each kind; `first` start, the larger of which leads."""

    first = None
    settings = UPGRADING

    @classmethod
    def setUpClass(cls):
        cls.ensemble = Ensemble([AGENT, AGENT, APACHE], [AGENT, APACHE], **cls.settings)
        cls.addClassCleanup(cls.ensemble.stop)
        cls.ensemble.start(cls.first)
        cls.ensemble.start([sid for sid in cls.ensemble.members if sid not in cls.first])
        cls.leader = max(cls.first)
        assert cls.ensemble.leader() == cls.leader

    def client(self, sid, **wishes):
        client = self.ensemble.client(sid, **wishes)
        self.addCleanup(client.close)
        return client

    def wait_counts(self, sid, expected):
        harness.wait_until(lambda: counts(self.ensemble[sid]) == expected, 20,
                           "sessions of server %d to be %r" % (sid, expected))


class Upgraded(Played):
    def test_a_local_session_is_its_members_alone(self):
        for sid in self.ensemble.members:
            with self.subTest(sid=sid):
                self.wait_counts(sid, ("0", "0"))
                client = self.client(sid)
                self.assertEqual(counts(self.ensemble[sid]), ("1", "0"))
                path = "/plain-%d" % sid
                self.assertEqual(create(client, path, flags=wire.PERSISTENT), "OK")
                self.assertEqual(client.must("getData", path=path, watch=False)["data"], b"")
                again = self.client(sid, session=client.session)
                self.assertEqual((again.session.id, again.session.password),
                                 (client.session.id, client.session.password))
                self.assertTrue(client.closed_by_server())
                other = sid % len(self.ensemble.members) + 1
                self.assertTrue(self.client(other, session=client.session).is_refused)
                again.end()
                self.wait_counts(sid, ("0", "0"))
                self.assertTrue(self.client(sid, session=client.session).is_refused)

    def test_it_expires_at_its_member(self):
        for sid in self.ensemble.members:
            client = self.client(sid, timeout=SHORT_MS)
            self.assertTrue(client.closed_by_server(), "at server %d" % sid)
            self.assertTrue(self.client(sid, session=client.session).is_refused)

    def test_the_first_ephemeral_makes_it_one_of_the_ensemble(self):
        for sid in self.ensemble.members:
            with self.subTest(sid=sid):
                client, path = self.client(sid), "/eph-%d" % sid
                xids = [client.submit("create", path=path + end, data=b"", acl=wire.OPEN_ACL, flags=flags)
                        for end, flags in (("-before", 0), ("", wire.EPHEMERAL), ("-behind", 0))]
                self.assertEqual([client.next_reply("create").xid for _ in xids], xids)
                self.assertEqual(counts(self.ensemble[sid]), ("0", "1"))
                for other in self.ensemble.members:
                    watcher = self.client(other)
                    watcher.must("sync", path="/")
                    self.assertEqual(watcher.must("exists", path=path, watch=False)["stat"].ephemeralOwner,
                                     client.session.id)
                    watcher.end()
                moved = self.client(sid % len(self.ensemble.members) + 1, session=client.session)
                self.assertEqual(moved.session.id, client.session.id)
                self.assertEqual(moved.must("getEphemerals", path=None)["paths"], [path])
                moved.end()
                self.assertTrue(client.closed_by_server())
                watcher = self.client(sid)
                watcher.must("sync", path="/")
                self.assertEqual(watcher.call("exists", path=path, watch=False).err, -101)
                watcher.end()

    def test_within_a_multi_and_with_a_sequence(self):
        for sid in self.ensemble.members:
            with self.subTest(sid=sid):
                client = self.client(sid)
                self.assertEqual(create_in_multi(client, "/multi-%d" % sid, "/multi-eph-%d" % sid), [0, 0])
                self.assertEqual(counts(self.ensemble[sid]), ("0", "1"))
                client.end()
                client = self.client(sid)
                self.assertEqual(create(client, "/seq-%d-" % sid, wire.EPHEMERAL_SEQUENTIAL), "OK")
                self.assertEqual(counts(self.ensemble[sid]), ("0", "1"))
                client.end()

    def test_it_is_expired_by_the_leader(self):
        for sid in self.ensemble.members:
            watcher = harness.without_delay(SHORT_MS / 1000, lambda pace: self.watcher(sid, "/expires-%d-%d" % (sid, pace.number)))
            self.assertEqual(watcher.next_event().type, NODE_DELETED)
            watcher.end()

    def watcher(self, sid, path):
        """Of what a client with a short session has made."""
        client = self.client(sid, timeout=SHORT_MS)
        self.assertEqual(create(client, path), "OK")
        watcher = self.client(sid)
        watcher.must("exists", path=path, watch=True)
        return watcher

    def test_dump(self):
        for sid in (1, 2, 3, 4):
            client = self.client(sid)
            text = self.ensemble[sid].word("dump")
            self.assertRegex(text, r"(?s)\ASessionTracker dump:\nLocal Session Sets \(\d+\)/\(1\):\n"
                             r"(?:0 expire at [^\n]*:\n)*1 expire at [^\n]*:\n\t0x%x\n" % client.session.id)
            self.assertRegex(text, r"(?m)^Global Session Sets \(\d+\)/\(\d+\):$" if sid == self.leader
                             else r"(?m)^Global Sessions\(\d+\):$")
            client.end()


class UpgradedUnderAnAgent(Upgraded, unittest.TestCase):
    first = (1, 2)


class UpgradedUnderApache(Upgraded, unittest.TestCase):
    first = (1, 3)


class Refused(Played):
    settings = LOCAL

    def test_an_ephemeral_is_refused_in_apache_s_words(self):
        for sid in self.ensemble.members:
            with self.subTest(sid=sid):
                client = self.client(sid)
                self.assertEqual(create(client, "/refused"), "EphemeralOnLocalSession")
                self.assertEqual(create(client, "/refused-", wire.EPHEMERAL_SEQUENTIAL), "EphemeralOnLocalSession")
                self.assertEqual(create_in_multi(client, "/part-%d" % sid, "/refused"),
                                 [0, -120 if sid == self.leader else -112])
                self.assertEqual(client.call("exists", path="/part-%d" % sid, watch=False).err, -101)
                self.assertEqual(counts(self.ensemble[sid]), ("1", "0"))
                client.end()


class RefusedUnderAnAgent(Refused, unittest.TestCase):
    first = (1, 2)


class RefusedUnderApache(Refused, unittest.TestCase):
    first = (1, 3)


class CrossCheck(unittest.TestCase):
    """Random questions by clients whose sessions are local until they own something, here and in an ensemble of Apaches."""

    def compare(self, reference, subject):
        program = os.path.join(harness.ROOT, "tests", "crosscheck", "crosscheck.py")
        for seed in SEEDS:
            done = subprocess.run([sys.executable, program, "--seed", str(seed), "--ops", str(OPERATIONS), "--reference",
                                   reference, "--subject", subject], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, errors="replace", check=False)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_at_a_follower(self):
        self.compare("local-apache-follower", "local-follower")

    def test_at_a_leader(self):
        self.compare("local-apache-leader", "local-leader")


if __name__ == "__main__":
    harness.main()
