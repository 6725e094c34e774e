#!/usr/bin/python3
"""kazoo, unmodified: its recipes, watches, transactions, ACLs and sessions against the agent."""
import logging
import threading

import harness
import wire
from harness import wait_until

harness.need_kazoo()

from kazoo.client import KazooClient, KazooState  # noqa: E402
from kazoo.exceptions import (BadVersionError, InvalidACLError, NoAuthError, NodeExistsError,  # noqa: E402
                              NoNodeError, NotEmptyError, RolledBackError, RuntimeInconsistency)
from kazoo.protocol.states import EventType  # noqa: E402
from kazoo.recipe.cache import TreeCache, TreeEvent  # noqa: E402
from kazoo.security import OPEN_ACL_UNSAFE, make_acl, make_digest_acl  # noqa: E402


logging.getLogger("kazoo").setLevel(logging.CRITICAL)    # lost connections are part of these tests


class KazooTestCase(harness.ServerTestCase):
    def client(self, **options):
        client = KazooClient(hosts=self.server.address, **options)
        client.start(timeout=20)
        self.addCleanup(self.finish, client)
        return client

    def finish(self, client):
        client.stop()
        client.close()

    def in_thread(self, target, *args):
        """Runs target in a thread that ends with the test."""
        thread = threading.Thread(target=target, args=args, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 20)
        return thread


class Nodes(KazooTestCase):
    def test_create_read_change_delete(self):
        client = self.client()
        self.assertEqual(client.create("/n/a/b", b"one", makepath=True), "/n/a/b")
        data, stat = client.get("/n/a/b")
        self.assertEqual((data, stat.version, stat.data_length), (b"one", 0, 3))
        self.assertEqual(client.set("/n/a/b", b"two", version=0).version, 1)
        with self.assertRaises(BadVersionError):
            client.set("/n/a/b", b"three", version=0)
        with self.assertRaises(NodeExistsError):
            client.create("/n/a/b")
        with self.assertRaises(NotEmptyError):
            client.delete("/n/a")
        children, stat = client.get_children("/n/a", include_data=True)
        self.assertEqual((children, stat.numChildren), (["b"], 1))
        client.delete("/n", recursive=True)
        self.assertIsNone(client.exists("/n"))
        with self.assertRaises(NoNodeError):
            client.get("/n")

    def test_unicode_and_large_data(self):
        client = self.client()
        path = "/n-größe-名前"
        blob = bytes(range(256)) * 3900
        client.create(path, blob)
        self.assertEqual(client.get(path)[0], blob)
        self.assertIn(path[1:], client.get_children("/"))
        client.delete(path)

    def test_sequence_numbers_count_all_children(self):
        client = self.client()
        client.create("/seq")
        self.assertEqual(client.create("/seq/x-", sequence=True), "/seq/x-0000000000")
        client.create("/seq/plain")
        self.assertEqual(client.create("/seq/x-", sequence=True, ephemeral=True), "/seq/x-0000000002")

    def test_create_with_stat(self):
        path, stat = self.client().create("/with-stat", b"abc", include_data=True)
        self.assertEqual((path, stat.dataLength, stat.version, stat.czxid), ("/with-stat", 3, 0, stat.mzxid))

    def test_transactions(self):
        client = self.client()
        transaction = client.transaction()
        transaction.create("/tx", b"0")
        transaction.create("/tx/child")
        transaction.set_data("/tx", b"1", version=0)
        transaction.check("/tx", 1)
        transaction.delete("/tx/child")
        results = transaction.commit()
        self.assertEqual(results[:2], ["/tx", "/tx/child"])
        self.assertEqual(results[2].version, 1)
        self.assertEqual(client.get("/tx")[0], b"1")

        transaction = client.transaction()
        transaction.create("/tx/never")
        transaction.check("/tx", 7)
        transaction.create("/tx/neither")
        results = transaction.commit()
        self.assertEqual([type(result) for result in results], [RolledBackError, BadVersionError, RuntimeInconsistency])
        self.assertEqual(client.get_children("/tx"), [])

    def test_pipelined_requests_are_answered_in_order(self):
        client = self.client()
        client.create("/pipe")
        answers = [client.create_async("/pipe/i-", sequence=True) for _ in range(500)]
        names = [answer.get(timeout=20) for answer in answers]
        self.assertEqual(names, ["/pipe/i-%010d" % number for number in range(500)])

    def test_sync_and_server_version(self):
        client = self.client()
        client.create("/synced")
        self.assertEqual(client.sync("/synced"), "/synced")
        self.assertGreaterEqual(client.server_version(), (3, 8, 0))
        self.assertEqual(client.command(b"ruok"), "imok")


class Access(KazooTestCase):
    def test_digest_acl_keeps_others_out(self):
        owner = self.client(auth_data=[("digest", "ann:secret")])
        other = self.client()
        owner.create("/private", b"x", acl=[make_digest_acl("ann", "secret", all=True)])
        self.assertEqual(owner.get("/private")[0], b"x")
        for refused in (lambda: other.get("/private"), lambda: other.set("/private", b"y"),
                        lambda: other.create("/private/c"), lambda: other.set_acls("/private", OPEN_ACL_UNSAFE)):
            self.assertRaises(NoAuthError, refused)
        other.add_auth("digest", "ann:secret")
        self.assertEqual(other.get("/private")[0], b"x")
        acls, stat = other.get_acls("/private")
        self.assertEqual((acls[0].id.scheme, acls[0].perms, stat.aversion), ("digest", 31, 0))
        self.assertEqual(owner.set_acls("/private", [make_acl("world", "anyone", read=True)]).aversion, 1)
        self.assertEqual(self.client().get("/private")[0], b"x")

    def test_scheme_auth_stands_for_the_callers_ids(self):
        client = self.client(auth_data=[("digest", "bob:pw")])
        client.create("/by-auth", acl=[make_acl("auth", "", all=True)])
        self.assertEqual(client.get_acls("/by-auth")[0][0].id.scheme, "digest")
        with self.assertRaises(InvalidACLError):
            self.client().create("/by-nobody", acl=[make_acl("auth", "", all=True)])

    def test_super_passes_every_acl(self):
        client = self.client(auth_data=[("digest", "ann:secret")])
        client.create("/locked", b"x", acl=[make_digest_acl("ann", "secret", all=True)])
        self.assertEqual(self.client(auth_data=[("digest", "super:admin")]).get("/locked")[0], b"x")


class Watching(KazooTestCase):
    def test_one_shot_watches(self):
        client, other = self.client(), self.client()
        events = []
        client.exists("/w1", watch=events.append)
        other.create("/w1")
        wait_until(lambda: events, what="NodeCreated")
        client.get("/w1", watch=events.append)
        client.get_children("/w1", watch=events.append)
        other.set("/w1", b"1")
        other.set("/w1", b"2")
        other.create("/w1/c")
        other.delete("/w1/c")
        wait_until(lambda: len(events) >= 3, what="three events")
        client.sync("/w1")
        self.assertEqual([event.type for event in events], [EventType.CREATED, EventType.CHANGED, EventType.CHILD])

    def test_data_watch_and_children_watch_follow(self):
        client, other = self.client(), self.client()
        seen, children = [], []
        client.ensure_path("/w2")
        client.DataWatch("/w2", lambda data, stat: seen.append(data))
        client.ChildrenWatch("/w2", lambda names: children.append(sorted(names)))
        for number in range(5):
            other.set("/w2", b"%d" % number)
            wait_until(lambda number=number: seen[-1] == b"%d" % number, what="the watch to see %d" % number)
            other.create("/w2/c%d" % number)
            wait_until(lambda number=number: len(children[-1]) == number + 1, what="child %d" % number)
        other.delete("/w2", recursive=True)
        wait_until(lambda: seen[-1] is None, what="the deletion")

    def test_tree_cache_mirrors_a_subtree(self):
        client, other = self.client(), self.client()
        other.create("/cache/a/b", b"1", makepath=True)
        cache, events = TreeCache(client, "/cache"), []
        cache.listen(lambda event: events.append(event.event_type))
        cache.start()
        self.addCleanup(cache.close)
        wait_until(lambda: TreeEvent.INITIALIZED in events, what="the cache to be filled")
        other.set("/cache/a/b", b"2")
        other.create("/cache/a/c", b"3")
        wait_until(lambda: cache.get_data("/cache/a/b") and cache.get_data("/cache/a/b").data == b"2"
                   and cache.get_data("/cache/a/c"), what="the cache to follow")
        other.delete("/cache/a/c")
        wait_until(lambda: cache.get_data("/cache/a/c") is None, what="the cache to forget")
        self.assertEqual(cache.get_children("/cache/a"), frozenset(["b"]))


class Recipes(KazooTestCase):
    def test_lock_excludes_and_is_handed_on(self):
        first, second = self.client(), self.client()
        lock = first.Lock("/lock", "first")
        waiting = second.Lock("/lock", "second")
        self.assertTrue(lock.acquire(timeout=20))
        self.assertFalse(waiting.acquire(blocking=False))
        got = threading.Event()
        self.in_thread(lambda: waiting.acquire(timeout=20) and got.set())
        wait_until(lambda: len(first.get_children("/lock")) == 2, what="the second contender")
        self.assertEqual(lock.contenders(), ["first", "second"])
        self.assertFalse(got.is_set())
        lock.release()
        self.assertTrue(got.wait(20))
        waiting.release()

    def test_lock_of_a_closed_session_is_free(self):
        first, second = self.client(), self.client()
        self.assertTrue(first.Lock("/lock-left").acquire(timeout=20))
        first.stop()
        self.assertTrue(second.Lock("/lock-left").acquire(timeout=20))

    def test_readers_share_and_a_writer_waits(self):
        clients = [self.client() for _ in range(3)]
        readers = [client.ReadLock("/rw") for client in clients[:2]]
        for reader in readers:
            self.assertTrue(reader.acquire(timeout=20))
        writer, got = clients[2].WriteLock("/rw"), threading.Event()
        self.in_thread(lambda: writer.acquire(timeout=20) and got.set())
        wait_until(lambda: len(clients[0].get_children("/rw")) == 3, what="the writer to queue")
        readers[0].release()
        self.assertFalse(got.is_set())
        readers[1].release()
        self.assertTrue(got.wait(20))
        writer.release()

    def test_semaphore_admits_as_many_as_it_has_leases(self):
        clients = [self.client() for _ in range(3)]
        semaphores = [client.Semaphore("/sem", max_leases=2) for client in clients]
        self.assertTrue(semaphores[0].acquire(timeout=20))
        self.assertTrue(semaphores[1].acquire(timeout=20))
        self.assertFalse(semaphores[2].acquire(blocking=False))
        semaphores[0].release()
        self.assertTrue(semaphores[2].acquire(timeout=20))

    def test_election_passes_to_the_next(self):
        clients, leaders, leave = [self.client() for _ in range(3)], [], threading.Event()

        def lead(name):
            leaders.append(name)
            leave.wait(20)
            leave.clear()

        elections = [client.Election("/election", str(number)) for number, client in enumerate(clients)]
        for number, election in enumerate(elections):
            self.in_thread(election.run, lead, str(number))
            wait_until(lambda number=number: len(elections[0].contenders()) == number + 1, what="contender %d" % number)
        for expected in ("0", "1", "2"):
            wait_until(lambda expected=expected: leaders and leaders[-1] == expected, what="leader " + expected)
            leave.set()
            wait_until(lambda: not leave.is_set(), what="the leader to leave")

    def test_party_counts_the_living(self):
        first, second = self.client(), self.client()
        parties = [client.Party("/party", name) for client, name in ((first, "first"), (second, "second"))]
        for party in parties:
            party.join()
        self.assertEqual(sorted(parties[0]), ["first", "second"])
        second.stop()
        self.assertEqual(list(parties[0]), ["first"])

    def test_queues_keep_order_and_nothing_is_taken_twice(self):
        client, other = self.client(), self.client()
        queue = client.Queue("/queue")
        for number in range(10):
            queue.put(b"%d" % number)
        taken = [(queue if number % 2 else other.Queue("/queue")).get() for number in range(10)]
        self.assertEqual(taken, [b"%d" % number for number in range(10)])
        locking = client.LockingQueue("/locking-queue")
        locking.put(b"low", priority=100)
        locking.put(b"high", priority=1)
        rival = other.LockingQueue("/locking-queue")
        self.assertEqual(locking.get(timeout=20), b"high")
        self.assertEqual(rival.get(timeout=20), b"low")
        self.assertTrue(locking.consume())
        self.assertTrue(rival.consume())

    def test_barriers(self):
        first, second = self.client(), self.client()
        barrier, passed = first.Barrier("/barrier"), threading.Event()
        barrier.create()
        self.in_thread(lambda: second.Barrier("/barrier").wait(20) and passed.set())
        self.assertFalse(passed.is_set())
        barrier.remove()
        self.assertTrue(passed.wait(20))
        trace = []

        def take_part(client, name):
            double = client.DoubleBarrier("/double", num_clients=2, identifier=name)
            double.enter()
            trace.append("in")
            double.leave()
            trace.append("out")

        threads = [self.in_thread(take_part, client, name) for client, name in ((first, "a"), (second, "b"))]
        for thread in threads:
            thread.join(20)
        self.assertEqual(trace, ["in", "in", "out", "out"])

    def test_counter_survives_contention(self):
        clients = [self.client() for _ in range(4)]

        def count(client):
            counter = client.Counter("/counter")
            for _ in range(20):
                counter += 1

        threads = [self.in_thread(count, client) for client in clients]
        for thread in threads:
            thread.join(60)
        self.assertEqual(clients[0].Counter("/counter").value, 80)


class Sessions(KazooTestCase):
    def test_ephemerals_go_with_their_session(self):
        first, second = self.client(), self.client()
        first.create("/eph", ephemeral=True)
        stat = second.exists("/eph")
        self.assertEqual(stat.owner_session_id, first.client_id[0])
        gone = threading.Event()
        second.exists("/eph", watch=lambda event: gone.set())
        first.stop()
        self.assertTrue(gone.wait(20))
        self.assertIsNone(second.exists("/eph"))

    def test_session_survives_a_lost_connection(self):
        client = self.client()
        client.create("/eph-kept", ephemeral=True)
        states, session = [], client.client_id
        client.add_listener(states.append)
        client._connection._socket.shutdown(2)
        wait_until(lambda: KazooState.SUSPENDED in states and client.connected, what="the reconnect")
        self.assertEqual(client.client_id, session)
        self.assertIsNotNone(client.exists("/eph-kept"))
        self.assertNotIn(KazooState.LOST, states)

    def test_session_of_another_client_is_taken_over(self):
        first = wire.Client(("127.0.0.1", self.server.port))
        first.create("/eph-taken", flags=wire.EPHEMERAL)
        second = self.client(client_id=(first.session.id, first.session.password))
        self.assertTrue(first.closed_by_server())
        self.assertEqual(second.client_id[0], first.session.id)
        self.assertEqual(second.exists("/eph-taken").owner_session_id, first.session.id)

    def test_read_only_client_on_a_read_write_server(self):
        client = self.client(read_only=True)
        self.assertEqual(client.client_state, "CONNECTED")
        client.create("/from-ro-client")


class Restart(KazooTestCase):
    """The server killed with SIGKILL and started again below a client that notices nothing but a pause."""

    def test_session_ephemerals_and_data_are_kept(self):
        client = self.client(timeout=30)
        client.create("/kept/data", b"before", makepath=True)
        client.create("/kept/eph", b"mine", ephemeral=True)
        children, states = [], []
        client.add_listener(states.append)
        client.ChildrenWatch("/kept", lambda names: children.append(sorted(names)))
        session = client.client_id
        for round_number in range(3):
            states.clear()
            self.server.restart()
            wait_until(lambda: states and states[-1] == KazooState.CONNECTED, 30, "the reconnect")
            self.assertEqual(client.client_id, session)
            self.assertEqual(client.get("/kept/data")[0], b"before")
            data, stat = client.get("/kept/eph")
            self.assertEqual((data, stat.owner_session_id), (b"mine", session[0]))
            client.create("/kept/round-%d" % round_number)
            wait_until(lambda number=round_number: len(children[-1]) == 3 + number, what="the watch after the restart")
        self.assertNotIn(KazooState.LOST, states)

    def test_lock_is_still_held_after_the_restart(self):
        holder, rival = self.client(timeout=30), self.client(timeout=30)
        lock = holder.Lock("/restart-lock")
        self.assertTrue(lock.acquire(timeout=20))
        self.server.restart()
        wait_until(lambda: holder.connected and rival.connected, 30, "both reconnects")
        self.assertFalse(rival.Lock("/restart-lock").acquire(blocking=False))
        lock.release()
        self.assertTrue(rival.Lock("/restart-lock").acquire(timeout=20))


if __name__ == "__main__":
    harness.main()
