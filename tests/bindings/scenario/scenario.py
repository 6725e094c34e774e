#!/usr/bin/python3
"""The scenario of tests/bindings through the Python package: reads commands, writes the trace.

    scenario.py SOCKET <scenario.txt"""
import sys

import zooid


def stat(s):
    return "version %d cversion %d length %d children %d ephemeral %s" % (
        s.version, s.cversion, s.data_length, s.num_children, "yes" if s.ephemeral_owner else "no")


def part(word):
    kind, path, *rest = word.split(":")
    return {"create": lambda: zooid.Create(path, rest[0].encode()), "set": lambda: zooid.Set(path, rest[0].encode()),
            "delete": lambda: zooid.Delete(path), "check": lambda: zooid.Check(path, int(rest[0]))}[kind]()


class Scenario:
    def __init__(self, client):
        self.client = client
        self.stream = self.held = self.updates = None

    def create(self, path, data, kind):
        yield "path " + self.client.create(
            path, data.encode(), ephemeral=kind == "ephemeral", sequential=kind == "sequential")

    def get(self, path):
        node = self.client.get(path)
        yield "data %s %s" % (node.data.decode(), stat(node.stat))

    def exists(self, path):
        found = self.client.exists(path)
        yield "no" if found is None else stat(found)

    def set(self, path, data, version):
        yield stat(self.client.set(path, data.encode(), int(version)))

    def delete(self, path, version):
        self.client.delete(path, int(version))
        yield "deleted"

    def rmr(self, path):
        self.client.delete_recursive(path)
        yield "deleted"

    def list(self, path):
        yield " ".join(["names", *self.client.list(path)])

    def node(self, node):
        return "node %s %s %s" % (node.path, node.data.decode(), stat(node.stat))

    def subtree(self, path):
        yield from map(self.node, self.client.subtree(path))

    def readmany(self, *paths):
        for path, node in zip(paths, self.client.read_many(paths)):
            yield "none " + path if node is None else self.node(node)

    def count(self, path):
        yield "number %d" % self.client.count_descendants(path)

    def acl(self, path):
        for acl in self.client.get_acl(path):
            yield "acl %d %s %s" % (acl.perms, acl.scheme, acl.id)

    def multi(self, *words):
        try:
            results = self.client.multi(map(part, words))
        except zooid.Error as error:
            yield "error " + error.name
            results = error.results
        for result in results:
            yield "part " + ("OK" if result.error is None else result.error.name)

    def watch(self, path):
        self.stream = self.client.watch(path)
        yield "watching"

    def event(self):
        event = next(self.stream)
        yield "event %s %s" % (event.change.name, event.path)

    def hold(self, do):
        try:
            do()
        except zooid.Error as error:
            yield "error " + error.name
        yield "held " + ("yes" if self.held.is_held else "no")

    def lock(self, path):
        self.held = self.held or self.client.lock(path)
        return self.hold(self.held.acquire)

    def unlock(self):
        return self.hold(self.held.release)

    def counter(self, path, delta):
        yield "number %d" % self.client.counter(path).add(int(delta))

    def put(self, path, data, priority):
        self.client.queue(path).put(data.encode(), int(priority))
        yield "put"

    def take(self, path):
        queue = self.client.queue(path)
        data = queue.take()
        queue.finish()
        yield "taken " + data.decode()

    def barrier(self, path):
        self.client.barrier(path).set()
        yield "set"

    def lift(self, path):
        self.client.barrier(path).lift()
        yield "lifted"

    def subscribe(self, path):
        self.updates = self.client.subscribe(path)
        while next(self.updates).change != zooid.Change.CAUGHT_UP:
            pass
        yield "following"

    def update(self):
        update = next(self.updates)
        yield "update %s %s %s" % (update.change.name, update.path, update.data.decode())


def main():
    with zooid.Client(sys.argv[1]) as client:
        scenario = Scenario(client)
        for line in sys.stdin:
            if line.startswith("#"):
                continue
            print("> " + line, end="")
            command, *words = line.split()
            try:
                for told in getattr(scenario, command)(*words):
                    print(told)
            except zooid.Error as error:
                print(" ".join(["error", error.name, *([error.path] if error.path else [])]))


if __name__ == "__main__":
    main()
