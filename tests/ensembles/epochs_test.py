#!/usr/bin/python3
"""What happens when an epoch has no more zxids, with real processes: agents among themselves go on in the next one
without an election, and nobody notices; an Apache server among them makes it an election, which loses nothing."""
# limit: 600
import unittest

from ensemble import AGENT, APACHE, Ensemble, harness, wire
from faults_test import Writers, assert_whole, shown

TXNS = 1000
MANY_TXNS = 4000  # in an epoch; agents begin the next one a quarter before, in which time disks have to be written
WRITES = 40       # at once, of each client
ROUNDS = 60
DATA_CHANGED = 3


def epoch_of(zxid):
    return zxid >> 32


class Epochs(unittest.TestCase):
    def ensemble(self, programs, txns, observers=(), **settings):
        # Nobody is taken for dead because the machine stood still for half a second: that would be an election.
        own = {"zooid.txnsPerEpoch": txns, "zooid.failureDetectionMs": 5000}
        ensemble = Ensemble(programs, observers, **dict(settings, **own))
        self.addCleanup(ensemble.stop)
        return ensemble

    def client(self, ensemble, sid):
        client = ensemble.client(sid)
        self.addCleanup(client.close)
        return client

    def write(self, client, path):
        """Some sets at once, each answered in order and by a version of its own; returns the last zxid."""
        first = client.must("exists", path=path, watch=False)["stat"].version
        for _ in range(WRITES):
            client.submit("setData", path=path, data=b"x", version=-1)
        zxid = 0
        for number in range(1, WRITES + 1):
            reply = client.next_reply("setData")
            self.assertIsNotNone(reply, "the connection was closed")
            self.assertEqual((reply.err, reply.body["stat"].version), (0, first + number))
            self.assertGreater(reply.zxid, zxid)
            zxid = reply.zxid
        return zxid

    @staticmethod
    def let_it_begin(leader, zxid):
        """Who writes on and on may use up the last quarter before slow disks have the next epoch; most of it is used up."""
        if zxid & 0xffffffff > MANY_TXNS * 9 // 10:
            text = "epoch %d has begun without an election" % (epoch_of(zxid) + 1)
            harness.wait_until(lambda: text in leader.log_tail(1000), 60, text)

    def test_agents_go_on_in_a_new_epoch(self):
        """At leader, follower, observer and an observer behind a follower; then all are killed."""
        ensemble = self.ensemble([AGENT] * 3, MANY_TXNS, [AGENT], observerMasterPort=harness.free_port()).start()
        leader, clients = ensemble.leader(), {sid: self.client(ensemble, sid) for sid in ensemble.members}
        for sid, client in clients.items():
            client.create("/e%d" % sid, flags=wire.EPHEMERAL)
        begun = epoch_of(clients[1].must("setData", path="/e1", data=b"", version=-1)["zxid"])
        for _ in range(ROUNDS):
            for sid, client in clients.items():
                client.must("sync", path="/")
                client.must("getData", path="/e%d" % (sid % 4 + 1), watch=True)
            for sid, client in clients.items():
                zxid = self.write(client, "/e%d" % sid)
                self.let_it_begin(ensemble[leader], zxid)
            ended = epoch_of(zxid)
            for client in clients.values():
                self.assertEqual(client.next_event().type, DATA_CHANGED)
        self.assertGreaterEqual(ended, begun + ROUNDS * len(clients) * WRITES // MANY_TXNS)
        self.assertEqual(ensemble.leader(), leader)
        self.assertIn("epoch %d has begun without an election" % ended, ensemble[leader].log_tail(1000))
        self.check_restart(ensemble, clients, ended)

    def check_restart(self, ensemble, clients, ended):
        before = shown(ensemble, 1)
        for sid in ensemble.members:
            self.assertEqual(shown(ensemble, sid), before)
        for member in ensemble.members.values():
            member.server.kill()
        ensemble.start()
        client = ensemble.client(2, session=clients[1].session)
        self.assertEqual(client.session.id, clients[1].session.id)
        zxid = client.must("setData", path="/e1", data=b"", version=ROUNDS * WRITES + 1)["zxid"]
        self.assertGreater(epoch_of(zxid), ended)
        client.end()

    def test_an_election_when_one_is_apache_s(self):
        """The agent that leads says why it leaves; what was acknowledged is there."""
        ensemble = self.ensemble([APACHE, AGENT, AGENT], TXNS)
        ensemble.start([2, 3])
        ensemble.start([1])
        writers = Writers(ensemble)
        writers.wait_for(2 * TXNS)
        writers.stop()
        assert_whole(self, ensemble, writers)
        self.assertTrue(any("the epoch has no more zxids" in ensemble[sid].log_tail(1000) for sid in (2, 3)))


if __name__ == "__main__":
    harness.main()
