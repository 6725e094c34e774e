/* txnlog_scan.h - the log as it is read back: every record of every file in order, and a verdict on where it ends.
 *
 * The end of a file is clean when only zeros follow, or nothing. Otherwise it is torn or damaged (design 4.5):
 *
 *   | valid records | torn: whole 512-byte sectors of one batch never reached the disk | zeros |
 *                   ^ cut here: nothing behind it was acknowledged
 *
 * Torn is what a power cut can leave of one unsynced batch: a record that fails, with a sector of zeros in it or the
 * end of the file behind it, and nothing written further than one batch behind. Anything else that fails a check is
 * corruption and is not passed over. Files before the last one may end in the middle of a record, as Apache ZooKeeper
 * leaves them when it is restarted, since the next file carries on from the last whole record; that there is none
 * missing between two files is checked by zxid. Reads only. */
#pragma once

#include "core/store/files.h"
#include "core/store/findings.h"

struct txnlog_record {
    int64_t zxid;
    struct bytes entry; /* valid during the call */
    const char *path;   /* file and offset of the record, for messages */
    uint64_t offset;
};

/* Takes one record; any status but ST_OK stops the scan and is returned. */
typedef enum status txnlog_record_fn(void *context, const struct txnlog_record *record);

struct txnlog_scan {
    const struct store_io *io;
    const char *dir;
    int64_t after;  /* records up to this zxid are passed over; files that hold only such are not read */
    bool any_start; /* the first record may be any: not only the one that follows `after` */
    int64_t floor;  /* records up to here are known to have been synced: damage there is never a torn tail; 0: nothing
                       known */
    txnlog_record_fn *fn; /* NULL: only the verdict is wanted */
    void *context;
};

enum txnlog_verdict {
    TXNLOG_SOUND,
    TXNLOG_TORN,    /* sound after the cut that the findings name */
    TXNLOG_CORRUPT, /* damage, or records missing */
};

struct txnlog_scan_result {
    enum txnlog_verdict verdict;
    bool below_floor; /* TXNLOG_CORRUPT because a tail that would be torn lies below `floor` */
    bool gap; /* TXNLOG_CORRUPT because records are missing behind `after`: an older base will not help, a newer may */
    int64_t first_zxid; /* of the records given; 0: none */
    int64_t last_zxid;  /* the last valid record in the log, also when it is not behind `after`; 0: none seen */
    uint64_t records;   /* given to `fn` */
    uint64_t bytes;     /* read */
    size_t files;       /* looked at */
};

/* Scans; what is found is added to `findings`. ST_OK also when the verdict is bad. ST_NO_MEMORY, ST_IO_ERROR (with a
 * finding), or what `fn` returned. */
enum status txnlog_scan(const struct txnlog_scan *scan, struct txnlog_scan_result *result, struct findings *findings);

/* The zxid of the first record; 0: there is none, or damage stands before it, of which a scan would tell. Errors as
 * txnlog_scan, with its finding. */
enum status txnlog_first(const struct store_io *io, const char *dir, int64_t *zxid, struct findings *findings);
