#!/usr/bin/python3
"""What agents do among themselves: on while every voter is an agent, and nothing to an Apache server, which is shown it too."""
# sanitizers: no (on loopback a library is preloaded, and their runtime wants to be the first)
# limit: 900
import os
import time
import unittest

import network
from ensemble import AGENT, APACHE, Ensemble, harness, metric, read_at, wire
import local_wire
from local_wire import pb

NOTHING = "nothing"


class Capabilities(unittest.TestCase):
    def ensemble(self, programs, observers=(), **settings):
        ensemble = Ensemble(programs, observers, **settings)
        self.addCleanup(ensemble.stop)
        return ensemble

    def wait_on(self, ensemble, sids, is_on):
        for sid in sids:
            harness.wait_until(lambda sid=sid: (metric(ensemble[sid], "zk_zooid_capabilities") not in (None, NOTHING))
                               == is_on, 30, "capabilities of %d to be %s" % (sid, "on" if is_on else "off"))

    def write_and_read(self, ensemble, name):
        for sid in ensemble.members:
            client = ensemble.client(sid)
            client.create("/%s-%d" % (name, sid), b"x")
            client.end()
        for sid in ensemble.members:
            for other in ensemble.members:
                self.assertEqual(read_at(ensemble, sid, "/%s-%d" % (name, other)), b"x")

    def latest_takes_a_write(self, ensemble, sid):
        """Whether a linearizable read at the member's own door goes through the log."""
        local = local_wire.Client(os.path.join(ensemble[sid].data_dir, "zooid", "zooid.sock"))
        local.must(create=pb.Create(path="/latest-%d" % sid, data=b""))
        zxids = [local.must(get=pb.Get(path="/latest-%d" % sid, fresh=pb.Freshness(latest=True))).state.zxid
                 for _ in range(2)]
        local.must(close_session=pb.CloseSession())
        local.close()
        return zxids[1] > zxids[0]

    def test_apache_s_servers_do_not_see_the_record(self):
        """Both ways: agents show it to a leader of Apache's, as follower and as observer, and to followers and observers of
        Apache's."""
        ensemble = self.ensemble([AGENT, APACHE, APACHE], [AGENT])
        ensemble.start([2, 3])
        ensemble.start([1, 4])
        self.assertEqual((ensemble.mode(1), ensemble.mode(4)), ("follower", "observer"))
        self.write_and_read(ensemble, "apache-leads")
        self.wait_on(ensemble, [1, 4], False)
        self.assertEqual([self.latest_takes_a_write(ensemble, sid) for sid in (1, 4)], [True, True])

    def test_an_agent_shows_it_to_apache_s_followers(self):
        ensemble = self.ensemble([APACHE, APACHE, AGENT], [APACHE, AGENT])
        ensemble.start([1, 3])
        ensemble.start([2, 4, 5])
        self.assertEqual(ensemble.leader(), 3)
        self.write_and_read(ensemble, "agent-leads")
        self.wait_on(ensemble, [3, 5], False)
        self.assertEqual([self.latest_takes_a_write(ensemble, sid) for sid in (3, 5)], [False, False])

    def until_written(self, ensemble, sids):
        """Seconds until a write through one of the members succeeds."""
        begun = time.monotonic()

        def written():
            for sid in sids:
                try:
                    client = wire.Client((ensemble[sid].host, ensemble[sid].port), deadline_s=2.0)
                    if client.session is not None and client.session.id != 0:
                        client.must("setData", path="/w", data=b"", version=-1)
                        return True
                except (OSError, TimeoutError, wire.Malformed, AssertionError):
                    pass
            return False
        harness.wait_until(written, 60, "a write")
        return time.monotonic() - begun

    def check_missed(self, what, lose, find):
        """syncLimit would take 40 seconds; three rounds, each with a member that has just come back."""
        ensemble = network.Apart([AGENT] * 3, tickTime=4000)
        self.addCleanup(ensemble.stop)
        ensemble.start()
        self.wait_on(ensemble, [1, 2, 3], True)
        client = ensemble.client(1)
        client.create("/w", b"")
        client.end()
        for _ in range(3):
            leader = ensemble.leader()
            lose(ensemble, leader)
            seconds = self.until_written(ensemble, [sid for sid in ensemble.members if sid != leader])
            print("%s leader: %.0f ms until a write succeeded elsewhere" % (what, seconds * 1000))
            self.assertLess(seconds, 20)
            find(ensemble, leader)
            harness.wait_until(lambda leader=leader, ensemble=ensemble: ensemble.mode(leader) == "follower", 60, "it to follow")
            self.wait_on(ensemble, [1, 2, 3], True)

    def test_agents_miss_a_stopped_leader_soon(self):
        self.check_missed("stopped", lambda ensemble, sid: ensemble[sid].freeze(), lambda ensemble, sid: ensemble[sid].thaw())

    def test_agents_miss_an_isolated_leader_soon(self):
        self.check_missed("isolated", lambda ensemble, sid: ensemble.separate([sid], list(ensemble.members)),
                          lambda ensemble, sid: ensemble.heal())

    def test_one_apache_voter_switches_all_off_and_its_leaving_on(self):
        ensemble = self.ensemble([AGENT] * 3).start()
        self.wait_on(ensemble, [1, 2, 3], True)
        other = [sid for sid in ensemble.members if sid != ensemble.leader()][0]
        agents = [sid for sid in ensemble.members if sid != other]
        ensemble[other].terminate()
        self.wait_on(ensemble, agents, True)    # one that is away may be an agent still
        ensemble.members[other].become(APACHE)
        ensemble.start([other])
        self.wait_on(ensemble, agents, False)
        self.write_and_read(ensemble, "mixed")
        ensemble.replace(other, AGENT)
        self.wait_on(ensemble, [1, 2, 3], True)
        self.write_and_read(ensemble, "agents")

    def test_passwords_of_sessions(self):
        """Keyed while all voters are agents; nobody is cut off by an Apache voter that comes, or by its leaving."""
        ensemble = self.ensemble([AGENT] * 3, initLimit=40, maxSessionTimeout=120000).start()
        self.wait_on(ensemble, [1, 2, 3], True)
        keyed = self.wait_session(ensemble, 1, True)
        self.check_walk(ensemble.client(2))
        self.assertEqual(self.taken_up(ensemble, 2, keyed._replace(password=wire.guessable_password(keyed.id))), 0)
        self.assertEqual(self.taken_up(ensemble, 2, keyed), keyed.id)
        for member in ensemble.members.values():
            member.server.kill()
        ensemble.start()
        for sid in ensemble.members:
            self.assertEqual(self.taken_up(ensemble, sid, keyed), keyed.id)
        ensemble.replace(3, APACHE)
        self.wait_on(ensemble, [1, 2], False)
        plain = self.wait_session(ensemble, 1, False)
        for sid in ensemble.members:
            self.assertEqual(self.taken_up(ensemble, sid, plain), plain.id)
        self.assertEqual(self.taken_up(ensemble, 2, keyed), keyed.id)
        ensemble.replace(3, AGENT)
        self.wait_on(ensemble, [1, 2, 3], True)
        for sid in ensemble.members:
            for session in (keyed, plain):
                self.assertEqual(self.taken_up(ensemble, sid, session), session.id)
        self.wait_session(ensemble, 3, True)

    def check_walk(self, client):
        """As zkCli's `ls -R /` does it: the node with the key has its place in the tree, and nobody's eyes on it."""
        key, left, found = "/zookeeper/zooid/session_key", ["/"], []
        while left:
            found.append(left.pop())
            below = client.must("getChildren", path=found[-1], watch=False)["children"]
            left += [found[-1].rstrip("/") + "/" + name for name in below]
        self.assertIn(key, found)
        self.assertEqual(wire.ERRORS.get(client.call("getData", path=key, watch=False).err), "NoAuth")
        client.end()

    def wait_session(self, ensemble, sid, is_keyed):
        """A new session whose id says that its password is keyed, or not; its client goes without closing it."""
        def made():
            client = ensemble.client(sid, timeout=60000)
            client.close()
            return client.session if client.session is not None and bool(client.session.id >> 55 & 1) == is_keyed else None
        return harness.wait_until(made, 30, "a session with a password that is %skeyed" % ("" if is_keyed else "not "))

    def taken_up(self, ensemble, sid, session):
        """The id that the server gives the client which comes with it; 0: it is refused."""
        client = ensemble.client(sid, session=session)
        client.close()
        return client.session.id


if __name__ == "__main__":
    network.enter()
    harness.main()
