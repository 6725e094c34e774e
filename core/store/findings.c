/* findings.c - the list of what was found. */
#include "core/store/findings.h"

#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const kind_names[] =
    {[FINDING_NOTE] = "note", [FINDING_REPAIR] = "repair", [FINDING_DAMAGE] = "damage"};

static enum status grow(struct findings *f)
{
    struct finding *items = array_room(f->items, f->count, &f->capacity, sizeof *items, 8);
    if (items == NULL)
        return ST_NO_MEMORY;
    f->items = items;
    return ST_OK;
}

static char *format_text(const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len < 0 ? NULL : mem_alloc((size_t)len + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

static enum status add(struct findings *f, const struct finding *like, const char *file, const char *format,
                       va_list args)
{
    enum status st = grow(f);
    if (st != ST_OK)
        return st;
    struct finding *item = &f->items[f->count];
    *item = *like;
    item->file = mem_strdup(file == NULL ? "" : file);
    item->text = format_text(format, args);
    if (item->file == NULL || item->text == NULL) {
        mem_free(item->file);
        mem_free(item->text);
        return ST_NO_MEMORY;
    }
    f->count++;
    return ST_OK;
}

enum status findings_add(struct findings *f, enum finding_kind kind, const char *file, uint64_t offset,
                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum status st = add(f, &(struct finding){.kind = kind, .offset = offset}, file, format, args);
    va_end(args);
    return st;
}

enum status findings_add_cut(struct findings *f, const char *file, uint64_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum status st = add(f, &(struct finding){.kind = FINDING_REPAIR, .offset = offset, .cut = true}, file, format,
                         args);
    va_end(args);
    return st;
}

enum finding_kind findings_worst(const struct findings *f)
{
    enum finding_kind worst = FINDING_NOTE;
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i].kind > worst)
            worst = f->items[i].kind;
    }
    return worst;
}

void findings_truncate(struct findings *f, size_t count)
{
    CHECK(count <= f->count);
    while (f->count > count) {
        f->count--;
        mem_free(f->items[f->count].file);
        mem_free(f->items[f->count].text);
    }
}

enum status findings_print(const struct findings *f, struct buffer *out)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < f->count && st == ST_OK; i++) {
        const struct finding *item = &f->items[i];
        st = buffer_printf(out, "%s: %s at byte %" PRIu64 ": %s\n", kind_names[item->kind], item->file, item->offset,
                           item->text);
    }
    return st;
}

void findings_free(struct findings *f)
{
    findings_truncate(f, 0);
    mem_free(f->items);
    *f = (struct findings){NULL, 0, 0};
}
