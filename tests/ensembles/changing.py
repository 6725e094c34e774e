"""Ensembles whose members change while they run, and hosts that join."""
import os
import re

from ensemble import AGENT, APACHE, OBSERVER, PARTICIPANT, SERVE_S, TICK_MS, Ensemble, Member, export, harness, wire


class KeptConfig:
    """Writes zoo.cfg once: from then on it is the server's own."""

    def write_config(self, config_path):
        if not os.path.exists(config_path):
            super().write_config(config_path)

    def files(self):
        """Names beside zoo.cfg that belong to it."""
        return sorted(name for name in os.listdir(self.directory) if name.startswith("zoo.cfg"))

    def zoo_cfg(self):
        with open(os.path.join(self.directory, "zoo.cfg"), encoding="utf-8") as file:
            return file.read()


class ChangingAgent(KeptConfig, AGENT):
    pass


class ChangingApache(KeptConfig, APACHE):
    pass


class Joiner(KeptConfig, AGENT):
    """An agent on a fresh host that knows a member's client port and nothing else. What is in `settings` is given on the
    command line of the first start alone."""

    def __init__(self, seeds, settings=None):
        super().__init__()
        self.seeds = seeds
        self.quorum_port, self.election_port = harness.free_port(), harness.free_port()
        self.settings["zooid.serverAddress"] = "127.0.0.1:%d:%d" % (self.quorum_port, self.election_port)
        del self.settings["tickTime"]
        self.settings.update(settings or {})
        os.rmdir(self.data_dir)

    def write_config(self, config_path):
        pass

    def command(self, config_path):
        command = [harness.AGENT, "-c", config_path]
        if self.seeds is not None:
            command += ["--join", ",".join(self.seeds)]
        if not os.path.exists(config_path):
            command += ["-D%s=%s" % pair for pair in self.settings.items() if pair[1] is not None]
        return command

    def sid(self):
        with open(os.path.join(self.data_dir, "myid"), encoding="ascii") as file:
            return int(file.read())

    def mode(self):
        """observer, follower ...; None: does not serve now."""
        found = re.search(r"^Mode: (\w+)", self.word("srvr"), re.M)
        return found.group(1) if found else None

    def wait_mode(self, mode):
        def is_so():
            if not self.alive():
                raise AssertionError("it ended with %s:\n%s" % (self.process.returncode, self.log_tail()))
            try:
                return self.mode() == mode
            except OSError:
                return False
        harness.wait_until(is_so, SERVE_S, "the joiner to be " + mode)
        return self


def client_of(server):
    return wire.client_of(server, timeout=30000)


def read_of(server, path):
    """What the server has there once it has caught up; None: no node."""
    client = client_of(server)
    client.must("sync", path="/")
    reply = client.call("getData", path=path, watch=False)
    client.end()
    return reply.body["data"] if reply.err == 0 else None


def config_of(server):
    return read_of(server, "/zookeeper/config")


def shows_config(server, text):
    """The lines in any order: each of Apache's servers prints its own, and large numbers stand anywhere. False too while it
    changes its role, and serves nobody."""
    try:
        return sorted(config_of(server).splitlines()) == sorted(text.splitlines())
    except (OSError, AssertionError, AttributeError):
        return False


class ChangingEnsemble(Ensemble):
    """Members that may change. Their server lines have the client ports; others can be made and added later."""

    def __init__(self, programs, observers=(), **settings):
        self.common = dict({"tickTime": TICK_MS, "initLimit": 20, "syncLimit": 10, "reconfigEnabled": "true"}, **settings)
        self.next_sid = 1
        self.members = {}
        for program, role in [(p, PARTICIPANT) for p in programs] + [(p, OBSERVER) for p in observers]:
            self.add_member(program, role)
        self.tell_of_each_other()

    def add_member(self, program, role, sid=None):
        """A place with a server that is not started, and in no configuration yet."""
        sid = self.next_sid if sid is None else sid
        self.next_sid = max(self.next_sid, sid) + 1
        self.members[sid] = ChangingMember(sid, program, role, self.common)
        return sid

    def introduce(self, sid, to):
        """Gives a new server the lines of those it is to find, and its own, as an observer (quorum-protocol 5.6)."""
        lines = {"server.%d" % other: self.members[other].line() for other in to}
        lines["server.%d" % sid] = self.members[sid].line().replace(":participant", ":observer")
        self.members[sid].server.settings.update(lines)

    export = staticmethod(export)

    def admin(self, sid):
        """A session that may change the members."""
        client = self.client(sid)
        client.must("auth", type=0, scheme="digest", auth=b"super:admin")
        return client

    def reconfig(self, through, joining=None, leaving=None, members=None, version=-1):
        """Asks for a change and waits until it is the committed one; what /zookeeper/config says then."""
        before = config_of(self[through])
        client = self.admin(through)
        reply = client.call("reconfig", joining=joining, leaving=leaving, members=members, config=version)
        if reply is None:  # its server has taken another role, as it does when the leader leaves
            client.close()
            return self.wait_other_config(before, through)
        if reply.err != 0:
            raise AssertionError("reconfig %r: %s" % ((joining, leaving, members), wire.ERRORS.get(reply.err, reply.err)))
        client.end()
        return reply.body["data"]

    def wait_other_config(self, before, sid):
        def other():
            try:
                text = config_of(self[sid])
            except (OSError, AssertionError, AttributeError):
                return None
            return text if text != before else None
        return harness.wait_until(other, SERVE_S, "server %d to go by other members" % sid)

    def wait_config(self, text, sids):
        """Until each of them shows this configuration."""
        for sid in sids:
            try:
                harness.wait_until(lambda: shows_config(self[sid], text), SERVE_S,
                                   "server %d to go by the new members" % sid)
            except AssertionError as error:
                raise AssertionError("%s\n%r\n%s" % (error, text, self[sid].log_tail(60))) from None

    def wait_mode(self, sid, *modes):
        harness.wait_until(lambda: self.mode(sid) in modes, SERVE_S, "server %d to be %s" % (sid, modes))


class ChangingMember(Member):
    def __init__(self, sid, program, role, settings):
        super().__init__(sid, program, role, settings)
        self.server.settings.update(clientPort=None, clientPortAddress=None)

    def line(self):
        return "%s;127.0.0.1:%d" % (super().line(), self.server.port)

    def spec(self, role=None):
        """As a reconfig names it."""
        line = self.line()
        return "server.%d=%s" % (self.sid, line if role is None else line.replace(self.role, role))
