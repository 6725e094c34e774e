#!/usr/bin/python3
# sanitizers: no (they have a malloc of their own)
# limit: 300
"""libzooid's recipes while memory runs out: c/starving.c."""
import tempfile
import unittest

import harness
import program


class Starving(unittest.TestCase):
    def test_every_allocation_fails_once(self):
        agent = harness.Agent()
        self.addCleanup(agent.stop)
        agent.start()
        with tempfile.TemporaryDirectory() as directory:
            lines = program.converse(agent, program.compiled("starving", directory))
        self.assertEqual(lines[-1], "ok: a backup\n", "".join(lines))


if __name__ == "__main__":
    harness.main()
