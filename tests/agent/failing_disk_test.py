#!/usr/bin/python3
"""[7.2 4882] [7.3 4203] A write or a sync of the log fails: nothing is acknowledged any more, not even when the disk has come to its senses;
the agent says so and is not ready; a restart has all that was acknowledged. A sync that takes its time holds up nobody but who waits for it."""
# sanitizers: no (their runtime wants to be the first library, and the failing disk is preloaded)
# limit: 300
import json
import tempfile
import unittest
import urllib.error
import urllib.request

from failing_agent import FailingAgent, build_library
from trees import connect, harness, read_tree, wire


class FailingDisk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        FailingAgent.library = build_library(directory.name)

    def ready(self):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/ready" % self.agent.admin_port, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def assert_refused(self):
        """Whoever comes is not served: no session, no answer."""
        try:
            self.assertIsNone(wire.Client(("127.0.0.1", self.agent.port)).session)
        except ConnectionError:
            pass

    def check(self, what):
        self.agent = FailingAgent()
        self.addCleanup(self.agent.stop)
        self.agent.start()
        writer, reader = connect(self.agent), connect(self.agent)
        for number in range(50):
            writer.create("/before-%d" % number, b"acknowledged")
        self.assertEqual(self.ready(), 200)

        self.agent.fail(what)
        self.assertIsNone(writer.call("create", path="/unanswered", data=b"", acl=wire.OPEN_ACL, flags=0))
        self.assertTrue(reader.closed_by_server())
        harness.wait_until(lambda: self.ready() == 503, 20, "/ready to say no")
        self.assertIn("version-2/log.1: input or output error (Input/output error)", self.agent.log_tail(10))
        self.assert_refused()
        self.agent.heal()
        self.assert_refused()
        self.assertEqual(self.ready(), 503)

        self.agent.restart()
        self.assertEqual(self.ready(), 200)
        tree = read_tree(self.agent)
        for number in range(50):
            self.assertIn("/before-%d" % number, tree)

    def test_a_failed_sync(self):
        self.check("sync")

    def test_a_failed_write(self):
        self.check("write")

    def held_up(self):
        """A write whose sync does not end, and with it the thread that serves as a rule; another one serves."""
        self.agent = FailingAgent()
        self.addCleanup(self.agent.stop)
        self.agent.start()
        self.addCleanup(self.agent.heal)
        writer, reader = connect(self.agent), connect(self.agent)
        writer.create("/before", b"")
        self.agent.fail("stuck")
        writer.submit("create", path="/held-up", data=b"", acl=wire.OPEN_ACL, flags=0)
        for _ in range(20):
            reader.must("exists", path="/", watch=False)
        return writer, reader

    def test_a_stop_while_a_sync_is_stuck(self):
        writer, _ = self.held_up()
        self.agent.process.terminate()
        harness.wait_until(lambda: " stopping" in self.agent.log_tail(10), 20, "the agent to stop")
        self.agent.heal()
        self.assertIsNotNone(writer.next_reply("create"))
        self.agent.terminate()
        self.agent.start()
        self.assertIn("/held-up", read_tree(self.agent))

    def test_a_sync_that_fails_late(self):
        writer, reader = self.held_up()
        self.agent.fail("sync")
        self.assertIsNone(writer.next_reply("create"))
        self.assertTrue(reader.closed_by_server())
        harness.wait_until(lambda: self.ready() == 503, 20, "/ready to say no")
        self.agent.heal()
        self.agent.restart()
        self.assertIn("/before", read_tree(self.agent))

    def test_a_stuck_sync_holds_up_no_reader(self):
        """The lone writer's log is written by the very thread that serves, as a rule."""
        self.agent = FailingAgent()
        self.addCleanup(self.agent.stop)
        self.agent.start()
        self.addCleanup(self.agent.heal)
        writer, reader = connect(self.agent), connect(self.agent)
        for number in range(20):
            self.agent.fail("stuck")
            writer.submit("create", path="/stuck-%d" % number, data=b"", acl=wire.OPEN_ACL, flags=0)
            for _ in range(20):
                reader.must("exists", path="/", watch=False)
            self.assertEqual(self.ready(), 200)
            self.agent.heal()
            self.assertIsNotNone(writer.next_reply("create"))
        self.agent.restart()
        self.assertIn("/stuck-19", read_tree(self.agent))

    def slow_syncs(self):
        with urllib.request.urlopen("http://127.0.0.1:%d/commands/server_stats" % self.agent.admin_port, timeout=20) as answer:
            return json.load(answer)["server_stats"]["fsync_threshold_exceed_count"]

    def test_slow_syncs_are_told_and_counted(self):
        self.agent = FailingAgent({"fsync.warningthresholdms": 250})
        self.addCleanup(self.agent.stop)
        self.agent.start()
        writer = connect(self.agent)
        before = self.slow_syncs()
        self.agent.fail("slow")
        for number in range(3):
            writer.create("/slow-%d" % number)
        self.agent.heal()
        self.assertGreaterEqual(self.slow_syncs(), before + 3)
        self.assertRegex(self.agent.log_tail(), r"warn  storage: syncing the transaction log took \d{3,} ms")


if __name__ == "__main__":
    harness.main()
