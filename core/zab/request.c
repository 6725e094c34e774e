/* request.c - each payload by its fields; lengths are looked at once, at the end of each decode. */
#include "core/zab/request.h"

enum { HAS_SID = 8, HAS_PROTOCOL = 12, HAS_CONFIG = 20, PROTOCOL_BEFORE_EPOCHS = 1, CONFIG_NOT_TOLD = -1 };

/* What reading came to. */
static enum status outcome(const struct reader *r)
{
    return r->status == ST_OK ? ST_OK : ST_CORRUPT;
}

/* All that is left, never null. */
static struct bytes rest_of(const struct reader *r)
{
    return bytes_make(r->at, reader_left(r));
}

static struct bytes tail_of(const struct reader *r)
{
    return reader_left(r) == 0 ? BYTES_NULL : rest_of(r);
}

/* -- handshake ----------------------------------------------------------------------------------------------------- */

enum status learner_info_decode(struct bytes data, struct learner_info *info)
{
    struct reader r = reader_of(data);
    if (bytes_is_null(data))
        return ST_NOT_FOUND;
    *info = (struct learner_info){.protocol_version = PROTOCOL_BEFORE_EPOCHS, .config_version = CONFIG_NOT_TOLD};
    info->sid = read_i64(&r);
    if (data.len >= HAS_PROTOCOL)
        info->protocol_version = read_i32(&r);
    if (data.len >= HAS_CONFIG) {
        info->config_version = read_i64(&r);
        info->tail = tail_of(&r);
    }
    return outcome(&r);
}

void learner_info_encode(struct writer *w, const struct learner_info *info)
{
    write_i64(w, info->sid);
    write_i32(w, info->protocol_version);
    write_i64(w, info->config_version);
    write_raw(w, info->tail);
}

enum status leader_info_decode(struct bytes data, struct leader_info *info)
{
    struct reader r = reader_of(data);
    info->protocol_version = read_i32(&r);
    info->tail = tail_of(&r);
    return outcome(&r);
}

void leader_info_encode(struct writer *w, const struct leader_info *info)
{
    write_i32(w, info->protocol_version);
    write_raw(w, info->tail);
}

enum status ack_epoch_decode(struct bytes data, int32_t *epoch)
{
    struct reader r = reader_of(data);
    *epoch = read_i32(&r);
    return outcome(&r);
}

void ack_epoch_encode(struct writer *w, int32_t epoch)
{
    write_i32(w, epoch);
}

/* -- configurations ------------------------------------------------------------------------------------------------ */

enum status designated_leader_decode(struct bytes data, int64_t *sid)
{
    struct reader r = reader_of(data);
    *sid = read_i64(&r);
    return outcome(&r);
}

void designated_leader_encode(struct writer *w, int64_t sid)
{
    write_i64(w, sid);
}

enum status activated_entry_decode(struct bytes data, int64_t *designated_leader, struct bytes *entry)
{
    struct reader r = reader_of(data);
    *designated_leader = read_i64(&r);
    *entry = rest_of(&r);
    return outcome(&r);
}

void activated_entry_encode(struct writer *w, int64_t designated_leader, struct bytes entry)
{
    write_i64(w, designated_leader);
    write_raw(w, entry);
}

/* -- sessions ------------------------------------------------------------------------------------------------------ */

static struct touch read_touch(struct reader *r)
{
    struct touch touch;
    touch.session_id = read_i64(r);
    touch.timeout_ms = read_i32(r);
    return touch;
}

enum status revalidate_decode(struct bytes data, struct touch *session)
{
    struct reader r = reader_of(data);
    *session = read_touch(&r);
    return outcome(&r);
}

enum status revalidated_decode(struct bytes data, int64_t *session_id, bool *valid)
{
    struct reader r = reader_of(data);
    *session_id = read_i64(&r);
    *valid = read_boolean(&r);
    return outcome(&r);
}

void revalidated_encode(struct writer *w, int64_t session_id, bool valid)
{
    write_i64(w, session_id);
    write_boolean(w, valid);
}

enum status touches_begin(struct bytes data, struct reader *at)
{
    *at = reader_of(data);
    return data.len % TOUCH_LEN == 0 ? ST_OK : ST_CORRUPT;
}

bool touches_next(struct reader *at, struct touch *touch)
{
    if (reader_left(at) < TOUCH_LEN)
        return false;
    *touch = read_touch(at);
    return true;
}

void touch_encode(struct writer *w, const struct touch *touch)
{
    write_i64(w, touch->session_id);
    write_i32(w, touch->timeout_ms);
}

/* -- writes -------------------------------------------------------------------------------------------------------- */

enum status forwarded_request_decode(struct bytes data, struct forwarded_request *request)
{
    struct reader r = reader_of(data);
    request->session_id = read_i64(&r);
    request->cxid = read_i32(&r);
    request->type = read_i32(&r);
    request->body = rest_of(&r);
    return outcome(&r);
}

void forwarded_request_encode(struct writer *w, const struct forwarded_request *request)
{
    write_i64(w, request->session_id);
    write_i32(w, request->cxid);
    write_i32(w, request->type);
    write_raw(w, request->body);
}
