#!/usr/bin/python3
"""Clients and agents in namespaces of their own, as in containers: who a client is stays what the kernel says of its uid, and
where the agent cannot see the process, the end of its socket is what ends the session."""
import os
import signal
import subprocess
import sys

import harness
import local_wire
from linger_test import LONG_MS, Holder
from local_wire import pb

UNSHARE = harness.need_program("unshare", "util-linux")
USER = [UNSHARE, "--user"]
PID = [UNSHARE, "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
if subprocess.run([*PID, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
    harness.skip("this system permits no namespaces")


def child_of(pid):
    """The process that it has forked, as seen from here."""
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as children:
        return int(children.read().split()[0])


class Inside(Holder):
    """A holder in a pid namespace: the process that counts is the child of the one that was started."""

    def __init__(self, path, node, **options):
        super().__init__(path, node, prefix=PID, **options)
        self.pid = child_of(self.process.pid)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()


class Case(harness.ServerTestCase):
    settings = {"tickTime": 100, "maxSessionTimeout": LONG_MS}

    def setUp(self):
        self.path = os.path.join(self.server.data_dir, "zooid", "zooid.sock")
        self.observer = local_wire.Client(self.path)
        self.addCleanup(self.observer.close)
        self.base = self.observer.must(create=pb.Create(path="/t-", sequential=True)).node.path
        self.node = self.base + "/e"
        self.observer.must(add_watch=pb.AddWatch(path=self.base, mode=pb.WATCH_RECURSIVE))

    def hold(self, kind, **options):
        holder = kind(self.path, self.node, timeout_ms=LONG_MS, **options)
        self.addCleanup(holder.end)
        self.assertTrue(self.is_there())
        return holder

    def is_there(self):
        return not self.observer.call(exists=pb.Exists(path=self.node)).HasField("error")

    def is_gone(self):
        """Waits until the ephemeral has been deleted."""
        while True:
            event = self.observer.next_event()
            if event.watch.kind == pb.EVENT_DELETED and event.watch.path == self.node:
                return


class ClientsInContainers(Case):
    """The agent is outside, and above them all."""

    def identities(self, *prefix):
        code = ("import sys; sys.path[:0] = %r; import local_wire as l; c = l.Client(%r); "
                "print(*(i.id for i in c.must(who_am_i=l.pb.WhoAmI()).identities.identity if i.scheme == 'unix'))")
        done = subprocess.run([*prefix, sys.executable, "-c", code % (sys.path, self.path)], stdout=subprocess.PIPE,
                              text=True, check=True)
        return done.stdout.split()

    def test_whoever_it_believes_to_be_its_uid_outside_counts(self):
        outside = self.identities()
        self.assertIn("uid:%d" % os.getuid(), outside)
        self.assertEqual(self.identities(*USER)[0], outside[0])   # there it is the overflow uid, nobody
        self.assertEqual(self.identities(*PID)[0], outside[0])    # there it is root

    def test_its_death_ends_the_session_at_once(self):
        self.hold(Inside).kill()
        self.is_gone()

    def test_a_child_of_it_keeps_nothing(self):
        """The whole namespace ends with its first process, and so does whoever holds the socket."""
        self.hold(Inside, shares=True).kill()
        self.is_gone()


class AgentInContainer(Case):
    """Its clients are outside of its pid namespace: the kernel names no process to it."""

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Agent(cls.settings)
        cls.server.prefix = lambda: PID
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        # It does not hear of SIGTERM; its agent ends with it.
        cls.addClassCleanup(cls.server.kill)

    def test_the_end_of_the_socket_ends_the_session(self):
        self.hold(Holder).kill()
        self.is_gone()

    def test_at_the_latest_that_of_the_last_one_who_holds_it(self):
        """An agent built where there is SO_PEERPIDFD sees the process itself die, even so."""
        holder = self.hold(Holder, shares=True)
        holder.kill()
        os.kill(holder.child, signal.SIGKILL)
        holder.child = None
        self.is_gone()


if __name__ == "__main__":
    harness.main()
