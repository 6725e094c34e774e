"""One member of an ensemble of three agents, in the place of a server that a test talks to: what is shown of a server that
runs alone has to be true of a follower and of a leader, too.

    tests/crosscheck/crosscheck.py --subject follower
    tests/clients/kazoo_test.py --server leader"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from ensemble import AGENT, APACHE, Ensemble, harness, wire  # noqa: E402


class Member:
    """Looks like harness.Server; start() is that of the whole ensemble, restart() that of the one that is talked to."""

    sid = None
    programs = (AGENT,) * 3
    observers = ()
    own_settings = {}
    own_paths = ("/zookeeper/config",)    # which a server that runs alone has nothing to say in

    def __init__(self, settings=None, properties=None):
        # By Apache's rule: for keyed passwords agents among themselves have a node that Apache's servers have not. Nobody
        # is to be taken for dead here: a machine that stands still for half a second would cost clients their connection,
        # and a client that waits ever longer before it comes back to a restarted member its session.
        common = {"initLimit": 50, "syncLimit": 25, "maxSessionTimeout": 40000, "zooid.failureDetectionMs": 0,
                  "zooid.sessionPasswords": "apache"}
        self.ensemble = Ensemble(list(self.programs), list(self.observers), **{**common, **self.own_settings, **(settings or {})})
        for member in self.ensemble.members.values():
            member.server.properties.update(properties or {})
        self.server = self.ensemble[self.sid]

    def __getattr__(self, name):
        return getattr(self.server, name)

    @property
    def client_class(self):
        return wire.NudgingClient if self.programs[self.sid - 1] is APACHE else wire.Client

    def launch(self):
        """Of the two that vote first the one with the larger number leads."""
        self.ensemble.start([1, 3])
        self.ensemble.start([2])

    def start(self):
        self.launch()
        return self

    def wait_serving(self):
        self.ensemble.wait_serving(self.sid)

    def restart(self):
        """Whoever leads then."""
        self.server.kill()
        self.ensemble.start([self.sid])
        return self

    def stop(self):
        self.ensemble.stop()


class Follower(Member):
    sid = 1


class Leader(Member):
    sid = 3


class FollowerOfApache(Follower):
    programs = (AGENT, APACHE, APACHE)


class ApacheThatFollows(Follower):
    programs = (APACHE, AGENT, AGENT)


class ObserverOfFollower(Member):
    """An observer that has come in through observerMasterPort."""

    sid = 4
    observers = (AGENT,)

    def __init__(self, settings=None, properties=None):
        super().__init__(dict(settings or {}, observerMasterPort=harness.free_port()), properties)

    def launch(self):
        super().launch()
        self.ensemble.start([4])


class WithLocalSessions:
    own_settings = {"localSessionsEnabled": "true", "localSessionsUpgradingEnabled": "true"}


class LocalFollower(WithLocalSessions, FollowerOfApache):
    pass


class LocalLeader(WithLocalSessions, Leader):
    programs = (APACHE, APACHE, AGENT)


class LocalApacheFollower(WithLocalSessions, Follower):
    programs = (APACHE,) * 3


class LocalApacheLeader(WithLocalSessions, Leader):
    programs = (APACHE,) * 3


harness.SERVER_CLASSES.update({"follower": Follower, "leader": Leader, "follower-of-apache": FollowerOfApache,
                               "observer-of-follower": ObserverOfFollower, "apache-that-follows": ApacheThatFollows,
                               "local-follower": LocalFollower, "local-leader": LocalLeader,
                               "local-apache-follower": LocalApacheFollower, "local-apache-leader": LocalApacheLeader})
