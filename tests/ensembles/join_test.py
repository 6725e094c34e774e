#!/usr/bin/python3
"""zooid-agent --join: a fresh host becomes an observer of a running ensemble, of agents, of Apache's servers, or of
both, with no edit of any file elsewhere."""
# limit: 900
import os
import socket
import subprocess
import unittest

from changing import ChangingAgent, ChangingApache, ChangingEnsemble, Joiner, client_of, config_of, read_of, shows_config
from ensemble import AGENT, APACHE, PARTICIPANT, Ensemble, harness, wire

from authority import Authority


def run_join(directory, *arguments):
    """Runs an agent that is not expected to serve; its exit code and what it says."""
    done = subprocess.run([harness.AGENT, "-c", os.path.join(directory, "zoo.cfg"), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


class Case(unittest.TestCase):
    kind = Ensemble

    def ensemble(self, programs, **settings):
        ensemble = self.kind(programs, **settings)
        self.addCleanup(ensemble.stop)
        return ensemble.start()

    def joiner(self, *servers, settings=None):
        joiner = Joiner([server.address for server in servers], settings)
        self.addCleanup(joiner.stop)
        joiner.launch()
        return joiner.wait_mode("observer")

    def write_at(self, server, path, data):
        client = client_of(server)
        client.create(path, data)
        client.end()

    def assert_takes_part(self, ensemble, joiner, name):
        """Writes at either are seen at the other, and both show the same members: after a start in the order of each, which
        with Apache's is that of a hash table."""
        self.write_at(joiner, "/%s-there" % name, b"from the joiner")
        self.write_at(ensemble[1], "/%s-here" % name, b"from 1")
        for server in [ensemble[sid] for sid in ensemble.members if ensemble[sid].alive()] + [joiner]:
            self.assertEqual(read_of(server, "/%s-there" % name), b"from the joiner")
            self.assertEqual(read_of(server, "/%s-here" % name), b"from 1")
            self.assertEqual(sorted(config_of(server).split()), sorted(config_of(ensemble[1]).split()))


class Joining(Case):
    def assert_survives(self, ensemble, joiner, named):
        """Restarts, with and without --join, also when the member that was named is gone."""
        sid = joiner.sid()
        joiner.restart()
        joiner.wait_mode("observer")
        ensemble[named].kill()
        joiner.kill()
        joiner.launch()
        joiner.wait_mode("observer")
        joiner.seeds = None
        joiner.restart()
        joiner.wait_mode("observer")
        self.assertEqual(joiner.sid(), sid)
        ensemble.start([named])
        self.assert_takes_part(ensemble, joiner, "again")

    def test_agents_are_joined(self):
        ensemble = self.ensemble([AGENT] * 3)
        joiner = self.joiner(ensemble[3])
        self.assertGreater(joiner.sid(), 254)
        self.assertIn("observer", joiner.zoo_cfg())
        self.assertIn("\ntickTime=500\n", joiner.zoo_cfg())  # told by the word conf
        self.assert_takes_part(ensemble, joiner, "first")
        self.assert_survives(ensemble, joiner, 3)

    def test_apache_s_servers_are_joined(self):
        ensemble = self.ensemble([APACHE] * 3)
        joiner = self.joiner(ensemble[2])
        self.assert_takes_part(ensemble, joiner, "first")
        self.assert_survives(ensemble, joiner, 2)

    def test_a_mixed_ensemble_is_joined_twice(self):
        ensemble = self.ensemble([APACHE, AGENT, APACHE])
        first, second = self.joiner(ensemble[1]), self.joiner(ensemble[2])
        self.assertNotEqual(first.sid(), second.sid())
        self.assert_takes_part(ensemble, first, "first")
        self.assert_takes_part(ensemble, second, "second")
        clients = [client_of(first), client_of(second), client_of(ensemble[1])]
        self.assertEqual({client.session.id >> 56 for client in clients},
                         {first.sid() & 0xff, second.sid() & 0xff, 1})
        for client in clients:
            client.end()

    def test_a_joiner_may_be_asked_as_well_as_a_member(self):
        ensemble = self.ensemble([AGENT] * 3)
        first = self.joiner(ensemble[1])
        second = self.joiner(first)
        self.assert_takes_part(ensemble, second, "second")

    def test_a_voter_s_session_is_served_there(self):
        """A session moves to the joiner and back, with its ephemeral node."""
        ensemble = self.ensemble([AGENT] * 3)
        joiner = self.joiner(ensemble[1])
        client = client_of(ensemble[1])
        client.create("/mine", b"", flags=wire.EPHEMERAL)
        client.close()
        moved = wire.Client(("127.0.0.1", joiner.port), session=client.session)
        self.assertEqual(moved.session.id, client.session.id)
        self.assertIsNotNone(read_of(ensemble[2], "/mine"))
        moved.end()
        self.assertIsNone(read_of(ensemble[2], "/mine"))

    def test_the_next_one_is_asked_when_one_is_gone(self):
        ensemble = self.ensemble([AGENT] * 3)
        ensemble[1].kill()
        joiner = self.joiner(ensemble[1], ensemble[2])
        self.assertEqual(read_of(joiner, "/zookeeper/config"), config_of(ensemble[2]))


class Promotion(Case):
    """A joiner follows the members that change, and is made one that votes."""

    kind = ChangingEnsemble

    def wait_same(self, text, joiner):
        harness.wait_until(lambda: shows_config(joiner, text), 60, "the joiner to go by the new members")

    def promote(self, joiner, *arguments):
        code, said = run_join(joiner.directory, "--promote", *arguments)
        self.assertEqual(code, 0, said)
        return said

    def make_vote(self, ensemble, joiner):
        """As the manual says: three commands."""
        said = self.promote(joiner)
        line = said.split("reconfig -add ")[1].split()[0]
        self.assertEqual(line, "server.%d=127.0.0.1:%d:%d:participant;127.0.0.1:%d" % (
            joiner.sid(), joiner.quorum_port, joiner.election_port, joiner.port))
        joiner.restart()
        joiner.wait_mode("follower")
        self.assertNotIn("\npeerType", joiner.zoo_cfg())
        return line, ensemble.reconfig(1, joining=line)

    def promoted_and_back(self, programs):
        ensemble = self.ensemble(programs)
        joiner = self.joiner(ensemble[1])
        self.assertGreater(joiner.sid(), 254)
        self.assert_takes_part(ensemble, joiner, "observing")
        line, text = self.make_vote(ensemble, joiner)
        self.assertEqual(joiner.sid(), 4)
        self.wait_same(text, joiner)
        self.assert_takes_part(ensemble, joiner, "voting")
        self.assertNotIn("peerType", joiner.zoo_cfg())
        # It votes: with one of four gone and one of three more, it is needed.
        ensemble[1].kill()
        client = client_of(joiner)
        client.create("/needed", b"")
        client.end()
        ensemble.start([1])
        joiner.restart()
        joiner.wait_mode("follower")
        text = ensemble.reconfig(1, joining=line.replace("participant", "observer"))
        joiner.wait_mode("observer")
        self.wait_same(text, joiner)
        text = ensemble.reconfig(1, leaving="4")
        self.wait_same(text, joiner)
        joiner.restart()
        self.wait_same(text, joiner)
        self.assert_takes_part(ensemble, joiner, "removed")

    def test_among_agents(self):
        self.promoted_and_back([ChangingAgent] * 3)

    def test_among_apache_s(self):
        self.promoted_and_back([ChangingApache] * 3)

    def test_beside_a_single_voter(self):
        """The second one is needed for the change that makes it vote, which an observer could not acknowledge."""
        ensemble = self.ensemble([ChangingAgent], standaloneEnabled="false")
        joiner = self.joiner(ensemble[1])
        text = self.make_vote(ensemble, joiner)[1]
        self.assertIn(b"server.2=", text)
        self.wait_same(text, joiner)
        self.assert_takes_part(ensemble, joiner, "voting")
        joiner.kill()
        harness.wait_until(lambda: ensemble.mode(1) is None, 60, "the first one to miss the second")
        joiner.launch()
        ensemble.wait_serving(1)
        self.assert_takes_part(ensemble, joiner, "again")

    def test_as_an_observer_under_its_large_number(self):
        """In the configuration, among Apache's servers too."""
        ensemble = self.ensemble([ChangingApache, ChangingAgent, ChangingApache])
        joiner = self.joiner(ensemble[2])
        line = "server.%d=127.0.0.1:%d:%d:observer;127.0.0.1:%d" % (
            joiner.sid(), joiner.quorum_port, joiner.election_port, joiner.port)
        text = ensemble.reconfig(1, joining=line)
        self.assertIn(line.encode(), text)
        self.wait_same(text, joiner)
        joiner.restart()
        joiner.wait_mode("observer")
        self.assert_takes_part(ensemble, joiner, "named")
        said = self.promote(joiner)
        # Sessions have their server's lowest byte: it may not be that of a member that is there, as it is itself.
        large = int(line[len("server."):line.index("=")])
        small = 5 if large & 0xff == 4 else 4
        self.assertIn("reconfig -remove %d -add server.%d=" % (large, small), said)

    def test_the_members_change_under_a_joiner(self):
        """Until none is left of those it was told of."""
        ensemble = self.ensemble([ChangingAgent] * 3)
        joiner = self.joiner(ensemble[1])
        for old in (1, 2, 3):
            sid = ensemble.add_member(ChangingAgent, PARTICIPANT)
            ensemble.introduce(sid, [member for member in ensemble.members if ensemble[member].alive()])
            ensemble.start([sid])
            text = ensemble.reconfig(sid, joining=ensemble.members[sid].spec(), leaving=str(old))
            self.wait_same(text, joiner)
        for old in (1, 2, 3):
            ensemble[old].kill()
        joiner.restart()
        joiner.wait_mode("observer")
        self.wait_same(text, joiner)
        self.assertIn("\npeerType=observer\n", joiner.zoo_cfg())
        # Away while they change: it finds those who are left, and learns of the rest.
        joiner.kill()
        text = ensemble.reconfig(4, leaving="6")
        joiner.launch()
        joiner.wait_mode("observer")
        self.wait_same(text, joiner)

    def test_what_cannot_be_promoted_is_told(self):
        ensemble = self.ensemble([ChangingAgent] * 3)
        joiner = self.joiner(ensemble[1])
        for arguments, text in ((["--promote=3"], "server 3 is a member already"),
                                (["--promote=255"], "that cannot be the number of a server"),
                                (["--promote=256"], "no number up to 254 is free")):
            code, said = run_join(joiner.directory, *arguments)
            self.assertNotEqual(code, 0)
            self.assertIn(text, said)
        code, said = run_join(ensemble[1].directory, "--promote")
        self.assertEqual(code, 78)
        self.assertIn("server 1 votes already", said)
        self.assertIn("It is server 9 from its next start on", run_join(joiner.directory, "--promote=9")[1])


class ByTls(Case):
    """A member is asked at its port for TLS, with the certificate that it wants and the trust that it needs."""

    def setUp(self):
        self.authority = Authority()
        self.addCleanup(self.authority.remove)
        for name in ("server", "host"):
            self.authority.make(name, "/O=zooid/CN=" + name)

    def stores(self, name):
        return {"ssl.keyStore.location": self.authority.path(name + ".pem"),
                "ssl.trustStore.location": self.authority.path("ca.crt"), "ssl.trustStore.type": "PEM"}

    def secured(self, programs):
        """The ports for TLS of an ensemble's members."""
        ensemble = Ensemble(programs)
        self.addCleanup(ensemble.stop)
        ports = {sid: harness.free_port() for sid in ensemble.members}
        for sid, port in ports.items():
            ensemble[sid].settings.update(self.stores("server"), secureClientPort=port)
        ensemble.start()
        return ensemble, ports

    def test_members_are_asked_by_tls(self):
        ensemble, ports = self.secured([AGENT] * 3)
        for sid, settings in ((1, self.stores("host")), (2, self.stores("host"))):
            joiner = Joiner(["tls://127.0.0.1:%d" % ports[sid]], settings)
            self.addCleanup(joiner.stop)
            joiner.launch()
            self.assert_takes_part(ensemble, joiner.wait_mode("observer"), "by-way-of-%d" % sid)

    def test_members_are_asked_by_tls_for_a_promotion(self):
        _, ports = self.secured([AGENT] * 3)
        member = "tls://127.0.0.1:%d" % ports[2]
        joiner = Joiner([member], dict(self.stores("host"), secureClientPort=harness.free_port()))
        self.addCleanup(joiner.stop)
        joiner.launch()
        joiner.wait_mode("observer")
        for arguments, asks in (([], "itself in clear text"), (["-DclientPort=%d" % harness.free_port()], "itself by TLS")):
            code, said = run_join(joiner.directory, "--promote=7", *arguments)
            self.assertEqual((code, "server.7=127.0.0.1:" in said), (0, True), "%s: %s" % (asks, said))
        joiner.kill()
        code, said = run_join(joiner.directory, "--promote=8")
        self.assertEqual((code, "connection refused" in said), (69, True), said)
        code, said = run_join(joiner.directory, "--promote=8", "--join", member)
        self.assertEqual((code, "server.8=127.0.0.1:" in said), (0, True), said)

    def test_who_is_not_believed(self):
        _, ports = self.secured([AGENT])
        self.authority.make("other-ca", "/CN=somebody else", None)
        self.authority.make("stranger", "/O=zooid/CN=stranger", issuer="other-ca")
        stores = self.stores("host")
        cases = (
            ({}, "that needs ssl.trustStore.location", 78),
            (dict(stores, **{"ssl.keyStore.location": "/none.pem"}), "/none.pem", 78),
            (dict(stores, **{"ssl.trustStore.location": self.authority.path("other-ca.crt")}),
             "unable to get local issuer certificate", 69),
            ({key: value for key, value in stores.items() if "keyStore" not in key}, "certificate required", 69),
            (stores, "its certificate is for another host", 69),
        )
        for number, (settings, text, code) in enumerate(cases):
            host = "127.0.0.1" if number < len(cases) - 1 else "127.0.0.2"

            directory = harness.tempfile.mkdtemp(prefix="zooid-join-")
            self.addCleanup(harness.shutil.rmtree, directory)
            got, said = run_join(directory, "-DdataDir=" + os.path.join(directory, "data"),
                                 *("-D%s=%s" % pair for pair in settings.items()), "--join", "tls://%s:%d" % (host, ports[1]))
            self.assertEqual((got, text in said), (code, True), said)


class Refusals(unittest.TestCase):
    """What is wrong is said, and nothing is left behind that a second attempt would trip over."""

    def setUp(self):
        self.directory = harness.tempfile.mkdtemp(prefix="zooid-join-")
        self.addCleanup(harness.shutil.rmtree, self.directory)
        self.data = "-DdataDir=" + os.path.join(self.directory, "data")

    def assert_refused(self, code, text, *arguments):
        got, said = run_join(self.directory, self.data, *arguments)
        self.assertEqual((got, text in said), (code, True), said)
        self.assertFalse(os.path.exists(os.path.join(self.directory, "zoo.cfg")))
        self.assertFalse(os.path.exists(os.path.join(self.directory, "data", "myid")))

    def test_nobody_is_there(self):
        port = harness.free_port()
        self.assert_refused(69, "127.0.0.1:%d: connection refused" % port, "--join", "127.0.0.1:%d" % port)

    def test_it_is_no_zookeeper(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            harness.threading.Thread(target=lambda: other.accept()[0].sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")).start()
            self.assert_refused(69, "its answer is not that of a ZooKeeper server", "--join",
                                "127.0.0.1:%d" % other.getsockname()[1])

    def test_it_runs_alone(self):
        server = AGENT().start()
        self.addCleanup(server.stop)
        self.assert_refused(69, "it runs alone: there is no ensemble to join", "--join", server.address)

    def test_it_is_not_an_address(self):
        self.assert_refused(78, "--join wants host:port", "--join", "nowhere")
        self.assert_refused(64, "that cannot be the number of a server", "--join", "127.0.0.1:1", "--id", "255")

    def test_there_is_a_tree_already(self):
        alone = AGENT().start()
        self.addCleanup(alone.stop)
        client = client_of(alone)
        client.create("/mine", b"precious")
        client.end()
        alone.terminate()
        code, said = run_join(alone.directory, "--join", "127.0.0.1:1")
        self.assertEqual(code, 78)
        self.assertIn("holds a tree already", said)
        alone.start()
        self.assertEqual(read_of(alone, "/mine"), b"precious")


if __name__ == "__main__":
    harness.main()
