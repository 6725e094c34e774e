/* zab_output.c - effects and their bytes, collected in order. */
#include "core/base/array.h"
#include "core/base/mem.h"
#include "core/zab/zab_internal.h"

#include <stdarg.h>
#include <stdio.h>

enum { EFFECTS_FIRST = 16, LINE_MAX_LEN = 512 };

void zab_output_reset(struct zab_output *out)
{
    out->bytes.len = 0;
    out->count = 0;
}

void zab_output_free(struct zab_output *out)
{
    buffer_free(&out->bytes);
    mem_free(out->effects);
    *out = (struct zab_output){0};
}

struct bytes zab_effect_bytes(const struct zab_output *out, const struct zab_effect *effect)
{
    if (effect->null)
        return BYTES_NULL;
    /* Nothing but empty ones: there may be no buffer yet, and empty is not null. */
    return effect->len == 0 ? BYTES("") : bytes_make(out->bytes.data + effect->offset, effect->len);
}

struct zab_effect *zab_emit(struct zab *z, enum zab_effect_kind kind)
{
    struct zab_output *out = z->out;
    z->spare = (struct zab_effect){0};
    if (z->status != ST_OK || z->is_leaving)
        return &z->spare;
    struct zab_effect *room = array_room(out->effects, out->count, &out->capacity, sizeof *room, EFFECTS_FIRST);
    if (room == NULL) {
        z->status = ST_NO_MEMORY;
        return &z->spare;
    }
    out->effects = room;
    struct zab_effect *effect = &out->effects[out->count++];
    *effect = (struct zab_effect){.kind = kind, .null = true};
    return effect;
}

/* The effect gets what was written to the output's bytes since they were `offset` long; unless that went wrong. */
static struct zab_effect *emit_written(struct zab *z, enum zab_effect_kind kind, size_t offset, enum status st)
{
    CHECK(st == ST_OK || st == ST_NO_MEMORY); /* what is too long for its form is never made */
    if (!zab_ok(z, st))
        z->out->bytes.len = offset;
    struct zab_effect *effect = zab_emit(z, kind);
    effect->offset = offset;
    effect->len = z->out->bytes.len - offset;
    effect->null = false;
    return effect;
}

struct zab_effect *zab_emit_bytes(struct zab *z, enum zab_effect_kind kind, struct bytes bytes)
{
    const size_t offset = z->out->bytes.len;
    enum status st = bytes.len == 0 ? ST_OK : buffer_append(&z->out->bytes, bytes.data, bytes.len);
    struct zab_effect *effect = emit_written(z, kind, offset, st);
    effect->null = bytes_is_null(bytes);
    return effect;
}

/* The last effect, when it sends to this link and more may be put behind its bytes; NULL: there is none such. */
static struct zab_effect *open_send(struct zab *z, uint64_t link)
{
    struct zab_output *out = z->out;
    struct zab_effect *last = out->count == 0 ? NULL : &out->effects[out->count - 1];
    const bool fits = last != NULL && last->kind == ZAB_SEND && last->link == link &&
                      last->offset + last->len == out->bytes.len && z->status == ST_OK && !z->is_leaving;
    return fits ? last : NULL;
}

static enum status append_packet(struct zab *z, const struct packet *packet)
{
    struct writer w = writer_to(&z->out->bytes);
    packet_encode(&w, packet);
    return w.status;
}

void zab_send(struct zab *z, uint64_t link, const struct packet *packet)
{
    const size_t offset = z->out->bytes.len;
    struct zab_effect *last = open_send(z, link);
    enum status st = append_packet(z, packet);
    if (last == NULL || st != ST_OK)
        emit_written(z, ZAB_SEND, offset, st)->link = link;
    else
        last->len = z->out->bytes.len - last->offset;
}

void zab_send_plain(struct zab *z, uint64_t link, int32_t type, int64_t zxid)
{
    zab_send(z, link, &(struct packet){.type = type, .zxid = zxid});
}

void zab_close_link(struct zab *z, uint64_t link)
{
    zab_emit(z, ZAB_CLOSE)->link = link;
}

void zab_pass(struct zab *z, uint64_t link, const struct packet *packet)
{
    const size_t offset = z->out->bytes.len;
    struct zab_effect *effect = emit_written(z, ZAB_PASS, offset, append_packet(z, packet));
    effect->link = link;
    effect->zxid = packet->zxid;
    effect->packet_type = packet->type;
}

void zab_log_entry(struct zab *z, const struct entry *e)
{
    if (zab_is_reconfig(z, e))
        zab_see_config(z, e);
    zab_emit_bytes(z, ZAB_LOG, entry_bytes(e))->zxid = e->zxid;
    z->logged_zxid = e->zxid;
}

void zab_notify(struct zab *z, int64_t sid, const struct notification *n)
{
    const size_t offset = z->out->bytes.len;
    struct writer w = writer_to(&z->out->bytes);
    notification_encode(&w, n);
    emit_written(z, ZAB_NOTIFY, offset, w.status)->sid = sid;
}

uint64_t zab_store(struct zab *z, enum zab_effect_kind kind, int64_t epoch_or_zxid)
{
    const bool has_epoch = kind == ZAB_STORE_ACCEPTED || kind == ZAB_STORE_CURRENT;
    struct zab_effect *effect = zab_emit(z, kind);
    effect->ticket = ++z->next_ticket;
    effect->epoch = has_epoch ? epoch_or_zxid : 0;
    effect->zxid = has_epoch ? 0 : epoch_or_zxid;
    return z->next_ticket;
}

void zab_say(struct zab *z, const char *format, ...)
{
    char line[LINE_MAX_LEN];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    zab_emit_bytes(z, ZAB_LOG_LINE, bytes_of(line));
}

void zab_wake_at(struct zab *z, int64_t at_ms)
{
    if (at_ms < z->wake_ms)
        z->wake_ms = at_ms;
}
