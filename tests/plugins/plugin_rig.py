"""Plugins under test: compiled as one outside of the tree is, and run by the host of the build under test."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients"))
import harness  # noqa: E402

COMPILER = harness.need_program("gcc", "gcc")
BUILD = os.path.abspath(os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build"))
HOST = os.path.join(BUILD, "bin", "zooid-plugin-host")
SANITIZED = os.path.basename(BUILD) in ("san", "asan", "tsan")
SOURCES = os.path.join(harness.ROOT, "tests", "plugins", "c")


def compiled(name, directory, flags=(), output=None):
    """c/NAME.c as a plugin in that directory."""
    plugin = os.path.join(directory, (output or name) + ".so")
    subprocess.run([COMPILER, "-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden",
                    "-I", os.path.join(harness.ROOT, "plugins", "include"), *flags, "-o", plugin,
                    os.path.join(SOURCES, name + ".c")], check=True)
    return plugin


def socket_of(agent):
    return os.path.join(agent.data_dir, "zooid", "zooid.sock")


def lives(pid):
    """False also for one that only waits to be asked how it ended."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def zooid(agent, *words):
    """What the command `zooid` does with them."""
    return subprocess.run([os.path.join(BUILD, "bin", "zooid"), "-S", socket_of(agent), *words], capture_output=True,
                          text=True, timeout=60)


class Host:
    """A host process; its log is what it writes to standard error, which may pass for the journal."""

    def __init__(self, directory, *arguments, env=None, journal=False):
        self.log_path = os.path.join(directory, "host-%d.log" % len(os.listdir(directory)))
        with open(self.log_path, "wb") as log:
            file = os.fstat(log.fileno())
            stream = {"JOURNAL_STREAM": "%d:%d" % (file.st_dev, file.st_ino)} if journal else {}
            self.process = subprocess.Popen([HOST, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=harness._die_with_parent, env=dict(os.environ, **(env or {}), **stream))

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_for(self, *phrases, count=1):
        """Until the log has all of them, each `count` times."""
        def told():
            text = self.log()
            return all(text.count(phrase) >= count for phrase in phrases)
        try:
            harness.wait_until(lambda: told() or self.process.poll() is not None, 30)
        except AssertionError:
            pass
        text = self.log()
        missing = [phrase for phrase in phrases if text.count(phrase) < count]
        if missing:
            raise AssertionError("the log lacks %s:\n%s" % (missing, text[-4000:]))

    def wait_end(self):
        self.process.wait(30)
        text = self.log()
        if any(mark.decode() in text for mark in harness.SANITIZER_MARKS):
            raise AssertionError("a sanitizer reports:\n" + text[-8000:])
        return self.process.returncode

    def stop(self):
        """By SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait_end()

    def kill(self):
        """SIGKILL, and for the programs that it runs, which nobody else knows of then."""
        pids = []
        if self.process.poll() is None:
            with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as children:
                pids = [int(pid) for pid in children.read().split()]
            self.process.kill()
        self.process.wait()
        for pid in pids:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has ended itself
