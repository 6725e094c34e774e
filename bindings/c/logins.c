/* logins.c - what this client has logged in as, so that it is that on the next connection, too. */
#include "bindings/c/internal.h"

#include <stdlib.h>

#define BODY(name) ZOOID__LOCAL__TO_AGENT__BODY_##name

struct login {
    struct login *next;
    char *scheme;
    size_t len;
    uint8_t auth[];
};

static bool is_known(const zooid_client *c, const Zooid__Local__Auth *auth)
{
    for (const struct login *l = c->logins; l != NULL; l = l->next)
        if (strcmp(l->scheme, auth->scheme) == 0 && l->len == auth->auth.len &&
            memcmp(l->auth, auth->auth.data, l->len) == 0)
            return true;
    return false;
}

static void free_login(struct login *l)
{
    if (l == NULL)
        return;
    explicit_bzero(l->auth, l->len);
    free(l->scheme);
    free(l);
}

/* Behind those before: they are repeated in the order in which they were made. */
static bool keep(zooid_client *c, const Zooid__Local__Auth *auth)
{
    struct login *l = calloc(1, sizeof *l + auth->auth.len);
    char *scheme = strdup(auth->scheme);
    if (l == NULL || scheme == NULL) {
        free(l);
        free(scheme);
        return false;
    }
    l->scheme = scheme;
    l->len = auth->auth.len;
    if (l->len > 0)
        memcpy(l->auth, auth->auth.data, l->len);
    struct login **last = &c->logins;
    while (*last != NULL)
        last = &(*last)->next;
    *last = l;
    c->login_count++;
    return true;
}

void logins_note_locked(zooid_client *c, const to_agent *m, int code)
{
    if (m->body_case != BODY(AUTH) || code != ZOOID_OK || m->auth->scheme == NULL || is_known(c, m->auth))
        return;
    if (c->login_count >= c->logins_max)
        say(c, ZOOID_LOG_ERROR, "this login will not outlive a reconnect: there are %u already", c->login_count);
    else if (!keep(c, m->auth))
        say(c, ZOOID_LOG_ERROR, "no memory to remember a login: it will not outlive a reconnect");
}

bool logins_repeat_locked(zooid_client *c)
{
    uint64_t number = LINK_LOGIN_CALLS;
    for (const struct login *l = c->logins; l != NULL; l = l->next) {
        to_agent m = ZOOID__LOCAL__TO_AGENT__INIT;
        Zooid__Local__Auth auth = ZOOID__LOCAL__AUTH__INIT;
        auth.scheme = l->scheme;
        auth.has_auth = true;
        auth.auth = (ProtobufCBinaryData){l->len, (uint8_t *)(uintptr_t)l->auth};
        m.has_id = true;
        m.id = number++;
        m.body_case = BODY(AUTH);
        m.auth = &auth;
        if (!link_send_locked(c, &m))
            return false;
    }
    return true;
}

void logins_repeated_locked(zooid_client *c, const from_agent *m)
{
    if (m->error != NULL)
        say(c, ZOOID_LOG_ERROR, "the agent does not take login %d any more: %s", (int)(m->id - LINK_LOGIN_CALLS) + 1,
            m->error->message == NULL ? zooid_code_text(m->error->code) : m->error->message);
}

/* -- of another client --------------------------------------------------------------------------------------------- */

static void free_requests(zooid_request **requests, size_t from)
{
    for (size_t i = from; requests[i] != NULL; i++)
        zooid_request_free(requests[i]);
    free(requests);
}

/* A request for each, NULL behind the last. NULL: out of memory. */
static zooid_request **requests_like_locked(const zooid_client *c)
{
    zooid_request **requests = calloc((size_t)c->login_count + 1, sizeof(zooid_request *));
    size_t count = 0;
    for (const struct login *l = c->logins; requests != NULL && l != NULL; l = l->next) {
        requests[count] = zooid_request_auth(l->scheme, l->auth, l->len);
        if (requests[count++] == NULL) {
            free_requests(requests, 0);
            return NULL;
        }
    }
    return requests;
}

int zooid_repeat_logins(zooid_client *c, zooid_client *from, uint32_t deadline_ms, zooid_reply **reply)
{
    if (!is_ours(from) || !is_ours(c))
        return give_reply(reply_new(ZOOID_CONNECTION_LOST, MADE_BEFORE_FORK, NULL), reply);
    pthread_mutex_lock(&from->lock);
    zooid_request **requests = requests_like_locked(from);
    uint32_t max = from->logins_max;
    pthread_mutex_unlock(&from->lock);
    if (requests == NULL)
        return give_reply(NULL, reply);
    pthread_mutex_lock(&c->lock);
    c->logins_max = max > c->logins_max ? max : c->logins_max;
    pthread_mutex_unlock(&c->lock);
    zooid_reply *answer = reply_new(ZOOID_OK, NULL, NULL);
    size_t i = 0;
    for (; requests[i] != NULL && zooid_reply_code(answer) == ZOOID_OK; i++) {
        zooid_reply_free(answer);
        (void)zooid_perform(c, requests[i], deadline_ms, &answer);
    }
    free_requests(requests, i);
    return give_reply(answer, reply);
}

void logins_free(zooid_client *c)
{
    while (c->logins != NULL) {
        struct login *gone = c->logins;
        c->logins = gone->next;
        free_login(gone);
    }
}
