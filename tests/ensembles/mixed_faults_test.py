#!/usr/bin/python3
"""Members of mixed ensembles that are killed, stopped, emptied or left behind while clients write: whichever server leads,
nothing acknowledged is lost and all have the same tree in the end."""
# limit: 900
import unittest

from ensemble import AGENT, APACHE, Ensemble, harness
from faults_test import Faults, Writers, assert_whole

ROUNDS = 5


class Mixed:
    """The tests of agents alone, but for what rests on agents among themselves. Apache's servers are not asked whether a
    digest differed: below one another they log twice what they were proposed when they fall over a COMMIT (4394), and count
    that when they start."""

    test_a_leader_that_has_logged_nothing_ends_and_starts_again = None
    test_what_only_the_leader_has_is_given_up = None

    def ensemble(self, programs=None, observers=(), **settings):
        """Those that start late are waited for."""
        del programs
        return super().ensemble(self.programs, self.observers if observers else (), **{"initLimit": 40, **settings})

    def assert_whole(self, ensemble, writers):
        agents = [sid for sid, member in ensemble.members.items() if member.program is AGENT]
        assert_whole(self, ensemble, writers, counting=agents)


class MostlyAgents(Mixed, Faults):
    programs, observers = (AGENT, APACHE, AGENT), [APACHE]


class MostlyApaches(Mixed, Faults):
    programs, observers = (APACHE, AGENT, APACHE), [AGENT]


class BelowAnAgent(unittest.TestCase):
    def test_apache_s_follower_comes_back_under_load(self):
        """[7.1 4394] It falls over a COMMIT between NEWLEADER and UPTODATE: an agent tells it behind UPTODATE."""
        ensemble = Ensemble([APACHE, AGENT, AGENT], initLimit=40)
        self.addCleanup(ensemble.stop)
        ensemble.start([2, 3])
        ensemble.start([1])
        self.assertEqual(ensemble.leader(), 3)
        writers = Writers(ensemble, count=6, sids=[2, 3])
        for _ in range(ROUNDS):
            writers.wait_for(100)
            ensemble[1].kill()
            writers.wait_for(100)
            ensemble[1].launch()
            ensemble.wait_serving(1)
        writers.stop()
        assert_whole(self, ensemble, writers)
        with open(ensemble[1].log_path, encoding="utf-8") as log:
            self.assertNotIn("NullPointerException", log.read())


del Faults    # they are run by faults_test.py

if __name__ == "__main__":
    harness.main()
