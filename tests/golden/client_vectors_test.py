#!/usr/bin/python3
"""Replays the recorded exchanges of vectors/client against a fresh server and compares every frame.

What arrives is translated into the recording's terms (session ids, passwords and zxids are mapped, so that they
must correspond one to one and advance alike) and then compared byte by byte. Masked are only the times of a Stat,
and sorted the lists whose order the protocol leaves open. `--server apache` shows that the replayer is right.

The agent differs on purpose in two things, of which Apache is held to the recording's way:
    an event tells the zxid of its transaction, as since 3.9, where the recording has -1
    a session's password cannot be computed from its id"""
import json
import os
import re
import struct
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "clients"))
import harness  # noqa: E402
import wire  # noqa: E402

VECTORS = os.path.join(HERE, "vectors", "client")
SCENARIOS = """connect_new connect_old_client connect_timeout_clamp connect_reattach connect_refused ping create create2
create_container_ttl delete setdata reads setacl auth_ok auth_failed auth_super multi_ok multi_failed multi_read
watch_data watch_children watch_persistent setwatches session_expiry_event unknown_op reconfig_disabled
close_session""".split()

# What was done before a scenario by a connection that was not recorded; its session is left open.
PREPARATIONS = {
    "setwatches": [("create", "/sw"), ("create", "/sw/d"), ("create", "/sw/c"), ("create", "/sw/x"),
                   ("setData", "/sw/d"), ("create", "/sw/new"), ("delete", "/sw/x"), ("create", "/sw/c/k")],
}

UNORDERED = ("children", "paths", "ids")    # fields of replies
TIME_SLACK_MS = 120 * 1000


def load(scenario):
    with open(os.path.join(VECTORS, scenario + ".jsonl"), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def reply_zxid(line):
    """zxid of a recorded reply; -1 for anything else."""
    if line["dir"] != "s2c" or " response err=" not in line["note"]:
        return -1
    return int(line["hex"][16:32], 16)


class FieldReader(wire.Reader):
    """Reads a record and notes where the fields stand that vary from run to run."""

    def __init__(self, data, at):
        super().__init__(data)
        self.at = at
        self.zxids, self.times, self.sessions, self.unordered = [], [], [], []

    def stat(self):
        at = self.at
        self.zxids += [at, at + 8, at + 60]
        self.times += [at + 16, at + 24]
        self.sessions.append(at + 44)
        return super().stat()

    def record(self, fields):
        values = {}
        for name, kind in fields:
            start = self.at
            values[name] = getattr(self, kind)()
            if name in UNORDERED:
                self.unordered.append((name, start, self.at))
        return values


def sorted_vector(data, name):
    """The bytes of a vector with its items in order."""
    reader = wire.Reader(data)
    items, count = [], reader.int()
    for _ in range(max(count, 0)):
        start = reader.at
        reader.string()
        if name == "ids":
            reader.string()
        items.append(reader.data[start:reader.at])
    return struct.pack(">i", count) + b"".join(sorted(items))


def mentioned_fields(op, frame):
    """Reader over a successful reply's body, run to its end."""
    reader = FieldReader(frame, 20)
    if op in ("multi", "multiRead"):
        wire.read_results(reader)
    else:
        reader.record(wire.RESPONSES[op])
    reader.end()
    return reader


class Translation:
    """From what this run shows to what the recording shows. One for the whole series of scenarios."""

    def __init__(self, started_ms):
        self.started_ms = started_ms
        self.sessions = {}         # here -> (recorded id, recorded password, password here)
        self.zxid_offset = None    # here minus recorded

    def learn_session(self, recorded, actual):
        if actual.id in self.sessions:
            return
        if recorded.id in (entry[0] for entry in self.sessions.values()):
            raise AssertionError("the recording's session %#x came back under a new id" % recorded.id)
        self.sessions[actual.id] = (recorded.id, recorded.password, actual.password)

    def session_here(self, recorded_id):
        """(id, password) of this run for a session of the recording; unknown ones are sent as recorded."""
        for here, (recorded, _password, password_here) in self.sessions.items():
            if recorded == recorded_id:
                return here, password_here
        return None

    def zxid(self, zxid, recorded):
        if zxid <= 0 or recorded <= 0:
            return zxid
        if self.zxid_offset is None:
            self.zxid_offset = zxid - recorded
        return zxid - self.zxid_offset

    def time(self, value):
        """0 stays, anything within this run becomes 1."""
        plausible = self.started_ms - TIME_SLACK_MS <= value <= time.time() * 1000 + TIME_SLACK_MS
        return 1 if plausible else value

    def session_response(self, frame):
        out = bytearray(frame)
        session = struct.unpack_from(">q", frame, 12)[0]
        if session in self.sessions:
            recorded, recorded_password, here = self.sessions[session]
            struct.pack_into(">q", out, 12, recorded)
            if frame[24:40] == here:
                out[24:40] = recorded_password
        return bytes(out)

    def reply(self, op, frame, recorded):
        """The reply as the recording would show it; and the recorded one with times masked and lists sorted."""
        return self._rewrite(op, frame, recorded, self.zxid, self.time), \
            self._rewrite(op, recorded, recorded, lambda zxid, _recorded: zxid, lambda value: 1 if value else 0)

    def _rewrite(self, op, frame, recorded, map_zxid, map_time):
        out = bytearray(frame)

        def put(at, value):
            struct.pack_into(">q", out, at, value)

        def get(data, at):
            return struct.unpack_from(">q", data, at)[0] if at + 8 <= len(data) else 0

        put(8, map_zxid(get(frame, 8), get(recorded, 8)))
        if struct.unpack_from(">i", frame, 16)[0] != 0 or op is None:
            return bytes(out)
        fields = mentioned_fields(op, frame)
        for at in fields.zxids:
            put(at, map_zxid(get(frame, at), get(recorded, at)))
        for at in fields.times:
            put(at, map_time(get(frame, at)))
        for at in fields.sessions:
            owner = get(frame, at)
            put(at, self.sessions[owner][0] if owner in self.sessions else owner)
        for name, start, end in fields.unordered:
            out[start:end] = sorted_vector(bytes(out[start:end]), name)
        return bytes(out)


class Replay:
    """One scenario: the recording's connections, opened when they first send."""

    def __init__(self, scenario, port, translation):
        self.scenario = scenario
        self.port = port
        self.translation = translation
        self.connections = {}
        self.ops = {}              # (connection, xid) -> operation asked

    def run(self):
        lines = load(self.scenario)
        try:
            self.prepare()
            for number, line in enumerate(lines):
                self.around = lines[:number][::-1], lines[number:]
                getattr(self, line["dir"])(line["conn"], bytes.fromhex(line.get("hex", "")), line.get("note", ""))
        finally:
            for connection in self.connections.values():
                connection.close()

    def prepare(self):
        steps = PREPARATIONS.get(self.scenario)
        if steps:
            client = self.connections["preparation"] = wire.Client(("127.0.0.1", self.port))
            for op, path in steps:
                client.must(op, path=path, data=b"", version=-1, acl=wire.OPEN_ACL, flags=wire.PERSISTENT)

    def c2s(self, label, frame, _note):
        if label not in self.connections:
            self.connections[label] = wire.Connection(("127.0.0.1", self.port))
            frame = self.connect_request(frame)
        else:
            xid, opcode = struct.unpack_from(">ii", frame, 4)
            self.ops[label, xid] = wire.OP_NAMES.get(opcode)
            if opcode in (wire.OPCODES["setWatches"], wire.OPCODES["setWatches2"]):
                relative = struct.unpack_from(">q", frame, 12)[0]
                frame = frame[:12] + struct.pack(">q", relative + self.translation.zxid_offset) + frame[20:]
        self.connections[label].send_raw(frame)

    def connect_request(self, frame):
        session_id = struct.unpack_from(">q", frame, 20)[0]
        here = self.translation.session_here(session_id)
        return frame if here is None else frame[:20] + struct.pack(">q", here[0]) + frame[28:32] + here[1] + frame[48:]

    def s2c(self, label, recorded, note):
        payload = self.connections[label].receive()
        if payload is None:
            raise AssertionError("%s: closed instead of: %s" % (label, note))
        actual, expected = self.normalised(label, wire.frame(payload), recorded)
        if actual != expected:
            raise AssertionError("%s: %s\n expected %s\n received %s" % (label, note, expected.hex(), actual.hex()))

    def normalised(self, label, frame, recorded):
        if not any(key[0] == label for key in self.ops):
            return self.normalised_session(frame, recorded)
        xid = struct.unpack_from(">i", frame, 4)[0]
        recorded_xid = struct.unpack_from(">i", recorded, 4)[0]
        if xid == recorded_xid == wire.XID_EVENT and not harness.testing_apache():
            frame = self.with_event_zxid_as_recorded(frame)
        if xid != recorded_xid or xid == wire.XID_EVENT:
            return self.translation.reply(None, frame, recorded)
        return self.translation.reply(self.ops[label, xid], frame, recorded)

    def with_event_zxid_as_recorded(self, frame):
        """Deviation on purpose: an event tells the zxid of its transaction, as since 3.9, and -1 only when setWatches
        fired it. It must lie between those of the replies around it."""
        if self.scenario == "setwatches":
            return frame
        before, after = (next(zxid for zxid in map(reply_zxid, lines) if zxid > 0) for lines in self.around)
        zxid = self.translation.zxid(struct.unpack_from(">q", frame, 8)[0], 1)
        return frame[:8] + struct.pack(">q", -1) + frame[16:] if before <= zxid <= after else frame

    def normalised_session(self, frame, recorded):
        here, there = wire.decode_session(frame[4:]), wire.decode_session(recorded[4:])
        if here.id != 0 and there.id != 0:
            check_password(here)
            self.translation.learn_session(there, here)
        return self.translation.session_response(frame), recorded

    def eof(self, label, _frame, note):
        if not self.connections[label].closed_by_server():
            raise AssertionError("%s: a frame instead of the end: %s" % (label, note))


def guessable_password(session_id):
    """What Apache derives from the public session id alone."""
    state = ((session_id ^ 0xB3415C00) ^ 0x5DEECE66D) & ((1 << 48) - 1)
    password = b""
    for _ in range(4):
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        password += struct.pack("<I", (state >> 16) & 0xFFFFFFFF)
    return password


def check_password(session):
    """Deviation on purpose: Apache's password can be computed by anyone who knows the id; ours must not be."""
    guessed = guessable_password(session.id & ((1 << 64) - 1)) == session.password
    if guessed != harness.testing_apache():
        raise AssertionError("session password %s Apache's rule" % ("follows" if guessed else "does not follow"))


# Four-letter words: the same lines with the same keys; numbers, addresses and dates masked.

def masked(line):
    line = re.sub(r"\w{3} \w{3} \d+ [\d:]+ \w+ \d{4}", "DATE", line)
    line = re.sub(r"^(zk_version\t|Zookeeper version: |zookeeper\.version=)\d+\.\d+\.\d+\S* built on .*", r"\1VERSION",
                  line)
    line = re.sub(r"^(zk_version\t|Zookeeper version: |zookeeper\.version=)\d+\.\d+\.\d+.*", r"\1VERSION", line)
    line = re.sub(r"^(data(?:Log)?Dir)=.*", r"\1=PATH", line)
    line = re.sub(r"-?\b(0x[0-9a-f]+|\d+\.\d+|\d+)", lambda m: "F" if re.fullmatch(r"-?\d+\.\d+", m[0]) else "N", line)
    return line


def latency_masked(line):
    """An average without decimals and one with them are the same thing."""
    return re.sub(r"min/avg/max: N/[NF]/N", "min/avg/max: N/F/N", line)


def shape_of_lines(text):
    """Connections, which start with a space, are listed in any order and counted by others."""
    lines = [latency_masked(masked(line)) for line in text.split("\n")]
    connections = {line for line in lines if line.startswith(" ")}
    return sorted(connections) + [line for line in lines if line not in connections]


def shape_of_dump(text):
    """Sections in order; how many buckets there are depends on the moment."""
    return list(dict.fromkeys(shape_of_lines(text)))


def shape_of_keys(text):
    """The order of mntr's lines is open, except for the first two."""
    lines = [masked(line) for line in text.split("\n") if "\t" in line]
    return lines[:2], set(lines)


def compare_text(word, text, recorded):
    if word == "mntr":
        recorded = recorded[:recorded.rfind("\n") + 1]
        (first, keys), (recorded_first, recorded_keys) = shape_of_keys(text), shape_of_keys(recorded)
        return first == recorded_first, "missing: %s" % sorted(recorded_keys - keys) if recorded_keys - keys else ""
    if word == "envi":
        keys = [line.split("=")[0] for line in text.split("\n")]
        wanted = [line.split("=")[0] for line in recorded.split("\n")]
        return [key for key in keys if key in wanted] == wanted, ""
    shape = shape_of_dump if word == "dump" else shape_of_lines
    return shape(text) == shape(recorded), ""


class ClientVectors(harness.ServerTestCase):
    """The scenarios in the order of recording: later ones use what earlier ones left."""

    failed = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.translation = Translation(time.time() * 1000)

    def replay(self, scenario):
        if ClientVectors.failed:
            self.translation.zxid_offset = None    # where the earlier failure left off is unknown
        try:
            Replay(scenario, self.server.port, self.translation).run()
        except Exception:
            ClientVectors.failed = True
            raise

    def test_99_four_letter_words(self):
        client = wire.Client(("127.0.0.1", self.server.port))
        lines = load("four_letter_words")
        for asked, answered in zip(lines[::2], lines[1::2]):
            word = asked["conn"]
            with self.subTest(word):
                text = harness.four_letter_word(self.server.port, bytes.fromhex(asked["hex"])).decode()
                same, missing = compare_text(word, text, answered["text"])
                self.assertTrue(same and not missing,
                                "%s\n%s\n-- recorded --\n%s" % (missing, text, answered["text"]))
        client.close()


def add_scenario_tests():
    for number, scenario in enumerate(SCENARIOS):
        setattr(ClientVectors, "test_%02d_%s" % (number, scenario), lambda self, name=scenario: self.replay(name))


class Table(unittest.TestCase):
    def test_every_recorded_file_is_replayed(self):
        files = {name[:-len(".jsonl")] for name in os.listdir(VECTORS) if name.endswith(".jsonl")}
        self.assertEqual(files, set(SCENARIOS) | {"four_letter_words"})

add_scenario_tests()

if __name__ == "__main__":
    harness.main()
