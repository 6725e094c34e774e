#!/usr/bin/python3
"""libzooid: compiles c/libzooid.c against the built library and runs it on an agent, which it has killed and started."""
import os
import signal
import subprocess
import tempfile
import unittest

import harness

COMPILER = harness.need_program("gcc", "gcc")
BUILD = os.environ.get("ZOOID_BUILD") or os.path.join(harness.ROOT, "build")
SANITIZE = ["-fsanitize=address,undefined"] if os.path.basename(os.path.normpath(BUILD)) == "san" else []


class Library(unittest.TestCase):
    def test_a_program_uses_it(self):
        agent = harness.Agent()
        self.addCleanup(agent.stop)
        agent.start()
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, "libzooid")
            source = os.path.join(harness.ROOT, "tests", "clients", "c", "libzooid.c")
            library = os.path.join(os.path.abspath(BUILD), "lib")
            subprocess.run([COMPILER, "-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", *SANITIZE, "-I", harness.ROOT,
                            "-o", program, source, "-L" + library, "-lzooid", "-Wl,-rpath," + library, "-lpthread"], check=True)
            lines = self.converse(agent, program)
        self.assertEqual(lines[-1], "ok: without an agent it says so\n", "".join(lines))

    def converse(self, agent, program):
        requests = {"kill": agent.kill, "start": agent.start,
                    "stop": lambda: agent.process.send_signal(signal.SIGSTOP),
                    "continue": lambda: agent.process.send_signal(signal.SIGCONT)}
        path = os.path.join(agent.data_dir, "zooid", "zooid.sock")
        lines = []
        with subprocess.Popen([program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.strip() in requests:
                    requests[line.strip()]()
                    process.stdin.write("done\n")
                    process.stdin.flush()
                else:
                    lines.append(line)
        self.assertEqual(process.returncode, 0, "".join(lines))
        return lines

    def test_it_shows_only_what_the_header_promises(self):
        library = os.path.join(BUILD, "lib", "libzooid.so")
        command = ["nm", "-D", "--defined-only", library]
        shown = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        names = {line.split()[-1] for line in shown.splitlines() if " T " in line or " D " in line or " B " in line}
        self.assertTrue(names)
        self.assertEqual({name for name in names if not name.startswith("zooid_")}, set())


if __name__ == "__main__":
    harness.main()
