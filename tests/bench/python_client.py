"""One operation in a loop: through kazoo on a server's port, or through the package zooid on the agent's socket.

    python_client.py apache PORT   get|lock|set2 NODE SECONDS
    python_client.py zooid  SOCKET get|lock|set2 NODE SECONDS

Prints one line of JSON."""

import json
import sys
import time

WARM_UP = 100


class Kazoo:
    def __init__(self, port):
        from kazoo.client import KazooClient

        self.client = KazooClient(f"127.0.0.1:{port}")
        self.client.start()
        self.lock = self.client.Lock

    def make(self, node):
        if self.client.exists(node) is None:
            self.client.create(node, bytes(100))

    def close(self):
        self.client.stop()
        self.client.close()


class Zooid:
    def __init__(self, socket):
        import zooid

        self.client = zooid.Client(socket)
        self.lock = self.client.lock

    def make(self, node):
        if self.client.exists(node) is None:
            self.client.create(node, bytes(100))

    def close(self):
        self.client.close()


def operation(kind, name, node):
    if name == "get":
        return lambda: kind.client.get(node)
    if name == "set2":
        return lambda: (kind.client.set(node, b"x"), kind.client.set(node, b"y"))
    lock = kind.lock(node + "-lock")

    def lock_and_unlock():
        lock.acquire()
        lock.release()

    return lock_and_unlock


def main():
    name, where, what, node, seconds = sys.argv[1:]
    kind = {"apache": Kazoo, "zooid": Zooid}[name](where)
    kind.make(node)
    run = operation(kind, what, node)
    for _ in range(WARM_UP):
        run()
    count, started, cpu = 0, time.perf_counter(), time.process_time()
    while True:
        run()
        count += 1
        passed = time.perf_counter() - started
        if passed >= float(seconds):
            break
    cpu = time.process_time() - cpu
    kind.close()
    print(json.dumps({"ops_per_s": count / passed, "client_cpu_us_per_op": cpu / count * 1e6}))


if __name__ == "__main__":
    main()
