#!/usr/bin/python3
"""The end of the log is missing without a trace, cut or zeroed exactly behind a record or with its last file: the start
is refused and --check-data says damaged, until the operator accepts the loss. A copy made while the agent runs is
none."""
# limit: 300
import os
import shutil
import struct
import subprocess
import unittest

from trees import connect, harness, read_tree

HEADER = 16
NODES = 12


def check(agent):
    return subprocess.run([harness.AGENT, "--check-data", agent.data_dir], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)


def logs(agent):
    directory = os.path.join(agent.data_dir, "version-2")
    names = [name for name in os.listdir(directory) if name.startswith("log.")]
    return [os.path.join(directory, name) for name in sorted(names, key=lambda name: int(name[4:], 16))]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    """In place, as nobody puts a file back who wants to hide something."""
    with open(path, "wb") as file:
        file.write(content)


def records(content):
    """Where each record begins, and where the last one ends."""
    ends, at = [], HEADER
    while at + 12 <= len(content):
        size = struct.unpack(">I", content[at + 8:at + 12])[0]
        if size == 0:
            break
        ends.append(at)
        at += 12 + size + 1
    return ends + [at]


def marked(path):
    """The zxid that the mark names: behind its magic, version and the log file's number."""
    return struct.unpack(">q", read(path)[16:24])[0]


def last_zxid(path):
    """Of the last record of a log: behind checksum, length, session id and cxid."""
    content = read(path)
    at = records(content)[-2]
    return struct.unpack(">q", content[at + 24:at + 32])[0]


class LogEnd(unittest.TestCase):
    def setUp(self):
        self.agent = self.make()
        self.agent.start()
        client = connect(self.agent)
        for number in range(NODES):
            client.create("/n%d" % number, b"acknowledged")
        self.mark = os.path.join(self.agent.data_dir, "zooid", "log_end")
        self.wait_marked()

    def wait_marked(self):
        """It is written behind the answer: a crash in between would leave it at the record before."""
        harness.wait_until(lambda: marked(self.mark) == last_zxid(logs(self.agent)[-1]), what="the end to be marked")

    def make(self, **settings):
        agent = harness.Agent(settings)
        self.addCleanup(agent.stop)
        return agent

    def assert_refused(self, what):
        done = check(self.agent)
        self.assertEqual(done.returncode, 2, what + ": " + done.stdout)
        self.assertIn("zooid/log_end: at byte 0: the log had been synced up to zxid 0x", done.stdout, what)
        self.agent.launch()
        self.assertEqual(self.agent.process.wait(60), 1, what)
        self.agent.exit_codes_expected.add(1)
        tail = self.agent.log_tail(5)
        self.assertIn("zooid/log_end at byte 0: the log had been synced up to zxid 0x", tail, what)
        self.assertIn("to go on without it, remove this file", tail, what)

    def test_an_end_that_is_missing_is_refused_until_it_is_back(self):
        expected = read_tree(self.agent)
        self.wait_marked()
        self.agent.kill()
        log = logs(self.agent)[-1]
        content = read(log)
        starts = records(content)
        self.assertGreater(len(starts), NODES)
        for at in starts[:-1]:
            write(log, content[:at])
            self.assert_refused("cut at %d" % at)
            write(log, content[:at] + bytes(len(content) - at))
            self.assert_refused("zeros from %d" % at)
        write(log, content[:starts[-1] - 5])
        self.assert_refused("cut in the last record")
        os.unlink(log)
        self.assert_refused("no file")
        write(log, content)
        done = check(self.agent)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.agent.start()
        self.assertEqual(read_tree(self.agent), expected)

    def test_the_operator_may_accept_the_loss(self):
        self.agent.kill()
        log = logs(self.agent)[-1]
        content = read(log)
        cut = next(at for at in records(content) if content.find(b"/n7\0", at, at + 60) >= 0)
        write(log, content[:cut])
        self.assert_refused("cut")
        os.unlink(self.mark)
        self.agent.start()
        tree = read_tree(self.agent)
        self.assertIn("/n6", tree)
        self.assertNotIn("/n7", tree)
        self.agent.kill()
        log = logs(self.agent)[-1]  # from now on the end is marked again
        write(log, read(log)[:records(read(log))[0]])
        self.assert_refused("cut again")

    def test_what_was_being_written_at_the_crash_is_cut_off(self):
        expected = read_tree(self.agent)
        self.agent.kill()
        log = logs(self.agent)[-1]
        content = read(log)
        starts = records(content)
        torn = content[starts[-2]:starts[-1] - 8]
        write(log, content[:starts[-1]] + torn)
        done = check(self.agent)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.agent.start()
        self.assertEqual(read_tree(self.agent), expected)

    def test_a_copy_of_a_directory_in_use_starts(self):
        """The log is copied before the mark, and so ends before it."""
        other = self.make()
        os.rmdir(other.data_dir)
        shutil.copytree(os.path.join(self.agent.data_dir, "version-2"), os.path.join(other.data_dir, "version-2"))
        connect(self.agent).create("/later")
        shutil.copytree(os.path.join(self.agent.data_dir, "zooid"), os.path.join(other.data_dir, "zooid"),
                        ignore=shutil.ignore_patterns("*.sock"))
        done = check(other)
        self.assertIn(done.returncode, (0, 1), done.stdout)
        self.assertIn("log_end: at byte 0: written in another file than this one", done.stdout)
        other.start()
        tree = read_tree(other)
        self.assertIn("/n%d" % (NODES - 1), tree)
        self.assertNotIn("/later", tree)

    def test_a_damaged_mark_is_said_and_written_anew(self):
        expected = read_tree(self.agent)
        self.agent.kill()
        write(self.mark, b"ZLOG" + bytes(24))
        done = check(self.agent)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.agent.start()
        self.assertIn("the mark of the log's end is damaged and not used", self.agent.log_tail())
        self.assertEqual(read_tree(self.agent), expected)
        self.agent.terminate()
        done = check(self.agent)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("log_end: sound, the log goes up to zxid", done.stdout)

    def test_a_mark_that_cannot_be_written_is_said_and_nothing_stops(self):
        self.agent.kill()
        os.unlink(self.mark)
        os.mkdir(self.mark)
        self.agent.start()
        self.assertIn("zooid/log_end: cannot be written", self.agent.log_tail())
        connect(self.agent).create("/more")
        self.agent.restart()
        self.assertIn("/more", read_tree(self.agent))


if __name__ == "__main__":
    harness.main()
