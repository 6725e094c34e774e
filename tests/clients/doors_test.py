#!/usr/bin/python3
"""The ways in: IPv4, IPv6, one address or all, and the Unix socket that speaks the same protocol."""
import os
import socket
import stat
import unittest

import harness
import wire

only_ours = unittest.skipIf(harness.testing_apache(), "not so in Apache ZooKeeper")


class DoorsTestCase(harness.ServerTestCase):
    def client(self, address, **options):
        client = wire.Client(address, **options)
        self.addCleanup(client.close)
        return client

    def refused(self, host):
        try:
            socket.create_connection((host, self.server.port), timeout=10).close()
        except ConnectionRefusedError:
            return True
        return False


class OneAddress(DoorsTestCase):
    def test_only_the_named_address_is_listened_on(self):
        self.assertEqual(self.client(("127.0.0.1", self.server.port)).call("ping").err, 0)
        self.assertTrue(self.refused("127.0.0.2"))
        self.assertTrue(self.refused("::1"))


class AllAddresses(DoorsTestCase):
    settings = {"clientPortAddress": None}

    def test_both_families_are_served(self):
        (scheme, shown), = self.client(("127.0.0.1", self.server.port)).must("whoAmI")["ids"]
        self.assertEqual((scheme, shown), ("ip", "127.0.0.1"))
        (scheme, shown), = self.client(("::1", self.server.port)).must("whoAmI")["ids"]
        self.assertEqual(scheme, "ip")
        self.assertEqual(socket.inet_pton(socket.AF_INET6, shown), socket.inet_pton(socket.AF_INET6, "::1"))

    def test_ip_acl_tells_addresses_apart(self):
        owner = self.client(("127.0.0.1", self.server.port))
        owner.create("/ip", b"x", acl=[(wire.ALL, "ip", "127.0.0.1")])
        self.assertEqual(owner.must("getData", path="/ip", watch=0)["data"], b"x")
        self.assertEqual(self.client(("::1", self.server.port)).call("getData", path="/ip", watch=0).err, -102)


@only_ours
class UnixSocket(DoorsTestCase):
    settings = {"maxClientCnxns": 2}

    @property
    def path(self):
        return os.path.join(self.server.data_dir, "zooid", "zookeeper.sock")

    def test_the_same_tree_and_the_same_sessions(self):
        local = self.client(self.path)
        local.create("/local", b"x", flags=wire.EPHEMERAL)
        remote = self.client(("127.0.0.1", self.server.port))
        body = remote.must("getData", path="/local", watch=1)
        self.assertEqual((body["data"], body["stat"].ephemeralOwner), (b"x", local.session.id))
        moved = self.client(("127.0.0.1", self.server.port), session=local.session)
        self.assertTrue(local.closed_by_server())
        moved.end()
        self.assertEqual(remote.next_event()[:3], (2, 3, "/local"))

    def test_four_letter_words(self):
        connection = wire.Connection(self.path)
        self.addCleanup(connection.close)
        connection.send_raw(b"ruok")
        self.assertEqual(connection.socket.recv(100), b"imok")

    def test_local_connections_do_not_count_against_an_address(self):
        clients = [self.client(self.path) for _ in range(10)]
        self.assertEqual([client.call("ping").err for client in clients], [0] * 10)

    def test_only_owner_and_group_may_use_it(self):
        mode = os.stat(self.path).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o660)

    def test_a_socket_left_behind_by_a_killed_server_is_replaced(self):
        session = self.client(self.path).session
        self.server.kill()
        self.assertTrue(os.path.exists(self.path))
        self.server.start()
        self.assertEqual(self.client(self.path, session=session).session.id, session.id)


@only_ours
class NoDoorForThisServer(unittest.TestCase):
    def test_a_port_that_is_taken_stops_the_start_and_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            server = harness.server_class()({"clientPort": port})
            server.launch()
            server.process.wait(30)
            server.exit_codes_expected.add(server.process.returncode)
            log = server.log_tail()
            server.stop()
        self.assertGreater(server.process.returncode, 0)
        self.assertRegex(log, r"error .*\b%d\b" % port)


if __name__ == "__main__":
    harness.main()
