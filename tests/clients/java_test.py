#!/usr/bin/python3
"""The stock Java client, unmodified: compiles java/StockClient.java against Debian's jar and runs it."""
import harness
import jvm


class StockClient(harness.ServerTestCase):
    # Containers and TTL nodes are looked at every half second instead of every minute.
    properties = {"znode.container.checkIntervalMs": 500}

    def test_stock_client(self):
        program = jvm.compiled(self, jvm.ZOOKEEPER, "tests", "clients", "java", "StockClient.java")
        lines = harness.run_foreign_client(self.server, [*program, self.server.address])
        self.assertEqual(lines[-1], "session, ephemeral and watches after a restart of the server\n")


if __name__ == "__main__":
    harness.main()
