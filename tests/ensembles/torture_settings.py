"""Settings of a tortured ensemble, drawn from a seed: small limits, so that in seconds every queue is full once, every file is
begun anew and purged, and every way of catching up is taken."""

# What all members have alike.
COMMON = {
    "tickTime": (200, 500, 1000, 2000),
    "zooid.sessionPasswords": ("keyed", "keyed", "apache"),
    "zooid.failureDetectionMs": (0, 200, 500, 500),
    "zooid.electionQuietTime": (5, 20, 200),
    "observerMasterPort": (None, None, "a port"),
    "jute.maxbuffer": (1048575, 600000),
    "zooid.txnsPerEpoch": (4294967294, 4294967294, 3000),
    "zooid.maxLinkQueue": (1048576, 67108864),
    "zooid.maxPendingProposals": (1048576, 268435456),
    "localSessionsEnabled": ("false", "false", "true"),
    "sslQuorum": ("false", "false", "false", "true"),
}

# What each has of its own.
OWN = {
    "snapCount": (10, 40, 150, 600, 2000),
    "snapSizeLimitInKb": (64, 1024, 4194304),
    "preAllocSize": (64, 1024, 16384),
    "txnLogSizeLimitInKb": (-1, -1, 64, 512),
    "autopurge.snapRetainCount": (3, 3, 5),
    "autopurge.purgeInterval": ("0", "50ms", "1s", "1h"),
    "zooid.logRetainBytes": (0, 65536, 1048576, 536870912),
    "zooid.logRetainTime": ("0", "1s", "1h"),
    "zooid.loopSyncUs": (0, 1000, 1000000),
    "zooid.loopAwakeUs": (0, 50, 10000),
    "zooid.busyPollUs": (0, 50, 10000),
    "zooid.checkpointSliceUs": (50, 500),
    "zooid.checkpointMemory": (1048576, 67108864),
    "zooid.checkpointMapSize": (67108864, 1099511627776),
    "commitLogCount": (0, 500),
    "zooid.maxCommittedLog": (65536, 67108864),
    "leader.maxConcurrentSnapSyncs": (1, 10),
    "leader.maxConcurrentDiffSyncs": (1, 100),
    "snapshotSizeFactor": (-1, 0, 0.33),
    "zooid.snapshotSendRate": (0, 262144, 67108864),
    "zooid.resyncInterval": ("1s", "1h"),
    "zooid.observerMasterRetryMs": (0, 500),
    "observer.election.DelayMs": (0, 200),
    "zooid.drainTimeout": ("100ms", "2s", "10s"),
    "globalOutstandingLimit": (1, 10, 1000),
    "zooid.maxOutstandingPerClient": (1, 1000),
    "zooid.maxLogInFlight": (1048576, 67108864),
    "zooid.maxOutputPerClient": (65536, 262144),
    "zooid.maxEventBacklog": (262144, 16777216),
    "zooid.localUnsentMax": (262144, 134217728),
    "zooid.localHistoryMax": (65536, 16777216),
    "zooid.localWindowMax": (4096, 1048576),
    "zooid.localBackupBytesMax": (65536, 134217728),
    "audit.enable": ("false", "false", "true"),
    "readonlymode.enabled": ("false", "true"),
    "znode.container.checkIntervalMs": (50, 300),
    "zooid.logLevel": ("info", "info", "debug"),
}

# Of those what SIGHUP takes over.
RELOADED = (
    "snapCount", "snapSizeLimitInKb", "txnLogSizeLimitInKb", "autopurge.snapRetainCount", "autopurge.purgeInterval",
    "zooid.logRetainBytes", "zooid.logRetainTime", "zooid.loopSyncUs", "zooid.loopAwakeUs", "zooid.busyPollUs",
    "zooid.checkpointSliceUs", "zooid.resyncInterval", "zooid.drainTimeout", "globalOutstandingLimit", "zooid.maxOutstandingPerClient", "zooid.maxLogInFlight",
    "zooid.maxOutputPerClient", "zooid.localUnsentMax", "zooid.localWindowMax", "zooid.localBackupBytesMax", "zooid.logLevel",
)

INIT_MS, SYNC_MS = 20000, 5000


def drawn(rng, choices):
    return {key: rng.choice(values) for key, values in choices.items()}


def common(rng, free_port, stores):
    """`stores`: the settings of a certificate that each member may show."""
    settings = drawn(rng, COMMON)
    settings["localSessionsUpgradingEnabled"] = settings["localSessionsEnabled"]    # for those who make ephemerals
    if settings["sslQuorum"] == "true":
        settings.update(stores)
    tick = settings["tickTime"]
    settings.update({"initLimit": max(5, INIT_MS // tick), "syncLimit": max(3, SYNC_MS // tick),
                     "znode.container.maxNeverUsedIntervalMs": 500, "minSessionTimeout": 1000, "maxSessionTimeout": 600000})
    if settings["observerMasterPort"] is None:
        settings["quorumListenOnAllIPs"] = rng.choice(("false", "true"))
        del settings["observerMasterPort"]
    else:
        settings["observerMasterPort"] = free_port()
    return settings


def reloaded(rng):
    """A few settings with other values."""
    return {key: rng.choice(OWN[key]) for key in rng.sample(RELOADED, 4)}
