#!/usr/bin/python3
"""Curator's x-discovery, unmodified, and the plugin discovery: each finds what the other has registered."""
import subprocess

import discovery_rig

import jvm

CURATOR = jvm.curator()


class Curator(discovery_rig.DiscoveryCase):
    def test_each_finds_the_other(self):
        d = self.discovery(start=False)
        d.write("a.conf", 'services = ( { name = "web"; id = "w1"; port = 80; tags = ["v1"]; weight = 3; }, '
                          '{ name = "web"; id = "w2"; ssl_port = 443; checks = ( { type = "tcp"; } ); } );')
        d.start()
        self.wait_ids("web", ["w1", "w2"])
        self.wait_offered()
        program = jvm.compiled_for_curator(self, CURATOR, "tests", "plugins", "java", "CuratorDiscovery.java")
        client = subprocess.Popen([*program, self.server.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.communicate)
        self.addCleanup(client.kill)
        lines = [client.stdout.readline().strip() for _ in range(5)]
        self.assertEqual(lines, [
            "names [curator, web]",
            "found web w1 10.0.0.1 80 ssl null enabled true DYNAMIC tags [v1] weight 3",
            "found web w2 10.0.0.1 null ssl 443 enabled false DYNAMIC tags [] weight 1",
            "provided w1",
            "registered"])
        self.wait_answer((["c1"], None), "curator")
        found = self.call("query", "curator")["instances"][0]
        self.assertEqual((found["address"], found["port"], found["payload"]["colour"]), ("10.1.1.1", 8080, "red"))
        client.stdin.write("\n")
        client.stdin.flush()
        self.assertEqual(client.stdout.readline(), "gone\n")
        self.wait_ids("curator", [])


if __name__ == "__main__":
    discovery_rig.harness.main()
