#!/usr/bin/python3
"""TLS between servers, agents and Apache's in one ensemble: on both ports, from plain to TLS while clients write, for
nobody whose certificate is not right, and with certificates that are replaced."""
# sanitizers: no (peers_tls_test and peers_links_test run with them)
# limit: 900
import signal
import socket
import ssl
import struct
import unittest

from ensemble import AGENT, APACHE, OBSERVER, STEADY, Ensemble, harness, wire
from faults_test import Writers, differences, shown

from authority import PASSWORD, Authority

STRANGER = 200    # a server's id that is in no configuration, larger than all that are


class Secured(unittest.TestCase):
    """One authority; each member has a key store of its own, as PEM or PKCS#12."""

    def setUp(self):
        self.authority = Authority()
        self.addCleanup(self.authority.remove)

    def stores(self, name, pkcs12=False):
        settings = {"ssl.quorum.keyStore.location": self.authority.path(name + (".p12" if pkcs12 else ".pem")),
                    "ssl.quorum.trustStore.location": self.authority.path("ca.crt"),
                    "ssl.quorum.trustStore.type": "PEM", "zooid.tlsReloadInterval": "1s",
                    "sslQuorumReloadCertFiles": "true"}
        if pkcs12:
            self.authority.pkcs12(name)
            settings["ssl.quorum.keyStore.password"] = PASSWORD
        return settings

    def ensemble(self, programs, observers=(), **settings):
        """Every member has its stores; they are used as far as sslQuorum and portUnification say."""
        ensemble = Ensemble(programs, observers, **settings)
        self.addCleanup(ensemble.stop)
        for sid, member in ensemble.members.items():
            self.authority.make("server%d" % sid, "/O=zooid/CN=server%d" % sid)
            self.set(member, **self.stores("server%d" % sid, pkcs12=sid % 2 == 0))
        return ensemble

    @staticmethod
    def set(member, **settings):
        for key, value in settings.items():
            member.settings[key] = member.server.settings[key] = value

    def assert_whole(self, ensemble, writers, sids=None):
        sids = sids or sorted(ensemble.members)
        for sid in sids:
            ensemble.wait_serving(sid)    # whoever was elected by nobody in the end needs a while to see it
        trees = {sid: shown(ensemble, sid) for sid in sids}
        first = trees.pop(min(trees))
        self.assertEqual([path for path in writers.acknowledged if path not in first], [])
        for sid, tree in trees.items():
            self.assertEqual(differences(first, tree), "", "server %d" % sid)

    def serial(self, member, port):
        """Of the certificate that the member shows there."""
        context = ssl.create_default_context(cafile=self.authority.path("ca.crt"))
        context.load_cert_chain(self.authority.path("server1.crt"), self.authority.path("server1.key"))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                return secure.getpeercert()["serialNumber"]

    @staticmethod
    def refuses_plain(member):
        """Whether an initial message without TLS ends the connection; one that is taken would leave it open."""
        address = b"127.0.0.1:9"
        hello = struct.pack(">qqi", -65536, STRANGER, len(address)) + address
        with socket.create_connection(("127.0.0.1", member.election_port), timeout=15) as plain:
            plain.sendall(hello)
            try:
                while plain.recv(100):
                    pass
            except TimeoutError:
                return False
            except ConnectionError:
                pass
            return True


class Mixed(Secured):
    def test_every_role_speaks_tls_and_certificates_are_renewed(self):
        ensemble = self.ensemble([AGENT, APACHE, AGENT], [APACHE], sslQuorum="true")
        ensemble.start([1, 3])
        ensemble.start([2, 4])
        self.assertEqual(ensemble.leader(), 3)
        for sid, member in ensemble.members.items():
            self.assertTrue(self.refuses_plain(member), "server %d" % sid)
        self.serial(ensemble.members[3], ensemble.members[3].quorum_port)
        writers = Writers(ensemble)
        writers.wait_for(200)
        self.renew(ensemble, writers)
        writers.stop()
        self.assert_whole(ensemble, writers)    # and nobody is ahead: of the two that are left the larger one leads
        ensemble[3].kill()
        self.assertEqual(ensemble.leader(), 2)
        more = Writers(ensemble)
        more.wait_for(100)
        ensemble.start([3])
        more.wait_for(100)
        more.stop()
        for sid in ensemble.members:
            ensemble.wait_serving(sid)
        self.assert_whole(ensemble, writers)
        self.assert_whole(ensemble, more)

    def renew(self, ensemble, writers):
        """A new certificate for each; whoever connects from then on is shown it, and nobody is interrupted."""
        ports = {sid: member.election_port for sid, member in ensemble.members.items()}
        before = {sid: self.serial(ensemble.members[sid], port) for sid, port in ports.items()}
        for sid in ensemble.members:
            self.authority.make("server%d" % sid, "/O=zooid/CN=server%d" % sid)
            if sid % 2 == 0:
                self.authority.pkcs12("server%d" % sid)
        for sid, port in ports.items():
            harness.wait_until(lambda: self.serial(ensemble.members[sid], port) != before[sid], 60,
                               "the new certificate of server %d" % sid)
        writers.wait_for(100)
        self.assertEqual(ensemble.leader(), 3)

    def test_from_plain_to_tls_while_clients_write(self):
        ensemble = self.ensemble([AGENT, APACHE, AGENT])
        ensemble.start()
        writers = Writers(ensemble)
        for step in ({"portUnification": "true"}, {"sslQuorum": "true"}, {"portUnification": "false"}):
            for sid, member in ensemble.members.items():
                writers.wait_for(50)
                self.set(member, **step)
                ensemble[sid].terminate()
                ensemble.start([sid])
        writers.wait_for(50)
        for sid, member in ensemble.members.items():
            self.assertTrue(self.refuses_plain(member), "server %d" % sid)
        writers.stop()
        self.assert_whole(ensemble, writers)


class Reloaded(Secured):
    """Stores that nobody watches are read again by SIGHUP."""

    def ensemble(self, programs, observers=(), **settings):
        ensemble = super().ensemble(programs, observers, **settings)
        for member in ensemble.members.values():
            self.set(member, sslQuorumReloadCertFiles="false")
        return ensemble

    def hang_up(self, ensemble, sid, text):
        before = len(ensemble[sid].log_tail(100000))
        ensemble[sid].process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: text in ensemble[sid].log_tail(100000)[before:], 20, repr(text))

    def serials(self, ensemble):
        ports = {(sid, member.election_port) for sid, member in ensemble.members.items()}
        ports.add((ensemble.leader(), ensemble.members[ensemble.leader()].quorum_port))
        return {port: self.serial(ensemble.members[sid], port) for sid, port in ports}

    def test_stores_are_read_again_by_a_signal(self):
        """On both ports, while clients write; a store that is none leaves the one before in place, and says so."""
        ensemble = self.ensemble([AGENT] * 3, sslQuorum="true", **STEADY).start()
        writers, before = Writers(ensemble), self.serials(ensemble)
        writers.wait_for(50)
        for sid in ensemble.members:
            self.authority.make("server%d" % sid, "/O=zooid/CN=server%d" % sid)
            if sid % 2 == 0:
                self.authority.pkcs12("server%d" % sid)
        self.assertEqual(self.serials(ensemble), before)
        for sid in ensemble.members:
            self.hang_up(ensemble, sid, "nothing has changed")
        # The stores are read by a thread of their own, which tells of failures only.
        harness.wait_until(lambda: not set(self.serials(ensemble).items()) & set(before.items()), 30,
                           "other certificates on all ports")
        after = self.serials(ensemble)
        with open(self.authority.path("server1.pem"), "r+b") as store:
            store.truncate(100)
        self.hang_up(ensemble, 1, "server1.pem")
        self.assertEqual(self.serials(ensemble), after)
        self.check_new_connections(ensemble, writers)

    def check_new_connections(self, ensemble, writers):
        """With what was read: the leader is killed, and the two others find each other anew."""
        leader = ensemble.leader()
        ensemble[leader].kill()
        writers.wait_for(50)
        self.authority.make("server%d" % leader, "/O=zooid/CN=server%d" % leader)
        if leader % 2 == 0:
            self.authority.pkcs12("server%d" % leader)
        ensemble.start([leader])
        writers.wait_for(50)
        writers.stop()
        self.assert_whole(ensemble, writers)


class Refused(Secured):
    """A member whose certificate is not right stays outside, the log says why, and the others go on."""

    def assert_stays_outside(self, ensemble, sid, text, clients):
        """A member says why it is not let in, and nobody's client notices."""
        before = {other: len(ensemble[other].log_tail(100000)) for other in (1, 2)}

        def said():
            for client in clients:
                self.assertEqual(client.call("ping").err, 0)
            return any(text in ensemble[other].log_tail(100000)[mark:] for other, mark in before.items())
        ensemble[sid].launch()
        try:
            harness.wait_until(said, 60, repr(text))
            self.assertIsNone(ensemble.mode(sid))
        finally:
            ensemble[sid].kill()

    def test_who_is_refused_and_whom_it_disturbs(self):
        self.authority.make("other-ca", "/CN=somebody else", None)
        ensemble = self.ensemble([AGENT, AGENT, APACHE], [AGENT, APACHE], sslQuorum="true")
        ensemble.start([1, 2, 3])
        leader = ensemble.leader()
        clients = [ensemble.client(sid) for sid in (1, 2, 3)]    # none loses its connection
        cases = (
            (4, {"issuer": "other-ca"}, "unable to get local issuer certificate"),
            (4, {"days": -1}, "certificate has expired"),
            (4, {"hosts": "DNS:elsewhere.example"}, "its certificate is for another host"),
            (5, {"issuer": "other-ca"}, "peer did not return a certificate"),    # Java shows none that is no use
        )
        for number, (sid, wrong, text) in enumerate(cases):
            with self.subTest(number=number):
                self.authority.make("wrong%d" % number, "/O=zooid/CN=wrong", **wrong)
                self.set(ensemble.members[sid], **self.stores("wrong%d" % number))
                self.assert_stays_outside(ensemble, sid, text, clients)
                for client in clients:
                    client.create("/n-", b"", flags=wire.SEQUENTIAL)
                self.assertEqual(ensemble.leader(), leader)
        self.set(ensemble.members[4], **self.stores("server4"))
        ensemble.start([4])
        self.assertEqual(ensemble.mode(4), OBSERVER)
        for client in clients:
            client.end()


if __name__ == "__main__":
    harness.main()
