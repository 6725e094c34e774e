#!/usr/bin/python3
"""The supervisor of plugins: what misbehaves is named, restarted with pauses that grow, and put into quarantine; a
reload makes the new before the old goes; nothing is left behind."""
import json
import os
import shutil
import signal
import tempfile

import plugin_rig
import supervised
from plugin_rig import harness


class Supervised(harness.ServerTestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)

    def supervisor(self, settings=""):
        supervisor = supervised.Supervisor(self.directory, plugin_rig.socket_of(self.server), settings)
        supervised.compiled(self.directory)
        self.addCleanup(supervisor.end)
        return supervisor

    def test_each_kind_of_misbehaviour_is_named_and_ends_in_quarantine(self):
        s = self.supervisor("quarantine_failures = 2;")
        s.add("starts", "crash at start")
        s.add("later", "crash later")
        s.add("hangs", "hang", "watchdog_ms = 500;")
        if not plugin_rig.SANITIZED:
            s.add("eats", "eat", "memory_mb = 48;")
        s.add("burns", "burn", "cpu_percent = 5; cpu_window_ms = 1000;")
        s.add("floods", "flood", "log_lines = 50; log_flood_s = 1; watchdog_ms = 30000;")
        s.add("fills", "fill", "file_mb = 2;")
        s.add("leaves", "leave a child")
        s.add("gives_up", "give up")
        s.add("late", "never ready", "start_ms = 300;")
        s.add("good", "good")
        s.start()
        reasons = {"starts": "signal 11", "later": "signal 11", "hangs": "it hangs", "burns": "of a processor",
                   "floods": "it floods its log", "fills": "file larger than 2 MB", "leaves": "signal 11",
                   "gives_up": "gives_up: enough", "late": "it was not ready within 300 ms"}
        if not plugin_rig.SANITIZED:
            reasons["eats"] = "MB of memory, more than 48"
        self.assert_quarantined(s, reasons)
        log = s.log()
        for name in reasons:
            self.assertIn("zooid plugin plugins restart %s` ends that" % name, log)
            self.assertEqual(len(s.started(name)), 2)
        for line in log.splitlines():
            if ": left " in line:
                pid = int(line.rsplit(" ", 1)[1])
                harness.wait_until(lambda: not plugin_rig.lives(pid), 20, "the end of what a plugin left behind")
        self.assertEqual(len(s.started("good")), 1, "the good one was not disturbed")
        self.assertEqual(s.stop(), 0)
        self.assertFalse(plugin_rig.lives(s.started("good")[0]))

    def assert_quarantined(self, s, reasons):
        for name, reason in reasons.items():
            s.wait_for("error %s: in quarantine after 2 failures, the last one: " % name)
            line = next(line for line in s.log().splitlines() if line.startswith("error %s: in quarantine" % name))
            self.assertIn(reason, line)

    def test_what_a_plugin_has_started_counts_as_its_own(self):
        s = self.supervisor("quarantine_failures = 2;")
        reasons = {"burns": "of a processor for 1000 ms, more than 20 (limits.cpu_percent), processes: 2",
                   "breeds": "it runs more than 8 processes (limits.processes)"}
        s.add("burns", "a child burns", "cpu_percent = 20; cpu_window_ms = 1000;")
        s.add("breeds", "many children", "processes = 8;")
        if not plugin_rig.SANITIZED:
            reasons["eats"] = "MB of memory, more than 48 (limits.memory_mb), processes: 2"
            s.add("eats", "a child eats", "memory_mb = 48;")
        s.start()
        self.assert_quarantined(s, reasons)
        for name in reasons:
            for pid in s.started(name):
                self.assertFalse(plugin_rig.lives(pid))
        harness.wait_until(lambda: s.children() == [], 20, "the end of all that they have started")
        self.assertEqual(s.stop(), 0)

    def test_a_state_directory_is_bounded_as_a_whole(self):
        s = self.supervisor("quarantine_failures = 2; state_look_ms = 100;")
        reasons = {"litters": "it keeps more than 100 files in its state directory (limits.state_files)",
                   "piles": "MB in its state directory, more than 4 (limits.state_mb)"}
        s.add("litters", "litter", "state_files = 100;")
        s.add("piles", "pile up", "file_mb = 1; state_mb = 4;")
        if os.getuid() != 0:  # who may read everything can count it
            reasons["hides"] = "its state directory cannot be counted: hidden: "
            s.add("hides", "hide")
        s.add("good", "good", "state_files = 100;")
        s.start()
        self.assert_quarantined(s, reasons)
        row = s.row("good")
        self.assertEqual((row["state"], row["state_files"], row["state_kb"], row["processes"]), ("running", 0, 0, 1))
        self.assertIn("limits.state_files", s.row("litters")["last_failure"])
        self.assertEqual(len(s.started("good")), 1)
        self.assertEqual(s.stop(), 0)

    def test_a_program_has_time_to_end_within_that_of_its_plugin(self):
        s = self.supervisor()
        s.add("a", "stubborn child", "stop_ms = 2000; watchdog_ms = 300;")
        s.start()
        files = os.path.join(s.state, "a")
        harness.wait_until(lambda: os.path.exists(os.path.join(files, "pid")), 20, "the program")
        with open(os.path.join(files, "pid"), encoding="ascii") as file:
            pid = int(file.read())
        self.assertEqual(s.stop(), 0)
        with open(os.path.join(files, "told"), encoding="ascii") as file:
            self.assertEqual(file.read(), "told\n")
        self.assertFalse(plugin_rig.lives(pid))
        self.assertNotRegex(s.log(), "error|warning")

    def test_what_refuses_is_not_tried_again(self):
        s = self.supervisor()
        s.add("refuses", "refuse")
        s.add("missing", plugin="no-such-plugin")
        s.add("wrong", more="novel = 1;")
        s.add("off", more="enabled = false;")
        s.start()
        s.wait_for("error refuses: refused: refuses: it refused", "error missing: refused: missing: there is no plugin no-such-plugin",
                   "plugins.d/wrong.conf:4: novel: there is no such key")
        self.assertEqual(len(s.started("refuses")), 1)
        self.assertEqual(s.started("off"), [])
        self.assertEqual(s.stop(), 0)

    def test_what_is_logged_and_how(self):
        s = self.supervisor('log_level = "warning";')
        s.add("talks", "talk")
        s.add("dies", "crash at start")
        s.host = plugin_rig.Host(s.directory, "--supervise", "--config", s.config)
        s.wait_for("error dies: failed: ", "warning talks: weighs more")
        self.assertEqual(s.stop(), 0)
        self.assertNotIn("info ", s.log())
        s.settings = 'log_level = "debug";'
        s.write_config()
        s.start(journal=True)
        s.wait_for("<3>dies: failed: ", "<4>talks: weighs more", "<6>talks: running", "<7>talks: weighs least")
        self.assertEqual(s.stop(), 0)
        s.settings = 'log_level = "loud";'
        s.write_config()
        refused = plugin_rig.Host(s.directory, "--check-config", "--config", s.config)
        self.assertNotEqual(refused.wait_end(), 0)
        self.assertIn('log_level: it has to be "error", "warning", "info" or "debug"', refused.log())

    def test_a_process_that_was_killed_is_started_again(self):
        s = self.supervisor().start()
        s.add("good")
        s.reload()
        s.wait_for("info good: running")
        os.kill(s.started("good")[0], signal.SIGKILL)
        s.wait_for("error good: failed: it was ended by signal 9", "it is started again in")
        s.wait_for("info good: running", count=2)
        self.assertEqual(s.stop(), 0)

    def test_what_cannot_be_had_is_asked_for_again_after_a_pause(self):
        s = self.supervisor()
        s.add("a", holds="holds = true; nowhere = true;", limits="retry_ms = 20;")
        s.start()
        s.wait_for("info a: failed", count=3)
        self.assertEqual(s.stop(), 0)

    def test_reload_makes_the_new_before_the_old_goes(self):
        s = self.supervisor()
        s.add("a", holds=True, limits="linger_ms = 60000;")
        s.add("b")
        s.start()
        s.wait_for("info a: held", "info b: running")
        first = s.started("a")[0]
        s.add("a", "late", holds=True, limits="linger_ms = 60000;")
        s.reload()
        s.wait_for("info a: a new process has taken over")
        s.wait_for("info a: held", count=2)
        harness.wait_until(lambda: not plugin_rig.lives(first), 20, "the end of the old process")
        log = s.log()
        self.assertLess(log.index("started: late"), log.index("a new process has taken over"))
        self.assertEqual(len(s.started("b")), 1, "what has not changed is left alone")
        s.remove("b")
        s.reload()
        harness.wait_until(lambda: not plugin_rig.lives(s.started("b")[0]), 20, "the end of what is in no file any more")
        self.assertEqual(s.stop(), 0)

    def test_a_new_one_that_fails_leaves_the_old_one_running(self):
        s = self.supervisor()
        s.add("a")
        s.start()
        s.wait_for("info a: running")
        for number, how in enumerate(["crash at start", "refuse"]):
            s.add("a", how)
            s.reload()
            s.wait_for("error a: the new process failed, the old one goes on: ", count=number + 1)
        s.add("a", more="novel = 1;")
        s.reload()
        s.wait_for("novel: there is no such key", "it goes on as it was")
        s.write_config("novel = 1;")
        s.reload()
        s.wait_for("plugins.conf:5: novel: there is no such key")
        self.assertTrue(plugin_rig.lives(s.started("a")[0]))
        self.assertEqual(s.stop(), 0)

    def test_a_group_shares_a_process(self):
        s = self.supervisor()
        s.add("a", more='group = "both";')
        s.add("b", more='group = "both";')
        s.add("c", "refuse", more='group = "both";')
        s.start()
        s.wait_for("info both: running", "info a: started", "info b: started")
        self.assertEqual(s.started("a"), s.started("b"))
        self.assertEqual(s.stop(), 0)

    def test_nothing_is_left_when_the_supervisor_is_killed(self):
        s = self.supervisor()
        s.add("a")
        s.start()
        s.wait_for("info a: running")
        s.host.process.kill()
        s.host.process.wait()
        harness.wait_until(lambda: not plugin_rig.lives(s.started("a")[0]), 20, "the end of the plugin's process")

    def test_commands_of_the_supervisor(self):
        s = self.supervisor("quarantine_failures = 1;")
        s.add("good")
        s.add("bad", "crash at start")
        s.start()
        s.wait_for("info good: running", "error bad: in quarantine")

        def plugins(*words):
            return plugin_rig.zooid(self.server, "-j", "plugin", "plugins", *words)
        harness.wait_until(lambda: plugins("list").returncode == 0, 20, "the provider `plugins`")
        rows = {row["name"]: row for row in json.loads(plugins("list").stdout)}
        self.assertEqual(rows["good"]["state"], "running")
        self.assertEqual(rows["good"]["pid"], s.started("good")[0])
        self.assertEqual(rows["good"]["status"], "good")
        self.assertEqual(rows["bad"]["state"], "quarantined")
        self.assertIn("signal 11", rows["bad"]["last_failure"])
        self.assertIn("info bad: started: crash at start", "\n".join(json.loads(plugins("log", "bad").stdout)))
        s.add("bad", "good")
        self.assertEqual(plugins("restart", "bad").returncode, 0)
        s.wait_for("info bad: running")
        s.add("third")
        self.assertEqual(plugins("reload").returncode, 0)
        s.wait_for("info third: running")
        self.assertEqual(plugins("restart", "good").returncode, 0)
        s.wait_for("info good: a new process has taken over")
        harness.wait_until(lambda: plugin_rig.zooid(self.server, "plugin", "good", "status").stdout == "good\n", 20,
                           "the commands of the new process")
        for words in [["restart"], ["restart", "none"], ["log", "none"]]:
            self.assertNotEqual(plugins(*words).returncode, 0)
        self.assertEqual(s.stop(), 0)

    def test_check_config(self):
        s = self.supervisor()
        s.add("a")
        check = plugin_rig.Host(self.directory, "--check-config", "--config", s.config)
        self.assertEqual(check.wait_end(), 0)
        s.add("b", more="limits = 3;")
        s.add("c", plugin="none")
        check = plugin_rig.Host(self.directory, "--check-config", "--config", s.config)
        self.assertEqual(check.wait_end(), 78)
        self.assertIn("b: %s/plugins.d/b.conf" % self.directory, check.log())
        self.assertIn("c: there is no plugin none in the plugin path", check.log())


if __name__ == "__main__":
    harness.main()
