#!/usr/bin/python3
# limit: 300
"""The agent's audit log beside Apache's: the same requests give the same lines, field by field, but for the numbers of sessions.

What is shown of a server that runs alone is shown of a follower and of a leader, too. Where the agent says more, or in
another way, each difference is named here."""
import unittest

import audit_lines
import harness
import wire

harness.need_program("java", "default-jre-headless")
harness.need_file(harness.JARS + "/zookeeper.jar", "libzookeeper-java")

ALL = wire.OPEN_ACL
END = "/end"
SETTINGS = {"audit.enable": "true"}


def create(path, flags=wire.PERSISTENT, op="create", **more):
    return op, dict(path=path, data=b"x", acl=ALL, flags=flags, **more)


def set_data(path, version=-1):
    return "setData", dict(path=path, data=b"y", version=version)


def delete(path, version=-1):
    return "delete", dict(path=path, version=version)


def check(path):
    return "check", dict(path=path, version=-1)


def set_acl(path, acl, version=-1):
    return "setACL", dict(path=path, acl=acl, version=version)


def multi(*operations):
    return "multi", dict(ops=list(operations))


def auth(scheme, text):
    return "auth", dict(type=0, scheme=scheme, auth=text)


def read(op, path, **more):
    return op, dict(path=path, **more)


# Each is asked on a connection of its own, with all that belongs to it; {} is a prefix of the test's own.
ALIKE = {
    "creates": [
        create("{}/a"), create("{}/a"), create("{}/a/e", 1), create("{}/a/s-", 2), create("{}/a/es-", 3),
        create("{}/a/", 0), create("{}/none/x"), create("nope"), create("{}/c", 4, "createContainer"), create("{}/c2", 4),
        create("{}/c3", 0, "createContainer"), create("{}/two", 0, "create2"), create("{}/two-", 3, "create2"),
        create("{}/caf\u00e9=1,2"), create("{}/a/e/below")],
    "changes": [
        create("{}/a"), create("{}/a/b"), set_data("{}/a"), set_data("{}/a", 1), set_data("{}/a", 7), set_data("{}/none"),
        delete("{}/a"), delete("{}/a/b", 7), delete("{}/a/b"), delete("{}/a"), delete("{}/none"), delete("/"),
        delete("/zookeeper")],
    "ACLs": [
        create("{}/a"), set_acl("{}/a", ALL), set_acl("{}/a", [(1, "world", "anyone"), (16, "ip", "127.0.0.1")]),
        set_acl("{}/a", [(2, "auth", "")]), set_acl("{}/a", [(31, "world", "anyone")], 99), set_acl("{}/a", []),
        set_acl("{}/none", ALL), set_acl("{}/a", [(31, "world", "anyone"), (0, "world", "anyone")]),
        set_acl("{}/a", [(3, "none", "x")]), set_acl("{}/a", [(30, "world", "anyone")]), set_data("{}/a"),
        create("{}/a/b"), delete("{}/a")],
    "reads": [
        create("{}/a"), read("exists", "{}/a", watch=True), read("getData", "{}/a", watch=False), read("getData", "{}/x", watch=True),
        read("getChildren", "{}/a", watch=False), read("getACL", "{}/a"), read("sync", "{}/a"), ("ping", {}),
        ("multiRead", dict(ops=[read("getData", "{}/a", watch=False)])), ("whoAmI", {})],
    "multis": [
        multi(create("{}/m"), create("{}/m/e", 1), create("{}/m/c", 4, "createContainer"), check("{}/m"), set_data("{}/m"),
              delete("{}/m/c")),
        multi(create("{}/n"), delete("{}/none"), create("{}/o")), multi(check("{}/m")), multi(),
        multi(check("{}/none"), create("{}/o")),
        multi(create("{}/two", 0, "create2"), set_data("{}/two"), set_data("{}/two"))],
    "users": [
        create("{}/a"), auth("digest", b"alice:secret"), create("{}/b"), auth("digest", b"bob:secret"), create("{}/c"),
        auth("digest", b"super:admin"), set_acl("{}/c", [(0, "world", "anyone")]), set_data("{}/c"), auth("ip", b""),
        delete("{}/c")],
    "reconfiguration": [("reconfig", dict(joining="server.9=127.0.0.1:1:2:participant;3", leaving=None, members=None, config=-1))],
}


def filled(value, prefix):
    if isinstance(value, dict):
        return {key: filled(item, prefix) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(filled(item, prefix) for item in value)
    return value.replace("{}", prefix) if isinstance(value, str) else value


def play(server, name, operations, close=True):
    """What the log says of them, and what they were answered with."""
    before = len(audit_lines.of(server))
    client = wire.Client(("127.0.0.1", server.port))
    prefix = "/" + name.replace(" ", "-")
    client.create(prefix)
    codes = [client.call(op, **fields).err for op, fields in filled(operations, prefix)]
    client.create(END)
    client.must("delete", path=END, version=-1)
    if close:
        client.end()
    # The last line that was there before the ephemerals is the deletion of the mark; those come in any order.
    again = wire.Client(("127.0.0.1", server.port))
    again.create(END)
    again.must("delete", path=END, version=-1)
    again.end()
    client.close()

    def ended():
        lines = audit_lines.of(server)[before:]
        return lines if sum("operation=delete\tznode=" + END in line for line in lines) == 2 else None
    lines = harness.wait_until(ended, what="the audit log of what was asked for")
    names = audit_lines.Names()
    plain = [names.plain(line) for line in lines]
    marks = [i for i, line in enumerate(plain) if ("operation", "delete") in line and ("znode", END) in line]
    return codes, plain[:marks[0]] + sorted(plain[marks[0]:marks[1]]) + plain[marks[1]:]


def lines_of(server, name, operations):
    return play(server, name, operations)[1]


class Compared:
    """`subject` beside Apache's server."""

    @classmethod
    def setUpClass(cls):
        properties = {"zookeeper.extendedTypesEnabled": "true"}
        cls.apache = harness.Apache(SETTINGS, properties)
        cls.addClassCleanup(cls.apache.stop)
        cls.apache.start()
        cls.agent = harness.server_named(cls.subject)(SETTINGS)
        cls.addClassCleanup(cls.agent.stop)
        cls.agent.start()


class Alike(Compared):
    """What each is asked alike."""


class Alone(Alike, unittest.TestCase):
    subject = "agent"


def add(name, tests):
    def test(self):
        apaches_codes, apaches = play(self.apache, name, ALIKE[name])
        codes, lines = play(self.agent, name, ALIKE[name])
        self.assertEqual(codes, apaches_codes)
        self.maxDiff = None
        self.assertEqual(lines, apaches)
        written = len([line for line in lines if ("znode", END) not in line])
        self.assertGreaterEqual(written, 1)
    setattr(tests, "test_" + name.replace(" ", "_"), test)


for key in ALIKE:
    add(key, Alone if key == "reconfiguration" else Alike)  # which means something else among members


class AtAFollower(Alike, unittest.TestCase):
    subject = "follower"


class AtALeader(Alike, unittest.TestCase):
    subject = "leader"


class AtAFollowerOfApaches(Alike, unittest.TestCase):
    subject = "follower-of-apache"


class StartAndStop(unittest.TestCase):
    """The lines of a server that does nothing else."""

    def run_once(self, make):
        server = make(SETTINGS)
        self.addCleanup(server.stop)
        server.start()
        client = wire.Client(("127.0.0.1", server.port))
        client.create("/e", flags=1)
        server.terminate()
        client.close()
        names = audit_lines.Names()
        return [names.plain(line) for line in audit_lines.of(server)]

    def test_both_say_that_they_start_and_stop(self):
        lines = self.run_once(harness.Agent)
        self.assertEqual(lines, self.run_once(harness.Apache))
        self.assertEqual([dict(line)["operation"] for line in lines], ["serverStart", "create", "serverStop"])


class Different(Compared, unittest.TestCase):
    """What the agent's log has and Apache's has not, and the other way round: each is wanted."""

    subject = "agent"

    def both(self, name, *operations):
        """The lines that are about what was asked."""
        found = []
        for server in (self.agent, self.apache):
            lines = lines_of(server, name, list(operations))
            found.append([dict(line) for line in lines
                          if dict(line).get("znode") not in (END, "/" + name) and "session 0" in dict(line).get("session", "")])
        return found

    def test_nodes_with_a_ttl_are_told(self):
        ours, theirs = self.both("ttl", create("{}/t", 5, "createTTL", ttl=10000), create("{}/t-", 6, "createTTL", ttl=10000))
        self.assertEqual([line["znode_type"] for line in ours], ["persistent_with_ttl", "persistent_sequential_with_ttl"])
        self.assertEqual(theirs, [])

    def test_a_create_within_a_multi_has_its_type(self):
        ours, theirs = self.both("types", multi(create("{}/s-", 2), create("{}/t", 5, "createTTL", ttl=10000), create("{}/p")))
        self.assertEqual([line.get("znode_type") for line in ours], ["persistent_sequential", "persistent_with_ttl", "persistent"])
        self.assertEqual([line.get("znode_type") for line in theirs], [None, None, "persistent"])
        for line in ours + theirs:
            line.pop("znode_type", None)
        self.assertEqual(ours, theirs)

    def test_a_multi_of_checks_is_not_told(self):
        ours, theirs = self.both("checks", multi(check("{}/none")))
        self.assertEqual(ours, [])
        self.assertEqual([line["operation"] for line in theirs], ["multiOperation"])

    def test_a_create_that_is_none_is_told(self):
        ours, theirs = self.both("flags", create("{}/x", 77))
        self.assertEqual([(line["znode"], line.get("znode_type"), line["result"]) for line in ours], [("/flags/x", None, "failure")])
        self.assertEqual(theirs, [])

    def test_hashes_of_passwords_are_not_shown(self):
        listed = [(31, "world", "anyone"), (1, "digest", "bob:aGFzaA==")]
        ours, theirs = self.both("hashes", create("{}/a"), set_acl("{}/a", listed))
        self.assertEqual(ours[1]["acl"], "world:anyone:cdrwadigest:bob:x:r")
        self.assertEqual(theirs[1]["acl"], "world:anyone:cdrwadigest:bob:aGFzaA==:r")

    def test_nobody_forges_a_line_or_a_field(self):
        forged = "/a\nuser=root\toperation=serverStop\tresult=invoked"
        ours = [dict(line) for line in lines_of(self.agent, "forged", [create(forged), auth("digest", b"a,root\n:x"), create("{}/b\\c")])]
        self.assertEqual(ours[1]["znode"], forged.replace("\n", "\\n").replace("\t", "\\t"))
        self.assertEqual(ours[2]["user"], "127.0.0.1,a\\x2croot\\n")
        self.assertEqual(ours[2]["znode"], "/forged/b\\\\c")
        client = wire.Client(("127.0.0.1", self.apache.port))
        client.call(create(forged)[0], **create(forged)[1])
        client.end()

        def is_forged():
            with open(self.apache.log_path, encoding="utf-8", errors="replace") as log:
                return "\nuser=root\toperation=serverStop\tresult=invoked\tznode_type=persistent\tresult=failure\n" in log.read()
        harness.wait_until(is_forged, what="a line that a client has made in Apache's log")


class AmongMembers(unittest.TestCase):
    """Every server of Apache's tells the end of every ephemeral; of agents the one where it was asked for, so that there is
    one line in all."""

    def test_an_ephemeral_ends(self):
        member = harness.server_named("apache-that-follows")(SETTINGS)
        self.addCleanup(member.stop)
        member.start()
        servers = {sid: member.ensemble[sid] for sid in (1, 2, 3)}
        client = wire.Client(("127.0.0.1", servers[3].port))
        client.create("/e", flags=1)
        client.end()
        other = wire.Client(("127.0.0.1", servers[2].port))
        other.create(END)
        other.end()

        def told(sid, what):
            return [line for line in audit_lines.of(servers[sid]) if what in line]
        for sid, what in ((1, "ephemeralZNodeDeletion"), (3, "ephemeralZNodeDeletion"), (2, "znode=" + END)):
            harness.wait_until(lambda sid=sid, what=what: told(sid, what), what="%s in the log of %d" % (what, sid))
        self.assertEqual([len(told(sid, "ephemeralZNodeDeletion")) for sid in (1, 2, 3)], [1, 0, 1])
        self.assertEqual([len(told(sid, "operation=create\tznode=/e\t")) for sid in (1, 2, 3)], [0, 0, 1])


class StartOnALog(unittest.TestCase):
    """Apache's server tells what it replays at its start as if it happened then."""

    def test_what_is_replayed_is_not_told_again(self):
        for make, deletions in ((harness.Agent, 1), (harness.Apache, 2)):
            server = make(SETTINGS)
            self.addCleanup(server.stop)
            server.start()
            client = wire.Client(("127.0.0.1", server.port))
            client.create("/e", flags=1)
            client.end()
            server.terminate()
            server.start()
            client = wire.Client(("127.0.0.1", server.port))
            client.create(END)
            client.end()
            harness.wait_until(lambda server=server: any("znode=" + END in line for line in audit_lines.of(server)))
            found = [line for line in audit_lines.of(server) if "ephemeralZNodeDeletion" in line]
            self.assertEqual(len(found), deletions, server.name)


if __name__ == "__main__":
    harness.main()
