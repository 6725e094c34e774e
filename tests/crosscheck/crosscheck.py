#!/usr/bin/python3
"""Asks two servers the same random things and compares every frame they answer with.

    crosscheck.py [--seed N] [--ops M] [--seeds K] [--reference apache] [--subject agent|follower|leader|...] [--trace]

A follower and a leader are those of an ensemble of three agents, which must not be told from a server that runs alone.
Reference and subject may also be members of other ensembles (tests/ensembles/members.py).

Compared are replies, error codes, results, Stats, watch events and their order, closed connections. zxids count from
each server's start, session ids become names, times are masked (but must fit the zxids). A seed and a number of
operations give exactly the same sequence again. Exit code 1 at the first difference of a seed."""
import argparse
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, "clients")]
import harness  # noqa: E402
import wire  # noqa: E402
from deviations import deviations_between  # noqa: E402
from generator import Connect, Drop, Expire, Generator, Reattach, Requests, SLOTS, WRITES  # noqa: E402

ANSWER_DEADLINE_S = 10.0
CLOSED = "connection closed"
SILENT = "no answer"
EXPIRE_TIMEOUT_MS = 400


class Side:
    """One of the two servers, with its connections and its way of counting."""

    def __init__(self, server):
        self.server = server
        self.address = ("127.0.0.1", server.port)
        self.clients = [None] * SLOTS
        self.sessions = [None] * SLOTS
        self.names = {}           # session id -> name
        self.base = None          # zxid before the first of ours
        self.times = {}           # zxid -> time of its transaction
        self.highest = 0          # zxid of any reply, from our base
        self.zxid_before = 0      # while a session is left to expire

    # Values that differ between servers, made equal

    def name_of(self, session_id):
        return self.names.get(session_id, hex(session_id & ((1 << 64) - 1)))

    def relative(self, zxid):
        if zxid <= 0:
            return zxid
        if self.base is None:
            self.base = zxid - 1
        return zxid - self.base

    def masked_time(self, zxid, when):
        """Transactions have one time each: a Stat that shows another is worth a difference."""
        if when == 0 or zxid == 0:
            return when
        return "time" if self.times.setdefault(zxid, when) == when else "another time for one zxid"

    def stat(self, stat):
        return stat._replace(czxid=self.relative(stat.czxid), ctime=self.masked_time(stat.czxid, stat.ctime),
                             mzxid=self.relative(stat.mzxid), mtime=self.masked_time(stat.mzxid, stat.mtime),
                             pzxid=self.relative(stat.pzxid),
                             ephemeralOwner=self.name_of(stat.ephemeralOwner) if stat.ephemeralOwner else 0)

    def value(self, name, value):
        if value is None:
            return None
        if name == "stat":
            return self.stat(value)
        if name in ("children", "paths", "ids"):
            return sorted(value, key=repr)
        if name == "acl":
            return digest_runs_sorted(value)
        if name == "results":
            return [(kind, err, self.body(fields)) for kind, err, fields in value]
        return value

    def body(self, fields):
        return None if fields is None else {name: self.value(name, value) for name, value in fields.items()}

    def reply(self, reply):
        zxid = self.relative(reply.zxid)
        self.highest = max(self.highest, zxid)
        return reply._replace(zxid=zxid, body=self.body(reply.body))

    # Doing a step: start() sends on this side, finish() returns what was seen

    def start(self, step):
        getattr(self, "start_" + type(step).__name__.lower())(step)

    def finish(self, step):
        return getattr(self, "finish_" + type(step).__name__.lower())(step)

    def connect(self, slot, **options):
        make = getattr(self.server, "client_class", wire.Client)
        client = make(self.address, deadline_s=ANSWER_DEADLINE_S, **options)
        self.clients[slot] = client
        session = client.session
        if session is None:
            client.close()
            return CLOSED
        if session.id == 0:
            return ("refused", session.timeout, session.password, session.read_only, client.closed_by_server())
        self.names.setdefault(session.id, "session %d" % len(self.names))
        self.sessions[slot] = session
        return (self.name_of(session.id), session.timeout, session.read_only)

    def start_connect(self, step):
        pass

    def finish_connect(self, step):
        return [self.connect(step.slot, timeout=step.timeout, read_only=step.read_only)]

    def drop(self, slot):
        """Until the server has seen it: Apache's forgets which connection a session has by now when it sees the end of the one
        before later, and then leaves it open when the session goes to a third one."""
        self.clients[slot].close()
        session = "sid=0x%x," % (self.sessions[slot].id & ((1 << 64) - 1))
        harness.wait_until(lambda: session not in self.server.word("cons"), what="the server to see the end of a connection")

    def start_drop(self, step):
        self.drop(step.slot)

    def finish_drop(self, _step):
        return []

    def start_reattach(self, step):
        pass

    def finish_reattach(self, step):
        old, session = self.clients[step.slot], self.sessions[step.slot]
        if step.wrong_password:
            session = session._replace(password=b"\x05" * wire.PASSWORD_LENGTH)
        seen = [self.connect(step.slot, timeout=step.timeout, session=session, last_zxid=1 << 50 if step.ahead else 0)]
        if step.steal:
            seen.append(("old connection closed", old.closed_by_server()))
        return seen

    def start_requests(self, step):
        data = b"".join(wire.frame(self.encoded(request)) for request in step.requests)
        self.clients[step.slot].send_raw(data)

    def encoded(self, request):
        opcode = request.op if isinstance(request.op, int) else wire.OPCODES[request.op]
        header = wire.WRITERS["int"](request.xid) + wire.WRITERS["int"](opcode)
        if request.raw is not None:
            return header + request.raw
        fields = {name: value[1] + (self.base or 0) if isinstance(value, tuple) else value for name,
                  value in request.fields.items()}
        return header + wire.encode_body(request.op, fields)

    def finish_requests(self, step):
        """Replies in order, each after the events that came before it."""
        client, seen = self.clients[step.slot], []
        for request in step.requests:
            try:
                reply = client.next_reply(request.op)
            except TimeoutError:
                return seen + self.events(client) + [SILENT]
            except wire.Malformed as error:
                return seen + [("malformed reply", str(error))]
            seen += self.events(client)
            if reply is None:
                return seen + [CLOSED]
            seen.append(self.reply(reply))
            if self.closes(request, reply):
                return seen + [CLOSED if client.closed_by_server() else "still open"]
        return seen

    @staticmethod
    def closes(request, reply):
        return request.op == "closeSession" or reply.err == -115 or (reply.err == -6 and isinstance(request.op, int))

    def start_expire(self, step):
        client = wire.Client(self.address, timeout=EXPIRE_TIMEOUT_MS)
        self.names.setdefault(client.session.id, "session %d" % len(self.names))
        client.call("create", path=step.path, data=b"", acl=wire.OPEN_ACL, flags=wire.EPHEMERAL)
        client.close()
        self.zxid_before = self.zxid_served()

    def finish_expire(self, _step):
        """The end of the session is the only thing that can move the zxid now."""
        harness.wait_until(lambda: self.zxid_served() > self.zxid_before, 20, "the session to expire")
        return []

    def zxid_served(self):
        return int(re.search(r"^Zxid: 0x([0-9a-f]+)$", self.server.word("srvr"), re.M)[1], 16)

    # Events

    def events(self, client):
        events, client.events = client.events, []
        return [event._replace(zxid=self.relative(event.zxid)) for event in events]

    def settle(self, but):
        """Brings in the events on all other connections: whatever was fired stands before the answer to a ping."""
        others = [slot for slot in range(SLOTS) if slot != but and self.clients[slot] is not None
                  and self.clients[slot].socket.fileno() >= 0]
        for slot in others:
            self.clients[slot].submit("ping")
        seen = []
        for slot in others:
            client = self.clients[slot]
            try:
                reply = client.next_reply("ping")
            except TimeoutError:
                seen.append((slot, SILENT))
                continue
            seen += [(slot, event) for event in self.events(client)]
            if reply is None:
                seen.append((slot, CLOSED))
            else:
                self.reply(reply)
        return seen

    def stop(self):
        for client in self.clients:
            if client is not None:
                client.close()
        self.server.stop()


def digest_runs_sorted(entries):
    """`auth` expands to the caller's ids in an order that the protocol leaves open: neighbours are sorted."""
    result, run = [], []
    for entry in list(entries) + [None]:
        if run and (entry is None or entry[1] != "digest" or entry[0] != run[0][0]):
            result += sorted(run)
            run = []
        if entry is not None:
            (run if entry[1] == "digest" else result).append(entry)
    return result


def without_event_zxids(seen, before, after):
    """Events tell the zxid of their transaction since 3.9, -1 before. One that can be right becomes -1."""
    def plain(item):
        if isinstance(item, wire.Event):
            return item._replace(zxid=-1) if before < item.zxid <= after else item
        return (item[0], plain(item[1])) if isinstance(item, tuple) and len(item) == 2 else item

    return [plain(item) for item in seen]


def unordered(step, seen):
    """The nodes of an ending session go in no particular order, and so do the events that tell of it."""
    ends = isinstance(step, Expire) or (isinstance(step, Requests)
                                        and any(r.op == "closeSession" for r in step.requests))
    return sorted(seen, key=repr) if ends else seen


def may_write(step):
    if isinstance(step, Requests):
        return any(request.op in WRITES or request.raw is not None for request in step.requests)
    return not isinstance(step, (Connect, Drop))


class Run:
    """One seed."""

    def __init__(self, seed, reference, subject, trace):
        self.seed = seed
        self.generator = Generator(seed, quotas_enforced(seed), getattr(subject, "own_paths", ()))
        self.sides = (Side(reference), Side(subject))
        self.trace = trace
        self.operations = 0
        self.history = []
        self.deviations = {}

    def do(self, step):
        before = [side.highest for side in self.sides]
        for side in self.sides:
            side.start(step)
        seen = [side.finish(step) for side in self.sides]
        if may_write(step):
            asking = None if isinstance(step, Expire) else step.slot
            seen = [own + others for own, others in zip(seen, [side.settle(asking) for side in self.sides])]
        return [unordered(step, without_event_zxids(one, zxid, side.highest))
                for one, zxid, side in zip(seen, before, self.sides)]

    def run(self, operations):
        """True when both sides agreed to the end."""
        while self.operations < operations:
            step = self.generator.step()
            self.operations += len(step.requests) if isinstance(step, Requests) else 1
            self.history = self.history[-5:] + [step]
            try:
                reference, subject = self.do(step)
            except (OSError, AssertionError) as error:
                self.report_failure(error)
                return False
            if self.trace:
                print("%d %s\n    %s" % (self.operations, describe(step), "\n    ".join(map(str, reference))))
            if reference != subject and not self.accept(step, reference, subject):
                self.report(reference, subject)
                return False
            self.learn(step, reference)
        return True

    def accept(self, step, reference, subject):
        deviations = deviations_between(step.requests, reference, subject) if isinstance(step, Requests) else None
        for row in deviations or ():
            self.deviations[row.name] = self.deviations.get(row.name, 0) + 1
            row.mend(self, step.slot)
        return deviations is not None

    def reconnect(self, slot):
        """The session on a new connection on both sides: its watches are gone."""
        for side in self.sides:
            side.drop(slot)
            side.connect(slot, timeout=30000, session=side.sessions[slot])

    def learn(self, step, seen):
        replies = [item for item in seen if isinstance(item, wire.Reply)]
        requests = step.requests if isinstance(step, Requests) else []
        closed = CLOSED in seen
        self.generator.learn(step, list(zip(requests, replies)), closed)

    def report_failure(self, error):
        """A server that cannot be asked any more."""
        self.report([], [])
        print("  failed with: %r" % error)
        for side in self.sides:
            print("  %s %s, end of its log:\n%s" % (side.server.name, "runs" if side.server.alive() else "HAS ENDED",
                                                    side.server.log_tail(15)))

    def report(self, reference, subject):
        print("seed %d: difference at operation %d" % (self.seed, self.operations))
        for step in self.history[:-1]:
            print("  before: " + describe(step))
        print("  asked:  " + describe(self.history[-1]))
        for side, seen in zip(self.sides, (reference, subject)):
            print("  %s:" % side.server.name)
            for item in seen:
                print("    %s%s" % ("  " if item in reference and item in subject else "! ", show(item)))
        if self.trace:
            for side in self.sides:
                print("  end of the log of %s:\n%s" % (side.server.name, side.server.log_tail(40)))
        print("  again:  crosscheck.py --seed %d --ops %d" % (self.seed, self.operations))


def shortened(value):
    """Long data as its length."""
    if isinstance(value, bytes) and len(value) > 60:
        return "%d bytes" % len(value)
    if isinstance(value, dict):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [shortened(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def show(item):
    text = str(shortened(item))
    return text if len(text) < 1500 else text[:1500] + "…"


def describe(step):
    if not isinstance(step, Requests):
        return show(step)
    return "connection %d: %s" % (step.slot, "; ".join(
        "xid %d %s %s" % (r.xid, r.op, show(r.fields) if r.raw is None else "body "
                          + r.raw.hex()[:400]) for r in step.requests))


def quotas_enforced(seed):
    return seed % 2 == 1


def settings(seed):
    """Small ticks let a session expire quickly; every second seed enforces quotas."""
    return {"tickTime": 200, "minSessionTimeout": EXPIRE_TIMEOUT_MS, "maxSessionTimeout": 40000,
            "enforceQuota": "true" if quotas_enforced(seed) else "false", "forceSync": "no"}


def check_seed(seed, operations, reference_class, subject_class, trace):
    servers = [server_class(settings(seed)) for server_class in (reference_class, subject_class)]
    run = Run(seed, *servers, trace)
    started = time.monotonic()
    try:
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_serving()
        same = run.run(operations)
    finally:
        for side in run.sides:
            side.stop()
    print("seed %d: %d operations, %s, %.1f s%s" % (seed, run.operations, "no difference" if same else "DIFFERENT",
                                                    time.monotonic() - started,
          "".join("; on purpose: %s x%d" % pair for pair in sorted(run.deviations.items()))), flush=True)
    return same


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, help="the one seed to run; default: random seeds")
    options.add_argument("--seeds", type=int, default=1, help="how many seeds")
    options.add_argument("--ops", type=int, default=2000, help="operations for each seed")
    options.add_argument("--reference", default="apache")
    options.add_argument("--subject", default="agent")
    options.add_argument("--trace", action="store_true", help="print every step and answer")
    chosen = options.parse_args()
    first = chosen.seed if chosen.seed is not None else int.from_bytes(os.urandom(3), "big")
    classes = [harness.server_named(name) for name in (chosen.reference, chosen.subject)]
    results = [check_seed(first + number, chosen.ops, *classes, chosen.trace) for number in range(chosen.seeds)]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
