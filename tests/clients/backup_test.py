#!/usr/bin/python3
"""Backups through the local door: the tree at one zxid while it goes on changing, no more of them than may be, and files
that are there when they are whole."""
import json
import os
import resource
import subprocess
import tempfile
import threading
import unittest

import command
import harness
import local_wire
from command import FAILED, USAGE, ZOOID
from local_wire import pb
from snapshot_file import Snapshot

NODES = 800


class Backup(local_wire.Client):
    """One that takes a backup, and gives credit only when it is told to."""

    def __init__(self, path, window=1 << 20):
        super().__init__(path)
        self.number, self.parts, self.ended = self.submit(backup=pb.Backup(window_bytes=window)), [], None

    def take(self):
        """The next part, or the end."""
        message = self.receive()
        if message.more:
            self.parts.append(message)
        else:
            self.ended = message
        return message

    def give_credit(self):
        self.send(pb.ToAgent(credit=pb.Credit(id=self.number, bytes=self.parts[-1].ByteSize() + 4)))

    def finish(self):
        while self.ended is None:
            if self.parts:
                self.give_credit()
            self.take()
        return self.ended

    def snapshot(self):
        return Snapshot(b"".join(part.chunk.bytes for part in self.parts))


class BackupCase(command.CommandCase):
    @property
    def path(self):
        return os.path.join(self.server.data_dir, "zooid", "zooid.sock")

    def client(self, kind=local_wire.Client, **more):
        client = kind(self.path, **more)
        self.addCleanup(client.close)
        return client

    def fill(self, nodes=NODES):
        client = self.client()
        base = client.must(create=pb.Create(path="/b-", sequential=True)).node.path
        for number in range(nodes):
            client.submit(create=pb.Create(path="%s/%d" % (base, number), data=os.urandom(500)))
        for number in range(nodes):
            client.receive()
        return base

    def tree(self):
        """As a snapshot shows it, and its zxid."""
        answer = self.client(frame_max=1 << 26).must(subtree=pb.Subtree(path="/"))
        return {node.path.rstrip("/"): (node.data, node.stat.czxid, node.stat.mzxid, node.stat.version)
                for node in answer.nodes.node}, answer.state.zxid


class Door(BackupCase):
    def assert_is(self, tree, snapshot):
        tree = {path: node for path, node in tree.items() if not path.startswith("/zookeeper")}
        found = {path: (node[0] or b"",) + node[1:] for path, node in snapshot.nodes.items()
                 if not path.startswith("/zookeeper")}
        self.assertEqual(sorted(found), sorted(tree))
        self.assertEqual(found, tree)

    def test_it_is_the_tree_at_its_zxid(self):
        base = self.fill()
        tree, zxid = self.tree()
        backup = self.client(Backup, window=1)
        first = backup.take()
        self.assertEqual(first.chunk.zxid, zxid)
        client = self.client()
        for number in range(0, NODES, 3):
            client.submit(set=pb.Set(path="%s/%d" % (base, number), data=b"later"))
            client.submit(delete=pb.Delete(path="%s/%d" % (base, number + 1)))
            client.submit(create=pb.Create(path="%s/%d/below" % (base, number)))
            client.submit(set_acl=pb.SetAcl(path="%s/%d" % (base, number + 2), acl=[
                pb.Acl(perms=31, scheme="world", id="anyone"), pb.Acl(perms=1, scheme="ip", id="10.0.0.%d" % (number % 99))]))
        for number in range(0, NODES, 3):
            for _ in range(4):
                client.receive()
        end = backup.finish()
        self.assertFalse(end.HasField("error"), end)
        snapshot = backup.snapshot()
        self.assertGreater(len(backup.parts), 4)
        self.assertEqual((end.chunk.zxid, end.chunk.nodes), (zxid, len(snapshot.nodes)))
        self.assertEqual(snapshot.zxid, zxid)
        self.assert_is(tree, snapshot)

    def test_under_load_it_is_what_the_history_says(self):
        base = self.fill(50)
        subscriber = local_wire.Subscriber(self.path, base)
        self.addCleanup(subscriber.close)
        known = {change.path: (change.data, change.stat.version) for change in subscriber.snapshot()}
        stop = threading.Event()

        def load():
            client = local_wire.Client(self.path)
            for number in range(100000):
                name = "%s/%d" % (base, number * 7 % 97)
                client.call(create=pb.Create(path=name, data=b"%d" % number))
                client.call(set=pb.Set(path="%s/%d" % (base, number % 50), data=b"%d" % number))
                client.call(delete=pb.Delete(path="%s/%d" % (base, 50 + number % 47)))
                if stop.is_set():
                    break
            client.must(create=pb.Create(path=base + "/end"))
            client.close()
        thread = threading.Thread(target=load)
        thread.start()
        backups = []
        try:
            for _ in range(5):
                backup = self.client(Backup, window=1)
                self.assertFalse(backup.finish().HasField("error"))
                backups.append(backup.snapshot())
        finally:
            stop.set()
            thread.join()
        for snapshot in backups:
            self.catch_up(subscriber, known, snapshot.zxid)
            found = {path: (node[0] or b"", node[3]) for path, node in snapshot.nodes.items() if path.startswith(base)}
            self.assertEqual(found, known)

    @staticmethod
    def catch_up(subscriber, known, zxid):
        while True:
            change = subscriber.changes(1)[0]
            if change.at.zxid > zxid:
                subscriber.pending.insert(0, change)
                return
            if change.kind == pb.CHANGE_DELETED:
                del known[change.path]
            else:
                known[change.path] = (change.data, change.stat.version)

    def test_cancelled_and_gone_ones_leave_nothing(self):
        self.fill()
        for _ in range(5):
            backup = self.client(Backup, window=1)
            backup.take()
            backup.send(pb.ToAgent(cancel=backup.number))
            self.assertEqual(backup.take().error.code, pb.CANCELLED)
            gone = self.client(Backup, window=1)
            gone.take()
            gone.close()
        self.assertFalse(self.client(Backup).finish().HasField("error"))


class Limits(BackupCase):
    def agent(self, **settings):
        self.server = harness.Agent(dict(settings))
        self.addCleanup(self.server.stop)
        self.server.start()
        self.base = self.fill()

    def test_no_more_at_a_time_than_may_be(self):
        self.agent(**{"zooid.localBackupsMax": 1})
        first = self.client(Backup, window=1)
        first.take()
        refused = self.client(Backup).finish().error
        self.assertEqual((refused.code, refused.retry), (pb.LIMIT_REACHED, True))
        self.assertIn("zooid.localBackupsMax", refused.message)
        self.assertFalse(first.finish().HasField("error"))
        self.assertFalse(self.client(Backup).finish().HasField("error"))

    def test_one_that_is_too_slow_for_the_changes_ends(self):
        self.agent(**{"zooid.localBackupBytesMax": 65536})
        slow = self.client(Backup, window=1)
        slow.take()
        client = self.client()
        for number in range(NODES):
            client.must(delete=pb.Delete(path="%s/%d" % (self.base, number)))
        self.assertEqual(slow.finish().error.code, pb.FELL_BEHIND)
        self.assertFalse(self.client(Backup).finish().HasField("error"))

    def test_one_that_takes_nothing_ends(self):
        self.agent(**{"zooid.localDeadlineMax": 300})
        idle = self.client(Backup, window=1)
        idle.take()
        self.assertEqual(idle.take().error.code, pb.DEADLINE_EXCEEDED)


class Command(BackupCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="zooid-backup-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.directory], check=True)
        self.file = os.path.join(self.directory, "backup")

    def limited(self, killed):
        """Runs `zooid backup` where files may have 100000 bytes: killed by a signal, or told that there is no room."""
        return subprocess.run([ZOOID, "backup", self.file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.environment(), timeout=60, check=False, restore_signals=killed,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000)))

    def test_a_file_that_is_whole(self):
        self.fill()
        said = json.loads(self.zooid("-j", "backup", self.file))
        with open(self.file, "rb") as file:
            snapshot = Snapshot(file.read())
        self.assertEqual(said, {"file": self.file, "zxid": snapshot.zxid, "nodes": len(snapshot.nodes),
                                "bytes": os.path.getsize(self.file)})
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        self.assertIn("zxid 0x", self.zooid("backup", self.file))    # over the one before
        self.assertEqual(os.listdir(self.directory), ["backup"])

    def test_into_a_directory_it_is_one_more(self):
        self.zooid("backup", self.directory)
        self.zooid("create", "/one-more")
        self.zooid("backup", self.directory)
        names = os.listdir(os.path.join(self.directory, "version-2"))
        self.assertEqual([name.split(".")[0] for name in names], ["snapshot", "snapshot"])

    def test_without_room_there_is_no_file(self):
        self.fill()
        done = self.limited(killed=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("cannot be written: File too large", done.stderr)
        self.assertEqual(os.listdir(self.directory), [])

    def test_killed_in_the_middle_leaves_nothing_that_looks_whole(self):
        self.fill()
        self.assertLess(self.limited(killed=True).returncode, 0)
        self.assertEqual(os.listdir(self.directory), ["backup.tmp"])
        self.zooid("backup", self.file)
        self.assertEqual(os.listdir(self.directory), ["backup"])

    def test_what_cannot_be_done_is_said(self):
        self.assertIn("is not a directory", self.zooid("backup", "-l", self.file, code=USAGE))
        self.assertIn("cannot be made", self.zooid("backup", self.directory + "/none/here", code=FAILED))


if __name__ == "__main__":
    harness.main()
