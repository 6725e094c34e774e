/* member_relay.c - what the observers of a follower ask of the leader, and the leader's answers to them
 * (quorum-protocol 2.11).
 *
 * To the leader it is all this follower's own: it answers on the one link, in the order in which it was asked. So syncs
 * stand in one line with those of this server's clients, and an answer about a session goes to whoever was the first to
 * ask about that one. What observers hear of their sessions is told the leader with its next PING. */
#include "core/base/mem.h"
#include "core/replica/member.h"
#include "core/zab/request.h"

/* An observer waits for the leader's word about a session. */
struct revalidation {
    struct list link; /* member->revalidations */
    uint64_t link_id;
    struct touch session;
};

static enum status pass_on(struct replica *r, const struct packet *packet, struct outbox *out)
{
    return member_send_packet(r, zab_leader_link(r->member->zab), packet, out);
}

static bool has_room(const struct replica *r)
{
    return r->member->relayed < r->options.relayed_max;
}

static enum status note_sync(struct membership *m, uint64_t link)
{
    struct member_sync *sync = mem_calloc(1, sizeof *sync);
    if (sync == NULL)
        return ST_NO_MEMORY;
    sync->link_id = link;
    list_append(&m->syncs, &sync->link);
    m->relayed++;
    return ST_OK;
}

/* The one that has waited longest. */
static struct revalidation *asked_about(const struct membership *m, int64_t session_id)
{
    LIST_FOR_EACH(at, &m->revalidations)
    {
        struct revalidation *asked = LIST_ENTRY(at, struct revalidation, link);
        if (asked->session.session_id == session_id)
            return asked;
    }
    return NULL;
}

/* By whom it was asked for, and is not answered yet: by the last of the observers, or by a client of this server; 0: by
 * nobody. */
static uint64_t asked_by(const struct membership *m, int64_t session_id)
{
    const struct client *own = map64_get(&m->by_session, (uint64_t)session_id);
    uint64_t link = own != NULL && own->is_asked_for ? OWNER_HERE : 0;
    LIST_FOR_EACH(at, &m->revalidations)
    {
        const struct revalidation *asked = LIST_ENTRY(at, struct revalidation, link);
        if (asked->session.session_id == session_id)
            link = asked->link_id;
    }
    return link;
}

/* The leader takes all observers of this follower for one, so it is here that a late request of the connection before
 * is stopped (quorum-protocol 3.8, ZOOKEEPER-710). */
static bool is_owner(const struct replica *r, uint64_t link, int64_t session_id)
{
    struct session *session = sessions_get(r->sessions, session_id);
    if (session == NULL)
        return true;
    const uint64_t asked = session->owner == 0 ? asked_by(r->member, session_id) : 0;
    if (session->owner == 0)
        session->owner = asked != 0 ? asked : link;
    return session->owner == link;
}

static bool is_agent(const struct membership *m, uint64_t link)
{
    struct zab_learner_report learner;
    for (const void *at = NULL; zab_learner_next(m->zab, &at, &learner);)
        if (learner.link == link)
            return learner.shows_capabilities;
    return false;
}

/* An agent ends that connection. */
static enum status say_moved(struct replica *r, uint64_t link, int64_t session_id, struct outbox *out)
{
    uint8_t data[8];
    be64_put(data, (uint64_t)session_id);
    const struct packet moved = {.type = PACKET_SESSION_MOVED, .zxid = -1, .data = bytes_make(data, sizeof data)};
    return member_send_packet(r, link, &moved, out);
}

/* Apache's servers pass over a packet that they do not know, and one that waits for an answer to a request of its
 * clients answers none of those that come after it, whoever asks. So there is an answer: the leader is asked for
 * something in its place that is refused wherever it is looked at. */
static enum status have_it_refused(struct replica *r, const struct forwarded_request *late, struct outbox *out)
{
    struct buffer body = {0}, data = {0};
    struct writer to_body = writer_to(&body), w = writer_to(&data);
    path_version_request_write(&to_body, &(struct path_version_request){.path = BYTES("/"), .version = -1});
    const struct forwarded_request refused = {.session_id = late->session_id,
                                              .cxid = late->cxid,
                                              .type = op_find(TXN_DELETE)->number,
                                              .body = buffer_bytes(&body)};
    forwarded_request_encode(&w, &refused);
    const struct packet packet = {.type = PACKET_REQUEST, .zxid = -1, .data = buffer_bytes(&data)};
    enum status st = to_body.status == ST_OK ? w.status : to_body.status;
    if (st == ST_OK)
        st = pass_on(r, &packet, out);
    buffer_free(&body);
    buffer_free(&data);
    return st;
}

/* A sync changes nothing and goes on. */
static enum status turn_away(struct replica *r, uint64_t link, const struct forwarded_request *late, struct outbox *out)
{
    if (is_agent(r->member, link))
        return say_moved(r, link, late->session_id, out);
    return late->type == OP_NUMBER_SYNC ? ST_OK : have_it_refused(r, late, out);
}

/* Whoever's it is: the observer finds the answer's sync by its place in the line, so that one without an answer would
 * shift all that follow. */
static enum status take_sync(struct replica *r, uint64_t link, const struct packet *packet, struct outbox *out)
{
    if (!has_room(r))
        return member_link_break(r, link, "it waits for too many syncs", out);
    enum status st = note_sync(r->member, link);
    return st == ST_OK ? pass_on(r, packet, out) : st;
}

static enum status take_request(struct replica *r, uint64_t link, const struct packet *packet, struct outbox *out)
{
    struct forwarded_request request;
    if (forwarded_request_decode(packet->data, &request) != ST_OK)
        return ST_OK;
    const bool owner = is_owner(r, link, request.session_id);
    enum status st = owner ? ST_OK : turn_away(r, link, &request, out);
    if (st == ST_OK && request.type == OP_NUMBER_SYNC)
        return take_sync(r, link, packet, out);
    return st == ST_OK && owner ? pass_on(r, packet, out) : st;
}

/* Whose connection here is over with that. Of a session that is not known here the one that is upgrading it: its
 * createSession is on its way, and behind it what the client asked for before it went elsewhere. */
static struct client *client_before(const struct replica *r, const struct session *session, int64_t session_id)
{
    struct client *c = client_of_session(r, session_id);
    const bool is_upgrading = c != NULL && !c->is_asked_for && sessions_get(r->local, session_id) == NULL;
    return session != NULL || is_upgrading ? c : NULL;
}

/* From now on, whatever the leader says: a session that it does not know is nobody's. */
static enum status change_owner(struct replica *r, uint64_t link, int64_t session_id, struct outbox *out)
{
    struct session *session = sessions_get(r->sessions, session_id);
    struct client *own = client_before(r, session, session_id);
    if (session != NULL)
        session->owner = link;
    return own == NULL ? ST_OK : client_close(r, own, out);
}

static enum status take_revalidate(struct replica *r, uint64_t link, const struct packet *packet, struct outbox *out)
{
    struct touch session;
    if (revalidate_decode(packet->data, &session) != ST_OK)
        return ST_OK;
    if (!has_room(r))
        return member_link_break(r, link, "it asks about too many sessions", out);
    struct revalidation *asked = mem_calloc(1, sizeof *asked);
    if (asked == NULL)
        return ST_NO_MEMORY;
    asked->link_id = link;
    asked->session = session;
    list_append(&r->member->revalidations, &asked->link);
    r->member->relayed++;
    enum status st = change_owner(r, link, session.session_id, out);
    return st == ST_OK ? pass_on(r, packet, out) : st;
}

/* Only sessions that are known: an observer may know of none that is not known here. */
static enum status take_touches(struct replica *r, struct bytes data)
{
    struct reader at;
    struct touch touch;
    enum status st = ST_OK;
    if (touches_begin(data, &at) != ST_OK)
        return ST_OK;
    while (st == ST_OK && touches_next(&at, &touch))
        if (sessions_get(r->sessions, touch.session_id) != NULL)
            st = member_touch(r, touch.session_id, touch.timeout_ms);
    return st;
}

enum status member_relay(struct replica *r, uint64_t link, const struct packet *packet, struct outbox *out)
{
    switch (packet->type) {
    case PACKET_REQUEST: return take_request(r, link, packet, out);
    case PACKET_REVALIDATE: return take_revalidate(r, link, packet, out);
    case PACKET_PING: return take_touches(r, packet->data);
    default: return ST_OK;
    }
}

/* -- answers ------------------------------------------------------------------------------------------------------- */

enum status member_relay_synced(struct replica *r, const struct member_sync *sync, struct outbox *out)
{
    r->member->relayed--;
    return member_send_packet(r, sync->link_id, &(struct packet){.type = PACKET_SYNC}, out);
}

static void drop(struct membership *m, struct revalidation *asked)
{
    list_remove(&asked->link);
    mem_free(asked);
    m->relayed--;
}

enum status member_relay_revalidated(struct replica *r, const struct packet *packet, bool *taken, struct outbox *out)
{
    struct membership *m = r->member;
    int64_t session_id;
    bool valid;
    *taken = false;
    if (list_is_empty(&m->revalidations) || revalidated_decode(packet->data, &session_id, &valid) != ST_OK)
        return ST_OK;
    struct revalidation *asked = asked_about(m, session_id);
    if (asked == NULL)
        return ST_OK;
    const uint64_t link = asked->link_id;
    enum status st = valid ? member_touch(r, session_id, asked->session.timeout_ms) : ST_OK;
    struct session *session = sessions_get(r->sessions, session_id);
    if (valid && session != NULL && session->owner == 0) /* it was not there when it was asked for */
        session->owner = link;
    *taken = true;
    drop(m, asked);
    return st == ST_OK ? member_send_packet(r, link, packet, out) : st;
}

void member_relay_forget(struct membership *m)
{
    LIST_FOR_EACH(at, &m->revalidations)
    drop(m, LIST_ENTRY(at, struct revalidation, link));
    m->relayed = 0;
}
