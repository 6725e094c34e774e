#!/usr/bin/python3
"""The plugin render: files that follow the tree, groups that change together, checks that refuse them, and what stays
when agents, sessions or the plugin itself go away."""
import fcntl
import hashlib
import json
import os
import stat
import subprocess
import unittest

import plugin_rig
import render_rig
from plugin_rig import harness

INSTANCE = '{"id":"%s","address":"10.0.0.%d","port":80,"payload":{"zooid":1}}'


class Files(render_rig.RenderTestCase):
    def setUp(self):
        super().setUp()
        self.base = self.zooid("create", "-s", "/t-", "").strip()

    def key(self, name):
        return self.base + "/" + name

    def test_a_file_follows_the_tree(self):
        self.zooid("create", self.key("port"), "80")
        host = self.render({"name": "web", "backup": True, "reload": ["/bin/sh", "-c", "echo reload >>" + self.path("log")],
                            "files": [self.file("web", 'port <%%= key "%s" %%>\n' % self.key("port"), mode="0604",
                                                owner=os.getuid())]})
        self.wait_file("web", "port 80\n")
        harness.wait_until(lambda: self.lines("log") == ["reload"])
        self.zooid("set", self.key("port"), "81")
        self.wait_file("web", "port 81\n")
        harness.wait_until(lambda: self.lines("log") == ["reload"] * 2)
        self.assertEqual(self.read("web.bak"), "port 80\n")
        found = os.stat(self.path("web"))
        self.assertEqual((stat.S_IMODE(found.st_mode), found.st_uid), (0o604, os.getuid()))
        self.assertEqual(sorted(name for name in os.listdir(self.directory) if name.startswith("web")),
                         ["web", "web.bak", "web.tmpl"])
        self.assertEqual(host.stop(), 0)

    def test_what_is_in_place_is_left_alone(self):
        self.write("web", "static\n")
        os.chmod(self.path("web"), 0o644)
        before = os.stat(self.path("web")).st_ino
        host = self.render({"name": "a", "files": [self.file("web", "static\n")], "reload": ["/bin/false"]},
                           {"name": "b", "files": [self.file("other", "x\n")]})
        self.wait_file("other", "x\n")
        host.wait_for("b: put in place")
        self.assertEqual(os.stat(self.path("web")).st_ino, before)
        self.assertNotIn("/bin/false", host.log())

    def test_one_whose_mode_is_another_is_not(self):
        self.write("web", "static\n")
        os.chmod(self.path("web"), 0o666)
        self.render({"files": [self.file("web", "static\n", mode="0600")]})
        harness.wait_until(lambda: stat.S_IMODE(os.stat(self.path("web")).st_mode) == 0o600)

    def test_a_check_that_fails_keeps_the_old_files(self):
        self.zooid("create", self.key("n"), "1")
        template = 'n <%%= key "%s" %%>\n' % self.key("n")
        host = self.render({"name": "pair", "files": [self.file("one", template), self.file("two", template)],
                            "validate": ["/bin/sh", "-c", 'grep -v 2 "$0" "$1" || { echo no; echo twos >&2; exit 3; }',
                                         "{1}", "{2}"],
                            "reload": ["/bin/sh", "-c", "echo reload >>" + self.path("log")]})
        self.wait_file("two", "n 1\n")
        self.zooid("set", self.key("n"), "2")
        host.wait_for("error render: pair: the check has failed: /bin/sh ended with 3:", "pair: no", "pair: twos")
        self.assertEqual((self.read("one"), self.read("two"), self.lines("log")), ("n 1\n", "n 1\n", ["reload"]))
        self.zooid("set", self.key("n"), "3")
        host.wait_for("pair: it works again")
        self.wait_file("two", "n 3\n")
        self.assertEqual([name for name in os.listdir(self.directory) if "zooid" in name], [])

    def test_a_check_that_hangs_is_ended(self):
        host = self.render({"name": "slow", "files": [self.file("one", "1\n")], "validate": ["/bin/sleep", "1000"],
                            "validate_timeout_ms": 100})
        host.wait_for("slow: the check has failed: /bin/sleep did not end within 100 ms")
        self.assertIsNone(self.read("one"))

    def test_a_reload_that_fails_is_made_up_for(self):
        host = self.render({"name": "web", "files": [self.file("web", "1\n")],
                            "reload": ["/bin/sh", "-c", "test -e %s && echo reload >>%s" % (self.path("go"), self.path("log"))]})
        host.wait_for("web: /bin/sh ended with 1")
        self.assertEqual(self.read("web"), "1\n")
        self.write("go", "")
        harness.wait_until(lambda: self.lines("log") == ["reload"])

    def test_a_reload_that_a_crash_has_prevented_is_made_up_for(self):
        settings = self.conf({"name": "web", "files": [self.file("web", "1\n")],
                                  "reload": ["/bin/sh", "-c", "test -e %s && echo reload >>%s" % (self.path("go"), self.path("log"))]})
        host = self.launch(settings)
        host.wait_for("web: /bin/sh ended with 1")
        host.kill()
        self.write("go", "")
        self.launch(settings)
        harness.wait_until(lambda: self.lines("log") == ["reload"])

    def pair(self):
        """A group of two files, both with the same key."""
        text = '<%%= key "%s" %%>\n' % self.key("pair")
        return {"name": "pair", "files": [self.file("one", text), self.file("two", text)],
                "reload": ["/bin/sh", "-c", "echo reload >>" + self.path("log")]}

    def test_a_set_that_a_crash_has_cut_in_two_is_made_whole(self):
        """The first file was in place, the second one not: what is left of such a death, made by hand."""
        self.zooid("create", self.key("pair"), "1")
        settings = self.conf(self.pair())
        host = self.launch(settings)
        harness.wait_until(lambda: self.lines("log") == ["reload"])
        self.assertEqual(host.stop(), 0)
        os.link(self.path("one"), self.path("one.zooid-old"))
        self.write("one.new", "2\n")
        os.rename(self.path("one.new"), self.path("one"))
        os.link(self.path("two"), self.path("two.zooid-old"))
        self.write("two.zooid-new", "2\n")
        plan = {"backup": False, "files": [{"path": self.path(name), "new": self.path(name + ".zooid-new"), "had_old": True,
                                            "hash": hashlib.sha256(b"2\n").hexdigest()} for name in ("one", "two")]}
        journal = os.path.join("state", "render", "pair")
        self.write(journal + ".swap", json.dumps(plan))
        self.write(journal + ".reload", "")
        self.zooid("delete", self.key("pair"))  # so that nothing is rendered meanwhile
        self.launch(settings).wait_for("warning render: pair: a process before this one was killed while it put files in place; "
                                       "the rest is in place now")
        self.assertEqual((self.read("one"), self.read("two")), ("2\n", "2\n"))
        self.assertEqual([name for name in os.listdir(self.directory) if ".zooid-" in name], [])
        self.assertFalse(os.path.exists(self.path(journal + ".swap")))
        self.zooid("create", self.key("pair"), "2")
        harness.wait_until(lambda: self.lines("log") == ["reload", "reload"], 30, "the reload that was due")

    def test_two_processes_of_a_group_take_turns(self):
        self.zooid("create", self.key("pair"), "1")
        self.render(self.pair())
        self.wait_file("two", "1\n")
        with open(os.path.join(self.state_dir, "render", "pair.lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.zooid("set", self.key("pair"), "2")
            harness.wait_until(lambda: "pair: failed: " in self.zooid("plugin", "render", "render"), 30, "a rendering in vain")
            self.assertEqual((self.read("one"), self.read("two")), ("1\n", "1\n"))
        self.wait_file("two", "2\n")
        self.wait_file("one", "2\n")

    def test_a_signal_for_the_process_of_a_file(self):
        waiting = subprocess.Popen(["/bin/sh", "-c", 'trap "echo hup >>%s; exit 0" HUP; echo $$ >%s; while :; do sleep 0.05; done'
                                    % (self.path("log"), self.path("pid"))])
        self.addCleanup(waiting.wait)
        self.addCleanup(waiting.kill)
        harness.wait_until(lambda: self.lines("pid") != [])
        self.render({"files": [self.file("web", "1\n")], "signal": "HUP", "pid_file": self.path("pid")})
        harness.wait_until(lambda: self.lines("log") == ["hup"])

    def test_an_error_names_the_template_and_its_line(self):
        host = self.render({"name": "bad", "files": [self.file("bad", 'one\n<%%= key "%s" %%>\n' % self.key("none"))]},
                           {"name": "good", "files": [self.file("good", "fine\n")]})
        host.wait_for("error render: bad: %s:2: %s does not exist" % (self.path("bad.tmpl"), self.key("none")))
        self.wait_file("good", "fine\n")
        self.assertIsNone(self.read("bad"))
        self.zooid("create", self.key("none"), "now")
        self.wait_file("bad", "one\nnow\n")

    def test_a_file_may_be_kept_when_something_is_missing(self):
        self.zooid("create", self.key("n"), "1")
        host = self.render({"files": [self.file("one", '<%%= key "%s" %%>\n' % self.key("n"))], "missing": "keep"})
        self.wait_file("one", "1\n")
        self.zooid("delete", self.key("n"))
        self.zooid("create", self.key("n"), "2")
        self.wait_file("one", "2\n")
        self.assertNotIn("error", host.log())

    def test_changes_that_come_together_are_one(self):
        self.zooid("create", self.key("n"), "0")
        self.render({"files": [self.file("one", '<%%= key "%s" %%>\n' % self.key("n"))], "wait_min_ms": 300,
                     "wait_max_ms": 20000, "splay_ms": 10,
                     "reload": ["/bin/sh", "-c", "cat %s >>%s" % (self.path("one"), self.path("log"))]})
        harness.wait_until(lambda: self.lines("log") == ["0"])
        for number in range(1, 11):
            self.zooid("set", self.key("n"), str(number))
        harness.wait_until(lambda: self.lines("log")[-1:] == ["10"])
        self.assertLess(len(self.lines("log")), 6)

    def test_what_is_wrong_with_the_settings_is_named(self):
        def refused(settings, place, message):
            host = self.launch(settings)
            self.assertNotEqual(host.wait_end(), 0)
            self.assertIn(message, host.log())
            self.assertIn("render.conf:%d: " % place, host.log())
        good = self.file("one", "1\n")
        refused(self.conf({"files": [dict(good, mode="999")]}), 2, "octal digits in quotes")
        refused(self.conf({"files": [dict(good, path="relative")]}), 2, "an absolute path is expected")
        refused(self.conf({"files": [good], "empty": "never"}), 2, "one of last, keep, allow, error is expected")
        refused(self.conf({"files": [good], "reloads": ["x"]}), 2, "there is no such setting")
        refused(self.conf({"files": [good]}, {"files": [good]}), 2, "the same path stands in group group-1")
        refused(self.conf({"files": [self.file("bad", "\n<% if %>")]}), 2, "bad.tmpl:2: unexpected symbol near <eof>")


class Commands(render_rig.RenderTestCase):
    def setUp(self):
        super().setUp()
        self.key = self.zooid("create", "-s", "/c-", "1").strip()

    def command(self, *words, options=()):
        """The answer; "" also as long as the plugin has not come to the agent."""
        command = [os.path.join(plugin_rig.BUILD, "bin", "zooid"), "-S", plugin_rig.socket_of(self.agent), *options, "plugin",
                   "render", *words]
        return subprocess.run(command, text=True, capture_output=True, timeout=60).stdout.strip()

    def status(self):
        answer = self.command("status", options=["-j"])
        return {group["name"]: group for group in json.loads(answer)["groups"]} if answer else {}

    def test_status_diff_and_render(self):
        template = 'top\n' + ''.join("line %d\n" % n for n in range(8)) + '<%%= key "%s" %%>\n' % self.key
        self.render({"name": "checked", "files": [self.file("one", template)],
                     "validate": ["/bin/sh", "-c", "test -e %s || ! grep '^2' $0" % self.path("let"), "{}"]},
                    {"name": "other", "files": [self.file("other", "x\n")]})
        self.wait_file("one", template.split("<")[0] + "1\n")
        harness.wait_until(lambda: [g["state"] for g in self.status().values()] == ["good", "good"])
        self.assertEqual(self.command("diff"), "")
        self.zooid("set", self.key, "2")
        harness.wait_until(lambda: self.status()["checked"]["state"] == "refused")
        self.assertIn("the check has failed: /bin/sh ended with 1", self.status()["checked"]["message"])
        path = self.path("one")
        self.assertEqual(self.command("diff", "checked"), "--- %s\n+++ %s\n@@ -7,4 +7,4 @@\n line 5\n line 6\n line 7\n-1\n+2"
                         % (path, path))
        self.assertIn("checked: failed: the check has failed", self.command("render", "checked"))
        self.write("let", "")
        self.assertEqual(self.command("render").split(), ["checked:", "changed", "other:", "unchanged"])
        self.assertEqual(self.read("one").splitlines()[-1], "2")
        self.assertEqual(self.status()["checked"]["state"], "good")

    def test_a_group_that_there_is_not(self):
        self.render({"name": "one", "files": [self.file("one", "1\n")]})
        harness.wait_until(self.status)
        with self.assertRaises(subprocess.CalledProcessError):
            self.zooid("plugin", "render", "render", "none")

    def test_what_it_is_doing_shows_in_its_metrics(self):
        self.render({"name": "one", "files": [self.file("one", "1\n")]})
        harness.wait_until(lambda: 'zooid_plugin_render_changes_total{plugin="render",group="one"} 1' in self.command("metrics"))


class Program(render_rig.RenderTestCase):
    """`zooid render`"""

    def setUp(self):
        super().setUp()
        self.key = self.zooid("create", "-s", "/p-", "1").strip()

    def program(self, *words, code=0, socket=None):
        command = [os.path.join(plugin_rig.BUILD, "bin", "zooid"), "-S", socket or plugin_rig.socket_of(self.agent), "-t", "20000"]
        done = subprocess.run(command + ["render", *words], text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def group(self, name, **more):
        return dict({"name": name, "files": [self.file(name, '<%%= key "%s" %%>\n' % self.key)]}, **more)

    def test_once(self):
        conf = self.conf(self.group("one", reload=["/bin/sh", "-c", "echo reload >>" + self.path("log")]), self.group("two"))
        self.assertEqual(self.program("-1", conf).stdout, "one: changed\ntwo: changed\n")
        self.assertEqual((self.read("one"), self.lines("log")), ("1\n", ["reload"]))
        self.assertEqual(self.program("-1", conf, "two").stdout, "two: unchanged\n")

    def test_what_would_change(self):
        conf = self.conf(self.group("one"), self.group("two"))
        path = self.path("one")
        self.assertEqual(self.program("-n", conf, "one").stdout, "--- /dev/null\n+++ %s\n@@ -0,0 +1 @@\n+1\n" % path)
        self.assertIsNone(self.read("one"))

    def test_without_an_agent(self):
        view = self.write("view.json", json.dumps({self.key: "from a file"}))
        conf = self.conf(self.group("one"))
        self.program("-1", "-f", view, conf, socket=self.path("none.sock"))
        self.assertEqual(self.read("one"), "from a file\n")

    def test_what_cannot_be(self):
        conf = self.conf(self.group("one", validate=["/bin/sh", "-c", "echo no; exit 1"]), self.group("two"))
        done = self.program("-1", conf, code=1)
        self.assertIn("one: the check has failed: /bin/sh ended with 1:\nno", done.stderr)
        self.assertEqual((done.stdout, self.read("one")), ("two: changed\n", None))
        self.assertIn("there is no group three", self.program("-1", conf, "three", code=1).stderr)
        self.assertIn("view.json", self.program("-1", "-f", self.path("view.json"), conf, code=1).stderr)
        self.zooid("delete", self.key)
        self.assertIn("two.tmpl:1: %s does not exist" % self.key, self.program("-1", conf, "two", code=1).stderr)
        self.assertIn("one of last, keep", self.program("-1", self.conf(self.group("one", empty="x")), code=1).stderr)

    def test_in_the_foreground(self):
        process = subprocess.Popen([os.path.join(plugin_rig.BUILD, "bin", "zooid"), "-S", plugin_rig.socket_of(self.agent), "render",
                                    self.conf(self.group("one"))], stderr=subprocess.DEVNULL, preexec_fn=harness._die_with_parent)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_file("one", "1\n")
        self.zooid("set", self.key, "2")
        self.wait_file("one", "2\n")


class Services(render_rig.RenderTestCase):
    TEMPLATE = '<%% for _, s in ipairs(services("web")) do %%>\n<%%= s.id %%> <%%= s.address %%>\n<%% end %%>\n' % ()

    def setUp(self):
        super().setUp()
        self.agent = harness.Agent()
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def register(self, *ids):
        for number, name in enumerate(ids, 1):
            self.zooid("create", "-p", "/services/web/" + name, INSTANCE % (name, number))

    def test_a_service_that_has_lost_all_instances_keeps_the_last_ones(self):
        self.register("a", "b")
        settings = self.conf({"files": [self.file("web", self.TEMPLATE)]},
                                 {"files": [self.file("now", self.TEMPLATE)], "empty": "allow"})
        host = self.launch(settings)
        self.wait_file("web", "a 10.0.0.1\nb 10.0.0.2\n")
        self.zooid("delete", "/services/web/a")
        self.wait_file("web", "b 10.0.0.2\n")
        self.zooid("delete", "/services/web/b")
        self.wait_file("now", "")
        self.assertEqual(self.read("web"), "b 10.0.0.2\n")
        self.register("c")
        self.wait_file("web", "c 10.0.0.1\n")
        self.assertEqual(host.stop(), 0)

    def test_those_that_stand_for_them_outlive_the_plugin(self):
        self.register("a")
        conf = self.conf({"files": [self.file("web", self.TEMPLATE.replace("s.address", "s.weight"))]})
        host = self.launch(conf)
        self.wait_file("web", "a 1\n")
        self.zooid("create", "/services/web/other", "no instance")
        self.zooid("delete", "/services/web/a")
        self.zooid("delete", "/services/web/other")
        state = os.path.join(self.state_dir, "render", "last.json")
        harness.wait_until(lambda: os.path.exists(state))
        host.kill()
        os.unlink(self.path("web"))
        self.launch(conf)
        self.wait_file("web", "a 1\n")

    def test_nothing_is_emptied_while_the_agent_is_away(self):
        self.register("a")
        settings = self.conf({"files": [self.file("web", self.TEMPLATE)], "empty": "allow"})
        host = self.launch(settings)
        self.wait_file("web", "a 10.0.0.1\n")
        before = os.stat(self.path("web")).st_ino
        self.agent.kill()
        host.kill()
        host = self.launch(settings)
        host.wait_for("ready")
        self.agent.start()
        self.register("b")
        self.wait_file("web", "a 10.0.0.1\nb 10.0.0.1\n")
        self.assertNotEqual(os.stat(self.path("web")).st_ino, before)
        host.wait_for("put in place")  # which is told behind the file
        self.assertEqual(host.log().count("put in place"), 1)

    def test_data_that_is_too_old_is_told(self):
        self.register("a")
        host = self.render({"name": "fresh", "files": [self.file("web", self.TEMPLATE)], "age_max_ms": 60000, "on_age": "fail"})
        self.wait_file("web", "a 10.0.0.1\n")
        self.assertNotIn("too old", host.log())
        self.agent.kill()
        host.wait_for("error render: fresh: the agent's data is too old: ")
        self.agent.start()
        host.wait_for("fresh: it works again")

    def test_haproxy_and_nginx_take_what_is_rendered(self):
        haproxy = harness.need_program("haproxy", "haproxy")
        nginx = harness.need_program("nginx", "nginx-light")
        self.register("a", "b")
        servers = '<% for _, s in ipairs(services "web") do %>\n    server <%= s.id %><%= s.address %>:<%= s.port %>;\n<% end %>\n'
        haproxy_template = ("defaults\n    mode http\n    timeout connect 1s\n    timeout client 1s\n    timeout server 1s\n"
                            "frontend f\n    bind 127.0.0.1:%d\n    default_backend web\nbackend web\n" % harness.free_port()
                            + servers.replace("<%= s.address", " <%= s.address").replace(";\n<% end", "\n<% end"))
        nginx_template = ("pid %s;\nerror_log stderr;\nevents { }\nhttp { access_log off; upstream web {\n" % self.path("nginx.pid")
                          + servers.replace("<%= s.id %>", "") + "} server { listen 127.0.0.1:%d; location / "
                          "{ proxy_pass http://web; } } }\n" % harness.free_port())
        host = self.render(
            {"name": "haproxy", "files": [self.file("haproxy.cfg", haproxy_template)], "validate": [haproxy, "-c", "-q", "-f", "{}"]},
            {"name": "nginx", "files": [self.file("nginx.conf", nginx_template)],
             "validate": [nginx, "-t", "-q", "-p", self.directory, "-c", "{}"]})
        host.wait_for("haproxy: put in place", "nginx: put in place")
        self.zooid("set", "/services/web/a", INSTANCE.replace(":80", ":99999") % ("a", 1))
        host.wait_for("haproxy: the check has failed: " + haproxy, "nginx: the check has failed: " + nginx)
        self.assertIn("server a 10.0.0.1:80", self.read("haproxy.cfg"))
        self.assertIn("server 10.0.0.1:80", self.read("nginx.conf"))


if __name__ == "__main__":
    harness.main()
