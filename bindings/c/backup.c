/* backup.c - the tree as a file of ZooKeeper's snapshot format: in events, or written to a descriptor. */
#include "bindings/c/stream.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

zooid_request *zooid_request_backup(void)
{
    zooid_request *r = request_new(ZOOID__LOCAL__TO_AGENT__BODY_BACKUP);
    if (r == NULL)
        return NULL;
    Zooid__Local__Backup *body = pool_take(&r->pool, sizeof *body);
    if (body == NULL) {
        zooid_request_free(r);
        return NULL;
    }
    zooid__local__backup__init(body);
    r->m.backup = body;
    return r;
}

struct zooid_event *backup_event(struct stream_frame *frame, const struct call *call)
{
    struct zooid_event *event = stream_event(frame, call, ZOOID_EVENT_CHUNK);
    if (event != NULL)
        event->zxid = frame->m->chunk->zxid;
    return event;
}

/* -- to a descriptor ----------------------------------------------------------------------------------------------- */

/* 0, or an error number. */
static int write_all(int fd, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, data + at, len - at);
        if (n < 0 && errno != EINTR)
            return errno;
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static bool has_come(const zooid_client *c, const void *context)
{
    const struct call *call = context;
    (void)c;
    return call->first_told != NULL || call->is_done;
}

/* The first of what has come goes to the descriptor, without the lock; then others may come. */
static int put_first_locked(zooid_client *c, struct call *call, int fd)
{
    struct zooid_event *event = call->first_told;
    call->first_told = event->next;
    if (call->first_told == NULL)
        call->last_told = &call->first_told;
    event->next = NULL;
    pthread_mutex_unlock(&c->lock);
    int error = write_all(fd, zooid_event_data(event), zooid_event_data_len(event));
    pthread_mutex_lock(&c->lock);
    stream_taken_locked(c, event);
    zooid_event_free(event);
    return error;
}

static zooid_reply *write_failed(int error)
{
    char text[128], message[192];
    (void)snprintf(message, sizeof message, "the backup cannot be written: %s",
                   strerror_r(error, text, sizeof text)); /* GNU's */
    return reply_new(ZOOID_SYSTEM_ERROR, message, NULL);
}

/* Until its reply is there, which is that of the call or one of our own. */
static zooid_reply *receive_locked(zooid_client *c, struct call *call, int fd, uint32_t deadline_ms)
{
    int error = 0;
    while (error == 0 && drive_until_locked(c, deadline_of(deadline_ms), AWAITED_EVENT, has_come, call)) {
        if (call->first_told == NULL) {
            zooid_reply *reply = call->reply;
            call->reply = NULL;
            return reply;
        }
        error = put_first_locked(c, call, fd);
    }
    if (!call->is_done)
        call_cancel_locked(c, call);
    link_work_locked(c, false);
    return error != 0 ? write_failed(error) : reply_new(ZOOID_DEADLINE_EXCEEDED, NULL, NULL);
}

int zooid_backup(zooid_client *c, int fd, uint32_t deadline_ms, zooid_reply **reply)
{
    if (!is_ours(c))
        return give_reply(reply_new(ZOOID_CONNECTION_LOST, MADE_BEFORE_FORK, NULL), reply);
    pthread_mutex_lock(&c->lock);
    bool closing = c->closing;
    struct call *call = call_new_locked(c, zooid_request_backup(), ZOOID_NO_DEADLINE, NULL, true);
    zooid_reply *answer = NULL;
    if (call != NULL)
        answer = receive_locked(c, call, fd, deadline_ms);
    else if (closing)
        answer = reply_new(ZOOID_CLOSED, NULL, NULL);
    call_free(call);
    pthread_mutex_unlock(&c->lock);
    return give_reply(answer, reply);
}
