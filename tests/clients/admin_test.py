#!/usr/bin/python3
"""The admin server's limits, and what it says of the newest snapshot; what its commands look like is in words_test.py."""
import json
import os
import time

import harness
import wire
from words_test import http, only_ours, populated


class AdminConnections(harness.ServerTestCase):
    def connection(self):
        connection = wire.Connection(("127.0.0.1", self.server.admin_port))
        self.addCleanup(connection.close)
        return connection


@only_ours
class AdminIdle(AdminConnections):
    settings = {"admin.enableServer": "true", "admin.idleTimeout": 300}

    def test_an_idle_connection_and_a_half_request_are_closed_after_their_time(self):
        half = self.connection()
        half.send_raw(b"GET /commands/ruok HT")
        self.assertTrue(self.connection().closed_by_server(10))
        self.assertTrue(half.closed_by_server(10))


@only_ours
class AdminFull(AdminConnections):
    settings = {"admin.enableServer": "true", "zooid.adminMaxConnections": 3}    # which may be idle for 30 s

    def test_one_more_than_there_may_be_is_closed_at_once(self):
        held = [self.connection() for _ in range(3)]
        try:
            self.assertTrue(self.connection().closed_by_server(10))
        except ConnectionError:
            pass
        for connection in held:
            connection.close()
        harness.wait_until(self.is_served, 10, "room")

    def is_served(self):
        try:
            return http(self.server.admin_port, "/commands/ruok")[0] == 200
        except OSError:
            return False


class Snapshots(harness.ServerTestCase):
    settings = {"admin.enableServer": "true", "snapCount": 100}

    def newest(self):
        answer = json.loads(http(self.server.admin_port, "/commands/last_snapshot")[2])
        return answer["zxid"], answer["timestamp"]

    def test_number_and_time_of_the_newest_one(self):
        started, client = int(time.time()) - 1, populated(self.server)
        self.addCleanup(client.close)
        if not harness.testing_apache():    # which writes one when it starts
            self.assertEqual(self.newest(), ("%x" % (2**64 - 1), -1))
        for _ in range(200):
            client.must("setData", path="/seen", data=b"", version=-1)
        harness.wait_until(lambda: self.newest()[1] >= started and int(self.newest()[0], 16) in range(1, 1000), 20, "a snapshot")
        name = os.path.join(self.server.data_dir, "version-2", "snapshot." + self.newest()[0])
        self.assertEqual(int(os.stat(name).st_mtime), self.newest()[1])


if __name__ == "__main__":
    harness.main()
