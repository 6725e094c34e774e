#!/usr/bin/python3
"""Every type of health check against a real counterpart that passes, fails, hangs and flaps; what outlives a restart; and
what must not disturb the plugin."""
import os
import signal
import socket
import ssl
import subprocess
import sys

import plugin_rig
from plugin_rig import harness
from health_rig import CheckedCase

import kazoo.client
from authority import Authority  # noqa: E402


class Http(CheckedCase):
    def checks(self, target, **paths):
        return [dict({"id": path, "type": "http", "interval_ms": 200, "timeout_ms": 2000,
                      "url": "http://127.0.0.1:%d/%s" % (target.port, path)}, **options)
                for path, options in paths.items()]

    def test_answers(self):
        target = self.target()
        health = self.health(self.checks(target, ok={}, busy={}, broken={}, redirect={}, away={"redirects_max": 5},
                                         garbage={}, nothing={}) + [
            {"id": "followed", "type": "http", "url": "http://127.0.0.1:%d/redirect" % target.port, "redirects_max": 1},
            {"id": "allowed", "type": "http", "url": "http://127.0.0.1:%d/broken" % target.port,
             "status": ["200", "500-599"]},
            {"id": "refused", "type": "http", "url": "http://127.0.0.1:%d/" % harness.free_port()},
            {"id": "found", "type": "http", "url": "http://127.0.0.1:%d/ok" % target.port, "expect": "is well"},
            {"id": "lacking", "type": "http", "url": "http://127.0.0.1:%d/ok" % target.port, "expect": "is bad"}])
        health.wait_for("ok", "passing", "HTTP 200")
        health.wait_for("busy", "warning", "HTTP 429\nlater")
        health.wait_for("broken", "critical", "HTTP 500\na \ufffd  reason")
        health.wait_for("redirect", "critical", "HTTP 302")
        health.wait_for("away", "critical", "file")
        health.wait_for("garbage", "critical", "HTTP")
        health.wait_for("nothing", "critical", "Empty reply")
        health.wait_for("followed", "passing", "HTTP 200")
        health.wait_for("allowed", "passing", "HTTP 500")
        health.wait_for("refused", "critical", "onnect")
        health.wait_for("found", "passing")
        health.wait_for("lacking", "critical", "HTTP 200, without the expected text\nall is well")
        self.assertEqual(health.stop(), 0)

    def test_what_hangs_or_never_ends(self):
        target = self.target()
        health = self.health(self.checks(target, hang={"timeout_ms": 300}, silent_body={"timeout_ms": 300}, endless={},
                                         endless_headers={}, ok={}) + [
            {"id": "searched", "type": "http", "url": "http://127.0.0.1:%d/endless" % target.port, "expect": "xxy"}])
        health.wait_for("hang", "critical", "timed out")
        health.wait_for("silent_body", "critical", "timed out")
        health.wait_for("endless", "passing", "HTTP 200")
        health.wait_for("endless_headers", "critical")
        health.wait_for("searched", "critical", "without the expected text")
        health.wait_for("ok", "passing")
        self.assertEqual(health.stop(), 0)

    def test_flaps(self):
        target = self.target()
        bad = b"HTTP/1.1 503 No\r\n\r\n"
        health = self.health(self.checks(target, mode={"rise": 2, "fall": 3, "interval_ms": 100}))
        health.wait_for("mode", "passing")
        for answer, status in [(bad, "critical"), (b"HTTP/1.1 200 OK\r\n\r\n", "passing")] * 2:
            target.mode = answer
            health.wait_for("mode", status)
        # One failure, and well again: `fall` keeps it from showing.
        since = health.node("mode")["since"]
        target.first = [bad]
        harness.wait_until(lambda: not target.first, 20, "a request")
        asked = len(target.requests)
        harness.wait_until(lambda: len(target.requests) > asked + 3, 20, "more requests")
        self.assertEqual(health.node("mode")["since"], since)
        health.stop()

    def test_what_is_asked(self):
        target = self.target()
        path = os.path.join(self.server.directory, "target.sock")
        local = self.target(unix=path)
        url = "http://nowhere.invalid:%d/echo" % target.port
        health = self.health([
            {"id": "request", "type": "http", "url": url, "connect_address": "127.0.0.1", "method": "PUT", "body": "some",
             "headers": ["X-Key: secret", "Host: elsewhere"], "expect": "PUT /echo HTTP/1.1"},
            {"id": "host", "type": "http", "url": url, "connect_address": "127.0.0.1:%d" % target.port,
             "expect": "Host: nowhere.invalid:%d" % target.port},
            {"id": "head", "type": "http", "url": "http://127.0.0.1:%d/ok" % target.port, "method": "HEAD"},
            {"id": "unix", "type": "http", "url": "http://some/ok", "unix_socket": path}])
        for check in "request", "host", "head", "unix":
            health.wait_for(check, "passing")
        request = next(request for request in target.requests if request.startswith(b"PUT"))
        for part in b"X-Key: secret\r\n", b"Host: elsewhere\r\n", b"Content-Length: 4\r\n", b"Connection: close\r\n":
            self.assertIn(part, request)
        self.assertTrue(any(request.startswith(b"HEAD /ok") for request in target.requests))
        self.assertTrue(local.requests)
        health.stop()

    def test_tls(self):
        authority = Authority()
        self.addCleanup(authority.remove)
        authority.make("target", "/CN=one.example", hosts="DNS:one.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.path("target.pem"))
        target = self.target(context=context)
        url = "https://127.0.0.1:%d/ok" % target.port
        ca = {"ca_file": authority.path("ca.crt")}
        tcp = {"type": "tcp", "address": "127.0.0.1", "port": target.port, "tls": True}
        health = self.health([
            dict(ca, id="named", type="http", url=url, server_name="one.example"),
            dict(ca, id="misnamed", type="http", url=url),
            {"id": "unknown", "type": "http", "url": url, "server_name": "one.example"},
            {"id": "unverified", "type": "http", "url": url, "tls_verify": False},
            dict(tcp, **ca, id="tcp", server_name="one.example"),
            dict(tcp, **ca, id="tcp-misnamed", server_name="two.example"),
            dict(tcp, id="tcp-unverified", tls_verify=False)])
        for check in "named", "unverified", "tcp", "tcp-unverified":
            health.wait_for(check, "passing")
        for check in "misnamed", "unknown", "tcp-misnamed":
            health.wait_for(check, "critical", "SSL")
        health.stop()


class Tcp(CheckedCase):
    def test_passes_fails_hangs_and_flaps(self):
        target = self.target()
        silent = self.target()  # speaks no TLS, and waits for a request
        full = socket.create_server(("127.0.0.1", harness.free_port()), backlog=0)
        self.addCleanup(full.close)
        waiting = [socket.socket() for _ in range(8)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(full.getsockname())
            self.addCleanup(connection.close)
        common = {"type": "tcp", "address": "127.0.0.1", "interval_ms": 100, "timeout_ms": 500}
        health = self.health([dict(common, id="flaps", port=target.port), dict(common, id="no", port=harness.free_port()),
                              dict(common, id="silent", port=silent.port, tls=True),
                              dict(common, id="full", port=full.getsockname()[1]),
                              dict(common, id="name", address="localhost", port=target.port)])
        health.wait_for("flaps", "passing", "accepts connections")
        health.wait_for("no", "critical", "onnect")
        health.wait_for("silent", "critical", "time")
        health.wait_for("full", "critical", "time")
        health.wait_for("name", "passing")
        for _ in range(2):
            target.close()
            health.wait_for("flaps", "critical")
            target.open()
            health.wait_for("flaps", "passing")
        health.stop()


class Script(CheckedCase):
    @staticmethod
    def shell(check, command, **options):
        return dict({"id": check, "type": "script", "argv": ["/bin/sh", "-c", command], "interval_ms": 200,
                     "timeout_ms": 10000}, **options)

    def test_exit_codes(self):
        health = self.health([
            self.shell("ok", "echo fine; echo ignored >&2"), self.shell("warning", "echo so so; exit 1"),
            self.shell("critical", "echo bad; exit 2"), self.shell("unknown", "echo what >&2; exit 3"),
            self.shell("quiet", "exit 4"), self.shell("killed", "kill -9 $$"),
            self.shell("environment", 'echo "$A $(pwd) $(cat)"', env=["A=b", "PATH=/bin:/usr/bin"], directory="/usr",
                       input="given"),
            {"id": "missing", "type": "script", "argv": ["/nonexistent/program"]}])
        health.wait_for("ok", "passing", "fine")
        self.assertNotIn("ignored", health.node("ok")["output"])
        health.wait_for("warning", "warning", "so so")
        health.wait_for("critical", "critical", "bad")
        health.wait_for("unknown", "critical", "what")
        health.wait_for("quiet", "critical", "exit code 4")
        health.wait_for("killed", "critical", "ended by signal 9")
        health.wait_for("environment", "passing", "b /usr given")
        health.wait_for("missing", "critical", "cannot be started: ")
        self.assertEqual(health.stop(), 0)

    def test_hangs_and_its_group_is_killed(self):
        path = os.path.join(self.server.directory, "hangs")
        health = self.health([self.shell("hangs", "sleep 1000 & echo $! >%s; echo begun; wait" % path, timeout_ms=500)])
        health.wait_for("hangs", "critical", "timed out after 500 ms\nbegun")

        def number():
            with open(path, encoding="ascii") as file:
                return int(file.read() or 0)
        child = harness.wait_until(number, 20, "the number of the script's child")
        harness.wait_until(lambda: not plugin_rig.lives(child), 20, "the end of the script's child")
        health.stop()

    def test_hostile_output(self):
        health = self.health([
            self.shell("endless", "exec yes", timeout_ms=1000), self.shell("huge", "head -c 30000000 /dev/zero | tr '\\0' x"),
            self.shell("binary", "head -c 3000 /dev/urandom"), self.shell("escapes", "printf 'a\\033[2Jb\\377'"),
            self.shell("ok", "echo fine")], output_max=1000)
        health.wait_for("endless", "critical", "timed out")
        health.wait_for("huge", "passing", "x" * 1000)
        health.wait_for("binary", "passing")
        health.wait_for("escapes", "passing", "a [2Jb\ufffd")
        health.wait_for("ok", "passing", "fine")
        for check in "endless", "huge", "binary":
            self.assertLessEqual(len(health.node(check)["output"].encode()), 1000)
        self.assertEqual(health.stop(), 0)

    def test_flaps(self):
        path = os.path.join(self.server.directory, "mode")
        health = self.health([self.shell("flaps", "exit $(cat %s)" % path, interval_ms=100)])
        for code, status in [("0", "passing"), ("1", "warning"), ("0", "passing"), ("2", "critical"), ("1", "warning")]:
            with open(path + ".new", "w", encoding="ascii") as file:
                file.write(code)
            os.replace(path + ".new", path)
            health.wait_for("flaps", status)
        health.stop()


class Process(CheckedCase):
    def run_one(self, path):
        """A process that does nothing, with its number in the file."""
        process = subprocess.Popen(["sleep", "1000"], preexec_fn=harness._die_with_parent)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write("%d\n" % process.pid)
        os.replace(path + ".new", path)
        return process

    def test_its_end_is_seen_at_once(self):
        path = os.path.join(self.server.directory, "at-once.pid")
        process = self.run_one(path)
        health = self.health([{"id": "p", "type": "process", "pid_file": path, "interval_ms": 3600000}])
        health.wait_for("p", "passing", "process %d is running" % process.pid)
        process.kill()  # and nobody asks yet how it ended: it is a zombie
        health.wait_for("p", "critical", "process %d has ended" % process.pid)
        health.stop()

    def test_comes_and_goes(self):
        path = os.path.join(self.server.directory, "comes.pid")
        other = os.path.join(self.server.directory, "other.pid")
        me = {"type": "process", "pid": os.getpid()}
        health = self.health([
            {"id": "p", "type": "process", "pid_file": path, "executable": "sleep", "interval_ms": 100, "fall": 3},
            {"id": "other", "type": "process", "pid_file": other, "executable": "cat", "interval_ms": 100},
            dict(me, id="mine", executable=os.path.realpath(sys.executable)), dict(me, id="reused", start_time=1),
            {"id": "kernel", "type": "process", "pid": 2147483647}])
        health.wait_for("p", "critical", "No such file")
        health.wait_for("mine", "passing")
        health.wait_for("reused", "critical", "its number is another's now")
        health.wait_for("kernel", "critical")
        self.run_one(other)
        health.wait_for("other", "critical", "it runs ")
        for _ in range(2):
            process = self.run_one(path)
            health.wait_for("p", "passing", str(process.pid))
            process.kill()
            process.wait()
            health.wait_for("p", "critical")
        with open(path, "w", encoding="ascii") as file:
            file.write("12x\n")
        harness.wait_until(lambda: "holds no process number" in health.node("p")["output"] or
                           health.node("p")["status"] == "critical", 20, "a bad pid file")
        health.stop()


class FileAge(CheckedCase):
    def test_comes_ages_and_grows(self):
        path = os.path.join(self.server.directory, "watched")
        common = {"type": "file_age", "path": path, "interval_ms": 100}
        health = self.health([dict(common, id="age", age_max_ms=7200000, age_warning_ms=3600000),
                              dict(common, id="size", size_min=1, size_max=5), dict(common, id="absent", exists=False)])
        health.wait_for("age", "critical", "No such file")
        health.wait_for("absent", "passing")
        with open(path, "w", encoding="ascii"):
            pass
        health.wait_for("age", "passing")
        health.wait_for("size", "critical", "has 0 bytes")
        health.wait_for("absent", "critical", "is there")
        now = os.stat(path).st_mtime
        for seconds, status in [(3700, "warning"), (7300, "critical"), (0, "passing")]:
            os.utime(path, (now - seconds, now - seconds))
            health.wait_for("age", status)
        for text, status in [("abc", "passing"), ("abcdefg", "critical"), ("abc", "passing")]:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            health.wait_for("size", status)
        health.stop()


class Life(CheckedCase):
    def test_a_restart_keeps_what_is_known(self):
        target = self.target()
        url = "http://127.0.0.1:%d/mode" % target.port
        checks = [{"id": "web", "type": "http", "url": url, "interval_ms": 100, "rise": 2, "initial": "warning"}]
        health = self.health(checks)
        before = health.wait_for("web", "passing")
        self.assertEqual(health.stop(), 0)
        harness.wait_until(lambda: not health.node("web"), 20, "the end of the node")
        target.mode = b"HTTP/1.1 200 OK\r\n\r\nx"
        health.write(checks, start_spread_ms=0)
        health.start()
        harness.wait_until(lambda: health.node("web"), 20, "the node")
        self.assertEqual(health.node("web"), before)
        # Killed, it has saved what it knew.
        target.mode = b"HTTP/1.1 500 No\r\n\r\n"
        before = health.wait_for("web", "critical", "HTTP 500")
        saved = os.path.join(health.directory, health.name, "checks.json")

        def is_saved():
            with open(saved, encoding="utf-8") as file:
                return '"critical"' in file.read()
        harness.wait_until(is_saved, 20, "the file of states")
        health.host.kill()
        health.start()
        health.host.wait_for("ready")
        self.assertEqual(health.wait_for("web", "critical")["since"], before["since"])
        health.stop()

    def test_what_is_wrong_is_named_with_its_line(self):
        health = self.health()
        health.stop()
        with open(health.conf, "w", encoding="utf-8") as conf:
            conf.write('settings = {\n  checks = (\n    { id = "a"; type = "ttl"; ttl_ms = 5; },\n'
                       '    { id = "b"; type = "http"; url = "http://x/";\n      intervall_ms = 5; } );\n};\n')
        health.start()
        self.assertEqual(health.host.wait_end(), 78)
        self.assertIn("%s:5: settings.checks.[1].intervall_ms: is not a setting" % health.conf, health.host.log())

    def test_without_an_agent_checks_go_on(self):
        agent = harness.server_class()()
        self.addCleanup(agent.stop)
        agent.start()
        target = self.target()
        client = kazoo.client.KazooClient(agent.address)
        client.start(30)
        self.addCleanup(client.close)
        self.addCleanup(client.stop)
        health = self.health([{"id": "web", "type": "http", "url": "http://127.0.0.1:%d/mode" % target.port,
                               "interval_ms": 100}], agent=agent)
        health.client = client
        health.wait_for("web", "passing")
        agent.kill()
        for answer, line in [(b"HTTP/1.1 500 No\r\n\r\n", "passing -> critical"),
                             (b"HTTP/1.1 429 No\r\n\r\n", "critical -> warning")]:
            target.mode = answer
            health.host.wait_for("check web: " + line)
        agent.start()
        health.wait_for("web", "warning", "HTTP 429")
        health.stop()


if __name__ == "__main__":
    harness.main()
