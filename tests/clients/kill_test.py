#!/usr/bin/python3
"""The server killed with SIGKILL at random under write load, again and again on the same data directory: what was
acknowledged is there, whole, with its version; what was not is there up to some request and no further."""
import os
import random
import threading
import unittest

import harness
import wire

ROUNDS = 100 if os.environ.get("ZOOID_LONG") == "1" else 10
SEED = int(os.environ.get("ZOOID_SEED") or int.from_bytes(os.urandom(4), "big"))
WRITERS = 5
KEYS = 12
ACKNOWLEDGED_BEFORE_KILL = (20, 1500)


class Model:
    """What one writer's part of the tree should hold: path -> (version, data)."""

    def __init__(self, nodes=None):
        self.nodes = dict(nodes or {})

    def apply(self, op, fields):
        if op == "multi":
            for sub in fields["ops"]:
                self.apply(*sub)
        elif op == "create":
            self.nodes[fields["path"]] = (0, fields["data"])
        elif op == "setData":
            self.nodes[fields["path"]] = (self.nodes[fields["path"]][0] + 1, fields["data"])
        else:
            del self.nodes[fields["path"]]


class Writer:
    """Writes below its own node, several requests ahead, and remembers which were acknowledged."""

    def __init__(self, number, seed):
        self.root = "/kill-%d" % number
        self.random = random.Random(seed)
        self.ahead = self.random.choice([1, 1, 4, 16])
        self.session = None
        self.confirmed = Model()      # after everything acknowledged
        self.expected = Model()       # after everything sent
        self.in_flight = []           # (op, fields), oldest first
        self.acknowledged = 0
        self.last_zxid = 0
        self.failure = None

    def connect(self, server):
        self.client = wire.Client(("127.0.0.1", server.port), session=self.session, last_zxid=self.last_zxid)
        if self.client.session is None or self.client.session.id == 0:
            raise AssertionError("%s: the session did not survive" % self.root)
        self.session = self.client.session

    def prepare(self, server):
        self.connect(server)
        self.client.create(self.root)
        self.client.create(self.root + "/ephemeral", flags=wire.EPHEMERAL)

    def next_request(self):
        path = "%s/k%d" % (self.root, self.random.randrange(KEYS))
        data = self.random.randbytes(self.random.choice([0, 10, 100, 5000]))
        if self.random.random() < 0.15:
            return "multi", {"ops": self.pair(path, data)}
        if path not in self.expected.nodes:
            return "create", {"path": path, "data": data, "acl": wire.OPEN_ACL, "flags": wire.PERSISTENT}
        version = self.expected.nodes[path][0]
        if self.random.random() < 0.2:
            return "delete", {"path": path, "version": version}
        return "setData", {"path": path, "data": data, "version": version}

    def pair(self, path, data):
        """Two nodes that must be there both or not at all."""
        if path in self.expected.nodes:
            return [("setData", {"path": path, "data": data, "version": self.expected.nodes[path][0]}),
                    ("setData", {"path": path, "data": data[:1], "version": self.expected.nodes[path][0] + 1})]
        return [("create", {"path": path, "data": data, "acl": wire.OPEN_ACL, "flags": wire.PERSISTENT}),
                ("setData", {"path": path, "data": data + b"!", "version": 0})]

    def run(self):
        """Until the connection breaks."""
        try:
            while self.step():
                pass
        except Exception as error:    # told by the main thread
            self.failure = error

    def step(self):
        while len(self.in_flight) < self.ahead:
            op, fields = self.next_request()
            self.expected.apply(op, fields)
            self.in_flight.append((op, fields))
            self.client.submit(op, **fields)
        reply = self.client.next_reply(self.in_flight[0][0])
        if reply is None:
            return False
        op, fields = self.in_flight.pop(0)
        failed = reply.err != 0 or any(err for _kind, err, _fields in reply.body.get("results", []))
        if failed or reply.zxid <= self.last_zxid:
            raise AssertionError("%s: %s %r answered %r" % (self.root, op, fields, reply))
        self.confirmed.apply(op, fields)
        self.last_zxid = reply.zxid
        self.acknowledged += 1
        return True

    def found(self, server):
        """What the server holds now, read through another session."""
        client = wire.Client(("127.0.0.1", server.port))
        nodes = {}
        for name in client.must("getChildren", path=self.root, watch=0)["children"]:
            path = self.root + "/" + name
            body = client.must("getData", path=path, watch=0)
            nodes[path] = (body["stat"].version, body["data"])
            if name == "ephemeral" and body["stat"].ephemeralOwner != self.session.id:
                raise AssertionError("%s belongs to another session" % path)
        client.end()
        if nodes.pop(self.root + "/ephemeral", None) is None:
            raise AssertionError("%s/ephemeral is gone" % self.root)
        return nodes

    def check_and_go_on_from(self, nodes):
        """The nodes must be those after the acknowledged requests and the first few of those in flight."""
        model = Model(self.confirmed.nodes)
        candidates = [dict(model.nodes)]
        for request in self.in_flight:
            model.apply(*request)
            candidates.append(dict(model.nodes))
        if nodes not in candidates:
            wrong = {path: value for path, value in candidates[0].items() if nodes.get(path) != value}
            raise AssertionError("%s: %d acknowledged, %d in flight; of %d nodes acknowledged and different: %s" % (
                self.root, self.acknowledged, len(self.in_flight), len(nodes), str(wrong)[:2000]))
        applied = len(candidates) - 1 - candidates[::-1].index(nodes)
        self.confirmed, self.expected, self.in_flight = Model(nodes), Model(nodes), []
        return applied


class Kill(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(SEED)
        # A small snapCount lets kills hit checkpoints and new log files too.
        self.server = harness.server_class()({"snapCount": 1000, "maxSessionTimeout": 60000})
        self.addCleanup(self.server.stop)
        self.server.start()

    def test_acknowledged_writes_survive(self):
        print("ZOOID_SEED=%d" % SEED, flush=True)
        writers = [Writer(number, self.random.random()) for number in range(WRITERS)]
        for writer in writers:
            writer.prepare(self.server)
        for round_number in range(ROUNDS):
            acknowledged, applied = self.one_round(writers)
            print("round %d: %d acknowledged, %d more were in the log" % (round_number, acknowledged, applied),
                  flush=True)

    def one_round(self, writers):
        before = sum(writer.acknowledged for writer in writers)
        enough = before + self.random.randint(*ACKNOWLEDGED_BEFORE_KILL)
        threads = [threading.Thread(target=writer.run) for writer in writers]
        for thread in threads:
            thread.start()
        harness.wait_until(lambda: sum(writer.acknowledged for writer in writers) >= enough
                           or any(w.failure for w in writers),
                           60, "the writers to get %d answers" % (enough - before))
        self.server.kill()
        for thread in threads:
            thread.join(60)
        failures = [writer.failure for writer in writers if writer.failure]
        self.assertEqual(failures, [], "seed %d" % SEED)
        self.server.start()
        applied = 0
        for writer in writers:
            applied += writer.check_and_go_on_from(writer.found(self.server))
            writer.client.close()
            writer.connect(self.server)
        return sum(writer.acknowledged for writer in writers) - before, applied


if __name__ == "__main__":
    harness.main()
