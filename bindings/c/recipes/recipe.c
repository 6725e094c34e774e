/* recipe.c - names, paths and sessions, for all recipes. */
#include "bindings/c/recipes/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

bool unique_name(char name[UNIQUE_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[UNIQUE_LEN / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++) {
        name[2 * i] = digits[bytes[i] >> 4];
        name[2 * i + 1] = digits[bytes[i] & 15];
    }
    name[UNIQUE_LEN] = '\0';
    return true;
}

char *path_join(const char *parent, const char *name, const char *suffix)
{
    size_t size = strlen(parent) + strlen(name) + strlen(suffix) + 2;
    char *path = malloc(size);
    if (path != NULL)
        (void)snprintf(path, size, "%s/%s%s", parent, name, suffix);
    return path;
}

char *text_join(const char *first, const char *second)
{
    size_t size = strlen(first) + strlen(second) + 1;
    char *text = malloc(size);
    if (text != NULL)
        (void)snprintf(text, size, "%s%s", first, second);
    return text;
}

bool path_is_usable(const char *path)
{
    return path != NULL && path[0] == '/' && path[1] != '\0' && path[strlen(path) - 1] != '/';
}

void *object_new(const zooid_client *c, const char *path, size_t size)
{
    return path_is_usable(path) && is_ours(c) ? calloc(1, size) : NULL;
}

/* -- parents ----------------------------------------------------------------------------------------------------------
 */

static size_t level_of(const struct ensuring *e, const char *path)
{
    return e->level == 0 ? strlen(path) : e->level;
}

zooid_request *ensuring_ask(const struct ensuring *e, const char *path)
{
    char *level = strndup(path, level_of(e, path));
    zooid_request *request = level == NULL ? NULL : zooid_request_create(level, "", 0, ZOOID_PERSISTENT);
    free(level);
    return request;
}

int ensuring_answered(struct ensuring *e, const char *path, int code, int then)
{
    size_t level = level_of(e, path);
    if (code == ZOOID_NO_NODE) {
        while (level > 0 && path[--level] != '/')
            continue;
        e->level = level;
        return level == 0 ? TASK_FAILED : TASK_AGAIN;
    }
    e->level = 0;
    if (code != ZOOID_OK && code != ZOOID_NODE_EXISTS)
        return TASK_FAILED;
    if (path[level] == '\0')
        return then;
    const char *next = strchr(path + level + 1, '/');
    e->level = next == NULL ? 0 : (size_t)(next - path);
    return TASK_AGAIN;
}

/* -- sessions ---------------------------------------------------------------------------------------------------------
 */

bool session_is_good_locked(const zooid_client *c, int64_t session)
{
    return c->session_state != ZOOID_SESSION_LOST && c->session_id == session && boot_ms() < c->good_until_ms;
}

bool session_is_over_locked(const zooid_client *c, int64_t session)
{
    return session != 0 && (c->session_state == ZOOID_SESSION_LOST || c->session_id != session);
}

/* -- requests and replies ---------------------------------------------------------------------------------------------
 */

zooid_reply *reply_with_number(uint64_t number, const char *path)
{
    zooid_reply *reply = reply_new(ZOOID_OK, NULL, path);
    if (reply != NULL)
        reply->number = number;
    return reply;
}

zooid_request *with_watch(zooid_request *request)
{
    (void)zooid_request_set_watch(request);
    return request;
}

zooid_request *with_latest(zooid_request *request)
{
    const struct zooid_freshness latest = {.latest = true};
    if (request != NULL && zooid_request_set_freshness(request, &latest) != ZOOID_OK) {
        zooid_request_free(request);
        return NULL;
    }
    return request;
}
