"""The plugin render at an agent: templates and settings in a directory of the test's own."""
import os
import subprocess
import tempfile

import plugin_rig
from plugin_rig import harness

PLUGIN = os.path.join(harness.ROOT, "plugins", "render", "render.lua")


def literal(value):
    """As libconfig has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + " ".join("%s = %s;" % (key, literal(item)) for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "( " + ", ".join(literal(item) for item in value) + " )"
    if isinstance(value, str):
        return '"%s"' % value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return str(value)


class RenderTestCase(harness.ServerTestCase):
    def setUp(self):
        super().setUp()
        self.directory = tempfile.mkdtemp()
        self.addCleanup(subprocess.run, ["rm", "-r", self.directory])
        self.agent = self.server
        self.state_dir = self.path("state")
        os.mkdir(self.state_dir)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def read(self, name):
        try:
            with open(self.path(name), encoding="utf-8") as file:
                return file.read()
        except OSError:
            return None

    def zooid(self, *words, agent=None):
        command = [os.path.join(plugin_rig.BUILD, "bin", "zooid"), "-S", plugin_rig.socket_of(agent or self.agent)]
        return subprocess.run(command + list(words), check=True, stdout=subprocess.PIPE).stdout.decode()

    def file(self, name, template, **more):
        """Of a group: the template's text, and where it goes."""
        return dict({"template": self.write(name + ".tmpl", template), "path": self.path(name)}, **more)

    def conf(self, *groups, **more):
        text = 'grants = [ "files", "run" ];\nsettings = %s;\n' % literal(dict({"groups": list(groups)}, **more))
        return self.write("render.conf", text)

    def launch(self, settings, *arguments, env=None):
        host = plugin_rig.Host(self.state_dir, "--plugin", PLUGIN, "--socket", plugin_rig.socket_of(self.agent),
                               "--settings", settings, "--name", "render", "--state-dir", self.state_dir, *arguments,
                               env=env)
        self.addCleanup(host.kill)
        return host

    def render(self, *groups, **more):
        return self.launch(self.conf(*groups, **more))

    def wait_file(self, name, expected):
        harness.wait_until(lambda: self.read(name) == expected, 30,
                           "%s to be %r; it is %r" % (name, expected, self.read(name)))

    def lines(self, name):
        return (self.read(name) or "").splitlines()
