#!/usr/bin/python3
"""TLS for clients: PEM and PKCS#12 stores, client certificates and the scheme x509, renewal without a restart."""
import logging
import os
import shutil
import signal
import socket
import ssl
import subprocess
import unittest

import harness
import wire
from authority import PASSWORD, Authority

harness.need_kazoo()

from kazoo.client import KazooClient  # noqa: E402
from kazoo.security import make_acl  # noqa: E402

logging.getLogger("kazoo").setLevel(logging.CRITICAL + 1)
CLIENT_NAME = "CN=client,OU=tests,O=zooid"    # the certificate's subject as RFC 2253 writes it

only_ours = unittest.skipIf(harness.testing_apache(), "not so in Apache ZooKeeper 3.8")


class TlsTestCase(unittest.TestCase):
    """One authority and one server; `tls` holds the settings, with {} standing for the authority's directory."""

    tls = {}

    @classmethod
    def setUpClass(cls):
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.remove)
        cls.authority.make("server", "/O=zooid/CN=localhost")
        cls.authority.make("client", "/O=zooid/OU=tests/CN=client")
        cls.authority.pkcs12("server")
        cls.secure_port = harness.free_port()
        cls.server = harness.server_class()(cls.settings())
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()

    @classmethod
    def settings(cls):
        settings = {
            "secureClientPort": cls.secure_port, "secureClientPortAddress": "127.0.0.1",
            "ssl.keyStore.location": "{}/server.pem",
            "ssl.trustStore.location": "{}/ca.crt", "ssl.trustStore.type": "PEM", "ssl.clientAuth": "want",
            "authProvider.x509": "org.apache.zookeeper.server.auth.X509AuthenticationProvider",
            "serverCnxnFactory": "org.apache.zookeeper.server.NettyServerCnxnFactory",
        }
        settings.update(cls.tls)
        return {key: str(value).replace("{}", cls.authority.directory) for key, value in settings.items()}

    def context(self, certificate=None, version=None):
        context = ssl.create_default_context(cafile=self.authority.path("ca.crt"))
        if certificate:
            context.load_cert_chain(self.authority.path(certificate + ".crt"),
                                    self.authority.path(certificate + ".key"))
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def client(self, certificate=None, version=None, port=None, **options):
        context = self.context(certificate, version)
        client = wire.Client(("127.0.0.1", port or self.secure_port),
                             wrap=lambda plain: context.wrap_socket(plain, server_hostname="127.0.0.1"), **options)
        self.addCleanup(client.close)
        return client

    def refused(self, certificate=None, version=None):
        """True when no session comes about; in TLS 1.3 the alert comes only with the first read."""
        try:
            return self.client(certificate, version).session is None
        except (ssl.SSLError, ConnectionError):
            return True


class Pem(TlsTestCase):
    def test_requests_over_tls(self):
        client = self.client()
        client.create("/t", bytes(900000))
        self.assertEqual(len(client.must("getData", path="/t", watch=0)["data"]), 900000)
        client.must("delete", path="/t", version=-1)
        self.assertEqual(client.end().err, 0)

    def test_plain_port_serves_the_same_tree(self):
        plain = wire.Client(("127.0.0.1", self.server.port))
        plain.create("/both")
        self.client().must("delete", path="/both", version=0)
        plain.end()

    def test_versions(self):
        for version in (ssl.TLSVersion.TLSv1_2,) + (() if harness.testing_apache() else (ssl.TLSVersion.TLSv1_3,)):
            self.assertEqual(self.client(version=version).call("ping").err, 0)

    def test_kazoo_with_a_certificate(self):
        client = KazooClient(hosts="127.0.0.1:%d" % self.secure_port, use_ssl=True, ca=self.authority.path("ca.crt"),
                             certfile=self.authority.path("client.crt"), keyfile=self.authority.path("client.key"))
        client.start(timeout=20)
        self.addCleanup(client.close)
        self.addCleanup(client.stop)
        client.create("/kazoo", b"over TLS", acl=[make_acl("x509", CLIENT_NAME, all=True)])
        self.assertEqual(self.client().call("getData", path="/kazoo", watch=0).err, -102)
        self.assertEqual(client.get("/kazoo")[0], b"over TLS")

    def test_certificate_is_an_identity(self):
        known, stranger = self.client("client"), self.client()
        self.assertIn(("x509", CLIENT_NAME), known.must("whoAmI")["ids"])
        self.assertNotIn("x509", [scheme for scheme, _user in stranger.must("whoAmI")["ids"]])
        known.create("/x509", b"mine", acl=[(wire.ALL, "x509", CLIENT_NAME)])
        self.assertEqual(stranger.call("getData", path="/x509", watch=0).err, -102)
        self.assertEqual(known.must("getData", path="/x509", watch=0)["data"], b"mine")
        self.assertEqual(known.call("setACL", path="/x509", acl=[(wire.ALL, "auth", "")], version=-1).err, 0)
        self.assertEqual(known.must("getACL", path="/x509")["acl"], [(wire.ALL, "x509", CLIENT_NAME)])

    def test_four_letter_words_inside_tls(self):
        with socket.create_connection(("127.0.0.1", self.secure_port), timeout=10) as plain:
            with self.context().wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                secure.sendall(b"ruok")
                self.assertEqual(secure.recv(100), b"imok")

    def test_plain_bytes_on_the_tls_port_get_nothing(self):
        connection = wire.Connection(("127.0.0.1", self.secure_port))
        self.addCleanup(connection.close)
        connection.send(wire.connect_payload())
        answer = b"".join(iter(lambda: connection.socket.recv(1000), b""))
        self.assertIn(answer[:1], (b"", b"\x15"))    # nothing, or an alert of TLS
        self.assertEqual(self.client().call("ping").err, 0)

    def test_handshakes_that_stall_hold_up_nobody(self):
        held = []
        for number in range(200):
            plain = socket.create_connection(("127.0.0.1", self.secure_port), timeout=10)
            self.addCleanup(plain.close)
            plain.sendall(b"\x16\x03\x01\x02\x00\x01\x00"[:number % 8])
            held.append(plain)
        self.assertEqual(self.client().call("ping").err, 0)


class Pkcs12(TlsTestCase):
    tls = {"ssl.keyStore.location": "{}/server.p12", "ssl.keyStore.password": PASSWORD}

    def test_requests_over_tls(self):
        self.assertEqual(self.client("client").call("ping").err, 0)


class CertificateNeeded(TlsTestCase):
    tls = {"ssl.clientAuth": "need"}

    def test_only_a_certificate_of_the_authority_opens_the_door(self):
        self.assertTrue(self.refused())
        self.authority.make("other-ca", "/CN=somebody else", None)
        self.authority.make("impostor", "/O=zooid/OU=tests/CN=client", "other-ca")
        self.assertTrue(self.refused("impostor"))
        self.assertEqual(self.client("client").call("ping").err, 0)


class SuperUser(TlsTestCase):
    tls = {"X509AuthenticationProvider.superUser": CLIENT_NAME}

    def test_the_named_subject_passes_every_acl(self):
        stranger, root = self.client(), self.client("client")
        stranger.create("/closed", b"x", acl=[(wire.ALL, "digest", "nobody:none")])
        self.assertEqual(stranger.call("getData", path="/closed", watch=0).err, -102)
        self.assertEqual(root.must("getData", path="/closed", watch=0)["data"], b"x")


class PortUnification(TlsTestCase):
    tls = {"client.portUnification": "true"}

    def test_one_port_takes_both(self):
        self.assertEqual(self.client(port=self.server.port).call("ping").err, 0)
        plain = wire.Client(("127.0.0.1", self.server.port))
        self.addCleanup(plain.close)
        self.assertEqual(plain.call("ping").err, 0)


@only_ours
class Renewal(TlsTestCase):
    tls = {"zooid.tlsReloadInterval": "1s"}

    def serial(self):
        with socket.create_connection(("127.0.0.1", self.secure_port), timeout=10) as plain:
            with self.context().wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                return secure.getpeercert()["serialNumber"]

    def test_changed_file_serves_new_connections_and_old_ones_go_on(self):
        before, old = self.serial(), self.client()
        self.authority.make("renewed", "/O=zooid/CN=localhost")
        self.authority.join("renewed", "server")
        harness.wait_until(lambda: self.serial() != before, 20, "the new certificate to be shown")
        self.assertEqual(old.call("ping").err, 0)

    def test_sighup_looks_at_once_and_a_broken_file_changes_nothing(self):
        before = self.serial()
        intact = self.authority.path("server.pem")
        shutil.copy(intact, intact + ".kept")
        with open(intact, "w", encoding="ascii") as broken:
            broken.write("-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n")
        self.server.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: "server.pem" in self.server.log_tail(200), 20, "the log to name the file")
        self.assertEqual(self.serial(), before)
        self.assertTrue(self.server.alive())
        os.replace(intact + ".kept", intact)
        self.authority.make("again", "/O=zooid/CN=localhost")
        self.authority.join("again", "server")
        self.server.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: self.serial() != before, 20, "the certificate after SIGHUP")


@only_ours
class RefusedAtStart(unittest.TestCase):
    """A store that cannot be used stops the start, and the log says which and what to do."""

    @classmethod
    def setUpClass(cls):
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.remove)
        cls.authority.make("server", "/CN=localhost")
        cls.authority.pkcs12("server")

    def start_with(self, **settings):
        """The log of a start that must fail."""
        server = harness.server_class()({"secureClientPort": harness.free_port(), "ssl.clientAuth": "none",
                                         **{key.replace("_", "."): value for key, value in settings.items()}})
        server.launch()
        server.process.wait(30)
        log, code = server.log_tail(), server.process.returncode
        server.exit_codes_expected.add(code)
        server.stop()
        self.assertGreater(code, 0, log)
        return log

    def test_java_keystore_is_refused_with_the_command_that_converts_it(self):
        keytool = harness.need_program("keytool", "default-jre-headless")
        store = self.authority.path("server.jks")
        subprocess.run([keytool, "-importkeystore", "-srckeystore", self.authority.path("server.p12"),
                        "-srcstorepass", PASSWORD, "-destkeystore", store, "-deststoretype", "JKS",
                        "-deststorepass", PASSWORD], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        log = self.start_with(ssl_keyStore_location=store, ssl_keyStore_password=PASSWORD)
        self.assertIn("keytool -importkeystore", log)
        self.assertIn(store, log)

    def test_wrong_password_missing_file_and_missing_key(self):
        store = self.authority.path("server.p12")
        self.assertIn(store, self.start_with(ssl_keyStore_location=store, ssl_keyStore_password="wrong"))
        missing = self.authority.path("missing.pem")
        self.assertIn(missing, self.start_with(ssl_keyStore_location=missing))
        self.assertIn("ssl.keyStore.location", self.start_with())
        certificate = self.authority.path("only-certificate.pem")
        shutil.copy(self.authority.path("server.crt"), certificate)
        self.assertIn(certificate, self.start_with(ssl_keyStore_location=certificate))


if __name__ == "__main__":
    harness.main()
