/* files.c - file names told apart and put in order. */
#include "core/store/files.h"

#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const prefixes[] = {[STORE_LOG] = "log.", [STORE_SNAPSHOT] = "snapshot."};

static const struct extension {
    const char *text;
    enum store_compression compression;
} extensions[] = {{"", STORE_PLAIN}, {".gz", STORE_GZIP}, {".snappy", STORE_SNAPPY}};

/* Value of a hexadecimal digit; -1: it is none. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to 16 digits; returns how many there were. */
static size_t parse_hex(const char *text, uint64_t *value)
{
    size_t n = 0;
    *value = 0;
    for (; n < 16 && hex_value(text[n]) >= 0; n++)
        *value = *value << 4 | (uint64_t)hex_value(text[n]);
    return n;
}

bool store_file_parse(const char *name, enum store_file_kind kind, struct store_file *file)
{
    size_t prefix = strlen(prefixes[kind]);
    if (strncmp(name, prefixes[kind], prefix) != 0)
        return false;
    uint64_t zxid;
    size_t digits = parse_hex(name + prefix, &zxid);
    if (digits == 0 || zxid > INT64_MAX)
        return false;
    const char *rest = name + prefix + digits;
    size_t known = kind == STORE_SNAPSHOT ? ARRAY_LEN(extensions) : 1;
    for (size_t i = 0; i < known; i++) {
        if (strcmp(rest, extensions[i].text) == 0) {
            *file = (struct store_file){.zxid = (int64_t)zxid, .compression = extensions[i].compression};
            return true;
        }
    }
    return false;
}

static enum status grow(struct store_files *files)
{
    struct store_file *items = array_room(files->items, files->count, &files->capacity, sizeof *items, 16);
    if (items == NULL)
        return ST_NO_MEMORY;
    files->items = items;
    return ST_OK;
}

struct listing {
    const char *dir;
    enum store_file_kind kind;
    struct store_files *files;
};

static enum status take_name(void *context, const char *name)
{
    struct listing *listing = context;
    struct store_file file;
    if (!store_file_parse(name, listing->kind, &file))
        return ST_OK;
    enum status st = grow(listing->files);
    struct buffer path = {0};
    if (st == ST_OK)
        st = buffer_printf(&path, "%s/%s", listing->dir, name);
    if (st != ST_OK)
        return st;
    file.path = (char *)path.data;
    listing->files->items[listing->files->count++] = file;
    return ST_OK;
}

/* By zxid; of one zxid the plain file comes last, so that it is the first choice of who begins at the end. */
static int order_of(const void *left, const void *right)
{
    const struct store_file *a = left, *b = right;
    if (a->zxid != b->zxid)
        return a->zxid < b->zxid ? -1 : 1;
    return (int)b->compression - (int)a->compression;
}

enum status store_files_list(const struct store_io *io, const char *dir, enum store_file_kind kind,
                             struct store_files *files)
{
    struct listing listing = {dir, kind, files};
    enum status st = io->list(io->context, dir, take_name, &listing);
    if (st == ST_NOT_FOUND)
        st = ST_OK;
    if (st != ST_OK)
        store_files_free(files);
    else if (files->count > 1)
        qsort(files->items, files->count, sizeof *files->items, order_of);
    return st;
}

void store_files_free(struct store_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        mem_free(files->items[i].path);
    mem_free(files->items);
    *files = (struct store_files){NULL, 0, 0};
}

enum status store_file_path(struct buffer *path, const char *dir, enum store_file_kind kind, int64_t zxid)
{
    return buffer_printf(path, "%s/%s%" PRIx64, dir, prefixes[kind], (uint64_t)zxid);
}

bool zxid_follows(int64_t zxid, int64_t next)
{
    if (zxid_epoch(next) == zxid_epoch(zxid))
        return zxid_counter(next) == zxid_counter(zxid) + 1 && next > zxid;
    return zxid_epoch(next) > zxid_epoch(zxid) && zxid_counter(next) <= 1;
}
