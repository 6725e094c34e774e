#!/usr/bin/python3
"""What is seen of a member from outside: words, AdminServer's commands, /ready and metrics, beside Apache's."""
# limit: 300
import json
import time
import unittest
import urllib.error
import urllib.request

from ensemble import AGENT, APACHE, TICK_MS, Ensemble, harness, wire

SETTINGS = {"admin.enableServer": "true"}


def http(server, path):
    """Status and body."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (server.admin_port, path), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def is_live(server):
    try:
        return http(server, "/live")[0] == 200
    except OSError:
        return False


def command(server, name):
    status, body = http(server, "/commands/" + name)
    assert status == 200, body
    return json.loads(body)


def values(server):
    return dict(line.split("\t") for line in server.word("mntr").splitlines() if "\t" in line)


class OneAdminPort(unittest.TestCase):
    """Members on one host whose files leave admin.serverPort as it is: the first has it, and the others serve without."""

    def test_all_serve(self):
        ensemble = Ensemble([AGENT, AGENT, APACHE], **SETTINGS)
        self.addCleanup(ensemble.stop)
        first, port = ensemble[1], ensemble[1].admin_port
        for sid in (2, 3):
            ensemble[sid].settings["admin.serverPort"] = port
        first.launch()
        harness.wait_until(lambda: is_live(first), what="the first member's HTTP server")
        ensemble.start([2, 3])
        ensemble.wait_serving(1)
        self.assertEqual(command(first, "configuration")["client_port"], first.port)
        self.assertIn("cannot listen on 127.0.0.1, port %d" % port, ensemble[2].log_tail())


class Seen(unittest.TestCase):
    """Two agents that vote, one Apache that does, and an agent that observes."""

    @classmethod
    def setUpClass(cls):
        cls.ensemble = Ensemble([AGENT, AGENT, APACHE], [AGENT], **SETTINGS)
        cls.addClassCleanup(cls.ensemble.stop)
        cls.ensemble.start()
        cls.leader = cls.ensemble.leader()
        cls.apache = cls.ensemble[3]
        cls.agents = [cls.ensemble[sid] for sid in (1, 2, 4)]

    def modes(self):
        return {sid: "leader" if sid == self.leader else "observer" if sid == 4 else "follower" for sid in (1, 2, 3, 4)}

    def test_mode(self):
        for sid, mode in self.modes().items():
            server = self.ensemble[sid]
            self.assertIn("Mode: %s\n" % mode, server.word("srvr"))
            self.assertIn("Mode: %s\n" % mode, server.word("stat"))
            self.assertEqual(values(server)["zk_server_state"], mode)
            self.assertEqual(command(server, "server_stats")["server_stats"]["server_state"], mode)
            self.assertEqual(server.word("isro"), "rw")

    def test_conf_is_apaches(self):
        def ensemble_part(server):
            text = server.word("conf")
            return {line for line in text[text.index("serverId="):].splitlines()
                    if not line.startswith(("serverId=", "electionPort=", "quorumPort=", "peerType=", "version="))}
        for server in self.agents:
            self.assertEqual(ensemble_part(server), ensemble_part(self.apache))
        member = self.ensemble.members[4]
        for line in ("serverId=4", "electionPort=%d" % member.election_port, "quorumPort=%d" % member.quorum_port,
                     "peerType=1"):
            self.assertIn(line + "\n", self.ensemble[4].word("conf"))

    def test_mntr(self):
        states = {"leader": "leading - broadcast", "follower": "following - broadcast",
                  "observer": "observing - broadcast"}
        for sid, mode in self.modes().items():
            found = values(self.ensemble[sid])
            self.assertEqual((found["zk_peer_state"], found["zk_quorum_size"]), (states[mode], "3"))
        leader = values(self.ensemble[self.leader])
        self.assertEqual((leader["zk_learners"], leader["zk_synced_followers"], leader["zk_synced_observers"],
                          leader["zk_synced_non_voting_followers"]), ("3", "2", "1", "0"))
        self.assertGreaterEqual(int(leader["zk_leader_uptime"]), 0)
        self.assertEqual(values(self.ensemble[4])["zk_observer_master_id"], str(self.leader))

    def test_what_is_counted_of_roles_and_learners(self):
        write = self.ensemble.client(1)
        self.addCleanup(write.close)
        write.create("/counted-", b"", flags=wire.EPHEMERAL_SEQUENTIAL)
        for sid, mode in self.modes().items():
            server = self.ensemble[sid]
            if server is self.apache:
                continue
            found = {name[3:]: float(value) for name, value in values(server).items() if name.endswith(("_count", "_time"))}
            moved = {name for name in ("looking_count", "cnt_election_time", "cnt_follower_sync_time",
                                       "cnt_observer_sync_time", "cnt_leader_unavailable_time", "cnt_unavailable_time",
                                       "learner_proposal_received_count", "learner_commit_received_count")
                     if found[name] > 0}
            own = {"leader": {"cnt_leader_unavailable_time"},
                   "follower": {"cnt_follower_sync_time", "learner_proposal_received_count",
                                "learner_commit_received_count"},
                   "observer": {"cnt_observer_sync_time", "learner_commit_received_count"}}[mode]
            self.assertEqual(moved, own | {"looking_count", "cnt_election_time", "cnt_unavailable_time"}, mode)
            if mode == "leader":
                self.assertEqual(found["diff_count"] + found["snap_count"], 3)

    def test_how_long_writes_take_is_told_where_apaches_tells_it(self):
        """Who leads, of all of them; whose client it is, of its own."""
        names = ("zk_cnt_quorum_ack_latency", "zk_cnt_write_commitproc_time_ms", "zk_cnt_propagation_latency")

        def counts(sid):
            shown = values(self.ensemble[sid])
            return [int(shown[name]) for name in names]
        before = {sid: counts(sid) for sid in (1, 2, 3, 4)}
        client = self.ensemble.client(1)
        client.create("/timed")
        for sid in (2, 3, 4):
            reader = self.ensemble.client(sid)
            reader.must("sync", path="/")
            reader.end()
        for sid in (1, 2, 3, 4):
            took = [after > was for after, was in zip(counts(sid), before[sid])]
            self.assertEqual(took[0], sid == self.leader, "member %d" % sid)
            self.assertTrue(took[1] and took[2], "member %d" % sid)
        client.end()

    def test_leader_and_voting_view(self):
        for server in self.agents:
            answer = command(server, "leader")
            self.assertEqual((answer["leader_id"], answer["leader_ip"]), (self.leader, "127.0.0.1"))
            self.assertEqual(answer["is_leader"], server is self.ensemble[self.leader])
            ours, apaches = (command(each, "voting_view")["current_config"] for each in (server, self.apache))
            for view in (ours, apaches):
                for member in view.values():
                    del member["client_address"]    # each server knows only its own
            self.assertEqual(ours, apaches)

    def test_zabstate_and_observers(self):
        apaches = command(self.apache, "zabstate")
        for server in self.agents:
            ours = command(server, "zabstate")
            self.assertEqual(set(ours), set(apaches))
            self.assertEqual((ours["zabstate"], ours["zab_epoch"]), ("broadcast", apaches["zab_epoch"]))
            self.assertEqual(ours["voting"], server is not self.ensemble[4])
        observers = command(self.ensemble[self.leader], "observers")
        self.assertEqual((observers["synced_observers"], [each["sid"] for each in observers["observers"]]), (1, [4]))
        self.assertEqual(command(self.ensemble[4], "observers")["observers"], [])

    def test_dump_of_a_learner_lists_global_sessions(self):
        client = self.ensemble.client(4)
        self.addCleanup(client.close)
        line = "0x%x\t%dms" % (client.session.id, 20 * TICK_MS)    # the longest that is granted
        text = self.ensemble[4].word("dump")
        self.assertRegex(text, r"\ASessionTracker dump:\nGlobal Sessions\(\d+\):\n")
        self.assertIn(line + "\n", text)

    def test_ready_and_metrics(self):
        for server in self.agents:
            self.assertEqual(http(server, "/ready"), (200, "ready\n"))
            self.assertRegex(http(server, "/metrics")[1], r"(?m)^quorum_size 3$")


class Observers(unittest.TestCase):
    """One observer, of an agent and of an Apache server."""

    def observer(self, leader):
        listed = command(leader, "observers")["observers"]
        return listed[0] if [each["sid"] for each in listed] == [2] else None

    def write(self, ensemble, times):
        client = ensemble.client(2)
        self.addCleanup(client.close)
        for _ in range(times):
            client.create("/written-", b"", flags=wire.SEQUENTIAL)

    def of_leader(self, program):
        before_ms = time.time() * 1000
        ensemble = Ensemble([program], [AGENT], standaloneEnabled="false", **SETTINGS)
        self.addCleanup(ensemble.stop)
        ensemble.start()
        self.write(ensemble, 10)
        found = self.observer(ensemble[1])
        self.assertTrue(before_ms - 1000 <= found["established"] <= time.time() * 1000 + 1000, found)
        self.assertEqual(found["queued_packets"], 0)
        self.assertGreaterEqual(found["requests"], 10)
        self.assertGreater(found["packets_sent"], 10)
        return ensemble, found

    def test_shown_as_by_apaches(self):
        apaches, ours = self.of_leader(APACHE)[1], self.of_leader(AGENT)[1]
        self.assertEqual({key: type(value) for key, value in ours.items()},
                         {key: type(value) for key, value in apaches.items()})
        self.assertEqual(list(ours), list(apaches))

    def test_figures_begin_anew_on_demand(self):
        ensemble, before = self.of_leader(AGENT)
        command(ensemble[1], "observer_connection_stat_reset")
        after = self.observer(ensemble[1])
        self.assertEqual(after["requests"], 0)
        for figure in ("packets_sent", "packets_received"):
            self.assertLess(after[figure], before[figure])
        self.write(ensemble, 1)
        harness.wait_until(lambda: self.observer(ensemble[1])["requests"] > 0, 20, "the request to be counted")


class NotServing(unittest.TestCase):
    def test_without_a_quorum_nothing_is_served(self):
        ensemble = Ensemble([AGENT, AGENT, AGENT], **SETTINGS)
        self.addCleanup(ensemble.stop)
        ensemble.start([1, 2])
        ensemble[2].kill()
        server, refusal = ensemble[1], "This ZooKeeper instance is not currently serving requests"
        harness.wait_until(lambda: ensemble.mode(1) is None, 30, "the survivor to stop serving")
        for word in ("srvr", "stat", "mntr", "conf", "cons", "dump", "dirs", "wchs"):
            self.assertEqual(server.word(word), refusal + "\n")
        self.assertEqual((server.word("ruok"), server.word("isro")), ("imok", "null"))
        self.assertEqual(http(server, "/ready")[0], 503)
        self.assertEqual(http(server, "/live")[0], 200)
        for name in ("leader", "configuration", "voting_view", "last_snapshot", "observers", "stats"):
            self.assertEqual(command(server, name)["error"], refusal)
        self.assertFalse(command(server, "zabstate")["is_leader"])
        self.assertRegex(http(server, "/metrics")[1], r"(?m)^zooid_serving 0$")


if __name__ == "__main__":
    harness.main()
