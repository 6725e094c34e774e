/* reconfig_entry.c - header and record, without a digest. */
#include "tests/support/reconfig_entry.h"

#include "core/base/check.h"
#include "core/jute/txn.h"

#include <inttypes.h>

void reconfig_entry_write(struct buffer *entry, int64_t id, int64_t zxid, const char *lines)
{
    struct buffer text = {0};
    struct writer w = writer_to(entry);
    CHECK(buffer_printf(&text, "%sversion=%" PRIx64, lines, (uint64_t)zxid) == ST_OK);
    txn_header_write(&w, &(struct txn_header){.client_id = id, .cxid = 1, .zxid = zxid, .type = TXN_RECONFIG});
    set_data_txn_write(&w, &(struct set_data_txn){BYTES("/zookeeper/config"), buffer_bytes(&text), -1});
    CHECK(w.status == ST_OK);
    buffer_free(&text);
}
