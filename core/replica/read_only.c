/* read_only.c - a member that looks for a leader in vain serves reads to clients that are content with that
 * (client-protocol 5.9).
 *
 * It begins some time after the election has, and ends with it: whoever is connected is sent away and comes again, with
 * its watches, to a member that is in step. What is read is the tree as the log has it, the last txns of which may yet
 * turn out never to have been committed, as with Apache's server. */
#include "core/replica/member.h"

enum { READ_ONLY_AFTER_MS = 2000 }; /* or a tick, if that is longer */

/* A history that is not to be trusted is shown to nobody. */
void read_only_wait(struct replica *r)
{
    int64_t after_ms = r->options.tick_ms > READ_ONLY_AFTER_MS ? r->options.tick_ms : READ_ONLY_AFTER_MS;
    bool may_be = r->options.read_only && !r->member->claims_less;
    r->member->read_only_due_us = may_be ? r->now_us + after_ms * 1000 : INT64_MAX;
}

enum status read_only_begin(struct replica *r)
{
    struct membership *m = r->member;
    if (r->now_us < m->read_only_due_us || r->log_failed || r->stopping)
        return ST_OK;
    m->read_only_due_us = INT64_MAX;
    r->service = SERVICE_READ_ONLY;
    LOG_WARN(r->log, "ensemble", "no leader is found: reads are served to clients that allow it");
    return member_show_config(r);
}

enum status read_only_end(struct replica *r, struct outbox *out)
{
    r->member->read_only_due_us = INT64_MAX;
    if (r->service != SERVICE_READ_ONLY)
        return ST_OK;
    r->service = SERVICE_NONE;
    LOG_INFO(r->log, "ensemble", "reads are served no longer without a leader");
    enum status st = client_close_all(r, out);
    sessions_clear(r->local);
    return st;
}
