/* database.c - entries by number, and trees made from them as recovery does it. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/ops/apply.h"
#include "core/store/snapshot.h"
#include "core/store/txnlog.h"
#include "tests/sim/mutants.h"
#include "tests/sim/replica/member.h"

enum { FRAME_HEAD = TXNLOG_FRAME_LEN - 1, FRAME_LEN_AT = 8, ELEMENT_MAX = 4 << 20, SESSION_TICK_MS = 10 };

struct entry {
    struct entry *next; /* of another content, with the same zxid */
    uint64_t number;
    size_t len;
    uint8_t bytes[];
};

/* -- entries ------------------------------------------------------------------------------------------------------- */

static struct entry *entry_new(struct replicas *all, struct bytes bytes, struct entry *next)
{
    struct entry *entry = mem_alloc(sizeof *entry + bytes.len);
    CHECK(entry != NULL);
    *entry = (struct entry){.next = next, .number = ++all->next_entry, .len = bytes.len};
    memcpy(entry->bytes, bytes.data, bytes.len);
    CHECK(map64_put(&all->by_number, entry->number, entry) == ST_OK);
    return entry;
}

uint64_t database_entry_id(struct world *w, int64_t zxid, struct bytes bytes)
{
    struct replicas *all = w->replicas;
    struct entry *first = map64_get(&all->entries, (uint64_t)zxid);
    for (struct entry *e = first; e != NULL; e = e->next)
        if (bytes_equal(bytes, bytes_make(e->bytes, e->len)))
            return e->number;
    struct entry *entry = entry_new(all, bytes, first);
    CHECK(map64_put(&all->entries, (uint64_t)zxid, entry) == ST_OK);
    return entry->number;
}

/* MUTANT_ENTRY_DAMAGED may ask for one that never was: it stands for the next one that has bytes. */
struct bytes database_entry(const struct world *w, uint64_t id)
{
    const struct entry *e = map64_get(&w->replicas->by_number, id);
    return e == NULL ? BYTES_NULL : bytes_make(e->bytes, e->len);
}

void database_free(struct replicas *all)
{
    MAP64_FOR_EACH(slot, &all->by_number)
    {
        mem_free(slot->value);
    }
    map64_free(&all->by_number);
    map64_free(&all->entries);
}

void database_each_record(struct bytes records, void (*fn)(void *context, int64_t zxid, struct bytes entry),
                          void *context)
{
    for (size_t at = 0; at < records.len;) {
        size_t len = be32_get(records.data + at + FRAME_LEN_AT);
        struct bytes entry = bytes_make(records.data + at + FRAME_HEAD, len);
        struct txn_header header;
        CHECK(txn_decode_header(entry, &header) == ST_OK);
        fn(context, header.zxid, entry);
        at += len + TXNLOG_FRAME_LEN;
    }
}

/* -- trees --------------------------------------------------------------------------------------------------------- */

struct tree *database_tree(void)
{
    struct tree *tree = tree_new(&(struct tree_options){.hash_key = {1, 2}, .extended_types = true});
    CHECK(tree != NULL);
    return tree;
}

static void load_image(const struct database *database, struct bytes image)
{
    size_t used = 0;
    bool done = false;
    struct snapshot_reader *reader = snapshot_stream_reader_new(database->tree, database->sessions, 0, ELEMENT_MAX);
    CHECK(reader != NULL && snapshot_stream_feed(reader, image, &used, &done) == ST_OK);
    CHECK(done && used == image.len);
    snapshot_reader_free(reader);
}

static bool is_passed_over(const struct world *w, const struct disk *d, size_t i, const struct txn *txn)
{
    return (mutant_is(w, MUTANT_CLOSE_NOT_REPLAYED) && txn->header.type == TXN_CLOSE_SESSION) ||
           (mutant_is(w, MUTANT_LOG_END_NOT_REPLAYED) && i + 1 == d->log.count);
}

void database_load(const struct world *w, const struct disk *d, struct database *database)
{
    *database = (struct database){.tree = database_tree(), .sessions = sessions_new(w->plan.tick_ms)};
    CHECK(database->sessions != NULL);
    if (d->image.len > 0)
        load_image(database, buffer_bytes(&d->image));
    if (mutant_is(w, MUTANT_SESSIONS_NOT_KEPT))
        sessions_clear(database->sessions);
    database->last_zxid = d->base.label < 0 ? 0 : d->base.label;
    for (size_t i = 0; i < d->log.count; i++) {
        struct txn txn;
        CHECK(txn_decode(database_entry(w, d->log.items[i].id), &txn) == ST_OK);
        database->last_zxid = d->log.items[i].zxid;
        if (is_passed_over(w, d, i, &txn))
            continue;
        enum status st = txn_apply(NULL, database->tree, database->sessions, &txn);
        CHECK(st != ST_NO_MEMORY && st != ST_CORRUPT && st != ST_UNIMPLEMENTED);
    }
}

void database_keep(struct world *w, struct server *m)
{
    struct buffer *image = &m->disk.image;
    if (mutant_is(w, MUTANT_IMAGE_OLD) && image->len > 0)
        return;
    struct replica *r = m->replica->r;
    struct snapshot_writer *writer = snapshot_stream_writer_new(replica_tree(r), replica_sessions(r),
                                                                replica_last_zxid(r));
    CHECK(writer != NULL);
    image->len = 0;
    for (bool done = false; !done;)
        CHECK(snapshot_encode_some(writer, 1000, image, &done) == ST_OK);
    CHECK(snapshot_stream_end(writer, image) == ST_OK);
    snapshot_writer_free(writer);
}
