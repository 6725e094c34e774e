"""From the SIGKILL of a process until the node of its check has changed, as a subscriber of the agent sees it.

    health_end.py SOCKET NODE PID_FILE ROUNDS

The check at NODE looks at PID_FILE. Prints one line of JSON: the milliseconds of each round."""

import json
import os
import subprocess
import sys
import time

import zooid


def follow(changes, status):
    """Until the node shows the status."""
    for change in changes:
        if change.data and json.loads(change.data)["status"] == status:
            return


def run_one(pid_file):
    process = subprocess.Popen(["sleep", "1000"])
    with open(pid_file + ".new", "w", encoding="ascii") as file:
        file.write(f"{process.pid}\n")
    os.replace(pid_file + ".new", pid_file)
    return process


def main():
    socket, node, pid_file, rounds = sys.argv[1:]
    times = []
    with zooid.Client(socket) as client, client.subscribe(node) as changes:
        for _ in range(int(rounds)):
            process = run_one(pid_file)
            follow(changes, "passing")
            started = time.monotonic()
            process.kill()
            follow(changes, "critical")
            times.append((time.monotonic() - started) * 1000)
            process.wait()
    print(json.dumps({"ms": times}))


main()
