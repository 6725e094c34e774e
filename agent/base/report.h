/* report.h - named values, and the three ways in which they are shown.
 *
 * A report is filled first and written afterwards: as `mntr` text, as JSON, or in Prometheus' exposition format. So a
 * name, a type or an escape is right in all of them or in none. Not thread-safe. */
#pragma once

#include "core/base/bytes.h"
#include "core/base/metrics.h"

#include <jansson.h>

enum report_kind {
    REPORT_TEXT,    /* not shown to Prometheus */
    REPORT_GAUGE,   /* goes up and down; a whole number */
    REPORT_REAL,    /* the same with a fraction */
    REPORT_COUNTER, /* only rises */
    REPORT_SUMMARY,
};

struct report_value {
    enum report_kind kind;
    const char *name; /* ZooKeeper's, without "zk_"; static */
    const char *help; /* one line; static */
    struct bytes key; /* of a summary among several of the same name, which stand behind each other; borrowed */
    int64_t number;
    double real;
    char text[160];
    struct summary_values summary;
};

/* Zero-initialise it. The first failure sticks in `status`; a report that failed is not shown. */
struct report {
    struct report_value *values;
    size_t count, capacity;
    enum status status; /* ST_OK, ST_NO_MEMORY */
};

void report_free(struct report *r);

void report_text(struct report *r, const char *name, const char *text); /* cut when it is too long */
void report_gauge(struct report *r, const char *name, int64_t number, const char *help);
void report_real(struct report *r, const char *name, double real, const char *help);
void report_counter(struct report *r, const char *name, int64_t number, const char *help);
void report_summary(struct report *r, const char *name, const struct summary_values *summary, const char *help);
void report_keyed(struct report *r, const char *name, struct bytes key, const struct summary_values *summary,
                  const char *help);

/* "zk_name\tvalue\n" for each, a summary as avg, min, max, cnt, sum and quantiles (client-protocol 11.3). */
enum status report_write_mntr(const struct report *r, struct buffer *out);

/* Prometheus' text format 0.0.4, names without "zk_". */
enum status report_write_prometheus(const struct report *r, struct buffer *out);

/* Adds each value to the object, under mntr's names without "zk_". ST_NO_MEMORY. */
enum status report_add_json(const struct report *r, json_t *object);

/* The object as AdminServer writes it: indented, in order, ended by a line feed. ST_NO_MEMORY. */
enum status report_write_json(const json_t *object, struct buffer *out);

/* A number as Java prints a double: at least one decimal, at most four. */
void report_format_real(char text[32], double real);
