"""An agent whose disk fails, or stands still, when it is told to."""
import os
import subprocess

from trees import harness


def build_library(directory):
    compiler = harness.need_program(os.environ.get("CC", "gcc"), "gcc")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "failing_disk.c")
    library = os.path.join(directory, "failing_disk.so")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library, source, "-ldl"], check=True)
    return library


class FailingAgent(harness.Agent):
    library = None

    def command(self, config_path):
        self.switch = os.path.join(self.directory, "failing")
        return ["env", "LD_PRELOAD=" + self.library, "FAILING_DISK=" + self.switch] + super().command(config_path)

    def fail(self, what):
        """"write" or "sync" fails; or syncs are "slow" or "stuck"."""
        with open(self.switch + ".new", "w", encoding="ascii") as switch:
            switch.write(what)
        os.rename(self.switch + ".new", self.switch)

    def heal(self):
        """Harmless when nothing is wrong."""
        if os.path.exists(self.switch):
            os.unlink(self.switch)
