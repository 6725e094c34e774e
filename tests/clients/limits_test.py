#!/usr/bin/python3
"""Limits and bad manners: whatever one client does, it meets its limit, and the others are served."""
import os
import random
import socket
import struct
import threading
import time
import unittest

import harness
import wire

only_ours = unittest.skipIf(harness.testing_apache(), "a limit that Apache ZooKeeper does not have")


class LimitsTestCase(harness.ServerTestCase):
    settings = {}
    properties = {}

    @property
    def address(self):
        return ("127.0.0.1", self.server.port)

    def client(self, **options):
        client = wire.Client(self.address, **options)
        self.addCleanup(client.close)
        return client

    def connection(self, **options):
        connection = wire.Connection(self.address, **options)
        self.addCleanup(connection.close)
        return connection

    def is_served(self, deadline_s=10.0):
        """A fresh client opens a session, writes, reads and closes, all within the deadline."""
        started = time.monotonic()
        client = self.client(deadline_s=deadline_s)
        if client.session is None:
            return False
        path = client.create("/served-", flags=wire.EPHEMERAL_SEQUENTIAL)
        client.must("exists", path=path, watch=0)
        client.end()
        return time.monotonic() - started < deadline_s


class Connections(LimitsTestCase):
    settings = {"maxClientCnxns": 5, "maxCnxns": 0}

    def turned_away(self):
        """True when one more connection is closed without a word."""
        try:
            connection = self.connection()
        except ConnectionError:
            return True
        connection.send(wire.connect_payload())
        answer = connection.receive()
        connection.close()
        return answer is None

    def five_clients(self):
        """Connections of earlier tests may not have been let go of yet."""
        clients = []

        def all_there():
            try:
                client = self.client()
            except ConnectionError:
                return False
            if client.session is not None:
                clients.append(client)
            return len(clients) == 5

        harness.wait_until(all_there, what="five connections")
        return clients

    def test_from_one_address(self):
        clients = self.five_clients()
        self.assertTrue(self.turned_away())
        for client in clients:
            self.assertEqual(client.call("ping").err, 0)
        clients.pop().end()
        harness.wait_until(lambda: not self.turned_away(), what="room for another connection")
        for client in clients:
            client.close()

    def test_another_address_has_its_own_count(self):
        held = self.five_clients()
        other = socket.create_connection(self.address, timeout=10, source_address=("127.0.0.2", 0))
        self.addCleanup(other.close)
        other.sendall(wire.frame(wire.connect_payload()))
        self.assertEqual(len(other.recv(100)), 41)
        for client in held:
            client.close()


class AllConnections(Connections):
    settings = {"maxClientCnxns": 0, "maxCnxns": 5}
    test_another_address_has_its_own_count = None


class Frames(LimitsTestCase):
    def test_largest_frame_is_taken_and_one_byte_more_is_not(self):
        client = self.client()
        overhead = len(wire.request_payload(1, "create", path="/large", data=b"", acl=wire.OPEN_ACL, flags=0))
        client.create("/large", bytes(1048575 - overhead))
        client.send_raw(struct.pack(">i", 1048576))
        self.assertTrue(client.closed_by_server())
        self.assertTrue(self.is_served())

    def test_impossible_lengths_close_the_connection(self):
        for length in (-1, -2**31, 0, 3, 7, 2**31 - 1):
            with self.subTest(length=length):
                client = self.client()
                client.send_raw(struct.pack(">i", length) + bytes(8))
                self.assertTrue(client.closed_by_server())

    def test_short_connect_request_closes_and_a_long_one_is_fine(self):
        payload = wire.connect_payload()
        for cut in (0, 1, 8, 24, 27, 43):
            with self.subTest(cut=cut):
                connection = self.connection()
                connection.send(payload[:cut])
                self.assertTrue(connection.closed_by_server())
        connection = self.connection()
        connection.send(payload + b"something behind it")
        self.assertEqual(len(connection.receive()), 37)

    def test_any_split_of_the_stream_is_the_same_stream(self):
        connection = self.connection()
        stream = wire.frame(wire.connect_payload()) + wire.frame(wire.request_payload(1, "exists", path="/", watch=0)) \
            + wire.frame(wire.request_payload(wire.XID_PING, "ping"))
        for byte in stream:
            connection.send_raw(bytes([byte]))
        self.assertEqual([len(connection.receive()) for _ in range(3)], [37, 16 + 68, 16])
        connection = self.connection()
        for byte in b"ruok":
            connection.send_raw(bytes([byte]))
        self.assertEqual(connection.socket.recv(100), b"imok")

    def test_a_four_letter_word_is_one_only_at_the_start(self):
        client = self.client()
        client.send_raw(b"ruok")
        self.assertTrue(client.closed_by_server())

    def test_request_behind_the_connect_request_waits_for_the_session(self):
        connection = self.connection()
        connection.send_raw(wire.frame(wire.connect_payload())
                            + b"".join(wire.frame(wire.request_payload(xid, "getChildren", path="/", watch=0))
                                       for xid in range(1, 101)))
        self.assertEqual(len(connection.receive()), 37)
        xids = [struct.unpack_from(">i", connection.receive())[0] for _ in range(100)]
        self.assertEqual(xids, list(range(1, 101)))

    def test_garbage_ends_only_its_own_connection(self):
        witness = self.client()
        noise = random.Random(5)
        for _ in range(200):
            connection = self.connection()
            start = noise.choice([b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
                                  wire.frame(wire.connect_payload()), b"quit"])
            connection.send_raw(start + noise.randbytes(noise.randrange(2000)))
            connection.close()
        self.assertEqual(witness.call("ping").err, 0)
        self.assertTrue(self.is_served())

    def test_unknown_operation_is_answered_and_closed(self):
        for opcode in (0, 10, 99, -1, 2**31 - 1):
            client = self.client()
            client.send(struct.pack(">ii", 7, opcode))
            self.assertEqual(client.receive(), struct.pack(">iqi", 7, -1, -6))
            self.assertTrue(client.closed_by_server())


class SmallFrames(LimitsTestCase):
    properties = {"jute.maxbuffer": 4096}

    def test_property_sets_the_limit(self):
        client = self.client()
        overhead = len(wire.request_payload(1, "create", path="/f", data=b"", acl=wire.OPEN_ACL, flags=0))
        client.create("/f", bytes(4096 - overhead))
        client.submit("setData", path="/f", data=bytes(4200), version=-1)
        self.assertTrue(client.closed_by_server())


class LargeRequests(LimitsTestCase):
    settings = {"largeRequestThreshold": 1000, "largeRequestMaxBytes": 5000}

    def test_whoever_sends_more_than_there_is_room_for_is_closed(self):
        client, other = self.client(), self.client()
        client.create("/large", bytes(4000))
        for _ in range(5):
            client.must("setData", path="/large", data=bytes(4000), version=-1)
        before = self.rejected()
        client.submit("setData", path="/large", data=bytes(5000), version=-1)
        self.assertTrue(client.closed_by_server())
        self.assertEqual(self.rejected(), before + 1)
        self.assertEqual(len(other.must("getData", path="/large", watch=0)["data"]), 4000)

    def rejected(self):
        return int(dict(line.split("\t") for line in self.server.word("mntr").splitlines())["zk_large_requests_rejected"])


@only_ours
class WhyTheyAreClosed(unittest.TestCase):
    """What the protocol has no answer for is told to the operator: who it was, and what was wrong. Lines of one kind come once in
    a while, so each has a server of its own."""

    def line_behind(self, payload, clients=0, **settings):
        server = harness.Agent(settings).start()
        self.addCleanup(server.stop)
        for _ in range(clients):
            self.addCleanup(wire.Client(("127.0.0.1", server.port)).close)
        connection = wire.Connection(("127.0.0.1", server.port))
        self.addCleanup(connection.close)
        connection.send_raw(payload)
        while connection.receive() is not None:
            continue
        port = connection.socket.getsockname()[1]
        return next((line.split(" warn ", 1)[1].rstrip() for line in server.log_tail().splitlines() if "127.0.0.1" in line
                     and " warn " in line), "no line").replace(":%d" % port, ":PORT")

    def test_a_message_that_is_too_long(self):
        line = self.line_behind(struct.pack(">i", 5000), **{"jute.maxbuffer": 4096})
        self.assertEqual(line, " front: /127.0.0.1:PORT begins a message of 5000 bytes, and jute.maxbuffer is 4096: closed "
                               "(0 more such since the last line)")

    def test_no_message_at_all(self):
        self.assertIn("begins a message of 1195725856 bytes", self.line_behind(b"GET / HTTP/1.1\r\n\r\n"))

    def test_a_connect_request_that_is_none(self):
        self.assertIn("client at 127.0.0.1 turned away: a message of 3 bytes is no connect request",
                      self.line_behind(wire.frame(b"abc")))

    def test_a_request_without_header(self):
        line = self.line_behind(wire.frame(wire.connect_payload()) + wire.frame(b"abcdef"))
        self.assertIn("a message of 6 bytes is too short for a request", line)

    def test_a_client_that_is_ahead(self):
        line = self.line_behind(wire.frame(wire.connect_payload(last_zxid=0x777)))
        self.assertIn("it has seen zxid 0x777, and this server only 0x0", line)

    def test_more_large_requests_than_there_is_room_for(self):
        line = self.line_behind(wire.frame(wire.connect_payload())
                                + wire.frame(wire.request_payload(1, "getData", path="/" + "x" * 2000, watch=0)),
                                largeRequestThreshold=1000, largeRequestMaxBytes=1500)
        self.assertRegex(line, r"0 bytes of large requests are under way, and it sends 20\d\d more")

    def test_one_session_too_many(self):
        line = self.line_behind(wire.frame(wire.connect_payload()), clients=1, **{"zooid.maxSessions": 1})
        self.assertIn("1 sessions are as many as may be", line)


class ConnectThrottle(LimitsTestCase):
    """A bucket that fills so slowly that it does not in this test."""

    properties = {"zookeeper.connection_throttle_tokens": 8, "zookeeper.connection_throttle_fill_time": 3600000}

    def test_no_more_sessions_than_tokens(self):
        clients = [self.client() for _ in range(12)]
        served = [client for client in clients if client.session is not None]
        self.assertEqual(served, clients[:8])
        for client in served:
            self.assertEqual(client.call("ping").err, 0)
        self.assertIsNone(self.client(session=served[0].session).session)    # one that is taken up again costs one, too


class Silence(LimitsTestCase):
    properties = {"zookeeper.nio.sessionlessCnxnTimeout": 1000}

    def test_connections_that_never_ask_for_a_session_are_closed(self):
        silent, half = self.connection(), self.connection()
        half.send_raw(b"\x00\x00")
        self.assertTrue(silent.closed_by_server(20))
        self.assertTrue(half.closed_by_server(20))
        self.assertTrue(self.is_served())


class HalfOpen(LimitsTestCase):
    """Hundreds of connections that do nothing must not keep a client out."""

    settings = {"maxClientCnxns": 100, "maxCnxns": 0}

    @only_ours
    def test_half_open_connections_give_way(self):
        held = [self.connection() for _ in range(300)]
        for connection in held[::3]:
            connection.send_raw(b"\x00\x00\x00")
        for connection in held[1::3]:
            connection.send_raw(wire.frame(wire.connect_payload())[:20])
        harness.wait_until(lambda: self.is_served(5), 10, "a fresh client to be served")


class ManyHalfOpen(LimitsTestCase):
    settings = {"clientPortListenBacklog": 1024}

    def test_a_thousand_half_open_connections_slow_nobody(self):
        witness = self.client()
        held = [self.connection() for _ in range(1000)]
        for connection in held[::2]:
            connection.send_raw(wire.frame(wire.connect_payload())[:11])
        self.assertTrue(self.is_served(5))
        self.assertEqual(witness.call("ping").err, 0)


class SlowReaders(LimitsTestCase):
    REPLIES = 400
    SIZE = 500 * 1000

    def test_replies_wait_for_their_reader_and_memory_stays_bounded(self):
        """200 MB of replies asked for in one go, read late; others are served and the server does not hold them all."""
        writer = self.client()
        writer.create("/big", bytes(self.SIZE))
        slow = self.client(deadline_s=60)
        before_kb = self.server.resident_kb()
        ask = wire.frame(wire.request_payload(1, "getData", path="/big", watch=0))
        sender = threading.Thread(target=slow.send_raw, args=(ask * self.REPLIES,), daemon=True)
        sender.start()
        for _ in range(20):
            self.assertTrue(self.is_served(5))
        if not harness.testing_apache():
            self.assertLess(self.server.resident_kb() - before_kb, 40 * 1024)
        for _ in range(self.REPLIES):
            payload = slow.receive()
            self.assertEqual(len(payload), 16 + 4 + self.SIZE + 68)
        sender.join(10)
        writer.must("delete", path="/big", version=-1)


class SlowWatcher(LimitsTestCase):
    settings = {"zooid.maxEventBacklog": 1048576, "zooid.maxOutputPerClient": 262144}

    @only_ours
    def test_a_watcher_that_does_not_read_is_closed_at_its_limit(self):
        writer = self.client()
        writer.create("/w")
        deep = writer.create("/w/" + "x" * 4000)
        slow = self.client(deadline_s=60)
        slow.must("addWatch", path="/w", mode=1)
        written = 0
        while "zk_num_alive_connections\t3\n" in self.server.word("mntr"):
            self.assertLess(written, 10000, "40 MB of events are kept for a client that does not read them")
            for _ in range(100):
                writer.must("setData", path=deep, data=b"", version=-1)
            written += 100
        received = 0
        while slow.receive() is not None:
            received += 1
        self.assertLess(received, written)
        self.assertTrue(self.is_served())


class Outstanding(LimitsTestCase):
    settings = {"globalOutstandingLimit": 10, "zooid.maxOutstandingPerClient": 5}

    def test_above_the_limit_requests_wait_and_are_all_answered_in_order(self):
        clients = [self.client(deadline_s=60) for _ in range(4)]
        count = 2000
        for number, client in enumerate(clients):
            client.create("/o%d" % number)
        senders = []
        for number, client in enumerate(clients):
            fields = {"path": "/o%d" % number, "data": b"x", "version": -1}
            data = b"".join(wire.frame(wire.request_payload(xid, "setData", **fields)) for xid in range(1, count + 1))
            senders.append(threading.Thread(target=client.send_raw, args=(data,), daemon=True))
            senders[-1].start()
        for client in clients:
            for xid in range(1, count + 1):
                reply = client.next_reply("setData")
                self.assertEqual((reply.xid, reply.err, reply.body["stat"].version), (xid, 0, xid))


class Sessions(LimitsTestCase):
    settings = {"tickTime": 250, "minSessionTimeout": 1000, "maxSessionTimeout": 3000}

    def test_timeouts_are_clamped(self):
        for asked, given in ((1, 1000), (-5, 1000), (0, 1000), (2000, 2000), (3000, 3000), (2**31 - 1, 3000)):
            client = self.client(timeout=asked)
            self.assertEqual(client.session.timeout, given)
            client.end()

    def test_a_silent_session_expires_and_a_pinging_one_does_not(self):
        def look(pace):
            silent, lively = self.client(timeout=1000), self.client(timeout=1000)
            paths = [client.create("/of-one-", flags=wire.EPHEMERAL_SEQUENTIAL) for client in (silent, lively)]
            witness = self.client(timeout=3000)
            started = time.monotonic()

            def gone():
                lively.call("ping")
                pace.done()
                return witness.call("exists", path=paths[0], watch=0).err == -101

            harness.wait_until(gone, 10, "the silent session to expire")
            self.assertGreater(time.monotonic() - started, 0.9)
            self.assertEqual(witness.call("exists", path=paths[1], watch=0).err, 0)
            return silent
        silent = harness.without_delay(0.5, look)
        self.assertTrue(silent.closed_by_server())
        refused = self.client(session=silent.session)
        self.assertEqual((refused.session.id, refused.session.timeout), (0, 0))
        self.assertTrue(refused.closed_by_server())

    def test_any_request_keeps_a_session_alive(self):
        def look(pace):
            reader, witness = self.client(timeout=1000), self.client(timeout=3000)
            path = reader.create("/reader-", flags=wire.EPHEMERAL_SEQUENTIAL)
            end = time.monotonic() + 2.5

            def long_enough():
                reader.must("exists", path="/", watch=0)
                pace.done()
                return time.monotonic() > end

            harness.wait_until(long_enough, 10, "two time-outs to pass")
            witness.must("exists", path=path, watch=0)
        harness.without_delay(0.5, look)

    def test_reattach_asks_for_a_new_timeout(self):
        first = self.client(timeout=1000)
        second = self.client(timeout=2500, session=first.session)
        self.assertEqual((second.session.id, second.session.timeout), (first.session.id, 2500))
        self.assertEqual(second.session.password, first.session.password)
        self.assertTrue(first.closed_by_server())

    def test_refusals(self):
        unknown = self.client(session=wire.Session(0, 0x1234567, bytes(16), False))
        self.assertEqual((unknown.session.id, unknown.session.timeout, unknown.session.password), (0, 0, bytes(16)))
        self.assertTrue(unknown.closed_by_server())
        self.assertIsNone(self.client(last_zxid=2**62).session)


class Flood(LimitsTestCase):
    settings = {"maxSessionTimeout": 60000}

    def test_many_sessions_at_once_and_a_multi_of_thousands_of_operations(self):
        clients = [self.client() for _ in range(500)]
        self.assertEqual(len({client.session.id for client in clients}), 500)
        operations = [("create", {"path": "/m%05d" % number, "data": b"", "acl": wire.OPEN_ACL, "flags": 0})
                      for number in range(10000)]
        clients[0].submit("multi", ops=operations)
        for client in clients[1:50]:
            self.assertEqual(client.call("ping").err, 0)
        results = clients[0].next_reply("multi", 60).body["results"]
        self.assertEqual((len(results), results[-1]), (10000, ("create", 0, {"path": "/m09999"})))
        for client in clients:
            client.close()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    harness.main()
