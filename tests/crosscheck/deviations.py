"""Where the agent answers otherwise than Apache ZooKeeper 3.8.0 on purpose, in one table.

What is so different that it cannot be compared at all is not asked by the generator:
    top-level check (13)        3.8.0 never answers a successful one; newer servers and the agent answer -6 and close
    createSession, deleteContainer from a client    internal operations; the agent answers -6 and closes
    createTTL with a flag without TTL and ttl -1    ends an Apache server for good
    watch modes mixed on one path    one mode at a time in 3.8, independent ones since 3.9 and here
    watcher types 4 and 5       unknown to 3.8
    wrong password while the session is connected    Apache cuts off the session's owner
    sasl without a token        Apache closes the connection
    reconfig that cannot be decoded    takes no zxid in Apache, unlike all other writes; here it does
    quota nodes: setData on zookeeper_stats (Apache counts on from what is written), limits without statistics
                                (not enforced there), statistics without limits (filled in there), setData that shrinks
                                what is above its limit (refused there)
    ""                          watched, it is not the root in Apache; getAllChildrenNumber counts the root as well
    characters beyond U+FFFF    are echoed by Apache as two surrogates, which is not UTF-8
    null paths in a multi       are answered with a body behind the error in Apache
    requests behind closeSession, auth in a burst    Apache's order depends on its threads"""
import collections

import wire

# `applies` gets the request and both replies, and says whether their difference is this deviation. `mend` is called
# with the run and the connection's number afterwards, for deviations that leave the two servers in different states.
Deviation = collections.namedtuple("Deviation", "name reason applies mend")


def no_mending(_run, _slot):
    pass


def new_connection(run, slot):
    """Forgets watches that one of the two has set."""
    run.reconnect(slot)


def is_ttl_create_in_multi(request, theirs, ours):
    is_so = request.op == "multi" and request.fields and any(
        op in ("create", "create2") and fields["flags"] in (5, 6) for op, fields in request.fields["ops"])
    return is_so and (theirs.err, ours.err) == (-5, 0) and any(
        err == -8 for _kind, err, _fields in ours.body["results"])


DEVIATIONS = [
    Deviation("watch of another connection found",
              "3.8.0 says yes when any connection watches the path, the agent when the asking one does",
              lambda request, theirs, ours: request.op == "checkWatches" and (theirs.err, ours.err) == (0, -121),
              no_mending),
    Deviation("exists needs READ",
              "3.8.0 shows the Stat of a node to anyone; newer servers and the agent only to who may read it",
              lambda request, theirs, ours: request.op == "exists" and (theirs.err, ours.err) == (0, -102),
              new_connection),
    Deviation("null path",
              "Apache's error depends on whether the operation checks the path or stumbles over it; sync takes it",
              lambda request, theirs, ours: request.fields and request.fields.get("path", "") is None
              and ours.err == -5 and (theirs.err in (-8, -121) or (request.op == "sync" and theirs.err == 0)),
              no_mending),
    Deviation("no such watch on no such path",
              "3.8.0 stumbles over a path without a leading slash once a recursive watch exists",
              lambda request, theirs, ours: request.op == "checkWatches" and (theirs.err, ours.err) == (-5, -121)
              and request.fields and not request.fields["path"].startswith("/"), no_mending),
    Deviation("TTL flags of a create in a multi",
              "3.8.0 rejects the whole request as malformed; the agent fails the operation, as with other bad flags",
              is_ttl_create_in_multi, no_mending),
    Deviation("multi that cannot be decoded, of a local session",
              "3.8.0 looks into it for ephemerals, and then takes what it has not looked at for the whole: nothing",
              lambda request, theirs, ours: request.op == "multi" and (theirs.err, ours.err) == (0, -5)
              and theirs.body == {"results": []}, no_mending),
]


def deviations_between(requests, reference, subject):
    """The deviations that explain every difference of two lists of what was seen; None when one stays unexplained."""
    if len(reference) != len(subject):
        return None
    waiting, found = list(requests), []
    for theirs, ours in zip(reference, subject):
        is_reply = isinstance(theirs, wire.Reply) and isinstance(ours, wire.Reply)
        request = waiting.pop(0) if is_reply and waiting else None
        if theirs == ours:
            continue
        row = request and next((row for row in DEVIATIONS if row.applies(request, theirs, ours)), None)
        if not row:
            return None
        found.append(row)
    return found
