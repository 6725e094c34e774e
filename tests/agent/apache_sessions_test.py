#!/usr/bin/python3
"""Sessions that came with a directory of Apache ZooKeeper are taken up with the passwords that Apache gave out; a session
of the agent's own is not, since anyone can compute those from its id."""
# limit: 300
import os
import shutil
import unittest

from trees import harness
import wire

TICK_MS = 1000
MASK = (1 << 48) - 1


def apache_password(session_id):
    """Apache's public rule: four steps of java.util.Random."""
    state = ((session_id ^ 0xB3415C00) ^ 0x5DEECE66D) & MASK
    password = b""
    for _ in range(4):
        state = (state * 0x5DEECE66D + 0xB) & MASK
        password += ((state >> 16) & 0xFFFFFFFF).to_bytes(4, "little")
    return password


def connect(server, session=None):
    return wire.Client(("127.0.0.1", server.port), timeout=20000, session=session)


class ApacheSessions(unittest.TestCase):
    def taken_over(self):
        """An agent on a directory in which Apache left a session with an ephemeral; and that session."""
        server = harness.Apache({"tickTime": TICK_MS}).start()
        self.addCleanup(server.stop)
        client = connect(server)
        client.create("/held", flags=wire.EPHEMERAL)
        session = client.session
        server.kill()
        client.close()
        agent = harness.Agent({"tickTime": TICK_MS})
        self.addCleanup(agent.stop)
        shutil.rmtree(agent.data_dir)
        shutil.copytree(server.data_dir, agent.data_dir)
        return agent.start(), session

    def test_the_client_takes_its_session_up_and_again_after_a_restart(self):
        agent, session = self.taken_over()
        self.assertEqual(session.password, apache_password(session.id))
        for _ in range(2):
            client = connect(agent, session)
            self.assertEqual(client.session.id, session.id)
            stat = client.must("exists", path="/held", watch=False)["stat"]
            self.assertEqual(stat.ephemeralOwner, session.id)
            client.close()
            agent.restart()

    def test_a_session_of_the_agent_s_own_needs_its_own_password(self):
        agent, _ = self.taken_over()
        client = connect(agent)
        own = client.session
        stranger = connect(agent, own._replace(password=apache_password(own.id)))
        self.assertEqual(stranger.session.id, 0)
        client.must("exists", path="/", watch=False)
        stranger.close()
        client.end()

    def test_the_list_is_for_its_owner_s_eyes_and_damage_is_named(self):
        agent, _ = self.taken_over()
        path = os.path.join(agent.data_dir, "zooid", "apache_sessions")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        agent.terminate()
        with open(path, "ab") as file:
            file.write(b"x")
        with self.assertRaises(Exception):
            agent.start(deadline_s=20)
        self.assertIn("apache_sessions: damaged", agent.log_tail())
        os.remove(path)
        agent.start()


if __name__ == "__main__":
    harness.main()
