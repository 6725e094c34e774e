"""The local door through libzooid: round trips beside a bare Unix socket, gets in a pipeline beside the TCP front, a
subscription under load, and the end of a process. Only the agent has such a door."""

import os
import statistics

from scenarios import Yardstick, alternate, many, pick
from servers import wait_quiet
from table import Row

PIPELINE = 64
CHANGES_A_SECOND = 20000
CHANGES_S = 3
REQUEST, REPLY = 27, 155  # bytes of a get of 100 bytes at the local door


def door(server):
    return os.path.join(server.data, "zooid", "zooid.sock")


def agents(servers):
    return [server for server in servers if server.name == "zooid"]


class UnixEcho(Yardstick):
    def __init__(self, bench):
        super().__init__("echo")
        self.path = os.path.join(bench.work, "echo.sock")
        self.start(bench, "echo", "--socket", self.path, "--request", REQUEST, "--reply", REPLY)


def stay_on(pids, cpus):
    """All threads of the processes."""
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), cpus)


def round_trips(bench, agent, stick, *options):
    def sample(server):
        if server is stick:
            words = ["--op", "echo", "--socket", stick.path, "--request", REQUEST, "--reply", REPLY]
        else:
            words = ["--op", "get", "--socket", door(server)]
        return bench.helper("door", *words, *options, *bench.short_times())

    return alternate(bench, [agent, stick], bench.short_rounds, sample)


def run_get(bench, servers):
    rows = []
    for agent in agents(servers):
        stick = UnixEcho(bench)
        wait_quiet(servers)
        free = round_trips(bench, agent, stick)
        all_cpus = os.sched_getaffinity(agent.pid)
        one = {min(all_cpus)}
        stay_on([*agent.pids, *stick.pids], one)
        pinned = round_trips(bench, agent, stick, "--cpu", min(one))
        stay_on(agent.pids, all_cpus)
        stick.stop()
        for title, samples in (("libzooid: get, 1 x 1", free), ("libzooid: get, 1 x 1, all on one CPU", pinned)):
            bench.keep(title, samples)
            target = ("echo", "min", 0.65) if samples is free else None
            rows += [
                Row(title, "round trips", "1/s", pick(samples, "ops_per_s"), target, ratio_note(samples)),
                Row(title, "p50", "us", pick(samples, "p50_us")),
            ]
    return rows


def ratio_note(samples):
    pairs = zip(samples["zooid"], samples["echo"])
    of_medians = statistics.median(theirs["p50_us"] / ours["p50_us"] for ours, theirs in pairs)
    return f"{of_medians:.2f} of the bare socket's by the medians of single round trips"


def pipelines(agent):
    """{name: program and options} of clients with so many requests outstanding on one connection: two at the local door
    and two at the TCP front. `libzooid` and ZooKeeper's `c-library` give each reply to a program; `door` and `front`
    make nothing of them."""
    at_door = ["--socket", door(agent), "--pid", agent.pid, "--outstanding", PIPELINE]
    at_front = ["--server", f"127.0.0.1:{agent.port}", "--pid", agent.pid]
    return {
        "libzooid": ["door", "--op", "get", *at_door],
        "c-library": ["c_client", *at_front, "--outstanding", PIPELINE],
        "door": ["door_load", *at_door],
        "front": ["load", *at_front, *many("get", 1, PIPELINE)],
    }


def cpu_note(samples, name):
    cpu = [statistics.median(pick(samples, f"{side}_cpu_us_per_op")[name]) for side in ("client", "server")]
    rate = statistics.median(pick(samples, "ops_per_s")[name])
    return f"{name} {rate:,.0f}/s with {cpu[0]:.2f} us of CPU in the client and {cpu[1]:.2f} in the agent"


def run_pipeline(bench, servers):
    """Like with like: library beside library, and what does without beside what does without."""
    title = f"get, 1 x {PIPELINE}"
    rows = []
    for agent in agents(servers):
        clients = pipelines(agent)
        takers = [type("Client", (), {"name": name, "pids": []}) for name in clients]

        def sample(taker, clients=clients):
            wait_quiet(servers)
            return bench.helper(*clients[taker.name], *bench.load_times())

        samples = alternate(bench, takers, bench.rounds, sample)
        bench.keep(title, samples)
        rates = pick(samples, "ops_per_s")

        def row(figure, ours, theirs, target):
            both = {"zooid": rates[ours], theirs: rates[theirs]}
            note = "; ".join(cpu_note(samples, name) for name in (ours, theirs))
            rows.append(Row(title, figure, "1/s", both, (theirs, "min", target), note))

        row("libzooid beside ZooKeeper's C library at the TCP front", "libzooid", "c-library", 1)
        row("no library: at the door beside the TCP front", "door", "front", 1)
        row("libzooid beside no library at the TCP front", "libzooid", "front", 1)
    return rows


def run_subscription(bench, servers):
    """The program itself ends when a change is missing or out of order."""
    title = f"subscription, {CHANGES_A_SECOND:,} changes/s"
    rows = []
    for agent in agents(servers):

        def sample(server):
            wait_quiet(servers)
            words = ["--op", "subscribe", "--rate", CHANGES_A_SECOND, "--seconds", CHANGES_S if bench.shrink == 1 else 0.5]
            return bench.helper("door", *words, "--socket", door(server))

        samples = alternate(bench, [agent], bench.rounds, sample)
        bench.keep(title, samples)
        behind = pick(samples, "behind_reply_p50_us")
        rows += [
            Row(title, "changes told", "1/s", pick(samples, "changes_per_s")),
            Row(title, "behind the writer's own reply, median", "us", behind, (None, "max", 1000)),
            Row(title, "since it was sent, disk included, median", "us", pick(samples, "p50_us")),
            Row(title, "since it was sent, p99", "us", pick(samples, "p99_us")),
        ]
    return rows


def run_death(bench, servers):
    """A process at one follower's door, seen from another's."""
    title = "process killed until its ephemeral is gone"
    rows = []
    for ensemble in agents(servers):

        def sample(ensemble):
            wait_quiet(servers)
            here, there = ensemble.followers()
            words = ["--op", "death", "--socket", door(here), "--other", door(there)]
            return bench.helper("door", *words, "--rounds", 50 if bench.shrink == 1 else 5)

        samples = alternate(bench, [ensemble], bench.rounds, sample)
        bench.keep(title, samples)
        medians = {name: [us / 1000 for us in values] for name, values in pick(samples, "p50_us").items()}
        slowest = {name: [us / 1000 for us in values] for name, values in pick(samples, "max_us").items()}
        rows += [
            Row(title, "on another member, median", "ms", medians, (None, "max", 50)),
            Row(title, "on another member, slowest", "ms", slowest),
        ]
    return rows
