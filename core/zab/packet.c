/* packet.c - where a packet ends: lengths are judged before their bytes are there, so that a peer cannot make us wait
 * for what we would not take. */
#include "core/zab/packet.h"

#include "core/base/check.h"

enum {
    DATA_LEN_AT = 12, /* behind type and zxid */
    IDS_LEN = 4,      /* the count of identities, behind the data */
};

/* May what stands next be read as a buffer of at most `max` bytes? ST_TRUNCATED: `*lacking` more bytes are needed. */
static enum status look_at_blob(const struct reader *r, size_t max, size_t *lacking)
{
    const size_t left = reader_left(r);
    if (left < 4) {
        *lacking = 4 - left;
        return ST_TRUNCATED;
    }
    const int32_t len = (int32_t)be32_get(r->at);
    if (len < 0)
        return len == -1 ? ST_OK : ST_CORRUPT;
    if ((size_t)len > max)
        return ST_LIMIT;
    if ((size_t)len > left - 4) {
        *lacking = (size_t)len - (left - 4);
        return ST_TRUNCATED;
    }
    return ST_OK;
}

static enum status take_blob(struct reader *r, size_t max, struct bytes *blob, size_t *lacking)
{
    enum status st = look_at_blob(r, max, lacking);
    if (st == ST_OK)
        *blob = read_blob(r);
    return st;
}

static enum status take_entries(struct reader *r, size_t max, struct ids *ids, size_t *lacking)
{
    const uint8_t *start = r->at;
    for (int64_t i = 0; i < 2 * (int64_t)ids->count; i++) {
        struct bytes text;
        const size_t taken = (size_t)(r->at - start);
        if (taken > max)
            return ST_LIMIT;
        enum status st = take_blob(r, max - taken, &text, lacking);
        if (st != ST_OK)
            return st;
    }
    ids->raw = bytes_make(start, (size_t)(r->at - start));
    return ids->raw.len > max ? ST_LIMIT : ST_OK;
}

static enum status take_ids(struct reader *r, size_t max, struct ids *ids, size_t *lacking)
{
    const size_t left = reader_left(r);
    *ids = (struct ids){.raw = BYTES_NULL};
    if (left < 4) {
        *lacking = 4 - left;
        return ST_TRUNCATED;
    }
    const int32_t count = read_i32(r);
    if (count < 0)
        return count == -1 ? ST_OK : ST_CORRUPT;
    if (count > PACKET_IDS_MAX)
        return ST_LIMIT;
    ids->count = count;
    return take_entries(r, max, ids, lacking);
}

enum status packet_decode(struct bytes in, size_t data_max, struct packet *packet, size_t *used)
{
    struct reader r = reader_of(in);
    size_t lacking = 0;
    if (in.len < PACKET_LEN_MIN) {
        *used = PACKET_LEN_MIN;
        return ST_TRUNCATED;
    }
    packet->type = read_i32(&r);
    packet->zxid = read_i64(&r);
    enum status st = take_blob(&r, data_max, &packet->data, &lacking);
    if (st == ST_OK)
        st = take_ids(&r, data_max, &packet->authinfo, &lacking);
    *used = st == ST_TRUNCATED ? in.len + lacking : in.len - reader_left(&r);
    return st;
}

/* The length of the packet that `in` begins with; 0: it is not whole. Those without identities, as nearly all are, are
 * not looked into. */
static size_t length_of(struct bytes in)
{
    struct packet packet;
    size_t used = 0;
    if (in.len < PACKET_LEN_MIN)
        return 0;
    const int32_t data = (int32_t)be32_get(in.data + DATA_LEN_AT);
    const size_t len = PACKET_LEN_MIN + (data > 0 ? (size_t)data : 0);
    if (len <= in.len && (int32_t)be32_get(in.data + len - IDS_LEN) <= 0)
        return len;
    return packet_decode(in, SIZE_MAX, &packet, &used) == ST_OK ? used : 0;
}

size_t packet_count(struct bytes packets)
{
    size_t count = 0, len;
    for (size_t at = 0; (len = length_of(bytes_from(packets, at))) > 0; at += len)
        count++;
    return count;
}

void packet_encode(struct writer *w, const struct packet *packet)
{
    write_i32(w, packet->type);
    write_i64(w, packet->zxid);
    write_blob(w, packet->data);
    write_i32(w, bytes_is_null(packet->authinfo.raw) ? -1 : packet->authinfo.count);
    write_raw(w, packet->authinfo.raw);
}

bool ids_next(struct reader *at, struct bytes *scheme, struct bytes *id)
{
    if (at->status != ST_OK || reader_left(at) == 0)
        return false;
    *scheme = read_text(at);
    *id = read_text(at);
    return at->status == ST_OK;
}

static const char *const type_names[] = {
    [PACKET_REQUEST] = "REQUEST",
    [PACKET_PROPOSAL] = "PROPOSAL",
    [PACKET_ACK] = "ACK",
    [PACKET_COMMIT] = "COMMIT",
    [PACKET_PING] = "PING",
    [PACKET_REVALIDATE] = "REVALIDATE",
    [PACKET_SYNC] = "SYNC",
    [PACKET_INFORM] = "INFORM",
    [PACKET_COMMIT_AND_ACTIVATE] = "COMMITANDACTIVATE",
    [PACKET_NEWLEADER] = "NEWLEADER",
    [PACKET_FOLLOWERINFO] = "FOLLOWERINFO",
    [PACKET_UPTODATE] = "UPTODATE",
    [PACKET_DIFF] = "DIFF",
    [PACKET_TRUNC] = "TRUNC",
    [PACKET_SNAP] = "SNAP",
    [PACKET_OBSERVERINFO] = "OBSERVERINFO",
    [PACKET_LEADERINFO] = "LEADERINFO",
    [PACKET_ACKEPOCH] = "ACKEPOCH",
    [PACKET_INFORM_AND_ACTIVATE] = "INFORMANDACTIVATE",
    [PACKET_CAPABILITIES] = "CAPABILITIES",
    [PACKET_SESSION_MOVED] = "SESSIONMOVED",
    [PACKET_NEXT_EPOCH] = "NEXTEPOCH",
    [PACKET_NEW_EPOCH] = "NEWEPOCH",
};

const char *packet_type_name(int32_t type)
{
    return type > 0 && (size_t)type < ARRAY_LEN(type_names) ? type_names[type] : NULL;
}
