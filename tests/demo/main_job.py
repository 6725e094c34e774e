"""The main job, end to end: nginx instances announce themselves on three hosts and are checked; haproxy's configuration
is rendered from who is well; backends end and come back, the leading agent is killed, and no request is lost.

The three hosts are three agents with plugin hosts of their own on this machine. Called by run."""
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import harness
from ensemble import AGENT, Ensemble

BUILD = os.path.dirname(os.path.dirname(os.path.abspath(harness.AGENT)))
PLUGIN_HOST = os.path.join(BUILD, "bin", "zooid-plugin-host")
NGINX, HAPROXY = shutil.which("nginx", path="/usr/sbin:/usr/bin"), shutil.which("haproxy", path="/usr/sbin:/usr/bin")
CLIENTS, VISIT_PAUSE_S = 4, 0.002
CHECK = 'type = "http"; interval_ms = 100; timeout_ms = 100; fall = 2; rise = 1;'

PLUGINS_CONF = """socket = "%(socket)s";
state_dir = "%(directory)s/state";
host_name = "host-%(sid)d";
"""

NGINX_CONF = """worker_processes 1;
pid %(directory)s/nginx.pid;
error_log %(directory)s/nginx.log;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path %(directory)s/body; proxy_temp_path %(directory)s/proxy; fastcgi_temp_path %(directory)s/fastcgi;
    uwsgi_temp_path %(directory)s/uwsgi; scgi_temp_path %(directory)s/scgi;
    server { listen 127.0.0.1:%(port)d; location / { return 200 "%(name)s\\n"; } }
}
"""

HAPROXY_TEMPLATE = """# written by zooid
global
    stats socket %(directory)s/haproxy.sock mode 600 level admin expose-fd listeners
    hard-stop-after 5s
defaults
    mode http
    retries 3
    retry-on all-retryable-errors
    option redispatch 1
    timeout connect 500ms
    timeout client 10s
    timeout server 10s
frontend web
    bind 127.0.0.1:%(port)d
    default_backend web
backend web
<%% for _, instance in ipairs(services "web") do %%>
    server <%%= instance.id %%> <%%= instance.address %%>:<%%= instance.port %%> weight <%%= instance.weight %%>
<%% end %%>
"""

RENDER_CONF = """grants = [ "files", "run" ];
settings = { groups = ( { name = "haproxy";
    files = ( { template = "%(directory)s/haproxy.tmpl"; path = "%(directory)s/haproxy.cfg"; } );
    validate = [ "%(haproxy)s", "-c", "-q", "-f", "{}" ];
    signal = "USR2"; pid_file = "%(directory)s/haproxy.pid"; } ); };
"""


def write(path, text):
    """In one step, as everything that is watched should be written."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


class Host:
    """One host: an agent with its plugins, and an nginx as what it is there for."""

    def __init__(self, agent, sid):
        self.agent, self.name, self.port = agent, "host-%d" % sid, harness.free_port()
        self.nginx = self.supervisor = None
        self.directory = os.path.join(agent.directory, "host")
        for folder in ("", "state", "plugins.d", "services.d", "nginx"):
            os.makedirs(os.path.join(self.directory, folder), exist_ok=True)
        self.values = {"directory": self.directory, "sid": sid, "port": self.port, "haproxy": HAPROXY,
                       "socket": os.path.join(agent.data_dir, "zooid", "zooid.sock")}
        write(self.path("plugins.conf"), PLUGINS_CONF % self.values)
        write(self.path("plugins.d/health.conf"), "")
        write(self.path("plugins.d/discovery.conf"),
              'settings = { services_dir = "%(directory)s/services.d"; address = "127.0.0.1"; };\n' % self.values)

    def path(self, name):
        return os.path.join(self.directory, name)

    def start_plugins(self):
        """As the unit zooid-plugins.service does."""
        with open(self.path("plugins.log"), "wb") as log:
            self.supervisor = subprocess.Popen([PLUGIN_HOST, "--supervise", "--config", self.path("plugins.conf")],
                                               stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                               preexec_fn=harness._die_with_parent)

    def stop_plugins(self):
        self.supervisor.terminate()
        self.supervisor.wait()

    def start_nginx(self):
        write(self.path("nginx/nginx.conf"),
              NGINX_CONF % dict(self.values, directory=self.path("nginx"), name=self.name))
        self.nginx = subprocess.Popen([NGINX, "-c", self.path("nginx/nginx.conf"), "-g", "daemon off;"],
                                      stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      preexec_fn=harness._die_with_parent)

    def announce(self):
        """The drop-in file that a package of the application would bring along."""
        write(self.path("services.d/web.conf"),
              'service = { name = "web"; id = "%s"; port = %d; checks = ( { %s url = "http://127.0.0.1:%d/"; } ); };\n' % (
                  self.name, self.port, CHECK, self.port))

    def stop_nginx(self):
        self.nginx.send_signal(signal.SIGTERM)
        self.nginx.wait()

    def zooid(self, *words, **how):
        command = [os.path.join(BUILD, "bin", "zooid"), "-S", self.values["socket"], *words]
        return subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=False, **how)

    def writes(self, path, text):
        """False while no member leads."""
        return self.zooid("create", "-s", path, text, stderr=subprocess.DEVNULL).returncode == 0


class Proxy:
    """haproxy on the first host, with a configuration that the plugin render writes."""

    def __init__(self, host):
        self.host, self.port, self.process = host, harness.free_port(), None
        write(host.path("haproxy.tmpl"), HAPROXY_TEMPLATE % dict(host.values, port=self.port))
        write(host.path("plugins.d/render.conf"), RENDER_CONF % host.values)

    def start(self):
        self.process = subprocess.Popen(
            [HAPROXY, "-W", "-q", "-f", self.host.path("haproxy.cfg"), "-p", self.host.path("haproxy.pid")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=harness._die_with_parent)

    def servers(self):
        """Those of the haproxy that runs, as it says itself."""
        try:
            with socket.socket(socket.AF_UNIX) as stats:
                stats.settimeout(5)
                stats.connect(self.host.path("haproxy.sock"))
                stats.sendall(b"show servers state web\n")
                lines = b"".join(iter(lambda: stats.recv(65536), b"")).decode().splitlines()
        except OSError:
            return None    # it has not started, or one haproxy gives way to the next
        return {line.split()[3] for line in lines if line[:1].isdigit() and len(line.split()) > 3}

    def wait_for(self, names):
        harness.wait_until(lambda: self.servers() == set(names), 30, "haproxy to serve by %s" % names)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


class Visitors:
    """Programs that ask haproxy all the time, and count what they are told."""

    def __init__(self, port):
        self.port, self.answers, self.failures, self.ending = port, {}, [], threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.visit, daemon=True) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def visit(self):
        while not self.ending.wait(VISIT_PAUSE_S):
            try:
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
                    connection.request("GET", "/")
                    answer = connection.getresponse()
                    text = answer.read().decode().strip()
                    self.count(text if answer.status == 200 else None, "status %d" % answer.status)
            except OSError as error:
                self.count(None, repr(error))

    def count(self, name, failure):
        with self.lock:
            if name is None:
                self.failures.append((time.monotonic(), failure))
            else:
                self.answers[name] = self.answers.get(name, 0) + 1

    def served(self):
        with self.lock:
            return sum(self.answers.values())

    def wait_for_more(self, count=200):
        """Until so many further requests have been answered, or one has failed."""
        goal = self.served() + count
        harness.wait_until(lambda: self.served() >= goal or self.failures, 60, "requests to be answered")

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()


def tell_of_the_main_job(story, demand, share_a_lock):
    """`share_a_lock(host)` lets programs in Python and Go share a lock meanwhile, and tells of it."""
    story.chapter("The main job: services, checks, configuration")
    ensemble = Ensemble([AGENT] * 3)
    hosts = {sid: Host(ensemble[sid], sid) for sid in sorted(ensemble.members)}
    front = hosts[min(hosts)]
    proxy = Proxy(front)
    with contextlib.ExitStack() as at_the_end:
        at_the_end.callback(ensemble.stop)
        started = time.monotonic()
        ensemble.start()
        for host in hosts.values():
            host.start_plugins()
            at_the_end.callback(host.stop_plugins)
        at_the_end.enter_context(logs_after_a_failure(hosts))
        story.tell("three agents start, each with its plugins: discovery, health, and on host-1 render",
                   time.monotonic() - started)
        announce_and_serve(story, demand, hosts, proxy, at_the_end)
        visitors = Visitors(proxy.port)
        at_the_end.callback(visitors.end)
        visitors.wait_for_more()
        demand(not visitors.failures, "requests fail: %s" % visitors.failures[:3])
        lose_a_backend(story, demand, hosts, proxy, visitors)
        lose_the_leader(story, demand, ensemble, hosts, proxy, visitors, share_a_lock)
        visitors.end()
        demand(not visitors.failures, "requests were lost: %s" % visitors.failures[:3])
        story.tell("%d requests through haproxy in all, none of them lost; answered by %s" % (
            visitors.served(), ", ".join("%s: %d" % pair for pair in sorted(visitors.answers.items()))))


@contextlib.contextmanager
def logs_after_a_failure(hosts):
    try:
        yield
    except BaseException:
        for host in hosts.values():
            print("--- %s\n%s" % (host.name, read(host.path("plugins.log"))[-4000:]), flush=True)
        raise


def announce_and_serve(story, demand, hosts, proxy, at_the_end):
    for host in hosts.values():
        host.start_nginx()
        at_the_end.callback(host.stop_nginx)
    started = time.monotonic()
    for host in hosts.values():
        host.announce()
    front = proxy.host
    harness.wait_until(lambda: os.path.exists(front.path("haproxy.cfg")) and all(
        host.name in read(front.path("haproxy.cfg")) for host in hosts.values()), 30, "the rendered configuration")
    story.tell("three nginx are announced by a file each; checked, in the tree, and in haproxy's configuration",
               time.monotonic() - started)
    proxy.start()
    at_the_end.callback(proxy.stop)
    proxy.wait_for([host.name for host in hosts.values()])
    instances = json.loads(front.zooid("-j", "plugin", "discovery", "query", "web").stdout)
    demand(len(instances["instances"]) == len(hosts), "discovery answers %s" % instances)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def lose_a_backend(story, demand, hosts, proxy, visitors):
    """The nginx of the last host."""
    victim = hosts[max(hosts)]
    rest = [host.name for host in hosts.values() if host is not victim]
    stopped = time.monotonic()
    victim.stop_nginx()
    harness.wait_until(lambda: victim.name not in read(proxy.host.path("haproxy.cfg")), 30, "the new configuration")
    written = time.monotonic() - stopped
    proxy.wait_for(rest)
    took = time.monotonic() - stopped
    demand(took < 1, "haproxy was told of the missing backend after %.1f s only" % took)
    visitors.wait_for_more()
    demand(not visitors.failures, "requests are lost: %s" % visitors.failures[:3])
    story.tell("%s's nginx is stopped: its check fails twice, and haproxy's configuration is a new one" % victim.name, written)
    story.tell("haproxy runs without it", took)
    victim.start_nginx()
    started = time.monotonic()
    proxy.wait_for([host.name for host in hosts.values()])
    story.tell("it is started again, and back in haproxy", time.monotonic() - started)


def lose_the_leader(story, demand, ensemble, hosts, proxy, visitors, share_a_lock):
    leader = ensemble.leader()
    ensemble[leader].kill()
    killed = time.monotonic()
    asked = next(sid for sid in sorted(hosts, reverse=True) if sid != leader)
    harness.wait_until(lambda: hosts[asked].writes("/after-", "the leader's end"), 30, "a write to be acknowledged")
    story.tell("the leading agent, host-%d's, gets SIGKILL; another one's next write is acknowledged" % leader,
               time.monotonic() - killed)
    share_a_lock(hosts[asked].agent)
    visitors.wait_for_more()
    demand(not visitors.failures, "requests are lost: %s" % visitors.failures[:3])
    demand(proxy.servers() == {host.name for host in hosts.values()}, "haproxy has lost a backend with the leader")
    ensemble.start([leader])
    story.tell("haproxy and all its backends go on as if nothing had been; the agent is started again")
