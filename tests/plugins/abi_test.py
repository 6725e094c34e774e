#!/usr/bin/python3
"""Plugins of another time and files that are none, at the host of today; and one that is built outside of the tree,
against what `make install` installs."""
# sanitizers: no
import os
import shutil
import subprocess
import tempfile

import plugin_rig
from plugin_rig import harness

OLD_SIZE = "offsetof(struct zooid_plugin,stop)"
OLD_TABLE = "offsetof(struct zooid_host_api,child)"


class Abi(harness.ServerTestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)

    def host(self, plugin, *more):
        host = plugin_rig.Host(self.directory, "--plugin", plugin, "--socket", plugin_rig.socket_of(self.server), *more)
        self.addCleanup(host.kill)
        return host

    def built(self, *flags):
        return plugin_rig.compiled("abi", self.directory, flags)

    def refused(self, plugin, *phrases):
        host = self.host(plugin)
        self.assertEqual(host.wait_end(), 78)
        for phrase in phrases:
            self.assertIn(phrase, host.log())

    def test_an_old_plugin_runs_in_this_host(self):
        host = self.host(self.built("-DSIZE=" + OLD_SIZE, "-DAPI_SIZE=" + OLD_TABLE, "-DOLD"))
        host.wait_for("info abi: it runs", "info abi: ready")
        self.assertEqual(host.stop(), 0)

    def test_a_plugin_of_another_abi_is_refused(self):
        self.refused(self.built("-DABI=2"), "it is built for ABI 2 of plugins, this host has 1", "zooid_plugin.h")
        self.refused(self.built("-DABI=0"), "it is built for ABI 0 of plugins")

    def test_a_plugin_that_needs_more_of_the_table_is_refused(self):
        self.refused(self.built("-DAPI_SIZE=sizeof(struct zooid_host_api)+8"), "it is built for a newer host")

    def test_a_descriptor_that_is_none_is_refused(self):
        self.refused(self.built("-DSIZE=8"), "its descriptor has 8 bytes, too few to be one")
        self.refused(self.built("-DSTART=((void*)0)"), "its descriptor lacks a name, a version or start()")
        self.refused(self.built("-DSYMBOL=another"), "it has no symbol zooid_plugin")

    def test_a_file_that_is_no_plugin_is_refused(self):
        path = os.path.join(self.directory, "text.so")
        with open(path, "w", encoding="ascii") as file:
            file.write("text")
        self.refused(path, "it cannot be loaded", "text.so")
        self.refused("/no/such/file.so", "it cannot be loaded", "/no/such/file.so")
        self.refused(os.path.join(self.directory, "text.py"), "no loader knows its suffix")

    def test_the_example_builds_against_what_is_installed(self):
        root, source = os.path.join(self.directory, "root"), os.path.join(self.directory, "hello")
        library = "/usr/lib/test"
        subprocess.run(["make", "-s", "-C", harness.ROOT, "install-plugins", "DESTDIR=" + root, "LIBDIR=" + library],
                       check=True, stdout=subprocess.DEVNULL)
        shutil.copytree(os.path.join(harness.ROOT, "plugins", "examples", "hello"), source)
        env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root, PKG_CONFIG_LIBDIR=root + library + "/pkgconfig")
        subprocess.run(["make", "-s", "-C", source, "CC=" + plugin_rig.COMPILER, "CFLAGS=-Wall -Wextra -Werror"], check=True, env=env)
        asked = subprocess.run(["pkg-config", "--variable=plugindir", "zooid-plugin"], check=True, env=env, capture_output=True, text=True)
        self.assertIn(library + "/zooid/plugins", asked.stdout)
        host = self.host(os.path.join(source, "hello.so"))
        host.wait_for("info hello: ready")
        answer = harness.wait_until(lambda: plugin_rig.zooid(self.server, "plugin", "hello", "greet").stdout, 30, "its command")
        self.assertEqual(answer, "hello, uid:%d\n" % os.getuid())
        self.assertEqual(host.stop(), 0)


if __name__ == "__main__":
    harness.main()
