"""The command `zooid` in tests: run to its end, or started and talked to."""
import os
import subprocess

import harness

BUILD = os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build")
ZOOID = os.path.join(os.path.abspath(BUILD), "bin", "zooid")
FINE, FAILED, USAGE, NO_NODE, NO_AGENT, CONFLICT, FORBIDDEN, NOT_HELD, LOST = range(9)


class CommandCase(harness.ServerTestCase):
    def environment(self):
        return dict(os.environ, ZOOID_SOCKET=os.path.join(self.server.data_dir, "zooid", "zooid.sock"))

    def zooid(self, *words, code=FINE, given=None):
        done = subprocess.run([ZOOID, *words], input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.environment(), timeout=60, check=False)
        self.assertEqual(done.returncode, code, "%s: %s%s" % (words, done.stdout, done.stderr))
        self.assertEqual(bool(done.stderr), code != FINE, done.stderr)
        return done.stdout if code == FINE else done.stderr

    def started(self, *words):
        process = subprocess.Popen([ZOOID, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env=self.environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process
