"""ZooKeeper's client protocol as tests need it: records, frames and a client that shows every byte.

Records are lists of (field, type). Values are plain Python: None is a null string, buffer or vector."""
import collections
import functools
import socket
import struct
import time

# Opcodes, error codes and flags under their names in the protocol.
OPCODES = {
    "create": 1, "delete": 2, "exists": 3, "getData": 4, "setData": 5, "getACL": 6, "setACL": 7, "getChildren": 8,
    "sync": 9, "ping": 11, "getChildren2": 12, "check": 13, "multi": 14, "create2": 15, "reconfig": 16,
    "checkWatches": 17, "removeWatches": 18, "createContainer": 19, "createTTL": 21, "multiRead": 22, "auth": 100,
    "setWatches": 101, "sasl": 102, "getEphemerals": 103, "getAllChildrenNumber": 104, "setWatches2": 105,
    "addWatch": 106, "whoAmI": 107, "closeSession": -11,
}
OP_NAMES = {code: name for name, code in OPCODES.items()}
ERRORS = {
    0: "Ok", -2: "RuntimeInconsistency", -5: "MarshallingError", -6: "Unimplemented", -8: "BadArguments",
    -101: "NoNode", -102: "NoAuth", -103: "BadVersion", -108: "NoChildrenForEphemerals", -110: "NodeExists",
    -111: "NotEmpty", -112: "SessionExpired", -114: "InvalidACL", -115: "AuthFailed", -119: "NotReadOnly",
    -120: "EphemeralOnLocalSession", -121: "NoWatcher", -123: "ReconfigDisabled", -124: "SessionClosedRequireSaslAuth",
    -125: "QuotaExceeded", -127: "ThrottledOp",
}
EVENT_NAMES = {1: "NodeCreated", 2: "NodeDeleted", 3: "NodeDataChanged", 4: "NodeChildrenChanged"}
READ, WRITE, CREATE, DELETE, ADMIN, ALL = 1, 2, 4, 8, 16, 31
PERSISTENT, EPHEMERAL, SEQUENTIAL, EPHEMERAL_SEQUENTIAL, CONTAINER, TTL, TTL_SEQUENTIAL = range(7)
XID_EVENT, XID_PING, XID_AUTH, XID_SET_WATCHES = -1, -2, -4, -8
PASSWORD_LENGTH = 16
OPEN_ACL = [(ALL, "world", "anyone")]
READ_ACL = [(READ, "world", "anyone")]

Stat = collections.namedtuple("Stat", "czxid mzxid ctime mtime version cversion aversion ephemeralOwner dataLength "
                                      "numChildren pzxid")
STAT = struct.Struct(">qqqqiiiqiiq")
Reply = collections.namedtuple("Reply", "xid zxid err body")
Event = collections.namedtuple("Event", "type state path zxid")
Session = collections.namedtuple("Session", "timeout id password read_only")

_CREATE = [("path", "string"), ("data", "buffer"), ("acl", "acls"), ("flags", "int")]
_PATH_WATCH = [("path", "string"), ("watch", "bool")]
_PATH_VERSION = [("path", "string"), ("version", "int")]
_PATH = [("path", "string")]
_WATCHER = [("path", "string"), ("type", "int")]
_SET_WATCHES = [("relativeZxid", "long"), ("data", "strings"), ("exist", "strings"), ("child", "strings")]
REQUESTS = {
    "create": _CREATE, "create2": _CREATE, "createContainer": _CREATE, "createTTL": _CREATE + [("ttl", "long")],
    "delete": _PATH_VERSION, "exists": _PATH_WATCH, "getData": _PATH_WATCH,
    "setData": [("path", "string"), ("data", "buffer"), ("version", "int")],
    "getACL": _PATH, "setACL": [("path", "string"), ("acl", "acls"), ("version", "int")],
    "getChildren": _PATH_WATCH, "getChildren2": _PATH_WATCH, "sync": _PATH, "ping": [], "check": _PATH_VERSION,
    "reconfig": [("joining", "string"), ("leaving", "string"), ("members", "string"), ("config", "long")],
    "checkWatches": _WATCHER, "removeWatches": _WATCHER,
    "auth": [("type", "int"), ("scheme", "string"), ("auth", "buffer")],
    "setWatches": _SET_WATCHES,
    "setWatches2": _SET_WATCHES + [("persistent", "strings"), ("persistentRecursive", "strings")],
    "sasl": [("token", "buffer")], "getEphemerals": _PATH, "getAllChildrenNumber": _PATH,
    "addWatch": [("path", "string"), ("mode", "int")], "whoAmI": [], "closeSession": [],
}
_STAT = [("stat", "stat")]
_DATA_STAT = [("data", "buffer"), ("stat", "stat")]
_PATH_STAT = [("path", "string"), ("stat", "stat")]
RESPONSES = {
    "create": _PATH, "create2": _PATH_STAT, "createContainer": _PATH_STAT, "createTTL": _PATH_STAT, "delete": [],
    "exists": _STAT, "getData": _DATA_STAT, "setData": _STAT, "getACL": [("acl", "acls"), ("stat", "stat")],
    "setACL": _STAT, "getChildren": [("children", "strings")],
    "getChildren2": [("children", "strings"), ("stat", "stat")], "sync": _PATH, "ping": [], "check": [],
    "reconfig": _DATA_STAT, "checkWatches": [], "removeWatches": [], "auth": [], "setWatches": [], "setWatches2": [],
    "sasl": [("token", "buffer")], "getEphemerals": [("paths", "strings")],
    "getAllChildrenNumber": [("number", "int")], "addWatch": [("err", "int")], "whoAmI": [("ids", "infos")],
    "closeSession": [],
}
_EVENT = [("type", "int"), ("state", "int"), ("path", "string")]


class Malformed(Exception):
    """Bytes that are not the record they should be."""


# Writing

def _write_buffer(value):
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value


def _write_string(value):
    return _write_buffer(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value)


def _write_vector(items, write_item):
    if items is None:
        return struct.pack(">i", -1)
    return struct.pack(">i", len(items)) + b"".join(write_item(item) for item in items)


def _write_acl(entry):
    perms, scheme, identity = entry
    return struct.pack(">i", perms) + _write_string(scheme) + _write_string(identity)


WRITERS = {
    "int": struct.Struct(">i").pack,
    "long": struct.Struct(">q").pack,
    "bool": lambda value: bytes([value if isinstance(value, int) else bool(value)]),
    "buffer": _write_buffer,
    "string": _write_string,
    "strings": lambda items: _write_vector(items, _write_string),
    "acls": lambda items: _write_vector(items, _write_acl),
}


def encode_body(op, fields):
    """Body of a request from a dict of its fields. multi and multiRead take {"ops": [(op, fields), ...]}."""
    if op in ("multi", "multiRead"):
        encoded = b"".join(struct.pack(">iBi", OPCODES[sub], 0, -1) + encode_body(sub, sub_fields)
                           for sub, sub_fields in fields["ops"])
        return encoded + struct.pack(">iBi", -1, 1, -1)
    return b"".join(WRITERS[kind](fields[name]) for name, kind in REQUESTS[op])


def frame(payload):
    return struct.pack(">i", len(payload)) + payload


def request_payload(xid, op, **fields):
    return struct.pack(">ii", xid, OPCODES[op]) + encode_body(op, fields)


def connect_payload(timeout=30000, session_id=0, password=bytes(PASSWORD_LENGTH), last_zxid=0, read_only=False):
    """read_only=None leaves the byte out, as old clients do."""
    payload = struct.pack(">iqiq", 0, last_zxid, timeout, session_id) + _write_buffer(password)
    return payload if read_only is None else payload + bytes([read_only])


# Reading

class Reader:
    """Takes values off the front of some bytes; Malformed when they do not suffice."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise Malformed("%d bytes wanted at %d of %d" % (count, self.at, len(self.data)))
        self.at += count
        return self.data[self.at - count:self.at]

    def unpack(self, layout):
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def int(self):
        return self.unpack(">i")[0]

    def long(self):
        return self.unpack(">q")[0]

    def bool(self):
        return self.take(1)[0]

    def buffer(self):
        length = self.int()
        return None if length == -1 else self.take(length)

    def string(self):
        value = self.buffer()
        return None if value is None else value.decode("utf-8", "replace")

    def vector(self, read_item):
        count = self.int()
        return None if count == -1 else [read_item() for _ in range(count)]

    def strings(self):
        return self.vector(self.string)

    def acls(self):
        return self.vector(lambda: (self.int(), self.string(), self.string()))

    def infos(self):
        return self.vector(lambda: (self.string(), self.string()))

    def stat(self):
        return Stat(*STAT.unpack(self.take(STAT.size)))

    def record(self, fields):
        return {name: getattr(self, kind)() for name, kind in fields}

    def end(self):
        if self.at != len(self.data):
            raise Malformed("%d bytes too many" % (len(self.data) - self.at))


def read_results(reader):
    """The list of a multi or multiRead reply: (op name or "error", header err, fields)."""
    results = []
    while True:
        kind, done, err = reader.unpack(">iBi")
        if done:
            if (kind, err) != (-1, -1):
                raise Malformed("terminator %d %d" % (kind, err))
            return results
        if kind == -1:
            results.append(("error", err, {"err": reader.int()}))
        else:
            results.append((OP_NAMES[kind], err, reader.record(RESPONSES[OP_NAMES[kind]])))


def decode_reply_body(op, data):
    """Fields of a reply's body. Malformed when the bytes are not exactly that record."""
    reader = Reader(data)
    body = {"results": read_results(reader)} if op in ("multi", "multiRead") else reader.record(RESPONSES[op])
    reader.end()
    return body


def decode_event(payload):
    reader = Reader(payload)
    _xid, zxid, err = reader.unpack(">iqi")
    if err != 0:
        raise Malformed("event with err %d" % err)
    fields = reader.record(_EVENT)
    reader.end()
    return Event(fields["type"], fields["state"], fields["path"], zxid)


def decode_session(payload):
    """ConnectResponse; read_only is None when the byte is absent."""
    reader = Reader(payload)
    version, timeout, session_id = reader.unpack(">iiq")
    password = reader.buffer()
    if version != 0 or password is None or len(password) != PASSWORD_LENGTH:
        raise Malformed("ConnectResponse " + payload.hex())
    read_only = reader.bool() if reader.at < len(payload) else None
    reader.end()
    return Session(timeout, session_id, password, read_only)


def guessable_password(session_id):
    """What Apache derives from the public session id alone: java.util.Random seeded with it."""
    state = ((session_id ^ 0xB3415C00) ^ 0x5DEECE66D) & ((1 << 48) - 1)
    password = b""
    for _ in range(4):
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        password += struct.pack("<I", (state >> 16) & 0xFFFFFFFF)
    return password


class Connection:
    """A connection that speaks in frames, to (host, port) or to the path of a Unix socket. Reading ends with None when
    the server has closed it."""

    def __init__(self, address, deadline_s=20.0, wrap=None):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(deadline_s)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, timeout=deadline_s)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wrap is not None:
            self.socket = wrap(self.socket)
        self.deadline_s = deadline_s
        self.received = b""

    def send(self, payload):
        self.send_raw(frame(payload))

    def send_raw(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # seen as the end of the stream by the next receive()

    def receive(self, deadline_s=None):
        """Payload of the next frame, or None at the end of the stream. TimeoutError when nothing comes."""
        end = time.monotonic() + (self.deadline_s if deadline_s is None else deadline_s)
        while True:
            if len(self.received) >= 4:
                length = struct.unpack_from(">i", self.received)[0]
                if len(self.received) >= 4 + length:
                    payload, self.received = self.received[4:4 + length], self.received[4 + length:]
                    return payload
            remaining = end - time.monotonic()
            if remaining <= 0:
                raise TimeoutError("no frame from the server in time")
            self.socket.settimeout(remaining)
            try:
                chunk = self.socket.recv(1 << 16)
            except (ConnectionResetError, BrokenPipeError):
                return None
            if not chunk:
                return None
            self.received += chunk

    def closed_by_server(self, deadline_s=None):
        """Reads until the end of the stream; False when a frame comes first."""
        return self.receive(deadline_s) is None

    def close(self):
        self.socket.close()


class Client(Connection):
    """One session on one connection. call() sends a request and returns its Reply; events met on the way are kept."""

    def __init__(self, address, timeout=30000, session=None, last_zxid=0, read_only=False, deadline_s=20.0, wrap=None):
        super().__init__(address, deadline_s, wrap)
        session_id, password = (session.id, session.password) if session else (0, bytes(PASSWORD_LENGTH))
        self.send(connect_payload(timeout, session_id, password, last_zxid, read_only))
        answer = self.receive_session()
        self.session = None if answer is None else decode_session(answer)
        self.events = []
        self.last_xid = 0

    def receive_session(self):
        return self.receive()

    @property
    def is_refused(self):
        """Was it told that the session is over?"""
        return self.session is not None and self.session.id == 0

    def submit(self, op, **fields):
        """Sends a request and returns its xid."""
        xid = {"ping": XID_PING, "auth": XID_AUTH}.get(op)
        if xid is None:
            self.last_xid += 1
            xid = self.last_xid
        self.send(request_payload(xid, op, **fields))
        return xid

    def next_reply(self, op, deadline_s=None):
        """The next frame that is not an event, its body decoded as the answer to `op`. None: connection closed."""
        while True:
            payload = self.receive(deadline_s)
            if payload is None:
                return None
            xid, zxid, err = struct.unpack_from(">iqi", payload)
            if xid == XID_EVENT:
                self.events.append(decode_event(payload))
                continue
            if err != 0 and len(payload) != 16:
                raise Malformed("a body after err %d" % err)
            return Reply(xid, zxid, err, decode_reply_body(op, payload[16:]) if err == 0 else None)

    def call(self, op, **fields):
        xid = self.submit(op, **fields)
        reply = self.next_reply(op)
        if reply is not None and reply.xid != xid:
            raise Malformed("answer to xid %d instead of %d" % (reply.xid, xid))
        return reply

    def must(self, op, **fields):
        """As call(), for requests that have to succeed: the body's fields, and "zxid"."""
        reply = self.call(op, **fields)
        if reply is None or reply.err != 0:
            raise AssertionError("%s %r: %s" % (op, fields, reply and ERRORS.get(reply.err, reply.err)))
        return dict(reply.body, zxid=reply.zxid)

    def create(self, path, data=b"", flags=PERSISTENT, acl=None):
        return self.must("create", path=path, data=data, acl=acl or OPEN_ACL, flags=flags)["path"]

    def next_event(self, deadline_s=None):
        """The next watch event, waiting for it if need be."""
        if not self.events:
            payload = self.receive(deadline_s)
            if payload is None:
                raise AssertionError("closed instead of an event")
            self.events.append(decode_event(payload))
        return self.events.pop(0)

    def end(self):
        """closeSession, and the server's close after its reply."""
        reply = self.call("closeSession")
        self.close()
        return reply


class NudgingClient(Client):
    """Asks something else, again and again, while an answer does not come, as every real client does with its pings: Apache's members
    up to 3.8.0 may overlook a commit, or the answer to a sync, and then wait for another request of any kind before they
    answer (ZOOKEEPER-4537, mended in 3.8.1): their CommitProcessor looks at its queues, and then falls asleep without
    having looked again. What a leader has sent meanwhile is in its queue (tests/ensembles/overlooked_test.py shows both). A
    client that is alone there and silent would wait until its session expires. Nothing is asked for twice, and an agent
    gets no such help.

    The first that may be overlooked is the session itself. Of a connection without one nothing is read, so another one has
    to ask; otherwise the session would be answered when it expires, and closed at once.

    Who asks there for a session that is over may also find the connection closed before it has read the answer."""

    NUDGE_AFTER_S = 3.0
    NUDGE_XID = 0x6e756467  # of its own: no test counts so far

    awaits_reply = False

    def __init__(self, address, timeout=30000, wrap=None, **wishes):
        self.nudge_after_s = min(self.NUDGE_AFTER_S, max(0.5, timeout / 3000))    # as real clients ping
        self.another = functools.partial(Connection, address, wrap=wrap)
        self.others = []
        super().__init__(address, timeout=timeout, wrap=wrap, **wishes)

    @property
    def is_refused(self):
        return self.session is None or super().is_refused

    def receive_session(self):
        return self.receive_nudging(self.deadline_s, self.nudge_as_another)

    def next_reply(self, op, deadline_s=None):
        self.awaits_reply = True
        try:
            return super().next_reply(op, deadline_s)
        finally:
            self.awaits_reply = False

    def receive(self, deadline_s=None):
        deadline_s = self.deadline_s if deadline_s is None else deadline_s
        return self.receive_nudging(deadline_s, self.nudge) if self.awaits_reply else self.receive_other(deadline_s)

    def receive_nudging(self, deadline_s, nudge):
        end = time.monotonic() + deadline_s
        while end - time.monotonic() > self.nudge_after_s:
            try:
                return self.receive_other(self.nudge_after_s)
            except TimeoutError:
                nudge()
        return self.receive_other(max(0.1, end - time.monotonic()))

    def receive_other(self, deadline_s):
        """The next frame that is no answer to a nudge."""
        while True:
            payload = super().receive(deadline_s)
            if payload is None or payload[:4] != struct.pack(">i", self.NUDGE_XID):
                return payload

    def nudge(self):
        self.send(request_payload(self.NUDGE_XID, "exists", path="/", watch=False))

    def nudge_as_another(self):
        """By a session that ends at once. One that is not taken any more is no news: our own connection shows it, too."""
        try:
            other = self.another()
        except OSError:
            return
        self.others.append(other)
        other.send(connect_payload())
        other.send(request_payload(1, "closeSession"))

    def close(self):
        for connection in self.others:
            connection.close()
        super().close()


def client_of(server, **wishes):
    """A session with that server, of the class that suits it."""
    return (NudgingClient if server.overlooks_commits else Client)((server.host, server.port), **wishes)
