#!/usr/bin/python3
"""Members that are killed, stopped, emptied or left behind while clients write: nothing acknowledged is lost, and in the
end every member has the same tree to the last stat field."""
# limit: 900
import os
import shutil
import signal
import sys
import threading
import unittest

from ensemble import AGENT, Ensemble, caught_up, harness, metric, wire

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "agent"))
from trees import differences, read_tree  # noqa: E402

SUPER = b"super:admin"


class Writers:
    """Threads that create znodes through whichever member serves them, of `sids` when they are given, and note what was
    acknowledged."""

    def __init__(self, ensemble, count=3, sids=None):
        self.ensemble, self.stopped, self.acknowledged = ensemble, threading.Event(), []
        self.sids = sorted(sids or ensemble.members)
        self.threads = [threading.Thread(target=self.write, args=(number,), daemon=True) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def connect(self, sid):
        client = wire.Client((self.ensemble[sid].host, self.ensemble[sid].port), deadline_s=5.0)
        return client if client.session is not None and client.session.id != 0 else None

    def write(self, number):
        attempt = 0
        while not self.stopped.is_set():
            try:
                client = self.connect(self.sids[(number + attempt) % len(self.sids)])
                while client is not None and not self.stopped.is_set():
                    path = "/w%d-%d" % (number, attempt)
                    attempt += 1
                    reply = client.call("create", path=path, data=path.encode(), acl=wire.OPEN_ACL, flags=0)
                    if reply is None:
                        break
                    if reply.err == 0:
                        self.acknowledged.append(path)
            except (OSError, TimeoutError, wire.Malformed):
                pass
            attempt += 1

    def wait_for(self, more):
        goal = len(self.acknowledged) + more
        harness.wait_until(lambda: len(self.acknowledged) >= goal, 60, "%d more writes" % more)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)


def shown(ensemble, sid):
    """The member's tree once it has caught up, but for what each member sets itself."""
    caught_up(ensemble, sid).end()
    tree = read_tree(ensemble[sid])
    return {path: node for path, node in tree.items() if path != "/zookeeper/config"}


def assert_whole(test, ensemble, writers, counting=None):
    """What was acknowledged is there; the trees are equal; no digest differed, at any member or those that are `counting`."""
    for sid in ensemble.members:
        ensemble.wait_serving(sid)
    sids = sorted(ensemble.members)
    first = shown(ensemble, sids[0])
    lost = [path for path in writers.acknowledged if first.get(path, (None,))[0] != path.encode()]
    test.assertEqual(lost, [])
    for sid in sids[1:]:
        test.assertEqual(differences(first, shown(ensemble, sid)), "", "server %d" % sid)
    for sid in sids if counting is None else counting:
        test.assertIn(metric(ensemble[sid], "zk_digest_mismatches_count"), ("0", None), "at server %d" % sid)


def logged(server, what):
    directory = os.path.join(server.data_dir, "version-2")
    for name in os.listdir(directory):
        if name.startswith("log."):
            with open(os.path.join(directory, name), "rb") as log:
                if what in log.read():
                    return True
    return False


class Faults(unittest.TestCase):
    def ensemble(self, programs=(AGENT,) * 3, observers=(), **settings):
        ensemble = Ensemble(list(programs), observers, **settings)
        self.addCleanup(ensemble.stop)
        return ensemble.start()

    def assert_whole(self, ensemble, writers):
        assert_whole(self, ensemble, writers)

    def test_members_are_killed_in_turn(self):
        ensemble = self.ensemble(observers=[AGENT])
        writers = Writers(ensemble)
        for sid in (ensemble.leader(), 1, 4, 2, 3):
            writers.wait_for(200)
            ensemble[sid].kill()
            writers.wait_for(200)
            ensemble[sid].launch()
            ensemble.wait_serving(sid)
        ensemble[ensemble.leader()].kill()
        writers.wait_for(200)
        writers.stop()
        for sid in ensemble.members:
            if not ensemble[sid].alive():
                ensemble[sid].launch()
        self.assert_whole(ensemble, writers)

    def test_all_are_killed_at_once(self):
        ensemble = self.ensemble(snapCount=500)
        writers = Writers(ensemble)
        for _ in range(3):
            writers.wait_for(300)
            for sid in ensemble.members:
                ensemble[sid].process.send_signal(signal.SIGKILL)
            for sid in ensemble.members:
                ensemble[sid].kill()
            for sid in ensemble.members:
                ensemble[sid].launch()
            ensemble.leader()
        writers.wait_for(100)
        writers.stop()
        self.assert_whole(ensemble, writers)

    def test_a_leader_that_has_logged_nothing_ends_and_starts_again(self):
        """Its last checkpoint is labelled with the beginning of its epoch, which is the zxid of no record."""
        ensemble = self.ensemble()
        for _ in range(3):
            leader = ensemble.leader()
            ensemble[leader].terminate()
            ensemble.start([leader])

    def test_a_leader_that_is_stopped_leads_no_more_when_it_goes_on(self):
        ensemble = self.ensemble(initLimit=4, syncLimit=2)
        writers = Writers(ensemble)
        writers.wait_for(200)
        stopped = ensemble.leader()
        ensemble[stopped].freeze()
        rest = [sid for sid in ensemble.members if sid != stopped]
        harness.wait_until(lambda: "leader" in [ensemble.mode(sid) for sid in rest], 60, "another leader")
        writers.wait_for(200)
        ensemble[stopped].thaw()
        harness.wait_until(lambda: ensemble.mode(stopped) == "follower", 60, "the leader of before to follow")
        writers.wait_for(200)
        writers.stop()
        self.assert_whole(ensemble, writers)

    def test_a_member_without_data_and_one_far_behind_catch_up(self):
        ensemble = self.ensemble(snapCount=200)
        writers = Writers(ensemble)
        writers.wait_for(100)
        emptied, behind = [sid for sid in ensemble.members if sid != ensemble.leader()][0], ensemble.leader()
        ensemble[emptied].kill()
        for name in ("version-2", "zooid"):
            shutil.rmtree(os.path.join(ensemble[emptied].data_dir, name), ignore_errors=True)
        writers.wait_for(1000)
        ensemble[emptied].launch()
        ensemble.wait_serving(emptied)
        ensemble[behind].kill()
        writers.wait_for(2000)
        ensemble[behind].launch()
        ensemble.wait_serving(behind)
        writers.wait_for(100)
        writers.stop()
        self.assert_whole(ensemble, writers)

    def test_what_only_the_leader_has_is_given_up(self):
        """[7.3 1154] Both followers are stopped, and killed before they go on: the leader logs writes that it may not acknowledge."""
        ensemble = self.ensemble(tickTime=4000, **{"zooid.failureDetectionMs": 0})
        writers = Writers(ensemble)
        writers.wait_for(200)
        writers.stop()
        leader = ensemble.leader()
        rest = [sid for sid in ensemble.members if sid != leader]
        client = ensemble.client(leader)
        ensemble.freeze(rest)
        for number in range(20):
            client.submit("create", path="/alone-%d" % number, data=b"", acl=wire.OPEN_ACL, flags=0)
        harness.wait_until(lambda: logged(ensemble[leader], b"/alone-19"), 30, "the log")
        for sid in rest:
            ensemble[sid].kill()
        ensemble[leader].kill()
        client.close()
        ensemble.start(rest)
        more = Writers(ensemble)
        more.wait_for(100)
        ensemble[leader].launch()
        ensemble.wait_serving(leader)
        more.wait_for(100)
        more.stop()
        more.acknowledged += writers.acknowledged
        self.assert_whole(ensemble, more)
        self.assertNotIn("/alone-0", shown(ensemble, leader))


if __name__ == "__main__":
    harness.main()
