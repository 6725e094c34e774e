#!/usr/bin/python3
"""Curator's x-discovery, unmodified, and the plugin discovery: each finds what the other has registered."""
import os
import subprocess
import tempfile

import discovery_rig
from discovery_rig import harness

JAVA = harness.need_program("java", "default-jre-headless")
COMPILER = harness.need_program("javac", "default-jdk-headless")
CLASSPATH = ":".join(harness.need_file(os.path.join(harness.JARS, name + ".jar"), package) for name, package in (
    ("curator-x-discovery", "libcurator-discovery-java"), ("curator-framework", "libcurator-framework-java"),
    ("curator-client", "libcurator-client-java"), ("curator-recipes", "libcurator-recipes-java"),
    ("zookeeper", "libzookeeper-java"), ("guava", "libguava-java"),
    ("jackson-core", "libjackson2-core-java"), ("jackson-databind", "libjackson2-databind-java"),
    ("jackson-annotations", "libjackson2-annotations-java"), ("slf4j-nop", "libslf4j-java")))


class Curator(discovery_rig.DiscoveryCase):
    def compiled(self):
        classes = tempfile.TemporaryDirectory()
        self.addCleanup(classes.cleanup)
        source = os.path.join(harness.ROOT, "tests", "plugins", "java", "CuratorDiscovery.java")
        subprocess.run([COMPILER, "-Xlint:all,-path,-classfile,-try", "-cp", CLASSPATH, "-d", classes.name, source], check=True)
        return classes.name

    def test_each_finds_the_other(self):
        d = self.discovery(start=False)
        d.write("a.conf", 'services = ( { name = "web"; id = "w1"; port = 80; tags = ["v1"]; weight = 3; }, '
                          '{ name = "web"; id = "w2"; ssl_port = 443; checks = ( { type = "tcp"; } ); } );')
        d.start()
        self.wait_ids("web", ["w1", "w2"])
        self.wait_offered()
        client = subprocess.Popen(
            [JAVA, "-XX:TieredStopAtLevel=1", "-Xmx128m", "-cp", self.compiled() + ":" + CLASSPATH, "CuratorDiscovery",
             self.server.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
    harness.main()
