#!/usr/bin/python3
"""The tests that kazoo brings along, as Debian packages them, on an ensemble of three in the place of the servers that they would start.

Part of `make test-long` only: they wait by the clock, for some three minutes."""
# sanitizers: no
# limit: 900
import logging
import os
import unittest

from ensemble import Ensemble, harness

KAZOOS_SUPER_DIGEST = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="  # super:test
SERVERS = 3
CASES_MIN = 400
NOT_OURS = {
    "test_connect_sasl_auth": "nobody can log in by SASL",
    "test_read_only": "takes a session of the ensemble up at a server without one, which Apache's refuse since 3.6 (client-protocol 5.9)",
}


class Place:
    """kazoo's ManagedZooKeeper: a server that keeps its directory."""

    def __init__(self, server):
        self.server = server

    @property
    def address(self):
        return self.server.address

    @property
    def client_port(self):
        return self.server.port

    @property
    def running(self):
        return self.server.alive()

    def run(self):
        if not self.running:
            self.server.launch()

    def stop(self):
        if self.running:
            self.server.terminate()


class Cluster:
    """kazoo's ZookeeperCluster, whatever kind of server its options ask for."""

    def __init__(self, **_options):
        self.ensemble = Ensemble([harness.server_class()] * SERVERS, reconfigEnabled="true",
                                 **{"DigestAuthenticationProvider.superDigest": KAZOOS_SUPER_DIGEST})
        self.places = [Place(self.ensemble[sid]) for sid in self.ensemble.members]

    def __getitem__(self, index):
        return self.places[index]

    def __iter__(self):
        return iter(self.places)

    def start(self):
        self.ensemble.start()

    def terminate(self):
        self.ensemble.stop()


class Reports:
    """A plugin of pytest: what became of each case."""

    def __init__(self):
        self.passed, self.failed = 0, []

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if item.name not in NOT_OURS]

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed += 1


class KazoosOwn(unittest.TestCase):
    def test_all_pass(self):
        import pytest
        import kazoo.tests
        import kazoo.testing.harness as kazoos
        kazoos.ZookeeperCluster = Cluster
        os.environ.update(ZOOKEEPER_PATH=harness.JARS, ZOOKEEPER_VERSION="3.8.0")
        logging.getLogger("kazoo").addHandler(logging.NullHandler())  # threads outlive the capturing of their case
        reports = Reports()
        quiet = ["-q", "--show-capture=no", "--disable-warnings", "-p", "no:cacheprovider"]
        ended = pytest.main([*quiet, kazoo.tests.__path__[0]], plugins=[reports])
        self.assertEqual(reports.failed, [])
        self.assertEqual(ended, pytest.ExitCode.OK)    # also when a file could not be collected
        self.assertGreater(reports.passed, CASES_MIN)
        print("%d cases of kazoo's own passed" % reports.passed)


if __name__ == "__main__":
    harness.need_kazoo()
    harness.main()
