#!/usr/bin/python3
"""Subscriptions of the local door: snapshots, changes in order, resumed after a reconnect or a restart, what a slow client
is told, and what nobody is shown who may not read it."""
import os
import tempfile
import unittest

import harness
import local_wire
import program
from local_wire import pb

KINDS = {pb.CHANGE_CREATED: "created", pb.CHANGE_DELETED: "deleted", pb.CHANGE_DATA: "data", pb.CHANGE_ACL: "acl",
         pb.CHANGE_PRESENT: "present"}
OWN = "uid:%d" % os.getuid()


class SubscribeTestCase(harness.ServerTestCase):
    @property
    def path(self):
        return os.path.join(self.server.data_dir, "zooid", "zooid.sock")

    def client(self, **hello):
        client = local_wire.Client(self.path, **hello)
        self.addCleanup(client.close)
        return client

    def subscriber(self, prefix, **options):
        subscriber = local_wire.Subscriber(self.path, prefix, **options)
        self.addCleanup(subscriber.close)
        return subscriber

    def setUp(self):
        self.local = self.client()
        self.base = self.local.must(create=pb.Create(path="/t-", sequential=True)).node.path

    def create(self, name, data=b"", **more):
        return self.local.must(create=pb.Create(path=self.base + name, data=data, **more)).node

    @staticmethod
    def told(changes):
        return [(KINDS[change.kind], change.path, change.data) for change in changes]


class Changes(SubscribeTestCase):
    def test_each_node_is_told_with_its_kind(self):
        base = self.base
        self.local.must(create=pb.Create(path=base + "/c", kind=pb.CONTAINER))
        subscriber = self.subscriber(base)
        self.assertEqual([change.stat.kind for change in subscriber.snapshot()], [pb.PERSISTENT, pb.CONTAINER])
        self.local.must(create=pb.Create(path=base + "/e", kind=pb.EPHEMERAL))
        self.local.must(create=pb.Create(path=base + "/t", kind=pb.TTL, ttl_ms=600000))
        self.local.must(delete=pb.Delete(path=base + "/c"))
        changes = subscriber.changes(3)
        self.assertEqual([change.stat.kind for change in changes], [pb.EPHEMERAL, pb.TTL, pb.CONTAINER])
        self.assertEqual([change.stat.ephemeral_owner != 0 for change in changes], [True, False, False])

    def test_a_snapshot_then_every_change_in_order(self):
        base = self.base
        self.create("/a", b"1")
        self.create("/a/x")
        subscriber = self.subscriber(base)
        snapshot = subscriber.snapshot()
        self.assertEqual(self.told(snapshot), [("present", base, b""), ("present", base + "/a", b"1"),
                                               ("present", base + "/a/x", b"")])
        self.assertEqual(snapshot[1].stat.num_children, 1)
        zxid = self.local.must(set=pb.Set(path=base + "/a", data=b"2")).node.stat.mzxid
        self.local.must(delete=pb.Delete(path=base + "/a/x"))
        self.local.must(set_acl=pb.SetAcl(path=base + "/a", acl=[pb.Acl(perms=31, scheme="world", id="anyone")]))
        self.local.must(create=pb.Create(path="/elsewhere-", sequential=True))
        self.local.must(create=pb.Create(path=base + "0", data=b"a sibling whose name begins the same way"))
        self.create("/b")
        changes = subscriber.changes(4)
        self.assertEqual(self.told(changes), [("data", base + "/a", b"2"), ("deleted", base + "/a/x", b""),
                                              ("acl", base + "/a", b"2"), ("created", base + "/b", b"")])
        self.assertEqual((changes[0].at.zxid, changes[0].at.index, changes[0].stat.version), (zxid, 1, 1))
        self.assertEqual(changes[2].stat.aversion, 1)

    def test_a_multi_is_several_changes_of_one_txn(self):
        base = self.base
        subscriber = self.subscriber(base)
        subscriber.snapshot()
        self.local.must(multi=pb.Multi(write=[
            pb.Write(create=pb.Create(path=base + "/m")), pb.Write(set=pb.Set(path=base + "/m", data=b"x")),
            pb.Write(delete=pb.Delete(path=base + "/m"))]))
        changes = subscriber.changes(3)
        self.assertEqual([KINDS[c.kind] for c in changes], ["created", "data", "deleted"])
        self.assertEqual([c.at.index for c in changes], [1, 2, 3])
        self.assertEqual(len({c.at.zxid for c in changes}), 1)
        # Behind each of them the rest follows, and nothing else.
        for at in range(3):
            rest = self.subscriber(base, **{"from": changes[at].at, "without_snapshot": True})
            self.create("/end-%d" % at)
            self.assertEqual([c.at.index for c in rest.changes(2 - at)], [1, 2, 3][at + 1:])
            self.assertEqual(rest.changes(at + 1)[-1].path, base + "/end-%d" % at)

    def test_the_end_of_a_session_deletes_what_it_owned(self):
        subscriber = self.subscriber(self.base)
        subscriber.snapshot()
        other = self.client()
        other.must(create=pb.Create(path=self.base + "/e", kind=pb.EPHEMERAL))
        other.close()
        self.assertEqual([KINDS[c.kind] for c in subscriber.changes(2)], ["created", "deleted"])

    def test_nothing_is_there_yet(self):
        subscriber = self.subscriber(self.base + "/later")
        self.assertEqual(subscriber.snapshot(), [])
        self.create("/later", b"now")
        self.assertEqual(self.told(subscriber.changes(1)), [("created", self.base + "/later", b"now")])

    def test_without_data_and_without_a_snapshot(self):
        self.create("/a", b"old")
        subscriber = self.subscriber(self.base, without_data=True, without_snapshot=True)
        subscriber.settle()
        self.local.must(set=pb.Set(path=self.base + "/a", data=b"new"))
        change = subscriber.changes(1)[0]
        self.assertEqual((change.path, change.HasField("data"), change.stat.data_length), (self.base + "/a", False, 3))

    def test_the_whole_tree(self):
        subscriber = self.subscriber("/")
        self.assertEqual(subscriber.snapshot()[0].path, "/")
        self.local.must(set=pb.Set(path="/", data=b"root"))
        self.assertEqual(self.told(subscriber.changes(1)), [("data", "/", b"root")])

    def test_it_ends_when_it_is_cancelled(self):
        subscriber = self.subscriber(self.base)
        subscriber.snapshot()
        self.create("/before")
        subscriber.changes(1)
        subscriber.send(pb.ToAgent(cancel=subscriber.id))
        self.assertEqual(subscriber.end(), pb.CANCELLED)
        self.create("/behind")
        self.assertEqual(subscriber.call(get=pb.Get(path=self.base)).node.stat.num_children, 2)

    def test_what_is_no_prefix(self):
        for prefix in ("", "a", "/a/", "//", "/a/../b"):
            self.assertEqual(self.subscriber(prefix).end(), pb.BAD_ARGUMENTS, prefix)

    def test_events_come_beside_replies(self):
        subscriber = self.subscriber(self.base)
        subscriber.snapshot()
        for number in range(100):
            subscriber.must(create=pb.Create(path="%s/%03d" % (self.base, number)))
        names = [change.path[-3:] for change in subscriber.changes(100)]
        self.assertEqual(names, ["%03d" % number for number in range(100)])


class SeveralPrefixes(SubscribeTestCase):
    settings = {"zooid.localPrefixesMax": 3}

    def below(self, *names, **options):
        first, *rest = [self.base + name for name in names]
        return self.subscriber(first, also=rest, **options)

    def paths(self, changes):
        return [change.path[len(self.base):] for change in changes]

    def ends(self, changes):
        return [change.ends_txn for change in changes]

    def writes(self, *names, kind="set"):
        make = {"set": lambda path: pb.Write(set=pb.Set(path=path, data=b"x")),
                "create": lambda path: pb.Write(create=pb.Create(path=path))}[kind]
        self.local.must(multi=pb.Multi(write=[make(self.base + name) for name in names]))

    def test_all_are_told_in_one_order(self):
        for name in ("/a", "/a/x", "/b", "/c", "/c/y"):
            self.create(name)
        subscriber = self.below("/c", "/a", "/later")
        self.assertEqual(self.paths(subscriber.snapshot()), ["/a", "/a/x", "/c", "/c/y"])
        self.writes("/c", "/b", "/a")
        self.create("/later")
        self.assertEqual(self.paths(subscriber.changes(3)), ["/c", "/a", "/later"])

    def test_one_that_lies_below_another_tells_nothing_twice(self):
        for name in ("/a", "/a/x", "/a/x/1"):
            self.create(name)
        subscriber = self.below("/a/x", "/a", "/a")
        self.assertEqual(self.paths(subscriber.snapshot()), ["/a", "/a/x", "/a/x/1"])
        self.writes("/a/x/1", "/a/x")
        self.create("/end")
        self.assertEqual(self.paths(subscriber.changes(2)), ["/a/x/1", "/a/x"])

    def test_the_end_of_a_txn_is_told(self):
        for name in ("/a", "/b", "/c"):
            self.create(name)
        subscriber = self.below("/a", "/c")
        self.assertEqual(self.ends(subscriber.snapshot()), [False, False])
        self.writes("/a", "/b", "/c")
        self.writes("/c", "/a", "/b")
        self.writes("/b")
        self.writes("/a")
        changes = subscriber.changes(5)
        self.assertEqual(list(zip(self.paths(changes), self.ends(changes))),
                         [("/a", False), ("/c", True), ("/c", False), ("/a", True), ("/a", True)])

    def test_the_end_of_a_txn_that_takes_many_frames_is_told_once(self):
        self.create("/a")
        self.create("/b")
        for others in (0, 3, 9000):
            subscriber = self.below("/a", "/c", without_snapshot=True, frame_max=65536)
            subscriber.settle()
            first = ["/a/%d-%05d" % (others, number) for number in range(1500)]
            behind = ["/b/%d-%05d" % (others, number) for number in range(others)]
            self.writes(*first, *behind, kind="create")
            changes = subscriber.changes(1500)
            self.assertEqual(self.paths(changes), first)
            self.assertEqual(self.ends(changes), [False] * 1499 + [True])
            subscriber.close()

    def test_it_goes_on_in_the_middle_of_a_txn(self):
        for name in ("/a", "/b", "/c"):
            self.create(name)
        subscriber = self.below("/a", "/b")
        subscriber.snapshot()
        self.writes("/a", "/b", "/c")
        self.writes("/c")
        changes = subscriber.changes(2)
        again = self.below("/b", "/a", **{"from": changes[0].at})
        rest = again.changes(1)
        self.assertEqual((self.paths(rest), self.ends(rest), again.resets), (["/b"], [True], 0))

    def test_more_than_there_may_be(self):
        self.assertEqual(self.below("/a", "/b", "/c", "/d").end(), pb.LIMIT_REACHED)
        self.assertEqual(self.below("/a", "//").end(), pb.BAD_ARGUMENTS)
        self.assertEqual(self.below("/a", "").ended, None)

    def test_a_subtree_read_of_several(self):
        for name in ("/a", "/a/x", "/b", "/b/y"):
            self.create(name)
        also = [self.base + name for name in ("/a/x", "/none", "/a")]
        nodes = self.local.must(subtree=pb.Subtree(path=self.base + "/b", also=also)).nodes.node
        self.assertEqual(self.paths(nodes), ["/a", "/a/x", "/b", "/b/y"])
        nothing = self.local.must(subtree=pb.Subtree(path=self.base + "/none", also=also[1:2]))
        self.assertEqual(len(nothing.nodes.node), 0)


class Resuming(SubscribeTestCase):
    def test_from_where_it_was(self):
        subscriber = self.subscriber(self.base)
        subscriber.snapshot()
        self.create("/seen")
        subscriber.changes(1)
        cursor = subscriber.cursor
        subscriber.close()
        self.create("/missed")
        again = self.subscriber(self.base, **{"from": cursor})
        self.create("/new")
        self.assertEqual([c.path for c in again.changes(2)], [self.base + "/missed", self.base + "/new"])
        self.assertEqual(again.resets, 0)

    def test_a_cursor_that_nobody_can_have_begins_with_a_snapshot(self):
        for zxid in (0, 1 << 40):
            subscriber = self.subscriber(self.base, **{"from": pb.Cursor(zxid=zxid, index=1)})
            self.assertEqual([c.path for c in subscriber.snapshot()], [self.base])
            ended = self.subscriber(self.base, **{"from": pb.Cursor(zxid=zxid), "without_snapshot": True})
            self.assertEqual(ended.end(), pb.STALE)

    def restarted(self, stop):
        """A subscriber, across the end of the agent: the paths of what it was told before and behind."""
        subscriber = self.subscriber(self.base)
        subscriber.snapshot()
        for number in range(20):
            self.create("/%02d" % number)
        told = [c.path for c in subscriber.changes(7)]
        cursor = subscriber.cursor
        stop()
        self.server.restart()
        again = self.subscriber(self.base, **{"from": cursor})
        self.local = self.client()
        self.create("/last")
        return told, again

    def test_across_a_crash_nothing_is_missing_and_nothing_comes_twice(self):
        told, again = self.restarted(self.server.kill)
        while told[-1] != self.base + "/last":
            told += [c.path for c in again.changes(1)]
        self.assertEqual(told, [self.base + "/%02d" % n for n in range(20)] + [self.base + "/last"])
        self.assertEqual(again.resets, 0)

    def test_across_a_stop_it_goes_on_or_says_that_it_begins_again(self):
        told, again = self.restarted(self.server.terminate)
        while told[-1] != self.base + "/last":
            change = again.changes(1)[0]
            told = [] if change.kind == pb.CHANGE_PRESENT and change.path == self.base else told
            told.append(change.path)
        expected = [self.base + "/%02d" % n for n in range(20)] + [self.base + "/last"]
        self.assertEqual(told, [self.base] * again.resets + expected)


    def test_whoever_has_been_told_all_goes_on_behind_a_stop(self):
        subscriber = self.subscriber(self.base)
        subscriber.snapshot()
        self.local.must(create=pb.Create(path="/elsewhere-", sequential=True))
        subscriber.credit = False
        self.server.terminate()
        with self.assertRaises(AssertionError):
            subscriber.changes(1)
        self.server.restart()
        again = self.subscriber(self.base, **{"from": subscriber.cursor, "without_snapshot": True})
        self.local = self.client()
        self.create("/behind")
        self.assertEqual(self.told(again.changes(1)), [("created", self.base + "/behind", b"")])


class Slow(SubscribeTestCase):
    settings = {"zooid.localHistoryMax": 65536, "zooid.localWindowMax": 8192, "zooid.localSubscriptionsMax": 3}

    def flood(self, count):
        for number in range(count):
            self.local.submit(set=pb.Set(path=self.base, data=b"%06d" % number + bytes(1000)))
        first = self.local.last_id - count + 1
        for number in range(count):
            self.local.reply(first + number)

    def test_whoever_falls_behind_is_told_and_begins_again(self):
        subscriber = self.subscriber(self.base, credit=False)
        subscriber.snapshot()
        self.flood(300)
        subscriber.give_credit()
        numbers = []
        while not numbers or numbers[-1] != b"000299":
            numbers += [change.data[:6] for change in subscriber.changes(1)]
            subscriber.give_credit()
        self.assertTrue(subscriber.fell_behind)
        self.assertGreaterEqual(subscriber.resets, 2)
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_without_a_snapshot_it_ends(self):
        subscriber = self.subscriber(self.base, credit=False, without_snapshot=True)
        subscriber.settle()
        self.flood(300)
        subscriber.credit = True
        self.assertEqual(subscriber.end(), pb.FELL_BEHIND)

    def test_one_that_is_as_fast_as_the_changes_misses_none(self):
        subscriber = self.subscriber(self.base)
        subscriber.snapshot()
        for number in range(300):
            self.local.must(set=pb.Set(path=self.base, data=b"%06d" % number))
            self.assertEqual(subscriber.changes(1)[0].data, b"%06d" % number)
        self.assertEqual(subscriber.resets, 1)

    def test_it_is_told_of_progress_though_nothing_of_its_own_changes(self):
        quiet = self.subscriber(self.base + "/quiet")
        quiet.snapshot()
        for _ in range(30):
            self.flood(10)
        quiet.must(get=pb.Get(path="/"))  # what was told meanwhile has come by then
        again = self.subscriber(self.base + "/quiet", **{"from": quiet.cursor, "without_snapshot": True})
        self.create("/quiet")
        self.assertEqual(again.changes(1)[0].path, self.base + "/quiet")

    def test_more_subscriptions_than_a_connection_may_have(self):
        client = self.client()

        def ended(wanted):
            while True:
                message = client.receive()
                if message.id == wanted and not message.more:
                    return message.error

        ids = [client.submit(subscribe=pb.Subscribe(prefix="/none-%d" % n, without_snapshot=True)) for n in range(4)]
        error = ended(ids[3])
        self.assertEqual(error.code, pb.LIMIT_REACHED)
        self.assertIn("zooid.localSubscriptionsMax", error.message)
        client.send(pb.ToAgent(cancel=ids[0]))
        self.assertEqual(ended(ids[0]).code, pb.CANCELLED)
        again = client.submit(subscribe=pb.Subscribe(prefix="/none", without_snapshot=True))
        client.send(pb.ToAgent(credit=pb.Credit(id=again, bytes=1 << 31)), pb.ToAgent(credit=pb.Credit(id=4711, bytes=1)),
                    pb.ToAgent(cancel=again))
        self.assertEqual(ended(again).code, pb.CANCELLED)

    def test_a_node_that_is_longer_than_a_frame_of_the_client_ends_it(self):
        self.create("/big", bytes(100000))
        self.assertEqual(self.subscriber(self.base, frame_max=65536).end(), pb.LIMIT_REACHED)
        subscriber = self.subscriber(self.base)
        self.assertEqual([c.stat.data_length for c in subscriber.snapshot()], [0, 100000])


class Permissions(SubscribeTestCase):
    def test_what_may_not_be_read_is_left_out(self):
        secret = [pb.Acl(perms=31, scheme="digest", id="somebody:else"), pb.Acl(perms=12, scheme="world", id="anyone")]
        everybody = [pb.Acl(perms=31, scheme="world", id="anyone")]
        opened = [pb.Acl(perms=16, scheme="unix", id=OWN)] + secret
        self.create("/closed", b"secret", acl=secret)
        subscriber = self.subscriber(self.base)
        self.assertEqual([c.path for c in subscriber.snapshot()], [self.base])
        self.create("/closed/child")
        self.create("/also", b"secret", acl=opened)
        self.local.must(set_acl=pb.SetAcl(path=self.base + "/also", acl=everybody))
        self.create("/open", b"1")
        self.local.must(set=pb.Set(path=self.base + "/open", data=b"2"))
        self.local.must(set_acl=pb.SetAcl(path=self.base + "/open", acl=secret))
        self.local.must(delete=pb.Delete(path=self.base + "/open"))
        self.create("/end")
        self.assertEqual(self.told(subscriber.changes(6)), [
            ("created", self.base + "/closed/child", b""), ("created", self.base + "/also", b"secret"),
            ("created", self.base + "/open", b"1"), ("data", self.base + "/open", b"2"),
            ("deleted", self.base + "/open", b""), ("created", self.base + "/end", b"")])


class Library(unittest.TestCase):
    def test_a_program_subscribes(self):
        agent = harness.Agent()
        self.addCleanup(agent.stop)
        agent.start()
        with tempfile.TemporaryDirectory() as directory:
            lines = program.converse(agent, program.compiled("subscribe", directory))
        self.assertEqual(lines[-1], "ok: whatever is left is freed\n", "".join(lines))


if __name__ == "__main__":
    harness.main()
