/* rig_request.c - one row for each operation: how its arguments are written into a request, how its reply is printed.
 */
#include "tests/support/random.h"
#include "tests/support/rig_internal.h"

#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 64, MULTI = 14, MULTI_READ = 22, LIST_BYTES = 2048 };

/* -- arguments ---------------------------------------------------------------------------------------------------- */

/* The words of one operation, and "name=value" among them. */
struct words {
    char *list[WORDS_MAX];
    size_t count, at;
};

static const char *named(const struct words *w, const char *name, const char *otherwise)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < w->count; i++)
        if (strncmp(w->list[i], name, len) == 0 && w->list[i][len] == '=')
            return w->list[i] + len + 1;
    return otherwise;
}

static bool is_named(const char *word)
{
    static const char *const names[] = {
        "acl=",    "flags=",      "version=",   "ttl=",     "since=",   "data=",    "exist=", "xid=",   "child=",
        "config=", "persistent=", "recursive=", "joining=", "leaving=", "members=", "after=", "limit=", "depth="};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strncmp(word, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* The next word that is not "name=value". */
static const char *next(struct words *w, const char *otherwise)
{
    while (w->at < w->count && is_named(w->list[w->at]))
        w->at++;
    return w->at < w->count ? w->list[w->at++] : otherwise;
}

static void write_escaped(struct writer *w, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned byte = (unsigned char)*text;
        if (strncmp(text, "\\x", 2) == 0) {
            CHECK(sscanf(text + 2, "%2x", &byte) == 1);
            text += 3;
        } else if (strncmp(text, "\\s", 2) == 0) {
            byte = ' ';
            text++;
        }
        write_raw(w, bytes_make(&(uint8_t){(uint8_t)byte}, 1));
    }
}

/* "null" is null, '""' is empty, "x*1000" is a thousand x, \x00 is a byte, \s a space. */
static void write_value(struct writer *w, const char *text)
{
    const char *star = strchr(text, '*');
    if (strcmp(text, "null") == 0) {
        write_blob(w, BYTES_NULL);
        return;
    }
    if (strcmp(text, "\"\"") == 0) {
        write_blob(w, BYTES(""));
        return;
    }
    size_t len_at = w->out->len;
    write_i32(w, 0);
    if (star != NULL) {
        for (int i = atoi(star + 1); i > 0; i--)
            write_raw(w, bytes_make(text, (size_t)(star - text)));
    } else {
        write_escaped(w, text);
    }
    write_i32_at(w, len_at, (int32_t)(w->out->len - len_at - 4));
}

static int32_t perms_of(const char *letters)
{
    static const char order[] = "rwcda";
    int32_t perms = 0;
    for (; *letters != '\0'; letters++) {
        const char *at = strchr(order, *letters);
        CHECK(at != NULL);
        perms |= 1 << (at - order);
    }
    return perms;
}

/* One entry: "world:anyone:rwcda", or with a number for the permissions; scheme and id may be "null". */
static void write_acl_entry(struct writer *w, char *entry)
{
    char *id = strchr(entry, ':'), *perms = strrchr(entry, ':');
    CHECK(id != NULL && perms != id);
    *id++ = '\0';
    *perms++ = '\0';
    write_i32(w, *perms >= '0' && *perms <= '9' ? atoi(perms) : perms_of(perms));
    write_value(w, entry);
    write_value(w, *id == '\0' ? "\"\"" : id);
}

/* Parts divided by commas, each written by `write_one`; "null" is a null list, "none" or nothing an empty one. */
static void write_list(struct writer *w, const char *text, void (*write_one)(struct writer *w, char *part))
{
    char copy[LIST_BYTES], *rest = copy, *part;
    size_t count_at = w->out->len;
    int32_t count = 0;
    CHECK(snprintf(copy, sizeof copy, "%s", text) < (int)sizeof copy);
    write_i32(w, strcmp(text, "null") == 0 ? -1 : 0);
    if (strcmp(text, "null") == 0 || strcmp(text, "none") == 0 || text[0] == '\0')
        return;
    while ((part = strsep(&rest, ",")) != NULL) {
        write_one(w, part);
        count++;
    }
    write_i32_at(w, count_at, count);
}

static void write_acl(struct writer *w, const char *text)
{
    write_list(w, text, write_acl_entry);
}

static void write_path_of_list(struct writer *w, char *path)
{
    write_value(w, path);
}

static void write_paths(struct writer *w, const char *text)
{
    write_list(w, text, write_path_of_list);
}

static void write_create(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
    write_value(w, next(a, "\"\""));
    write_acl(w, named(a, "acl", "world:anyone:rwcda"));
    write_i32(w, atoi(named(a, "flags", "0")));
}

static void write_create_container(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
    write_value(w, next(a, "\"\""));
    write_acl(w, named(a, "acl", "world:anyone:rwcda"));
    write_i32(w, atoi(named(a, "flags", "4")));
}

static void write_create_ttl(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
    write_value(w, next(a, "\"\""));
    write_acl(w, named(a, "acl", "world:anyone:rwcda"));
    write_i32(w, atoi(named(a, "flags", "5")));
    write_i64(w, atoll(named(a, "ttl", "-1")));
}

static void write_path_version(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
    write_i32(w, atoi(named(a, "version", "-1")));
}

static void write_path_watch(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
    write_boolean(w, strcmp(next(a, ""), "watch") == 0);
}

static void write_path(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
}

static void write_set_data(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
    write_value(w, next(a, "\"\""));
    write_i32(w, atoi(named(a, "version", "-1")));
}

static void write_set_acl(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
    write_acl(w, named(a, "acl", "world:anyone:rwcda"));
    write_i32(w, atoi(named(a, "version", "-1")));
}

static void write_path_type(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
    write_i32(w, atoi(next(a, "0")));
}

static void write_auth(struct words *a, struct writer *w)
{
    write_i32(w, 0);
    write_value(w, next(a, "null"));
    write_value(w, next(a, "null"));
}

static void write_set_watches(struct words *a, struct writer *w)
{
    write_i64(w, atoll(named(a, "since", "0")));
    write_paths(w, named(a, "data", ""));
    write_paths(w, named(a, "exist", ""));
    write_paths(w, named(a, "child", ""));
}

static void write_set_watches2(struct words *a, struct writer *w)
{
    write_set_watches(a, w);
    write_paths(w, named(a, "persistent", ""));
    write_paths(w, named(a, "recursive", ""));
}

static void write_reconfig(struct words *a, struct writer *w)
{
    write_value(w, named(a, "joining", "null"));
    write_value(w, named(a, "leaving", "null"));
    write_value(w, named(a, "members", "null"));
    write_i64(w, strtoll(named(a, "config", "-1"), NULL, 0));
}

static void write_sasl(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
}

static void write_list_page(struct words *a, struct writer *w)
{
    write_value(w, next(a, "null"));
    const char *flag = next(a, "");
    bool watch = strcmp(flag, "watch") == 0;
    write_boolean(w, watch);
    write_value(w, named(a, "after", "null"));
    write_i32(w, atoi(named(a, "limit", "0")));
    write_boolean(w, strcmp(watch ? next(a, "") : flag, "nodes") == 0);
}

static void write_read_many(struct words *a, struct writer *w)
{
    write_paths(w, next(a, ""));
    write_boolean(w, strcmp(next(a, ""), "children") == 0);
}

static void write_subtree(struct words *a, struct writer *w)
{
    write_paths(w, next(a, ""));
    write_i32(w, atoi(named(a, "depth", "0")));
    write_boolean(w, strcmp(next(a, ""), "bare") == 0);
}

static void write_nothing(struct words *a, struct writer *w)
{
    (void)a;
    (void)w;
}

/* -- the table ---------------------------------------------------------------------------------------------------- */

static const struct row {
    const char *name;
    int32_t op;
    void (*write)(struct words *a, struct writer *w);
} rows[] = {
    {"create", 1, write_create},
    {"delete", 2, write_path_version},
    {"exists", 3, write_path_watch},
    {"getData", 4, write_path_watch},
    {"setData", 5, write_set_data},
    {"getACL", 6, write_path},
    {"setACL", 7, write_set_acl},
    {"getChildren", 8, write_path_watch},
    {"sync", 9, write_path},
    {"ping", 11, write_nothing},
    {"getChildren2", 12, write_path_watch},
    {"check", 13, write_path_version},
    {"multi", MULTI, write_nothing},
    {"create2", 15, write_create},
    {"reconfig", 16, write_reconfig},
    {"checkWatches", 17, write_path_type},
    {"removeWatches", 18, write_path_type},
    {"createContainer", 19, write_create_container},
    {"deleteContainer", 20, write_path},
    {"createTTL", 21, write_create_ttl},
    {"multiRead", MULTI_READ, write_nothing},
    {"auth", 100, write_auth},
    {"setWatches", 101, write_set_watches},
    {"sasl", 102, write_sasl},
    {"getEphemerals", 103, write_path},
    {"getAllChildrenNumber", 104, write_path},
    {"setWatches2", 105, write_set_watches2},
    {"addWatch", 106, write_path_type},
    {"whoAmI", 107, write_nothing},
    {"listPage", 1001, write_list_page},
    {"readMany", 1002, write_read_many},
    {"subtree", 1003, write_subtree},
    {"createSession", -10, write_nothing},
    {"closeSession", -11, write_nothing},
};

static const struct row *row_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    printf("no such operation: %s\n", name);
    abort();
}

static struct words split(char *text)
{
    struct words w = {0};
    char *word;
    while ((word = strsep(&text, " ")) != NULL && w.count < WORDS_MAX)
        if (word[0] != '\0')
            w.list[w.count++] = word;
    return w;
}

/* "multi create /a x ; delete /b": each part is an operation of its own. */
static void write_parts(char *parts, struct writer *w)
{
    while (parts != NULL) {
        char *end = strstr(parts, " ; ");
        if (end != NULL)
            *end = '\0';
        struct words words = split(parts);
        parts = end == NULL ? NULL : end + 3;
        if (words.count == 0)
            continue;
        const struct row *row = row_named(words.list[0]);
        words.at = 1;
        multi_header_write(w, &(struct multi_header){row->op, false, -1});
        row->write(&words, w);
    }
    multi_header_write(w, &(struct multi_header){-1, true, -1});
}

void rig_request(char *text, int32_t xid, struct buffer *frame)
{
    struct writer w = writer_to(frame);
    char *arguments = text + strcspn(text, " ");
    if (*arguments != '\0')
        *arguments++ = '\0';
    const struct row *row = row_named(text);
    request_header_write(&w, &(struct request_header){xid, row->op});
    if (row->op == MULTI || row->op == MULTI_READ) {
        write_parts(arguments, &w);
    } else {
        struct words words = split(arguments);
        row->write(&words, &w);
    }
    CHECK(w.status == ST_OK);
}

void rig_bend(struct buffer *frame, uint64_t seed)
{
    enum { XID_LEN = 4, ADDED_MAX = 16 };
    struct random random = {seed};
    CHECK(frame->len > XID_LEN);
    for (uint32_t i = random_below(&random, 4); i > 0; i--)
        frame->data[XID_LEN + random_below(&random, (uint32_t)frame->len - XID_LEN)] ^= (uint8_t)random_next(&random);
    uint32_t kind = random_below(&random, 4);
    if (kind == 0)
        frame->len = random_below(&random, (uint32_t)frame->len);
    for (uint32_t i = kind == 1 ? random_below(&random, ADDED_MAX) : 0; i > 0; i--)
        CHECK(buffer_append(frame, &(uint8_t){(uint8_t)random_next(&random)}, 1) == ST_OK);
}
