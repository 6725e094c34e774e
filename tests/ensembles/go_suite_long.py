#!/usr/bin/python3
"""The tests that the Go client brings along, as Debian packages them, on ensembles of agents in the place of the servers that they
would start.

Part of `make test-long` only: they wait by the clock, for a minute."""
# sanitizers: no
# limit: 900
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from ensemble import harness

GO = harness.need_program("go", "golang-go")
PACKAGE = "src/github.com/samuel/go-zookeeper/zk"
SOURCE = os.path.join("/usr/share/gocode", PACKAGE)
harness.need_file(SOURCE + "/server_java.go", "golang-github-samuel-go-zookeeper-dev")
CASES_MIN = 25
NOT_OURS = {
    "TestAuth": "reads an ACL without the right to, which Apache's refuse since 3.4.14 (client-protocol 2)",
}
# It is this that they start for a server: java -jar JAR server FILE.
JAVA = """#!/bin/sh
printf '%%s\\n' 'admin.enableServer=false' '4lw.commands.whitelist=ruok,srvr,cons' >>"$4"
echo $$ >>'%s'
exec '%s' -c "$4"
"""
# How they see that their servers are there: by a date of Apache's releases before 3.6 in the answer to srvr.
OLD_CHECK, OUR_CHECK = "_, ok := FLWSrvr(serverAddrs, time.Second)", """ok := true
		for _, one := range FLWRuok(serverAddrs, time.Second) {
			ok = ok && one
		}"""
VERDICT = re.compile(r"^--- (PASS|FAIL|SKIP): (\w+)", re.M)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


class GosOwn(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="zooid-go-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.pids = os.path.join(self.directory, "pids")
        write(self.pids, "")
        self.addCleanup(self.end_servers)

    def end_servers(self):
        """Some of its tests leave one behind."""
        with open(self.pids, encoding="ascii") as file:
            for pid in map(int, file):
                try:
                    if os.path.samefile("/proc/%d/exe" % pid, harness.AGENT):
                        os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass    # it has ended

    def place(self):
        """A copy of the client whose servers are agents."""
        package = os.path.join(self.directory, PACKAGE)
        shutil.copytree(SOURCE, package)
        os.remove(package + "/structs_test.go")    # needs no server, and panics with today's Go
        with open(package + "/server_help.go", encoding="utf-8") as file:
            helper = file.read()
        self.assertEqual(helper.count(OLD_CHECK), 1)
        write(package + "/server_help.go", helper.replace(OLD_CHECK, OUR_CHECK))
        write(self.directory + "/bin/java", JAVA % (self.pids, harness.AGENT), 0o755)
        write(self.directory + "/contrib/fatjar/zookeeper-3.8.0-fatjar.jar", "")
        return package

    def test_all_pass(self):
        environment = dict(os.environ, GO111MODULE="off", GOPATH=self.directory, GOFLAGS="", GOTOOLCHAIN="local",
                           GOCACHE=self.directory + "/cache", ZOOKEEPER_PATH=self.directory,
                           PATH=self.directory + "/bin:" + os.environ["PATH"])
        done = subprocess.run([GO, "test", "-vet=off", "-v", "."], cwd=self.place(), env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", check=False)
        verdicts = {name: verdict for verdict, name in VERDICT.findall(done.stdout)}
        failed = {name for name, verdict in verdicts.items() if verdict == "FAIL"} - set(NOT_OURS)
        passed = sum(verdict == "PASS" for verdict in verdicts.values())
        self.assertEqual(failed, set(), done.stdout)
        self.assertGreaterEqual(passed, CASES_MIN, done.stdout)    # also when it did not build, or ended early
        print("%d cases of the Go client's own passed" % passed)


if __name__ == "__main__":
    harness.main()
