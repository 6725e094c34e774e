#!/usr/bin/python3
"""The plugins discovery and health together: the checks of a service get to health, and its instance follows them."""
import json
import os
import socket
import tempfile

import discovery_rig
import health_rig
import plugin_rig
from discovery_rig import harness


class Services(discovery_rig.DiscoveryCase):
    def health(self):
        """With the names that discovery expects."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        conf = os.path.join(directory.name, "health.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write("settings = { };\n")
        host = plugin_rig.Host(directory.name, "--plugin", health_rig.PLUGIN, "--settings", conf, "--name", "health",
                               "--state-dir", directory.name, "--socket", plugin_rig.socket_of(self.server))
        self.addCleanup(host.kill)
        return host

    def listening(self, port=0):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(16)
        self.addCleanup(listener.close)
        return listener

    def wait_health(self, path, health):
        harness.wait_until(lambda: self.node(path)["payload"]["health"] == health, what="%s %s" % (path, health))

    def checked(self):
        """The services of health's checks."""
        return sorted({str(check["service"]) for check in self.call("list", name="health")})

    def test_an_instance_follows_its_checks(self):
        listener = self.listening()
        port = listener.getsockname()[1]
        check = {"type": "tcp", "address": "127.0.0.1", "port": port, "interval_ms": 100, "fall": 1, "rise": 1}
        d = self.discovery(start=False)
        d.write("a.conf", 'service = { name = "web"; id = "w1"; checks = ( %s ); };' % health_rig.libconfig(check))
        d.start()
        self.wait_offered()
        self.wait_ids("web", ["w1"])
        self.assertEqual(self.node("/services/web/w1")["payload"]["health"], "critical")
        self.health()  # comes later: the definitions wait for it
        self.wait_offered("health")
        self.wait_health("/services/web/w1", "passing")
        self.wait_answer((["w1"], None), "web")
        listener.close()
        self.wait_health("/services/web/w1", "critical")
        self.wait_answer((["w1"], "empty"), "web")
        listener = self.listening(port)
        self.wait_health("/services/web/w1", "passing")

        self.call("register", "api", "id=a1", "check=" + json.dumps(check), "deregister_after_ms=60000")
        self.wait_health("/services/api/a1", "passing")
        self.assertEqual(self.checked(), ["a1", "w1"])
        self.call("deregister", "a1")
        harness.wait_until(lambda: self.checked() == ["w1"], what="the checks of a1 to be dropped")
        d.remove("a.conf")
        harness.wait_until(lambda: self.checked() == [], what="the checks of w1 to be dropped")

    def test_checks_that_health_refuses(self):
        d = self.discovery(name="refused", start=False)
        d.write("a.conf", 'service = { name = "no"; id = "n1"; checks = ( { type = "novel"; } ); };')
        d.start()
        self.health()
        d.host.wait_for("n1: its checks are refused: ")
        self.wait_offered("refused")
        one = self.call("local", name="refused")["registrations"][0]
        d.write("b.conf", 'service = { name = "yes"; id = "y1"; checks = ( { type = "file_age"; path = "/"; exists = true; } ); };')
        self.wait_ids("yes", ["y1"])
        self.wait_health("/services/yes/y1", "passing")  # which does not wait for the other's next trial
        self.assertEqual((one["checks_taken"], "checks.[0]" in one["trouble"]), (False, True))


if __name__ == "__main__":
    harness.main()
