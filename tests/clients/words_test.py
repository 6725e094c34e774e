#!/usr/bin/python3
"""What is seen from outside: four-letter words, the AdminServer's commands, /live, /ready and /metrics.

Their texts are held to Apache's by tests/golden; here it is what the values say, and that the JSON has
Apache's shape."""
import json
import os
import re
import time
import unittest
import urllib.error
import urllib.request

import harness
import wire

only_ours = unittest.skipIf(harness.testing_apache(), "not in Apache ZooKeeper 3.8")
WORDS = "conf cons crst dirs dump envi gtmk hash isro mntr ruok srst srvr stat wchc wchp wchs stmk".split()


class SeenTestCase(harness.ServerTestCase):
    """A server with one session that has an ephemeral and two watches."""

    settings = {"admin.enableServer": "true"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = populated(cls.server)
        cls.addClassCleanup(cls.client.close)

    def word(self, word):
        return self.server.word(word)

    def values(self):
        return values_of(self.server)

    def http(self, path, port=None):
        return http(port or self.server.admin_port, path)


def values_of(server):
    return dict(line.split("\t") for line in server.word("mntr").splitlines())


def populated(server):
    client = wire.Client(("127.0.0.1", server.port))
    client.create("/seen", b"12345")
    client.create("/seen/ephemeral", flags=wire.EPHEMERAL)
    client.must("getData", path="/seen", watch=1)
    client.must("getChildren", path="/seen", watch=1)
    return client


def http(port, path):
    """Status, content type and body."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=20) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get_content_type(), error.read().decode()


class Words(SeenTestCase):
    def session(self):
        return "0x%x" % self.client.session.id

    def test_short_answers(self):
        for word, answer in (("ruok", "imok"), ("isro", "rw"), ("crst", "Connection stats reset.\n"),
                             ("srst", "Server stats reset.\n")):
            self.assertEqual(self.word(word), answer)
        self.assertRegex(self.word("dirs"), r"\Adatadir_size: \d+\nlogdir_size: \d+\n\Z")
        self.assertRegex(self.word("gtmk"), r"\A\d+\Z")
        self.assertRegex(self.word("hash"), r"\A([0-9a-f]+: -?\d+\n)*\Z")

    def test_srvr_and_stat(self):
        zxid = self.client.must("exists", path="/", watch=0)["zxid"]
        text = self.word("srvr")
        self.assertRegex(text, r"\AZookeeper version: 3\.\d+\.\d+[^,\n]*, built on \S.*\n")
        for line in ("Mode: standalone", "Zxid: 0x%x" % zxid, "Node count: 7", "Outstanding: 0"):
            self.assertIn(line + "\n", text)
        stat = self.word("stat")
        head, clients, rest = re.fullmatch(r"(.*\n)Clients:\n((?: .*\n)*)\n(Latency(?:.*\n)*)", stat).groups()
        port = self.client.socket.getsockname()[1]
        self.assertRegex(clients, r" /127\.0\.0\.1:%d\[1\]\(queued=0,recved=\d+,sent=\d+\)\n" % port)
        self.assertEqual(head, text.split("\n")[0] + "\n")
        self.assertEqual([line.split(":")[0] for line in rest.splitlines()],
                         [line.split(":")[0] for line in text.splitlines()[1:]])

    def test_cons(self):
        self.client.must("getData", path="/seen", watch=0)
        line = next(line for line in self.word("cons").splitlines() if "sid=%s," % self.session() in line)
        for part in ("queued=0", "lop=GETD", "to=30000", "lcxid=0x%x" % self.client.last_xid, "minlat=", "avglat=",
                     "maxlat="):
            self.assertIn(part, line)
        self.word("crst")
        line = next(line for line in self.word("cons").splitlines() if "sid=%s," % self.session() in line)
        self.assertRegex(line, r"recved=0,sent=0,.*lop=NA")

    def test_watches(self):
        self.assertRegex(self.word("wchs"), r"\A1 connections watching 1 paths\nTotal watches:1\n?\Z")
        self.assertEqual(self.word("wchc").split(), [self.session(), "/seen"])
        self.assertEqual(self.word("wchp").split(), ["/seen", self.session()])

    def test_dump(self):
        text = self.word("dump")
        self.assertIn("\t%s\n" % self.session(), text)
        self.assertIn("Sessions with Ephemerals (1):\n%s:\n\t/seen/ephemeral\n" % self.session(), text)
        self.assertRegex(text, r"sessionId: %s\n" % self.session())
        sets, connections, listed = re.search(r"Connections Sets \((\d+)\)/\((\d+)\):\n(.*)", text, re.DOTALL).groups()
        ends = re.findall(r"^(\d+) expire at (.*):((?:\n\tip: /[\d.:]+ sessionId: 0x[0-9a-f]+)+)$", listed, re.MULTILINE)
        self.assertEqual((len(ends), sum(int(count) for count, _, _ in ends)), (int(sets), int(connections)))
        self.assertEqual([lines.count("\n") for _, _, lines in ends], [int(count) for count, _, _ in ends])
        dates = [time.mktime(time.strptime(date, "%a %b %d %H:%M:%S UTC %Y")) for _, date, _ in ends]
        now = time.mktime(time.gmtime())
        self.assertEqual(dates, sorted(dates))
        self.assertTrue(all(now - 2 < date <= now + 60 for date in dates), listed)

    def test_conf_and_envi(self):
        values = dict(line.split("=", 1) for line in self.word("conf").splitlines())
        self.assertEqual((values["clientPort"], values["tickTime"], values["minSessionTimeout"],
                          values["maxSessionTimeout"]),
                         (str(self.server.port), "2000", "4000", "40000"))
        self.assertEqual(values["dataDir"], self.server.data_dir + "/version-2")
        self.assertRegex(self.word("envi"), r"\AEnvironment:\nzookeeper\.version=3\.\d+\.\d+")

    def test_mntr(self):
        values = self.values()
        expected = {"zk_server_state": "standalone", "zk_znode_count": "7", "zk_ephemerals_count": "1",
                    "zk_watch_count": "2",
                    "zk_global_sessions": "1", "zk_num_alive_connections": "2", "zk_outstanding_requests": "0",
                    "zk_local_sessions": "0"}
        self.assertEqual({key: values[key] for key in expected}, expected)
        self.assertEqual(list(values)[:2], ["zk_version", "zk_server_state"])
        before = int(values["zk_packets_received"])
        for _ in range(10):
            self.client.call("ping")
        self.assertGreaterEqual(int(self.values()["zk_packets_received"]), before + 10)

    def test_latency_and_packets_can_be_reset(self):
        self.client.call("ping")
        self.word("srst")
        self.assertLess(int(re.search(r"^Received: (\d+)$", self.word("srvr"), re.M)[1]), 5)

    def test_trace_mask(self):
        self.assertRegex(self.word("gtmk"), r"\A\d+\Z")
        self.assertEqual(harness.four_letter_word(self.server.port, b"stmk" + (306).to_bytes(8, "big")), b"306")

    def test_bytes_behind_a_word_do_no_harm(self):
        self.assertEqual(self.word("ruok\n"), "imok")


@only_ours    # there some count in an ensemble only
class Counters(SeenTestCase):
    """What a counter counts moves it, and by how much."""

    def counter(self, name):
        return int(self.values()["zk_" + name])

    def assert_counted(self, what, **by):
        """`what()` is done, after which each counter named has risen by so much, or by at least 1 when told True."""
        before = {name: self.counter(name) for name in by}
        what()
        for name, amount in by.items():
            rise = self.counter(name) - before[name]
            self.assertTrue(rise > 0 if amount is True else rise == amount, "%s rose by %d" % (name, rise))

    def another(self, **options):
        client = wire.Client(("127.0.0.1", self.server.port), **options)
        self.addCleanup(client.close)
        return client

    def test_connections_and_sessions(self):
        self.assert_counted(self.another, connection_request_count=1, commit_count=1)
        old = self.another()
        self.assert_counted(lambda: self.another(session=old.session), connection_revalidate_count=1, commit_count=0)

    def test_writes(self):
        self.assert_counted(lambda: self.client.must("setData", path="/seen/ephemeral", data=b"", version=-1),
                            commit_count=1, prep_processor_request_queued=1, sync_processor_request_queued=1,
                            request_commit_queued=1, outstanding_changes_queued=1, outstanding_changes_removed=1,
                            bytes_received_count=True, response_bytes=True)

    def test_events(self):
        self.client.must("getData", path="/seen/ephemeral", watch=1)
        self.assert_counted(lambda: self.client.must("setData", path="/seen/ephemeral", data=b"", version=-1),
                            watch_bytes=True, cnt_node_changed_watch_count=1, sum_node_changed_watch_count=1)

    def test_failed_logins(self):
        self.assert_counted(lambda: self.another().call("auth", type=0, scheme="nosuch", auth=b""), auth_failed_count=1)


class AnyEnsembleName(SeenTestCase):
    """Apache's provider of the scheme ensemble: a client says which ensemble it looks for, and this one has no name."""

    settings = {"authProvider.1": "org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider"}

    def answer(self, name):
        """The error of the reply, or None when the connection is closed without one; and what was counted."""
        before = self.values()
        client = wire.Client(("127.0.0.1", self.server.port))
        reply = client.call("auth", type=0, scheme="ensemble", auth=name)
        client.close()
        after = self.values()
        counted = {key for key in ("success", "skip", "fail") if after["zk_ensemble_auth_" + key] != before["zk_ensemble_auth_" + key]}
        return reply and reply.err, counted

    def test_answers(self):
        self.assertEqual(self.answer(b"green"), (0, {"skip"}))


class EnsembleNames(AnyEnsembleName):
    settings = dict(AnyEnsembleName.settings, ensembleAuthName="blue, green")

    def test_answers(self):
        self.assertEqual(self.answer(b"green"), (0, {"success"}))
        self.assertEqual(self.answer(b""), (0, {"skip"}))
        self.assertEqual(self.answer(b"red"), (None, {"fail"}))


@only_ours
class LateReplies(SeenTestCase):
    def test_reply_to_one_who_is_gone(self):
        def came_too_late():
            client = wire.Client(("127.0.0.1", self.server.port))
            for _ in range(200):
                client.submit("setData", path="/seen/ephemeral", data=b"x" * 1000, version=-1)
            client.close()
            return int(self.values()["zk_stale_replies"]) > 0

        harness.wait_until(came_too_late, 10, "a reply that came too late")


class Start(harness.ServerTestCase):
    def test_what_a_start_had_to_load(self):
        populated(self.server).close()
        self.server.restart()
        values = values_of(self.server)
        for name in ("startup_snap_load_time", "startup_txns_load_time", "dbinittime", "startup_txns_loaded"):
            self.assertEqual(values["zk_cnt_" + name], "1", name)
        self.assertGreater(int(values["zk_sum_startup_txns_loaded"]), 0)


class Whitelist(harness.ServerTestCase):
    settings = {"4lw.commands.whitelist": None}

    def test_only_srvr_is_answered_by_default(self):
        for word in WORDS:
            text = self.server.word(word)
            if word == "srvr":
                self.assertIn("Mode: standalone\n", text)
            else:
                self.assertEqual(text, "%s is not executed because it is not in the whitelist.\n" % word)


def shape(value):
    """The keys and types of a JSON value; of a list the shape of its first item. Keys that are data, as session ids and
    paths, stand for one another."""
    if isinstance(value, dict):
        return {re.sub(r"^\d+$", "NUMBER", re.sub(r"^/.*", "PATH", key)): shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def missing(wanted, found, path=""):
    """What a shape has that another lacks, or has with another type."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [line for key, item in wanted.items()
                for line in ([path + "/" + key] if key not in found else missing(item, found[key], path + "/" + key))]
    if isinstance(wanted, list) and isinstance(found, list):
        return missing(wanted[0], found[0], path + "[]") if wanted and found else []
    return [] if wanted == found else ["%s is %s instead of %s" % (path, found, wanted)]


# Keys of Apache's that tell of the Java machine, or of its threads and queues, which the agent does not have.
NOT_OURS = {
    "environment": r"/(java\..*|os\.memory\..*)",
    "system_properties": r"/.*",
    "monitor": r"/(.*_per_namespace|(p\d+|avg|min|max|cnt|sum)_.*|\w*(commit_proc|session_queue|netty)\w*"
               r"|skip_learner_request_to_next_processor_count)",
}
# Of the summaries those that dashboards use, each as avg_, min_, max_, cnt_ and sum_.
SUMMARIES = """readlatency updatelatency fsynctime snapshottime dbinittime startup_txns_loaded startup_txns_load_time
startup_snap_load_time node_created_watch_count node_deleted_watch_count node_changed_watch_count
node_children_watch_count sync_processor_batch_size election_time follower_sync_time observer_sync_time
leader_unavailable_time unavailable_time""".split()


class Admin(SeenTestCase):
    def test_every_command_has_apaches_shape(self):
        if not os.path.exists(harness.JARS + "/zookeeper.jar"):
            self.skipTest("Apache ZooKeeper is not installed (package libzookeeper-java)")
        apache = harness.Apache(self.settings).start()
        self.addCleanup(apache.stop)
        self.addCleanup(populated(apache).close)
        names = re.findall(r'href="/commands/([a-z_]+)"', http(apache.admin_port, "/commands")[2])
        self.assertGreater(len(names), 20)
        for name in names:
            with self.subTest(name):
                answers = [http(port, "/commands/" + name) for port in (apache.admin_port, self.server.admin_port)]
                self.assertEqual(answers[1][:2], (200, "application/json"))
                apaches, ours = (json.loads(answer[2]) for answer in answers)
                self.assertEqual((apaches["command"], apaches["error"]), (ours["command"], ours["error"]))
                self.assertEqual(self.differences(name, apaches, ours), [])

    @staticmethod
    def differences(name, apaches, ours):
        """What Apache has and the agent lacks."""
        lines = missing(shape(apaches), shape(ours))
        return [line for line in lines if not (name in NOT_OURS and re.fullmatch(NOT_OURS[name], line))]

    def test_values(self):
        stats = json.loads(self.http("/commands/server_stats")[2])
        self.assertEqual((stats["read_only"], stats["node_count"], stats["server_stats"]["server_state"]),
                         (False, 7, "standalone"))
        summary = json.loads(self.http("/commands/watch_summary")[2])
        self.assertEqual((summary["num_connections"], summary["num_paths"], summary["num_total_watches"]), (1, 1, 1))
        connections = json.loads(self.http("/commands/cons")[2])
        self.assertEqual((len(connections["connections"]), connections["secure_connections"], connections["command"]),
                         (1, [], "connections"))
        self.assertEqual(connections["connections"][0]["remote_socket_address"],
                         "127.0.0.1:%d" % self.client.socket.getsockname()[1])
        session = self.client.session.id
        self.assertEqual(json.loads(self.http("/commands/dump")[2])["session_id_to_ephemeral_paths"],
                         {str(session): ["/seen/ephemeral"]})
        self.assertEqual(json.loads(self.http("/commands/wchp")[2])["path_to_session_ids"], {"/seen": [session]})
        self.assertEqual(json.loads(self.http("/commands/wchc")[2])["session_id_to_watched_paths"],
                         {str(session): ["/seen"]})
        monitor = json.loads(self.http("/commands/mntr")[2])
        self.assertEqual((monitor["znode_count"], monitor["ephemerals_count"], monitor["command"]), (7, 1, "monitor"))
        self.assertEqual([name for name in SUMMARIES
                          if not all(part + name in monitor for part in ("avg_", "min_", "max_", "cnt_", "sum_"))], [])

    def test_list_unknown_command_and_unknown_path(self):
        status, _kind, page = self.http("/commands")
        self.assertEqual(status, 200)
        self.assertIn('<a href="/commands/ruok">ruok</a>\n<br/>\n', page)
        self.assertEqual(json.loads(self.http("/commands/nope")[2]),
                         {"command": "nope", "error": "Unknown command: nope"})
        self.assertEqual(self.http("/no/such/page")[0], 404)

    @only_ours
    def test_live_and_ready(self):
        self.assertEqual(self.http("/live")[0], 200)
        self.assertEqual(self.http("/ready")[0], 200)

    @only_ours
    def test_metrics(self):
        status, kind, page = self.http("/metrics")
        self.assertEqual((status, kind), (200, "text/plain"))
        values = dict(re.findall(r"^([a-z_0-9]+) (\S+)$", page, re.M))
        self.assertEqual((float(values["znode_count"]), float(values["watch_count"]),
                          float(values["num_alive_connections"])), (7, 2, 1))
        label = r"[a-z_]+=\"[^\"]*\""
        for line in page.splitlines():
            self.assertRegex(line, r"^(# (HELP|TYPE) .+|[a-z_:][a-z0-9_:]*(\{%s(,%s)*\})? \S+)$" % (label, label))
        self.assertIn("fsynctime_count", values)
        self.assertRegex(page, r'readlatency\{quantile="0\.5",?\} ')

    @only_ours
    def test_http_garbage_hurts_nobody(self):
        for noise in (b"\x00" * 100, b"GET\r\n\r\n",
                      b"POST /commands/ruok HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"GET /" + b"a" * 100000):
            connection = wire.Connection(("127.0.0.1", self.server.admin_port))
            connection.send_raw(noise)
            connection.close()
        self.assertEqual(self.http("/ready")[0], 200)


@only_ours
class MetricsPort(harness.ServerTestCase):
    metrics_port = harness.free_port()
    settings = {"metricsProvider.className": "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider",
                "metricsProvider.httpPort": metrics_port, "metricsProvider.httpHost": "127.0.0.1"}

    def test_prometheus_asks_where_apache_has_it(self):
        self.assertIn("\nznode_count ", http(self.metrics_port, "/metrics")[2])


if __name__ == "__main__":
    harness.main()
