/* client.c - the client as a whole: made, closed, asked for its state; and the thread that works while nobody else
 * does. */
#include "bindings/c/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/zooid/zooid.sock"

enum { LINE_MAX_LEN = 512, IDLE_MS = 200 };

/* How many forks lead from the process that loaded the library to this one. To ask the kernel who one is costs more
 * than many a call. */
static atomic_uint forks;
static pthread_once_t begins = PTHREAD_ONCE_INIT;
static bool has_begun;

static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void begin(void)
{
    has_begun = messages_prepare() && pthread_atfork(NULL, NULL, count_fork) == 0;
}

bool is_ours(const zooid_client *c)
{
    return c->forks == atomic_load_explicit(&forks, memory_order_relaxed);
}

void say(zooid_client *c, enum zooid_log_level level, const char *format, ...)
{
    char line[LINE_MAX_LEN];
    va_list arguments;
    if (c->log == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    c->log(c->log_context, level, line);
}

/* -- the thread --------------------------------------------------------------------------------------------------- */

/* Callers work the socket themselves while they wait. This one looks in between, so that a broken connection is made
 * again, deadlines are kept, and what the agent sends does not pile up at a client that is busy with something else. */
static void *work_in_between(void *context)
{
    zooid_client *c = context;
    pthread_mutex_lock(&c->lock);
    while (!c->closing) {
        int64_t until_ms = now_ms() + IDLE_MS;
        struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = (long)(until_ms % 1000) * 1000000};
        (void)pthread_cond_timedwait(&c->idle, &c->lock, &until);
        if (!c->closing && !c->driven)
            link_work_locked(c, true);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Signals are the program's. */
static bool start_thread(zooid_client *c)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    c->has_thread = pthread_create(&c->thread, NULL, work_in_between, c) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return c->has_thread;
}

/* -- made and closed ---------------------------------------------------------------------------------------------- */

static const char *socket_of(const struct zooid_options *o)
{
    const char *named = getenv("ZOOID_SOCKET");
    if (o->socket != NULL)
        return o->socket;
    return named != NULL && named[0] != '\0' ? named : DEFAULT_SOCKET;
}

/* What is no number is not followed. */
static uint32_t awake_us_of(const struct zooid_options *o)
{
    enum { USUAL_US = 100, MAX_US = 10000 };
    const char *named = getenv("ZOOID_AWAKE_US");
    unsigned long us = o->awake_us;
    if (us == ZOOID_AWAKE_USUAL) {
        bool is_number = named != NULL && named[0] != '\0' && named[strspn(named, "0123456789")] == '\0';
        us = is_number ? strtoul(named, NULL, 10) : USUAL_US;
    }
    return us < MAX_US ? (uint32_t)us : MAX_US;
}

static bool init_locks(zooid_client *c)
{
    pthread_condattr_t attributes;
    bool good = pthread_condattr_init(&attributes) == 0;
    good = good && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0;
    good = good && pthread_mutex_init(&c->lock, NULL) == 0;
    good = good && pthread_cond_init(&c->changed, &attributes) == 0 && pthread_cond_init(&c->idle, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return good;
}

static bool open_descriptors(zooid_client *c)
{
    struct epoll_event interest = {.events = EPOLLIN};
    c->waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->descriptor = epoll_create1(EPOLL_CLOEXEC);
    return c->waker >= 0 && c->doorbell >= 0 && c->descriptor >= 0 &&
           epoll_ctl(c->descriptor, EPOLL_CTL_ADD, c->doorbell, &interest) == 0;
}

static void client_free(zooid_client *c)
{
    const int descriptors[] = {c->socket, c->waker, c->doorbell, c->descriptor};
    for (size_t i = 0; i < COUNT_OF(descriptors); i++)
        if (descriptors[i] >= 0)
            (void)close(descriptors[i]);
    tasks_free(c);
    events_free(c->first_event);
    watches_free(c);
    logins_free(c);
    message_chunk_leave(c->chunk);
    free(c->in.data);
    free(c->out.data);
    free(c->socket_path);
    free(c->name);
    free(c->refusal_text);
    free(c);
}

static zooid_client *client_new(const struct zooid_options *o)
{
    extern char *program_invocation_short_name;
    if (pthread_once(&begins, begin) != 0 || !has_begun)
        return NULL;
    zooid_client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->socket = c->waker = c->doorbell = c->descriptor = -1;
    c->calls.next = c->calls.prev = &c->calls;
    c->calls_due_ms = INT64_MAX;
    c->last_ticket = LINK_LAST_CALL;
    c->last_event = &c->first_event;
    c->events_max = 65536;
    c->resume_at_ms = c->restore_at_ms = INT64_MAX;
    c->watches_lost_at = -1;
    c->forks = atomic_load(&forks);
    c->session_timeout_ms = o->session_timeout_ms;
    c->linger_ms = o->linger_ms;
    c->watchdog_ms = o->watchdog_ms;
    c->awake_us = awake_us_of(o);
    c->session_id = c->inherited_session = o->resume_id;
    c->wants_session = o->resume_id != 0;
    c->token_len = o->resume_token == NULL ? 0 : o->resume_token_len;
    memcpy(c->token, o->resume_token == NULL ? c->token : o->resume_token, c->token_len);
    c->logins_max = o->logins_max < LINK_LOGINS_MAX ? o->logins_max : LINK_LOGINS_MAX;
    c->log = o->log;
    c->log_context = o->log_context;
    c->socket_path = strdup(socket_of(o));
    c->name = strdup(o->name == NULL ? program_invocation_short_name : o->name);
    if (c->socket_path == NULL || c->name == NULL || !open_descriptors(c) || !init_locks(c)) {
        client_free(c);
        return NULL;
    }
    (void)snprintf(c->absence, sizeof c->absence, "no agent answers on %s", c->socket_path);
    return c;
}

static bool is_settled(const zooid_client *c, const void *context)
{
    (void)context;
    return c->greeted || c->refused;
}

static int refuse(int code, const char *message, zooid_reply **why)
{
    if (why != NULL)
        *why = reply_new(code, message, NULL);
    return code;
}

int zooid_open(zooid_client **out, const struct zooid_options *options, zooid_reply **why)
{
    struct zooid_options o = ZOOID_OPTIONS_INIT;
    if (options != NULL)
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    if (o.resume_token_len > sizeof((zooid_client *)NULL)->token)
        return refuse(ZOOID_BAD_ARGUMENTS, "that is no token of a session", why);
    zooid_client *c = client_new(&o);
    if (c == NULL)
        return refuse(ZOOID_NO_MEMORY, NULL, why);
    pthread_mutex_lock(&c->lock);
    bool settled = o.connect_ms == 0 ||
                   drive_until_locked(c, deadline_of(o.connect_ms), AWAITED_EVENT, is_settled, NULL);
    bool good = settled && !c->refused && start_thread(c);
    pthread_mutex_unlock(&c->lock);
    if (good) {
        *out = c;
        return ZOOID_OK;
    }
    int code = c->refused ? refuse(c->refusal, c->refusal_text, why)
               : settled  ? refuse(ZOOID_NO_MEMORY, "no thread could be started", why)
                          : refuse(ZOOID_CONNECTION_LOST, c->absence, why);
    client_free(c);
    return code;
}

static void close_session(zooid_client *c)
{
    pthread_mutex_lock(&c->lock);
    bool has_one = c->session_id != 0 && c->session_state != ZOOID_SESSION_LOST && c->linger_ms == 0 && c->socket >= 0;
    pthread_mutex_unlock(&c->lock);
    if (has_one)
        (void)zooid_perform(c, zooid_request_close_session(), 1000, NULL);
}

/* Whoever waits is sent home: requests are answered, and those that wait for events see that it is closing. */
void zooid_shutdown(zooid_client *c)
{
    if (c == NULL || !is_ours(c))
        return;
    close_session(c);
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    tasks_close_locked(c);
    calls_fail_locked(c, ZOOID_CLOSED, NULL);
    link_close_locked(c);
    wake_locked(c);
    pthread_cond_broadcast(&c->idle);
    pthread_mutex_unlock(&c->lock);
}

void zooid_close(zooid_client *c)
{
    if (c == NULL)
        return;
    if (!is_ours(c)) {
        client_free(c);
        return;
    }
    zooid_shutdown(c);
    if (c->has_thread)
        (void)pthread_join(c->thread, NULL);
    (void)pthread_cond_destroy(&c->changed);
    (void)pthread_cond_destroy(&c->idle);
    (void)pthread_mutex_destroy(&c->lock);
    client_free(c);
}

/* -- asked -------------------------------------------------------------------------------------------------------- */

/* To look is not to change, whatever the lock thinks. False: a child cannot even look, for whoever had the lock at the
 * fork is not there to give it back. */
static bool lock_const(const zooid_client *c)
{
    return is_ours(c) && pthread_mutex_lock((pthread_mutex_t *)&c->lock) == 0;
}

static void unlock_const(const zooid_client *c)
{
    pthread_mutex_unlock((pthread_mutex_t *)&c->lock);
}

/* The agent tells how long the session is good with each touch of it: what has not come in time cannot be relied on. */
enum zooid_session_state zooid_session_state(const zooid_client *c)
{
    if (!lock_const(c))
        return ZOOID_SESSION_NONE;
    enum zooid_session_state state = c->session_state;
    if (state == ZOOID_SESSION_GOOD && boot_ms() > c->good_until_ms)
        state = ZOOID_SESSION_SUSPENDED;
    unlock_const(c);
    return state;
}

int64_t zooid_session_id(const zooid_client *c)
{
    if (!lock_const(c))
        return 0;
    int64_t id = c->session_state == ZOOID_SESSION_LOST ? 0 : c->session_id;
    unlock_const(c);
    return id;
}

size_t zooid_session_token(const zooid_client *c, void *token, size_t size)
{
    if (!lock_const(c))
        return 0;
    bool has_one = c->session_id != 0 && c->session_state != ZOOID_SESSION_LOST;
    size_t len = has_one ? c->token_len : 0;
    if (len > 0 && len <= size)
        memcpy(token, c->token, len);
    unlock_const(c);
    return len;
}

uint64_t zooid_session_good_until_ms(const zooid_client *c)
{
    if (!lock_const(c))
        return 0;
    uint64_t until = c->good_until_ms;
    unlock_const(c);
    return until;
}

uint32_t zooid_client_port(const zooid_client *c)
{
    if (!lock_const(c))
        return 0;
    uint32_t port = c->client_port;
    unlock_const(c);
    return port;
}

int64_t zooid_last_zxid(const zooid_client *c)
{
    if (!lock_const(c))
        return 0;
    int64_t zxid = c->last_zxid;
    unlock_const(c);
    return zxid;
}
