/* checkpoint_memory.c - a sorted array, and a copy of it while a transaction runs. */
#include "tests/support/checkpoint_memory.h"

#include <stdlib.h>

struct table {
    struct checkpoint_memory_value *items;
    size_t count, cap;
};

struct checkpoint_memory {
    struct checkpoint_store store;
    struct table committed, open;
    bool in_transaction;
    uint64_t calls, fail_at;
    enum status fail_status;
};

static void *must(void *block)
{
    if (block == NULL)
        abort();
    return block;
}

static void table_clear(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i].data);
    free(t->items);
    *t = (struct table){NULL, 0, 0};
}

/* Where the key is, or would be. */
static size_t table_find(const struct table *t, enum checkpoint_space space, uint32_t key)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct checkpoint_memory_value *v = &t->items[middle];
        if (v->space < space || (v->space == space && v->key < key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool table_has(const struct table *t, size_t i, enum checkpoint_space space, uint32_t key)
{
    return i < t->count && t->items[i].space == space && t->items[i].key == key;
}

static void table_remove(struct table *t, size_t i)
{
    free(t->items[i].data);
    memmove(&t->items[i], &t->items[i + 1], (--t->count - i) * sizeof *t->items);
}

static void table_put(struct table *t, enum checkpoint_space space, uint32_t key, struct bytes value)
{
    size_t i = table_find(t, space, key);
    if (table_has(t, i, space, key)) {
        free(t->items[i].data);
    } else {
        if (t->count == t->cap) {
            t->cap = t->cap == 0 ? 64 : t->cap * 2;
            t->items = must(realloc(t->items, t->cap * sizeof *t->items));
        }
        memmove(&t->items[i + 1], &t->items[i], (t->count++ - i) * sizeof *t->items);
    }
    t->items[i] = (struct checkpoint_memory_value){space, key, must(malloc(value.len + 1)), value.len};
    memcpy(t->items[i].data, value.data, value.len);
}

static enum status enter(struct checkpoint_memory *m)
{
    m->calls++;
    return m->fail_at != 0 && m->calls >= m->fail_at ? m->fail_status : ST_OK;
}

static enum status memory_begin(void *context)
{
    struct checkpoint_memory *m = context;
    enum status st = enter(m);
    if (st != ST_OK)
        return st;
    table_clear(&m->open);
    for (size_t i = 0; i < m->committed.count; i++) {
        const struct checkpoint_memory_value *v = &m->committed.items[i];
        table_put(&m->open, v->space, v->key, bytes_make(v->data, v->len));
    }
    m->in_transaction = true;
    return ST_OK;
}

static enum status memory_put(void *context, enum checkpoint_space space, uint32_t key, struct bytes value)
{
    struct checkpoint_memory *m = context;
    enum status st = enter(m);
    if (st == ST_OK)
        table_put(&m->open, space, key, value);
    return st;
}

static enum status memory_del(void *context, enum checkpoint_space space, uint32_t key)
{
    struct checkpoint_memory *m = context;
    enum status st = enter(m);
    size_t i = table_find(&m->open, space, key);
    if (st != ST_OK || !table_has(&m->open, i, space, key))
        return st == ST_OK ? ST_NOT_FOUND : st;
    table_remove(&m->open, i);
    return ST_OK;
}

static enum status memory_clear(void *context, enum checkpoint_space space)
{
    struct checkpoint_memory *m = context;
    enum status st = enter(m);
    for (size_t i = m->open.count; i > 0 && st == ST_OK; i--) {
        if (m->open.items[i - 1].space == space)
            table_remove(&m->open, i - 1);
    }
    return st;
}

static void memory_abort(void *context)
{
    struct checkpoint_memory *m = context;
    table_clear(&m->open);
    m->in_transaction = false;
}

static enum status memory_commit(void *context)
{
    struct checkpoint_memory *m = context;
    enum status st = enter(m);
    if (st != ST_OK) {
        memory_abort(m);
        return st;
    }
    table_clear(&m->committed);
    m->committed = m->open;
    m->open = (struct table){NULL, 0, 0};
    m->in_transaction = false;
    return ST_OK;
}

static enum status memory_get(void *context, enum checkpoint_space space, uint32_t key, checkpoint_value_fn *fn,
                              void *fn_context)
{
    struct checkpoint_memory *m = context;
    enum status st = enter(m);
    size_t i = table_find(&m->committed, space, key);
    if (st != ST_OK || !table_has(&m->committed, i, space, key))
        return st == ST_OK ? ST_NOT_FOUND : st;
    return fn(fn_context, key, bytes_make(m->committed.items[i].data, m->committed.items[i].len));
}

static enum status memory_walk(void *context, enum checkpoint_space space, checkpoint_value_fn *fn, void *fn_context)
{
    struct checkpoint_memory *m = context;
    enum status st = enter(m);
    for (size_t i = 0; i < m->committed.count && st == ST_OK; i++) {
        const struct checkpoint_memory_value *v = &m->committed.items[i];
        if (v->space == space)
            st = fn(fn_context, v->key, bytes_make(v->data, v->len));
    }
    return st;
}

struct checkpoint_memory *checkpoint_memory_new(void)
{
    struct checkpoint_memory *m = must(calloc(1, sizeof *m));
    m->store = (struct checkpoint_store){
        m, memory_begin, memory_put, memory_del, memory_clear, memory_commit, memory_abort, memory_get, memory_walk};
    return m;
}

void checkpoint_memory_free(struct checkpoint_memory *m)
{
    if (m == NULL)
        return;
    table_clear(&m->committed);
    table_clear(&m->open);
    free(m);
}

const struct checkpoint_store *checkpoint_memory_store(struct checkpoint_memory *m)
{
    return &m->store;
}

void checkpoint_memory_fail(struct checkpoint_memory *m, uint64_t n, enum status status)
{
    m->calls = 0;
    m->fail_at = n;
    m->fail_status = status;
}

uint64_t checkpoint_memory_calls(const struct checkpoint_memory *m)
{
    return m->calls;
}

void checkpoint_memory_power_cut(struct checkpoint_memory *m)
{
    memory_abort(m);
    checkpoint_memory_fail(m, 0, ST_OK);
}

size_t checkpoint_memory_count(const struct checkpoint_memory *m)
{
    return m->committed.count;
}

struct checkpoint_memory_value *checkpoint_memory_at(struct checkpoint_memory *m, size_t i)
{
    return &m->committed.items[i];
}

void checkpoint_memory_remove(struct checkpoint_memory *m, size_t i)
{
    table_remove(&m->committed, i);
}
