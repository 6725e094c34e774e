#!/usr/bin/python3
"""render_client.py SOCKET HOST DIRECTORY SERVICES INSTANCES CHANGES: files of many services, written anew for one change.

Registers the instances, lets the plugin render write one file of all of them, then changes one after the other, and prints as a
line of JSON how long each took from the acknowledged write until the new file was in place, and the memory of the plugin."""
import json
import os
import random
import subprocess
import sys
import threading
import time

import zooid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT_S = 60
BEGIN = "global\n    maxconn 10000\n<% for _, name in ipairs(service_names()) do %>\n"
SERVERS = """backend <%= name %>
<% for _, s in ipairs(services(name)) do %>
    server <%= s.id %> <%= s.address %>:<%= s.port %> weight <%= s.weight %> check
<% end %>
"""
TEMPLATES = {
    "plain": BEGIN + SERVERS + "<% end %>\n",
    "sections": BEGIN + "<% section(function(name) %>\n" + SERVERS + "<% end, name) %>\n<% end %>\n",
}


def path(service, number):
    return "/services/svc%03d/svc%03d-%02d" % (service, service, number)


def instance(service, number, port):
    """As the plugin discovery writes it."""
    return json.dumps({
        "name": "svc%03d" % service, "id": "svc%03d-%02d" % (service, number), "address": "10.1.%d.%d" % (service // 256, number),
        "port": port, "sslPort": None, "serviceType": "DYNAMIC", "uriSpec": None, "enabled": True,
        "registrationTimeUTC": 1700000000000,
        "payload": {"zooid": 1, "tags": ["blue", "v2"], "meta": {"zone": "eu-1", "rack": "r7"}, "weight": 1,
                    "health": "passing", "since": 1700000000000, "host": "host-%03d" % number, "maintenance": None},
    }).encode()


def fill(client, services, instances):
    client.ensure_path("/services")
    for service in range(services):
        nodes = [zooid.Create(path(service, number), instance(service, number, 8000)) for number in range(instances)]
        client.multi([zooid.Create("/services/svc%03d" % service), *nodes])


def configuration(directory, kind):
    names = {"template": os.path.join(directory, kind + ".tmpl"), "file": os.path.join(directory, kind + ".cfg")}
    with open(names["template"], "w", encoding="utf-8") as file:
        file.write(TEMPLATES[kind])
    conf = os.path.join(directory, kind + ".conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write('grants = [ "files", "run" ]; settings = { groups = ( { files = ( { template = "%(template)s"; '
                   'path = "%(file)s"; } ); } ); };' % names)
    return conf, names["file"]


def stamp(name):
    try:
        found = os.stat(name)
        return found.st_ino, found.st_mtime_ns
    except FileNotFoundError:
        return None


def wait_for(condition):
    end, pause = time.monotonic() + LIMIT_S, threading.Event()
    while not condition():
        pause.wait(0.0002)
        if time.monotonic() > end:
            sys.exit("render_client: the file was not written within %d s" % LIMIT_S)


def memory_kb(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def cpu_ms(pid):
    with open("/proc/%d/schedstat" % pid, encoding="ascii") as stat:
        return int(stat.read().split()[0]) / 1e6


def measure(client, pid, file, services, instances, changes):
    times, cpu = [], cpu_ms(pid)
    for change in range(changes):
        before, service, number = stamp(file), random.randrange(services), random.randrange(instances)
        client.set(path(service, number), instance(service, number, 9000 + change))
        started = time.monotonic()
        wait_for(lambda: stamp(file) not in (None, before))
        times.append((time.monotonic() - started) * 1000)
    return times, (cpu_ms(pid) - cpu) / changes


def main():
    socket, host, directory, *numbers = sys.argv[1:]
    services, instances, changes = map(int, numbers)
    result = {}
    with zooid.Client(socket) as client:
        fill(client, services, instances)
        for kind in TEMPLATES:
            conf, file = configuration(directory, kind)
            plugin = os.path.join(ROOT, "plugins", "render", "render.lua")
            with subprocess.Popen([host, "--plugin", plugin, "--settings", conf, "--socket", socket, "--name", "render"],
                                  stderr=subprocess.DEVNULL) as process:
                try:
                    wait_for(lambda: stamp(file))
                    result[kind], result[kind + "_cpu_ms"] = measure(client, process.pid, file, services, instances, changes)
                    result[kind + "_kb"] = memory_kb(process.pid)
                finally:
                    process.terminate()
    print(json.dumps(result))


main()
