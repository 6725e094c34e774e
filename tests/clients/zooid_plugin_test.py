#!/usr/bin/python3
"""The command `zooid plugin`: what is offered, calls, how answers are shown, and completion of names."""
import json
import os
import socket
import subprocess
import threading

import command
import harness
import local_wire
from command import FAILED, NO_AGENT, NO_NODE, USAGE
from local_wire import pb

ANSWERS = {"text": b'"plain text"', "line": b'"with an end\\n"', "object": b'{"a": [1, null]}', "nothing": b"null",
           "raw": b"no JSON at all\n",
           "table": b'[{"name": "a", "tags": ["x", "y"]}, {"name": "long name", "up": true, "more": {"n": 1}}]',
           "fields": b'{"one": null, "in": {"two": "2"}, "rows": [{"id": 7}], "words": ["a", "b"]}',
           "list": b'["a", 1]'}


class Plugin(command.CommandCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = os.path.join(cls.server.data_dir, "zooid", "zooid.sock")
        offers = [pb.Offer(command=name, help="WORD ...: answers " + name) for name in sorted(ANSWERS)]
        offers += [pb.Offer(command="echo"), pb.Offer(command="fails"), pb.Offer(command="hangs", admin=True)]
        cls.provider = local_wire.Provider(path, "weather", *offers)
        cls.empty = local_wire.Provider(path, "empty")
        cls.thread = threading.Thread(target=cls.serve, daemon=True)
        cls.thread.start()

    @classmethod
    def serve(cls):
        """Answers until the connection ends."""
        try:
            while True:
                invoke = cls.provider.invoke()
                if invoke.command in ANSWERS:
                    cls.provider.answer(invoke, ANSWERS[invoke.command])
                elif invoke.command == "echo":
                    cls.provider.answer(invoke, invoke.bytes)
                elif invoke.command == "fails":
                    cls.provider.answer(invoke, error=pb.Error(code=pb.BAD_ARGUMENTS, message="it cannot be done"))
        except (AssertionError, OSError):
            pass

    @classmethod
    def tearDownClass(cls):
        cls.provider.socket.shutdown(socket.SHUT_RDWR)
        cls.thread.join()
        cls.provider.close()
        cls.empty.close()
        super().tearDownClass()

    def test_who_is_there_and_what_is_offered(self):
        lines = self.zooid("plugin").splitlines()
        self.assertEqual([line.split()[:2] for line in lines],
                         [["plugin", "commands"], ["weather", "11"], ["empty", "0"]])
        lines = self.zooid("plugin", "weather").splitlines()
        self.assertIn("text                     WORD ...: answers text", lines)
        self.assertTrue(any(line.startswith("hangs") and line.endswith("(admin)") for line in lines), lines)
        self.assertEqual(self.zooid("plugin", "empty"), "command                  help\n")
        self.assertEqual([p["name"] for p in json.loads(self.zooid("-j", "plugin"))], ["weather", "empty"])
        self.assertEqual(len(json.loads(self.zooid("-j", "plugin", "weather"))), 11)
        self.assertIn("nobody provides under that name", self.zooid("plugin", "none", code=NO_NODE))

    def test_words_become_arguments(self):
        for words in ((), ("a",), ("a b", "-x", "--", "\u00e9")):
            self.assertEqual(json.loads(self.zooid("-j", "plugin", "weather", "echo", *words)), {"args": list(words)})
        done = subprocess.run([command.ZOOID, "plugin", "weather", "echo", b"\xff"], env=self.environment(),
                              stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"UTF-8", done.stderr)

    def test_answers_are_shown(self):
        for name, shown in (("text", "plain text\n"), ("line", "with an end\n"), ("nothing", "null\n"),
                            ("raw", "no JSON at all\n")):
            self.assertEqual(self.zooid("plugin", "weather", name), shown)
        self.assertEqual(self.zooid("plugin", "weather", "object"), "a                     1,null\n")
        self.assertEqual(self.zooid("plugin", "weather", "list"), "a\n1\n")
        self.assertEqual(self.zooid("-j", "plugin", "weather", "object"), '{"a":[1,null]}\n')
        self.assertEqual(self.zooid("-j", "plugin", "weather", "text"), '"plain text"\n')

    def test_lists_and_objects_are_tables_for_people(self):
        self.assertEqual(self.zooid("plugin", "weather", "table").splitlines(),
                         ["name       tags  up    more",
                          "a          x,y   -     -",
                          "long name  -     true  {\"n\":1}"])
        self.assertEqual([line.split() for line in self.zooid("plugin", "weather", "fields").splitlines()],
                         [["one", "-"], ["in.two", "2"], ["words", "a,b"], [], ["rows:"], ["id"], ["7"]])
        self.assertEqual(json.loads(self.zooid("-j", "plugin", "weather", "fields"))["in"], {"two": "2"})

    def test_errors_are_told(self):
        self.assertIn("it cannot be done", self.zooid("plugin", "weather", "fails", code=FAILED))
        self.assertIn("no such command", self.zooid("plugin", "weather", "none", code=NO_NODE))
        self.assertIn("nobody", self.zooid("plugin", "none", "none", code=NO_NODE))
        self.assertIn("in time", self.zooid("-t", "50", "plugin", "weather", "hangs", code=NO_AGENT))

    def test_names_are_completed(self):
        self.assertEqual(self.completed("zooid", "plugin", "w"), ["weather"])
        self.assertEqual(self.completed("zooid", "plugin", ""), ["weather", "empty"])
        self.assertEqual(self.completed("zooid", "-j", "plugin", "weather", "te"), ["text"])
        self.assertEqual(self.completed("zooid", "plugin", "weather", "text", ""), [])

    def test_a_shell_completes_them_too(self):
        terminal = command.Terminal([command.ZOOID, "shell"],
                                    dict(self.environment(), TERM="xterm", HOME=self.server.directory))
        self.addCleanup(terminal.close)
        terminal.expect("zooid> ")
        terminal.type("plugin wea\t tex\t\n")
        terminal.expect("plain text")
        terminal.type("plugin weather t")
        terminal.type("ext more\t\n")
        terminal.expect("plain text")
        terminal.type("quit\n")
        self.assertEqual(terminal.wait(), 0)


if __name__ == "__main__":
    harness.main()
