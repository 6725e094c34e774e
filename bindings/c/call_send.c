/* call_send.c - requests are sent, in the order of their submission; and what each kind of them takes. */
#include "bindings/c/internal.h"

#define BODY(name) ZOOID__LOCAL__TO_AGENT__BODY_##name

static bool is_write(const to_agent *m)
{
    switch (m->body_case) {
    case BODY(CREATE):
    case BODY(DELETE):
    case BODY(SET):
    case BODY(SET_ACL):
    case BODY(MULTI):
    case BODY(RECONFIGURE): return true;
    default: return false;
    }
}

bool call_may_have_effect(const to_agent *m)
{
    return is_write(m) || m->body_case == BODY(CALL);
}

bool call_is_endless(const to_agent *m)
{
    switch (m->body_case) {
    case BODY(SUBSCRIBE):
    case BODY(BACKUP):
    case BODY(MONITOR):
    case BODY(PROVIDE): return true;
    default: return false;
    }
}

static bool needs_session(const to_agent *m)
{
    return is_write(m) || m->body_case == BODY(EPHEMERALS);
}

/* The session is asked for before the first request that needs one, rather than left to the agent: only then its token
 * is told, by which it is taken up again after a reconnect. */
bool call_send_locked(zooid_client *c, struct call *call)
{
    to_agent *m = &call->request->m;
    if (needs_session(m) && !c->wants_session) {
        c->wants_session = true;
        if (!link_open_session_locked(c))
            return false;
    }
    if (m->body_case == BODY(OPEN_SESSION))
        link_describe_session_locked(c, m->open_session);
    if (m->body_case == BODY(CLOSE_SESSION))
        c->wants_session = false; /* until something needs one again */
    m->has_id = true;
    m->id = call->ticket;
    m->has_deadline_ms = call->deadline_ms != INT64_MAX && !call_is_endless(m);
    if (m->has_deadline_ms) {
        int64_t left = call->deadline_ms - now_about_ms();
        left = left > call->given_ms ? call->given_ms : left;
        m->deadline_ms = left < 1 ? 1 : (uint32_t)left;
    }
    if (!link_send_locked(c, m))
        return false;
    c->unsent_count -= call->is_sent ? 0 : 1;
    call->is_sent = true;
    return true;
}

void calls_send_locked(zooid_client *c)
{
    struct call *call = &c->calls;
    if (c->resuming)
        return;
    for (size_t i = 0; i < c->unsent_count; i++)
        call = call->prev;
    for (struct call *next; c->unsent_count > 0 && call != &c->calls; call = next) {
        next = call->next;
        if (!call_send_locked(c, call))
            return;
    }
}
