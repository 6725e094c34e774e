/* link.c - the socket to the agent: connected, greeted, read, written; and what has to be done again after a break. */
#include "bindings/c/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TO(name)   ZOOID__LOCAL__TO_AGENT__BODY_##name
#define FROM(name) ZOOID__LOCAL__FROM_AGENT__BODY_##name

enum { RETRY_MS_FIRST = 10, RETRY_MS_MAX = 1000, READ_AT_ONCE = 64 * 1024 };

/* -- numbers in big-endian order -------------------------------------------------------------------------------------
 */

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* -- the end ----------------------------------------------------------------------------------------------------------
 */

void link_close_locked(zooid_client *c)
{
    if (c->socket < 0)
        return;
    (void)close(c->socket); /* which takes it out of the epoll, too */
    c->socket = -1;
    c->greeted = c->resuming = c->restoring_watches = false;
    watches_lost_locked(c);
    c->resume_at_ms = c->restore_at_ms = INT64_MAX;
    c->in.len = c->out.len = 0;
    wake_locked(c); /* nobody may go on waiting for it */
}

static void tell_session_locked(zooid_client *c, enum zooid_session_state state)
{
    if (c->session_state == state)
        return;
    c->session_state = state;
    tasks_look_locked(c);
    struct zooid_event *event = event_new(ZOOID_EVENT_SESSION);
    if (event != NULL)
        event->session_state = state;
    event_push_locked(c, event);
}

static void lost_locked(zooid_client *c, const char *why)
{
    bool is_news = c->greeted || c->retry_ms == 0; /* that it is still away is not */
    say(c, is_news ? ZOOID_LOG_WARNING : ZOOID_LOG_DEBUG, "the connection to the agent is lost: %s", why);
    (void)snprintf(c->absence, sizeof c->absence, "no agent answers on %s: %s", c->socket_path, why);
    link_close_locked(c);
    c->retry_ms = c->retry_ms == 0 ? RETRY_MS_FIRST : c->retry_ms * 2 > RETRY_MS_MAX ? RETRY_MS_MAX : c->retry_ms * 2;
    c->retry_at_ms = now_ms() + c->retry_ms;
    calls_lost_locked(c);
    if (c->session_state == ZOOID_SESSION_GOOD)
        tell_session_locked(c, ZOOID_SESSION_SUSPENDED);
    wake_locked(c);
}

/* -- sending ----------------------------------------------------------------------------------------------------------
 */

bool link_send_locked(zooid_client *c, const to_agent *m)
{
    return c->socket >= 0 && message_write(&c->out, m);
}

static void flush_locked(zooid_client *c)
{
    size_t sent = 0;
    while (sent < c->out.len) {
        ssize_t n = send(c->socket, c->out.data + sent, c->out.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            sent += (size_t)n;
        } else if (n < 0 && errno != EINTR) {
            break; /* the reader will see what it is, unless it is only full */
        }
    }
    row_consume(&c->out, sent);
}

/* -- the beginning
 * ------------------------------------------------------------------------------------------------------ */

static bool greet_locked(zooid_client *c)
{
    to_agent m = ZOOID__LOCAL__TO_AGENT__INIT;
    Zooid__Local__Hello hello = ZOOID__LOCAL__HELLO__INIT;
    hello.client = c->name;
    hello.has_frame_max = true;
    hello.frame_max = FRAME_MAX;
    m.body_case = TO(HELLO);
    m.hello = &hello;
    return link_send_locked(c, &m);
}

void link_describe_session_locked(zooid_client *c, Zooid__Local__OpenSession *open)
{
    open->has_timeout_ms = true;
    open->timeout_ms = c->session_timeout_ms;
    open->has_linger_ms = open->has_watchdog_ms = true;
    open->linger_ms = c->linger_ms;
    open->watchdog_ms = c->watchdog_ms;
    open->has_resume_id = open->has_resume_token = c->session_id != 0;
    open->resume_id = c->session_id;
    open->resume_token = (ProtobufCBinaryData){c->token_len, c->token};
}

/* The session comes before everything else: what follows may need it. Its reply has a number that no call has. */
bool link_open_session_locked(zooid_client *c)
{
    to_agent m = ZOOID__LOCAL__TO_AGENT__INIT;
    Zooid__Local__OpenSession open = ZOOID__LOCAL__OPEN_SESSION__INIT;
    if (!c->wants_session)
        return true;
    link_describe_session_locked(c, &open);
    m.has_id = true;
    m.id = LINK_SESSION_CALL;
    m.body_case = TO(OPEN_SESSION);
    m.open_session = &open;
    c->resuming = c->session_id != 0;
    c->resume_at_ms = INT64_MAX;
    return link_send_locked(c, &m);
}

static bool show_socket_locked(zooid_client *c)
{
    struct epoll_event interest = {.events = EPOLLIN};
    return !c->is_polled || epoll_ctl(c->descriptor, EPOLL_CTL_ADD, c->socket, &interest) == 0;
}

void link_polled_locked(zooid_client *c)
{
    if (c->socket >= 0 && !show_socket_locked(c))
        lost_locked(c, strerror(errno));
}

static void connect_locked(zooid_client *c)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(c->socket_path);
    if (len >= sizeof address.sun_path) {
        c->refused = true;
        c->refusal = ZOOID_BAD_ARGUMENTS;
        return;
    }
    memcpy(address.sun_path, c->socket_path, len);
    c->link_number++;
    c->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->socket < 0 || connect(c->socket, (const struct sockaddr *)&address, sizeof address) != 0 ||
        !show_socket_locked(c) || !greet_locked(c) || !logins_repeat_locked(c) || !link_open_session_locked(c)) {
        lost_locked(c, strerror(errno));
        return;
    }
    watches_restore_locked(c);
}

/* -- what comes
 * -------------------------------------------------------------------------------------------------------- */

void link_session_opened_locked(zooid_client *c, const Zooid__Local__Session *session)
{
    c->wants_session = true;
    c->resuming = false;
    c->session_id = session->id;
    c->good_until_ms = session->good_until_ms;
    c->token_len = session->token.len < sizeof c->token ? session->token.len : sizeof c->token;
    memcpy(c->token, session->token.data, c->token_len);
    tell_session_locked(c, ZOOID_SESSION_GOOD);
    watches_restore_locked(c);
}

/* The session is over: another one, for whatever needs one. */
static void begin_anew_locked(zooid_client *c)
{
    c->session_id = 0;
    (void)link_open_session_locked(c);
}

static void take_session_locked(zooid_client *c, const from_agent *m)
{
    if (m->error == NULL && m->body_case == FROM(SESSION_OPENED)) {
        link_session_opened_locked(c, m->session_opened);
        return;
    }
    if (m->error != NULL && m->error->retry) {
        /* The agent does not serve yet. A session that has not begun is asked for again by what needs one. */
        c->wants_session = c->resuming;
        c->resume_at_ms = c->resuming ? now_ms() + LINK_AGAIN_MS : INT64_MAX;
        return;
    }
    c->wants_session = m->error != NULL && m->error->code == ZOOID_SESSION_EXPIRED;
    c->resuming = false;
    tell_session_locked(c, ZOOID_SESSION_LOST);
    begin_anew_locked(c);
}

static void take_session_event_locked(zooid_client *c, const Zooid__Local__SessionEvent *event)
{
    static const enum zooid_session_state states[] = {ZOOID_SESSION_NONE, ZOOID_SESSION_GOOD, ZOOID_SESSION_SUSPENDED,
                                                      ZOOID_SESSION_LOST};
    if ((size_t)event->session_state >= COUNT_OF(states))
        return;
    c->good_until_ms = event->good_until_ms;
    c->session_id = event->id;
    tasks_look_locked(c);
    tell_session_locked(c, states[event->session_state]);
    if (states[event->session_state] == ZOOID_SESSION_LOST)
        begin_anew_locked(c);
    if (event->session_state == ZOOID__LOCAL__SESSION_STATE__SESSION_GOOD)
        watches_restore_locked(c);
}

static void take_watch_locked(zooid_client *c, const from_agent *m)
{
    const Zooid__Local__WatchEvent *w = m->watch;
    static const enum zooid_change changes[] = {[ZOOID__LOCAL__EVENT_KIND__EVENT_CREATED] = ZOOID_CREATED,
                                                [ZOOID__LOCAL__EVENT_KIND__EVENT_DELETED] = ZOOID_DELETED,
                                                [ZOOID__LOCAL__EVENT_KIND__EVENT_CHANGED] = ZOOID_CHANGED,
                                                [ZOOID__LOCAL__EVENT_KIND__EVENT_CHILDREN] = ZOOID_CHILDREN_CHANGED,
                                                [ZOOID__LOCAL__EVENT_KIND__EVENT_REMOVED] = ZOOID_WATCH_REMOVED};
    if (w->path == NULL || (size_t)w->kind >= COUNT_OF(changes))
        return;
    unsigned owners = watches_fired_locked(c, (int)w->kind, w->path);
    if ((owners & WATCH_OF_TASKS) != 0)
        tasks_changed_locked(c, changes[w->kind], w->path);
    struct zooid_event *event = owners == WATCH_OF_TASKS ? NULL : event_new(ZOOID_EVENT_WATCH);
    if (event == NULL)
        return;
    event->change = changes[w->kind];
    event->zxid = w->zxid;
    event->path = strdup(w->path);
    event_push_locked(c, event);
}

static void take_welcome_locked(zooid_client *c, const Zooid__Local__Welcome *welcome)
{
    c->greeted = true;
    c->retry_ms = 0;
    c->client_port = welcome->client_port;
    say(c, ZOOID_LOG_INFO, "connected to %s on %s", welcome->agent == NULL ? "an agent" : welcome->agent,
        c->socket_path);
    wake_locked(c);
}

/* Some goodbyes are for good: to come again would change nothing. */
static void take_goodbye_locked(zooid_client *c, const Zooid__Local__Goodbye *goodbye)
{
    const Zooid__Local__Error *error = goodbye->error;
    int code = error == NULL ? ZOOID_CONNECTION_LOST : error->code;
    say(c, ZOOID_LOG_WARNING, "the agent ends the connection: %s",
        error == NULL || error->message == NULL ? zooid_code_text(code) : error->message);
    c->refused = code == ZOOID_WRONG_VERSION || code == ZOOID_NOT_PERMITTED;
    if (!c->refused)
        return;
    free(c->refusal_text);
    c->refusal = code;
    c->refusal_text = error->message == NULL ? NULL : strdup(error->message);
    calls_fail_locked(c, code, c->refusal_text);
    wake_locked(c);
}

static bool ends_watches(const from_agent *m)
{
    return m->body_case == FROM(SESSION) && m->session->session_state != ZOOID__LOCAL__SESSION_STATE__SESSION_GOOD;
}

/* False: as calls_take_locked. */
static bool take_message_locked(zooid_client *c, from_agent *m, size_t size)
{
    if (m->has_id && m->id > LINK_LAST_CALL)
        return calls_take_locked(c, m, size);
    if (ends_watches(m))
        watches_lost_locked(c); /* before the zxid at which it says so: up to there much may have gone untold */
    if (m->state != NULL && m->state->zxid > c->last_zxid)
        c->last_zxid = m->state->zxid;
    if (m->has_id && m->id == LINK_SESSION_CALL)
        take_session_locked(c, m);
    else if (m->has_id && m->id == LINK_WATCHES_CALL)
        watches_restored_locked(c, m);
    else if (m->has_id && m->id >= LINK_LOGIN_CALLS)
        logins_repeated_locked(c, m);
    else if (m->body_case == FROM(WELCOME))
        take_welcome_locked(c, m->welcome);
    else if (m->body_case == FROM(GOODBYE))
        take_goodbye_locked(c, m->goodbye);
    else if (m->body_case == FROM(SESSION))
        take_session_event_locked(c, m->session);
    else if (m->body_case == FROM(WATCH))
        take_watch_locked(c, m);
    else if (m->body_case == FROM(INVOKE)) {
        provide_take_locked(c, m);
        return true;
    }
    message_free(m);
    return true;
}

/* False: what came is no message of ours, or memory ran out for it. */
static bool take_frames_locked(zooid_client *c)
{
    size_t at = 0;
    while (c->in.len - at >= FRAME_LEN) {
        uint32_t len = get32(c->in.data + at);
        if (len == 0 || len > FRAME_MAX)
            return false;
        if (c->in.len - at - FRAME_LEN < len)
            break;
        from_agent *m = message_read(&c->chunk, c->in.data + at + FRAME_LEN, len);
        if (m == NULL)
            return false;
        at += FRAME_LEN + len;
        if (!take_message_locked(c, m, FRAME_LEN + (size_t)len))
            return false;
    }
    row_consume(&c->in, at);
    return true;
}

static void read_locked(zooid_client *c)
{
    while (c->socket >= 0) {
        if (!row_reserve(&c->in, READ_AT_ONCE)) {
            lost_locked(c, "out of memory");
            return;
        }
        ssize_t n = recv(c->socket, c->in.data + c->in.len, c->in.cap - c->in.len, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            lost_locked(c, n == 0 ? "the agent has closed it" : strerror(errno));
            return;
        }
        bool filled = (size_t)n == c->in.cap - c->in.len;
        c->in.len += (size_t)n;
        if (!take_frames_locked(c))
            lost_locked(c, "what the agent sent cannot be taken");
        if (!filled)
            return;
    }
}

/* -- working it
 * --------------------------------------------------------------------------------------------------------- */

static void send_all_locked(zooid_client *c)
{
    if (c->socket >= 0)
        calls_send_locked(c);
    if (c->out.len > 0)
        flush_locked(c);
}

/* The clock is not looked at for what is never due. */
static bool is_due(int64_t at_ms)
{
    return at_ms != INT64_MAX && now_ms() >= at_ms;
}

void link_work_locked(zooid_client *c, bool read)
{
    if (c->socket < 0 && !c->closing && !c->refused && now_ms() >= c->retry_at_ms)
        connect_locked(c);
    if (c->refused)
        calls_fail_locked(c, c->refusal, c->refusal_text);
    if (is_due(c->resume_at_ms))
        (void)link_open_session_locked(c);
    if (is_due(c->restore_at_ms))
        watches_restore_locked(c);
    bool held = c->resuming;
    send_all_locked(c);
    if (read && c->socket >= 0)
        read_locked(c);
    (void)calls_expire_locked(c);
    bool asked = !c->closing && tasks_work_locked(c);
    if (asked || (held && !c->resuming))
        send_all_locked(c);
}

int64_t link_due_locked(const zooid_client *c)
{
    int64_t again = c->resume_at_ms < c->restore_at_ms ? c->resume_at_ms : c->restore_at_ms;
    int64_t tasks = tasks_due_locked(c), retry = c->socket >= 0 ? again : c->retry_at_ms;
    return c->closing || c->refused || tasks < retry ? tasks : retry;
}
