/* local_message.c - messages of the local door as bytes and back. */
#include "agent/local/local_internal.h"

#include "bindings/c/codec.h"
#include "core/jute/frame.h"

enum { LENGTH_LEN = 4 };

static const struct codec_type *to_agent_type, *from_agent_type; /* the same for every door */

enum status local_messages_prepare(void)
{
    to_agent_type = codec_type_of(&zooid__local__to_agent__descriptor);
    from_agent_type = codec_type_of(&zooid__local__from_agent__descriptor);
    return to_agent_type != NULL && from_agent_type != NULL ? ST_OK : ST_NO_MEMORY;
}

static void *take_from_arena(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

const to_agent *local_read(struct local *l, struct bytes frame)
{
    struct codec_memory memory = {(uint8_t *)l->room, sizeof l->room, take_from_arena, &l->arena};
    arena_reset(&l->arena);
    l->arena.max = LOCAL_ARENA_FOR(frame.len);
    const to_agent *m = codec_read(to_agent_type, frame.data, frame.len, &memory);
    l->arena.max = 0;
    return m;
}

enum status local_write_within(struct buffer *say, const from_agent *m, size_t room, bool *fits)
{
    size_t size;
    enum status st = buffer_reserve(say, LENGTH_LEN + room);
    *fits = false;
    if (st != ST_OK)
        return st;
    uint8_t *at = say->data + say->len;
    *fits = codec_write(from_agent_type, m, at + LENGTH_LEN, room, &size);
    if (*fits) {
        be32_put(at, (uint32_t)size);
        say->len += LENGTH_LEN + size;
    }
    return ST_OK;
}

enum status local_write(struct buffer *say, const from_agent *m)
{
    bool fits;
    enum status st = local_write_within(say, m, CODEC_SMALL, &fits);
    if (st == ST_OK && !fits)
        st = local_write_within(say, m, zooid__local__from_agent__get_packed_size(m), &fits);
    return st;
}

void local_fill_stat(Zooid__Local__Stat *to, const struct node_stat *stat, const struct tree *tree)
{
    static const Zooid__Local__NodeKind kinds[] = {[TREE_PERSISTENT] = ZOOID__LOCAL__NODE_KIND__PERSISTENT,
                                                   [TREE_EPHEMERAL] = ZOOID__LOCAL__NODE_KIND__EPHEMERAL,
                                                   [TREE_CONTAINER] = ZOOID__LOCAL__NODE_KIND__CONTAINER,
                                                   [TREE_TTL] = ZOOID__LOCAL__NODE_KIND__TTL};
    const enum tree_kind kind = tree_kind_of(tree, stat->ephemeral_owner);
    zooid__local__stat__init(to);
#define FIELD(name, value) \
    to->has_##name = true; \
    to->name = (value);
    FIELD(czxid, stat->czxid)
    FIELD(mzxid, stat->mzxid)
    FIELD(ctime, stat->ctime)
    FIELD(mtime, stat->mtime)
    FIELD(version, stat->version)
    FIELD(cversion, stat->cversion)
    FIELD(aversion, stat->aversion)
    FIELD(ephemeral_owner, kind == TREE_EPHEMERAL ? stat->ephemeral_owner : 0)
    FIELD(data_length, stat->data_length)
    FIELD(num_children, stat->num_children)
    FIELD(pzxid, stat->pzxid)
    FIELD(kind, kinds[kind])
#undef FIELD
}
