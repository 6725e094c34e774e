"""Health checks on one agent. Apache ZooKeeper has nothing like them, so nothing stands beside the figures."""

import json
import os
import socket
import subprocess
import time

from local_scenarios import BUILD, HERE, run_json, where
from servers import cpu_seconds, die_with_parent, pause
from table import Row

PLUGIN_HOST = os.path.join(BUILD, "bin", "zooid-plugin-host")
CHECKS = 1000
INTERVAL_MS = 5000


class Plugin:
    """One plugin in a process of its own, for as long as the `with` lasts."""

    def __init__(self, bench, server, name, settings):
        self.directory = os.path.join(bench.work, name)
        os.makedirs(self.directory, exist_ok=True)
        conf = os.path.join(self.directory, name + ".conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(f"settings = {settings};\n")
        plugin = os.path.join(BUILD, "lib", "zooid", "plugins", name + ".so")
        options = ["--settings", conf, "--state-dir", self.directory, "--socket", where(server), "--name", name]
        with open(os.path.join(self.directory, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [PLUGIN_HOST, "--plugin", plugin, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        bench.children.append(self.process)
        self.bench = bench

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.bench.children.remove(self.process)


def ours(servers):
    return [server for server in servers if server.name == "zooid"]


def check_row(number, port):
    return f'{{ id = "c{number}"; type = "http"; url = "http://127.0.0.1:{port}/{number}"; interval_ms = {INTERVAL_MS}; }}'


def sample_checks(bench, server):
    """CPU and gaps once all have run for the first time; the gaps are measured by who is asked."""
    target = bench.spawn("http_target", stdin=subprocess.PIPE)
    port = int(target.stdout.readline())
    checks = ", ".join(check_row(number, port) for number in range(CHECKS))
    with Plugin(bench, server, "health", f"{{ checks = ( {checks} ); }}") as plugin:
        pause(INTERVAL_MS / 1000 + 2)
        used, started = cpu_seconds(plugin.process.pid), time.monotonic()
        pause(INTERVAL_MS / 1000 * (1 if bench.options.quick else 4))
        share = (cpu_seconds(plugin.process.pid) - used) / (time.monotonic() - started)
    target.stdin.close()
    result = json.loads(target.stdout.read())
    target.wait()
    bench.children.remove(target)
    if result["paths"] != CHECKS:
        raise RuntimeError(f"{result['paths']} of {CHECKS} checks ran")
    return {"cpu_percent": share * 100, "late_ms": max(0, result["gap_most_ms"] - INTERVAL_MS), **result}


def run_checks(bench, servers):
    title = f"{CHECKS:,} HTTP checks every {INTERVAL_MS // 1000} s"
    samples = []
    for server in ours(servers):
        for _ in range(1 if bench.options.quick else 3):
            bench.wait_for_machine()
            samples.append(bench.disturbance.watch([server], lambda s=server: sample_checks(bench, s)))
    bench.keep(title, {"zooid": samples})
    return [
        Row(title, "CPU of the plugin", "% of a core", {"zooid": [s["cpu_percent"] for s in samples]}, (None, "max", 5)),
        Row(title, "latest run", "ms late", {"zooid": [s["late_ms"] for s in samples]}, (None, "max", 50)),
    ]


def run_process_end(bench, servers):
    title = "process check: from kill to the node"
    times = []
    for server in ours(servers):
        pid_file = os.path.join(bench.work, "checked.pid")
        check = f'{{ id = "p"; type = "process"; pid_file = "{pid_file}"; interval_ms = 200; }}'
        node = f"/zooid/checks/{socket.gethostname()}/p"
        with Plugin(bench, server, "health", f"{{ checks = ( {check} ); }}"):
            program = ["/usr/bin/python3", os.path.join(HERE, "health_end.py"), where(server), node, pid_file]
            rounds = str(3 if bench.options.quick else 25)
            times += run_json([*program, rounds], PYTHONPATH=os.path.join(BUILD, "python"))["ms"]
    bench.keep(title, {"zooid": times})
    return [Row(title, "median", "ms", {"zooid": times}, (None, "max", 10))]
