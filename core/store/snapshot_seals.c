/* snapshot_seals.c - what stands behind the last node of a snapshot file: checksums, the digest, the last zxid. */
#include "core/store/snapshot_format.h"
#include "core/store/snapshot_internal.h"

static bool read_seal(struct reader *in, const uint8_t *start, uLong *adler)
{
    *adler = adler32_z(*adler, start, (size_t)(in->at - start));
    const uint8_t *seal = in->at;
    bool right = read_i64(in) == (int64_t)*adler;
    right = bytes_equal(read_text(in), SNAPSHOT_END) && right && in->status == ST_OK;
    *adler = adler32_z(*adler, seal, (size_t)(in->at - seal));
    return right;
}

/* The digest's version 1 was a text and was computed otherwise: it is not compared. */
static void read_digest(struct reader *in, struct snapshot_info *info)
{
    info->digest_section = true;
    info->digest_zxid = read_i64(in);
    int32_t version = read_i32(in);
    if (version < SNAPSHOT_DIGEST_VERSION)
        read_text(in);
    else
        info->digest = (uint64_t)read_i64(in);
    info->has_digest = version == SNAPSHOT_DIGEST_VERSION && info->digest_zxid != 0;
}

/* The sections that may follow the first seal, in the one order there is; each writer leaves out what it does not know.
 */
static bool read_sections(const struct snapshot_reader *r, bool with_digest, struct snapshot_info *info)
{
    struct reader in = reader_of(buffer_bytes(&r->held));
    uLong adler = r->adler;
    if (!read_seal(&in, in.at, &adler))
        return false;
    const uint8_t *start = in.at;
    if (with_digest && reader_left(&in) > 0) {
        read_digest(&in, info);
        if (!read_seal(&in, start, &adler))
            return false;
        start = in.at;
    }
    if (reader_left(&in) == 0)
        return true;
    info->last_zxid = read_i64(&in);
    info->has_last_zxid = true;
    return read_seal(&in, start, &adler) && reader_left(&in) == 0;
}

static enum status finish(struct snapshot_reader *r)
{
    if (r->step != NULL)
        return snapshot_corrupt(r, "the file ends too early, or a length in it is wrong");
    struct snapshot_info with = r->info, without = r->info;
    if (read_sections(r, true, &with))
        r->info = with;
    else if (read_sections(r, false, &without))
        r->info = without;
    else
        return snapshot_corrupt(r, "the checksum does not match");
    return snapshot_loaded(r);
}

enum status snapshot_finish(struct snapshot_reader *r, struct snapshot_info *info)
{
    if (r->status == ST_OK && r->step != NULL)
        r->status = snapshot_take_elements(r);
    if (r->status == ST_OK)
        r->status = finish(r);
    if (r->status == ST_OK)
        *info = r->info;
    return r->status;
}
