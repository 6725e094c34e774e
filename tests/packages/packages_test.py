#!/usr/bin/python3
"""What `make package` made: installed into fresh roots, the agent started from there and used, and removed again."""
# sanitizers: no
# limit: 300
import glob
import os
import re
import subprocess
import unittest

import fresh_root
from fresh_root import BUILD, Root, harness, run

harness.need_kazoo()
for program, provider in (("dpkg-architecture", "dpkg-dev"), ("gcc", "gcc"), ("go", "golang-go"), ("lintian", "lintian"), ("rpm", "rpm"),
                          ("mmdebstrap", "mmdebstrap"), ("systemd-analyze", "systemd")):
    harness.need_program(program, provider)

PACKAGES = os.path.join(BUILD, "packages")
CONFIG, DATA, UNIT = "/etc/zooid/zoo.cfg", "/var/lib/zooid", "zooid-agent.service"
PLUGINS_CONFIG, PLUGINS_DATA, PLUGINS_UNIT = "/etc/zooid/plugins.conf", "/var/lib/zooid-plugins", "zooid-plugins.service"
PLUGIN_USER = "zooid-plugins:zooid-plugins"
SERVICE = 'service = { name = "web"; id = "web-1"; port = 80; checks = ( { type = "file_age"; path = "/etc/passwd"; } ); };'
RENDER = """grants = [ "files", "run" ];
settings = { groups = ( { files = ( { template = "/etc/zooid/templates/web"; path = "%s/web"; } ); } ); };""" % PLUGINS_DATA
TEMPLATE = '<% for _, web in ipairs(services "web") do %><%= web.id %> is <%= web.health %>\n<% end %>'
RENDERED = "web-1 is passing\n"
PLUGIN = """#include <zooid_plugin.h>
static int start(const struct zooid_host_api *api, zooid_host *host, void **state)
{
    *state = NULL;
    api->log(host, ZOOID_PLUGIN_INFO, "built outside of the tree");
    return ZOOID_PLUGIN_READY;
}
ZOOID_PLUGIN_EXPORT const struct zooid_plugin zooid_plugin = {
    .abi = ZOOID_PLUGIN_ABI, .size = sizeof(struct zooid_plugin), .api_size = sizeof(struct zooid_host_api),
    .name = "outside", .version = "1", .start = start,
};
"""
DEBS = ("libzooid0", "libzooid-dev", "zooid", "zooid-plugins", "python3-zooid", "python3-zooid-zookeeper", "golang-zooid-dev")
RPMS = ("zooid-libs", "zooid-devel", "zooid", "zooid-plugins", "python3-zooid", "python3-zooid-zookeeper", "golang-zooid-devel")
PYTHON = """
import sys, zooid, zookeeper
path, door = sys.argv[1:]
with zooid.Client() as client:
    print(client.get(path).data.decode())
with zookeeper.ZooKeeper(door) as keeper:
    print(keeper.get(path).decode())
"""
GO = """package main

import (
	"context"
	"fmt"
	"os"
	"zooid"
)

func main() {
	client, err := zooid.Open(context.Background(), zooid.Options{})
	if err != nil {
		panic(err)
	}
	node, err := client.Get(context.Background(), os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println(string(node.Data))
}
"""
# It asks for no bug to be closed, which is right only for a package that Debian itself takes in.
LINTIAN_SUPPRESSED = "initial-upload-closes-no-bugs"


def package(pattern):
    found = glob.glob(os.path.join(PACKAGES, pattern))
    if len(found) != 1:
        raise AssertionError("%s in %s: found %s; `make package` makes it" % (pattern, PACKAGES, found or "none"))
    return found[0]


def debs():
    return [package(name + "_*.deb") for name in DEBS]


def rpms():
    return [package(name + "-[0-9]*.rpm") for name in RPMS]


def install_debs(root):
    """With dpkg alone: what apt put there has to be enough."""
    root.run("mkdir", "-p", "/packages")
    run(["cp", *debs(), root.path("/packages")])
    root.run("sh", "-c", "dpkg --force-unsafe-io --install /packages/*.deb")


def dependencies():
    """Names of the packages that ours depend on; of alternatives that which brings least along."""
    wanted = {"passwd"}  # the useradd of the rpm
    for deb in debs():
        fields = run(["dpkg-deb", "--showformat=${Depends}", "--show", deb])
        for row in filter(None, (row.strip() for row in fields.split(","))):
            names = [name.split()[0].split(":")[0] for name in row.split("|")]
            wanted.add(next((name for name in names if "standalone" in name), names[0]))
    return wanted - set(DEBS)


class InstalledAgent(harness.Server):
    """The agent of a root, with the configuration that came with it but for ports that are free here."""
    name = "the installed zooid-agent"

    def __init__(self, root):
        super().__init__()
        self.root = root

    def write_config(self, config_path):
        pass

    def command(self, config_path):
        ports = ["-DclientPort=%d" % self.port, "-Dadmin.serverPort=%d" % self.admin_port]
        return self.root.command("/usr/bin/zooid-agent", "-c", CONFIG, *ports, user="zooid:zooid")


class PackageCase(unittest.TestCase):
    def fresh_root(self):
        if os.geteuid() != 0:
            self.skipTest("only root may make and enter a fresh root")
        root = Root(dependencies())
        self.addCleanup(root.remove)
        return root

    def start_agent(self, root):
        agent = InstalledAgent(root)
        self.addCleanup(agent.stop)
        return agent.start()

    def use(self, root, value):
        """A client from outside writes, the installed command reads as anybody, on the agent's default socket."""
        from kazoo.client import KazooClient
        agent = self.start_agent(root)
        client = KazooClient(agent.address)
        client.start(timeout=30)
        try:
            client.create("/" + value, value.encode())
        finally:
            client.stop()
            client.close()
        self.assertEqual(self.get(root, value), value)
        seen = root.run("python3", "-c", PYTHON, "/" + value, agent.address, user="nobody:nogroup")
        self.assertEqual(seen.split(), [value, value], seen)
        return agent

    def use_plugins(self, root, libdir):
        """Three plugins of ours and one that was built with the development package, run as the unit runs them."""
        self.build_plugin(root, libdir)
        for name, text in (("plugins.d/health.conf", ""), ("plugins.d/discovery.conf", 'settings = { address = "10.1.2.3"; };'),
                           ("plugins.d/render.conf", RENDER), ("plugins.d/outside.conf", 'plugin = "/tmp/outside.so";'),
                           ("templates/web", TEMPLATE), ("services.d/web.conf", SERVICE)):
            root.append("/etc/zooid/" + name, text)
        # The program looks for its plugins from where it stands itself, which /proc tells.
        supervisor = subprocess.Popen(
            ["unshare", "--mount", "sh", "-ec", 'mount -t proc proc "$0/proc"; exec "$@"', root.directory, *root.command(
                "/usr/bin/zooid-plugin-host", "--supervise", "--config", PLUGINS_CONFIG, user=PLUGIN_USER)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                                                                             **fresh_root.MARK})
        try:
            harness.wait_until(lambda: root.has(PLUGINS_DATA + "/web") and root.read(PLUGINS_DATA + "/web") == RENDERED or
                               supervisor.poll() is not None, 60, "the rendered file")
        finally:
            supervisor.terminate()
            log = supervisor.communicate(timeout=30)[1]
        self.assertEqual(supervisor.returncode, 0, log)
        self.assertIn("built outside of the tree", log)
        self.assertEqual(root.read(PLUGINS_DATA + "/web"), RENDERED, log)

    def build_plugin(self, root, libdir):
        env = self.build_environment(root, libdir)
        source = root.path("/tmp/outside.c")
        with open(source, "w", encoding="utf-8") as text:
            text.write(PLUGIN)
        flags = run(["pkg-config", "--cflags", "zooid-plugin"], env=env).split()
        run(["gcc", "-shared", "-fPIC", "-o", root.path("/tmp/outside.so"), source, *flags])
        self.assertEqual(run(["pkg-config", "--variable=plugindir", "zooid-plugin"], env=env).strip(),
                         root.path(libdir, "zooid/plugins"))

    @staticmethod
    def get(root, name):
        return root.run("zooid", "get", "/" + name, user="nobody:nogroup").strip()

    def check_installed(self, root, libdir):
        self.assertRegex(root.read("/etc/passwd"), r"(?m)^zooid:x?!?\*?:\d+:\d+:[^:]*:/var/lib/zooid:/usr/sbin/nologin$")
        self.assertEqual(root.owner(DATA), "zooid:zooid 750")
        self.assertEqual(root.owner("/etc/zooid"), "root:zooid 775")
        self.assertEqual(root.owner(CONFIG), "root:root 644")
        self.assertEqual(root.owner(PLUGINS_CONFIG), "root:root 644")
        self.assertEqual(root.owner(PLUGINS_DATA), PLUGIN_USER + " 750")
        self.assertTrue(root.has(libdir + "/libzooid.so.0"))
        extension = glob.glob(root.path("/usr/lib/python3/dist-packages/zooid/_zooid.*.so"))
        for program in map(root.path, ["/usr/bin/zooid", "/usr/bin/zooid-agent", "/usr/bin/zooid-plugin-host",
                                       libdir + "/libzooid.so.0"]):
            self.assertNotRegex(run(["readelf", "-d", program]), "RPATH|RUNPATH", program)
        self.assertEqual(len(extension), 1)
        self.assertNotRegex(run(["readelf", "-d", *extension]), "RPATH|RUNPATH")
        for page in ("man1/zooid.1", "man5/zooid-zoo.cfg.5", "man8/zooid-agent.8"):
            self.assertTrue(glob.glob(root.path("/usr/share/man", page + "*")), page)
        self.assertTrue(root.has("/usr/share/bash-completion/completions/zooid"))
        self.assertTrue(root.has("/usr/share/gocode/src/zooid/client.go"))

    @staticmethod
    def build_environment(root, libdir):
        return dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root.directory, PKG_CONFIG_LIBDIR=root.path(libdir, "pkgconfig"))

    def check_programs_build(self, root, libdir):
        """A program that is built with what the development package has in this root runs there."""
        env = self.build_environment(root, libdir)
        flags = run(["pkg-config", "--cflags", "--libs", "zooid"], env=env).split()
        source = root.path("/tmp/version.c")
        with open(source, "w", encoding="utf-8") as text:
            text.write('#include <stdio.h>\n#include <zooid.h>\nint main(void) { return puts(zooid_version()) < 0; }\n')
        # The library's own libraries are those of the root.
        run(["gcc", "-o", root.path("/tmp/version"), source, *flags, "-Wl,--allow-shlib-undefined"])
        version = run(["pkg-config", "--modversion", "zooid"], env=env)
        self.assertEqual(root.run("/tmp/version"), version)
        self.assertEqual(root.run("zooid", "-V"), "zooid " + version)

    def build_in_go(self, root, libdir):
        """As the package's README says, its module by a `replace`; the program prints a node."""
        home = root.path("/tmp/go")
        os.mkdir(home)
        with open(os.path.join(home, "main.go"), "w", encoding="utf-8") as text:
            text.write(GO)
        with open(os.path.join(home, "go.mod"), "w", encoding="utf-8") as text:
            text.write("module main\ngo 1.19\nrequire zooid v0.0.0\nreplace zooid => %s\n" %
                       root.path("/usr/share/gocode/src/zooid"))
        env = dict(self.build_environment(root, libdir), GOCACHE=os.path.join(os.path.abspath(BUILD), "go-cache"),
                   GOFLAGS="", GOTOOLCHAIN="local", GOPROXY="off", GO111MODULE="on", CGO_ENABLED="1")
        run(["go", "build", "-o", root.path("/tmp/read"), "."], cwd=home, env=env)


class Deb(PackageCase):
    libdir = "/usr/lib/" + run(["dpkg-architecture", "-qDEB_HOST_MULTIARCH"]).strip()

    def test_life(self):
        root = self.fresh_root()
        install_debs(root)
        self.check_installed(root, self.libdir)
        self.assertTrue(root.has("/etc/systemd/system/multi-user.target.wants/" + UNIT), "the unit is not enabled")
        self.check_programs_build(root, self.libdir)
        root.append(CONFIG, "# somebody's own line")
        self.build_in_go(root, self.libdir)
        agent = self.use(root, "first")
        self.assertEqual(root.run("/tmp/read", "/first", user="nobody:nogroup"), "first\n")
        self.use_plugins(root, self.libdir)
        agent.terminate()
        self.check_remove(root)
        install_debs(root)
        self.assertIn("# somebody's own line", root.read(CONFIG))
        agent = self.use(root, "second")
        self.assertEqual(self.get(root, "first"), "first")
        agent.terminate()
        self.check_purge(root)
        install_debs(root)
        self.check_purge_keeps_what_is_elsewhere(root)

    def check_remove(self, root):
        """What is installed goes; configuration, data and user stay."""
        root.run("dpkg", "--remove", *DEBS)
        for gone in ("/usr/bin/zooid-agent", "/usr/bin/zooid", self.libdir + "/libzooid.so.0", "/usr/include/zooid.h"):
            self.assertFalse(root.has(gone), gone)
        self.assertIn("# somebody's own line", root.read(CONFIG))
        self.assertTrue(root.has(DATA + "/version-2"))
        self.assertIn("\nzooid:", root.read("/etc/passwd"))

    def check_purge(self, root):
        """Configuration and data go too, also what a member keeps beside zoo.cfg; the user stays."""
        root.append("/etc/zooid/zoo.cfg.dynamic.100000000", "server.1=localhost:2888:3888")
        root.run("dpkg", "--purge", *DEBS)
        self.assertEqual(set(os.listdir(root.path("/etc/zooid"))), {"plugins.d", "services.d", "templates"})
        run(["rm", "-r", root.path("/etc/zooid")])  # somebody's own files, which nobody else takes away
        wants = "/etc/systemd/system/multi-user.target.wants/"
        for gone in (DATA, PLUGINS_DATA, "/run/zooid", wants + UNIT, wants + PLUGINS_UNIT):
            self.assertFalse(root.has(gone), gone)
        self.assertIn("\nzooid:", root.read("/etc/passwd"))
        left = root.run("sh", "-c", "dpkg-query --show '*zooid*' 2>/dev/null || true")
        self.assertEqual(left, "")

    def check_purge_keeps_what_is_elsewhere(self, root):
        """A data directory that is a link to another disk is not emptied."""
        root.run("sh", "-c", "mv /var/lib/zooid /disk && ln -s /disk /var/lib/zooid && touch /disk/tree")
        root.append("/etc/zooid/somebodys-file", "")
        root.run("dpkg", "--purge", "zooid")
        self.assertTrue(root.has("/disk/tree"))
        self.assertTrue(root.has("/etc/zooid/somebodys-file"))
        self.assertFalse(root.has(CONFIG))

    def test_lintian(self):
        run(["lintian", "--fail-on", "error,warning", "--suppress-tags", LINTIAN_SUPPRESSED, package("zooid_*.changes")])


class Unit(unittest.TestCase):
    def test_sandbox(self):
        """systemd knows every key of the units, and counts at most 2.0 of 10 points of exposure."""
        for unit in (UNIT, PLUGINS_UNIT):
            said = run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager",
                        os.path.join(harness.ROOT, "packaging", "systemd", unit)])
            self.assertIn("Overall exposure level", said)
            self.assertNotIn("ignoring", said)


class Rpm(PackageCase):
    libdir = run(["rpm", "--eval", "%_libdir"]).strip()

    @staticmethod
    def rpm(root, *words):
        return run(["rpm", "--root", root.directory, *words])

    def change(self, root, *words):
        """A Debian root has none of the packages that requirements name; check_requirements looks at these."""
        self.rpm(root, *words[:1], "--nodeps", "--force-debian", *words[1:])

    def check_requirements(self, root):
        """Each is met by one of our packages, a file of the root, or a library that the loader of the root finds."""
        provided = {line.split()[0] for line in run(["rpm", "-qp", "--provides", *rpms()]).splitlines()}
        provided |= {line.split()[0] for line in root.run("ldconfig", "-p").splitlines() if ".so" in line}
        provided.add("python(abi)")
        self.assertTrue(glob.glob(root.path("/usr/bin/python3.*")))
        required = {line.split()[0] for line in run(["rpm", "-qp", "--requires", *rpms()]).splitlines()}
        self.assertIn("libzooid.so.0()(64bit)", required)
        self.assertIn("libuv.so.1()(64bit)", required)
        for name in required - {"/usr/bin/pkg-config"}:
            library = re.sub(r"\(.*", "", name)
            self.assertTrue(name in provided or library in provided or name.startswith("/") and root.has(name)
                            or re.match(r"rpmlib\(|rtld\(", name), name)

    def test_life(self):
        root = self.fresh_root()
        self.check_requirements(root)
        # Where an rpm-based system's loader looks by itself.
        root.append("/etc/ld.so.conf.d/libdir.conf", self.libdir)
        self.rpm(root, "--initdb")
        self.change(root, "--install", *rpms())
        root.run("ldconfig")
        for name in RPMS:
            self.assertEqual(self.rpm(root, "--verify", "--nodeps", name), "")
        self.check_installed(root, self.libdir)
        self.check_programs_build(root, self.libdir)
        root.append(CONFIG, "# somebody's own line")
        root.run("install", "-d", "-o", "zooid", "-g", "zooid", "/run/zooid")  # as systemd does for the unit
        agent = self.use(root, "first")
        self.use_plugins(root, self.libdir)
        agent.terminate()
        self.check_erase(root)

    def check_erase(self, root):
        """A changed zoo.cfg is put aside; data and user stay."""
        self.change(root, "--erase", *RPMS)
        for gone in ("/usr/bin/zooid-agent", "/usr/bin/zooid", self.libdir + "/libzooid.so.0", CONFIG):
            self.assertFalse(root.has(gone), gone)
        self.assertIn("# somebody's own line", root.read(CONFIG + ".rpmsave"))
        self.assertTrue(root.has(DATA + "/version-2"))
        self.assertIn("\nzooid:", root.read("/etc/passwd"))


if __name__ == "__main__":
    harness.main()
