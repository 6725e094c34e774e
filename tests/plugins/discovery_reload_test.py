#!/usr/bin/python3
"""The plugin discovery under the supervisor: a reload starts the new process before the old one goes, and nobody sees a
registration missing."""
import json
import os
import shutil
import tempfile

import discovery_rig
import plugin_rig
import supervised
from discovery_rig import harness


class Reload(discovery_rig.DiscoveryCase):
    def supervisor(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        made = supervised.Supervisor(directory, plugin_rig.socket_of(self.server))
        self.addCleanup(made.end)
        return made

    def configure(self, s, weight):
        """The reload is for what has changed."""
        path = os.path.join(s.files, "discovery.conf")
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write('plugin = "%s";\nsettings = { services_dir = ""; address = "10.0.0.%d"; };\n'
                       % (discovery_rig.PLUGIN, weight))
        os.rename(path + ".new", path)

    def test_nobody_sees_a_gap(self):
        s = self.supervisor()
        self.configure(s, 1)
        s.start()
        self.wait_offered()
        self.zooid("create", "-p", "/services/kept")
        watch = self.started("-j", "watch", "-R", "/services/kept")
        self.zooid("create", "/services/kept/.begin")
        self.call("register", "kept", "id=k0")
        for number in range(1, 4):
            self.configure(s, number + 1)
            s.reload()
            # Whichever process is asked, and whenever in the course of it. One that ends may be asked too late.
            words = ["plugin", "discovery", "register", "kept", "id=k%d" % number]
            harness.wait_until(lambda: plugin_rig.zooid(self.server, *words).returncode == 0, what="an answer")
            s.wait_for("info discovery: a new process has taken over", count=number)
        ids = ["k0", "k1", "k2", "k3"]
        self.wait_offered()
        harness.wait_until(lambda: [(one["id"], one["state"]) for one in self.call("local")["registrations"]]
                           == [(one, "registered") for one in ids], what="all to be registered")
        # The last process has its own address in all of them.
        harness.wait_until(lambda: {self.node("/services/kept/" + one)["address"] for one in ids} == {"10.0.0.4"},
                           what="the address that was configured last")
        self.zooid("create", "/services/kept/.end")
        seen = []
        while not seen or seen[-1]["path"] != "/services/kept/.end":
            seen.append(json.loads(watch.stdout.readline()))
        for gone in [change for change in seen if change["change"] == "deleted"]:
            again = [change for change in seen if change["change"] == "created" and change["path"] == gone["path"]
                     and change["zxid"] == gone["zxid"]]
            self.assertTrue(again, "a gap: %s" % seen)


if __name__ == "__main__":
    harness.main()
