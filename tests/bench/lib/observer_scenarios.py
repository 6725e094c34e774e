"""What many observers cost: real ones on this machine, and a thousand in the core alone."""

import os

from ensemble import LIMITS
from ports import free_port
from scenarios import pick
from servers import cpu_seconds, memory_kb, pause
from table import Row

RATE, SIZE = 5000, 100
CORE_OBSERVERS = 1000


def make_observers(bench, ensemble, count):
    """Each has the voters' lines and one of its own; the voters need not know of it."""
    voters = [line for line in ensemble.members[0].lines if line.startswith("server.")]
    observers = []
    for number in range(count):
        sid = 100 + number
        observer = ensemble.make(os.path.join(ensemble.directory, f"observer-{sid}"))
        own = f"server.{sid}=127.0.0.1:{free_port()}:{free_port()}:observer"
        observer.sid, observer.lines = sid, [*LIMITS, *voters, own, "peerType=observer"]
        observer.wipe()
        observers.append(observer)
    bench.servers += observers
    return observers


def cpu_of(servers):
    return sum(cpu_seconds(pid) for server in servers for pid in server.pids)


def measure(bench, ensemble, observers):
    leader = ensemble.leader()
    before = cpu_of(observers), cpu_of(ensemble.followers())
    ports = ",".join(str(observer.port) for observer in observers)
    arguments = ["--server", leader.port, "--observers", ports, "--rate", RATE, "--size", SIZE, "--pid", leader.pid]
    sample = bench.helper("paced", *arguments, "--seconds", 4 * bench.seconds)
    each = len(observers) * sample["writes"] / 1e6
    sample["observer_cpu_us"] = (cpu_of(observers) - before[0]) / each
    sample["follower_cpu_us"] = (cpu_of(ensemble.followers()) - before[1]) / (2 * sample["writes"] / 1e6)
    sample["observer_rss_kb"] = max(memory_kb(observer.pid)["VmRSS"] for observer in observers)
    return sample


def run_real(bench, ensembles):
    ours = [ensemble for ensemble in ensembles if ensemble.name == "zooid"]
    if not ours:
        return []
    count = 50 // min(bench.shrink, 10)
    ensemble = ours[0]
    ensemble.wipe()
    ensemble.start()
    observers = make_observers(bench, ensemble, count)
    for observer in observers:
        observer.launch()
    for observer in observers:
        observer.wait_serving()
    pause(1)
    samples = {"zooid": [measure(bench, ensemble, observers) for _ in range(bench.restart_rounds)]}
    for server in [*observers, ensemble]:
        server.kill()
    title = f"{count} observers of one leader, {RATE:,} sets of {SIZE} B a second"
    bench.keep(title, samples)
    figures = [
        ("writes", "/s", "writes_per_s", (None, "min", 0.99 * RATE)),
        ("p99 of a write", "us", "p99_us", None),
        ("an observer behind at worst", "writes", "behind_writes_max", None),
        ("and on the average", "writes", "behind_writes_mean", None),
        ("last write until all have it", "ms", "caught_up_ms", None),
        ("CPU of the leader", "us/write", "server_cpu_us_per_op", None),
        ("CPU of a follower", "us/write", "follower_cpu_us", None),
        ("CPU of an observer", "us/write", "observer_cpu_us", None),
        ("memory of an observer at most", "kB", "observer_rss_kb", None),
    ]
    full = bench.shrink == 1
    return [Row(title, name, unit, pick(samples, key), full and target) for name, unit, key, target in figures]


def run_core(bench, _ensembles):
    """The leader's protocol alone: what is said to each, and what it takes to say it."""
    title = f"{CORE_OBSERVERS:,} observers, the leader's core alone"
    rounds = range(bench.rounds)
    many = [bench.helper("fanout", "--observers", CORE_OBSERVERS, "--rate", RATE, "--size", SIZE) for _ in rounds]
    one = [bench.helper("fanout", "--observers", 1, "--rate", RATE, "--size", SIZE) for _ in rounds]
    bench.keep(title, {"zooid": many, "one": one})

    def per_write(samples, figure):
        return {"zooid": [figure(sample) / sample["writes"] for sample in samples]}

    def of_each(sample, what):
        return sum(kind[what] for kind in sample["each"].values())

    return [
        Row(title, "messages to each", "/write", per_write(many, lambda sample: of_each(sample, "messages"))),
        Row(title, "bytes to each", "/write", per_write(many, lambda sample: of_each(sample, "bytes"))),
        Row(title, "bytes to all", "/write", per_write(many, lambda sample: sample["sent_bytes"])),
        Row(title, "bytes encoded for them", "/write", per_write(many, lambda sample: sample["encoded_bytes"])),
        Row(title, "effects for them", "/write", per_write(many, lambda sample: sample["effects"])),
        Row(title, "CPU of the leader's core", "us/write", pick({"zooid": many}, "cpu_us_per_write")),
        Row(title, "the same with one observer", "us/write", pick({"zooid": one}, "cpu_us_per_write")),
    ]


def run(bench, ensembles):
    return run_core(bench, ensembles) + run_real(bench, ensembles)
