#!/usr/bin/python3
"""Plugins that an agent starts: the host lives and dies with it, behind it in the queue for processor and memory, and no
plugin delays the member, whatever it does."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import plugin_rig
import supervised
from plugin_rig import harness

SLOWEST_S = 1.0  # half a tick: a member that answers within it misses no heartbeat


class StartedByTheAgent(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.files = supervised.Supervisor(self.directory, "unused", "quarantine_failures = 2;")
        self.files.write_config(socket=None)
        supervised.compiled(self.directory)
        self.agent = harness.Agent({"zooid.plugins": self.files.config})
        self.addCleanup(self.agent.stop)

    def start(self):
        self.agent.start()
        self.wait_log("info plugins: supervising")

    def wait_log(self, *phrases, count=1):
        def told():
            text = self.agent.log_tail(100000)
            return all(text.count(phrase) >= count for phrase in phrases)
        harness.wait_until(told, 60, "the agent's log to have %s" % (phrases,))

    def supervisor_pid(self):
        lines = [line for line in self.agent.log_tail(100000).splitlines() if "the host of plugins runs, pid" in line]
        return int(lines[-1].rsplit(" ", 1)[1])

    def plugin_pid(self, name):
        lines = [line for line in self.agent.log_tail(100000).splitlines() if line.startswith("info %s: started: " % name)]
        return int(lines[-1].rsplit(" ", 1)[1])

    def metric(self, name):
        lines = dict(line.split("\t", 1) for line in self.agent.word("mntr").splitlines() if "\t" in line)
        return float(lines["zk_" + name])

    def test_it_lives_and_dies_with_the_agent(self):
        self.files.add("good")
        self.start()
        self.wait_log("info good: running")
        pid, plugin = self.supervisor_pid(), self.plugin_pid("good")
        for process in (pid, plugin):
            self.assertEqual(os.getpriority(os.PRIO_PROCESS, process), min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19))
            with open("/proc/%d/oom_score_adj" % process, encoding="ascii") as score:
                self.assertEqual(int(score.read()), 500)
        harness.wait_until(lambda: plugin_rig.zooid(self.agent, "plugin", "good", "status").stdout == "good\n", 30,
                           "the plugin's commands")
        os.kill(pid, signal.SIGKILL)
        self.wait_log("info good: running", count=2)
        self.assertEqual(self.metric("plugin_host_starts"), 2)
        self.assertEqual(self.metric("plugin_host_failures"), 1)
        self.files.add("more")
        self.agent.process.send_signal(signal.SIGHUP)
        self.wait_log("info more: running")
        pids = [self.supervisor_pid(), self.plugin_pid("good"), self.plugin_pid("more")]
        self.agent.terminate()
        self.assertEqual([pid for pid in pids if plugin_rig.lives(pid)], [])

    def test_it_ends_with_an_agent_that_is_killed(self):
        self.files.add("good")
        self.start()
        self.wait_log("info good: running")
        pids = [self.supervisor_pid(), self.plugin_pid("good")]
        self.agent.kill()
        harness.wait_until(lambda: not any(plugin_rig.lives(pid) for pid in pids), 30, "the end of the host of plugins")

    def test_a_host_whose_agent_has_ended_before_it_began(self):
        """No signal tells it of that death, and nobody else would end it."""
        ended = subprocess.Popen(["true"])
        ended.wait()
        done = subprocess.run([plugin_rig.HOST, "--supervise", "--with-parent=%d" % ended.pid, "--config", self.files.config],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, b""))

    def test_a_host_that_cannot_be_started(self):
        self.agent.settings["zooid.pluginHost"] = "/no/such/program"
        self.agent.settings.update({"zooid.pluginRestartMs": 1, "zooid.pluginRestartMsMax": 5})
        self.agent.start()
        self.wait_log("it is tried again in 1 ms", "it is tried again in 2 ms", "it is tried again in 4 ms")
        self.wait_log("it is tried again in 5 ms", count=2)

    def names_at_the_root(self):
        return plugin_rig.zooid(self.agent, "ls", "/").stdout.split()

    def test_an_orderly_stop_is_quiet(self):
        """Plugins take leave while the agent serves them: nothing is lost, and nothing of theirs is left."""
        for name in ("discovery", "health"):
            with open(os.path.join(self.files.files, name + ".conf"), "w", encoding="utf-8") as file:
                file.write('plugin = "%s";\n' % os.path.join(plugin_rig.BUILD, "lib/zooid/plugins", name + ".so"))
        self.files.add("good", holds=True)
        self.start()
        self.wait_log("info good: held", "info discovery: running", "info health: running")
        self.assertIn("held-good", self.names_at_the_root())
        self.agent.terminate()
        log = self.agent.log_tail(100000)
        for line in log[log.index("agent: stopping"):].splitlines():
            self.assertNotRegex(line, "error|warn|debug|lost")
        del self.agent.settings["zooid.plugins"]
        self.agent.start()
        self.assertNotIn("held-good", self.names_at_the_root())

    def test_plugins_do_not_hold_up_a_stop(self):
        self.files.add("hangs", "hang at stop", "stop_ms = 600000;")
        self.agent.settings["zooid.pluginStopMs"] = 100
        self.start()
        self.wait_log("info hangs: running")
        pid = self.plugin_pid("hangs")
        self.agent.terminate()
        self.assertIn("the host of plugins did not end within zooid.pluginStopMs", self.agent.log_tail(100000))
        harness.wait_until(lambda: not plugin_rig.lives(pid), 30, "the end of the plugin")

    def test_no_plugin_delays_the_member(self):
        bad = {"starts": ("crash at start", ""), "later": ("crash later", ""), "hangs": ("hang", "watchdog_ms = 800;"),
               "burns": ("burn", "cpu_percent = 5; cpu_window_ms = 1000;"), "fills": ("fill", "file_mb = 2;"),
               "floods": ("flood", "log_lines = 50; log_flood_s = 1; watchdog_ms = 30000;"), "leaves": ("leave a child", "")}
        if not plugin_rig.SANITIZED:
            bad["eats"] = ("eat", "memory_mb = 48;")
        for name, (how, limits) in bad.items():
            self.files.add(name, how, limits)
        self.start()
        slowest = 0.0
        pids = set()
        while True:
            begun = time.monotonic()
            self.assertIn("imok", self.agent.word("ruok"))
            slowest = max(slowest, time.monotonic() - begun)
            log = self.agent.log_tail(100000)
            pids.update(int(line.rsplit(" ", 1)[1]) for line in log.splitlines() if ": left " in line)
            if all("error %s: in quarantine after 2 failures" % name in log for name in bad):
                break
        self.assertLess(slowest, SLOWEST_S)
        self.assertLess(self.metric("max_latency"), SLOWEST_S * 1000)
        harness.wait_until(lambda: not any(plugin_rig.lives(pid) for pid in pids), 30, "the end of what was left behind")
        listed = json.loads(plugin_rig.zooid(self.agent, "-j", "plugin", "plugins", "list").stdout)
        self.assertEqual({row["name"]: row["state"] for row in listed}, {name: "quarantined" for name in bad})


if __name__ == "__main__":
    harness.main()
