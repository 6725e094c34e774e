"""Services by way of the plugin discovery. Apache ZooKeeper has nothing like it, so nothing stands beside the figures."""

import os

from local_scenarios import BUILD, HERE, run_json, where
from servers import memory_kb
from table import Row

SERVICES, INSTANCES = 500, 20


def sample_services(bench, server):
    program = os.path.join(BUILD, "bin", "zooid-plugin-host")
    plugin = os.path.join(BUILD, "lib", "zooid", "plugins", "discovery.so")
    sizes = [str(SERVICES // bench.shrink), str(INSTANCES), str(5 if bench.options.quick else 50)]
    command = ["/usr/bin/python3", os.path.join(HERE, "services_client.py"), where(server), program, plugin]
    sample = run_json([*command, server.directory, *sizes], PYTHONPATH=os.path.join(BUILD, "python"))
    sample["agent_kb"] = memory_kb(server.pid)["VmRSS"]
    return sample


def run_services(bench, servers):
    """10,000 instances in 500 services: questions, a change, the end of a process, memory."""
    title = f"discovery: {SERVICES * INSTANCES:,} instances"
    samples = []
    for server in servers:
        if server.name != "zooid":
            continue
        for _ in range(bench.restart_rounds):
            server.wipe()
            server.start()
            bench.wait_for_machine()
            samples.append(sample_services(bench, server))
            server.kill()
    bench.keep(title, {"zooid": samples})

    def medians(key):
        return {"zooid": [sorted(sample[key])[len(sample[key]) // 2] for sample in samples]}

    memory = {"zooid": [(sample["plugin_kb"] + sample["agent_kb"]) / 1024 for sample in samples]}
    return [
        Row(title, "query of 20, median", "us", medians("query_us")),
        Row(title, "pick, median", "us", medians("pick_us")),
        Row(title, "write until an answer has it, median", "ms", medians("change_ms")),
        Row(title, "kill of a process until it is told, median", "ms", medians("kill_ms")),
        Row(title, "memory of agent and plugin", "MB", memory, (None, "max", 60)),
    ]
