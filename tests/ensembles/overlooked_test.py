#!/usr/bin/python3
"""What Apache's members up to 3.8.0 overlook (ZOOKEEPER-4537), shown for certain: a debugger holds the CommitProcessor of one
below an agent between its look at the queues and its sleep. What the leader sends meanwhile is on the wire and in its queue,
and it sleeps on. Our clients in tests wake it by a request, or by another client's while they have no session yet."""
# limit: 300
import re
import subprocess
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from ensemble import AGENT, APACHE, Ensemble, harness, metric, wire
from wiretap import tap

JDB = harness.need_program("jdb", "default-jdk-headless")
VERSION = "3.8.0"
BEFORE_IT_SLEEPS = "org.apache.zookeeper.server.quorum.CommitProcessor:221"
WITH_DEBUGGER = "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:0"


class Debugger:
    """Holds the thread of a server that comes to that line, until it is let go."""

    def __init__(self, server, line):
        self.line, self.is_set, self.holds = line, threading.Event(), threading.Event()
        port = re.search(r"Listening for transport dt_socket at address: (\d+)", server.log_tail(10000)).group(1)
        self.process = subprocess.Popen([JDB, "-attach", "127.0.0.1:" + port], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()
        self.tell("stop thread at " + line)

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def listen(self):
        said = ""
        for character in iter(lambda: self.process.stdout.read(1), ""):
            said += character
            for words, event in (("Set breakpoint", self.is_set), ("Breakpoint hit", self.holds)):
                if words in said:
                    said = ""
                    event.set()

    def let_go(self):
        self.tell("clear " + self.line)
        self.tell("resume")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdin.close()
        self.process.stdout.close()


class Overlooked(unittest.TestCase):
    def setUp(self):
        ensemble = self.ensemble = Ensemble([APACHE, AGENT, AGENT])
        self.addCleanup(ensemble.stop)
        self.tapped = tap(ensemble, 1, 3)
        ensemble.start([2, 3])
        self.assertEqual(ensemble.leader(), 3)
        self.server = ensemble[1]
        self.server.prefix = lambda: ["env", "JAVA_TOOL_OPTIONS=" + WITH_DEBUGGER]
        ensemble.start([1])
        if "version: %s-" % VERSION not in self.server.word("srvr"):
            self.skipTest("another version than %s" % VERSION)
        self.client = wire.Client((self.server.host, self.server.port))
        self.addCleanup(self.client.close)

    def about_to_sleep(self):
        """The debugger holds the thread, which has seen that there is nothing to do."""
        debugger = Debugger(self.server, BEFORE_IT_SLEEPS)
        self.addCleanup(debugger.stop)
        harness.wait_until(debugger.is_set.is_set, 60, "the debugger to be ready")
        self.client.must("exists", path="/", watch=False)
        harness.wait_until(debugger.holds.is_set, 60, "the thread to come there")
        return debugger

    def queued(self):
        """How many commits and answers to syncs have been put in its queue."""
        return int(metric(self.server, "zk_request_commit_queued"))

    def wait_queued(self, more_than):
        harness.wait_until(lambda: self.queued() > more_than, 30, "the answer to be in its queue")

    def test_a_sync_is_answered_on_the_wire_and_overlooked(self):
        debugger, before = self.about_to_sleep(), self.queued()
        self.client.submit("sync", path="/")
        self.wait_queued(before)
        link = self.tapped.links[-1]
        self.assertEqual(link.asked()[-1], "sync")
        self.assertEqual(link.answered(), link.asked())
        debugger.let_go()
        with self.assertRaises(TimeoutError):
            self.client.next_reply("sync", 2)
        xid = self.client.submit("exists", path="/", watch=False)
        self.assertEqual(self.client.next_reply("sync").err, 0)
        self.assertEqual(self.client.next_reply("exists").xid, xid)

    def test_a_session_is_overlooked_until_another_client_comes(self):
        """Not until it has expired: then the next request would find it closed."""
        debugger, before = self.about_to_sleep(), self.queued()
        with ThreadPoolExecutor(1) as executor:
            connecting = executor.submit(self.ensemble.client, 1, timeout=6000)
            self.wait_queued(before)
            debugger.let_go()
            client = connecting.result()
        self.assertGreater(len(client.others), 0)
        client.must("sync", path="/")
        client.create("/n", flags=wire.EPHEMERAL)
        client.end()


if __name__ == "__main__":
    harness.main()
