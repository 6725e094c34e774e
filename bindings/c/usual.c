/* usual.c - the usual requests, each made and performed in one, and those that take more than one request. */
#include "bindings/c/internal.h"

#include <stdlib.h>

int zooid_get(zooid_client *c, const char *path, uint32_t deadline_ms, zooid_reply **reply)
{
    return zooid_perform(c, zooid_request_get(path), deadline_ms, reply);
}

int zooid_exists(zooid_client *c, const char *path, uint32_t deadline_ms, zooid_reply **reply)
{
    return zooid_perform(c, zooid_request_exists(path), deadline_ms, reply);
}

int zooid_list(zooid_client *c, const char *path, uint32_t deadline_ms, zooid_reply **reply)
{
    return zooid_perform(c, zooid_request_list(path), deadline_ms, reply);
}

int zooid_set(zooid_client *c, const char *path, const void *data, size_t len, int32_t version, uint32_t deadline_ms,
              zooid_reply **reply)
{
    return zooid_perform(c, zooid_request_set(path, data, len, version), deadline_ms, reply);
}

int zooid_create(zooid_client *c, const char *path, const void *data, size_t len, enum zooid_node_kind kind,
                 uint32_t deadline_ms, zooid_reply **reply)
{
    return zooid_perform(c, zooid_request_create(path, data, len, kind), deadline_ms, reply);
}

int zooid_delete(zooid_client *c, const char *path, int32_t version, uint32_t deadline_ms, zooid_reply **reply)
{
    return zooid_perform(c, zooid_request_delete(path, version), deadline_ms, reply);
}

int zooid_sync(zooid_client *c, uint32_t deadline_ms, zooid_reply **reply)
{
    return zooid_perform(c, zooid_request_sync("/"), deadline_ms, reply);
}

/* -- more than one request ------------------------------------------------------------------------------------------
 */

uint32_t left_of(int64_t deadline)
{
    if (deadline == INT64_MAX)
        return ZOOID_NO_DEADLINE;
    int64_t left = deadline - now_ms();
    return left <= 0 ? 0 : (uint32_t)left;
}

/* The last reply is the caller's; the ones before it are freed. */
static int keep(zooid_reply **kept, zooid_reply *reply)
{
    zooid_reply_free(*kept);
    *kept = reply;
    return zooid_reply_code(reply);
}

static int hand_over(zooid_reply *kept, int code, zooid_reply **reply)
{
    if (reply != NULL)
        *reply = kept;
    else
        zooid_reply_free(kept);
    return code;
}

/* An outcome that means that the node is there, or gone, which is all that was wanted. */
static int settle(zooid_reply **kept, int code, int as_good)
{
    if (code != as_good)
        return code;
    zooid_reply *fine = reply_new(ZOOID_OK, NULL, zooid_reply_path(*kept));
    if (fine == NULL)
        return ZOOID_NO_MEMORY;
    return keep(kept, fine);
}

int zooid_ensure_path(zooid_client *c, const char *path, uint32_t deadline_ms, zooid_reply **reply)
{
    int64_t deadline = deadline_of(deadline_ms);
    zooid_reply *kept = NULL, *one = NULL;
    char *prefix = strdup(path);
    if (prefix == NULL)
        return hand_over(NULL, ZOOID_NO_MEMORY, reply);
    (void)zooid_exists(c, path, left_of(deadline), &one);
    int code = keep(&kept, one);
    for (char *at = prefix; code == ZOOID_NO_NODE && at != NULL;) {
        at = strchr(at + 1, '/');
        if (at != NULL)
            *at = '\0';
        (void)zooid_create(c, prefix, "", 0, ZOOID_PERSISTENT, left_of(deadline), &one);
        code = settle(&kept, keep(&kept, one), ZOOID_NODE_EXISTS);
        if (at != NULL) {
            *at = '/';
            code = code == ZOOID_OK ? ZOOID_NO_NODE : code; /* there is more of it */
        }
    }
    free(prefix);
    return hand_over(kept, code, reply);
}

/* Children before their parents: the other way round than a subtree comes. */
int zooid_delete_recursive(zooid_client *c, const char *path, uint32_t deadline_ms, zooid_reply **reply)
{
    int64_t deadline = deadline_of(deadline_ms);
    zooid_reply *below = NULL, *kept = NULL, *one = NULL;
    zooid_request *request = zooid_request_subtree(path, 0);
    (void)zooid_request_set_without_data(request);
    int code = zooid_perform(c, request, left_of(deadline), &below);
    if (code != ZOOID_OK) {
        code = settle(&below, code, ZOOID_NO_NODE);
        return hand_over(below, code, reply);
    }
    for (size_t i = zooid_reply_node_count(below); i > 0 && code == ZOOID_OK; i--) {
        (void)zooid_delete(c, zooid_reply_node(below, i - 1)->path, ZOOID_ANY_VERSION, left_of(deadline), &one);
        code = settle(&kept, keep(&kept, one), ZOOID_NO_NODE);
    }
    zooid_reply_free(below);
    return hand_over(kept, code, reply);
}
