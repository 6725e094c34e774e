"""The servers under test as processes, each with a data directory of its own on one file system."""

import ctypes
import os
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import time

from ports import free_port

CONFIG = """\
tickTime={tick_ms}
dataDir={directory}
clientPort={port}
clientPortAddress=127.0.0.1
maxClientCnxns=0
admin.enableServer=false
forceSync=yes
"""
LAST_LINES = 12
CONNECT_REQUEST = struct.pack(">iiqiqi16s?", 45, 0, 0, 10000, 0, 16, bytes(16), False)
JAVA_CLASS = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
JAVA_JAR = "/usr/share/java/zookeeper.jar"
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """Between fork and exec: nobody outlives the run, even when it is killed."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def pause(seconds):
    select.select([], [], [], seconds)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid):
    """Of /proc/PID/status: everything resident, and the anonymous part of it."""
    values = {}
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        for line in status:
            name, _, rest = line.partition(":")
            if name in ("VmRSS", "RssAnon", "RssFile"):
                values[name] = int(rest.split()[0])
    if not values:
        raise RuntimeError(f"process {pid} has ended")
    return values


def answers(port):
    """Whether a session can be opened at this port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(CONNECT_REQUEST)
            return len(client.recv(64)) >= 40
    except OSError:
        return False


class Server:
    """One server; `command` is what to execute once `write_config` has written its zoo.cfg."""

    def __init__(self, name, directory, command):
        self.name = name
        self.directory = directory
        self.data = os.path.join(directory, "data")
        self.config = os.path.join(directory, "zoo.cfg")
        self.output = os.path.join(directory, "output")
        self.command = [*command, self.config]
        self.port = free_port()
        self.process = None
        self.tick_ms = 2000
        self.lines = []  # of zoo.cfg, besides those that all have
        self.sid = None  # its number in an ensemble

    @property
    def members(self):
        return [self]

    @property
    def pid(self):
        return self.process.pid

    @property
    def pids(self):
        return [self.process.pid] if self.process else []

    def endpoints(self, _where):
        return str(self.port)

    def write_config(self):
        with open(self.config, "w", encoding="ascii") as config:
            config.write(CONFIG.format(directory=self.data, port=self.port, tick_ms=self.tick_ms))
            config.writelines(line + "\n" for line in self.lines)

    def wipe(self):
        """An empty data directory and its configuration; the server is not running."""
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.data)
        if self.sid is not None:
            with open(os.path.join(self.data, "myid"), "w", encoding="ascii") as myid:
                myid.write(f"{self.sid}\n")
        self.write_config()

    def launch(self):
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent
            )

    def start(self):
        self.launch()
        self.wait_serving()

    def wait_serving(self):
        deadline = time.monotonic() + 120
        while not answers(self.port):
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not serve: {self.last_words()}")
            pause(0.01)

    def last_words(self):
        with open(self.output, encoding="utf-8", errors="replace") as output:
            return "".join(output.readlines()[-LAST_LINES:])

    def parting_words(self):
        if self.process is None:
            return ""
        return f"{self.name}, pid {self.pid}, says last:\n{self.last_words()}"

    def kill(self):
        """SIGKILL: the directory stays as a crash leaves it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def has_apache():
    return shutil.which("java") is not None and os.path.exists(JAVA_JAR)


def apache(directory, heap):
    """Apache ZooKeeper of the Debian package, with its own way of finding classes."""
    return Server("apache", directory, ["java", f"-Xmx{heap}", "-cp", JAVA_JAR, JAVA_CLASS])


def zooid(directory, program):
    return Server("zooid", directory, [os.path.abspath(program), "-c"])


def busy_seconds():
    """CPU time that all processes together have used, with what a hypervisor took away."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime + own.ru_utime + own.ru_stime


class Disturbance:
    """What other processes used of the CPUs while samples were taken."""

    def __init__(self):
        self.shares = []

    def watch(self, servers, sample):
        """Calls `sample` and notes the share of the CPUs that neither the servers nor the measuring programs used."""
        ours = [pid for server in servers for pid in server.pids]
        before = busy_seconds() - children_seconds() - sum(map(cpu_seconds, ours))
        start = time.monotonic()
        result = sample()
        elapsed = time.monotonic() - start
        if ours and ours == [pid for server in servers for pid in server.pids]:
            after = busy_seconds() - children_seconds() - sum(map(cpu_seconds, ours))
            self.shares.append(max(0.0, after - before) / elapsed / os.cpu_count())
        return result


def wait_quiet(servers, limit=5.0):
    """Waits until no server uses the CPU, so that one's work of afterwards does not weigh on the other's sample."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        before = [sum(map(cpu_seconds, server.pids)) for server in servers]
        pause(0.2)
        after = [sum(map(cpu_seconds, server.pids)) for server in servers]
        if all(used - earlier <= 0.02 * len(server.pids) for server, earlier, used in zip(servers, before, after)):
            return


def wait_machine_quiet(limit):
    """Waits until the whole machine is nine tenths idle, for at most so many seconds; whether it was."""
    deadline = time.monotonic() + limit
    while True:
        before = busy_seconds()
        pause(0.5)
        if busy_seconds() - before <= 0.05 * os.cpu_count():
            return True
        if time.monotonic() >= deadline:
            return False
