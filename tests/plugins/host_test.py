#!/usr/bin/python3
"""zooid-plugin-host with one plugin in the foreground: every function of its table, its settings, and what it refuses."""
import json
import os
import subprocess
import tempfile
import unittest

import plugin_rig
from plugin_rig import harness


class Foreground(harness.ServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.directory = tempfile.mkdtemp()
        cls.addClassCleanup(subprocess.run, ["rm", "-r", cls.directory])
        cls.probe = plugin_rig.compiled("probe", cls.directory)

    def run_host(self, *arguments):
        name = () if "--name" in arguments else ("--name", self.id().rsplit(".", 1)[1])
        host = plugin_rig.Host(self.directory, "--plugin", self.probe, "--socket", plugin_rig.socket_of(self.server),
                               *name, *arguments)
        self.addCleanup(host.kill)
        return host

    def conf(self, text):
        path = os.path.join(self.directory, self.id().rsplit(".", 1)[1] + ".conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_every_function(self):
        host = self.run_host("--name", "probe", "--state-dir", self.directory)
        host.wait_for("info probe: ready", "multi: code 0, 3 nodes", "subtree: code 0", "child that is asked to end: ",
                      "child that talks: ", "child that leaves one behind: ", "lock: held", "ephemeral: held")
        self.assertEqual(host.stop(), 0)
        log = host.log()
        for phrase in ["instance probe settings {}", "state directory %s/probe" % self.directory,
                       "create: code 0, 1 nodes", "set of none: code -101", "sync: code 0", "bad flags: not taken",
                       "bad path: not taken", "check alone: not taken", "get: node /probe/a/b 'hello' code 0 persistent",
                       "exists: code -101", "list: node b '' code 0", "subtree: node /probe/a/b 'hello' code 0 persistent", "subtree: node /probe/a '' code 0 container",
                       "subscription: created /probe/a code 0 container",
                       "subscription: reset", "subscription: caught up", "subscription: txn end", "subscription: created /probe/a/b code 0",
                       "ephemeral set: 0", "lock: held with a token", "session: 0", "timer: three times",
                       "descriptor: ready 1, read 1",
                       "child: status 3 signal 0 timed out 0 cut 0 output 'given' error 'wrong ",
                       "child that hangs: status -1 signal 9 timed out 1",
                       "child that is asked to end: status 0 signal 0 timed out 1 cut 0 output 'ending ",
                       "child that talks: status 0 signal 0 timed out 0 cut 1",
                       "missing child: status -1", "stopping"]:
            self.assertIn(phrase, log)
        self.assertNotIn("cancelled child", log)
        self.assertNotIn("must not happen", log)
        for line in log.splitlines():
            if "child that hangs: " in line or "leaves one behind: " in line:
                pid = int("".join(c for c in line.split("put '" if "behind" in line else "error '")[1] if c.isdigit()))
                harness.wait_until(lambda: not plugin_rig.lives(pid), 10, "the end of a child's own child: " + line)

    def test_what_is_held_goes_with_the_plugin(self):
        host = self.run_host()
        host.wait_for("ephemeral: held", "lock: held")
        self.assertEqual(host.stop(), 0)
        again = self.run_host()  # has no state directory, so knows of no session before
        again.wait_for("ephemeral: held", "lock: held")
        again.stop()

    def test_another_process_takes_over_what_the_one_before_held(self):
        # Killed, its session would stay for session_ms and more.
        settings = self.conf("limits = { session_ms = 60000; linger_ms = 60000; };")
        first = self.run_host("--name", "heir", "--settings", settings, "--state-dir", self.directory)
        first.wait_for("ephemeral: held")
        first.kill()
        second = self.run_host("--name", "heir", "--settings", settings, "--state-dir", self.directory)
        second.wait_for("ephemeral: held")
        second.stop()

    def test_commands(self):
        host = self.run_host("--name", "offers")
        host.wait_for("call: code 0 '{\"caller\": \"uid:%d\", \"request\": {}}'" % os.getuid(), "call: code -1009 ''",
                      "bad command: 0", "answered: 1, again: 0")
        self.assertEqual(json.loads(plugin_rig.zooid(self.server, "-j", "plugin", "offers", "echo", "a", "b").stdout),
                         {"caller": "uid:%d" % os.getuid(), "request": {"args": ["a", "b"]}})
        refused = plugin_rig.zooid(self.server, "plugin", "offers", "refuse")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("there is nothing", refused.stderr)
        self.assertNotEqual(plugin_rig.zooid(self.server, "plugin", "offers", "gone").returncode, 0)
        self.assertEqual(plugin_rig.zooid(self.server, "plugin", "offers", "status").stdout.strip(), "probing")
        self.assertIn('zooid_plugin_tries{plugin="offers",kind="a \\"b\\""} 2',
                      plugin_rig.zooid(self.server, "plugin", "offers", "metrics").stdout)
        self.server.restart()  # the offer is made again
        harness.wait_until(lambda: plugin_rig.zooid(self.server, "plugin", "offers", "status").returncode == 0, 30,
                           "its commands behind a restart of the agent")
        self.assertEqual(host.stop(), 0)

    def test_settings_are_json(self):
        path = self.conf('settings = { text = "a\\"b"; number = 3; list = ( { x = 1.5; }, true ); big = 5000000000L; };')
        host = self.run_host("--settings", path)
        host.wait_for('settings {"text":"a\\"b","number":3,"list":[{"x":1.5},true],"big":5000000000}')
        host.stop()

    def test_a_plugin_that_refuses_names_file_and_line(self):
        path = self.conf('settings = {\n  checks = (\n    { name = "a"; },\n    { name = "b";\n      wrong = 1; } );\n};')
        host = self.run_host("--settings", path)
        self.assertEqual(host.wait_end(), 78)
        self.assertIn("%s:5: settings.checks.[1].wrong: cannot be" % path, host.log())

    def test_a_plugin_that_gives_up(self):
        host = self.run_host("--settings", self.conf("settings = { fails = true; };"))
        self.assertEqual(host.wait_end(), 70)
        self.assertIn("it cannot go on: as it was told", host.log())

    def test_wrong_settings(self):
        for text, message in [("plugin = 3;", ":1: plugin: it has to be a text"),
                              ("\nnovel = 3;", ":2: novel: there is no such key"),
                              ("limits = {\n memory_mb = 1; };", ":2: memory_mb: it has to be a whole number from 8"),
                              ("limits = { novel = 1; };", ":1: novel: there is no such limit"),
                              ("limits = { memory_mb = 1.5; };", "memory_mb: it has to be a whole number"),
                              ("enabled = 1;", "enabled: it has to be true or false"),
                              ("grants = [ 1 ];", "grants: it has to be an array of texts"),
                              ("settings = 1;", "settings: it has to be a group"),
                              ("settings = {", "syntax error"),
                              ('settings = { a = "\xff\xfe"; };'.encode("latin-1").decode("utf-8", "surrogateescape"),
                               "not UTF-8")]:
            with self.subTest(text):
                path = self.conf("")
                with open(path, "wb") as file:
                    file.write(text.encode("utf-8", "surrogateescape"))
                host = self.run_host("--settings", path)
                self.assertEqual(host.wait_end(), 78)
                self.assertIn(message, host.log())
        host = self.run_host("--settings", "/no/such/file")
        self.assertEqual(host.wait_end(), 78)

    def test_the_agent_may_come_later(self):
        self.server.kill()
        host = self.run_host()
        host.wait_for("timer: three times")
        self.server.start()
        host.wait_for("ephemeral: held", "lock: held", ": ready")
        self.assertEqual(host.stop(), 0)


class CommandLine(unittest.TestCase):
    def test_usage(self):
        for arguments, code in [([], 64), (["--novel"], 64), (["--plugin", "a", "b"], 64), (["--help"], 0), (["--version"], 0)]:
            with self.subTest(arguments):
                self.assertEqual(subprocess.run([plugin_rig.HOST, *arguments], capture_output=True).returncode, code)


if __name__ == "__main__":
    harness.main()
