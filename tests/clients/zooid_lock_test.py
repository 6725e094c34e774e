#!/usr/bin/python3
"""zooid lock, elect and semaphore: a command runs while it is held, and not a moment longer."""
import json
import os
import signal
import subprocess
import unittest

import harness
from command import FINE, LOST, NOT_HELD, USAGE
import command

HOLDS = ("sh", "-c", "echo held; read line; echo $line; exit 5")  # until it reads a line


class Locks(command.CommandCase):
    settings = {"tickTime": 200}

    def holder(self, *words, runs=HOLDS, says="held\n"):
        """One that holds it, by what its command says."""
        process = self.started(*words, *runs)
        self.assertEqual(process.stdout.readline(), says)
        return process

    def contenders(self, path):
        return [line.split("\t")[0] for line in self.zooid("lock", path).splitlines()]

    def wait_for_contenders(self, path, expected):
        harness.wait_until(lambda: self.contenders(path) == expected, what="%s at %s" % (expected, path))

    def said(self, *words, code):
        """What it prints, on either stream, when it ends with that code."""
        done = subprocess.run([command.ZOOID, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=self.environment(), timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout)
        return done.stdout

    def test_a_command_runs_while_it_is_held(self):
        first = self.holder("lock", "-i", "first", "/l/one")
        second = self.started("lock", "-i", "second", "/l/one", "--", "sh", "-c", "echo $ZOOID_TOKEN")
        self.wait_for_contenders("/l/one", ["first", "second"])
        listed = json.loads(self.zooid("-j", "lock", "/l/one"))
        self.assertEqual([one["identifier"] for one in listed], ["first", "second"])
        self.assertIn("another one has it", self.zooid("lock", "-n", "/l/one", "true", code=NOT_HELD))
        self.assertIn("another one has it", self.zooid("lock", "-w", "50", "/l/one", "true", code=NOT_HELD))
        self.assertEqual(first.communicate("over\n")[0], "over\n")
        self.assertEqual(first.returncode, 5)
        token = int(second.communicate()[0])
        self.assertEqual(second.returncode, FINE)
        self.assertGreater(int(self.zooid("lock", "/l/one", "sh", "-c", "echo $ZOOID_TOKEN")), token)
        self.assertEqual(self.contenders("/l/one"), [])

    def test_how_the_command_ends_is_told(self):
        self.said("lock", "/l/ends", "sh", "-c", "exit 42", code=42)
        self.said("lock", "/l/ends", "sh", "-c", "kill -9 $$", code=128 + signal.SIGKILL)
        self.assertIn("cannot be run", self.said("lock", "/l/ends", "/no/such/program", code=127))
        self.assertIn("cannot be run", self.said("lock", "/l/ends", "/", code=126))

    def test_readers_share(self):
        reader = self.holder("lock", "-r", "/l/rw")
        self.assertEqual(self.zooid("lock", "-r", "-n", "/l/rw", "echo", "too"), "too\n")
        self.zooid("lock", "-x", "-n", "/l/rw", "true", code=NOT_HELD)
        reader.communicate("\n")
        self.zooid("lock", "-x", "-n", "/l/rw", "true")

    def test_signals_are_handed_on(self):
        script = "trap 'echo usr1' USR1; trap 'echo term; exit 3' TERM; echo held; while :; do read line; done"
        process = self.holder("lock", "/l/signals", runs=("sh", "-c", script))
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stdout.readline(), "usr1\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.communicate()[0], "term\n")
        self.assertEqual(process.returncode, 3)

    def test_who_waits_can_be_interrupted(self):
        holder = self.holder("lock", "-i", "holder", "/l/interrupted")
        waiting = self.started("lock", "-i", "waiting", "/l/interrupted", "true")
        self.wait_for_contenders("/l/interrupted", ["holder", "waiting"])
        waiting.send_signal(signal.SIGTERM)
        waiting.communicate()
        self.assertEqual(waiting.returncode, 128 + signal.SIGTERM)
        self.wait_for_contenders("/l/interrupted", ["holder"])
        holder.kill()  # its command goes with it, and the lock
        self.assertEqual(holder.stdout.read(), "")  # though its input has not ended
        self.wait_for_contenders("/l/interrupted", [])

    def test_what_the_command_leaves_behind_goes_too(self):
        # The background process holds the pipe open: only its end ends the output.
        self.assertEqual(self.said("lock", "/l/behind", "sh", "-c", "tail -f /dev/null & echo done", code=FINE), "done\n")

    def test_a_deleted_node_ends_the_command(self):
        holder = self.holder("lock", "/l/deleted")
        self.zooid("delete", "/l/deleted/" + self.zooid("lock", "/l/deleted").split("\t")[1].strip())
        self.assertEqual(holder.stdout.read(), "")
        self.assertEqual(holder.wait(30), LOST)

    def test_a_leader_that_lost_contends_again(self):
        leader = self.holder("elect", "-i", "one", "/e")
        self.zooid("delete", "/e/" + self.zooid("elect", "/e").split("\t")[1].strip())
        self.assertEqual(leader.stdout.readline(), "held\n")
        self.assertEqual(leader.communicate("over\n")[0], "over\n")
        self.assertEqual(leader.returncode, 5)

    def test_a_semaphore_has_so_many_leases(self):
        holders = [self.holder("semaphore", "-i", str(i), "/s", "2") for i in range(2)]
        self.zooid("semaphore", "-n", "/s", "2", "true", code=NOT_HELD)
        self.assertEqual(sorted(self.zooid("semaphore", "/s", "2").split()[::2]), ["0", "1"])
        self.assertIn("2 leases", self.zooid("semaphore", "/s", "3", "true", code=1))
        holders[0].communicate("\n")
        self.assertEqual(self.zooid("semaphore", "-n", "/s", "2", "echo", "mine"), "mine\n")
        holders[1].communicate("\n")

    def test_mistakes_are_told(self):
        for words in (("lock",), ("lock", "/"), ("lock", "relative", "true"), ("lock", "-n", "-w", "1", "/l", "true"),
                      ("lock", "-r", "-x", "/l", "true"), ("lock", "-w", "soon", "/l", "true"), ("semaphore", "/s"),
                      ("semaphore", "/s", "0", "true"), ("lock", "-k", "-1", "/l", "true"), ("elect", "/e/", "true")):
            self.zooid(*words, code=USAGE)


class AgentAway(command.CommandCase):
    settings = {"tickTime": 200}

    def test_a_short_absence_is_not_noticed(self):
        holder = self.started("lock", "-i", "holder", "/l/kept", *HOLDS)
        self.assertEqual(holder.stdout.readline(), "held\n")
        self.server.restart()
        self.assertEqual(self.zooid("lock", "/l/kept").split("\t")[0], "holder")
        self.assertEqual(holder.communicate("over\n")[0], "over\n")
        self.assertEqual(holder.returncode, 5)

    def outlived(self, trap):
        """What a command says, and the exit code, when the agent is away for longer than the session lasts."""
        script = "trap '%s' TERM; echo held; while :; do tail -f /dev/null; done" % trap
        holder = self.started("-s", "1000", "lock", "-k", "500", "/l/lost", "sh", "-c", script)
        self.assertEqual(holder.stdout.readline(), "held\n")
        self.server.kill()
        self.addCleanup(self.server.start)
        return holder.communicate()[0], holder.returncode

    def test_in_a_long_one_the_command_is_told_to_end_in_time(self):
        self.assertEqual(self.outlived("echo told; exit 3"), ("told\n", 3))

    def test_and_is_killed_if_it_does_not(self):
        self.assertEqual(self.outlived("echo told"), ("told\n", LOST))


if __name__ == "__main__":
    harness.main()
