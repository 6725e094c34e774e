#!/usr/bin/python3
# sanitizers: no (the Go tool builds for itself)
# limit: 600
"""The Go package: gofmt, go vet, and its tests under the race detector."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "clients"))
import harness  # noqa: E402

GO = harness.need_program("go", "golang-go")
BUILD = os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build")
PACKAGE = os.path.join(harness.ROOT, "bindings", "go", "zooid")
ENVIRONMENT = dict(os.environ, PKG_CONFIG_PATH=os.path.join(BUILD, "lib", "pkgconfig"), ZOOID_AGENT=harness.AGENT,
                   GOCACHE=os.path.join(BUILD, "go-cache"), GOFLAGS="", GOTOOLCHAIN="local", GOPROXY="off",
                   GO111MODULE="on", CGO_ENABLED="1")


def run(*command):
    return subprocess.run(command, cwd=PACKAGE, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class GoPackage(unittest.TestCase):
    def succeed(self, *command):
        done = run(*command)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_written_as_gofmt_does(self):
        sources = [os.path.relpath(os.path.join(folder, name), PACKAGE) for folder, _, names in os.walk(PACKAGE)
                   for name in names if name.endswith(".go") and not folder.endswith("internal/swig")]
        self.assertIn("client.go", sources)
        self.assertEqual(self.succeed("gofmt", "-l", *sources), "")

    def test_vet(self):
        self.assertEqual(self.succeed(GO, "vet", "./..."), "")

    def test_race(self):
        self.assertIn("ok  \tzooid\t", self.succeed(GO, "test", "-race", "-count=1", "./..."))


if __name__ == "__main__":
    harness.main()
