"""Services by way of the plugin discovery: 10,000 instances in 500 services or so, and questions about them.

    services_client.py SOCKET HOST_PROGRAM PLUGIN DIRECTORY SERVICES INSTANCES ROUNDS

Prints one line of JSON: microseconds of each query and pick, milliseconds from a write until an answer has it, and from the
SIGKILL of a registered process until a subscriber has been told; the memory of the plugin's process, in kB."""

import json
import os
import subprocess
import sys
import time

import zooid


def node_of(service, number):
    payload = {"zooid": 1, "tags": ["v1", "eu"], "meta": {"zone": "a", "version": "1.4.2"}, "weight": 10}
    payload.update(health="passing", since=1795908622870, host=f"host{number:02}", maintenance=None)
    node = {"name": service, "id": f"{service}-host{number:02}-8080", "address": f"10.0.0.{number}", "port": 8080}
    node.update(sslPort=None, payload=payload, registrationTimeUTC=1795908622870, serviceType="DYNAMIC", uriSpec=None)
    return node | {"enabled": True}


def path_of(node):
    return f"/services/{node['name']}/{node['id']}"


def fill(client, services, instances):
    client.ensure_path("/services")
    for number in range(services):
        service = f"svc{number:03}"
        client.create("/services/" + service)
        nodes = [node_of(service, instance) for instance in range(instances)]
        client.multi([zooid.Create(path_of(node), json.dumps(node).encode(), ephemeral=True) for node in nodes])


def start(socket, program, plugin, directory):
    conf = os.path.join(directory, "discovery.conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write('settings = { services_dir = ""; };\n')
    options = ["--settings", conf, "--socket", socket, "--state-dir", directory, "--name", "discovery"]
    return subprocess.Popen([program, "--plugin", plugin, *options], stderr=subprocess.DEVNULL)


def wait_known(client, count, deadline_s=60):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        try:
            if sum(summary.instances for summary in client.services.list()) >= count:
                return
        except zooid.NoSuchProviderError:
            pass
    raise RuntimeError("the plugin does not know all instances")


def timed(rounds, function):
    times = []
    for number in range(rounds):
        started = time.perf_counter()
        function(number)
        times.append(time.perf_counter() - started)
    return times


def change(client, node, number):
    """One instance gets another tag, and is found by it."""
    node["payload"]["tags"] = [f"t{number}"]
    client.set(path_of(node), json.dumps(node).encode())
    while not client.services.query(node["name"], tags=[f"t{number}"]).instances:
        pass


def follow(changes, wanted):
    for change_ in changes:
        if change_.change == wanted:
            return


def kill(client, number):
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    client.call("discovery", "register", name="killed", id=f"k{number}", pid=str(process.pid))
    with client.subscribe("/services/killed") as changes:
        follow(changes, zooid.Change.CAUGHT_UP)
        started = time.perf_counter()
        process.kill()
        follow(changes, zooid.Change.DELETED)
        taken = time.perf_counter() - started
    process.communicate()
    return taken


def memory_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def main():
    socket, program, plugin, directory = sys.argv[1:5]
    services, instances, rounds = map(int, sys.argv[5:])
    with zooid.Client(socket) as client:
        fill(client, services, instances)
        process = start(socket, program, plugin, directory)
        try:
            wait_known(client, services * instances)
            node, asked = node_of("svc001", 0), client.services
            result = {
                "query_us": [1e6 * s for s in timed(10 * rounds, lambda _: asked.query("svc001"))],
                "pick_us": [1e6 * s for s in timed(10 * rounds, lambda _: asked.pick("svc001"))],
                "change_ms": [1e3 * s for s in timed(rounds, lambda number: change(client, node, number))],
                "kill_ms": [1e3 * kill(client, number) for number in range(rounds)],
                "plugin_kb": memory_kb(process.pid),
            }
        finally:
            process.terminate()
            process.wait()
    print(json.dumps(result))


main()
