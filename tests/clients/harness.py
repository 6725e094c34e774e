"""Servers for black-box tests, and the one way to wait.

A test starts an Agent (or an Apache server, to show that the test itself is right), talks to it over its
ports, and waits for facts with wait_until. `TEST --server apache` runs a test against Apache ZooKeeper.

    ZOOID_ROOT   top of the source tree (default: two folders up)
    ZOOID_AGENT  the agent's program (default: build/bin/zooid-agent)

A test file ends with `harness.main()`. Exit code 77 says that a foreign program is not installed.
"""
import atexit
import ctypes
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from ports import free_port
from waiting import wait_until, without_delay  # noqa: F401

SKIPPED = 77
ROOT = os.environ.get("ZOOID_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT = os.environ.get("ZOOID_AGENT") or os.path.join(ROOT, "build", "bin", "zooid-agent")
JARS = "/usr/share/java"
# The jars that zookeeper.jar's manifest forgets: a log to see, TLS, and the AdminServer.
ZOOKEEPER_CLASSPATH = ":".join(JARS + "/" + name for name in (
    "zookeeper.jar", "slf4j-simple.jar", "netty-codec.jar", "servlet-api.jar"))
SUPER_DIGEST = "super:xQJmxLMiHGwaqBvst5y6rkB6HQs="  # super:admin
SANITIZER_MARKS = (b"ERROR: AddressSanitizer", b"ERROR: LeakSanitizer", b"runtime error: ", b"WARNING: ThreadSanitizer")

_running = set()


def skip(reason):
    """Ends the program: the test cannot run here because something foreign is missing."""
    print("skipped: " + reason)
    sys.exit(SKIPPED)


def need_program(name, package):
    """Path of a foreign program; without it the test is skipped, naming the package."""
    path = shutil.which(name)
    if path is None:
        skip("%s is not installed (package %s)" % (name, package))
    return path


def need_file(path, package):
    if not os.path.exists(path):
        skip("%s is not installed (package %s)" % (path, package))
    return path


def need_kazoo():
    """The distribution's package serves the distribution's interpreter, which tests name in their first line."""
    try:
        import kazoo.client  # noqa: F401
    except ImportError:
        skip("kazoo is not installed (package python3-kazoo)")


def four_letter_word(port, word, deadline_s=10.0, host="127.0.0.1"):
    """Sends the word as a client does and returns all that comes back, as bytes."""
    with socket.create_connection((host, port), timeout=deadline_s) as connection:
        connection.sendall(word if isinstance(word, bytes) else word.encode())
        received = b""
        while True:
            try:
                chunk = connection.recv(65536)
            except ConnectionResetError:
                return received
            if not chunk:
                return received
            received += chunk


def states_of_threads(pid):
    states = set()
    for path in glob.glob("/proc/%d/task/*/stat" % pid):
        try:
            with open(path, encoding="utf-8", errors="replace") as stat:
                states.add(stat.read().rpartition(") ")[2][0])
        except OSError:
            states.add("gone")
    return states


def _die_with_parent():
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Server:
    """One server on one directory. restart() keeps directory and ports; stop() removes everything.

    `settings` go into zoo.cfg (None takes a default line out), `properties` become -Dname=value."""

    name = None
    overlooks_commits = False    # see wire.NudgingClient
    stopped_codes = (0,)
    host = "127.0.0.1"    # where clients find it

    def __init__(self, settings=None, properties=None):
        self.directory = tempfile.mkdtemp(prefix="zooid-test-")
        self.data_dir = os.path.join(self.directory, "data")
        os.mkdir(self.data_dir)
        self.port = free_port()
        self.admin_port = free_port()
        self.properties = dict(properties or {})
        self.settings = {
            "tickTime": 2000,
            "dataDir": self.data_dir,
            "clientPort": self.port,
            "clientPortAddress": "127.0.0.1",
            "maxClientCnxns": 0,
            "4lw.commands.whitelist": "*",
            "extendedTypesEnabled": "true",
            "DigestAuthenticationProvider.superDigest": SUPER_DIGEST,
            "admin.serverPort": self.admin_port,
            "admin.serverAddress": "127.0.0.1",
        }
        self.settings.update(settings or {})
        self.prefix = list    # what the command is started with: nothing
        self.process = None
        self.log_path = os.path.join(self.directory, "log")
        self.exit_codes_expected = set(self.stopped_codes)
        atexit.register(self.stop)

    # What differs between servers

    def command(self, config_path):
        raise NotImplementedError

    def write_config(self, config_path):
        """At each start."""
        with open(config_path, "w", encoding="utf-8") as config:
            for key, value in self.settings.items():
                if value is not None:
                    config.write("%s=%s\n" % (key, value))

    # Life

    def start(self, deadline_s=60.0):
        """Returns self once the server answers on its client port."""
        self.launch()
        self.wait_serving(deadline_s)
        return self

    def launch(self):
        """Starts the process only; for servers that are expected not to come up."""
        config_path = os.path.join(self.directory, "zoo.cfg")
        self.write_config(config_path)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.prefix() + self.command(config_path), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.directory, preexec_fn=_die_with_parent)
        _running.add(self)

    def wait_serving(self, deadline_s=60.0):
        def serving():
            if self.process.poll() is not None:
                ending = (self.name, self.process.returncode, self.log_tail())
                raise AssertionError("%s ended with %d at start:\n%s" % ending)
            try:
                return b"Mode:" in four_letter_word(self.port, "srvr", 2.0, self.host)
            except OSError:
                return False
        wait_until(serving, deadline_s, "%s to serve on port %d" % (self.name, self.port))

    def kill(self):
        """SIGKILL: nothing is flushed, nothing is said."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.exit_codes_expected.add(-signal.SIGKILL)

    def terminate(self, deadline_s=30.0):
        """SIGTERM, and waits for the end; the exit code is checked."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(deadline_s)
        self.check_exit()

    def freeze(self):
        """SIGSTOP. Returns when every thread has stopped: a signal that was sent is one that has not arrived yet."""
        self.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: states_of_threads(self.process.pid) == {"T"}, what="%s to stand still" % self.name)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        """SIGKILL and start again on the same data and ports."""
        self.kill()
        return self.start()

    def stop(self):
        """Ends the server and removes its directory. AssertionError when it had crashed or a sanitizer spoke."""
        atexit.unregister(self.stop)
        if self not in _running:
            shutil.rmtree(self.directory, ignore_errors=True)
            return
        _running.discard(self)
        try:
            self.terminate()
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.directory, ignore_errors=True)

    def check_exit(self):
        with open(self.log_path, "rb") as log:
            text = log.read()
        if any(mark in text for mark in SANITIZER_MARKS):
            raise AssertionError("a sanitizer reports:\n" + self.log_tail(100))
        if self.process.returncode not in self.exit_codes_expected:
            raise AssertionError("%s ended with %d:\n%s" % (self.name, self.process.returncode, self.log_tail()))

    # Observing

    @property
    def address(self):
        return "%s:%d" % (self.host, self.port)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def word(self, word):
        return four_letter_word(self.port, word, host=self.host).decode("utf-8", "replace")

    def log_tail(self, lines=60):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        except OSError:
            return ""

    def resident_kb(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def _property_options(properties):
    return ["-D%s=%s" % pair for pair in properties.items()]


class Agent(Server):
    name = "zooid-agent"

    def command(self, config_path):
        return [AGENT, "-c", config_path] + _property_options(self.properties)


class Apache(Server):
    name = "Apache ZooKeeper"
    overlooks_commits = True
    stopped_codes = (0, 143)

    def __init__(self, settings=None, properties=None):
        need_program("java", "default-jre-headless")
        need_file(JARS + "/zookeeper.jar", "libzookeeper-java")
        merged = {"admin.enableServer": "false", "preAllocSize": 1024}
        merged.update(settings or {})
        super().__init__(merged, properties)

    def command(self, config_path):
        return (["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"] + _property_options(self.properties)
                + ["-cp", ZOOKEEPER_CLASSPATH, "org.apache.zookeeper.server.quorum.QuorumPeerMain", config_path])

    def launch(self):
        self.remove_a_log_without_a_header()
        super().launch()

    def remove_a_log_without_a_header(self):
        """Killed between making a log and writing to it, it does not start until somebody removes that file (ZOOKEEPER-2332)."""
        logs = glob.glob(os.path.join(self.data_dir, "version-2", "log.*"))
        newest = max(logs, key=lambda path: int(path.rpartition(".")[2], 16), default=None)
        if newest and os.path.getsize(newest) == 0:
            os.unlink(newest)


def run_foreign_client(server, command, deadline_s=120.0, env=None):
    """Runs a client program to its end. It prints a line for each thing it has shown; the line `restart` asks for the
    server to be killed and started again, which is answered with a line on its standard input.

    AssertionError with its output when it fails or takes too long."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True,
                               errors="replace", env=dict(os.environ, **(env or {})), preexec_fn=_die_with_parent)
    timer = threading.Timer(deadline_s, process.kill)
    timer.start()
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line == "restart\n":
                server.restart()
                process.stdin.write("restarted\n")
                process.stdin.flush()
        process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdin.close()
        process.stdout.close()
    if process.returncode != 0:
        raise AssertionError("%s ended with %d:\n%s" % (" ".join(command), process.returncode, "".join(lines[-80:])))
    return lines


SERVER_CLASSES = {"agent": Agent, "apache": Apache}


def server_named(name):
    """agent, apache, or a member of an ensemble as tests/ensembles/members.py names them."""
    if name not in SERVER_CLASSES:
        sys.path.insert(1, os.path.join(ROOT, "tests", "ensembles"))
        import members  # adds them
        assert members.harness is sys.modules[__name__], "started as a program itself"
    return SERVER_CLASSES[name]


def _chosen_server():
    """Takes `--server NAME` out of the command line; the environment hands it on to programs a test starts."""
    if "--server" in sys.argv[:-1]:
        at = sys.argv.index("--server")
        os.environ["ZOOID_TEST_SERVER"] = sys.argv[at + 1]
        del sys.argv[at:at + 2]
    return os.environ.get("ZOOID_TEST_SERVER", "agent")


_server_name = _chosen_server()


def server_class():
    """The server under test: ours, unless the command line asks for Apache to test the test."""
    return server_named(_server_name)


def testing_apache():
    return server_class() is Apache


class ServerTestCase(unittest.TestCase):
    """Tests that share one server: started before the first, stopped after the last."""

    settings = {}
    properties = {}

    @classmethod
    def setUpClass(cls):
        cls.server = server_class()(cls.settings, cls.properties)
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()


class _Result(unittest.TextTestResult):
    """Prints the end of each running server's log beside a failure."""

    def _show_logs(self):
        for server in list(_running):
            self.stream.writeln("\n---- end of the log of %s (port %d)" % (server.name, server.port))
            self.stream.writeln(server.log_tail(30) + "----")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._show_logs()

    def addError(self, test, err):
        super().addError(test, err)
        self._show_logs()


def main():
    """Runs the unittest cases of the calling file. Names on the command line choose some of them."""
    if server_class() is Agent and not os.access(AGENT, os.X_OK):
        sys.exit("%s is missing: build it first, or set ZOOID_AGENT" % AGENT)
    runner = unittest.TextTestRunner(resultclass=_Result, verbosity=2)
    unittest.main(module="__main__", testRunner=runner)
