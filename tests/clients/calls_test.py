#!/usr/bin/python3
"""Commands that local clients offer and call, message by message: names, rights, limits, deadlines, and
what becomes of a call when either end goes away."""
import http.client
import json
import os
import signal
import tempfile
import unittest

import harness
import local_wire
import program
from local_wire import pb

OWN = "uid:%d" % os.getuid()


class CallsTestCase(harness.ServerTestCase):
    @property
    def path(self):
        return os.path.join(self.server.data_dir, "zooid", "zooid.sock")

    def client(self, **hello):
        client = local_wire.Caller(self.path, **hello)
        self.addCleanup(client.close)
        return client

    def provider(self, name, *commands, **options):
        offers = [c if isinstance(c, pb.Offer) else pb.Offer(command=c) for c in commands]
        provider = local_wire.Provider(self.path, name, *offers, **options)
        self.addCleanup(provider.close)
        return provider

    def standing(self, name, *commands, **options):
        provider = self.provider(name, *commands, **options)
        self.assertTrue(provider.first.more, provider.first)
        return provider

    @staticmethod
    def call_of(provider, command, data=b""):
        return {"call": pb.Call(provider=provider, command=command, bytes=data)}

    def code(self, client, provider, command, **options):
        return client.call(**self.call_of(provider, command), **options).error.code

    def listed(self):
        return {p["name"]: p for p in json.loads(
            self.client().must(command=pb.Command(name="providers")).report.json)["providers"]}


class Calls(CallsTestCase):
    def test_a_call_is_carried_to_its_provider_and_the_answer_back(self):
        provider, caller = self.standing("echo", "say"), self.client()
        asked = caller.submit(**self.call_of("echo", "say", b"hello"))
        invoke = provider.invoke()
        self.assertEqual((invoke.provider, invoke.command, invoke.bytes, invoke.caller, invoke.provide),
                         ("echo", "say", b"hello", OWN, provider.provide))
        self.assertTrue(0 < invoke.deadline_ms <= 60000)
        provider.answer(invoke, b"hello yourself")
        self.assertEqual(caller.reply(asked)[-1].report.bytes, b"hello yourself")

    def test_answers_come_when_they_are_ready(self):
        provider, caller = self.standing("slow", "a"), self.client()
        first = caller.submit(**self.call_of("slow", "a", b"1"))
        second = caller.submit(**self.call_of("slow", "a", b"2"))
        caller.must(get=pb.Get(path="/"))  # overtakes both
        one, two = provider.invoke(), provider.invoke()
        provider.answer(two, b"two")
        self.assertEqual(caller.reply(second)[-1].report.bytes, b"two")
        provider.answer(one, b"one")
        self.assertEqual(caller.reply(first)[-1].report.bytes, b"one")

    def test_a_provider_refuses_with_a_code_and_a_message(self):
        provider, caller = self.standing("refuses", "a"), self.client()
        for sent, code, message in ((pb.Error(code=pb.NO_NODE, message="nothing there"), pb.NO_NODE, "nothing there"),
                                    (pb.Error(), pb.SYSTEM_ERROR, None),
                                    (pb.Error(code=-4711, message="bell \a"), -4711, None)):
            asked = caller.submit(**self.call_of("refuses", "a"))
            provider.answer(provider.invoke(), error=sent)
            error = caller.reply(asked)[-1].error
            self.assertEqual((error.code, error.outcome_unknown), (code, False))
            self.assertTrue(error.message)
            if message is not None:
                self.assertEqual(error.message, message)

    def test_a_provider_sees_first_that_the_time_is_over(self):
        provider, caller = self.standing("late", "a"), self.client()
        for code in pb.DEADLINE_EXCEEDED, pb.CANCELLED, pb.PROVIDER_FAILED:
            asked = caller.submit(**self.call_of("late", "a"))
            provider.answer(provider.invoke(), error=pb.Error(code=code))
            error = caller.reply(asked)[-1].error
            self.assertEqual((error.code, error.outcome_unknown), (code, True))

    def test_a_client_calls_itself(self):
        provider = self.standing("self", "a")
        asked = provider.submit(**self.call_of("self", "a"))
        provider.answer(provider.invoke(), b"mine")
        self.assertEqual(provider.reply(asked)[-1].report.bytes, b"mine")

    def test_what_nobody_offers(self):
        self.standing("some", "a")
        caller = self.client()
        self.assertEqual(self.code(caller, "none", "a"), pb.NO_SUCH_PROVIDER)
        self.assertEqual(self.code(caller, "some", "b"), pb.NO_SUCH_PROVIDER)
        self.assertEqual(caller.call(call=pb.Call()).error.code, pb.NO_SUCH_PROVIDER)

    def test_the_deadline_passes_and_the_provider_is_told(self):
        provider, caller = self.standing("late", "a"), self.client()
        error = caller.call(deadline_ms=50, **self.call_of("late", "a")).error
        self.assertEqual((error.code, error.outcome_unknown), (pb.DEADLINE_EXCEEDED, True))
        invoke, told = provider.invoke(), provider.invoke()
        self.assertEqual((told.call, told.cancelled, told.provide), (invoke.call, True, provider.provide))
        provider.answer(invoke, b"too late")
        provider.answer(pb.Invoke(call=4711), b"none of its calls")
        provider.must(get=pb.Get(path="/"))
        caller.must(get=pb.Get(path="/"))

    def test_the_caller_cancels(self):
        provider, caller = self.standing("cancelled", "a"), self.client()
        asked = caller.submit(**self.call_of("cancelled", "a"))
        invoke = provider.invoke()
        caller.send(pb.ToAgent(cancel=asked))
        error = caller.reply(asked)[-1].error
        self.assertEqual((error.code, error.outcome_unknown), (pb.CANCELLED, True))
        told = provider.invoke()
        self.assertEqual((told.call, told.cancelled), (invoke.call, True))

    def test_the_caller_goes_away(self):
        provider, caller = self.standing("left", "a"), self.client()
        caller.submit(**self.call_of("left", "a"))
        invoke = provider.invoke()
        caller.close()
        self.assertEqual(provider.invoke().call, invoke.call)
        provider.answer(invoke)
        provider.must(get=pb.Get(path="/"))

    def test_the_provider_goes_away(self):
        provider, caller = self.standing("dies", "a"), self.client()
        asked = [caller.submit(**self.call_of("dies", "a")) for _ in range(3)]
        own = provider.submit(**self.call_of("dies", "a"))
        self.assertGreater(own, 0)
        provider.invoke()
        provider.close()
        for number in asked:
            error = caller.reply(number)[-1].error
            self.assertEqual((error.code, error.retry, error.outcome_unknown), (pb.PROVIDER_FAILED, True, True))
        self.assertEqual(self.code(caller, "dies", "a"), pb.NO_SUCH_PROVIDER)

    def test_a_provider_whose_child_holds_the_socket_is_dead_all_the_same(self):
        ready, told = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                signal.alarm(60)
                own = local_wire.Provider(self.path, "forked", pb.Offer(command="a"))
                holder = os.fork()
                if holder == 0:
                    signal.alarm(60)
                    signal.pause()  # it is ended below
                os.write(told, str(holder if own.first.more else 0).encode())
                signal.pause()
            finally:
                os._exit(0)
        os.close(told)
        with os.fdopen(ready, "rb", buffering=0) as pipe:
            holder = int(pipe.read(16))
        self.assertGreater(holder, 0)
        self.addCleanup(os.kill, holder, 9)
        self.assertIn("forked", self.listed())
        os.kill(child, 9)
        os.waitpid(child, 0)
        harness.wait_until(lambda: "forked" not in self.listed(), what="the end of its offer")


class Names(CallsTestCase):
    def test_a_name_has_one_provider(self):
        first = self.standing("one", "a")
        second = self.provider("one", "a")
        self.assertFalse(second.first.more)
        self.assertEqual((second.first.error.code, second.first.error.retry), (pb.PROVIDER_EXISTS, True))
        first.send(pb.ToAgent(cancel=first.provide))
        self.assertEqual(first.ended(), pb.CANCELLED)
        self.standing("one", "a")

    def test_another_takes_it_over_and_the_former_finishes_what_it_has(self):
        former, caller = self.standing("reloaded", "a"), self.client()
        before = caller.submit(**self.call_of("reloaded", "a"))
        in_hand = former.invoke()
        latter = self.standing("reloaded", "a", "b", replace=True)
        self.assertEqual(former.ended(), pb.PROVIDER_REPLACED)
        after = caller.submit(**self.call_of("reloaded", "b"))
        latter.answer(latter.invoke(), b"new")
        self.assertEqual(caller.reply(after)[-1].report.bytes, b"new")
        former.answer(in_hand, b"old")
        self.assertEqual(caller.reply(before)[-1].report.bytes, b"old")
        former.close()
        self.assertEqual([o["name"] for o in self.listed()["reloaded"]["commands"]], ["a", "b"])

    def test_one_that_gives_its_name_up_finishes_what_it_has(self):
        provider, caller = self.standing("given-up", "a"), self.client()
        asked = caller.submit(**self.call_of("given-up", "a"))
        invoke = provider.invoke()
        provider.send(pb.ToAgent(cancel=provider.provide))
        self.assertEqual(provider.ended(), pb.CANCELLED)
        provider.answer(invoke, b"still")
        self.assertEqual(caller.reply(asked)[-1].report.bytes, b"still")
        self.assertEqual(self.code(caller, "given-up", "a"), pb.NO_SUCH_PROVIDER)

    def test_bad_names_and_texts(self):
        client = self.client()
        bad = [pb.Provide(), pb.Provide(name=""), pb.Provide(name="x" * 65), pb.Provide(name="-x"),
               pb.Provide(name=".x"), pb.Provide(name="a/b"), pb.Provide(name="a", description="x" * 1025),
               pb.Provide(name="a", description="\x1b[31m"), pb.Provide(name="a", offer=[pb.Offer()]),
               pb.Provide(name="a", offer=[pb.Offer(command="a b")]),
               pb.Provide(name="a", offer=[pb.Offer(command="c", help="\n")]),
               pb.Provide(name="a", offer=[pb.Offer(command="c"), pb.Offer(command="c")])]
        for provide in bad:
            self.assertEqual(client.call(provide=provide).error.code, pb.BAD_ARGUMENTS, provide)
        good = "x" * 64
        self.standing(good, "A-z_0.9")
        self.assertIn(good, self.listed())

    def test_bytes_that_are_no_utf8_are_refused(self):
        client = self.client()
        # name "n", description of one byte 0xff: the Python messages would not make it
        raw = pb.ToAgent(id=9, provide=pb.Provide(name="n", description="?")).SerializeToString().replace(b"?", b"\xff")
        client.send_raw(len(raw).to_bytes(4, "big") + raw)
        self.assertEqual(client.reply(9)[-1].error.code, pb.BAD_ARGUMENTS)

    def test_providers_are_listed(self):
        provider = local_wire.Provider(self.path, "listed", pb.Offer(command="a", help="NAME: does it", admin=True))
        self.addCleanup(provider.close)
        found = self.listed()["listed"]
        self.assertEqual((found["uid"], found["pid"], found["calls"]), (os.getuid(), os.getpid(), 0))
        self.assertEqual(found["commands"], [{"name": "a", "help": "NAME: does it", "admin": True}])


class Limits(CallsTestCase):
    settings = {"zooid.localCallBytesMax": 4096, "zooid.localCallsMax": 5, "zooid.localUserCallsMax": 8,
                "zooid.localOffersMax": 3, "zooid.localUserProvidersMax": 4, "zooid.localUnsentMax": 262144}

    def refused(self, client, setting, **body):
        error = client.call(**body).error
        self.assertEqual((error.code, error.retry), (pb.LIMIT_REACHED, True), error)
        self.assertIn(setting, error.message)

    def test_requests_and_answers_that_are_too_long(self):
        provider, caller = self.standing("long", "a"), self.client()
        self.refused(caller, "zooid.localCallBytesMax", **self.call_of("long", "a", bytes(4097)))
        for answer in ({"data": bytes(4097)}, {"error": pb.Error(code=-1, message="x" * 4097)}):
            asked = caller.submit(**self.call_of("long", "a", bytes(4096)))
            provider.answer(provider.invoke(), **answer)
            error = caller.reply(asked)[-1].error
            self.assertEqual(error.code, pb.LIMIT_REACHED)
            self.assertIn("zooid.localCallBytesMax", error.message)

    def test_calls_of_one_provider(self):
        provider, caller = self.standing("busy", "a"), self.client()
        asked = [caller.submit(**self.call_of("busy", "a")) for _ in range(5)]
        self.refused(caller, "zooid.localCallsMax", **self.call_of("busy", "a"))
        self.assertEqual(self.listed()["busy"]["calls"], 5)
        for number in asked:
            provider.answer(provider.invoke())
            caller.reply(number)
        again = caller.submit(**self.call_of("busy", "a"))
        provider.answer(provider.invoke())
        caller.reply(again)

    def test_calls_of_one_user(self):
        one, two = self.standing("one", "a"), self.standing("two", "a")
        caller, other = self.client(), self.client()
        for _ in range(4):
            caller.submit(**self.call_of("one", "a"))
            other.submit(**self.call_of("two", "a"))
        one.invoke(), two.invoke()
        self.refused(self.client(), "zooid.localUserCallsMax", **self.call_of("two", "a"))
        caller.close()
        harness.wait_until(lambda: self.listed()["one"]["calls"] == 0, what="the end of its calls")
        last = other.submit(**self.call_of("one", "a"))
        while one.invoke().cancelled is False:
            pass
        one.answer(pb.Invoke(call=5))
        other.reply(last)

    def test_commands_and_names(self):
        client = self.client()
        self.refused(client, "zooid.localOffersMax",
                     provide=pb.Provide(name="many", offer=[pb.Offer(command="c%d" % n) for n in range(4)]))
        for number in range(4):
            client.submit(provide=pb.Provide(name="n%d" % number))
            self.assertTrue(client.receive().more)
        self.refused(client, "zooid.localUserProvidersMax", provide=pb.Provide(name="n4"))
        client.submit(provide=pb.Provide(name="n0", replace=True))
        codes = [(m.more, m.error.code) for m in (client.receive(), client.receive())]
        self.assertEqual(codes, [(False, pb.PROVIDER_REPLACED), (True, 0)])

    def test_one_that_never_reads_harms_nobody(self):
        sleeper = self.standing("sleeper", "a", frame_max=65536)
        other, caller = self.standing("awake", "a"), self.client()
        seen = set()
        for _ in range(200):
            seen.add(self.code(caller, "sleeper", "a", deadline_ms=1))
        self.assertLessEqual(seen, {pb.DEADLINE_EXCEEDED, pb.LIMIT_REACHED})
        asked = caller.submit(**self.call_of("awake", "a"))
        other.answer(other.invoke(), b"fine")
        self.assertEqual(caller.reply(asked)[-1].report.bytes, b"fine")
        self.assertEqual(sleeper.invoke().command, "a")


class Unread(CallsTestCase):
    settings = {"zooid.localUnsentMax": 262144, "zooid.localCallsMax": 1000}

    def test_calls_to_one_that_does_not_read_are_refused_before_it_is_cut_off(self):
        sleeper, caller = self.standing("sleeper", "a"), self.client()
        asked = [caller.submit(**self.call_of("sleeper", "a", bytes(30000))) for _ in range(100)]
        while True:  # what the socket does not hold waits at the agent
            asked.append(caller.submit(**self.call_of("sleeper", "a", bytes(30000))))
            caller.must(get=pb.Get(path="/"))
            found = [m.error for m in caller.early.values() if m.HasField("error")]
            if found:
                break
        self.assertEqual(found[0].code, pb.LIMIT_REACHED)
        self.assertIn("zooid.localUnsentMax", found[0].message)
        invoked = [sleeper.invoke() for _ in range(len(asked) - len(found))]
        sleeper.answer(invoked[0], b"awake now")
        self.assertEqual(caller.reply(asked[0])[-1].report.bytes, b"awake now")


class Rights(CallsTestCase):
    settings = {"zooid.localProvide": "uid:4711", "zooid.localUse": "*", "zooid.localRead": "*"}

    def as_user(self, uid, body):
        return local_wire.as_user(self.path, uid, uid, body)

    def offer_as(self, name):
        def body(path):
            client = local_wire.Client(path)
            client.submit(provide=pb.Provide(name=name, replace=True))
            first = client.receive()
            return [client.welcome.may_provide, first.more, first.error.code]
        return body

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_who_may_offer_and_take_over(self):
        self.assertEqual(self.as_user(4711, self.offer_as("theirs")), [True, True, 0])
        self.assertEqual(self.as_user(4712, self.offer_as("theirs")), [False, False, pb.NOT_PERMITTED])
        self.standing("ours", "a")
        self.assertEqual(self.as_user(4711, self.offer_as("ours")), [True, False, pb.NOT_PERMITTED])

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_who_may_call_what_is_for_admins(self):
        provider = self.standing("mixed", "open", pb.Offer(command="closed", admin=True))
        self.assertTrue(provider.welcome.may_provide)

        def body(path):
            client = local_wire.Client(path)
            return [client.call(deadline_ms=50, call=pb.Call(provider="mixed", command=command)).error.code
                    for command in ("open", "closed")]
        self.assertEqual(self.as_user(4711, body), [pb.DEADLINE_EXCEEDED, pb.NOT_PERMITTED])
        self.assertEqual(provider.invoke().caller, "uid:4711")
        self.assertEqual(self.code(self.client(), "mixed", "closed", deadline_ms=50), pb.DEADLINE_EXCEEDED)


class HttpTestCase(CallsTestCase):
    def connection(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.admin_port, timeout=20)
        self.addCleanup(connection.close)
        return connection

    def fetch(self, target, connection=None, method="GET"):
        connection = connection or self.connection()
        connection.request(method, target)
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), response.read()

    def begun(self, target):
        """A connection that has asked, and waits."""
        connection = self.connection()
        connection.request("GET", target)
        return connection


class Http(HttpTestCase):
    settings = {"admin.enableServer": "true", "zooid.localCallsMax": 3}

    def test_a_command_is_called_and_its_answer_goes_out_as_it_is(self):
        provider = self.standing("discovery", "http_sd")
        connection = self.connection()
        for query, args in (("", {}), ("?", {}), ("?a=b&c=d%20e+f", {"a": "b", "c": "d e f"}),
                            ("?t=1&t=2&t=3", {"t": ["1", "2", "3"]}),
                            ("?flag&x=%C3%A9&empty=#part", {"flag": "", "x": "\u00e9", "empty": ""})):
            connection.request("GET", "/plugins/discovery/http_sd" + query)
            invoke = provider.invoke()
            self.assertEqual((invoke.caller, json.loads(invoke.bytes)), ("http", {"args": args}))
            provider.answer(invoke, b'[{"targets": ["10.0.0.1:80"]}]')
            response = connection.getresponse()
            self.assertEqual((response.status, response.getheader("Content-Type")), (200, "application/json"))
            self.assertEqual(response.read(), b'[{"targets": ["10.0.0.1:80"]}]')

    def test_a_string_is_sent_as_text(self):
        """As Prometheus wants the metrics of a plugin."""
        provider = self.standing("health", "metrics")
        for bytes_, kind, body in ((b'"a 1\\n\\u00e9"', "text/plain; version=0.0.4; charset=utf-8", "a 1\n\u00e9".encode()),
                                   (b'"no end', "application/json", b'"no end'), (b'12', "application/json", b"12")):
            connection = self.begun("/plugins/health/metrics")
            provider.answer(provider.invoke(), bytes_)
            response = connection.getresponse()
            self.assertEqual((response.status, response.getheader("Content-Type"), response.read()), (200, kind, body))

    def test_errors_are_status_codes(self):
        provider = self.standing("errors", "a", pb.Offer(command="closed", admin=True))
        for target, status in (("/plugins/none/a", 404), ("/plugins/errors/none", 404), ("/plugins/errors", 404),
                               ("/plugins/errors/", 404), ("/plugins//a", 404), ("/plugins/errors/a/b", 404),
                               ("/plugins/errors/closed", 403), ("/plugins/errors/a?%4", 400),
                               ("/plugins/errors/a?x=%ff", 400),
                               ("/plugins/errors/a?%00", 400)):
            found, kind, body = self.fetch(target)
            self.assertEqual((found, kind), (status, "application/json"), target)
            self.assertTrue(json.loads(body)["error"])
        self.assertEqual(self.fetch("/plugins/errors/a", method="HEAD")[0], 404)
        for error, status in ((pb.Error(code=pb.NO_NODE, message="gone"), 404), (pb.Error(code=-4711), 500)):
            connection = self.begun("/plugins/errors/a")
            provider.answer(provider.invoke(), error=error)
            response = connection.getresponse()
            self.assertEqual(response.status, status)
            self.assertEqual(json.loads(response.read())["code"], error.code)

    def test_a_provider_that_goes_away_or_has_too_much_to_do(self):
        provider = self.standing("goes", "a")
        waiting = [self.begun("/plugins/goes/a") for _ in range(3)]
        for _ in waiting:
            provider.invoke()
        self.assertEqual(self.fetch("/plugins/goes/a")[0], 503)
        self.assertEqual(self.fetch("/ready")[0], 200)  # nobody else waits
        provider.close()
        for connection in waiting:
            self.assertEqual(connection.getresponse().status, 502)

    def test_whoever_hangs_up_is_not_waited_for(self):
        provider = self.standing("hung", "a")
        self.begun("/plugins/hung/a").close()
        provider.answer(provider.invoke(), b"1")
        self.assertEqual(self.fetch("/ready")[0], 200)
        provider.must(get=pb.Get(path="/"))


class HttpDeadline(HttpTestCase):
    settings = {"admin.enableServer": "true", "zooid.adminPluginDeadline": 50}

    def test_it_passes(self):
        provider = self.standing("late", "a")
        status, kind, body = self.fetch("/plugins/late/a")
        self.assertEqual((status, kind, json.loads(body)["code"]), (504, "application/json", pb.DEADLINE_EXCEEDED))
        invoke = provider.invoke()
        self.assertEqual((provider.invoke().call, invoke.cancelled), (invoke.call, False))


class Library(unittest.TestCase):
    def test_a_program_offers_and_calls(self):
        agent = harness.Agent()
        self.addCleanup(agent.stop)
        agent.start()
        with tempfile.TemporaryDirectory() as directory:
            lines = program.converse(agent, program.compiled("calls", directory))
        self.assertEqual(lines[-1], "ok: misuse\n", "".join(lines))


if __name__ == "__main__":
    harness.main()
