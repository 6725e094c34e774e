"""Agents that are tortured: settings that change in zoo.cfg, and what judges the harm."""
import os
import re
import subprocess

from changing import ChangingAgent
from ensemble import harness

REPAIRABLE = 1    # of --check-data
PHASE = re.compile(r" ensemble: (?:looking|following|leading|observing), (\w+): leader")
# But for a checkpoint that is set aside since the start that was reading it was killed.
HARMED = re.compile(r" (?:warn|error) (?!.*did not survive reading it).*"
                    r"(?:damage|corrupt|digest|differ|the tree is not|cannot be read|unreadable|torn)", re.I)


class TorturedAgent(ChangingAgent):
    def set(self, settings):
        """Into zoo.cfg, which is the agent's own by now."""
        path = os.path.join(self.directory, "zoo.cfg")
        lines = [line for line in self.zoo_cfg().splitlines() if line.partition("=")[0] not in settings]
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("\n".join(lines + ["%s=%s" % pair for pair in settings.items()]) + "\n")
        os.rename(file.name, path)

    def was_in_step(self):
        """When its log ended."""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            phases = PHASE.findall(log.read())
        return bool(phases) and phases[-1] == "broadcast"

    def harm(self):
        """What its log says of it."""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return [line for line in log.read().splitlines() if HARMED.search(line)]


def check_data(server, worst=0):
    done = subprocess.run([harness.AGENT, "--check-data", server.data_dir], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=60, check=False)
    if done.returncode > worst:
        raise AssertionError("--check-data ended with %d:\n%s\n%s" % (done.returncode, done.stdout, server.log_tail(30)))
