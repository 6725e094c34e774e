#!/usr/bin/python3
"""Read-only mode: what a member without a quorum does for whom, in ensembles of agents and in mixed ones; Apache's server in
the same place is asked the same."""
# limit: 600
import unittest
import urllib.error
import urllib.request

from ensemble import AGENT, APACHE, READ_ONLY, TICK_MS, Ensemble, harness, metric, wire

import jvm

PROPERTIES = {"readonlymode.enabled": "true"}
# Apache's server takes clients in read-only mode only with local sessions; ours in any case.
APACHES = {"localSessionsEnabled": "true", "localSessionsUpgradingEnabled": "true"}
SHORT_MS = 2 * TICK_MS
REFUSED = [
    ("create", {"path": "/b", "data": b"", "acl": wire.OPEN_ACL, "flags": 0}),
    ("create2", {"path": "/none/b", "data": b"", "acl": wire.OPEN_ACL, "flags": 0}),
    ("delete", {"path": "/none", "version": -1}), ("setData", {"path": "/kept", "data": b"", "version": 77}),
    ("setACL", {"path": "/kept", "acl": wire.OPEN_ACL, "version": -1}), ("sync", {"path": "/"}),
    ("multi", {"ops": [("delete", {"path": "/none", "version": -1})]}),
]


def make(programs, **settings):
    """Members 1 and 2 hold the quorum of three; 1 is the one that is left alone."""
    ensemble = Ensemble(programs, **settings)
    for member in ensemble.members.values():
        member.server.properties.update(PROPERTIES)
    ensemble.start([1, 2])
    client = ensemble.client(1)
    client.create("/kept", b"data")
    client.end()
    return ensemble


def leave_alone(ensemble):
    ensemble[2].kill()
    harness.wait_until(lambda: ensemble.mode(1) == READ_ONLY, 60, "server 1 to be read-only")


def bring_back(ensemble):
    ensemble[2].launch()
    ensemble.wait_serving(2)
    ensemble.wait_serving(1)


class ReadOnly:
    """Whatever program is left alone."""

    programs = None
    settings = APACHES

    @classmethod
    def setUpClass(cls):
        cls.ensemble = make(cls.programs, **cls.settings)
        cls.addClassCleanup(cls.ensemble.stop)

    def setUp(self):
        if self.ensemble.mode(1) != READ_ONLY:
            leave_alone(self.ensemble)

    def reader(self, **wishes):
        client = self.ensemble.client(1, read_only=True, **wishes)
        self.addCleanup(client.close)
        return client

    def test_words(self):
        server = self.ensemble[1]
        self.assertEqual(server.word("isro"), "ro")
        for word in ("srvr", "stat"):
            self.assertRegex(server.word(word), r"\AZookeeper version: [^\n]*\n"
                             r"READ-ONLY mode; serving only read-only clients\n")
            self.assertIn("Mode: read-only\n", server.word(word))
        self.assertEqual(metric(server, "zk_server_state"), "read-only")
        self.assertNotIn("membership", server.word("conf"))
        self.assertRegex(server.word("dump"), r"\ASessionTracker dump:\nLocal Session Sets ")

    def test_who_is_taken(self):
        for wish in (False, None):
            client = self.ensemble.client(1, read_only=wish)
            self.assertIsNone(client.session, "closed without a word")
            client.close()
        ahead = self.reader(last_zxid=1 << 62)
        self.assertIsNone(ahead.session)
        client = self.reader()
        self.assertEqual((client.session.read_only, client.session.id >> 56), (1, 1))
        self.assertEqual(metric(self.ensemble[1], "zk_local_sessions"), "1")
        client.end()

    def test_what_is_done(self):
        client = self.reader()
        read = client.must("getData", path="/kept", watch=True)
        self.assertEqual(read["data"], b"data")
        for op, fields in REFUSED:
            reply = client.call(op, **fields)
            self.assertEqual((reply.err, reply.zxid), (-119, read["zxid"]), op)
        self.assertEqual(client.must("getChildren", path="/", watch=False)["children"].count("kept"), 1)
        self.assertEqual(client.must("multiRead", ops=[("getData", {"path": "/kept", "watch": False})])["results"][0][2]
                         ["data"], b"data")
        self.assertEqual(client.call("ping").err, 0)
        reply = client.call("closeSession")
        self.assertEqual((reply.err, reply.zxid), (0, read["zxid"]))
        self.assertTrue(client.closed_by_server())
        self.assertTrue(self.reader(session=client.session).is_refused)

    def test_its_session(self):
        client = self.reader()
        again = self.reader(session=client.session)
        self.assertEqual((again.session.id, again.session.read_only), (client.session.id, 1))
        again.end()
        silent = self.reader(timeout=SHORT_MS)
        self.assertTrue(silent.closed_by_server())
        self.assertTrue(self.reader(session=silent.session).is_refused)

    def test_the_quorum_comes_back(self):
        bring_back(self.ensemble)
        lasting = self.ensemble.client(1)
        lasting.create("/lasting", flags=wire.EPHEMERAL)
        leave_alone(self.ensemble)
        self.assertTrue(lasting.closed_by_server())
        self.assertIsNone(self.reader(session=lasting.session).session, "one of the ensemble's is nothing to go by here")
        client = self.reader()
        client.must("exists", path="/kept", watch=True)
        bring_back(self.ensemble)
        self.assertTrue(client.closed_by_server())
        self.assertEqual(self.ensemble[1].word("isro"), "rw")
        self.assertTrue(self.reader(session=client.session).is_refused)
        again = self.reader(session=lasting.session)
        self.assertEqual((again.session.id, again.session.read_only), (lasting.session.id, 0))
        self.assertEqual(again.must("getEphemerals", path=None)["paths"], ["/lasting"])
        again.end()


class AnAgentOfAgents(ReadOnly, unittest.TestCase):
    programs = [AGENT] * 3
    settings = {"admin.enableServer": "true"}

    def test_admin(self):
        base = "http://127.0.0.1:%d" % self.ensemble[1].admin_port
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(base + "/ready", timeout=20)
        with refused.exception as error:
            self.assertEqual((error.code, error.read()), (503, b"read-only: no leader is found\n"))
        with urllib.request.urlopen(base + "/commands/server_stats", timeout=20) as answer:
            self.assertRegex(answer.read().decode(), r'"read_only" *: *true')
        with urllib.request.urlopen(base + "/metrics", timeout=20) as answer:
            self.assertRegex(answer.read().decode(), r"(?m)^zooid_read_only 1$")


class AnAgentOfApaches(ReadOnly, unittest.TestCase):
    programs = [AGENT, APACHE, APACHE]


class AnApacheOfAgents(ReadOnly, unittest.TestCase):
    programs = [APACHE, AGENT, AGENT]


class Clients(unittest.TestCase):
    """Those that can be read-only find a member that serves them, and leave it for one that serves all."""

    def setUp(self):
        self.ensemble = make([AGENT] * 3)
        self.addCleanup(self.ensemble.stop)
        leave_alone(self.ensemble)
        self.hosts = ",".join(self.ensemble[sid].address for sid in (1, 2))

    def test_kazoo(self):
        harness.need_kazoo()
        from kazoo.client import KazooClient
        from kazoo.exceptions import NotReadOnlyCallError
        client = KazooClient(self.hosts, timeout=10, read_only=True)
        self.addCleanup(client.close)
        client.start(timeout=60)
        self.addCleanup(client.stop)
        self.assertEqual(client.client_state, "CONNECTED_RO")
        self.assertEqual(client.get("/kept")[0], b"data")
        with self.assertRaises(NotReadOnlyCallError):
            client.set("/kept", b"other")
        bring_back(self.ensemble)
        harness.wait_until(lambda: client.client_state == "CONNECTED", 60, "kazoo to find the leader's members")
        client.retry(client.set, "/kept", b"other")

    def test_java(self):
        program = jvm.compiled(self, jvm.ZOOKEEPER, "tests", "clients", "java", "ReadOnlyClient.java")

        class Quorum:
            """What the client asks for by its line `restart`."""
            @staticmethod
            def restart():
                bring_back(self.ensemble)

        lines = harness.run_foreign_client(Quorum, [*program, self.hosts])
        self.assertEqual(lines[-1], "reads without a leader, writes with one\n")


if __name__ == "__main__":
    harness.main()
