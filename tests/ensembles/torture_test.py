#!/usr/bin/python3
"""Ensembles of agents with small limits, tortured at random: members are stopped, killed, frozen, emptied, left behind, given
other settings, taken out and in, while clients of every kind go on. In the end nothing acknowledged is lost, all trees are
equal to the last stat field, every process has ended in time whenever it was told to, and every directory is sound.

    ZOOID_SEED=n tests/ensembles/torture_test.py    one run, with the choices of that seed; a run prints its own
    ZOOID_KEEP=DIR                                  where the members' directories are copied to when it fails"""
# limit: 600
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import unittest

from changing import ChangingEnsemble, config_of
from ensemble import OBSERVER, PARTICIPANT, caught_up, export, harness, metric
from faults_test import differences, shown

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "plugins"))
import supervised  # noqa: E402

from authority import Authority  # noqa: E402

import torture_load  # noqa: E402
import torture_settings  # noqa: E402
from tortured import REPAIRABLE, TorturedAgent, check_data  # noqa: E402

LONG = os.environ.get("ZOOID_LONG") == "1"
SEED, KEEP = os.environ.get("ZOOID_SEED"), os.environ.get("ZOOID_KEEP")
VOTERS, OBSERVERS = (3, 3, 3, 4, 5), (0, 1, 2)
RUNS, EVENTS = (20, 40) if LONG else (3, 6)
BEHIND = 700    # more txns than are kept in memory
STOP_S = 40    # the longest drain, plugins, a checkpoint and a snapshot; a machine that is busy
ZOOID = os.path.join(os.path.dirname(harness.AGENT), "zooid")
# What a change of the members may be answered when it does not happen: no quorum is in step, or another change is under way.
NOT_NOW = (-13, -14)


class Ordeal:
    """One ensemble, from its start to its end."""

    def __init__(self, seed, stores):
        self.random = random.Random(seed)
        voters, observers = self.random.choice(VOTERS), self.random.choice(OBSERVERS)
        common = torture_settings.common(self.random, harness.free_port, stores)
        self.ensemble = ChangingEnsemble([TorturedAgent] * voters, [TorturedAgent] * observers, **common)
        for member in self.ensemble.members.values():
            member.server.settings.update(torture_settings.drawn(self.random, torture_settings.OWN))
        self.sids = sorted(self.ensemble.members)
        if self.random.random() < 0.3:
            self.load_plugins(self.random.choice(self.sids))
        self.voters = set(self.sids[:voters])
        self.away = {}    # sid: what brings it back
        self.loads = torture_load.Loads(self.ensemble, self.random)
        self.events = [event for event, weight in self.WEIGHTS.items() for _ in range(weight)]

    def load_plugins(self, sid):
        """The member's own host of plugins, with those that write to the tree."""
        server = self.ensemble[sid]
        files = supervised.Supervisor(os.path.join(server.directory, "plugins"), "unused")
        files.write_config(socket=None)
        for name in ("discovery", "health"):
            with open(os.path.join(files.files, name + ".conf"), "w", encoding="utf-8") as file:
                file.write('plugin = "%s";\n' % os.path.join(supervised.plugin_rig.BUILD, "lib/zooid/plugins", name + ".so"))
        server.settings["zooid.plugins"] = files.config

    def say(self, *words):
        print("   ", *words, flush=True)

    def begin(self):
        self.ensemble.start()
        self.loads.start()
        self.loads.wait_for(50)

    def step(self):
        sid, event, more = self.random.choice(self.sids), self.random.choice(self.events), self.random.choice([0, 20, 200, 800])
        if sid in self.away or len((set(self.away) | {sid}) & self.voters) * 2 >= len(self.voters):
            self.bring_back()
        self.say(event, sid, more, "away: %s" % sorted(self.away))
        getattr(self, event)(sid)
        self.wait_for(more)

    def wait_for(self, more, without=None):
        """So many more writes, if there are voters enough for any."""
        if len((set(self.away) | {without}) & self.voters) * 2 < len(self.voters):
            self.loads.wait_for(more)

    # Members that are not there

    def bring_back(self):
        for back in list(self.away.values()):
            back()
        self.away = {}

    def settle(self):
        self.bring_back()
        for sid in self.sids:
            self.ensemble.wait_serving(sid)

    def ended(self, sid):
        """In time, and with data that are sound; who is killed, or was not in step, may leave what a start puts right."""
        server = self.ensemble[sid]
        try:
            server.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise AssertionError("server %d does not end:\n%s" % (sid, server.log_tail(40))) from None
        server.check_exit()
        is_whole = server.process.returncode == 0 and server.was_in_step()
        check_data(server, 0 if is_whole else REPAIRABLE)

    def end(self, sids, number):
        for sid in sids:
            self.ensemble[sid].exit_codes_expected.add(-number)
            self.ensemble[sid].process.send_signal(number)
        for sid in sids:
            self.ended(sid)
            self.ensemble[sid].exit_codes_expected.discard(-number)

    def leave(self, sid):
        self.away[sid] = self.ensemble[sid].launch

    # Events

    def stop(self, sid):
        self.end([sid], signal.SIGTERM)
        self.leave(sid)

    def kill(self, sid):
        self.end([sid], signal.SIGKILL)
        self.leave(sid)

    def restart(self, sid):
        """At once, and perhaps once more while it catches up."""
        self.end([sid], self.random.choice([signal.SIGTERM, signal.SIGKILL]))
        self.ensemble[sid].launch()
        self.wait_for(self.random.choice([1, 10, 50]))
        if self.random.random() < 0.7:
            self.end([sid], self.random.choice([signal.SIGTERM, signal.SIGKILL]))
            self.ensemble[sid].launch()

    def stop_leader(self, _sid):
        self.settle()
        leader = self.ensemble.leader()
        self.end([leader], self.random.choice([signal.SIGTERM, signal.SIGKILL]))
        self.leave(leader)

    def freeze(self, sid):
        self.ensemble[sid].freeze()
        self.away[sid] = self.ensemble[sid].thaw

    def end_all(self, _sid):
        self.bring_back()
        self.end(self.sids, self.random.choice([signal.SIGTERM, signal.SIGKILL]))
        for sid in self.sids:
            self.ensemble[sid].launch()

    def wipe(self, sid):
        """Nothing may rest on what it had: all others are in step, and a quorum of them has more than it."""
        self.settle()
        self.end([sid], signal.SIGKILL)
        self.wait_for(50, without=sid)
        for name in ("version-2", "zooid"):
            shutil.rmtree(os.path.join(self.ensemble[sid].data_dir, name), ignore_errors=True)
        self.ensemble[sid].launch()
        if self.random.random() < 0.5:
            self.wait_for(self.random.choice([1, 5, 20]))
            self.end([sid], self.random.choice([signal.SIGTERM, signal.SIGKILL]))
            self.ensemble[sid].launch()
        self.ensemble.wait_serving(sid)

    def fall_behind(self, sid):
        self.settle()
        self.end([sid], self.random.choice([signal.SIGTERM, signal.SIGKILL]))
        self.wait_for(BEHIND, without=sid)
        self.ensemble[sid].launch()
        self.wait_for(5)
        if self.random.random() < 0.4:
            self.end([self.random.choice(self.sids)], signal.SIGTERM)
            self.relaunch()

    def relaunch(self):
        for sid in self.sids:
            if not self.ensemble[sid].alive():
                self.ensemble[sid].launch()

    def export(self, sid):
        self.end([sid], self.random.choice([signal.SIGTERM, signal.SIGKILL]))
        export(self.ensemble[sid])
        check_data(self.ensemble[sid], REPAIRABLE)
        self.ensemble[sid].launch()

    def reload(self, sid):
        self.ensemble.wait_serving(sid)
        self.ensemble[sid].set(torture_settings.reloaded(self.random))
        self.ensemble[sid].process.send_signal(signal.SIGHUP)

    def backup(self, sid):
        """It may break off, but what is whole can be restored."""
        server = self.ensemble[sid]
        path = os.path.join(server.directory, "backup")
        for name in (path, path + ".data"):
            shutil.rmtree(name, ignore_errors=True)
        command = [ZOOID, "-S", os.path.join(server.data_dir, "zooid", "zooid.sock"), "backup", path]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        if done.returncode != 0:
            self.say("no backup:", done.stdout.strip())
            return
        done = subprocess.run([harness.AGENT, "--restore", path, path + ".data"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise AssertionError("--restore: " + done.stdout)

    def reconfig(self, sid):
        """One voter less, or one more; sometimes somebody is killed meanwhile."""
        self.settle()
        member = self.ensemble.members[sid]
        if sid not in self.voters:
            change = {"joining": member.spec(PARTICIPANT), "leaving": None}
        elif len(self.voters) <= 2:
            return
        elif self.random.random() < 0.5:
            change = {"joining": member.spec(OBSERVER), "leaving": None}
        else:
            change = {"joining": None, "leaving": str(sid)}
        killed = self.random.choice(self.sids) if self.random.random() < 0.4 else None
        self.ask_for(change, killed)
        self.learn_voters()

    def admin(self):
        try:
            return self.ensemble.admin(self.random.choice(self.sids))
        except (AssertionError, OSError):
            return None    # it looks for its leader

    def ask_for(self, change, killed):
        client = harness.wait_until(self.admin, 60, "somebody to ask for a change")
        client.submit("reconfig", members=None, config=-1, **change)
        if killed is not None:
            self.end([killed], signal.SIGKILL)
            self.ensemble[killed].launch()
        try:
            reply = client.next_reply("reconfig")
        except TimeoutError:
            reply = None
        client.close()
        if reply is not None and reply.err not in (0,) + NOT_NOW:
            raise AssertionError("reconfig %r: %r" % (change, reply))
        self.say("reconfig", change, "->", reply and reply.err)

    def learn_voters(self):
        self.settle()
        text = None

        def told():
            nonlocal text
            try:
                text = config_of(self.ensemble[self.random.choice(self.sids)])
            except (OSError, AssertionError, AttributeError):
                return False
            return True
        harness.wait_until(told, 60, "the members as they are")
        self.ensemble.wait_config(text, self.sids)
        self.voters = {int(sid) for sid in re.findall(rb"server\.(\d+)=\S*:participant", text)}
        self.say("voters:", sorted(self.voters))

    WEIGHTS = {"stop": 4, "kill": 3, "restart": 4, "stop_leader": 3, "freeze": 3, "end_all": 2, "wipe": 2, "fall_behind": 3,
               "export": 2, "reload": 3, "backup": 2, "reconfig": 3}

    # The end

    def finish(self):
        self.settle()
        self.loads.wait_for(20)
        self.loads.stop()
        for writer in self.loads.writers:
            self.look_at(writer)
        self.wait_perished()
        self.wait_equal()
        for sid in self.sids:
            if metric(self.ensemble[sid], "zk_digest_mismatches_count") != "0":
                raise AssertionError("digests differed at server %d" % sid)
        self.end(self.sids, signal.SIGTERM)
        self.read_logs()

    def look_at(self, writer):
        """What it finds is what it should."""
        def found():
            try:
                writer.finish(self.ensemble[self.random.choice(self.sids)])
            except OSError:
                return False
            return True
        harness.wait_until(found, 60, "%s to look at its nodes" % writer.root)

    def wait_perished(self):
        """What nobody keeps is deleted."""
        left = []

        def gone():
            try:
                client = caught_up(self.ensemble, self.random.choice(self.sids))
                left[:] = [path + "/" + name for path in (torture_load.PERISHABLE, torture_load.BRIEF)
                           for name in client.must("getChildren", path=path, watch=0)["children"]]
                client.end()
            except (AssertionError, AttributeError, OSError) as error:
                left[:] = [str(error)]
            return not left
        try:
            harness.wait_until(gone, 60, "all that perishes to be gone")
        except AssertionError as error:
            raise AssertionError("%s: %r" % (error, left[:10])) from None

    def wait_equal(self):
        told = []

        def equal():
            try:
                trees = {sid: shown(self.ensemble, sid) for sid in self.sids}
            except (AssertionError, AttributeError, OSError) as error:    # it has just gone on, and looks for its leader
                told[:] = [str(error)]
                return False
            first = trees[self.sids[0]]
            told[:] = ["server %d: %s" % (sid, difference) for sid, tree in trees.items()
                       for difference in [differences(first, tree)] if difference]
            for mirror in self.loads.mirrors:
                told.extend(self.mirror_lacks(mirror, first))
            return not told
        try:
            harness.wait_until(equal, 60, "equal trees")
        except AssertionError as error:
            raise AssertionError("%s: %s" % (error, "\n".join(told)[:4000])) from None

    def mirror_lacks(self, mirror, tree):
        """It goes on at some member until it shows what is there."""
        def shows():
            try:
                mirror.catch_up(self.ensemble[self.random.choice(self.sids)], tree)
            except OSError:
                pass
            except AssertionError as error:
                mirror.failure = error
            return mirror.failure or not mirror.shows(tree)
        try:
            harness.wait_until(shows, 10)
        except AssertionError:
            pass
        self.loads.acknowledged()    # tells of failures
        return ["a copy, %d frames: %s" % (mirror.frames, mirror.shows(tree)[:10])] if mirror.shows(tree) else []

    def read_logs(self):
        for sid in self.sids:
            told = self.ensemble[sid].harm()
            if told:
                raise AssertionError("server %d: %s" % (sid, told[:5]))

    def keep(self, directory):
        for sid, member in self.ensemble.members.items():
            shutil.copytree(member.server.directory, os.path.join(directory, str(sid)), dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("*.sock"))


class Torture(unittest.TestCase):
    def setUp(self):
        authority = Authority()
        self.addCleanup(authority.remove)
        hosts = range(1, 1 + max(VOTERS) + max(OBSERVERS))
        authority.make("server", "/O=zooid/CN=server", hosts=",".join("IP:127.0.0.%d" % host for host in hosts))
        self.stores = {"ssl.quorum.keyStore.location": authority.path("server.pem"),
                       "ssl.quorum.trustStore.location": authority.path("ca.crt"), "ssl.quorum.trustStore.type": "PEM"}

    def endure(self, seed):
        print("ZOOID_SEED=%d" % seed, flush=True)
        ordeal = Ordeal(seed, self.stores)
        self.addCleanup(ordeal.ensemble.stop)
        try:
            ordeal.begin()
            for _ in range(EVENTS):
                ordeal.step()
            ordeal.finish()
        except BaseException as error:
            print("ZOOID_SEED=%d: %s" % (seed, error), flush=True)
            if KEEP is not None:
                ordeal.keep(os.path.join(KEEP, str(seed)))
            raise
        finally:
            for load in ordeal.loads.all:
                load.stopped.set()
        ordeal.ensemble.stop()

    def test_torture(self):
        for _ in range(1 if SEED else RUNS):
            self.endure(int(SEED) if SEED else int.from_bytes(os.urandom(4), "big"))


if __name__ == "__main__":
    harness.main()
