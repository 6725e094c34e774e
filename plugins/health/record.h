/* record.h - what is kept of checks over a restart: a JSON file with a record for each, by its id. */
#pragma once

#include "plugins/health/check.h"

enum { RECORDS_FORMAT = 1 };

struct record {
    char *output;
    json_t *definition; /* NULL: the settings have it */
    int64_t owner;
    int status; /* enum check_status */
    int64_t since, good, passed, failed, runs, failures, changes, recent;
    int64_t known;
    int64_t ttl_left_ms; /* time without the plugin does not count; -1: the whole time */
};

/* `now_ms` is the host's time. `clean`: nothing can happen any more before the process ends. NULL: no memory. */
json_t *records_make(const struct checks *checks, uint64_t now_ms, bool clean);

/* The object that has the records by their ids; NULL: `complaint` says why this is no such file. */
json_t *records_open(const json_t *file, struct complaint *complaint);

/* `record` is to be given to record_free() in either case. */
bool record_read(struct record *record, const json_t *object, struct complaint *complaint);
void record_free(struct record *record);

/* The check is as it was. False: no memory for its output. */
bool record_restore(const struct record *record, struct check *check);
