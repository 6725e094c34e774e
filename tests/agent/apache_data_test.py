#!/usr/bin/python3
"""A data directory that Apache ZooKeeper wrote is served whole by the agent: nodes, ACLs, stats, sessions and their
ephemerals, whether Apache was stopped or killed, with one log or many snapshots."""
# limit: 600
import os
import shutil
import unittest

from trees import SESSIONS, assert_same, assert_sessions_came_along, fill, harness, hold_sessions, read_tree

TICK_MS = 500


def apache(**settings):
    return harness.Apache(dict({"tickTime": TICK_MS}, **settings)).start()


def agent_on(server, **settings):
    """An agent on a copy of the server's directory."""
    agent = harness.Agent(dict({"tickTime": TICK_MS}, **settings))
    shutil.rmtree(agent.data_dir)
    shutil.copytree(server.data_dir, agent.data_dir)
    return agent


class ApacheData(unittest.TestCase):
    def end(self, server):
        self.addCleanup(server.stop)
        return server

    def serve(self, agent):
        self.end(agent).start()
        return agent

    def test_a_stopped_server_s_directory(self):
        server = self.end(apache())
        fill(server, 1)
        expected = read_tree(server)
        server.terminate()
        agent = self.serve(agent_on(server))
        assert_same(self, expected, read_tree(agent))

    def test_a_killed_server_s_directory_with_many_snapshots(self):
        server = self.end(apache(snapCount=100, **{"autopurge.purgeInterval": 0}))
        for seed in range(4):
            fill(server, seed)
        expected = read_tree(server)
        server.kill()
        names = os.listdir(os.path.join(server.data_dir, "version-2"))
        self.assertGreater(sum(name.startswith("snapshot.") for name in names), 2)
        self.assertGreater(sum(name.startswith("log.") for name in names), 2)
        agent = self.serve(agent_on(server))
        assert_same(self, expected, read_tree(agent))

    def test_sessions_and_ephemerals_live_on_and_then_expire(self):
        server = self.end(apache(**SESSIONS))
        fill(server, 3, nodes=20)
        holders = hold_sessions(server)
        expected = read_tree(server)
        server.kill()
        for holder in holders:
            holder.close()
        assert_sessions_came_along(self, expected, self.serve(agent_on(server, **SESSIONS)))

    def test_what_is_written_on_it_is_there_after_a_kill(self):
        server = self.end(apache())
        fill(server, 1)
        server.kill()
        agent = self.serve(agent_on(server, snapCount=200))
        fill(agent, 2)
        expected = read_tree(agent)
        agent.restart()
        assert_same(self, expected, read_tree(agent))

    def test_a_log_and_snapshots_in_separate_directories(self):
        server = harness.Apache({"tickTime": TICK_MS})
        self.end(server)
        logs = os.path.join(server.directory, "logs")
        server.settings["dataLogDir"] = logs
        server.start()
        fill(server, 5)
        expected = read_tree(server)
        server.kill()
        agent = agent_on(server)
        agent.settings["dataLogDir"] = os.path.join(agent.directory, "logs")
        shutil.copytree(logs, agent.settings["dataLogDir"])
        self.serve(agent)
        assert_same(self, expected, read_tree(agent))


if __name__ == "__main__":
    harness.main()
