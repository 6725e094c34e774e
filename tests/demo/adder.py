#!/usr/bin/python3
"""Adds to the number in a node, each time under a lock, as the other programs of the demo do.

    adder.py LOCK NUMBER TIMES"""
import sys

import zooid


def main():
    path, number, times = sys.argv[1:]
    with zooid.Client() as client:
        lock = client.lock(path, "adder.py")
        for _ in range(int(times)):
            with lock:
                node = client.get(number, fresh=zooid.LATEST)
                client.set(number, b"%d" % (int(node.data) + 1), node.stat.version)


if __name__ == "__main__":
    main()
