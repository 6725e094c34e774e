#!/usr/bin/python3
"""leaderServes=no: whoever leads sends clients to the other members, but not the processes of its own host, and not where nobody else
votes. Apache's server is asked the same."""
# limit: 600
import os
import ssl
import subprocess
import sys
import unittest

from ensemble import AGENT, APACHE, Ensemble, harness, wire

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "clients"))
from authority import Authority  # noqa: E402
from command import ZOOID  # noqa: E402

NOT_SERVING = "This ZooKeeper instance is not currently serving requests\n"


def unix_socket(server, name):
    return os.path.join(server.data_dir, "zooid", name)


def followers(ensemble):
    return [sid for sid in ensemble.members if ensemble[sid].alive() and ensemble.mode(sid) == "follower"]


def has_leader(ensemble, sid):
    """Whether it gets an answer of its leader: one that has just been lost is still followed for a moment."""
    try:
        client = ensemble.client(sid)
    except OSError:
        return False
    try:
        reply = client.call("sync", path="/") if client.session else None
        return reply is not None and reply.err == 0
    except OSError:
        return False
    finally:
        client.close()


def silent(ensemble, count):
    """The id of the one that serves nobody, once so many others follow: it leads."""
    alive = [sid for sid in ensemble.members if ensemble[sid].alive()]

    def follow():
        found = [sid for sid in followers(ensemble) if has_leader(ensemble, sid)]
        return found if len(found) == count else None
    following = harness.wait_until(follow, 60, "%d members to follow" % count)
    leader, = set(alive) - set(following)
    return leader


class Refused:
    """Three of one program."""

    program = None

    def setUp(self):
        self.ensemble = Ensemble([self.program] * 3, leaderServes="no")
        self.addCleanup(self.ensemble.stop)
        self.prepare()
        for sid in self.ensemble.members:
            self.ensemble[sid].launch()
        self.leader = silent(self.ensemble, 2)

    def prepare(self):
        pass

    def client(self, sid, **wishes):
        client = self.ensemble.client(sid, **wishes)
        self.addCleanup(client.close)
        return client

    def test_the_leader_says_that_it_does_not_serve(self):
        server = self.ensemble[self.leader]
        self.assertIsNone(self.client(self.leader).session, "closed without a word")
        for word in ("srvr", "stat", "mntr", "conf", "dump"):
            self.assertEqual(server.word(word), NOT_SERVING, word)
        self.assertEqual((server.word("ruok"), server.word("isro")), ("imok", "null"))
        self.assertIn("zookeeper.version=", server.word("envi"))

    def test_the_others_serve(self):
        sids = followers(self.ensemble)
        writer = self.client(sids[0])
        writer.create("/written", b"x")
        reader = self.client(sids[1])
        reader.must("sync", path="/")
        self.assertEqual(reader.must("getData", path="/written", watch=False)["data"], b"x")

    def test_whoever_comes_to_lead_sends_its_clients_away(self):
        sids = followers(self.ensemble)
        clients = {sid: self.client(sid) for sid in sids}
        paths = {sid: clients[sid].create("/of-%d" % sid, flags=wire.EPHEMERAL) and "/of-%d" % sid for sid in sids}
        self.ensemble[self.leader].kill()
        leader = silent(self.ensemble, 1)
        other, = set(sids) - {leader}
        self.assertTrue(clients[leader].closed_by_server())
        self.assertIsNone(self.client(leader, session=clients[leader].session).session)
        moved = self.ensemble.taken_up(other, clients[leader].session)
        self.addCleanup(moved.close)
        self.assertEqual(moved.session.id, clients[leader].session.id)
        self.assertEqual(moved.must("getEphemerals", path=None)["paths"], [paths[leader]])


class ByAnAgent(Refused, unittest.TestCase):
    program = AGENT

    def prepare(self):
        self.authority = Authority()
        self.addCleanup(self.authority.remove)
        self.authority.make("server", "/O=zooid/CN=server")
        for member in self.ensemble.members.values():
            member.server.settings.update({
                "secureClientPort": harness.free_port(), "secureClientPortAddress": "127.0.0.1", "ssl.clientAuth": "none",
                "ssl.keyStore.location": self.authority.path("server.pem"),
                "ssl.trustStore.location": self.authority.path("ca.crt"), "ssl.trustStore.type": "PEM"})

    def by_tls(self, sid):
        context = ssl.create_default_context(cafile=self.authority.path("ca.crt"))
        client = wire.Client(("127.0.0.1", self.ensemble[sid].settings["secureClientPort"]),
                             wrap=lambda plain: context.wrap_socket(plain, server_hostname="localhost"))
        self.addCleanup(client.close)
        return client

    def test_tls_is_no_way_in_either(self):
        self.assertIsNone(self.by_tls(self.leader).session)
        self.assertIsNotNone(self.by_tls(followers(self.ensemble)[0]).session)

    def test_processes_of_the_leaders_host_are_served(self):
        server = self.ensemble[self.leader]
        client = wire.Client(unix_socket(server, "zookeeper.sock"))
        self.addCleanup(client.close)
        client.create("/from-the-host", b"x")
        done = subprocess.run([ZOOID, "get", "/from-the-host"], stdout=subprocess.PIPE, timeout=60, check=True,
                              env=dict(os.environ, ZOOID_SOCKET=unix_socket(server, "zooid.sock")))
        self.assertEqual(done.stdout.strip(), b"x")
        connection = wire.Connection(unix_socket(server, "zookeeper.sock"))
        self.addCleanup(connection.close)
        connection.send_raw(b"srvr")
        with connection.socket.makefile("rb") as answer:
            self.assertIn(b"\nMode: leader\n", answer.read())

    def test_kazoo_goes_to_those_that_follow(self):
        harness.need_kazoo()
        from kazoo.client import KazooClient
        hosts = {self.ensemble[sid].port: sid for sid in self.ensemble.members}
        client = KazooClient(",".join(self.ensemble[sid].address for sid in [self.leader] + followers(self.ensemble)), timeout=20,
                             randomize_hosts=False)
        self.addCleanup(client.close)
        client.start(timeout=60)
        self.addCleanup(client.stop)

        def serving():
            """None while it is on its way to another member."""
            try:
                return hosts[client._connection._socket.getpeername()[1]]
            except OSError:
                return None
        self.assertIn(serving(), followers(self.ensemble))
        client.create("/e", b"x", ephemeral=True)
        session = client.client_id[0]
        self.ensemble[self.leader].kill()
        leader = silent(self.ensemble, 1)
        self.assertEqual(client.retry(client.get, "/e")[1].ephemeralOwner, session)
        self.assertIn(serving(), set(self.ensemble.members) - {leader, self.leader})


class ByAnApache(Refused, unittest.TestCase):
    program = APACHE


class NobodyElse(unittest.TestCase):
    """Who would serve them?"""

    def test_alone(self):
        server = AGENT({"leaderServes": "no"})
        self.addCleanup(server.stop)
        server.start()
        wire.client_of(server).end()

    def test_the_only_voter(self):
        ensemble = Ensemble([AGENT], [AGENT], leaderServes="no", standaloneEnabled="false")
        self.addCleanup(ensemble.stop)
        ensemble.start()
        self.assertEqual(ensemble.mode(1), "leader")
        ensemble.client(1).end()


if __name__ == "__main__":
    harness.main()
