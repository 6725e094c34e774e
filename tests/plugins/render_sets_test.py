#!/usr/bin/python3
"""Sets of files under a writer that flips ten keys in one multi a hundred times a second: none ever mixes two
generations, whoever is killed meanwhile. And the programs that a group is for."""
import os
import random
import signal
import threading
import time
import unittest

import plugin_rig
import render_rig
from plugin_rig import harness

import local_wire  # noqa: E402
from local_wire import pb  # noqa: E402

KEYS = 10
FLIPS = 300
MANY = 1500  # nodes of one multi: their changes take several frames


class Writer(threading.Thread):
    """Sets ten keys below different prefixes to the same number, again and again; through restarts of the agent."""

    def __init__(self, agent, base, count):
        super().__init__(daemon=True)
        self.agent, self.base, self.count, self.number, self.over = agent, base, count, 0, threading.Event()

    def flip(self, client):
        writes = [pb.Write(set=pb.Set(path="%s/%d/key" % (self.base, key), data=b"%d" % (self.number + 1))) for key in range(KEYS)]
        client.must(multi=pb.Multi(write=writes))
        self.number += 1

    def run(self):
        client = None
        while self.number < self.count and not self.over.wait(0.01):
            try:
                client = client or local_wire.Client(plugin_rig.socket_of(self.agent))
                self.flip(client)
            except (OSError, AssertionError, AttributeError, TypeError):
                client = None


class Sets(render_rig.RenderTestCase):
    def setUp(self):
        super().setUp()
        self.agent = harness.Agent()
        self.addCleanup(self.agent.stop)
        self.agent.start()
        self.base = "/sets"
        for key in range(KEYS):
            self.zooid("create", "-p", "%s/%d/key" % (self.base, key), "0")
        self.mixed = []

    def template(self, key):
        everything = "".join(' <%%= key "%s/%d/key" %%>' % (self.base, other) for other in range(KEYS))
        return '<%%= key "%s/%d/key" %%>\n%s\n' % (self.base, key, everything)

    def group(self, name, directory):
        files = [self.file("%s-%d" % (name, key), self.template(key)) for key in range(KEYS)]
        if directory:
            for key, file in enumerate(files):
                file["path"] = str(key)
        # A line is written as a whole: whoever is killed leaves all of it, or nothing.
        said = "echo \"$(sort -u %s | tr '\\n' ';')\" >>%s" % (
            self.path(name + "/[0-9]*") if directory else self.path(name + "-[0-9]"), self.path(name + ".log"))
        group = {"name": name, "files": files, "reload": ["/bin/sh", "-c", said]}
        return dict(group, directory=self.path(name)) if directory else group

    @staticmethod
    def uniform(number):
        return "%d\n %s\n" % (number, " ".join([str(number)] * KEYS))

    def look_at_folder(self):
        """The set that the link leads to now; None: it was overtaken meanwhile, or there is none yet."""
        try:
            folder = os.open(self.path("linked"), os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return None
        try:
            texts = set()
            for key in range(KEYS):
                file = os.open(str(key), os.O_RDONLY, dir_fd=folder)
                texts.add(os.read(file, 1000).decode())
                os.close(file)
            if len(texts) != 1 or texts != {self.uniform(int(next(iter(texts)).split()[0]))}:
                self.mixed.append(texts)
            return texts
        except FileNotFoundError:
            return None
        finally:
            os.close(folder)

    def check_log(self, name, minimum):
        """What each reload has seen: one generation."""
        said = self.lines(name + ".log")
        for line in said:
            self.assertEqual(len(set(line.replace(";", " ").split())), 1, line)
        self.assertGreaterEqual(len(said), minimum)

    def wait_for_generation(self, number):
        harness.wait_until(lambda: self.look_at_folder() == {self.uniform(number)}, 60, "generation %d in the folder" % number)
        for key in range(KEYS):
            self.wait_file("plain-%d" % key, self.uniform(number))
        harness.wait_until(lambda: self.lines("plain.log")[-1:] == ["%d; %s;" % (number, " ".join([str(number)] * KEYS))]
                           or self.lines("plain.log")[-1:] == [" %s;%d;" % (" ".join([str(number)] * KEYS), number)], 60,
                           "the last reload")

    def test_no_set_mixes_two_generations(self):
        self.render(self.group("plain", False), self.group("linked", True))
        harness.wait_until(self.look_at_folder)
        writer = Writer(self.agent, self.base, FLIPS)
        writer.start()
        while writer.is_alive():
            self.look_at_folder()
        self.wait_for_generation(FLIPS)
        self.assertEqual(self.mixed, [])
        self.check_log("plain", 10)
        self.check_log("linked", 10)

    def test_a_multi_that_takes_many_frames_is_seen_whole(self):
        client = local_wire.Client(plugin_rig.socket_of(self.agent))
        self.addCleanup(client.close)
        paths = ["/big/%04d" % number for number in range(MANY)]
        client.must(create=pb.Create(path="/big"))
        client.must(multi=pb.Multi(write=[pb.Write(create=pb.Create(path=path, data=b"0")) for path in paths]))
        template = ('<% local seen = {} for _, node in ipairs(tree "/big") do seen[node.value] = true end %>\n'
                    '<%= join(keys(seen), " ") %>\n')
        self.render({"files": [self.file("seen", template)],
                     "reload": ["/bin/sh", "-c", "cat %s >>%s" % (self.path("seen"), self.path("seen.log"))]})
        for number in range(1, 31):
            client.must(multi=pb.Multi(write=[pb.Write(set=pb.Set(path=path, data=b"%d" % number)) for path in paths]))
        harness.wait_until(lambda: self.lines("seen.log")[-1:] == ["30"], 60, "the last generation")
        self.assertEqual([line for line in self.lines("seen.log") if " " in line], [])

    def test_whoever_is_killed_meanwhile(self):
        conf = self.conf(self.group("plain", False), self.group("linked", True))
        writer = Writer(self.agent, self.base, 1 << 30)
        host = self.launch(conf)
        harness.wait_until(self.look_at_folder)
        writer.start()
        for turn in range(12):
            before = len(self.lines("linked.log"))
            harness.wait_until(lambda: len(self.lines("linked.log")) > before + 1, 60, "reloads")
            end = time.monotonic() + random.uniform(0, 0.05)
            while time.monotonic() < end:
                self.look_at_folder()
            if turn % 3 == 2:
                self.agent.kill()
                self.look_at_folder()
                self.agent.start()
            else:
                host.kill()
                self.look_at_folder()
                host = self.launch(conf)
        writer.over.set()
        writer.join()
        number = int(self.zooid("get", self.base + "/0/key").strip())
        self.wait_for_generation(number)
        self.assertEqual(self.mixed, [])
        self.check_log("linked", 12)
        self.assertEqual([name for name in os.listdir(self.directory) if name.endswith(("zooid-new", "zooid-old"))], [])


class Programs(render_rig.RenderTestCase):
    PROGRAM = ('trap "echo hup $(cat {file}) >>{log}" HUP; trap "echo term >>{log}; exit 0" TERM; echo start $(cat {file}) >>{log}; '
               'while :; do sleep 0.02; done')

    def setUp(self):
        super().setUp()
        self.key = self.zooid("create", "-s", "/exec-", "1").strip()

    def group(self, **exec_settings):
        program = self.write("program", self.PROGRAM.replace("$(cat {file})", "$(cat %s)" % self.path("one"))
                             .replace("\"echo hup $(cat", "\"echo hup \\$(cat").replace("{log}", self.path("log")))
        return {"name": "one", "files": [self.file("one", '<%%= key "%s" %%>\n' % self.key)],
                "exec": dict({"command": ["/bin/sh", program]}, **exec_settings)}

    def wait_log(self, *lines):
        harness.wait_until(lambda: self.lines("log") == list(lines), 30, "the log to be %s: %s" % (lines, self.lines("log")))

    def test_it_is_restarted_when_its_files_change(self):
        self.render(self.group())
        self.wait_log("start 1")
        self.zooid("set", self.key, "2")
        self.wait_log("start 1", "term", "start 2")

    def test_it_is_signalled_instead(self):
        self.render(self.group(on_change="signal"))
        self.wait_log("start 1")
        self.zooid("set", self.key, "2")
        self.wait_log("start 1", "hup 2")

    def test_it_is_killed_when_it_does_not_end(self):
        self.render(self.group(kill_signal="CONT", kill_timeout_ms=100))
        self.wait_log("start 1")
        self.zooid("set", self.key, "2")
        self.wait_log("start 1", "start 2")

    def test_it_is_asked_to_end_when_the_plugin_stops(self):
        host = self.render(self.group())
        self.wait_log("start 1")
        self.assertEqual(host.stop(), 0)
        self.assertEqual(self.lines("log"), ["start 1", "term"])

    def test_it_is_killed_when_the_plugin_stops_and_it_does_not_end(self):
        host = self.render(self.group(kill_signal="SIGCONT", kill_timeout_ms=100))
        self.wait_log("start 1")
        pid = int(self.read(os.path.join("state", "render", "one.pid")))
        self.assertEqual(host.stop(), 0)
        self.assertEqual(self.lines("log"), ["start 1"])
        self.assertFalse(plugin_rig.lives(pid))

    def test_a_signal_that_does_not_exist_is_refused(self):
        host = self.render(self.group(kill_signal="NOPE"))
        host.wait_for('groups.[0].exec.kill_signal: the name of a signal, as "HUP" is expected')

    def test_it_is_started_again_when_it_ends(self):
        host = self.render(dict(self.group(), exec={"command": ["/bin/sh", "-c", "echo started >>%s; exit 7" % self.path("log")]}))
        host.wait_for("warning render: exec one: /bin/sh ended with 7")
        self.wait_log("started", "started")

    def test_one_that_a_killed_plugin_has_left_is_ended(self):
        conf = self.conf(self.group())
        host = self.launch(conf)
        self.wait_log("start 1")
        host.process.send_signal(signal.SIGKILL)
        host.process.wait()
        self.launch(conf).wait_for("is left over and is ended")
        self.wait_log("start 1", "term", "start 1")


if __name__ == "__main__":
    harness.main()
