"""Ensembles of agents and of Apache ZooKeeper servers in any mixture, on this host."""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients"))

import harness  # noqa: E402
import wire  # noqa: E402

AGENT, APACHE = harness.Agent, harness.Apache
PARTICIPANT, OBSERVER = "participant", "observer"
READ_ONLY = "read-only"
TICK_MS = 500
SERVE_S = 60
# Where a test says that the leader stays: nobody is taken for dead since the machine stood still for half a second.
STEADY = {"zooid.failureDetectionMs": 0}


class Member:
    """One place in an ensemble: an id, ports and a directory, with whichever program runs there now."""

    def __init__(self, sid, program, role, settings):
        self.sid, self.role = sid, role
        # The port for observers is the same on every server, so each needs an address of its own.
        self.own_host = "127.0.0.%d" % sid if "observerMasterPort" in settings else None
        self.quorum_port, self.election_port = harness.free_port(), harness.free_port()
        self.settings = settings
        self.server = program(dict(settings))
        self.write_id()

    def write_id(self):
        with open(os.path.join(self.server.data_dir, "myid"), "w", encoding="ascii") as file:
            file.write("%d\n" % self.sid)

    def line(self):
        return "%s:%d:%d:%s" % (self.own_host or self.server.host, self.quorum_port, self.election_port, self.role)

    @property
    def program(self):
        return type(self.server)

    def become(self, program):
        """Another program takes over the directory and the ports; the one before has ended."""
        before = self.server
        if isinstance(before, AGENT) and program is APACHE:
            export(before)
        after = program(dict(self.settings, dataDir=before.data_dir, clientPort=before.port))
        after.port, after.data_dir = before.port, before.data_dir
        after.settings.update({key: value for key, value in before.settings.items() if key.startswith("server.")})
        self.server = after


def export(agent):
    config = os.path.join(agent.directory, "zoo.cfg")
    done = subprocess.run([harness.AGENT, "-c", config, "--export-snapshot"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout)


class Ensemble:
    """`programs`: one for each voter, then one for each observer in `observers`; ids count from 1."""

    def __init__(self, programs, observers=(), **settings):
        common = dict({"tickTime": TICK_MS, "initLimit": 20, "syncLimit": 10}, **settings)
        roles = [(program, PARTICIPANT) for program in programs] + [(program, OBSERVER) for program in observers]
        self.members = {sid: self.make(sid, program, role, common) for sid, (program, role) in enumerate(roles, 1)}
        self.tell_of_each_other()

    @staticmethod
    def make(sid, program, role, common):
        own = {"peerType": OBSERVER} if role == OBSERVER else {}
        return Member(sid, program, role, dict(common, **own))

    def tell_of_each_other(self):
        lines = {"server.%d" % sid: member.line() for sid, member in self.members.items()}
        for member in self.members.values():
            member.server.settings.update(lines)

    def __getitem__(self, sid):
        return self.members[sid].server

    def start(self, sids=None):
        """Starts members, all of them unless told which, and waits until each serves."""
        chosen = list(self.members) if sids is None else sids
        for sid in chosen:
            self[sid].launch()
        for sid in chosen:
            self.wait_serving(sid)
        return self

    def wait_serving(self, sid):
        server = self[sid]
        try:
            harness.wait_until(lambda: self.mode(sid) not in (None, READ_ONLY), SERVE_S, "server %d to serve" % sid)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, server.log_tail(60))) from None

    def mode(self, sid):
        """leader, follower, observer, read-only; None: does not serve now."""
        server = self[sid]
        if not server.alive():
            raise AssertionError("server %d ended with %s:\n%s" % (sid, server.process and server.process.returncode,
                                                                   server.log_tail()))
        try:
            found = re.search(rb"^Mode: ([\w-]+)", harness.four_letter_word(server.port, "srvr", 2.0, server.host), re.M)
        except OSError:
            return None
        return found.group(1).decode() if found else None

    def leader(self):
        """The id of the member that leads; waits for one."""
        def leading():
            leaders = [sid for sid in self.members if self[sid].alive() and self.mode(sid) == "leader"]
            return leaders[0] if len(leaders) == 1 else None
        return harness.wait_until(leading, SERVE_S, "one leader")

    def client(self, sid, timeout=30000, **wishes):
        return wire.client_of(self[sid], timeout=timeout, **wishes)

    def taken_up(self, sid, session):
        """A client with that session there, as soon as the member serves: one whose leader is lost may seem to, and then closes
        the connection."""
        def client():
            try:
                taken = self.client(sid, session=session)
            except OSError:
                return None
            if taken.session is None:
                taken.close()
            return taken if taken.session is not None else None
        return harness.wait_until(client, SERVE_S, "server %d to take a session up" % sid)

    def freeze(self, sids):
        for sid in sids:
            self[sid].freeze()

    def thaw(self, sids):
        for sid in sids:
            self[sid].thaw()

    def replace(self, sid, program):
        """The member's program is stopped and another one started on its data."""
        self[sid].terminate()
        self.members[sid].become(program)
        self[sid].launch()
        self.wait_serving(sid)

    def stop(self):
        errors = []
        for member in self.members.values():
            if member.server.alive():
                member.server.process.send_signal(signal.SIGCONT)
        for member in self.members.values():
            try:
                member.server.stop()
            except AssertionError as error:
                errors.append(str(error))
        if errors:
            raise AssertionError("\n".join(errors))


def metric(server, name):
    found = re.search(r"^%s\t(\S+)" % name, server.word("mntr"), re.M)
    return found.group(1) if found else None


def caught_up(ensemble, sid):
    """A client of that member, which has caught up."""
    client = ensemble.client(sid)
    client.must("sync", path="/")
    return client


def read_at(ensemble, sid, path):
    """What the member has there once it has caught up; None: no node."""
    client = caught_up(ensemble, sid)
    reply = client.call("getData", path=path, watch=False)
    client.end()
    return reply.body["data"] if reply.err == 0 else None
