#!/usr/bin/python3
"""What is asked of the plugin health at the agent's door, and what it asks there itself; and a process that takes over from
another."""
import json
import os
import subprocess

import plugin_rig
from plugin_rig import harness
from health_rig import CheckedCase

ZOOID = os.path.join(plugin_rig.BUILD, "bin", "zooid")
COUNTERPART = os.path.join(harness.ROOT, "tests", "plugins", "lua", "counterpart.lua")
TTL = {"id": "t", "type": "ttl", "ttl_ms": 60000}
REFUSED, USAGE, NO_NODE = 1, 2, 3


class Commands(CheckedCase):
    def zooid(self, *words, code=0):
        done = subprocess.run([ZOOID, "-S", plugin_rig.socket_of(self.server), *words], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def wait_offered(self, name):
        harness.wait_until(lambda: name in self.zooid("plugin"), 30, "%s to offer its commands" % name)

    def started(self, checks=(), **settings):
        health = self.health(checks, **settings)
        self.wait_offered(health.name)
        self.check = lambda *words, **options: self.zooid("check", "-n", health.name, *words, **options)
        self.told = lambda *words: json.loads(self.zooid("-j", "check", "-n", health.name, *words))
        self.plugin = lambda *words, **options: self.zooid("plugin", health.name, *words, **options)
        return health

    def test_heartbeats(self):
        health = self.started([dict(TTL, ttl_ms=1500), dict(TTL, id="other")])
        health.wait_for("other", "critical", "")
        for _ in range(2):
            self.check("pass", "t", "I am here")
            health.wait_for("t", "passing", "I am here")
            self.check("warn", "t", "so so")
            health.wait_for("t", "warning", "so so")
            self.check("fail", "t", "oh no")
            health.wait_for("t", "critical", "oh no")
        self.check("pass", "t")
        health.wait_for("t", "passing")
        health.wait_for("t", "critical", "no heartbeat for 1500 ms")
        self.assertEqual(health.stop(), 0)

    def test_what_is_shown(self):
        path = os.path.join(self.server.directory, "shown")
        self.started([TTL, {"id": "file", "type": "file_age", "path": path, "service": "web", "interval_ms": 3600000}])
        self.check("pass", "t", "first\nsecond")
        lines = self.check().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[1], r"^file +critical +\d+ s +file_age +web ")
        self.assertRegex(lines[2], r"^t +passing +\d+ s +ttl +- +first$")
        self.assertEqual(len(self.check("list", "passing").splitlines()), 2)
        self.assertIn("No such file", self.told("run", "file")["output"])
        with open(path, "w", encoding="ascii"):
            pass
        self.assertEqual(self.told("run", "file")["status"], "passing")
        shown = self.told("show", "file")
        self.assertEqual((shown["runs"] >= 2, shown["from"], shown["definition"]["path"]), (True, "settings", path))
        self.assertIn("there is no check none", self.check("show", "none", code=NO_NODE))
        self.assertIn("is told how it is", self.check("run", "t", code=REFUSED))
        self.assertIn("which check?", self.check("run", code=USAGE))
        self.assertIn("it is list, show", self.check("watch", code=USAGE))
        self.assertIn('zooid_plugin_health_checks{plugin="%s",status="passing"} 2' % self.name(), self.plugin("metrics"))

    def name(self):
        return self.id().rsplit(".", 1)[1]

    @staticmethod
    def saved(health):
        with open(os.path.join(health.directory, health.name, "checks.json"), encoding="utf-8") as file:
            return json.load(file)["checks"]

    def wait_saved(self, health, *nodes):
        def is_saved():
            checks = self.saved(health)
            return all(checks.get(node["id"], {}).get("status") == node["status"] for node in nodes)
        harness.wait_until(is_saved, 30, "the file of states")

    def test_definitions_outlive_a_crash(self):
        target = self.target()
        health = self.started()
        definition = {"id": "web", "type": "http", "url": "http://127.0.0.1:%d/mode" % target.port, "interval_ms": 100}
        self.assertIn("interval_ms: must be at least interval_min_ms, 100",
                      self.plugin("define", json.dumps(dict(definition, interval_ms=5)), code=REFUSED))
        self.assertEqual(self.plugin("define", json.dumps(definition)).split()[:2], ["defined", "1"])
        service = {"service": "s-1", "checks": [{"type": "ttl", "ttl_ms": 60000}]}
        self.plugin("define", json.dumps(service))
        self.check("pass", "s-1:1", "well")
        before = [health.wait_for("web", "passing"), health.wait_for("s-1:1", "passing")]
        self.wait_saved(health, *before)
        health.host.kill()
        health.start()
        health.host.wait_for("ready")
        self.wait_offered(health.name)
        self.assertEqual([self.told("show", one["id"])["since"] for one in before],
                         [one["since"] for one in before])
        self.plugin("drop", "web")
        harness.wait_until(lambda: not health.node("web"), 30, "the end of the node")
        self.assertEqual(health.stop(), 0)
        self.assertEqual(list(self.saved(health)), ["s-1:1"])

    def test_asks_a_plugin(self):
        other = plugin_rig.Host(self.server.directory, "--plugin", COUNTERPART, "--name", "counterpart", "--socket",
                                plugin_rig.socket_of(self.server))
        self.addCleanup(other.kill)
        self.wait_offered("counterpart")
        common = {"type": "command", "provider": "counterpart", "command": "how", "interval_ms": 100, "timeout_ms": 1000}
        health = self.started([dict(common, id="c"), dict(common, id="given", args=[", and more"]),
                               dict(common, id="none", command="none"), dict(common, id="nobody", provider="nobody")])
        health.wait_for("c", "passing", "as told")
        health.wait_for("given", "passing", "as told, and more")
        health.wait_for("none", "critical")
        health.wait_for("nobody", "critical", "provides")
        for status, shown in [("critical", "critical"), ("warning", "warning"), ("passing", "passing"),
                              ("break", "critical"), ("passing", "passing"), ("well", "critical"), ("passing", "passing"),
                              ("hang", "critical")]:
            self.zooid("plugin", "counterpart", "be", status, "it is " + status)
            health.wait_for("c", shown)
        other.kill()
        health.wait_for("c", "critical", "provides")
        self.assertEqual(health.stop(), 0)

    def test_one_takes_over_from_another(self):
        health = self.started([TTL])
        self.check("pass", "t", "one")
        before = health.wait_for("t", "passing", "one")
        self.wait_saved(health, before)
        first = health.host
        path = "/%s/%s/t" % (health.name, health.hosts()[0])
        owner = self.client.exists(path).ephemeralOwner
        health.start()
        health.host.wait_for("ready")
        self.assertEqual(self.client.exists(path).ephemeralOwner, owner, "it is the old one's while that is there")
        self.assertEqual(first.stop(), 0)

        def owner_now():
            found = self.client.exists(path)
            return found and found.ephemeralOwner
        harness.wait_until(lambda: owner_now() not in (None, owner), 30, "the node to be the new one's")
        self.assertEqual(health.node("t"), before)
        self.check("warn", "t", "two")
        health.wait_for("t", "warning", "two")
        self.assertEqual(health.stop(), 0)


if __name__ == "__main__":
    harness.main()
