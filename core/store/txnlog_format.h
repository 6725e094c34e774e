/* txnlog_format.h - numbers of the log's format that writer and scan share (quorum-protocol 6.3). */
#pragma once

#include "core/base/bytes.h"

#define TXNLOG_MAGIC           0x5a4b4c47U /* "ZKLG" */
#define TXNLOG_VERSION         2
#define TXNLOG_RECORD_HEAD_LEN 12 /* checksum, length */
#define TXNLOG_END_MARK        'B'

/* Adler-32 of an entry as it stands before it. */
uint64_t txnlog_checksum(struct bytes entry);
