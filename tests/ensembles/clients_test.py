#!/usr/bin/python3
# limit: 600
"""What clients may expect of a server they may expect of a follower, of a leader and of an observer: the cross-check with
Apache ZooKeeper and kazoo's recipes, against members of an ensemble of three agents."""
import os
import subprocess
import sys
import unittest

from ensemble import harness

LONG = os.environ.get("ZOOID_LONG") == "1"
SEEDS, OPERATIONS = (range(1, 21), 10000) if LONG else (range(1, 4), 2000)


def run(*command):
    return subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)


def what_failed(output):
    """unittest's account without the list of what passed, which comes before it."""
    return output[max(output.find("=" * 70), 0):]


class Clients(unittest.TestCase):
    def crosscheck(self, subject):
        harness.need_program("java", "default-jre-headless")
        program = os.path.join(harness.ROOT, "tests", "crosscheck", "crosscheck.py")
        for seed in SEEDS:
            done = run(program, "--seed", str(seed), "--ops", str(OPERATIONS), "--subject", subject)
            self.assertEqual(done.returncode, 0, done.stdout)

    def at(self, server, test):
        done = run(os.path.join(harness.ROOT, "tests", "clients", test), "--server", server)
        self.assertEqual(done.returncode, 0, what_failed(done.stdout))

    def kazoo(self, server):
        self.at(server, "kazoo_test.py")

    def test_crosscheck_at_a_follower(self):
        self.crosscheck("follower")

    def test_crosscheck_at_a_leader(self):
        self.crosscheck("leader")

    def test_kazoo_at_a_follower(self):
        self.kazoo("follower")

    def test_kazoo_at_a_leader(self):
        self.kazoo("leader")

    def test_kazoo_at_an_observer_of_a_follower(self):
        self.kazoo("observer-of-follower")

    def test_subscriptions_at_a_follower(self):
        self.at("follower", "subscribe_test.py")

    def test_sessions_of_the_local_door_at_a_follower(self):
        self.at("follower", "linger_test.py")


if __name__ == "__main__":
    harness.main()
