#!/usr/bin/python3
"""The plugin discovery: what drop-in files, commands and checks make of the tree, and what it answers about it."""
import os
import time

import discovery_rig
from discovery_rig import HOST_NAME, harness


def own(service, port=None):
    """The id that an instance gets that has none."""
    return "%s-%s" % (service, HOST_NAME) + ("" if port is None else "-%d" % port)


class Files(discovery_rig.DiscoveryCase):
    def test_a_service_comes_changes_and_goes(self):
        d = self.discovery(name="come-and-go", start=False)
        d.write("a.conf", 'service = { name = "come"; port = 80; tags = ["v1"]; meta = { zone = "a"; }; weight = 3; };')
        d.start()
        self.wait_ids("come", [own("come", 80)])
        node = self.node("/services/come/" + own("come", 80))
        registered = node.pop("registrationTimeUTC")
        self.assertLess(abs(registered - time.time() * 1000), 600000)
        self.assertEqual(node, {
            "name": "come", "id": own("come", 80), "address": "10.0.0.1", "port": 80, "sslPort": None,
            "payload": {"zooid": 1, "tags": ["v1"], "meta": {"zone": "a"}, "weight": 3, "health": "passing",
                        "since": node["payload"]["since"], "host": HOST_NAME, "maintenance": None},
            "serviceType": "DYNAMIC", "uriSpec": None, "enabled": True})
        d.write("a.conf", 'services = ( { name = "come"; port = 80; tags = ["v2"]; }, { name = "come"; id = "x"; } );')
        self.wait_ids("come", [own("come", 80), "x"])
        node = self.node("/services/come/" + own("come", 80))
        self.assertEqual((node["payload"]["tags"], node["registrationTimeUTC"]), (["v2"], registered))
        self.zooid("delete", "/services/come/x")
        self.wait_ids("come", [own("come", 80), "x"])
        d.remove("a.conf")
        self.wait_ids("come", [])

    def test_what_is_wrong_leaves_what_was_before(self):
        d = self.discovery(name="wrong", start=False)
        d.write("a.conf", 'service = { name = "wrong"; id = "one"; };')
        d.start()
        self.wait_ids("wrong", ["one"])
        for text, message in [('service = {\n name = "wrong";\n id = "two"; port = 0; };', "a.conf:3: service.port: must"),
                              ('service = { name = "wr', "a.conf:1: syntax error"),
                              ('service = { name = "wrong"; lifetime = "process"; pid = 1; };', "a file outlives any"),
                              ('services = ( { name = "w"; id = "i"; }, { name = "v"; id = "i"; } );', "there twice")]:
            d.write("a.conf", text)
            d.host.wait_for(message)
        d.write("b.conf", 'services = ( { name = "wrong"; id = "three"; }, { name = "other"; id = "one"; } );')
        d.host.wait_for("b.conf: the id one is taken, by a.conf")
        self.assertEqual(self.ids("wrong"), ["one"])
        # Also over a restart, after which the file says nothing that could be understood.
        d.host.kill()
        d.start()
        d.host.wait_for("ready", "a.conf:1: services.[1].id")
        self.wait_ids("wrong", ["one"])
        d.write("a.conf", 'service = { name = "wrong"; id = "two"; };')
        self.wait_ids("wrong", ["three", "two"])
        self.wait_ids("other", ["one"])

    def test_settings_that_are_wrong(self):
        d = self.discovery('guard = { policy = "perhaps"; };', name="settings")
        self.assertEqual(d.host.wait_end(), 78)
        self.assertIn("settings.guard.policy: must be", d.host.log())


class Checks(discovery_rig.DiscoveryCase):
    """Nodes of checks as the plugin health writes them, written by hand."""

    def check(self, name, service, status):
        path = "/zooid/checks/%s/%s" % (HOST_NAME, name)
        text = '{"id": "%s", "service": "%s", "status": "%s"}' % (name, service, status)
        if self.ids(HOST_NAME, "/zooid/checks").count(name):
            self.zooid("set", path, text)
        else:
            self.zooid("create", "-p", path, text)

    def health(self, service, instance):
        node = self.node("/services/%s/%s" % (service, instance))
        return node["payload"]["health"], node["enabled"]

    def wait_health(self, service, instance, health):
        harness.wait_until(lambda: self.health(service, instance) == (health, health != "critical"), what=health)

    def test_the_worst_of_its_checks(self):
        d = self.discovery(name="worst", start=False)
        checks = 'checks = ( { type = "tcp"; }, { type = "ttl"; } );'
        d.write("a.conf", 'services = ( { name = "worst"; id = "w1"; %s }, { name = "worst"; id = "w2"; }, '
                          '{ name = "worst"; id = "w3"; initial = "warning"; %s } );' % (checks, checks))
        d.start()
        self.wait_ids("worst", ["w1", "w2", "w3"])
        self.assertEqual([self.health("worst", i)[0] for i in ("w1", "w2", "w3")], ["critical", "passing", "warning"])
        self.check("w1:1", "w1", "passing")
        self.wait_health("worst", "w1", "passing")
        self.check("w1:2", "w1", "warning")
        self.wait_health("worst", "w1", "warning")
        self.check("w1:2", "w1", "critical")
        self.wait_health("worst", "w1", "critical")
        self.check("w1:2", "w1", "passing")
        self.wait_health("worst", "w1", "passing")
        # While health restarts nothing is known, and nothing changes; nor does it when this plugin restarts.
        version = self.zooid("-j", "stat", "/services/worst/w1")
        self.zooid("delete", "/zooid/checks/%s/w1:1" % HOST_NAME)
        self.zooid("delete", "/zooid/checks/%s/w1:2" % HOST_NAME)
        self.check("w3:1", "w3", "passing")
        self.wait_health("worst", "w3", "passing")
        self.assertEqual(self.zooid("-j", "stat", "/services/worst/w1"), version)
        d.host.stop()
        d.start()
        harness.wait_until(lambda: self.ids("worst") == ["w1", "w2", "w3"])
        self.assertEqual(self.health("worst", "w1"), ("passing", True))

    def test_critical_for_long(self):
        d = self.discovery(name="long", start=False)
        d.write("a.conf", 'service = { name = "long"; id = "l1"; lifetime = "checks"; deregister_after_ms = 50; '
                          'checks = ( { type = "tcp"; } ); initial = "passing"; };')
        d.start()
        self.wait_ids("long", ["l1"])
        self.check("l1:1", "l1", "critical")
        self.wait_ids("long", [])
        d.host.wait_for("l1 is deregistered: critical for 50 ms")
        self.check("l1:1", "l1", "passing")
        self.wait_ids("long", ["l1"])


if __name__ == "__main__":
    harness.main()
