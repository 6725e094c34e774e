/* audit.c - what this member says of the writes that were asked for here: each is noted when it is taken, and told when
 * its txn is applied, whatever has become of the client meanwhile. */
#include "core/ops/audit.h"

#include "core/replica/member.h"

enum { NOTE_BYTES = 256 /* most notes are shorter */ };

static bool is_audited(const struct replica *r, const struct op *op)
{
    return r->options.audit_user != NULL && audit_knows(op);
}

enum status audit_take(const struct replica *r, const struct client *c, int64_t session_id, const struct op *op,
                       const union op_body *body, struct buffer *note)
{
    if (!is_audited(r, op))
        return ST_OK;
    bool is_servers = c == NULL || op->number == TXN_CLOSE_SESSION; /* which deletes what the session leaves behind */
    const struct audit_asker asker = {.session_id = session_id,
                                      .who = c == NULL ? (struct identities){0} : client_identities(c),
                                      .server_user = is_servers ? r->options.audit_user : NULL};
    if (buffer_reserve(note, NOTE_BYTES) != ST_OK)
        return ST_NO_MEMORY;
    struct writer w = writer_to(note);
    audit_note(&w, &asker, op, body);
    return w.status;
}

/* A session may always end. */
bool audit_refuses(const struct replica *r, const struct client *c, const struct op *op, const union op_body *body)
{
    if (!r->audit_full || !is_audited(r, op) || op->number == TXN_CLOSE_SESSION)
        return false;
    struct buffer note = {0};
    bool refuses = audit_take(r, c, c->session_id, op, body, &note) != ST_OK || note.len > 0;
    buffer_free(&note);
    return refuses;
}

void audit_keep(struct replica *r, struct request *request, struct buffer *note)
{
    request->note = *note;
    *note = (struct buffer){0};
    r->held_bytes += request->note.len;
}

bool audit_holds(struct replica *r, struct request *request)
{
    if (request->state != REQUEST_FORWARDED || request->note.len == 0)
        return false;
    request_leave(r, request);
    list_append(&r->unheard, &request->flight);
    return true;
}

/* The leader answers in the order in which it was asked. */
struct request *audit_held(const struct replica *r, const struct txn_header *header)
{
    for (struct list *at = r->unheard.next; at != &r->unheard; at = at->next) {
        struct request *request = LIST_ENTRY(at, struct request, flight);
        if (request->session_id == header->client_id && request->xid == header->cxid &&
            (header->type == TXN_ERROR || header->type == request->op->number))
            return request;
    }
    return NULL;
}

static enum status tell(const struct request *request, struct bytes record, enum audit_result result,
                        struct outbox *out)
{
    if (request->note.len == 0)
        return ST_OK;
    struct writer w = writer_to(&out->audit);
    audit_lines(&w, buffer_bytes(&request->note), request->op, record, result);
    return w.status;
}

enum status audit_tell(const struct request *request, struct bytes record, enum status result, struct outbox *out)
{
    return tell(request, record, result == ST_OK ? AUDIT_SUCCESS : AUDIT_FAILURE, out);
}

enum status audit_give_up(struct replica *r, struct list *requests, struct outbox *out)
{
    enum status st = ST_OK;
    LIST_FOR_EACH(at, requests)
    {
        struct request *request = LIST_ENTRY(at, struct request, flight);
        if (st == ST_OK)
            st = tell(request, BYTES_NULL, AUDIT_INVOKED, out);
        request_free(r, request);
    }
    return st;
}

enum status audit_tell_deletion(const struct request *request, struct bytes path, struct outbox *out)
{
    struct writer w = writer_to(&out->audit);
    audit_deletion(&w, buffer_bytes(&request->note), path);
    return w.status;
}
