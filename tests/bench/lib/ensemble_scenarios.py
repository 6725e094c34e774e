"""What is measured of ensembles of three, besides the loads that scenarios.py has for one server."""

import os
from functools import partial

import door_scenarios
import observer_scenarios
import scenarios
from scenarios import Load, Trip, alternate, many, pick
from servers import memory_kb, wait_quiet
from table import Row

LOADS = [
    Load("ensemble-get", "get 100 B at a follower, 16 x 64", many("get", outstanding=64), 4, 1 / 8, "follower"),
    Load("ensemble-mixed", "90 % get 10 % set at a follower, 16 x 16", many("getset"), 5, None, "follower"),
    Load("ensemble-mixed-all", "90 % get 10 % set at all three, 16 x 16", many("getset"), 5),
    Load("ensemble-set", "set 100 B at all three, 16 x 16", many("set"), 4, 1 / 6),
    Load("ensemble-create", "create 100 B at all three, 16 x 16", [*many("create"), "--cleanup"], 5, 1 / 6),
]

# A write at the leader goes to a follower's disk and back; one at a follower goes to the leader first.
ROUND_TRIPS = [
    Trip(
        "ensemble-set1-follower",
        "set 100 B at a follower, 1 x 1",
        "set",
        139,
        88,
        ["logged", "relay", "relay"],
        ("apache", "min", 3),
        "follower",
    ),
    Trip(
        "ensemble-set1-leader",
        "set 100 B at the leader, 1 x 1",
        "set",
        139,
        88,
        ["logged", "relay"],
        ("apache", "min", 3),
        "leader",
    ),
]

SNAPSHOT_NODES, SNAPSHOT_NODE_BYTES = 100_000, 1000


def lose_leader(bench, ensemble, servers, *options):
    """One sample: the leader goes; afterwards it is started again and all serve."""
    wait_quiet(servers)
    leader = ensemble.leader()
    ports = ",".join(str(member.port) for member in ensemble.members if member is not leader)
    result = bench.helper("failover", "--server", ports, "--pid", leader.pid, *options)
    leader.kill()
    leader.start()
    return result


def run_failover(tick_ms, bench, ensembles):
    title = f"leader killed, tickTime {tick_ms}"
    start_with_tick(ensembles, tick_ms)
    samples = alternate(bench, ensembles, bench.failovers, lambda ensemble: lose_leader(bench, ensemble, ensembles))
    stop(ensembles)
    bench.keep(title, samples)
    times = pick(samples, "ms")
    return [
        Row(title, "until a write succeeds", "ms", times, (None, "max", 120)),
        Row(title, "at worst", "ms", {name: [max(list_)] for name, list_ in times.items()}, (None, "max", 400)),
    ]


def run_stopped(tick_ms, bench, ensembles):
    title = f"leader stopped, tickTime {tick_ms}"
    start_with_tick(ensembles, tick_ms)
    samples = alternate(bench, ensembles, bench.stops, lambda ensemble: lose_leader(bench, ensemble, ensembles, "--stop"))
    stop(ensembles)
    bench.keep(title, samples)
    return [Row(title, "until a write succeeds", "ms", pick(samples, "ms"), (None, "max", 1000))]


def start_with_tick(ensembles, tick_ms):
    for ensemble in ensembles:
        ensemble.set_tick(tick_ms)
        ensemble.wipe()
        ensemble.start()


def stop(ensembles):
    for ensemble in ensembles:
        ensemble.kill()
        ensemble.set_tick(2000)


def fill(bench, ensemble, nodes, size):
    leader = ensemble.leader()
    return bench.helper("fill", "--server", leader.port, "--pid", leader.pid, "--nodes", nodes, "--size", size)


def run_snapshot(bench, ensembles):
    """A follower with an empty directory joins while a client writes at the leader."""
    nodes = SNAPSHOT_NODES // bench.shrink
    title = f"{nodes * SNAPSHOT_NODE_BYTES // 1_000_000} MB to a fresh follower"
    start_with_tick(ensembles, 2000)
    for ensemble in ensembles:
        fill(bench, ensemble, nodes, SNAPSHOT_NODE_BYTES)
    samples = alternate(bench, ensembles, bench.restart_rounds, lambda ensemble: join(bench, ensemble, ensembles))
    stop(ensembles)
    bench.keep(title, samples)
    slower = {name: [s["during"]["p99_us"] / s["before"]["p99_us"] for s in list_] for name, list_ in samples.items()}
    return [
        Row(title, "until it serves", "ms", pick(samples, "ms"), bench.shrink == 1 and (None, "max", 2000)),
        Row(title, "CPU of the follower", "ms", pick(samples, "server_cpu_ms")),
        Row(title, "p99 of a write before", "us", pick(samples, "before", "p99_us")),
        Row(title, "p99 of a write meanwhile", "us", pick(samples, "during", "p99_us")),
        Row(title, "meanwhile / before", "x", slower, bench.shrink == 1 and (None, "max", 2)),
    ]


def join(bench, ensemble, ensembles):
    follower, leader = ensemble.followers()[0], ensemble.leader()
    follower.kill()
    follower.wipe()
    os.sync()
    wait_quiet(ensembles)
    write = ["--server", leader.port, *many("set", 1, 1), "--warmup", 0, "--seconds"]
    before = bench.helper("load", *write, bench.seconds)
    writer = bench.spawn("load", *write, scenarios.HELPER_LIMIT_S)
    sample = scenarios.started(bench, follower, "--get", "--path", scenarios.FILLED_NODE)
    during = bench.finish(writer)
    follower.start()
    return {**sample, "before": before, "during": during}


def run_restart(bench, ensembles):
    nodes = 200_000 // bench.shrink
    title = f"{nodes:,} znodes, all three restarted"
    samples = {}
    for ensemble in ensembles:
        ensemble.wipe()
        ensemble.start()
        fill(bench, ensemble, nodes, 100)
        ensemble.kill()
        samples[ensemble.name] = scenarios.measure_restarts(bench, ensemble, bench.restart_rounds, "--set")
        ensemble.wipe()
    bench.keep(title, samples)
    return [
        Row(title, "until a write succeeds", "ms", pick(samples, "ms"), bench.shrink == 1 and (None, "max", 500)),
        Row(title, "CPU until then", "ms", pick(samples, "server_cpu_ms")),
    ]


TITLE = "An ensemble of three servers on this machine"
SERVED = {
    **{load.key: partial(scenarios.run_load, load) for load in LOADS},
    **{trip.key: partial(scenarios.run_round_trip, trip) for trip in ROUND_TRIPS},
    "ensemble-sessions": partial(scenarios.run_sessions, 5),
    "ensemble-death": door_scenarios.run_death,
}
ALONE = {
    "ensemble-fresh": partial(scenarios.run_fresh, 5, 5 * 1024),
    "ensemble-kill": partial(run_failover, 2000),
    "ensemble-kill-200": partial(run_failover, 200),
    "ensemble-stop": partial(run_stopped, 2000),
    "ensemble-stop-200": partial(run_stopped, 200),
    "ensemble-snapshot": run_snapshot,
    "ensemble-restart": run_restart,
    "observers": observer_scenarios.run,
}
