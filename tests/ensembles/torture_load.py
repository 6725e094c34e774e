"""What clients do to an ensemble that is tortured: each knows what it must find, wherever and whenever it looks."""
import collections
import os
import random
import threading

from ensemble import harness, wire

import kill_test
import local_wire
from local_wire import pb

LASTING_MS, BRIEF_MS = 600000, 1500
LARGE = 300000
DIRECTORY, PERISHABLE, BRIEF = "/directory", "/perishable", "/brief"


class Lost(OSError):
    """The connection is gone, or its server serves nobody."""


def connected(server, deadline_s=5.0, **wishes):
    client = wire.Client((server.host, server.port), deadline_s=deadline_s, **wishes)
    if client.session is None:
        client.close()
        raise Lost("not served")
    return client


def asked(client, op, **fields):
    reply = client.call(op, **fields)
    if reply is None:
        raise Lost("closed")
    return reply


class Load:
    """A thread that goes from server to server, as they come and go, until it is told to stop."""

    def __init__(self, ensemble, seed):
        self.ensemble, self.random = ensemble, random.Random(seed)
        self.stopped, self.failure, self.client = threading.Event(), None, None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def server(self):
        return self.ensemble[self.random.choice(sorted(self.ensemble.members))]

    def run(self):
        while not self.stopped.is_set():
            try:
                self.visit(self.server())
            except OSError:
                self.stopped.wait(0.02)    # nobody may be there
            except Exception as error:    # told by the main thread
                self.failure = error
                return
            finally:
                if self.client is not None:
                    self.client.close()
                    self.client = None

    def visit(self, server):
        raise NotImplementedError

    def stop(self):
        self.stopped.set()
        self.thread.join(60)
        if self.thread.is_alive():
            raise AssertionError("%s does not end" % type(self).__name__)


class Writer(kill_test.Writer, Load):
    """Writes ahead with one session, through whichever member serves it. It may find no more of what was in flight when
    it lost a connection than the first few requests, and each of them once."""

    def __init__(self, ensemble, number, seed):
        kill_test.Writer.__init__(self, number, seed)
        Load.__init__(self, ensemble, seed)
        self.made = False

    run = Load.run

    def visit(self, server):
        self.client = connected(server, session=self.session, last_zxid=self.last_zxid, timeout=LASTING_MS)
        if self.client.session.id == 0 and not self.made:
            self.session = None    # a local one, whose member has gone before the first ephemeral made it everybody's
            raise Lost("expired")
        if self.client.session.id == 0:
            raise AssertionError("%s: session 0x%x did not survive" % (self.root, self.session.id))
        self.session = self.client.session
        if not self.made:
            self.make()
        self.check_and_go_on_from(self.found(self.client))
        while not self.stopped.is_set() and self.step():
            pass

    def make(self):
        for path, flags in ((self.root, wire.PERSISTENT), (self.root + "/ephemeral", wire.EPHEMERAL)):
            reply = asked(self.client, "create", path=path, data=b"", acl=wire.OPEN_ACL, flags=flags)
            if wire.ERRORS.get(reply.err) not in ("Ok", "NodeExists"):
                raise AssertionError("%s: %r" % (path, reply))
        self.made = True

    def next_request(self):
        op, fields = super().next_request()
        if op == "setData" and self.random.random() < 0.02:
            fields["data"] = self.random.randbytes(LARGE)
        return op, fields

    def found(self, client):
        asked(client, "sync", path="/")
        nodes = {}
        for name in asked(client, "getChildren", path=self.root, watch=0).body["children"]:
            path = self.root + "/" + name
            body = asked(client, "getData", path=path, watch=0).body
            nodes[path] = (body["stat"].version, body["data"])
            if name == "ephemeral" and body["stat"].ephemeralOwner != self.session.id:
                raise AssertionError("%s belongs to another session" % path)
        if nodes.pop(self.root + "/ephemeral", None) is None:
            raise AssertionError("%s/ephemeral is gone" % self.root)
        return nodes

    def finish(self, server):
        """Nobody is disturbed any more: what it finds is what it should."""
        if self.failure:
            return
        self.stopped.clear()
        self.client = connected(server, 20, session=self.session, last_zxid=self.last_zxid, timeout=LASTING_MS)
        self.check_and_go_on_from(self.found(self.client))
        self.client.close()
        self.client = None


class Directory(Load):
    """Makes and deletes children of one large directory, some within multis, with sessions that it ends."""

    def visit(self, server):
        self.client = connected(server)
        asked(self.client, "create", path=DIRECTORY, data=b"", acl=wire.OPEN_ACL, flags=0)
        while not self.stopped.is_set() and self.random.random() > 0.02:
            names = ["%s/%04d" % (DIRECTORY, self.random.randrange(400)) for _ in range(self.random.randint(1, 20))]
            if self.random.random() < 0.3:
                asked(self.client, "multi", ops=[("create", self.child(name)) for name in sorted(set(names))])
            for name in names:
                if self.random.random() < 0.5:
                    asked(self.client, "delete", path=name, version=-1)
                else:
                    asked(self.client, "create", **self.child(name))
        self.client.end()

    def child(self, path):
        return {"path": path, "data": b"x" * self.random.randrange(50), "acl": wire.OPEN_ACL, "flags": 0}


class Perishables(Load):
    """Makes containers and TTL nodes, and sessions that nobody ends: all of them are to be gone some time after."""

    def visit(self, server):
        self.client = connected(server, timeout=BRIEF_MS)
        for path in (PERISHABLE, BRIEF):
            asked(self.client, "create", path=path, data=b"", acl=wire.OPEN_ACL, flags=0)
        for _ in range(self.random.randint(1, 5)):
            self.make("%s/%d" % (PERISHABLE, self.random.getrandbits(40)))
        asked(self.client, "create", path=BRIEF + "/e-", data=b"", acl=wire.OPEN_ACL, flags=wire.EPHEMERAL_SEQUENTIAL)
        if self.random.random() < 0.5:
            self.client.submit("create", path=BRIEF + "/e-", data=b"", acl=wire.OPEN_ACL, flags=wire.EPHEMERAL_SEQUENTIAL)
        self.stopped.wait(0.1)

    def make(self, path):
        asked(self.client, "createContainer", path=path, data=b"c", acl=wire.OPEN_ACL, flags=wire.CONTAINER)
        asked(self.client, "create", path=path + "/child", data=b"", acl=wire.OPEN_ACL, flags=wire.EPHEMERAL)
        asked(self.client, "createTTL", path=path + "-ttl", data=b"t", acl=wire.OPEN_ACL, flags=wire.TTL, ttl=200)


class Watcher(Load):
    """Follows all with a persistent recursive watch: events come in the order of their zxids."""

    def visit(self, server):
        self.client = connected(server)
        asked(self.client, "addWatch", path="/", mode=1)
        last = 0
        while not self.stopped.is_set():
            try:
                event = self.client.next_event(1.0)
            except TimeoutError:
                asked(self.client, "ping")
                continue
            except AssertionError:
                raise Lost("closed") from None
            if event.zxid < last:
                raise AssertionError("an event of 0x%x behind one of 0x%x" % (event.zxid, last))
            last = event.zxid


class Mirror(Load):
    """A copy of the tree, kept by subscriptions at the local doors of this member and that one: each goes on where the one
    before has ended."""

    def __init__(self, ensemble, seed):
        super().__init__(ensemble, seed)
        self.nodes, self.cursor, self.frames = {}, None, 0
        self.trail = collections.deque(maxlen=30)    # where it has been, and what it was told there

    def visit(self, server):
        self.subscribe(server)
        while not self.stopped.is_set():
            self.take_next()

    def catch_up(self, server, tree):
        """Until it shows that tree, or hears no more."""
        self.subscribe(server)
        try:
            while self.shows(tree):
                self.take_next()
        finally:
            self.client.close()
            self.client = None

    def subscribe(self, server):
        wishes = {"from": self.cursor} if self.cursor is not None else {}
        path = os.path.join(server.data_dir, "zooid", "zooid.sock")
        self.trail.append("%s from %s" % (server.directory, place(self.cursor)))
        self.client = local_wire.Subscriber(path, "/", credit=self.random.random() < 0.8,
                                            window_bytes=self.random.choice([1, 4096, 1 << 20]), **wishes)
        self.client.socket.settimeout(2.0)

    def take_next(self):
        frame = self.client.next_frame()
        if frame is None:
            raise Lost("it has ended: %d" % self.client.ended)
        self.take(frame)
        self.client.give_credit()

    def take(self, frame):
        self.frames += 1
        told_at = [place(change.at) for change in frame.change]
        self.trail.append("%d changes%s: %s, cursor %s" % (len(told_at), ", all anew" if frame.reset else "",
                                                         " to ".join(told_at[:1] + told_at[1:][-1:]), place(frame.cursor)))
        if frame.reset:
            self.nodes = {}
            self.cursor = None
        for change in frame.change:
            if not change.path.startswith("/zookeeper"):    # there members set things themselves
                self.change(change)
            if change.kind != pb.CHANGE_PRESENT:
                self.cursor = change.at
        if frame.HasField("cursor"):
            self.cursor = frame.cursor

    def change(self, change):
        known = self.nodes.get(change.path)
        if change.kind == pb.CHANGE_PRESENT:
            self.nodes[change.path] = told(change)
            return
        at = (change.at.zxid, change.at.index)
        if self.cursor is not None and at <= (self.cursor.zxid, self.cursor.index):
            raise AssertionError("told again of %s: %r behind %r" % (change.path, change.at, self.cursor))
        if (known is None) != (change.kind == pb.CHANGE_CREATED):
            raise AssertionError("told that %s is %d at %s, of 0x%x, behind %s, and knew 0x%x; it went\n%s" % (
                change.path, change.kind, place(change.at), change.stat.czxid, place(self.cursor),
                0 if known is None else known[1], "\n".join(self.trail)))
        if change.kind == pb.CHANGE_DELETED:
            del self.nodes[change.path]
            return
        if change.kind == pb.CHANGE_DATA and change.stat.version != known[3] + 1:
            raise AssertionError("%s went from %r to %r" % (change.path, known, change.stat))
        self.nodes[change.path] = told(change)

    def shows(self, tree):
        """What differs between the copy and a tree as read_tree() has it."""
        theirs = {path: (data, stat.czxid, stat.mzxid, stat.version, stat.aversion)
                  for path, (data, _acl, stat) in tree.items() if not path.startswith("/zookeeper")}
        return sorted(path for path in set(self.nodes) | set(theirs) if self.nodes.get(path) != theirs.get(path))


def place(cursor):
    return "nowhere" if cursor is None else "0x%x/%d" % (cursor.zxid, cursor.index)


def told(change):
    stat = change.stat
    return (change.data if change.HasField("data") else None, stat.czxid, stat.mzxid, stat.version, stat.aversion)


class Loads:
    """All of them."""

    def __init__(self, ensemble, rng):
        self.writers = [Writer(ensemble, number, rng.random()) for number in range(3)]
        self.mirrors = [Mirror(ensemble, rng.random()) for _ in range(2)]
        self.all = self.writers + self.mirrors + [kind(ensemble, rng.random()) for kind in (Directory, Perishables, Watcher)]

    def start(self):
        for load in self.all:
            load.start()

    def acknowledged(self):
        for load in self.all:
            if load.failure is not None:
                raise AssertionError("%s: %s" % (type(load).__name__, load.failure)) from load.failure
        return sum(writer.acknowledged for writer in self.writers)

    def wait_for(self, more, deadline_s=120):
        goal = self.acknowledged() + more
        try:
            harness.wait_until(lambda: self.acknowledged() >= goal, deadline_s, "%d more writes" % more)
        except AssertionError as error:
            raise AssertionError("%s; %d lacked" % (error, goal - self.acknowledged())) from error

    def stop(self):
        for load in self.all:
            load.stopped.set()
        for load in self.all:
            load.stop()
        self.acknowledged()
