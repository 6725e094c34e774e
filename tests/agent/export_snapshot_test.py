#!/usr/bin/python3
"""After `zooid-agent --export-snapshot` Apache ZooKeeper starts on the agent's data directory and has the same tree;
and the agent goes on where Apache left off."""
# limit: 600
import os
import subprocess
import unittest

from trees import SESSIONS, assert_same, assert_sessions_came_along, connect, fill, harness, hold_sessions, read_tree

TICK_MS = 500


def export(agent):
    """Runs the export with the agent's own configuration; returns the finished process."""
    config = os.path.join(agent.directory, "zoo.cfg")
    return subprocess.run([harness.AGENT, "-c", config, "--export-snapshot"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)


def check(agent):
    return subprocess.run([harness.AGENT, "--check-data", agent.data_dir], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)


def snapshots(server):
    return sorted(name for name in os.listdir(os.path.join(server.data_dir, "version-2")) if name.startswith("snapshot."))


class ExportSnapshot(unittest.TestCase):
    def start(self, server_class, **settings):
        server = server_class(dict({"tickTime": TICK_MS}, **settings))
        self.addCleanup(server.stop)
        return server

    def apache_on(self, agent, **settings):
        return self.start(harness.Apache, dataDir=agent.data_dir, **settings).start()

    def export(self, agent):
        done = export(agent)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("snapshot.", done.stdout)
        self.assertEqual(len(snapshots(agent)), 1)
        # Apache may cut the log as a follower; the mark of its end must not count when the agent comes back.
        self.assertFalse(os.path.exists(os.path.join(agent.data_dir, "zooid", "log_end")))

    def test_apache_serves_it_whole(self):
        agent = self.start(harness.Agent, snapCount=200).start()
        for seed in range(3):
            fill(agent, seed)
        expected = read_tree(agent)
        agent.kill()
        self.export(agent)
        server = self.apache_on(agent)
        found = read_tree(server)
        self.assertGreater(len(found), 500)
        assert_same(self, expected, found)
        self.assertNotIn("Digests are not matching", server.log_tail(10000))

    def test_there_and_back(self):
        agent = self.start(harness.Agent).start()
        fill(agent, 1)
        agent.terminate()
        self.export(agent)
        server = self.apache_on(agent)
        fill(server, 2)
        expected = read_tree(server)
        server.kill()
        agent.start()
        assert_same(self, expected, read_tree(agent))
        fill(agent, 3)
        expected = read_tree(agent)
        agent.restart()
        assert_same(self, expected, read_tree(agent))

    def test_apache_goes_on_without_an_export(self):
        """Where it left a snapshot it starts; then the log has gone on, and the mark of its end is an old one."""
        server = self.start(harness.Apache).start()
        fill(server, 1)
        server.kill()
        agent = self.start(harness.Agent, dataDir=server.data_dir).start()
        fill(agent, 2)
        agent.kill()
        server.start()
        fill(server, 3)
        expected = read_tree(server)
        server.kill()
        self.assertTrue(os.path.exists(os.path.join(server.data_dir, "zooid", "log_end")))
        agent.start()
        assert_same(self, expected, read_tree(agent))

    def test_sessions_come_along(self):
        agent = self.start(harness.Agent, **SESSIONS).start()
        holders = hold_sessions(agent)
        expected = read_tree(agent)
        agent.kill()
        for holder in holders:
            holder.close()
        self.export(agent)
        assert_sessions_came_along(self, expected, self.apache_on(agent, **SESSIONS))

    def test_an_empty_directory_and_a_second_time(self):
        agent = self.start(harness.Agent).start()
        expected = read_tree(agent)
        agent.terminate()
        self.export(agent)
        self.export(agent)
        server = self.apache_on(agent)
        assert_same(self, expected, read_tree(server))

    def test_it_is_refused_while_the_agent_runs(self):
        agent = self.start(harness.Agent).start()
        client = connect(agent)
        client.create("/here")
        done = export(agent)
        self.assertEqual(done.returncode, 1)
        self.assertIn("process %d" % agent.process.pid, done.stdout)
        client.create("/still-here")
        client.end()
        done = check(agent)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("process %d runs on this directory" % agent.process.pid, done.stdout)


if __name__ == "__main__":
    harness.main()
