#!/usr/bin/python3
"""The Go client packaged in Debian, unmodified: builds go/main.go without a network and runs it."""
import os
import subprocess
import tempfile

import harness

GO = harness.need_program("go", "golang-go")
BUILD = os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build")    # keeps Go's library, built once
GOPATH = "/usr/share/gocode"
harness.need_file(GOPATH + "/src/github.com/samuel/go-zookeeper/zk/conn.go", "golang-github-samuel-go-zookeeper-dev")


class GoClient(harness.ServerTestCase):
    def test_go_client(self):
        source = os.path.join(harness.ROOT, "tests", "clients", "go", "main.go")
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, "go-client")
            environment = dict(os.environ, GO111MODULE="off", GOPATH=GOPATH, GOFLAGS="", GOTOOLCHAIN="local",
                               CGO_ENABLED="0",
                               GOCACHE=os.path.join(BUILD, "go-cache"))
            subprocess.run([GO, "build", "-o", program, source], env=environment, check=True)
            lines = harness.run_foreign_client(self.server, [program, self.server.address])
        self.assertEqual(lines[-1], "four-letter words\n")


if __name__ == "__main__":
    harness.main()
