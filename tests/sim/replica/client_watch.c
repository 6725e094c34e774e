/* client_watch.c - which events a client is owed, by the one history (client-protocol 6.2, 6.5).
 *
 * A watch counts from the zxid of the reply that left it. Each txn behind it that concerns it gives an event, with that
 * txn's zxid, before any reply made at that zxid or later; nothing else does. */
#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/tree/path.h"
#include "tests/sim/replica/client.h"
#include "tests/sim/replica/member.h"
#include "tests/sim/replica/reference.h"

#include <inttypes.h>
#include <stdio.h>

/* -- the list -------------------------------------------------------------------------------------------------------
 */

static bool is_persistent(enum watch_kind kind)
{
    return kind == OWED_PERSISTENT || kind == OWED_RECURSIVE;
}

/* One-shot watches on data are of one table, whichever call has left them. */
static bool is_same(enum watch_kind a, enum watch_kind b)
{
    return a == b || (a <= OWED_EXIST && b <= OWED_EXIST);
}

void book_add(struct watch_book *book, enum watch_kind kind, const char *path)
{
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->items[i].path, path) == 0 && is_same(book->items[i].kind, kind)) {
            book->items[i].kind = kind;
            return;
        }
    CHECK(book->count < CLIENT_WATCHES_MAX);
    struct owed_watch *watch = &book->items[book->count++];
    watch->kind = kind;
    (void)snprintf(watch->path, sizeof watch->path, "%s", path);
}

static void remove_at(struct watch_book *book, size_t i)
{
    memmove(&book->items[i], &book->items[i + 1], (book->count - i - 1) * sizeof book->items[0]);
    book->count--;
}

bool book_remove(struct watch_book *book, const char *path)
{
    size_t before = book->count;
    for (size_t i = book->count; i-- > 0;)
        if (strcmp(book->items[i].path, path) == 0)
            remove_at(book, i);
    return book->count < before;
}

void book_leave(struct watch_book *book)
{
    book->set = false;
    book->owed_count = book->missed_count = 0;
}

void book_free(struct watch_book *book)
{
    mem_free(book->owed);
    mem_free(book->missed);
    *book = (struct watch_book){0};
}

/* -- what is owed ---------------------------------------------------------------------------------------------------
 */

static void push(struct owed_event **events, size_t *count, size_t *capacity, int64_t zxid, enum watch_event event,
                 struct bytes path)
{
    struct owed_event *grown = array_room(*events, *count, capacity, sizeof *grown, 8);
    CHECK(grown != NULL && path.len < CLIENT_PATH_MAX);
    *events = grown;
    struct owed_event *owed = &grown[(*count)++];
    *owed = (struct owed_event){.zxid = zxid, .event = event};
    memcpy(owed->path, path.data, path.len);
}

static void owe(struct watch_book *book, int64_t zxid, enum watch_event event, struct bytes path)
{
    push(&book->owed, &book->owed_count, &book->owed_capacity, zxid, event, path);
}

/* Is the node's own event for this watch? */
static bool concerns(const struct owed_watch *watch, enum watch_event event, struct bytes path)
{
    struct bytes at = bytes_of(watch->path);
    bool here = bytes_equal(at, path);
    switch (watch->kind) {
    case OWED_CHILD: return here && event == EVENT_NODE_DELETED;
    case OWED_RECURSIVE: return here || at.len == 1 || path_is_within(path, at);
    default: return here;
    }
}

static void owe_node(struct watch_book *book, int64_t zxid, enum watch_event event, struct bytes path)
{
    bool owed = false;
    for (size_t i = book->count; i-- > 0;)
        if (concerns(&book->items[i], event, path)) {
            owed = true;
            if (!is_persistent(book->items[i].kind))
                remove_at(book, i);
        }
    if (owed)
        owe(book, zxid, event, path);
}

static void owe_parent(struct watch_book *book, int64_t zxid, struct bytes path)
{
    bool owed = false;
    struct bytes parent = path_parent(path).len > 0 ? path_parent(path) : BYTES("/");
    for (size_t i = book->count; i-- > 0;) {
        enum watch_kind kind = book->items[i].kind;
        if ((kind != OWED_CHILD && kind != OWED_PERSISTENT) || !bytes_equal(bytes_of(book->items[i].path), parent))
            continue;
        owed = true;
        if (kind == OWED_CHILD)
            remove_at(book, i);
    }
    if (owed)
        owe(book, zxid, EVENT_NODE_CHILDREN_CHANGED, parent);
}

static void owe_txn(struct watch_book *book, const struct reference_txn *txn)
{
    for (size_t i = 0; i < txn->change_count; i++) {
        struct bytes path = bytes_of(txn->changes[i].path);
        owe_node(book, txn->zxid, txn->changes[i].event, path);
        if (txn->changes[i].event != EVENT_NODE_DATA_CHANGED)
            owe_parent(book, txn->zxid, path);
    }
}

static void advance(const struct world *w, struct watch_book *book, int64_t zxid)
{
    const struct reference *ref = w->replicas->reference;
    if (zxid <= book->cursor)
        return;
    if (book->set && book->count > 0)
        for (size_t i = reference_after(ref, book->cursor);
             i < reference_count(ref) && reference_at(ref, i)->zxid <= zxid; i++)
            owe_txn(book, reference_at(ref, i));
    book->cursor = zxid;
}

/* -- what is told ---------------------------------------------------------------------------------------------------
 */

void book_take_event(struct world *w, struct client *c, int64_t zxid, enum watch_event event, struct bytes path)
{
    struct watch_book *book = &c->book;
    if (zxid < 0 && !book->set) {
        push(&book->missed, &book->missed_count, &book->missed_capacity, zxid, event, path);
        return;
    }
    mark(w, MARK_WATCH_FIRED);
    advance(w, book, zxid);
    const struct owed_event *owed = book->owed_count > 0 ? &book->owed[0] : NULL;
    if (owed == NULL || owed->zxid != zxid || owed->event != event || !bytes_equal(bytes_of(owed->path), path)) {
        world_fail(w, "watches: client %u is told %d of %.*s at 0x%" PRIx64 "; it is owed %d of %s at 0x%" PRIx64,
                   c->index, (int)event, BYTES_PRINT(path), (uint64_t)zxid, owed == NULL ? 0 : (int)owed->event,
                   owed == NULL ? "nothing" : owed->path, owed == NULL ? 0 : (uint64_t)owed->zxid);
        return;
    }
    book->owed_count--;
    memmove(&book->owed[0], &book->owed[1], book->owed_count * sizeof book->owed[0]);
}

void book_take_reply(struct world *w, struct client *c, int64_t zxid)
{
    struct watch_book *book = &c->book;
    advance(w, book, zxid);
    if (book->owed_count > 0)
        world_fail(w, "watches: client %u is shown 0x%" PRIx64 " before it is told %d of %s at 0x%" PRIx64, c->index,
                   (uint64_t)zxid, (int)book->owed[0].event, book->owed[0].path, (uint64_t)book->owed[0].zxid);
}

/* What a watch that is set again has missed; 0: nothing. */
static enum watch_event missed_by(const struct owed_watch *watch, const struct node_version *at, int64_t since)
{
    bool exists = at != NULL && at->exists;
    switch (watch->kind) {
    case OWED_DATA:
        if (!exists)
            return EVENT_NODE_DELETED;
        return at->stat.mzxid > since ? EVENT_NODE_DATA_CHANGED : 0;
    case OWED_EXIST: return exists ? EVENT_NODE_CREATED : 0;
    case OWED_CHILD:
        if (!exists)
            return EVENT_NODE_DELETED;
        return at->stat.pzxid > since ? EVENT_NODE_CHILDREN_CHANGED : 0;
    default: return 0;
    }
}

static bool was_told(const struct watch_book *book, size_t i, enum watch_event event, const char *path)
{
    return i < book->missed_count && book->missed[i].event == event && strcmp(book->missed[i].path, path) == 0;
}

/* The lists were sent in the order of kinds, and are gone through in that order. */
void book_take_set(struct world *w, struct client *c, int64_t zxid)
{
    struct watch_book *book = &c->book;
    size_t told = 0;
    book->cursor = zxid;
    book->set = true;
    for (int kind = OWED_DATA; kind <= OWED_CHILD; kind++)
        for (size_t i = 0; i < book->count;) {
            const struct owed_watch *watch = &book->items[i];
            const struct node_version *at = reference_look(w->replicas->reference, bytes_of(watch->path), zxid);
            enum watch_event event = (int)watch->kind == kind ? missed_by(watch, at, book->since) : 0;
            if (event == 0) {
                i++;
                continue;
            }
            if (!was_told(book, told++, event, watch->path))
                world_fail(w, "watches: client %u, back at 0x%" PRIx64 ", is not told %d of %s", c->index,
                           (uint64_t)zxid, (int)event, watch->path);
            mark(w, MARK_WATCH_MISSED);
            remove_at(book, i);
        }
    if (told != book->missed_count)
        world_fail(w, "watches: client %u, back at 0x%" PRIx64 ", is told too much", c->index, (uint64_t)zxid);
    book->missed_count = 0;
}
