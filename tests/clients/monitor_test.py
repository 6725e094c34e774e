#!/usr/bin/python3
"""The agent's log at the local door: levels of their own, readers that are slow, and the command `zooid monitor`."""
import os
import select
import signal
import unittest

import command
import harness
import local_wire
from local_wire import pb

# Each is a line of the log whenever the settings are read.
UNKNOWN = {"unknown.key.%03d" % number: "x" * 100 for number in range(200)}
LAST = "nothing has changed"


class Monitor(local_wire.Caller):
    """One that follows the log."""

    def __init__(self, path, level="info"):
        self.lines, self.missed = [], 0
        super().__init__(path)
        self.id = self.submit(monitor=pb.Monitor(level=level))
        self.first = self.receive()

    def receive(self):
        message = super().receive()
        if message is not None and message.HasField("log_lines"):
            self.missed += message.log_lines.missed
            self.lines += message.log_lines.line
        return message

    def count(self, text):
        return sum(text in line for line in self.lines)

    def until(self, text, count=1):
        """Takes what comes until so many lines have that text."""
        while self.count(text) < count:
            if self.receive() is None:
                raise AssertionError("the connection has ended")


class MonitorTestCase(command.CommandCase):
    settings = {"zooid.logLevel": "error"}

    @property
    def path(self):
        return os.path.join(self.server.data_dir, "zooid", "zooid.sock")

    def monitor(self, level="info"):
        monitor = Monitor(self.path, level)
        self.addCleanup(monitor.close)
        return monitor

    def reload(self):
        self.server.process.send_signal(signal.SIGHUP)


class Levels(MonitorTestCase):
    def test_each_has_its_own_and_the_log_has_its_own(self):
        info, error = self.monitor(), self.monitor("error")
        self.assertTrue(info.first.more and error.first.more)
        self.reload()
        info.until(LAST)
        self.assertRegex(info.lines[-1], r"^\d{4}-\d\d-\d\dT\S+Z info  settings: nothing has changed$")
        error.must(get=pb.Get(path="/"))
        self.assertEqual((error.lines, error.missed), ([], 0))
        with open(self.server.log_path, encoding="utf-8") as log:
            self.assertNotIn(LAST, log.read())
        info.send(pb.ToAgent(cancel=info.id))
        self.assertEqual(info.reply(info.id)[-1].error.code, pb.CANCELLED)
        last = self.monitor()
        self.reload()
        last.until(LAST)

    def test_what_is_refused(self):
        self.assertEqual(self.monitor("loud").first.error.code, pb.BAD_ARGUMENTS)

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_it_is_for_administrators(self):
        code = local_wire.as_user(self.path, 4711, 4711, lambda name: Monitor(name).first.error.code)
        self.assertEqual(code, pb.NOT_PERMITTED)

    def test_the_command_prints_lines(self):
        process = self.started("monitor", "-n", "1000000")
        watcher = self.monitor()
        while True:  # until the command follows, too
            self.reload()
            watcher.until(LAST, watcher.count(LAST) + 1)
            if select.select([process.stdout], [], [], 0)[0]:
                break
        self.assertIn(" info  settings: ", process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 128 + signal.SIGTERM)
        self.assertIn("the level is none of", self.zooid("monitor", "-l", "loud", code=command.FAILED))


class Slow(MonitorTestCase):
    settings = {"zooid.logLevel": "error", "zooid.localMonitorMax": 65536, **UNKNOWN}

    def test_whoever_does_not_read_misses_lines_and_is_told_how_many(self):
        slow, quick = self.monitor(), self.monitor()
        reloads = 0
        while reloads < 20:
            reloads += 1
            self.reload()
            quick.until(LAST, reloads)
        self.assertEqual(quick.missed, 0)
        slow.must(get=pb.Get(path="/"))  # comes behind everything that it was sent
        self.assertLess(len(slow.lines), len(quick.lines))
        self.reload()
        slow.until(LAST, slow.count(LAST) + 1)
        quick.until(LAST, reloads + 1)
        self.assertGreater(slow.missed, 0)
        self.assertEqual(len(slow.lines) + slow.missed, len(quick.lines))


if __name__ == "__main__":
    harness.main()
