"""Ports for servers of tests and benchmarks."""
import random
import socket

_locks = []


def free_port():
    """A TCP port nobody listens on, outside the range from which the kernel takes ports for outgoing connections. It is
    this process's until its end: a name that only one process can hold keeps other tests from being given it too."""
    while True:
        port = random.SystemRandom().randrange(12000, 32000)
        lock = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                lock.bind("\0zooid-test-port-%d" % port)
                probe.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
        _locks.append(lock)
        return port
