#!/usr/bin/python3
"""zkCli.sh, unmodified: one session that goes through its commands, each with what it must print."""
import re
import subprocess

import harness

ZKCLI = harness.need_file("/usr/share/zookeeper/bin/zkCli.sh", "zookeeper")
harness.need_program("java", "default-jre-headless")

STAT = ["cZxid = 0x[0-9a-f]+", "ctime = .+ 20[0-9][0-9]", "mZxid = 0x[0-9a-f]+", "mtime = .+ 20[0-9][0-9]",
        "pZxid = 0x[0-9a-f]+",
        "cversion = {cversion}", "dataVersion = {version}", "aclVersion = {acl}", "ephemeralOwner = {owner}",
        "dataLength = {length}", "numChildren = {children}"]


def stat(**fields):
    shown = {"cversion": 0, "version": 0, "acl": 0, "owner": "0x0", "length": 0, "children": 0, **fields}
    return [line.format(**shown) for line in STAT]


# Command, and the lines it must print, as regular expressions.
STORY = [
    ("create /z data", ["Created /z"]),
    ("create /z data", ["Node already exists: /z"]),
    ("create -e /z/e x", ["Created /z/e"]),
    ("create -s /z/s- y", ["Created /z/s-0000000001"]),
    ("create -c /z/c", ["Created /z/c"]),
    ("create -t 3600000 /z/t ttl", ["Created /z/t"]),
    ("get -s /z", ["data"] + stat(cversion=4, length=4, children=4)),
    ("set -v 0 /z new", []),
    ("set -v 0 /z newer", ["version No is not valid : /z"]),
    ("get /z", ["new"]),
    ("stat /z/e", stat(owner="0x[0-9a-f]+", length=1)),
    ("ls -R /z", ["/z", "/z/c", "/z/e", "/z/s-0000000001", "/z/t"]),
    ("ls -s /z", [r"\[c, e, s-0000000001, t\]"] + stat(cversion=4, version=1, length=3, children=4)),
    ("delete /z", ["Node not empty: /z"]),
    ("delete -v 9 /z/c", ["version No is not valid : /z/c"]),
    ("getAcl /z", ["'world,'anyone", ": cdrwa"]),
    ("create /z/k", ["Created /z/k"]),
    ("setAcl /z/k auth::cdrwa", ["Acl is not valid : /z/k"]),
    ("addauth digest ann:secret", []),
    ("setAcl /z/k auth::cdrwa", []),
    ("getAcl -s /z/k", ["'digest,'ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM=", ": cdrwa"] + stat(acl=1)),
    ("setAcl /z/k world:anyone:r", []),
    ("set /z/k x", ["Insufficient permission : /z/k"]),
    ("getEphemerals /z", [r"\[/z/e\]"]),
    ("getAllChildrenNumber /z", ["5"]),
    ("setquota -n 10 /z", []),
    ("listquota /z", ["absolute path is /zookeeper/quota/z/zookeeper_limits", "Output quota for /z count=10,bytes=-1.*",
                      "Output stat for /z count=6,bytes=8"]),
    ("setquota -N 20 /z", []),
    ("listquota /z", ["absolute path is .*",
                      "Output quota for /z count=10,bytes=-1=;byteHardLimit=-1;countHardLimit=20",
                      "Output stat for /z count=6,bytes=8"]),
    ("delquota /z", []),
    ("listquota /z", ["absolute path is .*", "quota for /z does not exist."]),
    ("addWatch -m PERSISTENT_RECURSIVE /z", []),
    ("create /z/w", ["Created /z/w"]),
    ("set /z/w 1", []),
    ("delete /z/w", []),
    ("removewatches /z", []),
    ("create /z/unseen", ["Created /z/unseen"]),
    ("ls -w /z", [r"\[c, e, k, s-0000000001, t, unseen\]"]),
    ("create /z/seen", ["Created /z/seen"]),
    ("sync /z", ["Sync is OK"]),
    ("whoami", ["Auth scheme: User", "(ip: 127.0.0.1|digest: ann)", "(ip: 127.0.0.1|digest: ann)"]),
    ("config", [""]),
    ("version", ["ZooKeeper CLI version: .*"]),
    ("get /nope", ["Node does not exist: /nope"]),
    ("get zookeeper", ["Path must start with / character.*|Command failed: .*"]),
    ("deleteall /z", []),
    ("get /z", ["Node does not exist: /z"]),
    ("ls /", [r"\[zookeeper\]"]),
]
EVENTS = ["NodeCreated path:/z/w", "NodeDataChanged path:/z/w", "NodeDeleted path:/z/w",
          "PersistentWatchRemoved path:/z",
          "NodeChildrenChanged path:/z"]
# zkCli prints an event in two pieces, between which the answer to a command may get.
ANNOUNCEMENT = re.compile(r"\nWATCHER::\n")
EVENT = re.compile(r"\nWatchedEvent state:SyncConnected type:(.*)\n")


def marker(number):
    """A command whose answer shows where the answer to the one before it ends."""
    return "get /end-of-%s" % number, "Node does not exist: /end-of-%s\n" % number


class ZkCli(harness.ServerTestCase):
    def test_story(self):
        commands = [marker("welcome")[0]]
        for number, (command, _lines) in enumerate(STORY):
            commands += [command, marker(number)[0]]
        run = subprocess.run(["bash", ZKCLI, "-server", self.server.address], input="\n".join(commands + ["quit\n"]),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        output = ANNOUNCEMENT.sub("", re.sub(r"(?m)^SLF4J: .*\n", "", run.stdout))
        events = EVENT.findall(output)
        rest = EVENT.sub("", output).split(marker("welcome")[1], 1)[1]
        self.assertEqual([event for event in events if not event.startswith("None")], EVENTS)
        for number, (command, wanted) in enumerate(STORY):
            with self.subTest(command, number=number):
                self.assertIn(marker(number)[1], rest)
                printed, rest = rest.split(marker(number)[1], 1)
                self.check(printed, wanted)

    def check(self, printed, wanted):
        lines = printed.split("\n")[:-1]
        matches = len(lines) == len(wanted) and all(re.fullmatch(*pair) for pair in zip(wanted, lines))
        self.assertTrue(matches, "printed:\n%s\nwanted:\n%s" % (printed, "\n".join(wanted)))


if __name__ == "__main__":
    harness.main()
