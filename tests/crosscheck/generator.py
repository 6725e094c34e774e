"""Makes up what to ask of both servers: one random step after the other, wholly determined by the seed and the
answers of the reference server.

A step is one of
    Connect(slot, timeout, read_only)          a new session on connection `slot`
    Drop(slot)                                 the TCP connection is cut, the session lives on
    Reattach(slot, timeout, steal, password, ahead)   the slot's session on a new connection
    Requests(slot, [Request...])               sent in one go, answered one by one
    Expire(slot)                               a short session with an ephemeral is left to die
A Request names its operation and fields, or carries raw bytes for the body."""
import collections
import random
import struct
import zlib

import wire

Connect = collections.namedtuple("Connect", "slot timeout read_only")
Drop = collections.namedtuple("Drop", "slot")
Reattach = collections.namedtuple("Reattach", "slot timeout steal wrong_password ahead")
Requests = collections.namedtuple("Requests", "slot requests")
Expire = collections.namedtuple("Expire", "slot path")
Request = collections.namedtuple("Request", "xid op fields raw")

SLOTS = 5
NAMES = ["a", "b", "c", "dd"]
TOP = "/x"
ODD_PATHS = [
    "", "/", "a", "b/c", "/x/", "//", "/x//a", "/x/.", "/x/..", "/x/./a", "/x/a/../b", "/x/...", "/x/.a", "/zookeeper",
    "/zookeeper/quota", "/zookeeper/config", "/x/\x00", "/x/\x01", "/x/\x1f", "/x/\x7f", "/x/\x9f", "/x/\u00a0",
    "/x/\ue000",
    "/x/\uf8ff", "/x/\uf900", "/x/\uffef", "/x/\ufff0", "/missing/deep/down", "/x/" + "n" * 2000,
]
BEYOND_BMP = "/x/\U0001f600"    # only to be refused: what Apache echoes of it is not UTF-8
CREDENTIALS = [b"u:p", b"v:p", b"nocolon", b"", b"a:b:c", b"super:admin"]
DIGEST_U = "u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ="
ACLS = [
    wire.OPEN_ACL, wire.READ_ACL, [(31, "auth", "")], [(31, "digest", DIGEST_U)],
    [(31, "digest", DIGEST_U), (1, "world", "anyone")], [(31, "ip", "127.0.0.1")], [(31, "ip", "127.0.0.0/8")],
    [(31, "ip", "10.0.0.1")], [(1, "world", "anyone"), (12, "auth", "x")], [(15, "world", "anyone")],
    [(23, "world", "anyone")], [(27, "world", "anyone")], [(64, "world", "anyone")], [(0, "world", "anyone")],
    [(31, "world", "anyone")] * 3, [(31, "world", "anyone"), (1, "ip", "127.0.0.1"), (31, "world", "anyone")],
]
BAD_ACLS = [
    None, [], [(31, "world", "somebody")], [(31, "digest", "abc")], [(31, "digest", "a:")], [(31, "digest", ":")],
    [(31, "digest", "a:b:c")], [(31, "ip", "nowhere")], [(31, "ip", "10.0.0.1/33")], [(31, "ip", "1.2.3")],
    [(31, "nosuch", "x")], [(31, "super", "")], [(31, "sasl", "x")], [(31, None, "x")], [(31, "", "x")],
]
MULTI_OPS = ["create", "create2", "createContainer", "createTTL", "delete", "setData", "check"]
WRITES = {"create", "create2", "createContainer", "createTTL", "delete", "setData", "setACL", "multi", "closeSession",
          "reconfig"}

# How often each request is asked, relative to each other.
WEIGHTS = {
    "create": 16, "create2": 6, "createContainer": 3, "createTTL": 4, "delete": 10, "exists": 8, "getData": 8,
    "setData": 10, "getACL": 3, "setACL": 4, "getChildren": 5, "getChildren2": 5, "sync": 2, "ping": 1, "multi": 8,
    "multiRead": 3, "reconfig": 1, "checkWatches": 2, "removeWatches": 2, "auth": 2, "setWatches": 2, "setWatches2": 2,
    "sasl": 1, "getEphemerals": 2, "getAllChildrenNumber": 3, "addWatch": 5, "whoAmI": 1, "closeSession": 1, "quota": 4,
    "malformed": 3, "unknown": 0.3,
}


def watch_mode(slot, path):
    """standard, persistent or recursive: the one kind of watch this connection uses on this path (deviations.py)."""
    return ("standard", "standard", "persistent", "recursive")[zlib.crc32(("%d%s" % (slot, path)).encode("utf-8")) % 4]


class Generator:
    """Call step() for the next step, then learn() with what the reference answered."""

    def __init__(self, seed, quotas_enforced=False, leave_out=()):
        self.random = random.Random(seed)
        self.odd_paths = [path for path in ODD_PATHS if path not in leave_out]
        self.quotas_enforced = quotas_enforced
        self.state = ["none"] * SLOTS       # none, open, dropped
        self.versions = {}                  # path -> version, as the reference last told
        self.zxid = 0
        self.xids = [0] * SLOTS
        self.expiries = 0
        self.kinds, self.weights = list(WEIGHTS), list(WEIGHTS.values())

    # Choosing among what is there

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, items):
        return items[self.random.randrange(len(items))]

    def fresh_path(self):
        return TOP + "".join("/" + self.pick(NAMES) for _ in range(self.random.randrange(0, 4)))

    def path(self, known=0.6):
        if self.versions and self.chance(known):
            return self.pick(sorted(self.versions))
        if self.chance(0.06):
            return self.pick(self.odd_paths)
        if self.chance(0.01):
            return None
        return self.fresh_path()

    def text_path(self, known=0.6):
        """No null, and no "": what is watched under that name is not the root in Apache."""
        return self.path(known) or TOP

    def data_for(self, path, replacing=False):
        """A quota node with anything but quota text ends an Apache server with the next write below the quota. With
        quotas enforced data never shrinks: above a limit Apache refuses that too, the agent lets it."""
        if path is not None and path.startswith("/zookeeper/quota"):
            return self.quota_text(path)
        if self.quotas_enforced:
            return bytes(self.random.randrange(256) for _ in range(40 if replacing else 5))
        return self.data()

    def data(self):
        size = self.pick([0, 1, 5, 5, 5, 40, 40, 3000])
        piece = bytes(self.random.randrange(256) for _ in range(min(size, 40)))
        return None if self.chance(0.1) else piece * max(1, size // 40)

    def acl(self):
        if self.chance(0.85):
            return wire.OPEN_ACL
        return self.pick(ACLS) if self.chance(0.7) else self.pick(BAD_ACLS)

    def version(self, path):
        if self.chance(0.4):
            return -1
        return self.versions.get(path, 0) if self.chance(0.75) else self.pick([0, 1, 2, 7, -2, 2**31 - 1])

    def a_watch(self, slot, path):
        wanted = path is None or (path != "" and watch_mode(slot, path) == "standard")
        return self.pick([0, 1, 1, 2]) if wanted else 0

    # Fields of each kind of request: make_<op>(slot) -> dict

    def make_create(self, _slot):
        if self.chance(0.002):
            return {"path": BEYOND_BMP, "data": b"", "acl": wire.OPEN_ACL, "flags": 0}
        path = self.text_path(0.25) if self.chance(0.97) else self.path()
        if self.chance(0.3) and self.versions:
            path = self.pick(sorted(self.versions)) + "/" + self.pick(NAMES)
        flags = self.pick([0, 0, 0, 0, 1, 1, 2, 3]) if self.chance(0.96) else self.pick([5, 6, 7, -1, 100])
        path = self.not_a_quota_node(path)
        return {"path": path, "data": self.data_for(path), "acl": self.acl(), "flags": flags}

    def not_a_quota_node(self, path):
        """Limits and statistics come and go together (quota_request): with one of them alone Apache's ways differ."""
        return TOP if path is not None and path.endswith(("zookeeper_limits", "zookeeper_stats")) else path

    make_create2 = make_create

    def make_createContainer(self, slot):
        return dict(self.make_create(slot), flags=self.pick([4, 4, 4, 0]))

    def make_createTTL(self, slot):
        # A flag without TTL together with ttl -1 would end an Apache server for good.
        flags = self.pick([5, 5, 6, 6, 0, 7])
        ttl = self.pick([1000000, 3600000, 1, 2**40 - 1, 2**40, 0, -5]) if flags in (5, 6) else self.pick([5, 0])
        if ttl == 1:
            ttl = 10000000
        return dict(self.make_create(slot), flags=flags, ttl=ttl)

    def make_delete(self, _slot):
        path = self.not_a_quota_node(self.path(0.75))
        return {"path": path, "version": self.version(path)}

    def make_setData(self, _slot):
        # Apache counts on from what a client wrote into the statistics; the agent always shows the usage.
        path = self.path(0.8)
        if path is not None and path.endswith("zookeeper_stats"):
            path = path.replace("zookeeper_stats", "zookeeper_limits")
        return {"path": path, "data": self.data_for(path, replacing=True), "version": self.version(path)}

    def make_exists(self, slot):
        path = self.path()
        return {"path": path, "watch": self.a_watch(slot, path)}

    make_getData = make_getChildren = make_getChildren2 = make_exists

    def make_getACL(self, _slot):
        return {"path": self.path(0.8)}

    make_sync = make_getACL

    def make_getAllChildrenNumber(self, _slot):
        return {"path": self.path(0.8) or "/"}    # of "" Apache counts the root as well

    def make_getEphemerals(self, _slot):
        return {"path": self.pick([None, "/", TOP, self.text_path()])}

    def make_setACL(self, _slot):
        return {"path": self.path(0.8), "acl": self.acl() if self.chance(0.6) else self.pick(ACLS),
                "version": self.pick([-1, -1, 0, 1, 5])}

    def make_ping(self, _slot):
        return {}

    make_whoAmI = make_closeSession = make_ping

    def make_sasl(self, _slot):
        return {"token": self.pick([b"", b"token"])}    # without one Apache closes the connection

    def make_reconfig(self, _slot):
        return {"joining": self.pick([None, "server.2=h:1:2"]), "leaving": self.pick([None, "1"]), "members": None,
                "config": -1}

    def make_auth(self, _slot):
        if self.chance(0.06):
            return {"type": 0, "scheme": self.pick(["nosuch", "world", "auth", "super", None]), "auth": b"x"}
        if self.chance(0.1):
            return {"type": 0, "scheme": "ip", "auth": b"10.1.1.1"}
        return {"type": 0, "scheme": "digest", "auth": self.pick(CREDENTIALS)}

    def make_checkWatches(self, slot):
        path = self.path()
        standard = path is None or watch_mode(slot, path) == "standard"
        return {"path": path, "type": self.pick([1, 2, 3, 3, 0, 6]) if standard else 3}

    make_removeWatches = make_checkWatches

    def make_addWatch(self, slot):
        paths = [self.text_path() for _ in range(4)]
        path = next((path for path in paths if watch_mode(slot, path) != "standard"), TOP)
        mode = {"standard": 2, "persistent": 0, "recursive": 1}[watch_mode(slot, path)]
        return {"path": path, "mode": mode if self.chance(0.9) else 2}

    def paths_with_mode(self, slot, mode):
        chosen = [self.text_path() for _ in range(self.random.randrange(0, 5))]
        return [path for path in chosen if watch_mode(slot, path) == mode and "\x00" not in path]

    def make_setWatches(self, slot):
        lists = {name: self.paths_with_mode(slot, "standard") for name in ("data", "exist", "child")}
        return dict(lists, relativeZxid=("zxid", max(0, self.zxid - self.random.randrange(0, 60))))

    def make_setWatches2(self, slot):
        return dict(self.make_setWatches(slot), persistent=self.paths_with_mode(slot, "persistent"),
                    persistentRecursive=self.paths_with_mode(slot, "recursive"))

    def make_multi(self, slot):
        # Bad flags fail the sub-operation in one version and the whole request in another.
        operations, aim_to_succeed = [], self.chance(0.6)
        for _ in range(self.random.randrange(0, 7)):
            op = self.pick(MULTI_OPS)
            fields = getattr(self, "make_" + ("delete" if op == "check" else op))(slot)
            if "flags" in fields and (not 0 <= fields["flags"] <= 6 or ("ttl" in fields and fields["flags"] < 5)):
                fields["flags"] = 0 if "ttl" not in fields else 5
            if fields["path"] is None:
                continue
            if aim_to_succeed and fields["path"] not in self.versions and op in ("delete", "setData", "check"):
                continue
            operations.append((op, fields))
        if self.chance(0.03):
            operations.append(("exists", {"path": TOP, "watch": 0}))
        return {"ops": operations}

    def make_multiRead(self, _slot):
        return {"ops": [(self.pick(["getData", "getChildren"]), {"path": self.text_path(), "watch": self.pick([0, 1])})
                        for _ in range(self.random.randrange(0, 5))]}

    # Requests that are more than an operation with random fields

    def quota_request(self, _slot):
        """Limits and statistics below /zookeeper/quota, as clients keep them, and looks at them."""
        base = "/zookeeper/quota" + self.pick([TOP, TOP, TOP + "/a"])
        limits, stats = base + "/zookeeper_limits", base + "/zookeeper_stats"
        action = self.random.random()
        if action < 0.15:
            return "create", {"path": base, "data": b"", "acl": wire.OPEN_ACL, "flags": 0}
        if action < 0.4:
            return "multi", {"ops": [("create", {"path": path, "data": self.quota_text(path), "acl": wire.OPEN_ACL,
                                                 "flags": 0}) for path in (limits, stats)]}
        if action < 0.5:
            return "multi", {"ops": [("delete", {"path": path, "version": -1}) for path in (stats, limits)]}
        if action < 0.7:
            return "setData", {"path": limits, "data": self.quota_text(limits), "version": -1}
        return "getData", {"path": self.pick([limits, stats, stats]), "watch": 0}

    def quota_text(self, path):
        if path.endswith("stats"):
            return b"count=0,bytes=0"
        return b"count=%d,bytes=%d=;byteHardLimit=%d;countHardLimit=%d" % tuple(
            self.pick(choices) for choices in ((5, -1), (1000, -1), (-1, 300, 800), (-1, 12)))

    def malformed_request(self, slot):
        """A body cut short, with bytes behind it, or with impossible lengths."""
        without = ("closeSession", "ping", "auth", "sasl", "reconfig")
        op = self.pick([kind for kind in self.kinds if kind in wire.OPCODES and kind not in without])
        fields = getattr(self, "make_" + op)(slot)
        body = wire.encode_body(op, {name: value[1] if isinstance(value, tuple) else value
                                     for name, value in fields.items()})
        way = self.random.random()
        if way < 0.6 or len(body) < 5:
            body = body[:self.random.randrange(0, len(body))] if body else b""
        else:
            body = struct.pack(">i", self.pick([-2, -100, 2**31 - 1, 1 << 24])) + body[4:]
        return op, body

    def request(self, slot):
        kind = self.random.choices(self.kinds, self.weights)[0]
        self.xids[slot] += 1
        xid = self.xids[slot] if self.chance(0.97) else self.pick([0, 7, -8, -100, 2**31 - 1])
        if kind == "quota":
            op, fields = self.quota_request(slot)
            return Request(xid, op, fields, None)
        if kind == "malformed":
            op, body = self.malformed_request(slot)
            return Request(xid, op, None, body)
        if kind == "unknown":
            return Request(xid, self.pick([0, 10, 23, 99, 108, -1, -2, 1000]), None, b"")
        if kind == "auth":
            xid = self.pick([-4, -4, -4, xid])
        return Request(xid, kind, getattr(self, "make_" + kind)(slot), None)

    # Steps

    def requests(self, slot):
        """Mostly one; else a burst, in which nothing may close the connection or overtake. Apache judges writes behind
        a setACL in flight by the old ACL or by the new one, as it happens: no setACL in a burst. With writes in flight
        it compares a quota with a usage that may or may not count them: no bursts at all with quotas enforced."""
        first = self.request(slot)
        if self.quotas_enforced or self.chance(0.85):
            return Requests(slot, [first])
        burst = [request for request in [first] + [self.request(slot) for _ in range(self.random.randrange(1, 9))]
                 if request.fields is not None
                 and request.op not in ("auth", "sasl", "closeSession", "reconfig", "setACL")]
        for request in burst:
            if request.op == "exists":
                request.fields["watch"] = 0    # the two may disagree about READ, and in a burst that cannot be mended
        return Requests(slot, burst or [Request(1, "ping", {}, None)])

    def step(self):
        slot = self.random.randrange(SLOTS)
        if self.state[slot] == "none":
            self.state[slot] = "open"
            self.xids[slot] = 0
            return Connect(slot, self.pick([30000, 30000, 40000, 999999]), self.pick([0, 0, 1, None]))
        if self.state[slot] == "dropped":
            wrong, ahead = self.chance(0.05), self.chance(0.05)
            self.state[slot] = "dropped" if ahead else "none" if wrong else "open"
            return Reattach(slot, self.pick([30000, 35000]), False, wrong and not ahead, ahead)
        if self.chance(0.01):
            self.state[slot] = "dropped"
            return Drop(slot)
        if self.chance(0.004):
            return Reattach(slot, 30000, True, False, False)
        if self.chance(0.0008) and self.expiries < 2 and TOP in self.versions:
            self.expiries += 1
            return Expire(slot, TOP + "/dying")
        return self.requests(slot)

    # Learning from the reference

    def learn(self, step, answers, closed):
        """`answers` are the reference's (request, reply) pairs; `closed` is true when the connection has ended."""
        for request, reply in answers:
            self.zxid = max(self.zxid, reply.zxid)
            if reply.err == 0 and request.fields is not None and reply.body is not None:
                self.learn_reply(request.op, request.fields, reply.body)
        if closed and not isinstance(step, (Drop, Reattach)):
            ended = any(request.op == "closeSession" for request, _reply in answers)
            self.state[step.slot] = "none" if ended else "dropped"

    def learn_reply(self, op, fields, body):
        if op == "multi":
            for (sub, sub_fields), (_kind, err, result) in zip(fields["ops"], body["results"]):
                if err == 0 and not (_kind == "error"):
                    self.learn_reply(sub, sub_fields, result)
        elif op in ("create", "create2", "createContainer", "createTTL"):
            self.versions[body["path"]] = 0
        elif op == "delete":
            self.versions.pop(fields["path"], None)
        elif body.get("stat") is not None and "path" in fields:
            self.versions[fields["path"]] = body["stat"].version
        while len(self.versions) > 40:
            self.versions.pop(self.pick(sorted(self.versions)))
