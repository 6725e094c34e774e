#!/usr/bin/python3
# sanitizers: no (the interpreters have none)
"""One scenario through C, Python, Go and Lua: each gives the trace that is kept in scenario/trace.txt.

    REWRITE=1 tests/bindings/scenario_test.py    writes what C gives into it"""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "clients"))
import harness  # noqa: E402

BUILD = os.path.abspath(os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build"))
HERE = os.path.join(harness.ROOT, "tests", "bindings")
TRACE = os.path.join(HERE, "scenario", "trace.txt")
LIBRARY = os.path.join(BUILD, "lib")
GO = dict(os.environ, PKG_CONFIG_PATH=os.path.join(LIBRARY, "pkgconfig"), GOCACHE=os.path.join(BUILD, "go-cache"),
          GOFLAGS="", GOTOOLCHAIN="local", GOPROXY="off", GO111MODULE="on", CGO_ENABLED="1")


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


class Scenario(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.agent = harness.Agent()
        self.addCleanup(self.agent.stop)
        self.agent.start()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.program = os.path.join(scratch.name, "scenario")

    def trace(self, *command, **environment):
        socket = os.path.join(self.agent.data_dir, "zooid", "zooid.sock")
        with open(os.path.join(HERE, "scenario", "scenario.txt"), encoding="utf-8") as scenario:
            done = subprocess.run([*command, socket], stdin=scenario, stdout=subprocess.PIPE, text=True, timeout=120,
                                  env=dict(os.environ, **environment))
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_c(self):
        source = os.path.join(HERE, "c", "scenario.c")
        subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", self.program, source, "-L" + LIBRARY,
                        "-I" + os.path.join(harness.ROOT, "bindings", "c", "include"), "-lzooid",
                        "-Wl,-rpath," + LIBRARY], check=True)
        trace = self.trace(self.program)
        if "REWRITE" in os.environ:
            with open(TRACE, "w", encoding="utf-8") as kept:
                kept.write(trace)
        self.assertEqual(trace, read(TRACE))

    def test_python(self):
        program = os.path.join(HERE, "scenario", "scenario.py")
        self.assertEqual(self.trace(sys.executable, program, PYTHONPATH=os.path.join(BUILD, "python")), read(TRACE))

    def test_lua(self):
        program = os.path.join(HERE, "scenario", "scenario.lua")
        self.assertEqual(self.trace(os.path.join(BUILD, "bin", "zooid"), "lua", program,
                                    ZOOID_SOCKET=os.path.join(self.agent.data_dir, "zooid", "zooid.sock")), read(TRACE))

    def test_go(self):
        harness.need_program("go", "golang-go")
        subprocess.run(["go", "build", "-o", self.program, "."], cwd=os.path.join(HERE, "go"), env=GO, check=True)
        self.assertEqual(self.trace(self.program), read(TRACE))


if __name__ == "__main__":
    harness.main()
