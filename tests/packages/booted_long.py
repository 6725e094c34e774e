#!/usr/bin/python3
"""The packages on a system that runs: systemd boots in a container, the units start, die, come back and stop as they should.

systemd-nspawn needs root and namespaces; part of `make test-long` only."""
# sanitizers: no
# limit: 300
import os
import signal
import subprocess
import unittest

import packages_test
from fresh_root import Root, harness, run

SYSTEM = {"systemd", "systemd-sysv", "dbus"}
PLUGIN_FILES = {
    "plugins.d/health.conf": "",
    "plugins.d/discovery.conf": 'settings = { address = "10.1.2.3"; };',
    "plugins.d/render.conf": packages_test.RENDER,
    "templates/web": packages_test.TEMPLATE,
    "services.d/web.conf": packages_test.SERVICE.replace("checks = (", 'checks = ( { type = "script"; argv = [ "true" ]; },'),
}
AGENT, PLUGINS = packages_test.UNIT, packages_test.PLUGINS_UNIT
IS_THERE = "web-1 is passing\n"


class Booted:
    """A root whose systemd runs in a container without a network."""

    def __init__(self, root):
        self.root = root
        self.log = open(root.path("boot.log"), "wb+")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory=" + root.directory, "--boot", "--register=no", "--keep-unit",
             "--private-network", "--console=pipe"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.init = harness.wait_until(self.first_process, 60, "the container's first process")

    def first_process(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(self.log.read().decode(errors="replace"))
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as children:
            pids = children.read().split()
        return int(pids[0]) if pids and self.is_init(pids[0]) else None

    @staticmethod
    def is_init(pid):
        with open("/proc/%s/comm" % pid, encoding="ascii") as name:
            return name.read() == "systemd\n"

    def command(self, *words):
        return ["nsenter", "--target=%d" % self.init, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
                "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "SYSTEMD_PAGER=", *words]

    def run(self, *words):
        return run(self.command(*words))

    def says(self, *words):
        """Its output; also when it fails, as long as the system is coming up."""
        return subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False).stdout

    def wait(self, wanted, *words):
        harness.wait_until(lambda: self.says(*words) == wanted, 60, "%s from %s" % (wanted.strip(), " ".join(words)))

    def wait_active(self, unit):
        self.wait("active\n", "systemctl", "is-active", unit)

    def property(self, unit, name):
        return self.run("systemctl", "show", "--value", "--property=" + name, unit).strip()

    def power_off(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()


class Systemd(packages_test.PackageCase):
    def booted(self):
        if os.geteuid() != 0:
            self.skipTest("only root may boot a container")
        packages = {name for name in packages_test.dependencies() if "standalone" not in name}    # systemd's stead
        root = Root(packages | SYSTEM, "fresh-systemd-root")
        self.addCleanup(root.remove)
        packages_test.install_debs(root)
        system = Booted(root)
        self.addCleanup(system.power_off)
        return system

    def test_life(self):
        system = self.booted()
        system.wait_active(AGENT)
        self.assertEqual(system.property(PLUGINS, "ConditionResult"), "no")    # there are none
        system.run("zooid", "create", "/first", "kept")
        self.check_journal(system)
        self.check_plugins(system)
        self.check_reload(system)
        self.check_deaths(system)
        self.check_stop(system)

    def check_journal(self, system):
        """Lines have their priority, and no second time; nothing is wrong."""
        self.assertIn("\nagent: serving: ", "\n" + system.run("journalctl", "--unit=" + AGENT, "--output=cat"))
        self.assertEqual(system.run("journalctl", "--unit=" + AGENT, "--priority=warning", "--quiet"), "")

    def check_plugins(self, system):
        for name, text in PLUGIN_FILES.items():
            system.root.append("/etc/zooid/" + name, text)
        system.run("systemctl", "start", PLUGINS)
        system.wait(IS_THERE, "cat", packages_test.PLUGINS_DATA + "/web")
        checks = system.run("zooid", "check", "list")
        self.assertRegex(checks, r"(?m)^\S+ +passing .* script ")
        names = system.run("sh", "-c", "cat /proc/[0-9]*/comm").split()
        self.assertLessEqual({"zooid-agent", "zooid:health", "zooid:discovery", "zooid:render"}, set(names))

    def check_reload(self, system):
        before = [system.property(unit, "MainPID") for unit in (AGENT, PLUGINS)]
        system.run("systemctl", "reload", AGENT, PLUGINS)
        for unit, pid in zip((AGENT, PLUGINS), before):
            system.wait_active(unit)
            self.assertEqual(system.property(unit, "MainPID"), pid)

    def check_deaths(self, system):
        """Whoever is killed comes back, and nobody else goes; what was acknowledged is there."""
        for number, unit in enumerate((AGENT, PLUGINS, AGENT), 1):
            system.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", unit)
            system.wait(str((number + 1) // 2) + "\n", "systemctl", "show", "--value", "--property=NRestarts", unit)
            system.wait_active(unit)
            system.wait("kept", "zooid", "get", "/first")
            harness.wait_until(lambda: "passing" in system.says("zooid", "service", "query", "web"), 60, "the service")
        self.assertEqual(system.property(PLUGINS, "NRestarts"), "1")

    def check_stop(self, system):
        system.run("systemctl", "stop", AGENT, PLUGINS)
        for unit in (AGENT, PLUGINS):
            self.assertEqual(system.property(unit, "Result"), "success")
            self.assertEqual(system.run("journalctl", "--unit=" + unit, "--priority=err", "--quiet",
                                        "_SYSTEMD_UNIT=" + unit), "")
        system.run("systemctl", "start", AGENT)
        self.assertEqual(system.run("zooid", "get", "/first"), "kept")


if __name__ == "__main__":
    unittest.main(defaultTest="Systemd", verbosity=2)
