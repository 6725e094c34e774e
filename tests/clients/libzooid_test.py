#!/usr/bin/python3
"""libzooid: compiles c/libzooid.c against the built library and runs it on an agent, which it has killed and started."""
import os
import subprocess
import tempfile
import unittest

import harness
import program


class Library(unittest.TestCase):
    def test_a_program_uses_it(self):
        agent = harness.Agent()
        self.addCleanup(agent.stop)
        agent.start()
        with tempfile.TemporaryDirectory() as directory:
            lines = program.converse(agent, program.compiled("libzooid", directory))
        self.assertEqual(lines[-1], "ok: without an agent it says so\n", "".join(lines))

    def test_logins(self):
        agent = harness.Agent()
        self.addCleanup(agent.stop)
        agent.start()
        with tempfile.TemporaryDirectory() as directory:
            lines = program.converse(agent, program.compiled("logins", directory))
        self.assertEqual(lines[-1], "ok: no more logins are kept than was asked for\n", "".join(lines))

    def test_nothing_is_left_behind_over_many_operations(self):
        agent = harness.Agent()
        self.addCleanup(agent.stop)
        agent.start()
        with tempfile.TemporaryDirectory() as directory:
            lines = program.converse(agent, program.compiled("leaks", directory))
        self.assertEqual(lines[-1], "ok: submitted ones leave nothing\n", "".join(lines))

    def test_it_shows_only_what_the_header_promises(self):
        library = os.path.join(program.BUILD, "lib", "libzooid.so")
        command = ["nm", "-D", "--defined-only", library]
        shown = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        names = {line.split()[-1] for line in shown.splitlines() if " T " in line or " D " in line or " B " in line}
        self.assertTrue(names)
        self.assertEqual({name for name in names if not name.startswith("zooid_")}, set())


if __name__ == "__main__":
    harness.main()
