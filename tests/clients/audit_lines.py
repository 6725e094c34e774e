"""Lines of an audit log, of the agent's and of Apache's, as fields to be compared."""
import os
import re

import harness

# A level and what is said. What stands around them is the affair of Apache's logging library; the agent does as its default is.
APACHES_LINE = re.compile(r" (INFO|ERROR) org\.apache\.zookeeper\.audit\.\w*AuditLogger - (.*)$")
AGENTS_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|ERROR) audit\.Log4jAuditLogger: (.*)")


def path_of(server):
    return os.path.join(server.data_dir, "zooid", "audit.log")


def read(path):
    """The lines of an agent's file, with the level as a field in front; AssertionError for one of another form."""
    try:
        with open(path, encoding="utf-8") as lines:
            text = lines.read()
    except FileNotFoundError:
        return []
    matches = [(line, AGENTS_LINE.fullmatch(line)) for line in text.split("\n")[:-1]]
    bad = [line for line, match in matches if match is None]
    assert not bad, "no line of an audit log: %r" % bad
    return ["level=%s\t%s" % match.groups() for _line, match in matches]


def read_apaches(server):
    with open(server.log_path, encoding="utf-8", errors="replace") as log:
        return ["level=%s\t%s" % match.groups() for match in map(APACHES_LINE.search, log.read().split("\n")) if match]


def of(server):
    return read_apaches(server) if isinstance(server, harness.Apache) else read(path_of(server))


def fields(line):
    """In the order in which they stand there."""
    return [tuple(field.split("=", 1)) for field in line.split("\t")]


class Names:
    """Makes equal what differs between servers: sessions get names, the identities of a user, which Apache's server keeps
    in no order, are sorted."""

    def __init__(self):
        self.sessions = {}

    def plain(self, line):
        return [(key, self.value(key, value)) for key, value in fields(line)]

    def value(self, key, value):
        if key == "session":
            return self.sessions.setdefault(value, "session %d" % len(self.sessions))
        return ",".join(sorted(value.split(","))) if key == "user" else value
