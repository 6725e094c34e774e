#!/usr/bin/python3
"""A host that is away for longer than its session: its registrations go, and come back by themselves when it does, whether
its agent was cut off from the ensemble or stood still, with no help of those who registered."""
# limit: 120
import json
import os
import subprocess
import sys

import discovery_rig
from discovery_rig import harness

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "ensembles"))
import network  # noqa: E402
from ensemble import AGENT  # noqa: E402

AWAY, OTHERS = 1, (2, 3)
IDS = {"file": ["f"], "asked": ["a"], "alive": ["p"]}


class Expiry(discovery_rig.DiscoveryCase):
    @classmethod
    def setUpClass(cls):
        cls.ensemble = network.Apart([AGENT] * 3)
        cls.addClassCleanup(cls.ensemble.stop)
        cls.ensemble.start()

    def on(self, sid):
        self.server = self.ensemble[sid]
        return self

    def register(self):
        """One of each kind of life: a file's, one that was asked for, and a process's."""
        self.process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(self.process.communicate)
        self.addCleanup(self.process.kill)
        discovery = self.on(AWAY).discovery(limits="session_ms = 1000; linger_ms = 0;", start=False)
        discovery.write("file.conf", 'service = { name = "file"; id = "f"; port = 80; };')
        discovery.start()
        self.wait_offered()
        self.call("register", "asked", "id=a", "port=80")
        self.call("register", "alive", "id=p", "port=80", "pid=%d" % self.process.pid)
        self.wait_registered()
        return discovery

    def wait_registered(self):
        for service, ids in IDS.items():
            self.on(OTHERS[0]).wait_ids(service, ids)

    def wait_expired(self):
        for service in IDS:
            self.on(OTHERS[0]).wait_ids(service, [])

    def owners(self):
        """Sessions."""
        return {json.loads(self.zooid("-j", "stat", "/services/%s/%s" % (service, ids[0])))["ephemeralOwner"]
                for service, ids in IDS.items()}

    def check_that_they_come_back(self, leave, come_back):
        discovery = self.register()
        before = self.owners()
        leave()
        self.wait_expired()
        come_back()
        self.wait_registered()
        self.assertEqual(len(self.owners()), 1, "they are of one session")
        self.assertNotEqual(self.owners(), before, "which is another one")
        self.assertIsNone(discovery.host.process.poll(), "the plugin was not started again")
        # It follows what happens as before.
        self.process.kill()
        self.on(OTHERS[0]).wait_ids("alive", [])
        discovery.remove("file.conf")
        self.on(OTHERS[0]).wait_ids("file", [])
        self.assertEqual(discovery.host.stop(), 0)

    def test_an_agent_that_is_cut_off(self):
        self.check_that_they_come_back(lambda: self.ensemble.separate([AWAY], OTHERS), self.ensemble.heal)

    def test_an_agent_that_stands_still(self):
        self.check_that_they_come_back(self.ensemble[AWAY].freeze, self.ensemble[AWAY].thaw)


if __name__ == "__main__":
    network.enter()
    harness.main()
