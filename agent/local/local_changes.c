/* local_changes.c - what subscribers are told: changes, or the tree as it is, as frames. Only what the client may read:
 * what it may no longer read is told as deleted, what it may read from now on as created. */
#include "agent/local/local_streams.h"

#define KIND(name) ZOOID__LOCAL__CHANGE_KIND__CHANGE_##name

enum {
    ROWS_MAX = 512,          /* changes of one frame */
    FRAME_BYTES = 64 * 1024, /* a frame ends behind that many bytes */
    CHANGE_BYTES = 192,      /* of a change, besides path and data */
    ENVELOPE_BYTES = 256,    /* of a frame, besides its changes */
    PROGRESS_PARTS = 8,      /* a cursor is told whenever so large a part of the history has gone by */
    LOOK_AT_MAX = 4096,      /* changes that are none of the client's, in one turn */
};

/* A frame that is being made. */
struct frame {
    struct local_subscription *s;
    from_agent message;
    Zooid__Local__Changes changes;
    Zooid__Local__Cursor cursor;
    Zooid__Local__Change *rows[ROWS_MAX];
    size_t bytes;                     /* of the changes, about */
    struct change_place place_before; /* where the subscription stood before the last row */
    struct change_cursor cursor_before;
};

static struct local *local_of(const struct local_subscription *s)
{
    return s->request->client->local;
}

static void frame_begin(struct frame *f, struct local_subscription *s)
{
    arena_reset(&local_of(s)->arena);
    f->s = s;
    f->bytes = 0;
    zooid__local__from_agent__init(&f->message);
    zooid__local__changes__init(&f->changes);
    f->message.has_id = f->message.has_more = f->message.more = true;
    f->message.id = s->request->id;
    f->message.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_CHANGES;
    f->message.changes = &f->changes;
    f->changes.change = f->rows;
}

static void fill_cursor(Zooid__Local__Cursor *to, struct change_cursor from)
{
    zooid__local__cursor__init(to);
    to->has_zxid = to->has_index = true;
    to->zxid = from.zxid;
    to->index = from.index;
}

static enum status frame_end(struct frame *f, struct buffer *say)
{
    struct local *l = local_of(f->s);
    Zooid__Local__State state;
    local_state(l, replica_last_zxid(l->parts.replica), &state);
    f->message.state = &state;
    bool fits = false;
    enum status st = ST_OK;
    size_t size = zooid__local__from_agent__get_packed_size(&f->message);
    if (size <= f->s->request->client->frame_max)
        st = local_write_within(say, &f->message, size, &fits);
    f->message.state = NULL;
    return st == ST_OK && !fits ? ST_ANSWER_TOO_LONG : st;
}

static bool has_room(const struct frame *f, size_t bytes, size_t room)
{
    size_t max = f->s->request->client->frame_max;
    max = room < max ? room : max;
    max = max < FRAME_BYTES ? max : FRAME_BYTES;
    bool fits = f->bytes + bytes + ENVELOPE_BYTES <= max;
    return f->changes.n_change == 0 || (f->changes.n_change < ROWS_MAX && fits);
}

/* What is told of a node. */
struct telling {
    Zooid__Local__ChangeKind kind;
    struct change_cursor at;
    struct bytes path, data;
    const struct node_stat *stat;
};

static enum status frame_add(struct frame *f, const struct telling *t)
{
    struct row {
        Zooid__Local__Change change;
        Zooid__Local__Cursor at;
        Zooid__Local__Stat stat;
    } *row = arena_alloc(&local_of(f->s)->arena, sizeof *row);
    char *path = arena_text(&local_of(f->s)->arena, t->path.data, t->path.len);
    if (row == NULL || path == NULL)
        return ST_NO_MEMORY;
    zooid__local__change__init(&row->change);
    fill_cursor(&row->at, t->at);
    local_fill_stat(&row->stat, t->stat, replica_tree(local_of(f->s)->parts.replica));
    row->change.has_kind = true;
    row->change.kind = t->kind;
    row->change.path = path;
    row->change.at = t->kind == KIND(PRESENT) ? NULL : &row->at;
    row->change.stat = &row->stat;
    if (!f->s->without_data && !bytes_is_null(t->data)) {
        row->change.has_data = true;
        row->change.data = (ProtobufCBinaryData){t->data.len, (uint8_t *)(uintptr_t)t->data.data};
    }
    f->bytes += t->path.len + (f->s->without_data ? 0 : t->data.len) + CHANGE_BYTES;
    f->rows[f->changes.n_change++] = &row->change;
    return ST_OK;
}

static size_t size_of(const struct local_subscription *s, struct bytes path, struct bytes data)
{
    return path.len + (s->without_data ? 0 : data.len) + CHANGE_BYTES;
}

static bool may_read(const struct local_subscription *s, struct acls acl)
{
    const struct local_client *c = s->request->client;
    return replica_may_read(c->local->parts.replica, c->connection->client, acl);
}

/* -- a snapshot --------------------------------------------------------------------------------------------------- */

static enum status backlog_frame(struct frame *f)
{
    struct buffer *backlog = &f->s->backlog;
    enum status st = frame_end(f, backlog);
    size_t max = (size_t)local_of(f->s)->settings->local_answer_max;
    return st == ST_OK && backlog->len > max ? ST_ANSWER_TOO_LONG : st;
}

static enum status add_node(struct frame *f, struct tree *tree, const struct tree_node *node, struct buffer *path)
{
    struct node_stat stat;
    enum status st = ST_OK;
    path->len = 0;
    if (!may_read(f->s, acl_get(tree_acls(tree), node->acl)))
        return ST_OK;
    st = tree_path(tree, node, path);
    if (st == ST_OK && !has_room(f, size_of(f->s, buffer_bytes(path), tree_data(node)), SIZE_MAX)) {
        st = backlog_frame(f);
        frame_begin(f, f->s);
    }
    tree_stat_owned(node, &stat);
    const struct telling telling = {KIND(PRESENT), {0, 0}, buffer_bytes(path), tree_data(node), &stat};
    return st == ST_OK ? frame_add(f, &telling) : st;
}

static enum status write_subtree(struct frame *f, struct tree *tree, const struct tree_node *root, struct buffer *path)
{
    enum status st = ST_OK;
    const struct tree_node *node = root == NULL ? NULL : tree_next_preorder(tree, root, NULL);
    for (; node != NULL && st == ST_OK; node = tree_next_preorder(tree, root, node))
        st = add_node(f, tree, node, path);
    return st;
}

/* What lies below another prefix is told with that. */
static enum status write_nodes(struct frame *f, struct tree *tree)
{
    const struct path_set *prefixes = &f->s->prefixes;
    struct buffer path = {0};
    enum status st = ST_OK;
    for (size_t i = 0; i < prefixes->count && st == ST_OK; i++)
        if (prefixes->entries[i].above < 0)
            st = write_subtree(f, tree, tree_lookup(tree, prefixes->entries[i].path), &path);
    buffer_free(&path);
    return st;
}

enum status local_write_snapshot(struct local_subscription *s)
{
    struct replica *replica = local_of(s)->parts.replica;
    const struct changes *h = replica_changes(replica);
    struct frame f;
    frame_begin(&f, s);
    f.changes.has_reset = f.changes.reset = true;
    f.changes.has_fell_behind = f.changes.fell_behind = s->fell_behind;
    enum status st = write_nodes(&f, replica_tree(replica));
    f.changes.has_snapshot_end = f.changes.snapshot_end = true;
    f.changes.cursor = &f.cursor;
    s->cursor = changes_end(h);
    fill_cursor(&f.cursor, s->cursor);
    if (st == ST_OK)
        st = backlog_frame(&f);
    s->fell_behind = false;
    s->is_placed = st == ST_OK && changes_find(h, s->cursor, &s->place);
    if (st != ST_OK)
        buffer_free(&s->backlog);
    return st;
}

/* -- changes ------------------------------------------------------------------------------------------------------ */

/* What the change is to this client. False: nothing. */
static bool judge(const struct local_subscription *s, const struct tree_change *change, struct telling *telling)
{
    static const Zooid__Local__ChangeKind kinds[] = {[CHANGE_CREATED] = KIND(CREATED),
                                                     [CHANGE_DELETED] = KIND(DELETED),
                                                     [CHANGE_DATA] = KIND(DATA),
                                                     [CHANGE_ACL] = KIND(ACL)};
    if (!path_set_covers(&s->prefixes, change->path))
        return false;
    *telling = (struct telling){kinds[change->kind], change->at, change->path, change->data, &change->stat};
    bool readable = may_read(s, change->acl);
    if (change->kind != CHANGE_ACL)
        return readable;
    bool was_readable = may_read(s, change->acl_before);
    if (readable != was_readable)
        telling->kind = readable ? KIND(CREATED) : KIND(DELETED);
    if (!readable)
        telling->data = BYTES_NULL;
    return readable || was_readable;
}

/* A client that has been told nothing for long would be too late when it comes back, though nothing has changed. */
static bool progress_is_due(const struct local_subscription *s)
{
    if (local_of(s)->parting)
        return true;
    uint64_t gone_by = changes_written(replica_changes(local_of(s)->parts.replica)) - s->told_at;
    return gone_by > (uint64_t)local_of(s)->settings->local_history_max / PROGRESS_PARTS;
}

/* Whether the frame's last row is the last of its txn is seen from what comes next. */
static bool is_of_last_txn(const struct frame *f, const struct tree_change *change)
{
    size_t n = f->changes.n_change;
    return n > 0 && f->rows[n - 1]->at != NULL && f->rows[n - 1]->at->zxid == change->at.zxid;
}

static void mark_last(struct frame *f, bool ends_txn)
{
    if (f->changes.n_change == 0)
        return;
    Zooid__Local__Change *last = f->rows[f->changes.n_change - 1];
    last->has_ends_txn = last->ends_txn = ends_txn;
}

/* It cannot be seen in this turn: the last row waits, and the search goes on from here. */
static void hold_back(struct frame *f)
{
    struct local_subscription *s = f->s;
    s->ahead = s->place;
    s->place = f->place_before;
    s->cursor = f->cursor_before;
    f->changes.n_change--;
}

static enum status add_change(struct frame *f, const struct telling *telling)
{
    f->place_before = f->s->place;
    f->cursor_before = f->s->cursor;
    return frame_add(f, telling);
}

/* Takes changes from the history until the frame is full or there are no more; the subscription stands behind them. */
static enum status fill(struct frame *f, const struct changes *h, size_t room, enum changes_step *step)
{
    struct local_subscription *s = f->s;
    struct change_place next = s->place, ahead = s->ahead;
    struct tree_change change;
    struct telling telling;
    enum status st = ST_OK;
    s->ahead = (struct change_place){0};
    for (int looked_at = 0; st == ST_OK && (*step = changes_next(h, &next, &change)) == CHANGES_NEXT; looked_at++) {
        bool is_told = judge(s, &change, &telling), is_more_of_it = is_of_last_txn(f, &change);
        if (is_told || !is_more_of_it)
            mark_last(f, !is_more_of_it);
        if (looked_at == LOOK_AT_MAX && is_more_of_it && !is_told)
            hold_back(f);
        if (looked_at == LOOK_AT_MAX || (is_told && !has_room(f, size_of(s, telling.path, telling.data), room)))
            break;
        if (is_told)
            st = add_change(f, &telling);
        if (is_told && f->changes.n_change == 1 && ahead.generation == next.generation && ahead.offset > next.offset)
            next = ahead;
        s->place = next;
        s->cursor = change.at;
    }
    return st;
}

enum status local_write_changes(struct local_subscription *s, size_t room, struct buffer *say, bool *is_at_end)
{
    const struct changes *h = replica_changes(local_of(s)->parts.replica);
    enum changes_step step = CHANGES_NEXT;
    struct frame f;
    frame_begin(&f, s);
    enum status st = fill(&f, h, room, &step);
    if (st != ST_OK || step == CHANGES_GONE)
        return st != ST_OK ? st : ST_NOT_FOUND;
    *is_at_end = step == CHANGES_AT_END;
    if (*is_at_end) {
        mark_last(&f, true);
        s->cursor = changes_end(h);
    }
    bool is_due = !s->is_told || (*is_at_end && progress_is_due(s));
    if (f.changes.n_change == 0 && !is_due)
        return ST_OK;
    fill_cursor(&f.cursor, s->cursor);
    f.changes.cursor = &f.cursor;
    return frame_end(&f, say);
}
