#!/usr/bin/python3
"""Sessions of the local door when the agent of a member is killed and started again, which then cannot serve at once:
they are taken up again as soon as it does, and with them locks, for which clients of other members wait meanwhile."""
# limit: 120
import json
import os
import subprocess
import unittest

from ensemble import AGENT, Ensemble, harness
import command


class Locks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ensemble = Ensemble([AGENT, AGENT, AGENT], maxSessionTimeout=60000)
        cls.addClassCleanup(cls.ensemble.stop)
        cls.ensemble.start()

    def zooid(self, sid, *words):
        """Starts the command on that member."""
        path = os.path.join(self.ensemble[sid].data_dir, "zooid", "zooid.sock")
        process = subprocess.Popen([command.ZOOID, "-t", "60000", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True, env=dict(os.environ, ZOOID_SOCKET=path))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def said(self, sid, *words):
        output = self.zooid(sid, "-L", *words).communicate()[0]
        return json.loads(output) if "-j" in words else output

    def tell(self, process, *lines):
        process.stdin.write("".join(line + "\n" for line in lines))
        process.stdin.flush()
        return process.stdout.readline()

    def contenders(self, sid):
        return [contender["identifier"] for contender in self.said(sid, "-j", "lock", "/lock")]

    def test_they_outlive_an_agent(self):
        killed = self.ensemble.leader()
        other = next(sid for sid in self.ensemble.members if sid != killed)
        shell = self.zooid(killed, "shell")
        self.assertEqual(self.tell(shell, "create -e /before one"), "/before\n")
        holder = self.zooid(killed, "lock", "-i", "holder", "/lock", "sh", "-c", "echo held; read line")
        self.assertEqual(holder.stdout.readline(), "held\n")
        waiting = self.zooid(other, "lock", "-i", "waiting", "/lock", "echo", "mine")
        harness.wait_until(lambda: self.contenders(other) == ["holder", "waiting"], what="both to contend")
        self.ensemble[killed].kill()
        self.ensemble[killed].launch()
        # A read waits for the session too, and finds out that the connection broke; a write would not be sent again.
        self.assertEqual(self.tell(shell, "get /before", "create -e /after two"), "one/after\n")
        owners = [self.said(other, "-j", "stat", path)["ephemeralOwner"] for path in ("/before", "/after")]
        self.assertEqual(owners[0], owners[1])
        self.assertEqual(self.contenders(killed), ["holder", "waiting"])
        self.assertIsNone(holder.poll())
        holder.communicate("\n")
        self.assertEqual(waiting.communicate()[0], "mine\n")
        shell.kill()  # its session ends with it, as it would not if another had taken its place
        harness.wait_until(lambda: "before" not in self.said(other, "ls", "/").split(), what="its nodes to go")

    def test_why_it_takes_too_long_is_said(self):
        left = self.ensemble.leader()
        others = [sid for sid in self.ensemble.members if sid != left]
        for sid in others:
            self.ensemble[sid].kill()
        self.addCleanup(lambda: [self.ensemble[sid].wait_serving() for sid in others])
        self.addCleanup(lambda: [self.ensemble[sid].launch() for sid in others])  # before that
        path = os.path.join(self.ensemble[left].data_dir, "zooid", "zooid.sock")

        def error():
            done = subprocess.run([command.ZOOID, "-S", path, "-t", "300", "-j", "lock", "/lock"], stderr=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, text=True, check=False)
            return json.loads(done.stderr) if done.returncode == command.NO_AGENT else {"message": ""}

        said = harness.wait_until(lambda: [e for e in [error()] if "no leader" in e["message"]], what="it to have no leader")[0]
        self.assertEqual((said["error"], said["path"], said["retry"]), ("DEADLINE_EXCEEDED", "/lock", True))


if __name__ == "__main__":
    harness.main()
