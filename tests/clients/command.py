"""The command `zooid` in tests: run to its end, or started and talked to."""
import os
import pty
import subprocess

import harness

BUILD = os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build")
ZOOID = os.path.join(os.path.abspath(BUILD), "bin", "zooid")
FINE, FAILED, USAGE, NO_NODE, NO_AGENT, CONFLICT, FORBIDDEN, NOT_HELD, LOST = range(9)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, words, environment):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        start_new_session=True)
        os.close(slave)
        self.shown = self.before = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, text):
        """Reads until the text has been shown, and forgets all up to it."""
        while text not in self.shown:
            self.shown += os.read(self.master, 4096).decode("utf-8", "replace")
        self.before, self.shown = self.shown.split(text, 1)

    def wait(self):
        return self.process.wait(30)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


class CommandCase(harness.ServerTestCase):
    def environment(self):
        return dict(os.environ, ZOOID_SOCKET=os.path.join(self.server.data_dir, "zooid", "zooid.sock"))

    def zooid(self, *words, code=FINE, given=None):
        """What it prints, on standard error when it fails; with `code` None both, whatever becomes of it."""
        done = subprocess.run([ZOOID, *words], input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.environment(), timeout=60, check=False)
        if code is None:
            return done.stdout + done.stderr
        self.assertEqual(done.returncode, code, "%s: %s%s" % (words, done.stdout, done.stderr))
        self.assertEqual(bool(done.stderr), code != FINE, done.stderr)
        return done.stdout if code == FINE else done.stderr

    def started(self, *words):
        process = subprocess.Popen([ZOOID, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env=self.environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def completed(self, *words, **environment):
        """What bash's completion makes of the last word."""
        script = (". packaging/completions/zooid.bash; COMP_WORDS=(%s); COMP_CWORD=%d; _zooid; printf '%%s\n' \"${COMPREPLY[@]}\"" %
                  (" ".join("'%s'" % word for word in words), len(words) - 1))
        path = os.path.dirname(ZOOID) + ":" + os.environ["PATH"]
        done = subprocess.run(["bash", "-c", script], cwd=harness.ROOT, env=dict(self.environment(), PATH=path, **environment),
                              stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.split()
