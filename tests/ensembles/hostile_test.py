#!/usr/bin/python3
"""Whoever reaches the ports between servers and is none of them: silent, stalled, with garbage, or with what makes a server of
Apache's deaf to elections. Nobody is disturbed, and members elect a leader as quickly as without it."""
# limit: 600
import random
import socket
import struct
import unittest

from ensemble import AGENT, STEADY, Ensemble, harness
from faults_test import Writers, assert_whole

LOOKING, MIN_LONG = 0, -(1 << 63)
STRANGER = 200    # a server's id that is in no configuration, larger than all that are: its connection is kept
FOLLOWERINFO = 11


def frame(payload):
    return struct.pack(">i", len(payload)) + payload


def hello(sid):
    address = b"127.0.0.1:9"
    return struct.pack(">qqi", -65536, sid, len(address)) + address


def notification(config, length=None):
    """LOOKING, with no vote, of round 1, and a configuration as it is."""
    head = struct.pack(">iqqqqii", LOOKING, MIN_LONG, MIN_LONG, 1, MIN_LONG, 2, len(config) if length is None else length)
    return frame(head + config)


class Hostile(unittest.TestCase):
    def setUp(self):
        self.held = []

    def ensemble(self, **settings):
        ensemble = Ensemble([AGENT] * 3, **settings)
        self.addCleanup(ensemble.stop)
        self.addCleanup(lambda: [connection.close() for connection in self.held])
        return ensemble.start()

    def hold(self, port, data):
        """A connection that says this and no more, and reads nothing."""
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(data)
        self.held.append(connection)

    def assert_leader_is_replaced(self, ensemble, deadline_s):
        """The leader is killed; the others have one in that time; it comes back."""
        leader = ensemble.leader()
        ensemble[leader].kill()
        rest = [sid for sid in ensemble.members if sid != leader]
        harness.wait_until(lambda: "leader" in [ensemble.mode(sid) for sid in rest], deadline_s, "another leader")
        ensemble.start([leader])

    def test_stalled_connections_on_the_election_port(self):
        """[7.3 2164 2836 3769] [weak stalled-port] Each has 30 s to say who it is, or has said it; Apache's server would hear nobody else meanwhile."""
        ensemble = self.ensemble(syncLimit=60)
        for member in ensemble.members.values():
            for number in range(15):
                self.hold(member.election_port, b"")
                self.hold(member.election_port, hello(STRANGER)[:number + 1])
            for number in range(5):
                self.hold(member.election_port, hello(STRANGER + number))
                self.hold(member.election_port, hello(STRANGER + number) + notification(b"version=0")[:30])
        writers = Writers(ensemble)
        for _ in range(3):
            writers.wait_for(50)
            self.assert_leader_is_replaced(ensemble, 15)
        writers.stop()
        assert_whole(self, ensemble, writers)

    def test_silence_and_garbage_on_the_quorum_port(self):
        ensemble = self.ensemble(**STEADY)
        leader = ensemble.leader()
        writers = Writers(ensemble)
        chance = random.Random(1)
        port = ensemble.members[leader].quorum_port
        for number in range(30):
            info = struct.pack(">iqi", FOLLOWERINFO, 0, 20) + struct.pack(">qiq", STRANGER, 0x10000, 0)
            self.hold(port, b"")
            self.hold(port, (info + struct.pack(">i", -1))[:number])
            self.hold(port, bytes(chance.randrange(256) for _ in range(chance.choice((4, 50, 5000)))))
            self.hold(port, struct.pack(">iqi", chance.randrange(1, 20), 0, 0x7fffffff))
            self.hold(port, info + struct.pack(">i", -1) + bytes(chance.randrange(256) for _ in range(200)))
        writers.wait_for(500)
        self.assertEqual(ensemble.leader(), leader)
        for sid in ensemble.members:
            self.assertIsNotNone(ensemble.mode(sid))
        writers.stop()
        assert_whole(self, ensemble, writers)

    def test_configurations_without_participants(self):
        """[7.7 no-participants] [weak deaf-voter] The first of these ends the receiver thread of an Apache server when standaloneEnabled is false: it takes part in no
        election any more (quorum-protocol 1.4)."""
        ensemble = self.ensemble(standaloneEnabled="false")
        configs = [b"version=0", b"version=ffffffff", b"", b"\n", b"version=", b"server.1=", b"server.9=a:1:2:observer\nversion=7",
                   b"\xff" * 100, b"server.1=127.0.0.1:1:2:participant", b"x" * 100000]
        for member in ensemble.members.values():
            for number, config in enumerate(configs):
                self.hold(member.election_port, hello(STRANGER + number) + notification(config))
                self.hold(member.election_port, hello(STRANGER + number) + notification(config, length=-1))
                self.hold(member.election_port, hello(STRANGER + number) + notification(config, length=len(config) + 1))
        writers = Writers(ensemble)
        for _ in range(3):
            writers.wait_for(50)
            self.assert_leader_is_replaced(ensemble, 15)
        writers.stop()
        assert_whole(self, ensemble, writers)


if __name__ == "__main__":
    harness.main()
