#!/usr/bin/python3
"""The local door's limits for all processes of one user, and its socket: owned by somebody else, or opened before the agent
was started."""
import grp
import os
import pwd
import re
import stat
import subprocess
import sys
import tempfile
import unittest

import command
import harness
import local_wire
from local_wire import pb

# As systemd does it: opens the socket, and becomes the agent with it.
ACTIVATOR = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(8)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


class Limits(harness.ServerTestCase):
    settings = {"zooid.localUserConnectionsMax": 3, "zooid.localUserRequestsMax": 20,
                "zooid.localUserSubscriptionsMax": 2, "zooid.localUserBytesMax": 100000}

    @property
    def path(self):
        return os.path.join(self.server.data_dir, "zooid", "zooid.sock")

    def client(self):
        client = local_wire.Client(self.path)
        self.addCleanup(client.close)
        return client

    def there_is_room(self):
        """Waits until the agent has seen that the connections of before are gone."""
        def tries():
            connection = local_wire.Connection(self.path)
            connection.send(pb.ToAgent(hello=pb.Hello()))
            welcome = connection.receive().HasField("welcome")
            connection.close()
            return welcome
        harness.wait_until(tries, what="room for a connection")

    def setUp(self):
        self.there_is_room()

    def test_connections(self):
        clients = [self.client() for _ in range(3)]
        connection = local_wire.Connection(self.path)
        self.addCleanup(connection.close)
        connection.send(pb.ToAgent(hello=pb.Hello()))
        error = connection.receive().goodbye.error
        self.assertEqual(error.code, pb.LIMIT_REACHED)
        self.assertIn("zooid.localUserConnectionsMax", error.message)
        clients[0].close()
        self.there_is_room()
        clients[1].must(get=pb.Get(path="/"))

    def test_a_session_that_lingers_counts_as_a_connection(self):
        lingering = self.client()
        opened = lingering.must(open_session=pb.OpenSession(linger_ms=60000)).session_opened
        lingering.close()
        self.there_is_room()
        keeper, _ = self.client(), self.client()
        connection = local_wire.Connection(self.path)
        self.addCleanup(connection.close)
        connection.send(pb.ToAgent(hello=pb.Hello()))
        self.assertEqual(connection.receive().goodbye.error.code, pb.LIMIT_REACHED)
        keeper.must(open_session=pb.OpenSession(resume_id=opened.id, resume_token=opened.token))
        self.there_is_room()

    def test_open_requests(self):
        client = self.client()
        ids = [client.submit(set=pb.Set(path="/", data=b"x" * 1000)) for _ in range(300)]
        codes = {client.reply(number)[-1].error.code for number in ids}
        self.assertLessEqual(codes, {0, pb.LIMIT_REACHED})
        self.assertIn(0, codes)
        client.must(get=pb.Get(path="/"))

    def test_subscriptions(self):
        subscribers = [local_wire.Subscriber(self.path, "/none-%d" % n) for n in range(3)]
        for subscriber in subscribers:
            self.addCleanup(subscriber.close)
        self.assertEqual(subscribers[2].end(), pb.LIMIT_REACHED)
        subscribers[1].snapshot()

    def test_bytes_that_wait(self):
        client = self.client()
        for number in range(4):
            client.must(create=pb.Create(path="/bytes-%d" % number, data=bytes(60000)))
        slow = local_wire.Subscriber(self.path, "/", credit=False, window_bytes=1000)
        self.addCleanup(slow.close)
        slow.begun()
        other = local_wire.Subscriber(self.path, "/")
        self.addCleanup(other.close)
        self.assertEqual(other.end(), pb.LIMIT_REACHED)
        slow.credit = True
        slow.give_credit()
        slow.snapshot()
        client.must(get=pb.Get(path="/"))


@unittest.skipUnless(os.getuid() == 0, "only root can join groups")
class Groups(harness.ServerTestCase):
    KEPT = 48    # of each peer

    def test_whoever_is_in_very_many_has_the_rights_of_the_first_ones(self):
        for count in (10, self.KEPT - 1, 500):
            path = os.path.join(self.server.data_dir, "zooid", "zooid.sock")
            done = subprocess.run([command.ZOOID, "-S", path, "whoami"], stdout=subprocess.PIPE, text=True, check=True,
                                  preexec_fn=lambda count=count: os.setgroups(range(5000, 5000 + count)))
            told = re.findall(r"gid:(5\d\d\d)\b", done.stdout)
            self.assertEqual(told, [str(5000 + number) for number in range(min(count, self.KEPT - 1))], done.stdout)


class Sockets(unittest.TestCase):
    def agent(self, **settings):
        agent = harness.Agent({name.replace("_", "."): value for name, value in settings.items()})
        self.addCleanup(agent.stop)
        return agent

    def greets(self, path):
        client = local_wire.Client(path)
        self.addCleanup(client.close)
        return client.welcome.version == 1

    def test_it_has_the_owner_group_and_mode_of_the_settings(self):
        owner = pwd.getpwuid(os.getuid()).pw_name
        group = grp.getgrgid(os.getgid()).gr_name
        agent = self.agent(zooid_localSocketOwner=owner, zooid_localSocketGroup=group, zooid_localSocketMode="0640")
        agent.start()
        path = os.path.join(agent.data_dir, "zooid", "zooid.sock")
        found = os.stat(path)
        self.assertEqual((found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)), (os.getuid(), os.getgid(), 0o640))
        self.assertTrue(self.greets(path))

    @unittest.skipUnless(os.getuid() == 0, "only root can give a file away")
    def test_it_is_given_to_somebody_else(self):
        agent = self.agent(zooid_localSocketOwner="nobody").start()
        self.assertEqual(os.stat(os.path.join(agent.data_dir, "zooid", "zooid.sock")).st_uid, pwd.getpwnam("nobody").pw_uid)

    def test_an_owner_that_does_not_exist_stops_the_start(self):
        agent = self.agent(zooid_localSocketOwner="no-such-user-here")
        agent.exit_codes_expected.add(1)
        agent.launch()
        self.assertEqual(agent.process.wait(30), 1)
        self.assertIn("its owner is no user of this host", agent.log_tail())

    def activated(self, name, directory):
        agent, path = self.agent(), os.path.join(directory, "activated.sock")
        agent.prefix = lambda: [sys.executable, "-c", ACTIVATOR, path, name]
        agent.start()
        return agent, path, os.path.join(agent.data_dir, "zooid", "zooid.sock")

    def test_one_that_was_opened_before_is_taken(self):
        with tempfile.TemporaryDirectory() as directory:
            agent, path, usual = self.activated("local", directory)
            self.assertTrue(self.greets(path))
            self.assertFalse(os.path.exists(usual))
            agent.terminate()
            self.assertTrue(os.path.exists(path))  # it is not the agent's to remove

    def test_one_of_another_name_is_left_alone(self):
        with tempfile.TemporaryDirectory() as directory:
            _, _, usual = self.activated("other", directory)
            self.assertTrue(self.greets(usual))


if __name__ == "__main__":
    harness.main()
