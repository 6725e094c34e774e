#!/usr/bin/python3
"""Sessions that move from member to member, in each mixture of agents and Apache servers: who may take one over, who may
still write, and what goes with it when it ends."""
# limit: 600
import unittest

from ensemble import AGENT, APACHE, Ensemble, harness, wire

MOVED, EXPIRED = -118, -112
MIXTURES = {"agents": [AGENT] * 3, "led by Apache": [AGENT, AGENT, APACHE], "led by an agent": [APACHE, AGENT, AGENT]}


def write(client, path):
    return client.call("create", path=path, data=b"", acl=wire.OPEN_ACL, flags=wire.PERSISTENT)


def exists(ensemble, sid, path):
    client = ensemble.client(sid)
    client.must("sync", path="/")
    reply = client.call("exists", path=path, watch=False)
    client.end()
    return reply.err == 0


class Moving(unittest.TestCase):
    """One ensemble for each mixture; the member with the largest id leads it."""

    def each_mixture(self, look):
        for name, programs in MIXTURES.items():
            with self.subTest(mixture=name):
                ensemble = Ensemble(programs, maxSessionTimeout=120000)
                try:
                    ensemble.start([1, 3])
                    ensemble.start([2])
                    self.assertEqual(ensemble.leader(), 3)
                    look(ensemble)
                finally:
                    ensemble.stop()

    def take_over(self, ensemble, sid, session, timeout=30000):
        return ensemble.client(sid, timeout, session=session)

    def look_at_a_round(self, ensemble):
        """The session goes to every member in turn; a write of the connection before is refused."""
        before = ensemble.client(1)
        session = before.session
        before.create("/moving", b"")
        before.create("/moving/mine", b"", flags=wire.EPHEMERAL)
        for step, sid in enumerate((2, 3, 1, 3, 2)):
            now = self.take_over(ensemble, sid, session)
            self.assertEqual(now.session.id, session.id, "at server %d" % sid)
            self.assertEqual(write(now, "/moving/n%d" % step).err, 0)
            late = write(before, "/moving/late%d" % step)
            self.assertIn(late and late.err, (None, MOVED), "at server %d" % sid)
            before.close()
            before = now
        before.end()
        for sid in (1, 2, 3):
            self.assertFalse(exists(ensemble, sid, "/moving/mine"))
            self.assertFalse(exists(ensemble, sid, "/moving/late0"))
            gone = self.take_over(ensemble, sid, session)
            self.assertTrue(gone.is_refused)
            gone.close()

    def look_at_a_wrong_password(self, ensemble):
        """Whoever knows no more than the id gets nothing; Apache's servers cut the owner off, ours do not."""
        agents = [sid for sid, member in ensemble.members.items() if member.program is AGENT]
        owner = ensemble.client(agents[0])
        thief = owner.session._replace(password=bytes(16))
        for sid in agents:
            self.assertTrue(self.take_over(ensemble, sid, thief).is_refused)
        self.assertEqual(write(owner, "/still-mine").err, 0)
        owner.end()

    def look_at_an_expiry(self, ensemble):
        """A client that says nothing is forgotten everywhere, and its ephemerals with it; one that pings is not."""
        def made(pace):
            client = ensemble.client(1, timeout=1000)
            return client, client.create("/of-silent-%d" % pace.number, b"", flags=wire.EPHEMERAL)
        silent, path = harness.without_delay(1, made)
        alive = ensemble.client(2, timeout=4000)
        alive.create("/of-alive", b"", flags=wire.EPHEMERAL)

        def gone():
            alive.call("ping")
            return not exists(ensemble, 2, path)
        harness.wait_until(gone, 60, "the silent session to expire")
        for sid in (1, 3):
            self.assertFalse(exists(ensemble, sid, path))
            self.assertTrue(exists(ensemble, sid, "/of-alive"))
        self.assertTrue(silent.closed_by_server())
        alive.end()

    def look_at_the_end_of_a_member(self, ensemble):
        """The member that a client is connected to is killed; the session goes on elsewhere."""
        client = ensemble.client(1)
        client.create("/outlives", b"", flags=wire.EPHEMERAL)
        ensemble[1].kill()
        client.close()
        moved = self.take_over(ensemble, 2, client.session)
        self.assertEqual(moved.session.id, client.session.id)
        ensemble.start([1])
        self.assertTrue(exists(ensemble, 1, "/outlives"))
        moved.end()
        self.assertFalse(exists(ensemble, 1, "/outlives"))

    def test_it(self):
        def look(ensemble):
            self.look_at_a_round(ensemble)
            self.look_at_a_wrong_password(ensemble)
            self.look_at_an_expiry(ensemble)
            self.look_at_the_end_of_a_member(ensemble)
        self.each_mixture(look)


if __name__ == "__main__":
    harness.main()
