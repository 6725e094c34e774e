#!/usr/bin/python3
"""What is read and written below each child of the root: counted as by Apache's server, shown under its names, and bounded."""
import json
import os
import re
import subprocess
import unittest
import urllib.request

import harness
import wire
from command import ZOOID

KEPT = 64     # keys that have a place
LONGEST = 100  # bytes of such a key


def counted(server):
    """Every line of mntr about it: {name: value}."""
    return dict(re.findall(r"^zk_(\S*_per_namespace)\t(\S+)$", server.word("mntr"), re.M))


def http(server, path):
    with urllib.request.urlopen("http://127.0.0.1:%d%s" % (server.admin_port, path), timeout=20) as answer:
        return answer.read().decode()


def play(client):
    """Each operation that counts, some that do not, and what is refused."""
    read = {"watch": False}
    client.create("/abc", b"12345")
    client.create("/abc/de", b"1")
    client.must("getData", path="/abc", **read)
    client.must("getData", path="/abc", watch=True)
    client.must("exists", path="/abc", **read)
    client.must("getChildren", path="/abc", **read)
    client.must("getChildren2", path="/abc", **read)
    client.must("getChildren", path="/", **read)
    client.must("getData", path="/zookeeper/config", **read)
    client.must("getACL", path="/abc")
    client.must("getEphemerals", path="/abc")
    client.must("sync", path="/abc")
    client.must("setACL", path="/abc", acl=wire.OPEN_ACL, version=-1)
    client.must("setData", path="/abc", data=b"123", version=-1)
    client.must("create2", path="/abc/x", data=b"1", acl=wire.OPEN_ACL, flags=0)
    client.must("multi", ops=[("create", {"path": "/abc/m", "data": b"12", "acl": wire.OPEN_ACL, "flags": 0}),
                              ("setData", {"path": "/abc", "data": b"1", "version": -1}),
                              ("check", {"path": "/abc", "version": -1})])
    client.must("multiRead", ops=[("getData", dict(read, path="/abc/m")), ("getChildren", dict(read, path="/abc"))])
    client.must("delete", path="/abc/m", version=-1)
    client.create("/abc/seq-", b"", flags=wire.SEQUENTIAL)
    client.create("/abc/e", b"", flags=wire.EPHEMERAL)
    client.create("/b d", b"")
    for op, fields in (("exists", read), ("getData", read), ("setData", {"data": b"", "version": -1})):
        assert client.call(op, path="/none", **fields).err == -101
    client.end()


class Counted(harness.ServerTestCase):
    settings = {"admin.enableServer": "true"}

    def test_as_by_apaches_server(self):
        play(wire.client_of(self.server))
        ours = counted(self.server)
        self.assertEqual(ours["sum_abc_read_per_namespace"], str(77 + 77 + 72 + 74 + 74 + 76 + (4 + 2 + 1 + 1 + 68)))
        self.assertEqual(ours["cnt_abc_write_per_namespace"], "10")
        if not os.path.exists(harness.JARS + "/zookeeper.jar"):
            self.skipTest("Apache ZooKeeper is not installed (package libzookeeper-java)")
        apache = harness.Apache(self.settings).start()
        self.addCleanup(apache.stop)
        play(wire.client_of(apache))
        self.assertEqual(ours, counted(apache))
        answers = [json.loads(http(server, "/commands/monitor")) for server in (self.server, apache)]
        shown, apaches = ({key: round(value, 4) for key, value in answer.items() if key.endswith("_per_namespace")}
                          for answer in answers)
        self.assertEqual(shown, apaches)
        for server in (self.server, apache):
            server.word("srst")
        self.assertEqual(counted(self.server), counted(apache))


@unittest.skipIf(harness.testing_apache(), "Apache's package has no exporter for Prometheus, and no bound")
class Shown(unittest.TestCase):
    def setUp(self):
        self.server = harness.Agent({"admin.enableServer": "true"})
        self.addCleanup(self.server.stop)
        self.server.start()
        self.client = wire.client_of(self.server)
        self.addCleanup(self.client.close)

    def test_to_prometheus(self):
        name = 'a"b\\c'
        self.client.create("/" + name, b"1")
        self.client.create("/d", b"1")
        self.client.must("getData", path="/d", watch=False)
        lines = [line for line in http(self.server, "/metrics").splitlines() if "_per_namespace" in line]
        self.assertEqual([line for line in lines if not line.startswith("# HELP")], [
            '# TYPE read_per_namespace summary',
            'read_per_namespace{key="d",quantile="0.5"} 71',
            'read_per_namespace_count{key="d"} 1',
            'read_per_namespace_sum{key="d"} 71',
            '# TYPE write_per_namespace summary',
            'write_per_namespace{key="a\\"b\\\\c",quantile="0.5"} 7',
            'write_per_namespace_count{key="a\\"b\\\\c"} 1',
            'write_per_namespace_sum{key="a\\"b\\\\c"} 7',
            'write_per_namespace{key="d",quantile="0.5"} 3',
            'write_per_namespace_count{key="d"} 1',
            'write_per_namespace_sum{key="d"} 3'])
        self.assertEqual(json.loads(http(self.server, "/commands/monitor"))["cnt_%s_write_per_namespace" % name], 1)

    def test_by_the_local_door(self):
        """A node of several and each of a subtree are like one that is read alone; a page is what it holds."""
        self.client.create("/d", b"1")
        self.client.create("/d/e", b"12")
        for words, bytes_read in ((["get", "/d"], 2 + 1 + 68), (["ls", "/d"], 2 + 1 + 68),
                                  (["ls", "-R", "/d"], 2 + 1 + 68 + 4 + 2 + 68)):
            before = int(counted(self.server).get("sum_d_read_per_namespace", 0))
            subprocess.run([ZOOID, *words], stdout=subprocess.DEVNULL, timeout=60, check=True, env=dict(
                os.environ, ZOOID_SOCKET=os.path.join(self.server.data_dir, "zooid", "zooid.sock")))
            after = int(counted(self.server)["sum_d_read_per_namespace"])
            self.assertEqual(after - before, bytes_read, words)

    def test_keys_beyond_the_bound_share_one(self):
        self.client.create("/" + "x" * LONGEST)
        self.client.create("/" + "x" * (LONGEST + 1))
        for i in range(KEPT + 10):
            self.client.create("/n%d" % i)
        lines = counted(self.server)
        self.assertEqual(len(lines), 5 * (KEPT + 1))
        self.assertIn("cnt_%s_write_per_namespace" % ("x" * LONGEST), lines)
        self.assertEqual(lines["cnt_/*_write_per_namespace"], "12")
        self.client.must("setData", path="/n0", data=b"", version=-1)
        self.client.must("setData", path="/n%d" % KEPT, data=b"", version=-1)
        lines = counted(self.server)
        self.assertEqual((lines["cnt_n0_write_per_namespace"], lines["cnt_/*_write_per_namespace"]), ("2", "13"))
        self.assertIn('write_per_namespace_count{key="/*"} 13\n', http(self.server, "/metrics"))

    def test_what_is_replayed_does_not_count(self):
        self.client.create("/d", b"1")
        self.server.restart()
        self.assertEqual(counted(self.server), {})


if __name__ == "__main__":
    harness.main()
