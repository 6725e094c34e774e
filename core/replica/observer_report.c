/* observer_report.c - what zab knows of an observer, with what was counted at its link. */
#include "core/replica/observer_report.h"

#include "core/replica/member.h"

static struct link_volume given_to(const struct membership *m, const struct member_link *link)
{
    struct link_volume given = link->given;
    if (link->fed) {
        given.packets += m->fed.packets - link->fed_before.packets;
        given.bytes += m->fed.bytes - link->fed_before.bytes;
    }
    return given;
}

static bool next_observer(const struct membership *m, const void **at, struct zab_learner_report *learner)
{
    while (zab_learner_next(m->zab, at, learner))
        if (learner->observer)
            return true;
    return false;
}

bool replica_observer_next(const struct replica *r, const void **at, struct replica_observer *observer)
{
    const struct membership *m = r->member;
    struct zab_learner_report learner;
    if (m == NULL || !next_observer(m, at, &learner))
        return false;
    const struct member_link *link = member_link_find(m, learner.link);
    const struct link_volume given = link == NULL ? (struct link_volume){0} : given_to(m, link);
    const struct link_stats reset = link == NULL ? (struct link_stats){0} : link->reset;
    *observer = (struct replica_observer){
        .sid = learner.sid,
        .link = learner.link,
        .established_ms = link == NULL ? 0 : link->established_ms,
        .packets_received = learner.packets - reset.received,
        .requests = learner.requests - reset.requests,
        .packets_given = given.packets - reset.given,
        .packet_bytes = given.packets == 0 ? 0 : (given.bytes + given.packets - 1) / given.packets,
        .last_zxid = learner.last_zxid,
    };
    return true;
}

uint64_t replica_observer_queued(const struct replica_observer *observer, size_t unsent)
{
    if (observer->packet_bytes == 0)
        return 0;
    const uint64_t queued = (unsent + observer->packet_bytes - 1) / observer->packet_bytes;
    return queued < observer->packets_given ? queued : observer->packets_given;
}

void replica_reset_observer_stats(struct replica *r)
{
    struct zab_learner_report learner;
    const void *at = NULL;
    while (r->member != NULL && next_observer(r->member, &at, &learner)) {
        struct member_link *link = member_link_find(r->member, learner.link);
        if (link != NULL)
            link->reset = (struct link_stats){learner.packets, learner.requests, given_to(r->member, link).packets};
    }
}
