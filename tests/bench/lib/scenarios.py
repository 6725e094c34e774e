"""What is measured: each scenario runs its samples on the servers in turn and returns rows of the table."""

import os
import shutil
import subprocess
from functools import partial
from typing import NamedTuple

from servers import memory_kb, pause, wait_quiet
from table import Row

MB = 1024.0 * 1024.0
HELPER_LIMIT_S = 900
WARM_UP_ROUNDS = 8  # of 2,000 sessions: so long Apache's grow faster, since what they take is compiled meanwhile
FILLED_NODE = "/fill/p0000/n0000000"  # one of those that `fill` makes


class Load(NamedTuple):
    """A load on one server, or on some or all members of an ensemble."""

    key: str
    title: str
    options: list
    rate: float = None  # at least so many times Apache's throughput
    cpu: float = None  # at most this share of its CPU per operation, over all members
    where: str = "all"


def many(op, connections=16, outstanding=16):
    return ["--op", op, "--connections", connections, "--outstanding", outstanding]


LOADS = [
    Load("get", "get 100 B, 16 x 64", many("get", outstanding=64), 4, 1 / 8),
    Load("exists", "exists, 16 x 64", many("exists", outstanding=64), 4, 1 / 8),
    Load("mixed", "90 % get 10 % set, 16 x 16", many("getset"), 4, 1 / 6),
    Load("set", "set 100 B, 16 x 16", many("set"), 3, 1 / 5),
    Load("create", "create 100 B, 16 x 16", [*many("create"), "--cleanup"], 3, 1 / 5),
    Load("set1k", "set 1 KB, 16 x 64", [*many("set", outstanding=64), "--size", 1024], 2.5),
    Load("multi", "multi of 4 sets, 16 x 16", many("multi")),
]

class Trip(NamedTuple):
    """One connection, one request outstanding, beside bare servers that do the same and nothing else."""

    key: str
    title: str
    op: str
    request: int  # bytes on the wire
    reply: int
    chain: list  # modes of the bare servers, the one that the client talks to last
    target: tuple
    where: str = "all"


ROUND_TRIPS = [
    Trip("get1", "get 100 B, 1 x 1", "get", 32, 192, ["reply"], ("echo", "min", 0.65)),
    Trip("set1", "set 100 B, 1 x 1", "set", 139, 88, ["logged"], ("echo", "min", 0.85)),
]


def alternate(bench, servers, rounds, sample):
    """{name: [sample of each round]}; who comes first changes with every round."""
    samples = {server.name: [] for server in servers}
    for round_number in range(rounds):
        bench.wait_for_machine()
        for server in servers if round_number % 2 == 0 else reversed(servers):
            samples[server.name].append(bench.disturbance.watch(servers, lambda s=server: sample(s)))
    return samples


def pick(samples, *path):
    """The same figure out of every sample."""

    def figure(sample):
        for name in path:
            sample = sample[name]
        return sample

    return {name: [figure(sample) for sample in list_] for name, list_ in samples.items()}


def check_errors(title, samples):
    for name, list_ in samples.items():
        for sample in list_:
            if sample.get("errors"):
                raise RuntimeError(f"{title}: {name} answered {sample['errors']} with error {sample['first_error']}")


def where_and_who(server, where="all"):
    """Options of a measuring program: the ports to use, and all processes of the server or ensemble."""
    return ["--server", server.endpoints(where), "--pid", ",".join(map(str, server.pids))]


def run_load(load, bench, servers):
    def sample(server):
        wait_quiet(servers)
        return bench.helper("load", *where_and_who(server, load.where), *load.options, *bench.load_times())

    samples = alternate(bench, servers, bench.rounds, sample)
    check_errors(load.title, samples)
    bench.keep(load.title, samples)
    return [
        Row(load.title, "throughput", "1/s", pick(samples, "ops_per_s"), load.rate and ("apache", "min", load.rate)),
        Row(load.title, "server CPU", "us/op", pick(samples, "server_cpu_us_per_op"), load.cpu and ("apache", "max", load.cpu)),
        Row(load.title, "p50", "us", pick(samples, "p50_us")),
        Row(load.title, "p99", "us", pick(samples, "p99_us")),
    ]


class Yardstick:
    """Bare servers; looks like a Server to the samples."""

    def __init__(self, name):
        self.name = name
        self.processes, self.port = [], None

    def start(self, bench, program, *options):
        self.processes.append(bench.spawn(program, *options, stdin=subprocess.PIPE))
        self.take_ports(self.processes[-1].stdout.readline())

    def take_ports(self, line):
        self.port = int(line)

    @property
    def pids(self):
        return [process.pid for process in self.processes]

    def endpoints(self, _where):
        return str(self.port)

    def stop(self):
        for process in reversed(self.processes):
            process.stdin.close()
            process.wait()


class EchoChain(Yardstick):
    """Each but the first relays to the one before."""

    def __init__(self, bench, name, trip, chain):
        super().__init__(name)
        for mode in chain:
            log = os.path.join(bench.work, f"echo-{name}-{len(self.processes)}.log")
            options = ["--mode", mode, "--request", trip.request, "--reply", trip.reply]
            options += ["--next", self.port] if mode == "relay" else ["--file", log]
            self.start(bench, "echo", *options)
        self.options = ["--op", "echo", "--size", str(trip.request)]


class BareServer(Yardstick):
    """One that grants every session and tells every watcher, and does nothing else."""

    def __init__(self, bench):
        super().__init__("echo")
        self.start(bench, "bare")


class BareEnsemble(Yardstick):
    """A leader and two followers that agree on every session, and do nothing else."""

    def __init__(self, bench):
        super().__init__("echo")
        self.ports = []
        leader = []
        for number in range(3):
            self.start(bench, "quorum", "--file", os.path.join(bench.work, f"quorum-{number}.log"), *leader, "--id", number)
            self.ports.append(self.port)
            leader = leader or ["--leader", self.link_port]

    def take_ports(self, line):
        self.port, self.link_port = map(int, line.split())

    def endpoints(self, _where):
        return ",".join(map(str, self.ports))


def run_round_trip(trip, bench, servers):
    sticks = [EchoChain(bench, "echo", trip, trip.chain)]
    if trip.chain == ["logged"]:
        sticks.append(EchoChain(bench, "inline", trip, ["inline"]))

    def sample(server):
        where = [*where_and_who(server, trip.where), "--connections", 1, "--outstanding", 1]
        options = server.options if isinstance(server, EchoChain) else ["--op", trip.op]
        return bench.helper("load", *where, *options, *bench.short_times())

    wait_quiet(servers)
    samples = alternate(bench, [*servers, *sticks], bench.short_rounds, sample)
    for stick in sticks:
        stick.stop()
    check_errors(trip.title, samples)
    bench.keep(trip.title, samples)
    rates = pick(samples, "ops_per_s")
    inline = rates.pop("inline", None)
    note = f"an fdatasync on the loop itself gives {sorted(inline)[len(inline) // 2]:,.0f}/s" if inline else ""
    return [
        Row(trip.title, "round trips", "1/s", rates, trip.target, note),
        Row(trip.title, "server CPU", "us/op", pick(samples, "server_cpu_us_per_op")),
        Row(trip.title, "p50", "us", pick(samples, "p50_us")),
        Row(trip.title, "p99", "us", pick(samples, "p99_us")),
    ]


def beside_bare(bench, servers, sample):
    """Beside an ensemble stands one that has to agree, too."""
    is_ensemble = any(len(server.members) > 1 for server in servers)
    bare = BareEnsemble(bench) if is_ensemble else BareServer(bench)
    samples = alternate(bench, [*servers, bare], bench.rounds, sample)
    bare.stop()
    return samples


def run_watchers(bench, servers):
    title = "1 write, 1,000 watchers"

    def sample(server):
        wait_quiet(servers)
        return bench.helper("watchers", *where_and_who(server), "--rounds", bench.watcher_rounds)

    samples = beside_bare(bench, servers, sample)
    bench.keep(title, samples)
    return [
        Row(title, "until the last event, median", "us", pick(samples, "p50_us"), ("apache", "max", 1 / 4)),
        Row(title, "the same beside a bare server", "us", pick(samples, "p50_us"), ("echo", "max", 1.25)),
        Row(title, "until the last event, worst", "us", pick(samples, "max_us")),
        Row(title, "server CPU", "us/event", pick(samples, "server_cpu_us_per_event")),
    ]


def run_sessions(rate, bench, servers):
    title = "2,000 sessions"

    def sample(server):
        wait_quiet(servers)
        return bench.helper("sessions", *where_and_who(server))

    alternate(bench, servers, WARM_UP_ROUNDS, sample)
    samples = beside_bare(bench, servers, sample)
    bench.keep(title, samples)
    return [
        Row(title, "opened", "1/s", pick(samples, "sessions_per_s"), ("apache", "min", rate)),
        Row(title, "the same beside a bare server", "1/s", pick(samples, "sessions_per_s"), ("echo", "min", 0.85)),
        Row(title, "server CPU", "us/session", pick(samples, "server_cpu_us_per_op")),
    ]


def fresh_sample(bench, server):
    """The largest member's memory right after a start, and 2,000 sessions of servers that have never seen one."""
    server.wipe()
    server.start()
    pause(1.0)
    memory = [memory_kb(pid) for pid in server.pids]
    opened = bench.helper("sessions", *where_and_who(server))
    server.kill()
    return {
        "resident_mb": max(kb["VmRSS"] for kb in memory) / 1024,
        "anonymous_mb": max(kb["RssAnon"] for kb in memory) / 1024,
        **opened,
    }


def run_fresh(rate, session_bytes, bench, servers):
    title = "2,000 sessions after a start"
    samples = alternate(bench, servers, bench.restart_rounds, lambda server: fresh_sample(bench, server))
    bench.keep(title, samples)
    return [
        Row("after start", "resident", "MB", pick(samples, "resident_mb"), (None, "max", 8)),
        Row("after start", "of it anonymous", "MB", pick(samples, "anonymous_mb")),
        Row(title, "opened", "1/s", pick(samples, "sessions_per_s"), ("apache", "min", rate)),
        Row(title, "resident each", "bytes", pick(samples, "rss_bytes_per_session"), (None, "max", session_bytes)),
    ]


def started(bench, server, *options):
    """Starts the server, or all members at once; kills them when one has served."""
    words = ["--server", server.endpoints("all"), "--output", server.output, *options]
    for member in server.members:
        words += ["--", *member.command]
    return bench.helper("startup", *words)


def run_start(bench, servers):
    title = "start, empty directory"

    def sample(server):
        server.wipe()
        os.sync()
        return started(bench, server)

    samples = alternate(bench, servers, bench.start_rounds, sample)
    bench.keep(title, samples)
    return [
        Row(title, "until a create is acknowledged", "ms", pick(samples, "ms"), (None, "max", 25)),
        Row(title, "CPU until then", "ms", pick(samples, "server_cpu_ms")),
    ]


def measure_restarts(bench, server, rounds, *options):
    """Every restart finds the directories as the SIGKILL left them; the copies are on the disk before the clock starts."""
    data = [member.data for member in server.members]
    for directory in data:
        os.rename(directory, directory + ".aside")
    samples = []
    for _ in range(rounds):
        bench.wait_for_machine()
        for directory in data:
            subprocess.run(["cp", "-a", "--sparse=never", directory + ".aside", directory], check=True)
        os.sync()
        samples.append(started(bench, server, *options, "--path", FILLED_NODE))
        for directory in data:
            shutil.rmtree(directory)
    for directory in data:
        shutil.rmtree(directory + ".aside")
    return samples


def run_tree(nodes, restart_ms, modify, bench, servers):
    """A tree of `nodes`: its memory, a checkpoint of many changes, and restarts after SIGKILL."""
    fills, restarts = {}, {}
    nodes, modify, targets = nodes // bench.shrink, modify // bench.shrink, bench.shrink == 1
    changes = ["--modify", modify, "--modify-rounds", bench.checkpoint_rounds]
    for server in servers:
        server.wipe()
        server.start()
        fills[server.name] = [bench.helper("fill", *where_and_who(server), "--nodes", nodes, *changes)]
        server.kill()
        restarts[server.name] = measure_restarts(bench, server, bench.restart_rounds, "--get")
        server.wipe()
    title = f"{nodes:,} znodes"
    bench.keep(title, {"fill": fills, "restart": restarts})
    rows = [
        Row(title, "restart after SIGKILL", "ms", pick(restarts, "ms"), targets and (None, "max", restart_ms)),
        Row(title, "CPU until then", "ms", pick(restarts, "server_cpu_ms")),
        Row(title, "created", "1/s", pick(fills, "fill", "ops_per_s")),
    ]
    return rows + (memory_rows(title, fills, modify, targets) if modify else [])


def memory_rows(title, fills, modify, targets):
    """Of each round of changes one figure; the longest gap of a round is the machine's as often as the server's, which
    shows in every round."""
    changes = f"checkpoint of {modify:,}"
    rounds = {name: [once for f in list_ for once in f["modify"]] for name, list_ in fills.items()}

    def of_each(figure):
        return {name: [figure(once) for once in list_] for name, list_ in rounds.items()}

    def longest(kind):
        return of_each(lambda once: max(once[phase][kind] for phase in ("gaps_changing", "gaps_after")) / 1000)

    gaps = longest("max_us")
    worst = {name: [max(list_)] for name, list_ in gaps.items()}
    extra = of_each(lambda once: (once["peak_anon_kb"] - once["anon_before_kb"]) / 1024)
    note = "" if all(once["rested"] for list_ in rounds.values() for once in list_) else "a server did not come to rest"
    return [
        Row(title, "RssAnon each", "bytes", pick(fills, "fill", "anon_bytes_per_node"), targets and (None, "max", 280)),
        Row(title, "resident each", "bytes", pick(fills, "fill", "rss_bytes_per_node")),
        Row(title, "file-backed each", "bytes", pick(fills, "fill", "file_bytes_per_node")),
        Row(title, f"{changes}: longest gap", "ms", gaps, targets and (None, "max", 5), note),
        Row(title, f"{changes}: longest gap of all", "ms", worst),
        Row(title, "the same without waits for a CPU", "ms", longest("running_max_us")),
        Row(title, "longest gap when idle", "ms", of_each(lambda once: once["gaps_quiet"]["max_us"] / 1000)),
        Row(title, f"{changes}: memory on top", "MB", extra, targets and (None, "max", 64)),
        Row(title, f"{changes}: written", "MB", of_each(lambda once: once["written_bytes"] / MB)),
    ]


TITLE = "One server"
# Those that share one pair of running servers, and those that start servers of their own: what to call by its key.
SERVED = {
    **{load.key: partial(run_load, load) for load in LOADS},
    **{trip.key: partial(run_round_trip, trip) for trip in ROUND_TRIPS},
    "watchers": run_watchers,
    "sessions": partial(run_sessions, 3),
}
ALONE = {
    "fresh": partial(run_fresh, 3, 2048),
    "start": run_start,
    "restart200k": partial(run_tree, 200_000, 200, 0),
    "million": partial(run_tree, 1_000_000, 1000, 100_000),
}
