#!/usr/bin/python3
"""The plugin health under the supervisor: reloads, and a process that is killed, while heartbeats and requests go on. Nothing
becomes critical that is well, and nothing that was known is forgotten."""
import json
import os
import shutil
import tempfile
import threading

import kazoo.recipe.watchers
import plugin_rig
import supervised
from health_rig import PLUGIN, CheckedCase, libconfig
from plugin_rig import harness

BASE = "/reloaded"


class Beats(threading.Thread):
    """Heartbeats of a check, each behind the answer to the one before."""

    def __init__(self, agent, check):
        super().__init__(daemon=True)
        self.agent, self.check, self.ended, self.taken = agent, check, threading.Event(), 0
        self.start()

    def run(self):
        while not self.ended.wait(0.02):
            words = ["check", "pass", self.check, "beat"]
            self.taken += plugin_rig.zooid(self.agent, *words).returncode == 0

    def end(self):
        self.ended.set()
        self.join()


class Reload(CheckedCase):
    def configure(self, s, target, number, **more):
        settings = {"base_path": BASE, "output_interval_ms": 0, "late_ms": number, **more, "checks": [
            {"id": "t", "type": "ttl", "ttl_ms": more and 600000 or 10000},
            {"id": "web", "type": "http", "url": "http://127.0.0.1:%d/mode" % target.port, "interval_ms": 100,
             "timeout_ms": 20000, "rise": 2}]}
        path = os.path.join(s.files, "health.conf")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write('plugin = "%s";\nsettings = %s;\n' % (PLUGIN, libconfig(settings)))
        os.rename(path + ".new", path)

    def follow(self, check, status):
        """Every status that is seen from this one on, and None while there is no node. The node is written a moment after the
        plugin says so."""
        path, seen = "%s/%s/%s" % (BASE, self.client.get_children(BASE)[0], check), []
        told = self.told
        harness.wait_until(lambda: json.loads(self.client.get(path)[0])["status"] == status, 30, "the node to be " + status)

        def note(data, _stat):
            told.append(data)
            seen.append(data and json.loads(data)["status"])
        kazoo.recipe.watchers.DataWatch(self.client, path, note)
        return path, seen

    @staticmethod
    def process_of(saved):
        with open(saved, encoding="utf-8") as file:
            return json.load(file)["pid"]

    def setUp(self):
        super().setUp()
        self.told = []  # to be looked at when a test fails

    def supervisor(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        s = supervised.Supervisor(directory, plugin_rig.socket_of(self.server))
        self.addCleanup(s.end)
        return s

    def status(self, check):
        """As the plugin says."""
        answer = plugin_rig.zooid(self.server, "-j", "check", "show", check)
        return answer.returncode == 0 and json.loads(answer.stdout)["status"]

    def wait_status(self, status, *checks):
        for check in checks:
            harness.wait_until(lambda c=check: self.status(c) == status, 30, "%s to be %s" % (check, status))

    @staticmethod
    def wait_saved(s):
        """What the first process writes when it starts, and a second one learns of it from."""
        harness.wait_until(lambda: os.path.exists(os.path.join(s.state, "health", "checks.json")), 30, "the file of states")

    def test_nothing_old_is_shown(self):
        """States are saved every hour, so that what the new process reads at its start is old: it has the latest from the
        old one, and shows nothing before."""
        s, target, hour = self.supervisor(), self.target(), 3600000
        self.configure(s, target, 1, save_interval_ms=hour)
        s.start()
        self.wait_status("passing", "web")
        plugin_rig.zooid(self.server, "check", "pass", "t", "one")
        self.wait_status("passing", "t", "web")
        self.wait_saved(s)
        self.configure(s, target, 2, save_interval_ms=hour)
        s.reload()  # which saves
        s.wait_for("info health: a new process has taken over")
        self.wait_status("passing", "t", "web")
        target.mode = b"HTTP/1.1 500 Broken\r\n\r\n"
        plugin_rig.zooid(self.server, "check", "fail", "t", "two")
        self.wait_status("critical", "t", "web")
        (_, seen), (_, seen_web) = self.follow("t", "critical"), self.follow("web", "critical")
        for number in 2, 3, 4:
            self.configure(s, target, number + 1, save_interval_ms=hour)
            s.reload()
            while s.log().count("info health: a new process has taken over") < number:
                self.assertEqual((self.status("t"), self.status("web")), ("critical", "critical"))
            self.assertEqual((self.status("t"), self.status("web")), ("critical", "critical"))
        self.assertEqual(set(seen + seen_web), {"critical"}, self.told)
        self.assertEqual(s.stop(), 0)

    def test_nothing_is_forgotten(self):
        s, target = self.supervisor(), self.target()
        self.configure(s, target, 1)
        s.start()
        beats = Beats(self.server, "t")
        self.addCleanup(beats.end)

        self.wait_status("passing", "t", "web")
        saved = os.path.join(s.state, "health", "checks.json")
        self.wait_saved(s)

        def is_saved():
            with open(saved, encoding="utf-8") as file:
                return all(one["status"] == "passing" for one in json.load(file)["checks"].values())
        harness.wait_until(is_saved, 30, "the file of states")
        (path, seen), (_, seen_web) = self.follow("t", "passing"), self.follow("web", "passing")
        since = json.loads(self.client.get(path)[0])["since"]
        for number in 1, 2:
            before = self.process_of(saved)
            self.configure(s, target, number + 1)
            s.reload()
            s.wait_for("info health: a new process has taken over", count=number)
            taken, asked = beats.taken, len(target.requests)
            harness.wait_until(lambda t=taken: beats.taken > t + 2, 30, "heartbeats to be taken")
            harness.wait_until(lambda a=asked: len(target.requests) > a + 2, 30, "requests")
            harness.wait_until(lambda b=before: self.process_of(saved) != b, 30, "the file to be the new one's")
        pid = self.process_of(saved)
        os.kill(pid, 9)
        harness.wait_until(lambda: self.process_of(saved) != pid, 30, "another process")
        taken = beats.taken
        harness.wait_until(lambda: beats.taken > taken + 2, 30, "heartbeats to be taken")
        harness.wait_until(lambda: self.client.exists(path), 30, "the node")
        self.assertEqual({status for status in seen + seen_web if status is not None}, {"passing"}, self.told)
        self.assertEqual(json.loads(self.client.get(path)[0])["since"], since)
        self.assertEqual(s.stop(), 0)


if __name__ == "__main__":
    harness.main()
