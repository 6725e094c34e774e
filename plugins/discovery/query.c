/* query.c - see query.h. */
#include "plugins/discovery/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked */

static bool take_service(struct query *q, const char *key, json_t *value, struct problem *p)
{
    (void)key;
    (void)p;
    q->service = json_string_value(value);
    return true;
}

static bool take_host(struct query *q, const char *key, json_t *value, struct problem *p)
{
    (void)key;
    (void)p;
    q->host = json_string_value(value);
    return true;
}

static bool take_tags(struct query *q, const char *key, json_t *value, struct problem *p)
{
    (void)key;
    if (q->tags == NULL && (q->tags = json_array()) == NULL)
        return problem_no_memory(p);
    for (const char *at = json_string_value(value); *at != '\0';) {
        size_t len = strcspn(at, ",");
        if (len > 0 && json_array_append_new(q->tags, json_stringn(at, len)) != 0)
            return problem_no_memory(p);
        at += len + (at[len] == ',');
    }
    return true;
}

static bool take_meta(struct query *q, const char *key, json_t *value, struct problem *p)
{
    if (q->meta == NULL && (q->meta = json_object()) == NULL)
        return problem_no_memory(p);
    return json_object_set(q->meta, key + strlen("meta."), value) == 0 || problem_no_memory(p);
}

static bool take_health(struct query *q, const char *key, json_t *value, struct problem *p)
{
    q->all = strcmp(json_string_value(value), "any") == 0;
    return q->all || health_parse(json_string_value(value), &q->worst) ||
           problem_set(p, key, "must be \"passing\", \"warning\", \"critical\" or \"any\"");
}

static bool take_sort(struct query *q, const char *key, json_t *value, struct problem *p)
{
    const char *name = json_string_value(value);
    q->sort = strcmp(name, "weight") == 0 ? SORT_WEIGHT : SORT_ID;
    return q->sort == SORT_WEIGHT || strcmp(name, "id") == 0 || problem_set(p, key, "must be \"id\" or \"weight\"");
}

static bool take_count(struct query *q, const char *key, json_t *value, struct problem *p)
{
    char *end;
    const char *text = json_string_value(value);
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || number > INT32_MAX)
        return problem_set(p, key, "must be a number");
    *(strcmp(key, "limit") == 0 ? &q->limit : &q->pick) = (uint32_t)number;
    return true;
}

static const struct row {
    const char *key; /* ending in '.': what begins so */
    bool (*take)(struct query *q, const char *key, json_t *value, struct problem *p);
} rows[] = {
    {"service", take_service}, {"tag", take_tags},  {"meta.", take_meta},  {"health", take_health},
    {"host", take_host},       {"sort", take_sort}, {"limit", take_count}, {"pick", take_count},
};

static bool take(struct query *q, const char *key, json_t *value, struct problem *p)
{
    if (!json_is_string(value))
        return problem_set(p, key, "must be a text");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].key);
        bool prefix = rows[i].key[len - 1] == '.';
        if (prefix ? strncmp(key, rows[i].key, len) == 0 && key[len] != '\0' : strcmp(key, rows[i].key) == 0)
            return rows[i].take(q, key, value, p);
    }
    return problem_set(p, key, "there is no such key in a query");
}

bool query_read(struct query *q, json_t *args, struct problem *p)
{
    bool fine = true;
    const char *key;
    json_t *value;
    *q = (struct query){.args = json_incref(args), .worst = HEALTH_PASSING};
    json_object_foreach(args, key, value) fine = fine && take(q, key, value, p);
    if (!fine)
        query_free(q);
    return fine;
}

void query_free(struct query *q)
{
    json_decref(q->tags);
    json_decref(q->meta);
    json_decref(q->args);
    q->tags = q->meta = q->args = NULL;
}

/* ---- what is there */

static bool matches(const struct query *q, const struct instance *instance)
{
    size_t i;
    const char *key;
    json_t *value;
    if (q->host != NULL && strcmp(q->host, instance->host) != 0)
        return false;
    json_array_foreach(q->tags, i, value) if (!instance_has_tag(instance, json_string_value(value))) return false;
    json_object_foreach(q->meta, key, value)
    {
        const char *has = instance_meta(instance, key);
        if (has == NULL || strcmp(has, json_string_value(value)) != 0)
            return false;
    }
    return true;
}

/* An instance that is disabled without being critical was disabled by hand, by a client of Curator. */
static bool is_wanted(const struct query *q, const struct instance *instance)
{
    return q->all || (instance->maintenance == NULL && instance->health <= q->worst &&
                      (instance->enabled || instance->health == HEALTH_CRITICAL));
}

static bool add(struct answer *a, const struct instance *instance, bool suspect)
{
    if (a->count == a->cap) {
        size_t cap = a->cap == 0 ? 16 : 2 * a->cap;
        struct found *larger = realloc(a->items, cap * sizeof *larger);
        if (larger == NULL)
            return false;
        a->items = larger;
        a->cap = cap;
    }
    a->items[a->count++] = (struct found){instance, suspect};
    return true;
}

/* What the guard has counts when it is a mass, or when there is nothing else. */
static bool add_guarded(const struct service *s, const struct query *q, uint64_t now_ms, struct answer *a)
{
    const struct guard *g = &s->guard;
    enum guard_reason reason = guard_reason(g, &s->settings, now_ms);
    if (q->all || reason == GUARD_QUIET || (reason == GUARD_EMPTY && a->count > 0))
        return true;
    for (size_t i = 0; i < g->count; i++) {
        const struct departed *d = &g->items[i];
        if ((d->vanished || reason == GUARD_EMPTY) && matches(q, d->instance)) {
            a->guard = reason;
            if (!add(a, d->instance, true))
                return false;
        }
    }
    a->guard_since_ms = reason == GUARD_EMPTY ? g->empty_since_ms : g->suspect_since_ms;
    return true;
}

static int by_id(const void *left, const void *right)
{
    const struct found *l = left, *r = right;
    return strcmp(l->instance->id, r->instance->id);
}

static int by_weight(const void *left, const void *right)
{
    const struct found *l = left, *r = right;
    uint32_t lw = l->instance->weight, rw = r->instance->weight;
    return lw != rw ? (lw < rw ? 1 : -1) : by_id(left, right);
}

bool query_run(const struct catalog *c, const struct query *q, uint64_t now_ms, struct answer *a)
{
    const struct service *s = q->service == NULL ? NULL : catalog_find(c, q->service);
    *a = (struct answer){.guard = GUARD_QUIET};
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        const struct instance *instance = s->entries[i].instance;
        if (is_wanted(q, instance) && matches(q, instance) && !add(a, instance, false)) {
            answer_free(a);
            return false;
        }
    }
    if (s != NULL && !add_guarded(s, q, now_ms, a)) {
        answer_free(a);
        return false;
    }
    if (a->count > 0 && !catalog_is_live(c))
        a->guard = GUARD_RESTORED;
    if (a->count > 1)
        qsort(a->items, a->count, sizeof *a->items, q->sort == SORT_WEIGHT ? by_weight : by_id);
    if (q->limit > 0 && a->count > q->limit)
        a->count = q->limit;
    return true;
}

void answer_pick(struct answer *a, size_t count, uint64_t (*bits)(void *context), void *context)
{
    for (size_t done = 0; done < count && done < a->count; done++) {
        uint64_t total = 0, at = done;
        for (size_t i = done; i < a->count; i++)
            total += a->items[i].instance->weight;
        uint64_t draw = bits(context) % (total > 0 ? total : a->count - done);
        /* Weights of nothing but zero are all the same. */
        for (; draw >= (total > 0 ? a->items[at].instance->weight : 1); at++)
            draw -= total > 0 ? a->items[at].instance->weight : 1;
        struct found chosen = a->items[at];
        a->items[at] = a->items[done];
        a->items[done] = chosen;
    }
    if (count < a->count)
        a->count = count;
}

void answer_free(struct answer *a)
{
    free(a->items);
    *a = (struct answer){.count = 0};
}
