#!/usr/bin/python3
"""Sessions of the ensemble's, in mixed ensembles under a leader of either kind: made, kept, moved, ended; what a client
has in flight when things break; and a disk that stands still, at which nobody may expire."""
# sanitizers: no (their runtime wants to be the first library, and the slow disk is preloaded)
# limit: 600
import os
import sys
import tempfile
import threading
import time
import unittest

from ensemble import AGENT, APACHE, TICK_MS, Ensemble, harness, metric, wire

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "agent"))
from failing_agent import FailingAgent, build_library  # noqa: E402

SHORT_MS, LONG_MS = 2 * TICK_MS, 20 * TICK_MS  # what is granted at the least, and at the most
NODE_DELETED = 2
IN_FLIGHT = 500


class Played:
    """Two voting agents and an Apache that votes, an agent that observes; `first` start, the larger of which leads."""

    first = None

    @classmethod
    def setUpClass(cls):
        cls.ensemble = Ensemble([AGENT, AGENT, APACHE], [AGENT])
        cls.addClassCleanup(cls.ensemble.stop)
        cls.ensemble.start(cls.first)
        cls.ensemble.start([sid for sid in cls.ensemble.members if sid not in cls.first])
        cls.leader = max(cls.first)
        assert cls.ensemble.leader() == cls.leader

    def client(self, sid, **wishes):
        client = self.ensemble.client(sid, **wishes)
        self.addCleanup(client.close)
        return client

    def others(self, sid):
        return [other for other in self.ensemble.members if other != sid]

    def read(self, sid, path):
        client = self.client(sid)
        client.must("sync", path="/")
        reply = client.call("getData", path=path, watch=False)
        client.end()
        return reply.body["data"] if reply.err == 0 else None

    def test_time_outs_are_negotiated(self):
        for sid in self.ensemble.members:
            for asked, granted in ((1, SHORT_MS), (3000, 3000), (10 ** 9, LONG_MS), (-1, SHORT_MS)):
                again = None
                while again is None:
                    begun = time.monotonic()
                    client = self.client(sid, timeout=asked)
                    self.assertEqual(client.session.timeout, granted)
                    again = self.client(self.others(sid)[0], session=client.session, timeout=granted + 500)
                    if again.session is None and (time.monotonic() - begun) * 1000 > granted / 2:
                        again = None  # the machine stood still for so long that the session may be over
                self.assertEqual(again.session.timeout, min(granted + 500, LONG_MS))
                again.end()

    def test_the_connection_that_was_left_ends_at_its_first_write(self):
        for sid in self.ensemble.members:
            for other in self.others(sid):
                with self.subTest(sid=sid, other=other):
                    old, path = self.client(sid), "/moved-%d-%d" % (sid, other)
                    old.create(path, b"old")
                    new = self.client(other, session=old.session)
                    self.assertEqual(new.session.id, old.session.id)
                    self.assertIsNone(old.call("setData", path=path, data=b"late", version=-1))
                    new.must("setData", path=path, data=b"new", version=0)
                    back = self.client(sid, session=old.session)
                    late = ("setData", {"path": path, "data": b"late", "version": -1})
                    self.assertIsNone(new.call("multi", ops=[late]))
                    self.assertEqual(back.must("getData", path=path, watch=False)["data"], b"new")
                    back.end()

    def test_ephemerals_end_everywhere(self):
        for sid in self.ensemble.members:
            with self.subTest(sid=sid):
                watchers = [self.client(other) for other in self.ensemble.members]
                for closes in (True, False):
                    path, client = harness.without_delay(SHORT_MS / 1000, lambda pace: self.watched(
                        sid, "/ephemeral-%d-%s-%d" % (sid, closes, pace.number), watchers))
                    if closes:
                        client.end()
                    for watcher in watchers:
                        self.assertEqual(self.next_event_of(watcher, path).type, NODE_DELETED)
                        self.assertEqual(watcher.call("exists", path=path, watch=False).err, -101)
                    for other in self.ensemble.members:
                        self.assertTrue(self.client(other, session=client.session).is_refused)
                for watcher in watchers:
                    watcher.end()

    def watched(self, sid, path, watchers):
        """An ephemeral znode of a client of that member with a short session, at which each of `watchers` looks."""
        client = self.client(sid, timeout=SHORT_MS)
        client.create(path, flags=wire.EPHEMERAL)
        for watcher in watchers:
            watcher.must("sync", path="/")
            watcher.must("exists", path=path, watch=True)
        return path, client

    @staticmethod
    def next_event_of(watcher, path):
        while True:
            event = watcher.next_event()
            if event.path == path:
                return event

    def test_whoever_is_heard_anywhere_lives(self):
        # Each is heard twice in that time: in this round, and in the one before.
        harness.without_delay(SHORT_MS / 2000, self.all_that_are_heard_live)

    def all_that_are_heard_live(self, pace):
        """Until another session has expired of which nothing is heard."""
        silent, watcher = self.client(self.leader, timeout=LONG_MS // 2), self.client(1, timeout=LONG_MS)
        path = silent.create("/silent-", flags=wire.EPHEMERAL_SEQUENTIAL)
        watcher.must("sync", path="/")
        watcher.must("exists", path=path, watch=True)
        pause = threading.Event()
        pace.done()
        clients = [self.client(sid, timeout=SHORT_MS) for sid in self.ensemble.members]
        while not watcher.events:
            for client in clients + [watcher]:
                self.assertEqual(client.call("ping").err, 0)
            pace.done()
            pause.wait(0.02)
        for client in clients:
            client.end()

    def test_the_leader_believes_what_a_member_says_of_its_clients(self):
        for sid in self.ensemble.members:
            client, path = self.client(sid), "/owned-%d" % sid
            client.must("auth", type=0, scheme="digest", auth=b"ann:secret")
            client.must("create", path=path, data=b"", acl=[(wire.ALL, "auth", "")], flags=0)
            client.must("create", path=path + "-ip", data=b"", acl=[(wire.ALL, "ip", "127.0.0.1")], flags=0)
            other = self.client(self.others(sid)[-1])
            self.assertEqual(other.call("setData", path=path, data=b"x", version=-1).err, -102)
            self.assertEqual(other.call("setData", path=path + "-ip", data=b"x", version=-1).err, 0)
            other.must("auth", type=0, scheme="digest", auth=b"ann:secret")
            self.assertEqual(other.call("setData", path=path, data=b"x", version=-1).err, 0)
            client.end()
            other.end()


class UnderAnAgent(Played, unittest.TestCase):
    first = (1, 2)


class UnderApache(Played, unittest.TestCase):
    first = (1, 3)


class InFlight(unittest.TestCase):
    def test_a_leader_is_lost(self):
        """Of what a client had in flight a beginning has happened, in order; its session goes on at another member."""
        ensemble = Ensemble([AGENT] * 3)
        self.addCleanup(ensemble.stop)
        ensemble.start()
        for attempt in range(2):
            leader = ensemble.leader()
            follower, other = sorted(set(ensemble.members) - {leader})
            client = ensemble.client(follower)
            base = "/burst-%d" % attempt
            client.create(base)
            client.create(base + "-eph", flags=wire.EPHEMERAL)
            for number in range(IN_FLIGHT):
                client.submit("create", path="%s/%d" % (base, number), data=b"", acl=wire.OPEN_ACL, flags=0)
            self.assertEqual(client.next_reply("create").err, 0)
            ensemble[leader].kill()
            answered = 1
            while client.next_reply("create") is not None:
                answered += 1
            again = ensemble.taken_up(other, client.session)
            self.assertEqual(again.session.id, client.session.id)
            done = sorted(int(name) for name in again.must("getChildren", path=base, watch=False)["children"])
            self.assertEqual(done, list(range(len(done))))
            self.assertGreaterEqual(len(done), answered)
            self.assertEqual(again.must("getEphemerals", path=None)["paths"], [base + "-eph"])
            again.end()
            ensemble.start([leader])


class SlowDisk(unittest.TestCase):
    STUCK_MS = 3 * SHORT_MS

    def test_no_session_expires_for_it(self):
        """All disks stand still: whoever is paused for it, so that its pings are not read, keeps its session."""
        with tempfile.TemporaryDirectory() as directory:
            FailingAgent.library = build_library(directory)
            ensemble = Ensemble([FailingAgent] * 3, syncLimit=40, **{"zooid.maxOutstandingPerClient": 4})
            self.addCleanup(ensemble.stop)
            ensemble.start()
            leader, self.clients = ensemble.leader(), []
            expired = harness.without_delay(SHORT_MS / 1000, lambda pace: self.stand_still(ensemble, leader, pace.number),
                                            before=lambda number: self.go_on(ensemble, leader))
            self.assertEqual({client.session.timeout for client in self.clients}, {SHORT_MS})
            self.keep_pinging(self.clients, lambda: self.has_been_up_for(ensemble[leader], self.STUCK_MS))
            for sid in ensemble.members:
                ensemble[sid].heal()
            for number, client in enumerate(self.clients):
                while client.asked:
                    self.assertIsNotNone(client.next_reply(client.asked.pop(0)), "the session of %d is gone" % number)
                self.assertEqual(client.must("getEphemerals", path=None)["paths"], [client.path])
                client.end()
            self.assertEqual(metric(ensemble[leader], "zk_stale_sessions_expired"), expired)

    def go_on(self, ensemble, leader):
        """With nothing left of an attempt that took too long."""
        for sid in ensemble.members:
            ensemble[sid].heal()
        for client in self.clients:
            client.close()
        harness.wait_until(lambda: metric(ensemble[leader], "zk_global_sessions") == "0", what="sessions of before to end")

    def stand_still(self, ensemble, leader, number):
        """Each client has a znode, and writes more than it may have outstanding when the disks stand still. Returns how many
        sessions had expired before."""
        expired = metric(ensemble[leader], "zk_stale_sessions_expired")
        self.clients = [ensemble.client(sid, timeout=SHORT_MS) for sid in ensemble.members for _ in range(3)]
        for client in self.clients:
            client.path = client.create("/mine-%d-" % number, flags=wire.EPHEMERAL_SEQUENTIAL)
        for sid in ensemble.members:
            ensemble[sid].fail("stuck")
        for client in self.clients:
            client.asked = ["setData"] * 6
            for _ in client.asked:
                client.submit("setData", path=client.path, data=b"x", version=-1)
        return expired

    def has_been_up_for(self, server, ms):
        uptime = int(metric(server, "zk_uptime"))
        self.start_ms = getattr(self, "start_ms", uptime)
        return uptime - self.start_ms >= ms

    @staticmethod
    def keep_pinging(clients, done):
        pause = threading.Event()
        while not done():
            for client in clients:
                client.submit("ping")
                client.asked.append("ping")
            pause.wait(0.1)


if __name__ == "__main__":
    harness.main()
