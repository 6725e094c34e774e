"""A fresh system in a directory, to install packages into: Debian's essential packages, and what ours depend on.

It is made once by mmdebstrap from where this machine's apt has its packages, and kept in the build directory. Neither
making nor using one needs a mount or a namespace, only root.
"""
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients"))
import harness  # noqa: E402

BUILD = os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build")
# Nobody reads them there; what is installed afterwards brings all of its files.
LEFT_OUT = ["--dpkgopt=path-exclude=/usr/share/%s/*" % kind for kind in ("doc", "locale", "man")] + [
    '--customize-hook=rm "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"']
DEVICES = {"null": (1, 3), "zero": (1, 5), "urandom": (1, 9)}


def run(command, **more):
    """Its output as text. AssertionError with that output when it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", **more)
    if done.returncode != 0:
        raise AssertionError("%s ended with %d:\n%s" % (" ".join(command), done.returncode, done.stdout))
    return done.stdout


def os_release():
    with open("/etc/os-release", encoding="utf-8") as release:
        return dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)"?$', release.read(), re.M))


def package_sources():
    """Lines of sources.list for the distribution's own packages; none when apt has no list of packages."""
    command = ["apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages",
               "Origin: " + os_release()["NAME"].split()[0]]
    return sorted(set(run(command).splitlines()))


def archive(packages, kind):
    """Path of the tar file of a fresh root that has these packages, the only one kept of that kind; skips the test where
    none can be made."""
    suite, sources = os_release()["VERSION_CODENAME"], package_sources()
    key = hashlib.sha256("\n".join([suite, *sources, *sorted(packages)]).encode()).hexdigest()[:16]
    directory = os.path.join(BUILD, kind)
    path = os.path.join(directory, key + ".tar")
    if not os.path.exists(path):
        run(["rm", "-rf", directory])
        os.makedirs(directory)
        make_archive(path, suite, packages, sources)
    return path


def make_archive(path, suite, packages, sources):
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=essential",
               "--include=" + ",".join(sorted(packages)), *LEFT_OUT, suite, path + ".part.tar", *sources]
    try:
        run(command)
    except AssertionError as error:
        raise unittest.SkipTest("no fresh root can be made here: %s" % error)
    os.rename(path + ".part.tar", path)


class Root:
    """A fresh root in a directory of its own, which remove() takes away."""

    def __init__(self, packages, kind="fresh-root"):
        self.directory = tempfile.mkdtemp(prefix="zooid-root-")
        os.chmod(self.directory, 0o755)
        run(["tar", "--extract", "--file", archive(packages, kind), "--directory", self.directory, "--exclude=./dev/*"])
        for name, numbers in DEVICES.items():
            self.make_device(self.path("dev", name), os.makedev(*numbers))

    @staticmethod
    def make_device(path, device):
        """Where nobody may make devices a plain file has to do."""
        try:
            os.mknod(path, 0o666 | 0o020000, device)
        except PermissionError:
            with open(path, "wb"):
                pass
        os.chmod(path, 0o666)

    def remove(self):
        run(["rm", "-rf", "--one-file-system", self.directory])

    def path(self, *names):
        return os.path.join(self.directory, *(name.lstrip("/") for name in names))

    def has(self, path):
        return os.path.lexists(self.path(path))

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as text:
            return text.read()

    def append(self, path, line):
        with open(self.path(path), "a", encoding="utf-8") as text:
            text.write(line + "\n")

    def command(self, *command, user="root"):
        return ["chroot", "--userspec=" + user, self.directory, *command]

    def run(self, *command, user="root"):
        return run(self.command(*command, user=user), env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                                                           "DEBIAN_FRONTEND": "noninteractive", **MARK})

    def owner(self, path):
        """Of a file or directory: "user:group mode", by the names of this root."""
        return self.run("stat", "--format=%U:%G %a", path).strip()


# What tells the test runner whose process it is.
MARK = {name: os.environ[name] for name in ("ZOOID_TEST_MARK",) if name in os.environ}
