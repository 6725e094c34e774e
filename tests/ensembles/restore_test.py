#!/usr/bin/python3
"""An ensemble of agents and an Apache ZooKeeper server goes back to a backup that a member took while clients wrote: every
member is restored to it, and they agree; and what was archived from the log of one member goes on with that of another."""
# limit: 600
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from ensemble import AGENT, APACHE, Ensemble, harness
from faults_test import Writers, differences, shown

import command

STAT, CZXID = 2, 0


class Restore(unittest.TestCase):
    def setUp(self):
        self.ensemble = Ensemble([AGENT, AGENT, APACHE])
        self.addCleanup(self.ensemble.stop)
        self.ensemble.start()
        self.directory = tempfile.mkdtemp(prefix="zooid-restore-")
        self.addCleanup(shutil.rmtree, self.directory)

    def zooid(self, sid, *words):
        """Through that member's door."""
        socket = os.path.join(self.ensemble[sid].data_dir, "zooid", "zooid.sock")
        done = subprocess.run([command.ZOOID, "-S", socket, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    @staticmethod
    def written(tree, zxid):
        """What the writers, who change nothing afterwards, had made by then."""
        return {path: node for path, node in tree.items() if path.startswith("/w") and node[STAT][CZXID] <= zxid}

    def go_back_to(self, backup):
        """As zooid(1) says: everything is stopped, emptied but for myid, and restored."""
        for sid in self.ensemble.members:
            self.ensemble[sid].terminate()
        for sid in self.ensemble.members:
            data = self.ensemble[sid].data_dir
            for name in os.listdir(data):
                if name != "myid":
                    shutil.rmtree(os.path.join(data, name), ignore_errors=True)
            self.assertIn("restored: ", self.zooid(sid, "restore", backup, data))
        self.ensemble.start()

    def assert_all_have(self, expected):
        for sid in self.ensemble.members:
            found = {path: node for path, node in shown(self.ensemble, sid).items() if path.startswith("/w")}
            self.assertEqual(differences(expected, found), "", "server %d" % sid)

    def test_all_members_go_back(self):
        archive, file = os.path.join(self.directory, "archive"), os.path.join(self.directory, "backup")
        os.mkdir(archive)
        writers = Writers(self.ensemble)
        writers.wait_for(100)
        said = json.loads(self.zooid(1, "-j", "backup", file))
        self.assertIn("txns added", self.zooid(1, "backup", "-l", archive))
        writers.wait_for(100)
        self.assertIn("txns added", self.zooid(2, "backup", "-l", archive))    # the same history, another member's log
        writers.stop()
        self.zooid(2, "sync")
        self.assertIn("txns added", self.zooid(2, "backup", "-l", archive))
        last = shown(self.ensemble, 1)
        at_backup = self.written(last, said["zxid"])
        self.assertTrue(0 < len(at_backup) < len(self.written(last, 1 << 62)))
        self.go_back_to(file)
        self.assert_all_have(at_backup)
        again = Writers(self.ensemble)    # it goes on from there
        again.wait_for(20)
        again.stop()
        self.go_back_to(archive)
        self.assert_all_have(self.written(last, 1 << 62))


if __name__ == "__main__":
    harness.main()
