#!/usr/bin/python3
"""The command `zooid`, as scripts use it: output, JSON, exit codes."""
import json
import os
import unittest

import harness
from command import CONFLICT, FINE, FORBIDDEN, NO_AGENT, NO_NODE, USAGE
import command


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

    def test_json_is_for_programs(self):
        self.zooid("create", "/j", "text")
        read = json.loads(self.zooid("-j", "get", "/j"))
        self.assertEqual((read["data"], read["stat"]["dataLength"]), ("text", 4))
        with open(os.path.join(self.server.directory, "bytes"), "wb") as file:
            file.write(b"\xff\x00\xfe")
        self.zooid("set", "-f", file.name, "/j")
        self.assertEqual(json.loads(self.zooid("-j", "get", "/j"))["data"], {"base64": "/wD+"})
        self.assertEqual(json.loads(self.zooid("-j", "create", "-s", "/j/s-"))["path"], "/j/s-0000000000")

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
        self.assertIn("no agent answers", self.zooid("-S", "/nowhere", "-t", "50", "sync", code=NO_AGENT))


if __name__ == "__main__":
    harness.main()
