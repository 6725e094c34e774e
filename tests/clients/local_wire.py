"""The local door as local.proto has it, spoken through protobuf's own Python code."""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile

import harness

PROTO = os.path.join(harness.ROOT, "bindings", "c")


def _load():
    """The messages, made from the .proto itself."""
    harness.need_program("protoc", "protobuf-compiler")
    try:
        import google.protobuf  # noqa: F401
    except ImportError:
        harness.skip("protobuf is not installed (package python3-protobuf)")
    made = tempfile.mkdtemp(prefix="zooid-proto-")
    subprocess.run(["protoc", "--python_out=" + made, "--proto_path=" + PROTO, "local.proto"], check=True)
    sys.path.insert(0, made)
    import local_pb2
    return local_pb2


pb = _load()


def as_user(path, uid, gid, body):
    """What `body` returns, which is given the name of the socket, in a process of that user; it has to be JSON."""
    read_end, write_end = os.pipe()
    directory, name = os.path.split(path)
    os.chmod(directory, 0o711)
    child = os.fork()
    if child == 0:
        try:
            os.chdir(directory)  # what is above it may be closed to others
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            os.write(write_end, json.dumps(body(name)).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    os.waitpid(child, 0)
    with os.fdopen(read_end, "rb") as answer:
        return json.load(answer)


class Closed(AssertionError, ConnectionError):
    """The connection has ended: a mistake of the agent's, but where it may end at any time."""


class Connection:
    """Frames of any kind to the socket, and messages from it."""

    def __init__(self, path, deadline_s=20.0):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(deadline_s)
        self.socket.connect(path)
        self.received = b""

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, *messages):
        frames = [message.SerializeToString() for message in messages]
        self.send_raw(b"".join(struct.pack(">I", len(frame)) + frame for frame in frames))

    def _take(self, count):
        while len(self.received) < count:
            try:
                chunk = self.socket.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                return None
            if not chunk:
                return None
            self.received += chunk
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def receive(self):
        """The next message; None at the end of the stream."""
        head = self._take(4)
        if head is None:
            return None
        body = self._take(struct.unpack(">I", head)[0])
        return None if body is None else pb.FromAgent.FromString(body)

    def goodbye(self):
        """What the agent says before it closes: the code, or None when it says nothing."""
        said = None
        while True:
            message = self.receive()
            if message is None:
                return said
            if message.HasField("goodbye"):
                said = message.goodbye.error.code

    def close(self):
        self.socket.close()


class Client(Connection):
    """One that has been greeted; call() waits for the final reply and keeps the events on the way."""

    def __init__(self, path, deadline_s=20.0, **hello):
        super().__init__(path, deadline_s)
        self.events, self.last_id = [], 0
        self.send(pb.ToAgent(hello=pb.Hello(**hello)))
        greeting = self.receive()
        if greeting is None:
            raise Closed("not greeted")
        self.welcome = greeting.welcome

    def submit(self, deadline_ms=None, **body):
        self.last_id += 1
        self.send(pb.ToAgent(id=self.last_id, deadline_ms=deadline_ms, **body))
        return self.last_id

    def reply(self, wanted):
        """All parts of the reply to that request, the final one last."""
        parts = []
        while not parts or parts[-1].more:
            message = self.receive()
            if message is None:
                raise AssertionError("the connection has ended")
            if message.id == wanted:
                parts.append(message)
            elif message.HasField("id"):
                raise AssertionError("a reply to %d instead of %d" % (message.id, wanted))
            else:
                self.events.append(message)
        return parts

    def call(self, deadline_ms=None, **body):
        return self.reply(self.submit(deadline_ms, **body))[-1]

    def must(self, **body):
        answer = self.call(**body)
        if answer.HasField("error"):
            raise AssertionError("%r: %s" % (body, answer.error))
        return answer

    def next_event(self):
        return self.events.pop(0) if self.events else self.receive()


class Subscriber(Client):
    """One with a subscription, for whose changes it gives credit as they come, unless told otherwise."""

    def __init__(self, path, prefix, credit=True, frame_max=1 << 24, **options):
        super().__init__(path, frame_max=frame_max)
        self.credit, self.owed, self.resets, self.fell_behind = credit, 0, 0, False
        self.cursor = self.ended = None
        self.frames, self.pending = [], []
        self.id = self.submit(subscribe=pb.Subscribe(prefix=prefix, **options))

    def receive(self):
        """The next message that is not the subscription's."""
        while True:
            message = super().receive()
            if message is None or message.id != getattr(self, "id", None):
                return message
            self._note(message)

    def _note(self, message):
        if not message.more:
            self.ended = message.error.code
            return
        told = message.changes
        self.resets += told.reset
        self.fell_behind |= told.fell_behind
        if told.HasField("cursor"):
            self.cursor = told.cursor
        self.frames.append(told)
        self.owed += message.ByteSize() + 4
        if self.credit:
            self.give_credit()

    def give_credit(self):
        if self.owed > 0:
            self.send(pb.ToAgent(credit=pb.Credit(id=self.id, bytes=self.owed)))
        self.owed = 0

    def next_frame(self):
        """The next frame of the subscription; None when it has ended."""
        while not self.frames and self.ended is None:
            message = super().receive()
            if message is None:
                raise Closed("the connection has ended")
            if message.id == self.id:
                self._note(message)
            else:
                self.events.append(message)
        return self.frames.pop(0) if self.frames else None

    def _must_next(self):
        told = self.next_frame()
        if told is None:
            raise AssertionError("it has ended: %d" % self.ended)
        return told

    def snapshot(self):
        """The nodes of a snapshot."""
        nodes = []
        while True:
            told = self._must_next()
            nodes += told.change
            if told.snapshot_end:
                return nodes

    def changes(self, count):
        """That many of the next changes."""
        while len(self.pending) < count:
            self.pending += self._must_next().change
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def settle(self):
        """Waits until the agent says that the subscription stands."""
        while self.cursor is None:
            self._must_next()

    def begun(self):
        """Waits until it has been told anything."""
        self.frames.insert(0, self._must_next())

    def end(self):
        """Waits until it ends: the code."""
        while self.next_frame() is not None:
            pass
        return self.ended


class Caller(Client):
    """One whose replies may come in any order."""

    def __init__(self, path, **hello):
        self.early = {}
        super().__init__(path, **hello)

    def reply(self, wanted):
        while wanted not in self.early:
            message = self.receive()
            if message is None:
                raise AssertionError("the connection has ended")
            if not message.HasField("id"):
                self.events.append(message)
            elif not message.more:
                self.early[message.id] = message
        return [self.early.pop(wanted)]


class Provider(Caller):
    """One that has offered commands, and takes calls out of its events."""

    def __init__(self, path, name, *offers, replace=False, **hello):
        super().__init__(path, **hello)
        self.provide = self.submit(provide=pb.Provide(name=name, offer=offers, replace=replace))
        self.first = self.receive()

    def invoke(self):
        while True:
            message = self.next_event()
            if message is None:
                raise AssertionError("the connection has ended")
            if message.HasField("invoke"):
                return message.invoke

    def answer(self, invoke, data=b"", error=None):
        self.send(pb.ToAgent(call_result=pb.CallResult(call=invoke.call, bytes=data, error=error)))

    def ended(self):
        """The code of the final reply to its Provide."""
        return self.reply(self.provide)[-1].error.code
