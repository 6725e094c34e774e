"""A supervisor under test, with its files in a directory."""
import json
import os
import signal
import subprocess

import plugin_rig
from plugin_rig import harness


class Supervisor:
    """plugins.conf and plugins.d/ in a directory; the log is what it writes to standard error."""

    def __init__(self, directory, socket, settings=""):
        self.directory, self.socket, self.settings = directory, socket, settings
        self.config = os.path.join(directory, "plugins.conf")
        self.state = os.path.join(directory, "state")
        self.files = os.path.join(directory, "plugins.d")
        self.plugins = os.path.join(directory, "lib")
        for path in (self.state, self.files, self.plugins):
            os.makedirs(path, exist_ok=True)
        self.host = None
        self.write_config()

    def write_config(self, more="", socket=""):
        """`socket` None: plugins find the agent by themselves."""
        line = "" if socket is None else 'socket = "%s";' % self.socket
        with open(self.config, "w", encoding="utf-8") as file:
            file.write('%s\nstate_dir = "%s";\nplugin_path = [ "%s" ];\nrestart_first_ms = 20;\n%s%s\n'
                       % (line, self.state, self.plugins, self.settings, more))

    def add(self, name, how="good", limits="", more="", plugin="bad", holds=False):
        """`holds`: an ephemeral node; or settings that say more."""
        with open(os.path.join(self.files, name + ".conf.new"), "w", encoding="utf-8") as file:
            file.write('plugin = "%s";\nlimits = { %s };\nsettings = { how = "%s"; %s };\n%s\n'
                       % (plugin, limits, how, holds if isinstance(holds, str) else "holds = true;" if holds else "", more))
        os.rename(file.name, os.path.join(self.files, name + ".conf"))

    def remove(self, name):
        os.remove(os.path.join(self.files, name + ".conf"))

    def start(self, env=None, journal=False):
        self.host = plugin_rig.Host(self.directory, "--supervise", "--config", self.config, env=env, journal=journal)
        self.wait_for("<6>plugins: supervising" if journal else "info plugins: supervising")
        return self

    def reload(self):
        self.host.process.send_signal(signal.SIGHUP)

    def wait_for(self, *phrases, count=1):
        self.host.wait_for(*phrases, count=count)

    def log(self):
        return self.host.log()

    def started(self, name):
        """The pids that the plugin has had."""
        mark = "info %s: started: " % name
        return [int(line.rsplit(" ", 1)[1]) for line in self.log().splitlines() if line.startswith(mark)]

    def children(self):
        """Processes of plugins, and what they have left to the supervisor."""
        pid = self.host.process.pid
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as children:
            return [int(child) for child in children.read().split()]

    def rows(self):
        """What `zooid plugin plugins list` has, by name."""
        def list_plugins():
            return subprocess.run([os.path.join(plugin_rig.BUILD, "bin", "zooid"), "-S", self.socket, "-j", "plugin", "plugins",
                                   "list"], capture_output=True, text=True, timeout=60, check=False)
        harness.wait_until(lambda: list_plugins().returncode == 0, 20, "the provider `plugins`")
        return {row["name"]: row for row in json.loads(list_plugins().stdout)}

    def row(self, name):
        return self.rows()[name]

    def stop(self):
        return self.host.stop()

    def end(self):
        """Whatever is left of it, for clean-up."""
        if self.host is None or self.host.process.poll() is not None:
            return
        self.host.process.terminate()
        try:
            self.host.process.wait(20)
        except subprocess.TimeoutExpired:
            self.host.kill()


def compiled(directory):
    return plugin_rig.compiled("bad", os.path.join(directory, "lib"))


__all__ = ["Supervisor", "compiled", "harness"]
