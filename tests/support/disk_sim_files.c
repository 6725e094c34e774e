/* disk_sim_files.c - files by sectors and names by changes, each seen and durable apart. */
#include "tests/support/disk_sim_internal.h"

void *disk_sim_must(void *block)
{
    if (block == NULL) {
        fprintf(stderr, "disk_sim: out of memory\n");
        abort();
    }
    return block;
}

char *disk_sim_text(const char *text)
{
    return text == NULL ? NULL : disk_sim_must(strdup(text));
}

/* -- inodes ------------------------------------------------------------------------------------------------------- */

struct inode *inode_new(struct disk_sim *d)
{
    struct inode *n = disk_sim_must(calloc(1, sizeof *n));
    n->id = ++d->last_inode;
    return n;
}

void inode_hold(struct inode *n)
{
    if (n != NULL)
        n->links++;
}

void inode_release(struct inode *n)
{
    if (n == NULL || --n->links > 0)
        return;
    free(n->now);
    free(n->durable);
    free(n->dirty);
    free(n);
}

void inode_reach(struct inode *n, size_t size)
{
    if (size <= n->cap)
        return;
    size_t cap = n->cap == 0 ? SECTOR : n->cap;
    while (cap < size)
        cap *= 2;
    n->now = disk_sim_must(realloc(n->now, cap));
    n->durable = disk_sim_must(realloc(n->durable, cap));
    n->dirty = disk_sim_must(realloc(n->dirty, cap / SECTOR * sizeof(bool)));
    memset(n->now + n->cap, 0, cap - n->cap);
    memset(n->durable + n->cap, 0, cap - n->cap);
    memset(n->dirty + n->cap / SECTOR, 0, (cap - n->cap) / SECTOR * sizeof(bool));
    n->cap = cap;
}

void inode_resize(struct inode *n, size_t size)
{
    inode_reach(n, size);
    if (size < n->size) {
        memset(n->now + size, 0, n->size - size);
        for (size_t s = size / SECTOR; s < (n->size + SECTOR - 1) / SECTOR; s++)
            n->dirty[s] = true;
    }
    n->size = size;
}

void inode_write(struct inode *n, size_t offset, const void *data, size_t len)
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

void inode_sync(struct inode *n)
{
    for (size_t s = 0; s < n->cap / SECTOR; s++) {
        if (n->dirty[s])
            sector_to_durable(n, s);
    }
    n->durable_size = n->size;
}

/* Some sectors are written, the others never will be, though they no longer count as dirty. */
void inode_sync_fails(struct inode *n, struct random *random)
{
    for (size_t s = 0; s < n->cap / SECTOR; s++) {
        if (n->dirty[s] && random_below(random, 2) == 0)
            sector_to_durable(n, s);
        n->dirty[s] = false;
    }
}

size_t inode_choices(const struct inode *n)
{
    size_t count = n->size != n->durable_size;
    for (size_t s = 0; s < n->cap / SECTOR; s++)
        count += n->dirty[s];
    return count;
}

void inode_cut(struct inode *n, bool (*keep)(void *, size_t), void *context, size_t *choice)
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

struct name *names_find(const struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].path, path) == 0)
            return &names->items[i];
    }
    return NULL;
}

void names_set(struct names *names, const char *path, struct inode *inode)
{
    inode_hold(inode);
    struct name *name = names_find(names, path);
    if (name != NULL) {
        inode_release(name->inode);
        name->inode = inode;
        return;
    }
    if (names->count == names->cap) {
        names->cap = names->cap == 0 ? 16 : names->cap * 2;
        names->items = disk_sim_must(realloc(names->items, names->cap * sizeof *names->items));
    }
    names->items[names->count++] = (struct name){disk_sim_text(path), inode};
}

void names_unset(struct names *names, const char *path)
{
    struct name *name = names_find(names, path);
    if (name == NULL)
        return;
    inode_release(name->inode);
    free(name->path);
    *name = names->items[--names->count];
}

void names_free(struct names *names)
{
    while (names->count > 0)
        names_unset(names, names->items[0].path);
    free(names->items);
    *names = (struct names){NULL, 0, 0};
}

void names_copy(struct names *to, const struct names *from)
{
    names_free(to);
    for (size_t i = 0; i < from->count; i++)
        names_set(to, from->items[i].path, from->items[i].inode);
}

void names_apply(struct names *names, const struct name_change *change)
{
    if (change->from != NULL) {
        struct name *from = names_find(names, change->from);
        if (change->to != NULL && from == NULL)
            return; /* what was to be moved was never made */
        if (from != NULL)
            names_unset(names, change->from);
    }
    if (change->to != NULL)
        names_set(names, change->to, change->inode);
}

void names_change(struct disk_sim *d, const char *from, const char *to, struct inode *inode)
{
    d->changes = disk_sim_must(realloc(d->changes, (d->change_count + 1) * sizeof *d->changes));
    d->changes[d->change_count] = (struct name_change){disk_sim_text(from), disk_sim_text(to), inode};
    inode_hold(inode);
    names_apply(&d->now, &d->changes[d->change_count++]);
}

void names_forget_change(struct disk_sim *d, size_t i)
{
    free(d->changes[i].from);
    free(d->changes[i].to);
    inode_release(d->changes[i].inode);
    memmove(&d->changes[i], &d->changes[i + 1], (d->change_count - i - 1) * sizeof *d->changes);
    d->change_count--;
}

bool names_is_in(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return path != NULL && strncmp(path, dir, len) == 0 && path[len] == '/' && strchr(path + len + 1, '/') == NULL;
}
