#!/usr/bin/python3
"""Services of several hosts: what one registers the others find, what dies there is gone here, and what is answered while
there is no ensemble."""
# limit: 120
import os
import subprocess
import sys
import time

import discovery_rig
from discovery_rig import harness

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "ensembles"))
from ensemble import AGENT, Ensemble  # noqa: E402


class Hosts(discovery_rig.DiscoveryCase):
    @classmethod
    def setUpClass(cls):
        cls.ensemble = Ensemble([AGENT, AGENT, AGENT])
        cls.addClassCleanup(cls.ensemble.stop)
        cls.ensemble.start()

    def on(self, sid):
        self.server = self.ensemble[sid]
        return self

    def test_hosts_find_each_other_and_outlive_the_ensemble(self):
        # Two plugins on one machine would give one id to both.
        for sid, settings in ((1, ""), (2, 'guard = { policy = "off"; percent = 0; };')):
            self.on(sid).discovery(settings)
            self.wait_offered()
        self.on(1).call("register", "stays", "id=s1", "port=80")
        self.on(2).wait_answer((["s1"], None), "stays")

        taken = []
        for number in range(3):
            process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
            self.addCleanup(process.communicate)
            self.addCleanup(process.kill)
            self.on(1).call("register", "dies", "id=d%d" % number, "pid=%d" % process.pid)
            self.on(2).wait_answer((["d%d" % number], None), "dies")
            begun = time.monotonic()
            process.kill()
            self.wait_answer(([], None), "dies")
            taken.append(time.monotonic() - begun)
        print("killed until it is gone at another member, asked with a new process each time: %s ms"
              % ", ".join("%.0f" % (1000 * seconds) for seconds in taken))
        # Here the guard is on, and there was no farewell: those that were good within its window.
        self.on(1).wait_answer((["d0", "d1", "d2"], "empty"), "dies")

        discovery = self.discovery(name="later", start=False)
        discovery.start()
        self.wait_offered("later")
        self.wait_answer((["s1"], None), "stays", name="later")
        known = os.path.join(discovery.state, "later", "known", "stays.json")
        harness.wait_until(lambda: os.path.exists(known), what="what is known to be kept")
        for sid in (2, 3):
            self.ensemble[sid].kill()
        harness.wait_until(lambda: not self.call("query", "stays")["connected"], what="the plugin to miss the ensemble")
        self.assertEqual(self.answered("stays"), (["s1"], None))
        self.assertEqual(self.answered("stays", name="later"), (["s1"], None))
        discovery.host.kill()
        discovery.start()
        self.wait_offered("later")
        self.assertEqual(self.answered("stays", name="later"), (["s1"], "restored"))
        for sid in (2, 3):
            self.ensemble[sid].launch()
        self.wait_answer((["s1"], None), "stays", name="later")


if __name__ == "__main__":
    harness.main()
