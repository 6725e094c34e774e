#!/usr/bin/python3
"""The system watches no more descriptors (fs.epoll.max_user_watches): whoever comes is turned away at each door, and the log says
why; who is there is served, and so is everybody once there is room again."""
# sanitizers: no (their runtime wants to be the first library, and one is preloaded)
# limit: 120
import os
import socket
import subprocess
import tempfile
import unittest

from trees import connect, harness


class FullAgent(harness.Agent):
    library = None

    def command(self, config_path):
        self.switch = os.path.join(self.directory, "full")
        return ["env", "LD_PRELOAD=" + self.library, "FULL_EPOLL=" + self.switch] + super().command(config_path)


def is_closed_at(family, address):
    """Without a word to whoever calls there."""
    with socket.socket(family, socket.SOCK_STREAM) as stranger:
        stranger.settimeout(20)
        stranger.connect(address)
        try:
            return stranger.recv(1) == b""
        except ConnectionResetError:
            return True


class FullEpoll(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        FullAgent.library = os.path.join(directory.name, "full_epoll.so")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "full_epoll.c")
        subprocess.run([harness.need_program(os.environ.get("CC", "gcc"), "gcc"), "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o",
                        FullAgent.library, source, "-ldl"], check=True)

    def test_whoever_comes_is_turned_away(self):
        agent = FullAgent()
        self.addCleanup(agent.stop)
        agent.start()
        doors = [(socket.AF_INET, ("127.0.0.1", agent.port)), (socket.AF_INET, ("127.0.0.1", agent.admin_port)),
                 (socket.AF_UNIX, os.path.join(agent.data_dir, "zooid", "zookeeper.sock")),
                 (socket.AF_UNIX, os.path.join(agent.data_dir, "zooid", "zooid.sock"))]
        there = connect(agent)
        with open(agent.switch, "w", encoding="ascii"):
            pass
        for turn in range(3):    # the same descriptors, whose handles are kept
            for family, address in doors:
                self.assertTrue(is_closed_at(family, address), address)
            there.create("/served-%d" % turn, b"as ever")
        self.assertIn("(fs.epoll.max_user_watches): ", agent.log_tail())
        os.unlink(agent.switch)
        self.assertEqual(connect(agent).must("getData", path="/served-2", watch=False)["data"], b"as ever")
        self.assertIn("Mode: standalone", agent.word("srvr"))


if __name__ == "__main__":
    harness.main()
