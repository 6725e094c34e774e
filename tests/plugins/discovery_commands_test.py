#!/usr/bin/python3
"""What the plugin discovery is told and asked: registrations by commands and programs, maintenance, queries, the guard."""
import json
import os
import subprocess
import urllib.error
import urllib.request

import discovery_rig
from discovery_rig import HOST_NAME, command, harness


class Registrations(discovery_rig.DiscoveryCase):
    def process(self):
        """One that does nothing until it is killed."""
        process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def refused(self, *words, name):
        """What is said, whatever the exit code."""
        done = subprocess.run([command.ZOOID, "plugin", name, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=self.environment(), timeout=60, check=False)
        self.assertNotEqual(done.returncode, command.FINE, done.stdout)
        return done.stderr

    def changes(self, service):
        """What happens below a service, from here on; to be called for the list so far."""
        path = "/services/" + service
        self.zooid("create", "-p", path)
        watch = self.started("-j", "watch", "-R", path)
        seen = []

        def read(last):
            while not seen or seen[-1]["path"] != last:
                seen.append(json.loads(watch.stdout.readline()))
            return seen
        self.zooid("create", path + "/.watching")
        harness.wait_until(lambda: self.ids(service) == [".watching"])
        return read

    def test_a_registration_ends_with_its_process(self):
        self.discovery(name="process")
        self.wait_offered("process")
        process = self.process()
        made = self.call("register", "process", "id=p1", "port=80", "tag=a,b", "meta.zone=x", "pid=%d" % process.pid,
                         name="process")
        self.assertEqual((made["id"], made["path"], made["state"]), ("p1", "/services/process/p1", "registered"))
        payload = self.node("/services/process/p1")["payload"]
        self.assertEqual((payload["tags"], payload["meta"]), (["a", "b"], {"zone": "x"}))
        process.kill()
        self.wait_ids("process", [])
        self.assertEqual(self.call("local", name="process")["registrations"], [])

    def test_a_command_that_is_registered_for_its_life(self):
        self.discovery()
        self.wait_offered()
        child = self.started("service", "register", "life", "--id", "c1", "--port", "81", "--", "cat")
        self.wait_ids("life", ["c1"])
        self.assertEqual(self.call("local")["registrations"][0]["pid"], child.pid)
        child.kill()
        self.wait_ids("life", [])
        self.assertIn("no such command", self.zooid("service", "register", "life", "--", "", code=command.FAILED)
                      .replace("No such file or directory", "no such command"))

    def test_nothing_is_missing_while_it_restarts(self):
        d = self.discovery(name="gap")
        self.wait_offered("gap")
        process = self.process()
        self.call("register", "gap", "id=g1", name="gap")
        self.call("register", "gap", "id=g2", "pid=%d" % process.pid, name="gap")
        read = self.changes("gap2")
        self.call("register", "gap2", "id=g3", name="gap")
        for _ in range(2):
            d.host.kill()
            d.start()
            self.wait_offered("gap")
            harness.wait_until(lambda: len([r for r in self.call("local", name="gap")["registrations"]
                                            if r["state"] == "registered"]) == 3)
        self.assertEqual(self.ids("gap"), ["g1", "g2"])
        process.kill()
        self.wait_ids("gap", ["g1"])
        self.zooid("create", "/services/gap2/.end")
        seen = [change for change in read("/services/gap2/.end") if change["path"] == "/services/gap2/g3"]
        for gone in [change for change in seen if change["change"] == "deleted"]:
            again = [change for change in seen if change["change"] == "created" and change["zxid"] == gone["zxid"]]
            self.assertTrue(again, "a gap: %s" % seen)

    def test_the_agent_restarts(self):
        self.discovery(name="agent")
        self.wait_offered("agent")
        self.call("register", "agent", "id=a1", name="agent")
        created = json.loads(self.zooid("-j", "stat", "/services/agent/a1"))["czxid"]
        self.server.kill()
        self.server.start()
        self.wait_offered("agent")
        self.wait_answer((["a1"], None), "agent", name="agent")
        self.call("maint", "a1", "after the restart", name="agent")
        harness.wait_until(lambda: not self.node("/services/agent/a1")["enabled"], what="the node to be written")
        self.assertEqual(json.loads(self.zooid("-j", "stat", "/services/agent/a1"))["czxid"], created)

    def test_a_process_takes_over_from_the_one_before(self):
        d = self.discovery(name="over")
        self.wait_offered("over")
        read = self.changes("over")
        self.call("register", "over", "id=o1", name="over")
        former = d.host
        self.addCleanup(former.kill)
        d.start()
        d.host.wait_for("ready")
        # Whoever of them is asked: the former one while it has the name, and then the new one, which waits.
        later = self.started("-j", "plugin", "over", "register", "over", "id=o2")
        former.kill()
        self.assertEqual(json.loads(later.stdout.readline())["id"], "o2")
        harness.wait_until(lambda: sorted(one["id"] for one in self.call("local", name="over")["registrations"]
                                          if one["state"] == "registered") == ["o1", "o2"])
        self.zooid("create", "/services/over/.end")
        seen = [change for change in read("/services/over/.end") if change["path"] == "/services/over/o1"]
        for gone in [change for change in seen if change["change"] == "deleted"]:
            again = [change for change in seen if change["change"] == "created" and change["zxid"] == gone["zxid"]]
            self.assertTrue(again, "a gap: %s" % seen)
        self.call("deregister", "o1", name="over")
        self.wait_ids("over", [".end", ".watching", "o2"])

    def test_the_number_of_a_process_that_another_one_has(self):
        d = self.discovery(name="reused")
        self.wait_offered("reused")
        process = self.process()
        self.call("register", "reused", "id=r1", "pid=%d" % process.pid, name="reused")
        d.host.stop()
        path = os.path.join(d.state, "reused", "registrations.json")
        with open(path, encoding="utf-8") as file:
            kept = json.load(file)
        kept["registrations"][0]["start"] -= 1
        with open(path, "w", encoding="utf-8") as file:
            json.dump(kept, file)
        d.start()
        d.host.wait_for("r1 has ended meanwhile")
        self.wait_ids("reused", [])

    def test_deregistering_and_what_is_refused(self):
        d = self.discovery(name="refused", settings="limits = { registrations_max = 2; };", start=False)
        d.write("a.conf", 'service = { name = "refused"; id = "f1"; };')
        d.start()
        self.wait_ids("refused", ["f1"])
        self.wait_offered("refused")
        self.call("register", "refused", "id=r1", name="refused")
        for words, message in [(["register", "refused", "id=f1"], "is defined in a.conf"),
                               (["register", "refused", "id=r2"], "registrations_max is 2"),
                               (["register", "refused", "id=a/b"], "id: must be a name"),
                               (["register", "refused", "port=x"], "port: must be a number"),
                               (["register", "refused", "prot=1"], "prot: there is no such key"),
                               (["register", "{"], "in line 1"),
                               (["register", "refused", "id=r1", "pid=1073741823"], "no such process"),
                               (["deregister", "f1"], "remove it there"),
                               (["maint", "r1"], "give a reason, or off=yes"),
                               (["query"], "which service"),
                               (["query", "refused", "health=good"], "health: must be")]:
            self.assertIn(message, self.refused(*words, name="refused"))
        self.assertIn("nothing called", self.refused("deregister", "nobody", name="refused"))
        self.call("register", '{"name": "refused", "id": "r1", "weight": 7}', name="refused")
        harness.wait_until(lambda: self.node("/services/refused/r1")["payload"]["weight"] == 7)
        self.assertEqual(self.call("deregister", "r1", "pid=1", name="refused"), {"deregistered": 0})
        self.assertEqual(self.call("deregister", "r1", name="refused"), {"deregistered": 1})
        self.wait_ids("refused", ["f1"])

    def test_maintenance(self):
        d = self.discovery(name="maint")
        self.wait_offered("maint")
        for instance in ("m1", "m2"):
            self.call("register", "maint", "id=" + instance, name="maint")
        self.wait_answer((["m1", "m2"], None), "maint", name="maint")
        self.call("maint", "m1", "new", "disk", name="maint")
        self.wait_answer((["m2"], None), "maint", name="maint")
        node = self.node("/services/maint/m1")
        self.assertEqual((node["enabled"], node["payload"]["maintenance"]), (False, "new disk"))
        d.host.kill()
        d.start()
        self.wait_offered("maint")
        self.wait_answer((["m2"], None), "maint", name="maint")
        self.call("maint", "@host", "moving", name="maint")
        self.wait_answer(([], None), "maint", name="maint")  # nobody's guard keeps what is in maintenance
        self.call("maint", "@host", "off=yes", name="maint")
        self.call("maint", "maint", "off=yes", name="maint")
        self.wait_answer((["m1", "m2"], None), "maint", name="maint")


class Questions(discovery_rig.DiscoveryCase):
    def setUp(self):
        self.discovery()
        self.wait_offered()

    def register(self, *words):
        self.call("register", *words)

    def test_queries(self):
        self.register("ask", "id=a1", "port=80", "tag=v1,eu", "meta.zone=a", "weight=5")
        self.register("ask", "id=a2", "port=81", "tag=v1")
        self.wait_answer((["a1", "a2"], None), "ask")
        self.assertEqual(self.answered("ask", "tag=v1", "tag=eu"), (["a1"], None))
        self.assertEqual(self.answered("ask", "meta.zone=a"), (["a1"], None))
        self.assertEqual(self.answered("ask", "host=other"), ([], None))
        self.assertEqual(self.answered("ask", "sort=weight", "limit=1"), (["a1"], None))
        self.assertEqual(self.answered("nobody"), ([], None))
        self.assertEqual(len(self.call("pick", "ask")["instances"]), 1)
        summary = [one for one in self.call("list") if one["service"] == "ask"]
        self.assertEqual((summary[0]["instances"], summary[0]["passing"]), (2, 2))
        targets = self.call("http_sd", "ask", "tag=eu")
        self.assertEqual(targets, [{"targets": ["10.0.0.1:80"], "labels": {
            "__meta_zooid_service": "ask", "__meta_zooid_id": "a1", "__meta_zooid_host": HOST_NAME,
            "__meta_zooid_health": "passing", "__meta_zooid_tags": ",v1,eu,", "__meta_zooid_meta_zone": "a"}}])

    def test_the_command_line(self):
        self.register("line", "id=l1", "port=80", "tag=v1")
        self.wait_answer((["l1"], None), "line")
        self.assertEqual(self.zooid("service", "pick", "line"), "10.0.0.1:80\n")
        for words, phrases in [(["list"], ["service", "line"]), (["query", "line"], ["l1", "10.0.0.1:80", "passing", "v1"]),
                               (["show", "line"], ["l1"]), (["local"], ["l1", "registered", "manual"])]:
            shown = self.zooid("service", *words)
            for phrase in phrases:
                self.assertIn(phrase, shown)
        self.assertEqual(json.loads(self.zooid("-j", "service", "query", "line", "--tag", "v1"))["instances"][0]["id"], "l1")
        self.zooid("service", "maint", "line", "--off")
        self.zooid("service", "maint", "line", "broken")
        self.assertIn("maintenance: broken", self.zooid("service", "show", "line"))
        self.zooid("service", "deregister", "l1")
        self.wait_ids("line", [])
        self.zooid("service", "pick", "line", code=command.NO_NODE)
        self.zooid("service", "nothing", code=command.USAGE)
        self.zooid("service", "query", "line", "--tag", code=command.USAGE)
        self.zooid("service", "list", "--", "true", code=command.USAGE)

    def test_over_http(self):
        self.register("http", "id=h1", "port=80", "tag=v1")
        self.wait_answer((["h1"], None), "http")
        url = "http://127.0.0.1:%d/plugins/discovery/" % self.server.admin_port
        with urllib.request.urlopen(url + "http_sd?service=http&tag=v1", timeout=30) as answer:
            self.assertEqual(json.load(answer)[0]["targets"], ["10.0.0.1:80"])
        with self.assertRaises(urllib.error.HTTPError):
            urllib.request.urlopen(url + "register?name=http&id=h2", timeout=30)
        self.assertEqual(self.ids("http"), ["h1"])


class Guard(discovery_rig.DiscoveryCase):
    def put(self, *ids):
        """Instances that somebody else has written."""
        for one in ids:
            self.zooid("create", "-p", one, '{"address": "10.9.9.9", "port": 1}')

    def test_the_last_known_good_over_a_restart(self):
        d = self.discovery(name="guard", settings='base = "/guarded"; ')
        self.wait_offered("guard")
        self.put("/guarded/web/1")
        self.wait_answer((["1"], None), "web", name="guard")
        self.zooid("delete", "/guarded/web/1")
        self.wait_answer((["1"], "empty"), "web", name="guard")
        harness.wait_until(lambda: os.path.exists(os.path.join(d.state, "guard", "known", "web.json")))
        d.host.stop()
        d.start()
        self.wait_offered("guard")
        self.wait_answer((["1"], "empty"), "web", name="guard")
        self.assertTrue(self.call("query", "web", name="guard")["instances"][0]["suspect"])
        self.put("/guarded/web/2")
        self.wait_answer((["2"], None), "web", name="guard")
        shown = self.call("show", "web", name="guard")
        self.assertEqual([one["id"] for one in shown["instances"]], ["2"])

    def test_a_mass_that_vanishes(self):
        d = self.discovery(name="mass", settings='base = "/mass"; guards = { other = { policy = "off"; percent = 0; }; };')
        self.wait_offered("mass")
        for service in ("web", "other"):
            self.put(*["/mass/%s/%d" % (service, i) for i in range(4)])
            self.wait_answer((["0", "1", "2", "3"], None), service, name="mass")
            for i in range(3):
                self.zooid("delete", "/mass/%s/%d" % (service, i))
        self.wait_answer((["0", "1", "2", "3"], "mass_expiry"), "web", name="mass")
        self.wait_answer((["3"], None), "other", name="mass")


if __name__ == "__main__":
    harness.main()
