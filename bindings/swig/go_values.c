/* go_values.c - replies and events as rows of bytes, which bindings/go/zooid/decode.go reads: numbers as the machine
 * has them, texts and data behind their length. One crossing to C for each request is enough then. What is packed is
 * freed. Written into the wrapper that SWIG makes for Go. */

#include <time.h>

#define NO_TEXT UINT32_MAX

typedef struct zooid_packed {
    char *data; /* NULL: none, or out of memory */
    size_t len, cap;
    bool failed;
} zooid_packed;

static void put(zooid_packed *p, const void *data, size_t len)
{
    if (p->failed)
        return;
    if (p->cap - p->len < len) {
        size_t cap = p->cap * 2 + len + 256;
        char *grown = realloc(p->data, cap);
        if (grown == NULL) {
            p->failed = true;
            return;
        }
        p->data = grown;
        p->cap = cap;
    }
    if (len > 0)
        memcpy(p->data + p->len, data, len);
    p->len += len;
}

static void put_32(zooid_packed *p, uint32_t number)
{
    put(p, &number, sizeof number);
}

static void put_64(zooid_packed *p, int64_t number)
{
    put(p, &number, sizeof number);
}

static void put_data(zooid_packed *p, const void *data, size_t len)
{
    put_32(p, data == NULL ? NO_TEXT : (uint32_t)len);
    if (data != NULL)
        put(p, data, len);
}

static void put_text(zooid_packed *p, const char *text)
{
    put_data(p, text, text == NULL ? 0 : strlen(text));
}

static void put_stat(zooid_packed *p, const struct zooid_stat *s)
{
    put_32(p, s != NULL);
    if (s == NULL)
        return;
    const int64_t numbers[] = {s->czxid,       s->mzxid,        s->ctime,    s->mtime,
                               s->version,     s->cversion,     s->aversion, s->ephemeral_owner,
                               s->data_length, s->num_children, s->pzxid,    s->kind};
    put(p, numbers, sizeof numbers);
}

static void put_node(zooid_packed *p, const struct zooid_node *n)
{
    put_32(p, (uint32_t)n->code);
    put_text(p, n->path);
    put_data(p, n->data, n->data_len);
    put_stat(p, n->stat);
    put_32(p, (uint32_t)n->child_count);
    for (size_t i = 0; i < n->child_count; i++)
        put_text(p, n->children[i]);
}

static void put_lists(zooid_packed *p, const zooid_reply *r)
{
    put_32(p, (uint32_t)zooid_reply_name_count(r));
    for (size_t i = 0; i < zooid_reply_name_count(r); i++)
        put_text(p, zooid_reply_name(r, i));
    put_32(p, (uint32_t)zooid_reply_node_count(r));
    for (size_t i = 0; i < zooid_reply_node_count(r); i++)
        put_node(p, zooid_reply_node(r, i));
    put_32(p, (uint32_t)zooid_reply_acl_count(r));
    for (size_t i = 0; i < zooid_reply_acl_count(r); i++) {
        const struct zooid_acl *a = zooid_reply_acl(r, i);
        put_32(p, a->perms);
        put_text(p, a->scheme);
        put_text(p, a->id);
    }
}

static void put_reply(zooid_packed *p, zooid_reply *r)
{
    int code = zooid_reply_code(r);
    put_32(p, (uint32_t)code);
    put_text(p, code == ZOOID_OK ? NULL : zooid_reply_message(r));
    put_text(p, zooid_reply_path(r));
    put_32(p, zooid_reply_retry(r));
    put_32(p, zooid_reply_outcome_unknown(r));
    put_64(p, zooid_reply_zxid(r));
    put_32(p, zooid_reply_age_ms(r));
    put_32(p, (uint32_t)zooid_reply_role(r));
    put_data(p, zooid_reply_data(r), zooid_reply_data_len(r));
    put_stat(p, zooid_reply_stat(r));
    put_64(p, (int64_t)zooid_reply_number(r));
    put_32(p, zooid_reply_complete(r));
    put_lists(p, r);
    zooid_reply_free(r);
}

/* What events of a subscription have besides. */
static void put_update(zooid_packed *p, const zooid_event *e)
{
    struct zooid_cursor cursor = {0, 0};
    put_data(p, zooid_event_data(e), zooid_event_data_len(e));
    put_stat(p, zooid_event_stat(e));
    put_32(p, zooid_event_cursor(e, &cursor));
    put_64(p, cursor.zxid);
    put_32(p, cursor.index);
    put_32(p, zooid_event_fell_behind(e));
    put_32(p, zooid_event_ends_txn(e));
}

/* What is asked, and how many milliseconds are left for the answer. */
static void put_call(zooid_packed *p, const zooid_event *e)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    put_text(p, zooid_event_command(e));
    put_text(p, zooid_event_caller(e));
    put_data(p, zooid_event_data(e), zooid_event_data_len(e));
    put_64(p, (int64_t)zooid_event_deadline_ms(e) - (int64_t)now.tv_sec * 1000 - now.tv_nsec / 1000000);
}

static void put_event(zooid_packed *p, zooid_event *e)
{
    enum zooid_event_kind kind = zooid_event_kind(e);
    put_32(p, kind);
    put_64(p, (int64_t)zooid_event_ticket(e));
    put_32(p, (uint32_t)zooid_event_session_state(e));
    put_32(p, (uint32_t)zooid_event_change(e));
    put_text(p, zooid_event_path(e));
    put_64(p, zooid_event_zxid(e));
    if (kind == ZOOID_EVENT_REPLY || kind == ZOOID_EVENT_LOST)
        put_reply(p, zooid_event_take_reply(e));
    if (kind == ZOOID_EVENT_CHANGE || kind == ZOOID_EVENT_RESET || kind == ZOOID_EVENT_CAUGHT_UP)
        put_update(p, e);
    if (kind == ZOOID_EVENT_CALL || kind == ZOOID_EVENT_CALL_OVER)
        put_64(p, (int64_t)zooid_event_call(e));
    if (kind == ZOOID_EVENT_CALL)
        put_call(p, e);
    if (kind == ZOOID_EVENT_LOG)
        put_32(p, zooid_event_missed(e));
    zooid_event_free(e);
}

/* What came of a call. */
static zooid_packed packed_reply(zooid_reply *r)
{
    zooid_packed p = {NULL, 0, 0, false};
    put_reply(&p, r);
    return p;
}

/* Waits for one event; takes those too that are there already, up to `most`. */
static zooid_packed packed_events(zooid_client *client, uint32_t wait_ms, unsigned most)
{
    zooid_packed p = {NULL, 0, 0, false};
    for (unsigned i = 0; i < most; i++) {
        zooid_event *event = zooid_next_event(client, i == 0 ? wait_ms : 0);
        if (event == NULL)
            break;
        put_event(&p, event);
    }
    return p;
}

static zooid_packed packed_log(zooid_handle *handle)
{
    zooid_packed p = {NULL, 0, 0, false};
    zooid_log_line *line = zooid_handle_next_log(handle);
    if (line == NULL)
        return p;
    put_32(&p, line->level);
    put_32(&p, line->missed);
    put_text(&p, line->text);
    free(line);
    return p;
}

/* A text that ends with a zero, of one that has a length. */
static char *ended_text(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

/* Functions whose reply is their result. */
#define PACKED(name, parameters, arguments)      \
    static zooid_packed packed_##name parameters \
    {                                            \
        zooid_reply *reply = NULL;               \
        (void)zooid_##name arguments;            \
        return packed_reply(reply);              \
    }
PACKED(perform, (zooid_client * client, zooid_request *taken, uint32_t ms), (client, taken, ms, &reply))
PACKED(get, (zooid_client * client, const char *path, uint32_t ms), (client, path, ms, &reply))
PACKED(repeat_logins, (zooid_client * client, zooid_client *from, uint32_t ms), (client, from, ms, &reply))
PACKED(backup, (zooid_client * client, int fd, uint32_t ms), (client, fd, ms, &reply))
PACKED(cache_get, (zooid_cache * cache, const char *path), (cache, path, &reply))
PACKED(cache_list, (zooid_cache * cache, const char *path), (cache, path, &reply))

/* The handle's address; when that is NULL, the reply that tells why. */
static zooid_packed packed_open(const char *socket, const char *name, uint32_t connect_ms, uint32_t session_timeout_ms,
                                uint32_t watchdog_ms, uint32_t linger_ms, int64_t resume_id, const void *data,
                                size_t len, uint32_t logins_max)
{
    zooid_packed p = {NULL, 0, 0, false};
    zooid_reply *why = NULL;
    zooid_handle *handle = zooid_handle_open(socket, name, connect_ms, session_timeout_ms, watchdog_ms, linger_ms,
                                             resume_id, data, len, logins_max, &why);
    put_64(&p, (int64_t)(uintptr_t)handle);
    if (p.failed)
        zooid_handle_free(handle);
    else if (handle == NULL)
        put_reply(&p, why);
    return p;
}

/* The session's id and its token; 0 and nothing without one. */
static zooid_packed packed_session_key(zooid_client *client)
{
    zooid_packed p = {NULL, 0, 0, false};
    struct session_key key = session_key_of(client);
    put_64(&p, key.id);
    put_data(&p, key.token, key.id == 0 ? 0 : key.len);
    return p;
}
