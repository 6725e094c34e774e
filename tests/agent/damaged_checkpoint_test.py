#!/usr/bin/python3
"""The checkpoint is damaged, anywhere and in any way: the agent serves the same tree as before, at the latest with the
second start, since LMDB may bring down the first; and --check-data finds a verdict without crashing."""
# limit: 300
# sanitizers: no (LMDB follows a damaged page out of its map, and a sanitizer would tell of that crash in its own words)
import os
import random
import shutil
import subprocess
import unittest

from trees import assert_same, fill, harness, read_tree

ROUNDS = 200 if os.environ.get("ZOOID_LONG") == "1" else 20
SEED = int(os.environ.get("ZOOID_SEED") or int.from_bytes(os.urandom(4), "big"))
PAGE = 4096


def damage(path, rng):
    size = os.path.getsize(path)
    kind = rng.choice(("byte", "zeros", "noise", "shuffle", "cut"))
    at = rng.randrange(size)
    with open(path, "r+b") as file:
        if kind == "cut":
            file.truncate(at)
        elif kind == "byte":
            file.seek(at)
            old = file.read(1)[0]
            file.seek(at)
            file.write(bytes([old ^ 1 << rng.randrange(8)]))
        else:
            page = at // PAGE * PAGE
            file.seek(rng.randrange(size // PAGE) * PAGE)
            other = file.read(PAGE)
            file.seek(page)
            file.write({"zeros": bytes(PAGE), "noise": rng.randbytes(PAGE), "shuffle": other}[kind])
    return "%s at byte %d" % (kind, at)


class DamagedCheckpoint(unittest.TestCase):
    def serve(self, agent, what):
        """Starts it, a second time when the first was brought down."""
        try:
            agent.start()
            return
        except AssertionError:
            self.assertEqual(agent.process.returncode, 1, what)
            self.assertIn("zooid/checkpoint: damaged: reading it crashed", agent.log_tail(), what)
        agent.start()

    def test_the_tree_is_the_same(self):
        print("ZOOID_SEED=%d" % SEED, flush=True)
        rng = random.Random(SEED)
        agent = harness.Agent()
        self.addCleanup(agent.stop)
        agent.start()
        fill(agent, 1)
        agent.terminate()
        agent.start()
        fill(agent, 2, nodes=50)
        expected = read_tree(agent)
        agent.kill()
        sound = os.path.join(agent.directory, "sound")
        shutil.copytree(agent.data_dir, sound, ignore=shutil.ignore_patterns("*.sock"))
        for _ in range(ROUNDS):
            shutil.rmtree(agent.data_dir)
            shutil.copytree(sound, agent.data_dir)
            what = damage(os.path.join(agent.data_dir, "zooid", "checkpoint"), rng)
            done = subprocess.run([harness.AGENT, "--check-data", agent.data_dir], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
            self.assertIn(done.returncode, (0, 1), "%s: %s" % (what, done.stdout))
            self.serve(agent, what)
            assert_same(self, expected, read_tree(agent))
            agent.kill()


if __name__ == "__main__":
    harness.main()
