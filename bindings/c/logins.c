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
    if (c->login_count == LINK_LOGINS_MAX)
        say(c, ZOOID_LOG_ERROR, "this login will not outlive a reconnect: there are %d already", LINK_LOGINS_MAX);
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

void logins_free(zooid_client *c)
{
    while (c->logins != NULL) {
        struct login *gone = c->logins;
        c->logins = gone->next;
        free_login(gone);
    }
}
