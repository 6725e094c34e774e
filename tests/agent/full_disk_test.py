#!/usr/bin/python3
"""No room on the disk: nothing that cannot be logged is acknowledged, reads and sessions go on, and writing resumes by
itself when there is room; a limit on the size of files stands in for a small disk."""
# limit: 300
import os
import resource
import unittest

from trees import connect, harness, read_tree, wire

MIB = 1 << 20


class FullDisk(unittest.TestCase):
    def start(self, **settings):
        self.agent = harness.Agent(settings)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def limit(self, size):
        resource.prlimit(self.agent.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def fill_up(self, client):
        """Writes until a write is not answered; the number of those that were."""
        self.limit(MIB + 100000)
        client.create("/full")
        for number in range(1000):
            xid = client.submit("create", path="/full/%d" % number, data=bytes(10000), acl=wire.OPEN_ACL, flags=0)
            self.last_answered = False
            harness.wait_until(lambda: "no space" in self.agent.log_tail(5) or self.answered(client, xid), 30,
                               "an answer or a full log")
            if not self.last_answered:
                return number
        self.fail("the log never ran full")

    def answered(self, client, xid):
        try:
            reply = client.next_reply("create", 0.05)
        except TimeoutError:
            return False
        self.assertEqual((reply.xid, reply.err), (xid, 0))
        self.last_answered = True
        return True

    def test_writes_wait_and_reads_go_on(self):
        self.start()
        writer, reader = connect(self.agent), connect(self.agent, timeout=4000)
        number = self.fill_up(writer)
        self.assertGreater(number, 50)
        self.assertEqual(reader.must("getAllChildrenNumber", path="/full")["number"], number)
        self.assertEqual(reader.call("exists", path="/full/%d" % number, watch=False).err, -101)
        self.assertIn(b"Mode: standalone", harness.four_letter_word(self.agent.port, "srvr"))

        self.limit(resource.RLIM_INFINITY)
        self.assertEqual(writer.next_reply("create", 20).err, 0)
        writer.create("/full/again", bytes(100000))
        self.assertTrue(self.agent.alive())
        expected = read_tree(self.agent)
        self.assertIn("/full/%d" % number, expected)
        self.agent.restart()
        self.assertEqual(read_tree(self.agent), expected)

    def test_a_kill_while_it_is_full_loses_nothing(self):
        self.start()
        writer = connect(self.agent)
        number = self.fill_up(writer)
        self.agent.restart()
        tree = read_tree(self.agent)
        for path in ["/full/%d" % n for n in range(number)]:
            self.assertIn(path, tree)

    def test_a_checkpoint_without_room_is_tried_again(self):
        self.start(txnLogSizeLimitInKb=300)
        writer = connect(self.agent)
        checkpoint = os.path.join(self.agent.data_dir, "zooid", "checkpoint")
        self.limit(3 * MIB // 2)  # enough for each file of the log
        for first in range(0, 6000, 500):
            for number in range(first, first + 500):
                writer.submit("create", path="/n%d" % number, data=bytes(300), acl=wire.OPEN_ACL, flags=0)
            for number in range(first, first + 500):
                self.assertEqual(writer.next_reply("create").err, 0)
        harness.wait_until(lambda: "checkpoint failed, the log is kept" in self.agent.log_tail(20), 30,
                           "a checkpoint to fail")
        writer.create("/goes-on")
        self.limit(resource.RLIM_INFINITY)
        harness.wait_until(lambda: "is on disk" in self.agent.log_tail(20), 60, "the checkpoint to be written")
        self.assertGreater(os.path.getsize(checkpoint), 2 * MIB)
        expected = read_tree(self.agent)
        self.agent.restart()
        self.assertEqual(read_tree(self.agent), expected)


if __name__ == "__main__":
    harness.main()
