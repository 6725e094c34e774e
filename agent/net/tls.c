/* tls.c - the current context, and how the next one comes to be.
 *
 * From time to time, and at a reload, another thread looks whether the files have changed and makes a context from
 * them; the loop takes it over. One such work at a time; what is asked meanwhile starts the next. */
#include "agent/net/tls.h"

#include "agent/net/tls_context.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <openssl/err.h>
#include <sys/stat.h>

enum { FILES = 4 };

/* What tells one content of the files from another. All zeros: there is no such file. */
struct stamp {
    struct {
        uint64_t device, inode, size, seconds, nanoseconds;
    } files[FILES];
};

struct work {
    uv_work_t request;
    bool running;
    bool always; /* make a context even if the files are the same */
    struct tls_options *options;
    struct stamp stamp; /* of the last look */
    bool looked_same;
    SSL_CTX *context;
    struct buffer message;
    enum status status;
};

struct tls {
    enum tls_use use;
    uv_loop_t *loop;
    const struct log_sink *log;
    SSL_CTX *context;
    uint32_t generation;
    struct tls_options *options;
    int64_t interval_ms; /* 0: files are not watched */
    uv_timer_t timer;
    bool timer_is_open, closing;
    bool again; /* a reload was asked for while work was under way */
    struct work work;
};

const char *tls_reason(void)
{
    unsigned long error = ERR_get_error();
    const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);
    ERR_clear_error();
    return reason != NULL ? reason : "the connection ended";
}

static struct stamp stamp_of(const struct tls_options *o)
{
    struct stamp stamp;
    const char *paths[FILES] = {o->key_store, o->trust_store, o->key_password_path, o->trust_password_path};
    memset(&stamp, 0, sizeof stamp);
    for (int i = 0; i < FILES; i++) {
        struct stat now;
        if (paths[i][0] == '\0' || stat(paths[i], &now) != 0)
            continue;
        stamp.files[i].device = now.st_dev;
        stamp.files[i].inode = now.st_ino;
        stamp.files[i].size = (uint64_t)now.st_size;
        stamp.files[i].seconds = (uint64_t)now.st_mtim.tv_sec;
        stamp.files[i].nanoseconds = (uint64_t)now.st_mtim.tv_nsec;
    }
    return stamp;
}

static void release(struct tls *t)
{
    SSL_CTX_free(t->context);
    tls_options_free(t->options);
    mem_free(t);
}

enum status tls_new(struct tls **out, const struct settings *settings, enum tls_use use, uv_loop_t *loop,
                    const struct log_sink *log, struct buffer *message)
{
    struct tls *t = mem_calloc(1, sizeof *t);
    if (t == NULL)
        return ST_NO_MEMORY;
    t->use = use;
    t->loop = loop;
    t->log = log;
    t->generation = 1;
    t->options = tls_options_new(settings, use);
    enum status st = ST_NO_MEMORY;
    if (t->options != NULL) {
        t->interval_ms = t->options->reload ? settings->tls_reload_interval_ms : 0;
        t->work.stamp = stamp_of(t->options);
        st = tls_context_new(&t->context, t->options, message);
    }
    if (st != ST_OK) {
        release(t);
        return st;
    }
    *out = t;
    return ST_OK;
}

/* -- making the next context --------------------------------------------------------------------------------------- */

/* On another thread. What changes while the files are read differs from the stamp, so that the next look sees it. */
static void do_work(uv_work_t *request)
{
    struct work *w = CONTAINER_OF(request, struct work, request);
    const struct stamp stamp = stamp_of(w->options);
    w->looked_same = !w->always && memcmp(&stamp, &w->stamp, sizeof stamp) == 0;
    w->stamp = stamp;
    if (!w->looked_same)
        w->status = tls_context_new(&w->context, w->options, &w->message);
}

static void take_over(struct tls *t)
{
    struct work *w = &t->work;
    if (w->status == ST_OK) {
        SSL_CTX_free(t->context); /* connections hold it as long as they need it */
        t->context = w->context;
        t->generation++;
        LOG_INFO(t->log, "tls", "%s was loaded anew", w->options->key_store);
    } else if (w->message.len > 0) {
        LOG_ERROR(t->log, "tls", "TLS stays as it was: %.*s", BYTES_PRINT(w->message));
    } else {
        LOG_ERROR(t->log, "tls", "TLS stays as it was: %s", status_text(w->status));
    }
}

static void free_if_unused(struct tls *t)
{
    if (t->closing && !t->timer_is_open && !t->work.running)
        release(t);
}

static enum status start_work(struct tls *t, bool always);

static void after_work(uv_work_t *request, int status)
{
    struct work *w = CONTAINER_OF(request, struct work, request);
    struct tls *t = CONTAINER_OF(w, struct tls, work);
    CHECK(status == 0); /* it is never cancelled */
    w->running = false;
    if (!w->looked_same)
        take_over(t);
    w->context = NULL;
    buffer_free(&w->message);
    if (w->options != t->options)
        tls_options_free(w->options);
    w->options = NULL;
    if (t->again && !t->closing)
        (void)start_work(t, true); /* cannot fail: the request is ours, and libuv's threads are there */
    free_if_unused(t);
}

static enum status start_work(struct tls *t, bool always)
{
    struct work *w = &t->work;
    t->again = w->running && (t->again || always);
    if (w->running)
        return ST_OK;
    w->always = always;
    w->options = t->options;
    w->running = uv_queue_work(t->loop, &w->request, do_work, after_work) == 0;
    if (!w->running)
        w->options = NULL;
    return w->running ? ST_OK : ST_NO_MEMORY;
}

/* -- watching ------------------------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    (void)start_work(timer->data, false); /* if not now, then the next time */
}

static void set_timer(struct tls *t)
{
    if (!t->timer_is_open)
        return;
    uv_timer_stop(&t->timer);
    if (t->interval_ms > 0)
        uv_timer_start(&t->timer, on_timer, (uint64_t)t->interval_ms, (uint64_t)t->interval_ms);
}

void tls_watch(struct tls *t)
{
    CHECK(!t->timer_is_open);
    CHECK(uv_timer_init(t->loop, &t->timer) == 0); /* only fills in the struct */
    t->timer.data = t;
    t->timer_is_open = true;
    set_timer(t);
}

enum status tls_reload(struct tls *t, const struct settings *settings)
{
    struct tls_options *fresh = tls_options_new(settings, t->use);
    if (fresh == NULL)
        return ST_NO_MEMORY;
    if (t->options != t->work.options)
        tls_options_free(t->options);
    t->options = fresh;
    t->interval_ms = fresh->reload ? settings->tls_reload_interval_ms : 0;
    set_timer(t);
    return start_work(t, true);
}

/* -- use and end --------------------------------------------------------------------------------------------------- */

struct ssl_st *tls_accept(const struct tls *t)
{
    SSL *ssl = SSL_new(t->context);
    if (ssl != NULL)
        SSL_set_accept_state(ssl);
    return ssl;
}

struct ssl_st *tls_dial(const struct tls *t)
{
    CHECK(t->use != TLS_FOR_CLIENTS); /* which may trust nobody */
    SSL *ssl = SSL_new(t->context);
    if (ssl != NULL) {
        SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
        SSL_set_connect_state(ssl);
    }
    return ssl;
}

uint32_t tls_generation(const struct tls *t)
{
    return t->generation;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct tls *t = handle->data;
    t->timer_is_open = false;
    free_if_unused(t);
}

void tls_close(struct tls *t)
{
    if (t == NULL || t->closing)
        return;
    t->closing = true;
    if (t->timer_is_open)
        uv_close((uv_handle_t *)&t->timer, on_timer_closed);
    free_if_unused(t);
}
