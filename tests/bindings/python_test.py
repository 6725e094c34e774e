#!/usr/bin/python3
# sanitizers: no (the interpreter has none)
"""The Python packages: their tests with pytest, their types with mypy --strict, and an installation by pip from the
source tree, which is tried by a program."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "clients"))
import harness  # noqa: E402

BUILD = os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build")
TESTS = os.path.join(harness.ROOT, "tests", "bindings", "python")
BINDINGS = os.path.join(harness.ROOT, "bindings")
PROGRAM = """
import sys, zooid, zookeeper
from zooid.testing import Agent
assert zooid.__file__.startswith(sys.argv[1]) and zookeeper.__file__.startswith(sys.argv[1])
with Agent() as agent, agent.client() as client:
    client.create("/installed", b"yes")
    assert client.get("/installed").data == b"yes"
"""


def run(*command, **environment):
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "ZOOID_AGENT": harness.AGENT, **environment}
    print("$", *command, flush=True)
    return subprocess.run(command, env=dict(os.environ, **environment), cwd=harness.ROOT).returncode == 0


def test(_directory):
    return run(sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider",
               "-p", "zooid.pytest_plugin", "--durations=5", TESTS, PYTHONPATH=os.path.join(BUILD, "python"))


def check_types(directory):
    packages = [os.path.join(BUILD, "python", name) for name in ("zooid", "zookeeper")]
    return run("mypy", "--strict", "--python-version", "3.9", "--cache-dir", os.path.join(directory, "mypy"), TESTS,
               *packages, MYPYPATH=os.path.join(BUILD, "python"))


def install(directory):
    """From a copy: pip leaves things behind where it builds."""
    target = os.path.join(directory, "installed")
    shutil.copytree(BINDINGS, os.path.join(directory, "bindings"))
    homes = [os.path.join(directory, "bindings", name) for name in ("python", "python-zookeeper")]
    done = all(run(sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation",
                   "--root-user-action=ignore", "--target", target, home, ZOOID_BUILD=BUILD) for home in homes)
    return done and run(sys.executable, "-c", PROGRAM, target, PYTHONPATH=target)


def main():
    harness.need_program("mypy", "mypy")
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for step in (test, check_types, install):
            failed += not step(directory)
    print("%d passed, %d failed, 0 skipped" % (3 - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
