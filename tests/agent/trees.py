"""Whole trees written to a server and read back from it, for tests that hand a data directory from one server to
another."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients"))

import harness  # noqa: E402
import wire  # noqa: E402

SUPER = b"super:admin"
USER = b"keeper:secret"
KEEPER_ACL = [(wire.ALL, "auth", "")]
OWNED_ACL = [(wire.READ | wire.WRITE, "world", "anyone"), (wire.ALL, "digest", "keeper:b0mrgCmJr5SbwHsb8FzfrjU1Sho=")]


def connect(server, timeout=30000):
    """A session that may read everything."""
    client = wire.client_of(server, timeout=timeout)
    client.must("auth", type=0, scheme="digest", auth=SUPER)
    return client


CLOSED = "/zookeeper/zooid"  # where members keep what no client may read
READS = (("getData", {"watch": False}), ("getACL", {}), ("getChildren", {"watch": False}))


def read_tree(server):
    """path -> (data, ACL, stat) of every node that can be read. What goes between two of the reads is gone."""
    client = connect(server)
    tree = {}
    left = ["/"]
    while left:
        path = left.pop()
        replies = [client.call(op, path=path, **more) for op, more in READS]
        if any(wire.ERRORS.get(reply.err) == "NoNode" for reply in replies):
            continue
        node, acl, children = (reply.body for reply in replies)
        tree[path] = (node["data"], sorted(acl["acl"]), node["stat"])
        below = [path.rstrip("/") + "/" + child for child in children["children"]]
        left += [child for child in below if child != CLOSED]
    client.end()
    return tree


def differences(expected, found):
    """What a person wants to see of two trees that should be equal; empty when they are."""
    lines = ["%s is missing" % path for path in sorted(set(expected) - set(found))]
    lines += ["%s should not be there" % path for path in sorted(set(found) - set(expected))]
    for path in sorted(set(expected) & set(found)):
        if expected[path] != found[path]:
            lines.append("%s: %r became %r" % (path, expected[path], found[path]))
    return "\n".join(lines[:20])


def fill(server, seed, nodes=300):
    """One of everything, and many plain nodes that are changed and deleted at random."""
    client = connect(server)
    client.must("auth", type=0, scheme="digest", auth=USER)
    rng = random.Random(seed)
    base = "/fill-%d" % seed
    client.create(base, b"base")
    client.create(base + "/null", None)
    client.create(base + "/empty", b"")
    client.create(base + "/large", bytes(rng.randrange(256) for _ in range(200000)))
    client.create(base + "/n\u00e4me-\u4e2d", b"utf-8")
    client.create(base + "/keeper", b"mine", acl=KEEPER_ACL)
    client.create(base + "/owned", b"ours", acl=OWNED_ACL)
    client.must("setACL", path=base + "/empty", acl=wire.READ_ACL, version=-1)
    client.must("createContainer", path=base + "/container", data=b"c", acl=wire.OPEN_ACL, flags=wire.CONTAINER)
    client.create(base + "/container/child")
    client.must("createTTL", path=base + "/ttl", data=b"t", acl=wire.OPEN_ACL, flags=wire.TTL, ttl=3600000)
    for _ in range(5):
        client.create(base + "/sequence-", flags=wire.SEQUENTIAL)
    client.must("multi", ops=[
        ("create", {"path": base + "/multi", "data": b"1", "acl": wire.OPEN_ACL, "flags": 0}),
        ("setData", {"path": base, "data": b"base by multi", "version": 0}),
        ("create", {"path": base + "/multi/below", "data": b"2", "acl": wire.OPEN_ACL, "flags": 0}),
        ("check", {"path": base + "/null", "version": 0}),
        ("delete", {"path": base + "/sequence-0000000002", "version": -1})])
    client.call("multi", ops=[("create", {"path": base + "/never", "data": b"", "acl": wire.OPEN_ACL, "flags": 0}),
                              ("check", {"path": base + "/not-there", "version": 0})])
    paths = [base]
    for number in range(nodes):
        path = "%s/%d" % (rng.choice(paths[-20:]), number)
        client.create(path, b"x" * rng.randrange(200))
        paths.append(path)
    for path in rng.sample(paths[1:], nodes // 2):
        client.must("setData", path=path, data=b"y" * rng.randrange(300), version=-1)
    for path in rng.sample(paths[1:], nodes // 4):
        client.call("delete", path=path, version=-1)  # some have children: an error is logged too
    client.end()


def _hold_ephemerals(server, parent, timeout, count=3):
    """A session with ephemerals that lives until its connection is dropped and its time-out is over."""
    client = connect(server, timeout)
    client.create(parent, b"of a session")
    for number in range(count):
        client.create("%s/held-%d" % (parent, number), b"e", flags=wire.EPHEMERAL)
    client.create(parent + "/held-", b"e", flags=wire.EPHEMERAL_SEQUENTIAL)
    return client


# A session that outlasts any start of the next server, and one whose end can be waited for. One session could not show
# both: how long a server takes to start on a busy machine is nobody's to say.
LASTING, BRIEF = "/lasting", "/brief"
LASTING_MS, BRIEF_MS = 600000, 4000
SESSIONS = {"maxSessionTimeout": LASTING_MS}


def hold_sessions(server):
    """Two sessions with ephemerals on a server that was started with SESSIONS."""
    return [_hold_ephemerals(server, LASTING, LASTING_MS), _hold_ephemerals(server, BRIEF, BRIEF_MS)]


def _ephemerals(tree, parent):
    return [path for path in tree if path.startswith(parent + "/")]


def assert_sessions_came_along(test, expected, server):
    """The tree is that of the old server; one session lives on with its ephemerals, the other expires with its own."""
    def rest(tree):
        return {path: node for path, node in tree.items() if not path.startswith(BRIEF)}
    assert_same(test, rest(expected), rest(read_tree(server)))
    harness.wait_until(lambda: _ephemerals(read_tree(server), BRIEF) == [], 60, "the old server's session to expire")
    found = read_tree(server)
    test.assertIn(BRIEF, found)
    assert_same(test, rest(expected), rest(found))


def assert_same(test, expected, found):
    text = differences(expected, found)
    if text:
        test.fail(text)


__all__ = ["harness", "wire", "connect", "read_tree", "fill", "hold_sessions", "SESSIONS", "assert_same",
           "assert_sessions_came_along"]
