#!/usr/bin/python3
"""The file of the audit log: where it is and whose, moved away, full, cut off, or none at all."""
import os
import pwd
import signal
import socket
import unittest

import audit_lines
import harness
import local_wire
import wire
from local_wire import pb

THROTTLED = -127
QUEUE_BYTES = 65536
SELF = pwd.getpwuid(os.getuid()).pw_name


class Audit(unittest.TestCase):
    def agent(self, **settings):
        agent = harness.Agent({"audit.enable": "true", **{key.replace("_", "."): value for key, value in settings.items()}})
        self.addCleanup(agent.stop)
        return agent

    def client(self, agent):
        client = wire.Client(("127.0.0.1", agent.port))
        self.addCleanup(client.close)
        return client

    def wait_for(self, agent, text, path=None):
        """All lines, once one of them has that in it."""
        def found():
            lines = audit_lines.read(path or audit_lines.path_of(agent))
            return lines if any(text in line for line in lines) else None
        return harness.wait_until(found, what="a line with %r" % text)

    def metric(self, agent, name):
        return int(next(line.split("\t")[1] for line in agent.word("mntr").splitlines() if line.startswith("zk_" + name + "\t")))

    def operations(self, lines):
        return [dict(audit_lines.fields(line))["operation"] for line in lines]


class File(Audit):
    def test_it_is_below_the_data_directory_and_for_its_owner_and_group(self):
        agent = self.agent().start()
        self.client(agent).create("/a")
        lines = self.wait_for(agent, "znode=/a\t")
        self.assertEqual(os.stat(audit_lines.path_of(agent)).st_mode & 0o007, 0)
        self.assertEqual(lines[0], "level=INFO\tuser=%s\toperation=serverStart\tresult=success" % SELF)
        self.assertEqual([key for key, _value in audit_lines.fields(lines[1])],
                         ["level", "session", "user", "ip", "operation", "znode", "znode_type", "result"])
        self.assertEqual(self.metric(agent, "audit_lines"), 2)
        agent.terminate()
        self.assertEqual(audit_lines.of(agent)[-1], "level=INFO\tuser=%s\toperation=serverStop\tresult=invoked" % SELF)

    def test_there_is_none_unless_it_is_asked_for(self):
        agent = harness.Agent()
        self.addCleanup(agent.stop)
        agent.start()
        self.client(agent).create("/a")
        agent.terminate()
        self.assertFalse(os.path.exists(audit_lines.path_of(agent)))

    def test_clients_of_the_local_door_are_who_the_kernel_says(self):
        agent = self.agent().start()
        local = local_wire.Client(os.path.join(agent.data_dir, "zooid", "zooid.sock"), client="audit_test")
        self.addCleanup(local.close)
        local.must(create=pb.Create(path="/l"))
        local.must(delete=pb.Delete(path="/l", version=-1))
        line = next(line for line in self.wait_for(agent, "operation=delete") if "operation=create" in line)
        fields = dict(audit_lines.fields(line))
        self.assertEqual(fields["user"].split(",")[0], "uid:%d" % os.getuid())
        self.assertIn("gid:%d" % os.getgid(), fields["user"].split(","))
        self.assertEqual((fields["znode"], fields["ip"]), ("/l", "127.0.0.1"))

    def test_moved_away_it_begins_anew_and_nothing_is_lost(self):
        agent = self.agent().start()
        client, path = self.client(agent), audit_lines.path_of(agent)
        for i in range(3):
            client.create("/before-%d" % i)
            os.rename(path, path + ".%d" % i)
            client.create("/between-%d" % i)
            self.wait_for(agent, "/between-%d\t" % i, path + ".%d" % i)
            agent.process.send_signal(signal.SIGHUP)
            harness.wait_until(lambda: os.path.exists(path), what="the new file")
        client.create("/after")
        self.wait_for(agent, "/after\t")
        lines = [line for i in range(3) for line in audit_lines.read(path + ".%d" % i)] + audit_lines.read(path)
        made = [dict(audit_lines.fields(line))["znode"] for line in lines if "operation=create" in line]
        self.assertEqual(made, ["/before-0", "/between-0", "/before-1", "/between-1", "/before-2", "/between-2", "/after"])

    def test_a_line_that_was_cut_off_is_ended(self):
        agent = self.agent()
        path = os.path.join(agent.directory, "audit.log")
        agent.settings["zooid.auditFile"] = path
        with open(path, "w", encoding="utf-8") as file:
            file.write("2026-11-29 07:00:00,000 INFO audit.Log4jAuditLogger: session=0x1")
        agent.start()
        self.client(agent).create("/a")
        lines = self.wait_for(agent, "znode=/a\t", path)
        self.assertEqual(lines[0], "level=INFO\tsession=0x1")
        self.assertEqual(self.operations(lines[1:]), ["serverStart", "create"])

    def test_whoever_does_not_wait_for_the_answer_is_told_of_too(self):
        agent = self.agent().start()
        client = self.client(agent)
        for i in range(200):
            client.submit("create", path="/gone-%d" % i, data=b"", acl=wire.OPEN_ACL, flags=0)
        client.socket.shutdown(socket.SHUT_WR)
        lines = [line for line in self.wait_for(agent, "/gone-199\t") if "operation=create" in line]
        self.assertEqual(len(lines), 200)
        self.assertEqual({dict(audit_lines.fields(line))["ip"] for line in lines}, {"127.0.0.1"})


class Trouble(Audit):
    def test_a_file_that_cannot_be_opened_stops_the_start(self):
        agent = self.agent(zooid_auditFile="/nonexistent/audit.log")
        agent.exit_codes_expected.add(1)
        agent.launch()
        self.assertEqual(agent.process.wait(30), 1)
        self.assertIn("zooid.auditFile /nonexistent/audit.log: No such file or directory", agent.log_tail())

    def test_a_start_that_fails_is_told(self):
        agent = self.agent()
        agent.exit_codes_expected.add(1)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", agent.port))
            taken.listen()
            agent.launch()
            self.assertEqual(agent.process.wait(30), 1)
        self.assertEqual(audit_lines.of(agent), ["level=ERROR\tuser=%s\toperation=serverStart\tresult=failure" % SELF])

    def full(self, agent):
        """A device without room; the link may lead elsewhere later."""
        path = os.path.join(agent.directory, "audit.log")
        os.symlink("/dev/full", path)
        agent.settings["zooid.auditFile"] = path
        agent.settings["zooid.auditQueueMax"] = QUEUE_BYTES
        return path

    def fill(self, client):
        """Creates until one is refused; how many were not."""
        for i in range(10 * QUEUE_BYTES):
            reply = client.call("create", path="/n-%06d" % i, data=b"", acl=wire.OPEN_ACL, flags=0)
            if reply.err == THROTTLED:
                return i
            self.assertEqual(reply.err, 0)
        raise AssertionError("nothing was refused")

    def test_without_room_writes_are_refused_and_nothing_is_lost(self):
        agent = self.agent()
        path = self.full(agent)
        agent.start()
        client = self.client(agent)
        count = self.fill(client)
        self.assertGreater(count, 100)
        self.assertEqual(client.call("getData", path="/n-000000", watch=False).err, 0)
        self.assertEqual(client.call("multi", ops=[("delete", dict(path="/n-000000", version=-1))]).err, THROTTLED)
        self.assertEqual(client.call("multi", ops=[("check", dict(path="/none", version=-1))]).err, 0)
        self.assertEqual(self.client(agent).end().err, 0)
        self.assertIn("cannot be written: No space left on device; lines wait", agent.log_tail())
        self.assertGreaterEqual(self.metric(agent, "audit_refused"), 2)
        os.unlink(path)
        agent.process.send_signal(signal.SIGHUP)    # as logrotate's

        def taken():
            return client.call("create", path="/again", data=b"", acl=wire.OPEN_ACL, flags=0).err == 0
        harness.wait_until(taken, what="room in the audit log")
        lines = self.wait_for(agent, "/again\t", path)
        made = [dict(audit_lines.fields(line))["znode"] for line in lines if "operation=create" in line]
        self.assertEqual(made, ["/n-%06d" % i for i in range(count)] + ["/again"])
        self.assertEqual(self.metric(agent, "audit_lines_lost"), 0)

    def test_what_cannot_be_written_at_the_stop_is_lost_and_counted(self):
        agent = self.agent()
        self.full(agent)
        agent.start()
        self.client(agent).create("/a")
        agent.terminate()
        self.assertIn("3 lines of the audit log are lost", agent.log_tail())


if __name__ == "__main__":
    harness.main()
