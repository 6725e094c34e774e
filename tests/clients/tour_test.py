#!/usr/bin/python3
# sanitizers: no (what it shows is the documents)
# limit: 300
"""The tours of README.md run as they are printed: each section's commands, one after the other, in a directory, a /tmp, a network
and process numbers of their own."""
import os
import re
import subprocess
import tempfile
import unittest

import harness

BUILD = os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build")
UNSHARE = [harness.need_program("unshare", "util-linux"), "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork",
           "--kill-child"]
if subprocess.run([*UNSHARE, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
    harness.skip("this system permits no namespaces")
harness.need_program("curl", "curl")
harness.need_program("ip", "iproute2")
harness.need_kazoo()

FRAME = """
set -eEu -o pipefail
trap 'echo "failed: $BASH_COMMAND" >&2' ERR
ip link set lo up
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs "$1"
cd "$1"
ln -s "$2" build
%s
echo "as printed"
"""


def blocks(title):
    """What is indented below a heading."""
    with open(os.path.join(harness.ROOT, "README.md"), encoding="utf-8") as file:
        section = re.search(r"^##+ %s\n(.*?)(?=^#)" % re.escape(title), file.read(), re.M | re.S).group(1)
    return [re.sub("^    ", "", block, flags=re.M) for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", section, re.M)]


def commands(title):
    return "\n".join(blocks(title))


class Tours(unittest.TestCase):
    def run_tour(self, script):
        with tempfile.TemporaryDirectory(dir=BUILD) as directory:
            done = subprocess.run([*UNSHARE, "bash", "-c", FRAME % script, "tour", directory, os.path.abspath(BUILD)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, script + "\n----\n" + done.stdout)
        return done.stdout

    def first_agent(self):
        """Until the one of the first tour runs."""
        return commands("Five minutes").split("Any ZooKeeper client", 1)[0].split("python3", 1)[0].replace("make\n", "", 1)

    def test_five_minutes(self):
        said = self.run_tour(commands("Five minutes").replace("make\n", "", 1))
        for expected in ("['node-0000000000']", "mine, as number", "b'host=db1'", '"command": "server_stats"', "ready",
                         "znodes at zxid"):
            self.assertIn(expected, said)

    def test_three_of_them(self):
        self.assertIn('"leader_ip"', self.run_tour(blocks("Three of them")[0]))

    def test_what_runs_on_the_host(self):
        said = self.run_tour(self.first_agent().replace("build/bin/zooid-agent -c zoo.cfg &", "") +
                             "export ZOOID_SOCKET=/tmp/zooid-tour/zooid/zooid.sock\n" + commands("What runs on the host"))
        self.assertIn("web-1", said)

    def test_files_from_the_tree(self):
        said = self.run_tour(self.first_agent() + "export ZOOID_SOCKET=/tmp/zooid-tour/zooid/zooid.sock\n" +
                             commands("Files from the tree"))
        self.assertIn("server a 10.0.0.1:80", said)


if __name__ == "__main__":
    harness.main()
