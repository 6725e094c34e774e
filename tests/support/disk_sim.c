/* disk_sim.c - a disk made, copied, cut off from power, filled and looked at. */
#include "tests/support/disk_sim_internal.h"

/* -- life --------------------------------------------------------------------------------------------------------- */

struct disk_sim *disk_sim_new(void)
{
    struct disk_sim *d = disk_sim_must(calloc(1, sizeof *d));
    d->io = disk_sim_calls_of(d);
    d->capacity = UINT64_MAX;
    disk_sim_make_dir(d, "/");
    return d;
}

void disk_sim_free(struct disk_sim *d)
{
    if (d == NULL)
        return;
    while (d->files != NULL)
        disk_sim_forget_file(d, d->files);
    while (d->change_count > 0)
        names_forget_change(d, d->change_count - 1);
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
        disk_sim_must(NULL);
    copied->from[copied->count] = from;
    copied->to[copied->count++] = to;
    return to;
}

struct disk_sim *disk_sim_copy(const struct disk_sim *d)
{
    struct disk_sim *c = disk_sim_new();
    struct copied *copied = disk_sim_must(calloc(1, sizeof *copied));
    for (size_t i = 0; i < d->now.count; i++)
        names_set(&c->now, d->now.items[i].path, copy_inode(c, copied, d->now.items[i].inode));
    for (size_t i = 0; i < d->durable.count; i++)
        names_set(&c->durable, d->durable.items[i].path, copy_inode(c, copied, d->durable.items[i].inode));
    c->changes = disk_sim_must(realloc(c->changes, (d->change_count + 1) * sizeof *c->changes));
    for (size_t i = 0; i < d->change_count; i++) {
        const struct name_change *change = &d->changes[i];
        struct inode *inode = copy_inode(c, copied, change->inode);
        inode_hold(inode);
        c->changes[c->change_count++] = (struct name_change){disk_sim_text(change->from), disk_sim_text(change->to),
                                                             inode};
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
        disk_sim_forget_file(d, d->files);
    for (size_t i = 0; i < count; i++)
        inode_cut(inodes[i], keep, context, &choice);
    while (d->change_count > 0) {
        if (keep(context, choice++))
            names_apply(&d->durable, &d->changes[0]);
        names_forget_change(d, 0);
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
    const struct name *name = names_find(&d->now, path);
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
    const struct name *name = names_find(&d->now, path);
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
        content.data = disk_sim_must(realloc(content.data, content.len + got));
        memcpy(content.data + content.len, piece, got);
        content.len += got;
    }
    fclose(file);
    disk_sim_put(d, path, buffer_bytes(&content));
    free(content.data);
}

void disk_sim_import(struct disk_sim *d, const char *path, const char *real_dir)
{
    DIR *dir = disk_sim_must(opendir(real_dir));
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
