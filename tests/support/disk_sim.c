/* disk_sim.c - inodes, names, and for both what is durable. */
#include "tests/support/disk_sim.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECTOR = 512, NAME_CHANGES_MAX = 4096 };

struct inode {
    uint64_t id;
    uint8_t *now, *durable;
    size_t size, durable_size, cap;
    bool *dirty; /* one a sector of cap */
    int links;   /* names, handles and logged changes that point here */
};

struct name {
    char *path;
    struct inode *inode; /* NULL: a directory */
};

struct names {
    struct name *items;
    size_t count, cap;
};

/* A change of names that is not durable: `to` gets the inode (NULL: none), `from` is gone (NULL: none). */
struct name_change {
    char *from, *to;
    struct inode *inode;
};

struct io_file {
    struct disk_sim *disk;
    struct inode *inode;
    struct io_file *next;
};

struct disk_sim {
    struct store_io io;
    struct names now, durable;
    struct name_change *changes;
    size_t change_count;
    struct io_file *files;
    struct disk_fault fault;
    bool has_fault, has_failed, is_off;
    bool is_cutting; /* the power goes in the call that runs now: it may still leave something */
    uint64_t matched;
    uint64_t counts[16];
    uint64_t capacity;
    uint64_t last_inode;
    struct random random; /* what a failed sync leaves unwritten */
};

static void *must(void *block)
{
    if (block == NULL) {
        fprintf(stderr, "disk_sim: out of memory\n");
        abort();
    }
    return block;
}

static char *copy_text(const char *text)
{
    return text == NULL ? NULL : must(strdup(text));
}

/* -- inodes ------------------------------------------------------------------------------------------------------- */

static struct inode *inode_new(struct disk_sim *d)
{
    struct inode *n = must(calloc(1, sizeof *n));
    n->id = ++d->last_inode;
    return n;
}

static void inode_hold(struct inode *n)
{
    if (n != NULL)
        n->links++;
}

static void inode_release(struct inode *n)
{
    if (n == NULL || --n->links > 0)
        return;
    free(n->now);
    free(n->durable);
    free(n->dirty);
    free(n);
}

static void inode_reach(struct inode *n, size_t size)
{
    if (size <= n->cap)
        return;
    size_t cap = n->cap == 0 ? SECTOR : n->cap;
    while (cap < size)
        cap *= 2;
    n->now = must(realloc(n->now, cap));
    n->durable = must(realloc(n->durable, cap));
    n->dirty = must(realloc(n->dirty, cap / SECTOR * sizeof(bool)));
    memset(n->now + n->cap, 0, cap - n->cap);
    memset(n->durable + n->cap, 0, cap - n->cap);
    memset(n->dirty + n->cap / SECTOR, 0, (cap - n->cap) / SECTOR * sizeof(bool));
    n->cap = cap;
}

static void inode_resize(struct inode *n, size_t size)
{
    inode_reach(n, size);
    if (size < n->size) {
        memset(n->now + size, 0, n->size - size);
        for (size_t s = size / SECTOR; s < (n->size + SECTOR - 1) / SECTOR; s++)
            n->dirty[s] = true;
    }
    n->size = size;
}

static void inode_write(struct inode *n, size_t offset, const void *data, size_t len)
{
    if (len == 0)
        return;
    if (offset + len > n->size)
        inode_resize(n, offset + len);
    memcpy(n->now + offset, data, len);
    for (size_t s = offset / SECTOR; s <= (offset + len - 1) / SECTOR; s++)
        n->dirty[s] = true;
}

static void sector_to_durable(struct inode *n, size_t s)
{
    memcpy(n->durable + s * SECTOR, n->now + s * SECTOR, SECTOR);
    n->dirty[s] = false;
}

static void inode_sync(struct inode *n)
{
    for (size_t s = 0; s < n->cap / SECTOR; s++) {
        if (n->dirty[s])
            sector_to_durable(n, s);
    }
    n->durable_size = n->size;
}

/* Some sectors are written, the others never will be, though they no longer count as dirty. */
static void inode_sync_fails(struct inode *n, struct random *random)
{
    for (size_t s = 0; s < n->cap / SECTOR; s++) {
        if (n->dirty[s] && random_below(random, 2) == 0)
            sector_to_durable(n, s);
        n->dirty[s] = false;
    }
}

static size_t inode_choices(const struct inode *n)
{
    size_t count = n->size != n->durable_size;
    for (size_t s = 0; s < n->cap / SECTOR; s++)
        count += n->dirty[s];
    return count;
}

static void inode_cut(struct inode *n, bool (*keep)(void *, size_t), void *context, size_t *choice)
{
    if (n->size != n->durable_size && keep(context, (*choice)++))
        n->durable_size = n->size;
    for (size_t s = 0; s < n->cap / SECTOR; s++) {
        if (n->dirty[s] && keep(context, (*choice)++))
            memcpy(n->durable + s * SECTOR, n->now + s * SECTOR, SECTOR);
        n->dirty[s] = false;
    }
    if (n->cap > 0) {
        memset(n->durable + n->durable_size, 0, n->cap - n->durable_size);
        memcpy(n->now, n->durable, n->cap);
    }
    n->size = n->durable_size;
}

/* -- names -------------------------------------------------------------------------------------------------------- */

static struct name *find(const struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].path, path) == 0)
            return &names->items[i];
    }
    return NULL;
}

static void names_set(struct names *names, const char *path, struct inode *inode)
{
    inode_hold(inode);
    struct name *name = find(names, path);
    if (name != NULL) {
        inode_release(name->inode);
        name->inode = inode;
        return;
    }
    if (names->count == names->cap) {
        names->cap = names->cap == 0 ? 16 : names->cap * 2;
        names->items = must(realloc(names->items, names->cap * sizeof *names->items));
    }
    names->items[names->count++] = (struct name){copy_text(path), inode};
}

static void names_unset(struct names *names, const char *path)
{
    struct name *name = find(names, path);
    if (name == NULL)
        return;
    inode_release(name->inode);
    free(name->path);
    *name = names->items[--names->count];
}

static void names_free(struct names *names)
{
    while (names->count > 0)
        names_unset(names, names->items[0].path);
    free(names->items);
    *names = (struct names){NULL, 0, 0};
}

static void names_copy(struct names *to, const struct names *from)
{
    names_free(to);
    for (size_t i = 0; i < from->count; i++)
        names_set(to, from->items[i].path, from->items[i].inode);
}

static void apply_change(struct names *names, const struct name_change *change)
{
    if (change->from != NULL) {
        struct name *from = find(names, change->from);
        if (change->to != NULL && from == NULL)
            return; /* what was to be moved was never made */
        if (from != NULL)
            names_unset(names, change->from);
    }
    if (change->to != NULL)
        names_set(names, change->to, change->inode);
}

static void change_names(struct disk_sim *d, const char *from, const char *to, struct inode *inode)
{
    d->changes = must(realloc(d->changes, (d->change_count + 1) * sizeof *d->changes));
    d->changes[d->change_count] = (struct name_change){copy_text(from), copy_text(to), inode};
    inode_hold(inode);
    apply_change(&d->now, &d->changes[d->change_count++]);
}

static void forget_change(struct disk_sim *d, size_t i)
{
    free(d->changes[i].from);
    free(d->changes[i].to);
    inode_release(d->changes[i].inode);
    memmove(&d->changes[i], &d->changes[i + 1], (d->change_count - i - 1) * sizeof *d->changes);
    d->change_count--;
}

static bool is_in(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return path != NULL && strncmp(path, dir, len) == 0 && path[len] == '/' && strchr(path + len + 1, '/') == NULL;
}

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
    struct name *name = find(&d->now, path);
    if (st == ST_OK && mode == IO_CREATE && name != NULL)
        st = ST_EXISTS;
    if (st == ST_OK && mode != IO_CREATE && (name == NULL || name->inode == NULL))
        st = ST_NOT_FOUND;
    if ((st == ST_OK || d->is_cutting) && mode == IO_CREATE && name == NULL) {
        change_names(d, NULL, path, inode_new(d)); /* a cut may come before or after it reached the disk */
        name = find(&d->now, path);
    }
    if (st != ST_OK)
        return st;
    struct io_file *f = must(calloc(1, sizeof *f));
    *f = (struct io_file){d, name->inode, d->files};
    inode_hold(f->inode);
    d->files = f;
    *file = f;
    return ST_OK;
}

static void forget_file(struct disk_sim *d, struct io_file *file)
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
    forget_file(d, file);
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
    struct name *name = find(&d->now, from);
    if (st == ST_OK && name == NULL)
        st = ST_NOT_FOUND;
    if (name != NULL && (st == ST_OK || d->is_cutting))
        change_names(d, from, to, name->inode);
    return st;
}

static enum status sim_remove(void *context, const char *path)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_REMOVE);
    if (st == ST_OK && find(&d->now, path) == NULL)
        st = ST_NOT_FOUND;
    if (st == ST_OK || d->is_cutting)
        change_names(d, path, NULL, NULL);
    return st;
}

static enum status sim_make_dir(void *context, const char *path)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_MAKE_DIR);
    if (st == ST_OK && find(&d->now, path) != NULL)
        st = ST_EXISTS;
    if (st == ST_OK)
        change_names(d, NULL, path, NULL);
    return st;
}

static enum status sim_sync_dir(void *context, const char *path)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_SYNC_DIR);
    for (size_t i = 0; i < d->change_count && st == ST_OK;) {
        if (!is_in(d->changes[i].from, path) && !is_in(d->changes[i].to, path)) {
            i++;
            continue;
        }
        apply_change(&d->durable, &d->changes[i]);
        forget_change(d, i);
    }
    return st;
}

static enum status sim_list(void *context, const char *path, enum status (*fn)(void *, const char *), void *fn_context)
{
    struct disk_sim *d = context;
    enum status st = enter(d, DISK_LIST);
    if (st == ST_OK && find(&d->now, path) == NULL)
        st = ST_NOT_FOUND;
    for (size_t i = 0; i < d->now.count && st == ST_OK; i++) {
        if (is_in(d->now.items[i].path, path))
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

/* -- life --------------------------------------------------------------------------------------------------------- */

struct disk_sim *disk_sim_new(void)
{
    struct disk_sim *d = must(calloc(1, sizeof *d));
    d->io = (struct store_io){d,
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
    d->capacity = UINT64_MAX;
    disk_sim_make_dir(d, "/");
    return d;
}

void disk_sim_free(struct disk_sim *d)
{
    if (d == NULL)
        return;
    while (d->files != NULL)
        forget_file(d, d->files);
    while (d->change_count > 0)
        forget_change(d, d->change_count - 1);
    names_free(&d->now);
    names_free(&d->durable);
    free(d->changes);
    free(d);
}

const struct store_io *disk_sim_io(struct disk_sim *d)
{
    return &d->io;
}

/* The copy of an inode of `from`, made when it is first met: both are found by their names or changes, in one order. */
struct copied {
    const struct inode *from[NAME_CHANGES_MAX];
    struct inode *to[NAME_CHANGES_MAX];
    size_t count;
};

static struct inode *copy_inode(struct disk_sim *d, struct copied *copied, const struct inode *from)
{
    if (from == NULL)
        return NULL;
    for (size_t i = 0; i < copied->count; i++) {
        if (copied->from[i] == from)
            return copied->to[i];
    }
    struct inode *to = inode_new(d);
    to->id = from->id;
    inode_reach(to, from->cap);
    if (from->cap > 0) {
        memcpy(to->now, from->now, from->cap);
        memcpy(to->durable, from->durable, from->cap);
        memcpy(to->dirty, from->dirty, from->cap / SECTOR * sizeof(bool));
    }
    to->size = from->size;
    to->durable_size = from->durable_size;
    if (copied->count == NAME_CHANGES_MAX)
        must(NULL);
    copied->from[copied->count] = from;
    copied->to[copied->count++] = to;
    return to;
}

struct disk_sim *disk_sim_copy(const struct disk_sim *d)
{
    struct disk_sim *c = disk_sim_new();
    struct copied *copied = must(calloc(1, sizeof *copied));
    for (size_t i = 0; i < d->now.count; i++)
        names_set(&c->now, d->now.items[i].path, copy_inode(c, copied, d->now.items[i].inode));
    for (size_t i = 0; i < d->durable.count; i++)
        names_set(&c->durable, d->durable.items[i].path, copy_inode(c, copied, d->durable.items[i].inode));
    c->changes = must(realloc(c->changes, (d->change_count + 1) * sizeof *c->changes));
    for (size_t i = 0; i < d->change_count; i++) {
        const struct name_change *change = &d->changes[i];
        struct inode *inode = copy_inode(c, copied, change->inode);
        inode_hold(inode);
        c->changes[c->change_count++] = (struct name_change){copy_text(change->from), copy_text(change->to), inode};
    }
    c->capacity = d->capacity;
    c->last_inode = d->last_inode;
    c->random = d->random;
    free(copied);
    return c;
}

/* Every inode that has a name, now or durably, once. */
static size_t inodes_of(const struct disk_sim *d, struct inode **inodes)
{
    size_t count = 0;
    const struct names *both[] = {&d->now, &d->durable};
    for (size_t b = 0; b < 2; b++) {
        for (size_t i = 0; i < both[b]->count; i++) {
            struct inode *n = both[b]->items[i].inode;
            size_t known = 0;
            while (known < count && inodes[known] != n)
                known++;
            if (n != NULL && known == count && count < NAME_CHANGES_MAX)
                inodes[count++] = n;
        }
    }
    return count;
}

size_t disk_sim_choices(const struct disk_sim *d)
{
    struct inode *inodes[NAME_CHANGES_MAX];
    size_t count = inodes_of(d, inodes), choices = d->change_count;
    for (size_t i = 0; i < count; i++)
        choices += inode_choices(inodes[i]);
    return choices;
}

void disk_sim_power_cut(struct disk_sim *d, bool (*keep)(void *context, size_t i), void *context)
{
    struct inode *inodes[NAME_CHANGES_MAX];
    size_t count = inodes_of(d, inodes), choice = 0;
    while (d->files != NULL)
        forget_file(d, d->files);
    for (size_t i = 0; i < count; i++)
        inode_cut(inodes[i], keep, context, &choice);
    while (d->change_count > 0) {
        if (keep(context, choice++))
            apply_change(&d->durable, &d->changes[0]);
        forget_change(d, 0);
    }
    names_copy(&d->now, &d->durable);
    d->is_off = false;
    disk_sim_fault(d, NULL);
}

static bool keep_random(void *context, size_t i)
{
    (void)i;
    return random_below(context, 2) == 0;
}

void disk_sim_power_cut_random(struct disk_sim *d, struct random *random)
{
    disk_sim_power_cut(d, keep_random, random);
}

/* -- files put and taken ------------------------------------------------------------------------------------------ */

void disk_sim_put(struct disk_sim *d, const char *path, struct bytes content)
{
    const struct name *name = find(&d->now, path);
    struct inode *n = inode_new(d);
    if (name != NULL && name->inode != NULL)
        n->id = name->inode->id;
    inode_write(n, 0, content.data, content.len);
    inode_sync(n);
    names_set(&d->now, path, n);
    names_set(&d->durable, path, n);
}

struct bytes disk_sim_get(struct disk_sim *d, const char *path)
{
    static const uint8_t nothing[1];
    const struct name *name = find(&d->now, path);
    if (name == NULL || name->inode == NULL)
        return BYTES_NULL;
    return bytes_make(name->inode->now == NULL ? nothing : name->inode->now, name->inode->size);
}

void disk_sim_remove(struct disk_sim *d, const char *path)
{
    names_unset(&d->now, path);
    names_unset(&d->durable, path);
}

void disk_sim_make_dir(struct disk_sim *d, const char *path)
{
    names_set(&d->now, path, NULL);
    names_set(&d->durable, path, NULL);
}

static void import_file(struct disk_sim *d, const char *path, const char *real_path)
{
    FILE *file = fopen(real_path, "rb");
    if (file == NULL)
        return;
    static uint8_t piece[1 << 16];
    struct buffer content = {0};
    size_t got;
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        content.data = must(realloc(content.data, content.len + got));
        memcpy(content.data + content.len, piece, got);
        content.len += got;
    }
    fclose(file);
    disk_sim_put(d, path, buffer_bytes(&content));
    free(content.data);
}

void disk_sim_import(struct disk_sim *d, const char *path, const char *real_dir)
{
    DIR *dir = must(opendir(real_dir));
    disk_sim_make_dir(d, path);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char from[1024], to[1024];
        if (entry->d_type != DT_REG)
            continue;
        snprintf(from, sizeof from, "%s/%s", real_dir, entry->d_name);
        snprintf(to, sizeof to, "%s/%s", path, entry->d_name);
        import_file(d, to, from);
    }
    closedir(dir);
}

void disk_sim_each(struct disk_sim *d, void (*fn)(void *context, const char *path, struct bytes content), void *context)
{
    for (size_t i = 0; i < d->now.count; i++) {
        const struct name *name = &d->now.items[i];
        if (name->inode != NULL)
            fn(context, name->path, bytes_make(name->inode->now, name->inode->size));
    }
}
