"""The plugin discovery under test, in a host process of its own, and what it answers."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import plugin_rig
from plugin_rig import harness

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "clients"))
import command  # noqa: E402

PLUGIN = os.path.join(plugin_rig.BUILD, "lib", "zooid", "plugins", "discovery.so")
HOST_NAME = os.uname().nodename


class Discovery:
    """One host process with a directory of its own: services.d, settings, state."""

    def __init__(self, agent, settings="", name="discovery", limits=""):
        self.agent, self.name, self.limits = agent, name, limits
        self.directory = tempfile.mkdtemp()
        self.services = os.path.join(self.directory, "services.d")
        self.state = os.path.join(self.directory, "state")
        os.mkdir(self.services)
        os.mkdir(self.state)
        self.host = None
        self.settings(settings)

    def settings(self, settings):
        with open(os.path.join(self.directory, "settings.conf"), "w", encoding="ascii") as file:
            file.write('limits = { %s };\nsettings = { services_dir = "%s"; address = "10.0.0.1"; %s };\n'
                       % (self.limits, self.services, settings))

    def start(self):
        self.host = plugin_rig.Host(self.directory, "--plugin", PLUGIN, "--name", self.name, "--settings",
                                    os.path.join(self.directory, "settings.conf"), "--socket",
                                    plugin_rig.socket_of(self.agent), "--state-dir", self.state)
        return self

    def write(self, name, text):
        """Whole, as an editor does: no reader sees half of it."""
        path = os.path.join(self.services, name)
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".tmp", path)

    def remove(self, name):
        os.remove(os.path.join(self.services, name))

    def end(self):
        if self.host is not None:
            self.host.kill()
        shutil.rmtree(self.directory)


class DiscoveryCase(command.CommandCase):
    def discovery(self, settings="", name="discovery", start=True, limits=""):
        made = Discovery(self.server, settings, name, limits)
        self.addCleanup(made.end)
        return made.start() if start else made

    def ids(self, service, base="/services"):
        """Those in the tree; none when there is no such service."""
        done = subprocess.run([command.ZOOID, "ls", base + "/" + service], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, env=self.environment(), timeout=60, check=False)
        return sorted(line.rsplit("/", 1)[-1] for line in done.stdout.split())

    def node(self, path):
        return json.loads(self.zooid("get", path))

    def wait_ids(self, service, ids, base="/services"):
        harness.wait_until(lambda: self.ids(service, base) == sorted(ids), what="%s with %s" % (service, ids))

    def wait_offered(self, name="discovery"):
        """Until its commands can be called."""
        def offered():
            return subprocess.run([command.ZOOID, "plugin", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env=self.environment(), timeout=60, check=False).returncode == 0
        harness.wait_until(offered, what="the commands of " + name)

    def call(self, *words, name="discovery"):
        return json.loads(self.zooid("-j", "plugin", name, *words))

    def answered(self, service, *words, name="discovery"):
        """Ids of a query, and what its guard says."""
        answer = self.call("query", service, *words, name=name)
        return [one["id"] for one in answer["instances"]], answer["guard"]

    def wait_answer(self, expected, service, *words, name="discovery"):
        harness.wait_until(lambda: self.answered(service, *words, name=name) == expected,
                           what="%s, not %s" % (expected, self.answered(service, *words, name=name)))
