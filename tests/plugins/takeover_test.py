#!/usr/bin/python3
"""What a plugin holds passes to its next process: locks, elections and leases of semaphores, at a reload and after a crash,
with nobody in between and never with two who believe that they have it."""
import os
import re
import shutil
import signal
import tempfile
import threading

import plugin_rig
import supervised
from plugin_rig import harness

from kazoo.client import KazooClient

# Its session lives on for longer than any test, so that nothing is had by waiting for its end.
LIMITS = "linger_ms = 600000; session_ms = 60000;"

SCRIPT = """
local zooid = require "zooid"
zooid.ready() -- the process before has the lock until this one is
local lock = assert(zooid.lock("/locked", { identifier = "script" }))
zooid.log.info("lock held by script, token " .. lock:token())
local lease = assert(zooid.semaphore("/leases", 1, { identifier = "script" }))
zooid.log.info("lease held by script, token " .. lease:token())
zooid.sleep(1e9)
"""


class Takeover(harness.ServerTestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.supervisor = supervised.Supervisor(self.directory, plugin_rig.socket_of(self.server))
        supervised.compiled(self.directory)
        self.addCleanup(self.supervisor.end)
        self.client = KazooClient(self.server.address, timeout=60)
        self.client.start(60)
        self.addCleanup(self.client.close)
        self.addCleanup(self.client.stop)
        self.had = threading.Event()

    def tearDown(self):
        self.supervisor.end()
        for path in ("/locked", "/leases", "/leases-__lock__"):
            self.client.delete(path, recursive=True)

    def write_script(self):
        with open(os.path.join(self.supervisor.plugins, "script.lua"), "w", encoding="utf-8") as file:
            file.write(SCRIPT)

    def stand_behind(self, recipe):
        """Somebody else who wants it."""
        def acquire():
            recipe.acquire()
            self.had.set()
        thread = threading.Thread(target=acquire, daemon=True)
        thread.start()
        return thread

    def wait_contenders(self, count, path="/locked"):
        harness.wait_until(lambda: self.client.exists(path) and len(self.client.get_children(path)) == count, 30,
                           "%d contenders" % count)

    def add(self, more="", **options):
        self.supervisor.add("a", limits=LIMITS, holds="locks = true; " + more, **options)

    def holders(self, what="lock"):
        """[(who, token)], in order."""
        return re.findall(r"info a: %s held by (\w+), token (\d+)" % what, self.supervisor.log())

    def wait_holders(self, count, what="lock"):
        harness.wait_until(lambda: len(self.holders(what)) == count, 30,
                           "%d holders: %s" % (count, self.supervisor.log()))
        tokens = [int(token) for _, token in self.holders(what)]
        self.assertEqual(tokens, sorted(set(tokens)), "tokens grow")

    def start_and_contend(self):
        self.add()
        self.supervisor.start()
        self.wait_holders(1)
        thread = self.stand_behind(self.client.Lock("/locked", "other"))
        self.wait_contenders(2)
        return thread

    def assert_that_the_other_one_comes_last(self, thread):
        self.assertFalse(self.had.is_set())
        self.assertEqual(self.client.Lock("/locked").contenders(), ["a", "other"])
        self.assertEqual(self.supervisor.stop(), 0)
        thread.join(60)
        self.assertTrue(self.had.is_set())

    def test_at_a_reload_the_new_process_has_it_when_the_old_one_is_done(self):
        thread = self.start_and_contend()
        for number in range(2, 5):
            self.add("round = %d;" % number)
            self.supervisor.reload()
            self.wait_holders(number)
        log, pids = self.supervisor.log(), self.supervisor.started("a")
        self.assertEqual([int(pid) for pid, _ in self.holders()], pids)
        for before, after in zip(pids, pids[1:]):
            self.assertLess(log.index("stopped, pid %d" % before), log.index("lock held by %d" % after))
        self.assertNotIn("lock lost", log)
        self.assert_that_the_other_one_comes_last(thread)

    def test_after_a_crash_the_next_process_has_it(self):
        thread = self.start_and_contend()
        for number in (2, 3):
            os.kill(self.supervisor.started("a")[-1], signal.SIGKILL)
            self.wait_holders(number)
        self.assert_that_the_other_one_comes_last(thread)

    def check_that_its_place_is_kept(self, **options):
        first = self.client.Lock("/locked", "first")
        self.assertTrue(first.acquire(timeout=60))
        self.add(**options)
        self.supervisor.start()
        self.wait_contenders(2)
        self.stand_behind(self.client.Lock("/locked", "last"))
        self.wait_contenders(3)
        before = self.supervisor.row("a")["pid"]
        self.add("round = 2;", **options)
        self.supervisor.reload()
        self.supervisor.wait_for("a new process has taken over")
        harness.wait_until(lambda: not plugin_rig.lives(before), 30, "the end of the old process")
        first.release()
        self.wait_holders(1)
        self.assertFalse(self.had.is_set())

    def test_one_that_waits_keeps_its_place(self):
        self.check_that_its_place_is_kept()

    def test_a_script_that_waits_keeps_its_place(self):
        self.write_script()
        self.check_that_its_place_is_kept(plugin="script")

    def test_scripts_take_over_locks_and_leases(self):
        self.write_script()
        self.add(plugin="script", more="x = 1;")
        self.supervisor.start()
        self.wait_holders(1, "lease")
        thread = self.stand_behind(self.client.Semaphore("/leases", "other"))
        os.kill(self.supervisor.row("a")["pid"], signal.SIGKILL)
        self.wait_holders(2, "lease")
        self.add(plugin="script", more="x = 2;")
        self.supervisor.reload()
        self.wait_holders(3, "lease")
        self.wait_holders(3)
        self.assertFalse(self.had.is_set())
        self.assertEqual(self.supervisor.stop(), 0)
        thread.join(60)
        self.assertTrue(self.had.is_set())


if __name__ == "__main__":
    harness.main()
