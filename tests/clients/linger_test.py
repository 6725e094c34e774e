#!/usr/bin/python3
"""Sessions of the local door and the processes that have them: killed, stopped, replaced by another one that takes the
session over; and what the agent does when it is the one that goes."""
import json
import os
import select
import signal
import subprocess
import sys
import tempfile

import harness
import local_wire
import program
import wire
from local_wire import pb

LONG_MS = 600000


def hold(path, node, options, shares):
    """What a holder does: has a session with an ephemeral, and waits. `shares`: a child of it holds the socket too."""
    client = local_wire.Client(path)
    opened = client.must(open_session=pb.OpenSession(**options)).session_opened
    client.must(create=pb.Create(path=node, kind=pb.EPHEMERAL))
    child = os.fork() if shares else None
    if child == 0:
        signal.pause()
    print(json.dumps({"id": opened.id, "token": opened.token.hex(), "linger": opened.linger_ms, "child": child}), flush=True)
    for _ in sys.stdin:  # to every line it answers with what it is told of a write
        client.send(pb.ToAgent(id=100, set=pb.Set(path=node)))
        answer = client.receive()
        while answer.id != 100:
            answer = client.receive()
        print(answer.error.code, flush=True)


class Holder:
    """A process that has a session with an ephemeral; `prefix` is what it is started with."""

    def __init__(self, path, node, shares=False, prefix=(), **options):
        command = [*prefix, sys.executable, os.path.abspath(__file__), "hold", path, node, json.dumps(options), str(int(shares))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told = json.loads(self.process.stdout.readline())
        self.id, self.token, self.linger, self.child = told["id"], bytes.fromhex(told["token"]), told["linger"], told["child"]

    def send_signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def write(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        if self.process.poll() is None:
            self.send_signal(signal.SIGCONT)
            self.kill()
        if self.child:
            os.kill(self.child, signal.SIGKILL)
        self.process.stdin.close()
        self.process.stdout.close()


class LingerTestCase(harness.ServerTestCase):
    settings = {"tickTime": 100, "maxSessionTimeout": LONG_MS, "zooid.localLingerMax": LONG_MS}

    def setUp(self):
        self.observer = self.client()
        self.base = self.observer.must(create=pb.Create(path="/t-", sequential=True)).node.path
        self.node = self.base + "/e"
        self.observer.must(add_watch=pb.AddWatch(path=self.base, mode=pb.WATCH_RECURSIVE))

    @property
    def path(self):
        return os.path.join(self.server.data_dir, "zooid", "zooid.sock")

    def client(self):
        client = local_wire.Client(self.path)
        self.addCleanup(client.close)
        return client

    def holder(self, **options):
        holder = Holder(self.path, self.node, **options)
        self.addCleanup(holder.end)
        return holder

    def resume(self, holder, **options):
        """Another client takes the session over."""
        client = self.client()
        wish = pb.OpenSession(resume_id=holder.id, resume_token=holder.token, **options)
        opened = client.must(open_session=wish).session_opened
        self.assertEqual((opened.id, opened.resumed), (holder.id, True))
        return client

    def is_gone(self):
        """Waits until the ephemeral has been deleted."""
        while True:
            event = self.observer.next_event()
            if event.watch.kind == pb.EVENT_DELETED and event.watch.path == self.node:
                return

    def is_there(self):
        return not self.observer.call(exists=pb.Exists(path=self.node)).HasField("error")

    def pass_time(self, ms):
        """Until a session of that time-out that nobody keeps has expired."""
        stranger = wire.Client((self.server.host, self.server.port), timeout=ms)
        self.addCleanup(stranger.close)
        self.assertTrue(stranger.closed_by_server(60))


class Processes(LingerTestCase):
    def test_one_that_is_killed_loses_its_session_at_once(self):
        self.holder(timeout_ms=LONG_MS).kill()
        self.is_gone()

    def test_also_when_a_child_still_holds_the_socket(self):
        self.holder(timeout_ms=LONG_MS, shares=True).kill()
        self.is_gone()

    def test_one_that_is_stopped_keeps_it(self):
        holder = self.holder(timeout_ms=400)
        holder.send_signal(signal.SIGSTOP)
        for _ in range(3):
            self.pass_time(400)
        self.assertTrue(self.is_there())
        holder.send_signal(signal.SIGCONT)
        self.assertEqual(holder.write(), 0)
        holder.kill()
        self.is_gone()

    def test_unless_it_has_asked_for_a_watchdog(self):
        holder = self.holder(timeout_ms=LONG_MS, watchdog_ms=300)
        holder.send_signal(signal.SIGSTOP)
        self.is_gone()
        holder.send_signal(signal.SIGCONT)
        self.assertEqual(holder.write(), pb.SESSION_EXPIRED)

    def test_a_watchdog_waits_anew_with_each_request(self):
        def asks(pace):
            """For more than twice its time."""
            client = self.client()
            self.node = "%s/e%d" % (self.base, pace.number)
            stranger = wire.Client((self.server.host, self.server.port), timeout=2500)
            self.addCleanup(stranger.close)
            client.must(open_session=pb.OpenSession(timeout_ms=LONG_MS, watchdog_ms=1000))
            client.must(create=pb.Create(path=self.node, kind=pb.EPHEMERAL))
            while not select.select([stranger.socket], [], [], 0.05)[0]:
                client.must(get=pb.Get(path="/"))
                pace.done()
            self.assertTrue(self.is_there())
            return client
        client = harness.without_delay(1, asks)
        self.is_gone()  # now that nothing is asked for
        while client.next_event().session.session_state != pb.SESSION_LOST:
            pass


class Lingering(LingerTestCase):
    def test_another_process_takes_the_session_over(self):
        holder = self.holder(timeout_ms=400, linger_ms=LONG_MS)
        holder.kill()
        for _ in range(2):
            self.pass_time(400)
        self.assertTrue(self.is_there())
        client = self.resume(holder)
        client.must(set=pb.Set(path=self.node, data=b"mine"))
        self.assertEqual(client.must(get=pb.Get(path=self.node)).node.stat.ephemeral_owner, holder.id)
        client.close()  # it has not asked for a linger itself
        self.is_gone()

    def test_it_ends_when_nobody_comes(self):
        def begin(number):
            self.node = "%s/e%d" % (self.base, number)
            self.last = self.holder(timeout_ms=LONG_MS, linger_ms=400)

        def end(_pace):
            self.last.kill()
            self.assertTrue(self.is_there())
        harness.without_delay(0.4, end, before=begin)
        self.is_gone()

    def test_it_is_no_longer_than_the_setting_allows(self):
        self.assertEqual(self.holder(linger_ms=2 * LONG_MS).linger, LONG_MS)

    def test_to_close_the_session_is_to_end_it(self):
        client = self.client()
        client.must(open_session=pb.OpenSession(linger_ms=LONG_MS))
        client.must(create=pb.Create(path=self.node, kind=pb.EPHEMERAL))
        client.must(close_session=pb.CloseSession())
        self.is_gone()

    def test_a_wrong_token_takes_nothing_over_and_disturbs_nobody(self):
        holder = self.holder(linger_ms=LONG_MS)
        holder.kill()
        thief = self.client()
        answer = thief.call(open_session=pb.OpenSession(resume_id=holder.id, resume_token=bytes(16)))
        self.assertEqual(answer.error.code, pb.SESSION_EXPIRED)
        self.assertTrue(self.is_there())
        self.resume(holder).close()
        self.is_gone()

    def test_it_is_taken_over_from_one_that_still_lives(self):
        holder = self.holder(linger_ms=LONG_MS)
        client = self.resume(holder, linger_ms=LONG_MS)
        self.assertEqual(holder.write(), pb.SESSION_EXPIRED)
        holder.kill()
        client.must(set=pb.Set(path=self.node))
        client.must(close_session=pb.CloseSession())
        self.is_gone()

    def test_a_client_that_the_agent_sends_away_may_come_again(self):
        client = self.client()
        opened = client.must(open_session=pb.OpenSession(timeout_ms=LONG_MS)).session_opened
        client.must(create=pb.Create(path=self.node, kind=pb.EPHEMERAL))
        client.send_raw(b"\x00\x00\x00\x01\xff")
        self.assertEqual(client.goodbye(), pb.MALFORMED)
        self.assertTrue(self.is_there())
        again = self.client()
        wish = pb.OpenSession(resume_id=opened.id, resume_token=opened.token)
        self.assertTrue(again.must(open_session=wish).session_opened.resumed)
        again.close()
        self.is_gone()


class Agents(LingerTestCase):
    settings = {"maxSessionTimeout": LONG_MS, "zooid.localGrace": 1000}

    def test_the_grace_has_an_end(self):
        def is_sent_away(pace):
            client = self.client()
            self.node = "%s/e%d" % (self.base, pace.number)
            client.must(open_session=pb.OpenSession(timeout_ms=LONG_MS))
            client.must(create=pb.Create(path=self.node, kind=pb.EPHEMERAL))
            client.send_raw(b"\x00\x00\x00\x01\xff")
            self.assertEqual(client.goodbye(), pb.MALFORMED)
            self.assertTrue(self.is_there())
        harness.without_delay(1, is_sent_away)
        self.is_gone()

    def outlives(self, stop):
        holder = self.holder(linger_ms=LONG_MS)
        stop()
        self.server.restart()
        self.observer = self.client()
        self.assertTrue(self.is_there())
        self.resume(holder).must(close_session=pb.CloseSession())
        self.assertFalse(self.is_there())

    def test_a_session_outlives_a_crash_of_the_agent(self):
        self.outlives(self.server.kill)

    def test_a_session_outlives_a_stop_of_the_agent(self):
        self.outlives(self.server.terminate)

    def test_one_that_lingers_does_too(self):
        holder = self.holder(linger_ms=LONG_MS)
        holder.kill()
        self.server.restart()
        self.observer = self.client()
        self.resume(holder).must(delete=pb.Delete(path=self.node))


class Library(LingerTestCase):
    def test_a_program_hands_its_session_on(self):
        with tempfile.TemporaryDirectory() as directory:
            lines = program.converse(self.server, program.compiled("sessions", directory))
        self.assertEqual(lines[-1], "ok: what is no token\n", "".join(lines))


if __name__ == "__main__":
    if sys.argv[1:2] == ["hold"]:
        hold(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]), sys.argv[5] == "1")
    else:
        harness.main()
