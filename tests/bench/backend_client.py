#!/usr/bin/python3
"""backend_client.py SOCKET HOST DIRECTORY ROUNDS: from the SIGKILL of a backend until the configuration without it is in place.

Runs the plugins health, discovery and render under their supervisor. A backend is announced by a file, with a check of its
process or with an HTTP check; its file is rendered from the services. Prints as a line of JSON the milliseconds of each round, by
check."""
import contextlib
import json
import os
import subprocess
import sys
import threading
import time

LIMIT_S = 60
INTERVAL_MS, FALL = 200, 2
CHECKS = {
    "process": 'type = "process"; pid_file = "%(directory)s/backend.pid"; interval_ms = 1000;',
    "http": 'type = "http"; url = "http://127.0.0.1:%(port)d/"; interval_ms = %(interval_ms)d; timeout_ms = 100; fall = %(fall)d;',
}
SERVICE = 'service = { name = "web"; id = "backend"; port = %(port)d; checks = ( { %(check)s } ); };\n'
FILES = {
    "plugins.conf": 'socket = "%(socket)s"; state_dir = "%(directory)s/state"; host_name = "bench";\n',
    "plugins.d/health.conf": "",
    "plugins.d/discovery.conf": 'settings = { services_dir = "%(directory)s/services.d"; address = "127.0.0.1"; };\n',
    # The guard against the empty set has no business here: one backend is all that there is.
    "plugins.d/render.conf": 'grants = [ "files", "run" ]; settings = { groups = ( { empty = "allow"; files = ( { '
                             'template = "%(directory)s/template"; path = "%(directory)s/rendered"; } ); } ); };\n',
    "template": 'backends:<%% for _, s in ipairs(services "web") do %%> <%%= s.id %%><%% end %%>\n',
}
BACKEND = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", %d), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def wait_for_line(path, wanted):
    end, pause = time.monotonic() + LIMIT_S, threading.Event()
    while True:
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            if file.read() == wanted:
                return
        if time.monotonic() > end:
            sys.exit("backend_client: %s did not become %r within %d s" % (path, wanted, LIMIT_S))
        pause.wait(0.0005)


class Backend:
    def __init__(self, directory, port=0):
        self.process = subprocess.Popen([sys.executable, "-c", BACKEND % port], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        write(os.path.join(directory, "backend.pid"), "%d\n" % self.process.pid)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def measure(directory, check, values, rounds):
    rendered, times, port = os.path.join(directory, "rendered"), [], 0
    for _ in range(rounds):
        backend = Backend(directory, port)
        if port == 0:
            port = backend.port
            text = CHECKS[check] % dict(values, port=port)
            write(os.path.join(directory, "services.d", "web.conf"), SERVICE % {"port": port, "check": text})
        wait_for_line(rendered, "backends: backend\n")
        started = time.monotonic()
        backend.kill()
        wait_for_line(rendered, "backends:\n")
        times.append((time.monotonic() - started) * 1000)
    return times


def main():
    socket, host, directory, rounds = sys.argv[1:]
    values = {"socket": socket, "directory": directory, "interval_ms": INTERVAL_MS, "fall": FALL}
    for folder in ("plugins.d", "services.d", "state"):
        os.makedirs(os.path.join(directory, folder), exist_ok=True)
    for name, text in FILES.items():
        write(os.path.join(directory, name), text % values)
    with open(os.path.join(directory, "log"), "wb") as log, subprocess.Popen(
            [host, "--supervise", "--config", os.path.join(directory, "plugins.conf")], stderr=log) as supervisor:
        try:
            print(json.dumps({check: measure(directory, check, values, int(rounds)) for check in CHECKS}))
        finally:
            supervisor.terminate()


main()
