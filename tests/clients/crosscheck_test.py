#!/usr/bin/python3
# limit: 300
"""The agent and Apache ZooKeeper must answer the same random questions alike: some fixed seeds of the cross-check.

Fixed, so that a failure is a change of the agent; tests/crosscheck/crosscheck.py runs others."""
import os
import subprocess
import sys
import unittest

import harness

CROSSCHECK = os.path.join(harness.ROOT, "tests", "crosscheck", "crosscheck.py")
LONG = os.environ.get("ZOOID_LONG") == "1"
SEEDS = range(1, 41) if LONG else range(1, 6)
OPERATIONS = 10000 if LONG else 2000

harness.need_program("java", "default-jre-headless")
harness.need_file(harness.JARS + "/zookeeper.jar", "libzookeeper-java")


class CrossCheck(unittest.TestCase):
    """With `--server apache` the cross-check itself is checked: Apache against Apache."""


def add_seed(seed):
    def test(self):
        subject = os.environ.get("ZOOID_TEST_SERVER", "agent")
        run = subprocess.run([sys.executable, CROSSCHECK, "--seed", str(seed), "--ops", str(OPERATIONS), "--subject",
                              subject],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        self.assertEqual(run.returncode, 0, run.stdout)

    setattr(CrossCheck, "test_seed_%d" % seed, test)


for number in SEEDS:
    add_seed(number)

if __name__ == "__main__":
    harness.main()
