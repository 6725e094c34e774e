"""Ensembles whose members are apart: what goes from one to another can be cut, each way alone.

Each member runs in a network namespace of its own, and this process, which is their only router, in another: call
`enter()` before anything else. Where namespaces cannot be made, or with ZOOID_TEST_NETWORK=relay, the members are on
loopback, and a preloaded library leads each connection between them through a relay in this process."""
import ctypes
import os
import shutil
import socket
import subprocess
import tempfile
import threading

from ensemble import Ensemble, Member, harness

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
HERE = os.path.dirname(os.path.abspath(__file__))

_is_router = False


def enter():
    """Moves this process into a network of its own, if it may; while it has one thread."""
    global _is_router
    wanted = os.environ.get("ZOOID_TEST_NETWORK") != "relay"
    _is_router = wanted and all(map(shutil.which, ("ip", "nsenter", "unshare"))) and _unshare() and _can_route()
    print("members are %s" % ("in namespaces" if _is_router else "on loopback, with a relay between them"))


def _can_route():
    """In a network of its own, as which a container may still be held short."""
    _ip("link", "set", "lo", "up")
    try:
        _ip("link", "add", "probe", "type", "veth", "peer", "name", "other")
        _ip("link", "delete", "probe")
        with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as forward:
            forward.write("1")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _unshare():
    """As root, or as the root of a user namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    ids = {"uid_map": os.getuid(), "gid_map": os.getgid()}
    if libc.unshare(CLONE_NEWNET) == 0:
        return True
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    with open("/proc/self/setgroups", "w", encoding="ascii") as setgroups:
        setgroups.write("deny")
    for name, number in ids.items():
        with open("/proc/self/" + name, "w", encoding="ascii") as mapping:
            mapping.write("0 %d 1" % number)
    return True


def _ip(*arguments, inside=()):
    subprocess.run([*inside, "ip", *arguments], check=True)


class Namespaces:
    """A namespace lives as long as the process that holds it."""

    def __init__(self):
        self.holders, self.cuts = {}, set()

    def add(self, member):
        sid = member.sid
        holder = subprocess.Popen(["unshare", "-n", "cat"], stdin=subprocess.PIPE)
        self.holders[sid] = holder
        own = os.readlink("/proc/self/ns/net")
        harness.wait_until(lambda: os.readlink("/proc/%d/ns/net" % holder.pid) != own, 20, "a namespace")
        inside, device = self.prefix(member), "member%d" % sid
        _ip("link", "add", device, "type", "veth", "peer", "name", "net", "netns", str(holder.pid))
        _ip("address", "add", "10.77.%d.1/24" % sid, "dev", device)
        _ip("link", "set", device, "up")
        for arguments in (("link", "set", "lo", "up"), ("address", "add", self.host(sid) + "/24", "dev", "net"),
                          ("link", "set", "net", "up"), ("route", "add", "default", "via", "10.77.%d.1" % sid)):
            _ip(*arguments, inside=inside)

    @staticmethod
    def host(sid):
        return "10.77.%d.2" % sid

    def prefix(self, member):
        """What starts a program where the member is."""
        return ["nsenter", "--net=/proc/%d/ns/net" % self.holders[member.sid].pid]

    def cut(self, source, target):
        """The router drops without a word what goes from the one to the other."""
        if (source, target) not in self.cuts:
            self.cuts.add((source, target))
            _ip("rule", "add", "from", self.host(source), "to", self.host(target), "blackhole")

    def heal(self):
        for source, target in self.cuts:
            _ip("rule", "del", "from", self.host(source), "to", self.host(target), "blackhole")
        self.cuts.clear()

    def stop(self):
        self.heal()
        for sid, holder in self.holders.items():
            _ip("link", "delete", "member%d" % sid)
            holder.stdin.close()
            holder.wait(20)


class Relay:
    """Every connection from one member to another passes here, two threads to each; a thread waits while its way is cut."""

    def __init__(self):
        self.members, self.ports, self.open, self.directory = {}, {}, {}, tempfile.TemporaryDirectory()
        self.library = os.path.join(self.directory.name, "detour.so")
        compiler = harness.need_program(os.environ.get("CC", "gcc"), "gcc")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", self.library,
                        os.path.join(HERE, "detour.c"), "-ldl"], check=True)

    def add(self, member):
        self.members[member.sid] = member

    @staticmethod
    def host(_sid):
        return "127.0.0.1"

    def prefix(self, member):
        detours = ["%d:%d" % (port, self.port(member.sid, other.sid, port))
                   for other in self.members.values() if other is not member
                   for port in (other.quorum_port, other.election_port)]
        return ["env", "LD_PRELOAD=" + self.library, "DETOURS=" + ",".join(detours)]

    def way(self, source, target):
        event = self.open.get((source, target))
        if event is None:
            event = self.open[(source, target)] = threading.Event()
            event.set()
        return event

    def port(self, source, target, port):
        """Where connections of `source` to that port of `target` are taken."""
        if (source, port) not in self.ports:
            listener = socket.create_server(("127.0.0.1", 0))
            self.ports[(source, port)] = listener.getsockname()[1]
            threading.Thread(target=self.accept, args=(listener, source, target, port), daemon=True).start()
        return self.ports[(source, port)]

    def accept(self, listener, source, target, port):
        while True:
            caller = listener.accept()[0]
            threading.Thread(target=self.connect, args=(caller, source, target, port), daemon=True).start()

    def connect(self, caller, source, target, port):
        there, back = self.way(source, target), self.way(target, source)
        there.wait()
        back.wait()
        try:
            called = socket.create_connection(("127.0.0.1", port))
        except OSError:
            caller.close()
            return
        threading.Thread(target=self.pass_on, args=(called, caller, back), daemon=True).start()
        self.pass_on(caller, called, there)

    @staticmethod
    def pass_on(source, target, way):
        try:
            data = source.recv(65536)
            while data:
                way.wait()
                target.sendall(data)
                data = source.recv(65536)
            way.wait()
            target.shutdown(socket.SHUT_WR)
        except OSError:
            way.wait()
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def cut(self, source, target):
        self.way(source, target).clear()

    def heal(self):
        for event in self.open.values():
            event.set()

    def stop(self):
        self.heal()
        self.directory.cleanup()


class ApartMember(Member):
    """`network` is set before the first one is made."""

    network = None

    def __init__(self, sid, program, role, settings):
        super().__init__(sid, program, role, settings)
        self.network.add(self)
        self.take_place()

    def line(self):
        return "%s:%d:%d:%s" % (self.network.host(self.sid), self.quorum_port, self.election_port, self.role)

    def take_place(self):
        self.server.host = self.network.host(self.sid)
        self.server.prefix = lambda: self.network.prefix(self)
        self.server.settings.update({"clientPortAddress": self.server.host, "admin.serverAddress": self.server.host})

    def become(self, program):
        super().become(program)
        self.take_place()


class Apart(Ensemble):
    """An ensemble of such members; one at a time."""

    def __init__(self, programs, observers=(), **settings):
        self.network = ApartMember.network = Namespaces() if _is_router else Relay()
        super().__init__(programs, observers, **settings)

    @staticmethod
    def make(sid, program, role, common):
        return ApartMember(sid, program, role, dict(common, **({"peerType": role} if role == "observer" else {})))

    def cut(self, sources, targets):
        """Nothing goes from those to these any more; the other way everything does."""
        for source in sources:
            for target in targets:
                if source != target:
                    self.network.cut(source, target)

    def separate(self, some, others):
        self.cut(some, others)
        self.cut(others, some)

    def heal(self):
        self.network.heal()

    def stop(self):
        try:
            super().stop()
        finally:
            self.network.stop()
