"""The local door as programs use it, in Python, in Go and at the command line, beside what they use with Apache's server."""

import json
import os
import shutil
import subprocess
import time
from functools import partial
from typing import NamedTuple

import door_scenarios
from scenarios import alternate, check_errors, pick
from servers import die_with_parent, wait_quiet
from table import Row

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("ZOOID_BUILD", os.path.join(ROOT, "build")))
ZKCLI = "/usr/share/zookeeper/bin/zkCli.sh"
NODE = "/bench-local"
COMMAND_RUNS = 20
COMMAND_LIMIT_S = 60


class Program(NamedTuple):
    """A program that takes KIND WHERE OPERATION NODE SECONDS: apache and a port, or zooid and a socket."""

    key: str
    title: str
    command: object  # of the bench
    operation: str
    rate: float = None  # at least so many times Apache's


def where(server):
    if server.name == "zooid":
        return os.path.join(server.data, "zooid", "zooid.sock")
    return str(server.port)


def run_json(command, **environment):
    done = subprocess.run(
        command,
        env=dict(os.environ, **environment),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=die_with_parent,
    )
    return json.loads(done.stdout)


def python_program(_bench):
    return ["/usr/bin/python3", os.path.join(HERE, "python_client.py")]


def go_program(bench):
    """Built once a run, without modules, as Debian packages the client of Apache's server."""
    program = os.path.join(bench.work, "go_client")
    if not os.path.exists(program):
        sources = os.path.join(bench.work, "go", "src")
        os.makedirs(sources)
        os.symlink(os.path.join(ROOT, "bindings", "go", "zooid"), os.path.join(sources, "zooid"))
        shutil.copy(os.path.join(HERE, "go_client.go"), bench.work)
        environment = {
            "GO111MODULE": "off",
            "GOFLAGS": "",
            "GOTOOLCHAIN": "local",
            "GOPATH": "/usr/share/gocode:" + os.path.join(bench.work, "go"),
            "GOCACHE": os.path.join(BUILD, "go-cache"),
            "PKG_CONFIG_PATH": os.path.join(BUILD, "lib", "pkgconfig"),
        }
        command = ["go", "build", "-o", program, os.path.join(bench.work, "go_client.go")]
        subprocess.run(command, env=dict(os.environ, **environment), check=True)
    return [program]


def run_program(program, bench, servers):
    command = program.command(bench)

    def sample(server):
        wait_quiet(servers)
        words = [server.name, where(server), program.operation, NODE, str(bench.seconds)]
        return run_json([*command, *words], PYTHONPATH=os.path.join(BUILD, "python"))

    samples = alternate(bench, servers, bench.rounds, sample)
    check_errors(program.title, samples)
    bench.keep(program.title, samples)
    target = program.rate and ("apache", "min", program.rate)
    return [
        Row(program.title, "throughput", "1/s", pick(samples, "ops_per_s"), target),
        Row(program.title, "client CPU", "us/op", pick(samples, "client_cpu_us_per_op")),
    ]


def run_command(bench, servers):
    """From fork to exit. zkCli starts a virtual machine, and takes so long that one run is a sample."""
    title = "get at the command line"

    def command(server):
        if server.name == "zooid":
            return [os.path.join(BUILD, "bin", "zooid"), "-S", where(server), "get", "/"], COMMAND_RUNS
        return [ZKCLI, "-server", f"127.0.0.1:{server.port}", "get", "/"], 1

    def sample(server):
        words, runs = command(server)
        times = []
        for _ in range(runs):
            started = time.monotonic()
            subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=COMMAND_LIMIT_S, check=True)
            times.append((time.monotonic() - started) * 1000)
        return {"ms": sorted(times)[len(times) // 2]}

    samples = alternate(bench, servers, bench.rounds, sample)
    bench.keep(title, samples)
    return [Row(title, "start to exit", "ms", pick(samples, "ms"), (None, "max", 5))]


PROGRAMS = [
    Program("python-get", "Python: get in a loop", python_program, "get", 5),
    Program("python-lock", "Python: lock and unlock", python_program, "lock", 4),
    Program("python-set2", "Python: two sets, as a lock and its release make", python_program, "set2"),
    Program("go-get", "Go: get in a loop", go_program, "get", 2),
    Program("go-get64", "Go: get in 64 goroutines", go_program, "get64", 2),
]

TITLE = "The local door"
SERVED = {
    "door-get": door_scenarios.run_get,
    "door-pipeline": door_scenarios.run_pipeline,
    "door-subscription": door_scenarios.run_subscription,
    **{program.key: partial(run_program, program) for program in PROGRAMS},
    "command": run_command,
}
ALONE = {}
