"""The plugin health in its host, what its checks look at, and what the tree shows of them."""
import json
import os
import shutil
import socket
import ssl
import tempfile
import threading

import plugin_rig
from plugin_rig import harness

harness.need_kazoo()
import kazoo.client  # noqa: E402
import kazoo.exceptions  # noqa: E402

PLUGIN = os.path.join(plugin_rig.BUILD, "lib", "zooid", "plugins", "health.so")


def libconfig(value):
    """A Python value as it is written in a configuration file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ %s }" % " ".join("%s = %s;" % (key, libconfig(value[key])) for key in value)
    if isinstance(value, list):
        return "( %s )" % ", ".join(libconfig(element) for element in value)
    return json.dumps(value)


class Health:
    """One process of the plugin. Its checks are below /NAME/here, in a directory of its own."""

    def __init__(self, agent, client, name, checks=(), **settings):
        self.client = client
        self.name = name
        self.directory = tempfile.mkdtemp(prefix="zooid-test-")
        self.conf = os.path.join(self.directory, "health.conf")
        self.socket = plugin_rig.socket_of(agent)
        self.host = None
        self.write(checks, **settings)

    def write(self, checks, **settings):
        settings = dict({"base_path": "/" + self.name, "checks": list(checks), "output_interval_ms": 100}, **settings)
        with open(self.conf, "w", encoding="utf-8") as conf:
            conf.write("settings = %s;\n" % libconfig(settings))

    def start(self):
        self.host = plugin_rig.Host(self.directory, "--plugin", PLUGIN, "--settings", self.conf, "--name", self.name,
                                    "--state-dir", os.path.join(self.directory), "--socket", self.socket)
        return self

    def stop(self):
        return self.host.stop()

    def close(self):
        if self.host is not None:
            self.host.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def hosts(self):
        try:
            return self.client.get_children("/" + self.name)
        except kazoo.exceptions.NoNodeError:
            return []

    def node(self, check):
        """What the tree shows, or an empty dictionary."""
        for host in self.hosts():
            try:
                return json.loads(self.client.get("/%s/%s/%s" % (self.name, host, check))[0])
            except kazoo.exceptions.NoNodeError:
                pass
        return {}

    def wait_for(self, check, status, output="", deadline_s=30):
        """Until the node of the check has this status, and this text in its output; returns it."""
        seen = []

        def shown():
            node = self.node(check)
            seen[:] = [node]
            return node if node.get("status") == status and output in node["output"] else None
        try:
            return harness.wait_until(shown, deadline_s, "check %s to be %s" % (check, status))
        except AssertionError as error:
            raise AssertionError("%s; it is %s\n%s" % (error, seen, self.host.log()[-3000:])) from None


class Target:
    """A server of TCP, or of TLS or a Unix socket: each path has an answer of its own. `mode` is that of /mode, but for the
    next requests those in `first`, each once."""

    def __init__(self, context=None, unix=None):
        self.context = context
        self.mode = b"HTTP/1.1 200 OK\r\n\r\n"
        self.held, self.first = [], []
        self.requests = []
        self.port = None if unix else harness.free_port()
        self.address = unix or ("127.0.0.1", self.port)
        self.open()

    def open(self):
        self.listener = socket.socket(socket.AF_INET if self.port else socket.AF_UNIX)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(self.address)
        self.listener.listen(64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self, listener):
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.answer(connection)
            connection.close()
        except (OSError, ssl.SSLError):
            pass

    def answer(self, connection):
        request = b""
        while b"\r\n\r\n" not in request:
            received = connection.recv(65536)
            if not received:
                return
            request += received
        path = request.split(b" ")[1].decode()
        self.requests.append(request)
        getattr(self, "path_" + path.strip("/").split("?")[0])(connection, request)

    @staticmethod
    def plain(connection, status, body=b"", headers=b""):
        connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), headers, body))

    def path_ok(self, connection, request):
        self.plain(connection, b"200 OK", b"all is well")

    def path_mode(self, connection, request):
        connection.sendall(self.first.pop(0) if self.first else self.mode)

    def path_echo(self, connection, request):
        self.plain(connection, b"200 OK", request)

    def path_busy(self, connection, request):
        self.plain(connection, b"429 Too Many Requests", b"later")

    def path_broken(self, connection, request):
        self.plain(connection, b"500 Oops", b"a \xff\x00 reason")

    def path_redirect(self, connection, request):
        self.plain(connection, b"302 Found", headers=b"Location: /ok\r\n")

    def path_away(self, connection, request):
        self.plain(connection, b"302 Found", headers=b"Location: file:///etc/passwd\r\n")

    def path_hang(self, connection, request):
        self.held.append(connection)
        threading.Event().wait(60)

    def path_silent_body(self, connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        self.path_hang(connection, request)

    def path_endless(self, connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    def path_endless_headers(self, connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X: " + b"y" * 65536)

    def path_garbage(self, connection, request):
        connection.sendall(b"\x00\xff\x16\x03" * 100)

    def path_nothing(self, connection, request):
        pass


class CheckedCase(harness.ServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = kazoo.client.KazooClient(cls.server.address)
        cls.client.start(30)
        cls.addClassCleanup(cls.client.close)
        cls.addClassCleanup(cls.client.stop)

    def health(self, checks=(), agent=None, **settings):
        name = self.id().rsplit(".", 1)[1]
        health = Health(agent or self.server, self.client, name, checks, **settings)
        self.addCleanup(health.close)
        return health.start()

    def target(self, **options):
        target = Target(**options)
        self.addCleanup(target.close)
        return target
