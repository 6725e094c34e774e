#!/usr/bin/python3
"""The command `zooid`, as scripts use it: output, JSON, exit codes."""
import json
import os
import re
import subprocess
import unittest

import harness
from command import CONFLICT, FAILED, FINE, FORBIDDEN, NO_AGENT, NO_NODE, USAGE
import command


def letters_of(usage):
    """The letters of options that a line shows: -l, or together as -1n."""
    return sorted({letter for group in re.findall(r"(?<![a-z-])-([A-Za-z0-9]+)", usage) for letter in group})


class Command(command.CommandCase):
    def test_a_node_from_its_making_to_its_end(self):
        self.assertEqual(self.zooid("create", "-p", "/n/one", "first"), "/n/one\n")
        self.assertEqual(self.zooid("get", "/n/one"), "first")
        self.assertEqual(self.zooid("set", "-v", "0", "/n/one", "second"), "")
        self.assertIn("version does not match", self.zooid("set", "-v0", "/n/one", "third", code=CONFLICT))
        self.zooid("set", "-f", "-", "/n/one", given="from input")
        self.assertEqual(self.zooid("-L", "get", "/n/one"), "from input")
        self.assertIn("bytes      10\n", self.zooid("stat", "/n/one"))
        self.assertIn("/n", self.zooid("delete", "/n", code=CONFLICT))
        self.zooid("delete", "-r", "/n")
        self.assertIn("no such node", self.zooid("get", "/n", code=NO_NODE))

    def test_lists_and_trees(self):
        for path in ("/l", "/l/b", "/l/a", "/l/a/deep"):
            self.zooid("create", path, path)
        self.assertEqual(self.zooid("ls", "/l"), "a\nb\n")
        self.assertEqual(self.zooid("ls", "-R", "/l").split(), ["/l", "/l/a", "/l/a/deep", "/l/b"])
        self.assertEqual(self.zooid("ls", "-l", "/l").splitlines()[1].split(), ["persistent", "0", "4", "1", "a"])
        names = [node["name"] for node in json.loads(self.zooid("-j", "ls", "/l"))]
        self.assertEqual(names, ["a", "b"])
        self.assertIn("zookeeper\n", self.zooid("ls"))

    def test_each_kind_has_its_name(self):
        self.zooid("create", "/k")
        kinds = {"/k/c": ("container", "-c"), "/k/p": ("persistent",), "/k/t": ("ttl", "-T", "600000")}
        for path, (_, *options) in kinds.items():
            self.zooid("create", *options, path)
        self.assertEqual([line.split()[0] for line in self.zooid("ls", "-l", "/k").splitlines()[1:]],
                         [kind for kind, *_ in kinds.values()])
        for path, (kind, *_) in kinds.items():
            self.assertEqual(self.zooid("stat", path).splitlines()[0].split(), ["kind", kind])
            stat = json.loads(self.zooid("-j", "get", path))["stat"]
            self.assertEqual((stat["kind"], stat["ephemeralOwner"]), (kind, 0))
        held = self.started("create", "-e", "/k/e")
        self.assertEqual(held.stdout.readline(), "/k/e\n")
        self.assertIn("ephemeral", self.zooid("stat", "/k/e").splitlines()[0])

    def test_json_is_for_programs(self):
        self.zooid("create", "/j", "text")
        read = json.loads(self.zooid("-j", "get", "/j"))
        self.assertEqual((read["data"], read["stat"]["dataLength"]), ("text", 4))
        with open(os.path.join(self.server.directory, "bytes"), "wb") as file:
            file.write(b"\xff\x00\xfe")
        self.zooid("set", "-f", file.name, "/j")
        self.assertEqual(json.loads(self.zooid("-j", "get", "/j"))["data"], {"base64": "/wD+"})
        self.assertEqual(json.loads(self.zooid("-j", "create", "-s", "/j/s-"))["path"], "/j/s-0000000000")

    def test_errors_are_for_programs_too(self):
        error = json.loads(self.zooid("-j", "get", "/none", code=NO_NODE))
        self.assertEqual(error, {"error": "NO_NODE", "message": "no such node", "path": "/none", "retry": False,
                                 "outcome_unknown": False})
        error = json.loads(self.zooid("-j", "-S", "/nowhere", "-t", "50", "sync", code=NO_AGENT))
        self.assertEqual((error["error"], error["path"], error["retry"]), ("CONNECTION_LOST", None, True))
        self.zooid("create", "/failing")
        error = json.loads(self.zooid("-j", "multi", given="set -v 7 /failing x\n", code=CONFLICT))
        self.assertEqual(error["error"], "BAD_VERSION")

    def shown_on_terminal(self, *words, **environment):
        terminal = command.Terminal([command.ZOOID, *words], dict(self.environment(), TERM="xterm", **environment))
        self.addCleanup(terminal.close)
        terminal.expect("persistent")
        return terminal.before

    def test_colours_are_for_terminals(self):
        self.zooid("create", "/coloured")
        self.zooid("create", "/coloured/node")
        self.assertIn("\033[1mkind", self.shown_on_terminal("ls", "-l", "/coloured"))
        self.assertNotIn("\033", self.shown_on_terminal("ls", "-l", "/coloured", NO_COLOR="1"))
        self.assertNotIn("\033", self.zooid("ls", "-l", "/coloured"))

    def test_an_ephemeral_lives_until_the_end_of_input(self):
        process = self.started("create", "-e", "/eph", "here")
        self.assertEqual(process.stdout.readline(), "/eph\n")
        self.assertEqual(self.zooid("get", "/eph"), "here")
        process.communicate("")
        self.assertEqual(process.returncode, FINE)
        self.assertIn("no such node", self.zooid("get", "/eph", code=NO_NODE))

    def test_one_that_is_killed_takes_its_ephemeral_along(self):
        process = self.started("create", "-e", "/killed")
        self.assertEqual(process.stdout.readline(), "/killed\n")
        watcher = self.started("watch", "-n", "1", "/killed")
        harness.wait_until(lambda: self.server.word("wchs").startswith("1 connections"), what="the watch to be set")
        process.kill()
        self.assertEqual(watcher.stdout.readline(), "deleted /killed\n")

    def test_a_watch_runs_a_command(self):
        process = self.started("watch", "-R", "-n", "2", "/handled", "sh", "-c", "echo $ZOOID_CHANGE $ZOOID_PATH")
        harness.wait_until(lambda: self.server.word("wchs").startswith("1 connections"), what="the watch to be set")
        self.zooid("create", "/handled")
        self.zooid("create", "/handled/child")
        self.assertEqual(process.communicate()[0], "created /handled\ncreated /handled/child\n")

    def test_a_tree_is_drawn(self):
        for path in ("/t", "/t/b", "/t/a", "/t/a/deep", "/t/a/deep/er"):
            self.zooid("create", path)
        self.assertEqual(self.zooid("ls", "-t", "/t"), "/t\n├── a\n│   └── deep\n│       └── er\n└── b\n")
        self.assertTrue(self.zooid("ls", "-t").startswith("/\n├── "))

    def test_a_multi_does_all_or_nothing(self):
        lines = '# comment\n\ncreate /m "a b"\ncreate -s /m/s- \'it\\\'\ncheck -v 0 /m\nset -v 0 /m c\\ d\n'
        self.assertEqual(self.zooid("multi", given=lines), "1: /m\n2: /m/s-0000000000\n")
        self.assertEqual((self.zooid("get", "/m"), self.zooid("get", "/m/s-0000000000")), ("c d", "it\\"))
        path = os.path.join(self.server.directory, "lines")
        with open(path, "w", encoding="ascii") as file:
            file.write("delete /m/s-0000000000\ncheck -v 7 /m\n")
        self.assertIn("2: version does not match", self.zooid("multi", path, code=CONFLICT))
        self.zooid("get", "/m/s-0000000000")
        results = json.loads(self.zooid("-j", "multi", given="delete /m/s-0000000000\ndelete -v 1 /m\n"))
        self.assertEqual([result["code"] for result in results], ["OK", "OK"])
        for wrong in ("get /m", "create", 'set /m "open', "create -e -c /m", "set -v x /m y"):
            self.assertIn("line 2", self.zooid("multi", given="create /never\n%s\n" % wrong, code=USAGE))
        self.zooid("get", "/never", code=NO_NODE)

    def test_how_the_agent_fares(self):
        self.zooid("sync")
        self.assertIn("alone", self.zooid("status"))
        status = json.loads(self.zooid("-j", "status"))
        self.assertEqual((status["role"], status["leader_heard_ms"]), ("alone", 0))
        self.assertGreater(status["nodes"], 4)
        self.assertEqual(self.zooid("members"), "")
        self.assertEqual(json.loads(self.zooid("-j", "members")), [])
        holder = self.started("create", "-e", "/fares")
        holder.stdout.readline()
        sessions = json.loads(self.zooid("-j", "sessions"))
        self.assertIn(["/fares"], [session["ephemerals"] for session in sessions])
        self.assertIn("ephemerals", self.zooid("sessions"))
        self.assertEqual(json.loads(self.zooid("command", "ruok"))["command"], "ruok")
        self.assertIn("no command of that name", self.zooid("command", "none", code=FAILED))

    def test_a_report_has_everything(self):
        report = json.loads(self.zooid("debug"))
        self.assertEqual(report["agent"]["monitor"]["server_state"], "standalone")
        self.assertEqual(report["agent"]["server_stats"]["command"], "server_stats")

    def test_a_measurement_has_figures_and_leaves_nothing(self):
        rows = json.loads(self.zooid("-j", "bench", "-n", "50", "-p", "5", "-b", "10"))
        self.assertEqual([row["request"] for row in rows], ["get", "set"])
        self.assertTrue(all(0 < row["median_us"] <= row["p99_us"] and row["per_second"] > 0 for row in rows), rows)
        self.assertEqual(len(self.zooid("bench", "-n", "1").splitlines()), 3)
        self.assertNotIn("zooid-bench", self.zooid("ls"))
        self.zooid("bench", "-n", "0", code=USAGE)

    def test_a_shell_reads_commands(self):
        done = self.zooid("shell", given='create /sh "one two"\nget /sh\n\n# nothing\nset /sh three\nget /sh\nquit\nget /sh\n')
        self.assertEqual(done, "/sh\none twothree")
        self.assertIn("ls [-l]", self.zooid("shell", given="help\n"))
        self.assertIn("no such command", self.zooid("shell", given="sync\nnothing\n", code=USAGE))
        self.zooid("shell", given="get /sh/none\n", code=NO_NODE)
        self.zooid("shell", given='get "/sh\n', code=USAGE)
        self.zooid("shell", given="shell\n", code=USAGE)

    def test_a_shell_on_a_terminal_completes(self):
        self.zooid("create", "/tab")
        self.zooid("create", "/tab/only-child", "reached")
        self.zooid("create", "/tab/twin-1")
        self.zooid("create", "/tab/twin-2")
        terminal = command.Terminal([command.ZOOID, "shell"], dict(self.environment(), TERM="xterm", HOME=self.server.directory))
        self.addCleanup(terminal.close)
        terminal.expect("zooid> ")
        terminal.type("ge\t/tab/on\t\n")
        terminal.expect("reached")
        terminal.type("ls /tab/t\t\t")
        terminal.expect("twin-1  twin-2")
        terminal.type("1\n")
        terminal.expect("zooid> ")
        terminal.type("quit\n")
        self.assertEqual(terminal.wait(), FINE)
        with open(os.path.join(self.server.directory, ".zooid_history"), encoding="utf-8") as history:
            self.assertIn("get\\040/tab/only-child", history.read())

    def test_completions_know_all_commands(self):
        names = re.findall(r"^  ([a-z]+)", self.zooid("-h"), re.M)
        self.assertIn("whoami", names)
        for file in ("zooid.bash", "_zooid", "zooid.fish"):
            with open(os.path.join(harness.ROOT, "packaging", "completions", file), encoding="utf-8") as text:
                words = set(re.findall(r"[a-z]+", text.read()))
            self.assertEqual(set(names) - words, set(), file)
        self.zooid("create", "/bash")
        self.zooid("create", "/bash/completes")
        self.assertEqual(self.completed("zooid", "get", "/bash/co"), ["/bash/completes"])
        socket = self.environment()["ZOOID_SOCKET"]
        self.assertEqual(self.completed("zooid", "-S", socket, "-t", "100", "ls", "-l", "/bash/co", ZOOID_SOCKET="/nowhere"),
                         ["/bash/completes"])
        self.assertEqual(self.completed("zooid", "-S", socket[:-2]), [socket])

    def test_completions_and_the_page_know_all_options(self):
        """Those of every command, as its line in the summary shows them, which that of the command line agrees with."""
        with open(os.path.join(harness.ROOT, "packaging", "man", "zooid.1"), encoding="utf-8") as text:
            page = re.sub(r"\\f[BIR]", "", text.read().replace("\\-", "-"))
        for name, line in re.findall(r"^  ([a-z]+)(.*)$", self.zooid("-h"), re.M):
            known = letters_of(line)
            heads = re.findall(r"^\.TP\n(?:\.BI? )?%s\b(.*)$" % name, page, re.M)
            self.assertTrue(heads, name)
            self.assertEqual(letters_of(" ".join(heads)), known, name)
            self.assertEqual(sorted(self.completed("zooid", name, "-")), sorted("-" + letter for letter in known) + sorted(
                re.findall(r"--[a-z]+", line)), name)
            for letter in known:
                self.assertNotIn("unknown option", self.zooid(name, "-" + letter, code=None))
        self.assertEqual(self.completed("zooid", "-"), ["-S", "-t", "-s", "-j", "-L", "-h", "-V"])

    def test_acls(self):
        own = "unix:uid:%d:rwcda" % os.getuid()
        self.zooid("create", "-a", own + ",world:anyone:r", "/acl")
        self.assertEqual(self.zooid("acl", "/acl"), own + "\nworld:anyone:r\n")
        self.zooid("acl", "-a", "unix:uid:4711:rwcda", "/acl")
        self.assertIn("not permitted", self.zooid("get", "/acl", code=FORBIDDEN))
        self.assertIn("unix:uid:%d\n" % os.getuid(), self.zooid("whoami"))

    def test_mistakes_are_told(self):
        for words in ((), ("nothing",), ("get",), ("get", "/", "/"), ("ls", "-x"), ("set", "/a"), ("-t", "soon", "sync"),
                      ("set", "-v", "x", "/a", "b"), ("create", "-e", "-c", "/a"), ("create", "-a", "who", "/a"),
                      ("acl", "-a", "a:b:x", "/")):
            self.zooid(*words, code=USAGE)
        self.assertIn("zooid [-S SOCKET]", self.zooid("-h"))
        self.assertRegex(self.zooid("-V"), r"\Azooid \d+\.\d+\.\d+\n\Z")

    def test_without_an_agent_it_says_so_in_time(self):
        self.assertEqual(self.zooid("-S", "/nowhere", "-t", "50", "sync", code=NO_AGENT),
                         "zooid: no agent answers on /nowhere: No such file or directory\n")


if __name__ == "__main__":
    harness.main()
