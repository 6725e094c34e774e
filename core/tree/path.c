/* path.c - the rules are stated in UTF-16 code units, paths arrive in UTF-8: one decoder, one table of refused ranges.
 */
#include "core/tree/path.h"

#include "core/base/check.h"

#include <inttypes.h>

/* A character that the rules refuse anyway stands for bytes that are no UTF-8, as it does for Apache's decoder. */
enum { REPLACEMENT = 0xfffd };

static const struct {
    uint32_t first, last;
} refused[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0xd800, 0xf8ff}, {0xfff0, 0xffff}, {0x10000, 0x10ffff},
};

static const struct sequence_row {
    uint8_t mask, lead;
    uint8_t len;
    uint32_t least; /* a smaller value would have had a shorter form */
} sequences[] = {
    {0x80, 0x00, 1, 0x0},
    {0xe0, 0xc0, 2, 0x80},
    {0xf0, 0xe0, 3, 0x800},
    {0xf8, 0xf0, 4, 0x10000},
};

static const struct sequence_row *sequence_of(uint8_t lead)
{
    for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
        if ((lead & sequences[i].mask) == sequences[i].lead)
            return &sequences[i];
    }
    return NULL;
}

/* The character at *at, which moves behind it. */
static uint32_t next_character(struct bytes b, size_t *at)
{
    const struct sequence_row *row = sequence_of(b.data[*at]);
    if (row == NULL || row->len > b.len - *at) {
        *at += 1;
        return REPLACEMENT;
    }
    uint32_t character = b.data[*at] & (uint8_t)~row->mask;
    for (size_t i = 1; i < row->len; i++) {
        uint8_t more = b.data[*at + i];
        if ((more & 0xc0) != 0x80) {
            *at += i;
            return REPLACEMENT;
        }
        character = character << 6 | (more & 0x3f);
    }
    *at += row->len;
    return character < row->least ? REPLACEMENT : character;
}

static bool is_refused(uint32_t character)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (character >= refused[i].first && character <= refused[i].last)
            return true;
    }
    return character > 0x10ffff;
}

static bool has_refused_character(struct bytes path)
{
    for (size_t at = 0; at < path.len;) {
        if (path.data[at] > 0x1f && path.data[at] < 0x7f)
            at++;
        else if (is_refused(next_character(path, &at)))
            return true;
    }
    return false;
}

bool path_may_hold(struct bytes text)
{
    return !has_refused_character(text);
}

static bool component_is_valid(struct bytes name)
{
    return name.len > 0 && !bytes_equal(name, BYTES(".")) && !bytes_equal(name, BYTES(".."));
}

static bool components_are_valid(struct bytes path)
{
    for (size_t start = 1; start <= path.len;) {
        const uint8_t *slash = memchr(path.data + start, '/', path.len - start);
        size_t end = slash == NULL ? path.len : (size_t)(slash - path.data);
        if (!component_is_valid(bytes_make(path.data + start, end - start)))
            return false;
        start = end + 1;
    }
    return true;
}

enum status path_validate(struct bytes path)
{
    if (path.len == 0 || path.data[0] != '/')
        return ST_BAD_ARGUMENTS;
    if (path.len == 1)
        return ST_OK;
    return components_are_valid(path) && !has_refused_character(path) ? ST_OK : ST_BAD_ARGUMENTS;
}

static size_t last_slash(struct bytes path)
{
    const uint8_t *slash = path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;
    CHECK(slash != NULL);
    return (size_t)(slash - path.data);
}

struct bytes path_parent(struct bytes path)
{
    return bytes_make(path.data, last_slash(path));
}

struct bytes path_name(struct bytes path)
{
    return bytes_from(path, last_slash(path) + 1);
}

bool path_is_within(struct bytes path, struct bytes ancestor)
{
    if (ancestor.len == 0 || bytes_equal(ancestor, BYTES("/")))
        return true;
    return bytes_starts_with(path, ancestor) && (path.len == ancestor.len || path.data[ancestor.len] == '/');
}

bool path_is_system(struct bytes path)
{
    static const struct bytes system_paths[] = {
        {(const uint8_t *)"/", 1},
        {(const uint8_t *)"/zookeeper", 10},
        {(const uint8_t *)"/zookeeper/quota", 16},
        {(const uint8_t *)"/zookeeper/config", 17},
    };
    for (size_t i = 0; i < ARRAY_LEN(system_paths); i++) {
        if (path.len == system_paths[i].len && memcmp(path.data, system_paths[i].data, path.len) == 0)
            return true;
    }
    return path.len == 0;
}

enum status path_append_sequence(struct buffer *path, int32_t cversion)
{
    return buffer_printf(path, "%010" PRId32, cversion);
}
