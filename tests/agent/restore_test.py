#!/usr/bin/python3
"""A backup restored: agent and Apache ZooKeeper start on the directory with the same tree, at the place that was asked
for; and whatever is not known for certain, or would overwrite something, is refused."""
# limit: 600
import glob
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from trees import assert_same, connect, fill, harness, read_tree

import command

TICK_MS = 500
DAMAGES = (("a bit", lambda data: data[:9000] + bytes([data[9000] ^ 4]) + data[9001:]),
           ("its end", lambda data: data[:-100]), ("its last seal", lambda data: data[:-13]),
           ("all", lambda data: b""), ("something behind it", lambda data: data + b"\0"))


class Restore(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="zooid-restore-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.backup, self.data = self.path("backup"), self.path("data")

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, server_class, **settings):
        server = server_class(dict({"tickTime": TICK_MS}, **settings))
        self.addCleanup(server.stop)
        return server.start()

    def zooid(self, agent, *words, code=command.FINE):
        socket = os.path.join(agent.data_dir, "zooid", "zooid.sock") if agent is not None else ""
        done = subprocess.run([command.ZOOID, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=dict(os.environ, ZOOID_SOCKET=socket), timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout)
        return done.stdout

    def restore(self, *words, code=command.FINE):
        return self.zooid(None, "restore", *words, code=code)

    def refused(self, why, *words):
        """It says why, and nothing was made."""
        before = os.path.exists(self.data)
        self.assertIn(why, self.restore(*words, code=command.FAILED))
        self.assertEqual(os.path.exists(self.data), before)

    def assert_is_restored(self, expected, directory=None):
        """First the one, then the other serves that tree from the directory."""
        directory = directory or self.data
        copy = self.path("copy-of-" + os.path.basename(directory))
        shutil.copytree(directory, copy)
        assert_same(self, expected, read_tree(self.start(harness.Agent, dataDir=directory)))
        apache = self.start(harness.Apache, dataDir=copy)
        assert_same(self, expected, read_tree(apache))
        self.assertNotIn("Digests are not matching", apache.log_tail(10000))

    def test_one_file(self):
        agent = self.start(harness.Agent)
        fill(agent, 1)
        expected = read_tree(agent)
        self.zooid(agent, "backup", self.backup)
        fill(agent, 2)
        self.assertIn("restored: ", self.restore(self.backup, self.data))
        self.assert_is_restored(expected)
        told = json.loads(self.zooid(None, "-j", "restore", self.backup, self.path("told"), code=command.FINE))
        self.assertEqual((told["directory"], sorted(told)), (self.path("told"), ["directory", "nodes", "zxid"]))
        check = subprocess.run([harness.AGENT, "--check-data", self.path("copy-of-data")], stdout=subprocess.PIPE, check=False)
        self.assertNotEqual(check.returncode, 2, check.stdout)

    def test_any_place_of_the_log(self):
        agent = self.start(harness.Agent, snapCount=50)
        os.mkdir(self.backup)
        self.assertIn("snapshot.", self.zooid(agent, "backup", "-l", self.backup))
        places = []
        for seed in range(3):
            fill(agent, seed, nodes=60)
            self.write(agent, "/time-%d" % seed)
            tree = read_tree(agent)
            ctime_ms = tree["/time-%d" % seed][2][2]
            places.append((self.last_zxid(agent), ctime_ms, tree))
            self.assertIn("txns added", self.zooid(agent, "backup", "-l", self.backup))
            if seed == 1:
                agent.restart()    # another file of the log
        self.assertIn(" 0 txns added", self.zooid(agent, "backup", "-l", self.backup).replace("version-2:", ""))
        agent.kill()
        self.restore(self.backup, self.path("all"))
        for number, (zxid, time_ms, expected) in enumerate(places):
            self.restore("-u", "0x%x" % zxid, self.backup, self.path("zxid-%d" % number))
            at = self.start(harness.Agent, dataDir=self.path("zxid-%d" % number))
            assert_same(self, expected, read_tree(at))
            at.stop()
        self.assert_is_restored(places[2][2], self.path("all"))
        # At the time of a node, it is there; just before it, it is not.
        for number, (before, there) in enumerate(((1, False), (0, True))):
            self.restore("-u", "@%.3f" % ((places[1][1] - before) / 1000), self.backup, self.path("time-%d" % number))
            at = self.start(harness.Agent, dataDir=self.path("time-%d" % number))
            self.assertEqual("/time-1" in read_tree(at), there)
            self.assertNotIn("/time-2", read_tree(at))
        self.refused("the backup ends at zxid", "-u", "0x7fffffff", self.backup, self.data)
        self.refused("does not reach back", "-u", "1999-01-01T00:00:00Z", self.backup, self.data)
        self.refused("the log ends before that time", "-u", "2199-01-01 00:00:00", self.backup, self.data)

    def test_a_place_before_all_snapshots(self):
        agent = self.start(harness.Agent)
        fill(agent, 1, nodes=20)
        place = self.last_zxid(agent) - 5
        os.mkdir(self.backup)
        self.zooid(agent, "backup", "-l", self.backup)
        agent.restart()    # another file of the log
        fill(agent, 2, nodes=20)
        self.zooid(agent, "backup", "-l", self.backup)
        os.remove(os.path.join(self.backup, "version-2", "log.1"))
        self.refused("neither a checkpoint nor a snapshot can be used", "-u", "0x%x" % place, self.backup, self.data)
        for log in glob.glob(os.path.join(self.backup, "version-2", "log.*")):
            os.remove(log)
        self.refused("no snapshot from before the place", "-u", "0x%x" % place, self.backup, self.data)

    @staticmethod
    def last_zxid(agent):
        return int(harness.four_letter_word(agent.port, "srvr").decode().split("Zxid: ")[1].split()[0], 16)

    def test_what_is_damaged_is_refused(self):
        agent = self.start(harness.Agent)
        fill(agent, 1)
        self.zooid(agent, "backup", self.backup)
        with open(self.backup, "rb") as file:
            data = file.read()
        for name, damage in DAMAGES:
            with self.subTest(name), open(self.backup, "wb") as file:
                file.write(damage(data))
                file.flush()
                self.refused(self.backup, self.backup, self.data)
        self.refused("no backup of that name", self.path("none"), self.data)
        os.mkdir(self.path("empty"))
        self.refused("no log, and no snapshot to begin", self.path("empty"), self.data)

    def test_a_file_that_may_need_its_log_is_refused_without_it(self):
        agent = self.start(harness.Agent)
        fill(agent, 1)
        self.zooid(agent, "backup", self.backup)
        with open(self.backup, "rb") as file:
            data = file.read()
        with open(self.backup, "wb") as file:
            file.write(data[:-33])    # without the section of the digest, as older servers write it
        self.refused("nothing shows that it is exact", self.backup, self.data)

    def test_nothing_is_overwritten(self):
        agent = self.start(harness.Agent)
        self.zooid(agent, "backup", self.backup)
        expected = read_tree(agent)
        self.refused("an agent runs on this directory", self.backup, agent.data_dir)
        agent.kill()
        self.refused("holds something already", self.backup, agent.data_dir)
        assert_same(self, expected, read_tree(agent.start()))
        logs = self.path("logs")
        os.makedirs(logs + "/version-2")
        with open(logs + "/version-2/log.1", "wb"):
            pass
        self.refused("holds something already", self.backup, self.data, logs)
        os.makedirs(self.data + "/version-2")
        with open(self.data + "/myid", "w", encoding="ascii") as file:
            file.write("3\n")
        self.restore(self.backup, self.data)
        self.assertTrue(os.path.exists(self.data + "/myid"))

    def test_one_that_broke_off_serves_nobody_and_can_be_done_again(self):
        agent = self.start(harness.Agent)
        fill(agent, 1)
        expected = read_tree(agent)
        self.zooid(agent, "backup", self.backup)
        killed = subprocess.run(["prlimit", "--fsize=100000", harness.AGENT, "--restore", self.backup, self.data],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertNotEqual(killed.returncode, 0)
        half = harness.Agent({"dataDir": self.data})
        self.addCleanup(half.stop)
        half.launch()
        half.exit_codes_expected.add(half.process.wait(60))
        self.assertNotEqual(half.process.returncode, 0)
        self.assertIn("was not finished", half.log_tail())
        check = subprocess.run([harness.AGENT, "--check-data", self.data], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(check.returncode, 2, check.stdout)
        self.restore(self.backup, self.data)
        self.assert_is_restored(expected)

    def archive(self, server, backup, code=0):
        words = [harness.AGENT, "--archive-log", server.settings["dataDir"], "--until", "0x%x" % self.last_zxid(server),
                 backup]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout)
        return done.stdout

    @staticmethod
    def write(server, *paths):
        client = connect(server)
        for path in paths:
            client.create(path)
        client.end()

    def test_only_a_log_that_goes_on_is_archived(self):
        os.mkdir(self.backup)
        agent, other = self.start(harness.Agent), self.start(harness.Agent)
        self.write(agent, "/a", "/b")
        self.write(other, "/c", "/d", "/e")
        self.zooid(agent, "backup", "-l", self.backup)
        before = shutil.copytree(self.backup, self.path("before"))
        self.assertIn("another txn has zxid", self.archive(other, self.backup, code=1))
        self.write(agent, "/f")
        self.assertIn("txns added", self.archive(agent, self.backup))
        self.restore(self.backup, self.data)
        later = self.start(harness.Agent, dataDir=self.data)    # its log begins behind what was restored
        self.write(later, "/g")
        self.assertIn("is no longer here", self.archive(later, before, code=1))
        self.assertIn("txns added", self.archive(later, self.backup))
        self.restore(self.backup, self.path("again"))
        self.assert_is_restored(read_tree(later), self.path("again"))

    def test_an_archive_that_is_damaged_is_not_gone_on_with(self):
        os.mkdir(self.backup)
        agent = self.start(harness.Agent)
        self.write(agent, "/a", "/b")
        self.zooid(agent, "backup", "-l", self.backup)
        log, = [name for name in os.listdir(self.backup + "/version-2") if name.startswith("log.")]
        with open(os.path.join(self.backup, "version-2", log), "r+b") as file:
            file.truncate(os.path.getsize(file.name) - 10)
        self.write(agent, "/c")
        self.assertIn("archive", self.archive(agent, self.backup, code=1))
        self.refused("version-2", "-u", "0x%x" % self.last_zxid(agent), self.backup, self.data)


if __name__ == "__main__":
    harness.main()
