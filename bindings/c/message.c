/* message.c - messages of the agent, each with all that belongs to it in one piece of memory. */
#include "bindings/c/internal.h"

#include <stdlib.h>

enum { ALIGNMENT = sizeof(max_align_t), FIRST_ROOM = 1024, MORE_ROOM = 4096 };

struct message_block {
    struct message_block *more; /* what had no room in this one */
    size_t used, size;
    max_align_t bytes[];
};

static struct message_block *block_new(size_t size)
{
    struct message_block *block = malloc(sizeof *block + size);
    if (block != NULL)
        *block = (struct message_block){.size = size};
    return block;
}

static void *take(void *context, size_t size)
{
    struct message_block *first = context, *block = first->more == NULL ? first : first->more;
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (block->size - block->used < size) {
        block = block_new(size > MORE_ROOM ? size : MORE_ROOM);
        if (block == NULL)
            return NULL;
        block->more = first->more;
        first->more = block;
    }
    void *taken = (uint8_t *)block->bytes + block->used;
    block->used += size;
    return taken;
}

/* It goes with the message. */
static void leave(void *context, void *piece)
{
    (void)context;
    (void)piece;
}

static void block_free(struct message_block *block)
{
    while (block != NULL) {
        struct message_block *more = block->more;
        free(block);
        block = more;
    }
}

from_agent *message_read(const uint8_t *data, size_t len)
{
    struct message_block *block = block_new(2 * len + FIRST_ROOM);
    if (block == NULL)
        return NULL;
    ProtobufCAllocator allocator = {take, leave, block};
    from_agent *m = zooid__local__from_agent__unpack(&allocator, len, data);
    if (m == NULL) {
        block_free(block);
        return NULL;
    }
    return m; /* the first that was taken: message_free finds the block by it */
}

void message_free(from_agent *m)
{
    if (m != NULL)
        block_free((struct message_block *)(void *)((uint8_t *)m - offsetof(struct message_block, bytes)));
}
