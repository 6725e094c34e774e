#!/usr/bin/python3
"""The agent as a process among others: what systemd hears of it, SIGHUP, SIGTERM, its log, and the options that only look at
settings."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import unittest

from trees import harness

import wire


class ProcessTestCase(unittest.TestCase):
    def agent(self, **settings):
        agent = harness.Agent(settings)
        self.addCleanup(agent.stop)
        return agent

    def client(self, agent):
        client = wire.Client(("127.0.0.1", agent.port))
        self.addCleanup(client.close)
        return client

    def hang_up(self, agent):
        """SIGHUP, and waits until the settings have been read again."""
        before = len(self.log(agent))
        agent.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: re.search(r"settings: .*(has changed|stay as they)", self.log(agent)[before:]), 10,
                           "SIGHUP to be heard")

    def log(self, agent):
        return agent.log_tail(10000)


class Systemd(ProcessTestCase):
    """What Type=notify-reload waits for."""

    def setUp(self):
        self.agent = self.agent()
        self.path = os.path.join(self.agent.directory, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(self.path)
        self.socket.settimeout(20)
        self.agent.prefix = lambda: ["env", "NOTIFY_SOCKET=" + self.path]

    def hear(self):
        return self.socket.recv(4096).decode().split("\n")

    def test_ready_reloading_and_stopping_are_told_in_their_order(self):
        self.agent.launch()
        self.assertEqual(self.hear()[0], "READY=1")
        self.assertEqual(self.client(self.agent).call("ping").err, 0)    # whoever waited for it can go on at once
        self.agent.process.send_signal(signal.SIGHUP)
        reloading = self.hear()
        self.assertEqual(reloading[0], "RELOADING=1")
        self.assertRegex(reloading[1], r"\AMONOTONIC_USEC=\d+\Z")
        self.assertEqual(self.hear()[0], "READY=1")
        self.agent.process.terminate()
        self.assertEqual(self.hear(), ["STOPPING=1"])

    def test_without_a_tree_nothing_is_ready(self):
        os.makedirs(os.path.join(self.agent.data_dir, "version-2"))
        with open(os.path.join(self.agent.data_dir, "version-2", "log.1"), "wb") as log:
            log.write(b"no log" * 1000)
        self.agent.launch()
        self.agent.exit_codes_expected.add(self.agent.process.wait(20))
        self.socket.setblocking(False)
        self.assertRaises(BlockingIOError, self.hear)


class Reload(ProcessTestCase):
    def change(self, agent, **settings):
        agent.settings.update(settings)
        agent.write_config(os.path.join(agent.directory, "zoo.cfg"))
        self.hang_up(agent)

    def test_what_can_change_changes_and_the_rest_is_named(self):
        agent = self.agent(**{"4lw.commands.whitelist": "srvr"}).start()
        client = self.client(agent)
        self.assertIn("not in the whitelist", agent.word("ruok"))
        self.change(agent, **{"4lw.commands.whitelist": "srvr,ruok", "maxClientCnxns": 1, "tickTime": 2500})
        self.assertEqual(client.call("ping").err, 0)    # stays
        client.close()
        harness.wait_until(lambda: agent.word("ruok") == "imok", 10, "the new whitelist and room for the word")
        log = self.log(agent)
        self.assertIn("settings: 4lw.commands.whitelist has changed\n", log)
        self.assertIn("settings: maxClientCnxns has changed\n", log)
        self.assertIn("settings: tickTime has changed in the file and takes a restart\n", log)

    def test_the_level_of_the_log_changes(self):
        agent = self.agent(**{"zooid.logLevel": "error"}).start()
        said = "info  settings: nothing has changed\n"
        self.assertNotIn(" info ", self.log(agent))
        agent.settings["zooid.logLevel"] = "info"
        agent.write_config(os.path.join(agent.directory, "zoo.cfg"))

        def speaks():
            agent.process.send_signal(signal.SIGHUP)
            return said in self.log(agent)

        harness.wait_until(speaks, 10, "lines of the new level")
        self.change(agent, **{"zooid.logLevel": "error"})
        lines = self.log(agent).count(said)
        agent.settings["maxCnxns"] = "many"
        agent.write_config(os.path.join(agent.directory, "zoo.cfg"))
        agent.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: "settings: the settings stay as they were" in self.log(agent), 10, "an error")
        self.assertEqual(self.log(agent).count(said), lines)

    def test_one_that_is_asked_for_before_it_can_be_heard_is_done_later(self):
        """SIGHUP waits from before the program begins: nothing else comes as early for certain."""
        early = ("import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP]);"
                 "os.kill(os.getpid(), signal.SIGHUP); os.execv(sys.argv[1], sys.argv[1:])")
        agent = self.agent()
        agent.prefix = lambda: [sys.executable, "-c", early]
        agent.start()
        harness.wait_until(lambda: "settings: nothing has changed" in self.log(agent), 10, "the reload")

    def test_a_file_with_mistakes_changes_nothing(self):
        agent = self.agent(**{"4lw.commands.whitelist": "srvr,ruok"}).start()
        self.change(agent, **{"4lw.commands.whitelist": "srvr", "maxClientCnxns": "many"})
        self.assertEqual(agent.word("ruok"), "imok")
        log = self.log(agent)
        self.assertRegex(log, r'error settings: \S*zoo\.cfg:\d+: maxClientCnxns: "many" is not a number')
        self.assertIn("error settings: the settings stay as they were", log)


class Log(ProcessTestCase):
    def test_a_file_of_json_lines_that_may_be_moved_away(self):
        agent = self.agent(**{"zooid.logFormat": "json"})
        path, moved = (os.path.join(agent.directory, name) for name in ("agent.log", "agent.log.1"))
        agent.settings["zooid.logFile"] = path
        agent.start()
        self.assertIn("serving", self.messages(path))
        os.rename(path, moved)
        agent.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: os.path.exists(path) and "nothing has changed" in self.messages(path), 10, "a new file")
        self.assertNotIn("nothing has changed", self.messages(moved))

    def messages(self, path):
        """All that the lines say. Each is one object with a time, a level and an area."""
        with open(path, encoding="utf-8") as log:
            lines = [json.loads(line) for line in log]
        for line in lines:
            self.assertEqual({"time", "level", "area", "text"} - set(line), set(), line)
        return "\n".join(line["text"] for line in lines)


class Stop(ProcessTestCase):
    def test_what_was_asked_for_is_answered_and_the_next_start_replays_nothing(self):
        agent = self.agent().start()
        client = self.client(agent)
        client.create("/stop")
        for _ in range(500):
            client.submit("setData", path="/stop", data=b"x" * 1000, version=-1)
        self.assertEqual(client.next_reply("setData").err, 0)
        agent.process.terminate()
        answered = 1
        while (reply := client.next_reply("setData")) is not None:
            self.assertEqual(reply.err, 0)
            answered += 1
        self.assertEqual(agent.process.wait(20), 0)
        agent.start()
        self.assertRegex(self.log(agent).splitlines()[-1 - self.lines_behind(agent)],
                         r"loaded in \d+ ms, from the checkpoint at zxid \S+ and 0 txns of log")
        self.assertEqual(self.client(agent).must("exists", path="/stop", watch=0)["stat"].version, answered)

    def lines_behind(self, agent):
        lines = self.log(agent).splitlines()
        return next(number for number, line in enumerate(reversed(lines)) if "znodes at zxid" in line)


class Options(ProcessTestCase):
    """--check-config and --print-config look at settings and leave everything else alone."""

    def run_agent(self, text, *options):
        agent = self.agent()
        path = os.path.join(agent.directory, "zoo.cfg")
        with open(path, "w", encoding="utf-8") as config:
            config.write(text.replace("DIR", agent.data_dir))
        done = subprocess.run([harness.AGENT, "-c", path, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        self.assertEqual(os.listdir(agent.data_dir), [])
        return done, path

    SOUND = "dataDir=DIR\nclientPort=2181\ntickTime=1500\n" \
            "DigestAuthenticationProvider.superDigest=super:hidden\nssl.keyStore.password=hidden\n"

    def test_sound_settings(self):
        done, path = self.run_agent(self.SOUND, "--check-config")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, path + ": the settings are sound\n", ""))

    def test_a_mistake_has_file_and_line_and_an_unknown_key_is_named(self):
        done, path = self.run_agent(self.SOUND + "tickTimes=3\ninitLimit=x\n", "--check-config")
        self.assertEqual(done.returncode, 78)
        self.assertIn('%s:7: error: initLimit: "x" is not a number\n' % path, done.stdout + done.stderr)
        self.assertIn("%s:6: warning: tickTimes: unknown key; is tickTime meant?\n" % path, done.stdout + done.stderr)
        done, _path = self.run_agent(self.SOUND + "initLimit=x\n")    # and so it does not start
        self.assertEqual(done.returncode, 78)

    def test_what_is_printed_is_what_was_read_but_for_secrets(self):
        printed, _path = self.run_agent(self.SOUND, "--print-config", "-Dzookeeper.maxCnxns=77")
        self.assertEqual((printed.returncode, printed.stderr), (0, ""))
        for line in ("tickTime=1500", "maxCnxns=77", "globalOutstandingLimit=1000"):
            self.assertIn("\n%s\n" % line, printed.stdout)
        self.assertNotIn("hidden", printed.stdout)
        again, _path = self.run_agent(printed.stdout, "--print-config")
        self.assertEqual((again.returncode, self.values(again.stdout)), (0, self.values(printed.stdout)))

    @staticmethod
    def values(printed):
        secrets = ("#", "DigestAuthenticationProvider.superDigest", "ssl.keyStore.password=")
        return [line for line in printed.splitlines() if not line.startswith(secrets)]


if __name__ == "__main__":
    harness.main()
