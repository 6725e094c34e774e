/* disk_sim_calls.c - the calls of struct store_io, counted, and failing where they are told to. */
#include "tests/support/disk_sim_internal.h"

/* -- faults ------------------------------------------------------------------------------------------------------- */

static size_t index_of(enum disk_call call)
{
    size_t i = 0;
    while ((call >> i & 1) == 0)
        i++;
    return i;
}

/* What the call has to return at once; ST_OK: it goes on. */
static enum status enter(struct disk_sim *d, enum disk_call call)
{
    d->counts[index_of(call)]++;
    d->is_cutting = false;
    if (d->is_off)
        return ST_IO_ERROR;
    if (!d->has_fault || (d->fault.calls & call) == 0)
        return ST_OK;
    d->matched++;
    bool once = d->fault.kind == DISK_FAIL_ONCE || d->fault.kind == DISK_CUT;
    if (once ? d->matched != d->fault.n : d->matched < d->fault.n)
        return ST_OK;
    d->has_failed = true;
    d->is_off = d->is_cutting = d->fault.kind == DISK_CUT;
    return d->fault.status == ST_OK ? ST_IO_ERROR : d->fault.status;
}

void disk_sim_fault(struct disk_sim *d, const struct disk_fault *fault)
{
    d->has_fault = fault != NULL;
    if (fault != NULL)
        d->fault = *fault;
    d->has_failed = false;
    d->matched = 0;
    memset(d->counts, 0, sizeof d->counts);
}

bool disk_sim_has_failed(const struct disk_sim *d)
{
    return d->has_failed;
}

uint64_t disk_sim_calls(const struct disk_sim *d, unsigned calls)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < 16; i++)
        sum += (calls >> i & 1) != 0 ? d->counts[i] : 0;
    return sum;
}

void disk_sim_capacity(struct disk_sim *d, uint64_t bytes)
{
    d->capacity = bytes;
}

static uint64_t used(const struct disk_sim *d)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < d->now.count; i++)
        sum += d->now.items[i].inode == NULL ? 0 : d->now.items[i].inode->size;
    return sum;
}

static bool has_room(const struct disk_sim *d, const struct inode *n, uint64_t size)
{
    return size <= n->size || d->capacity == UINT64_MAX || used(d) + (size - n->size) <= d->capacity;
}

/* -- calls -------------------------------------------------------------------------------------------------------- */

static enum status sim_open(void *context, const char *path, enum io_open_mode mode, struct io_file **file)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_OPEN);
    struct name *name = names_find(&d->now, path);
    if (st == ST_OK && mode == IO_CREATE && name != NULL)
        st = ST_EXISTS;
    if (st == ST_OK && mode != IO_CREATE && (name == NULL || name->inode == NULL))
        st = ST_NOT_FOUND;
    if ((st == ST_OK || d->is_cutting) && mode == IO_CREATE && name == NULL) {
        names_change(d, NULL, path, inode_new(d)); /* a cut may come before or after it reached the disk */
        name = names_find(&d->now, path);
    }
    if (st != ST_OK)
        return st;
    struct io_file *f = disk_sim_must(calloc(1, sizeof *f));
    *f = (struct io_file){d, name->inode, d->files};
    inode_hold(f->inode);
    d->files = f;
    *file = f;
    return ST_OK;
}

void disk_sim_forget_file(struct disk_sim *d, struct io_file *file)
{
    struct io_file **at = &d->files;
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    inode_release(file->inode);
    free(file);
}

static enum status sim_close(void *context, struct io_file *file)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_CLOSE);
    disk_sim_forget_file(d, file);
    return st;
}

static enum status sim_size(void *context, struct io_file *file, uint64_t *size)
{
    enum status st = enter(context, DISK_SIZE);
    *size = file->inode->size;
    return st;
}

static enum status sim_file_id(void *context, struct io_file *file, uint64_t *id)
{
    enum status st = enter(context, DISK_SIZE);
    *id = file->inode->id;
    return st;
}

static enum status sim_read_at(void *context, struct io_file *file, uint64_t offset, void *data, size_t len,
                               size_t *got)
{
    enum status st = enter(context, DISK_READ);
    const struct inode *n = file->inode;
    *got = offset >= n->size ? 0 : n->size - offset < len ? (size_t)(n->size - offset) : len;
    if (*got > 0)
        memcpy(data, n->now + offset, *got);
    return st;
}

static enum status sim_reserve(void *context, struct io_file *file, uint64_t offset, uint64_t len)
{
    enum status st = enter(context, DISK_RESERVE);
    if (st == ST_OK && !has_room(context, file->inode, offset + len))
        st = ST_NO_SPACE;
    if (st == ST_OK && offset + len > file->inode->size)
        inode_resize(file->inode, (size_t)(offset + len));
    return st;
}

static enum status sim_write_at(void *context, struct io_file *file, uint64_t offset, const void *data, size_t len)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_WRITE);
    if (st == ST_OK && !has_room(d, file->inode, offset + len))
        st = ST_NO_SPACE;
    /* A cut in the middle may leave all of it, as far as it comes to the platters; a short write leaves its beginning.
     */
    if (st == ST_OK || d->is_cutting)
        inode_write(file->inode, (size_t)offset, data, len);
    else if (d->has_failed && d->fault.kind == DISK_SHORT_WRITE && st != ST_NO_SPACE)
        inode_write(file->inode, (size_t)offset, data, random_below(&d->random, (uint32_t)len + 1));
    return st;
}

static enum status sim_truncate(void *context, struct io_file *file, uint64_t size)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_TRUNCATE);
    if (st == ST_OK || d->is_cutting)
        inode_resize(file->inode, (size_t)size);
    return st;
}

static enum status sim_sync(void *context, struct io_file *file)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_SYNC);
    if (st == ST_OK)
        inode_sync(file->inode);
    else if (!d->is_off)
        inode_sync_fails(file->inode, &d->random);
    return st;
}

static enum status sim_rename(void *context, const char *from, const char *to)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_RENAME);
    struct name *name = names_find(&d->now, from);
    if (st == ST_OK && name == NULL)
        st = ST_NOT_FOUND;
    if (name != NULL && (st == ST_OK || d->is_cutting))
        names_change(d, from, to, name->inode);
    return st;
}

static enum status sim_remove(void *context, const char *path)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_REMOVE);
    if (st == ST_OK && names_find(&d->now, path) == NULL)
        st = ST_NOT_FOUND;
    if (st == ST_OK || d->is_cutting)
        names_change(d, path, NULL, NULL);
    return st;
}

static enum status sim_make_dir(void *context, const char *path)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_MAKE_DIR);
    if (st == ST_OK && names_find(&d->now, path) != NULL)
        st = ST_EXISTS;
    if (st == ST_OK)
        names_change(d, NULL, path, NULL);
    return st;
}

static enum status sim_sync_dir(void *context, const char *path)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_SYNC_DIR);
    for (size_t i = 0; i < d->change_count && st == ST_OK;) {
        if (!names_is_in(d->changes[i].from, path) && !names_is_in(d->changes[i].to, path)) {
            i++;
            continue;
        }
        names_apply(&d->durable, &d->changes[i]);
        names_forget_change(d, i);
    }
    return st;
}

static enum status sim_list(void *context, const char *path, enum status (*fn)(void *, const char *), void *fn_context)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_LIST);
    if (st == ST_OK && names_find(&d->now, path) == NULL)
        st = ST_NOT_FOUND;
    for (size_t i = 0; i < d->now.count && st == ST_OK; i++) {
        if (names_is_in(d->now.items[i].path, path))
            st = fn(fn_context, strrchr(d->now.items[i].path, '/') + 1);
    }
    return st;
}

static enum status sim_free_space(void *context, const char *path, uint64_t *bytes)
{
    const struct disk_sim *d = context;
    (void)path;
    *bytes = d->capacity == UINT64_MAX ? UINT64_MAX : d->capacity > used(d) ? d->capacity - used(d) : 0;
    return ST_OK;
}

struct store_io disk_sim_calls_of(struct disk_sim *d)
{
    return (struct store_io){d,
                             sim_open,
                             sim_close,
                             sim_size,
                             sim_file_id,
                             sim_read_at,
                             sim_reserve,
                             sim_write_at,
                             sim_truncate,
                             sim_sync,
                             sim_rename,
                             sim_remove,
                             sim_make_dir,
                             sim_sync_dir,
                             sim_list,
                             sim_free_space,
                             NULL};
}
