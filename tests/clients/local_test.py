#!/usr/bin/python3
"""The local door, message by message: requests of every kind, their order, sessions, deadlines, rights, bad manners."""
import json
import os
import struct
import unittest

import harness
import local_wire
import wire
from local_wire import pb

OWN = "uid:%d" % os.getuid()


class LocalTestCase(harness.ServerTestCase):
    @property
    def path(self):
        return os.path.join(self.server.data_dir, "zooid", "zooid.sock")

    def client(self, **hello):
        client = local_wire.Client(self.path, **hello)
        self.addCleanup(client.close)
        return client

    def connection(self):
        connection = local_wire.Connection(self.path)
        self.addCleanup(connection.close)
        return connection

    def code(self, answer):
        return answer.error.code if answer.HasField("error") else 0


class Requests(LocalTestCase):
    def setUp(self):
        self.local = self.client(client="local_test")
        self.base = self.local.must(create=pb.Create(path="/t-", sequential=True)).node.path

    def test_a_node_is_made_read_changed_and_deleted(self):
        local, path = self.local, self.base + "/a"
        made = local.must(create=pb.Create(path=path, data=b"one"))
        self.assertEqual((made.node.path, made.node.stat.data_length), (path, 3))
        read = local.must(get=pb.Get(path=path))
        self.assertEqual((read.node.data, read.node.stat.version), (b"one", 0))
        self.assertEqual(read.state.role, pb.ROLE_ALONE)
        self.assertEqual(local.must(set=pb.Set(path=path, data=b"", version=0)).node.stat.version, 1)
        read = local.must(get=pb.Get(path=path))
        self.assertTrue(read.node.HasField("data"))
        self.assertEqual(read.node.data, b"")
        local.must(set=pb.Set(path=path))
        self.assertFalse(local.must(get=pb.Get(path=path)).node.HasField("data"))
        self.assertEqual(self.code(local.call(delete=pb.Delete(path=path, version=0))), pb.BAD_VERSION)
        local.must(delete=pb.Delete(path=path, version=2))
        gone = local.call(exists=pb.Exists(path=path))
        self.assertEqual((gone.error.code, gone.error.path, gone.error.retry), (pb.NO_NODE, path, False))

    def test_every_kind_of_node(self):
        local = self.local
        kinds = ((pb.PERSISTENT, False), (pb.PERSISTENT, True), (pb.EPHEMERAL, False), (pb.EPHEMERAL, True),
                 (pb.CONTAINER, False), (pb.TTL, False), (pb.TTL, True))
        for number, (kind, sequential) in enumerate(kinds):
            path = "%s/k%d-" % (self.base, number)
            made = local.must(create=pb.Create(path=path, kind=kind, sequential=sequential, ttl_ms=100000)).node
            self.assertEqual(made.path.startswith(path) and len(made.path) > len(path), sequential)
            self.assertEqual(made.stat.ephemeral_owner != 0, kind == pb.EPHEMERAL)
        refused = local.call(create=pb.Create(path=self.base + "/c-", kind=pb.CONTAINER, sequential=True))
        self.assertEqual(self.code(refused), pb.BAD_ARGUMENTS)
        self.assertEqual(len(local.must(ephemerals=pb.Ephemerals(prefix=self.base)).paths.path), 2)
        self.assertEqual(local.must(count_descendants=pb.CountDescendants(path=self.base)).count.count, 7)

    def test_many_nodes_at_one_zxid(self):
        local, base = self.local, self.base
        for name in ("a", "a/x", "b"):
            local.must(create=pb.Create(path="%s/%s" % (base, name), data=name.encode()))
        many = local.must(read_many=pb.ReadMany(path=[base + "/a", base + "/none"], with_children=True)).nodes.node
        self.assertEqual([(n.code, n.data, list(n.child)) for n in many], [(0, b"a", ["x"]), (pb.NO_NODE, b"", [])])
        below = local.must(subtree=pb.Subtree(path=base)).nodes.node
        self.assertEqual([n.path for n in below], [base] + [base + "/" + name for name in ("a", "a/x", "b")])
        self.assertEqual(len(local.must(subtree=pb.Subtree(path=base, depth=1)).nodes.node), 3)

    def test_children_come_in_pages_and_in_parts(self):
        local, names = self.client(frame_max=65536), ["%04d" % i for i in range(400)]
        for name in names:
            local.submit(create=pb.Create(path="%s/%s" % (self.base, name), data=bytes(1000)))
        for number in range(len(names)):
            self.assertFalse(local.reply(number + 1)[-1].HasField("error"))
        page = local.must(list=pb.List(path=self.base, limit=150, after="0099")).children
        self.assertEqual(list(page.name), names[100:250])
        self.assertFalse(page.complete)
        parts = local.reply(local.submit(list=pb.List(path=self.base, with_nodes=True)))
        self.assertGreater(len(parts), 5)
        self.assertEqual([name for part in parts for name in part.children.name], names)
        self.assertEqual({len(node.data) for part in parts for node in part.children.node}, {1000})
        self.assertTrue(parts[-1].children.complete)
        parts = local.reply(local.submit(subtree=pb.Subtree(path=self.base)))
        self.assertEqual(sum(len(part.nodes.node) for part in parts), 401)

    def test_an_answer_that_cannot_be_split_is_refused(self):
        self.local.must(create=pb.Create(path=self.base + "/big", data=bytes(200000)))
        answer = self.client(frame_max=65536).call(get=pb.Get(path=self.base + "/big"))
        self.assertEqual(self.code(answer), pb.LIMIT_REACHED)

    def test_a_multi_is_all_or_nothing(self):
        local, path = self.local, self.base + "/m"
        done = local.must(multi=pb.Multi(write=[
            pb.Write(create=pb.Create(path=path)), pb.Write(set=pb.Set(path=path, data=b"x")),
            pb.Write(check=pb.Check(path=path, version=1)),
            pb.Write(create=pb.Create(path=path + "/s-", sequential=True)),
            pb.Write(delete=pb.Delete(path=path + "/s-0000000000"))])).results.result
        self.assertEqual([r.code for r in done], [0] * 5)
        self.assertEqual((done[0].node.path, done[1].node.stat.version, done[3].node.path),
                         (path, 1, path + "/s-0000000000"))
        failed = local.call(multi=pb.Multi(write=[
            pb.Write(set=pb.Set(path=path, data=b"y")), pb.Write(delete=pb.Delete(path=self.base + "/none")),
            pb.Write(create=pb.Create(path=path + "/z"))]))
        self.assertEqual(self.code(failed), pb.NO_NODE)
        self.assertEqual([r.code for r in failed.results.result], [0, pb.NO_NODE, pb.NOT_RUN])
        self.assertEqual(local.must(get=pb.Get(path=path)).node.data, b"x")

    def test_an_unchanged_node_is_not_sent_again(self):
        local, path = self.local, self.base + "/c"
        zxid = local.must(create=pb.Create(path=path)).node.stat.mzxid
        self.assertEqual(self.code(local.call(get=pb.Get(path=path, if_changed_since=zxid))), pb.NOT_CHANGED)
        self.assertEqual(self.code(local.call(list=pb.List(path=path, if_changed_since=zxid))), pb.NOT_CHANGED)
        local.must(set=pb.Set(path=path, data=b"1"))
        self.assertEqual(local.must(get=pb.Get(path=path, if_changed_since=zxid)).node.data, b"1")

    def test_a_read_can_ask_how_fresh_it_is(self):
        local = self.local
        zxid = local.must(get=pb.Get(path=self.base, fresh=pb.Freshness(latest=True))).state.zxid
        waiting = local.submit(get=pb.Get(path=self.base + "/later", fresh=pb.Freshness(zxid_min=zxid + 1)))
        self.client().must(create=pb.Create(path=self.base + "/later", data=b"here"))
        # The session of the other client takes a zxid too: by the first one the node may not be there yet.
        answer = local.reply(waiting)[-1]
        self.assertGreater(answer.state.zxid, zxid)
        stale = local.call(deadline_ms=50, get=pb.Get(path="/", fresh=pb.Freshness(zxid_min=1 << 40)))
        self.assertEqual((stale.error.code, stale.error.retry), (pb.STALE, True))
        local.must(wait=pb.Wait(zxid=zxid))
        self.assertEqual(self.code(local.call(deadline_ms=50, wait=pb.Wait(zxid=1 << 40))), pb.STALE)
        local.must(sync=pb.Sync())

    def test_what_waits_for_a_zxid_is_cancelled_and_what_is_behind_it_goes_on(self):
        local = self.local
        held = local.submit(wait=pb.Wait(zxid=1 << 40))
        behind = local.submit(get=pb.Get(path=self.base))
        later = local.submit(wait=pb.Wait(zxid=1 << 41))
        last = local.submit(set=pb.Set(path=self.base, data=b"last"))
        local.send(pb.ToAgent(cancel=later), pb.ToAgent(cancel=held))
        self.assertEqual(self.code(local.reply(later)[-1]), pb.CANCELLED)
        self.assertEqual(self.code(local.reply(held)[-1]), pb.CANCELLED)
        self.assertEqual(self.code(local.reply(behind)[-1]), 0)
        self.assertEqual(self.code(local.reply(last)[-1]), 0)

    def test_the_order_holds_behind_what_waits_for_a_zxid(self):
        local, other, path = self.local, self.client(), self.base + "/order"
        other.must(open_session=pb.OpenSession())
        zxid = local.must(create=pb.Create(path=path)).state.zxid
        waits = local.submit(get=pb.Get(path=path, fresh=pb.Freshness(zxid_min=zxid + 1)))
        late = local.submit(deadline_ms=1, get=pb.Get(path=path))
        behind = [local.submit(set=pb.Set(path=path, data=b"%d" % number)) for number in range(20)]
        behind += [local.submit(get=pb.Get(path=path)), local.submit(command=pb.Command(name="nothing"))]
        self.assertEqual(self.code(local.reply(late)[-1]), pb.DEADLINE_EXCEEDED)
        other.must(create=pb.Create(path=path + "/other"))
        self.assertEqual(local.reply(waits)[-1].node.stat.num_children, 1)
        codes = [self.code(local.reply(number)[-1]) for number in behind]
        self.assertEqual(codes, [0] * 21 + [pb.BAD_ARGUMENTS])

    def test_a_wait_that_is_late_lets_those_behind_it_go_on(self):
        local = self.local
        first = local.submit(deadline_ms=50, wait=pb.Wait(zxid=1 << 40))
        second = local.submit(deadline_ms=60, get=pb.Get(path="/", fresh=pb.Freshness(zxid_min=1 << 40)))
        third = local.submit(get=pb.Get(path="/"))
        codes = [self.code(local.reply(number)[-1]) for number in (first, second, third)]
        self.assertEqual(codes[0], pb.STALE)
        self.assertIn(codes[1], (pb.STALE, pb.DEADLINE_EXCEEDED))
        self.assertEqual(codes[2], 0)

    def test_a_request_that_is_unknown_or_lacks_its_path(self):
        self.assertEqual(self.code(self.local.call()), pb.UNIMPLEMENTED)
        for body in ({"get": pb.Get()}, {"create": pb.Create()}, {"list": pb.List()}, {"delete": pb.Delete()},
                     {"multi": pb.Multi(write=[pb.Write()])}, {"read_many": pb.ReadMany(path=[""])}):
            self.assertIn(self.code(self.local.call(**body)), (pb.BAD_ARGUMENTS, 0), body)
        self.assertEqual(self.code(self.local.call(get=pb.Get(path="relative"))), pb.NO_NODE)
        self.local.must(get=pb.Get(path="/"))


class Watches(LocalTestCase):
    def test_the_event_comes_before_what_shows_the_change(self):
        local = self.client()
        local.must(create=pb.Create(path="/w"))
        local.events.clear()
        local.must(get=pb.Get(path="/w", watch=True))
        local.must(add_watch=pb.AddWatch(path="/w", mode=pb.WATCH_RECURSIVE))
        local.submit(set=pb.Set(path="/w", data=b"1"))
        local.submit(create=pb.Create(path="/w/child"))
        local.reply(local.last_id - 1)
        self.assertEqual({(e.watch.kind, e.watch.path) for e in local.events}, {(pb.EVENT_CHANGED, "/w")})
        local.events.clear()
        local.reply(local.last_id)
        self.assertEqual([(e.watch.kind, e.watch.path) for e in local.events], [(pb.EVENT_CREATED, "/w/child")])
        local.must(remove_watch=pb.RemoveWatch(path="/w"))
        self.assertEqual(self.code(local.call(remove_watch=pb.RemoveWatch(path="/w"))), pb.NO_WATCH)

    def test_watches_are_restored_and_tell_what_was_missed(self):
        zxid = self.client().must(create=pb.Create(path="/restored")).state.zxid
        self.client().must(set=pb.Set(path="/restored", data=b"2"))
        local = self.client()
        local.must(restore_watches=pb.RestoreWatches(zxid=zxid, data=["/restored"], exists=["/not-yet"]))
        self.assertEqual([(e.watch.kind, e.watch.path) for e in local.events], [(pb.EVENT_CHANGED, "/restored")])
        local.events.clear()
        self.client().must(create=pb.Create(path="/not-yet"))
        self.assertEqual(local.next_event().watch.path, "/not-yet")


class Sessions(LocalTestCase):
    settings = {"tickTime": 200, "minSessionTimeout": 400}

    def watcher(self, path):
        watcher = self.client()
        watcher.call(exists=pb.Exists(path=path, watch=True))
        return watcher

    def test_a_session_is_opened_when_a_write_needs_it(self):
        local = self.client()
        local.must(get=pb.Get(path="/"))
        self.assertEqual(local.events, [])
        owner = local.must(create=pb.Create(path="/needs", kind=pb.EPHEMERAL)).node.stat.ephemeral_owner
        (event,) = local.events
        self.assertEqual((event.session.session_state, event.session.id), (pb.SESSION_GOOD, owner))

    def test_it_ends_with_its_connection(self):
        local = self.client()
        local.must(create=pb.Create(path="/ends", kind=pb.EPHEMERAL))
        watcher = self.watcher("/ends")
        local.close()
        self.assertEqual(watcher.next_event().watch.kind, pb.EVENT_DELETED)

    def test_it_ends_with_its_connection_even_while_nothing_is_read_from_that(self):
        local = self.client()
        local.must(create=pb.Create(path="/unread", kind=pb.EPHEMERAL))
        watcher = self.watcher("/unread")
        local.submit(wait=pb.Wait(zxid=1 << 40), deadline_ms=60000)
        local.submit(get=pb.Get(path="/"))
        local.close()
        self.assertEqual(watcher.next_event().watch.kind, pb.EVENT_DELETED)

    def test_the_agent_keeps_it_while_the_socket_is_open(self):
        local = self.client()
        opened = local.must(open_session=pb.OpenSession(timeout_ms=400)).session_opened
        self.assertEqual(opened.timeout_ms, 400)
        local.must(create=pb.Create(path="/kept", kind=pb.EPHEMERAL))
        watcher = self.watcher("/kept")
        # Another session that nobody keeps shows that five time-outs have passed.
        stranger = wire.Client(("127.0.0.1", self.server.port), timeout=2000)
        self.addCleanup(stranger.close)
        self.assertTrue(stranger.closed_by_server(30))
        local.must(set=pb.Set(path="/kept", data=b"still"))
        self.assertEqual(watcher.next_event().watch.kind, pb.EVENT_CHANGED)

    def test_it_is_closed_on_demand_and_the_connection_stays(self):
        local = self.client()
        local.must(open_session=pb.OpenSession())
        self.assertEqual(self.code(local.call(open_session=pb.OpenSession())), pb.BAD_ARGUMENTS)
        local.must(create=pb.Create(path="/demand", kind=pb.EPHEMERAL))
        local.must(close_session=pb.CloseSession())
        self.assertEqual(self.code(local.call(exists=pb.Exists(path="/demand"))), pb.NO_NODE)
        local.must(close_session=pb.CloseSession())
        local.must(create=pb.Create(path="/again", kind=pb.EPHEMERAL))

    def test_nobody_takes_it_over_without_its_token(self):
        local = self.client()
        opened = local.must(open_session=pb.OpenSession()).session_opened
        thief = self.client()
        wrong = pb.OpenSession(resume_id=opened.id, resume_token=bytes(16))
        self.assertEqual(self.code(thief.call(open_session=wrong)), pb.SESSION_EXPIRED)
        local.must(create=pb.Create(path="/own", kind=pb.EPHEMERAL))


class Identities(LocalTestCase):
    @staticmethod
    def acl_of(local, path):
        return [(a.scheme, a.id) for a in local.must(get_acl=pb.GetAcl(path=path)).acls.acl]

    def test_the_kernel_says_who_it_is(self):
        found = {(i.scheme, i.id) for i in self.client().must(who_am_i=pb.WhoAmI()).identities.identity}
        self.assertIn(("unix", OWN), found)
        self.assertIn(("unix", "gid:%d" % os.getgid()), found)

    def test_an_acl_names_local_users_and_others_see_them_as_digests(self):
        local = self.client()
        mine = [pb.Acl(perms=31, scheme="unix", id=OWN)]
        local.must(create=pb.Create(path="/mine", data=b"secret", acl=mine))
        self.assertEqual(self.acl_of(local, "/mine"), [("unix", OWN)])
        self.assertEqual(local.must(get=pb.Get(path="/mine")).node.data, b"secret")
        stranger = wire.Client(("127.0.0.1", self.server.port))
        self.addCleanup(stranger.close)
        self.assertEqual(wire.ERRORS[stranger.call("getData", path="/mine", watch=0).err], "NoAuth")
        self.assertEqual(wire.ERRORS[stranger.call("getACL", path="/mine").err], "NoAuth")

    def test_auth_stands_for_the_user_and_not_for_its_groups(self):
        local = self.client()
        local.must(create=pb.Create(path="/auth", acl=[pb.Acl(perms=31, scheme="auth", id="")]))
        self.assertEqual(self.acl_of(local, "/auth"), [("unix", OWN)])

    def test_a_digest_login_counts_too(self):
        local = self.client()
        local.must(auth=pb.Auth(scheme="digest", auth=b"user:password"))
        found = {(i.scheme, i.id) for i in local.must(who_am_i=pb.WhoAmI()).identities.identity}
        self.assertIn(("digest", "user"), found)


class Rights(LocalTestCase):
    settings = {"zooid.localRead": "uid:4711", "zooid.localUse": "gid:4712"}

    def test_root_and_the_agent_s_own_user_may_do_everything(self):
        local = self.client()
        self.assertTrue(local.welcome.may_admin and local.welcome.may_use and local.welcome.may_read)

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_others_may_what_the_settings_say(self):
        for uid, gid, read, use in ((4711, 1, True, False), (1, 4712, True, True), (1, 1, None, None)):
            self.assertEqual(self.as_somebody(uid, gid), (read, use, read and False), (uid, gid))

    def test_commands_answer_as_the_admin_server_does(self):
        local = self.client()
        for name in ("ruok", "server_stats", "srvr", "stat_reset"):
            report = json.loads(local.must(command=pb.Command(name=name)).report.json)
            self.assertIsNone(report["error"], report)
        for wrong in (pb.Command(name="nothing"), pb.Command()):
            self.assertEqual(self.code(local.call(command=wrong)), pb.BAD_ARGUMENTS)

    def as_somebody(self, uid, gid):
        """Asks from a process of that user: (may read, may write, may reset); None where the door is closed."""
        return tuple(local_wire.as_user(self.path, uid, gid, self.try_all))

    def try_all(self, path):
        connection = local_wire.Connection(path)
        connection.send(pb.ToAgent(hello=pb.Hello()), pb.ToAgent(id=1, get=pb.Get(path="/")),
                        pb.ToAgent(id=2, create=pb.Create(path="/x-", sequential=True)),
                        pb.ToAgent(id=3, command=pb.Command(name="stat_reset")),
                        pb.ToAgent(id=4, command=pb.Command(name="server_stats")))
        if connection.receive().HasField("goodbye"):
            return None, None, None
        answers = {}
        while len(answers) < 4:
            message = connection.receive()
            if message.HasField("id"):
                answers[message.id] = self.code(message)
        self.assertIn(answers[2], (0, pb.NOT_PERMITTED))
        self.assertIn(answers[3], (0, pb.NOT_PERMITTED))
        self.assertEqual(answers[1], answers[4])
        return answers[1] == 0, answers[2] == 0, answers[3] == 0


class Manners(LocalTestCase):
    settings = {"zooid.localFrameMax": 65536, "zooid.localUnsentMax": 262144, "zooid.localRequestsMax": 10}

    def is_served(self):
        self.client().must(create=pb.Create(path="/served-", kind=pb.EPHEMERAL, sequential=True))

    def test_what_is_no_message_gets_a_goodbye(self):
        cases = ((b"\x00\x00\x00\x03abc", pb.MALFORMED),
                 (struct.pack(">I", 2) + pb.ToAgent(id=1).SerializeToString(), pb.MALFORMED))
        for data, code in cases:
            connection = self.connection()
            connection.send_raw(data)
            self.assertEqual(connection.goodbye(), code, data)
        self.is_served()

    def test_versions_without_one_in_common(self):
        connection = self.connection()
        connection.send(pb.ToAgent(hello=pb.Hello(version_min=2, version_max=9)))
        self.assertEqual(connection.goodbye(), pb.WRONG_VERSION)
        self.assertEqual(self.client(version_max=9).welcome.version, 1)

    def test_a_frame_that_is_too_long_ends_the_connection(self):
        connection = self.connection()
        connection.send_raw(struct.pack(">I", 65537))
        self.assertIsNone(connection.goodbye())
        self.is_served()

    def test_an_id_that_is_taken_or_missing(self):
        client = self.client()
        client.send(pb.ToAgent(get=pb.Get(path="/")))
        self.assertEqual(client.goodbye(), pb.MALFORMED)
        client = self.client()
        twice = pb.ToAgent(id=5, deadline_ms=60000, wait=pb.Wait(zxid=1 << 40))
        client.send(twice, pb.ToAgent(id=6, get=pb.Get(path="/")))
        self.is_served()

    def test_a_request_is_cancelled(self):
        client = self.client()
        client.must(open_session=pb.OpenSession())
        waiting = client.submit(get=pb.Get(path="/"))
        client.send(pb.ToAgent(cancel=waiting), pb.ToAgent(cancel=4711))
        self.assertIn(self.code(client.reply(waiting)[-1]), (0, pb.CANCELLED))
        client.must(get=pb.Get(path="/"))

    def test_whoever_does_not_read_is_told_goodbye_and_holds_up_nobody(self):
        client = self.client()
        client.must(create=pb.Create(path="/large", data=bytes(60000)))
        flood = b"".join(struct.pack(">I", len(frame)) + frame for frame in (
            pb.ToAgent(id=client.last_id + n, get=pb.Get(path="/large")).SerializeToString() for n in range(1, 200)))
        client.send_raw(flood)
        self.is_served()
        seen = 0
        while seen < 199:
            message = client.receive()
            seen += message.HasField("id")
        self.is_served()

    def test_whoever_takes_no_events_is_told_why_it_has_to_go(self):
        client, writer = self.client(), self.client()
        writer.must(create=pb.Create(path="/events"))
        client.must(add_watch=pb.AddWatch(path="/events", mode=pb.WATCH_RECURSIVE))
        writes = [pb.Write(create=pb.Create(path="/events/" + "x" * 900, sequential=True)) for _ in range(20)]
        while "zk_connection_drop_count\t0" in self.server.word("mntr"):
            writer.must(multi=pb.Multi(write=writes))
        self.assertEqual(client.goodbye(), pb.FELL_BEHIND)
        self.is_served()

    def test_requests_behind_a_wait_are_bounded_too(self):
        client = self.client()
        client.send(pb.ToAgent(id=1, wait=pb.Wait(zxid=1 << 40)),
                    *(pb.ToAgent(id=number, get=pb.Get(path="/")) for number in range(2, 300)))
        self.is_served()
        client.close()
        self.is_served()
        client = self.client()
        held = client.submit(deadline_ms=100, wait=pb.Wait(zxid=1 << 40))
        for _ in range(30):
            client.submit(set=pb.Set(path="/", data=bytes(10000)))
        self.assertEqual([self.code(client.reply(held + number)[-1]) for number in range(31)], [pb.STALE] + [0] * 30)

    def test_more_requests_than_may_be_open_wait_their_turn(self):
        client = self.client()
        self.assertEqual(client.welcome.requests_max, 10)
        first = client.last_id + 1
        for number in range(500):
            client.submit(set=pb.Set(path="/", data=b"%d" % number))
        for number in range(500):
            self.assertEqual(self.code(client.reply(first + number)[-1]), 0)


if __name__ == "__main__":
    harness.main()
