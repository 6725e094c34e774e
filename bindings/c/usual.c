/* usual.c - the usual requests, each made and performed in one. */
#include "bindings/c/internal.h"

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
