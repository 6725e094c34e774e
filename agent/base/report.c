/* report.c - the list of values, and how each output spells a number. */
#include "agent/base/report.h"

#include "core/base/array.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdio.h>

void report_free(struct report *r)
{
    mem_free(r->values);
    *r = (struct report){0};
}

static struct report_value *add(struct report *r, enum report_kind kind, const char *name, const char *help)
{
    if (r->status != ST_OK)
        return NULL;
    struct report_value *values = array_room(r->values, r->count, &r->capacity, sizeof *values, 64);
    if (values == NULL) {
        r->status = ST_NO_MEMORY;
        return NULL;
    }
    r->values = values;
    struct report_value *value = &r->values[r->count++];
    *value = (struct report_value){.kind = kind, .name = name, .help = help};
    return value;
}

void report_text(struct report *r, const char *name, const char *text)
{
    struct report_value *value = add(r, REPORT_TEXT, name, "");
    if (value != NULL)
        snprintf(value->text, sizeof value->text, "%s", text);
}

void report_gauge(struct report *r, const char *name, int64_t number, const char *help)
{
    struct report_value *value = add(r, REPORT_GAUGE, name, help);
    if (value != NULL)
        value->number = number;
}

void report_counter(struct report *r, const char *name, int64_t number, const char *help)
{
    struct report_value *value = add(r, REPORT_COUNTER, name, help);
    if (value != NULL)
        value->number = number;
}

void report_real(struct report *r, const char *name, double real, const char *help)
{
    struct report_value *value = add(r, REPORT_REAL, name, help);
    if (value != NULL)
        value->real = real;
}

void report_summary(struct report *r, const char *name, const struct summary_values *summary, const char *help)
{
    report_keyed(r, name, BYTES_NULL, summary, help);
}

void report_keyed(struct report *r, const char *name, struct bytes key, const struct summary_values *summary,
                  const char *help)
{
    struct report_value *value = add(r, REPORT_SUMMARY, name, help);
    if (value == NULL)
        return;
    value->summary = *summary;
    value->key = key;
}

void report_format_real(char text[32], double real)
{
    int len = snprintf(text, 32, "%.4f", real);
    while (len > 2 && text[len - 1] == '0' && text[len - 2] != '.')
        text[--len] = '\0';
}

/* The parts of a summary, in the order in which Apache's server prints them. */
struct part {
    const char *name;
    bool is_quantile, is_real;
    int64_t number;
    double real;
};

enum { PARTS = 9, PART_NAME_SIZE = 200 };

static size_t parts_of(const struct summary_values *s, struct part parts[PARTS])
{
    const struct part all[PARTS] = {
        {"avg", false, true, 0, s->average}, {"min", false, false, s->min, 0},
        {"max", false, false, s->max, 0},    {"cnt", false, false, (int64_t)s->count, 0},
        {"sum", false, false, s->sum, 0},    {"p50", true, false, s->p50, 0},
        {"p95", true, false, s->p95, 0},     {"p99", true, false, s->p99, 0},
        {"p999", true, false, s->p999, 0},
    };
    size_t count = 0;
    for (size_t i = 0; i < PARTS; i++)
        if (!all[i].is_quantile || s->has_quantiles)
            parts[count++] = all[i];
    return count;
}

/* "avg_name", or "avg_key_name". */
static void name_part(char text[PART_NAME_SIZE], const char *part, const struct report_value *value)
{
    snprintf(text, PART_NAME_SIZE, "%s_%.*s%s%s", part, BYTES_PRINT(value->key), value->key.len > 0 ? "_" : "",
             value->name);
}

static enum status write_summary(const struct report_value *value, struct buffer *out)
{
    struct part parts[PARTS];
    size_t count = parts_of(&value->summary, parts);
    enum status st = ST_OK;
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        char name[PART_NAME_SIZE], real[32];
        name_part(name, parts[i].name, value);
        report_format_real(real, parts[i].real);
        st = parts[i].is_real ? buffer_printf(out, "zk_%s\t%s\n", name, real)
                              : buffer_printf(out, "zk_%s\t%" PRId64 "\n", name, parts[i].number);
    }
    return st;
}

static enum status write_mntr_value(const struct report_value *value, struct buffer *out)
{
    char real[32];
    switch (value->kind) {
    case REPORT_TEXT: return buffer_printf(out, "zk_%s\t%s\n", value->name, value->text);
    case REPORT_REAL:
        report_format_real(real, value->real);
        return buffer_printf(out, "zk_%s\t%s\n", value->name, real);
    case REPORT_SUMMARY: return write_summary(value, out);
    case REPORT_GAUGE:
    case REPORT_COUNTER: break;
    }
    return buffer_printf(out, "zk_%s\t%" PRId64 "\n", value->name, value->number);
}

enum status report_write_mntr(const struct report *r, struct buffer *out)
{
    enum status st = r->status;
    for (size_t i = 0; i < r->count && st == ST_OK; i++)
        st = write_mntr_value(&r->values[i], out);
    return st;
}

/* -- Prometheus --------------------------------------------------------------------------------------------------- */

static enum status write_head(const struct report_value *value, const char *type, struct buffer *out)
{
    enum status st = buffer_printf(out, "# HELP %s %s\n", value->name, value->help);
    return st == ST_OK ? buffer_printf(out, "# TYPE %s %s\n", value->name, type) : st;
}

/* key="...", with what the format has to be told of; nothing without a key. */
static enum status write_key(struct bytes key, struct buffer *out)
{
    enum status st = key.len > 0 ? buffer_printf(out, "key=\"") : ST_OK;
    for (size_t i = 0; i < key.len && st == ST_OK; i++) {
        const char *escape = key.data[i] == '\\' || key.data[i] == '"' ? "\\" : "";
        st = buffer_printf(out, "%s%c", escape, key.data[i]);
    }
    return key.len > 0 && st == ST_OK ? buffer_printf(out, "\"") : st;
}

static enum status write_quantile(const struct report_value *value, const char *label, int64_t number,
                                  struct buffer *out)
{
    enum status st = buffer_printf(out, "%s{", value->name);
    if (st == ST_OK)
        st = write_key(value->key, out);
    return st == ST_OK
               ? buffer_printf(out, "%squantile=\"%s\"} %" PRId64 "\n", value->key.len > 0 ? "," : "", label, number)
               : st;
}

static enum status write_quantiles(const struct report_value *value, struct buffer *out)
{
    const struct summary_values *s = &value->summary;
    const struct {
        const char *label;
        int64_t number;
        bool is_there;
    } rows[] = {{"0.5", s->p50, s->has_median},
                {"0.95", s->p95, s->has_quantiles},
                {"0.99", s->p99, s->has_quantiles},
                {"0.999", s->p999, s->has_quantiles}};
    enum status st = ST_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && st == ST_OK; i++)
        if (rows[i].is_there)
            st = write_quantile(value, rows[i].label, rows[i].number, out);
    return st;
}

static enum status write_total(const struct report_value *value, const char *total, int64_t number, struct buffer *out)
{
    bool has_key = value->key.len > 0;
    enum status st = buffer_printf(out, "%s_%s%s", value->name, total, has_key ? "{" : "");
    if (st == ST_OK)
        st = write_key(value->key, out);
    return st == ST_OK ? buffer_printf(out, "%s %" PRId64 "\n", has_key ? "}" : "", number) : st;
}

static enum status write_prometheus_summary(const struct report_value *value, bool is_first, struct buffer *out)
{
    enum status st = is_first ? write_head(value, "summary", out) : ST_OK;
    if (st == ST_OK)
        st = write_quantiles(value, out);
    if (st == ST_OK)
        st = write_total(value, "count", (int64_t)value->summary.count, out);
    return st == ST_OK ? write_total(value, "sum", value->summary.sum, out) : st;
}

/* `is_first`: of those with its name. */
static enum status write_prometheus_value(const struct report_value *value, bool is_first, struct buffer *out)
{
    if (value->kind == REPORT_TEXT)
        return ST_OK;
    if (value->kind == REPORT_SUMMARY)
        return write_prometheus_summary(value, is_first, out);
    enum status st = write_head(value, value->kind == REPORT_COUNTER ? "counter" : "gauge", out);
    if (st != ST_OK)
        return st;
    return value->kind == REPORT_REAL ? buffer_printf(out, "%s %.17g\n", value->name, value->real)
                                      : buffer_printf(out, "%s %" PRId64 "\n", value->name, value->number);
}

enum status report_write_prometheus(const struct report *r, struct buffer *out)
{
    enum status st = r->status;
    for (size_t i = 0; i < r->count && st == ST_OK; i++)
        st = write_prometheus_value(&r->values[i], i == 0 || r->values[i - 1].name != r->values[i].name, out);
    return st;
}

/* -- JSON --------------------------------------------------------------------------------------------------------- */

static int add_summary_json(const struct report_value *value, json_t *object)
{
    struct part parts[PARTS];
    size_t count = parts_of(&value->summary, parts);
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        char name[PART_NAME_SIZE];
        name_part(name, parts[i].name, value);
        failed |= json_object_set_new(object, name,
                                      parts[i].is_real ? json_real(parts[i].real) : json_integer(parts[i].number));
    }
    return failed;
}

enum status report_add_json(const struct report *r, json_t *object)
{
    int failed = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct report_value *value = &r->values[i];
        if (value->kind == REPORT_SUMMARY)
            failed |= add_summary_json(value, object);
        else if (value->kind == REPORT_TEXT)
            failed |= json_object_set_new(object, value->name, json_string(value->text));
        else if (value->kind == REPORT_REAL)
            failed |= json_object_set_new(object, value->name, json_real(value->real));
        else
            failed |= json_object_set_new(object, value->name, json_integer(value->number));
    }
    return failed == 0 ? r->status : ST_NO_MEMORY;
}

static int append_json(const char *text, size_t len, void *context)
{
    return buffer_append(context, text, len) == ST_OK ? 0 : -1;
}

enum status report_write_json(const json_t *object, struct buffer *out)
{
    size_t start = out->len;
    if (json_dump_callback(object, append_json, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0)
        return buffer_append(out, "\n", 1);
    out->len = start;
    return ST_NO_MEMORY;
}
