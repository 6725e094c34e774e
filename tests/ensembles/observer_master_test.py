#!/usr/bin/python3
"""Observers at followers (observerMasterPort), in each mixture of agents and Apache servers: what their clients write and read, what
becomes of sessions, and where observers go when their follower is lost."""
# limit: 900
import json
import unittest
import urllib.request

from ensemble import AGENT, APACHE, Ensemble, harness, metric, read_at, wire

MOVED, EXPIRED = -118, -112
# The voter with the largest id leads, so that the followers are the first two.
MIXTURES = {"agents": ([AGENT] * 3, [AGENT, AGENT]),
            "observers at Apache's followers": ([APACHE, APACHE, AGENT], [AGENT, AGENT]),
            "Apache's observers": ([AGENT, AGENT, APACHE], [APACHE, APACHE])}


class ObserverMasters(unittest.TestCase):
    def ensemble(self, programs, observers, **settings):
        ensemble = Ensemble(programs, observers, **dict({"observerMasterPort": harness.free_port()}, **settings))
        self.addCleanup(ensemble.stop)
        return ensemble

    def master_of(self, ensemble, sid):
        """The server that the observer is connected to; None: none."""
        master = int(metric(ensemble[sid], "zk_observer_master_id") or -1)
        return master if master > 0 else None

    def start(self, ensemble):
        """The voter with the largest id leads; each observer is at a follower."""
        ensemble.start([1, 3])
        ensemble.start([2])
        ensemble.start([4, 5])
        self.assertEqual(ensemble.leader(), 3)
        for sid in (4, 5):
            self.assertEqual(ensemble.mode(sid), "observer")
            self.assertIn(self.master_of(ensemble, sid), (1, 2))
        return ensemble

    def take_over(self, ensemble, sid, session):
        return wire.client_of(ensemble[sid], session=session)

    def look_at_writes(self, ensemble):
        for sid in (4, 5):
            client = ensemble.client(sid)
            base = "/written-at-%d" % sid
            client.create(base, b"first")
            for number in range(50):
                client.create(base + "/n-", b"%d" % number, flags=wire.SEQUENTIAL)
            client.must("setData", path=base, data=b"second", version=0)
            refused = client.call("create", path="/no/parent", data=b"", acl=wire.OPEN_ACL, flags=0)
            self.assertEqual(wire.ERRORS[refused.err], "NoNode")
            client.end()
            for other in ensemble.members:
                self.assertEqual(read_at(ensemble, other, base), b"second")
                self.assertEqual(read_at(ensemble, other, base + "/n-%010d" % 49), b"49")

    def look_at_sessions(self, ensemble):
        """A session goes from one observer to the other, to voters and back; its ephemeral node goes with its end."""
        before = ensemble.client(4)
        session = before.session
        before.create("/moving", b"")
        before.create("/moving/mine", b"", flags=wire.EPHEMERAL)
        for step, sid in enumerate((5, 3, 4, 1, 5)):
            now = self.take_over(ensemble, sid, session)
            self.assertEqual(now.session.id, session.id, "at server %d" % sid)
            now.create("/moving/n%d" % step, b"")
            before.close()
            before = now
        before.end()
        for sid in ensemble.members:
            self.assertIsNone(read_at(ensemble, sid, "/moving/mine"))
            gone = self.take_over(ensemble, sid, session)
            self.assertTrue(gone.is_refused)
            gone.close()

    def look_at_expiry(self, ensemble):
        """What the clients of observers say reaches the leader by way of the followers."""
        def made(pace):
            client = ensemble.client(4, timeout=1000)
            return client, client.create("/of-silent-%d" % pace.number, b"", flags=wire.EPHEMERAL)
        silent, path = harness.without_delay(1, made)
        alive = ensemble.client(5, timeout=4000)
        alive.create("/of-alive", b"", flags=wire.EPHEMERAL)

        def gone():
            alive.call("ping")
            return read_at(ensemble, 3, path) is None
        harness.wait_until(gone, 60, "the silent session to expire")
        self.assertIsNotNone(read_at(ensemble, 1, "/of-alive"))
        self.assertTrue(silent.closed_by_server())
        alive.end()

    def look_at_a_lost_master(self, ensemble):
        """Its follower is killed: the observer goes to the other one, with its clients' sessions."""
        master = self.master_of(ensemble, 4)
        client = ensemble.client(4)
        client.create("/outlives", b"", flags=wire.EPHEMERAL)
        ensemble[master].kill()
        client.close()
        other = ({1, 2} - {master}).pop()
        harness.wait_until(lambda: self.master_of(ensemble, 4) == other, 60, "the observer at the other follower")
        moved = ensemble.taken_up(4, client.session)
        self.assertEqual(moved.session.id, client.session.id)
        moved.create("/still-there", b"")
        ensemble.start([master])
        self.assertEqual(read_at(ensemble, master, "/still-there"), b"")
        moved.end()
        self.assertIsNone(read_at(ensemble, master, "/outlives"))

    def test_it(self):
        for name, (programs, observers) in MIXTURES.items():
            with self.subTest(mixture=name):
                ensemble = self.start(self.ensemble(programs, observers, maxSessionTimeout=120000))
                self.look_at_writes(ensemble)
                self.look_at_sessions(ensemble)
                self.look_at_expiry(ensemble)
                self.look_at_a_lost_master(ensemble)
                for sid in ensemble.members:
                    self.assertIn(metric(ensemble[sid], "zk_digest_mismatches_count"), ("0", None), "at %d" % sid)
                ensemble.stop()

    def observers_of(self, ensemble, sid):
        port = ensemble[sid].settings["admin.serverPort"]
        with urllib.request.urlopen("http://127.0.0.1:%d/commands/observers" % port, timeout=10) as answer:
            return json.load(answer)

    def test_the_observers_of_each_server_are_listed(self):
        ensemble = self.ensemble([AGENT] * 3, [AGENT, AGENT])
        self.start(ensemble)
        listed = {}
        for sid in (1, 2, 3):
            answer = self.observers_of(ensemble, sid)
            self.assertEqual(answer["synced_observers"], len(answer["observers"]))
            self.assertEqual(metric(ensemble[sid], "zk_synced_observers"), str(answer["synced_observers"]))
            listed.update({observer["sid"]: sid for observer in answer["observers"]})
        self.assertEqual(listed, {sid: self.master_of(ensemble, sid) for sid in (4, 5)})

    def test_where_no_follower_takes_observers_the_leader_does(self):
        """Until one does."""
        ensemble = self.ensemble([AGENT, APACHE, AGENT], [AGENT])
        ports = {sid: ensemble[sid].settings.pop("observerMasterPort") for sid in (1, 2, 3)}
        ensemble[4].settings["zooid.observerMasterRetryMs"] = 500
        ensemble.start()
        self.assertEqual(self.master_of(ensemble, 4), ensemble.leader())
        client = ensemble.client(4)
        client.create("/by-way-of-the-leader", b"", flags=wire.EPHEMERAL)
        follower = next(sid for sid in (1, 3) if sid != ensemble.leader())
        ensemble[follower].kill()
        ensemble[follower].settings["observerMasterPort"] = ports[follower]
        ensemble.start([follower])
        harness.wait_until(lambda: self.master_of(ensemble, 4) == follower, 60, "the observer at the follower")
        client.close()
        ensemble.wait_serving(4)
        moved = self.take_over(ensemble, 4, client.session)
        self.assertEqual(moved.session.id, client.session.id)
        moved.end()

    def test_apache_s_observer_that_sends_a_late_request(self):
        """A session moves between two of Apache's observers that are at one agent. What the first one sends for it then is not
        executed, and yet answered: an observer that waited for its answer would answer none of its clients any more."""
        ensemble = self.ensemble([AGENT] * 3, [APACHE, APACHE])
        for sid in (2, 3):
            del ensemble[sid].settings["observerMasterPort"]
        ensemble.start([1, 3])
        ensemble.start([2])
        ensemble.start([4, 5])
        self.assertEqual([self.master_of(ensemble, sid) for sid in (4, 5)], [1, 1])
        old = ensemble.client(4)
        old.create("/moved", b"old")
        # The clients number their requests alike: where that one is still under way, it would be taken for the next one's.
        self.assertEqual(read_at(ensemble, 5, "/moved"), b"old")
        new = self.take_over(ensemble, 5, old.session)
        new.must("setData", path="/moved", data=b"new", version=0)
        late = old.call("setData", path="/moved", data=b"late", version=-1)
        self.assertEqual(wire.ERRORS[late.err], "BadArguments")
        other = ensemble.client(4)
        other.create("/other", b"")
        other.end()
        self.assertEqual(read_at(ensemble, 4, "/moved"), b"new")
        back = self.take_over(ensemble, 4, old.session)
        back.must("setData", path="/moved", data=b"back", version=1)
        for client in (old, new):
            client.close()
        back.end()

    def test_a_master_that_becomes_the_leader_sends_its_observers_away(self):
        ensemble = self.start(self.ensemble([AGENT] * 3, [AGENT, AGENT]))
        client = ensemble.client(5)
        client.create("/mine", b"", flags=wire.EPHEMERAL)
        ensemble[3].kill()
        client.close()
        leader = ensemble.leader()
        follower = ({1, 2} - {leader}).pop()
        for sid in (4, 5):
            harness.wait_until(lambda: self.master_of(ensemble, sid) == follower, 60, "observer %d to settle" % sid)
            ensemble.wait_serving(sid)
        moved = ensemble.taken_up(5, client.session)
        self.assertEqual(moved.session.id, client.session.id)
        moved.create("/after", b"")
        ensemble.start([3])
        self.assertEqual(read_at(ensemble, 4, "/after"), b"")
        self.assertEqual(read_at(ensemble, 3, "/mine"), b"")
        moved.end()


if __name__ == "__main__":
    harness.main()
