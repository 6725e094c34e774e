/* tree_loaded.c - the end of a load: what came by number goes into the table, everything is hung in by ascending
 * number, which is the order of siblings after a load, and what does not hang on the root is dropped.
 *
 * All passes go through the slab from its start and not through the tree: a million nodes in the order of their memory
 * are read several times faster than in the order of their paths. */
#include "core/tree/tree_internal.h"

#include "core/base/array.h"
#include "core/base/crc.h"
#include "core/base/mem.h"
#include "core/tree/digest.h"

/* -- into the table ----------------------------------------------------------------------------------------------- */

enum { LOOK_AHEAD = 16 };

/* Its number counts as changed, so that the next checkpoint removes it there too. */
static void drop_node(struct tree *t, struct tree_node *n)
{
    changing(t, n);
    node_free(t, n);
    t->load.dropped++;
}

/* Of two nodes with one name the older was deleted: an interrupted checkpoint had come to the newer one only. */
static bool is_older(const struct tree_node *a, const struct tree_node *b)
{
    return a->czxid != b->czxid ? a->czxid < b->czxid : a->mzxid < b->mzxid;
}

static void place_node(struct tree *t, struct tree_node *n)
{
    struct tree_node *twin = table_find_hashed(t, n->hash, n->parent, tree_name(n));
    if (twin != NULL && is_older(n, twin)) {
        drop_node(t, n);
        return;
    }
    if (twin != NULL) {
        table_remove(t, twin);
        drop_node(t, twin);
    }
    table_add_hashed(t, n);
}

/* The memory that the nodes behind will need is asked for while those in front are placed. */
static void place_some(struct tree *t, struct tree_node *nodes)
{
    for (size_t i = 0; i < LOOK_AHEAD; i++) {
        if (nodes[i].block != NULL)
            table_prefetch_bucket(t, nodes[i].hash);
    }
    for (size_t i = 0; i < LOOK_AHEAD; i++) {
        if (nodes[i].block != NULL)
            table_prefetch_node(t, nodes[i].hash);
    }
    for (size_t i = 0; i < LOOK_AHEAD; i++) {
        if (nodes[i].block != NULL)
            place_node(t, &nodes[i]);
    }
}

static void place_all(struct tree *t)
{
    if (t->load.unplaced == 0)
        return;
    table_reserve(t, t->load.unplaced);
    for (uint32_t index = 0; index < t->slab.chunk_count; index++) {
        struct chunk *chunk = t->slab.chunks[index];
        for (uint32_t i = 0; chunk != NULL && i < CHUNK_NODES; i += LOOK_AHEAD)
            place_some(t, &chunk->nodes[i]);
    }
    t->load.unplaced = 0;
}

/* -- the system's own nodes --------------------------------------------------------------------------------------- */

/* world:anyone may read. */
static const uint8_t readable_entry[] = {0,   0, 0, 1, 0, 0,   0,   5,   'w', 'o', 'r', 'l',
                                         'd', 0, 0, 0, 6, 'a', 'n', 'y', 'o', 'n', 'e'};

static enum status add_system_node(struct tree *t, struct tree_node *parent, struct bytes name, struct acls acl,
                                   int32_t aversion)
{
    uint32_t parent_number = parent == NULL ? 0 : parent->number;
    if (table_find(t, parent_number, name) != NULL)
        return ST_OK;
    const struct node_content content = {name, BYTES(""), acl, 0};
    struct tree_node *n = node_new(t, &content, parent == NULL ? TREE_ROOT : 0);
    if (n == NULL)
        return ST_NO_MEMORY;
    n->aversion = aversion;
    n->parent = parent_number;
    n->flags |= TREE_LOADED;
    table_add(t, n);
    changing(t, n);
    return ST_OK;
}

/* The root first: its number must not be among the vacant ones. */
static enum status add_system_nodes(struct tree *t)
{
    const struct acls open = acl_get(t->acls, ACL_OPEN);
    const struct acls readable = {1, bytes_make(readable_entry, sizeof readable_entry)};
    enum status st = add_system_node(t, NULL, BYTES(""), open, 0);
    if (st != ST_OK)
        return st;
    slab_collect_vacant(t);
    st = add_system_node(t, slab_at(t, TREE_ROOT), BYTES("zookeeper"), open, 0);
    if (st == ST_OK)
        st = add_system_node(t, find_node(t, ZOOKEEPER_PATH), BYTES("quota"), open, 0);
    if (st == ST_OK)
        st = add_system_node(t, find_node(t, ZOOKEEPER_PATH), BYTES("config"), readable, -1);
    return st;
}

/* -- under their parents ------------------------------------------------------------------------------------------ */

enum trace_state { TRACE_UNKNOWN, TRACE_IN_PROGRESS, TRACE_REACHED, TRACE_UNREACHED };

/* What is known of a node's path without building it. */
struct trace {
    uint32_t crc, len;
    uint8_t state;
    bool in_zookeeper; /* "/zookeeper" or below */
};

struct settling {
    struct tree *tree;
    struct trace *traces;       /* by number; that of 0 stands for a parent that is not there */
    struct number_list upwards; /* from a node to the first one that is known */
    uint64_t reached;
};

static enum status push(struct number_list *list, uint32_t number)
{
    uint32_t *items = array_room(list->items, list->count, &list->cap, sizeof *items, 64);
    if (items == NULL)
        return ST_NO_MEMORY;
    list->items = items;
    list->items[list->count++] = number;
    return ST_OK;
}

static uint32_t parent_of(const struct tree *t, uint32_t number)
{
    uint32_t parent = slab_at(t, number)->parent;
    return slab_find(t, parent) == NULL ? 0 : parent;
}

static void trace_from_parent(struct settling *s, const struct tree_node *n)
{
    struct trace *trace = &s->traces[n->number];
    uint32_t number = parent_of(s->tree, n->number);
    const struct trace *parent = &s->traces[number];
    struct bytes name = tree_name(n);
    trace->state = parent->state;
    trace->len = parent->len + 1 + (uint32_t)name.len;
    trace->crc = crc32_continue(crc32_continue(parent->crc, BYTES("/")), name);
    trace->in_zookeeper = parent->in_zookeeper || (number == TREE_ROOT && bytes_equal(name, BYTES("zookeeper")));
}

/* Up to what is known, then down again. Going round in a circle leads nowhere. */
static enum status find_trace(struct settling *s, uint32_t number)
{
    uint32_t at = number;
    for (; s->traces[at].state == TRACE_UNKNOWN; at = parent_of(s->tree, at)) {
        if (push(&s->upwards, at) != ST_OK)
            return ST_NO_MEMORY;
        s->traces[at].state = TRACE_IN_PROGRESS;
    }
    if (s->traces[at].state == TRACE_IN_PROGRESS)
        s->traces[at].state = TRACE_UNREACHED;
    while (s->upwards.count > 0)
        trace_from_parent(s, slab_at(s->tree, s->upwards.items[--s->upwards.count]));
    return ST_OK;
}

static enum status settle_quota(struct tree *t, const struct tree_node *n)
{
    struct buffer path = {0};
    enum status st = tree_path(t, n, &path);
    if (st == ST_OK)
        st = quota_node_loaded(t, buffer_bytes(&path), n);
    buffer_free(&path);
    return st;
}

static enum status settle_node(struct settling *s, struct tree_node *n)
{
    struct tree *t = s->tree;
    enum status st = find_trace(s, n->number);
    const struct trace *trace = &s->traces[n->number];
    if (st != ST_OK || trace->state != TRACE_REACHED)
        return st;
    s->reached++;
    n->flags &= (uint8_t)~TREE_LOADED;
    if (n->number != TREE_ROOT)
        link_child(t, slab_at(t, n->parent), n);
    t->data_size += trace->len + n->data_len;
    /* "/zookeeper" itself counts in the digest, what is below it does not. */
    if (n->number == TREE_ROOT || !s->traces[n->parent].in_zookeeper)
        digest_add_hashed(t, trace->crc, n);
    else if (bytes_equal(tree_name(n), BYTES("zookeeper_limits")))
        st = settle_quota(t, n);
    return st;
}

static enum status settle_all(struct settling *s)
{
    struct tree *t = s->tree;
    s->traces = mem_calloc((size_t)t->slab.chunk_count << CHUNK_BITS, sizeof *s->traces);
    if (s->traces == NULL)
        return ST_NO_MEMORY;
    s->traces[0].state = TRACE_UNREACHED;
    s->traces[TREE_ROOT].state = TRACE_REACHED;
    for (uint32_t index = 0; index < t->slab.chunk_count; index++) {
        struct chunk *chunk = t->slab.chunks[index];
        for (uint32_t i = 0; chunk != NULL && i < CHUNK_NODES; i++) {
            enum status st = chunk->nodes[i].block == NULL ? ST_OK : settle_node(s, &chunk->nodes[i]);
            if (st != ST_OK)
                return st;
        }
    }
    return ST_OK;
}

/* The number of a parent that is not there is held back too: given to a new node, and that node stored before the
 * orphan is removed, it would be the orphan's parent after another interruption. */
static enum status drop_orphan(struct tree *t, struct tree_node *n)
{
    uint32_t parent = n->parent;
    table_remove(t, n);
    drop_node(t, n);
    return slab_hold(t, parent);
}

static enum status drop_unreached(struct tree *t)
{
    enum status st = ST_OK;
    for (uint32_t index = 0; index < t->slab.chunk_count; index++) {
        for (uint32_t i = 0; t->slab.chunks[index] != NULL && i < CHUNK_NODES && st == ST_OK; i++) {
            struct tree_node *n = &t->slab.chunks[index]->nodes[i];
            if (n->block != NULL && (n->flags & TREE_LOADED) != 0)
                st = drop_orphan(t, n);
        }
    }
    slab_collect_vacant(t);
    return st;
}

enum status tree_loaded(struct tree *t, uint64_t *dropped)
{
    CHECK(t->load.active);
    place_all(t);
    enum status st = add_system_nodes(t);
    struct settling settling = {.tree = t};
    if (st == ST_OK)
        st = settle_all(&settling);
    mem_free(settling.traces);
    mem_free(settling.upwards.items);
    if (st == ST_OK && settling.reached != t->node_count)
        st = drop_unreached(t);
    if (st != ST_OK)
        return st;
    quota_loaded(t);
    t->load.active = false;
    *dropped = t->load.dropped;
    return ST_OK;
}
