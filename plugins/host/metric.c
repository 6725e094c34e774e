/* metric.c - what plugins count, and Prometheus' text of it. */
#include "plugins/host/host.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct metric {
    struct item item;
    enum zooid_plugin_metric kind;
    char *name, *help, *labels; /* labels: ,name="value",... */
    double value;
};

static void metric_destroy(struct item *item)
{
    struct metric *m = (struct metric *)(void *)item;
    free(m->name);
    free(m->help);
    free(m->labels);
}

static const struct item_kind metric_kind = {item_free, metric_destroy};

/* Letters, digits and '_', not a digit first. */
static bool is_name(const char *name)
{
    if (name == NULL || name[0] == '\0' || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (; *name != '\0'; name++)
        if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || (*name >= '0' && *name <= '9') ||
              *name == '_'))
            return false;
    return true;
}

static void put_escaped(FILE *out, const char *text, bool is_label)
{
    for (; *text != '\0'; text++)
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '\\' || (is_label && *text == '"'))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
}

/* NULL: out of memory. */
static char *labels_text(const char *const *labels)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    for (; labels != NULL && labels[0] != NULL; labels += 2) {
        fprintf(out, ",%s=\"", labels[0]);
        put_escaped(out, labels[1], true);
        fputc('"', out);
    }
    bool good = ferror(out) == 0;
    if (fclose(out) == 0 && good)
        return text;
    free(text);
    return NULL;
}

static bool labels_are_good(const char *const *labels)
{
    for (; labels != NULL && labels[0] != NULL; labels += 2)
        if (!is_name(labels[0]) || strcmp(labels[0], "plugin") == 0 || labels[1] == NULL)
            return false;
    return true;
}

zooid_handle metric_new(zooid_host *host, enum zooid_plugin_metric kind, const char *name, const char *help,
                        const char *const *labels)
{
    if (!is_name(name) || (unsigned)kind > ZOOID_PLUGIN_GAUGE || !labels_are_good(labels)) {
        host_log(host, ZOOID_PLUGIN_ERROR, "metric: name, kind or labels are wrong: %s", name == NULL ? "" : name);
        return 0;
    }
    struct metric *m = item_new(host, &metric_kind, sizeof *m);
    if (m == NULL)
        return 0;
    m->kind = kind;
    m->name = strdup(name);
    m->help = strdup(help == NULL ? "" : help);
    m->labels = labels_text(labels);
    if (m->name != NULL && m->help != NULL && m->labels != NULL)
        return m->item.handle;
    host_no_memory(host, "a metric was made");
    item_free(&m->item);
    return 0;
}

void metric_set(zooid_host *host, zooid_handle metric, double value)
{
    struct metric *m = item_find(host, metric, &metric_kind);
    if (m != NULL)
        m->value = value;
}

void metric_add(zooid_host *host, zooid_handle metric, double value)
{
    struct metric *m = item_find(host, metric, &metric_kind);
    if (m != NULL)
        m->value += value;
}

/* -- shown ------------------------------------------------------------------------------------------------------------
 */

/* By name, and in the order in which they were made. */
static int compare(const void *a, const void *b)
{
    const struct metric *const *x = a, *const *y = b;
    int names = strcmp((*x)->name, (*y)->name);
    uint32_t first = (uint32_t)(*x)->item.handle, second = (uint32_t)(*y)->item.handle;
    return names != 0 ? names : first < second ? -1 : first > second;
}

static void put_value(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, "%.17g\n", value);
    else
        fputs(isnan(value) ? "NaN\n" : value > 0 ? "+Inf\n" : "-Inf\n", out);
}

static void put(FILE *out, const zooid_host *host, const struct metric *m, const struct metric *before)
{
    static const char *const types[] = {[ZOOID_PLUGIN_COUNTER] = "counter", [ZOOID_PLUGIN_GAUGE] = "gauge"};
    if (before == NULL || strcmp(before->name, m->name) != 0) {
        fprintf(out, "# HELP zooid_plugin_%s ", m->name);
        put_escaped(out, m->help, false);
        fprintf(out, "\n# TYPE zooid_plugin_%s %s\n", m->name, types[m->kind]);
    }
    fprintf(out, "zooid_plugin_%s{plugin=\"", m->name);
    put_escaped(out, host->config->name, true);
    fprintf(out, "\"%s} ", m->labels);
    put_value(out, m->value);
}

char *metrics_text(zooid_host *host)
{
    char *text = NULL;
    size_t len = 0, count = 0;
    struct metric **all = calloc(host->items.slot_count + 1, sizeof(struct metric *));
    FILE *out = all == NULL ? NULL : open_memstream(&text, &len);
    for (uint32_t i = 0; out != NULL && i < host->items.slot_count; i++) {
        struct metric *m = item_at(host, i, &metric_kind);
        if (m != NULL)
            all[count++] = m;
    }
    if (out != NULL)
        qsort(all, count, sizeof(struct metric *), compare);
    for (size_t i = 0; i < count; i++)
        put(out, host, all[i], i == 0 ? NULL : all[i - 1]);
    free(all);
    if (out != NULL && fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
