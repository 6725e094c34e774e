/* message.c - messages of the agent, each with all that belongs to it. Those that come together share a chunk of
 * memory: none is got and given back for each of them, and a chunk whose messages are all gone is used again. */
#include "bindings/c/message.h"
#include "bindings/c/codec.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    ALIGNMENT = sizeof(max_align_t),
    CHUNK_SIZE = 8 * 1024, /* what one message that is kept can keep from being given back, beside itself */
    SMALL_FRAME = 1024,    /* longer ones have a chunk of their own */
    SMALL_ROOM = 768,      /* of one that says next to nothing, and the reply around it */
    MORE_ROOM = 4096,
};

struct message_chunk {
    atomic_uint holders; /* its messages, and the client while it is in use */
    size_t used, size;
    max_align_t bytes[];
};

/* What did not fit into the chunk. */
struct message_block {
    struct message_block *more;
    size_t used, size;
    max_align_t bytes[];
};

/* Before each message. */
struct message_head {
    struct message_chunk *chunk;
    struct message_block *more;
    size_t left; /* it may take so much: a hostile frame must not be worth a multiple of its length */
    max_align_t message[];
};

static const struct codec_type *to_agent_type, *from_agent_type;

bool messages_prepare(void)
{
    to_agent_type = codec_type_of(&zooid__local__to_agent__descriptor);
    from_agent_type = codec_type_of(&zooid__local__from_agent__descriptor);
    return to_agent_type != NULL && from_agent_type != NULL;
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static void put32(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 24);
    at[1] = (uint8_t)(v >> 16);
    at[2] = (uint8_t)(v >> 8);
    at[3] = (uint8_t)v;
}

static bool write_within(struct row *row, const to_agent *m, size_t room, bool *fits)
{
    size_t size;
    *fits = false;
    if (!row_reserve(row, FRAME_LEN + room))
        return false;
    uint8_t *at = row->data + row->len;
    *fits = codec_write(to_agent_type, m, at + FRAME_LEN, room, &size);
    if (*fits) {
        put32(at, (uint32_t)size);
        row->len += FRAME_LEN + size;
    }
    return true;
}

bool message_write(struct row *row, const to_agent *m)
{
    bool fits, good = write_within(row, m, CODEC_SMALL, &fits);
    if (good && !fits)
        good = write_within(row, m, zooid__local__to_agent__get_packed_size(m), &fits);
    return good && fits;
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

static struct message_chunk *chunk_new(size_t size)
{
    struct message_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL)
        return NULL;
    atomic_init(&chunk->holders, 1);
    chunk->used = 0;
    chunk->size = size;
    return chunk;
}

void message_chunk_leave(struct message_chunk *chunk)
{
    if (chunk != NULL && atomic_fetch_sub_explicit(&chunk->holders, 1, memory_order_acq_rel) == 1)
        free(chunk);
}

static uint8_t *chunk_end(struct message_chunk *chunk)
{
    return (uint8_t *)chunk->bytes + chunk->used;
}

static void *take_from_chunk(struct message_chunk *chunk, size_t size)
{
    if (chunk->size - chunk->used < size)
        return NULL;
    void *taken = chunk_end(chunk);
    chunk->used += size;
    return taken;
}

static size_t rounded(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static void *take_more(struct message_head *head, size_t size)
{
    struct message_block *block = head->more;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > MORE_ROOM ? size : MORE_ROOM;
        block = malloc(sizeof *block + room);
        if (block == NULL)
            return NULL;
        *block = (struct message_block){.more = head->more, .size = room};
        head->more = block;
    }
    void *taken = (uint8_t *)block->bytes + block->used;
    block->used += size;
    return taken;
}

/* While a message is read, what has no room in its chunk. */
static void *take(void *context, size_t size)
{
    struct message_head *head = context;
    if (size > head->left)
        return NULL;
    head->left -= size;
    return take_more(head, rounded(size));
}

static void head_free(struct message_head *head)
{
    for (struct message_block *block = head->more, *more; block != NULL; block = more) {
        more = block->more;
        free(block);
    }
    message_chunk_leave(head->chunk);
}

/* A chunk for a message of so many bytes, with a hold for it, and room for what most messages become. */
static struct message_chunk *chunk_for(struct message_chunk **in_use, size_t len)
{
    if (len > SMALL_FRAME)
        return chunk_new(rounded(2 * len + MORE_ROOM));
    struct message_chunk *chunk = *in_use;
    if (chunk != NULL && atomic_load_explicit(&chunk->holders, memory_order_acquire) == 1)
        chunk->used = 0; /* nobody else has it any more */
    if (chunk == NULL || chunk->size - chunk->used < 4 * len + SMALL_ROOM) {
        message_chunk_leave(chunk);
        *in_use = chunk = chunk_new(CHUNK_SIZE);
        if (chunk == NULL)
            return NULL;
    }
    atomic_fetch_add_explicit(&chunk->holders, 1, memory_order_relaxed);
    return chunk;
}

from_agent *message_read(struct message_chunk **in_use, const uint8_t *data, size_t len)
{
    struct message_chunk *chunk = chunk_for(in_use, len);
    if (chunk == NULL)
        return NULL;
    struct message_head *head = take_from_chunk(chunk, sizeof *head);
    *head = (struct message_head){.chunk = chunk, .left = 32 * len + (size_t)64 * 1024};
    struct codec_memory memory = {chunk_end(chunk), chunk->size - chunk->used, take, head};
    from_agent *m = codec_read(from_agent_type, data, len, &memory);
    chunk->used = chunk->size - memory.left;
    if (m == NULL)
        head_free(head);
    return m; /* the first that was taken: it stands behind its head */
}

static struct message_head *head_of(from_agent *m)
{
    return (struct message_head *)(void *)((uint8_t *)m - offsetof(struct message_head, message));
}

void *message_take(from_agent *m, size_t size)
{
    struct message_head *head = head_of(m);
    if (size > SIZE_MAX / 2)
        return NULL;
    void *taken = take_from_chunk(head->chunk, rounded(size));
    return taken != NULL ? taken : take_more(head, rounded(size));
}

void message_free(from_agent *m)
{
    if (m != NULL)
        head_free(head_of(m));
}
