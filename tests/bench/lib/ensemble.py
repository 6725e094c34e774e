"""Three servers that form one ensemble; looks like one server to the scenarios that need no more."""

import os
import re
import shutil
import socket
import time

from ports import free_port
from servers import pause

SIZE = 3
LIMITS = ["initLimit=10", "syncLimit=5"]
SERVE_S = 120


def mode(port):
    """What `srvr` says the server is; None when it does not serve."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(b"srvr")
            answer = b"".join(iter(lambda: client.recv(4096), b""))
    except OSError:
        return None
    found = re.search(rb"^Mode: (\w+)", answer, re.M)
    return found.group(1).decode() if found else None


class Ensemble:
    """`make(directory)` makes one server."""

    def __init__(self, directory, make):
        self.members = [make(os.path.join(directory, str(sid))) for sid in range(1, SIZE + 1)]
        self.name, self.make = self.members[0].name, make
        self.directory, self.output = directory, os.path.join(directory, "output")
        lines = [f"server.{sid}=127.0.0.1:{free_port()}:{free_port()}" for sid in range(1, SIZE + 1)]
        for sid, member in enumerate(self.members, 1):
            member.sid, member.lines = sid, LIMITS + lines

    @property
    def pids(self):
        return [pid for member in self.members for pid in member.pids]

    def set_tick(self, tick_ms):
        """For the next start."""
        for member in self.members:
            member.tick_ms = tick_ms

    def wipe(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        for member in self.members:
            member.wipe()

    def start(self):
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait_serving()

    def parting_words(self):
        return "".join(member.parting_words() for member in self.members)

    def kill(self):
        for member in self.members:
            member.kill()

    def leader(self):
        deadline = time.monotonic() + SERVE_S
        while time.monotonic() < deadline:
            leading = [member for member in self.members if member.pids and mode(member.port) == "leader"]
            if len(leading) == 1:
                return leading[0]
            pause(0.01)
        raise RuntimeError(f"{self.name}: no leader")

    def followers(self):
        leader = self.leader()
        return [member for member in self.members if member is not leader]

    def endpoints(self, where):
        """Ports to load: of "all" members, one "follower" or the "leader"."""
        chosen = {"all": lambda: self.members, "follower": lambda: self.followers()[:1], "leader": lambda: [self.leader()]}
        return ",".join(str(member.port) for member in chosen[where]())
