/* streams.c - what the streams of a loop share: libuv's handles by descriptor, and the ends that are still to be told.
 *
 * To make a handle, libuv registers its descriptor and takes that back, only to see whether it can be watched, which
 * takes more than a microsecond for each connection. A handle that is stopped knows no more than the number, so it
 * waits for the next connection that gets this number: they come and go on the same few. To close it, libuv has epoll
 * forget the number, whoever has it by then: hence one table for a whole loop, which stays until the loop ends. */
#include "agent/net/stream_internal.h"

#include "agent/base/poll_room.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <errno.h>

/* But for the handle of a higher descriptor, which goes with its stream: the memory of a crowd is not kept. */
enum { POLLS_KEPT = 4096, POLLS_FIRST = 64 };

void streams_init(struct streams *all, uv_loop_t *loop)
{
    *all = (struct streams){.loop = loop};
    list_init(&all->closed);
    CHECK(uv_idle_init(loop, &all->tell) == 0); /* only fills in the struct */
    all->tell.data = all;
}

/* -- handles ------------------------------------------------------------------------------------------------------- */

/* NULL: out of memory. */
static uv_poll_t **slot_of(struct streams *all, size_t number)
{
    size_t cap = all->poll_cap == 0 ? POLLS_FIRST : all->poll_cap;
    while (cap <= number)
        cap *= 2;
    if (cap > all->poll_cap) {
        uv_poll_t **polls = mem_realloc(all->polls, cap * sizeof(uv_poll_t *));
        if (polls == NULL)
            return NULL;
        for (size_t i = all->poll_cap; i < cap; i++)
            polls[i] = NULL;
        all->polls = polls;
        all->poll_cap = cap;
    }
    return &all->polls[number];
}

static void on_poll_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

static void drop_poll(struct streams *all, size_t number)
{
    uv_poll_t *poll = all->polls[number];
    all->polls[number] = NULL;
    if (poll != NULL)
        uv_close((uv_handle_t *)poll, on_poll_closed);
}

static enum status status_of(int error)
{
    return error == ENOMEM ? ST_NO_MEMORY : error == ENOSPC ? ST_NO_SPACE : ST_IO_ERROR;
}

enum status streams_enter(struct streams *all, struct stream *s)
{
    uv_poll_t **slot = slot_of(all, (size_t)s->fd);
    if (slot == NULL)
        return ST_NO_MEMORY;
    if (*slot == NULL) {
        uv_poll_t *poll = mem_alloc(sizeof *poll);
        if (poll == NULL)
            return ST_NO_MEMORY;
        int rc = uv_poll_init(all->loop, poll, s->fd);
        if (rc != 0) {
            mem_free(poll);
            return status_of(-rc);
        }
        *slot = poll;
    }
    int error = poll_room_take(all->loop, s->fd);
    if (error != 0) {
        drop_poll(all, (size_t)s->fd);
        return status_of(error);
    }
    s->has_room = true;
    s->all = all;
    s->poll = *slot;
    s->poll->data = s;
    list_init(&s->closed);
    all->open++;
    return ST_OK;
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

static void on_all_closed(uv_handle_t *handle)
{
    struct streams *all = handle->data;
    if (all->gone != NULL)
        all->gone(all->context);
}

static void maybe_gone(struct streams *all)
{
    if (!all->closing || all->open > 0 || uv_is_closing((uv_handle_t *)&all->tell))
        return;
    for (size_t i = 0; i < all->poll_cap; i++)
        drop_poll(all, i);
    mem_free(all->polls);
    all->polls = NULL;
    all->poll_cap = 0;
    uv_close((uv_handle_t *)&all->tell, on_all_closed);
}

/* An owner that is told may close further streams: they come to the end of the list. */
static void on_tell(uv_idle_t *idle)
{
    struct streams *all = idle->data;
    while (!list_is_empty(&all->closed)) {
        struct stream *s = LIST_ENTRY(all->closed.next, struct stream, closed);
        list_remove(&s->closed);
        all->open--;
        s->events->closed(s);
    }
    uv_idle_stop(idle);
    maybe_gone(all);
}

void streams_leave(struct stream *s)
{
    struct streams *all = s->all;
    if (s->has_room)
        uv_poll_stop(s->poll);
    if (s->fd >= POLLS_KEPT)
        drop_poll(all, (size_t)s->fd);
    list_append(&all->closed, &s->closed);
    uv_idle_start(&all->tell, on_tell);
}

void streams_close(struct streams *all, void (*gone)(void *context), void *context)
{
    all->closing = true;
    all->gone = gone;
    all->context = context;
    maybe_gone(all);
}
