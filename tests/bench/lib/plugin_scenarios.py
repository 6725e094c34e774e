"""Plugins at work: health checks, and files that the plugin render writes anew."""

import os

from health_scenarios import run_checks, run_process_end
from local_scenarios import BUILD, run_json, where
from servers import memory_kb
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


TITLE = "Plugins"
SERVED = {"health1000": run_checks, "health-end": run_process_end}
ALONE = {"render": run_render, "services": run_services}
