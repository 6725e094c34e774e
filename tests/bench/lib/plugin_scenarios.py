"""Plugins at work: scripts in Lua, health checks, and files that the plugin render writes anew."""

import json
import os
import subprocess

from health_scenarios import run_checks, run_process_end
from local_scenarios import BUILD, run_json, where
from servers import die_with_parent, memory_kb, wait_quiet
from service_scenarios import run_services
from table import Row

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SERVICES, INSTANCES = 500, 20
CHANGES = 20


def run_render(bench, servers):
    """One instance of 10,000 changes: from the acknowledged write until the file of all of them is in place."""
    title = f"render: 1 of {SERVICES * INSTANCES:,} instances changes"
    samples = []
    for server in servers:
        if server.name != "zooid":
            continue
        for _ in range(bench.start_rounds):
            server.wipe()
            server.start()
            bench.wait_for_machine()
            command = ["/usr/bin/python3", os.path.join(HERE, "render_client.py"), where(server),
                       os.path.join(BUILD, "bin", "zooid-plugin-host"), server.directory,
                       str(SERVICES // bench.shrink), str(INSTANCES), str(CHANGES)]
            sample = run_json(command, PYTHONPATH=os.path.join(BUILD, "python"))
            sample["agent_kb"] = memory_kb(server.pid)["VmRSS"]
            samples.append(sample)
            server.kill()
    bench.keep(title, {"zooid": samples})
    rows = []
    for kind, words in (("plain", "whole template"), ("sections", "template in sections")):
        times = {"zooid": [sorted(sample[kind])[len(sample[kind]) // 2] for sample in samples]}
        memory = {"zooid": [(sample[kind + "_kb"] + sample["agent_kb"]) / 1024 for sample in samples]}
        rows.append(Row(title, words + ", median", "ms", times, (None, "max", 20)))
        rows.append(Row(title, words + ", memory of agent and plugin", "MB", memory, (None, "max", 60)))
    return rows


def run_backend(bench, servers):
    """A backend is killed: check, registration, rendering, file."""
    title = "backend killed until the new file is in place"
    server = next(server for server in servers if server.name == "zooid")
    directory = os.path.join(bench.work, "backend")
    os.makedirs(directory, exist_ok=True)
    bench.wait_for_machine()
    command = ["/usr/bin/python3", os.path.join(HERE, "backend_client.py"), where(server),
               os.path.join(BUILD, "bin", "zooid-plugin-host"), directory, str(5 if bench.options.quick else 30)]
    times = run_json(command)
    bench.keep(title, {"zooid": times})
    return [Row(title, words, "ms", {"zooid": times[check]}, (None, "max", limit))
            for check, words, limit in (("process", "process check", 100), ("http", "HTTP check every 200 ms, fall 2", 500))]


def lua_rate(server, directory, tasks, seconds):
    """What the plugin lua_client tells."""
    settings = os.path.join(directory, "lua_client.conf")
    with open(settings, "w", encoding="utf-8") as file:
        file.write('settings = { node = "/bench-lua"; seconds = %d; tasks = %d; };' % (seconds, tasks))
    command = [os.path.join(BUILD, "bin", "zooid-plugin-host"), "--socket", where(server), "--settings", settings,
               "--plugin", os.path.join(HERE, "lua_client.lua")]
    told = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60 + 10 * seconds, preexec_fn=die_with_parent)
    return json.loads(told.stderr.partition("result ")[2].splitlines()[0])["ops_per_s"]


def c_rate(server, tasks, seconds):
    """That of libzooid, in a program in C; which takes a number of requests, so a short run tells how many fill the time."""
    count = 2000
    for _ in range(2):
        words = ["bench", "-n", str(count), "-p", str(tasks)]
        rate = run_json([os.path.join(BUILD, "bin", "zooid"), "-S", where(server), "-j", *words])[0]["per_second"]
        count = min(10000, max(2000, int(rate * seconds / 4)))  # it writes as many, which takes longer
    return rate


def run_lua(bench, servers):
    """get through Lua, as a share of the rate that libzooid has in C; the two of a round one after the other."""
    rows, kept = [], {}
    server = next(server for server in servers if server.name == "zooid")
    for tasks, target in ((1, (None, "min", 0.5)), (64, None)):
        shares, rates = [], []
        for _ in range(bench.rounds):
            wait_quiet(servers)
            in_c = c_rate(server, tasks, bench.seconds)
            rates.append(lua_rate(server, bench.work, tasks, bench.seconds))
            shares.append(rates[-1] / in_c)
        title = "Lua: get in a loop" if tasks == 1 else f"Lua: get in {tasks} tasks"
        kept[tasks] = {"rates": rates, "shares": shares}
        rows.append(Row(title, "throughput", "1/s", {"zooid": rates}))
        rows.append(Row(title, "share of libzooid's in C", "", {"zooid": shares}, target))
    bench.keep("lua-get", kept)
    return rows


TITLE = "Plugins"
SERVED = {"lua-get": run_lua, "health1000": run_checks, "health-end": run_process_end, "backend": run_backend}
ALONE = {"render": run_render, "services": run_services}
