#!/usr/bin/python3
"""Plugins in Lua against a real agent: the tree, what a plugin has of its host, and how one ends that cannot go on."""
import os
import subprocess
import tempfile

import plugin_rig
from plugin_rig import harness
import wire

SCRIPTS = os.path.join(harness.ROOT, "tests", "plugins", "lua")


class Lua(harness.ServerTestCase):
    def setUp(self):
        super().setUp()
        self.directory = tempfile.mkdtemp()
        self.addCleanup(subprocess.run, ["rm", "-r", self.directory])

    def run_host(self, plugin, settings="", *arguments):
        conf = os.path.join(self.directory, "settings.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(settings)
        host = plugin_rig.Host(self.directory, "--plugin", plugin, "--socket", plugin_rig.socket_of(self.server),
                               "--settings", conf, *arguments)
        self.addCleanup(host.kill)
        return host

    def zooid(self, *words):
        """Exit code, output, error."""
        done = subprocess.run([os.path.join(plugin_rig.BUILD, "bin", "zooid"), "-S", plugin_rig.socket_of(self.server), *words],
                              text=True, capture_output=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def run_text(self, text, settings=""):
        path = os.path.join(self.directory, "script.lua")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return self.run_host(path, settings)

    def test_the_tree(self):
        client = wire.client_of(self.server)
        client.must("createTTL", path="/ttl", data=b"", acl=wire.OPEN_ACL, flags=wire.TTL, ttl=3600 * 1000)
        client.end()
        host = self.run_host(os.path.join(SCRIPTS, "tree.lua"))
        host.wait_for("the end", "tree: ready")
        self.assertEqual(host.stop(), 0)
        lines = [line.partition("info tree: ")[2] for line in host.log().splitlines()]
        for line in ["create: /tree/a", "create again: nil /tree/a: node exists", "sequential: /tree/s-0000000001",
                     "get: one", "get none: nil /tree/none: no such node", "exists: version 0 nil", "exists none: false",
                     'list: ["a","s-0000000001"]', "set: version 1 nil", "set old: nil /tree/a: version does not match",
                     "delete not empty: nil /tree: node has children", "sync: true", "multi: 3 /tree/b 2 true",
                     "multi fails: nil NO_NODE -101", "multi of a list: 2", "subtree: /tree  3 container",
                     "subtree: /tree/a three 0 persistent", "subtree: /tree/s-0000000001  0 ephemeral",
                     "read many: container ttl persistent", "kind in a multi: persistent", "change: reset nil nil nil",
                     "change: present /tree/b b persistent", "change: changed /tree/b new persistent",
                     "change: created /tree/b/below x persistent", "change: deleted /tree/b/below nil nil"]:
            self.assertIn(line, lines)
        self.assertEqual(lines.count("change: txn_end nil nil nil"), 2)

    def test_what_a_plugin_has(self):
        host = self.run_host(os.path.join(SCRIPTS, "self.lua"),
                             'grants = [ "files", "run" ]; settings = { text = "a\\"b"; list = ( 1, 2 ); directory = "%s"; };'
                             % self.directory, "--state-dir", self.directory)
        host.wait_for("the end")
        log = host.log()
        for line in ['settings a"b 2 self true %s/self' % self.directory, "child 3 given wrong", "no child nil",
                     "late child true", "swap true first 384", "link true true", "files second first 420",
                     "unlink true nil", "lock true true", "lock again true false",
                     "no folder nil /no/such/folder/x: cannot be made: No such file or directory",
                     "sha256 ba7816bf", "ephemeral true here", "set true"]:
            self.assertIn(line, log.replace("\t", " "))
        # Commands are offered a moment after the plugin is ready.
        harness.wait_until(lambda: "nobody provides" not in self.zooid("plugin", "self", "add", "0", "0")[2], 10)
        self.assertEqual(self.zooid("plugin", "self", "add", "2", "3"), (0, "5\n", ""))
        code, _, error = self.zooid("plugin", "self", "add", "2")
        self.assertNotEqual(code, 0)
        self.assertIn("two numbers are wanted", error)
        self.assertIn('zooid_plugin_runs{plugin="self",kind="test"} 1', self.zooid("plugin", "self", "metrics")[1])
        caller = self.run_text("print('sum', zooid.plugin('self', 'add', '4', 5))\nprint(zooid.plugin('self', 'nothing'))")
        caller.wait_for("sum\t9", "nil\t")
        self.assertEqual(caller.stop(), 0)
        self.assertEqual(host.stop(), 0)

    def test_a_script_that_fails_at_its_start_is_refused(self):
        host = self.run_text("local x = nil\nx.y = 1")
        self.assertEqual(host.wait_end(), 78)
        self.assertIn("script.lua:2: attempt to index a nil value (local 'x')", host.log())
        self.assertIn("script.lua:2: in main chunk", host.log())
        self.assertEqual(self.run_text("x = = 1").wait_end(), 78)

    def test_a_script_that_fails_later_says_where(self):
        host = self.run_text("zooid.spawn(function()\nzooid.get('/')\nerror('broken') end)")
        self.assertEqual(host.wait_end(), 70)
        self.assertIn("it cannot go on: %s/script.lua:3: broken" % self.directory, host.log())

    def test_a_script_that_takes_too_much(self):
        limits = "limits = { lua_memory_mb = 2; lua_instructions = 100000; };"
        host = self.run_text("zooid.sleep(1) while true do end", limits)
        self.assertEqual(host.wait_end(), 70)
        self.assertIn("more than 100000 instructions without a wait", host.log())
        host = self.run_text("zooid.sleep(1) local t = {} while #t < 3000 do t[#t + 1] = ('x'):rep(1000) .. #t end", limits)
        self.assertEqual(host.wait_end(), 70)
        self.assertIn("not enough memory", host.log())

    def test_without_grants_nothing_is_reached(self):
        host = self.run_text("print(io, pcall(zooid.run, {'true'}))\nprint(pcall(zooid.files.read, '/etc/passwd'))\nprint('end')")
        host.wait_for("end", "nil\tfalse\t", "does not grant \"files\"")
        host.stop()

    def test_modules_beside_the_script(self):
        with open(os.path.join(self.directory, "helper.lua"), "w", encoding="utf-8") as file:
            file.write("return { word = zooid.json.encode { a = zooid.json.null } }")
        host = self.run_text("print('helper', require('helper').word)")
        host.wait_for('helper\t{"a":null}')
        host.stop()


if __name__ == "__main__":
    harness.main()
