#!/usr/bin/python3
"""The members of an ensemble change while it runs: agents among themselves, and together with Apache's servers."""
# limit: 1500
import json
import re
import signal
import unittest
import urllib.request

from changing import ChangingAgent, ChangingApache, ChangingEnsemble, client_of, config_of
from ensemble import OBSERVER, PARTICIPANT, STEADY, harness, metric, read_at, wire
from faults_test import Writers, differences, shown

try:
    from kazoo.client import KazooClient
except ImportError:
    KazooClient = None

AGENT, APACHE = ChangingAgent, ChangingApache


class Changing(unittest.TestCase):
    def ensemble(self, programs, observers=(), first=None, **settings):
        """`first`: those that are started before the others."""
        ensemble = ChangingEnsemble(programs, observers, **settings)
        self.addCleanup(ensemble.stop)
        if first is not None:
            ensemble.start(first)
        return ensemble.start([sid for sid in ensemble.members if sid not in (first or ())])

    def join(self, ensemble, program, to, through, role=PARTICIPANT):
        """Starts a new server, which is first in nobody's configuration, and has it added."""
        sid = ensemble.add_member(program, role)
        ensemble.introduce(sid, to)
        ensemble.start([sid])
        text = ensemble.reconfig(through, joining=ensemble.members[sid].spec())
        ensemble.wait_config(text, to + [sid])
        return sid

    def leave(self, ensemble, sid, rest):
        text = ensemble.reconfig(rest[0], leaving=str(sid))
        self.assertNotIn(b"server.%d=" % sid, text)
        ensemble.wait_config(text, rest)
        return text

    def write(self, ensemble, sid, path, data):
        """A member that takes its new place sends its clients away, and an Apache server may do so late: they come again."""
        def is_written():
            try:
                client = ensemble.client(sid)
            except OSError:
                return False
            done = client.session and client.call("create", path=path, data=data, acl=wire.OPEN_ACL, flags=0)
            client.close()
            return done and (done.err == 0 or wire.ERRORS[done.err] == "NodeExists")
        harness.wait_until(is_written, 60, "server %d to take a write" % sid)

    def assert_writes(self, ensemble, sids, name):
        for sid in sids:
            self.write(ensemble, sid, "/%s-%d" % (name, sid), b"from %d" % sid)
        for sid in sids:
            for other in sids:
                self.assertEqual(read_at(ensemble, sid, "/%s-%d" % (name, other)), b"from %d" % other)

    def assert_whole(self, ensemble, sids, writers):
        """What was acknowledged is there; the trees are equal; no digest differed at an agent."""
        trees = {sid: shown(ensemble, sid) for sid in sids}
        lost = [path for path in writers.acknowledged if trees[sids[0]].get(path, (None,))[0] != path.encode()]
        self.assertEqual(lost, [])
        for sid in sids[1:]:
            self.assertEqual(differences(trees[sids[0]], trees[sid]), "", "server %d" % sid)
        # Apache's server that changes its role while it is written to may be brought what its tree already has.
        for sid in sids:
            if ensemble.members[sid].program is AGENT:
                self.assertEqual(metric(ensemble[sid], "zk_digest_mismatches_count"), "0", "at server %d" % sid)


class Membership(Changing):
    def grow_and_shrink(self, programs, newcomer):
        ensemble = self.ensemble(programs)
        text = config_of(ensemble[1])
        self.assertTrue(text.endswith(b"\nversion=100000000"), text)
        ensemble.wait_config(text, [1, 2, 3])
        sid = self.join(ensemble, newcomer, [1, 2, 3], 1)
        ensemble.wait_mode(sid, "follower")
        self.assert_writes(ensemble, [1, 2, 3, sid], "four")
        leader = ensemble.leader()
        gone = next(other for other in (1, 2, 3) if other != leader)
        rest = [other for other in (1, 2, 3, sid) if other != gone]
        self.leave(ensemble, gone, rest)
        ensemble[gone].kill()
        self.assert_writes(ensemble, rest, "three")
        # Each comes back with what its own files say now, and the one with a vote is needed.
        ensemble[leader].kill()
        others = [other for other in rest if other != leader]
        for other in others:
            ensemble.wait_mode(other, "leader", "follower")
        self.assert_writes(ensemble, others, "two")
        for other in others:
            ensemble[other].kill()
        ensemble.start(rest)
        self.assert_writes(ensemble, rest, "again")

    def test_agents(self):
        self.grow_and_shrink([AGENT] * 3, AGENT)

    def test_an_agent_comes_to_apache_s(self):
        self.grow_and_shrink([APACHE] * 3, AGENT)

    def test_apache_s_comes_to_agents(self):
        self.grow_and_shrink([AGENT] * 3, APACHE)

    def test_mixed(self):
        self.grow_and_shrink([AGENT, APACHE, AGENT], APACHE)

    def test_observers_are_promoted_and_demoted(self):
        for program in (AGENT, APACHE):
            ensemble = self.ensemble([program] * 3, [AGENT, APACHE])
            sids = [1, 2, 3, 4, 5]
            self.assertEqual([ensemble.mode(4), ensemble.mode(5)], ["observer", "observer"])
            for sid in (4, 5):
                text = ensemble.reconfig(1, joining=ensemble.members[sid].spec(PARTICIPANT))
                ensemble.wait_config(text, sids)
                ensemble.wait_mode(sid, "follower")
            self.assert_writes(ensemble, sids, "voting")
            for sid in (4, 5):
                text = ensemble.reconfig(1, joining=ensemble.members[sid].spec(OBSERVER))
                ensemble.wait_config(text, sids)
                ensemble.wait_mode(sid, "observer")
            self.assert_writes(ensemble, sids, "observing")
            ensemble.stop()

    def remove_leader(self, programs, leads):
        """The last of `programs` has the largest number, and leads since it is there from the beginning."""
        ensemble = self.ensemble(programs, first=[2, 3, 4])
        leader, rest = len(programs), list(range(1, len(programs)))
        self.assertEqual(ensemble.leader(), leader)
        self.assertIsInstance(ensemble[leader], leads)
        text = ensemble.reconfig(rest[0], leaving=str(leader))
        ensemble.wait_config(text, rest)
        harness.wait_until(lambda: any(ensemble.mode(sid) == "leader" for sid in rest), 60, "another leader")
        self.assert_writes(ensemble, rest, "without-it")
        # It goes on, without a vote, until it is stopped.
        ensemble.wait_config(text, [leader])
        self.assertEqual(read_at(ensemble, leader, "/without-it-1"), b"from 1")
        return ensemble, leader, rest

    def test_a_leader_among_agents_is_removed(self):
        ensemble, leader, rest = self.remove_leader([AGENT] * 4, AGENT)
        ensemble[leader].restart()
        ensemble.wait_mode(leader, "follower")
        self.assertIn("\nzooid.serverAddress=127.0.0.1:", ensemble[leader].zoo_cfg())
        self.assert_writes(ensemble, rest + [leader], "with-it-again")

    def test_an_agent_that_leads_apache_s_is_removed(self):
        self.remove_leader([APACHE] * 3 + [AGENT], AGENT)

    def test_apache_s_that_leads_agents_is_removed(self):
        self.remove_leader([AGENT] * 3 + [APACHE], APACHE)

    def test_what_is_refused(self):
        ensemble = self.ensemble([AGENT] * 3)
        absent = ensemble.add_member(AGENT, PARTICIPANT)
        anybody, admin = ensemble.client(1), ensemble.admin(ensemble.leader())
        for client, joining, leaving, expected in (
                (anybody, ensemble.members[absent].spec(), None, "NoAuth"),
                (admin, "server.4=127.0.0.1:1:2:participant", None, "BadArguments"),  # no client port
                (admin, None, "1,2", "BadArguments"),  # too few voters
                (admin, ensemble.members[1].spec(OBSERVER), "2", "BadArguments")):
            reply = client.call("reconfig", joining=joining, leaving=leaving, members=None, config=-1)
            self.assertEqual(wire.ERRORS[reply.err], expected, (joining, leaving))
        leader = ensemble.leader()
        ensemble[next(sid for sid in (1, 2, 3) if sid != leader)].kill()
        harness.wait_until(lambda: metric(ensemble[leader], "zk_synced_followers") == "1", what="the leader to miss one")
        reply = admin.call("reconfig", joining=ensemble.members[absent].spec(), leaving=None, members=None, config=-1)
        self.assertEqual(reply.err, -13)  # NewConfigNoQuorum: two of four are in step
        admin.end()
        self.assertTrue(config_of(ensemble[ensemble.leader()]).endswith(b"version=100000000"))

    def test_without_acls_anybody_may(self):
        ensemble = self.ensemble([AGENT, APACHE, AGENT], skipACL="yes")
        client = ensemble.client(1)
        body = client.must("reconfig", joining=ensemble.members[2].spec(OBSERVER), leaving=None, members=None, config=-1)
        client.end()
        ensemble.wait_config(body["data"], [1, 2, 3])
        ensemble.wait_mode(2, "observer")

    def test_it_is_shown(self):
        """Admin commands, words and a reload go by the members as they are now."""
        ensemble = self.ensemble([AGENT] * 3)
        text = ensemble.reconfig(3, joining=ensemble.members[1].spec(OBSERVER))
        ensemble.wait_config(text, [1, 2, 3])
        ensemble.wait_mode(1, "observer")
        for sid in (1, 2, 3):
            server = ensemble[sid]
            self.assertEqual(sorted(self.command(server, "voting_view")["current_config"]), ["2", "3"])
            self.assertEqual(self.command(server, "zabstate")["voting"], sid != 1)
            self.assertIn(text.decode(), server.word("conf"))
            self.assertIn("peerType=%d\n" % (sid == 1), server.word("conf"))
            server.process.send_signal(signal.SIGHUP)
            harness.wait_until(lambda: "settings: nothing has changed" in server.log_tail(), 20, "the reload")

    @staticmethod
    def command(server, name):
        with urllib.request.urlopen("http://127.0.0.1:%d/commands/%s" % (server.admin_port, name), timeout=10) as answer:
            return json.load(answer)

    def test_a_whole_list_replaces_another(self):
        ensemble = self.ensemble([AGENT, AGENT, APACHE])
        sids = [ensemble.add_member(program, PARTICIPANT) for program in (AGENT, APACHE)]
        for sid in sids:
            ensemble.introduce(sid, [1, 2, 3])
        ensemble.start(sids)
        members = ",".join(ensemble.members[sid].spec() for sid in [1] + sids)
        version = int(re.search(rb"version=(\w+)$", config_of(ensemble[1])).group(1), 16)
        client = ensemble.admin(1)
        refused = client.call("reconfig", joining=None, leaving=None, members=members, config=version + 1)
        self.assertEqual(wire.ERRORS[refused.err], "BadVersion")
        client.end()
        text = ensemble.reconfig(1, members=members, version=version)
        ensemble.wait_config(text, [1] + sids)
        ensemble[2].kill()
        ensemble[3].kill()
        harness.wait_until(lambda: any(ensemble.mode(sid) == "leader" for sid in [1] + sids), 60, "a leader")
        self.assert_writes(ensemble, [1] + sids, "others")


class Addresses(Changing):
    def move(self, ensemble, sid, **ports):
        member = ensemble.members[sid]
        for name, port in ports.items():
            setattr(member, name, port)
        if "client_port" in ports:
            member.server.port = ports["client_port"]
        return member.spec()

    def test_a_client_port_moves_and_who_is_connected_stays(self):
        for program in (AGENT, APACHE):
            ensemble = self.ensemble([AGENT, AGENT, program], **STEADY)
            stays = ensemble.client(1)
            former = ensemble[1].port
            spec = self.move(ensemble, 1, client_port=harness.free_port())
            text = ensemble.reconfig(2, joining=spec)
            ensemble.wait_config(text, [1, 2, 3])
            self.assertIn(b";127.0.0.1:%d\n" % ensemble[1].port, text)
            with self.assertRaises(ConnectionRefusedError):
                wire.Connection(("127.0.0.1", former))
            stays.create("/stays", b"")
            stays.end()
            ensemble[1].restart()
            self.assert_writes(ensemble, [1, 2, 3], "moved")
            ensemble.stop()

    def test_ports_between_servers_move(self):
        for programs in ([AGENT] * 3, [APACHE, AGENT, APACHE]):
            ensemble = self.ensemble(programs)
            for sid in (1, 2, 3):
                spec = self.move(ensemble, sid, quorum_port=harness.free_port(), election_port=harness.free_port())
                text = ensemble.reconfig(1 + sid % 3, joining=spec)
                ensemble.wait_config(text, [1, 2, 3])
                self.assert_writes(ensemble, [1, 2, 3], "moved-%d" % sid)
            ensemble[ensemble.leader()].kill()
            rest = [sid for sid in (1, 2, 3) if ensemble[sid].alive()]
            for sid in rest:
                ensemble.wait_mode(sid, "leader", "follower")
            self.assert_writes(ensemble, rest, "elected-anew")
            ensemble.stop()


class UnderLoad(Changing):
    """While clients write, and one keeps a session and its ephemeral znode, also where it is connected to a server that
    leaves."""

    def setUp(self):
        harness.need_kazoo()

    def keeper(self, ensemble):
        hosts = ",".join(ensemble[sid].address for sid in sorted(ensemble.members))
        client = KazooClient(hosts=hosts, timeout=60, auth_data=[("digest", "super:admin")])
        client.start(timeout=30)
        client.create("/kept", b"mine", ephemeral=True)
        self.addCleanup(client.close)
        self.addCleanup(client.stop)
        return client, client.client_id[0]

    def change_all(self, programs, newcomers):
        """Every member is replaced by another, one at a time, through kazoo's reconfig()."""
        ensemble = self.ensemble(programs, maxSessionTimeout=120000, snapCount=1000)
        sids = sorted(ensemble.members)
        fresh = []
        for program in newcomers:
            sid = ensemble.add_member(program, PARTICIPANT)
            ensemble.introduce(sid, sids)
            fresh.append(sid)
        ensemble.start(fresh)
        client, session = self.keeper(ensemble)
        writers = Writers(ensemble)
        for sid, old in zip(fresh, sids):
            writers.wait_for(100)
            self.change(client, joining=ensemble.members[sid].spec(), leaving=str(old))
        harness.wait_until(lambda: any(ensemble.mode(sid) == "leader" for sid in fresh), 60, "a leader among the new")
        writers.wait_for(100)
        for sid in sids:
            ensemble[sid].terminate()
        writers.wait_for(100)
        writers.stop()
        text = config_of(ensemble[fresh[0]])
        ensemble.wait_config(text, fresh)
        self.assertEqual(sorted(int(sid) for sid in re.findall(rb"server\.(\d+)=", text)), fresh)
        self.assert_whole(ensemble, fresh, writers)
        harness.wait_until(lambda: client.connected, 60, "the kept session to be connected")
        self.assertEqual(client.client_id[0], session)
        self.assertEqual(client.exists("/kept").owner_session_id, session)

    def change(self, client, joining, leaving):
        """A change that is cut off by the end of a connection may have been made: then it is made again, or is none."""
        def changed():
            try:
                client.reconfig(joining=joining, leaving=leaving, new_members=None)
                return True
            except Exception as error:  # pylint: disable=broad-except
                if type(error).__name__ in ("ConnectionLoss", "NewConfigNoQuorumError", "ReconfigInProcessError",
                                            "SessionExpiredError", "UnimplementedError", "ConnectionClosedError"):
                    return False
                raise
        harness.wait_until(changed, 60, "the members to change")

    def test_all_agents_are_replaced_by_others(self):
        self.change_all([AGENT] * 3, [AGENT] * 3)

    def test_apache_s_are_replaced_by_agents(self):
        self.change_all([APACHE] * 3, [AGENT] * 3)

    def test_agents_are_replaced_by_apache_s(self):
        self.change_all([AGENT] * 3, [APACHE] * 3)


class Killed(Changing):
    """All at once, at any moment of a change: they come to one configuration again, the one before or the one after."""

    def test_while_the_members_change(self):
        for programs in ([AGENT] * 4, [AGENT, APACHE, AGENT, APACHE]):
            ensemble = self.ensemble(programs)
            sids = [1, 2, 3, 4]
            for attempt in range(6):
                spec = ensemble.members[4].spec(PARTICIPANT if attempt % 2 else OBSERVER)
                client = ensemble.admin(1)
                before = ensemble[2].files()
                client.submit("reconfig", joining=spec, leaving=None, members=None, config=-1)
                if attempt > 3:
                    harness.wait_until(lambda: ensemble[2].files() != before, 20, "the change to be on a disk")
                for sid in sids:
                    ensemble[sid].kill()
                client.close()
                ensemble.start(sids)
                text = config_of(ensemble[1])
                ensemble.wait_config(text, sids)
                self.assert_writes(ensemble, sids, "after-%d" % attempt)
            ensemble.stop()


class Files(Changing):
    """What one has written the other starts on."""

    def become(self, ensemble, sid, program):
        """As Member.become, with the directory of zoo.cfg too."""
        before = ensemble[sid]
        before.terminate()
        if isinstance(before, AGENT) and issubclass(program, APACHE):
            ensemble.export(before)
        after = program(dict(before.settings))
        harness.shutil.rmtree(after.directory)
        after.directory, after.data_dir, after.port = before.directory, before.data_dir, before.port
        after.log_path = before.log_path
        ensemble.members[sid].server = after
        ensemble.start([sid])

    def test_from_agent_to_apache_s_and_back(self):
        ensemble = self.ensemble([AGENT, APACHE, AGENT], reconfigEnabled="true")
        for sid in (1, 2, 3):
            self.assertIn("zoo.cfg.bak", ensemble[sid].files())
            self.assertNotIn("\nserver.", ensemble[sid].zoo_cfg())
            self.assertNotIn("\nclientPort=", ensemble[sid].zoo_cfg())
            self.assertRegex(ensemble[sid].zoo_cfg(), r"(?m)^dynamicConfigFile=\S+/zoo.cfg.dynamic.100000000$")
        text = ensemble.reconfig(1, joining=self.demote(ensemble, 1))
        ensemble.wait_config(text, [1, 2, 3])
        for programs in ((APACHE, AGENT, APACHE), (AGENT, APACHE, AGENT)):
            for sid, program in zip((1, 2, 3), programs):
                self.become(ensemble, sid, program)
                ensemble.wait_config(text, [1, 2, 3])
                self.assert_writes(ensemble, [1, 2, 3], "%s-%d-%s" % (program.name.split()[0], sid, programs[0].name[0]))
        text = ensemble.reconfig(2, joining=ensemble.members[1].spec())
        ensemble.wait_config(text, [1, 2, 3])

    @staticmethod
    def demote(ensemble, sid):
        """Its weight in the quorum goes, and its place stays."""
        return ensemble.members[sid].spec(OBSERVER)

    def test_a_zoo_cfg_put_back_to_the_first_day_changes_nothing(self):
        """[7.5 3829 3830]"""
        ensemble = self.ensemble([AGENT] * 3)
        sid = self.join(ensemble, AGENT, [1, 2, 3], 2)
        text = self.leave(ensemble, 1, [2, 3, sid])
        ensemble[1].kill()
        for other in (2, 3):
            ensemble[other].kill()
            harness.shutil.copy(ensemble[other].directory + "/zoo.cfg.bak", ensemble[other].directory + "/zoo.cfg")
        ensemble.start([2, 3])
        ensemble.wait_config(text, [2, 3, sid])
        self.assert_writes(ensemble, [2, 3, sid], "as-it-was")


if __name__ == "__main__":
    harness.main()
