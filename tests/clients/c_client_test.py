#!/usr/bin/python3
"""Apache's C client, unmodified: compiles c/c_client.c against libzookeeper_mt and runs it."""
import os
import subprocess
import tempfile

import harness

COMPILER = harness.need_program("gcc", "gcc")
harness.need_file("/usr/include/zookeeper/zookeeper.h", "libzookeeper-mt-dev")


class CClient(harness.ServerTestCase):
    def test_c_client(self):
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, "c_client")
            source = os.path.join(harness.ROOT, "tests", "clients", "c", "c_client.c")
            subprocess.run([COMPILER, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-DTHREADED", "-o", program, source,
                            "-lzookeeper_mt", "-lpthread"], check=True)
            lines = harness.run_foreign_client(self.server, [program, self.server.address])
        self.assertEqual(lines[-1], "ACLs and digest logins\n")


if __name__ == "__main__":
    harness.main()
