#!/usr/bin/python3
"""A running ensemble of Apache ZooKeeper servers becomes one of agents, server by server on the same directories, and back,
while clients write and one keeps its session."""
# limit: 900
import unittest

from ensemble import AGENT, APACHE, Ensemble, harness
from faults_test import Writers, differences, shown

try:
    from kazoo.client import KazooClient
except ImportError:
    KazooClient = None


class Rolling(unittest.TestCase):
    def setUp(self):
        harness.need_kazoo()
        self.ensemble = Ensemble([APACHE] * 3, snapCount=1000, maxSessionTimeout=120000)
        self.addCleanup(self.ensemble.stop)
        self.ensemble.start()

    def keeper(self):
        """A client with a session, and an ephemeral znode that has to outlive all of it."""
        hosts = ",".join(self.ensemble[sid].address for sid in sorted(self.ensemble.members))
        client = KazooClient(hosts=hosts, timeout=60)
        client.start(timeout=30)
        client.create("/kept", b"mine", ephemeral=True)
        self.addCleanup(client.close)
        self.addCleanup(client.stop)
        return client, client.client_id[0]

    def assert_whole(self, writers):
        sids = sorted(self.ensemble.members)
        trees = {sid: shown(self.ensemble, sid) for sid in sids}
        lost = [path for path in writers.acknowledged if trees[1].get(path, (None,))[0] != path.encode()]
        self.assertEqual(lost, [])
        for sid in sids[1:]:
            self.assertEqual(differences(trees[1], trees[sid]), "", "server %d" % sid)

    def replace_all(self, program, writers):
        """The leader comes last, as an operator would do it."""
        leader = self.ensemble.leader()
        for sid in sorted(self.ensemble.members, key=lambda sid: sid == leader):
            writers.wait_for(100)
            self.ensemble.replace(sid, program)
            self.assertIs(self.ensemble.members[sid].program, program)
        writers.wait_for(100)

    def test_to_agents_and_back(self):
        client, session = self.keeper()
        writers = Writers(self.ensemble)
        for program in (AGENT, APACHE):
            self.replace_all(program, writers)
        writers.stop()
        self.assert_whole(writers)
        harness.wait_until(lambda: client.connected, 60, "the kept session to be connected")
        self.assertEqual(client.client_id[0], session)
        self.assertEqual(client.exists("/kept").owner_session_id, session)


if __name__ == "__main__":
    harness.main()
