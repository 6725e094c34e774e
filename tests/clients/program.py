"""C programs on libzooid: compiled against the built library, and run on an agent. What one of them cannot do itself, it
asks for with a line on its standard output, and goes on when it reads "done"."""
import os
import socket
import subprocess
import threading

import harness

COMPILER = harness.need_program("gcc", "gcc")
BUILD = os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build")
SANITIZERS = {"san": "address,undefined", "asan": "address", "ubsan": "undefined", "tsan": "thread"}
SANITIZE = ["-fsanitize=" + name for variant, name in SANITIZERS.items() if variant == os.path.basename(os.path.normpath(BUILD))]


def compiled(name, directory):
    """The program c/NAME.c, in that directory."""
    program = os.path.join(directory, name)
    source = os.path.join(harness.ROOT, "tests", "clients", "c", name + ".c")
    library = os.path.join(os.path.abspath(BUILD), "lib")
    subprocess.run([COMPILER, "-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", *SANITIZE, "-I", harness.ROOT,
                    "-o", program, source, "-L" + library, "-lzooid", "-Wl,-rpath," + library, "-lpthread"], check=True)
    return program


def socket_of(agent):
    return os.path.join(agent.data_dir, "zooid", "zooid.sock")


def converse(agent, program, requests=None, path=None):
    """Runs it to its end, which has to be a good one; returns the lines that are no requests. `path` is the socket that
    it is told, if not the agent's."""
    known = {"kill": agent.kill, "start": agent.start, **(requests or {}),
             "stop": agent.freeze, "continue": agent.thaw}
    lines = []
    with subprocess.Popen([program, path or socket_of(agent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        for line in process.stdout:
            if line.strip() in known:
                known[line.strip()]()
                process.stdin.write("done\n")
                process.stdin.flush()
            else:
                lines.append(line)
    if process.returncode != 0:
        raise AssertionError("%s ended with %d:\n%s" % (program, process.returncode, "".join(lines)))
    return lines


class Between:
    """A socket between clients and their agent, which can lose a reply: when a message with certain bytes has been
    answered, the agent is killed before anybody hears of it, and started again."""

    def __init__(self, agent, path):
        self.agent, self.path = agent, path
        self.marker, self.lost, self.stopped = None, threading.Event(), threading.Event()
        self.marked = b""  # what was sent at once with the marker in it
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_reply_to(self, marker):
        self.lost.clear()
        self.marker = marker

    def has_lost(self):
        assert self.lost.wait(30), "no reply was lost"

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(socket_of(self.agent))
            except OSError:
                client.close()
                continue
            doomed = threading.Event()
            threading.Thread(target=self._forward, args=(client, server, doomed), daemon=True).start()
            threading.Thread(target=self._back, args=(server, client, doomed), daemon=True).start()

    def _forward(self, client, server, doomed):
        for data in _received(client):
            if self.marker is not None and self.marker in data:
                self.marker, self.marked = None, data
                doomed.set()
            try:
                server.sendall(data)
            except OSError:
                break
        _shut(server)

    def _back(self, server, client, doomed):
        for data in _received(server):
            if doomed.is_set():
                self.agent.kill()
                _shut(client)
                self.agent.start()
                self.lost.set()
                self.stopped.wait()  # the agent ends with the thread that has started it
                return
            try:
                client.sendall(data)
            except OSError:
                break
        _shut(client)

    def stop(self):
        self.stopped.set()
        _shut(self.listener)
        self.listener.close()


def messages(data):
    """How many messages of the local door those bytes are, which have to be whole ones."""
    count = 0
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        assert len(data) >= end > 4, data
        data, count = data[end:], count + 1
    return count


def _received(peer):
    while True:
        try:
            data = peer.recv(65536)
        except OSError:
            return
        if not data:
            return
        yield data


def _shut(peer):
    try:
        peer.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
