/* abi.c - a plugin of another time: built with what its flags say of its descriptor. */
#include <stddef.h>
#include <stdint.h>
#include <zooid_plugin.h>

#ifndef ABI
#define ABI ZOOID_PLUGIN_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(struct zooid_plugin)
#endif
#ifndef API_SIZE
#define API_SIZE sizeof(struct zooid_host_api)
#endif
#ifndef START
#define START start
#endif
#ifndef SYMBOL
#define SYMBOL zooid_plugin
#endif

/* Structs that stand in arrays never grow; the others do at their ends, beyond the padding that was there. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(struct zooid_plugin_stat) == 72 && sizeof(struct zooid_plugin_node) == 104, "they have no size");
_Static_assert(offsetof(struct zooid_plugin_reply, node_kinds) == 80, "the size of a reply before");
_Static_assert(offsetof(struct zooid_plugin_change, node_kind) == 136, "the size of a change before");
#endif

static int start(const struct zooid_host_api *api, zooid_host *host, void **state)
{
    *state = NULL;
    api->log(host, ZOOID_PLUGIN_INFO, api->size >= API_SIZE ? "it runs" : "the table is too small");
    return ZOOID_PLUGIN_READY;
}

int (*const unused)(const struct zooid_host_api *, zooid_host *, void **) = start;

/* Behind the end of an older descriptor stands what is none of the host's business. */
static void not_a_stop(void *state)
{
    (void)state;
    __builtin_trap();
}

ZOOID_PLUGIN_EXPORT const struct zooid_plugin SYMBOL = {
    .abi = ABI,
    .size = SIZE,
    .api_size = API_SIZE,
    .name = "abi",
    .version = "1.0",
    .start = START,
#ifdef OLD
    .stop = not_a_stop,
#endif
};

void (*const unused_stop)(void *) = not_a_stop;
