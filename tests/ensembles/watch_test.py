#!/usr/bin/python3
"""Watches of clients of the local door that have no session, and so no event that would tell them: they outlive the end
of the member's role and a restart of its agent."""
# limit: 120
import os
import subprocess
import unittest

from ensemble import AGENT, Ensemble, harness
import command
import local_wire
from local_wire import pb


class Watches(unittest.TestCase):
    def setUp(self):
        self.ensemble = Ensemble([AGENT, AGENT, AGENT])
        self.addCleanup(self.ensemble.stop)
        self.ensemble.start()

    def watch(self, sid, path):
        """Starts the command on that member, and waits until the member knows the watch."""
        socket = os.path.join(self.ensemble[sid].data_dir, "zooid", "zooid.sock")
        process = subprocess.Popen([command.ZOOID, "watch", "-R", path], stdout=subprocess.PIPE, text=True,
                                   env=dict(os.environ, ZOOID_SOCKET=socket))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.wait_for_watch(sid)
        return process

    def wait_for_watch(self, sid):
        harness.wait_until(lambda: "Total watches:1" in self.ensemble[sid].word("wchs"), 60, "the watch to be set")

    def create(self, sid, path):
        client = self.ensemble.client(sid)
        client.must("create", path=path, data=b"", acl=[(31, "world", "anyone")], flags=0)
        client.end()

    def assert_told(self, process, path):
        self.assertIn(path, process.stdout.readline().split())

    def test_the_leader_ends(self):
        killed = self.ensemble.leader()
        sid, other = (sid for sid in self.ensemble.members if sid != killed)
        watching = self.watch(sid, "/watched")
        self.create(other, "/watched")
        self.assert_told(watching, "/watched")
        self.ensemble[killed].kill()
        self.ensemble.leader()
        self.wait_for_watch(sid)
        self.create(other, "/watched/later")
        self.assert_told(watching, "/watched/later")

    def test_what_has_been_answered_comes_before_the_goodbye(self):
        """A sync waits for a quorum that is stopped, and behind it an answer that is ready; then the leader leaves."""
        leader = self.ensemble.leader()
        client = local_wire.Client(os.path.join(self.ensemble[leader].data_dir, "zooid", "zooid.sock"), 60)
        self.addCleanup(client.close)
        client.must(get=pb.Get(path="/", watch=True))
        self.ensemble.freeze(set(self.ensemble.members) - {leader})
        sync, ready = client.submit(sync=pb.Sync()), client.submit(command=pb.Command(name="ruok"))
        said = []
        while not said or not said[-1].HasField("goodbye"):
            said.append(client.receive())
        self.assertEqual([message.id for message in said], [ready, 0])
        self.assertTrue(said[0].HasField("report"))
        self.assertEqual(said[1].goodbye.error.code, pb.NOT_SERVING)
        self.assertNotEqual(sync, ready)

    def test_the_agent_is_killed_and_must_find_a_leader_first(self):
        leader = self.ensemble.leader()
        sid = next(sid for sid in self.ensemble.members if sid != leader)
        watching = self.watch(sid, "/watched")
        self.create(leader, "/watched")
        self.assert_told(watching, "/watched")
        self.ensemble[sid].kill()
        self.ensemble[sid].launch()
        self.ensemble.wait_serving(sid)
        self.wait_for_watch(sid)
        self.create(leader, "/watched/later")
        self.assert_told(watching, "/watched/later")


if __name__ == "__main__":
    harness.main()
