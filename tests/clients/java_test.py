#!/usr/bin/python3
"""The stock Java client, unmodified: compiles java/StockClient.java against Debian's jar and runs it."""
import os
import subprocess
import tempfile

import harness

JAVA = harness.need_program("java", "default-jre-headless")
COMPILER = harness.need_program("javac", "default-jdk-headless")
CLASSPATH = ":".join(harness.need_file(os.path.join(harness.JARS, name), package) for name, package in (
    ("zookeeper.jar", "libzookeeper-java"), ("slf4j-nop.jar", "libslf4j-java")))


class StockClient(harness.ServerTestCase):
    # Containers and TTL nodes are looked at every half second instead of every minute.
    properties = {"znode.container.checkIntervalMs": 500}

    def test_stock_client(self):
        source = os.path.join(harness.ROOT, "tests", "clients", "java", "StockClient.java")
        with tempfile.TemporaryDirectory() as classes:
            subprocess.run([COMPILER, "-Xlint:all,-path", "-Werror", "-cp", CLASSPATH, "-d", classes, source],
                           check=True)
            command = [JAVA, "-XX:TieredStopAtLevel=1", "-Xmx128m", "-cp", classes + ":" + CLASSPATH, "StockClient"]
            lines = harness.run_foreign_client(self.server, command + [self.server.address])
        self.assertEqual(lines[-1], "session, ephemeral and watches after a restart of the server\n")


if __name__ == "__main__":
    harness.main()
